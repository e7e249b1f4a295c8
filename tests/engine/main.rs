//! The engine's guarantees under kills, faults, caps and any concurrency.
//!
//! These tests make complete runs: over HTTP against the simulated models if a process must be
//! killed, in this process if many runs are compared.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arrival;
mod budget;
mod crash;
mod faults;
mod golden;
mod hold;
mod keys;
mod laws;
mod null;
mod order;
mod reopening;
mod support;
mod window;
mod world_structures;
#[path = "../../benches/worlds/mod.rs"]
mod worlds;
