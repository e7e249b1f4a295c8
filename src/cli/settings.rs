//! The settings of a run: caps from task and command line, keys from the environment, and checks
//! that run before anything is created.

use super::args::{CapArgs, SpendingArgs};
use super::error::{CliError, Kind};
use crate::caps::Caps;
use crate::clock::Clock;
use crate::evaluate;
use crate::provider::key;
use crate::recipe::{self, Recipe, RecipeError};
use crate::run::{self, Access, RunError};
use crate::source::SourceError;
use crate::task::Task;
use crate::task::model::ModelRole;
use crate::task::scorer::ScorerProgram;
use crate::text;
use crate::units::Tokens;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The caps that flags name.
pub(super) fn flag_caps(args: &CapArgs, clock: &Clock) -> Result<Caps, CliError> {
    let mut caps = with_spending(Caps::default(), &args.spending)?;
    if let Some(wall) = &args.wall {
        caps.wall = Some(text::parse_time_limit(wall).map_err(CliError::usage)?);
    }
    if let Some(until) = &args.until {
        caps.deadline = Some(moment(until, clock)?);
    }
    Ok(caps)
}

/// A flag replaces the task's cap of the same unit; the other caps stay.
pub(super) fn caps(task: &Task, args: &CapArgs, clock: &Clock) -> Result<Caps, CliError> {
    Ok(flag_caps(args, clock)?.over(task.caps))
}

/// The caps of a run that was running for `ran`, with those that a flag names replaced; `None` where no
/// flag changes any. A time that a flag gives takes the place of all that were given before.
pub(super) fn raised_caps(
    before: Caps,
    ran: Duration,
    args: &CapArgs,
    clock: &Clock,
) -> Result<Option<Caps>, CliError> {
    let mut caps = with_spending(before, &args.spending)?;
    if args.wall.is_some() || args.until.is_some() {
        (caps.wall, caps.deadline) = (None, None);
    }
    if let Some(wall) = &args.wall {
        let more = text::parse_time_limit(wall).map_err(CliError::usage)?;
        caps.wall = Some(ran.saturating_add(more));
    }
    if let Some(until) = &args.until {
        caps.deadline = Some(moment(until, clock)?);
    }
    Ok((caps != before).then_some(caps))
}

/// The caps with those on spending that a flag names replaced.
pub(super) fn with_spending(mut caps: Caps, args: &SpendingArgs) -> Result<Caps, CliError> {
    for (flag, value) in [
        ("--max-calls", args.max_calls),
        ("--max-tokens", args.max_tokens),
        ("--max-proposals", args.max_proposals),
    ] {
        if value == Some(0) && flag != "--max-proposals" {
            return Err(CliError::usage(format!("`{flag}` must be at least 1")));
        }
    }
    caps.usd = args.max_usd.or(caps.usd);
    caps.calls = args.max_calls.or(caps.calls);
    caps.tokens = args.max_tokens.map(Tokens).or(caps.tokens);
    caps.proposals = args.max_proposals.or(caps.proposals);
    Ok(caps)
}

/// Reads a time of day, which means its next occurrence in local time, or a date with a time.
fn moment(text: &str, clock: &Clock) -> Result<Timestamp, CliError> {
    let wrong = || {
        CliError::usage(format!("`--until {text}` is not a time"))
            .hint("write `07:00` or `2026-01-31T07:00`")
    };
    let zone = TimeZone::system();
    let now = clock.now().to_zoned(zone.clone());
    // A date with a time also reads as a time alone.
    let has_date = text.contains('-');
    if let Some(time) = text.parse::<civil::Time>().ok().filter(|_| !has_date) {
        let today = now.date().to_datetime(time).to_zoned(zone.clone()).map_err(|_| wrong())?;
        let then = if today > now {
            today
        } else {
            let tomorrow = now.date().tomorrow().map_err(|_| wrong())?;
            tomorrow.to_datetime(time).to_zoned(zone).map_err(|_| wrong())?
        };
        return Ok(then.timestamp());
    }
    let date: civil::DateTime = text.parse().map_err(|_| wrong())?;
    let then = date.to_zoned(zone).map_err(|_| wrong())?.timestamp();
    if then <= clock.now() {
        return Err(CliError::usage(format!("`--until {text}` is in the past")));
    }
    Ok(then)
}

