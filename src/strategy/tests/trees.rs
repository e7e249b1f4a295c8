//! ProTeGi, PromptAgent, PromptWizard, SAMMO's beam, TextGrad with momentum, SIMBA and PhaseEvo.

use super::*;
use crate::event::{Generation, HistoryItem, Shown};
use crate::id::ProposalNumber;
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of some candidates.
fn numbers(candidates: &[CandidateIx]) -> Vec<u32> {
    candidates.iter().map(|candidate| candidate.0).collect()
}

fn drafts(events: &[Event]) -> Vec<&Draft> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::ProposalDrafted(draft) => Some(draft),
            _ => None,
        })
        .collect()
}

fn generations(events: &[Event]) -> Vec<&Generation> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::GenerationStarted(generation) => Some(generation),
            _ => None,
        })
        .collect()
}

fn rounds(events: &[Event]) -> Vec<&Round> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::RoundStarted(round) => Some(round),
            _ => None,
        })
        .collect()
}

fn shown(events: &[Event], of: ProposalNumber) -> Vec<Shown> {
    let found = events.iter().find_map(|event| match event {
        Event::ProposalIssued { proposal, rows, .. } if *proposal == of => Some(rows.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn blocks_of(events: &[Event], split: Split) -> Vec<&Block> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::EvaluationIssued(block) if block.split == split => Some(block),
            _ => None,
        })
        .collect()
}

/// The rows of one candidate's blocks, in their order.
fn rows_of(events: &[Event], split: Split, candidate: u32) -> Vec<RowIx> {
    let blocks = blocks_of(events, split).into_iter();
    blocks.filter(|block| block.candidate.0 == candidate).flat_map(|b| b.rows.clone()).collect()
}

fn ended(events: &[Event]) -> Option<StopReason> {
    events.iter().find_map(|event| match event {
        Event::SearchEnded { reason } => Some(*reason),
        _ => None,
    })
}

fn winner<S: Fn(&str, Split, RowIx) -> f64>(script: &Script<S>) -> u32 {
    match script.plans().into_iter().next() {
        Some(Plan::Win { candidate, .. }) => candidate.0,
        plan => panic!("no winner: {plan:?}"),
    }
}

/// The names of the meta-prompts of a draft's steps, as it went.
fn sent<S>(script: &Script<S>, draft: &Draft) -> &'static str {
    let mut draft = draft.clone();
    // Whether it asks what works is decided after it was drafted.
    for event in &script.events {
        if let Event::ProposalRevised { proposal, own } = event
            && *proposal == draft.proposal
        {
            draft.own = Some(own.clone());
        }
    }
    script.recipe.author(&draft).unwrap().meta_prompt(&draft).unwrap().name
}

// ── ProTeGi ──────────────────────────────────────────────────────────────────────────────────────

