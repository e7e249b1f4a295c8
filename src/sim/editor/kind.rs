//! What the simulated editor can be asked for, and the words that show it.

/// The kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// State what the failures show.
    Reflect,
    /// Any other version.
    Vary,
    /// The same in fewer words.
    Compress,
    /// The same in other words.
    Paraphrase,
    /// The instruction behind pairs of input and output.
    Induce,
    /// A better one than earlier attempts with scores.
    HistoryRewrite,
    /// Another instruction for the same task.
    ProposeVariant,
    /// Two texts crossed, and the result changed.
    CrossoverMutate,
    /// Two texts joined.
    Crossover,
    /// What two donors differ in, changed, in the best, crossed with the current text.
    DeVariation,
    /// Notes: why it failed.
    Critique,
    /// The text as a critique wants it.
    Edit,
    /// Notes: what works.
    Praise,
    /// The text as a critique or a praise wants it, without rows.
    Refine,
    /// A note: what better answers do that worse ones do not.
    ContrastRule,
    /// The text in a manner of thinking.
    StyleMutate,
    /// The text as an order wants it.
    MutateWith,
    /// The text as an order wants it, in a manner of thinking.
    MutateInStyle,
    /// Notes: hints for the one who writes the instruction.
    Hint,
    /// The instruction that a hint makes.
    FromHint,
    /// One more of a list.
    Eda,
    /// One more of a list that is ordered from the worst on.
    EdaRank,
    /// One more of a line of the best.
    Lineage,
    /// A note: an order for changing instructions.
    HypermutateStyle,
    /// A note: a better order.
    Hypermutate,
    /// A note: what the rows are about.
    Summarize,
    /// An instruction from such a note and rows.
    Grounded,
    /// An instruction from failures alone.
    Restart,
    /// Notes: edits of lines that state what the failures show.
    Patch,
}

/// What a request says in its first sentence, in lower case.
const WORDINGS: &[(&str, Kind)] = &[
    ("earlier attempts", Kind::HistoryRewrite),
    ("propose a different instruction", Kind::ProposeVariant),
    ("cross two versions", Kind::CrossoverMutate),
    ("join two versions", Kind::Crossover),
    ("combine four versions", Kind::DeVariation),
    ("say why the instructions", Kind::Critique),
    ("where a critique finds fault", Kind::Edit),
    ("say what is good", Kind::Praise),
    ("from a critique alone", Kind::Refine),
    ("compare better with worse", Kind::ContrastRule),
    ("carry out an order", Kind::MutateInStyle),
    ("in a manner of thinking", Kind::StyleMutate),
    ("as an order tells", Kind::MutateWith),
    ("give hints", Kind::Hint),
    ("turn a hint", Kind::FromHint),
    ("continue a list", Kind::Eda),
    ("continue a ranking", Kind::EdaRank),
    ("continue a line ", Kind::Lineage),
    ("invent an order", Kind::HypermutateStyle),
    ("improve an order", Kind::Hypermutate),
    ("describe a data set", Kind::Summarize),
    ("from the description of a data set", Kind::Grounded),
    ("instructions of a model anew", Kind::Restart),
    ("make small edits", Kind::Patch),
];

impl Kind {
    /// Told by the words that say what to do, in lower case, and by how many prompt tags there are.
    pub(super) fn of(asked: &str, prompts: usize) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| asked.contains(word));
        if let Some((_, kind)) = WORDINGS.iter().find(|(words, _)| asked.contains(words)) {
            *kind
        } else if says(&["guess the instruction"]) || (prompts <= 1 && says(&["pairs"])) {
            Self::Induce
        } else if says(&["shorten", "fewer words"]) {
            Self::Compress
        } else if says(&["in other words", "rephrase"]) {
            Self::Paraphrase
        } else {
            Self::Reflect
        }
    }

    /// Whether the reply is notes rather than a text.
    pub(super) fn is_noted(self) -> bool {
        matches!(
            self,
            Self::Critique
                | Self::Praise
                | Self::ContrastRule
                | Self::Hint
                | Self::HypermutateStyle
                | Self::Hypermutate
                | Self::Summarize
                | Self::Patch
        )
    }
}
