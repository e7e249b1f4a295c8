//! How a task's prompts become messages: searched parts are filled, frozen parts are rendered.

use super::code::{code, columns_of_row, for_engine, unknown_name};
use super::fragment::{Fragment, fragments, placed_fragments};
use super::operators::with_filters;
use super::placeholder::{Flaw, flaw, pieces, placeholder, placeholders, statement, strays};
use super::template::environment;
use super::written::written;
use super::{Columns, Message, Part, Piece, Prompt, Role, USER, value_text};
use minijinja::ErrorKind;
use minijinja::value::{Serde, Value};
use std::collections::{BTreeMap, BTreeSet};

/// An error in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A syntax error, a filter that does not exist, or an expression that fails on a row's values.
    #[error("part `{part}`: {message}")]
    Broken {
        /// The part.
        part: String,
        /// What is wrong.
        message: String,
        /// The line within the part, from 1.
        line: Option<usize>,
    },
    /// It takes more work for a row than a template may.
    #[error("part `{part}`: its template takes too much work for one row")]
    Exhausted {
        /// The part.
        part: String,
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
    /// A column whose name is no word stands without quotes.
    #[error("part `{part}`: to show the column `{name}`, write `{}`", placeholder(name))]
    Unquoted {
        /// The part.
        part: String,
        /// The column.
        name: String,
        /// The line within the part, from 1.
        line: Option<usize>,
    },
    /// A searched part does more with a column than to show it.
    #[error("part `{part}` is searched, where only columns can be shown, not `{expression}`")]
    Expression {
        /// The part.
        part: String,
        /// The code as it is written.
        expression: String,
        /// The line within the part, from 1.
        line: Option<usize>,
    },
}

impl TemplateError {
    /// The part, and the line within it, from 1.
    #[must_use]
    pub fn place(&self) -> (&str, Option<usize>) {
        match self {
            Self::Broken { part, line, .. }
            | Self::Exhausted { part, line }
            | Self::Unfilled { part, line, .. }
            | Self::Unquoted { part, line, .. }
            | Self::Expression { part, line, .. } => (part, *line),
        }
    }
}

/// A row as a prompt shows it.
#[derive(Clone, Copy, Debug)]
pub struct RowValues<'a> {
    /// Its values by column.
    pub columns: &'a Columns,
    /// The columns whose text is a number as it was written: `1.50`, `1e3`, an id of 25 digits.
    pub numbers: &'a [String],
}

impl<'a> From<&'a Columns> for RowValues<'a> {
    fn from(columns: &'a Columns) -> Self {
        Self { columns, numbers: &[] }
    }
}

