//! `islands`: populations that rarely meet.

use crate::event::{Event, Migrant};
use crate::id::CandidateIx;
use crate::memory::State;
use crate::strategy::Plan;
use crate::strategy::search::{Archive, Search};

kind! {
    /// Populations that breed in turn, so that each gets the same share; now and then the best of
    /// each are copied to the next one of the ring (as in ShinkaEvolve and OpenEvolve).
    "islands": "Several populations that rarely meet.",
    Islands {
        /// How many islands.
        count: usize = 2 => positive,
        /// The best few that each island keeps.
        capacity: usize = 40 => positive,
        /// Judged children after which the best are copied to the next island; 0 = never.
        migrate_every: u32 = 0,
        /// The share of an island that is copied.
        migrate_rate: f64 = 0.1 => share,
    }
}

impl Archive for Islands {
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.judged().collect()
    }

    /// They breed in turn, so that each gets the same share of uses.
    fn island(&self, state: &State) -> Option<u16> {
        let uses: u32 = state.memory.uses.total();
        u16::try_from(uses as usize % self.count.max(1)).ok()
    }

    fn kept_of_island(&self, search: &Search<'_>, all: Vec<CandidateIx>) -> Vec<CandidateIx> {
        search.best_of(all, self.capacity)
    }

    /// The best of each island are copied to the next one of the ring, all at once. Candidates of
    /// `init` are on every island already.
    fn migration(&self, search: &Search<'_>) -> Option<Plan> {
        let memory = &search.state.memory;
        let due = self.migrate_every > 0
            && self.count > 1
            && memory.turns.decided() / self.migrate_every > memory.islands.migrations();
        if !due {
            return None;
        }
        let count = u16::try_from(self.count).unwrap_or(u16::MAX);
        let mut moves = Vec::new();
        for island in 0..count {
            let next = (island + 1) % count;
            let mut bred = search.members(Some(island));
            bred.retain(|candidate| !memory.islands.of(*candidate).is_empty());
            let most = (bred.len() as f64 * self.migrate_rate).ceil() as usize;
            let best = bred.into_iter().take(most);
            let new = best.filter(|candidate| !memory.islands.of(*candidate).contains(&next));
            moves.extend(new.map(|candidate| Migrant { candidate, island: next }));
        }
        Some(Plan::Decide(Event::Migrated { moves }))
    }

    fn has_niches(&self) -> bool {
        true
    }
}
