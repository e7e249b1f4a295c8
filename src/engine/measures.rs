//! What held-out rows show of measures beside quality: of bounds, and of what the goal asks to be least.
//!
//! What the goal claims of the winner is `claim`'s.

use super::held_out::{HeldOutRow, MIN_HOLD_ROWS};
use crate::seed::Seed;
use crate::stats::interval::{of_amounts_beyond, of_differences_beyond, of_scores_beyond};
use crate::stats::{
    Interval, Level, interval, quantile_beyond, quantile_saved_beyond, rows_for_quantile,
    rows_for_share,
};
use crate::task::bound::{Bound, Side, Threshold};
use crate::task::goal::{Goal, LeastMeasure};
use crate::task::measure::{Measure, Total};
use serde::{Deserialize, Serialize};

/// What rows that have a value of a measure say of these rows alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// How many rows have a value.
    pub rows: usize,
    /// How many have to have one before they can show what the goal asks, whatever they say.
    pub needed: usize,
    /// What the measure, or its difference, comes to on them; `None` without a row.
    pub value: Option<f64>,
}

impl Sample {
    fn of(values: &[f64], total: Total, needed: usize) -> Self {
        Self { rows: values.len(), needed, value: total_of(values, total) }
    }
}

/// The mean, or the quantile, of these values alone; `None` without one.
fn total_of(values: &[f64], total: Total) -> Option<f64> {
    let n = values.len();
    match total {
        Total::Share | Total::Mean => (n > 0).then(|| values.iter().sum::<f64>() / n as f64),
        Total::Quantile(share) => {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted.get(((share * n as f64).ceil() as usize).saturating_sub(1)).copied()
        }
    }
}

/// What the winner and the baseline spend on the rows that both have it of.
fn spent_by_both(
    goal: &Goal,
    least: LeastMeasure,
    rows: &[HeldOutRow],
) -> Option<(Vec<f64>, Vec<f64>)> {
    let place = goal.place_of(&least.measure())?;
    let both = |row: &HeldOutRow| {
        let (mine, theirs) = row.measured.get(place)?;
        Some((least.spent((*mine)?), least.spent((*theirs)?)))
    };
    Some(rows.iter().filter_map(both).unzip())
}

/// How much less than the baseline the winner spends on these rows alone.
pub(super) fn sample_of_less(
    goal: &Goal,
    least: LeastMeasure,
    rows: &[HeldOutRow],
    level: Level,
) -> Option<Sample> {
    let (mine, theirs) = spent_by_both(goal, least, rows)?;
    let total = least.measure().total();
    let of = |values: &[f64]| total_of(values, total);
    let value = of(&theirs).zip(of(&mine)).map(|(theirs, mine)| theirs - mine);
    Some(Sample { rows: mine.len(), needed: fewest_rows_of_less(goal, level), value })
}

/// How much less of something than the baseline the winner spends, on the rows that both have it of: the mean of the
/// differences, or the difference of the quantiles. `None` where these rows are too few.
pub(super) fn of_less(
    goal: &Goal,
    least: LeastMeasure,
    rows: &[HeldOutRow],
    chance: f64,
    seed: Seed,
) -> Option<Interval> {
    let (mine, theirs) = spent_by_both(goal, least, rows)?;
    if mine.len() < MIN_HOLD_ROWS {
        return None;
    }
    let seed = seed.child("less", 0);
    let less: Vec<f64> = theirs.iter().zip(&mine).map(|(theirs, mine)| theirs - mine).collect();
    match least.measure().total() {
        Total::Quantile(share) => quantile_saved_beyond((&mine, &theirs), share, chance),
        Total::Share => of_differences_beyond(&less, chance, seed),
        Total::Mean => of_amounts_beyond(&less, chance, seed),
    }
}

/// The fewest held-out rows with a value that could show that less is spent of what the goal asks to be least.
#[must_use]
pub fn fewest_rows_of_less(goal: &Goal, level: Level) -> usize {
    let level = level.shared_by(goal.ways_of_cost());
    let rows = match goal.least_measure().map(|least| least.measure().total()) {
        Some(Total::Quantile(share)) => rows_for_quantile(share, level.one_sided / 2.0),
        _ => MIN_HOLD_ROWS,
    };
    rows.max(MIN_HOLD_ROWS)
}

