//! A mistake is told with a line that the file has; a recipe reads the same again from its effective
//! form.

use super::scratch;
use crate::prompt::Part;
use crate::recipe;
use crate::source::SourceError;
use crate::task::{Task, TaskFiles};
use std::collections::BTreeMap;
use std::path::Path;

/// The data of all tasks.
const ROWS: &str = r#"{"id": 1, "input": "a", "answer": "x"}
{"id": 2, "input": "b", "answer": "y"}
{"id": 3, "input": "c", "answer": "x"}
"#;

fn has_its_line(error: &SourceError, file: &Path, text: &str) {
    let lines = text.split('\n').count();
    let is_elsewhere = error.file != file;
    assert!(is_elsewhere || error.line.is_none_or(|line| line >= 1 && line <= lines), "{error:?}");
    assert!(!error.message.is_empty());
}

pub(super) fn task(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    scratch::file("rows.jsonl", ROWS.as_bytes());
    let file = scratch::folder().join("task.toml");
    let part = |name: &str, text: &str| Part { name: name.to_owned(), text: text.into() };
    let parts = vec![part("system", "Answer."), part("user", "{{ input }}")];
    match Task::rebuild(TaskFiles {
        file: file.clone(),
        text: text.to_owned(),
        parts,
        part_files: BTreeMap::new(),
        schemas: BTreeMap::new(),
        set: Vec::new(),
    }) {
        Ok(task) => {
            for row in task.visible_rows() {
                drop(task.layout.render(&task.baseline, row));
                drop(task.scorers.score("x", row));
            }
            drop(task.check_prices(|_| true));
        }
        Err(error) => has_its_line(&error, &file, text),
    }
}

pub(super) fn recipe(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let file = Path::new("recipe.toml");
    match recipe::parse(file, text) {
        Ok(read) => {
            let effective = recipe::effective_table(&read);
            let again = recipe::parse(file, &effective).expect("the effective recipe is read");
            assert_eq!(recipe::effective_table(&again), effective);
        }
        Err(error) => has_its_line(&error, file, text),
    }
}
