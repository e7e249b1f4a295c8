//! A late request is sent once more: the first answer counts, both are charged, and nothing is above the cap.

use super::*;
use crate::engine::call::{CallOutcome, Called};
use crate::engine::inbox::{Inbox, Report};

const LATE: Duration = Duration::from_millis(30);
const SLOW: Duration = Duration::from_millis(150);
const QUICK: Duration = Duration::ZERO;
const HANGS: Duration = Duration::from_secs(3_600);

/// A model that answers as a test has written it, in the order in which it is asked, after a while.
struct Timed {
    script: Mutex<VecDeque<(Duration, Result<Reply, LlmError>)>>,
    asked: AtomicUsize,
}

impl Timed {
    fn new(script: impl IntoIterator<Item = (Duration, Result<Reply, LlmError>)>) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { script, asked: AtomicUsize::new(0) })
    }
}

#[async_trait::async_trait]
impl Llm for Timed {
    async fn complete(&self, _request: &Request) -> Result<Reply, LlmError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.script.lock().unwrap().pop_front();
        let (after, result) = next.unwrap_or((QUICK, Ok(reply("fine"))));
        tokio::time::sleep(after).await;
        result
    }
}

fn used(text: &str, tokens: u64) -> Result<Reply, LlmError> {
    Ok(Reply { usage: Some(Usage::plain(tokens - 1, 1)), ..reply(text) })
}

fn row() -> Request {
    let task = task();
    let evaluator = Evaluator::new(Arc::clone(&task), &[]);
    evaluator.request(&task.baseline, Split::Dev, RowIx(0), 0).unwrap().unwrap()
}

/// What calls came to, made at once; then the session ends.
struct Ended {
    called: Vec<Called>,
    events: Vec<Event>,
    /// What came to the inbox.
    reported: Vec<Event>,
    runner: Arc<CallRunner>,
}

fn ended(llm: &Arc<Timed>, caps: Caps, calls: u64) -> Ended {
    let journal = journal();
    let hedge = Some(Hedge::After(LATE));
    let runner = hedging_runner(Arc::clone(llm) as Arc<dyn Llm>, caps, &journal, hedge);
    let (mut inbox, post) = Inbox::new();
    runner.report_to(&post);
    let request = row();
    let called = block_on(async {
        let call =
            async |number| runner.call(Call(number), &evaluation(0, 0), &request, false).await;
        let called = futures_util::future::join_all((0..calls).map(call)).await;
        runner.hedges_settled(3 * SLOW).await;
        runner.charge_open_hedges();
        called
    });
    let fact = |report| match report {
        Report::Fact(_, event) => *event,
        Report::Arrived(arrived) => panic!("{arrived:?}"),
    };
    let reported = std::iter::from_fn(|| inbox.next_now()).map(fact).collect();
    Ended { called, events: events(&journal), reported, runner }
}

