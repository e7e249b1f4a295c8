//! `style_mutate`: rewrites the parent in a thinking style.

use super::author::{Author, Operator};
use super::step::Step;

kind! {
    /// Rewrites the parent in a thinking style drawn from the built-in list (PromptWizard;
    /// arXiv:2405.18369).
    "style_mutate": "The text in a thinking style.",
    StyleMutate {}
}

meta_prompt! {
    pub(super) STYLE_MUTATE = "style_mutate" writes [Style] [About, MaxTokens] ():
        "rewrites in a given manner of thinking"
}

impl Author for StyleMutate {
    fn steps(&self) -> Vec<Step> {
        Step::once(&STYLE_MUTATE)
    }
}

impl Operator for StyleMutate {}
