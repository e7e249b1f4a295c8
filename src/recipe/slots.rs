//! The slots of a recipe and their kinds, with every default.
//!
//! Only kinds that a shipped recipe names exist. Adding one is a struct here, a line in its slot's
//! enum, and a small file where it is carried out.

use serde::{Deserialize, Serialize};

/// Declares a slot: an enum over kinds, each with its own table of keys.
macro_rules! slot {
    ($(#[$doc:meta])* $slot:ident { $($(#[$kind_doc:meta])* $kind:literal => $variant:ident($table:ident)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind")]
        pub enum $slot {
            $($(#[$kind_doc])* #[serde(rename = $kind)] $variant($table),)+
        }

        impl $slot {
            /// The kinds by their names in a recipe.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// The kind's name in a recipe.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)+
                }
            }
        }

        impl super::read::Slot for $slot {
            const KINDS: &'static [&'static str] = &[$($kind),+];

            fn from_table(kind: &str, table: toml::Table) -> Result<Self, toml::de::Error> {
                match kind {
                    $($kind => table.try_into().map(Self::$variant),)+
                    _ => Err(serde::de::Error::custom("unknown kind")),
                }
            }
        }
    };
}

/// Declares a kind: its keys with their defaults. Every key may be left out.
macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident { $($(#[$key_doc:meta])* $key:ident: $type:ty = $default:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $kind {
            $($(#[$key_doc])* pub $key: $type,)*
        }

        impl Default for $kind {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }
    };
}

/// How to search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// When to choose it, in one line.
    pub about: String,
    /// The paper, where there is one.
    pub reference: Option<String>,
    /// The order of work.
    pub schedule: Schedule,
    /// Where the first candidates come from.
    pub init: Vec<Init>,
    /// Which candidate is changed next.
    pub select: Select,
    /// How it is changed.
    pub operator: Vec<Operator>,
    /// Which operator is next.
    pub choose: Choose,
    /// What refuses a new prompt before anything is spent on it.
    pub screen: Vec<Screen>,
    /// Which rows a candidate is tried on, and when it is dropped.
    pub evaluate: Evaluate,
    /// What makes a candidate the incumbent.
    pub accept: Accept,
    /// What is kept for selection.
    pub archive: Archive,
    /// When to stop, beside the budget.
    pub stop: Stop,
    /// How the winner is chosen from what was found.
    #[serde(rename = "final")]
    pub finale: Final,
}

/// The order in which work is issued and folded; the same keys for every kind of schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// `steady` breeds all the time; `pool` only evaluates what `init` made.
    pub kind: ScheduleKind,
    /// `issue`: decisions never depend on what has arrived.
    pub order: Order,
    /// Evaluations that may be issued and not folded.
    pub lookahead: usize,
    /// Proposals that may be drafted or issued and not folded.
    pub proposal_lookahead: usize,
    /// A proposal is folded at the latest when this many evaluations were folded since its issue.
    pub proposal_lag: u64,
    /// No proposal while this many candidates have no folded block.
    pub waiting: usize,
    /// No proposal while this many children may still get rows: fewer decide on fresher knowledge,
    /// more keep more requests busy.
    pub open: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::Steady,
            order: Order::Issue,
            lookahead: 128,
            proposal_lookahead: 4,
            proposal_lag: 64,
            waiting: 4,
            open: 1_000_000,
        }
    }
}

/// Whether anything is bred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Children are bred until something stops the run.
    Steady,
    /// All candidates come from `init`.
    Pool,
}

/// In which order results enter decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// In the order in which the calls were issued.
    Issue,
}

slot! {
    /// Where the first candidates come from.
    Init {
        /// The task's own prompt.
        "seed" => Seed(SeedInit),
        /// Instructions guessed from demonstrations (APE; arXiv:2211.01910, section 3.1).
        "induce" => Induce(InduceInit),
        /// The seed in other words.
        "paraphrase" => Paraphrase(ParaphraseInit),
    }
}

kind! {
    /// The task's own prompt is candidate 0 of every run; naming it here says that it competes.
    SeedInit {}
}

kind! {
    /// Guesses the instruction from rows: `queries` requests of `demos` rows, each asked `samples` times.
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
    /// Asks for the seed in other words.
    ParaphraseInit {
        /// How many.
        take: u32 = 10,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None,
    }
}

slot! {
    /// Which candidate is changed next.
    Select {
        /// None: nothing is bred.
        "none" => None(NoneSelect),
        /// The incumbent.
        "best" => Best(BestSelect),
        /// Any earlier candidate, dropped ones included.
        "uniform" => Uniform(UniformSelect),
        /// By the number of rows on which a candidate is best (GEPA; arXiv:2507.19457, algorithm 2).
        "pareto" => Pareto(ParetoSelect),
        /// One of several, by weight.
        "mix" => Mix(MixSelect),
    }
}

