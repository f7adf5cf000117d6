//! A request's parameters, checked, and what they make of the settings in force.

use std::ops::RangeInclusive;

use thiserror::Error;

use super::{
    BURN_THREADS_DEFAULT, BURN_THREADS_MAX, DELAY_MAX_MS, LEAK_RATE_DEFAULT, LEAK_RATE_MAX, Mode,
    PERIOD_MAX_S, Settings,
};

/// The parameters that `/chaos` knows, as an error lists them.
const KNOWN: &str = "mode, delay_ms, fail_rate, period_s, leak_mib_per_s, burn_threads";

/// What one request asks to change. What it does not name keeps its value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    mode: Option<Mode>,
    delay_ms: Option<u32>,
    fail_rate: Option<f64>,
    period_s: Option<u32>,
    leak_mib_per_s: Option<u32>,
    burn_threads: Option<u32>,
}

/// Why a change was refused. The text is the whole story: it says what is allowed.
#[derive(Debug, Error, PartialEq)]
pub enum BadChange {
    /// A parameter that does not exist.
    #[error("unknown parameter `{name}`; allowed are {KNOWN}")]
    Unknown {
        /// As the request spells it.
        name: String,
    },
    /// A parameter that stands there twice: which one is meant?
    #[error("parameter `{name}` is given more than once")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A value outside what the parameter allows.
    #[error("{name}={value} is not allowed; {allowed}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// As the request spells it.
        value: String,
        /// What would be accepted.
        allowed: String,
    },
    /// Mode `none` and a delay contradict each other.
    #[error("delay_ms={delay_ms} contradicts mode=none; use mode=constant, or delay_ms=0")]
    DelayWithoutMode {
        /// The delay asked for.
        delay_ms: u32,
    },
    /// A tuning parameter of another mode than the one in force.
    #[error("{name} has no meaning in mode {mode}; it belongs to {belongs_to}")]
    NotInThisMode {
        /// The parameter.
        name: &'static str,
        /// The mode that would be in force.
        mode: Mode,
        /// The modes that have it.
        belongs_to: &'static str,
    },
}

impl Change {
    /// Reads the decoded parameters of a request.
    pub fn from_parameters(parameters: &[(String, String)]) -> Result<Self, BadChange> {
        let mut change = Self::default();
        for (name, value) in parameters {
            match name.as_str() {
                "mode" => set(&mut change.mode, "mode", mode(value)?)?,
                "delay_ms" => {
                    let delay_ms = whole("delay_ms", value, 0..=DELAY_MAX_MS)?;
                    set(&mut change.delay_ms, "delay_ms", delay_ms)?;
                }
                "fail_rate" => set(&mut change.fail_rate, "fail_rate", share("fail_rate", value)?)?,
                "period_s" => {
                    set(&mut change.period_s, "period_s", whole("period_s", value, 1..=PERIOD_MAX_S)?)?;
                }
                "leak_mib_per_s" => {
                    let rate = whole("leak_mib_per_s", value, 1..=LEAK_RATE_MAX)?;
                    set(&mut change.leak_mib_per_s, "leak_mib_per_s", rate)?;
                }
                "burn_threads" => {
                    let threads = whole("burn_threads", value, 1..=BURN_THREADS_MAX)?;
                    set(&mut change.burn_threads, "burn_threads", threads)?;
                }
                _ => return Err(BadChange::Unknown { name: name.clone() }),
            }
        }
        Ok(change)
    }

    /// Nothing is asked: the request only looks.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Settings {
    /// These settings after `change`.
    ///
    /// `mode=none` first resets everything, so that alone it switches all trouble off. A delay that is asked for
    /// while nothing shapes it is `constant`: whoever asks for a delay wants one.
    pub fn changed_by(self, change: &Change) -> Result<Self, BadChange> {
        let base = if change.mode == Some(Mode::None) { Self::CALM } else { self };
        let delay_ms = change.delay_ms.unwrap_or(base.delay_ms);
        let mode = match change.mode {
            Some(Mode::None) if delay_ms > 0 => return Err(BadChange::DelayWithoutMode { delay_ms }),
            Some(mode) => mode,
            None if base.mode == Mode::None && delay_ms > 0 => Mode::Constant,
            None => base.mode,
        };
        // A tuning value outlives a change only while its mode does: each mode starts with its own defaults.
        let kept = if mode == self.mode { base } else { Self::CALM };
        Ok(Self {
            mode,
            delay_ms,
            fail_rate: change.fail_rate.unwrap_or(base.fail_rate),
            period_s: tuning(
                ("period_s", "sine, ramp and spike"),
                mode,
                change.period_s,
                kept.period_s.or(mode.default_period_s()),
            )?,
            leak_mib_per_s: tuning(
                ("leak_mib_per_s", "leak"),
                mode,
                change.leak_mib_per_s,
                (mode == Mode::Leak).then_some(kept.leak_mib_per_s.unwrap_or(LEAK_RATE_DEFAULT)),
            )?,
            burn_threads: tuning(
                ("burn_threads", "burn"),
                mode,
                change.burn_threads,
                (mode == Mode::Burn).then_some(kept.burn_threads.unwrap_or(BURN_THREADS_DEFAULT)),
            )?,
        })
    }
}

/// The tuning value in force: the one asked for, else `otherwise`, which is `None` where the mode has no such
/// tuning.
fn tuning(
    (name, belongs_to): (&'static str, &'static str),
    mode: Mode,
    asked: Option<u32>,
    otherwise: Option<u32>,
) -> Result<Option<u32>, BadChange> {
    match (asked, otherwise) {
        (Some(_), None) => Err(BadChange::NotInThisMode { name, mode, belongs_to }),
        (asked, otherwise) => Ok(asked.or(otherwise)),
    }
}

