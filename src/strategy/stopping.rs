//! Whether the search ends, or the phase that is on.

use super::Plan;
use super::evaluate::number_of_trials;
use super::search::Search;
use super::stop::StopRule;
use crate::event::{Event, StopReason};
use crate::state::Status;

/// Fruitless proposals in a row after which any steady search ends: nothing that it does costs
/// anything any more, so no budget would end it.
const MAX_FRUITLESS: u32 = 1_000;

impl Search<'_> {
    /// The end, if a rule says so: of the phase that is on, where another one follows it.
    pub(super) fn stopped(&self) -> Option<Plan> {
        let is_fruitless = self.state.counts.rejected_in_a_row >= MAX_FRUITLESS;
        let rules = &self.slots.stop.when;
        let found = rules.iter().find_map(|rule| self.reason(*rule));
        let reason = found.or(is_fruitless.then_some(StopReason::PoolDone))?;
        Some(self.end(reason))
    }

    /// The end of the search, or of the phase that is on where another one follows it.
    pub(super) fn end(&self, reason: StopReason) -> Plan {
        Plan::Decide(match self.next_phase() {
            Some(phase) => Event::PhaseStarted { phase },
            None => Event::SearchEnded { reason },
        })
    }

    /// The phase after the one that is on, if there is one.
    pub(super) fn next_phase(&self) -> Option<u16> {
        let next = self.state.phase_number + 1;
        (usize::from(next) < self.phases.len()).then_some(next)
    }

    fn reason(&self, rule: StopRule) -> Option<StopReason> {
        let state = self.state;
        let generations = &state.memory.generations;
        let (holds, reason) = match rule {
            StopRule::Budget | StopRule::PoolDone => return None,
            StopRule::Children(most) => {
                (state.memory.turns.decided_in_phase() >= most, StopReason::Generations)
            }
            StopRule::Spent(share) => (self.remaining.spent >= share, StopReason::Generations),
            StopRule::Generations(most) => {
                let bred = generations.number() - generations.first_of_phase();
                (bred >= most.saturating_mul(self.turns()), StopReason::Generations)
            }
            // The rollout after the last one has begun.
            StopRule::Iterations(most) => {
                let begun = self.generation().map_or(0, |generation| generation.iteration);
                (begun > most, StopReason::Generations)
            }
            StopRule::Trials(most) => {
                let most = most.unwrap_or_else(|| number_of_trials(self));
                (state.memory.trials.count() >= most, StopReason::Generations)
            }
            StopRule::Patience(most) => {
                let since = generations.improved_in() + most.max(1);
                (generations.number() >= since, StopReason::Stalled)
            }
            StopRule::Stalled(most) => {
                (state.counts.decided_since_incumbent >= most, StopReason::Stalled)
            }
            StopRule::NoHeadroom(score, children) => {
                let baseline = state.baseline();
                let is_high = baseline.status == Status::Finished
                    && baseline.dev().mean().is_some_and(|mean| mean >= score - 1e-9);
                let is_fruitless = state.counts.decided_since_incumbent >= children;
                (is_high && is_fruitless, StopReason::NoHeadroom)
            }
            StopRule::Score(score) => (self.is_reached(score), StopReason::ScoreReached),
            StopRule::Rejected(most) => {
                (state.counts.rejected_in_a_row >= most, StopReason::PoolDone)
            }
        };
        holds.then_some(reason)
    }

    /// Whether the incumbent has had all its rows, and its mean reaches a score.
    fn is_reached(&self, score: f64) -> bool {
        let (state, evaluate) = (self.state, &self.slots.evaluate);
        let incumbent = state.standing(state.incumbent);
        let rows = incumbent.dev().folded;
        incumbent.status == Status::Finished
            && rows >= evaluate.quota(self)
            && (rows >= state.dev_rows || !evaluate.is_widened())
            && incumbent.dev().mean().is_some_and(|mean| mean >= score - 1e-9)
    }

    /// How many parts take turns, a generation each (COPRO's ascent along one coordinate after the
    /// other); 1 where a child may change all of them.
    fn turns(&self) -> u32 {
        let in_turn = self.slots.operator.iter().any(|operator| operator.alternates_parts());
        if in_turn { u32::from(self.setting.texts).max(1) } else { 1 }
    }
}
