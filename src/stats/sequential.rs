//! Two prompts on rows that come one by one: whether one of them is better, or neither by more than a margin.
//!
//! Right at every row at once, so that it may be looked at after each of them, and asking may stop when something is
//! decided. Rows are drawn alike, and the claim is about what they are drawn from; a sample may be gone through in any
//! order that its values do not choose. Not for a number of rows that was agreed before, where
//! `paired` and `interval` show more.

use super::betting::Bets;
use super::interval::Interval;
use super::weighted::{self, Weighted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Halvings of the range of a difference: its ends are found to 2⁻³⁰.
const HALVINGS: usize = 30;

/// What is decided about the second of two prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Its mean score is higher.
    Better,
    /// Its mean score is lower.
    Worse,
    /// Their mean scores differ by less than the margin.
    Same,
    /// Nothing.
    Open,
}

/// E-values: how strongly the rows speak for each claim. One that does not hold ever reaches 1/α with a chance of at
/// most α.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EValues {
    /// For "better".
    pub better: f64,
    /// For "worse".
    pub worse: f64,
    /// For "the same within the margin": the smaller one of "not worse" and "not better" by the margin. `None` without a margin.
    pub same: Option<f64>,
}

/// A test of paired rows that is decided where an e-value reaches 1/level.
///
/// Four one-sided bets (`Bets`): that the mean difference is above 0, that it is below 0, and, for the margin, that it
/// is above −margin and below +margin, which both have to be won (two one-sided tests: Schuirmann 1987). Where the
/// difference is 0 only the first two claims are wrong, where it is beyond the margin one of the first two and one of the last
/// two, so that the chance of any wrong decision is at most twice the level: 5 % at 2.5 %.
#[derive(Clone, Debug)]
pub struct SequentialTest {
    /// One-sided.
    level: f64,
    margin: Option<f64>,
    /// No row weighs more.
    heaviest: f64,
    better: Bets,
    worse: Bets,
    not_worse: Bets,
    not_better: Bets,
    rows: Vec<Weighted>,
    decided: Option<(Decision, usize)>,
}

impl SequentialTest {
    /// Before the first row. `level` is one-sided, in (0, 1); `margin` in (0, 1); no row weighs more than `heaviest`, above 0, which is
    /// known before.
    #[must_use]
    pub fn new(level: f64, margin: Option<f64>, heaviest: f64) -> Self {
        let edge = margin.unwrap_or_default();
        Self {
            level,
            margin,
            heaviest,
            better: Bets::against_at_most(0.0),
            worse: Bets::against_at_most(0.0),
            not_worse: Bets::against_at_most(-edge),
            not_better: Bets::against_at_most(-edge),
            rows: Vec::new(),
            decided: None,
        }
    }

    /// Adds the next row: the second prompt's score less the first one's, in [−1, 1], and its weight. What is decided
    /// stays decided.
    pub fn add(&mut self, difference: f64, weight: f64) -> Decision {
        let weight_share = (weight / self.heaviest).clamp(0.0, 1.0);
        self.rows.push(Weighted { value: difference, weight });
        self.better.add(difference, weight_share, 1.0);
        self.worse.add(-difference, weight_share, 1.0);
        if self.margin.is_some() {
            self.not_worse.add(difference, weight_share, 1.0);
            self.not_better.add(-difference, weight_share, 1.0);
        }
        if self.decided.is_none() {
            let e_values = self.e_values();
            let needed = 1.0 / self.level;
            let decision = if e_values.better >= needed {
                Some(Decision::Better)
            } else if e_values.worse >= needed {
                Some(Decision::Worse)
            } else {
                e_values.same.filter(|e_value| *e_value >= needed).map(|_| Decision::Same)
            };
            self.decided = decision.map(|decision| (decision, self.rows.len()));
        }
        self.decision()
    }

    /// What was decided.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decided.map_or(Decision::Open, |(decision, _)| decision)
    }

    /// After how many rows it was decided; `None` where it is open.
    #[must_use]
    pub fn decided_after(&self) -> Option<usize> {
        self.decided.map(|(_, rows)| rows)
    }

    /// After the last row.
    #[must_use]
    pub fn e_values(&self) -> EValues {
        let same = self.not_worse.e_value().min(self.not_better.e_value());
        EValues {
            better: self.better.e_value(),
            worse: self.worse.e_value(),
            same: self.margin.map(|_| same),
        }
    }

    /// The mean difference with an interval: with a chance of at most twice the level the truth is beyond it after any number of
    /// rows. `None` without rows.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        of_rows(&self.rows, self.heaviest, self.level)
    }
}

