//! `run` and `resume`.

use super::args::{ResumeArgs, RunArgs};
use super::error::{CliError, Kind};
use super::session::{Session, Told};
use super::{Screen, settings};
use crate::clock::Clock;
use crate::engine::Outcome;
use crate::id::RunName;
use crate::recipe;
use crate::report;
use crate::run_dir::{RUN_FILE, RunDir, RunFile, SCHEMA};
use crate::seed::Seed;
use crate::task::model::ModelRole;
use crate::task::{Task, TaskSource};
use jiff::tz::TimeZone;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts a run.
pub(super) fn run(args: &RunArgs, screen: &Screen) -> Result<(), CliError> {
    let clock = Clock::System;
    let task = Task::load(&args.task)?;
    let caps = settings::caps(&task, &args.caps, &clock)?;
    settings::check_consent(&task, &caps, args.yes)?;
    if task.layout.searched().is_empty() {
        return Err(task
            .mistake(&["prompt"], "no part of the prompt may change")
            .help("add `search = [\"system\"]` under [prompt]")
            .into());
    }
    let (recipe, left_out) =
        settings::recipe_for(&task, &args.strategy.strategy, &args.strategy.sets)?;
    if task.model(ModelRole::Mutator).is_none() && recipe.asks_mutator() {
        return Err(task
            .mistake(&["models"], "the task names no mutator model, which a search needs")
            .help("add `mutator = \"provider/model\"` under [models]")
            .into());
    }
    let name = args.name.as_deref().map(checked_name).transpose()?;
    let keys = settings::keys(&task)?;
    settings::check_models(&task, &keys)?;
    settings::check_programs(&task)?;
    settings::check_operators(&recipe, &task)?;
    for warning in super::plan::warnings(&task) {
        screen.warn(&warning);
    }
    let name = name.unwrap_or_else(|| {
        let now = clock.now().to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
        RunName::new(format!("{}-{}-{now}", task.name, recipe.name))
    });
    let dir = RunDir::create(&args.out.out, &name)?;
    let file = RunFile {
        schema: SCHEMA,
        run: RunName::new(dir.name()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created: clock.now(),
        task: absolute(&task.source)?,
        task_name: task.name.clone(),
        data: absolute_data(&task)?,
        strategy: recipe.name.clone(),
        recipe: recipe::effective_table(&recipe),
        seed: Seed(args.seed),
        caps,
        concurrency: args.concurrency,
    };
    dir.write_json(RUN_FILE, &file)?;
    super::log::to_file_of(&dir);
    for line in &left_out {
        tracing::info!("{line}");
    }
    if args.detach {
        return detach(&dir, args, screen);
    }
    screen.note(&format!("run {} in {}", file.run, dir.path().display()));
    go(dir, &keys, args.concurrency, screen)
}

fn checked_name(name: &str) -> Result<RunName, CliError> {
    let is_good = !name.is_empty()
        && !name.starts_with('.')
        && name != "latest"
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if is_good {
        return Ok(RunName::new(name));
    }
    Err(CliError::usage(format!("`{name}` is not a valid run name"))
        .hint("use letters, digits, `-`, `_` and `.`"))
}

pub(super) fn absolute(source: &TaskSource) -> Result<TaskSource, CliError> {
    Ok(TaskSource { file: std::path::absolute(&source.file)?, ..source.clone() })
}

pub(super) fn absolute_data(task: &Task) -> Result<Vec<crate::task::DataFile>, CliError> {
    task.data
        .iter()
        .map(|file| {
            let path = std::path::absolute(&file.path)?;
            Ok(crate::task::DataFile { path, blake3: file.blake3.clone() })
        })
        .collect()
}

/// Resumes a run.
pub(super) fn resume(args: &ResumeArgs, screen: &Screen) -> Result<(), CliError> {
    let dir = RunDir::find(&args.run.out.out, &args.run.run)?;
    let file = dir.run_file()?;
    let is_finished = dir
        .read_json::<report::Summary>(crate::run_dir::SUMMARY_FILE)
        .is_ok_and(|summary| summary.status == report::Status::Finished);
    if is_finished {
        // A finished run makes no more calls, so no key is needed.
        return show_end(&Told::read(dir)?, screen);
    }
    let task = super::session::frozen_task(&file)?;
    let keys = settings::keys(&task)?;
    screen.note(&format!("resuming {}", file.run));
    go(dir, &keys, args.concurrency, screen)
}

/// Runs the search to its end and prints the result.
fn go(
    dir: RunDir,
    keys: &std::collections::BTreeMap<String, secrecy::SecretString>,
    concurrency: Option<usize>,
    screen: &Screen,
) -> Result<(), CliError> {
    let outcome = {
        let session = Session::open(dir.clone())?;
        session.search(keys, concurrency, screen)?
    };
    let told = Told::read(dir)?;
    super::session::write_summary(&told.dir, &told.summary)?;
    told.dir.write("report.html", report::html(&told.report()).as_bytes())?;
    let again = resume_command(&told);
    match outcome {
        Outcome::Finished => show_end(&told, screen),
        Outcome::Interrupted => {
            if screen.json {
                screen.show(&serde_json::to_value(&told.summary)?, "")?;
            }
            Err(CliError::new(Kind::Interrupted, "interrupted; no answer is lost")
                .hint(format!("resume with: {again}")))
        }
        Outcome::BrokenScorer(why) => {
            Err(CliError::new(Kind::Invalid, why)
                .hint(format!("fix the program, then run: {again}")))
        }
        Outcome::Refused(why) => {
            Err(CliError::new(Kind::Refused, why).hint(format!("fix this, then run: {again}")))
        }
    }
}

/// Prints the result of a finished run.
fn show_end(told: &Told, screen: &Screen) -> Result<(), CliError> {
    let text = report::end_of_run(&told.report(), screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&told.summary)?, &text)
}

fn resume_command(told: &Told) -> String {
    let out = told.dir.path().parent().unwrap_or(Path::new("results"));
    if out == Path::new("results") {
        format!("promptsearch resume {}", told.file.run)
    } else {
        format!("promptsearch resume {} --out {}", told.file.run, out.display())
    }
}

/// Starts this program again as a background process that resumes the run.
fn detach(dir: &RunDir, args: &RunArgs, screen: &Screen) -> Result<(), CliError> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe()?;
    let log = std::fs::File::create(dir.file("detached.log"))?;
    let mut command = Command::new(program);
    command.arg("resume").arg(dir.path()).arg("--quiet");
    if let Some(concurrency) = args.concurrency {
        command.arg("--concurrency").arg(concurrency.to_string());
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // In a process group of its own it does not receive the terminal's hangup or Ctrl-C.
        .process_group(0)
        .spawn()?;
    let value = serde_json::json!({
        "run": dir.name(), "process": child.id(), "folder": dir.path(),
    });
    let text = format!(
        "run {} continues in the background as process {}\n  status: promptsearch status {}\n  log:    {}",
        dir.name(),
        child.id(),
        dir.path().display(),
        dir.file("detached.log").display()
    );
    screen.show(&value, &text)
}
