//! `verify`: asks an exported prompt its held-out rows again, and compares with its evidence.

use super::args::VerifyArgs;
use super::error::{CliError, Kind};
use super::eval::folder_of;
use super::evidence::{self, Asked, Exported};
use super::run::check_certified;
use super::screen::Screen;
use super::settings;
use super::versions::uncommitted;
use crate::clock::Clock;
use crate::compare::verification::{
    NotMeasured, Now, SealCheck, Verification, VerifyFinding, too_few_rows,
};
use crate::report::visible_line;
use crate::run::{Run, RunDir, Status, way_on};
use crate::source::{self, SourceError};
use crate::stats::weighted;
use crate::text;
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn verify(args: &VerifyArgs, screen: &Screen) -> Result<(), CliError> {
    let exported = Exported::read(&args.file)?;
    if args.offline {
        return offline(args, &exported, screen);
    }
    let verification = match measured(args, &exported, screen) {
        Ok(verification) => verification,
        Err(error) => {
            // A build server that finds no file shows nothing of what happened.
            let not_measured = NotMeasured { record: &exported.record, why: &error.message };
            write(args, &not_measured.junit(), &not_measured.markdown())?;
            return Err(error);
        }
    };
    let fails = match verification.finding {
        VerifyFinding::Holds => false,
        VerifyFinding::Worse => true,
        VerifyFinding::Inconclusive => args.fail_if_inconclusive,
    };
    write(args, &verification.junit(fails), &verification.markdown())?;
    let name = format!("prompt {} for {}", verification.candidate, verification.task);
    let lines: Vec<String> = std::iter::once(visible_line(&name))
        .chain(verification.facts().into_iter().map(|fact| format!("  {fact}")))
        .chain(exported.record.judge_caveat().map(|caveat| format!("  {caveat}")))
        .chain([verification.verdict()])
        .collect();
    screen.show(&serde_json::to_value(&verification)?, &lines.join("\n"))?;
    if fails {
        let error = CliError::new(Kind::Gate, verification.complaint());
        return Err(verification.remedies().into_iter().fold(error, CliError::hint));
    }
    Ok(())
}

/// Compares the file with its evidence, and asks nothing.
fn offline(args: &VerifyArgs, exported: &Exported, screen: &Screen) -> Result<(), CliError> {
    let bytes =
        source::read(&args.file).map_err(|error| SourceError::unreadable(&args.file, &error))?;
    let seal = SealCheck {
        record: &exported.record,
        is_edited: !exported.record.is_of(&args.file, &bytes),
    };
    write(args, &seal.junit(), &seal.markdown())?;
    let file = visible_line(&args.file.display().to_string());
    let value = json!({
        "file": args.file,
        "task": exported.record.task,
        "candidate": exported.record.candidate,
        "finding": if seal.is_edited { "edited" } else { "unedited" },
    });
    screen.show(&value, &format!("{file}: {}", seal.verdict()))?;
    match seal.is_edited {
        false => Ok(()),
        true => {
            let edited = CliError::new(Kind::Gate, format!("{file} {}", seal.verdict()));
            Err(uncommitted(&args.file).into_iter().fold(edited, CliError::hint)
                .hint("put it back (`promptsearch log FILE` lists its versions), or export a prompt of a run again"))
        }
    }
}

/// Asks the prompt the rows of its record.
fn measured(
    args: &VerifyArgs,
    exported: &Exported,
    screen: &Screen,
) -> Result<Verification, CliError> {
    let recheck = exported.recheck(args.task.as_deref())?;
    if args.require_certified {
        check_certified(&recheck.task)?;
    }
    let weights = exported.record.rows.iter().map(|row| row.weight);
    let design_effect = weighted::design_effect(weights);
    if let Some(why) = too_few_rows(
        recheck.rows.len() - recheck.now.gone.len(),
        design_effect,
        args.tolerance,
        exported.record.score_form,
    ) {
        screen.warn(&why);
    }
    recheck.count_look(&args.out.out, screen)?;
    // Another record asks other rows.
    let rows = blake3::hash(serde_json::to_string(&recheck.rows)?.as_bytes()).to_hex();
    let name = format!("{}-{}", folder_of(&recheck.task, "verify")?, &rows[..8]);
    let folder = folder(&args.out.out, &name)?;
    let caps = settings::caps(&recheck.task, &args.caps, &Clock::System)?;
    let how = (caps, args.concurrency);
    let Asked { scores, not_asked } =
        evidence::ask(recheck.task, recheck.rows, &folder, how, screen)?;
    let now = Now { scores, not_asked, ..recheck.now };
    let verification =
        Verification::of(&exported.record, &now, args.tolerance).ok_or_else(|| {
            CliError::new(Kind::Refused, "no row has a score both in the record and now")
                .hint("run the same command again: it asks the missing rows, and no others")
        })?;
    if verification.hinges_on_gone {
        let gone = text::plural(verification.rows_gone, "row");
        let why = format!(
            "{gone} of the record are not in the data any more: had the prompt lost them, it would be worse than its \
             record by more than the tolerance"
        );
        return Err(CliError::new(Kind::Refused, why).hint(
            "put the rows back, or export a prompt again, from a run with the rows of today",
        ));
    }
    Ok(verification)
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

/// The folder of this verification: that of the last one, where an interruption, trouble or a cap left rows out, else a new
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
        let is_measured = !run.history.state.baseline().dev().is_unmeasured();
        let has_ended = run.summary.status == Status::Finished && is_measured;
        has_ended && way_on(&run.summary, run.caps()).is_none()
    });
    if last.exists() && is_over {
        return Ok(at(number + 1));
    }
    Ok(last)
}
