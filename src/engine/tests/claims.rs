//! What held-out rows show of a goal's claims.

use crate::engine::{Confirmed, HeldOutRow, fewest_rows, fewest_rows_of_less};
use crate::seed::Seed;
use crate::stats::interval::{of_amounts_beyond, of_scores_beyond};
use crate::stats::{Interval, Level, interval};
use crate::task::goal::{Claim, Goal};

/// Rows of which some are won and some lost, and whose calls cost this much.
fn rows(n: usize, (wins, losses): (usize, usize), (mine, theirs): (f64, f64)) -> Vec<HeldOutRow> {
    (0..n)
        .map(|row| {
            let is_won = row < wins;
            let is_lost = (wins..wins + losses).contains(&row);
            // Longer rows cost more.
            let length = 1.0 + row as f64 / n as f64;
            HeldOutRow {
                winner: f64::from(u8::from(!is_lost)),
                baseline: f64::from(u8::from(!is_won)),
                weight: 1.0,
                usd_per_1k: Some((mine * length, theirs * length)),
                measured: Vec::new(),
            }
        })
        .collect()
}

fn shown(rule: &str, rows: &[HeldOutRow]) -> (Vec<bool>, bool) {
    let confirmed = Confirmed::of(&Goal::parse(rule).unwrap(), rows, true, Level::FIRST, Seed(1));
    let claims = confirmed.claims.iter().map(|claimed| claimed.shown).collect();
    (claims, confirmed.is_shown)
}

#[test]
fn the_cheaper_prompt_is_confirmed_by_non_inferiority_and_its_saving() {
    let rule = "min usd_per_1k s.t. quality >= baseline - 0.05";
    let (both, none) = ((vec![true, true], true), (vec![false, true], false));
    assert_eq!(shown(rule, &rows(400, (10, 10), (0.2, 0.4))), both);
    // The same share of losses on few rows says too little, and so do no losses at all.
    assert_eq!(shown(rule, &rows(60, (2, 2), (0.2, 0.4))), none);
    assert_eq!(shown(rule, &rows(60, (0, 0), (0.2, 0.4))), none);
    assert_eq!(shown(rule, &rows(80, (0, 0), (0.2, 0.4))), both);
    // It is worse by more than the margin.
    assert_eq!(shown(rule, &rows(400, (0, 40), (0.2, 0.4))), none);
    // It is as good, and dearer, or costs the same.
    for mine in [0.5, 0.4] {
        let dearer = shown(rule, &rows(400, (10, 10), (mine, 0.4)));
        assert_eq!(dearer, (vec![true, false], false));
    }
}

/// The same rows won and lost: what is claimed depends on which of them count more.
#[test]
fn quality_is_claimed_by_the_weights_of_rows() {
    let weighted = |heavy: std::ops::Range<usize>| {
        let mut rows = rows(400, (50, 40), (0.2, 0.4));
        rows[heavy].iter_mut().for_each(|row| row.weight = 4.0);
        rows
    };
    let (won, lost) = (weighted(0..50), weighted(50..90));
    let not_worse = "min usd_per_1k s.t. quality >= baseline - 0.05";
    let at_least = "min usd_per_1k s.t. quality >= 0.88";
    for (rule, rows, is_shown) in [
        ("max quality", weighted(0..0), false),
        ("max quality", won.clone(), true),
        (not_worse, weighted(0..0), true),
        (not_worse, lost.clone(), false),
        (at_least, won, true),
        (at_least, lost, false),
    ] {
        let goal = Goal::parse(rule).unwrap();
        let at = |look| Confirmed::of(&goal, &rows, true, Level::of_look(look), Seed(1));
        let confirmed = at(1);
        assert_eq!(confirmed.claims[0].shown, is_shown, "{rule}: {confirmed:?}");
        // A later look needs more, and weighs alike.
        let tested = at(2).claims[0].tested.unwrap().interval;
        let usual = if rule == at_least { confirmed.winner } else { confirmed.gain.map(|it| it.0) };
        assert_eq!(Some(tested.mean), usual.map(|it| it.mean));
        let all: f64 = rows.iter().map(|row| row.weight).sum();
        let right: f64 = rows.iter().map(|row| row.weight * row.winner).sum();
        assert!((confirmed.winner.unwrap().mean - right / all).abs() < 1e-12);
        // What calls cost counts each row once.
        assert!((confirmed.cost.unwrap().best.mean - 0.299_75).abs() < 1e-9);
    }
}

