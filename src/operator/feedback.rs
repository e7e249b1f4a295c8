//! Which training rows a request shows, and what the parent must answer before it can.

use super::draw::{DraftNeed, Draw};
use crate::event::{Abandoned, Draft, Shown};
use crate::grammar::Misuse;
use crate::id::RowIx;
use crate::seed::Seed;
use crate::state::Cell;
use crate::task::example::Split;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

kind! {
    /// Which training rows are shown, with the parent's answers.
    Feedback {
        /// `epoch` deals all rows in turn, reshuffled each time round; `errors` prefers failures;
        /// `errors_else_correct` deals rows too, and of them shows the failures, or the successes
        /// where there is none.
        pick: Pick = Pick::Errors,
        /// Rows that are shown.
        size: usize = 3 => positive,
        /// Of them, rows that the parent got right, shown so that it is kept (`errors` only).
        keep_correct: usize = 0,
        /// Rows that may be run to find enough failures (`errors` only).
        from: usize = 24,
        /// Whether all of `from` are run, or only until there are enough failures (`errors` only).
        all: bool = false,
        /// `true`: the parent answers the rows anew; `false`: only rows that it has not answered
        /// yet are run (`epoch` only).
        fresh: bool = false,
        /// No proposal where the parent got all of them right (not with `errors_else_correct`).
        skip_perfect: bool = true,
        /// Whether the request also sums up all rows that the parent answered: expected against given answers,
        /// and what failures of a kind share (`reflect`, `restart` and `patch` only).
        diagnosis: bool = false,
    }
}

choice! {
    /// How rows are picked for a reflection.
    Pick {
        /// All rows in turn, reshuffled each time round.
        Epoch = "epoch",
        /// Failures first.
        Errors = "errors",
        /// All rows in turn; of the batch, the failures, or all where there are none.
        ErrorsElseCorrect = "errors_else_correct",
    }
}

/// Rows that are run together to find failures.
const EVIDENCE_BLOCK: usize = 8;

/// Whether a score counts as right. Scores are kept in single precision.
#[must_use]
pub(in crate::operator) fn is_right(score: f64) -> bool {
    score >= 1.0 - 1e-6
}

/// When a draft asks what works instead of what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Praise {
    /// It never does.
    Never,
    /// Where all rows that it would show came out right.
    WherePerfect,
    /// It was decided before.
    Decided(bool),
}

impl Praise {
    fn is_due(self, perfect: bool) -> bool {
        match self {
            Self::Never => false,
            Self::WherePerfect => perfect,
            Self::Decided(due) => due,
        }
    }
}

/// The value of its own with which a draft asks what works.
fn praising() -> Value {
    json!({ "praises": true })
}

/// Whether a draft asks what works, and not what is wrong.
pub(super) fn praises(draft: &Draft) -> bool {
    draft.own.as_ref().is_some_and(|own| *own == praising())
}

/// What it says about a draft that it asks what works.
pub(super) fn praise_in_words(own: &Value) -> Option<&'static str> {
    (*own == praising())
        .then_some("the rows shown were answered correctly, so the mutator was asked what works")
}

/// The request with its rows; before it, that it asks what works.
fn ask(draft: &Draft, praise: bool, shown: Vec<Shown>) -> DraftNeed {
    if praise && !praises(draft) { DraftNeed::Revise(praising()) } else { DraftNeed::Ask(shown) }
}

impl Feedback {
    /// Refuses a key that this way of picking rows does not use.
    ///
    /// # Errors
    /// The first one.
    pub fn check(&self) -> Result<(), Misuse> {
        let usual = Self::default();
        let by_errors = self.pick == Pick::Errors;
        for (key, is_set, goes_with) in [
            ("keep_correct", self.keep_correct != usual.keep_correct, by_errors),
            ("from", self.from != usual.from, by_errors),
            ("all", self.all, by_errors),
            ("fresh", self.fresh, !by_errors),
            ("skip_perfect", !self.skip_perfect, self.pick != Pick::ErrorsElseCorrect),
        ] {
            if is_set && !goes_with {
                let pick = self.pick;
                let message = format!("`{key}` does nothing with `pick = \"{pick}\"`");
                let help = format!("leave `{key}` out, or pick rows in another way");
                return Err(Misuse::of(&["feedback", key], message).help(help));
            }
        }
        Ok(())
    }

