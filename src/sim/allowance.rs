//! What the simulated server allows per minute, as providers do: a bucket of requests and one of tokens,
//! which fill evenly, and headers that say what is left.

use std::time::{Duration, Instant};

/// The name and the value of a header.
pub(super) type Header = (String, String);

/// The most requests and tokens in a minute; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Requests.
    pub requests: Option<u32>,
    /// Tokens, of prompts and answers together.
    pub tokens: Option<u32>,
    /// Whether no header says what is left.
    pub is_hidden: bool,
}

/// What is left of an allowance.
#[derive(Debug)]
pub(super) struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    is_hidden: bool,
}

#[derive(Debug)]
struct Bucket {
    size: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn new(units: u32, now: Instant) -> Self {
        Self { size: f64::from(units), level: f64::from(units), at: now }
    }

    fn per_second(&self) -> f64 {
        self.size / 60.0
    }

    fn fill(&mut self, now: Instant) {
        let time = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + self.per_second() * time).min(self.size);
        self.at = now;
    }

    /// How long until there are this many units; all of them where there are never as many.
    fn lacks(&self, units: f64) -> Duration {
        let lacking = (units.min(self.size) - self.level).max(0.0);
        Duration::from_secs_f64(lacking / self.per_second())
    }

    /// `limit`, `remaining` and `reset` of a rate, under the names that OpenAI gives them.
    fn headers(&self, rate: &str) -> impl Iterator<Item = Header> {
        let reset = format!("{:.3}s", self.lacks(self.size).as_secs_f64());
        let values = [
            ("limit", format!("{}", self.size)),
            ("remaining", format!("{:.0}", self.level.floor())),
            ("reset", reset),
        ];
        values.map(|(what, value)| (format!("x-ratelimit-{what}-{rate}"), value)).into_iter()
    }
}

impl Buckets {
    pub(super) fn new(allowance: Allowance, now: Instant) -> Self {
        let bucket = |units: Option<u32>| Some(Bucket::new(units?.max(1), now));
        Self {
            requests: bucket(allowance.requests),
            tokens: bucket(allowance.tokens),
            is_hidden: allowance.is_hidden,
        }
    }

    /// Takes a request of this many tokens.
    ///
    /// # Errors
    /// There is no room for it before this long.
    pub(super) fn take(&mut self, tokens: u64, now: Instant) -> Result<(), Duration> {
        let mut wanted = [(&mut self.requests, 1.0), (&mut self.tokens, tokens as f64)];
        let mut wait = Duration::ZERO;
        for (bucket, units) in &mut wanted {
            if let Some(bucket) = bucket {
                bucket.fill(now);
                wait = wait.max(bucket.lacks(*units));
            }
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for (bucket, units) in wanted {
            if let Some(bucket) = bucket {
                bucket.level -= units;
            }
        }
        Ok(())
    }

    /// The headers of an answer that say what is left.
    pub(super) fn headers(&self) -> Vec<Header> {
        let rates = [("requests", &self.requests), ("tokens", &self.tokens)];
        let told = rates.into_iter().filter(|_| !self.is_hidden);
        told.flat_map(|(rate, bucket)| bucket.iter().flat_map(move |it| it.headers(rate))).collect()
    }
}

/// Whole seconds in `Retry-After`, and milliseconds as OpenAI adds them.
pub(super) fn wait_headers(wait: Duration) -> Vec<Header> {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut headers = vec![("retry-after".to_owned(), seconds.to_string())];
    if !wait.is_zero() {
        headers.push(("retry-after-ms".to_owned(), (wait.as_millis() + 1).to_string()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_what_is_allowed_and_says_what_is_left() {
        let start = Instant::now();
        let allowance = Allowance { requests: Some(60), tokens: Some(600), is_hidden: false };
        let mut buckets = Buckets::new(allowance, start);
        let taken = (0..100).take_while(|_| buckets.take(20, start).is_ok()).count();
        assert_eq!(taken, 30, "600 tokens");
        assert_eq!(buckets.take(20, start), Err(Duration::from_secs(2)));
        let later = start + Duration::from_secs(2);
        assert_eq!(buckets.take(20, later), Ok(()));
        let headers: std::collections::BTreeMap<_, _> = buckets.headers().into_iter().collect();
        let said = |name: &str| headers[name].clone();
        assert_eq!(said("x-ratelimit-limit-tokens"), "600");
        assert_eq!(said("x-ratelimit-remaining-tokens"), "0");
        assert_eq!(said("x-ratelimit-reset-tokens"), "60.000s");
        assert_eq!(said("x-ratelimit-remaining-requests"), "31");
        // What can never fit waits for a full bucket.
        assert_eq!(buckets.take(9_999, later + Duration::from_secs(60)), Ok(()));
    }
}
