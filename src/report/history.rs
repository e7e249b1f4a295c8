//! The history of a run: the moments at which the incumbent changed.

use crate::event::Event;
use crate::id::{CandidateIx, EventNumber};
use crate::ledger::Wallet;
use crate::memory::State;
use crate::state::Phase;

/// A moment in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Dollars spent by then.
    pub usd: f64,
    /// Logical calls made by then.
    pub calls: u64,
    /// Seconds of running time by then.
    pub seconds: f64,
    /// The incumbent.
    pub incumbent: CandidateIx,
    /// Its mean over the dev rows folded by then.
    pub quality: f64,
}

/// The folded journal and its moments.
pub struct History {
    /// The state at the end.
    pub state: State,
    /// The wallet at the end.
    pub wallet: Wallet,
    /// The moments in order: each change of the incumbent, and the end of the search.
    pub moments: Vec<Moment>,
    /// Running time at the end, in milliseconds.
    pub ran_ms: u64,
    /// Number of events.
    pub events: u64,
}

impl History {
    /// A history before the first event.
    #[must_use]
    pub fn new(dev_rows: u32) -> Self {
        Self {
            state: State::new(dev_rows),
            wallet: Wallet::default(),
            moments: Vec::new(),
            ran_ms: 0,
            events: 0,
        }
    }

    /// Applies the next event.
    pub fn apply(&mut self, number: EventNumber, event: &Event) {
        self.events = number.0 + 1;
        self.wallet.apply(event);
        self.state.apply(number, event);
        match event {
            Event::Answered(answered) => self.ran_ms = self.ran_ms.max(answered.at),
            Event::Resumed { ran_ms, .. } => self.ran_ms = self.ran_ms.max(*ran_ms),
            _ => {}
        }
        let is_moment = match event {
            Event::IncumbentChanged { .. } | Event::SearchEnded { .. } => true,
            // The first moment is the baseline's score on all of dev.
            Event::EvaluationFolded { .. } => {
                self.moments.is_empty()
                    && self.state.phase == Phase::Searching
                    && self.state.baseline().dev().folded >= self.state.dev_rows
            }
            // A recipe may give the baseline fewer rows.
            Event::CandidateFinished { candidate } => *candidate == CandidateIx::BASELINE,
            _ => false,
        };
        if is_moment && let Some(quality) = self.state.standing(self.state.incumbent).dev().mean() {
            self.moments.push(Moment {
                usd: self.wallet.spent().usd.dollars(),
                calls: self.wallet.calls(),
                seconds: self.ran_ms as f64 / 1_000.0,
                incumbent: self.state.incumbent,
                quality,
            });
        }
    }
}
