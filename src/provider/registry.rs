//! From a task's providers to what answers their requests: the list of protocols.
//!
//! The `match` names every kind, so that one without an implementation does not compile.

use super::Llm;
use super::http::{AddressError, HttpProvider};
use super::openai::OpenAi;
use crate::task::model::{Protocol, Provider};
use secrecy::SecretString;
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
