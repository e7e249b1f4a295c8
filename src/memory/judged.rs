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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn the_fold_of_the_last_row_of_dev_judges_and_so_does_the_end_of_a_contest() {
        let mut script = Script::new(2);
        let folded = |script: &Script| {
            let event = Event::EvaluationFolded {
                call: crate::id::Call(0),
                outcome: crate::event::RowOutcome::Missing,
            };
            judged(&event, &script.state).to_vec()
        };
        script.score(CandidateIx::BASELINE, &[(0, 0.5)]);
        assert_eq!(folded(&script), []);
        script.score(CandidateIx::BASELINE, &[(1, 0.5)]);
        assert_eq!(folded(&script), [CandidateIx::BASELINE]);
        let event = Event::ContestEnded { survivors: vec![CandidateIx(2), CandidateIx(1)] };
        assert_eq!(judged(&event, &script.state), [CandidateIx(2), CandidateIx(1)]);
        let event = Event::CandidateFinished { candidate: CandidateIx(1) };
        assert_eq!(judged(&event, &script.state), [CandidateIx(1)]);
        let event = Event::CandidateDropped {
            candidate: CandidateIx(1),
            why: crate::event::Dropped::Capped,
        };
        assert_eq!(judged(&event, &script.state), []);
    }
}