#[test]
fn protegi_criticises_errors_edits_paraphrases_caps_and_keeps_the_best_of_a_bandit() {
    // Every fourth training row comes out wrong; on dev, child k scores k/100 everywhere.
    let score = |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from(u8::from(!row.0.is_multiple_of(4))),
        _ => f64::from(number(text)) / 100.0,
    };
    let sets = ["evaluate.rounds=3", "evaluate.arms=4", "evaluate.pulls=4"];
    let mut script = Script::new("protegi", &sets, (80, 16), 100_000, score);
    while generations(&script.events).len() < 2 {
        assert!(script.step());
    }
    let events = &script.events;
    // A beam of one needs no contest: nothing is pulled before the first children are there.
    let first = events.iter().position(|event| matches!(event, Event::GenerationStarted(_)));
    assert!(
        events[..first.unwrap()].contains(&Event::ContestEnded { survivors: vec![CandidateIx(0)] })
    );
    assert!(blocks_of(&events[..first.unwrap()], Split::Dev).is_empty());
    // One minibatch of 64 rows for the parent, whichever critiques are made of it.
    assert_eq!(rows_of(events, Split::Train, 0).len(), 64);
    let distinct: BTreeSet<RowIx> = rows_of(events, Split::Train, 0).into_iter().collect();
    assert_eq!(distinct.len(), 64);
    // 4 critiques of 4 errors each, an edit of each, 2 paraphrases of each edit.
    let drafts = drafts(events);
    let of_step = |step: u8| drafts.iter().filter(move |draft| draft.step == step);
    assert_eq!([of_step(0).count(), of_step(1).count(), of_step(2).count()], [4, 4, 8]);
    for critique in of_step(0) {
        let rows = shown(events, critique.proposal);
        assert_eq!(rows.len(), 4);
        assert!(
            rows.iter().all(|shown| shown.row.0.is_multiple_of(4) && shown.replicate == Some(0))
        );
        assert_eq!(sent(&script, critique), "critique");
        let edits: Vec<_> = of_step(1)
            .filter(|edit| edit.from.map(|from| from.proposal) == Some(critique.proposal))
            .collect();
        assert_eq!(edits.len(), 1);
        assert_eq!(sent(&script, edits[0]), "edit");
        assert_eq!(shown(events, edits[0].proposal), rows, "the edit sees the same errors");
        assert_eq!(edits[0].parents, [CandidateIx(0)]);
    }
    for edit in of_step(1) {
        let paraphrases: Vec<_> = of_step(2)
            .filter(|later| later.from.map(|from| from.proposal) == Some(edit.proposal))
            .collect();
        assert_eq!(paraphrases.len(), 2);
        // They say the edited text in other words, and see no rows.
        let child = script
            .state
            .numbered()
            .find(|(_, standing)| standing.candidate.origin == Origin::Proposal(edit.proposal));
        assert_eq!(paraphrases[0].parents, [child.unwrap().0]);
        assert!(shown(events, paraphrases[0].proposal).is_empty());
    }
    // 12 children, of which 4 are left out before anything is spent on any of them.
    let capped: Vec<u32> = script
        .dropped()
        .into_iter()
        .filter(|(_, why)| *why == Dropped::Capped)
        .map(|(candidate, _)| candidate)
        .collect();
    assert_eq!(capped.len(), 4);
    let last = events
        .iter()
        .rposition(|event| matches!(event, Event::CandidateDropped { why: Dropped::Capped, .. }));
    assert!(blocks_of(&events[..last.unwrap()], Split::Dev).is_empty());
    let kept: Vec<u32> = (0..=12).filter(|candidate| !capped.contains(candidate)).collect();
    // 9 arms, 3 rounds of 4: two rounds for arms that nobody has seen; in the third the last of them,
    // and the three best of the others, which all have 4 rows and so the same bonus.
    let rounds = rounds(events);
    let arms: Vec<Vec<u32>> = rounds.iter().map(|round| numbers(&round.candidates)).collect();
    assert_eq!(arms.len(), 3);
    let seen: Vec<u32> = [&arms[0][..], &arms[1][..]].concat();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 8);
    let unseen: Vec<u32> = kept.iter().copied().filter(|arm| !seen.contains(arm)).collect();
    assert_eq!(unseen.len(), 1);
    let mut expected = seen.clone();
    expected.sort_unstable();
    let mut expected: Vec<u32> = expected[5..].iter().copied().chain(unseen).collect();
    expected.sort_unstable();
    assert_eq!(arms[2], expected);
    // The rows of a round are the same for all of its arms, and other ones in each round.
    let rows = |arm: u32| rows_of(events, Split::Dev, arm);
    for (round, arms) in arms[..2].iter().enumerate() {
        for arm in arms {
            assert_eq!(rows(*arm)[..4], rows(arms[0])[..4], "round {round}");
        }
    }
    assert_ne!(rows(arms[0][0])[..4], rows(arms[1][0])[..4]);
    // Who was pulled twice is not asked a row again.
    for arm in &kept {
        let distinct: BTreeSet<RowIx> = rows(*arm).into_iter().collect();
        assert_eq!(distinct.len(), rows(*arm).len());
    }
    // All were seen, so the beam is the best four by their means, and the others are out.
    let beam: Vec<u32> = kept.iter().rev().copied().take(4).collect();
    assert_eq!(numbers(&generations(events)[1].members), beam);
    let outranked =
        script.dropped().into_iter().filter(|(_, why)| matches!(why, Dropped::Outranked { .. }));
    assert_eq!(outranked.count(), 5);
    assert_eq!(script.state.incumbent.0, beam[0]);
}

#[test]
fn protegi_expands_every_member_of_the_beam_for_six_rounds() {
    let score = |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from(u8::from(!row.0.is_multiple_of(4))),
        _ => f64::from(number(text)) / 1_000.0,
    };
    let sets = ["evaluate.rounds=2", "evaluate.arms=40", "evaluate.pulls=2"];
    let mut script = Script::new("protegi", &sets, (64, 8), 100_000, score);
    script.run(100_000);
    let generations = generations(&script.events);
    assert_eq!(generations.len(), 7, "six, and the beam of the last one");
    assert_eq!(ended(&script.events), Some(StopReason::Generations));
    for generation in &generations[1..] {
        assert_eq!(generation.members.len(), 4);
    }
    // 8 children of each of 4 members and the beam: 36 arms; of the 48 children 16 are left out.
    let arms: Vec<usize> = rounds(&script.events).iter().map(|r| r.candidates.len()).collect();
    assert_eq!(arms, [9, 9, 36, 36, 36, 36, 36, 36, 36, 36, 36, 36]);
    let critiques = drafts(&script.events).iter().filter(|draft| draft.step == 0).count();
    assert_eq!(critiques, 4 + 5 * 16);
    // The best of all is the newest that was kept, and the last beam's best is returned.
    assert_eq!(winner(&script), generations[6].members[0].0);
}

