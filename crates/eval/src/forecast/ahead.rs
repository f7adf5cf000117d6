//! How far forecasts are off, and whether their bands hold what they say.

use std::{path::Path, time::Instant};

use opsseer_ai::forecast::{Bounds, Forecast, Forecaster, History};

use super::{
    DAY, naive,
    series::{self, Row},
    told,
};
use crate::{
    EvalError,
    suite::{Better, Item, Measure, Part},
};

/// Moments of a series from which it is forecast.
const MOMENTS: usize = 5;

/// The longest horizon, in steps.
const LONGEST: usize = 288;

/// Forecasts and what came.
#[derive(Default)]
pub(super) struct Ahead {
    items: Vec<Item>,
    last_season: Vec<Item>,
    last_value: Vec<Item>,
    seconds: f64,
    rolling: usize,
}

/// One series up to a moment, and what came after it.
struct Question<'a> {
    id: String,
    group: &'a str,
    history: &'a [f64],
    came: &'a [f64],
    step_ms: i64,
    /// The season of the naive forecast and of the scale of errors.
    season: usize,
}

impl Ahead {
    /// The rows of a competition. A row without its continuation is an error.
    pub(super) fn competition(
        &mut self,
        name: &str,
        train: &[Row],
        test: &[Row],
        forecaster: &dyn Forecaster,
        season: usize,
    ) -> Result<(), EvalError> {
        for row in train {
            let came = test.iter().find(|came| came.id == row.id);
            let came = came.ok_or_else(|| EvalError::NoTestRow { id: row.id.clone() })?;
            let question = Question {
                id: format!("{name}/{}", row.id),
                group: name,
                history: &row.values,
                came: &came.values,
                step_ms: DAY * 1_000 / i64::try_from(season.max(1)).unwrap_or(1),
                season,
            };
            self.ask(&question, forecaster);
        }
        Ok(())
    }

    /// Every series of the folder, from several moments of its second half, a tenth of it ahead.
    pub(super) fn rolling(&mut self, folder: &Path, forecaster: &dyn Forecaster) -> Result<(), EvalError> {
        for path in series::all_below(folder)? {
            let series = series::read_series(&path)?;
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let group = name.split('/').next().unwrap_or_default().to_owned();
            let length = series.values.len();
            let horizon = (length / 10).clamp(1, LONGEST);
            let first = length / 2;
            let last = length.saturating_sub(horizon);
            let season = usize::try_from(DAY / series.step_s).unwrap_or(1).max(1);
            for moment in 0..MOMENTS.min(last.saturating_sub(first)) {
                let cut = first + (last - first) * moment / (MOMENTS - 1);
                let question = Question {
                    id: format!("{name}@{cut}"),
                    group: &group,
                    history: &series.values[..cut],
                    came: &series.values[cut..cut + horizon],
                    step_ms: series.step_s * 1_000,
                    season: if 2 * season <= cut { season } else { 1 },
                };
                self.ask(&question, forecaster);
                self.rolling += 1;
            }
        }
        Ok(())
    }

    fn ask(&mut self, question: &Question<'_>, forecaster: &dyn Forecaster) {
        let history = history(question.history, question.step_ms);
        let started = Instant::now();
        let forecast = forecaster.forecast(&history, question.came.len());
        self.seconds += started.elapsed().as_secs_f64();
        let item = score(question, &forecast.point);
        self.items.push(bands(item, question.came, &forecast));
        let horizon = question.came.len();
        let naive = naive::last_season(question.history, question.season, horizon);
        self.last_season.push(score(question, &naive));
        self.last_value.push(score(question, &naive::last_season(question.history, 1, horizon)));
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of series")]
    pub(super) fn count(&self) -> f64 {
        self.items.len() as f64
    }

    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        if self.items.is_empty() {
            return Vec::new();
        }
        let floor = |name: &str, items: &[Item]| {
            format!("{name}: sMAPE {}, MASE {}.", told(items, "smape"), told(items, "mase"))
        };
        let mut remarks = vec![
            floor("The last season again (a day where the step is known)", &self.last_season),
            floor("The last value for ever", &self.last_value),
        ];
        if self.rolling > 0 {
            remarks.push(format!(
                "{} of the forecasts start from moments of the second half of the series, a tenth of the series \
                 ahead (at most {LONGEST} steps). A series that did not move before a moment has no MASE.",
                self.rolling
            ));
        }
        remarks
    }

    pub(super) fn part(self) -> Part {
        let measures = vec![
            Measure::number(
                "smape",
                "symmetric percentage error, as the M4 competition defines it",
                Better::Lower,
            ),
            Measure::number(
                "mase",
                "error in units of the seasonal naive error of the history",
                Better::Lower,
            ),
            Measure::of("mase_median", "the same, of the middle forecast", |items| {
                crate::suite::aggregate::median(items, "mase")
            })
            .any_size()
            .better(Better::Lower),
            Measure::share("coverage80", "what came lies in the 80 % band").better(Better::Neither),
            Measure::share("coverage95", "what came lies in the 95 % band").better(Better::Neither),
        ];
        Part::new("", "the next values of a series", measures, self.items).grouped_by("data")
    }
}

/// A history as the product would have it: what was never negative is taken for a size.
pub(super) fn history(values: &[f64], step_ms: i64) -> History {
    let lowest = values.iter().all(|value| *value >= 0.0).then_some(0.0);
    History { start: 0, step_ms, values: values.to_vec(), bounds: Bounds { lowest, highest: None } }
}

fn score(question: &Question<'_>, point: &[f64]) -> Item {
    let pairs = || question.came.iter().zip(point);
    let steps = count(question.came);
    let apart: f64 = pairs().map(|(came, point)| (came - point).abs()).sum::<f64>() / steps;
    // Where both are 0, nothing is off.
    let share = |(came, point): (&f64, &f64)| {
        let size = came.abs() + point.abs();
        if size > 0.0 { (came - point).abs() / size } else { 0.0 }
    };
    let smape = 200.0 * pairs().map(share).sum::<f64>() / steps;
    let before = question.history.get(question.season..).unwrap_or_default();
    let scale = question.history.iter().zip(before).map(|(from, to)| (to - from).abs()).sum::<f64>()
        / count(before).max(1.0);
    let item = Item::new(&question.id)
        .in_group(question.group)
        .asked(format!("{} steps after {} values", question.came.len(), question.history.len()))
        .right(ends(question.came))
        .answered(ends(point))
        .score("smape", smape);
    if scale > 0.0 { item.score("mase", apart / scale).loss(apart / scale) } else { item }
}

fn bands(item: Item, came: &[f64], forecast: &Forecast) -> Item {
    let inside = |low: &[f64], high: &[f64]| {
        let is_in = |step: &usize| low[*step] <= came[*step] && came[*step] <= high[*step];
        let held = (0..came.len().min(low.len())).filter(is_in).map(|_| 1.0).sum::<f64>();
        held / count(came)
    };
    item.score("coverage80", inside(&forecast.low80, &forecast.high80))
        .score("coverage95", inside(&forecast.low95, &forecast.high95))
}

/// The first, middle and last value: enough to see which way it goes.
fn ends(values: &[f64]) -> String {
    let at = |place: usize| values.get(place).map_or_else(String::new, |value| format!("{value:.4}"));
    format!("{} ... {} ... {}", at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}

#[expect(clippy::cast_precision_loss, reason = "a number of values")]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}
