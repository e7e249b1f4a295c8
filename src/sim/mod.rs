//! Simulated models: a clerk that answers rows and an editor that writes prompts; and recorded ones in
//! their place.
//!
//! They know the task's data and nothing else, cost simulated dollars, and answer the same request
//! always the same way: all chance is a hash of the model seed and of what it is about. What they
//! take into account, and how much, is written in `docs/simulation.md`. No search may look behind
//! their answers.

// A file uses only files declared above it.
pub mod draw;
mod allowance;
mod faults;
mod log;
mod tally;
mod parameters;
mod row;
mod embedder;
mod wire;
mod anthropic_wire;
mod batches;
mod words;
mod labels;
mod editor;
mod form;
mod index;
mod skill;
mod statement;
pub mod world;
mod answer;
pub mod clerk;
pub mod judge;
mod of_task;
pub mod replay;
pub mod server;

pub use faults::{Faults, Latency};
pub use of_task::{MODEL_SEED, true_quality, world_of};

use crate::event::{Failure, Finish};
use crate::prompt::Message;
use crate::provider::{Llm, LlmError, Reply, Request};
use crate::task::model::Usage;
use crate::text;
use async_trait::async_trait;
use replay::Replay;
use std::sync::Arc;
use world::World;

/// The model that answers rows.
pub const CLERK: &str = "clerk";
/// The model that writes prompts.
pub const EDITOR: &str = "editor";
/// The model that embeds texts.
pub const EMBEDDER: &str = "embedder";

/// The model that grades answers, right nine times out of ten.
pub const JUDGE: &str = "judge";

/// Bytes of a simulated token.
const BYTES_PER_TOKEN: usize = 4;
/// Tokens that a message costs beyond its text.
const TOKENS_PER_MESSAGE: usize = 4;

/// The simulated models over one world, or over those of several tasks.
#[derive(Clone, Debug)]
pub struct SimLlm {
    world: Arc<World>,
    others: Vec<Arc<World>>,
}

/// A request without its wire form.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    /// Without the provider.
    model: &'a str,
    messages: &'a [Message],
    temperature: f64,
    max_output_tokens: u32,
    /// Nothing where the request does not say it.
    draw: Option<u64>,
    /// Whether the messages are texts whose vectors are asked for.
    asks_vectors: bool,
}

/// An answer with what only the simulation knows.
#[derive(Debug)]
struct Answer<'w> {
    text: String,
    usage: Usage,
    finish: Finish,
    /// The row that the request was about.
    row: Option<&'w str>,
}

/// Why there is no answer.
#[derive(Debug)]
struct Refused {
    /// Whether the model exists, and nothing was recorded that it could answer with.
    is_unrecorded: bool,
    message: String,
}

impl<'a> Call<'a> {
    fn of(request: &'a Request) -> Self {
        Self {
            model: request.model.model(),
            messages: &request.messages,
            temperature: request.temperature,
            max_output_tokens: request.max_output_tokens,
            draw: Some(request.draw),
            asks_vectors: request.form.asks_vectors(),
        }
    }

    /// A text as far as it may be sent.
    fn cut(&self, mut text: String, finish: Finish) -> (String, Finish) {
        let most = self.max_output_tokens as usize * BYTES_PER_TOKEN;
        if text.len() <= most {
            return (text, finish);
        }
        text.truncate(text.floor_char_boundary(most));
        (text, Finish::Length)
    }
}

impl Answer<'_> {
    fn into_reply(self) -> Reply {
        let (usage, why, envelope) = (Some(self.usage), String::new(), Box::default());
        Reply { text: self.text, usage, finish: self.finish, why, envelope }
    }
}

impl Refused {
    fn no_model(name: &str) -> Self {
        let hint = text::suggestion(name, &[CLERK, EDITOR, JUDGE]);
        let message = format!("there is no simulated model `{name}`, {hint}");
        Self { is_unrecorded: false, message }
    }

    fn no_vectors(name: &str) -> Self {
        let message =
            format!("the simulated model that embeds texts is `{EMBEDDER}`, and not `{name}`");
        Self { is_unrecorded: false, message }
    }

