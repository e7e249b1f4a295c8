//! Whether models that are to be asked in batches can be, here and in the time that there is.
//!
//! The batch API is asked for its list, which bills nothing; no batch is begun.

use super::check::{Cause, Checks};
use crate::event::Failure;
use crate::provider::batch::BatchQuery;
use crate::provider::registry::ThrottledProvider;
use crate::recipe::Recipe;
use crate::run::Rounds;
use crate::task::Model;
use crate::task::model::Execution;
use crate::text;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::timeout;

/// How long the list is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// The check of a model that is asked in batches: whether its provider has a batch API here. Whether
/// batches can be.
pub(super) async fn check_api(
    checks: &mut Checks,
    model: &Model,
    provider: &ThrottledProvider,
    now: Timestamp,
) -> bool {
    let Some(api) = &provider.batches else {
        asked_live(checks, "its protocol has no batches");
        return false;
    };
    let sought = BatchQuery { name: "promptsearch-doctor", rows: 1, since: now };
    match timeout(PATIENCE, api.find(&model.form, sought)).await {
        Ok(Ok(_)) => {
            checks.ok("batches", "the provider lists its batches; none was begun");
            true
        }
        Ok(Err(error)) if error.failure == Failure::BadRequest => {
            no_api(checks, model, &error.message);
            false
        }
        Ok(Err(error)) => {
            unknown(checks, &error.message);
            true
        }
        Err(_) => {
            unknown(checks, &format!("no list came within {}", text::duration(PATIENCE)));
            true
        }
    }
}

fn no_api(checks: &mut Checks, model: &Model, why: &str) {
    if model.execution == Execution::Auto {
        return asked_live(checks, why);
    }
    checks.fault(
        "batches",
        Cause::Provider,
        format!("it takes no batches, so the run would stop at the first one: {why}"),
        "take out `execution = \"batch\"`; `execution = \"auto\"` asks live what no batch takes",
    );
}

fn asked_live(checks: &mut Checks, why: &str) {
    checks.warn(
        "batches",
        format!("it takes no batches, so all is asked live, at the full price: {why}"),
        "leave it, or take out `execution` so that the estimate goes by the full price",
    );
}

fn unknown(checks: &mut Checks, why: &str) {
    checks.warn(
        "batches",
        format!("whether it takes batches is not known: {why}"),
        "run `doctor` once more; `execution = \"auto\"` asks live what no batch takes",
    );
}

/// The check whether a run's calls fit into the rounds that a night has.
pub(super) fn check_rounds(
    checks: &mut Checks,
    model: &Model,
    recipe: &Recipe,
    night: Duration,
    calls: Option<u64>,
) {
    let rounds = Rounds::of(model, recipe, night);
    let has = rounds.available();
    let (time, wait) = (text::duration(night), text::duration(rounds.wait));
    let plural = |count: u64| text::plural(usize::try_from(count).unwrap_or(usize::MAX), "round");
    if has == 0 {
        return checks.warn(
            "batches",
            format!(
                "{time} have no room for a batch, which is expected to take {wait}: all is asked live, at \
                 the full price"
            ),
            "give it more time, or set `batch_wait` of the model to what its batches take",
        );
    }
    let Some(calls) = calls else {
        let has = plural(has);
        return checks.ok("batches", format!("{time} have {has} of batches, at {wait} each"));
    };
    let needs = rounds.needed(calls);
    let words = format!(
        "{time} have {} of batches, at {wait} each; {} calls need at least {}, of {} each",
        plural(has),
        text::thousands(calls),
        text::thousands(needs),
        text::thousands(rounds.requests)
    );
    if needs <= has {
        return checks.ok("batches", words);
    }
    checks.warn(
        "batches",
        format!("{words}: what does not fit is asked live, at the full price"),
        "give it more time or a smaller budget, plan more at a time (--set schedule.lookahead=N), or set \
         `batch_wait` of the model to what its batches take",
    );
}
