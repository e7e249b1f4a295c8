//! Reads tests from YAML and JSON, and from the files that they name.

use super::assertion::Placed;
use super::folder::{Folder, NamedFile, value_of};
use super::notes::{Notes, Place};
use super::table;
use super::test::{Test, expanded};
use crate::prompt::Columns;
use crate::source::SourceError;
use crate::source::yaml::{Node, text_of};
use crate::task::scorer::Assertion;
use serde_json::Value;
use std::path::Path;

/// How many files of tests may name one another.
const MAX_DEPTH: usize = 8;

/// Reads what one file says.
pub(super) struct Reader<'a> {
    path: &'a Path,
    folder: &'a Folder,
    /// How many files of tests name this one, one through the other.
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Path, folder: &'a Folder) -> Self {
        Self { path, folder, depth: 0 }
    }

    /// A mistake on a line of the file.
    pub(super) fn wrong(&self, node: &Node, message: impl Into<String>) -> SourceError {
        SourceError::new(self.path, message).at_line(node.line)
    }

    /// The place of a part of the file.
    pub(super) fn place(&self, node: &Node) -> Place {
        Place::new(self.path, node.line)
    }

    /// The file that a part names; a note and nothing where it may not be read.
    pub(super) fn named(
        &self,
        node: &Node,
        name: &str,
        notes: &mut Notes,
    ) -> Option<std::path::PathBuf> {
        let within = self.path.parent().unwrap_or(Path::new("."));
        let why = match self.folder.named(within, name) {
            NamedFile::Inside(path) => return Some(path),
            NamedFile::Outside => "a file outside of the configuration's folder is not read",
            NamedFile::Program => "a program is not run",
            NamedFile::Pattern => "a pattern for the names of files is not read; list the files",
        };
        notes.add(&self.place(node), why);
        None
    }

    /// The tests of a file.
    pub(super) fn file(&self, path: &Path, notes: &mut Notes) -> Result<Vec<Test>, SourceError> {
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        let reader = Reader { path, folder: self.folder, depth: self.depth + 1 };
        match extension.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => table::read(path, notes),
            "jsonl" | "ndjson" => {
                let text = text_of(path)?;
                let lines = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty());
                let mut tests = Vec::new();
                for (line, text) in lines {
                    let mut node =
                        Node::of_json(path, text).map_err(|error| error.at_line(line))?;
                    node.move_down(line - 1);
                    tests.extend(reader.test(&node, notes)?);
                }
                expanded(path, tests)
            }
            _ => {
                let tests = reader.tests(&Node::read(path)?, notes)?;
                expanded(path, tests)
            }
        }
    }

    /// Tests: a list of tests and files, or a file.
    pub(super) fn tests(&self, node: &Node, notes: &mut Notes) -> Result<Vec<Test>, SourceError> {
        let Some(name) = node.text() else {
            let mut tests = Vec::new();
            for item in node.items() {
                match item.text() {
                    Some(_) => tests.extend(self.tests(item, notes)?),
                    None => tests.extend(self.test(item, notes)?),
                }
            }
            return Ok(tests);
        };
        let Some(path) = self.named(node, name, notes) else { return Ok(Vec::new()) };
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        if !["csv", "tsv", "yaml", "yml", "json", "jsonl", "ndjson"].contains(&extension) {
            let message = format!("tests in `{name}` are not supported");
            return Err(self
                .wrong(node, message)
                .help("write them to a CSV, YAML, JSON or JSON Lines file"));
        }
        if self.depth >= MAX_DEPTH {
            let message =
                format!("more than {MAX_DEPTH} files of tests name one another, `{name}` last");
            return Err(self.wrong(node, message));
        }
        // A mistake within the file has its own place.
        self.file(&path, notes).map_err(|error| match error.line {
            Some(_) => error,
            None => self.wrong(node, error.to_string()),
        })
    }

    /// One test; `None` if a file that its variables need is not read.
    pub(super) fn test(&self, node: &Node, notes: &mut Notes) -> Result<Option<Test>, SourceError> {
        let mut test = Test::new(self.place(node));
        let mut is_whole = true;
        for (key, value) in node.entries() {
            match key.as_str() {
                "vars" => is_whole = self.vars(value, &mut test.vars, notes)?,
                "assert" => {
                    for item in value.items() {
                        self.assertion(item, &mut test.assertions, notes)?;
                    }
                }
                "description" | "metadata" => {}
                other => notes.add(
                    &self.place(value),
                    format!("`{other}` of a test is not supported, and is left out"),
                ),
            }
        }
        if !is_whole {
            notes.add(&test.place, "this test lacks a variable, and is left out");
        }
        Ok(is_whole.then_some(test))
    }

    fn assertion(
        &self,
        node: &Node,
        found: &mut Vec<Placed>,
        notes: &mut Notes,
    ) -> Result<(), SourceError> {
        let read = self.read_assertion(node, notes)?;
        found.extend(read.map(|assertion| Placed { assertion, place: self.place(node) }));
        Ok(())
    }

    /// An assertion, or a set of them; `None`: it is left out, which is noted.
    fn read_assertion(
        &self,
        node: &Node,
        notes: &mut Notes,
    ) -> Result<Option<Assertion>, SourceError> {
        let list = node.get("assert");
        let named = node.get("type").and_then(Node::text);
        let Some(name) = named.or(list.map(|_| "assert-set")) else {
            notes.add(&self.place(node), "an assertion without a `type` is left out");
            return Ok(None);
        };
        let mut assertion =
            Assertion { name: name.to_owned(), value: Value::Null, threshold: None, weight: None };
        let number = |key: &str| node.get(key).and_then(|it| it.value().as_f64());
        assertion.weight = number("weight");
        if assertion.takes_threshold() {
            assertion.threshold = number("threshold");
        }
        let is_read = |key: &str| match key {
            "weight" => assertion.weight.is_some(),
            "threshold" => assertion.threshold.is_some(),
            _ => false,
        };
        for key in ["transform", "weight", "threshold"] {
            if let Some(value) = node.get(key).filter(|_| !is_read(key)) {
                let note = format!("`{key}` of an assertion is not supported, and is left out");
                notes.add(&self.place(value), note);
            }
        }
        if let Some(list) = list {
            let mut parts = Vec::new();
            for item in list.items() {
                let Some(part) = self.read_assertion(item, notes)? else { continue };
                match part.table() {
                    Ok(_) => parts.push(part.as_object()),
                    Err(_) if part.value.to_string().contains("{{") => parts.push(part.as_object()),
                    Err(error) => notes.add(&self.place(item), format!("{error}, and is left out")),
                }
            }
            assertion.value = parts.into();
            return Ok(Some(assertion));
        }
        if let Some(value) = node.get("value") {
            match self.value(value, notes)? {
                Some(value) => assertion.value = value,
                None => {
                    let note = format!("the assertion `{name}` lacks its value, and is left out");
                    notes.add(&self.place(node), note);
                    return Ok(None);
                }
            }
        }
        Ok(Some(assertion))
    }

    /// Reads variables: a map, or files that hold maps. False: a file is not read.
    fn vars(
        &self,
        node: &Node,
        vars: &mut Columns,
        notes: &mut Notes,
    ) -> Result<bool, SourceError> {
        let mut is_whole = true;
        let files = node.items().iter().chain(node.text().map(|_| node));
        for file in files {
            let name = file.text().unwrap_or_default();
            let Some(path) = self.named(file, name, notes) else {
                is_whole = false;
                continue;
            };
            let read = Node::read(&path);
            let map = read.map_err(|error| self.wrong(file, error.to_string()))?;
            if map.entries().is_empty() {
                return Err(self.wrong(file, format!("`{name}` holds no variables")));
            }
            let reader = Reader { path: &path, folder: self.folder, depth: self.depth };
            is_whole &= reader.entries(&map, vars, notes)?;
        }
        Ok(is_whole & self.entries(node, vars, notes)?)
    }

    fn entries(
        &self,
        node: &Node,
        vars: &mut Columns,
        notes: &mut Notes,
    ) -> Result<bool, SourceError> {
        let mut is_whole = true;
        for (name, value) in node.entries() {
            match self.value(value, notes)? {
                Some(value) => drop(vars.insert(name.clone(), value)),
                None => is_whole = false,
            }
        }
        Ok(is_whole)
    }

    /// A value; `file://` names a file that holds it. `None`: that file is not read.
    fn value(&self, node: &Node, notes: &mut Notes) -> Result<Option<Value>, SourceError> {
        match node.text().filter(|text| text.starts_with("file://")) {
            None => Ok(Some(node.value())),
            Some(name) => match self.named(node, name, notes) {
                None => Ok(None),
                Some(path) => {
                    value_of(&path).map(Some).map_err(|error| self.wrong(node, error.to_string()))
                }
            },
        }
    }
}
