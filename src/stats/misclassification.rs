//! Shares that a fallible judge counted, corrected for its errors.
//!
//! The errors are known from a sample that a person judged as well. What is corrected is a share, or the difference of two,
//! for errors that do not depend on who is judged; not a single verdict.

use super::interval::{Interval, wilson};
use super::level::Level;
use super::normal;
use serde::{Deserialize, Serialize};

/// How often a judge is right, from things that a person judged as well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// The share of good things that it calls good.
    pub sensitivity: Interval,
    /// The share of bad things that it calls bad.
    pub specificity: Interval,
}

impl Rates {
    /// Of pairs: what the judge says, and what is so. With 95 % intervals of Wilson. `None` unless there are good and
    /// bad things.
    #[must_use]
    pub fn of(pairs: &[(bool, bool)]) -> Option<Self> {
        let of = |truth: bool| {
            let said = pairs.iter().filter(|(_, is_so)| *is_so == truth).map(|(said, _)| *said);
            let (mut right, mut all) = (0, 0);
            for said in said {
                right += usize::from(said == truth);
                all += 1;
            }
            wilson(right, all)
        };
        Some(Self { sensitivity: of(true)?, specificity: of(false)? })
    }

    /// Youden's index: the sensitivity and the specificity less 1 (Youden 1950). A difference of two shares is as much smaller
    /// in the judge's eyes. With a 95 % interval from those of both (MOVER: Zou and Donner 2008). In [−1, 1].
    #[must_use]
    pub fn youden(&self) -> Interval {
        let Self { sensitivity: one, specificity: other } = self;
        let mean = one.mean + other.mean - 1.0;
        let below = (one.mean - one.low).hypot(other.mean - other.low);
        let above = (one.high - one.mean).hypot(other.high - other.mean);
        Interval { mean, low: mean - below, high: mean + above, n: one.n + other.n }
    }

    /// The share of good things, where the judge calls `good` of `all` good; in [0, 1]. `None` where there are none, or
    /// it is not shown that the judge knows good from bad: the interval of [`youden`](Self::youden) reaches 0.
    ///
    /// (q + Sp − 1)/(Se + Sp − 1) for the share q that it calls good, the sensitivity Se and the specificity Sp (Rogan
    /// and Gladen 1978), with the 95 % interval of Lang and Reiczigel (2014, *Preventive Veterinary Medicine* 113, section
    /// 2.2), which allows for the sampling errors of all three.
    #[must_use]
    pub fn share(&self, good: usize, all: usize) -> Option<Interval> {
        if all == 0 || good > all || self.youden().low <= 0.0 {
            return None;
        }
        let z = normal::quantile(1.0 - Level::FIRST.one_sided);
        // Each share is drawn to the middle by some observations, and has as many more.
        let adjusted =
            |share: f64, n: f64, added: f64| ((share * n + added / 2.0) / (n + added), n + added);
        let counted = |rate: &Interval| adjusted(rate.mean, rate.n as f64, 2.0);
        let ((se, of_good), (sp, of_bad)) =
            (counted(&self.sensitivity), counted(&self.specificity));
        let (q, n) = adjusted(good as f64 / all as f64, all as f64, z * z);
        let youden = se + sp - 1.0;
        let share = (q + sp - 1.0) / youden;
        let (of_se, of_sp) = (se * (1.0 - se) / of_good, sp * (1.0 - sp) / of_bad);
        let shift = 2.0 * z * z * (share * of_se - (1.0 - share) * of_sp);
        let variance = q * (1.0 - q) / n + share * share * of_se + (1.0 - share).powi(2) * of_sp;
        let half = z * variance.sqrt() / youden;
        let mean = (good as f64 / all as f64 + self.specificity.mean - 1.0) / self.youden().mean;
        let inside = |share: f64| share.clamp(0.0, 1.0);
        let ends = (inside(share + shift - half), inside(share + shift + half));
        Some(Interval::around(inside(mean), ends, all))
    }

