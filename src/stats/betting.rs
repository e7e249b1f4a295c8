//! Evidence by betting: how strongly differences speak against a mean of a given size, as an e-value.
//!
//! For tests that are repeated for ever, where an interval would sooner or later be wrong. An e-value is what a bet
//! against the hypothesis has turned 1 into: its mean is at most 1 where the hypothesis is true, whatever the rows, so
//! that 20 or more has a chance of at most 5 % (the inequality of Markov). Sums of e-values may be taken whatever the
//! dependence between them: see [`Alarm`].

use std::collections::BTreeMap;

/// The stakes among which the capital is divided.
const STAKES: usize = 64;

/// Beyond this e-values say no more, and many of them can still be added.
const MOST: f64 = 1e300;

/// Bets against "the mean is at most θ", for values of at least −1 that come one by one, each with a weight in (0, 1].
///
/// The capital is divided equally among stakes λ in (0, 1/(1 + θ)), and each is multiplied by 1 + λ w (value − θ) at
/// every value: Waudby-Smith and Ramdas (2024), *Estimating means of bounded random variables by betting*, JRSS B 86, 1
/// to 27, with stakes that do not depend on the values. Nothing is asymptotic. For values that are drawn
/// alike, or in a random order, it holds at every value at once: where the mean is at most θ, the chance that the e-value
/// ever reaches 1/α is at most α (the inequality of Ville).
#[derive(Clone, Debug)]
pub(super) struct Bets {
    theta: f64,
    /// Of each stake.
    ln_capital: [f64; STAKES],
}

impl Bets {
    /// Before the first value; θ above −1.
    pub(super) fn against_at_most(theta: f64) -> Self {
        Self { theta, ln_capital: [0.0; STAKES] }
    }

    /// Adds a value that came `count` times.
    pub(super) fn add(&mut self, value: f64, weight: f64, count: f64) {
        let gain = weight * (value - self.theta);
        for (number, ln_capital) in self.ln_capital.iter_mut().enumerate() {
            let stake = (number as f64 + 0.5) / STAKES as f64 / (1.0 + self.theta);
            *ln_capital += count * (stake * gain).ln_1p();
        }
    }

    /// What the capital is now.
    pub(super) fn e_value(&self) -> f64 {
        let sum: f64 = self.ln_capital.iter().map(|ln| ln.exp()).sum();
        (sum / STAKES as f64).min(MOST)
    }
}

/// The e-value against "the mean difference is at least −`margin`"; `margin` in [0, 1), one difference in [−1, 1] for
/// each row.
///
/// The differences with the other sign are bet on to be above the margin (`Bets`). The rows must be independent, but need not be
/// alike: the mean of a product of independent factors is the product of their means, which is at most
/// the power of their mean. Differences that are not numbers count as 0.
#[must_use]
pub fn evidence_of_loss(differences: &[f64], margin: f64) -> f64 {
    let mut counts: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for difference in differences {
        let difference = if difference.is_nan() { 0.0 } else { difference.clamp(-1.0, 1.0) };
        counts.entry(difference.to_bits()).or_insert((difference, 0.0)).1 += 1.0;
    }
    let mut bets = Bets::against_at_most(margin);
    for (difference, count) in counts.values() {
        bets.add(-difference, 1.0, *count);
    }
    bets.e_value()
}

/// The e-value against "the mean difference is 0": half of the capital is bet on a loss, half on a gain.
#[must_use]
pub fn evidence_of_change(differences: &[f64]) -> f64 {
    let gains: Vec<f64> = differences.iter().map(|difference| -difference).collect();
    let (loss, gain) = (evidence_of_loss(differences, 0.0), evidence_of_loss(&gains, 0.0));
    0.5 * loss + 0.5 * gain
}

/// An alarm over repeated checks with a bounded chance of being false.
///
/// The e-values of the checks are added up, and the alarm is raised where the sum reaches checks/level. The sum only
/// grows and its mean over `checks` of them is at most `checks`, so by Markov's inequality the chance
/// that it is reached within them is at most `level`. The dependence between the checks does not matter (all are compared with one record):
/// an average of e-values is one (Vovk and Wang 2021, *E-values: calibration, combination and applications*, Annals of Statistics
/// 49, 1736 to 1754). After an alarm, and after `checks` checks, the sum begins anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    checks: u32,
    level: f64,
    counted: u32,
    sum: f64,
}

impl Alarm {
    /// One that is false in at most `level`, in (0, 1), of all series of so many checks, at least 1.
    #[must_use]
    pub fn new(checks: u32, level: f64) -> Self {
        Self { checks: checks.max(1), level, counted: 0, sum: 0.0 }
    }

