//! Errors as the user sees them: a kind that decides the exit code, a message, and hints.

use crate::engine::SearchError;
use crate::export::git::GitError;
use crate::journal::JournalError;
use crate::looks::LooksError;
use crate::night::Night;
use crate::program::CommandError;
use crate::recipe::RecipeError;
use crate::run::{RunDirError, RunError};
use crate::source::SourceError;
use crate::store::{FactFileError, StoreError};
use crate::text;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The kind of an error; each has its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1: an unexpected error.
    Unexpected,
    /// 2: a mistake on the command line, or an unknown run.
    Usage,
    /// 3: the task, recipe, data or key is missing or invalid.
    Invalid,
    /// 4: a provider refused.
    Refused,
    /// 5: another process is using the run.
    InUse,
    /// 6: a gate failed.
    Gate,
    /// 130: interrupted, resumable.
    Interrupted,
}

impl Kind {
    /// The exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Refused => 4,
            Self::InUse => 5,
            Self::Gate => 6,
            Self::Interrupted => 130,
        }
    }
}

/// An error with its hints.
#[derive(Debug)]
pub struct CliError {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened, and to what.
    pub message: String,
    /// What the user can try.
    pub hints: Vec<String>,
}

impl CliError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A file that cannot be written. A full disk is unexpected, whatever was to be written.
    pub(super) fn not_written(path: &Path, error: &io::Error) -> Self {
        let kind = if text::is_disk_full(error) { Kind::Unexpected } else { Kind::Usage };
        Self::new(kind, format!("{}: cannot be written: {}", path.display(), text::cause(error)))
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    pub(super) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Kind::Unexpected, message)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for hint in &self.hints {
            write!(f, "\n  try: {hint}")?;
        }
        Ok(())
    }
}

impl From<SourceError> for CliError {
    fn from(error: SourceError) -> Self {
        let kind = if error.is_disk_full { Kind::Unexpected } else { Kind::Invalid };
        let shown = Self::new(kind, error.without_help());
        match error.help {
            Some(help) => shown.hint(help),
            None => shown,
        }
    }
}

impl From<RecipeError> for CliError {
    fn from(error: RecipeError) -> Self {
        let error = match error {
            RecipeError::Source(error) => return error.into(),
            error => error,
        };
        let hint = "`promptsearch strategies` lists them, `promptsearch strategies NAME` shows one";
        let kind = match error {
            RecipeError::Set(_) | RecipeError::SetExtends | RecipeError::SetItem { .. } => {
                Kind::Usage
            }
            _ => Kind::Invalid,
        };
        let shown = Self::new(kind, error.to_string());
        if matches!(error, RecipeError::Unknown { .. }) { shown.hint(hint) } else { shown }
    }
}

impl From<RunDirError> for CliError {
    fn from(error: RunDirError) -> Self {
        if let RunDirError::Night(dir) = &error {
            let runs = Night::read(dir).map_or_else(|error| error.to_string(), |it| it.run_names());
            return Self::usage(format!("`{}` is a night; its runs are {runs}", dir.name()))
                .hint("name one of them");
        }
        let kind = match error {
            RunDirError::InUse { .. } => Kind::InUse,
            RunDirError::Unknown { .. }
            | RunDirError::Exists(_)
            | RunDirError::OfNight { .. }
            | RunDirError::NoFolder { .. } => Kind::Usage,
            RunDirError::Malformed { .. }
            | RunDirError::Facts(FactFileError::Malformed { .. } | FactFileError::NoFile { .. })
            | RunDirError::Link { .. } => Kind::Invalid,
            _ => Kind::Unexpected,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        let in_use = matches!(error, JournalError::Store(StoreError::InUse { .. }));
        let kind = if in_use { Kind::InUse } else { Kind::Unexpected };
        Self::new(kind, with_causes(&error))
    }
}

impl From<LooksError> for CliError {
    fn from(error: LooksError) -> Self {
        let kind = match error {
            LooksError::File(FactFileError::Malformed { .. }) => Kind::Invalid,
            LooksError::File(FactFileError::NoFile { .. }) => {
                return Self::invalid(error.to_string());
            }
            LooksError::Locked { .. } => Kind::InUse,
            LooksError::File(FactFileError::Io { ref path, ref source })
                if source.kind() == io::ErrorKind::NotADirectory =>
            {
                let folder = path.parent().unwrap_or(path);
                return Self::usage(format!("{} is not a folder", folder.display()));
            }
            LooksError::File(FactFileError::Io { .. }) => Kind::Unexpected,
        };
        let shown = Self::new(kind, with_causes(&error));
        match kind {
            Kind::Invalid => shown
                .hint("put an intact copy of the file back: it counts the looks at held-out rows")
                .hint("or move it away: what the journals of the runs beside it say is put back; other looks are then not known"),
            _ => shown,
        }
    }
}

impl From<SearchError> for CliError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Journal(error) => error.into(),
            SearchError::Looks(error) => error.into(),
            SearchError::Source(error) => error.into(),
            SearchError::NoMutator { .. } => Self::invalid(error.to_string())
                .hint("add `mutator = \"provider/model\"` under [models]"),
            _ => Self::unexpected(with_causes(&error)),
        }
    }
}

