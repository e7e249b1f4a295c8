//! How a candidate is changed.

use super::DemoAnswers;

slot! {
    /// How a candidate is changed.
    Operator {
        /// Reads failures with feedback and rewrites.
        "reflect" => Reflect(ReflectOperator),
        /// Another version of the text, without evidence.
        "mutate_text" => MutateText(MutateTextOperator),
        /// The same in other words.
        "paraphrase" => Paraphrase(ParaphraseOperator),
        /// The same in fewer words.
        "compress" => Compress(CompressOperator),
        /// Three-way merge of two candidates and their common ancestor, without a model.
        "merge" => Merge(MergeOperator),
        /// Something unlike the prompts so far, and better.
        "history_rewrite" => HistoryRewrite(HistoryRewriteOperator),
        /// Two parents crossed over and mutated in one request.
        "crossover_mutate" => CrossoverMutate(CrossoverMutateOperator),
        /// Two parents joined, then mutated.
        "crossover" => Crossover(CrossoverOperator),
        /// Differential evolution in words.
        "de_variation" => DeVariation(DeVariationOperator),
        /// A critique, and a text that mends it.
        "gradient_edit" => GradientEdit(GradientEditOperator),
        /// Several hypotheses of what is wrong, a child for each.
        "hypothesis" => Hypothesis(HypothesisOperator),
        /// A critique or a praise, and a text that follows it.
        "critique_refine" => CritiqueRefine(CritiqueRefineOperator),
        /// The text in a thinking style.
        "style_mutate" => StyleMutate(StyleMutateOperator),
        /// Advice from better and worse answers to the same row.
        "contrast_rule" => ContrastRule(ContrastRuleOperator),
        /// A right answer more among the demonstrations.
        "demo_append" => DemoAppend(DemoAppendOperator),
        /// Another set of demonstrations.
        "demo_edit" => DemoEdit(DemoEditOperator),
        /// Another list of right answers as demonstrations.
        "context_shuffle" => ContextShuffle(ContextShuffleOperator),
        /// Failures as demonstrations.
        "demo_fill" => DemoFill(DemoFillOperator),
        /// The next of a list of prompts.
        "eda" => Eda(EdaOperator),
        /// The next of the best in the parent's line.
        "lineage" => Lineage(LineageOperator),
        /// A hint on the task as the new text.
        "hint" => Hint(HintOperator),
        /// The parent's own mutation instruction, applied.
        "mutate_with" => MutateWith(MutateWithOperator),
        /// A new mutation instruction, applied.
        "hypermutate" => Hypermutate(HypermutateOperator),
        /// The instruction, guessed from rows.
        "induce" => Induce(InduceOperator),
        /// A part of another candidate.
        "crossover_parts" => CrossoverParts(CrossoverPartsOperator),
        /// Phrases deleted, swapped and added back.
        "local_edit" => LocalEdit(LocalEditOperator),
        /// From scratch, out of what the failures teach.
        "restart" => Restart(RestartOperator),
        /// A program of the user's.
        "external" => External(ExternalOperator),
    }
}

kind! {
    /// Shows the mutator how the parent fared on training rows, and asks for a better text (GEPA;
    /// arXiv:2507.19457, section 3.2).
    ReflectOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
        /// Which parts a child may change.
        fields: Fields = Fields::All,
        /// Earlier prompts that are shown with their scores.
        history: Option<History> = None,
    }
}

kind! {
    /// Asks for another version of the text, and shows nothing else.
    MutateTextOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Asks for the same in other words.
    ParaphraseOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Asks for the same in fewer words.
    CompressOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::IncumbentChanged,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Takes from each of two candidates what it changed since their common ancestor.
    MergeOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so many of its children are kept in a run, beside those that are dropped; 0 =
        /// any.
        max_uses: u32 = 0,
        /// Whole parts (the paper), or lines within them.
        level: MergeLevel = MergeLevel::Part,
        /// Who may be merged: candidates on the front (the paper), or any that improved on its
        /// parent, dropped ones included.
        pool: MergePool = MergePool::Front,
        /// Pairs that are drawn before the operator gives up for this time (pool `front` only).
        attempts: u32 = 100,
        /// Rows on which the child must do as well as the better parent before it is tried in
        /// full; 0 = none.
        gate_size: usize = 0,
    }
}

kind! {
    /// Shows earlier prompts with their scores and a few rows, and asks for one that is unlike them
    /// and better (OPRO; arXiv:2309.03409, section 3).
    HistoryRewriteOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Which earlier prompts are shown.
        history: History = History::default(),
        /// Training rows that are shown, the same for all children of a generation.
        exemplars: usize = 3,
        /// Which parts a child may change; in turn means a generation for each.
        fields: Fields = Fields::All,
    }
}

