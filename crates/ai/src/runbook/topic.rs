//! Where a document speaks of several matters, each of which is found by itself.

use std::ops::Range;

use super::document::Document;
use super::step;

/// Words of headings that divide one matter, beside those that name steps: the parts of a runbook's usual form.
const PARTS_OF_A_MATTER: [&str; 29] = [
    "about",
    "after",
    "alert",
    "background",
    "contact",
    "contacts",
    "context",
    "description",
    "details",
    "example",
    "examples",
    "help",
    "introduction",
    "links",
    "meaning",
    "means",
    "more",
    "notes",
    "overview",
    "prerequisites",
    "references",
    "related",
    "runbook",
    "see also",
    "severity",
    "summary",
    "symptoms",
    "verification",
    "verify",
];

/// One matter: a document, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) document: usize,
    pub(super) sections: Range<usize>,
}

/// The matters of all documents, in their order.
pub(super) fn topics_of(documents: &[Document]) -> Vec<Topic> {
    let of = |(document, text)| topics(text).into_iter().map(move |sections| Topic { document, sections });
    documents.iter().enumerate().flat_map(of).collect()
}

/// The matters of a document as ranges of its sections: itself, or each of its parts where it gathers several runbooks
/// in one file.
///
/// A file is divided at its outermost headings if at least two of them, and two thirds, name matters of their own
/// ("Disk full", "Replica lags") and not parts of one ("Meaning", "Mitigation"). What was divided is looked at again.
fn topics(document: &Document) -> Vec<Range<usize>> {
    let whole = 0..document.sections.len();
    if whole.is_empty() {
        return Vec::new();
    }
    let level_ones: Vec<usize> = whole.clone().filter(|at| document.sections[*at].level == 1).collect();
    // A single heading of level 1 is the title, not a matter beside others.
    let title = (level_ones.len() == 1).then(|| level_ones[0]);
    let mut found = Vec::new();
    divide(document, whole, title, &mut found);
    found
}

fn divide(document: &Document, range: Range<usize>, own: Option<usize>, found: &mut Vec<Range<usize>>) {
    let inner = || range.clone().filter(|at| document.sections[*at].level > 0 && Some(*at) != own);
    let Some(level) = inner().map(|at| document.sections[at].level).min() else {
        found.push(range);
        return;
    };
    let heads: Vec<usize> = inner().filter(|at| document.sections[*at].level == level).collect();
    if let [only] = heads[..]
        && !step::speaks_of_steps(&document.sections[only].heading)
    {
        // "## Alerts" around all of them is no matter beside others; what it holds may be many.
        let mut inside = Vec::new();
        divide(document, only..range.end, Some(only), &mut inside);
        if inside.len() > 1 {
            found.extend(introduction(document, range.start..only));
            found.extend(inside);
        } else {
            found.push(range);
        }
        return;
    }
    let matters = heads.iter().filter(|at| names_matter(&document.sections[**at].heading)).count();
    if matters < 2 || matters * 3 < heads.len() * 2 {
        found.push(range);
        return;
    }
    found.extend(introduction(document, range.start..heads[0]));
    for (place, start) in heads.iter().enumerate() {
        let end = heads.get(place + 1).copied().unwrap_or(range.end);
        divide(document, *start..end, Some(*start), found);
    }
}

/// What stands before the first matter, if it says something.
fn introduction(document: &Document, range: Range<usize>) -> Option<Range<usize>> {
    let says_something =
        document.sections[range.clone()].iter().any(super::document::Section::says_something);
    says_something.then_some(range)
}

fn names_matter(heading: &str) -> bool {
    !step::speaks_of_steps(heading) && !step::speaks_of(heading, &PARTS_OF_A_MATTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;

    fn headings(text: &str) -> Vec<String> {
        let document = document_of("a.md", text);
        let heading = |range: Range<usize>| document.sections[range.start].heading.clone();
        topics(&document).into_iter().map(heading).collect()
    }

    #[test]
    fn a_runbook_of_the_usual_form_is_one_matter() {
        assert_eq!(headings("# DiskFull\n## Meaning\nx\n## Impact\ny\n## Mitigation\nz"), ["DiskFull"]);
        assert_eq!(
            headings("# A\n## What it means\nx\n## Do this first\ny\n## Find the cause\nz\n## After it\nw"),
            ["A"]
        );
        assert_eq!(headings("# Deploys\n## Meaning\nx\n## When pods crash\ny\n## Fix\nz"), ["Deploys"]);
        assert_eq!(headings("only text"), [""]);
        assert!(headings("").is_empty());
    }

    #[test]
    fn a_file_of_many_runbooks_is_many_matters() {
        let text = "# All alerts\nRead on.\n## Group storage\n### DiskFull\n#### Meaning\nx\n#### Fix\ny\n### RaidBroken\nz\n\
                    ## QueueLong\n### Meaning\nx\n### Fix\ny\n";
        assert_eq!(headings(text), ["All alerts", "DiskFull", "RaidBroken", "QueueLong"]);
        assert_eq!(headings("# DiskFull\nx\n# QueueLong\ny\n"), ["DiskFull", "QueueLong"]);
        assert_eq!(
            headings("# Guide\nRead on.\n## Alerts\n### DiskFull\nx\n### QueueLong\ny\n"),
            ["Guide", "DiskFull", "QueueLong"]
        );
        assert_eq!(
            headings("# DiskFull\n## Mitigation\n### Delete logs\nx\n### Add a disk\ny\n"),
            ["DiskFull"]
        );
    }
}
