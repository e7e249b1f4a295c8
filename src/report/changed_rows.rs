//! The rows of dev on which the winner and the baseline differ, and those that no prompt got right.
//!
//! Held-out rows are never named.

use super::Report;
use super::paired::RowChange;
use super::words::{score, visible_line};
use crate::id::{CandidateIx, RowIx};
use crate::text::plural;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most rows named in each table of rows.
const ROWS: usize = 60;

/// The dev rows on which the winner differs from the baseline, and those that no prompt got right.
#[derive(Default, Serialize)]
pub(super) struct ChangedRows {
    pub(super) won: Vec<RowGroup>,
    pub(super) lost: Vec<RowGroup>,
    pub(super) unsolved: Vec<RowGroup>,
    pub(super) won_count: usize,
    pub(super) lost_count: usize,
    pub(super) same_count: usize,
    pub(super) unsolved_count: usize,
    /// By how many prompts each of them was evaluated.
    pub(super) unsolved_tried: String,
}

/// Rows with the same scores.
#[derive(Serialize)]
pub(super) struct RowGroup {
    /// `0 → 1`, or the best score.
    pub(super) scores: String,
    pub(super) count: usize,
    pub(super) ids: Vec<String>,
    /// Number of rows that are not listed.
    pub(super) left_out: usize,
}

/// The rows of a report.
pub(super) fn changed_rows(report: &Report<'_>) -> ChangedRows {
    let state = &report.history.state;
    let best = report.summary.best.as_ref().and_then(|best| state.find(&best.candidate));
    let best = best.filter(|_| report.has_winner());
    let mut rows = ChangedRows::default();
    let (mut won, mut lost, mut unsolved) =
        (Groups::default(), Groups::default(), Groups::default());
    let mut tried = BTreeSet::new();
    for (place, example) in report.task.splits.dev.iter().enumerate() {
        let row = RowIx(u32::try_from(place).unwrap_or(u32::MAX));
        let id = || visible_line(example.id.as_str());
        let score_of = |candidate: CandidateIx| {
            state.candidates.get(candidate.index())?.dev().cell(row).score()
        };
        if let (Some(before), Some(after)) =
            (score_of(CandidateIx::BASELINE), best.and_then(score_of))
        {
            let scores = || format!("{} → {}", score(before), score(after));
            match RowChange::between(before, after) {
                RowChange::Better => won.add(before - after, scores(), id()),
                RowChange::Worse => lost.add(after - before, scores(), id()),
                RowChange::Same => rows.same_count += 1,
            }
        }
        let scores =
            state.candidates.iter().filter_map(|standing| standing.dev().cell(row).score());
        let scores: Vec<f64> = scores.collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !scores.is_empty() && highest < 1.0 - 1e-6 {
            tried.insert(scores.len());
            unsolved.add(highest, score(highest), id());
        }
    }
    (rows.won, rows.won_count) = won.sorted();
    (rows.lost, rows.lost_count) = lost.sorted();
    (rows.unsolved, rows.unsolved_count) = unsolved.sorted();
    rows.unsolved_tried = match (tried.first(), tried.last()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most} prompts"),
        (Some(all), _) => plural(*all, "prompt"),
        _ => String::new(),
    };
    if !report.shows_rows {
        for group in [&mut rows.won, &mut rows.lost, &mut rows.unsolved].into_iter().flatten() {
            group.ids.clear();
            group.left_out = 0;
        }
    }
    rows
}

/// Rows grouped by their scores, so that 30 rows that became right take one line.
#[derive(Default)]
struct Groups(BTreeMap<(i64, String), Vec<String>>);

impl Groups {
    /// Groups are sorted by `rank`, lowest first.
    fn add(&mut self, rank: f64, scores: String, id: String) {
        self.0.entry(((rank * 1e6) as i64, scores)).or_default().push(id);
    }

    /// The groups, cut to the permitted length, and the number of their rows.
    fn sorted(self) -> (Vec<RowGroup>, usize) {
        let count = self.0.values().map(Vec::len).sum();
        let mut left = ROWS;
        let groups = self.0.into_iter().map(|((_, scores), mut ids)| {
            let count = ids.len();
            ids.truncate(left);
            left -= ids.len();
            RowGroup { scores, count, left_out: count - ids.len(), ids }
        });
        // With many different scores there is one line per score, up to the permitted number.
        (groups.take(ROWS).collect(), count)
    }
}