/// Three arms, two a round: Q + √(ln t / N), t from 1, N in rows.
#[test]
fn a_bandit_explores_who_was_seen_least() {
    // Critique, an edit (child 1) and a paraphrase (child 2) of it.
    let sets = [
        "operator.0.weight=1",
        "operator.0.paraphrases=1",
        "evaluate.rounds=4",
        "evaluate.arms=2",
        "evaluate.pulls=4",
    ];
    let score = |text: &str, split: Split, row: RowIx| match (split, number(text)) {
        (Split::Train, _) => f64::from(u8::from(!row.0.is_multiple_of(4))),
        (_, 0) => 0.6,
        (_, 1) => 0.5,
        _ => 0.4,
    };
    let mut script = Script::new("protegi", &sets, (64, 64), 100_000, score);
    while generations(&script.events).len() < 2 {
        script.step();
    }
    let arms: Vec<Vec<u32>> =
        rounds(&script.events).iter().map(|round| numbers(&round.candidates)).collect();
    // Round 1 takes two at random, round 2 the third one and the better of the two. Whatever the first
    // two were, arm 0 (0.6) is the better one of a pair that it is in:
    // {0, 1}: round 2 is {0, 2}; N = 8, 4, 4; round 3, ln 3 = 1.0986: 0.6 + 0.3706 = 0.97,
    // 0.5 + 0.5241 = 1.02, 0.4 + 0.5241 = 0.92: {0, 1}; N = 12, 8, 4; round 4, ln 4 = 1.3863:
    // 0.6 + 0.3399 = 0.94, 0.5 + 0.4163 = 0.92, 0.4 + 0.5887 = 0.99: {0, 2}.
    // {0, 2}: round 2 is {0, 1}, and the rest is the same.
    // {1, 2}: round 2 is {0, 1}; N = 4, 8, 4; round 3: 0.6 + 0.5241 = 1.12, 0.5 + 0.3706 = 0.87,
    // 0.4 + 0.5241 = 0.92: {0, 2}; N = 8, 8, 8; round 4: the means decide: {0, 1}.
    let expected: [[u32; 2]; 3] = match arms[0][..] {
        [0, 1] => [[0, 2], [0, 1], [0, 2]],
        [0, 2] => [[0, 1], [0, 1], [0, 2]],
        [1, 2] => [[0, 1], [0, 2], [0, 1]],
        ref other => panic!("{other:?}"),
    };
    assert_eq!(arms[1..], expected.map(|pair| pair.to_vec()));
}

// ── PromptAgent ──────────────────────────────────────────────────────────────────────────────────

/// Rewards by the number of the child. Each expansion brings three children in turn.
const REWARDS: [f64; 19] = [
    0.5, // the baseline
    0.4, 0.6, 0.5, // of the baseline
    0.5, 0.7, 0.6, // of 2
    0.62, 0.65, 0.55, // of 5
    0.3, 0.5, 0.4, // of 8
    0.9, 0.1, 0.1, // of 7
    0.2, 0.2, 0.2,
];

/// What a node of the tree scores on dev; child 5 is right on all training rows, everybody else wrong.
fn tree_score(text: &str, split: Split, _: RowIx) -> f64 {
    match (split, number(text)) {
        (Split::Train, 5) => 1.0,
        (Split::Train, _) => 0.0,
        (_, child) => REWARDS.get(child as usize).copied().unwrap_or(0.0),
    }
}

#[test]
fn promptagent_walks_expands_simulates_and_backs_up_sums_of_rewards() {
    let sets = ["stop.when=['iterations:3', 'budget']"];
    let mut script = Script::new("promptagent-mcts", &sets, (12, 60), 100_000, tree_score);
    script.run(100_000);
    // Rollout 1. The baseline is expanded: 1, 2, 3, the best is 2 (0.6), at depth 1. 2 is expanded: 4, 5, 6,
    // the best is 5 (0.7), at depth 2, where nothing ends early yet. 5: 7, 8, 9, the best is 8 (0.65) at
    // depth 3: not above 0.7, not under (0.5 + 0.7) / 2. 8: 10, 11, 12, the best is 11 (0.5), under
    // (0.5 + 0.65) / 2 = 0.575: terminal.
    // Sums to the end: 2: 0.6 + 0.7 + 0.65 + 0.5 = 2.45; 5: 1.85; 8: 1.15; 11: 0.5.
    // Rollout 2, all N = 1 on the way, bonus 2.5 √ln 2 = 2.08 for all children, seen or not: the seen
    // ones have the higher Q. 2, 5, 8, and below 8 it is 11, which is terminal: nothing is expanded.
    // Rollout 3, N = 2 on the way, so 2.5 √(ln 3 / 2) = 1.85 for the seen and 2.5 √ln 3 = 2.62 for the
    // others. 2: 2.45 + 1.85 = 4.30 against 0.5 + 2.62 = 3.12. 5: 1.85 + 1.85 = 3.70 against 3.22.
    // 8: 1.15 + 1.85 = 3.00 against 7: 0.62 + 2.62 = 3.24. 7 is expanded: 13, 14, 15; 13 (0.9) is at
    // depth 4 and above all before: the rollout ends early.
    let generations = generations(&script.events);
    let walked: Vec<(u32, Vec<u32>)> =
        generations.iter().map(|g| (g.iteration, numbers(&g.members))).collect();
    let expected: [(u32, &[u32]); 7] = [
        (1, &[0]),
        (1, &[0, 2]),
        (1, &[0, 2, 5]),
        (1, &[0, 2, 5, 8]),
        (2, &[0, 2, 5, 8, 11]),
        (3, &[0, 2, 5, 7]),
        // Rollout 4 begins, and that ends the search: at 7, Q = 1.52 after one visit and a bonus of
        // 2.5 √ln 4 = 2.94 beat 8's (2.3 / 2) + 2.08; then 13 with Q = 0.9 beats 0.1.
        (4, &[0, 2, 5, 7, 13]),
    ];
    assert_eq!(walked, expected.map(|(iteration, path)| (iteration, path.to_vec())));
    assert_eq!(ended(&script.events), Some(StopReason::Generations));
    let parents: Vec<u32> = script
        .state
        .candidates
        .iter()
        .flat_map(|standing| numbers(&standing.candidate.parents))
        .collect();
    assert_eq!(parents, [0, 0, 0, 2, 2, 2, 5, 5, 5, 8, 8, 8, 7, 7, 7]);
    // Rewards are measured on 50 rows of dev.
    assert!(script.state.candidates.iter().all(|standing| standing.dev().scored == 50));
    // Paths: 0.59 on the mean twice, then (0.5 + 0.6 + 0.7 + 0.62 + 0.9) / 5 = 0.664; its best is 13.
    assert_eq!(winner(&script), 13);
}