/// The searched parts and the compiled frozen parts of a task.
#[derive(Debug)]
pub struct Layout {
    searched: Vec<String>,
    shown: BTreeSet<String>,
    frozen: minijinja::Environment<'static>,
}

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
        let mut layout =
            Self { searched: searched.to_vec(), shown: BTreeSet::new(), frozen: environment() };
        for part in baseline.parts() {
            let shown = if layout.is_searched(&part.name) {
                columns_of_searched(part, columns)?
            } else {
                layout.compile(part, columns)?
            };
            layout.shown.extend(shown);
        }
        Ok(layout)
    }

    /// Compiles a frozen part; the columns that it shows.
    fn compile(
        &mut self,
        part: &Part,
        columns: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, TemplateError> {
        // The engine would say that its syntax is wrong, or take `x-y` for a difference.
        let code = code(&part.text);
        let found = strays(&code, columns);
        if let Some((stray, column)) = found.iter().find_map(|it| Some((it, it.named()?))) {
            return Err(unquoted(part, column, line_of(part, stray.inner)));
        }
        let text = for_engine(&part.text);
        // As it is written, so that what is wrong with it is said of that.
        for text in [text.clone().into_owned(), with_filters(&text).into_owned()] {
            let added = self.frozen.add_template_owned(part.name.clone(), text);
            added.map_err(|error| {
                // Words beside each other are a name that no column has.
                const WORDS: &[&str] = &["if", "else", "and", "or", "not", "in", "is"];
                let is_name = |inner: &str| {
                    inner.contains(' ') && !inner.split(' ').any(|word| WORDS.contains(&word))
                };
                let named = found.iter().find(|it| it.column.is_none() && is_name(it.inner));
                match named.filter(|_| error.kind() == ErrorKind::SyntaxError) {
                    Some(stray) => unfilled(part, stray.inner),
                    None => broken(part, &error),
                }
            })?;
        }
        if let Some((what, name)) = unknown_name(&self.frozen, &part.text) {
            let (message, line) = (format!("there is no {what} `{name}`"), line_of(part, &name));
            return Err(TemplateError::Broken { part: part.name.clone(), message, line });
        }
        let template =
            self.frozen.get_template(&part.name).map_err(|error| broken(part, &error))?;
        let mut used: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
        if used.remove("row") {
            match columns_of_row(&part.text) {
                Some(names) => used.extend(names),
                None => used.extend(columns.iter().cloned()),
            }
        }
        let is_global = |name: &String| self.frozen.globals().any(|(global, _)| global == name);
        used.retain(|name| columns.contains(name) || !is_global(name));
        match used.iter().find(|name| !columns.contains(*name)) {
            Some(name) => Err(unfilled(part, name)),
            None => Ok(used),
        }
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
    pub fn render<'a>(
        &self,
        prompt: &Prompt,
        row: impl Into<RowValues<'a>>,
    ) -> Result<Vec<Message>, TemplateError> {
        let row = row.into();
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

    /// The parts filled with one row, by name.
    ///
    /// # Errors
    /// A frozen template that fails on this row's values.
    pub fn render_parts<'a>(
        &self,
        prompt: &Prompt,
        row: impl Into<RowValues<'a>>,
    ) -> Result<Columns, TemplateError> {
        let row = row.into();
        let filled = prompt.parts().iter().map(|part| {
            let mut text = String::new();
            self.render_part(part, row, &mut text)?;
            Ok((part.name.clone(), text.into()))
        });
        filled.collect()
    }

    fn render_part(
        &self,
        part: &Part,
        row: RowValues<'_>,
        target: &mut String,
    ) -> Result<(), TemplateError> {
        let begins_message = target.is_empty();
        if self.is_searched(&part.name) {
            fill(part, row.columns, target);
        } else {
            let template = self.frozen.get_template(&part.name).map_err(|e| broken(part, &e))?;
            let text = template.render(self.values(row)).map_err(|e| broken(part, &e))?;
            target.push_str(&text);
        }
        if begins_message && begins_with_nothing(part, row.columns) {
            target.drain(..blank_lines(target));
        }
        Ok(())
    }

    /// What a frozen part can show of a row; a column that the row lacks is null, as in a searched part.
    fn values(&self, row: RowValues<'_>) -> Value {
        let value = |name: &String| match row.columns.get(name) {
            Some(serde_json::Value::String(text)) if row.numbers.contains(name) => written(text),
            value => Value::from(Serde(value)),
        };
        let mut values: BTreeMap<String, Value> =
            self.shown.iter().map(|name| (name.clone(), value(name))).collect();
        let whole = Value::from(values.clone());
        values.insert("row".to_owned(), whole);
        Value::from(values)
    }

    /// How many bytes of a prompt's messages, from the first one on, are the same for all rows: up to the
    /// first place that may depend on one.
    #[must_use]
    pub fn stable_bytes(&self, prompt: &Prompt, messages: &[Message]) -> usize {
        let (mut expected, mut is_whole) = (String::new(), true);
        for part in prompt.parts().iter().filter(|part| part.name != USER) {
            let (start, is_all) = self.stable_start(part);
            if !start.trim().is_empty() {
                expected.push_str(if expected.is_empty() { "" } else { "\n\n" });
                expected.push_str(&start);
            }
            is_whole = is_all;
            if !is_whole {
                break;
            }
        }
        let text_of = |role: Role| {
            let message = messages.iter().find(|message| message.role == role);
            message.map_or("", |message| message.content.as_str())
        };
        let system = text_of(Role::System);
        let shared = common_start(system, &expected);
        if !is_whole || shared < system.len() {
            return shared;
        }
        let user = prompt.parts().iter().find(|part| part.name == USER);
        let start = user.map_or_else(String::new, |part| self.stable_start(part).0);
        shared + if start.trim().is_empty() { 0 } else { common_start(text_of(Role::User), &start) }
    }

    /// What a part is rendered to before the first place in it that may depend on a row, and whether that is
    /// all of it.
    fn stable_start(&self, part: &Part) -> (String, bool) {
        if !self.is_searched(&part.name) {
            return match fragments(&part.text)[..] {
                [] => (String::new(), true),
                [Fragment::Text(text)] => (text.to_owned(), true),
                // Code may take away the space before it.
                [Fragment::Text(text), ..] => (text.trim_end().to_owned(), false),
                _ => (String::new(), false),
            };
        }
        let mut start = String::new();
        for piece in pieces(&part.text) {
            match piece {
                Piece::Literal(text) | Piece::Raw { text, .. } => start.push_str(text),
                Piece::Column { .. } => return (start, false),
            }
        }
        (start, true)
    }

    /// Bytes of the rendered prompt without the row's values; code counts as it is written.
    #[must_use]
    pub fn bytes_without_row(&self, prompt: &Prompt) -> usize {
        let bytes = |part: &Part| -> usize {
            if self.is_searched(&part.name) {
                let shown = |piece| match piece {
                    Piece::Literal(text) | Piece::Raw { text, .. } => str::len(text),
                    Piece::Column { .. } => 0,
                };
                return pieces(&part.text).into_iter().map(shown).sum();
            }
            let shown = |fragment| match fragment {
                Fragment::Text(text) | Fragment::Raw { text, .. } => str::len(text),
                Fragment::Code { source, .. } => source.len(),
                Fragment::Column { .. } | Fragment::Comment(_) => 0,
            };
            fragments(&part.text).into_iter().map(shown).sum()
        };
        prompt.parts().iter().map(bytes).sum()
    }
}

