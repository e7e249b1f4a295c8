//! The keys of a task file that a run has frozen: what decides its results, and whose new values it does not use.
//!
//! What it reads afresh is in `current`; the two say the same of each key.

use super::Task;
use super::file::TaskFile;
use super::frozen::TaskSource;
use crate::source::{self, SourceError, line_of_key};
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// Keys of a provider that are frozen.
const OF_PROVIDER: &[&str] = &[
    "max_tokens_field",
    "temperature",
    "seed",
    "system_role",
    "reasoning_effort",
    "cache",
    "price",
    "free",
    "prices",
];
/// Keys of a model that are read afresh.
const OF_MODEL: &[&str] = &["execution", "batch_wait", "hedge", "headers", "query", "body"];

/// Steps from table to table, and to the place of a list.
type Path = Vec<String>;

impl Task {
    /// The keys that stand otherwise in the task file than when the run was started, and have no effect in
    /// it: each with its place. None of a task that was made in memory, or whose file cannot be read.
    #[must_use]
    pub fn keys_without_effect(&self) -> Vec<SourceError> {
        let TaskSource::Files(frozen) = &self.source else { return Vec::new() };
        let Ok(now) = source::read_text(&frozen.file) else { return Vec::new() };
        let Ok(read) = TaskFile::parse(&frozen.file, &frozen.text) else { return Vec::new() };
        let used = read.provider_names();
        let is_set = |path: &Path| frozen.set.contains(&name_of(path));
        let told = changed(&frozen.text, &now).into_iter();
        let told = told.filter(|path| is_frozen(path, &used) && !is_set(path));
        let told: BTreeMap<String, Path> = told.map(|path| (name_of(&path), path)).collect();
        told.into_iter()
            .map(|(name, path)| {
                let instead = match path.first().map(String::as_str) {
                    Some("budget") => "give the cap to `resume`, such as `--max-usd X`",
                    _ => "start a new run",
                };
                let message =
                    format!("`{name}` has changed and has no effect in this run: {instead}");
                let steps: Vec<&str> = path.iter().map(String::as_str).collect();
                let line = line_of_key(&now, &steps);
                SourceError { line, ..SourceError::new(&frozen.file, message) }
            })
            .collect()
    }

    /// A hash of what its files say that decides results, but for prompt, rows and programs: it stays as it is when a
    /// comment, a cap, who is told, or what is read afresh changes.
    ///
    /// # Errors
    /// A task file that cannot be read by this version.
    pub fn decisive_hash(&self) -> Result<String, SourceError> {
        let decisive = match &self.source {
            TaskSource::Memory(facts) => serde_json::to_string(facts),
            TaskSource::Files(files) => {
                let read = TaskFile::parse(&files.file, &files.text)?;
                let used = read.provider_names();
                let mut values = values_of(&files.text);
                values.retain(|path, _| is_frozen(path, &used) && path[0] != "budget");
                let values: Vec<_> = values.into_iter().collect();
                serde_json::to_string(&(values, read.asked(), &files.schemas))
            }
        };
        // What is read of a task file can be written as JSON.
        Ok(blake3::hash(decisive.unwrap_or_default().as_bytes()).to_hex().to_string())
    }
}

/// The values of a task file by key.
fn values_of(text: &str) -> BTreeMap<Path, Value> {
    let mut values = BTreeMap::new();
    for (key, value) in text.parse::<toml::Table>().unwrap_or_default() {
        collect(&mut values, vec![key], value);
    }
    values
}

/// The keys whose values differ.
fn changed(then: &str, now: &str) -> Vec<Path> {
    let (then, now) = (values_of(then), values_of(now));
    let keys: BTreeSet<&Path> = then.keys().chain(now.keys()).collect();
    let differs = |path: &&Path| match (then.get(*path), now.get(*path)) {
        (Some(then), Some(now)) => !is_same(then, now),
        _ => true,
    };
    keys.into_iter().filter(differs).cloned().collect()
}

fn is_same(then: &Value, now: &Value) -> bool {
    match (then, now) {
        (Value::Integer(whole), Value::Float(number))
        | (Value::Float(number), Value::Integer(whole)) => *whole as f64 == *number,
        _ => then == now,
    }
}

/// Takes a value apart down to what is no table. A model alone is a table with its name.
fn collect(values: &mut BTreeMap<Path, Value>, path: Path, value: Value) {
    let below = |step: String| path.iter().cloned().chain([step]).collect::<Path>();
    let is_model = path.first().is_some_and(|table| table == "models");
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                collect(values, below(key), value);
            }
        }
        Value::Array(list) if is_model && path.len() == 2 || list.iter().any(Value::is_table) => {
            for (place, value) in list.into_iter().enumerate() {
                collect(values, below(place.to_string()), value);
            }
        }
        Value::String(_)
            if is_model && path.last().is_some_and(|step| step != "model") && is_role(&path) =>
        {
            values.insert(below("model".to_owned()), value);
        }
        _ => drop(values.insert(path, value)),
    }
}

