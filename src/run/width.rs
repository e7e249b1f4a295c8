//! How many children a run breeds side by side, where its recipe leaves that open, and how long it then takes.
//!
//! Chosen once, when the run starts, and frozen with its recipe: the same seed, answers and width give
//! the same run at any concurrency. Latency does not enter it.

use super::estimate::{Estimate, KnownUsage, estimate};
use crate::caps::Caps;
use crate::recipe::{self, Recipe};
use crate::source::SourceError;
use crate::task::Task;
use crate::task::model::Provider;
use serde::Serialize;
use std::path::Path;

/// The widest search that is chosen. On recorded prompts a width of 4 costs less than a point of quality and one of 8 up to
/// 1.2, and quality per dollar goes before speed (`docs/strategies.md`).
const WIDEST: u64 = 4;
/// Children that follow each other at least: with fewer of them a search learns too little from its own
/// results (`docs/strategies.md` has the figures).
const STEPS: u64 = 24;
/// Requests at a time for each child: it is tried on several rows at a time.
const SLOTS_PER_CHILD: u64 = 2;
/// Answers that follow each other before a child is judged.
const ANSWERS_PER_CHILD: f64 = 4.0;
/// By how much a run takes longer than its bound, as it was measured.
const OVER_THE_BOUND: f64 = 1.2;

/// How long answers take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latencies {
    /// To a row.
    pub answer: f64,
    /// Of the mutator.
    pub proposal: f64,
}

impl Latencies {
    /// What is assumed before anything is measured.
    pub const USUAL: Self = Self { answer: 0.3, proposal: 6.0 };
}

/// The recipe as it is frozen and read again, so that every session has the same one, and that slots
/// which a program put together are checked like those of a file. A width that it leaves open (0) is
/// chosen: half as many children as requests at a time, at most four, and at least twenty-four of them after each other.
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
    let width = toml::Value::Integer(chosen(recipe, task, caps, concurrency));
    let text = match set_open_widths(&mut table, &width) {
        true => toml::to_string_pretty(&table).unwrap_or(text),
        false => text,
    };
    recipe::parse_with(file, &text, &recipe.own_operators())
}

/// Sets the width of every schedule that leaves it open: that of the recipe, and those of its phases. Whether one did.
fn set_open_widths(table: &mut toml::Table, width: &toml::Value) -> bool {
    let mut is_set = false;
    if let Some(toml::Value::Table(schedule)) = table.get_mut("schedule")
        && let Some(open) = schedule.get_mut("width").filter(|it| it.as_integer() == Some(0))
    {
        *open = width.clone();
        is_set = true;
    }
    if let Some(toml::Value::Array(phases)) = table.get_mut("phase") {
        for phase in phases.iter_mut().filter_map(toml::Value::as_table_mut) {
            is_set |= set_open_widths(phase, width);
        }
    }
    is_set
}

fn chosen(recipe: &Recipe, task: &Task, caps: Caps, concurrency: Option<usize>) -> i64 {
    // At the least: a search that is too wide learns too little from its own results.
    let [children, _] = estimate(task, recipe, caps, &KnownUsage::default()).proposals_affordable;
    let by_slots = slots(task, concurrency) as u64 / SLOTS_PER_CHILD;
    let width = by_slots.min(children.map_or(u64::MAX, |children| children / STEPS));
    i64::try_from(width.clamp(1, WIDEST)).unwrap_or(1)
}

/// Requests to the task model at a time.
#[must_use]
pub fn slots(task: &Task, concurrency: Option<usize>) -> usize {
    let provider = task.providers().get(task.task_model().name.provider());
    provider
        .map_or(Provider::DEFAULT_CONCURRENCY, |provider| provider.concurrency_within(concurrency))
}

/// Seconds that a run takes with this many requests at a time: a little more than the larger of the time of all
/// calls together and of those that have to follow each other at this width. `None` where nothing limits the calls.
#[must_use]
pub fn expected_seconds(
    estimate: &Estimate,
    width: usize,
    slots: usize,
    latencies: Latencies,
) -> Option<f64> {
    let calls = estimate.calls()? as f64;
    let proposals = (estimate.proposals()? as f64).min(calls);
    let Latencies { answer, proposal } = latencies;
    let together = (calls - proposals) * answer + proposals * proposal;
    let in_turn = proposals * (proposal + ANSWERS_PER_CHILD * answer) / width.max(1) as f64;
    Some(OVER_THE_BOUND * in_turn.max(together / slots.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RoleEstimate;

    fn estimate_of(calls: Option<u64>, proposals: u64) -> Estimate {
        let role = RoleEstimate {
            model: "a/b".to_owned(),
            calls,
            prompt_tokens: None,
            completion_tokens: None,
            usd: None,
            batches_save_usd: None,
            price_source: None,
            worst_usd: None,
        };
        Estimate {
            task: String::new(),
            strategy: String::new(),
            rows: [].into(),
            smallest_gain: None,
            hold_calls: 0,
            held_out_rows: 0,
            proposals_affordable: [Some(proposals); 2],
            roles: [("task".to_owned(), role)].into(),
            usd: None,
            worst_usd: None,
            is_too_little: false,
        }
    }

    #[test]
    fn every_phase_has_a_width_from_the_start() {
        let text = "[schedule]\nwidth = 0\n[[phase]]\n[phase.schedule]\nwidth = 0\n[[phase]]\n[phase.schedule]\nwidth = 1\n";
        let mut table: toml::Table = text.parse().unwrap();
        assert!(set_open_widths(&mut table, &toml::Value::Integer(3)));
        let widths = |table: &toml::Table| table["schedule"]["width"].as_integer();
        assert_eq!(widths(&table), Some(3));
        let phases = table["phase"].as_array().unwrap();
        let of_phases: Vec<_> = phases.iter().map(|it| widths(it.as_table().unwrap())).collect();
        assert_eq!(of_phases, [Some(3), Some(1)]);
        assert!(!set_open_widths(&mut table, &toml::Value::Integer(4)), "it is chosen once");
    }

    #[test]
    fn a_run_takes_as_long_as_its_calls_together_or_in_turn() {
        let latencies = Latencies { answer: 1.0, proposal: 6.0 };
        let seconds =
            |width, slots| expected_seconds(&estimate_of(Some(100), 10), width, slots, latencies);
        // 10 * (6 + 4) in turn, against (90 + 60) / 10.
        assert_eq!(seconds(1, 10), Some(120.0));
        // Ten at a time: 150 / 10 against 100 / 10.
        assert_eq!(seconds(10, 10), Some(18.0));
        assert_eq!(expected_seconds(&estimate_of(None, 10), 1, 1, latencies), None);
    }
}
