//! `run A B C`: several tasks under one budget, one after the other, and what resumes, shows and stops them as
//! one.

use super::args::{CapArgs, ResumeArgs, RunArgs, RunsDir, StrategyArgs};
use super::earlier::{self, Earlier};
use super::error::{CliError, Kind};
use super::gate::Gate;
use super::migration;
use super::night_budget::{refused, spent_by};
use super::run::{self, Prepared};
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::compare::migration::{FoundRun, MigrationReport};
use crate::compare::migration_page;
use crate::engine::Outcome;
use crate::night::{
    BudgetRequest, Migration, Night, NightFile, NightRun, RunState, Spending, free_name,
};
use crate::report::{self, Report, visible_line};
use crate::run::{
    LoadedRun, NIGHT_FILE, Run, RunDir, RunDirError, RunError, RunKind, Settings, Status, WarmStart,
};
use crate::seed::Seed;
use crate::task::Task;
use crate::text;
use crate::units::Usd;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    let Some(share) = crate::night::share(caps, &waiting, 0, clock.now()) else {
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
        let prepared = run::prepare(Task::load(path)?, args, |task| Ok(share.over(task.caps)))?;
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
        schema: crate::night::SCHEMA,
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
    let args = RunArgs { require_improvement: requires, ..arguments(&night, concurrency) };
    let ended = go(night, &args, Consent::default(), screen);
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
        if night.runs().iter().all(|state| matches!(state, RunState::Ended(_))) {
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
    let concurrency = resumed.concurrency.or(night.file().concurrency);
    let require_improvement = resumed.require_improvement;
    let args = RunArgs { require_improvement, ..arguments(&night, concurrency) };
    screen.note(&format!("resuming the {} {}", night.noun(), dir.name()));
    let consent = Consent {
        changed_provider: resumed.accept_changed_provider,
        abandons_batches: resumed.abandon_batches,
    };
    let ended = go(night, &args, consent, screen);
    drop(lock);
    ended
}

/// What each of its runs is started with.
fn arguments(night: &Night, concurrency: Option<usize>) -> RunArgs {
    let file = night.file();
    RunArgs {
        task: file.runs.iter().map(|run| run.task.clone()).collect(),
        strategy: StrategyArgs { strategy: file.strategy.clone(), sets: file.sets.clone() },
        seed: file.seed.map(|seed| seed.0),
        name: None,
        out: RunsDir { out: night.dir().path().parent().unwrap_or(Path::new(".")).to_owned() },
        concurrency,
        reuse: Vec::new(),
        warm: Vec::new(),
        detach: false,
        // It was agreed to at the start.
        yes: true,
        require_improvement: false,
        require_certified: false,
        caps: CapArgs::default(),
    }
}

/// Works on a night, and meanwhile takes requests that change its budget.
fn go(night: Night, args: &RunArgs, consent: Consent, screen: &Screen) -> Result<(), CliError> {
    let mut inbox = BudgetRequest::inbox(&night);
    let (night, is_over) = (Mutex::new(night), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                locked(&night).serve(&mut inbox);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        let _over = Over(&is_over);
        work(&night, args, consent, screen)
    })
}

/// Ends the thread that takes requests, whatever ended the work.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The interval between two looks for requests.
const LOOK_EVERY: Duration = Duration::from_millis(250);

fn locked(night: &Mutex<Night>) -> MutexGuard<'_, Night> {
    night.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what has not ended, one after the other. Trouble of one does not keep the others back, but for the bar of a
