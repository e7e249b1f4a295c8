//! The contestants: shipped recipes whose `init` is replaced by the pool, with budgets for its
//! size.

/// The texts of the arms, which a strategy can use besides the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    /// The arms' own texts.
    Real,
    /// The texts of other arms, which carry no information.
    Shuffled,
    /// Words that encode the accuracy.
    Telling,
}

/// The size of a contest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Arms.
    pub(crate) arms: usize,
    /// Mean number of calls per arm.
    pub(crate) pulls: usize,
}

/// A strategy in the contest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contestant {
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// The recipe.
    pub(crate) recipe: &'static str,
    /// The kind of its arms' texts.
    pub(crate) texts: Texts,
    /// Whether it is an ablation of another contestant.
    pub(crate) is_ablation: bool,
    /// The recipe keys that are set, besides the pool.
    sets: fn(Size) -> Vec<String>,
}

impl Contestant {
    /// The recipe keys for a pool of a size.
    pub(crate) fn sets(&self, size: Size) -> Vec<String> {
        let take = size.arms - 1;
        let pool = format!("init=[{{kind=\"baseline\"}},{{kind=\"llm_variants\",take={take}}}]");
        std::iter::once(pool).chain((self.sets)(size)).collect()
    }
}

const fn shipped(
    name: &'static str,
    recipe: &'static str,
    sets: fn(Size) -> Vec<String>,
) -> Contestant {
    Contestant { name, recipe, texts: Texts::Real, is_ablation: false, sets }
}

const fn ablation(
    name: &'static str,
    recipe: &'static str,
    texts: Texts,
    sets: fn(Size) -> Vec<String>,
) -> Contestant {
    Contestant { name, recipe, texts, is_ablation: true, sets }
}

fn set(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

/// Every arm gets the same number of separate rows; the best mean wins.
fn uniform(size: Size) -> Vec<String> {
    let pulls = size.pulls;
    vec![
        format!("evaluate={{kind=\"full\",subset={pulls},resample=true}}"),
        "final={kind=\"argmax\",among=\"finished\"}".to_owned(),
    ]
}

/// A race to a single survivor; a block is a quarter of the mean number of calls per arm.
fn race(size: Size, test: &str) -> Vec<String> {
    let block = size.pulls.div_ceil(4);
    vec![
        format!("evaluate={{kind=\"race_all\",test=\"{test}\",block={block},max_blocks=1000}}"),
        "archive={kind=\"top_k\",capacity=1}".to_owned(),
    ]
}

/// A quarter of the arms in each round, so that four rounds pull each arm once.
fn ucb(size: Size) -> Vec<String> {
    let arms = size.arms.div_ceil(4);
    let pulls = (size.pulls / 5).max(1);
    let rounds = size.pulls * size.arms / (arms * pulls);
    vec![
        format!("evaluate={{kind=\"ucb\",rounds={rounds},arms={arms},pulls={pulls},c=1.0}}"),
        "archive={kind=\"top_k\",capacity=1}".to_owned(),
    ]
}

const ALL: &[Contestant] = &[
    shipped("uniform", "triple-sh", uniform),
    shipped("triple-sh", "triple-sh", |_| Vec::new()),
    shipped("triple-sh, paired rows", "triple-sh", |_| set("evaluate.paired=true")),
    shipped("triple-cr", "triple-cr", |_| Vec::new()),
    shipped("triple-clst", "triple-clst", |_| Vec::new()),
    shipped("triple-gse", "triple-gse", |_| Vec::new()),
    shipped("ucb", "triple-sh", ucb),
    shipped("race_all, paired_t", "triple-sh", |size| race(size, "paired_t")),
    shipped("race_all, sign", "triple-sh", |size| race(size, "sign")),
    shipped("race_all, bayes", "triple-sh", |size| race(size, "bayes")),
    shipped("race_all, e_process", "triple-sh", |size| race(size, "e_process")),
    shipped("race_all, bernstein", "triple-sh", |size| race(size, "bernstein")),
    shipped("hyperband-bo", "hyperband-bo", |_| Vec::new()),
    ablation("cr, closest gap", "triple-cr", Texts::Real, |_| set("evaluate.rule=closest")),
    ablation("clst, a third for clusters", "triple-clst", Texts::Real, |_| {
        set("evaluate.share=0.3333")
    }),
    ablation("clst, texts shuffled", "triple-clst", Texts::Shuffled, |_| Vec::new()),
    ablation("clst, texts that tell", "triple-clst", Texts::Telling, |_| Vec::new()),
    ablation("gse, fits every 32 rows", "triple-gse", Texts::Real, |_| set("evaluate.every=32")),
    ablation("gse, texts shuffled", "triple-gse", Texts::Shuffled, |_| Vec::new()),
    ablation("gse, texts that tell", "triple-gse", Texts::Telling, |_| Vec::new()),
    ablation("hyperband, random proposals", "hyperband-bo", Texts::Real, |_| {
        set("sampler={kind=\"random\"}")
    }),
    ablation("hyperband-bo, texts that tell", "hyperband-bo", Texts::Telling, |_| Vec::new()),
];

/// Contestants by name; by default those that are not ablations; with `ablations`, all.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Contestant>, String> {
    if names.is_empty() || names == ["ablations"] {
        let wanted = |contestant: &&Contestant| !contestant.is_ablation || !names.is_empty();
        return Ok(ALL.iter().filter(wanted).copied().collect());
    }
    names
        .iter()
        .map(|name| {
            // Names contain commas, which separate names on the command line; spaces may replace
            // them.
            let plain = |text: &str| text.replace([',', ' ', '_'], "-").replace("--", "-");
            let found = ALL.iter().find(|contestant| plain(contestant.name) == plain(name));
            let all: Vec<String> = ALL.iter().map(|contestant| plain(contestant.name)).collect();
            found.copied().ok_or_else(|| format!("no `{name}`; there are: {}", all.join(" ")))
        })
        .collect()
}
