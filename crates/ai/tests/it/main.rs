//! What OpsSeer works out by itself, asked through the public traits.

mod embed;
mod runbooks;
