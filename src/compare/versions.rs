//! The versions of an exported prompt in the user's git repository, each with its record.
//!
//! What the records say is told; nothing is asked again, and no version is said to be better than another one.

use super::record::Record;
use crate::export::history::FileCommit;
use crate::report::visible_line;
use crate::score_form::ScoreForm;
use crate::stats::Interval;
use crate::text;
use jiff::Timestamp;
use serde::Serialize;
use std::path::Path;

/// A version of a prompt file.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// The full id of the commit.
    pub commit: String,
    /// When it was committed.
    pub date: Timestamp,
    /// What kind of version it is.
    pub kind: VersionKind,
    /// The commit before it that had the same text, where one had.
    pub same_as: Option<String>,
    /// What its evidence says.
    #[serde(flatten)]
    pub recorded: Option<Recorded>,
    /// Why what lies beside it is no evidence.
    #[serde(skip)]
    flaw: Option<String>,
}

/// What a commit made of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    /// The text is that of the evidence beside it.
    Exported,
    /// The text is not that of the evidence beside it: it was edited since.
    Edited,
    /// There is no evidence beside it, or none that this program can read.
    WithoutEvidence,
    /// The file was deleted.
    Deleted,
}

/// What the evidence of a version says.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// The task's name.
    pub task: String,
    /// The run that found the prompt.
    pub run: String,
    /// The candidate's id.
    pub candidate: String,
    /// `confirmed`, `unconfirmed`, `baseline` or `chosen by hand`.
    pub verdict: String,
    /// Its score on held-out rows, with its 95 % interval.
    pub held_out: Option<Interval>,
    /// How scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
    /// Measured dollars per 1,000 calls.
    pub usd_per_1k: Option<f64>,
    /// The names of guards that found something in the prompt, which was exported all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Whether models were simulated.
    pub simulated: bool,
}

impl Recorded {
    fn of(record: &Record) -> Self {
        let exported = record.exported();
        let mut flags: Vec<String> = Vec::new();
        for flag in record.flags.iter().filter(|flag| !flag.guard.is_empty()) {
            if !flags.contains(&flag.guard) {
                flags.push(flag.guard.clone());
            }
        }
        Self {
            task: record.task.clone(),
            run: record.run.clone(),
            candidate: record.candidate.clone(),
            verdict: record.status.clone(),
            score_form: record.score_form,
            held_out: exported.and_then(|prompt| prompt.hold),
            usd_per_1k: exported.and_then(|prompt| prompt.usd_per_1k),
            flags,
            simulated: record.simulated,
        }
    }

    /// The facts, one after the other.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut facts = vec![visible_line(&self.verdict)];
        facts.push(match self.held_out {
            Some(it) => format!(
                "held out {} ({} to {}, n = {})",
                self.score_form.score(it.mean),
                self.score_form.score(it.low),
                self.score_form.score(it.high),
                it.n
            ),
            None => "no held-out score".to_owned(),
        });
        facts.extend(self.usd_per_1k.map(|usd| format!("{usd:.4} USD per 1,000 calls")));
        if !self.flags.is_empty() {
            facts.push(format!("flagged: {}", visible_line(&self.flags.join(", "))));
        }
        if self.simulated {
            facts.push("simulated models".to_owned());
        }
        facts.join(" · ")
    }
}

impl Version {
    /// What a commit says of a prompt file.
    #[must_use]
    pub fn of(path: &Path, commit: &FileCommit) -> Self {
        // What was edited is no evidence.
        let sealed = commit.evidence.as_ref().map(|bytes| Record::read_sealed(path, bytes));
        let (record, flaw) = match sealed {
            Some(Ok(record)) => (Some(record), None),
            Some(Err(error)) => (None, Some(error.message)),
            None => (None, None),
        };
        let kind = match (&commit.file, &record) {
            (None, _) => VersionKind::Deleted,
            (_, None) if commit.evidence.is_some() => VersionKind::Edited,
            (_, None) => VersionKind::WithoutEvidence,
            (Some(file), Some(record)) if record.has_text_of(path, file) => VersionKind::Exported,
            _ => VersionKind::Edited,
        };
        Self {
            commit: commit.commit.clone(),
            date: commit.date,
            kind,
            same_as: None,
            recorded: record.as_ref().map(Recorded::of),
            flaw,
        }
    }

    /// All versions of a file, in the order of its commits, which is newest first.
    #[must_use]
    pub fn all(path: &Path, commits: &[FileCommit]) -> Vec<Self> {
        let versions = commits.iter().enumerate().map(|(number, commit)| {
            let earlier = commits[number + 1..].iter();
            let mut same = earlier.filter(|it| it.file.is_some() && it.file == commit.file);
            let same_as = same.next().map(|it| it.commit.clone());
            Self { same_as, ..Self::of(path, commit) }
        });
        versions.collect()
    }

    /// The version for people, in lines of at most this width.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<String> {
        let mut told = Vec::new();
        let prompt = |it: &Recorded| {
            format!("prompt {} of run {}", visible_line(&it.candidate), visible_line(&it.run))
        };
        match (self.kind, &self.recorded) {
            (VersionKind::Deleted, _) => told.push("deleted".to_owned()),
            (VersionKind::Exported, Some(it)) => told.extend([prompt(it), it.in_words()]),
            (VersionKind::Edited, Some(it)) => told.extend([
                "edited since: the text is not that of the evidence beside it".to_owned(),
                format!("evidence: {}, {}", prompt(it), it.in_words()),
            ]),
            _ => told.push(match &self.flaw {
                Some(why) => format!("no evidence: of the file beside it, {}", visible_line(why)),
                None => "no evidence beside it".to_owned(),
            }),
        }
        told.extend(self.same_as.as_ref().map(|it| format!("the text of {}", short(it))));
        let date = self.date.strftime("%Y-%m-%d %H:%M");
        let mut lines = vec![format!("{}  {date}", short(&self.commit))];
        for fact in told {
            let wrapped = text::lines(&fact, width.saturating_sub(4));
            lines.extend(wrapped.iter().enumerate().map(|(number, line)| {
                let indent = if number == 0 { "  " } else { "    " };
                format!("{indent}{line}")
            }));
        }
        lines
    }
}

/// The beginning of a commit's id.
#[must_use]
pub fn short(commit: &str) -> &str {
    &commit[..commit.len().min(12)]
}
