//! How many good answers are given, and how many wrong ones are refused, by the size of the folder.

use std::collections::BTreeSet;

use opsseer_ai::runbook::ENOUGH;

use crate::rows::{Kind, Row};

/// A confidence for each row.
pub(crate) type Judged<'a> = Vec<(&'a Row, f64)>;

#[expect(clippy::print_stdout, reason = "this program's result")]
pub(crate) fn print(title: &str, judged: &Judged) {
    println!("\n{title}\n");
    println!(
        "| documents | good answers given | foreign refused | refused: the author's others | refused: wrong place |"
    );
    println!("|---|---|---|---|---|");
    let sizes: BTreeSet<usize> = judged.iter().map(|(row, _)| row.size).collect();
    for size in sizes {
        let of_size: Judged = judged.iter().filter(|(row, _)| row.size == size).copied().collect();
        let given = Shares::of(&of_size, |row| row.right, true);
        let foreign = Shares::of(&of_size, |row| row.kind == Kind::Foreign, false);
        let near = Shares::of(&of_size, |row| row.kind == Kind::Near, false);
        let wrong = Shares::of(&of_size, |row| row.kind == Kind::Own && !row.right, false);
        let documents = if size == usize::MAX { "all".to_owned() } else { size.to_string() };
        println!("| {documents} | {given} | {foreign} | {near} | {wrong} |");
    }
}

/// The mean over the authors, and the least of them.
struct Shares(Vec<f64>);

impl Shares {
    /// Of the rows that are meant: how many are answered, or are not.
    fn of(judged: &Judged, is_meant: fn(&Row) -> bool, answered: bool) -> Self {
        let meant = || judged.iter().filter(|(row, _)| is_meant(row));
        let authors: BTreeSet<&str> = meant().map(|(row, _)| row.corpus.as_str()).collect();
        let share = |author: &str| {
            let (mut all, mut counted) = (0.0, 0.0);
            for (_, confidence) in meant().filter(|(row, _)| row.corpus == author) {
                all += 1.0;
                counted += f64::from(u8::from((*confidence >= f64::from(ENOUGH)) == answered));
            }
            counted / all
        };
        Self(authors.into_iter().map(share).collect())
    }
}

impl std::fmt::Display for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(least) = self.0.iter().copied().reduce(f64::min) else { return f.write_str("") };
        #[expect(clippy::cast_precision_loss, reason = "a handful of authors")]
        let mean = self.0.iter().sum::<f64>() / self.0.len() as f64;
        write!(f, "{mean:.2} (least {least:.2})")
    }
}
