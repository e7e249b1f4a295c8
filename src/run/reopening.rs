//! Whether a finished run goes on with other caps, and how it had ended.
//!
//! A run that a cap ended goes on where it was once that cap is higher. One that ended for another reason
//! has nothing more to do, whatever it may spend.

use super::error::RunError;
use super::file::{RunFile, RunKind};
use super::summary::Summary;
use crate::caps::Caps;
use crate::event::{EarlierEnd, HeldOutGain, StopReason};
use crate::ledger::{Finale, Limits, Wallet};
use crate::memory::State;
use crate::recipe::Recipe;
use crate::strategy::StopRule;
use crate::task::Task;
use crate::text;
use jiff::Timestamp;
use std::time::Duration;

/// The end of a run, as far as it decides whether the run goes on.
pub(super) struct End<'a> {
    pub(super) file: &'a RunFile,
    pub(super) task: &'a Task,
    pub(super) recipe: &'a Recipe,
    pub(super) state: &'a State,
    /// What it could spend.
    pub(super) caps: Caps,
    /// How long it has been running.
    pub(super) running: Duration,
}

impl End<'_> {
    /// Checks that the run goes on with these caps.
    ///
    /// # Errors
    /// The cap that ended it is not higher, no cap ended it, or no time is left.
    pub(super) fn check(&self, caps: Caps, now: Timestamp) -> Result<(), RunError> {
        let goes_not_on = |why: String, help: String| {
            Err(RunError::GoesNotOn { run: self.file.run.to_string(), why, help })
        };
        let reason = self.state.stop_reason.unwrap_or(StopReason::PoolDone);
        let sentence = reason.sentence();
        match raised(reason, self.caps, caps) {
            Some(true) => {}
            Some(false) => {
                let (flag, cap) = named(reason, self.caps);
                let help = format!("give it more: `{flag}`{cap}");
                return goes_not_on(sentence.to_owned(), help);
            }
            None if self.is_without_room() && is_any_raised(self.caps, caps) => {}
            None => {
                let help = match self.file.kind {
                    RunKind::Search => {
                        "no cap changes that: start another run to search on, with another `--seed` or `--strategy`"
                    }
                    RunKind::Comparison { .. } if reason == StopReason::Decided => {
                        "more rows change nothing of it"
                    }
                    RunKind::Comparison { .. } | RunKind::Evaluation { .. } => {
                        "all rows were asked"
                    }
                };
                return goes_not_on(sentence.to_owned(), help.to_owned());
            }
        }
        let left = Limits::new(caps, 0, Finale::default()).time_left(self.running, now);
        match left {
            Some(Duration::ZERO) => {
                let help = "give it time: `--for 1h` or `--until 07:00`".to_owned();
                goes_not_on("its time is over".to_owned(), help)
            }
            _ => Ok(()),
        }
    }

    /// Whether something was left out for lack of room, although no cap ended the search.
    fn is_without_room(&self) -> bool {
        let hold = self.task.splits.hold.len();
        let is_part = self.state.winner.is_some_and(|(.., rows)| (rows as usize) < hold);
        let phases = self.recipe.phases();
        let phase = phases.get(usize::from(self.state.phase_number));
        let spends = |rule: &StopRule| matches!(rule, StopRule::Spent(_));
        let ends_by_share = self.state.stop_reason == Some(StopReason::Generations)
            && phase.is_some_and(|slots| slots.stop.when.iter().any(spends));
        self.file.kind == RunKind::Search && (is_part || ends_by_share)
    }
}

/// Whether the cap that ended a run is higher now; `None`: no cap did.
fn raised(reason: StopReason, before: Caps, now: Caps) -> Option<bool> {
    let is_time_given = || (now.wall, now.deadline) != (before.wall, before.deadline);
    Some(match reason {
        StopReason::BudgetUsd => is_higher(before.usd, now.usd),
        StopReason::BudgetCalls => is_higher(before.calls, now.calls),
        StopReason::BudgetTokens => is_higher(before.tokens, now.tokens),
        StopReason::BudgetProposals => is_higher(before.proposals, now.proposals),
        StopReason::BudgetWall | StopReason::Deadline => is_time_given(),
        _ => return None,
    })
}

fn is_any_raised(before: Caps, now: Caps) -> bool {
    is_higher(before.usd, now.usd)
        || is_higher(before.calls, now.calls)
        || is_higher(before.tokens, now.tokens)
        || is_higher(before.proposals, now.proposals)
        || is_higher(before.wall, now.wall)
        || is_higher(before.deadline, now.deadline)
}

fn is_higher<T: PartialOrd>(before: Option<T>, now: Option<T>) -> bool {
    before.is_some_and(|before| now.is_none_or(|now| now > before))
}

/// The flag that raises the cap that ended a run, and what the cap was.
fn named(reason: StopReason, caps: Caps) -> (&'static str, String) {
    let above = |cap: Option<String>| cap.map_or_else(String::new, |it| format!(" above {it}"));
    let number = |cap: Option<u64>| above(cap.map(text::thousands));
    match reason {
        StopReason::BudgetUsd => ("--max-usd X", above(caps.usd.map(|usd| usd.to_string()))),
        StopReason::BudgetTokens => ("--max-tokens N", number(caps.tokens.map(|it| it.0))),
        StopReason::BudgetProposals => ("--max-proposals N", number(caps.proposals)),
        StopReason::BudgetWall | StopReason::Deadline => ("--for DURATION", String::new()),
        _ => ("--max-calls N", number(caps.calls)),
    }
}

/// The flag that makes a finished run go on, with what its cap was; `None` where no cap ended it.
#[must_use]
pub fn way_on(summary: &Summary, caps: Caps) -> Option<String> {
    let reason = summary.stop_reason?;
    raised(reason, caps, caps)?;
    let (flag, cap) = named(reason, caps);
    Some(format!("{flag}{}", if cap.is_empty() { cap } else { format!(" ({})", cap.trim()) }))
}

/// How a finished run ended, for its journal.
pub(super) fn earlier_end(state: &State, summary: &Summary, wallet: &Wallet) -> EarlierEnd {
    let (winner, ..) = state.winner.unwrap_or_default();
    let rows = summary.best.as_ref().and_then(|best| best.hold).map_or(0, |hold| hold.n);
    let gain = summary.gain.map(|gain| HeldOutGain {
        mean: gain.mean,
        low: gain.low,
        high: gain.high,
        rows,
    });
    EarlierEnd {
        reason: state.stop_reason.unwrap_or(StopReason::PoolDone),
        winner,
        confirmed: summary.confirmed == Some(true),
        gain,
        usd: wallet.spent().usd,
        calls: wallet.calls(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Usd;

    #[test]
    fn only_the_cap_that_ended_a_run_makes_it_go_on() {
        let usd = |nanos| Some(Usd::from_nanos(nanos));
        let before = Caps { usd: usd(10), calls: Some(10), ..Caps::default() };
        let reasons = [StopReason::BudgetUsd, StopReason::BudgetCalls, StopReason::Stalled];
        let cases = [
            (Caps { usd: usd(11), ..before }, [Some(true), Some(false), None]),
            (Caps { calls: Some(11), ..before }, [Some(false), Some(true), None]),
            (Caps { usd: usd(9), calls: None, ..before }, [Some(false), Some(true), None]),
            (before, [Some(false), Some(false), None]),
        ];
        for (now, expected) in cases {
            assert_eq!(reasons.map(|reason| raised(reason, before, now)), expected, "{now:?}");
        }
    }
}
