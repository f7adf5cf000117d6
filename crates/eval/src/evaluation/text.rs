use std::io::{self, Write};

use super::Evaluation;
use crate::{
    number,
    table::{self, Align},
};

/// Misses that the terminal shows of each part; the JSON and the page have more.
const SHOWN: usize = 3;

/// Columns of a question or an answer.
const WIDTH: usize = 100;

pub(super) fn write(evaluation: &Evaluation, out: &mut dyn Write) -> io::Result<()> {
    let head = [
        (evaluation.suite(), Align::Left),
        ("N", Align::Right),
        ("VALUE", Align::Right),
        ("95 %", Align::Left),
        ("CHANCE", Align::Right),
        ("", Align::Left),
    ];
    let mut rows = Vec::new();
    for (part, figures) in evaluation.parts() {
        let prefix = if part.name().is_empty() { String::new() } else { format!("{} ", part.name()) };
        for figure in figures {
            rows.push(vec![
                format!("  {prefix}{}", figure.key),
                part.n().to_string(),
                number::told(figure.value),
                number::interval(figure.interval95),
                number::floor(figure.chance),
                figure.title.to_owned(),
            ]);
        }
    }
    table::write(out, &head, &rows)?;
    for &(key, value) in evaluation.extras() {
        writeln!(out, "  {key} {}", number::told(Some(value)))?;
    }
    match evaluation.embeddings() {
        Some(model) => writeln!(out, "  embeddings: {model}")?,
        None => writeln!(out, "  embeddings: none; \"opsseer models pull embeddings\" installs the model")?,
    }
    for remark in evaluation.remarks() {
        writeln!(out, "  note: {remark}")?;
    }
    write_misses(evaluation, out)?;
    evaluation.comparison().map_or(Ok(()), |comparison| comparison.write_text(out))
}

fn write_misses(evaluation: &Evaluation, out: &mut dyn Write) -> io::Result<()> {
    for (part, _) in evaluation.parts() {
        let (worst, rest) = part.worst();
        if worst.is_empty() {
            continue;
        }
        writeln!(out, "\nworst misses: {} ({} in all)", part.title(), worst.len() + rest)?;
        for item in worst.iter().take(SHOWN) {
            writeln!(out, "  {}: {}", item.id, clip(&item.asked))?;
            writeln!(out, "    answered: {}", item.answered.as_deref().map_or("nothing".to_owned(), clip))?;
            writeln!(out, "    right:    {}", clip(&item.right))?;
        }
    }
    Ok(())
}

/// One line, not too long.
fn clip(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    format!("{}…", line.chars().take(WIDTH - 1).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Item, Measure, Outcome, Part};

    #[test]
    fn a_person_sees_figures_floors_and_what_was_answered_instead() {
        let items = vec![
            Item::new("a").asked("why\nnot").right("x.md").score("r1", 0.0).loss(1.0),
            Item::new("b").asked("how").right("y.md").answered("y.md").score("r1", 1.0),
        ];
        let measures = vec![Measure::share("r1", "the right one is first").chance(0.25)];
        let outcome = Outcome::new("demo", None).part(Part::new("easy", "all of it", measures, items));
        let mut text = Vec::new();
        write(&Evaluation::of(outcome.remark("one was left out")), &mut text).expect("written");
        let text = String::from_utf8(text).expect("text");
        let expected = "demo       N  VALUE  95 %            CHANCE\n  \
            easy r1  2  0.500  0.000 to 1.000   0.250  the right one is first\n  \
            embeddings: none; \"opsseer models pull embeddings\" installs the model\n  \
            note: one was left out\n\n\
            worst misses: all of it (1 in all)\n  \
            a: why not\n    answered: nothing\n    right:    x.md\n";
        assert_eq!(text, expected);
    }
}
