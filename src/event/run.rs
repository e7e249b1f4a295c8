//! Why a run ended, and how it ended before it went on.

use crate::id::CandidateIx;
use crate::units::Usd;
use serde::{Deserialize, Serialize};

/// How a run ended, before it went on with other caps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierEnd {
    /// Why its search ended.
    pub reason: StopReason,
    /// Its winner.
    pub winner: CandidateIx,
    /// Whether they confirmed what the goal says of it.
    pub confirmed: bool,
    /// What they showed of its gain over the baseline, in points of the score (1 = all).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<HeldOutGain>,
    /// Dollars spent by then.
    pub usd: Usd,
    /// Calls made by then.
    pub calls: u64,
}

#[cfg(test)]
impl EarlierEnd {
    /// An end at the cap on calls.
    pub(crate) fn sample(winner: CandidateIx) -> Self {
        let (reason, usd) = (StopReason::BudgetCalls, Usd::ZERO);
        Self { reason, winner, confirmed: false, gain: None, usd, calls: 9 }
    }
}

/// What is compared with the baseline on held-out rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The candidates whose held-out rows are asked.
    pub asked: Vec<CandidateIx>,
    /// All that are claimed at once: those, and the run's others with held-out answers.
    pub family: Vec<CandidateIx>,
    /// How many of the held-out rows, from the first on.
    pub rows: u32,
}

impl Confirmation {
    /// All that are asked: the candidates, and the baseline.
    pub fn sides(&self) -> impl Iterator<Item = CandidateIx> + '_ {
        self.asked.iter().copied().chain([CandidateIx::BASELINE])
    }
}

/// A gain on held-out rows with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutGain {
    /// The mean difference.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Rows that both have a score for.
    pub rows: usize,
}

/// Why a run ended. A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The money is spent.
    BudgetUsd,
    /// The calls are made.
    BudgetCalls,
    /// The tokens are used.
    BudgetTokens,
    /// The proposals are made.
    BudgetProposals,
    /// The running time is over.
    BudgetWall,
    /// The moment has come.
    Deadline,
    /// The recipe's generations are done.
    Generations,
    /// Nothing is left to evaluate.
    PoolDone,
    /// Too many children in a row without a new incumbent.
    Stalled,
    /// It is decided which of the compared prompts is better.
    Decided,
    /// The score that was asked for is reached.
    ScoreReached,
    /// The baseline leaves nothing to gain.
    NoHeadroom,
    /// Requests to a model failed, or brought no usable answer.
    NoAnswers,
    /// The mutator brought nothing that could be tried.
    BrokenProposer,
    /// The provider billed more than was set aside, and more than the budget.
    OverBudget,
    /// It was asked to stop.
    Stopped,
    /// The provider refused the key, or its quota is used up.
    ProviderRefused,
}

impl StopReason {
    /// The name in `summary.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BudgetUsd => "budget_usd",
            Self::BudgetCalls => "budget_calls",
            Self::BudgetTokens => "budget_tokens",
            Self::BudgetProposals => "budget_proposals",
            Self::BudgetWall => "budget_wall",
            Self::Deadline => "deadline",
            Self::Generations => "generations",
            Self::PoolDone => "pool_done",
            Self::Stalled => "stalled",
            Self::Decided => "decided",
            Self::ScoreReached => "score_reached",
            Self::NoHeadroom => "no_headroom",
            Self::NoAnswers => "no_answers",
            Self::BrokenProposer => "broken_proposer",
            Self::OverBudget => "over_budget",
            Self::Stopped => "stopped",
            Self::ProviderRefused => "provider_refused",
        }
    }

    /// A sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::BudgetUsd => "what was left of the money cap did not pay for another step",
            Self::BudgetCalls => "what was left of the cap on calls did not pay for another step",
            Self::BudgetTokens => "what was left of the cap on tokens did not pay for another step",
            Self::BudgetProposals => "the cap on proposals was reached",
            Self::BudgetWall => "the running time was over",
            Self::Deadline => "the deadline had come",
            Self::Generations => "the recipe had done what it was to do",
            Self::PoolDone => "nothing was left to evaluate",
            Self::Stalled => "many children in a row brought nothing better",
            Self::Decided => "it was decided",
            Self::ScoreReached => "the score asked for was reached",
            Self::NoHeadroom => "the baseline left nothing to gain",
            Self::NoAnswers => "requests to a model failed, or brought no usable answer",
            Self::BrokenProposer => "the mutator brought nothing that could be tried",
            Self::OverBudget => "the provider billed more than was set aside",
            Self::Stopped => "it was asked to stop",
            Self::ProviderRefused => "the provider refused",
        }
    }
}
