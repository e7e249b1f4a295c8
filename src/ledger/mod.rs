//! Money and tokens: what a run has spent, what it has set aside, and what it may spend next.
//!
//! Two ledgers keep one cap. The *plan* decides what is issued and depends on folded facts alone, so
//! that a run can be repeated. The *wallet* decides whether an attempt may be sent and settles every
//! arrival at once, so that the cap holds in any order of arrival. Nothing here knows candidates,
//! prompts or providers: callers pass plain numbers.

mod estimate; // Tokens of a request that is not sent yet, and its worst case.
mod used; // What answered calls have used, and their mean.
mod plan; // The plan's side: worst cases of what is issued, costs of what is folded.
mod wallet; // The wallet's side: every reservation and every arrival, at once.
mod least; // The least that caps can be.
mod limits; // Caps with what is set aside for the held-out rows.

pub use estimate::{TokenRatios, estimate_tokens, worst_case};
pub use least::Least;
pub use limits::{CallCosts, Demand, Finale, Limits, Remaining};
pub use plan::{Answer, Issued, PlanLedger};
pub use used::{LEAST_USD_PER_TOKEN, Use};
pub use wallet::{RoleSpending, Wallet};
