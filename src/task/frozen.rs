//! The part of a task that a run freezes, so that it can be resumed: everything except the rows.

use super::file::{PartSource, TaskFile};

use super::goal::Goal;
use super::model::{ModelName, ModelRole, SchemaSource};
use crate::formats;
use crate::prompt::Part;
use crate::source::{SourceError, line_of_key, with_string_at};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The source of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskSource {
    /// Files, which are read again.
    Files(TaskFiles),
    /// A program, which must make the task again.
    Memory(TaskFacts),
}

/// A task file with the texts that it names. Rows stay in their files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFiles {
    /// The task file.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// The prompt's parts as read from their files.
    pub parts: Vec<Part>,
    /// The files that parts were read from just now, by the part's name: a mistake is theirs.
    #[serde(skip)]
    pub part_files: BTreeMap<String, PathBuf>,
    /// The JSON Schemas that it names, by file as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schemas: BTreeMap<PathBuf, String>,
    /// The keys that are set otherwise than in the file, such as `models.task`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
}

/// The facts of a task that was made in memory, by name: two tasks with the same facts and the same
/// rows are the same task. Of a closure only the name is known, because closures cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFacts {
    /// The task's name.
    pub name: String,
    /// All other facts.
    pub facts: BTreeMap<String, String>,
}

/// A data file and the hash of its bytes, or rows in memory and the hash of their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its path.
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
        let extension = file.extension().and_then(|it| it.to_str()).unwrap_or_default();
        if ["csv", "tsv", "jsonl", "json"].contains(&extension) && file.is_file() {
            return Err(SourceError::new(&file, "this is data, not a task").help(format!(
                "`promptsearch init DIR --from {}` makes a task of it",
                file.display()
            )));
        }
        let text = read_text(&file).map_err(|error| {
            // A file that is nearly named so is the better hint.
            if error.help.is_some() {
                return error;
            }
            error.help("name a folder with a `task.toml`; `promptsearch init DIR` creates one")
        })?;
        let read = TaskFile::parse(&file, &text)?;
        let folder = folder_of(&file);
        let (mut parts, mut part_files) = (Vec::new(), BTreeMap::new());
        for (name, source) in &read.prompt.parts {
            let line = || line_of_key(&text, &["prompt", name]);
            let part_text = match source {
                PartSource::Text(text) if names_file(&folder, text) => {
                    let message =
                        format!("`{text}` is the name of a file, and would be sent as it stands");
                    let part = if name == "file" { "system" } else { name };
                    let help = format!("write `{part} = {{ file = \"{text}\" }}`");
                    let error = SourceError::new(&file, message).help(help);
                    return Err(SourceError { line: line(), ..error });
                }
                PartSource::Text(text) => text.clone(),
                PartSource::File(relative) => {
                    let path = folder.join(relative);
                    let bytes = crate::source::read(&path).map_err(|error| {
                        SourceError::unreadable(&path, &error).named_in(&file, line())
                    })?;
                    let wrong = |error: formats::DocumentError| error.in_file(&path);
                    let document = formats::read_on_disk(&path, &bytes)?;
                    let text = document.part(name).map_err(wrong)?.to_owned();
                    part_files.insert(name.clone(), path);
                    text
                }
            };
            parts.push(Part { name: name.clone(), text: part_text.into() });
        }
        let mut schemas = BTreeMap::new();
        for (role, spec) in read.models.each() {
            if let Some(SchemaSource::File(relative)) = &spec.schema {
                let line = || line_of_key(&text, &["models", role.key()]);
                let schema = read_text(&folder.join(relative))
                    .map_err(|error| error.named_in(&file, line()))?;
                schemas.insert(relative.clone(), schema);
            }
        }
        for (index, table) in read.score.iter().enumerate() {
            for relative in table.schema_files() {
                let line = || line_of_key(&text, &["score", &index.to_string(), "schema"]);
                let schema = read_text(&folder.join(relative))
                    .map_err(|error| error.named_in(&file, line()))?;
                schemas.insert(relative.into(), schema);
            }
        }
        Ok(Self { file, text, parts, part_files, schemas, set: Vec::new() })
    }

    /// The same with another model for rows. What the file sets for that model beside its name (temperature, schema, …)
    /// holds for this one.
    #[must_use]
    pub fn with_task_model(self, model: &ModelName) -> Self {
        let model = model.to_string();
        self.with("models.task", &["models", "task"], &model).with(
            "models.task",
            &["models", "task", "model"],
            &model,
        )
    }

    /// The same with another goal, where the file names one.
    #[must_use]
    pub fn with_goal(self, goal: &Goal) -> Self {
        self.with("goal.rule", &["goal", "rule"], &goal.to_string())
    }

    fn with(mut self, key: &str, path: &[&str], value: &str) -> Self {
        if let Some(text) = with_string_at(&self.text, path, value).filter(|it| *it != self.text) {
            self.text = text;
            self.set.push(key.to_owned());
        }
        self
    }
}

