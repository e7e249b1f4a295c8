//! Commits files to a branch of an existing repository without disturbing work in it.
//!
//! HEAD, the index and the work tree are never changed or refreshed. The commit is made from
//! objects (`hash-object`, `ls-tree`, `mktree`, `commit-tree`) without an index, and becomes
//! visible with one `update-ref` that requires the branch to be unchanged. If another export moved
//! the branch, this one tries again on top of it, so that concurrent exports all succeed.
//!
//! The `git` program does the work, so the user's identity, signing key, credentials and kind of
//! repository apply. Commit hooks (`pre-commit`, `commit-msg` and similar) do not run, because git
//! runs them only for `git commit`; `reference-transaction` hooks run, and `pre-push` with a push.
//! No filter (line ends, LFS) changes the bytes.
//!
//! It does not choose what is written and makes no pull requests. It pushes only on request and
//! never forces.

mod error;
mod file;
mod program;
mod repository;
mod tree;

pub use error::{Dirt, GitError};
pub(super) use program::Git;

use file::{File, names_of};
use program::{complaint, without_credentials};
use repository::{Repository, reference};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The top of the repository that a folder is in, and the folder's path from there, which ends with `/` unless it is
/// empty.
///
/// # Errors
/// There is no git, or no repository.
pub(super) fn place(folder: &Path) -> Result<(PathBuf, String), GitError> {
    let top = Repository::open(Git::new(), folder)?.git.folder;
    let prefix = Git::at(folder).line(&["rev-parse", "--show-prefix"], None)?;
    Ok((top, prefix))
}

/// Rejects files that differ from HEAD in the work tree or the index. A bare repository has none of them.
///
/// # Errors
/// There is no git, no repository, or such a file.
pub(super) fn check_clean(folder: &Path, paths: &[String]) -> Result<(), GitError> {
    let repository = Repository::open(Git::new(), folder)?;
    if !repository.has_work_tree {
        return Ok(());
    }
    paths.iter().try_for_each(|path| {
        let wrong = |reason: String| GitError::Path { path: path.clone(), reason };
        repository.git.check_clean(&File { names: names_of(path).map_err(wrong)?, bytes: &[] })
    })
}

/// The files to commit, and the branch.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The repository: any folder of its work tree, or a bare repository.
    pub repo: PathBuf,
    /// The branch's short name. The branch is created from HEAD if it does not exist, and goes on from there if it is
    /// merged into HEAD.
    pub branch: String,
    /// The files' paths from the top of the repository, with `/`, and their bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// The commit message.
    pub message: String,
    /// The name or address of a remote to push the branch to.
    pub push: Option<String>,
}

/// The result of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The branch's short name.
    pub branch: String,
    /// The full id of the commit at its tip that holds the files.
    pub commit: String,
    /// Whether the branch was created.
    pub created_branch: bool,
    /// Whether the branch already had these files, so that nothing was committed. A new branch, or one that is
    /// merged into HEAD, then points at HEAD.
    pub unchanged: bool,
    /// Whether the remote has the commit.
    pub pushed: bool,
}

/// The most tries if other processes move the branch.
const ATTEMPTS: u32 = 50;
/// The most failed updates in a row although the branch did not move.
const STUCK: u32 = 8;

impl Commit {
    /// Makes the commit, and pushes it if requested. Repeating it changes nothing.
    ///
    /// # Errors
    /// See [`GitError`]. After any error except [`GitError::Push`], the branch is unchanged.
    pub fn make(&self) -> Result<Exported, GitError> {
        self.make_with(Git::new())
    }

    fn make_with(&self, git: Git) -> Result<Exported, GitError> {
        let files = self.checked_files()?;
        let repository = Repository::open(git, &self.repo)?;
        let git = &repository.git;
        git.check_branch(&self.branch)?;
        repository.check_not_checked_out(&self.branch)?;
        if repository.has_work_tree {
            for file in &files {
                git.check_clean(file)?;
            }
        }
        let mut exported = git.commit(self, &files)?;
        if let Some(remote) = &self.push {
            git.push(remote, &mut exported)?;
        }
        Ok(exported)
    }

    fn checked_files(&self) -> Result<Vec<File<'_>>, GitError> {
        let mut files: Vec<File<'_>> = Vec::with_capacity(self.files.len());
        for (path, bytes) in &self.files {
            let wrong = |reason: String| GitError::Path { path: path.clone(), reason };
            let names = names_of(path).map_err(wrong)?;
            for other in &files {
                if names.starts_with(&other.names) || other.names.starts_with(&names) {
                    return Err(wrong(format!(
                        "it conflicts with `{}`, which is also exported",
                        other.path()
                    )));
                }
            }
            files.push(File { names, bytes });
        }
        if files.is_empty() {
            return Err(GitError::NoFiles);
        }
        Ok(files)
    }
}

