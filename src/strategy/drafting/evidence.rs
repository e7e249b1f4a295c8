//! Which training rows a proposal shows, and what the parent must answer before it can.

use super::super::{Plan, State};
use super::Setting;
use crate::event::{Abandoned, Draft, Event, Gate, Shown};
use crate::id::{ProposalNumber, RowIx};
use crate::recipe::{DemoFillOperator, Feedback, InduceOperator, Pick};
use crate::seed::Seed;
use crate::state::Cell;
use crate::task::example::Split;
use rand::seq::SliceRandom;

/// Rows that are run together to find failures.
const EVIDENCE_BLOCK: usize = 8;

/// When a draft asks for what works instead of for what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Praise {
    /// It never does.
    Never,
    /// Where all rows that it would show came out right.
    WherePerfect,
    /// This was said already.
    Said(bool),
}

impl Praise {
    fn is_due(self, perfect: bool) -> bool {
        match self {
            Self::Never => false,
            Self::WherePerfect => perfect,
            Self::Said(due) => due,
        }
    }
}

/// What a draft needs before its rows can be shown; the proposal itself when nothing is missing.
pub(super) fn gather(
    feedback: &Feedback,
    praise: Praise,
    state: &State,
    draft: &Draft,
    train_rows: u32,
    seed: Seed,
) -> Option<Plan> {
    match feedback.pick {
        Pick::Epoch | Pick::ErrorsElseCorrect => epoch_evidence(feedback, praise, state, draft),
        Pick::Errors => error_evidence(feedback, praise, state, draft, train_rows, seed),
    }
}

/// The proposal with its rows; before it, that it asks for what works.
fn propose(draft: &Draft, praises: bool, shown: Vec<Shown>) -> Option<Plan> {
    let proposal = draft.proposal;
    Some(if praises && !draft.praises {
        Plan::Decide(Event::PraiseChosen { proposal })
    } else {
        Plan::Propose { proposal, shown }
    })
}

pub(super) fn abandon(proposal: ProposalNumber, why: Abandoned) -> Option<Plan> {
    Some(Plan::Decide(Event::ProposalAbandoned { proposal, why }))
}

/// The draft's own rows, answered by the parent.
fn epoch_evidence(
    feedback: &Feedback,
    praise: Praise,
    state: &State,
    draft: &Draft,
) -> Option<Plan> {
    let candidate = *draft.parents.first()?;
    let column = state.standing(candidate).column(Split::Train, draft.replicate);
    let unasked: Vec<RowIx> =
        draft.rows.iter().copied().filter(|row| column.cell(*row) == Cell::Empty).collect();
    if !unasked.is_empty() {
        return Some(Plan::Evaluate {
            candidate,
            split: Split::Train,
            replicate: draft.replicate,
            rows: unasked,
        });
    }
    if draft.rows.iter().any(|row| column.cell(*row) == Cell::Issued) {
        return None;
    }
    let scored: Vec<(RowIx, f64)> =
        draft.rows.iter().filter_map(|row| Some((*row, column.cell(*row).score()?))).collect();
    if scored.is_empty() {
        return abandon(draft.proposal, Abandoned::NoEvidence);
    }
    let is_right = |(_, score): &&(RowIx, f64)| *score >= 1.0 - 1e-6;
    let perfect = scored.iter().all(|row| is_right(&row));
    if feedback.skip_perfect && perfect && feedback.pick == Pick::Epoch {
        return abandon(draft.proposal, Abandoned::Perfect);
    }
    let praises = praise.is_due(perfect);
    let wanted =
        |row: &&(RowIx, f64)| feedback.pick == Pick::Epoch || is_right(row) == (praises || perfect);
    let some = scored.iter().any(|row| wanted(&row));
    let shown = scored
        .iter()
        .filter(|row| wanted(row) || !some)
        .map(|(row, _)| Shown { row: *row, replicate: Some(draft.replicate) })
        .collect();
    propose(draft, praises, shown)
}

