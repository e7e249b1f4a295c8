//! `eval`: scores a prompt on a task's rows. Answers that were recorded elsewhere are scored in
//! `recorded`.

use super::args::{EvalArgs, EvalSplit};
use super::error::{CliError, Kind};
use super::evaluation::{EarlierAnswers, Evaluation, MustPassRows, ScoredRow};
use super::gate::Gate;
use super::recorded;
use super::resources;
use super::run::check_certified;
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::Outcome;
use crate::evaluate::verdict_in;
use crate::event::{Event, StopReason};
use crate::formats::{self, Document, DocumentError};
use crate::id::RowIx;
use crate::looks::Looks;
use crate::prompt::Prompt;
use crate::provider::Llm;
use crate::report;
use crate::run::{
    self, Access, Ended, Run, RunDir, RunDirError, RunError, RunKind, Settings, Summary,
};
use crate::source::SourceError;
use crate::state::Cell;
use crate::task::example::{RowHash, Split, Splits};
use crate::task::{Task, TaskFiles};
use crate::text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn split_of(split: EvalSplit) -> (Option<Split>, &'static str) {
    match split {
        EvalSplit::Train => (Some(Split::Train), "train"),
        EvalSplit::Dev => (Some(Split::Dev), "dev"),
        EvalSplit::Hold => (Some(Split::Hold), "hold"),
        EvalSplit::All => (None, "all"),
    }
}

pub(super) fn eval(args: &EvalArgs, screen: &Screen) -> Result<(), CliError> {
    let task = Task::load(&args.task)?;
    if args.require_certified {
        check_certified(&task)?;
    }
    check_split(&task, args.split.unwrap_or(EvalSplit::All))?;
    match &args.answers {
        Some(file) => {
            let (split, _) = split_of(args.split.unwrap_or(EvalSplit::All));
            recorded::eval(task, split, file, args, screen)
        }
        None => asked(task, args, screen),
    }
}

/// Checks that a split has rows.
pub(super) fn check_split(task: &Task, split: EvalSplit) -> Result<(), CliError> {
    let Splits { train, dev, hold } = &task.splits;
    let is_empty = match split_of(split).0 {
        Some(Split::Train) => train.is_empty(),
        Some(Split::Dev) => dev.is_empty(),
        Some(Split::Hold) => hold.is_empty(),
        None => false,
    };
    match is_empty {
        false => Ok(()),
        true => Err(CliError::invalid(format!("the split `{}` has no rows", split_of(split).1))
            .hint("name another `--split`, or give it a share in `data.split`")),
    }
}

/// Calls the task model in a run of its own, so that paid answers are durable and are not requested
/// twice.
fn asked(task: Task, args: &EvalArgs, screen: &Screen) -> Result<(), CliError> {
    let (split, rows) = split_of(args.split.unwrap_or(EvalSplit::Dev));
    let task = match &args.prompt {
        None => task,
        Some(file) => with_prompt(&task, &args.task, file)?,
    };
    let caps = settings::caps(&task, &args.caps, &Clock::System)?;
    let models = BTreeMap::new();
    let question = Question { split, rows: None, caps, concurrency: args.concurrency, models };
    let folder = folder_of(&task, rows)?;
    let answers = question.ask(task, args.out.out.join(folder), screen)?;
    let mut evaluation = answers.evaluation()?;
    let shown = answers.run.task().shown_held_out();
    evaluation.held_out_looks = Looks::of_folder(&args.out.out).earlier(shown)?.most;
    let measured = answers.check(Gate::is_asked(args));
    let gate = Gate::of(&evaluation, args, measured.is_ok());
    let failed = report::failed_calls(&answers.summary);
    let lines = evaluation.lines().into_iter().chain(failed.iter().cloned());
    let text: Vec<String> = lines.chain(gate.as_ref().map(Gate::line)).collect();
    let mut value = serde_json::to_value(&evaluation)?;
    if let (Some(gate), Some(fields)) = (&gate, value.as_object_mut()) {
        fields.insert("gate".to_owned(), serde_json::to_value(gate)?);
    }
    screen.show(&value, &text.join("\n"))?;
    measured?;
    gate.map_or(Ok(()), |gate| gate.check())
}

