//! "I'm on it" and silences.

use std::sync::Arc;

use opsseer::app::App;
use opsseer_connect::{
    alertmanager::{Alertmanager, FakeAlertmanager},
    prometheus::FakeMetrics,
};
use opsseer_core::{Clock, SystemClock};
use serde_json::json;
use tempfile::TempDir;

use super::in_browser;
use crate::{
    browser::driver::Screen,
    test_server::{TestServer, alert},
};

#[tokio::test(flavor = "multi_thread")]
async fn one_key_says_that_i_am_on_it_and_one_button_ends_that() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "db", "firing")])).await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.press("i").await;
        page.until_text("#headline", "Firing, acknowledged").await;
        page.until_text("#headline", "by on-call · I'm on it").await;
        page.until("document.getElementById('act-on-it')", serde_json::Value::Null).await;
        let minutes = "Math.round((Date.parse(document.querySelector('#headline [data-until]')?.dataset.until) - Date.now()) / 60000)";
        page.until(minutes, 60).await;
        page.go(&server.url).await;
        page.until_text("#incident-1", "muted until").await;
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.click("#act-unmute").await;
        page.until_text("#timeline", "ended the mute").await;
        page.until("document.querySelectorAll('#headline [data-until]').length", 0).await;
        page.click("#on-it-minutes option[value='240']").await;
        page.click("#act-on-it").await;
        page.until(minutes, 240).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_made_for_named_alerts_listed_and_ended() {
    let fake = Arc::new(FakeAlertmanager::new(|| SystemClock.now()));
    let server = server_beside(fake.clone()).await;
    server.alert(json!([alert("Slow", "db", "firing")])).await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.click("#silence summary").await;
        page.until_text("#silence", "alertname=\"Slow\"").await;
        page.fill("#silence-why", "the disk is on its way").await;
        page.click("#silence-go").await;
        page.until_text("#headline", "Silenced in Alertmanager until").await;
        page.until_told("the disk is on its way").await;
        page.go(&format!("{}/silences", server.url)).await;
        page.until_text(".silences", "the disk is on its way").await;
        page.until_text(".silences", "made for INC-1; covers 1 alert that fires here: INC-1").await;
        fake.set_down(true);
        page.go(&format!("{}/silences", server.url)).await;
        page.until_text("main", "Alertmanager does not answer").await;
        fake.set_down(false);
        page.go(&format!("{}/silences", server.url)).await;
        page.click(".silences button").await;
        page.until_text("main", "Nothing is silenced").await;
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until_text("#timeline", "ended the silence").await;
        page.until("document.querySelectorAll('#headline [data-until]').length", 0).await;
    })
    .await;
    assert_eq!(fake.silences().await.unwrap().len(), 1);
    server.stop().await;
}

async fn server_beside(alertmanager: Arc<FakeAlertmanager>) -> TestServer {
    let folder = Arc::new(TempDir::new().unwrap());
    let (config, listener) = TestServer::configured("127.0.0.1:0", &folder, "").await;
    let metrics = Arc::new(FakeMetrics::default());
    let app = App::start_with_systems(config, Arc::new(SystemClock), metrics.clone(), Some(alertmanager));
    TestServer::serving(app.await.unwrap(), listener, metrics, folder)
}
