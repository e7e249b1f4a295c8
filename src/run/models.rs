//! What a run needs from outside and never stores: keys, the environment, models of the caller.

use crate::event::Finish;
use crate::operator::Nonce;
use crate::provider::{Llm, LlmError, Reply, Request};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

/// What a run is given each time that it is opened.
#[derive(Clone, Default)]
pub struct Access {
    /// The keys of the task's providers, by provider.
    pub keys: BTreeMap<String, SecretString>,
    /// The environment; a program of the user gets only the variables that its table lists.
    pub environment: Vec<(OsString, OsString)>,
    /// Providers that the caller implements, by name. They replace the task's providers of that name.
    pub models: BTreeMap<String, Arc<dyn Llm>>,
    /// A folder in which runs on this machine share the limits of each key; `None`: they share nothing.
    pub limits: Option<PathBuf>,
    /// The maximum number of concurrent requests across all providers; `None`: as the run was
    /// started.
    pub concurrency: Option<usize>,
    /// Whether batches that their provider does not have any more are given up: they count as paid, and
    /// their requests are asked again. Otherwise the run stops and says so.
    pub abandons_batches: bool,
}

/// A model that is a closure, which must return quickly and cannot fail.
///
/// A slow closure blocks other work: use [`async_model`] for it.
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

/// A model that is an async closure, which may fail.
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

/// The reply of a mutator that replaces the text of one part of the prompt, for models that are
/// closures.
#[must_use]
pub fn rewrite(request: &Request, part: &str, text: &str) -> String {
    match request.messages.iter().find_map(|message| Nonce::find(&message.content)) {
        Some(nonce) => format!("{}{text}{}", nonce.opening(part), nonce.closing()),
        None => text.to_owned(),
    }
}

/// A complete answer without token counts; they are estimated from its bytes.
impl From<String> for Reply {
    fn from(text: String) -> Self {
        let (why, envelope) = (String::new(), Box::default());
        Self { text, usage: None, finish: Finish::Stop, why, envelope }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
