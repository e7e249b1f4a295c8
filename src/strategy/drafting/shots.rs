//! Demonstrations: which training rows stand in a prompt, with which answers.

use super::super::{Plan, State};
use super::Setting;
use super::buckets::{Bucket, Run};
use crate::candidate::Demo;
use crate::event::Event;
use crate::id::{CandidateIx, RowIx};
use crate::recipe::{
    BootstrapDemosInit, ContextShuffleOperator, CrossoverOperator, DemoAnswers, DemoAppendOperator,
    DemoEditOperator, DemoFillOperator, DemoSource, Init, Recipe, Shots,
};
use crate::seed::Seed;
use crate::state::Cell;
use crate::task::example::Split;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Poisson};

/// Rows that the seed is asked together while demonstrations are collected.
const COLLECT_BLOCK: usize = 8;

/// A right answer to a training row that some candidate gave; its own first, then the earliest.
fn right_answer(state: &State, own: CandidateIx, row: RowIx) -> Option<crate::id::EventNumber> {
    let of = |candidate: CandidateIx| {
        state.standing(candidate).replicates(Split::Train).find_map(|(_, column)| {
            match column.cell(row) {
                Cell::Scored { score, answer } if f64::from(score) >= 1.0 - 1e-6 => Some(answer),
                _ => None,
            }
        })
    };
    of(own).or_else(|| state.numbered().find_map(|(candidate, _)| of(candidate)))
}

/// A row as a demonstration.
fn demo(state: &State, own: CandidateIx, row: RowIx, answers: DemoAnswers) -> Demo {
    let answer = match answers {
        DemoAnswers::OwnCorrect => right_answer(state, own, row),
        DemoAnswers::Expected => None,
    };
    Demo { row, answer }
}

/// A random set.
pub(super) fn random(shots: &Shots, state: &State, train_rows: u32, seed: Seed) -> Vec<Demo> {
    let mut rng = seed.rng();
    let most = shots.max.max(shots.min);
    let size = rng.random_range(shots.min..=most);
    super::sample(train_rows, size, seed.child("rows", 0))
        .into_iter()
        .map(|row| demo(state, CandidateIx::BASELINE, row, shots.answers))
        .collect()
}

/// Half of both parents' demonstrations together, ⌊(a + b) / 2⌋, then with a third each one added,
/// one dropped, or neither; shuffled (CAPO; arXiv:2504.16005, section 3).
pub(super) fn mixed(
    kind: &CrossoverOperator,
    state: &State,
    parents: &[CandidateIx],
    setting: Setting,
    seed: Seed,
) -> Vec<Demo> {
    let mut rng = seed.child("mix shots", 0).rng();
    let mut union: Vec<Demo> = Vec::new();
    let mut sizes = 0;
    for parent in parents {
        let demos = &state.standing(*parent).candidate.demos;
        sizes += demos.len();
        for demo in demos {
            if union.iter().all(|other| other.row != demo.row) {
                union.push(*demo);
            }
        }
    }
    union.shuffle(&mut rng);
    union.truncate(sizes / 2);
    match rng.random_range(0..3) {
        0 if union.len() < kind.max_shots => {
            let taken: Vec<RowIx> = union.iter().map(|demo| demo.row).collect();
            let own = parents.first().copied().unwrap_or(CandidateIx::BASELINE);
            if let Some(row) = another_row(setting.train_rows, &taken, seed.child("row", 0)) {
                union.push(demo(state, own, row, DemoAnswers::OwnCorrect));
            }
        }
        1 if !union.is_empty() => {
            union.remove(rng.random_range(0..union.len()));
        }
        _ => {}
    }
    union.shuffle(&mut rng);
    union
}

