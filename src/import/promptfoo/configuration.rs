//! A configuration of promptfoo: `prompts`, `providers`, `defaultTest` and `tests`.

use super::folder::Folder;
use super::notes::{Notes, Place};
use super::prompt;
use super::reader::Reader;
use super::suite;
use super::test::{Test, expanded};
use crate::import::draft::{DraftPart, TaskDraft};
use crate::prompt::placeholders;
use crate::source::SourceError;
use crate::source::yaml::{Data, Node};
use crate::text;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

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

pub(super) fn read(path: &Path) -> Result<TaskDraft, SourceError> {
    let document = Node::read(path)?;
    let mut notes = Notes::default();
    for (key, value) in document.entries() {
        if !HARMLESS.contains(&key.as_str()) {
            let note = format!("`{key}` is not supported, and is left out");
            notes.add(&Place::new(path, value.line), note);
        }
    }
    let folder = Folder::of(path);
    let reader = Reader::new(path, &folder);
    let default = default_test(&document, &reader, &mut notes)?;
    let tests = document.get("tests").ok_or_else(|| {
        SourceError::new(path, "there are no `tests`")
            .help("a promptfoo configuration lists tests with `vars` and `assert`")
    })?;
    let tests = reader.tests(tests, &mut notes)?.into_iter().map(|test| {
        let mut vars =
            default.iter().flat_map(|it| it.vars.clone()).collect::<crate::prompt::Columns>();
        vars.extend(test.vars);
        let shared = default.iter().flat_map(|it| it.assertions.clone());
        let assertions = test.assertions.into_iter().chain(shared).collect();
        Test { vars, assertions, place: test.place }
    });
    let mut tests = expanded(path, tests.collect())?;
    let parts = match document.get("prompts") {
        Some(prompts) => {
            let names = tests.iter().flat_map(|test| test.vars.keys().cloned()).collect();
            let parts = prompt::parts(prompts, &names, &reader, &mut notes)?;
            if let Some(parts) = &parts {
                check_variables(&tests, parts, prompts, &reader)?;
                fill_variables(&mut tests, parts, &reader.place(prompts), &mut notes);
            }
            parts
        }
        None => None,
    };
    let mut draft = suite::draft(path, tests, parts, notes)?;
    let providers = ["providers", "targets"].iter().find_map(|key| document.get(key));
    draft.models.extend(providers.into_iter().flat_map(models));
    Ok(draft)
}

/// What applies to all tests: in the configuration, or in a file.
fn default_test(
    document: &Node,
    reader: &Reader<'_>,
    notes: &mut Notes,
) -> Result<Option<Test>, SourceError> {
    let Some(node) = document.get("defaultTest") else { return Ok(None) };
    match node.text() {
        None => reader.test(node, notes),
        Some(name) => match reader.named(node, name, notes) {
            None => Ok(None),
            Some(file) => {
                let read = Node::read(&file);
                reader.test(&read.map_err(|error| reader.wrong(node, error.to_string()))?, notes)
            }
        },
    }
}

/// A prompt that shows no variable of the tests asks the same of all of them.
fn check_variables(
    tests: &[Test],
    parts: &[DraftPart],
    node: &Node,
    reader: &Reader<'_>,
) -> Result<(), SourceError> {
    let names: BTreeSet<&String> = tests.iter().flat_map(|test| test.vars.keys()).collect();
    // Template expressions may show a variable in many ways.
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut in_braces = parts.iter().flat_map(|part| {
        let opened = ["{{", "{%"].into_iter().flat_map(|open| part.text.split(open).skip(1));
        opened.map(|it| it.split('}').next().unwrap_or_default())
    });
    let names_one = |inside: &str| {
        let has = |name: &str| match name.chars().all(is_word) {
            true => inside.split(|c| !is_word(c)).any(|word| word == name),
            false => inside.contains(name),
        };
        names.iter().any(|name| has(name))
    };
    if tests.len() < 2 || in_braces.any(names_one) {
        return Ok(());
    }
    let known = names.iter().map(|name| text::one_line(name)).collect::<Vec<_>>().join(", ");
    let unknown = parts.iter().flat_map(|part| placeholders(&part.text)).next();
    let message = match unknown {
        Some(name) => {
            format!("the prompt shows `{name}`, which no test has, and no variable of the tests")
        }
        None => "the prompt shows no variable, so that all tests would ask the same".to_owned(),
    };
    let help = match names.first() {
        Some(first) => {
            format!("write `{{{{ {first} }}}}` where it belongs; the tests have: {known}")
        }
        None => "give the tests `vars`, and show them in the prompt".to_owned(),
    };
    Err(reader.wrong(node, message).help(help))
}

/// Gives tests the variables that only the prompt names, empty, as promptfoo does.
fn fill_variables(tests: &mut [Test], parts: &[DraftPart], place: &Place, notes: &mut Notes) {
    for name in parts.iter().flat_map(|part| placeholders(&part.text)) {
        if !tests.iter().any(|test| test.vars.contains_key(name)) {
            notes.add(place, format!("no test has the variable `{name}`, so it is empty"));
            tests.iter_mut().for_each(|test| {
                test.vars.insert(name.to_owned(), Value::Null);
            });
        }
    }
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
    let line = |name: &String| format!("promptfoo's configuration names {}", text::one_line(name));
    names.iter().map(line).collect()
}
