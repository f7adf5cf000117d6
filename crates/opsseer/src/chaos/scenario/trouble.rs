//! What is asked of the service under test.

use std::fmt;

use serde::Serialize;

/// The shape of the trouble; the service under test documents what each does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Mode {
    None,
    Constant,
    Sine,
    Ramp,
    Spike,
    Leak,
    Burn,
}

/// What is asked of the service's `/chaos`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trouble {
    /// The shape.
    pub mode: Mode,
    /// The delay that the mode shapes, in milliseconds.
    pub delay_ms: u32,
    /// The share of requests that fail, 0 to 1.
    pub fail_rate: f64,
    /// Seconds of one swing, climb or gap, for `sine`, `ramp` and `spike`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_s: Option<u32>,
    /// For `leak`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak_mib_per_s: Option<u32>,
    /// For `burn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_threads: Option<u32>,
}

impl Mode {
    pub(super) const ALL: [Self; 7] =
        [Self::None, Self::Constant, Self::Sine, Self::Ramp, Self::Spike, Self::Leak, Self::Burn];

    /// As scenario files, records and `/chaos` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Constant => "constant",
            Self::Sine => "sine",
            Self::Ramp => "ramp",
            Self::Spike => "spike",
            Self::Leak => "leak",
            Self::Burn => "burn",
        }
    }
}

impl Trouble {
    /// Nothing is wrong.
    pub const NONE: Self = Self {
        mode: Mode::None,
        delay_ms: 0,
        fail_rate: 0.0,
        period_s: None,
        leak_mib_per_s: None,
        burn_threads: None,
    };

    /// Whether nothing is wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

/// In words: "40 % fail, sine delay up to 400 ms".
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.fail_rate > 0.0 {
            words.push(format!("{} % fail", (self.fail_rate * 1_000.0).round() / 10.0));
        }
        match self.mode {
            Mode::Leak => words.push("memory leaks".to_owned()),
            Mode::Burn => words.push("CPU burns".to_owned()),
            Mode::None | Mode::Constant | Mode::Sine | Mode::Ramp | Mode::Spike => {}
        }
        match self.mode {
            _ if self.delay_ms == 0 => {}
            Mode::Sine | Mode::Ramp | Mode::Spike => {
                words.push(format!("{} delay up to {} ms", self.mode.as_str(), self.delay_ms));
            }
            Mode::None | Mode::Constant | Mode::Leak | Mode::Burn => {
                words.push(format!("delay {} ms", self.delay_ms));
            }
        }
        if words.is_empty() {
            words.push("calm".to_owned());
        }
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_in_words() {
        let slow = Trouble { mode: Mode::Sine, delay_ms: 400, fail_rate: 0.125, ..Trouble::NONE };
        assert_eq!(slow.to_string(), "12.5 % fail, sine delay up to 400 ms");
        assert_eq!(Trouble::NONE.to_string(), "calm");
        let leak = Trouble { mode: Mode::Leak, ..Trouble::NONE };
        assert_eq!(leak.to_string(), "memory leaks");
    }
}