/// Checks that a run has a cap, before its prices are. With paid models, a cap on time alone needs `--yes`.
pub(super) fn check_consent(
    task: &Task,
    caps: Caps,
    is_asked: impl Fn(ModelRole) -> bool,
    yes: bool,
) -> Result<(), CliError> {
    if caps.is_empty() {
        return Err(RunError::Unlimited.into());
    }
    let binding = run::binding(task, caps, &is_asked);
    if !binding.limits_spending() && run::is_paid(task, &is_asked) && !yes {
        return Err(CliError::usage("only time is capped, but the models cost money")
            .hint("use `--max-usd X`, or `--yes` to accept a cap on time only"));
    }
    // A simulated model that does not exist has no price either.
    run::check_simulated(task, is_asked)?;
    Ok(())
}

/// Checks that the programs of targets and scorers can be started.
pub(super) fn check_programs(task: &Task) -> Result<(), SourceError> {
    for (name, provider) in task.providers() {
        let Some(program) = provider.command.first() else { continue };
        if !is_there(program, &task.folder()) {
            let message = format!(
                "the program `{program}` of provider `{name}` does not exist or is not executable"
            );
            return Err(task.mistake(&["providers", name, "command"], message).help(
                "name a program in PATH, or give a path relative to the task's folder, such as `./agent.py`",
            ));
        }
    }
    for (place, scorer) in task.scorers.scorers().iter().enumerate() {
        let Some(spec) = scorer.program() else { continue };
        let program = spec.argv().first().map_or("", String::as_str);
        if !is_there(program, &task.folder()) {
            let message =
                format!("the scorer's program `{program}` does not exist or is not executable");
            return Err(task.mistake(&["score", &place.to_string(), "command"], message).help(
                "name a program in PATH, or give a path relative to the task's folder, such as \
                     `./score.py`",
            ));
        }
        let ScorerProgram::Code(spec) = spec else { continue };
        let environment: Vec<_> = std::env::vars_os().collect();
        if let Err(message) = evaluate::check_sandbox(spec, task, &environment) {
            let message = format!("programs of answers cannot be run in a sandbox: {message}");
            return Err(task.mistake(&["score", &place.to_string(), "kind"], message).help(
                "it needs Linux with util-linux and user namespaces; else let `command` shut them in, such as \
                     `docker run -i --rm --network=none python:3 python3 -`, and set `sandbox = false`",
            ));
        }
    }
    Ok(())
}

