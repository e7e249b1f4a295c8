//! `ab`: prompts on the same rows. Logs of real traffic are read in `online`.

use super::args::{AbArgs, EvalSplit};
use super::comparison;
use super::error::CliError;
use super::eval::{
    begun_or_known, check_split, checked, folder_of, split_of, with_document, with_parts,
};
use super::named_prompt::NamedPrompt;
use super::recorded::{Recorded, check_scorers};
use super::run::{check_bills, check_certified, searched};
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::compare::paired::{
    self, ANSWER, AbTest, Basis, PairedDesign, PairedRow, RowScore, slice_of,
};
use crate::event::{Event, ProposalOutcome};
use crate::id::{CandidateId, CandidateIx};
use crate::journal::{JournalError, read_events};
use crate::looks::Looks;
use crate::prompt::{Prompt, value_text};
use crate::run::{Run, RunDir, RunFile, RunKind, Settings, most_calls_per_answer};
use crate::seed::Seed;
use crate::stats::Level;
use crate::strategy::{Comparison, Contender};
use crate::task::Task;
use crate::task::example::{Example, Split};
use crate::text::{plural, shorten, suggestion};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Compares prompts.
pub(super) fn ab(args: &AbArgs, screen: &Screen) -> Result<(), CliError> {
    let (Some(place), Some(a)) = (&args.task, &args.a) else {
        return Err(CliError::usage("`ab` needs a task, `--a` and `--b`"));
    };
    let names: Vec<String> = std::iter::once(a).chain(&args.b).cloned().collect();
    if let Some((_, twice)) = names.iter().enumerate().find(|(at, it)| names[..*at].contains(it)) {
        return Err(CliError::usage(format!("`{twice}` is named twice")));
    }
    if let Some(margin) = args.margin.filter(|margin| *margin >= 1.0) {
        return Err(CliError::usage(format!("`--margin {margin}`: scores differ by less than 1"))
            .hint("two points are 0.02"));
    }
    let task = Task::load(place)?;
    if args.require_certified {
        check_certified(&task)?;
    }
    check_slices(&task, &args.slice)?;
    match &args.answers {
        Some(file) => recorded(task, (place, file), names, args, screen),
        None => asked(&task, place, names, args, screen),
    }
}

/// Compares answers that were recorded elsewhere.
fn recorded(
    task: Task,
    (place, file): (&Path, &Path),
    names: Vec<String>,
    args: &AbArgs,
    screen: &Screen,
) -> Result<(), CliError> {
    if !settings::flag_caps(&args.caps, &Clock::System)?.is_empty() {
        return Err(CliError::usage("recorded answers cost nothing: `--answers` takes no cap"));
    }
    let split = args.split.unwrap_or(EvalSplit::All);
    check_split(&task, split)?;
    if !args.scored {
        check_scorers(&task)?;
    }
    let split = split_of(split).0;
    let joined = Recorded::open(task, (place, split), file, args.id.as_deref(), screen)?;
    let columns: Vec<Vec<(&Example, &Value)>> =
        names.iter().map(|name| joined.column(name)).collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for (number, (row, _)) in columns[0].iter().enumerate() {
        let mut answers = Vec::new();
        for (name, column) in names.iter().zip(&columns) {
            let value = column[number].1;
            answers.push(Some(match args.scored {
                true => recorded_score(file, name, row, value)?,
                false => scored(&joined.task, row, value),
            }));
        }
        rows.push(PairedRow {
            id: row.id.to_string(),
            weight: row.weight,
            must_pass: row.must_pass,
            expected: value_text(&row.answer).into_owned(),
            slices: args.slice.iter().map(|column| slice_of(row, column)).collect(),
            answers,
        });
    }
    tell_of_scores(&names, &rows, args.scored, screen);
    // Nothing is shown before the look is counted.
    let looks = Looks::of_folder(&args.out.out);
    let look = joined.take_look(&looks, &format!("columns `{}` compared", names.join("`, `")))?;
    let design = PairedDesign {
        score_form: joined.task.score_form(),
        basis: Basis::Fixed,
        names,
        margin: args.margin,
        level: Level::of_look(look),
        seed: Seed(args.seed),
        slices: args.slice.clone(),
        listed: args.rows,
    };
    let test = AbTest::of(&joined.task.name, &design, &rows).map_err(CliError::invalid)?;
    screen.show(&serde_json::to_value(&test)?, &paired::page(&test))
}

/// What the task's scorers say of an answer.
fn scored(task: &Task, row: &Example, value: &Value) -> RowScore {
    let answer = value_text(value);
    let verdict = task.scorers.score(&answer, row);
    let is_invalid = verdict.invalid.is_some();
    RowScore::recorded(verdict.score.value(), Some(answer.into_owned()), is_invalid)
}

