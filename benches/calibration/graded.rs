//! Graded scores: how often a gain, or a margin, is called shown whose truth is the edge of the claim.

use super::text_table::Table;
use super::{percent, share};
use promptsearch::seed::Seed;
use promptsearch::stats::Level;
use promptsearch::stats::weighted::{Weighted, non_inferiority, of_differences, superiority};
use rand::Rng;

const ROWS: [usize; 3] = [60, 200, 400];
const MARGIN: f64 = 0.02;

/// Differences of graded scores with mean 0.
#[derive(Clone, Copy)]
enum World {
    /// Evenly spread from -0.5 to 0.5.
    Symmetric,
    /// Nine of ten rows gain 0.05, the others lose 0.45.
    RareLosses,
    /// Nine of ten rows lose 0.05, the others gain 0.45.
    RareGains,
    /// Two of a hundred rows lose 0.98, the others gain about 0.02.
    Noise,
}

impl World {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Symmetric, "even, from -0.5 to 0.5"),
        (Self::RareLosses, "0.05 in nine of ten rows, else -0.45"),
        (Self::RareGains, "-0.05 in nine of ten rows, else 0.45"),
        (Self::Noise, "0.015 to 0.025, -0.98 in two of a hundred rows"),
    ];

    fn difference(self, chance: f64) -> f64 {
        match self {
            Self::Symmetric => chance - 0.5,
            Self::RareLosses if chance < 0.1 => -0.45,
            Self::RareLosses => 0.05,
            Self::RareGains => -Self::RareLosses.difference(chance),
            Self::Noise if chance < 0.02 => -0.98,
            Self::Noise => 0.02 + 0.01 * ((chance * 1_000.0).fract() - 0.5),
        }
    }
}

pub(crate) fn table(draws: u32) -> Table {
    let head = [
        "differences",
        "rows",
        "better: claim",
        "better: test",
        "margin: claim",
        "margin: p-value",
    ];
    let mut table = Vec::new();
    for (world, name) in World::ALL {
        for rows in ROWS {
            // The truth is the edge: a mean of 0, and of the margin below it.
            let drawn = |seed: Seed, edge: f64| -> Vec<Weighted> {
                let mut rng = seed.rng();
                let mut value = || world.difference(rng.random()) + edge;
                (0..rows).map(|_| Weighted { value: value(), weight: 1.0 }).collect()
            };
            let low = |it: &[Weighted]| of_differences(it, Seed(1)).map_or(-1.0, |it| it.low);
            let shown = |is_shown: &(dyn Fn(Seed) -> bool + Sync)| {
                percent(share(draws, Seed(7).child(name, rows as u64), is_shown))
            };
            let level = Level::FIRST;
            let test =
                |it: &[Weighted]| superiority(it, false, level, Seed(1)).p_value <= level.one_sided;
            table.push(vec![
                name.to_owned(),
                rows.to_string(),
                shown(&|seed| {
                    let drawn = drawn(seed, 0.0);
                    test(&drawn) && low(&drawn) > 0.0
                }),
                shown(&|seed| test(&drawn(seed, 0.0))),
                shown(&|seed| low(&drawn(seed, -MARGIN)) > -MARGIN),
                shown(&|seed| {
                    let drawn = drawn(seed, -MARGIN);
                    non_inferiority(&drawn, MARGIN, level, Seed(1)).p_value <= level.one_sided
                }),
            ]);
        }
    }
    Table {
        title: format!("Graded scores at the edge of a claim: shown in % of {draws} draws"),
        head: head.map(str::to_owned).into(),
        rows: table,
        notes: vec![
            "2.5 may be. A gain is claimed where the test and the interval show it.".into(),
            format!("The margin is {:.0} points.", MARGIN * 100.0),
        ],
    }
}
