//! GEPA, TRIPLE-SH, `random` and `auto`.

use super::*;

#[test]
fn gepa_tries_a_child_on_its_parents_minibatch_before_it_sees_all_of_dev() {
    // Child 1 is no better on training rows, child 2 is.
    let score = |text: &str, split: Split, _: RowIx| match (number(text), split) {
        (2, _) => 1.0,
        _ => 0.5,
    };
    let mut script = Script::new("gepa", &[], (6, 8), 1_000, score);
    script.run(17);
    let (train, dev) = (Split::Train, Split::Dev);
    // The baseline on dev; its minibatch of 3; child 1 on the same 3, and out; the baseline on the next 3 of
    // the epoch; child 2 on these; then all of dev for it.
    let blocks = script.blocks();
    assert_eq!(blocks[..3], [(0, dev, 0, 8), (0, train, 0, 3), (1, train, 0, 3)], "{blocks:?}");
    assert_eq!(blocks[3..6], [(0, train, 0, 3), (2, train, 0, 3), (2, dev, 0, 8)], "{blocks:?}");
    assert_eq!(script.dropped(), [(1, Dropped::Gate { sum: 1.5, needed: 1.5 })]);
    let minibatches: Vec<Vec<RowIx>> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ProposalDrafted(draft) => Some(draft.rows.clone()),
            _ => None,
        })
        .collect();
    let mut epoch: Vec<RowIx> = minibatches[..2].concat();
    epoch.sort();
    assert_eq!(epoch, (0..6).map(RowIx).collect::<Vec<_>>(), "an epoch deals every row once");
}

#[test]
fn gepa_asks_nothing_where_the_parent_is_perfect_and_answers_are_fresh_each_time() {
    let mut script = Script::new("gepa", &[], (3, 8), 1_000, |_: &str, _: Split, _: RowIx| 1.0);
    script.run(12);
    let abandoned =
        |event: &&Event| matches!(event, Event::ProposalAbandoned { why: Abandoned::Perfect, .. });
    assert!(script.events.iter().filter(abandoned).count() >= 2);
    let replicates: Vec<u16> = script
        .blocks()
        .into_iter()
        .filter(|(_, split, ..)| *split == Split::Train)
        .map(|(_, _, replicate, _)| replicate)
        .collect();
    assert_eq!(replicates[..2], [0, 1], "the parent answers anew");
}

#[test]
fn halving_gives_each_round_the_same_budget_and_keeps_the_better_half() {
    // Child k scores k/40 on every row, so that the last one is the best.
    let score = |text: &str, _: Split, _: RowIx| f64::from(number(text)) / 40.0;
    let mut script = Script::new("triple-sh", &[], (30, 50), 3_100, score);
    script.run(10_000);
    let rounds: Vec<&Round> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::RoundStarted(round) => Some(round),
            _ => None,
        })
        .collect();
    // 5 × 4 induced, 10 paraphrases and the baseline: K = 31, L = ⌈log₂ 31⌉ = 5, and ⌊T / (L·|A|)⌋.
    let sizes: Vec<(usize, u32)> =
        rounds.iter().map(|round| (round.candidates.len(), round.pulls)).collect();
    assert_eq!(sizes, [(31, 20), (16, 38), (8, 77), (4, 155), (2, 310)]);
    let first: Vec<u32> = rounds[1].candidates.iter().map(|candidate| candidate.0).collect();
    assert_eq!(first, (15..=30).collect::<Vec<_>>());
    let Some(Plan::Win { candidate, .. }) = script.plans().into_iter().next() else {
        panic!("no winner")
    };
    assert_eq!(candidate, CandidateIx(30));
    let ended = Event::SearchEnded { reason: StopReason::PoolDone };
    assert!(script.events.contains(&ended));
}

#[test]
fn halving_draws_rows_for_each_arm_unless_it_is_told_to_pair_them() {
    let rows = |paired: &str| -> Vec<Vec<RowIx>> {
        let set = format!("evaluate.paired={paired}");
        let mut script =
            Script::new("triple-sh", &[&set], (30, 50), 3_100, |_: &str, _: Split, _: RowIx| 0.5);
        script.run(200);
        (0..2)
            .map(|arm| {
                let of_arm = script.events.iter().filter_map(|event| match event {
                    Event::EvaluationIssued(block) if block.candidate == CandidateIx(arm) => {
                        Some(block.rows.clone())
                    }
                    _ => None,
                });
                of_arm.flatten().take(20).collect()
            })
            .collect()
    };
    let (paired, unpaired) = (rows("true"), rows("false"));
    assert_eq!(paired[0], paired[1]);
    assert_ne!(unpaired[0], unpaired[1]);
}

