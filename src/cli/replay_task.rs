//! `simulate --recorded`: the folder of a task that asks the recorded models of a server.

use super::error::CliError;
use crate::sim::replay::RecordedWorld;
use crate::sim::{CLERK, EDITOR};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Writes `task.toml`, `system.md` and `rows.jsonl`.
///
/// # Errors
/// The folder has a task already, or a file cannot be written.
pub(super) fn write(world: &RecordedWorld, dir: &Path, base_url: &str) -> Result<(), CliError> {
    let file = dir.join("task.toml");
    if file.exists() {
        let message = format!("{} exists already", file.display());
        return Err(CliError::usage(message).hint(
            "name another folder after --write-task, or leave it out and give the same --port",
        ));
    }
    fs::create_dir_all(dir).map_err(|error| CliError::not_written(dir, &error))?;
    let rows = world.rows.iter().map(|row| {
        let row = json!({"id": row.id, "input": row.input, "answer": row.answer});
        format!("{row}\n")
    });
    let files = [
        ("system.md", world.baseline().text.clone()),
        ("rows.jsonl", rows.collect()),
        ("task.toml", task_file(world, base_url)),
    ];
    files.iter().try_for_each(|(name, text)| {
        let path = dir.join(name);
        fs::write(&path, text).map_err(|error| CliError::not_written(&path, &error))
    })
}

fn task_file(world: &RecordedWorld, base_url: &str) -> String {
    let name = world.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    format!(
        r#"name = "{name}"
about = "Answer the rows of {name}, as they were recorded."

[data]
file = "rows.jsonl"
columns = {{ id = "id", answer = "answer" }}
split = {{ train = 0.3, dev = 0.4, hold = 0.3 }}

[prompt]
system = {{ file = "system.md" }}
user = "{{{{ input }}}}"
search = ["system"]

[models]
task = "recorded/{CLERK}"
mutator = {{ model = "recorded/{EDITOR}", max_output_tokens = {longest} }}

[[score]]
kind = "equals"

# Which child the mutator gives depends on the order of the requests: run with --concurrency 1 to
# repeat a run.
[providers.recorded]
kind = "openai"
base_url = "{base_url}"

# Prices of models such as gpt-4.1-mini and gpt-4.1, in USD per million tokens.
[providers.recorded.prices.{CLERK}]
input = 0.40
output = 1.60

[providers.recorded.prices.{EDITOR}]
input = 2.00
output = 8.00
"#,
        longest = world.longest_reply(),
    )
}
