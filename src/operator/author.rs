//! The traits of what brings new prompts: operators change candidates, inits bring the first ones.
//!
//! One operator is one file: its keys, what it draws, what it asks, how it reads the reply, its tests.
//! Nearly everything has a default, which is what an operator does that asks once, with the evidence
//! of its draft, for a new text.

use super::ask::{Ask, Refusal, ReplyContent};
use super::brief::Evidence;
use super::common::When;
use super::draw::{DraftNeed, Draw, Sets};
use super::feedback::Feedback;
use super::meta_prompt::MetaPrompt;
use super::slot::Slot;
use super::step::{Keep, Step};
use crate::event::{Draft, Gate};
use crate::grammar::{Kinded, Misuse};
use crate::id::CandidateIx;
use crate::journal::JournalError;
use crate::prompt::Prompt;
use crate::vector::ComparedText;
use std::fmt::Debug;

/// What of a task's prompt an operator or an init works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorksOn {
    /// Any prompt.
    Anything,
    /// A part that a model may rewrite.
    Text,
    /// Two parts that a model may rewrite.
    TwoTexts,
    /// The part with demonstrations.
    Demos,
}

/// Writes new prompts: what operators and inits have in common. Its candidates carry its kind's name.
pub trait Author: Kinded + Debug + Send + Sync {
    /// Its requests, in their order; none where it asks no model.
    fn steps(&self) -> Vec<Step> {
        Vec::new()
    }

    /// Whether it asks the mutator.
    fn asks_mutator(&self) -> bool {
        !self.steps().is_empty()
    }

    /// All that it may ask, whatever its keys are.
    fn meta_prompts(&self) -> Vec<&'static MetaPrompt> {
        self.steps().iter().map(|step| step.meta_prompt).collect()
    }

    /// What of a task's prompt it works on.
    fn works_on(&self) -> WorksOn {
        WorksOn::Text
    }

    /// Notes that are asked for in one reply.
    fn notes(&self, draft: &Draft) -> u32 {
        let _ = draft;
        1
    }

    /// What a draft asks.
    fn meta_prompt(&self, draft: &Draft) -> Option<&'static MetaPrompt> {
        self.steps().get(usize::from(draft.step)).map(|step| step.meta_prompt)
    }

    /// The number, of its draft's own ones, that picks a thinking style.
    fn style(&self, draft: &Draft) -> usize {
        draft.variant as usize
    }

    /// The mutation instruction of a draft: what the request holds, and what the child inherits.
    fn mutation_prompt(&self, ask: &Ask<'_>) -> Option<String> {
        ask.inherited_mutation_prompt()
    }

    /// The rows that the request shows, with the answers that are shown beside them.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn evidence(&self, ask: &Ask<'_>) -> Result<Vec<Evidence>, JournalError> {
        ask.evidence()
    }

    /// What the reply to a draft's request says.
    ///
    /// # Errors
    /// The reply is refused.
    fn read(&self, ask: &Ask<'_>, reply: &str) -> Result<ReplyContent, Refusal> {
        match self.steps().get(usize::from(ask.draft.step)).map(|step| step.result) {
            Some(Keep::Notes) => {
                let mut notes = ask.read_notes(reply, self.notes(ask.draft))?;
                // Each note costs further requests: no more of them than were asked for.
                notes.truncate(self.notes(ask.draft) as usize);
                Ok(ReplyContent::Notes(notes))
            }
            Some(Keep::Prompt) => ask.read_prompt(reply).map(ReplyContent::Draft),
            Some(Keep::Child) | None => ask.read_prompt(reply).map(ReplyContent::Child),
        }
    }

    /// Whether a draft's demonstrations show the baseline's own answers where these are right: it
    /// answers those rows before anything is asked.
    fn shows_own_answers(&self) -> bool {
        false
    }

    /// Changes what a draft of a later step has from the first step. `number` counts the drafts of
    /// this step.
    fn continued(&self, draw: &Draw<'_>, draft: Draft, number: u32) -> Draft {
        let _ = (draw, number);
        draft
    }
}

/// A program that is asked in place of the mutator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// The folder that it is started in; the task's where this is empty.
    pub dir: &'a str,
    /// Seconds after which it is given up.
    pub timeout: u64,
}

/// Changes a candidate. Every built-in one is run through the same contract tests.
pub trait Operator: Author {
    /// Which text of a prompt it compares with those of others.
    fn compares(&self) -> Option<ComparedText> {
        None
    }

    /// How many parents a child has.
    fn parents(&self) -> usize {
        1
    }

    /// When it may be used, where a recipe does not say.
    fn usual_occasion(&self) -> When {
        When::Always
    }

