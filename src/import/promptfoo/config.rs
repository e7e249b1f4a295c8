//! A configuration of promptfoo: `prompts`, `providers`, `defaultTest` and `tests`.

use super::assertion::Assertion;
use super::suite::{self, Notes, Test};
use super::table;
use super::yaml::{Data, Node};
use crate::import::draft::{Draft, DraftPart};
use crate::prompt::{Columns, USER, placeholder, placeholders};
use crate::source::{self, SourceError};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most tests that one test with lists of values becomes.
const MAX_TESTS: usize = 10_000;

/// Keys that change nothing of what is scored.
const HARMLESS: &[&str] = &[
    "description",
    "prompts",
    "providers",
    "targets",
    "tests",
    "defaultTest",
    "outputPath",
    "sharing",
    "commandLineOptions",
    "evaluateOptions",
    "tags",
    "metadata",
    "$schema",
    "env",
    "writeLatestResults",
];

pub(super) fn read(path: &Path) -> Result<Draft, SourceError> {
    let text = read_text(path)?;
    let document = Node::parse(path, &text)?;
    let mut notes = Notes::default();
    for (key, value) in document.entries() {
        if !HARMLESS.contains(&key.as_str()) {
            notes.add(value.line, format!("`{key}` is not supported, and is left out"));
        }
    }
    let reader = Reader { path, folder: path.parent().unwrap_or(Path::new(".")), depth: 0 };
    let default = match document.get("defaultTest") {
        Some(node) => reader.test(node, &mut notes)?,
        None => Test { vars: Columns::new(), assertions: Vec::new(), line: 1 },
    };
    let tests = document.get("tests").ok_or_else(|| {
        SourceError::new(path, "there are no `tests`")
            .help("a promptfoo configuration lists tests with `vars` and `assert`")
    })?;
    let tests = reader.tests(tests, &mut notes)?;
    let tests = tests.into_iter().map(|test| {
        let mut vars = default.vars.clone();
        vars.extend(test.vars);
        let assertions = test.assertions.into_iter().chain(default.assertions.clone()).collect();
        Test { vars, assertions, line: test.line }
    });
    let mut tests = expanded(path, tests.collect())?;
    let parts = match document.get("prompts") {
        Some(prompts) => {
            let names = tests.iter().flat_map(|test| test.vars.keys().cloned()).collect();
            let parts = reader.parts(prompts, &names, &mut notes)?;
            fill_variables(&mut tests, &parts, prompts.line, &mut notes);
            Some(parts)
        }
        None => None,
    };
    let mut draft = suite::draft(path, tests, parts, notes)?;
    let providers = ["providers", "targets"].iter().find_map(|key| document.get(key));
    draft.models.extend(providers.into_iter().flat_map(models));
    Ok(draft)
}

/// The tests of a file that lists them.
pub(super) fn read_test_file(path: &Path, notes: &mut Notes) -> Result<Vec<Test>, SourceError> {
    read_tests(path, 0, notes)
}

fn read_tests(path: &Path, depth: usize, notes: &mut Notes) -> Result<Vec<Test>, SourceError> {
    let reader = Reader { path, folder: path.parent().unwrap_or(Path::new(".")), depth };
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let text = read_text(path)?;
    let tests = if extension == "jsonl" {
        let mut tests = Vec::new();
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let mut node = Node::parse(path, text).map_err(|error| error.at_line(line))?;
            move_down(&mut node, line - 1);
            tests.push(reader.test(&node, notes)?);
        }
        tests
    } else {
        reader.tests(&Node::parse(path, &text)?, notes)?
    };
    expanded(path, tests)
}

fn move_down(node: &mut Node, lines: usize) {
    node.line += lines;
    match &mut node.data {
        Data::Plain(_) => {}
        Data::List(items) => items.iter_mut().for_each(|item| move_down(item, lines)),
        Data::Map(entries) => entries.iter_mut().for_each(|(_, item)| move_down(item, lines)),
    }
}

fn read_text(path: &Path) -> Result<String, SourceError> {
    let text = source::read_text(path)
        .map_err(|error| SourceError::new(path, format!("the file cannot be read: {error}")))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// How many files of tests may name one another.
const MAX_DEPTH: usize = 8;

/// Reads the parts of a configuration.
struct Reader<'a> {
    path: &'a Path,
    folder: &'a Path,
    /// How many files of tests name this one, one through the other.
    depth: usize,
}

