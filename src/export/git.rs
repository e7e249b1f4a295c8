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

use std::ffi::OsString;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

/// The files to commit, and the branch.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The repository: any folder of its work tree, or a bare repository.
    pub repo: PathBuf,
    /// The branch's short name. The branch is created from HEAD if it does not exist.
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
    /// Whether the branch already had these files, so that nothing was committed. A new branch then
    /// points at HEAD.
    pub unchanged: bool,
    /// Whether the remote has the commit.
    pub pushed: bool,
}

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
            Self::Branch { .. } => "choose another branch with `--branch`".to_owned(),
            Self::CheckedOut { .. } => {
                "choose another branch with `--branch`, or check out another branch there"
                    .to_owned()
            }
            Self::Dirty { path, .. } => {
                format!(
                    "commit, stash or move `{path}`, or choose another path with `--path`; \
                     nothing was written"
                )
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
                | Self::Branch { .. }
                | Self::CheckedOut { .. }
                | Self::Dirty { .. }
                | Self::NoIdentity
        )
    }
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

struct File<'a> {
    /// The components of the path from the top of the repository; at least one.
    names: Vec<&'a str>,
    bytes: &'a [u8],
}

impl File<'_> {
    fn path(&self) -> String {
        self.names.join("/")
    }

    fn wrong(&self, reason: String) -> GitError {
        GitError::Path { path: self.path(), reason }
    }
}

