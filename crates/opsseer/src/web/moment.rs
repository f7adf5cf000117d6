//! Times as the pages show them: a clock in UTC that the browser turns local, and an age that it keeps up to date.

use askama::Template;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// An instant, seen from the instant at which the page is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: DateTime<Utc>,
    now: DateTime<Utc>,
}

/// `03:12:09`, with the whole instant for machines and on hover.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<time datetime="{{ iso }}" title="{{ utc }}" data-clock>{{ clock }}</time>"#
)]
pub(crate) struct ClockTag {
    iso: String,
    utc: String,
    clock: String,
}

/// `8 min`, kept up to date by the browser.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<span data-since="{{ iso }}"{% if ago %} data-ago{% endif %}>{{ words }}</span>"#
)]
pub(crate) struct AgeTag {
    iso: String,
    words: String,
    ago: bool,
}

/// `in 6 min`, or `6 min ago` once it has passed; kept up to date by the browser.
#[derive(Template)]
#[template(ext = "html", source = r#"<span data-away="{{ iso }}">{{ words }}</span>"#)]
pub(crate) struct AwayTag {
    iso: String,
    words: String,
}

impl Moment {
    pub(crate) fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { at, now }
    }

    /// The instant itself.
    pub(crate) fn at(&self) -> DateTime<Utc> {
        self.at
    }

    pub(crate) fn iso(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The clock, with the day if it is not today's.
    pub(crate) fn clock(&self) -> ClockTag {
        let form = if self.at.date_naive() == self.now.date_naive() { "%H:%M:%S" } else { "%-d %b %H:%M:%S" };
        ClockTag {
            iso: self.iso(),
            utc: self.at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            clock: self.at.format(form).to_string(),
        }
    }

    /// How long ago, as `8 min`.
    pub(crate) fn age(&self) -> AgeTag {
        AgeTag { iso: self.iso(), words: age_words(self.now - self.at), ago: false }
    }

    /// How long ago, as `8 min ago`.
    pub(crate) fn ago(&self) -> AgeTag {
        let words = match age_words(self.now - self.at) {
            words if words == "now" => "just now".to_owned(),
            words => format!("{words} ago"),
        };
        AgeTag { iso: self.iso(), words, ago: true }
    }

    /// How far ahead or how long ago.
    pub(crate) fn away(&self) -> AwayTag {
        AwayTag { iso: self.iso(), words: away_words(self.at - self.now) }
    }
}

/// `in 6 min`, `now`, `6 min ago`. The same words as `static/time.js`.
fn away_words(ahead: TimeDelta) -> String {
    match age_words(ahead.abs()) {
        words if words == "now" => words,
        words if ahead > TimeDelta::zero() => format!("in {words}"),
        words => format!("{words} ago"),
    }
}

/// An age in words that change no more often than they must: `now`, `12 s`, `8 min`, `2 h 10 min`, `3 days`. The same
/// words as `static/time.js`.
pub(crate) fn age_words(age: TimeDelta) -> String {
    if age < TimeDelta::seconds(5) { "now".to_owned() } else { duration_words(age) }
}

/// The length of a time: `0 s`, `12 s`, `8 min`, `2 h 10 min`, `3 days`. Never negative: clocks of two machines differ.
pub(crate) fn duration_words(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    if minutes == 0 {
        format!("{seconds} s")
    } else if hours == 0 {
        format!("{minutes} min")
    } else if days == 0 && minutes % 60 == 0 {
        format!("{hours} h")
    } else if days == 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

/// A length of time to the second while it is short: `4 min 12 s`, from an hour on as [`duration_words`].
pub(crate) fn exact_duration_words(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match (seconds / 60, seconds % 60) {
        (minutes @ 1..60, rest @ 1..) => format!("{minutes} min {rest} s"),
        _ => duration_words(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn ages_are_words_that_a_tired_person_reads_at_once() {
        let words = [0, 4, 5, 59, 60, 119, 3599, 3600, 7800, 86399, 86400, 172_800]
            .map(|seconds| age_words(TimeDelta::seconds(seconds)));
        assert_eq!(
            words,
            [
                "now",
                "now",
                "5 s",
                "59 s",
                "1 min",
                "1 min",
                "59 min",
                "1 h",
                "2 h 10 min",
                "23 h 59 min",
                "1 day",
                "2 days"
            ]
        );
    }

    #[test]
    fn a_time_ahead_of_the_servers_clock_is_now() {
        assert_eq!(age_words(TimeDelta::seconds(-40)), "now");
        assert_eq!(duration_words(TimeDelta::seconds(-40)), "0 s");
    }

    #[test]
    fn what_lies_ahead_is_told_apart_from_what_has_passed() {
        let words = [-7800, -5, -4, 4, 5, 400].map(|seconds| away_words(TimeDelta::seconds(seconds)));
        assert_eq!(words, ["2 h 10 min ago", "5 s ago", "now", "now", "in 5 s", "in 6 min"]);
    }

    #[test]
    fn short_lengths_keep_their_seconds() {
        let words =
            [12, 252, 240, 3599, 3700].map(|seconds| exact_duration_words(TimeDelta::seconds(seconds)));
        assert_eq!(words, ["12 s", "4 min 12 s", "4 min", "59 min 59 s", "1 h 1 min"]);
    }

    #[test]
    fn a_clock_names_the_day_only_if_it_is_another() {
        let now = at("2026-03-02T01:00:00Z");
        let clock = |text| Moment::new(at(text), now).clock().render().expect("renders");
        assert_eq!(
            clock("2026-03-02T00:12:09.5Z"),
            r#"<time datetime="2026-03-02T00:12:09.500Z" title="2026-03-02 00:12:09 UTC" data-clock>00:12:09</time>"#
        );
        assert!(clock("2026-03-01T23:12:09Z").contains(">1 Mar 23:12:09<"));
    }

    #[test]
    fn an_age_says_ago_where_a_sentence_needs_it() {
        let now = at("2026-03-02T01:00:00Z");
        let ago = |text| Moment::new(at(text), now).ago().render().expect("renders");
        assert!(ago("2026-03-02T00:59:48Z").ends_with(" data-ago>12 s ago</span>"));
        assert!(ago("2026-03-02T00:59:59Z").ends_with(">just now</span>"));
    }
}
