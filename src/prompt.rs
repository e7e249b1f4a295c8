//! Prompts: named parts of text, their placeholders, and their rendering to messages.
//!
//! A searched part is literal text in which only `{{ column }}` has a meaning; a frozen part is a
//! minijinja template (strict, without escaping, with limited work). A row's values are inserted
//! and never rendered as templates.
//!
//! The part `user` is the user message. All other parts, in the order of the task file and joined
//! by a blank line, are the system message.

use crate::id::CandidateId;
use crate::text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of the part that becomes the user message; every prompt has it.
pub const USER: &str = "user";

/// A named part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, such as `system`, `user` or `demos`.
    pub name: String,
    /// The template, byte for byte.
    pub text: Arc<str>,
}

/// A prompt: its parts, in the order of the task file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prompt {
    parts: Vec<Part>,
}

impl Prompt {
    /// A prompt from its parts, in order.
    #[must_use]
    pub fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// One part's template.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|part| part.name == name).map(|part| &*part.text)
    }

    /// The prompt with the text of one part replaced; an unknown part is not added.
    #[must_use]
    pub fn with_part(&self, name: &str, text: &str) -> Self {
        let mut parts = self.parts.clone();
        if let Some(part) = parts.iter_mut().find(|part| part.name == name) {
            part.text = text.into();
        }
        Self { parts }
    }

    /// The content hash that identifies a candidate: 12 hex digits of blake3 over names and texts,
    /// each preceded by its length, so that different prompts cannot have the same encoding.
    #[must_use]
    pub fn id(&self) -> CandidateId {
        let mut hasher = blake3::Hasher::new();
        for part in &self.parts {
            for text in [part.name.as_str(), &part.text] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        CandidateId::new(&hasher.finalize().to_hex()[..12])
    }

    /// Bytes of all parts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.text.len()).sum()
    }
}

/// The role of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The system message: instructions.
    System,
    /// The user message: the request.
    User,
}

/// One chat message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its role.
    pub role: Role,
    /// Its text.
    pub content: String,
}

/// A piece of a searched part: literal text, or a column's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Literal text.
    Literal(&'a str),
    /// The row's value in this column.
    Column(&'a str),
}

/// Splits a searched part at its `{{ name }}` placeholders.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut literal_from = 0;
    let mut search_from = 0;
    while let Some(found) = text[search_from..].find("{{") {
        let open = search_from + found;
        let Some((name, end)) = placeholder_at(text, open) else {
            search_from = open + 1;
            continue;
        };
        if literal_from < open {
            pieces.push(Piece::Literal(&text[literal_from..open]));
        }
        pieces.push(Piece::Column(name));
        literal_from = end;
        search_from = end;
    }
    if literal_from < text.len() {
        pieces.push(Piece::Literal(&text[literal_from..]));
    }
    pieces
}

fn placeholder_at(text: &str, open: usize) -> Option<(&str, usize)> {
    let inner_from = open + 2;
    let length = text[inner_from..].find("}}")?;
    let name = text[inner_from..inner_from + length].trim();
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    (starts_well && characters.all(|c| c.is_alphanumeric() || c == '_'))
        .then_some((name, inner_from + length + 2))
}

/// The names in a searched part's placeholders.
#[must_use]
pub fn placeholders(text: &str) -> BTreeSet<&str> {
    pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Column(name) => Some(name),
            Piece::Literal(_) => None,
        })
        .collect()
}

/// An error in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A syntax error, or the limit on work was exceeded.
    #[error("part `{part}`: {message}")]
    Broken {
        /// The part.
        part: String,
        /// The template engine's message.
        message: String,
        /// The line within the part, from 1.
        line: Option<usize>,
    },
    /// A placeholder without a column of that name.
    #[error("part `{part}`: there is no column for the placeholder `{name}`")]
    Unfilled {
        /// The part.
        part: String,
        /// The placeholder.
        name: String,
        /// The line within the part, from 1.
        line: Option<usize>,
    },
}

/// A row's values by column, as used in templates.
pub type Columns = serde_json::Map<String, serde_json::Value>;

/// The text of a value in a prompt: strings unchanged, all else as JSON.
#[must_use]
pub fn value_text(value: &serde_json::Value) -> std::borrow::Cow<'_, str> {
    match value {
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Null => "".into(),
        other => other.to_string().into(),
    }
}

/// The searched parts and the compiled frozen parts of a task.
#[derive(Debug)]
pub struct Layout {
    searched: Vec<String>,
    shown: BTreeSet<String>,
    frozen: minijinja::Environment<'static>,
}

/// The limit on work of one frozen template for one row, in the engine's instructions.
const FUEL: u64 = 100_000;

