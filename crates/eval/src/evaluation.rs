//! What an outcome amounts to: figures with their intervals and chance floors, as JSON and as text.

mod json;
mod text;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    Comparison,
    interval::{self, Interval},
    suite::{Item, Measure, Outcome, Part},
};

/// The worst misses that are told of each part.
const MISSES: usize = 10;

/// A suite's outcome, summed up.
#[derive(Debug, Clone)]
pub struct Evaluation {
    outcome: Outcome,
    parts: Vec<Vec<Figure>>,
    comparison: Option<Comparison>,
}

/// A figure, what it is worth, and what it would be by chance.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its key in the JSON.
    pub key: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// Whether it lies between 0 and 1.
    pub is_share: bool,
    /// Its value; `None` if the items give none.
    pub value: Option<f64>,
    /// Where it would lie 95 % of the time with other items of the same kind.
    pub interval95: Option<Interval>,
    /// What somebody would reach who does not look at the question.
    pub chance: Option<f64>,
}

/// A part's figures for the items of one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its number of items.
    pub n: usize,
    /// The part's figures, in the same order, over this group alone.
    pub values: Vec<Option<f64>>,
}

impl Evaluation {
    /// Sums up. This takes a moment: each figure is worked out a thousand times for its interval.
    pub fn of(outcome: Outcome) -> Self {
        let parts = outcome.parts.iter().map(figures).collect();
        Self { outcome, parts, comparison: None }
    }

    /// The same, beside a saved run.
    #[must_use]
    pub fn beside(mut self, comparison: Comparison) -> Self {
        self.comparison = Some(comparison);
        self
    }

    /// The suite's name.
    pub fn suite(&self) -> &'static str {
        self.outcome.suite
    }

    /// The model whose vectors were used, if there was one.
    pub fn embeddings(&self) -> Option<&str> {
        self.outcome.embeddings.as_deref()
    }

    /// What a reader must know of the figures.
    pub fn remarks(&self) -> &[String] {
        &self.outcome.remarks
    }

    /// Numbers that do not come from items, by their keys.
    pub fn extras(&self) -> &[(&'static str, f64)] {
        &self.outcome.extras
    }

    /// How it compares with a saved run, if it was compared.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_ref()
    }

    /// The parts, each with its figures.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, &[Figure])> {
        self.outcome.parts.iter().zip(&self.parts).map(|(part, figures)| (part, figures.as_slice()))
    }

    /// One JSON object: the figures under the parts' names, then what the frame adds.
    pub fn to_json(&self) -> Value {
        json::object(self)
    }

    /// The JSON object as text, readable and a line an item, so that saved runs can be compared by eye too.
    pub fn to_json_text(&self) -> String {
        json::text(&self.to_json())
    }

    /// The figures for the terminal.
    pub fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        text::write(self, out)
    }
}

impl Part {
    /// Its name, the key of its figures in the JSON; empty if they stand at the top level.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is asked, in words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The number of its items.
    pub fn n(&self) -> usize {
        self.items.len()
    }

    /// The items that were answered worst, the worst first, and how many more there are.
    pub fn worst(&self) -> (Vec<&Item>, usize) {
        let mut missed: Vec<&Item> = self.items.iter().filter(|item| item.loss > 0.0).collect();
        missed.sort_by(|one, other| other.loss.total_cmp(&one.loss).then_with(|| one.id.cmp(&other.id)));
        let rest = missed.len().saturating_sub(MISSES);
        missed.truncate(MISSES);
        (missed, rest)
    }

    /// The figures of each group, in the order of their names, if the part is told by group and has several.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for item in self.items.iter().filter(|_| self.grouped_by.is_some()) {
            groups.entry(item.group.as_deref().unwrap_or("none")).or_default().push(item);
        }
        if groups.len() < 2 {
            return Vec::new();
        }
        let group = |(name, items): (&str, Vec<&Item>)| Group {
            name: name.to_owned(),
            n: items.len(),
            values: self.measures.iter().map(|measure| measure.value(&items)).collect(),
        };
        groups.into_iter().map(group).collect()
    }
}

fn figures(part: &Part) -> Vec<Figure> {
    let items: Vec<&Item> = part.items.iter().collect();
    let intervals = interval::of_figures(&items, &part.measures);
    let figure = |(measure, interval95): (&Measure, Option<Interval>)| Figure {
        key: measure.key,
        title: measure.title,
        is_share: measure.is_share,
        value: measure.value(&items),
        interval95,
        chance: measure.chance,
    };
    part.measures.iter().zip(intervals).map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_come_first_and_the_flawless_not_at_all() {
        let items = (0..30).map(|n| Item::new(format!("{n:02}")).loss(f64::from(n % 5))).collect();
        let part = Part::new("easy", "", vec![], items);
        let (worst, rest) = part.worst();
        let ids: Vec<&str> = worst.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["04", "09", "14", "19", "24", "29", "03", "08", "13", "18"]);
        assert_eq!(rest, 14);
    }

    #[test]
    fn groups_are_told_where_there_are_several() {
        let item = |group: &str, r1: f64| Item::new("x").in_group(group).score("r1", r1);
        let part = |items| Part::new("", "", vec![Measure::share("r1", "")], items).grouped_by("corpus");
        let groups = part(vec![item("b", 1.0), item("a", 0.0), item("a", 1.0)]).groups();
        let told: Vec<_> = groups.iter().map(|g| (g.name.as_str(), g.n, g.values[0])).collect();
        assert_eq!(told, [("a", 2, Some(0.5)), ("b", 1, Some(1.0))]);
        assert!(part(vec![item("a", 1.0)]).groups().is_empty());
    }
}
