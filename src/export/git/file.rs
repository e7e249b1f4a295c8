//! A file of an export: its path in the repository, and which paths are refused.

use super::error::GitError;

/// A file to commit.
pub(super) struct File<'a> {
    /// The components of the path from the top of the repository; at least one.
    pub(super) names: Vec<&'a str>,
    pub(super) bytes: &'a [u8],
}

impl File<'_> {
    pub(super) fn path(&self) -> String {
        self.names.join("/")
    }

    pub(super) fn wrong(&self, reason: String) -> GitError {
        GitError::Path { path: self.path(), reason }
    }
}

/// Splits a path into its components; the error says why it is not allowed.
pub(super) fn names_of(path: &str) -> Result<Vec<&str>, String> {
    if path.is_empty() {
        return Err("it is empty".to_owned());
    }
    if path.starts_with('/') {
        return Err(
            "it must be relative to the top of the repository, without a leading `/`".to_owned()
        );
    }
    if path.contains('\\') {
        return Err("use `/` between folders".to_owned());
    }
    if path.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err("it contains invisible characters".to_owned());
    }
    if path.ends_with('/') {
        return Err("it names a folder".to_owned());
    }
    let names: Vec<&str> =
        path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    for name in &names {
        if *name == ".." {
            return Err("it leaves the repository through `..`".to_owned());
        }
        if is_git_folder(name) {
            return Err(format!("`{name}` is reserved by git"));
        }
    }
    if names.is_empty() || path.ends_with("/.") {
        return Err("it names a folder".to_owned());
    }
    Ok(names)
}

/// Characters that some file systems ignore in names, so that `.g<invisible>it` would be `.git`.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
    )
}

/// Whether some file system treats the name as `.git`: some ignore case, trailing dots and spaces,
/// or text after a colon, or give long names a short form.
fn is_git_folder(name: &str) -> bool {
    let name = name.split(':').next().unwrap_or_default();
    let name = name.trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}
