//! The table of `opsseer slo status`.

use std::io::{self, Write};

use chrono::TimeDelta;
use opsseer_eval::table::{self, Align};

use crate::{cli::incidents::render::in_words, slo::BudgetStatus};

/// Less of an objective's window than this, and how much there is data for is said beside what is left.
const WHOLE: f64 = 0.95;

/// A line an objective, then what a reader has to know of the figures.
pub(super) fn write(statuses: &[BudgetStatus], out: &mut dyn Write) -> io::Result<()> {
    let head = [
        ("SERVICE", Align::Left),
        ("OBJECTIVE", Align::Left),
        ("", Align::Right),
        ("BUDGET LEFT", Align::Right),
        ("BURN 5m", Align::Right),
        ("1h", Align::Right),
        ("6h", Align::Right),
        ("3d", Align::Right),
        ("GONE IN", Align::Right),
    ];
    let row = |one: &BudgetStatus| {
        vec![
            one.service.clone(),
            one.slo.clone(),
            format!("{} % in {}", one.objective, one.window),
            one.budget_left.map_or_else(unknown, |left| format!("{:.1} %", left * 100.0)),
            burn(one.burn_5m),
            burn(one.burn_1h),
            burn(one.burn_6h),
            burn(one.burn_3d),
            gone_in(one),
        ]
    };
    table::write(out, &head, &statuses.iter().map(row).collect::<Vec<_>>())?;
    for one in statuses {
        if let Some(covered) = one.covered.filter(|covered| *covered < WHOLE) {
            let data = TimeDelta::from_std(one.window.duration().mul_f64(covered)).unwrap_or_default();
            let data = in_words(data);
            writeln!(
                out,
                "{} has data for {data} of {}; the rest counts as free of errors",
                one.slo, one.window
            )?;
        }
        if !one.recorded {
            writeln!(out, "{} is not recorded: load the rules that `opsseer slo rules` writes", one.slo)?;
        }
    }
    Ok(())
}

fn unknown() -> String {
    "-".to_owned()
}

fn burn(burn: Option<f64>) -> String {
    burn.map_or_else(unknown, |burn| format!("{burn:.1}"))
}

fn gone_in(one: &BudgetStatus) -> String {
    match one.exhausted_in {
        Some(time) if time.is_zero() => "gone".to_owned(),
        Some(time) => in_words(TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)),
        None if one.budget_left.is_none() => unknown(),
        None => "never".to_owned(),
    }
}
