//! `plan`: what a run would do, offline: splits, what the data can show, calls, tokens, dollars.

use super::args::PlanArgs;
use super::error::CliError;
use super::screen::Screen;
use super::settings;
use crate::budget::Caps;
use crate::clock::Clock;
use crate::recipe::{Evaluate, Final, Init, Recipe, Schedule};
use crate::run;
use crate::search::Limits;
use crate::stats::{rows_needed, smallest_gain};
use crate::task::example::Example;
use crate::task::model::{ModelRole, Price, Usage};
use crate::task::{Task, counts};
use crate::text;
use crate::units::{Tokens, Usd};
use serde::Serialize;
use std::fmt::Write as _;

/// The share of rows on which two prompts differ where nothing is known: a usual figure for prompts
/// that are worth comparing.
const USUAL_DISCORDANCE: f64 = 0.2;
/// Bytes of one token where nothing was counted yet: the usual figure for English.
const BYTES_PER_TOKEN: u64 = 4;
/// Under this many held-out rows a claim is hard to make.
const FEW_ROWS: usize = 100;

/// What a role would do.
#[derive(Debug, Serialize)]
struct RolePlan {
    model: String,
    calls: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    usd: Option<f64>,
}

/// What a run would do.
#[derive(Debug, Serialize)]
struct Plan {
    task: String,
    strategy: String,
    rows: std::collections::BTreeMap<String, usize>,
    smallest_gain: Option<f64>,
    hold_calls: u64,
    proposals_affordable: [u64; 2],
    roles: std::collections::BTreeMap<String, RolePlan>,
    usd: Option<f64>,
    warnings: Vec<String>,
}

pub(super) fn plan(args: &PlanArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Task::load(&args.task)?;
    let (recipe, left_out) =
        settings::recipe_for(&task, &args.strategy.strategy, &args.strategy.sets)?;
    let caps = settings::caps(&task, &args.caps, &Clock::System)?;
    if caps.usd.is_some() {
        task.check_prices()?;
    }
    run::check_simulated(&task)?;
    let mut warnings = warnings(&task);
    warnings.extend(left_out);
    warnings.extend(concurrency_warning(&recipe, args.concurrency));
    let plan = estimate(&task, &recipe, caps, warnings);
    screen.show(&serde_json::to_value(&plan)?, &shown(&plan, &task, &recipe, caps))
}

/// What a person should know before spending anything.
pub(super) fn warnings(task: &Task) -> Vec<String> {
    let mut warnings = Vec::new();
    let near = task.near_duplicates();
    for pair in near.iter().take(5) {
        warnings.push(format!(
            "rows `{}` ({}) and `{}` ({}) are nearly the same ({} alike): what is learnt from one \
             is tested on the other",
            pair.a,
            pair.a_split,
            pair.b,
            pair.b_split,
            text::percent(pair.similarity)
        ));
    }
    if near.len() > 5 {
        warnings.push(format!("{} more such pairs", near.len() - 5));
    }
    let hold = task.splits.hold.len();
    if hold == 0 {
        warnings.push("no rows are held out: whatever is found stays unconfirmed".to_owned());
    } else if hold < FEW_ROWS {
        warnings.push(format!(
            "{} can show a gain of {} at the earliest; for a gain of 5 points {} are needed",
            text::plural(hold, "held-out row"),
            text::points(smallest_gain(hold, USUAL_DISCORDANCE)),
            text::thousands(rows_needed(0.05, USUAL_DISCORDANCE) as u64)
        ));
    }
    if task.splits.train.is_empty() {
        warnings.push("no rows for train: the mutator sees no examples".to_owned());
    }
    warnings
}

/// A concurrency that the look-ahead cannot keep busy is a waste, not an error.
fn concurrency_warning(recipe: &Recipe, concurrency: Option<usize>) -> Option<String> {
    let lookahead = recipe.schedule.lookahead();
    let asked = concurrency?;
    (asked > lookahead / 4).then(|| {
        format!(
            "{asked} requests at a time want a look-ahead of {}; with {lookahead}, slots stay idle \
             (--set schedule.lookahead={})",
            4 * asked,
            4 * asked
        )
    })
}

fn mean_row_bytes(rows: &[&Example]) -> u64 {
    let total: usize = rows.iter().map(|row| Task::row_bytes(row)).sum();
    (total / rows.len().max(1)) as u64
}

