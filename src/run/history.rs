//! The history of a run: the moments at which the incumbent changed.

use super::spending_over_time::SpendingOverTime;
use crate::event::Event;
use crate::id::{Call, CandidateIx, EventNumber};
use crate::journal::{Journal, JournalError, read_events};

use crate::ledger::Wallet;
use crate::memory::State;
use crate::state::{Named, Phase};
use crate::task::model::ModelRole;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

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
    /// What each role had spent, over the running time.
    pub spending: SpendingOverTime,
    /// Number of events.
    pub events: u64,
    named: Named,
}

impl History {
    /// A history before the first event.
    #[must_use]
    pub fn new(named: Named) -> Self {
        Self {
            state: State::new(named.rows.dev),
            named,
            wallet: Wallet::default(),
            moments: Vec::new(),
            ran_ms: 0,
            spending: SpendingOverTime::default(),
            events: 0,
        }
    }

    /// From the journal that this process has open.
    ///
    /// # Errors
    /// The journal cannot be read, or an event cannot follow those before it.
    pub fn of(journal: &Journal<Event>, named: Named) -> Result<Self, JournalError> {
        let mut history = Self::new(named);
        journal.replay(|number, event| history.read_event(number, &event))?;
        Ok(history)
    }

    /// From the journal's plain copy, which any process may read. One that does not exist yet has no
    /// events.
    ///
    /// # Errors
    /// The file cannot be read, or an event cannot follow those before it.
    pub fn read(events: &Path, named: Named) -> Result<Self, JournalError> {
        let mut history = Self::new(named);
        if events.exists() {
            read_events(events, |number, event| history.read_event(number, &event))?;
        }
        Ok(history)
    }

    /// Applies an event that comes from outside.
    pub(super) fn read_event(
        &mut self,
        number: EventNumber,
        event: &Event,
    ) -> Result<(), JournalError> {
        let check = self.state.check(event, &self.named);
        check.map_err(|why| JournalError::Inconsistent { number, why: why.to_string() })?;
        self.apply(number, event);
        Ok(())
    }

    /// How long the run has been running, over all its sessions.
    #[must_use]
    pub fn running(&self) -> Duration {
        Duration::from_millis(self.ran_ms)
    }

    /// What is to be written down when a run is resumed: calls that were in flight when the last
    /// session ended are lost, and charged at their worst case. Nothing for a run that is new.
    pub(super) fn resumption(&self, at: Timestamp) -> Vec<Event> {
        if self.state.phase == Phase::New {
            return Vec::new();
        }
        let open = self.wallet.open_calls();
        // What is in a batch comes back with it.
        let is_lost = |call: &Call| !self.state.batches.holds(*call);
        let lost = open.iter().map(|(call, ..)| *call).filter(is_lost);
        let lost = lost.map(|call| Event::Lost { call });
        let roles: BTreeSet<ModelRole> =
            self.state.open_calls().map(|(_, open)| open.work.role()).collect();
        let reopened = roles.into_iter().filter_map(|role| self.reopened(role));
        lost.chain(reopened).chain([Event::Resumed { at, ran_ms: self.ran_ms }]).collect()
    }

    /// Calls that ended without an answer and are not folded: they are asked once more.
    fn reopened(&self, role: ModelRole) -> Option<Event> {
        let is_missing = |call: Call| {
            self.state.arrivals.get(&call).is_some_and(|arrival| arrival.answer.is_none())
        };
        let calls: Vec<Call> = self
            .state
            .open_calls()
            .filter(|(call, open)| open.is_asked && open.work.role() == role && is_missing(*call))
            .map(|(call, _)| call)
            .collect();
        (!calls.is_empty()).then_some(Event::CallsReopened { role, calls })
    }

    /// Applies the next event.
    pub fn apply(&mut self, number: EventNumber, event: &Event) {
        self.events = number.0 + 1;
        self.wallet.apply(event);
        self.state.apply(number, event);
        match event {
            Event::Answered(answered) => self.ran_ms = self.ran_ms.max(answered.at),
            Event::Resumed { ran_ms, .. } | Event::Stopped { ran_ms, .. } => {
                self.ran_ms = self.ran_ms.max(*ran_ms);
            }
            _ => {}
        }
        self.spending.note(self.ran_ms, &self.wallet);
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