/// Failures of the parent on training rows, run block by block until there are enough of them; a
/// parent without a failure is run on all rows before it is called perfect.
fn error_evidence(
    feedback: &Feedback,
    praise: Praise,
    state: &State,
    draft: &Draft,
    train_rows: u32,
    seed: Seed,
) -> Option<Plan> {
    let candidate = *draft.parents.first()?;
    let column = state.standing(candidate).column(Split::Train, 0);
    if !column.is_quiet() {
        return None;
    }
    let mut order: Vec<RowIx> = (0..train_rows).map(RowIx).collect();
    let mut rows_seed = seed.child("evidence", u64::from(candidate.0));
    if feedback.all {
        // A minibatch of its own for each generation, and the same for all drafts of a parent.
        rows_seed = rows_seed.child("generation", u64::from(state.memory.generations.number()));
    }
    order.shuffle(&mut rows_seed.rng());
    if feedback.all {
        order.truncate(feedback.from);
    }
    let (mut wrong, mut right, mut unasked) = (Vec::new(), Vec::new(), Vec::new());
    for row in order {
        match column.cell(row) {
            Cell::Empty => unasked.push(row),
            cell => match cell.score() {
                Some(score) if score < 1.0 - 1e-6 => wrong.push(row),
                Some(_) => right.push(row),
                None => {}
            },
        }
    }
    let wanted = feedback.size.saturating_sub(feedback.keep_correct).max(1);
    let asked = column.issued as usize;
    let praises = praise == Praise::Said(true);
    let found = if praises { right.len() } else { wrong.len() };
    let may_ask = asked < feedback.from || found == 0;
    let wants_more = feedback.all || (found < wanted && may_ask);
    if wants_more && !unasked.is_empty() {
        unasked.truncate(EVIDENCE_BLOCK);
        return Some(Plan::Evaluate {
            candidate,
            split: Split::Train,
            replicate: 0,
            rows: unasked,
        });
    }
    if wrong.is_empty() && (right.is_empty() || (feedback.skip_perfect && !praises)) {
        let why = if right.is_empty() { Abandoned::NoEvidence } else { Abandoned::Perfect };
        return abandon(draft.proposal, why);
    }
    let mut rng = seed.child("shown", u64::from(draft.proposal.0)).rng();
    wrong.shuffle(&mut rng);
    right.shuffle(&mut rng);
    let praises = praise.is_due(wrong.is_empty());
    if praises && !right.is_empty() {
        wrong.clear();
        right.truncate(feedback.size);
    } else {
        wrong.truncate(wanted);
        right.truncate(feedback.size.saturating_sub(wrong.len()).min(feedback.keep_correct));
    }
    let shown =
        wrong.into_iter().chain(right).map(|row| Shown { row, replicate: Some(0) }).collect();
    propose(draft, praises, shown)
}

/// Rows that the parent got right, run block by block until there are enough of them; where it gets
/// none right, rows with their expected answers alone.
pub(super) fn right_answers(
    kind: &InduceOperator,
    state: &State,
    draft: &Draft,
    train_rows: u32,
    seed: Seed,
) -> Option<Plan> {
    let candidate = *draft.parents.first()?;
    let column = state.standing(candidate).column(Split::Train, 0);
    if !column.is_quiet() {
        return None;
    }
    let mut order: Vec<RowIx> = (0..train_rows).map(RowIx).collect();
    order.shuffle(&mut seed.child("evidence", u64::from(candidate.0)).rng());
    let is_right = |row: &RowIx| column.cell(*row).score().is_some_and(|score| score >= 1.0 - 1e-6);
    let mut right: Vec<RowIx> = order.iter().copied().filter(is_right).collect();
    let left = kind.from.saturating_sub(column.issued as usize).min(EVIDENCE_BLOCK);
    if right.len() < kind.demos && left > 0 {
        let unasked = order.iter().copied().filter(|row| column.cell(*row) == Cell::Empty);
        let rows: Vec<RowIx> = unasked.take(left).collect();
        if !rows.is_empty() {
            return Some(Plan::Evaluate { candidate, split: Split::Train, replicate: 0, rows });
        }
    }
    let replicate = (!right.is_empty()).then_some(0);
    if right.is_empty() {
        right = order;
    }
    right.shuffle(&mut seed.child("shown", u64::from(draft.proposal.0)).rng());
    right.truncate(kind.demos);
    let shown = right.into_iter().map(|row| Shown { row, replicate }).collect();
    Some(Plan::Propose { proposal: draft.proposal, shown })
}

