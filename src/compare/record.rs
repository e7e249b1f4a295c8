//! The record of an exported prompt: what its evidence file says of it, as far as that is verified later.
//!
//! Not a comparison with what the prompt answers now, which is `verification`'s and `monitor`'s.

use crate::formats;
use crate::prompt::Prompt;
use crate::report::visible_line;
use crate::run::scorer_programs;
use crate::score_form::ScoreForm;
use crate::source::{SourceError, is_sealed};
use crate::stats::Interval;
use crate::task::example::RowHash;
use crate::task::file::TaskFile;
use crate::task::{DataFile, Task, TaskSource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The version of the evidence file that this version writes and reads.
pub const SCHEMA: u32 = 2;

/// What the evidence file beside an exported prompt says of it, as far as it is verified.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// The version of the file's format.
    pub schema: u32,
    /// The run that found the prompt.
    pub run: String,
    /// The task's name.
    pub task: String,
    /// The task's file, from the root of the repository; `None` where it is not in the repository.
    #[serde(default)]
    pub task_file: Option<PathBuf>,
    /// The candidate's id.
    pub candidate: String,
    /// `confirmed`, `unconfirmed`, `baseline` or `chosen by hand`.
    #[serde(default)]
    pub status: String,
    /// The prompt.
    #[serde(default)]
    pub exported: Option<RecordedPrompt>,
    /// The baseline of its run.
    #[serde(default)]
    pub baseline: Option<RecordedPrompt>,
    /// The winner of its run.
    #[serde(default)]
    pub best: Option<RecordedPrompt>,
    /// How its scores are written for people.
    #[serde(default)]
    pub score_form: ScoreForm,
    /// The hash of each part's text.
    pub parts_blake3: BTreeMap<String, String>,
    /// The hash of the prompt's file; records of earlier versions have none.
    #[serde(default)]
    pub file_blake3: Option<String>,
    /// The model of each role.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// Whether the models were simulated.
    #[serde(default)]
    pub simulated: bool,
    /// The judge that graded the answers, if one did.
    #[serde(default)]
    pub judge: Option<RecordedJudge>,
    /// What guards found in the prompt, which was exported all the same.
    #[serde(default)]
    pub flags: Vec<RecordedFlag>,
    /// The hash of what scored the answers; see [`scoring_hash`].
    #[serde(default)]
    pub scoring_blake3: Option<String>,
    /// The hash of all that it says; empty in records of earlier versions.
    #[serde(default)]
    pub seal: String,
    /// The held-out rows that the prompt was asked.
    #[serde(default)]
    pub rows: Vec<RecordedRow>,
}

/// The hash of what scores the answers of a task: its `[[score]]` tables, and the programs of scorers that are files in the
/// task's folder, by what they hold. `known` are programs with their hashes as a run had them; others are read now. `None`
/// for a task that was made in memory, or with a program that cannot be read.
#[must_use]
pub fn scoring_hash(task: &Task, known: &[DataFile]) -> Option<String> {
    let TaskSource::Files(files) = &task.source else { return None };
    let file = TaskFile::parse(&files.file, &files.text).ok()?;
    let mut all = serde_json::to_string(&file.score).ok()?;
    let folder = std::path::absolute(task.folder()).ok()?;
    for program in scorer_programs(task).ok()? {
        let Ok(name) = program.path.strip_prefix(&folder) else { continue };
        let then = known.iter().find(|it| it.path == program.path);
        let hash = &then.unwrap_or(&program).blake3;
        let _ = write!(all, "\n{}\0{hash}", name.display());
    }
    Some(hash_of(&all))
}

/// The figures of a prompt in the record.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RecordedPrompt {
    /// The candidate's id.
    pub candidate: String,
    /// Its parts; of the baseline alone, and empty in records of earlier versions.
    #[serde(default)]
    pub prompt: BTreeMap<String, String>,
    /// Its mean on held-out rows.
    #[serde(default)]
    pub hold: Option<Interval>,
    /// Measured dollars per 1,000 calls.
    #[serde(default)]
    pub usd_per_1k: Option<f64>,
}

/// A flag in the record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordedFlag {
    /// The name of the guard, which a later version may have.
    pub guard: String,
}

/// A judge in the record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordedJudge {
    /// Which judge it is, and how it compares with people.
    #[serde(default)]
    pub caveat: Option<String>,
}

