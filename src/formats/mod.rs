//! A prompt as a file: each format writes one, and most read one back.
//!
//! Texts are templates here; nothing is rendered, and only what follows the name of another file accesses the disk. A
//! format of another tool has that tool's own template language: what of a prompt it cannot say is an error, and never
//! changed without a word.

mod document; // What a prompt file holds.
mod escaped; // JSON for other readers.
mod template; // A part without the spelling of a template language.
mod messages; // Parts as messages, and back.
mod markdown;
mod chat;
mod code_file; // Constants of a program.
mod handlebars;
mod dotprompt;
mod nunjucks;
mod promptfoo;
mod mustache;
mod langfuse;
mod fstring;
mod langsmith;
mod dspy;

pub use document::{Document, DocumentError, DocumentPart, FORMAT_KEY, sidecar};
pub use dspy::DemoFields;
pub use promptfoo::{Suite, SuiteRow, named_file};

use crate::prompt::{Part, Prompt, front_matter};
use crate::source::{SourceError, json};
use code_file::Language;
use serde_json::Value;
use std::path::Path;
use template::Segment;

/// A format of a prompt file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown with front matter.
    Markdown,
    /// Chat messages in OpenAI's form.
    Chat,
    /// The text of the one searched part.
    Text,
    /// Constants for Rust.
    Rust,
    /// Constants for Python.
    Python,
    /// Constants for TypeScript.
    TypeScript,
    /// A configuration of promptfoo, with the prompt and tests.
    Promptfoo,
    /// Dotprompt.
    Dotprompt,
    /// The state of a DSPy predictor.
    Dspy,
    /// The body of Langfuse's request that creates a prompt.
    Langfuse,
    /// LangSmith's manifest of a chat prompt.
    Langsmith,
}

/// A prompt that becomes a file.
#[derive(Clone, Copy, Debug)]
pub struct Exported<'a> {
    /// What the file says of it.
    pub facts: &'a [(String, Value)],
    /// All its parts.
    pub prompt: &'a Prompt,
    /// The parts that a search may change.
    pub searched: &'a [String],
    /// What is said where simulated models answered.
    pub simulated: Option<&'a str>,
    /// The demonstrations of its part `demos`, where they are known as fields.
    pub demos: &'a [DemoFields],
    /// Rows that ask it again.
    pub suite: Option<&'a Suite>,
}

impl Exported<'_> {
    /// A fact that the file says.
    fn fact(&self, name: &str) -> Option<&Value> {
        self.facts.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The segments of a part.
    fn segments(&self, part: &Part) -> Result<Vec<Segment>, String> {
        template::segments(&part.text, self.searched.contains(&part.name))
    }

    /// The columns that the prompt shows, each once.
    fn columns(&self) -> Vec<String> {
        let parts = self.prompt.parts().iter();
        let segments: Vec<Segment> =
            parts.flat_map(|part| self.segments(part).unwrap_or_default()).collect();
        template::columns(&segments).into_iter().map(str::to_owned).collect()
    }
}

/// A prompt that a format cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unwritable {
    /// Why: a lower-case sentence without a full stop.
    pub message: String,
    /// A hint for the user.
    pub help: String,
}

impl Unwritable {
    fn new(message: impl Into<String>, help: &str) -> Self {
        Self { message: message.into(), help: help.to_owned() }
    }
}

impl Format {
    /// The file.
    ///
    /// # Errors
    /// The format cannot hold the prompt.
    pub fn write(self, exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
        let Exported { facts, prompt, searched, simulated, .. } = *exported;
        let texts = searched.iter().filter_map(|name| Some((name.as_str(), prompt.part(name)?)));
        let parts: Vec<(&str, &str)> = texts.collect();
        Ok(match self {
            Self::Markdown => match parts[..] {
                // A file has one front matter: its own.
                [(_, text)] if !front_matter(text).is_empty() => {
                    if simulated.is_some() {
                        let why =
                            "simulated models answered, which front matter of its own does not say";
                        return Err(Unwritable::new(why, "use `--format json`, which says it"));
                    }
                    text.as_bytes().to_vec()
                }
                _ => markdown::to_markdown(facts, &parts),
            },
            Self::Chat => chat::write(exported)?,
            Self::Promptfoo => promptfoo::write(exported)?,
            Self::Dotprompt => dotprompt::write(exported)?,
            Self::Dspy => dspy::write(exported)?,
            Self::Langfuse => langfuse::write(exported)?,
            Self::Langsmith => langsmith::write(exported)?,
            Self::Rust => code_file::to_code(Language::Rust, facts, &parts),
            Self::Python => code_file::to_code(Language::Python, facts, &parts),
            Self::TypeScript => code_file::to_code(Language::TypeScript, facts, &parts),
            Self::Text => {
                let help = "use `--format md`, whose front matter says it";
                if simulated.is_some() {
                    let why = "simulated models answered, which a text alone has no place to say";
                    return Err(Unwritable::new(why, help));
                }
                let [(_, text)] = parts[..] else {
                    let why = format!(
                        "a text alone holds one part, and the task searches {}",
                        searched.join(", ")
                    );
                    return Err(Unwritable::new(why, "use `--format md`, which names each part"));
                };
                text.as_bytes().to_vec()
            }
        })
    }
}

