//! No cap is ever exceeded, at any concurrency, by any role, over any number of restarts.

use crate::support::{Ended, HttpRun, Lab, Server, assert_same_decisions, in_flight, jitter};
use promptsearch::caps::{Caps, Share};
use promptsearch::engine::Outcome;
use promptsearch::event::{Event, Failure, StopReason};
use promptsearch::id::{EventNumber, RequestHash};
use promptsearch::ledger::Wallet;
use promptsearch::memory::{Observer, State};
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::state::Phase;
use promptsearch::units::{Amount, Tokens, Usd};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn a_cap_in_dollars_holds_over_three_kills_by_the_servers_own_count() {
    let cap = 0.16;
    let server = Server::start(&["--latency", "4"]);
    let run = HttpRun::new(&server, 64, &format!("usd = {cap}"), "");
    let mut kills = 0;
    for moment in (200..).step_by(150) {
        assert!(run.kill_after(moment), "it was over after {kills} kills with work in flight");
        kills += usize::from(!in_flight(&run.events()).is_empty());
        if kills == 3 {
            break;
        }
    }
    let summary = run.finish();
    let billed = &server.stats()["billed"];
    let usd = |value: &serde_json::Value| value.as_f64().unwrap();
    let (total, spent) = (usd(&billed["total"]["usd"]), usd(&summary["spent"]["usd"]));
    assert!(total <= cap, "the server would bill {total}");
    assert!(spent <= cap, "{spent} are spent");
    assert!(spent >= total - 1e-9, "{spent} are spent, and the server would bill {total}");
    assert!(usd(&summary["spent"]["lost"]) > 0.0);
    assert_eq!(summary["stop_reason"], "budget_usd");
    assert!(spent >= 0.6 * cap, "only {spent} of {cap} were used");

    // The confirmation had its share, although kills cost the search part of its budget.
    let rows = |side: &str| summary[side]["hold"]["n"].as_u64().unwrap_or(0);
    assert!(rows("best") >= 30, "{} held-out rows", rows("best"));
    if summary["best"]["candidate"] != summary["baseline"]["candidate"] {
        assert_eq!(rows("best"), rows("baseline"));
    }
    assert!(summary["confirmed"].is_boolean());
}

/// Checks every moment of a run against its caps.
fn assert_within(ended: &Ended, caps: Caps, what: &str) {
    assert_eq!(ended.outcome, Outcome::Finished, "{what}");
    assert_never_above(ended, caps, what);
    assert!(ended.state.phase == Phase::Over && in_flight(&ended.events).is_empty(), "{what}");
}

/// What was spent and what was set aside was within the caps at every moment.
fn assert_never_above(ended: &Ended, caps: Caps, what: &str) {
    let mut wallet = Wallet::new(caps);
    let mut most = Amount::ZERO;
    for (_, event) in &ended.events {
        wallet.apply(event);
        let open: Amount = wallet.open_calls().iter().map(|(.., amount)| *amount).sum();
        most = most.max(wallet.spent() + open);
    }
    assert!(caps.usd.is_none_or(|cap| most.usd <= cap), "{what}: {most:?}");
    assert!(caps.tokens.is_none_or(|cap| most.tokens <= cap), "{what}: {most:?}");
    assert!(caps.calls.is_none_or(|cap| wallet.calls() <= cap), "{what}: {}", wallet.calls());
    let proposals = wallet.proposals();
    assert!(caps.proposals.is_none_or(|cap| proposals <= cap), "{what}: {proposals}");
}

fn all_caps(scale: u64) -> [(Caps, StopReason); 4] {
    let none = Caps::default();
    [
        (Caps { calls: Some(500 * scale + 13), ..none }, StopReason::BudgetCalls),
        (Caps { tokens: Some(Tokens(200_000 * scale)), ..none }, StopReason::BudgetTokens),
        (Caps { proposals: Some(3 * scale), ..none }, StopReason::BudgetProposals),
        (Caps { usd: Usd::from_dollars(0.07 * scale as f64), ..none }, StopReason::BudgetUsd),
    ]
}

#[test]
fn every_kind_of_cap_holds_at_every_moment() {
    for seed in 1..=3 {
        for (strategy, concurrency) in [("auto", 64), ("gepa", 7)] {
            for (caps, reason) in all_caps(seed) {
                let ended = Lab::new(strategy, seed, caps, concurrency).run(jitter);
                let what = format!("{strategy}, seed {seed}, {caps:?}");
                assert_within(&ended, caps, &what);
                assert_eq!(ended.state.stop_reason, Some(reason), "{what}");
                assert_eq!(ended.state.counts.errors, 0, "{what}: a row was given up");
            }
        }
    }
}