/// The baseline with the parts of a prompt file put in.
pub(super) fn prompt_of(task: &Task, document: &Document) -> Result<Prompt, CliError> {
    let wrong = |error: DocumentError| CliError::invalid(error.message).hint(error.help);
    document.prompt(&task.baseline, task.layout.searched()).map_err(wrong)
}

/// The task with the prompt of a file in place of its baseline.
pub(super) fn with_prompt(task: &Task, place: &Path, file: &Path) -> Result<Task, CliError> {
    let bytes = crate::source::read(file).map_err(|error| SourceError::unreadable(file, &error))?;
    let document = formats::read_on_disk(file, &bytes)?;
    with_document(task, place, &document, file)
}

/// The same of a document that was read from `file`, as it is named.
pub(super) fn with_document(
    task: &Task,
    place: &Path,
    document: &Document,
    file: &Path,
) -> Result<Task, CliError> {
    if document.parts.iter().all(|part| part.text.trim().is_empty()) {
        return Err(SourceError::new(file, "the prompt file is empty")
            .help("name a file as `export` writes it, or one with the text of the searched part")
            .into());
    }
    with_parts(task, place, &prompt_of(task, document)?, file)
}

/// The task with a prompt of the same parts in place of its baseline. Mistakes in it are those of `file`.
pub(super) fn with_parts(
    task: &Task,
    place: &Path,
    prompt: &Prompt,
    file: &Path,
) -> Result<Task, CliError> {
    let parts = prompt.parts().to_vec();
    let files = TaskFiles::read(place)?;
    let mut part_files = files.part_files.clone();
    for part in &parts {
        if task.baseline.part(&part.name).is_none_or(|own| *own != *part.text) {
            part_files.insert(part.name.clone(), file.to_owned());
        }
    }
    Ok(Task::rebuild(TaskFiles { parts, part_files, ..files })?)
}

/// Checks all that can be checked before a prompt is asked rows, and says what that needs from the environment.
pub(super) fn checked(
    task: &Task,
    split: Option<Split>,
    caps: Caps,
    concurrency: Option<usize>,
    yes: bool,
) -> Result<Access, CliError> {
    let recipe = run::evaluation_recipe()?;
    let is_asked = |role| RunKind::Evaluation { split }.asks(task, &recipe, role);
    if run::is_paid(task, is_asked) || !caps.is_empty() {
        settings::check_consent(task, caps, is_asked, yes)?;
    }
    if caps.usd.is_some() {
        task.check_prices(is_asked)?;
    }
    resources::check(resources::connections(task, concurrency))?;
    let access = settings::access(task, is_asked, concurrency)?;
    run::check_models(task, &access, is_asked)?;
    settings::check_programs(task)?;
    Ok(access)
}

/// A run that begins, or the one that its folder has already: what that was answered is not asked again.
pub(super) fn begun_or_known(
    begun: Result<Run, RunError>,
    dir: &RunDir,
    caps: Caps,
) -> Result<Run, CliError> {
    let run = match begun {
        Err(RunError::Dir(RunDirError::Exists(_))) => {
            super::log::to_file_of(dir);
            let mut run = Run::open(dir)?;
            set_caps(&mut run, caps)?;
            run
        }
        begun => begun?,
    };
    super::log::to_file_of(dir);
    Ok(run)
}

/// Lets an evaluation go on with these caps; one that is over asks what is left where they allow more.
pub(super) fn set_caps(run: &mut Run, caps: Caps) -> Result<(), CliError> {
    if run.caps() != caps {
        match run.reopen(caps) {
            Err(RunError::GoesNotOn { .. } | RunError::Spent { .. }) => {}
            opened => opened.and_then(|()| run.set_caps(caps))?,
        }
    }
    Ok(())
}

