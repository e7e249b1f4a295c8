//! Waits and moments as servers write them, in headers, in fields and in words.
//!
//! Moments are a server's own: they are counted from its clock where it tells the time, because ours may be wrong, and
//! from ours where that is sooner, because its word on the time may be a proxy's. What is done with a wait is the throttle's business.

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use std::time::Duration;

/// Servers send whole seconds, and answers take some time: a clock that is no further apart is exact enough, and finer.
const SAME_CLOCK: SignedDuration = SignedDuration::from_secs(2);

/// How far a server's clock is ahead of this machine's, if it tells the time; negative where it is behind.
pub(super) fn clock_ahead(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let date = headers.get(DATE).and_then(|value| date(value.to_str().ok()?))?;
    Some(date.duration_since(now))
}

/// The time of this machine, and of the server where it tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    ours: Timestamp,
    servers: Timestamp,
}

impl Clocks {
    pub(super) fn of(headers: &HeaderMap, ours: Timestamp) -> Self {
        let ahead = clock_ahead(headers, ours).filter(|ahead| ahead.abs() > SAME_CLOCK);
        let servers = ours.saturating_add(ahead.unwrap_or_default()).unwrap_or(ours);
        Self { ours, servers }
    }

    /// The time to a moment: the shorter one that is left by either clock. What has passed by both means: now.
    fn until(self, then: Timestamp) -> Duration {
        let left = |now| Duration::try_from(then.duration_since(now)).unwrap_or_default();
        let both = [left(self.ours), left(self.servers)];
        both.into_iter().filter(|left| !left.is_zero()).min().unwrap_or_default()
    }
}

/// A wait from now: a duration, a moment in seconds or milliseconds since 1970, or a date.
pub(super) fn reset(text: &str, clocks: Clocks) -> Option<Duration> {
    /// In 2001; no wait is that long.
    const EPOCH_SECONDS: f64 = 1e9;
    let number: Option<f64> = text.trim().parse().ok();
    match number.filter(|number| *number >= EPOCH_SECONDS) {
        Some(moment) => {
            let millis = if moment >= EPOCH_SECONDS * 1e3 { moment } else { moment * 1e3 };
            Some(clocks.until(Timestamp::from_millisecond(millis as i64).ok()?))
        }
        None => wait_of(text).or_else(|| until(text.trim(), clocks)),
    }
}

/// The wait until a date.
pub(super) fn until(text: &str, clocks: Clocks) -> Option<Duration> {
    Some(clocks.until(date(text)?))
}

/// A date in one of the three forms of HTTP (RFC 9110, section 5.6.7), or in that of RFC 3339.
fn date(text: &str) -> Option<Timestamp> {
    let obsolete = |format: &str| {
        let parts = jiff::fmt::strtime::parse(format, text).ok()?;
        parts.to_datetime().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp())
    };
    DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
        .or_else(|| obsolete("%A, %d-%b-%y %H:%M:%S GMT"))
        .or_else(|| obsolete("%a %b %e %H:%M:%S %Y"))
        .or_else(|| text.parse().ok())
}

/// A number in this unit of seconds, as a wait.
pub(super) fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

/// `1s`, `6m0s`, `2m59.56s`, `20ms`, `40131 seconds`, or a bare number of seconds.
pub(super) fn wait_of(text: &str) -> Option<Duration> {
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
pub(super) fn wait_in_words(lower: &str) -> Option<Duration> {
    ["try again in ", "retry in ", "retry after ", "please wait "].iter().find_map(|phrase| {
        let start = lower.find(phrase)? + phrase.len();
        leading_wait(&lower[start..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn moments_count_from_the_servers_clock_where_it_is_another() {
        let now: Timestamp = "2026-03-01T12:00:00.4Z".parse().unwrap();
        for (date, wait) in [
            // An hour ahead, and an hour behind.
            ("Sun, 01 Mar 2026 13:00:00 GMT", Duration::from_secs(1)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Duration::from_millis(3_600_600)),
            ("Sun, 01 Mar 2026 14:00:00 GMT", Duration::from_millis(3_600_600)),
            // The same clock, in whole seconds: ours is finer.
            ("Sun, 01 Mar 2026 12:00:00 GMT", Duration::from_millis(3_600_600)),
            ("soon", Duration::from_millis(3_600_600)),
        ] {
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
            let clocks = Clocks::of(&headers, now);
            assert_eq!(reset("2026-03-01T13:00:01Z", clocks), Some(wait), "{date}");
            assert_eq!(reset("1772370001", clocks), Some(wait), "{date}");
            assert_eq!(reset("2026-03-01T10:00:00Z", clocks), Some(Duration::ZERO), "{date}");
        }
    }
}
