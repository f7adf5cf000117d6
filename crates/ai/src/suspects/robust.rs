//! Statistics that a few wild values do not move.

/// The value below which this share of the values lie, interpolated between neighbours; NaN if there are none. The order
/// of `values` is changed.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]
    let place = share.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among the values")]
    let floor = place.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(floor, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (high - low) * (place - place.floor())
}

/// The middle value; NaN if there are none. The order of `values` is changed.
pub(super) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-12, "{one} is not {other}");
        close(median(&mut [3.0, 1.0, 2.0]), 2.0);
        close(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        close(quantile(&mut [0.0, 10.0, 20.0, 30.0, 40.0], 0.9), 36.0);
        close(quantile(&mut [7.0], 0.25), 7.0);
        assert!(median(&mut []).is_nan());
    }
}