/// Without kills and faults, a cap that ends the search leaves enough for all held-out rows.
#[test]
fn what_is_set_aside_is_enough_for_all_held_out_rows() {
    for seed in 1..=3 {
        let usd = Caps { usd: Usd::from_dollars(0.15), ..Caps::default() };
        let tokens = Caps { tokens: Some(Tokens(450_000)), ..Caps::default() };
        for caps in [usd, tokens] {
            let ended = Lab::new("auto", seed, caps, 64).run(jitter);
            let (winner, _, rows) = ended.state.winner.unwrap();
            assert_eq!(rows, 168, "seed {seed}, {caps:?}");
            let column =
                ended.state.standing(winner).column(promptsearch::task::example::Split::Hold, 0);
            assert_eq!(column.scored, 168, "seed {seed}, {caps:?}");
        }
    }
}

/// Fails some attempts, once for each request, in ways that a provider may bill.
struct Billing {
    inner: Arc<dyn Llm>,
    /// How many of 256 requests fail.
    share: u8,
    met: Mutex<HashSet<RequestHash>>,
}

#[async_trait::async_trait]
impl Llm for Billing {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let hash = request.hash();
        let draw = hash.as_bytes()[0];
        let failure = match draw % 2 {
            _ if draw >= self.share => None,
            0 => Some(Failure::Timeout),
            _ => Some(Failure::Unreadable),
        };
        if let Some(failure) = failure
            && self.met.lock().unwrap().insert(hash)
        {
            let message = "billed, perhaps".to_owned();
            return Err(LlmError {
                failure,
                may_be_billed: true,
                retry_after: None,
                usage: None,
                refused_field: None,
                envelope: Box::default(),
                message,
            });
        }
        self.inner.complete(request).await
    }
}

fn billing(inner: Arc<dyn Llm>, share: u8) -> Arc<dyn Llm> {
    Arc::new(Billing { inner, share, met: Mutex::default() })
}

