//! The runs of a folder, and some of them side by side.

use super::super::comparison::Comparison;
use super::super::prompt_diff::PromptDiff;
use super::super::words::visible_line;
use super::{Place, Section};
use crate::run::{Catalog, RunEntry};
use serde::Serialize;

#[derive(Serialize)]
struct Runs {
    runs: Vec<Line>,
    unreadable: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    run: String,
    is_search: bool,
    task: String,
    strategy: String,
    status: &'static str,
    verdict: String,
    held_out: String,
    gain: String,
    usd: f64,
    calls: u64,
    started: String,
}

/// The list, the newest run first.
#[must_use]
pub fn run_table(catalog: &Catalog, place: &Place) -> Section {
    let line = |run: &RunEntry| Line {
        run: run.run.clone(),
        is_search: !run.strategy.contains(':'),
        task: run.task.clone(),
        strategy: run.strategy.clone(),
        status: run.status.in_words(),
        verdict: run.verdict.map_or_else(String::new, |verdict| verdict.to_string()),
        held_out: run.held_out.map_or_else(String::new, |it| run.score_form.score(it.mean)),
        gain: run.gain.as_ref().map_or_else(String::new, |it| run.score_form.gain(it.mean)),
        usd: run.usd,
        calls: run.calls,
        started: run.created.strftime("%Y-%m-%d %H:%M").to_string(),
    };
    let it = Runs {
        runs: catalog.runs.iter().rev().map(line).collect(),
        unreadable: catalog.unreadable.iter().map(|why| visible_line(why)).collect(),
    };
    place.section(include_str!("runs.html"), it)
}

#[derive(Serialize)]
struct Compared<'a> {
    comparison: &'a Comparison,
    prompts: Vec<PromptDiff>,
}

/// Runs side by side, each with what differs between its winner and that of the first.
#[must_use]
pub fn compared(comparison: &Comparison, place: &Place) -> Section {
    let prompts = comparison.runs.split_first().map_or_else(Vec::new, |(first, others)| {
        let diff = |other: &super::super::comparison::ComparedRun| {
            PromptDiff::of((first.run.clone(), &first.prompt), (other.run.clone(), &other.prompt))
        };
        others.iter().map(diff).collect()
    });
    place.section(include_str!("compare.html"), Compared { comparison, prompts })
}