/// Checks that the operators' programs can be started.
pub(super) fn check_operators(recipe: &Recipe, task: &Task) -> Result<(), CliError> {
    for operator in recipe.phases().iter().flat_map(|slots| &slots.operator) {
        let Some(asked) = operator.program() else { continue };
        let program = asked.command.first().map_or("", String::as_str);
        let folder = if asked.dir.is_empty() { task.folder() } else { asked.dir.into() };
        if !is_there(program, &folder) {
            return Err(CliError::invalid(format!(
                "the operator's program `{program}` does not exist or is not executable"
            ))
            .hint(format!(
                "name a program in PATH, or give a path relative to {}, such as `./operator.py`",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// Whether a program can be started from a folder.
pub(super) fn is_there(program: &str, folder: &Path) -> bool {
    if program.contains('/') {
        return can_run(&folder.join(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| can_run(&folder.join(program)))
}

fn can_run(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Loads a recipe. A mistake in a `--set` is reported for that `--set`, not for the file.
pub(super) fn recipe(name: &str, sets: &[String]) -> Result<Recipe, CliError> {
    let whole = recipe::load(name, sets);
    let Err(RecipeError::Source(error)) = &whole else { return Ok(whole?) };
    if recipe::load(name, &[]).is_err() {
        return Ok(whole?);
    }
    // A `--set` may be wrong only in combination with others, so they are added one by one.
    let first = (1..=sets.len()).find(|count| recipe::load(name, &sets[..*count]).is_err());
    let set = first.and_then(|count| sets.get(count - 1)).map_or("", String::as_str);
    let shown = CliError::usage(format!("`--set {set}`: {}", error.message));
    Err(match &error.help {
        Some(help) => shown.hint(help),
        None => shown.hint(format!("`promptsearch strategies {name}` shows all keys and values")),
    })
}

/// The recipe as the task can use it, and notes on what was left out. Mistakes are reported here,
/// before anything is created.
pub(super) fn recipe_for(
    task: &Task,
    name: &str,
    sets: &[String],
) -> Result<(Recipe, Vec<String>), CliError> {
    Ok(run::fitted(&recipe(name, sets)?, task)?)
}

/// What a run needs from the environment: the keys of its task's providers, and what its programs
/// may see. Looked up before anything is created. A provider of models that are not asked needs no key.
pub(super) fn access(
    task: &Task,
    is_asked: impl Fn(ModelRole) -> bool,
    concurrency: Option<usize>,
) -> Result<Access, CliError> {
    let (access, keyless) = access_in_part(task, concurrency);
    let asked = task.models().filter(|(role, _)| is_asked(*role));
    let asked: BTreeSet<&str> = asked.map(|(_, model)| model.name.provider()).collect();
    match keyless.into_iter().find(|(name, _)| asked.contains(name.as_str())) {
        Some((_, why)) => Err(CliError::new(Kind::Invalid, why)),
        None => Ok(access),
    }
}

/// The same without the keys that are not there; with it, why they are not, by provider.
pub(super) fn access_in_part(
    task: &Task,
    concurrency: Option<usize>,
) -> (Access, BTreeMap<String, String>) {
    #[expect(clippy::disallowed_methods, reason = "only cli reads the environment")]
    let variable = |name: &str| std::env::var(name).ok();
    let mut access = Access { concurrency, ..Access::default() };
    let mut keyless = BTreeMap::new();
    access.environment = std::env::vars_os().collect();
    access.limits = limits_folder(&variable);
    for (name, provider) in task.providers() {
        let is_unset = |listed: &&String| std::env::var_os(listed).is_none();
        if let Some(unset) = provider.env.iter().find(is_unset) {
            let why = format!("the variable `{unset}` in `env` of provider `{name}` is not set");
            keyless.insert(name.clone(), why);
        }
        let Some(source) = &provider.api_key else { continue };
        match key::resolve(source, &variable) {
            Ok(key) => drop(access.keys.insert(name.clone(), key)),
            Err(error) => {
                let why = format!("the key of provider `{name}`: {error}");
                keyless.insert(name.clone(), why);
            }
        }
    }
    (access, keyless)
}

/// Where the runs of this user share the limits of their keys (XDG Base Directory Specification).
fn limits_folder(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(variable("HOME")?).join(".local/state"));
    let folder = state.or_else(home)?.join("promptsearch/limits");
    folder.is_absolute().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_in_until_means_that_date() {
        let clock = Clock::System;
        let error = moment("2020-01-01T07:00", &clock).unwrap_err();
        assert!(error.to_string().contains("is in the past"), "{error}");
        let far = moment("2099-01-31T07:00", &clock).unwrap();
        let zoned = far.to_zoned(TimeZone::system());
        assert_eq!(zoned.date(), civil::date(2099, 1, 31));
        let next = moment("07:00", &clock).unwrap();
        assert!(next > clock.now() && next.duration_since(clock.now()).as_hours() <= 25);
    }
}
