//! `run` and `resume`.

use super::args::{ResumeArgs, RunArgs, StrategyArgs};
use super::comparison;
use super::earlier::{self, Earlier};
use super::error::{CliError, Kind};
use super::gate::Gate;
use super::resources;
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::Outcome;
use crate::event::StopReason;
use crate::ledger::Wallet;
use crate::recipe::Recipe;
use crate::report::{self, Report};
use crate::run::{
    self, Access, Judged, LoadedRun, OpenBatch, Run, RunDir, RunDirError, RunError, RunKind,
    Settings,
};
use crate::seed::Seed;
use crate::task::Task;
use crate::task::model::Provider;
use crate::text;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A task that can be run, and what the run needs.
pub(super) struct Prepared {
    pub(super) task: Task,
    pub(super) recipe: Recipe,
    pub(super) caps: Caps,
    pub(super) access: Access,
    /// What a person should know before it begins.
    pub(super) warnings: Vec<String>,
    /// What of the recipe the task has no use for.
    left_out: Vec<String>,
}

/// What a search is started with, whoever starts it.
#[derive(Clone, Copy)]
pub(super) struct SearchSettings<'a> {
    pub(super) strategy: &'a StrategyArgs,
    /// Maximum number of concurrent requests.
    pub(super) concurrency: Option<usize>,
    /// The results folder.
    pub(super) out: &'a Path,
    /// Whether paid models may be asked where only time is capped.
    pub(super) consents: bool,
    /// Whether the judge must be certified against people.
    pub(super) requires_certified: bool,
}

impl<'a> From<&'a RunArgs> for SearchSettings<'a> {
    fn from(args: &'a RunArgs) -> Self {
        Self {
            strategy: &args.strategy,
            concurrency: args.concurrency,
            out: &args.out.out,
            consents: args.yes,
            requires_certified: args.require_certified,
        }
    }
}

/// Checks all that can be checked before anything is created.
pub(super) fn prepare(
    task: Task,
    asked: SearchSettings<'_>,
    caps: impl FnOnce(&Task) -> Result<Caps, CliError>,
) -> Result<Prepared, CliError> {
    let caps = caps(&task)?;
    if asked.requires_certified {
        check_certified(&task)?;
    }
    run::check_searched_parts(&task)?;
    let (recipe, left_out) =
        settings::recipe_for(&task, &asked.strategy.strategy, &asked.strategy.sets)?;
    let is_asked = |role| RunKind::Search.asks(&task, &recipe, role);
    settings::check_consent(&task, caps, is_asked, asked.consents)?;
    run::check_mutator(&recipe, &task)?;
    if caps.usd.is_some() {
        task.check_prices(is_asked)?;
    }
    run::check_first_block(&task, &recipe, caps)?;
    resources::check(resources::connections(&task, asked.concurrency))?;
    let access = settings::access(&task, is_asked, asked.concurrency)?;
    run::check_models(&task, &access, is_asked)?;
    settings::check_programs(&task)?;
    settings::check_operators(&recipe, &task)?;
    let of_recipe = super::plan::temperature_warnings(&task, &recipe);
    let of_caps = run::no_cap_binds(&task, caps, is_asked).map(str::to_owned);
    let (_, next) = super::plan::next_look(asked.out, &task)?;
    let warnings = super::plan::warnings(&task, next).into_iter().chain(of_recipe).chain(of_caps);
    let warnings = warnings.collect();
    Ok(Prepared { task, recipe, caps, access, warnings, left_out })
}

/// Checks that the judge of a task, if it has one, is certified.
pub(super) fn check_certified(task: &Task) -> Result<(), CliError> {
    let Some(caveat) = Judged::of(task).and_then(|judge| judge.caveat()) else { return Ok(()) };
    Err(CliError::new(Kind::Gate, format!("the answers of `{}` are {caveat}", task.name))
        .hint("compare the judge with people: `promptsearch judge certify TASK --labels FILE`"))
}

