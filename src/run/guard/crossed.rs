//! Answers that the scorer takes whatever the row: "warm or cold" contains both. Answers are scored against other rows, whose
//! right answers are others; where they do much better there than a right answer would, the prompt has learned the scorer.

use super::{Flag, Guard};
use crate::id::{CandidateIx, RowIx};
use crate::journal::{Events, JournalError};
use crate::memory::State;
use crate::prompt::value_text;
use crate::run::answers;
use crate::task::Task;
use crate::task::example::{Example, VisibleSplit};
use std::collections::BTreeSet;

/// Other rows against which each answer is scored.
const OTHERS: usize = 4;
/// The fewest pairs of an answer and a row.
const FEWEST: usize = 20;
/// How far the mean may be above that of right answers.
const ALLOWED: f64 = 0.1;
/// The most rows: each is scored several times.
const MOST_ROWS: usize = 500;

pub(super) fn flag(
    task: &Task,
    state: &State,
    events: Events<'_>,
    candidate: CandidateIx,
) -> Result<Option<Flag>, JournalError> {
    // A program would have to run again for each pair.
    if !task.scorers.is_pure() {
        return Ok(None);
    }
    let answers = answers(events, task, state, &[candidate], VisibleSplit::Dev)?;
    let dev = task.splits.visible(VisibleSplit::Dev);
    let rows: Vec<(&Example, String)> = (0..)
        .map(RowIx)
        .zip(dev)
        .filter_map(|(row, example)| {
            let answer = answers.get(&(candidate, row))?;
            (answer.score >= 0.5).then(|| (example, answer.answered.text.clone()))
        })
        .take(MOST_ROWS)
        .collect();
    let Some((own, right)) = means(task, &rows) else { return Ok(None) };
    Ok((own - right > ALLOWED).then(|| Flag {
        guard: Guard::CrossedAnswer,
        part: None,
        found: format!(
            "its answers score {} on rows that they were not given to, where right answers score {}: the scorer takes \
             them whatever the row",
            task.score_form().tick(own),
            task.score_form().tick(right)
        ),
    }))
}

/// The mean scores of answers, and of right answers, on other rows. `None` with too few pairs.
fn means(task: &Task, rows: &[(&Example, String)]) -> Option<(f64, f64)> {
    let rights: Vec<BTreeSet<String>> =
        rows.iter().map(|(row, _)| task.scorers.right_forms(row)).collect();
    let (mut own, mut ideal, mut pairs) = (0.0, 0.0, 0_usize);
    let (mut at_home, mut answered) = (0.0, 0_usize);
    for (place, (row, answer)) in rows.iter().enumerate() {
        let ideal_answer = value_text(&task.scorers.right_answer(row)).into_owned();
        let others = (1..rows.len()).map(|step| (place + step) % rows.len());
        let unlike = others.filter(|it| rights[*it].is_disjoint(&rights[place])).take(OTHERS);
        if rights[place].is_empty() {
            continue;
        }
        at_home += task.scorers.score(&ideal_answer, row).score.value();
        answered += 1;
        for other in unlike {
            own += task.scorers.score(answer, rows[other].0).score.value();
            ideal += task.scorers.score(&ideal_answer, rows[other].0).score.value();
            pairs += 1;
        }
    }
    // Where the right answers themselves are not right as they stand, they are no measure: a form is asked for around them.
    let is_measure = at_home >= 0.9 * answered as f64;
    (is_measure && pairs >= FEWEST).then(|| (own / pairs as f64, ideal / pairs as f64))
}
