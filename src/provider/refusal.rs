//! What a server says instead of an answer, and what that means for the next attempt.
//!
//! A status alone does not tell: 429 is "slow down" from one provider and "your balance is used up"
//! from another, and some send a refused key as 400. So codes are read first, then words, then the
//! status. Nothing here removes keys, and nothing counts tokens: who makes an error of it does.

use crate::provider::Failure;
use crate::provider::waits::{Clocks, reset, seconds, until, wait_in_words, wait_of};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::time::Duration;

/// No wait is longer: what is beyond it is not a wait.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// An attempt without an answer, before it is given a name and a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of failure.
    pub failure: Failure,
    /// Whether the provider may have billed the attempt.
    pub may_be_billed: bool,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// The field of the request that the server refuses, where it says so.
    pub refused_field: Option<String>,
    /// The server's own words, of any length and content.
    pub words: String,
}

impl Refusal {
    /// A status that is not a success.
    #[must_use]
    pub fn new(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let said = ErrorBody::of_body(body);
        let failure = said.failure(status);
        Self {
            failure,
            may_be_billed: failure == Failure::Transient && worked_on(status),
            retry_after: match failure {
                Failure::Throttled | Failure::Unavailable | Failure::Transient => {
                    wait_in(headers, &said, now)
                }
                _ => None,
            },
            refused_field: said.refused_field().filter(|_| failure == Failure::BadRequest),
            words: said.words,
        }
    }

    /// An attempt that the provider may have worked for.
    #[must_use]
    pub fn billed(failure: Failure, words: String) -> Self {
        Self { failure, may_be_billed: true, retry_after: None, refused_field: None, words }
    }

    /// An error in a body that came with 200: its own code takes the status's place.
    #[must_use]
    pub fn inside_an_answer(error: &Value) -> Self {
        let said = ErrorBody::of_error(error);
        let status = said
            .codes
            .iter()
            .filter_map(|code| code.parse().ok())
            .find(|status| (400..600).contains(status))
            .unwrap_or_else(|| said.status_in_words());
        let failure = match said.failure(status) {
            // It may be billed, so it is no free wait.
            Failure::Unavailable => Failure::Transient,
            failure => failure,
        };
        Self {
            failure,
            // The 200 was sent before it went wrong, so perhaps tokens were too.
            may_be_billed: failure == Failure::Transient,
            retry_after: said.wait.filter(|_| failure == Failure::Throttled),
            refused_field: None,
            words: format!("sent an error instead of an answer: {}", said.words),
        }
    }
}

/// Whether a server that ends with this status may have worked for the attempt. Gateways give up
/// waiting for a model that goes on; a server that says so itself does not bill for it.
fn worked_on(status: u16) -> bool {
    !matches!(status, 409 | 425 | 498 | 500 | 503 | 529)
}

/// A refusal's body, from any server.
#[derive(Debug, Default)]
struct ErrorBody {
    /// What a person should read.
    words: String,
    /// `code`, `type`, `status` and `reason`, in small letters.
    codes: Vec<String>,
    /// All words, in small letters.
    lower: String,
    /// Whether it is a page for people, as firewalls send it.
    is_page: bool,
    /// The wait that it asks for.
    wait: Option<Duration>,
    /// The field of the request that it is about, where it names one.
    param: Option<String>,
}

impl ErrorBody {
    fn of_body(body: &[u8]) -> Self {
        match super::body::json(body) {
            // Gemini wraps it in a list.
            Some(Value::Array(mut list)) if !list.is_empty() => Self::of_json(&list.swap_remove(0)),
            Some(value) => Self::of_json(&value),
            None => {
                let text = String::from_utf8_lossy(body);
                let words = title(&text).unwrap_or(&text).trim().to_owned();
                let is_page = text.trim_start().starts_with('<');
                Self { is_page, ..Self::default() }.with_words(words)
            }
        }
    }

