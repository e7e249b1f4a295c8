//! `run A B C`: several tasks under one budget, one after the other, and what resumes, shows and stops them as
//! one.

use super::args::{ResumeArgs, RunArgs, StrategyArgs};
use super::earlier::{self, Earlier};
use super::error::{CliError, Kind};
use super::gate::Gate;
use super::migration;
use super::night_budget::refused;
use super::run::{self, Prepared, SearchSettings};
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::compare::migration::{self as moved, MigrationLook, MigrationReport};
use crate::engine::Outcome;
use crate::night::{
    self, Carried, FoundRun, Migration, Night, NightFile, NightRun, RunState, Spending, Worked,
    free_name, locked,
};
use crate::report::{self, NightReport, visible_line};
use crate::run::{NIGHT_FILE, RUN_FILE, Run, RunDir, RunDirError, RunError, Settings, WarmStart};
use crate::seed::Seed;
use crate::task::Task;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a person agrees to when a night is resumed, for each of its runs.
#[derive(Clone, Copy, Default)]
struct Consent {
    /// Models are asked in another way than before.
    changed_provider: bool,
    /// Batches that their provider does not have any more count as paid.
    abandons_batches: bool,
}

/// Starts a night.
pub(super) fn run(args: &RunArgs, screen: &Screen) -> Result<(), CliError> {
    let clock = Clock::System;
    // What a task's file allows is for a run of this task alone.
    let caps = settings::flag_caps(&args.caps, &clock)?;
    if caps.is_empty() {
        return Err(CliError::usage("several tasks need one budget").hint(
            "give what all of them may spend together, such as `--max-usd 10`, `--max-calls 5000` or `--for 8h`",
        ));
    }
    // Nothing is created before all of them can begin.
    let waiting = vec![RunState::Waiting; args.task.len()];
    let Some(share) = night::share(caps, &waiting, 0, clock.now()) else {
        let tasks = args.task.len();
        return Err(CliError::usage(format!(
            "the budget is too small for {tasks} tasks: an equal share of it is nothing"
        ))
        .hint("give more, or fewer tasks; `promptsearch plan TASK` shows what a task needs"));
    };
    let mut runs: Vec<NightRun> = Vec::new();
    let now = clock.now().to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
    let name = match &args.name {
        Some(name) => run::checked_name(name)?.to_owned(),
        None => format!("night-{now}"),
    };
    if args.out.out.join(&name).join(NIGHT_FILE).exists() {
        return Err(CliError::usage(format!("the night `{name}` already exists")).hint(format!(
            "`promptsearch resume {name}` resumes it, or give this one another `--name`"
        )));
    }
    let mut tasks: Vec<Task> = Vec::new();
    for path in &args.task {
        let prepared =
            run::prepare(Task::load(path)?, args.into(), |task| Ok(share.over(task.caps)))?;
        for warning in &prepared.warnings {
            screen.warn(&format!("{}: {warning}", prepared.task.name));
        }
        tasks.push(prepared.task);
    }
    let earlier = earlier::of_tasks(args, &tasks, screen)?;
    for ((path, task), Earlier { reuse, warm }) in args.task.iter().zip(&tasks).zip(earlier) {
        let own = free_name(format!("{name}-{}", task.name), &runs);
        if args.out.out.join(&own).exists() {
            return Err(RunError::from(RunDirError::Exists(own)).into());
        }
        let warm = warm.map(|warm| warm.folder);
        runs.push(NightRun { task: std::path::absolute(path)?, run: own, reuse, warm });
    }
    let file = NightFile {
        schema: night::SCHEMA,
        night: name.clone(),
        created: clock.now(),
        caps,
        runs,
        strategy: args.strategy.strategy.clone(),
        sets: args.strategy.sets.clone(),
        seed: args.seed.map(Seed),
        concurrency: args.concurrency,
        migration: None,
    };
    start(file, &args.out.out, (args.detach, args.require_improvement), screen)
}