/// The values of a bound's measure, or their differences from the baseline's, on the rows that have them.
fn values_of(goal: &Goal, bound: &Bound, rows: &[HeldOutRow]) -> Option<Vec<f64>> {
    let place = goal.place_of(&bound.measure)?;
    let known = rows.iter().filter_map(|row| row.measured.get(place));
    Some(match bound.threshold {
        Threshold::Baseline(_) => {
            known.filter_map(|(mine, theirs)| Some((*mine)? - (*theirs)?)).collect()
        }
        Threshold::Absolute(_) => known.filter_map(|(mine, _)| *mine).collect(),
    })
}

/// What a bound's measure, or its difference from the baseline's, comes to on these rows alone.
pub(super) fn sample_of_bound(
    goal: &Goal,
    bound: &Bound,
    rows: &[HeldOutRow],
    level: Level,
) -> Option<Sample> {
    let values = values_of(goal, bound, rows)?;
    Some(Sample::of(&values, bound.measure.total(), fewest_rows(bound, level)))
}

/// What a bound's measure came to on the rows that have it, or its difference from the baseline's on those that both
/// have it of. `None` where the rows are too few for an interval that holds what it says.
pub(super) fn of_bound(
    goal: &Goal,
    bound: &Bound,
    rows: &[HeldOutRow],
    chance: f64,
    seed: Seed,
) -> Option<Interval> {
    let number = goal.bounds.iter().position(|other| other == bound)?;
    let seed = seed.child("bound", number as u64);
    let is_beside = matches!(bound.threshold, Threshold::Baseline(_));
    let values = values_of(goal, bound, rows)?;
    // What a score interval says of a handful of rows is wrong too often, where all of them are alike.
    if values.len() < MIN_HOLD_ROWS {
        return None;
    }
    let of_shares = || match is_beside {
        true => of_differences_beyond(&values, chance, seed),
        false => of_scores_beyond(&values, chance, seed),
    };
    match (bound.measure.total(), &bound.measure) {
        (Total::Quantile(share), _) => quantile_beyond(&values, share, chance),
        (Total::Share, _) => of_shares(),
        // A metric may be a share, whose range allows for values that did not occur. Of one without a range, values that
        // are almost all alike say nothing of others.
        (Total::Mean, Measure::Metric(_)) => {
            let least = if is_beside { -1.0 } else { 0.0 };
            if values.iter().all(|value| (least..=1.0).contains(value)) {
                return of_shares();
            }
            let is_known = !interval::has_few_unusual(&values);
            is_known.then(|| of_amounts_beyond(&values, chance, seed)).flatten()
        }
        // Counts of tokens, which may well be all the same.
        (Total::Mean, _) => of_amounts_beyond(&values, chance, seed),
    }
}

/// The fewest held-out rows with a value that could show a bound at this level: where all of them speak for it.
#[must_use]
pub fn fewest_rows(bound: &Bound, level: Level) -> usize {
    let chance = level.one_sided;
    let rows = match (bound.measure.total(), bound.threshold, bound.side) {
        (Total::Quantile(share), ..) => rows_for_quantile(share, chance),
        (Total::Mean, ..) => MIN_HOLD_ROWS,
        (Total::Share, Threshold::Absolute(least), Side::AtLeast) => rows_for_share(least, chance),
        (Total::Share, Threshold::Absolute(most), Side::AtMost) => {
            rows_for_share(1.0 - most, chance)
        }
        // Where no row differs, the interval of a difference ends at z²/(n + z²).
        (Total::Share, Threshold::Baseline(offset), side) => {
            let margin = if side == Side::AtLeast { -offset } else { offset };
            match margin > 0.0 {
                true => rows_for_share(1.0 - margin.min(1.0), chance),
                false => MIN_HOLD_ROWS,
            }
        }
    };
    rows.max(MIN_HOLD_ROWS)
}

/// Whether an interval of a bound's measure, or of its difference from the baseline's, is on the right side.
pub(super) fn is_kept(bound: &Bound, tested: Interval) -> bool {
    let end = match bound.side {
        Side::AtLeast => tested.low,
        Side::AtMost => tested.high,
    };
    bound.is_kept(end, 0.0)
}
