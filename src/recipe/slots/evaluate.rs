//! Which rows a candidate is tried on, and when it is dropped.

slot! {
    /// Which rows a candidate is tried on, and when it is dropped.
    Evaluate {
        /// All of dev.
        "full" => Full(FullEvaluate),
        /// A minibatch against the parent, then all of dev.
        "gate" => Gate(GateEvaluate),
        /// Block by block against the incumbent, dropped when it is unlikely to be better.
        "race" => Race(RaceEvaluate),
        /// Stages of growing size, each with a score to reach.
        "cascade" => Cascade(CascadeEvaluate),
        /// The generation's minibatch of dev.
        "minibatch" => Minibatch(MinibatchEvaluate),
        /// Row by row until the first failure.
        "stop_on_failure" => StopOnFailure(StopOnFailureEvaluate),
        /// A minibatch for each trial, all of dev for the best one now and then.
        "minibatch_promote" => MinibatchPromote(MinibatchPromoteEvaluate),
        /// Together: block by block, each dropped when enough others are significantly better.
        "race_all" => RaceAll(RaceAllEvaluate),
        /// Together: rows go where an upper confidence bound is highest.
        "ucb" => Ucb(UcbEvaluate),
        /// Together: rounds that keep the better half of a pool.
        "sequential_halving" => SequentialHalving(HalvingEvaluate),
        /// Together: one by one rejected when it falls behind.
        "continuous_reject" => ContinuousReject(ContinuousRejectEvaluate),
        /// Together: clusters of like prompts first, then the best clusters' members.
        "cluster" => Cluster(ClusterEvaluate),
        /// Together: a model of the prompts' features drops the worse half.
        "regress" => Regress(RegressEvaluate),
        /// Brackets of successive halving over nested rows.
        "hyperband" => Hyperband(HyperbandEvaluate),
    }
}

/// Rows in a block where the recipe does not say.
pub const BLOCK: usize = 8;

kind! {
    /// All of dev, block by block.
    FullEvaluate {
        /// Rows that are issued together.
        block: usize = BLOCK,
        /// Only so many rows of dev; 0 = all.
        subset: usize = 0,
        /// Other rows for each candidate, drawn anew, instead of the same for all.
        resample: bool = false,
    }
}

kind! {
    /// The rows of the proposal first, in the same order as its parent; all of dev if it passes
    /// (GEPA; arXiv:2507.19457, algorithm 1).
    GateEvaluate {
        /// Rows that are issued together on dev.
        block: usize = BLOCK,
        /// What the sum over the minibatch must be.
        rule: GateRule = GateRule::GtParent,
    }
}

choice! {
    /// When a gated child passes.
    GateRule {
        /// Its sum is above its parent's.
        GtParent = "gt_parent",
        /// Its sum is not below its parent's.
        GeParent = "ge_parent",
    }
}

kind! {
    /// A paired Bayesian futility race against the incumbent's cached rows.
    RaceEvaluate {
        /// Rows of the first block; the race is judged after each block.
        block: usize = BLOCK,
        /// Each further block is longer by this factor: a candidate that is still in the race is likely to
        /// stay, and long blocks take fewer rounds.
        grow: f64 = 2.0,
        /// After so many children the next one starts a block further on in the common order; 0 =
        /// never. Rows on which the incumbent happens to be right would else judge every child.
        rotate_every: u32 = 1,
        /// Dropped when the probability of being better falls under this.
        below: f64 = 0.2,
        /// Rows that a candidate is given before it may be dropped.
        min_rows: usize = BLOCK,
        /// Rows of dev that are used at first: large gains show on few rows. 0 = all from the start.
        first_rows: usize = 0,
        /// So many decided children in a row without a new incumbent say that what is left to gain
        /// is small: half as many rows again are used from then on.
        widen_after: u32 = 8,
    }
}

kind! {
    /// Stages: a candidate must reach each stage's score to see the next one's rows (AlphaEvolve's
    /// evaluation cascade, as in OpenEvolve).
    CascadeEvaluate {
        /// The share of dev that each stage ends with; the last one is 1.
        stages: Vec<f64> = vec![0.1, 0.4, 1.0],
        /// What the mean must reach after each stage but the last, as a share of the incumbent's
        /// mean on the same rows.
        thresholds: Vec<f64> = vec![0.8, 0.95],
    }
}

kind! {
    /// All children of a generation on the same rows of dev, the next ones of an epoch (SIMBA).
    MinibatchEvaluate {
        /// Rows of a minibatch.
        size: usize = 32,
    }
}

kind! {
    /// Row by row in random order until the first failure, enough successes, or the most rows
    /// (PromptWizard; arXiv:2405.18369).
    StopOnFailureEvaluate {
        /// Right answers in a row that end it well.
        need: usize = 3,
        /// The most rows.
        most: usize = 6,
    }
}

