//! The readable report: a Markdown page, with its charts and its JSON in a folder of the same name beside it.

mod markdown;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::{EvalError, Evaluation, Report, chart, sources::Source};

/// What all figures of a page depend on.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The page's headline.
    pub title: String,
    /// The day, as `2026-11-22`.
    pub day: String,
    /// The program, such as `opsseer 0.1.0`.
    pub program: String,
    /// The machine, in words.
    pub machine: String,
    /// The command that makes the page.
    pub command: String,
}

/// A suite's part of the page.
#[derive(Debug)]
pub struct Section {
    suite: &'static str,
    command: String,
    sources: Vec<Source>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Figures(Box<Evaluation>),
    Plain { figures: Vec<(String, String)>, remarks: Vec<String>, faults: Vec<String>, json: String },
}

impl Section {
    /// The section of an evaluation. `command` runs the suite alone; `sources` say whose the data are.
    pub fn of(evaluation: Evaluation, command: String, sources: Vec<Source>) -> Self {
        Self { suite: evaluation.suite(), command, sources, body: Body::Figures(Box::new(evaluation)) }
    }

    /// The section of a suite whose report stands for itself, such as `webhooks`.
    pub fn plain(report: &impl Report, command: String, sources: Vec<Source>) -> Result<Self, EvalError> {
        let figures = report.figures().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (remarks, faults) = (report.remarks(), report.faults());
        let json = serde_json::to_string_pretty(report)
            .map_err(|source| EvalError::Encode { suite: report.suite(), source })?;
        let body = Body::Plain { figures, remarks, faults, json };
        Ok(Self { suite: report.suite(), command, sources, body })
    }
}

/// A file beside the page.
struct Beside {
    name: String,
    text: String,
}

/// Writes the page to `path`, and what belongs to it into the folder `path` without its ending. Gives the files that
/// were written, the page first.
pub fn write(path: &Path, about: &Circumstances, sections: &[Section]) -> Result<Vec<PathBuf>, EvalError> {
    let folder = path.with_extension("");
    if folder == path {
        return Err(EvalError::PageName { path: path.to_owned() });
    }
    let link = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut page = String::new();
    let mut files = Vec::new();
    let mut compose = || {
        markdown::opening(&mut page, about, sections)?;
        for section in sections {
            let beside = beside(section);
            let named =
                |name: &str| beside.iter().any(|file| file.name == name).then(|| format!("{link}/{name}"));
            markdown::section(&mut page, section, &named)?;
            files.extend(beside);
        }
        Ok::<(), fmt::Error>(())
    };
    compose().expect("a string takes all text");
    let mut written = vec![path.to_owned()];
    put(path, &page)?;
    fs::create_dir_all(&folder).map_err(|source| EvalError::Write { path: folder.clone(), source })?;
    for Beside { name, text } in files {
        let path = folder.join(name);
        put(&path, &text)?;
        written.push(path);
    }
    Ok(written)
}

fn beside(section: &Section) -> Vec<Beside> {
    let suite = section.suite;
    let mut files = Vec::new();
    match &section.body {
        Body::Plain { json, .. } => {
            files.push(Beside { name: format!("{suite}.json"), text: format!("{json}\n") });
        }
        Body::Figures(evaluation) => {
            files.push(Beside { name: format!("{suite}.json"), text: evaluation.to_json_text() + "\n" });
            let drawn = chart::figures(evaluation);
            files.extend(drawn.map(|text| Beside { name: format!("{suite}.svg"), text }));
            for (part, figures) in evaluation.parts() {
                let name = markdown::groups_file(suite, part);
                files.extend(chart::groups(part, figures).map(|text| Beside { name, text }));
            }
        }
    }
    files
}

fn put(path: &Path, text: &str) -> Result<(), EvalError> {
    let failed = |source| EvalError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Item, Measure, Outcome, Part};

    fn about() -> Circumstances {
        Circumstances {
            title: "Evaluation".to_owned(),
            day: "2026-11-22".to_owned(),
            program: "opsseer 0.1.0".to_owned(),
            machine: "2 processors".to_owned(),
            command: "opsseer eval all --data DIR".to_owned(),
        }
    }

    fn section() -> Section {
        let item = |n: usize, score: f64| {
            let item =
                Item::new(format!("q{n}")).in_group(["a", "b"][n % 2]).asked("is it {{ $value }} | <b>?");
            item.right("x.md").answered("y.md").score("r1", score).loss(1.0 - score)
        };
        let measures = vec![Measure::share("r1", "the right one is first").chance(0.1)];
        let items = (0..4).map(|n| item(n, if n == 1 { 0.0 } else { 1.0 })).collect();
        let outcome = Outcome::new("runbooks", Some("m@1".to_owned()))
            .part(Part::new("easy", "the whole alert", measures, items).grouped_by("corpus"))
            .extra("ms_per_query", 1.5);
        let source = Source {
            folder: "runbooks/a".to_owned(),
            from: "ada/a".to_owned(),
            licence: "MIT".to_owned(),
            holds: "4 questions".to_owned(),
        };
        Section::of(Evaluation::of(outcome), "opsseer eval runbooks --data DIR".to_owned(), vec![source])
    }

    #[test]
    fn a_page_names_commands_sources_floors_goals_and_misses_and_its_links_lead_somewhere() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("docs/evaluation.md");
        let written = write(&path, &about(), &[section()]).expect("written");
        let names: Vec<_> =
            written.iter().filter_map(|file| file.file_name()?.to_str().map(str::to_owned)).collect();
        assert_eq!(names, ["evaluation.md", "runbooks.json", "runbooks.svg", "runbooks-easy-corpus.svg"]);
        let page = fs::read_to_string(&path).expect("readable");
        for wanted in [
            "opsseer eval runbooks --data DIR",
            "| easy r1 | the right one is first | 4 | **0.750** | 0.250 to 1.000 | 0.100 | 0.990: missed by 0.240 |",
            "`runbooks/a`: ada/a, MIT",
            "ms_per_query",
            "| b | 2 | 0.500 |",
            "is it \\{\\{ &#36;value \\}\\} \\| &lt;b&gt;?",
        ] {
            assert!(page.contains(wanted), "no {wanted:?} in\n{page}");
        }
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let leads = link.starts_with('#') || path.parent().is_some_and(|docs| docs.join(link).is_file());
            assert!(leads, "{link} leads nowhere");
        }
    }

    #[test]
    fn a_page_without_an_ending_would_be_in_the_way_of_its_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let error = write(&folder.path().join("report"), &about(), &[]).expect_err("no ending").to_string();
        assert!(error.contains("report.md"), "{error}");
    }
}
