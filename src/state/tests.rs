//! Facts from events: what each group of events changes, and what it does not.

use super::*;
use crate::candidate::{Candidate, Origin};
use crate::caps::{Caps, Share};
use crate::event::{
    Abandoned, Answered, Block, Cached, CachedOf, Draft, Dropped, EarlierEnd, NoAnswer,
    ProposalOutcome, Rejection, RowKey, RowOutcome, StopReason,
};
use crate::id::{Call, CandidateIx, MutatorIx, ProposalNumber, RowIx};
use crate::prompt::{Part, Prompt};
use crate::task::example::{Split, SplitSizes};
use crate::task::goal::Goal;
use crate::task::measure::Measure;
use crate::task::model::ModelRole;
use crate::units::Amount;
use crate::units::{Score, Tokens, Usd};

const RESERVE: Amount = Amount { usd: Usd::from_nanos(500), tokens: Tokens(100) };

fn started() -> Event {
    let at = jiff::Timestamp::UNIX_EPOCH;
    Event::Started { at, baseline: Candidate::baseline(prompt("baseline")) }
}

/// Facts that are written event by event.
struct Script {
    facts: Facts,
    number: u64,
}

impl Script {
    fn new(dev_rows: u32) -> Self {
        let mut script = Self { facts: Facts::new(dev_rows), number: 0 };
        script.apply(started());
        script
    }

    /// Takes in an event and gives its number.
    fn apply(&mut self, event: Event) -> EventNumber {
        let number = EventNumber(self.number);
        self.facts.apply(number, &event);
        self.number += 1;
        number
    }

    fn draft(&mut self, program: bool) -> ProposalNumber {
        let proposal = self.facts.next_proposal;
        let mut draft = Draft::new(proposal, vec![CandidateIx::BASELINE]);
        draft.program = program;
        self.apply(Event::ProposalDrafted(draft));
        proposal
    }

    fn ask(&mut self, proposal: ProposalNumber) -> Call {
        let call = self.facts.next_call;
        let (rows, reserve) = (Vec::new(), RESERVE);
        self.apply(Event::ProposalIssued { proposal, call, rows, reserve });
        call
    }

    /// Gives a candidate rows of dev.
    fn issue(&mut self, candidate: CandidateIx, rows: &[u32], cached: Vec<Cached>) -> Call {
        self.issue_on(Split::Dev, candidate, rows, cached)
    }

    fn issue_on(
        &mut self,
        split: Split,
        candidate: CandidateIx,
        rows: &[u32],
        cached: Vec<Cached>,
    ) -> Call {
        let first = self.facts.next_call;
        self.apply(Event::EvaluationIssued(Block {
            first,
            candidate,
            split,
            replicate: 0,
            rows: rows.iter().copied().map(RowIx).collect(),
            reserve: RESERVE,
            cached,
            judging: None,
        }));
        first
    }

    fn answer(&mut self, call: Call) -> EventNumber {
        self.apply(Event::Answered(Answered {
            usd: Usd::from_nanos(200),
            ..Answered::sample(call)
        }))
    }

    fn fold(&mut self, call: Call, score: f64) {
        let outcome = RowOutcome::scored(Score::new(score).unwrap(), false);
        self.apply(Event::EvaluationFolded { call, outcome });
    }

    fn child(&mut self, text: &str) -> CandidateIx {
        let proposal = self.draft(false);
        let candidate = Candidate {
            id: prompt(text).id(),
            prompt: prompt(text),
            parents: vec![CandidateIx::BASELINE],
            demos: Vec::new(),
            gene: None,
            repairs: Vec::new(),
            operator: "written".to_owned(),
            origin: Origin::Composed(proposal),
        };
        let outcome = ProposalOutcome::Added { candidate, gate: None };
        self.apply(Event::CandidateComposed { proposal, outcome });
        CandidateIx(self.facts.candidates.len() as u32 - 1)
    }
}

fn prompt(text: &str) -> Prompt {
    Prompt::new(vec![Part { name: "system".into(), text: text.into() }])
}

