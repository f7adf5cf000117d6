//! Figures as people read them.

use crate::interval::Interval;

/// Three digits after the point below ten, one above; "none" where there is no value.
pub(crate) fn told(value: Option<f64>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) if value.abs() < 9.9995 => format!("{value:.3}"),
        Some(value) => format!("{value:.1}"),
    }
}

/// "0.812 to 0.901"; empty where there is none.
pub(crate) fn interval(ends: Option<Interval>) -> String {
    ends.map(|[low, high]| format!("{} to {}", told(Some(low)), told(Some(high)))).unwrap_or_default()
}

/// A chance floor; empty where a figure has none.
pub(crate) fn floor(chance: Option<f64>) -> String {
    chance.map(|floor| told(Some(floor))).unwrap_or_default()
}

/// A change, with its sign.
pub(crate) fn change(by: f64) -> String {
    format!("{}{}", if by > 0.0 { "+" } else { "" }, told(Some(by)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_fit_the_size() {
        assert_eq!(told(Some(0.98314)), "0.983");
        assert_eq!(told(Some(13.94)), "13.9");
        assert_eq!(told(None), "none");
        assert_eq!(interval(Some([0.5, 1.0])), "0.500 to 1.000");
        assert_eq!((change(0.0125), change(-0.5)), ("+0.013".to_owned(), "-0.500".to_owned()));
    }
}
