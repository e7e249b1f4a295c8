//! All prompts, the best first, and what became of proposals. A file has the first of them, with what each changed.

use super::super::Report;
use super::super::diff::{Piece, diff};
use super::super::findings::{Row, Tried, describe, order, tried};
use super::super::words::visible_line;
use super::{Pages, Place, Section};
use crate::state::CandidateState;
use serde::Serialize;
use std::collections::BTreeSet;

/// The most prompts of a page, and of a file.
const MOST: usize = 50;
/// The most prompts of a file.
const MOST_IN_FILE: usize = 20;

#[derive(Serialize)]
struct Candidates {
    rows: Vec<Row>,
    left_out: usize,
    changes: Vec<Changed>,
    pages: Pages,
    tried: Tried,
}

/// What a prompt changed of its first parent.
#[derive(Serialize)]
struct Changed {
    id: String,
    parent: Option<String>,
    parts: Vec<ChangedPart>,
}

#[derive(Serialize)]
struct ChangedPart {
    name: String,
    is_changed: bool,
    pieces: Vec<Piece>,
}

/// The prompts that a file shows.
pub(super) fn listed(report: &Report<'_>) -> BTreeSet<String> {
    let first = order(report).into_iter().take(MOST_IN_FILE);
    first.map(|(_, standing)| visible_line(standing.candidate.id.as_str())).collect()
}

/// The page of this number; `None`: the beginning of the list with the changes of each, for a file.
#[must_use]
pub fn candidates(report: &Report<'_>, place: &Place, number: Option<usize>) -> Section {
    let all = order(report);
    let (size, asked) = (if place.is_live() { MOST } else { MOST_IN_FILE }, number.unwrap_or(1));
    let pages = Pages::of(all.len(), size, asked, |page| {
        format!("{}/candidates?page={page}", place.root())
    });
    let here = || all.iter().skip(pages.range().start).take(size);
    let rows = here().map(|(number, standing)| describe(report, *number, standing)).collect();
    let changes = match number {
        None => here().map(|(_, standing)| changed(report, standing)).collect(),
        Some(_) => Vec::new(),
    };
    let left_out = if place.is_live() { 0 } else { all.len().saturating_sub(size) };
    let pages = if place.is_live() { pages } else { Pages::default() };
    let it = Candidates { rows, left_out, changes, pages, tried: tried(report) };
    place.section(include_str!("candidates.html"), it)
}

fn changed(report: &Report<'_>, standing: &CandidateState) -> Changed {
    let candidate = &standing.candidate;
    let state = &report.history.state;
    let parent = candidate.parents.first().and_then(|it| state.candidates.get(it.index()));
    let parts = report.task.layout.searched().iter().filter(|_| parent.is_some()).map(|name| {
        let before = parent.and_then(|it| it.candidate.prompt.part(name)).unwrap_or_default();
        let after = candidate.prompt.part(name).unwrap_or_default();
        ChangedPart {
            name: visible_line(name),
            is_changed: before != after,
            pieces: diff(before, after),
        }
    });
    Changed {
        id: visible_line(candidate.id.as_str()),
        parent: parent.map(|it| visible_line(it.candidate.id.as_str())),
        parts: parts.collect(),
    }
}
