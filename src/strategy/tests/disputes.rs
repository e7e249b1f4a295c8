//! SIMBA with the numbers that it ships with: who is drawn, how many demonstrations are dropped, and what a
//! step consists of; and how many training rows are run to find a parent's failures.
//!
//! In which order disputed rows are learnt from is tested in `trees`, with smaller numbers.

use super::*;
use crate::candidate::Demo;
use crate::operator::Setting;
use std::collections::{BTreeMap, BTreeSet};

const NEAR: f64 = 0.03;

/// A SIMBA whose pool is made up: candidates with this many demonstrations, right before its first step. Dev
/// is one row, train one minibatch of 32.
fn pool<S: Fn(&str, Split, RowIx) -> f64>(demos: &[u32], score: S) -> Script<S> {
    let mut script = Script::new("simba", &[], (32, 1), 1_000_000, score);
    script.evaluate(CandidateIx::BASELINE, Split::Dev, 0, vec![RowIx(0)]);
    for (child, count) in (1..).zip(demos) {
        let proposal = script.state.next_proposal;
        let mut draft = Draft::new(proposal, vec![CandidateIx::BASELINE]);
        draft.init = Some(0);
        let ProposalOutcome::Added { mut candidate, gate } =
            script.child(&draft, Origin::Composed(proposal), None)
        else {
            panic!("a child")
        };
        // Rows beyond the minibatch, so that no new demonstration takes their place.
        candidate.demos =
            (100..100 + count).map(|row| Demo { row: RowIx(row), answer: None }).collect();
        script.record(Event::ProposalDrafted(draft));
        let outcome = ProposalOutcome::Added { candidate, gate };
        script.record(Event::CandidateComposed { proposal, outcome });
        script.evaluate(CandidateIx(child), Split::Dev, 0, vec![RowIx(0)]);
    }
    while let Some(Plan::Decide(event)) = script.plans().into_iter().next() {
        script.record(event);
    }
    assert_eq!(script.state.memory.generations.current().unwrap().members.len(), demos.len() + 1);
    script
}

/// The next draft, by this many seeds.
fn drawn<S>(script: &Script<S>, draws: u64) -> Vec<Draft> {
    let setting = |draw| Setting { train_rows: 32, texts: 1, has_demos: true, seed: Seed(draw) };
    let next = |draw| Search { setting: setting(draw), ..script.search() }.next_use();
    (0..draws).filter_map(next).collect()
}

/// Every candidate's answers to the minibatch, six to each row: whoever is drawn to run it has done so.
fn run_all<S: Fn(&str, Split, RowIx) -> f64>(script: &mut Script<S>) {
    let rows: Vec<RowIx> = (0..32).map(RowIx).collect();
    for candidate in 0..script.state.candidates.len() as u32 {
        for replicate in 0..6 {
            script.evaluate(CandidateIx(candidate), Split::Train, replicate, rows.clone());
        }
    }
}

/// On dev these scores; on train every second one is right on odd rows, the others on even ones.
fn scored(dev: &'static [f64]) -> impl Fn(&str, Split, RowIx) -> f64 {
    move |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from((row.0 + number(text)) % 2),
        _ => dev[number(text) as usize],
    }
}

