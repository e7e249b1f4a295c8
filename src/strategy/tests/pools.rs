//! Pools that are made once: TRIPLE's contests, bootstrapped demonstrations, and combinations of
//! instructions and demonstrations (MIPROv2, Hyperband with proposals).

use super::*;
use crate::candidate::Demo;
use crate::stats::cluster::KMeans;
use crate::vector::features::Featuriser;
use std::collections::BTreeSet;

/// A pool of the baseline and this many paraphrases, instead of the recipe's own.
fn of_size(paraphrases: u32) -> String {
    format!("init=[{{kind=\"baseline\"}},{{kind=\"paraphrase\",take={paraphrases}}}]")
}

impl<S: Fn(&str, Split, RowIx) -> f64> Script<S> {
    fn rounds(&self) -> Vec<Round> {
        let rounds = self.events.iter().filter_map(|event| match event {
            Event::RoundStarted(round) => Some(round.clone()),
            _ => None,
        });
        rounds.collect()
    }

    /// Rows of dev that a candidate was asked, in order.
    fn rows_of(&self, candidate: u32) -> Vec<u32> {
        let blocks = self.events.iter().filter_map(|event| match event {
            Event::EvaluationIssued(block)
                if block.candidate.0 == candidate && block.split == Split::Dev =>
            {
                Some(block.rows.iter().map(|row| row.0))
            }
            _ => None,
        });
        blocks.flatten().collect()
    }

    fn ended(&self) -> Option<StopReason> {
        self.events.iter().find_map(|event| match event {
            Event::SearchEnded { reason } => Some(*reason),
            _ => None,
        })
    }

    fn winner(&self) -> u32 {
        match self.plans().into_iter().next() {
            Some(Plan::Win { candidate, .. }) => candidate.0,
            other => panic!("no winner: {other:?}"),
        }
    }

    fn sets(&self) -> Vec<Vec<Demo>> {
        self.state.memory.demo_sets.collected().unwrap_or_default().to_vec()
    }

    /// The search is over when the choice of a winner begins.
    fn run_to_end(&mut self) {
        for _ in 0..20_000 {
            if !self.step() {
                return;
            }
        }
        panic!("it does not end");
    }
}

/// The scores of three arms, the same on every row.
fn three(text: &str, _: Split, _: RowIx) -> f64 {
    [0.9, 0.5, 0.4][number(text) as usize]
}

#[test]
fn continuous_rejects_lets_the_worst_go_when_it_is_far_enough_behind() {
    // T = 60 and K = 3: loḡ(3) = ½ + ½ + ⅓ = 4/3. After n sweeps β = 3n · 4/3 / 60 = n/15, and
    // G = √(15/n) − 1. The worst (0.4) is 0.3 behind the mean of the others (0.7): √(15/n) < 1.3 from
    // n = 9 on. Then T − 9 = 51 for two arms, loḡ(2) = 1, β = 2n/51: the gap of 0.4 is above
    // √(25.5/n) − 1 from n = 13.01 on, which is 14.
    let mut script = Script::new("triple-cr", &[&of_size(2)], (4, 40), 60, three);
    script.run_to_end();
    let dropped: Vec<u32> = script.dropped().iter().map(|(candidate, _)| *candidate).collect();
    assert_eq!(dropped, [2, 1]);
    assert_eq!([0, 1, 2].map(|arm| script.rows_of(arm).len()), [14, 14, 9]);
    assert_eq!((script.winner(), script.ended()), (0, Some(StopReason::PoolDone)));
    // Nobody can go before G(β) < 1: β > ¼, n > 3.75. The first four sweeps are asked together.
    assert_eq!((script.rounds()[0].pulls, script.rounds()[0].candidates.len()), (4, 3));
    // Each draws its own rows, and none twice before all of dev was used.
    let rows = [0, 1].map(|arm| script.rows_of(arm));
    assert_ne!(rows[0], rows[1]);
    assert_eq!(rows[0].iter().collect::<BTreeSet<_>>().len(), 14);
}

#[test]
fn continuous_rejects_may_wait_for_the_smallest_gap() {
    // The smallest gap is 0.1: √(15/n) < 1.1 from n = 12.4 on, which is 13. Then 47 are left for two
    // arms: √(23.5/n) < 1.4 from n = 12 on, and an arm goes only with more than 13.
    let sets = [of_size(2), "evaluate.rule=closest".to_owned()];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let mut script = Script::new("triple-cr", &sets, (4, 40), 60, three);
    script.run_to_end();
    assert_eq!([0, 1, 2].map(|arm| script.rows_of(arm).len()), [14, 14, 13]);
}

