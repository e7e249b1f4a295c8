//! What "better" means: rows, a seed prompt, a way to score an answer, models, a goal.
//!
//! Reads files, once. Knows neither network nor strategy.

pub mod example;
pub mod goal;
pub mod model;