/// A set of failures as demonstrations: the parent is run on some rows, then it is composed.
pub(super) fn filled(
    kind: &DemoFillOperator,
    state: &State,
    draft: &Draft,
    setting: Setting,
) -> Option<Plan> {
    let candidate = *draft.parents.first()?;
    let column = state.standing(candidate).column(Split::Train, 0);
    if !column.is_quiet() {
        return None;
    }
    let seed = setting.seed.child("failures", u64::from(draft.proposal.0));
    let mut rows = super::sample(setting.train_rows, kind.from, seed);
    let is_wrong = |row: &&RowIx| column.cell(**row).score().is_some_and(|s| s < 1.0 - 1e-6);
    let enough = rows.iter().filter(is_wrong).count() >= kind.size;
    rows.retain(|row| column.cell(*row) == Cell::Empty);
    rows.truncate(EVIDENCE_BLOCK);
    if !enough && !rows.is_empty() {
        return Some(Plan::Evaluate { candidate, split: Split::Train, replicate: 0, rows });
    }
    match super::shots::failed(kind, state, candidate, setting, seed.child("demos", 0)) {
        Some(demos) => Some(Plan::Compose(Draft { demos: Some(demos), ..draft.clone() })),
        None => abandon(draft.proposal, Abandoned::Nothing),
    }
}

/// The gate of a reflected child: the rows that it was written from, against its parent's answers
/// to them (GEPA, arXiv:2507.19457, algorithm 1).
pub(in crate::strategy) fn minibatch_gate(
    state: &State,
    draft: &Draft,
    shown: &[Shown],
    inclusive: bool,
) -> Option<Gate> {
    let parent = state.standing(*draft.parents.first()?);
    let (mut rows, mut against) = (Vec::new(), Vec::new());
    for shown in shown {
        let replicate = shown.replicate?;
        rows.push(shown.row);
        against.push(parent.column(Split::Train, replicate).cell(shown.row).score()?);
    }
    (!rows.is_empty()).then_some(Gate { split: Split::Train, rows, against, inclusive })
}

/// The minibatch number `used`: all rows in turn, reshuffled each time round. A last batch that is
/// not full is filled up from the start of its own epoch, the rows that were used least since.
pub(in crate::strategy) fn epoch_rows(
    train_rows: u32,
    size: usize,
    used: u32,
    seed: Seed,
) -> Vec<RowIx> {
    let rows = train_rows as usize;
    let per_epoch = rows.div_ceil(size).max(1);
    let (epoch, batch) = (used as usize / per_epoch, used as usize % per_epoch);
    let mut order: Vec<RowIx> = (0..train_rows).map(RowIx).collect();
    order.shuffle(&mut seed.child("epoch", epoch as u64).rng());
    (0..size.min(rows)).map(|offset| order[(batch * size + offset) % rows]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_deals_every_row_and_in_another_order() {
        let seed = Seed(1);
        let epoch = |number: u32| -> Vec<RowIx> {
            (0..4).flat_map(|batch| epoch_rows(12, 3, number * 4 + batch, seed)).collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        for rows in [&first, &second] {
            let mut sorted = rows.clone();
            sorted.sort();
            assert_eq!(sorted, (0..12).map(RowIx).collect::<Vec<_>>());
        }
        assert_ne!(first, second);
        // 10 rows in batches of 3: the last batch is filled up.
        assert_eq!(epoch_rows(10, 3, 3, seed).len(), 3);
    }
}