/// A score that was recorded in an answer's place.
fn recorded_score(
    file: &Path,
    column: &str,
    row: &Example,
    value: &Value,
) -> Result<RowScore, CliError> {
    let text = value_text(value).trim().to_lowercase();
    let score = match text.as_str() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        number => number.parse().ok().filter(|score| (0.0..=1.0).contains(score)),
    };
    let score = score.ok_or_else(|| {
        let (file, text) = (file.display(), shorten(&text, 40));
        let message = format!("{file}: row `{}` has `{text}` in column `{column}`", row.id);
        CliError::invalid(message)
            .hint("with --scored a column holds numbers from 0 to 1, or true and false")
    })?;
    Ok(RowScore::recorded(score, None, false))
}

fn check_slices(task: &Task, slices: &[String]) -> Result<(), CliError> {
    for column in slices.iter().filter(|column| *column != ANSWER) {
        if !task.visible_rows().iter().any(|row| row.columns.contains_key(column)) {
            let rows = task.visible_rows().into_iter();
            let mut known: BTreeSet<&str> =
                rows.flat_map(|row| row.columns.keys().map(String::as_str)).collect();
            known.insert(ANSWER);
            let known: Vec<&str> = known.into_iter().collect();
            return Err(CliError::invalid(format!("the task's rows have no column `{column}`"))
                .hint(suggestion(column, &known)));
        }
    }
    Ok(())
}

/// Asks the prompts the same rows until it is decided, in a run of its own.
fn asked(
    task: &Task,
    place: &Path,
    names: Vec<String>,
    args: &AbArgs,
    screen: &Screen,
) -> Result<(), CliError> {
    let results = &args.out.out;
    let (mut tasks, mut origin) = (Vec::new(), None);
    for name in &names {
        let (of_prompt, run) = with_named(task, place, name, results)?;
        let id = of_prompt.baseline.id();
        if let Some(same) = tasks.iter().position(|it: &Task| it.baseline.id() == id) {
            return Err(CliError::usage(format!(
                "`{}` and `{name}` are the same prompt",
                names[same]
            )));
        }
        origin = origin.or(match run {
            Some(run) => Some((name, run)),
            None => search_that_wrote(&id, task, results, screen).map(|run| (name, run)),
        });
        tasks.push(of_prompt);
    }
    let split = match (args.split, &origin) {
        (Some(split), _) => split,
        (None, Some((name, run))) => {
            screen.note(&format!(
                "`{name}` came out of run `{run}` on these rows: prompts are compared on held-out ones"
            ));
            EvalSplit::Hold
        }
        (None, None) => EvalSplit::All,
    };
    check_split(task, split)?;
    let (split, rows) = split_of(split);
    if let (Some((name, run)), true) = (&origin, split != Some(Split::Hold)) {
        screen.warn(&format!(
            "`{name}` came out of run `{run}`, which chose it by rows that it is compared on now: the result flatters it"
        ));
    }
    let caps = Caps { proposals: None, ..settings::caps(task, &args.caps, &Clock::System)? };
    if caps.is_empty() {
        return Err(CliError::usage("a comparison needs a budget").hint(
            "give what it may spend, such as `--max-usd 1`, `--max-calls 1000` or `--for 1h`",
        ));
    }
    let needed = (names.len() as u64)
        .saturating_mul(u64::from(args.repeats.get()))
        .saturating_mul(most_calls_per_answer(task));
    if let Some(cap) = caps.calls.filter(|cap| *cap < needed) {
        let why = format!(
            "a cap of {} has no room for one row, which may take {needed}: each prompt answers it, as often as `--repeats` says",
            plural(usize::try_from(cap).unwrap_or(usize::MAX), "call")
        );
        return Err(CliError::usage(why).hint("raise `--max-calls`, or lower `--repeats`"));
    }
    let mut tasks = tasks.into_iter();
    let Some(a) = tasks.next() else { return Ok(()) };
    let access = checked(&a, split, caps, args.concurrency, args.yes)?;
    let mut names = names.into_iter();
    let Some(baseline) = names.next() else { return Ok(()) };
    let others = names.zip(tasks.map(|task| task.baseline.clone()));
    let comparison = Comparison {
        baseline,
        others: others.map(|(name, prompt)| Contender { name, prompt }).collect(),
        margin: args.margin,
        repeats: args.repeats,
    };
    let dir = RunDir::at(results.join(folder_of_comparison(&a, rows, &comparison, args.seed)?));
    let settings = Settings {
        seed: Some(Seed(args.seed)),
        caps: Some(caps),
        concurrency: args.concurrency,
        ..Settings::default()
    };
    // The same comparison has the same folder.
    let run = begun_or_known(Run::compare(a, split, comparison, settings, &dir), &dir, caps)?;
    let run = searched(run.with_access(access), &dir, false, screen)?;
    comparison::show(&run, &args.slice, args.rows, screen)?;
    check_bills(&run)
}

