//! A run beside a saved one: which figures fell, and whether by more than chance.
//!
//! The same questions in both runs are paired, and the pairs are drawn again and again (the paired bootstrap of
//! [`interval`]). A figure fell if the whole 95 % interval of its change lies on the worse side of 0. Two runs of the
//! same program on the same data do not differ at all; where many figures are compared between different programs, one
//! in forty falls by chance alone.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    EvalError,
    interval::{self, Interval},
    number,
    suite::{Better, Item, Measure, Outcome, Part},
    table::{self, Align},
};

/// Questions that are named of a figure that fell.
const NAMED: usize = 5;

/// What `opsseer eval SUITE --json` printed, as far as it is compared.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedRun {
    suite: String,
    #[serde(default)]
    embeddings: Option<String>,
    items: BTreeMap<String, Vec<Item>>,
}

/// How a run compares with a saved one.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The figures of both.
    pub changes: Vec<Change>,
    /// What makes the two hard to compare, in words.
    pub remarks: Vec<String>,
}

/// A figure in both runs, over the questions that both were asked.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The part and the figure's key: "easy r1".
    pub figure: String,
    /// Its number of questions.
    pub n: usize,
    /// What it was.
    pub then: f64,
    /// What it is.
    pub now: f64,
    /// The 95 % interval of the difference.
    pub interval95: Interval,
    /// What that amounts to.
    pub verdict: Verdict,
    /// Some of the questions that got worse, if it fell.
    pub worse: Vec<String>,
}

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is worse, and by more than chance.
    Fell,
    /// It is better, and by more than chance.
    Rose,
    /// It may have moved, but no more than chance explains.
    Same,
}

impl SavedRun {
    /// Reads what a run printed with `--json`.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text =
            fs::read_to_string(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
        serde_json::from_str(&text).map_err(|source| EvalError::SavedRun { path: path.to_owned(), source })
    }

    /// Compares a run with this one. It is an error if they have no questions in common.
    pub fn compare(&self, run: &Outcome) -> Result<Comparison, EvalError> {
        if self.suite != run.suite {
            return Err(EvalError::OtherSuite { saved: self.suite.clone(), suite: run.suite });
        }
        let mut comparison = Comparison { changes: Vec::new(), remarks: Vec::new() };
        if self.embeddings != run.embeddings {
            let name = |model: &Option<String>| model.clone().unwrap_or_else(|| "none".to_owned());
            comparison.remarks.push(format!(
                "the saved run's embeddings are {}, this run's {}",
                name(&self.embeddings),
                name(&run.embeddings)
            ));
        }
        let mut shared = 0;
        for part in &run.parts {
            let Some(saved) = self.items.get(&part.name) else {
                comparison.remarks.push(format!("the saved run has no part {:?}", part.name));
                continue;
            };
            shared += compare_part(part, saved, &mut comparison);
        }
        if shared == 0 {
            return Err(EvalError::NothingShared);
        }
        Ok(comparison)
    }
}

/// Adds a part's figures. Gives the number of questions that both runs were asked.
fn compare_part(part: &Part, saved: &[Item], comparison: &mut Comparison) -> usize {
    let saved: BTreeMap<&str, &Item> = saved.iter().map(|item| (item.id.as_str(), item)).collect();
    let paired = part.items.iter().filter_map(|now| Some((now, *saved.get(now.id.as_str())?)));
    let (now, then): (Vec<&Item>, Vec<&Item>) = paired.unzip();
    let (new, gone) = (part.n() - now.len(), saved.len() - now.len().min(saved.len()));
    if new + gone > 0 {
        comparison.remarks.push(format!(
            "{}: {} questions are compared; {new} are new and {gone} are gone",
            part.title,
            now.len()
        ));
    }
    comparison.changes.extend(part.measures.iter().filter_map(|measure| change(part, measure, &now, &then)));
    now.len()
}

fn change(part: &Part, measure: &Measure, now: &[&Item], then: &[&Item]) -> Option<Change> {
    let interval95 = interval::of_change(now, then, measure)?;
    let verdict = match (measure.better, interval95) {
        (Better::Higher, [_, high]) if high < 0.0 => Verdict::Fell,
        (Better::Higher, [low, _]) if low > 0.0 => Verdict::Rose,
        (Better::Lower, [low, _]) if low > 0.0 => Verdict::Fell,
        (Better::Lower, [_, high]) if high < 0.0 => Verdict::Rose,
        _ => Verdict::Same,
    };
    let worse = if verdict == Verdict::Fell { worse(now, then) } else { Vec::new() };
    Some(Change {
        figure: format!("{} {}", part.name, measure.key).trim().to_owned(),
        n: now.len(),
        then: measure.value(then)?,
        now: measure.value(now)?,
        interval95,
        verdict,
        worse,
    })
}

/// The questions whose answers got worse, those that got worst first.
fn worse(now: &[&Item], then: &[&Item]) -> Vec<String> {
    let mut worse: Vec<(f64, &str)> = Vec::new();
    for (now, then) in now.iter().zip(then) {
        if now.loss > then.loss {
            worse.push((now.loss - then.loss, &now.id));
        }
    }
    worse.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    worse.into_iter().take(NAMED).map(|(_, id)| id.to_owned()).collect()
}

