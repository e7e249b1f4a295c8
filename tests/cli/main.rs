//! The program from the user's side: commands, files, exit codes and messages.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail the test")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod ab;
mod answers;
mod automation;
mod batch_service;
mod batches;
mod command_scorer;
mod commands;
mod costs;
mod ctl;
mod docs;
mod doctor;
mod edge;
mod embed;
mod env;
mod explain;
mod export;
mod external_operator;
mod formats;
mod goals;
mod guards;
mod guide;
mod hedging;
mod hosts;
mod init;
mod json_fields;
mod judge;
mod keys;
mod migrate;
mod looks;
mod mistakes;
mod monitor;
mod night;
mod notify;
mod online;
mod protocols;
mod recipes;
mod recorded_models;
mod reopening;
mod resume_changes;
mod reuse;
mod rows;
mod runs;
mod scorers;
mod server;
mod servers;
mod targets;
mod three_tasks;
mod trouble;
mod verify;
mod versions;
mod warm;
mod week;
mod weights;
