//! `verify`: asks an exported prompt its held-out rows again, and compares with its evidence.

use super::args::VerifyArgs;
use super::error::{CliError, Kind};
use super::eval::{Question, folder_of, with_prompt};
use super::screen::Screen;
use crate::clock::Clock;
use crate::compare::verification::{
    Finding, NotMeasured, Now, Record, Verification, hashes, too_few_rows,
};
use crate::formats::sidecar;
use crate::id::CandidateIx;
use crate::looks::{Looker, Looks};
use crate::report::visible_line;
use crate::run::{Run, RunDir, Status, way_on};
use crate::source::{self, SourceError};
use crate::task::Task;
use crate::task::example::{RowHash, Split};
use crate::task::model::Provider;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn verify(args: &VerifyArgs, screen: &Screen) -> Result<(), CliError> {
    let evidence = evidence_of(&args.file)?;
    let record = read(&evidence)?;
    let verification = match measured(args, &record, &evidence, screen) {
        Ok(verification) => verification,
        Err(error) => {
            // A build server that finds no file shows nothing of what happened.
            let not_measured = NotMeasured { record: &record, why: &error.message };
            write(args, &not_measured.junit(), &not_measured.markdown())?;
            return Err(error);
        }
    };
    let fails = match verification.finding {
        Finding::Holds => false,
        Finding::Worse => true,
        Finding::Inconclusive => args.fail_if_inconclusive,
    };
    write(args, &verification.junit(fails), &verification.markdown())?;
    let name = format!("prompt {} for {}", verification.candidate, verification.task);
    let lines: Vec<String> = std::iter::once(visible_line(&name))
        .chain(verification.facts().into_iter().map(|fact| format!("  {fact}")))
        .chain([verification.verdict()])
        .collect();
    screen.show(&serde_json::to_value(&verification)?, &lines.join("\n"))?;
    if fails {
        let error = CliError::new(Kind::Gate, verification.complaint());
        return Err(verification.remedies().into_iter().fold(error, CliError::hint));
    }
    Ok(())
}

/// Asks the prompt the rows of its record.
fn measured(
    args: &VerifyArgs,
    record: &Record,
    evidence: &Path,
    screen: &Screen,
) -> Result<Verification, CliError> {
    let place = task_of(args, record, evidence)?;
    let task = Task::load(&place)?;
    let task = with_prompt(&task, &place, &args.file)?;
    let rows: Vec<RowHash> = record.rows.iter().map(|row| row.row).collect();
    let not_measured = |why: String| CliError::new(Kind::Refused, why);
    if rows.is_empty() {
        let why = format!("{}: it lists no held-out rows", evidence.display());
        return Err(not_measured(why)
            .hint("export a prompt that was asked held-out rows, by a run of this version"));
    }
    let data: BTreeSet<RowHash> = task.splits.content_hashes().collect();
    let there = rows.iter().filter(|row| data.contains(row)).count();
    if there * 5 < rows.len() * 4 {
        let why = format!("{there} of the {} rows of the record are in the data", rows.len());
        return Err(not_measured(why).hint(format!(
            "compare the data of {} with those that the prompt was exported with; or name another task with --task",
            place.display()
        )));
    }
    if !record.is_scored_as(&task) {
        let why = "the task's scorers are not those of the record, so old and new scores cannot be compared";
        return Err(not_measured(why.to_owned())
            .hint("export the prompt again, from a run with the scorers of today"));
    }
    let held_out: BTreeSet<RowHash> = task.splits.held_out_hashes().collect();
    let rows_in_search =
        rows.iter().filter(|row| data.contains(row) && !held_out.contains(row)).count();
    if let Some(why) = too_few_rows(there, args.tolerance) {
        screen.warn(&why);
    }
    let parts_blake3 = hashes(&task.baseline);
    if parts_blake3 != record.parts_blake3 {
        // A person who edits a prompt and sees its scores on held-out rows chooses by these rows.
        let shown: Vec<RowHash> =
            rows.iter().copied().filter(|row| held_out.contains(row)).collect();
        let by = Looker {
            run: format!("verify-{}", task.baseline.id()),
            created: Timestamp::UNIX_EPOCH,
            claim: format!("an edit of {}", record.candidate),
        };
        let look = Looks::of_folder(&args.out.out).take(&by, &shown, 0, Clock::System.now())?;
        screen.warn(&format!(
            "the prompt was edited since its record, so this is a look at its held-out rows: number {look}"
        ));
    }
    let task_model = task.task_model().name.to_string();
    let simulated = task.providers().values().any(Provider::is_simulated);
    // Another record asks other rows.
    let asked = blake3::hash(serde_json::to_string(&rows)?.as_bytes()).to_hex();
    let name = format!("{}-{}", folder_of(&task, "verify")?, &asked[..8]);
    let folder = folder(&args.out.out, &name)?;
    let question =
        Question { split: None, rows: Some(rows), caps: &args.caps, concurrency: args.concurrency };
    let answers = question.ask(task, folder.clone(), screen)?;
    answers.check(true)?;
    let not_asked = answers.not_asked();
    // It holds the lock on the run.
    drop(answers);
    let scores = Run::read(RunDir::at(folder))?.scores(CandidateIx::BASELINE, Split::Dev);
    let now = Now {
        scores,
        rows_there: there,
        rows_in_search,
        not_asked,
        parts_blake3,
        task_model,
        simulated,
    };
    Verification::of(record, &now, args.tolerance).ok_or_else(|| {
        not_measured("no row has a score both in the record and now".to_owned())
            .hint("run the same command again: it asks the missing rows, and no others")
    })
}

