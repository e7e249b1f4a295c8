//! Prompts that were asked until it was decided: their answers, read from the run that asked them.

use super::{AbTest, AskedRun, Basis, PairedDesign, PairedRow, RowScore, slice_of};
use crate::id::{CandidateIx, RowIx};
use crate::prompt::value_text;
use crate::report;
use crate::run::Judged;
use crate::run::{LoadedRun, RunError, answers};
use crate::stats::Level;
use crate::task::example::VisibleSplit;
use crate::task::model::Provider;

/// Why a comparison cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// The run's events cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It is none, or has no answers yet.
    #[error("{0}")]
    Empty(String),
}

/// The comparison of a run's answers so far, with slices by these columns, and at most `listed` rows in each list.
///
/// # Errors
/// The run is no comparison, its events cannot be read, or two prompts have no row in common.
pub fn of_run(run: &LoadedRun, slices: &[String], listed: usize) -> Result<AbTest, NotShown> {
    let Some(comparison) = &run.file.comparison else {
        return Err(NotShown::Empty(format!("run `{}` compares no prompts", run.file.run)));
    };
    let (task, state) = (&run.task, &run.history.state);
    let names: Vec<String> = comparison.names().cloned().collect();
    // One that was stopped before it began has fewer.
    let candidates: Vec<CandidateIx> =
        (0..).map(CandidateIx).take(names.len().min(state.candidates.len())).collect();
    let found = answers(&run.dir.events(), task, state, &candidates, VisibleSplit::Dev)
        .map_err(RunError::from)?;
    let score = |candidate: CandidateIx, row: RowIx| {
        let scores: Vec<f64> = comparison.scores(state, candidate, row).collect();
        let first = found.get(&(candidate, row));
        let answered = first.map(|it| &it.answered);
        (!scores.is_empty()).then(|| RowScore {
            score: scores.iter().sum::<f64>() / scores.len() as f64,
            answer: answered.map(|it| it.text.clone()),
            is_invalid: first.is_some_and(|it| it.verdict.invalid.is_some()),
            usd: answered.filter(|it| !it.estimated).map(|it| it.live_usd().dollars()),
            milliseconds: answered.filter(|it| it.live.is_none()).map(|it| f64::from(it.ms)),
            flips: (scores.len() > 1).then(|| scores.iter().any(|score| *score != scores[0])),
        })
    };
    let rows = (0..).map(RowIx).zip(&task.splits.dev).map(|(row, example)| PairedRow {
        id: example.id.to_string(),
        weight: example.weight,
        must_pass: example.must_pass,
        expected: value_text(&example.answer).into_owned(),
        slices: slices.iter().map(|column| slice_of(example, column)).collect(),
        answers: (0..names.len()).map(|place| score(*candidates.get(place)?, row)).collect(),
    });
    let rows: Vec<PairedRow> = rows.collect();
    let design = PairedDesign {
        score_form: task.score_form(),
        basis: Basis::Sequential,
        names,
        margin: comparison.margin,
        level: Level::of_look(state.look()),
        seed: run.file.seed,
        slices: slices.to_vec(),
        listed,
    };
    let test = AbTest::of(&task.name, &design, &rows).map_err(NotShown::Empty)?;
    let summary = &run.summary;
    // It asks no mutator and compares no texts.
    let judges = task.judges().map(|(_, judge)| judge);
    let asked = std::iter::once(task.task_model()).chain(judges);
    let mut providers = asked.filter_map(|model| task.providers().get(model.name.provider()));
    let is_simulated = providers.any(Provider::is_simulated);
    let asked = AskedRun {
        name: run.file.run.to_string(),
        status: summary.status,
        stop_reason: summary.stop_reason,
        more: crate::run::way_on(summary, run.caps()),
        calls: summary.spent.calls(),
        usd: summary.spent.usd,
        simulated: report::simulated_line_of(is_simulated.then_some(run)),
        judge: summary.judge.as_ref().map(Judged::standing),
    };
    Ok(AbTest { run: Some(asked), ..test })
}
