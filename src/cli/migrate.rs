//! `migrate`: one prompt, other models. It is a night, whose first run measures the bar.

use super::args::MigrateArgs;
use super::error::CliError;
use super::eval;
use super::night;
use super::run::{self, Prepared, SearchSettings};
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::MIN_HOLD_ROWS;
use crate::looks::Looks;
use crate::night::{Migration, NightFile, NightRun, RunState, free_name, of_model, share};
use crate::report::money;
use crate::run::{
    self as runs, KnownUsage, NIGHT_FILE, RunDir, RunDirError, RunError, WarmStart,
    check_simulated, free_seed,
};
use crate::seed::Seed;
use crate::stats::power::USUAL_DISCORDANCE;
use crate::stats::{Level, rows_for_margin, smallest_margin};
use crate::task::example::Split;
use crate::task::goal::Aim;
use crate::task::model::{ModelName, ModelRole};
use crate::task::{Task, TaskFiles, TaskSource};
use crate::text::{did_you_mean, plural, thousands};
use crate::units::Usd;
use jiff::tz::TimeZone;

/// Starts a migration. Nothing is created before all of its runs can begin.
pub(super) fn migrate(args: &MigrateArgs, screen: &Screen) -> Result<(), CliError> {
    let clock = Clock::System;
    let now = clock.now();
    let task = Task::load(&args.task)?;
    if args.require_certified {
        run::check_certified(&task)?;
    }
    let caps = settings::caps(&task, &args.caps, &clock)?;
    if caps.is_empty() {
        return Err(CliError::usage("a migration needs a budget for all of its runs")
            .hint("give what they may spend together, such as `--max-usd 10`, `--max-calls 5000` or `--for 8h`"));
    }
    let task = match &args.prompt {
        None => task,
        Some(file) => eval::with_prompt(&task, &args.task, file)?,
    };
    let (TaskSource::Files(files), data) = task.absolute()? else {
        return Err(CliError::unexpected("the task has no file"));
    };
    let from = match &args.from {
        Some(from) => model(from, "--from")?,
        None => task.task_model().name.clone(),
    };
    let to: Vec<ModelName> =
        args.to.iter().map(|to| model(to, "--to")).collect::<Result<_, _>>()?;
    if let Some(twice) = to.iter().enumerate().find(|(place, it)| to[..*place].contains(it)) {
        return Err(CliError::usage(format!("`--to {}` is given twice", twice.1)));
    }
    let bar = fitting(&files, &from, "--from")?;
    let rows = bar.splits.hold.len();
    if rows == 0 {
        return Err(CliError::invalid(
            "the task has no held-out rows, which the models are compared on",
        )
        .hint("add rows, or give `hold` a share in `data.split`"));
    }
    let name = match &args.name {
        Some(name) => run::checked_name(name)?.to_owned(),
        None => format!(
            "migrate-{}-{}",
            task.name,
            now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S")
        ),
    };
    let out = &args.out.out;
    if out.join(&name).join(NIGHT_FILE).exists() {
        return Err(CliError::usage(format!("the migration `{name}` already exists")).hint(
            format!("`promptsearch resume {name}` resumes it, or give this one another `--name`"),
        ));
    }
    let warm = match &args.warm {
        Some(asked) => Some(std::path::absolute(RunDir::find(out, asked)?.path())?),
        None => None,
    };
    let bar_caps = Caps { proposals: None, ..caps };
    eval::checked(&bar, Some(Split::Hold), bar_caps, args.concurrency, args.yes)
        .map_err(|error| likely(&bar).into_iter().fold(error, CliError::hint))?;
    let bar_usd = usd_of(&bar, rows);
    // What the bar leaves is shared; how much that is, is known when it is measured.
    let left = Caps {
        calls: caps.calls.map(|calls| calls.saturating_sub(rows as u64)),
        usd: caps.usd.map(|usd| {
            let bar = bar_usd.and_then(Usd::from_dollars).unwrap_or_default();
            Usd::from_nanos(usd.nanos().saturating_sub(bar.nanos()))
        }),
        ..caps
    };
    let Some(given) = share(left, &vec![RunState::Waiting; to.len()], 0, now) else {
        return Err(CliError::usage(format!(
            "the budget is too small: the bar alone asks {}",
            plural(rows, "held-out row")
        ))
        .hint("give more, or fewer models; `promptsearch plan TASK` shows what a search needs"));
    };
    let search = SearchSettings {
        strategy: &args.strategy,
        concurrency: args.concurrency,
        out,
        consents: args.yes,
        requires_certified: false,
    };
    let mut names = vec![NightRun::new(files.file.clone(), format!("{name}-bar"))];
    let (mut lines, mut start) = (Vec::new(), None);
    for (place, target) in to.iter().enumerate() {
        let task = fitting(&files, target, "--to")?;
        if let Some(folder) = &warm {
            let warm = WarmStart::from(&RunDir::at(folder), &task)?;
            warm.looks_elsewhere(out)?;
            start = Some(warm);
        }
        let hint = likely(&task);
        let prepared = run::prepare(task, search, |_| Ok(given))
            .map_err(|error| hint.into_iter().fold(error, CliError::hint))?;
        if place == 0 {
            prepared.warnings.iter().for_each(|warning| screen.warn(warning));
        }
        lines.push(planned(target, &prepared, given));
        let slug: String = target.to_string().chars().map(plain).collect();
        let own = free_name(format!("{name}-{slug}"), &names);
        names.push(NightRun { warm: warm.clone(), ..NightRun::new(files.file.clone(), own) });
    }
    for run in &names {
        if out.join(&run.run).exists() {
            return Err(RunError::from(RunDirError::Exists(run.run.clone())).into());
        }
    }
    if matches!(task.goal.aim, Aim::Least { .. }) {
        screen.warn(&format!(
            "the task's goal `{}` speaks of a baseline on one model: each search is for `max quality`",
            task.goal
        ));
    }
    tell_power(args, &bar, to.len(), screen)?;
    screen.note(&format!(
        "bar: {from} with the prompt in force, {}{}",
        plural(rows, "held-out row"),
        bar_usd.map_or_else(String::new, |usd| format!(", about {}", money(usd)))
    ));
    lines.iter().for_each(|line| screen.note(line));
    let seed = match args.seed {
        Some(seed) => Seed(seed),
        None => free_seed(out, &task)?,
    };
    if let Some(start) = start {
        // The migration's look comes after those that chose these prompts.
        start.bring_looks(&bar, out)?;
    }
    let file = NightFile {
        schema: crate::night::SCHEMA,
        night: name,
        created: now,
        caps,
        runs: names,
        strategy: args.strategy.strategy.clone(),
        sets: args.strategy.sets.clone(),
        seed: Some(seed),
        concurrency: args.concurrency,
        migration: Some(Migration { from, to, margin: args.margin, files, data }),
    };
    night::start(file, out, (args.detach, false), screen)
}

