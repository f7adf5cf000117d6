use std::net::TcpStream;

use opsseer_eval::postgres::{StopMode, ThrowawayPostgres};

/// Whether somebody takes connections where the address says.
fn answers(url: &str) -> bool {
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    TcpStream::connect(address).is_ok()
}

#[tokio::test]
async fn it_keeps_what_it_has_through_a_crash_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = ThrowawayPostgres::start(folder.path(), false).await.expect("starts");
    postgres.create_database("one").await.expect("a database");
    postgres.stop(StopMode::Immediate).await.expect("stops");
    let url = postgres.url("one");
    assert!(!answers(&url));
    postgres.start_again().await.expect("starts again");
    assert!(answers(&url));
    let twice = postgres.create_database("one").await.expect_err("it is there").to_string();
    assert!(twice.contains("already exists"), "{twice}");
    drop(postgres);
    assert!(!answers(&url) && !folder.path().exists());
}
