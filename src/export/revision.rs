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
    let revision = revision.trim_start_matches('-');
    let blob = |path: &str| git.bytes(&["cat-file", "blob", &format!("{revision}:{path}")], None);
    blob(path).or_else(|error| blob(&format!("./{path}")).map_err(|_| error))
}
