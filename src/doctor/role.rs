//! The checks of one role, from the answer to one request or from why there is none.

use super::check::{Cause, Checks};
use super::probe::{NotAnswered, Probed};
use super::rates::{Pace, RateFound, seconds};
use super::unanswered::{self, Elsewhere};
use super::usage;
use crate::event::{Answered, NoAnswer};
use crate::provider::Envelope;
use crate::provider::limit::RatesLeft;
use crate::report;
use crate::task::Model;
use crate::task::model::{ModelRole, Price, PriceSource, Provider};
use crate::text;
use serde::Serialize;
use std::time::Duration;

/// What was found of a role.
#[derive(Clone, Debug, Serialize)]
pub struct RoleFound {
    /// `provider/model`.
    pub model: String,
    /// The scheme, host and port that were asked; empty for a model in this process.
    pub origin: String,
    /// Whether a model answered.
    pub answered: bool,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// Milliseconds to the beginning of the answer.
    pub first_byte_ms: Option<f64>,
    /// Milliseconds to its end.
    pub latency_ms: Option<f64>,
    /// Answer tokens per second, of the whole time.
    pub tokens_per_second: Option<f64>,
    /// Whether the provider counted the tokens; else they are estimated.
    pub usage_reported: Option<bool>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer.
    pub completion_tokens: Option<u64>,
    /// What the call cost, or may have cost.
    pub usd: f64,
    /// Why the answer ended.
    pub finish: Option<crate::event::Finish>,
    /// Fields that the server refuses, and that requests therefore leave out.
    pub refused_fields: Vec<String>,
    /// What the provider says of its requests.
    pub requests: Option<RateFound>,
    /// What the provider says of its tokens.
    pub tokens: Option<RateFound>,
    /// Calls in an hour at this latency and concurrency, within the limits found.
    pub calls_per_hour: Option<f64>,
    /// US dollars per million tokens, where they are known.
    pub price: Option<Price>,
    /// Where they come from.
    pub price_source: Option<PriceSource>,
    /// The same of both, as it was read.
    #[serde(skip)]
    left: RatesLeft,
    /// The program that was asked, if it is one.
    #[serde(skip)]
    program: Option<String>,
    /// Bytes of its answer.
    #[serde(skip)]
    pub(super) answer_bytes: u64,
}

impl RoleFound {
    /// Before it is asked.
    pub(super) fn of(model: &Model, provider: &Provider) -> Self {
        Self {
            model: model.name.to_string(),
            origin: if provider.base_url.is_some() { provider.origin() } else { String::new() },
            answered: false,
            status: None,
            first_byte_ms: None,
            latency_ms: None,
            tokens_per_second: None,
            usage_reported: None,
            prompt_tokens: None,
            completion_tokens: None,
            usd: 0.0,
            finish: None,
            refused_fields: Vec::new(),
            requests: None,
            tokens: None,
            calls_per_hour: None,
            price: model.price,
            price_source: model.price_source.clone(),
            left: RatesLeft::default(),
            program: provider.command.first().cloned(),
            answer_bytes: 0,
        }
    }

    /// Where it was asked, for people.
    fn place(&self) -> String {
        match self.origin.split_once("://") {
            Some((_, host)) => host.to_owned(),
            None => match &self.program {
                Some(program) => format!("the program `{program}`"),
                None => "the model in this process".to_owned(),
            },
        }
    }

    fn take_envelope(&mut self, envelope: &Envelope) {
        self.status = envelope.status;
        self.first_byte_ms = envelope.first_byte.map(millis);
        self.left = envelope.left;
        self.requests = envelope.left.requests.map(RateFound::from);
        self.tokens = envelope.left.tokens.map(RateFound::from);
    }

    fn take_answer(&mut self, answered: &Answered) {
        let seconds = f64::from(answered.ms) / 1e3;
        self.answered = true;
        self.latency_ms = Some(f64::from(answered.ms));
        self.tokens_per_second = (seconds > 0.0 && answered.out > 0 && !answered.estimated)
            .then(|| answered.out as f64 / seconds);
        self.usage_reported = Some(!answered.estimated);
        self.prompt_tokens = Some(answered.input);
        self.completion_tokens = Some(answered.out);
        self.finish = Some(answered.finish);
        self.answer_bytes = answered.text.len() as u64;
    }

