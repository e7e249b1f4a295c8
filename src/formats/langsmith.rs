//! A chat prompt as LangSmith keeps it: the manifest that `langchain_core.load.load` takes.

use super::chat::{facts, text_at};
use super::document::{Document, DocumentError, FORMAT_KEY};
use super::escaped::escaped_lines;
use super::fstring::{self, FString};
use super::messages::Messages;
use super::mustache::Mustache;
use super::nunjucks::Nunjucks;
use super::template::{Own, Syntax, columns};
use super::{Exported, Unwritable};
use crate::prompt::literal;
use serde_json::{Value, json};

pub(super) fn write(exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
    let messages = Messages::of(exported, &FString)?;
    let each = messages.each().map(|(role, text)| {
        let class = if role == "system" {
            "SystemMessagePromptTemplate"
        } else {
            "HumanMessagePromptTemplate"
        };
        let segments = fstring::parsed(text).unwrap_or_default();
        let prompt = json!({
            "input_variables": columns(&segments), "template": text, "template_format": "f-string",
        });
        let prompt = constructor(&["langchain", "prompts", "prompt", "PromptTemplate"], prompt);
        constructor(&["langchain", "prompts", "chat", class], json!({"prompt": prompt}))
    });
    let kwargs = json!({
        "input_variables": exported.columns(),
        "messages": each.collect::<Value>(),
        "metadata": {FORMAT_KEY: messages.facts()},
    });
    let manifest = constructor(&["langchain", "prompts", "chat", "ChatPromptTemplate"], kwargs);
    Ok(format!("{}\n", escaped_lines(&manifest)).into_bytes())
}

fn constructor(id: &[&str], kwargs: Value) -> Value {
    json!({"lc": 1, "type": "constructor", "id": id, "kwargs": kwargs})
}

/// Whether it is a manifest, or LangSmith's reply that has one.
pub(super) fn is_manifest(value: &Value) -> bool {
    value.get("lc").is_some() || value["manifest"].get("lc").is_some()
}

/// The last name of a constructor's id.
fn class(value: &Value) -> &str {
    let id = value["id"].as_array().and_then(|id| id.last());
    id.and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn read(value: &Value) -> Result<Document, DocumentError> {
    let (value, at) = match value.get("manifest") {
        Some(manifest) => (manifest, "manifest.kwargs"),
        None => (value, "kwargs"),
    };
    let kwargs = &value["kwargs"];
    if class(value) == "PromptTemplate" {
        return part(kwargs, at).map(Document::plain);
    }
    let list = kwargs["messages"].as_array().ok_or_else(|| {
        DocumentError::new(
            None,
            format!(
                "`{at}.messages` is missing: this is a `{}`, not a prompt of messages",
                class(value)
            ),
            "name the manifest of a ChatPromptTemplate",
        )
    })?;
    let facts = facts(&kwargs["metadata"]);
    let is_export = !facts.is_empty();
    let mut messages = Messages { facts, ..Messages::default() };
    for (number, message) in list.iter().enumerate() {
        let place = format!("{at}.messages[{number}]");
        let role = match class(message) {
            "SystemMessagePromptTemplate" | "SystemMessage" => "system",
            "HumanMessagePromptTemplate" | "HumanMessage" => "user",
            other => other,
        };
        let kwargs = &message["kwargs"];
        let text = match kwargs.get("prompt") {
            Some(prompt) => {
                let place = format!("{place}.kwargs.prompt.kwargs");
                match is_export {
                    true => text_at(&prompt["kwargs"], "template", &place)?.to_owned(),
                    false => part(&prompt["kwargs"], &place)?,
                }
            }
            // A message that is no template.
            None => {
                let text = text_at(kwargs, "content", &format!("{place}.kwargs"))?;
                if is_export { fstring::literal(text) } else { literal(text).into_owned() }
            }
        };
        messages.add(role, &text, &place)?;
    }
    let syntax: &dyn Syntax = if is_export { &FString } else { &Own };
    messages.document(syntax)
}

/// The template of a `PromptTemplate` as a part.
fn part(kwargs: &Value, at: &str) -> Result<String, DocumentError> {
    let text = text_at(kwargs, "template", at)?;
    let syntax: &dyn Syntax = match kwargs["template_format"].as_str() {
        None | Some("f-string") => &FString,
        Some("mustache") => &Mustache,
        Some("jinja2") => &Nunjucks,
        Some(other) => {
            let why = format!("`{at}.template_format` is `{other}`");
            return Err(DocumentError::new(None, why, "f-string, mustache and jinja2 are read"));
        }
    };
    syntax.to_part(text).map_err(|why| {
        DocumentError::new(
            None,
            format!("`{at}.template`: {why}"),
            "a prompt here shows variables, and does nothing else with them",
        )
    })
}
