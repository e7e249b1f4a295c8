//! A candidate with its status, its answers and what they cost.

use super::column::{Cell, Column};
use crate::candidate::Candidate;
use crate::event::{Dropped, Gate};
use crate::id::{EventNumber, RowIx};
use crate::ledger::Use;
use crate::task::example::Split;
use crate::task::goal::Goal;
use crate::task::measure::Measure;
use crate::units::Usd;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a candidate is still tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It may get more rows.
    Open,
    /// It has had all rows that its recipe gives it: all of dev, as a rule.
    Finished,
    /// It was taken out.
    Dropped(Dropped),
}

/// A candidate and all that is known of it.
#[derive(Clone, Debug)]
pub struct CandidateState {
    /// The prompt with its history.
    pub candidate: Arc<Candidate>,
    /// Whether it is still tried.
    pub status: Status,
    /// What it must pass before it is tried in full.
    pub gate: Option<Gate>,
    /// What its calls on dev used.
    pub used: Use,
    /// What its calls on held-out rows used. No search knows it.
    pub hold_used: Use,
    /// What its calls on held-out rows cost without retries, by row; those whose provider counts no tokens are not in it.
    pub hold_usd: BTreeMap<RowIx, Usd>,
    columns: Vec<((Split, u16), Column)>,
}

impl CandidateState {
    /// A new candidate.
    #[must_use]
    pub fn new(candidate: Arc<Candidate>, gate: Option<Gate>) -> Self {
        let (used, hold_used) = (Use::default(), Use::default());
        let (hold_usd, columns) = (BTreeMap::new(), Vec::new());
        Self { candidate, status: Status::Open, gate, used, hold_used, hold_usd, columns }
    }

    /// Dollars for 1,000 calls, by all of its calls on dev and held-out rows: for people.
    #[must_use]
    pub fn usd_per_1k(&self) -> Option<f64> {
        (self.used + self.hold_used).usd_per_1k()
    }

    /// Whether any of its rows was folded, of any split.
    #[must_use]
    pub fn has_folded_rows(&self) -> bool {
        self.columns.iter().any(|(_, column)| column.folded > 0)
    }

    /// Its answers to a split, one replicate; empty where it was never asked.
    #[must_use]
    pub fn column(&self, split: Split, replicate: u16) -> &Column {
        static NONE: Column = Column::EMPTY;
        self.columns
            .iter()
            .find(|(key, _)| *key == (split, replicate))
            .map_or(&NONE, |(_, column)| column)
    }

    /// All its answers, by split and replicate.
    pub fn columns(&self) -> impl Iterator<Item = ((Split, u16), &Column)> {
        self.columns.iter().map(|(key, column)| (*key, column))
    }

    /// Its first answers to dev, which everything is compared on.
    #[must_use]
    pub fn dev(&self) -> &Column {
        self.column(Split::Dev, 0)
    }

    /// The replicates of a split that it was asked for.
    pub fn replicates(&self, split: Split) -> impl Iterator<Item = (u16, &Column)> {
        self.columns
            .iter()
            .filter(move |((of, _), _)| *of == split)
            .map(|((_, replicate), column)| (*replicate, column))
    }

    /// What a measure of the goal came to on a row; `None` where its answers have none.
    #[must_use]
    pub fn measured(
        &self,
        goal: &Goal,
        measure: &Measure,
        split: Split,
        row: RowIx,
    ) -> Option<f64> {
        match measure {
            Measure::Consistency(answers) => self.agreement(split, row, *answers, None),
            _ => *self.column(split, 0).measured.of_row(row).get(goal.place_of(measure)?)?,
        }
    }

    /// What a measure of the goal came to on dev; `None` where no row has it, or answers that it needs are not in.
    #[must_use]
    pub fn measured_on_dev(&self, goal: &Goal, measure: &Measure) -> Option<f64> {
        let Measure::Consistency(answers) = *measure else {
            return self.dev().measured.total(goal.place_of(measure)?, measure.total());
        };
        let later = (1..answers).map(|replicate| self.column(Split::Dev, replicate));
        let is_out = |cell: Cell| matches!(cell, Cell::Empty | Cell::Issued);
        if later.into_iter().any(|column| self.scored_on_dev().any(|row| is_out(column.cell(row))))
        {
            return None;
        }
        let values: Vec<f64> = self
            .scored_on_dev()
            .filter_map(|row| self.agreement(Split::Dev, row, answers, None))
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Rows of dev that it has a first answer to.
    pub fn scored_on_dev(&self) -> impl Iterator<Item = RowIx> {
        let cells = self.dev().cells().iter().zip(0..);
        cells.filter(|(cell, _)| cell.score().is_some()).map(|(_, row)| RowIx(row))
    }

    /// The share of a row's first answers, this many, that agree with the most common one; only of answers before
    /// `closed`, where it is given. `None` where one of them is missing: fewer agree more easily.
    #[must_use]
    pub fn agreement(
        &self,
        split: Split,
        row: RowIx,
        answers: u16,
        closed: Option<EventNumber>,
    ) -> Option<f64> {
        let mut said: Vec<u32> = Vec::with_capacity(usize::from(answers));
        for replicate in 0..answers {
            let column = self.column(split, replicate);
            let number = column.cell(row).answer()?;
            if closed.is_some_and(|closed| number >= closed) {
                return None;
            }
            said.push(*column.said.get(&row)?);
        }
        said.sort_unstable();
        let most = said.chunk_by(|a, b| a == b).map(<[u32]>::len).max()?;
        Some(most as f64 / said.len() as f64)
    }

    /// The first replicate of a training row that it was not asked for yet.
    #[must_use]
    pub fn next_replicate(&self, split: Split, row: RowIx) -> u16 {
        (0..u16::MAX)
            .find(|replicate| self.column(split, *replicate).cell(row) == Cell::Empty)
            .unwrap_or(u16::MAX)
    }

    /// Whether too many of its rows are missing for it to be chosen: more than 5 %.
    #[must_use]
    pub fn misses_too_much(&self) -> bool {
        let column = self.dev();
        f64::from(column.missing()) > 0.05 * f64::from(column.folded)
    }

    pub(super) fn column_mut(&mut self, key: (Split, u16)) -> &mut Column {
        let place = match self.columns.iter().position(|(at, _)| *at == key) {
            Some(place) => place,
            None => {
                self.columns.push((key, Column::default()));
                self.columns.len() - 1
            }
        };
        &mut self.columns[place].1
    }
}