/// Starts a run.
pub(super) fn run(task: &Path, args: &RunArgs, screen: &Screen) -> Result<(), CliError> {
    let clock = Clock::System;
    let name = args.name.as_deref().map(checked_name).transpose()?;
    let caps = |task: &Task| settings::caps(task, &args.caps, &clock);
    let prepared = prepare(Task::load(task)?, args.into(), caps)?;
    let Prepared { task, recipe, caps, access, warnings, left_out } = prepared;
    warnings.iter().for_each(|warning| screen.warn(warning));
    let tasks = [task];
    let Earlier { reuse, warm } = earlier::of_tasks(args, &tasks, screen)?.remove(0);
    let [task] = tasks;
    let frozen = run::frozen(&recipe, &task, caps, args.concurrency, Path::new("run.json"))?;
    let width = frozen.slots.schedule.width();
    let (seed, caps, concurrency) = (args.seed.map(Seed), Some(caps), args.concurrency);
    let settings = Settings { seed, caps, concurrency, reuse, warm, night: None };
    let now = clock.now().to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
    let usual = format!("{}-{}-{now}", task.name, recipe.name);
    let task = Arc::new(task);
    let mut attempt = 1;
    let (run, dir) = loop {
        let dir = args.out.out.join(match (name, attempt) {
            (Some(name), _) => name.to_owned(),
            (None, 1) => usual.clone(),
            (None, attempt) => format!("{usual}-{attempt}"),
        });
        match Run::create(Arc::clone(&task), &recipe, settings.clone(), &dir) {
            // Two runs that start within a second have the same usual name.
            Err(RunError::Dir(RunDirError::Exists(_) | RunDirError::InUse { .. }))
                if name.is_none() && attempt < MAX_NAMES =>
            {
                attempt += 1;
            }
            created => break (created?.with_access(access), RunDir::at(dir)),
        }
    };
    tell_start(args.seed.is_some(), &run, screen);
    super::log::to_file_of(&dir);
    for line in &left_out {
        tracing::info!("{line}");
    }
    if args.detach {
        drop(run);
        let flags = DetachFlags { concurrency: args.concurrency, ..Default::default() };
        return detach(&dir, flags, "run", screen);
    }
    let width = width.filter(|width| *width > 1);
    let width = width.map(|width| format!(", {width} children bred side by side"));
    let width = width.unwrap_or_default();
    screen.note(&format!("run {} in {}{width}", dir.name(), dir.path().display()));
    search(run, &dir, args.require_improvement, screen)
}

/// Says which seed a new run has, where none was asked for, and where it starts from.
pub(super) fn tell_start(has_own_seed: bool, run: &Run, screen: &Screen) {
    if !has_own_seed {
        let seed = run.file().seed.0;
        screen.note(&format!("seed {seed}: the smallest that no run of this task has"));
    }
    if let Some(warm) = &run.file().warm {
        let prompts = text::plural(warm.candidates.len(), "prompt");
        screen.note(&format!("it starts from {prompts} of {}", warm.run));
    }
}

/// Names of runs that start within one second.
const MAX_NAMES: u32 = 1_000;

pub(super) fn checked_name(name: &str) -> Result<&str, CliError> {
    let is_good = !name.is_empty()
        && !name.starts_with('.')
        && name != "latest"
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if is_good {
        return Ok(name);
    }
    Err(CliError::usage(format!("`{name}` is not a valid run name"))
        .hint("use letters, digits, `-`, `_` and `.`"))
}

