//! What a person can do where a provider does not answer, and whether a run that stopped for it can go on.
//!
//! One table, for `doctor` before a run and for the end of a run. What of a task file a resumed run reads
//! afresh is decided in `task`.

use crate::event::{Failure, NoAnswer};
use crate::provider::LlmError;

/// How a run goes on once the remedy is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    /// It is resumed.
    Resumed,
    /// It is resumed, and where the address, headers, query or body is changed, with the user's consent.
    Accepted,
    /// It keeps what is to be changed, so a new run takes its place.
    Anew,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The check that `doctor` makes of it.
    pub check: &'static str,
    /// What to do, as a command.
    pub words: &'static str,
    /// How a run goes on then.
    pub goes_on: GoesOn,
}

impl Remedy {
    /// For an attempt without an answer.
    #[must_use]
    pub fn of(error: &LlmError) -> Self {
        use GoesOn::{Accepted, Anew, Resumed};
        let is_page = error.message.contains(": <");
        let (check, words, goes_on) = match (error.failure, error.envelope.status) {
            (Failure::Unreachable, _) => (
                "reach",
                "start the server, or correct `base_url`; behind a proxy, set HTTPS_PROXY",
                Accepted,
            ),
            (Failure::UnknownHost, _) => {
                ("reach", "correct the host in `base_url`, or the network", Accepted)
            }
            (Failure::Certificate, _) => (
                "reach",
                "name the authority's file as `ca_file`, or correct `base_url`, as it says",
                Accepted,
            ),
            (Failure::NotStarted, _) => (
                "reach",
                "install the program, or correct `command` of the provider; it is started in the task's folder",
                Accepted,
            ),
            (Failure::Unavailable, _) => (
                "reach",
                "the server is not ready: wait until its model is loaded, and try again",
                Resumed,
            ),
            (Failure::Auth, _) => {
                ("key", "check `api_key` of the provider, and that the key is valid", Resumed)
            }
            (Failure::Quota, _) => {
                ("quota", "top up the account or raise its limit, or use another key", Resumed)
            }
            (Failure::Throttled, _) => {
                ("limits", "wait, or set `rpm` and `tpm` of the provider below its limits", Resumed)
            }
            (Failure::BadRequest, Some(300..=399)) => (
                "reach",
                "write that address into the task as `base_url` of the provider, if you mean that server: \
                 prompts, rows and the key go there",
                Accepted,
            ),
            (Failure::BadRequest, Some(404 | 405)) => (
                "model",
                "correct the model's name under [models], or `base_url` of its provider",
                Anew,
            ),
            (Failure::BadRequest, _) => (
                "request",
                "change what it refuses in the table of the provider or the model; docs/providers.md lists \
                 the keys",
                Accepted,
            ),
            (Failure::Filter, _) => (
                "answer",
                "the provider's filter refuses your prompt or rows: try another model",
                Anew,
            ),
            (Failure::Timeout, _) => (
                "answer",
                "raise `timeout` of the provider, or lower `max_output_tokens` of the model",
                Resumed,
            ),
            (Failure::Reasoning | Failure::Empty, _) => (
                "answer",
                "raise `max_output_tokens` of the model, or lower its `reasoning_effort`",
                Anew,
            ),
            (Failure::Unreadable, _) if is_page => (
                "reach",
                "check `base_url`: a page for people came from there, not an answer of a model",
                Accepted,
            ),
            (Failure::Transient | Failure::Unreadable | Failure::Unsent, _) => {
                ("answer", "try again later; if it stays so, the server is broken", Resumed)
            }
        };
        Self { check, words, goes_on }
    }

    /// For answers that are of no use; `None` where the attempts say more.
    #[must_use]
    pub fn of_answers(cause: NoAnswer) -> Option<Self> {
        let words = match cause {
            NoAnswer::Cut => "raise `max_output_tokens` of the model, or ask for shorter answers",
            NoAnswer::Reasoning | NoAnswer::Empty => {
                "raise `max_output_tokens` of the model, or lower its `reasoning_effort`"
            }
            NoAnswer::Filter | NoAnswer::ToolCall => "try another model",
            _ => return None,
        };
        Some(Self { check: "answer", words, goes_on: GoesOn::Anew })
    }

    /// What to try at the end of a run that this command resumes.
    #[must_use]
    pub fn in_words(&self, resume: &str) -> Vec<String> {
        let Self { words, .. } = self;
        match self.goes_on {
            GoesOn::Resumed => vec![format!("{words}, then run: {resume}")],
            GoesOn::Accepted => vec![format!(
                "{words}, then run: {resume} --accept-changed-provider (which a change of `base_url`, \
                 headers, query or body needs)"
            )],
            GoesOn::Anew => vec![
                format!(
                    "{words}, and start a new run: a resumed one keeps its models and their settings"
                ),
                format!(
                    "for another reason, such as a changed `base_url`: {resume} --accept-changed-provider"
                ),
            ],
        }
    }
}
