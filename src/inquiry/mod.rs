//! Questions to a model of a task, asked in a run of their own: each is a row of a small task, and the model answers it.
//!
//! So its calls are priced, kept and resumed as those of any evaluation are, and the same questions are paid for once. Its
//! models, keys, prices and caps are those of the task file; it is frozen in the folder of its run as every task is. What is
//! asked, and what a reply means, is the caller's.

// A file uses only files declared above it.
mod code; // The code of a question's tags.

pub(crate) use code::code;

use crate::prompt::Part;
use crate::source::SourceError;
use crate::task::model::ModelRole;
use crate::task::{Task, TaskFiles};
use serde_json::json;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The file of questions in the run's folder.
pub const QUESTIONS: &str = "briefs.jsonl";

/// What questions are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// One word, which is the end of the run's name.
    pub name: &'static str,
    /// What is asked for, in a sentence.
    pub about: &'static str,
    /// What the model is told of all questions.
    pub instructions: &'static str,
    /// Who answers.
    pub role: ModelRole,
}

/// A question, and where its reply ends.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The user message.
    pub text: &'a str,
    /// The tag that closes a whole reply.
    pub closing: &'a str,
}

/// Questions that are about to be asked.
pub struct Inquiry {
    /// Its name.
    pub name: String,
    /// The run's folder: the same questions to the same model have the same one.
    pub folder: PathBuf,
    /// Their rows, as JSON Lines.
    lines: String,
    files: TaskFiles,
}

impl Inquiry {
    /// Questions to a model of a task.
    ///
    /// # Errors
    /// The task names no such model, or its file cannot be read.
    pub fn new(
        task: &Task,
        files: &TaskFiles,
        purpose: Purpose,
        questions: &[Asked<'_>],
        results: &Path,
    ) -> Result<Self, SourceError> {
        let key = purpose.role.key();
        let model = task.model(purpose.role).ok_or_else(|| {
            task.mistake(&["models"], format!("the task names no model `{key}`, which is asked"))
                .help(format!("name one: {key} = \"provider/model\" under [models]"))
        })?;
        let lines: Vec<String> = questions
            .iter()
            .zip(1..)
            .map(|(asked, number): (_, usize)| {
                json!({ "id": number.to_string(), "brief": asked.text, "closing": asked.closing })
                    .to_string()
                    + "\n"
            })
            .collect();
        let lines = lines.concat();
        let unreadable = |error: &dyn std::fmt::Display| {
            SourceError::new(&files.file, format!("its keys cannot be taken over: {error}"))
        };
        let mut table: Table =
            files.text.parse().map_err(|error: toml::de::Error| unreadable(&error))?;
        let mut spec = match table.get("models").and_then(|models| models.get(key)) {
            Some(Value::Array(several)) => several.first().cloned(),
            one => one.cloned(),
        };
        if let Some(Value::String(model)) = &spec {
            spec =
                Some(Value::Table(Table::from_iter([("model".to_owned(), model.clone().into())])));
        }
        let Some(Value::Table(mut spec)) = spec else {
            return Err(task.mistake(&["models"], format!("the model `{key}` cannot be read")));
        };
        // What holds for a mutator alone, and for replies of another form.
        for key in ["weight", "context_tokens", "schema"] {
            spec.remove(key);
        }
        spec.insert("temperature".to_owned(), model.temperature.into());
        spec.insert("max_output_tokens".to_owned(), i64::from(model.max_output_tokens).into());
        let Purpose { instructions, about, .. } = purpose;
        let name = format!("{}-{}", task.name, purpose.name);
        let identity = json!([instructions, lines, spec]).to_string();
        let hash = blake3::hash(identity.as_bytes()).to_hex();
        let folder = results.join(format!("{name}-{}", &hash[..8]));
        let file = std::path::absolute(folder.join(QUESTIONS))
            .map_err(|error| SourceError::unreadable(&folder, &error))?;
        table.retain(|key, _| ["providers", "budget"].contains(&key));
        let mut set = |key: &str, value: Value| table.insert(key.to_owned(), value);
        set("name", name.clone().into());
        set("about", about.into());
        let text = |pairs: &[(&str, &str)]| {
            Value::Table(
                pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect(),
            )
        };
        let mut data = Table::new();
        data.insert("file".to_owned(), file.to_string_lossy().into_owned().into());
        data.insert("columns".to_owned(), text(&[("id", "id"), ("answer", "closing")]));
        data.insert(
            "split".to_owned(),
            Value::Table(Table::from_iter([("dev".to_owned(), Value::from(1.0))])),
        );
        set("data", Value::Table(data));
        set("prompt", text(&[("system", instructions), ("user", "{{ brief }}")]));
        set("models", Value::Table(Table::from_iter([("task".to_owned(), Value::Table(spec))])));
        set("score", Value::Array(vec![text(&[("kind", "contains")])]));
        let text = toml::to_string(&table).map_err(|error| unreadable(&error))?;
        let part =
            |name: &str, text: &str| Part { name: name.to_owned(), text: text.to_owned().into() };
        let parts = vec![part("system", instructions), part("user", "{{ brief }}")];
        let file = std::path::absolute(&files.file)
            .map_err(|error| SourceError::unreadable(&files.file, &error))?;
        let files = TaskFiles {
            file,
            text,
            parts,
            part_files: std::collections::BTreeMap::new(),
            schemas: std::collections::BTreeMap::new(),
            set: Vec::new(),
        };
        Ok(Self { name, folder, lines, files })
    }

    /// The task, once its questions are written.
    ///
    /// # Errors
    /// They cannot be written, or the task file has a mistake.
    pub fn begin(self) -> Result<Task, SourceError> {
        let file = self.folder.join(QUESTIONS);
        let unwritable = |error: std::io::Error| SourceError::unwritable(&file, &error);
        std::fs::create_dir_all(&self.folder).map_err(unwritable)?;
        if std::fs::read_to_string(&file).ok().as_deref() != Some(&self.lines) {
            std::fs::write(&file, &self.lines).map_err(unwritable)?;
        }
        Task::rebuild(self.files)
    }
}