#[test]
fn continuous_rejects_ends_with_the_budget_and_returns_the_best_mean() {
    // Arms that are alike: nobody goes, and after 20 sweeps over three arms 60 rows are used.
    let score = |text: &str, _: Split, _: RowIx| [0.5, 0.51, 0.5][number(text) as usize];
    let mut script = Script::new("triple-cr", &[&of_size(2)], (4, 40), 62, score);
    script.run_to_end();
    let used: usize = (0..3).map(|arm| script.rows_of(arm).len()).sum();
    assert!(used <= 62 && used + script.state.memory.contests.survivors().len() > 62, "{used}");
    assert_eq!(script.winner(), 1);
}

/// Two pairs of like texts.
const PAIRS: [&str; 4] = [
    "seed",
    "translate every sentence of the letter into french",
    "list all the prime numbers below a hundred",
    "list all of the prime numbers below a hundred",
];

fn with_texts<S: Fn(&str, Split, RowIx) -> f64>(
    texts: &[&str],
    mut script: Script<S>,
) -> Script<S> {
    script.texts = texts.iter().map(|text| (*text).to_owned()).collect();
    script
}

#[test]
fn clusters_are_tried_as_one_before_the_members_of_the_better_half() {
    // K = 4 makes C = 2 clusters. 5·C·(1 − KL) rows go to them, the same number to each; one cluster
    // stays, and the rest of T goes to its members by sequential halving.
    let score = |text: &str, _: Split, _: RowIx| {
        PAIRS.iter().position(|other| *other == text).unwrap() as f64 / 10.0
    };
    let sets = [of_size(3), "evaluate.features=16".to_owned()];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let mut script = with_texts(&PAIRS, Script::new("triple-clst", &sets, (4, 200), 110, score));
    script.run_to_end();
    let features = Featuriser::new(512, 16, Seed(0));
    let vectors: Vec<Vec<f64>> = PAIRS.iter().map(|text| features.of(text)).collect();
    let like = |a: usize, b: usize| {
        let apart = vectors[a].iter().zip(&vectors[b]).map(|(a, b)| (a - b).powi(2));
        apart.sum::<f64>()
    };
    assert!(like(2, 3) < like(1, 2) && like(2, 3) < like(0, 3), "what is alike is near");
    let rounds = script.rounds();
    let first = &rounds[0];
    assert_eq!((first.group, first.candidates.len()), (0, 4));
    // Two clusters of two: KL = 0, and 5·2 rows, five for each cluster, among its members at random.
    assert_eq!(first.pulls, 5);
    let pulls: Vec<u32> = first.each.iter().map(|(_, pulls)| *pulls).collect();
    assert_eq!((pulls[0] + pulls[1], pulls[2] + pulls[3]), (5, 5));
    assert!(pulls[0] > 0, "the baseline gets a row");
    // The better cluster's two members in one round of halving: ⌊100 / (1·2)⌋ rows for each, after those
    // that they have had.
    assert_eq!(rounds[1].candidates, [CandidateIx(2), CandidateIx(3)]);
    assert_eq!(rounds[1].each, [(u64::from(pulls[2]), 50), (u64::from(pulls[3]), 50)]);
    assert_eq!(rounds.len(), 2);
    assert_eq!((script.winner(), script.ended()), (3, Some(StopReason::PoolDone)));
}

