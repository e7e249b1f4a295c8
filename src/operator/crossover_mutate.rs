//! `crossover_mutate`: crosses two parents over and mutates the result.

use super::author::{Author, Operator};
use super::step::Step;

kind! {
    /// Crosses two parents over and mutates the result, in one request (EvoPrompt's GA;
    /// arXiv:2309.08532, section 3.2).
    "crossover_mutate": "Two parents crossed over and mutated in one request.",
    CrossoverMutate {}
}

meta_prompt! {
    pub(super) CROSSOVER_MUTATE = "crossover_mutate" writes [Others] [About, MaxTokens] ("second"):
        "crosses two prompts, then changes the result"
}

impl Author for CrossoverMutate {
    fn steps(&self) -> Vec<Step> {
        Step::once(&CROSSOVER_MUTATE)
    }
}

impl Operator for CrossoverMutate {
    fn parents(&self) -> usize {
        2
    }
}