    /// The difference of two shares of good things, where the judge sees this one, which has a 95 % interval. `None` as for
    /// [`share`](Self::share), or where the index may be twice what was measured.
    ///
    /// The difference over [`youden`](Self::youden), because errors alike on both sides shrink it by this factor; with the
    /// 95 % interval of a ratio of independent estimates (MOVER-R: Donner and Zou 2012, equations 8 and 9).
    #[must_use]
    pub fn difference(&self, seen: Interval) -> Option<Interval> {
        let youden = self.youden();
        if youden.low <= 0.0 || youden.high >= 2.0 * youden.mean {
            return None;
        }
        let both = seen.mean * youden.mean;
        let end = |seen_end: f64, of_youden: f64, sign: f64| {
            let scale = of_youden * (2.0 * youden.mean - of_youden);
            let within = seen_end * (2.0 * seen.mean - seen_end) * scale;
            (both + sign * (both * both - within).max(0.0).sqrt()) / scale
        };
        // A difference below 0 is furthest from it where the judge is worse than it seems, one above 0 nearest where it is
        // better: the outer ones of both.
        let low = end(seen.low, youden.high, -1.0).min(end(seen.low, youden.low, -1.0));
        let high = end(seen.high, youden.low, 1.0).max(end(seen.high, youden.high, 1.0));
        let ends = (low, high);
        let inside = |it: f64| it.clamp(-1.0, 1.0);
        let mean = inside(seen.mean / youden.mean);
        Some(Interval::around(mean, (inside(ends.0), inside(ends.1)), seen.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    fn rates(good: (usize, usize), bad: (usize, usize)) -> Rates {
        let sensitivity = wilson(good.0, good.1).unwrap();
        Rates { sensitivity, specificity: wilson(bad.0, bad.1).unwrap() }
    }

    #[test]
    fn rates_are_those_of_the_table() {
        let pairs = [(true, true), (true, true), (false, true), (true, false), (false, false)];
        let found = Rates::of(&pairs).unwrap();
        assert!((found.sensitivity.mean - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((found.specificity.mean, found.specificity.n), (0.5, 2));
        assert_eq!(Rates::of(&pairs[..3]), None, "nothing bad");
    }

    #[test]
    fn a_judge_without_errors_changes_nothing_and_one_that_guesses_says_nothing() {
        let perfect = rates((100_000, 100_000), (100_000, 100_000));
        let share = perfect.share(60, 200).unwrap();
        let plain = wilson(60, 200).unwrap();
        assert!((share.mean - 0.3).abs() < 1e-9);
        assert!((share.low - plain.low).abs() < 0.01 && (share.high - plain.high).abs() < 0.01);
        assert_eq!(rates((50, 100), (50, 100)).share(60, 200), None);
        assert_eq!(rates((6, 10), (7, 10)).share(60, 200), None, "too few to know");
        assert_eq!(perfect.share(0, 0), None);
        let seen = Interval { mean: 0.1, low: 0.04, high: 0.16, n: 200 };
        let difference = perfect.difference(seen).unwrap();
        assert!((difference.low - 0.04).abs() < 1e-3 && (difference.high - 0.16).abs() < 1e-3);
    }

    #[test]
    fn the_correction_by_hand() {
        // 0.41 = p · 0.8 + (1 − p) · 0.1 for p = 0.31/0.7.
        let judge = rates((160, 200), (180, 200));
        let share = judge.share(410, 1_000).unwrap();
        assert!((share.mean - 0.31 / 0.7).abs() < 1e-12, "{share:?}");
        let narrow = rates((16_000, 20_000), (18_000, 20_000)).share(410, 1_000).unwrap();
        assert!(narrow.high - narrow.low < share.high - share.low);
        let seen = Interval { mean: 0.07, low: 0.02, high: 0.12, n: 1_000 };
        let difference = judge.difference(seen).unwrap();
        assert!((difference.mean - 0.1).abs() < 1e-12);
        // At least as wide as with a factor that is known.
        assert!(difference.low < 0.02 / 0.7 && difference.high > 0.12 / 0.7);
        let turned = Interval { mean: -0.07, low: -0.12, high: -0.02, n: 1_000 };
        let turned = judge.difference(turned).unwrap();
        assert!((turned.low + difference.high).abs() < 1e-12);
    }

    /// A judge whose errors are known is certified on some things, and judges others: how often the intervals of the share
    /// and of the difference of two prompts hold the truth.
    #[test]
    fn intervals_hold_the_truth() {
        let (se, sp) = (0.85, 0.9);
        let mut rng = Seed(3).rng();
        let (mut shares, mut differences, rounds) = (0, 0, 600);
        for _ in 0..rounds {
            let mut says = |is_good: bool| rng.random_bool(if is_good { se } else { 1.0 - sp });
            let certified: Vec<(bool, bool)> =
                (0..200).map(|number| number % 3 > 0).map(|is_so| (says(is_so), is_so)).collect();
            let rates = Rates::of(&certified).unwrap();
            let (n, p, better) = (500, 0.7, 0.1);
            let truths: Vec<[bool; 2]> = (0..n)
                .map(|_| {
                    let draw: f64 = rng.random();
                    [draw < p, draw < p + better]
                })
                .collect();
            let mut says = |is_good: bool| rng.random_bool(if is_good { se } else { 1.0 - sp });
            let judged: Vec<[bool; 2]> = truths.iter().map(|row| row.map(&mut says)).collect();
            let good = judged.iter().filter(|row| row[0]).count();
            let share = rates.share(good, n).unwrap();
            shares += u32::from(share.low <= p && p <= share.high);
            let wins = judged.iter().filter(|row| row[1] && !row[0]).count();
            let losses = judged.iter().filter(|row| row[0] && !row[1]).count();
            let seen = super::super::interval::tango(wins, losses, n).unwrap();
            let found = rates.difference(seen).unwrap();
            differences += u32::from(found.low <= better && better <= found.high);
        }
        for held in [shares, differences] {
            assert!((552..=594).contains(&held), "{shares} and {differences} of {rounds}");
        }
    }

    /// How often the plain interval and the corrected one hold the share of good answers, by what the judge is and by how
    /// many labels it was compared with: the table of `docs/statistics.md`.
    #[test]
    fn corrected_shares_hold_the_truth_and_plain_ones_do_not() {
        let mut table = String::new();
        for (se, sp) in [(0.95, 0.95), (0.95, 0.8), (0.8, 0.8)] {
            for labels in [50, 100, 200, 500] {
                let mut rng = Seed(11).child("labels", labels).rng();
                let (p, n, rounds) = (0.7, 500, 1_000);
                let (mut plain, mut corrected, mut unknown, mut width) = (0, 0, 0, 0.0);
                for _ in 0..rounds {
                    let mut says =
                        |is_good: bool| rng.random_bool(if is_good { se } else { 1.0 - sp });
                    let certified: Vec<(bool, bool)> =
                        (0..labels).map(|number| number % 2 > 0).map(|it| (says(it), it)).collect();
                    let truths: Vec<bool> = (0..n).map(|_| rng.random_bool(p)).collect();
                    let mut says =
                        |is_good: bool| rng.random_bool(if is_good { se } else { 1.0 - sp });
                    let good = truths.iter().filter(|truth| says(**truth)).count();
                    let seen = wilson(good, n).unwrap();
                    plain += u32::from(seen.low <= p && p <= seen.high);
                    match Rates::of(&certified).and_then(|rates| rates.share(good, n)) {
                        None => unknown += 1,
                        Some(share) => {
                            corrected += u32::from(share.low <= p && p <= share.high);
                            width += share.high - share.low;
                        }
                    }
                }
                let known = f64::from(rounds - unknown);
                let held = f64::from(corrected) / known;
                assert!(held > 0.93, "{se}, {sp}, {labels} labels: {held}");
                table.push_str(&format!(
                    "{se} {sp} {labels}: plain {:.1} %, corrected {:.1} %, width {:.3}, unknown {unknown}\n",
                    f64::from(plain) / f64::from(rounds) * 100.0,
                    held * 100.0,
                    width / known
                ));
            }
        }
        insta::assert_snapshot!(table);
    }
}
