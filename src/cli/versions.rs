//! `log` and `rollback`: the versions of an exported prompt in a git repository.

use super::args::{LogArgs, RollbackArgs};
use super::error::CliError;
use super::screen::Screen;
use crate::compare::record::Record;
use crate::compare::versions::{Recorded, Version, VersionKind, short};
use crate::export::git::Commit;
use crate::export::history::{FileCommit, FileHistory};
use crate::formats::sidecar;
use crate::report::visible_line;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Prints the versions, newest first.
pub(super) fn log(args: &LogArgs, screen: &Screen) -> Result<(), CliError> {
    let revision = args.branch.as_deref().unwrap_or(HEAD);
    let history = known(&args.file, revision)?;
    let versions = Version::all(Path::new(&history.path), &history.commits);
    let width = screen.width().clamp(40, 100);
    let lines: Vec<String> = versions.iter().map(|it| it.lines(width).join("\n")).collect();
    screen.show(&serde_json::to_value(&versions)?, &lines.join("\n"))
}

const HEAD: &str = "HEAD";

/// The history of a file that has one.
fn known(file: &Path, revision: &str) -> Result<FileHistory, CliError> {
    let history = FileHistory::read(file, revision)?;
    if history.commits.is_empty() {
        let message = format!("no commit of `{revision}` has `{}`", history.path);
        return Err(CliError::usage(message)
            .hint("name the branch that `export` wrote to: --branch promptsearch/TASK"));
    }
    Ok(history)
}

/// Commits an earlier version of the prompt, with its evidence.
pub(super) fn rollback(args: &RollbackArgs, screen: &Screen) -> Result<(), CliError> {
    let mut history = FileHistory::read(&args.file, HEAD)?;
    history.check_clean().map_err(|error| {
        let hint = checkout(&args.file, &history);
        hint.into_iter().fold(CliError::from(error), CliError::hint)
    })?;
    if history.commits.is_empty() {
        // It may be on the branch alone.
        history = known(&args.file, args.branch.as_deref().unwrap_or(HEAD))?;
    }
    let target = match &args.to {
        Some(revision) => history.at(revision)?,
        None => earlier(&history)?,
    };
    let (path, current) = (Path::new(&history.path), &history.commits[0]);
    let at = short(&target.commit).to_owned();
    let (Some(file), Some(evidence)) = (&target.file, &target.evidence) else {
        return Err(CliError::usage(format!(
            "`{}` has no evidence file beside it in {at}",
            history.path
        ))
        .hint(format!("`git checkout {at} -- {}` takes the text alone", history.path)));
    };
    if current.file.as_ref() == Some(file) && current.evidence.as_ref() == Some(evidence) {
        return Err(CliError::usage(format!("`{}` is as it was in {at}", history.path))
            .hint("`promptsearch log FILE` lists the versions; name another one with --to"));
    }
    let record = Record::read_sealed(path, evidence)?;
    if Version::of(path, &target).kind != VersionKind::Exported {
        let why = format!(
            "`{}` was edited by hand before {at}: its text is not that of the evidence beside it",
            history.path
        );
        return Err(CliError::usage(why)
            .hint("name an exported version with --to: `promptsearch log FILE` lists them")
            .hint(format!("`git checkout {at} -- {}` takes the text alone", history.path)));
    }
    let branch = args.branch.clone().unwrap_or_else(|| format!("promptsearch/{}", record.task));
    let commit = Commit {
        repo: history.repo.clone(),
        branch,
        files: vec![
            (history.path.clone(), file.clone()),
            (sidecar(&history.path), evidence.clone()),
        ],
        message: message(&history, current, &target),
        push: args.push.then(|| "origin".to_owned()),
    };
    let exported = commit.make()?;
    let value = json!({
        "path": history.path, "candidate": record.candidate, "to": target.commit, "from": current.commit,
        "branch": exported.branch, "commit": exported.commit, "unchanged": exported.unchanged,
        "pushed": exported.pushed, "simulated": record.simulated,
    });
    let verb = if exported.unchanged { "is already" } else { "is committed" };
    let mut out = format!(
        "{} as of {at} {verb} on {} at {}\n",
        history.path,
        exported.branch,
        short(&exported.commit)
    );
    let told = Version::of(path, &target).recorded.map(|it| it.in_words()).unwrap_or_default();
    let _ = writeln!(out, "  prompt {}: {told}", visible_line(&record.candidate));
    if !exported.pushed {
        out.push_str("  not pushed; use `--push` to push it\n");
    }
    screen.show(&value, &out)
}

/// The command that takes back what is not committed of a file and its evidence, where HEAD has them.
fn checkout(file: &Path, history: &FileHistory) -> Option<String> {
    let now = history.commits.first().filter(|now| now.file.is_some())?;
    let path = file.display().to_string();
    let evidence = now.evidence.as_ref().map(|_| format!(" {}", sidecar(&path)));
    let paths = visible_line(&format!("{path}{}", evidence.unwrap_or_default()));
    Some(format!("`git checkout HEAD -- {paths}` takes back what is not committed"))
}

/// The same of a file that was edited; `None` where it is as HEAD has it.
pub(super) fn uncommitted(file: &Path) -> Option<String> {
    let history = FileHistory::read(file, HEAD).ok()?;
    history.check_clean().is_err().then(|| checkout(file, &history)).flatten()
}

/// The exported version before the first one that had the present text.
fn earlier(history: &FileHistory) -> Result<FileCommit, CliError> {
    let current = &history.commits[0].file;
    let first = history.commits.iter().rposition(|it| it.file == *current).unwrap_or(0);
    let mut older = history.commits[first + 1..].iter();
    let path = Path::new(&history.path);
    let found = older.find(|it| Version::of(path, it).kind == VersionKind::Exported);
    found.cloned().ok_or_else(|| {
        let why = format!("`{}` has no earlier version that is as it was exported", history.path);
        CliError::usage(why).hint("`promptsearch log FILE` lists the versions; name one with --to")
    })
}

fn message(history: &FileHistory, current: &FileCommit, target: &FileCommit) -> String {
    let path = Path::new(&history.path);
    let of = |commit: &FileCommit| Version::of(path, commit);
    let words =
        |it: &Recorded| format!("prompt {}, {}", visible_line(&it.candidate), it.in_words());
    let (then, now) = (of(target), of(current));
    let candidate = then.recorded.as_ref().map_or("", |it| it.candidate.as_str());
    let mut out = format!("{}: back to prompt {}\n\n", history.path, visible_line(candidate));
    let date = target.date.strftime("%Y-%m-%d");
    let described = then.recorded.as_ref().map(words).unwrap_or_default();
    let _ = writeln!(out, "As of {} ({date}): {described}.", short(&target.commit));
    match (&now.recorded, now.kind) {
        (Some(it), VersionKind::Exported) => {
            let _ = writeln!(out, "It replaces {}.", words(it));
        }
        (_, VersionKind::Deleted) => out.push_str("The file was deleted since.\n"),
        _ => out.push_str("It replaces a text that was edited by hand.\n"),
    }
    if let Some(it) = &then.recorded {
        if it.simulated {
            let _ = writeln!(out, "{}", super::export::SIMULATED);
        }
        let _ = writeln!(out, "\nPromptsearch-Run: {}", visible_line(&it.run));
        let _ = writeln!(out, "Promptsearch-Candidate: {}", visible_line(&it.candidate));
        let _ = writeln!(out, "Promptsearch-Status: {}", visible_line(&it.verdict));
    }
    let _ = writeln!(out, "Promptsearch-Rollback-To: {}", target.commit);
    out
}
