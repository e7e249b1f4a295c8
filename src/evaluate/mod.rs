//! Scores what models answered, where a scorer needs the outside world.

pub mod command; // The processes of a `command` scorer.
