//! Reads one `[[phase]]` by hand, because an error must name the field and say what is allowed there.

use std::{ops::RangeInclusive, time::Duration};

use toml::{Table, Value};

use super::{Milestone, Mode, Phase, PhaseName, Trouble, duration};

/// The most requests a second that one process can send on a steady schedule.
const RATE_MAX: f64 = 5_000.0;
/// A tenth of a second to a day.
const DURATION_RANGE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(24);
/// The limits of the service's `/chaos`, so that a scenario fails before it starts and not in its third phase.
const DELAY_MAX_MS: u32 = 60_000;
const PERIOD_MAX_S: u32 = 3_600;
const LEAK_RATE_MAX: u32 = 256;
const BURN_THREADS_MAX: u32 = 8;

const FIELDS: &str =
    "name, duration, rate, mode, delay_ms, fail_rate, period_s, leak_mib_per_s, burn_threads, until";

/// The phase in `table`, or what is wrong with it in words.
pub(super) fn read(mut table: Table) -> Result<Phase, String> {
    let name = required(choice(&mut table, "name", PhaseName::ALL, PhaseName::as_str)?, "name")?;
    let duration = required(length(&mut table, "duration")?, "duration")?;
    let rate = required(number(&mut table, "rate", 0.0..=RATE_MAX)?, "rate")?;
    let until = choice(&mut table, "until", Milestone::ALL, Milestone::as_str)?;
    let trouble = trouble(&mut table)?;
    if let Some(unknown) = table.keys().next() {
        return Err(format!("unknown field `{unknown}`; allowed are {FIELDS}"));
    }
    if name.is_calm() && !trouble.is_none() {
        return Err(format!(
            "{name} is a calm phase; mode, delay_ms and fail_rate belong to degrade and incident"
        ));
    }
    Ok(Phase { name, duration, rate, trouble, until })
}

fn trouble(table: &mut Table) -> Result<Trouble, String> {
    let delay_ms = whole(table, "delay_ms", 0..=DELAY_MAX_MS)?.unwrap_or(0);
    let mode = match choice(table, "mode", Mode::ALL, Mode::as_str)? {
        Some(Mode::None) if delay_ms > 0 => {
            return Err(format!("delay_ms = {delay_ms} contradicts mode = \"none\"; leave the mode out"));
        }
        Some(mode) => mode,
        None if delay_ms > 0 => Mode::Constant,
        None => Mode::None,
    };
    let trouble = Trouble {
        mode,
        delay_ms,
        fail_rate: number(table, "fail_rate", 0.0..=1.0)?.unwrap_or(0.0),
        period_s: whole(table, "period_s", 1..=PERIOD_MAX_S)?,
        leak_mib_per_s: whole(table, "leak_mib_per_s", 1..=LEAK_RATE_MAX)?,
        burn_threads: whole(table, "burn_threads", 1..=BURN_THREADS_MAX)?,
    };
    let shaped = matches!(mode, Mode::Sine | Mode::Ramp | Mode::Spike);
    let tunings = [
        ("period_s", trouble.period_s, shaped, "sine, ramp and spike"),
        ("leak_mib_per_s", trouble.leak_mib_per_s, mode == Mode::Leak, "leak"),
        ("burn_threads", trouble.burn_threads, mode == Mode::Burn, "burn"),
    ];
    for (field, value, allowed, modes) in tunings {
        if value.is_some() && !allowed {
            return Err(format!("{field} has no meaning in mode {}; it belongs to {modes}", mode.as_str()));
        }
    }
    Ok(trouble)
}

fn required<T>(value: Option<T>, field: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("{field} is missing"))
}

fn not_allowed(field: &str, value: &Value, allowed: &str) -> String {
    format!("{field} = {value} is not allowed; {allowed}")
}

fn choice<T: Copy, const N: usize>(
    table: &mut Table,
    field: &str,
    all: [T; N],
    as_str: fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    let Some(value) = table.remove(field) else { return Ok(None) };
    match all.into_iter().find(|&one| value.as_str() == Some(as_str(one))) {
        Some(found) => Ok(Some(found)),
        None => Err(not_allowed(field, &value, &format!("one of {}", all.map(as_str).join(", ")))),
    }
}

