//! Asks a scorer's program: what it is sent, and what it replies. Runs the programs of answers for `code`.
//!
//! The program of `command` reads one JSON object per line, `{"id", "answer", "expected", "columns"}`, and writes
//! one line for each, flushed: `{"score": 0..1, "feedback": "…", "metrics": {"name": 1.5}}`.
//! Feedback and metrics are optional; so is `"id"`, which is checked if it is given. How it is started and guarded is
//! in `program`.

use crate::program::{CommandError, CommandPool, Interpreter, allowed_environment, line_of};
use crate::task::Task;
use crate::task::example::Example;
use crate::task::scorer::{CodeSpec, CommandSpec, ScorerProgram, Verdict};
use crate::units::Score;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// The processes of a scorer.
pub(crate) enum ScorerProcesses {
    /// They are asked with lines.
    Command(CommandPool),
    /// They run answers.
    Code(CodeSpec, Interpreter),
}

impl ScorerProcesses {
    /// Those of a scorer's program; they get the allowed variables of this environment.
    pub(crate) fn new(
        program: ScorerProgram<'_>,
        task: &Task,
        environment: &[(OsString, OsString)],
    ) -> Self {
        match program {
            ScorerProgram::Command(spec) => {
                Self::Command(pool(spec, &task.folder(), environment.iter().cloned()))
            }
            ScorerProgram::Code(spec) => {
                Self::Code(spec.clone(), interpreter(spec, task, environment))
            }
        }
    }

    /// The score of the part of an answer that counts.
    ///
    /// # Errors
    /// No valid reply in time, or the answer's program could not be run.
    pub(crate) async fn score(&self, part: &str, row: &Example) -> Result<Verdict, CommandError> {
        match self {
            Self::Command(pool) => score(pool, part, row).await,
            Self::Code(spec, interpreter) => match spec.whole(part, row) {
                Err(verdict) => Ok(verdict),
                Ok(program) => {
                    let end = interpreter.run(&program.text).await?;
                    Ok(spec.verdict(&program, &end))
                }
            },
        }
    }
}

/// The interpreter of a `code` scorer, which gets only the variables that every program gets.
fn interpreter(spec: &CodeSpec, task: &Task, environment: &[(OsString, OsString)]) -> Interpreter {
    let environment = allowed_environment(environment.iter().cloned(), &[]);
    let folder = task.folder();
    let interpreter = Interpreter::new(spec.argv.clone(), &folder, spec.timeout, environment);
    // Right answers are not for programs to see.
    let of_rows = task.data.iter().filter_map(|file| Some(file.path.parent()?.to_owned()));
    match spec.sandbox_mb {
        Some(memory_mb) => interpreter.shut_in(memory_mb, &of_rows.collect::<Vec<_>>()),
        None => interpreter,
    }
}

/// Checks that the programs of answers can be run in the sandbox that a task asks for.
///
/// # Errors
/// What is missing, in the words of the system.
pub fn check_sandbox(
    spec: &CodeSpec,
    task: &Task,
    environment: &[(OsString, OsString)],
) -> Result<(), String> {
    const PRINTED: &str = "0123456789abcdef";
    let text = spec.ending.replace(CodeSpec::TOKEN, PRINTED) + "\n";
    interpreter(spec, task, environment).check(&text, PRINTED)
}

/// The processes of a `command` scorer; they get the allowed variables of this environment.
pub(crate) fn pool(
    spec: &CommandSpec,
    folder: &Path,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> CommandPool {
    let environment = allowed_environment(environment, &spec.env);
    CommandPool::new(spec.argv.clone(), folder, spec.timeout, environment)
}

/// The score of one answer.
///
/// # Errors
/// No valid reply in time.
pub(crate) async fn score(
    pool: &CommandPool,
    answer: &str,
    row: &Example,
) -> Result<Verdict, CommandError> {
    pool.ask(&request(answer, row), |reply| read_reply(reply, row)).await
}

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    answer: &'a str,
    expected: &'a serde_json::Value,
    columns: &'a crate::prompt::Columns,
}

fn request(answer: &str, row: &Example) -> Vec<u8> {
    let request =
        Request { id: row.id.as_str(), answer, expected: &row.answer, columns: &row.columns };
    line_of(&request)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    score: f64,
    #[serde(default)]
    feedback: Option<String>,
    #[serde(default)]
    metrics: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    id: Option<String>,
}

const NEEDS_SCORE: &str = "the scorer's line needs `score` (a number from 0 to 1)";

pub(crate) fn read_reply(line: &[u8], row: &Example) -> Result<Verdict, String> {
    let is_object = crate::source::is_json_object(line);
    let reply: Reply = serde_json::from_slice(line).map_err(|error| {
        let message = error.to_string();
        if message.contains("struct Reply") || message.starts_with("missing field `score`") {
            return NEEDS_SCORE.to_owned();
        }
        let (message, help) = crate::source::explain_unknown_name(&message);
        match help {
            Some(help) => format!("{message}: {help}"),
            None => message,
        }
    })?;
    if !is_object {
        return Err(NEEDS_SCORE.to_owned());
    }
    let score = Score::new(reply.score)
        .ok_or_else(|| format!("the score {} is not in [0, 1]", reply.score))?;
    if let Some(id) = reply.id.filter(|id| id != row.id.as_str()) {
        return Err(format!("it scored the row `{id}` instead of `{}`", row.id));
    }
    Ok(Verdict {
        score,
        invalid: None,
        feedback: reply.feedback.filter(|feedback| !feedback.trim().is_empty()),
        metrics: reply.metrics.unwrap_or_default(),
    })
}
