//! Names and words: how they are compared, split and chosen for a search.

use std::collections::BTreeMap;

/// Labels whose values name an instance, a machine or a level, not a matter that a runbook speaks of.
const MUTE_LABELS: [&str; 14] = [
    "alertname",
    "cluster",
    "container_id",
    "endpoint",
    "env",
    "environment",
    "id",
    "instance",
    "monitor",
    "pod",
    "prometheus",
    "region",
    "replica",
    "severity",
];

/// A name without what its spellings differ in: case, `-`, `_`, blanks and other signs.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The parts of a name in CamelCase or with digits: `KubeVMIDown5xx` is `Kube VMI Down 5 xx`.
pub(super) fn name_parts(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let chars: Vec<(usize, char)> = name.char_indices().collect();
    for i in 1..chars.len() {
        let (offset, now) = chars[i];
        let before = chars[i - 1].1;
        let next = chars.get(i + 1).map(|(_, next)| *next);
        let word_begins = now.is_uppercase() && before.is_lowercase();
        let acronym_ends =
            now.is_uppercase() && before.is_uppercase() && next.is_some_and(char::is_lowercase);
        let digits_change = now.is_numeric() != before.is_numeric();
        if word_begins || acronym_ends || digits_change {
            parts.push(&name[start..offset]);
            start = offset;
        }
    }
    parts.push(&name[start..]);
    parts
}

/// The text with the parts of its compound names written after them, so that `KubePodNotReady` is also found by "pod".
pub(super) fn with_name_parts(text: &str) -> String {
    let mut spread = String::with_capacity(text.len() * 2);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        spread.push_str(word);
        spread.push(' ');
        let parts = name_parts(word);
        if parts.len() > 1 {
            for part in parts.into_iter().filter(|part| part.chars().count() > 1) {
                spread.push_str(part);
                spread.push(' ');
            }
        }
    }
    spread
}

/// The text with its compound names as words: `KubePodNotReady` is "Kube Pod Not Ready", and `disk_full` "disk full".
pub(super) fn in_words(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '_' | '`' | '/' | ':')) {
        words.extend(name_parts(word).into_iter().filter(|part| !part.is_empty()));
    }
    words.join(" ")
}

/// The values of the labels that name a matter, not an instance of it.
pub(super) fn label_words(labels: &BTreeMap<String, String>) -> String {
    let telling =
        labels.iter().filter(|(name, value)| !MUTE_LABELS.contains(&name.as_str()) && is_words(value));
    telling.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ")
}

/// Identifiers are not words: `payments-db` is, `7f3e9d2a` and `10.0.0.1:9090` are not.
fn is_words(value: &str) -> bool {
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    letters >= 3 && letters > 2 * digits
}

/// A rule's text may still hold its placeholders, `{{ $labels.pod }}`.
pub(super) fn without_templates(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        plain.push_str(before);
        plain.push(' ');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// The names of metrics in PromQL: identifiers outside quotes and braces that hold a `_` or `:`, and are no function.
/// A rough reading is enough here: a word too many does not change what is found.
pub(super) fn metric_words(expr: &str) -> String {
    let mut names = Vec::new();
    let mut outside = String::with_capacity(expr.len());
    let (mut in_quote, mut braces) = (None, 0_u32);
    for c in expr.chars() {
        match (in_quote, c) {
            (Some(quote), _) if c == quote => in_quote = None,
            (None, '"' | '\'' | '`') => in_quote = Some(c),
            (None, '{' | '[') => braces += 1,
            (None, '}' | ']') => braces = braces.saturating_sub(1),
            (None, _) if braces == 0 => outside.push(c),
            (Some(_) | None, _) => {}
        }
    }
    let mut rest = outside.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':') {
        rest = &rest[start..];
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.contains(['_', ':']) && !after.trim_start().starts_with('(') && !names.contains(&name) {
            names.push(name);
        }
        rest = after;
    }
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_names_where_a_reader_would() {
        assert_eq!(name_parts("ToyProdHighErrorRate"), ["Toy", "Prod", "High", "Error", "Rate"]);
        assert_eq!(
            name_parts("KubeVirtVMIExcessiveMigrations"),
            ["Kube", "Virt", "VMI", "Excessive", "Migrations"]
        );
        assert_eq!(name_parts("etcdHTTP5xx"), ["etcd", "HTTP", "5", "xx"]);
        assert_eq!(name_parts("ÜberÄrger"), ["Über", "Ärger"]);
        assert_eq!(name_parts(""), [""]);
    }

    #[test]
    fn spellings_of_one_name_fold_alike() {
        for name in ["ToyProdHighErrorRate", "toyprod-high-error-rate", "toy_prod high error  rate"] {
            assert_eq!(fold(name), "toyprodhigherrorrate");
        }
    }

    #[test]
    fn writes_names_as_words() {
        assert_eq!(in_words("KubePodNotReady: see `disk_full`"), "Kube Pod Not Ready see disk full");
        assert_eq!(in_words(" "), "");
    }
}
