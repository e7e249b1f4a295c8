//! Builds a task in memory: rows from values, scorers from closures, models that a program
//! implements.
//!
//! The rules are those of a task file: what a file may not say is refused here too.

use super::dataset::{ColumnMap, columns_of, fill_columns, from_values};
use super::example::Example;
use super::file::{
    BudgetTable, DataTable, GoalTable, ModelsTable, PartSource, PromptTable, TaskFile,
};
use super::frozen::{DataFile, TaskFacts, TaskSource, place_in_memory};
use super::goal::Goal;
use super::model::{ModelName, ModelRole, ModelSpec, Provider};
use super::scorer::{ScoreTable, Scorer, ScorerError, ScorerSet, Verdict};
use super::split::{Shares, SplitSpec};
use super::{ReadRows, Rows, Task, check_answers};
use crate::caps::Caps;
use crate::id::{JudgeIx, MutatorIx};
use crate::prompt::{Part, Prompt};
use crate::source::SourceError;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Builds a task. These have no default: a prompt with a part `user`, rows, a scorer, and a model of
/// the role [`ModelRole::Task`].
pub struct TaskBuilder {
    name: String,
    about: String,
    rows: Given,
    columns: ColumnMap,
    shares: Option<Shares>,
    parts: Vec<Part>,
    search: Vec<String>,
    max_tokens: Option<u64>,
    scores: Vec<Score>,
    models: BTreeMap<ModelRole, ModelSpec>,
    providers: BTreeMap<String, Provider>,
    goal: Option<Goal>,
    caps: Caps,
    /// The first value that could not be read.
    wrong: Option<String>,
}

enum Given {
    Together(Vec<Value>),
    BySplit([Vec<Value>; 3]),
}

enum Score {
    Table(Box<ScoreTable>),
    Closure(Box<Scorer>),
}