impl Reader<'_> {
    fn wrong(&self, line: usize, message: impl Into<String>) -> SourceError {
        SourceError::new(self.path, message).at_line(line)
    }

    /// The file that `file://name` names.
    fn file(&self, text: &str) -> Option<PathBuf> {
        Some(self.folder.join(text.strip_prefix("file://")?))
    }

    /// Tests: a list of tests and files, or a file.
    fn tests(&self, node: &Node, notes: &mut Notes) -> Result<Vec<Test>, SourceError> {
        let Some(name) = node.text() else {
            let mut tests = Vec::new();
            for item in node.items() {
                match item.text() {
                    Some(_) => tests.extend(self.tests(item, notes)?),
                    None => tests.push(self.test(item, notes)?),
                }
            }
            return Ok(tests);
        };
        let path = self.folder.join(name.strip_prefix("file://").unwrap_or(name));
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        let read = match extension {
            "csv" | "tsv" => table::read(&path, notes),
            "yaml" | "yml" | "json" | "jsonl" if self.depth >= MAX_DEPTH => {
                return Err(self.wrong(
                    node.line,
                    format!("more than {MAX_DEPTH} files of tests name one another, `{name}` last"),
                ));
            }
            "yaml" | "yml" | "json" | "jsonl" => read_tests(&path, self.depth + 1, notes),
            _ => {
                return Err(self
                    .wrong(node.line, format!("tests in `{name}` are not supported"))
                    .help("write them to a CSV, YAML, JSON or JSON Lines file"));
            }
        };
        read.map_err(|error| self.wrong(node.line, error.to_string()))
    }

    fn test(&self, node: &Node, notes: &mut Notes) -> Result<Test, SourceError> {
        let mut test = Test { vars: Columns::new(), assertions: Vec::new(), line: node.line };
        for (key, value) in node.entries() {
            match key.as_str() {
                "vars" => test.vars = self.vars(value)?,
                "assert" => {
                    for item in value.items() {
                        self.assertion(item, &mut test.assertions, notes);
                    }
                }
                "description" | "metadata" => {}
                other => notes.add(
                    value.line,
                    format!("`{other}` of a test is not supported, and is left out"),
                ),
            }
        }
        Ok(test)
    }

    fn assertion(&self, node: &Node, found: &mut Vec<Assertion>, notes: &mut Notes) {
        if let Some(list) = node.get("assert") {
            // A set of assertions counts one by one.
            list.items().iter().for_each(|item| self.assertion(item, found, notes));
            return;
        }
        let Some(name) = node.get("type").and_then(Node::text) else {
            notes.add(node.line, "an assertion without a `type` is left out");
            return;
        };
        for key in ["transform", "weight", "threshold"] {
            if let Some(value) = node.get(key) {
                notes.add(
                    value.line,
                    format!("`{key}` of an assertion is not supported, and is left out"),
                );
            }
        }
        let value = node.get("value").map_or(Value::Null, Node::value);
        found.push(Assertion { name: name.to_owned(), value, line: node.line });
    }

    /// Variables; `file://` names a file whose text is the value.
    fn vars(&self, node: &Node) -> Result<Columns, SourceError> {
        let mut vars = Columns::new();
        for (name, value) in node.entries() {
            let read = match value.text().and_then(|text| self.file(text)) {
                Some(file) => {
                    let text = read_text(&file);
                    text.map_err(|error| self.wrong(value.line, error.to_string()))?.into()
                }
                None => value.value(),
            };
            vars.insert(name.clone(), read);
        }
        Ok(vars)
    }

    /// The first prompt as parts.
    fn parts(
        &self,
        node: &Node,
        names: &BTreeSet<String>,
        notes: &mut Notes,
    ) -> Result<Vec<DraftPart>, SourceError> {
        let prompts = match &node.data {
            Data::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let Some(first) = prompts.first() else {
            return Err(self.wrong(node.line, "`prompts` is empty"));
        };
        for other in &prompts[1..] {
            notes.add(other.line, "only the first prompt is taken; this one is left out");
        }
        let written = match &first.data {
            Data::Map(_) => {
                ["raw", "content", "id", "path"].iter().find_map(|key| first.get(key)?.text())
            }
            _ => first.text(),
        };
        let Some(written) = written else {
            return Err(self.wrong(first.line, "this prompt is neither a text nor a file"));
        };
        let looks_like_file = !written.contains('\n')
            && ["txt", "md", "json", "yaml", "yml", "j2"]
                .iter()
                .any(|it| written.ends_with(&format!(".{it}")));
        let text =
            match self.file(written).or_else(|| looks_like_file.then(|| self.folder.join(written)))
            {
                None => written.to_owned(),
                Some(file) => {
                    let extension = file.extension().and_then(|it| it.to_str()).unwrap_or_default();
                    if ["js", "ts", "mjs", "cjs", "py"].contains(&extension) {
                        return Err(self
                            .wrong(first.line, format!("the prompt `{written}` is a program"))
                            .help("write the prompt to a text file, and name that file"));
                    }
                    read_text(&file).map_err(|error| self.wrong(first.line, error.to_string()))?
                }
            };
        Ok(parts_of(&with_placeholders(&text, names), first.line, notes))
    }
}

