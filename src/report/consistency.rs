//! How far answers to the same row agree, of baseline and best prompt, where the goal asks for it.
//!
//! What held-out rows show of the goal's claim is `claim`'s.

use super::Report;
use super::words::quality;
use crate::id::{CandidateIx, RowIx};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::state::CandidateState;
use crate::stats::{Interval, Level, interval};
use crate::task::example::Split;
use crate::task::measure::Measure;

/// A consistency of both prompts on the rows of a split.
pub(super) struct Agreement {
    /// `consistency.3, held-out rows (120)`.
    pub(super) label: String,
    pub(super) baseline: Option<Interval>,
    /// `None` as long as no other prompt is the best.
    pub(super) best: Option<Interval>,
    /// The mean difference on the rows that both have it of, with its interval.
    pub(super) change: Option<Interval>,
}

/// Each consistency that the goal names, on held-out rows and on dev.
pub(super) fn agreements(report: &Report<'_>) -> Vec<Agreement> {
    let mut answers: Vec<u16> = Vec::new();
    for measure in report.task.goal.measures() {
        if let Measure::Consistency(number) = measure
            && !answers.contains(&number)
        {
            answers.push(number);
        }
    }
    let splits = [Split::Hold, Split::Dev];
    let each = answers.iter().flat_map(|number| splits.map(|split| of(report, *number, split)));
    each.flatten().collect()
}

/// Sentences for `status`: `consistency.3, dev rows (60): 88.0 % (83.1 to 92.0) → 96.0 % (92.6 to 98.1)`.
#[must_use]
pub fn lines(report: &Report<'_>) -> Vec<String> {
    let line = |it: Agreement| {
        let sides = [it.baseline, it.best].into_iter().flatten();
        let sides: Vec<String> = sides.map(|it| quality(ScoreForm::Percent, &it)).collect();
        format!("{}: {}", it.label, sides.join(" → "))
    };
    agreements(report).into_iter().map(line).collect()
}

/// `None` where no row of the split has all answers.
fn of(report: &Report<'_>, answers: u16, split: Split) -> Option<Agreement> {
    let (state, summary) = (&report.history.state, report.summary);
    let best = summary.best.as_ref().filter(|_| report.has_winner());
    let best = best.and_then(|best| state.candidates.get(state.find(&best.candidate)?.index()));
    let baseline = state.candidates.get(CandidateIx::BASELINE.index())?;
    let rows = u32::try_from(baseline.column(split, 0).cells().len()).unwrap_or(u32::MAX);
    let of_row = |side: &CandidateState, row| side.agreement(split, row, answers, None);
    let all = |side: &CandidateState| -> Vec<f64> {
        (0..rows).filter_map(|row| of_row(side, RowIx(row))).collect()
    };
    // The seed of a claim about it, so that the same rows have the same interval there.
    let measure = Measure::Consistency(answers);
    let place = report.task.goal.bounds.iter().position(|bound| bound.measure == measure);
    let seed = Seed(summary.seed).child("hold", 0);
    let seed = seed.child("bound", place.unwrap_or_default() as u64);
    let chance = Level::FIRST.one_sided;
    let mean = |side| interval::of_scores_beyond(&all(side), chance, seed);
    let (baseline_mean, best_mean) = (mean(baseline), best.and_then(mean));
    let change = best.and_then(|best| {
        let of = |row| Some(of_row(best, row)? - of_row(baseline, row)?);
        let differences: Vec<f64> = (0..rows).filter_map(|row| of(RowIx(row))).collect();
        interval::of_differences_beyond(&differences, chance, seed)
    });
    let counts = [baseline_mean, best_mean].into_iter().flatten().map(|it| it.n);
    let what = if split == Split::Hold { "held-out rows" } else { "dev rows" };
    let label = format!("{measure}, {what} ({})", counts.max()?);
    Some(Agreement { label, baseline: baseline_mean, best: best_mean, change })
}
