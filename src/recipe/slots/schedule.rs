//! The order of work.

slot! {
    /// The order in which work is planned.
    Schedule {
        /// Children are bred all the time.
        "steady" => Steady(SteadySchedule),
        /// Children are bred together, and judged together before the next ones are.
        "generation" => Generation(GenerationSchedule),
        /// All candidates come from `init`; nothing is bred.
        "pool" => Pool(PoolSchedule),
        /// Candidates are combinations of an instruction and a set of demonstrations.
        "product" => Product(ProductSchedule),
    }
}

choice! {
    /// In which order results enter decisions.
    Order {
        /// In the order in which the calls were issued.
        Issue = "issue",
    }
}

/// Evaluations that may be issued and not folded.
const LOOKAHEAD: usize = 128;
/// Proposals that may be drafted or issued and not folded.
const PROPOSAL_LOOKAHEAD: usize = 4;
/// Evaluations folded since its issue after which a proposal is folded at the latest.
const PROPOSAL_LAG: u64 = 64;

kind! {
    /// Children are bred until something stops the run.
    SteadySchedule {
        /// `issue`: decisions never depend on what has arrived.
        order: Order = Order::Issue,
        /// Evaluations that may be issued and not folded.
        lookahead: usize = LOOKAHEAD,
        /// Proposals that may be drafted or issued and not folded.
        proposal_lookahead: usize = PROPOSAL_LOOKAHEAD,
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = PROPOSAL_LAG,
        /// No proposal while this many candidates have no folded block.
        waiting: usize = 4,
        /// No proposal while this many children may still get rows: fewer decide on fresher
        /// knowledge, more keep more requests busy.
        open: usize = 1_000_000,
    }
}

kind! {
    /// Children are bred in generations: the next one begins when all of the last are judged.
    GenerationSchedule {
        /// Uses of operators in each generation; where all members of the population are scanned,
        /// uses for each of them; with pairs for each pair, in a tree for each node.
        children: usize = 1,
        /// Runs of the population on training rows before each generation, which `contrast_rule` and
        /// `demo_append` learn from; else they learn from whatever was run.
        runs: Option<Runs> = None,
        /// `issue`: decisions never depend on what has arrived.
        order: Order = Order::Issue,
        /// Evaluations that may be issued and not folded.
        lookahead: usize = LOOKAHEAD,
        /// Proposals that may be drafted or issued and not folded.
        proposal_lookahead: usize = 32,
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = PROPOSAL_LAG,
    }
}

kind! {
    /// Runs of the population on training rows, the next ones of an epoch.
    Runs {
        /// Rows of a minibatch.
        rows: usize = 32,
        /// Runs of each of them, each by a member that is drawn by the softmax of `select`.
        times: usize = 6,
    }
}

kind! {
    /// All candidates come from `init`.
    PoolSchedule {
        /// `issue`: decisions never depend on what has arrived.
        order: Order = Order::Issue,
        /// Evaluations that may be issued and not folded.
        lookahead: usize = LOOKAHEAD,
        /// Proposals that may be drafted or issued and not folded.
        proposal_lookahead: usize = 32,
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = PROPOSAL_LAG,
    }
}

kind! {
    /// What `init` brings are ingredients: instructions and sets of demonstrations. The sampler says
    /// which of them are put together and tried.
    ProductSchedule {
        /// `issue`: decisions never depend on what has arrived.
        order: Order = Order::Issue,
        /// Evaluations that may be issued and not folded.
        lookahead: usize = LOOKAHEAD,
        /// Proposals that may be drafted or issued and not folded.
        proposal_lookahead: usize = 32,
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = PROPOSAL_LAG,
    }
}

macro_rules! of_any_schedule {
    ($($(#[doc = $doc:literal])* $key:ident: $type:ty),+ $(,)?) => {
        impl Schedule {
            $($(#[doc = $doc])*
            #[must_use]
            pub fn $key(&self) -> $type {
                match self {
                    Self::Steady(kind) => kind.$key,
                    Self::Generation(kind) => kind.$key,
                    Self::Pool(kind) => kind.$key,
                    Self::Product(kind) => kind.$key,
                }
            })+
        }
    };
}

of_any_schedule! {
    /// Evaluations that may be issued and not folded.
    lookahead: usize,
    /// Proposals that may be drafted or issued and not folded.
    proposal_lookahead: usize,
    /// A proposal is folded at the latest when this many evaluations were folded since its issue.
    proposal_lag: u64,
}
