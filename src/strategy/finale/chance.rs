//! The chance that held-out rows will show what the goal says of a candidate, predicted from dev: of its quality, of each
//! bound, of a limit to its cost, and of what it is to spend less of.
//!
//! The one at the edge of what is allowed is hardly ever confirmed. That dollars are saved is not predicted: these are as
//! good as known. The level is that of the run's next look: looks of other runs are not known here (`docs/goals.md`).

use super::shrinkage::differences;
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::stats::{
    Level, Paired, Posterior, chance_of_saving, chance_of_showing, chance_of_showing_amount,
    weighted,
};
use crate::strategy::search::Search;
use crate::task::bound::{Bound, Side, Threshold};
use crate::task::example::Split;
use crate::task::goal::Claim;
use crate::task::measure::{Measure, Total};

/// The chance in [0, 1] that all of it is shown for a candidate whose gain over the baseline is believed to be this.
pub(super) fn chance(search: &Search<'_>, candidate: CandidateIx, gain: Posterior) -> f64 {
    of_quality(search, candidate, gain)
        * of_bounds(search, candidate)
        * of_saving(search, candidate)
}

fn of_quality(search: &Search<'_>, candidate: CandidateIx, gain: Posterior) -> f64 {
    let state = search.state;
    let baseline = state.baseline().dev().mean().unwrap_or(0.0);
    let of_differences = differences(state, candidate).variance().unwrap_or(1.0);
    let (mean, asked, of_a_row) = match search.goal.quality_claim() {
        Claim::NotWorse { margin } => (gain.mean, -margin, of_differences),
        Claim::QualityAtLeast { quality } => {
            let level = (baseline + gain.mean).clamp(0.0, 1.0);
            // Rows of unequal weight say as much as fewer of equal weight.
            (level, quality, level * (1.0 - level) * design_effect(state))
        }
        Claim::Better
        | Claim::Cheaper
        | Claim::Less { .. }
        | Claim::CostAtMost { .. }
        | Claim::Bound(_) => (gain.mean, 0.0, of_differences),
    };
    let believed = Posterior { mean, ..gain };
    chance_of_showing(believed, asked, of_a_row, (search.remaining.hold_rows, level(search)))
}

/// The chance in [0, 1] that all bounds of the goal and the limit to its cost are shown, as if they were independent; 1
/// without any.
pub(super) fn of_bounds(search: &Search<'_>, candidate: CandidateIx) -> f64 {
    let bounds = search.goal.bounds.iter();
    let of_bounds: f64 = bounds.map(|bound| of_bound(search, candidate, bound)).product();
    of_bounds * of_cost(search, candidate)
}

fn of_cost(search: &Search<'_>, candidate: CandidateIx) -> f64 {
    let limit = match search.goal.cost_claim() {
        Some(Claim::CostAtMost { usd_per_1k }) => Some(usd_per_1k),
        _ => None,
    };
    let used = &search.state.standing(candidate).used;
    let (Some(limit), Some(usd)) = (limit, used.usd_per_1k()) else { return 1.0 };
    let of_a_row = used.usd_per_1k_variance().unwrap_or(0.0);
    let believed = Posterior { mean: -usd, variance: of_a_row / used.calls.max(1) as f64 };
    // One that is reached exactly is kept.
    let asked = -limit * (1.0 + 1e-9);
    chance_of_showing_amount(believed, asked, of_a_row, (search.remaining.hold_rows, level(search)))
}

