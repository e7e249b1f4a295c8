//! How the winner is chosen from what was found; the engine then confirms it on hold.

slot! {
    /// How the winner is chosen from what was found; the engine then confirms it on hold.
    Final {
        /// The best mean.
        "argmax" => Argmax(ArgmaxFinal),
        /// The best few are tried once more, and the fresh answers decide.
        "shortlist" => Shortlist(ShortlistFinal),
        /// The best candidate of the tree's best path.
        "best_path" => BestPath(BestPathFinal),
        /// A shortlist by shrunken estimates, each tried once more on all of dev.
        "confirm" => Confirm(ConfirmFinal),
    }
}

kind! {
    /// The best mean on dev.
    ArgmaxFinal {
        /// Among which candidates.
        among: Among = Among::Finished,
    }
}

choice! {
    /// Among which candidates the winner is chosen.
    Among {
        /// All that were judged.
        Finished = "finished",
        /// Those tried on all of dev.
        FullyEvaluated = "fully_evaluated",
        /// Those that the last contest kept.
        Survivors = "survivors",
        /// The population that the last generation left.
        Population = "population",
    }
}

kind! {
    /// The best few by their means are tried once more on all of dev; the fresh mean decides.
    ShortlistFinal {
        /// How many.
        top: usize = 3,
        /// Of whom.
        of: ShortlistOf = ShortlistOf::All,
        /// The largest share of a cap that is kept for it; where that is not enough, it is shorter.
        share: f64 = 0.2,
    }
}

choice! {
    /// Who may be on a shortlist.
    ShortlistOf {
        /// All that were judged: the best by their means.
        All = "all",
        /// The seed and the best child of each generation, spread evenly over the run.
        Winners = "winners",
    }
}

kind! {
    /// Of all paths that rollouts took, the one with the best mean reward; on it, the best candidate
    /// (PromptAgent; arXiv:2310.16427, section 3.3).
    BestPathFinal {}
}

kind! {
    /// The best few by shrunken estimates get fresh answers on all of dev; old and new count 1:2.
    ConfirmFinal {
        /// How many, where the budget allows.
        shortlist: usize = 5,
        /// Fresh answers per row.
        replicate: u16 = 1,
        /// The largest share of a cap that the shortlist may take.
        share: f64 = 0.08,
        /// Estimates nearer than this are a tie, which the cheaper prompt wins.
        tie: f64 = 0.005,
    }
}
