//! What a prompt file holds: parts of a prompt, or a message whole, and facts beside them.

use crate::prompt::{Prompt, USER};
use crate::source::SourceError;
use crate::source::json::JsonError;
use serde_json::Value;
use std::path::PathBuf;

/// The key that marks a file as an export of this program.
pub const FORMAT_KEY: &str = "promptsearch";

/// The content of a prompt file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What an export says of its prompt, in the order of the file; nothing in a file of another origin.
    pub facts: Vec<(String, Value)>,
    /// The parts in the order of the file.
    pub parts: Vec<DocumentPart>,
}

/// One part of a prompt in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPart {
    /// `None`: plain text for the one searched part.
    pub name: Option<String>,
    /// The template, as this program writes it.
    pub text: String,
    /// Whether it is the whole system message, of whatever parts.
    pub is_message: bool,
}

impl DocumentPart {
    /// A part with its name.
    pub(super) fn named(name: &str, text: impl Into<String>) -> Self {
        Self { name: Some(name.to_owned()), text: text.into(), is_message: false }
    }

    /// The system message as a whole.
    pub(super) fn system(text: String) -> Self {
        Self { is_message: true, ..Self::named("system", text) }
    }
}

impl Document {
    /// Plain text for the one searched part.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let part = DocumentPart { name: None, text: text.into(), is_message: false };
        Self { facts: Vec::new(), parts: vec![part] }
    }

    /// The text for a part of this name: the part, or all of a plain text.
    ///
    /// # Errors
    /// There is no such part.
    pub fn part(&self, name: &str) -> Result<&str, DocumentError> {
        let is_it = |part: &&DocumentPart| part.name.as_deref().is_none_or(|it| it == name);
        self.parts.iter().find(is_it).map(|part| part.text.as_str()).ok_or_else(|| {
            let names = self.parts.iter().filter_map(|part| part.name.as_deref());
            let names: Vec<String> = names.map(|it| format!("`{it}`")).collect();
            DocumentError::new(
                None,
                format!("the exported prompt has no part `{name}`"),
                format!("its parts: {}", names.join(", ")),
            )
        })
    }

    /// A task's prompt with the parts of the file put in.
    ///
    /// # Errors
    /// The task has no such part, or has several where the file has one text.
    pub fn prompt(&self, baseline: &Prompt, searched: &[String]) -> Result<Prompt, DocumentError> {
        let mut prompt = baseline.clone();
        for part in &self.parts {
            let (name, text) = match &part.name {
                Some(_) if part.is_message => of_system(&part.text, baseline, searched)?,
                Some(name) => (name.as_str(), part.text.as_str()),
                None => match searched {
                    [only] => (only.as_str(), part.text.as_str()),
                    _ => {
                        return Err(DocumentError::new(
                            None,
                            "a plain text file needs a task with exactly one searched part",
                            searched_parts(searched),
                        ));
                    }
                },
            };
            if baseline.part(name).is_none() {
                let help =
                    format!("{}; the prompt may be another task's", searched_parts(searched));
                return Err(DocumentError::new(
                    None,
                    format!("the task has no part `{name}`"),
                    help,
                ));
            }
            prompt = prompt.with_part(name, text);
        }
        Ok(prompt)
    }
}

fn searched_parts(searched: &[String]) -> String {
    format!("the searched parts of this task are: {}", searched.join(", "))
}

/// The part that a whole system message is of, and its text: the only one, or the searched one among frozen ones,
/// whose texts are in the message.
fn of_system<'a>(
    message: &'a str,
    baseline: &'a Prompt,
    searched: &[String],
) -> Result<(&'a str, &'a str), DocumentError> {
    let parts: Vec<_> = baseline.parts().iter().filter(|part| part.name != USER).collect();
    let is_searched = |name: &String| searched.contains(name);
    let mut of_search = parts.iter().enumerate().filter(|(_, part)| is_searched(&part.name));
    let place = match (&parts[..], of_search.next(), of_search.next()) {
        ([], ..) => {
            return Err(DocumentError::new(
                None,
                "the file has a system message, and the prompt of the task has none",
                "the prompt may be another task's",
            ));
        }
        ([_], ..) => Some(0),
        (_, Some((place, _)), None) => Some(place),
        _ => None,
    };
    let found = place.and_then(|place| {
        let mut text = message;
        let is_shown = |text: &str| !text.trim().is_empty();
        for frozen in parts[..place].iter().filter(|part| is_shown(&part.text)) {
            text = text.strip_prefix(&*frozen.text)?.strip_prefix("\n\n")?;
        }
        for frozen in parts[place + 1..].iter().rev().filter(|part| is_shown(&part.text)) {
            text = text.strip_suffix(&*frozen.text)?.strip_suffix("\n\n")?;
        }
        Some((parts[place].name.as_str(), text))
    });
    found.ok_or_else(|| {
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        DocumentError::new(
            None,
            format!(
                "the system message of the file is one text, and that of the task has the parts {}",
                names.join(", ")
            ),
            "write the parts in Markdown, as `promptsearch export --format md` does",
        )
    })
}

/// An error in a prompt file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DocumentError {
    /// The line of the error, from 1, if there is one.
    pub line: Option<usize>,
    /// What is wrong: a lower-case sentence without a full stop.
    pub message: String,
    /// A hint for the user.
    pub help: String,
    /// The file that the prompt is in instead, as this one names it.
    pub elsewhere: Option<PathBuf>,
}

impl DocumentError {
    pub(super) fn new(
        line: impl Into<Option<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { line: line.into(), message: message.into(), help: help.into(), elsewhere: None }
    }

    /// The prompt is in another file.
    pub(super) fn elsewhere(line: impl Into<Option<usize>>, name: &str) -> Self {
        let message = format!("the prompt is in another file: `{name}`");
        Self { elsewhere: Some(PathBuf::from(name)), ..Self::new(line, message, "name that file") }
    }

    /// JSON that is none.
    pub(super) fn of_json(text: &str, error: JsonError) -> Self {
        let line = crate::source::line_of_offset(text, error.offset);
        let help = error.help.unwrap_or_else(|| "export the file again".to_owned());
        Self::new(line, error.message, help)
    }

    /// The same error with the name of the file.
    #[must_use]
    pub fn in_file(self, file: impl Into<PathBuf>) -> SourceError {
        SourceError { line: self.line, ..SourceError::new(file, self.message).help(self.help) }
    }
}

/// The name of the evidence file of an exported file: `prompts/triage.md` has
/// `prompts/triage.evidence.json`, and `prompts/triage.py` beside it `prompts/triage.py.evidence.json`.
#[must_use]
pub fn sidecar(path: &str) -> String {
    let name_from = path.rfind('/').map_or(0, |slash| slash + 1);
    let stem_end = match path[name_from..].rfind('.') {
        // A leading dot makes a file hidden; it does not begin an extension.
        None | Some(0) => path.len(),
        Some(dot) if path[name_from + dot..].eq_ignore_ascii_case(".md") => name_from + dot,
        Some(_) => path.len(),
    };
    format!("{}.evidence.json", &path[..stem_end])
}
