//! What the reports of all suites have in common.

use std::io::{self, Write};

use serde::Serialize;

use crate::table::{self, Align};

/// The result of a suite: one JSON object for scripts, the same as text for people, and a verdict.
pub trait Report: Serialize {
    /// The suite's name, as in `opsseer eval NAME`.
    fn suite(&self) -> &'static str;

    /// Names and values, in the order in which a person should read them.
    fn figures(&self) -> Vec<(&'static str, String)>;

    /// What deserves a look but is no fault, a line each.
    fn remarks(&self) -> Vec<String>;

    /// What is wrong, a line each. A suite without faults has passed.
    fn faults(&self) -> Vec<String>;

    /// Writes the report for a person.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let figures = self.figures().into_iter().map(|(name, value)| vec![format!("  {name}"), value]);
        let head = [(self.suite(), Align::Left), ("", Align::Right)];
        table::write(out, &head, &figures.collect::<Vec<_>>())?;
        for remark in self.remarks() {
            writeln!(out, "  note: {remark}")?;
        }
        let faults = self.faults();
        for fault in &faults {
            writeln!(out, "  FAULT: {fault}")?;
        }
        writeln!(out, "{}", if faults.is_empty() { "passed" } else { "failed" })
    }
}
