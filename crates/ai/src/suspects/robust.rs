//! Statistics that a few wild values do not move.

/// The value below which this share of the values lie, interpolated between neighbours; NaN if there are none. The order
/// of `values` is changed.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let place = share.clamp(0.0, 1.0) * as_f64(values.len() - 1);
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

/// The mean; NaN if there are no values.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / as_f64(values.len())
}

/// The root of the mean square distance from the mean; NaN if there are no values.
pub(super) fn standard_deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    (values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / as_f64(values.len())).sqrt()
}

/// The values that are there.
pub(super) fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

/// Spearman's correlation of ranks, from -1 to 1, over the places where both have a value; 0 if they are too few.
pub(super) fn rank_correlation(one: &[f64], other: &[f64]) -> f64 {
    const FEWEST: usize = 20;
    let both = one.iter().zip(other).filter(|(x, y)| x.is_finite() && y.is_finite());
    let (x, y): (Vec<f64>, Vec<f64>) = both.map(|(&x, &y)| (x, y)).unzip();
    if x.len() < FEWEST {
        return 0.0;
    }
    let (x, y) = (ranks(&x), ranks(&y));
    let spread = standard_deviation(&x) * standard_deviation(&y);
    if spread <= 0.0 {
        return 0.0;
    }
    let (mean_x, mean_y) = (mean(&x), mean(&y));
    let product: f64 = x.iter().zip(&y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    product / as_f64(x.len()) / spread
}

/// Each value's place in their order; equal values share the middle of their places.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let equal = |&&place: &&usize| values[place].total_cmp(&values[order[from]]).is_eq();
        let to = from + order[from..].iter().take_while(equal).count();
        for &place in &order[from..to] {
            ranks[place] = as_f64(from + to - 1) / 2.0;
        }
        from = to;
    }
    ranks
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-12, "{one} is not {other}");
    }

    #[test]
    fn quantiles_interpolate() {
        close(median(&mut [3.0, 1.0, 2.0]), 2.0);
        close(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        close(quantile(&mut [0.0, 10.0, 20.0, 30.0, 40.0], 0.9), 36.0);
        close(quantile(&mut [7.0], 0.25), 7.0);
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn ranks_are_correlated_whatever_the_scale_and_gaps_are_passed_over() {
        let mut one: Vec<f64> = (0..40).map(f64::from).collect();
        let other: Vec<f64> = one.iter().map(|value| value.exp()).collect();
        one[7] = f64::NAN;
        close(rank_correlation(&one, &other), 1.0);
        let falling: Vec<f64> = other.iter().map(|value| -value).collect();
        close(rank_correlation(&one, &falling), -1.0);
        close(rank_correlation(&one, &[5.0; 40]), 0.0);
        close(rank_correlation(&one[..10], &other[..10]), 0.0);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
    }
}
