//! What a run freezes of its task, so that it can be taken up again: all but the rows.

use super::file::{PartSource, TaskFile};
use crate::prompt::Part;
use crate::source::{SourceError, line_of_key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a task comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskSource {
    /// From files, which are read again.
    Files(TaskFiles),
    /// From a program, which has to make it again.
    Memory(TaskFacts),
}

/// A task file with the texts that it names. Rows stay in their files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFiles {
    /// The task file.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// The prompt's parts as they stood in their files.
    pub parts: Vec<Part>,
}

/// What a task that was made in memory consists of, by name: two tasks with the same facts and the
/// same rows are the same task. Closures are named only, since nothing can compare them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFacts {
    /// The task's name.
    pub name: String,
    /// All else.
    pub facts: BTreeMap<String, String>,
}

/// A data file and the hash of its bytes; or the rows of a task in memory, and theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// blake3 of its bytes.
    pub blake3: String,
}

impl TaskFiles {
    /// Reads a task folder or file, and the texts that it names.
    ///
    /// # Errors
    /// A file that cannot be read, or a mistake with its line.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let file = if path.is_dir() { path.join("task.toml") } else { path.to_owned() };
        let text = read_text(&file).map_err(|error| {
            error.help("name a folder with a `task.toml`; `promptsearch init DIR` creates one")
        })?;
        let read = TaskFile::parse(&file, &text)?;
        let folder = folder_of(&file);
        let mut parts = Vec::new();
        for (name, source) in &read.prompt.parts {
            let part_text = match source {
                PartSource::Text(text) => text.clone(),
                PartSource::File(relative) => {
                    read_text(&folder.join(relative)).map_err(|error| {
                        let line = line_of_key(&text, &["prompt", name]).unwrap_or(1);
                        SourceError::new(&file, error.to_string()).at_line(line)
                    })?
                }
            };
            parts.push(Part { name: name.clone(), text: part_text.into() });
        }
        Ok(Self { file, text, parts })
    }
}

fn read_text(path: &Path) -> Result<String, SourceError> {
    std::fs::read_to_string(path)
        .map_err(|error| SourceError::new(path, format!("cannot be read: {error}")))
}

/// The folder that a file lies in.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl TaskSource {
    /// What mistakes in the task are said of.
    pub(super) fn place(&self) -> PathBuf {
        match self {
            Self::Files(files) => files.file.clone(),
            Self::Memory(facts) => place_in_memory(&facts.name),
        }
    }

    /// The text in which lines can be found; none where there is no file.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Files(files) => &files.text,
            Self::Memory(_) => "",
        }
    }

    /// The folder that programs of the task run in.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Self::Files(files) => folder_of(&files.file),
            Self::Memory(_) => PathBuf::from("."),
        }
    }

    /// The first difference between this task and what it is now, as a sentence that lacks its end;
    /// `None` where there is none.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        match (self, now) {
            // A file that has moved is still the same task.
            (Self::Files(then), Self::Files(now)) => {
                let place = now.file.display();
                (then.text != now.text || then.parts != now.parts)
                    .then(|| format!("{place}: the task has changed"))
            }
            (Self::Memory(then), Self::Memory(now)) => {
                let place = place_in_memory(&now.name);
                let names = then.facts.keys().chain(now.facts.keys());
                let mut changed =
                    names.filter(|name| then.facts.get(*name) != now.facts.get(*name));
                if then.name != now.name {
                    return Some(format!("{}: its name was `{}`", place.display(), then.name));
                }
                changed.next().map(|name| format!("{}: its {name} has changed", place.display()))
            }
            (Self::Files(_), Self::Memory(_)) => {
                Some("the task was read from files then, and is made in memory now".to_owned())
            }
            (Self::Memory(_), Self::Files(_)) => {
                Some("the task was made in memory then, and is read from files now".to_owned())
            }
        }
    }
}

/// What mistakes in a task that was made in memory are said of.
pub(super) fn place_in_memory(name: &str) -> PathBuf {
    PathBuf::from(format!("the task `{name}`"))
}
