//! The checks of one role, from the answer to one request or from why there is none.

use super::check::{Cause, Checks};
use super::probe::{NotAnswered, Probed};
use crate::event::{Answered, Failure, NoAnswer};
use crate::provider::limit::RateLeft;
use crate::provider::{Envelope, LlmError};
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
    /// Bytes of its answer.
    #[serde(skip)]
    pub(super) answer_bytes: u64,
}

/// A rate as a provider tells it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RateFound {
    /// The most that can be left.
    pub limit: u64,
    /// What is left.
    pub left: u64,
    /// Milliseconds until all of it is there again.
    pub reset_ms: u64,
}

impl From<RateLeft> for RateFound {
    fn from(rate: RateLeft) -> Self {
        let reset_ms = u64::try_from(rate.reset.as_millis()).unwrap_or(u64::MAX);
        Self { limit: rate.limit, left: rate.left, reset_ms }
    }
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
            answer_bytes: 0,
        }
    }

    /// Where it was asked, for people.
    fn place(&self) -> String {
        match self.origin.split_once("://") {
            Some((_, host)) => host.to_owned(),
            None => "the model in this process".to_owned(),
        }
    }

    fn take_envelope(&mut self, envelope: &Envelope) {
        self.status = envelope.status;
        self.first_byte_ms = envelope.first_byte.map(millis);
        self.requests = envelope.left.requests.map(RateFound::from);
        self.tokens = envelope.left.tokens.map(RateFound::from);
    }

    fn take_answer(&mut self, answered: &Answered) {
        let seconds = f64::from(answered.ms) / 1e3;
        self.answered = true;
        self.latency_ms = Some(f64::from(answered.ms));
        self.tokens_per_second =
            (seconds > 0.0 && !answered.estimated).then(|| answered.out as f64 / seconds);
        self.usage_reported = Some(!answered.estimated);
        self.prompt_tokens = Some(answered.input);
        self.completion_tokens = Some(answered.out);
        self.usd = answered.usd.dollars();
        self.finish = Some(answered.finish);
        self.answer_bytes = answered.text.len() as u64;
    }

    /// The checks of what came back, but for what the answer says. With the answer, where there is one,
    /// comes what came with it.
    pub(super) fn examine(
        &mut self,
        checks: &mut Checks,
        role: ModelRole,
        model: &Model,
        probed: Probed,
    ) -> Option<Answered> {
        self.refused_fields.clone_from(&probed.left_out);
        let answered = match probed.result {
            Ok((answered, envelope)) => {
                self.take_envelope(&envelope);
                self.take_answer(&answered);
                let reached = match self.origin.as_str() {
                    "" => "the model is in this process".to_owned(),
                    _ => format!("{} takes the key and knows the model", self.place()),
                };
                checks.ok("reach", reached);
                Some(answered)
            }
            Err(NotAnswered::Failed(error)) => {
                self.take_envelope(&error.envelope);
                self.failed(checks, role, &error);
                None
            }
            Err(NotAnswered::NoRoom(worst)) => {
                checks.fault(
                    "budget",
                    Cause::Task,
                    format!(
                        "not asked: one call may cost {} and {} tokens, which is more than the caps leave",
                        worst.usd, worst.tokens.0
                    ),
                    "raise the cap, or lower `max_output_tokens` of the model",
                );
                None
            }
            Err(NotAnswered::NoPlace) => {
                checks.warn(
                    "limits",
                    "not asked: other runs on this machine use all that this key allows",
                    "wait until they are over; runs that share a key take turns",
                );
                None
            }
        };
        if let Some(last) = probed.failed.last().filter(|_| answered.is_some()) {
            checks.warn(
                "attempts",
                format!(
                    "answered only after {}: {}",
                    text::plural(probed.failed.len(), "attempt that failed"),
                    last.message
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
        if let Some(answered) = &answered {
            if probed.left_out.is_empty() {
                checks.ok("fields", "all that are sent are taken");
            }
            self.speed(checks, answered);
            self.bill(checks, answered);
            self.ending(checks, role, model, answered);
        }
        answered
    }

    /// Which check an attempt without an answer ended at, and what to do.
    fn failed(&self, checks: &mut Checks, role: ModelRole, error: &LlmError) {
        let (check, remedy) = match error.failure {
            Failure::Unreachable => (
                "reach",
                "start the server, or correct `base_url`; behind a proxy, set HTTPS_PROXY",
            ),
            Failure::UnknownHost => ("reach", "correct the host in `base_url`, or the network"),
            Failure::Certificate => ("reach", "name the authority's file as `ca_file`"),
            Failure::Unavailable => {
                ("reach", "the server is not ready: wait until its model is loaded, and try again")
            }
            Failure::Auth => ("key", "check `api_key` of the provider, and that the key is valid"),
            Failure::Quota => {
                ("quota", "top up the account or raise its limit, or use another key")
            }
            Failure::Throttled => {
                ("limits", "wait, or set `rpm` and `tpm` of the provider below its limits")
            }
            Failure::BadRequest if matches!(error.envelope.status, Some(404 | 405)) => {
                ("model", "correct the model's name under [models], or `base_url` of its provider")
            }
            Failure::BadRequest => (
                "request",
                "change what it refuses in the table of the provider or the model; docs/providers.md lists \
                 the keys",
            ),
            Failure::Filter => match role {
                ModelRole::Mutator(_) => {
                    ("answer", "the provider's filter refuses your prompt or rows")
                }
                _ => ("answer", "the provider's filter refuses the first row: try another model"),
            },
            Failure::Timeout => (
                "answer",
                "raise `timeout` of the provider, or lower `max_output_tokens` of the model",
            ),
            Failure::Reasoning | Failure::Empty => (
                "answer",
                "raise `max_output_tokens` of the model, or lower its `reasoning_effort`",
            ),
            Failure::Transient | Failure::Unreadable | Failure::Unsent => {
                ("answer", "try again later; if it stays so, the server is broken")
            }
        };
        checks.fault(check, Cause::Provider, &error.message, remedy);
        if let Some(told) = self.limits_in_words() {
            checks.ok("rates", told);
        }
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

    fn bill(&self, checks: &mut Checks, answered: &Answered) {
        let tokens = format!(
            "{} tokens in, {} out",
            text::thousands(answered.input),
            text::thousands(answered.out)
        );
        if answered.estimated {
            return checks.warn(
                "usage",
                format!("the provider counts no tokens, so they are estimated: {tokens}"),
                "caps hold by the estimate, which is generous; its bill may differ",
            );
        }
        checks.ok("usage", format!("{tokens}, as the provider counts them: {}", answered.usd));
    }

    fn ending(&self, checks: &mut Checks, role: ModelRole, model: &Model, answered: &Answered) {
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

    /// What the provider's headers say of its limits; `None` where they say nothing.
    fn limits_in_words(&self) -> Option<String> {
        let told = |what: &str, rate: Option<RateFound>| {
            let RateFound { limit, left, reset_ms } = rate?;
            Some(format!(
                "{} of {} {what} left, all again in {}",
                text::thousands(left),
                text::thousands(limit),
                seconds(Duration::from_millis(reset_ms))
            ))
        };
        let told = [told("requests", self.requests), told("tokens", self.tokens)];
        let told: Vec<String> = told.into_iter().flatten().collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// What the limits and the latency let through. `lanes` may be out at a time; attempts are `spacing`
    /// apart. Returns the time that each of many calls takes.
    pub(super) fn pace(
        &mut self,
        checks: &mut Checks,
        lanes: usize,
        spacing: Duration,
    ) -> Duration {
        // Not even a model in this process answers faster.
        let latency = self.latency_ms.unwrap_or_default().max(1.0);
        let lanes = lanes.max(1);
        let per_call = Duration::from_secs_f64(latency / 1e3 / lanes as f64).max(spacing);
        let hourly = 3_600.0 / per_call.as_secs_f64();
        self.calls_per_hour = Some(hourly);
        if self.origin.is_empty() {
            checks.ok("limits", "none: the model is in this process");
            return per_call;
        }
        let told = self.limits_in_words();
        let told = told.unwrap_or_else(|| "the provider tells none".to_owned());
        let by = if spacing >= per_call { "within its limits" } else { "at this latency" };
        let hourly = text::thousands(rounded(hourly));
        checks.ok("limits", format!("{told}; {by}, {lanes} at a time make {hourly} calls an hour"));
        per_call
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

/// `0.412 s`, `3.1 s`.
fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => text::duration(duration),
    }
}

/// Two digits: more are not known from one call.
fn rounded(number: f64) -> u64 {
    let digits = 10_f64.powf((number.max(1.0).log10().floor() - 1.0).max(0.0));
    ((number / digits).round() * digits) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_told_as_precisely_as_it_is_known() {
        let shown = [7.4, 94.0, 11_520.0, 3_599_999.0].map(rounded);
        assert_eq!(shown, [7, 94, 12_000, 3_600_000]);
    }
}
