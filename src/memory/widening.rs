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