/// Whether a path below `models` ends at a model, not at a key of one.
fn is_role(path: &[String]) -> bool {
    match path {
        [_, _] => true,
        [_, _, place] => place.parse::<usize>().is_ok(),
        _ => false,
    }
}

fn is_frozen(path: &[String], used: &BTreeSet<String>) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["providers", name, key, ..] => used.contains(*name) && OF_PROVIDER.contains(key),
        ["providers" | "notify", ..] => false,
        ["models", _, place, key, ..] if place.parse::<usize>().is_ok() => !OF_MODEL.contains(key),
        ["models", _, key, ..] => !OF_MODEL.contains(key),
        _ => true,
    }
}

/// As people write it: a model by its role.
fn name_of(path: &[String]) -> String {
    let is_model = path.first().is_some_and(|table| table == "models");
    match path {
        [model @ .., last] if is_model && last == "model" => model.join("."),
        _ => path.join("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frozen_keys_that_differ_are_told() {
        let then = r#"
            [models]
            task = "local/a"
            mutator = ["local/b", "local/c"]
            [providers.local]
            temperature = "none"
            rpm = 5
            price = { input = 1, output = 2 }
            [providers.other]
            temperature = "none"
            [budget]
            usd = 2
        "#;
        let now = r#"
            [models]
            task = { model = "local/a", max_output_tokens = 4000, hedge = "p95" }
            mutator = ["local/b", { model = "local/d", body = { x = 1 } }]
            [providers.local]
            rpm = 9
            price = { input = 1.0, output = 3 }
            [budget]
            usd = 2.0
            calls = 5
            [notify]
            command = ["./tell.sh"]
        "#;
        let used = BTreeSet::from(["local".to_owned()]);
        let told = changed(then, now).into_iter().filter(|path| is_frozen(path, &used));
        let told: Vec<String> = told.map(|path| name_of(&path)).collect();
        assert_eq!(
            told,
            [
                "budget.calls",
                "models.mutator.1",
                "models.task.max_output_tokens",
                "providers.local.price.output",
                "providers.local.temperature",
            ]
        );
        assert!(changed(then, then).is_empty());
    }

    /// The lists here, and what a resumed run takes from the file as it is now, say the same of each key.
    #[test]
    fn what_is_frozen_is_what_a_resumed_run_keeps() {
        let read = |model: &str, provider: &str| {
            let text = format!(
                "name = 't'\ndata = {{ file = 'r.jsonl' }}\nprompt = {{ user = 'x' }}\n\
                 score = [{{ kind = 'equals' }}]\nmodels.task = {{ model = 'p/m', {model} }}\n\
                 [providers.p]\n{provider}"
            );
            TaskFile::parse(std::path::Path::new("task.toml"), &text).unwrap()
        };
        let then = read(
            "temperature = 0.1, max_output_tokens = 1",
            "kind = 'openai'\nbase_url = 'http://a/v1'\nfree = true\n",
        );
        let now = read(
            "temperature = 0.2, max_output_tokens = 2, execution = 'batch', batch_wait = '2h', hedge = 'p95', \
             headers = { a = 'b' }, query = { a = 'b' }, body = { a = 'b' }",
            "kind = 'anthropic'\nbase_url = 'http://b/v1'\napi_key = 'env:K'\napi_key_header = 'k'\n\
             headers = { a = 'b' }\nquery = { a = 'b' }\nbody = { a = 'b' }\nmax_tokens_field = 'max_completion_tokens'\n\
             temperature = 'none'\nseed = 'none'\nsystem_role = 'none'\nreasoning_effort = 'low'\ncache = 1024\n\
             concurrency = 3\nrpm = 3\ntpm = 3\nprice = { input = 1, output = 2 }\ntimeout = { total = '9s' }\n\
             patience = '9s'\nloading = '9s'\nca_file = 'c.pem'\nprices.m = { input = 1, output = 2 }\n",
        );
        let value = |file: &TaskFile| {
            let provider = serde_json::to_value(file.provider("p").unwrap()).unwrap();
            let mut model = serde_json::to_value(&file.models.task).unwrap();
            let form = model["form"].take();
            (provider, model, form)
        };
        let (before, after) = (value(&then), value(&now));
        let kept = value(&then.with_current(&now));
        let is_frozen = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
            super::is_frozen(&path, &BTreeSet::from(["p".to_owned()]))
        };
        for (kept, before, after, place) in [
            (&kept.0, &before.0, &after.0, ["providers", "p"]),
            (&kept.1, &before.1, &after.1, ["models", "task"]),
            (&kept.2, &before.2, &after.2, ["models", "task"]),
        ] {
            let keys = after.as_object().unwrap().keys().filter(|key| *key != "form");
            let mut differ = 0;
            for key in keys.filter(|key| before[*key] != after[*key]) {
                let frozen = is_frozen(&[place[0], place[1], key]);
                let expected = if frozen { &before[key] } else { &after[key] };
                assert_eq!(&kept[key], expected, "{place:?} {key}");
                differ += 1;
            }
            assert!(differ >= 3, "{place:?}");
        }
    }
}
