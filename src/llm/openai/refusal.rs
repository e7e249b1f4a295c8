//! What a server says instead of an answer, and what that means for the next attempt.
//!
//! A status alone does not tell: 429 is "slow down" from one provider and "your balance is used up"
//! from another, and some send a refused key as 400. So codes are read first, then words, then the
//! status. Nothing here removes keys: who makes a message of the words does.

use crate::llm::Failure;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::time::Duration;

/// No wait is longer: what is beyond it is not a wait.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// An attempt without an answer, before it is given a name and a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    pub(super) may_be_billed: bool,
    pub(super) retry_after: Option<Duration>,
    /// The server's own words, of any length and content.
    pub(super) words: String,
}

impl Refusal {
    /// A status that is not a success.
    pub(super) fn new(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let said = Said::of_body(body);
        let failure = said.failure(status);
        Self {
            failure,
            may_be_billed: failure == Failure::Transient && worked_on(status),
            retry_after: match failure {
                Failure::Throttled | Failure::Transient => wait_in(headers, &said, now),
                _ => None,
            },
            words: said.words,
        }
    }

    /// An attempt that the provider may have worked for.
    pub(super) fn billed(failure: Failure, words: String) -> Self {
        Self { failure, may_be_billed: true, retry_after: None, words }
    }

    /// An error in a body that came with 200: its own code takes the status's place.
    pub(super) fn inside_an_answer(error: &Value) -> Self {
        let said = Said::of_error(error);
        let status = said
            .codes
            .iter()
            .filter_map(|code| code.parse().ok())
            .find(|status| (400..600).contains(status))
            .unwrap_or_else(|| said.status_in_words());
        let failure = said.failure(status);
        Self {
            failure,
            // The 200 was sent before it went wrong, so perhaps tokens were too.
            may_be_billed: failure == Failure::Transient,
            retry_after: said.wait.filter(|_| failure == Failure::Throttled),
            words: format!("sent an error instead of an answer: {}", said.words),
        }
    }
}

/// Whether a server that ends with this status may have worked for the attempt. Gateways give up
/// waiting for a model that goes on; a server that says so itself does not bill for it.
fn worked_on(status: u16) -> bool {
    !matches!(status, 409 | 425 | 498 | 500 | 503 | 529)
}

/// A refusal's body, whoever wrote it.
#[derive(Debug, Default)]
struct Said {
    /// What a person should read.
    words: String,
    /// `code`, `type`, `status` and `reason`, in small letters.
    codes: Vec<String>,
    /// All words, in small letters.
    lower: String,
    /// The wait that it asks for.
    wait: Option<Duration>,
}

