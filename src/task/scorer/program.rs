//! The programs that `command` and `code` scorers name. Not their processes: these are in `program`.

use serde::Serialize;
use std::time::Duration;

/// A program that is asked with a line of JSON and replies with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandSpec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The time limit for one answer.
    pub timeout: Duration,
    /// Environment variables that the program gets, besides those that every program needs.
    pub env: Vec<String>,
}

/// What runs the programs that answers hold: an interpreter that reads a program from its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeSpec {
    /// The interpreter and its arguments.
    pub argv: Vec<String>,
    /// The time limit for one answer.
    pub timeout: Duration,
    /// The memory of one process, in MiB; `None`: the interpreter is started without a sandbox.
    pub sandbox_mb: Option<u64>,
    /// The last statement of a program, which prints `{token}`.
    pub ending: String,
    /// Whether it is a shell, which goes on after a command that fails unless it is told to stop.
    pub is_of_shell: bool,
}

impl CodeSpec {
    /// What stands for the token in [`Self::ending`].
    pub const TOKEN: &str = "{token}";
}

/// The program that a scorer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScorerProgram<'a> {
    /// It scores.
    Command(&'a CommandSpec),
    /// It runs answers.
    Code(&'a CodeSpec),
}

impl<'a> ScorerProgram<'a> {
    /// The program and its arguments.
    #[must_use]
    pub fn argv(self) -> &'a [String] {
        match self {
            Self::Command(spec) => &spec.argv,
            Self::Code(spec) => &spec.argv,
        }
    }
}
