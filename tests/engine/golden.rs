//! The decisions of every recipe, pinned: golden files that a change of the code's shape must not
//! change.
//!
//! A file is a projection of one run: what was drafted, asked, added, refused, dropped and chosen, in
//! order. It names candidates by their birth and the hash of their content, and holds no event as it
//! is journaled, so that the events may change their form. `PROMPTSEARCH_BLESS=1 cargo test --test
//! engine golden` writes the files anew.

use crate::support::{Ended, Lab, jitter};
use promptsearch::candidate::{Candidate, Demo};
use promptsearch::caps::Caps;
use promptsearch::engine::Outcome;
use promptsearch::event::{Block, Draft, Event, ProposalOutcome, Round};
use promptsearch::id::{CandidateIx, EventNumber};
use promptsearch::recipe::SHIPPED;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{Debug, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The recipes that also run on the shipped tasks: one of each family.
const ON_SHIPPED_TASKS: &[&str] = &["auto", "gepa", "simba", "promptagent-mcts", "hyperband-bo"];

const TASKS: &[&str] = &["ticket-routing", "invoice-extraction", "unit-math"];

/// Further runs of the default: what is close in one of them is not close in all.
const AUTO_SEEDS: &[u64] = &[2, 3, 4, 5];

const BLESS: &str = "`PROMPTSEARCH_BLESS=1 cargo test --test engine golden` writes the files anew";

/// Calls of a run.
const CALLS: u64 = 3_000;

/// Recipes that need more of them until each of their operators has been used.
const LONG: &[(&str, u64)] =
    &[("promptbreeder", 16_000), ("promptwizard", 8_000), ("phase-evo", 8_000)];

fn caps(recipe: &str) -> Caps {
    let long = LONG.iter().find(|(name, _)| *name == recipe);
    Caps { calls: Some(long.map_or(CALLS, |(_, calls)| *calls)), ..Caps::default() }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/golden")
}

/// A run on the fixture with two texts and demonstrations.
fn on_fixture(recipe: &'static str) -> Lab {
    let mut lab = Lab::new(recipe, 1, caps(recipe), 16);
    lab.world = Some("demos/tune");
    lab.edits = vec![
        ("\nuser = ", "\nmanner = \"Answer in as few words as you can.\"\nuser = ".to_owned()),
        ("search = [\"system\"", "search = [\"system\", \"manner\"".to_owned()),
        ("dev = 0.3, hold = 0.4", "dev = 0.08, hold = 0.62".to_owned()),
    ];
    lab
}

fn on_task(recipe: &'static str, task: &'static str) -> Lab {
    let mut lab = Lab::new(recipe, 1, caps(recipe), 16);
    lab.shipped = task;
    lab
}

#[test]
fn every_recipe_decides_what_it_always_did() {
    let mut runs: Vec<(String, Box<dyn Fn() -> Lab + Sync>)> = Vec::new();
    for recipe in SHIPPED {
        let name = format!("{}.fixture", recipe.name);
        runs.push((name, Box::new(|| on_fixture(recipe.name))));
    }
    for recipe in ON_SHIPPED_TASKS {
        for task in TASKS {
            runs.push((format!("{recipe}.{task}"), Box::new(|| on_task(recipe, task))));
        }
    }
    for seed in AUTO_SEEDS {
        for task in TASKS {
            let lab = || Lab { seed: *seed, ..on_task("auto", task) };
            runs.push((format!("auto.{task}.seed-{seed}"), Box::new(lab)));
        }
    }
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(strays(&runs.iter().map(|(name, _)| name.as_str()).collect()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((name, lab)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = lab().run(jitter);
                    assert_eq!(ended.outcome, Outcome::Finished, "{name}");
                    let mut complaints = complaints.lock().unwrap();
                    complaints.extend(compared(name, &projection(&ended)));
                    complaints.extend(undocumented(&ended));
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().unwrap();
    complaints.sort();
    complaints.dedup();
    assert!(complaints.is_empty(), "{} runs:\n{}", complaints.len(), complaints.join("\n"));
}

/// Events, and keys of events, that `docs/journal-format.md` does not name.
fn undocumented(ended: &Ended) -> Vec<String> {
    let page = include_str!("../../docs/journal-format.md");
    let is_named = |name: &str| {
        [format!("`{name}`"), format!("\"{name}\"")].iter().any(|it| page.contains(it))
    };
    let mut names = BTreeSet::new();
    for (_, event) in &ended.events {
        let event = serde_json::to_value(event).unwrap();
        for (kind, fields) in event.as_object().unwrap() {
            names.insert(kind.clone());
            names.extend(fields.as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
        }
    }
    let missing = names.into_iter().filter(|name| !is_named(name));
    missing.map(|name| format!("docs/journal-format.md does not name `{name}`")).collect()
}

/// A golden file that no run is compared with pins nothing.
fn strays(runs: &BTreeSet<&str>) -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let stray = files.filter(|file| {
        file.file_stem().and_then(|stem| stem.to_str()).is_none_or(|stem| !runs.contains(stem))
    });
    stray.map(|file| format!("{}: no run is compared with it", file.display())).collect()
}

/// What is wrong with a projection; `None`: it is the golden one.
fn compared(name: &str, projection: &str) -> Option<String> {
    let file = folder().join(format!("{name}.txt"));
    if std::env::var_os("PROMPTSEARCH_BLESS").is_some() {
        std::fs::write(&file, projection).unwrap();
        return None;
    }
    let golden = match std::fs::read_to_string(&file) {
        Ok(golden) => golden,
        Err(error) => return Some(format!("{name}: {}: {error} ({BLESS})", file.display())),
    };
    if golden == projection {
        return None;
    }
    let (old, new): (Vec<&str>, Vec<&str>) =
        (golden.lines().collect(), projection.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let shown = |lines: &[&str]| -> String {
        lines.iter().skip(same.saturating_sub(3)).take(6).fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "    {line}");
            text
        })
    };
    let (old, new, line) = (shown(&old), shown(&new), same + 1);
    Some(format!(
        "{name} differs from line {line} on:\n  golden file\n{old}  this run\n{new}  ({BLESS})\n"
    ))
}

/// Decisions as lines of text.
#[derive(Default)]
struct Projection {
    lines: String,
    /// Decisions that are many: only their number and their hash are kept.
    pending: Vec<String>,
    ids: Vec<String>,
    requests: BTreeSet<String>,
    /// Which call an event answers.
    answers: HashMap<EventNumber, u64>,
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
}

fn word(value: impl Debug) -> String {
    format!("{value:?}")
}

fn numbers(candidates: &[CandidateIx]) -> String {
    candidates.iter().map(|one| format!("#{}", one.0)).collect::<Vec<_>>().join(" ")
}

impl Projection {
    /// One of many decisions.
    fn small(&mut self, text: String) {
        self.pending.push(text);
    }

    fn line(&mut self, text: &str) {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            let text = pending.join("\n");
            let _ = writeln!(self.lines, "  {} small {}", pending.len(), hash(&text));
        }
        let _ = writeln!(self.lines, "{text}");
    }

    /// A demonstration by its row, and the call whose answer it shows.
    fn demos(&self, demos: &[Demo]) -> String {
        let demo = |demo: &Demo| {
            let call = demo.answer.map(|number| self.answers.get(&number).copied());
            format!("{}:{call:?}", demo.row.0)
        };
        demos.iter().map(demo).collect::<Vec<_>>().join(",")
    }

    fn added(&mut self, proposal: u32, candidate: &Candidate, is_gated: bool) {
        let number = self.ids.len();
        self.ids.push(candidate.id.to_string());
        let demos = self.demos(&candidate.demos);
        let own = hash(&format!("{demos} {:?}", candidate.gene));
        let gate = if is_gated { " gated" } else { "" };
        self.line(&format!(
            "added {proposal} #{number} {:.12} by {} from {} with {own}{gate}",
            candidate.id.to_string(),
            candidate.operator,
            numbers(&candidate.parents)
        ));
    }

    fn outcome(&mut self, proposal: u32, outcome: &ProposalOutcome) {
        match outcome {
            ProposalOutcome::Added { candidate, gate } => {
                self.added(proposal, candidate, gate.is_some());
            }
            ProposalOutcome::Noted { notes } => {
                self.line(&format!("noted {proposal} {}", hash(&notes.join("\n"))));
            }
            ProposalOutcome::Kept { prompt } => {
                self.line(&format!("kept {proposal} {:.12}", prompt.id().to_string()));
            }
            ProposalOutcome::Rejected { reason, .. } => {
                self.line(&format!("rejected {proposal} {}", word(reason)));
            }
            ProposalOutcome::Missing => self.line(&format!("missing {proposal}")),
        }
    }
}

/// The only place that knows how events look.
fn projection(ended: &Ended) -> String {
    let mut out = Projection::default();
    let mut proposals: HashMap<u64, u32> = HashMap::new();
    for (number, event) in &ended.events {
        match event {
            Event::Started { baseline, .. } => {
                out.ids.push(baseline.id.to_string());
                out.line(&format!("baseline #0 {:.12}", baseline.id.to_string()));
            }
            Event::ProposalDrafted(draft) => {
                let Draft { proposal, parents, rows, step, demos, .. } = draft;
                let demos = demos.as_deref().map(|demos| out.demos(demos));
                let rows: Vec<u32> = rows.iter().map(|row| row.0).collect();
                let parents = numbers(parents);
                out.small(format!("draft {} {step} {parents} {rows:?} {demos:?}", proposal.0));
            }
            Event::ProposalAbandoned { proposal, why } => {
                out.line(&format!("abandoned {} {}", proposal.0, word(why)));
            }
            Event::ProposalIssued { proposal, call, rows, .. } => {
                proposals.insert(call.0, proposal.0);
                let rows: Vec<(u32, Option<u16>)> =
                    rows.iter().map(|shown| (shown.row.0, shown.replicate)).collect();
                out.small(format!("issued {} {rows:?}", proposal.0));
            }
            Event::ProposalFolded { call, outcome } => out.outcome(proposals[&call.0], outcome),
            Event::CandidateComposed { proposal, outcome } => out.outcome(proposal.0, outcome),
            Event::EvaluationIssued(block) => {
                let Block { candidate, split, replicate, rows, .. } = block;
                let rows: Vec<u32> = rows.iter().map(|row| row.0).collect();
                out.small(format!("rows #{} {split} {replicate} {rows:?}", candidate.0));
            }
            Event::CandidateDropped { candidate, why } => {
                let why = word(why);
                let kind = why.split([' ', '{']).next().unwrap_or_default();
                out.line(&format!("dropped #{} {kind}", candidate.0));
            }
            Event::CandidateFinished { candidate } => {
                out.small(format!("finished #{}", candidate.0));
            }
            Event::IncumbentChanged { candidate, .. } => {
                out.line(&format!("incumbent #{}", candidate.0));
            }
            Event::RowsWidened { rows } => out.line(&format!("widened {rows}")),
            Event::RoundStarted(round) => {
                let Round { contest, group, round: number, first, pulls, budget, .. } = round;
                let (candidates, each) = (numbers(&round.candidates), &round.each);
                let own = hash(&format!("{candidates} {each:?}"));
                out.line(&format!(
                    "round {contest}.{group}.{number} of {} from {first} pulls {pulls} of {budget} {own}",
                    round.pool
                ));
            }
            Event::ContestEnded { survivors } => {
                out.line(&format!("contest ended: {}", numbers(survivors)));
            }
            Event::GenerationStarted(generation) => {
                let (members, iteration) = (numbers(&generation.members), generation.iteration);
                out.line(&format!("generation {} {iteration}: {members}", generation.number));
            }
            Event::DemosCollected { sets } => {
                let sets: Vec<String> = sets.iter().map(|set| out.demos(set)).collect();
                out.line(&format!("sets {} {}", sets.len(), hash(&sets.join("\n"))));
            }
            Event::Migrated { moves } => {
                let moves: Vec<(u32, u16)> =
                    moves.iter().map(|one| (one.candidate.0, one.island)).collect();
                out.line(&format!("migrated {moves:?}"));
            }
            Event::PhaseStarted { phase } => out.line(&format!("phase {phase}")),
            Event::SearchEnded { reason } => out.line(&format!("ended {}", reason.name())),
            Event::ShortlistChosen { candidates } => {
                out.line(&format!("shortlist {}", numbers(candidates)));
            }
            Event::WinnerChosen { candidate, shrunken_dev, hold_rows } => {
                let gain = shrunken_dev.map(|gain| format!("{gain:.9}"));
                out.line(&format!("winner #{} {gain:?} {hold_rows}", candidate.0));
            }
            Event::Answered(answered) => {
                out.answers.insert(*number, answered.call.0);
                out.requests.insert(answered.request.to_string());
            }
            _ => {}
        }
    }
    let requests: Vec<String> = out.requests.iter().cloned().collect();
    out.line(&format!("requests {} {}", requests.len(), hash(&requests.join("\n"))));
    out.lines
}
