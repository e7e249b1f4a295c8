//! The program that a `command` scorer names. Not its processes: these are in `program`.

use serde::Serialize;
use std::time::Duration;

/// The program of a `command` scorer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandSpec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The time limit for one answer.
    pub timeout: Duration,
    /// Environment variables that the program gets, besides those that every program needs.
    pub env: Vec<String>,
}
