//! An exported prompt with its evidence, as it can be asked the rows of its record again.

use super::error::{CliError, Kind};
use super::eval::{Question, with_prompt};
use super::screen::Screen;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::compare::record::{Record, hashes};
use crate::compare::verification::Now;
use crate::formats::sidecar;
use crate::id::CandidateIx;
use crate::looks::{Looker, Looks};
use crate::run::Judged;
use crate::run::{Run, RunDir};
use crate::source::{self, SourceError};
use crate::task::example::{RowHash, Split};
use crate::task::model::Provider;
use crate::task::{Task, TaskFiles, TaskSource};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A prompt file and the record beside it.
pub(super) struct Exported {
    pub(super) file: PathBuf,
    pub(super) evidence: PathBuf,
    pub(super) record: Record,
}

impl Exported {
    /// Reads the record of a prompt file.
    pub(super) fn read(file: &Path) -> Result<Self, CliError> {
        let name = file.to_str().ok_or_else(|| {
            CliError::usage(format!("{}: the path is not UTF-8", file.display()))
                .hint("rename the file, and its evidence file beside it")
        })?;
        let evidence = PathBuf::from(sidecar(name));
        let bytes = source::read(&evidence).map_err(|error| {
            SourceError::unreadable(&evidence, &error).help(
                "`export` commits it beside the prompt, on a branch of its own: first `git checkout promptsearch/TASK`, or \
                 merge that branch; a prompt without evidence cannot be verified",
            )
        })?;
        let record = Record::read_sealed(&evidence, &bytes)?;
        Ok(Self { file: file.to_owned(), evidence, record })
    }

    /// The task that is named on the command line, or by the evidence: from the root of its repository.
    fn task(&self, named: Option<&Path>) -> Result<PathBuf, CliError> {
        if let Some(task) = named {
            return Ok(task.to_owned());
        }
        let absolute = std::path::absolute(&self.evidence)?;
        let root = absolute.ancestors().find(|folder| folder.join(".git").exists());
        let file = self.record.task_file.as_ref().filter(|file| {
            file.components().all(|part| matches!(part, std::path::Component::Normal(_)))
        });
        match (root, file) {
            (Some(root), Some(file)) => Ok(root.join(file)),
            _ => Err(CliError::usage(format!(
                "{}: it names no task within this repository",
                self.evidence.display()
            ))
            .hint("name the task with --task TASK")),
        }
    }

    /// Its task with the prompt of the file, where that can be compared with the record.
    pub(super) fn recheck(&self, task: Option<&Path>) -> Result<Recheck<'_>, CliError> {
        let record = &self.record;
        let place = self.task(task)?;
        let task = Task::load(&place)?;
        let task = with_prompt(&task, &place, &self.file)?;
        let rows: Vec<RowHash> = record.rows.iter().map(|row| row.row).collect();
        let not_measured = |why: String| CliError::new(Kind::Refused, why);
        if rows.is_empty() {
            let why = format!("{}: it lists no held-out rows", self.evidence.display());
            return Err(not_measured(why)
                .hint("export a prompt that was asked held-out rows, by a run of this version"));
        }
        let data: BTreeSet<RowHash> = task.splits.content_hashes().collect();
        let gone: BTreeSet<RowHash> =
            rows.iter().filter(|row| !data.contains(row)).copied().collect();
        let there = rows.len() - gone.len();
        if there * 5 < rows.len() * 4 {
            let why = format!("{there} of the {} rows of the record are in the data", rows.len());
            return Err(not_measured(why).hint(format!(
                "compare the data of {} with those that the prompt was exported with; or name another task with --task",
                place.display()
            )));
        }
        if !record.is_scored_as(&task) {
            let why = "the measure has changed: the task's scorers are not those of the record (`[[score]]`, or a program \
                       that it runs), so old and new scores cannot be compared";
            return Err(not_measured(why.to_owned())
                .hint("export the prompt again, from a run with the scorers of today"));
        }
        let held_out: BTreeSet<RowHash> = task.splits.held_out_hashes().collect();
        let is_in_search = |row: &&RowHash| data.contains(row) && !held_out.contains(row);
        let rows_in_search = rows.iter().filter(is_in_search).count();
        let now = Now {
            scores: BTreeMap::new(),
            gone,
            must_pass: task.splits.must_pass_hashes().collect(),
            rows_in_search,
            not_asked: 0,
            parts_blake3: hashes(&task.baseline),
            task_model: task.task_model().name.to_string(),
            judge: Judged::of(&task).map(|judge| judge.model),
            simulated: task.providers().values().any(Provider::is_simulated),
        };
        Ok(Recheck { record, task, rows, now, held_out })
    }
}

