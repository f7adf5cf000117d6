//! The API's description is generated from the handlers; the committed copy must not drift.

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
