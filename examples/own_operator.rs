//! An operator from outside of the crate, used in a search beside a built-in one.
//!
//! It asks the mutator for a version of the prompt that says first where to look. The search is stopped
//! after some events and goes on from its folder; for that the task and the operator are given again.
//!
//! `cargo run --example own_operator`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use promptsearch::caps::Caps;
use promptsearch::event::Event;
use promptsearch::grammar::{Described, Lines};
use promptsearch::id::EventNumber;
use promptsearch::memory::{Observer, State};
use promptsearch::operator::{Author, Common, MetaPrompt, Operator, Reply, Slot, Step, Used};
use promptsearch::provider::Request;
use promptsearch::recipe;
use promptsearch::run::{Control, Given, Run, Settings, model, rewrite};
use promptsearch::source::SourceError;
use promptsearch::task::Task;
use promptsearch::task::model::ModelRole;
use serde_json::json;
use std::sync::Arc;

/// The request, with the slots that the library fills.
static DIGIT_FIRST: MetaPrompt = MetaPrompt {
    name: "digit_first",
    purpose: "a version that says first where to look",
    text: "Rewrite these instructions so that they begin with where to look:\n{{ current }}\n\n\
           Reply in this form:\n{{ form }}",
    reply: Reply::Prompt,
    needs: &[Slot::Current, Slot::Form],
    may_have: &[],
    roles: &[],
};

#[derive(Debug)]
struct DigitFirst;

impl Described for DigitFirst {
    const NAME: &'static str = "digit_first";
    const ABOUT: Lines = &["Asks for a version that says first where to look."];
}

impl Author for DigitFirst {
    fn steps(&self) -> Vec<Step> {
        Step::once(&DIGIT_FIRST)
    }
}

impl Operator for DigitFirst {}

fn parity() -> Result<Task, SourceError> {
    let word = |number: u32| if number.is_multiple_of(2) { "even" } else { "odd" };
    Task::builder("parity")
        .rows((1..=200).map(|number| json!({"input": number, "answer": word(number)})))
        .searched_part("system", "Is this number odd or even?")
        .part("user", "{{ input }}")
        .score_by("exact", |answer, row| answer == row.answer)
        .model(ModelRole::Task, "own/answerer")
        .model(ModelRole::MUTATOR, "own/writer")
        .caps(Caps { calls: Some(1_000), ..Caps::default() })
        .build()
}

/// In place of language models: the writer does as the operator asks, and the answerer guesses unless its
/// prompt says where to look.
fn answer(request: &Request) -> String {
    let asked = &request.messages[0].content;
    if request.model.model() == "writer" {
        let hint = if asked.contains("begin with where") { "Look at the last digit." } else { "" };
        return rewrite(request, "system", &format!("{hint} Odd or even? ({})", request.draw));
    }
    let number: u32 = request.messages[1].content.parse().unwrap_or(0);
    let looks = asked.contains("last digit");
    if looks == number.is_multiple_of(2) { "even" } else { "odd" }.to_owned()
}

/// Stops a search after some events, as Ctrl-C would.
struct StopAfter(u64, Control);

impl Observer for StopAfter {
    fn observe(&mut self, number: EventNumber, _event: &Event, _state: &State) {
        if number.0 >= self.0 {
            self.1.stop();
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own: Arc<dyn Operator> = Arc::new(DigitFirst);
    let mut recipe = recipe::load("random", &[])?;
    recipe.slots.operator.push(Used::own(Arc::clone(&own), Common::default()));

    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("parity");
    let run = Run::create(parity()?, &recipe, Settings::default(), &dir)?;
    let control = Control::new();
    let stop = StopAfter(300, control.clone());
    let mut run = run.with_model("own", model(answer));
    let ended = run.search(vec![Box::new(stop)], &control).await?;
    println!("first session: {:?}", ended.outcome);
    drop(run);

    assert!(Run::open_with(parity()?, &dir).is_err(), "the library knows no such operator");
    let given = Given::from(parity()?).operators([own]);
    let mut run = Run::open_with(given, &dir)?.with_model("own", model(answer));
    let ended = run.search(Vec::new(), &Control::new()).await?;
    println!("second session: {:?}", ended.outcome);
    let best = ended.summary().best.ok_or("nothing was found")?;
    println!("best: {}", best.prompt["system"]);
    Ok(())
}
