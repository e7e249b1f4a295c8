//! The simulated models on the project's own three tasks.

mod clerk;
mod contract;
mod http;
mod world;

use super::world::{AnswerForm, World, WorldParameters, WorldRow, WorldSpec};
use crate::id::ExampleId;
use crate::prompt::{Columns, Message, Role};
use crate::task::example::Example;
use crate::task::scorer::{ScoreTable, ScorerSet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

pub(super) const TICKETS: &str = "ticket-routing";
pub(super) const INVOICES: &str = "invoice-extraction";
pub(super) const SUMS: &str = "unit-math";
/// Asks for reasoning.
pub(super) const STEPS: &str = "Think step by step and end with the final answer on the last line.";

/// All of them.
pub(super) const TASKS: [&str; 3] = [TICKETS, INVOICES, SUMS];

fn task_file(task: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks").join(task).join(file);
    std::fs::read_to_string(path).unwrap()
}

pub(super) fn spec_of(task: &str, seed: u64) -> WorldSpec {
    let form = match task {
        TICKETS => AnswerForm::Label(
            ["billing", "logistics", "claims", "security", "retention", "technical"]
                .map(str::to_owned)
                .into(),
        ),
        INVOICES => AnswerForm::Json,
        _ => AnswerForm::Number,
    };
    WorldSpec { rows: rows_of(task), form, seed, parameters: WorldParameters::default() }
}

/// The rows of a task, read once.
fn rows_of(task: &str) -> Vec<WorldRow> {
    static READ: LazyLock<BTreeMap<&str, Vec<WorldRow>>> = LazyLock::new(|| {
        let read = |task| task_file(task, "examples.jsonl").lines().map(row_of).collect();
        TASKS.map(|task| (task, read(task))).into()
    });
    READ[task].clone()
}

fn row_of(line: &str) -> WorldRow {
    let row: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    WorldRow {
        id: text("id"),
        user_text: text("input"),
        input: text("input"),
        answer: row["answer"].clone(),
        feedback: Some(text("feedback")),
    }
}

pub(super) fn world_of(task: &str, seed: u64) -> Arc<World> {
    Arc::new(World::new(spec_of(task, seed)))
}

pub(super) fn baseline_prompt(task: &str) -> String {
    task_file(task, "system.md").trim_end().to_owned()
}

/// The baseline with the exact form of the answer and every feedback text.
pub(super) fn ideal_prompt(task: &str) -> String {
    let form = match task {
        TICKETS => "Answer with only the name of the department.",
        INVOICES => "Return only the JSON object, with no other text.",
        _ => "Answer with only the number.",
    };
    let mut feedback: Vec<String> =
        spec_of(task, 1).rows.into_iter().filter_map(|row| row.feedback).collect();
    feedback.sort();
    feedback.dedup();
    let rules: Vec<String> = feedback.iter().map(|rule| format!("- {rule}")).collect();
    format!("{}\n{form}\n\n{}", baseline_prompt(task), rules.join("\n"))
}

pub(super) fn messages(system: &str, user: &str) -> Vec<Message> {
    vec![
        Message { role: Role::System, content: system.to_owned() },
        Message { role: Role::User, content: user.to_owned() },
    ]
}

/// The task's own scorer.
pub(super) fn scorers_of(task: &str) -> ScorerSet {
    let mut table: toml::Table = toml::from_str(&task_file(task, "task.toml")).unwrap();
    let score = table.remove("score").unwrap();
    let tables: Vec<ScoreTable> = score.try_into().unwrap();
    ScorerSet::new(&tables).unwrap()
}

/// A row as scorers want it.
pub(super) fn example_of(row: &WorldRow) -> Example {
    Example {
        numbers: Vec::new(),
        id: ExampleId::new(row.id.clone()),
        columns: Columns::new(),
        answer: row.answer.clone(),
        feedback: row.feedback.clone(),
        group: None,
        weight: 1.0,
        must_pass: false,
        origin: crate::task::example::RowOrigin::Collected,
        file: 0,
        line: 1,
    }
}
