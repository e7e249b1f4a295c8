//! `uct`: Monte Carlo tree search over prompts (PromptAgent; arXiv:2310.16427, section 3.2 and
//! algorithm 1).
//!
//! A node is a candidate, its reward the mean on dev, its children are bred from it. A rollout walks
//! down from the root by upper confidence bounds to a leaf, expands it, goes on with the best new
//! child, and so on until it ends. A *generation* is one expansion: its members are the path from the
//! root to the node that is expanded, and its iteration says which rollout this is. All statistics
//! follow from these events and from the scores.
//!
//! With `parallel` rollouts, the members of a generation are several paths, one after the other, each
//! beginning with the root; rollouts that begin together end together, each in its own time.

use crate::event::Generation;
use crate::id::CandidateIx;
use crate::memory::{Path, Rollouts};
use crate::operator::Parents;
use crate::state::{CandidateState, Status};
use crate::strategy::search::{Pool, Search, Select, Walk};
use crate::strategy::stop::StopRule;
use std::collections::BTreeMap;

kind! {
    /// Monte Carlo tree search over prompts (PromptAgent; arXiv:2310.16427, section 3.2).
    "uct": "Down a tree by upper confidence bounds.",
    Uct {
        /// The weight of exploration.
        c: f64 = 2.5 => not_negative,
        /// The greatest depth of a rollout.
        max_depth: u32 = 8 => positive,
        /// Rollouts do not end early before this depth.
        min_depth: u32 = 2,
        /// Rollouts that begin together; each counts as a visit without reward while it is out.
        parallel: usize = 1 => positive,
    }
}

impl Select for Uct {
    /// Each node that the generation expands is the parent of `schedule.children` uses.
    fn parents(&self, search: &Search<'_>, pool: &Pool<'_>) -> Option<Parents> {
        let children = search.slots.schedule.children()?;
        let node = *self.on(search).growing().get(pool.index / children.max(1))?;
        Some(Parents { candidates: vec![node], place: None })
    }

    fn always_gives(&self) -> Option<usize> {
        Some(1)
    }

    fn breadth(&self, search: &Search<'_>) -> usize {
        self.on(search).growing().len()
    }

    fn tree(&self) -> Option<&dyn Walk> {
        Some(self)
    }
}

impl Walk for Uct {
    /// Rollouts that are on go deeper, or new ones begin at the root.
    fn next_generation(&self, search: &Search<'_>) -> Generation {
        let tree = self.on(search);
        let begun = tree.rollouts().begun();
        let number = search.state.memory.generations.next_number();
        let generation = |paths: Vec<Path>, iteration: u32| Generation {
            number,
            members: paths.into_iter().flatten().collect(),
            iteration,
        };
        let going = tree.going();
        if !going.is_empty() || !tree.has_room() {
            return generation(going, begun);
        }
        // No more rollouts begin together than the recipe lets begin at all.
        let most = search.slots.stop.when.iter().filter_map(|rule| match rule {
            StopRule::Iterations(most) => Some(most.saturating_sub(begun).max(1) as usize),
            _ => None,
        });
        let most = most.chain([self.parallel.max(1)]).min().unwrap_or(1);
        let paths = tree.begun(most);
        let iteration = begun + u32::try_from(paths.len()).unwrap_or(u32::MAX);
        generation(paths, iteration)
    }

    /// Section 3.3. A rollout that was cut off counts as far as it came, unless it had only been
    /// selected.
    fn best_path(&self, search: &Search<'_>) -> Path {
        let tree = self.on(search);
        let rollouts = tree.rollouts();
        let counts = |path: &&Path| rollouts.are_deeper() || tree.grown(path).len() > path.len();
        let cut_off = rollouts.running().iter().filter(counts);
        let mean = |path: &Path| {
            path.iter().map(|node| tree.reward(*node)).sum::<f64>() / path.len().max(1) as f64
        };
        rollouts
            .done()
            .iter()
            .chain(cut_off)
            .map(|path| tree.grown(path))
            .reduce(|a, b| if mean(&b) > mean(&a) + 1e-12 { b } else { a })
            .unwrap_or_default()
    }
}

impl Uct {
    fn on<'a>(&'a self, search: &'a Search<'a>) -> Tree<'a> {
        Tree { kind: self, search }
    }
}

/// The tree with its rewards, as one recipe sees it.
struct Tree<'a> {
    kind: &'a Uct,
    search: &'a Search<'a>,
}

/// What rollouts gave back to the nodes on their paths.
#[derive(Default)]
struct Backed {
    /// By candidate: through how many rollouts it is, and the sum over them of the rewards from it to
    /// the end.
    of: BTreeMap<CandidateIx, (u32, f64)>,
}

impl Backed {
    fn visits(&self, node: CandidateIx) -> u32 {
        self.of.get(&node).map_or(0, |(visits, _)| *visits)
    }

    fn sum(&self, node: CandidateIx) -> f64 {
        self.of.get(&node).map_or(0.0, |(_, sum)| *sum)
    }
}

