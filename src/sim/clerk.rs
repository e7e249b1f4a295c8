//! The simulated task model: answers a row by chance, as likely as the world says.
//!
//! Chance is shared on purpose. A row that is hard luck for one prompt is so for others, as with
//! real models, and hence two prompts compared on the same rows differ by less noise than two
//! compared on different ones.

use super::answer;
use super::draw;
use super::labels::AnswerForm;
use super::world::{Case, World};
use crate::prompt::Message;
use crate::seed::Seed;

/// Parts of the variance of a row's luck: shared by all prompts; shared by those that say the same
/// about its skill; and of this very prompt.
const SHARED: [f64; 3] = [0.5, 0.3, 0.2];

/// What the clerk says, and about which row.
pub struct Said<'w> {
    /// Before it is cut to the requested length.
    pub text: String,
    /// The row's id, where there is one.
    pub row: Option<&'w str>,
}

/// Answers a request.
#[must_use]
pub fn say<'w>(world: &'w World, messages: &[Message], temperature: f64, draw: u64) -> Said<'w> {
    let Some(case) = world.case(messages) else {
        return Said { text: "I don't know.".to_owned(), row: None };
    };
    let luck = Luck::new(&case, world.parameters.fresh_at(temperature), draw);
    let (row, seed) = (case.row, luck.seed);
    let mut text = if luck.form < case.reading.asked.malformed {
        answer::malformed(world, row, seed)
    } else if luck.knowledge < case.knows {
        worded(world, &case, answer::right(row))
    } else {
        worded(world, &case, answer::wrong(world, row, seed))
    };
    if case.reading.asked.reasons {
        let thoughts = answer::reasoning(world, seed);
        if !thoughts.is_empty() {
            text = format!("{thoughts}\n\n{text}");
        }
    }
    Said { text, row: Some(&row.id) }
}

/// The answer as the prompt wants it introduced.
fn worded(world: &World, case: &Case<'_>, answer: String) -> String {
    let asked = case.reading.asked;
    match world.form {
        // A fence tells the object from the reasoning before it.
        AnswerForm::Json if asked.reasons => format!("```json\n{answer}\n```"),
        AnswerForm::Json => answer,
        _ if asked.introduced => format!("The answer is {answer}"),
        AnswerForm::Number if asked.reasons => format!("Answer: {answer}"),
        _ => answer,
    }
}

/// The chances that one request takes, each uniform in [0, 1).
struct Luck {
    knowledge: f64,
    form: f64,
    /// Source of what a wrong answer looks like.
    seed: Seed,
}

impl Luck {
    fn new(case: &Case<'_>, fresh: f64, draw: u64) -> Self {
        let row = case.row.seed;
        let own = row.child("prompt", case.reading.seed.0);
        let replicate = own.child("draw", draw);
        if draw::unit(replicate.child("fresh", 0)) < fresh {
            return Self {
                knowledge: draw::unit(replicate.child("knowledge", 0)),
                form: draw::unit(replicate.child("form", 0)),
                seed: replicate,
            };
        }
        let said = case
            .reading
            .stances
            .get(case.row.skill)
            .map_or(row, |stance| row.child("said", stance.seed.0));
        let luck: f64 = [row.child("luck", 0), said.child("luck", 0), own.child("luck", 0)]
            .into_iter()
            .zip(SHARED)
            .map(|(seed, share)| share.sqrt() * draw::normal(seed))
            .sum();
        Self {
            knowledge: draw::normal_share(luck),
            form: draw::unit(own.child("form", 0)),
            seed: own,
        }
    }
}
