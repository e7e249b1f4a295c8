//! `history_rewrite`: asks for a prompt that is unlike the earlier ones, and better.

use super::author::{Author, Operator};
use super::draw::Draw;
use super::history::History;
use super::reflect::Fields;
use super::step::Step;
use crate::event::Draft;

kind! {
    /// Shows earlier prompts with their scores and a few rows, and asks for one that is unlike them
    /// and better (OPRO; arXiv:2309.03409, section 3).
    "history_rewrite": "Something unlike the prompts so far, and better.",
    HistoryRewrite {
        /// Which earlier prompts are shown.
        history: History = History::default(),
        /// Training rows that are shown, the same for all children of a generation.
        exemplars: usize = 3,
        /// Which parts a child may change; in turn means a generation for each.
        fields: Fields = Fields::All,
    }
}

meta_prompt! {
    pub(super) HISTORY_REWRITE = "history_rewrite" writes [History] [About, MaxTokens, Evidence] ():
        "past prompts with their scores, and a few rows: one that is different and better"
}

impl Author for HistoryRewrite {
    fn steps(&self) -> Vec<Step> {
        Step::once(&HISTORY_REWRITE)
    }
}

impl Operator for HistoryRewrite {
    fn alternates_parts(&self) -> bool {
        self.fields == Fields::RoundRobin
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        let parent = *draft.parents.first()?;
        let turn = draw.turn();
        let parts = u32::from(draw.setting.texts);
        if self.fields == Fields::RoundRobin && parts > 1 {
            draft.part = Some(u16::try_from(turn % parts).unwrap_or(0));
        }
        draft.context = self.history.items(draw, parent, draft.part);
        let seed = draw.setting.seed.child("exemplars", u64::from(turn));
        draft.rows = draw.setting.sample(self.exemplars, seed);
        Some(draft)
    }
}