#[test]
fn promptagent_shows_errors_or_else_successes_and_the_path() {
    let sets = ["stop.when=['iterations:1', 'budget']"];
    let mut script = Script::new("promptagent-mcts", &sets, (12, 60), 100_000, tree_score);
    script.run(100_000);
    let drafts = drafts(&script.events);
    let first: Vec<&&Draft> = drafts.iter().filter(|draft| draft.step == 0).collect();
    // Three batches of five for each node; an epoch of 12 rows is dealt as 5, 5, 2 and 3 from its start.
    assert_eq!(first.len(), 12);
    assert!(first.iter().all(|draft| draft.rows.len() == 5 && draft.replicate == 0));
    let dealt: BTreeSet<RowIx> = first[..3].iter().flat_map(|draft| draft.rows.clone()).collect();
    assert_eq!(dealt.len(), 12);
    // Child 5 makes no error: it is asked what works, and its child is refined from that.
    for draft in &drafts {
        let expected = match (draft.parents[0].0, draft.step) {
            (5, 0) => "praise",
            (5, _) => "refine",
            (_, 0) => "critique",
            (_, _) => "edit",
        };
        assert_eq!(sent(&script, draft), expected, "{draft:?}");
        assert_eq!(shown(&script.events, draft.proposal).len(), 5);
    }
    // What led to 8, oldest first, with rewards.
    let of_8 = drafts.iter().find(|draft| draft.parents[0].0 == 8).unwrap();
    let told =
        |candidate, score| HistoryItem { candidate: CandidateIx(candidate), score: Some(score) };
    let close = |a: &HistoryItem, b: &HistoryItem| {
        a.candidate == b.candidate && (a.score.unwrap() - b.score.unwrap()).abs() < 1e-9
    };
    let expected = [told(0, 0.5), told(2, 0.6), told(5, 0.7)];
    assert_eq!(of_8.context.len(), 3);
    assert!(of_8.context.iter().zip(&expected).all(|(a, b)| close(a, b)), "{:?}", of_8.context);
}

#[test]
fn promptagent_with_two_rollouts_sends_the_second_elsewhere() {
    let sets = ["stop.when=['iterations:3', 'budget']", "select.parallel=2"];
    let mut script = Script::new("promptagent-mcts", &sets, (12, 60), 100_000, tree_score);
    script.run(100_000);
    // At first there is only the baseline to walk to. After rollout 1, as above, the next goes 2, 5, 8, 11;
    // while it is out, 2 counts a visit more and no reward: 2.45 / 2 + 2.5 √(ln 3 / 2) = 3.08, which is
    // less than 0.5 + 2.5 √ln 3 = 3.12 for 3. Of the two leaves only 3 can be expanded.
    let generations = generations(&script.events);
    let walked: Vec<(u32, Vec<u32>)> =
        generations.iter().map(|g| (g.iteration, numbers(&g.members))).collect();
    assert_eq!(walked[4], (3, vec![0, 2, 5, 8, 11, 0, 3]));
    let after = drafts(&script.events).into_iter().filter(|draft| draft.step == 0).skip(12);
    assert_eq!(after.map(|draft| draft.parents[0].0).take(3).collect::<Vec<_>>(), [3, 3, 3]);
}

#[test]
fn promptagent_ends_where_nothing_is_left_to_expand() {
    // All children are alike, and no deeper than the baseline's own are allowed.
    let sets = ["stop.when=['budget']", "select.max_depth=1"];
    let score = |_: &str, _: Split, _: RowIx| 0.5;
    let mut script = Script::new("promptagent-mcts", &sets, (12, 8), 100_000, score);
    script.run(10_000);
    assert_eq!(ended(&script.events), Some(StopReason::PoolDone));
    assert_eq!(script.state.candidates.len(), 4);
    assert_eq!(winner(&script), 0);
}

// ── TextGrad ─────────────────────────────────────────────────────────────────────────────────────