    fn of_json(value: &Value) -> Self {
        match &value["error"] {
            // The usual form, and what is beside it.
            error @ Value::Object(_) => Self::of_error(error),
            // Ollama and xAI: the message itself, xAI with a `code` beside it.
            Value::String(message) => {
                let mut said = Self { wait: wait_in_fields(value), ..Self::default() };
                said.read_codes(value);
                said.with_words(message.clone())
            }
            // vLLM, Mistral, Cohere: the fields stand at the top.
            _ => Self::of_error(value),
        }
    }

    fn of_error(error: &Value) -> Self {
        let mut said = Self::default();
        said.read_codes(error);
        said.param = error["param"].as_str().map(str::to_owned);
        said.read_codes(&error["innererror"]);
        for detail in error["details"].as_array().into_iter().flatten() {
            said.read_codes(detail);
            said.wait = said.wait.or(detail["retryDelay"].as_str().and_then(wait_of));
            for violation in detail["violations"].as_array().into_iter().flatten() {
                said.read_codes(violation);
            }
        }
        said.wait = said.wait.or_else(|| wait_in_fields(error));
        let mut words = match error {
            Value::String(message) => message.clone(),
            _ => ["message", "detail", "error_description", "title"]
                .into_iter()
                .map(|name| plain(&error[name]))
                .find(|words| !words.is_empty())
                // Better all of it than nothing.
                .unwrap_or_else(|| error.to_string()),
        };
        // OpenRouter says "Provider returned error" and keeps the reason here.
        let raw = plain(&error["metadata"]["raw"]);
        if !raw.is_empty() {
            words = format!("{words}: {raw}");
        }
        said.with_words(words)
    }

    fn with_words(mut self, words: String) -> Self {
        self.lower = words.to_lowercase();
        self.wait = self.wait.or_else(|| wait_in_words(&self.lower));
        self.words = words;
        self
    }

    fn read_codes(&mut self, value: &Value) {
        for name in ["code", "type", "status", "reason", "quotaId"] {
            match &value[name] {
                Value::String(code) => self.codes.push(code.to_lowercase()),
                Value::Number(code) => self.codes.push(code.to_string()),
                _ => {}
            }
        }
    }