impl Ended {
    fn names(&self) -> Vec<&'static str> {
        let name = |event: &Event| match event {
            Event::Reserved { .. } => "reserved",
            Event::Hedged { .. } => "hedged",
            Event::HedgeSettled { .. } => "settled",
            Event::Answered(_) => "answered",
            Event::AttemptFailed { .. } => "failed",
            other => panic!("{other:?}"),
        };
        self.events.iter().map(name).collect()
    }

    /// What the requests met that do not count.
    fn failures(&self) -> Vec<Option<Failure>> {
        let of = |event: &Event| match event {
            Event::HedgeSettled { failure, .. } => Some(*failure),
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    fn text(&self) -> &str {
        match &self.called[0].outcome {
            CallOutcome::Answered(_, answered) => &answered.text,
            other => panic!("{other:?}"),
        }
    }

    /// The tokens that were spent, and those of hedges among them. Nothing is reserved any more.
    fn tokens(&self) -> (u64, u64) {
        let wallet = self.runner.wallet();
        assert!(wallet.is_idle(), "a reservation is left: {:?}", self.events);
        let role = wallet.by_role(ModelRole::Task);
        assert_eq!(role.calls, self.called.len() as u64);
        (wallet.spent().tokens.0, role.hedge_charged.tokens.0)
    }

    fn worst_case(&self) -> u64 {
        let worst = self.events.iter().find_map(|event| match event {
            Event::Hedged { amount, .. } => Some(amount.tokens.0),
            _ => None,
        });
        worst.unwrap()
    }
}

#[test]
fn the_first_answer_counts_and_the_other_request_is_charged_what_it_costs() {
    for (first, second, text, charged) in
        [(SLOW, QUICK, "second", 70), (2 * LATE, SLOW, "first", 11)]
    {
        let llm = Timed::new([(first, used("first", 70)), (second, used("second", 11))]);
        let ended = ended(&llm, Caps::default(), 1);
        assert_eq!(ended.text(), text);
        assert_eq!(ended.names(), ["reserved", "hedged", "answered", "settled"]);
        assert_eq!(ended.tokens(), (81, charged));
        assert_eq!(ended.reported, [ended.events[1].clone(), ended.events[3].clone()]);
    }
}

#[test]
fn a_request_that_is_not_late_is_sent_once() {
    let llm = Timed::new([(LATE / 3, used("first", 70))]);
    let ended = ended(&llm, Caps::default(), 1);
    assert_eq!(ended.names(), ["reserved", "answered"]);
    assert_eq!(ended.tokens(), (70, 0));
}

#[test]
fn where_one_of_the_two_fails_the_other_one_is_awaited() {
    let billed = || failure(Failure::Timeout, true);
    let unbilled = || failure(Failure::Unavailable, false);
    for (script, text, is_worst) in [
        ([(2 * LATE, billed()), (SLOW, used("second", 11))], "second", true),
        ([(SLOW, used("first", 11)), (QUICK, unbilled())], "first", false),
    ] {
        let ended = ended(&Timed::new(script), Caps::default(), 1);
        assert_eq!(ended.text(), text);
        assert_eq!(ended.names(), ["reserved", "hedged", "settled", "answered"]);
        let met = if is_worst { Failure::Timeout } else { Failure::Unavailable };
        assert_eq!(ended.failures(), [Some(met)]);
        let charged = if is_worst { ended.worst_case() } else { 0 };
        assert_eq!(ended.tokens(), (11 + charged, charged));
    }
}

#[test]
fn where_both_fail_the_attempt_has_failed_and_is_made_again() {
    let billed = || failure(Failure::Transient, true);
    let llm = Timed::new([(SLOW, billed()), (QUICK, billed()), (QUICK, used("third", 7))]);
    let ended = ended(&llm, Caps::default(), 1);
    assert_eq!(ended.names(), ["reserved", "hedged", "settled", "failed", "reserved", "answered"]);
    assert_eq!(ended.failures(), [Some(Failure::Transient)]);
    assert_eq!(ended.tokens(), (2 * ended.worst_case() + 7, ended.worst_case()));
}

#[test]
fn a_request_that_fails_after_the_answer_is_told_with_what_it_costs() {
    let partly = Usage::plain(20, 3);
    let error = || failure(Failure::Unreadable, true);
    let late = error().map_err(|error| LlmError { usage: Some(partly), ..error });
    let llm = Timed::new([(SLOW, late), (QUICK, used("second", 11))]);
    let ended = ended(&llm, Caps::default(), 1);
    assert_eq!(ended.names(), ["reserved", "hedged", "answered", "settled"]);
    assert_eq!(ended.failures(), [Some(Failure::Unreadable)]);
    assert_eq!(ended.tokens(), (11 + 23, 23));
    assert_eq!(ended.runner.wallet().by_role(ModelRole::Task).failed_hedges, 1);
}

#[test]
fn what_is_out_when_a_session_ends_is_charged_its_worst_case_once() {
    let llm = Timed::new([(HANGS, used("first", 70)), (QUICK, used("second", 11))]);
    let ended = ended(&llm, Caps::default(), 1);
    assert_eq!(ended.names(), ["reserved", "hedged", "answered", "settled"]);
    assert_eq!(ended.tokens(), (11 + ended.worst_case(), ended.worst_case()));
    ended.runner.charge_open_hedges();
    assert_eq!(ended.tokens(), (11 + ended.worst_case(), ended.worst_case()));
}

#[test]
fn nothing_is_sent_twice_where_the_budget_or_the_provider_has_no_room() {
    let slow = |count| Timed::new((0..count).map(|_| (SLOW, used("slow", 11))));
    // A place is free only once one of the four that the provider takes is answered.
    let full = ended(&slow(4), Caps::default(), 4);
    assert!(!full.names().contains(&"hedged"), "{:?}", full.names());
    assert_eq!(full.tokens(), (44, 0));

    // Bills must be known before a hedge may be sent under a cap, so the second call is hedged.
    let two_calls = |caps| {
        let script =
            [(QUICK, used("quick", 3)), (SLOW, used("slow", 11)), (SLOW, used("slow", 11))];
        let (llm, journal) = (Timed::new(script), journal());
        let hedge = Some(Hedge::After(LATE));
        let runner = hedging_runner(Arc::clone(&llm) as Arc<dyn Llm>, caps, &journal, hedge);
        let (work, request) = (evaluation(0, 0), row());
        block_on(async {
            for call in [0, 1] {
                runner.call(Call(call), &work, &request, false).await;
            }
            runner.hedges_settled(3 * SLOW).await;
        });
        let wallet = runner.wallet();
        assert!(wallet.is_idle() && wallet.passed_cap().is_none());
        let worst = events(&journal).iter().find_map(|event| match event {
            Event::Hedged { amount, .. } => Some(amount.tokens),
            _ => None,
        });
        (llm.asked.load(Ordering::SeqCst), worst)
    };
    let (asked, worst) = two_calls(Caps::default());
    assert_eq!(asked, 3, "there is a place, and room");
    let room = Tokens(3) + worst.unwrap() + worst.unwrap();
    for (tokens, asked) in [(Tokens(room.0 - 1), 2), (room, 3)] {
        let caps = Caps { tokens: Some(tokens), ..Caps::default() };
        assert_eq!(two_calls(caps).0, asked, "{tokens} of {room}");
    }
}

#[test]
fn the_percentile_is_that_of_the_answers_of_this_session() {
    let ten = Duration::from_millis(10);
    let script = (0..40).map(|_| (ten, used("usual", 1)));
    let script = script.chain([(HANGS, used("stuck", 1)), (QUICK, used("hedge", 1))]);
    let (llm, journal) = (Timed::new(script), journal());
    let caps = Caps::default();
    let runner = hedging_runner(Arc::clone(&llm) as Arc<dyn Llm>, caps, &journal, Some(Hedge::P95));
    block_on(async {
        for call in 0..40 {
            runner.call(Call(call), &evaluation(0, 0), &row(), false).await;
        }
        // Usual answers may be hedged too, if this machine is busy.
        while llm.script.lock().unwrap().len() > 2 {
            llm.script.lock().unwrap().pop_front();
        }
        let (work, request) = (evaluation(0, 0), row());
        let stuck = runner.call(Call(40), &work, &request, false);
        let called = tokio::time::timeout(Duration::from_secs(20), stuck).await.unwrap();
        let CallOutcome::Answered(_, answered) = called.outcome else { panic!("no answer") };
        assert_eq!(&*answered.text, "hedge");
    });
}
