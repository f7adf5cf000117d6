//! The expression that stands in the link of an alert.

use serde::Deserialize;
use url::Url;

/// The expression in the link that Prometheus sends with an alert (`generatorURL`).
///
/// Known are `/graph?g0.expr=...` (also behind a `#`, as some compatible stores write it) and the form of
/// Prometheus 1, a JSON list behind the `#`. `None` for other senders, Grafana among them.
pub fn expr_of_generator_url(url: &str) -> Option<String> {
    /// One panel of the graph page of Prometheus 1.
    #[derive(Deserialize)]
    struct Panel {
        expr: String,
    }
    let url = Url::parse(url).ok()?;
    let fragment = url.fragment().unwrap_or_default();
    let fragment_query = fragment.split_once('?').map_or("", |(_, query)| query);
    for query in [url.query().unwrap_or_default(), fragment_query] {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        if let Some((_, expr)) = pairs.find(|(name, expr)| name == "g0.expr" && !expr.trim().is_empty()) {
            return Some(expr.into_owned());
        }
    }
    // Prometheus 1 escaped spaces as %20 and wrote a plus as itself, so this is not form encoding.
    let fragment = fragment.replace('+', "%2B");
    let (text, _) = url::form_urlencoded::parse(fragment.as_bytes()).next()?;
    let panels: Vec<Panel> = serde_json::from_str(&text).ok()?;
    panels.into_iter().map(|panel| panel.expr).find(|expr| !expr.trim().is_empty())
}

/// The address at which a Prometheus shows the graph of an expression: what [`expr_of_generator_url`] reads.
pub fn graph_url(prometheus: &Url, expr: &str) -> String {
    let mut url = prometheus.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("graph");
    }
    url.query_pairs_mut().append_pair("g0.expr", expr);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_expression_from_links() {
        let found = |url| expr_of_generator_url(url);
        assert_eq!(found("http://p:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1").as_deref(), Some("up == 0"));
        assert_eq!(
            found("http://p/prefix/graph?g0.tab=1&g0.expr=a%2Bb%20%3E%201").as_deref(),
            Some("a+b > 1")
        );
        assert_eq!(found("http://vm/vmui/#/?g0.expr=up%3E1&g0.range_input=30m").as_deref(), Some("up>1"));
        let old = "http://p/graph#%5B%7B%22expr%22%3A%22a%20%2B%20b%3E1%26c%22%2C%22tab%22%3A0%7D%5D";
        assert_eq!(found(old).as_deref(), Some("a + b>1&c"));
    }

    #[test]
    fn other_links_hold_no_expression() {
        for url in
            ["", "/graph?g0.expr=up", "http://grafana/alerting/grafana/xyz/view?orgId=1", "http://p/graph#["]
        {
            assert_eq!(expr_of_generator_url(url), None, "{url}");
        }
    }
}