/// migration: without it nothing is said of the others.
fn work(
    night: &Mutex<Night>,
    args: &RunArgs,
    consent: Consent,
    screen: &Screen,
) -> Result<(), CliError> {
    let mut troubles: Vec<(String, CliError)> = Vec::new();
    let mut is_spent = false;
    let file = locked(night).file().clone();
    if file.migration.is_some() {
        migration::look(&locked(night), &[], true)?;
    }
    let mut again = format!("promptsearch resume {}", locked(night).dir().path().display());
    again.push_str(if args.require_improvement { run::REQUIRES } else { "" });
    for (number, NightRun { run: name, .. }) in file.runs.iter().enumerate() {
        if matches!(locked(night).runs()[number], RunState::Ended(_)) {
            continue;
        }
        let is_bar = file.migration.is_some() && number == Migration::BAR;
        let Some(caps) = locked(night).give(number)? else {
            let nothing = CliError::new(Kind::Refused, "nothing is left of the budget");
            troubles.push((name.clone(), nothing));
            is_spent = true;
            if is_bar {
                break;
            }
            continue;
        };
        screen.note(&format!("{name}: {} of {}", number + 1, file.runs.len()));
        let dir = RunDir::at(locked(night).run_dir(number));
        match one(&dir, (&file, number), (caps, consent), args, screen) {
            Ok(Some(spent)) => locked(night).ended(number, spent)?,
            Ok(None) => {
                return Err(CliError::new(Kind::Interrupted, "interrupted; no answer is lost")
                    .hint(format!("resume all with: {again}")));
            }
            Err(error) if error.kind == Kind::Unexpected || error.kind == Kind::InUse => {
                return Err(error);
            }
            Err(error) => {
                screen.warn(&format!("{name}: {}", error.message));
                troubles.push((name.clone(), error));
                if is_bar {
                    is_spent = true;
                    break;
                }
            }
        }
    }
    let gate = match args.require_improvement && troubles.is_empty() {
        true => Some(improvement(&locked(night))?),
        false => None,
    };
    let found = show(&locked(night), (false, true), gate.as_ref(), screen)?;
    if troubles.is_empty() {
        gate.map_or(Ok(()), |gate| gate.check())?;
        return found.map_or(Ok(()), |found| migration::conclude(&found));
    }
    let error = of_all(troubles);
    let more = if is_spent {
        format!("; with more for the {}: `--max-usd X`, `--max-calls N`, …", locked(night).noun())
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
    let dirs = (0..night.file().runs.len()).map(|number| RunDir::at(night.run_dir(number)));
    let runs = dirs.map(|dir| Run::read(&dir)).collect::<Result<Vec<_>, _>>()?;
    Gate::improvement(&runs)
}

/// Carries out one run to its end; what it has spent. `None`: it was interrupted.
fn one(
    dir: &RunDir,
    (file, number): (&NightFile, usize),
    (caps, consent): (Caps, Consent),
    args: &RunArgs,
    screen: &Screen,
) -> Result<Option<Spending>, CliError> {
    let name = dir.name();
    let is_new = !dir.file(crate::run::RUN_FILE).exists();
    let bar = file.migration.as_ref().filter(|_| number == Migration::BAR);
    let mut run = match (bar, is_new) {
        (Some(migration), true) => migration::begin_bar((migration, &file.night), dir, caps, args)?,
        (None, true) => begin(dir, (file, number), caps, args, screen)?,
        (_, false) => {
            let mut run = Run::open(dir)?;
            file.check_begun(number, run.file())
                .and_then(|()| check_within(run.caps(), caps, run.file().kind))
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
            let mut access = settings::access(run.task(), |role| run.asks(role), args.concurrency)?;
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
        screen.note(&format!("{name}: {}", result_line(&loaded)));
    }
    if bar.is_some() {
        migration::check_bar(&loaded)?;
    }
    Ok(Some(spent_by(&loaded)))
}

/// Checks that a run may spend no more than it was given.
fn check_within(own: Caps, given: Caps, kind: RunKind) -> Result<(), String> {
    let is_above = |unit: Option<u64>, given: Option<u64>| {
        given.is_some_and(|given| unit.is_none_or(|own| own > given))
    };
    let tokens = |caps: &Caps| caps.tokens.map(|tokens| tokens.0);
    let units = [
        ("dollars", own.usd.map(Usd::nanos), given.usd.map(Usd::nanos)),
        ("calls", own.calls, given.calls),
        ("tokens", tokens(&own), tokens(&given)),
        // Other runs make none.
        ("proposals", own.proposals, given.proposals.filter(|_| kind == RunKind::Search)),
    ];
    match units.into_iter().find(|(_, own, given)| is_above(*own, *given)) {
        Some((unit, ..)) => Err(format!("its cap on {unit} is above what the night gave it")),
        None => Ok(()),
    }
}

/// The error for a folder with the name of a run of a night that holds what is not this run.
fn foreign(dir: &RunDir, file: &NightFile, why: &str) -> CliError {
    let message = format!("`{}` is not a run of the night `{}`: {why}", dir.name(), file.night);
    CliError::new(Kind::Invalid, message)
        .hint(format!("move {} to another place", dir.path().display()))
}

/// Starts a search of a night.
fn begin(
    dir: &RunDir,
    (file, number): (&NightFile, usize),
    caps: Caps,
    args: &RunArgs,
    screen: &Screen,
) -> Result<Run, CliError> {
    let NightRun { task, reuse, warm, .. } = &file.runs[number];
    let prepared = match &file.migration {
        None => run::prepare(Task::load(task)?, args, |task| Ok(caps.over(task.caps)))?,
        Some(migration) => run::prepare(migration.task(number)?, args, |_| Ok(caps))?,
    };
    let Prepared { task, recipe, access, caps, .. } = prepared;
    let from = |folder| WarmStart::from(&RunDir::at(folder), &task);
    let settings = Settings {
        seed: args.seed.map(Seed),
        caps: Some(caps),
        concurrency: args.concurrency,
        reuse: reuse.clone(),
        warm: warm.as_ref().map(from).transpose()?,
        night: Some(file.night.clone()),
    };
    let run = Run::create(Arc::new(task), &recipe, settings, dir.path())?;
    run::tell_start(args, &run, screen);
    Ok(run.with_access(access))
}

/// What came of a run, in a sentence.
fn result_line(run: &LoadedRun) -> String {
    match (run.file.kind, run.summary.baseline.as_ref().and_then(|prompt| prompt.dev)) {
        (RunKind::Search, _) => report::verdict_line(&Report::from(run)),
        (RunKind::Comparison { .. } | RunKind::Evaluation { .. }, None) => {
            "not measured yet".to_owned()
        }
        (RunKind::Comparison { .. } | RunKind::Evaluation { .. }, Some(it)) => format!(
            "{} ({} to {}) over {}",
            run.summary.score_form.score(it.mean),
            run.summary.score_form.score(it.low),
            run.summary.score_form.score(it.high),
            text::plural(it.n, "row")
        ),
    }
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
    pub(super) runs: Vec<(String, FoundRun)>,
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
    let file = night.file();
    let mut runs: Vec<(String, FoundRun)> = Vec::new();
    let mut spent = Spending::default();
    let (mut lines, mut values): (Vec<String>, Vec<Value>) = (Vec::new(), Vec::new());
    for (number, (run, state)) in file.runs.iter().zip(night.runs()).enumerate() {
        let dir = RunDir::at(night.run_dir(number));
        let begun = dir.file(crate::run::RUN_FILE).exists().then(|| Run::read(&dir));
        let begun = begun.map(|run| -> Result<LoadedRun, String> {
            let run = run.map_err(|error| error.to_string())?;
            let is_own = file.check_begun(number, &run.file);
            is_own.map_err(|why| foreign(&dir, file, &why).message)?;
            Ok(run)
        });
        let (line, value) = match &begun {
            None => ("waiting".to_owned(), json!({ "run": run.run, "status": "waiting" })),
            // One that was killed while it began, or whose rows are gone, does not hide the others.
            Some(Err(why)) => {
                (why.clone(), json!({ "run": run.run, "status": null, "error": why }))
            }
            Some(Ok(loaded)) => {
                let own = spent_by(loaded);
                spent.usd += own.usd;
                spent.calls += own.calls;
                spent.running += own.running;
                let verdict = result_line(loaded);
                let caps = loaded.caps();
                let of = caps.usd.map_or_else(String::new, |usd| format!(" of {usd}"));
                let calls = caps
                    .calls
                    .map_or_else(String::new, |it| format!(" of {}", text::thousands(it)));
                let why =
                    loaded.summary.trouble.clone().filter(|_| !loaded.summary.status.is_live());
                let why = why.filter(|_| loaded.summary.status != Status::Finished);
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                let line = format!(
                    "{verdict}{why} [{}{of}, {} calls{calls}]",
                    own.usd,
                    text::thousands(own.calls)
                );
                (
                    line,
                    json!({ "run": run.run, "status": loaded.summary.status, "summary": loaded.summary }),
                )
            }
        };
        let line = format!("{}: {}", visible_line(&run.run), visible_line(&line));
        let width = screen.width().clamp(40, 100) - 4;
        lines.push(format!("  {}", text::lines(&line, width).join("\n    ")));
        let mut value = value;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("task".to_owned(), json!(run.task));
            fields.insert("given".to_owned(), crate::run::in_dollars(&given(state))?);
        }
        values.push(value);
        runs.push((run.run.clone(), begun));
    }
    let is_done = night.runs().iter().all(|state| matches!(state, RunState::Ended(_)));
    let status = match (is_done, is_running) {
        (true, _) => Status::Finished,
        (false, true) => Status::Running,
        (false, false) => Status::Interrupted,
    };
    let word = serde_json::to_value(status)?;
    let of = |cap: Option<String>| cap.map_or_else(String::new, |cap| format!(" of {cap}"));
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", visible_line(&file.night), word.as_str().unwrap_or("?"));
    let _ = writeln!(
        out,
        "  spent by all: {}{}, {} calls{}, {}",
        spent.usd,
        of(night.caps().usd.map(|usd: Usd| usd.to_string())),
        text::thousands(spent.calls),
        of(night.caps().calls.map(text::thousands)),
        text::duration(spent.running),
    );
    out.push_str(&lines.join("\n"));
    if status == Status::Interrupted {
        let place = visible_line(&night.dir().path().display().to_string());
        let _ = write!(out, "\n  resume: promptsearch resume {place}");
    }
    let mut value = json!({
        "schema": 1, "night": file.night, "status": status, "caps": crate::run::in_dollars(&night.caps())?,
        "spent": { "usd": spent.usd.dollars(), "calls": spent.calls, "seconds": spent.running.as_secs_f64() },
        "runs": values,
    });
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
        let _ = write!(out, "\n\n{}", migration_page::page(found));
    }
    Ok(Shown { page: out, value, runs, found })
}

