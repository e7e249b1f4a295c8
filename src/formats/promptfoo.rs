//! A configuration of promptfoo: the prompt, and tests that ask it again.
//!
//! <https://www.promptfoo.dev/docs/configuration/guide/>.

use super::chat::{add, chat};
use super::document::{Document, DocumentError, FORMAT_KEY};
use super::escaped::{escaped, escaped_lines};
use super::messages::Messages;
use super::nunjucks::{Nunjucks, is_plain, is_variable};
use super::template::Syntax as _;
use super::{Exported, Unwritable};
use crate::source::json;
use crate::source::yaml::Node;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// The first line of a file: editors find the schema by it.
pub(super) const SCHEMA: &str =
    "# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json";

/// Rows that ask the prompt again, and what a right answer is.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// What the rows are: a sentence.
    pub description: String,
    /// The models to ask.
    pub providers: Value,
    /// The least share of tests to pass, in percent.
    pub pass_percent: Option<u32>,
    /// The rows.
    pub rows: Vec<SuiteRow>,
}

/// A row of a suite.
#[derive(Clone, Debug)]
pub struct SuiteRow {
    /// The row's id.
    pub id: String,
    /// The values that the prompt shows, by column.
    pub values: Vec<(String, String)>,
    /// What promptfoo asserts of the answer.
    pub assertions: Vec<Value>,
}

pub(super) fn write(exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
    let messages = Messages::of(exported, &Nunjucks)?;
    let nothing = Suite::default();
    let suite = exported.suite.unwrap_or(&nothing);
    let is_shown_as_it_is = |row: &&SuiteRow| {
        let asserted = row.assertions.iter().filter_map(|it| it["value"].as_str());
        row.values.iter().map(|(_, value)| value.as_str()).chain(asserted).all(is_plain)
    };
    let rows: Vec<&SuiteRow> = suite.rows.iter().filter(is_shown_as_it_is).collect();
    let mut description = suite.description.clone();
    if rows.len() < suite.rows.len() {
        let left_out = crate::text::plural(suite.rows.len() - rows.len(), "row");
        let _ = write!(
            description,
            " {left_out} whose values promptfoo would read as templates or files are left out."
        );
    }
    if let Some(simulated) = exported.simulated {
        let _ = write!(description, " {simulated}");
    }
    let mut file = format!("{SCHEMA}\n");
    // Writing to a string cannot fail.
    let _ = writeln!(file, "description: {}", escaped(&description.trim().into()));
    let _ = writeln!(file, "metadata:\n  {FORMAT_KEY}: {}", escaped(&messages.facts()));
    if let Some(percent) = suite.pass_percent {
        let _ = writeln!(file, "env:\n  PROMPTFOO_PASS_RATE_THRESHOLD: \"{percent}\"");
    }
    let label = exported.fact("candidate").and_then(Value::as_str).unwrap_or("prompt");
    let _ = writeln!(file, "prompts:\n  - label: {}\n    raw: |-", escaped(&label.into()));
    for line in escaped_lines(&chat(&messages)).lines() {
        let _ = writeln!(file, "      {line}");
    }
    file.push_str("providers:\n");
    for provider in suite.providers.as_array().into_iter().flatten() {
        let _ = writeln!(file, "  - {}", escaped(provider));
    }
    file.push_str(if rows.is_empty() { "tests: []\n" } else { "tests:\n" });
    for row in rows {
        let test = json!({
            "description": row.id, "vars": variables(&row.values), "assert": row.assertions,
        });
        let _ = writeln!(file, "  - {}", escaped(&test));
    }
    Ok(file.into_bytes())
}

/// A row's values as variables.
fn variables(values: &[(String, String)]) -> Value {
    let (mut variables, mut fields) = (Map::new(), Map::new());
    for (name, value) in values {
        let place = if is_variable(name) { &mut variables } else { &mut fields };
        place.insert(name.clone(), value.as_str().into());
    }
    if !fields.is_empty() {
        variables.insert("row".to_owned(), fields.into());
    }
    variables.into()
}

