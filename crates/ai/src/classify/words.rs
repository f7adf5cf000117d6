//! Alerts as words.

use super::AlertText;

/// The words of an alert, in lower case, by where they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Of its name.
    pub(super) name: Vec<String>,
    /// Of its summary and description, and of the labels that say what it runs on.
    pub(super) text: Vec<String>,
    /// Of each metric of its expression.
    pub(super) metrics: Vec<Metric>,
}

/// A metric's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metric {
    /// As it stands, in lower case.
    pub(super) name: String,
    /// Its words.
    pub(super) words: Vec<String>,
}

/// Labels that name the software, rather than one instance of it.
const TELLING_LABELS: [&str; 10] = [
    "app",
    "application",
    "component",
    "container",
    "daemonset",
    "deployment",
    "job",
    "service",
    "statefulset",
    "type",
];

/// A rule over more metrics than this is a generated one; the first ones say what it is about.
const MOST_METRICS: usize = 6;

impl Words {
    pub(super) fn of(alert: &AlertText) -> Self {
        let mut text = split(&without_templates(&alert.summary));
        text.extend(split(&without_templates(&alert.description)));
        for label in TELLING_LABELS {
            if let Some(value) = alert.labels.get(label) {
                text.extend(split(value));
            }
        }
        let metrics = metric_names(&alert.expr);
        let metrics = metrics
            .into_iter()
            .map(|name| Metric { words: split(&name), name: name.to_lowercase() })
            .collect();
        Self { name: split(&alert.name), text, metrics }
    }

    /// Every word, as often as it occurs.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let metrics = self.metrics.iter().flat_map(|metric| &metric.words);
        self.name.iter().chain(&self.text).chain(metrics).map(String::as_str)
    }

    /// The same, with the words of the name told apart from the rest: `n:down` is more than a `down` in passing.
    pub(super) fn marked(&self) -> Vec<String> {
        let mut marked: Vec<String> = self.name.iter().map(|word| format!("n:{word}")).collect();
        marked.extend(self.text.iter().cloned());
        marked.extend(self.metrics.iter().flat_map(|metric| metric.words.iter().cloned()));
        marked
    }
}

impl AlertText {
    /// The text whose embedding stands for this alert.
    pub fn to_embed(&self) -> String {
        let metrics = metric_names(&self.expr);
        let metrics: Vec<String> = metrics.iter().take(MOST_METRICS).map(|name| spaced(name)).collect();
        let parts = [
            spaced(&self.name),
            without_templates(&self.summary),
            without_templates(&self.description),
            metrics.join(" "),
        ];
        parts.join(". ")
    }
}

/// Words in lower case: `HAProxyServerDown` is `ha proxy server down`, and so is `ha_proxy-server.down`.
pub(super) fn split(text: &str) -> Vec<String> {
    let spaced = spaced(text).to_lowercase();
    spaced.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Puts spaces where a name in camel case or snake case has a border between words.
fn spaced(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut spaced = String::with_capacity(text.len() + 8);
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1);
        let small_before = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
        let big_before = before.is_some_and(char::is_uppercase);
        let small_after = after.is_some_and(|a| a.is_lowercase());
        if c.is_uppercase() && (small_before || (big_before && small_after)) {
            spaced.push(' ');
        }
        spaced.push(if "_-./:".contains(c) { ' ' } else { c });
    }
    spaced
}

/// The text without `{{ $labels.instance }}` and its kind, which say nothing about what the alert is about.
fn without_templates(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        plain.push_str(&rest[..start]);
        rest = rest[start..].find("}}").map_or("", |end| &rest[start + end + 2..]);
    }
    plain.push_str(rest);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of metrics in a PromQL expression, in their order, each once. It reads expressions of other dialects and
/// broken ones too, so it scans rather than parses.
fn metric_names(expr: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = expr;
    while let Some(c) = rest.chars().next() {
        let after = match c {
            '"' | '\'' | '`' => past(&rest[1..], c),
            '{' => past_selector(&rest[1..]),
            '[' => past(&rest[1..], ']'),
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
                let (word, mut after) = rest.split_at(end.unwrap_or(rest.len()));
                let next = after.trim_start();
                if GROUPINGS.contains(&word.to_ascii_lowercase().as_str()) {
                    if let Some(labels) = next.strip_prefix('(') {
                        after = past(labels, ')');
                    }
                } else if word.len() > 1
                    && !next.starts_with('(')
                    && !is_keyword(word)
                    && !names.iter().any(|name| name == word)
                {
                    names.push(word.to_owned());
                }
                after
            }
            // A duration or a number such as 5m or 1e9 is no name.
            c if c.is_ascii_digit() => {
                rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.')
            }
            c => &rest[c.len_utf8()..],
        };
        rest = after;
    }
    names
}

const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

const OPERATORS: [&str; 9] = ["and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end"];

/// In `sum by (job) (...)` no bracket follows the name.
const AGGREGATIONS: [&str; 12] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
];

fn is_keyword(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    OPERATORS.contains(&word.as_str()) || AGGREGATIONS.contains(&word.as_str())
}

/// What follows the next `end`.
fn past(text: &str, end: char) -> &str {
    text.find(end).map_or("", |at| &text[at + end.len_utf8()..])
}

/// What follows the bracket that closes a selector, whose quoted values may hold brackets.
fn past_selector(mut text: &str) -> &str {
    while let Some(at) = text.find(['"', '\'', '`', '}']) {
        let found = text[at..].chars().next().expect("found a character");
        text = &text[at + 1..];
        if found == '}' {
            return text;
        }
        text = past(text, found);
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(split("HAProxyServerDown"), ["ha", "proxy", "server", "down"]);
        assert_eq!(split("toyprod:p95_latency_seconds:5m"), ["toyprod", "p95", "latency", "seconds", "5m"]);
        assert_eq!(split("KubePodNotReady (x86)"), ["kube", "pod", "not", "ready", "x86"]);
        assert_eq!(split("Überlauf im Speicher"), ["überlauf", "im", "speicher"]);
    }

    #[test]
    fn only_metrics_are_taken_from_an_expression() {
        let expr = r#"sum by (job, pod) (rate(http_requests_total{code=~"5..|{x}", job="a"}[5m])) / on (job) group_left (x)
            sum(rate(http_requests_total[5m])) > 1e9 and time() - node_boot_time_seconds offset 5m > 600"#;
        assert_eq!(metric_names(expr), ["http_requests_total", "node_boot_time_seconds"]);
        assert_eq!(metric_names("up == 0"), ["up"]);
        assert_eq!(metric_names("absent(up{job=\"unfinished"), ["up"]);
        assert!(metric_names("").is_empty());
    }

    #[test]
    fn templates_and_instances_are_left_out_and_the_telling_labels_are_read() {
        let alert = AlertText {
            name: "DiskFull".to_owned(),
            summary: "Disk of {{ $labels.instance }} is full ({{ $value }}".to_owned(),
            labels: [("job", "mysql-exporter"), ("instance", "zeus:9100")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            ..AlertText::default()
        };
        let words = Words::of(&alert);
        assert_eq!(words.text, ["disk", "of", "is", "full", "mysql", "exporter"]);
        assert_eq!(alert.to_embed(), "Disk Full. Disk of is full (. . ");
    }
}
