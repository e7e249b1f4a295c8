//! From a task's providers to what answers their requests, and the limits of each: the list of
//! protocols.
//!
//! The `match` names every kind, so that one without an implementation does not compile.

use super::Llm;
use super::http::{AddressError, HttpProvider};
use super::limit::SendLimit;
use super::openai::OpenAi;
use super::shared_limit::SharedLimit;
use super::throttle::Throttle;
use crate::task::Task;
use crate::task::model::{Protocol, Provider};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What answers the requests to a provider; no connection is made yet. `None`: the simulated models do,
/// in this process.
///
/// # Errors
/// An address or a key that cannot be used, or a system without certificates.
pub fn connect(
    name: &str,
    provider: &Provider,
    key: Option<SecretString>,
) -> Result<Option<Arc<dyn Llm>>, AddressError> {
    Ok(match provider.kind.unwrap_or(Protocol::Openai) {
        Protocol::Openai => Some(Arc::new(HttpProvider::<OpenAi>::new(name, provider, key)?)),
        Protocol::Sim => None,
    })
}

/// A provider with what limits sending to it.
pub struct ThrottledProvider {
    /// The provider.
    pub llm: Arc<dyn Llm>,
    /// Its limit.
    pub limit: Arc<dyn SendLimit>,
}

/// The providers of a task, each with its limit.
pub struct Providers {
    /// By name.
    pub by_name: BTreeMap<String, ThrottledProvider>,
    /// The maximum number of concurrent requests over all of them.
    pub concurrency: usize,
}

/// What answers the requests to each provider of a task, at most `concurrency` of them at a time where
/// it is given; `simulated` makes the simulated models.
///
/// # Errors
/// The first provider that cannot be used, with its name.
pub fn connect_all(
    task: &Task,
    keys: &BTreeMap<String, SecretString>,
    concurrency: Option<usize>,
    simulated: impl Fn() -> Arc<dyn Llm>,
) -> Result<Providers, (String, AddressError)> {
    let shared = concurrency.map(|most| Arc::new(SharedLimit::new(most)));
    let mut by_name = BTreeMap::new();
    let mut total = 0;
    for (name, provider) in task.providers() {
        let llm = connect(name, provider, keys.get(name).cloned())
            .map_err(|error| (name.clone(), error))?
            .unwrap_or_else(&simulated);
        // A limit over all providers may also be above a provider's default.
        let own = match (provider.concurrency, concurrency) {
            (None, Some(most)) => most.max(1),
            _ => provider.concurrency(),
        };
        total += own;
        let throttle = match &shared {
            Some(shared) => Throttle::within(Arc::clone(shared) as _, own, provider.rpm),
            None => Throttle::new(own, provider.rpm),
        };
        by_name.insert(name.clone(), ThrottledProvider { llm, limit: Arc::new(throttle) });
    }
    let concurrency = concurrency.map_or(total, |most| most.min(total)).max(1);
    Ok(Providers { by_name, concurrency })
}
