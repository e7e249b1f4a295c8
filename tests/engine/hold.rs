//! Held-out rows stay unseen during the search and are evaluated once after it.

use crate::support::{Ended, Lab, shipped_task};
use promptsearch::caps::Caps;
use promptsearch::event::Event;
use promptsearch::id::{CandidateIx, EventNumber};
use promptsearch::memory::{Observer, State};
use promptsearch::provider::{Llm, LlmError, Reply, Request};
use promptsearch::task::Task;
use promptsearch::task::example::Example;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The requests, each with whether the winner had been chosen by then.
#[derive(Clone, Default)]
struct Record {
    has_winner: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<(Request, bool)>>>,
}

struct Recording(Record, Arc<dyn Llm>);

#[async_trait::async_trait]
impl Llm for Recording {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let has_winner = self.0.has_winner.load(Ordering::SeqCst);
        self.0.requests.lock().unwrap().push((request.clone(), has_winner));
        self.1.complete(request).await
    }
}

impl Observer for Record {
    fn observe(&mut self, _number: EventNumber, event: &Event, _state: &State) {
        if let Event::WinnerChosen { .. } = event {
            self.has_winner.store(true, Ordering::SeqCst);
        }
    }
}

fn recorded(strategy: &'static str, caps: Caps) -> (Ended, Vec<(Request, bool)>) {
    let record = Record::default();
    let mut lab = Lab::new(strategy, 1, caps, 16);
    lab.observer = Some(Box::new(record.clone()));
    let ended = lab.run(|llm| Arc::new(Recording(record.clone(), llm)));
    let requests = std::mem::take(&mut *record.requests.lock().unwrap());
    (ended, requests)
}

/// The user message of a row: frozen in this task, so the same for every candidate.
fn message(task: &Task, row: &Example) -> String {
    task.layout.render(&task.baseline, row).unwrap().pop().unwrap().content
}

/// Checks a whole run, and returns how often each held-out row was requested.
fn check(strategy: &'static str, caps: Caps) -> (Ended, HashMap<String, usize>) {
    let task = shipped_task();
    let hold: HashSet<String> =
        task.splits.hold.open_held_out().iter().map(|row| message(&task, row)).collect();
    assert_eq!(hold.len(), task.splits.hold.len());
    let inputs = |rows: &[Example]| -> Vec<String> {
        rows.iter().map(|row| row.columns["input"].as_str().unwrap().to_owned()).collect()
    };
    let unseen = [inputs(task.splits.hold.open_held_out()), inputs(&task.splits.dev)].concat();
    let (ended, requests) = recorded(strategy, caps);
    let mut asked: HashMap<String, usize> = HashMap::new();
    let mut to_mutator = 0;
    for (request, has_winner) in requests {
        if request.model.model() == "editor" {
            to_mutator += 1;
            for message in &request.messages {
                for input in &unseen {
                    assert!(!message.content.contains(input.as_str()), "the mutator saw {input}");
                }
            }
            assert!(!has_winner, "nothing is proposed once the winner is chosen");
            continue;
        }
        let message = &request.messages.last().unwrap().content;
        if hold.contains(message) {
            assert!(has_winner, "a held-out row was asked before the winner was chosen");
            *asked.entry(message.clone()).or_default() += 1;
        } else {
            assert!(!has_winner, "only held-out rows are asked once the winner is chosen");
        }
    }
    let proposals = ended.state.plan.proposals();
    assert_eq!(to_mutator, proposals, "every request to the mutator was looked at");
    (ended, asked)
}

fn calls(calls: u64) -> Caps {
    Caps { calls: Some(calls), ..Caps::default() }
}

#[test]
fn winner_and_baseline_are_evaluated_once_on_each_held_out_row_after_the_search() {
    for strategy in ["auto", "gepa"] {
        let (ended, asked) = check(strategy, calls(1_500));
        let (winner, _, rows) = ended.state.winner.unwrap();
        assert_ne!(winner, CandidateIx::BASELINE, "{strategy}: something must win here");
        assert_eq!(rows, 168);
        assert_eq!(asked.len(), 168, "{strategy}");
        assert!(asked.values().all(|times| *times == 2), "{strategy}: {asked:?}");
    }
}

#[test]
fn a_baseline_that_wins_is_evaluated_alone() {
    let (ended, asked) = check("auto", Caps { proposals: Some(0), ..Caps::default() });
    assert_eq!(ended.state.winner.map(|(winner, ..)| winner), Some(CandidateIx::BASELINE));
    assert_eq!(asked.len(), 168);
    assert!(asked.values().all(|times| *times == 1));
}

#[test]
fn where_less_is_left_fewer_rows_are_confirmed_in_pairs() {
    // 40 % of the cap are reserved: 160 calls for 80 rows.
    let (ended, asked) = check("random", calls(400));
    let (winner, _, rows) = ended.state.winner.unwrap();
    let sides = if winner == CandidateIx::BASELINE { 1 } else { 2 };
    assert!(rows >= 80, "{rows}");
    assert_eq!(asked.len(), rows as usize);
    assert!(asked.values().all(|times| *times == sides));
}
