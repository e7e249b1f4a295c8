//! What is next, of a strategy that asks for what a test has written.

use super::*;
use crate::engine::budget::Time;
use crate::engine::inbox::Turn;
use crate::engine::next::{Next, Planner};
use crate::event::{Block, Draft, RowOutcome};
use crate::id::ProposalNumber;
use crate::units::Score;

fn time(running: u64) -> Time {
    let (running, now) = (Duration::from_secs(running), Clock::fixed(0).now());
    Time {
        running,
        now,
        latency: Duration::from_millis(1),
        spacing: Duration::ZERO,
        batch: Duration::ZERO,
    }
}

fn calls(cap: u64) -> Caps {
    Caps { calls: Some(cap), ..Caps::default() }
}

fn planner(plans: Vec<Plan>, caps: Caps) -> Planner {
    let (journal, llm) = (journal(), Scripted::new([]));
    search(plans, started(), &journal, llm, caps).0.planner
}

/// The next step, with its event taken in.
fn step(planner: &mut Planner, state: &mut State) -> Next {
    let next = planner.next(state, &time(0)).unwrap();
    if let Next::Decide(event) | Next::Start(event, _) = &next {
        state.apply(EventNumber(state.counts.folded + 1), event);
    }
    next
}

fn fold(state: &mut State, call: Call) {
    let outcome = RowOutcome::scored(Score::ONE, false);
    state.apply(EventNumber(9), &Event::Answered(answered(call.0, "x")));
    state.apply(EventNumber(9), &Event::EvaluationFolded { call, outcome });
}

fn reason(next: &Next) -> Option<StopReason> {
    match next {
        Next::Decide(Event::SearchEnded { reason }) => Some(*reason),
        _ => None,
    }
}

#[test]
fn a_block_that_fits_is_issued_whole_at_the_worst_case_of_its_longest_row() {
    let mut planner = planner(vec![evaluate(0..8)], Caps::default());
    let Next::Start(Event::EvaluationIssued(block), jobs) =
        planner.next(&started(), &time(0)).unwrap()
    else {
        panic!("no block")
    };
    assert_eq!((block.rows.len(), jobs.len()), (8, 8));
    assert!(block.reserve.tokens.0 > 512, "the longest answer is in it");
    assert!(jobs.iter().all(|job| job.worst_case == block.reserve));
}

#[test]
fn the_oldest_call_is_folded_when_nothing_more_is_asked_for() {
    let mut planner = planner(vec![evaluate(0..2)], Caps::default());
    let mut state = started();
    assert!(matches!(step(&mut planner, &mut state), Next::Start(..)));
    assert!(matches!(step(&mut planner, &mut state), Next::Fold(Turn::Of(Call(0)))));
    fold(&mut state, Call(0));
    assert!(matches!(step(&mut planner, &mut state), Next::Fold(Turn::Of(Call(1)))));
    fold(&mut state, Call(1));
    let last = step(&mut planner, &mut state);
    assert_eq!(reason(&last), Some(StopReason::PoolDone), "nothing is left");
}

#[test]
fn no_more_than_the_lookahead_is_out() {
    // Dev has fewer rows than the look-ahead, so that some are asked twice.
    let block = |number: u32| {
        let (candidate, split) = (CandidateIx::BASELINE, Split::Dev);
        let (replicate, first) = ((number / 15) as u16, 8 * (number % 15));
        let rows = (first..first + 8).map(RowIx).collect();
        Plan::Evaluate { candidate, split, replicate, rows }
    };
    let mut planner = planner((0..30).map(block).collect(), Caps::default());
    let mut state = started();
    let lookahead = planner.lookahead.evaluations;
    while matches!(step(&mut planner, &mut state), Next::Start(..)) {}
    assert_eq!(state.evaluations.len(), lookahead);
}

