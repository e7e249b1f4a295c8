//! What is decided about prompts on the same rows, by hand and by the laws that it keeps.

use super::*;
use crate::score_form::ScoreForm;

fn design(names: &[&str], margin: Option<f64>) -> PairedDesign {
    PairedDesign {
        score_form: ScoreForm::Percent,
        basis: Basis::Fixed,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        margin,
        level: Level::FIRST,
        seed: Seed(1),
        slices: Vec::new(),
        listed: 2,
    }
}

/// Rows with the scores of each prompt, repeated.
fn rows(kinds: &[(usize, &[f64])]) -> Vec<PairedRow> {
    let scores = kinds.iter().flat_map(|(count, scores)| std::iter::repeat_n(scores, *count));
    let row = |(number, scores): (usize, &&[f64])| PairedRow {
        id: format!("r{number}"),
        weight: 1.0,
        must_pass: false,
        expected: "yes".to_owned(),
        slices: Vec::new(),
        answers: scores.iter().map(|score| Some(RowScore::recorded(*score, None, false))).collect(),
    };
    scores.enumerate().map(row).collect()
}

fn of(design: &PairedDesign, rows: &[PairedRow]) -> AbTest {
    AbTest::of("task", design, rows).unwrap()
}

#[test]
fn rows_that_changed_sides_decide() {
    let two = design(&["a", "b"], None);
    let kinds: [(usize, &[f64]); 4] =
        [(30, &[0.0, 1.0]), (10, &[1.0, 0.0]), (50, &[1.0, 1.0]), (10, &[0.0, 0.0])];
    let test = of(&two, &rows(&kinds));
    let comparison = &test.comparisons[0];
    assert_eq!((comparison.better, comparison.worse, comparison.rows), (30, 10, 100));
    assert_eq!(comparison.test, Some(TestName::Mcnemar));
    // scipy.stats.binomtest(30, 40).pvalue
    assert!((comparison.p_value.unwrap() - 0.002_221_433_773).abs() < 1e-12, "{comparison:?}");
    assert_eq!(comparison.decision, Decision::Better);
    assert!((comparison.difference.mean - 0.2).abs() < 1e-12 && comparison.tested.is_none());
    let listed: Vec<&str> = comparison.changed.worse.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((listed, comparison.changed.better.len()), (vec!["r30", "r31"], 2));
    let page = page(&test);
    assert!(page.contains("✓ b is better than a: +20.0 (+"), "{page}");
    assert!(page.contains("better: 2 of 30 rows"), "{page}");
    // The other way round it is worse.
    let turned: Vec<PairedRow> = rows(&kinds)
        .into_iter()
        .map(|row| PairedRow { answers: row.answers.into_iter().rev().collect(), ..row })
        .collect();
    assert_eq!(of(&two, &turned).comparisons[0].decision, Decision::Worse);
}

#[test]
fn several_prompts_share_the_level_and_a_margin_decides_that_none_is_better() {
    // One-sided 0.012 by McNemar: enough for one prompt, not for one of three.
    let kinds: [(usize, &[f64]); 3] =
        [(20, &[0.0, 1.0, 0.0, 0.0]), (8, &[1.0, 0.0, 1.0, 1.0]), (72, &[1.0, 1.0, 1.0, 1.0])];
    let one = of(&design(&["a", "b"], None), &rows(&kinds));
    assert_eq!(one.comparisons[0].decision, Decision::Better);
    let three = of(&design(&["a", "b", "c", "d"], None), &rows(&kinds));
    assert_eq!(three.comparisons[0].decision, Decision::Open);
    let tested = three.comparisons[0].tested.unwrap().interval;
    assert!(tested.low < three.comparisons[0].difference.low && tested.low < 0.0);
    assert_eq!(three.comparisons[0].sequential.e_value_needed, 120.0);
    let alike: [(usize, &[f64]); 3] = [(10, &[0.0, 1.0]), (10, &[1.0, 0.0]), (980, &[1.0, 1.0])];
    let test = of(&design(&["a", "b"], Some(0.02)), &rows(&alike));
    assert_eq!(test.comparisons[0].decision, Decision::Same);
    assert!(page(&test).contains("= b and a differ by less than 2.0 pp"), "{}", page(&test));
    let test = of(&design(&["a", "b"], None), &rows(&alike));
    assert_eq!(test.comparisons[0].decision, Decision::Open);
}

