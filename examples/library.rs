//! The crate as a library: a task made of values, a model and a scorer that are closures.
//!
//! `cargo run --example library [FOLDER]`. The run stays in FOLDER/parity, and goes on from there when
//! the program is started again; without FOLDER it is kept in memory.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use promptsearch::caps::Caps;
use promptsearch::provider::Request;
use promptsearch::recipe;
use promptsearch::run::{Control, Run, Settings, model, rewrite};
use promptsearch::source::SourceError;
use promptsearch::task::Task;
use promptsearch::task::model::ModelRole;
use serde_json::json;
use std::error::Error;
use std::path::PathBuf;

/// Numbers with the right word for each.
fn parity() -> Result<Task, SourceError> {
    let word = |number: u32| if number.is_multiple_of(2) { "even" } else { "odd" };
    Task::builder("parity")
        .about("Say of a number whether it is odd or even.")
        .rows((1..=400).map(|number| json!({"input": number, "answer": word(number)})))
        .searched_part("system", "Is this number odd or even?")
        .part("user", "{{ input }}")
        .score_by("exact", |answer, row| answer == row.answer)
        .model(ModelRole::Task, "own/answerer")
        .model(ModelRole::MUTATOR, "own/writer")
        .caps(Caps { calls: Some(2_000), ..Caps::default() })
        .build()
}

/// In place of a language model: it guesses, unless its prompt says where to look.
fn answer(request: &Request) -> String {
    if request.model.model() == "writer" {
        let hints = ["Think twice.", "Look at the last digit.", "Answer with one word."];
        let hint = hints[request.draw as usize % hints.len()];
        return rewrite(request, "system", &format!("Is it odd or even? {hint}"));
    }
    let [system, user] = &request.messages[..] else { return String::new() };
    let number: u32 = user.content.parse().unwrap_or(0);
    let looks = system.content.contains("last digit");
    if looks == number.is_multiple_of(2) { "even" } else { "odd" }.to_owned()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (recipe, settings) = (recipe::load("random", &[])?, Settings::default());
    let run = match std::env::args_os().nth(1).map(|folder| PathBuf::from(folder).join("parity")) {
        None => Run::in_memory(parity()?, &recipe, settings)?,
        Some(dir) if dir.exists() => Run::open_with(parity()?, &dir)?,
        Some(dir) => Run::create(parity()?, &recipe, settings, &dir)?,
    };
    let mut run = run.with_model("own", model(answer));
    let ended = run.search(Vec::new(), &Control::new()).await?;
    println!("{}", serde_json::to_string_pretty(&ended.summary())?);
    Ok(())
}
