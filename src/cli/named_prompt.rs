//! A prompt that is named on the command line: of a run, in a file, in git.

use super::error::CliError;
use crate::export::revision::file_at;
use crate::formats::{self, Document};
use crate::id::CandidateIx;
use crate::report::Report;
use crate::report::explain::{Subject, find};
use crate::run::{LoadedRun, Run, RunDir};
use crate::source::{self, SourceError};
use std::path::Path;

/// What may be named.
const NAMES: &str = "give a run, RUN:CANDIDATE, a file, or REV:path of git";

/// A prompt that was named.
pub(super) enum NamedPrompt {
    /// In a file, here or in git.
    Document(Document),
    /// A candidate of a run.
    Candidate(Box<LoadedRun>, CandidateIx),
}

impl NamedPrompt {
    /// The prompt that a text names.
    pub(super) fn find(asked: &str, out: &Path) -> Result<Self, CliError> {
        let path = Path::new(asked);
        if path.is_file() {
            let bytes =
                source::read(path).map_err(|error| SourceError::unreadable(path, &error))?;
            return Ok(Self::Document(formats::read_on_disk(path, &bytes)?));
        }
        let unknown = match RunDir::find(out, asked) {
            Ok(dir) => return Self::of_run(&dir, "best"),
            Err(error) => error,
        };
        // A folder's name may hold a colon, and a candidate's never does.
        for mark in [':', '/'] {
            let of_candidate = asked.rsplit_once(mark).filter(|(run, _)| !run.is_empty());
            if let Some((run, candidate)) = of_candidate
                && let Ok(dir) = RunDir::find(out, run)
            {
                return Self::of_run(&dir, candidate);
            }
        }
        let Some((before, after)) = asked.split_once(':').filter(|(before, _)| !before.is_empty())
        else {
            return Err(CliError::from(unknown).hint(NAMES));
        };
        match file_at(Path::new("."), before, after) {
            Ok(bytes) => {
                let read = formats::read(Path::new(asked), &bytes);
                Ok(Self::Document(read.map_err(|error| error.in_file(asked))?))
            }
            Err(error) => {
                let message = format!("`{asked}` cannot be found: {unknown}; {error}");
                Err(CliError::usage(message).hint(NAMES))
            }
        }
    }

    fn of_run(dir: &RunDir, candidate: &str) -> Result<Self, CliError> {
        let run = Run::read(dir)?;
        let subject = find(&Report::from(&run), candidate.trim()).map_err(|unfound| {
            let error = CliError::usage(format!("run `{}`: {unfound}", dir.name()));
            match unfound.help {
                Some(help) => error.hint(help),
                None => error,
            }
        })?;
        let Subject::Candidate(number) = subject else {
            let message = format!("`{candidate}` is a proposal, which may have no prompt");
            return Err(CliError::usage(message).hint("name the candidate that it became"));
        };
        Ok(Self::Candidate(Box::new(run), number))
    }
}