    fn unrecorded(why: &str) -> Self {
        Self { is_unrecorded: true, message: format!("no recorded reply: {why}") }
    }

    fn into_error(self) -> LlmError {
        LlmError {
            failure: Failure::BadRequest,
            may_be_billed: false,
            retry_after: None,
            usage: None,
            refused_field: None,
            envelope: Box::default(),
            message: self.message,
        }
    }
}

/// The models behind a server: simulated or recorded ones.
#[derive(Debug)]
pub enum Models {
    /// Of a simulated world.
    Simulated(SimLlm),
    /// Of a recorded one.
    Recorded(Replay),
}

impl Models {
    fn answer(&self, call: Call<'_>) -> Result<Answer<'_>, Refused> {
        if call.asks_vectors {
            return embedder::say(&call);
        }
        match self {
            Self::Simulated(models) => models.answer(call),
            Self::Recorded(models) => models.answer(call),
        }
    }

    /// Forgets what was asked.
    fn reset(&self) {
        match self {
            Self::Simulated(_) => {}
            Self::Recorded(models) => models.reset(),
        }
    }
}

impl From<SimLlm> for Models {
    fn from(models: SimLlm) -> Self {
        Self::Simulated(models)
    }
}

impl From<Arc<World>> for Models {
    fn from(world: Arc<World>) -> Self {
        SimLlm::new(world).into()
    }
}

impl From<Replay> for Models {
    fn from(replay: Replay) -> Self {
        Self::Recorded(replay)
    }
}

impl SimLlm {
    /// The models of a world.
    #[must_use]
    pub fn new(world: Arc<World>) -> Self {
        Self { world, others: Vec::new() }
    }

    /// The same models, which know the rows of another world, too. A row that several worlds have is the earliest's.
    #[must_use]
    pub fn with(mut self, world: Arc<World>) -> Self {
        self.others.push(world);
        self
    }

    /// What the clerk says: the first world that has the row tells.
    fn clerk(&self, call: Call<'_>, draw: u64) -> clerk::Said<'_> {
        let say = |world| clerk::say(world, call.messages, call.temperature, draw);
        let first = say(&self.world);
        if first.row.is_some() {
            return first;
        }
        self.others.iter().map(|world| say(world)).find(|it| it.row.is_some()).unwrap_or(first)
    }

    /// The one way to an answer, in process and over HTTP.
    ///
    /// # Errors
    /// There is no such model.
    fn answer(&self, call: Call<'_>) -> Result<Answer<'_>, Refused> {
        let draw = call.draw.unwrap_or(0);
        let (text, finish, row) = match call.model {
            CLERK => {
                let said = self.clerk(call, draw);
                (said.text, Finish::Stop, said.row)
            }
            EDITOR => {
                let written = editor::write(self.world.seed, call.messages, draw);
                (written.text, written.finish, None)
            }
            other => match judge::Errors::of(other) {
                Some(errors) => {
                    let worlds = || std::iter::once(&self.world).chain(&self.others);
                    let graded = judge::say(worlds().map(|it| &**it), call.messages, errors, draw);
                    (graded.text, Finish::Stop, graded.row)
                }
                None => return Err(Refused::no_model(other)),
            },
        };
        let (text, finish) = call.cut(text, finish);
        let usage = usage_of(call.messages, &text);
        Ok(Answer { text, usage, finish, row })
    }
}

/// Tokens as the simulation counts them: bytes by four, and four for each message.
fn usage_of(messages: &[Message], output: &str) -> Usage {
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    let input = bytes.div_ceil(BYTES_PER_TOKEN) + messages.len() * TOKENS_PER_MESSAGE;
    Usage::plain(input as u64, output.len().div_ceil(BYTES_PER_TOKEN).max(1) as u64)
}

#[async_trait]
impl Llm for SimLlm {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let call = Call::of(request);
        if call.asks_vectors {
            let answer = embedder::say(&call).map_err(Refused::into_error)?;
            let text = embedder::reply_text(&answer.text)?;
            return Ok(Answer { text, ..answer }.into_reply());
        }
        self.answer(call).map(Answer::into_reply).map_err(Refused::into_error)
    }
}

#[cfg(test)]
mod tests;