#[test]
fn textgrad_reverts_what_is_worse_and_draws_parents_from_what_was_accepted() {
    // Child 1 is worse, 2 as good, 3 better, 4 as good as that, all others are worse. The baseline fails on
    // all training rows, child 4 on none, the others on some.
    let score = |text: &str, split: Split, row: RowIx| match (split, number(text)) {
        (Split::Train, 0) => 0.0,
        (Split::Train, 4) => 1.0,
        (Split::Train, _) => f64::from(row.0 % 2),
        (_, 0 | 2) => 0.5,
        (_, 3 | 4) => 0.75,
        _ => 0.25,
    };
    let mut script = Script::new("textgrad-momentum", &[], (9, 8), 10_000, score);
    script.run(10_000);
    assert_eq!(ended(&script.events), Some(StopReason::Generations));
    let incumbents: Vec<u32> = script.state.incumbents.iter().map(|(c, _)| c.0).collect();
    assert_eq!(incumbents, [0, 2, 3, 4]);
    // 12 updates: a critique of the next 3 rows of the epoch, and an edit.
    let drafts = drafts(&script.events);
    assert_eq!(drafts.len(), 24);
    let first: Vec<&&Draft> = drafts.iter().filter(|draft| draft.step == 0).collect();
    let mut epoch: Vec<RowIx> = first[..3].iter().flat_map(|draft| draft.rows.clone()).collect();
    epoch.sort();
    assert_eq!(epoch, (0..9).map(RowIx).collect::<Vec<_>>());
    for draft in &drafts {
        assert_eq!(shown(&script.events, draft.proposal).len(), 3);
        let perfect = draft.parents[0].0 == 4;
        let expected = match draft.step {
            0 => ["critique", "praise"],
            _ => ["edit", "refine"],
        };
        assert_eq!(sent(&script, draft), expected[usize::from(perfect)]);
    }
    // Parents are values that were accepted by then, and not the current one alone.
    let parents: Vec<u32> = first.iter().map(|draft| draft.parents[0].0).collect();
    assert_eq!(parents[..2], [0, 0]);
    assert!(parents.iter().all(|parent| [0, 2, 3, 4].contains(parent)), "{parents:?}");
    assert!(parents[4..].iter().any(|parent| *parent != 4), "{parents:?}");
    // Of two that are as good, the one that was accepted last is the current one.
    assert_eq!(winner(&script), 4);
}

// ── PromptWizard ─────────────────────────────────────────────────────────────────────────────────

#[test]
fn promptwizard_mutates_scores_on_a_row_or_two_refines_and_adds_failures() {
    // On dev, the baseline and most children fail at once; 7, 21 and 64 are right. On train, rows 0 to 9
    // come out wrong for everybody.
    let score = |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from(u8::from(row.0 >= 10)),
        _ => f64::from(u8::from([7, 21, 64].contains(&number(text)))),
    };
    let mut script = Script::new("promptwizard", &[], (40, 12), 10_000, score);
    script.run(100_000);
    let phases: Vec<u16> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::PhaseStarted { phase } => Some(*phase),
            _ => None,
        })
        .collect();
    assert_eq!(phases, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(ended(&script.events), Some(StopReason::Generations));
    // The first failure ends a trial, and so does the third success.
    let tried = |candidate: u32| rows_of(&script.events, Split::Dev, candidate).len();
    assert_eq!([tried(0), tried(1), tried(7), tried(21), tried(22)], [1, 1, 3, 3, 1]);
    // Who holds the place when each generation begins: of equals the newest, and nobody worse.
    let held: Vec<u32> =
        generations(&script.events).iter().map(|generation| generation.members[0].0).collect();
    // Phases of one generation begin two of them each: one to breed, one with what came of it.
    let expected = [0, 7, 7, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 64, 64, 64, 64, 64];
    assert_eq!(held, expected);
    let drafts = drafts(&script.events);
    let styles: Vec<u32> = drafts
        .iter()
        .filter(|draft| [0, 2, 4].contains(&draft.phase))
        .map(|draft| draft.parents[0].0)
        .collect();
    assert_eq!(styles, [[0; 20], [21; 20], [21; 20]].concat());
    // A good prompt (1.0 ≥ 0.5) is praised for a row that came out right, then refined from that alone.
    let refined: Vec<(u32, &str, Vec<Shown>)> = drafts
        .iter()
        .filter(|draft| draft.phase == 1)
        .map(|draft| {
            (draft.parents[0].0, sent(&script, draft), shown(&script.events, draft.proposal))
        })
        .collect();
    assert_eq!((refined[0].0, refined[0].1, refined[0].2.len()), (7, "praise", 1));
    assert!(refined[0].2[0].row.0 >= 10);
    assert_eq!((refined[1].0, refined[1].1, refined[1].2.len()), (7, "refine", 0));
    // Five failures among at most 25 rows are the examples.
    let filled = drafts.iter().find(|draft| draft.phase == 6).unwrap();
    assert_eq!(filled.parents, [CandidateIx(21)]);
    let demos = &script.state.standing(CandidateIx(64)).candidate.demos;
    assert_eq!(demos.len(), 5);
    assert!(demos.iter().all(|demo| demo.row.0 < 10 && demo.answer.is_none()));
    assert!(rows_of(&script.events, Split::Train, 21).len() <= 8 + 25);
    // The last phase tosses a coin three times.
    let last = drafts.iter().filter(|draft| draft.phase == 7 && draft.step == 0);
    assert_eq!(last.map(|draft| draft.parents[0].0).collect::<Vec<_>>(), [64, 64, 64]);
    assert_eq!(winner(&script), 64);
}

