//! What was shown, what was not, and what it would take: the first lines of every report.
//!
//! A gain is claimed only where held-out rows show it. Everything else is called what it is.

use super::Report;
use super::words::{cost, p_value, signed_range, test_name};
use crate::event::StopReason;
use crate::id::CandidateIx;
use crate::run::{Gain, Prompted, Status};
use crate::stats::{rows_needed, smallest_gain};
use crate::task::example::Split;
use crate::task::goal::Goal;
use crate::task::model::{ModelRole, Protocol};
use crate::text::{percent, plural, points, thousands};
use serde::Serialize;

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tone {
    /// A gain that held-out rows show.
    Shown,
    /// A gain that is not proven, or none.
    Open,
    /// There is no verdict yet.
    Waiting,
}

/// The verdict.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    /// A word or two.
    pub(super) word: &'static str,
    /// The sentence that goes with it.
    pub(super) sentence: String,
    /// What else has to be said before anybody acts on it.
    pub(super) details: Vec<String>,
    /// Said wherever models were simulated.
    pub(super) simulated: Option<&'static str>,
}

/// Where nothing was measured: about what two prompts of one task differ on.
const USUAL_DISCORDANCE: f64 = 0.2;
/// From this many rows on, a measured discordance is better than the usual one.
const ROWS_TO_MEASURE: usize = 30;
/// Below this many held-out rows, what they can show is said even where a gain was shown.
const FEW_ROWS: usize = 100;

pub(super) fn verdict(report: &Report<'_>) -> Verdict {
    let summary = report.summary;
    let (tone, word, sentence, mut details) = match (summary.recommended, &summary.gain) {
        (None, _) => waiting(report),
        _ if !report.has_winner() => seed_won(report),
        (_, Some(gain)) if summary.confirmed == Some(true) => shown(report, gain),
        (_, Some(gain)) => not_shown(report, gain),
        (_, None) => never_asked(report),
    };
    if summary.recommended.is_some() && report.has_winner() {
        details.extend(cost_change(report));
    }
    Verdict { tone, word, sentence, details, simulated: simulated(report) }
}

