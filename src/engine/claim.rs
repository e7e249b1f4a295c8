//! What the goal claims of the winner, and whether held-out rows show it.
//!
//! Not which rows are asked, which is `confirmation`'s, nor how it is told, which is the reports'.

use crate::event::Confirmation;
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use crate::state::{Cell, Look};
use crate::stats::interval::{
    of_amounts, of_amounts_beyond, of_differences_beyond, of_scores_beyond,
};
use crate::stats::weighted::{self, Weighted};
use crate::stats::{
    Interval, Level, PairedTest, holm, interval, quantile_beyond, quantile_saved_beyond,
    rows_for_quantile, rows_for_share,
};
use crate::task::bound::{Bound, Side, Threshold};
use crate::task::example::Split;
use crate::task::goal::{Claim, Goal, Least};
use crate::task::measure::{Measure, Total};
use serde::{Deserialize, Serialize};

/// With fewer held-out rows nothing is called confirmed.
pub const MIN_HOLD_ROWS: usize = 30;
/// The level of the one-sided test of superiority, beside the 95 % interval, at a first look.
const ALPHA: f64 = 0.05;

/// One held-out row that winner and baseline both have a score for.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOutRow {
    /// The winner's score, in [0, 1].
    pub winner: f64,
    /// The baseline's.
    pub baseline: f64,
    /// How much the row counts in a mean score, above 0. What calls cost, and the measures of bounds, count each row once.
    pub weight: f64,
    /// What 1,000 such calls cost in dollars, of winner and baseline.
    pub usd_per_1k: Option<(f64, f64)>,
    /// What the measures of the goal came to, of winner and baseline, in the goal's order.
    pub measured: Vec<(Option<f64>, Option<f64>)>,
}

/// What 1,000 calls cost, in dollars, by what the held-out rows cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutCost {
    /// The winner's.
    pub best: Interval,
    /// The baseline's.
    pub baseline: Interval,
    /// The baseline's less the winner's, paired by row.
    pub saving: Interval,
}

/// What a goal says of the winner, and whether held-out rows show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claimed {
    /// What it says.
    #[serde(flatten)]
    pub claim: Claim,
    /// Whether the rows show it.
    pub shown: bool,
    /// Of a bound: what was measured, with its 95 % interval. Of one beside the baseline it is the difference. Of a measure
    /// that is to be less: the baseline's less the winner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Interval>,
    /// The interval that decided it, at the level of a later look; `None` where the 95 % interval did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Interval>,
}

/// The result of the confirmation.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// The winner's mean.
    pub winner: Option<Interval>,
    /// The baseline's mean.
    pub baseline: Option<Interval>,
    /// The gain, and the test of what the goal says of the winner's quality; `None` if the winner is the baseline.
    pub gain: Option<(Interval, PairedTest)>,
    /// What both cost; `None` if the winner is the baseline, or no bill is known.
    pub cost: Option<HeldOutCost>,
    /// What the goal says of the winner, and whether the rows show it.
    pub claims: Vec<Claimed>,
    /// Whether the goal's claim holds: each of `claims` is shown, on at least 30 rows.
    pub is_shown: bool,
}

/// Evaluates the confirmation. A row with one side missing is left out of both.
#[must_use]
pub fn confirmed(state: &State, goal: &Goal, seed: Seed) -> Option<Confirmed> {
    let (winner, _, rows) = state.winner?;
    let rows = held_out_rows(state, winner, rows, state.look_of_winner());
    let is_changed = winner != CandidateIx::BASELINE;
    let (level, seed) = (Level::of_look(state.look()), seed.child("hold", 0));
    (!rows.is_empty()).then(|| Confirmed::of(goal, &rows, is_changed, level, seed))
}

/// One of several candidates that are compared with the baseline at once.
#[derive(Clone, Debug)]
pub struct FamilyMember {
    /// The candidate.
    pub candidate: CandidateIx,
    /// What the rows show, and whether they show the goal's claim at `level`.
    pub confirmed: Confirmed,
    /// The level that Holm's rule left to it.
    pub level: Level,
    /// The p-value of what the goal says of the quality, by Holm's rule: it may be compared with the level of the
    /// look. `None` without rows.
    pub p_adjusted: Option<f64>,
}