kind! {
    /// Each trial gets a minibatch; after every few, the best mean that has not seen all of dev gets
    /// the rest (MIPROv2; arXiv:2406.11695, section 3.3).
    MinibatchPromoteEvaluate {
        /// Rows of a minibatch.
        size: usize = 35,
        /// Trials between two promotions.
        promote_every: usize = 5,
        /// Up to so many rows of dev, every trial gets all of them.
        full_below: usize = 50,
    }
}

kind! {
    /// Population and children are raced block by block in a fixed order; a candidate is dropped
    /// when enough others are significantly better, until no more are left than are kept: as many
    /// as the archive holds, or one where that may hold any number (CAPO; arXiv:2504.16005,
    /// algorithm 3). Rows that somebody has answered in an earlier race are not asked again.
    RaceAllEvaluate {
        /// What says that another is significantly better.
        test: RaceTest = RaceTest::PairedT,
        /// The level of each test, without a correction for their number.
        alpha: f64 = 0.2,
        /// Rows of a block.
        block: usize = 30,
        /// The most blocks.
        max_blocks: usize = 10,
    }
}

choice! {
    /// What says that one candidate is significantly better than another on common rows.
    RaceTest {
        /// One-sided paired t-test.
        PairedT = "paired_t",
        /// Exact sign test.
        Sign = "sign",
        /// An e-process, valid at any look.
        EProcess = "e_process",
        /// Empirical Bernstein bound.
        Bernstein = "bernstein",
        /// Posterior probability.
        Bayes = "bayes",
    }
}

kind! {
    /// Rounds in which the arms with the highest bounds get the same fresh rows (ProTeGi's UCB;
    /// arXiv:2305.03495, section 3.3; APE's variant).
    UcbEvaluate {
        /// Rounds.
        rounds: usize = 8,
        /// Arms of a round.
        arms: usize = 8,
        /// Rows for each of them.
        pulls: usize = 32,
        /// The weight of exploration.
        c: f64 = 1.0,
    }
}

kind! {
    /// Sequential halving over a fixed pool (TRIPLE-SH; arXiv:2402.09723, section 4).
    HalvingEvaluate {
        /// The share of the pool that each round keeps, rounded up.
        keep: f64 = 0.5,
        /// Means over all rounds (`true`) or the last one.
        accumulate: bool = true,
        /// The same rows for all (`true`), or each its own draw (`false`, as in the paper).
        paired: bool = false,
    }
}

kind! {
    /// Continuous rejection over a fixed pool (TRIPLE-CR; arXiv:2402.09723, section 4.1).
    ContinuousRejectEvaluate {
        /// What is compared: the worst arm with the mean of the others (`average`), or the smallest
        /// gap (`closest`).
        rule: RejectRule = RejectRule::Average,
        /// The same rows for all, or each its own draw.
        paired: bool = false,
    }
}

choice! {
    /// What a continuous rejection compares.
    RejectRule {
        /// CR-A.
        Average = "average",
        /// CR-C.
        Closest = "closest",
    }
}

kind! {
    /// Sequential halving over clusters of like prompts, then over the members of the best clusters
    /// (TRIPLE-CLST; arXiv:2402.09723, section 5.1).
    ClusterEvaluate {
        /// Clusters; 0 = ⌈√K⌉.
        clusters: usize = 0,
        /// The share of the budget that goes to the clusters; 0 = 5 rows for each, less where their
        /// sizes differ.
        share: f64 = 0.0,
        /// Dimensions of the prompts' features.
        features: usize = 64,
        /// The same rows for all, or each its own draw.
        paired: bool = false,
    }
}

kind! {
    /// A function of the prompts' features is fitted as rows come in, and drops the arms that it
    /// holds to be the worse half (TRIPLE-GSE; arXiv:2402.09723, section 5.2).
    RegressEvaluate {
        /// Rows between two fits; 0 = ⌈log₂ K⌉ phases of equal cost.
        every: usize = 0,
        /// Dimensions of the prompts' features.
        features: usize = 64,
        /// The greatest mean squared error with which a fit may drop arms, where it explains nothing.
        max_error: f64 = 0.1,
        /// The same rows for all, or each its own draw.
        paired: bool = false,
    }
}

kind! {
    /// Brackets of successive halving; each rung shows more of the same nested rows (Hyperband, Li
    /// et al. 2018; for prompts HbBoPs, arXiv:2412.07820, section 4).
    HyperbandEvaluate {
        /// Rows of the lowest rung.
        min: usize = 10,
        /// Each rung has this many times the rows, and the inverse share of the candidates.
        eta: f64 = 2.0,
    }
}

impl Evaluate {
    /// Whether candidates are judged together, in rounds.
    #[must_use]
    pub fn is_contest(&self) -> bool {
        matches!(
            self,
            Self::RaceAll(_)
                | Self::Ucb(_)
                | Self::SequentialHalving(_)
                | Self::ContinuousReject(_)
                | Self::Cluster(_)
                | Self::Regress(_)
        )
    }
}
