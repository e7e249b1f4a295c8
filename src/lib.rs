//! A search engine for prompts.
//!
//! A task says what is asked and what a right answer is; a recipe says how to search; a run carries
//! the recipe out on the task, within its caps. Here the task is made of values, and its model and
//! its scorer are closures:
//!
//! ```
//! use promptsearch::caps::Caps;
//! use promptsearch::recipe;
//! use promptsearch::run::{Control, Run, Settings, model, rewrite};
//! use promptsearch::task::{Task, model::ModelRole};
//! use serde_json::json;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let word = |number| if number % 2 == 0 { "even" } else { "odd" };
//! let task = Task::builder("parity")
//!     .rows((1..=200).map(|number| json!({"input": number, "answer": word(number)})))
//!     .searched_part("system", "Is this number odd or even?")
//!     .part("user", "{{ input }}")
//!     .score_by("exact", |answer, row| answer == row.answer)
//!     .model(ModelRole::Task, "own/answerer")
//!     .model(ModelRole::MUTATOR, "own/writer")
//!     .build()?;
//! let model = model(|request| match request.model.model() {
//!     "writer" => rewrite(request, "system", "Is it odd or even? Look at the last digit."),
//!     // It knows the right answer only if it is told where to look.
//!     _ if !request.messages[0].content.contains("last digit") => "even".to_owned(),
//!     _ if request.messages[1].content.ends_with(['0', '2', '4', '6', '8']) => "even".to_owned(),
//!     _ => "odd".to_owned(),
//! });
//! let caps = Some(Caps { calls: Some(600), ..Caps::default() });
//! let settings = Settings { caps, ..Settings::default() };
//! let mut run = Run::in_memory(task, &recipe::load("random", &[])?, settings)?;
//! run = run.with_model("own", model);
//! let result = run.search(Vec::new(), &Control::new()).await?.summary();
//! let best = result.best.expect("a search has a best prompt");
//! assert_eq!(best.prompt["system"], "Is it odd or even? Look at the last digit.");
//! assert_eq!(result.confirmed, Some(true));
//! # Ok(())
//! # }
//! ```
//!
//! [`run::Run::create`] does the same in a folder, where the run survives a kill, and
//! [`task::Task::load`] reads a task from files. `examples/` has whole programs.
//!
//! Read the modules in the order below: each one may use only those declared above it, and
//! `tests/architecture.rs` checks that this stays true.

// The words we speak in: plain values, no network, no async.
pub mod text; // Plurals, durations, shortened prompts: how values look to people.
pub mod source; // Where in a person's file something is wrong, and what to try.
pub mod id; // CandidateId, RowIx, Call: never a bare string or number.
pub mod units; // Usd, Tokens, Score: never a bare number.
pub mod score_form; // How the scores of a task are written: in percent, or as plain numbers.
pub mod seed; // One run seed, a named child seed for every decision.
pub mod vector; // Texts as vectors, and how near two of them are.
pub mod clock; // The time, or the time that a test says it is.
pub mod caps; // What a run may spend, as it is stated.
pub mod prompt; // The thing being improved.
#[macro_use]
pub mod grammar; // Slots of a recipe, kinds, and their keys: raw TOML.
pub mod candidate; // A prompt, its parents, and the operator that wrote it.
pub mod formats; // A prompt as a file, in each format both ways.
pub mod task; // What "better" means: examples, scorers, models, a goal.
pub(crate) mod import; // A task made of a file that another program wrote.

// What happened.
pub mod event; // One fact, past tense.
pub mod ledger; // What a run has spent and may spend next: reserved, settled, lost.
pub mod state; // The facts of a run: all events so far, folded.

// The outside world.
pub mod store; // Durable bytes. The only place that names sled.
pub mod journal; // Facts, made durable, in order, twice.
pub mod looks; // How often held-out rows were looked at, over the runs of a folder.
pub mod program; // A user's program: started, asked line by line, ended.
pub mod provider; // Answers from a model, at a price. The only place that names reqwest.
pub mod sim; // Simulated models, in this process and as a server. With `view` alone it names axum.

// Decisions.
pub mod stats; // How sure are we? The only place that names rayon, ndarray and argmin.
pub mod memory; // What strategies and operators remember, folded from the same events.
pub mod operator; // Write the new prompt, with a model's help.
pub mod strategy; // What to try next: a pure function of slots, state and seed.
pub mod recipe; // How to search: one TOML file from `strategies/`.
pub mod evaluate; // Try a candidate on rows: what is asked, and what an answer is worth.

// The loop, and what people see of it.
pub mod engine; // The loop: ask, work, append, apply, show.
pub mod run; // Create, open, search and read a run; its folder under `results/`.
pub mod night; // Several runs under one budget: its folder and its ledger.
pub mod report; // A finished or running search, explained.
pub mod view; // The same pages from a local server, up to date.
pub mod notify; // The user's program or a webhook is told how a run is doing.
pub mod doctor; // Whether a run can begin: one small call per role, the machine, the budget.
pub mod export; // The winner as a commit in a person's repository.
pub mod compare; // Prompts beside each other, without a search.
pub mod inquiry; // Questions to a model of a task, in a run of their own.
pub mod naming; // Names for groups of failures, in a model's words.
pub mod synth; // New rows for edge cases, written by a model.
pub mod ui; // Progress, as a line that is drawn again or as lines in a log.
pub mod cli; // Arguments in, exit code out. The only place that names clap.

// For tests and the fuzzer alone.
#[cfg(any(test, fuzzing))]
pub mod fuzz; // Laws that hold for all bytes from outside.
