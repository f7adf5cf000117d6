//! What a user would see, case by case, and what holds for every history.

mod flapping;
mod grouping;
mod history;
mod late;
mod people;
mod regrouping;
mod storms;
mod world;
