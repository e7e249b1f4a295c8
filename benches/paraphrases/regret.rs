//! The regret of each strategy for a number of calls.

use crate::contestants::{Contestant, Size, Texts};
use crate::data::Task;
use crate::options::Options;
use crate::play::{Pool, play};
use crate::table::{Table, interval};
use promptsearch::recipe;
use promptsearch::seed::Seed;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One contestant on one task and model with one budget, over all seeds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Result1 {
    /// The contestant's name.
    pub(crate) contestant: &'static str,
    /// The task.
    pub(crate) task: String,
    /// The model.
    pub(crate) model: String,
    /// Mean number of calls per arm.
    pub(crate) pulls: usize,
    /// Best accuracy minus that of the returned prompt, in points, for each seed.
    pub(crate) regret: Vec<f64>,
    /// The used share of the budget, for each seed.
    pub(crate) used: Vec<f64>,
    /// Number of arms that were not dropped, for each seed.
    pub(crate) left: Vec<f64>,
}

struct Job<'a> {
    contestant: &'a Contestant,
    task: &'a Task,
    model: usize,
    pulls: usize,
}

/// Runs all contestants on all tasks and models.
pub(crate) fn all(
    options: &Options,
    tasks: &[Task],
    contestants: &[Contestant],
) -> Result<Vec<Result1>, String> {
    let mut jobs = Vec::new();
    for contestant in contestants {
        for &pulls in &options.pulls {
            for task in tasks {
                let of_task =
                    (0..task.models.len()).map(|model| Job { contestant, task, model, pulls });
                jobs.extend(of_task);
            }
        }
    }
    let done = AtomicUsize::new(0);
    let begun = std::time::Instant::now();
    jobs.par_iter()
        .map(|job| {
            let result = run(options, job);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(200) {
                let seconds = begun.elapsed().as_secs();
                eprintln!("{done} of {} after {seconds} s: {}", jobs.len(), job.contestant.name);
            }
            result
        })
        .collect()
}

fn run(options: &Options, job: &Job<'_>) -> Result<Result1, String> {
    let arms = job.task.prompts.len().min(options.arms);
    let sets = job.contestant.sets(Size { arms, pulls: job.pulls });
    let recipe = recipe::load(job.contestant.recipe, &sets)
        .map_err(|error| format!("{}: {error}", job.contestant.name))?;
    let (model, accuracies) = &job.task.models[job.model];
    let budget = (arms * job.pulls) as u64;
    let (mut regret, mut used, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for number in options.first..options.first + options.seeds {
        // The same answers and the same order of arms for all contestants and budgets.
        let of_task = Seed(number).child(&job.task.name, 0);
        let seed = of_task.child(model, 0);
        let pool = pool(job.task, accuracies, job.contestant.texts, arms, seed);
        let best = pool.accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let played = play(&recipe, &pool, budget, seed);
        regret.push(100.0 * (best - pool.accuracies[played.arm]));
        used.push(played.calls as f64 / budget as f64);
        left.push(played.left as f64);
    }
    Ok(Result1 {
        contestant: job.contestant.name,
        task: job.task.name.clone(),
        model: model.clone(),
        pulls: job.pulls,
        regret,
        used,
        left,
    })
}

/// The arms in random order after the task's own prompt.
fn pool(task: &Task, accuracies: &[f64], texts: Texts, arms: usize, seed: Seed) -> Pool {
    let mut numbers: Vec<usize> = (1..task.prompts.len()).collect();
    numbers.shuffle(&mut seed.child("order", 0).rng());
    numbers.insert(0, 0);
    numbers.truncate(arms);
    let mut shown = numbers.clone();
    if texts == Texts::Shuffled {
        shown.shuffle(&mut seed.child("texts", 0).rng());
    }
    let text = |place: usize| match texts {
        Texts::Telling => telling(accuracies[numbers[place]], place),
        Texts::Real | Texts::Shuffled => task.prompts[shown[place]].clone(),
    };
    let texts = (0..numbers.len()).map(text).collect();
    let accuracies = numbers.iter().map(|number| accuracies[*number]).collect();
    Pool { texts, accuracies, numbers }
}

/// One word per two points of accuracy, and a unique word.
fn telling(accuracy: f64, place: usize) -> String {
    let steps = (accuracy * 50.0).round() as u64;
    let mut words: Vec<String> = (0..50)
        .map(|step| {
            let is_passed = if step < steps { "above" } else { "below" };
            format!("{is_passed}{}", Seed(step).child("word", 0).0)
        })
        .collect();
    words.push(format!("own{}", Seed(place as u64).child("own", 0).0));
    words.join(" ")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The means over seeds, one for each task and model, in a fixed order.
fn means(
    results: &[Result1],
    contestant: &str,
    pulls: usize,
    of: impl Fn(&Result1) -> f64,
) -> Vec<f64> {
    let mine = results.iter().filter(|r| r.contestant == contestant && r.pulls == pulls);
    mine.map(of).collect()
}

/// Tables of regret, regret relative to sequential halving, and the used share of the budget.
pub(crate) fn tables(
    options: &Options,
    contestants: &[Contestant],
    results: &[Result1],
) -> Vec<Table> {
    let regret = |name: &str, pulls| means(results, name, pulls, |r| mean(&r.regret));
    let heads: Vec<String> = std::iter::once("strategy".to_owned())
        .chain(options.pulls.iter().map(|pulls| format!("{pulls} a prompt")))
        .collect();
    let table = |title: &str, cell: &dyn Fn(&Contestant, usize) -> String| Table {
        title: title.to_owned(),
        heads: heads.clone(),
        rows: contestants
            .iter()
            .map(|contestant| {
                let cells = options.pulls.iter().map(|pulls| cell(contestant, *pulls));
                std::iter::once(contestant.name.to_owned()).chain(cells).collect()
            })
            .collect(),
    };
    let mut tables = vec![table(
        "Regret of the returned prompt, in points (best measured accuracy minus its own), by calls per \
         prompt",
        &|contestant, pulls| interval(&regret(contestant.name, pulls), 2),
    )];
    let reference = "triple-sh";
    if contestants.iter().any(|contestant| contestant.name == reference) {
        tables.push(table(
            "Regret minus that of triple-sh on the same answers: below 0 is better",
            &|contestant, pulls| {
                let theirs = regret(reference, pulls);
                let mine = regret(contestant.name, pulls);
                let apart: Vec<f64> = mine.iter().zip(theirs).map(|(a, b)| a - b).collect();
                if contestant.name == reference { "0".to_owned() } else { interval(&apart, 2) }
            },
        ));
    }
    tables.push(table("Used share of the budget, in %", &|contestant, pulls| {
        let used = means(results, contestant.name, pulls, |r| mean(&r.used));
        format!("{:.0}", 100.0 * mean(&used))
    }));
    tables.push(table("Prompts that are not dropped before the end", &|contestant, pulls| {
        let left = means(results, contestant.name, pulls, |r| mean(&r.left));
        format!("{:.0}", mean(&left))
    }));
    tables
}

/// Every result.
pub(crate) fn as_json(results: &[Result1]) -> serde_json::Value {
    serde_json::to_value(results).unwrap_or_default()
}
