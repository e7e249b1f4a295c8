//! One call: what becomes durable, what the wallet is charged, and when the run stops.

use super::*;
use crate::caps::Share;
use crate::engine::call::{CallOutcome, Called};
use crate::engine::error::StopCause;

fn request() -> Request {
    let task = task();
    let evaluator = Evaluator::new(Arc::clone(&task), &[]);
    evaluator.request(&task.baseline, Split::Dev, RowIx(0), 0).unwrap().unwrap()
}

fn call(runner: &Arc<CallRunner>, number: u64) -> Called {
    block_on(async { runner.call(Call(number), &evaluation(0, 0), &request(), false).await })
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
fn an_attempt_that_is_not_billed_gives_its_reservation_back_while_it_waits() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Throttled, false)]));
    let runner = runner(llm, Caps::default(), &journal);
    call(&runner, 0);
    assert_eq!(names(&events(&journal)), ["reserved", "failed", "reserved", "answered"]);
    assert_eq!(runner.wallet().spent().tokens, Tokens(12));
}

/// Why a call has no answer, by its cause and in words.
fn missing_as(outcome: &CallOutcome) -> Option<(NoAnswer, &str)> {
    match outcome {
        CallOutcome::Missing(_, event) => match &**event {
            Event::CallMissing { cause, why, .. } => Some((*cause, why)),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn what_does_not_fit_is_missing_and_never_sent() {
    let (journal, llm) = (journal(), Scripted::new([]));
    let caps = Caps { tokens: Some(Tokens(20)), ..Caps::default() };
    let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, caps, &journal);
    let called = call(&runner, 0);
    let (_, why) = missing_as(&called.outcome).unwrap();
    assert_eq!((why, llm.asked()), ("the budget has no room for it", 0));
    assert_eq!(names(&events(&journal)), ["missing"]);
}

#[test]
fn a_refused_key_stops_the_run_and_costs_nothing() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Auth, false)]));
    let runner = runner(llm, Caps::default(), &journal);
    let called = call(&runner, 0);
    assert!(matches!(&called.outcome, CallOutcome::Stopped(StopCause::Trouble { reason, why })
            if *reason == StopReason::ProviderRefused && why == "task model: a scripted failure"));
    let wallet = runner.wallet();
    assert!(wallet.is_idle() && wallet.spent() == Amount::ZERO);
}

/// Makes calls for rows of these prompts at once, and stops the run where one of them says so.
fn calls_of(runner: &Arc<CallRunner>, prompts: &[u32]) -> Vec<CallOutcome> {
    let request = request();
    let call = async |(number, prompt): (usize, &u32)| {
        let (candidate, split) = (CandidateIx(*prompt), Split::Dev);
        let work =
            Work::Evaluation(RowKey { candidate, split, replicate: 0, row: RowIx(number as u32) });
        let called = runner.call(Call(number as u64), &work, &request, false).await;
        if matches!(called.outcome, CallOutcome::Stopped(_)) {
            runner.stop();
        }
        called.outcome
    };
    let all = prompts.iter().enumerate().map(call);
    block_on(async {
        // What waits takes no time.
        tokio::time::pause();
        futures_util::future::join_all(all).await
    })
}

#[test]
fn one_refused_request_is_a_missing_row_and_twenty_in_a_row_stop_the_run_and_stay_open() {
    let refused = |count| Scripted::new((0..count).map(|_| failure(Failure::BadRequest, false)));
    let journal = journal();
    let runner = runner(refused(19), Caps::default(), &journal);
    let outcomes = calls_of(&runner, &[0; 19]);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, CallOutcome::Missing(..))));

    let journal = super::journal();
    let runner = super::runner(refused(30), Caps::default(), &journal);
    let outcomes = calls_of(&runner, &[0; 30]);
    let told = outcomes.iter().filter(|outcome| {
        matches!(outcome, CallOutcome::Stopped(StopCause::Trouble { reason, why })
            if *reason == StopReason::NoAnswers && why.starts_with("task model: 20 calls in a row"))
    });
    assert!(told.count() >= 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, CallOutcome::Stopped(_))));
    assert!(!names(&events(&journal)).contains(&"missing"), "no row is lost");
}

