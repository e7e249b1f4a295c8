//! The recorded files as tasks: rows to train on, rows to select by, and rows to measure by.

use crate::options::Options;
use promptsearch::seed::Seed;
use promptsearch::sim::replay::{RecordedPrompt, RecordedWorld};
use promptsearch::sim::{CLERK, EDITOR};
use promptsearch::task::Task;
use promptsearch::task::model::{ModelName, ModelRole, ModelSpec, Provider};
use promptsearch::task::scorer::ScoreTable;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use std::sync::Arc;

/// The name of the provider in the tasks.
pub(crate) const PROVIDER: &str = "recorded";

/// A recorded file with its splits.
pub(crate) struct Subject {
    pub(crate) world: Arc<RecordedWorld>,
    pub(crate) splits: Vec<Split>,
}

/// One way to divide the rows.
pub(crate) struct Split {
    pub(crate) task: Arc<Task>,
    pub(crate) train: Vec<usize>,
    /// Rows that are not in the task.
    pub(crate) unseen: Vec<usize>,
}

/// Reads the files, in the order of their names.
pub(crate) fn read(options: &Options) -> Result<Vec<Subject>, String> {
    let entries = std::fs::read_dir(&options.data);
    let entries = entries.map_err(|error| format!("{}: {error}", options.data.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|it| it == "jsonl")).collect();
    files.sort();
    let stem = |file: &std::path::Path| file.file_stem()?.to_str().map(str::to_owned);
    if let Some(names) = &options.files {
        let known: Vec<String> = files.iter().filter_map(|file| stem(file)).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(format!("there is no file `{name}`; there are {}", known.join(", ")));
        }
        files.retain(|file| stem(file).is_some_and(|name| names.contains(&name)));
    }
    if files.is_empty() {
        return Err(format!("{}: there is no `.jsonl` file", options.data.display()));
    }
    files.iter().map(|file| subject(options, file)).collect()
}

fn subject(options: &Options, file: &std::path::Path) -> Result<Subject, String> {
    let world = RecordedWorld::read(file).map_err(|error| error.to_string())?;
    let splits = (0..options.splits).map(|number| split(options, &world, number));
    let splits = splits.collect::<Result<_, _>>()?;
    Ok(Subject { world: Arc::new(world), splits })
}

fn split(options: &Options, world: &RecordedWorld, number: u64) -> Result<Split, String> {
    let mut rows: Vec<usize> = (0..world.rows.len()).collect();
    rows.shuffle(&mut Seed(number).child(&world.name, 0).rng());
    let share = |percent: usize| (rows.len() * percent + 50) / 100;
    let [of_train, of_dev] = options.shares().map(share);
    let (train, rest) = rows.split_at(of_train);
    let (dev, unseen) = rest.split_at(of_dev);
    let values = |rows: &[usize]| rows.iter().map(|row| value(world, *row)).collect::<Vec<_>>();
    let [task, mutator] = options.prices;
    let prices = [(CLERK.to_owned(), task), (EDITOR.to_owned(), mutator)].into();
    let provider = Provider { free: false, prices, ..Provider::of_program() };
    let name: String = world.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let score = ScoreTable { kind: "equals".to_owned(), ..ScoreTable::default() };
    let task = Task::builder(name)
        .about(format!("Answer rows of {}.", world.name))
        .splits(values(train), values(dev), Vec::new())
        .searched_part("system", world.baseline().text.as_str())
        .part("user", "{{ input }}")
        .score(score)
        .model(ModelRole::Task, &format!("{PROVIDER}/{CLERK}"))
        .model_spec(ModelRole::MUTATOR, mutator_of(world)?)
        .provider(PROVIDER, provider)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Split { task: Arc::new(task), train: train.to_vec(), unseen: unseen.to_vec() })
}

/// A mutator that can write the longest recorded prompt: those who recorded it set no limit.
fn mutator_of(world: &RecordedWorld) -> Result<ModelSpec, String> {
    let model = ModelName::parse(&format!("{PROVIDER}/{EDITOR}"))?;
    Ok(ModelSpec { max_output_tokens: Some(world.longest_reply()), ..ModelSpec::of(model) })
}

fn value(world: &RecordedWorld, row: usize) -> Value {
    let row = &world.rows[row];
    json!({"id": row.id, "input": row.input, "answer": row.answer})
}

impl Split {
    /// What 1,000 answers with a prompt cost, in dollars, on the unseen rows.
    pub(crate) fn usd_per_1k(
        &self,
        options: &Options,
        world: &RecordedWorld,
        prompt: &RecordedPrompt,
    ) -> f64 {
        let cost = |row: &usize| {
            let row = &world.rows[*row];
            options.prices[0].of(RecordedWorld::usage(prompt, row)).dollars()
        };
        self.unseen.iter().map(cost).sum::<f64>() / self.unseen.len().max(1) as f64 * 1_000.0
    }
}
