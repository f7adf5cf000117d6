//! Tables of metrics: a row a moment, a column a series.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use flate2::read::GzDecoder;

use crate::EvalError;

/// What is larger is no data of this suite.
const LARGEST: u64 = 512 * 1024 * 1024;

/// The metrics of a system over time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// Unix seconds of the rows, rising.
    pub(super) times: Vec<f64>,
    pub(super) columns: Vec<Column>,
}

/// A series: `service|metric` or `service|metric|statistic` in the head line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) service: String,
    pub(super) metric: String,
    /// One value a row; NaN where there is none.
    pub(super) values: Vec<f64>,
}

impl Table {
    /// Reads a table, packed if its name ends so.
    pub(super) fn read(path: &Path) -> Result<Self, EvalError> {
        let text = text(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
        let wrong = |line| EvalError::Series { path: path.to_owned(), line };
        let mut lines = text.lines();
        let head = lines.next().and_then(|head| head.strip_prefix("time,")).ok_or_else(|| wrong(1))?;
        let mut columns: Vec<Column> =
            head.split(',').map(Column::named).collect::<Option<_>>().ok_or_else(|| wrong(1))?;
        let mut times = Vec::new();
        for (number, line) in (2..).zip(lines).filter(|(_, line)| !line.trim().is_empty()) {
            let mut cells = line.split(',');
            times.push(cells.next().and_then(|time| time.trim().parse().ok()).ok_or_else(|| wrong(number))?);
            for column in &mut columns {
                let cell = cells.next().ok_or_else(|| wrong(number))?.trim();
                let value = if cell.is_empty() { Some(f64::NAN) } else { cell.parse().ok() };
                column.values.push(value.ok_or_else(|| wrong(number))?);
            }
            if cells.next().is_some() {
                return Err(wrong(number));
            }
        }
        if times.is_empty() {
            return Err(EvalError::NoCases { path: path.to_owned() });
        }
        Ok(Self { times, columns })
    }

    /// The usual time between rows, in milliseconds.
    pub(super) fn step_ms(&self) -> i64 {
        let mut gaps: Vec<f64> = self.times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        milliseconds(gaps.get(gaps.len() / 2).copied().unwrap_or(60.0)).max(1)
    }

    /// The first row after a moment in Unix seconds.
    pub(super) fn row_after(&self, time: f64) -> usize {
        self.times.partition_point(|&row| row <= time)
    }
}

impl Column {
    fn named(head: &str) -> Option<Self> {
        let (service, metric) = head.trim().split_once('|')?;
        Some(Self { service: service.to_owned(), metric: metric.replace('|', " "), values: Vec::new() })
    }
}

/// Seconds as whole milliseconds.
pub(super) fn milliseconds(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "Unix times are far below 2^53 milliseconds")]
    let whole = (seconds * 1_000.0).round() as i64;
    whole
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let mut text = String::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        GzDecoder::new(file).take(LARGEST).read_to_string(&mut text)?;
    } else {
        file.take(LARGEST).read_to_string(&mut text)?;
    }
    Ok(text)
}