impl TaskBuilder {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            about: String::new(),
            rows: Given::Together(Vec::new()),
            columns: ColumnMap::default(),
            shares: None,
            parts: Vec::new(),
            search: Vec::new(),
            max_tokens: None,
            scores: Vec::new(),
            models: BTreeMap::new(),
            providers: BTreeMap::new(),
            goal: None,
            caps: Caps::default(),
            wrong: None,
        }
    }

    /// Describes the task for people and for the mutator.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// All rows; they are split by shares. Each is an object like a line of a data file: its columns,
    /// with the right answer under `answer`.
    #[must_use]
    pub fn rows(mut self, rows: impl IntoIterator<Item = Value>) -> Self {
        self.rows = Given::Together(rows.into_iter().collect());
        self
    }

    /// The rows of each split, instead of [`rows`](Self::rows).
    #[must_use]
    pub fn splits(mut self, train: Vec<Value>, dev: Vec<Value>, hold: Vec<Value>) -> Self {
        self.rows = Given::BySplit([train, dev, hold]);
        self
    }

    /// The names of the columns, if they are not `answer`, `id` and `feedback`.
    #[must_use]
    pub fn columns(mut self, columns: ColumnMap) -> Self {
        self.columns = columns;
        self
    }

    /// The share of the rows that each split gets; the default depends on the number of rows.
    #[must_use]
    pub fn shares(mut self, shares: Shares) -> Self {
        self.shares = Some(shares);
        self
    }

    /// A part of the prompt that does not change.
    #[must_use]
    pub fn part(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.parts.push(Part { name: name.into(), text: text.into().into() });
        self
    }

    /// A part of the prompt that the search may change.
    #[must_use]
    pub fn searched_part(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let name = name.into();
        self.search.push(name.clone());
        self.part(name, text)
    }

    /// The maximum number of tokens of a prompt without the row.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Scores answers with a built-in kind.
    #[must_use]
    pub fn score(mut self, table: ScoreTable) -> Self {
        self.scores.push(Score::Table(Box::new(table)));
        self
    }

    /// Scores answers with a closure of the answer and the row, which returns whether the answer is
    /// right, a score, or a verdict. It must be a pure function, because a resumed run calls it again.
    #[must_use]
    pub fn score_by<F, V>(mut self, name: impl Into<String>, score: F) -> Self
    where
        F: Fn(&str, &Example) -> V + Send + Sync + 'static,
        V: Into<Verdict>,
    {
        self.scores.push(Score::Closure(Box::new(Scorer::of_closure(name, score))));
        self
    }

    /// The model of a role, as `provider/model`. Several mutators are
    /// `ModelRole::MUTATOR`, `ModelRole::Mutator(MutatorIx(1))`, and so on, without a gap; several judges likewise. A provider that is neither built in nor given is
    /// implemented by the program: see `Run::with_model`.
    #[must_use]
    pub fn model(mut self, role: ModelRole, name: &str) -> Self {
        match ModelName::parse(name) {
            Ok(model) => self.model_spec(role, ModelSpec::of(model)),
            Err(message) => {
                self.wrong.get_or_insert(message);
                self
            }
        }
    }

    /// The model of a role with its settings.
    #[must_use]
    pub fn model_spec(mut self, role: ModelRole, spec: ModelSpec) -> Self {
        self.models.insert(role, spec);
        self
    }

    /// A provider with its address, its price and its limits.
    #[must_use]
    pub fn provider(mut self, name: impl Into<String>, provider: Provider) -> Self {
        self.providers.insert(name.into(), provider);
        self
    }

    /// The goal by which the winner is chosen; the default is the best quality.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// The caps of runs that are started without caps of their own.
    #[must_use]
    pub fn caps(mut self, caps: Caps) -> Self {
        self.caps = caps;
        self
    }

    /// Builds the task.
    ///
    /// # Errors
    /// The first value that is missing or invalid.
    pub fn build(mut self) -> Result<Task, SourceError> {
        let place = place_in_memory(&self.name);
        if let Some(message) = self.wrong.take() {
            return Err(SourceError::new(place, message));
        }
        let Some(task) = self.models.get(&ModelRole::Task).cloned() else {
            return Err(SourceError::new(place, "no model answers rows")
                .help("add `.model(ModelRole::Task, \"provider/model\")`"));
        };
        let roles = |key: &str| {
            self.models.keys().copied().filter(|role| role.key() == key).collect::<Vec<_>>()
        };
        let mutators =
            roles("mutator").into_iter().zip((0..).map(MutatorIx).map(ModelRole::Mutator));
        let judges = roles("judge").into_iter().zip((0..).map(JudgeIx).map(ModelRole::Judge));
        if let Some((role, free)) = mutators.chain(judges).find(|(role, free)| role != free) {
            let message = format!("there is a model for `{role}`, and none for `{free}`");
            return Err(SourceError::new(place, message)
                .help("number the models of a role from 0, without a gap"));
        }
        for spec in self.models.values() {
            let provider = spec.model.provider();
            if Provider::built_in(provider).is_none() {
                self.providers.entry(provider.to_owned()).or_insert_with(Provider::of_program);
            }
        }
        let facts = self.facts();
        let scorers = scorers(std::mem::take(&mut self.scores)).map_err(|error| {
            let mut wrong = SourceError::new(&place, error.message);
            wrong.help = error.help;
            wrong
        })?;
        let split = self.shares.map(SplitSpec::Shares);
        let written = |part: &Part| (part.name.clone(), PartSource::Text(part.text.to_string()));
        let read = TaskFile {
            name: self.name,
            about: self.about,
            data: DataTable {
                file: None,
                synthetic: None,
                unreviewed: false,
                columns: self.columns,
                split,
            },
            prompt: PromptTable {
                parts: self.parts.iter().map(written).collect(),
                search: self.search,
                max_tokens: self.max_tokens,
            },
            models: ModelsTable {
                task,
                judge: {
                    let judges: Vec<ModelRole> =
                        self.models.keys().copied().filter(|role| role.judge().is_some()).collect();
                    judges.iter().filter_map(|role| self.models.remove(role)).collect()
                },
                embed: self.models.remove(&ModelRole::Embed),
                mutator: self.models.into_iter().filter_map(mutator).collect(),
            },
            score: Vec::new(),
            goal: GoalTable { rule: self.goal.map(|goal| goal.to_string()) },
            budget: BudgetTable::default(),
            providers: self.providers,
            notify: None,
        };
        read.check(&place, "")?;
        read.check_free_prices(&place, "")?;
        let (mut rows, data) = rows(self.rows, &read)?;
        let unreviewed = rows.leave_out_unreviewed();
        check_answers(&scorers, &rows, &data)?;
        let source = TaskSource::Memory(TaskFacts { name: read.name.clone(), facts });
        let prompt = Prompt::new(self.parts);
        let mut task =
            Task::assemble(&read, source, prompt, scorers, ReadRows { rows, data, unreviewed })?;
        task.caps = self.caps;
        Ok(task)
    }

    /// The facts that identify the task, besides its rows. Caps belong to the run.
    fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        for (place, part) in self.parts.iter().enumerate() {
            facts.insert(format!("part {place} `{}`", part.name), part.text.to_string());
        }
        for (place, score) in self.scores.iter().enumerate() {
            let score = match score {
                Score::Table(table) => json(table),
                Score::Closure(scorer) => format!("closure {}", scorer.name()),
            };
            facts.insert(format!("scorer {place}"), score);
        }
        for (role, spec) in &self.models {
            facts.insert(format!("{role} model"), json(spec));
        }
        for (name, provider) in &self.providers {
            facts.insert(format!("provider `{name}`"), json(provider));
        }
        facts.insert("searched parts".to_owned(), self.search.join(", "));
        facts.insert("description".to_owned(), self.about.clone());
        facts.insert("columns".to_owned(), json(&self.columns));
        facts.insert("shares".to_owned(), json(&self.shares));
        facts.insert("limit on tokens".to_owned(), json(&self.max_tokens));
        let goal = self.goal.as_ref().map_or_else(String::new, Goal::to_string);
        facts.insert("goal".to_owned(), goal);
        facts
    }
}