fn another_row(train_rows: u32, taken: &[RowIx], seed: Seed) -> Option<RowIx> {
    let free: Vec<RowIx> = (0..train_rows).map(RowIx).filter(|row| !taken.contains(row)).collect();
    (!free.is_empty()).then(|| free[seed.rng().random_range(0..free.len())])
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

/// The best run of a bucket as one more demonstration; `None` where it is among the worst tenth of all
/// runs, or has no answer to show (SIMBA's `append_a_demo`).
pub(super) fn appended(
    kind: &DemoAppendOperator,
    bucket: &Bucket,
    low: f64,
    state: &State,
    parent: CandidateIx,
    seed: Seed,
) -> Option<Vec<Demo>> {
    let Run { row, candidate, replicate, score } = bucket.best;
    let cell = state.standing(candidate).column(Split::Train, replicate).cell(row);
    let Cell::Scored { answer, .. } = cell else { return None };
    if score <= low {
        return None;
    }
    let mut demos = thinned(state, parent, kind.max, seed);
    demos.retain(|demo| demo.row != row);
    demos.push(Demo { row, answer: Some(answer) });
    Some(demos)
}

/// Rows that the parent got wrong, with their expected answers; filled up with others (PromptWizard's
/// negative examples; arXiv:2405.18369). `None` where nothing would change.
pub(super) fn failed(
    kind: &DemoFillOperator,
    state: &State,
    parent: CandidateIx,
    setting: Setting,
    seed: Seed,
) -> Option<Vec<Demo>> {
    let column = state.standing(parent).column(Split::Train, 0);
    let is_wrong = |row: &RowIx| column.cell(*row).score().is_some_and(|score| score < 1.0 - 1e-6);
    let mut rows = super::sample(setting.train_rows, setting.train_rows as usize, seed);
    // A stable sort: failures first, each group in its random order.
    rows.sort_by_key(|row| !is_wrong(row));
    rows.truncate(kind.size);
    let demos: Vec<Demo> = rows.into_iter().map(|row| Demo { row, answer: None }).collect();
    (!demos.is_empty() && demos != state.standing(parent).candidate.demos).then_some(demos)
}

/// Demonstrations added, one dropped or swapped, or all of them in another order. An empty set starts
/// with as many as one edit may add: what a single one is worth, no race could see.
pub(super) fn edited(
    kind: &DemoEditOperator,
    state: &State,
    parent: CandidateIx,
    setting: Setting,
    seed: Seed,
) -> Option<Vec<Demo>> {
    let mut demos = state.standing(parent).candidate.demos.clone();
    let mut rng = seed.child("edit demos", 0).rng();
    let mut new = new_rows(kind, state, parent, setting, &demos, seed);
    let room = kind.max.saturating_sub(demos.len());
    let edit = if demos.is_empty() { 0 } else { rng.random_range(0..4) };
    match edit {
        0 | 1 if room > 0 && !new.is_empty() => {
            let step = kind.step.max(1);
            let count = if demos.is_empty() { step } else { rng.random_range(1..=step) };
            new.truncate(count.min(room));
            demos.extend(new);
        }
        2 | 3 if demos.len() > 1 && rng.random_bool(0.5) => demos.shuffle(&mut rng),
        2 if !demos.is_empty() => {
            demos.remove(rng.random_range(0..demos.len()));
        }
        _ if !demos.is_empty() && !new.is_empty() => {
            let place = rng.random_range(0..demos.len());
            demos[place] = new[0];
        }
        _ => return None,
    }
    Some(demos)
}

/// Rows that may be added, in the order in which they would be.
fn new_rows(
    kind: &DemoEditOperator,
    state: &State,
    parent: CandidateIx,
    setting: Setting,
    demos: &[Demo],
    seed: Seed,
) -> Vec<Demo> {
    let mut free =
        super::sample(setting.train_rows, setting.train_rows as usize, seed.child("row", 0));
    free.retain(|row| demos.iter().all(|demo| demo.row != *row));
    if kind.source == DemoSource::Errors {
        let column = state.standing(parent).column(Split::Train, 0);
        let failed =
            |row: &RowIx| column.cell(*row).score().is_some_and(|score| score < 1.0 - 1e-6);
        // A stable sort: failures first, each group in its random order.
        free.sort_by_key(|row| !failed(row));
    }
    free.into_iter()
        .take(kind.step.max(1))
        .map(|row| demo(state, parent, row, kind.answers))
        .collect()
}

/// One row more, or one in a random one's place where there are as many as may be; now and then all
/// anew. Rows that the model got right go first (PromptBreeder's context shuffling; arXiv:2309.16797,
/// section 3.2.5).
pub(super) fn reshuffled(
    kind: &ContextShuffleOperator,
    state: &State,
    parent: CandidateIx,
    setting: Setting,
    seed: Seed,
) -> Option<Vec<Demo>> {
    let mut rng = seed.child("context", 0).rng();
    let mut demos = state.standing(parent).candidate.demos.clone();
    let anew = rng.random_bool(kind.resample) && !demos.is_empty();
    let wanted = if anew { demos.len() } else { 1 };
    let rows = super::sample(setting.train_rows, setting.train_rows as usize, seed.child("row", 0));
    let mut new: Vec<Demo> = rows
        .into_iter()
        .filter(|row| anew || demos.iter().all(|demo| demo.row != *row))
        .map(|row| demo(state, parent, row, DemoAnswers::OwnCorrect))
        .collect();
    // A stable sort: right answers first, each group in its random order.
    new.sort_by_key(|demo| demo.answer.is_none());
    new.truncate(wanted);
    if new.is_empty() {
        return None;
    }
    if anew {
        return Some(new);
    }
    if demos.len() < kind.max {
        demos.extend(new);
    } else {
        let place = rng.random_range(0..demos.len());
        demos[place] = new[0];
    }
    Some(demos)
}

/// What collecting the recipe's sets needs next; `None`: nothing collects sets, or they are there.
pub(in crate::strategy) fn collect(
    recipe: &Recipe,
    state: &State,
    setting: Setting,
) -> Option<Plan> {
    if state.demo_sets.is_some() || !setting.has_demos {
        return None;
    }
    let mut sets: Vec<Vec<Demo>> = Vec::new();
    let mut collects = false;
    for (place, init) in recipe.init.iter().enumerate() {
        let seed = setting.seed.child("sets", place as u64);
        match init {
            Init::BootstrapDemos(kind) => {
                collects = true;
                if let Some(plan) = answers_of_seed(kind, state, setting) {
                    return plan;
                }
                bootstrap(kind, state, setting, seed, &mut sets);
            }
            Init::RandomShots(kind) => {
                collects = true;
                let answers = DemoAnswers::Expected;
                let shots = Shots { min: kind.min, max: kind.max, answers };
                for set in 0..kind.sets {
                    let seed = seed.child("set", u64::from(set));
                    sets.push(random(&shots, state, setting.train_rows, seed));
                }
            }
            _ => {}
        }
    }
    if !collects {
        return None;
    }
    let mut distinct: Vec<Vec<Demo>> = Vec::new();
    for set in sets {
        if !distinct.contains(&set) {
            distinct.push(set);
        }
    }
    Some(Plan::Decide(Event::DemosCollected { sets: distinct }))
}

/// Training rows for the seed until it was right often enough; `Some(None)`: wait for them.
#[expect(clippy::option_option, reason = "`Some(None)` is: wait for the answers")]
fn answers_of_seed(
    kind: &BootstrapDemosInit,
    state: &State,
    setting: Setting,
) -> Option<Option<Plan>> {
    let column = state.baseline().column(Split::Train, 0);
    if !column.is_quiet() {
        return Some(None);
    }
    let right = column.cells().iter().filter(|cell| cell.score().is_some_and(|s| s >= 1.0 - 1e-6));
    // Enough to draw different sets from.
    let wanted = kind.max_bootstrapped * 3;
    let most = kind.from.min(setting.train_rows as usize);
    if right.count() >= wanted || column.issued as usize >= most {
        return None;
    }
    let rows: Vec<RowIx> = (0..setting.train_rows)
        .map(RowIx)
        .filter(|row| column.cell(*row) == Cell::Empty)
        .take(COLLECT_BLOCK.min(most - column.issued as usize))
        .collect();
    let candidate = CandidateIx::BASELINE;
    let plan = Plan::Evaluate { candidate, split: Split::Train, replicate: 0, rows };
    Some(Some(plan))
}

/// None, expected answers alone, the first right answers in the order of the data, and shuffled
/// ones of a size drawn from 1..=max (DSPy's `create_n_fewshot_demo_sets`, as MIPRO uses it).
fn bootstrap(
    kind: &BootstrapDemosInit,
    state: &State,
    setting: Setting,
    seed: Seed,
    sets: &mut Vec<Vec<Demo>>,
) {
    let right: Vec<RowIx> = right_in_order(state);
    for set in 0..kind.sets {
        let seed = seed.child("set", u64::from(set));
        let mut rng = seed.rng();
        let labeled = |taken: &[Demo], most: usize| -> Vec<Demo> {
            let rows: Vec<RowIx> = taken.iter().map(|demo| demo.row).collect();
            super::sample(setting.train_rows, setting.train_rows as usize, seed.child("rows", 0))
                .into_iter()
                .filter(|row| !rows.contains(row))
                .take(most)
                .map(|row| Demo { row, answer: None })
                .collect()
        };
        let bootstrapped = |rows: &[RowIx]| -> Vec<Demo> {
            rows.iter()
                .map(|row| demo(state, CandidateIx::BASELINE, *row, DemoAnswers::OwnCorrect))
                .collect()
        };
        let mut demos = match set {
            0 => {
                sets.push(Vec::new());
                continue;
            }
            1 => labeled(&[], kind.max_labeled),
            2 => bootstrapped(&right[..right.len().min(kind.max_bootstrapped)]),
            _ => {
                let mut rows = right.clone();
                rows.shuffle(&mut rng);
                rows.truncate(rng.random_range(1..=kind.max_bootstrapped.max(1)));
                bootstrapped(&rows)
            }
        };
        if set >= 2 {
            let room = kind.max_labeled.saturating_sub(demos.len());
            demos.extend(labeled(&demos, room));
        }
        sets.push(demos);
    }
}

fn right_in_order(state: &State) -> Vec<RowIx> {
    let column = state.baseline().column(Split::Train, 0);
    column
        .cells()
        .iter()
        .zip(0..)
        .filter(|(cell, _)| cell.score().is_some_and(|score| score >= 1.0 - 1e-6))
        .map(|(_, row)| RowIx(row))
        .collect()
}
