//! Simulated models: a clerk that answers rows and an editor that writes prompts.
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
mod of_task;
pub mod server;

pub use faults::{Faults, Latency};
pub use of_task::{MODEL_SEED, true_quality, world_of};

use crate::event::{Failure, Finish};
use crate::prompt::Message;
use crate::provider::{Llm, LlmError, Reply, Request};
use crate::task::model::Usage;
use crate::text;
use async_trait::async_trait;
use std::sync::Arc;
use world::World;

/// The model that answers rows.
pub const CLERK: &str = "clerk";
/// The model that writes prompts.
pub const EDITOR: &str = "editor";

/// Bytes of a simulated token.
const BYTES_PER_TOKEN: usize = 4;
/// Tokens that a message costs beyond its text.
const TOKENS_PER_MESSAGE: usize = 4;

/// The simulated models over one world.
#[derive(Clone, Debug)]
pub struct SimLlm {
    world: Arc<World>,
}

/// A request without its wire form.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    /// Without the provider.
    model: &'a str,
    messages: &'a [Message],
    temperature: f64,
    max_output_tokens: u32,
    draw: u64,
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

impl SimLlm {
    /// The models of a world.
    #[must_use]
    pub fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// The one way to an answer, in process and over HTTP.
    ///
    /// # Errors
    /// A sentence that names the models there are.
    fn answer(&self, call: Call<'_>) -> Result<Answer<'_>, String> {
        let (mut text, mut finish, row) = match call.model {
            CLERK => {
                let said = clerk::say(&self.world, call.messages, call.temperature, call.draw);
                (said.text, Finish::Stop, said.row)
            }
            EDITOR => {
                let written = editor::write(self.world.seed, call.messages, call.draw);
                (written.text, written.finish, None)
            }
            other => {
                let hint = text::suggestion(other, &[CLERK, EDITOR]);
                return Err(format!("there is no simulated model `{other}`, {hint}"));
            }
        };
        let most = call.max_output_tokens as usize * BYTES_PER_TOKEN;
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most));
            finish = Finish::Length;
        }
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
        let answer = self
            .answer(Call {
                model: request.model.model(),
                messages: &request.messages,
                temperature: request.temperature,
                max_output_tokens: request.max_output_tokens,
                draw: request.draw,
            })
            .map_err(|message| LlmError {
                failure: Failure::BadRequest,
                may_be_billed: false,
                retry_after: None,
                usage: None,
                refused_field: None,
                envelope: Box::default(),
                message,
            })?;
        let (usage, why) = (Some(answer.usage), String::new());
        let envelope = Box::default();
        Ok(Reply { text: answer.text, usage, finish: answer.finish, why, envelope })
    }
}

#[cfg(test)]
mod tests;
