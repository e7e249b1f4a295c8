//! Makes the runs: a recipe on a split of a recorded file, with a seed and a budget, in process.

use crate::options::{Budget, Options};
use crate::subjects::{PROVIDER, Subject};
use promptsearch::caps::Caps;
use promptsearch::event::{Event, ProposalOutcome};
use promptsearch::recipe::{self, Recipe};
use promptsearch::run::{self, Control, Settings};
use promptsearch::seed::Seed;
use promptsearch::sim::replay::{RecordedWorld, Replay};
use promptsearch::task::example::Split as SplitName;
use promptsearch::units::Usd;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A recipe with its name in the tables.
pub(crate) struct Contestant {
    pub(crate) name: String,
    recipe: Recipe,
    /// Operators that write texts without a model, and so without recorded scores.
    pub(crate) switched_off: Vec<String>,
    /// Set once something was asked that nothing was recorded of: its other runs are not made.
    is_refused: AtomicBool,
}

/// The result of one run.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) recipe: String,
    pub(crate) budget: Budget,
    pub(crate) file: String,
    pub(crate) split: usize,
    pub(crate) seed: u64,
    pub(crate) seconds: f64,
    #[serde(skip)]
    pub(crate) contestant: usize,
    #[serde(skip)]
    pub(crate) subject: usize,
    #[serde(flatten)]
    pub(crate) end: End,
}

/// The end of a run.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    Found(Found),
    /// Requests without a recorded reply.
    Refused(u64),
    Error(String),
}

/// The returned prompt and what it cost to find.
#[derive(Clone, Serialize)]
pub(crate) struct Found {
    pub(crate) prompt: String,
    /// The shares of right answers.
    pub(crate) unseen: f64,
    pub(crate) baseline: f64,
    /// All dollars, and those of answers to rows of train.
    pub(crate) usd: f64,
    pub(crate) train_usd: f64,
    pub(crate) calls: u64,
    pub(crate) train_calls: u64,
    pub(crate) mutator_calls: u64,
    /// The fewest and the most proposals that `plan` promises for it.
    pub(crate) planned: [u64; 2],
    /// Replies that were children of the parent, of another prompt, the parent itself.
    pub(crate) given: [u64; 3],
    /// What became of its proposals: `tried`, or why they were refused.
    pub(crate) fates: BTreeMap<String, Fate>,
    pub(crate) prompt_tokens: u64,
    pub(crate) usd_per_1k: f64,
    /// Its gain over the baseline as the run shows it on dev, and shrunken.
    pub(crate) dev_gain: Option<f64>,
    pub(crate) shrunken_dev: Option<f64>,
}

/// Proposals of the same fate: how many, and the sums of their accuracies on the unseen rows and of
/// their tokens.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Fate {
    pub(crate) count: u64,
    pub(crate) accuracy: f64,
    pub(crate) tokens: f64,
}

impl Found {
    /// Proposals that were refused.
    pub(crate) fn rejected(&self) -> u64 {
        self.fates.iter().filter(|(fate, _)| *fate != "tried").map(|(_, it)| it.count).sum()
    }
}

/// The recipes; `--set` changes the first one.
pub(crate) fn contestants(options: &Options) -> Result<Vec<Contestant>, String> {
    let mut names = options.recipes.clone();
    if !names.contains(&options.reference) {
        names.push(options.reference.clone());
    }
    let contestant = |(place, name): (usize, String)| {
        let changed = place == 0 && !options.sets.is_empty();
        let sets: &[String] = if changed { &options.sets } else { &[] };
        let mut recipe = recipe::load(&name, sets).map_err(|error| error.to_string())?;
        let mut switched_off = Vec::new();
        for slots in std::iter::once(&mut recipe.slots).chain(&mut recipe.phase) {
            slots.operator.retain(|operator| {
                if !operator.asks_mutator() {
                    switched_off.push(operator.kind().to_owned());
                }
                operator.asks_mutator()
            });
        }
        switched_off.sort();
        switched_off.dedup();
        let name = if changed { format!("{name}, changed") } else { name };
        Ok(Contestant { name, recipe, switched_off, is_refused: AtomicBool::new(false) })
    };
    names.into_iter().enumerate().map(contestant).collect()
}

