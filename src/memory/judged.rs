//! Which candidates an event judged: those whose answers so far are all that they get.

use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::Facts;

/// The candidates that an event judged. One that stays in a population is judged again and again.
pub(super) fn judged<'a>(event: &'a Event, facts: &'a Facts) -> &'a [CandidateIx] {
    match event {
        Event::EvaluationFolded { .. } => match &facts.folded_row {
            // Only the fold of its last row finds a candidate with all rows folded.
            Some(folded)
                if facts.dev_rows > 0
                    && facts.folded_dev_row().is_some()
                    && facts.standing(folded.candidate).dev().folded == facts.dev_rows =>
            {
                std::slice::from_ref(&folded.candidate)
            }
            _ => &[],
        },
        Event::CandidateFinished { candidate } => std::slice::from_ref(candidate),
        Event::ContestEnded { survivors } => survivors,
        _ => &[],
    }
}
