//! Operators that are programs of the user's: one JSON object in, one out.
//!
//! A program is asked once for each proposal. What it says is a fact from outside, so it is durable
//! before it is used, and the program is not asked again, even if it failed. It costs nothing, and counts as
//! a proposal, but not as a call of a model.
//!
//! `operator` says what it reads and writes. It may exit after that or wait for the next line; see
//! `program` for what is guarded.

use super::call::{CallOutcome, CallRunner};
use crate::evaluate::Evaluator;
use crate::event::{Answered, Draft, Event, Finish};
use crate::id::{Call, RequestHash};
use crate::journal::Journal;
use crate::operator::check_line;
use crate::program::CommandPool;
use crate::recipe::Recipe;
use crate::units::Usd;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The programs of a recipe, by phase and place.
pub(super) struct Programs(HashMap<(u16, u16), Arc<CommandPool>>);

impl Programs {
    /// None is started yet. Those without a folder of their own run in the task's.
    pub(super) fn new(recipe: &Recipe, evaluator: &Evaluator, folder: &Path) -> Self {
        let mut pools = HashMap::new();
        for (recipe, phase) in recipe.phases().iter().zip(0..) {
            for (operator, place) in recipe.operator.iter().zip(0..) {
                let Some(program) = operator.program() else { continue };
                let folder = if program.dir.is_empty() { folder } else { Path::new(program.dir) };
                let limit = Duration::from_secs(program.timeout);
                let pool = evaluator.program(program.command.to_vec(), folder, limit);
                pools.insert((phase, place), Arc::new(pool));
            }
        }
        Self(pools)
    }

    /// The program that a draft asks.
    pub(super) fn of(&self, draft: &Draft) -> Option<Arc<CommandPool>> {
        self.0.get(&(draft.phase, draft.operator?)).cloned()
    }
}

/// Asks a program, and makes what it says durable: its own line, or an error in its form.
pub(super) async fn ask(
    pool: Option<Arc<CommandPool>>,
    journal: &Journal<Event>,
    runner: &CallRunner,
    call: Call,
    line: &[u8],
) -> CallOutcome {
    let began = Instant::now();
    let said = match pool {
        Some(pool) => {
            let whole = |reply: &[u8]| {
                check_line(reply)?;
                String::from_utf8(reply.trim_ascii().to_vec()).map_err(|error| error.to_string())
            };
            pool.ask(line, whole).await.map_err(|error| error.to_string())
        }
        None => Err("the recipe names no such program".to_owned()),
    };
    let text = said.unwrap_or_else(|error| serde_json::json!({ "error": error }).to_string());
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let answered = Answered {
        call,
        request: RequestHash::of(line),
        bytes: 0,
        text,
        input: 0,
        cached: 0,
        written: 0,
        out: 0,
        reasoning: 0,
        usd: Usd::ZERO,
        estimated: false,
        live: None,
        finish: Finish::Stop,
        why: String::new(),
        trajectory: Vec::new(),
        ms: u32::try_from(millis(began.elapsed())).unwrap_or(u32::MAX),
        at: millis(runner.running()),
    };
    match journal.append_durable(Event::Answered(answered.clone())).await {
        Ok(number) => CallOutcome::Answered(number, Box::new(answered)),
        Err(error) => CallOutcome::Stopped(error.into()),
    }
}