/// Evaluates a confirmation of several candidates: its look's level is shared by them.
#[must_use]
pub fn confirmed_family(
    state: &State,
    goal: &Goal,
    seed: Seed,
    confirmation: &Confirmation,
    taken: Option<&Look>,
) -> Vec<FamilyMember> {
    let Confirmation { family, rows, .. } = confirmation;
    let look = Level::of_look(taken.map_or(1, |look| look.number));
    let of_each: Vec<Vec<HeldOutRow>> =
        family.iter().map(|candidate| held_out_rows(state, *candidate, *rows, taken)).collect();
    let seed = seed.child("hold", 0);
    let at = |place: usize, level| Confirmed::of(goal, &of_each[place], true, level, seed);
    let decided = holm::decided(family.len(), look, |place, level| at(place, level).is_shown);
    let mut members: Vec<FamilyMember> = (0..)
        .zip(family)
        .zip(decided)
        .map(|((place, candidate), (_, level))| {
            let confirmed = at(place, level);
            FamilyMember { candidate: *candidate, confirmed, level, p_adjusted: None }
        })
        .collect();
    let p_value = |it: &FamilyMember| it.confirmed.gain.map_or(1.0, |(_, test)| test.p_value);
    let adjusted = holm::adjusted(&members.iter().map(p_value).collect::<Vec<_>>());
    for (member, adjusted) in members.iter_mut().zip(adjusted) {
        member.p_adjusted = member.confirmed.gain.map(|_| adjusted);
    }
    members
}

/// The first held-out rows, as many as said, that a candidate and the baseline both have a score for: those of this look,
/// if it is over, since later answers change nothing of what it showed.
fn held_out_rows(
    state: &State,
    candidate: CandidateIx,
    rows: u32,
    look: Option<&Look>,
) -> Vec<HeldOutRow> {
    let closed = look.and_then(|look| look.closed);
    let score = |cell: &Cell| match cell {
        Cell::Scored { answer, .. } if closed.is_some_and(|closed| *answer >= closed) => None,
        cell => cell.score(),
    };
    let (mine, theirs) = (state.standing(candidate), state.baseline());
    let usd = |row: RowIx| {
        let of = |usd: &crate::units::Usd| usd.dollars() * 1_000.0;
        Some((mine.hold_usd.get(&row).map(of)?, theirs.hold_usd.get(&row).map(of)?))
    };
    let columns = [mine, theirs].map(|standing| standing.column(Split::Hold, 0));
    let cells = columns[0].cells().iter().zip(columns[1].cells());
    let measured = |row: RowIx| {
        let [mine, theirs] = columns.map(|column| column.measured.of_row(row));
        let theirs = theirs.iter().copied().chain(std::iter::repeat(None));
        mine.iter().copied().zip(theirs).collect()
    };
    (0..rows)
        .map(RowIx)
        .zip(cells)
        .filter_map(|(row, (mine, theirs))| {
            let (winner, baseline) = (score(mine)?, score(theirs)?);
            let (usd_per_1k, measured) = (usd(row), measured(row));
            let weight = state.weights.of(Split::Hold, row);
            Some(HeldOutRow { winner, baseline, weight, usd_per_1k, measured })
        })
        .collect()
}