kind! {
    /// Crosses two parents over and mutates the result, in one request (EvoPrompt's GA;
    /// arXiv:2309.08532, section 3.2).
    CrossoverMutateOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Joins two parents into one, then asks for another version of that (CAPO; arXiv:2504.16005,
    /// section 3).
    CrossoverOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Whether the joined text is mutated by a second request.
        mutate: bool = true,
        /// The child's demonstrations: half of both parents' together, then one added, dropped or
        /// neither (a third each), shuffled; else those of the first parent.
        mix_shots: bool = false,
        /// The most demonstrations of a child.
        max_shots: usize = 5,
    }
}

kind! {
    /// Finds where two donors differ, mutates that, joins it with the best and crosses the result with
    /// the base (EvoPrompt's DE; arXiv:2309.08532, section 3.3).
    DeVariationOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Asks why the parent failed, then for a text that mends each reason: a textual gradient and a step
    /// along it (ProTeGi; arXiv:2305.03495, section 3).
    GradientEditOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Which rows the reasons are asked of.
        feedback: Feedback = Feedback::default(),
        /// Reasons in one reply.
        reasons: u32 = 1,
        /// New texts for each reason.
        edits: u16 = 1,
        /// Each new text is also said in so many other ways.
        paraphrases: u16 = 0,
        /// Earlier prompts that are shown with their scores.
        history: Option<History> = None,
    }
}

kind! {
    /// Asks for several labelled hypotheses of why the parent fails, then for one child that tests each
    /// (VISTA; arXiv:2603.18388).
    HypothesisOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// How many.
        hypotheses: u32 = 3,
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
    }
}

kind! {
    /// Asks for a critique (of failures, or where the parent does well of what works), then for a text
    /// that follows it (PromptWizard; arXiv:2405.18369).
    CritiqueRefineOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
        /// From this score of the parent on, what works is asked for instead.
        praise_from: f64 = 0.5,
    }
}

kind! {
    /// Rewrites the parent in a thinking style drawn from the built-in list (PromptWizard;
    /// arXiv:2405.18369).
    StyleMutateOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Contrasts the best with the worst of the answers to a row, and adds the advice to the text; the
    /// first child of a generation learns from the row on which answers differ most, and so on (SIMBA).
    /// Nothing is learnt where the best is among the worst tenth of all answers, or the worst among the
    /// best tenth.
    ContrastRuleOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Demonstrations of the parent are left out now and then, and always where it has so many.
        max_shots: usize = 4,
    }
}

kind! {
    /// Adds the best answer to a row to the demonstrations, after leaving out some; which row, and when
    /// nothing is learnt, as in `contrast_rule` (SIMBA). Asks no model.
    DemoAppendOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// The most demonstrations of a child.
        max: usize = 4,
    }
}

kind! {
    /// Adds, drops or swaps a demonstration, or orders them anew. Asks no model.
    DemoEditOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// The most demonstrations of a child.
        max: usize = 5,
        /// What stands as their answer.
        answers: DemoAnswers = DemoAnswers::OwnCorrect,
        /// Where added rows come from.
        source: DemoSource = DemoSource::Any,
        /// The most rows that are added at once.
        step: usize = 1,
    }
}

kind! {
    /// Adds a row to the demonstrations, or puts it in a random one's place where they are as many as
    /// may be; now and then all are drawn anew. Rows with right answers of the model's own go first
    /// (PromptBreeder's context shuffling; arXiv:2309.16797, section 3.2.5). Asks no model.
    ContextShuffleOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// The most demonstrations of a child.
        max: usize = 3,
        /// The chance that all are drawn anew.
        resample: f64 = 0.1,
    }
}

kind! {
    /// Runs the parent on training rows and makes demonstrations of those that it gets wrong, with the
    /// expected answers; filled up with other rows (PromptWizard's negative examples; arXiv:2405.18369).
    /// Asks no model.
    DemoFillOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Demonstrations of a child.
        size: usize = 5,
        /// Rows that are run to find failures.
        from: usize = 25,
    }
}

kind! {
    /// Lists earlier prompts and asks for the next one: an estimation of distribution (PromptBreeder;
    /// arXiv:2309.16797, section 3.2.2).
    EdaOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Whether the list is in order of score.
        ranked: bool = false,
        /// Of two prompts that are more alike only one is listed.
        max_similarity: f64 = 0.95,
        /// What makes two prompts alike.
        likeness: Likeness = Likeness::Texts,
        /// The most prompts in the list.
        most: usize = 20,
    }
}

kind! {
    /// Lists those of the parent's line that were the best of their time, oldest first, and asks for
    /// the next one (PromptBreeder; arXiv:2309.16797, section 3.2.2).
    LineageOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// The most prompts in the list.
        most: usize = 20,
    }
}