/// Creates a night, and works on it, or lets a process in the background do so. `requires`: an improvement by each run.
pub(super) fn start(
    file: NightFile,
    out: &Path,
    (detach, requires): (bool, bool),
    screen: &Screen,
) -> Result<(), CliError> {
    let (night, lock) = Night::create(&out.join(&file.night), file)?;
    let (noun, concurrency) = (night.noun(), night.file().concurrency);
    if detach {
        drop(lock);
        let flags = run::DetachFlags { concurrency, ..Default::default() };
        return run::detach(night.dir(), flags, noun, screen);
    }
    screen.note(&format!("{noun} {} in {}", night.dir().name(), night.dir().path().display()));
    let consent = Consent::default();
    let ended = work(night, Session { concurrency, requires, consent }, screen);
    drop(lock);
    ended
}

/// Resumes a night.
pub(super) fn resume(dir: &RunDir, resumed: &ResumeArgs, screen: &Screen) -> Result<(), CliError> {
    let (mut night, lock) = Night::open(dir)?;
    if resumed.require_improvement && night.file().migration.is_some() {
        return Err(CliError::usage("`--require-improvement` is not for a migration")
            .hint("without it, a migration is exit code 6 where no new model is at parity"));
    }
    let (before, ran) = (night.caps(), night.taken().running);
    if let Some(caps) = settings::raised_caps(before, ran, &resumed.caps, &Clock::System)? {
        night.set_total(caps).map_err(refused)?;
        if night.is_over() {
            screen.warn(&format!(
                "all runs of `{}` have ended: to search on with one of them, resume it with a higher cap",
                dir.name()
            ));
        }
    }
    if resumed.detach {
        drop(lock);
        let flags = run::DetachFlags {
            concurrency: resumed.concurrency,
            accepts_changed_provider: resumed.accept_changed_provider,
            abandons_batches: resumed.abandon_batches,
        };
        return run::detach(dir, flags, night.noun(), screen);
    }
    screen.note(&format!("resuming the {} {}", night.noun(), dir.name()));
    let session = Session {
        concurrency: resumed.concurrency.or(night.file().concurrency),
        requires: resumed.require_improvement,
        consent: Consent {
            changed_provider: resumed.accept_changed_provider,
            abandons_batches: resumed.abandon_batches,
        },
    };
    let ended = work(night, session, screen);
    drop(lock);
    ended
}

/// What is asked of a process that works on a night.
#[derive(Clone, Copy)]
struct Session {
    /// Maximum number of concurrent requests.
    concurrency: Option<usize>,
    /// Whether each run must confirm its goal.
    requires: bool,
    consent: Consent,
}

/// Works on a night to its end, and shows what came of it.
fn work(night: Night, session: Session, screen: &Screen) -> Result<(), CliError> {
    let file = night.file().clone();
    if file.migration.is_some() {
        MigrationLook::take(&night, &[])?;
    }
    let mut again = format!("promptsearch resume {}", night.dir().path().display());
    again.push_str(if session.requires { run::REQUIRES } else { "" });
    let night = Mutex::new(night);
    let Worked { troubles, wants_more } = night::work(&night, |number, caps| {
        let dir = RunDir::at(locked(&night).run_dir(number));
        screen.note(&format!("{}: {} of {}", dir.name(), number + 1, file.runs.len()));
        match one(&dir, (&file, number), caps, session, screen) {
            Ok(Some(spent)) => Carried::Ended(spent),
            Ok(None) => Carried::Stopped(
                CliError::new(Kind::Interrupted, "interrupted; no answer is lost")
                    .hint(format!("resume all with: {again}")),
            ),
            Err(error) if error.kind == Kind::Unexpected || error.kind == Kind::InUse => {
                Carried::Stopped(error)
            }
            Err(error) => {
                screen.warn(&format!("{}: {}", dir.name(), error.message));
                Carried::Trouble(error)
            }
        }
    })?;
    let night = locked(&night);
    let gate = match session.requires && troubles.is_empty() {
        true => Some(improvement(&night)?),
        false => None,
    };
    let found = show(&night, (false, true), gate.as_ref(), screen)?;
    if troubles.is_empty() {
        gate.map_or(Ok(()), |gate| gate.check())?;
        return found.map_or(Ok(()), |found| migration::conclude(&found));
    }
    let nothing = || CliError::new(Kind::Refused, "nothing is left of the budget");
    let told = troubles.into_iter().map(|(name, why)| (name, why.unwrap_or_else(nothing)));
    let error = of_all(told.collect());
    let more = if wants_more {
        format!("; with more for the {}: `--max-usd X`, `--max-calls N`, …", night.noun())
    } else {
        String::new()
    };
    Err(error.hint(format!("fix this, then run: {again}{more}")))
}

