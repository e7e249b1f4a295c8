//! A run that starts from the prompts of an earlier one.
//!
//! Those prompts were written and chosen with rows in sight. Where such a row is held out now, a gain on it would say
//! nothing, so that the start is refused. Which rows these are is kept with each search, for its descendants too.

use super::dir::{RunDir, RunDirError, SCHEMA, SUMMARY_FILE};
use super::error::RunError;
use super::file::{RunFile, RunKind};
use super::reuse::open_rows;
use super::source::WarmStart;
use super::summary::Summary;
use crate::candidate::{Candidate, DEMOS};
use crate::event::{Event, ProposalOutcome};
use crate::id::CandidateId;
use crate::journal::{JournalError, read_events};
use crate::looks::{LOOKS_FILE, Looks};
use crate::prompt::Prompt;
use crate::task::Task;
use crate::task::example::RowHash;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file with the rows that a search, or one that it descends from, had in sight.
const SEEN_FILE: &str = "seen_rows.json";

/// The content of the file with the rows.
#[derive(Debug, Serialize, Deserialize)]
struct SeenRows {
    schema: u32,
    rows: BTreeSet<RowHash>,
}

impl WarmStart {
    /// Takes the prompts of a run for one of a task. Demonstrations are rows, and are not taken.
    ///
    /// # Errors
    /// It is no search, it cannot be read, a row that is held out now was one of train or dev then, or it has no prompt
    /// that the task could take.
    pub fn from(dir: &RunDir, task: &Task) -> Result<Self, RunError> {
        let file = RunFile::read(dir)?;
        let refused = |why: String| RunError::NoWarmStart { run: file.run.to_string(), why };
        if file.kind != RunKind::Search {
            return Err(refused("it is an evaluation, which tries one prompt".to_owned()));
        }
        if file.task_name != task.name {
            let why =
                format!("it is of the task `{}`, and this one is `{}`", file.task_name, task.name);
            return Err(refused(why));
        }
        let (prompts, has_looked, pin) =
            journaled(dir).map_err(|error| refused(error.to_string()))?;
        file.check_pin(pin.as_deref())?;
        let seen = seen_by(dir, &file)?;
        let held_out = task.splits.hold.content_hashes();
        let known = held_out.iter().filter(|row| seen.contains(row)).count();
        if known > 0 {
            let of = held_out.len();
            return Err(refused(format!(
                "{known} of the {of} rows that are held out now were rows of train or dev for it, or for a run that it \
                 started from: a gain on them would say nothing"
            )));
        }
        let summary: Summary = dir.read_json(SUMMARY_FILE)?;
        let (mut candidates, mut texts) = (Vec::new(), Vec::new());
        let winner = summary.best.iter().map(|best| &best.candidate);
        for id in winner.chain(summary.front.iter().map(|point| &point.candidate)) {
            let Some(prompt) = prompts.get(id) else { continue };
            let names = task.layout.searched().iter().filter(|name| *name != DEMOS);
            let parts: BTreeMap<String, String> = names
                .filter_map(|name| Some((name.clone(), prompt.part(name)?.to_owned())))
                .collect();
            let is_other =
                parts.iter().any(|(name, text)| task.baseline.part(name) != Some(text.as_str()));
            if is_other && !texts.contains(&parts) {
                candidates.push(id.clone());
                texts.push(parts);
            }
        }
        if texts.is_empty() {
            return Err(refused("it has no prompt but the task's own one".to_owned()));
        }
        let folder = std::path::absolute(dir.path()).unwrap_or_else(|_| dir.path().to_owned());
        Ok(Self { run: file.run, folder, candidates, texts, seen, has_looked })
    }

    /// The looks at held-out rows that are counted beside this run, where that is not in this results folder.
    ///
    /// # Errors
    /// The run has looked, and nothing beside it says at what.
    pub fn looks_elsewhere(&self, results: &Path) -> Result<Option<Looks>, RunError> {
        let theirs = Looks::beside(&self.folder);
        if is_same(results, self.folder.parent().unwrap_or(Path::new(""))) {
            return Ok(None);
        }
        if self.has_looked && !theirs.exists() {
            return Err(RunError::NoWarmStart {
                run: self.run.to_string(),
                why: format!(
                    "it has looked at held-out rows, and the file {LOOKS_FILE} that counts these looks is not beside \
                     its folder; put it there"
                ),
            });
        }
        Ok(Some(theirs))
    }