#[test]
fn random_tries_every_child_on_all_of_dev_and_takes_any_parent() {
    let score = |text: &str, _: Split, _: RowIx| if number(text) == 3 { 0.9 } else { 0.1 };
    let mut script = Script::new("random", &[], (4, 16), 1_000, score);
    script.run(120);
    for (candidate, standing) in script.state.numbered().take(8) {
        assert_eq!(standing.dev().scored, 16, "candidate {candidate}");
    }
    assert!(script.dropped().is_empty());
    assert_eq!(script.state.incumbent, CandidateIx(3));
    let mut parents: Vec<u32> = script
        .state
        .candidates
        .iter()
        .flat_map(|standing| &standing.candidate.parents)
        .map(|parent| parent.0)
        .collect();
    parents.sort_unstable();
    parents.dedup();
    assert!(parents.len() > 3, "not only the baseline and the incumbent: {parents:?}");
}

#[test]
fn auto_drops_a_loser_after_a_block_keeps_a_tie_and_crowns_a_winner() {
    // The baseline fails on every second row. Child 1 fails everywhere, child 2 is right everywhere, and
    // all others are like the baseline.
    let score = |text: &str, _: Split, row: RowIx| match number(text) {
        1 => 0.0,
        2 => 1.0,
        _ => f64::from(row.0 % 2),
    };
    let mut script = Script::new("auto", &["operator.1.weight=0"], (24, 64), 10_000, score);
    script.run(60);
    let dropped = script.dropped();
    assert!(matches!(dropped[0], (1, Dropped::Futile { rows: 8, .. })), "{dropped:?}");
    assert_eq!(script.state.incumbent, CandidateIx(2));
    let lengths: Vec<usize> = script
        .blocks()
        .into_iter()
        .filter(|(candidate, split, ..)| (*candidate, *split) == (2, Split::Dev))
        .map(|(.., rows)| rows)
        .collect();
    // 8, then twice as many, then what is left of the first 48; as a perfect incumbent it gets the
    // rows that dev has beyond these.
    assert_eq!(lengths, [8, 16, 24, 8, 8], "blocks grow, and end with the rows in use");

    let tie = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
    let mut script = Script::new("auto", &["operator.1.weight=0"], (24, 64), 10_000, tie);
    script.run(400);
    let early = script
        .dropped()
        .into_iter()
        .filter(|(_, why)| matches!(why, Dropped::Futile { rows: 8, .. }))
        .count();
    assert_eq!(early, 0, "a tie is not given up after its first block");
}

/// All are alike but for what child 2 costs. After n rows of a tie, with a prior of N(−0.02, 0.06²) and
/// a variance of 0.05, P(better) is 0.40 at 8 rows and 0.44 at 48; P(not worse by 0.01) is 0.48 and 0.58.
#[test]
fn who_saves_enough_need_only_be_not_worse() {
    let crowned = |sets: &[&str]| {
        let sets = [&["operator.1.weight=0", "evaluate.below=0.44", "accept.posterior=0.57"], sets]
            .concat();
        let tie = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
        let mut script = Script::new("auto", &sets, (24, 64), 10_000, tie);
        script.nanos = |candidate, _| if candidate.0 == 2 { 700 } else { 1_000 };
        script.run(60);
        let dropped = script.dropped();
        assert!(matches!(dropped[0], (1, Dropped::Futile { rows: 8, .. })), "{dropped:?}");
        let is_dropped = dropped.iter().any(|(candidate, _)| *candidate == 2);
        (script.state.incumbent.0, is_dropped)
    };
    assert_eq!(crowned(&[]), (2, false));
    assert_eq!(crowned(&["accept.or_cheaper=0.4"]), (0, true), "it saves too little");
    assert_eq!(crowned(&["accept.margin=0"]), (0, true), "not better is worse");
}

#[test]
fn auto_shows_failures_with_a_success_beside_them() {
    let score = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
    let mut script = Script::new("auto", &["operator.1.weight=0"], (24, 16), 10_000, score);
    script.run(12);
    let shown = script.events.iter().find_map(|event| match event {
        Event::ProposalIssued { rows, .. } => Some(rows.clone()),
        _ => None,
    });
    let shown = shown.expect("a proposal");
    let right = shown.iter().filter(|shown| shown.row.0 % 2 == 1).count();
    assert_eq!((shown.len(), right), (10, 1), "nine failures and a success");
}

#[test]
fn asking_again_changes_nothing() {
    for name in ["auto", "gepa", "random", "triple-sh"] {
        let score = |text: &str, _: Split, row: RowIx| f64::from((number(text) + row.0) % 3) / 2.0;
        let mut script = Script::new(name, &[], (12, 24), 500, score);
        for _ in 0..150 {
            assert_eq!(script.plans(), script.plans(), "{name}");
            if !script.step() {
                break;
            }
        }
    }
}

