//! How many children a run breeds and tries side by side, where its recipe leaves that open.
//!
//! Chosen once, when the run starts, and frozen with its recipe: the same seed, answers and width give
//! the same run at any concurrency. Latency does not enter it.

use super::estimate::{Known, estimate};
use crate::caps::Caps;
use crate::recipe::{self, Recipe};
use crate::source::SourceError;
use crate::task::Task;
use crate::task::model::Provider;
use std::path::Path;

/// The widest search that is chosen.
const WIDEST: u64 = 64;
/// A child knows of all that were begun this much of a run before it: with fewer steps one after the other
/// a search learns too little from its own results.
const STEPS: u64 = 8;

/// The recipe as it is frozen and read again, so that every session has the same one, and that slots
/// which a program put together are checked like those of a file. A width that it leaves open (0) is
/// chosen: as many children as requests at a time, but at least eight steps after each other.
///
/// # Errors
/// Slots that do not go together.
pub fn frozen(
    recipe: &Recipe,
    task: &Task,
    caps: Caps,
    concurrency: Option<usize>,
    file: &Path,
) -> Result<Recipe, SourceError> {
    let text = recipe::effective_table(recipe);
    let mut table: toml::Table = text.parse().unwrap_or_default();
    let schedule = table.get_mut("schedule").and_then(toml::Value::as_table_mut);
    let width = schedule.and_then(|schedule| schedule.get_mut("width"));
    let text = match width.filter(|width| width.as_integer() == Some(0)) {
        Some(width) => {
            *width = toml::Value::Integer(chosen(recipe, task, caps, concurrency));
            toml::to_string_pretty(&table).unwrap_or(text)
        }
        None => text,
    };
    recipe::parse_with(file, &text, &recipe.own_operators())
}

fn chosen(recipe: &Recipe, task: &Task, caps: Caps, concurrency: Option<usize>) -> i64 {
    let provider = task.providers().get(task.task_model().name.provider());
    let concurrency = provider
        .map_or(Provider::DEFAULT_CONCURRENCY, |provider| provider.concurrency_within(concurrency));
    let [fewest, _] = estimate(task, recipe, caps, &Known::default()).proposals_affordable;
    let width =
        (concurrency as u64).min(fewest.map_or(u64::MAX, |fewest| fewest / STEPS)).clamp(1, WIDEST);
    i64::try_from(width).unwrap_or(1)
}
