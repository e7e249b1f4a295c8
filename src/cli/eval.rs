//! `eval`: scores a prompt, or recorded answers, on a task's rows.

use super::args::{EvalArgs, EvalSplit};
use super::error::{CliError, Kind};
use super::resources;
use super::screen::Screen;
use super::settings;
use crate::clock::Clock;
use crate::engine::Outcome;
use crate::evaluate::verdict_of;
use crate::event::{Event, NoAnswer};
use crate::export::document::{self, Document};
use crate::id::{ExampleId, RowIx};
use crate::prompt::Prompt;
use crate::report;
use crate::run::{self, Ended, FailedCalls, Run, RunDir, RunDirError, RunError, Settings};
use crate::seed::Seed;
use crate::source::SourceError;
use crate::state::Cell;
use crate::stats::{Interval, interval};
use crate::task::dataset::{self, PlainRow};
use crate::task::example::{Example, Split};
use crate::task::scorer::Verdict;
use crate::task::{Task, TaskFiles, TaskSource, counts};
use crate::text;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

/// The result of an evaluation.
#[derive(Debug, Serialize)]
struct Evaluation {
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    quality: Option<Interval>,
    usd_per_1k: Option<f64>,
    prompt_tokens: Option<u64>,
    invalid: u64,
    errors: u64,
    metrics: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failed_calls: BTreeMap<NoAnswer, FailedCalls>,
}

fn split_of(split: EvalSplit) -> (Option<Split>, &'static str) {
    match split {
        EvalSplit::Train => (Some(Split::Train), "train"),
        EvalSplit::Dev => (Some(Split::Dev), "dev"),
        EvalSplit::Hold => (Some(Split::Hold), "hold"),
        EvalSplit::All => (None, "all"),
    }
}

pub(super) fn eval(args: &EvalArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Task::load(&args.task)?;
    if let Some(answers) = &args.answers {
        let (task, numbers) = numbered(task);
        let (split, _) = split_of(args.split.unwrap_or(EvalSplit::All));
        let task = match split {
            None => task,
            Some(split) => Task::load(&args.task)?.for_evaluation(Some(split)),
        };
        return recorded(&task, &numbers, answers, &args.column, screen);
    }
    asked(task, args, screen)
}

// ── recorded answers ──────────────────────────────────────────────────────────────────────────

/// The task with all its rows, and the position of each row in its data (files in order).
fn numbered(task: Task) -> (Task, HashMap<ExampleId, usize>) {
    let by_file = task.data.len() > 1;
    let [(_, train), (_, dev), _] = counts(&task.splits);
    let task = task.for_evaluation(None);
    // The rows are ordered by split; where the task names one file per split, a split is a file.
    let file_of = |place: usize| match place {
        _ if !by_file => 0,
        place if place < train => 0,
        place if place < train + dev => 1,
        _ => 2,
    };
    // Rows that share a line, as in JSON without line breaks, are in the order of their numbers: 2
    // comes before 10.
    let key = |(place, row): (usize, &Example)| {
        let length = row.id.as_str().len();
        (file_of(place), row.line, length, row.id.clone())
    };
    let mut rows: Vec<_> = task.splits.dev.iter().enumerate().map(key).collect();
    rows.sort();
    let numbers = rows.into_iter().enumerate().map(|(at, (.., id))| (id, at)).collect();
    (task, numbers)
}

