//! What a series is called in a panel.

use std::collections::BTreeMap;

/// By the query's `legendFormat`, in which `{{label}}` stands for a label's value; without one, by all labels.
pub(super) fn series_name(format: &str, labels: &BTreeMap<String, String>) -> String {
    if format.is_empty() || format == "__auto" {
        return all_labels(labels);
    }
    let mut name = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((label, next)) = after.split_once("}}") else { break };
        name.push_str(before);
        name.push_str(labels.get(label.trim()).map_or("", String::as_str));
        rest = next;
    }
    name.push_str(rest);
    name
}

fn all_labels(labels: &BTreeMap<String, String>) -> String {
    let told = labels.iter().filter(|(name, _)| *name != "__name__");
    let told: Vec<String> = told.map(|(name, value)| format!("{name}={value}")).collect();
    if told.is_empty() { labels.get("__name__").cloned().unwrap_or_default() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_as_the_query_asks() {
        let labels = BTreeMap::from([
            ("__name__".to_owned(), "up".to_owned()),
            ("job".to_owned(), "toyprod".to_owned()),
            ("route".to_owned(), "/orders".to_owned()),
        ]);
        for (format, name) in [
            ("{{ job }} at {{route}}", "toyprod at /orders"),
            ("p99", "p99"),
            ("{{missing}}!", "!"),
            ("{{open", "{{open"),
            ("__auto", "job=toyprod, route=/orders"),
            ("{{__name__}}", "up"),
        ] {
            assert_eq!(series_name(format, &labels), name, "{format}");
        }
        assert_eq!(series_name("", &BTreeMap::new()), "");
    }
}
