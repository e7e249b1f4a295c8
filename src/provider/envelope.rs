//! What a server says beside its answer or its refusal: a few facts of the headers, and how fast it was; and what a
//! target says of its own work.
//!
//! Not what follows from them: the throttle paces by what is left, and `doctor` compares the clocks.

use super::limit::RatesLeft;
use super::rates;
use super::waits;
use crate::event::Step;
use crate::units::Usd;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use std::time::Duration;

/// What came with an answer or a refusal; nothing where no server was reached, or a model is in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The time from the request to the beginning of the answer.
    pub first_byte: Option<Duration>,
    /// How far the server's clock is ahead of this machine's. Servers send whole seconds.
    pub clock_ahead: Option<SignedDuration>,
    /// What is left of the server's rates.
    pub left: RatesLeft,
    /// What a target says that the call cost.
    pub usd: Option<Usd>,
    /// How a target came to its answer, step by step.
    pub trajectory: Vec<Step>,
}

impl Envelope {
    /// What these headers say that came after this long, at a moment of this machine's clock.
    pub(super) fn of(status: u16, headers: &HeaderMap, after: Duration, now: Timestamp) -> Self {
        Self {
            status: Some(status),
            first_byte: Some(after),
            clock_ahead: waits::clock_ahead(headers, now),
            left: rates::left(headers, now),
            usd: None,
            trajectory: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{DATE, HeaderValue};

    #[test]
    fn the_clock_of_a_server_is_compared_where_it_sends_one() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let ahead = |date: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static(date));
            Envelope::of(200, &headers, Duration::ZERO, now).clock_ahead
        };
        let seconds = |seconds| Some(SignedDuration::from_secs(seconds));
        assert_eq!(ahead("Sun, 01 Mar 2026 12:05:00 GMT"), seconds(300));
        assert_eq!(ahead("Sun, 01 Mar 2026 11:59:58 GMT"), seconds(-2));
        assert_eq!(ahead("soon"), None);
        let silent = Envelope::of(404, &HeaderMap::new(), Duration::ZERO, now);
        assert_eq!((silent.status, silent.clock_ahead), (Some(404), None));
    }
}
