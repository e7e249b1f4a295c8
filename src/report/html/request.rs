//! A request as it was sent, and its answer.

use super::{Place, Section};
use crate::prompt::Role;
use crate::provider::Request;
use serde::Serialize;

/// A request that was written again from the journal.
pub struct SentRequest {
    /// What it asks.
    pub title: String,
    /// The request.
    pub request: Request,
    /// Whether its identity is that of the answer in the journal; `None` where it has no answer yet.
    pub is_same: Option<bool>,
    /// The answer.
    pub answer: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    title: &'a str,
    about: &'static str,
    model: String,
    temperature: Option<f64>,
    max_output_tokens: u64,
    messages: Vec<Message<'a>>,
    answer: Option<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// The page.
#[must_use]
pub fn request(place: &Place, sent: &SentRequest) -> Section {
    let request = &sent.request;
    let messages = request.sent_messages();
    let it = Shown {
        title: &sent.title,
        about: match sent.is_same {
            Some(true) => {
                "The journal keeps a request's hash. This one was written again from it, and has the same hash: it is what was sent."
            }
            Some(false) => {
                "It was written again from the journal, and its hash is not that of what was sent: a field of it, or this program, has changed since."
            }
            None => "It was written from the journal, and has no answer yet.",
        },
        model: request.model.to_string(),
        temperature: request.form.sends_temperature().then_some(request.temperature),
        max_output_tokens: u64::from(request.max_output_tokens),
        messages: messages
            .iter()
            .map(|message| Message {
                role: match message.role {
                    Role::System => "system",
                    Role::User => "user",
                },
                content: &message.content,
            })
            .collect(),
        answer: sent.answer.as_deref(),
    };
    place.section(include_str!("request.html"), it)
}