kind! {
    /// Nothing is bred.
    NoneSelect {}
}
kind! {
    /// The incumbent.
    BestSelect {}
}
kind! {
    /// Uniform over all earlier candidates.
    UniformSelect {}
}
kind! {
    /// Draws by the number of rows on which a candidate is among the best, dominated ones removed.
    ParetoSelect {
        /// A candidate needs this many rows on which it is among the best.
        min_unique: usize = 1,
    }
}
kind! {
    /// Draws one of its parts by weight.
    MixSelect {
        /// The parts.
        parts: Vec<MixPart> = Vec::new(),
    }
}

/// One part of a mixed selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixPart {
    /// `best`, `uniform` or `pareto`.
    pub kind: MixKind,
    /// How often, against the other parts.
    #[serde(default = "one")]
    pub weight: f64,
    /// As in `pareto`.
    #[serde(default = "one_row")]
    pub min_unique: usize,
}

fn one() -> f64 {
    1.0
}

fn one_row() -> usize {
    1
}

/// What a part of a mixed selection may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MixKind {
    /// The incumbent.
    Best,
    /// Any earlier candidate.
    Uniform,
    /// By rows on which it is among the best.
    Pareto,
}

slot! {
    /// How a candidate is changed.
    Operator {
        /// Reads failures with feedback and rewrites (GEPA; arXiv:2507.19457, section 3.2).
        "reflect" => Reflect(ReflectOperator),
        /// Another version of the text, without evidence.
        "mutate_text" => MutateText(MutateTextOperator),
        /// Three-way merge of two candidates and their common ancestor, without a model.
        "merge" => Merge(MergeOperator),
        /// The same in fewer words.
        "compress" => Compress(CompressOperator),
    }
}

kind! {
    /// Shows the mutator how the parent fared on training rows, and asks for a better text.
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
    /// Takes from each of two candidates what it changed since their common ancestor.
    MergeOperator {
        /// How often, against the other operators.
        weight: f64 = 1.0,
        /// When it may be used.
        when: When = When::Always,
        /// At most so often in a run; 0 = as often as chosen.
        max_uses: u32 = 0,
        /// Whole parts (the paper), or lines within them.
        level: MergeLevel = MergeLevel::Part,
        /// Who may be merged: candidates on the front (the paper), or any that improved on its
        /// parent, dropped ones included.
        pool: MergePool = MergePool::Front,
        /// Pairs that are drawn before the operator gives up for this time (pool `front` only).
        attempts: u32 = 10,
        /// Rows on which the child must do as well as the better parent before it is tried in
        /// full; 0 = none.
        gate_size: usize = 0,
    }
}

/// What a merge takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeLevel {
    /// A whole part from one parent.
    Part,
    /// The lines that each parent added or removed.
    Line,
}

/// Who may be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergePool {
    /// Candidates that are among the best on some row.
    Front,
    /// The incumbent with any candidate that likely improved on its own parent.
    Improved,
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

/// When an operator may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Whenever it is chosen.
    Always,
    /// Once for every candidate that passed its gate.
    AfterAccept,
    /// Once for every new incumbent.
    IncumbentChanged,
}

kind! {
    /// Which training rows a reflection sees.
    Feedback {
        /// `epoch` deals all rows in turn, reshuffled each time round; `errors` prefers failures.
        pick: Pick = Pick::Errors,
        /// Rows that are shown.
        size: usize = 3,
        /// Of them, rows that the parent got right, shown so that it is kept (`errors` only).
        keep_correct: usize = 0,
        /// Rows that may be run to find enough failures (`errors` only).
        from: usize = 24,
        /// `true`: the parent answers the rows anew; `false`: only rows that it has not answered
        /// yet are run.
        fresh: bool = false,
        /// No proposal where the parent got all of them right.
        skip_perfect: bool = true,
    }
}

/// How rows are picked for a reflection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// All rows in turn, reshuffled each time round.
    Epoch,
    /// Failures first.
    Errors,
}

slot! {
    /// Which operator is next.
    Choose {
        /// By the operators' weights.
        "fixed" => Fixed(FixedChoose),
    }
}

kind! {
    /// By the operators' weights.
    FixedChoose {}
}

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
    }
}

kind! {
    /// Refuses a prompt that copies a row: one run of at least `ngram` words that is at least
    /// `share` of the row's input.
    LeakScreen {
        /// The least length of a copied run, in words.
        ngram: usize = 12,
        /// Its least share of the row's input.
        share: f64 = 0.5,
    }
}

slot! {
    /// Which rows a candidate is tried on, and when it is dropped.
    Evaluate {
        /// All of dev.
        "full" => Full(FullEvaluate),
        /// A minibatch against the parent, then all of dev (GEPA; arXiv:2507.19457, algorithm 1).
        "gate" => Gate(GateEvaluate),
        /// Block by block against the incumbent, dropped when it is unlikely to be better.
        "race" => Race(RaceEvaluate),
        /// Rounds that keep the better half of a pool (TRIPLE-SH; arXiv:2402.09723, section 4).
        "sequential_halving" => SequentialHalving(HalvingEvaluate),
    }
}

/// Rows in a block where the recipe does not say.
pub const BLOCK: usize = 8;

