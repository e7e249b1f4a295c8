//! The engine's promises, kept under what a night brings: kills, faults, caps, any concurrency.
//!
//! The runs here are whole ones, as a person starts them: over HTTP against the simulated models
//! where a process must die, in this process where many runs are compared.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod budget;
mod crash;
mod faults;
mod golden;
mod hold;
mod keys;
mod laws;
mod null;
mod order;
mod support;
mod window;
mod world_structures;
#[path = "../../benches/worlds/mod.rs"]
mod worlds;
