//! What refuses a new prompt before anything is spent on it.

slot! {
    /// What refuses a new prompt before anything is spent on it. Every run also refuses replies
    /// that are truncated, without tags, unchanged, that lose or invent a placeholder, touch a
    /// frozen part or outgrow `prompt.max_tokens`.
    Screen {
        /// A prompt that the run has had.
        "dedup" => Dedup(DedupScreen),
        /// Form.
        "lint" => Lint(LintScreen),
        /// Rows copied into the prompt.
        "leak" => Leak(LeakScreen),
        /// Too much like an earlier one.
        "novelty" => Novelty(NoveltyScreen),
        /// Too many children of one parent.
        "cap" => Cap(CapScreen),
    }
}

kind! {
    /// Refuses a prompt that the run has had.
    DedupScreen {
        /// Also where only case, space and punctuation differ.
        loose: bool = false,
    }
}

kind! {
    /// Refuses what is likely to break.
    LintScreen {
        /// Labels of a `label` scorer that the parent names must still be named.
        keep_labels: bool = true,
        /// The text may grow by this factor over its parent; binds only above 400 tokens.
        max_growth: f64 = 3.0,
        /// The most characters of all searched parts together; 0 = any.
        max_chars: usize = 0,
        /// Texts that must not occur.
        forbid: Vec<String> = Vec::new(),
    }
}

kind! {
    /// Refuses a prompt that copies a row: one run of at least `ngram` words that is at least
    /// `share` of the row's input. Demonstrations are rows by design and are left out.
    LeakScreen {
        /// The least length of a copied run, in words.
        ngram: usize = 12,
        /// Its least share of the row's input.
        share: f64 = 0.5,
    }
}

kind! {
    /// Refuses a prompt whose features are too near to those of any earlier one (ShinkaEvolve's
    /// rejection by novelty; arXiv:2509.19349, section 3.2).
    NoveltyScreen {
        /// The greatest cosine of hashed n-grams.
        max_similarity: f64 = 0.99,
        /// A use of an operator whose child is nothing new is tried again with other draws, so often
        /// in all.
        attempts: u8 = 3,
    }
}

kind! {
    /// Of the children of one parent in one generation, only so many are tried, drawn at random
    /// (ProTeGi's `max_expansion_factor`).
    CapScreen {
        /// How many.
        per_parent: usize = 8,
    }
}
