//! What a run needs from its surroundings and never keeps: keys, environment, models of the
//! runner's own.

use crate::event::Finish;
use crate::operator::Nonce;
use crate::provider::{Llm, LlmError, Reply, Request};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::sync::Arc;

/// What is handed to a run each time that it is opened.
#[derive(Clone, Default)]
pub struct Access {
    /// The keys of the task's providers, by provider.
    pub keys: BTreeMap<String, SecretString>,
    /// The environment, of which a program of the user's sees what its table lists.
    pub environment: Vec<(OsString, OsString)>,
    /// Providers that the runner implements, by name. One that has the name of a provider of the
    /// task is used in its place.
    pub models: BTreeMap<String, Arc<dyn Llm>>,
    /// Requests in flight over all providers at most; what the run was started with where it is not
    /// said.
    pub concurrency: Option<usize>,
}

/// A model that answers by a closure, at once and without failures.
///
/// A closure that takes long keeps other work waiting: use [`async_model`] for it.
pub fn model<F, R>(answer: F) -> Arc<dyn Llm>
where
    F: Fn(&Request) -> R + Send + Sync + 'static,
    R: Into<Reply>,
{
    struct Model<F>(F);

    #[async_trait]
    impl<F, R> Llm for Model<F>
    where
        F: Fn(&Request) -> R + Send + Sync,
        R: Into<Reply>,
    {
        async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
            Ok((self.0)(request).into())
        }
    }

    Arc::new(Model(answer))
}

/// A model that answers by a closure that returns a future, and may fail.
pub fn async_model<F, A>(answer: F) -> Arc<dyn Llm>
where
    F: Fn(&Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Reply, LlmError>> + Send,
{
    struct Model<F>(F);

    #[async_trait]
    impl<F, A> Llm for Model<F>
    where
        F: Fn(&Request) -> A + Send + Sync,
        A: Future<Output = Result<Reply, LlmError>> + Send,
    {
        async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
            (self.0)(request).await
        }
    }

    Arc::new(Model(answer))
}

/// The reply of a mutator that gives one part of the prompt a new text, for models that are closures.
#[must_use]
pub fn rewrite(request: &Request, part: &str, text: &str) -> String {
    match request.messages.iter().find_map(|message| Nonce::find(&message.content)) {
        Some(nonce) => format!("{}{text}{}", nonce.opening(part), nonce.closing()),
        None => text.to_owned(),
    }
}

/// A whole answer whose tokens were not counted; they are estimated from its bytes.
impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self { text, usage: None, finish: Finish::Stop }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