#[test]
fn promptwizard_criticises_a_prompt_that_scores_badly() {
    let score = |_: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from(row.0 % 2),
        _ => 0.0,
    };
    let mut script = Script::new("promptwizard", &[], (40, 12), 10_000, score);
    while script.state.phase_number < 2 {
        assert!(script.step());
    }
    let drafts = drafts(&script.events);
    let refined: Vec<&&Draft> = drafts.iter().filter(|draft| draft.phase == 1).collect();
    // All variants score 0 like the baseline: the newest of them holds the place.
    assert_eq!(refined[0].parents, [CandidateIx(20)]);
    assert_eq!([sent(&script, refined[0]), sent(&script, refined[1])], ["critique", "refine"]);
    let rows = shown(&script.events, refined[0].proposal);
    assert_eq!((rows.len(), rows[0].row.0 % 2), (1, 0));
}

// ── SAMMO ────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn sammo_changes_each_of_the_beam_eight_times_and_tries_the_best_five_again() {
    let score = |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from(row.0 % 2),
        _ => f64::from(number(text)) / 1_000.0,
    };
    let mut script = Script::new("sammo-beam", &[], (40, 8), 100_000, score);
    script.run(100_000);
    let generations = generations(&script.events);
    assert_eq!(generations.len(), 7);
    let drafts = drafts(&script.events);
    let first: Vec<&&Draft> = drafts.iter().filter(|draft| draft.step == 0).collect();
    // 8 uses on the baseline; then 8 on each of the four best, in the order of the beam.
    assert_eq!(first.len(), 8 + 5 * 32);
    assert!(first[..8].iter().all(|draft| draft.parents == [CandidateIx(0)]));
    let beam: Vec<u32> = first[8..40].chunks(8).map(|uses| uses[0].parents[0].0).collect();
    assert_eq!(beam, numbers(&generations[1].members));
    assert_eq!(beam, [8, 7, 6, 5], "eight children, of which each is better than those before it");
    for uses in first[8..40].chunks(8) {
        assert!(uses.iter().all(|draft| draft.parents == uses[0].parents));
    }
    let used: BTreeSet<u16> = first.iter().filter_map(|draft| draft.operator).collect();
    assert_eq!(used, (0..7).collect::<BTreeSet<_>>());
    assert_eq!(ended(&script.events), Some(StopReason::Generations));
    // The best five get fresh answers to all of dev.
    let last = script.state.candidates.len() as u32 - 1;
    assert_eq!(numbers(&script.state.shortlist), (last - 4..=last).rev().collect::<Vec<_>>());
    assert_eq!(winner(&script), last);
}

// ── SIMBA ────────────────────────────────────────────────────────────────────────────────────────

const SIMBA: [&str; 6] = [
    "schedule.runs.rows=4",
    "schedule.runs.times=3",
    "schedule.children=3",
    "evaluate.size=4",
    "stop.when=['generations:4', 'budget']",
    "final.top=3",
];

