//! Where a provider is: its address with the paths of its protocol, and what is wrong with one.
//!
//! Text alone; `connection` makes connections.

use super::protocol::MODEL;
use crate::task::model::Provider;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

/// A provider whose address or key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing says where it is.
    #[error(
        "provider `{provider}` has no `base_url`: write what stands before {path}, such as \
         http://127.0.0.1:8000/v1"
    )]
    NoAddress {
        /// The provider's name in the task.
        provider: String,
        /// What the protocol adds to the address.
        path: &'static str,
    },
    /// The address is not one. It is not repeated: it may hold a key.
    #[error("the `base_url` of provider `{provider}` {flaw}")]
    Address {
        /// The provider's name in the task.
        provider: String,
        /// What is wrong, and what to write instead.
        flaw: String,
    },
    /// The key cannot be sent. It is not repeated.
    #[error(
        "the key of provider `{provider}` is empty or has characters that no HTTP header takes"
    )]
    Key {
        /// The provider's name in the task.
        provider: String,
    },
    /// The certificates of its authorities cannot be read.
    #[error("the `ca_file` of provider `{provider}`, {}: {cause}", path.display())]
    Certificates {
        /// The provider's name in the task.
        provider: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// TLS cannot be set up.
    #[error(
        "no HTTPS connection can be made to provider `{provider}` ({cause}): is the system's \
         certificate store there?"
    )]
    Client {
        /// The provider's name in the task.
        provider: String,
        /// What the TLS library says.
        cause: String,
    },
}

impl AddressError {
    /// The key of the provider's table that is to be changed.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Key { .. } => "api_key",
            Self::Certificates { .. } => "ca_file",
            _ => "base_url",
        }
    }
}

/// A text as one step of a path: whatever it holds, it leads nowhere else.
pub(super) fn escaped(step: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    step.bytes()
        .map(
            |byte| {
                if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

/// A provider for people: its name, and its host where it has one.
pub(super) fn named(name: &str, provider: &Provider) -> String {
    match provider.endpoint().as_str() {
        "" => format!("provider `{name}`"),
        host => format!("provider `{name}` ({host})"),
    }
}

/// The full address, or what is wrong with the one that was written.
pub(super) fn endpoint(
    address: &str,
    path: &str,
    key: Option<&SecretString>,
) -> Result<Url, String> {
    let no_address = |error| format!("is not an address ({error}): write https://…/v1");
    let bare = address.trim().trim_end_matches('/');
    // First as it is written: with the path added, the path could be taken for the host.
    let written = Url::parse(address.trim()).map_err(no_address)?;
    let url = Url::parse(&joined(bare, path)).map_err(no_address)?;
    if !matches!(written.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".to_owned());
    }
    let in_it = key.is_some_and(|key| {
        // A placeholder such as `ollama` may well be the host's name too.
        key.expose_secret().len() >= 8 && address.contains(key.expose_secret())
    });
    // An address is written to files and shown on screens.
    if in_it || !url.username().is_empty() || url.password().is_some() {
        return Err("holds a key or a password: take it out, and name it in `api_key`".to_owned());
    }
    // It could be read as another host than the one that is compared and shown.
    if address.trim().contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        return Err("holds a backslash, a space or a control character".to_owned());
    }
    if address.contains(['?', '#']) {
        return Err(
            "must end before any `?` or `#`: write what follows as `query = { name = \"value\" }` \
             beside it, and a key as `api_key`"
                .to_owned(),
        );
    }
    // What follows the model's name, where that is in it.
    if !path.is_empty() && path.rsplit(MODEL).next().is_some_and(|end| bare.ends_with(end)) {
        return Err(format!("must stop before {path}, which is added to it"));
    }
    Ok(url)
}

/// An address with a path. The version at the head of a path is often written into the address, too.
pub(super) fn joined(address: &str, path: &str) -> String {
    let version = path.get(1..).and_then(|path| path.split('/').next()).unwrap_or_default();
    let is_version = version.starts_with('v') && path.len() > version.len() + 1;
    let bare = match address.rsplit_once('/') {
        Some((before, last)) if is_version && last == version => before,
        _ => address,
    };
    format!("{bare}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_hold_the_version_of_its_path() {
        for (address, path, whole) in [
            ("https://h.example", "/v1/messages", "https://h.example/v1/messages"),
            ("https://h.example/v1", "/v1/messages", "https://h.example/v1/messages"),
            ("https://h.example/gate", "/v1/messages", "https://h.example/gate/v1/messages"),
            ("https://h.example/v1", "/chat/completions", "https://h.example/v1/chat/completions"),
        ] {
            assert_eq!(joined(address, path), whole);
        }
    }
}