/// Resumes a run.
pub(super) fn resume(args: &ResumeArgs, screen: &Screen) -> Result<(), CliError> {
    let dir = RunDir::find(&args.run.out.out, &args.run.run)?;
    resources::check(args.concurrency.unwrap_or(Provider::DEFAULT_CONCURRENCY))?;
    super::log::to_file_of(&dir);
    let mut run = Run::open(&dir)?;
    // What its night has passed on to other runs is not asked for again.
    let own = super::night_budget::within(&dir, run.caps())?;
    let caps = settings::raised_caps(own, run.running()?, &args.caps, &Clock::System)?;
    let went_on = run.is_over() && caps.is_some();
    if let Some(caps) = caps {
        run.reopen(caps)?;
    }
    if run.is_over() {
        // It makes no more calls, so no key is needed. The journal decides: all else is written again.
        for repair in run.repairs() {
            screen.warn(repair);
        }
        drop(run);
        let run = written_again(&dir)?;
        return show_end(run, args.require_improvement, screen);
    }
    for change in run.provider_changes().iter().filter(|_| args.accept_changed_provider) {
        screen.warn(&format!("accepted: {change}"));
    }
    if args.accept_changed_provider {
        run.accept_provider_changes()?;
    }
    for key in run.without_effect() {
        screen.warn(&key.without_help());
    }
    run.check_providers()?;
    let mut access = settings::access(run.task(), |role| run.asks(role), args.concurrency)?;
    if let Some(caps) = caps {
        super::night_budget::allow(&dir, caps)?;
        run.set_caps(caps)?;
    }
    access.abandons_batches = args.abandon_batches;
    if args.detach {
        // The caps and the consent are in its journal.
        drop(run);
        let flags = DetachFlags {
            concurrency: args.concurrency,
            abandons_batches: args.abandon_batches,
            ..Default::default()
        };
        return detach(&dir, flags, "run", screen);
    }
    screen.note(&match went_on {
        true => format!("{} was finished, and goes on", dir.name()),
        false => format!("resuming {}", dir.name()),
    });
    search(run.with_access(access), &dir, args.require_improvement, screen)
}

/// Runs the search to its end and prints the result.
fn search(run: Run, dir: &RunDir, requires: bool, screen: &Screen) -> Result<(), CliError> {
    let run = searched(run, dir, requires, screen)?;
    let bills = check_bills(&run);
    // What a cap was passed by is told in place of what a gate found.
    show_end(run, requires && bills.is_ok(), screen)?;
    bills
}

/// Checks that no bill passed a cap.
pub(super) fn check_bills(run: &LoadedRun) -> Result<(), CliError> {
    match wallet(run).passed_cap() {
        Some(why) => Err(CliError::new(Kind::Refused, why)
            .hint("the provider bills more than `max_output_tokens`: raise it, or the cap")),
        None => Ok(()),
    }
}

/// The run after its search, if that came to its end. `requires`: an improvement is required.
pub(super) fn searched(
    mut run: Run,
    dir: &RunDir,
    requires: bool,
    screen: &Screen,
) -> Result<LoadedRun, CliError> {
    let outcome = super::session::search(&mut run, screen)?.outcome;
    drop(run);
    let run = written_again(dir)?;
    let mut again = resume_command(&run);
    again.push_str(if requires { REQUIRES } else { "" });
    let open = OpenBatch::in_words(&run.summary.open_batches);
    let open = open.map_or_else(String::new, |words| format!("; {words}"));
    match outcome {
        Outcome::Finished => {
            super::night_budget::settle(&run);
            Ok(run)
        }
        Outcome::Interrupted => {
            if screen.json {
                screen.show(&serde_json::to_value(&run.summary)?, "")?;
            }
            Err(CliError::new(Kind::Interrupted, format!("interrupted; no answer is lost{open}"))
                .hint(format!("resume with: {again}")))
        }
        Outcome::BrokenScorer(why) => {
            Err(CliError::new(Kind::Invalid, why)
                .hint(format!("fix the program, then run: {again}")))
        }
        Outcome::Trouble { reason, why, remedy } => {
            let text = report::end_of_run(&Report::from(&run), screen.colour(), screen.width());
            screen.show(&serde_json::to_value(&run.summary)?, &text)?;
            let cap = match reason {
                StopReason::OverBudget => wallet(&run).nearest_cap(),
                reason => Some(reason),
            };
            let again = match cap {
                Some(StopReason::BudgetUsd) => format!("{again} --max-usd X"),
                Some(StopReason::BudgetTokens) => format!("{again} --max-tokens N"),
                _ => again,
            };
            let hints = match remedy {
                Some(remedy) => remedy.in_words(&again),
                None => vec![format!("fix this, then run: {again}")],
            };
            let error = CliError::new(Kind::Refused, why + &open);
            Err(hints.into_iter().fold(error, CliError::hint))
        }
    }
}