kind! {
    /// Asks for hints on the task alone; the first is the new text (PromptBreeder's zero-order mutation;
    /// arXiv:2309.16797, section 3.2.1).
    HintOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// The parent's own mutation instruction is applied to its text (PromptBreeder's first-order
    /// mutation; arXiv:2309.16797, section 3.2.1).
    MutateWithOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Writes a new mutation instruction, then applies it (PromptBreeder's hypermutation;
    /// arXiv:2309.16797, section 3.2.3).
    HypermutateOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// From the parent's own mutation instruction, or from a thinking style.
        order: HyperOrder = HyperOrder::First,
    }
}

kind! {
    /// Guesses the instruction anew from rows that the parent got right (PromptBreeder's Lamarckian
    /// mutation; arXiv:2309.16797, section 3.2.4).
    InduceOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Rows that are shown.
        demos: usize = 3,
        /// Training rows that the parent may be run on to find as many that it gets right; where it
        /// gets none right, rows are shown with their expected answers.
        from: usize = 8,
    }
}

kind! {
    /// One searched part of a candidate that is drawn in proportion to its score takes the place of the
    /// parent's (PromptBreeder's prompt crossover; arXiv:2309.16797, section 3.2.5). Asks no model.
    CrossoverPartsOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// The chance that it follows the use of any other operator, in the same child.
        after: f64 = 0.0,
    }
}

kind! {
    /// Edits phrases without a model: deletes, swaps or adds back what was deleted (GRIPS;
    /// arXiv:2203.07281, section 3).
    LocalEditOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// What may be done.
        ops: Vec<LocalOp> = vec![LocalOp::Delete, LocalOp::Swap, LocalOp::Add],
        /// What is moved as one.
        level: EditLevel = EditLevel::Phrase,
        /// Edits of one child.
        edits: usize = 1,
    }
}

kind! {
    /// Asks for a text from scratch: what the failures teach, without the old text's way of going about
    /// it (VISTA's restart; arXiv:2603.18388).
    RestartOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
    }
}

kind! {
    /// A program of the user's: it reads one JSON object with the prompt and rows that it was tried on,
    /// and writes one with the new parts. Asks no model.
    ExternalOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// The program and its arguments.
        command: Vec<String> = Vec::new(),
        /// The folder that it is started in; where none is given, that of the recipe's file.
        dir: String = String::new(),
        /// Seconds after which it is given up.
        timeout: u64 = 60,
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
    }
}

choice! {
    /// What a merge takes over.
    MergeLevel {
        /// A whole part from one parent.
        Part,
        /// The lines that each parent added or removed.
        Line,
    }
}

choice! {
    /// Who may be merged.
    MergePool {
        /// Candidates that are among the best on some row.
        Front,
        /// The incumbent with any candidate that likely improved on its own parent.
        Improved,
    }
}

choice! {
    /// Which parts a child may change.
    Fields {
        /// All searched parts.
        All,
        /// One after the other; a child goes on where its parent stopped.
        RoundRobin,
    }
}

choice! {
    /// Where added demonstrations come from.
    DemoSource {
        /// Any training row.
        Any,
        /// Rows that the parent got wrong, with the expected answer; any row where it knows none.
        Errors,
    }
}

choice! {
    /// What makes two prompts alike.
    Likeness {
        /// The cosine of their texts' features.
        Texts,
        /// How nearly the same their scores are, row by row.
        Answers,
    }
}

choice! {
    /// What a hypermutation starts from.
    HyperOrder {
        /// A thinking style and the task's description.
        Zero,
        /// The parent's own mutation instruction.
        First,
    }
}

choice! {
    /// What a local edit does.
    LocalOp {
        /// Leaves a phrase out.
        Delete,
        /// Exchanges two phrases.
        Swap,
        /// Puts a phrase back that was left out earlier in the line of descent.
        Add,
    }
}

choice! {
    /// What a local edit moves as one.
    EditLevel {
        /// A word.
        Word,
        /// What stands between marks of punctuation and joining words.
        Phrase,
        /// A sentence.
        Sentence,
    }
}

/// When an operator may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `always`: whenever it is chosen.
    Always,
    /// `after_accept`: once for every child of another operator that was tried in full, before
    /// anything else is bred.
    AfterAccept,
    /// `incumbent_changed`: once for every new incumbent.
    IncumbentChanged,
    /// `stalled:N`: once after every N decided children in a row without a new incumbent.
    Stalled(u32),
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Always => write!(f, "always"),
            Self::AfterAccept => write!(f, "after_accept"),
            Self::IncumbentChanged => write!(f, "incumbent_changed"),
            Self::Stalled(children) => write!(f, "stalled:{children}"),
        }
    }
}