#[test]
fn what_does_not_fit_is_passed_over_for_what_does_and_names_the_cap_at_the_end() {
    let hold = 2 * task().splits.hold.len() as u64;
    // At most 40 % of the cap is kept for hold: of 100 calls the search has 60.
    assert!(hold > 40);
    let mut planner = planner(vec![evaluate(0..61), evaluate(61..67)], calls(100));
    let mut state = started();
    let Next::Start(Event::EvaluationIssued(Block { rows, .. }), _) =
        step(&mut planner, &mut state)
    else {
        panic!("nothing fits")
    };
    assert_eq!(rows.len(), 6, "the larger one does not fit");
    for call in 0..6 {
        assert!(
            matches!(step(&mut planner, &mut state), Next::Fold(Turn::Of(Call(at))) if at == call)
        );
        fold(&mut state, Call(call));
    }
    assert_eq!(reason(&step(&mut planner, &mut state)), Some(StopReason::BudgetCalls));
}

#[test]
fn the_search_ends_when_its_time_is_over_whatever_is_asked_for() {
    let caps = Caps { wall: Some(Duration::from_secs(60)), ..Caps::default() };
    let mut planner = planner(vec![evaluate(0..8)], caps);
    assert!(matches!(planner.next(&started(), &time(10)).unwrap(), Next::Start(..)));
    let next = planner.next(&started(), &time(60)).unwrap();
    assert_eq!(reason(&next), Some(StopReason::BudgetWall));
}

#[test]
fn a_proposal_is_issued_with_the_worst_case_of_the_request_that_is_sent() {
    let mut state = started();
    let mut draft = Draft::new(ProposalNumber(0), vec![CandidateIx::BASELINE]);
    draft.operator = Some(0);
    state.apply(EventNumber(1), &Event::ProposalDrafted(draft));
    let propose = Plan::Propose { proposal: ProposalNumber(0), shown: Vec::new() };
    let mut planner = planner(vec![propose.clone()], Caps::default());
    let Next::Start(Event::ProposalIssued { call, reserve, .. }, jobs) =
        planner.next(&state, &time(0)).unwrap()
    else {
        panic!("no proposal")
    };
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].call, jobs[0].worst_case), (call, reserve));
    assert_eq!(planner.question(&state, &jobs[0].purpose).unwrap(), jobs[0].question);

    let none = Caps { proposals: Some(0), ..Caps::default() };
    let mut planner = super::planning::planner(vec![propose], none);
    let next = planner.next(&state, &time(0)).unwrap();
    assert_eq!(reason(&next), Some(StopReason::BudgetProposals));
}

/// One proposal is out, with blocks of one row, as many at a time as the look-ahead allows; the calls in the
/// order in which they are folded.
fn folded_with_a_proposal(lookahead: usize) -> Vec<u64> {
    let blocks = (0..30).map(|row| evaluate(row..row + 1)).collect();
    let mut planner = planner(blocks, Caps::default());
    planner.lookahead.evaluations = lookahead;
    let mut state = started();
    let draft = Draft::new(ProposalNumber(0), vec![CandidateIx::BASELINE]);
    state.apply(EventNumber(1), &Event::ProposalDrafted(draft));
    let issued = Event::ProposalIssued {
        proposal: ProposalNumber(0),
        call: Call(0),
        rows: Vec::new(),
        reserve: Amount::ZERO,
    };
    state.apply(EventNumber(2), &issued);
    let mut order = Vec::new();
    while order.last() != Some(&0) {
        if let Next::Fold(Turn::Of(call)) = step(&mut planner, &mut state) {
            order.push(call.0);
            fold(&mut state, call);
        }
    }
    order
}

#[test]
fn a_proposal_waits_for_as_many_answers_in_a_row_as_it_counts_for() {
    // Answers one after the other: the twentieth is due with the proposal, and was asked later.
    assert_eq!(folded_with_a_proposal(1).len(), 20);
    // Three at a time are due together.
    assert_eq!(folded_with_a_proposal(3), (1..=30).chain([0]).collect::<Vec<_>>());
}

