//! All operators that ask a model: what each is for, what it is shown, and what it replies.
//!
//! Not their wording: that stands in `prompts/NAME.md`, and may be overridden.

use super::Slot::{
    About, Count, Current, Evidence, Form, History, MaxTokens, Mutator, Note, Others, Style, Tip,
};
use super::{Operator, Reply, Slot};

/// A line of the table.
struct Asking {
    name: &'static str,
    purpose: &'static str,
    meta_prompt: &'static str,
    reply: Reply,
    needs: &'static [Slot],
    may_have: &'static [Slot],
    roles: &'static [&'static str],
}

impl Operator for Asking {
    fn name(&self) -> &'static str {
        self.name
    }

    fn purpose(&self) -> &'static str {
        self.purpose
    }

    fn meta_prompt(&self) -> &'static str {
        self.meta_prompt
    }

    fn reply(&self) -> Reply {
        self.reply
    }

    fn needs(&self) -> &'static [Slot] {
        self.needs
    }

    fn may_have(&self) -> &'static [Slot] {
        self.may_have
    }

    fn roles(&self) -> &'static [&'static str] {
        self.roles
    }
}

/// `name writes|notes [needed slots] [other slots] (roles): "purpose"`. Every operator needs the
/// current text and the form.
macro_rules! operators {
    ($($name:literal $reply:ident [$($need:ident),*] [$($may:ident),*] ($($role:literal),*):
       $purpose:literal;)+) => {
        /// All operators that ask a model.
        pub const ALL: &[&dyn Operator] = &[$(&Asking {
            name: $name,
            purpose: $purpose,
            meta_prompt: include_str!(concat!("prompts/", $name, ".md")),
            reply: operators!(@reply $reply),
            needs: &[Current, Form $(, $need)*],
            may_have: &[$($may),*],
            roles: &[$($role),*],
        }),+];
    };
    (@reply writes) => { Reply::Prompt };
    (@reply notes) => { Reply::Notes };
}

operators! {
    "reflect" writes [Evidence] [About, MaxTokens] ():
        "reads failures with feedback and rewrites";
    "mutate_text" writes [] [About, MaxTokens] ():
        "another version of the text, without evidence";
    "compress" writes [] [About, MaxTokens] ():
        "the same in fewer words";
    "induce" writes [Evidence] [About, MaxTokens] ():
        "guesses the instruction from rows";
    "paraphrase" writes [] [About, MaxTokens] ():
        "the same in other words";
    "history_rewrite" writes [History] [About, MaxTokens, Evidence] ():
        "past prompts with their scores, and a few rows: one that is different and better";
    "propose_variant" writes [] [About, MaxTokens] ():
        "another instruction for the same task, from the current one alone";
    "crossover_mutate" writes [Others] [About, MaxTokens] ("second"):
        "crosses two prompts, then changes the result";
    "crossover" writes [Others] [About, MaxTokens] ("second"):
        "joins two prompts into one";
    "de_variation" writes [Others] [About, MaxTokens] ("donor a", "donor b", "best"):
        "changes what two donors differ in, adds it to the best, and crosses that with the current one";
    "critique" notes [Evidence] [About, Count] ():
        "why the current prompt failed on some rows";
    "edit" writes [Note] [About, MaxTokens, Evidence, History] ():
        "applies a critique to the current prompt";
    "praise" notes [Evidence] [About, Count] ():
        "what works in the current prompt, from rows that came out right";
    "refine" writes [Note] [About, MaxTokens, History] ():
        "applies a critique or a praise, without rows";
    "hypothesize" notes [Evidence] [About, Count] ():
        "distinct causes that the failures may have, each with a label";
    "test_hypothesis" writes [Note] [About, MaxTokens] ():
        "changes the prompt as one hypothesis says, and nothing else";
    "contrast_rule" notes [Evidence] [About, MaxTokens] ():
        "advice to append, from better and worse answers to the same rows";
    "style_mutate" writes [Style] [About, MaxTokens] ():
        "rewrites in a given manner of thinking";
    "mutate_with" writes [Mutator] [About, MaxTokens] ():
        "changes the prompt as an evolved instruction says";
    "mutate_in_style" writes [Mutator, Style] [About, MaxTokens] ():
        "changes the prompt as an instruction says, in a given manner of thinking";
    "hint" notes [About] [Count] ():
        "hints for whoever writes the instruction, from the task's description";
    "from_hint" writes [Note] [About, MaxTokens] ():
        "makes an instruction of a hint";
    "eda" writes [History] [About, MaxTokens] ():
        "continues a list of prompts with one that is unlike them and as good";
    "eda_rank" writes [History] [About, MaxTokens, Mutator] ():
        "continues a list of prompts from the worst to the best, which is said to be the other way round";
    "lineage" writes [History] [About, MaxTokens] ():
        "continues the line of the best prompts so far";
    "hypermutate_style" notes [Style] [About] ():
        "a new instruction for changing instructions, from a manner of thinking";
    "hypermutate" notes [Mutator] [About] ():
        "a better version of an instruction for changing instructions";
    "summarize" notes [Evidence] [About] ():
        "what this data set is about, from rows";
    "grounded" writes [Note] [About, MaxTokens, Evidence, Tip] ():
        "an instruction from a data set's description and rows";
    "restart" writes [Evidence] [About, MaxTokens] ():
        "an instruction from scratch, out of failures with their right answers";
}

/// An operator that asks a model, by its name in recipes.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Operator> {
    ALL.iter().copied().find(|operator| operator.name() == name)
}