fn given(state: &RunState) -> Option<Caps> {
    match state {
        RunState::Given(caps) => Some(*caps),
        RunState::Waiting | RunState::Ended(_) => None,
    }
}

/// The run of a night that is running now, if one is.
pub(super) fn running(dir: &RunDir) -> Result<Option<RunDir>, CliError> {
    let night = Night::read(dir)?;
    let dirs = (0..night.file().runs.len()).map(|number| RunDir::at(night.run_dir(number)));
    Ok(dirs.into_iter().find(RunDir::is_running))
}

/// A line for each night of a folder.
pub(super) fn lines(out: &Path) -> Vec<String> {
    let line = |dir: &RunDir| {
        let night = Night::read(dir).ok()?;
        let is_done = night.runs().iter().all(|state| matches!(state, RunState::Ended(_)));
        let status = match (is_done, dir.is_running()) {
            (true, _) => "finished",
            (false, true) => "running",
            (false, false) => "interrupted",
        };
        let line = format!("{} {}: {status} ({})", night.noun(), dir.name(), night.run_names());
        Some(visible_line(&line))
    };
    Night::list(out).iter().filter_map(line).collect()
}

/// Where a night of this name is.
pub(super) fn find(out: &Path, asked: &str) -> Option<RunDir> {
    Night::find(out, asked)
}
