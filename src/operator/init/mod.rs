//! What brings the first candidates, one file each, and the list of them.

mod baseline;
mod bootstrap_demos;
mod grounded;
mod induce;
mod paraphrase;
mod random_shots;
mod style_mutate;
mod variants;

use super::author::Init;

kinds! {
    /// Where the first candidates come from.
    pub INITS: dyn Init = [
        baseline::Baseline,
        induce::InduceInit,
        paraphrase::ParaphraseInit,
        variants::Variants,
        style_mutate::StyleMutateInit,
        grounded::Grounded,
        bootstrap_demos::BootstrapDemos,
        random_shots::RandomShots,
    ];
}