/// Rollouts of one proposal: its evidence, and what its child gets: a block at least, all of dev at
/// most.
fn rollouts_per_proposal(task: &Task, recipe: &Recipe) -> [u64; 2] {
    let dev = task.splits.dev.len() as u64;
    let evidence = recipe
        .operator
        .iter()
        .map(|operator| operator.feedback().map_or(0, |feedback| feedback.size as u64))
        .max()
        .unwrap_or(0);
    match &recipe.evaluate {
        Evaluate::Full(kind) if kind.subset > 0 => [dev.min(kind.subset as u64); 2],
        Evaluate::Minibatch(kind) => [dev.min(kind.size as u64); 2],
        Evaluate::Gate(_) => [2 * evidence, 2 * evidence + dev],
        Evaluate::Race(race) => [race.block as u64, evidence + dev],
        Evaluate::RaceAll(kind) => [kind.block as u64, dev],
        Evaluate::StopOnFailure(kind) => [1, evidence + kind.most as u64],
        Evaluate::Cascade(kind) => {
            let first = kind.stages.first().copied().unwrap_or(1.0);
            [(first * dev as f64).ceil() as u64, evidence + dev]
        }
        Evaluate::MinibatchPromote(kind) => [dev.min(kind.size as u64), dev],
        Evaluate::Hyperband(kind) => [dev.min(kind.min as u64), dev],
        Evaluate::Ucb(kind) => [0, (kind.rounds * kind.pulls) as u64],
        Evaluate::Full(_) => [evidence + dev; 2],
        Evaluate::SequentialHalving(_)
        | Evaluate::ContinuousReject(_)
        | Evaluate::Cluster(_)
        | Evaluate::Regress(_) => [0, 0],
    }
}

fn estimate(task: &Task, recipe: &Recipe, caps: Caps, warnings: Vec<String>) -> Plan {
    let finale = match &recipe.finale {
        Final::Confirm(kind) => kind.share,
        _ => 0.0,
    };
    let limits = Limits::new(caps, task, finale);
    let rows = task.visible_rows();
    let prompt = task.layout.bytes_without_row(&task.seed) as u64;
    let task_usage = Usage {
        input: Tokens((prompt + mean_row_bytes(&rows)).div_ceil(BYTES_PER_TOKEN)),
        cached_input: Tokens::ZERO,
        // A short answer is usual; the longest is what is reserved.
        output: Tokens(u64::from(task.task_model().max_output_tokens).min(64)),
    };
    let mutator_usage = Usage {
        input: Tokens((4 * prompt + 6 * mean_row_bytes(&rows) + 2_000).div_ceil(BYTES_PER_TOKEN)),
        cached_input: Tokens::ZERO,
        output: Tokens((3 * prompt).div_ceil(BYTES_PER_TOKEN) + 100),
    };
    let price = |role| task.model(role).and_then(|model| model.price);
    let cost = |role, usage| price(role).map(|price: Price| price.of(usage));
    let (task_cost, mutator_cost) =
        (cost(ModelRole::Task, task_usage), cost(ModelRole::Mutator, mutator_usage));
    // A recipe of phases spends most in its last ones.
    let phases: &[Recipe] =
        if recipe.phase.is_empty() { std::slice::from_ref(recipe) } else { &recipe.phase };
    let last = phases.last().unwrap_or(recipe);
    let pool: u64 = phases
        .iter()
        .flat_map(|phase| &phase.init)
        .map(|init| match init {
            Init::Grounded(kind) => u64::from(kind.take) + 1,
            _ => u64::from(init.requests()),
        })
        .sum();
    let hold = limits.hold_calls();
    let dev = task.splits.dev.len() as u64;
    let per = rollouts_per_proposal(task, last);
    let affordable = |rollouts: u64| -> u64 {
        let mut most = caps.proposals.unwrap_or(u64::MAX);
        if let Some(cap) = caps.calls {
            let left = (cap as f64 * (1.0 - finale)) as u64;
            most = most.min(left.saturating_sub(hold + dev) / (rollouts + 1));
        }
        if let (Some(cap), Some(task_cost), Some(mutator_cost)) =
            (caps.usd, task_cost, mutator_cost)
        {
            let kept = task_cost.saturating_mul(hold + dev);
            let each = task_cost.saturating_mul(rollouts) + mutator_cost;
            let left = cap.scaled(1.0 - finale).saturating_sub(kept);
            most = most.min(left.nanos().checked_div(each.nanos()).unwrap_or(u64::MAX));
        }
        if let Some(cap) = caps.tokens {
            let each = task_usage.total().0 * rollouts + mutator_usage.total().0;
            let kept = task_usage.total().0 * (hold + dev);
            most = most.min(cap.0.saturating_sub(kept) / each.max(1));
        }
        most
    };
    let breeds = matches!(last.schedule, Schedule::Steady(_) | Schedule::Generation(_));
    let proposals = if !breeds { [pool, pool] } else { [affordable(per[1]), affordable(per[0])] };
    // The middle of what is likely: where the budget is spent on children of middling length.
    let middle =
        if proposals[1] == u64::MAX { 0 } else { u64::midpoint(proposals[0], proposals[1]) };
    let task_calls = match caps.calls {
        Some(cap) => cap.saturating_sub(middle),
        None => match (caps.usd, task_cost, mutator_cost) {
            (Some(cap), Some(task_cost), Some(mutator_cost)) => cap
                .saturating_sub(mutator_cost.saturating_mul(middle))
                .nanos()
                .checked_div(task_cost.nanos())
                .unwrap_or(0),
            _ => hold + dev + middle * u64::midpoint(per[0], per[1]),
        },
    };
    let mut roles = std::collections::BTreeMap::new();
    for (role, calls, usage, cost) in [
        (ModelRole::Task, task_calls, task_usage, task_cost),
        (ModelRole::Mutator, middle, mutator_usage, mutator_cost),
    ] {
        let Some(model) = task.model(role) else { continue };
        let role_plan = RolePlan {
            model: model.name.to_string(),
            calls,
            prompt_tokens: usage.input.0 * calls,
            completion_tokens: usage.output.0 * calls,
            usd: cost.map(|cost| cost.saturating_mul(calls).dollars()),
        };
        roles.insert(role.to_string(), role_plan);
    }
    let usd = roles
        .values()
        .map(|role| role.usd)
        .sum::<Option<f64>>()
        .map(|usd| caps.usd.map_or(usd, |cap: Usd| usd.min(cap.dollars())));
    let hold_rows = task.splits.hold.len();
    let mut plan = Plan {
        task: task.name.clone(),
        strategy: recipe.name.clone(),
        rows: counts(&task.splits).into_iter().map(|(split, n)| (split.to_string(), n)).collect(),
        smallest_gain: (hold_rows > 0).then(|| smallest_gain(hold_rows, USUAL_DISCORDANCE)),
        hold_calls: hold,
        proposals_affordable: proposals,
        roles,
        usd,
        warnings,
    };
    if pool == 0 && plan.proposals_affordable[1] < 3 {
        plan.warnings.push(
            "this budget buys fewer than 3 proposals: there is hardly a search in it".to_owned(),
        );
    }
    plan
}

