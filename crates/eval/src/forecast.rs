//! The suite `forecast`: where is a series heading, how sure is that, and does it cross a limit?
//!
//! Two kinds of data are read. A competition has `train.csv.gz` and `test.csv.gz`: what follows each row of the first is
//! the row of the same name in the second. Breach cases (`slo_breach_cases.jsonl`, series in `data/`) say whether a
//! series passes a threshold within a horizon, and when; the same series are then also forecast from several moments.
//!
//! Beside the forecaster stand those who do not look (always yes) and those who hardly do: the last value, the last
//! season, and a straight line as `predict_linear` draws it.

mod ahead;
mod breach;
mod naive;
mod series;

use std::path::Path;

use opsseer_ai::forecast::Forecaster;

use crate::{
    EvalError,
    suite::{Item, Outcome, folders},
};

/// The file of breach cases.
const CASES: &str = "slo_breach_cases.jsonl";

/// Seconds of the day, the season of most metrics.
const DAY: i64 = 86_400;

/// Runs the suite over the data set at `data`, or over each of those in its folders. `season` is the length of a
/// competition's season in steps (24 for hourly series, say); without it seasonal figures take each step as its own.
pub fn run(data: &Path, forecaster: &dyn Forecaster, season: Option<usize>) -> Result<Outcome, EvalError> {
    let is_data = |name: &str| name == CASES || series::is_table(name, "train");
    let (mut ahead, mut breach) = (ahead::Ahead::default(), breach::Breach::default());
    for set in folders::data_sets(data, "train.csv.gz or slo_breach_cases.jsonl", is_data)? {
        if let (Some(train), Some(test)) =
            (series::table(&set.folder, "train")?, series::table(&set.folder, "test")?)
        {
            ahead.competition(&set.name, &train, &test, forecaster, season.unwrap_or(1))?;
        }
        let cases = set.folder.join(CASES);
        if cases.is_file() {
            let folder = set.folder.join("data");
            breach.ask(&cases, &folder, forecaster)?;
            ahead.rolling(&folder, forecaster)?;
        }
    }
    let mut outcome = Outcome::new("forecast", None);
    let (asked, took) = (ahead.count(), ahead.seconds());
    if asked > 0.0 {
        outcome = outcome.extra("ms_per_series", took * 1e3 / asked);
    }
    let remarks = ahead.remarks().into_iter().chain(breach.remarks());
    outcome = remarks.fold(outcome, Outcome::remark);
    outcome = outcome.part(ahead.part());
    Ok(breach
        .parts()
        .into_iter()
        .fold(outcome, Outcome::part)
        .remark(format!("Forecaster: {}.", forecaster.name())))
}

/// The mean of a score over items, told in a remark; "none" where there are none.
fn told(items: &[Item], key: &str) -> String {
    let items: Vec<&Item> = items.iter().collect();
    crate::number::told(crate::suite::aggregate::mean(&items, key))
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write, fs};

    use opsseer_ai::forecast::LocalForecaster;

    use super::*;
    use crate::Evaluation;

    fn wave(step: usize) -> f64 {
        let step = f64::from(u32::try_from(step).expect("small"));
        50.0 + 20.0 * (step * std::f64::consts::TAU / 24.0).sin() + (step * 7.3).sin()
    }

    #[test]
    fn breaches_of_a_wave_are_foreseen_and_the_floors_are_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::create_dir_all(folder.path().join("data/some")).expect("folder");
        let mut text = "timestamp,value\n".to_owned();
        for hour in 0..400 {
            let (day, of_day) = (1 + hour / 24, hour % 24);
            writeln!(text, "2024-01-{day:02} {of_day:02}:00:00,{}", wave(hour)).expect("text");
        }
        fs::write(folder.path().join("data/some/wave.csv"), text).expect("written");
        let case = |cut: usize, level: &str, threshold: f64| {
            let breach = (0..24).find(|step| wave(cut + step) > threshold);
            serde_json::json!({"series": "some/wave.csv", "cut": cut, "step_s": 3600, "horizon": 24, "level": level,
                "threshold": threshold, "direction": "above", "breach_in_steps": breach})
            .to_string()
        };
        let lines: Vec<String> = (0..6)
            .flat_map(|nth| [case(240 + nth * 5, "often", 65.0), case(240 + nth * 5, "never", 90.0)])
            .collect();
        fs::write(folder.path().join(CASES), lines.join("\n")).expect("written");
        let outcome = run(folder.path(), &LocalForecaster::new(), None).expect("run");
        let told = Evaluation::of(outcome).to_json();
        assert_eq!((&told["breach"]["often"]["n"], &told["breach"]["often"]["f1"]), (&6.into(), &1.0.into()));
        assert_eq!(told["breach"]["never"]["accuracy"], 1.0);
        assert_eq!(told["chance"]["breach"]["often"]["f1"], 1.0);
        assert!(told["breach"]["often"]["median_time_error"].as_f64().is_some_and(|off| off < 0.1), "{told}");
        assert!(told["smape"].as_f64().is_some_and(|error| error < 5.0), "{}", told["smape"]);
        assert!(told["coverage80"].as_f64().is_some_and(|share| share > 0.5), "{}", told["coverage80"]);
        assert!(told["ms_per_series"].as_f64().is_some());
        let remarks = told["remarks"].to_string();
        assert!(remarks.contains("always yes") && remarks.contains("predict_linear"), "{remarks}");
    }

    #[test]
    fn a_competition_is_scored_as_it_was() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let row = |steps: std::ops::Range<usize>| {
            steps.map(|step| format!("{:.4}", wave(step))).collect::<Vec<_>>().join(",")
        };
        fs::write(folder.path().join("train.csv"), format!("id,v1\na,{}\nb,{}\n", row(0..240), row(5..300)))
            .expect("written");
        fs::write(
            folder.path().join("test.csv"),
            format!("id,v1\nb,{}\na,{}\n", row(300..324), row(240..264)),
        )
        .expect("written");
        let outcome = run(folder.path(), &LocalForecaster::new(), Some(24)).expect("run");
        let told = Evaluation::of(outcome).to_json();
        assert_eq!(told["n"], 2);
        assert!(told["mase"].as_f64().is_some_and(|error| error < 1.5), "{}", told["mase"]);
        fs::write(folder.path().join("test.csv"), "id,v1\nc,1,2\n").expect("written");
        let error = run(folder.path(), &LocalForecaster::new(), Some(24)).expect_err("no row").to_string();
        assert!(error.contains("test") && error.contains('a'), "{error}");
    }
}
