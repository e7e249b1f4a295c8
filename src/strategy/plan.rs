//! What a strategy answers when it is asked: the trait that the engine uses.

use crate::event::{Draft, Event, Gate, Shown};
use crate::id::{CandidateIx, MutatorIx, ProposalNumber, RowIx};
use crate::ledger::{Finale, Remaining};
use crate::memory::State;
use crate::task::example::Split;

choice! {
    /// The order in which results are folded into what decides.
    Order {
        /// The order in which they are due by the run's own clock: nothing measured enters it, so the same seed,
        /// width and answers give the same run.
        Issue = "issue",
        /// The order in which they come.
        Arrival = "arrival",
    }
}

impl Order {
    /// What a run by this order does not promise, for people; `None`: it promises what all others do.
    #[must_use]
    pub fn caveat(self) -> Option<&'static str> {
        match self {
            Self::Issue => None,
            Self::Arrival => Some(
                "results are folded as they arrive (schedule.order = \"arrival\"): another run with the same seed and \
                 the same answers may decide otherwise",
            ),
        }
    }
}

/// How far a strategy plans ahead of what has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookahead {
    /// Evaluations that may be issued and not folded.
    pub evaluations: usize,
    /// Proposals that may be drafted or issued and not folded.
    pub proposals: usize,
    /// Open candidates beside which no further proposal is folded while rows are out.
    pub tried: usize,
    /// The order in which results are folded.
    pub order: Order,
}

impl Default for Lookahead {
    fn default() -> Self {
        Self { evaluations: 128, proposals: 4, tried: usize::MAX, order: Order::Issue }
    }
}

/// One thing to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// A decision that needs no work.
    Decide(Event),
    /// Give a candidate rows.
    Evaluate {
        /// Who answers.
        candidate: CandidateIx,
        /// Rows of which split; never hold.
        split: Split,
        /// Which answer to them it is.
        replicate: u16,
        /// The rows.
        rows: Vec<RowIx>,
    },
    /// Ask the mutator for a drafted proposal.
    Propose {
        /// Which.
        proposal: ProposalNumber,
        /// The evidence, with the first parent's answers.
        shown: Vec<Shown>,
    },
    /// Put a drafted candidate together without a model.
    Compose(Draft),
    /// Name the winner: the last thing a strategy does.
    Win {
        /// Who.
        candidate: CandidateIx,
        /// Its shrunken gain over the seed on dev, where there is one.
        shrunken_dev: Option<f64>,
    },
}

impl Plan {
    /// A candidate's first answers to rows of dev; `None` where there are no rows.
    #[must_use]
    pub(super) fn on_dev(candidate: CandidateIx, rows: Vec<RowIx>) -> Option<Self> {
        let plan = Self::Evaluate { candidate, split: Split::Dev, replicate: 0, rows };
        match &plan {
            Self::Evaluate { rows, .. } if rows.is_empty() => None,
            _ => Some(plan),
        }
    }
}

/// Decides what is tried next.
pub trait Strategy: Send + Sync {
    /// What may be done now, in order of preference: decisions first, evaluations before proposals.
    /// The same state always gives the same plans. Empty: wait for what is out.
    fn ask(&self, state: &State, remaining: Remaining) -> Vec<Plan>;

    /// Whether it only measures the baseline: rows that go missing then leave it open.
    fn is_evaluation(&self) -> bool {
        false
    }

    /// How far it plans ahead.
    fn lookahead(&self) -> Lookahead {
        Lookahead::default()
    }

    /// Which of these mutators writes a draft in place of the one that was drawn, whose worst case does
    /// not fit the budget; `None`: none of them.
    fn writer(&self, _state: &State, _draft: &Draft, among: &[MutatorIx]) -> Option<MutatorIx> {
        among.first().copied()
    }

    /// What a child of this draft must pass before it is tried in full.
    fn gate(&self, _state: &State, _draft: &Draft, _shown: &[Shown]) -> Option<Gate> {
        None
    }

    /// The phase that begins where nothing of the one that is on fits the budget; `None`: the search ends.
    fn cheaper_phase(&self, _state: &State) -> Option<u16> {
        None
    }

    /// What of each cap is kept for the strategy's `final`, for this many rows of dev.
    fn finale(&self, _dev_rows: u32) -> Finale {
        Finale::default()
    }
}