/// The mean of paired differences with an interval that is right at any number of rows at once: the means that bets
/// against them, from below and from above, do not refute at the one-sided level. `None` without rows.
#[must_use]
pub fn of_rows(rows: &[Weighted], heaviest: f64, level: f64) -> Option<Interval> {
    if rows.is_empty() {
        return None;
    }
    let mut counts: BTreeMap<(u64, u64), (f64, f64, f64)> = BTreeMap::new();
    for row in rows {
        let share = (row.weight / heaviest).clamp(0.0, 1.0);
        let key = (row.value.to_bits(), share.to_bits());
        counts.entry(key).or_insert((row.value, share, 0.0)).2 += 1.0;
    }
    // The end on one side: the furthest mean that is refuted. The e-value falls as the mean nears the observed one.
    let end = |sign: f64| {
        let is_refuted = |theta: f64| {
            let mut bets = Bets::against_at_most(theta);
            counts
                .values()
                .for_each(|(value, share, count)| bets.add(sign * value, *share, *count));
            bets.e_value() >= 1.0 / level
        };
        let (mut refuted, mut open) = (-1.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(refuted, open);
            if is_refuted(middle) { refuted = middle } else { open = middle }
        }
        sign * refuted
    };
    Some(Interval::around(weighted::mean(rows), (end(1.0), end(-1.0)), rows.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::Rng;

    const LEVEL: f64 = 0.025;

    fn after(rows: &[f64], margin: Option<f64>) -> SequentialTest {
        let mut test = SequentialTest::new(LEVEL, margin, 1.0);
        for row in rows {
            test.add(*row, 1.0);
        }
        test
    }

    #[test]
    fn decisions_by_hand() {
        // The e-value of n wins and nothing else is (2ⁿ⁺¹ − 1)/(n + 1): 31.9 for 7, 56.8 for 8.
        let test = after(&[1.0; 12], None);
        assert_eq!((test.decision(), test.decided_after()), (Decision::Better, Some(8)));
        let e_value = after(&[1.0; 7], None).e_values().better;
        assert!((e_value / (255.0 / 8.0) - 1.0).abs() < 0.01, "{e_value}");
        assert_eq!(after(&[-1.0; 12], Some(0.1)).decision(), Decision::Worse);
        // What is decided stays decided, whatever comes after it.
        let mut rows = vec![1.0; 8];
        rows.extend([-1.0; 40]);
        assert_eq!(after(&rows, None).decision(), Decision::Better);
        // Rows on which both are alike say nothing of who is better, and much of a margin.
        let alike = after(&[0.0; 400], Some(0.05));
        assert_eq!(alike.decision(), Decision::Same);
        assert_eq!(alike.e_values().better, 1.0);
        assert_eq!(after(&[0.0; 400], None).decision(), Decision::Open);
        assert_eq!(after(&[], Some(0.1)).interval(), None);
    }

    #[test]
    fn a_row_that_weighs_more_counts_more() {
        let test = |heavy: f64, light: f64| {
            let mut test = SequentialTest::new(LEVEL, None, 4.0);
            for row in 0..200 {
                let (row, weight) = if row % 2 == 0 { (heavy, 4.0) } else { (light, 1.0) };
                test.add(row, weight);
            }
            test
        };
        let mixed = test(1.0, -1.0);
        assert_eq!(mixed.decision(), Decision::Better);
        let interval = mixed.interval().unwrap();
        assert!((interval.mean - 0.6).abs() < 1e-12 && interval.low > 0.0, "{interval:?}");
    }

    proptest! {
        #[test]
        fn a_decision_and_the_interval_agree(
            rows in prop::collection::vec(-1i8..=1, 1..150), margin in 0.02f64..0.5,
        ) {
            let rows: Vec<f64> = rows.into_iter().map(f64::from).collect();
            let mut test = SequentialTest::new(LEVEL, Some(margin), 1.0);
            for row in rows {
                if test.add(row, 1.0) != Decision::Open {
                    break;
                }
            }
            let interval = test.interval().unwrap();
            prop_assert!(interval.low <= interval.mean && interval.mean <= interval.high);
            match test.decision() {
                Decision::Better => prop_assert!(interval.low > -1e-6, "{interval:?}"),
                Decision::Worse => prop_assert!(interval.high < 1e-6, "{interval:?}"),
                Decision::Same => {
                    prop_assert!(interval.low > -margin - 1e-6 && interval.high < margin + 1e-6);
                }
                Decision::Open => {
                    prop_assert!(interval.low < 1e-6 && interval.high > -1e-6, "{interval:?}");
                }
            }
        }
    }

    /// The shares of series of 1,000 rows, looked at after each, that are decided wrongly, and that are decided. A fifth of the
    /// rows differ.
    fn decided(difference: f64, is_wrong: impl Fn(Decision) -> bool) -> [f64; 2] {
        let (series, mut wrong, mut decided) = (400, 0, 0);
        for number in 0..series {
            let mut rng = Seed(11).child("series", number).rng();
            let mut test = SequentialTest::new(LEVEL, Some(0.1), 1.0);
            for _ in 0..1_000 {
                let chance: f64 = rng.random();
                let won = f64::midpoint(0.2, difference);
                let row = if chance < won {
                    1.0
                } else if chance < 0.2 {
                    -1.0
                } else {
                    0.0
                };
                test.add(row, 1.0);
            }
            wrong += u32::from(is_wrong(test.decision()));
            decided += u32::from(test.decision() != Decision::Open);
        }
        [wrong, decided].map(|count| f64::from(count) / series as f64)
    }

    #[test]
    fn looking_after_every_row_is_wrong_as_rarely_as_promised() {
        let differs = |it| matches!(it, Decision::Better | Decision::Worse);
        // 5 % and three standard deviations of 400 series.
        let most = 0.083;
        let [wrong, is_decided] = decided(0.0, differs);
        assert!(wrong <= most && is_decided > 0.9, "{wrong} {is_decided}");
        // At the edge of the margin "the same" is wrong.
        let [wrong, is_decided] = decided(0.1, |it| it != Decision::Better && it != Decision::Open);
        assert!(wrong <= most && is_decided > 0.9, "{wrong} {is_decided}");
    }
}