/// The run, after everything that follows from its journal was written again.
pub(super) fn written_again(dir: &RunDir) -> Result<LoadedRun, CliError> {
    let run = Run::read(dir)?;
    run.summary.write(dir)?;
    dir.write("report.html", report::html_of_run(&run, true).as_bytes())?;
    Ok(run)
}

/// The flag by which a resume is a gate, too.
pub(super) const REQUIRES: &str = " --require-improvement";

/// Prints the result of a finished run, and holds it to an improvement where one is required.
fn show_end(run: LoadedRun, requires: bool, screen: &Screen) -> Result<(), CliError> {
    if let RunKind::Comparison { .. } = run.file.kind {
        return comparison::show(&run, &[], comparison::LISTED, screen);
    }
    let runs = [run];
    let gate = if requires { Some(Gate::improvement(&runs)?) } else { None };
    let [run] = &runs;
    let mut text = report::end_of_run(&Report::from(run), screen.colour(), screen.width());
    let mut value = serde_json::to_value(&run.summary)?;
    if let (Some(gate), Some(fields)) = (&gate, value.as_object_mut()) {
        fields.insert("gate".to_owned(), serde_json::to_value(gate)?);
    }
    if gate.as_ref().is_some_and(|gate| gate.check().is_ok()) {
        text = format!("{}\ngate passed", text.trim_end());
    }
    screen.show(&value, &text)?;
    gate.map_or(Ok(()), |gate| gate.check())
}

/// The run's wallet with its caps.
fn wallet(run: &LoadedRun) -> Wallet {
    let mut wallet = run.history.wallet.clone();
    wallet.set_caps(run.caps());
    wallet
}

fn resume_command(run: &LoadedRun) -> String {
    let out = run.dir.path().parent().unwrap_or(Path::new("results"));
    let mut command = format!("promptsearch resume {}", run.file.run);
    if out != Path::new("results") {
        let _ = write!(command, " --out {}", out.display());
    }
    let caps = run.caps();
    let is_late = caps.wall.is_some_and(|wall| wall <= run.history.running())
        || caps.deadline.is_some_and(|deadline| deadline <= Clock::System.now());
    if is_late {
        command.push_str(" --for DURATION");
    }
    command
}

/// How long a background process may take to begin.
const UNTIL_BEGUN: Duration = Duration::from_secs(5);

/// What a resume in the background is given beside the folder.
#[derive(Clone, Copy, Default)]
pub(super) struct DetachFlags {
    pub(super) concurrency: Option<usize>,
    pub(super) accepts_changed_provider: bool,
    pub(super) abandons_batches: bool,
}

/// Starts this program again as a background process that resumes the run, or the night.
pub(super) fn detach(
    dir: &RunDir,
    flags: DetachFlags,
    what: &str,
    screen: &Screen,
) -> Result<(), CliError> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe()?;
    let log = std::fs::File::create(dir.file("detached.log"))?;
    let mut command = Command::new(program);
    command.arg("resume").arg(dir.path()).arg("--quiet");
    let DetachFlags { concurrency, accepts_changed_provider, abandons_batches } = flags;
    command.args(accepts_changed_provider.then_some("--accept-changed-provider"));
    command.args(abandons_batches.then_some("--abandon-batches"));
    if let Some(concurrency) = concurrency {
        command.arg("--concurrency").arg(concurrency.to_string());
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // In a process group of its own it does not receive the terminal's hangup or Ctrl-C.
        .process_group(0)
        .spawn()?;
    // `status`, `watch` and `ctl` find it running from here on, unless it has ended.
    let began = Instant::now();
    while !dir.is_running() && child.try_wait()?.is_none() && began.elapsed() < UNTIL_BEGUN {
        std::thread::sleep(Duration::from_millis(20));
    }
    let value = serde_json::json!({
        what: dir.name(), "process": child.id(), "folder": dir.path(),
    });
    let text = format!(
        "{what} {} continues in the background as process {}\n  status: promptsearch status {}\n  log:    {}",
        dir.name(),
        child.id(),
        dir.path().display(),
        dir.file("detached.log").display()
    );
    screen.show(&value, &text)
}
