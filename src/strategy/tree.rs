//! Monte Carlo tree search over prompts (PromptAgent; arXiv:2310.16427, section 3.2 and algorithm 1).
//!
//! A node is a candidate, its reward the mean on dev, its children are bred from it. A rollout walks
//! down from the root by upper confidence bounds to a leaf, expands it, goes on with the best new
//! child, and so on until it ends. A *generation* is one expansion: its members are the path from the
//! root to the node that is expanded, and its iteration says which rollout this is. All statistics
//! follow from these events and from the scores.
//!
//! With `parallel` rollouts, the members of a generation are several paths, one after the other, each
//! beginning with the root; rollouts that begin together end together, each in its own time.

use super::State;
use super::finale::best_by_goal;
use super::population::fitness;
use crate::event::{Event, Generation};
use crate::id::CandidateIx;
use crate::recipe::{Recipe, Schedule, Select, StopRule, UctSelect};
use crate::state::{Facts, Status};
use crate::task::goal::Goal;
use std::collections::BTreeSet;

/// From the root to a node.
type Path = Vec<CandidateIx>;

/// The rollouts so far.
#[derive(Clone, Debug, Default)]
pub struct Rollouts {
    /// Those that ended.
    done: Vec<Path>,
    /// Those that are on.
    running: Vec<Path>,
    /// Whether they were on before the generation that is bred.
    deepened: bool,
    /// How many began.
    begun: u32,
    /// By candidate: through how many of `done` it is, and the sum over them of the rewards from it
    /// to the end.
    visits: Vec<u32>,
    sums: Vec<f64>,
    /// Nodes whose expansion began.
    expanded: BTreeSet<CandidateIx>,
    /// Those of them whose expansion began with the generation that is bred.
    growing: Vec<CandidateIx>,
}

impl Rollouts {
    /// Takes in a generation that began: rollouts go on, or ended.
    pub(super) fn apply(&mut self, event: &Event, facts: &Facts) {
        let Event::GenerationStarted(generation) = event else { return };
        // Only a tree counts rollouts.
        if generation.iteration == 0 {
            return;
        }
        let paths = split(&generation.members);
        self.deepened = generation.iteration == self.begun;
        for path in std::mem::take(&mut self.running) {
            let whole = grown(facts, path);
            if !(self.deepened && paths.contains(&whole)) {
                self.complete(whole, facts);
            }
        }
        self.growing = paths
            .iter()
            .filter_map(|path| path.last().copied())
            .filter(|leaf| self.expanded.insert(*leaf))
            .collect();
        self.running = paths;
        self.begun = generation.iteration;
    }

    /// Back-propagation: each node of a path is credited with the rewards from it to the end.
    fn complete(&mut self, path: Path, facts: &Facts) {
        self.visits.resize(facts.candidates.len(), 0);
        self.sums.resize(facts.candidates.len(), 0.0);
        let mut sum = 0.0;
        for node in path.iter().rev() {
            sum += reward(facts, *node);
            self.visits[node.index()] += 1;
            self.sums[node.index()] += sum;
        }
        self.done.push(path);
    }

    /// What is known when all rollouts that are on have ended.
    fn ended(&self, facts: &Facts) -> Self {
        let mut after = self.clone();
        for path in std::mem::take(&mut after.running) {
            after.complete(grown(facts, path), facts);
        }
        after
    }

    fn visits(&self, node: CandidateIx) -> u32 {
        self.visits.get(node.index()).copied().unwrap_or(0)
    }

    fn sum(&self, node: CandidateIx) -> f64 {
        self.sums.get(node.index()).copied().unwrap_or(0.0)
    }
}

/// The paths that a generation's members are.
fn split(members: &[CandidateIx]) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    for &member in members {
        match paths.last_mut() {
            Some(path) if member != CandidateIx::SEED => path.push(member),
            _ => paths.push(vec![member]),
        }
    }
    paths
}

fn reward(facts: &Facts, node: CandidateIx) -> f64 {
    facts.standing(node).dev().mean().unwrap_or(0.0)
}

