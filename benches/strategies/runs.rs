//! Makes the runs: a strategy on a world with a seed and a budget, in process.

use crate::options::{Latencies, Options, TASKS};
use crate::timed::TimedLlm;
use crate::worlds;
use promptsearch::caps::Caps;
use promptsearch::recipe::{self, Recipe};
use promptsearch::run::{self, Control, Settings};
use promptsearch::seed::Seed;
use promptsearch::sim::world::{World, WorldParameters};
use promptsearch::sim::{SimLlm, true_quality, world_of};
use promptsearch::task::Task;
use rayon::prelude::*;
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A strategy with its name in the tables.
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) recipe: Recipe,
    /// Answers take virtual time where this is given.
    pub(crate) timing: Option<Timing>,
}

/// How long answers take, and how many requests may be out.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) latencies: Latencies,
    pub(crate) slots: usize,
}

/// A world to search on.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) task: Arc<Task>,
    parameters: WorldParameters,
    /// A prompt with all rules, if the world has one.
    ideal: Option<String>,
}

/// All results.
#[derive(Serialize)]
pub(crate) struct Results {
    /// Marks the figures as simulated.
    pub(crate) models: String,
    pub(crate) strategies: Vec<String>,
    pub(crate) worlds: Vec<WorldFigures>,
    pub(crate) runs: Vec<Run>,
}

/// Qualities of a world without a search.
#[derive(Serialize)]
pub(crate) struct WorldFigures {
    pub(crate) name: String,
    /// Mean true quality of the baseline over the model seeds.
    pub(crate) baseline_quality: f64,
    /// Mean true quality of a prompt that states every rule in few words.
    pub(crate) ideal_quality: Option<f64>,
}

/// The result of one run.
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

/// The end of a run.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    Found(Found),
    Error(String),
}

/// The returned prompt and its cost.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Found {
    pub(crate) quality: f64,
    pub(crate) calls: u64,
    pub(crate) usd: f64,
    pub(crate) prompt_tokens: u64,
    /// Calls to the mutator.
    pub(crate) mutator_calls: u64,
    /// Virtual seconds of the run, and of all its requests together.
    pub(crate) wall: f64,
    pub(crate) busy: f64,
}

/// The recipes of the strategies; `--set` changes the first one.
pub(crate) fn contestants(options: &Options) -> Result<Vec<Contestant>, String> {
    let strategies = options.strategies.iter().enumerate();
    strategies
        .map(|(place, name)| {
            let changed = place == 0 && !options.sets.is_empty();
            let sets: &[String] = if changed { &options.sets } else { &[] };
            let recipe = recipe::load(name, sets).map_err(|error| error.to_string())?;
            let name = if changed { format!("{name}, changed") } else { name.clone() };
            Ok(Contestant { name, recipe, timing: None })
        })
        .collect()
}

/// The tasks of the worlds; simulated ones are written to a folder.
pub(crate) fn subjects(options: &Options, folder: &Path) -> Result<Vec<Subject>, String> {
    let load = |path: &Path| Task::load(path).map_err(|error| error.to_string());
    options
        .worlds
        .iter()
        .map(|name| {
            let (path, parameters, ideal) = match worlds::named(name) {
                Some(world) if !TASKS.contains(&name.as_str()) => {
                    let path = folder.join(name.replace('/', "-"));
                    world.write(&path).map_err(|error| error.to_string())?;
                    (path, world.parameters(), Some(world.ideal_system()))
                }
                _ => {
                    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks");
                    (tasks.join(name), WorldParameters::default(), None)
                }
            };
            Ok(Subject { name: name.clone(), task: Arc::new(load(&path)?), parameters, ideal })
        })
        .collect()
}

/// A world of one model seed, shared by its runs and freed after the last of them.
struct Shared {
    world: Mutex<Option<Arc<World>>>,
    left: AtomicUsize,
}

impl Shared {
    fn take(&self, subject: &Subject, seed: u64) -> Arc<World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(world_of(&subject.task, seed, subject.parameters));
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

/// Makes all runs, one per core at a time.
///
/// rayon distributes the jobs, and each of them runs on a separate thread: a search waits for rayon
/// inside its runtime, and a waiting worker may start another job, whose runtime could not start
/// inside the first.
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
        let end = end_of(subject, &contestants[job.strategy], &world, job);
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
    let on_own_thread = |job: &Job| {
        std::thread::scope(|scope| {
            scope.spawn(|| work(job));
        });
    };
    jobs.par_iter().with_max_len(1).for_each(on_own_thread);
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
    let (mut baseline_quality, mut ideal_quality) = (0.0, 0.0);
    for seed in options.first..options.first + options.seeds {
        let world = world_of(&subject.task, seed, subject.parameters);
        baseline_quality += true_quality(&world, &subject.task, &subject.task.baseline);
        if let Some(ideal) = &subject.ideal {
            let prompt = subject.task.baseline.with_part("system", ideal);
            ideal_quality += true_quality(&world, &subject.task, &prompt);
        }
    }
    let count = options.seeds as f64;
    WorldFigures {
        name: subject.name.clone(),
        baseline_quality: baseline_quality / count,
        ideal_quality: subject.ideal.is_some().then_some(ideal_quality / count),
    }
}

fn end_of(subject: &Subject, contestant: &Contestant, world: &Arc<World>, job: &Job) -> End {
    // A panic must not stop the other runs.
    let end = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // A run in memory waits for timers alone, so its time may go on as fast as it computes.
            .start_paused(contestant.timing.is_some())
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(search(subject, contestant, world, job))
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
    contestant: &Contestant,
    world: &Arc<World>,
    job: &Job,
) -> Result<Found, String> {
    let (task, timing) = (&subject.task, contestant.timing);
    let caps = Caps { calls: Some(job.budget), ..Caps::default() };
    let concurrency = timing.map(|timing| timing.slots);
    let settings = Settings {
        seed: Some(Seed(job.seed)),
        caps: Some(caps),
        concurrency,
        ..Settings::default()
    };
    let latencies = timing.map(|timing| timing.latencies);
    let llm = Arc::new(TimedLlm::new(SimLlm::new(Arc::clone(world)), latencies));
    let run = run::Run::in_memory(Arc::clone(task), &contestant.recipe, settings);
    let mut run = run.map_err(|error| error.to_string())?.with_model("sim", llm.clone());
    let begun = tokio::time::Instant::now();
    let ended = run.search(Vec::new(), &Control::new()).await;
    let wall = begun.elapsed().as_secs_f64();
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
        mutator_calls: wallet.proposals(),
        wall,
        busy: llm.busy(),
    })
}

/// Prints the progress from time to time.
struct Progress {
    begun: Instant,
    runs: usize,
    calls: u64,
    /// Finished runs and calls, and the time of the last print.
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
            // Time is proportional to calls rather than to runs.
            let left = self.begun.elapsed().as_secs_f64() * (self.calls - done.1) as f64
                / done.1.max(1) as f64;
            eprintln!("{} of {} runs, {left:.0} s left", done.0, self.runs);
        }
    }
}
