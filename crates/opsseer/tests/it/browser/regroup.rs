//! Merging, splitting and taking back, by hand and by mouse.

use serde_json::json;

use super::{NEWEST, in_browser};
use crate::{
    browser::driver::Screen,
    test_server::{TestServer, alert},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_takes_another_in_and_gives_it_back() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "db", "firing")])).await;
    server.alert(json!([alert("Deep", "queue", "firing")])).await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.press("m").await;
        page.until("document.getElementById('merge').open", true).await;
        page.click("#merge-other option[value='2']").await;
        page.fill("#merge-why", "the same disk").await;
        page.click("#merge-here").await;
        page.until_told("merged INC-2 into this").await;
        page.until_told("the same disk").await;
        page.until_text("#headline", "all 2 alerts firing").await;
        page.until_text("#alerts", "It came with INC-2, which was merged into this.").await;
        page.click("#timeline .undo button").await;
        page.until_told("undid the merge of INC-2").await;
        page.until_text("#headline", "1 alert firing").await;
        // What is undone offers no second undo, without the page being loaded again.
        page.until("document.querySelectorAll('#timeline .undo').length", 0).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    assert_eq!(server.get("/api/v1/incidents/2").await["status"], "open");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_incident_says_where_it_goes_on_and_offers_nothing_but_the_way_back() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "db", "firing")])).await;
    server.alert(json!([alert("Deep", "queue", "firing")])).await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/2", server.url)).await;
        page.click("#merge summary").await;
        page.click("#merge-there").await;
        page.until_text("#merge .failed", "choose the other incident, or type its number").await;
        page.fill("#merge-number", "inc-1").await;
        page.click("#merge-there").await;
        page.until_text("#headline", "Merged into INC-1, where it goes on").await;
        page.until("document.querySelectorAll('#actions button').length", 0).await;
        page.until("getComputedStyle(document.getElementById('tools')).display", "none").await;
        page.until("getComputedStyle(document.querySelector('.write')).display", "none").await;
        page.click("#undo-merge").await;
        page.until_text("#headline", "Firing").await;
        page.until_text("#actions", "Acknowledge").await;
        page.until_text("#tools", "Merge with another incident").await;
        // The browser itself tells of the one refusal.
        let complaints = page.complaints().await;
        assert!(complaints.len() == 1 && complaints[0].contains("400"), "{complaints:?}");
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ticked_alerts_become_an_incident_of_their_own_and_come_back() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "db", "firing"), alert("Full", "db", "firing")])).await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.click("#split summary").await;
        let ticked = "[...document.querySelectorAll('.alerts li')].find((one) => one.innerText.includes('Full')).querySelector('input')";
        page.ask(&format!("({ticked}.click(), true)")).await;
        // What comes meanwhile does not untick it.
        super::note(&server, "bob", "meanwhile").await;
        server.alert(json!([alert("Third", "db", "firing")])).await;
        page.until_text("#alerts", "Third").await;
        assert_eq!(page.ask(&format!("{ticked}.checked")).await, true);
        page.click("#split-go").await;
        page.until_text(NEWEST, "split off 1 alert into INC-2: Full").await;
        page.until("document.querySelectorAll('#alerts .alerts li').length", 2).await;
        page.click(&format!("{NEWEST} .undo button")).await;
        page.until_told("merged INC-2 into this").await;
        page.until("document.querySelectorAll('#alerts .alerts li').length", 3).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    assert_eq!(server.get("/api/v1/incidents/2").await["status"], "resolved");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_and_goes_is_one_line_that_counts_while_one_looks() {
    let server = TestServer::start_with(
        "[correlation]\nflaps = 2\n",
        opsseer_connect::prometheus::FakeMetrics::default(),
    )
    .await;
    let now = opsseer_core::Clock::now(&opsseer_core::SystemClock);
    let change = async |status: &str, n: i64| {
        let mut one = alert("Slow", "db", status);
        one["startsAt"] = json!(now - chrono::TimeDelta::seconds(100 - n));
        one["endsAt"] = if status == "resolved" { json!(now) } else { json!("0001-01-01T00:00:00Z") };
        server.alert(json!([one])).await;
    };
    in_browser(Screen::Desk, async |page| {
        for n in 0..4 {
            change("firing", n).await;
            change("resolved", n).await;
        }
        server.event(1, "flapping_held").await;
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until_text("#headline", "Comes and goes: back").await;
        let lines = "document.querySelectorAll('#timeline > li').length";
        for n in 4..10 {
            change("firing", n).await;
            change("resolved", n).await;
        }
        page.until_text(NEWEST, "came and went: fired").await;
        page.until_text("#headline", "back 9 times").await;
        page.ask(&format!("(document.querySelector('{NEWEST} details').open = true)")).await;
        let before = page.ask(lines).await;
        for n in 10..13 {
            change("firing", n).await;
            change("resolved", n).await;
        }
        page.until_text("#headline", "back 12 times").await;
        assert_eq!(page.ask(lines).await, before, "more of the same takes no more room");
        assert_eq!(page.ask(&format!("document.querySelector('{NEWEST} details').open")).await, true);
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}
