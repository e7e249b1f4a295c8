//! `contrast_rule`: advice from better and worse answers to the same row.

use super::ask::{Ask, Refusal, ReplyContent};
use super::author::{Author, Operator};
use super::brief::Evidence;
use super::buckets::{Buckets, Run};
use super::demos::thinned;
use super::draw::{DraftNeed, Draw};
use super::step::Step;
use crate::event::{Draft, Shown};
use crate::journal::JournalError;
use serde::{Deserialize, Serialize};

kind! {
    /// Contrasts the best with the worst of the answers to a row, and adds the advice to the text; the
    /// first child of a generation learns from the row on which answers differ most, and so on (SIMBA).
    /// Nothing is learnt where the best is among the worst tenth of all answers, or the worst among the
    /// best tenth.
    "contrast_rule": "Advice from better and worse answers to the same row.",
    ContrastRule {
        /// Demonstrations of the parent are left out now and then, and always where it has this many.
        max_shots: usize = 4,
    }
}

meta_prompt! {
    pub(super) CONTRAST_RULE = "contrast_rule" notes [Evidence] [About, MaxTokens] ():
        "advice to append, from better and worse answers to the same rows"
}

/// The two answers that a draft contrasts: its own value in the journal.
#[derive(Debug, Serialize, Deserialize)]
struct Contrast {
    better: Run,
    worse: Run,
}

impl Contrast {
    fn of(draft: &Draft) -> Option<Self> {
        draft.own.as_ref().and_then(|own| Self::deserialize(own).ok())
    }
}

impl Author for ContrastRule {
    fn steps(&self) -> Vec<Step> {
        Step::once(&CONTRAST_RULE)
    }

    /// The row with both answers.
    fn evidence(&self, ask: &Ask<'_>) -> Result<Vec<Evidence>, JournalError> {
        let Some(Contrast { better, worse }) = Contrast::of(ask.draft) else {
            return Ok(Vec::new());
        };
        let Some(shown) = ask.answered(better.candidate, better.replicate, better.row)? else {
            return Ok(Vec::new());
        };
        let worse = ask.answered(worse.candidate, worse.replicate, worse.row)?;
        Ok(vec![Evidence { contrast: worse.and_then(|worse| worse.answer), ..shown }])
    }

    /// The advice is added to the first text.
    fn read(&self, ask: &Ask<'_>, reply: &str) -> Result<ReplyContent, Refusal> {
        let notes = ask.read_notes(reply, self.notes(ask.draft))?;
        let current = ask.current();
        let Some(part) = ask.texts.first() else { return Ok(ReplyContent::Child(current.clone())) };
        let old = current.part(part).unwrap_or("");
        let end = if old.ends_with('\n') { "\n" } else { "" };
        let text = format!("{}\n{}{end}", old.trim_end(), notes.join("\n"));
        Ok(ReplyContent::Child(current.with_part(part, &text)))
    }
}

impl Operator for ContrastRule {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        let parent = *draft.parents.first()?;
        let buckets = Buckets::now(draw);
        let bucket = buckets.of_turn(draw)?;
        let (best, worst) = (bucket.best, bucket.worst);
        let is_telling = best.score > worst.score;
        if !is_telling || best.score <= buckets.low || worst.score >= buckets.high {
            return Some(Draft { parents: Vec::new(), ..draft });
        }
        draft.rows = vec![best.row];
        draft.own = serde_json::to_value(Contrast { better: best, worse: worst }).ok();
        let demos = &draw.state.standing(parent).candidate.demos;
        draft.demos =
            (!demos.is_empty()).then(|| thinned(draw.state, parent, self.max_shots, draw.seed));
        Some(draft)
    }

    /// One row with two answers.
    fn next(&self, _draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        let contrast = Contrast::of(draft);
        let shown = contrast.iter().flat_map(|Contrast { better, worse }| [better, worse]);
        DraftNeed::Ask(shown.map(|run| Shown::of(run.row, Some(run.replicate))).collect())
    }
}
