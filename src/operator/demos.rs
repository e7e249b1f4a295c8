//! Demonstrations: training rows that stand in a prompt, with the expected or the model's own right
//! answers. What the operators and inits on demonstrations have in common.

use super::author::Author;
use super::draw::{DraftNeed, Draw};
use super::feedback::is_right;
use crate::candidate::Demo;
use crate::event::Draft;
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use crate::state::Cell;
use crate::task::example::Split;
use rand::Rng;
use rand_distr::{Distribution, Poisson};

choice! {
    /// What stands as the answer of a demonstration.
    DemoAnswers {
        /// The model's own answer where it was right, else the expected one.
        OwnCorrect = "own_correct",
        /// The expected one.
        Expected = "expected",
    }
}

kind! {
    /// A random set of demonstrations from training rows.
    Shots {
        /// The fewest.
        min: usize = 0,
        /// The most.
        max: usize = 5,
        /// What stands as their answer.
        answers: DemoAnswers = DemoAnswers::OwnCorrect,
    }
}

impl Shots {
    /// A random set.
    pub(super) fn draw(&self, draw: &Draw<'_>, seed: Seed) -> Vec<Demo> {
        let most = self.max.max(self.min);
        let size = seed.rng().random_range(self.min..=most);
        draw.setting
            .sample(size, seed.child("rows", 0))
            .into_iter()
            .map(|row| demo(draw.state, CandidateIx::BASELINE, row, self.answers))
            .collect()
    }
}

/// A right answer to a training row that some candidate gave; its own first, then the earliest.
fn right_answer(state: &State, own: CandidateIx, row: RowIx) -> Option<EventNumber> {
    let of = |candidate: CandidateIx| {
        state.standing(candidate).replicates(Split::Train).find_map(|(_, column)| {
            match column.cell(row) {
                Cell::Scored { score, answer } if is_right(f64::from(score)) => Some(answer),
                _ => None,
            }
        })
    };
    of(own).or_else(|| state.numbered().find_map(|(candidate, _)| of(candidate)))
}

/// A row as a demonstration.
pub(super) fn demo(state: &State, own: CandidateIx, row: RowIx, answers: DemoAnswers) -> Demo {
    let answer = match answers {
        DemoAnswers::OwnCorrect => right_answer(state, own, row),
        DemoAnswers::Expected => None,
    };
    Demo { row, answer }
}

/// Whether a candidate got a training row wrong.
pub(super) fn failed(state: &State, candidate: CandidateIx, row: RowIx) -> bool {
    let cell = state.standing(candidate).column(Split::Train, 0).cell(row);
    cell.score().is_some_and(|score| !is_right(score))
}

/// A parent's demonstrations without Poisson(n / max) of them, at least one where the set is full
/// (SIMBA).
pub(super) fn thinned(state: &State, parent: CandidateIx, max: usize, seed: Seed) -> Vec<Demo> {
    let mut demos = state.standing(parent).candidate.demos.clone();
    let mut rng = seed.child("drop", 0).rng();
    let rate = demos.len() as f64 / max.max(1) as f64;
    let drop = Poisson::new(rate).map_or(0, |poisson| poisson.sample(&mut rng) as usize);
    let drop = drop.max(usize::from(!demos.is_empty() && demos.len() >= max)).min(demos.len());
    for _ in 0..drop {
        demos.remove(rng.random_range(0..demos.len()));
    }
    demos
}

/// The answers that a draft's demonstrations wait for: the baseline answers rows that it has not
/// answered yet. `None`: nothing is missing.
#[must_use]
pub fn missing_answers(author: &dyn Author, state: &State, draft: &Draft) -> Option<DraftNeed> {
    let demos = draft.demos.as_ref().filter(|_| author.shows_own_answers())?;
    let column = state.baseline().column(Split::Train, 0);
    let unknown = || demos.iter().filter(|demo| demo.answer.is_none()).map(|demo| demo.row);
    let rows: Vec<RowIx> = unknown().filter(|row| column.cell(*row) == Cell::Empty).collect();
    if !rows.is_empty() {
        return Some(DraftNeed::Run { candidate: CandidateIx::BASELINE, replicate: 0, rows });
    }
    unknown().any(|row| column.cell(row) == Cell::Issued).then_some(DraftNeed::Wait)
}

/// A draft's demonstrations with the baseline's right answers that are known by now; without one the
/// expected answer is shown.
#[must_use]
pub fn demos_of(author: Option<&dyn Author>, state: &State, draft: &Draft) -> Option<Vec<Demo>> {
    let demos = draft.demos.clone()?;
    if !author.is_some_and(Author::shows_own_answers) {
        return Some(demos);
    }
    let column = state.baseline().column(Split::Train, 0);
    let known = |demo: Demo| match column.cell(demo.row) {
        Cell::Scored { score, answer } if is_right(f64::from(score)) => {
            Demo { answer: demo.answer.or(Some(answer)), ..demo }
        }
        _ => demo,
    };
    Some(demos.into_iter().map(known).collect())
}
