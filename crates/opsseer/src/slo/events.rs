//! Expressions that count events over a window which is filled in later.

use std::time::Duration;

use promql_parser::parser::{self, Expr};

use super::window::Window;

/// What stands for the window in an expression.
const PLACEHOLDER: &str = "[window]";

/// Fills the placeholder when an expression is checked: a range that nobody would write by hand.
const MARK: Duration = Duration::from_secs(7919);

/// The parser recurses, and no indicator is longer than this.
const LONGEST: usize = 4096;

/// What the value of a counting expression is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Events a second (`rate`).
    PerSecond,
    /// Events in the window (`increase`, `sum_over_time`, `count_over_time`).
    PerWindow,
}

/// PromQL that counts events and gives one series without labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventExpr {
    /// With the placeholder.
    text: String,
    pub(super) unit: Unit,
}

impl EventExpr {
    /// Reads an expression with at least one `[window]`. The error says in words what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(format!("the expression is longer than {LONGEST} bytes"));
        }
        if !text.contains(PLACEHOLDER) {
            return Err(format!(
                "the expression has no {PLACEHOLDER}: write it where the range stands, as in rate(http_requests_total{PLACEHOLDER})"
            ));
        }
        let marked = text.replace(PLACEHOLDER, &format!("[{}s]", MARK.as_secs()));
        let expr = parser::parse(&marked).map_err(|why| format!("this is not PromQL: {why}"))?;
        let mut counts = Counts::default();
        counts.collect(&expr)?;
        let unit = match (counts.per_second, counts.per_window) {
            (true, false) => Unit::PerSecond,
            (false, true) => Unit::PerWindow,
            (true, true) => {
                return Err("rate counts by the second and the others do not: use one of them".into());
            }
            (false, false) => return Err(COUNTING.into()),
        };
        // Whatever labels are left would be summed anyway: an objective is about all of its events.
        let text = if is_plain_sum(&expr) { text.to_owned() } else { format!("sum(\n  {text}\n)") };
        Ok(Self { text, unit })
    }

    /// The expression over a window. Its last line may be a comment: begin a new line after it.
    pub(super) fn over(&self, window: Window) -> String {
        self.text.replace(PLACEHOLDER, &format!("[{window}]"))
    }
}

const COUNTING: &str =
    "events are counted with rate, increase, sum_over_time or count_over_time of one selector";

/// Which functions count.
#[derive(Default)]
struct Counts {
    per_second: bool,
    per_window: bool,
}

impl Counts {
    fn collect(&mut self, expr: &Expr) -> Result<(), String> {
        match expr {
            Expr::Call(call) => {
                for argument in &call.args.args {
                    match argument.as_ref() {
                        Expr::MatrixSelector(selector) => self.count(call.func.name, selector.range)?,
                        other => self.collect(other)?,
                    }
                }
                Ok(())
            }
            Expr::Aggregate(aggregate) => self.collect(&aggregate.expr),
            Expr::Unary(unary) => self.collect(&unary.expr),
            Expr::Paren(paren) => self.collect(&paren.expr),
            Expr::Binary(binary) => {
                self.collect(&binary.lhs)?;
                self.collect(&binary.rhs)
            }
            Expr::MatrixSelector(_) | Expr::Subquery(_) | Expr::Extension(_) => Err(COUNTING.into()),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::VectorSelector(_) => Ok(()),
        }
    }

    fn count(&mut self, function: &str, range: Duration) -> Result<(), String> {
        if range != MARK {
            return Err(format!("{function} has a range of its own: write {PLACEHOLDER} in its place"));
        }
        match function {
            "rate" => self.per_second = true,
            "increase" | "sum_over_time" | "count_over_time" => self.per_window = true,
            other => return Err(format!("{other} does not count events: {COUNTING}")),
        }
        Ok(())
    }
}

/// Whether the value has no labels because it is a sum over all of them.
fn is_plain_sum(expr: &Expr) -> bool {
    matches!(expr, Expr::Aggregate(sum) if sum.modifier.is_none() && sum.op.to_string() == "sum")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_filled_in_everywhere() {
        let expr = EventExpr::parse("sum(rate(a_total{code=~\"5..\"}[window])) - sum(rate(b_total[window]))")
            .expect("counts");
        assert_eq!(expr.unit, Unit::PerSecond);
        assert_eq!(
            expr.over(Window::H1),
            "sum(\n  sum(rate(a_total{code=~\"5..\"}[1h])) - sum(rate(b_total[1h]))\n)"
        );
    }

    #[test]
    fn labels_that_are_left_are_summed_and_a_sum_stays_as_it_is() {
        let over = |text| EventExpr::parse(text).expect(text).over(Window::M5);
        assert_eq!(over("sum(increase(a_total[window]))"), "sum(increase(a_total[5m]))");
        assert_eq!(over("rate(a_total[window])"), "sum(\n  rate(a_total[5m])\n)");
        assert_eq!(
            over("sum by (pod) (rate(a_total[window]))"),
            "sum(\n  sum by (pod) (rate(a_total[5m]))\n)"
        );
    }

    #[test]
    fn what_cannot_count_is_refused_in_words() {
        for (text, words) in [
            ("sum(rate(a_total[5m]))", "has no [window]"),
            ("sum(rate(a_total[window])", "not PromQL"),
            ("sum(rate(a_total[window])) + sum(rate(a_total[5m]))", "rate has a range of its own"),
            ("sum(irate(a_total[window]))", "irate does not count events"),
            ("rate(a_total[window]) + increase(b_total[window])", "use one of them"),
            ("a_total[window]", "events are counted with"),
            ("max_over_time(rate(a_total[window])[1h:1m])", "events are counted with"),
        ] {
            let error = EventExpr::parse(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(
            EventExpr::parse(&format!("sum(rate(a[window])){}", " ".repeat(LONGEST))).is_ok(),
            "blanks at the end"
        );
        let long = format!("sum(rate(a{{b=\"{}\"}}[window]))", "x".repeat(LONGEST));
        assert!(EventExpr::parse(&long).expect_err("too long").contains("longer than"));
    }
}