/// A variable whose name is no word is written as a placeholder is here.
fn with_placeholders(text: &str, names: &BTreeSet<String>) -> String {
    let mut written = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        written.push_str(before);
        match after.split_once("}}") {
            Some((inside, after)) if names.contains(inside.trim()) => {
                let placeholder = placeholder(inside.trim());
                let is_word = !placeholder.contains('[');
                let original = format!("{{{{{inside}}}}}");
                written.push_str(if is_word { &original } else { &placeholder });
                rest = after;
            }
            _ => {
                written.push_str("{{");
                rest = after;
            }
        }
    }
    written + rest
}

/// Gives tests the variables that only the prompt names, empty, as promptfoo does.
fn fill_variables(tests: &mut [Test], parts: &[DraftPart], line: usize, notes: &mut Notes) {
    for name in parts.iter().flat_map(|part| placeholders(&part.text)) {
        if !tests.iter().any(|test| test.vars.contains_key(name)) {
            notes.add(line, format!("no test has the variable `{name}`, so it is empty"));
            tests.iter_mut().for_each(|test| {
                test.vars.insert(name.to_owned(), Value::Null);
            });
        }
    }
}

/// A prompt: a text, or a chat as JSON.
fn parts_of(text: &str, line: usize, notes: &mut Notes) -> Vec<DraftPart> {
    #[derive(serde::Deserialize)]
    struct Message {
        role: String,
        content: String,
    }
    let (mut system, mut user) = (Vec::new(), Vec::new());
    match serde_json::from_str::<Vec<Message>>(text) {
        Ok(messages) => {
            for message in messages {
                match message.role.as_str() {
                    "system" | "developer" => system.push(message.content),
                    _ => user.push(message.content),
                }
            }
        }
        Err(_) => user.push(text.trim_end().to_owned()),
    }
    let (system, user) = (system.join("\n\n"), user.join("\n\n"));
    let is_template =
        |text: &str| text.contains("{%") || text.contains("{#") || has_expression(text);
    // Only placeholders have a meaning in a part that is searched.
    let (mut parts, frozen) = (Vec::new(), is_template(&user));
    if frozen {
        notes.add(line, "the prompt uses template expressions, so this part is not searched");
    }
    if !system.is_empty() || frozen {
        let is_searched = !is_template(&system);
        let text = if system.is_empty() { "Follow the instructions.".to_owned() } else { system };
        parts.push(DraftPart { name: "system", text: text + "\n", is_searched });
    }
    let is_searched = !frozen && !parts.iter().any(|part| part.is_searched);
    parts.push(DraftPart { name: USER, text: user, is_searched });
    parts
}

/// Whether a placeholder holds more than a name.
fn has_expression(text: &str) -> bool {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).any(|(inside, _)| {
        let name = inside.trim();
        let is_quoted = name.starts_with("row[") && name.ends_with(']');
        !is_quoted && !name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Tests with lists of values: one test for each combination, as promptfoo runs them.
fn expanded(path: &Path, tests: Vec<Test>) -> Result<Vec<Test>, SourceError> {
    let mut all = Vec::new();
    for test in tests {
        let mut rows = vec![Columns::new()];
        for (name, value) in &test.vars {
            let values = match value {
                Value::Array(values) if !values.is_empty() => values.clone(),
                other => vec![other.clone()],
            };
            if rows.len() * values.len() + all.len() > MAX_TESTS {
                return Err(SourceError::new(
                    path,
                    format!("there are more than {MAX_TESTS} tests"),
                )
                .at_line(test.line)
                .help("write lists of values as tests of their own"));
            }
            rows = rows
                .into_iter()
                .flat_map(|row| {
                    values.iter().map(move |value| {
                        let mut row = row.clone();
                        row.insert(name.clone(), value.clone());
                        row
                    })
                })
                .collect();
        }
        all.extend(rows.into_iter().map(|vars| Test { vars, ..test.clone() }));
    }
    Ok(all)
}

/// The models that the configuration names, as comments.
fn models(node: &Node) -> Vec<String> {
    let name = |node: &Node| {
        let named = node.text().or_else(|| node.get("id").and_then(Node::text));
        named.or_else(|| node.entries().first().map(|(name, _)| name.as_str())).map(str::to_owned)
    };
    let names: Vec<String> = match &node.data {
        Data::List(items) => items.iter().filter_map(name).collect(),
        _ => name(node).into_iter().collect(),
    };
    let line = |name: &String| {
        format!("promptfoo's configuration names {}", name.replace(char::is_control, " "))
    };
    names.iter().map(line).collect()
}
