//! The rollouts of a tree search: where they went, not what they were worth.
//!
//! A generation of a tree search is one expansion: its members are the paths from the root to the nodes
//! that are expanded, one after the other.

use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::Facts;
use std::collections::BTreeSet;

/// From the root to a node.
pub type Path = Vec<CandidateIx>;

/// The rollouts so far: where they went, not what they were worth.
#[derive(Clone, Debug, Default)]
pub struct Rollouts {
    /// Those that ended, without the child that the last expansion chose.
    done: Vec<Path>,
    /// Those that are on.
    running: Vec<Path>,
    /// Whether they were on before the generation that is bred.
    deepened: bool,
    /// How many began.
    begun: u32,
    /// Nodes whose expansion began.
    expanded: BTreeSet<CandidateIx>,
    /// Those of them whose expansion began with the generation that is bred.
    growing: Vec<CandidateIx>,
}

impl Rollouts {
    /// The rollouts that ended, without the child that the last expansion chose.
    #[must_use]
    pub fn done(&self) -> &[Path] {
        &self.done
    }

    /// The rollouts that are on.
    #[must_use]
    pub fn running(&self) -> &[Path] {
        &self.running
    }

    /// Whether those were on before the generation that is bred.
    #[must_use]
    pub fn are_deeper(&self) -> bool {
        self.deepened
    }

    /// How many rollouts began.
    #[must_use]
    pub fn begun(&self) -> u32 {
        self.begun
    }

    /// Whether the expansion of a node began.
    #[must_use]
    pub fn is_expanded(&self, node: CandidateIx) -> bool {
        self.expanded.contains(&node)
    }

    /// The nodes whose expansion began with the generation that is bred.
    #[must_use]
    pub fn growing(&self) -> &[CandidateIx] {
        &self.growing
    }

    /// Takes in one event: where a generation begins, rollouts go on or end.
    pub fn apply(&mut self, event: &Event, _facts: &Facts) {
        let Event::GenerationStarted(generation) = event else { return };
        // Only a tree counts rollouts.
        if generation.iteration == 0 {
            return;
        }
        let paths = split(&generation.members);
        self.deepened = generation.iteration == self.begun;
        for path in std::mem::take(&mut self.running) {
            let goes_on = |next: &Path| next.len() == path.len() + 1 && next.starts_with(&path);
            if !(self.deepened && paths.iter().any(goes_on)) {
                self.done.push(path);
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
}

/// The paths that a generation's members are.
fn split(members: &[CandidateIx]) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    for &member in members {
        match paths.last_mut() {
            Some(path) if member != CandidateIx::BASELINE => path.push(member),
            _ => paths.push(vec![member]),
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn rollouts_go_deeper_or_end() {
        let mut script = Script::new(1);
        let path = |members: &[u32]| -> Path { members.iter().copied().map(CandidateIx).collect() };
        // Two rollouts begin; both expand the root, which counts once.
        script.generation(0, &[0, 0], 2);
        let rollouts = &script.state.memory.rollouts;
        assert_eq!((rollouts.begun(), rollouts.running().len()), (2, 2));
        assert_eq!(rollouts.growing(), [CandidateIx(0)]);
        assert!(!rollouts.are_deeper() && rollouts.done().is_empty());
        // One goes on with child 1; no rollout goes on with another.
        script.generation(1, &[0, 1], 2);
        let rollouts = &script.state.memory.rollouts;
        assert!(rollouts.are_deeper() && rollouts.is_expanded(CandidateIx(1)));
        assert_eq!(rollouts.running(), [path(&[0, 1])]);
        let ended = rollouts.done().len();
        // A new one begins: the last one ended where it was.
        script.generation(2, &[0, 2], 3);
        let rollouts = &script.state.memory.rollouts;
        assert!(!rollouts.are_deeper());
        assert_eq!(rollouts.done()[ended..], [path(&[0, 1])]);
        assert_eq!((rollouts.begun(), rollouts.growing()), (3, &[CandidateIx(2)][..]));
        // Other searches do not count rollouts.
        script.generation(3, &[0, 1, 2], 0);
        assert_eq!(script.state.memory.rollouts.running(), [path(&[0, 2])]);
    }

    #[test]
    fn each_path_begins_with_the_root() {
        let members: Vec<CandidateIx> = [0, 3, 5, 0, 2].map(CandidateIx).to_vec();
        assert_eq!(split(&members), [members[..3].to_vec(), members[3..].to_vec()]);
    }
}
