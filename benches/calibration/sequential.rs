//! Looking after every row: how often a verdict is wrong, how often the truth is shown, and after how many rows.

use super::looks::Power;
use super::percent;
use super::text_table::Table;
use promptsearch::seed::Seed;
use promptsearch::stats::paired::mcnemar_exact;
use promptsearch::stats::{Decision, Interval, Level, SequentialTest, interval};
use rand::Rng;
use rayon::prelude::*;

/// The rows that there are.
const ROWS: usize = 2_000;
/// The share of them on which two prompts differ.
const DISCORDANCE: f64 = 0.2;
/// True differences, and the margin that is asked for.
const WORLDS: [(f64, Option<f64>); 8] = [
    (0.0, None),
    (0.025, None),
    (0.05, None),
    (0.1, None),
    (0.0, Some(0.05)),
    (0.025, Some(0.05)),
    (0.05, Some(0.05)),
    (0.1, Some(0.05)),
];
/// Who looks at p-values does not believe fewer rows that differ.
const FEWEST_DIFFERENT: usize = 6;

/// What became of one draw.
pub(crate) struct Draw {
    decision: Decision,
    after: usize,
    /// Whether the interval at that row holds the truth.
    is_held: bool,
    /// What all rows decide, at a number that was set before.
    fixed: Decision,
    /// What the first p-value of at most 5 % decides, for who looks after every row.
    naive: Decision,
}

fn draw(seed: Seed, difference: f64, margin: Option<f64>) -> Draw {
    let mut rng = seed.rng();
    let won = f64::midpoint(DISCORDANCE, difference);
    let row = |_| match rng.random::<f64>() {
        chance if chance < won => 1.0,
        chance if chance < DISCORDANCE => -1.0,
        _ => 0.0,
    };
    let rows: Vec<f64> = (0..ROWS).map(row).collect();
    let mut test = SequentialTest::new(Level::FIRST.one_sided, margin, 1.0);
    for row in &rows {
        if test.add(*row, 1.0) != Decision::Open {
            break;
        }
    }
    let (mut better, mut worse, mut naive) = (0, 0, Decision::Open);
    for row in rows.iter().filter(|row| **row != 0.0) {
        if *row > 0.0 {
            better += 1;
        } else {
            worse += 1;
        }
        if naive == Decision::Open && better + worse >= FEWEST_DIFFERENT {
            naive = by_p_value(better, worse);
        }
    }
    let all = interval::of_differences(&rows, seed);
    let within = |it: &Interval| margin.is_some_and(|edge| it.low > -edge && it.high < edge);
    let fixed = match all {
        Some(it) if within(&it) => Decision::Same,
        _ => by_p_value(better, worse),
    };
    let is_held = test.interval().is_some_and(|it| it.low <= difference && difference <= it.high);
    let (decision, after) = (test.decision(), test.decided_after().unwrap_or(ROWS));
    Draw { decision, after, is_held, fixed, naive }
}

fn by_p_value(better: usize, worse: usize) -> Decision {
    let level = Level::FIRST.one_sided;
    if mcnemar_exact(better, worse) <= level {
        Decision::Better
    } else if mcnemar_exact(worse, better) <= level {
        Decision::Worse
    } else {
        Decision::Open
    }
}

/// Whether what was decided is not so.
fn is_wrong(decision: Decision, difference: f64, margin: Option<f64>) -> bool {
    match decision {
        Decision::Better => difference <= 0.0,
        Decision::Worse => difference >= 0.0,
        Decision::Same => margin.is_none_or(|margin| difference.abs() >= margin),
        Decision::Open => false,
    }
}

/// A true difference and the margin that is asked for, with its draws.
pub(crate) struct World {
    difference: f64,
    margin: Option<f64>,
    draws: Vec<Draw>,
}

/// All worlds.
pub(crate) fn worlds(draws: u32) -> Vec<World> {
    let of_world = |(difference, margin): (f64, Option<f64>)| {
        let number = (difference * 1e3) as u64;
        let seed = Seed(3).child(if margin.is_some() { "margin" } else { "none" }, number);
        let draws = (0..draws)
            .into_par_iter()
            .map(|one| draw(seed.child("draw", u64::from(one)), difference, margin))
            .collect();
        World { difference, margin, draws }
    };
    WORLDS.into_iter().map(of_world).collect()
}

/// How often a difference is shown, where no margin is asked for.
pub(crate) fn powers(worlds: &[World]) -> Vec<Power> {
    let of = |World { difference, draws, .. }: &World| {
        let shown = |is_it: fn(&Draw) -> Decision| {
            let is_shown = |one: &&Draw| match is_it(one) {
                Decision::Better => true,
                // Without a difference each verdict is wrong.
                Decision::Worse => *difference == 0.0,
                Decision::Same | Decision::Open => false,
            };
            draws.iter().filter(is_shown).count() as f64 / draws.len() as f64
        };
        Power {
            difference: *difference,
            looks: shown(|one| one.decision),
            fixed: shown(|one| one.fixed),
            naive: shown(|one| one.naive),
        }
    };
    worlds.iter().filter(|world| world.margin.is_none()).map(of).collect()
}

/// One row for each world.
pub(crate) fn table(worlds: &[World], draws: u32) -> Table {
    let of_world = |world: &World| {
        let World { difference, margin, draws: all } = world;
        let (difference, margin) = (*difference, *margin);
        let share = |is_it: &dyn Fn(&Draw) -> bool| {
            percent(all.iter().filter(|one| is_it(one)).count() as f64 / f64::from(draws))
        };
        let decided = |is_it: &dyn Fn(&Draw) -> Decision| {
            let wrong = share(&|one| is_wrong(is_it(one), difference, margin));
            let right = share(&|one| {
                is_it(one) != Decision::Open && !is_wrong(is_it(one), difference, margin)
            });
            [right, wrong]
        };
        let [right, wrong] = decided(&|one| one.decision);
        let [fixed_right, fixed_wrong] = decided(&|one| one.fixed);
        let [_, naive_wrong] = decided(&|one| one.naive);
        let mut rows: Vec<usize> = all.iter().map(|one| one.after).collect();
        rows.sort_unstable();
        let half = rows[rows.len() / 2];
        vec![
            format!("+{:.1}", difference * 100.0),
            margin.map_or_else(|| "none".to_owned(), |margin| format!("{:.0}", margin * 100.0)),
            wrong,
            fixed_wrong,
            naive_wrong,
            right,
            fixed_right,
            half.to_string(),
            share(&|one| one.is_held),
        ]
    };
    let head = [
        "difference",
        "margin",
        "wrong: row by row",
        "wrong: all rows once",
        "wrong: p-value at every row",
        "right: row by row",
        "right: all rows once",
        "rows (median)",
        "interval holds",
    ];
    Table {
        title: format!("Looks after every one of {ROWS} rows, in % of {draws} draws"),
        head: head.map(str::to_owned).into(),
        rows: worlds.iter().map(of_world).collect(),
        notes: vec![
            format!("The prompts differ on {:.0} % of the rows.", DISCORDANCE * 100.0),
            "At most 5 may be wrong row by row, and of all rows once.".into(),
        ],
    }
}
