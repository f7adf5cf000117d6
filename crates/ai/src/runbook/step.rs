//! Which section of a runbook says what to do.

use std::ops::Range;

use super::document::{BlockKind, Document};
use super::words::fold;

/// What authors call the section with the step to take, folded.
const WHAT_TO_DO: [&str; 30] = [
    "action",
    "actions",
    "do this",
    "do this first",
    "fix",
    "fixes",
    "fixing",
    "how to",
    "immediate",
    "immediately",
    "mitigate",
    "mitigation",
    "mitigations",
    "procedure",
    "recover",
    "recovering",
    "recovery",
    "remediate",
    "remediation",
    "resolution",
    "resolutions",
    "resolve",
    "resolving",
    "response",
    "rollback",
    "roll back",
    "solution",
    "solutions",
    "steps",
    "what to do",
];

/// What they call the section that comes before it: the next best thing.
const FIND_OUT: [&str; 12] = [
    "check",
    "checks",
    "debug",
    "debugging",
    "diagnose",
    "diagnosis",
    "diagnostics",
    "investigate",
    "investigation",
    "triage",
    "troubleshoot",
    "troubleshooting",
];

/// A heading with one of these is about something else, whatever other words it has: "Immediate impact".
const NOT_A_STEP: [&str; 9] =
    ["cause", "causes", "escalation", "impact", "postmortem", "prevent", "prevention", "reproduce", "time"];

/// A part of a document: some section and its subsections, or all of it.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) sections: Range<usize>,
}

impl Scope {
    pub(super) fn whole(document: &Document) -> Self {
        Self { sections: 0..document.sections.len() }
    }

    pub(super) fn under(document: &Document, section: usize) -> Self {
        Self { sections: document.subtree(section) }
    }
}

/// The sections to quote from, best first: those whose heading says what to do, those whose heading says how to find
/// out, those that hold a list or code, those that hold any text; within each kind in the order of the file.
pub(super) fn by_promise(document: &Document, scope: &Scope) -> Vec<usize> {
    let mut order: Vec<usize> = scope.sections.clone().collect();
    // A stable sort keeps the order of the file within a kind.
    order.sort_by_key(|section| promise(document, scope, *section));
    order
}

/// Whether a heading in the scope, other than that of the scope itself, says what to do.
pub(super) fn has_step(document: &Document, scope: &Scope) -> bool {
    scope.sections.clone().any(|section| promise(document, scope, section) == 0)
}

/// For a section found by a search: the smallest part of the document around it that says what to do. Without any, the
/// section itself.
pub(super) fn scope_around(document: &Document, section: usize) -> Scope {
    let mut inner = Scope::under(document, section);
    let own = inner.clone();
    loop {
        if has_step(document, &inner) || names_step(document, inner.sections.start) {
            return inner;
        }
        let level = document.sections[inner.sections.start].level;
        let parent = (0..inner.sections.start).rev().find(|outer| document.sections[*outer].level < level);
        match parent {
            Some(parent) => inner = Scope::under(document, parent),
            None if has_step(document, &Scope::whole(document)) => return Scope::whole(document),
            None => return own,
        }
    }
}

fn promise(document: &Document, scope: &Scope, section: usize) -> u8 {
    // The heading of the scope is its subject, not a step of it: "# How to run the payments service".
    let is_subject = section == scope.sections.start && scope.sections.len() > 1;
    let inner = &document.sections[section];
    if !is_subject && names_step(document, section) {
        0
    } else if !is_subject && speaks_of(&inner.heading, &FIND_OUT) {
        1
    } else if inner.blocks.iter().any(|block| matches!(block.kind, BlockKind::Item { .. } | BlockKind::Code))
    {
        2
    } else {
        3
    }
}

/// Whether a heading is one of those that a runbook's steps stand under, or one that is about something else.
pub(super) fn speaks_of_steps(heading: &str) -> bool {
    [&WHAT_TO_DO[..], &FIND_OUT, &NOT_A_STEP].iter().any(|phrases| speaks_of(heading, phrases))
}

pub(super) fn names_step(document: &Document, section: usize) -> bool {
    let heading = &document.sections[section].heading;
    speaks_of(heading, &WHAT_TO_DO) && !speaks_of(heading, &NOT_A_STEP)
}

/// Whether one of the phrases stands in the heading, as whole words.
pub(super) fn speaks_of(heading: &str, phrases: &[&str]) -> bool {
    let words: Vec<String> =
        heading.split(|c: char| !c.is_alphanumeric()).map(fold).filter(|word| !word.is_empty()).collect();
    let heading = format!(" {} ", words.join(" "));
    phrases.iter().any(|phrase| heading.contains(&format!(" {phrase} ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;

    fn first(text: &str) -> String {
        let document = document_of("a.md", text);
        let best = by_promise(&document, &Scope::whole(&document))[0];
        document.sections[best].heading.clone()
    }

    #[test]
    fn prefers_headings_that_say_what_to_do() {
        assert_eq!(
            first("# Fix it\nAbout.\n## Immediate impact\n- bad\n## Diagnosis\n- look\n## 2. Mitigation\ndo"),
            "2. Mitigation"
        );
        assert_eq!(first("# A\n## Meaning\n- x\n## Troubleshooting\nlook"), "Troubleshooting");
        assert_eq!(first("# A\ntext\n## B\nmore\n## C\n```\nrun\n```"), "C");
        assert_eq!(first("# A\n## Actionable metrics\ntext\n## What to do?\nit"), "What to do?");
        assert_eq!(first("only text"), "");
    }

    #[test]
    fn climbs_from_what_was_found_to_what_says_the_step() {
        let document = document_of(
            "a.md",
            "# All\n## One\n### Meaning\nx\n### Fix\ny\n## Two\n### Meaning\nz\n### Steps\nw\n",
        );
        let headings = |section| {
            let scope = scope_around(&document, section);
            document.sections[by_promise(&document, &scope)[0]].heading.clone()
        };
        assert_eq!(headings(2), "Fix");
        assert_eq!(headings(5), "Steps");
        let flat = document_of("b.md", "# All\n## One\nx\n## Two\ny\n");
        assert_eq!(scope_around(&flat, 2).sections, 2..3);
    }
}