    /// What the sum has to reach.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        f64::from(self.checks) / self.level
    }

    /// Adds a check; the share of the way to an alarm, which is 1 or more where it is raised.
    pub fn add(&mut self, e_value: f64) -> f64 {
        self.counted += 1;
        self.sum += e_value;
        let share = self.sum / self.threshold();
        if share >= 1.0 || self.counted >= self.checks {
            (self.counted, self.sum) = (0, 0.0);
        }
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    fn differences(better: usize, worse: usize, rows: usize) -> Vec<f64> {
        let mut all = vec![0.0; rows - better - worse];
        all.extend(vec![1.0; better]);
        all.extend(vec![-1.0; worse]);
        all
    }

    #[test]
    fn bets_by_hand() {
        assert_eq!(evidence_of_loss(&[], 0.02), 1.0, "no row, no bet");
        // The mean of 1 + λ over the stakes: 1.5 for one row that was lost, 0.5 for one that was won.
        assert!((evidence_of_loss(&[-1.0], 0.0) - 1.5).abs() < 1e-12);
        assert!((evidence_of_loss(&[1.0], 0.0) - 0.5).abs() < 1e-12);
        // ∫(1 + λ)ᵐ dλ = (2ᵐ⁺¹ − 1)/(m + 1), by midpoints: 14 losses and nothing else.
        let many = evidence_of_loss(&differences(0, 14, 200), 0.0);
        assert!((many / (f64::from((1 << 15) - 1) / 15.0) - 1.0).abs() < 0.002, "{many}");
        assert_eq!(evidence_of_change(&[1.0]), evidence_of_change(&[-1.0]));
        assert!((evidence_of_change(&[1.0]) - 1.0).abs() < 1e-12);
        assert!(evidence_of_loss(&differences(0, 20, 200), 0.1) < 1.0, "10 points are allowed");
        assert_eq!(evidence_of_loss(&[f64::NAN; 9], 0.0), 1.0);
        assert!(evidence_of_loss(&vec![-1.0; 100_000], 0.0).is_finite());
    }

    #[test]
    fn what_is_added_up_begins_anew_after_an_alarm_and_after_its_checks() {
        let mut alarm = Alarm::new(4, 0.5);
        assert_eq!(alarm.threshold(), 8.0);
        assert_eq!([2.0, 4.0, 2.0, 2.0].map(|e| alarm.add(e)), [0.25, 0.75, 1.0, 0.25]);
        assert_eq!([1.0, 1.0, 1.0, 4.0].map(|e| alarm.add(e)), [0.375, 0.5, 0.625, 0.5]);
    }

    /// The scores of one prompt on some rows, each right with a chance of its own.
    fn scores(chances: &[f64], rng: &mut impl Rng) -> Vec<f64> {
        chances.iter().map(|chance| f64::from(u8::from(rng.random_bool(*chance)))).collect()
    }

    /// At which check, from 1, an alarm over 365 checks is raised, where the prompt loses `lost` at a check; 366: at none.
    /// All checks are compared with one record, and a prompt is exported where its record looked good.
    fn first_alarm(rows: usize, lost: f64, margin: f64, checks: u32, number: u64) -> u32 {
        let mut rng = Seed(17).child("monitor", number).rng();
        let chances: Vec<f64> = (0..rows).map(|_| 0.6 + 0.4 * rng.random::<f64>()).collect();
        let record = loop {
            let record = scores(&chances, &mut rng);
            if record.iter().sum::<f64>() > chances.iter().sum::<f64>() {
                break record;
            }
        };
        let now: Vec<f64> = chances.iter().map(|chance| (chance - lost).max(0.0)).collect();
        let mut alarm = Alarm::new(365, 0.025);
        let raised = (1..=checks).find(|_| {
            let now = scores(&now, &mut rng);
            let differences: Vec<f64> =
                now.iter().zip(&record).map(|(now, then)| now - then).collect();
            alarm.add(evidence_of_loss(&differences, margin)) >= 1.0
        });
        raised.unwrap_or(366)
    }

    /// A year of daily checks of 200 rows with noise: half of the alarms' level is for a loss.
    #[test]
    fn a_year_of_checks_raises_few_false_alarms() {
        let raised = (0..200).filter(|it| first_alarm(200, 0.0, 0.0, 365, *it) <= 365).count();
        // 2.5 % of 200 are allowed.
        assert_eq!(raised, 0);
    }

    /// The figures of `docs/gates.md`: of 40 prompts, those whose loss is found at the first check, within a week and
    /// within 30 days.
    #[test]
    fn a_loss_is_found_within_days() {
        let found = |rows: usize, lost: f64| {
            let days: Vec<u32> = (0..40).map(|it| first_alarm(rows, lost, 0.02, 30, it)).collect();
            [1, 7, 30].map(|within| days.iter().filter(|day| **day <= within).count())
        };
        let all = [(200, 0.1), (200, 0.15), (200, 0.2), (200, 0.3), (500, 0.1), (500, 0.15)];
        let found = all.map(|(rows, lost)| found(rows, lost));
        assert_eq!(
            found,
            [[0, 1, 6], [3, 9, 32], [20, 38, 40], [40, 40, 40], [4, 13, 29], [27, 40, 40]]
        );
        let certain = evidence_of_loss(&differences(0, 24, 200), 0.02);
        assert!(certain >= Alarm::new(365, 0.025).threshold(), "{certain}");
    }
}