impl Confirmed {
    /// Evaluates the rows of winner and baseline; `is_changed`: the winner is another prompt than the baseline;
    /// `level`: that at which its claim is tested.
    #[must_use]
    pub fn of(
        goal: &Goal,
        rows: &[HeldOutRow],
        is_changed: bool,
        level: Level,
        seed: Seed,
    ) -> Self {
        let mine = scores(rows, |row| row.winner);
        let theirs = scores(rows, |row| row.baseline);
        let baseline = weighted::of_scores(&theirs, seed.child("seed", 0));
        // A baseline that is shown to miss what the goal asks, at the level of this look, is no bar for the cost.
        let of_baseline =
            weighted::of_scores_beyond(&theirs, level.one_sided, seed.child("seed", 0));
        let is_bar = of_baseline.is_none_or(|it| goal.is_kept_by_baseline(it.high));
        let mut claims = goal.claims();
        claims.retain(|claim| is_bar || !matches!(claim, Claim::Cheaper | Claim::Less { .. }));
        let winner = weighted::of_scores(&mine, seed.child("winner", 0));
        let gain = is_changed.then(|| gain(&claims, rows, &mine, seed)).flatten();
        let cost = is_changed.then(|| cost(rows, seed)).flatten();
        // Answers that were served from the journal have no cost of their own.
        let known_cost = cost.filter(|cost| cost.saving.n >= MIN_HOLD_ROWS);
        let claimed = |claim: Claim| {
            let is_later = !level.is_first();
            let measured = match &claim {
                Claim::Bound(bound) => of_bound(goal, bound, rows, Level::FIRST.one_sided, seed),
                Claim::Less { of } => of_less(goal, *of, rows, Level::FIRST.one_sided, seed),
                _ => None,
            };
            let usual = || match claim {
                Claim::Better | Claim::NotWorse { .. } => gain.map(|(gain, _)| gain),
                Claim::QualityAtLeast { .. } => winner,
                Claim::Cheaper => cost.map(|cost| cost.saving),
                Claim::CostAtMost { .. } => cost.map(|cost| cost.best),
                Claim::Bound(_) | Claim::Less { .. } => measured,
            };
            let tested = match (is_changed, is_later) {
                (false, _) => None,
                (true, false) => usual(),
                (true, true) => at_level(goal, &claim, rows, level, seed),
            };
            let passes = gain.is_some_and(|(_, test)| {
                test.p_value <= if is_later { level.one_sided } else { ALPHA }
            });
            let shown = tested.is_some_and(|tested| match &claim {
                Claim::Better => passes && tested.low > 0.0,
                Claim::NotWorse { margin } => (passes || !is_later) && tested.low > -*margin,
                Claim::QualityAtLeast { quality } => {
                    (passes || !is_later) && tested.low >= *quality
                }
                Claim::Cheaper => known_cost.is_some() && tested.low > 0.0,
                Claim::Less { .. } => tested.low > 0.0,
                Claim::CostAtMost { usd_per_1k } => {
                    known_cost.is_some() && tested.high <= usd_per_1k + 1e-12
                }
                Claim::Bound(bound) => is_shown(bound, tested),
            });
            Claimed { claim, shown, measured, tested: tested.filter(|_| is_later) }
        };
        let claims: Vec<Claimed> = claims.into_iter().map(claimed).collect();
        Self {
            winner,
            baseline,
            gain,
            cost,
            is_shown: rows.len() >= MIN_HOLD_ROWS && claims.iter().all(|claimed| claimed.shown),
            claims,
        }
    }
}

/// What a claim is about, with the chance of its level beyond each end.
fn at_level(
    goal: &Goal,
    claim: &Claim,
    rows: &[HeldOutRow],
    level: Level,
    seed: Seed,
) -> Option<Interval> {
    let chance = level.one_sided;
    match claim {
        Claim::Better | Claim::NotWorse { .. } => {
            weighted::of_differences_beyond(&differences(rows), chance, seed.child("gain", 0))
        }
        Claim::QualityAtLeast { .. } => {
            let scores = scores(rows, |row| row.winner);
            weighted::of_scores_beyond(&scores, chance, seed.child("winner", 0))
        }
        Claim::Cheaper => of_amounts_beyond(&costs(rows)[2], chance, seed.child("saving", 0)),
        Claim::CostAtMost { .. } => {
            of_amounts_beyond(&costs(rows)[0], chance, seed.child("cost", 0))
        }
        Claim::Bound(bound) => of_bound(goal, bound, rows, chance, seed),
        Claim::Less { of } => of_less(goal, *of, rows, chance, seed),
    }
}

/// How much less of something than the baseline the winner spends, on the rows that both have it of: the mean of the
/// differences, or the difference of the quantiles. `None` where these rows are too few.
fn of_less(
    goal: &Goal,
    least: Least,
    rows: &[HeldOutRow],
    chance: f64,
    seed: Seed,
) -> Option<Interval> {
    let place = goal.bounds.len();
    let both = |row: &HeldOutRow| {
        let (mine, theirs) = row.measured.get(place)?;
        Some(((*mine)?, (*theirs)?))
    };
    let (mine, theirs): (Vec<f64>, Vec<f64>) = rows.iter().filter_map(both).unzip();
    if mine.len() < MIN_HOLD_ROWS {
        return None;
    }
    match least.measure()?.total() {
        Total::Quantile(share) => quantile_saved_beyond((&mine, &theirs), share, chance),
        Total::Share | Total::Mean => {
            let less: Vec<f64> =
                theirs.iter().zip(&mine).map(|(theirs, mine)| theirs - mine).collect();
            of_amounts_beyond(&less, chance, seed.child("less", 0))
        }
    }
}

