//! What is kept for selection.

slot! {
    /// What is kept for selection.
    Archive {
        /// Every candidate that was judged.
        "list" => List(ListArchive),
        /// Those that were the incumbent once.
        "chain" => Chain(ChainArchive),
        /// The best few.
        "top_k" => TopK(TopKArchive),
        /// Places, each with one candidate.
        "slots" => Slots(SlotsArchive),
        /// Those that are among the best on some row.
        "pareto" => Pareto(ParetoArchive),
        /// All, as a tree.
        "tree" => Tree(TreeArchive),
        /// Several populations that rarely meet.
        "islands" => Islands(IslandsArchive),
        /// The best of each kind of prompt.
        "map_elites" => MapElites(MapElitesArchive),
    }
}

kind! {
    /// Every candidate that was judged and not dropped.
    ListArchive {}
}
kind! {
    /// Those that `accept` made the incumbent, one after the other.
    ChainArchive {}
}
kind! {
    /// The best of population and children together (μ + λ).
    TopKArchive {
        /// How many.
        capacity: usize = 10,
    }
}
kind! {
    /// Places: a child takes the place that it was bred for, where `accept` lets it.
    SlotsArchive {
        /// How many; filled with the best of `init`.
        capacity: usize = 10,
    }
}
kind! {
    /// Those that are among the best on some row.
    ParetoArchive {
        /// At most so many, the best by mean.
        capacity: usize = 24,
    }
}
kind! {
    /// All candidates, each below its parent.
    TreeArchive {}
}
kind! {
    /// Populations that breed in turn, so that each gets the same share; now and then the best of
    /// each are copied to the next one of the ring (as in ShinkaEvolve and OpenEvolve).
    IslandsArchive {
        /// How many islands.
        count: usize = 2,
        /// The best few that each island keeps.
        capacity: usize = 40,
        /// Judged children after which the best are copied to the next island; 0 = never.
        migrate_every: u32 = 0,
        /// The share of an island that is copied.
        migrate_rate: f64 = 0.1,
    }
}
kind! {
    /// The best candidate of each cell of a grid over length and diversity, both as shares of the
    /// range that was seen when a candidate was judged (MAP-Elites, Mouret and Clune 2015; dimensions
    /// as in OpenEvolve).
    MapElitesArchive {
        /// Cells along the prompt's length.
        length_bins: usize = 10,
        /// Cells along its unlikeness to the seed.
        diversity_bins: usize = 10,
    }
}
