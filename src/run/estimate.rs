//! What a run would do and cost, before anything is asked: calls, tokens, dollars.
//!
//! An estimate for people, for `plan` and `doctor`. One decision uses it: the width, which is chosen once and
//! frozen with the run.

use crate::candidate::DEMOS;
use crate::caps::Caps;
use crate::ledger::{Finale, Limits, estimate_tokens, worst_case};
use crate::prompt::value_text;
use crate::recipe::Recipe;
use crate::stats::power::USUAL_DISCORDANCE;
use crate::stats::smallest_gain;
use crate::strategy::{Slots, StopRule};
use crate::task::example::Example;
use crate::task::model::{Execution, ModelRole, Price, PriceSource, Usage};
use crate::task::{Model, Task};
use crate::units::{Tokens, Usd};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The assumed number of bytes per token, before anything is counted; usual for English.
const BYTES_PER_TOKEN: u64 = 4;
/// Tokens by which the prompts that are tried are longer than the baseline, on average. On recorded prompts the
/// children of short baselines are 320 to 610 longer, and all prompts 650 to 1,030 (`docs/simulation.md`); with 750 the
/// proposals that are made there are within what is planned (`docs/strategies.md`).
const GROWTH: u64 = 750;
/// Tokens of an answer where the rows say nothing of it: most are short.
const ANSWER_TOKENS: u64 = 64;
/// Tokens by which answers are longer than what is expected: a lead, some reasoning.
const MORE_ANSWER_TOKENS: u64 = 16;
/// Bytes of an answer with its feedback, which a proposal shows beside a row.
const ANSWER_BYTES: u64 = 200;

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
pub struct Known {
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

fn mean_row_bytes(rows: &[&Example]) -> u64 {
    let total: usize = rows.iter().map(|row| Task::row_bytes(row)).sum();
    (total / rows.len().max(1)) as u64
}

/// Tokens of an answer: as long as the expected ones and a little longer, or [`ANSWER_TOKENS`] where none are expected.
fn mean_answer(rows: &[&Example]) -> u64 {
    let (mut bytes, mut count) = (0_u64, 0_u64);
    for row in rows.iter().filter(|row| !row.answer.is_null()) {
        bytes += value_text(&row.answer).len() as u64;
        count += 1;
    }
    match bytes.checked_div(count) {
        Some(mean) => mean.div_ceil(BYTES_PER_TOKEN) + MORE_ANSWER_TOKENS,
        None => ANSWER_TOKENS,
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

/// What one call uses, and costs where its price is known.
#[derive(Clone, Copy, Debug)]
struct CallCost {
    usd: Option<Usd>,
    tokens: u64,
}

impl CallCost {
    fn times(self, calls: u64) -> Self {
        Self {
            usd: self.usd.map(|usd| usd.saturating_mul(calls)),
            tokens: self.tokens.saturating_mul(calls),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            usd: self.usd.zip(other.usd).map(|(one, other)| one + other),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }
}

/// A mutator's share of the proposals, and what one of them uses.
#[derive(Clone, Copy, Debug)]
struct MutatorShare {
    role: ModelRole,
    share: f64,
    usage: Usage,
}

/// The numbers that the calls of a run follow from.
#[derive(Clone, Copy, Debug)]
struct Affordable {
    caps: Caps,
    /// The most proposals: what a cap or the recipe says.
    proposals: Option<u64>,
    /// The share of what is left that proposals are made of: all, but where other phases follow.
    share: f64,
    /// What is kept for the choice of the winner.
    finale: Finale,
    /// Calls that are made whatever is proposed: the baseline's on dev, and those of the held-out rows.
    kept: u64,
    /// What these calls use together.
    of_kept: CallCost,
    /// Of one row, with a prompt that is tried.
    row: CallCost,
    /// Of one proposal, as the mutators are drawn, with the vectors of its texts.
    proposal: CallCost,
    /// Requests to a mutator for each prompt: one or none.
    requests: u64,
    /// Requests for vectors for each prompt: one or none.
    embeds: u64,
}

impl Affordable {
    /// The most proposals that it pays for, with this many rows asked for each; `None` where nothing
    /// limits them.
    fn proposals(&self, rollouts: u64) -> Option<u64> {
        let limits = [self.by_calls(rollouts), self.by_usd(rollouts), self.by_tokens(rollouts)];
        let by_caps = limits.into_iter().flatten().min();
        let share = |all: u64| (all as f64 * self.share) as u64;
        [self.proposals, by_caps.map(share)].into_iter().flatten().min()
    }

    fn by_calls(&self, rollouts: u64) -> Option<u64> {
        let cap = self.caps.calls?;
        let left = cap.saturating_sub(self.finale.kept(cap, 1));
        // One for the baseline, too.
        let left = left.saturating_sub(self.kept + self.embeds);
        left.checked_div(rollouts + self.requests + self.embeds)
    }

    fn by_usd(&self, rollouts: u64) -> Option<u64> {
        let (cap, row, proposal) = (self.caps.usd?, self.row.usd?, self.proposal.usd?);
        let each = row.saturating_mul(rollouts) + proposal;
        let finale = Usd::from_nanos(self.finale.kept(cap.nanos(), row.nanos()));
        let left = cap.saturating_sub(finale).saturating_sub(self.of_kept.usd?);
        left.nanos().checked_div(each.nanos())
    }

    fn by_tokens(&self, rollouts: u64) -> Option<u64> {
        let each = self.row.tokens.saturating_mul(rollouts).saturating_add(self.proposal.tokens);
        let cap = self.caps.tokens?.0;
        let left = cap.saturating_sub(self.finale.kept(cap, self.row.tokens));
        Some(left.saturating_sub(self.of_kept.tokens) / each.max(1))
    }

    /// The rows that are asked beside this many proposals, each with this many rows at least and at most: what
    /// the tightest cap leaves, else what is planned. `None` where nothing limits them, as nothing may limit
    /// the proposals.
    fn rows(&self, proposals: Option<u64>, per_proposal: [u64; 2]) -> Option<u64> {
        let planned = |each: u64| Some(self.kept.saturating_add(proposals?.saturating_mul(each)));
        let [least, most] = per_proposal;
        // Without a limit they cost nothing that a cap counts.
        let proposals = proposals.unwrap_or(0);
        let by_calls = self.caps.calls.map(|cap| {
            let of_prompts = proposals.saturating_mul(self.requests + self.embeds) + self.embeds;
            cap.saturating_sub(of_prompts)
        });
        let by_usd = || {
            let (cap, row, proposal) = (self.caps.usd?, self.row.usd?, self.proposal.usd?);
            let left = cap.saturating_sub(proposal.saturating_mul(proposals));
            self.rows_of(left.nanos(), self.of_kept.usd?.nanos(), row.nanos())
        };
        let by_tokens = || {
            let left = self.caps.tokens?.0;
            let left = left.saturating_sub(self.proposal.tokens.saturating_mul(proposals));
            self.rows_of(left, self.of_kept.tokens, self.row.tokens)
        };
        // A recipe that stops by itself also replicates its shortlist.
        let finale = self.finale.kept(self.caps.calls.unwrap_or(u64::MAX), 1);
        let by_proposals = self
            .proposals
            .and_then(|_| Some(planned(u64::midpoint(least, most))?.saturating_add(finale)));
        let caps = [by_calls, by_usd(), by_tokens(), by_proposals];
        caps.into_iter().flatten().min().or_else(|| planned(u64::midpoint(least, most)))
    }
}

impl Affordable {
    /// The rows that an amount pays for: those that are kept, which use `of_kept` together, and then others at `row` each.
    /// `None` where a row is free.
    fn rows_of(&self, left: u64, of_kept: u64, row: u64) -> Option<u64> {
        match left.checked_sub(of_kept) {
            Some(rest) => Some(rest.checked_div(row)?.saturating_add(self.kept)),
            None => {
                let rows = u128::from(left) * u128::from(self.kept) / u128::from(of_kept);
                u64::try_from(rows).ok()
            }
        }
    }
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

/// What calls are assumed to use, from the lengths of prompt and rows.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// Bytes of the baseline without a row.
    prompt: u64,
    /// Bytes by which a prompt that is tried is longer.
    growth: u64,
    /// Bytes of a row, on average.
    row: u64,
    /// Tokens of an answer.
    answer: u64,
    /// Rows that a proposal shows.
    shown: u64,
    /// Texts of a prompt whose vectors are asked for.
    texts: u64,
}

impl Lengths {
    fn of(task: &Task, recipe: &Recipe, shown: u64) -> Self {
        let prompt = task.layout.bytes_without_row(&task.baseline) as u64;
        let longest = task.max_tokens.saturating_mul(BYTES_PER_TOKEN);
        let growth = (GROWTH * BYTES_PER_TOKEN).min(longest.saturating_sub(prompt));
        // Without demonstrations, a prompt with and without them is one text.
        let most = if task.layout.searched().iter().any(|part| part == DEMOS) { 2 } else { 1 };
        let texts = match task.model(ModelRole::Embed) {
            Some(_) => recipe.compared_texts().len().min(most) as u64,
            None => 0,
        };
        let rows = task.visible_rows();
        Self {
            prompt,
            growth,
            row: mean_row_bytes(&rows),
            answer: mean_answer(&rows),
            shown,
            texts,
        }
    }

    /// Bytes of a prompt that is tried.
    fn tried(self) -> u64 {
        self.prompt + self.growth
    }

    /// Tokens by which a parent is longer than the baseline: half as many as a prompt that is tried, since the first
    /// ones are written from the baseline.
    fn longer_parent(self) -> Tokens {
        Tokens((self.growth / 2).div_ceil(BYTES_PER_TOKEN))
    }

    /// A vector has no tokens.
    fn of_embedding(self) -> Usage {
        Usage::plain((self.texts * self.tried()).div_ceil(BYTES_PER_TOKEN), 0)
    }

    /// With the baseline. The longest possible answer is only what is reserved.
    fn of_row(self, max_output_tokens: u32) -> Usage {
        let sent = (self.prompt + self.row).div_ceil(BYTES_PER_TOKEN);
        Usage::plain(sent, u64::from(max_output_tokens).min(self.answer))
    }

    /// A proposal shows the parent, the form of the reply and some rows with their answers, and is answered with a
    /// prompt.
    fn of_proposal(self) -> Usage {
        let rows = self.shown * (self.row + ANSWER_BYTES);
        let sent = (self.prompt + rows + 2_000).div_ceil(BYTES_PER_TOKEN);
        Usage::plain(sent, self.tried().div_ceil(BYTES_PER_TOKEN) + 100)
            .with_longer_prompt(self.longer_parent())
    }

    /// The longest prompt of a role: prompts may grow up to `max_tokens`.
    fn longest(self, role: ModelRole, max_tokens: u64) -> Tokens {
        let row = estimate_tokens(self.row as usize).0;
        match role {
            ModelRole::Mutator(_) => {
                Tokens(max_tokens.saturating_mul(4).saturating_add(row.saturating_mul(6)))
            }
            ModelRole::Task | ModelRole::Judge => Tokens(max_tokens.saturating_add(row)),
            ModelRole::Embed => Tokens(self.texts.saturating_mul(max_tokens)),
        }
    }
}

impl Known {
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
fn cost_of_proposal(task: &Task, mutators: &[MutatorShare], known: &Known) -> CallCost {
    let usd = mutators.iter().map(|it| Some(known.cost(task, it.role, it.usage)?.scaled(it.share)));
    let tokens: f64 = mutators.iter().map(|it| it.share * it.usage.total().0 as f64).sum();
    CallCost { usd: usd.sum::<Option<Usd>>(), tokens: tokens.ceil() as u64 }
}

impl Known {
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

/// What the answer to a row is assumed to use with the task's own prompt.
#[must_use]
pub fn usage_of_row(task: &Task) -> Usage {
    let prompt = task.layout.bytes_without_row(&task.baseline) as u64;
    let rows = task.visible_rows();
    let (row, answer) = (mean_row_bytes(&rows), mean_answer(&rows));
    let lengths = Lengths { prompt, growth: 0, row, answer, shown: 0, texts: 0 };
    lengths.of_row(task.task_model().max_output_tokens)
}

/// The estimate of a run.
#[must_use]
pub fn estimate(task: &Task, recipe: &Recipe, caps: Caps, known: &Known) -> Estimate {
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
            ModelRole::Task | ModelRole::Judge => {
                lengths.of_row(task.task_model().max_output_tokens)
            }
            ModelRole::Embed => lengths.of_embedding(),
        })
    };
    // Demonstrations alone are put together without it.
    let asks_mutator = phases
        .iter()
        .any(|phase| asks(&phase) || phase.init.iter().any(|init| init.asks_mutator()));
    let mutators = if asks_mutator { mutators(task, usage_of) } else { Vec::new() };
    let of_task = usage_of(ModelRole::Task);
    let dev = task.splits.dev.len() as u64;
    let finale = recipe.slots.finale.kept(u32::try_from(dev).unwrap_or(u32::MAX));
    let hold = Limits::new(caps, task.splits.hold.len() as u64, finale).hold_calls(0);
    let of_tried = of_task.with_longer_prompt(Tokens(lengths.growth.div_ceil(BYTES_PER_TOKEN)));
    let row = |usage: Usage| CallCost {
        usd: known.cost(task, ModelRole::Task, usage),
        tokens: usage.total().0,
    };
    // Half of the held-out calls ask the winner.
    let of_kept = row(of_task).times(dev + hold.div_ceil(2)).and(row(of_tried).times(hold / 2));
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
        kept: hold + dev,
        of_kept,
        row: row(of_tried),
        proposal,
        requests: u64::from(asks_mutator),
        embeds,
    };
    let inits = phases.iter().flat_map(|phase| &phase.init);
    let asking = inits.filter(|init| init.asks_mutator());
    let pool: u64 = asking.map(|init| init.all_requests()).sum();
    let per_proposal = main.evaluate.rows_per_child(dev, shown);
    let proposals_affordable = match main.schedule.breeds() {
        true => [affordable.proposals(per_proposal[1]), affordable.proposals(per_proposal[0])],
        false => [Some(pool), Some(pool)],
    };
    let proposals = middle(proposals_affordable);
    let rows = affordable.rows(proposals, per_proposal);
    let of_rows = match rows {
        Some(rows) if rows > 0 => {
            let tried = rows.saturating_sub(dev + hold.div_ceil(2)) as f64 / rows as f64;
            let longer = lengths.growth.div_ceil(BYTES_PER_TOKEN) as f64 * tried;
            of_task.with_longer_prompt(Tokens(longer.round() as u64))
        }
        _ => of_tried,
    };

    let shares = by_shares(proposals.unwrap_or(0), mutators.iter().map(|it| it.share));
    let of_mutators =
        shares.zip(&mutators).map(|(calls, it)| (it.role, proposals.map(|_| calls), it.usage));
    let roles: BTreeMap<_, _> = std::iter::once((ModelRole::Task, rows, of_rows))
        .chain(of_mutators)
        .chain((embeds > 0).then_some((
            ModelRole::Embed,
            proposals.map(|it| it.saturating_add(1)),
            of_embed,
        )))
        .filter_map(|(role, calls, usage)| {
            let longest = lengths.longest(role, task.max_tokens);
            Some((role.to_string(), known.of_role(role, task.model(role)?, longest, calls, usage)))
        })
        .collect();
    let capped = |usd: f64| caps.usd.map_or(usd, |cap: Usd| usd.min(cap.dollars()));
    let usd = roles.values().map(|role| role.usd).sum::<Option<f64>>().map(capped);
    let worst_usd = roles.values().map(|role| role.worst_usd).sum::<Option<f64>>().map(capped);
    // Each is asked with the baseline and with the winner.
    let held_out = task.splits.hold.len().min(usize::try_from(hold / 2).unwrap_or(usize::MAX));
    let rows = task.splits.sizes().each().map(|(split, rows)| (split.to_string(), rows as usize));
    Estimate {
        task: task.name.clone(),
        strategy: recipe.name.clone(),
        rows: rows.into_iter().collect(),
        smallest_gain: (held_out > 0).then(|| smallest_gain(held_out, USUAL_DISCORDANCE)),
        hold_calls: hold,
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

    fn usd(dollars: f64) -> Option<Usd> {
        Usd::from_dollars(dollars)
    }

    /// Ten rows are kept; a row costs a cent and 100 tokens, a proposal ten cents and 1,000 tokens.
    fn affordable(caps: Caps, share: f64) -> Affordable {
        let finale = Finale { share, least: 0, most: u64::MAX };
        let row = CallCost { usd: usd(0.01), tokens: 100 };
        let proposal = CallCost { usd: usd(0.1), tokens: 1_000 };
        let of_kept = row.times(10);
        Affordable {
            caps,
            proposals: caps.proposals,
            share: 1.0,
            finale,
            kept: 10,
            of_kept,
            row,
            proposal,
            requests: 1,
            embeds: 0,
        }
    }

    #[test]
    fn a_budget_pays_for_as_many_proposals_as_its_tightest_cap() {
        let none = Caps::default();
        let cases = [
            // Nothing limits them.
            (none, 0.0, 4, None),
            (Caps { proposals: Some(7), ..none }, 0.0, 4, Some(7)),
            // (110 - 10) / (4 + 1)
            (Caps { calls: Some(110), ..none }, 0.0, 4, Some(20)),
            // A finale keeps a fifth: (110 * 0.8 - 10) / 5 = 15.6
            (Caps { calls: Some(110), ..none }, 0.2, 4, Some(15)),
            (Caps { calls: Some(9), ..none }, 0.0, 4, Some(0)),
            // ($1.50 - 10 * $0.01) / (4 * $0.01 + $0.10)
            (Caps { usd: usd(1.5), ..none }, 0.0, 4, Some(10)),
            // ($1.50 * 0.8 - $0.10) / $0.14 = 7.86
            (Caps { usd: usd(1.5), ..none }, 0.2, 4, Some(7)),
            // (15,000 - 1,000) / (400 + 1,000)
            (Caps { tokens: Some(Tokens(15_000)), ..none }, 0.0, 4, Some(10)),
            // (15,000 * 0.8 - 1,000) / 1,400 = 7.86
            (Caps { tokens: Some(Tokens(15_000)), ..none }, 0.2, 4, Some(7)),
            (
                Caps { calls: Some(110), usd: usd(1.5), proposals: Some(12), ..none },
                0.0,
                4,
                Some(10),
            ),
        ];
        for (caps, finale, rollouts, proposals) in cases {
            assert_eq!(affordable(caps, finale).proposals(rollouts), proposals, "{caps:?}");
        }
        // Where a price is not known, a cap in dollars says nothing.
        let row = CallCost { usd: None, tokens: 100 };
        let unknown =
            Affordable { row, of_kept: row, ..affordable(Caps { usd: usd(1.5), ..none }, 0.0) };
        assert_eq!(unknown.proposals(4), None);
        // Models that cost nothing are limited by nothing.
        let free = CallCost { usd: usd(0.0), tokens: 0 };
        let free = Affordable {
            of_kept: free,
            row: free,
            proposal: free,
            ..affordable(Caps { usd: usd(1.5), ..none }, 0.0)
        };
        assert_eq!((free.proposals(4), free.rows(None, [2, 6])), (None, None));
    }

    #[test]
    fn the_rows_are_what_the_proposals_leave() {
        let none = Caps::default();
        let rows = |caps, proposals| affordable(caps, 0.0).rows(proposals, [2, 6]);
        assert_eq!(rows(none, None), None, "nothing limits them");
        assert_eq!(rows(Caps { calls: Some(110), ..none }, Some(20)), Some(90));
        // 20 requests to the mutator, 20 for vectors, and one for the baseline's.
        let embeds = Affordable { embeds: 1, ..affordable(Caps { calls: Some(110), ..none }, 0.0) };
        assert_eq!(embeds.rows(Some(20), [2, 6]), Some(69));
        // (110 - 10 - 1) / (4 + 2)
        assert_eq!(embeds.proposals(4), Some(16));
        // ($1.50 - 10 * $0.10) / $0.01
        assert_eq!(rows(Caps { usd: usd(1.5), ..none }, Some(10)), Some(50));
        // 10 + 5 * (2 + 6) / 2
        assert_eq!(rows(none, Some(5)), Some(30));
        let middles = [[Some(3), Some(8)], [Some(0), None], [Some(4), Some(4)]].map(middle);
        assert_eq!(middles, [Some(5), None, Some(4)]);
    }

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
        // Whatever the caps would pay for.
        let few = Affordable {
            proposals: Some(4),
            ..affordable(Caps { usd: usd(1_000.0), ..Caps::default() }, 0.0)
        };
        assert_eq!(few.proposals(8), Some(4));
        assert_eq!(few.rows(Some(4), [8, 20]), Some(10 + 4 * 14));
        let first = Affordable {
            share: 0.5,
            ..affordable(Caps { calls: Some(110), ..Caps::default() }, 0.0)
        };
        assert_eq!(first.proposals(4), Some(10), "half of 20");
        // A cap that does not pay for what is kept: $0.04 of $0.10 for ten rows.
        let little = affordable(Caps { usd: usd(0.04), ..Caps::default() }, 0.0);
        assert_eq!((little.proposals(4), little.rows(Some(0), [8, 20])), (Some(0), Some(4)));
    }

    #[test]
    fn held_out_rows_and_tried_prompts_cost_more_than_the_baseline() {
        let longer = Usage::plain(100, 10).with_longer_prompt(Tokens(600));
        assert_eq!((longer.prompt(), longer.answer()), (Tokens(700), Tokens(10)));
        let row = CallCost { usd: usd(0.01), tokens: 100 };
        let both = row.times(30).and(CallCost { usd: usd(0.02), tokens: 700 }.times(5));
        assert_eq!((both.usd, both.tokens), (usd(0.4), 6_500));
        let unknown = CallCost { usd: None, tokens: 1 };
        assert_eq!(row.and(unknown).usd, None);
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

    #[test]
    fn lengths_become_tokens() {
        let lengths =
            Lengths { prompt: 400, growth: 200, row: 101, answer: 64, shown: 10, texts: 2 };
        // A vector has no tokens: 1,200 / 4.
        assert_eq!(lengths.of_embedding(), Usage::plain(300, 0));
        assert_eq!(lengths.longest(ModelRole::Embed, 2_000), Tokens(4_000));
        let of_row = lengths.of_row(512);
        // 501 / 4 rounded up; an answer is taken to be short.
        assert_eq!((of_row.prompt(), of_row.answer()), (Tokens(126), Tokens(64)));
        assert_eq!(lengths.of_row(20).answer(), Tokens(20));
        let of_proposal = lengths.of_proposal();
        // (400 + 3,010 + 2,000) / 4 rounded up and 100 / 4, and 600 / 4 + 100.
        assert_eq!((of_proposal.prompt(), of_proposal.answer()), (Tokens(1_378), Tokens(250)));
    }
}