/// The troubles of several runs as one error, with the hints of each: of their kind, where they have one.
fn of_all(troubles: Vec<(String, CliError)>) -> CliError {
    let first = troubles.first().map_or(Kind::Refused, |(_, error)| error.kind);
    let is_alike = troubles.iter().all(|(_, error)| error.kind == first);
    let told = troubles.iter().map(|(name, error)| format!("{name}: {}", error.message));
    let told = told.collect::<Vec<_>>().join("; ");
    let mut all = CliError::new(if is_alike { first } else { Kind::Refused }, told);
    for hint in troubles.into_iter().flat_map(|(_, error)| error.hints) {
        if !all.hints.contains(&hint) {
            all.hints.push(hint);
        }
    }
    all
}

/// Whether all runs of a night have confirmed their goals.
fn improvement(night: &Night) -> Result<Gate, CliError> {
    let runs = night.run_dirs().map(|dir| Run::read(&dir)).collect::<Result<Vec<_>, _>>()?;
    Gate::improvement(&runs)
}

/// Carries out one run to its end; what it has spent. `None`: it was interrupted.
fn one(
    dir: &RunDir,
    (file, number): (&NightFile, usize),
    caps: Caps,
    Session { concurrency, consent, .. }: Session,
    screen: &Screen,
) -> Result<Option<Spending>, CliError> {
    let name = dir.name();
    let is_new = !dir.file(RUN_FILE).exists();
    let bar = file.migration.as_ref().filter(|_| number == Migration::BAR);
    let mut run = match (bar, is_new) {
        (Some(migration), true) => {
            migration::begin_bar((migration, &file.night), dir, caps, concurrency)?
        }
        (None, true) => begin(dir, (file, number), caps, concurrency, screen)?,
        (_, false) => {
            let mut run = Run::open(dir)?;
            file.check_own(number, run.file(), (run.caps(), caps))
                .map_err(|why| foreign(dir, file, &why))?;
            if consent.changed_provider {
                for change in run.provider_changes() {
                    screen.warn(&format!("{name}: accepted: {change}"));
                }
                run.accept_provider_changes()?;
            }
            run.check_providers()?;
            let deadline = Caps { deadline: caps.deadline, ..run.caps() };
            if bar.is_some() {
                super::eval::set_caps(&mut run, Caps { proposals: None, ..caps })?;
            } else if !run.is_over() && deadline != run.caps() {
                run.set_caps(deadline)?;
            }
            let mut access = settings::access(run.task(), |role| run.asks(role), concurrency)?;
            access.abandons_batches = consent.abandons_batches;
            run.with_access(access)
        }
    };
    super::log::to_file_of(dir);
    let ended = super::session::search(&mut run, screen)?;
    drop(run);
    let loaded = run::written_again(dir)?;
    match ended.outcome {
        Outcome::Finished => {}
        Outcome::Interrupted => return Ok(None),
        Outcome::BrokenScorer(why) => {
            return Err(CliError::new(Kind::Invalid, why).hint("fix the program"));
        }
        Outcome::Trouble { why, .. } => return Err(CliError::new(Kind::Refused, why)),
    }
    if !screen.json {
        screen.note(&format!("{name}: {}", report::result_line(&loaded)));
    }
    if bar.is_some() {
        migration::check_bar(&loaded)?;
    }
    Ok(Some(Spending::from(&loaded)))
}

/// The error for a folder with the name of a run of a night that holds what is not this run.
fn foreign(dir: &RunDir, file: &NightFile, why: &str) -> CliError {
    CliError::new(Kind::Invalid, file.foreign(dir, why))
        .hint(format!("move {} to another place", dir.path().display()))
}