/// The top six and the baseline, which takes the last one's place where it is none of them; each with the
/// weight e^(score / 0.2). Both whose prompts run the minibatch and who is changed are drawn so.
#[test]
fn simba_draws_sources_by_softmax_over_the_top_six_with_the_baseline() {
    let scores = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.05];
    let mut script = pool(&[0; 8], scored(scores));
    // 2 is the sixth, and makes room for the baseline.
    let top = [7, 6, 5, 4, 3, 0];
    let weight = |candidate: &usize| (scores[*candidate] / 0.2).exp();
    let total: f64 = top.iter().map(weight).sum();
    let near = |counts: &BTreeMap<usize, f64>| {
        let all: f64 = counts.values().sum();
        for candidate in top {
            let (share, expected) = (counts[&candidate] / all, weight(&candidate) / total);
            assert!((share - expected).abs() < NEAR, "{candidate}: {share}, not {expected}");
        }
        assert_eq!(counts.len(), top.len(), "{counts:?}");
    };
    let remaining =
        Remaining { rollouts: 1_000_000, total_rollouts: 1_000_000, spent: 0.0, hold_rows: 60 };
    let mut runs: BTreeMap<usize, f64> = BTreeMap::new();
    for seed in 0..40 {
        let (goal, searched) = (Goal::max_quality(), Searched { texts: 1, demos: true });
        let strategy = Composed::new(script.recipe.phases(), goal, 32, searched, Seed(seed));
        let mut asked = 0;
        for plan in strategy.ask(&script.state, remaining) {
            let Plan::Evaluate { candidate, split: Split::Train, rows, .. } = plan else {
                panic!("runs come first: {plan:?}")
            };
            *runs.entry(candidate.index()).or_default() += rows.len() as f64;
            asked += rows.len();
        }
        assert_eq!(asked, 192, "six runs of each of 32 rows");
    }
    near(&runs);

    run_all(&mut script);
    let mut parents: BTreeMap<usize, f64> = BTreeMap::new();
    for draft in drawn(&script, 4_000) {
        if let Some(parent) = draft.parents.first() {
            *parents.entry(parent.index()).or_default() += 1.0;
        }
    }
    near(&parents);
}

/// Of n demonstrations, of which there may be 4, Poisson(n / 4) are dropped, at least one of 4, and never
/// more than there are.
#[test]
fn simba_drops_demonstrations_by_poissons_law() {
    // The baseline, which has none, is hardly ever drawn beside those: e^−5.
    let mut script = pool(&[1, 2, 3, 4], scored(&[0.0, 1.0, 1.0, 1.0, 1.0]));
    run_all(&mut script);
    let mut dropped: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut left: BTreeMap<RowIx, u32> = BTreeMap::new();
    for draft in drawn(&script, 14_000) {
        let Some(&CandidateIx(parent @ 1..)) = draft.parents.first() else { continue };
        let demos = draft.demos.as_ref().unwrap();
        let old = demos.iter().filter(|demo| demo.row.0 >= 100);
        let kept = old.clone().count();
        // A demonstration adds one of the minibatch, a rule none.
        assert_eq!(demos.len() - kept, usize::from(draft.operator == Some(0)));
        assert!(demos.len() <= 4, "{draft:?}");
        dropped.entry(parent).or_default().push(parent as usize - kept);
        if parent == 4 {
            old.for_each(|demo| *left.entry(demo.row).or_default() += 1);
        }
    }
    for (n, drops) in &dropped {
        let all = drops.len() as f64;
        assert!(all > 2_800.0, "{all} draws of {n}");
        let rate = f64::from(*n) / 4.0;
        let poisson: Vec<f64> = (0..*n)
            .scan(0.0_f64, |factorial, k| {
                // ln k!, one factor after the other.
                *factorial += f64::from(k.max(1)).ln();
                Some((f64::from(k) * rate.ln() - rate - *factorial).exp())
            })
            .collect();
        let mut expected = poisson.clone();
        expected.push(1.0 - poisson.iter().sum::<f64>());
        if *n == 4 {
            // None becomes one.
            expected[1] += std::mem::take(&mut expected[0]);
        }
        for (k, expected) in expected.iter().enumerate() {
            let share = drops.iter().filter(|drop| **drop == k).count() as f64 / all;
            assert!((share - expected).abs() < NEAR, "{k} of {n}: {share}, not {expected}");
        }
    }
    assert_eq!(dropped.len(), 4);
    // Which of them are dropped is chance.
    let all: u32 = left.values().sum();
    for count in left.values() {
        assert!((f64::from(*count) / f64::from(all) - 0.25).abs() < NEAR, "{left:?}");
    }
}

