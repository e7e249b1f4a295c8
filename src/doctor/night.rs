//! What a run as planned would cost and take, at the prices, tokens and pace that were found.

use super::batches;
use super::check::Checks;
use crate::caps::Caps;
use crate::recipe::Recipe;
use crate::report::money;
use crate::run::{self, Estimate, KnownUsage, NIGHT, RunKind};
use crate::task::Task;
use crate::task::model::{ModelRole, Usage};
use crate::text;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is known of a role's calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallPace {
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
    /// Calls of all roles; `None` where nothing limits them.
    pub calls: Option<u64>,
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
    paces: &BTreeMap<ModelRole, CallPace>,
    now: Timestamp,
    mut live: BTreeSet<ModelRole>,
) -> Night {
    let available = run::time_of(caps, now);
    let night = available.unwrap_or(NIGHT);
    let has_batches = !task.task_model().execution.is_live() && !live.contains(&ModelRole::Task);
    live.extend(run::without_batches(task, recipe, night));
    let usage = paces.iter().map(|(role, pace)| (*role, pace.usage)).collect();
    let known = KnownUsage { usage, live };
    let is_asked = |role| RunKind::Search.asks(task, recipe, role);
    let of_calls = |calls: Option<u64>| {
        let estimate = run::estimate(task, recipe, Caps { calls, ..caps }, &known);
        let seconds = seconds(task, &estimate, paces, &known);
        (estimate, seconds)
    };
    // Where no other cap binds: the number of calls that fit into the time.
    let is_free_of_caps = !run::binding(task, caps, is_asked).limits_spending();
    let fitting = paces
        .get(&ModelRole::Task)
        .filter(|_| is_free_of_caps && is_live(task, ModelRole::Task, &known));
    let fitting = fitting.map(|pace| {
        let most = (night.as_secs_f64() / pace.per_call.max(1e-6)) as u64;
        let fits = |seconds: f64| seconds <= night.as_secs_f64();
        most_calls(most, |calls| of_calls(Some(calls)).1.is_none_or(fits))
    });
    let (estimate, seconds) = of_calls(fitting.or(caps.calls));
    let calls = estimate.calls();
    if caps.is_empty() {
        checks.warn(
            "caps",
            format!("there is no cap: this is a night of {}", text::duration(NIGHT)),
            "a run needs one: `--max-usd 2`, `--max-calls 1000`, `--for 8h`, or [budget] in the task",
        );
    }
    if let Some(words) = run::no_cap_binds(task, caps, is_asked) {
        checks.warn(
            "caps",
            format!("{words}; this is a night of {}", text::duration(NIGHT)),
            "give `--max-calls 1000`, `--max-proposals 50` or `--for 8h`, or say so in [budget]",
        );
    }
    if has_batches {
        let role = estimate.roles.get(&ModelRole::Task.to_string());
        let calls = role.and_then(|role| role.calls);
        batches::check_rounds(checks, task.task_model(), recipe, night, calls);
    }
    cost(checks, &estimate, calls);
    duration(checks, seconds, available);
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
fn is_live(task: &Task, role: ModelRole, known: &KnownUsage) -> bool {
    known.live.contains(&role) || task.model(role).is_some_and(|model| model.execution.is_live())
}

/// The most calls that fit, of at most this many. More calls take more time.
fn most_calls(most: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut fitting, mut beyond) = (0, most.saturating_add(1));
    while beyond - fitting > 1 {
        let middle = u64::midpoint(fitting, beyond);
        if fits(middle) {
            fitting = middle;
        } else {
            beyond = middle;
        }
    }
    fitting
}

/// How long the calls take: roles at one provider share its places, and others work side by side.
fn seconds(
    task: &Task,
    estimate: &Estimate,
    paces: &BTreeMap<ModelRole, CallPace>,
    known: &KnownUsage,
) -> Option<f64> {
    let mut by_provider: BTreeMap<&str, f64> = BTreeMap::new();
    for role in task.roles() {
        let Some(planned) = estimate.roles.get(&role.to_string()).filter(|it| it.calls != Some(0))
        else {
            continue;
        };
        let model = task.model(role).filter(|_| is_live(task, role, known))?;
        let pace = paces.get(&role)?;
        *by_provider.entry(model.name.provider()).or_default() +=
            pace.per_call * planned.calls? as f64;
    }
    by_provider.into_values().max_by(f64::total_cmp)
}

fn cost(checks: &mut Checks, estimate: &Estimate, calls: Option<u64>) {
    let Some(calls) = calls else {
        return match estimate.worst_usd {
            Some(0.0) => checks.ok("cost", "free, and nothing limits the calls"),
            _ => checks.warn(
                "cost",
                "nothing limits the calls and their dollars but the time",
                "give `--max-usd 2`, `--max-calls 1000`, `--max-tokens` or `--max-proposals`",
            ),
        };
    };
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

fn duration(checks: &mut Checks, seconds: Option<f64>, available: Option<Duration>) {
    let shown = |seconds: f64| {
        text::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    };
    let Some(seconds) = seconds else {
        return checks.ok("time", "not known: no answer to go by, or calls wait for batches");
    };
    match available {
        Some(time) if seconds > time.as_secs_f64() => checks.warn(
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
