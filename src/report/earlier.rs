//! How a run ended before it went on with other caps, and which look at the held-out rows the new end is.

use super::Report;
use super::family;
use super::words::{counted, held_out, money};
use crate::run::{EarlierResult, Summary};
use crate::score_form::ScoreForm;
use crate::stats::Level;
use crate::text::sentence_case;

/// A sentence for each earlier end, and one about the look.
pub(super) fn sentences(report: &Report<'_>) -> Vec<String> {
    let summary = report.summary;
    let mut told = earlier_ends(summary);
    told.extend(look(summary));
    told.extend(family::sentences(summary));
    let next = summary.look.map(|look| Level::of_look(look.look.saturating_add(1)));
    told.extend(next.and_then(fresh_rows).map(|words| format!("{}.", sentence_case(&words))));
    told
}

/// How to export what an earlier end confirmed, where this one does not.
pub(super) fn advice(report: &Report<'_>) -> Option<String> {
    let summary = report.summary;
    let confirmed_now = summary.best.as_ref().filter(|_| summary.confirmed == Some(true));
    let standing = summary.earlier.iter().rev().find(|it| it.end.confirmed);
    let it = standing.filter(|_| summary.recommended.is_some())?;
    confirmed_now.is_none_or(|best| best.candidate != it.candidate).then(|| {
        format!(
            "What was confirmed then stays confirmed; `promptsearch export {} --candidate {} …` takes that prompt.",
            report.handle(),
            it.candidate
        )
    })
}

/// How the run ended before, a sentence each; an evaluation confirms nothing.
#[must_use]
pub fn earlier_ends(summary: &Summary) -> Vec<String> {
    let ends = summary.earlier.iter().filter(|_| !summary.strategy.starts_with("eval:"));
    ends.map(|it| format!("{}.", sentence(it, summary.score_form))).collect()
}

/// That an earlier end confirmed this candidate, if one did.
#[must_use]
pub fn confirmed_earlier(summary: &Summary, candidate: &str) -> Option<String> {
    let mut ends = summary.earlier.iter().rev();
    let end = ends.find(|it| it.end.confirmed && it.candidate.as_str() == candidate)?;
    Some(format!("{}.", sentence(end, summary.score_form)))
}

/// Which look at the held-out rows it is, and how it is tested, where it is not the first.
#[must_use]
pub fn look(summary: &Summary) -> Option<String> {
    summary.look.as_ref().map(|look| {
        format!(
            "This is look {} at these held-out rows. What the goal claims is tested at {} (one-sided{}), so that \
             all looks together are wrong in 5 % of cases at most; the 95 % intervals stay.",
            look.look,
            look.in_percent(),
            match *look == Level::of_look(look.look) {
                true => "",
                false => ", its share by Holm's rule",
            }
        )
    })
}

/// That the next claim needs fresh rows, where these have done their work.
#[must_use]
pub fn fresh_rows(next: Level) -> Option<String> {
    next.asks_for_fresh_rows().then(|| {
        format!(
            "a claim at look {} needs {:.1} times the rows of a first one: give the task fresh held-out rows",
            next.look,
            next.sample_size_ratio()
        )
    })
}

fn sentence(earlier: &EarlierResult, form: ScoreForm) -> String {
    let EarlierResult { candidate, candidate_number, end } = earlier;
    let spent = format!("{} and {}", counted(end.calls, "call"), money(end.usd.dollars()));
    let result = match (candidate_number, &end.gain) {
        (0, _) => "no prompt was better than the baseline".to_owned(),
        (number, gain) => {
            let word = if end.confirmed { "confirmed" } else { "not proven" };
            let shown = gain.map_or_else(String::new, |gain| {
                format!(
                    ", {} on {} (95 % interval {})",
                    form.gain(gain.mean),
                    held_out(gain.rows),
                    form.gain_range(gain.low, gain.high)
                )
            });
            format!("n{number} ({candidate}) {word}{shown}")
        }
    };
    format!("The run had ended before, after {spent}, because {}: {result}", end.reason.sentence())
}