/// 8 steps; in each the next 32 training rows are run 6 times, 192 runs in all, and the 7 widest gaps are
/// learnt from; what comes of it is tried on 32 rows. 7 of the steps' winners are tried at the end.
#[test]
fn simba_takes_eight_steps_of_192_runs_and_seven_children() {
    let score = |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from((row.0 + number(text)) % 2),
        _ => f64::from(number(text)) / 100.0,
    };
    let mut script = Script::new("simba", &[], (300, 100), 1_000_000, score);
    script.run(1_000_000);
    let starts: Vec<usize> = (0..script.events.len())
        .filter(|at| matches!(script.events[*at], Event::GenerationStarted(_)))
        .collect();
    // The last one is the population that the search ended with.
    assert_eq!(starts.len(), 9);
    let mut seen = BTreeSet::new();
    for step in starts.windows(2) {
        let events = &script.events[step[0]..step[1]];
        let mut runs: BTreeMap<RowIx, usize> = BTreeMap::new();
        let mut uses = 0;
        for event in events {
            match event {
                Event::EvaluationIssued(block) if block.split == Split::Train => {
                    block.rows.iter().for_each(|row| *runs.entry(*row).or_default() += 1);
                }
                Event::EvaluationIssued(block) => {
                    assert_eq!((block.split, block.replicate), (Split::Dev, 0));
                }
                Event::ProposalDrafted(draft) => {
                    assert_eq!(draft.step, 0);
                    uses += 1;
                }
                _ => {}
            }
        }
        assert_eq!((runs.len(), uses), (32, 7));
        assert!(runs.values().all(|times| *times == 6), "{runs:?}");
        seen.extend(runs.into_keys());
    }
    assert_eq!(seen.len(), 256, "no row twice before all were used");
    // Before the end, every candidate has the same number of rows; those that are tried again are seven.
    let tried: BTreeSet<u32> = script
        .blocks()
        .into_iter()
        .filter(|(_, split, replicate, _)| *split == Split::Dev && *replicate == 0)
        .map(|(candidate, ..)| candidate)
        .collect();
    assert_eq!(tried.len(), script.state.candidates.len());
    for (candidate, standing) in script.state.numbered() {
        if !script.state.shortlist.contains(&candidate) {
            assert_eq!(standing.dev().scored, 32, "{candidate:?}");
        }
    }
    assert_eq!(script.state.shortlist.len(), 7);
    // Seed and last winner, and five between them.
    assert!(script.state.shortlist.contains(&CandidateIx::BASELINE));
    let last = CandidateIx(script.state.candidates.len() as u32 - 1);
    assert!(script.state.shortlist.contains(&last), "the best of the last step is its youngest");
}

/// Training rows that the baseline of map-elites is run on before anything is asked of the mutator, or until it
/// is given up. Its feedback shows 3 failures, which it looks for on up to 24 rows.
fn rows_for_evidence(fails: impl Fn(RowIx) -> bool) -> (Vec<RowIx>, Option<Abandoned>) {
    let score = |_: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from(u8::from(!fails(row))),
        _ => 0.5,
    };
    let mut script = Script::new("map-elites", &[], (52, 8), 10_000, score);
    loop {
        assert!(script.step());
        let why = match script.events.last() {
            Some(Event::ProposalAbandoned { why, .. }) => Some(*why),
            Some(Event::ProposalFolded { .. }) => None,
            _ => continue,
        };
        let blocks = script.events.iter().filter_map(|event| match event {
            Event::EvaluationIssued(block) if block.split == Split::Train => Some(&block.rows),
            _ => None,
        });
        return (blocks.flatten().copied().collect(), why);
    }
}

/// Blocks of 8 rows are run until 3 failures are known or 24 rows were run; where none of these is a failure,
/// on to the first block with one, and up to all of train before a parent is called perfect.
#[test]
fn a_parent_without_a_failure_is_run_on_all_of_train() {
    let (order, why) = rows_for_evidence(|_| false);
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 52);
    assert_eq!((order.len(), why), (52, Some(Abandoned::Perfect)));
    let (rows, why) = rows_for_evidence(|_| true);
    assert_eq!((rows.len(), why), (8, None));
    // Rows come in the same order whatever their answers are.
    for (place, failure) in order.iter().enumerate() {
        let (rows, why) = rows_for_evidence(|row| row == *failure);
        let block_end = (place / 8 + 1) * 8;
        assert_eq!((rows.len(), why), (block_end.clamp(24, 52), None), "{place}");
        assert_eq!(rows, order[..rows.len()]);
    }
    // The third failure lies in the second block.
    let (rows, _) = rows_for_evidence(|row| [order[0], order[7], order[11]].contains(&row));
    assert_eq!(rows.len(), 16);
}
