//! Looking after every unit of an online test: how often a verdict is wrong, how often the truth is shown, and after how many
//! units.

use super::looks::Power;
use super::percent;
use super::text_table::Table;
use promptsearch::seed::Seed;
use promptsearch::stats::{FEWEST_UNITS, MeanDifference, Mixture, Sample};
use rand::Rng;
use rayon::prelude::*;

/// The units of both arms.
const UNITS: usize = 20_000;
/// The control's outcome.
const CONTROL: f64 = 0.5;
/// True differences.
const DIFFERENCES: [f64; 7] = [0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1];
/// As the program looks for it: a tenth of the outcomes' standard deviation.
const USUAL_EFFECT: f64 = 0.1;
const LEVEL: f64 = 0.05;
/// A normal variable is beyond this in 5 % of cases.
const TWO_SIDED: f64 = 1.959_964;

/// The share of draws that say so of a true difference.
pub(crate) struct OnlinePoint {
    pub(crate) power: Power,
    wrong: f64,
    held: f64,
    half: usize,
}

struct Draw {
    /// Which side the first look that decides names: above 0, below, or none.
    looks: f64,
    fixed: f64,
    naive: f64,
    after: usize,
    is_held: bool,
}

/// The sign of the difference where a test for a fixed number of units shows one at 5 %, else 0.
fn by_fixed_test(arms: &[Sample; 2]) -> f64 {
    let [control, arm] = arms;
    let variance_of = |it: &Sample| it.variance() / it.n() as f64;
    let difference = arm.mean() - control.mean();
    let is_shown = difference.abs() > TWO_SIDED * (variance_of(arm) + variance_of(control)).sqrt();
    if is_shown { difference.signum() } else { 0.0 }
}

fn draw(seed: Seed, difference: f64) -> Draw {
    let mut rng = seed.rng();
    let (mut arms, mut all) = ([Sample::default(); 2], Sample::default());
    let mut drawn = Draw { looks: 0.0, fixed: 0.0, naive: 0.0, after: UNITS, is_held: true };
    for unit in 1..=UNITS {
        let arm = usize::from(rng.random_bool(0.5));
        let outcome = f64::from(rng.random_bool(CONTROL + difference * arm as f64));
        arms[arm].add(outcome);
        all.add(outcome);
        if arms.iter().any(|it| it.n() < FEWEST_UNITS) {
            continue;
        }
        let mixture = Mixture::new(USUAL_EFFECT * all.variance().sqrt());
        if let Some([low, high]) = MeanDifference::of(&arms[1], &arms[0]).interval(mixture, LEVEL) {
            drawn.is_held &= low <= difference && difference <= high;
            if drawn.looks == 0.0 && (low > 0.0 || high < 0.0) {
                (drawn.looks, drawn.after) = (if low > 0.0 { 1.0 } else { -1.0 }, unit);
            }
        }
        if drawn.naive == 0.0 {
            drawn.naive = by_fixed_test(&arms);
        }
    }
    Draw { fixed: by_fixed_test(&arms), ..drawn }
}

/// A point for each true difference.
pub(crate) fn points(draws: u32) -> Vec<OnlinePoint> {
    let of = |difference: f64| {
        let seed = Seed(5).child("online", (difference * 1e4) as u64);
        let all: Vec<Draw> = (0..draws)
            .into_par_iter()
            .map(|one| draw(seed.child("draw", u64::from(one)), difference))
            .collect();
        let share = |is_it: &dyn Fn(&Draw) -> bool| {
            all.iter().filter(|one| is_it(one)).count() as f64 / f64::from(draws)
        };
        let mut after: Vec<usize> = all.iter().map(|one| one.after).collect();
        after.sort_unstable();
        // Without a difference each verdict is wrong.
        let is_said = |side: f64| if difference > 0.0 { side > 0.0 } else { side != 0.0 };
        let is_wrong = |side: f64| side < 0.0 || (difference == 0.0 && side != 0.0);
        OnlinePoint {
            power: Power {
                difference,
                looks: share(&|one| is_said(one.looks)),
                fixed: share(&|one| is_said(one.fixed)),
                naive: share(&|one| is_said(one.naive)),
            },
            wrong: share(&|one| is_wrong(one.looks)),
            held: share(&|one| one.is_held),
            half: after[after.len() / 2],
        }
    };
    DIFFERENCES.into_iter().map(of).collect()
}

/// One row for each true difference.
pub(crate) fn table(points: &[OnlinePoint], draws: u32) -> Table {
    let row = |it: &OnlinePoint| {
        vec![
            format!("+{:.1}", it.power.difference * 100.0),
            percent(it.power.looks),
            percent(it.power.fixed),
            percent(it.power.naive),
            percent(it.wrong),
            it.half.to_string(),
            percent(it.held),
        ]
    };
    let head = [
        "difference",
        "shown: unit by unit",
        "all units once",
        "test at every unit",
        "wrong: unit by unit",
        "units (median)",
        "interval always holds",
    ];
    Table {
        title: format!("Looks after every one of {UNITS} units, in % of {draws} draws"),
        head: head.map(str::to_owned).into(),
        rows: points.iter().map(row).collect(),
        notes: vec![
            format!("Two arms, half of the units each; of the control {CONTROL} succeed."),
            "Without a difference (+0.0) at most 5 may be shown.".into(),
        ],
    }
}
