//! Writes new prompts, nearly always with the mutator model.
//!
//! One operator is one file: its keys, the candidates and rows that it draws, what it asks, how it
//! reads the reply, its tests. A new one is such a file, its meta-prompt in `prompts/`, and a line in
//! the list below. Not which operator is used next, nor how parents are selected: that is `strategy`.

mod slot;
pub mod styles;
mod brief;
mod cut;
mod framing;
mod fitting;
mod bare_reply; // Reads a reply without tags.
mod reply;
mod wording;
#[macro_use]
mod meta_prompt;
mod step;
mod common;
mod draw;
mod feedback;
mod diagnosis; // What all rows have in common that a parent answered.
mod tried; // What earlier children of a parent changed.
mod ask;
mod history;
mod author;
mod demos;
mod buckets;
mod program;
mod used;
mod lines; // The lines of a text.
mod repair; // What of a reply is repaired.
pub mod screen;

// The operators.
pub mod paraphrase;
pub mod mutate_text;
pub mod mutate_with;
pub mod reflect;
pub mod compress;
pub mod prune;
pub mod merge;
pub mod history_rewrite;
pub mod crossover_mutate;
pub mod crossover;
pub mod de_variation;
pub mod critique_refine;
pub mod gradient_edit;
pub mod style_mutate;
pub mod contrast_rule;
pub mod demo_append;
pub mod demo_edit;
pub mod context_shuffle;
pub mod demo_fill;
pub mod eda;
pub mod lineage;
pub mod hint;
pub mod hypermutate;
pub mod induce;
pub mod crossover_parts;
pub mod local_edit;
pub mod restart;
pub mod patch;
pub mod external;

pub mod init;
mod overrides;

pub use ask::{Answers, Ask, Refusal, ReplyContent};
pub use author::{Author, Init, Operator, OwnGate, Program, WorksOn};
pub use brief::{Brief, Evidence, ScoredPrompt};
pub use common::{Common, When};
pub use demos::{DemoAnswers, Shots, demos_of, missing_answers};
pub use draw::{Breeding, DraftNeed, Draw, Parents, PlannedRun, Sets, Setting};
pub use feedback::{Feedback, Pick, epoch_rows};
pub use framing::Nonce;
pub use history::{History, HistoryPick};
pub use init::INITS;
pub use meta_prompt::{MetaPrompt, OperatorError};
pub use overrides::{EffectiveMetaPrompt, MetaPromptError, all_meta_prompts, named_meta_prompt};
pub use program::{check_line, request as program_request};
pub use repair::{RepairContext, merge_repaired, repaired};
pub use reply::{notes, read};
pub use screen::{SCREENS, Screen, ScreenedTask, Screens, Trial};
pub use slot::{Reply, Slot};
pub use step::{Keep, Step};
pub use used::Used;
pub use wording::MetaPrompts;

kinds! {
    /// How a candidate is changed.
    pub OPERATORS: dyn Operator = [
        reflect::Reflect,
        mutate_text::MutateText,
        paraphrase::Paraphrase,
        compress::Compress,
        prune::Prune,
        merge::Merge,
        history_rewrite::HistoryRewrite,
        crossover_mutate::CrossoverMutate,
        crossover::Crossover,
        de_variation::DeVariation,
        gradient_edit::GradientEdit,
        critique_refine::CritiqueRefine,
        style_mutate::StyleMutate,
        contrast_rule::ContrastRule,
        demo_append::DemoAppend,
        demo_edit::DemoEdit,
        context_shuffle::ContextShuffle,
        demo_fill::DemoFill,
        eda::Eda,
        lineage::Lineage,
        hint::Hint,
        mutate_with::MutateWith,
        hypermutate::Hypermutate,
        induce::Induce,
        crossover_parts::CrossoverParts,
        local_edit::LocalEdit,
        restart::Restart,
        patch::Patch,
        external::External,
    ];
}

#[cfg(test)]
mod tests;
