//! The labels of marks, above the plot.

use super::layout::{Set, Span, WIDTH};

/// Marks whose labels would need a row beyond this one have a line only.
const MARK_ROWS: usize = 3;

/// A mark's label beside the upper end of its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MarkLabel {
    /// Which of the marks it belongs to.
    pub(super) mark: usize,
    pub(super) text: String,
    /// To the right of the line; else to the left.
    pub(super) after: bool,
    /// Counted upwards from the plot.
    pub(super) row: usize,
    span: Span,
}

/// Places labels from left to right, each in the lowest row in which it neither meets another label nor crosses the
/// line of another mark, and within the picture. Those that find no place are left out. The lowest row begins at `left`:
/// before it stands the uppermost value of the axis.
pub(super) fn mark_labels(set: Set, left: f64, marks: &[(f64, &str)]) -> Vec<MarkLabel> {
    let mut placed: Vec<MarkLabel> = Vec::new();
    for (mark, (x, text)) in marks.iter().enumerate() {
        let text = set.fit(text, WIDTH * 0.4);
        let width = set.width_of(&text) + 6.0;
        let rows = (0..MARK_ROWS).flat_map(|row| [(row, true), (row, false)]);
        let mut candidates: Vec<MarkLabel> = rows
            .map(|(row, after)| {
                let left = if after { *x } else { x - width };
                MarkLabel { mark, text: text.clone(), after, row, span: Span { left, right: left + width } }
            })
            .filter(|label| label.span.left >= if label.row == 0 { left } else { 0.0 })
            .filter(|label| label.span.right <= WIDTH)
            .collect();
        // A label over the line of another mark leaves that one no place in the rows above.
        let crosses = |label: &MarkLabel| {
            marks.iter().any(|(other, _)| stands_apart(*other, *x) && label.span.contains(*other))
        };
        candidates.sort_by_key(crosses);
        let free =
            |label: &MarkLabel| placed.iter().all(|other| !collides(label, *x, other, marks[other.mark].0));
        let found = candidates.into_iter().find(free);
        placed.extend(found);
    }
    placed
}

fn collides(label: &MarkLabel, x: f64, other: &MarkLabel, other_x: f64) -> bool {
    // A line reaches up to the row of its label, through all rows below.
    (label.row == other.row && label.span.overlaps(other.span))
        || (label.row <= other.row && stands_apart(other_x, x) && label.span.contains(other_x))
        || (other.row <= label.row && stands_apart(other_x, x) && other.span.contains(x))
}

pub(super) fn mark_row_height(set: Set) -> f64 {
    set.font() * 1.25
}

/// Marks at the same place share a line, which neither label crosses.
fn stands_apart(x: f64, other: f64) -> bool {
    (x - other).abs() > 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_marks_neither_collide_nor_leave_the_picture() {
        let names: Vec<String> = (0..12).map(|index| format!("deploy of service number {index}")).collect();
        for set in [Set::Wide, Set::Narrow] {
            for distance in [0.0, 0.5, 3.0, 20.0, 60.0] {
                let marks: Vec<(f64, &str)> = names
                    .iter()
                    .zip(0_u8..)
                    .map(|(name, index)| (50.0 + distance * f64::from(index), name.as_str()))
                    .collect();
                let placed = mark_labels(set, 0.0, &marks);
                assert!(!placed.is_empty());
                for (index, one) in placed.iter().enumerate() {
                    assert!(one.span.left >= 0.0 && one.span.right <= WIDTH, "{one:?}");
                    for other in &placed[index + 1..] {
                        assert!(one.row != other.row || !one.span.overlaps(other.span), "{one:?} {other:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn two_marks_close_together_both_have_their_label() {
        for set in [Set::Wide, Set::Narrow] {
            let labels = mark_labels(set, 0.0, &[(400.0, "deploy 1.42"), (430.0, "fired")]);
            let places: Vec<(bool, usize)> = labels.iter().map(|label| (label.after, label.row)).collect();
            assert_eq!(places, [(false, 0), (true, 0)], "{set:?}");
        }
    }

    #[test]
    fn the_lowest_row_leaves_the_axis_its_uppermost_value() {
        let labels = mark_labels(Set::Narrow, 80.0, &[(90.0, "fired"), (140.0, "now")]);
        assert!(labels.iter().all(|label| label.row > 0 || label.span.left >= 80.0), "{labels:?}");
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn a_label_at_the_right_edge_stands_to_the_left_of_its_line() {
        let placed = mark_labels(Set::Narrow, 0.0, &[(5.0, "resolved"), (WIDTH - 5.0, "fired")]);
        assert_eq!(placed.iter().map(|label| label.after).collect::<Vec<_>>(), [true, false]);
    }
}
