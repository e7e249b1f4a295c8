//! A target that is a program on this machine: asked line by line, within a deadline.
//!
//! What its lines say is known to `target`, how it is started and guarded to `program`.

use super::address::named;
use super::key::redact_answer;
use super::refusal::Refusal;
use super::target::{self, Said};
use super::{Failure, Llm, LlmError, Reply, Request};
use crate::program::{CommandError, CommandPool, Surroundings, allowed_environment, line_of};
use crate::task::model::Provider;
use async_trait::async_trait;
use secrecy::SecretString;

/// The most processes of a program: how many are asked at a time is what its limit allows.
const MOST_PROCESSES: usize = 4_096;

/// The most characters of a message.
const WORDS: usize = 600;

/// A program that answers rows.
#[derive(Debug)]
pub struct ExecProvider {
    /// Its name, for people.
    who: String,
    pool: CommandPool,
    /// The values of the variables that it gets by name: one of them may be a key.
    secrets: Vec<SecretString>,
}

impl ExecProvider {
    /// Starts nothing yet. The program runs in the task's folder, and sees of the environment what its table lists.
    #[must_use]
    pub fn new(name: &str, provider: &Provider, surroundings: Surroundings<'_>) -> Self {
        let Surroundings { folder, environment } = surroundings;
        let listed = environment.iter().filter(|(name, _)| {
            name.to_str().is_some_and(|name| provider.env.iter().any(|listed| listed == name))
        });
        let secrets = listed.filter_map(|(_, value)| value.to_str().map(SecretString::from));
        let secrets = secrets.collect();
        let environment = allowed_environment(environment.iter().cloned(), &provider.env);
        let (argv, limit) = (provider.command.clone(), provider.timeout.total);
        let pool = CommandPool::new(argv, folder, limit, environment).at_most(MOST_PROCESSES);
        Self { who: named(name, provider), pool, secrets }
    }

    /// A text of the program without the values of the variables that it was given.
    fn redacted(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| redact_answer(&text, secret))
    }

    fn without_secrets(&self, mut reply: Reply) -> Reply {
        for step in &mut reply.envelope.trajectory {
            step.by = self.redacted(&step.by);
            step.text = self.redacted(&step.text);
        }
        let text = self.redacted(&reply.text);
        if text != reply.text {
            tracing::warn!(provider = self.who, "an answer held a key, which is taken out");
        }
        Reply { text, ..reply }
    }

    fn failed(&self, failure: Failure, may_be_billed: bool, words: &str) -> LlmError {
        let redacted = |words: &str| self.redacted(words);
        LlmError::redacted(&self.who, (failure, may_be_billed), (words, WORDS), redacted)
    }

    fn of_command(&self, error: &CommandError) -> LlmError {
        let (failure, may_be_billed) = match error {
            // No other line would be answered either, until people do something.
            CommandError::Start { is_lasting: true, .. } => (Failure::NotStarted, false),
            CommandError::Start { .. } => (Failure::Transient, false),
            CommandError::Deadline { .. } => (Failure::Timeout, true),
            CommandError::Exited { .. } => (Failure::Transient, true),
            CommandError::Malformed { .. } => (Failure::Unreadable, true),
        };
        let words = match error {
            CommandError::Start { program, message, .. } => {
                format!("cannot be started: `{program}`: {message}")
            }
            CommandError::Deadline { .. } => format!("gave {error}"),
            CommandError::Exited { .. } => error.to_string(),
            CommandError::Malformed { .. } => format!("wrote no valid reply: {error}"),
        };
        self.failed(failure, may_be_billed, &words)
    }
}

#[async_trait]
impl Llm for ExecProvider {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        if request.form.asks_vectors() {
            return Err(self.failed(Failure::BadRequest, false, "gives no vectors"));
        }
        let (line, id) = (line_of(&target::asked(request)), request.hash().to_string());
        match self.pool.ask(&line, |reply| target::read(reply, Some(&id))).await {
            Ok(Said::Answer(reply)) => Ok(self.without_secrets(reply)),
            Ok(Said::Error { refusal, usage, usd }) => {
                let Refusal { failure, may_be_billed, words, .. } = refusal;
                let mut error = self.failed(failure, may_be_billed, &words);
                error.envelope.usd = usd;
                Err(LlmError { usage, ..error })
            }
            Err(error) => Err(self.of_command(&error)),
        }
    }
}