fn shown(plan: &Plan, task: &Task, recipe: &Recipe, caps: Caps) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", plan.task, task.about);
    let _ = writeln!(out, "\nrows");
    for (split, purpose) in
        [("train", "shown to the mutator"), ("dev", "select"), ("hold", "confirm, once")]
    {
        let _ = writeln!(out, "  {split:<6} {:>7}  {purpose}", plan.rows.get(split).unwrap_or(&0));
    }
    if let Some(gain) = plan.smallest_gain {
        let _ = writeln!(
            out,
            "  the held-out rows can show a gain of {} (one-sided 5 %, power 80 %, prompts that \
             differ on {} of the rows)",
            text::points(gain),
            text::percent(USUAL_DISCORDANCE)
        );
    }
    let _ = writeln!(out, "\nsearch by {}: {}", recipe.name, recipe.about);
    let number =
        |count: u64| if count == u64::MAX { "any".to_owned() } else { text::thousands(count) };
    let [low, high] = plan.proposals_affordable;
    let _ = writeln!(out, "  {} to {} proposals fit", number(low), number(high));
    let _ =
        writeln!(out, "  {} calls are set aside for the held-out rows", number(plan.hold_calls));
    let _ = writeln!(out, "\nestimate        calls     tokens in    tokens out        dollars");
    for (role, planned) in &plan.roles {
        let dollars = planned.usd.map_or("unknown".to_owned(), |usd| format!("{usd:.4}"));
        let _ = writeln!(
            out,
            "  {role:<8} {:>10} {:>13} {:>13} {:>14}  {}",
            text::thousands(planned.calls),
            text::thousands(planned.prompt_tokens),
            text::thousands(planned.completion_tokens),
            dollars,
            planned.model
        );
    }
    if !settings::is_paid(task) {
        let _ = writeln!(out, "  the prices of simulated models are invented");
    }
    let _ = writeln!(out, "\ncaps: {}", shown_caps(caps));
    for warning in &plan.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    out
}

fn shown_caps(caps: Caps) -> String {
    let parts: Vec<String> = [
        caps.usd.map(|usd| usd.to_string()),
        caps.calls.map(|calls| format!("{} calls", text::thousands(calls))),
        caps.tokens.map(|tokens| format!("{tokens} tokens")),
        caps.proposals.map(|proposals| format!("{proposals} proposals")),
        caps.wall.map(text::duration),
        caps.deadline.map(|deadline| format!("until {deadline}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "none; a run needs one".to_owned() } else { parts.join(", ") }
}
