//! Which combination is tried next, one file each, and the list of them.

pub mod random;
pub mod tpe;
pub mod gp;

use super::search::Sampler;

kinds! {
    /// Which combination is tried next.
    pub SAMPLERS: dyn Sampler = [random::Random, tpe::TreeParzen, gp::Process];
}
