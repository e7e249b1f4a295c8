//! A prompt as the messages that other tools have, and back.
//!
//! The system message is all parts but `user`, joined by a blank line. An exported file lists the parts with their
//! lengths, and keeps the spelling of a part where that cannot be told from what the tool reads. So a file is read
//! back byte for byte; one that was edited, or that is of another origin, has its messages whole.

use super::document::{Document, DocumentError, DocumentPart};
use super::template::Syntax;
use super::{Exported, Unwritable};
use crate::prompt::USER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The fact that lists the parts.
const PARTS: &str = "parts";
/// What stands between two parts of a message.
const JOINT: &str = "\n\n";

/// Messages, and the facts beside them.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pub(super) facts: Vec<(String, Value)>,
    pub(super) system: Option<String>,
    pub(super) user: Option<String>,
}

/// A part as a file lists it.
#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    name: String,
    /// Its length in the tool's language; 0 where it is left out of the message, because it shows nothing.
    bytes: usize,
    /// Whether the search may not change it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    frozen: bool,
    /// The part as it is written here, where that is not told by the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<String>,
}

impl Messages {
    /// The messages of a prompt.
    ///
    /// # Errors
    /// A part that the language cannot say.
    pub(super) fn of(exported: &Exported<'_>, syntax: &dyn Syntax) -> Result<Self, Unwritable> {
        let mut messages = Self::default();
        let mut listed = Vec::new();
        for part in exported.prompt.parts() {
            let frozen = !exported.searched.contains(&part.name);
            let is_user = part.name == USER;
            let mut text = String::new();
            // A part that shows nothing is left out together with its blank line.
            if is_user || !part.text.trim().is_empty() {
                text = syntax.of_part(&part.text, !frozen).map_err(|why| {
                    Unwritable::new(
                        format!("the part `{}` cannot be said in this format: {why}", part.name),
                        "use `--format md` or `--format json`, which hold every prompt",
                    )
                })?;
            }
            if !is_user && text.trim().is_empty() {
                text.clear();
            }
            let is_told = syntax.to_part(&text).is_ok_and(|told| told == *part.text);
            listed.push(Listed {
                name: part.name.clone(),
                bytes: text.len(),
                frozen,
                template: (!is_told).then(|| part.text.to_string()),
            });
            if is_user {
                messages.user = Some(text);
            } else if !text.is_empty() {
                match &mut messages.system {
                    Some(system) => system.extend([JOINT, &text]),
                    None => messages.system = Some(text),
                }
            }
        }
        messages.facts = exported.facts.to_vec();
        messages.facts.push((PARTS.to_owned(), serde_json::json!(listed)));
        Ok(messages)
    }

    /// Lists a part that stands elsewhere in the file.
    pub(super) fn list_apart(&mut self, name: &str, text: &str) {
        let parts = self.facts.iter_mut().find(|(key, _)| key == PARTS);
        if let Some(parts) = parts.and_then(|(_, parts)| parts.as_array_mut()) {
            parts.push(serde_json::json!({"name": name, "bytes": 0, "template": text}));
        }
    }

    /// The facts as one value.
    pub(super) fn facts(&self) -> Value {
        Value::Object(self.facts.iter().cloned().collect())
    }

    /// The messages in order, with their roles.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let system = self.system.iter().map(|text| ("system", text.as_str()));
        system.chain(self.user.iter().map(|text| ("user", text.as_str())))
    }

    /// Adds a message that was found in a file at this place.
    ///
    /// # Errors
    /// A role or a second message that no prompt here has.
    pub(super) fn add(&mut self, role: &str, text: &str, place: &str) -> Result<(), DocumentError> {
        let help = "a prompt here is one system message and one user message";
        let (name, message) = match role {
            "system" | "developer" => ("system", &mut self.system),
            "user" | "human" => ("user", &mut self.user),
            _ => {
                return Err(DocumentError::new(
                    None,
                    format!("`{place}` has the role `{role}`"),
                    help,
                ));
            }
        };
        if message.replace(text.to_owned()).is_some() {
            return Err(DocumentError::new(
                None,
                format!("`{place}` is a second {name} message"),
                help,
            ));
        }
        Ok(())
    }

    /// The parts of the messages.
    ///
    /// # Errors
    /// A message that does more than show columns.
    pub(super) fn document(mut self, syntax: &dyn Syntax) -> Result<Document, DocumentError> {
        let place = self.facts.iter().position(|(name, _)| name == PARTS);
        let listed: Vec<Listed> = match place.map(|place| self.facts.remove(place).1) {
            None => Vec::new(),
            Some(listed) => serde_json::from_value(listed).map_err(|error| {
                DocumentError::new(
                    None,
                    format!("its list of parts cannot be read: {error}"),
                    "export the file again",
                )
            })?,
        };
        let mut parts = Vec::new();
        let system = self.system.as_deref();
        match self.listed_parts(&listed, syntax)? {
            Some(listed) => parts = listed,
            None => {
                let system = system.map(|text| told(syntax, text, "the system message"));
                parts.extend(system.transpose()?.map(DocumentPart::system));
                let user = self.user.as_deref().map(|text| told(syntax, text, "the user message"));
                parts.extend(user.transpose()?.map(|text| DocumentPart::named(USER, text)));
            }
        }
        Ok(Document { facts: self.facts, parts })
    }

    /// The parts as the file lists them; `None` where it does not, or where the borders of edited parts are unknown.
    fn listed_parts(
        &self,
        listed: &[Listed],
        syntax: &dyn Syntax,
    ) -> Result<Option<Vec<DocumentPart>>, DocumentError> {
        let is_shown = |part: &&Listed| part.name != USER && part.bytes > 0;
        let (mut rest, shown) = (self.system.as_deref(), listed.iter().filter(is_shown).count());
        let mut parts = Vec::new();
        for part in listed {
            let text = match (part.name == USER, part.bytes, rest) {
                (true, ..) => match self.user.as_deref() {
                    Some(text) => text,
                    None => return Ok(None),
                },
                (false, 0, _) => "",
                (false, _, None) => return Ok(None),
                (false, _, Some(text)) if shown == 1 => {
                    rest = None;
                    text
                }
                (false, bytes, Some(text)) => {
                    let Some((text, after)) = text.split_at_checked(bytes) else { return Ok(None) };
                    rest = match (after, after.strip_prefix(JOINT)) {
                        ("", _) => None,
                        (_, Some(after)) => Some(after),
                        (_, None) => return Ok(None),
                    };
                    text
                }
            };
            let is_told = |template: &&String| {
                let written = syntax.of_part(template, !part.frozen);
                part.bytes == 0 || written.is_ok_and(|written| written == text)
            };
            let text = match part.template.as_ref().filter(is_told) {
                Some(template) => template.clone(),
                None => told(syntax, text, &format!("the part `{}`", part.name))?,
            };
            parts.push(DocumentPart::named(&part.name, text));
        }
        Ok((rest.is_none() && !parts.is_empty()).then_some(parts))
    }
}

fn told(syntax: &dyn Syntax, text: &str, what: &str) -> Result<String, DocumentError> {
    syntax.to_part(text).map_err(|why| {
        DocumentError::new(
            None,
            format!("{what}: {why}"),
            "a searched part shows columns, and does nothing else with them",
        )
    })
}
