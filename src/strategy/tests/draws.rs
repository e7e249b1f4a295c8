//! How often each thing is drawn, with the shipped recipes' own numbers: operators, parents and
//! demonstrations of the next draft, by thousands of seeds in one and the same situation.
//!
//! What follows from a draw, and in which order, is tested with the recipes in the other files.

use super::*;
use crate::candidate::Demo;
use crate::operator::Setting;
use std::collections::{BTreeMap, BTreeSet};

/// How far a share may be from what is expected: more than three standard errors for 2,800 draws.
const NEAR: f64 = 0.03;

/// The next draft of an operator, by this many seeds.
fn drawn<S>(script: &Script<S>, train_rows: u32, draws: u64) -> Vec<Draft> {
    let setting = |draw| Setting { train_rows, texts: 1, has_demos: true, seed: Seed(draw) };
    let next = |draw| Search { setting: setting(draw), ..script.search() }.next_use();
    (0..draws).filter_map(next).collect()
}

/// How large a share of all draws each one is.
fn shares<K: Ord>(draws: impl IntoIterator<Item = K>) -> BTreeMap<K, f64> {
    let mut counts = BTreeMap::new();
    let mut all = 0.0;
    for draw in draws {
        *counts.entry(draw).or_insert(0.0) += 1.0;
        all += 1.0;
    }
    counts.values_mut().for_each(|count| *count /= all);
    counts
}

/// Draws as often as expected, up to a factor, and nothing else is drawn.
fn near<K: Ord + Copy + std::fmt::Debug>(found: &BTreeMap<K, f64>, weights: &[(K, f64)]) {
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    for (key, weight) in weights {
        let (share, expected) = (found.get(key).copied().unwrap_or(0.0), weight / total);
        assert!((share - expected).abs() < NEAR, "{key:?}: {share}, not {expected}: {found:?}");
    }
    assert!(found.keys().all(|key| weights.iter().any(|(known, _)| known == key)), "{found:?}");
}

fn operators(drafts: &[Draft]) -> BTreeMap<u16, f64> {
    shares(drafts.iter().filter_map(|draft| draft.operator))
}

fn first_parents(drafts: &[Draft]) -> BTreeMap<u32, f64> {
    shares(drafts.iter().filter_map(|draft| draft.parents.first()).map(|parent| parent.0))
}

/// Whom a candidate of a made-up history comes from.
#[derive(Clone, Copy)]
enum By {
    /// From `init`, which no operator gains by.
    Init,
    /// From an operator, on an island or on none.
    Operator(u16, Option<u16>),
}

/// One more candidate, which has answered all of a dev of one row; its text is `child n` or the script's.
fn joins<S: Fn(&str, Split, RowIx) -> f64>(script: &mut Script<S>, by: By, demos: Vec<Demo>) {
    let proposal = script.state.next_proposal;
    let mut draft = Draft::new(proposal, vec![CandidateIx::BASELINE]);
    match by {
        By::Init => draft.init = Some(0),
        By::Operator(operator, island) => {
            (draft.operator, draft.island) = (Some(operator), island);
        }
    }
    let child = script.child(&draft, Origin::Composed(proposal), None);
    let ProposalOutcome::Added { mut candidate, gate } = child else { panic!("a child") };
    candidate.demos = demos;
    script.record(Event::ProposalDrafted(draft));
    let outcome = ProposalOutcome::Added { candidate, gate };
    script.record(Event::CandidateComposed { proposal, outcome });
    let last = CandidateIx(script.state.candidates.len() as u32 - 1);
    script.evaluate(last, Split::Dev, 0, vec![RowIx(0)]);
}

/// A recipe whose seed has answered a dev of one row.
fn with_seed<S: Fn(&str, Split, RowIx) -> f64>(name: &str, sets: &[&str], score: S) -> Script<S> {
    let mut script = Script::new(name, sets, (32, 1), 1_000_000, score);
    script.evaluate(CandidateIx::BASELINE, Split::Dev, 0, vec![RowIx(0)]);
    script
}

// ── SAMMO and TextGrad ───────────────────────────────────────────────────────────────────────────

/// The published code gives all mutators the same prior, and seven of them are in the recipe.
#[test]
fn sammo_draws_each_of_seven_operators_alike() {
    let score = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
    let mut script = Script::new("sammo-beam", &[], (40, 8), 100_000, score);
    while script.state.memory.generations.current().is_none() {
        assert!(script.step());
    }
    let alike: Vec<(u16, f64)> = (0..7).map(|operator| (operator, 1.0)).collect();
    near(&operators(&drawn(&script, 40, 8_000)), &alike);
}

/// TSGD-M draws among past prompts with their accuracy on validation as weights: 0.1, 0.3, 0.6 and 0.9 of
/// 1.9. What was reverted is none of them.
#[test]
fn textgrad_draws_parents_in_proportion_to_their_scores() {
    let score = |text: &str, split: Split, _: RowIx| match (split, number(text)) {
        (Split::Train, _) => 0.0,
        (_, 0) => 0.1,
        (_, 1) => 0.3,
        (_, 2) => 0.6,
        (_, 3) => 0.9,
        _ => 0.05,
    };
    let mut script = Script::new("textgrad-momentum", &[], (9, 8), 10_000, score);
    // The next one but one is there: the first that is worse was judged.
    while script.state.candidates.len() < 6 {
        assert!(script.step());
    }
    let parents = first_parents(&drawn(&script, 9, 8_000));
    near(&parents, &[(0, 0.1), (1, 0.3), (2, 0.6), (3, 0.9)]);
}

