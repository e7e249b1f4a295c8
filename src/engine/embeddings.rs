//! Texts whose vectors are asked for: which, how, and what an answer says of them.
//!
//! A text is asked about once in a run, before a decision compares it with others. What the model says is a
//! fact of the journal, so that a resume asks nothing again.

use super::inbox::Content;
use crate::event::Embedded;
use crate::id::TextHash;
use crate::memory::{State, compared_text};
use crate::prompt::{Message, Prompt, Role};
use crate::provider::Request;
use crate::recipe::Recipe;
use crate::task::model::{ModelName, ModelRole};
use crate::task::{Model, Task};
use crate::vector::{self, ComparedText};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The embedding model of a run, and which texts of its prompts are compared.
#[derive(Debug)]
pub(super) struct Embeddings {
    model: Model,
    compared: BTreeSet<ComparedText>,
}

impl Embeddings {
    /// Of a task's model; `None` where it has none, or where nothing compares texts.
    pub(super) fn new(model: Option<&Model>, compared: BTreeSet<ComparedText>) -> Option<Self> {
        let model = model.filter(|_| !compared.is_empty())?.clone();
        Some(Self { model, compared })
    }

    pub(super) fn model(&self) -> &ModelName {
        &self.model.name
    }

    /// The texts of a prompt that the model was not asked about.
    pub(super) fn unknown_texts(&self, state: &State, prompt: &Prompt) -> Vec<String> {
        let texts = self.texts(prompt).into_iter();
        texts.filter(|text| state.vectors.of(text).is_none()).collect()
    }

    /// The request for the vectors of texts.
    pub(super) fn request(&self, texts: &[String]) -> Request {
        let message = |text: &String| Message { role: Role::User, content: text.clone() };
        Request {
            model: self.model.name.clone(),
            messages: texts.iter().map(message).collect(),
            temperature: 0.0,
            max_output_tokens: 0,
            draw: 0,
            stable_bytes: 0,
            form: Arc::clone(&self.model.form),
            row: None,
        }
    }

    fn texts(&self, prompt: &Prompt) -> BTreeSet<String> {
        // A prompt without demonstrations is one text; servers refuse one that is empty.
        let texts = self.compared.iter().map(|which| compared_text(prompt, *which));
        texts.filter(|text| !text.trim().is_empty()).collect()
    }
}

/// The first request for vectors of a run of this task: for those of the baseline. `None`: it asks for none.
#[must_use]
pub fn first_vectors(task: &Task, recipe: &Recipe) -> Option<Request> {
    let embeddings = Embeddings::new(task.model(ModelRole::Embed), recipe.compared_texts())?;
    let texts: Vec<String> = embeddings.texts(&task.baseline).into_iter().collect();
    (!texts.is_empty()).then(|| embeddings.request(&texts))
}

/// What an answer says of the texts that were asked about: nothing where there is none.
pub(super) fn embedded(model: &ModelName, texts: &[String], content: &Content) -> Vec<Embedded> {
    let vectors = match content {
        Content::Reply(answered) if answered.flaw().is_none() => {
            vector::from_text(&answered.text).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    // One vector for each text: of fewer it is not known whose they are.
    let is_whole = vectors.len() == texts.len();
    let mut vectors = vectors.into_iter().filter(|_| is_whole);
    let model = model.to_string();
    let of = |text: &String| Embedded {
        text: TextHash::for_model(&model, text),
        vector: vectors.next(),
    };
    texts.iter().map(of).collect()
}