#[test]
fn a_level_and_a_limit_are_claims_too() {
    let (yes, no) = ((vec![true, true], true), (vec![false, true], false));
    let level = |quality| format!("min usd_per_1k s.t. quality >= {quality}");
    assert_eq!(shown(&level(0.9), &rows(400, (0, 20), (0.2, 0.4))), yes);
    assert_eq!(shown(&level(0.94), &rows(400, (0, 20), (0.2, 0.4))), no);
    // The winner's calls cost 0.3 dollars on average, between 0.2 and 0.4.
    let limit = |usd: f64| format!("max quality s.t. usd_per_1k <= {usd}");
    let better = rows(400, (60, 10), (0.2, 0.1));
    assert_eq!(shown(&limit(0.31), &better), yes);
    assert_eq!(shown(&limit(0.301), &better), (vec![true, false], false));
    assert_eq!(shown("max quality", &better), (vec![true], true));
    assert_eq!(shown(&limit(0.31), &rows(400, (10, 10), (0.2, 0.1))), no);
}

/// What the first look shows by a small margin, a later one does not; what is beyond doubt, it does.
#[test]
fn a_later_look_at_the_same_rows_needs_more() {
    let at = |rule: &str, rows: &[HeldOutRow], look| {
        let level = Level::of_look(look);
        Confirmed::of(&Goal::parse(rule).unwrap(), rows, true, level, Seed(1))
    };
    let is_shown = |rule: &str, rows: &[HeldOutRow], look| at(rule, rows, look).is_shown;
    // The cost varies around zero; its mean saving is some 2.15 standard errors.
    let mut saving = rows(400, (10, 10), (0.2, 0.2));
    for (row, place) in saving.iter_mut().zip(0..) {
        row.usd_per_1k = Some((if place % 20 < 9 { 0.3 } else { 0.1 }, 0.2007));
    }
    let cases = [
        ("max quality", rows(400, (32, 16), (0.2, 0.4)), rows(400, (60, 10), (0.2, 0.4))),
        (
            "min usd_per_1k s.t. quality >= baseline - 0.05",
            rows(400, (11, 19), (0.2, 0.4)),
            rows(400, (10, 10), (0.2, 0.4)),
        ),
        (
            "min usd_per_1k s.t. quality >= 0.9",
            rows(400, (0, 28), (0.2, 0.4)),
            rows(400, (0, 10), (0.2, 0.4)),
        ),
        ("min usd_per_1k s.t. quality >= baseline - 0.05", saving, rows(400, (10, 10), (0.2, 0.4))),
    ];
    for (rule, near, clear) in cases {
        let shown = [is_shown(rule, &near, 1), is_shown(rule, &near, 2)];
        assert_eq!(shown, [true, false], "{rule}");
        assert!(is_shown(rule, &clear, 2), "{rule}");
        // The 95 % intervals stay, and what decides stands beside them.
        let (first, second) = (at(rule, &near, 1), at(rule, &near, 2));
        assert_eq!((first.gain, first.cost), (second.gain, second.cost));
        assert!(first.claims[0].tested.is_none());
        let tested = second.claims[0].tested.unwrap().interval;
        let width = |it: Interval| it.high - it.low;
        let usual = match second.claims[0].claim {
            Claim::QualityAtLeast { .. } => second.winner,
            _ => second.gain.map(|(gain, _)| gain),
        };
        assert!(width(tested) > width(usual.unwrap()), "{rule}: {tested:?}");
    }
}

/// Series of looks at the same rows with prompts that are no better and differ on a fifth of the rows: how many
/// series of 1,000 have a wrong claim, at the level that each look is tested at.
fn wrong_series(level: impl Fn(u32) -> Level) -> usize {
    use rand::Rng;
    let is_wrong = |series: &u64| {
        let mut rng = Seed(13).child("series", *series).rng();
        (1..=8).any(|look| {
            let mut row = || match rng.random::<f64>() {
                it if it < 0.1 => (1.0, 0.0),
                it if it < 0.2 => (0.0, 1.0),
                _ => (1.0, 1.0),
            };
            let rows: Vec<HeldOutRow> = (0..200)
                .map(|_| row())
                .map(|(winner, baseline)| HeldOutRow {
                    winner,
                    baseline,
                    weight: 1.0,
                    usd_per_1k: None,
                    measured: Vec::new(),
                })
                .collect();
            let goal = Goal::parse("max quality").unwrap();
            Confirmed::of(&goal, &rows, true, level(look), Seed(1)).is_shown
        })
    };
    (0..1_000).filter(is_wrong).count()
}

