//! `best`: the incumbent.

use crate::operator::Parents;
use crate::strategy::search::{Pool, Search, Select};

kind! {
    /// The incumbent; in generations, the one of the generation's start.
    "best": "The incumbent.",
    Best {}
}

impl Select for Best {
    /// Children of one generation have the same parent, although some are judged before others are
    /// drafted.
    fn parents(&self, search: &Search<'_>, _: &Pool<'_>) -> Option<Parents> {
        let parent = match search.slots.schedule.children() {
            Some(_) => search.state.memory.generations.bred_from(),
            None => search.state.incumbent,
        };
        Some(Parents { candidates: vec![parent], place: None })
    }
}