/// Reads a prompt file. What it is, its content and its name tell; a file that is nothing else is plain text.
///
/// # Errors
/// Bytes that are no UTF-8 text, a file of a format that is not read back, or a mistake in one.
pub fn read(name: &Path, bytes: &[u8]) -> Result<Document, DocumentError> {
    let text = text_of(bytes)?;
    if code_file::is_code(text) {
        return Err(DocumentError::new(
            None,
            "it is an export that is not read back as a prompt",
            "name the Markdown file of the prompt: `promptsearch export RUN --format md` writes it",
        ));
    }
    let extension = name.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let is_of = |wanted: &[&str]| wanted.iter().any(|it| extension.eq_ignore_ascii_case(it));
    if dotprompt::is_dotprompt(text, is_of(&["prompt"])) {
        return dotprompt::read(text);
    }
    if (is_of(&["yaml", "yml"]) || text.starts_with(promptfoo::SCHEMA))
        && let Some(configuration) = promptfoo::configuration(text)?
    {
        return promptfoo::read(&configuration);
    }
    if text.trim_start().starts_with(['{', '[']) {
        match json::parse(text) {
            Ok(value) if is_of(&["json"]) || text.contains(EXPORT_MARK) => {
                if let Some(read) = reader(&value) {
                    return read(&value);
                }
            }
            // A prompt that shows JSON, with placeholders in it, is no JSON itself.
            Err(error) if is_of(&["json"]) && is_meant(text) => {
                return Err(DocumentError::of_json(text, error));
            }
            _ => {}
        }
    }
    markdown::read_markdown(text)
}

/// The same of a file on the disk, which may name the one that its prompt is in: that one is read from the file's folder,
/// or from below it, and from nowhere else.
///
/// # Errors
/// As for [`read`]; also where that file is elsewhere, or cannot be read.
pub fn read_on_disk(path: &Path, bytes: &[u8]) -> Result<Document, SourceError> {
    let error = match read(path, bytes) {
        Ok(document) => return Ok(document),
        Err(error) => error,
    };
    let Some(name) = &error.elsewhere else { return Err(error.in_file(path)) };
    let folder = Path::new(".").join(path.parent().unwrap_or(Path::new("")));
    let file = folder.join(name);
    let real = |path: &Path| path.canonicalize();
    match (real(&file), real(&folder)) {
        (Ok(file), Ok(folder)) if !file.starts_with(&folder) => return Err(error.in_file(path)),
        (Err(why), _) => {
            return Err(SourceError::unreadable(&file, &why).named_in(path, error.line));
        }
        _ => {}
    }
    let bytes = crate::source::read(&file)
        .map_err(|why| SourceError::unreadable(&file, &why).named_in(path, error.line))?;
    let read = text_of(&bytes).and_then(|text| promptfoo::read_named(&file, text));
    read.map_err(|error| error.in_file(&file))
}

/// Whether a text that is no JSON was meant to be a prompt file in JSON.
fn is_meant(text: &str) -> bool {
    [EXPORT_MARK, "\"messages\"", "\"role\""].iter().any(|mark| text.contains(mark))
}

/// What every export in JSON has, whatever its name.
const EXPORT_MARK: &str = "\"promptsearch\": {";

type Mark = fn(&Value) -> bool;
type Reader = fn(&Value) -> Result<Document, DocumentError>;

/// What reads a JSON value, if it is a prompt of some format.
fn reader(value: &Value) -> Option<Reader> {
    let readers: [(Mark, Reader); 4] = [
        (langsmith::is_manifest, langsmith::read),
        (dspy::is_state, dspy::read),
        (langfuse::is_payload, langfuse::read),
        (chat::is_chat, chat::read),
    ];
    readers.into_iter().find(|(is_it, _)| is_it(value)).map(|(_, read)| read)
}

/// The text of a file, without the byte order mark that some editors write.
fn text_of(bytes: &[u8]) -> Result<&str, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        DocumentError::new(line, "the file is not UTF-8", "save it as UTF-8")
    })?;
    if let Some(at) = text.find('\0') {
        return Err(DocumentError::new(
            crate::source::line_of_offset(text, at),
            "the file has NUL characters (byte 0), as UTF-16 has",
            "save it as UTF-8",
        ));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests;