fn whole(table: &mut Table, field: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, String> {
    let Some(value) = table.remove(field) else { return Ok(None) };
    match value.as_integer().and_then(|number| u32::try_from(number).ok()) {
        Some(number) if range.contains(&number) => Ok(Some(number)),
        _ => {
            let allowed = format!("a whole number from {} to {}", range.start(), range.end());
            Err(not_allowed(field, &value, &allowed))
        }
    }
}

fn number(table: &mut Table, field: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, String> {
    let Some(value) = table.remove(field) else { return Ok(None) };
    let number = match &value {
        Value::Float(number) => Some(*number),
        // Exact for every number in any of the ranges.
        Value::Integer(number) => i32::try_from(*number).ok().map(f64::from),
        _ => None,
    };
    match number {
        // NaN and the infinities are in no range.
        Some(number) if range.contains(&number) => Ok(Some(number)),
        _ => {
            let allowed = format!("a number from {} to {}", range.start(), range.end());
            Err(not_allowed(field, &value, &allowed))
        }
    }
}

fn length(table: &mut Table, field: &str) -> Result<Option<Duration>, String> {
    let Some(value) = table.remove(field) else { return Ok(None) };
    match value.as_str().and_then(duration::parse) {
        Some(duration) if DURATION_RANGE.contains(&duration) => Ok(Some(duration)),
        _ => Err(not_allowed(field, &value, "text like \"30s\", \"2m\" or \"1m30s\", from 100ms to 24h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(fields: &str) -> Result<Phase, String> {
        read(toml::from_str(fields).unwrap())
    }

    const INCIDENT: &str = "name = 'incident'\nduration = '1m'\nrate = 20\n";

    fn incident(fields: &str) -> Result<Phase, String> {
        phase(&format!("{INCIDENT}{fields}"))
    }

    #[test]
    fn a_full_phase_is_read() {
        let read = incident("mode = 'sine'\ndelay_ms = 400\nfail_rate = 0.1\nperiod_s = 20\nuntil = 'alert'")
            .unwrap();
        let trouble =
            Trouble { mode: Mode::Sine, delay_ms: 400, fail_rate: 0.1, period_s: Some(20), ..Trouble::NONE };
        let expected = Phase {
            name: PhaseName::Incident,
            duration: Duration::from_mins(1),
            rate: 20.0,
            trouble,
            until: Some(Milestone::Alert),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_delay_alone_is_constant() {
        assert_eq!(incident("delay_ms = 50").unwrap().trouble.mode, Mode::Constant);
    }

    #[test]
    fn errors_name_the_field_and_what_is_allowed() {
        let cases = [
            ("delay_ms = 60001", "delay_ms = 60001 is not allowed; a whole number from 0 to 60000"),
            ("delay_ms = -1", "delay_ms = -1 is not allowed; a whole number from 0 to 60000"),
            ("delay_ms = '5'", "delay_ms = \"5\" is not allowed; a whole number from 0 to 60000"),
            ("fail_rate = 1.5", "fail_rate = 1.5 is not allowed; a number from 0 to 1"),
            ("fail_rate = nan", "fail_rate = nan is not allowed; a number from 0 to 1"),
            (
                "mode = 'random'",
                "mode = \"random\" is not allowed; one of none, constant, sine, ramp, spike, leak, burn",
            ),
            ("until = 'noon'", "until = \"noon\" is not allowed; one of alert, resolved"),
            ("mode = 'none'\ndelay_ms = 5", "delay_ms = 5 contradicts mode = \"none\"; leave the mode out"),
            (
                "mode = 'leak'\nperiod_s = 5",
                "period_s has no meaning in mode leak; it belongs to sine, ramp and spike",
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(incident(fields).unwrap_err(), expected);
        }
        let unknown = incident("delay = 5").unwrap_err();
        assert_eq!(unknown, format!("unknown field `delay`; allowed are {FIELDS}"));
    }

    #[test]
    fn name_duration_and_rate_are_needed() {
        assert_eq!(phase("duration = '1s'\nrate = 1").unwrap_err(), "name is missing");
        assert_eq!(phase("name = 'recover'\nrate = 1").unwrap_err(), "duration is missing");
        assert_eq!(phase("name = 'recover'\nduration = '1s'").unwrap_err(), "rate is missing");
        let duration = phase("name = 'recover'\nduration = '1 s'\nrate = 1").unwrap_err();
        assert!(duration.starts_with("duration = \"1 s\" is not allowed; text like"), "{duration}");
        let rate = phase("name = 'recover'\nduration = '1s'\nrate = 5001").unwrap_err();
        assert_eq!(rate, "rate = 5001 is not allowed; a number from 0 to 5000");
    }

    #[test]
    fn calm_phases_are_calm() {
        let loud = phase("name = 'recover'\nduration = '1s'\nrate = 1\nfail_rate = 0.1").unwrap_err();
        assert!(loud.starts_with("recover is a calm phase"), "{loud}");
    }
}
