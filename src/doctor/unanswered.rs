//! A role without an answer: which check that ends at, what the server said, and what to do.

use super::check::{Cause, Checks};
use super::probe::NotAnswered;
use super::rates;
use crate::engine::Remedy;
use crate::event::Failure;
use crate::provider::LlmError;
use crate::provider::limit::BlockedBy;
use crate::task::model::ModelRole;
use crate::text;
use crate::units::Amount;
use std::time::Duration;

/// What is known of a provider beside one role's own attempts: from the other roles that asked it.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere {
    /// Whether it answered one of them.
    pub(super) answers: bool,
    /// To which of them it said what instead of an answer.
    pub(super) said: Option<(ModelRole, String)>,
}

impl Elsewhere {
    /// Whether it was asked, and answered nothing.
    fn is_silent(&self) -> bool {
        !self.answers && self.said.is_some()
    }
}

/// The check of a role that has no answer.
pub(super) fn check(
    checks: &mut Checks,
    role: ModelRole,
    place: &str,
    why: &NotAnswered,
    elsewhere: &Elsewhere,
) {
    match why {
        NotAnswered::Failed(error) => {
            failed(checks, role, error);
            rates::check_of_failure(checks, error.envelope.left);
        }
        NotAnswered::NoRoom(worst) => no_room(checks, *worst),
        NotAnswered::Blocked(hold) => held(checks, place, *hold, elsewhere),
    }
}

fn no_room(checks: &mut Checks, worst: Amount) {
    checks.fault(
        "budget",
        Cause::Task,
        format!(
            "not asked: one call may cost {} and {} tokens, which is more than the caps leave",
            worst.usd,
            text::thousands(worst.tokens.0)
        ),
        "raise the cap, or lower `max_output_tokens` of the model",
    );
}

/// A role that was not asked, because something kept it back. It is the provider's fault where that was
/// the provider, and it answered no role.
fn held(checks: &mut Checks, place: &str, hold: Option<BlockedBy>, elsewhere: &Elsewhere) {
    let left = |left: Duration| text::duration(left);
    let (words, remedy) = match hold {
        Some(BlockedBy::OtherRuns(runs)) => {
            let words = match runs {
                1 => "not asked: another run on this machine uses all that this key allows"
                    .to_owned(),
                _ => format!(
                    "not asked: {runs} other runs on this machine use all that this key allows"
                ),
            };
            let remedy = "wait until it is over; runs that share a key take turns";
            return checks.warn("limits", words, remedy);
        }
        // Another role waits for it, too.
        Some(BlockedBy::Full | BlockedBy::Paced(_)) | None if elsewhere.is_silent() => (
            format!("not asked: {place} answers nothing"),
            "wait until it does, and try again: a run waits for it by itself",
        ),
        Some(BlockedBy::Full) | None => {
            let words = "not asked: the calls of other roles kept all places to themselves";
            let remedy = "raise `concurrency` of the provider (or `--concurrency`), or try again";
            return checks.warn("limits", words, remedy);
        }
        Some(BlockedBy::Paced(time)) => {
            let words = format!(
                "not asked: by `rpm` and `tpm` of the provider, or by the pace that it was seen to take, \
                 the next request is due in {}",
                left(time)
            );
            let remedy = "try again then; raise `rpm` and `tpm` where the provider allows more";
            return checks.warn("limits", words, remedy);
        }
        Some(BlockedBy::Asked(time)) => (
            format!("not asked: {place} asks to wait, for {} more", left(time)),
            "wait that long, or set `rpm` and `tpm` of the provider below its limits",
        ),
        Some(BlockedBy::UsedUp(time)) => (
            format!("not asked: {place} says that its limits are used up for {}", left(time)),
            "wait that long, or use another key",
        ),
        Some(BlockedBy::Away(_)) => (
            format!("not asked: {place} is not ready"),
            "wait until it is, and try again: a run waits for it by itself",
        ),
    };
    let words = match &elsewhere.said {
        Some((role, said)) => format!("{words}; to the {role} model, {said}"),
        None => words,
    };
    match elsewhere.answers {
        true => checks.warn("limits", words, remedy),
        false => checks.fault("limits", Cause::Provider, words, remedy),
    }
}

/// What a server said instead of an answer, and how long it asks to wait.
pub(super) fn said(error: &LlmError) -> String {
    match error.retry_after {
        Some(wait) => {
            format!("{}; it asks to wait {}", error.message, rates::seconds(wait))
        }
        None => error.message.clone(),
    }
}

/// Which check an attempt without an answer ended at, and what to do.
fn failed(checks: &mut Checks, role: ModelRole, error: &LlmError) {
    let Remedy { check, words, .. } = Remedy::of(error);
    let words = match (error.failure, role) {
        (Failure::Filter, ModelRole::Mutator(_)) => {
            "the provider's filter refuses your prompt or rows"
        }
        (Failure::Filter, _) => "the provider's filter refuses the first row: try another model",
        _ => words,
    };
    checks.fault(check, Cause::Provider, said(error), words);
}