    fn has_code(&self, known: &[&str]) -> bool {
        self.codes.iter().any(|code| known.contains(&code.as_str()))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.lower.contains(phrase))
    }

    fn failure(&self, status: u16) -> Failure {
        match status {
            402 => Failure::Quota,
            400 | 401 | 403 | 412 | 429 if self.is_about_money() => Failure::Quota,
            401 | 407 => Failure::Auth,
            // One input was refused, not the key.
            400 | 403 | 422 if self.is_of_a_filter() => Failure::Filter,
            403 if self.says(&["safety"]) => Failure::Filter,
            400 | 403 if self.is_about_the_key() => Failure::Auth,
            403 if !self.is_page && self.is_about_access() => Failure::Auth,
            // A firewall that refuses one input says no more than this. Where it refuses everything, the
            // run stops after some calls.
            403 => Failure::BadRequest,
            // It will not fit next time either, and refusals for speed are tried again for ever.
            429 if self.says(&["request too large", "must be reduced"]) => Failure::BadRequest,
            429 => Failure::Throttled,
            400 if self.has_code(&["throttlingexception", "throttling"]) => Failure::Throttled,
            // A server that cannot do it at all, such as llama.cpp with an embedding model.
            501 | 505 => Failure::BadRequest,
            503 | 529 => Failure::Unavailable,
            408 | 409 | 424 | 425 | 498 | 499 | 500.. => Failure::Transient,
            _ => Failure::BadRequest,
        }
    }

    /// Quota or balance: used up, not merely used too fast.
    fn is_about_money(&self) -> bool {
        const CODES: &[&str] = &[
            "insufficient_quota",
            "insufficient_user_quota",
            "insufficient_balance",
            "billing_hard_limit_reached",
            "billing_not_active",
            "billing_error",
            "exceeded_current_quota_error",
            "credit_limit",
            "arrearage",
            // Zhipu
            "1113",
        ];
        const PHRASES: &[&str] = &[
            "insufficient balance",
            "insufficient_quota",
            "insufficient quota",
            "insufficient credit",
            "insufficient fund",
            "credit balance",
            // Anthropic, where a limit of the account's own is reached.
            "api usage limits",
            "will regain access",
            "out of credits",
            "any credits",
            "credits exhausted",
            "used all available credits",
            "spending limit",
            "hard limit has been reached",
            "good standing",
            "account is not active",
            "余额不足",
            "欠费",
        ];
        // Allowances of a day or a month do not come back while a run waits.
        const ALLOWANCES: &[&str] =
            &["free-models-per-day", "free tier daily", "api calls / month", "monthly quota"];
        if self.has_code(CODES) || self.says(PHRASES) || self.says(ALLOWANCES) {
            return true;
        }
        if self.codes.iter().any(|code| code.contains("perday")) {
            return true;
        }
        // OpenAI says this when the money is gone; Gemini also each minute, and then says how long
        // to wait. "Billing" alone means nothing: rate limits advertise higher tiers with it.
        self.says(&["exceeded your current quota"]) && self.wait.is_none()
    }

    /// A content filter refused what was sent.
    fn is_of_a_filter(&self) -> bool {
        const CODES: &[&str] = &[
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
            "data_inspection_failed",
            "moderation_blocked",
            // Zhipu
            "1301",
        ];
        const PHRASES: &[&str] = &[
            "moderation",
            "flagged",
            "content policy",
            "content management policy",
            "content filter",
            "content_filter",
            "usage policies",
            "inappropriate content",
            "敏感",
        ];
        self.has_code(CODES) || self.says(PHRASES)
    }

    /// The key is known, and may not do this: no request of the run will be answered.
    fn is_about_access(&self) -> bool {
        const CODES: &[&str] =
            &["permission_denied", "permission_error", "access_denied", "authentication_error"];
        const PHRASES: &[&str] = &[
            "api key",
            "api_key",
            "apikey",
            "permission",
            "access",
            "authoriz",
            "authenticat",
            "credential",
            "not allowed to",
            "organization",
            "account",
            "project",
            "country",
            "region",
            "territory",
            "subscription",
        ];
        self.has_code(CODES) || self.says(PHRASES)
    }

    /// Gemini, xAI and others refuse a key with 400.
    fn is_about_the_key(&self) -> bool {
        self.has_code(&["api_key_invalid", "invalid_api_key", "invalid_authentication_error"])
            || self.says(&[
                "api key not valid",
                "invalid api key",
                "incorrect api key",
                "api key expired",
                "invalid api token",
            ])
    }

    /// The field that the server does not take at all: one that a request can do without, or whose name
    /// it can change.
    fn refused_field(&self) -> Option<String> {
        const SYSTEM: &str = "system role";
        const FIELDS: &[&str] =
            &["temperature", "max_tokens", "max_completion_tokens", "random_seed", "seed", SYSTEM];
        const CODES: &[&str] =
            &["unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"];
        const PHRASES: &[&str] = &[
            "unsupported",
            "not supported",
            "not support",
            "unknown name",
            "unknown parameter",
            "unknown field",
            "unknown argument",
            "unrecognized",
            "unrecognised",
            "extra inputs are not permitted",
            "extra fields not permitted",
            "unexpected keyword",
            "unexpected field",
            "is deprecated for this model",
            "not allowed for this model",
            "additional properties are not allowed",
        ];
        // Gemini's words for a system message.
        if self.says(&["developer instruction is not enabled"]) {
            return Some(SYSTEM.to_owned());
        }
        if !self.has_code(CODES) && !self.says(PHRASES) {
            return None;
        }
        let named = |field: &&&str| self.param.as_deref() == Some(**field);
        let by_place = |field: &&&str| self.is_subject(field);
        let field = FIELDS.iter().find(named).or_else(|| FIELDS.iter().find(by_place));
        field.map(|field| (*field).to_owned())
    }

    /// Whether its words are about a field, and do not only quote a text with that word.
    fn is_subject(&self, field: &str) -> bool {
        const BEFORE: &[&str] =
            &["'", "\"", "`", "body.", "parameter ", "parameter: ", "argument "];
        const AFTER: &[&str] = &[
            // Anthropic
            ": extra inputs are not permitted",
            " is not supported",
            " is unsupported",
            " is not allowed",
            " is deprecated",
            " not supported",
            " does not support",
        ];
        self.lower.match_indices(field).any(|(at, _)| {
            let (before, after) = (&self.lower[..at], &self.lower[at + field.len()..]);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
            let is_named = BEFORE.iter().any(|mark| before.ends_with(mark));
            is_whole && (is_named || AFTER.iter().any(|words| after.starts_with(words)))
        })
    }

    /// The status that corresponds to an error without one.
    fn status_in_words(&self) -> u16 {
        let mut codes = self.codes.iter();
        if self.is_about_money() {
            402
        } else if self.is_about_the_key() || self.has_code(&["authentication_error"]) {
            401
        } else if codes.any(|code| code.contains("rate_limit") || code == "resource_exhausted") {
            429
        } else if self.has_code(&["invalid_request_error", "badrequesterror", "not_found_error"]) {
            400
        } else {
            500
        }
    }
}