kind! {
    /// All of dev, block by block.
    FullEvaluate {
        /// Rows that are issued together.
        block: usize = BLOCK,
    }
}

kind! {
    /// The rows of the proposal first, in the same order as its parent; all of dev if it passes.
    GateEvaluate {
        /// Rows that are issued together on dev.
        block: usize = BLOCK,
        /// What the sum over the minibatch must be.
        rule: GateRule = GateRule::GtParent,
    }
}

/// When a gated child passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateRule {
    /// Its sum is above its parent's.
    GtParent,
    /// Its sum is not below its parent's.
    GeParent,
}

kind! {
    /// A paired Bayesian futility race against the incumbent's cached rows.
    RaceEvaluate {
        /// Rows of the first block; the race is judged after each block.
        block: usize = BLOCK,
        /// Each further block is longer by this factor: whoever is still in the race is likely to
        /// stay, and long blocks take fewer rounds.
        grow: f64 = 2.0,
        /// After so many children the next one starts a block further on in the common order; 0 =
        /// never. Rows on which the incumbent happens to be right would else judge every child.
        rotate_every: u32 = 1,
        /// Dropped when the probability of being better falls under this.
        below: f64 = 0.2,
        /// Rows that a candidate is given before it may be dropped.
        min_rows: usize = BLOCK,
    }
}

kind! {
    /// Sequential halving over a fixed pool.
    HalvingEvaluate {
        /// The share of the pool that each round keeps, rounded up.
        keep: f64 = 0.5,
        /// Means over all rounds (`true`) or the last one.
        accumulate: bool = true,
        /// The same rows for all (`true`), or each its own draw (`false`, as in the paper).
        paired: bool = false,
    }
}

slot! {
    /// What makes a candidate the incumbent.
    Accept {
        /// The best mean over all of dev.
        "always" => Always(AlwaysAccept),
        /// Only with evidence, or where it is as good and cheaper.
        "archive_or_incumbent" => Evidence(EvidenceAccept),
    }
}

kind! {
    /// The best mean over all of dev is the incumbent.
    AlwaysAccept {}
}

kind! {
    /// Replaces the incumbent when it is likely better, or not worse and cheaper.
    EvidenceAccept {
        /// The probability of being better that is asked for.
        posterior: f64 = 0.8,
        /// A candidate that is not worse must save this share of the deployed cost.
        or_cheaper: f64 = 0.2,
        /// How much worse still counts as not worse.
        margin: f64 = 0.01,
    }
}

slot! {
    /// What is kept for selection.
    Archive {
        /// Every candidate that was tried in full.
        "list" => List(ListArchive),
        /// Those that are among the best on some row.
        "pareto" => Pareto(ParetoArchive),
    }
}

kind! {
    /// Every candidate that was tried in full.
    ListArchive {}
}

kind! {
    /// Those that are among the best on some row.
    ParetoArchive {
        /// At most so many, the best by mean.
        capacity: usize = 24,
    }
}

/// When to stop, beside the budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// The first one that holds.
    pub when: Vec<StopRule>,
}

/// One reason to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopRule {
    /// `budget`: always holds, named for the reader.
    Budget,
    /// `stalled:N`: N decided children in a row without a new incumbent.
    Stalled(u32),
    /// `score:X`: the incumbent's mean on all of dev reaches X.
    Score(f64),
    /// `pool_done`: nothing is left to evaluate.
    PoolDone,
    /// `rejected:N`: N rejected proposals in a row; ends as `pool_done`.
    Rejected(u32),
}

impl std::fmt::Display for StopRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Budget => write!(f, "budget"),
            Self::Stalled(count) => write!(f, "stalled:{count}"),
            Self::Score(score) => write!(f, "score:{score}"),
            Self::PoolDone => write!(f, "pool_done"),
            Self::Rejected(count) => write!(f, "rejected:{count}"),
        }
    }
}

impl Serialize for StopRule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StopRule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (name, value) = text.split_once(':').unwrap_or((text.as_str(), ""));
        let wrong = || {
            serde::de::Error::custom(format!(
                "`{text}` is not a reason to stop: write `budget`, `stalled:N`, `score:X`, \
                 `pool_done` or `rejected:N`"
            ))
        };
        match (name, value) {
            ("budget", "") => Ok(Self::Budget),
            ("pool_done", "") => Ok(Self::PoolDone),
            ("stalled", count) => count.parse().map(Self::Stalled).map_err(|_| wrong()),
            ("rejected", count) => count.parse().map(Self::Rejected).map_err(|_| wrong()),
            ("score", score) => match score.parse() {
                Ok(score) if (0.0..=1.0).contains(&score) => Ok(Self::Score(score)),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

slot! {
    /// How the winner is chosen from what was found; the engine then confirms it on hold.
    Final {
        /// The best mean.
        "argmax" => Argmax(ArgmaxFinal),
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

/// Among which candidates the winner is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Among {
    /// Those tried on all of dev.
    Finished,
    /// Those that the last round of a halving kept.
    Survivors,
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
