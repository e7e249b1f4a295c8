//! `grounded`: instructions from a summary of the data.

use crate::event::Draft;
use crate::id::CandidateIx;
use crate::operator::author::{Author, Init};
use crate::operator::draw::Draw;
use crate::operator::step::{Keep, Step};
use rand::Rng;

kind! {
    /// Summarises the data, then asks for instructions that know the summary, a few rows and a tip
    /// (MIPRO; arXiv:2406.11695, section 3.1).
    "grounded": "Instructions grounded in a summary of the data.",
    Grounded {
        /// How many instructions, the baseline among them where it is named; half as many where a
        /// `product` schedule tries sets of demonstrations beside them.
        take: u32 = 6,
        /// Rows that the summary is made from.
        summary_rows: usize = 10,
        /// Rows that each instruction is shown.
        demos: usize = 3,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None => not_negative,
    }
}

meta_prompt! {
    pub(super) SUMMARIZE = "summarize" notes [Evidence] [About] ():
        "what this data set is about, from rows"
}

meta_prompt! {
    pub(super) GROUNDED = "grounded" writes [Note] [About, MaxTokens, Evidence, Tip] ():
        "an instruction from a data set's description and rows"
}

impl Grounded {
    /// Instructions that are asked for: the baseline is one of the list, and the list is half as long
    /// where demonstrations are searched beside it (MIPROv2).
    fn wanted(&self, draw: &Draw<'_>) -> u16 {
        let halved = draw.breeding.has_combinations() && draw.setting.has_demos;
        let length = if halved { self.take / 2 } else { self.take };
        let with_baseline = draw.breeding.competes(CandidateIx::BASELINE);
        u16::try_from(length.saturating_sub(u32::from(with_baseline))).unwrap_or(u16::MAX)
    }
}

impl Author for Grounded {
    fn steps(&self) -> Vec<Step> {
        let take = u16::try_from(self.take).unwrap_or(u16::MAX);
        vec![Step::new(&SUMMARIZE, 1, Keep::Notes), Step::new(&GROUNDED, take, Keep::Child)]
    }

    fn continued(&self, draw: &Draw<'_>, draft: Draft, number: u32) -> Draft {
        let seed = draw.seed.child("demos", u64::from(number));
        Draft { rows: draw.setting.sample(self.demos, seed), ..draft }
    }
}

impl Init for Grounded {
    fn requests(&self) -> u32 {
        1
    }

    fn all_requests(&self) -> u64 {
        u64::from(self.take) + 1
    }

    fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft, _place: u16, _done: u32) -> Option<Draft> {
        let rows = draw.setting.sample(self.summary_rows, draw.seed.child("rows", 0));
        let variant = draw.seed.child("tip", 0).rng().random();
        Some(Draft { rows, variant, then: self.wanted(draw), ..draft })
    }
}
