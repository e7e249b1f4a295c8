//! What a run spent, by role, and what caches, batches and second requests did to it.

use super::Report;
use super::words::{cost, counted, visible_line};
use crate::run::{MutatorEarned, ReusedFrom, RoleSpent, Spent, Summary};
use crate::task::model::ModelRole;
use crate::text::{duration, percent, plural, thousands};
use crate::units::Tokens;
use serde::Serialize;
use std::time::Duration;

/// Shown for an unknown value.
pub(super) const NONE: &str = "–";

/// What was spent.
#[derive(Serialize)]
pub(super) struct Spend {
    pub(super) roles: Vec<RoleRow>,
    pub(super) total: RoleRow,
    pub(super) lost: Option<String>,
    pub(super) cached: Option<String>,
    /// Answers that were taken over from earlier runs, a phrase for each of these.
    pub(super) reused: Vec<String>,
    /// What the caches of providers held, and what that saved.
    pub(super) provider_cache: Option<String>,
    pub(super) batches: Option<String>,
    /// How many requests were sent twice, and what that cost.
    pub(super) hedges: Option<String>,
    pub(super) time: String,
    pub(super) why_ended: Option<&'static str>,
    /// What each mutator has earned, where there are several.
    pub(super) mutators: Vec<String>,
}

/// What one role spent.
#[derive(Serialize)]
pub(super) struct RoleRow {
    pub(super) role: String,
    pub(super) model: String,
    pub(super) calls: String,
    pub(super) prompt_tokens: String,
    pub(super) completion_tokens: String,
    pub(super) usd: String,
}

pub(super) fn spend(report: &Report<'_>) -> Spend {
    let spent = &report.summary.spent;
    // All sums of the column have the same number of decimals, enough for the smallest.
    let decimals = match spent.usd {
        usd if usd >= 10.0 => 2,
        usd if usd >= 0.01 => 4,
        _ => 7,
    };
    let money = |usd: f64| {
        if usd == 0.0 { "$0".to_owned() } else { format!("${usd:.decimals$}") }
    };
    let named = spent.by_role.iter();
    let mut roles: Vec<(ModelRole, &RoleSpent)> = named
        .filter_map(|(name, of)| Some((ModelRole::try_from(name.clone()).ok()?, of)))
        .collect();
    roles.sort_by_key(|(role, _)| *role);
    let roles = roles.into_iter().filter_map(|(role, of)| {
        let model = report.task.model(role);
        if of.calls == 0 && of.usd == 0.0 && model.is_none() {
            return None;
        }
        Some(RoleRow {
            role: role.to_string(),
            model: model.map_or_else(String::new, |model| visible_line(&model.name.to_string())),
            calls: thousands(of.calls),
            prompt_tokens: of.prompt_tokens.to_string(),
            completion_tokens: of.completion_tokens.to_string(),
            usd: money(of.usd),
        })
    });
    let tokens = |of: fn(&RoleSpent) -> Tokens| spent.by_role.values().map(of).sum::<Tokens>();
    Spend {
        roles: roles.collect(),
        total: RoleRow {
            role: "total".to_owned(),
            model: String::new(),
            calls: thousands(spent.calls()),
            prompt_tokens: tokens(|role| role.prompt_tokens).to_string(),
            completion_tokens: tokens(|role| role.completion_tokens).to_string(),
            usd: money(spent.usd),
        },
        lost: (spent.lost > 0.0).then(|| money(spent.lost)),
        cached: (spent.cached_calls > 0)
            .then(|| plural(usize::try_from(spent.cached_calls).unwrap_or(usize::MAX), "call")),
        reused: report.summary.reused.iter().map(|from| reused(from, money)).collect(),
        provider_cache: provider_cache(spent),
        batches: batches(spent).or_else(|| without_batches(report)),
        hedges: hedges(spent),
        time: Duration::try_from_secs_f64(spent.seconds).map_or_else(|_| NONE.to_owned(), duration),
        why_ended: report.summary.stop_reason.map(crate::event::StopReason::sentence),
        mutators: mutators(report.summary, money),
    }
}

/// How many answers of an earlier run were taken over.
fn reused(from: &ReusedFrom, money: impl Fn(f64) -> String) -> String {
    let answers = counted(from.answers, "answer");
    let run = visible_line(from.run.as_str());
    match from.answers {
        0 => format!("no answer reused from {run}"),
        _ => format!("{answers} reused from {run}, worth {}", money(from.usd)),
    }
}