#[test]
fn a_run_begins_searches_and_ends() {
    let mut script = Script::new(2);
    assert_eq!(script.facts.phase, Phase::Searching);
    assert_eq!(script.facts.find(&prompt("baseline").id()), Some(CandidateIx::BASELINE));
    let (issued, waiting) = (script.draft(false), script.draft(false));
    script.ask(issued);
    script.apply(Event::SearchEnded { reason: StopReason::PoolDone });
    assert_eq!(script.facts.phase, Phase::Choosing);
    assert!(script.facts.drafts.contains_key(&issued), "it is out");
    assert!(!script.facts.drafts.contains_key(&waiting), "it is never asked");
    script.apply(Event::WinnerChosen {
        candidate: CandidateIx::BASELINE,
        shrunken_dev: None,
        hold_rows: 4,
    });
    assert_eq!((script.facts.phase, script.facts.winner), {
        (Phase::Confirming, Some((CandidateIx::BASELINE, None, 4)))
    });
    script.apply(Event::Finished { at: jiff::Timestamp::UNIX_EPOCH });
    assert_eq!(script.facts.phase, Phase::Over);
}

/// Goes on after an end with this winner, confirmed on these rows, of which `folded` came; which look that was.
fn ended_after(script: &mut Script, candidate: CandidateIx, hold_rows: u32, folded: u32) -> u32 {
    let reason = StopReason::BudgetCalls;
    script.apply(Event::SearchEnded { reason });
    script.apply(Event::WinnerChosen { candidate, shrunken_dev: None, hold_rows });
    let look = script.facts.look();
    if script.facts.look_to_take().is_some() {
        script.apply(Event::LookTaken { number: look });
    }
    for candidate in [CandidateIx::BASELINE, candidate] {
        let before = script.facts.standing(candidate).column(Split::Hold, 0).folded;
        let rows: Vec<u32> = (before..folded).collect();
        let first = script.issue_on(Split::Hold, candidate, &rows, Vec::new());
        for call in (first.0..).map(Call).take(rows.len()) {
            script.answer(call);
            script.fold(call, 1.0);
        }
    }
    let at = jiff::Timestamp::UNIX_EPOCH;
    script.apply(Event::Finished { at });
    let earlier = EarlierEnd::sample(candidate);
    let caps = Caps { calls: Some(10), ..Caps::default() };
    script.apply(Event::Reopened { at, caps, earlier });
    look
}

fn ended_with(script: &mut Script, candidate: CandidateIx, hold_rows: u32) -> u32 {
    ended_after(script, candidate, hold_rows, hold_rows)
}

#[test]
fn a_run_that_goes_on_searches_with_what_it_had() {
    let mut script = Script::new(2);
    let (issued, waiting) = (script.draft(false), script.draft(false));
    script.ask(issued);
    ended_with(&mut script, CandidateIx::BASELINE, 0);
    let facts = &script.facts;
    assert_eq!((facts.phase, facts.winner, facts.stop_reason), (Phase::Searching, None, None));
    assert!(facts.drafts.contains_key(&issued) && facts.drafts.contains_key(&waiting));
    assert_eq!(facts.caps.and_then(|caps| caps.calls), Some(10));
    assert_eq!(facts.earlier.len(), 1);
}

/// Each end that compares another prompt than the baseline, or more rows of it, is a further look.
#[test]
fn looks_at_held_out_rows_are_counted() {
    let mut script = Script::new(2);
    let one = script.child("one");
    let other = script.child("other");
    let ends = [
        (CandidateIx::BASELINE, 4, 1),
        (one, 0, 1),
        (one, 4, 1),
        (one, 4, 1),
        (other, 4, 2),
        (one, 4, 1),
        (one, 8, 3),
    ];
    for (winner, rows, look) in ends {
        assert_eq!(ended_with(&mut script, winner, rows), look, "{winner} on {rows} rows");
    }
    // A look that ended before its last row and is taken again is another one: its first rows may be the reason.
    let late = script.child("late");
    assert_eq!(ended_after(&mut script, late, 8, 5), 4);
    assert_eq!(ended_after(&mut script, late, 8, 8), 5);
    // Each keeps what it had shown when it was over.
    let closed: Vec<_> = script.facts.looks.iter().map(|look| look.closed.unwrap()).collect();
    assert!(closed.len() == 5 && closed.is_sorted(), "{closed:?}");
    assert_eq!(ended_after(&mut script, late, 8, 8), 5);
    assert_eq!(script.facts.looks[4].closed, Some(closed[4]));
}

