//! `reflect`: shows the mutator failures with feedback.

use super::author::{Author, Operator};
use super::draw::Draw;
use super::feedback::Feedback;
use super::history::History;
use super::step::Step;
use super::tried::children_tried;
use crate::event::Draft;

kind! {
    /// Shows the mutator how the parent fared on training rows, and asks for a better text (GEPA;
    /// arXiv:2507.19457, section 3.2).
    "reflect": "Reads failures with feedback and rewrites.",
    Reflect {
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
        /// Which parts a child may change.
        fields: Fields = Fields::All,
        /// Earlier prompts that are shown with their scores.
        history: Option<History> = None,
        /// Earlier children of the parent that are shown with what they changed and what came of it; 0 = none.
        tried: usize = 0,
    }
}

choice! {
    /// Which parts a child may change.
    Fields {
        /// All searched parts.
        All = "all",
        /// One after the other; a child continues where its parent stopped.
        RoundRobin = "round_robin",
    }
}

meta_prompt! {
    pub(super) REFLECT = "reflect" writes [Evidence] [About, MaxTokens, Diagnosis, Tried] ():
        "reads failures with feedback and rewrites"
}

impl Author for Reflect {
    fn steps(&self) -> Vec<Step> {
        Step::once(&REFLECT)
    }
}

impl Operator for Reflect {
    fn feedback(&self) -> Option<&Feedback> {
        Some(&self.feedback)
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        let parent = *draft.parents.first()?;
        self.feedback.deal(draw, &mut draft)?;
        if self.fields == Fields::RoundRobin && draw.setting.texts > 1 {
            draft.part = Some(draw.state.memory.turns.part(parent, draw.setting.texts));
        }
        if let Some(history) = &self.history {
            draft.context = history.items(draw, parent, draft.part);
        }
        draft.tried = children_tried(draw, parent, self.tried);
        Some(draft)
    }
}