#[test]
fn a_row_that_is_refused_among_others_that_are_answered_is_missing() {
    let journal = journal();
    let llm = Scripted::new([failure(Failure::BadRequest, false)]);
    let runner = runner(llm, Caps::default(), &journal);
    let outcomes = calls_of(&runner, &[0; 4]);
    let is_refused = |outcome: &&CallOutcome| {
        missing_as(outcome).is_some_and(|(cause, _)| cause == NoAnswer::Refused)
    };
    let missing = outcomes.iter().filter(is_refused);
    assert_eq!(missing.count(), 1, "{outcomes:?}");
}

/// A provider that comes back: what was lost meanwhile is asked once more.
#[test]
fn a_row_that_was_lost_while_a_provider_was_away_is_asked_again_when_it_is_back() {
    let journal = journal();
    // Of five calls four lose all six tries, and the fifth is answered at its sixth.
    let llm = Scripted::new((0..29).map(|_| failure(Failure::Transient, false)));
    let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, Caps::default(), &journal);
    let outcomes = calls_of(&runner, &[0; 5]);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, CallOutcome::Answered(..))));
    assert_eq!(llm.asked(), 29 + 5);
}

/// A model that fails for the requests with these draws, always alike, and answers all others.
struct Picky {
    draws: std::ops::Range<u64>,
    failure: Failure,
}

#[async_trait::async_trait]
impl Llm for Picky {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        match self.draws.contains(&request.draw) {
            true => failure(self.failure, false),
            false => Ok(reply("fine")),
        }
    }
}

/// Calls for the baseline at once, each with its own draw.
fn drawn_calls(llm: Picky, count: u64) -> Vec<CallOutcome> {
    let journal = journal();
    let runner = runner(Arc::new(llm), Caps::default(), &journal);
    let call = async |number: u64| {
        let request = Request { draw: number, ..request() };
        let outcome = runner.call(Call(number), &evaluation(0, 0), &request, false).await.outcome;
        if matches!(outcome, CallOutcome::Stopped(_)) {
            runner.stop();
        }
        outcome
    };
    block_on(async {
        tokio::time::pause();
        futures_util::future::join_all((0..count).map(call)).await
    })
}

/// They need three tries, so they end last and together; their first tries stood among good answers.
#[test]
fn rows_that_are_slow_to_fail_are_no_streak() {
    let outcomes = drawn_calls(Picky { draws: 0..30, failure: Failure::Reasoning }, 200);
    let invalid = outcomes.iter().filter(|outcome| {
        matches!(outcome, CallOutcome::Answered(_, answered)
            if answered.flaw() == Some(NoAnswer::Reasoning))
    });
    assert_eq!(invalid.count(), 30);
    assert!(!outcomes.iter().any(|outcome| matches!(outcome, CallOutcome::Stopped(_))));
}

#[test]
fn a_row_that_alone_is_never_answered_goes_missing_when_its_wait_is_over() {
    let outcomes = drawn_calls(Picky { draws: 0..2, failure: Failure::Unavailable }, 60);
    for (number, outcome) in outcomes.iter().enumerate() {
        match missing_as(outcome) {
            Some((cause, _)) => assert_eq!((number < 2, cause), (true, NoAnswer::Transport)),
            None => assert!(number >= 2 && matches!(outcome, CallOutcome::Answered(..))),
        }
    }
}

/// A model that counts how many ask it at a time.
struct Counting {
    now: AtomicUsize,
    seen: Mutex<Vec<usize>>,
    /// It answers once this number of calls have asked.
    together: tokio::sync::Barrier,
}

impl Counting {
    fn new(together: usize) -> Arc<Self> {
        let together = tokio::sync::Barrier::new(together);
        Arc::new(Self { now: AtomicUsize::new(0), seen: Mutex::default(), together })
    }
}