fn set<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), BadChange> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadChange::Twice { name }),
    }
}

fn mode(value: &str) -> Result<Mode, BadChange> {
    Mode::named(value).ok_or_else(|| {
        let names = Mode::ALL.map(Mode::as_str).join(", ");
        BadChange::Value { name: "mode", value: value.to_owned(), allowed: format!("one of {names}") }
    })
}

fn whole(name: &'static str, value: &str, range: RangeInclusive<u32>) -> Result<u32, BadChange> {
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => {
            let allowed = format!("a whole number from {} to {}", range.start(), range.end());
            Err(BadChange::Value { name, value: value.to_owned(), allowed })
        }
    }
}

fn share(name: &'static str, value: &str) -> Result<f64, BadChange> {
    match value.parse::<f64>() {
        // Also refuses NaN and the infinities. Adding zero turns -0 into 0.
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number + 0.0),
        _ => {
            let allowed = "a number from 0 to 1".to_owned();
            Err(BadChange::Value { name, value: value.to_owned(), allowed })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(query: &[(&str, &str)]) -> Result<Change, BadChange> {
        let owned: Vec<_> = query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Change::from_parameters(&owned)
    }

    fn apply(settings: Settings, query: &[(&str, &str)]) -> Result<Settings, BadChange> {
        settings.changed_by(&change(query)?)
    }

    fn after(steps: &[&[(&str, &str)]]) -> Settings {
        steps.iter().fold(Settings::CALM, |settings, step| apply(settings, step).unwrap())
    }

    #[test]
    fn bad_values_say_what_is_allowed() {
        let cases = [
            ("delay_ms", "60001", "a whole number from 0 to 60000"),
            ("delay_ms", "-1", "a whole number from 0 to 60000"),
            ("delay_ms", "1.5", "a whole number from 0 to 60000"),
            ("delay_ms", "", "a whole number from 0 to 60000"),
            ("fail_rate", "NaN", "a number from 0 to 1"),
            ("fail_rate", "inf", "a number from 0 to 1"),
            ("fail_rate", "1.0001", "a number from 0 to 1"),
            ("fail_rate", "-0.1", "a number from 0 to 1"),
            ("mode", "SINE", "one of none, constant, sine, ramp, spike, leak, burn"),
            ("period_s", "0", "a whole number from 1 to 3600"),
            ("leak_mib_per_s", "257", "a whole number from 1 to 256"),
            ("burn_threads", "9", "a whole number from 1 to 8"),
        ];
        for (name, value, allowed) in cases {
            let refused = change(&[(name, value)]).unwrap_err().to_string();
            assert_eq!(refused, format!("{name}={value} is not allowed; {allowed}"));
        }
    }

    #[test]
    fn the_ends_of_every_range_are_allowed() {
        assert_eq!(after(&[&[("delay_ms", "60000")]]).delay_ms, 60_000);
        assert!((after(&[&[("fail_rate", "1")]]).fail_rate - 1.0).abs() < f64::EPSILON);
        assert_eq!(after(&[&[("mode", "sine"), ("period_s", "3600")]]).period_s, Some(3_600));
    }

    #[test]
    fn unknown_and_doubled_parameters_are_refused() {
        let unknown = change(&[("failrate", "1")]).unwrap_err().to_string();
        assert_eq!(unknown, format!("unknown parameter `failrate`; allowed are {KNOWN}"));
        let twice = change(&[("mode", "sine"), ("mode", "none")]);
        assert_eq!(twice, Err(BadChange::Twice { name: "mode" }));
    }

    #[test]
    fn what_is_not_named_keeps_its_value() {
        let settings =
            after(&[&[("mode", "sine"), ("delay_ms", "300"), ("period_s", "20")], &[("fail_rate", "0.4")]]);
        assert_eq!((settings.mode, settings.delay_ms, settings.period_s), (Mode::Sine, 300, Some(20)));
    }

    #[test]
    fn none_alone_switches_everything_off() {
        let settings =
            after(&[&[("mode", "leak"), ("delay_ms", "300"), ("fail_rate", "1")], &[("mode", "none")]]);
        assert_eq!(settings, Settings::CALM);
    }

    #[test]
    fn none_with_a_fail_rate_keeps_just_the_failures() {
        let settings =
            after(&[&[("mode", "sine"), ("delay_ms", "300")], &[("mode", "none"), ("fail_rate", "0.4")]]);
        assert_eq!(settings, Settings { fail_rate: 0.4, ..Settings::CALM });
    }

    #[test]
    fn none_with_a_delay_is_a_contradiction() {
        let refused = apply(Settings::CALM, &[("mode", "none"), ("delay_ms", "300")]);
        assert_eq!(refused, Err(BadChange::DelayWithoutMode { delay_ms: 300 }));
    }

    #[test]
    fn a_delay_without_a_mode_is_constant() {
        assert_eq!(after(&[&[("delay_ms", "300")]]).mode, Mode::Constant);
    }

    #[test]
    fn each_mode_starts_with_its_own_tuning() {
        let settings = after(&[&[("mode", "sine"), ("period_s", "5")], &[("mode", "ramp")]]);
        assert_eq!(settings.period_s, Mode::Ramp.default_period_s());
        let refused = apply(settings, &[("mode", "leak"), ("period_s", "5")]).unwrap_err().to_string();
        assert_eq!(refused, "period_s has no meaning in mode leak; it belongs to sine, ramp and spike");
    }
}
