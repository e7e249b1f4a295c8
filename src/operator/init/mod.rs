//! What brings the first candidates, one file each, and the list of them.

pub mod baseline;
pub mod bootstrap_demos;
pub mod grounded;
pub mod induce;
pub mod paraphrase;
pub mod prompts;
pub mod random_shots;
pub mod style_mutate;
pub mod variants;

use super::author::Init;

kinds! {
    /// Where the first candidates come from.
    pub INITS: dyn Init = [
        baseline::Baseline,
        prompts::Prompts,
        induce::InduceInit,
        paraphrase::ParaphraseInit,
        variants::Variants,
        style_mutate::StyleMutateInit,
        grounded::Grounded,
        bootstrap_demos::BootstrapDemos,
        random_shots::RandomShots,
    ];
}
