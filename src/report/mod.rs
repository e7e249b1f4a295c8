//! Reports on a finished or running search.
//!
//! All reports are made from events; nothing is measured again or stored here. `terminal`,
//! `markdown` and `html` present the same `findings` to people; programs read the summary and the
//! history of `run`. Held-out rows appear as means only, never by id.

mod words; // Formats money, intervals and texts for all reports.
mod diff; // What changed between two prompts.
mod claim; // What held-out rows say of the goal's claim.
mod family; // Candidates that were compared at once.
mod earlier; // How a run ended before it went on.
mod verdict; // The conclusion in words.
mod paired; // A prompt beside another one, row by row.
mod changed_rows; // The rows on which two prompts differ.
mod spending; // What was spent.
mod pruned; // What leaving lines out has saved.
mod consistency; // How far answers to the same row agree.
mod findings; // The tables.
mod plot; // The two plots.
mod terminal;
mod strategy; // The list of recipes, and the explanation of one.
mod flag; // What guards found, in words.
pub mod explain; // One candidate: origin, changes, events.
mod markdown;
mod junit; // For a build server.
mod run_list; // The runs of a folder.
mod night; // Several runs under one budget.
mod rows; // The rows that a prompt was asked.
mod edge; // The rows that are worth a look.
mod comparison; // Several runs beside each other.
mod comparison_page; // The same for people.
mod prompt_diff; // Two prompts, part by part.
pub mod html; // Pages.
mod pull_request; // The body of a pull request.

#[cfg(test)]
mod example;

pub use comparison::{Common, ComparedRun, Comparison, Difference, Setting};
pub use comparison_page::comparison_page;
pub use consistency::lines as consistency_lines;
pub use earlier::{confirmed_earlier, earlier_ends, fresh_rows, look as look_line};
pub use edge::{
    AnsweredCase, CommonAnswer, EdgeCases, EdgeRow, Evidence, FailureGroup, Naming, Property,
    Suspect, edge_cases, edge_page,
};
pub use family::{family_page, sentences as confirmations};
pub use html::{html, html_of_run};
pub use junit::{CaseOutcome, TestCase, TestSuite, junit, junit_of, run_suite, suite_name};
pub use markdown::{inline, markdown};
pub use night::{NightReport, result_line};
pub use paired::{PairedScores, RowChange, ScorePair};
pub use prompt_diff::{NamedParts, PromptDiff};
pub use pull_request::{ProposedChange, pull_request};
pub use rows::{
    AnsweredRow, AnsweredRows, BaselineAnswer, Confusion, LabelScore, PromptRole, RowFilter,
    RowGroupScore, RowsError, RowsQuery, Slice, answered_rows, rows_page,
};
pub use run_list::run_list;
pub use strategy::{RecipeEntry, list as strategies_list, strategy as strategy_page};
pub use terminal::{end_of_run, status_line};
pub(crate) use words::{cost, money, signed_cost, test_name};
pub use words::{failed_calls, left_out, refused_field, visible, visible_line, without_schema};

use crate::id::CandidateIx;
use crate::recipe::Recipe;
use crate::run::{History, InvalidOfRun, LoadedRun, RunFile, Summary};
use crate::score_form::ScoreForm;
use crate::task::Task;
use std::path::Path;

/// The data that every report is made from.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The summary.
    pub summary: &'a Summary,
    /// The folded journal.
    pub history: &'a History,
    /// Why answers are invalid.
    pub invalid: &'a InvalidOfRun,
    /// The task as frozen in `run.json`.
    pub task: &'a Task,
    /// The run's folder.
    pub folder: &'a Path,
    /// The contents of `run.json`, if it can be read.
    pub run_file: Option<&'a RunFile>,
    /// The recipe, if all of its kinds are known.
    pub recipe: Option<&'a Recipe>,
    /// Whether anything of a row is shown: an id, an input, a right answer, an answer.
    pub shows_rows: bool,
}

impl Report<'_> {
    /// How the task's scores are written.
    fn score_form(&self) -> ScoreForm {
        self.task.score_form()
    }
}

impl<'a> From<&'a LoadedRun> for Report<'a> {
    fn from(run: &'a LoadedRun) -> Self {
        Self {
            summary: &run.summary,
            history: &run.history,
            invalid: &run.invalid,
            task: &run.task,
            folder: run.dir.path(),
            run_file: Some(&run.file),
            recipe: run.recipe.as_ref(),
            shows_rows: true,
        }
    }
}

/// What held-out rows say of the winner, in a sentence; `None` where they were not asked of it.
#[must_use]
pub fn claim_line(report: &Report<'_>) -> Option<String> {
    let gain = report.summary.gain.as_ref()?;
    Some(format!("{}.", crate::text::sentence_case(&claim::sentence(report, gain))))
}

/// Which judge the scores are of, and how it compares with people; `None` where no judge graded.
#[must_use]
pub fn judge_line(report: &Report<'_>) -> Option<String> {
    verdict::judge(report)
}

/// That simulated models answered, if any did.
#[must_use]
pub fn simulated_line(report: &Report<'_>) -> Option<&'static str> {
    verdict::simulated(report)
}

/// That simulated models answered in any of several runs, if any did.
#[must_use]
pub fn simulated_line_of<'a>(
    runs: impl IntoIterator<Item = &'a LoadedRun>,
) -> Option<&'static str> {
    verdict::simulated_of(runs.into_iter().map(|run| &*run.task))
}

/// The verdict on a run in a sentence.
#[must_use]
pub fn verdict_line(report: &Report<'_>) -> String {
    let verdict = verdict::verdict(report);
    match verdict::judge(report) {
        Some(judge) => format!("{}: {} ({judge})", verdict.word, verdict.sentence),
        None => format!("{}: {}", verdict.word, verdict.sentence),
    }
}

impl Report<'_> {
    /// The run as a command line argument: its name if it is under `results`, else its folder.
    fn handle(&self) -> String {
        let is_default = self.folder == Path::new("results").join(&self.summary.run);
        let handle =
            if is_default { self.summary.run.clone() } else { self.folder.display().to_string() };
        words::shell_word(&words::visible_line(&handle))
    }

    /// The candidate that the summary has as the best: the search's winner, or one that stands in its place.
    fn best(&self) -> CandidateIx {
        let state = &self.history.state;
        let best = self.summary.best.as_ref().and_then(|best| state.find(&best.candidate));
        best.unwrap_or(state.incumbent)
    }

    /// What the best prompt is called: another candidate may stand in the winner's place.
    fn subject(&self) -> &'static str {
        match self.history.state.winner {
            Some((winner, ..)) if winner != self.best() => "candidate",
            _ => "winner",
        }
    }

    /// Whether the best prompt is not the baseline.
    fn has_winner(&self) -> bool {
        match (&self.summary.baseline, &self.summary.best) {
            (Some(baseline), Some(best)) => baseline.candidate != best.candidate,
            _ => false,
        }
    }
}
