//! The simulated models on the project's own three tasks.

use super::editor;
use super::world::{AnswerForm, World, WorldRow, WorldSpec};
use super::{CLERK, Call, SimLlm};
use crate::event::{Failure, Finish};
use crate::llm::{Llm, Request};
use crate::prompt::{Message, Role};
use crate::seed::Seed;
use crate::task::model::ModelName;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

pub(super) const TICKETS: &str = "ticket-routing";
pub(super) const INVOICES: &str = "invoice-extraction";
pub(super) const SUMS: &str = "unit-math";
const STEPS: &str = "Think step by step and end with the final answer on the last line.";

fn task_file(task: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tasks")
        .join(task)
        .join(file);
    std::fs::read_to_string(path).unwrap()
}

pub(super) fn spec_of(task: &str, seed: u64) -> WorldSpec {
    let form = match task {
        TICKETS => AnswerForm::Label(
            [
                "billing",
                "logistics",
                "claims",
                "security",
                "retention",
                "technical",
            ]
            .map(str::to_owned)
            .into(),
        ),
        INVOICES => AnswerForm::Json,
        _ => AnswerForm::Number,
    };
    let rows = task_file(task, "examples.jsonl")
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            WorldRow {
                id: text("id"),
                user_text: text("input"),
                input: text("input"),
                answer: row["answer"].clone(),
                feedback: Some(text("feedback")),
            }
        })
        .collect();
    WorldSpec { rows, form, seed }
}

pub(super) fn world_of(task: &str, seed: u64) -> Arc<World> {
    Arc::new(World::new(spec_of(task, seed)))
}

pub(super) fn seed_prompt(task: &str) -> String {
    task_file(task, "system.md").trim_end().to_owned()
}

/// The seed prompt with the exact form of the answer and every feedback text.
pub(super) fn ideal_prompt(task: &str) -> String {
    let form = match task {
        TICKETS => "Answer with only the name of the department.",
        INVOICES => "Return only the JSON object, with no other text.",
        _ => "Answer with only the number.",
    };
    let mut feedback: Vec<String> = spec_of(task, 1)
        .rows
        .into_iter()
        .filter_map(|row| row.feedback)
        .collect();
    feedback.sort();
    feedback.dedup();
    let rules: Vec<String> = feedback.iter().map(|rule| format!("- {rule}")).collect();
    format!("{}\n{form}\n\n{}", seed_prompt(task), rules.join("\n"))
}

pub(super) fn messages(system: &str, user: &str) -> Vec<Message> {
    vec![
        Message {
            role: Role::System,
            content: system.to_owned(),
        },
        Message {
            role: Role::User,
            content: user.to_owned(),
        },
    ]
}

#[test]
#[ignore]
fn print_qualities() {
    for task in [TICKETS, INVOICES, SUMS] {
        for seed in 1..=6 {
            let world = world_of(task, seed);
            let ideal = ideal_prompt(task);
            let steps = format!("{ideal}\n{STEPS}");
            let seed_steps = format!("{}\n{STEPS}", seed_prompt(task));
            println!(
                "{task} seed {seed}: empty {:.3} seed {:.3} seed+steps {:.3} ideal {:.3} ideal+steps {:.3}",
                world.true_quality_of(""),
                world.true_quality_of(&seed_prompt(task)),
                world.true_quality_of(&seed_steps),
                world.true_quality_of(&ideal),
                world.true_quality_of(&steps),
            );
        }
    }
}

fn brief(current: &str, rows: &[(&WorldRow, String)]) -> Vec<Message> {
    let n = "0123456789abcdef";
    let evidence: String = rows
        .iter()
        .enumerate()
        .map(|(place, (row, answer))| {
            format!(
                "Example {}\nInput: {}\nAnswer: {answer}\nExpected: {}\nFeedback: {}\nScore: 0\n\n",
                place + 1,
                row.input,
                crate::prompt::value_text(&row.answer),
                row.feedback.as_deref().unwrap_or("")
            )
        })
        .collect();
    vec![Message {
        role: Role::User,
        content: format!(
            "Improve this prompt.\n<prompt-{n} part=\"system\">\n{current}\n</prompt-{n}>\n\n\
             <evidence-{n}>\n{evidence}</evidence-{n}>\n\nReply with the whole new text:\n\
             <prompt-{n} part=\"system\">\n</prompt-{n}>\n"
        ),
    }]
}

fn parsed(reply: &str) -> Option<String> {
    let n = "0123456789abcdef";
    let (_, rest) = reply.split_once(&format!("<prompt-{n} part=\"system\">"))?;
    let (text, _) = rest.split_once(&format!("</prompt-{n}>"))?;
    Some(text.trim_matches('\n').to_owned())
}

#[test]
#[ignore]
fn print_climb() {
    for task in [TICKETS, INVOICES, SUMS] {
        for seed in 1..=3 {
            let spec = spec_of(task, seed);
            let world = Arc::new(World::new(spec.clone()));
            let mut best = seed_prompt(task);
            let mut tries = Vec::new();
            for step in 0..60_u64 {
                let rows: Vec<(&WorldRow, String)> = (0..200)
                    .map(|i| &spec.rows[((step * 31 + i * 7) % spec.rows.len() as u64) as usize])
                    .filter_map(|row| {
                        let said =
                            super::clerk::say(&world, &messages(&best, &row.user_text), 0.0, 0);
                        (said.text != crate::prompt::value_text(&row.answer))
                            .then_some((row, said.text))
                    })
                    .take(4)
                    .collect();
                let written = editor::write(Seed(seed), &brief(&best, &rows), step);
                let Some(child) = parsed(&written.text) else {
                    continue;
                };
                let (new, old) = (world.true_quality_of(&child), world.true_quality_of(&best));
                tries.push(new - old);
                if new > old {
                    best = child;
                }
                if step % 10 == 9 {
                    println!(
                        "{task} {seed} step {step}: {:.3} ({} tokens)",
                        world.true_quality_of(&best),
                        best.len() / 4
                    );
                }
            }
            let up = tries.iter().filter(|t| **t > 0.0).count();
            println!("improving share {:.2}", up as f64 / tries.len() as f64);
            if seed == 1 {
                println!("----\n{best}\n----");
            }
        }
    }
}