/// What each of several mutators has earned, in a sentence each.
fn mutators(summary: &Summary, money: impl Fn(f64) -> String) -> Vec<String> {
    let sentence = |one: &MutatorEarned| {
        visible_line(&format!(
            "{} ({}): {}, {} accepted, which gained {} over their parents in all, for {}",
            one.role,
            one.model,
            counted(one.proposals, "proposal"),
            thousands(one.accepted),
            summary.score_form.gain(one.gain),
            money(one.cost_usd)
        ))
    };
    match summary.mutators.len() {
        0 | 1 => Vec::new(),
        _ => summary.mutators.iter().map(sentence).collect(),
    }
}

/// What the caches of providers held of the prompts, and what that saved or cost.
fn provider_cache(spent: &Spent) -> Option<String> {
    let sum = |of: fn(&RoleSpent) -> Tokens| spent.by_role.values().map(of).sum::<Tokens>();
    let (cached, written) = (sum(|role| role.cached_tokens), sum(|role| role.cache_write_tokens));
    if cached + written == Tokens::ZERO {
        return None;
    }
    let share = cached.0 as f64 / sum(|role| role.prompt_tokens).0.max(1) as f64;
    let saved: f64 = spent.by_role.values().map(|role| role.cache_saved_usd).sum();
    let outcome = match saved {
        saved if saved > 0.0 => format!(", which saved {}", cost(saved)),
        saved if saved < 0.0 => format!(", which cost {} more", cost(-saved)),
        _ => String::new(),
    };
    Some(format!("{} of the prompt tokens came from the provider's cache{outcome}", percent(share)))
}

/// Which share of the calls came in batches, and what that saved.
fn batches(spent: &Spent) -> Option<String> {
    let roles = spent.by_role.values().filter(|role| role.batch_calls > 0);
    let (mut batched, mut calls, mut saved) = (0, 0, 0.0);
    for role in roles {
        batched += role.batch_calls;
        calls += role.calls;
        saved += role.batch_saved_usd;
    }
    let (batched, calls, saved) = (thousands(batched), thousands(calls), cost(saved));
    (calls != "0")
        .then(|| format!("{batched} of {calls} calls came in batches, which saved {saved}"))
}

/// That no call came in a batch, where the run was started to ask models in batches: a resume may have asked them live.
fn without_batches(report: &Report<'_>) -> Option<String> {
    let roles: Vec<_> =
        report.task.models().filter(|(_, model)| !model.execution.is_live()).collect();
    let by_role = &report.summary.spent.by_role;
    let calls = roles.iter().filter_map(|(role, _)| by_role.get(&role.to_string()));
    let calls: u64 = calls.map(|role| role.calls).sum();
    let names = roles.iter().map(|(role, model)| format!("the {role} model `{}`", model.name));
    (calls > 0 && report.summary.open_batches.is_empty()).then(|| {
        visible_line(&format!(
            "no call came in a batch, so all were paid at the full price, although the run was started with \
             batches for {}: too few requests waited together, none would have come in time, the provider takes \
             none (debug.log says which), or the run was resumed without batches",
            names.collect::<Vec<_>>().join(" and ")
        ))
    })
}

/// How many requests were late and sent a second time, and what that cost.
fn hedges(spent: &Spent) -> Option<String> {
    let hedged: u64 = spent.by_role.values().map(|role| role.hedged_calls).sum();
    let usd: f64 = spent.by_role.values().map(|role| role.hedge_usd).sum();
    let requests = plural(usize::try_from(hedged).unwrap_or(usize::MAX), "late request");
    let was = if hedged == 1 { "was" } else { "were" };
    let tokens: Tokens = spent.by_role.values().map(|role| role.hedge_tokens).sum();
    let failed: u64 = spent.by_role.values().map(|role| role.failed_hedges).sum();
    let failed = match failed {
        0 => String::new(),
        _ => format!("; of {failed} of these pairs, one request failed or both did"),
    };
    (hedged > 0).then(|| {
        let cost = cost(usd);
        format!(
            "{requests} {was} sent a second time, which cost {cost} and {tokens} tokens{failed}"
        )
    })
}
