//! What an issued call needs after a resume.

use super::*;
use crate::engine::inbox::Content;
use crate::engine::job::{Job, Question};
use crate::engine::resume::{Resumed, resume_call};
use crate::event::{Block, Cached, CachedOf};
use crate::task::scorer::Verdict;

/// A run with one row issued, and what its journal then has of it.
fn issued(facts: Vec<Event>, cached: Option<CachedOf>) -> (Search, Arc<Journal<Event>>) {
    let journal = journal();
    let mut state = started();
    let cached = cached.map(|of| Cached { call: Call(0), of }).into_iter().collect();
    let block = Block {
        first: Call(0),
        candidate: CandidateIx::BASELINE,
        split: Split::Dev,
        replicate: 0,
        judging: None,
        rows: vec![RowIx(5)],
        reserve: Amount { usd: Usd::from_nanos(9), tokens: Tokens(9) },
        cached,
    };
    state.apply(EventNumber(1), &Event::EvaluationIssued(block));
    for event in facts {
        let number = block_on(async { journal.append_durable(event.clone()).await.unwrap() });
        state.apply(number, &event);
    }
    let (search, _cancel) = search(Vec::new(), state, &journal, Scripted::new([]), Caps::default());
    (search, journal)
}

fn resumed((mut search, journal): (Search, Arc<Journal<Event>>)) -> Resumed {
    let open = search.state.call(Call(0)).unwrap().clone();
    resume_call(&mut search.planner, &journal, &search.state, Call(0), &open).unwrap()
}

#[test]
fn a_call_without_an_answer_is_sent_again_as_it_was() {
    let Resumed::Send(Job { call, purpose, question, worst_case, .. }) =
        resumed(issued(Vec::new(), None))
    else {
        panic!("it is not sent")
    };
    assert_eq!((call, purpose, worst_case.tokens), (Call(0), evaluation(5, 0), Tokens(9)));
    let Question::Model(request) = question else { panic!("no model is asked") };
    assert_eq!(request.draw, 0);
}

#[test]
fn a_lost_reservation_changes_nothing_about_what_is_sent() {
    let (role, share) = (ModelRole::Task, crate::caps::Share::Search);
    let reserved = Event::Reserved { call: Call(0), amount: Amount::ZERO, role, share };
    let lost = Event::Lost { call: Call(0) };
    let again = resumed(issued(vec![reserved, lost], None));
    assert_eq!(again, resumed(issued(Vec::new(), None)));
}

#[test]
fn a_durable_answer_is_scored_and_never_bought_again() {
    let Work::Evaluation(to) = evaluation(5, 0) else { panic!("no row") };
    let (answered, answer) = (Box::new(answered(0, "billing")), EventNumber(0));
    let fact = Event::Answered((*answered).clone());
    assert_eq!(resumed(issued(vec![fact], None)), Resumed::Score { to, answered, answer });
}

#[test]
fn a_durable_verdict_is_used_as_it_is() {
    let verdict = Verdict::wrong("late");
    let answer = EventNumber(0);
    let scored =
        Event::Scored { call: Call(0), answer, verdict: verdict.clone(), judged_by: Vec::new() };
    let facts = vec![Event::Answered(answered(0, "billing")), scored];
    assert_eq!(resumed(issued(facts, None)), Resumed::Here(Content::Verdict(verdict)));
}

#[test]
fn a_call_that_ended_without_an_answer_is_not_sent_again() {
    let (role, cause) = (ModelRole::Task, NoAnswer::Refused);
    let missing = Event::CallMissing { call: Call(0), role, cause, why: "x".into() };
    assert_eq!(resumed(issued(vec![missing], None)), Resumed::Served);
}

#[test]
fn a_call_that_an_earlier_answer_serves_is_not_sent() {
    let served = Some(CachedOf::Answer(EventNumber(0)));
    assert_eq!(resumed(issued(Vec::new(), served)), Resumed::Served);
}

#[test]
fn an_open_request_is_known_after_a_resume_so_that_an_equal_one_is_not_sent() {
    let (mut search, journal) = issued(Vec::new(), None);
    let open = search.state.call(Call(0)).unwrap().clone();
    resume_call(&mut search.planner, &journal, &search.state, Call(0), &open).unwrap();
    let (candidate, split) = (CandidateIx::BASELINE, Split::Dev);
    let rows =
        crate::engine::requests::Rows { candidate, split, replicate: 0, rows: vec![RowIx(5)] };
    let (event, jobs) =
        search.planner.requests.block(&search.state, rows, Amount::ZERO, None).unwrap();
    assert!(jobs.is_empty());
    let Event::EvaluationIssued(block) = event else { panic!("no block") };
    assert_eq!(block.cached, [Cached { call: Call(1), of: CachedOf::Call(Call(0)) }]);
}