impl Comparison {
    /// What fell, a sentence each. Empty if nothing did.
    pub fn drops(&self) -> Vec<String> {
        let fallen = self.changes.iter().filter(|change| change.verdict == Verdict::Fell);
        let sentence = |change: &Change| {
            let Change { figure, then, now, interval95, worse, .. } = change;
            let went = if now < then { "fell" } else { "rose" };
            let worse = if worse.is_empty() {
                String::new()
            } else {
                format!("; worse now, among others: {}", worse.join(", "))
            };
            format!(
                "{figure} {went} by {} from {} to {} (95 % interval of the change: {}){worse}",
                number::told(Some((now - then).abs())),
                number::told(Some(*then)),
                number::told(Some(*now)),
                number::interval(Some(*interval95)),
            )
        };
        fallen.map(sentence).collect()
    }

    /// The comparison for the terminal.
    pub(crate) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let head = [
            ("against the saved run", Align::Left),
            ("N", Align::Right),
            ("THEN", Align::Right),
            ("NOW", Align::Right),
            ("CHANGE", Align::Right),
            ("95 %", Align::Left),
        ];
        let row = |change: &Change| {
            vec![
                format!("  {}", change.figure),
                change.n.to_string(),
                number::told(Some(change.then)),
                number::told(Some(change.now)),
                number::change(interval::difference(change.now, change.then)),
                number::interval(Some(change.interval95)),
            ]
        };
        writeln!(out)?;
        table::write(out, &head, &self.changes.iter().map(row).collect::<Vec<_>>())?;
        for remark in &self.remarks {
            writeln!(out, "  note: {remark}")?;
        }
        let drops = self.drops();
        for drop in &drops {
            writeln!(out, "  DROP: {drop}")?;
        }
        if drops.is_empty() {
            writeln!(out, "no figure fell by more than chance")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evaluation;

    /// A run of 200 questions, of which the first `wrong` were answered wrongly.
    fn run(wrong: usize) -> Outcome {
        let item = |n: usize| {
            let score = f64::from(u8::from(n >= wrong));
            Item::new(format!("q{n:03}")).score("r1", score).score("words", 10.0).loss(1.0 - score)
        };
        let measures = vec![
            Measure::share("r1", "the right one is first"),
            Measure::number("words", "length", Better::Neither),
        ];
        Outcome::new("demo", None).part(Part::new(
            "easy",
            "all of it",
            measures,
            (0..200).map(item).collect(),
        ))
    }

    fn saved(outcome: Outcome) -> SavedRun {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("run.json");
        fs::write(&path, Evaluation::of(outcome).to_json_text()).expect("written");
        SavedRun::read(&path).expect("readable")
    }

    #[test]
    fn a_real_drop_is_told_with_its_size_and_the_same_run_is_none() {
        let comparison = saved(run(10)).compare(&run(30)).expect("comparable");
        let drops = comparison.drops();
        assert_eq!(drops.len(), 1, "{drops:?}");
        assert!(drops[0].starts_with("easy r1 fell by 0.100 from 0.950 to 0.850 (95 %"), "{drops:?}");
        assert!(drops[0].ends_with("worse now, among others: q010, q011, q012, q013, q014"), "{drops:?}");
        assert!(saved(run(10)).compare(&run(10)).expect("comparable").drops().is_empty());
    }

    #[test]
    fn a_rise_and_a_small_drop_are_no_drops() {
        let verdict = |then, now| saved(run(then)).compare(&run(now)).expect("comparable").changes[0].verdict;
        assert_eq!(verdict(10, 11), Verdict::Same);
        assert_eq!(verdict(30, 10), Verdict::Rose);
    }

    #[test]
    fn an_error_that_grows_is_a_drop() {
        let errors = |size: f64| {
            let items =
                (0..50).map(|n| Item::new(n.to_string()).score("wer", size * f64::from(n % 3))).collect();
            let measures = vec![Measure::number("wer", "", Better::Lower)];
            Outcome::new("demo", None).part(Part::new("", "", measures, items))
        };
        let drops = saved(errors(0.1)).compare(&errors(0.2)).expect("comparable").drops();
        assert!(drops[0].starts_with("wer rose by 0.098 from 0.098 to 0.196"), "{drops:?}");
        assert!(saved(errors(0.2)).compare(&errors(0.1)).expect("comparable").drops().is_empty());
    }

    #[test]
    fn other_questions_are_said_or_refused() {
        let mut other = run(10);
        other.parts[0].items.truncate(150);
        let remarks = saved(run(10)).compare(&other).expect("comparable").remarks;
        assert_eq!(remarks, ["all of it: 150 questions are compared; 0 are new and 50 are gone"]);
        other.parts[0].items.clear();
        assert!(matches!(saved(run(10)).compare(&other), Err(EvalError::NothingShared)));
        assert!(matches!(
            saved(run(10)).compare(&Outcome::new("qa", None)),
            Err(EvalError::OtherSuite { .. })
        ));
        let model = Outcome { embeddings: Some("m@1".to_owned()), ..run(10) };
        let remarks = saved(run(10)).compare(&model).expect("comparable").remarks;
        assert_eq!(remarks, ["the saved run's embeddings are none, this run's m@1"]);
    }
}