    /// Deals a draft its rows, where they are dealt in turn. `None`: there are no training rows.
    pub(super) fn deal(&self, draw: &Draw<'_>, draft: &mut Draft) -> Option<()> {
        let train_rows = draw.setting.train_rows;
        if train_rows == 0 {
            return None;
        }
        draft.diagnosed = self.diagnosis;
        if self.pick != Pick::Errors {
            draft.rows = epoch_rows(train_rows, self.size, draw.uses, draw.setting.seed);
            if self.fresh {
                let parent = draw.state.standing(*draft.parents.first()?);
                let replicates =
                    draft.rows.iter().map(|row| parent.next_replicate(Split::Train, *row));
                draft.replicate = replicates.max().unwrap_or(0);
            }
        }
        Some(())
    }

    /// What a draft needs before its rows can be shown; the request where nothing is missing.
    pub(super) fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        self.next_with(Praise::Never, draw, draft)
    }

    /// The same, for an operator that may ask what works.
    pub(super) fn next_with(&self, praise: Praise, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        let next = match self.pick {
            Pick::Epoch | Pick::ErrorsElseCorrect => self.of_epoch(praise, draw, draft),
            Pick::Errors => self.of_errors(praise, draw, draft),
        };
        match next {
            DraftNeed::Ask(shown) if self.diagnosis => {
                DraftNeed::Ask(with_counted(shown, draw, draft))
            }
            next => next,
        }
    }

    /// The draft's own rows, answered by the parent.
    fn of_epoch(&self, praise: Praise, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        let Some(&candidate) = draft.parents.first() else { return DraftNeed::Wait };
        let replicate = draft.replicate;
        let column = draw.state.standing(candidate).column(Split::Train, replicate);
        let unasked: Vec<RowIx> =
            draft.rows.iter().copied().filter(|row| column.cell(*row) == Cell::Empty).collect();
        if !unasked.is_empty() {
            return DraftNeed::Run { candidate, replicate, rows: unasked };
        }
        if draft.rows.iter().any(|row| column.cell(*row) == Cell::Issued) {
            return DraftNeed::Wait;
        }
        let scored: Vec<(RowIx, f64)> =
            draft.rows.iter().filter_map(|row| Some((*row, column.cell(*row).score()?))).collect();
        if scored.is_empty() {
            return DraftNeed::Abandon(Abandoned::NoEvidence);
        }
        let perfect = scored.iter().all(|(_, score)| is_right(*score));
        if self.skip_perfect && perfect && self.pick == Pick::Epoch {
            return DraftNeed::Abandon(Abandoned::Perfect);
        }
        let praise = praise.is_due(perfect);
        let wanted = |(_, score): &&(RowIx, f64)| {
            self.pick == Pick::Epoch || is_right(*score) == (praise || perfect)
        };
        let some = scored.iter().any(|row| wanted(&row));
        let shown = scored
            .iter()
            .filter(|row| wanted(row) || !some)
            .map(|(row, _)| Shown::of(*row, Some(replicate)))
            .collect();
        ask(draft, praise, shown)
    }

    /// Failures of the parent on training rows, run block by block until there are enough of them; a
    /// parent without a failure is run on all rows before it is called perfect.
    fn of_errors(&self, praise: Praise, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        let Some(&candidate) = draft.parents.first() else { return DraftNeed::Wait };
        let column = draw.state.standing(candidate).column(Split::Train, 0);
        if !column.is_quiet() {
            return DraftNeed::Wait;
        }
        let seed = draw.setting.seed;
        let mut order: Vec<RowIx> = (0..draw.setting.train_rows).map(RowIx).collect();
        let mut rows_seed = seed.child("evidence", u64::from(candidate.0));
        if self.all {
            // A minibatch of its own for each generation, and the same for all drafts of a parent.
            let generation = u64::from(draw.state.memory.generations.number());
            rows_seed = rows_seed.child("generation", generation);
        }
        order.shuffle(&mut rows_seed.rng());
        if self.all {
            order.truncate(self.from);
        }
        let (mut wrong, mut right, mut unasked) = (Vec::new(), Vec::new(), Vec::new());
        for row in order {
            match column.cell(row) {
                Cell::Empty => unasked.push(row),
                cell => match cell.score() {
                    Some(score) if is_right(score) => right.push(row),
                    Some(_) => wrong.push(row),
                    None => {}
                },
            }
        }
        let wanted = self.size.saturating_sub(self.keep_correct).max(1);
        let asked = column.issued as usize;
        let praises_already = praise == Praise::Decided(true);
        let found = if praises_already { right.len() } else { wrong.len() };
        let may_ask = asked < self.from || found == 0;
        let wants_more = self.all || (found < wanted && may_ask);
        if wants_more && !unasked.is_empty() {
            unasked.truncate(EVIDENCE_BLOCK);
            return DraftNeed::Run { candidate, replicate: 0, rows: unasked };
        }
        if wrong.is_empty() && (right.is_empty() || (self.skip_perfect && !praises_already)) {
            let no_evidence = right.is_empty();
            return DraftNeed::Abandon(if no_evidence {
                Abandoned::NoEvidence
            } else {
                Abandoned::Perfect
            });
        }
        let mut rng = seed.child("shown", u64::from(draft.proposal.0)).rng();
        wrong.shuffle(&mut rng);
        right.shuffle(&mut rng);
        let praise = praise.is_due(wrong.is_empty());
        if praise && !right.is_empty() {
            wrong.clear();
            right.truncate(self.size);
        } else {
            wrong.truncate(wanted);
            right.truncate(self.size.saturating_sub(wrong.len()).min(self.keep_correct));
        }
        let shown = wrong.into_iter().chain(right).map(|row| Shown::of(row, Some(0))).collect();
        ask(draft, praise, shown)
    }
}