    /// Refuses keys that it cannot work with.
    ///
    /// # Errors
    /// The first one.
    fn check(&self) -> Result<(), Misuse> {
        let Some(feedback) = self.feedback() else { return Ok(()) };
        feedback.check()?;
        let mut slots = self.meta_prompts().into_iter().flat_map(MetaPrompt::slots);
        if feedback.diagnosis && !slots.any(|slot| slot == Slot::Diagnosis) {
            let message = format!("`diagnosis` does nothing with `{}`", self.name());
            let help =
                "its requests have no place for it; `reflect`, `restart` and `patch` have one";
            return Err(Misuse::of(&["feedback", "diagnosis"], message).help(help));
        }
        Ok(())
    }

    /// Which rows are shown with the parent's answers, where it shows any.
    fn feedback(&self) -> Option<&Feedback> {
        None
    }

    /// The key that has no effect in a task without a part for demonstrations.
    fn idle_key_without_demos(&self) -> Option<&'static str> {
        None
    }

    /// Whether only uses count whose child is kept, against the most uses.
    fn counts_kept_children(&self) -> bool {
        false
    }

    /// The chance that it follows the use of another operator, in the same child.
    fn chance_to_follow(&self) -> f64 {
        0.0
    }

    /// Whether another operator may follow its use, in the same child.
    fn may_be_followed(&self) -> bool {
        true
    }

    /// Whether the searched parts take turns, a generation each.
    fn alternates_parts(&self) -> bool {
        false
    }

    /// How its parents are found, in words; `None`: they are selected as the recipe says.
    fn parents_in_words(&self) -> Option<&'static str> {
        None
    }

    /// What a draft's own value says, in words, where that explains the draft.
    fn own_in_words(&self, own: &serde_json::Value) -> Option<&'static str> {
        let _ = own;
        None
    }

    /// The program that it asks in place of the mutator.
    fn program(&self) -> Option<Program<'_>> {
        None
    }

    /// Draws what a child starts from: parents, rows, parts. `None`: there is nothing to work on.
    /// A draft without parents is given up, and counts as a use.
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, self.parents())?;
        if let Some(feedback) = self.feedback() {
            feedback.deal(draw, &mut draft)?;
        }
        Some(draft)
    }

    /// What an open draft needs next.
    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        match self.feedback() {
            _ if self.steps().is_empty() => DraftNeed::Compose(Box::new(draft.clone())),
            Some(feedback) => feedback.next(draw, draft),
            None => DraftNeed::ask_with(&draft.rows),
        }
    }

    /// The child's texts, where no model is asked.
    fn compose(&self, ask: &Ask<'_>) -> Prompt {
        ask.current().clone()
    }

    /// Those of a draft's parents that count as the child's parents.
    fn parents_of(&self, draft: &Draft) -> Vec<CandidateIx> {
        draft.parents.clone()
    }

    /// What the child must pass before it is tried in full; `None`: what the recipe's `evaluate`
    /// asks for, if anything.
    fn gate(&self, draw: &Draw<'_>, draft: &Draft) -> Option<OwnGate> {
        let _ = (draw, draft);
        None
    }
}

/// A gate of an operator's own, or none at all.
pub type OwnGate = Option<Gate>;

/// Brings the first candidates, or the sets of demonstrations that candidates are made of.
pub trait Init: Author {
    /// First requests that it makes.
    fn requests(&self) -> u32 {
        0
    }

    /// The requests of all its steps together.
    fn all_requests(&self) -> u64 {
        u64::from(self.requests())
    }

    /// Sampling temperature of its requests; the mutator's own where none is given.
    fn temperature(&self) -> Option<f64> {
        None
    }

    /// Refuses keys that it cannot work with.
    ///
    /// # Errors
    /// The first one.
    fn check(&self) -> Result<(), Misuse> {
        Ok(())
    }

    /// Whether it says that the baseline competes.
    fn names_baseline(&self) -> bool {
        false
    }

    /// Whether it brings sets of demonstrations, not candidates.
    fn makes_sets(&self) -> bool {
        false
    }

    /// How many of the best candidates it rewrites, where it rewrites those.
    fn rewrites_best(&self) -> Option<usize> {
        None
    }

    /// The draft number `done`, with the baseline as its parent and `done` as its variant. `place`
    /// is the init's place in the recipe; the draw's seed is that of the place. `None`: it has to
    /// wait.
    fn draft(&self, draw: &Draw<'_>, draft: Draft, place: u16, done: u32) -> Option<Draft> {
        let _ = (draw, place, done);
        Some(draft)
    }

    /// The candidate's texts, where no model is asked.
    fn compose(&self, ask: &Ask<'_>) -> Prompt {
        ask.current().clone()
    }

    /// Its sets of demonstrations; the draw's seed is that of its place.
    fn sets(&self, draw: &Draw<'_>) -> Sets {
        let _ = draw;
        Sets::Ready(Vec::new())
    }
}