/// Scores the answers in a file. It needs no call, budget or key.
fn recorded(
    task: &Task,
    numbers: &HashMap<ExampleId, usize>,
    file: &Path,
    columns: &[String],
    screen: &Screen,
) -> Result<(), CliError> {
    if !task.scorers.is_pure() {
        return Err(CliError::invalid("a `command` scorer cannot score recorded answers")
            .hint("use `eval --prompt`, or a built-in scorer"));
    }
    let rows = dataset::read_plain(file, task.id_column())?;
    let mut by_id: HashMap<&str, &PlainRow> = HashMap::new();
    for row in &rows {
        let Some(id) = row.id.as_deref() else { continue };
        if let Some(other) = by_id.insert(id, row) {
            let message = format!("the id `{id}` is already used on line {}", other.line);
            let error = SourceError::new(file, message).at_line(row.line);
            return Err(error
                .help("a row can have only one answer per column: remove one of the lines")
                .into());
        }
    }
    if by_id.is_empty() {
        check_numbers(task, numbers.len(), file, rows.len())?;
        screen.note("neither file has ids: answers are joined to rows by their number");
    }
    let mut evaluations = Vec::new();
    for column in columns {
        let mut verdicts = Vec::new();
        for example in in_file_order(task) {
            let found = match by_id.is_empty() {
                // Without ids, answers are matched by row number.
                true => numbers.get(&example.id).and_then(|number| rows.get(*number)),
                false => by_id.get(example.id.as_str()).copied(),
            };
            let missing = |line: Option<usize>| {
                let error = SourceError::new(
                    file,
                    format!("row `{}` has no answer in column `{column}`", example.id),
                );
                let error = match line {
                    Some(line) => error.at_line(line),
                    None => error,
                };
                error.help("every row needs an answer; an empty string counts as an answer")
            };
            let row = found.ok_or_else(|| missing(None))?;
            let answer = match row.columns.get(column) {
                None if !rows.iter().any(|row| row.columns.contains_key(column)) => {
                    let known: Vec<&str> = row.columns.keys().map(String::as_str).collect();
                    let message = format!("there is no column `{column}`");
                    let error = SourceError::new(file, message);
                    return Err(error.help(text::suggestion(column, &known)).into());
                }
                None | Some(serde_json::Value::Null) => return Err(missing(Some(row.line)).into()),
                Some(value) => crate::prompt::value_text(value).into_owned(),
            };
            verdicts.push(task.scorers.score(&answer, example));
        }
        let scores: Vec<f64> = verdicts.iter().map(|verdict| verdict.score.value()).collect();
        evaluations.push(Evaluation {
            column: (columns.len() > 1).then(|| column.clone()),
            quality: interval::of_scores(&scores, Seed(1).child("eval", 0)),
            usd_per_1k: None,
            prompt_tokens: None,
            invalid: verdicts.iter().filter(|verdict| verdict.invalid.is_some()).count() as u64,
            errors: 0,
            metrics: metrics(&verdicts),
            failed_calls: BTreeMap::new(),
        });
    }
    let mut out = String::new();
    for (column, evaluation) in columns.iter().zip(&evaluations) {
        let _ = writeln!(out, "{column}: {}", sentence(evaluation));
    }
    let value = if evaluations.len() == 1 {
        serde_json::to_value(&evaluations[0])?
    } else {
        serde_json::to_value(&evaluations)?
    };
    screen.show(&value, &out)
}

/// Checks that answers without ids can be joined to rows by their number.
fn check_numbers(task: &Task, rows: usize, file: &Path, answers: usize) -> Result<(), SourceError> {
    let id = task.id_column();
    if task.splits.dev.iter().any(|row| row.columns.contains_key(id)) {
        let message =
            format!("the task's rows have ids in column `{id}`, but the answers have none");
        return Err(SourceError::new(file, message)
            .help(format!("add a column `{id}` that names the row of each answer")));
    }
    if answers != rows {
        let message = format!(
            "there are {}, but the task has {}, and without ids they are joined by number",
            text::plural(answers, "answer"),
            text::plural(rows, "row")
        );
        return Err(SourceError::new(file, message)
            .help("write one answer for each row, in the same order, or give both files ids"));
    }
    Ok(())
}

fn in_file_order(task: &Task) -> Vec<&Example> {
    let mut rows: Vec<&Example> = task.splits.dev.iter().collect();
    rows.sort_by_key(|row| row.line);
    rows
}

fn metrics(verdicts: &[Verdict]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for (name, value) in verdicts.iter().flat_map(|verdict| &verdict.metrics) {
        let sum = sums.entry(name.clone()).or_default();
        *sum = (sum.0 + value, sum.1 + 1);
    }
    sums.into_iter().map(|(name, (sum, count))| (name, sum / f64::from(count))).collect()
}

fn sentence(evaluation: &Evaluation) -> String {
    let mut out = match evaluation.quality {
        Some(i) => format!(
            "{} ({} to {}) over {}",
            text::percent(i.mean),
            text::percent(i.low),
            text::percent(i.high),
            text::plural(i.n, "row")
        ),
        None => "no rows were scored".to_owned(),
    };
    if let Some(usd) = evaluation.usd_per_1k {
        let _ = write!(out, ", ${usd:.4} per 1,000 calls");
    }
    if evaluation.invalid > 0 {
        let _ = write!(out, ", {} invalid", evaluation.invalid);
    }
    if evaluation.errors > 0 {
        let _ = write!(out, ", {} without an answer", evaluation.errors);
    }
    for (name, mean) in &evaluation.metrics {
        let _ = write!(out, ", {name} {mean:.4}");
    }
    out
}

// ── calling the model ──────────────────────────────────────────────────────────────────────────────

/// The baseline with the parts of a prompt file put in.
pub(super) fn prompt_of(task: &Task, document: &Document) -> Result<Prompt, CliError> {
    let searched = task.layout.searched();
    let mut prompt = task.baseline.clone();
    for part in &document.parts {
        let name = match &part.name {
            Some(name) => name.clone(),
            None => match searched {
                [only] => only.clone(),
                _ => {
                    return Err(CliError::invalid(
                        "a plain text file needs a task with exactly one searched part",
                    )
                    .hint(format!(
                        "the searched parts of this task are: {}",
                        searched.join(", ")
                    )));
                }
            },
        };
        if task.baseline.part(&name).is_none() {
            return Err(CliError::invalid(format!("the task has no part `{name}`")));
        }
        prompt = prompt.with_part(&name, &part.text);
    }
    Ok(prompt)
}

