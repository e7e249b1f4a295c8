//! A file of another program becomes a task whose first requests can be written, or is refused with a
//! line that it has.

use super::{scratch, two_texts};
use crate::import::{self, Import, TaskDraft, Wishes};
use crate::source::SourceError;
use crate::task::Task;
use std::fs;
use std::path::Path;

/// The first line is the file's extension.
pub(super) fn import(bytes: &[u8]) {
    let Some((extension, text)) = two_texts(bytes) else { return };
    if !["csv", "tsv", "json", "jsonl", "yaml"].contains(&extension) {
        return;
    }
    let file = scratch::file(&format!("foreign.{extension}"), text.as_bytes());
    let lines = text.split(['\n', '\r']).count() + 1;
    match drafted(&file) {
        Ok(draft) => written(&draft),
        Err(error) => {
            assert!(error.line.is_none_or(|line| line >= 1 && line <= lines), "{error:?}");
            assert!(!error.message.is_empty());
        }
    }
}

fn drafted(file: &Path) -> Result<TaskDraft, SourceError> {
    match import::read(file, &Wishes::default(), &mut Vec::new())? {
        Import::Draft(draft) => Ok(*draft),
        Import::Columns(columns) => columns.draft(),
    }
}

/// Writes the task. Its rows may not do, such as rows that are all equal; that is said.
fn written(draft: &TaskDraft) {
    let folder = scratch::folder().join("imported");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in draft.files("imported") {
        fs::write(folder.join(name), text).expect("a file is written");
    }
    draft.write_rows(&folder.join(draft.data_file()), None).expect("rows are written");
    match Task::load(&folder) {
        Ok(task) => {
            for row in task.visible_rows().into_iter().take(3) {
                task.layout.render(&task.baseline, row).expect("a request is written");
            }
        }
        Err(error) => assert!(!error.message.is_empty()),
    }
}
