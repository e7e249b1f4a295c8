//! The loop: ask → work → append → apply → show.
//!
//! `driver` is the loop itself; `room` says what the budget still allows; `desk` turns plans into
//! requests and answers into outcomes; `confirmation` runs winner and seed on held-out rows.

mod confirmation;
mod desk;
mod driver;
mod room;

pub use confirmation::confirmed;
pub use driver::{Outcome, Search, SearchError};
pub use room::{Limits, hold_calls};

use crate::event::Event;
use crate::id::RequestHash;
use crate::journal::Entry;

impl Entry for Event {
    fn answers(&self) -> Option<RequestHash> {
        match self {
            Event::Answered(answered) => Some(answered.request),
            _ => None,
        }
    }
}