impl Layout {
    /// Compiles the frozen parts of the baseline and checks all placeholders against the columns.
    ///
    /// # Errors
    /// An invalid frozen template, or a placeholder without a column of that name.
    pub fn new(
        baseline: &Prompt,
        searched: &[String],
        columns: &BTreeSet<String>,
    ) -> Result<Self, TemplateError> {
        let mut frozen = minijinja::Environment::new();
        frozen.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        frozen.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        if let Ok(syntax) =
            minijinja::syntax::SyntaxConfig::builder().keep_trailing_newline(true).build()
        {
            frozen.set_syntax(syntax);
        }
        frozen.set_fuel(Some(FUEL));
        let mut shown = BTreeSet::new();
        for part in baseline.parts() {
            if searched.contains(&part.name) {
                shown.extend(placeholders(&part.text).into_iter().map(str::to_owned));
                if let Some(name) =
                    placeholders(&part.text).into_iter().find(|name| !columns.contains(*name))
                {
                    return Err(unfilled(part, name));
                }
                continue;
            }
            frozen
                .add_template_owned(part.name.clone(), part.text.to_string())
                .map_err(|error| broken(&part.name, &error))?;
            let template =
                frozen.get_template(&part.name).map_err(|error| broken(&part.name, &error))?;
            let used: BTreeSet<String> = template
                .undeclared_variables(false)
                .into_iter()
                .filter(|name| !is_global(&frozen, name))
                .collect();
            if let Some(name) = used.iter().find(|name| !columns.contains(*name)) {
                return Err(unfilled(part, name));
            }
            shown.extend(used);
        }
        Ok(Self { searched: searched.to_vec(), shown, frozen })
    }

    /// The columns that the baseline's parts show.
    #[must_use]
    pub fn shown_columns(&self) -> &BTreeSet<String> {
        &self.shown
    }

    /// The names of the searched parts.
    #[must_use]
    pub fn searched(&self) -> &[String] {
        &self.searched
    }

    /// Whether a part is searched.
    #[must_use]
    pub fn is_searched(&self, part: &str) -> bool {
        self.searched.iter().any(|name| name == part)
    }

    /// The messages for one row.
    ///
    /// # Errors
    /// A frozen template that fails on this row's values.
    pub fn render(&self, prompt: &Prompt, row: &Columns) -> Result<Vec<Message>, TemplateError> {
        let mut system = String::new();
        let mut user = String::new();
        for part in prompt.parts() {
            if part.name == USER {
                self.render_part(part, row, &mut user)?;
                continue;
            }
            let before = system.len();
            if before > 0 {
                system.push_str("\n\n");
            }
            let from = system.len();
            self.render_part(part, row, &mut system)?;
            // An empty part, such as `demos` without demonstrations, is left out together with its
            // blank line.
            if system[from..].trim().is_empty() {
                system.truncate(before);
            }
        }
        let mut messages = Vec::with_capacity(2);
        if !system.is_empty() {
            messages.push(Message { role: Role::System, content: system });
        }
        messages.push(Message { role: Role::User, content: user });
        Ok(messages)
    }

    fn render_part(
        &self,
        part: &Part,
        row: &Columns,
        target: &mut String,
    ) -> Result<(), TemplateError> {
        if self.is_searched(&part.name) {
            fill(part, row, target);
            return Ok(());
        }
        let template = self.frozen.get_template(&part.name).map_err(|e| broken(&part.name, &e))?;
        let text =
            template.render(minijinja::value::Serde(row)).map_err(|e| broken(&part.name, &e))?;
        target.push_str(&text);
        Ok(())
    }

    /// Bytes of the rendered prompt without the row's values.
    #[must_use]
    pub fn bytes_without_row(&self, prompt: &Prompt) -> usize {
        prompt
            .parts()
            .iter()
            .flat_map(|part| pieces(&part.text))
            .map(|piece| match piece {
                Piece::Literal(text) => text.len(),
                Piece::Column(_) => 0,
            })
            .sum()
    }
}

fn is_global(environment: &minijinja::Environment<'_>, name: &str) -> bool {
    environment.globals().any(|(global, _)| global == name)
}

fn fill(part: &Part, row: &Columns, target: &mut String) {
    for piece in pieces(&part.text) {
        match piece {
            Piece::Literal(text) => target.push_str(text),
            // Candidates with unknown placeholders are rejected, so a missing column is a null.
            Piece::Column(name) => {
                if let Some(value) = row.get(name) {
                    target.push_str(&value_text(value));
                }
            }
        }
    }
}

fn unfilled(part: &Part, name: &str) -> TemplateError {
    let line = part.text.lines().position(|line| line.contains("{{") && line.contains(name));
    TemplateError::Unfilled {
        part: part.name.clone(),
        name: name.to_owned(),
        line: line.map(|index| index + 1),
    }
}

fn broken(part: &str, error: &minijinja::Error) -> TemplateError {
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    TemplateError::Broken { part: part.to_owned(), message, line: error.line() }
}

/// A word diff of two texts as (tag, piece) runs: `-` only in the first, `+` only in the second,
/// ` ` in both.
#[must_use]
pub fn word_diff(before: &str, after: &str) -> Vec<(char, String)> {
    let diff = similar::TextDiff::from_unicode_words(before, after);
    let mut runs: Vec<(char, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        let tag = match change.tag() {
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
            similar::ChangeTag::Equal => ' ',
        };
        match runs.last_mut() {
            Some((last, text)) if *last == tag => text.push_str(change.value()),
            _ => runs.push((tag, change.value().to_owned())),
        }
    }
    runs
}