/// A string as it is, a list of findings as one line, anything else as JSON; nothing for nothing.
fn plain(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(findings) => {
            let lines: Vec<String> = findings.iter().map(finding).collect();
            lines.join("; ")
        }
        // Mistral puts `detail` into `message`.
        Value::Object(fields) if fields.contains_key("detail") => plain(&value["detail"]),
        other => other.to_string(),
    }
}

/// FastAPI's `{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}`.
fn finding(value: &Value) -> String {
    let Some(message) = value["msg"].as_str() else {
        return plain(value);
    };
    let place: Vec<String> = value["loc"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
        .collect();
    format!("{}: {message}", place.join("."))
}

/// A page's title: all that is worth reading of a gateway's error page.
fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower[start..].find("</title>")?;
    Some(page[start..end].trim()).filter(|title| !title.is_empty())
}

/// A wait as a field of an error, under the names that servers use.
fn wait_in_fields(error: &Value) -> Option<Duration> {
    let field = |names: &[&str], unit: f64| {
        names.iter().find_map(|name| match &error[name] {
            Value::Number(number) => Duration::try_from_secs_f64(number.as_f64()? * unit).ok(),
            Value::String(text) if unit == 1.0 => wait_of(text),
            Value::String(text) => seconds(text, unit),
            _ => None,
        })
    };
    field(&["retry_after_ms", "retryAfterMs"], 0.001).or_else(|| {
        field(
            &["retry_after", "retryAfter", "retry-after", "retry_after_seconds", "retryDelay"],
            1.0,
        )
    })
}

/// How long the server asks to wait: the most exact statement first.
fn wait_in(headers: &HeaderMap, said: &ErrorBody, now: Timestamp) -> Option<Duration> {
    let clocks = Clocks::of(headers, now);
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let millis = header("retry-after-ms").and_then(|text| seconds(text, 0.001));
    let stated = headers.get(RETRY_AFTER).and_then(|value| {
        let text = value.to_str().ok()?.trim();
        seconds(text, 1.0).or_else(|| until(text, clocks))
    });
    millis
        .or(stated)
        .or(said.wait)
        .or_else(|| {
            // The time until a bucket is full again: that of the bucket that is empty, or else the
            // nearer one, because any place in it will do.
            let bucket = |prefix: &str, name: &str| {
                let left = header(&format!("{prefix}-remaining{name}"));
                let wait = reset(header(&format!("{prefix}-reset{name}"))?, clocks)?;
                Some((left.map(str::trim) == Some("0"), wait))
            };
            let buckets = [
                bucket("x-ratelimit", "-requests"),
                bucket("x-ratelimit", "-tokens"),
                bucket("x-ratelimit", ""),
                bucket("ratelimit", ""),
                bucket("anthropic-ratelimit-requests", ""),
                bucket("anthropic-ratelimit-tokens", ""),
            ];
            let waits = || buckets.iter().flatten();
            let empty = waits().filter(|(empty, _)| *empty).map(|(_, wait)| *wait);
            empty.max().or_else(|| waits().map(|(_, wait)| *wait).min())
        })
        .map(|wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests;
