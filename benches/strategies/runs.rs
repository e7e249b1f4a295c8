//! Every run: a strategy on a world with a seed and a budget, in process.

use crate::options::{Options, TASKS};
use promptsearch::budget::Caps;
use promptsearch::llm::sim::world::{Temper, World};
use promptsearch::llm::sim::worlds;
use promptsearch::llm::sim::{SimLlm, true_quality, world_of};
use promptsearch::recipe::{self, Recipe};
use promptsearch::run::{self, Control, Settings};
use promptsearch::seed::Seed;
use promptsearch::task::Task;
use rayon::prelude::*;
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs at the same time for each core: most of a run's time is spent waiting for its journal, which
/// gathers what is said within two milliseconds.
const RUNS_PER_CORE: usize = 4;

/// A strategy under the name by which the tables know it.
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) recipe: Recipe,
}

/// What is searched on.
pub(crate) struct Subject {
    pub(crate) name: String,
    task: Arc<Task>,
    temper: Temper,
    /// A prompt with all rules, where the world knows one.
    ideal: Option<String>,
}

/// What came of everything.
#[derive(Serialize)]
pub(crate) struct Results {
    /// So that no figure is taken for one of real models.
    pub(crate) models: String,
    pub(crate) strategies: Vec<String>,
    pub(crate) worlds: Vec<WorldFigures>,
    pub(crate) runs: Vec<Run>,
}

/// What a world would give for prompts that nobody has searched for.
#[derive(Serialize)]
pub(crate) struct WorldFigures {
    pub(crate) name: String,
    /// Mean true quality of the seed prompt over the model seeds.
    pub(crate) seed_quality: f64,
    /// The same of a prompt that states every rule in few words.
    pub(crate) ideal_quality: Option<f64>,
}

/// What came of one run.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) strategy: usize,
    pub(crate) world: usize,
    pub(crate) seed: u64,
    pub(crate) budget: u64,
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) end: End,
}

/// How it ended.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    Found(Found),
    Error(String),
}

/// The prompt that was returned, and what it took.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Found {
    pub(crate) quality: f64,
    pub(crate) calls: u64,
    pub(crate) usd: f64,
    pub(crate) prompt_tokens: u64,
}

/// The recipes of the strategies, the first one with what `--set` changes.
pub(crate) fn contestants(options: &Options) -> Result<Vec<Contestant>, String> {
    let strategies = options.strategies.iter().enumerate();
    strategies
        .map(|(place, name)| {
            let changed = place == 0 && !options.sets.is_empty();
            let sets: &[String] = if changed { &options.sets } else { &[] };
            let recipe = recipe::load(name, sets).map_err(|error| error.to_string())?;
            let name = if changed { format!("{name}, changed") } else { name.clone() };
            Ok(Contestant { name, recipe })
        })
        .collect()
}

/// The tasks of the worlds, written into a folder where they are simulated.
pub(crate) fn subjects(options: &Options, folder: &Path) -> Result<Vec<Subject>, String> {
    let load = |path: &Path| Task::load(path).map_err(|error| error.to_string());
    options
        .worlds
        .iter()
        .map(|name| {
            let (path, temper, ideal) = match worlds::named(name) {
                Some(world) if !TASKS.contains(&name.as_str()) => {
                    let path = folder.join(name.replace('/', "-"));
                    world.write(&path).map_err(|error| error.to_string())?;
                    (path, world.temper(), Some(world.ideal_system()))
                }
                _ => {
                    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks");
                    (tasks.join(name), Temper::default(), None)
                }
            };
            Ok(Subject { name: name.clone(), task: Arc::new(load(&path)?), temper, ideal })
        })
        .collect()
}

/// A world of one model seed, shared by its runs and given back after the last of them.
struct Shared {
    world: Mutex<Option<Arc<World>>>,
    left: AtomicUsize,
}

