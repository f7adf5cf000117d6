//! Looking into a chart by pointer and by keys.

use super::in_browser;
use crate::browser::driver::Screen;
use crate::charts::server_with_a_chart;

/// To the right, five times.
const RIGHT: &str = "\u{E014}\u{E014}\u{E014}\u{E014}\u{E014}";

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_is_read_and_looked_at_closer_by_keys() {
    let server = server_with_a_chart().await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("!document.getElementById('help-open').hidden", true).await;
        page.ask("document.getElementById('picture-keys').focus()").await;
        page.until_text("#picture .read", "toyprod 0.6").await;
        page.until_text("#picture .read", "limit 0.3").await;
        // To the first point, then over a part of the quiet time.
        page.press("\u{E011}").await;
        page.until_text("#picture .read", "toyprod 0.1").await;
        let spoken =
            "document.getElementById('picture-keys').getAttribute('aria-valuetext').includes('toyprod 0.1')";
        page.until(spoken, true).await;
        page.press_with_shift(RIGHT).await;
        page.until_text("#picture .read", "0.1 to 0.1").await;
        page.press("\u{E007}").await;
        page.until("document.querySelector('#picture img').src.includes('/picture.svg?from=')", true).await;
        page.until("document.querySelector('#picture .whole').hidden", false).await;
        page.press("\u{E00C}").await;
        page.until("document.querySelector('#picture .whole').hidden", true).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_chosen_by_dragging_and_the_read_out_follows_the_pointer() {
    let server = server_with_a_chart().await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("document.querySelector('#picture img').complete", true).await;
        page.drag("#picture img", 0.3, 0.5).await;
        page.until("document.querySelector('#picture img').src.includes('/picture.svg?from=')", true).await;
        page.click("#picture .whole").await;
        page.until("document.querySelector('#picture img').src.endsWith('/picture.svg')", true).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}
