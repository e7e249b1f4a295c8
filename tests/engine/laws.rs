//! Invariants of every shipped recipe, one function per invariant.
//!
//! Seeds, budgets, moments of interruption and tasks are drawn at random, so that each invariant is
//! tested on different runs of each recipe.

use crate::support::{Ended, Lab, assert_same_decisions, jitter};
use promptsearch::candidate::RepairKind;
use promptsearch::caps::Caps;
use promptsearch::engine::Outcome;
use promptsearch::event::{Event, ProposalOutcome};
use promptsearch::id::{CandidateIx, RowIx};
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::recipe::SHIPPED;
use promptsearch::task::example::{Example, Split};
use promptsearch::units::Usd;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// The random settings of a run.
#[derive(Clone, Debug)]
struct Draw {
    seed: u64,
    calls: u64,
    /// One of the tuning worlds: tasks with and without demonstrations.
    world: &'static str,
    /// The moment of interruption, as a share of its events.
    moment: f64,
}

fn draws() -> impl Strategy<Value = Draw> {
    let worlds = prop::sample::select(vec!["few-skills/tune", "terse/tune", "demos/tune"]);
    (1_u64..1_000, 500_u64..1_100, worlds, 0.05_f64..0.95)
        .prop_map(|(seed, calls, world, moment)| Draw { seed, calls, world, moment })
}

