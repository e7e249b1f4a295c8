//! What can go wrong with an export, and what a person can do about it.

use super::Exported;
use std::fmt;
use std::path::PathBuf;

/// An error of an export. With [`GitError::Push`] the commit exists in this repository; with all
/// others nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git` program.
    #[error("the program `{program}` was not found")]
    NoGit {
        /// The name of the program.
        program: String,
    },
    /// The folder is not in a repository, or git refuses to work in it.
    #[error("`{}` is not a usable git repository: {message}", repo.display())]
    NotARepository {
        /// The folder.
        repo: PathBuf,
        /// Git's message.
        message: String,
    },
    /// The path is not allowed.
    #[error("cannot export to the path `{path}`: {reason}")]
    Path {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such revision, or the file is not in it.
    #[error("`{revision}`: {reason}")]
    Revision {
        /// The revision as given.
        revision: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing to export.
    #[error("no file was given to export")]
    NoFiles,
    /// The branch name is invalid, or is a symbolic name for another branch.
    #[error("cannot export to the branch `{branch}`: {reason}")]
    Branch {
        /// The branch as given.
        branch: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The branch is checked out in a work tree.
    #[error("the branch `{branch}` is checked out in {place}")]
    CheckedOut {
        /// The branch.
        branch: String,
        /// The work tree.
        place: String,
    },
    /// The file has uncommitted changes.
    #[error("`{path}` {state}")]
    Dirty {
        /// The path from the top of the repository.
        path: String,
        /// How it differs from HEAD.
        state: Dirt,
    },
    /// Git has no identity for the commit.
    #[error("git has no identity for the commit: user.name or user.email is not set")]
    NoIdentity,
    /// Other exports moved the branch at every try.
    #[error("the branch `{branch}` was moved by another process {times} times in a row")]
    Outrun {
        /// The branch.
        branch: String,
        /// The number of tries.
        times: u32,
    },
    /// The commit is on the branch, but the push failed.
    #[error(
        "the commit {} is on the branch `{}`, but could not be pushed to `{remote}`: {message}",
        exported.commit,
        exported.branch
    )]
    Push {
        /// The export in this repository.
        exported: Box<Exported>,
        /// The remote, without credentials.
        remote: String,
        /// Git's message, without credentials.
        message: String,
    },
    /// Another git command failed.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// The subcommand.
        command: String,
        /// Git's message.
        message: String,
    },
    /// The program could not be run.
    #[error("`git {command}` could not be run")]
    Io {
        /// The subcommand.
        command: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// How a file differs from HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dirt {
    /// It is untracked or ignored; a checkout may overwrite it.
    Untracked,
    /// The index differs.
    Staged,
    /// The work tree differs.
    Modified,
    /// It is in an unresolved merge.
    Conflicted,
}

impl fmt::Display for Dirt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Untracked => "is in the work tree but not committed",
            Self::Staged => "has staged changes that are not committed",
            Self::Modified => "has changes in the work tree that are not committed",
            Self::Conflicted => "is in an unresolved merge",
        })
    }
}

impl GitError {
    /// A hint for the user, if there is one.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoGit { .. } => "install git, or add it to the PATH".to_owned(),
            Self::NotARepository { .. } => {
                "name an existing repository, or create one with `git init`".to_owned()
            }
            Self::Path { .. } => {
                "give a path relative to the top of the repository, such as `prompts/triage.md`"
                    .to_owned()
            }
            Self::Revision { .. } => {
                "name a branch, a tag or a commit; `promptsearch log FILE` lists the versions"
                    .to_owned()
            }
            Self::Branch { .. } => "choose another branch with `--branch`".to_owned(),
            Self::CheckedOut { .. } => {
                "choose another branch with `--branch`, or check out another branch there"
                    .to_owned()
            }
            Self::Dirty { path, .. } => {
                format!("commit, stash or move `{path}`; nothing was written")
            }
            Self::NoIdentity => "git config --global user.name \"Your Name\"\n       \
                                 git config --global user.email you@example.com"
                .to_owned(),
            Self::Outrun { .. } => "export again".to_owned(),
            Self::Push { exported, remote, .. } => {
                format!("git push {remote} {}, or export again with `--push`", exported.branch)
            }
            Self::NoFiles | Self::Failed { .. } | Self::Io { .. } => return None,
        })
    }

    /// Whether the user can fix the error with other arguments or by cleaning up the repository, so
    /// that it is a usage error.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NotARepository { .. }
                | Self::Path { .. }
                | Self::Revision { .. }
                | Self::Branch { .. }
                | Self::CheckedOut { .. }
                | Self::Dirty { .. }
                | Self::NoIdentity
        )
    }
}
