//! Where the first candidates come from.

slot! {
    /// Where the first candidates come from.
    Init {
        /// The task's own prompt.
        "seed" => Seed(SeedInit),
        /// Instructions guessed from demonstrations.
        "induce" => Induce(InduceInit),
        /// A prompt in other words.
        "paraphrase" => Paraphrase(ParaphraseInit),
        /// Other instructions for the same task.
        "llm_variants" => Variants(VariantsInit),
        /// The seed rewritten by a mutation instruction and a thinking style.
        "style_mutate" => StyleMutate(StyleMutateInit),
        /// Instructions grounded in a summary of the data.
        "grounded" => Grounded(GroundedInit),
        /// Sets of demonstrations from the seed's own right answers.
        "bootstrap_demos" => BootstrapDemos(BootstrapDemosInit),
        /// Sets of demonstrations drawn at random.
        "random_shots" => RandomShots(RandomShotsInit),
    }
}

kind! {
    /// The task's own prompt is candidate 0 of every run; naming it here says that it competes.
    SeedInit {}
}

kind! {
    /// Guesses the instruction from rows: `queries` requests of `demos` rows, each asked `samples`
    /// times (APE; arXiv:2211.01910, section 3.1).
    InduceInit {
        /// Different sets of rows.
        queries: u32 = 5,
        /// Rows in each set.
        demos: usize = 5,
        /// Replies for each set.
        samples: u32 = 1,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Asks for prompts in other words.
    ParaphraseInit {
        /// How many.
        take: u32 = 10,
        /// Of which prompt: the seed, or the best of what `init` brought before, in turn.
        of: ParaphraseOf = ParaphraseOf::Seed,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

choice! {
    /// What is said in other words.
    ParaphraseOf {
        /// The task's own prompt.
        Seed,
        /// The candidates of `init` so far, best first, after they are judged.
        Top,
    }
}

kind! {
    /// Asks for other instructions for the same task, and shows nothing but the seed.
    VariantsInit {
        /// How many.
        take: u32 = 10,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
        /// Demonstrations that each of them starts with.
        shots: Option<Shots> = None,
    }
}

kind! {
    /// A random set of demonstrations from training rows.
    Shots {
        /// The fewest.
        min: usize = 0,
        /// The most.
        max: usize = 5,
        /// What stands as their answer.
        answers: DemoAnswers = DemoAnswers::OwnCorrect,
    }
}

choice! {
    /// What stands as the answer of a demonstration.
    DemoAnswers {
        /// The model's own answer where it was right, else the expected one.
        OwnCorrect,
        /// The expected one.
        Expected,
    }
}

kind! {
    /// The seed rewritten by a mutation instruction and a thinking style, both drawn from the
    /// built-in lists; the child keeps its mutation instruction as a gene (PromptBreeder;
    /// arXiv:2309.16797, section 3.1).
    StyleMutateInit {
        /// How many.
        take: u32 = 10,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Summarises the data, then asks for instructions that know the summary, a few rows and a tip
    /// (MIPRO; arXiv:2406.11695, section 3.1).
    GroundedInit {
        /// How many instructions, the seed's among them where it is named; half as many where a
        /// `product` schedule tries sets of demonstrations beside them.
        take: u32 = 6,
        /// Rows that the summary is made from.
        summary_rows: usize = 10,
        /// Rows that each instruction is shown.
        demos: usize = 3,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

kind! {
    /// Sets of demonstrations: none, expected answers only, the first right answers in the order of
    /// the data, and shuffled ones (DSPy's bootstrap; arXiv:2406.11695, section 3.1). The seed is
    /// run on training rows until it was right often enough.
    BootstrapDemosInit {
        /// Sets, the three fixed ones included.
        sets: u32 = 6,
        /// The most of the seed's own right answers in a set.
        max_bootstrapped: usize = 4,
        /// The most demonstrations in a set, filled up with expected answers.
        max_labeled: usize = 4,
        /// Training rows that the seed is asked at most.
        from: usize = 64,
    }
}

kind! {
    /// Sets of demonstrations drawn at random from training rows, with their expected answers.
    RandomShotsInit {
        /// How many sets.
        sets: u32 = 50,
        /// The fewest demonstrations in a set.
        min: usize = 0,
        /// The most.
        max: usize = 5,
    }
}
