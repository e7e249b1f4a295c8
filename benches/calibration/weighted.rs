//! Rows of unequal weight: how often intervals and the test of a gain are wrong.

use super::text_table::Table;
use super::{mean, percent};
use promptsearch::seed::Seed;
use promptsearch::stats::Level;
use promptsearch::stats::weighted::{Weighted, of_differences, of_scores, superiority};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};

const ROWS: usize = 150;
/// The spread of the weights' logarithms.
const SIGMAS: [f64; 3] = [0.4, 0.8, 1.2];

/// How the values of rows depend on their weights. The share of all weight that is in weights above 1 is `heavy`.
#[derive(Clone, Copy)]
enum World {
    /// Differences that do not: as many won as lost.
    Independent,
    /// Heavy rows lose and light rows win, so that the mean is 0.
    Opposed,
    /// Scores: heavy rows are right in 70 %, light ones in 90 %.
    Scores,
}

impl World {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Independent, "differences that do not depend on the weight"),
        (Self::Opposed, "heavy rows lose, light rows win"),
        (Self::Scores, "scores, heavy rows are right less often"),
    ];

    fn value(self, is_heavy: bool, heavy: f64, chance: f64) -> f64 {
        match self {
            Self::Independent if chance < 0.1 => 1.0,
            Self::Independent if chance < 0.2 => -1.0,
            Self::Independent => 0.0,
            Self::Opposed if is_heavy => -f64::from(u8::from(chance < 0.1)),
            Self::Opposed => f64::from(u8::from(chance < 0.1 * heavy / (1.0 - heavy))),
            Self::Scores => f64::from(u8::from(chance < if is_heavy { 0.7 } else { 0.9 })),
        }
    }

    fn truth(self, heavy: f64) -> f64 {
        match self {
            Self::Independent | Self::Opposed => 0.0,
            Self::Scores => 0.7 * heavy + 0.9 * (1.0 - heavy),
        }
    }
}

pub(crate) fn table(draws: u32) -> Table {
    let head = ["rows", "sigma", "low end above", "high end below", "test at 5 %"];
    let mut rows = Vec::new();
    for (world, name) in World::ALL {
        for sigma in SIGMAS {
            let heavy = Normal::standard().cdf(sigma);
            let drawn = |seed: Seed| -> Vec<Weighted> {
                let mut rng = seed.rng();
                let mut row = || {
                    let normal: f64 = StandardNormal.sample(&mut rng);
                    let weight = (sigma * normal).exp();
                    let value = world.value(weight > 1.0, heavy, rng.random());
                    Weighted { value, weight }
                };
                (0..ROWS).map(|_| row()).collect()
            };
            let share = |is_wrong: &(dyn Fn(&[Weighted]) -> bool + Sync)| {
                percent(mean(draws, Seed(9), |seed| u32::from(is_wrong(&drawn(seed)))))
            };
            let is_score = matches!(world, World::Scores);
            let interval = |rows: &[Weighted]| {
                if is_score { of_scores(rows, Seed(1)) } else { of_differences(rows, Seed(1)) }
            };
            let truth = world.truth(heavy);
            rows.push(vec![
                name.to_owned(),
                format!("{sigma}"),
                share(&|rows| interval(rows).is_some_and(|it| it.low > truth)),
                share(&|rows| interval(rows).is_some_and(|it| it.high < truth)),
                match is_score {
                    true => "–".to_owned(),
                    false => share(&|rows| {
                        superiority(rows, true, Level::FIRST, Seed(1)).p_value <= 0.05
                    }),
                },
            ]);
        }
    }
    Table {
        title: format!(
            "Rows with log-normal weights: wrong in percent of {draws} draws of {ROWS} rows"
        ),
        head: head.map(str::to_owned).into(),
        rows,
        notes: Vec::new(),
    }
}
