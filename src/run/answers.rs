//! What candidates answered to rows, read again from a run's events.
//!
//! The fold of a run knows what an answer was worth, and in which event it is; the text is there.

use crate::evaluate::verdict_in;
use crate::event::{Answered, Event};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::journal::{JournalError, read_events};
use crate::memory::State;
use crate::task::Task;
use crate::task::example::{Split, VisibleSplit};
use crate::task::scorer::Verdict;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// An answer to a row, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct RowAnswer {
    /// The answer with its bill.
    pub answered: Answered,
    /// Its verdict, which the scorers give again.
    pub verdict: Verdict,
    /// Its score as the run counted it, in [0, 1]: that of the verdict, as precise as the fold keeps it.
    pub score: f64,
}

/// The first answers of these candidates to the rows of a split that have a score.
///
/// # Errors
/// The events cannot be read.
pub fn answers(
    events: &Path,
    task: &Task,
    state: &State,
    candidates: &[CandidateIx],
    split: VisibleSplit,
) -> Result<BTreeMap<(CandidateIx, RowIx), RowAnswer>, JournalError> {
    let split = Split::from(split);
    let mut wanted: HashMap<EventNumber, Vec<(CandidateIx, RowIx, f64)>> = HashMap::new();
    for candidate in candidates {
        let Some(standing) = state.candidates.get(candidate.index()) else { continue };
        for (row, cell) in (0..).map(RowIx).zip(standing.column(split, 0).cells()) {
            if let (Some(answer), Some(score)) = (cell.answer(), cell.score()) {
                wanted.entry(answer).or_default().push((*candidate, row, score));
            }
        }
    }
    // A program's verdict is an event of its own, after that of the answer.
    let mut verdicts: HashMap<EventNumber, Verdict> = HashMap::new();
    read_events(events, |number, event: Event| {
        if let (true, Event::Scored { answer, verdict, .. }) = (wanted.contains_key(&number), event)
        {
            verdicts.insert(answer, verdict);
            if let Some(keys) = wanted.remove(&number) {
                wanted.entry(answer).or_default().extend(keys);
            }
        }
        Ok::<_, JournalError>(())
    })?;
    let mut found = BTreeMap::new();
    read_events(events, |number, event: Event| {
        for (candidate, row, score) in wanted.get(&number).into_iter().flatten() {
            let verdict = verdicts.get(&number).cloned();
            let verdict = verdict.or_else(|| verdict_in(&event, task, split, *row));
            if let (Some(answered), Some(verdict)) = (event.answer(), verdict) {
                let answer = RowAnswer { answered: answered.clone(), verdict, score: *score };
                found.insert((*candidate, *row), answer);
            }
        }
        Ok::<_, JournalError>(())
    })?;
    Ok(found)
}
