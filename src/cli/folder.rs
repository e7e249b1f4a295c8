//! A folder that is written as a whole or not at all.

use super::error::CliError;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder in the making, beside the folder that it becomes; it is removed unless it is kept.
pub(super) struct NewFolder {
    target: PathBuf,
    path: PathBuf,
}

impl NewFolder {
    /// Creates it. The target may exist already; then files are added to it.
    pub(super) fn create(target: &Path) -> Result<Self, CliError> {
        let target = std::path::absolute(target)?;
        if target.exists() && !target.is_dir() {
            return Err(CliError::usage(format!("{} is no folder", target.display()))
                .hint("choose another folder; nothing was changed"));
        }
        // On the same disk as the target, so that a rename suffices.
        let beside = target.ancestors().skip(1).find(|it| it.is_dir()).unwrap_or(Path::new("."));
        let inside = if target.is_dir() { &target } else { beside };
        let path = inside.join(format!(".promptsearch-init-{}", std::process::id()));
        fs::create_dir(&path)
            .map_err(|error| CliError::usage(format!("{}: {error}", inside.display())))?;
        Ok(Self { target, path })
    }

    /// Where its files are written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts its files into the target.
    pub(super) fn keep(self, names: &[String]) -> Result<(), CliError> {
        let failed =
            |error: std::io::Error| CliError::usage(format!("{}: {error}", self.target.display()));
        if !self.target.exists() {
            if let Some(parent) = self.target.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            return fs::rename(&self.path, &self.target).map_err(failed);
        }
        let mut moved: Vec<PathBuf> = Vec::new();
        for name in names {
            let place = self.target.join(name);
            // A link is refused if the file is there, where a rename would replace it.
            let result =
                fs::hard_link(self.path.join(name), &place).or_else(|error| match error.kind() {
                    std::io::ErrorKind::AlreadyExists => Err(error),
                    _ => fs::copy(self.path.join(name), &place).map(drop),
                });
            if let Err(error) = result {
                moved.iter().for_each(|file| drop(fs::remove_file(file)));
                return Err(failed(error));
            }
            moved.push(place);
        }
        Ok(())
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = fs::remove_dir_all(&self.path);
    }
}