/// The columns that a searched part shows.
fn columns_of_searched(
    part: &Part,
    columns: &BTreeSet<String>,
) -> Result<BTreeSet<String>, TemplateError> {
    if let Some(Flaw { at, message }) = flaw(&part.text, columns) {
        let line = line_at(part, at);
        return Err(TemplateError::Broken { part: part.name.clone(), message, line });
    }
    if let Some(stray) = strays(&part.text, columns).first() {
        return Err(match (stray.named(), stray.column) {
            (Some(column), _) => unquoted(part, column, line_at(part, stray.at)),
            (None, Some(_)) => TemplateError::Expression {
                part: part.name.clone(),
                expression: format!("{{{{ {} }}}}", stray.inner),
                line: line_at(part, stray.at),
            },
            (None, None) => TemplateError::Unfilled {
                part: part.name.clone(),
                name: stray.inner.to_owned(),
                line: line_at(part, stray.at),
            },
        });
    }
    if let Some((at, source)) = statement(&part.text, columns) {
        return Err(TemplateError::Expression {
            part: part.name.clone(),
            expression: crate::text::shorten(source, 80),
            line: line_at(part, at),
        });
    }
    let shown = placeholders(&part.text);
    match shown.iter().find(|name| !columns.contains(**name)) {
        Some(name) => Err(unfilled(part, name)),
        None => Ok(shown.into_iter().map(str::to_owned).collect()),
    }
}

/// Whether a part begins with a placeholder that shows nothing: an optional column, such as a context.
fn begins_with_nothing(part: &Part, row: &Columns) -> bool {
    let is_blank =
        |piece: &Piece<'_>| matches!(piece, Piece::Literal(text) if text.trim().is_empty());
    let first = pieces(&part.text).into_iter().find(|piece| !is_blank(piece));
    first
        .and_then(Piece::column)
        .is_some_and(|name| row.get(name).is_none_or(|value| value_text(value).trim().is_empty()))
}

/// Bytes of the blank lines at the head of a text.
fn blank_lines(text: &str) -> usize {
    let lines = text.split_inclusive('\n');
    lines.take_while(|line| line.ends_with('\n') && line.trim().is_empty()).map(str::len).sum()
}

fn fill(part: &Part, row: &Columns, target: &mut String) {
    for piece in pieces(&part.text) {
        match piece {
            Piece::Literal(text) | Piece::Raw { text, .. } => target.push_str(text),
            // Candidates with unknown placeholders are rejected, so a missing column is a null.
            Piece::Column { name, .. } => {
                if let Some(value) = row.get(name) {
                    target.push_str(&value_text(value));
                }
            }
        }
    }
}

/// Bytes of the longest common beginning of two texts.
fn common_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

fn unfilled(part: &Part, name: &str) -> TemplateError {
    let is_named = |fragment| matches!(fragment, Fragment::Column { name: it, .. } if it == name);
    let place =
        placed_fragments(&part.text).find_map(|(at, fragment)| is_named(fragment).then_some(at));
    // In a frozen part it may be a part of an expression.
    let line = match place {
        Some(at) => line_at(part, at),
        None => line_of(part, name),
    };
    TemplateError::Unfilled { part: part.name.clone(), name: name.to_owned(), line }
}

fn unquoted(part: &Part, name: &str, line: Option<usize>) -> TemplateError {
    TemplateError::Unquoted { part: part.name.clone(), name: name.to_owned(), line }
}

