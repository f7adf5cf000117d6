//! What an alert's expression says about itself, without asking Prometheus: its limit, its metrics, its text.

mod link;

use promql_parser::label::MatchOp;
use promql_parser::parser::token::{
    T_ADD, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL, T_NEQ, T_POW,
    T_SUB, TokenId,
};
use promql_parser::parser::{self, BinaryExpr, Expr, VectorMatchCardinality, VectorSelector};
use serde::{Deserialize, Serialize};

pub use link::{expr_of_generator_url, graph_url};

/// Expressions with more signs than this are not parsed. The parser and the walks over its tree recurse, and no level
/// of the tree comes without a sign (an operator, a bracket, a blank beside a word). Real alerts stay below 200.
const MAX_SIGNS: usize = 500;

/// Nor are longer ones: an expression comes with an alert, so its sender chooses it.
const MAX_EXPR_BYTES: usize = 16 * 1024;

/// How a value is compared with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// Whether `value` is on the side of `limit` that raises the alert. `NaN` never is, but for `!=`.
    #[expect(clippy::float_cmp, reason = "Prometheus compares exactly")]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Equal => value == limit,
            Self::NotEqual => value != limit,
        }
    }

    /// The operator as PromQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    fn from_token(token: TokenId) -> Option<Self> {
        match token {
            T_GTR => Some(Self::Above),
            T_GTE => Some(Self::AtLeast),
            T_LSS => Some(Self::Below),
            T_LTE => Some(Self::AtMost),
            T_EQLC => Some(Self::Equal),
            T_NEQ => Some(Self::NotEqual),
            _ => None,
        }
    }

    /// The same comparison seen from the other side: `0.1 < x` is `x > 0.1`.
    fn mirrored(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::AtLeast => Self::AtMost,
            Self::Below => Self::Above,
            Self::AtMost => Self::AtLeast,
            same @ (Self::Equal | Self::NotEqual) => same,
        }
    }
}

/// The limit that an alert's expression compares something with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// What is compared, as PromQL that can be asked by itself.
    pub left: String,
    /// How: `left comparison value`.
    pub comparison: Comparison,
    /// The limit; always finite.
    pub value: f64,
}

/// The first comparison with a number on one side, read from left to right.
///
/// Parentheses, `and`, `or`, `unless` and a `* on(...) group_left(...)` that only adds labels are looked through;
/// so `(a > 0.1) and (b > 5)` gives `a > 0.1`. Comparisons inside functions and aggregations are not limits of the
/// result and are passed over. The number may be a sum, for example `5 * 60` or `-(10 / 100)`.
/// `None` when there is no such comparison (`absent(up)`), or when the text is not PromQL.
pub fn threshold(expr: &str) -> Option<Threshold> {
    let found = threshold_of(&parse(expr)?)?;
    // Only what reads back as the same question may be asked in its place.
    parse(&found.left).is_some().then_some(found)
}

/// The metrics that an expression reads, each once, in the order of the text. Empty when it is not PromQL.
pub fn metric_names(expr: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(expr) = parse(expr) {
        collect_names(&expr, &mut names);
    }
    names
}

fn parse(expr: &str) -> Option<Expr> {
    let is_sign = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_:.".contains(byte);
    if expr.len() > MAX_EXPR_BYTES || one_blank(expr).bytes().filter(is_sign).count() > MAX_SIGNS {
        return None;
    }
    parser::parse(expr).ok()
}

/// Indentation and line breaks count as one blank.
fn one_blank(expr: &str) -> String {
    expr.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn threshold_of(expr: &Expr) -> Option<Threshold> {
    match expr {
        Expr::Paren(paren) => threshold_of(&paren.expr),
        Expr::Binary(binary) => compared_with_number(binary).or_else(|| match binary.op.id() {
            T_LAND | T_LOR => threshold_of(&binary.lhs).or_else(|| threshold_of(&binary.rhs)),
            T_LUNLESS => threshold_of(&binary.lhs),
            T_MUL => match binary.modifier.as_ref()?.card {
                VectorMatchCardinality::ManyToOne(_) => threshold_of(&binary.lhs),
                VectorMatchCardinality::OneToMany(_) => threshold_of(&binary.rhs),
                _ => None,
            },
            _ => None,
        }),
        _ => None,
    }
}

fn compared_with_number(binary: &BinaryExpr) -> Option<Threshold> {
    let comparison = Comparison::from_token(binary.op.id())?;
    let (compared, comparison, value) = match (number(&binary.lhs), number(&binary.rhs)) {
        (None, Some(value)) => (&binary.lhs, comparison, value),
        (Some(value), None) => (&binary.rhs, comparison.mirrored(), value),
        _ => return None,
    };
    value.is_finite().then(|| Threshold {
        left: without_parentheses(compared).to_string(),
        comparison,
        value,
    })
}

fn without_parentheses(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => without_parentheses(&paren.expr),
        other => other,
    }
}

