//! A search engine for prompts.
//!
//! Read the modules in the order below: each one may use only those declared above it, and
//! `tests/architecture.rs` checks that this stays true.

// The words we speak in: plain values, no network, no async.
pub mod text; // Plurals, durations, shortened prompts: how values look to people.
pub mod source; // Where in a person's file something is wrong, and what to try.
pub mod id; // CandidateId, RowIx, Call: never a bare string or number.
pub mod units; // Usd, Tokens, Score: never a bare number.
pub mod seed; // One run seed, a named child seed for every decision.
pub mod clock; // The time, or the time that a test says it is.
pub mod caps; // What a run may spend, as it is stated.
pub mod prompt; // The thing being improved.
#[macro_use]
pub mod grammar; // Slots of a recipe, kinds, and their keys: raw TOML.
pub mod candidate; // A prompt, its parents, and the operator that wrote it.
pub mod task; // What "better" means: examples, scorers, models, a goal.

// What happened.
pub mod event; // One fact, past tense.
pub mod ledger; // What a run has spent and may spend next: reserved, settled, lost.
pub mod state; // The facts of a run: all events so far, folded.

// The outside world.
pub mod store; // Durable bytes. The only place that names sled.
pub mod journal; // Facts, made durable, in order, twice.
pub mod provider; // Answers from a model, at a price. The only place that names reqwest.
pub mod sim; // Simulated models, in this process and as a server. The only place that names axum.

// Decisions.
pub mod stats; // How sure are we? The only place that names rayon, ndarray and argmin.
pub mod memory; // What strategies and operators remember, folded from the same events.
pub mod operator; // Write the new prompt, with a model's help.
pub mod recipe; // How to search: one TOML file from `strategies/`.
pub mod strategy; // What to try next: a pure function of recipe, state and seed.
pub mod evaluate; // Try a candidate on rows: what is asked, and what an answer is worth.

// The loop, and what people see of it.
pub mod engine; // The loop: ask, work, append, apply, show.
pub mod run_dir; // What lies where under `results/RUN/`, and who holds it.
pub mod report; // A finished or running search, explained.
pub mod export; // The winner as a file, and as a commit in a person's repository.
pub mod ui; // Progress, as a line that is drawn again or as lines in a log.
pub mod cli; // Arguments in, exit code out. The only place that names clap.
