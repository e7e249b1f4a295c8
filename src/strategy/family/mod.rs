//! The families of search, one file each, and the list of them. A family says where it differs from the
//! loop that all share, and which slots it goes with.

/// Declares a family: its own keys, and those that all of them have.
macro_rules! family {
    ($(#[doc = $doc:literal])* $name:literal: $gist:literal, $family:ident, $proposals:literal ahead { $($(#[doc = $key_doc:literal])* $key:ident: $type:ty = $default:expr $(=> $range:tt)?),* $(,)? }) => {
        kind! {
            $(#[doc = $doc])*
            $name: $gist,
            $family {
                $($(#[doc = $key_doc])* $key: $type = $default $(=> $range)?,)*
                /// Evaluations that may be issued and not folded.
                lookahead: usize = 128 => [1.0, 1_000_000.0],
                /// In which order results are folded. With `arrival` more requests are busy, and a killed run goes on from
                /// what its journal has, but the same seed and the same answers may give another run.
                order: $crate::strategy::Order = $crate::strategy::Order::Issue,
                /// Proposals that may be drafted or issued and not folded.
                proposal_lookahead: usize = $proposals => [1.0, 4_096.0],
            }
        }

        impl $crate::strategy::search::Paced for $family {
            fn lookahead(&self) -> $crate::strategy::Lookahead {
                $crate::strategy::Lookahead {
                    evaluations: self.lookahead,
                    proposals: self.proposal_lookahead,
                    tried: usize::MAX,
                    order: self.order,
                }
            }
        }
    };
}

mod fit;
pub mod steady;
mod capping;
pub mod generation;
pub mod pool;
pub mod product;

pub use generation::Runs;

use super::search::Family;

kinds! {
    /// The order in which work is planned.
    pub FAMILIES: dyn Family = [
        steady::Steady,
        generation::Generational,
        pool::Pooled,
        product::Product,
    ];
}
