//! What makes a candidate the incumbent, one file each, and the list of them.

pub mod always;
pub mod improve;
pub mod evidence;

use super::search::Accept;

kinds! {
    /// What makes a candidate the incumbent.
    pub ACCEPTS: dyn Accept = [always::Always, improve::Improve, evidence::WithEvidence];
}
