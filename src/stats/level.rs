//! The level at which a claim on held-out rows is tested, where the same rows have served earlier claims, or serve
//! several at once.
//!
//! Not how often rows were looked at, which is counted elsewhere.

use super::normal;
use serde::{Deserialize, Serialize};

/// The chance of a wrong claim that all looks at the same rows have together.
const ALL_LOOKS: f64 = 0.05;
/// The power at which levels are compared.
const POWER: f64 = 0.8;

/// A one-sided level, and which look at the rows it is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The number of the look, from 1.
    #[serde(rename = "number")]
    pub look: u32,
    /// The chance, in (0, 0.025], that a claim which does not hold is called shown.
    #[serde(rename = "level")]
    pub one_sided: f64,
}

impl Level {
    /// The first look at some rows: 2.5 %, the chance beyond one end of a 95 % interval.
    pub const FIRST: Self = Self { look: 1, one_sided: 0.025 };

    /// The k-th look at the same rows, from 1: 5 %/(k(k + 1)), one-sided.
    ///
    /// 1/(k(k + 1)) = 1/k − 1/(k + 1), so that the levels of all looks add up to 5 %, and by the inequality of
    /// Boole no series of them, however long, has a higher chance of any wrong claim. Each level is fixed before
    /// its rows are asked, so that it does not matter why the look is taken (alpha spending: Lan and DeMets 1983).
    #[must_use]
    pub fn of_look(look: u32) -> Self {
        let look = look.max(1);
        let k = f64::from(look);
        Self { look, one_sided: ALL_LOOKS / (k * (k + 1.0)) }
    }

    /// Its share where this number of claims, at least 1, are tested at once.
    #[must_use]
    pub fn shared_by(self, claims: usize) -> Self {
        Self { one_sided: self.one_sided / claims.max(1) as f64, ..self }
    }

    /// Whether it is a whole first look, for which a 95 % interval decides.
    #[must_use]
    pub fn is_first(self) -> bool {
        self == Self::FIRST
    }

    /// How many rows this level needs for each row that a first look needs, at 80 % power: the squares of
    /// Φ⁻¹(1 − α) + Φ⁻¹(0.8), compared. From 1.
    #[must_use]
    pub fn sample_size_ratio(self) -> f64 {
        let deviations = |level: f64| normal::quantile(1.0 - level) + normal::quantile(POWER);
        (deviations(self.one_sided) / deviations(Self::FIRST.one_sided)).powi(2)
    }

    /// As how many rows of a first look this number of rows counts, rounded down.
    #[must_use]
    pub fn first_look_rows(self, rows: usize) -> usize {
        (rows as f64 / self.sample_size_ratio() + 1e-9) as usize
    }

    /// Whether the rows have done their work: half as many fresh ones would show as much.
    #[must_use]
    pub fn asks_for_fresh_rows(self) -> bool {
        self.sample_size_ratio() >= 2.0
    }

    /// In percent, with two digits that say something.
    #[must_use]
    pub fn in_percent(self) -> String {
        let percent = self.one_sided * 100.0;
        let digits = (1.0 - percent.log10().floor()).clamp(1.0, 8.0) as usize;
        format!("{percent:.digits$} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_of_all_looks_add_up_to_five_percent() {
        assert_eq!(Level::of_look(1), Level::FIRST);
        assert!(Level::of_look(1).is_first() && !Level::of_look(1).shared_by(2).is_first());
        assert_eq!(Level::of_look(2).one_sided, 0.05 / 6.0);
        assert_eq!(Level::of_look(0), Level::FIRST);
        let all: f64 = (1..10_000).map(|look| Level::of_look(look).one_sided).sum();
        assert!((0.0499..=0.05).contains(&all), "{all}");
        let shown = [1, 2, 3, 9].map(|look| Level::of_look(look).in_percent());
        assert_eq!(shown, ["2.5 %", "0.83 %", "0.42 %", "0.056 %"]);
        assert_eq!(Level::of_look(u32::MAX).shared_by(5).look, u32::MAX);
    }

    /// (3.236 / 2.802)² = 1.334 for the second look, by hand.
    #[test]
    fn a_later_look_needs_more_rows_and_the_seventh_twice_as_many() {
        assert_eq!(Level::FIRST.sample_size_ratio(), 1.0);
        assert!((Level::of_look(2).sample_size_ratio() - 1.334).abs() < 1e-3);
        let fresh: Vec<u32> =
            (1..12).filter(|look| Level::of_look(*look).asks_for_fresh_rows()).collect();
        assert_eq!(fresh, [7, 8, 9, 10, 11]);
        assert_eq!(
            [Level::FIRST, Level::of_look(2)].map(|level| level.first_look_rows(200)),
            [200, 149]
        );
    }
}
