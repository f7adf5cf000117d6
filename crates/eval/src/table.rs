//! Columns for the terminal.

use std::io::{self, Write};

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Writes rows under a head, each column as wide as its widest text. Nothing is cut, and no line ends in blanks.
pub fn write(out: &mut dyn Write, head: &[(&str, Align)], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |column: usize| {
        let texts = rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count());
        texts.chain([head[column].0.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let names: Vec<String> = head.iter().map(|(name, _)| (*name).to_owned()).collect();
    for row in [&names].into_iter().chain(rows) {
        let cells = row.iter().zip(head).zip(&widths).map(|((text, (_, align)), width)| match align {
            Align::Left => format!("{text:<width$}"),
            Align::Right => format!("{text:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_do_not_end_in_blanks() {
        let head = [("NAME", Align::Left), ("N", Align::Right), ("NOTE", Align::Left)];
        let row = |name: &str, n: &str, note: &str| vec![name.to_owned(), n.to_owned(), note.to_owned()];
        let mut text = Vec::new();
        write(&mut text, &head, &[row("é", "100", ""), row("long name", "7", "x")]).expect("write");
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text, "NAME         N  NOTE\né          100\nlong name    7  x\n");
    }
}
