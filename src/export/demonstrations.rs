//! A candidate's demonstrations as fields, for programs that keep them apart from the instructions.

use crate::candidate::DEMOS;
use crate::event::Event;
use crate::formats::DemoFields;
use crate::id::{CandidateIx, EventNumber};
use crate::journal::{JournalError, read_events};
use crate::prompt::{literal, value_text};
use crate::run::LoadedRun;
use std::collections::{BTreeMap, BTreeSet};

/// The demonstrations; none where the part `demos` holds anything that was written by hand.
///
/// # Errors
/// The run's events cannot be read.
pub fn demonstrations(
    run: &LoadedRun,
    candidate: CandidateIx,
) -> Result<Vec<DemoFields>, JournalError> {
    let candidate = &run.history.state.standing(candidate).candidate;
    let by_hand = run.task.baseline.part(DEMOS).unwrap_or_default();
    let text = candidate.prompt.part(DEMOS).unwrap_or_default();
    if !by_hand.trim().is_empty() || text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let wanted: BTreeSet<EventNumber> = candidate.demos.iter().filter_map(|it| it.answer).collect();
    let mut answers: BTreeMap<EventNumber, String> = BTreeMap::new();
    read_events(&run.dir.events(), |number, event: Event| {
        if let Some(answered) = event.answer().filter(|_| wanted.contains(&number)) {
            answers.insert(number, answered.text.to_string());
        }
        Ok::<_, JournalError>(())
    })?;
    let columns = run.task.layout.shown_columns();
    let demos = candidate.demos.iter().filter_map(|demo| {
        let row = run.task.splits.train.get(demo.row.index())?;
        let expected = || value_text(&run.task.scorers.right_answer(row)).into_owned();
        let answer = demo.answer.and_then(|number| answers.get(&number).cloned());
        let answer = answer.unwrap_or_else(expected).trim().to_owned();
        let inputs = columns.iter().filter_map(|name| {
            Some((name.clone(), value_text(row.columns.get(name)?).into_owned()))
        });
        // What the prompt does not show is no demonstration of it.
        let is_shown = !answer.is_empty() && text.contains(&*literal(&answer));
        is_shown.then(|| DemoFields { inputs: inputs.collect(), answer })
    });
    let demos: Vec<DemoFields> = demos.collect();
    Ok(if demos.len() == text.matches("\nOutput: ").count() { demos } else { Vec::new() })
}
