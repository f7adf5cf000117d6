//! Which runbook each alert leads to, asked of the very answerer that will be asked when it fires.

use std::collections::{BTreeMap, BTreeSet};

use opsseer_ai::runbook::{AnswerRunbook, MatchedBy};

use super::{Finding, Level, LintError, links::target_of, page::Page, rules::AlertRule};

pub(super) async fn check(
    pages: &[Page],
    alerts: &[AlertRule],
    answerer: &dyn AnswerRunbook,
    findings: &mut Vec<Finding>,
) -> Result<(), LintError> {
    let mut reached = BTreeSet::new();
    for alert in alerts {
        let name = &alert.question.alert_name;
        let answer = answerer
            .answer(&alert.question)
            .await
            .map_err(|source| LintError::Answer { alert: name.clone(), source })?;
        let mut found = |line, level, code, message| {
            findings.push(Finding { file: alert.file.clone(), line, level, code, message });
        };
        let step = answer.found;
        if let (Some(url), Some(line)) = (&alert.question.runbook_url, alert.url_line)
            && !step.as_ref().is_some_and(|step| step.matched_by == MatchedBy::RunbookUrl)
        {
            // What is on a website cannot be looked up here.
            let level = if url.contains("://") { Level::Warning } else { Level::Error };
            let message = format!("the runbook_url of {name} leads to no file of the folder: {url}");
            found(line, level, "dead_runbook_url", message);
        }
        match step {
            None => {
                let message = format!(
                    "{name} has no runbook: write {name}.md, or name one with the annotation runbook_url"
                );
                found(alert.line, Level::Error, "no_runbook", message);
            }
            Some(step) => {
                if let MatchedBy::Search { .. } = step.matched_by {
                    let message = format!(
                        "nothing names the runbook of {name}; a search finds {}, which may change: set runbook_url: {}",
                        step.file, step.file
                    );
                    found(alert.line, Level::Warning, "only_by_search", message);
                }
                reached.insert(step.file);
            }
        }
    }
    for page in unreached(pages, reached) {
        let message = "no alert leads here, and no runbook that one leads to links here: name it in a rule's runbook_url";
        findings.push(Finding {
            file: page.file.clone(),
            line: 1,
            level: Level::Warning,
            code: "unreached",
            message: message.to_owned(),
        });
    }
    Ok(())
}

/// The pages that neither an alert nor a chain of links from one leads to.
fn unreached(pages: &[Page], reached: BTreeSet<String>) -> Vec<&Page> {
    let by_file: BTreeMap<&str, &Page> = pages.iter().map(|page| (page.file.as_str(), page)).collect();
    let mut next: Vec<String> = reached.iter().cloned().collect();
    let mut seen = reached;
    while let Some(file) = next.pop() {
        let Some(page) = by_file.get(file.as_str()) else { continue };
        for link in &page.links {
            let path = link.address.split(['#', '?']).next().unwrap_or_default();
            let target = target_of(&page.file, path);
            if seen.insert(target.clone()) {
                next.push(target);
            }
        }
    }
    pages.iter().filter(|page| !seen.contains(&page.file)).collect()
}
