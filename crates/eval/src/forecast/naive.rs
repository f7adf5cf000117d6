//! Forecasts that hardly look at the series: what is worth anything must beat them.

/// The values of the last season again and again; the last value, where a season is longer than the history.
pub(super) fn last_season(history: &[f64], season: usize, horizon: usize) -> Vec<f64> {
    let season = if season <= history.len() { season.max(1) } else { 1 };
    let last = &history[history.len().saturating_sub(season)..];
    (0..horizon).map(|step| last.get(step % season).copied().unwrap_or(0.0)).collect()
}

/// A straight line through the values of one horizon, as Prometheus' `predict_linear` draws it.
pub(super) fn straight_line(history: &[f64], horizon: usize) -> Vec<f64> {
    let values = &history[history.len().saturating_sub(horizon.max(2))..];
    let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for value in values {
        x += n;
        y += value;
        xx += n * n;
        xy += n * value;
        n += 1.0;
    }
    let spread = n * xx - x * x;
    let slope = if spread > 0.0 { (n * xy - x * y) / spread } else { 0.0 };
    let start = if n > 0.0 { (y - slope * x) / n } else { 0.0 };
    let mut at = n - 1.0;
    let mut next = || {
        at += 1.0;
        start + slope * at
    };
    (0..horizon).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_comes_again_and_a_line_goes_on() {
        assert_eq!(last_season(&[1.0, 2.0, 3.0, 4.0], 2, 3), [3.0, 4.0, 3.0]);
        assert_eq!(last_season(&[1.0, 2.0], 5, 2), [2.0, 2.0]);
        let line = straight_line(&[9.0, 1.0, 2.0, 3.0], 3);
        assert!(line.iter().zip([4.0, 5.0, 6.0]).all(|(one, other)| (one - other).abs() < 1e-9), "{line:?}");
    }
}
