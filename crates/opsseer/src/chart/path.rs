//! Lines and areas as SVG writes them.

use std::fmt::{self, Write as _};

use super::forecast::Edge;
use super::layout::Plot;
use super::line::Run;

/// A coordinate with one decimal.
pub(crate) struct Px(pub(crate) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", super::number::rounded(self.0, 1))
    }
}

/// One series.
pub(super) struct Line {
    /// Which colour and dashes.
    pub(super) style: usize,
    pub(super) path: String,
    pub(super) dots: Vec<(Px, Px)>,
}

pub(super) fn line(plot: &Plot, style: usize, runs: &[Run]) -> Line {
    let mut line = Line { style, path: String::new(), dots: Vec::new() };
    for run in runs {
        if let [(at, value)] = run.as_slice() {
            line.dots.push((Px(plot.x(*at)), Px(plot.y(*value))));
            continue;
        }
        for (index, (at, value)) in run.iter().enumerate() {
            let to = if index == 0 { 'M' } else { 'L' };
            // Writing into a String does not fail.
            let _ = write!(line.path, "{to}{} {}", Px(plot.x(*at)), Px(plot.y(*value)));
        }
    }
    line
}

/// The area between the edges of a band, cut off at the edges of the plot.
pub(super) fn area(plot: &Plot, band: &[Edge]) -> String {
    let mut path = String::new();
    let y = |value: f64| Px(plot.y(value).clamp(plot.top, plot.bottom));
    let upper = band.iter().map(|(at, _, high)| (*at, *high));
    let lower = band.iter().rev().map(|(at, low, _)| (*at, *low));
    for (index, (at, value)) in upper.chain(lower).enumerate() {
        let to = if index == 0 { 'M' } else { 'L' };
        // Writing into a String does not fail.
        let _ = write!(path, "{to}{} {}", Px(plot.x(at)), y(value));
    }
    if band.len() > 1 { path + "Z" } else { String::new() }
}
