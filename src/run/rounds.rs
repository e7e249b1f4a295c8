//! How many rounds of batches a night has, and how many a run needs.
//!
//! For people, as the estimate is. A round is what waits together: the strategy plans no more of it than
//! its look-ahead.

use crate::caps::Caps;
use crate::engine::FIRST_WAIT;
use crate::recipe::Recipe;
use crate::task::model::ModelRole;
use crate::task::{Model, Task};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a night is, where nothing else is said.
pub const NIGHT: Duration = Duration::from_secs(8 * 3_600);

/// The time that a run has from now on, where it ends.
#[must_use]
pub fn time_of(caps: Caps, now: Timestamp) -> Option<Duration> {
    let until = |end: Timestamp| Duration::try_from(end.duration_since(now)).unwrap_or_default();
    caps.wall.into_iter().chain(caps.deadline.map(until)).min()
}

/// The roles that the task asks in batches, and of whose calls none can be: no batch comes in time.
#[must_use]
pub fn without_batches(task: &Task, recipe: &Recipe, night: Duration) -> BTreeSet<ModelRole> {
    let late = task.models().filter(|(_, model)| {
        !model.execution.is_live() && Rounds::of(model, recipe, night).available() == 0
    });
    late.map(|(role, _)| role).collect()
}

/// Rounds of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// The time that there is.
    pub night: Duration,
    /// How long a batch is expected to take.
    pub wait: Duration,
    /// Requests of a round, at most.
    pub requests: u64,
}

impl Rounds {
    /// Those of a model that is asked in batches.
    #[must_use]
    pub fn of(model: &Model, recipe: &Recipe, night: Duration) -> Self {
        let requests = recipe.slots.schedule.lookahead().evaluations.max(1) as u64;
        Self { night, wait: model.batch_wait.unwrap_or(FIRST_WAIT), requests }
    }

    /// Rounds that the night has.
    #[must_use]
    pub fn available(&self) -> u64 {
        // A batch that comes at once is a second's work all the same.
        (self.night.as_secs_f64() / self.wait.as_secs_f64().max(1.0)) as u64
    }

    /// Rounds that this many calls need, at least.
    #[must_use]
    pub fn needed(&self, calls: u64) -> u64 {
        calls.div_ceil(self.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_has_whole_rounds_and_a_round_a_number_of_requests() {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let rounds = |night, wait| Rounds { night, wait, requests: 250 };
        assert_eq!(rounds(hours(8), hours(1)).available(), 8);
        assert_eq!(rounds(hours(8), hours(3)).available(), 2);
        assert_eq!(rounds(hours(2), hours(3)).available(), 0);
        assert_eq!(rounds(hours(1), Duration::ZERO).available(), 3_600);
        let needed = [0, 1, 250, 251, 4_000].map(|it| rounds(hours(8), hours(1)).needed(it));
        assert_eq!(needed, [0, 1, 1, 2, 16]);
    }
}