#[test]
fn a_winner_is_named_when_nothing_is_out_and_confirmed_row_by_row() {
    let mut planner = planner(vec![evaluate(0..1), win()], calls(1_000));
    let mut state = started();
    assert!(matches!(step(&mut planner, &mut state), Next::Start(..)));
    assert!(
        matches!(step(&mut planner, &mut state), Next::Fold(Turn::Of(Call(0)))),
        "a call is out"
    );
    fold(&mut state, Call(0));
    let Next::Decide(Event::WinnerChosen { hold_rows, .. }) = step(&mut planner, &mut state) else {
        panic!("no winner")
    };
    assert_eq!(hold_rows as usize, task().splits.hold.len());
    let mut asked = 0;
    loop {
        match step(&mut planner, &mut state) {
            Next::Start(Event::EvaluationIssued(block), jobs) => {
                assert_eq!(block.split, Split::Hold);
                asked += jobs.len() + block.cached.len();
            }
            Next::Fold(Turn::Of(call)) => fold(&mut state, call),
            Next::Finish => break,
            _ => panic!("the confirmation decides nothing"),
        }
    }
    assert_eq!(asked, hold_rows as usize, "a baseline that wins runs alone");
}

/// The baseline's rows from 0 on, all issued and folded as missing.
fn missing_rows(state: &mut State, rows: u32) {
    let (candidate, split) = (CandidateIx::BASELINE, Split::Dev);
    let rows: Vec<RowIx> = (0..rows).map(RowIx).collect();
    let (first, reserve, cached) = (Call(0), Amount::ZERO, Vec::new());
    let block = Block {
        first,
        candidate,
        split,
        replicate: 0,
        rows: rows.clone(),
        reserve,
        cached,
        judging: None,
    };
    state.apply(EventNumber(1), &Event::EvaluationIssued(block));
    for call in (0..).map(Call).take(rows.len()) {
        let (role, cause) = (ModelRole::Task, NoAnswer::Refused);
        let missing = Event::CallMissing { call, role, cause, why: "no".to_owned() };
        state.apply(EventNumber(2), &missing);
        let outcome = RowOutcome::Missing;
        state.apply(EventNumber(3), &Event::EvaluationFolded { call, outcome });
    }
}

fn resumed(state: &mut State) {
    state.apply(EventNumber(4), &Event::Resumed { at: Clock::fixed(0).now(), ran_ms: 0 });
}

#[test]
fn rows_that_went_missing_are_asked_once_more_after_a_resume_while_the_search_goes_on() {
    let mut planner = planner(vec![win()], Caps::default());
    let mut state = started();
    missing_rows(&mut state, 3);
    assert!(state.to_ask_again.is_empty());
    resumed(&mut state);
    let Next::Start(Event::EvaluationIssued(block), jobs) = planner.next(&state, &time(0)).unwrap()
    else {
        panic!("nothing is asked")
    };
    assert_eq!((block.first, block.rows.len(), jobs.len()), (Call(3), 3, 3), "new calls");

    // The budget had no room for them, and the search ended: held-out rows need what is left.
    state.apply(EventNumber(5), &Event::SearchEnded { reason: StopReason::BudgetCalls });
    assert!(state.to_ask_again.is_empty());
}

#[test]
fn nothing_is_concluded_from_a_baseline_that_was_not_measured() {
    let mut state = started();
    let rows = state.dev_rows;
    // There is no room to ask again.
    let mut planner = planner(vec![win()], calls(u64::from(rows)));
    missing_rows(&mut state, rows);
    for _ in 0..2 {
        let Next::Stop(reason, why) = planner.next(&state, &time(0)).unwrap() else {
            panic!("it goes on")
        };
        assert_eq!(reason, StopReason::NoAnswers);
        assert!(why.contains("of the baseline's dev rows have no answer"), "{why}");
        resumed(&mut state);
    }
}
