//! What is generated and committed must not drift: the API's description, the list of metrics.

#[test]
fn the_committed_description_is_the_present_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let present = opsseer::http::openapi_json();
    assert!(
        committed.trim() == present.trim(),
        "docs/openapi.json is out of date; run `cargo run --bin opsseer -- openapi > docs/openapi.json`"
    );
}

#[test]
fn the_committed_list_of_metrics_is_the_present_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/METRICS.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == opsseer::telemetry::metrics_markdown(),
        "docs/METRICS.md is out of date; run `cargo run --bin opsseer -- metrics > docs/METRICS.md`"
    );
}
