//! Answers as items, and what is measured of them.

use opsseer_ai::classify::Classification;

use super::data::Case;
use crate::suite::{Better, Item, Measure, Part, aggregate, chance};

/// Which of the two answers of a classification is looked at.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Category,
    Severity,
}

/// The item of an answer; none if the data does not say what is right.
pub(super) fn item(question: Question, case: &Case, answer: &Classification) -> Option<Item> {
    let (right, given, probability, unsure) = match question {
        Question::Category => {
            (case.example.category?.as_str(), answer.category.as_str(), answer.probability, answer.unsure)
        }
        Question::Severity => (
            case.example.severity?.as_str(),
            answer.severity.as_str(),
            answer.severity_probability,
            answer.severity_unsure,
        ),
    };
    let is_right = f64::from(u8::from(right == given));
    let probability = f64::from(probability);
    let alert = &case.example.alert;
    let mut item = Item::new(&case.id)
        .in_group(&case.example.group)
        .asked(format!("{}: {} {}", alert.name, alert.summary, alert.description))
        .right(right)
        .answered(given)
        .score("right", is_right)
        .score("probability", probability)
        .score("sure", f64::from(u8::from(!unsure)))
        .loss((1.0 - is_right) * probability);
    if !unsure {
        item = item.score("right_if_sure", is_right);
    }
    Some(item)
}

/// A part with the measures of classes.
pub(super) fn part(name: &str, title: &str, items: Vec<Item>) -> Part {
    let (accuracy_floor, f1_floor) = chance::most_frequent(items.iter().map(Item::right_answer));
    let measures = vec![
        Measure::of("accuracy", "right", aggregate::accuracy).chance(accuracy_floor),
        Measure::of("macro_f1", "macro-F1: every class counts alike", aggregate::macro_f1).chance(f1_floor),
        Measure::of("ece", "calibration error: how far the stated probability is from what holds", |items| {
            aggregate::calibration_error(items, "probability", "right")
        })
        .better(Better::Lower),
        Measure::of("accuracy_if_sure", "right where it says that it is sure", |items| {
            aggregate::mean(items, "right_if_sure")
        })
        .chance(accuracy_floor),
        Measure::share("sure", "how often it says so").better(Better::Neither),
    ];
    Part::new(name, title, measures, items).grouped_by("service")
}