// ── shinka-islands ───────────────────────────────────────────────────────────────────────────────

/// Patches are diffs, full rewrites and crosses with 0.6, 0.3 and 0.1. An upper bound is infinite until an
/// operator has a result, so that at first all are alike but for these weights; then those without a
/// result share the draws. A cross needs two parents, and leaves its draws to the others without.
#[test]
fn shinka_draws_patches_by_their_weights_until_each_has_a_result() {
    let score = |text: &str, _: Split, _: RowIx| f64::from(number(text)) / 10.0;
    let mut script = with_seed("shinka-islands", &[], score);
    near(&operators(&drawn(&script, 32, 8_000)), &[(0, 0.6), (1, 0.3)]);
    joins(&mut script, By::Init, Vec::new());
    joins(&mut script, By::Init, Vec::new());
    near(&operators(&drawn(&script, 32, 8_000)), &[(0, 0.6), (1, 0.3), (2, 0.1)]);
    joins(&mut script, By::Operator(0, Some(0)), Vec::new());
    near(&operators(&drawn(&script, 32, 8_000)), &[(1, 0.3), (2, 0.1)]);
}

/// An archive of 40, parents by σ(λ (f − median) / MAD) / (1 + children) with λ = 10, and two inspirations.
#[test]
fn a_full_island_keeps_its_best_forty_and_breeds_from_them() {
    // 1 and 2 are the best and on both islands. 3 to 62 live on the first one: 38 good ones, then 22 that
    // are among the poorest. 63 to 72 live on the other island.
    let score_of = |number: u32| match number {
        0 => 0.0,
        1 | 2 => 1.0 - f64::from(number) / 100.0,
        3..=40 => 0.5 + f64::from(number - 3) / 100.0,
        41..=62 => f64::from(number) / 1_000.0,
        _ => 0.95,
    };
    let score = |text: &str, _: Split, _: RowIx| score_of(number(text));
    let mut script = with_seed("shinka-islands", &[], score);
    for child in 1..=72_u32 {
        let by = match child {
            1 | 2 => By::Init,
            3..=62 => By::Operator(2, Some(0)),
            _ => By::Operator(2, Some(1)),
        };
        joins(&mut script, by, Vec::new());
    }
    assert_eq!(script.search().slots.archive.island(&script.state), Some(0));
    let kept = script.search().members(Some(0));
    let kept: BTreeSet<u32> = kept.into_iter().map(|candidate| candidate.0).collect();
    assert_eq!(kept, (1..=40).collect::<BTreeSet<u32>>());

    // None of the forty has a child: the baseline has all of them.
    let mut scores: Vec<f64> = kept.iter().map(|candidate| score_of(*candidate)).collect();
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[19], values[20])
    };
    let median = middle(&mut scores);
    let spread = middle(&mut scores.iter().map(|score| (score - median).abs()).collect());
    let weight = |candidate: u32| {
        let z = 10.0 * (score_of(candidate) - median) / spread;
        (candidate, 1.0 / (1.0 + (-z).exp()))
    };
    let weights: Vec<(u32, f64)> = kept.iter().map(|candidate| weight(*candidate)).collect();
    let drafts = drawn(&script, 32, 8_000);
    let single: Vec<Draft> = drafts.into_iter().filter(|draft| draft.parents.len() == 1).collect();
    assert!(single.len() > 4_000);
    let parents = first_parents(&single);
    near(&parents, &weights);
    // Forty small shares together: half the sum of their errors is 0.03 by chance, and 0.2 where the
    // poorest pull the median down.
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let error = |(parent, weight): &(u32, f64)| {
        (parents.get(parent).copied().unwrap_or(0.0) - weight / total).abs() / 2.0
    };
    assert!(weights.iter().map(error).sum::<f64>() < 0.07, "{parents:?}");

    // The better one stands last.
    for draft in single.iter().filter(|draft| draft.operator == Some(0)) {
        let told: Vec<u32> = draft.context.iter().map(|told| told.candidate.0).collect();
        assert_eq!(told, [2, 1]);
    }
    assert!(single.iter().any(|draft| draft.operator == Some(0)));
}

// ── map-elites ───────────────────────────────────────────────────────────────────────────────────

