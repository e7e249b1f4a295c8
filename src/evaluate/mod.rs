//! Evaluates a candidate on rows: makes the requests and scores the answers.
//!
//! Prompts are rendered with rows here, so this module opens held-out rows. The strategy chooses
//! the rows; for the confirmation, `engine` does.

pub(crate) mod scorer_program; // What a scorer's program is sent, and what it replies.

use crate::event::{Answered, Event, Step};
use crate::id::RowIx;
use crate::operator::Evidence;
use crate::program::{CommandError, CommandPool, allowed_environment};
use crate::prompt::{Message, Prompt, TemplateError, value_text};
use crate::provider::{Request, RowParts};
use crate::source::SourceError;
use crate::task::example::{Example, Split};
use crate::task::measure::Measure;
use crate::task::model::ModelRole;
use crate::task::scorer::{InvalidReason, Judging, ScorerSet, Shown, Verdict};
use crate::task::{Model, Task};
use crate::text;
use scorer_program::ScorerProcesses;
pub use scorer_program::check_sandbox;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often a judge is asked about an answer where its reply cannot be read.
pub const JUDGE_TRIES: u32 = 2;

/// A question to the judge about one answer.
#[derive(Clone, Debug)]
pub struct JudgeQuestion<'a> {
    /// Its place among the questions that an answer may raise, from 0; all judges are asked the same ones.
    pub place: u32,
    /// The model that is asked.
    pub role: ModelRole,
    judging: &'a Judging,
    /// Which of the questions of its scorer it is, from 0.
    number: u32,
    request: Request,
}

impl JudgeQuestion<'_> {
    /// The request, each try as a draw of its own.
    #[must_use]
    pub fn request(&self, number: u32) -> Request {
        let draw = self.request.draw * u64::from(JUDGE_TRIES) + u64::from(number);
        Request { draw, ..self.request.clone() }
    }

    /// What a reply says of the answer.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(&self, reply: &Answered) -> Result<Verdict, String> {
        match reply.flaw() {
            Some(flaw) => Err(format!("it was {}", flaw.in_words())),
            None => self.judging.read(self.number, &self.request.messages, &reply.text),
        }
    }
}

/// Makes requests and scores answers for one task.
pub struct Evaluator {
    task: Arc<Task>,
    processes: Vec<ScorerProcesses>,
    /// The environment variables that every program gets.
    environment: Vec<(OsString, OsString)>,
    /// The mean weight of the rows of train, dev and hold.
    mean_weights: [f64; 3],
}

impl Evaluator {
    /// An evaluator for a task. A scorer's program gets only the environment variables that it
    /// lists.
    #[must_use]
    pub fn new(task: Arc<Task>, environment: &[(OsString, OsString)]) -> Self {
        let programs = task.scorers.programs();
        let processes = programs
            .map(|(_, program)| ScorerProcesses::new(program, &task, environment))
            .collect();
        let environment = allowed_environment(environment.iter().cloned(), &[]);
        let mean_weights =
            [Split::Train, Split::Dev, Split::Hold].map(|split| mean_weight(rows(&task, split)));
        Self { task, processes, environment, mean_weights }
    }

    /// The processes of another user program, which gets only the variables that every program
    /// gets.
    #[must_use]
    pub fn program(&self, argv: Vec<String>, folder: &Path, limit: Duration) -> CommandPool {
        CommandPool::new(argv, folder, limit, self.environment.clone())
    }

    /// Renders every row with the baseline once, so that a template that fails on a row is reported
    /// before anything is paid for.
    ///
    /// # Errors
    /// The first row in the file that cannot be rendered, and how many there are; or all rows make the same
    /// request.
    pub fn check_rows(&self) -> Result<(), SourceError> {
        let (mut first, mut failed): (Option<(&Example, TemplateError)>, usize) = (None, 0);
        let (mut rows, mut request, mut differ) = (0_usize, None, false);
        for split in [Split::Train, Split::Dev, Split::Hold] {
            for row in self.rows(split) {
                rows += 1;
                match self.task.layout.render(&self.task.baseline, row) {
                    Ok(messages) if differ => drop(messages),
                    Ok(messages) => differ = *request.get_or_insert(messages.clone()) != messages,
                    // Each row would take as long.
                    Err(error @ TemplateError::Exhausted { .. }) => {
                        return Err(self.row_error(row, &error));
                    }
                    Err(error) => {
                        failed += 1;
                        let is_first =
                            |first: &Example| (row.file, row.line) < (first.file, first.line);
                        if first.as_ref().is_none_or(|(first, _)| is_first(first)) {
                            first = Some((row, error));
                        }
                    }
                }
            }
        }
        let Some((row, error)) = first else {
            return if differ || rows < 2 { Ok(()) } else { Err(self.same_request(rows)) };
        };
        let mut error = self.row_error(row, &error);
        if failed > 1 {
            error.message += &format!(" (and {} more)", text::plural(failed - 1, "row"));
        }
        Err(error)
    }