/// The fewest held-out rows with a value that could show that less of something is spent.
#[must_use]
pub fn fewest_rows_of_less(least: Least, level: Level) -> usize {
    let rows = match least.measure().map(|measure| measure.total()) {
        Some(Total::Quantile(share)) => rows_for_quantile(share, level.one_sided / 2.0),
        _ => MIN_HOLD_ROWS,
    };
    rows.max(MIN_HOLD_ROWS)
}

/// What a bound's measure came to on the rows that have it, or its difference from the baseline's on those that both
/// have it of. `None` where the rows are too few for an interval that holds what it says.
fn of_bound(
    goal: &Goal,
    bound: &Bound,
    rows: &[HeldOutRow],
    chance: f64,
    seed: Seed,
) -> Option<Interval> {
    let place = goal.bounds.iter().position(|other| other == bound)?;
    let seed = seed.child("bound", place as u64);
    let known = rows.iter().filter_map(|row| row.measured.get(place));
    let is_beside = matches!(bound.threshold, Threshold::Baseline(_));
    let values: Vec<f64> = match is_beside {
        true => known.filter_map(|(mine, theirs)| Some((*mine)? - (*theirs)?)).collect(),
        false => known.filter_map(|(mine, _)| *mine).collect(),
    };
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
fn is_shown(bound: &Bound, tested: Interval) -> bool {
    let threshold = bound.threshold.value(0.0);
    match bound.side {
        Side::AtLeast => tested.low >= threshold - 1e-12,
        Side::AtMost => tested.high <= threshold + 1e-12,
    }
}

fn scores(rows: &[HeldOutRow], score: fn(&HeldOutRow) -> f64) -> Vec<Weighted> {
    rows.iter().map(|row| Weighted { value: score(row), weight: row.weight }).collect()
}

fn differences(rows: &[HeldOutRow]) -> Vec<Weighted> {
    scores(rows, |row| row.winner - row.baseline)
}

/// The gain, and the test of what is claimed of the quality.
fn gain(
    claims: &[Claim],
    rows: &[HeldOutRow],
    winner: &[Weighted],
    seed: Seed,
) -> Option<(Interval, PairedTest)> {
    let differences = differences(rows);
    let scores = rows.iter().flat_map(|row| [row.winner, row.baseline]);
    let is_binary = scores.into_iter().all(|score| score == 0.0 || score == 1.0);
    let seed_of_test = seed.child("test", 0);
    let test = claims.iter().find_map(|claim| match *claim {
        Claim::NotWorse { margin } => {
            Some(weighted::non_inferiority(&differences, margin, seed_of_test))
        }
        Claim::QualityAtLeast { quality } => {
            Some(weighted::above_level(winner, quality, seed_of_test))
        }
        Claim::Better
        | Claim::Cheaper
        | Claim::Less { .. }
        | Claim::CostAtMost { .. }
        | Claim::Bound(_) => None,
    });
    let test = test.unwrap_or_else(|| weighted::superiority(&differences, is_binary, seed_of_test));
    Some((weighted::of_differences(&differences, seed.child("gain", 0))?, test))
}

/// What the calls of winner and baseline cost on the rows that both were paid for, and what is saved.
fn costs(rows: &[HeldOutRow]) -> [Vec<f64>; 3] {
    let (mine, theirs): (Vec<f64>, Vec<f64>) = rows.iter().filter_map(|row| row.usd_per_1k).unzip();
    let savings = mine.iter().zip(&theirs).map(|(mine, theirs)| theirs - mine).collect();
    [mine, theirs, savings]
}

fn cost(rows: &[HeldOutRow], seed: Seed) -> Option<HeldOutCost> {
    let [mine, theirs, savings] = costs(rows);
    Some(HeldOutCost {
        best: of_amounts(&mine, seed.child("cost", 0))?,
        baseline: of_amounts(&theirs, seed.child("cost", 1))?,
        saving: of_amounts(&savings, seed.child("saving", 0))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::goal::Aim;

    /// Rows of which some are won and some lost, and whose calls cost this much.
    fn rows(
        n: usize,
        (wins, losses): (usize, usize),
        (mine, theirs): (f64, f64),
    ) -> Vec<HeldOutRow> {
        (0..n)
            .map(|row| {
                let is_won = row < wins;
                let is_lost = (wins..wins + losses).contains(&row);
                // Longer rows cost more.
                let length = 1.0 + row as f64 / n as f64;
                HeldOutRow {
                    winner: f64::from(u8::from(!is_lost)),
                    baseline: f64::from(u8::from(!is_won)),
                    weight: 1.0,
                    usd_per_1k: Some((mine * length, theirs * length)),
                    measured: Vec::new(),
                }
            })
            .collect()
    }

    fn shown(rule: &str, rows: &[HeldOutRow]) -> (Vec<bool>, bool) {
        let confirmed =
            Confirmed::of(&Goal::parse(rule).unwrap(), rows, true, Level::FIRST, Seed(1));
        let claims = confirmed.claims.iter().map(|claimed| claimed.shown).collect();
        (claims, confirmed.is_shown)
    }

    #[test]
    fn the_cheaper_prompt_is_confirmed_by_non_inferiority_and_its_saving() {
        let rule = "min usd_per_1k s.t. quality >= baseline - 0.05";
        let (both, none) = ((vec![true, true], true), (vec![false, true], false));
        assert_eq!(shown(rule, &rows(400, (10, 10), (0.2, 0.4))), both);
        // The same share of losses on few rows says too little, and so do no losses at all.
        assert_eq!(shown(rule, &rows(60, (2, 2), (0.2, 0.4))), none);
        assert_eq!(shown(rule, &rows(60, (0, 0), (0.2, 0.4))), none);
        assert_eq!(shown(rule, &rows(80, (0, 0), (0.2, 0.4))), both);
        // It is worse by more than the margin.
        assert_eq!(shown(rule, &rows(400, (0, 40), (0.2, 0.4))), none);
        // It is as good, and dearer, or costs the same.
        for mine in [0.5, 0.4] {
            let dearer = shown(rule, &rows(400, (10, 10), (mine, 0.4)));
            assert_eq!(dearer, (vec![true, false], false));
        }
    }

    /// The same rows won and lost: what is claimed depends on which of them count more.
    #[test]
    fn quality_is_claimed_by_the_weights_of_rows() {
        let weighted = |heavy: std::ops::Range<usize>| {
            let mut rows = rows(400, (50, 40), (0.2, 0.4));
            rows[heavy].iter_mut().for_each(|row| row.weight = 4.0);
            rows
        };
        let (won, lost) = (weighted(0..50), weighted(50..90));
        let not_worse = "min usd_per_1k s.t. quality >= baseline - 0.05";
        let at_least = "min usd_per_1k s.t. quality >= 0.88";
        for (rule, rows, is_shown) in [
            ("max quality", weighted(0..0), false),
            ("max quality", won.clone(), true),
            (not_worse, weighted(0..0), true),
            (not_worse, lost.clone(), false),
            (at_least, won, true),
            (at_least, lost, false),
        ] {
            let goal = Goal::parse(rule).unwrap();
            let at = |look| Confirmed::of(&goal, &rows, true, Level::of_look(look), Seed(1));
            let confirmed = at(1);
            assert_eq!(confirmed.claims[0].shown, is_shown, "{rule}: {confirmed:?}");
            // A later look needs more, and weighs alike.
            let tested = at(2).claims[0].tested.unwrap();
            let usual =
                if rule == at_least { confirmed.winner } else { confirmed.gain.map(|it| it.0) };
            assert_eq!(Some(tested.mean), usual.map(|it| it.mean));
            let all: f64 = rows.iter().map(|row| row.weight).sum();
            let right: f64 = rows.iter().map(|row| row.weight * row.winner).sum();
            assert!((confirmed.winner.unwrap().mean - right / all).abs() < 1e-12);
            // What calls cost counts each row once.
            assert!((confirmed.cost.unwrap().best.mean - 0.299_75).abs() < 1e-9);
        }
    }

    #[test]
    fn a_level_and_a_limit_are_claims_too() {
        let (yes, no) = ((vec![true, true], true), (vec![false, true], false));
        let level = |quality| format!("min usd_per_1k s.t. quality >= {quality}");
        assert_eq!(shown(&level(0.9), &rows(400, (0, 20), (0.2, 0.4))), yes);
        assert_eq!(shown(&level(0.94), &rows(400, (0, 20), (0.2, 0.4))), no);
        // The winner's calls cost 0.3 dollars on average, between 0.2 and 0.4.
        let limit = |usd: f64| format!("max quality s.t. usd_per_1k <= {usd}");
        let better = rows(400, (60, 10), (0.2, 0.1));
        assert_eq!(shown(&limit(0.31), &better), yes);
        assert_eq!(shown(&limit(0.301), &better), (vec![true, false], false));
        assert_eq!(shown("max quality", &better), (vec![true], true));
        assert_eq!(shown(&limit(0.31), &rows(400, (10, 10), (0.2, 0.1))), no);
    }

    /// What the first look shows by a small margin, a later one does not; what is beyond doubt, it does.
    #[test]
    fn a_later_look_at_the_same_rows_needs_more() {
        let at = |rule: &str, rows: &[HeldOutRow], look| {
            let level = Level::of_look(look);
            Confirmed::of(&Goal::parse(rule).unwrap(), rows, true, level, Seed(1))
        };
        let is_shown = |rule: &str, rows: &[HeldOutRow], look| at(rule, rows, look).is_shown;
        // The cost varies around zero; its mean saving is some 2.15 standard errors.
        let mut saving = rows(400, (10, 10), (0.2, 0.2));
        for (row, place) in saving.iter_mut().zip(0..) {
            row.usd_per_1k = Some((if place % 20 < 9 { 0.3 } else { 0.1 }, 0.2007));
        }
        let cases = [
            ("max quality", rows(400, (32, 16), (0.2, 0.4)), rows(400, (60, 10), (0.2, 0.4))),
            (
                "min usd_per_1k s.t. quality >= baseline - 0.05",
                rows(400, (11, 19), (0.2, 0.4)),
                rows(400, (10, 10), (0.2, 0.4)),
            ),
            (
                "min usd_per_1k s.t. quality >= 0.9",
                rows(400, (0, 28), (0.2, 0.4)),
                rows(400, (0, 10), (0.2, 0.4)),
            ),
            (
                "min usd_per_1k s.t. quality >= baseline - 0.05",
                saving,
                rows(400, (10, 10), (0.2, 0.4)),
            ),
        ];
        for (rule, near, clear) in cases {
            let shown = [is_shown(rule, &near, 1), is_shown(rule, &near, 2)];
            assert_eq!(shown, [true, false], "{rule}");
            assert!(is_shown(rule, &clear, 2), "{rule}");
            // The 95 % intervals stay, and what decides stands beside them.
            let (first, second) = (at(rule, &near, 1), at(rule, &near, 2));
            assert_eq!((first.gain, first.cost), (second.gain, second.cost));
            assert!(first.claims.iter().all(|claimed| claimed.tested.is_none()));
            let tested = second.claims[0].tested.unwrap();
            let width = |it: Interval| it.high - it.low;
            let usual = match second.claims[0].claim {
                Claim::QualityAtLeast { .. } => second.winner,
                _ => second.gain.map(|(gain, _)| gain),
            };
            assert!(width(tested) > width(usual.unwrap()), "{rule}: {tested:?}");
        }
    }

    /// Series of looks at the same rows with prompts that are no better and differ on a fifth of the rows: how many
    /// series of 1,000 have a wrong claim, at the level that each look is tested at.
    fn wrong_series(level: impl Fn(u32) -> Level) -> usize {
        use rand::Rng;
        let is_wrong = |series: &u64| {
            let mut rng = Seed(13).child("series", *series).rng();
            (1..=8).any(|look| {
                let mut row = || match rng.random::<f64>() {
                    it if it < 0.1 => (1.0, 0.0),
                    it if it < 0.2 => (0.0, 1.0),
                    _ => (1.0, 1.0),
                };
                let rows: Vec<HeldOutRow> = (0..200)
                    .map(|_| row())
                    .map(|(winner, baseline)| HeldOutRow {
                        winner,
                        baseline,
                        weight: 1.0,
                        usd_per_1k: None,
                        measured: Vec::new(),
                    })
                    .collect();
                let goal = Goal::parse("max quality").unwrap();
                Confirmed::of(&goal, &rows, true, level(look), Seed(1)).is_shown
            })
        };
        (0..1_000).filter(is_wrong).count()
    }

    /// Independent looks are the worst case for a rule that only adds levels up.
    #[test]
    fn all_looks_together_are_wrong_in_five_percent_of_cases_at_most() {
        // 5 % of 1,000 are 50, with a standard deviation of 7.
        let (counted, uncounted) = (wrong_series(Level::of_look), wrong_series(|_| Level::FIRST));
        assert!((15..=64).contains(&counted), "{counted}");
        assert!(uncounted > 100, "{uncounted}");
    }

    #[test]
    fn nothing_is_shown_on_few_rows_or_of_the_baseline_itself() {
        let few = rows(29, (29, 0), (0.2, 0.4));
        assert_eq!(shown("max quality", &few), (vec![true], false));
        let many = rows(400, (60, 10), (0.2, 0.1));
        let goal = Goal::parse("max quality").unwrap();
        let same = Confirmed::of(&goal, &many, false, Level::FIRST, Seed(1));
        assert!(!same.is_shown && same.gain.is_none() && same.cost.is_none());
        // A baseline that misses the level is no bar for the cost.
        let dearer = rows(400, (300, 0), (0.5, 0.4));
        assert_eq!(shown("min usd_per_1k s.t. quality >= 0.9", &dearer), (vec![true], true));
        // One row with a cost says nothing of the others.
        let mut unknown = rows(400, (10, 10), (0.2, 0.4));
        unknown.iter_mut().skip(1).for_each(|row| row.usd_per_1k = None);
        let rule = "min usd_per_1k s.t. quality >= baseline - 0.05";
        assert_eq!(shown(rule, &unknown), (vec![true, false], false));
        // What cost nothing saves nothing.
        let free = rows(400, (10, 10), (0.0, 0.0));
        let rule = "min usd_per_1k s.t. quality >= baseline - 0.05";
        assert_eq!(shown(rule, &free), (vec![true, false], false));
    }

    /// Rows on which winner and baseline have these values of one bound's measure.
    fn measured(values: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Vec<HeldOutRow> {
        let row =
            |pair| HeldOutRow { measured: vec![pair], ..rows(1, (1, 0), (0.1, 0.1)).remove(0) };
        values.map(row).collect()
    }

    fn bound_shown(bound: &str, level: Level, rows: &[HeldOutRow]) -> (bool, Option<Interval>) {
        let goal = Goal::parse(&format!("max quality s.t. {bound}")).unwrap();
        let confirmed = Confirmed::of(&goal, rows, true, level, Seed(1));
        let claimed = confirmed.claims.last().unwrap().clone();
        assert_eq!(confirmed.is_shown, claimed.shown, "the quality is shown in all of these");
        (claimed.shown, claimed.measured)
    }

    #[test]
    fn a_bound_is_shown_by_the_rows_that_have_its_measure() {
        // 77 of 80 rows of the label, beside 40 of another label.
        let recall = |right: usize| {
            let of = move |row: usize| (row < 80).then_some(f64::from(u8::from(row < right)));
            measured((0..120).map(move |row| (of(row), None)))
        };
        let wilson = interval::wilson(77, 80).unwrap();
        assert_eq!(
            bound_shown("recall.a >= 0.89", Level::FIRST, &recall(77)),
            (true, Some(wilson))
        );
        assert!(!bound_shown("recall.a >= 0.90", Level::FIRST, &recall(77)).0);
        // At a later look more is asked, and what is printed stays the same.
        let later = bound_shown("recall.a >= 0.89", Level::of_look(3), &recall(77));
        assert_eq!(later, (false, Some(wilson)));
        assert!(bound_shown("recall.a <= 0.1", Level::FIRST, &recall(2)).0);
        // As many rows as `plan` says: all of them right.
        let goal = Goal::parse("max quality s.t. recall.a >= 0.95").unwrap();
        let fewest = fewest_rows(&goal.bounds[0], Level::FIRST);
        let right =
            |rows: usize| measured((0..120).map(move |row| ((row < rows).then_some(1.0), None)));
        assert_eq!((fewest, fewest_rows(&goal.bounds[0], Level::of_look(3))), (73, 133));
        assert!(bound_shown("recall.a >= 0.95", Level::FIRST, &right(fewest)).0);
        assert!(!bound_shown("recall.a >= 0.95", Level::FIRST, &right(fewest - 1)).0);
        assert_eq!(bound_shown("recall.a >= 0.95", Level::FIRST, &right(0)), (false, None));
        // A handful of rows shows nothing, and values that are all alike are no certainty.
        assert_eq!(bound_shown("recall.a >= 0.2", Level::FIRST, &right(29)), (false, None));
        let alike = bound_shown("metrics.plain >= 0.999", Level::FIRST, &right(120));
        assert_eq!((alike.0, alike.1), (false, interval::wilson(120, 120)));
        let percent = measured((0..120).map(|_| (Some(100.0), None)));
        assert_eq!(bound_shown("metrics.plain >= 99.9", Level::FIRST, &percent), (false, None));
        let low = measured((0..120).map(|row| (Some(-f64::from(row % 5)), None)));
        let (is_shown, it) = bound_shown("metrics.plain <= 0", Level::FIRST, &low);
        assert!(is_shown && it.is_some_and(|it| it.low < -1.0), "it has no range: {it:?}");
        let same = measured((0..200).map(|_| (Some(0.5), Some(0.5))));
        assert!(!bound_shown("metrics.plain >= baseline", Level::FIRST, &same).0);
    }

    #[test]
    fn a_bound_beside_the_baseline_is_a_paired_difference() {
        // Both fail on the same tenth of the rows.
        let alike = measured((0..200).map(|row| {
            let value = Some(f64::from(u8::from(row % 10 > 0)));
            (value, value)
        }));
        assert!(bound_shown("validity >= baseline - 0.02", Level::FIRST, &alike).0);
        assert!(!bound_shown("validity >= baseline", Level::FIRST, &alike).0);
        assert!(!bound_shown("validity >= 0.95", Level::FIRST, &alike).0);
        let longer = measured((0..40).map(|row| {
            let tokens = 100.0 + f64::from(row);
            (Some(tokens + 20.0), Some(tokens))
        }));
        assert!(bound_shown("input_tokens <= baseline + 20", Level::FIRST, &longer).0);
        assert!(!bound_shown("input_tokens <= baseline + 19", Level::FIRST, &longer).0);
        // Values of any size are resampled, which needs rows.
        assert_eq!(bound_shown("input_tokens <= 9000", Level::FIRST, &longer[..29]).1, None);
    }

    /// The second measure is the one that is to be least: the first is that of a bound.
    #[test]
    fn what_is_to_be_less_is_shown_by_a_paired_difference_or_by_quantiles() {
        let at = |least: &str, n: usize, mine: f64, level| {
            let rule = format!(
                "min {least} s.t. quality >= baseline - 0.05 and validity >= baseline - 0.2"
            );
            let rows: Vec<HeldOutRow> = (0..n)
                .map(|row| {
                    let (size, valid) = (100.0 + (row * 37 % 100) as f64, (Some(1.0), Some(1.0)));
                    let measured = vec![valid, (Some(mine * size), Some(size))];
                    HeldOutRow { measured, ..rows(1, (0, 0), (0.3, 0.1)).remove(0) }
                })
                .collect();
            let goal = Goal::parse(&rule).unwrap();
            let confirmed = Confirmed::of(&goal, &rows, true, level, Seed(1));
            let less = confirmed.claims[1].clone();
            assert!(matches!(less.claim, Claim::Less { .. }) && confirmed.claims.len() == 3);
            (less.shown, confirmed.is_shown, less.measured.map(|it| it.mean.round()))
        };
        for least in ["input_tokens", "output_tokens", "latency_p50", "latency_p95"] {
            let by = if least == "latency_p95" { 97.0 } else { 75.0 };
            let (shown, all, mean) = at(least, 100, 0.5, Level::FIRST);
            assert!(shown && all && (mean.unwrap() - by).abs() < 2.0, "{least}: {mean:?}");
            assert!(!at(least, 100, 1.0, Level::FIRST).0, "{least}: it is the same");
            assert!(!at(least, 100, 1.2, Level::FIRST).1, "{least}: it is more");
            assert_eq!(at(least, 29, 0.5, Level::FIRST), (false, false, None), "{least}");
            let goal = Goal::parse(&format!("min {least} s.t. quality >= 0.5")).unwrap();
            let Aim::MinCost { least: of, .. } = goal.aim else { panic!("{least}") };
            let fewest = fewest_rows_of_less(of, Level::FIRST);
            assert!(at(least, fewest.max(80), 0.1, Level::FIRST).0, "{least}");
            assert!(!at(least, fewest - 1, 0.1, Level::FIRST).0, "{least}");
        }
        // Quantiles are told apart with less certainty at a later look.
        assert!(at("latency_p50", 100, 0.7, Level::FIRST).0);
        assert!(!at("latency_p50", 100, 0.75, Level::of_look(40)).0);
    }

    #[test]
    fn a_bound_on_a_time_is_one_on_its_quantile() {
        let times = |n: u32| measured((1..=n).map(|ms| (Some(f64::from(ms) * 10.0), None)));
        let (shown, measured) = bound_shown("latency_p95 <= 1s", Level::FIRST, &times(100));
        assert!(shown);
        assert_eq!(measured.map(|it| (it.mean, it.high)), Some((950.0, 1_000.0)));
        assert!(!bound_shown("latency_p95 <= 980ms", Level::FIRST, &times(100)).0);
        assert_eq!(bound_shown("latency_p95 <= 1s", Level::FIRST, &times(71)), (false, None));
    }
}