impl Said {
    fn of_body(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            // Gemini wraps it in a list.
            Ok(Value::Array(mut list)) if !list.is_empty() => Self::of_json(&list.swap_remove(0)),
            Ok(value) => Self::of_json(&value),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                let words = title(&text).unwrap_or(&text).trim().to_owned();
                Self::default().with_words(words)
            }
        }
    }

    fn of_json(value: &Value) -> Self {
        match &value["error"] {
            // The usual form, and what is beside it.
            error @ Value::Object(_) => Self::of_error(error),
            // Ollama and xAI: the message itself, xAI with a `code` beside it.
            Value::String(message) => {
                let mut said = Self::default();
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
        said.read_codes(&error["innererror"]);
        for detail in error["details"].as_array().into_iter().flatten() {
            said.read_codes(detail);
            said.wait = said.wait.or(detail["retryDelay"].as_str().and_then(wait_of));
            for violation in detail["violations"].as_array().into_iter().flatten() {
                said.read_codes(violation);
            }
        }
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
            403 if self.says(&["moderation", "flagged", "content policy", "safety"]) => {
                Failure::BadRequest
            }
            403 => Failure::Auth,
            400 if self.is_about_the_key() => Failure::Auth,
            // It will not fit next time either, and refusals for speed are tried again for ever.
            429 if self.says(&["request too large", "must be reduced"]) => Failure::BadRequest,
            429 => Failure::Throttled,
            400 if self.has_code(&["throttlingexception", "throttling"]) => Failure::Throttled,
            // A server that cannot do it at all, such as llama.cpp with an embedding model.
            501 | 505 => Failure::BadRequest,
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

    /// The status that an error without one stands for.
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

/// How long the server asks to wait: the most exact statement first.
fn wait_in(headers: &HeaderMap, said: &Said, now: Timestamp) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let millis = header("retry-after-ms").and_then(|text| seconds(text, 0.001));
    let stated = headers.get(RETRY_AFTER).and_then(|value| {
        let text = value.to_str().ok()?.trim();
        seconds(text, 1.0).or_else(|| until(text, headers, now))
    });
    millis
        .or(stated)
        .or(said.wait)
        .or_else(|| {
            // The time until a bucket is full again: that of the bucket that is empty, or else the
            // nearer one, because any place in it will do.
            let bucket = |name: &str| {
                let left = header(&format!("x-ratelimit-remaining-{name}"));
                let wait = wait_of(header(&format!("x-ratelimit-reset-{name}"))?)?;
                Some((left.map(str::trim) == Some("0"), wait))
            };
            let buckets = [bucket("requests"), bucket("tokens")];
            let waits = || buckets.iter().flatten();
            let empty = waits().filter(|(empty, _)| *empty).map(|(_, wait)| *wait);
            empty.max().or_else(|| waits().map(|(_, wait)| *wait).min())
        })
        .map(|wait| wait.min(LONGEST_WAIT))
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

/// An HTTP date, seen from the server's own clock where it tells the time: ours may be wrong.
fn until(text: &str, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let date = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let then = date(text)?;
    let its_now = headers.get(DATE).and_then(|value| date(value.to_str().ok()?)).unwrap_or(now);
    // A date that has passed means: now.
    Some(Duration::try_from(then.duration_since(its_now)).unwrap_or_default())
}

/// `1s`, `6m0s`, `2m59.56s`, `20ms`, `40131 seconds`, or a bare number of seconds.
fn wait_of(text: &str) -> Option<Duration> {
    let text = text.trim();
    seconds(text, 1.0).or_else(|| leading_wait(text))
}

/// The wait that a text begins with; what follows it is ignored.
fn leading_wait(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = None;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..digits].parse::<f64>() else {
            break;
        };
        let after = rest[digits..].trim_start_matches(' ');
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..letters] {
            "ms" | "millisecond" | "milliseconds" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => break,
        };
        total = Some(total.unwrap_or(0.0) + number * unit);
        rest = &after[letters..];
    }
    Duration::try_from_secs_f64(total?).ok()
}

