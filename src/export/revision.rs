//! A file as it was at a revision of the user's git repository.

use super::git::{Git, GitError};
use std::path::Path;

/// The bytes of a file at a revision, seen from a folder: `path` begins at the repository's root, or at the
/// folder.
///
/// # Errors
/// There is no git, no repository, no such revision, or no such file in it.
pub fn file_at(folder: &Path, revision: &str, path: &str) -> Result<Vec<u8>, GitError> {
    let git = Git::at(folder);
    // A revision never begins with a dash; an option does.
    if revision.starts_with('-') {
        let message = format!("`{revision}` is no revision: none begins with a dash");
        return Err(GitError::Failed { command: "cat-file".to_owned(), message });
    }
    let blob = |path: &str| git.bytes(&["cat-file", "blob", &format!("{revision}:{path}")], None);
    blob(path).or_else(|error| blob(&format!("./{path}")).map_err(|_| error))
}
