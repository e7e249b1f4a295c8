//! Which rows a candidate is tried on, and when it is dropped, one file each, and the list of them.
//!
//! Three shapes: one by one, together in rounds (`contest` is what these share), and combinations as
//! trials.

mod rows;
pub mod full;
pub mod gate;
pub mod race;
pub mod cascade;
pub mod minibatch;
pub mod stop_on_failure;
mod contest;
pub mod race_all;
pub mod ucb;
pub mod sequential_halving;
pub mod continuous_reject;
pub mod cluster;
pub mod regress;
mod trial;
pub mod minibatch_promote;
pub mod hyperband;

pub(super) use rows::GateState;
pub(super) use trial::number_of_trials;

use super::search::Evaluate;

kinds! {
    /// Which rows a candidate is tried on, and when it is dropped.
    pub EVALUATES: dyn Evaluate = [
        full::Full,
        gate::Gate,
        race::Race,
        cascade::Cascade,
        minibatch::Minibatch,
        stop_on_failure::StopOnFailure,
        minibatch_promote::MinibatchPromote,
        race_all::RaceAll,
        ucb::Ucb,
        sequential_halving::SequentialHalving,
        continuous_reject::ContinuousReject,
        cluster::Cluster,
        regress::Regress,
        hyperband::Hyperband,
    ];
}
