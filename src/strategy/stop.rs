//! When to stop, beside the budget: the rules as a recipe writes them.
//!
//! Not whether one of them holds: that is `stopping`.

use crate::grammar::{Described, Lines};
use serde::{Deserialize, Serialize};

kind! {
    /// When to stop, beside the budget.
    Stop {
        /// The first one that holds.
        when: Vec<StopRule> = Vec::new(),
    }
}

/// One reason to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopRule {
    /// `budget`: where a call does not fit the budget, the search ends. A phase that does not name it gives
    /// way to the next one, which may do with less.
    Budget,
    /// `children:N`: N children of operators were judged in this phase.
    Children(u32),
    /// `spent:X`: the share X of what the caps on dollars, tokens and calls allow the search is used.
    Spent(f64),
    /// `generations:N`: N generations were bred and judged; N for each part, where parts take turns.
    Generations(u32),
    /// `iterations:N`: N rollouts of a tree search are done.
    Iterations(u32),
    /// `trials:N` or `trials:auto`: N combinations were tried; `auto` = ⌊max(2·V·log₂ n, 1.5·n)⌋ for
    /// V lists of at most n ingredients (MIPROv2).
    Trials(Option<u32>),
    /// `stalled:N`: N decided children in a row without a new incumbent.
    Stalled(u32),
    /// `no_headroom:X:N`: the baseline's mean is at least X, and N children in a row brought nothing
    /// better.
    NoHeadroom(f64, u32),
    /// `patience:N`: N generations in a row, at least one, without a new incumbent.
    Patience(u32),
    /// `score:X`: the incumbent's mean on all of dev reaches X.
    Score(f64),
    /// `pool_done`: nothing is left to evaluate.
    PoolDone,
    /// `rejected:N`: N rejected proposals in a row; ends as `pool_done`.
    Rejected(u32),
}

impl Described for StopRule {
    const ABOUT: Lines = &["One reason to stop."];
}

impl std::fmt::Display for StopRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Budget => write!(f, "budget"),
            Self::Children(count) => write!(f, "children:{count}"),
            Self::Spent(share) => write!(f, "spent:{share}"),
            Self::Generations(count) => write!(f, "generations:{count}"),
            Self::Iterations(count) => write!(f, "iterations:{count}"),
            Self::Trials(Some(count)) => write!(f, "trials:{count}"),
            Self::Trials(None) => write!(f, "trials:auto"),
            Self::Stalled(count) => write!(f, "stalled:{count}"),
            Self::NoHeadroom(score, count) => write!(f, "no_headroom:{score}:{count}"),
            Self::Patience(count) => write!(f, "patience:{count}"),
            Self::Score(score) => write!(f, "score:{score}"),
            Self::PoolDone => write!(f, "pool_done"),
            Self::Rejected(count) => write!(f, "rejected:{count}"),
        }
    }
}

impl Serialize for StopRule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StopRule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (name, value) = text.split_once(':').unwrap_or((text.as_str(), ""));
        let wrong = || {
            serde::de::Error::custom(format!(
                "`{text}` is not a reason to stop: write `budget`, `children:N`, `spent:X`, `generations:N`, \
                 `iterations:N`, `trials:N`, `trials:auto`, `stalled:N`, `patience:N`, `score:X`, \
                 `no_headroom:X:N`, `pool_done` or `rejected:N`"
            ))
        };
        let count = || value.parse::<u32>().map_err(|_| wrong());
        let share = |text: &str| {
            let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
            share.ok_or_else(wrong)
        };
        match (name, value) {
            ("budget", "") => Ok(Self::Budget),
            ("pool_done", "") => Ok(Self::PoolDone),
            ("trials", "auto") => Ok(Self::Trials(None)),
            ("trials", _) => count().map(|count| Self::Trials(Some(count))),
            ("children", _) => count().map(Self::Children),
            ("spent", _) => share(value).map(Self::Spent),
            ("generations", _) => count().map(Self::Generations),
            ("iterations", _) => count().map(Self::Iterations),
            ("stalled", _) => count().map(Self::Stalled),
            ("patience", _) => count().map(Self::Patience),
            ("rejected", _) => count().map(Self::Rejected),
            ("no_headroom", both) => {
                let (score, count) = both.split_once(':').ok_or_else(wrong)?;
                Ok(Self::NoHeadroom(share(score)?, count.parse().map_err(|_| wrong())?))
            }
            ("score", score) => share(score).map(Self::Score),
            _ => Err(wrong()),
        }
    }
}
