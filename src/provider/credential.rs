//! A provider's key while a run goes on: what a command prints is fetched again when its time is over, and
//! once when a server refuses it.
//!
//! Not where the first key comes from (`key`), and not how it is sent (`protocol`).

use super::key::{self, redact, redact_answer};
use crate::task::model::{KeyCommand, KeySource};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The key of a provider.
pub(super) struct Credential {
    command: Option<KeyCommand>,
    keys: Mutex<Keys>,
    /// One command at a time.
    turn: tokio::sync::Mutex<()>,
}

struct Keys {
    /// All keys of this session; the last one is sent. A late answer may still show an earlier one.
    known: Vec<SecretString>,
    fetched: Instant,
}

impl Credential {
    /// For the key that was found at a source.
    pub(super) fn new(source: Option<&KeySource>, key: SecretString) -> Self {
        let command = match source {
            Some(KeySource::Command(command)) => Some(command.clone()),
            Some(KeySource::Env(_)) | None => None,
        };
        let keys = Keys { known: vec![key], fetched: Instant::now() };
        Self { command, keys: Mutex::new(keys), turn: tokio::sync::Mutex::new(()) }
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key to send.
    pub(super) async fn current(&self) -> SecretString {
        if self.is_over() {
            let _turn = self.turn.lock().await;
            // Another attempt may have fetched it meanwhile.
            if self.is_over() {
                self.fetch().await;
            }
        }
        let keys = self.keys();
        keys.known.last().cloned().unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        let ttl = self.command.as_ref().and_then(|command| command.ttl);
        ttl.is_some_and(|ttl| self.keys().fetched.elapsed() >= ttl)
    }

    /// Whether there is another key than one that a server refused.
    pub(super) async fn renew(&self, refused: &SecretString) -> bool {
        let is_other = || {
            let keys = self.keys();
            keys.known.last().is_some_and(|key| key.expose_secret() != refused.expose_secret())
        };
        if self.command.is_none() {
            return false;
        }
        let _turn = self.turn.lock().await;
        if !is_other() {
            self.fetch().await;
        }
        is_other()
    }

    /// Runs the command. Where it fails, the last key is sent, and what the server says to it is told.
    async fn fetch(&self) {
        let Some(command) = self.command.clone() else { return };
        let printed = tokio::task::spawn_blocking(move || key::printed(&command.line)).await;
        let mut keys = self.keys();
        // A command that fails is not run at every attempt.
        keys.fetched = Instant::now();
        match printed {
            Ok(Ok(key)) => {
                let is_known = |known: &&SecretString| known.expose_secret() == key.expose_secret();
                if keys.known.last().filter(is_known).is_none() {
                    keys.known.push(key);
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "no other key"),
            Err(error) => tracing::warn!(%error, "no other key"),
        }
    }

    /// A server's own words without any of the keys.
    pub(super) fn redact(&self, text: &str) -> String {
        self.keys().known.iter().fold(text.to_owned(), |text, key| redact(&text, key))
    }

    /// An answer without any of the keys.
    pub(super) fn redact_answer(&self, text: &str) -> String {
        self.keys().known.iter().fold(text.to_owned(), |text, key| redact_answer(&text, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A command that prints another key each time.
    fn credential(folder: &std::path::Path, ttl: Option<Duration>) -> Credential {
        let file = folder.join("count").display().to_string();
        let line = format!("echo x >> '{file}'; printf sentinel-key-%s $(wc -l < '{file}')");
        let source = KeySource::Command(KeyCommand { line, ttl });
        Credential::new(Some(&source), SecretString::from("sentinel-key-0"))
    }

    #[tokio::test]
    async fn a_key_is_fetched_again_when_its_time_is_over_or_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let credential = credential(folder.path(), Some(Duration::from_millis(300)));
        let sent = async || credential.current().await.expose_secret().to_owned();
        assert_eq!(sent().await, "sentinel-key-0");
        tokio::time::sleep(Duration::from_millis(310)).await;
        // One of them fetches it for all.
        let (one, other) = tokio::join!(sent(), sent());
        assert_eq!((one.as_str(), other.as_str()), ("sentinel-key-1", "sentinel-key-1"));
        let refused = SecretString::from("sentinel-key-1");
        let both = tokio::join!(credential.renew(&refused), credential.renew(&refused));
        assert_eq!(both, (true, true));
        assert_eq!(sent().await, "sentinel-key-2");
        let said = "sentinel-key-1 and sentinel-key-0 are not sentinel-key-2";
        assert_eq!(credential.redact(said), "[key] and [key] are not [key]");
    }

    #[tokio::test]
    async fn a_key_that_is_no_commands_or_does_not_change_is_not_renewed() {
        let key = SecretString::from("sentinel-key-0");
        let fixed = Credential::new(Some(&KeySource::Env("X".to_owned())), key.clone());
        assert!(!fixed.renew(&key).await);
        for line in ["printf sentinel-key-0", "exit 1"] {
            let command = KeyCommand { line: line.to_owned(), ttl: None };
            let same = Credential::new(Some(&KeySource::Command(command)), key.clone());
            assert!(!same.renew(&key).await, "{line}");
            assert_eq!(same.current().await.expose_secret(), "sentinel-key-0");
        }
    }
}
