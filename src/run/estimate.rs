//! What a run would do and cost, before anything is asked: calls, tokens, dollars.
//!
//! An estimate for people, for `plan` and `doctor`. One decision uses it: the width, which is chosen once and
//! frozen with the run.

use super::affordable::{Affordable, CallCost};
use super::lengths::Lengths;
use crate::caps::Caps;
use crate::ledger::{Limits, worst_case};
use crate::recipe::Recipe;
use crate::stats::power::USUAL_DISCORDANCE;
use crate::stats::smallest_gain;
use crate::strategy::{Slots, StopRule};
use crate::task::model::{Execution, ModelRole, Price, PriceSource, Usage};
use crate::task::{Model, Task};
use crate::units::{Tokens, Usd};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The estimated calls and cost of one role.
#[derive(Clone, Debug, Serialize)]
pub struct RoleEstimate {
    /// `provider/model`.
    pub model: String,
    /// Calls; `None` where nothing limits them.
    pub calls: Option<u64>,
    /// Prompt tokens of all of them.
    pub prompt_tokens: Option<u64>,
    /// Answer tokens of all of them.
    pub completion_tokens: Option<u64>,
    /// Dollars; `None` where the price is not known, or nothing limits the calls.
    pub usd: Option<f64>,
    /// Dollars that batches save of that at most, where a call may be asked either way (`auto`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batches_save_usd: Option<f64>,
    /// Where its price comes from.
    pub price_source: Option<PriceSource>,
    /// Dollars, if prompts and answers are as long as they may be.
    pub worst_usd: Option<f64>,
}

/// What is known of a run beside its task, recipe and caps.
#[derive(Clone, Debug, Default)]
pub struct KnownUsage {
    /// What one call of a role used; where it is missing, it is assumed from the lengths of texts.
    pub usage: BTreeMap<ModelRole, Usage>,
    /// Roles that the task asks in batches, and whose calls all go live nevertheless.
    pub live: BTreeSet<ModelRole>,
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
    /// The held-out rows that these calls pay for, with two prompts each.
    pub held_out_rows: usize,
    /// Fewest and most proposals that the budget pays for; `None` where nothing limits them.
    pub proposals_affordable: [Option<u64>; 2],
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

impl Estimate {
    /// Proposals: the middle of what the budget pays for; `None` where nothing limits them.
    #[must_use]
    pub fn proposals(&self) -> Option<u64> {
        middle(self.proposals_affordable)
    }

    /// Calls of all roles; `None` where nothing limits them.
    #[must_use]
    pub fn calls(&self) -> Option<u64> {
        let calls = self.roles.values().map(|role| role.calls);
        calls.reduce(|all, calls| Some(all?.saturating_add(calls?))).unwrap_or(Some(0))
    }
}

/// Rows that a proposal shows at most.
fn shown_rows(slots: &Slots) -> u64 {
    let shown = slots.operator.iter().filter_map(|operator| operator.feedback());
    shown.map(|feedback| feedback.size as u64).max().unwrap_or(0)
}

/// The share of the budget after which a phase ends: all of it where its recipe names none.
fn share_of(phase: &Slots) -> f64 {
    let shares = phase.stop.when.iter().filter_map(|rule| match rule {
        StopRule::Spent(share) => Some(*share),
        _ => None,
    });
    shares.fold(1.0, f64::min)
}

/// The most children that a recipe breeds, by what stops it: `None` where a phase breeds as long as it can pay.
fn most_children(phases: &[Slots]) -> Option<u64> {
    let of_phase = |phase: &Slots| {
        if !phase.schedule.breeds() {
            return Some(0);
        }
        let each = phase.schedule.children().unwrap_or(1) as u64;
        let children = phase.stop.when.iter().filter_map(|rule| match rule {
            StopRule::Children(most) => Some(u64::from(*most)),
            StopRule::Generations(most) => Some(u64::from(*most).saturating_mul(each)),
            _ => None,
        });
        children.min()
    };
    phases.iter().map(of_phase).sum()
}

/// A mutator's share of the proposals, and what one of them uses.
#[derive(Clone, Copy, Debug)]
struct MutatorShare {
    role: ModelRole,
    share: f64,
    usage: Usage,
}

/// The middle of what the budget pays for; `None` where nothing limits it.
fn middle([least, most]: [Option<u64>; 2]) -> Option<u64> {
    Some(u64::midpoint(least?, most?))
}

/// A number of calls by shares, rounded so that their sum is that of all.
fn by_shares(calls: u64, shares: impl Iterator<Item = f64>) -> impl Iterator<Item = u64> {
    shares.scan((0.0, 0), move |(share, before), each| {
        *share += each;
        let until = (calls as f64 * *share).round() as u64;
        let part = until.saturating_sub(*before);
        *before += part;
        Some(part)
    })
}

impl KnownUsage {
    /// What a role's calls are paid at; `None` where that is not known. Which calls of `auto` come in
    /// batches is not known before, so they count at the full price.
    fn price_of(&self, role: ModelRole, model: &Model) -> Option<Price> {
        let in_batches = model.execution == Execution::Batch && !self.live.contains(&role);
        model.price.map(|price| if in_batches { price.in_batch() } else { price })
    }

