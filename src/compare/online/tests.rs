//! Laws of online tests, on logs that are made up unit by unit.

use super::*;
use crate::seed::Seed;
use rand::Rng;

/// A log of units whose outcome is 1 with these chances, `control` and then others.
fn log(chances: &[f64], units: usize, seed: u64) -> Log {
    let mut rng = Seed(seed).rng();
    let arms = (0..chances.len()).map(|arm| format!("arm-{arm}")).collect();
    let unit = |_| {
        let arm = rng.random_range(0..chances.len());
        let outcome = f64::from(u8::from(rng.random_bool(chances[arm])));
        Unit { arm, outcome, cost: None, first: None, segments: Vec::new() }
    };
    let units: Vec<Unit> = (0..units).map(unit).collect();
    Log { arms, lines: units.len() as u64, units, mixed: 0 }
}

fn columns() -> LogColumns {
    LogColumns {
        unit: "unit".to_owned(),
        arm: "arm".to_owned(),
        outcome: "outcome".to_owned(),
        cost: None,
        time: None,
        segments: Vec::new(),
    }
}

fn decisions(log: &Log, plan: &TestDesign) -> Vec<Decision> {
    let test = OnlineTest::of(log, &columns(), plan).unwrap();
    test.comparisons.iter().map(|comparison| comparison.decision).collect()
}

#[test]
fn large_effects_are_decided_and_small_ones_are_the_same_within_a_margin() {
    let plan = TestDesign { margin: Some(0.05), ..TestDesign::default() };
    let log = log(&[0.5, 0.7, 0.3, 0.5], 40_000, 1);
    assert_eq!(decisions(&log, &plan), [Decision::Higher, Decision::Lower, Decision::Same]);
    let swapped = TestDesign { control: Some("arm-1".to_owned()), ..TestDesign::default() };
    assert_eq!(decisions(&log, &swapped), [Decision::Lower; 3]);
}

#[test]
fn few_units_and_rare_outcomes_decide_nothing() {
    assert_eq!(decisions(&log(&[0.1, 0.9], 150, 1), &TestDesign::default()), [Decision::Open]);
    assert_eq!(decisions(&log(&[0.1, 0.9], 300, 1), &TestDesign::default()), [Decision::Higher]);
    let margin = TestDesign { margin: Some(0.1), ..TestDesign::default() };
    assert_eq!(
        decisions(&log(&[0.0, 0.0], 1_000, 1), &margin),
        [Decision::Open],
        "it may happen yet"
    );
    assert_eq!(decisions(&log(&[0.0, 0.005], 1_000, 1), &margin), [Decision::Same]);
    assert_eq!(decisions(&log(&[0.0, 0.005], 1_000, 1), &TestDesign::default()), [Decision::Open]);
    assert_eq!(decisions(&log(&[0.0, 1.0], 1_000, 1), &TestDesign::default()), [Decision::Higher]);
    let mut alone = log(&[0.5, 0.5], 1_000, 1);
    alone.units.retain(|unit| unit.arm == 0);
    let test = OnlineTest::of(&alone, &columns(), &TestDesign::default()).unwrap();
    assert_eq!(test.comparisons[0].effect, Effect { difference: None, low: None, high: None });
}

#[test]
fn traffic_that_is_divided_in_another_way_decides_nothing() {
    let mut log = log(&[0.2, 0.8], 4_000, 1);
    assert_eq!(decisions(&log, &TestDesign::default()), [Decision::Higher]);
    // One in five units of an arm is lost on its way to the log.
    let mut rng = Seed(2).rng();
    log.units.retain(|unit| unit.arm == 0 || !rng.random_bool(0.2));
    let test = OnlineTest::of(&log, &columns(), &TestDesign::default()).unwrap();
    assert!(test.allocation.is_off && test.allocation.e_value > 100.0);
    let mut all = log.clone();
    (0..7).for_each(|_| all.units.extend(log.units.clone()));
    let far = OnlineTest::of(&all, &columns(), &TestDesign::default()).unwrap();
    assert!(page(&far).replace("\n  ", " ").contains("evidence more than 1,000,000 to 1"));
    assert!(page(&far).lines().all(|line| line.chars().count() <= 80), "{}", page(&far));
    assert_eq!(test.comparisons[0].decision, Decision::Open);
    // As it was meant.
    let weights = vec![("arm-0".to_owned(), 1.0), ("arm-1".to_owned(), 0.8)];
    let arms = Some(ArmWeights::new(weights).unwrap());
    let meant = TestDesign { arms, ..TestDesign::default() };
    assert_eq!(decisions(&log, &meant), [Decision::Higher]);
    log.mixed = 50;
    assert_eq!(decisions(&log, &meant), [Decision::Open]);
}

#[test]
fn looks_at_a_test_without_an_effect_are_rarely_wrong() {
    let (tests, mut wrong) = (150, 0);
    for seed in 0..tests {
        // Also where an outcome is rare.
        let chance = if seed % 2 == 0 { 0.4 } else { 0.02 };
        let whole = log(&[chance; 3], 6_000, 100 + seed);
        let is_wrong = (1..=12).any(|look| {
            let mut now = whole.clone();
            now.units.truncate(look * 500);
            let decided = decisions(&now, &TestDesign::default());
            decided.iter().any(|it| matches!(it, Decision::Higher | Decision::Lower))
        });
        wrong += u32::from(is_wrong);
    }
    // 5 % of 150 and three standard deviations.
    assert!(wrong <= 15, "{wrong} of {tests}");
}