#[test]
fn simba_runs_a_minibatch_and_learns_from_the_rows_that_differ_most() {
    // The baseline is right on even training rows, all children on odd ones: rows are disputed as soon as
    // both run them. On dev, child k scores k/100.
    let score = |text: &str, split: Split, row: RowIx| match (split, number(text)) {
        (Split::Train, 0) => f64::from(u8::from(row.0.is_multiple_of(2))),
        (Split::Train, _) => f64::from(row.0 % 2),
        (_, child) => f64::from(child) / 100.0,
    };
    let mut script = Script::new("simba", &SIMBA, (16, 16), 10_000, score);
    script.run(100_000);
    assert!(script.state.candidates.len() > 4);
    let generations: Vec<usize> = (0..script.events.len())
        .filter(|at| matches!(script.events[*at], Event::GenerationStarted(_)))
        .collect();
    // Before the first step, the baseline has its own minibatch of dev.
    assert_eq!(rows_of(&script.events[..generations[0]], Split::Dev, 0).len(), 4);
    // Step 1: only the baseline is there to run the 4 rows three times.
    let step = &script.events[generations[0]..generations[1]];
    let runs: Vec<(u32, u16, usize)> = blocks_of(step, Split::Train)
        .iter()
        .map(|block| (block.candidate.0, block.replicate, block.rows.len()))
        .collect();
    assert_eq!(runs, [(0, 0, 4), (0, 1, 4), (0, 2, 4)]);
    let batch: Vec<RowIx> = blocks_of(step, Split::Train)[0].rows.clone();
    let right = batch.iter().filter(|row| row.0.is_multiple_of(2)).count();
    // No run differs from another, so rows are sorted by whether they came out right. Those are good
    // for a demonstration, and nothing for a contrast.
    for (turn, draft) in drafts(step).into_iter().enumerate() {
        let is_demo = draft.operator == Some(0);
        match &draft.demos {
            Some(demos) if is_demo && turn < right => {
                let even: Vec<RowIx> =
                    batch.iter().copied().filter(|r| r.0.is_multiple_of(2)).collect();
                assert_eq!(demos.len(), 1);
                assert_eq!(demos[0].row, even[turn]);
                assert!(demos[0].answer.is_some());
            }
            _ => assert!(draft.parents.is_empty(), "nothing to learn: {draft:?}"),
        }
    }
    // The next minibatches of the epoch: 16 rows in four steps, each row once.
    let mut dealt: Vec<RowIx> = Vec::new();
    let mut learnt_of_disputes = 0;
    for (step, from) in generations.iter().enumerate().take(4) {
        let to = generations.get(step + 1).copied().unwrap_or(script.events.len());
        let events = &script.events[*from..to];
        let rows: BTreeSet<RowIx> =
            blocks_of(events, Split::Train).iter().flat_map(|b| b.rows.clone()).collect();
        assert_eq!(rows.len(), 4);
        let asked: usize = blocks_of(events, Split::Train).iter().map(|b| b.rows.len()).sum();
        assert_eq!(asked, 12, "three runs of each");
        dealt.extend(rows);
        // All children of a step are tried on the same rows of dev.
        let tried: BTreeSet<Vec<RowIx>> =
            blocks_of(events, Split::Dev).iter().map(|block| block.rows.clone()).collect();
        assert!(tried.len() <= 1, "{tried:?}");
        // Rows on which runs differ go first, and among them those on which few runs came out right.
        let mut scores: BTreeMap<RowIx, Vec<f64>> = BTreeMap::new();
        for block in blocks_of(events, Split::Train) {
            for row in &block.rows {
                let text = format!("child {}", block.candidate.0);
                let text = if block.candidate.0 == 0 { "seed" } else { &text };
                scores.entry(*row).or_default().push(score(text, Split::Train, *row));
            }
        }
        let differ = |runs: &Vec<f64>| runs.contains(&0.0) && runs.contains(&1.0);
        let disputed = scores.values().filter(|runs| differ(runs)).count();
        let mut last = 0.0;
        for (turn, draft) in drafts(events).into_iter().enumerate() {
            let learnt = draft.demos.as_ref().filter(|_| draft.operator == Some(0));
            let learnt = learnt.and_then(|demos| demos.last()).map(|demo| demo.row);
            let Some(row) = learnt.or(draft.rows.first().copied()) else { continue };
            let right: f64 = scores[&row].iter().sum();
            assert_eq!(differ(&scores[&row]), turn < disputed, "{draft:?}");
            assert!(turn >= disputed || right >= last, "{draft:?}");
            last = right;
            learnt_of_disputes += usize::from(turn < disputed);
        }
        for draft in drafts(events) {
            // Contrasts show the row's best and worst answer, of different programs here.
            if draft.operator == Some(1) && !draft.parents.is_empty() {
                let rows = shown(events, draft.proposal);
                assert_eq!((rows.len(), rows[0].row), (2, rows[1].row));
                let own = draft.own.as_ref().unwrap();
                assert_eq!(
                    (&own["better"]["score"], &own["worse"]["score"]),
                    (&1.0.into(), &0.0.into())
                );
                assert_ne!(own["better"]["candidate"], own["worse"]["candidate"]);
            }
        }
    }
    dealt.sort();
    assert_eq!(dealt, (0..16).map(RowIx).collect::<Vec<_>>());
    assert!(learnt_of_disputes > 3, "{learnt_of_disputes}");
    assert_eq!(ended(&script.events), Some(StopReason::Generations));
}

#[test]
fn simba_spreads_the_last_trial_over_the_winners_of_all_steps() {
    let score = |text: &str, split: Split, row: RowIx| match (split, number(text)) {
        (Split::Train, 0) => f64::from(u8::from(row.0.is_multiple_of(2))),
        (Split::Train, _) => f64::from(row.0 % 2),
        (_, child) => f64::from(child % 3) / 10.0,
    };
    let mut script = Script::new("simba", &SIMBA, (16, 16), 10_000, score);
    script.run(100_000);
    // The baseline, then of each step the child with the best mean, the first of equals.
    let mut winners = vec![0];
    for step in 1..=4 {
        let births = &script.state.memory.births;
        let children =
            script.state.numbered().filter(|(child, _)| births.of(*child).generation == step);
        let best = children.reduce(|a, b| {
            if b.1.dev().mean().unwrap() > a.1.dev().mean().unwrap() { b } else { a }
        });
        winners.extend(best.map(|(candidate, _)| candidate.0));
    }
    // M + 1 winners, N = 3: numbers round(i·M / 2).
    let last = winners.len() - 1;
    let middle = (last as f64 / 2.0).round_ties_even() as usize;
    let expected = [winners[0], winners[middle], winners[last]];
    assert_eq!(numbers(&script.state.shortlist), expected);
    // Fresh answers to all of dev decide; the script's do not change.
    let mean = |child: u32| f64::from(child % 3);
    let best = expected.into_iter().reduce(|a, b| if mean(b) > mean(a) { b } else { a });
    assert_eq!(winner(&script), best.unwrap());
}