/// The second proposal from a parent says what the first one brought, and counts what it does not show.
#[test]
fn tried_edits_and_a_diagnosis_are_frozen_with_the_request() {
    let sets = [
        "operator.1.weight=0",
        "operator.2.weight=0",
        "operator.3.weight=0",
        "operator.0.feedback.diagnosis=true",
        "operator.0.tried=2",
        "select={kind=\"baseline\"}",
    ];
    let score = |text: &str, _: Split, row: RowIx| match number(text) {
        0 => f64::from(row.0 % 2),
        _ => 0.0,
    };
    let mut script = Script::new("auto", &sets, (24, 64), 10_000, score);
    script.run(60);
    let tried: Vec<Vec<(u32, f64)>> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ProposalDrafted(draft) if draft.diagnosed => {
                Some(draft.tried.iter().map(|tried| (tried.candidate.0, tried.gain)).collect())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        tried[..4],
        [vec![], vec![(1, -0.5)], vec![(1, -0.5), (2, -0.5)], vec![(2, -0.5), (3, -0.5)]]
    );
    let counts = script.events.iter().find_map(|event| match event {
        Event::ProposalIssued { rows, .. } => {
            let counted = rows.iter().filter(|shown| shown.counted).count();
            Some((rows.len() - counted, counted))
        }
        _ => None,
    });
    assert_eq!(counts, Some((10, 14)), "ten are shown, and the other rows of train are counted");
}

/// After every four judged children without a new incumbent half as many edits are asked for.
#[test]
fn a_patch_asks_for_fewer_edits_while_nothing_better_is_found() {
    let patch = "operator=[{kind=\"patch\",edits=6}]";
    let worse = |text: &str, _: Split, row: RowIx| {
        if number(text) == 0 { f64::from(row.0 % 2) } else { 0.0 }
    };
    let mut script = Script::new("auto", &[patch], (24, 64), 10_000, worse);
    script.run(200);
    let edits: Vec<u32> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ProposalDrafted(draft) => Some(draft.variant),
            _ => None,
        })
        .take(14)
        .collect();
    assert_eq!(edits, [6, 6, 6, 6, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1]);
}

/// `quick` ends after four judged children; `thorough` goes on to its second phase when 85 % are spent, or
/// where no request to the mutator fits any more.
#[test]
fn quick_and_thorough_end_their_phases_where_they_say() {
    let score = |text: &str, _: Split, row: RowIx| f64::from((number(text) + row.0) % 3) / 2.0;
    let mut script = Script::new("quick", &[], (12, 24), 10_000, score);
    script.run(300);
    let end = script.events.iter().find_map(|event| match event {
        Event::SearchEnded { reason } => Some(*reason),
        _ => None,
    });
    assert_eq!(end, Some(StopReason::Generations));
    assert_eq!(script.state.memory.turns.decided(), 4);

    let thorough = Script::new("thorough", &[], (12, 24), 10_000, score);
    let with = |spent: f64| Remaining { spent, ..thorough.remaining() };
    let next = |spent: f64| thorough.strategy.ask(&thorough.state, with(spent));
    assert!(!matches!(next(0.84)[0], Plan::Decide(Event::PhaseStarted { .. })));
    assert_eq!(next(0.85)[0], Plan::Decide(Event::PhaseStarted { phase: 1 }));
    assert_eq!(thorough.strategy.cheaper_phase(&thorough.state), Some(1));
    for recipe in ["auto", "quick", "phase-evo", "promptwizard"] {
        let script = Script::new(recipe, &[], (12, 24), 10_000, score);
        assert_eq!(
            script.strategy.cheaper_phase(&script.state),
            None,
            "{recipe}: `budget` ends it"
        );
    }
}

/// What was drafted and not asked when a phase gave way is given up at once, and nothing more is paid for it.
#[test]
fn a_draft_of_a_phase_that_gave_way_is_given_up() {
    let score = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
    let mut script = Script::new("thorough", &["operator.3.weight=0"], (24, 24), 10_000, score);
    while script.state.drafts.is_empty() {
        assert!(script.step());
    }
    let proposal = *script.state.drafts.keys().next().unwrap();
    script.record(Event::PhaseStarted { phase: 1 });
    let why = Abandoned::PhaseOver;
    assert_eq!(script.plans(), [Plan::Decide(Event::ProposalAbandoned { proposal, why })]);
    script.step();
    let is_pruned = |event: &Event| matches!(event, Event::ProposalDrafted(draft) if draft.phase == 1 && draft.variant == 0);
    for _ in 0..40 {
        script.step();
    }
    assert!(script.events.iter().any(is_pruned), "the second phase drafts its own");
}
