use std::fmt::{self, Write};

use super::{Body, Circumstances, Section};
use crate::{
    Comparison, Evaluation, goals, interval, number,
    suite::{Item, Part},
};

/// Groups in a table; more are in the JSON.
const MOST_GROUPS: usize = 24;

/// Characters of a question or an answer in a table.
const CELL: usize = 160;

const READING: &str = "\
Each figure stands beside its 95 % interval and its chance floor. The interval is a bootstrap of 1,000 resamples by \
question: where the figure would lie with other questions of the same kind. It knows nothing of what is wrong with the \
data, and where every answer was right it has no width. The floor is what somebody reaches who does not look at the \
question: a random document, or always the most frequent label. A goal was set before the first run. The JSON files \
hold every answer; `--against FILE` compares a run with one of them and fails if a figure fell by more than chance.\n";

/// Writes the part of a page before its sections.
pub(super) fn opening(page: &mut String, about: &Circumstances, sections: &[Section]) -> fmt::Result {
    let Circumstances { title, day, program, machine, command } = about;
    write!(
        page,
        "# {title}\n\nMeasured on {day} with {program} on {machine}. This page is generated; do not edit it:\n\n\
         ```sh\n{command}\n```\n\n{READING}\n"
    )?;
    if sections.len() > 1 {
        for section in sections {
            writeln!(page, "- [{0}](#{0})", section.suite)?;
        }
        page.push('\n');
    }
    Ok(())
}

/// Writes a suite's section. `link` gives the address of a file beside the page, if there is such a file.
pub(super) fn section(
    text: &mut String,
    section: &Section,
    link: &dyn Fn(&str) -> Option<String>,
) -> fmt::Result {
    let Section { suite, command, sources, body } = section;
    write!(text, "## {suite}\n\n```sh\n{command}\n```\n\n")?;
    if sources.is_empty() {
        text.push_str("Nothing beside the data says whose they are.\n");
    }
    for source in sources {
        writeln!(text, "- `{}`: {}, {}; {}", source.folder, source.from, source.licence, source.holds)?;
    }
    text.push('\n');
    match body {
        Body::Plain { figures, remarks, faults, .. } => {
            text.push_str("| figure | value |\n|---|---:|\n");
            for (name, value) in figures {
                writeln!(text, "| {} | {} |", cell(name), cell(value))?;
            }
            text.push('\n');
            list(text, remarks.iter().map(String::as_str))?;
            list(text, faults.iter().map(|fault| format!("**Fault:** {fault}")))?;
        }
        Body::Figures(evaluation) => figures(text, evaluation, link)?,
    }
    if let Some(json) = link(&format!("{suite}.json")) {
        writeln!(text, "Every answer: [{suite}.json]({json})\n")?;
    }
    Ok(())
}

fn figures(text: &mut String, evaluation: &Evaluation, link: &dyn Fn(&str) -> Option<String>) -> fmt::Result {
    let suite = evaluation.suite();
    match evaluation.embeddings() {
        Some(model) => writeln!(text, "Embeddings: `{model}`.\n")?,
        None => text.push_str("Without embeddings: the model is not installed, so words alone decide.\n\n"),
    }
    if let Some(chart) = link(&format!("{suite}.svg")) {
        writeln!(text, "![The figures with their intervals and chance floors]({chart})\n")?;
    }
    text.push_str(
        "| figure | what it is | n | value | 95 % | chance | goal |\n|---|---|---:|---:|---|---:|---|\n",
    );
    for (part, figures) in evaluation.parts() {
        for (figure, measure) in figures.iter().zip(&part.measures) {
            writeln!(
                text,
                "| {} | {} | {} | **{}** | {} | {} | {} |",
                format!("{} {}", part.name(), figure.key).trim(),
                figure.title,
                part.n(),
                number::told(figure.value),
                number::interval(figure.interval95),
                number::floor(figure.chance),
                goals::verdict(suite, part.name(), figure.key, measure.better, figure.value)
            )?;
        }
    }
    text.push('\n');
    list(
        text,
        evaluation.extras().iter().map(|&(key, value)| format!("{key}: {}", number::told(Some(value)))),
    )?;
    list(text, evaluation.remarks().iter().map(String::as_str))?;
    for (part, _) in evaluation.parts() {
        groups(text, part, link(&groups_file(suite, part)))?;
        misses(text, part)?;
    }
    evaluation.comparison().map_or(Ok(()), |comparison| against(text, comparison))
}