/// A prompt that is to be asked the rows of its record.
pub(super) struct Recheck<'a> {
    record: &'a Record,
    pub(super) task: Task,
    pub(super) rows: Vec<RowHash>,
    /// What there is to know of the prompt before it has answered.
    pub(super) now: Now,
    held_out: BTreeSet<RowHash>,
}

impl Recheck<'_> {
    /// A person who edits a prompt and sees its scores on held-out rows chooses by these rows: that is a look at them.
    pub(super) fn count_look(&self, results: &Path, screen: &Screen) -> Result<(), CliError> {
        if self.now.parts_blake3 == self.record.parts_blake3 {
            return Ok(());
        }
        let shown: Vec<RowHash> =
            self.rows.iter().copied().filter(|row| self.held_out.contains(row)).collect();
        let by = Looker {
            run: format!("verify-{}", self.task.baseline.id()),
            created: Timestamp::UNIX_EPOCH,
            claim: format!("an edit of {}", self.record.candidate),
        };
        let look = Looks::of_folder(results).take(&by, &shown, 0, Clock::System.now())?;
        screen.warn(&format!(
            "the prompt was edited since its record, so this is a look at its held-out rows: number {look}"
        ));
        Ok(())
    }

    /// The same task with the baseline of the record in place of the prompt; `None` where the record has no text of it, or
    /// the task has other parts.
    pub(super) fn canary(&self) -> Result<Option<Task>, CliError> {
        let text = self.record.baseline.as_ref().map(|baseline| &baseline.prompt);
        let TaskSource::Files(files) = &self.task.source else { return Ok(None) };
        let Some(text) = text.filter(|_| !self.canary_rows().is_empty()) else {
            return Ok(None);
        };
        let mut parts = files.parts.clone();
        if text.len() != parts.len() {
            return Ok(None);
        }
        for part in &mut parts {
            let Some(text) = text.get(&part.name) else { return Ok(None) };
            part.text = text.as_str().into();
        }
        Ok(Some(Task::rebuild(TaskFiles { parts, part_files: BTreeMap::new(), ..files.clone() })?))
    }

    /// The rows that the baseline has a recorded score for.
    pub(super) fn canary_rows(&self) -> Vec<RowHash> {
        let rows = self.record.rows.iter().filter(|row| row.baseline.is_some());
        rows.map(|row| row.row).collect()
    }
}

/// What a prompt has answered.
pub(super) struct Asked {
    pub(super) scores: BTreeMap<RowHash, f64>,
    /// Rows that a cap left out.
    pub(super) not_asked: usize,
}

/// Asks the prompt of a task some rows, in a run of this folder. Fewer than four fifths of them with a score are an error.
pub(super) fn ask(
    task: Task,
    rows: Vec<RowHash>,
    folder: &Path,
    (caps, concurrency): (Caps, Option<usize>),
    screen: &Screen,
) -> Result<Asked, CliError> {
    let question =
        Question { split: None, rows: Some(rows), caps, concurrency, models: Default::default() };
    let answers = question.ask(task, folder.to_owned(), screen)?;
    answers.check(true)?;
    let not_asked = answers.not_asked();
    // It holds the lock on the run.
    drop(answers);
    let scores = Run::read(RunDir::at(folder))?.scores(CandidateIx::BASELINE, Split::Dev);
    let scores = scores.into_iter().map(|(row, own)| (row, own.value)).collect();
    Ok(Asked { scores, not_asked })
}
