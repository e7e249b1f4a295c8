//! `judge certify` compares the judges of a task with people, and writes their certificate; `judge check` asks them again.

use super::args::{CertifyArgs, CheckArgs, LabelArgs};
use super::error::{CliError, Kind};
use super::eval::{Question, folder_of};
use super::screen::Screen;
use super::settings;
use crate::clock::Clock;
use crate::compare::certification::{HEADER, LabelColumns, LabelledAnswers, ROWS_FILE, page};
use crate::compare::judge_drift::{JudgeDrift, drift_page};
use crate::compare::monitor::left;
use crate::id::JudgeIx;
use crate::night::Spending;
use crate::provider::Llm;
use crate::run::{CERTIFICATE, JudgeSettings, Judged, RUN_FILE, Required, Run, RunDir};
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

/// Asks each judge about each labelled answer, in a run of its own: what was graded is not asked again.
pub(super) fn certify(args: &CertifyArgs, screen: &Screen) -> Result<(), CliError> {
    let labels = Labels::read(&args.answers)?;
    let Some(settings) = JudgeSettings::of(&labels.task) else {
        return Err(CliError::unexpected("the task has no judge"));
    };
    let about = labels.about_judges()?;
    let verdicts = labels.graded(about, CERTIFY, screen)?;
    let required = Required { min_kappa: args.min_kappa, min_rows: args.min_rows };
    let certificate = labels.answers.certificate(settings, &verdicts, required, &Clock::System);
    let value = certificate.to_value();
    let file = labels.task.folder().join(CERTIFICATE);
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

/// Asks certified judges about the same answers again, in runs of their day.
pub(super) fn check(args: &CheckArgs, screen: &Screen) -> Result<(), CliError> {
    let labels = Labels::read(&args.answers)?;
    let judged =
        Judged::of(&labels.task).ok_or_else(|| CliError::unexpected("the task has no judge"))?;
    if !judged.certified {
        let why = judged.caveat().unwrap_or_default();
        return Err(CliError::new(Kind::Gate, why)
            .hint("`promptsearch judge certify` compares it with people first"));
    }
    let about = labels.about_judges()?;
    for task in &about {
        let then = labels.folder(task, CERTIFY)?;
        if !RunDir::at(&then).file(RUN_FILE).exists() {
            let why = format!(
                "there are no grades of these answers by which it was certified: {}",
                then.display()
            );
            return Err(CliError::invalid(why).hint(
                "give the file of labels and the results folder (`--out`) of `judge certify`, or certify the judge again",
            ));
        }
    }
    let today = Clock::System.now().to_zoned(TimeZone::UTC).date();
    let then = labels.graded(labels.about_judges()?, CERTIFY, screen)?;
    let now = labels.graded(about, &format!("check-{today}"), screen)?;
    let drift = JudgeDrift::of(judged.model, &labels.answers, [&then, &now], args.false_alarm);
    screen.show(&serde_json::to_value(&drift)?, &drift_page(&drift))?;
    match drift.has_drifted {
        true => Err(CliError::new(Kind::Gate, drift.verdict())
            .hint("certify it again: claims that rest on its grades may be others now")),
        false => Ok(()),
    }
}

/// Answers that people graded, for the judges of a task.
struct Labels<'a> {
    args: &'a LabelArgs,
    task: Task,
    answers: LabelledAnswers,
}

impl<'a> Labels<'a> {
    fn read(args: &'a LabelArgs) -> Result<Self, CliError> {
        let task = Task::load(&args.task)?;
        let columns = LabelColumns { answer: &args.answer_column, grade: &args.grade_column };
        let answers = LabelledAnswers::read(&task, &args.labels, columns)?;
        Ok(Self { args, task, answers })
    }

    /// Writes the task about each judge beside its own, and reads them.
    fn about_judges(&self) -> Result<Vec<Task>, CliError> {
        let judges = self.task.judges().filter_map(|(role, _)| role.judge());
        judges.map(|judge| self.about_judge(judge)).collect()
    }

    fn about_judge(&self, judge: JudgeIx) -> Result<Task, CliError> {
        let file = self.task.folder().join(task_file(judge));
        match fs::read_to_string(&file) {
            Ok(text) if !text.starts_with(HEADER) => {
                return Err(CliError::usage(format!("{} exists, and is your own", file.display()))
                    .hint("rename it: the task about the judge is written there"));
            }
            _ => {}
        }
        replace(&self.task.folder().join(ROWS_FILE), &self.answers.rows())?;
        replace(&file, &self.answers.task_file(&self.task, judge)?)?;
        let about = Task::load(&file)?;
        self.answers.check(&about)?;
        Ok(about)
    }

    fn folder(&self, about: &Task, name: &str) -> Result<PathBuf, CliError> {
        Ok(self.args.out.out.join(folder_of(about, name)?))
    }

    /// The verdicts of each judge on the answers of the task about it: those that its run has, and the others asked. The caps
    /// are for all of them together.
    fn graded(
        &self,
        about: Vec<Task>,
        name: &str,
        screen: &Screen,
    ) -> Result<Vec<HashMap<usize, Verdict>>, CliError> {
        let folders: Vec<PathBuf> =
            about.iter().map(|task| self.folder(task, name)).collect::<Result<_, _>>()?;
        let spent = |folder: &PathBuf| {
            Run::read(RunDir::at(folder)).map_or_else(|_| Spending::default(), |it| (&it).into())
        };
        let mut graded = Vec::new();
        for (place, task) in about.into_iter().enumerate() {
            let others = folders.iter().enumerate().filter(|(other, _)| *other != place);
            let others = others.fold(Spending::default(), |all, (_, it)| all.plus(&spent(it)));
            let caps = settings::caps(&task, &self.args.caps, &Clock::System)?;
            let question = Question {
                split: None,
                rows: None,
                caps: left(caps, &others),
                concurrency: self.args.concurrency,
                models: simulated(&self.task),
            };
            let answers = question.ask(task, folders[place].clone(), screen)?;
            answers.check(true)?;
            let number = |id: &str| id.parse::<usize>().ok()?.checked_sub(1);
            let scored = answers.scored()?.into_iter();
            let verdicts =
                scored.filter_map(|scored| Some((number(scored.id.as_str())?, scored.verdict)));
            graded.push(verdicts.collect());
        }
        Ok(graded)
    }
}

/// The file of the task about a judge, beside the judge's own: `judge.toml`, and of several `judge-2.toml` and so on.
fn task_file(judge: JudgeIx) -> String {
    format!("{}.toml", ModelRole::Judge(judge))
}

/// A simulated judge knows the rows of the task whose judge it is.
fn simulated(task: &Task) -> BTreeMap<String, Arc<dyn Llm>> {
    let judges: Vec<&str> = task.judges().map(|(_, judge)| judge.name.provider()).collect();
    let simulated = task
        .providers()
        .iter()
        .filter(|(name, provider)| judges.contains(&name.as_str()) && provider.is_simulated());
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
