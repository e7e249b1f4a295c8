//! `scan`: each member of the population in turn.

use crate::id::CandidateIx;
use crate::operator::Parents;
use crate::strategy::search::{Pool, Search, Select};
use rand::seq::SliceRandom;

kind! {
    /// Each member of the population in turn, `schedule.children` times.
    "scan": "Each member of the population in turn.",
    Scan {
        /// Other members that are drawn for it, as donors (EvoPrompt's DE).
        donors: usize = 0,
        /// Whether the best member is given as well, or another random one (with `donors` only); the
        /// best where it is not said.
        best: Option<bool> = None,
    }
}

impl Select for Scan {
    /// The member whose turn it is, with donors, and the best or another one (EvoPrompt's DE;
    /// arXiv:2309.08532, section 3.3).
    fn parents(&self, search: &Search<'_>, pool: &Pool<'_>) -> Option<Parents> {
        let children = search.slots.schedule.children()?;
        let place = (pool.index / children.max(1)) % pool.members.len().max(1);
        let base = *pool.members.get(place)?;
        let mut parents = vec![base];
        if self.donors > 0 {
            let members = pool.members.iter().copied();
            let mut others: Vec<CandidateIx> = members.filter(|member| *member != base).collect();
            others.shuffle(&mut pool.seed.rng());
            let best = self.best.unwrap_or(true);
            let wanted = self.donors + usize::from(!best);
            parents.extend(others.into_iter().take(wanted));
            if best {
                parents.push(*search.rank(pool.members.iter().copied()).first()?);
            }
            if parents.len() < self.donors + 2 {
                return None;
            }
        }
        Some(Parents { candidates: parents, place: u16::try_from(place).ok() })
    }

    fn needs_generations(&self) -> bool {
        true
    }

    fn always_gives(&self) -> Option<usize> {
        Some(if self.donors > 0 { self.donors + 2 } else { 1 })
    }

    fn per_generation(&self, children: usize, members: usize) -> usize {
        members * children
    }
}
