//! An operator from outside of the crate, used by a recipe beside the built-in ones.
//!
//! It asks the mutator for a version of the prompt that names the task's labels first. A run with such
//! an operator is resumed by handing the operator in again.
//!
//! `cargo run --example own_operator`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use promptsearch::operator::{Author, Common, MetaPrompt, Operator, Reply, Slot, Step, Used};
use promptsearch::recipe;
use std::sync::Arc;

/// The request, with the slots that the library fills.
static LABELS_FIRST: MetaPrompt = MetaPrompt {
    name: "labels_first",
    purpose: "a version that names the labels first",
    text: "Rewrite these instructions so that the allowed answers come first:\n{{ current }}\n\n\
           Reply in this form:\n{{ form }}",
    reply: Reply::Prompt,
    needs: &[Slot::Current, Slot::Form],
    may_have: &[],
    roles: &[],
};

#[derive(Debug)]
struct LabelsFirst;

impl Author for LabelsFirst {
    fn name(&self) -> &str {
        "labels_first"
    }

    fn steps(&self) -> Vec<Step> {
        Step::once(&LABELS_FIRST)
    }
}

impl Operator for LabelsFirst {}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own: Vec<Arc<dyn Operator>> = vec![Arc::new(LabelsFirst)];
    let mut recipe = recipe::load("random", &[])?;
    recipe
        .slots
        .operator
        .push(Used::own(Arc::clone(&own[0]), Common { weight: 2.0, ..Common::default() }));
    // A run freezes its recipe as text; reading it again needs the operator.
    let frozen = recipe::effective_table(&recipe);
    let again = recipe::parse_with("run.json".as_ref(), &frozen, &own)?;
    assert_eq!(again, recipe);
    assert!(
        recipe::parse("run.json".as_ref(), &frozen).is_err(),
        "the library alone knows no such kind"
    );
    let names: Vec<&str> = recipe.slots.operator.iter().map(Used::kind).collect();
    println!("the recipe uses {}", names.join(" and "));
    Ok(())
}