#[test]
fn clusters_follow_from_the_texts_and_get_equal_shares_of_random_members() {
    let texts: Vec<String> = (0..16)
        .map(|number| match number / 4 {
            0 => format!("translate the letter into french, version {number}"),
            1 => format!("list prime numbers below a hundred, version {number}"),
            2 => format!("who painted this picture and when, version {number}"),
            _ => format!("sort customers by their last purchase, version {number}"),
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let sets = [of_size(15), "evaluate.share=0.25".to_owned()];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let mut script = Script::new("triple-clst", &sets, (4, 200), 320, |_: &str, _: Split, _| 0.5);
    script = with_texts(&texts, script);
    script.run(60);
    // The baseline's text stands alone; the others are as they were written. C = ⌈√16⌉ = 4.
    let round = &script.rounds()[0];
    let features = Featuriser::new(512, 64, Seed(0));
    let vectors: Vec<Vec<f64>> = std::iter::once("seed")
        .chain(texts[1..].iter().copied())
        .map(|text| features.of(text))
        .collect();
    let seed = Seed(1).child("contest", 0).child("clusters", 0);
    let clusters = KMeans::fit(&vectors, 4, seed).unwrap();
    // A quarter of 320 rows over four clusters.
    assert_eq!(round.pulls, 20);
    for cluster in 0..4 {
        let of_cluster = (0..16).filter(|place| clusters.assignment[*place] == cluster);
        let pulls: u32 = of_cluster.map(|place| round.each[place].1).sum();
        assert_eq!(pulls, 20, "cluster {cluster}");
    }
}

/// Eight texts: wording tells which are good.
const TELLING: [&str; 8] = [
    "seed",
    "think step by step, check each step, then answer",
    "answer at once, guess wildly",
    "think step by step, check each step, then reply",
    "answer at once, guess quickly",
    "think step by step, check every step, then answer",
    "answer at once, guess",
    "think step by step, check each single step, then answer",
];

#[test]
fn a_regression_on_texts_drops_those_that_it_holds_to_be_the_worse_half() {
    let score = |text: &str, _: Split, row: RowIx| {
        let good = text.starts_with("think");
        f64::from(u8::from(if good { !row.0.is_multiple_of(5) } else { row.0.is_multiple_of(5) }))
    };
    let script = Script::new("triple-gse", &[&of_size(7)], (4, 400), 240, score);
    let mut script = with_texts(&TELLING, script);
    script.run_to_end();
    // L = ⌈log₂ 8⌉ = 3 phases of 80 rows: 10 for each of 8, 20 for each of 4, 40 for each of 2.
    let rounds = script.rounds();
    let sizes: Vec<(usize, u32)> =
        rounds.iter().map(|round| (round.candidates.len(), round.pulls)).collect();
    assert_eq!(sizes, [(8, 10), (4, 20), (2, 40)]);
    let kept: Vec<u32> = rounds[1].candidates.iter().map(|candidate| candidate.0).collect();
    assert_eq!(kept, [1, 3, 5, 7]);
    for (candidate, why) in script.dropped() {
        assert!(matches!(why, Dropped::Predicted { .. }), "{candidate}: {why:?}");
    }
    assert!(script.winner() % 2 == 1);
}

#[test]
fn a_regression_is_fitted_after_so_many_rows_for_the_arms_with_the_fewest() {
    let score = |text: &str, _: Split, row: RowIx| {
        f64::from(u8::from(text.starts_with("think") != row.0.is_multiple_of(5)))
    };
    let sets = [of_size(7), "evaluate.every=5".to_owned(), "evaluate.max_error=0".to_owned()];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let mut script = with_texts(&TELLING, Script::new("triple-gse", &sets, (4, 400), 23, score));
    script.run(60);
    let rounds = script.rounds();
    let pulls: Vec<Vec<u32>> =
        rounds.iter().map(|round| round.each.iter().map(|(_, pulls)| *pulls).collect()).collect();
    assert_eq!(pulls[0], [1, 1, 1, 1, 1, 0, 0, 0]);
    // Five answers are enough for a fit that explains something: four of eight stay, one of them
    // without a row so far, which has the fewest, and then the others in turn.
    assert_eq!(rounds[1].candidates.len(), 4);
    let of_last = rounds[1].candidates.iter().position(|candidate| candidate.0 == 7).unwrap();
    assert_eq!((of_last, rounds[1].each[3]), (3, (0, 2)));
    assert_eq!(pulls[1], [1, 1, 1, 2]);
    assert_eq!((rounds[2].each.clone(), rounds.len()), (vec![(2, 3), (2, 2)], 3));
    // 23 rows: three rounds of five; after the third one is left.
    assert_eq!(script.ended(), Some(StopReason::PoolDone));
}

#[test]
fn a_regression_that_explains_nothing_drops_nobody_before_the_end() {
    // Twins in nearly the same words, one good and one bad: whoever learns from a twin expects the
    // opposite. And single answers scatter by more than the greatest error that is allowed.
    let texts: Vec<String> = (0..12)
        .map(|number: u64| {
            let word = |of: u64, salt: u64| Seed(of).child("word", salt).0 % 100_000;
            let topic: Vec<String> =
                (0..12).map(|salt| format!("w{}", word(number / 2, salt))).collect();
            format!("{} w{}", topic.join(" "), word(number + 50, 0))
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let score = |text: &str, _: Split, row: RowIx| {
        let place = texts.iter().position(|other| *other == text).unwrap_or(0);
        // The first of a pair is good in every second pair.
        let good = (place % 2 == 0) == (place / 2 % 2 == 0);
        f64::from(u8::from(good != row.0.is_multiple_of(5)))
    };
    let sets = [of_size(11), "evaluate.max_error=0.0".to_owned()];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let mut script = with_texts(&texts, Script::new("triple-gse", &sets, (4, 400), 480, score));
    script.run_to_end();
    // Four phases of 120 rows: 10 for each of 12, as long as nobody goes.
    let sizes: Vec<usize> = script.rounds().iter().map(|round| round.candidates.len()).collect();
    assert_eq!(sizes, [12, 12, 12, 12]);
}

/// Training rows with even numbers are answered well by the baseline, and a candidate's quality on dev
/// follows from its number.
fn bootstrapped(text: &str, split: Split, row: RowIx) -> f64 {
    match split {
        Split::Train => f64::from(u8::from(row.0.is_multiple_of(2))),
        _ => f64::from(number(text) * 7 % 20) / 20.0,
    }
}

#[test]
fn bootstrapped_sets_are_none_labels_in_order_and_shuffled() {
    let mut script = Script::new("bootstrap-rs", &[], (40, 10), 1_000, bootstrapped);
    script.run_to_end();
    // The baseline is asked in blocks of 8 until it was right 3 × 4 times: every second row, 24 rows.
    let asked: usize = script
        .blocks()
        .into_iter()
        .filter(|(_, split, ..)| *split == Split::Train)
        .map(|(.., rows)| rows)
        .sum();
    assert_eq!(asked, 24);
    let sets = script.sets();
    assert_eq!((sets.len(), sets[0].len()), (19, 0));
    assert_eq!(sets[1].len(), 16);
    assert!(sets[1].iter().all(|demo| demo.answer.is_none()), "labels only");
    let own = |set: &[Demo]| -> Vec<u32> {
        set.iter().filter(|demo| demo.answer.is_some()).map(|demo| demo.row.0).collect()
    };
    assert_eq!(own(&sets[2]), [0, 2, 4, 6], "unshuffled");
    for set in &sets[2..] {
        assert_eq!(set.len(), 16, "filled up with labels");
        assert!((1..=4).contains(&own(set).len()));
        let rows: BTreeSet<u32> = set.iter().map(|demo| demo.row.0).collect();
        assert_eq!(rows.len(), 16, "no row twice");
    }
    // The baseline is the set without demonstrations; 18 others are composed, and all see all of dev.
    assert_eq!(script.state.candidates.len(), 19);
    assert!((0..19).all(|candidate| script.rows_of(candidate).len() == 10));
    assert_eq!(script.state.counts.rejected.len(), 0);
    // 7n mod 20 is 19 at n = 17.
    assert_eq!((script.winner(), script.ended()), (17, Some(StopReason::PoolDone)));
}

#[test]
fn bootstrapped_sets_end_with_a_perfect_one() {
    let score = |text: &str, split: Split, row: RowIx| match (split, number(text)) {
        (Split::Dev, 5) => 1.0,
        _ => f64::from(row.0 % 2),
    };
    let mut script = Script::new("bootstrap-rs", &[], (40, 10), 1_000, score);
    script.run_to_end();
    assert_eq!((script.winner(), script.ended()), (5, Some(StopReason::ScoreReached)));
}

#[test]
fn mipro_tries_minibatches_and_promotes_the_best_mean_after_every_fifth() {
    let mut script = Script::new("mipro", &[], (40, 60), 10_000, bootstrapped);
    script.run_to_end();
    // The baseline sees all of dev first; a summary, then n/2 = 3 instructions less the baseline's own.
    assert_eq!(script.rows_of(0).len(), 60);
    let steps: Vec<u8> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ProposalDrafted(draft) if draft.init.is_some() => Some(draft.step),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [0, 1, 1]);
    assert_eq!(script.sets().len(), 6);
    // V = 2 lists, of at most n = 6: ⌊max(4 log₂ 6, 9)⌋ = 10 trials. The numbers of trials, and
    // promotions (round 1) after the fifth and the tenth.
    let rounds = script.rounds();
    let kinds: Vec<(u32, u32)> = rounds.iter().map(|round| (round.round, round.contest)).collect();
    let trials = |range: std::ops::Range<u32>| range.map(|number| (0, number));
    let expected: Vec<(u32, u32)> =
        trials(0..5).chain([(1, 5)]).chain(trials(5..10)).chain([(1, 10)]).collect();
    assert_eq!(kinds, expected);
    assert_eq!(script.ended(), Some(StopReason::Generations));
    // Each trial asks for 35 rows, less those that its combination has had.
    let quality =
        |candidate: u32| bootstrapped(&format!("child {candidate}"), Split::Dev, RowIx(0));
    let quality = |candidate: u32| if candidate == 0 { 0.0 } else { quality(candidate) };
    let mut full = BTreeSet::from([0]);
    let mut tried: Vec<u32> = Vec::new();
    for round in &rounds {
        let candidate = round.candidates[0].0;
        if round.round == 0 {
            if !tried.contains(&candidate) && !full.contains(&candidate) {
                assert!(script.rows_of(candidate).len() >= 35);
            }
            tried.push(candidate);
            continue;
        }
        // Of those that were tried and have not had all of dev, the one with the best mean.
        let open: Vec<u32> = tried.iter().copied().filter(|c| !full.contains(c)).collect();
        let best = open.iter().copied().max_by(|a, b| {
            let place = |of: &u32| tried.iter().position(|other| other == of);
            quality(*a).total_cmp(&quality(*b)).then(place(b).cmp(&place(a)))
        });
        assert_eq!(Some(candidate), best, "of {open:?}");
        assert_eq!(script.rows_of(candidate).len(), 60);
        full.insert(candidate);
    }
    // A trial draws rows of its own.
    let batches: BTreeSet<Vec<u32>> = tried
        .iter()
        .filter(|candidate| !full.contains(candidate))
        .map(|candidate| script.rows_of(*candidate)[..35].to_vec())
        .collect();
    assert!(batches.len() > 1);
    // The winner has had all of dev, whatever a minibatch said of others.
    let best = full.iter().copied().max_by(|a, b| quality(*a).total_cmp(&quality(*b)));
    assert_eq!(Some(script.winner()), best);
}

#[test]
fn mipro_evaluates_in_full_once_more_at_the_end() {
    let sets = ["stop.when=[\"trials:7\"]"];
    let mut script = Script::new("mipro", &sets, (40, 60), 10_000, bootstrapped);
    script.run_to_end();
    let promoted: Vec<u32> = script
        .rounds()
        .iter()
        .filter(|round| round.round == 1)
        .map(|round| round.contest)
        .collect();
    assert_eq!(promoted, [5, 7]);
}

#[test]
fn mipro_has_no_minibatches_where_dev_is_small() {
    let mut script = Script::new("mipro", &[], (40, 50), 10_000, bootstrapped);
    script.run_to_end();
    let rounds = script.rounds();
    assert_eq!((rounds.len(), rounds.iter().filter(|round| round.round > 0).count()), (10, 0));
    assert!(rounds.iter().all(|round| script.rows_of(round.candidates[0].0).len() == 50));
}

#[test]
fn mipro_searches_instructions_alone_where_there_is_no_part_for_demonstrations() {
    let mut script = Script::new("mipro", &[], (40, 60), 10_000, bootstrapped);
    let goal = Goal::max_quality();
    let searched = Searched { texts: 1, demos: false };
    script.strategy = Composed::new(script.recipe.phases(), goal, 40, searched, Seed(1));
    script.run_to_end();
    // n = 6 instructions with the baseline's; V = 1: ⌊max(2 log₂ 6, 9)⌋ = 9 trials.
    assert_eq!(
        (script.state.candidates.len(), script.state.memory.demo_sets.collected()),
        (6, None)
    );
    assert_eq!(script.state.memory.trials.count(), 9);
    assert_eq!(script.ended(), Some(StopReason::Generations));
}

#[test]
fn mipro_ends_where_nothing_is_left_to_learn() {
    let sets = ["stop.when=[]", "init=[{kind=\"baseline\"},{kind=\"grounded\",take=2}]"];
    for sampler in ["tpe", "random", "gp"] {
        let sampler = format!("sampler={{kind=\"{sampler}\"}}");
        let sets = [&sets[..], &[&sampler]].concat();
        let mut script = Script::new("mipro", &sets, (40, 60), 10_000, bootstrapped);
        let goal = Goal::max_quality();
        let searched = Searched { texts: 1, demos: false };
        script.strategy = Composed::new(script.recipe.phases(), goal, 40, searched, Seed(1));
        script.run_to_end();
        assert_eq!(script.ended(), Some(StopReason::PoolDone));
    }
}

#[test]
fn hyperband_climbs_nested_rungs_bracket_by_bracket() {
    // Dev of 80 and b_min = 10: s_max = 3. Brackets of 8, 6, 4 and 4 combinations.
    let score = |text: &str, _: Split, _: RowIx| f64::from(number(text) * 37 % 101) / 101.0;
    let mut script = Script::new("hyperband-bo", &[], (40, 80), 100_000, score);
    while script.rounds().len() < 45 {
        assert!(script.step());
    }
    let rounds = script.rounds();
    let mut expected: Vec<(u32, u32, usize, u64, u32)> = Vec::new();
    let mut trials = |s: u32, n: usize, rows: u32| {
        expected.extend(std::iter::repeat_n((s, 0, 1, 0, rows), n));
        match s {
            3 => expected.extend([(3, 1, 4, 10, 10), (3, 2, 2, 20, 20), (3, 3, 1, 40, 40)]),
            2 => expected.extend([(2, 1, 3, 20, 20), (2, 2, 1, 40, 40)]),
            1 => expected.extend([(1, 1, 2, 40, 40)]),
            _ => {}
        }
    };
    for (s, n, rows) in [(3, 8, 10), (2, 6, 20), (1, 4, 40), (0, 4, 80), (3, 8, 10), (2, 6, 20)] {
        trials(s, n, rows);
    }
    let found: Vec<(u32, u32, usize, u64, u32)> =
        rounds.iter().map(|r| (r.group, r.round, r.candidates.len(), r.first, r.pulls)).collect();
    assert_eq!(found, expected[..found.len()]);
    // Rungs keep the best, and rows are the first ones of dev for all.
    let quality = |candidate: u32| score(&format!("child {candidate}"), Split::Dev, RowIx(0));
    let of = |range: std::ops::Range<usize>| -> Vec<u32> {
        rounds[range].iter().flat_map(|round| &round.candidates).map(|c| c.0).collect()
    };
    let best = |mut members: Vec<u32>, keep: usize| -> Vec<u32> {
        members.sort_by(|a, b| quality(*b).total_cmp(&quality(*a)));
        members.truncate(keep);
        members.sort_unstable();
        members
    };
    assert_eq!(of(8..9), best(of(0..8), 4));
    assert_eq!(of(9..10), best(of(8..9), 2));
    assert_eq!(of(17..18), best(of(11..17), 3));
    for round in &rounds {
        for candidate in &round.candidates {
            let rows = script.rows_of(candidate.0);
            assert_eq!(rows, (0..u32::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
        }
    }
    // No combination is tried twice while others are left.
    let tried: BTreeSet<u32> =
        script.state.memory.trials.tried().iter().map(|t| t.candidate.0).collect();
    assert_eq!(tried.len(), script.state.memory.trials.tried().len());
    // The incumbent has had all of dev, and is the best of those.
    let full: Vec<u32> = script
        .state
        .numbered()
        .filter(|(_, standing)| standing.dev().folded == 80)
        .map(|(candidate, _)| candidate.0)
        .collect();
    let best = full.into_iter().max_by(|a, b| {
        let of = |c: u32| if c == 0 { 0.0 } else { quality(c) };
        of(*a).total_cmp(&of(*b))
    });
    assert_eq!(Some(script.state.incumbent.0), best);
}

#[test]
fn hyperband_ends_when_every_combination_has_had_all_of_dev() {
    let sets = ["init=[{kind=\"baseline\"},{kind=\"llm_variants\",take=4}]"];
    let score = |text: &str, _: Split, _: RowIx| f64::from(number(text)) / 10.0;
    let mut script = Script::new("hyperband-bo", &sets, (40, 40), 100_000, score);
    script.run_to_end();
    assert_eq!((script.winner(), script.ended()), (4, Some(StopReason::PoolDone)));
    assert!((0..5).all(|candidate| script.rows_of(candidate).len() == 40));
}

#[test]
fn a_process_over_texts_and_sets_asks_for_what_is_like_the_best() {
    // Quality lies in the instruction alone: the third variant is good, whatever stands beside it.
    let texts: Vec<String> = std::iter::once("seed".to_owned())
        .chain((1..6).map(|number| format!("instruction {number} {}", "abc ".repeat(number))))
        .collect();
    let share = |sampler: &str| {
        let sampler = format!("sampler={{kind=\"{sampler}\"}}");
        let sets = [
            sampler.as_str(),
            "init=[{kind=\"baseline\"},{kind=\"llm_variants\",take=5},{kind=\"random_shots\",sets=12,min=5,max=5}]",
        ];
        let score = |_: &str, _: Split, _: RowIx| 0.0;
        let mut script = Script::new("hyperband-bo", &sets, (40, 40), 100_000, score);
        script.texts.clone_from(&texts);
        for _ in 0..2_000 {
            if script.state.memory.trials.count() >= 30 {
                break;
            }
            // Scores by the parent of a combination, which its own text does not tell.
            let Some(plan) = script.plans().into_iter().next() else { panic!("nothing to do") };
            if let Plan::Evaluate { candidate, split, replicate, rows } = plan {
                let good = script.text_of(candidate) == CandidateIx(3);
                let score = if good { 0.9 } else { 0.3 };
                script.answer_all(candidate, split, replicate, rows, score);
            } else {
                script.step();
            }
        }
        let tried = script.state.memory.trials.tried();
        let late = &tried[6..];
        let good = late.iter().filter(|trial| script.text_of(trial.candidate) == CandidateIx(3));
        good.count() as f64 / late.len() as f64
    };
    let (model, chance) = (share("gp"), share("random"));
    // All twelve sets with the good instruction are half of what is tried then.
    assert!(model > 0.38 && model > chance + 0.15, "{model} against {chance}");
}

impl<S: Fn(&str, Split, RowIx) -> f64> Script<S> {
    /// The candidate whose text a combination has.
    fn text_of(&self, candidate: CandidateIx) -> CandidateIx {
        let standing = &self.state.standing(candidate).candidate;
        if standing.demos.is_empty() { candidate } else { standing.parents[0] }
    }

    fn answer_all(
        &mut self,
        candidate: CandidateIx,
        split: Split,
        replicate: u16,
        rows: Vec<RowIx>,
        score: f64,
    ) {
        let first = self.state.next_call;
        let count = rows.len() as u64;
        let (reserve, cached) = (Amount::ZERO, Vec::new());
        let block =
            Block { first, candidate, split, replicate, rows, reserve, cached, judging: None };
        self.record(Event::EvaluationIssued(block));
        for offset in 0..count {
            let call = Call(first.0 + offset);
            self.record(Event::Answered(answer(call)));
            let outcome = RowOutcome::scored(Score::new(score).unwrap(), false);
            self.record(Event::EvaluationFolded { call, outcome });
        }
    }
}

#[test]
fn a_refused_combination_is_not_asked_for_again() {
    let sets = ["init=[{kind=\"baseline\"},{kind=\"random_shots\",sets=4,min=1,max=2}]"];
    let score = |_: &str, _: Split, _: RowIx| 0.5;
    let mut script = Script::new("hyperband-bo", &sets, (40, 40), 100_000, score);
    let mut refused = 0;
    for _ in 0..2_000 {
        let Some(plan) = script.plans().into_iter().next() else { panic!("nothing to do") };
        match plan {
            Plan::Compose(draft) if refused < 3 => {
                refused += 1;
                let (reason, detail) = (crate::event::Rejection::TooLong, String::new());
                let outcome = ProposalOutcome::Rejected { reason, detail };
                script.record(Event::CandidateComposed { proposal: draft.proposal, outcome });
            }
            Plan::Win { .. } => break,
            _ => {
                script.step();
            }
        }
    }
    assert_eq!((refused, script.ended()), (3, Some(StopReason::PoolDone)));
    assert_eq!(script.state.candidates.len(), 2);
}

#[test]
fn asking_again_changes_nothing() {
    for name in ["triple-cr", "triple-clst", "triple-gse", "bootstrap-rs", "mipro", "hyperband-bo"]
    {
        let score = |text: &str, _: Split, row: RowIx| f64::from((number(text) + row.0) % 3) / 2.0;
        let mut script = Script::new(name, &[], (30, 60), 900, score);
        for _ in 0..250 {
            assert_eq!(script.plans(), script.plans(), "{name}");
            if !script.step() {
                break;
            }
        }
    }
}