#[test]
fn a_row_is_empty_then_issued_then_scored_or_missing() {
    let mut script = Script::new(2);
    let first = script.issue(CandidateIx::BASELINE, &[0, 1], Vec::new());
    let second = Call(first.0 + 1);
    assert_eq!(script.facts.baseline().dev().cell(RowIx(0)), Cell::Issued);
    assert_eq!(script.facts.baseline().dev().cell(RowIx(2)), Cell::Empty);
    let answer = script.answer(first);
    assert_eq!(
        script.facts.baseline().dev().cell(RowIx(0)),
        Cell::Issued,
        "an arrival decides nothing"
    );
    script.fold(first, 0.5);
    assert_eq!(script.facts.baseline().dev().cell(RowIx(0)), Cell::Scored { score: 0.5, answer });
    assert_eq!(script.facts.folded_dev_row(), Some((CandidateIx::BASELINE, RowIx(0))));
    assert_eq!(script.facts.baseline().status, Status::Open);
    let (role, cause) = (ModelRole::Task, NoAnswer::Refused);
    script.apply(Event::CallMissing { call: second, role, cause, why: String::new() });
    assert_eq!(script.facts.folded_row, None, "the last event folded none");
    script.apply(Event::EvaluationFolded { call: second, outcome: RowOutcome::Missing });
    let column = script.facts.baseline().dev();
    assert_eq!((column.cell(RowIx(1)), column.folded, column.scored), (Cell::Missing, 2, 1));
    assert_eq!(script.facts.baseline().status, Status::Finished, "all of dev is folded");
    assert!(script.facts.open.is_empty() && script.facts.is_quiet());
    assert_eq!((script.facts.counts.evaluations, script.facts.counts.errors), (1, 1));
}

#[test]
fn a_mean_is_by_the_weights_of_rows_and_a_withdrawn_one_leaves_it() {
    let mut script = Script::new(4);
    let first = script.issue(CandidateIx::BASELINE, &[0, 1, 2], Vec::new());
    for (offset, score, weight) in [(0, 1.0, 0.5), (1, 0.25, 2.0), (2, 0.0, 0.5)] {
        let call = Call(first.0 + offset);
        script.answer(call);
        let (score, measured) = (Score::new(score).unwrap(), Vec::new());
        let outcome = RowOutcome::Scored { score, invalid: false, measured, said: None, weight };
        script.apply(Event::EvaluationFolded { call, outcome });
    }
    let column = |script: &Script| script.facts.baseline().dev().clone();
    assert_eq!((column(&script).scored, column(&script).weight), (3, 3.0));
    assert_eq!(column(&script).mean(), Some(1.0 / 3.0));
    assert_eq!(script.facts.weights.of(Split::Dev, RowIx(1)), 2.0);
    let (candidate, split, replicate) = (CandidateIx::BASELINE, Split::Dev, 0);
    let answers = vec![RowKey { candidate, split, replicate, row: RowIx(2) }];
    script.apply(Event::AnswersWithdrawn { answers });
    assert_eq!((column(&script).scored, column(&script).mean()), (2, Some(0.4)));
    // Another candidate's rows have the same weights, and a task without weights has none.
    let mut script = Script::new(4);
    let first = script.issue(CandidateIx::BASELINE, &[0], Vec::new());
    script.answer(first);
    script.fold(first, 0.5);
    assert_eq!(script.facts.weights, RowWeights::default());
}

#[test]
fn a_call_reserves_its_worst_case_until_its_fold_charges_what_it_cost() {
    let mut script = Script::new(4);
    let call = script.issue(CandidateIx::BASELINE, &[0], Vec::new());
    assert_eq!(script.facts.plan.taken(Share::Search), RESERVE);
    script.answer(call);
    assert_eq!(script.facts.plan.taken(Share::Search), RESERVE, "an arrival changes no plan");
    script.fold(call, 1.0);
    let spent = Amount { usd: Usd::from_nanos(200), tokens: Tokens(11) };
    assert_eq!(script.facts.plan.taken(Share::Search), spent);
    // A failed attempt costs what the plan had set aside for it.
    let call = script.issue(CandidateIx::BASELINE, &[1], Vec::new());
    let failure = crate::event::Failure::Timeout;
    script.apply(Event::AttemptFailed { call, failure, charged: RESERVE });
    script.answer(call);
    script.fold(call, 1.0);
    assert_eq!(script.facts.plan.taken(Share::Search), spent + spent + RESERVE);
}

