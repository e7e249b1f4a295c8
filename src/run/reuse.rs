//! Runs whose answers another run takes over: what of them is frozen in its `run.json`, and how it is read again.
//!
//! Only good answers to rows that the earlier run asked as train or dev rows are taken.

use super::dir::RunDir;
use super::error::RunError;
use super::file::RunFile;
use super::source::ReuseSource;
use crate::engine::EarlierAnswers;
use crate::event::{Answered, Event};
use crate::id::Call;
use crate::journal::{JournalError, read_events};
use crate::task::example::{Example, RowHash, Split};
use crate::task::model::Price;
use crate::task::{ProviderChange, Task};
use crate::units::Usd;
use std::collections::{BTreeSet, HashSet};

/// What a run has for others.
struct Offered {
    events: u64,
    answers: Vec<Answered>,
    blake3: String,
}

impl ReuseSource {
    /// Freezes a run, which may still be going on, as a source for runs of a task.
    ///
    /// # Errors
    /// It cannot be read, it was changed by hand, it asked another model or in another way, it has none of the task's
    /// rows, or it has no answers.
    pub fn freeze(dir: &RunDir, task: &Task) -> Result<Self, RunError> {
        let file = RunFile::read(dir)?;
        let offered = Offered::read(dir, &file, task, None)?;
        let folder = std::path::absolute(dir.path());
        let (run, count) = (file.run, offered.answers.len() as u64);
        if count == 0 {
            let why = "it has no answers to rows of train or dev".to_owned();
            return Err(RunError::NotReusable { run: run.to_string(), why });
        }
        Ok(Self {
            folder: folder.unwrap_or_else(|_| dir.path().to_owned()),
            run,
            events: offered.events,
            answers: count,
            blake3: offered.blake3,
        })
    }

    /// Its answers, as they were when it was frozen.
    fn read(&self, task: &Task) -> Result<Vec<Answered>, RunError> {
        let refused = |why: String| RunError::NotReusable { run: self.run.to_string(), why };
        let dir = RunDir::at(&self.folder);
        let file = RunFile::read(&dir).map_err(|error| refused(error.to_string()))?;
        let offered = Offered::read(&dir, &file, task, Some(self.events))?;
        if offered.blake3 != self.blake3 {
            return Err(refused("its answers are not those that it had".to_owned()));
        }
        Ok(offered.answers)
    }
}

/// The answers of all sources, at the prices of the task; and of which sources there are none any more, and why.
pub(super) fn answers_of(sources: &[ReuseSource], task: &Task) -> (EarlierAnswers, Vec<RunError>) {
    let price = task.task_model().price.unwrap_or(Price::FREE);
    let (mut answers, mut gone) = (EarlierAnswers::default(), Vec::new());
    for (number, source) in (0..).zip(sources) {
        match source.read(task) {
            Err(error) => gone.push(error),
            Ok(found) => found.into_iter().for_each(|answered| {
                // It is paid; what the prompt costs is what it costs now.
                let live = match price.is_said() {
                    true => answered.live_usd(),
                    false => price.of(answered.usage()),
                };
                let live = Some(live);
                let copy =
                    Answered { call: Call::default(), usd: Usd::ZERO, live, at: 0, ..answered };
                answers.add(number, copy);
            }),
        }
    }
    (answers, gone)
}

impl Offered {
    fn read(
        dir: &RunDir,
        file: &RunFile,
        task: &Task,
        most: Option<u64>,
    ) -> Result<Self, RunError> {
        let refused = |why: String| RunError::NotReusable { run: file.run.to_string(), why };
        check_same(file, task).map_err(refused)?;
        let (mut asked, mut answers) = (HashSet::new(), Vec::new());
        let (mut count, mut pin, mut changes) = (0, None, Vec::new());
        let result = read_events(&dir.events(), |_, event: Event| {
            if most.is_some_and(|most| count >= most) {
                return Ok(());
            }
            count += 1;
            match event {
                Event::Pinned { blake3 } => pin = Some(blake3),
                Event::ProvidersChanged { changes: more } => changes.extend(more),
                Event::EvaluationIssued(block) if block.split != Split::Hold => {
                    asked.extend((0..block.rows.len() as u64).map(|it| Call(block.first.0 + it)));
                }
                Event::Answered(answered) if asked.contains(&answered.call) => {
                    answers.push(answered);
                }
                Event::Reused { answer, .. } => answers.push(answer),
                _ => {}
            }
            Ok::<_, JournalError>(())
        });
        answers.retain(|answered| answered.flaw().is_none());
        result.map_err(|error| refused(error.to_string()))?;
        if pin.is_some_and(|pin| pin != file.pin()) {
            return Err(refused("its run.json has changed".to_owned()));
        }
        let provider = format!("providers.{}.", task.task_model().name.provider());
        let is_of_task = |change: &&ProviderChange| {
            change.key.starts_with(&provider) || change.key.starts_with("models.task.")
        };
        if let Some(change) = changes.iter().find(is_of_task) {
            return Err(refused(format!("its answers came from several places: {change}")));
        }
        let written = serde_json::to_vec(&answers).map_err(|error| refused(error.to_string()))?;
        let blake3 = blake3::hash(&written).to_hex().to_string();
        Ok(Self { events: count, answers, blake3 })
    }
}

/// Checks that a run asked the same model in the same way, and rows that the task has; the error says what differs.
fn check_same(file: &RunFile, task: &Task) -> Result<(), String> {
    let differs = file.task.asked_otherwise(&task.source).map_err(|error| error.to_string())?;
    if let Some(why) = differs {
        return Err(why);
    }
    // Where its rows have changed since, its requests say which of them are the same.
    let Ok(theirs) = file.read_task() else { return Ok(()) };
    let known: BTreeSet<RowHash> = open_rows(&theirs).collect();
    match open_rows(task).any(|row| known.contains(&row)) {
        true => Ok(()),
        false => Err("it asked none of the rows of train and dev of this task".to_owned()),
    }
}

/// The rows that a search has in sight.
pub(super) fn open_rows(task: &Task) -> impl Iterator<Item = RowHash> + '_ {
    task.splits.train.iter().chain(&task.splits.dev).map(Example::content_hash)
}