impl serde::Serialize for When {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for When {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let stalled = text.strip_prefix("stalled:").and_then(|count| count.parse().ok());
        match (text.as_str(), stalled) {
            ("always", _) => Ok(Self::Always),
            ("after_accept", _) => Ok(Self::AfterAccept),
            ("incumbent_changed", _) => Ok(Self::IncumbentChanged),
            (_, Some(count)) if count > 0 => Ok(Self::Stalled(count)),
            _ => Err(serde::de::Error::custom(format!(
                "`{text}` is not an occasion: write `always`, `after_accept`, `incumbent_changed` \
                 or `stalled:N`"
            ))),
        }
    }
}

kind! {
    /// Which training rows are shown, with the parent's answers.
    Feedback {
        /// `epoch` deals all rows in turn, reshuffled each time round; `errors` prefers failures;
        /// `errors_else_correct` deals rows too, and of them shows the failures, or the successes
        /// where there is none.
        pick: Pick = Pick::Errors,
        /// Rows that are shown.
        size: usize = 3,
        /// Of them, rows that the parent got right, shown so that it is kept (`errors` only).
        keep_correct: usize = 0,
        /// Rows that may be run to find enough failures (`errors` only).
        from: usize = 24,
        /// Whether all of `from` are run, or only until there are enough failures (`errors` only).
        all: bool = false,
        /// `true`: the parent answers the rows anew; `false`: only rows that it has not answered
        /// yet are run (`epoch` only).
        fresh: bool = false,
        /// No proposal where the parent got all of them right (not with `errors_else_correct`).
        skip_perfect: bool = true,
    }
}

choice! {
    /// How rows are picked for a reflection.
    Pick {
        /// All rows in turn, reshuffled each time round.
        Epoch,
        /// Failures first.
        Errors,
        /// All rows in turn; of the batch, the failures, or all where there are none.
        ErrorsElseCorrect,
    }
}

kind! {
    /// Earlier prompts that are shown with their scores.
    History {
        /// Which.
        pick: HistoryPick = HistoryPick::Best,
        /// The most of them.
        k: usize = 20,
        /// Besides, so many of the worst (`best` only).
        bottom: usize = 0,
        /// Only those with at least this score.
        min_score: f64 = 0.0,
    }
}

choice! {
    /// Which earlier prompts are shown, and in which order.
    HistoryPick {
        /// The best, in ascending order of score.
        Best,
        /// The last, in order of birth.
        Last,
        /// The parent's own ancestors, oldest first.
        Path,
    }
}

macro_rules! of_any_operator {
    ($($variant:ident),+ ; $($without_model:ident),+) => {
        impl Operator {
            /// How often it is chosen, against the others.
            #[must_use]
            pub fn weight(&self) -> f64 {
                match self {
                    $(Self::$variant(kind) => kind.weight,)+
                    $(Self::$without_model(kind) => kind.weight,)+
                }
            }

            /// When it may be used.
            #[must_use]
            pub fn when(&self) -> When {
                match self {
                    $(Self::$variant(kind) => kind.when,)+
                    $(Self::$without_model(kind) => kind.when,)+
                }
            }

            /// How often at most, if that is limited.
            #[must_use]
            pub fn max_uses(&self) -> Option<u32> {
                let most = match self {
                    $(Self::$variant(kind) => kind.max_uses,)+
                    $(Self::$without_model(kind) => kind.max_uses,)+
                };
                (most > 0).then_some(most)
            }

            /// Its own sampling temperature.
            #[must_use]
            pub fn temperature(&self) -> Option<f64> {
                match self {
                    $(Self::$variant(kind) => kind.temperature,)+
                    $(Self::$without_model(_) => None,)+
                }
            }
        }
    };
}

of_any_operator! {
    Reflect, MutateText, Paraphrase, Compress, HistoryRewrite, CrossoverMutate, Crossover, DeVariation, GradientEdit, Hypothesis, CritiqueRefine, StyleMutate, ContrastRule, Eda, Lineage, Hint, MutateWith, Hypermutate, Induce, Restart;
    Merge, DemoAppend, DemoEdit, ContextShuffle, DemoFill, CrossoverParts, LocalEdit, External
}

impl Operator {
    /// Which rows are shown with the parent's answers, where the operator asks for them.
    #[must_use]
    pub fn feedback(&self) -> Option<&Feedback> {
        match self {
            Self::Reflect(kind) => Some(&kind.feedback),
            Self::GradientEdit(kind) => Some(&kind.feedback),
            Self::Hypothesis(kind) => Some(&kind.feedback),
            Self::CritiqueRefine(kind) => Some(&kind.feedback),
            Self::Restart(kind) => Some(&kind.feedback),
            Self::External(kind) => Some(&kind.feedback),
            _ => None,
        }
    }

    /// Which earlier prompts are shown with their scores, if any are.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        match self {
            Self::Reflect(kind) => kind.history.as_ref(),
            Self::GradientEdit(kind) => kind.history.as_ref(),
            Self::HistoryRewrite(kind) => Some(&kind.history),
            _ => None,
        }
    }
}