/// An error with what caused it.
fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let shared = || error.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
        let system = error.downcast_ref::<io::Error>().or_else(shared);
        let said = system.map_or_else(|| error.to_string(), text::cause);
        if !words.contains(&said) {
            words = format!("{words}: {said}");
        }
        cause = error.source();
    }
    words
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Dir(error) => error.into(),
            RunError::Source(error) => error.into(),
            RunError::Recipe(error) => error.into(),
            RunError::Journal(error) => error.into(),
            RunError::Looks(error) => error.into(),
            RunError::Search(error) => error.into(),
            RunError::Unlimited => Self::usage(error.to_string()).hint(
                "use `--max-usd 2`, `--max-calls 1000` or `--for 8h`, or add [budget] to the task",
            ),
            RunError::Idle { message, help } => {
                help.into_iter().fold(Self::invalid(message), |shown: Self, help| shown.hint(help))
            }
            RunError::TooFewCalls { needed, .. } => Self::invalid(error.to_string())
                .hint(format!("use `--max-calls {needed}` or more; a search needs hundreds")),
            RunError::Provider { .. } => Self::invalid(error.to_string()),
            RunError::Changed { .. } => {
                Self::invalid(error.to_string()).hint("put the old file back, or start a new run")
            }
            RunError::ProvidersChanged { .. } => Self::invalid(error.to_string())
                .hint("put the old value back, or start a new run")
                .hint("resume with `--accept-changed-provider`: the answers may then be others"),
            RunError::Spent { .. } => Self::usage(error.to_string()),
            RunError::Unconfirmable { ref help, .. } => Self::usage(error.to_string()).hint(help),
            RunError::GoesNotOn { ref help, .. } => Self::usage(error.to_string()).hint(help),
            RunError::NoEvents(ref run) => Self::invalid(error.to_string())
                .hint(format!("`promptsearch resume {run}` writes it again from the journal")),
            RunError::Emptied(_) => Self::invalid(error.to_string())
                .hint("put journal/ or events.jsonl back, or start a run with another name"),
            RunError::NotReusable { .. } => Self::invalid(error.to_string())
                .hint("name another run with --reuse, or none: then all rows are asked"),
            RunError::NoWarmStart { .. } => Self::invalid(error.to_string()).hint(
                "name another run with --warm; or none: then the search starts from the task's own prompt",
            ),
            RunError::Prompts(_) => Self::invalid(error.to_string()),
            RunError::TaskNeeded(_) => Self::invalid(error.to_string())
                .hint("open the run with `Run::open_with` of the library"),
        }
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        let kind = if error.is_usage() { Kind::Usage } else { Kind::Unexpected };
        let shown = Self::new(kind, with_causes(&error));
        match error.help() {
            Some(help) => shown.hint(help),
            None => shown,
        }
    }
}

impl From<CommandError> for CliError {
    fn from(error: CommandError) -> Self {
        Self::invalid(format!("the scorer's program: {error}"))
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::unexpected(text::cause(&error))
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::unexpected(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_what_could_not_be_done() {
        let source = Arc::new(io::Error::from(io::ErrorKind::StorageFull));
        let shared = JournalError::Store(StoreError::Io { what: "use r/journal".into(), source });
        let path = Path::new("r/report.html");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for (error, place) in [
            (CliError::from(shared), "cannot use r/journal"),
            (CliError::not_written(path, &full()), "r/report.html: cannot be written"),
            (SourceError::unwritable(path, &full()).into(), "r/report.html: cannot be written"),
        ] {
            let words = "the disk is full; free some space and try again";
            assert_eq!(error.message, format!("{place}: {words}"));
            assert_eq!(error.kind.exit_code(), 1, "{error}");
        }
        let own = CliError::not_written(path, &io::ErrorKind::PermissionDenied.into());
        assert_eq!(own.message, "r/report.html: cannot be written: permission is denied");
    }
}
