//! All that was found, as it is written with `--json`.

use super::check::{Check, Status};
use super::machine::Machine;
use super::night::Night;
use super::role::RoleFound;
use crate::report::money;
use crate::text;
use crate::units::Amount;
use serde::Serialize;
use std::collections::BTreeMap;

/// All that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The version of this form.
    pub schema: u32,
    /// The task's name.
    pub task: String,
    /// The recipe's name.
    pub strategy: String,
    /// The worst of the checks.
    pub status: Status,
    /// What the checks asked and cost.
    pub asked: Asked,
    /// By role.
    pub roles: BTreeMap<String, RoleFound>,
    /// This machine.
    pub machine: Machine,
    /// A run as planned.
    pub night: Night,
    /// The checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// The fault to see to first: the task's before a provider's.
    #[must_use]
    pub fn first_fault(&self) -> Option<&Check> {
        let faults = self.checks.iter().filter(|check| check.status == Status::Fault);
        faults.min_by_key(|check| check.cause)
    }
}

/// What is asked, and what it costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Asked {
    /// Roles that are to be asked.
    pub roles: u64,
    /// What that may cost; calls whose price is not known are not in it.
    pub worst_usd: f64,
    /// Tokens that it may use.
    pub worst_tokens: u64,
    /// Requests that were sent, those that were tried again among them.
    pub calls: u64,
    /// What they cost.
    pub usd: f64,
    /// Tokens that they used.
    pub tokens: u64,
}

impl Asked {
    /// Before anything is sent.
    pub(super) fn planned(roles: u64, worst: Amount) -> Self {
        let (worst_usd, worst_tokens) = (worst.usd.dollars(), worst.tokens.0);
        Self { roles, worst_usd, worst_tokens, calls: 0, usd: 0.0, tokens: 0 }
    }

    /// After this many requests were sent.
    pub(super) fn spent(self, calls: u64, spent: Amount) -> Self {
        Self { calls, usd: spent.usd.dollars(), tokens: spent.tokens.0, ..self }
    }

    /// For people, before anything is sent.
    #[must_use]
    pub fn plan_in_words(&self) -> String {
        let roles = text::plural(usize::try_from(self.roles).unwrap_or(usize::MAX), "role");
        let (usd, tokens) = (money(self.worst_usd), text::thousands(self.worst_tokens));
        format!("asking {roles}, once each: at most {usd} and {tokens} tokens")
    }

    /// For people, when it is over.
    #[must_use]
    pub fn in_words(&self) -> String {
        let calls = text::plural(usize::try_from(self.calls).unwrap_or(usize::MAX), "request");
        let (usd, tokens) = (money(self.usd), text::thousands(self.tokens));
        format!("sent {calls}: {usd} and {tokens} tokens")
    }
}