/// Independent looks are the worst case for a rule that only adds levels up.
#[test]
fn all_looks_together_are_wrong_in_five_percent_of_cases_at_most() {
    // 5 % of 1,000 are 50, with a standard deviation of 7.
    let (counted, uncounted) = (wrong_series(Level::of_look), wrong_series(|_| Level::FIRST));
    assert!((15..=64).contains(&counted), "{counted}");
    assert!(uncounted > 100, "{uncounted}");
}

#[test]
fn nothing_is_shown_on_few_rows_or_of_the_baseline_itself() {
    let few = rows(29, (29, 0), (0.2, 0.4));
    assert_eq!(shown("max quality", &few), (vec![true], false));
    let many = rows(400, (60, 10), (0.2, 0.1));
    let goal = Goal::parse("max quality").unwrap();
    let same = Confirmed::of(&goal, &many, false, Level::FIRST, Seed(1));
    assert!(!same.is_shown && same.gain.is_none() && same.cost.is_none());
    // A baseline that misses the level is no bar for the cost.
    let dearer = rows(400, (300, 0), (0.5, 0.4));
    assert_eq!(shown("min usd_per_1k s.t. quality >= 0.9", &dearer), (vec![true], true));
    // One row with a cost says nothing of the others.
    let mut unknown = rows(400, (10, 10), (0.2, 0.4));
    unknown.iter_mut().skip(1).for_each(|row| row.usd_per_1k = None);
    let rule = "min usd_per_1k s.t. quality >= baseline - 0.05";
    assert_eq!(shown(rule, &unknown), (vec![true, false], false));
    // What cost nothing saves nothing.
    let free = rows(400, (10, 10), (0.0, 0.0));
    let rule = "min usd_per_1k s.t. quality >= baseline - 0.05";
    assert_eq!(shown(rule, &free), (vec![true, false], false));
}