/// The line of a byte of a part, from 1.
fn line_at(part: &Part, at: usize) -> Option<usize> {
    Some(part.text.get(..at)?.matches('\n').count() + 1)
}

/// The first line of a part that holds a text, from 1.
fn line_of(part: &Part, text: &str) -> Option<usize> {
    part.text.lines().position(|line| line.contains(text)).map(|index| index + 1)
}

fn broken(part: &Part, error: &minijinja::Error) -> TemplateError {
    if error.kind() == ErrorKind::OutOfFuel {
        return TemplateError::Exhausted { part: part.name.clone(), line: error.line() };
    }
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    TemplateError::Broken { part: part.name.clone(), message, line: error.line() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn an_empty_placeholder_at_the_head_leaves_no_blank_lines() {
        let columns = BTreeSet::from(["context".to_owned(), "input".to_owned()]);
        let all = "{{ context }}\n\n{{ input }}";
        for (system, user, context, expected) in [
            ("", all, json!(""), ["", "Q"]),
            ("", all, json!(null), ["", "Q"]),
            ("", all, json!("C"), ["", "C\n\nQ"]),
            ("", "{{ context }}\n \n  {{ context }}\n{{ input }}", json!(""), ["", "Q"]),
            ("", "\n{{ context }}\n  {{ input }}", json!(""), ["", "  Q"]),
            ("", "\n\n{{ input }}", json!(""), ["", "\n\nQ"]),
            ("", "{{ input }}\n\n{{ context }}\n", json!(""), ["", "Q\n\n\n"]),
            ("{{ context }}\n\nRoute it.", "{{ input }}", json!(""), ["Route it.", "Q"]),
        ] {
            let row = json!({"input": "Q", "context": context});
            for searched in [&[][..], &["system".to_owned(), "user".to_owned()]] {
                let prompt = prompt(system, user);
                let layout = Layout::new(&prompt, searched, &columns).unwrap();
                let messages = layout.render(&prompt, row.as_object().unwrap()).unwrap();
                let mut texts = messages.iter().map(|message| message.content.as_str());
                let user = texts.next_back();
                assert_eq!([texts.next().unwrap_or_default(), user.unwrap()], expected, "{user:?}");
            }
        }
    }

    #[test]
    fn what_all_rows_share_ends_where_the_first_column_is_shown() {
        let row = json!({"input": "Hello", "locale": "de"});
        for (system, user, shared) in [
            ("Route it.", "{{ input }}", "Route it."),
            ("Route it.", "Ticket: {{ input }}", "Route it.Ticket:"),
            ("In {{ locale }}: route.", "Ticket: {{ input }}", "In "),
            ("{{ locale }}", "{{ input }}", ""),
            ("", "Ticket:\n{% if locale %}{{ input }}{% endif %}", "Ticket:"),
            ("Route it.", "\n{{ input }}", "Route it."),
            ("Always Hello", "{{ input }}", "Always Hello"),
        ] {
            let prompt = prompt(system, user);
            let layout = Layout::new(&prompt, &["system".to_owned()], &columns()).unwrap();
            let messages = layout.render(&prompt, row.as_object().unwrap()).unwrap();
            let all: String = messages.iter().map(|message| message.content.as_str()).collect();
            let stable = layout.stable_bytes(&prompt, &messages);
            assert_eq!(&all[..stable], shared, "{system} | {user}");
        }
    }

    #[test]
    fn a_frozen_part_without_code_is_shared_whole() {
        let row = json!({"input": "Hello"});
        let prompt = prompt("Route it.", "Ticket: {{ input }}");
        let layout = Layout::new(&prompt, &["user".to_owned()], &columns()).unwrap();
        let messages = layout.render(&prompt, row.as_object().unwrap()).unwrap();
        let stable = layout.stable_bytes(&prompt, &messages);
        assert_eq!(stable, "Route it.Ticket: ".len());
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
    fn a_backslash_in_a_columns_name_means_the_same_in_all_parts() {
        let shown = r#"{{ row["a\tb"] }}"#;
        let baseline = prompt(shown, &format!("{shown}{{% if input %}}!{{% endif %}}"));
        let columns = BTreeSet::from([r"a\tb".to_owned(), "input".to_owned()]);
        let layout = Layout::new(&baseline, &["system".to_owned()], &columns).unwrap();
        let row = serde_json::json!({"a\\tb": "x", "input": "y"});
        let messages = layout.render(&baseline, row.as_object().unwrap()).unwrap();
        assert_eq!((messages[0].content.as_str(), messages[1].content.as_str()), ("x", "x!"));
    }

    #[test]
    fn a_placeholder_without_a_column_is_told_with_its_own_line() {
        for searched in [&["system".to_owned()][..], &[]] {
            let baseline = prompt("Say {{ input }}.\n\nThen {{ put }}.", "{{ input }}");
            let error = Layout::new(&baseline, searched, &columns()).unwrap_err();
            assert_eq!(error.place(), ("system", Some(3)), "{error}");
        }
    }

    #[test]
    fn numbers_are_sent_alike_in_all_parts() {
        let text = "{{ input }}|{{ locale }}";
        let baseline = prompt(text, text);
        let layout = Layout::new(&baseline, &["system".to_owned()], &columns()).unwrap();
        for (input, locale) in [(json!(1e-7), json!(1.0)), (json!(1e21), json!(u64::MAX))] {
            let row = json!({"input": input, "locale": locale});
            let messages = layout.render(&baseline, row.as_object().unwrap()).unwrap();
            assert_eq!(messages[0].content, messages[1].content);
        }
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
        let error = layout.render(&baseline, &Columns::new()).unwrap_err();
        assert!(matches!(error, TemplateError::Exhausted { .. }), "{error}");
        assert_eq!(error.place(), ("system", Some(1)));
    }

    #[test]
    fn every_column_is_shown_alike_in_searched_and_in_frozen_parts() {
        let row = serde_json::json!({"Ticket Text": "Hi", "a.b": ["x"], "größe": true, "none": 7,
            "missing": null, "x-y": {"k": "v"}, "row": 1});
        let row = row.as_object().unwrap();
        let mut columns: BTreeSet<String> = row.keys().cloned().collect();
        columns.insert("absent".to_owned());
        let text: String = columns.iter().map(|name| placeholder(name) + "|").collect();
        let text = text + "{% raw %}{{ a }}{% endraw %}";
        let shown = |searched: &[String]| {
            let baseline = prompt("", &text);
            let layout = Layout::new(&baseline, searched, &columns).unwrap();
            assert_eq!(*layout.shown_columns(), columns);
            layout.render(&baseline, row).unwrap().pop().unwrap().content
        };
        let searched = shown(&["user".to_owned()]);
        assert_eq!(searched, r#"Hi|["x"]||true||7|1|{"k":"v"}|{{ a }}"#);
        assert_eq!(shown(&[]), searched);
    }

    #[test]
    fn a_column_without_quotes_is_refused_with_its_right_spelling() {
        let columns = BTreeSet::from(["Ticket Text".to_owned(), "x-y".to_owned()]);
        for searched in [vec![], vec!["system".to_owned()]] {
            for (name, spelled) in
                [("Ticket Text", "{{ row[\"Ticket Text\"] }}"), ("x-y", "{{ row[\"x-y\"] }}")]
            {
                let baseline = prompt(&format!("a\n{{{{ {name} }}}}"), "");
                let error = Layout::new(&baseline, &searched, &columns).unwrap_err();
                assert_eq!(error.place(), ("system", Some(2)));
                assert!(error.to_string().contains(spelled), "{error}");
            }
        }
    }

    #[test]
    fn comments_and_raw_text_of_a_template_name_no_column() {
        let columns = BTreeSet::from(["Ticket Text".to_owned()]);
        for text in ["{# {{ Ticket Text }} #}", "{%- raw -%}{{ Ticket Text }}{%- endraw -%}"] {
            let baseline = prompt("", &format!("{text}{{{{ row[\"Ticket Text\"] }}}}"));
            Layout::new(&baseline, &[], &columns).unwrap();
        }
    }

    #[test]
    fn a_searched_part_shows_columns_and_calculates_nothing() {
        let searched = ["system".to_owned()];
        for text in ["{{ input | upper }}", "{{ input.text }}", "{{ input[0] }}"] {
            let error = Layout::new(&prompt(text, ""), &searched, &columns()).unwrap_err();
            assert!(matches!(error, TemplateError::Expression { .. }), "{text}: {error}");
        }
        Layout::new(&prompt("{{ input | upper }}", ""), &[], &columns()).unwrap();
    }

    #[test]
    fn a_filter_that_does_not_exist_is_a_mistake_of_the_part() {
        let error = Layout::new(&prompt("\n{{ input | truncate(3) }}", ""), &[], &columns());
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "part `system`: there is no filter `truncate`");
        assert_eq!(error.place(), ("system", Some(2)));
    }
}