/// OpenEvolve explores with 0.2 (anyone), exploits with 0.7 (the best, ten of them here instead of a
/// hundred, so that there are others), and else draws by fitness. Elites without a point are drawn for exploration alone; those that have points, but are not
/// among the ten, also for their fitness.
#[test]
fn map_elites_explores_exploits_and_weighs_by_its_own_shares() {
    // Mixtures of the baseline's own word and another one, in many lengths: many cells of the grid.
    let text = |child: u32| {
        let (own, other) = (child % 6, 10 - child / 6);
        format!("{}{}{child}", "seed ".repeat(own as usize), "other ".repeat(other as usize))
    };
    let texts: Vec<String> = (0..60).map(text).collect();
    let points = |place: usize| match place % 3 {
        0 => 0.0,
        1 => 0.5,
        _ => 0.8,
    };
    let by_text: BTreeMap<String, f64> =
        texts.iter().enumerate().map(|(place, text)| (text.clone(), points(place))).collect();
    let score = |text: &str, _: Split, _: RowIx| by_text.get(text).copied().unwrap_or(0.0);
    let mut script = with_seed("map-elites", &["select.top=10"], score);
    script.texts = std::iter::once("seed".to_owned()).chain(texts).collect();
    for _ in 0..60 {
        joins(&mut script, By::Operator(0, None), Vec::new());
    }
    let mean = |candidate: CandidateIx| script.state.standing(candidate).dev().mean().unwrap();
    let mut elites = script.search().slots.archive.kept(&script.search());
    elites.sort_by(|a, b| mean(*b).total_cmp(&mean(*a)).then(a.cmp(b)));
    let all = elites.len() as f64;
    let sum: f64 = elites.iter().map(|elite| mean(*elite)).sum();
    // The chance of all of a group together: exploration, exploitation, fitness.
    let chance = |group: &[CandidateIx], best: f64| {
        let points: f64 = group.iter().map(|elite| mean(*elite)).sum();
        0.2 * group.len() as f64 / all + 0.7 * best + 0.1 * points / sum
    };
    let (ten, others) = elites.split_at(10);
    let poor = others.iter().position(|elite| mean(*elite) < 0.1).unwrap();
    let (some, none) = others.split_at(poor);
    assert!(some.len() > 3 && none.len() > 3, "{} and {}", some.len(), none.len());
    let drafts = drawn(&script, 32, 10_000);
    let group = |draft: &Draft| {
        let parent = &draft.parents[0];
        if ten.contains(parent) { 0 } else { 1 + u8::from(none.contains(parent)) }
    };
    let expected = [(0, chance(ten, 1.0)), (1, chance(some, 0.0)), (2, chance(none, 0.0))];
    assert!((expected.iter().map(|(_, chance)| chance).sum::<f64>() - 1.0).abs() < 1e-6);
    near(&shares(drafts.iter().map(group)), &expected);
    // Any of the ten is as likely as another, but for its fitness.
    let parents = first_parents(&drafts);
    for elite in ten {
        let (share, expected) = (parents[&elite.0], chance(&[*elite], 0.1));
        assert!((share - expected).abs() < 0.015, "{share}, not {expected}");
    }
}

// ── CAPO ─────────────────────────────────────────────────────────────────────────────────────────

/// Two parents, each as likely as any other; of the union of their shots a random ⌊(a + b) / 2⌋; then with a
/// third each one more, one less, or neither.
#[test]
fn capo_draws_shots_of_a_child_from_the_union_of_its_parents() {
    let score = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
    let mut script = Script::new("capo", &[], (40, 60), 100_000, score);
    while script.state.memory.generations.current().is_none() {
        assert!(script.step());
    }
    let rows = |candidate: CandidateIx| -> BTreeSet<RowIx> {
        let demos = &script.state.standing(candidate).candidate.demos;
        demos.iter().map(|demo| demo.row).collect()
    };
    let drafts = drawn(&script, 40, 10_000);
    let alike: Vec<(u32, f64)> = (0..10).map(|parent| (parent, 1.0)).collect();
    near(&shares(drafts.iter().flat_map(|draft| &draft.parents).map(|p| p.0)), &alike);

    let mut changes = Vec::new();
    let (mut of_first, mut expected) = (0.0, 0.0);
    for draft in &drafts {
        let [first, second] = draft.parents[..] else { panic!("two parents") };
        assert_ne!(first, second);
        let (a, b) = (rows(first), rows(second));
        let union: BTreeSet<RowIx> = a.union(&b).copied().collect();
        let half = ((a.len() + b.len()) / 2).min(union.len());
        let shots: BTreeSet<RowIx> =
            draft.demos.as_ref().unwrap().iter().map(|demo| demo.row).collect();
        assert_eq!(shots.len(), draft.demos.as_ref().unwrap().len(), "no row twice");
        let change = shots.len() as i64 - half as i64;
        // Only a shot that was added may come from elsewhere.
        assert!(shots.difference(&union).count() as i64 <= change.max(0), "{draft:?}");
        if half > 0 && half < 5 {
            changes.push(change);
        }
        if change <= 0 && !union.is_empty() {
            of_first += shots.intersection(&a).count() as f64;
            expected += shots.len() as f64 * a.len() as f64 / union.len() as f64;
        }
    }
    assert!(changes.len() > 5_000, "{}", changes.len());
    near(&shares(changes), &[(-1, 1.0), (0, 1.0), (1, 1.0)]);
    // Both parents give in proportion to what they have.
    assert!((of_first / expected - 1.0_f64).abs() < NEAR, "{of_first}, not {expected}");
}