/// What is asked of the task model.
pub(super) struct Question {
    /// The split; `None`: all rows.
    pub(super) split: Option<Split>,
    /// Of it these rows alone, where they are given.
    pub(super) rows: Option<Vec<RowHash>>,
    pub(super) caps: Caps,
    pub(super) concurrency: Option<usize>,
    /// What answers in place of providers, by their names.
    pub(super) models: BTreeMap<String, Arc<dyn Llm>>,
}

/// What came of it.
pub(super) struct Answers {
    pub(super) run: Run,
    pub(super) ended: Ended,
    pub(super) summary: Summary,
    /// Answers that were there before it was asked, of an evaluation of the same in this folder.
    pub(super) earlier: Option<EarlierAnswers>,
}

impl Question {
    /// Asks each row, in the run of this folder: what it has answered is not asked again.
    pub(super) fn ask(
        self,
        task: Task,
        folder: PathBuf,
        screen: &Screen,
    ) -> Result<Answers, CliError> {
        let caps = Caps { proposals: None, ..self.caps };
        let mut access = checked(&task, self.split, caps, self.concurrency, false)?;
        access.models = self.models;
        let dir = RunDir::at(folder);
        let known = Run::read(&dir).ok().map(|run| EarlierAnswers {
            answers: run.history.state.baseline().dev().scored,
            since: run.file.created,
        });
        let settings =
            Settings { caps: Some(caps), concurrency: self.concurrency, ..Settings::default() };
        // The same evaluation always uses the same folder, so its answers are reused.
        let begun = Run::evaluate(task, self.split, self.rows, settings, &dir);
        let run = begun_or_known(begun, &dir, caps)?;
        let earlier = known.filter(|known| known.answers > 0);
        let mut run = run.with_access(access);
        let ended = super::session::search(&mut run, screen)?;
        match &ended.outcome {
            Outcome::Finished | Outcome::Trouble { .. } => {}
            Outcome::Interrupted => {
                return Err(CliError::new(Kind::Interrupted, "interrupted").hint(
                    "run the same command to continue; answered rows are not requested again",
                ));
            }
            Outcome::BrokenScorer(why) => {
                return Err(CliError::new(Kind::Invalid, why)
                    .hint("fix the program, then run the same command again"));
            }
        }
        let mut summary = ended.summary();
        if summary.counts.errors == 0 {
            // A row that was asked again and answered is like any other.
            summary.failed_calls.retain(|cause, _| cause.is_invalid());
        }
        Ok(Answers { run, ended, summary, earlier })
    }
}

impl Answers {
    /// Whether it was measured. A gate needs a score of four fifths of all rows; without one, a part of the rows is
    /// a result, too, as a cap allows it.
    ///
    /// # Errors
    /// A provider's trouble ended it, or too many rows have no score.
    pub(super) fn check(&self, is_gate: bool) -> Result<(), CliError> {
        let again = "run the same command again: it asks the missing rows, and no others";
        if let Outcome::Trouble { why, remedy, .. } = &self.ended.outcome {
            let error = CliError::new(Kind::Refused, why);
            let error = match remedy {
                Some(remedy) => error.hint(remedy.words),
                None => error,
            };
            return Err(error.hint(again));
        }
        let column = self.ended.state.baseline().dev();
        let missing = column.missing() as usize - self.unsent();
        let asked = column.folded as usize - self.unsent();
        if missing * 5 > asked {
            let why = format!("{missing} of {asked} rows have no answer");
            let failed = report::failed_calls(&self.summary);
            let why = failed.first().map_or(why.clone(), |failed| format!("{why}; {failed}"));
            return Err(CliError::new(Kind::Refused, why).hint(again));
        }
        let (all, scored) = (self.run.task().splits.dev.len(), column.scored as usize);
        if scored > 0 && !(is_gate && (all - scored.min(all)) * 5 > all) {
            return Ok(());
        }
        let not_asked = self.not_asked();
        let reason = self.summary.stop_reason.map_or("it was stopped", StopReason::sentence);
        let which = if not_asked == all {
            "no row was".to_owned()
        } else {
            format!("{not_asked} of {} were not", text::plural(all, "row"))
        };
        let error = CliError::new(Kind::Refused, format!("{which} asked, because {reason}"));
        // Without more it would ask none of them.
        Err(error.hint(match run::way_on(&self.summary, self.run.caps()) {
            Some(flag) => format!(
                "run the same command with more: {flag}; it asks the {} that are missing, and no others",
                text::plural(not_asked, "row")
            ),
            None => again.to_owned(),
        }))
    }