/// The task with a prompt that is named in place of its baseline, and the run that it came out of, if it is named by one.
fn with_named(
    task: &Task,
    place: &Path,
    name: &str,
    results: &Path,
) -> Result<(Task, Option<String>), CliError> {
    match NamedPrompt::find(name, results)? {
        NamedPrompt::Document(document) => {
            Ok((with_document(task, place, &document, Path::new(name))?, None))
        }
        NamedPrompt::Candidate(run, number) => {
            let prompt = &run.history.state.standing(number).candidate.prompt;
            let parts = |prompt: &Prompt| {
                prompt.parts().iter().map(|part| part.name.clone()).collect::<Vec<_>>()
            };
            if parts(prompt) != parts(&task.baseline) {
                let message = format!("`{name}` has other parts than the task");
                return Err(CliError::invalid(message).hint("it may be another task's prompt"));
            }
            let is_own = number != CandidateIx::BASELINE && is_on_rows_of(&run.file, task);
            let origin = is_own.then(|| run.file.run.to_string());
            Ok((with_parts(task, place, prompt, Path::new(name))?, origin))
        }
    }
}

/// The search in the results folder, on these rows, that wrote this very prompt.
fn search_that_wrote(
    id: &CandidateId,
    task: &Task,
    results: &Path,
    screen: &Screen,
) -> Option<String> {
    let runs = std::fs::read_dir(results).ok()?.flatten();
    let mut runs: Vec<RunDir> = runs.map(|entry| RunDir::at(entry.path())).collect();
    runs.sort_by_key(RunDir::name);
    let found = runs.into_iter().find(|dir| {
        let Ok(file) = RunFile::read(dir) else { return false };
        let is_search = file.kind == RunKind::Search && is_on_rows_of(&file, task);
        // Its baseline is not its own.
        let is_own = |event: &Event| match event {
            Event::ProposalFolded { outcome, .. } | Event::CandidateComposed { outcome, .. } => {
                matches!(outcome, ProposalOutcome::Added { candidate, .. } if candidate.id == *id)
            }
            _ => false,
        };
        let mut is_found = false;
        let read = is_search.then(|| {
            read_events(&dir.events(), |_, event: Event| {
                is_found |= is_own(&event);
                Ok::<_, JournalError>(())
            })
        });
        if let (Some(Err(why)), false) = (read, is_found) {
            screen.warn(&format!(
                "run `{}` cannot be read, so that it is not known whether it wrote a prompt: {why}",
                dir.name()
            ));
        }
        is_found
    });
    found.map(|dir| dir.name())
}

/// Whether a run is on rows of the same files.
fn is_on_rows_of(run: &RunFile, task: &Task) -> bool {
    run.data.iter().any(|file| task.data.iter().any(|own| own.blake3 == file.blake3))
}

/// The same comparison has the same folder, whatever it may spend.
fn folder_of_comparison(
    a: &Task,
    rows: &str,
    comparison: &Comparison,
    seed: u64,
) -> Result<String, CliError> {
    let Comparison { others, margin, repeats, .. } = comparison;
    let ids: Vec<CandidateId> = others.iter().map(|other| other.prompt.id()).collect();
    let what = serde_json::to_string(&(folder_of(a, rows)?, ids, margin, repeats, seed))?;
    let hash = blake3::hash(what.as_bytes()).to_hex();
    Ok(format!("{}-ab-{rows}-{}", a.name, &hash[..8]))
}

/// Says that a column seems to hold scores, where it was read as answers.
fn tell_of_scores(names: &[String], rows: &[PairedRow], is_scored: bool, screen: &Screen) {
    let is_score = |row: &PairedRow, place: usize| {
        let answer = row.answers[place].as_ref().and_then(|it| it.answer.as_deref());
        let answer = answer.unwrap_or_default().trim().to_lowercase();
        let is_right = row.answers[place].as_ref().is_some_and(|it| it.score > 0.0);
        !is_right && ["true", "false", "0", "1"].contains(&answer.as_str())
    };
    for (place, name) in names.iter().enumerate() {
        if !is_scored && rows.iter().all(|row| is_score(row, place)) {
            screen.warn(&format!(
                "column `{name}` holds true and false, and none of them is a right answer: if they say whether an answer was right, add \
                 --scored"
            ));
        }
    }
}
