//! Sentences that say what happened to a candidate.

use super::super::words;
use super::{CandidateRef, Happened};
use crate::score_form::ScoreForm;
use crate::text::plural;
use std::fmt;

impl fmt::Display for CandidateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.number, words::visible_line(self.id.as_str()))
    }
}

/// A mean, or `no score`.
pub(super) fn mean(form: ScoreForm, mean: Option<f64>) -> String {
    mean.map_or_else(|| "no score".to_owned(), |mean| form.score(mean))
}

impl Happened {
    /// One sentence, without a full stop.
    pub(super) fn sentence(&self, form: ScoreForm) -> String {
        match self {
            Self::Gate { rows, sum, needed, passed } => format!(
                "{} its gate: {} on {} ({} required)",
                if *passed { "passed" } else { "failed" },
                words::score(*sum),
                plural(*rows, "row"),
                words::score(*needed)
            ),
            Self::Rows {
                replicate, rows, missing, mean: own, incumbent, incumbent_mean, ..
            } => {
                let again = if *replicate > 0 { " (repeated)" } else { "" };
                let missing = match missing {
                    0 => String::new(),
                    count => format!(", {count} without an answer"),
                };
                let beside = match (incumbent, incumbent_mean) {
                    (Some(who), Some(theirs)) => {
                        format!("; the incumbent {who} had {} there", form.score(*theirs))
                    }
                    _ => String::new(),
                };
                let rows = plural(*rows, "row");
                format!("{rows} of dev{again}: {}{missing}{beside}", mean(form, *own))
            }
            Self::Evidence { rows, mean: own } => {
                let rows = plural(*rows, "training row");
                format!("evaluated on {rows} as evidence for its children: {}", mean(form, *own))
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
                    mean(form, *own),
                    plural(*rows as usize, "row")
                )
            }
            Self::Dropped { why } => words::dropped(why, form),
            Self::Judged { rows, mean: own } => {
                format!(
                    "finished: {} over {} of dev",
                    mean(form, *own),
                    plural(*rows as usize, "row")
                )
            }
            Self::Survived { place, of } => {
                format!("survived its contest: place {place} of {of}")
            }
            Self::Generation { number, place, of } => {
                format!("in the population of generation {number}: place {place} of {of}")
            }
            Self::Incumbent { instead_of, why } => {
                let why = words::visible_line(why);
                format!("replaced {instead_of} as the incumbent: {why}")
            }
            Self::Replaced { by, why } => {
                format!("replaced as the incumbent by {by}: {}", words::visible_line(why))
            }
            Self::Migrated { island } => format!("copied to island {island}"),
            Self::Shortlisted { place, of } => {
                format!("on the shortlist, place {place} of {of}: fresh answers on dev")
            }
            Self::Ended { reason } => {
                format!("unfinished when the search ended: {}", reason.sentence())
            }
            Self::Chosen { shrunken_dev, hold_rows } => {
                let gain = shrunken_dev.map_or_else(String::new, |gain| {
                    format!(
                        ", with an expected gain of {} (corrected for selection)",
                        form.gain(gain)
                    )
                });
                let hold = match hold_rows {
                    0 => "no held-out rows".to_owned(),
                    rows => {
                        format!("to be confirmed on {}", plural(*rows as usize, "held-out row"))
                    }
                };
                format!("chosen as the winner{gain}; {hold}")
            }
            Self::Confirmed { mean, low, high, rows, baseline_mean, gain, p_value, is_shown } => {
                let own = format!(
                    "{}: {} ({})",
                    plural(*rows, "held-out row"),
                    form.score(*mean),
                    form.range(*low, *high)
                );
                let beside = baseline_mean.map_or_else(String::new, |baseline| {
                    format!(", baseline {}", form.score(baseline))
                });
                let verdict = match (gain, p_value) {
                    (Some(gain), Some(p)) => format!(
                        ": {} ({}), {}",
                        form.gain(*gain),
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
