//! How many good answers are given, and how many wrong ones are refused, by the size of the folder.

use std::collections::BTreeSet;

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
        let of_size = || judged.iter().filter(move |(row, _)| row.size == size);
        let given = Shares::of(of_size().filter(|(row, _)| row.right), true);
        let foreign = Shares::of(of_size().filter(|(row, _)| row.kind == Kind::Foreign), false);
        let near = Shares::of(of_size().filter(|(row, _)| row.kind == Kind::Near), false);
        let wrong = Shares::of(of_size().filter(|(row, _)| row.kind == Kind::Own && !row.right), false);
        let documents = if size == usize::MAX { "all".to_owned() } else { size.to_string() };
        println!("| {documents} | {given} | {foreign} | {near} | {wrong} |");
    }
}

/// The mean over the authors, and the least of them.
struct Shares(Vec<f64>);

impl Shares {
    fn of<'a>(judged: impl Iterator<Item = &'a (&'a Row, f64)> + Clone, given: bool) -> Self {
        let authors: BTreeSet<&str> = judged.clone().map(|(row, _)| row.corpus.as_str()).collect();
        let share = |author: &str| {
            let of = judged.clone().filter(|(row, _)| row.corpus == author);
            let (mut all, mut counted) = (0.0, 0.0);
            for (_, confidence) in of {
                all += 1.0;
                counted +=
                    f64::from(u8::from((*confidence >= f64::from(opsseer_ai::runbook::ENOUGH)) == given));
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
