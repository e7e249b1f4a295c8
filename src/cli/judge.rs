//! `judge certify` compares the judge of a task with people, and writes its certificate; `judge check` asks it again.

use super::args::{CertifyArgs, CheckArgs};
use super::error::{CliError, Kind};
use super::eval::{Question, folder_of};
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::compare::certification::{
    HEADER, LabelColumns, LabelledAnswers, ROWS_FILE, TASK_FILE, page,
};
use crate::compare::judge_drift::{JudgeDrift, drift_page};
use crate::provider::Llm;
use crate::run::{CERTIFICATE, JudgeSettings, Judged, RUN_FILE, Required, RunDir};
use crate::sim::world::WorldParameters;
use crate::sim::{MODEL_SEED, SimLlm, world_of};
use crate::source::replace_file;
use crate::task::Task;
use crate::task::model::ModelRole;
use crate::task::scorer::Verdict;
use jiff::tz::TimeZone;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Asks the judge about each labelled answer, in a run of its own: what was graded is not asked again.
pub(super) fn certify(args: &CertifyArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Task::load(&args.task)?;
    let columns = LabelColumns { answer: &args.answer_column, grade: &args.grade_column };
    let labelled = LabelledAnswers::read(&task, &args.labels, columns)?;
    let Some(settings) = JudgeSettings::of(&task) else {
        return Err(CliError::unexpected("the task has no judge"));
    };
    let about = about_judge(&task, &labelled)?;
    let caps = settings::caps(&about, &args.caps, &Clock::System)?;
    let folder = args.out.out.join(folder_of(&about, CERTIFY)?);
    let verdicts = graded(&task, about, folder, (caps, args.concurrency), screen)?;
    let required = Required { min_kappa: args.min_kappa, min_rows: args.min_rows };
    let certificate = labelled.certificate(settings, &verdicts, required, &Clock::System);
    let value = certificate.to_value();
    let file = task.folder().join(CERTIFICATE);
    let text = serde_json::to_string_pretty(&value)? + "\n";
    replace(&file, &text)?;
    let figures = certificate.figures();
    let mut shown = value;
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("certified".to_owned(), json!(figures.lacks.is_empty()));
        fields.insert("file".to_owned(), json!(file));
    }
    let written = format!("{}{}", page(&certificate, &figures), file.display());
    screen.show(&shown, &written)?;
    match figures.lacks.first() {
        None => Ok(()),
        Some(lack) => Err(CliError::new(Kind::Gate, format!("the judge is not certified: {lack}"))),
    }
}

/// What its runs are called by: the first comparison, and later ones by their day.
const CERTIFY: &str = "certify";

/// Asks a certified judge about the same answers again, in a run of its day.
pub(super) fn check(args: &CheckArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Task::load(&args.task)?;
    let columns = LabelColumns { answer: &args.answer_column, grade: &args.grade_column };
    let labelled = LabelledAnswers::read(&task, &args.labels, columns)?;
    let judged = Judged::of(&task).ok_or_else(|| CliError::unexpected("the task has no judge"))?;
    if !judged.certified {
        let why = judged.caveat().unwrap_or_default();
        return Err(CliError::new(Kind::Gate, why)
            .hint("`promptsearch judge certify` compares it with people first"));
    }
    let about = about_judge(&task, &labelled)?;
    let then = args.out.out.join(folder_of(&about, CERTIFY)?);
    if !RunDir::at(&then).file(RUN_FILE).exists() {
        let why = format!(
            "there are no grades of these answers by which it was certified: {}",
            then.display()
        );
        return Err(CliError::invalid(why).hint(
            "give the file of labels and the results folder (`--out`) of `judge certify`, or certify the judge again",
        ));
    }
    let caps = settings::caps(&about, &args.caps, &Clock::System)?;
    let limits = (caps, args.concurrency);
    let today = Clock::System.now().to_zoned(TimeZone::UTC).date();
    let now = args.out.out.join(folder_of(&about, &format!("check-{today}"))?);
    let copy = Task::load(&task.folder().join(TASK_FILE))?;
    let then = graded(&task, copy, then, limits, screen)?;
    let now = graded(&task, about, now, limits, screen)?;
    let drift = JudgeDrift::of(judged.model.clone(), &labelled, [&then, &now], args.false_alarm);
    screen.show(&serde_json::to_value(&drift)?, &drift_page(&drift))?;
    match drift.has_drifted {
        true => Err(CliError::new(Kind::Gate, drift.verdict())
            .hint("certify it again: claims that rest on its grades may be others now")),
        false => Ok(()),
    }
}

/// The judge's verdicts on the answers of a task about it, by their number from 0: those that this run has, and the
/// others asked.
fn graded(
    task: &Task,
    about: Task,
    folder: PathBuf,
    (caps, concurrency): (Caps, Option<usize>),
    screen: &Screen,
) -> Result<HashMap<usize, Verdict>, CliError> {
    let question = Question { split: None, rows: None, caps, concurrency, models: simulated(task) };
    let answers = question.ask(about, folder, screen)?;
    answers.check(true)?;
    let number = |id: &str| id.parse::<usize>().ok()?.checked_sub(1);
    let scored = answers.scored()?.into_iter();
    Ok(scored.filter_map(|scored| Some((number(scored.id.as_str())?, scored.verdict))).collect())
}

/// Writes the task about the judge beside its own, and reads it.
fn about_judge(task: &Task, labelled: &LabelledAnswers) -> Result<Task, CliError> {
    let file = task.folder().join(TASK_FILE);
    match fs::read_to_string(&file) {
        Ok(text) if !text.starts_with(HEADER) => {
            return Err(CliError::usage(format!("{} exists, and is your own", file.display()))
                .hint("rename it: the task about the judge is written there"));
        }
        _ => {}
    }
    replace(&task.folder().join(ROWS_FILE), &labelled.rows())?;
    replace(&file, &labelled.task_file(task)?)?;
    let about = Task::load(&file)?;
    labelled.check(&about)?;
    Ok(about)
}

/// A simulated judge knows the rows of the task whose judge it is.
fn simulated(task: &Task) -> BTreeMap<String, Arc<dyn Llm>> {
    let judge = task.model(ModelRole::Judge).map(|judge| judge.name.provider());
    let simulated = task
        .providers()
        .iter()
        .filter(|(name, provider)| Some(name.as_str()) == judge && provider.is_simulated());
    simulated
        .map(|(name, _)| {
            let world = world_of(task, MODEL_SEED, WorldParameters::default());
            let llm: Arc<dyn Llm> = Arc::new(SimLlm::new(Arc::new(world)));
            (name.clone(), llm)
        })
        .collect()
}

fn replace(file: &Path, text: &str) -> Result<(), CliError> {
    replace_file(file, text.as_bytes()).map_err(|error| CliError::not_written(file, &error))
}
