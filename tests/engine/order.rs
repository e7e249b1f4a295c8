//! The same seed and the same answers give the same run, at any concurrency.

use crate::support::{Ended, Lab, assert_same_decisions, decisions, jitter};
use promptsearch::caps::Caps;
use promptsearch::engine::Outcome;
use promptsearch::event::StopReason;
use promptsearch::units::{Tokens, Usd};

fn run(strategy: &'static str, seed: u64, caps: Caps, concurrency: usize) -> Ended {
    let ended = Lab::new(strategy, seed, caps, concurrency).run(jitter);
    assert_eq!(ended.outcome, Outcome::Finished);
    ended
}

fn is_the_same_at_any_concurrency(strategy: &'static str, caps: Caps) -> StopReason {
    let one = run(strategy, 1, caps, 1);
    for concurrency in [7, 64] {
        let other = run(strategy, 1, caps, concurrency);
        let what = format!("{strategy} at concurrency {concurrency} and 1");
        assert_same_decisions(&other.events, &one.events, &what);
        assert_eq!(other.state.winner, one.state.winner, "{what}");
    }
    one.state.stop_reason.unwrap()
}

fn calls(calls: u64) -> Caps {
    Caps { calls: Some(calls), ..Caps::default() }
}

#[test]
fn auto_decides_the_same_at_any_concurrency() {
    assert_eq!(is_the_same_at_any_concurrency("auto", calls(1_200)), StopReason::BudgetCalls);
}

/// Children that are bred side by side, more of them than are tried at a time: what is folded when does not depend on
/// what comes when.
#[test]
fn a_wide_search_decides_the_same_at_any_concurrency() {
    let run = |concurrency| {
        let mut lab = Lab::new("auto", 1, calls(1_200), concurrency);
        lab.sets = vec!["schedule.width=8".to_owned()];
        let ended = lab.run(jitter);
        assert_eq!(ended.outcome, Outcome::Finished);
        ended
    };
    let one = run(1);
    assert_same_decisions(&run(64).events, &one.events, "width 8 at concurrency 64 and 1");
    let narrow = self::run("auto", 1, calls(1_200), 1);
    assert_ne!(decisions(&one.events), decisions(&narrow.events), "the width changes nothing");
}

#[test]
fn gepa_decides_the_same_at_any_concurrency() {
    assert_eq!(is_the_same_at_any_concurrency("gepa", calls(1_200)), StopReason::BudgetCalls);
}

#[test]
fn triple_sh_decides_the_same_at_any_concurrency() {
    is_the_same_at_any_concurrency("triple-sh", calls(1_200));
}

#[test]
fn random_decides_the_same_at_any_concurrency() {
    assert_eq!(is_the_same_at_any_concurrency("random", calls(1_200)), StopReason::BudgetCalls);
}

#[test]
fn a_run_that_reaches_its_cap_decides_the_same_at_any_concurrency() {
    let usd = Caps { usd: Usd::from_dollars(0.12), ..Caps::default() };
    assert_eq!(is_the_same_at_any_concurrency("auto", usd), StopReason::BudgetUsd);
    let tokens = Caps { tokens: Some(Tokens(400_000)), ..Caps::default() };
    assert_eq!(is_the_same_at_any_concurrency("gepa", tokens), StopReason::BudgetTokens);
    let proposals = Caps { proposals: Some(9), ..Caps::default() };
    assert_eq!(is_the_same_at_any_concurrency("auto", proposals), StopReason::BudgetProposals);
}

#[test]
fn another_seed_gives_other_decisions() {
    let [one, two] = [1, 2].map(|seed| run("auto", seed, calls(800), 64));
    assert_ne!(decisions(&one.events), decisions(&two.events));
}