fn mutator((role, spec): (ModelRole, ModelSpec)) -> Option<ModelSpec> {
    role.is_mutator().then_some(spec)
}

/// A fact as text. All values of a task can be written as JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn scorers(scores: Vec<Score>) -> Result<ScorerSet, ScorerError> {
    if scores.is_empty() {
        return ScorerSet::new(&[]).map_err(|(_, error)| error);
    }
    let mut set = ScorerSet::default();
    for score in scores {
        match score {
            Score::Table(table) => set.push(Scorer::new(&table)?, table.name.is_some())?,
            Score::Closure(scorer) => set.push(*scorer, true)?,
        }
    }
    Ok(set)
}

/// The rows with a hash of their values; rows of a file have a hash of its bytes.
fn rows(given: Given, read: &TaskFile) -> Result<(Rows, Vec<DataFile>), SourceError> {
    let mut data = Vec::new();
    let mut examples = |what: &str, values: Vec<Value>| -> Result<Vec<Example>, SourceError> {
        let path = PathBuf::from(format!("{what} of {}", place_in_memory(&read.name).display()));
        let mut hasher = blake3::Hasher::new();
        for value in &values {
            hasher.update(value.to_string().as_bytes());
            hasher.update(b"\n");
        }
        let mut rows = from_values(&path, values, &read.data.columns)?;
        let columns = columns_of(&rows);
        fill_columns(&mut rows, &columns);
        rows.iter_mut().for_each(|row| row.file = data.len());
        data.push(DataFile { path, blake3: hasher.finalize().to_hex().to_string() });
        Ok(rows)
    };
    let rows = match given {
        Given::Together(values) => {
            let shares = match &read.data.split {
                Some(SplitSpec::Shares(shares)) => Some(*shares),
                _ => None,
            };
            Rows::One(examples("the rows", values)?, shares)
        }
        Given::BySplit([train, dev, hold]) => {
            let (train, dev) = (examples("the train rows", train)?, examples("the dev rows", dev)?);
            let hold = match hold.is_empty() {
                true => Vec::new(),
                false => examples("the held-out rows", hold)?,
            };
            Rows::Given([train, dev, hold])
        }
    };
    Ok((rows, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(number: u32) -> Value {
        json!({"id": format!("r{number}"), "input": format!("ticket {number}"), "answer": format!("{}", number % 3)})
    }

    fn builder() -> TaskBuilder {
        Task::builder("tickets")
            .rows((0..90).map(row))
            .searched_part("system", "Answer.")
            .part("user", "{{ input }}")
            .score(ScoreTable { kind: "equals".to_owned(), ..ScoreTable::default() })
            .model(ModelRole::Task, "own/answerer")
    }

    fn refused(builder: TaskBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    #[test]
    fn a_task_in_memory_is_the_one_that_files_would_give() {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<String> = (0..90).map(|number| row(number).to_string()).collect();
        std::fs::write(folder.path().join("rows.jsonl"), lines.join("\n")).unwrap();
        let text = "name = 'tickets'\n[data]\nfile = 'rows.jsonl'\n[prompt]\nsystem = 'Answer.'\n\
                    user = '{{ input }}'\nsearch = ['system']\n[models]\ntask = 'sim/clerk'\n\
                    [[score]]\nkind = 'equals'\n";
        std::fs::write(folder.path().join("task.toml"), text).unwrap();
        let (file, memory) = (Task::load(folder.path()).unwrap(), builder().build().unwrap());
        let ids = |rows: &[Example]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&memory.splits.train), ids(&file.splits.train));
        assert_eq!(ids(&memory.splits.dev), ids(&file.splits.dev));
        assert_eq!(ids(memory.splits.hold.open_held_out()), ids(file.splits.hold.open_held_out()));
        assert_eq!((&memory.baseline, memory.max_tokens), (&file.baseline, file.max_tokens));
        assert!(memory.source.difference(&file.source).unwrap().contains("read from files now"));
    }

    #[test]
    fn what_a_file_may_not_say_is_refused_here_too() {
        for (builder, message) in [
            (builder().rows([]), "the rows of the task `tickets`: there are none"),
            (builder().rows([json!("text")]), "the rows of the task `tickets`:1: a row must be"),
            (builder().rows([json!({"input": "x"})]), "answer"),
            (builder().model(ModelRole::MUTATOR, "writer"), "`writer` is not a model"),
            (
                builder().model(ModelRole::Mutator(MutatorIx(2)), "own/writer"),
                "there is a model for `mutator-3`, and none for",
            ),
            (builder().part("system", "Twice."), "a second `system`"),
            (builder().searched_part("hint", "{{ hnit }}"), "hnit"),
            (Task::builder("no model").rows([row(1)]), "no model answers rows"),
            (
                Task::builder("a b").model(ModelRole::Task, "own/m").score_by("s", |_, _| true),
                "is not a valid task name",
            ),
            (
                Task::builder("x").model(ModelRole::Task, "own/m").score_by("s", |_, _| true),
                "`user`",
            ),
            (Task::builder("x").model(ModelRole::Task, "own/m"), "no [[score]]"),
            (
                builder().score_by("s", |_, _| true).score_by("s", |_, _| false),
                "two scores are called `s`",
            ),
        ] {
            let error = refused(builder);
            assert!(error.contains(message), "{message}: {error}");
        }
    }

    #[test]
    fn a_closure_is_weighed_with_the_other_scorers() {
        let task = builder().score_by("short", |answer, _| answer.len() < 5).build().unwrap();
        let verdict = task.scorers.score("a long answer", &task.splits.dev[0]);
        assert_eq!((verdict.score.value(), verdict.metrics["short"]), (0.0, 0.0));
        let right = task.splits.dev[0].answer.as_str().unwrap();
        assert_eq!(task.scorers.score(right, &task.splits.dev[0]).score.value(), 1.0);
        let half = task.scorers.score("no", &task.splits.dev[0]);
        assert_eq!((half.score.value(), half.metrics["short"]), (0.5, 1.0));
        assert!(task.scorers.is_pure());
    }

    #[test]
    fn given_splits_stay_as_they_are() {
        let rows = |from: u32, to: u32| (from..to).map(row).collect::<Vec<_>>();
        let task = builder().splits(rows(0, 5), rows(5, 12), Vec::new()).build().unwrap();
        assert_eq!((task.splits.train.len(), task.splits.dev.len()), (5, 7));
        assert!(task.splits.hold.is_empty());
        assert_eq!(task.data.len(), 2);
    }
}
