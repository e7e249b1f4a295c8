//! `baseline`: the task's own prompt.

use crate::operator::author::{Author, Init, WorksOn};

kind! {
    /// The task's own prompt is candidate 0 of every run; naming it here says that it competes.
    "baseline": "The task's own prompt.",
    Baseline {}
}

impl Author for Baseline {
    fn works_on(&self) -> WorksOn {
        WorksOn::Anything
    }
}

impl Init for Baseline {
    fn names_baseline(&self) -> bool {
        true
    }
}
