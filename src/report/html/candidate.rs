//! One prompt, or one proposal: why and how it was written, what it changed, and what happened to it.

use super::super::Report;
use super::super::explain::Explanation;
use super::super::words::{visible, visible_line};
use super::{Place, Section};
use crate::id::CandidateIx;
use crate::run::Flag;
use serde::Serialize;

#[derive(Serialize)]
struct Shown<'a> {
    explained: &'a Explanation,
    flags: Vec<String>,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    name: String,
    text: String,
}

/// The page of a prompt, or of a proposal that became none.
#[must_use]
pub fn candidate(
    report: &Report<'_>,
    place: &Place,
    number: Option<CandidateIx>,
    explained: &Explanation,
    flags: &[Flag],
) -> Section {
    let standing = number.and_then(|it| report.history.state.candidates.get(it.index()));
    let parts = standing
        .into_iter()
        .flat_map(|it| it.candidate.prompt.parts())
        .map(|part| Part { name: visible_line(&part.name), text: visible(&part.text) });
    let flags = flags.iter().map(ToString::to_string).collect();
    place
        .section(include_str!("candidate.html"), Shown { explained, flags, parts: parts.collect() })
}