/// `Please try again in 7.66s.` and its relatives.
fn wait_in_words(lower: &str) -> Option<Duration> {
    ["try again in ", "retry in ", "retry after ", "please wait "].iter().find_map(|phrase| {
        let start = lower.find(phrase)? + phrase.len();
        leading_wait(&lower[start..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    fn read(status: u16, pairs: &[(&str, &str)], body: &str) -> Refusal {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        Refusal::new(status, &headers(pairs), body.as_bytes(), now)
    }

    /// Provider, status, body, what it means, the wait in it, and a part of the words shown.
    type Recorded = (&'static str, u16, &'static str, Failure, Option<f64>, &'static str);

    use Failure::{Auth, BadRequest, Quota, Throttled, Transient};

    const RECORDED: &[Recorded] = &[
        // OpenAI
        (
            "openai",
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
            Throttled,
            Some(20.0),
            "Rate limit reached",
        ),
        (
            "openai",
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-x on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
            Throttled,
            Some(432.0),
            "per day",
        ),
        (
            "openai",
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            Quota,
            None,
            "exceeded your current quota",
        ),
        (
            "openai",
            429,
            r#"{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41235. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
            BadRequest,
            None,
            "must be reduced",
        ),
        (
            "openai",
            400,
            r#"{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","param":null,"code":"billing_hard_limit_reached"}}"#,
            Quota,
            None,
            "hard limit",
        ),
        (
            "openai",
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-abcde***********wxyz. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            Auth,
            None,
            "Incorrect API key",
        ),
        (
            "openai",
            403,
            r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
            Auth,
            None,
            "not supported",
        ),
        (
            "openai",
            404,
            r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
            BadRequest,
            None,
            "gpt-9",
        ),
        (
            "openai",
            400,
            r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#,
            BadRequest,
            None,
            "max_completion_tokens",
        ),
        (
            "openai",
            400,
            r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 140339 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            BadRequest,
            None,
            "maximum context length",
        ),
        (
            "openai",
            500,
            r#"{"error":{"message":"The server had an error processing your request. Sorry about that! (Please include the request ID req_1 in your email.)","type":"server_error","param":null,"code":null}}"#,
            Transient,
            None,
            "server had an error",
        ),
        (
            "openai",
            503,
            r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}"#,
            Transient,
            None,
            "overloaded",
        ),
        // Azure
        (
            "azure",
            429,
            r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 26 seconds."}}"#,
            Throttled,
            Some(26.0),
            "exceeded token rate limit",
        ),
        (
            "azure",
            401,
            r#"{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." }"#,
            Auth,
            None,
            "Access token is missing",
        ),
        (
            "azure",
            400,
            r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            BadRequest,
            None,
            "was filtered",
        ),
        // Anthropic
        (
            "anthropic",
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
            Transient,
            None,
            "Overloaded",
        ),
        (
            "anthropic",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
            Quota,
            None,
            "credit balance",
        ),
        (
            "anthropic",
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            BadRequest,
            None,
            "maximum size",
        ),
        // Gemini
        (
            "gemini",
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 37.42s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"15"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37s"}]}}]"#,
            Throttled,
            Some(37.0),
            "current quota",
        ),
        (
            "gemini",
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":"250"}]},{"retryDelay":"37s"}]}}]"#,
            Quota,
            None,
            "current quota",
        ),
        (
            "gemini",
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#,
            Auth,
            None,
            "API key not valid",
        ),
        (
            "gemini",
            503,
            r#"[{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]"#,
            Transient,
            None,
            "overloaded",
        ),
        // DeepSeek
        (
            "deepseek",
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
            Quota,
            None,
            "Insufficient Balance",
        ),
        (
            "deepseek",
            401,
            r#"{"error":{"message":"Authentication Fails, Your api key: ****wxyz is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
            Auth,
            None,
            "Authentication Fails",
        ),
        // OpenRouter
        (
            "openrouter",
            402,
            r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 2000 tokens, but can only afford 120.","code":402,"metadata":{"provider_name":null}},"user_id":"user_1"}"#,
            Quota,
            None,
            "more credits",
        ),
        (
            "openrouter",
            429,
            r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"google/gemma-3-27b-it:free is temporarily rate-limited upstream. Please retry shortly.","provider_name":"Chutes"}},"user_id":"user_1"}"#,
            Throttled,
            None,
            "temporarily rate-limited upstream",
        ),
        (
            "openrouter",
            429,
            r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0"}}}}"#,
            Quota,
            None,
            "free-models-per-day",
        ),
        (
            "openrouter",
            403,
            r#"{"error":{"message":"openai/gpt-4o requires moderation on OpenAI. Your input was flagged for \"violence\".","code":403,"metadata":{"reasons":["violence"],"flagged_input":"…"}}}"#,
            BadRequest,
            None,
            "flagged",
        ),
        // Groq
        (
            "groq",
            429,
            r#"{"error":{"message":"Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99336, Requested 1613. Please try again in 13m39.936s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Throttled,
            Some(819.936),
            "tokens per day",
        ),
        (
            "groq",
            413,
            r#"{"error":{"message":"Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Requested 9106, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            BadRequest,
            None,
            "Request too large",
        ),
        (
            "groq",
            498,
            r#"{"error":{"message":"Flex tier capacity exceeded","type":"capacity_exceeded"}}"#,
            Transient,
            None,
            "capacity",
        ),
        // Mistral
        (
            "mistral",
            422,
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]},"type":"invalid_request_error","param":null,"code":null}"#,
            BadRequest,
            None,
            "body.seed: Extra inputs are not permitted",
        ),
        (
            "mistral",
            429,
            r#"{"message":"Requests rate limit exceeded"}"#,
            Throttled,
            None,
            "rate limit",
        ),
        (
            "mistral",
            401,
            r#"{"message":"Unauthorized","request_id":"1"}"#,
            Auth,
            None,
            "Unauthorized",
        ),
        // xAI
        (
            "xai",
            403,
            r#"{"code":"The caller does not have permission to execute the specified operation","error":"Your newly created team doesn't have any credits yet. You can purchase credits on https://console.x.ai."}"#,
            Quota,
            None,
            "any credits",
        ),
        (
            "xai",
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai."}"#,
            Auth,
            None,
            "Incorrect API key",
        ),
        // Moonshot, Zhipu, DashScope, Together, Perplexity, Cohere
        (
            "moonshot",
            429,
            r#"{"error":{"type":"exceeded_current_quota_error","message":"Your account is suspended, please check your plan and billing details"}}"#,
            Quota,
            None,
            "suspended",
        ),
        (
            "moonshot",
            429,
            r#"{"error":{"type":"engine_overloaded_error","message":"The engine is currently overloaded, please try again later"}}"#,
            Throttled,
            None,
            "overloaded",
        ),
        (
            "zhipu",
            429,
            r#"{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}"#,
            Quota,
            None,
            "余额不足",
        ),
        (
            "zhipu",
            429,
            r#"{"error":{"code":"1302","message":"您当前使用该API的并发数过高"}}"#,
            Throttled,
            None,
            "并发",
        ),
        (
            "dashscope",
            400,
            r#"{"error":{"code":"Arrearage","type":"Arrearage","message":"Access denied, please make sure your account is in good standing."}}"#,
            Quota,
            None,
            "good standing",
        ),
        (
            "dashscope",
            429,
            r#"{"error":{"code":"limit_requests","type":"limit_requests","message":"You exceeded your current requests list."}}"#,
            Throttled,
            None,
            "requests list",
        ),
        (
            "together",
            402,
            r#"{"id":"1","error":{"message":"Credit limit exceeded, please navigate to https://api.together.ai/settings/billing to add a credit card or upgrade your plan.","type":"credit_limit","param":null,"code":null}}"#,
            Quota,
            None,
            "Credit limit",
        ),
        (
            "perplexity",
            401,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details","type":"insufficient_quota","code":401}}"#,
            Quota,
            None,
            "quota",
        ),
        (
            "cohere",
            429,
            r#"{"id":"1","message":"You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key."}"#,
            Quota,
            None,
            "Trial key",
        ),
        (
            "bedrock",
            400,
            r#"{"error":{"type":"ThrottlingException","message":"Too many requests, please wait before trying again."}}"#,
            Throttled,
            None,
            "Too many requests",
        ),
        // Local servers
        (
            "vllm",
            400,
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.","type":"BadRequestError","param":null,"code":400}"#,
            BadRequest,
            None,
            "maximum context length",
        ),
        (
            "vllm",
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
            BadRequest,
            None,
            "does not exist",
        ),
        (
            "llama.cpp",
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            Transient,
            None,
            "Loading model",
        ),
        (
            "llama.cpp",
            501,
            r#"{"error":{"code":501,"message":"This server does not support completions. Start it without `--embeddings`","type":"not_supported_error"}}"#,
            BadRequest,
            None,
            "--embeddings",
        ),
        (
            "ollama",
            404,
            r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#,
            BadRequest,
            None,
            "pulling it first",
        ),
        (
            "ollama",
            500,
            r#"{"error":"llama runner process has terminated: exit status 2"}"#,
            Transient,
            None,
            "llama runner",
        ),
        (
            "litellm",
            429,
            r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"None","param":"None","code":"429"}}"#,
            Throttled,
            Some(5.0),
            "No deployments",
        ),
        // Gateways
        (
            "cloudflare",
            502,
            "<!DOCTYPE html><html><head><title>api.example.com | 502: Bad gateway</title></head><body>…</body></html>",
            Transient,
            None,
            "api.example.com | 502: Bad gateway",
        ),
        ("cloudflare", 520, "error code: 520", Transient, None, "error code: 520"),
        (
            "nginx",
            504,
            "<html>\r\n<head><title>504 Gateway Time-out</title></head></html>",
            Transient,
            None,
            "504 Gateway Time-out",
        ),
        (
            "nginx",
            413,
            "<html><head><TITLE>413 Request Entity Too Large</TITLE></head></html>",
            BadRequest,
            None,
            "Too Large",
        ),
        ("proxy", 407, "", Auth, None, ""),
        ("anyone", 301, "", BadRequest, None, ""),
        ("anyone", 408, "{}", Transient, None, "{}"),
        ("anyone", 429, "", Throttled, None, ""),
        ("anyone", 503, "null", Transient, None, "null"),
    ];

    #[test]
    fn recorded_refusals_mean_what_their_providers_mean() {
        for (provider, status, body, failure, wait, words) in RECORDED {
            let refusal = read(*status, &[], body);
            assert_eq!(refusal.failure, *failure, "{provider} {status}: {body}");
            assert!(refusal.words.contains(words), "{provider}: {}", refusal.words);
            let wait = wait.map(Duration::from_secs_f64);
            assert_eq!(refusal.retry_after, wait, "{provider} {status}: {body}");
            // What was refused outright was not worked on.
            let billed = *failure == Transient && matches!(status, 408 | 502 | 504 | 520);
            assert_eq!(refusal.may_be_billed, billed, "{provider} {status}");
        }
        let providers: std::collections::BTreeSet<_> =
            RECORDED.iter().map(|(provider, ..)| provider).collect();
        assert!(RECORDED.len() >= 30 && providers.len() >= 6);
    }

    #[test]
    fn waits_are_read_from_headers_in_all_their_forms() {
        let wait = |pairs: &[(&str, &str)]| {
            let refusal = read(429, pairs, "{}");
            refusal.retry_after.map(|wait| wait.as_secs_f64())
        };
        assert_eq!(wait(&[("retry-after", "2")]), Some(2.0));
        assert_eq!(wait(&[("retry-after", " 1.5 ")]), Some(1.5));
        assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "1")]), Some(0.25));
        assert_eq!(wait(&[("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")]), Some(30.0));
        // The server's clock is an hour behind ours.
        let server = [
            ("retry-after", "Sun, 22 Nov 2026 11:00:07 GMT"),
            ("date", "Sun, 22 Nov 2026 11:00:00 GMT"),
        ];
        assert_eq!(wait(&server), Some(7.0));
        assert_eq!(wait(&[("retry-after", "Sun, 22 Nov 2020 12:00:30 GMT")]), Some(0.0));
        assert_eq!(wait(&[("retry-after", "1e300")]), None);
        assert_eq!(wait(&[("retry-after", "9999999999")]), Some(86_400.0));
        assert_eq!(wait(&[("retry-after", "-3")]), None);
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        for (text, seconds) in [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("2m59.5s", 179.5)] {
            assert_eq!(wait(&[("x-ratelimit-reset-requests", text)]), Some(seconds), "{text}");
        }
        assert_eq!(wait(&[("x-ratelimit-reset-requests", "10")]), Some(10.0));
        assert_eq!(wait(&[("x-ratelimit-reset-requests", "never")]), None);
        let both = |left: &str| {
            wait(&[
                ("x-ratelimit-remaining-requests", "100"),
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-remaining-tokens", left),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ])
        };
        assert_eq!(both("0"), Some(360.0));
        assert_eq!(both("500"), Some(1.0));
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn only_what_is_tried_again_has_a_wait() {
        let pairs = [("retry-after", "3")];
        assert_eq!(read(503, &pairs, "").retry_after, Some(Duration::from_secs(3)));
        assert_eq!(read(401, &pairs, "").retry_after, None);
        assert_eq!(read(402, &pairs, "").retry_after, None);
    }
}
