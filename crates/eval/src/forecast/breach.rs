//! Does a series pass a threshold within a horizon, and when?

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use opsseer_ai::forecast::{Crossing, Direction, Forecast, Forecaster, Verdict};
use serde::Deserialize;

use super::{DAY, ahead::history, naive, series};
use crate::{
    EvalError, jsonl, number,
    suite::{Better, Item, Measure, Part, aggregate},
};

const YES: &str = "yes";
const NO: &str = "no";

/// Ways to answer that hardly look.
const FLOORS: [&str; 4] = ["always yes", "last season", "last value", "predict_linear"];

#[derive(Deserialize)]
struct Case {
    series: String,
    /// The number of values that are known.
    cut: usize,
    step_s: i64,
    /// Steps.
    horizon: usize,
    level: String,
    threshold: f64,
    #[serde(default)]
    direction: Side,
    /// From 0 for the first step after what is known; `null` if it does not happen.
    breach_in_steps: Option<usize>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Side {
    #[default]
    Above,
    Below,
}

/// The cases of each level, and what the floors answered.
#[derive(Default)]
pub(super) struct Breach {
    levels: BTreeMap<String, Level>,
}

#[derive(Default)]
struct Level {
    items: Vec<Item>,
    floors: [Vec<Item>; 4],
}

impl Breach {
    /// Asks every case of the file.
    pub(super) fn ask(
        &mut self,
        cases: &Path,
        folder: &Path,
        forecaster: &dyn Forecaster,
    ) -> Result<(), EvalError> {
        let mut series: HashMap<String, Vec<f64>> = HashMap::new();
        // Cases at the same moment share a forecast: only their thresholds differ.
        let mut newest: Option<((String, usize, usize), Forecast)> = None;
        for jsonl::Line { number, value: case } in jsonl::read::<Case>(cases)? {
            if !series.contains_key(&case.series) {
                let values = series::read_series(&folder.join(&case.series))?.values;
                series.insert(case.series.clone(), values);
            }
            let known = series.get(&case.series).and_then(|values| values.get(..case.cut));
            let Some(known) = known else {
                return Err(EvalError::Series { path: cases.to_owned(), line: number });
            };
            let key = (case.series.clone(), case.cut, case.horizon);
            if newest.as_ref().is_none_or(|(of, _)| *of != key) {
                let forecast = forecaster.forecast(&history(known, case.step_s * 1_000), case.horizon);
                newest = Some((key, forecast));
            }
            if let Some((_, forecast)) = &newest {
                self.add(&case, known, forecast);
            }
        }
        Ok(())
    }

    fn add(&mut self, case: &Case, known: &[f64], forecast: &Forecast) {
        let side = match case.direction {
            Side::Above => Direction::Above,
            Side::Below => Direction::Below,
        };
        let level = self.levels.entry(case.level.clone()).or_default();
        level.items.push(item(case, &forecast.crossing(case.threshold, side)));
        let season = usize::try_from(DAY / case.step_s.max(1)).unwrap_or(1);
        let crosses = |values: &[f64]| {
            let is_over = |value: &f64| match side {
                Direction::Above => *value > case.threshold,
                Direction::Below => *value < case.threshold,
            };
            values.iter().any(is_over)
        };
        let answers = [
            true,
            crosses(&naive::last_season(known, season, case.horizon)),
            crosses(&naive::last_season(known, 1, case.horizon)),
            crosses(&naive::straight_line(known, case.horizon)),
        ];
        for (items, answer) in level.floors.iter_mut().zip(answers) {
            items.push(plain(case).answered(yes_or_no(answer)));
        }
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (name, level) in &self.levels {
            let f1 = |items: &Vec<Item>| number::told(aggregate::f1(&items.iter().collect::<Vec<_>>(), YES));
            let told: Vec<String> = FLOORS
                .iter()
                .zip(&level.floors)
                .map(|(floor, items)| format!("{floor} {}", f1(items)))
                .collect();
            remarks.push(format!("F1 of breaches at {name} without looking closely: {}.", told.join(", ")));
        }
        if !self.levels.is_empty() {
            remarks.push(
                "A breach is said to come where the forecaster's verdict is that one is expected; \
                 `median_time_error` is how far its time is off, as a share of the horizon, where a breach was rightly \
                 expected."
                    .to_owned(),
            );
        }
        remarks
    }

    pub(super) fn parts(self) -> Vec<Part> {
        self.levels.into_iter().map(|(name, level)| part(&name, level)).collect()
    }
}

fn plain(case: &Case) -> Item {
    Item::new(format!("{}@{}", case.series, case.cut))
        .in_group(case.series.split('/').next().unwrap_or_default())
        .right(yes_or_no(case.breach_in_steps.is_some()))
}

fn item(case: &Case, crossing: &Crossing) -> Item {
    let (expected, probability) = match crossing.verdict {
        Verdict::Expected { step, probability, .. } => (Some(step), probability),
        Verdict::NotWithin { probability } => (None, 1.0 - probability),
        Verdict::Unsure { probability } => (None, probability),
    };
    let breached = case.breach_in_steps.is_some();
    let right = f64::from(u8::from(breached));
    let item = plain(case)
        .asked(format!(
            "does it pass {} within {} steps? It {}.",
            case.threshold,
            case.horizon,
            case.breach_in_steps.map_or_else(|| "does not".to_owned(), |step| format!("does after {step}"))
        ))
        .answered(yes_or_no(expected.is_some()))
        .score("probability", probability)
        .score("came", right)
        .score("brier", (probability - right).powi(2))
        .loss(if expected.is_some() == breached { 0.0 } else { (probability - right).abs() });
    match (expected, case.breach_in_steps) {
        (Some(step), Some(actual)) => {
            #[expect(clippy::cast_precision_loss, reason = "numbers of steps")]
            let off = step.abs_diff(actual) as f64 / case.horizon.max(1) as f64;
            item.score("time_error", off)
        }
        _ => item,
    }
}

fn yes_or_no(answer: bool) -> &'static str {
    if answer { YES } else { NO }
}

fn part(name: &str, level: Level) -> Part {
    let came = aggregate::mean(&level.items.iter().collect::<Vec<_>>(), "came").unwrap_or(0.0);
    let measures = vec![
        Measure::of("f1", "F1 of breaches; chance: always yes", |items| aggregate::f1(items, YES))
            .chance(2.0 * came / (1.0 + came)),
        Measure::of("precision", "of the breaches foretold, those that came", |items| {
            aggregate::precision(items, YES)
        })
        .chance(came),
        Measure::of("recall", "of the breaches that came, those foretold", |items| {
            aggregate::recall(items, YES)
        })
        .chance(1.0),
        Measure::of("accuracy", "right; chance: always the more frequent", aggregate::accuracy)
            .chance(came.max(1.0 - came)),
        Measure::share("brier", "mean square of what the probability is off; chance: the mean rate")
            .better(Better::Lower)
            .chance(came * (1.0 - came)),
        Measure::of("ece", "calibration error of the probability", |items| {
            aggregate::calibration_error(items, "probability", "came")
        })
        .better(Better::Lower),
        Measure::of("median_time_error", "how far the time is off, as a share of the horizon", |items| {
            aggregate::median(items, "time_error")
        })
        .better(Better::Lower),
    ];
    Part::new(format!("breach.{name}"), format!("whether {name} is passed"), measures, level.items)
        .grouped_by("data")
}
