//! Asking the runbooks and correcting the classifier.

use super::{in_browser, server_with_an_incident};
use crate::browser::driver::Screen;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_one_key_away_and_its_answer_comes_without_a_reload() {
    let server = server_with_an_incident().await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.ask("window.loadedOnce = true").await;
        page.press("q").await;
        page.press("Toyprod is slow, how do I switch the chaos off?\u{E007}").await;
        page.until_text("#ask", "curl toyprod/chaos?mode=none").await;
        page.until_text("#ask .source", "% sure").await;
        page.until("document.getElementById('question').value", "").await;
        page.until_text("#timeline", "asked the runbooks: Toyprod is slow").await;
        page.until("document.querySelector('#ask [data-copy]').hidden", false).await;
        page.fill("#question", "Which yeast makes the best sourdough bread?").await;
        page.click("#ask-form button").await;
        page.until_text("#ask", "No runbook answers this").await;
        assert_eq!(page.ask("window.loadedOnce").await, true, "the page was loaded again");
        page.go(&server.url).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.press("q").await;
        page.press("how do I switch the chaos off when toyprod is slow?\u{E007}").await;
        page.until_text("#answer", "curl toyprod/chaos?mode=none").await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_shown_without_a_reload() {
    let server = server_with_an_incident().await;
    in_browser(Screen::Phone, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.ask("window.loadedOnce = true").await;
        // The actions at the thumb lie over the lower end of the window.
        let into_the_middle = "document.querySelector('#class .correct').scrollIntoView({block: 'center'})";
        page.ask(into_the_middle).await;
        page.click("#class .correct summary").await;
        page.ask("document.querySelector('#class select').value = 'Message brokers'").await;
        page.ask(into_the_middle).await;
        page.click("#class .correct button").await;
        page.until_text("#class", "Message brokers, corrected by on-call").await;
        // Whoever reads further down is not moved: the event waits behind a chip.
        page.until_text("#news", "1 new event").await;
        page.click("#news").await;
        page.until_text("#timeline", "said what kind ToyprodSlow is: Message brokers").await;
        assert_eq!(page.ask("window.loadedOnce").await, true, "the page was loaded again");
        let width = "document.documentElement.scrollWidth <= innerWidth";
        page.until(width, true).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}