    fn same_request(&self, rows: usize) -> SourceError {
        let message = format!(
            "all {rows} rows make the same request: they differ in nothing that the prompt shows"
        );
        let help = "show the column that holds the input: `{{ input }}`";
        self.task.mistake(&["prompt"], message).help(help)
    }

    /// What is wrong where a row cannot be rendered: the row, or the template.
    fn row_error(&self, row: &Example, error: &TemplateError) -> SourceError {
        if let TemplateError::Exhausted { part, .. } = error {
            let message = format!("{error} (row `{}`)", row.id);
            return self.task.mistake(&["prompt", part], message).help(
                "let its loops run less often: each over the row's own lists, none within another",
            );
        }
        self.task
            .row_mistake(row, &error.to_string())
            .help("correct the row's value, or make the template work with it")
    }

    /// The rows of a split. Held-out rows leave this module only inside requests of the task model.
    fn rows(&self, split: Split) -> &[Example] {
        rows(&self.task, split)
    }

    fn row(&self, split: Split, row: RowIx) -> Option<&Example> {
        self.rows(split).get(row.index())
    }

    /// The request for one row; `None` if the row does not exist.
    ///
    /// # Errors
    /// A frozen template that fails on this row.
    pub fn request(
        &self,
        prompt: &Prompt,
        split: Split,
        row: RowIx,
        replicate: u16,
    ) -> Result<Option<Request>, TemplateError> {
        let row = self.row(split, row);
        row.map(|example| request_of(&self.task, prompt, example, replicate)).transpose()
    }

    /// Bytes of a row's values, which is the most that it adds to a prompt that shows each once.
    #[must_use]
    pub fn row_bytes(&self, split: Split, row: RowIx) -> usize {
        self.row(split, row).map_or(0, Task::row_bytes)
    }

