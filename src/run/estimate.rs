//! What a run would do and cost, before anything is asked: calls, tokens, dollars.
//!
//! An estimate for people, for `plan` and `doctor`. No decision of a run uses it.

use crate::caps::Caps;
use crate::ledger::{Limits, estimate_tokens, worst_case};
use crate::recipe::Recipe;
use crate::stats::power::USUAL_DISCORDANCE;
use crate::stats::smallest_gain;
use crate::strategy::Slots;
use crate::task::Task;
use crate::task::example::Example;
use crate::task::model::{ModelRole, Price, PriceSource, Usage};
use crate::units::{Tokens, Usd};
use serde::Serialize;
use std::collections::BTreeMap;

/// The assumed number of bytes per token, before anything is counted; usual for English.
const BYTES_PER_TOKEN: u64 = 4;

/// The estimated calls and cost of one role.
#[derive(Clone, Debug, Serialize)]
pub struct RoleEstimate {
    /// `provider/model`.
    pub model: String,
    /// Calls.
    pub calls: u64,
    /// Prompt tokens of all of them.
    pub prompt_tokens: u64,
    /// Answer tokens of all of them.
    pub completion_tokens: u64,
    /// Dollars; `None` where the price is not known.
    pub usd: Option<f64>,
    /// Where its price comes from.
    pub price_source: Option<PriceSource>,
    /// Dollars, if prompts and answers are as long as they may be.
    pub worst_usd: Option<f64>,
}

/// The estimate of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// The task's name.
    pub task: String,
    /// The recipe's name.
    pub strategy: String,
    /// Rows of each split.
    pub rows: BTreeMap<String, usize>,
    /// The smallest gain that the held-out rows can show, in points; `None` without held-out rows.
    pub smallest_gain: Option<f64>,
    /// Calls that are set aside for the held-out rows.
    pub hold_calls: u64,
    /// Fewest and most proposals that the budget pays for; `u64::MAX` where nothing limits them.
    pub proposals_affordable: [u64; 2],
    /// By role.
    pub roles: BTreeMap<String, RoleEstimate>,
    /// Dollars, at most the cap.
    pub usd: Option<f64>,
    /// Dollars at worst, at most the cap.
    pub worst_usd: Option<f64>,
    /// Whether the search breeds and the budget pays for too few proposals.
    #[serde(skip)]
    pub is_too_little: bool,
}

fn mean_row_bytes(rows: &[&Example]) -> u64 {
    let total: usize = rows.iter().map(|row| Task::row_bytes(row)).sum();
    (total / rows.len().max(1)) as u64
}

/// Least and most rollouts per proposal: those for its evidence, and those of its child, which gets
/// one block at least and all of dev at most.
fn rollouts_per_proposal(task: &Task, slots: &Slots) -> [u64; 2] {
    let dev = task.splits.dev.len() as u64;
    let shown = slots.operator.iter().filter_map(|operator| operator.feedback());
    let evidence = shown.map(|feedback| feedback.size as u64).max().unwrap_or(0);
    slots.evaluate.rows_per_child(dev, evidence)
}