/// The value of an expression that is made of numbers only.
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(literal) => Some(literal.val),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Unary(unary) => number(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (number(&binary.lhs)?, number(&binary.rhs)?);
            match binary.op.id() {
                T_ADD => Some(left + right),
                T_SUB => Some(left - right),
                T_MUL => Some(left * right),
                T_DIV => Some(left / right),
                T_MOD => Some(left % right),
                T_POW => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn collect_names(expr: &Expr, names: &mut Vec<String>) {
    match expr {
        Expr::VectorSelector(selector) => add_name(selector, names),
        Expr::MatrixSelector(selector) => add_name(&selector.vs, names),
        Expr::Aggregate(aggregate) => {
            if let Some(parameter) = &aggregate.param {
                collect_names(parameter, names);
            }
            collect_names(&aggregate.expr, names);
        }
        Expr::Unary(unary) => collect_names(&unary.expr, names),
        Expr::Binary(binary) => {
            collect_names(&binary.lhs, names);
            collect_names(&binary.rhs, names);
        }
        Expr::Paren(paren) => collect_names(&paren.expr, names),
        Expr::Subquery(subquery) => collect_names(&subquery.expr, names),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| collect_names(argument, names)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn add_name(selector: &VectorSelector, names: &mut Vec<String>) {
    let matched = || {
        let equal = selector.matchers.find_matchers("__name__").into_iter().find(|m| m.op == MatchOp::Equal);
        equal.map(|matcher| matcher.value)
    };
    if let Some(name) = selector.name.clone().or_else(matched)
        && !names.contains(&name)
    {
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_threshold(expr: &str, left: &str, comparison: Comparison, value: f64) {
        let found = threshold(expr).unwrap_or_else(|| panic!("no threshold in {expr}"));
        assert_eq!((found.left.as_str(), found.comparison), (left, comparison), "{expr}");
        assert!((found.value - value).abs() < 1e-12, "{expr}: {}", found.value);
    }

    #[test]
    fn finds_the_limit_on_either_side() {
        use Comparison::{Above, AtLeast, AtMost, Below, Equal, NotEqual};
        assert_threshold("toyprod:error_rate:ratio_5m > 0.1", "toyprod:error_rate:ratio_5m", Above, 0.1);
        assert_threshold("0.1 < x", "x", Above, 0.1);
        assert_threshold("10 >= x", "x", AtMost, 10.0);
        assert_threshold("up == 0", "up", Equal, 0.0);
        assert_threshold("x != 1", "x", NotEqual, 1.0);
        assert_threshold("((x)) <= (5)", "x", AtMost, 5.0);
        assert_threshold("x >= bool 3", "x", AtLeast, 3.0);
        assert_threshold("sum by (job) (rate(e[5m])) / 2 < 1", "sum by (job) (rate(e[5m])) / 2", Below, 1.0);
    }

    #[test]
    fn works_out_numbers() {
        assert_threshold("x > 10 / 100", "x", Comparison::Above, 0.1);
        assert_threshold("x > 5 * 60", "x", Comparison::Above, 300.0);
        assert_threshold("x < -(2 ^ 3)", "x", Comparison::Below, -8.0);
        assert_threshold("x > 95 % 50 + 1 - 6", "x", Comparison::Above, 40.0);
        assert_threshold("x > 1e3", "x", Comparison::Above, 1000.0);
    }

    #[test]
    fn takes_the_first_comparison_with_a_number() {
        assert_threshold("(a > 0.1) and (b > 5)", "a", Comparison::Above, 0.1);
        assert_threshold("a > b and 3 < c", "c", Comparison::Above, 3.0);
        assert_threshold("(a > 1 unless b > 2) or c > 3", "a", Comparison::Above, 1.0);
        let with_labels = "(a / b < 10 and c == 0) * on(instance) group_left(node) node_info";
        assert_threshold(with_labels, "a / b", Comparison::Below, 10.0);
    }

    #[test]
    fn what_is_compared_can_be_asked_by_itself() {
        let left = threshold(r#"sum(rate(r{status=~"5..",path="a\\b\"c"}[5m])) > 1"#).expect("a limit").left;
        assert_eq!(left, r#"sum(rate(r{path="a\\b\"c",status=~"5.."}[5m]))"#);
    }

    #[test]
    fn says_when_there_is_no_limit() {
        let without =
            ["absent(up)", "vector(1)", "a > b", "1 > bool 2", "count(a > 3)", "x > 1 / 0", "", "x >", "💥"];
        for expr in without {
            assert_eq!(threshold(expr), None, "{expr}");
        }
    }

    /// A sender chooses the expression; a deep one must not take the process down.
    #[test]
    fn bears_deep_and_long_expressions() {
        for (open, close) in [("(", ")"), ("-", ""), ("1 + ", ""), ("a or ", ""), ("abs(", ")"), ("x ^ ", "")]
        {
            for times in [MAX_SIGNS / 2 - 2, MAX_SIGNS, MAX_EXPR_BYTES / open.len() / 2, 200_000] {
                let expr = format!("{}x{} > 1", open.repeat(times), close.repeat(times));
                let _ = (threshold(&expr), metric_names(&expr));
            }
        }
    }

    #[test]
    fn names_each_metric_once() {
        let expr =
            r#"sum(rate(a_total[5m])) / b + topk(scalar(k), {__name__="c:d"}) > max_over_time(b[1h:1m])"#;
        assert_eq!(metric_names(expr), ["a_total", "b", "k", "c:d"]);
        assert_eq!(metric_names(r#"absent(up{job="x"})"#), ["up"]);
        assert!(metric_names("not ( promql").is_empty());
    }

    #[test]
    fn compares_as_prometheus_does() {
        assert!(Comparison::Above.holds(0.2, 0.1) && !Comparison::Above.holds(0.1, 0.1));
        assert!(Comparison::AtMost.holds(0.1, 0.1) && !Comparison::AtMost.holds(f64::NAN, 0.1));
    }
}
