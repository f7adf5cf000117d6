//! The pages in a real browser.

mod answers;
mod chart;
mod driver;
mod quiet;
mod regroup;
mod written;

use std::panic::AssertUnwindSafe;

use driver::{Browser, Screen};
use futures::FutureExt;
use serde_json::json;

use crate::test_server::{TestServer, alert};

const HOSTILE: &str = "<img src=x onerror=\"window.owned=1\"><script>window.owned=2</script>";

/// Opens a browser for a test and closes it however the test ends.
async fn in_browser(screen: Screen, test: impl AsyncFnOnce(&Browser)) {
    // Tests share few cores: one browser at a time is quicker than all at once.
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = ONE.lock().await;
    // The driver's client needs it, and may come before any server has installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let browser = Browser::open(screen).await;
    let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
    browser.close().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// A server with INC-1, whose first answers are there.
async fn server_with_an_incident() -> TestServer {
    let server = TestServer::start().await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    for kind in ["runbook_answered", "charted", "classified", "similar_found"] {
        server.event(1, kind).await;
    }
    server
}

async fn note(server: &TestServer, by: &str, text: &str) {
    let (status, answer) =
        server.post("/api/v1/incidents/1/notes", json!({"by": by, "text": text}).to_string()).await;
    assert!((200..300).contains(&status), "{answer}");
}

const NEWEST: &str = "#timeline > li:first-child";

#[tokio::test(flavor = "multi_thread")]
async fn events_and_states_arrive_without_a_reload() {
    let server = server_with_an_incident().await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until_text("#headline", "Firing").await;
        page.ask("window.loadedOnce = true").await;
        note(&server, "bob", "one\ntwo https://example.org/x").await;
        page.until_text(NEWEST, "Bob wrote").await;
        page.until_text(NEWEST, "one\ntwo https://example.org/x").await;
        assert_eq!(
            page.ask("document.querySelector('#timeline li .quote a').rel").await,
            "noopener noreferrer"
        );
        page.until_text("#said", "Bob wrote").await;
        server.alert(json!([alert("ToyprodSlow", "toyprod", "resolved")])).await;
        page.until_text("#headline", "Resolved").await;
        page.until_text("#actions", "Reopen").await;
        page.until_text("#alerts", "resolved").await;
        page.until("document.title.startsWith('Resolved')", true).await;
        assert_eq!(page.ask("window.loadedOnce").await, true, "the page was loaded again");
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worked_out_arrives_without_a_reload_keeps_up_with_the_clock_and_fits_a_phone() {
    let server = server_with_an_incident().await;
    server.enriched(1).await;
    in_browser(Screen::Phone, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.ask("window.loadedOnce = true").await;
        crate::pages::work_out(&server).await;
        page.until_text("#outlook", "Breach expected").await;
        page.until_text("#outlook", "in 5 min").await;
        page.until_text("#suspects", "320 ms").await;
        page.until_text("#changes", "toyprod 1.42 deployed").await;
        page.until_text("#budget", "61 % left").await;
        // The page's clock counts down.
        page.ask("document.querySelector('#outlook [data-away]').dataset.away = new Date(Date.now() - 90_000).toISOString()")
            .await;
        page.until_text("#outlook .step", "1 min ago").await;
        // The actions at the thumb lie over the lower end of the window.
        page.ask("document.querySelector('#suspects details').scrollIntoView({block: 'center'})").await;
        page.click("#suspects details summary").await;
        assert_eq!(page.ask("document.scrollingElement.scrollWidth").await, 390, "wider than the phone");
        assert_eq!(page.ask("window.loadedOnce").await, true, "the page was loaded again");
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gives_a_name_acknowledges_writes_and_resolves_by_keyboard() {
    let server = server_with_an_incident().await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.click(".who summary").await;
        page.fill("#your-name", "Zoë & co").await;
        page.click(".who form button").await;
        page.until_text(".who summary", "Zoë & co").await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.press("a").await;
        page.until_text("#headline", "Firing, acknowledged").await;
        page.until_text("#headline", "owner you").await;
        page.press("n").await;
        page.press("rolling back, not a key: r").await;
        page.click(".write button").await;
        page.until_text(NEWEST, "You wrote").await;
        page.until("document.getElementById('note').value", "").await;
        page.until_text("#headline", "Firing").await;
        page.ask("document.activeElement.blur()").await;
        page.press("r").await;
        page.until_text("#headline", "Resolved by hand, still fires").await;
        page.press("o").await;
        page.until_text("#headline", "Firing, acknowledged").await;
        page.press("?").await;
        page.until("document.getElementById('help').open", true).await;
    })
    .await;
    assert_eq!(server.event(1, "note").await["text"], "rolling back, not a key: r");
    assert_eq!(server.event(1, "acknowledged").await["actor"]["name"], "Zoë & co");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hostile_alert_says_is_text_on_every_page_and_no_script_runs() {
    let server = TestServer::start().await;
    let mut hostile = alert(HOSTILE, HOSTILE, "firing");
    hostile["annotations"] = json!({"summary": HOSTILE, "description": HOSTILE, HOSTILE: HOSTILE});
    hostile["generatorURL"] = json!("javascript:window.owned=3");
    let incident = server.alert(json!([hostile])).await[0];
    in_browser(Screen::Desk, async |page| {
        page.go(&server.url).await;
        page.until_text("#rows", HOSTILE).await;
        page.go(&format!("{}/incidents/{incident}", server.url)).await;
        page.until_text("h1", HOSTILE).await;
        // Also when it comes by the stream.
        note(&server, HOSTILE, HOSTILE).await;
        page.until_text(NEWEST, HOSTILE).await;
        assert_eq!(
            page.ask("[...document.querySelectorAll('img')].filter((one) => one.src.endsWith('/x')).length")
                .await,
            0
        );
        assert_eq!(
            page.ask("document.querySelectorAll('body script, [onerror], [href^=javascript]').length").await,
            0
        );
        assert_eq!(page.ask("window.owned ?? 'nobody'").await, "nobody");
        assert_eq!(page.complaints().await, Vec::<String>::new(), "markup came as far as the policy");
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_said_and_its_mending_brings_what_was_missed_once() {
    let server = server_with_an_incident().await;
    in_browser(Screen::Desk, async move |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        note(&server, "bob", "before").await;
        page.until_text(NEWEST, "before").await;
        assert_eq!(page.text("#connection").await, "");
        let stopped = server.pause().await;
        page.until_text("#connection", "Connection lost since").await;
        // What cannot be sent is not lost either.
        page.fill("#note", "while it was away").await;
        page.click(".write button").await;
        page.until_text(".write .failed", "OpsSeer cannot be reached. Your text is still here.").await;
        assert_eq!(page.ask("document.getElementById('note').value").await, "while it was away");
        let server = stopped.go_on().await;
        note(&server, "bob", "after").await;
        page.until_text("#connection", "Connection is back since").await;
        page.until_text(NEWEST, "after").await;
        let notes =
            "[...document.querySelectorAll('#timeline .body > .quote')].map((one) => one.innerText).join()";
        assert_eq!(page.ask(notes).await, "after,before");
        page.click(".write button").await;
        page.until_text(NEWEST, "while it was away").await;
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_waits_for_a_reader_who_is_further_down() {
    let server = server_with_an_incident().await;
    for n in 0..70 {
        note(&server, "bob", &format!("note {n}")).await;
    }
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.click("#earlier a").await;
        page.until_text("#timeline > li:last-child", "Incident opened").await;
        page.until("(scrollTo(0, 2000), scrollY)", 2000).await;
        note(&server, "bob", "news").await;
        page.until_text("#news", "1 new event").await;
        assert_eq!(page.ask("scrollY").await, 2000);
        page.click("#news").await;
        page.until_text(NEWEST, "news").await;
        page.until("document.getElementById('news').hidden", true).await;
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_fills_and_changes_by_itself() {
    let server = TestServer::start().await;
    in_browser(Screen::Desk, async |page| {
        page.go(&server.url).await;
        page.until_text("#empty", "/webhook/alertmanager").await;
        page.until_text("#health", "Waiting for the first heartbeat").await;
        server.alert(json!([alert("A", "one", "firing"), alert("B", "two", "firing")])).await;
        page.until("document.querySelectorAll('#rows tr').length", 2).await;
        page.until_text("#open-count", "2").await;
        assert_eq!(page.ask("document.getElementById('empty').hidden").await, true);
        server.alert(json!([alert("A", "one", "resolved"), alert("Watchdog", "", "firing")])).await;
        // It stays where it was, with its new state.
        page.until_text("#incident-1", "Resolved").await;
        page.until_text("#open-count", "1").await;
        page.until_text("#health", "Alerting works").await;
        page.press("/").await;
        page.press("two").await;
        page.click("form[role=search] button").await;
        page.until("document.querySelectorAll('#rows tr').length", 1).await;
        page.until_text("#rows", "two").await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_nothing_is_cut_off_and_the_actions_are_at_the_thumb() {
    let server = server_with_an_incident().await;
    note(&server, "bob", &"long".repeat(200)).await;
    in_browser(Screen::Phone, async |page| {
        for path in ["/", "/incidents/1"] {
            page.go(&format!("{}{path}", server.url)).await;
            assert_eq!(page.ask("innerWidth").await, 390);
            assert_eq!(
                page.ask("document.scrollingElement.scrollWidth").await,
                390,
                "{path} is wider than the phone"
            );
        }
        let gap =
            page.ask("innerHeight - document.getElementById('act-ack').getBoundingClientRect().bottom").await;
        assert!((0.0..=40.0).contains(&gap.as_f64().unwrap()), "{gap}");
        let left = "Math.min(...[...document.querySelectorAll('#actions *')].map((one) => one.getBoundingClientRect().left))";
        let left = page.ask(left).await;
        assert!(left.as_f64().unwrap() >= 0.0, "the first action begins at {left}");
        page.click("#act-ack").await;
        page.until_text("#headline", "acknowledged").await;
    })
    .await;
    server.stop().await;
}