/// Tests an invariant on a few runs of every recipe.
fn for_every_recipe(runs: u32, law: impl Fn(&'static str, &Draw)) {
    for (place, recipe) in SHIPPED.iter().enumerate() {
        let config = Config { cases: runs, failure_persistence: None, ..Config::default() };
        let seed = [u8::try_from(place).unwrap(); 32];
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        TestRunner::new_with_rng(config, rng)
            .run(&draws(), |draw| {
                law(recipe.name, &draw);
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
    }
}

fn lab(recipe: &'static str, draw: &Draw, concurrency: usize) -> Lab {
    let caps = Caps { calls: Some(draw.calls), ..Caps::default() };
    let mut lab = Lab::new(recipe, draw.seed, caps, concurrency);
    lab.world = Some(draw.world);
    lab
}

fn run(recipe: &'static str, draw: &Draw, concurrency: usize) -> Ended {
    let ended = lab(recipe, draw, concurrency).run(jitter);
    assert_eq!(ended.outcome, Outcome::Finished, "{recipe}");
    ended
}

#[test]
fn every_recipe_decides_the_same_at_any_concurrency() {
    for_every_recipe(1, |recipe, draw| {
        let one = run(recipe, draw, 1);
        for concurrency in [7, 64] {
            let other = run(recipe, draw, concurrency);
            let what = format!("{recipe} at concurrency {concurrency} and 1");
            assert_same_decisions(&other.events, &one.events, &what);
            assert_eq!(other.state.winner, one.state.winner, "{what}");
        }
    });
}

#[test]
fn every_recipe_can_be_resumed_after_an_interruption() {
    for_every_recipe(2, |recipe, draw| {
        let whole = run(recipe, draw, 16);
        let mut lab = lab(recipe, draw, 16);
        let moment = (whole.events.len() as f64 * draw.moment) as u64;
        lab.interrupt_at = Some(moment);
        let parted = lab.run(jitter);
        assert_eq!(parted.outcome, Outcome::Finished, "{recipe}");
        let resumed = parted.events.iter().any(|(_, event)| matches!(event, Event::Resumed { .. }));
        assert!(resumed, "{recipe} was not interrupted at {moment}");
        let what = format!("{recipe}, interrupted at event {moment}");
        assert_same_decisions(&parted.events, &whole.events, &what);
        assert_eq!(parted.state.winner, whole.state.winner, "{what}");
    });
}

#[test]
fn no_recipe_asks_a_candidate_twice_for_a_row() {
    for_every_recipe(2, |recipe, draw| {
        let ended = run(recipe, draw, 16);
        let mut asked: HashSet<(CandidateIx, Split, u16, RowIx)> = HashSet::new();
        for (_, event) in &ended.events {
            if let Event::EvaluationIssued(block) = event {
                for row in &block.rows {
                    let key = (block.candidate, block.split, block.replicate, *row);
                    assert!(asked.insert(key), "{recipe}: {key:?} is asked again");
                }
            }
        }
        assert!(!asked.is_empty(), "{recipe} asked nothing");
    });
}

/// Counts like a provider, and keeps the requests to the mutator.
#[derive(Default)]
struct Books {
    calls: u64,
    usd: Usd,
    sent: Vec<String>,
}

struct Provider {
    llm: Arc<dyn Llm>,
    books: Arc<Mutex<Books>>,
}

#[async_trait::async_trait]
impl Llm for Provider {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let reply = self.llm.complete(request).await?;
        let mut books = self.books.lock().unwrap();
        books.calls += 1;
        let (input, output) = match request.model.model() {
            "clerk" => (150, 600),
            _ => (2_500, 10_000),
        };
        let usage = reply.usage.unwrap();
        let nanos = input * usage.prompt().0 + output * usage.answer().0;
        books.usd += Usd::from_nanos(nanos);
        if request.model.model() == "editor" {
            books.sent.extend(request.messages.iter().map(|message| message.content.clone()));
        }
        Ok(reply)
    }
}

#[test]
fn no_recipe_exceeds_a_cap_by_the_providers_own_count() {
    for_every_recipe(2, |recipe, draw| {
        for in_usd in [false, true] {
            let books = Arc::new(Mutex::new(Books::default()));
            let mut lab = lab(recipe, draw, 64);
            let cap = Usd::from_dollars(0.04 + 0.000_1 * draw.calls as f64);
            if in_usd {
                lab.caps = Caps { usd: cap, calls: Some(4_000), ..Caps::default() };
            }
            let ended =
                lab.run(|llm| Arc::new(Provider { llm: jitter(llm), books: Arc::clone(&books) }));
            assert_eq!(ended.outcome, Outcome::Finished, "{recipe}");
            let books = books.lock().unwrap();
            if in_usd {
                let cap = cap.unwrap();
                assert!(books.usd <= cap, "{recipe}: {} of {cap}", books.usd);
            } else {
                assert!(books.calls <= draw.calls, "{recipe}: {} of {}", books.calls, draw.calls);
            }
        }
    });
}

#[test]
fn no_recipe_shows_a_row_of_dev_or_hold_to_its_mutator_or_asks_hold_before_its_time() {
    for_every_recipe(1, |recipe, draw| {
        let books = Arc::new(Mutex::new(Books::default()));
        let lab = lab(recipe, draw, 16);
        let task = lab.task();
        let ended =
            lab.run(|llm| Arc::new(Provider { llm: jitter(llm), books: Arc::clone(&books) }));
        let inputs = |rows: &[Example]| -> Vec<String> {
            let columns = rows.iter().map(|row| row.columns["input"].as_str().unwrap().to_owned());
            columns.collect()
        };
        let train = inputs(&task.splits.train);
        let mut unseen =
            [inputs(task.splits.hold.open_held_out()), inputs(&task.splits.dev)].concat();
        // A row may begin like another one.
        unseen.retain(|input| !train.iter().any(|seen| seen.contains(input.as_str())));
        assert!(unseen.len() > 300, "{recipe}: {} rows to look for", unseen.len());
        for text in &books.lock().unwrap().sent {
            for input in &unseen {
                assert!(!text.contains(input.as_str()), "{recipe}: the mutator saw {input}");
            }
        }
        let mut has_winner = false;
        for (_, event) in &ended.events {
            match event {
                Event::WinnerChosen { .. } => has_winner = true,
                Event::EvaluationIssued(block) => {
                    assert_eq!(block.split == Split::Hold, has_winner, "{recipe}");
                }
                _ => {}
            }
        }
        assert!(has_winner, "{recipe}");
    });
}

/// Every recipe makes candidates in every kind of world that it supports.
#[test]
fn every_recipe_writes_and_judges_candidates() {
    for_every_recipe(2, |recipe, draw| {
        let draw = Draw { calls: 3_000, ..draw.clone() };
        let ended = run(recipe, &draw, 64);
        let added = |event: &Event| {
            matches!(
                event,
                Event::ProposalFolded { outcome: ProposalOutcome::Added { .. }, .. }
                    | Event::CandidateComposed { outcome: ProposalOutcome::Added { .. }, .. }
            )
        };
        let children = ended.events.iter().filter(|(_, event)| added(event)).count();
        // This recipe searches only sets of demonstrations.
        let needs_demos = recipe == "bootstrap-rs" && draw.world == "terse/tune";
        assert!(children >= 3 || needs_demos, "{recipe} on {}: {children} children", draw.world);
        let tried = ended.state.candidates.iter().filter(|standing| standing.dev().scored > 0);
        let tried = tried.count();
        assert!(tried >= 2 || needs_demos, "{recipe} on {}: {tried} were tried", draw.world);
    });
}

/// A mutator that says its last line twice.
struct Stutter(Arc<dyn Llm>);

#[async_trait::async_trait]
impl Llm for Stutter {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let mut reply = self.0.complete(request).await?;
        if let Some((written, end)) = reply.text.split_once("\n</prompt-")
            && let Some(last) = written.lines().last()
        {
            reply.text = format!("{written}\n{last}\n</prompt-{end}");
        }
        Ok(reply)
    }
}

#[test]
fn a_reply_that_can_be_repaired_is_repaired_and_tried() {
    let caps = Caps { calls: Some(600), ..Caps::default() };
    let ended = Lab::new("gepa", 1, caps, 8).run(|llm| Arc::new(Stutter(llm)));
    let candidates: Vec<_> = ended.state.numbered().map(|(_, one)| &one.candidate).collect();
    let mut repaired = 0;
    for candidate in &candidates {
        let text = candidate.prompt.part("system").unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        assert!(lines.windows(2).all(|two| two[0] != two[1]), "{text}");
        repaired += usize::from(candidate.repairs.iter().any(|it| it.kind == RepairKind::Repeats));
    }
    assert!(repaired > 0 && repaired + 1 == candidates.len(), "{repaired}");
}
