//! A picture as PNG. The letters come from a font within the program: a server often has none, and the same chart shall
//! be the same picture everywhere.

use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};
use thiserror::Error;

use super::Theme;

/// The longest side, in pixels: 64 MiB of memory at most.
const LARGEST: u32 = 4096;

/// Why there is no PNG.
#[derive(Debug, Error)]
pub enum PngError {
    /// The size asked for.
    #[error(
        "a picture of {width} x {height} pixels cannot be drawn: each side must be between 1 and {LARGEST}"
    )]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The drawing is no SVG that can be read.
    #[error("cannot read the drawing")]
    Drawing(#[source] Box<usvg::Error>),
    /// The pixels could not be packed.
    #[error("cannot write PNG: {0}")]
    Encoding(String),
}

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.load_font_data(notosans::BOLD_TTF.to_vec());
    // What the style sheet's list of families ends with.
    fonts.set_sans_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// Draws an SVG of this module into so many pixels, in the middle if its shape is another one.
pub(crate) fn png_of(svg: &str, width: u32, height: u32, theme: Theme) -> Result<Vec<u8>, PngError> {
    let is_possible = (1..=LARGEST).contains(&width) && (1..=LARGEST).contains(&height);
    let pixels = if is_possible { tiny_skia::Pixmap::new(width, height) } else { None };
    let mut pixels = pixels.ok_or(PngError::Size { width, height })?;
    let options = usvg::Options { fontdb: Arc::clone(&FONTS), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| PngError::Drawing(Box::new(error)))?;
    // The colour of the drawing's own background, in the style sheets of both themes.
    pixels.fill(match theme {
        Theme::Light => tiny_skia::Color::WHITE,
        Theme::Dark => tiny_skia::Color::from_rgba8(0x19, 0x1d, 0x21, 0xff),
    });
    let size = tree.size();
    #[expect(clippy::cast_precision_loss, reason = "sizes below 4096")]
    let (width, height) = (width as f32, height as f32);
    let scale = (width / size.width()).min(height / size.height());
    let (left, top) = ((width - size.width() * scale) / 2.0, (height - size.height() * scale) / 2.0);
    let place = tiny_skia::Transform::from_row(scale, 0.0, 0.0, scale, left, top);
    resvg::render(&tree, place, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PngError::Encoding(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::error_rate;

    fn pixels(png: &[u8]) -> tiny_skia::Pixmap {
        tiny_skia::Pixmap::decode_png(png).expect("a PNG")
    }

    #[test]
    fn a_picture_has_the_size_asked_for_and_the_colours_of_its_theme() {
        for (theme, background) in [(Theme::Light, [255, 255, 255]), (Theme::Dark, [0x19, 0x1d, 0x21])] {
            let png = pixels(&error_rate().png(1000, 500, theme).expect("drawn"));
            assert_eq!((png.width(), png.height()), (1000, 500));
            let corner = png.pixel(999, 499).expect("a pixel");
            assert_eq!([corner.red(), corner.green(), corner.blue()], background);
        }
    }

    #[test]
    fn letters_are_drawn_without_any_font_on_the_machine() {
        let chart = error_rate();
        let with = pixels(&chart.png(1000, 500, Theme::Light).expect("drawn"));
        let svg = chart.svg_of_size(1000, 500, Theme::Light);
        let mute: String = svg.lines().filter(|line| !line.starts_with("<text")).collect();
        let without = pixels(&png_of(&mute, 1000, 500, Theme::Light).expect("drawn"));
        let differing = with.pixels().iter().zip(without.pixels()).filter(|(a, b)| a != b).count();
        assert!(differing > 2_000, "{differing} pixels are letters");
    }

    #[test]
    fn a_size_that_cannot_be_is_an_error_in_words() {
        for (width, height) in [(0, 500), (500, 0), (5000, 10)] {
            let error = error_rate().png(width, height, Theme::Light).expect_err("no picture");
            assert!(error.to_string().contains("between 1 and 4096"), "{error}");
        }
    }
}