/// Half of all requests are paid twice, which the plan cannot know: the wallet stops in time, also where held-out rows
/// are left over.
#[test]
fn retries_are_within_the_cap_too() {
    let none = Caps::default();
    for caps in [
        Caps { usd: Usd::from_dollars(0.1), ..none },
        Caps { tokens: Some(Tokens(250_000)), ..none },
    ] {
        let ended = Lab::new("auto", 1, caps, 64).run(|llm| billing(llm, 128));
        let what = format!("{caps:?}");
        match &ended.outcome {
            Outcome::Finished => assert_within(&ended, caps, &what),
            Outcome::Trouble {
                reason: StopReason::BudgetUsd | StopReason::BudgetTokens, ..
            } => {
                assert_never_above(&ended, caps, &what);
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn failed_attempts_that_may_be_billed_are_within_the_cap_and_in_the_plan() {
    for (caps, reason) in all_caps(1) {
        let what = format!("{caps:?}");
        let run = |concurrency| Lab::new("auto", 1, caps, concurrency).run(|llm| billing(llm, 8));
        let ended = run(64);
        assert_within(&ended, caps, &what);
        assert_eq!(ended.state.stop_reason, Some(reason), "{what}");
        assert_eq!(ended.state.counts.errors, 0, "{what}: a row was given up");
        let failed = |(_, event): &&_| matches!(event, Event::AttemptFailed { charged, .. } if *charged != Amount::ZERO);
        assert!(ended.events.iter().filter(failed).count() > 5, "{what}");

        // The state of an uninterrupted run equals the state after a resume.
        let mut replayed = State::new(ended.state.dev_rows);
        for (number, event) in &ended.events {
            replayed.apply(*number, event);
        }
        assert_eq!(format!("{:?}", replayed.plan), format!("{:?}", ended.state.plan), "{what}");

        assert_same_decisions(&run(7).events, &ended.events, &what);
    }
}

/// Answers some requests late, when they are asked for the first time.
struct Straggling {
    inner: Arc<dyn Llm>,
    met: Mutex<HashSet<RequestHash>>,
}

#[async_trait::async_trait]
impl Llm for Straggling {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let hash = request.hash();
        if hash.as_bytes()[0] < 8 && self.met.lock().unwrap().insert(hash) {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        self.inner.complete(request).await
    }
}

/// What a live run takes into its state.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<Event>>>);

impl Observer for Shown {
    fn observe(&mut self, _number: EventNumber, event: &Event, _state: &State) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[test]
fn requests_that_are_sent_twice_are_within_the_cap_and_change_no_decision() {
    let shown = Shown::default();
    let run = |caps, hedge: &str| {
        shown.0.lock().unwrap().clear();
        let mut lab = Lab::new("auto", 1, caps, 64);
        let model = format!("{{ model = \"sim/clerk\"{hedge} }}");
        lab.edits = vec![("\"sim/clerk\"", model)];
        lab.observer = Some(Box::new(shown.clone()));
        lab.run(|inner| Arc::new(Straggling { inner, met: Mutex::default() }))
    };
    let hedge = ", hedge = \"20ms\"";
    for (caps, reason) in all_caps(1) {
        let what = format!("{caps:?}");
        let ended = run(caps, hedge);
        assert_within(&ended, caps, &what);
        assert_eq!(ended.state.stop_reason, Some(reason), "{what}");
        assert_eq!(ended.state.counts.errors, 0, "{what}: a row was given up");
        let role = &ended.summary.spent.by_role["task"];
        assert!(role.hedged_calls > 5 && role.hedge_usd > 0.0, "{what}: {role:?}");

        let is_hedge =
            |event: &&Event| matches!(event, Event::Hedged { .. } | Event::HedgeSettled { .. });
        let journaled = ended.events.iter().map(|(_, event)| event).filter(is_hedge).count();
        let live = shown.0.lock().unwrap().iter().filter(is_hedge).count();
        assert_eq!(live, journaled, "{what}: the live state has all that a replayed one has");
        let (mut replayed, mut wallet) = (State::new(ended.state.dev_rows), Wallet::new(caps));
        for (number, event) in &ended.events {
            replayed.apply(*number, event);
            wallet.apply(event);
        }
        assert!(wallet.is_idle(), "{what}: a reservation is left");
        for share in [Share::Search, Share::Hold] {
            let taken = [&replayed, &ended.state].map(|state| state.plan.taken(share));
            assert_eq!(taken[0], taken[1], "{what}: the plan after a resume");
        }
    }
    let caps = Caps { calls: Some(700), ..Caps::default() };
    assert_same_decisions(&run(caps, hedge).events, &run(caps, "").events, "with and without");
}

/// A budget that is too small for a shortlist of two is used for the search instead of being
/// reserved.
#[test]
fn auto_uses_a_small_budget_up() {
    let caps = Caps { calls: Some(1_000), ..Caps::default() };
    let mut lab = Lab::new("auto", 1, caps, 8);
    lab.world = Some("few-skills/tune");
    let ended = lab.run(jitter);
    let answered = |(_, event): &&(_, Event)| matches!(event, Event::Answered(_));
    let used = ended.events.iter().filter(answered).count();
    assert!((970..=1_000).contains(&used), "{used} of 1,000");
}

/// A search that ends with the budget has reserved enough to evaluate its shortlist.
#[test]
fn a_shortlist_is_tried_where_the_budget_ends_the_search() {
    for strategy in ["simba", "evoprompt-ga", "evoprompt-de", "sammo-beam"] {
        let caps = Caps { calls: Some(2_500), ..Caps::default() };
        let mut lab = Lab::new(strategy, 1, caps, 64);
        lab.world = Some("few-skills/tune");
        let ended = lab.run(jitter);
        let listed = ended.events.iter().find_map(|(_, event)| match event {
            Event::ShortlistChosen { candidates } => Some(candidates.len()),
            _ => None,
        });
        let ended_by = ended.events.iter().any(|(_, event)| {
            matches!(event, Event::SearchEnded { reason: StopReason::BudgetCalls })
        });
        assert!(ended_by, "{strategy} ended otherwise");
        assert!(listed.is_some_and(|listed| listed >= 3), "{strategy}: {listed:?}");
    }
}

/// Answers its first request after seconds, and the others soon; it counts them.
struct FirstIsLate {
    inner: Arc<dyn Llm>,
    asked: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Llm for FirstIsLate {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let is_first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        tokio::time::sleep(Duration::from_millis(if is_first { 4_000 } else { 100 })).await;
        self.inner.complete(request).await
    }
}

/// Answers come all the time, and none to the call that is waited for.
#[test]
fn a_time_binds_while_answers_come_to_other_calls() {
    let caps = Caps { wall: Some(Duration::from_millis(1_500)), ..Caps::default() };
    let asked = Arc::new(AtomicUsize::new(0));
    let lab = Lab::new("random", 1, caps, 2);
    lab.run(|inner| Arc::new(FirstIsLate { inner, asked: Arc::clone(&asked) }));
    // One at a time beside the first, for 1.5 seconds and not for 4.
    let asked = asked.load(Ordering::SeqCst);
    assert!((2..=20).contains(&asked), "{asked}");
}
