//! `hypermutate`: a new mutation instruction, applied.

use super::ask::Ask;
use super::author::{Author, Operator};
use super::meta_prompt::MetaPrompt;
use super::mutate_with::MUTATE_WITH;
use super::step::{Keep, Step};

kind! {
    /// Writes a new mutation instruction, then applies it (PromptBreeder's hypermutation;
    /// arXiv:2309.16797, section 3.2.3).
    "hypermutate": "A new mutation instruction, applied.",
    Hypermutate {
        /// From the parent's own mutation instruction, or from a thinking style.
        order: HyperOrder = HyperOrder::First,
    }
}

choice! {
    /// What a hypermutation starts from.
    HyperOrder {
        /// A thinking style and the task's description.
        Zero = "zero",
        /// The parent's own mutation instruction.
        First = "first",
    }
}

meta_prompt! {
    pub(super) HYPERMUTATE_STYLE = "hypermutate_style" notes [Style] [About] ():
        "a new instruction for changing instructions, from a manner of thinking"
}

meta_prompt! {
    pub(super) HYPERMUTATE = "hypermutate" notes [Mutator] [About] ():
        "a better version of an instruction for changing instructions"
}

impl Author for Hypermutate {
    fn steps(&self) -> Vec<Step> {
        let first = match self.order {
            HyperOrder::Zero => &HYPERMUTATE_STYLE,
            HyperOrder::First => &HYPERMUTATE,
        };
        vec![Step::new(first, 1, Keep::Notes), Step::new(&MUTATE_WITH, 1, Keep::Child)]
    }

    fn meta_prompts(&self) -> Vec<&'static MetaPrompt> {
        vec![&HYPERMUTATE_STYLE, &HYPERMUTATE, &MUTATE_WITH]
    }

    /// What the first step wrote; before that, what the parent carries, or one of the built-in list.
    fn mutation_prompt(&self, ask: &Ask<'_>) -> Option<String> {
        if ask.draft.step > 0 {
            return ask.note().map(str::to_owned);
        }
        ask.inherited_mutation_prompt().or_else(|| Some(ask.listed_mutation_prompt()))
    }
}

impl Operator for Hypermutate {}
