//! From a task's providers to what answers their requests, and the limits of each: the list of
//! protocols.
//!
//! The `match` names every kind, so that one without an implementation does not compile.

use super::Llm;
use super::address::{AddressError, named};
use super::anthropic::Anthropic;
use super::anthropic::batches::AnthropicBatches;
use super::batch::BatchApi;
use super::exec::ExecProvider;
use super::gemini::Gemini;
use super::http::HttpProvider;
use super::limit::SendLimit;
use super::openai::OpenAi;
use super::openai::batches::OpenAiBatches;
use super::protocol::Protocol;
use super::responses::OpenAiResponses;
use super::shared_limit::SharedLimit;
use super::target::Target;
use super::throttle::{Rates, Throttle};
use crate::program::Surroundings;
use crate::task::Task;
use crate::task::model::{KeySource, Provider, ProviderKind};
use secrecy::ExposeSecret;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What asks a provider's server.
#[derive(Clone)]
pub struct Client {
    /// One request at a time.
    pub llm: Arc<dyn Llm>,
    /// Many at once, where its protocol has that.
    pub batches: Option<Arc<dyn BatchApi>>,
}

impl From<Arc<dyn Llm>> for Client {
    /// Without a batch API.
    fn from(llm: Arc<dyn Llm>) -> Self {
        Self { llm, batches: None }
    }
}

/// What answers the requests to a provider.
pub enum Connection {
    /// A client of its server; no connection is made yet.
    Client(Client),
    /// The simulated models, in this process.
    Simulated,
    /// A model of the program that made the task.
    OfProgram,
}

/// What answers the requests to a provider; a program runs in these surroundings.
///
/// # Errors
/// An address or a key that cannot be used, or a system without certificates.
pub fn connect(
    name: &str,
    provider: &Provider,
    key: Option<SecretString>,
    surroundings: Surroundings<'_>,
) -> Result<Connection, AddressError> {
    Ok(match provider.kind {
        Some(ProviderKind::Openai) => with_openai_batches::<OpenAi>(name, provider, key)?,
        Some(ProviderKind::OpenaiResponses) => {
            with_openai_batches::<OpenAiResponses>(name, provider, key)?
        }
        Some(ProviderKind::Anthropic) => {
            let llm = Arc::new(HttpProvider::<Anthropic>::new(name, provider, key)?);
            let batches = Arc::new(AnthropicBatches(Arc::clone(&llm)));
            Connection::Client(Client { llm, batches: Some(batches) })
        }
        Some(ProviderKind::Gemini) => {
            let llm = Arc::new(HttpProvider::<Gemini>::new(name, provider, key)?);
            Connection::Client(Client { llm, batches: None })
        }
        Some(ProviderKind::Http) => {
            let llm = Arc::new(HttpProvider::<Target>::new(name, provider, key)?);
            Connection::Client(Client { llm, batches: None })
        }
        Some(ProviderKind::Exec) => {
            let llm = Arc::new(ExecProvider::new(name, provider, surroundings));
            Connection::Client(Client { llm, batches: None })
        }
        Some(ProviderKind::Sim) => Connection::Simulated,
        None => Connection::OfProgram,
    })
}

/// The file of a folder in which all runs of this machine share the limits of one key at one server.
#[must_use]
pub fn limits_file(folder: &Path, provider: &Provider, key: Option<&SecretString>) -> PathBuf {
    // Neither the key nor a hash of the key alone: the name tells nothing about it. What a command prints
    // changes from run to run.
    let secret = match &provider.api_key {
        Some(KeySource::Command(command)) => command.line.as_str(),
        _ => key.map_or("", |key| key.expose_secret()),
    };
    let mut hasher = blake3::Hasher::new_derive_key("promptsearch 2026 limits of a key");
    hasher.update(provider.origin().as_bytes());
    hasher.update(b"\0");
    hasher.update(secret.as_bytes());
    folder.join(format!("{}.v1.json", &hasher.finalize().to_hex()[..16]))
}

fn with_openai_batches<P: Protocol + 'static>(
    name: &str,
    provider: &Provider,
    key: Option<SecretString>,
) -> Result<Connection, AddressError> {
    let llm = Arc::new(HttpProvider::<P>::new(name, provider, key)?);
    let batches = Arc::new(OpenAiBatches(Arc::clone(&llm)));
    Ok(Connection::Client(Client { llm, batches: Some(batches) }))
}

/// How long a run waits for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// While nothing is answered.
    pub silence: Duration,
    /// While it says that it is not ready (503).
    pub loading: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(30 * 60), loading: Duration::from_secs(10 * 60) }
    }
}

impl Patience {
    fn of(provider: &Provider) -> Self {
        let default = Self::default();
        Self {
            silence: provider.patience.unwrap_or(default.silence),
            loading: provider.loading.unwrap_or(default.loading),
        }
    }
}

/// A provider with what limits sending to it.
pub struct ThrottledProvider {
    /// The provider.
    pub llm: Arc<dyn Llm>,
    /// Its batch API, where it has one.
    pub batches: Option<Arc<dyn BatchApi>>,
    /// Its name with its host, for people.
    pub who: String,
    /// Its limit.
    pub limit: Arc<dyn SendLimit>,
    /// How long it is waited for.
    pub patience: Patience,
    /// How long one attempt may take.
    pub total: Duration,
    /// The maximum number of concurrent requests to it.
    pub concurrency: usize,
}

