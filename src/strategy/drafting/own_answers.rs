//! The model's own right answers in demonstrations that are drawn before anybody has answered them.
//!
//! A draft says which rows; the task's own prompt answers those that it has not answered yet, and only
//! then is anything asked of the mutator. What stands in the candidate is decided when it is made.

use super::super::{Plan, State};
use crate::candidate::Demo;
use crate::event::Draft;
use crate::id::{CandidateIx, RowIx};
use crate::recipe::{DemoAnswers, Init, Operator, Recipe};
use crate::state::Cell;
use crate::task::example::Split;

/// Whether a draft's demonstrations show the model's own answers where these are right.
fn wants_own(recipe: &Recipe, draft: &Draft) -> bool {
    let operator = draft.operator.and_then(|place| recipe.operator.get(usize::from(place)));
    let init = draft.init.and_then(|place| recipe.init.get(usize::from(place)));
    match (operator, init) {
        (Some(Operator::Crossover(kind)), _) => kind.mix_shots,
        (None, Some(Init::Variants(kind))) => {
            kind.shots.as_ref().is_some_and(|shots| shots.answers == DemoAnswers::OwnCorrect)
        }
        _ => false,
    }
}

/// What the draft has to wait for: `None`: nothing; `Some(None)`: answers that are out.
#[expect(clippy::option_option, reason = "`Some(None)` is: wait for the answers")]
pub(super) fn missing(recipe: &Recipe, state: &State, draft: &Draft) -> Option<Option<Plan>> {
    let demos = draft.demos.as_ref().filter(|_| wants_own(recipe, draft))?;
    let column = state.baseline().column(Split::Train, 0);
    let unknown = || demos.iter().filter(|demo| demo.answer.is_none()).map(|demo| demo.row);
    let rows: Vec<RowIx> = unknown().filter(|row| column.cell(*row) == Cell::Empty).collect();
    if !rows.is_empty() {
        let candidate = CandidateIx::BASELINE;
        return Some(Some(Plan::Evaluate { candidate, split: Split::Train, replicate: 0, rows }));
    }
    unknown().any(|row| column.cell(row) == Cell::Issued).then_some(None)
}

/// A draft's demonstrations with the right answers that are known by now; without one the expected
/// answer is shown.
#[must_use]
pub fn demos_of(recipe: &Recipe, state: &State, draft: &Draft) -> Option<Vec<Demo>> {
    let demos = draft.demos.clone()?;
    if !wants_own(recipe, draft) {
        return Some(demos);
    }
    let column = state.baseline().column(Split::Train, 0);
    let known = |demo: Demo| match column.cell(demo.row) {
        Cell::Scored { score, answer } if f64::from(score) >= 1.0 - 1e-6 => {
            Demo { answer: demo.answer.or(Some(answer)), ..demo }
        }
        _ => demo,
    };
    Some(demos.into_iter().map(known).collect())
}
