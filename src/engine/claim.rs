//! What the goal claims of the winner, and whether held-out rows show it.
//!
//! Not which rows are asked, which is `confirmation`'s, nor how it is told, which is the reports'.

use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use crate::stats::interval::{of_amounts, of_amounts_beyond};
use crate::stats::{Interval, PairedTest, interval, margin, paired};
use crate::task::example::Split;
use crate::task::goal::{Claim, Goal};
use serde::{Deserialize, Serialize};

/// With fewer held-out rows nothing is called confirmed.
pub const MIN_HOLD_ROWS: usize = 30;
/// The level of the one-sided test of superiority, and what all looks at the same held-out rows have together.
const ALPHA: f64 = 0.05;

/// The one-sided level of the k-th claim on the same held-out rows: 5 % / (k (k + 1)), so that all of them
/// together have 5 %. The first has the 2.5 % of a 95 % interval's end.
#[must_use]
pub fn level_of(look: u32) -> f64 {
    let look = f64::from(look.max(1));
    ALPHA / (look * (look + 1.0))
}

/// One held-out row that winner and baseline both have a score for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOutRow {
    /// The winner's score, in [0, 1].
    pub winner: f64,
    /// The baseline's.
    pub baseline: f64,
    /// What 1,000 such calls cost in dollars, of winner and baseline.
    pub usd_per_1k: Option<(f64, f64)>,
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claimed {
    /// What it says.
    #[serde(flatten)]
    pub claim: Claim,
    /// Whether the rows show it.
    pub shown: bool,
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
pub fn confirmed(state: &State, goal: Goal, seed: Seed) -> Option<Confirmed> {
    let (winner, _, _) = state.winner?;
    let (mine, theirs) = (state.standing(winner), state.baseline());
    let usd = |row: RowIx| {
        let of = |usd: &crate::units::Usd| usd.dollars() * 1_000.0;
        Some((mine.hold_usd.get(&row).map(of)?, theirs.hold_usd.get(&row).map(of)?))
    };
    let cells =
        mine.column(Split::Hold, 0).cells().iter().zip(theirs.column(Split::Hold, 0).cells());
    let rows: Vec<HeldOutRow> = (0..)
        .map(RowIx)
        .zip(cells)
        .filter_map(|(row, (mine, theirs))| {
            let (winner, baseline) = (mine.score()?, theirs.score()?);
            Some(HeldOutRow { winner, baseline, usd_per_1k: usd(row) })
        })
        .collect();
    let is_changed = winner != CandidateIx::BASELINE;
    let (look, seed) = (state.look(), seed.child("hold", 0));
    (!rows.is_empty()).then(|| Confirmed::of(goal, &rows, is_changed, look, seed))
}

impl Confirmed {
    /// Evaluates the rows of winner and baseline; `is_changed`: the winner is another prompt than the baseline;
    /// `look`: the number of this look at the rows, from 1.
    #[must_use]
    pub fn of(goal: Goal, rows: &[HeldOutRow], is_changed: bool, look: u32, seed: Seed) -> Self {
        let mine: Vec<f64> = rows.iter().map(|row| row.winner).collect();
        let theirs: Vec<f64> = rows.iter().map(|row| row.baseline).collect();
        let baseline = interval::of_scores(&theirs, seed.child("seed", 0));
        // A baseline that is shown to miss what the goal asks is no bar for the cost.
        let is_bar = baseline.is_none_or(|it| goal.is_kept_by_baseline(it.high));
        let mut claims = goal.claims();
        claims.retain(|claim| *claim != Claim::Cheaper || is_bar);
        let winner = interval::of_scores(&mine, seed.child("winner", 0));
        let gain = is_changed.then(|| gain(&claims, rows, &mine, seed)).flatten();
        let cost = is_changed.then(|| cost(rows, seed)).flatten();
        // Answers that were served from the journal have no cost of their own.
        let known_cost = cost.filter(|cost| cost.saving.n >= MIN_HOLD_ROWS);
        // A later look is held to its own level too.
        let is_later = look > 1;
        let passes = |test: PairedTest| !is_later || test.p_value <= level_of(look);
        let (best, saving) = match is_later && is_changed {
            true => cost_beyond(rows, level_of(look), seed),
            false => (cost.map(|cost| cost.best), cost.map(|cost| cost.saving)),
        };
        let shows = |claim: &Claim| match *claim {
            Claim::Better => gain.is_some_and(|(gain, test)| {
                test.p_value <= ALPHA && gain.low > 0.0 && passes(test)
            }),
            Claim::NotWorse { margin } => {
                gain.is_some_and(|(gain, test)| gain.low > -margin && passes(test))
            }
            Claim::QualityAtLeast { quality } => {
                winner.is_some_and(|it| it.low >= quality)
                    && gain.is_some_and(|(_, test)| passes(test))
            }
            Claim::Cheaper => known_cost.and(saving).is_some_and(|saving| saving.low > 0.0),
            Claim::CostAtMost { usd_per_1k } => {
                known_cost.and(best).is_some_and(|best| best.high <= usd_per_1k + 1e-12)
            }
        };
        let claimed = |claim| Claimed { claim, shown: is_changed && shows(&claim) };
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

/// The gain, and the test of what is claimed of the quality.
fn gain(
    claims: &[Claim],
    rows: &[HeldOutRow],
    winner: &[f64],
    seed: Seed,
) -> Option<(Interval, PairedTest)> {
    let differences: Vec<f64> = rows.iter().map(|row| row.winner - row.baseline).collect();
    let scores = rows.iter().flat_map(|row| [row.winner, row.baseline]);
    let is_binary = scores.into_iter().all(|score| score == 0.0 || score == 1.0);
    let seed_of_test = seed.child("test", 0);
    let test = claims.iter().find_map(|claim| match *claim {
        Claim::NotWorse { margin } => {
            Some(margin::non_inferiority(&differences, margin, seed_of_test))
        }
        Claim::QualityAtLeast { quality } => {
            Some(margin::above_level(winner, quality, seed_of_test))
        }
        Claim::Better | Claim::Cheaper | Claim::CostAtMost { .. } => None,
    });
    let test = test.unwrap_or_else(|| paired::test(&differences, is_binary, seed_of_test));
    Some((interval::of_differences(&differences, seed.child("gain", 0))?, test))
}

/// What the calls of winner and baseline cost on the rows that both were paid for, and what is saved.
fn costs(rows: &[HeldOutRow]) -> [Vec<f64>; 3] {
    let (mine, theirs): (Vec<f64>, Vec<f64>) = rows.iter().filter_map(|row| row.usd_per_1k).unzip();
    let savings = mine.iter().zip(&theirs).map(|(mine, theirs)| theirs - mine).collect();
    [mine, theirs, savings]
}

/// What the winner's calls cost and what they save, with this chance beyond each end.
fn cost_beyond(
    rows: &[HeldOutRow],
    chance: f64,
    seed: Seed,
) -> (Option<Interval>, Option<Interval>) {
    let [mine, _, savings] = costs(rows);
    let best = of_amounts_beyond(&mine, chance, seed.child("cost", 0));
    (best, of_amounts_beyond(&savings, chance, seed.child("saving", 0)))
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
                    usd_per_1k: Some((mine * length, theirs * length)),
                }
            })
            .collect()
    }

    fn shown(rule: &str, rows: &[HeldOutRow]) -> (Vec<bool>, bool) {
        let confirmed = Confirmed::of(Goal::parse(rule).unwrap(), rows, true, 1, Seed(1));
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
        assert_eq!([level_of(1), level_of(2)], [0.025, 0.05 / 6.0]);
        let all: f64 = (1..10_000).map(level_of).sum();
        assert!((0.0499..=0.05).contains(&all), "all looks together have 5 %: {all}");
        let is_shown = |rule: &str, rows: &[HeldOutRow], look| {
            Confirmed::of(Goal::parse(rule).unwrap(), rows, true, look, Seed(1)).is_shown
        };
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
        }
    }

    #[test]
    fn nothing_is_shown_on_few_rows_or_of_the_baseline_itself() {
        let few = rows(29, (29, 0), (0.2, 0.4));
        assert_eq!(shown("max quality", &few), (vec![true], false));
        let many = rows(400, (60, 10), (0.2, 0.1));
        let goal = Goal::parse("max quality").unwrap();
        let same = Confirmed::of(goal, &many, false, 1, Seed(1));
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
}