    /// Whether all scorers are built in, so that a score depends on the answer alone.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.task.scorers.is_pure()
    }

    /// Scores an answer with the built-in scorers.
    #[must_use]
    pub fn verdict(&self, split: Split, row: RowIx, answered: &Answered) -> Option<Verdict> {
        self.row(split, row).map(|example| verdict_of(&self.task.scorers, answered, example))
    }

    /// The most questions that an answer raises for judges.
    #[must_use]
    pub fn most_judgements(&self) -> u32 {
        self.task.judgements()
    }

    /// What judges are asked about an answer to a row: each question to each of them.
    #[must_use]
    pub fn judge_questions(
        &self,
        split: Split,
        row: RowIx,
        replicate: u16,
        answer: &str,
    ) -> Vec<JudgeQuestion<'_>> {
        let Some(example) = self.row(split, row) else { return Vec::new() };
        let input = self.task.shown_input(example);
        let (mut questions, mut before) = (Vec::new(), 0);
        for (scorer, judging) in self.task.scorers.judged() {
            let first = before;
            before += judging.questions();
            // One that says nothing is graded without a judge.
            let part = scorer.scored_part(answer);
            let Some(part) = part.filter(|_| scorer.score(answer, example).is_none()) else {
                continue;
            };
            let references = scorer.references(example);
            let shown = Shown { input: &input, references: &references, answer: &part };
            // Judge by judge: all that one of them says of the answer makes his verdict.
            let asked = self.graders(judging).flat_map(|(role, model)| {
                (0..judging.questions()).map(move |number| (role, model, number))
            });
            for (role, model, number) in asked {
                let messages = judging.question(number, shown);
                let stable_bytes = match model.form.cache_min_tokens() {
                    Some(_) => messages.first().map_or(0, |system| system.content.len()),
                    None => 0,
                };
                let request = Request {
                    model: model.name.clone(),
                    messages,
                    temperature: model.temperature,
                    max_output_tokens: model.max_output_tokens,
                    draw: u64::from(replicate),
                    stable_bytes,
                    form: Arc::clone(&model.form),
                    row: None,
                };
                let place = first + number;
                questions.push(JudgeQuestion { place, role, judging, number, request });
            }
        }
        questions
    }

    /// The models that are asked by a scorer: all judges, or the one for vectors.
    fn graders(&self, judging: &Judging) -> impl Iterator<Item = (ModelRole, &Model)> {
        let asks_vectors = judging.asks_vectors();
        let judges = self.task.judges().filter(move |_| !asks_vectors);
        let embed = self.task.model(ModelRole::Embed).filter(|_| asks_vectors);
        judges.chain(embed.map(|model| (ModelRole::Embed, model)))
    }

    /// Scores an answer with all scorers; `judged`: what judges say to each of their
    /// [questions](Self::judge_questions).
    ///
    /// # Errors
    /// A scorer's program failed; the row then has no score.
    pub async fn score(
        &self,
        split: Split,
        row: RowIx,
        answered: &Answered,
        judged: Vec<Verdict>,
    ) -> Result<Verdict, CommandError> {
        let Some(example) = self.row(split, row) else {
            return Ok(Verdict::wrong("no such row"));
        };
        let (scorers, answer) = (&self.task.scorers, &answered.text);
        if scorers.is_pure() || answered.flaw().is_some() {
            return Ok(verdict_of(scorers, answered, example));
        }
        let (mut judged, mut asked) = (judged.into_iter(), Vec::new());
        for scorer in scorers.asked_about(answer, example) {
            let program = scorers.programs().zip(&self.processes);
            let mut program = program.filter(|((other, _), _)| other.name() == scorer.name());
            match (program.next(), scorer.scored_part(answer)) {
                (Some((_, processes)), Some(part)) => {
                    asked.push(processes.score(&part, example).await?);
                }
                // Its questions are answered one after the other.
                _ => asked.extend(scorer.judging().map(|judging| {
                    let judges = self.graders(judging).map(|_| {
                        let replies = judged.by_ref().take(judging.questions() as usize);
                        judging.verdict(replies.collect())
                    });
                    scorer.panel_rule().verdict(judging, judges.collect())
                })),
            }
        }
        Ok(scorers.score_with(answer, example, asked))
    }

    /// How much a row counts in a mean score: 1 on average over its split.
    #[must_use]
    pub fn weight(&self, split: Split, row: RowIx) -> f64 {
        let mean = match split {
            Split::Train => self.mean_weights[0],
            Split::Dev => self.mean_weights[1],
            Split::Hold => self.mean_weights[2],
        };
        self.row(split, row).map_or(1.0, |row| row.weight / mean)
    }

    /// Whether the goal has measures, which are kept for each row.
    #[must_use]
    pub fn has_measures(&self) -> bool {
        self.task.goal.measures().next().is_some()
    }

    /// What the measures of the goal come to for an answer, in the goal's order. An answer that came in a batch
    /// has no latency of its own, and one whose tokens are estimated no count of them.
    #[must_use]
    pub fn measured(
        &self,
        split: Split,
        row: RowIx,
        answered: &Answered,
        verdict: &Verdict,
    ) -> Vec<Option<f64>> {
        let Some(example) = self.row(split, row) else { return Vec::new() };
        let labels = self.task.scorers.label_scorer();
        let right = || labels.map(|it| it.right_labels(example)).unwrap_or_default();
        // An answer that is cut off or refused is wrong, whatever it names.
        let known = labels.filter(|_| verdict.invalid.is_none());
        let named = || known.and_then(|it| it.label_in(&answered.text));
        let share = |is_right: bool| f64::from(u8::from(is_right));
        let tokens = |count: u64| (!answered.estimated).then_some(count as f64);
        let value = |measure: &Measure| match measure {
            Measure::Validity => Some(share(verdict.invalid.is_none())),
            Measure::Metric(name) => verdict.metrics.get(name).copied(),
            Measure::Recall(label) => {
                let right = right();
                let is_right = named().is_some_and(|named| right.contains(&named));
                right.contains(&label.as_str()).then(|| share(is_right))
            }
            Measure::Precision(label) => {
                let named = named().filter(|named| named == label)?;
                Some(share(right().contains(&named)))
            }
            Measure::InputTokens => tokens(answered.input),
            Measure::OutputTokens => tokens(answered.out),
            // It is of several answers, each of which has what it says.
            Measure::Consistency(_) => None,
            Measure::LatencyP50 | Measure::LatencyP95 => {
                answered.live.is_none().then_some(f64::from(answered.ms))
            }
        };
        self.task.goal.measures().map(|measure| value(&measure)).collect()
    }

    /// A number that stands for what an answer says, where the goal asks for consistency: the label that it names, in a
    /// task with a `label` scorer, else its score. All answers that cannot be read say the same.
    #[must_use]
    pub fn said(&self, answered: &Answered, verdict: &Verdict) -> Option<u32> {
        if self.task.goal.answers_per_row() < 2 {
            return None;
        }
        let is_read = verdict.invalid.is_none();
        let text = match self.task.scorers.label_scorer() {
            _ if !is_read => String::new(),
            Some(labels) => {
                format!("label {}", labels.label_in(&answered.text).unwrap_or_default())
            }
            None => format!("score {}", verdict.score.value()),
        };
        let [a, b, c, d, ..] = *blake3::hash(text.as_bytes()).as_bytes();
        Some(u32::from_le_bytes([a, b, c, d]))
    }

    /// A training row as shown to the mutator. Only training rows become evidence.
    #[must_use]
    pub fn evidence(&self, row: RowIx, answer: Option<(&Answered, &Verdict)>) -> Option<Evidence> {
        let example = self.row(Split::Train, row)?;
        let mut feedback: Vec<String> = example.feedback.iter().cloned().collect();
        if let Some((_, verdict)) = answer
            && let Some(said) = &verdict.feedback
        {
            feedback.push(said.clone());
        }
        let labels = answer.and_then(|(answered, _)| {
            let scorer = self.task.scorers.label_scorer()?;
            let right = *scorer.right_labels(example).first()?;
            Some([right, scorer.label_in(&answered.text)?].map(str::to_owned))
        });
        Some(Evidence {
            labels,
            input: self.input(example),
            answer: answer.map(|(answered, _)| answered.text.clone()),
            trajectory: answer.and_then(|(answered, _)| in_lines(&answered.trajectory)),
            contrast: None,
            expected: self.expected(example),
            score: answer.map(|(_, verdict)| verdict.score.value()),
            feedback,
        })
    }

    /// One right answer of a row, as shown to the mutator and in demonstrations, if the row has one.
    fn expected(&self, example: &Example) -> Option<String> {
        let expected = value_text(&self.task.scorers.right_answer(example)).into_owned();
        (!expected.trim().is_empty()).then_some(expected)
    }

    /// The user message without the prompt around it: the columns that the baseline's user part
    /// shows.
    fn input(&self, example: &Example) -> String {
        let messages = self.task.layout.render(&self.task.baseline, example);
        let last: Option<Message> = messages.ok().and_then(|mut messages| messages.pop());
        last.map(|message| message.content).unwrap_or_default()
    }
}

