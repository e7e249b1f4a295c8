//! `hint`: a hint on the task as the new text.

use super::author::{Author, Operator};
use super::step::{Keep, Step};

kind! {
    /// Asks for hints on the task alone; the first is the new text (PromptBreeder's zero-order mutation;
    /// arXiv:2309.16797, section 3.2.1).
    "hint": "A hint on the task as the new text.",
    Hint {}
}

meta_prompt! {
    pub(super) HINT = "hint" notes [About] [Count] ():
        "hints for the author of the instruction, from the task's description"
}

meta_prompt! {
    pub(super) FROM_HINT = "from_hint" writes [Note] [About, MaxTokens] ():
        "makes an instruction of a hint"
}

impl Author for Hint {
    fn steps(&self) -> Vec<Step> {
        vec![Step::new(&HINT, 1, Keep::Notes), Step::new(&FROM_HINT, 1, Keep::Child)]
    }
}

impl Operator for Hint {}
