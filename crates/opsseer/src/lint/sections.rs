//! Sections that the answerer can do little with: it quotes a few sentences or steps from under one heading, best from
//! one that says what to do.

use super::{
    Finding, Level,
    page::{Heading, Page},
};

/// Headings with one of these words say what to do, or how to find out; the answerer prefers what stands under them.
const STEP_WORDS: [&str; 36] = [
    "action",
    "actions",
    "check",
    "checks",
    "debug",
    "debugging",
    "diagnose",
    "diagnosis",
    "diagnostics",
    "do this",
    "fix",
    "fixes",
    "fixing",
    "how to",
    "immediate",
    "immediately",
    "investigate",
    "investigation",
    "mitigate",
    "mitigation",
    "procedure",
    "recover",
    "recovery",
    "remediate",
    "remediation",
    "resolution",
    "resolve",
    "resolving",
    "response",
    "roll back",
    "rollback",
    "solution",
    "steps",
    "triage",
    "troubleshooting",
    "what to do",
];
/// Characters of a heading that still fits on a line of a phone and names one thing.
const LONGEST_HEADING: usize = 80;
/// Words of a section: a quote has 60 at most, so that most of a longer one is never shown.
const LONGEST_SECTION: usize = 400;

pub(super) fn check(pages: &[Page], findings: &mut Vec<Finding>) {
    for page in pages {
        let mut found = |line, level, code, message| {
            findings.push(Finding { file: page.file.clone(), line, level, code, message });
        };
        if page.headings.is_empty() {
            let message = "it has no heading, so an answer cannot say where it stands: begin with \"# What this is about\"";
            found(1, Level::Error, "no_heading", message.to_owned());
            continue;
        }
        if !page.headings.iter().any(says_what_to_do) {
            let message = "no heading says what to do, so the answerer guesses which part to quote: call one \"Do this first\"";
            found(1, Level::Warning, "no_step", message.to_owned());
        }
        for (at, heading) in page.headings.iter().enumerate() {
            let holds_deeper = page.headings.get(at + 1).is_some_and(|next| next.level > heading.level);
            if heading.text.trim().is_empty() {
                found(heading.line, Level::Warning, "empty_heading", "the heading has no words".to_owned());
            }
            if heading.words == 0 && heading.parts == 0 && !holds_deeper {
                let message =
                    format!("nothing stands under \"{}\": write it, or take the heading out", heading.text);
                found(heading.line, Level::Warning, "empty_section", message);
            }
            let length = heading.text.chars().count();
            if length > LONGEST_HEADING {
                let message = format!(
                    "the heading has {length} characters; at most {LONGEST_HEADING} are read at a glance"
                );
                found(heading.line, Level::Warning, "long_heading", message);
            }
            if heading.words > LONGEST_SECTION {
                let message = format!(
                    "{} words stand under \"{}\" and an answer quotes 60 at most: split it with headings of their own",
                    heading.words, heading.text
                );
                found(heading.line, Level::Warning, "long_section", message);
            }
        }
    }
}

/// Whether a heading has one of the words, as a word of its own.
fn says_what_to_do(heading: &Heading) -> bool {
    let words = heading.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let folded = format!(" {} ", words.map(str::to_lowercase).collect::<Vec<_>>().join(" "));
    STEP_WORDS.iter().any(|step| folded.contains(&format!(" {step} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(u32, &'static str)> {
        let mut findings = Vec::new();
        check(&[Page::parse("a.md".into(), text)], &mut findings);
        findings.into_iter().map(|finding| (finding.line, finding.code)).collect()
    }

    #[test]
    fn a_runbook_with_steps_under_headings_is_clean() {
        assert!(codes("# Disk full\n\nThe disk.\n\n## Do this first\n\n1. Remove x\n\n## Find the cause\n\n```sh\ndf\n```\n").is_empty());
        assert!(codes("# Disk full\n\n## Diagnosis\n\n### On Linux\n\n| a |\n|---|\n| b |\n").is_empty());
    }

    #[test]
    fn each_fault_is_told_at_its_line() {
        assert_eq!(codes("Just text.\n"), [(1, "no_heading")]);
        assert_eq!(codes("# Disk\n\nIt fills up.\n"), [(1, "no_step")]);
        assert_eq!(codes("# Disk\n\nText.\n\n## Fix\n\n## Later\n\nText.\n"), [(5, "empty_section")]);
        let long = format!("# Fix {}\n\nText.\n\n## Steps\n\n{}\n", "x".repeat(80), "word ".repeat(401));
        assert_eq!(codes(&long), [(1, "long_heading"), (5, "long_section")]);
    }

    #[test]
    fn a_word_within_another_is_no_step() {
        assert_eq!(codes("# Prefixes\n\nText.\n"), [(1, "no_step")]);
    }
}
