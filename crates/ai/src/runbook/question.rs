//! A question as the searches need it.

use super::AlertQuestion;
use super::words::{in_words, label_words, metric_words, with_name_parts, without_templates};

/// How much the words of the alert count beside those of the question that is asked about it.
const CONTEXT_WEIGHT: f32 = 0.3;

/// A longer question is cut here: what is asked stands in its beginning, and every word costs time.
const MAX_CHARS: usize = 2_000;

/// What is looked for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Query {
    /// Pieces of text with how much their words count.
    pub(super) words: Vec<(f32, String)>,
    /// Texts, each of which says what is meant. A place is as near as the nearest of them.
    pub(super) meanings: Vec<String>,
}

impl Query {
    /// Everything that an alert says of itself. Its parts are compared one by one, for each may be the one whose
    /// wording the runbook's author chose; all in one is compared too.
    pub(super) fn of_alert(alert: &AlertQuestion) -> Self {
        let plain = |text: &Option<String>| cut(&without_templates(text.as_deref().unwrap_or_default()));
        let (summary, description) = (plain(&alert.summary), plain(&alert.description));
        let metrics = alert.expr.as_deref().map(metric_words).unwrap_or_default();
        let labels = label_words(&alert.labels);
        let words = [
            (3.0, alert.alert_name.as_str()),
            (2.0, &summary),
            (1.0, &description),
            (1.0, &labels),
            (1.0, &metrics),
        ];
        let name = in_words(&alert.alert_name);
        let mut meanings = Vec::new();
        for text in [
            cut(&format!("{name}. {summary} {description}")),
            name,
            summary.clone(),
            description.clone(),
            in_words(&metrics),
        ] {
            let text = text.trim_matches(['.', ' ']).to_owned();
            if !text.is_empty() && !meanings.contains(&text) {
                meanings.push(text);
            }
        }
        Self {
            words: words.into_iter().map(|(weight, text)| (weight, with_name_parts(text))).collect(),
            meanings,
        }
    }

    /// A question in words. What the alert of its incident says helps where the question alone says little.
    pub(super) fn of_words(question: &str, context: Option<&AlertQuestion>) -> Self {
        let question = cut(question);
        let mut query = Self { words: vec![(1.0, with_name_parts(&question))], meanings: Vec::new() };
        if !question.trim().is_empty() {
            query.meanings.push(question.clone());
        }
        if let Some(alert) = context {
            let about = Self::of_alert(alert);
            query.words.extend(about.words.into_iter().map(|(weight, text)| (weight * CONTEXT_WEIGHT, text)));
            query.meanings.push(format!("{}. {question}", in_words(&alert.alert_name)));
        }
        query
    }
}

fn cut(text: &str) -> String {
    let text: String = text.chars().take(MAX_CHARS).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> AlertQuestion {
        AlertQuestion {
            alert_name: "PodCrash".into(),
            description: Some("Pod {{ $labels.pod }} of {{ $labels.job".into()),
            labels: [("job", "payments-db"), ("pod", "web-1"), ("uid", "7f3e9d2a11"), ("severity", "page")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            expr: Some(
                r#"sum by (job) (rate(kube_restarts_total{a="x_y"}[5m])) > max_over_time(svc:z[1h])"#.into(),
            ),
            ..AlertQuestion::default()
        }
    }

    #[test]
    fn asks_for_what_means_something() {
        let query = Query::of_alert(&alert());
        let texts: Vec<&str> = query.words.iter().map(|(_, text)| text.trim()).collect();
        assert_eq!(texts, ["PodCrash Pod Crash", "", "Pod of", "payments db", "kube restarts total svc z"]);
        assert_eq!(query.meanings, ["Pod Crash. Pod of", "Pod Crash", "Pod of", "kube restarts total svc z"]);
    }

    #[test]
    fn the_incident_adds_to_a_question_and_does_not_drown_it() {
        let query = Query::of_words("who is on call?", Some(&alert()));
        assert_eq!(query.meanings, ["who is on call?", "Pod Crash. who is on call?"]);
        assert!(query.words[1..].iter().all(|(weight, _)| *weight < query.words[0].0));
        assert!(Query::of_words("  ", None).meanings.is_empty());
    }
}
