//! Finds the folder of a run by its name.

use super::dir::{NIGHT_FILE, RUN_FILE, RunDir, RunDirError, io_error};
use super::file::{RunFile, RunKind};
use crate::text;
use jiff::Timestamp;
use std::path::Path;
use std::{fs, io};

impl RunDir {
    /// Finds a run: a folder, a name, a unique prefix of one, or `latest`.
    ///
    /// # Errors
    /// There is no such run, or the prefix matches several.
    pub fn find(out: &Path, asked: &str) -> Result<Self, RunDirError> {
        let direct = Path::new(asked);
        if direct.join(RUN_FILE).is_file() {
            return Ok(Self::at(direct));
        }
        let is_night = |dir: &Self| !asked.is_empty() && dir.file(NIGHT_FILE).is_file();
        if let Some(night) =
            [Self::at(direct), Self::at(out.join(asked))].into_iter().find(is_night)
        {
            return Err(RunDirError::Night(night));
        }
        let mut runs = Self::list(out)?;
        if asked == "latest" {
            runs.sort_by_key(Self::lateness);
            return runs.pop().ok_or_else(|| RunDirError::Unknown {
                asked: asked.to_owned(),
                out: out.to_owned(),
                hint: ": start one with `promptsearch run TASK`".to_owned(),
            });
        }
        // An empty name, as of a variable that is not set, is a prefix of all.
        let is_meant = |run: &&Self| !asked.is_empty() && run.name().starts_with(asked);
        let mut matching: Vec<&Self> = runs.iter().filter(is_meant).collect();
        if let Some(exact) = matching.iter().find(|run| run.name() == asked) {
            return Ok((*exact).clone());
        }
        if matching.len() == 1 {
            return Ok(matching.remove(0).clone());
        }
        let names: Vec<String> = runs.iter().map(Self::name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = if matching.len() > 1 {
            let names: Vec<String> = matching.iter().map(|run| run.name()).collect();
            format!(": the prefix matches {}", names.join(" or "))
        } else if names.is_empty() {
            ": the folder has no runs".to_owned()
        } else {
            format!(": {}", nearest(asked, &names))
        };
        Err(RunDirError::Unknown { asked: asked.to_owned(), out: out.to_owned(), hint })
    }

    /// All runs of a folder, by name.
    ///
    /// # Errors
    /// The folder cannot be read; a missing folder has no runs.
    pub fn list(out: &Path) -> Result<Vec<Self>, RunDirError> {
        let entries = match fs::read_dir(out) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_error(out, source)),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| io_error(out, source))?.path();
            if path.join(RUN_FILE).is_file() {
                runs.push(Self::at(path));
            }
        }
        runs.sort_by_key(Self::name);
        Ok(runs)
    }

    /// The sort key of `latest`: searches come before evaluations.
    fn lateness(&self) -> (bool, Option<Timestamp>, String) {
        let file = RunFile::read(self).ok();
        let is_search = file.as_ref().is_some_and(|run| run.kind == RunKind::Search);
        (is_search, file.map(|run| run.created), self.name())
    }
}

/// The names that are much like what was asked for, the likest first.
fn nearest(asked: &str, names: &[&str]) -> String {
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(asked, name);
    let mut like: Vec<(f64, &str)> = names.iter().map(|name| (likeness(name), *name)).collect();
    like.retain(|(likeness, _)| *likeness >= 0.5);
    like.sort_by(|a, b| b.0.total_cmp(&a.0));
    let few: Vec<String> = like.iter().take(FEW).map(|(_, name)| format!("`{name}`")).collect();
    match &few[..] {
        [] => format!("`promptsearch list` shows its {}", text::plural(names.len(), "run")),
        [only] => format!("did you mean {only}?"),
        few => format!("did you mean one of {}?", few.join(", ")),
    }
}

/// The most names that are suggested.
const FEW: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_by_name_or_unique_prefix() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["routing-auto-1", "routing-auto-2", "math"] {
            let (run, _lock) = RunDir::create(&dir.path().join(name)).unwrap();
            run.write(RUN_FILE, br#"{"schema": 1}"#).unwrap();
        }
        let find = |asked: &str| RunDir::find(dir.path(), asked);
        assert_eq!(find("ma").unwrap().name(), "math");
        assert_eq!(find("routing-auto-1").unwrap().name(), "routing-auto-1");
        assert!(find("routing").unwrap_err().to_string().contains("-1 or routing-auto-2"));
        let unknown = |asked: &str| find(asked).unwrap_err().to_string();
        assert!(unknown("maht").ends_with("did you mean `math`?"), "{}", unknown("maht"));
        let few = unknown("ruting-auto-2");
        assert!(few.ends_with("did you mean one of `routing-auto-2`, `routing-auto-1`?"), "{few}");
        assert!(unknown("zzz").ends_with("`promptsearch list` shows its 3 runs"));
    }
}
