//! What the headers of an answer say is left of a provider's rates.
//!
//! Not what is done about it: that is the throttle's. Headers that are not understood say nothing.

use super::limit::{RateLeft, RatesLeft};
use super::waits::{Clocks, reset};
use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// How services name the headers of one rate; `{}` stands for `limit`, `remaining` and `reset`.
struct Names {
    requests: &'static str,
    tokens: &'static str,
}

const SERVICES: [Names; 2] = [
    // https://platform.openai.com/docs/guides/rate-limits; Azure, Groq, Together, and many servers too.
    Names { requests: "x-ratelimit-{}-requests", tokens: "x-ratelimit-{}-tokens" },
    // https://docs.anthropic.com/en/api/rate-limits
    Names { requests: "anthropic-ratelimit-requests-{}", tokens: "anthropic-ratelimit-tokens-{}" },
];

/// What the headers of an answer say at a moment of this machine's clock.
pub(super) fn left(headers: &HeaderMap, now: Timestamp) -> RatesLeft {
    let clocks = Clocks::of(headers, now);
    let of = |name: &str| {
        let text = |what: &str| headers.get(name.replace("{}", what))?.to_str().ok();
        let count = |what: &str| text(what)?.trim().parse().ok();
        Some(RateLeft {
            limit: count("limit")?,
            left: count("remaining")?,
            reset: reset(text("reset")?, clocks)?,
        })
    };
    RatesLeft {
        requests: SERVICES.iter().find_map(|names| of(names.requests)),
        tokens: SERVICES.iter().find_map(|names| of(names.tokens)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};
    use std::time::Duration;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        list.iter().map(header).collect()
    }

    #[test]
    fn the_headers_of_services_are_read() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let openai = headers(&[
            ("x-ratelimit-limit-requests", "600"),
            ("x-ratelimit-remaining-requests", "594"),
            ("x-ratelimit-reset-requests", "600ms"),
            ("x-ratelimit-limit-tokens", "100000"),
            ("x-ratelimit-remaining-tokens", "40000"),
            ("x-ratelimit-reset-tokens", "1m12s"),
        ]);
        let said = left(&openai, now);
        let requests = RateLeft { limit: 600, left: 594, reset: Duration::from_millis(600) };
        let tokens = RateLeft { limit: 100_000, left: 40_000, reset: Duration::from_secs(72) };
        assert_eq!(said, RatesLeft { requests: Some(requests), tokens: Some(tokens) });
        let anthropic = headers(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-03-01T12:00:02Z"),
        ]);
        let requests = RateLeft { limit: 50, left: 49, reset: Duration::from_secs(2) };
        assert_eq!(left(&anthropic, now), RatesLeft { requests: Some(requests), tokens: None });
    }

    #[test]
    fn headers_that_are_not_understood_say_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        for value in ["", "soon", "-5", "1e400", "nan"] {
            let said = headers(&[
                ("x-ratelimit-limit-requests", "600"),
                ("x-ratelimit-remaining-requests", "594"),
                ("x-ratelimit-reset-requests", value),
            ]);
            assert_eq!(left(&said, now), RatesLeft::default(), "{value}");
        }
    }
}