/// Splits a path into its components; the error says why it is not allowed.
fn names_of(path: &str) -> Result<Vec<&str>, String> {
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

/// The `git` program, run in one folder.
pub(super) struct Git {
    program: OsString,
    folder: PathBuf,
    /// Environment variables that tests set or remove, as a user's shell might.
    #[cfg(test)]
    environment: Vec<(&'static str, Option<OsString>)>,
}

/// Variables that would point git to another repository, index or branch, as they do within a hook.
/// Those with configuration (`GIT_CONFIG_…`) and identity are kept.
const MISLEADING: [&str; 15] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    // These conflict with `--literal-pathspecs`.
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

impl Git {
    fn new() -> Self {
        Self {
            program: "git".into(),
            folder: PathBuf::new(),
            #[cfg(test)]
            environment: Vec::new(),
        }
    }

    /// Git in a folder.
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..Self::new() }
    }

    /// Runs a subcommand and returns its output, also if it fails.
    fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Output, GitError> {
        let failed = |source: std::io::Error| {
            if source.kind() == ErrorKind::NotFound {
                return GitError::NoGit { program: self.program.to_string_lossy().into_owned() };
            }
            GitError::Io { command: subcommand(arguments), source }
        };
        let mut command = std::process::Command::new(&self.program);
        #[cfg(test)]
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        for name in MISLEADING {
            command.env_remove(name);
        }
        let mut child = command
            // Without this, reading the status of the work tree could rewrite the index.
            .env("GIT_OPTIONAL_LOCKS", "0")
            // There may be no user to answer a prompt.
            .env("GIT_TERMINAL_PROMPT", "0")
            .arg("-C")
            .arg(&self.folder)
            .args(arguments)
            .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input)
            && let Err(error) = pipe.write_all(input)
            // If git stops early, its own message is more useful than a broken pipe.
            && error.kind() != ErrorKind::BrokenPipe
        {
            // Without its input git exits by itself; its message would not help then.
            drop(pipe);
            let _ = child.wait();
            return Err(failed(error));
        }
        child.wait_with_output().map_err(failed)
    }

    /// The output of a subcommand that must succeed.
    pub(super) fn bytes(
        &self,
        arguments: &[&str],
        input: Option<&[u8]>,
    ) -> Result<Vec<u8>, GitError> {
        let output = self.run(arguments, input)?;
        if !output.status.success() {
            return Err(GitError::Failed {
                command: subcommand(arguments),
                message: complaint(&output),
            });
        }
        Ok(output.stdout)
    }

    /// The output line of a subcommand that must succeed.
    fn line(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<String, GitError> {
        let bytes = self.bytes(arguments, input)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The output line of a subcommand; `None` if it fails.
    fn answer(&self, arguments: &[&str]) -> Result<Option<String>, GitError> {
        let output = self.run(arguments, None)?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.status.success() && !line.is_empty()).then_some(line))
    }

    fn check_branch(&self, branch: &str) -> Result<(), GitError> {
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
    fn check_clean(&self, file: &File<'_>) -> Result<(), GitError> {
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
                Some(tip) => Some(tip.clone()),
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
            if unchanged && tip.is_some() {
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

    /// The id of `tree` with the file's blob added, `depth` folders down its path. It is `tree`
    /// itself if the blob is already there.
    fn tree_with(
        &self,
        tree: Option<&str>,
        file: &File<'_>,
        depth: usize,
        blob: &str,
    ) -> Result<String, GitError> {
        let listing = match tree {
            Some(tree) => self.bytes(&["ls-tree", "-z", "--full-tree", tree], None)?,
            None => Vec::new(),
        };
        let mut entries = Entry::read_all(&listing)?;
        let name = file.names[depth].as_bytes();
        let known = entries.iter().position(|entry| entry.name == name);
        let is_file = depth + 1 == file.names.len();
        let here = || file.names[..=depth].join("/");
        let (mode, object) = match (known.map(|at| &entries[at]), is_file) {
            (Some(entry), true) if entry.is_file() => {
                if let (Some(tree), true) = (tree, entry.object == blob) {
                    return Ok(tree.to_owned());
                }
                // An executable file stays executable.
                (entry.mode.clone(), blob.to_owned())
            }
            (Some(entry), false) if entry.is_folder() => {
                let folder = self.tree_with(Some(&entry.object), file, depth + 1, blob)?;
                if let (Some(tree), true) = (tree, entry.object == folder) {
                    return Ok(tree.to_owned());
                }
                (entry.mode.clone(), folder)
            }
            (None, true) => ("100644".to_owned(), blob.to_owned()),
            (None, false) => ("040000".to_owned(), self.tree_with(None, file, depth + 1, blob)?),
            (Some(entry), _) => {
                return Err(file.wrong(format!(
                    "`{}` is a {} on the branch",
                    here(),
                    entry.noun()
                )));
            }
        };
        let entry =
            Entry { kind: if is_file { "blob" } else { "tree" }.to_owned(), mode, object, name };
        match known {
            Some(at) => entries[at] = entry,
            None => entries.push(entry),
        }
        // A partial clone lacks some objects of the tree; they need not be fetched.
        self.line(&["mktree", "-z", "--missing"], Some(&Entry::write_all(&entries)))
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

struct Repository {
    git: Git,
    has_work_tree: bool,
}

impl Repository {
    /// Finds the top of the repository from any folder of it.
    fn open(mut git: Git, folder: &Path) -> Result<Self, GitError> {
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
    fn check_not_checked_out(&self, branch: &str) -> Result<(), GitError> {
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

/// One line of a tree.
struct Entry<'a> {
    mode: String,
    kind: String,
    object: String,
    name: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads `MODE KIND OBJECT<tab>NAME<nul>`…, where a name may be any bytes.
    fn read_all(listing: &'a [u8]) -> Result<Vec<Self>, GitError> {
        let mut entries = Vec::new();
        for record in listing.split(|byte| *byte == 0).filter(|r| !r.is_empty()) {
            let entry = record.iter().position(|byte| *byte == b'\t').and_then(|tab| {
                let facts = std::str::from_utf8(&record[..tab]).ok()?;
                let mut facts = facts.split_whitespace().map(str::to_owned);
                Some(Self {
                    mode: facts.next()?,
                    kind: facts.next()?,
                    object: facts.next()?,
                    name: &record[tab + 1..],
                })
            });
            entries.push(entry.ok_or_else(|| GitError::Failed {
                command: "ls-tree".to_owned(),
                message: format!("cannot read `{}`", String::from_utf8_lossy(record)),
            })?);
        }
        Ok(entries)
    }

    fn write_all(entries: &[Self]) -> Vec<u8> {
        let mut listing = Vec::new();
        for entry in entries {
            let facts = format!("{} {} {}\t", entry.mode, entry.kind, entry.object);
            listing.extend_from_slice(facts.as_bytes());
            listing.extend_from_slice(entry.name);
            listing.push(0);
        }
        listing
    }

    fn is_file(&self) -> bool {
        self.kind == "blob" && self.mode != "120000"
    }

    fn is_folder(&self) -> bool {
        self.kind == "tree"
    }

    fn noun(&self) -> &'static str {
        match self.kind.as_str() {
            "tree" => "folder",
            "commit" => "submodule",
            _ if self.is_file() => "file",
            _ => "symbolic link",
        }
    }
}

fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The subcommand among arguments that may begin with options for git itself.
fn subcommand(arguments: &[&str]) -> String {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "-c" => {
                rest.next();
            }
            option if option.starts_with('-') => {}
            name => return name.to_owned(),
        }
    }
    String::new()
}

/// Git's error message on one line.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .map(|line| {
            let line = line.trim();
            line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line)
        })
        .filter(|line| !line.is_empty() && !line.starts_with("hint: "))
        .collect();
    if lines.is_empty() {
        return output.status.to_string();
    }
    lines.join("; ")
}

/// Removes user names and passwords from web addresses, because they are often tokens.
fn without_credentials(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find("://") {
        let (scheme, after) = rest.split_at(found + "://".len());
        clean.push_str(scheme);
        let end = after
            .find(|c: char| c == '/' || c.is_whitespace() || c == '\'' || c == '"')
            .unwrap_or(after.len());
        let (authority, after) = after.split_at(end);
        let host_from = authority.rfind('@').map_or(0, |at| at + 1);
        // In `ssh://git@host` the user name is required and not secret.
        let has_secret = !scheme.ends_with("ssh://") || authority[..host_from].contains(':');
        clean.push_str(if has_secret { &authority[host_from..] } else { authority });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests;