    /// Rows that a cap, or the end of its time, left out.
    pub(super) fn not_asked(&self) -> usize {
        let column = self.ended.state.baseline().dev();
        let rows = self.run.task().splits.dev.len();
        rows.saturating_sub(column.folded as usize) + self.unsent()
    }

    /// Rows without a score of which no request was sent, because a cap had no room for it.
    fn unsent(&self) -> usize {
        let unsent = self.summary.failed_calls.iter().filter(|(cause, _)| cause.is_unsent());
        let calls: u64 = unsent.flat_map(|(_, failed)| failed.calls.values()).sum();
        let missing = self.ended.state.baseline().dev().missing();
        usize::try_from(calls).unwrap_or(usize::MAX).min(missing as usize)
    }

    /// The rows that have a score, with their answers and verdicts.
    pub(super) fn scored(&self) -> Result<Vec<ScoredRow<'_>>, CliError> {
        let Self { run, ended, .. } = self;
        let task = run.task();
        let mut rows = Vec::new();
        let column = ended.state.baseline().dev();
        for (row, example) in (0..).map(RowIx).zip(&task.splits.dev) {
            let Cell::Scored { answer, .. } = column.cell(row) else { continue };
            let event = run.event(answer)?;
            let verdict = verdict_in(&event, task, Split::Dev, row);
            let event = match event {
                // The verdict of a program or a judge names the answer.
                Event::Scored { answer, .. } => run.event(answer)?,
                event => event,
            };
            let answer = event.answer().map_or_else(String::new, |it| it.text.clone()).into();
            rows.extend(verdict.map(|verdict| ScoredRow {
                id: &example.id,
                weight: example.weight,
                must_pass: example.must_pass,
                answer,
                verdict,
            }));
        }
        Ok(rows)
    }

    /// The score of the prompt, and what it cost.
    fn evaluation(&self) -> Result<Evaluation, CliError> {
        let Self { run, summary, .. } = self;
        let (described, rows) = (summary.baseline.as_ref(), self.scored()?);
        let measured = Evaluation::of(&rows, run.task().score_form());
        let marked = run.task().splits.dev.iter().filter(|row| row.must_pass).count();
        let must_pass = (marked > 0).then(|| {
            let scored = measured.must_pass.clone().unwrap_or_default();
            MustPassRows { without_score: marked.saturating_sub(scored.rows), ..scored }
        });
        Ok(Evaluation {
            must_pass,
            quality: described.and_then(|prompt| prompt.dev),
            usd_per_1k: described.and_then(|prompt| prompt.usd_per_1k),
            prompt_tokens: described.map(|prompt| prompt.prompt_tokens),
            errors: summary.counts.errors.saturating_sub(self.unsent() as u64),
            earlier: self.earlier,
            not_asked: self.not_asked() as u64,
            failed_calls: summary.failed_calls.clone(),
            judge: summary.judge.clone(),
            ..measured
        })
    }
}

/// The same question has the same folder, so what was paid for is found again, also where a cap was raised or how a
/// provider is reached has changed.
pub(super) fn folder_of(task: &Task, rows: &str) -> Result<String, CliError> {
    let mut hasher = blake3::Hasher::new();
    for piece in [&task.decisive_hash()?, task.baseline.id().as_str(), rows] {
        hasher.update(piece.as_bytes());
        hasher.update(b"\0");
    }
    for file in task.data.iter().chain(&run::task_programs(task)?) {
        hasher.update(file.blake3.as_bytes());
    }
    let hash = hasher.finalize().to_hex();
    Ok(format!("{}-eval-{rows}-{}", task.name, &hash[..8]))
}