    /// Counts in a results folder the looks at held-out rows of a task that this run, and others of its folder, have
    /// taken: its prompts were chosen with them. Within one folder they are counted already.
    ///
    /// # Errors
    /// As for [`looks_elsewhere`](Self::looks_elsewhere); or the file of the looks cannot be read or written.
    pub fn bring_looks(&self, task: &Task, results: &Path) -> Result<(), RunError> {
        if let Some(theirs) = self.looks_elsewhere(results)? {
            Looks::of_folder(results).bring(&theirs, &task.splits.hold.content_hashes())?;
        }
        Ok(())
    }
}

/// Whether two paths name one folder; one that does not exist is none.
fn is_same(one: &Path, other: &Path) -> bool {
    // The empty path is the folder in which the program runs.
    let real = |path: &Path| std::fs::canonicalize(Path::new(".").join(path)).ok();
    real(one).is_some_and(|one| real(other).is_some_and(|other| one == other))
}

/// The prompts that a run wrote by their ids, whether it has looked at held-out rows, and the hash of its `run.json`.
type Journaled = (BTreeMap<CandidateId, Prompt>, bool, Option<String>);

fn journaled(dir: &RunDir) -> Result<Journaled, JournalError> {
    let (mut prompts, mut has_looked, mut pin) = (BTreeMap::new(), false, None);
    read_events(&dir.events(), |_, event: Event| {
        match event {
            Event::ProposalFolded { outcome, .. } | Event::CandidateComposed { outcome, .. } => {
                if let ProposalOutcome::Added { candidate, .. } = outcome {
                    let Candidate { id, prompt, .. } = candidate;
                    prompts.insert(id, prompt);
                }
            }
            Event::LookTaken { .. } => has_looked = true,
            Event::Pinned { blake3 } => pin = Some(blake3),
            _ => {}
        }
        Ok::<_, JournalError>(())
    })?;
    Ok((prompts, has_looked, pin))
}

/// Writes down which rows a search has in sight, with those of the run that it starts from; a hash of them.
pub(super) fn write_seen(
    dir: &RunDir,
    task: &Task,
    warm: Option<&WarmStart>,
) -> Result<String, RunDirError> {
    let mut rows: BTreeSet<RowHash> = open_rows(task).collect();
    rows.extend(warm.iter().flat_map(|warm| &warm.seen));
    let hash = hash_of(&rows);
    dir.write_json(SEEN_FILE, &SeenRows { schema: SCHEMA, rows })?;
    Ok(hash)
}

fn hash_of(rows: &BTreeSet<RowHash>) -> String {
    let mut hasher = blake3::Hasher::new();
    for row in rows {
        hasher.update(String::from(*row).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The rows that a search, or one that it descends from, had in sight.
fn seen_by(dir: &RunDir, file: &RunFile) -> Result<BTreeSet<RowHash>, RunError> {
    // What its own task says is not left to a file that can be edited.
    let own = file.read_task().ok();
    let own = own.map(|task| open_rows(&task).collect::<BTreeSet<RowHash>>());
    let refused = |why: String| RunError::NoWarmStart { run: file.run.to_string(), why };
    if dir.file(SEEN_FILE).exists() {
        let mut rows = dir.read_json::<SeenRows>(SEEN_FILE)?.rows;
        // Earlier versions have no hash of them.
        if file.seen.as_ref().is_some_and(|seen| *seen != hash_of(&rows)) {
            return Err(refused(format!("its {SEEN_FILE} has changed since the run was started")));
        }
        rows.extend(own.into_iter().flatten());
        return Ok(rows);
    }
    // A run of an earlier version has no such file, and started from no other run.
    own.filter(|_| file.warm.is_none()).ok_or_else(|| {
        refused(format!("its {SEEN_FILE} is missing, so it is not known which rows it saw"))
    })
}