impl Record {
    /// Which judge the scores are of, and how it compares with people, if a judge graded.
    #[must_use]
    pub fn judge_caveat(&self) -> Option<String> {
        Some(visible_line(self.judge.as_ref()?.caveat.as_ref()?))
    }

    /// Reads an evidence file.
    ///
    /// # Errors
    /// It is none, a newer version wrote it, or one of its scores is none.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Self, SourceError> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| SourceError {
            line: Some(error.line()),
            ..SourceError::new(path, format!("it is not an evidence file: {error}"))
        })?;
        if record.schema > SCHEMA {
            let why = format!("its format {} is newer than this program", record.schema);
            return Err(SourceError::new(path, why));
        }
        let scores = record.rows.iter().flat_map(|row| [Some(row.score), row.baseline]).flatten();
        if let Some(odd) = scores.into_iter().find(|score| !(0.0..=1.0).contains(score)) {
            let why = format!("{odd} is not a score: a score is from 0 to 1");
            return Err(SourceError::new(path, why));
        }
        let is_weight = |weight: f64| weight.is_finite() && weight > 0.0;
        match record.rows.iter().find(|row| !is_weight(row.weight)) {
            Some(row) => {
                let why = format!("{} is not the weight of a row: it is above 0", row.weight);
                Err(SourceError::new(path, why))
            }
            None => Ok(record),
        }
    }

    /// Reads an evidence file that is as it was exported.
    ///
    /// The seal shows an edit by hand. It is not a signature: a person who wants to forge an evidence file can seal it
    /// again.
    ///
    /// # Errors
    /// As for [`Record::read`]; or it was edited, or an earlier version wrote it, which cannot show whether it was.
    pub fn read_sealed(path: &Path, bytes: &[u8]) -> Result<Self, SourceError> {
        const HELP: &str =
            "take the file from git as `export` wrote it, or export the prompt again";
        let record = Self::read(path, bytes)?;
        if record.schema < SCHEMA {
            let why = "an earlier version wrote it, and it cannot show whether it was edited";
            return Err(SourceError::new(path, why).help(HELP));
        }
        let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
        if !is_sealed(&value) {
            let why = "it was edited after it was exported: it does not match its seal";
            return Err(SourceError::new(path, why).help(HELP));
        }
        let mut seen = BTreeSet::new();
        match record.rows.iter().find(|row| !seen.insert(row.row)) {
            Some(row) => {
                let row = String::from(row.row);
                Err(SourceError::new(path, format!("row {row} is listed twice")).help(HELP))
            }
            None => Ok(record),
        }
    }

    /// Whether a file is the one that was exported. Ends of lines do not count: git may have changed them. Where the record has
    /// no hash of the file, its text is compared as far as it can be read.
    #[must_use]
    pub fn is_of(&self, path: &Path, file: &[u8]) -> bool {
        match &self.file_blake3 {
            Some(hash) => *hash == hash_of_file(file),
            None => self.has_text_of(path, file),
        }
    }

    /// Whether a file has the text that the record speaks of. What cannot be read here is compared as a whole, and where the
    /// record has no hash of that, believed.
    #[must_use]
    pub fn has_text_of(&self, path: &Path, file: &[u8]) -> bool {
        let whole = || self.file_blake3.as_ref().is_none_or(|hash| *hash == hash_of_file(file));
        let Ok(document) = formats::read(path, file) else { return whole() };
        document.parts.iter().all(|part| match &part.name {
            Some(name) => self.parts_blake3.get(name) == Some(&hash_of(&part.text)),
            None => whole(),
        })
    }

    /// The roles whose model is another one now, each with that of the record: that which answers, and that which grades.
    #[must_use]
    pub fn changed_models(&self, task: &str, judge: Option<&str>) -> BTreeMap<String, [String; 2]> {
        let of = |role: &str| self.models.get(role).map_or("none", String::as_str).to_owned();
        let judge = judge.map(|judge| ("judge", [of("judge"), judge.to_owned()]));
        let all = [("task", [of("task"), task.to_owned()])].into_iter().chain(judge);
        all.filter(|(_, [then, now])| then != now)
            .map(|(role, pair)| (role.to_owned(), pair))
            .collect()
    }

    /// The parts whose text is another one now, by their hashes.
    #[must_use]
    pub fn changed_parts(&self, now: &BTreeMap<String, String>) -> Vec<String> {
        let names: BTreeSet<&String> = self.parts_blake3.keys().chain(now.keys()).collect();
        let is_changed = |name: &&String| now.get(*name) != self.parts_blake3.get(*name);
        names.into_iter().filter(is_changed).cloned().collect()
    }

    /// Whether its scores can be compared with scores of now.
    #[must_use]
    pub fn is_scored_as(&self, task: &Task) -> bool {
        self.scoring_blake3 == scoring_hash(task, &[])
    }

    /// The figures of the prompt that was exported. Earlier versions wrote those of baseline and winner alone.
    #[must_use]
    pub fn exported(&self) -> Option<&RecordedPrompt> {
        let known = [&self.exported, &self.best, &self.baseline];
        known.into_iter().flatten().find(|prompt| prompt.candidate == self.candidate)
    }
}

