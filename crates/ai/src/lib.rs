//! What OpsSeer works out by itself, without asking another machine.
//!
//! Each ability is a trait with the local implementation beside it. So far there is one: [`runbook`], which finds the
//! step to take for an alert in a folder of Markdown files.

pub mod classify;
pub mod embed;
pub mod forecast;
pub mod inference;
pub mod models;
pub mod runbook;
pub mod similar;
pub mod suspects;