/// A model as the task file writes it.
fn model(text: &str, flag: &str) -> Result<ModelName, CliError> {
    ModelName::parse(text).map_err(|why| CliError::usage(format!("`{flag}`: {why}")))
}

/// The task with this model for its rows. What does not fit is a mistake of the flag, not of the file.
fn fitting(files: &TaskFiles, model: &ModelName, flag: &str) -> Result<Task, CliError> {
    let checked = || {
        let task = of_model(files, model)?;
        check_simulated(&task, |role| role == ModelRole::Task)?;
        Ok(task)
    };
    checked().map_err(|error: crate::source::SourceError| {
        let shown = CliError::usage(format!("`{flag} {model}`: {}", error.message));
        error.help.into_iter().fold(shown, CliError::hint)
    })
}

/// The model that may be meant where a model has no price.
fn likely(task: &Task) -> Option<String> {
    let model = task.task_model();
    let provider = task.providers().get(model.name.provider())?;
    let known = provider.models_with_prices();
    let meant = did_you_mean(model.name.model(), known.iter().map(String::as_str))?;
    let is_known = model.price.is_some() || meant == model.name.model();
    (!is_known).then(|| format!("did you mean `{}/{meant}`?", model.name.provider()))
}

/// What these rows of the task's own prompt are expected to cost, in dollars; `None` where the price is not known.
fn usd_of(task: &Task, rows: usize) -> Option<f64> {
    let price = task.task_model().price?;
    Some(price.of(runs::usage_of_row(task)).dollars() * rows as f64)
}

/// What a search is expected to do with its share.
fn planned(model: &ModelName, prepared: &Prepared, given: Caps) -> String {
    let estimate = runs::estimate(&prepared.task, &prepared.recipe, given, &KnownUsage::default());
    let calls = estimate.calls().map(|calls| format!("about {} calls", thousands(calls)));
    let usd = estimate.usd.map(|usd| format!("about {}", money(usd)));
    let share = match (given.usd, given.calls) {
        (Some(usd), _) => format!(" of its share of {usd}"),
        (None, Some(calls)) => format!(" of its share of {} calls", thousands(calls)),
        (None, None) => String::new(),
    };
    let words: Vec<String> = [calls, usd].into_iter().flatten().collect();
    format!("{model}: {}{share}", words.join(", "))
}

/// Says before anything is paid for that these rows cannot show the margin, if so.
fn tell_power(
    args: &MigrateArgs,
    bar: &Task,
    models: usize,
    screen: &Screen,
) -> Result<(), CliError> {
    let hashes: Vec<_> = bar.splits.held_out_hashes().collect();
    let earlier = Looks::of_folder(&args.out.out).earlier(&hashes)?.most;
    // Each with its winner, and with the prompt in force; and savings have as much of the level.
    let level = Level::of_look(earlier.saturating_add(1)).shared_by(2 * 2 * models);
    let (rows, shown) =
        (hashes.len(), smallest_margin(level.first_look_rows(hashes.len()), USUAL_DISCORDANCE));
    if rows >= MIN_HOLD_ROWS && args.margin >= shown {
        return Ok(());
    }
    let needed = if args.margin > 0.0 {
        let first = rows_for_margin(args.margin, USUAL_DISCORDANCE);
        let rows = (first as f64 * level.sample_size_ratio()).ceil() as u64;
        format!("; {} needs about {} rows", bar.score_form().size(args.margin), thousands(rows))
    } else {
        String::new()
    };
    screen.warn(&format!(
        "{} show parity within {} or more (as look {} for {}, each with a new prompt and with the one in force, where a fifth of the rows differ, in 80 % of cases){needed}",
        plural(rows, "held-out row"),
        bar.score_form().size(shown.min(1.0)),
        level.look,
        plural(models, "model"),
    ));
    Ok(())
}

/// A character of a file's name.
fn plain(character: char) -> char {
    match character {
        c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
        _ => '-',
    }
}
