//! What happened, in sentences.

use super::super::words;
use super::{Happened, Named};
use crate::text::{percent, plural, points};
use std::fmt;

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.number, words::visible_line(self.id.as_str()))
    }
}

/// A mean, or that there is none.
pub(super) fn mean(mean: Option<f64>) -> String {
    mean.map_or_else(|| "no score".to_owned(), percent)
}

impl Happened {
    /// One sentence, without a full stop.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Gate { rows, sum, needed, passed } => format!(
                "{} its gate: {} on {}, where {} was asked for",
                if *passed { "passed" } else { "failed" },
                words::score(*sum),
                plural(*rows, "row"),
                words::score(*needed)
            ),
            Self::Rows {
                replicate, rows, missing, mean: own, incumbent, incumbent_mean, ..
            } => {
                let again = if *replicate > 0 { " once more" } else { "" };
                let missing = match missing {
                    0 => String::new(),
                    count => format!(", {count} without an answer"),
                };
                let beside = match (incumbent, incumbent_mean) {
                    (Some(who), Some(theirs)) => {
                        format!("; the incumbent {who} had {} there", percent(*theirs))
                    }
                    _ => String::new(),
                };
                let rows = plural(*rows, "row");
                format!("{rows} of dev{again}: {}{missing}{beside}", mean(*own))
            }
            Self::Evidence { rows, mean: own } => {
                let rows = plural(*rows, "training row");
                format!("answered {rows} as evidence for its children: {}", mean(*own))
            }
            Self::Round { contest, group, round, rows, mean: own, rank, of } => {
                let group = match group {
                    0 => String::new(),
                    group => format!(", group {}", group + 1),
                };
                format!(
                    "contest {}{group}, round {}: rank {rank} of {of} at {}, after {} more",
                    contest + 1,
                    round + 1,
                    mean(*own),
                    plural(*rows as usize, "row")
                )
            }
            Self::Dropped { why } => words::dropped(why),
            Self::Judged { rows, mean: own } => {
                format!("judged: {} over {} of dev", mean(*own), plural(*rows as usize, "row"))
            }
            Self::Survived { place, of } => {
                format!("left when its contest ended: place {place} of {of}")
            }
            Self::Generation { number, place, of } => {
                format!("in the population of generation {number}: place {place} of {of}")
            }
            Self::Incumbent { instead_of, why } => {
                let why = words::visible_line(why);
                format!("became the incumbent instead of {instead_of}: {why}")
            }
            Self::Replaced { by, why } => {
                format!("{by} became the incumbent instead: {}", words::visible_line(why))
            }
            Self::Migrated { island } => format!("copied to island {island}"),
            Self::Shortlisted { place, of } => {
                format!("on the shortlist, place {place} of {of}: fresh answers on dev")
            }
            Self::Ended { reason } => {
                format!("the search ended before it was judged: {}", reason.sentence())
            }
            Self::Chosen { shrunken_dev, hold_rows } => {
                let gain = shrunken_dev.map_or_else(String::new, |gain| {
                    format!(", with a shrunken gain of {} on dev", points(gain))
                });
                let hold = match hold_rows {
                    0 => "no held-out row confirms it".to_owned(),
                    rows => format!("{} confirm it", plural(*rows as usize, "held-out row")),
                };
                format!("chosen as the winner{gain}; {hold}")
            }
            Self::Confirmed { mean, low, high, rows, seed_mean, gain, p_value, is_shown } => {
                let own = format!(
                    "{}: {} {}",
                    plural(*rows, "held-out row"),
                    percent(*mean),
                    words::range(*low, *high)
                );
                let beside = seed_mean.map_or_else(String::new, |seed| {
                    format!(", where the seed had {}", percent(seed))
                });
                let verdict = match (gain, p_value) {
                    (Some(gain), Some(p)) => format!(
                        ": {} ({}), {}",
                        points(*gain),
                        words::p_value(*p),
                        if *is_shown { "confirmed" } else { "not confirmed" }
                    ),
                    _ => String::new(),
                };
                format!("{own}{beside}{verdict}")
            }
        }
    }
}
