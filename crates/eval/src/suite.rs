//! What a suite hands to the frame, which does the rest.
//!
//! A suite reads its data, asks the thing that it measures, and gives one [`Item`] for each question: what was asked,
//! what is right, what was answered, and the scores of that answer. It also says, as a [`Measure`] each, how the items
//! become figures. The frame then adds what makes a figure honest: a 95 % interval, the chance floor, the worst misses,
//! the comparison with a saved run, and the page.
//!
//! ```no_run
//! use opsseer_eval::suite::{Item, Measure, Outcome, Part, chance};
//!
//! let documents = 76;
//! let measures = vec![
//!     Measure::share("r1", "the right document is first").chance(chance::among_first(1, documents)),
//!     Measure::share("mrr", "reciprocal rank").chance(chance::reciprocal_rank(documents)),
//! ];
//! let item = Item::new("kubevirt-001")
//!     .in_group("kubevirt")
//!     .asked("LowKVMNodesCount: at least two nodes with kvm are needed")
//!     .right("LowKVMNodesCount.md")
//!     .answered("VirtAPIDown.md")
//!     .score("r1", 0.0)
//!     .score("mrr", 0.5)
//!     .loss(0.8);
//! let outcome = Outcome::new("runbooks", None)
//!     .part(Part::new("easy", "the whole alert", measures, vec![item]).grouped_by("corpus"))
//!     .extra("ms_per_query", 1.7);
//! # drop(outcome);
//! ```
//!
//! A later suite (forecasts, suspects, speech) is such a function too. A part's name may have dots (`breach.q98`): each
//! is a level of the JSON object. A figure that is no mean of scores brings its own [`aggregate`].

pub mod aggregate;
pub mod chance;
pub mod folders;
mod item;
mod measure;

pub use item::Item;
pub use measure::{Better, Measure};

/// What a suite found: its items and how to sum them up.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub(crate) suite: &'static str,
    pub(crate) embeddings: Option<String>,
    pub(crate) parts: Vec<Part>,
    pub(crate) extras: Vec<(&'static str, f64)>,
    pub(crate) remarks: Vec<String>,
}

impl Outcome {
    /// The outcome of the suite of this name. `embeddings` names the model whose vectors were used (`Embed::model`);
    /// `None` if there was none. Runs with and without are never the same thing, so the JSON says which it was.
    pub fn new(suite: &'static str, embeddings: Option<String>) -> Self {
        Self { suite, embeddings, parts: Vec::new(), extras: Vec::new(), remarks: Vec::new() }
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// Adds a number that does not come from items, such as `ms_per_query`. It stands at the JSON's top level and is
    /// not compared with saved runs: it depends on the machine. Say the unit in the key.
    #[must_use]
    pub fn extra(mut self, key: &'static str, value: f64) -> Self {
        self.extras.push((key, value));
        self
    }

    /// Adds a sentence that a reader of the figures must know: what was left out, and why.
    #[must_use]
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remarks.push(remark.into());
        self
    }
}

/// Items that are summed up together: `easy` and `hard` of runbooks, `category` and `severity` of alerts.
#[derive(Debug, Clone)]
pub struct Part {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) measures: Vec<Measure>,
    pub(crate) items: Vec<Item>,
    pub(crate) grouped_by: Option<&'static str>,
}

impl Part {
    /// A part. `name` is its key in the JSON, with a dot for each further level; empty if its figures stand at the top
    /// level. `title` says in a few words what is asked. The first measure is the one that is told by group.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        measures: Vec<Measure>,
        items: Vec<Item>,
    ) -> Self {
        Self { name: name.into(), title: title.into(), measures, items, grouped_by: None }
    }

    /// Figures are also told for each group of items ([`Item::in_group`]). `kind` says what a group is: "corpus".
    #[must_use]
    pub fn grouped_by(mut self, kind: &'static str) -> Self {
        self.grouped_by = Some(kind);
        self
    }
}