#[test]
fn a_cached_call_gets_the_answer_that_it_waits_for() {
    let mut script = Script::new(4);
    let child = script.child("child");
    let first = script.issue(CandidateIx::BASELINE, &[0], Vec::new());
    let of = CachedOf::Call(first);
    let call = script.facts.next_call;
    let served = script.issue(child, &[0], vec![Cached { call, of }]);
    let answer = script.answer(first);
    script.fold(first, 1.0);
    let open = script.facts.call(served).unwrap();
    assert_eq!((open.cached, open.is_asked), (Some(CachedOf::Answer(answer)), false));
    script.fold(served, 1.0);
    let cell = script.facts.standing(child).dev().cell(RowIx(0));
    assert_eq!(cell, Cell::Scored { score: 1.0, answer });
    assert_eq!((script.facts.counts.cached, script.facts.plan.calls(Share::Search)), (1, 1));
}

#[test]
fn a_proposal_closes_with_its_draft_and_its_child() {
    let mut script = Script::new(2);
    let child = script.child("child");
    let closed = script.facts.closed_proposal.clone().unwrap();
    assert_eq!((closed.child, closed.draft.parents), (Some(child), vec![CandidateIx::BASELINE]));
    assert_eq!((script.facts.waiting(), script.facts.proposals_out()), (2, 0));

    let proposal = script.draft(false);
    assert_eq!(script.facts.closed_proposal, None, "the last event closed none");
    script.apply(Event::ProposalAbandoned { proposal, why: Abandoned::Nothing });
    assert_eq!(script.facts.closed_proposal.as_ref().unwrap().child, None);
    let proposal = script.draft(false);
    let call = script.ask(proposal);
    let reason = Rejection::Dedup;
    let outcome = ProposalOutcome::Rejected { reason, detail: String::new() };
    script.apply(Event::ProposalFolded { call, outcome });
    let counts = &script.facts.counts;
    assert_eq!((counts.proposals, counts.rejected_in_a_row, counts.rejected[&reason]), (2, 2, 1));
    script.child("another");
    assert_eq!(script.facts.counts.rejected_in_a_row, 0);
    let proposal = script.draft(false);
    let call = script.ask(proposal);
    let outcome = ProposalOutcome::Noted { notes: vec!["a hint".to_owned()] };
    script.apply(Event::ProposalFolded { call, outcome });
    let counts = &script.facts.counts;
    let rejected: u64 = counts.rejected.values().sum();
    let added = script.facts.candidates.len() as u64 - 1;
    assert_eq!((counts.noted, counts.unanswered), (1, 0));
    assert_eq!(counts.proposals, added + rejected + counts.noted + counts.unanswered);
}

#[test]
fn a_program_is_a_proposal_but_no_call_of_a_model() {
    let mut script = Script::new(2);
    let (model, program) = (script.draft(false), script.draft(true));
    script.ask(model);
    script.ask(program);
    assert_eq!((script.facts.plan.calls(Share::Search), script.facts.plan.proposals()), (1, 2));
}

#[test]
fn a_child_is_decided_once_and_a_new_incumbent_counts_anew() {
    let mut script = Script::new(2);
    let [one, two] = ["one", "two"].map(|text| script.child(text));
    script.apply(Event::CandidateFinished { candidate: one });
    script.apply(Event::ContestEnded { survivors: vec![one, two] });
    assert_eq!(script.facts.counts.decided_since_incumbent, 2);
    // It leaves the population: it was counted when it was judged.
    script.apply(Event::CandidateDropped { candidate: one, why: Dropped::Capped });
    assert_eq!(script.facts.counts.decided_since_incumbent, 2);
    assert_eq!(script.facts.standing(one).status, Status::Dropped(Dropped::Capped));
    script.apply(Event::IncumbentChanged { candidate: two, why: String::new() });
    assert_eq!((script.facts.incumbent, script.facts.counts.decided_since_incumbent), (two, 0));
    assert_eq!(script.facts.incumbents.len(), 2);
    script.apply(Event::PhaseStarted { phase: 3 });
    assert_eq!(script.facts.phase_number, 3);
}