impl<'a> Tree<'a> {
    fn rollouts(&self) -> &'a Rollouts {
        &self.search.state.memory.rollouts
    }

    fn reward(&self, node: CandidateIx) -> f64 {
        self.search.fitness(node).unwrap_or(0.0)
    }

    /// Nodes that were judged.
    fn nodes(&self) -> impl Iterator<Item = (CandidateIx, &'a CandidateState)> {
        self.search.state.numbered().filter(|(_, standing)| {
            standing.status == Status::Finished && !standing.misses_too_much()
        })
    }

    fn children(&self, node: CandidateIx) -> impl Iterator<Item = CandidateIx> {
        self.nodes()
            .filter(move |(_, standing)| standing.candidate.parents.first() == Some(&node))
            .map(|(child, _)| child)
    }

    /// The child with the greatest reward, the earliest of equals.
    fn best_child(&self, node: CandidateIx) -> Option<CandidateIx> {
        let better = |a: CandidateIx, b: CandidateIx| {
            if self.reward(b) > self.reward(a) + 1e-12 { b } else { a }
        };
        self.children(node).reduce(better)
    }

    /// A path with the child that its last expansion chose, if it brought one.
    fn grown(&self, path: &Path) -> Path {
        let child = path.last().and_then(|last| self.best_child(*last));
        path.iter().copied().chain(child).collect()
    }

    fn parent(&self, node: CandidateIx) -> Option<CandidateIx> {
        self.search.state.standing(node).candidate.parents.first().copied()
    }

    fn depth(&self, node: CandidateIx) -> u32 {
        let above = std::iter::successors(Some(node), |node| self.parent(*node));
        u32::try_from(above.count()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// Whether a node is never expanded: it is as deep as may be, or it is deep and worse than the
    /// mean of the root and its own parent (section 3.2 and appendix: the lower threshold).
    fn is_terminal(&self, node: CandidateIx) -> bool {
        let depth = self.depth(node);
        let is_poor = self.parent(node).is_some_and(|above| {
            let threshold = (self.reward(CandidateIx::BASELINE) + self.reward(above)) / 2.0;
            self.reward(node) < threshold - 1e-12
        });
        depth >= self.kind.max_depth || (depth > self.kind.min_depth && is_poor)
    }

    /// Whether a rollout ends early with a new node: it is deep, and better than all that were there
    /// before it and its siblings (appendix: the upper threshold).
    fn is_early_stop(&self, node: CandidateIx) -> bool {
        let born = self.search.state.memory.births.of(node).generation;
        let births = &self.search.state.memory.births;
        let earlier = self.nodes().filter(|(other, _)| births.of(*other).generation < born);
        let best = earlier.map(|(other, _)| self.reward(other)).fold(f64::NEG_INFINITY, f64::max);
        self.depth(node) > self.kind.min_depth && self.reward(node) > best + 1e-12
    }

    /// Back-propagation: each node of a rollout's path is credited with the rewards from it to the end.
    fn backed(&self) -> Backed {
        let rollouts = self.rollouts();
        let mut backed = Backed::default();
        for path in rollouts.done().iter().chain(rollouts.running()) {
            let mut sum = 0.0;
            for node in self.grown(path).into_iter().rev() {
                sum += self.reward(node);
                let of = backed.of.entry(node).or_default();
                of.0 += 1;
                of.1 += sum;
            }
        }
        backed
    }

    /// Whether some node may still be expanded.
    fn has_room(&self) -> bool {
        self.nodes().any(|(node, _)| !self.rollouts().is_expanded(node) && !self.is_terminal(node))
    }

    /// Rollouts that go deeper: their last expansion brought a child with which they do not end.
    fn going(&self) -> Vec<Path> {
        let grew =
            |path: &&Path| path.last().is_some_and(|l| self.rollouts().growing().contains(l));
        self.rollouts()
            .running()
            .iter()
            .filter(grew)
            .filter_map(|path| {
                let child = path.last().and_then(|leaf| self.best_child(*leaf))?;
                let ends = self.is_early_stop(child) || self.is_terminal(child);
                (!ends).then(|| path.iter().copied().chain([child]).collect())
            })
            .collect()
    }

    /// New rollouts, as far as they are selected. While they are out, each counts as a visit without
    /// reward on its path (a virtual loss), so that the next one goes elsewhere.
    fn begun(&self, most: usize) -> Vec<Path> {
        let backed = self.backed();
        let mut paths: Vec<Path> = Vec::new();
        let mut losses = vec![0_u32; self.search.state.candidates.len()];
        while paths.len() < most {
            let path = self.selected(&backed, &losses);
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

    /// From the root, the child with the highest Q + c·√(ln(N(parent) + 1) / max(1, N)), the earliest
    /// of equals, until there is none. Q is the mean over rollouts of the rewards from the child to
    /// the end; for a child that no rollout went through, its own reward.
    fn selected(&self, backed: &Backed, losses: &[u32]) -> Path {
        let visits = |node: CandidateIx| f64::from(backed.visits(node) + losses[node.index()]);
        let mut path = vec![CandidateIx::BASELINE];
        let mut node = CandidateIx::BASELINE;
        loop {
            let bound = |child: CandidateIx| {
                let seen = visits(child);
                let q = if seen > 0.0 { backed.sum(child) / seen } else { self.reward(child) };
                q + self.kind.c * ((visits(node) + 1.0).ln() / seen.max(1.0)).sqrt()
            };
            let best = self.children(node).reduce(|a, b| if bound(b) > bound(a) { b } else { a });
            let Some(best) = best else { return path };
            path.push(best);
            node = best;
        }
    }

    /// Nodes that the generation expands: leaves that are neither terminal nor without children
    /// although they were expanded before.
    fn growing(&self) -> Vec<CandidateIx> {
        let nodes = self.rollouts().growing().iter().copied();
        nodes.filter(|node| !self.is_terminal(*node)).collect()
    }
}
