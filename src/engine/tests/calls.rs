//! One call: what becomes durable, what the wallet is charged, and when the run stops.

use super::*;
use crate::engine::call::{CallOutcome, Called};
use crate::engine::error::StopCause;

fn request() -> Request {
    let task = task();
    let evaluator = Evaluator::new(Arc::clone(&task), &[]);
    evaluator.request(&task.baseline, Split::Dev, RowIx(0), 0).unwrap().unwrap()
}

fn call(runner: &CallRunner, number: u64) -> Called {
    block_on(async { runner.call(Call(number), &evaluation(0, 0), &request()).await })
}

fn names(events: &[Event]) -> Vec<&'static str> {
    let name = |event: &Event| match event {
        Event::Reserved { .. } => "reserved",
        Event::Answered(_) => "answered",
        Event::AttemptFailed { .. } => "failed",
        Event::CallMissing { .. } => "missing",
        other => panic!("{other:?}"),
    };
    events.iter().map(name).collect()
}

#[test]
fn a_call_is_reserved_before_it_is_answered_and_costs_what_it_used() {
    let (journal, llm) = (journal(), Scripted::new([]));
    let runner = runner(llm, Caps::default(), &journal);
    let called = call(&runner, 7);
    let CallOutcome::Answered(number, answered) = called.outcome else { panic!("no answer") };
    assert_eq!((number, &*answered.text), (EventNumber(1), "fine"));
    assert_eq!(answered.request, request().hash());
    assert_eq!(names(&events(&journal)), ["reserved", "answered"]);
    let wallet = runner.wallet();
    assert!(wallet.is_idle());
    assert_eq!(wallet.spent(), Amount { usd: answered.usd, tokens: Tokens(12) });
}

#[test]
fn an_attempt_that_may_be_billed_costs_its_reservation_and_is_made_again() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Timeout, true)]));
    let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, Caps::default(), &journal);
    let called = call(&runner, 0);
    assert!(matches!(called.outcome, CallOutcome::Answered(..)));
    assert_eq!(llm.asked(), 2);
    let all = events(&journal);
    assert_eq!(names(&all), ["reserved", "failed", "reserved", "answered"]);
    let (Event::Reserved { amount, .. }, Event::AttemptFailed { charged, .. }) = (&all[0], &all[1])
    else {
        panic!("{all:?}")
    };
    assert_eq!(charged, amount);
    assert_eq!(called.failed, [(EventNumber(1), all[1].clone())]);
    assert_eq!(runner.wallet().spent().tokens, amount.tokens + Tokens(12));
}

#[test]
fn an_attempt_that_is_not_billed_keeps_its_reservation_for_the_next_one() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Throttled, false)]));
    let runner = runner(llm, Caps::default(), &journal);
    assert!(call(&runner, 0).failed.is_empty());
    assert_eq!(names(&events(&journal)), ["reserved", "answered"]);
    assert_eq!(runner.wallet().spent().tokens, Tokens(12));
}

#[test]
fn what_does_not_fit_is_missing_and_never_sent() {
    let (journal, llm) = (journal(), Scripted::new([]));
    let caps = Caps { tokens: Some(Tokens(20)), ..Caps::default() };
    let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, caps, &journal);
    let called = call(&runner, 0);
    let CallOutcome::Missing(_, Event::CallMissing { why, .. }) = called.outcome else {
        panic!("{:?}", called.outcome)
    };
    assert_eq!((&*why, llm.asked()), ("the budget has no room for it", 0));
    assert_eq!(names(&events(&journal)), ["missing"]);
}

#[test]
fn a_refused_key_stops_the_run_and_costs_nothing() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Auth, false)]));
    let runner = runner(llm, Caps::default(), &journal);
    let called = call(&runner, 0);
    assert!(
        matches!(&called.outcome, CallOutcome::Stopped(StopCause::Refused(why)) if why == "a scripted failure")
    );
    let wallet = runner.wallet();
    assert!(wallet.is_idle() && wallet.spent() == Amount::ZERO);
}

#[test]
fn one_refused_request_is_a_missing_row_and_eight_in_a_row_stop_the_run() {
    let journal = journal();
    let refused = || failure(Failure::BadRequest, false);
    let llm = Scripted::new((0..8).map(|_| refused()));
    let runner = runner(llm, Caps::default(), &journal);
    for number in 0..7 {
        assert!(matches!(call(&runner, number).outcome, CallOutcome::Missing(..)), "{number}");
    }
    let last = call(&runner, 7).outcome;
    assert!(matches!(last, CallOutcome::Stopped(StopCause::Refused(_))), "{last:?}");
}

#[test]
fn an_answer_without_usage_is_charged_generously() {
    let silent = Reply { usage: None, ..reply("fine") };
    let (journal, llm) = (journal(), Scripted::new([Ok(silent)]));
    let runner = runner(llm, Caps::default(), &journal);
    let CallOutcome::Answered(_, answered) = call(&runner, 0).outcome else { panic!("no answer") };
    let bytes = request().bytes() as u64;
    assert!(answered.input > bytes / 3 && answered.out > 4 / 3);
}

#[test]
fn after_a_stop_nothing_is_reserved_or_sent() {
    let (journal, llm) = (journal(), Scripted::new([]));
    let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, Caps::default(), &journal);
    runner.stop();
    let called = call(&runner, 0);
    assert!(matches!(called.outcome, CallOutcome::Stopped(StopCause::Cancelled)));
    assert!(llm.asked() == 0 && journal.is_empty());
}

/// A usage above a hundred times what was asked for, or sent, is a mistake of the provider.
#[test]
fn a_usage_that_cannot_be_is_estimated_instead() {
    let used = |input: u64, output: u64| {
        let usage =
            Usage { input: Tokens(input), cached_input: Tokens::ZERO, output: Tokens(output) };
        let (journal, llm) =
            (journal(), Scripted::new([Ok(Reply { usage: Some(usage), ..reply("fine") })]));
        let runner = runner(llm, Caps::default(), &journal);
        let CallOutcome::Answered(_, answered) = call(&runner, 0).outcome else {
            panic!("no answer")
        };
        (answered.input, answered.out, runner.wallet().spent().tokens)
    };
    let most = u64::from(request().max_output_tokens) * 100;
    assert_eq!(used(10, most), (10, most, Tokens(10 + most)), "high, but it can be");
    let estimated = used(10, most + 1);
    assert!(estimated.0 > 10 && estimated.1 < most, "{estimated:?}");
    assert_eq!(used(u64::MAX, u64::MAX), estimated);
    assert_eq!(used(request().bytes() as u64 * 100 + 1, 1), estimated);
}

#[test]
fn an_empty_answer_costs_the_usage_that_it_reports() {
    let usage = Usage { input: Tokens(10), cached_input: Tokens::ZERO, output: Tokens(25) };
    let empty =
        || Err(LlmError { usage: Some(usage), ..failure(Failure::Empty, true).unwrap_err() });
    let (journal, llm) = (journal(), Scripted::new([empty(), empty(), empty()]));
    let runner = runner(llm, Caps::default(), &journal);
    let CallOutcome::Answered(_, answered) = call(&runner, 0).outcome else { panic!("no answer") };
    assert_eq!((&*answered.text, answered.out), ("", 0));
    assert_eq!(runner.wallet().spent().tokens, Tokens(3 * 35));
}