/// A held-out row of the record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedRow {
    /// Which row, by what it holds.
    pub row: RowHash,
    /// The prompt's score on it, in [0, 1].
    pub score: f64,
    /// The baseline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// How much the row counts in a mean score, above 0: 1 on average over the held-out rows.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

/// The hash of each part's text.
#[must_use]
pub fn hashes(prompt: &Prompt) -> BTreeMap<String, String> {
    prompt.parts().iter().map(|part| (part.name.clone(), hash_of(&part.text))).collect()
}

/// The hash of an exported file, whatever its lines end with.
#[must_use]
pub fn hash_of_file(bytes: &[u8]) -> String {
    hash_of(&String::from_utf8_lossy(bytes).replace("\r\n", "\n"))
}

/// The hash of a part's text.
#[must_use]
pub fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sealed;
    use serde_json::json;

    fn hash(number: usize) -> RowHash {
        RowHash::try_from(format!("{number:032x}")).unwrap()
    }

    #[test]
    fn an_edited_record_is_refused_and_a_reformatted_one_is_not() {
        let rows = [(0, 1.0), (1, 0.25)];
        let rows = rows.map(|(row, score)| RecordedRow {
            row: hash(row),
            score,
            baseline: None,
            weight: 1.0,
        });
        let evidence = sealed(json!({
            "schema": SCHEMA, "run": "r", "task": "t", "candidate": "0123", "rows": rows,
            "parts_blake3": {"b": "bb", "a": "aa"}, "models": {"task": "p/old"},
        }));
        let read = |value: &Value| {
            let read = Record::read_sealed(Path::new("x"), format!("{value:#}").as_bytes());
            read.map_err(|error| error.without_help())
        };
        assert_eq!(read(&evidence).unwrap().rows, rows);
        let mut sorted = evidence.clone();
        sorted.sort_all_objects();
        assert_ne!(sorted.to_string(), evidence.to_string());
        assert_eq!(read(&sorted).unwrap().rows, rows);
        type Edit = fn(&mut Value);
        let edits: [Edit; 6] = [
            |it| it["rows"][1]["score"] = 0.0.into(),
            |it| drop(it["rows"].as_array_mut().unwrap().pop()),
            |it| it["rows"] = json!([it["rows"][0], it["rows"][0], it["rows"][1]]),
            |it| it["parts_blake3"] = json!({}),
            |it| it["models"] = json!({}),
            |it| drop(it.as_object_mut().unwrap().shift_remove("seal")),
        ];
        for edit in edits {
            let mut edited = evidence.clone();
            edit(&mut edited);
            assert!(read(&edited).unwrap_err().contains("does not match its seal"), "{edited}");
        }
        let again = |edit: Edit| {
            let mut edited = evidence.clone();
            edit(&mut edited);
            read(&sealed(edited)).unwrap_err()
        };
        let refusals: [(Edit, &str); 5] = [
            (|it| it["rows"][0]["weight"] = 0.into(), "0 is not the weight of a row"),
            (edits[2], "is listed twice"),
            (|it| it["rows"][0]["score"] = 2.into(), "2 is not a score"),
            (|it| it["schema"] = 1.into(), "an earlier version wrote it"),
            (|it| it["schema"] = 9.into(), "newer than this program"),
        ];
        for (edit, says) in refusals {
            let error = again(edit);
            assert!(error.contains(says), "{error}");
        }
    }
}
