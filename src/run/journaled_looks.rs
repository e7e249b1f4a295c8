//! Looks at held-out rows that runs of a folder have in their journals, beside the ledger of the folder.
//!
//! The ledger is a file that can be lost, emptied or cut, and then the next claim would be tested as if it were the first.
//! What the journals say is put back. Not the looks of nights and of `verify`, which no journal has.

use super::dir::{RunDir, RunDirError, io_error};
use super::error::RunError;
use super::file::{RunFile, RunKind};
use crate::clock::Clock;
use crate::looks::Looks;
use crate::task::Task;
use crate::task::example::RowHash;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// How a line of events goes on after its number and its checksum where it is of a look.
const EVENT: &[u8] = b"\"event\":{\"look_taken\":";
/// The most bytes of a line before that.
const BEFORE: usize = 64;

/// Puts back into the ledger of a results folder what it lacks of the looks of its runs. Where a run's rows cannot be read,
/// they are taken for those of `task`, if it is a run of the same task.
pub(super) fn put_back(results: &Path, looks: &Looks, task: &Task) -> Result<(), RunError> {
    let known = looks.by_run()?;
    for dir in RunDir::list(results)? {
        let taken = taken(&dir)?;
        if taken.is_empty() {
            continue;
        }
        let Ok(file) = RunFile::read(&dir) else { continue };
        let run = file.run.to_string();
        let has = known.get(&(run.clone(), file.created));
        for number in taken {
            if has.is_some_and(|has| has.contains(&number)) {
                continue;
            }
            let rows = match file.read_task() {
                Ok(own) => rows_of(&file, &own),
                Err(_) if file.task_name == task.name => task.splits.hold.content_hashes(),
                Err(_) => continue,
            };
            let path = looks.path().display();
            tracing::warn!("{path} lacks look {number} of the run {run}, which is put back");
            looks.restore((&run, file.created), number, &rows, Clock::System.now())?;
        }
    }
    Ok(())
}

/// The rows that a run looks at.
fn rows_of(file: &RunFile, task: &Task) -> Vec<RowHash> {
    match file.kind {
        RunKind::Search => task.splits.hold.content_hashes(),
        RunKind::Comparison { .. } | RunKind::Evaluation { .. } => task.shown_held_out().to_vec(),
    }
}

/// The numbers of the looks in a run's events. Of most lines only the beginning is looked at.
fn taken(dir: &RunDir) -> Result<Vec<u32>, RunDirError> {
    let path = dir.events();
    let Ok(file) = crate::source::open(&path) else { return Ok(Vec::new()) };
    let (mut lines, mut line): (BufReader<File>, _) = (BufReader::new(file), Vec::new());
    let mut taken = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(|error| io_error(&path, error))? == 0 {
            return Ok(taken);
        }
        let head = &line[..line.len().min(BEFORE + EVENT.len())];
        if head.windows(EVENT.len()).any(|window| window == EVENT) {
            let event: Value = serde_json::from_slice(&line).unwrap_or_default();
            let number = event["event"]["look_taken"]["number"].as_u64();
            taken.extend(number.and_then(|number| u32::try_from(number).ok()));
        }
    }
}