    fn cost(&self, task: &Task, role: ModelRole, usage: Usage) -> Option<Usd> {
        Some(self.price_of(role, task.model(role)?)?.of(usage))
    }
}

/// The mutators, which are drawn by their weights until something is learnt of them.
fn mutators(task: &Task, usage: impl Fn(ModelRole) -> Usage) -> Vec<MutatorShare> {
    let weights: f64 = task.mutators().map(|(_, model)| model.weight).sum();
    let share = |(role, model): (ModelRole, &Model)| MutatorShare {
        role,
        share: model.weight / weights,
        usage: usage(role),
    };
    task.mutators().map(share).collect()
}

/// What a proposal costs on average.
fn cost_of_proposal(task: &Task, mutators: &[MutatorShare], known: &KnownUsage) -> CallCost {
    let usd = mutators.iter().map(|it| Some(known.cost(task, it.role, it.usage)?.scaled(it.share)));
    let tokens: f64 = mutators.iter().map(|it| it.share * it.usage.total().0 as f64).sum();
    CallCost { usd: usd.sum::<Option<Usd>>(), tokens: tokens.ceil() as u64 }
}

impl KnownUsage {
    fn of_role(
        &self,
        role: ModelRole,
        model: &Model,
        longest: Tokens,
        calls: Option<u64>,
        usage: Usage,
    ) -> RoleEstimate {
        let most = Tokens(u64::from(model.max_output_tokens));
        let price = self.price_of(role, model);
        let of_all = |each: Tokens| Some(each.0.saturating_mul(calls?));
        // However many there are, what is free costs nothing.
        let dollars = |each: Usd| match calls {
            Some(calls) => Some(each.saturating_mul(calls).dollars()),
            None => (each == Usd::ZERO).then_some(0.0),
        };
        let may_save = model.execution == Execution::Auto && !self.live.contains(&role);
        let saved = |price: Price| price.of(usage).saturating_sub(price.in_batch().of(usage));
        RoleEstimate {
            model: model.name.to_string(),
            calls,
            prompt_tokens: of_all(usage.prompt()),
            completion_tokens: of_all(usage.answer()),
            usd: price.and_then(|price| dollars(price.of(usage))),
            batches_save_usd: price.filter(|_| may_save).and_then(|price| dollars(saved(price))),
            price_source: model.price_source.clone(),
            worst_usd: price.and_then(|price| dollars(worst_case(Some(price), longest, most).usd)),
        }
    }
}

/// The estimate of a run.
#[must_use]
pub fn estimate(task: &Task, recipe: &Recipe, caps: Caps, known: &KnownUsage) -> Estimate {
    // Proposals are made in the last phase that asks a mutator.
    let phases = recipe.phases();
    let asks = |phase: &&Slots| phase.operator.iter().any(|operator| operator.asks_mutator());
    let main = phases.iter().rev().find(asks).or(phases.last()).unwrap_or(&recipe.slots);
    let shown = shown_rows(main);
    let lengths = Lengths::of(task, recipe, shown);
    let usage_of = |role| {
        let measured = known.usage.get(&role).map(|usage| match role {
            // Measured with the baseline as the parent.
            ModelRole::Mutator(_) => usage.with_longer_prompt(lengths.longer_parent()),
            _ => *usage,
        });
        measured.unwrap_or_else(|| match role {
            ModelRole::Mutator(_) => {
                let usage = lengths.of_proposal();
                let most = task.model(role).map_or(u32::MAX, |model| model.max_output_tokens);
                // A longer reply is cut.
                Usage { output: usage.output.min(Tokens(u64::from(most))), ..usage }
            }
            ModelRole::Task => lengths.of_row(task.task_model().max_output_tokens),
            ModelRole::Judge(_) => lengths.of_judgement(task),
            ModelRole::Embed => lengths.of_embedding(),
        })
    };
    // Demonstrations alone are put together without it.
    let asks_mutator = phases
        .iter()
        .any(|phase| asks(&phase) || phase.init.iter().any(|init| init.asks_mutator()));
    let mutators = if asks_mutator { mutators(task, usage_of) } else { Vec::new() };
    let of_task = usage_of(ModelRole::Task);
    let (dev, answers) = (task.splits.dev.len() as u64, u64::from(task.goal.answers_per_row()));
    let finale = recipe.slots.finale.kept(u32::try_from(dev).unwrap_or(u32::MAX));
    let questions = u64::from(task.scorers.judgements());
    let limits = Limits::new(caps, task.held_out_answers(), finale);
    let limits = limits.judged(task.judgements());
    let (hold_calls, hold) = (limits.hold_calls(0), limits.hold_answers());
    let of_tried = of_task.with_longer_prompt(lengths.longer());
    let cost = |role, usage: Usage| CallCost {
        usd: known.cost(task, role, usage),
        tokens: usage.total().0,
    };
    let (meanings, of_meaning) = (u64::from(task.scorers.meanings()), lengths.of_meaning());
    let row = |usage: Usage| {
        let graded = task.judges().fold(cost(ModelRole::Task, usage), |all, (role, _)| {
            all.and(cost(role, usage_of(role)).times(questions))
        });
        match meanings {
            0 => graded,
            _ => graded.and(cost(ModelRole::Embed, of_meaning).times(meanings)),
        }
    };
    // Half of the held-out rows ask the winner.
    let of_kept =
        row(of_task).times(dev * answers + hold.div_ceil(2)).and(row(of_tried).times(hold / 2));
    let mut proposal = cost_of_proposal(task, &mutators, known);
    let of_embed = usage_of(ModelRole::Embed);
    let embeds = u64::from(lengths.texts > 0);
    if embeds > 0 {
        let usd = known.cost(task, ModelRole::Embed, of_embed);
        proposal.usd = proposal.usd.zip(usd).map(|(proposal, embed)| proposal + embed);
        proposal.tokens += of_embed.total().0;
    }
    let children = most_children(phases);
    let affordable = Affordable {
        caps,
        proposals: [caps.proposals, children].into_iter().flatten().min(),
        share: share_of(main),
        finale,
        kept: hold + dev * answers,
        of_kept,
        calls_per_row: limits.calls_per_answer(),
        row: row(of_tried),
        proposal,
        requests: u64::from(asks_mutator),
        embeds,
    };
    let inits = phases.iter().flat_map(|phase| &phase.init);
    let asking = inits.filter(|init| init.asks_mutator());
    let pool: u64 = asking.map(|init| init.all_requests()).sum();
    // A child that gets all of dev is asked for further answers.
    let [least, most] = main.evaluate.rows_per_child(dev, shown);
    let per_proposal = [least, most + dev * (answers - 1)];
    let proposals_affordable = match main.schedule.breeds() {
        true => [affordable.proposals(per_proposal[1]), affordable.proposals(per_proposal[0])],
        false => [Some(pool), Some(pool)],
    };
    let proposals = middle(proposals_affordable);
    let rows = affordable.rows(proposals, per_proposal);
    let of_rows = match rows {
        Some(rows) if rows > 0 => {
            let tried = rows.saturating_sub(dev * answers + hold.div_ceil(2)) as f64 / rows as f64;
            let longer = lengths.longer().0 as f64 * tried;
            of_task.with_longer_prompt(Tokens(longer.round() as u64))
        }
        _ => of_tried,
    };

    let shares = by_shares(proposals.unwrap_or(0), mutators.iter().map(|it| it.share));
    let of_mutators =
        shares.zip(&mutators).map(|(calls, it)| (it.role, proposals.map(|_| calls), it.usage));
    let grades = rows.map(|rows| rows.saturating_mul(questions));
    let of_prompts = proposals.map(|it| if embeds > 0 { it.saturating_add(1) } else { 0 });
    let of_answers = rows.map(|rows| rows.saturating_mul(meanings));
    let vectors = of_prompts.zip(of_answers).map(|(one, other)| one.saturating_add(other));
    let roles: BTreeMap<_, _> = std::iter::once((ModelRole::Task, rows, of_rows))
        .chain(of_mutators)
        .chain(task.judges().map(|(role, _)| (role, grades, usage_of(role))))
        // Most of them are of answers, where answers are compared.
        .chain((embeds + meanings > 0).then_some((
            ModelRole::Embed,
            vectors,
            if meanings > 0 { of_meaning } else { of_embed },
        )))
        .filter_map(|(role, calls, usage)| {
            let longest = match role {
                ModelRole::Judge(_) => lengths.longest_judgement(task),
                _ => lengths.longest(role, task.max_tokens),
            };
            Some((role.to_string(), known.of_role(role, task.model(role)?, longest, calls, usage)))
        })
        .collect();
    let capped = |usd: f64| caps.usd.map_or(usd, |cap: Usd| usd.min(cap.dollars()));
    let usd = roles.values().map(|role| role.usd).sum::<Option<f64>>().map(capped);
    let worst_usd = roles.values().map(|role| role.worst_usd).sum::<Option<f64>>().map(capped);
    // Each is asked with the baseline and with the winner, as often as the goal needs.
    let paid = hold / 2 / answers;
    let held_out = task.splits.hold.len().min(usize::try_from(paid).unwrap_or(usize::MAX));
    let rows = task.splits.sizes().each().map(|(split, rows)| (split.to_string(), rows as usize));
    Estimate {
        task: task.name.clone(),
        strategy: recipe.name.clone(),
        rows: rows.into_iter().collect(),
        smallest_gain: (held_out > 0).then(|| smallest_gain(held_out, USUAL_DISCORDANCE)),
        hold_calls,
        held_out_rows: held_out,
        proposals_affordable,
        roles,
        usd,
        worst_usd,
        is_too_little: pool == 0 && proposals_affordable[1].is_some_and(|most| most < 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_that_stops_after_some_children_is_planned_with_so_many() {
        let children = |name: &str, sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
            most_children(crate::recipe::load(name, &sets).unwrap().phases())
        };
        assert_eq!(children("quick", &[]), Some(4));
        assert_eq!((children("auto", &[]), children("thorough", &[])), (None, None));
        let stops = ["stop.when=[\"budget\", \"children:9\", \"children:7\"]"];
        assert_eq!(children("auto", &stops), Some(7));
    }

    #[test]
    fn a_middle_is_known_where_both_ends_are() {
        let middles = [[Some(3), Some(8)], [Some(0), None], [Some(4), Some(4)]].map(middle);
        assert_eq!(middles, [Some(5), None, Some(4)]);
    }

    #[test]
    fn shares_add_up_to_the_whole() {
        let of = |calls, shares: &[f64]| -> Vec<u64> {
            by_shares(calls, shares.iter().copied()).collect()
        };
        assert_eq!(of(10, &[1.0]), [10]);
        assert_eq!(of(10, &[0.5, 0.25, 0.25]), [5, 3, 2]);
        let third = 1.0 / 3.0;
        assert_eq!(of(100, &[third, third, third]), [33, 34, 33]);
    }
}
