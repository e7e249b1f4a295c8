//! Earlier prompts that a request shows with their scores.

use super::draw::Draw;
use crate::event::HistoryItem;
use crate::id::CandidateIx;

kind! {
    /// Earlier prompts that are shown with their scores.
    History {
        /// Which.
        pick: HistoryPick = HistoryPick::Best,
        /// The most of them.
        k: usize = 20,
        /// Besides, this many of the worst (`best` only).
        bottom: usize = 0,
        /// Only those with at least this score.
        min_score: f64 = 0.0,
    }
}

choice! {
    /// Which earlier prompts are shown, and in which order.
    HistoryPick {
        /// The best, in ascending order of score.
        Best = "best",
        /// The last, in order of birth.
        Last = "last",
        /// The parent's own ancestors, oldest first.
        Path = "path",
    }
}

impl History {
    /// The prompts in the order in which they are shown: those that were there when the generation
    /// began, so that all its children see the same ones. Where parts take turns, only prompts in
    /// which this part is new.
    pub(super) fn items(
        &self,
        draw: &Draw<'_>,
        parent: CandidateIx,
        part: Option<u16>,
    ) -> Vec<HistoryItem> {
        let state = draw.state;
        let is_there = |candidate: &CandidateIx| {
            let of = state.memory.births.of(*candidate).part;
            let is_earlier = !draw.breeding.has_generations()
                || candidate.index() < state.memory.generations.candidates_before();
            is_earlier && (part.is_none() || of.is_none() || of == part)
        };
        let score = |candidate: CandidateIx| draw.breeding.fitness(candidate);
        let reaches = |candidate: &CandidateIx| {
            is_there(candidate)
                && score(*candidate).is_some_and(|score| score >= self.min_score - 1e-9)
        };
        let chosen: Vec<CandidateIx> = match self.pick {
            HistoryPick::Best => {
                let ranked: Vec<CandidateIx> =
                    draw.breeding.ranked().into_iter().filter(reaches).collect();
                let best = self.k.min(ranked.len());
                let worst = ranked.len().saturating_sub(self.bottom).max(best);
                // Ascending: the best stands last, nearest to where the reply begins.
                ranked[..best].iter().chain(&ranked[worst..]).rev().copied().collect()
            }
            HistoryPick::Last => {
                let mut last: Vec<CandidateIx> = state
                    .numbered()
                    .map(|(candidate, _)| candidate)
                    .filter(|candidate| reaches(candidate))
                    .collect();
                last.drain(..last.len().saturating_sub(self.k));
                last
            }
            HistoryPick::Path => {
                let mut path = state.ancestors(parent);
                path.retain(reaches);
                path.truncate(self.k);
                path.reverse();
                path
            }
        };
        let item = |candidate| HistoryItem { candidate, score: score(candidate) };
        chosen.into_iter().map(item).collect()
    }
}

/// Prompts that are listed without scores.
pub(super) fn unscored(candidates: Vec<CandidateIx>) -> Vec<HistoryItem> {
    candidates.into_iter().map(|candidate| HistoryItem { candidate, score: None }).collect()
}