/// The estimate of a run. `measured` is what one call of a role used, where that is known; else it is
/// assumed from the lengths of texts.
#[must_use]
pub fn estimate(
    task: &Task,
    recipe: &Recipe,
    caps: Caps,
    measured: &BTreeMap<ModelRole, Usage>,
) -> Estimate {
    let dev_rows = u32::try_from(task.splits.dev.len()).unwrap_or(u32::MAX);
    let finale = recipe.slots.finale.kept(dev_rows);
    let limits = Limits::new(caps, task.splits.hold.len() as u64, finale);
    let rows = task.visible_rows();
    let prompt = task.layout.bytes_without_row(&task.baseline) as u64;
    let of = |role, assumed| measured.get(&role).copied().unwrap_or(assumed);
    let row_bytes = mean_row_bytes(&rows);
    let assumed = Usage::plain(
        (prompt + row_bytes).div_ceil(BYTES_PER_TOKEN),
        // Most answers are short. The longest possible answer is only what is reserved.
        u64::from(task.task_model().max_output_tokens).min(64),
    );
    let task_usage = of(ModelRole::Task, assumed);
    let assumed = Usage::plain(
        (4 * prompt + 6 * row_bytes + 2_000).div_ceil(BYTES_PER_TOKEN),
        (3 * prompt).div_ceil(BYTES_PER_TOKEN) + 100,
    );
    let price = |role| {
        let model = task.model(role)?;
        model.price.map(|price| if model.execution.is_live() { price } else { price.in_batch() })
    };
    let cost = |role, usage| price(role).map(|price: Price| price.of(usage));
    // Several mutators are drawn by their weights until something is learnt of them.
    let weights: f64 = task.mutators().map(|(_, model)| model.weight).sum();
    let mutators: Vec<(ModelRole, f64, Usage)> = task
        .mutators()
        .map(|(role, model)| (role, model.weight / weights, of(role, assumed)))
        .collect();
    let task_cost = cost(ModelRole::Task, task_usage);
    let mutator_cost = mutators
        .iter()
        .map(|(role, share, usage)| cost(*role, *usage).map(|cost| cost.scaled(*share)))
        .sum::<Option<Usd>>()
        .filter(|_| !mutators.is_empty());
    let mutator_tokens: f64 =
        mutators.iter().map(|(_, share, usage)| share * usage.total().0 as f64).sum();
    // A recipe with phases spends most of its budget in the last one.
    let phases = recipe.phases();
    let last = phases.last().unwrap_or(&recipe.slots);
    let pool: u64 =
        phases.iter().flat_map(|phase| &phase.init).map(|init| init.all_requests()).sum();
    let hold = limits.hold_calls();
    let dev = task.splits.dev.len() as u64;
    let per = rollouts_per_proposal(task, last);
    let affordable = |rollouts: u64| -> u64 {
        let mut most = caps.proposals.unwrap_or(u64::MAX);
        if let Some(cap) = caps.calls {
            let left = cap.saturating_sub(finale.kept(cap, 1));
            most = most.min(left.saturating_sub(hold + dev) / (rollouts + 1));
        }
        if let (Some(cap), Some(task_cost), Some(mutator_cost)) =
            (caps.usd, task_cost, mutator_cost)
        {
            let kept = task_cost.saturating_mul(hold + dev);
            let each = task_cost.saturating_mul(rollouts) + mutator_cost;
            let finale = Usd::from_nanos(finale.kept(cap.nanos(), task_cost.nanos()));
            let left = cap.saturating_sub(finale).saturating_sub(kept);
            most = most.min(left.nanos().checked_div(each.nanos()).unwrap_or(u64::MAX));
        }
        if let Some(cap) = caps.tokens {
            let each = task_usage.total().0 * rollouts + mutator_tokens.ceil() as u64;
            let kept = task_usage.total().0 * (hold + dev);
            most = most.min(cap.0.saturating_sub(kept) / each.max(1));
        }
        most
    };
    let proposals = if !last.schedule.breeds() {
        [pool, pool]
    } else {
        [affordable(per[1]), affordable(per[0])]
    };
    // The midpoint of the range of affordable proposals.
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
    // Prompts may grow up to `max_tokens`; a proposal shows the prompt, its form and some rows.
    let row = estimate_tokens(None, row_bytes as usize).0;
    let longest = [task.max_tokens + row, 4 * task.max_tokens + 6 * row];
    let mut roles = BTreeMap::new();
    let of_task = (ModelRole::Task, task_calls, task_usage, longest[0]);
    // Rounded so that their sum is that of all.
    let (mut share_so_far, mut calls_so_far) = (0.0, 0);
    let of_mutators = mutators.iter().map(|(role, share, usage)| {
        share_so_far += share;
        let calls = ((middle as f64 * share_so_far).round() as u64).saturating_sub(calls_so_far);
        calls_so_far += calls;
        (*role, calls, *usage, longest[1])
    });
    for (role, calls, usage, prompt) in std::iter::once(of_task).chain(of_mutators) {
        let Some(model) = task.model(role) else { continue };
        let most = Tokens(u64::from(model.max_output_tokens));
        let worst = |price| worst_case(Some(price), Tokens(prompt), most).usd;
        let role_plan = RoleEstimate {
            model: model.name.to_string(),
            calls,
            prompt_tokens: usage.prompt().0.saturating_mul(calls),
            completion_tokens: usage.answer().0.saturating_mul(calls),
            usd: cost(role, usage).map(|cost| cost.saturating_mul(calls).dollars()),
            price_source: model.price_source.clone(),
            worst_usd: price(role).map(|price| worst(price).saturating_mul(calls).dollars()),
        };
        roles.insert(role.to_string(), role_plan);
    }
    let capped = |usd: f64| caps.usd.map_or(usd, |cap: Usd| usd.min(cap.dollars()));
    let usd = roles.values().map(|role| role.usd).sum::<Option<f64>>().map(capped);
    let worst_usd = roles.values().map(|role| role.worst_usd).sum::<Option<f64>>().map(capped);
    let hold_rows = task.splits.hold.len();
    let rows = task.splits.sizes().each().map(|(split, rows)| (split.to_string(), rows as usize));
    let rows = rows.into_iter().collect();
    Estimate {
        task: task.name.clone(),
        strategy: recipe.name.clone(),
        rows,
        smallest_gain: (hold_rows > 0).then(|| smallest_gain(hold_rows, USUAL_DISCORDANCE)),
        hold_calls: hold,
        proposals_affordable: proposals,
        roles,
        usd,
        worst_usd,
        is_too_little: pool == 0 && proposals[1] < 3,
    }
}
