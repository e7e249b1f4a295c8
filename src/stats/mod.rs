//! Statistics: intervals, tests, posteriors, bandits and surrogates.
//!
//! Candidates are compared on paired rows: a *difference* is a candidate's score on a row minus
//! the reference's score on the same row (each the mean over its replicates), so scores lie in
//! `[0, 1]` and differences in `[-1, 1]`. This module turns scores and differences into intervals,
//! p-values, posteriors, fronts and row difficulties.
//!
//! Uses:
//! - while searching: [`Paired`] and [`Posterior`] (should this child get more rows?),
//!   [`frontier_weights`] (which candidates may be parents?), [`Rasch`] (which rows separate
//!   candidates?);
//! - when choosing: [`shrunken`] (correct for the winner's curse), [`pareto`] (quality against
//!   cost);
//! - when claiming: [`power`] before the run, [`paired`] and [`interval`] after it.
//!
//! This module makes no decisions: thresholds and budgets belong to its callers. It reads no clock
//! and no files, and draws only from the seed that it is given, so equal input gives equal output
//! on any number of threads.
//!
//! Degenerate input never panics: functions without an answer return `None`.

// A file uses only files declared above it.
mod binomial;
mod draw;
mod linalg;
mod normal;
mod bootstrap;
mod level; // Before: how sure a claim has to be.

pub mod posterior; // During: the chance that a child is better, row by row.
pub mod power; // Before: which gain can this many rows detect?
pub mod dominance; // During: the instance-wise frontier.
pub mod rasch; // During: abilities and difficulties from unequal rows.
pub mod item_response; // After: rows that better prompts fail.
pub mod bandit; // During: which arm to pull next.
pub mod tpe; // During: which combination of parts to try next.
pub mod gaussian_process; // During: a predicted score with its uncertainty.
pub mod surrogate; // During: the predicted score of an unscored prompt.
pub mod cluster; // During: clusters of similar prompts.
pub mod shrinkage; // After: estimates without the winner's curse.
pub mod rank; // After: rank correlation.
pub mod front; // After: quality against cost.
pub mod interval; // After: 95 % intervals.
pub mod quantile; // After: of latencies.
pub mod paired; // After: one p-value for one claim.
mod inversion; // The p-value that an interval has for a value.
pub mod margin; // After: the same for a margin or a level that was agreed before.
pub mod weighted; // After: the same for rows of unequal weight.
pub mod association; // After: groups of rows that fail.
pub mod agreement; // After: a judge beside a person.
pub mod bradley_terry; // After: things that were compared in pairs.
pub mod misclassification; // After: shares that a fallible judge counted.
pub mod stratified; // After: groups that differ in something else, too.
pub mod holm; // After: several claims at once.
pub mod betting; // After: tests that are repeated for ever.
pub mod sequential; // During and after: two prompts, decided as rows come.
pub mod anytime; // After: effects that are looked at while units arrive.
pub mod sample; // During and after: the units of two groups, as they arrive.
pub mod race; // During: whether a candidate is out of the race.

pub use agreement::Agreement;
pub use anytime::Mixture;
pub use betting::Alarm;
pub use dominance::frontier_weights;
pub use draw::weighted;
pub use front::pareto;
pub use interval::{Interval, Tested};
pub use level::Level;
pub use misclassification::Rates;
pub use paired::{PairedTest, TestName};
pub use posterior::{Paired, Posterior, Prior};
pub use power::{
    chance_of_showing, chance_of_showing_amount, rows_for_margin, rows_for_share, rows_needed,
    smallest_gain, smallest_margin,
};
pub use quantile::{chance_of_saving, quantile_beyond, quantile_saved_beyond, rows_for_quantile};
pub use race::{Evidence, RaceTest};
pub use rasch::{Rasch, ScoreMatrix};
pub use sample::{FEWEST_UNITS, MeanDifference, Sample};
pub use sequential::{Decision, SequentialTest};
pub use shrinkage::shrunken;