/// The configuration that a file is, if it is one.
///
/// # Errors
/// It is one that is no YAML.
pub(super) fn configuration(text: &str) -> Result<Option<Node>, DocumentError> {
    if !text.lines().any(|line| line.starts_with("prompts:")) {
        return Ok(None);
    }
    let node = Node::parse(Path::new("configuration"), text);
    let node = node.map_err(|error| {
        DocumentError::new(error.line, error.message, "a configuration of promptfoo is YAML")
    })?;
    Ok(node.get("prompts").is_some().then_some(node))
}

/// Extensions of files that hold prompts.
const TEXTS: &[&str] = &["txt", "md", "json", "yaml", "yml", "j2"];

/// The file that a prompt of a configuration is in, if it is in one, as the configuration names it.
#[must_use]
pub fn named_file(prompt: &str) -> Option<&str> {
    let is_of = |it: &&str| prompt.strip_suffix(*it).is_some_and(|name| name.ends_with('.'));
    let looks_like_one = !prompt.contains('\n') && TEXTS.iter().any(is_of);
    match prompt.strip_prefix("file://") {
        None => looks_like_one.then_some(prompt),
        named => named,
    }
}

pub(super) fn read(node: &Node) -> Result<Document, DocumentError> {
    let prompts = node.get("prompts").unwrap_or(node);
    let prompt = match prompts.items() {
        [] => prompts,
        [only] => only,
        several => {
            return Err(DocumentError::new(
                prompts.line,
                format!("the configuration has {} prompts", several.len()),
                "leave one in a file of its own",
            ));
        }
    };
    let raw = ["raw", "content", "id", "path"].iter().find_map(|key| prompt.get(key)?.text());
    let Some(text) = raw.or_else(|| prompt.text()) else {
        let help = "write it as a text, or as `raw: …`";
        return Err(DocumentError::new(prompt.line, "the prompt is no text", help));
    };
    if let Some(file) = named_file(text) {
        return Err(DocumentError::elsewhere(prompt.line, file));
    }
    let facts = node.get("metadata").map(Node::value);
    let facts = facts.as_ref().map(super::chat::facts).unwrap_or_default();
    let messages = Messages { facts, ..Messages::default() };
    of_text(messages, text).map_err(|error| DocumentError { line: Some(prompt.line), ..error })
}

/// The prompt in a file that a configuration names.
pub(super) fn read_named(name: &Path, text: &str) -> Result<Document, DocumentError> {
    let extension = name.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let is_of = |wanted: &[&str]| wanted.iter().any(|it| extension.eq_ignore_ascii_case(it));
    // promptfoo takes each part of such a file for a prompt of its own.
    let between = text.lines().position(|line| line.trim() == "---");
    if let Some(line) = between.filter(|_| is_of(&["txt"])) {
        let message = "a line `---` parts the file into several prompts";
        return Err(DocumentError::new(line + 1, message, "leave one in a file of its own"));
    }
    if is_of(&["yaml", "yml"]) {
        let node = Node::parse(name, text).map_err(|error| {
            DocumentError::new(error.line, error.message, "a prompt in such a file is YAML")
        })?;
        return of_text(Messages::default(), &node.value().to_string());
    }
    of_text(Messages::default(), text.trim_end())
}

/// A chat in JSON, or the text of the one part.
fn of_text(mut messages: Messages, text: &str) -> Result<Document, DocumentError> {
    match json::parse(text) {
        Ok(list) if list[0].get("role").is_some() => {
            add(&mut messages, &list, "prompt")?;
            messages.document(&Nunjucks)
        }
        _ => Nunjucks.to_part(text).map(Document::plain).map_err(|why| {
            let help = "a prompt here shows variables, and does nothing else with them";
            DocumentError::new(None, format!("the prompt: {why}"), help)
        }),
    }
}
