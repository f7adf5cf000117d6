//! What moved, in words.

use super::MetricSeries;

/// "latency rose from 0.05 to 0.8".
pub(super) fn of_metric(series: &MetricSeries, before: f64, during: f64) -> String {
    let verb = if during >= before { "rose" } else { "fell" };
    format!("{} {verb} from {} to {}", series.metric, number(before), number(during))
}

/// A number as a person would write it: three digits that count.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.01 {
        format!("{value:.3}")
    } else {
        format!("{value:.1e}")
    }
}