struct Job {
    contestant: usize,
    subject: usize,
    split: usize,
    seed: u64,
    budget: Budget,
}

/// Makes all runs, one per core at a time.
///
/// rayon distributes the jobs, and each of them runs on a separate thread: a search waits for rayon
/// inside its runtime, and a waiting worker may start another job, whose runtime could not start
/// inside the first.
pub(crate) fn all(options: &Options, contestants: &[Contestant], subjects: &[Subject]) -> Vec<Run> {
    let mut jobs = Vec::new();
    for split in 0..options.splits as usize {
        for seed in 1..=options.seeds {
            for budget in options.budgets.iter().copied() {
                for subject in 0..subjects.len() {
                    let each = 0..contestants.len();
                    let job = |contestant| Job { contestant, subject, split, seed, budget };
                    jobs.extend(each.map(job));
                }
            }
        }
    }
    let progress = Progress::new(jobs.len());
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let work = |job: &Job| {
        let begun = Instant::now();
        let (contestant, subject) = (&contestants[job.contestant], &subjects[job.subject]);
        if !contestant.is_refused.load(Ordering::Relaxed) {
            let end = end_of(options, contestant, subject, job);
            if matches!(end, End::Refused(_)) {
                contestant.is_refused.store(true, Ordering::Relaxed);
            }
            let run = Run {
                recipe: contestant.name.clone(),
                budget: job.budget,
                file: subject.world.name.clone(),
                split: job.split,
                seed: job.seed,
                seconds: begun.elapsed().as_secs_f64(),
                contestant: job.contestant,
                subject: job.subject,
                end,
            };
            done.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        }
        progress.show();
    };
    let on_own_thread = |job: &Job| {
        std::thread::scope(|scope| {
            scope.spawn(|| work(job));
        });
    };
    jobs.par_iter().with_max_len(1).for_each(on_own_thread);
    let mut runs = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let place = |budget| options.budgets.iter().position(|it| *it == budget);
    runs.sort_by_key(|run| (place(run.budget), run.contestant, run.subject, run.split, run.seed));
    runs
}

fn end_of(options: &Options, contestant: &Contestant, subject: &Subject, job: &Job) -> End {
    // A panic must not stop the other runs.
    let end = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(search(options, contestant, subject, job))
    }));
    match end {
        Ok(Ok(end)) => end,
        Ok(Err(message)) => End::Error(message),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            End::Error(format!("panic: {}", text.unwrap_or("without a message")))
        }
    }
}

