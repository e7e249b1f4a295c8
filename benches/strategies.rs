//! Strategies side by side on the shipped tasks: the true quality (by the oracle of the simulated
//! models, which no search may ask) of the prompt that each returns at the same number of calls.
//!
//! `cargo bench --bench strategies -- [--calls 4000] [--seeds 5] [--strategies auto,gepa,random]
//! [--model-seed 1] [--set evaluate.below=0.3]` (`--set` changes the first strategy)

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use promptsearch::budget::{Caps, Wallet};
use promptsearch::clock::Clock;
use promptsearch::evaluate::Evaluator;
use promptsearch::event::Event;
use promptsearch::journal::Journal;
use promptsearch::llm::call::{Caller, Line};
use promptsearch::llm::sim::{MODEL_SEED, SimLlm, true_quality, world_of};
use promptsearch::llm::throttle::Throttle;
use promptsearch::prompt::Prompt;
use promptsearch::recipe;
use promptsearch::search::Search;
use promptsearch::seed::Seed;
use promptsearch::strategy::{Composed, Searched, State};
use promptsearch::task::Task;
use promptsearch::task::model::ModelRole;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const TASKS: [&str; 3] = ["ticket-routing", "invoice-extraction", "unit-math"];

struct Options {
    calls: u64,
    seeds: u64,
    model_seed: u64,
    strategies: Vec<String>,
    sets: Vec<String>,
}

fn options() -> Options {
    let mut options = Options {
        calls: 4_000,
        seeds: 5,
        model_seed: MODEL_SEED,
        strategies: ["auto", "gepa", "random"].map(str::to_owned).to_vec(),
        sets: Vec::new(),
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.windows(2) {
        match pair[0].as_str() {
            "--calls" => options.calls = pair[1].parse().expect("a number"),
            "--seeds" => options.seeds = pair[1].parse().expect("a number"),
            "--model-seed" => options.model_seed = pair[1].parse().expect("a number"),
            "--strategies" => {
                options.strategies = pair[1].split(',').map(str::to_owned).collect();
            }
            "--set" => options.sets.push(pair[1].clone()),
            _ => {}
        }
    }
    options
}

/// The winner of one run, its confirmation, and its dollars.
struct Run {
    quality: f64,
    prompt_tokens: u64,
    usd: f64,
    calls: u64,
}

async fn run(
    task: &Arc<Task>,
    llm: &SimLlm,
    strategy: &str,
    sets: &[String],
    seed: u64,
    calls: u64,
) -> (Prompt, u64, f64, u64) {
    let recipe = recipe::load(strategy, sets).expect("a strategy");
    let caps = Caps { calls: Some(calls), ..Caps::default() };
    let journal = Arc::new(Journal::<Event>::in_memory().expect("a journal"));
    let models = [ModelRole::Task, ModelRole::Mutator]
        .into_iter()
        .filter_map(|role| Some((role, task.model(role)?.clone())))
        .collect();
    let line = Line { llm: Arc::new(llm.clone()), throttle: Throttle::new(16, None) };
    let caller = Arc::new(Caller::new(
        BTreeMap::from([("sim".to_owned(), line)]),
        models,
        Arc::clone(&journal),
        Wallet::new(caps),
        16,
        Duration::ZERO,
        Seed(seed),
    ));
    let train = u32::try_from(task.splits.train.len()).expect("rows");
    let dev = u32::try_from(task.splits.dev.len()).expect("rows");
    let composed = Composed::new(
        recipe.clone(),
        task.goal,
        train,
        Searched::of(&task.layout),
        Seed(seed).child("strategy", 0),
    );
    let (_cancel, cancelled) = watch::channel(false);
    let mut search = Search::new(
        Arc::clone(task),
        recipe,
        Box::new(composed),
        caps,
        Seed(seed),
        State::new(dev),
        journal,
        Arc::clone(&caller),
        Arc::new(Evaluator::new(Arc::clone(task), &[])),
        Clock::System,
        cancelled,
    );
    search.run().await.expect("a run");
    let state = search.state();
    let (winner, ..) = state.winner.expect("a winner");
    let prompt = state.standing(winner).candidate.prompt.clone();
    let tokens = (task.layout.bytes_without_row(&prompt) / 4) as u64;
    let wallet = caller.wallet();
    (prompt, tokens, wallet.spent().usd.dollars(), wallet.calls())
}

fn main() {
    let options = options();
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!(
        "true quality of the returned prompt, {} calls, {} seeds, simulated models (model seed {})",
        options.calls, options.seeds, options.model_seed
    );
    for name in TASKS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks").join(name);
        let task = Arc::new(Task::load(&folder).expect("a task"));
        let world = Arc::new(world_of(&task, options.model_seed));
        let llm = SimLlm::new(Arc::clone(&world));
        println!("\n{name}: seed prompt {:.3}", true_quality(&world, &task, &task.seed));
        let mut first: Option<Vec<f64>> = None;
        for strategy in &options.strategies {
            let sets: &[String] = if first.is_none() { &options.sets } else { &[] };
            let runs: Vec<Run> = (1..=options.seeds)
                .map(|seed| {
                    let (prompt, prompt_tokens, usd, calls) =
                        runtime.block_on(run(&task, &llm, strategy, sets, seed, options.calls));
                    Run { quality: true_quality(&world, &task, &prompt), prompt_tokens, usd, calls }
                })
                .collect();
            let qualities: Vec<f64> = runs.iter().map(|run| run.quality).collect();
            let count = runs.len() as f64;
            let mean = qualities.iter().sum::<f64>() / count;
            let tokens = runs.iter().map(|run| run.prompt_tokens).sum::<u64>() as f64 / count;
            let usd = runs.iter().map(|run| run.usd).sum::<f64>() / count;
            let calls = runs.iter().map(|run| run.calls).sum::<u64>() as f64 / count;
            let behind = first.as_ref().map(|first| {
                let differences: Vec<f64> =
                    first.iter().zip(&qualities).map(|(first, other)| first - other).collect();
                t_interval(&differences)
            });
            let behind = behind.map_or(String::new(), |(mean, low, high)| {
                format!("  {} ahead by {mean:+.3} ({low:+.3} to {high:+.3})", options.strategies[0])
            });
            let each: Vec<String> = qualities.iter().map(|q| format!("{q:.3}")).collect();
            println!(
                "  {strategy:<12} {mean:.3}  [{}]  {tokens:.0} prompt tokens, ${usd:.3}, {calls:.0} calls{behind}",
                each.join(" ")
            );
            first.get_or_insert(qualities);
        }
    }
}

/// The mean of a few paired differences with its 95 % Student interval.
fn t_interval(differences: &[f64]) -> (f64, f64, f64) {
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    // Quantiles 0.975 of Student's t for 1, 2, … 9 degrees of freedom, then the normal one.
    let quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
    let t = quantiles.get(differences.len().saturating_sub(2)).copied().unwrap_or(1.96);
    let half = t * (variance / n).sqrt();
    (mean, mean - half, mean + half)
}
