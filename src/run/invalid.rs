//! The invalid answers of a run by their reason, found by scoring the answers of its journal again.
//!
//! The journal says only that an answer is invalid. Held-out rows are counted and not named.

use crate::evaluate::verdict_in;
use crate::event::{Event, RowKey};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::journal::{Events, JournalError};
use crate::memory::State;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::scorer::{InvalidAnswers, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The invalid answers of a run.
#[derive(Clone, Debug, Default)]
pub struct InvalidOfRun {
    /// Those to all prompts.
    pub all: InvalidAnswers,
    of_candidates: BTreeMap<CandidateIx, BTreeMap<Split, InvalidAnswers>>,
    /// The answers that were looked at.
    seen: BTreeSet<EventNumber>,
}

impl InvalidOfRun {
    /// Counts those that it has not seen yet, given the fold of the events.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read_new(
        &mut self,
        events: Events<'_>,
        task: &Task,
        state: &State,
    ) -> Result<(), JournalError> {
        if state.counts.invalid == 0 && self.seen.is_empty() {
            return Ok(());
        }
        let answers = answers_without_score(state);
        // What was withdrawn does not count any more.
        if self.seen.iter().any(|seen| !answers.contains_key(seen)) {
            *self = Self::default();
        }
        let new = answers.keys().filter(|number| !self.seen.contains(number)).copied().collect();
        events.visit(&new, |number, event: Event| {
            self.apply(answers.get(&number), &event, task);
            Ok::<_, JournalError>(())
        })?;
        self.seen.extend(new);
        Ok(())
    }

    /// From the events themselves.
    #[cfg(test)]
    pub(crate) fn of(events: &[(EventNumber, Event)], task: &Task, state: &State) -> Self {
        let (mut invalid, answers) = (Self::default(), answers_without_score(state));
        for (number, event) in events {
            invalid.apply(answers.get(number), event, task);
        }
        invalid
    }

    fn apply(&mut self, answer_of: Option<&Vec<RowKey>>, event: &Event, task: &Task) {
        for key in answer_of.into_iter().flatten() {
            if let Some(verdict) = verdict_in(event, task, key.split, key.row) {
                let answer = event.answer().map_or("", |answered| answered.text.as_str());
                self.count(&verdict, task, *key, answer);
            }
        }
    }

    /// Those of one candidate, by the split of their rows: among the answers that its scores on dev and on held-out rows
    /// are of, the first to each row.
    #[must_use]
    pub fn of_candidate(&self, candidate: CandidateIx) -> BTreeMap<Split, InvalidAnswers> {
        self.of_candidates.get(&candidate).cloned().unwrap_or_default()
    }

    fn count(&mut self, verdict: &Verdict, task: &Task, key: RowKey, answer: &str) {
        let rows = match key.split {
            Split::Train => Some(&task.splits.train),
            Split::Dev => Some(&task.splits.dev),
            Split::Hold => None,
        };
        let id = rows.and_then(|rows| rows.get(key.row.index())).map(|row| &row.id);
        self.all.count(verdict, id, answer);
        // Further answers to a row have no part in the candidate's score.
        if key.replicate > 0 && key.split != Split::Train {
            return;
        }
        let of_candidate = self.of_candidates.entry(key.candidate).or_default();
        of_candidate.entry(key.split).or_default().count(verdict, id, answer);
    }
}

/// The answers with a score of 0, among which all invalid ones are.
fn answers_without_score(state: &State) -> HashMap<EventNumber, Vec<RowKey>> {
    let mut answers: HashMap<EventNumber, Vec<RowKey>> = HashMap::new();
    for (candidate, standing) in state.numbered() {
        for ((split, replicate), column) in standing.columns() {
            for (row, cell) in (0..).zip(column.cells()) {
                if let Some(answer) = cell.answer().filter(|_| cell.score() == Some(0.0)) {
                    let key = RowKey { candidate, split, replicate, row: RowIx(row) };
                    answers.entry(answer).or_default().push(key);
                }
            }
        }
    }
    answers
}
