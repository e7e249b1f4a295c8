//! One check: what was looked at, how it stands, and what to do.

use crate::source::SourceError;
use serde::Serialize;
use std::fmt;

/// How a check came out. Later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// A run works, perhaps not as it is meant to.
    Warning,
    /// A run does not work.
    Fault,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        })
    }
}

/// Where a fault is: what a person has to change, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The task, its data, its programs, a price, or a key that is not there.
    Task,
    /// The folder of the runs.
    Folder,
    /// A provider: what it refuses, does not answer, or answers in a form that cannot be used.
    Provider,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What of: a role, `files`, `machine` or `night`.
    pub about: String,
    /// Which: one word.
    pub check: &'static str,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub words: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Where a fault is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// The checks of one subject, as they are made.
#[derive(Debug)]
pub(super) struct Checks {
    about: String,
    pub(super) list: Vec<Check>,
}

impl Checks {
    pub(super) fn of(about: impl fmt::Display) -> Self {
        Self { about: about.to_string(), list: Vec::new() }
    }

    fn add(&mut self, check: &'static str, status: Status, words: String) -> &mut Check {
        let (remedy, cause) = (None, None);
        self.list.push(Check { about: self.about.clone(), check, status, words, remedy, cause });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    pub(super) fn ok(&mut self, check: &'static str, words: impl Into<String>) {
        self.add(check, Status::Ok, words.into());
    }

    pub(super) fn warn(
        &mut self,
        check: &'static str,
        words: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(check, Status::Warning, words.into()).remedy = Some(remedy.into());
    }

    pub(super) fn fault(
        &mut self,
        check: &'static str,
        cause: Cause,
        words: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let fault = self.add(check, Status::Fault, words.into());
        (fault.remedy, fault.cause) = (Some(remedy.into()), Some(cause));
    }

    /// A mistake in a file of the user's, with its place.
    pub(super) fn mistake(&mut self, check: &'static str, error: &SourceError) {
        let fault = self.add(check, Status::Fault, error.without_help());
        (fault.remedy, fault.cause) = (error.help.clone(), Some(Cause::Task));
    }
}
