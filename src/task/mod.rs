//! What "better" means: rows, a seed prompt, a way to score an answer, models, a goal.
//!
//! Reads files, once. Knows neither network nor strategy.

pub mod example;
pub mod dataset;
pub mod words;
pub mod inputs;
pub mod split;
pub mod duplicates;
pub mod scorer;
pub mod goal;
pub mod model;