/// Calls the task model in a run of its own, so that paid answers are durable and are not requested
/// twice.
fn asked(task: Task, args: &EvalArgs, screen: &Screen) -> Result<(), CliError> {
    let mut caps = settings::caps(&task, &args.caps, &Clock::System)?;
    caps.proposals = None;
    if settings::is_paid(&task) || !caps.is_empty() {
        settings::check_consent(&task, &caps, false)?;
    } else {
        // Simulated models cost nothing, so no cap is required.
        caps.calls = Some(u64::from(u32::MAX));
    }
    resources::check(resources::connections(&task, args.concurrency))?;
    let access = settings::access(&task, args.concurrency)?;
    run::check_models(&task, &access)?;
    settings::check_programs(&task)?;
    let (split, rows) = split_of(args.split.unwrap_or(EvalSplit::Dev));
    let task = match &args.prompt {
        None => task,
        Some(file) => {
            let bytes = crate::source::read(file)
                .map_err(|error| CliError::invalid(format!("{}: {error}", file.display())))?;
            let document = document::read_markdown(&bytes).map_err(|e| e.in_file(file))?;
            let parts = prompt_of(&task, &document)?.parts().to_vec();
            Task::build(TaskFiles { parts, ..TaskFiles::read(&args.task)? })?
        }
    };
    let dir = RunDir::at(args.out.out.join(folder_of(&task, rows)?));
    let settings = Settings { seed: Seed(1), caps: Some(caps), concurrency: args.concurrency };
    let run = match Run::evaluate(task, split, settings, &dir) {
        // The same evaluation always uses the same folder, so its answers are reused.
        Err(RunError::Dir(RunDirError::Exists(_))) => {
            super::log::to_file_of(&dir);
            Run::open(&dir)?
        }
        run => run?,
    };
    super::log::to_file_of(&dir);
    let mut run = run.with_access(access);
    let ended = super::session::search(&mut run, screen)?;
    match &ended.outcome {
        Outcome::Finished => {}
        Outcome::Interrupted => {
            return Err(CliError::new(Kind::Interrupted, "interrupted")
                .hint("run the same command to continue; answered rows are not requested again"));
        }
        Outcome::Trouble { .. } => {}
        Outcome::BrokenScorer(why) => return Err(CliError::new(Kind::Invalid, why)),
    }
    let evaluation = evaluation(&run, &ended)?;
    let failed = report::failed_calls(&ended.summary());
    let result = std::iter::once(sentence(&evaluation));
    let text: Vec<String> = result.chain(failed.iter().cloned()).collect();
    screen.show(&serde_json::to_value(&evaluation)?, &text.join("\n"))?;
    if let Outcome::Trouble { why, .. } = &ended.outcome {
        return Err(CliError::new(Kind::Refused, why)
            .hint("run the same command again: it asks the missing rows, and no others"));
    }
    let column = ended.state.baseline().dev();
    if column.is_unmeasured() {
        let missing = column.missing();
        let why = format!("{missing} of {} rows have no answer", column.folded);
        let why = failed.first().map_or(why.clone(), |failed| format!("{why}; {failed}"));
        return Err(CliError::new(Kind::Refused, why)
            .hint("run the same command again: it asks the missing rows, and no others"));
    }
    Ok(())
}

/// The same question has the same folder.
fn folder_of(task: &Task, rows: &str) -> Result<String, CliError> {
    let text = match &task.source {
        TaskSource::Files(files) => files.text.as_str(),
        TaskSource::Memory(_) => "",
    };
    let mut hasher = blake3::Hasher::new();
    for piece in [text, task.baseline.id().as_str(), rows] {
        hasher.update(piece.as_bytes());
        hasher.update(b"\0");
    }
    for file in task.data.iter().chain(&run::scorer_programs(task)?) {
        hasher.update(file.blake3.as_bytes());
    }
    let hash = hasher.finalize().to_hex();
    Ok(format!("{}-eval-{rows}-{}", task.name, &hash[..8]))
}

fn evaluation(run: &Run, ended: &Ended) -> Result<Evaluation, CliError> {
    let (summary, task) = (ended.summary(), run.task());
    let described = summary.baseline.as_ref();
    let mut verdicts = Vec::new();
    let column = ended.state.baseline().dev();
    for (place, example) in task.splits.dev.iter().enumerate() {
        let row = RowIx(u32::try_from(place).unwrap_or(u32::MAX));
        let Cell::Scored { answer, .. } = column.cell(row) else { continue };
        match run.event(answer)? {
            Event::Answered(answered) => {
                verdicts.push(verdict_of(&task.scorers, &answered, example));
            }
            Event::Scored { verdict, .. } => verdicts.push(verdict),
            _ => {}
        }
    }
    Ok(Evaluation {
        column: None,
        quality: described.and_then(|prompt| prompt.dev),
        usd_per_1k: described.and_then(|prompt| prompt.usd_per_1k),
        prompt_tokens: described.map(|prompt| prompt.prompt_tokens),
        invalid: summary.counts.invalid,
        errors: summary.counts.errors,
        metrics: metrics(&verdicts),
        failed_calls: summary.failed_calls.clone(),
    })
}