/// Rows on which winner and baseline have these values of one bound's measure.
fn measured(values: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Vec<HeldOutRow> {
    let row = |pair| HeldOutRow { measured: vec![pair], ..rows(1, (1, 0), (0.1, 0.1)).remove(0) };
    values.map(row).collect()
}

fn bound_shown(bound: &str, level: Level, rows: &[HeldOutRow]) -> (bool, Option<Interval>) {
    let goal = Goal::parse(&format!("max quality s.t. {bound}")).unwrap();
    let confirmed = Confirmed::of(&goal, rows, true, level, Seed(1));
    let claimed = confirmed.claims.last().unwrap().clone();
    assert_eq!(confirmed.is_shown, claimed.shown, "the quality is shown in all of these");
    (claimed.shown, claimed.measured)
}

#[test]
fn a_bound_is_shown_by_the_rows_that_have_its_measure() {
    // 77 of 80 rows of the label, beside 40 of another label.
    let recall = |right: usize| {
        let of = move |row: usize| (row < 80).then_some(f64::from(u8::from(row < right)));
        measured((0..120).map(move |row| (of(row), None)))
    };
    let wilson = interval::wilson(77, 80).unwrap();
    assert_eq!(bound_shown("recall.a >= 0.89", Level::FIRST, &recall(77)), (true, Some(wilson)));
    assert!(!bound_shown("recall.a >= 0.90", Level::FIRST, &recall(77)).0);
    // At a later look more is asked, and what is printed stays the same.
    let later = bound_shown("recall.a >= 0.89", Level::of_look(3), &recall(77));
    assert_eq!(later, (false, Some(wilson)));
    assert!(bound_shown("recall.a <= 0.1", Level::FIRST, &recall(2)).0);
    // As many rows as `plan` says: all of them right.
    let goal = Goal::parse("max quality s.t. recall.a >= 0.95").unwrap();
    let fewest = fewest_rows(&goal.bounds[0], Level::FIRST);
    let right =
        |rows: usize| measured((0..120).map(move |row| ((row < rows).then_some(1.0), None)));
    assert_eq!((fewest, fewest_rows(&goal.bounds[0], Level::of_look(3))), (73, 133));
    assert!(bound_shown("recall.a >= 0.95", Level::FIRST, &right(fewest)).0);
    assert!(!bound_shown("recall.a >= 0.95", Level::FIRST, &right(fewest - 1)).0);
    assert_eq!(bound_shown("recall.a >= 0.95", Level::FIRST, &right(0)), (false, None));
    // A handful of rows shows nothing, and values that are all alike are no certainty.
    assert_eq!(bound_shown("recall.a >= 0.2", Level::FIRST, &right(29)), (false, None));
    let alike = bound_shown("metrics.plain >= 0.999", Level::FIRST, &right(120));
    assert_eq!((alike.0, alike.1), (false, interval::wilson(120, 120)));
    let percent = measured((0..120).map(|_| (Some(100.0), None)));
    assert_eq!(bound_shown("metrics.plain >= 99.9", Level::FIRST, &percent), (false, None));
    let low = measured((0..120).map(|row| (Some(-f64::from(row % 5)), None)));
    let (is_shown, it) = bound_shown("metrics.plain <= 0", Level::FIRST, &low);
    assert!(is_shown && it.is_some_and(|it| it.low < -1.0), "it has no range: {it:?}");
    let same = measured((0..200).map(|_| (Some(0.5), Some(0.5))));
    assert!(!bound_shown("metrics.plain >= baseline", Level::FIRST, &same).0);
}

#[test]
fn a_bound_beside_the_baseline_is_a_paired_difference() {
    // Both fail on the same tenth of the rows.
    let alike = measured((0..200).map(|row| {
        let value = Some(f64::from(u8::from(row % 10 > 0)));
        (value, value)
    }));
    assert!(bound_shown("validity >= baseline - 0.02", Level::FIRST, &alike).0);
    assert!(!bound_shown("validity >= baseline", Level::FIRST, &alike).0);
    assert!(!bound_shown("validity >= 0.95", Level::FIRST, &alike).0);
    let longer = measured((0..40).map(|row| {
        let tokens = 100.0 + f64::from(row);
        (Some(tokens + 20.0), Some(tokens))
    }));
    assert!(bound_shown("input_tokens <= baseline + 20", Level::FIRST, &longer).0);
    assert!(!bound_shown("input_tokens <= baseline + 19", Level::FIRST, &longer).0);
    // Values of any size are resampled, which needs rows.
    assert_eq!(bound_shown("input_tokens <= 9000", Level::FIRST, &longer[..29]).1, None);
}

/// The second measure is the one that is to be least: the first is that of a bound.
#[test]
fn what_is_to_be_less_is_shown_by_a_paired_difference_or_by_quantiles() {
    let at = |least: &str, n: usize, mine: f64, level| {
        let rule =
            format!("min {least} s.t. quality >= baseline - 0.05 and validity >= baseline - 0.2");
        let rows: Vec<HeldOutRow> = (0..n)
            .map(|row| {
                let (size, valid) = (100.0 + (row * 37 % 100) as f64, (Some(1.0), Some(1.0)));
                let measured = vec![valid, (Some(mine * size), Some(size))];
                HeldOutRow { measured, ..rows(1, (0, 0), (0.3, 0.1)).remove(0) }
            })
            .collect();
        let goal = Goal::parse(&rule).unwrap();
        let confirmed = Confirmed::of(&goal, &rows, true, level, Seed(1));
        let less = confirmed.claims[1].clone();
        assert!(matches!(less.claim, Claim::Less { .. }) && confirmed.claims.len() == 3);
        (less.shown, confirmed.is_shown, less.measured.map(|it| it.mean.round()))
    };
    for least in ["input_tokens", "output_tokens", "latency_p50", "latency_p95"] {
        let by = if least == "latency_p95" { 97.0 } else { 75.0 };
        let (shown, all, mean) = at(least, 100, 0.5, Level::FIRST);
        assert!(shown && all && (mean.unwrap() - by).abs() < 2.0, "{least}: {mean:?}");
        assert!(!at(least, 100, 1.0, Level::FIRST).0, "{least}: it is the same");
        assert!(!at(least, 100, 1.2, Level::FIRST).1, "{least}: it is more");
        assert_eq!(at(least, 29, 0.5, Level::FIRST), (false, false, None), "{least}");
        let goal = Goal::parse(&format!("min {least} s.t. quality >= baseline")).unwrap();
        let fewest = fewest_rows_of_less(&goal, Level::FIRST);
        assert!(at(least, fewest.max(80), 0.1, Level::FIRST).0, "{least}");
        assert!(!at(least, fewest - 1, 0.1, Level::FIRST).0, "{least}");
    }
    // Quantiles are told apart with less certainty at a later look.
    assert!(at("latency_p50", 100, 0.7, Level::FIRST).0);
    assert!(!at("latency_p50", 100, 0.75, Level::of_look(40)).0);
}

#[test]
fn a_bound_on_a_time_is_one_on_its_quantile() {
    let times = |n: u32| measured((1..=n).map(|ms| (Some(f64::from(ms) * 10.0), None)));
    let (shown, measured) = bound_shown("latency_p95 <= 1s", Level::FIRST, &times(100));
    assert!(shown);
    assert_eq!(measured.map(|it| (it.mean, it.high)), Some((950.0, 1_000.0)));
    assert!(!bound_shown("latency_p95 <= 980ms", Level::FIRST, &times(100)).0);
    assert_eq!(bound_shown("latency_p95 <= 1s", Level::FIRST, &times(71)), (false, None));
}

/// Of the winner's rows, 1 of 10 has an answer that differs from the two others; of the baseline's, 4 of 10.
#[test]
fn a_higher_consistency_is_shown_by_the_paired_difference() {
    let shown = |rule: &str, n: usize| {
        let share =
            |row: usize, differing: usize| if row % 10 < differing { 2.0 / 3.0 } else { 1.0 };
        let pair = |row: usize| (Some(share(row, 1)), Some(share(row, 4)));
        let rows: Vec<HeldOutRow> = (0..n)
            .map(|row| HeldOutRow {
                measured: vec![pair(row)],
                ..rows(1, (0, 0), (0.3, 0.1)).remove(0)
            })
            .collect();
        let confirmed =
            Confirmed::of(&Goal::parse(rule).unwrap(), &rows, true, Level::FIRST, Seed(1));
        let measured = confirmed.claims[1].measured.map(|it| (it.mean * 1_000.0).round());
        (confirmed.claims[1].shown, measured)
    };
    let most = "max consistency s.t. quality >= baseline - 0.05";
    assert_eq!(shown(most, 100), (true, Some(100.0)));
    assert_eq!(shown(most, 29), (false, None));
    assert_eq!(shown("max quality s.t. consistency >= 0.9", 200), (true, Some(967.0)));
    assert!(!shown("max quality s.t. consistency >= 0.96", 200).0);
    assert_eq!(shown("max quality s.t. consistency >= baseline + 0.05", 200), (true, Some(100.0)));
}

/// Either less cost or a baseline that misses the floor is enough: each is tested at half of the level, so that both
/// together are wrong as often as it says.
#[test]
fn two_ways_to_serve_a_goal_share_its_level() {
    let chances = [0.025, 0.0125];
    let of_right = |right: usize, n: usize| -> Vec<f64> {
        (0..n).map(|row| f64::from(u8::from(row < right))).collect()
    };
    // The number of right rows is chosen so that the interval excludes the floor at the whole level, but not at half of it.
    let n = 100;
    let high = |right: usize| {
        chances.map(|it| of_scores_beyond(&of_right(right, n), it, Seed(1)).unwrap().high)
    };
    let misses = (0..n).rev().find(|right| high(*right)[0] < 0.7).unwrap();
    assert!(high(misses)[1] > 0.7, "{misses}");
    // So much less that it is shown at the whole level, and not at half of it.
    let tokens =
        |less: f64| -> Vec<f64> { (0..n).map(|row| less + (row % 10) as f64 - 4.5).collect() };
    let low = |less: f64| {
        chances
            .map(|it| of_amounts_beyond(&tokens(less), it, Seed(1).child("less", 0)).unwrap().low)
    };
    let less = (1..200).map(|it| f64::from(it) / 100.0).find(|it| low(*it)[0] > 0.005).unwrap();
    assert!(low(less)[1] < 0.0, "{less}");
    let claims = |rule: &str, right: usize, less: f64| {
        let measured = |it: f64| vec![(Some(100.0), Some(100.0 + it))];
        let rows: Vec<HeldOutRow> = of_right(right, n)
            .into_iter()
            .zip(tokens(less))
            .map(|(baseline, less)| HeldOutRow {
                winner: 1.0,
                baseline,
                weight: 1.0,
                usd_per_1k: None,
                measured: measured(less),
            })
            .collect();
        Confirmed::of(&Goal::parse(rule).unwrap(), &rows, true, Level::FIRST, Seed(1))
    };
    let at_floor = "min input_tokens s.t. quality >= 0.7";
    let both = claims(at_floor, misses, less);
    assert!(!both.is_shown && both.claims.len() == 2, "{both:?}");
    let tested = both.claims[1].tested.unwrap();
    assert_eq!(tested.level, Level::FIRST.shared_by(2));
    let width = |it: Interval| it.high - it.low;
    assert!(width(tested.interval) > width(both.claims[1].measured.unwrap()));
    assert!(claims(at_floor, misses - 3, less).is_shown, "the baseline misses the floor");
    assert!(claims(at_floor, misses, less + 0.3).is_shown, "it is less");
    // A floor that follows the baseline is no second way.
    let beside = claims("min input_tokens s.t. quality >= baseline - 0.1", misses, less);
    assert!(beside.is_shown && beside.claims.iter().all(|it| it.tested.is_none()), "{beside:?}");
}