impl Git {
    /// Commits the files on top of the branch and moves the branch.
    fn commit(&self, commit: &Commit, files: &[File<'_>]) -> Result<Exported, GitError> {
        let mut blobs = Vec::with_capacity(files.len());
        for file in files {
            blobs.push(
                self.line(&["hash-object", "-w", "--no-filters", "--stdin"], Some(file.bytes))?,
            );
        }
        let reference = reference(&commit.branch);
        let mut stuck = 0;
        for attempt in 0..ATTEMPTS {
            let tip = self.commit_at(&reference)?;
            let base = match &tip {
                // What was merged since is built on.
                Some(tip) => Some(self.newer_head(tip)?.unwrap_or_else(|| tip.clone())),
                None => self.head()?,
            };
            let old_tree = match &base {
                Some(base) => Some(self.line(&["rev-parse", &format!("{base}^{{tree}}")], None)?),
                None => None,
            };
            let mut tree = old_tree.clone();
            for (file, blob) in files.iter().zip(&blobs) {
                tree = Some(self.tree_with(tree.as_deref(), file, 0, blob)?);
            }
            let (new, unchanged) = match (base, tree) {
                (Some(base), tree) if tree == old_tree => (base, true),
                (base, Some(tree)) => {
                    (self.commit_tree(&tree, base.as_deref(), &commit.message)?, false)
                }
                (_, None) => return Err(GitError::NoFiles),
            };
            let exported = Exported {
                branch: commit.branch.clone(),
                commit: new,
                created_branch: tip.is_none(),
                unchanged,
                pushed: false,
            };
            if unchanged && tip.as_ref() == Some(&exported.commit) {
                return Ok(exported);
            }
            // An empty old value requires that the branch does not exist.
            let old = tip.as_deref().unwrap_or_default();
            let moved = self.line(
                &["update-ref", "-m", "promptsearch export", &reference, &exported.commit, old],
                None,
            );
            let Err(error) = moved else {
                return Ok(exported);
            };
            // Another process moved the branch or holds its lock. If the branch does not move,
            // there is another cause, such as a branch with the name of its folder.
            stuck = if self.commit_at(&reference)? == tip { stuck + 1 } else { 0 };
            if stuck > STUCK {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(u64::from(5 * (attempt + 1).min(20))));
        }
        Err(GitError::Outrun { branch: commit.branch.clone(), times: ATTEMPTS })
    }

    fn commit_at(&self, reference: &str) -> Result<Option<String>, GitError> {
        let commit = format!("{reference}^{{commit}}");
        self.answer(&["rev-parse", "-q", "--verify", &commit])
    }

    /// HEAD's commit, if a branch with this tip is merged into it.
    fn newer_head(&self, tip: &str) -> Result<Option<String>, GitError> {
        let Some(head) = self.commit_at("HEAD")? else { return Ok(None) };
        let is_merged = self.run(&["merge-base", "--is-ancestor", tip, &head], None)?;
        Ok(is_merged.status.success().then_some(head))
    }

    /// HEAD's commit; `None` before the first commit.
    fn head(&self) -> Result<Option<String>, GitError> {
        if let Some(commit) = self.commit_at("HEAD")? {
            return Ok(Some(commit));
        }
        // A branch that exists but cannot be read must not be taken for a new repository.
        match self.answer(&["symbolic-ref", "-q", "HEAD"])? {
            Some(branch) if self.answer(&["for-each-ref", &branch])?.is_none() => Ok(None),
            _ => Err(GitError::Failed {
                command: "rev-parse HEAD".to_owned(),
                message: "HEAD does not point to a commit".to_owned(),
            }),
        }
    }
    fn commit_tree(
        &self,
        tree: &str,
        parent: Option<&str>,
        message: &str,
    ) -> Result<String, GitError> {
        // Without this, git would invent an identity from the machine's name.
        let no_guess = ["-c", "user.useConfigOnly=true"];
        for role in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
            let asked = [&no_guess[..], &["var", role]].concat();
            if !self.run(&asked, None)?.status.success() {
                return Err(GitError::NoIdentity);
            }
        }
        let mut arguments = no_guess.to_vec();
        // The message is UTF-8, also if the user has configured another encoding.
        arguments.extend(["-c", "i18n.commitEncoding=UTF-8", "commit-tree"]);
        // Plumbing commands sign only on request.
        let signs = self.answer(&["config", "--type=bool", "--get", "commit.gpgSign"])?;
        if signs.as_deref() == Some("true") {
            arguments.push("-S");
        }
        if let Some(parent) = parent {
            arguments.extend(["-p", parent]);
        }
        arguments.extend(["-F", "-", tree]);
        let ending = if message.ends_with('\n') { "" } else { "\n" };
        self.line(&arguments, Some(format!("{message}{ending}").as_bytes()))
    }

    fn push(&self, remote: &str, exported: &mut Exported) -> Result<(), GitError> {
        let reference = reference(&exported.branch);
        let refused = |message: String| GitError::Push {
            exported: Box::new(exported.clone()),
            remote: without_credentials(remote),
            message: without_credentials(&message),
        };
        let refspec = format!("{reference}:{reference}");
        match self.run(&["push", "--", remote, &refspec], None) {
            Ok(output) if output.status.success() => {}
            Ok(output) => return Err(refused(complaint(&output))),
            Err(error) => return Err(refused(error.to_string())),
        }
        exported.pushed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
