//! `list`: the runs of a results folder.

use super::args::ListArgs;
use super::error::CliError;
use super::screen::Screen;
use crate::clock::Clock;
use crate::report;
use crate::run::Catalog;
use crate::text;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Prints the runs, the oldest first.
pub(super) fn list(args: &ListArgs, screen: &Screen) -> Result<(), CliError> {
    let mut catalog = Catalog::read(&args.out.out)?;
    for why in &catalog.unreadable {
        screen.warn(&format!("a run is left out: {why}"));
    }
    if let Some(task) = &args.task {
        catalog.keep_task(task);
    }
    if let Some(since) = &args.since {
        catalog.keep_since(moment(since, &Clock::System)?);
    }
    if args.best {
        catalog.keep_best();
    }
    let mut text = report::run_list(&catalog.runs, screen.colour(), screen.width());
    if args.task.is_none() && args.since.is_none() && !args.best {
        let nights = super::night::lines(&args.out.out);
        text = std::iter::once(text.trim_end().to_owned())
            .chain(nights)
            .collect::<Vec<_>>()
            .join("\n");
    }
    screen.show(&serde_json::to_value(&catalog.runs)?, &text)
}

/// A date, which begins at midnight in local time, a date with a time, or how long ago.
fn moment(text: &str, clock: &Clock) -> Result<Timestamp, CliError> {
    let wrong = || {
        CliError::usage(format!("`--since {text}` is neither a date nor a duration"))
            .hint("write `2026-01-31`, `2026-01-31T07:00`, or a duration such as `7d`")
    };
    let days = || text.strip_suffix('d')?.parse::<u64>().ok()?.checked_mul(24 * 60 * 60);
    let ago = match days() {
        Some(seconds) => Some(std::time::Duration::from_secs(seconds)),
        None => text::parse_duration(text).ok(),
    };
    if let Some(ago) = ago {
        return clock.now().checked_sub(ago).map_err(|_| wrong());
    }
    let date = text.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0));
    let then = match text.contains('T') {
        true => text.parse::<civil::DateTime>(),
        false => date,
    };
    let then = then.map_err(|_| wrong())?.to_zoned(TimeZone::system()).map_err(|_| wrong())?;
    Ok(then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_date_or_a_duration() {
        let clock = Clock::fixed(1_800_000_000_000);
        let ago = |text: &str| clock.now().duration_since(moment(text, &clock).unwrap()).as_hours();
        assert_eq!((ago("7d"), ago("8h")), (7 * 24, 8));
        let date = moment("2026-01-31", &clock).unwrap().to_zoned(TimeZone::system());
        assert_eq!(date.datetime(), civil::date(2026, 1, 31).at(0, 0, 0, 0));
        let time = moment("2026-01-31T07:30", &clock).unwrap().to_zoned(TimeZone::system());
        assert_eq!(time.datetime(), civil::date(2026, 1, 31).at(7, 30, 0, 0));
        let error = moment("yesterday", &clock).unwrap_err();
        assert!(error.to_string().contains("`--since yesterday` is neither"), "{error}");
    }
}
