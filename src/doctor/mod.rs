//! Whether a run can begin, before a night is spent on finding out: one small call of each role, this
//! machine, and what a run as planned would cost and take.
//!
//! The calls are those of a run: the first row with the task's prompt, and a proposal of the recipe on
//! it, within the caps. Nothing of them is kept, and all checks are made, whatever fails. Not `plan`,
//! which calls no model.

// A file uses only files declared above it.
mod check; // One check, and how it stands.
mod setup; // What a run would begin with.
mod reader; // Whether a run could use what an answer says.
mod question; // What a role is asked, or why it is asked nothing.
mod probe; // One call.
mod rates; // What headers say of limits, and the pace that follows.
mod unanswered; // Why there is no answer.
mod usage; // What an answer is said to have used.
mod role; // What was found of a role.
mod machine; // Clock, disk, folder.
mod batches; // Whether models can be asked in batches.
mod night; // What a run would cost and take.
mod diagnosis; // All that was found.
mod checkup; // All checks, in their order.
mod page; // All of it, for people.

pub use check::{Cause, Check, Status};
pub use checkup::Checkup;
pub use diagnosis::{Asked, Diagnosis};
pub use machine::Machine;
pub use night::Night;
pub use page::page;
pub use rates::RateFound;
pub use role::RoleFound;
pub use setup::Setup;
