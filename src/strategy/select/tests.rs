//! How often each kind of selection draws each candidate.

use super::{SELECTS, by_fitness};
use crate::id::CandidateIx;
use crate::memory::State;
use crate::seed::Seed;
use crate::strategy::search::{Pool, Slots};
use crate::strategy::tests::{grown, searching};

/// Candidates 0..=5 with these scores; 1 and 3 have two children and one.
fn state() -> State {
    grown(
        &[("a", 0, 0.2), ("b", 1, 0.4), ("c", 1, 0.6), ("d", 3, 0.8), ("e", 0, 0.5)],
        &[1, 2, 3, 4],
    )
}

/// The slots of `random`, with another selection.
fn slots(kind: &str, keys: &str) -> Slots {
    let select = (SELECTS.kind(kind).unwrap().read)(toml::from_str(keys).unwrap()).unwrap();
    Slots { select, ..crate::recipe::load("random", &[]).unwrap().slots }
}

/// How often each of the state's candidates is drawn of 4,000 times.
fn drawn(kind: &str, keys: &str, count: usize) -> Vec<f64> {
    let (state, slots) = (state(), slots(kind, keys));
    let members: Vec<CandidateIx> = (0..6).map(CandidateIx).collect();
    let mut counts = vec![0.0; 6];
    for draw in 0..4_000 {
        let seed = Seed(5).child("draw", draw);
        let pool = Pool { members: &members, index: 0, count, seed };
        let chosen = slots.select.parents(&searching(&slots, &state), &pool).unwrap();
        assert_eq!(chosen.candidates.len(), count);
        assert!(count < 2 || chosen.candidates[0] != chosen.candidates[1]);
        counts[chosen.candidates[0].index()] += 1.0 / 4_000.0;
    }
    counts
}

fn near(drawn: &[f64], expected: &[f64]) {
    let total: f64 = expected.iter().sum();
    for (drawn, expected) in drawn.iter().zip(expected) {
        assert!((drawn - expected / total).abs() < 0.03, "{drawn} {}", expected / total);
    }
}

/// Three: the best two, and the baseline in the last one's place, by exp(score / 0.2).
#[test]
fn softmax_draws_among_the_best_few_and_the_baseline() {
    let e = |score: f64| (score / 0.2).exp();
    let expected = [e(0.0), 0.0, 0.0, e(0.6), e(0.8), 0.0];
    near(&drawn("softmax", "temperature = 0.2\ntop = 3", 1), &expected);
    near(&drawn("softmax", "temperature = 100.0\ntop = 3", 1), &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
}

/// Scores 0, .2, .4, .6, .8, .5: the median is .45, and the median distance from it .2 (of .45, .25,
/// .05, .15, .35, .05). Children: the baseline has 2, 1 has 2, 3 has 1.
#[test]
fn weighted_novelty_prefers_what_is_above_the_median_and_has_few_children() {
    let sigmoid = |score: f64, lambda: f64| 1.0 / (1.0 + (-lambda * (score - 0.45) / 0.2).exp());
    for lambda in [1.0, 10.0] {
        let s = |score| sigmoid(score, lambda);
        let expected = [s(0.0) / 3.0, s(0.2) / 3.0, s(0.4), s(0.6) / 2.0, s(0.8), s(0.5)];
        let keys = format!("lambda = {lambda:?}");
        near(&drawn("weighted_novelty", &keys, 1), &expected);
        drawn("weighted_novelty", &keys, 2);
    }
}

#[test]
fn cells_are_explored_exploited_and_weighed() {
    let drawn = |explore: f64, exploit: f64| {
        drawn("cells", &format!("explore = {explore:?}\nexploit = {exploit:?}\ntop = 2"), 1)
    };
    near(&drawn(1.0, 0.0), &[1.0; 6]);
    near(&drawn(0.0, 1.0), &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    let scores = [0.0, 0.2, 0.4, 0.6, 0.8, 0.5];
    near(&drawn(0.0, 0.0), &scores);
    let mixed: Vec<f64> = scores
        .iter()
        .zip([0.0, 0.0, 0.0, 0.5, 0.5, 0.0])
        .map(|(score, best)| 0.2 / 6.0 + 0.7 * best + 0.1 * score / 2.5)
        .collect();
    near(&drawn(0.2, 0.7), &mixed);
}

#[test]
fn a_mate_is_drawn_by_its_score() {
    let (state, slots) = (state(), slots("best", ""));
    let others: Vec<CandidateIx> = [0, 1, 2, 3, 5].map(CandidateIx).to_vec();
    let mut counts = [0.0; 6];
    for draw in 0..4_000 {
        let mut rng = Seed(6).child("draw", draw).rng();
        let mate = by_fitness(&searching(&slots, &state), &others, &mut rng).unwrap();
        counts[mate.index()] += 1.0 / 4_000.0;
    }
    near(&counts, &[0.0, 0.2, 0.4, 0.6, 0.0, 0.5]);
}
