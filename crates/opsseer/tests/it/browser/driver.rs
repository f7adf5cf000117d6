//! Debian's Chromium, driven through its chromedriver; both end with the test.

use std::{fmt::Debug, io::ErrorKind, process::Stdio, time::Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::sleep,
};

use crate::test_server::PATIENCE;

const MISSING: &str = "needs Chromium and its driver; on Debian: apt-get install chromium chromium-driver";

/// Nothing that asks anybody on the internet anything.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// How large the window is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Screen {
    Desk,
    Phone,
}

/// An open browser window.
pub(super) struct Browser {
    driver: WebDriver,
    chromedriver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(super) async fn open(screen: Screen) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (chromedriver, address) = start_chromedriver().await;
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        wanted.add_arg("--window-size=1280,800").unwrap();
        wanted.set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All).unwrap();
        if let Screen::Phone = screen {
            let metrics =
                json!({"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2.0, "touch": true}});
            wanted.add_experimental_option("mobileEmulation", metrics).unwrap();
        }
        let driver = WebDriver::new(&address, wanted)
            .await
            .unwrap_or_else(|error| panic!("the browser {MISSING}\n{error}"));
        Self { driver, chromedriver, _profile: profile }
    }

    pub(super) async fn close(mut self) {
        self.driver.quit().await.unwrap();
        self.chromedriver.kill().await.unwrap();
    }

    pub(super) async fn go(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    /// What a script gives.
    pub(super) async fn ask(&self, script: &str) -> Value {
        let answer = self.driver.execute(format!("return ({script})"), vec![]).await;
        answer.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// The visible text of the first element that fits.
    pub(super) async fn text(&self, css: &str) -> String {
        let script = format!("document.querySelector({})?.innerText ?? null", json!(css));
        self.ask(&script).await.as_str().unwrap_or_else(|| panic!("no {css} on the page")).to_owned()
    }

    /// Waits until a script gives `expected`.
    pub(super) async fn until(&self, script: &str, expected: impl Into<Value> + Debug) {
        let expected = expected.into();
        self.wait(script, |got| *got == expected, &format!("{expected}")).await;
    }

    /// Waits until an element's visible text has `words`.
    pub(super) async fn until_text(&self, css: &str, words: &str) {
        let script = format!("document.querySelector({})?.innerText ?? ''", json!(css));
        self.wait(&script, |got| got.as_str().is_some_and(|text| text.contains(words)), words).await;
    }

    /// Waits until the timeline tells of something. Whoever reads further down is not moved: new events wait behind a chip,
    /// which this clicks.
    pub(super) async fn until_told(&self, words: &str) {
        let script = "(() => {
            const news = document.getElementById('news');
            if (news && !news.hidden) news.click();
            return document.getElementById('timeline')?.innerText ?? '';
        })()";
        self.wait(script, |got| got.as_str().is_some_and(|text| text.contains(words)), words).await;
    }

    async fn wait(&self, script: &str, good: impl Fn(&Value) -> bool, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let got = self.ask(script).await;
            if good(&got) {
                return;
            }
            assert!(Instant::now() < end, "{script} is {got} and never became {wanted}");
            sleep(std::time::Duration::from_millis(30)).await;
        }
    }

    /// Drags across an element, between shares of its width from the left, at half its height.
    pub(super) async fn drag(&self, css: &str, from: f64, to: f64) {
        let script = format!(
            "(() => {{
                const element = document.querySelector({});
                element.scrollIntoView({{ block: 'center' }});
                const box = element.getBoundingClientRect();
                return [box.left, box.width, box.top + box.height / 2];
            }})()",
            json!(css)
        );
        let place = self.ask(&script).await;
        let number = |index: usize| place[index].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "places on a screen")]
        let (x, y) = (|share: f64| (number(0) + share * number(1)) as i64, number(2) as i64);
        let moves = self.driver.action_chain().move_to(x(from), y).move_to(x(from) + 1, y);
        moves.perform().await.unwrap();
        self.until_text(".plot .read", " UTC").await;
        let drag = self.driver.action_chain().click_and_hold();
        drag.move_to(x(f64::midpoint(from, to)), y).move_to(x(to), y).release().perform().await.unwrap();
    }

    /// Presses keys wherever the focus is.
    pub(super) async fn press(&self, keys: &str) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// The same with Shift held down.
    pub(super) async fn press_with_shift(&self, keys: &str) {
        let held = self.driver.action_chain().key_down(Key::Shift).send_keys(keys);
        held.key_up(Key::Shift).perform().await.unwrap();
    }

    /// Clicks as soon as that is there to be clicked: a live update may be about to put it there, or in another's place.
    pub(super) async fn click(&self, css: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let clicked = async { self.driver.find(By::Css(css)).await?.click().await }.await;
            match clicked {
                Ok(()) => return,
                Err(error) => assert!(Instant::now() < end, "{css} cannot be clicked: {error}"),
            }
            sleep(std::time::Duration::from_millis(30)).await;
        }
    }

    /// Replaces what a field holds.
    pub(super) async fn fill(&self, css: &str, text: &str) {
        let field = self.driver.find(By::Css(css)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// What the browser complained of, such as a violation of the Content-Security-Policy.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }
}

/// Starts a driver on a port of its own choosing, and reads which from what it says.
async fn start_chromedriver() -> (Child, String) {
    let spawned = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("chromedriver is not installed: the test {MISSING}")
        }
        spawned => spawned.unwrap(),
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
            // It goes on talking; nobody listening must not stop it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, address);
        }
    }
    panic!("chromedriver ended before it was ready");
}