/// The rows that are shown, and all others that the parent answered: these are only counted.
fn with_counted(mut shown: Vec<Shown>, draw: &Draw<'_>, draft: &Draft) -> Vec<Shown> {
    let Some(parent) = draft.parents.first() else { return shown };
    let column = draw.state.standing(*parent).column(Split::Train, 0);
    let is_shown: Vec<RowIx> = shown.iter().map(|shown| shown.row).collect();
    let counted = (0..draw.setting.train_rows)
        .map(RowIx)
        .filter(|row| !is_shown.contains(row) && column.cell(*row).score().is_some());
    shown.extend(counted.map(|row| Shown { counted: true, ..Shown::of(row, Some(0)) }));
    shown
}

/// Rows that the parent got right, run block by block until there are `wanted` of them or `from` were
/// run; where it gets none right, rows with their expected answers alone.
pub(super) fn right_answers(
    wanted: usize,
    from: usize,
    draw: &Draw<'_>,
    draft: &Draft,
) -> DraftNeed {
    let Some(&candidate) = draft.parents.first() else { return DraftNeed::Wait };
    let column = draw.state.standing(candidate).column(Split::Train, 0);
    if !column.is_quiet() {
        return DraftNeed::Wait;
    }
    let seed = draw.setting.seed;
    let mut order: Vec<RowIx> = (0..draw.setting.train_rows).map(RowIx).collect();
    order.shuffle(&mut seed.child("evidence", u64::from(candidate.0)).rng());
    let was_right = |row: &RowIx| column.cell(*row).score().is_some_and(is_right);
    let mut right: Vec<RowIx> = order.iter().copied().filter(was_right).collect();
    let left = from.saturating_sub(column.issued as usize).min(EVIDENCE_BLOCK);
    if right.len() < wanted && left > 0 {
        let unasked = order.iter().copied().filter(|row| column.cell(*row) == Cell::Empty);
        let rows: Vec<RowIx> = unasked.take(left).collect();
        if !rows.is_empty() {
            return DraftNeed::Run { candidate, replicate: 0, rows };
        }
    }
    let replicate = (!right.is_empty()).then_some(0);
    if right.is_empty() {
        right = order;
    }
    right.shuffle(&mut seed.child("shown", u64::from(draft.proposal.0)).rng());
    right.truncate(wanted);
    DraftNeed::Ask(right.into_iter().map(|row| Shown::of(row, replicate)).collect())
}

/// Failures of the parent on random rows, run block by block until there are `wanted` of them or
/// `from` were run. `None`: enough were run.
pub(super) fn failures(
    wanted: usize,
    from: usize,
    draw: &Draw<'_>,
    draft: &Draft,
    seed: Seed,
) -> Option<DraftNeed> {
    let Some(&candidate) = draft.parents.first() else { return Some(DraftNeed::Wait) };
    let column = draw.state.standing(candidate).column(Split::Train, 0);
    if !column.is_quiet() {
        return Some(DraftNeed::Wait);
    }
    let mut rows = draw.setting.sample(from, seed);
    let is_wrong = |row: &&RowIx| column.cell(**row).score().is_some_and(|score| !is_right(score));
    let enough = rows.iter().filter(is_wrong).count() >= wanted;
    rows.retain(|row| column.cell(*row) == Cell::Empty);
    rows.truncate(EVIDENCE_BLOCK);
    (!enough && !rows.is_empty()).then_some(DraftNeed::Run { candidate, replicate: 0, rows })
}

/// The minibatch number `used`: all rows in turn, reshuffled each time round. A last batch that is
/// not full is filled up from the start of its own epoch, the rows that were used least since.
#[must_use]
pub fn epoch_rows(train_rows: u32, size: usize, used: u32, seed: Seed) -> Vec<RowIx> {
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
