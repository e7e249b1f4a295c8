//! Which candidate is changed next, one file each, and the list of them.

mod draws;
pub mod none;
pub mod baseline;
pub mod best;
pub mod uniform;
pub mod roulette;
pub mod softmax;
pub mod tournament;
pub mod scan;
pub mod contrary;
pub mod pareto;
pub mod weighted_novelty;
pub mod cells;
pub mod uct;
pub mod mix;

pub use mix::MixPart;

pub(super) use draws::by_fitness;

#[cfg(test)]
mod tests;

use super::search::Select;

kinds! {
    /// Which candidate is changed next.
    pub SELECTS: dyn Select = [
        none::NoParent,
        baseline::Baseline,
        best::Best,
        uniform::Uniform,
        roulette::Roulette,
        softmax::Softmax,
        tournament::Tournament,
        scan::Scan,
        contrary::Contrary,
        pareto::Pareto,
        weighted_novelty::WeightedNovelty,
        cells::Cells,
        uct::Uct,
        mix::Mix,
    ];
}
