//! Rows of dev in use, where a recipe begins with few of them and widens them.

use crate::event::Event;
use crate::state::Facts;

/// The rows in use, and when they were last widened.
#[derive(Clone, Debug, Default)]
pub struct Widening {
    rows_in_use: u32,
    widened_at: u32,
}

impl Widening {
    /// Rows of dev in use; 0 where they were never widened.
    #[must_use]
    pub fn rows_in_use(&self) -> u32 {
        self.rows_in_use
    }

    /// Decided children since the incumbent last changed, when the rows were widened.
    #[must_use]
    pub fn widened_at(&self) -> u32 {
        self.widened_at
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::RowsWidened { rows } => {
                self.rows_in_use = *rows;
                self.widened_at = facts.counts.decided_since_incumbent;
            }
            Event::IncumbentChanged { .. } | Event::PhaseStarted { .. } => self.widened_at = 0,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CandidateIx;
    use crate::memory::tests::Script;

    #[test]
    fn rows_are_widened_at_a_count_that_a_new_incumbent_resets() {
        let mut script = Script::new(2);
        let of = |script: &Script| {
            let widening = &script.state.memory.widening;
            (widening.rows_in_use(), widening.widened_at())
        };
        assert_eq!(of(&script), (0, 0));
        for text in ["one", "two"] {
            let child = script.child(CandidateIx::BASELINE, text);
            script.drop(child);
        }
        script.apply(Event::RowsWidened { rows: 16 });
        assert_eq!(of(&script), (16, 2));
        script.lead(CandidateIx(1));
        assert_eq!(of(&script), (16, 0));
        let child = script.child(CandidateIx::BASELINE, "three");
        script.drop(child);
        script.apply(Event::RowsWidened { rows: 32 });
        assert_eq!(of(&script), (32, 1));
        script.phase(1);
        assert_eq!(of(&script), (32, 0));
    }
}