#[test]
fn an_event_that_names_what_there_is_not_is_refused() {
    let rows = SplitSizes { train: 4, dev: 2, hold: 3 };
    let script = Script::new(2);
    let amount = Amount::ZERO;
    let block = |candidate, split, first, row| {
        let (candidate, rows) = (CandidateIx(candidate), vec![RowIx(row)]);
        let (replicate, reserve, cached) = (0, amount, Vec::new());
        let first = Call(first);
        Event::EvaluationIssued(Block {
            first,
            candidate,
            split,
            replicate,
            rows,
            reserve,
            cached,
            judging: None,
        })
    };
    let next = script.facts.next_call.0;
    let named = Named { rows, roles: [ModelRole::Task, ModelRole::MUTATOR].into() };
    let check = |event: Event| script.facts.check(&event, &named);
    assert_eq!(check(block(0, Split::Dev, next, 1)), Ok(()));
    assert_eq!(check(block(0, Split::Hold, next, 2)), Ok(()));
    for (event, why) in [
        (block(1, Split::Dev, next, 1), "it names candidate 1, but there are 1 at this point"),
        (block(0, Split::Dev, next, 2), "it names row 2 of dev, which has 2"),
        (block(0, Split::Dev, next + 1, 1), "it issues call 1 after 0"),
        (Event::ContestEnded { survivors: vec![CandidateIx(7)] }, "it names candidate 7"),
        (Event::ProposalDrafted(Draft::new(ProposalNumber(3), Vec::new())), "not the next one"),
        (
            Event::ProposalDrafted(Draft {
                mutator: MutatorIx(2),
                ..Draft::new(script.facts.next_proposal, Vec::new())
            }),
            "it names the role `mutator-3`, for which the task names no model",
        ),
        (
            Event::Reserved { call: Call(0), amount, role: ModelRole::JUDGE, share: Share::Search },
            "it names the role `judge`",
        ),
        (started(), "the run began before"),
    ] {
        let refused = check(event.clone()).expect_err("it cannot follow");
        assert!(refused.to_string().contains(why), "{event:?}: {refused}");
    }
    let new = Facts::new(2);
    let finished = Event::Finished { at: jiff::Timestamp::UNIX_EPOCH };
    assert_eq!(new.check(&finished, &named), Err(Misfit::NotStarted));
    assert_eq!(new.check(&started(), &named), Ok(()));
}

#[test]
fn answers_to_a_row_agree_where_they_say_the_same() {
    let mut script = Script::new(2);
    let baseline = CandidateIx::BASELINE;
    let mut number = EventNumber(0);
    for (replicate, says) in [[5, 5], [5, 6], [7, 6], [5, 8]].into_iter().enumerate() {
        let first = script.facts.next_call;
        let (replicate, split) = (replicate as u16, Split::Dev);
        let (rows, cached) = ((0..2).map(RowIx).collect(), Vec::new());
        script.apply(Event::EvaluationIssued(Block {
            first,
            candidate: baseline,
            split,
            replicate,
            rows,
            reserve: RESERVE,
            cached,
            judging: None,
        }));
        for (call, said) in (first.0..).map(Call).zip(says) {
            let score = Score::new(0.5).unwrap();
            let (measured, said) = (Vec::new(), Some(said));
            let outcome = RowOutcome::Scored { score, invalid: false, measured, said, weight: 1.0 };
            number = script.apply(Event::Answered(Answered::sample(call)));
            script.apply(Event::EvaluationFolded { call, outcome });
        }
    }
    let agreement = |row: u32, answers: u16, closed: Option<EventNumber>| {
        script.facts.baseline().agreement(Split::Dev, RowIx(row), answers, closed)
    };
    assert_eq!(
        [2, 3, 4].map(|it| agreement(0, it, None)),
        [Some(1.0), Some(2.0 / 3.0), Some(0.75)]
    );
    assert_eq!([2, 3, 4].map(|it| agreement(1, it, None)), [Some(0.5), Some(2.0 / 3.0), Some(0.5)]);
    // Fewer answers agree more easily: a row that lacks one says nothing, and one that came later does not count.
    assert_eq!(agreement(0, 5, None), None);
    assert_eq!((agreement(1, 4, Some(number)), agreement(0, 4, Some(number))), (None, Some(0.75)));
    let goal =
        Goal::parse("max quality s.t. consistency.4 >= 0.5 and consistency.5 >= 0.5").unwrap();
    let of =
        |answers| script.facts.baseline().measured_on_dev(&goal, &Measure::Consistency(answers));
    assert_eq!((of(3), of(4), of(5)), (Some(2.0 / 3.0), Some(0.625), None));
}