    /// The checks of what came back, but for what the answer says, which is returned.
    pub(super) fn check(
        &mut self,
        checks: &mut Checks,
        role: ModelRole,
        model: &Model,
        probed: Probed,
        elsewhere: &Elsewhere,
    ) -> Option<Answered> {
        self.refused_fields.clone_from(&probed.left_out);
        self.usd = probed.charged.usd.dollars();
        let reply = match probed.result {
            Ok(reply) => {
                self.take_envelope(&reply.envelope);
                self.take_answer(&reply.answered);
                let reached = match (self.origin.as_str(), &self.program) {
                    (_, Some(program)) => format!("the program `{program}` answers"),
                    ("", None) => "the model is in this process".to_owned(),
                    _ => format!("{} takes the key and knows the model", self.place()),
                };
                checks.ok("reach", reached);
                Some(reply)
            }
            Err(why) => {
                if let NotAnswered::Failed(error) = &why {
                    self.take_envelope(&error.envelope);
                }
                unanswered::check(checks, role, &self.place(), &why, elsewhere);
                None
            }
        };
        if let Some(last) = probed.failed.last().filter(|_| reply.is_some()) {
            checks.warn(
                "attempts",
                format!(
                    "answered only after {}: {}",
                    text::plural(probed.failed.len(), "attempt that failed"),
                    unanswered::said(last)
                ),
                "a run tries again by itself; if it goes on like this, the night is slower",
            );
        }
        for field in &probed.left_out {
            checks.warn(
                "fields",
                report::refused_field(&model.name, field),
                remedy_of_field(role, field, probed.request.form.max_tokens_field()),
            );
        }
        let reply = reply?;
        if probed.left_out.is_empty() {
            checks.ok("fields", "all that are sent are taken");
        }
        self.speed(checks, &reply.answered);
        usage::check(checks, &reply, probed.request.max_output_tokens);
        ending(checks, role, model, &reply.answered);
        Some(reply.answered)
    }

    fn speed(&self, checks: &mut Checks, answered: &Answered) {
        let whole = Duration::from_millis(u64::from(answered.ms));
        let mut words = format!("answered in {}", seconds(whole));
        let first = self.first_byte_ms.map(|first| Duration::from_secs_f64(first / 1e3));
        // Most servers send all of it at once.
        if let Some(first) = first.filter(|first| *first < whole.mul_f64(0.9)) {
            words.push_str(&format!(", began after {}", seconds(first)));
        }
        if let Some(rate) = self.tokens_per_second {
            let decimals = usize::from(rate < 10.0);
            words.push_str(&format!("; {rate:.decimals$} tokens/s"));
        }
        checks.ok("speed", words);
    }

    /// What limits and latency let through, where `lanes` may be out at a time and attempts are `spacing`
    /// apart; the time that each of many calls takes. It counts where calls are made one by one alone.
    pub(super) fn pace(
        &mut self,
        checks: &mut Checks,
        lanes: usize,
        spacing: Duration,
        is_live: bool,
    ) -> Duration {
        let latency = Duration::from_secs_f64(self.latency_ms.unwrap_or_default() / 1e3);
        let pace = Pace { latency, lanes, spacing };
        self.calls_per_hour = is_live.then(|| pace.per_hour());
        match self.origin.is_empty() {
            true => checks.ok("limits", "none: the model is in this process"),
            false => pace.check(checks, self.left, is_live),
        }
        pace.per_call()
    }
}

/// Whether an answer is whole.
fn ending(checks: &mut Checks, role: ModelRole, model: &Model, answered: &Answered) {
    let Some(flaw) = answered.flaw() else { return };
    let remedy = match flaw {
        NoAnswer::Cut => format!(
            "raise `max_output_tokens` of the {role} model (it is {})",
            model.max_output_tokens
        ),
        NoAnswer::ToolCall => "switch tools off in the model's `body`".to_owned(),
        _ => "try another model".to_owned(),
    };
    let words = match answered.why.as_str() {
        "" => format!("the answer was {}", flaw.in_words()),
        why => why.to_owned(),
    };
    // A mutator that is cut off brings no prompt at all.
    match role {
        ModelRole::Mutator(_) => checks.fault("answer", Cause::Provider, words, remedy),
        _ => checks.warn("answer", words, remedy),
    }
}

/// What a person may write into the task, so that no run has to find it out.
fn remedy_of_field(role: ModelRole, field: &str, limit: &str) -> String {
    let key = match field {
        "system role" => "system_role = \"none\"".to_owned(),
        "max_tokens" | "max_completion_tokens" => format!("max_tokens_field = \"{limit}\""),
        "temperature" => "temperature = \"none\"".to_owned(),
        _ => "seed = \"none\"".to_owned(),
    };
    let what = match field {
        "temperature" => "; answers then vary as its service decides",
        "seed" | "random_seed" => "; its answers cannot be repeated",
        _ => "",
    };
    format!(
        "write `{key}` into the table of the {role} model, or leave it: a run finds it out by itself{what}"
    )
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 1e2
}
