//! What a run as planned would cost and take, at the prices, tokens and pace that were found.

use super::batches;
use super::check::Checks;
use crate::caps::Caps;
use crate::recipe::Recipe;
use crate::report::money;
use crate::run::{self, Estimate, Known, NIGHT};
use crate::task::Task;
use crate::task::model::{ModelRole, Usage};
use crate::text;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is known of a role's calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// What one used.
    pub(super) usage: Usage,
    /// Seconds that each of many takes, with as many at a time as are allowed.
    pub(super) per_call: f64,
}

/// What a run as planned would be.
#[derive(Clone, Debug, Serialize)]
pub struct Night {
    /// The estimate, as `plan` makes it, with the tokens of the calls that were made.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Calls of all roles.
    pub calls: u64,
    /// Seconds that they take; `None` where no call was answered, or where models are asked in batches.
    pub seconds: Option<f64>,
    /// Seconds that there are, by the caps on time.
    pub seconds_available: Option<f64>,
}

/// The run as it would be from now on. `live` are the roles that the task asks in batches, and whose provider
/// takes none.
pub(super) fn check(
    checks: &mut Checks,
    task: &Task,
    recipe: &Recipe,
    caps: Caps,
    paces: &BTreeMap<ModelRole, Measured>,
    now: Timestamp,
    mut live: BTreeSet<ModelRole>,
) -> Night {
    let available = run::time_of(caps, now);
    let night = available.unwrap_or(NIGHT);
    let has_batches = !task.task_model().execution.is_live() && !live.contains(&ModelRole::Task);
    live.extend(run::without_batches(task, recipe, night));
    let usage = paces.iter().map(|(role, pace)| (*role, pace.usage)).collect();
    let known = Known { usage, live };
    let planned = bounded(task, caps, paces, &known, night);
    let estimate = run::estimate(task, recipe, planned, &known);
    let seconds = seconds(task, &estimate, paces, &known);
    let calls = estimate.roles.values().map(|role| role.calls).sum();
    if caps.is_empty() {
        checks.warn(
            "caps",
            format!("there is no cap: this is a night of {}", text::duration(NIGHT)),
            "a run needs one: `--max-usd 2`, `--max-calls 1000`, `--for 8h`, or [budget] in the task",
        );
    }
    if has_batches {
        let role = estimate.roles.get(&ModelRole::Task.to_string());
        let calls = role.map_or(0, |role| role.calls);
        batches::check_rounds(checks, task.task_model(), recipe, night, calls);
    }
    cost(checks, &estimate, calls);
    duration(checks, caps, seconds, available);
    if estimate.is_too_little {
        checks.warn(
            "budget",
            "it pays for fewer than 3 proposals, which is too few for a search",
            "raise the caps",
        );
    }
    let seconds_available = available.map(|time| time.as_secs_f64());
    Night { estimate, calls, seconds, seconds_available }
}

/// Whether all calls of a role are made one by one.
fn is_live(task: &Task, role: ModelRole, known: &Known) -> bool {
    known.live.contains(&role) || task.model(role).is_some_and(|model| model.execution.is_live())
}

/// The caps, with the calls that the time has room for where nothing else bounds them.
fn bounded(
    task: &Task,
    caps: Caps,
    paces: &BTreeMap<ModelRole, Measured>,
    known: &Known,
    time: Duration,
) -> Caps {
    match paces.get(&ModelRole::Task) {
        Some(pace) if !caps.limits_spending() && is_live(task, ModelRole::Task, known) => {
            let calls = time.as_secs_f64() / pace.per_call.max(1e-6);
            Caps { calls: Some(calls as u64), ..caps }
        }
        _ => caps,
    }
}

/// How long the calls take: roles at one provider share its places, and others work side by side.
fn seconds(
    task: &Task,
    estimate: &Estimate,
    paces: &BTreeMap<ModelRole, Measured>,
    known: &Known,
) -> Option<f64> {
    let mut by_provider: BTreeMap<&str, f64> = BTreeMap::new();
    for role in task.roles() {
        let Some(planned) = estimate.roles.get(&role.to_string()).filter(|it| it.calls > 0) else {
            continue;
        };
        let model = task.model(role).filter(|_| is_live(task, role, known))?;
        let pace = paces.get(&role)?;
        *by_provider.entry(model.name.provider()).or_default() +=
            pace.per_call * planned.calls as f64;
    }
    by_provider.into_values().max_by(f64::total_cmp)
}

fn cost(checks: &mut Checks, estimate: &Estimate, calls: u64) {
    let calls = text::plural(usize::try_from(calls).unwrap_or(usize::MAX), "call");
    match (estimate.usd, estimate.worst_usd) {
        (Some(usd), Some(worst)) => {
            checks.ok("cost", format!("{calls}: about {}, at most {}", money(usd), money(worst)));
        }
        _ => checks.warn(
            "cost",
            format!("{calls}, whose price is not known"),
            "state the price of the model in its provider's table, or `free = true`",
        ),
    }
}

fn duration(checks: &mut Checks, caps: Caps, seconds: Option<f64>, available: Option<Duration>) {
    let shown = |seconds: f64| {
        text::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    };
    let Some(seconds) = seconds else {
        return checks.ok("time", "not known: no answer to go by, or calls wait for batches");
    };
    match available {
        Some(time) if caps.limits_spending() && seconds > time.as_secs_f64() => checks.warn(
            "time",
            format!(
                "takes about {} at this pace; its time of {} is over after {} of it",
                shown(seconds),
                text::duration(time),
                text::percent(time.as_secs_f64() / seconds)
            ),
            "give it more time, a smaller budget, or a higher `concurrency` where limits allow it",
        ),
        Some(time) => checks.ok(
            "time",
            format!("takes about {} of {} at this pace", shown(seconds), text::duration(time)),
        ),
        None => checks.ok("time", format!("takes about {} at this pace", shown(seconds))),
    }
}
