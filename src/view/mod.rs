//! The pages about runs as a local web server, which are up to date while the runs go on.
//!
//! The pages themselves are those of the report (`report/html`). Here is who may see them, how they follow a run, and how
//! what a person asks for on a page reaches the run: through the same files as `ctl`. Nothing here changes a run by itself,
//! and nothing is loaded from elsewhere.

mod token; // Who may see pages.
mod address; // What an address and a form say.
mod live; // A run that is followed.
mod shelf; // The runs that are shown.
mod sent; // Requests, written again.
mod control; // What is asked of a run.
mod pages; // Which page an address means.
mod server;

pub use server::{Server, serve};
pub use shelf::Shelf;
pub use token::Token;