/// Whether the text of a part is the name of a file that may be meant.
fn names_file(folder: &Path, text: &str) -> bool {
    const EXTENSIONS: &[&str] = &["md", "txt", "jinja", "jinja2", "j2", "prompt"];
    let extension = Path::new(text).extension().and_then(|it| it.to_str());
    let is_name = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '{');
    is_name && (extension.is_some_and(|it| EXTENSIONS.contains(&it)) || folder.join(text).is_file())
}

fn read_text(path: &Path) -> Result<String, SourceError> {
    crate::source::read_text(path).map_err(|error| SourceError::unreadable(path, &error))
}

/// The folder of a file.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl TaskSource {
    /// The place that error messages name.
    pub(super) fn place(&self) -> PathBuf {
        match self {
            Self::Files(files) => files.file.clone(),
            Self::Memory(facts) => place_in_memory(&facts.name),
        }
    }

    /// The text in which the line of a mistake is found; empty where there is no file.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Files(files) => &files.text,
            Self::Memory(_) => "",
        }
    }

    /// The folder in which programs of the task run.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Self::Files(files) => folder_of(&files.file),
            Self::Memory(_) => PathBuf::from("."),
        }
    }

    /// In which way the task model was asked otherwise than it is `now`, in words, if in any. Of a task that was made in
    /// memory it is not known.
    ///
    /// # Errors
    /// A task file that cannot be read by this version.
    pub fn asked_otherwise(&self, now: &Self) -> Result<Option<String>, SourceError> {
        let (Self::Files(then), Self::Files(now)) = (self, now) else { return Ok(None) };
        let then = TaskFile::parse(&then.file, &then.text)?;
        let now = TaskFile::parse(&now.file, &now.text)?;
        let model = |file: &TaskFile| {
            let mut models = file.models.each();
            models.find(|(role, _)| *role == ModelRole::Task).map(|(_, spec)| spec.model.clone())
        };
        let (Some(before), Some(model)) = (model(&then), model(&now)) else { return Ok(None) };
        if before != model {
            return Ok(Some(format!("its task model was `{before}`, and is `{model}` here")));
        }
        let provider = format!("providers.{}.", model.provider());
        let changes = then.provider_changes(&now, &BTreeMap::new());
        let mut of_task = changes.into_iter().filter(|change| {
            change.key.starts_with(&provider) || change.key.starts_with("models.task.")
        });
        Ok(of_task.next().map(|change| format!("it asked its model otherwise: {change}")))
    }

    /// The first difference between this task and the task now, as the beginning of a sentence; `None`
    /// if they are the same.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        match (self, now) {
            // A file that has moved is still the same task.
            (Self::Files(then), Self::Files(now)) => {
                let place = now.file.display();
                (then.text != now.text || then.parts != now.parts || then.schemas != now.schemas)
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
                Some("the task was read from files at first, but is made in memory now".to_owned())
            }
            (Self::Memory(_), Self::Files(_)) => {
                Some("the task was made in memory at first, but is read from files now".to_owned())
            }
        }
    }
}

/// The place that error messages name for a task that was made in memory.
pub(super) fn place_in_memory(name: &str) -> PathBuf {
    PathBuf::from(format!("the task `{name}`"))
}
