//! The list of the built-in operators, in the order in which the docs show them.

use super::author::Operator;
use super::compress;
use super::context_shuffle;
use super::contrast_rule;
use super::critique_refine;
use super::crossover;
use super::crossover_mutate;
use super::crossover_parts;
use super::de_variation;
use super::demo_append;
use super::demo_edit;
use super::demo_fill;
use super::eda;
use super::external;
use super::gradient_edit;
use super::hint;
use super::history_rewrite;
use super::hypermutate;
use super::induce;
use super::lineage;
use super::local_edit;
use super::merge;
use super::mutate_text;
use super::mutate_with;
use super::paraphrase;
use super::reflect;
use super::restart;
use super::style_mutate;

kinds! {
    /// How a candidate is changed.
    pub OPERATORS: dyn Operator = [
        reflect::Reflect,
        mutate_text::MutateText,
        paraphrase::Paraphrase,
        compress::Compress,
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
        external::External,
    ];
}
