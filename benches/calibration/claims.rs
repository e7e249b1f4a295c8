//! How often a claim is shown, by the true effect: type-I error where it does not hold, power where it does.

use crate::text_table::Table;
use crate::{mean, percent, share};
use promptsearch::engine::{Confirmed, HeldOutRow};
use promptsearch::seed::Seed;
use promptsearch::stats::{Level, holm};
use promptsearch::task::goal::Goal;
use rand::Rng;

/// The share of rows on which two prompts differ.
const DISCORDANCE: f64 = 0.2;
/// What the baseline has right.
const BASELINE: f64 = 0.7;
/// Candidates of a family.
const FAMILY: usize = 5;
const MARGIN: f64 = 0.05;

/// How often one claim is shown, on a given number of rows.
pub(crate) struct Curve {
    pub(crate) claim: Kind,
    pub(crate) rows: usize,
    /// (true difference, share of draws in which it is shown).
    pub(crate) points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `max quality`.
    Better,
    /// `min usd_per_1k s.t. quality >= baseline - 0.05`, with a saving that is beyond doubt.
    NotWorse,
    /// `max quality` of five candidates by Holm's rule: at 0 any of them, above 0 the mean of the five.
    Holm,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::NotWorse => "at most 5 points worse",
            Self::Holm => "better, five at once by Holm's rule",
        }
    }

    /// The differences that are simulated; the first is the greatest at which the claim does not hold.
    fn differences(self) -> [f64; 7] {
        let from = if self == Self::NotWorse { -MARGIN } else { 0.0 };
        [0.0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2].map(|above| from + above)
    }
}

/// All curves.
pub(crate) fn curves(draws: u32) -> Vec<Curve> {
    let all = [Kind::Better, Kind::NotWorse, Kind::Holm].into_iter();
    all.flat_map(|claim| [100, 200, 400].map(|rows| (claim, rows)))
        .map(|(claim, rows)| {
            let at = |difference: f64| (difference, shown(claim, rows, difference, draws));
            Curve { claim, rows, points: claim.differences().map(at).into() }
        })
        .collect()
}

fn shown(claim: Kind, rows: usize, difference: f64, draws: u32) -> f64 {
    let seed = Seed(1)
        .child(claim.name(), rows as u64)
        .child("difference", (difference * 1e3).abs() as u64);
    let rule = match claim {
        Kind::NotWorse => format!("min usd_per_1k s.t. quality >= baseline - {MARGIN}"),
        Kind::Better | Kind::Holm => "max quality".to_owned(),
    };
    let goal = Goal::parse(&rule).expect("a rule of this file");
    let is_shown = |rows: &[HeldOutRow], level: Level| {
        Confirmed::of(&goal, rows, true, level, Seed(1)).is_shown
    };
    match claim {
        Kind::Better | Kind::NotWorse => {
            share(draws, seed, |seed| is_shown(&drawn(seed, rows, difference, 1)[0], Level::FIRST))
        }
        Kind::Holm => {
            let decided = |seed: Seed| {
                let family = drawn(seed, rows, difference, FAMILY);
                let found = holm::decided(FAMILY, Level::FIRST, |place, level| {
                    is_shown(&family[place], level)
                });
                found.iter().map(|(is_shown, _)| u32::from(*is_shown)).sum::<u32>()
            };
            if difference <= 0.0 {
                return share(draws, seed, |seed| decided(seed) > 0);
            }
            mean(draws, seed, decided) / FAMILY as f64
        }
    }
}

/// The rows of some candidates and one baseline. Each candidate differs from the baseline on a fifth of the rows, and is
/// better by `difference`.
fn drawn(seed: Seed, rows: usize, difference: f64, candidates: usize) -> Vec<Vec<HeldOutRow>> {
    let mut rng = seed.rng();
    let is_right: Vec<bool> = (0..rows).map(|_| rng.random::<f64>() < BASELINE).collect();
    // Wins are among the rows that the baseline has wrong, losses among those that it has right.
    let win = (DISCORDANCE + difference) / 2.0 / (1.0 - BASELINE);
    let loss = (DISCORDANCE - difference) / 2.0 / BASELINE;
    (0..candidates)
        .map(|_| {
            let row = |right: &bool| {
                let changes = rng.random::<f64>() < if *right { loss } else { win };
                let score = |is_right: bool| f64::from(u8::from(is_right));
                HeldOutRow {
                    winner: score(*right != changes),
                    baseline: score(*right),
                    weight: 1.0,
                    usd_per_1k: Some((0.1, 0.2)),
                    measured: Vec::new(),
                }
            };
            is_right.iter().map(row).collect()
        })
        .collect()
}

/// One row for each curve.
pub(crate) fn table(curves: &[Curve], draws: u32) -> Table {
    let row = |curve: &Curve| {
        let name = format!("{}, {} rows", curve.claim.name(), curve.rows);
        std::iter::once(name).chain(curve.points.iter().map(|(_, share)| percent(*share))).collect()
    };
    let above = |it: &f64| format!("+{:.1}", it * 100.0);
    Table {
        title: format!(
            "Claims that are shown, in % of {draws} draws, by how far the truth is above their edge (points)"
        ),
        head: std::iter::once("claim".to_owned())
            .chain(Kind::Better.differences().iter().map(above))
            .collect(),
        rows: curves.iter().map(row).collect(),
        notes: vec![
            "At +0.0 the claim does not hold: at most 2.5 may be shown, of a family any.".into(),
            format!("The prompts differ on {:.0} % of the rows.", DISCORDANCE * 100.0),
        ],
    }
}
