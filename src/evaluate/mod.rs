//! Tries a candidate on rows: what is asked, and what an answer is worth.
//!
//! This is where rows and prompts meet, so held-out rows are opened here. Which rows are tried is
//! for the strategy to say, and for `search` when it confirms.

pub mod command;

use crate::id::RowIx;
use crate::llm::Request;
use crate::operator::Evidence;
use crate::prompt::{Message, Prompt, TemplateError};
use crate::source::SourceError;
use crate::task::Task;
use crate::task::example::{Example, Split};
use crate::task::scorer::{Verdict, expected_text};
use command::{CommandError, CommandPool, allowed_environment};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Asks and scores for one task.
pub struct Evaluator {
    task: Arc<Task>,
    commands: Vec<CommandPool>,
    /// What any program may see.
    environment: Vec<(OsString, OsString)>,
}

impl Evaluator {
    /// For a task. Of the environment, a scorer's program gets what it lists, and no more.
    #[must_use]
    pub fn new(task: Arc<Task>, environment: &[(OsString, OsString)]) -> Self {
        let commands = task
            .scorers
            .commands()
            .map(|(_, spec)| CommandPool::of(spec, &task.folder(), environment.iter().cloned()))
            .collect();
        let environment = allowed_environment(environment.iter().cloned(), &[]);
        Self { task, commands, environment }
    }

    /// Another program of the user's, which sees no more of the environment than any program needs.
    #[must_use]
    pub fn program(&self, argv: Vec<String>, folder: &Path, limit: Duration) -> CommandPool {
        CommandPool::new(argv, folder, limit, self.environment.clone())
    }

    /// Renders every row with the seed once, so that a template that fails on a row says so before
    /// anything is paid for.
    ///
    /// # Errors
    /// The first row that cannot be rendered.
    pub fn check_rows(&self) -> Result<(), SourceError> {
        for split in [Split::Train, Split::Dev, Split::Hold] {
            for row in self.rows(split) {
                self.task.layout.render(&self.task.baseline, &row.columns).map_err(|error| {
                    let file = self.task.data.first().map(|file| file.path.clone());
                    SourceError::new(file.unwrap_or_default(), format!("row `{}`: {error}", row.id))
                        .at_line(row.line)
                        .help("give the column a value, or let the template do without it")
                })?;
            }
        }
        Ok(())
    }

    /// The rows of a split. Held-out rows leave this module only inside requests of the task model.
    fn rows(&self, split: Split) -> &[Example] {
        match split {
            Split::Train => &self.task.splits.train,
            Split::Dev => &self.task.splits.dev,
            Split::Hold => self.task.splits.hold.open_held_out(),
        }
    }

    fn row(&self, split: Split, row: RowIx) -> Option<&Example> {
        self.rows(split).get(row.index())
    }

    /// The request for one row; `None` where the row does not exist.
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
        let Some(example) = self.row(split, row) else {
            return Ok(None);
        };
        let messages = self.task.layout.render(prompt, &example.columns)?;
        let model = self.task.task_model();
        Ok(Some(Request {
            model: model.name.clone(),
            messages,
            temperature: model.temperature,
            max_output_tokens: model.max_output_tokens,
            draw: u64::from(replicate),
        }))
    }

    /// Bytes of a row's values: what it adds to a prompt at most once.
    #[must_use]
    pub fn row_bytes(&self, split: Split, row: RowIx) -> usize {
        self.row(split, row).map_or(0, Task::row_bytes)
    }

    /// Whether a score follows from the answer alone.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.commands.is_empty()
    }

    /// What an answer is worth, by the scorers in this process.
    #[must_use]
    pub fn verdict(&self, split: Split, row: RowIx, answer: &str) -> Option<Verdict> {
        self.row(split, row).map(|example| self.task.scorers.score(answer, example))
    }

    /// What an answer is worth, by all scorers.
    ///
    /// # Errors
    /// A scorer's program that fails: the row then has no score.
    pub async fn score(
        &self,
        split: Split,
        row: RowIx,
        answer: &str,
    ) -> Result<Verdict, CommandError> {
        let Some(example) = self.row(split, row) else {
            return Ok(Verdict::wrong("no such row"));
        };
        if self.commands.is_empty() {
            return Ok(self.task.scorers.score(answer, example));
        }
        let mut verdicts = Vec::with_capacity(self.commands.len());
        for ((scorer, _), pool) in self.task.scorers.commands().zip(&self.commands) {
            verdicts.push(pool.score(&scorer.scored_part(answer), example).await?);
        }
        Ok(self.task.scorers.score_with(answer, example, verdicts))
    }

    /// A training row as a mutator sees it. Only training rows become evidence.
    #[must_use]
    pub fn evidence(&self, row: RowIx, answer: Option<(&str, &Verdict)>) -> Option<Evidence> {
        let example = self.row(Split::Train, row)?;
        let mut feedback: Vec<String> = example.feedback.iter().cloned().collect();
        if let Some((_, verdict)) = answer
            && let Some(said) = &verdict.feedback
        {
            feedback.push(said.clone());
        }
        Some(Evidence {
            input: self.input(example),
            answer: answer.map(|(text, _)| text.to_owned()),
            contrast: None,
            expected: expected_text(example),
            score: answer.map(|(_, verdict)| verdict.score.value()),
            feedback,
        })
    }

    /// The user message without the prompt around it, as far as that can be told: the columns that
    /// the seed's user part shows.
    fn input(&self, example: &Example) -> String {
        let messages = self.task.layout.render(&self.task.baseline, &example.columns);
        let last: Option<Message> = messages.ok().and_then(|mut messages| messages.pop());
        last.map(|message| message.content).unwrap_or_default()
    }
}