async fn search(
    options: &Options,
    contestant: &Contestant,
    subject: &Subject,
    job: &Job,
) -> Result<End, String> {
    let (world, split) = (&subject.world, &subject.splits[job.split]);
    let (recipe, _) =
        run::fitted(&contestant.recipe, &split.task).map_err(|error| error.to_string())?;
    let mut replay = Replay::new(Arc::clone(world), job.seed);
    if options.free_evidence {
        replay = replay.with_free_rows(split.train.iter().map(|row| world.rows[*row].id.clone()));
    }
    let replay = Arc::new(replay);
    let caps = match job.budget {
        Budget::Calls(calls) => Caps { calls: Some(calls), ..Caps::default() },
        Budget::Usd(usd) => Caps { usd: Usd::from_dollars(usd), ..Caps::default() },
    };
    let planned = run::estimate(&split.task, &recipe, caps, &run::KnownUsage::default());
    // The mutator gives its children in the order of the requests, which is theirs at 1 alone.
    let settings = Settings {
        seed: Some(Seed(job.seed)),
        caps: Some(caps),
        concurrency: Some(1),
        ..Settings::default()
    };
    let run = run::Run::in_memory(Arc::clone(&split.task), &recipe, settings);
    let mut run = run.map_err(|error| error.to_string())?.with_model(PROVIDER, replay.clone());
    let ended = run.search(Vec::new(), &Control::new()).await;
    let played = replay.played();
    if played.refused() > 0 {
        return Ok(End::Refused(played.refused()));
    }
    let ended = ended.map_err(|error| error.to_string())?;
    let state = &ended.state;
    let (winner, shrunken_dev, _) = state.winner.ok_or("it returned no prompt")?;
    let text = state.standing(winner).candidate.prompt.part("system").unwrap_or_default();
    let prompt = world.prompt(text).ok_or("its winner was never recorded")?;
    let told = told(&run, world, &split.unseen)?;
    let (given, summary) = (played.given, ended.summary());
    let of_dev = |it: Option<&run::Prompted>| Some(it?.dev?.mean);
    let dev_gain = of_dev(summary.best.as_ref()).zip(of_dev(summary.baseline.as_ref()));
    Ok(End::Found(Found {
        prompt: prompt.id.clone(),
        unseen: prompt.accuracy_on(split.unseen.iter().copied()),
        baseline: world.baseline().accuracy_on(split.unseen.iter().copied()),
        usd: ended.wallet.spent().usd.dollars(),
        train_usd: told.train_usd.dollars(),
        calls: ended.wallet.calls(),
        train_calls: told.train_calls,
        mutator_calls: ended.wallet.proposals(),
        planned: planned.proposals_affordable.map(Option::unwrap_or_default),
        given: [given.own, given.of_others, given.unchanged],
        fates: told.fates,
        prompt_tokens: prompt.text.len().div_ceil(4) as u64,
        usd_per_1k: split.usd_per_1k(options, world, prompt),
        dev_gain: dev_gain.map(|(best, baseline)| best - baseline),
        shrunken_dev,
    }))
}

/// What the events of a run say beyond its end.
#[derive(Default)]
struct Told {
    /// Answers to rows of train, and what they cost.
    train_calls: u64,
    train_usd: Usd,
    fates: BTreeMap<String, Fate>,
}

fn told(run: &run::Run, world: &RecordedWorld, unseen: &[usize]) -> Result<Told, String> {
    let events = run.events().map_err(|error| error.to_string())?;
    let (mut of_train, mut replies) = (BTreeSet::new(), BTreeMap::new());
    let mut told = Told::default();
    for (_, event) in &events {
        match event {
            Event::EvaluationIssued(block) if block.split == SplitName::Train => {
                let first = block.first.0;
                of_train.extend(first..first + block.rows.len() as u64);
            }
            Event::Answered(answered) if of_train.contains(&answered.call.0) => {
                told.train_usd += answered.usd;
                told.train_calls += 1;
            }
            Event::Answered(answered) => {
                replies.insert(answered.call, answered.text.as_str());
            }
            Event::ProposalFolded { call, outcome } => {
                let fate = match outcome {
                    ProposalOutcome::Added { .. } => "tried".to_owned(),
                    ProposalOutcome::Rejected { reason, .. } => reason.to_string(),
                    _ => continue,
                };
                let text = replies.get(call).copied().unwrap_or_default();
                let text = text.split_once('>').map_or(text, |(_, after)| after);
                let text = text.rsplit_once("</").map_or(text, |(before, _)| before);
                if let Some(prompt) = world.prompt(text) {
                    let fate = told.fates.entry(fate).or_default();
                    fate.count += 1;
                    fate.accuracy += prompt.accuracy_on(unseen.iter().copied());
                    fate.tokens += prompt.text.len() as f64 / 4.0;
                }
            }
            _ => {}
        }
    }
    Ok(told)
}

/// Prints the progress from time to time.
struct Progress {
    begun: Instant,
    runs: usize,
    /// Finished runs, and the time of the last print.
    done: Mutex<(usize, Instant)>,
}

impl Progress {
    fn new(runs: usize) -> Self {
        let begun = Instant::now();
        Self { begun, runs, done: Mutex::new((0, begun)) }
    }

    fn show(&self) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.0 += 1;
        if done.1.elapsed() >= Duration::from_secs(5) {
            done.1 = Instant::now();
            let each = self.begun.elapsed().as_secs_f64() / done.0 as f64;
            let left = each * (self.runs - done.0) as f64;
            eprintln!("{} of {} runs, {left:.0} s left", done.0, self.runs);
        }
    }
}