#[test]
fn an_effect_that_fades_is_told_from_one_that_stays() {
    let columns = LogColumns { time: Some("time".to_owned()), ..columns() };
    let mut fading = log(&[0.3, 0.8], 4_000, 3);
    fading.units.extend(log(&[0.3, 0.3], 4_000, 4).units);
    let novelty = |log: &Log| {
        OnlineTest::of(log, &columns, &TestDesign::default()).unwrap().comparisons[0]
            .novelty
            .unwrap()
    };
    let change = novelty(&fading).change;
    let is_near = (change.difference.unwrap() + 0.5).abs() < 0.1;
    assert!(change.high.unwrap() < 0.0 && is_near, "{change:?}");
    let staying = novelty(&log(&[0.3, 0.5], 8_000, 5)).change;
    assert!(staying.low.unwrap() < 0.0 && staying.high.unwrap() > 0.0, "{staying:?}");
}

/// The same log with a unit each second.
fn timed(mut log: Log) -> Log {
    for (second, unit) in (0..).zip(&mut log.units) {
        unit.first = Timestamp::from_second(second).ok();
    }
    log
}

#[test]
fn only_units_count_that_came_since_every_arm_ran() {
    let columns = LogColumns { time: Some("time".to_owned()), ..columns() };
    // Before the new arm began, a quarter of the units had another outcome.
    let mut late = log(&[0.9, 0.9], 2_000, 8);
    late.units.iter_mut().for_each(|unit| unit.arm = 0);
    late.units.extend(log(&[0.3, 0.5], 6_000, 9).units);
    let without = OnlineTest::of(&late, &columns, &TestDesign::default()).unwrap();
    assert!(without.allocation.is_off && without.since.is_none());
    let test = OnlineTest::of(&timed(late), &columns, &TestDesign::default()).unwrap();
    assert!(!test.allocation.is_off, "{:?}", test.allocation);
    assert_eq!(test.comparisons[0].decision, Decision::Higher);
    assert!((2_001..2_020).contains(&test.earlier_units), "{}", test.earlier_units);
    assert_eq!(test.arms.iter().map(|arm| arm.units).sum::<usize>(), 8_000 - test.earlier_units);
    assert!((test.comparisons[0].effect.difference.unwrap() - 0.2).abs() < 0.05);
    assert!(page(&test).contains("only units after that count"), "{}", page(&test));
    assert!(page(&test).lines().all(|line| line.chars().count() <= 80), "{}", page(&test));
    // Arms whose times are as coarse as days begin together.
    let mut coarse = timed(log(&[0.3, 0.5], 6_000, 9));
    coarse.units.iter_mut().for_each(|unit| unit.first = Timestamp::from_second(0).ok());
    let test = OnlineTest::of(&coarse, &columns, &TestDesign::default()).unwrap();
    assert_eq!((test.since, test.earlier_units), (None, 0));
}

#[test]
fn late_from_a_fixed_time_is_looked_at_again_and_again() {
    let columns = LogColumns { time: Some("time".to_owned()), ..columns() };
    let design =
        TestDesign { late_from: Timestamp::from_second(2_000).ok(), ..TestDesign::default() };
    let novelty =
        |log: &Log| OnlineTest::of(log, &columns, &design).unwrap().comparisons[0].novelty.unwrap();
    let mut fading = log(&[0.3, 0.8], 2_000, 3);
    fading.units.extend(log(&[0.3, 0.3], 6_000, 4).units);
    let found = novelty(&timed(fading.clone()));
    assert!(found.change.high.unwrap() < 0.0, "{found:?}");
    assert!((found.early.difference.unwrap() - 0.5).abs() < 0.08, "{found:?}");
    // By halves an early effect is mixed with a late one.
    let halves = OnlineTest::of(&timed(fading), &columns, &TestDesign::default()).unwrap();
    let halves = halves.comparisons[0].novelty.unwrap();
    assert!(halves.early.difference.unwrap() < found.early.difference.unwrap() - 0.1);
    let (tests, mut wrong) = (100, 0);
    for seed in 0..tests {
        let whole = timed(log(&[0.3, 0.5], 6_000, 500 + seed));
        wrong += u32::from((5..=12).any(|look| {
            let mut now = whole.clone();
            now.units.truncate(look * 500);
            novelty(&now).change.decision(None) != Decision::Open
        }));
    }
    // 5 % of 100 and three standard deviations.
    assert!(wrong <= 11, "{wrong} of {tests}");
}

#[test]
fn segments_share_the_level_of_their_arm() {
    let columns = LogColumns { segments: vec!["plan".to_owned()], ..columns() };
    let mut all = log(&[0.3, 0.6], 3_000, 6);
    all.units.extend(log(&[0.6, 0.3], 3_000, 7).units);
    for (place, unit) in all.units.iter_mut().enumerate() {
        unit.segments = vec![Some(if place < 3_000 { "free" } else { "paid" }.to_owned())];
    }
    let test = OnlineTest::of(&all, &columns, &TestDesign::default()).unwrap();
    let comparison = &test.comparisons[0];
    let of = |value: &str| comparison.segments.iter().find(|it| it.value == value).unwrap();
    assert_eq!(comparison.decision, Decision::Open, "{:?}", comparison.effect);
    assert_eq!([of("free"), of("paid")].map(|it| it.decision), [Decision::Higher, Decision::Lower]);
    assert_eq!(of("free").units, 3_000);
    let page = page(&test);
    assert!(page.contains("Where plan is paid it is lower."), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
}
