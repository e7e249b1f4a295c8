//! A scorer that is a closure of the program that made the task.
//!
//! Like the kinds it must be a pure function of answer and row: a resumed run calls it again.

use super::kind::{Method, RowKind};
use super::verdict::Verdict;
use crate::task::example::Example;
use std::fmt;
use std::sync::Arc;

type Score = dyn Fn(&str, &Example) -> Verdict + Send + Sync;

/// The closure.
#[derive(Clone)]
pub(super) struct Closure(Arc<Score>);

impl Closure {
    pub(super) fn new<F, V>(score: F) -> Self
    where
        F: Fn(&str, &Example) -> V + Send + Sync + 'static,
        V: Into<Verdict>,
    {
        Self(Arc::new(move |answer, row| score(answer, row).into()))
    }
}

impl RowKind for Closure {
    fn score(&self, answer: &str, row: &Example) -> Verdict {
        (self.0)(answer, row)
    }

    fn metrics(&self) -> Option<&'static [&'static str]> {
        None
    }
}

impl From<Closure> for Method {
    fn from(closure: Closure) -> Self {
        Self::Row(Arc::new(closure))
    }
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closure")
    }
}
