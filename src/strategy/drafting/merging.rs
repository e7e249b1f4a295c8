//! Merges without a model: which two candidates, and what the merged one must pass.

use super::super::State;
use super::super::allocation::improvement;
use super::super::selection::{ancestors, is_ancestor, weighted};
use crate::event::{Draft, Gate};
use crate::id::{CandidateIx, RowIx};
use crate::recipe::{MergeLevel, MergeOperator, MergePool, Recipe};
use crate::seed::Seed;
use crate::task::example::Split;
use rand::Rng;
use rand::seq::SliceRandom;

/// Two candidates that share an ancestor, neither being the other's, both at least as good as it
/// (GEPA's merge, arXiv:2507.19457, appendix): what each changed can be put together.
pub(super) fn pair(
    merge: &MergeOperator,
    recipe: &Recipe,
    state: &State,
    seed: Seed,
) -> Option<Vec<CandidateIx>> {
    if merge.pool == MergePool::Improved {
        return improved_pair(merge, state, seed);
    }
    let pool = super::super::population::front(&recipe.archive, state);
    if pool.len() < 2 {
        return None;
    }
    let mut rng = seed.rng();
    let mean = |candidate: CandidateIx| state.standing(candidate).dev().mean().unwrap_or(0.0);
    for _ in 0..merge.attempts {
        let first = rng.random_range(0..pool.len());
        let second = (first + rng.random_range(1..pool.len())) % pool.len();
        let (a, b) = (CandidateIx(pool[first].0), CandidateIx(pool[second].0));
        let (a, b) = (a.min(b), a.max(b));
        if is_ancestor(state, a, b) || is_ancestor(state, b, a) {
            continue;
        }
        let of_b = ancestors(state, b);
        let common: Vec<CandidateIx> = ancestors(state, a)
            .into_iter()
            .filter(|ancestor| of_b.contains(ancestor))
            .filter(|ancestor| !state.memory.turns.was_merged(a, b, *ancestor))
            .filter(|ancestor| mean(*ancestor) <= mean(a).min(mean(b)) + 1e-9)
            .filter(|ancestor| has_something_to_merge(merge.level, state, a, b, *ancestor))
            .collect();
        let weights: Vec<f64> = common.iter().map(|ancestor| mean(*ancestor) + 1e-6).collect();
        if let Some(place) = weighted(&weights, &mut rng) {
            // The better one first, either of equals: what growth is measured against, and who wins
            // a conflict.
            let tie = (mean(a) - mean(b)).abs() < 1e-9;
            let swap = if tie { rng.random_bool(0.5) } else { mean(b) > mean(a) };
            let (first, second) = if swap { (b, a) } else { (a, b) };
            return Some(vec![first, second, common[place]]);
        }
    }
    None
}

/// How likely an improvement must be for its lines to be worth a merge.
const LIKELY_IMPROVED: f64 = 0.6;

/// The incumbent with a candidate of another line that likely improved on its own parent. A race
/// drops such a candidate when it is not better than the incumbent too; what it learnt is kept here.
fn improved_pair(merge: &MergeOperator, state: &State, seed: Seed) -> Option<Vec<CandidateIx>> {
    let incumbent = state.incumbent;
    let of_incumbent = ancestors(state, incumbent);
    let merged_with = |other: CandidateIx| {
        state.candidates.iter().any(|standing| {
            let parents = &standing.candidate.parents;
            parents.len() == 2 && parents.contains(&incumbent) && parents.contains(&other)
        })
    };
    let mut found: Vec<(CandidateIx, CandidateIx, f64)> = Vec::new();
    for (other, standing) in state.numbered() {
        if other == incumbent || standing.dev().scored == 0 || of_incumbent.contains(&other) {
            continue;
        }
        let others = ancestors(state, other);
        let Some(ancestor) = others.iter().copied().find(|a| of_incumbent.contains(a)) else {
            continue;
        };
        let likely = improvement(state, other);
        if likely < LIKELY_IMPROVED
            || others.contains(&incumbent)
            || !has_something_to_merge(merge.level, state, incumbent, other, ancestor)
            || merged_with(other)
        {
            continue;
        }
        found.push((other, ancestor, likely - 0.5));
    }
    let weights: Vec<f64> = found.iter().map(|(.., weight)| *weight).collect();
    let place = weighted(&weights, &mut seed.rng())?;
    let (other, ancestor, _) = found[place];
    Some(vec![incumbent, other, ancestor])
}

fn has_something_to_merge(
    level: MergeLevel,
    state: &State,
    a: CandidateIx,
    b: CandidateIx,
    ancestor: CandidateIx,
) -> bool {
    let parts = |candidate: CandidateIx| state.standing(candidate).candidate.prompt.parts();
    parts(a).iter().zip(parts(b)).zip(parts(ancestor)).any(|((a, b), old)| match level {
        // Unchanged in exactly one of them: the changed one can be taken over.
        MergeLevel::Part => (a.text == old.text) != (b.text == old.text),
        MergeLevel::Line => a.text != old.text && b.text != old.text && a.text != b.text,
    })
}

/// The gate of a merged child: rows of dev on which its parents differ in favour of each, and ties, a
/// third of each as far as there are; on them it must reach the better parent (GEPA's merge,
/// arXiv:2507.19457, appendix: of five rows, two each way and a tie).
pub(in crate::strategy) fn gate(
    merge: &MergeOperator,
    state: &State,
    draft: &Draft,
    seed: Seed,
) -> Option<Gate> {
    if merge.gate_size == 0 || draft.parents.len() < 2 {
        return None;
    }
    let (a, b) = (state.standing(draft.parents[0]).dev(), state.standing(draft.parents[1]).dev());
    // Where the first is better, where the second is, and where they tie.
    let mut groups: [Vec<RowIx>; 3] = Default::default();
    for row in (0..state.dev_rows).map(RowIx) {
        let (Some(a), Some(b)) = (a.cell(row).score(), b.cell(row).score()) else {
            continue;
        };
        groups[if a > b { 0 } else { usize::from(b <= a) + 1 }].push(row);
    }
    let mut rng = seed.child("gate", u64::from(draft.proposal.0)).rng();
    let mut rows: Vec<RowIx> = Vec::new();
    let mut rest: Vec<RowIx> = Vec::new();
    for mut group in groups {
        group.shuffle(&mut rng);
        let room = merge.gate_size - rows.len();
        let taken = merge.gate_size.div_ceil(3).min(room).min(group.len());
        rest.extend(group.split_off(taken));
        rows.extend(group);
    }
    rest.shuffle(&mut rng);
    rest.truncate(merge.gate_size - rows.len());
    rows.extend(rest);
    let sum = |column: &crate::state::Column| -> f64 {
        rows.iter().filter_map(|row| column.cell(*row).score()).sum()
    };
    let better = if sum(b) > sum(a) { b } else { a };
    let against = rows.iter().map(|row| better.cell(*row).score().unwrap_or(0.0)).collect();
    Some(Gate { split: Split::Dev, rows, against, inclusive: true })
}
