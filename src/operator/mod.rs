//! Writes new prompts, nearly always with the mutator model.
//!
//! One operator is one file: its keys, the candidates and rows that it draws, what it asks, how it
//! reads the reply, its tests. A new one is such a file, its meta-prompt in `prompts/`, and a line in
//! `list`. Not which operator is used next, nor how parents are selected: that is `strategy`.

mod slot;
pub mod styles;
mod brief;
mod cut;
mod framing;
mod fitting;
mod reply;
mod wording;
#[macro_use]
mod meta_prompt;
mod step;
mod common;
mod draw;
mod ask;
mod feedback;
mod history;
mod author;
mod demos;
mod buckets;
mod program;
mod used;
mod screen;

// The operators.
mod paraphrase;
mod mutate_text;
mod mutate_with;
mod reflect;
mod compress;
mod merge;
mod history_rewrite;
mod crossover_mutate;
mod crossover;
mod de_variation;
mod critique_refine;
mod gradient_edit;
mod style_mutate;
mod contrast_rule;
mod demo_append;
mod demo_edit;
mod context_shuffle;
mod demo_fill;
mod eda;
mod lineage;
mod hint;
mod hypermutate;
mod induce;
mod crossover_parts;
mod local_edit;
mod restart;
mod external;

mod init;
mod list;
mod overrides;

pub use ask::{Answers, Ask, Refusal, Written};
pub use author::{Author, Init, Operator, OwnGate, Program, WorksOn};
pub use brief::{Brief, Evidence, ScoredPrompt};
pub use common::{Common, When};
pub use demos::{DemoAnswers, Shots, demos_of, missing_answers};
pub use draw::{Breeding, Draw, Next, Parents, PlannedRun, Setting, Sets};
pub use feedback::{Feedback, Pick, epoch_rows};
pub use framing::Nonce;
pub use history::{History, HistoryPick};
pub use init::INITS;
pub use list::OPERATORS;
pub use meta_prompt::{MetaPrompt, OperatorError};
pub use overrides::{EffectiveMetaPrompt, MetaPromptError, all_meta_prompts};
pub use program::{check_line, request as program_request};
pub use reply::{notes, read};
pub use screen::{SCREENS, Screen, ScreenedTask, Screens, Trial};
pub use slot::{Reply, Slot};
pub use step::{Keep, Step};
pub use used::Used;
pub use wording::MetaPrompts;

#[cfg(test)]
mod tests;
