//! What each strategy decides, derived by hand from its definition: a mutator and scores that are
//! scripted, and no driver, no models and no budget in between.

use super::{Composed, Plan, Remaining, State, Strategy};
use crate::budget::Amount;
use crate::candidate::{Candidate, Origin};
use crate::event::{
    Abandoned, Answered, Block, Draft, Dropped, Event, Finish, Gate, ProposalOutcome, Round,
    RowOutcome, StopReason,
};
use crate::id::{Call, CandidateIx, EventNumber, RequestHash, RowIx};
use crate::prompt::{Part, Prompt};
use crate::recipe;
use crate::seed::Seed;
use crate::task::example::Split;
use crate::task::goal::Goal;
use crate::units::{Score, Usd};

/// A prompt whose text says which child it is.
fn prompt(text: &str) -> Prompt {
    Prompt::new(vec![Part { name: "system".into(), text: text.into() }])
}

/// A strategy with a scripted world.
struct Script<S> {
    strategy: Composed,
    state: State,
    events: Vec<Event>,
    /// The score of a candidate's text on a row, and which answer to it this is.
    score: S,
    rollouts: u64,
}

impl<S: Fn(&str, Split, RowIx) -> f64> Script<S> {
    fn new(name: &str, sets: &[&str], (train, dev): (u32, u32), rollouts: u64, score: S) -> Self {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let recipe = recipe::load(name, &sets).unwrap();
        let goal = Goal::MaxQuality { usd_per_1k_at_most: None };
        let strategy = Composed::new(recipe, goal, train, Seed(1));
        let mut script =
            Self { strategy, state: State::new(dev), events: Vec::new(), score, rollouts };
        let seed = Candidate::seed(prompt("seed"));
        script.record(Event::Started { at: jiff::Timestamp::UNIX_EPOCH, seed });
        script
    }

    fn record(&mut self, event: Event) {
        self.state.apply(EventNumber(self.events.len() as u64), &event);
        self.events.push(event);
    }

    fn plans(&self) -> Vec<Plan> {
        let remaining = Remaining { rollouts: self.rollouts, total_rollouts: self.rollouts };
        self.strategy.ask(&self.state, remaining)
    }

    /// Does the first thing that is offered, at once and to its end. `false`: there is a winner.
    fn step(&mut self) -> bool {
        let Some(plan) = self.plans().into_iter().next() else { panic!("nothing to do") };
        match plan {
            Plan::Decide(event) => self.record(event),
            Plan::Evaluate { candidate, split, replicate, rows } => {
                self.evaluate(candidate, split, replicate, rows);
            }
            Plan::Propose { proposal, shown } => {
                let draft = self.state.drafts[&proposal].clone();
                let call = self.state.next_call;
                let reserve = Amount::ZERO;
                self.record(Event::ProposalIssued { proposal, call, rows: shown.clone(), reserve });
                let gate = self.strategy.gate(&self.state, &draft, &shown);
                let outcome = self.child(&draft, Origin::Proposal(proposal), gate);
                self.record(Event::ProposalFolded { call, outcome });
            }
            Plan::Compose(draft) => {
                let gate = self.strategy.gate(&self.state, &draft, &[]);
                let outcome = self.child(&draft, Origin::Composed(draft.proposal), gate);
                self.record(Event::CandidateComposed { proposal: draft.proposal, outcome });
            }
            Plan::Win { .. } => return false,
        }
        true
    }

    fn child(&self, draft: &Draft, origin: Origin, gate: Option<Gate>) -> ProposalOutcome {
        let prompt = prompt(&format!("child {}", self.state.candidates.len()));
        let candidate = Candidate {
            id: prompt.id(),
            prompt,
            parents: draft.parents.clone(),
            operator: "scripted".to_owned(),
            origin,
        };
        ProposalOutcome::Added { candidate, gate }
    }

    fn evaluate(&mut self, candidate: CandidateIx, split: Split, replicate: u16, rows: Vec<RowIx>) {
        let text = self.state.standing(candidate).candidate.prompt.part("system").unwrap();
        let scores: Vec<f64> = rows.iter().map(|row| (self.score)(text, split, *row)).collect();
        let first = self.state.next_call;
        let (reserve, cached) = (Amount::ZERO, Vec::new());
        let block = Block { first, candidate, split, replicate, rows, reserve, cached };
        self.record(Event::EvaluationIssued(block));
        for (offset, score) in scores.into_iter().enumerate() {
            let score = Score::new(score).unwrap();
            let outcome = RowOutcome::Scored { score, invalid: false };
            let call = Call(first.0 + offset as u64);
            self.record(Event::Answered(answer(call)));
            self.record(Event::EvaluationFolded { call, outcome });
        }
    }

    fn run(&mut self, most: usize) {
        for _ in 0..most {
            if !self.step() {
                return;
            }
        }
    }

    fn blocks(&self) -> Vec<(u32, Split, u16, usize)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::EvaluationIssued(block) => {
                    Some((block.candidate.0, block.split, block.replicate, block.rows.len()))
                }
                _ => None,
            })
            .collect()
    }

    fn dropped(&self) -> Vec<(u32, Dropped)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::CandidateDropped { candidate, why } => Some((candidate.0, why.clone())),
                _ => None,
            })
            .collect()
    }
}

/// All answers cost the same.
fn answer(call: Call) -> Answered {
    Answered {
        call,
        request: RequestHash::of(&call.0.to_le_bytes()),
        bytes: 40,
        text: String::new(),
        input: 10,
        cached: 0,
        out: 1,
        usd: Usd::from_nanos(1_000),
        finish: Finish::Stop,
        ms: 1,
        at: 0,
    }
}

/// The number in `child 7`; the seed is 0.
fn number(text: &str) -> u32 {
    text.strip_prefix("child ").map_or(0, |number| number.parse().unwrap())
}

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
    // The seed on dev; its minibatch of 3; child 1 on the same 3, and out; the seed on the next 3 of
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
    // 5 × 4 induced, 10 paraphrases and the seed: K = 31, L = ⌈log₂ 31⌉ = 5, and ⌊T / (L·|A|)⌋.
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
    assert!(parents.len() > 3, "not only the seed and the incumbent: {parents:?}");
}

#[test]
fn auto_drops_a_loser_after_a_block_keeps_a_tie_and_crowns_a_winner() {
    // The seed fails on every second row. Child 1 fails everywhere, child 2 is right everywhere, and
    // all others are like the seed.
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
    assert_eq!(lengths, [8, 16, 32, 8], "blocks grow, and end with dev");

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

#[test]
fn auto_shows_failures_with_a_success_beside_them() {
    let score = |_: &str, _: Split, row: RowIx| f64::from(row.0 % 2);
    let mut script = Script::new("auto", &[], (24, 16), 10_000, score);
    script.run(12);
    let shown = script.events.iter().find_map(|event| match event {
        Event::ProposalIssued { rows, .. } => Some(rows.clone()),
        _ => None,
    });
    let shown = shown.expect("a proposal");
    let right = shown.iter().filter(|shown| shown.row.0 % 2 == 1).count();
    assert_eq!((shown.len(), right), (6, 1), "five failures and a success");
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
