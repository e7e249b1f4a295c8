//! From a task's providers to what answers their requests: the list of protocols.
//!
//! The `match` names every kind, so that one without an implementation does not compile.

use super::Llm;
use super::http::{AddressError, HttpProvider};
use super::openai::OpenAi;
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

/// What answers the requests to each provider of a task; `simulated` makes the simulated models.
///
/// # Errors
/// The first provider that cannot be used, with its name.
pub fn connect_all(
    task: &Task,
    keys: &BTreeMap<String, SecretString>,
    simulated: impl Fn() -> Arc<dyn Llm>,
) -> Result<BTreeMap<String, Arc<dyn Llm>>, (String, AddressError)> {
    task.providers()
        .iter()
        .map(|(name, provider)| {
            let llm = connect(name, provider, keys.get(name).cloned())
                .map_err(|error| (name.clone(), error))?;
            Ok((name.clone(), llm.unwrap_or_else(&simulated)))
        })
        .collect()
}
