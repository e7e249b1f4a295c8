//! What candidates answered to rows, read again from a run's events.
//!
//! The fold of a run knows what an answer was worth, and in which event it is; the text is there. Of answers to
//! held-out rows only the figures leave this file.

use crate::evaluate::verdict_in;
use crate::event::{Answered, Event};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::journal::{Events, JournalError};
use crate::memory::State;
use crate::task::Task;
use crate::task::example::{Split, VisibleSplit};
use crate::task::scorer::Verdict;
use crate::units::Usd;
use std::collections::{BTreeMap, BTreeSet};

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

/// The figures of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerFigures {
    /// Its score, in [0, 1].
    pub score: f64,
    /// How much its row counts in a mean score, above 0.
    pub weight: f64,
    /// What it cost live; `None` where its provider counts no tokens.
    pub usd: Option<Usd>,
    /// How long it took, in milliseconds; `None` where it came in a batch.
    pub milliseconds: Option<u32>,
}

/// An answer as it is found in the events, with the verdict that a program gave on it.
struct Found {
    answered: Answered,
    verdict: Option<Verdict>,
    score: f64,
}

/// The first answers of these candidates to the rows of a split that have a score.
///
/// # Errors
/// The events cannot be read.
pub fn answers<'a>(
    events: impl Into<Events<'a>>,
    task: &Task,
    state: &State,
    candidates: &[CandidateIx],
    split: VisibleSplit,
) -> Result<BTreeMap<(CandidateIx, RowIx), RowAnswer>, JournalError> {
    let split = Split::from(split);
    let found = found(events.into(), state, candidates, split)?;
    let answers = found.into_iter().filter_map(|(key, found)| {
        let Found { answered, verdict, score } = found;
        let event = Event::Answered(answered);
        let verdict = verdict.or_else(|| verdict_in(&event, task, split, key.1))?;
        let Event::Answered(answered) = event else { return None };
        Some((key, RowAnswer { answered, verdict, score }))
    });
    Ok(answers.collect())
}

/// The figures of a candidate's first answers to the rows of a split, by row.
///
/// # Errors
/// The events cannot be read.
pub(super) fn figures_of_answers(
    events: Events<'_>,
    state: &State,
    candidate: CandidateIx,
    split: Split,
) -> Result<BTreeMap<RowIx, AnswerFigures>, JournalError> {
    let found = found(events, state, &[candidate], split)?;
    let figures = found.into_iter().map(|((_, row), Found { answered, score, .. })| {
        let usd = (!answered.estimated).then(|| answered.live_usd());
        let milliseconds = answered.live.is_none().then_some(answered.ms);
        let weight = state.weights.of(split, row);
        (row, AnswerFigures { score, weight, usd, milliseconds })
    });
    Ok(figures.collect())
}

fn found(
    events: Events<'_>,
    state: &State,
    candidates: &[CandidateIx],
    split: Split,
) -> Result<BTreeMap<(CandidateIx, RowIx), Found>, JournalError> {
    type Wanted = BTreeMap<EventNumber, Vec<(CandidateIx, RowIx, f64)>>;
    let mut wanted = Wanted::new();
    for candidate in candidates {
        let Some(standing) = state.candidates.get(candidate.index()) else { continue };
        for (row, cell) in (0..).map(RowIx).zip(standing.column(split, 0).cells()) {
            if let (Some(answer), Some(score)) = (cell.answer(), cell.score()) {
                wanted.entry(answer).or_default().push((*candidate, row, score));
            }
        }
    }
    let numbers = |wanted: &Wanted| wanted.keys().copied().collect::<BTreeSet<_>>();
    let mut found = BTreeMap::new();
    let mut add = |keys: &[(CandidateIx, RowIx, f64)], event: &Event, verdict: Option<&Verdict>| {
        for (candidate, row, score) in keys {
            if let Some(answered) = event.answer() {
                let (answered, verdict) = (answered.clone(), verdict.cloned());
                found.insert((*candidate, *row), Found { answered, verdict, score: *score });
            }
        }
    };
    // A program's verdict is an event of its own, which names that of the answer.
    let (mut verdicts, mut judged) = (BTreeMap::new(), Wanted::new());
    events.visit(&numbers(&wanted), |number, event: Event| {
        let keys = wanted.remove(&number).unwrap_or_default();
        match event {
            Event::Scored { answer, verdict, .. } => {
                verdicts.insert(answer, verdict);
                judged.entry(answer).or_default().extend(keys);
            }
            event => add(&keys, &event, None),
        }
        Ok::<_, JournalError>(())
    })?;
    events.visit(&numbers(&judged), |number, event: Event| {
        let keys = judged.remove(&number).unwrap_or_default();
        add(&keys, &event, verdicts.get(&number));
        Ok::<_, JournalError>(())
    })?;
    Ok(found)
}