#[test]
fn graded_scores_are_flipped_and_rows_without_an_answer_left_out() {
    let mut graded = rows(&[(40, &[0.2, 0.6]), (15, &[0.5, 0.4])]);
    graded[0].answers[1] = None;
    let test = of(&design(&["a", "b"], None), &graded);
    let comparison = &test.comparisons[0];
    assert_eq!((comparison.rows, comparison.better), (54, 39));
    assert_eq!(
        (comparison.test, comparison.decision),
        (Some(TestName::SignFlip), Decision::Better)
    );
    assert_eq!(test.prompts[1].quality.unwrap().n, 54);
    graded.iter_mut().for_each(|row| row.answers[1] = None);
    let none = AbTest::of("task", &design(&["a", "b"], None), &graded).unwrap_err();
    assert_eq!(none, "no row has an answer of both `a` and `b`");
}

#[test]
fn slices_share_a_level_and_one_that_differs_is_named() {
    let mut all =
        rows(&[(60, &[0.0, 1.0]), (2, &[1.0, 0.0]), (50, &[1.0, 0.0]), (300, &[1.0, 1.0])]);
    for (number, row) in all.iter_mut().enumerate() {
        let value = if (60..112).contains(&number) { "late" } else { "early" };
        row.slices = vec![Some(value.to_owned())];
    }
    let design = PairedDesign { slices: vec!["time".to_owned()], ..design(&["a", "b"], None) };
    let test = of(&design, &all);
    let slices = &test.comparisons[0].slices;
    let found: Vec<_> = slices.iter().map(|it| (it.value.as_str(), it.rows, it.decision)).collect();
    assert_eq!(found, [("early", 360, Decision::Better), ("late", 52, Decision::Worse)]);
    assert!(page(&test).contains("Where time is late it is worse."), "{}", page(&test));
}

#[test]
fn a_slice_of_few_rows_is_not_decided_by_its_interval_alone() {
    // Four of four: the score interval leaves 0 out at 2.5 %, and the exact test has p = 1/16.
    let mut all = rows(&[(4, &[0.0, 1.0]), (40, &[1.0, 1.0])]);
    all.iter_mut().for_each(|row| row.slices = vec![None]);
    all[..4].iter_mut().for_each(|row| row.slices = vec![Some("rare".to_owned())]);
    let design = PairedDesign { slices: vec!["kind".to_owned()], ..design(&["a", "b"], None) };
    let slice = &of(&design, &all).comparisons[0].slices[0];
    assert_eq!((slice.rows, slice.decision), (4, Decision::Open));
    assert!(slice.difference.low > 0.0, "{slice:?}");
}

#[test]
fn graded_scores_are_the_same_only_where_unseen_losses_are_bounded() {
    let of_rows = |alike: usize| {
        let all = rows(&[(10, &[0.5, 0.501]), (alike, &[0.5, 0.5])]);
        of(&design(&["a", "b"], Some(0.01)), &all).comparisons[0].decision
    };
    // Of 60 rows, what happens on 6 % of all may be missing; of 990, on 0.4 %.
    assert_eq!((of_rows(50), of_rows(980)), (Decision::Open, Decision::Same));
}

#[test]
fn rows_needed_are_those_of_the_level_and_the_weights() {
    let all = rows(&[(6, &[0.0, 1.0]), (4, &[1.0, 0.0]), (90, &[1.0, 1.0])]);
    let needed = |design: &PairedDesign, rows: &[PairedRow]| {
        of(design, rows).comparisons[0].rows_needed.unwrap()
    };
    let first = needed(&design(&["a", "b"], None), &all);
    let later = PairedDesign { level: Level::of_look(2), ..design(&["a", "b"], None) };
    assert!((needed(&later, &all) as f64 / first as f64 - 1.334).abs() < 0.01);
    let mut weighted = all;
    weighted.iter_mut().step_by(2).for_each(|row| row.weight = 3.0);
    assert!(needed(&design(&["a", "b"], None), &weighted) > first);
}

#[test]
fn rows_that_come_one_by_one_count_until_it_is_decided() {
    let kinds: [(usize, &[f64]); 2] = [(20, &[0.0, 1.0]), (100, &[1.0, 0.0])];
    let design = PairedDesign { basis: Basis::Sequential, ..design(&["a", "b"], None) };
    let test = of(&design, &rows(&kinds));
    let comparison = &test.comparisons[0];
    assert_eq!((comparison.decision, comparison.rows), (Decision::Better, 8));
    assert_eq!((comparison.p_value, comparison.worse), (None, 0));
    assert!(comparison.difference.low > 0.0, "{comparison:?}");
    assert_eq!(test.prompts[0].quality.unwrap().n, 120);
}
