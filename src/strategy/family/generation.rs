//! `generation`: children are bred together, and judged together before the next ones are.

use super::{capping, fit};
use crate::event::{Draft, Event, StopReason};
use crate::grammar::Misuse;
use crate::id::{CandidateIx, RowIx};
use crate::operator::{PlannedRun, epoch_rows};
use crate::state::Cell;
use crate::strategy::Plan;
use crate::strategy::drafting::run;
use crate::strategy::search::{BLOCK, Family, Search, Slots};
use crate::task::example::Split;
use std::collections::BTreeMap;

family! {
    /// Children are bred in generations: the next one begins when all of the last are judged.
    "generation": "Children are bred together, and judged together before the next ones are.",
    Generational, 32 ahead {
        /// Uses of operators in each generation; where all members of the population are scanned,
        /// uses for each of them; with pairs for each pair, in a tree for each node.
        children: usize = 1 => positive,
        /// Runs of the population on training rows before each generation, which `contrast_rule` and
        /// `demo_append` learn from; else they learn from whatever was run.
        runs: Option<Runs> = None,
    }
}

kind! {
    /// Runs of the population on training rows, the next ones of an epoch.
    Runs {
        /// Rows of a minibatch.
        rows: usize = 32 => [1.0, 1_000_000.0],
        /// Runs of each of them, each by a member that is drawn by the softmax of `select`.
        times: usize = 6 => [1.0, 1_000.0],
    }
}

impl Family for Generational {
    fn check(&self, slots: &Slots) -> Result<(), Misuse> {
        fit::bred(slots)?;
        fit::all(slots)
    }

    fn breeds(&self) -> bool {
        true
    }

    fn children(&self) -> Option<usize> {
        Some(self.children)
    }

    /// A child that is left out although all of the generation are there.
    fn decision(&self, search: &Search<'_>) -> Option<Plan> {
        capping::next(search, || self.is_bred(search))
    }

    /// Who is left out is drawn when all children of the generation are there, or it would depend on
    /// who came first.
    fn holds_back(&self, search: &Search<'_>, candidate: CandidateIx) -> bool {
        capping::concerns(search, candidate) && !self.is_bred(search)
    }

    /// The next minibatch, each row several times, each time by a member drawn as `select` draws.
    fn planned_runs(&self, search: &Search<'_>) -> Option<Vec<Vec<PlannedRun>>> {
        let runs = self.runs.as_ref()?;
        let Some(generation) = search.generation() else { return Some(Vec::new()) };
        let (members, weights) = search.slots.select.shares(search, &generation.members);
        let (seed, train_rows) = (search.setting.seed, search.setting.train_rows);
        let mut rng = seed.child("runs", u64::from(generation.number)).rng();
        let batches = (train_rows as usize).div_ceil(runs.rows).max(1);
        // Each time round, the rows get other answers.
        let epoch = generation.number as usize / batches;
        let rows = epoch_rows(train_rows, runs.rows, generation.number, seed);
        let mut draw = |row| -> Vec<PlannedRun> {
            (0..runs.times)
                .filter_map(|run| {
                    let place = crate::stats::weighted(&weights, &mut rng)?;
                    let replicate = u16::try_from(epoch * runs.times + run).unwrap_or(u16::MAX);
                    Some((row, members[place], replicate))
                })
                .collect()
        };
        Some(rows.into_iter().map(&mut draw).collect())
    }

    fn runs(&self, search: &Search<'_>) -> Option<Vec<Plan>> {
        if search.generation().is_none() || self.uses_are_done(search) {
            return None;
        }
        let mut unasked: BTreeMap<(CandidateIx, u16), Vec<RowIx>> = BTreeMap::new();
        let mut is_waiting = false;
        for (row, candidate, replicate) in self.planned_runs(search)?.into_iter().flatten() {
            let column = search.state.standing(candidate).column(Split::Train, replicate);
            match column.cell(row) {
                Cell::Empty => unasked.entry((candidate, replicate)).or_default().push(row),
                Cell::Issued => is_waiting = true,
                Cell::Scored { .. } | Cell::Missing => {}
            }
        }
        let mut plans = Vec::new();
        for ((candidate, replicate), rows) in unasked {
            plans.extend(rows.chunks(BLOCK).map(|rows| run(candidate, replicate, rows.to_vec())));
        }
        (is_waiting || !plans.is_empty()).then_some(plans)
    }

    /// A turn in which nothing can be done is a turn all the same: it is given up at once.
    fn bred(&self, search: &Search<'_>) -> Option<Draft> {
        if search.generation().is_none() || self.uses_are_done(search) {
            return None;
        }
        let idle = || {
            let mut draft = Draft::new(search.state.next_proposal, Vec::new());
            draft.operator = Some(0);
            draft.phase = search.state.phase_number;
            draft
        };
        Some(search.next_use().unwrap_or_else(idle))
    }

    /// Without members to breed from or to pair, the next generation would be empty, too.
    fn judged(&self, search: &Search<'_>) -> Vec<Plan> {
        let next = search.next_generation();
        let members = next.members.len();
        if members == 0 || self.uses_with(search, members) == 0 {
            return vec![search.end(StopReason::PoolDone)];
        }
        vec![Plan::Decide(Event::GenerationStarted(next))]
    }
}

impl Generational {
    /// Uses of operators that a generation with this number of members asks for; for each node that
    /// grows, where a tree is searched.
    fn uses_with(&self, search: &Search<'_>, members: usize) -> u32 {
        let parents = search.slots.select.per_generation(self.children, members);
        u32::try_from(parents * search.uses_per_parent()).unwrap_or(u32::MAX)
    }

    /// Whether the generation has had all the uses of operators that it asks for.
    fn uses_are_done(&self, search: &Search<'_>) -> bool {
        let members = search.generation().map_or(0, |generation| generation.members.len());
        let nodes = u32::try_from(search.slots.select.breadth(search)).unwrap_or(u32::MAX);
        let uses = self.uses_with(search, members).saturating_mul(nodes);
        search.state.memory.uses.in_generation() >= uses
    }

    /// Whether all children of the generation are there.
    fn is_bred(&self, search: &Search<'_>) -> bool {
        let state = search.state;
        search.generation().is_some()
            && state.drafts.is_empty()
            && state.memory.steps.next().is_none()
            && self.uses_are_done(search)
    }
}