/// The chance that less is spent of what the goal asks to be least: by the rows of dev that both have it of. 1 where
/// nothing is known, and where a baseline that misses the floor is no bar.
fn of_saving(search: &Search<'_>, candidate: CandidateIx) -> f64 {
    let (state, goal) = (search.state, search.goal);
    let Some(least) = goal.least_measure() else { return 1.0 };
    let measure = least.measure();
    if !state.baseline().dev().mean().is_some_and(|quality| goal.is_kept_by_baseline(quality)) {
        return 1.0;
    }
    let spent = |of: CandidateIx, row: RowIx| {
        state.standing(of).measured(goal, &measure, Split::Dev, row).map(|it| least.spent(it))
    };
    let rows = (0..state.dev_rows).map(RowIx);
    let both =
        rows.filter_map(|row| Some((spent(candidate, row)?, spent(CandidateIx::BASELINE, row)?)));
    let (mine, theirs): (Vec<f64>, Vec<f64>) = both.unzip();
    let known = mine.len() as f64 / f64::from(state.standing(candidate).dev().scored.max(1));
    let rows = (search.remaining.hold_rows as f64 * known).round() as u64;
    let level = level(search).shared_by(goal.ways_of_cost());
    let saved: Paired = theirs.iter().zip(&mine).map(|(theirs, mine)| theirs - mine).collect();
    let (Some(mean), Some(of_a_row)) = (saved.mean(), saved.variance()) else { return 1.0 };
    let believed = Posterior { mean, variance: of_a_row / saved.n as f64 };
    match measure.total() {
        Total::Quantile(share) => {
            chance_of_saving((&mine, &theirs), share, (rows, level.one_sided)).unwrap_or(1.0)
        }
        Total::Share => chance_of_showing(believed, 0.0, of_a_row, (rows, level)),
        Total::Mean => chance_of_showing_amount(believed, 0.0, of_a_row, (rows, level)),
    }
}

/// The level of the run's next look.
fn level(search: &Search<'_>) -> Level {
    Level::of_look(search.state.next_look())
}

/// The design effect of the weights of dev: those that are held out have weights like these.
fn design_effect(state: &State) -> f64 {
    let rows = state.baseline().scored_on_dev();
    weighted::design_effect(rows.map(|row| state.weights.of(Split::Dev, row)))
}

/// What a bound's measure, or its difference from the baseline's, came to on the rows of dev is believed with its own
/// sampling variance; held-out rows have a value as often as those of dev. 1 where nothing is known.
fn of_bound(search: &Search<'_>, candidate: CandidateIx, bound: &Bound) -> f64 {
    let state = search.state;
    let column = state.standing(candidate).dev();
    let value = |of: CandidateIx, row: RowIx| {
        state.standing(of).measured(search.goal, &bound.measure, Split::Dev, row)
    };
    let values = (0..state.dev_rows).map(RowIx).filter_map(|row| {
        let own = value(candidate, row)?;
        match bound.threshold {
            Threshold::Absolute(_) => Some(own),
            Threshold::Baseline(_) => Some(own - value(CandidateIx::BASELINE, row)?),
        }
    });
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return 1.0;
    }
    let known = values.len() as f64 / f64::from(column.scored.max(1));
    let rows = (search.remaining.hold_rows as f64 * known).round() as u64;
    let threshold = bound.threshold.value(0.0);
    let sign = if bound.side == Side::AtLeast { 1.0 } else { -1.0 };
    let is_within = |value: f64| sign * value >= sign * threshold;
    // What is asked of their mean, with what is believed of it.
    let (values, asked): (Vec<f64>, f64) = match bound.measure.total() {
        // Of a quantile: that so large a share of the values is on its side.
        Total::Quantile(share) => {
            let share = if bound.side == Side::AtMost { share } else { 1.0 - share };
            (values.iter().map(|it| f64::from(u8::from(is_within(*it)))).collect(), share)
        }
        Total::Share | Total::Mean => {
            // One that is reached exactly is kept.
            let asked = sign * threshold - 1e-9 * (1.0 + threshold.abs());
            (values.iter().map(|it| sign * it).collect(), asked)
        }
    };
    let sample: Paired = values.iter().copied().collect();
    let n = sample.n as f64;
    let is_share = match bound.measure {
        Measure::Metric(_) => values.iter().all(|value| (-1.0..=1.0).contains(value)),
        _ => bound.measure.total() != Total::Mean,
    };
    let of_a_row = sample.variance().unwrap_or(if is_share { 0.25 } else { 0.0 });
    let believed = Posterior { mean: sample.mean().unwrap_or(0.0), variance: of_a_row / n };
    match is_share {
        true => chance_of_showing(believed, asked, of_a_row, (rows, level(search))),
        false => chance_of_showing_amount(believed, asked, of_a_row, (rows, level(search))),
    }
}