/// A node's children that were judged.
fn children(facts: &Facts, node: CandidateIx) -> Vec<CandidateIx> {
    facts
        .numbered()
        .filter(|(_, standing)| {
            standing.candidate.parents.first() == Some(&node)
                && standing.status == Status::Finished
                && !standing.misses_too_much()
        })
        .map(|(child, _)| child)
        .collect()
}

/// The child with the greatest reward, the earliest of equals.
fn best_child(facts: &Facts, node: CandidateIx) -> Option<CandidateIx> {
    let children = children(facts, node).into_iter();
    children
        .reduce(|best, next| if reward(facts, next) > reward(facts, best) { next } else { best })
}

/// A path with the best child of its last node, if there is one.
fn grown(facts: &Facts, mut path: Path) -> Path {
    if let Some(child) = path.last().and_then(|last| best_child(facts, *last)) {
        path.push(child);
    }
    path
}

fn parent(facts: &Facts, node: CandidateIx) -> Option<CandidateIx> {
    facts.standing(node).candidate.parents.first().copied()
}

fn depth(facts: &Facts, mut node: CandidateIx) -> u32 {
    let mut depth = 0;
    while let Some(above) = parent(facts, node) {
        node = above;
        depth += 1;
    }
    depth
}

/// Whether a node is never expanded: it is as deep as may be, or it is deep and worse than the mean of
/// the root and its own parent (section 3.2 and appendix: the lower threshold).
fn is_terminal(kind: &UctSelect, facts: &Facts, node: CandidateIx) -> bool {
    let depth = depth(facts, node);
    let reward = |node| reward(facts, node);
    let is_poor = parent(facts, node).is_some_and(|above| {
        reward(node) < (reward(CandidateIx::SEED) + reward(above)) / 2.0 - 1e-12
    });
    depth >= kind.max_depth || (depth > kind.min_depth && is_poor)
}

/// Whether a rollout ends early with a new node: it is deep, and better than all that were there
/// before it and its siblings (appendix: the upper threshold).
fn is_early_stop(kind: &UctSelect, facts: &Facts, node: CandidateIx) -> bool {
    let born = facts.standing(node).generation;
    let best = facts
        .numbered()
        .filter(|(_, standing)| standing.generation < born && standing.status == Status::Finished)
        .filter_map(|(_, standing)| standing.dev().mean())
        .fold(f64::NEG_INFINITY, f64::max);
    depth(facts, node) > kind.min_depth && reward(facts, node) > best + 1e-12
}

fn uct(recipe: &Recipe) -> Option<&UctSelect> {
    match &recipe.select {
        Select::Uct(kind) => Some(kind),
        _ => None,
    }
}

/// The paths whose last nodes are expanded next: rollouts that are on go deeper, or new ones begin at
/// the root. No members: nothing is left to expand.
pub(super) fn next(recipe: &Recipe, state: &State, number: u32) -> Generation {
    let rollouts = &state.views.tree;
    let generation = |paths: Vec<Path>, iteration: u32| Generation {
        number,
        members: paths.into_iter().flatten().collect(),
        iteration,
    };
    let Some(kind) = uct(recipe) else { return generation(Vec::new(), 0) };
    let going: Vec<Path> = rollouts
        .running
        .iter()
        .filter(|path| path.last().is_some_and(|leaf| rollouts.growing.contains(leaf)))
        .filter_map(|path| {
            let child = path.last().and_then(|leaf| best_child(state, *leaf))?;
            let ends = is_early_stop(kind, state, child) || is_terminal(kind, state, child);
            (!ends).then(|| path.iter().copied().chain([child]).collect())
        })
        .collect();
    if !going.is_empty() {
        return generation(going, rollouts.begun);
    }
    let after = rollouts.ended(state);
    if !has_room(kind, state, &after) {
        return generation(Vec::new(), after.begun);
    }
    // No more rollouts begin together than the recipe lets begin at all.
    let most = recipe.stop.when.iter().filter_map(|rule| match rule {
        StopRule::Iterations(most) => Some(most.saturating_sub(after.begun).max(1) as usize),
        _ => None,
    });
    let most = most.chain([kind.parallel.max(1)]).min().unwrap_or(1);
    let paths = begun(kind, state, &after, most);
    let iteration = after.begun + u32::try_from(paths.len()).unwrap_or(u32::MAX);
    generation(paths, iteration)
}