/// Starts a search of a night.
fn begin(
    dir: &RunDir,
    (file, number): (&NightFile, usize),
    caps: Caps,
    concurrency: Option<usize>,
    screen: &Screen,
) -> Result<Run, CliError> {
    let strategy = StrategyArgs { strategy: file.strategy.clone(), sets: file.sets.clone() };
    let search = SearchSettings {
        strategy: &strategy,
        concurrency,
        out: dir.path().parent().unwrap_or(Path::new(".")),
        // It was agreed to, and checked, when the night was started.
        consents: true,
        requires_certified: false,
    };
    let NightRun { task, reuse, warm, .. } = &file.runs[number];
    let prepared = match &file.migration {
        None => run::prepare(Task::load(task)?, search, |task| Ok(caps.over(task.caps)))?,
        Some(migration) => run::prepare(migration.task(number)?, search, |_| Ok(caps))?,
    };
    let Prepared { task, recipe, access, caps, .. } = prepared;
    let from = |folder| WarmStart::from(&RunDir::at(folder), &task);
    let settings = Settings {
        seed: file.seed,
        caps: Some(caps),
        concurrency,
        reuse: reuse.clone(),
        warm: warm.as_ref().map(from).transpose()?,
        night: Some(file.night.clone()),
    };
    let run = Run::create(Arc::new(task), &recipe, settings, dir.path())?;
    run::tell_start(file.seed.is_some(), &run, screen);
    Ok(run.with_access(access))
}

/// Shows a night from its files, at any time.
pub(super) fn status(dir: &RunDir, screen: &Screen) -> Result<(), CliError> {
    show(&Night::read(dir)?, (dir.is_running(), false), None, screen).map(drop)
}

/// Shows a night, and what it found where it is a migration. One that `has_worked` takes its look and writes its files.
fn show(
    night: &Night,
    (is_running, has_worked): (bool, bool),
    gate: Option<&Gate>,
    screen: &Screen,
) -> Result<Option<MigrationReport>, CliError> {
    let Shown { page, value, found, .. } = shown(night, (is_running, has_worked), gate, screen)?;
    screen.show(&value, &page)?;
    Ok(found)
}

/// A night as it is shown.
pub(super) struct Shown {
    /// For people.
    pub(super) page: String,
    /// The same for programs.
    pub(super) value: Value,
    /// Its runs, in their order.
    pub(super) runs: Vec<FoundRun>,
    /// What it found, where it is a migration.
    found: Option<MigrationReport>,
}

/// What a night shows; see [`show`].
pub(super) fn shown(
    night: &Night,
    (is_running, has_worked): (bool, bool),
    gate: Option<&Gate>,
    screen: &Screen,
) -> Result<Shown, CliError> {
    let report = NightReport::read(night, is_running);
    let mut page = report.page(screen.width().clamp(40, 100));
    let mut value = report.value()?;
    let runs = report.runs;
    if let (Some(gate), Some(fields)) = (gate, value.as_object_mut()) {
        fields.insert("gate".to_owned(), serde_json::to_value(gate)?);
    }
    let found = match migration::found(night, &runs, has_worked) {
        // Rows that have changed since do not hide what its runs have spent.
        Err(error) if !has_worked => {
            screen.warn(&error.message);
            None
        }
        found => found?,
    };
    if let (Some(found), Some(fields)) = (&found, value.as_object_mut()) {
        fields.insert("migration".to_owned(), serde_json::to_value(found)?);
        let _ = write!(page, "\n\n{}", moved::page(found));
    }
    Ok(Shown { page, value, runs, found })
}

/// The run of a night that is running now, if one is.
pub(super) fn running(dir: &RunDir) -> Result<Option<RunDir>, CliError> {
    Ok(Night::read(dir)?.running())
}

/// A line for each night of a folder.
pub(super) fn lines(out: &Path) -> Vec<String> {
    let line = |dir: &RunDir| {
        let night = Night::read(dir).ok()?;
        let status = night.status(dir.is_running()).in_words();
        let line = format!("{} {}: {status} ({})", night.noun(), dir.name(), night.run_names());
        Some(visible_line(&line))
    };
    Night::list(out).iter().filter_map(line).collect()
}

/// Where a night of this name is.
pub(super) fn find(out: &Path, asked: &str) -> Option<RunDir> {
    Night::find(out, asked)
}
