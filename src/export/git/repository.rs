//! The repository: where its top is, and whether an export may write to a branch and a path of it.

use super::error::{Dirt, GitError};
use super::file::File;
use super::program::{Git, complaint};
use std::path::Path;

/// The repository of an export.
pub(super) struct Repository {
    pub(super) git: Git,
    pub(super) has_work_tree: bool,
}

impl Repository {
    /// Finds the top of the repository from any folder of it.
    pub(super) fn open(mut git: Git, folder: &Path) -> Result<Self, GitError> {
        let unusable =
            |message: String| GitError::NotARepository { repo: folder.to_owned(), message };
        if !folder.is_dir() {
            return Err(unusable("there is no such folder".to_owned()));
        }
        git.folder = folder.to_owned();
        let output =
            git.run(&["rev-parse", "--is-bare-repository", "--is-inside-work-tree"], None)?;
        if !output.status.success() {
            return Err(unusable(complaint(&output)));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let has_work_tree = match said.split_whitespace().collect::<Vec<_>>()[..] {
            [_, "true"] => true,
            ["true", _] => false,
            _ => return Err(unusable("it is inside git's own folder".to_owned())),
        };
        if has_work_tree {
            // The relative path, because the full path need not be valid UTF-8.
            let up = git.line(&["rev-parse", "--show-cdup"], None)?;
            if !up.is_empty() {
                git.folder.push(up);
            }
        }
        Ok(Self { git, has_work_tree })
    }

    /// Rejects a branch that is checked out in a work tree or that a rebase or bisection will
    /// return to.
    pub(super) fn check_not_checked_out(&self, branch: &str) -> Result<(), GitError> {
        let reference = reference(branch);
        let used = |place: String| Err(GitError::CheckedOut { branch: branch.to_owned(), place });
        let listing = self.git.bytes(&["worktree", "list", "--porcelain"], None)?;
        let mut place = "";
        let listing = String::from_utf8_lossy(&listing);
        for line in listing.lines() {
            if let Some(folder) = line.strip_prefix("worktree ") {
                place = folder;
            } else if line.strip_prefix("branch ") == Some(&reference) {
                return used(format!("`{place}`"));
            }
        }
        // During a rebase or a bisection HEAD is detached, but the branch is still in use.
        let common = self.git.line(&["rev-parse", "--git-common-dir"], None)?;
        let common = self.git.folder.join(common);
        let mut folders = vec![common.clone()];
        if let Ok(linked) = std::fs::read_dir(common.join("worktrees")) {
            folders.extend(linked.flatten().map(|entry| entry.path()));
        }
        for folder in folders {
            for (note, work) in [
                ("rebase-merge/head-name", "rebase"),
                ("rebase-apply/head-name", "rebase"),
                ("BISECT_START", "bisection"),
            ] {
                let taken = std::fs::read_to_string(folder.join(note)).unwrap_or_default();
                if taken.trim() == reference || taken.trim() == branch {
                    return used(format!("an unfinished {work}"));
                }
            }
        }
        Ok(())
    }
}

impl Git {
    pub(super) fn check_branch(&self, branch: &str) -> Result<(), GitError> {
        let wrong = |reason: String| GitError::Branch { branch: branch.to_owned(), reason };
        // Git expands names such as `@{-1}`; only a name that stays the same is accepted.
        let name = self.answer(&["check-ref-format", "--branch", branch])?;
        if name.as_deref() != Some(branch) {
            return Err(wrong("it is not a valid branch name".to_owned()));
        }
        if let Some(other) = self.answer(&["symbolic-ref", "-q", &reference(branch)])? {
            let other = other.strip_prefix("refs/heads/").unwrap_or(&other);
            return Err(wrong(format!("it is another name for `{other}`")));
        }
        // Branches are stored like files in folders: if `a` exists, `a/b` cannot.
        let family = branch.split('/').next().unwrap_or(branch);
        let known =
            self.line(&["for-each-ref", "--format=%(refname:lstrip=2)", &reference(family)], None)?;
        let stands_in_the_way = |other: &&str| {
            branch.starts_with(&format!("{other}/")) || other.starts_with(&format!("{branch}/"))
        };
        match known.lines().find(stands_in_the_way) {
            Some(other) => Err(wrong(format!("it conflicts with the branch `{other}`"))),
            None => Ok(()),
        }
    }

    /// Rejects a path that differs from HEAD in the work tree or the index.
    pub(super) fn check_clean(&self, file: &File<'_>) -> Result<(), GitError> {
        let mut place = self.folder.clone();
        for (depth, name) in file.names.iter().enumerate() {
            place.push(name);
            let Ok(found) = std::fs::symlink_metadata(&place) else {
                break;
            };
            let is_parent = depth + 1 < file.names.len();
            let here = || file.names[..=depth].join("/");
            if is_parent && found.is_symlink() {
                return Err(file.wrong(format!("`{}` is a symbolic link", here())));
            }
            if is_parent && !found.is_dir() {
                return Err(file.wrong(format!("`{}` is a file", here())));
            }
            // Git does not look into a nested repository and would report no changes there.
            if is_parent && std::fs::symlink_metadata(place.join(".git")).is_ok() {
                return Err(file.wrong(format!("`{}` is a repository of its own", here())));
            }
            if !is_parent && found.is_dir() {
                return Err(file.wrong("it is a folder".to_owned()));
            }
        }
        let is_there = std::fs::symlink_metadata(&place).is_ok();
        let path = file.path();
        let records = self.bytes(
            &[
                "--literal-pathspecs",
                "status",
                "--porcelain=v1",
                "-z",
                "--no-renames",
                "--untracked-files=all",
                // A checkout of the branch would overwrite an ignored file without a warning.
                "--ignored=matching",
                "--",
                &path,
            ],
            None,
        )?;
        for record in records.split(|byte| *byte == 0) {
            let state = match record {
                // Git also reports an ignored folder if the file does not exist in it.
                [b'?', b'?', ..] | [b'!', b'!', ..] if is_there => Dirt::Untracked,
                [b'?', b'?', ..] | [b'!', b'!', ..] => continue,
                [b'U', _, ..] | [_, b'U', ..] | [b'A', b'A', ..] | [b'D', b'D', ..] => {
                    Dirt::Conflicted
                }
                [b' ', _, ..] => Dirt::Modified,
                [_, _, ..] => Dirt::Staged,
                _ => continue,
            };
            return Err(GitError::Dirty { path, state });
        }
        Ok(())
    }
}

/// The full name of a branch.
pub(super) fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}