/// The name of the chart of a part's groups.
pub(super) fn groups_file(suite: &str, part: &Part) -> String {
    let name = if part.name().is_empty() { String::new() } else { format!("-{}", part.name()) };
    format!("{suite}{name}-{}.svg", part.grouped_by.unwrap_or("groups")).replace(' ', "-")
}

fn groups(text: &mut String, part: &Part, chart: Option<String>) -> fmt::Result {
    let groups = part.groups();
    if groups.is_empty() {
        return Ok(());
    }
    let kind = part.grouped_by.unwrap_or("group");
    writeln!(text, "{}, by {kind}:\n", headline(part))?;
    if let Some(chart) = chart {
        writeln!(text, "![By {kind}]({chart})\n")?;
    }
    if groups.len() > MOST_GROUPS {
        return Ok(());
    }
    let keys: Vec<&str> = part.measures.iter().map(|measure| measure.key).collect();
    writeln!(text, "| {kind} | n | {} |\n|---|---:|{}", keys.join(" | "), "---:|".repeat(keys.len()))?;
    for group in groups {
        let values: Vec<String> = group.values.iter().map(|value| number::told(*value)).collect();
        writeln!(text, "| {} | {} | {} |", cell(&group.name), group.n, values.join(" | "))?;
    }
    text.push('\n');
    Ok(())
}

fn misses(text: &mut String, part: &Part) -> fmt::Result {
    let (worst, rest) = part.worst();
    if worst.is_empty() {
        return Ok(());
    }
    let all = worst.len() + rest;
    let heading = format!("The worst misses, {}: {} of {all}", headline(part), worst.len());
    writeln!(text, "<details><summary>{}</summary>\n", cell(&heading))?;
    text.push_str("| id | asked | answered | right |\n|---|---|---|---|\n");
    for Item { id, asked, answered, right, .. } in worst {
        let answered = answered.as_deref().map_or("*nothing*".to_owned(), cell);
        writeln!(text, "| {} | {} | {answered} | {} |", cell(id), cell(asked), cell(right))?;
    }
    text.push_str("\n</details>\n\n");
    Ok(())
}

fn against(text: &mut String, comparison: &Comparison) -> fmt::Result {
    text.push_str("Against the saved run:\n\n| figure | n | then | now | change | 95 % |\n|---|---:|---:|---:|---:|---|\n");
    for change in &comparison.changes {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            change.figure,
            change.n,
            number::told(Some(change.then)),
            number::told(Some(change.now)),
            number::change(interval::difference(change.now, change.then)),
            number::interval(Some(change.interval95))
        )?;
    }
    text.push('\n');
    list(text, comparison.remarks.iter().map(String::as_str))?;
    list(text, comparison.drops().iter().map(|drop| format!("**Drop:** {drop}")))
}

fn headline(part: &Part) -> String {
    if part.name().is_empty() {
        part.title().to_owned()
    } else {
        format!("{} ({})", part.name(), part.title())
    }
}

fn list(text: &mut String, lines: impl Iterator<Item = impl AsRef<str>>) -> fmt::Result {
    let before = text.len();
    for line in lines {
        writeln!(text, "- {}", line.as_ref())?;
    }
    if text.len() > before {
        text.push('\n');
    }
    Ok(())
}

/// Foreign text in a table: one line, of a bearable length, and nothing in it is markup, an HTML element or a formula.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = line.chars().count() > CELL;
    let mut escaped = String::with_capacity(line.len());
    for letter in line.chars().take(CELL) {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '$' => escaped.push_str("&#36;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    if cut { format!("{}…", escaped.trim_end()) } else { escaped }
}
