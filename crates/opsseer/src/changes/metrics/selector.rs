//! PromQL that selects what belongs to a service, whatever label says so.

/// Labels that name a service, as exporters and orchestrators call it.
const LABELS: [&str; 11] = [
    "service",
    "svc",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "application",
    "deployment",
    "statefulset",
    "container",
    "name",
    "container_label_com_docker_compose_service",
];

/// The series that fit `matcher` (such as `__name__="up"`) and belong to this service.
pub(super) fn of_service(matcher: &str, service: &str) -> String {
    let equal = quoted(service);
    let mut selectors: Vec<String> =
        LABELS.iter().map(|label| format!("{{{matcher}, {label}={equal}}}")).collect();
    // An operator for Kubernetes writes the namespace before it.
    let job = quoted(&format!("(.+/)?{}", regex::escape(service)));
    selectors.push(format!("{{{matcher}, job=~{job}}}"));
    selectors.join(" or ")
}

/// As a string of PromQL.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use opsseer_connect::promql;

    use super::*;

    #[test]
    fn a_service_is_known_by_any_of_its_labels() {
        let selector = of_service("__name__=\"up\"", "toyprod");
        assert!(selector.starts_with("{__name__=\"up\", service=\"toyprod\"} or "), "{selector}");
        assert!(selector.ends_with(" or {__name__=\"up\", job=~\"(.+/)?toyprod\"}"), "{selector}");
    }

    #[test]
    fn a_name_that_holds_quotes_and_signs_selects_nothing_else() {
        let selector = of_service("__name__=\"up\"", "a\"} or b{x=\"\\.*\n");
        assert!(selector.contains(r#"service="a\"} or b{x=\"\\.*\n"}"#), "{selector}");
        assert_eq!(promql::metric_names(&selector), ["up"], "it is one metric's selector still: {selector}");
    }
}
