//! What a role is asked, or why it is asked nothing. Nothing is sent here.

use super::check::{Checks, Status};
use super::reader::{Reader, not_written};
use super::setup::Setup;
use crate::caps::Caps;
use crate::engine::{FirstProposal, first_vectors};
use crate::evaluate::Evaluator;
use crate::id::{Call, RowIx};
use crate::ledger::{estimate_tokens, worst_case};
use crate::prompt::value_text;
use crate::provider::Request;
use crate::report::money;
use crate::task::example::Split;
use crate::task::model::{ModelRole, Price, PriceSource};
use crate::task::{Model, Task};
use crate::units::{Amount, Tokens};
use std::sync::Arc;

/// What one role is asked.
pub(super) struct Question {
    /// Its number among those that are asked.
    pub(super) call: Call,
    pub(super) role: ModelRole,
    pub(super) price: Option<Price>,
    pub(super) request: Request,
}

impl Question {
    /// What it may cost.
    pub(super) fn worst(&self) -> Amount {
        let prompt = estimate_tokens(self.request.bytes());
        worst_case(self.price, prompt, Tokens(u64::from(self.request.max_output_tokens)))
    }

    /// The question of a role, after this many others, and what reads its answer; `None` where it is asked
    /// nothing, or cannot be.
    pub(super) fn of(
        checks: &mut Checks,
        role: ModelRole,
        setup: &Setup,
        evaluator: &Arc<Evaluator>,
        before: u64,
    ) -> Option<(Self, Reader)> {
        let Setup { task, recipe, caps, .. } = setup;
        let model = task.model(role)?;
        if let Some((status, words)) = left_out(role, *caps, before) {
            match status {
                Status::Ok => checks.ok("budget", words),
                _ => checks.warn("budget", words, "raise it"),
            }
            return None;
        }
        let (request, reader) = match role {
            ModelRole::Task => {
                let request = evaluator.request(&task.baseline, Split::Dev, RowIx(0), 0);
                // A row that cannot be rendered is a check of the files, with its place.
                (request.ok()??, Reader::Scorers)
            }
            ModelRole::Mutator(place) => match FirstProposal::of(task, recipe, evaluator, place) {
                Ok(Some(first)) => (first.request.clone(), Reader::Proposal(Box::new(first))),
                Ok(None) => {
                    checks.ok("request", format!("not asked: `{}` asks no mutator", recipe.name));
                    return None;
                }
                Err(error) => {
                    not_written(checks, &error);
                    return None;
                }
            },
            ModelRole::Judge(judge) => {
                // Any answer does: the expected one, and where that is compared with itself another one.
                let row = task.splits.dev.first()?;
                let expected = value_text(&task.scorers.right_answer(row)).into_owned();
                let asked =
                    [expected, "I do not know.".to_owned()].into_iter().find_map(|answer| {
                        let questions = evaluator.judge_questions(Split::Dev, RowIx(0), 0, &answer);
                        let mut own = questions
                            .iter()
                            .filter(|question| question.role == ModelRole::Judge(judge));
                        Some((own.next()?.request(0), answer))
                    });
                let Some((request, answer)) = asked else {
                    checks.ok("request", "not asked: no scorer asks a judge".to_owned());
                    return None;
                };
                (request, Reader::Judge(judge, answer))
            }
            ModelRole::Embed => {
                let Some(request) = first_vectors(task, recipe) else {
                    let words = format!("not asked: `{}` compares no texts", recipe.name);
                    checks.ok("request", words);
                    return None;
                };
                let texts = request.messages.len();
                (request, Reader::Vectors(texts))
            }
        };
        Some((Self { call: Call(before), role, price: model.price, request }, reader))
    }
}

/// Why the caps on calls and proposals leave a role out.
fn left_out(role: ModelRole, caps: Caps, before: u64) -> Option<(Status, String)> {
    if let Some(cap) = caps.calls.filter(|cap| before >= *cap) {
        return Some((Status::Warning, format!("not asked: the cap on calls is {cap}")));
    }
    let ModelRole::Mutator(place) = role else { return None };
    match caps.proposals? {
        0 => Some((Status::Ok, "not asked: the caps allow no proposals".to_owned())),
        cap if u64::from(place.0) >= cap => {
            Some((Status::Warning, format!("not asked: the cap on proposals is {cap}")))
        }
        _ => None,
    }
}

/// What a call costs, for people.
fn price_in_words(price: &Price) -> String {
    let each = price.per_call.map(|usd| format!("{} for each call", money(usd)));
    let most = price
        .max_per_call
        .map(|usd| format!("what it says itself, at most {} for each call", money(usd)));
    let of_calls: Vec<String> = [each, most].into_iter().flatten().collect();
    let has_tokens = of_calls.is_empty() || price.input > 0.0 || price.output > 0.0;
    let tokens = has_tokens.then(|| {
        let (input, output) = (money(price.input), money(price.output));
        format!("{input} in and {output} out per million tokens")
    });
    tokens.into_iter().chain(of_calls).collect::<Vec<_>>().join(", ")
}

/// The price of a role's model; false where it may not be asked. One that is not asked needs none.
pub(super) fn check_price(
    checks: &mut Checks,
    task: &Task,
    role: ModelRole,
    model: &Model,
    caps: Caps,
    is_asked: bool,
) -> bool {
    match (model.price, &model.price_source) {
        (Some(_), Some(PriceSource::Free)) => checks.ok("price", "free"),
        (Some(price), source) => {
            let source = source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
            checks.ok("price", price_in_words(&price) + &source);
        }
        (None, _) if !is_asked => {}
        (None, _) if caps.usd.is_some() => {
            if let Err(error) = task.check_price(role) {
                checks.mistake("price", &error);
            }
            return false;
        }
        (None, _) => checks.warn(
            "price",
            format!("the price of `{}` is not known", model.name),
            "state it in the provider's table: only then can a cap in dollars hold",
        ),
    }
    true
}
