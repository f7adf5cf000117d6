//! Do corrections help? A person is played who corrects a few alerts of a service that the classifier has never seen;
//! then the rest of that service is asked again, and so is everything else, which should stay as it was.

use std::collections::BTreeMap;

use opsseer_ai::classify::{Classification, Correction, Trained, TrainingSet};

use super::{
    data::Case,
    items::{Question, item},
};
use crate::suite::Item;

/// How many alerts of a service the person corrects.
pub(super) const CORRECTED: usize = 5;
/// A service with fewer alerts leaves too little to ask afterwards.
pub(super) const LEAST_ALERTS: usize = 10;

/// What became of the answers.
#[derive(Default)]
pub(super) struct Learned {
    /// About the rest of each corrected service, without the corrections.
    pub(super) before: Vec<Item>,
    /// The same with them.
    pub(super) after: Vec<Item>,
    /// Answers about other services.
    pub(super) elsewhere: usize,
    /// Of these, those that were wrong and became right, and the other way round.
    pub(super) elsewhere_better: usize,
    pub(super) elsewhere_worse: usize,
}

impl Learned {
    /// Plays it for each service among the held-out cases. `before` are the answers to them, in their order.
    pub(super) fn play(
        &mut self,
        trained: &Trained,
        set: &TrainingSet,
        cases: &[Case],
        held_out: &[usize],
        before: &[Classification],
    ) {
        let mut services = BTreeMap::<&str, Vec<usize>>::new();
        for at in held_out.iter().copied().filter(|at| cases[*at].example.category.is_some()) {
            services.entry(&cases[at].example.group).or_default().push(at);
        }
        for (service, alerts) in services.into_iter().filter(|(_, alerts)| alerts.len() >= LEAST_ALERTS) {
            // Spread over the service's rules, which mostly stand in an order.
            let corrected: Vec<usize> =
                (0..CORRECTED).map(|nth| alerts[nth * alerts.len() / CORRECTED]).collect();
            let corrections: Vec<Correction> =
                corrected.iter().filter_map(|at| correction(&cases[*at], set, *at)).collect();
            for (at, before) in held_out.iter().zip(before).filter(|(at, _)| !corrected.contains(at)) {
                let case = &cases[*at];
                let after = trained.classify(
                    &case.example.alert,
                    set.vector(*at),
                    &corrections,
                    before.model.clone(),
                );
                let items = (item(Question::Category, case, before), item(Question::Category, case, &after));
                let (Some(before), Some(after)) = items else { continue };
                if case.example.group == service {
                    self.before.push(before);
                    self.after.push(after);
                    continue;
                }
                self.elsewhere += 1;
                match (before.score_of("right") > Some(0.5), after.score_of("right") > Some(0.5)) {
                    (false, true) => self.elsewhere_better += 1,
                    (true, false) => self.elsewhere_worse += 1,
                    _ => {}
                }
            }
        }
    }

    /// What a reader must know of it.
    pub(super) fn remark(&self, of: &str) -> String {
        format!(
            "{of}: of {} answers about services that nobody corrected, {} became right through the corrections of \
             another and {} wrong",
            self.elsewhere, self.elsewhere_better, self.elsewhere_worse
        )
    }
}

fn correction(case: &Case, set: &TrainingSet, at: usize) -> Option<Correction> {
    let vector = set.vector(at).cloned();
    Some(Correction {
        alert: case.example.alert.clone(),
        category: case.example.category?,
        severity: None,
        vector,
    })
}