/// The providers of a task, each with its limit.
pub struct Providers {
    /// By name.
    pub by_name: BTreeMap<String, ThrottledProvider>,
    /// The maximum number of concurrent requests over all of them.
    pub concurrency: usize,
    /// Changes it.
    pub dial: Dial,
}

/// Changes how many requests may be out at a time, while they are.
#[derive(Debug)]
pub struct Dial {
    shared: Arc<SharedLimit>,
    providers: Vec<(Throttle, Provider)>,
}

impl Dial {
    /// At most this many over all providers. A provider without a limit of its own may have them all. What
    /// may be out now: the providers' own limits may allow fewer.
    pub fn set(&self, most: usize) -> usize {
        let mut total = 0;
        for (throttle, provider) in &self.providers {
            let own = provider.concurrency_within(Some(most));
            throttle.set_concurrency(own);
            total += own;
        }
        let most = most.min(total).max(1);
        self.shared.set_concurrency(most);
        most
    }
}

impl Providers {
    /// The providers of a task with their limits, and at most `concurrency` requests at a time over
    /// all of them where it is given. `answering` says what answers the requests to a provider, and in
    /// which file its limits are shared with other runs.
    ///
    /// # Errors
    /// The first error of `answering`.
    pub fn new<E>(
        task: &Task,
        concurrency: Option<usize>,
        answering: impl Fn(&str, &Provider) -> Result<(Client, Option<PathBuf>), E>,
    ) -> Result<Self, E> {
        let mut failed = None;
        let providers = Self::of(task, concurrency, |name, provider| {
            answering(name, provider).map_err(|error| failed.get_or_insert(error)).ok()
        });
        failed.map_or(Ok(providers), Err)
    }

    /// The same without the providers that nothing answers for.
    pub fn of(
        task: &Task,
        concurrency: Option<usize>,
        mut answering: impl FnMut(&str, &Provider) -> Option<(Client, Option<PathBuf>)>,
    ) -> Self {
        // Without a limit over all of them, it is as wide as they are together.
        let own = task.providers().values().map(|it| it.concurrency_within(concurrency));
        let shared = Arc::new(SharedLimit::new(concurrency.unwrap_or_else(|| own.sum())));
        let (mut by_name, mut limited) = (BTreeMap::new(), Vec::new());
        let mut total = 0;
        for (name, provider) in task.providers() {
            let Some((Client { llm, batches }, file)) = answering(name, provider) else { continue };
            let own = provider.concurrency_within(concurrency);
            total += own;
            let rates = Rates {
                concurrency: own,
                requests_per_minute: provider.rpm,
                tokens_per_minute: provider.tpm,
            };
            let outer = Some(Arc::clone(&shared) as _);
            let throttle = Throttle::with(rates, outer, file.as_deref());
            limited.push((throttle.clone(), provider.clone()));
            let (limit, patience) = (Arc::new(throttle), Patience::of(provider));
            let (total, concurrency) = (provider.timeout.total, own);
            let who = named(name, provider);
            let provider =
                ThrottledProvider { llm, batches, who, limit, patience, total, concurrency };
            by_name.insert(name.clone(), provider);
        }
        let concurrency = concurrency.map_or(total, |most| most.min(total)).max(1);
        Self { by_name, concurrency, dial: Dial { shared, providers: limited } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::model::KeyCommand;

    /// A provider's own limit stays; one without may have them all.
    #[test]
    fn a_dial_changes_how_many_may_be_out() {
        let own = Provider { concurrency: Some(4), ..Provider::built_in("openai").unwrap() };
        let none = Provider { concurrency: None, ..own.clone() };
        let throttle = || Throttle::new(Rates::concurrent(1));
        let dial = |providers: &[&Provider]| Dial {
            shared: Arc::new(SharedLimit::new(1)),
            providers: providers.iter().map(|it| (throttle(), (*it).clone())).collect(),
        };
        assert_eq!([dial(&[&own]).set(3), dial(&[&own]).set(9)], [3, 4]);
        assert_eq!([dial(&[&none]).set(90), dial(&[&none, &own]).set(9)], [90, 9]);
        assert_eq!(dial(&[&own]).set(0), 1);
    }

    #[test]
    fn one_key_at_one_server_has_one_file() {
        let at = |address: &str| Provider {
            base_url: Some(address.to_owned()),
            ..Provider::built_in("openai").unwrap()
        };
        let file = |address: &str, key: &str| {
            limits_file(Path::new("/limits"), &at(address), Some(&SecretString::from(key)))
        };
        let one = file("http://h.example:1/v1", "sentinel");
        assert_eq!(file("http://H.example:1/other", "sentinel"), one);
        assert_ne!(file("http://h.example:2/v1", "sentinel"), one, "another server");
        assert_ne!(file("https://h.example:1/v1", "sentinel"), one);
        assert_ne!(file("http://h.example:1/v1", "other"), one, "another key");
        assert!(!one.display().to_string().contains("sentinel"));
        let command = KeyCommand { line: "print-token".to_owned(), ttl: None };
        let token = Provider { api_key: Some(KeySource::Command(command)), ..at("http://h:1") };
        let file = |key: &str| limits_file(Path::new("/l"), &token, Some(&SecretString::from(key)));
        assert_eq!(file("token-1"), file("token-2"));
    }
}
