//! How large a picture is, for which width its letters are, and in whose colours it is drawn.

use clap::ValueEnum;
use serde::Deserialize;

use super::layout::{Set, WIDTH};

/// At most so many pixels wide, a picture has the letters for phones.
const NARROW_PIXELS: u32 = 480;

/// The background that a picture is made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on black.
    Dark,
}

/// Whose choice the colours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// Those of one theme.
    Of(Theme),
    /// The reader's: the picture asks by media queries.
    OfReader,
}

/// What is asked of a drawing beside its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) colours: Colours,
    /// The sets of labels that it has; with more than one, a style sheet shows one of them.
    pub(crate) sets: &'static [Set],
    /// The height in units of the `viewBox`; else as high as the content is.
    pub(crate) height: Option<f64>,
}

impl Look {
    /// For pages: for every reader and width.
    pub(super) const OF_PAGE: Self =
        Self { colours: Colours::OfReader, sets: &[Set::Wide, Set::Narrow], height: None };

    /// For a picture of so many pixels.
    pub(crate) fn of_size(width: u32, height: u32, theme: Theme) -> Self {
        let sets: &[Set] = if width <= NARROW_PIXELS { &[Set::Narrow] } else { &[Set::Wide] };
        let height = WIDTH * f64::from(height) / f64::from(width.max(1));
        Self { colours: Colours::Of(theme), sets, height: Some(height) }
    }

    pub(crate) fn largest_set(&self) -> Set {
        if self.sets.contains(&Set::Narrow) { Set::Narrow } else { Set::Wide }
    }

    pub(crate) fn is_only_narrow(&self) -> bool {
        self.sets == [Set::Narrow]
    }
}