/// Writes the files for a build server.
fn write(args: &VerifyArgs, junit: &str, markdown: &str) -> Result<(), CliError> {
    if let Some(file) = &args.junit {
        std::fs::write(file, junit).map_err(|error| CliError::not_written(file, &error))?;
    }
    if let Some(file) = &args.markdown {
        // The summary of a build holds what other steps wrote.
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
        opened
            .and_then(|mut file| file.write_all(markdown.as_bytes()))
            .map_err(|error| CliError::not_written(file, &error))?;
    }
    Ok(())
}

/// The evidence file beside a prompt.
fn evidence_of(file: &Path) -> Result<PathBuf, CliError> {
    let name = file.to_str().ok_or_else(|| {
        CliError::usage(format!("{}: the path is not UTF-8", file.display()))
            .hint("rename the file, and its evidence file beside it")
    })?;
    Ok(sidecar(name).into())
}

fn read(evidence: &Path) -> Result<Record, CliError> {
    let bytes = source::read(evidence).map_err(|error| {
        SourceError::unreadable(evidence, &error).help(
            "`export` commits it beside the prompt, on a branch of its own: first `git checkout promptsearch/TASK`, or \
             merge that branch; a prompt without evidence cannot be verified",
        )
    })?;
    Ok(Record::read_sealed(evidence, &bytes)?)
}

/// The task that is named on the command line, or by the evidence: from the root of its repository.
fn task_of(args: &VerifyArgs, record: &Record, evidence: &Path) -> Result<PathBuf, CliError> {
    if let Some(task) = &args.task {
        return Ok(task.clone());
    }
    let absolute = std::path::absolute(evidence)?;
    let root = absolute.ancestors().find(|folder| folder.join(".git").exists());
    let file = record.task_file.as_ref().filter(|file| {
        file.components().all(|part| matches!(part, std::path::Component::Normal(_)))
    });
    match (root, file) {
        (Some(root), Some(file)) => Ok(root.join(file)),
        _ => Err(CliError::usage(format!(
            "{}: it names no task within this repository",
            evidence.display()
        ))
        .hint("name the task with --task TASK")),
    }
}

/// The folder of this verification: that of the last one, where an interruption or a cap left rows out, else a new
/// one.
fn folder(results: &Path, name: &str) -> Result<PathBuf, CliError> {
    let at = |number: u32| results.join(format!("{name}-{number}"));
    let mut number = 1;
    while at(number + 1).exists() {
        number += 1;
    }
    let last = at(number);
    // What cannot be read is left alone: a folder that a kill left without its files, or one of a repository that has
    // moved since.
    let is_over = Run::read(RunDir::at(last.clone())).map_or(true, |run| {
        let ended = matches!(run.summary.status, Status::Finished | Status::Failed);
        ended && way_on(&run.summary, run.caps()).is_none()
    });
    if last.exists() && is_over {
        return Ok(at(number + 1));
    }
    Ok(last)
}