type Words = (Tone, &'static str, String, Vec<String>);

fn waiting(report: &Report<'_>) -> Words {
    let summary = report.summary;
    let word = match summary.status {
        Status::Running => "Running",
        Status::Interrupted => "Interrupted",
        Status::Failed => "Failed",
        Status::Finished => "Unfinished",
    };
    let mean =
        |side: &Option<Prompted>| side.as_ref().and_then(|side| side.dev).map(|dev| dev.mean);
    let sentence = match (mean(&summary.baseline), mean(&summary.best)) {
        (Some(baseline), Some(best)) if report.has_winner() => {
            format!("so far {} on dev, where the seed has {}", percent(best), percent(baseline))
        }
        (Some(baseline), _) => {
            format!("so far nothing beats the seed, which has {} on dev", percent(baseline))
        }
        _ => "nothing is measured yet".to_owned(),
    };
    let mut details = vec!["Nothing is claimed before held-out rows have been asked.".to_owned()];
    if matches!(summary.status, Status::Interrupted | Status::Failed) {
        details.push(format!("`promptsearch resume {}` goes on with it.", report.handle()));
    }
    (Tone::Waiting, word, sentence, details)
}

fn seed_won(report: &Report<'_>) -> Words {
    let summary = report.summary;
    let sentence = match summary.stop_reason {
        Some(StopReason::NoHeadroom) => "the seed prompt leaves nothing to gain".to_owned(),
        _ => "nothing beat the seed prompt on dev".to_owned(),
    };
    let is_tried = |standing: &&crate::state::Standing| standing.dev().folded > 0;
    let tried = report.history.state.candidates.iter().skip(1).filter(is_tried).count();
    if tried == 0 && summary.counts.candidates > 1 {
        let sentence = "no other prompt could be tried before the budget was spent".to_owned();
        let details = vec!["`promptsearch plan` says what a budget is enough for.".to_owned()];
        return (Tone::Open, "The seed stays", sentence, details);
    }
    let mut details = vec![format!(
        "{} {} tried; keep the prompt that you have.",
        plural(tried, "other prompt"),
        if tried == 1 { "was" } else { "were" },
    )];
    if let Some(hold) = summary.baseline.as_ref().and_then(|baseline| baseline.hold) {
        details.push(format!(
            "On {} it scores {} (95 % interval {:.1} to {:.1}).",
            held_out(hold.n),
            percent(hold.mean),
            hold.low * 100.0,
            hold.high * 100.0
        ));
    }
    (Tone::Open, "The seed stays", sentence, details)
}

fn shown(report: &Report<'_>, gain: &Gain) -> Words {
    let rows = rows_asked(report);
    let sentence = format!(
        "better by {} on {} (95 % interval {}, {})",
        points(gain.mean),
        held_out(rows),
        signed_range(gain.low, gain.high),
        p_value(gain.p_value)
    );
    let mut details = vec![format!(
        "The search never saw these rows; they were asked once, of the winner and of the seed ({}).",
        test_name(gain.test)
    )];
    if rows < FEW_ROWS {
        details.push(what_rows_can_show(report, rows));
        details.extend(shrunken(report));
    }
    (Tone::Shown, "Confirmed", sentence, details)
}

fn not_shown(report: &Report<'_>, gain: &Gain) -> Words {
    let rows = rows_asked(report);
    let sentence = format!(
        "{} on {} (95 % interval {}, {})",
        points(gain.mean),
        held_out(rows),
        signed_range(gain.low, gain.high),
        p_value(gain.p_value)
    );
    let mut details = Vec::new();
    if gain.high < 0.0 {
        details.push("The winner on dev is worse than the seed on rows it never saw.".to_owned());
    } else if gain.p_value <= 0.05 && gain.low > 0.0 {
        details.push("So few held-out rows confirm nothing, whatever they say.".to_owned());
    }
    details.extend(shrunken(report));
    details.push(what_rows_can_show(report, rows));
    details.extend(rows_to_prove(report, gain.mean));
    details.push(advice(report));
    (Tone::Open, "Not proven", sentence, details)
}

fn never_asked(report: &Report<'_>) -> Words {
    let dev = |side: &Option<Prompted>| side.as_ref().and_then(|side| side.dev);
    let summary = report.summary;
    let sentence = match (dev(&summary.baseline), dev(&summary.best)) {
        (Some(baseline), Some(best)) => format!(
            "{} on dev, which also chose it; no held-out row was asked",
            points(best.mean - baseline.mean)
        ),
        _ => "no held-out row was asked".to_owned(),
    };
    let why = if report.task.splits.hold.is_empty() {
        "The task holds no rows back: more data, or `split` with a share for hold, would let a run \
         prove its gain."
    } else {
        "The budget left nothing for the held-out rows."
    };
    let mut details = vec![why.to_owned()];
    details.extend(shrunken(report));
    details.extend(rows_to_prove(report, 0.0));
    details.push(advice(report));
    (Tone::Open, "Not proven", sentence, details)
}

fn held_out(rows: usize) -> String {
    plural(rows, "held-out row")
}

/// Held-out rows that both sides have.
fn rows_asked(report: &Report<'_>) -> usize {
    report.summary.best.as_ref().and_then(|best| best.hold).map_or(0, |hold| hold.n)
}

fn shrunken_gain(report: &Report<'_>) -> Option<f64> {
    report.history.state.winner.and_then(|(_, shrunken, _)| shrunken)
}

fn shrunken(report: &Report<'_>) -> Option<String> {
    let shrunken = shrunken_gain(report)?;
    Some(format!(
        "Dev, shrunken for the luck of being chosen, suggests {}: an estimate, not proven.",
        points(shrunken)
    ))
}

fn what_rows_can_show(report: &Report<'_>, rows: usize) -> String {
    let least = smallest_gain(rows, discordance(report));
    if least >= 1.0 {
        return format!("{} can show no gain at all.", sentence_case(&held_out(rows)));
    }
    format!(
        "{} can show a gain of {:.1} pp or more (4 times out of 5).",
        sentence_case(&held_out(rows)),
        least * 100.0
    )
}

/// How many rows the gain that is to be expected would need. What dev suggests is the better
/// guess, since held-out rows that proved nothing say little about the size either.
fn rows_to_prove(report: &Report<'_>, seen: f64) -> Option<String> {
    let expected = shrunken_gain(report).filter(|gain| *gain > 0.0).unwrap_or(seen);
    more_rows(expected, rows_needed(expected, discordance(report)), rows_asked(report))
}

/// That a gain needs more rows than were asked. Where it needs no more, luck was against it: that they
/// should have been enough helps nobody.
fn more_rows(gain: f64, needed: usize, asked: usize) -> Option<String> {
    (needed > asked && gain >= 0.001 && needed < 10_000_000).then(|| {
        format!(
            "A gain of {} would need about {} held-out rows.",
            points(gain),
            thousands(needed as u64)
        )
    })
}

fn advice(report: &Report<'_>) -> String {
    format!(
        "Recommended is the seed; `promptsearch export {} --accept-unconfirmed …` takes the winner \
         all the same.",
        report.handle()
    )
}

fn sentence_case(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The mean squared difference of winner and seed over dev and held-out rows together: a few
/// held-out rows alone, on which the two happen to agree, would promise far too much.
fn discordance(report: &Report<'_>) -> f64 {
    let state = &report.history.state;
    let winner = state.winner.map_or(state.incumbent, |(winner, ..)| winner);
    let column = |candidate: CandidateIx, split: Split| {
        state.candidates.get(candidate.index()).map(|standing| standing.column(split, 0).cells())
    };
    let squares: Vec<f64> = [Split::Dev, Split::Hold]
        .into_iter()
        .filter_map(|split| Some((column(winner, split)?, column(CandidateIx::SEED, split)?)))
        .flat_map(|(mine, theirs)| mine.iter().zip(theirs))
        .filter_map(|(mine, theirs)| Some((mine.score()? - theirs.score()?).powi(2)))
        .collect();
    let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
    if squares.len() < ROWS_TO_MEASURE || mean == 0.0 { USUAL_DISCORDANCE } else { mean }
}

/// What 1,000 calls cost now: nobody should pay three times as much unawares.
fn cost_change(report: &Report<'_>) -> Option<String> {
    let per_1k = |side: &Option<Prompted>| side.as_ref().and_then(|side| side.usd_per_1k);
    let before = per_1k(&report.summary.baseline)?;
    let after = per_1k(&report.summary.best)?;
    if before <= 0.0 && after <= 0.0 {
        return None;
    }
    let goal = match report.task.goal {
        Goal::MaxQuality { usd_per_1k_at_most: None } => String::new(),
        goal => format!(" The goal is `{goal}`."),
    };
    Some(format!("1,000 calls cost {} instead of {}.{goal}", cost(after), cost(before)))
}

fn simulated(report: &Report<'_>) -> Option<&'static str> {
    let is_simulated = |role| {
        let model = report.task.model(role)?;
        let provider = report.task.providers().get(model.name.provider())?;
        Some(provider.kind == Some(Protocol::Sim))
    };
    let models: Vec<bool> = ModelRole::ALL.into_iter().filter_map(is_simulated).collect();
    match models.iter().filter(|simulated| **simulated).count() {
        0 => None,
        count if count == models.len() => Some(
            "Simulated models: no real model was asked, the dollars are invented, and the result \
             says nothing about real ones.",
        ),
        _ => {
            Some("Simulated models: some of the models are simulated, and their dollars invented.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_were_not_asked_are_called_for() {
        let words = more_rows(0.05, 495, 168).unwrap();
        assert_eq!(words, "A gain of +5.0 pp would need about 495 held-out rows.");
        assert_eq!(more_rows(0.09, 162, 168), None, "as many were asked");
        assert_eq!(more_rows(0.0001, 9_000_000, 168), None, "a gain that nobody would notice");
    }
}