/// The steps of a target, a line for each; `None` without any.
fn in_lines(trajectory: &[Step]) -> Option<String> {
    let line = |(number, step): (usize, &Step)| match step.by.as_str() {
        "" => format!("[{number}] {}", step.text),
        by => format!("[{number}] {by}: {}", step.text),
    };
    let lines: Vec<String> = (1..).zip(trajectory).map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The mean weight of rows; exactly the weight of each where all are the same.
fn mean_weight(rows: &[Example]) -> f64 {
    match rows {
        [] => 1.0,
        [first, others @ ..] if others.iter().all(|row| row.weight == first.weight) => first.weight,
        _ => rows.iter().map(|row| row.weight).sum::<f64>() / rows.len() as f64,
    }
}

fn rows(task: &Task, split: Split) -> &[Example] {
    match split {
        Split::Train => &task.splits.train,
        Split::Dev => &task.splits.dev,
        Split::Hold => task.splits.hold.open_held_out(),
    }
}

/// The request for a row.
///
/// # Errors
/// A frozen template that fails on this row.
pub fn request_of(
    task: &Task,
    prompt: &Prompt,
    example: &Example,
    replicate: u16,
) -> Result<Request, TemplateError> {
    let messages = task.layout.render(prompt, example)?;
    let model = task.task_model();
    let stable_bytes = match model.form.cache_min_tokens() {
        Some(_) => task.layout.stable_bytes(prompt, &messages),
        None => 0,
    };
    let row = match model.form.is_of_target() {
        true => Some(Arc::new(row_parts(task, prompt, example)?)),
        false => None,
    };
    Ok(Request {
        model: model.name.clone(),
        messages,
        temperature: model.temperature,
        max_output_tokens: model.max_output_tokens,
        draw: u64::from(replicate),
        stable_bytes,
        form: Arc::clone(&model.form),
        row,
    })
}

/// A row as a target is told it: never the right answer, nor what else scores by or says of the row.
fn row_parts(task: &Task, prompt: &Prompt, row: &Example) -> Result<RowParts, TemplateError> {
    let layout = &task.layout;
    let shown = layout.shown_columns();
    let columns = row.columns.iter().filter(|(name, _)| shown.contains(*name));
    let columns = columns.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(RowParts { parts: layout.render_parts(prompt, row)?, row: columns })
}

/// The verdict that an event holds, or that follows from the answer that it holds.
#[must_use]
pub fn verdict_in(event: &Event, task: &Task, split: Split, row: RowIx) -> Option<Verdict> {
    match event {
        Event::Answered(answered) | Event::Reused { answer: answered, .. } => {
            let example = rows(task, split).get(row.index())?;
            Some(verdict_of(&task.scorers, answered, example))
        }
        Event::Scored { verdict, .. } => Some(verdict.clone()),
        _ => None,
    }
}

/// The verdict of the built-in scorers on an answer. One that is no good answer is invalid.
fn verdict_of(scorers: &ScorerSet, answered: &Answered, row: &Example) -> Verdict {
    match answered.flaw() {
        Some(flaw) => scorers.invalid(&InvalidReason::NoAnswer(flaw.in_words().to_owned()), row),
        None => scorers.score(&answered.text, row),
    }
}
