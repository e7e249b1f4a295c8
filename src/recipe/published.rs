//! The numbers of the shipped recipes against those that were published: one table, by recipe.
//!
//! A row pins what a paper or its authors' code states, written down from there and not from the
//! recipe; `deviation` marks numbers of ours that a recipe's header owns up to. Numbers that were never
//! published have no row, and neither have `auto` and the baselines. What the keys do is tested with
//! the strategies.

use super::{effective_table, load};

/// A recipe, where its numbers come from, and its rows: the key as `--set` names it, the value as TOML,
/// and what the source calls it.
type Published =
    (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const POPULATIONS: &[Published] = &[
    (
        "promptbreeder",
        "arXiv:2309.16797, section 3",
        &[
            ("init.0.take", "50", "the population's size"),
            ("archive.capacity", "50", "the population's size"),
            ("schedule.children", "25", "50 units in pairs, one child for each pair"),
            ("stop.when", "['generations:20', 'budget']", "20 to 30 generations"),
            ("evaluate.subset", "100", "a batch of 100"),
            ("evaluate.resample", "true", "a random batch"),
            ("operator.0.weight", "1.0", "nine operators alike"),
            ("operator.1.weight", "1.0", "nine operators alike"),
            ("operator.2.weight", "1.0", "nine operators alike"),
            ("operator.3.weight", "1.0", "nine operators alike"),
            ("operator.5.weight", "1.0", "nine operators alike"),
            ("operator.6.weight", "1.0", "nine operators alike"),
            ("operator.7.weight", "1.0", "nine operators alike"),
            ("operator.8.weight", "1.0", "nine operators alike"),
            ("operator.2.max_similarity", "0.95", "filtered by a cosine of 0.95"),
            ("operator.3.max_similarity", "0.95", "filtered by a cosine of 0.95"),
            ("operator.3.ranked", "true", "estimation of distribution by rank"),
            ("operator.5.order", "'zero'", "zero-order hypermutation"),
            ("operator.6.order", "'first'", "first-order hypermutation"),
            ("operator.8.resample", "0.1", "a context is drawn anew with 10 %"),
            ("operator.9.after", "0.1", "a crossover follows with 10 %"),
            ("operator.9.weight", "0.0", "and is none of the nine"),
        ],
    ),
    (
        "capo",
        "arXiv:2504.16005, section 4 and the authors' code",
        &[
            ("archive.capacity", "10", "mu"),
            ("init.1.take", "9", "deviation: of mu = 10 first prompts the baseline is one"),
            ("init.1.shots.min", "0", "0 to 5 shots at first"),
            ("init.1.shots.max", "5", "upper_shots"),
            ("operator.0.max_shots", "5", "upper_shots"),
            ("operator.0.mutate", "true", "a mutation follows each crossover"),
            ("operator.0.mix_shots", "true", "shots come from the union of both parents'"),
            ("schedule.children", "4", "crossovers_per_iter"),
            ("objective.length_penalty", "0.05", "length_penalty"),
            ("evaluate.test", "'paired_t'", "a paired t-test"),
            ("evaluate.alpha", "0.2", "alpha"),
            ("evaluate.block", "30", "block_size"),
            ("evaluate.max_blocks", "10", "max_n_blocks_eval"),
        ],
    ),
    (
        "evoprompt-ga",
        "arXiv:2309.08532, section 4 and the authors' code",
        &[
            ("archive.capacity", "10", "popsize"),
            ("schedule.children", "10", "N children in each step"),
            ("stop.when", "['generations:10', 'budget']", "T steps"),
            ("evaluate.subset", "100", "sample_num"),
            ("operator.0.temperature", "0.5", "the temperature of the model"),
            ("init.2.of", "'top'", "para_topk"),
            ("init.2.take", "5", "half of popsize, and each of them in other words"),
            ("init.2.temperature", "0.5", "the temperature of the model"),
            ("init.1.queries", "3", "deviation: 3 × 3 induced prompts stand for written ones"),
            ("init.1.samples", "3", "deviation: 3 × 3 induced prompts stand for written ones"),
            ("final.kind", "'shortlist'", "the best are tried again"),
            ("final.top", "3", "the top 3 are tried again"),
        ],
    ),
    (
        "evoprompt-de",
        "arXiv:2309.08532, section 4 and the authors' code",
        &[
            ("archive.capacity", "10", "popsize"),
            ("schedule.children", "1", "one child for each of N members"),
            ("select.donors", "2", "a and b, which differ from the base"),
            ("select.best", "true", "the current best as the third"),
            ("accept.against", "'slot'", "a child competes with its base"),
            ("accept.or_equal", "false", "and has to be better"),
            ("stop.when", "['generations:10', 'budget']", "T steps"),
            ("evaluate.subset", "100", "sample_num"),
            ("operator.0.temperature", "0.5", "the temperature of the model"),
            ("init.2.of", "'top'", "para_topk"),
            ("init.2.take", "5", "half of popsize, and each of them in other words"),
            ("final.top", "3", "the top 3 are tried again"),
        ],
    ),
    (
        "phase-evo",
        "arXiv:2402.11347 has no such numbers: those of the header",
        &[
            ("archive.capacity", "5", "deviation: the best 5 of a reimplementation"),
            ("phase.0.init.1.queries", "10", "deviation: 15 first prompts, 10 of them induced"),
            ("phase.0.init.2.take", "4", "deviation: 15 first prompts, 4 of them reworded"),
            ("phase.1.stop.when", "['patience:2', 'budget']", "deviation: patience is ours"),
            ("phase.2.stop.when", "['patience:4', 'budget']", "deviation: patience is ours"),
            ("phase.3.stop.when", "['patience:2', 'budget']", "deviation: patience is ours"),
        ],
    ),
    (
        "map-elites",
        "the configuration of OpenEvolve",
        &[
            ("select.explore", "0.2", "exploration_ratio"),
            ("select.exploit", "0.7", "exploitation_ratio"),
            ("archive.length_bins", "10", "feature_bins"),
            ("archive.diversity_bins", "10", "feature_bins"),
            ("evaluate.thresholds", "[0.5, 0.75]", "cascade_thresholds of three stages"),
            ("operator.0.temperature", "0.7", "temperature"),
            ("operator.0.history.k", "5", "deviation: the five best, not three and two diverse"),
        ],
    ),
    (
        "shinka-islands",
        "arXiv:2509.19349, section 3, and the configuration of its code",
        &[
            ("archive.count", "2", "islands"),
            ("archive.capacity", "40", "the archive's size; deviation: of each island"),
            ("archive.migrate_every", "10", "migration_interval"),
            (
                "archive.migrate_rate",
                "0.1",
                "deviation: a tenth is copied, the code's default is 0",
            ),
            ("select.lambda", "10.0", "lambda"),
            ("operator.0.weight", "0.6", "diff patches"),
            ("operator.1.weight", "0.3", "full patches"),
            ("operator.2.weight", "0.1", "cross patches"),
            ("operator.0.history.k", "2", "two inspirations; deviation: the two best"),
            ("choose.c", "1.0", "the bound's exploration"),
            ("choose.epsilon", "0.2", "epsilon"),
            ("choose.discount", "0.95", "decay"),
            ("screen.0.max_similarity", "0.99", "the threshold of novelty"),
            ("screen.0.attempts", "3", "attempts for novelty"),
        ],
    ),
];

const CHAINS: &[Published] = &[
    (
        "gepa",
        "arXiv:2507.19457, section 3 and the authors' code",
        &[
            ("operator.0.feedback.size", "3", "the minibatch b"),
            ("operator.0.feedback.pick", "'epoch'", "shuffled by epochs"),
            ("operator.0.feedback.fresh", "true", "the parent's scores are never reused"),
            ("operator.0.feedback.skip_perfect", "true", "skip_perfect_score"),
            ("operator.0.fields", "'round_robin'", "module selection"),
            ("evaluate.rule", "'gt_parent'", "accepted where the sum is larger"),
            ("schedule.width", "1", "one proposal and one child after the other"),
        ],
    ),
    (
        "gepa-merge",
        "arXiv:2507.19457, the appendix on merges and the authors' code",
        &[
            ("operator.0.feedback.size", "3", "the minibatch b"),
            ("operator.1.max_uses", "5", "max_merge_invocations"),
            ("operator.1.gate_size", "5", "ids on which a merge is tried first"),
            ("operator.1.attempts", "100", "10 × 10 attempts to find a pair"),
            ("operator.1.when", "'after_accept'", "due after a new program was accepted"),
        ],
    ),
    (
        "opro",
        "arXiv:2309.03409, section 5.1 and the authors' code",
        &[
            ("schedule.children", "8", "num_generated_instructions_in_each_step"),
            ("operator.0.history.k", "20", "max_num_instructions"),
            ("operator.0.history.min_score", "0.0", "the threshold for PaLM scorers"),
            ("operator.0.exemplars", "3", "num_few_shot_questions"),
            ("operator.0.temperature", "1.0", "the optimiser's temperature"),
            ("stop.when", "['generations:200', 'budget']", "num_search_steps"),
        ],
    ),
    (
        "copro",
        "the code of DSPy: copro_optimizer",
        &[
            ("schedule.children", "10", "breadth"),
            ("init.1.take", "9", "breadth less the original"),
            ("init.1.temperature", "1.4", "init_temperature"),
            ("operator.0.temperature", "1.4", "init_temperature"),
            ("operator.0.history.k", "10", "the best 10 attempts or fewer"),
            ("stop.when", "['generations:2', 'budget']", "depth 3, the first of which is init's"),
        ],
    ),
    (
        "grips",
        "arXiv:2203.07281, section 3 and the authors' code",
        &[
            ("schedule.children", "5", "num_candidates"),
            ("operator.0.edits", "1", "num_compose"),
            ("operator.0.level", "'phrase'", "level"),
            ("operator.0.weight", "3.0", "deviation: delete, swap and add with a quarter each"),
            ("operator.1.weight", "1.0", "deviation: a paraphrase always with a quarter"),
            ("evaluate.subset", "100", "num_train"),
        ],
    ),
    (
        "textgrad-momentum",
        "arXiv:2406.07496, section 3.3 and the authors' code",
        &[
            ("operator.0.feedback.size", "3", "batch_size"),
            ("stop.when", "['generations:12', 'budget']", "3 epochs of 4 steps"),
            ("accept.against", "'incumbent'", "run_validation_revert"),
            ("accept.or_equal", "true", "kept where validation is not worse"),
        ],
    ),
    (
        "promptwizard",
        "arXiv:2405.18369 and its demos' configuration",
        &[
            ("phase.0.schedule.children", "20", "4 rounds × style_variation 5, iteration 1"),
            ("phase.2.schedule.children", "20", "4 rounds × style_variation 5, iteration 2"),
            ("phase.4.schedule.children", "20", "4 rounds × style_variation 5, iteration 3"),
            ("phase.0.stop.when", "['generations:1', 'budget']", "once in an iteration"),
            ("phase.1.stop.when", "['generations:1', 'budget']", "top_n = 1 is refined once"),
            ("evaluate.need", "3", "min_correct_count"),
            ("evaluate.most", "6", "max_eval_batches"),
            ("phase.1.operator.0.praise_from", "0.5", "praised from 3 right batches of 6"),
            ("phase.1.operator.0.feedback.size", "1", "questions_batch_size"),
            ("phase.6.operator.0.size", "5", "few_shot_count"),
            ("phase.6.operator.0.from", "25", "misclassified ones of the 25 seen"),
            ("phase.7.operator.0.weight", "1.0", "a coin"),
            ("phase.7.operator.1.weight", "1.0", "a coin"),
            ("phase.7.operator.1.max", "5", "few_shot_count"),
            ("phase.7.stop.when", "['generations:3', 'budget']", "refine_task_eg_iterations"),
        ],
    ),
];

const BEAMS: &[Published] = &[
    (
        "protegi",
        "arXiv:2305.03495, section 4 and the authors' code",
        &[
            ("archive.capacity", "4", "beam_size"),
            ("stop.when", "['generations:6', 'budget']", "rounds"),
            ("operator.0.weight", "4.0", "n_gradients"),
            ("operator.0.feedback.size", "4", "errors_per_gradient"),
            ("operator.0.feedback.from", "64", "minibatch_size"),
            ("operator.0.feedback.all", "true", "all of the minibatch is run"),
            ("operator.0.reasons", "1", "gradients_per_error"),
            ("operator.0.edits", "1", "steps_per_gradient"),
            ("operator.0.paraphrases", "2", "mc_samples_per_step"),
            ("screen.0.per_parent", "8", "max_expansion_factor"),
            ("evaluate.rounds", "8", "eval_rounds"),
            ("evaluate.arms", "8", "eval_prompts_per_round"),
            ("evaluate.pulls", "32", "samples_per_eval"),
            ("evaluate.c", "1.0", "c"),
        ],
    ),
    (
        "promptagent-mcts",
        "arXiv:2310.16427, appendix, and the authors' code",
        &[
            ("select.c", "2.5", "w_exp"),
            ("select.max_depth", "8", "depth_limit"),
            ("select.min_depth", "2", "min_depth"),
            ("schedule.children", "3", "expand_width"),
            ("operator.0.feedback.size", "5", "train_batch_size"),
            ("operator.0.edits", "1", "num_new_prompts"),
            ("evaluate.subset", "50", "rows of the split for rewards"),
            ("stop.when", "['iterations:12', 'budget']", "iteration_num"),
        ],
    ),
    (
        "sammo-beam",
        "arXiv:2404.02319, section 4, and the defaults of its code",
        &[
            ("archive.capacity", "4", "beam_width"),
            ("stop.when", "['generations:6', 'budget']", "depth"),
            ("schedule.children", "8", "mutations_per_beam"),
            ("operator.0.feedback.size", "4", "num_sampled_errors"),
            ("operator.0.reasons", "1", "deviation: one critique of 4 gradients"),
            ("operator.0.edits", "1", "deviation: one rewrite of 2"),
            ("operator.0.weight", "1.0", "priors are uniform"),
            ("operator.1.weight", "1.0", "priors are uniform"),
            ("operator.2.weight", "1.0", "priors are uniform"),
            ("operator.3.weight", "1.0", "priors are uniform"),
            ("operator.4.weight", "1.0", "priors are uniform"),
            ("operator.5.weight", "1.0", "priors are uniform"),
            ("operator.6.weight", "1.0", "priors are uniform"),
            ("final.kind", "'shortlist'", "validate"),
            ("final.top", "5", "k_best"),
        ],
    ),
    (
        "simba",
        "the code of DSPy: simba",
        &[
            ("schedule.runs.rows", "32", "bsize"),
            ("schedule.runs.times", "6", "num_candidates"),
            ("schedule.children", "7", "num_candidates + 1 buckets"),
            ("select.temperature", "0.2", "temperature_for_sampling, _for_candidates"),
            ("select.top", "6", "the top num_candidates and the baseline"),
            ("operator.0.max", "4", "max_demos"),
            ("operator.1.max_shots", "4", "max_demos"),
            ("operator.0.weight", "1.0", "both strategies alike"),
            ("operator.1.weight", "1.0", "both strategies alike"),
            ("evaluate.size", "32", "bsize"),
            ("stop.when", "['generations:8', 'budget']", "max_steps"),
            ("final.top", "7", "num_candidates + 1 programs at the end"),
            ("final.of", "'winners'", "spread over winning_programs"),
        ],
    ),
];

/// The arms of each TRIPLE recipe: 30, 20 of them induced from pairs and 10 rephrased.
const POOL_OF_30: [(&str, &str, &str); 5] = [
    ("init.1.queries", "5", "5 × 2 pairs"),
    ("init.1.demos", "2", "5 × 2 pairs"),
    ("init.1.samples", "4", "20 of the small pool's 30 arms, from 5 queries"),
    ("init.2.take", "10", "10 rephrased arms"),
    ("evaluate.paired", "false", "an arm's pulls are its own"),
];

const POOLS: &[Published] = &[
    (
        "ape",
        "arXiv:2211.01910 and the authors' configuration",
        &[
            ("init.1.queries", "5", "num_subsamples"),
            ("init.1.demos", "5", "num_demos"),
            ("init.1.temperature", "0.9", "temperature"),
            ("evaluate.subset", "50", "num_samples"),
        ],
    ),
    ("triple-sh", "arXiv:2402.09723", &POOL_OF_30),
    (
        "triple-sh",
        "arXiv:2402.09723, section 4",
        &[
            ("evaluate.keep", "0.5", "⌈|A| / 2⌉ are kept"),
            ("evaluate.accumulate", "true", "by the mean of all pulls so far"),
        ],
    ),
    ("triple-cr", "arXiv:2402.09723", &POOL_OF_30),
    (
        "triple-cr",
        "arXiv:2402.09723, section 4",
        &[("evaluate.rule", "'average'", "CR-A: the mean of the others less the worst")],
    ),
    ("triple-clst", "arXiv:2402.09723", &POOL_OF_30),
    (
        "triple-clst",
        "arXiv:2402.09723, section 5.1 and the authors' code",
        &[
            ("evaluate.clusters", "0", "⌈√K⌉ clusters"),
            ("evaluate.share", "0.0", "5 · C · (1 − KL) pulls go to the clusters"),
        ],
    ),
    ("triple-gse", "arXiv:2402.09723", &POOL_OF_30),
    (
        "triple-gse",
        "arXiv:2402.09723, section 5.2 and the authors' code",
        &[
            ("evaluate.features", "64", "a random projection to 64"),
            ("evaluate.max_error", "0.1", "trusted up to a squared error of 0.1"),
        ],
    ),
    (
        "bootstrap-rs",
        "the code of DSPy: bootstrap, random_search",
        &[
            ("init.1.sets", "19", "num_candidate_programs 16, and the three of seeds −3 to −1"),
            ("init.1.max_bootstrapped", "4", "max_bootstrapped_demos"),
            ("init.1.max_labeled", "16", "max_labeled_demos"),
        ],
    ),
    (
        "mipro",
        "arXiv:2406.11695 and the code of DSPy: mipro_optimizer_v2, auto = light",
        &[
            ("init.1.sets", "6", "n of light"),
            ("init.1.max_bootstrapped", "4", "max_bootstrapped_demos"),
            ("init.1.max_labeled", "4", "max_labeled_demos"),
            ("init.2.take", "6", "n of light, halved beside demonstrations"),
            ("init.2.summary_rows", "10", "view_data_batch_size"),
            ("init.2.demos", "3", "demonstrations for the proposer"),
            ("init.2.temperature", "1.0", "init_temperature"),
            ("evaluate.size", "35", "minibatch_size"),
            ("evaluate.promote_every", "5", "minibatch_full_eval_steps"),
            ("evaluate.full_below", "50", "minibatches only above 50 rows"),
            (
                "stop.when",
                "['budget', 'trials:auto', 'pool_done']",
                "max(2 · V · log₂ n, 1.5 · n) trials",
            ),
        ],
    ),
    (
        "hyperband-bo",
        "arXiv:2412.07820, section 4",
        &[
            ("evaluate.min", "10", "b_min"),
            ("evaluate.eta", "2.0", "eta"),
            ("sampler.acquisition", "'ei'", "expected improvement"),
            ("init.1.take", "5", "5 instructions; deviation: beside the baseline's"),
            ("init.2.sets", "50", "50 tuples of examples; deviation: drawn apart"),
        ],
    ),
];

/// A value in a table by a path such as `operator.0.weight`.
fn value_at<'a>(table: &'a toml::Value, path: &str) -> Option<&'a toml::Value> {
    path.split('.').try_fold(table, |here, step| match here {
        toml::Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        inner => inner.get(step),
    })
}

#[test]
fn every_recipe_has_the_published_numbers() {
    let mut wrong = Vec::new();
    for (name, source, rows) in [POPULATIONS, CHAINS, BEAMS, POOLS].concat() {
        let recipe = load(name, &[]).unwrap();
        let table: toml::Table = toml::from_str(&effective_table(&recipe)).unwrap();
        let table = toml::Value::Table(table);
        for (path, value, what) in rows {
            let wanted: toml::Table = toml::from_str(&format!("v = {value}")).unwrap();
            let found = value_at(&table, path);
            if found != wanted.get("v") {
                wrong.push(format!("{name}: {path} is {found:?}, not {value} ({what}; {source})"));
            }
            // The key is one that `--set` knows, and to set it to the published value is no change.
            let set = load(name, &[format!("{path}={value}")]);
            if set.ok().as_ref() != Some(&recipe) {
                wrong.push(format!("{name}: `--set {path}={value}` changes the recipe"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
