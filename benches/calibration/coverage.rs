//! How often each printed interval holds the truth.

use crate::text_table::Table;
use crate::{percent, share};
use promptsearch::seed::Seed;
use promptsearch::stats::interval::{of_amounts_beyond, of_differences_beyond, of_scores_beyond};
use promptsearch::stats::{Interval, Level, quantile_beyond};
use rand::Rng;

/// What is drawn, how many rows, its truth, and its interval at a level.
struct Case {
    name: &'static str,
    truth: f64,
    one: fn(&mut dyn FnMut() -> f64) -> f64,
    interval: fn(&[f64], f64, Seed) -> Option<Interval>,
}

fn right(uniform: &mut dyn FnMut() -> f64, share: f64) -> f64 {
    f64::from(u8::from(uniform() < share))
}

/// The difference on a row that one prompt wins or loses with these chances.
fn won_or_lost(uniform: &mut dyn FnMut() -> f64, won: f64, lost: f64) -> f64 {
    match uniform() {
        it if it < won => 1.0,
        it if it < won + lost => -1.0,
        _ => 0.0,
    }
}

/// A graded score: 0 or 1 in a half of all cases, else anything between, more often high.
fn graded(uniform: &mut dyn FnMut() -> f64) -> f64 {
    match uniform() {
        end if end < 0.2 => 0.0,
        end if end < 0.5 => 1.0,
        _ => uniform().sqrt(),
    }
}

/// Log-normal with sigma 0.5 and median 1.
fn amount(uniform: &mut dyn FnMut() -> f64) -> f64 {
    let (radius, angle) =
        ((-2.0 * (1.0 - uniform()).ln()).sqrt(), uniform() * std::f64::consts::TAU);
    (0.5 * radius * angle.cos()).exp()
}

/// Its 0.95 quantile: e^(0.5 · 1.6449).
const P95: f64 = 2.276_0;

fn cases() -> Vec<Case> {
    // The mean of the graded score is 0.3 + 0.5 · 2/3.
    let of_graded = 0.3 + 1.0 / 3.0;
    let of_amount = 0.125_f64.exp();
    vec![
        Case {
            name: "share, 50 % (Wilson)",
            truth: 0.5,
            one: |u| right(u, 0.5),
            interval: |v, c, s| of_scores_beyond(v, c, s),
        },
        Case {
            name: "share, 90 % (Wilson)",
            truth: 0.9,
            one: |u| right(u, 0.9),
            interval: |v, c, s| of_scores_beyond(v, c, s),
        },
        Case {
            name: "difference, 12 % won, 8 % lost (Tango)",
            truth: 0.04,
            one: |u| won_or_lost(u, 0.12, 0.08),
            interval: of_differences_beyond,
        },
        Case {
            name: "difference, 3 % won, 3 % lost (Tango)",
            truth: 0.0,
            one: |u| won_or_lost(u, 0.03, 0.03),
            interval: of_differences_beyond,
        },
        Case {
            name: "graded score (BCa)",
            truth: of_graded,
            one: |u| graded(u),
            interval: of_scores_beyond,
        },
        Case {
            name: "graded difference (BCa)",
            truth: 0.0,
            one: |u| graded(u) - graded(u),
            interval: of_differences_beyond,
        },
        Case {
            // Noise, and a loss of everything on two rows of a hundred.
            name: "graded difference, rare losses",
            truth: -0.02,
            one: |u| if u() < 0.02 { -1.0 } else { 0.02 * u() - 0.01 },
            interval: of_differences_beyond,
        },
        Case {
            name: "cost (BCa)",
            truth: of_amount,
            one: |u| amount(u),
            interval: of_amounts_beyond,
        },
        Case {
            name: "saving (BCa)",
            truth: 0.5 * of_amount,
            one: |u| amount(u) - 0.5 * amount(u),
            interval: of_amounts_beyond,
        },
        Case {
            name: "p50 of a latency (order)",
            truth: 1.0,
            one: |u| amount(u),
            interval: |v, c, _| quantile_beyond(v, 0.5, c),
        },
        Case {
            name: "p95 of a latency (order)",
            truth: P95,
            one: |u| amount(u),
            interval: |v, c, _| quantile_beyond(v, 0.95, c),
        },
    ]
}

pub(crate) fn table(draws: u32) -> Table {
    let levels = [Level::FIRST, Level::of_look(2)];
    let rows = [30, 100, 300];
    let line = |case: &Case| {
        let cells = levels.iter().flat_map(|level| rows.map(|rows| (level, rows)));
        let covered = cells.map(|(level, rows)| {
            let seed = Seed(2).child(case.name, rows as u64);
            let values = |seed: Seed| -> Vec<f64> {
                let mut rng = seed.rng();
                let mut uniform = || rng.random::<f64>();
                (0..rows).map(|_| (case.one)(&mut uniform)).collect()
            };
            if (case.interval)(&values(seed), level.one_sided, seed).is_none() {
                return "–".to_owned();
            }
            let holds = |seed: Seed| {
                let found = (case.interval)(&values(seed), level.one_sided, seed);
                found.is_some_and(|it| it.low - 1e-9 <= case.truth && case.truth <= it.high + 1e-9)
            };
            percent(share(draws, seed, holds))
        });
        std::iter::once(case.name.to_owned()).chain(covered).collect()
    };
    let named = |level: &Level| {
        let asked = (1.0 - 2.0 * level.one_sided) * 100.0;
        rows.map(|rows| format!("{asked:.1} %, {rows}"))
    };
    Table {
        title: format!("Intervals that hold the truth, in % of {draws} draws, by level and rows"),
        head: std::iter::once("interval".to_owned()).chain(levels.iter().flat_map(named)).collect(),
        rows: cases().iter().map(line).collect(),
        notes: vec!["–: so few rows give no interval of this kind.".into()],
    }
}
