//! `always`: the best mean is the incumbent.

use crate::event::Event;
use crate::strategy::Plan;
use crate::strategy::search::{Accept, Search};

kind! {
    /// The best mean is the incumbent.
    "always": "The best so far.",
    Always {}
}

impl Accept for Always {
    fn change(&self, search: &Search<'_>) -> Option<Plan> {
        best_mean(search)
    }
}

/// The best mean over all of dev. Where the goal has a constraint, the best that keeps it.
pub(super) fn best_mean(search: &Search<'_>) -> Option<Plan> {
    let state = search.state;
    let has_penalty = search.slots.objective.length_penalty > 0.0;
    let best = match search.goal {
        goal if goal.is_quality_alone() && has_penalty => *search.ranked().first()?,
        goal if goal.is_quality_alone() => state.memory.best_mean.candidate()?,
        _ => {
            let finished = state.memory.fronts.finished().iter().copied();
            search.best_by_goal(finished, |candidate| state.standing(candidate).dev().mean())?
        }
    };
    if best == state.incumbent {
        return None;
    }
    let mean = state.standing(best).dev().mean()?;
    let why = format!("mean {mean:.4} on dev");
    Some(Plan::Decide(Event::IncumbentChanged { candidate: best, why }))
}
