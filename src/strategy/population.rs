//! What children are bred from now, and what the next generation is bred from.

use super::search::Search;
use crate::event::Generation;
use crate::id::CandidateIx;
use crate::state::Status;
use crate::stats::frontier_weights;

impl Search<'_> {
    /// What a child may be bred from now: the population of the generation, or whatever is kept.
    pub(super) fn members(&self, island: Option<u16>) -> Vec<CandidateIx> {
        let archive = &self.slots.archive;
        let all = match (self.slots.schedule.children(), self.generation()) {
            (Some(_), Some(generation)) => generation.members.clone(),
            _ => archive.kept(self),
        };
        let Some(island) = island else {
            return all;
        };
        // What `init` brought belongs to every island.
        let on_island = all.into_iter().filter(|candidate| {
            let islands = self.state.memory.islands.of(*candidate);
            islands.is_empty() || islands.contains(&island)
        });
        archive.kept_of_island(self, on_island.collect())
    }

    /// The generation that is bred.
    pub(super) fn generation(&self) -> Option<&Generation> {
        self.state.memory.generations.current()
    }

    /// Candidates that were judged, were not dropped, and compete.
    pub(super) fn judged(&self) -> impl Iterator<Item = CandidateIx> {
        let finished = self.state.memory.fronts.finished().iter().copied();
        finished.filter(|candidate| {
            self.competes(*candidate) && self.state.standing(*candidate).status == Status::Finished
        })
    }

    /// The candidates on the instance-wise front with the number of rows that each holds.
    pub(super) fn front(&self) -> Vec<(CandidateIx, usize)> {
        let mean = |candidate: u32| {
            self.state.standing(CandidateIx(candidate)).dev().mean().unwrap_or(f64::NEG_INFINITY)
        };
        let mut weights = frontier_weights(self.state.memory.fronts.holders(), mean);
        if let Some(most) = self.slots.archive.front_size()
            && weights.len() > most
        {
            weights.sort_by(|a, b| mean(b.0).total_cmp(&mean(a.0)).then(a.0.cmp(&b.0)));
            weights.truncate(most);
            weights.sort_by_key(|(candidate, _)| *candidate);
        }
        weights.into_iter().map(|(candidate, rows)| (CandidateIx(candidate), rows)).collect()
    }

    /// The next generation: called when everything of the last one is judged.
    pub(super) fn next_generation(&self) -> Generation {
        if let Some(tree) = self.slots.select.tree() {
            return tree.next_generation(self);
        }
        let last = self.generation();
        Generation {
            number: self.state.memory.generations.next_number(),
            members: match last {
                Some(last) => self.slots.archive.next_members(self, last),
                None => self.first_members(),
            },
            iteration: last.map_or(0, |generation| generation.iteration),
        }
    }

    /// The judged children of the generation that is on.
    pub(super) fn born(&self) -> impl Iterator<Item = CandidateIx> {
        self.state
            .numbered()
            .skip(self.state.memory.generations.candidates_before())
            .filter(|(_, standing)| standing.status == Status::Finished)
            .map(|(candidate, _)| candidate)
    }

    /// The first population: the best of what `init` brought. Where that says the best in other words,
    /// these and their paraphrases are the population, however the paraphrases fare (EvoPrompt's
    /// `para_topk`); others only fill it up.
    fn first_members(&self) -> Vec<CandidateIx> {
        if let Some(known) = self.slots.archive.first_members(self) {
            return known;
        }
        let best = self.slots.archive.kept(self);
        let Some(capacity) = self.slots.archive.capacity() else { return best };
        let mut of_top = self.slots.init.iter().zip(0_u16..);
        let of_top = of_top.find_map(|(init, place)| Some((place, init.rewrites_best()?)));
        let Some((place, take)) = of_top else { return best };
        let mut members = self.best_of_init(place, take);
        let paraphrases = self.state.numbered().filter(|(candidate, standing)| {
            self.state.memory.births.of(*candidate).init == Some(place)
                && standing.status == Status::Finished
        });
        members.extend(paraphrases.map(|(candidate, _)| candidate));
        for candidate in best {
            if !members.contains(&candidate) {
                members.push(candidate);
            }
        }
        members.truncate(capacity);
        self.rank(members)
    }

    /// The best of what stands before a place in the recipe's `init`, the baseline included.
    pub(super) fn best_of_init(&self, place: u16, take: usize) -> Vec<CandidateIx> {
        let earlier = self.state.numbered().filter(|(candidate, standing)| {
            let init = self.state.memory.births.of(*candidate).init;
            let is_earlier =
                *candidate == CandidateIx::BASELINE || init.is_some_and(|init| init < place);
            is_earlier && standing.status == Status::Finished
        });
        self.best_of(earlier.map(|(candidate, _)| candidate), take)
    }
}
