//! Charts of figures as SVG, readable on a light and on a dark page.

use std::fmt::Write;

use crate::{Evaluation, Figure, Group, number, suite::Part};

const WIDTH: f64 = 720.0;
/// Where the scale begins and ends.
const LEFT: f64 = 230.0;
const RIGHT: f64 = 650.0;
const ROW: f64 = 28.0;
/// Room above the first row and below the last.
const TOP: f64 = 14.0;
const BOTTOM: f64 = 52.0;

/// Groups in one chart: more would be no picture any more.
const MOST_GROUPS: usize = 24;

/// Characters of a label that fit beside the scale.
const LABEL: usize = 32;

const STYLE: &str = "<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .page { fill: #ffffff } .soft { fill: #59636e } .number { font-weight: 600 }
  .head { font-weight: 600; paint-order: stroke; stroke: #ffffff; stroke-width: 6 }
  .grid { stroke: #d1d9e0 } .range { stroke: #0969da; stroke-opacity: .3; stroke-width: 9; stroke-linecap: round }
  .value { fill: #0969da } .chance { stroke: #bc4c00; stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .page { fill: #0d1117 } .soft { fill: #9198a1 } .grid { stroke: #3d444d }
    .head { stroke: #0d1117 }
    .range { stroke: #4493f8 } .value { fill: #4493f8 } .chance { stroke: #db6d28 }
  }
</style>";

/// All figures of an evaluation that are shares: value, interval and chance floor. `None` if there are none.
pub(crate) fn figures(evaluation: &Evaluation) -> Option<String> {
    let mut drawing = Drawing::default();
    for (part, figures) in evaluation.parts() {
        let shares: Vec<&Figure> = figures.iter().filter(|figure| figure.is_share).collect();
        if shares.is_empty() {
            continue;
        }
        drawing.heading(&format!("{} ({} questions)", headline(part), part.n()));
        for figure in shares {
            drawing.figure(figure);
        }
    }
    let title = format!("Figures of the suite {}", evaluation.suite());
    (drawing.rows > 0).then(|| drawing.finish(&title, &[Mark::Value, Mark::Range, Mark::Chance]))
}

/// The part's first figure for each group. `None` if it is no share, or if the part has no groups. Where there are many
/// groups, those with the lowest figures are drawn.
pub(crate) fn groups(part: &Part, figures: &[Figure]) -> Option<String> {
    let first = figures.first().filter(|figure| figure.is_share)?;
    let mut groups = part.groups();
    let all = groups.len();
    if all > MOST_GROUPS {
        groups.sort_by(|one, other| {
            value(one).total_cmp(&value(other)).then_with(|| one.name.cmp(&other.name))
        });
        groups.truncate(MOST_GROUPS);
    }
    let kind = part.grouped_by.unwrap_or("group");
    let which =
        if all > groups.len() { format!("; the {MOST_GROUPS} lowest of {all}") } else { String::new() };
    let mut drawing = Drawing::default();
    drawing.heading(&format!("{} by {kind}: {}{which}", first.key, first.title));
    for group in &groups {
        drawing.bar(&format!("{} ({})", group.name, group.n), group.values.first().copied().flatten());
    }
    (all > 0).then(|| drawing.finish(&format!("{} {} by {kind}", part.name(), first.key), &[]))
}

fn value(group: &Group) -> f64 {
    group.values.first().copied().flatten().unwrap_or(0.0)
}

/// A part's name and what is asked in it.
fn headline(part: &Part) -> String {
    if part.name().is_empty() {
        part.title().to_owned()
    } else {
        format!("{}: {}", part.name(), part.title())
    }
}

/// What the legend explains.
#[derive(Clone, Copy)]
enum Mark {
    Value,
    Range,
    Chance,
}

#[derive(Default)]
struct Drawing {
    body: String,
    rows: u32,
}

impl Drawing {
    /// The middle of the next row.
    fn next_row(&mut self) -> f64 {
        self.rows += 1;
        TOP + ROW * (f64::from(self.rows) - 0.5)
    }

    fn heading(&mut self, text: &str) {
        let y = self.next_row();
        self.text(16.0, y, "head", "start", text);
    }

    fn figure(&mut self, figure: &Figure) {
        let y = self.next_row();
        self.text(LEFT - 14.0, y, "soft", "end", &shortened(figure.key));
        if let Some([low, high]) = figure.interval95 {
            self.line("range", (across(low), y), (across(high), y));
        }
        if let Some(chance) = figure.chance {
            let x = across(chance);
            self.line("chance", (x, y - 8.0), (x, y + 8.0));
        }
        if let Some(value) = figure.value {
            self.put(&format!("<circle class=\"value\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\"/>", across(value)));
        }
        self.text(WIDTH - 16.0, y, "number", "end", &number::told(figure.value));
    }

    fn bar(&mut self, label: &str, value: Option<f64>) {
        let y = self.next_row();
        self.text(LEFT - 14.0, y, "soft", "end", &shortened(label));
        let width = across(value.unwrap_or(0.0)) - LEFT;
        let top = y - 7.0;
        self.put(&format!(
            "<rect class=\"value\" x=\"{LEFT:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/>"
        ));
        self.text(WIDTH - 16.0, y, "number", "end", &number::told(value));
    }

    fn finish(mut self, title: &str, legend: &[Mark]) -> String {
        let end = TOP + ROW * f64::from(self.rows);
        let rows = std::mem::take(&mut self.body);
        for (place, label) in [(0.0, "0"), (0.25, ".25"), (0.5, ".5"), (0.75, ".75"), (1.0, "1")] {
            let x = across(place);
            self.line("grid", (x, TOP), (x, end));
            self.text(x, end + 12.0, "soft", "middle", label);
        }
        self.body.push_str(&rows);
        self.legend(end + 36.0, legend);
        let height = end + if legend.is_empty() { BOTTOM / 2.0 } else { BOTTOM };
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" width=\"{WIDTH:.0}\" \
             height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n{STYLE}\n\
             <rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n{}</svg>\n",
            self.body
        )
    }

    fn legend(&mut self, y: f64, marks: &[Mark]) {
        let mut x = LEFT;
        for mark in marks {
            let text = match mark {
                Mark::Value => {
                    self.put(&format!("<circle class=\"value\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>"));
                    "value"
                }
                Mark::Range => {
                    self.line("range", (x - 6.0, y), (x + 10.0, y));
                    "95 % interval"
                }
                Mark::Chance => {
                    self.line("chance", (x, y - 8.0), (x, y + 8.0));
                    "chance floor"
                }
            };
            self.text(x + 22.0, y, "soft", "start", text);
            x += 130.0;
        }
    }

    fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let text = escaped(text);
        self.put(&format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" \
             dominant-baseline=\"central\">{text}</text>"
        ));
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(&format!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    fn put(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

/// A share's place on the scale.
fn across(share: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL {
        return label.to_owned();
    }
    format!("{}…", label.chars().take(LABEL - 1).collect::<String>().trim_end())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' | '>' | '&' | '"' | '\'' => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            // XML has no form for control characters.
            _ if letter.is_control() => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Better, Item, Measure, Outcome};

    fn part(groups: usize, items: usize) -> Part {
        let item = |n: usize| {
            let group = n % groups;
            Item::new(n.to_string())
                .in_group(format!("<group {group:02}>"))
                .score("r1", if group == 7 { 0.0 } else { 1.0 })
        };
        let measures = vec![
            Measure::share("r1", "first & right").chance(0.25),
            Measure::number("words", "not drawn", Better::Neither),
        ];
        Part::new("easy", "all of it", measures, (0..items).map(item).collect()).grouped_by("corpus")
    }

    #[test]
    fn shares_are_drawn_where_they_belong_and_text_is_text() {
        let evaluation = Evaluation::of(Outcome::new("demo", None).part(part(1, 4)));
        let svg = figures(&evaluation).expect("a chart");
        assert!(svg.contains("<circle class=\"value\" cx=\"650.0\""), "{svg}");
        assert!(svg.contains("<line class=\"chance\" x1=\"335.0\""), "{svg}");
        assert!(svg.contains(">1.000</text>") && !svg.contains(">words<"), "{svg}");
        assert_eq!(figures(&Evaluation::of(Outcome::new("demo", None))), None);
    }

    #[test]
    fn of_many_groups_the_lowest_are_drawn() {
        let drawn = |groups, items| {
            let evaluation = Evaluation::of(Outcome::new("demo", None).part(part(groups, items)));
            let (part, figures) = evaluation.parts().next().expect("a part");
            super::groups(part, figures)
        };
        let svg = drawn(40, 80).expect("a chart");
        assert!(svg.contains("r1 by corpus: first &#38; right; the 24 lowest of 40"), "{svg}");
        assert!(svg.contains("&#60;group 07&#62; (2)") && !svg.contains("group 39"), "{svg}");
        assert_eq!(svg.matches("<rect class=\"value\"").count(), 24);
        assert_eq!(drawn(1, 80), None);
    }
}