impl Shared {
    fn take(&self, subject: &Subject, seed: u64) -> Arc<World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(world_of(&subject.task, seed, subject.temper));
        Arc::clone(world.get_or_insert_with(make))
    }

    fn give_back(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.world.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

struct Job {
    world: usize,
    seed: u64,
    budget: u64,
    strategy: usize,
}

/// Runs everything, several runs to a core.
///
/// rayon hands the jobs out, and each of them runs on a thread of its own: a search waits for rayon
/// inside of its runtime, and a worker that waits may take up another job, whose runtime could not
/// start inside of the first.
pub(crate) fn all(options: &Options, contestants: &[Contestant], subjects: &[Subject]) -> Results {
    let mut jobs = Vec::new();
    for world in 0..subjects.len() {
        for seed in options.first..options.first + options.seeds {
            for budget in options.calls.iter().copied().rev() {
                let strategies = 0..contestants.len();
                jobs.extend(strategies.map(|strategy| Job { world, seed, budget, strategy }));
            }
        }
    }
    let each = contestants.len() * options.calls.len();
    let shared: Vec<Shared> = (0..subjects.len() * options.seeds as usize)
        .map(|_| Shared { world: Mutex::new(None), left: AtomicUsize::new(each) })
        .collect();
    let shared_by = |world: usize, seed: u64| {
        &shared[world * options.seeds as usize + (seed - options.first) as usize]
    };
    let progress = Progress::new(&jobs);
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let work = |job: &Job| {
        let begun = Instant::now();
        let (subject, shared) = (&subjects[job.world], shared_by(job.world, job.seed));
        let world = shared.take(subject, job.seed);
        let end = end_of(subject, &contestants[job.strategy].recipe, &world, job);
        drop(world);
        shared.give_back();
        let run = Run {
            strategy: job.strategy,
            world: job.world,
            seed: job.seed,
            budget: job.budget,
            seconds: begun.elapsed().as_secs_f64(),
            end,
        };
        done.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        progress.show(job.budget);
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = cores * RUNS_PER_CORE;
    let on_own_thread = |job: &Job| {
        std::thread::scope(|scope| {
            scope.spawn(|| work(job));
        });
    };
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| jobs.par_iter().with_max_len(1).for_each(on_own_thread)),
        Err(_) => jobs.iter().for_each(on_own_thread),
    }
    let mut runs = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    runs.sort_by_key(|run| (run.budget, run.strategy, run.world, run.seed));
    Results {
        models: options.models(),
        strategies: contestants.iter().map(|it| it.name.clone()).collect(),
        worlds: subjects.iter().map(|subject| figures_of(options, subject)).collect(),
        runs,
    }
}

fn figures_of(options: &Options, subject: &Subject) -> WorldFigures {
    let (mut seed_quality, mut ideal_quality) = (0.0, 0.0);
    for seed in options.first..options.first + options.seeds {
        let world = world_of(&subject.task, seed, subject.temper);
        seed_quality += true_quality(&world, &subject.task, &subject.task.seed);
        if let Some(ideal) = &subject.ideal {
            let prompt = subject.task.seed.with_part("system", ideal);
            ideal_quality += true_quality(&world, &subject.task, &prompt);
        }
    }
    let count = options.seeds as f64;
    WorldFigures {
        name: subject.name.clone(),
        seed_quality: seed_quality / count,
        ideal_quality: subject.ideal.is_some().then_some(ideal_quality / count),
    }
}

fn end_of(subject: &Subject, recipe: &Recipe, world: &Arc<World>, job: &Job) -> End {
    // A panic is a bug to be fixed, but not one that costs the other runs.
    let end = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(search(subject, recipe, world, job))
    }));
    match end {
        Ok(Ok(found)) => End::Found(found),
        Ok(Err(message)) => End::Error(message),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            End::Error(format!("panic: {}", text.unwrap_or("without a message")))
        }
    }
}

async fn search(
    subject: &Subject,
    recipe: &Recipe,
    world: &Arc<World>,
    job: &Job,
) -> Result<Found, String> {
    let task = &subject.task;
    let caps = Caps { calls: Some(job.budget), ..Caps::default() };
    let settings = Settings { seed: Seed(job.seed), caps: Some(caps), concurrency: None };
    let llm = Arc::new(SimLlm::new(Arc::clone(world)));
    let run = run::Run::in_memory(Arc::clone(task), recipe, settings);
    let mut run = run.map_err(|error| error.to_string())?.with_model("sim", llm);
    let ended = run.search(Vec::new(), &Control::new()).await;
    let ended = ended.map_err(|error| error.to_string())?;
    let state = &ended.state;
    let (winner, ..) = state.winner.ok_or("it returned no prompt")?;
    let prompt = &state.standing(winner).candidate.prompt;
    let wallet = &ended.wallet;
    Ok(Found {
        quality: true_quality(world, task, prompt),
        calls: wallet.calls(),
        usd: wallet.spent().usd.dollars(),
        prompt_tokens: (task.layout.bytes_without_row(prompt) / 4) as u64,
    })
}

/// Says now and then how far everything is.
struct Progress {
    begun: Instant,
    runs: usize,
    calls: u64,
    /// Runs and calls that are done, and when that was last said.
    done: Mutex<(usize, u64, Instant)>,
}

impl Progress {
    fn new(jobs: &[Job]) -> Self {
        let begun = Instant::now();
        let calls = jobs.iter().map(|job| job.budget).sum();
        Self { begun, runs: jobs.len(), calls, done: Mutex::new((0, 0, begun)) }
    }

    fn show(&self, calls: u64) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.0 += 1;
        done.1 += calls;
        if done.2.elapsed() >= Duration::from_secs(2) || done.0 == self.runs {
            done.2 = Instant::now();
            // Time goes with calls rather than with runs.
            let left = self.begun.elapsed().as_secs_f64() * (self.calls - done.1) as f64
                / done.1.max(1) as f64;
            eprintln!("{} of {} runs, {left:.0} s left", done.0, self.runs);
        }
    }
}
