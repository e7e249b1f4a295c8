//! How sure are we?
//!
//! Candidates are compared on paired rows: a *difference* is a candidate's score on a row minus
//! the reference's score on the same row (each the mean over its replicates), so scores lie in
//! `[0, 1]` and differences in `[-1, 1]`. This module turns scores and differences into intervals,
//! p-values, posteriors, fronts and row difficulties.
//!
//! What it is for:
//! - while searching: [`Paired`] and [`Posterior`] (is this child worth more rows?),
//!   [`frontier_weights`] (who may be a parent?), [`Rasch`] (which rows tell candidates apart?);
//! - when choosing: [`shrunken`] (undo the winner's curse), [`pareto`] (quality against cost);
//! - when claiming: [`power`] before the run, [`paired`] and [`interval`] after it.
//!
//! What it is not: it decides nothing. Thresholds, budgets and what happens to a loser belong to
//! its callers. It also reads no clock and no files, and draws only from the seed it is given, so
//! equal input gives equal output on any number of threads.
//!
//! Degenerate input never panics: where there is no answer, there is an `Option`.

mod binomial;
mod bootstrap;
mod draw;
mod linalg;
mod normal;

pub mod power; // Before: what can this many rows show?
pub mod posterior; // During: the chance that a child is better, row by row.
pub mod dominance; // During: the instance-wise frontier.
pub mod rasch; // During: abilities and difficulties from unequal rows.
pub mod features; // During: texts as vectors, without a model.
pub mod bandit; // During: who is pulled next?
pub mod tpe; // During: which combination of parts next?
pub mod gaussian_process; // During: what will a candidate score, and how sure is that?
pub mod surrogate; // During: what would an unscored prompt score?
pub mod cluster; // During: groups of like prompts.
pub mod race; // During: when is a candidate out of the race?
pub mod shrinkage; // After: estimates without the winner's curse.
pub mod rank; // After: do two orders agree?
pub mod front; // After: quality against cost.
pub mod interval; // After: 95 % intervals.
pub mod paired; // After: one p-value for one claim.

pub use dominance::frontier_weights;
pub use draw::weighted;
pub use front::pareto;
pub use interval::Interval;
pub use paired::{PairedTest, TestName};
pub use posterior::{Paired, Posterior, Prior};
pub use power::{rows_needed, smallest_gain};
pub use race::{Evidence, RaceTest};
pub use rasch::{Rasch, ScoreMatrix};
pub use shrinkage::shrunken;