#[test]
fn simba_holds_no_more_demonstrations_than_it_may() {
    let score = |text: &str, split: Split, row: RowIx| match split {
        Split::Train => f64::from((row.0 + number(text)) % 2),
        _ => f64::from(number(text)) / 1_000.0,
    };
    let sets = ["operator.1.weight=0", "operator.0.max=2", "schedule.runs.rows=16"];
    let mut script = Script::new("simba", &sets, (64, 64), 100_000, score);
    script.run(100_000);
    let sizes: BTreeSet<usize> =
        script.state.candidates.iter().map(|standing| standing.candidate.demos.len()).collect();
    assert_eq!(sizes, [0, 1, 2].into());
}

// ── PhaseEvo ─────────────────────────────────────────────────────────────────────────────────────

#[test]
fn phase_evo_goes_through_four_phases_each_until_nothing_better_comes() {
    // The first prompts score k/100; child 15, the first one with feedback, 0.5; nothing later is any
    // good. Child 12 has its 0.125 on the first row alone, so that it is unlike all others.
    let score = |text: &str, split: Split, row: RowIx| match (split, number(text)) {
        (Split::Train, _) => 0.0,
        (_, 12) => f64::from(u8::from(row.0 == 0)),
        (_, child @ 0..15) => f64::from(child) / 100.0,
        (_, 15) => 0.5,
        _ => 0.01,
    };
    let mut script = Script::new("phase-evo", &[], (10, 8), 100_000, score);
    script.run(100_000);
    let told: Vec<String> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::PhaseStarted { phase } => Some(format!("phase {phase}")),
            Event::GenerationStarted(generation) => {
                Some(format!("{} {:?}", generation.number, numbers(&generation.members)))
            }
            Event::SearchEnded { reason } => Some(format!("{reason:?}")),
            _ => None,
        })
        .collect();
    // Of the 15 first ones the best 5 are bred. Feedback helps once (generation 0), then two
    // generations in a row do not, so that phase 2 follows. That waits for four, and phase 3 for two.
    let expected = [
        "phase 1",
        "0 [14, 13, 12, 11, 10]",
        "1 [15, 14, 13, 12, 11]",
        "2 [15, 14, 13, 12, 11]",
        "3 [15, 14, 13, 12, 11]",
        "phase 2",
        "4 [15, 14, 13, 12, 11]",
        "5 [15, 14, 13, 12, 11]",
        "6 [15, 14, 13, 12, 11]",
        "7 [15, 14, 13, 12, 11]",
        "8 [15, 14, 13, 12, 11]",
        "phase 3",
        "9 [15, 14, 13, 12, 11]",
        "10 [15, 14, 13, 12, 11]",
        "11 [15, 14, 13, 12, 11]",
        "Stalled",
    ];
    assert_eq!(told, expected);
    let drafts = drafts(&script.events);
    let of_phase = |phase: u16| drafts.iter().filter(move |draft| draft.phase == phase);
    assert_eq!(of_phase(0).count(), 14);
    // A critique and an edit for each of five, three times.
    assert_eq!(of_phase(1).count(), 3 * 10);
    // Pairs: 15 (0.5 everywhere) differs by 0.5 from 12 on every row, and by less than 0.4 from 14, 13
    // and 11; of those, 14 differs most from 11. Each pair has a list's next and a crossover.
    let pairs: Vec<(u16, Vec<u32>)> = of_phase(2)
        .take(4)
        .map(|draft| (draft.operator.unwrap(), numbers(&draft.parents)))
        .collect();
    assert_eq!(pairs, [(0, vec![15]), (1, vec![15, 12]), (0, vec![14]), (1, vec![14, 11])]);
    // The list goes from the worst on; of prompts that answer alike (here: within 0.05) one is shown.
    let list: Vec<u32> =
        of_phase(2).next().unwrap().context.iter().map(|told| told.candidate.0).collect();
    assert_eq!(list, [11, 12, 15]);
    assert_eq!(of_phase(3).count(), 2 * 5);
    assert_eq!(winner(&script), 15);
}

#[test]
fn asking_again_changes_nothing_in_trees_beams_and_phases() {
    let names = [
        "protegi",
        "promptagent-mcts",
        "promptwizard",
        "sammo-beam",
        "textgrad-momentum",
        "simba",
        "phase-evo",
    ];
    for name in names {
        let score = |text: &str, _: Split, row: RowIx| f64::from((number(text) + row.0) % 3) / 2.0;
        let mut script = Script::new(name, &[], (40, 24), 2_000, score);
        for _ in 0..400 {
            assert_eq!(script.plans(), script.plans(), "{name}");
            if !script.step() {
                break;
            }
        }
    }
}

/// Whatever the mutator does, a search of generations comes to its end.
#[test]
fn nothing_hangs_where_every_reply_is_refused() {
    let names = [
        "protegi",
        "promptagent-mcts",
        "promptwizard",
        "sammo-beam",
        "textgrad-momentum",
        "simba",
        "phase-evo",
    ];
    for name in names {
        let score = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
        let mut script = Script::new(name, &[], (40, 8), 100_000, score);
        script.refuses = Some(Rejection::NoTags);
        script.run(50_000);
        assert_eq!(winner(&script), 0, "{name}");
    }
}
