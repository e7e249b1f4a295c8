//! Which candidates of a finished run may be compared with the baseline on held-out rows, and on how many.

use super::error::RunError;
use super::file::{RunFile, RunKind};
use crate::caps::Caps;
use crate::engine::{ConfirmationRoom, MIN_HOLD_ROWS};
use crate::event::Confirmation;
use crate::id::CandidateIx;
use crate::memory::State;
use crate::state::Phase;
use crate::task::Task;
use crate::task::example::Split;
use crate::text::plural;
use std::sync::Arc;

/// The most candidates that are asked at once: each of them costs the others power.
pub const MOST_CANDIDATES: usize = 5;

/// What `confirm` has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfirmationPlan {
    /// All of it was done before.
    Done,
    /// It was begun, and goes on.
    GoesOn,
    /// It begins.
    Begins(Confirmation),
}

/// What there is to do for these candidates within these caps.
///
/// # Errors
/// The run is not finished or has no held-out rows, the candidates are none or too many, or the caps have no room.
pub(super) fn plan(
    (file, task, state): (&RunFile, &Arc<Task>, &State),
    candidates: &[CandidateIx],
    caps: Caps,
) -> Result<ConfirmationPlan, RunError> {
    let run = file.run.to_string();
    let refused = |why: String, help: &str| {
        Err(RunError::Unconfirmable { run: run.clone(), why, help: help.to_owned() })
    };
    if file.kind != RunKind::Search {
        return refused("it is an evaluation".to_owned(), "name a run that searched");
    }
    let mut asked = candidates.to_vec();
    asked.retain(|candidate| *candidate != CandidateIx::BASELINE);
    asked.sort_unstable();
    asked.dedup();
    if asked.is_empty() || asked.len() > MOST_CANDIDATES {
        let why = format!(
            "{} beside the baseline are named, and 1 to {MOST_CANDIDATES} can be compared with it",
            plural(asked.len(), "candidate")
        );
        return refused(
            why,
            "choose those that matter: each of them makes it harder for the others",
        );
    }
    if !state.is_concluded {
        let why = "it is not finished".to_owned();
        return refused(why, "wait for it, or `promptsearch resume` it");
    }
    if state.phase != Phase::Over {
        let is_same = asked.iter().all(|it| state.confirming.family.contains(it));
        let others = "it is comparing other candidates".to_owned();
        return match is_same {
            true => Ok(ConfirmationPlan::GoesOn),
            false => refused(others, "`promptsearch resume` it first"),
        };
    }
    if task.splits.hold.is_empty() {
        let why = "its task has no held-out rows".to_owned();
        return refused(
            why,
            "add rows, or give `hold` a share in `data.split`, and start a new run",
        );
    }
    let room = ConfirmationRoom::of(task, caps, state, &asked);
    let hold = u32::try_from(task.splits.hold.len()).unwrap_or(u32::MAX);
    let has_rows =
        |candidate: CandidateIx| state.standing(candidate).column(Split::Hold, 0).scored > 0;
    let others = state.numbered().map(|(candidate, _)| candidate).filter(|it| has_rows(*it));
    let mut family: Vec<CandidateIx> = others.chain(asked.iter().copied()).collect();
    family.retain(|candidate| *candidate != CandidateIx::BASELINE);
    family.sort_unstable();
    family.dedup();
    let before = state.compared().filter(|(it, _)| it.family == family).map(|(it, _)| it.rows);
    let before = before.last().unwrap_or(0);
    // One that time or a cap cut short is taken again: that is another look.
    let is_measured = |candidate: &CandidateIx| {
        state.standing(*candidate).column(Split::Hold, 0).scored * 5 >= before * 4
    };
    let is_done = asked.iter().chain([&CandidateIx::BASELINE]).all(is_measured);
    if before > 0 && room.rows <= before && is_done {
        return Ok(ConfirmationPlan::Done);
    }
    let least = u32::try_from(MIN_HOLD_ROWS).unwrap_or(u32::MAX).min(hold);
    if room.rows < least {
        let why = format!(
            "its caps have room for {} of {}, and {least} are needed",
            plural(room.rows as usize, "held-out row"),
            plural(asked.len(), "candidate"),
        );
        return refused(why, &more(caps, room.needed));
    }
    Ok(ConfirmationPlan::Begins(Confirmation { asked, family, rows: room.rows }))
}

/// The flags that raise those of these caps that are below what is needed.
fn more(caps: Caps, needed: Caps) -> String {
    fn short<T: PartialOrd + Copy>(own: Option<T>, needed: Option<T>) -> Option<T> {
        needed.filter(|needed| own.is_some_and(|own| own < *needed))
    }
    let usd = short(caps.usd, needed.usd);
    let flags = [
        usd.map(|usd| format!("--max-usd {:.4}", usd.dollars() + 0.000_05)),
        short(caps.calls, needed.calls).map(|calls| format!("--max-calls {calls}")),
        short(caps.tokens, needed.tokens).map(|tokens| format!("--max-tokens {}", tokens.0)),
    ];
    match flags.into_iter().flatten().collect::<Vec<_>>().join(" ") {
        flags if flags.is_empty() => "give it more time: `--for` or `--until`".to_owned(),
        flags => format!("give it more: `{flags}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Tokens, Usd};

    #[test]
    fn only_the_caps_that_are_short_are_named() {
        let caps = |usd: f64, calls, tokens| Caps {
            usd: Usd::from_dollars(usd),
            calls,
            tokens: Some(Tokens(tokens)),
            ..Caps::default()
        };
        let needed = caps(0.25, Some(1_232), 900);
        let told = more(caps(0.1, Some(5_000), 900), needed);
        assert_eq!(told, "give it more: `--max-usd 0.2500`");
        let told = more(caps(0.5, Some(300), 100), needed);
        assert_eq!(told, "give it more: `--max-calls 1232 --max-tokens 900`");
        let told = more(caps(0.5, Some(5_000), 900), needed);
        assert!(told.starts_with("give it more time"), "{told}");
    }
}
