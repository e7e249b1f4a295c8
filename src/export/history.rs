//! The commits of the user's git repository that changed a file, with the file and its evidence as they were.

use super::git::{Git, GitError, check_clean, place};
use crate::formats::sidecar;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// A file's place in its repository, and the commits that changed it.
#[derive(Clone, Debug)]
pub struct FileHistory {
    /// The top of the repository.
    pub repo: PathBuf,
    /// The file's path from there, with `/`.
    pub path: String,
    /// The commits, newest first.
    pub commits: Vec<FileCommit>,
}

/// A file as a commit left it.
#[derive(Clone, Debug)]
pub struct FileCommit {
    /// The full id of the commit.
    pub commit: String,
    /// When it was committed.
    pub date: Timestamp,
    /// The file; `None` where it was deleted.
    pub file: Option<Vec<u8>>,
    /// The evidence file beside it, where there was one.
    pub evidence: Option<Vec<u8>>,
}

impl FileHistory {
    /// The history of a file up to a revision. Neither the file nor its folder has to be in the work tree.
    ///
    /// # Errors
    /// There is no git, no repository, or no such revision.
    pub fn read(file: &Path, revision: &str) -> Result<Self, GitError> {
        let (repo, path) = place_of(file)?;
        let mut history = Self { repo, path, commits: Vec::new() };
        // A change of the evidence alone is a version, too: it says something else of the same text.
        let evidence = sidecar(&history.path);
        let listing = history.listing(revision, &["--", &history.path, &evidence])?;
        history.commits = listing.into_iter().map(|commit| history.file_in(commit)).collect();
        Ok(history)
    }

    /// The file as it is at a revision.
    ///
    /// # Errors
    /// There is no such revision, or it has no such file.
    pub fn at(&self, revision: &str) -> Result<FileCommit, GitError> {
        let commit = self.listing(revision, &["-1", "--"])?.into_iter().next();
        let found = commit.map(|commit| self.file_in(commit)).filter(|it| it.file.is_some());
        found.ok_or_else(|| GitError::Revision {
            revision: revision.to_owned(),
            reason: format!("it has no file `{}`", self.path),
        })
    }

    /// Rejects a file, or its evidence, that differs from HEAD in the work tree or the index.
    ///
    /// # Errors
    /// One of them does, or there is no git.
    pub fn check_clean(&self) -> Result<(), GitError> {
        check_clean(&self.repo, &[self.path.clone(), sidecar(&self.path)])
    }

    /// Ids and dates of commits, newest first.
    fn listing(&self, revision: &str, more: &[&str]) -> Result<Vec<(String, Timestamp)>, GitError> {
        // A revision never begins with a dash; an option does.
        let wrong = |reason: String| GitError::Revision { revision: revision.to_owned(), reason };
        if revision.starts_with('-') {
            return Err(wrong("a revision never begins with a dash".to_owned()));
        }
        let begin = ["--literal-pathspecs", "log", "--format=%H %ct"];
        let (options, paths) = more.split_at(more.iter().position(|it| *it == "--").unwrap_or(0));
        let arguments = [&begin[..], options, &[revision], paths].concat();
        let listing = match Git::at(&self.repo).bytes(&arguments, None) {
            Err(GitError::Failed { message, .. }) => return Err(wrong(message)),
            listing => listing?,
        };
        let listing = String::from_utf8_lossy(&listing);
        let commits = listing.lines().filter_map(|line| {
            let (commit, second) = line.split_once(' ')?;
            Some((commit.to_owned(), Timestamp::from_second(second.parse().ok()?).ok()?))
        });
        Ok(commits.collect())
    }

    fn file_in(&self, (commit, date): (String, Timestamp)) -> FileCommit {
        let git = Git::at(&self.repo);
        let blob =
            |path: &str| git.bytes(&["cat-file", "blob", &format!("{commit}:{path}")], None).ok();
        let (file, evidence) = (blob(&self.path), blob(&sidecar(&self.path)));
        FileCommit { commit, date, file, evidence }
    }
}

/// The top of a file's repository, and the file's path from there.
fn place_of(file: &Path) -> Result<(PathBuf, String), GitError> {
    let wrong = |reason: &str| GitError::Path {
        path: file.display().to_string(),
        reason: reason.to_owned(),
    };
    let absolute = std::path::absolute(file).map_err(|_| wrong("it names no file"))?;
    // The file may be on a branch that is not checked out.
    let folder = absolute.ancestors().skip(1).find(|folder| folder.is_dir());
    let folder = folder.ok_or_else(|| wrong("it names no file"))?;
    let rest = absolute.strip_prefix(folder).ok().and_then(Path::to_str);
    let rest = rest.ok_or_else(|| wrong("it is not UTF-8"))?;
    let (top, prefix) = place(folder)?;
    Ok((top, format!("{prefix}{rest}")))
}