#[async_trait::async_trait]
impl Llm for Counting {
    async fn complete(&self, _request: &Request) -> Result<Reply, LlmError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.seen.lock().unwrap().push(now);
        self.together.wait().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(reply("fine"))
    }
}

#[test]
fn under_a_cap_the_first_calls_are_few_until_their_bills_are_known() {
    let at_once = |caps, together| {
        let (journal, llm) = (journal(), Counting::new(together));
        let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, caps, &journal);
        calls_of(&runner, &[0; 8]);
        llm.seen.lock().unwrap().clone()
    };
    // The provider takes four at a time, which wait for one another.
    assert_eq!(at_once(Caps::default(), 4).into_iter().max(), Some(4));
    let capped = Caps { tokens: Some(Tokens(1_000_000)), ..Caps::default() };
    let seen = at_once(capped, 1);
    assert_eq!(seen[..2], [1, 1], "the second call waits for the first bill");
    assert_eq!(seen.into_iter().max(), Some(4), "and the others do not");
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
        let usage = Usage::plain(input, output);
        let (journal, llm) =
            (journal(), Scripted::new([Ok(Reply { usage: Some(usage), ..reply("fine") })]));
        let runner = runner(llm, Caps::default(), &journal);
        let CallOutcome::Answered(_, answered) = call(&runner, 0).outcome else {
            panic!("no answer")
        };
        (answered.input, answered.out, runner.wallet().spent().tokens)
    };
    let high = 1_000_000;
    assert_eq!(used(high, high), (high, high, Tokens(2 * high)), "high, but it can be");
    // Then a call costs what was set aside for it.
    let estimated = used(10, high + 1);
    assert_eq!(estimated.1, u64::from(request().max_output_tokens), "{estimated:?}");
    assert_eq!(used(u64::MAX, u64::MAX), estimated);
    assert_eq!(used(10_000_001, 1), estimated);
}

#[test]
fn an_empty_answer_costs_the_usage_that_it_reports() {
    let usage = Usage::plain(10, 25);
    let empty =
        || Err(LlmError { usage: Some(usage), ..failure(Failure::Empty, true).unwrap_err() });
    let (journal, llm) = (journal(), Scripted::new([empty(), empty(), empty()]));
    let runner = runner(llm, Caps::default(), &journal);
    let CallOutcome::Answered(_, answered) = call(&runner, 0).outcome else { panic!("no answer") };
    assert_eq!((&*answered.text, answered.out), ("", 25));
    assert_eq!(runner.wallet().spent().tokens, Tokens(3 * 35));
}

/// Nothing is sent while a run is paused, retries included; it is sent once the run goes on, or never where the
/// time of its share is over.
#[test]
fn a_paused_run_sends_nothing() {
    let (journal, llm) = (journal(), Scripted::new([failure(Failure::Timeout, false)]));
    let runner = runner(Arc::clone(&llm) as Arc<dyn Llm>, Caps::default(), &journal);
    let made = |number: u64| {
        let runner = Arc::clone(&runner);
        tokio::spawn(async move {
            runner.call(Call(number), &evaluation(0, 0), &request(), false).await
        })
    };
    let a_while = || tokio::time::sleep(Duration::from_millis(100));
    block_on(async {
        runner.pause_all().unwrap();
        assert!(runner.pause_all().is_err());
        let call = made(0);
        a_while().await;
        assert!(llm.asked() == 0 && runner.wallet().is_idle(), "nothing is set aside either");
        runner.go_on().unwrap();
        // It fails, and is to be made again.
        while llm.asked() == 0 {
            tokio::task::yield_now().await;
        }
        runner.pause_all().unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(llm.asked(), 1, "a retry waits, too");
        assert!(runner.is_stuck(false).is_none() && runner.waiting().is_none());
        runner.go_on().unwrap();
        assert!(matches!(call.await.unwrap().outcome, CallOutcome::Answered(..)));
        runner.pause_all().unwrap();
        let call = made(1);
        a_while().await;
        runner.close(Share::Search);
        assert!(matches!(call.await.unwrap().outcome, CallOutcome::Missing(..)));
    });
    assert_eq!(llm.asked(), 2);
}