/// A prompt shortened to one line.
#[must_use]
pub fn gist(prompt: &Prompt, searched: &[String], limit: usize) -> String {
    let texts: Vec<&str> = searched.iter().filter_map(|name| prompt.part(name)).collect();
    text::shorten(&texts.join(" / "), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prompt(system: &str, user: &str) -> Prompt {
        Prompt::new(vec![
            Part { name: "system".into(), text: system.into() },
            Part { name: "user".into(), text: user.into() },
        ])
    }

    fn columns() -> BTreeSet<String> {
        BTreeSet::from(["input".to_owned(), "locale".to_owned()])
    }

    #[test]
    fn only_column_placeholders_mean_anything_in_a_searched_part() {
        let text = r#"Reply {"a": {{ input }}} {% if x %} {{ 1 + 1 }} {{{input}}}"#;
        assert_eq!(
            pieces(text),
            [
                Piece::Literal(r#"Reply {"a": "#),
                Piece::Column("input"),
                Piece::Literal("} {% if x %} {{ 1 + 1 }} {"),
                Piece::Column("input"),
                Piece::Literal("}"),
            ]
        );
    }

    #[test]
    fn rows_are_inserted_and_never_read_as_templates() {
        let baseline =
            prompt("Be {{ locale }}.", "{{ input }}{% if locale == 'de' %}!{% endif %}\n");
        let layout = Layout::new(&baseline, &["system".to_owned()], &columns()).unwrap();
        let row = serde_json::json!({"input": "{{ locale }} <b>", "locale": "de"});
        let messages = layout.render(&baseline, row.as_object().unwrap()).unwrap();
        assert_eq!(messages[0].content, "Be de.");
        assert_eq!(messages[1].content, "{{ locale }} <b>!\n");
    }

    #[test]
    fn an_empty_part_leaves_no_blank_line() {
        let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
        let system = |parts: &[(&str, &str)]| {
            let mut parts: Vec<Part> = parts.iter().map(|(name, text)| part(name, text)).collect();
            parts.push(part(USER, "{{ input }}"));
            let baseline = Prompt::new(parts);
            let row = serde_json::json!({"input": "hi", "locale": ""});
            let searched = ["system".to_owned(), "demos".to_owned()];
            let layout = Layout::new(&baseline, &searched, &columns()).unwrap();
            let mut messages = layout.render(&baseline, row.as_object().unwrap()).unwrap();
            assert_eq!(messages.pop().unwrap().content, "hi");
            messages.pop().map(|message| message.content)
        };
        let says = |text: &str| Some(text.to_owned());
        assert_eq!(system(&[("system", "Sort."), ("demos", "")]), says("Sort."));
        assert_eq!(system(&[("demos", "\n"), ("system", "Sort.")]), says("Sort."));
        let three = [("system", "Sort."), ("demos", ""), ("rest", "Only the name.")];
        assert_eq!(system(&three), says("Sort.\n\nOnly the name."));
        // A frozen part may be empty for one row and not for another.
        assert_eq!(system(&[("system", "Sort."), ("rest", "{{ locale }}")]), says("Sort."));
        assert_eq!(system(&[("system", ""), ("demos", "")]), None);
    }

    #[test]
    fn a_placeholder_that_no_column_fills_is_named_with_its_line() {
        for searched in [vec![], vec!["system".to_owned()]] {
            let baseline = prompt("a\n{{ inptu }}", "{{ input }}");
            let error = Layout::new(&baseline, &searched, &columns()).unwrap_err();
            assert_eq!(
                error,
                TemplateError::Unfilled {
                    part: "system".into(),
                    name: "inptu".into(),
                    line: Some(2)
                }
            );
        }
    }

    #[test]
    fn a_frozen_template_cannot_run_for_ever() {
        let endless =
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        let baseline = prompt(endless, "{{ input }}");
        let layout = Layout::new(&baseline, &[], &columns()).unwrap();
        assert!(layout.render(&baseline, &Columns::new()).is_err());
    }

    #[test]
    fn ids_depend_on_every_byte_and_on_the_borders_of_parts() {
        assert_ne!(prompt("ab", "c").id(), prompt("a", "bc").id());
        assert_eq!(prompt("ab", "c").id(), prompt("ab", "c").id());
        assert_eq!(prompt("ab", "c").id().as_str().len(), 12);
    }

    proptest! {
        #[test]
        fn pieces_put_together_are_the_text(text in r"[a{} \n]{0,40}") {
            let together: String = pieces(&text)
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(literal) => (*literal).to_owned(),
                    Piece::Column(name) => format!("{{{{{name}}}}}"),
                })
                .collect();
            let squeeze = |text: &str| text.replace([' ', '\n'], "");
            prop_assert_eq!(squeeze(&together), squeeze(&text));
        }
    }
}
