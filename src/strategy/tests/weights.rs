//! Rows that count more: the winner is the best one by the weights, however it is tried and chosen.

use super::*;

/// Every fourth row counts ten times as much as each other one: 1 on average.
fn weight(row: RowIx) -> f64 {
    if row.0.is_multiple_of(4) { 40.0 / 13.0 } else { 4.0 / 13.0 }
}

/// The winner's number, where odd children are right on the heavy rows alone, even ones on the others, and the baseline nowhere.
/// `None`: there is none yet.
fn winner(sets: &[&str], weight: fn(RowIx) -> f64) -> Option<u32> {
    let score = |text: &str, _: Split, row: RowIx| match number(text) {
        0 => 0.0,
        number => f64::from(u8::from(row.0.is_multiple_of(4) != number.is_multiple_of(2))),
    };
    let mut script = Script::new("random", sets, (40, 80), 6_000, score);
    script.weight = weight;
    script.run(20_000);
    match script.plans().as_slice() {
        [Plan::Win { candidate, .. }, ..] => {
            Some(number(script.state.standing(*candidate).candidate.prompt.part("system")?))
        }
        _ => None,
    }
}

#[test]
fn the_winner_is_the_best_by_weight() {
    let stop = "stop.when=[\"children:6\"]";
    for sets in [
        &[stop, "final.kind=argmax"][..],
        &[stop, "final.kind=confirm"],
        &[stop, "final.kind=shortlist"],
        &[stop, "evaluate.kind=race", "accept.kind=archive_or_incumbent"],
        &[stop, "evaluate.kind=cascade"],
    ] {
        let (by_weight, by_count) = (winner(sets, weight), winner(sets, |_| 1.0));
        let is_odd = |number: Option<u32>| number.map(|number| number % 2);
        assert_eq!(is_odd(by_weight), Some(1), "{sets:?}: {by_weight:?}");
        assert!(by_count > Some(0) && is_odd(by_count) == Some(0), "{sets:?}: {by_count:?}");
    }
}