/// Whether some node may still be expanded.
fn has_room(kind: &UctSelect, state: &State, rollouts: &Rollouts) -> bool {
    state.numbered().any(|(node, standing)| {
        standing.status == Status::Finished
            && !standing.misses_too_much()
            && !rollouts.expanded.contains(&node)
            && !is_terminal(kind, state, node)
    })
}

/// New rollouts, as far as they are selected. While they are out, each counts as a visit without
/// reward on its path (a virtual loss), so that the next one goes elsewhere.
fn begun(kind: &UctSelect, state: &State, rollouts: &Rollouts, most: usize) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    let mut losses = vec![0_u32; state.candidates.len()];
    while paths.len() < most {
        let path = selected(kind, state, rollouts, &losses);
        if paths.iter().any(|other| other.last() == path.last()) {
            break;
        }
        for node in &path {
            losses[node.index()] += 1;
        }
        paths.push(path);
    }
    paths
}

/// From the root, the child with the highest Q + c·√(ln(N(parent) + 1) / max(1, N)), the earliest of
/// equals, until there is none. Q is the mean over rollouts of the rewards from the child to the end;
/// for a child that no rollout went through, its own reward.
fn selected(kind: &UctSelect, state: &State, rollouts: &Rollouts, losses: &[u32]) -> Path {
    let visits = |node: CandidateIx| f64::from(rollouts.visits(node) + losses[node.index()]);
    let mut path = vec![CandidateIx::SEED];
    let mut node = CandidateIx::SEED;
    loop {
        let bound = |child: CandidateIx| {
            let seen = visits(child);
            let q = if seen > 0.0 { rollouts.sum(child) / seen } else { reward(state, child) };
            q + kind.c * ((visits(node) + 1.0).ln() / seen.max(1.0)).sqrt()
        };
        let below = children(state, node).into_iter();
        let best = below.reduce(|a, b| if bound(b) > bound(a) { b } else { a });
        let Some(best) = best else { return path };
        path.push(best);
        node = best;
    }
}

/// Nodes that the generation expands: leaves that are neither terminal nor without children although
/// they were expanded before.
fn growing(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let Some(kind) = uct(recipe) else { return Vec::new() };
    let nodes = state.views.tree.growing.iter().copied();
    nodes.filter(|node| !is_terminal(kind, state, *node)).collect()
}

/// How many nodes the generation expands.
pub(super) fn breadth(recipe: &Recipe, state: &State) -> usize {
    growing(recipe, state).len()
}

/// Whose child the generation's use of an operator number `index` is.
pub(super) fn node(recipe: &Recipe, state: &State, index: usize) -> Option<CandidateIx> {
    let Schedule::Generation(schedule) = &recipe.schedule else { return None };
    growing(recipe, state).get(index / schedule.children.max(1)).copied()
}

/// Of all paths that rollouts took, the one with the best mean reward; on it, the best node
/// (section 3.3).
pub(super) fn best_of_best_path(recipe: &Recipe, goal: Goal, state: &State) -> CandidateIx {
    let rollouts = &state.views.tree;
    // A rollout that was cut off counts as far as it came, unless it had only been selected.
    let cut_off = rollouts.running.iter().filter_map(|path| {
        let whole = grown(state, path.clone());
        (rollouts.deepened || whole.len() > path.len()).then_some(whole)
    });
    let mean = |path: &Path| {
        path.iter().map(|node| reward(state, *node)).sum::<f64>() / path.len().max(1) as f64
    };
    let paths = rollouts.done.iter().cloned().chain(cut_off);
    let best = paths.reduce(|a, b| if mean(&b) > mean(&a) + 1e-12 { b } else { a });
    let nodes = best.unwrap_or_default().into_iter();
    best_by_goal(goal, state, nodes, |node| fitness(recipe, state, node))
        .unwrap_or(CandidateIx::SEED)
}
