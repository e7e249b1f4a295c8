//! The loop: ask → work → append → apply → show.
//!
//! `driver` is the loop itself; `room` says what the budget still allows; `proposals` turns
//! drafts into requests and replies into outcomes; `programs` asks programs of the user's; `wordings` checks
//! what requests are written with; `confirmation` runs winner and seed on held-out rows.

mod confirmation;
mod driver;
mod programs;
mod proposals;
mod room;
mod wordings;

pub use confirmation::{Confirmed, confirmed};
pub use driver::{Outcome, Search, SearchError};
pub use room::{Limits, hold_calls};
pub use wordings::{check_window, meta_prompts};

use crate::budget::Wallet;
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

/// Takes an event into a wallet: on replay, what the calls of a live run do themselves.
pub fn settle(wallet: &mut Wallet, event: &Event) {
    match event {
        Event::Reserved { call, amount, role, share } => {
            wallet.reserve(*call, *role, *share, *amount);
        }
        Event::Answered(answered) => {
            wallet.settle(answered.call, answered.usage(), answered.usd);
        }
        Event::AttemptFailed { call, charged, .. } => wallet.settle_failed(*call, *charged),
        Event::CallMissing { call, role, .. } => wallet.settle_missing(*call, *role),
        Event::Lost { call } => wallet.lose(*call),
        _ => {}
    }
}
