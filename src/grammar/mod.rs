//! What the tables of a recipe are made of: slots, their kinds, and the keys of a kind with their
//! documentation and defaults.
//!
//! A slot is a decision of a search, such as which parent is changed next. A kind is one way to
//! decide it: a struct in a file of its own, declared with `kind!`, and one line in its slot's list,
//! declared with `kinds!`. Raw TOML goes in, a trait object comes out. Not which slots there are:
//! `operator` and `strategy` declare those, and `recipe` reads a file into them.

#[macro_use]
mod kind;
#[macro_use]
mod chosen;

pub use chosen::{Chosen, Kind, Misuse, Slot};
pub use kind::{DeclaredKind, Described, Key, Keys, Kinded, Lines, paragraph};
