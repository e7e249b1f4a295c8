//! `compress`: says the same in fewer words.

use super::author::{Author, Operator};
use super::common::When;
use super::draw::Draw;
use super::step::Step;
use crate::event::Draft;

kind! {
    /// Asks for the same in fewer words. Where it waits for an occasion, it works on the incumbent.
    "compress": "The same in fewer words.",
    Compress {}
}

meta_prompt! {
    pub(super) COMPRESS = "compress" writes [] [About, MaxTokens] ():
        "the same in fewer words"
}

impl Author for Compress {
    fn steps(&self) -> Vec<Step> {
        Step::once(&COMPRESS)
    }
}

impl Operator for Compress {
    fn usual_occasion(&self) -> When {
        When::IncumbentChanged
    }

    fn parents_in_words(&self) -> Option<&'static str> {
        Some("the incumbent at the time")
    }

    /// A new incumbent is an occasion; without one, parents are selected as the recipe says.
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        if draw.is_occasional {
            return Some(Draft { parents: vec![draw.state.incumbent], ..draft });
        }
        draw.with_parents(draft, 1)
    }
}
