//! `[notify]`: who is told how a run is doing. Nothing is sent here.

use super::scorer::CommandSpec;
use crate::text;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How long a program or a server may take, where the task does not say it.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shares of a cap, where the task does not name any.
const DEFAULT_THRESHOLDS: [f64; 3] = [0.5, 0.8, 1.0];

/// Who is told, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    /// A program of the user's, which reads JSON from its standard input.
    pub command: Option<CommandSpec>,
    /// A server, which gets it as the body of a request.
    pub webhook: Option<Webhook>,
    /// Shares of a cap on spending that are told of when they are reached, in (0, 1], in order.
    pub thresholds: Vec<f64>,
    /// How long telling may take.
    pub timeout: Duration,
}

/// The address of a webhook. It may hold a secret, and so it is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub enum Webhook {
    /// The address.
    Url(String),
    /// The environment variable that holds it.
    Env(String),
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(…)"),
            Self::Env(name) => write!(f, "Env({name})"),
        }
    }
}

impl<'de> Deserialize<'de> for Webhook {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WebhookVisitor;
        impl Visitor<'_> for WebhookVisitor {
            type Value = Webhook;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as `https://hooks.example/…`, or `env:NAME`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Webhook, E> {
                match text.split_once(':') {
                    Some(("env", name)) if !name.trim().is_empty() => {
                        Ok(Webhook::Env(name.trim().to_owned()))
                    }
                    Some(("https" | "http", rest)) if rest.len() > 2 && rest.starts_with("//") => {
                        Ok(Webhook::Url(text.to_owned()))
                    }
                    // It may be a secret, so it is not repeated.
                    _ => Err(E::custom(
                        "`webhook` must be `https://…`, or `env:NAME` with the variable that holds such an address",
                    )),
                }
            }
        }
        deserializer.deserialize_str(WebhookVisitor)
    }
}

/// Who is told how a run is doing: a program, a server, or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// A program and its arguments; it reads JSON from its standard input.
    #[schemars(example = ["./tell.sh"])]
    command: Option<Vec<String>>,
    /// A server that gets the JSON: its address, or `env:NAME` with the variable that holds it.
    #[schemars(with = "Option<String>", example = &"env:SLACK_WEBHOOK")]
    webhook: Option<Webhook>,
    /// Shares of a cap that are told of when they are reached, above 0 and at most 1.
    #[schemars(example = [0.5, 0.9], extend("default" = DEFAULT_THRESHOLDS))]
    thresholds: Option<Vec<f64>>,
    /// How long the program or the server may take.
    #[schemars(example = &"30s", extend("default" = "10s"))]
    timeout: Option<String>,
    /// Environment variables that the program gets.
    #[serde(default)]
    #[schemars(example = ["HOME"])]
    env: Vec<String>,
}

impl JsonSchema for Notify {
    fn schema_name() -> Cow<'static, str> {
        "Notify".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Table::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Notify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { command, webhook, thresholds, timeout, env } =
            Table::deserialize(deserializer)?;
        if command.is_none() && webhook.is_none() {
            return Err(D::Error::custom(
                "`notify` names nobody: write command = [\"./tell.sh\"] or webhook = \"https://…\"",
            ));
        }
        let is_program = |argv: &Vec<String>| {
            argv.first().is_some_and(|program| !program.trim().is_empty())
                && !argv.iter().any(|word| word.contains('\0'))
        };
        if command.as_ref().is_some_and(|argv| !is_program(argv)) {
            return Err(D::Error::custom(
                "`command` names no program: write command = [\"./tell.sh\"]",
            ));
        }
        if env.iter().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(D::Error::custom(
                "`env` lists the names of variables; their values come from the environment of the run",
            ));
        }
        let timeout = timeout.as_deref().map(text::parse_duration).transpose();
        let timeout = timeout.map_err(D::Error::custom)?.unwrap_or(DEFAULT_TIMEOUT);
        if timeout.is_zero() {
            return Err(D::Error::custom("`timeout` must be above 0"));
        }
        let mut thresholds = thresholds.unwrap_or_else(|| DEFAULT_THRESHOLDS.to_vec());
        if thresholds.iter().any(|share| !(*share > 0.0 && *share <= 1.0)) {
            return Err(D::Error::custom(
                "`thresholds` are shares of a cap, above 0 and at most 1, such as [0.5, 0.8]",
            ));
        }
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        let command = command.map(|argv| CommandSpec { argv, timeout, env });
        Ok(Self { command, webhook, thresholds, timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Notify, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_table_names_a_program_or_an_address() {
        let notify = read("command = ['./tell.sh', '-v']\nthresholds = [0.9, 0.5]").unwrap();
        assert_eq!(notify.command.unwrap().argv, ["./tell.sh", "-v"]);
        assert_eq!((notify.thresholds, notify.timeout), (vec![0.5, 0.9], DEFAULT_TIMEOUT));
        let notify = read("webhook = 'https://h.example/sentinel'\ntimeout = '3s'").unwrap();
        assert!(!format!("{notify:?}").contains("sentinel"), "{notify:?}");
        assert_eq!(notify.thresholds, DEFAULT_THRESHOLDS);
        let variable = read("webhook = 'env:HOOK'").unwrap().webhook;
        assert_eq!(variable, Some(Webhook::Env("HOOK".to_owned())));
        for (text, message) in [
            ("", "names nobody"),
            ("thresholds = [0.5]", "names nobody"),
            ("command = []", "names no program"),
            ("command = 'notify-send'", "expected a sequence"),
            ("webhook = 'hooks.example/sentinel'", "must be `https://…`"),
            ("webhook = 'env:'", "must be `https://…`"),
            ("webhook = 'https://h.example'\ntimeout = '0s'", "above 0"),
            ("webhook = 'https://h.example'\ntimeout = 'soon'", "is not a duration"),
            ("webhook = 'https://h.example'\nthresholds = [50]", "shares of a cap"),
            ("webhook = 'https://h.example'\nwebhok = 1", "unknown field"),
            ("command = ['x']\nenv = ['A=1']", "names of variables"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(message) && !error.contains("sentinel"), "{text}: {error}");
        }
    }
}
