//! The definition of a task: rows, a baseline prompt, scorers, models and a goal.
//!
//! It reads files once, and uses neither the network nor a strategy.

pub mod example;
pub mod dataset;
pub mod words;
pub mod inputs;
pub mod split;
pub mod duplicates;
pub mod copies; // Texts of rows in a prompt.
pub mod scorer;
pub mod measure; // What a goal may bound beside quality and cost.
pub mod bound; // What a prompt must keep.
pub mod goal;
pub mod model;
pub mod notify;
pub mod file;
pub mod reference; // Its keys as a JSON Schema and as a page.
mod current; // What a resumed run reads afresh.
pub mod frozen;
mod locator; // Where mistakes stand.
mod rows; // Its rows, read and split.
mod roles; // Its models.
mod without_effect; // What of a task file a resumed run does not use.
pub mod builder;
pub(crate) mod warnings;

pub use builder::TaskBuilder;
pub use current::ProviderChange;
pub use frozen::{DataFile, TaskFacts, TaskFiles, TaskSource};

use crate::caps::Caps;
use crate::prompt::{Layout, Prompt, value_text};
use crate::score_form::ScoreForm;
use crate::source::{self, SourceError};
use crate::text;
use dataset::columns_of;
use example::{Example, RowHash, RowOrigin, Split, Splits};
use file::TaskFile;
use goal::Goal;
use locator::Locator;
use measure::Measure;
use model::{
    Execution, Graders, Hedge, ModelName, ModelRole, Price, PriceSource, Provider, RequestForm,
    UNFILLED,
};
use notify::Notify;
use roles::{Models, Providers};
use rows::{ReadRows, Rows, check_answers, id_column, row_mistake, rows};
use scorer::{Judging, Scorer, ScorerSet};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A model as it is asked in one role.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// `provider/model`.
    pub name: ModelName,
    /// Sampling temperature.
    pub temperature: f64,
    /// The most tokens of an answer.
    pub max_output_tokens: u32,
    /// The context window: the most tokens of request and reply together, if limited.
    pub context_tokens: Option<u64>,
    /// How often it is drawn beside the other mutators.
    pub weight: f64,
    /// Its price, if known.
    pub price: Option<Price>,
    /// Where its price comes from.
    pub price_source: Option<PriceSource>,
    /// Whether it is asked in batches.
    pub execution: Execution,
    /// How long a batch is expected to take, before one came back.
    pub batch_wait: Option<Duration>,
    /// When a request that is late is sent a second time.
    pub hedge: Option<Hedge>,
    /// How its requests are written.
    pub form: Arc<RequestForm>,
}

/// A task.
#[derive(Debug)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// A description.
    pub about: String,
    /// Where it comes from.
    pub source: TaskSource,
    /// Its data with their hashes.
    pub data: Vec<DataFile>,
    /// The baseline: the prompt that the task came with.
    pub baseline: Prompt,
    /// Which parts may change, and how they are rendered.
    pub layout: Layout,
    /// The most tokens of a prompt, without the row.
    pub max_tokens: u64,
    /// How answers are scored.
    pub scorers: ScorerSet,
    /// The goal.
    pub goal: Goal,
    /// Caps of the task file.
    pub caps: Caps,
    /// Rows.
    pub splits: Splits,
    id_column: String,
    answer_column: String,
    /// The held-out rows that an evaluation shows.
    shown_held_out: Vec<RowHash>,
    /// All rows of the task, where an evaluation has only some of them.
    whole: Option<example::HeldOut>,
    /// What is said of rows that show nothing.
    blank_rows: Option<String>,
    /// What is said of the groups that stay in one split.
    groups: Option<String>,
    /// Synthetic rows that were left out, because no person has accepted them.
    unreviewed: usize,
    /// Who is told how a run is doing.
    pub notify: Option<Notify>,
    models: Models,
    providers: Providers,
}

impl Task {
    /// A task that is made in memory.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> TaskBuilder {
        TaskBuilder::new(name)
    }

    /// Reads a task folder or file.
    ///
    /// # Errors
    /// The first mistake, with file and line.
    pub fn load(path: &Path) -> Result<Self, SourceError> {
        let files = TaskFiles::read(path)?;
        let read = TaskFile::parse(&files.file, &files.text)?;
        read.check_free_prices(&files.file, &files.text)?;
        let task = Self::of_files(&read, files, check_answers)?;
        task.check_held_out()?;
        Ok(task)
    }

    /// Checks that a held-out row is new to the search.
    fn check_held_out(&self) -> Result<(), SourceError> {
        let known = duplicates::known_held_out(&self.splits, self.layout.shown_columns());
        if known == 0 || known < self.splits.hold.len() {
            return Ok(());
        }
        let message = "the input of every held-out row is also in `train` or `dev`, so that nothing can be confirmed";
        Err(self
            .mistake(&["data", "split", "hold"], message)
            .help("let `hold` name a file of other rows, or leave it out"))
    }

    /// Builds a task whose files were accepted before. What can be used, and is refused of new tasks, is not
    /// checked: a later version refuses more, and a run that has begun can always be resumed.
    ///
    /// # Errors
    /// The first mistake, with file and line.
    pub fn rebuild(files: TaskFiles) -> Result<Self, SourceError> {
        let read = TaskFile::parse(&files.file, &files.text)?;
        Self::of_files(&read, files, |_, _, _| Ok(()))
    }

    fn of_files(
        read: &TaskFile,
        files: TaskFiles,
        check: impl FnOnce(&ScorerSet, &Rows, &[DataFile]) -> Result<(), SourceError>,
    ) -> Result<Self, SourceError> {
        let prompt = Prompt::new(files.parts.clone());
        let source = TaskSource::Files(files);
        let at = Locator { source: &source };
        let scorers = scorers(read, &at)?;
        let read_rows = rows(read, &at)?;
        check(&scorers, &read_rows.rows, &read_rows.data)?;
        Self::assemble(read, source, prompt, scorers, read_rows)
    }

    /// Puts a task together from what a file or a program says, and checks that it fits together.
    fn assemble(
        read: &TaskFile,
        source: TaskSource,
        baseline: Prompt,
        scorers: ScorerSet,
        rows: ReadRows,
    ) -> Result<Self, SourceError> {
        let ReadRows { rows, data, unreviewed } = rows;
        let at = Locator { source: &source };
        let columns = columns_of(rows.all());
        let layout = Layout::new(&baseline, &read.prompt.search, &columns)
            .map_err(|error| at.template(&read.data.columns, &error, &columns))?;
        if layout.shown_columns().is_empty() {
            return Err(at.shows_no_column(&baseline, &columns));
        }
        let all = rows.all();
        let id_column = id_column(read, &all, &columns);
        let groups = warnings::groups(&all, read.data.columns.group.as_deref());
        let blank_rows = warnings::blank_rows(&all, layout.shown_columns());
        let inputs: BTreeSet<_> =
            all.iter().map(|row| inputs::input_key(row, layout.shown_columns())).collect();
        let (count, different) = (all.len(), inputs.len());
        let splits = rows.split(layout.shown_columns());
        if splits.dev.is_empty() && count > different && different < 3 {
            let message = format!(
                "the prompt shows only {} for {count} rows, and rows with equal inputs stay in one \
                 split, so dev has none",
                crate::text::plural(different, "different input")
            );
            return Err(at
                .error(&["prompt"], message)
                .help("show another column, which tells the rows apart"));
        }
        if splits.dev.is_empty() {
            return Err(at
                .error(&["data", "split"], "dev has no rows, but the search selects on dev")
                .help("give `dev` a larger share, add rows, or use smaller groups"));
        }
        check_bounds(&read.goal(), &scorers)
            .map_err(|(message, help)| at.error(&["goal", "rule"], message).help(help))?;
        let tokens = tokens_of(&layout, &baseline);
        let (models, providers) = at.models(read)?;
        let judge_asked = |(_, judging): &(&Scorer, &Judging)| !judging.asks_vectors();
        let first = scorers.judged().find(judge_asked).map(|(scorer, _)| scorer.name().to_owned());
        if let Some(name) = first.filter(|_| read.models.judge.is_empty()) {
            let place = scorers.scorers().iter().position(|it| it.name() == name);
            let place = place.unwrap_or_default().to_string();
            let message = format!("`{name}` needs a model that grades");
            return Err(at
                .error(&["score", &place, "kind"], message)
                .help("name one: judge = \"provider/model\" under [models]"));
        }
        let judges: Vec<&Model> = models
            .iter()
            .filter(|(role, _)| role.judge().is_some())
            .map(|(_, model)| model)
            .collect();
        let is_twice = |place: usize| judges[..place].contains(&judges[place]);
        if let Some(place) = (0..judges.len()).find(|place| is_twice(*place)) {
            let message =
                format!("`{}` is a judge twice: it would say the same", judges[place].name);
            return Err(at
                .error(&["models", "judge"], message)
                .help("name another model, or give it another `temperature`"));
        }
        if read.models.judge.len() < 2
            && let Some(place) = scorers.scorers().iter().position(Scorer::has_panel_rule)
        {
            let message = "`rule` says how several judges decide, and there are not several";
            return Err(at
                .error(&["score", &place.to_string(), "rule"], message)
                .help("remove it, or name them: judge = [\"provider/one\", \"provider/other\"]"));
        }
        Ok(Self {
            name: read.name.clone(),
            about: if read.about.is_empty() { read.name.clone() } else { read.about.clone() },
            max_tokens: read.prompt.max_tokens.unwrap_or_else(|| (4 * tokens).max(2_000)),
            goal: read.goal(),
            caps: read.caps().unwrap_or_default(),
            source,
            data,
            baseline,
            layout,
            scorers,
            splits,
            id_column,
            answer_column: read.data.columns.answer.clone().unwrap_or_else(|| "answer".to_owned()),
            shown_held_out: Vec::new(),
            whole: None,
            blank_rows,
            groups,
            unreviewed,
            notify: read.notify.clone(),
            models,
            providers,
        })
    }

    /// How many answers each prompt that is compared on the held-out rows needs.
    #[must_use]
    pub fn held_out_answers(&self) -> u64 {
        self.splits.hold.len() as u64 * u64::from(self.goal.answers_per_row())
    }

    /// Where the task and its data are, with absolute paths: what a run freezes.
    ///
    /// # Errors
    /// The folder of this process cannot be told.
    pub fn absolute(&self) -> std::io::Result<(TaskSource, Vec<DataFile>)> {
        let TaskSource::Files(files) = &self.source else {
            return Ok((self.source.clone(), self.data.clone()));
        };
        let file = std::path::absolute(&files.file)?;
        let data = self.data.iter().map(|data| {
            let path = std::path::absolute(&data.path)?;
            Ok(DataFile { path, blake3: data.blake3.clone() })
        });
        let source = TaskSource::Files(TaskFiles { file, ..files.clone() });
        Ok((source, data.collect::<std::io::Result<_>>()?))
    }

    /// The task for `eval`, without a search: the rows of one split (or all rows) become dev. A
    /// caller that asks for held-out rows here looks at them on purpose.
    #[must_use]
    pub fn for_evaluation(mut self, split: Option<Split>) -> Self {
        let Splits { train, dev, hold } = self.splits;
        if matches!(split, None | Some(Split::Hold)) {
            self.shown_held_out.extend(hold.content_hashes());
        }
        let hold = hold.unseal_held_out();
        let whole = train.iter().chain(&dev).chain(&hold).cloned().collect();
        self.whole = Some(example::HeldOut::seal(whole));
        let mut rows = match split {
            Some(Split::Train) => train,
            Some(Split::Dev) => dev,
            Some(Split::Hold) => hold,
            None => train.into_iter().chain(dev).chain(hold).collect(),
        };
        // People picked the rows that must pass, and a search asks them first. Whoever looks row by row needs rows in an order
        // that nobody picked.
        if rows.iter().any(|row| row.must_pass) {
            rows.sort_by_cached_key(Example::content_hash);
        }
        self.splits =
            Splits { train: Vec::new(), dev: rows, hold: example::HeldOut::seal(Vec::new()) };
        self
    }

    /// All rows of the task, also those that an evaluation leaves out, for models that are made of them.
    pub fn open_all_rows(&self) -> impl Iterator<Item = &Example> {
        let splits = &self.splits;
        let (train, dev, hold) = match &self.whole {
            Some(whole) => (&[][..], &[][..], whole),
            None => (&splits.train[..], &splits.dev[..], &splits.hold),
        };
        train.iter().chain(dev).chain(hold.open_held_out())
    }

    /// The held-out rows among those of an evaluation: who sees its result has looked at them.
    #[must_use]
    pub fn shown_held_out(&self) -> &[RowHash] {
        &self.shown_held_out
    }

    /// How its scores are written.
    #[must_use]
    pub fn score_form(&self) -> ScoreForm {
        self.scorers.score_form()
    }

    /// How many held-out rows can have a value of a measure: those with its label, where it is of one. Of a precision they are
    /// about as many as there will be, since it is of the answers that name the label.
    #[must_use]
    pub fn held_out_rows_of(&self, measure: &Measure) -> usize {
        let rows = self.splits.hold.open_held_out();
        match (measure, self.scorers.label_scorer()) {
            (Measure::Recall(label) | Measure::Precision(label), Some(scorer)) => {
                let has = |row: &&Example| scorer.right_labels(row).contains(&label.as_str());
                rows.iter().filter(has).count()
            }
            _ => rows.len(),
        }
    }

    /// The same task with only these rows of dev, which were shown before: nothing is chosen by them.
    #[must_use]
    pub fn with_only(mut self, rows: &[RowHash]) -> Self {
        self.shown_held_out.clear();
        self.splits.dev.retain(|row| rows.contains(&row.content_hash()));
        self
    }

    /// The id column.
    #[must_use]
    pub fn id_column(&self) -> &str {
        &self.id_column
    }

    /// The column of right answers.
    #[must_use]
    pub fn answer_column(&self) -> &str {
        &self.answer_column
    }

    /// What is said of the groups that stay in one split: a sentence without a full stop.
    #[must_use]
    pub fn groups(&self) -> Option<&str> {
        self.groups.as_deref()
    }

    /// What is said of rows that a model wrote; `None` where there are none: a sentence without a full stop.
    #[must_use]
    pub fn synthetic_rows(&self) -> Option<String> {
        let rows = self.visible_rows();
        let count = |is: fn(RowOrigin) -> bool| rows.iter().filter(|row| is(row.origin)).count();
        let (used, unread) =
            (count(RowOrigin::is_synthetic), count(|it| it == RowOrigin::Unreviewed));
        if used + self.unreviewed == 0 {
            return None;
        }
        let mut told =
            format!("{used} of {} of train and dev are synthetic", text::plural(rows.len(), "row"));
        if unread > 0 {
            told += &format!(", {unread} of them not reviewed");
        }
        if self.unreviewed > 0 {
            let verb = if self.unreviewed == 1 { "is" } else { "are" };
            told += &format!("; {} more {verb} left out until reviewed", self.unreviewed);
        }
        Some(told)
    }

    /// What is said of rows that show nothing: a sentence without a full stop.
    #[must_use]
    pub fn blank_rows(&self) -> Option<&str> {
        self.blank_rows.as_deref()
    }

    /// The model of a role, if the task names one.
    #[must_use]
    pub fn model(&self, role: ModelRole) -> Option<&Model> {
        self.models.get(&role)
    }

    /// The roles for which the task names a model.
    pub fn roles(&self) -> impl Iterator<Item = ModelRole> + '_ {
        self.models.keys().copied()
    }

    /// The models with their roles.
    pub fn models(&self) -> impl Iterator<Item = (ModelRole, &Model)> {
        self.models.iter().map(|(role, model)| (*role, model))
    }

    /// The models that write new prompts, in the task's order.
    pub fn mutators(&self) -> impl Iterator<Item = (ModelRole, &Model)> {
        self.models().filter(|(role, _)| role.is_mutator())
    }

    /// The models that grade answers, each of them each answer, in the task's order; none where no scorer asks one.
    pub fn judges(&self) -> impl Iterator<Item = (ModelRole, &Model)> {
        let is_asked = self.scorers.judgements() > 0;
        self.models().filter(move |(role, _)| is_asked && role.judge().is_some())
    }

    /// How many models there are that say what an answer is worth, and are asked in turn.
    #[must_use]
    pub fn graders(&self) -> Graders {
        let judges = u8::try_from(self.judges().count()).unwrap_or(u8::MAX);
        Graders { judges, asks_vectors: self.scorers.meanings() > 0 }
    }

    /// The most questions that an answer raises, each for one of them.
    #[must_use]
    pub fn judgements(&self) -> u32 {
        self.scorers.judgements() * u32::from(self.graders().judges) + self.scorers.meanings()
    }

    /// The task model; every task names one.
    #[must_use]
    pub fn task_model(&self) -> &Model {
        &self.models[&ModelRole::Task]
    }

    /// The task with what is read afresh from its file: how providers are reached and paced, and how calls
    /// are made. With it comes what has changed of where and how models are asked, compared with what
    /// was `accepted` before, by key. All else stays as it was when the run was started. A task that was
    /// made in memory, or whose file is gone, stays as it is.
    ///
    /// # Errors
    /// A mistake in the file as it is now.
    pub fn with_current_providers(
        mut self,
        accepted: &BTreeMap<String, ProviderChange>,
    ) -> Result<(Self, Vec<ProviderChange>), SourceError> {
        let TaskSource::Files(frozen) = &self.source else { return Ok((self, Vec::new())) };
        let Ok(text) = source::read_text(&frozen.file) else { return Ok((self, Vec::new())) };
        let then = TaskFile::parse(&frozen.file, &frozen.text)?;
        let now = TaskFile::parse(&frozen.file, &text)?;
        if text != frozen.text {
            now.check_free_prices(&frozen.file, &text)?;
        }
        let current = TaskFile::parse(&frozen.file, &frozen.text)?.with_current(&now);
        if let Some((name, message)) = current.unclear_address() {
            let error = self.mistake(&["providers", &name, "base_url"], message);
            return Err(error.help("write scheme, host and path alone, and a key as `api_key`"));
        }
        let changes = then.provider_changes(&current, accepted);
        let source = TaskSource::Files(TaskFiles { text, ..frozen.clone() });
        (self.models, self.providers) = Locator { source: &source }.models(&current)?;
        self.notify = now.notify;
        Ok((self, changes))
    }

    /// The providers that the models need, by name.
    #[must_use]
    pub fn providers(&self) -> &BTreeMap<String, Provider> {
        &self.providers
    }

    /// A mistake in the task file that is detected only when the task is used.
    #[must_use]
    pub fn mistake(&self, path: &[&str], message: impl Into<String>) -> SourceError {
        Locator { source: &self.source }.error(path, message)
    }

    /// A mistake in a row that is detected only when the row is used.
    #[must_use]
    pub fn row_mistake(&self, row: &Example, message: &str) -> SourceError {
        row_mistake(&self.data, row, message)
    }

    /// The folder of the task file, in which its programs run.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.source.folder()
    }

    /// The rows that the search may see: train and dev.
    #[must_use]
    pub fn visible_rows(&self) -> Vec<&Example> {
        self.splits.train.iter().chain(&self.splits.dev).collect()
    }

    /// Bytes of a row's values as inserted into a prompt.
    #[must_use]
    pub fn row_bytes(row: &Example) -> usize {
        row.columns.values().map(|value| crate::prompt::value_text(value).len()).sum()
    }

    /// The near-duplicates across splits.
    #[must_use]
    pub fn near_duplicates(&self) -> Vec<duplicates::NearDuplicate> {
        duplicates::near_duplicates_by(&self.splits, self.layout.shown_columns())
    }

    /// What a judge is shown of a row: the columns that the prompt shows.
    #[must_use]
    pub fn shown_input(&self, row: &Example) -> String {
        let shown = self.layout.shown_columns().iter();
        let shown: Vec<_> =
            shown.filter_map(|name| Some((name, value_text(row.columns.get(name)?)))).collect();
        match &shown[..] {
            [(_, text)] => text.clone().into_owned(),
            several => {
                let lines: Vec<String> =
                    several.iter().map(|(name, text)| format!("{name}: {text}")).collect();
                lines.join("\n")
            }
        }
    }

    /// Bytes of the longest text of a row that a judge is shown beside an answer: the expected answer, or another one.
    #[must_use]
    pub fn longest_expected(&self) -> usize {
        let longest = |row: &Example| {
            let judged = self.scorers.judged().map(|(scorer, _)| scorer);
            judged.map(|it| it.references(row).iter().map(|text| text.len()).sum()).max()
        };
        match self.judgements() {
            0 => 0,
            _ => self.open_all_rows().filter_map(longest).max().unwrap_or(0),
        }
    }

    /// Bytes of the longest of a judge's questions without the row and the answer.
    #[must_use]
    pub fn judge_question_bytes(&self) -> usize {
        let bytes = self.scorers.judged().map(|(_, judging)| judging.question_bytes());
        bytes.max().unwrap_or(0)
    }

    /// Checks that every paid model that is asked has a price.
    ///
    /// # Errors
    /// The first model without a price, with the lines to add.
    pub fn check_prices(&self, is_asked: impl Fn(ModelRole) -> bool) -> Result<(), SourceError> {
        self.models
            .keys()
            .filter(|role| is_asked(**role))
            .try_for_each(|role| self.check_price(*role))
    }

    /// Checks that the model of a role has a price, where the task names one.
    ///
    /// # Errors
    /// It has none, with the lines to add.
    pub fn check_price(&self, role: ModelRole) -> Result<(), SourceError> {
        if let Some(model) = self.model(role).filter(|model| model.price.is_none()) {
            let (provider, name) = (model.name.provider(), model.name.model());
            let message =
                format!("the price of `{}` is unknown, but a cap in dollars needs it", model.name);
            if model.form.is_of_target() {
                return Err(self.mistake(&["models", role.key()], message).help(format!(
                    "under [providers.{provider}], write what a call costs, in US dollars:\n\n      \
                     price = {{ per_call = {UNFILLED} }}        each costs the same\n      \
                     price = {{ max_per_call = {UNFILLED} }}    at most this; it says itself what it paid, as `usd`\n\n    \
                     or `free = true`, if none costs anything",
                )));
            }
            // A table of its own can be appended to any task file.
            return Err(self.mistake(&["models", role.key()], message).help(format!(
                "add its price in US dollars per million tokens:\n\n      \
                 [providers.{provider}.prices.\"{name}\"]\n      input = {UNFILLED}\n      \
                 output = {UNFILLED}\n\n    \
                 or `free = true` under [providers.{provider}] for a free model",
            )));
        }
        Ok(())
    }
}

/// Checks that the goal's bounds name labels of the task: what is wrong, and what to try.
fn check_bounds(goal: &Goal, scorers: &ScorerSet) -> Result<(), (String, String)> {
    let labels = scorers.label_scorer().map(Scorer::labels);
    for bound in &goal.bounds {
        if let (Measure::Metric(name), Some(metrics)) = (&bound.measure, scorers.metrics())
            && !metrics.contains(name)
        {
            let message = format!("no scorer gives the metric `{name}`");
            let known: Vec<&str> = metrics.iter().map(String::as_str).collect();
            let help = match known.as_slice() {
                [] => "several scorers give one each, under their names, and so do a `label-set` and a `command`"
                    .to_owned(),
                known => text::suggestion(name, known),
            };
            return Err((message, help));
        }
        let (Measure::Recall(label) | Measure::Precision(label)) = &bound.measure else { continue };
        let Some(labels) = labels else {
            let message = format!("`{}` needs labels, and no scorer is a `label`", bound.measure);
            return Err((message, "bound a metric of a scorer: `metrics.NAME >= …`".to_owned()));
        };
        if !labels.contains(label) {
            let known: Vec<&str> = labels.iter().map(String::as_str).collect();
            return Err((format!("there is no label `{label}`"), text::suggestion(label, &known)));
        }
    }
    Ok(())
}

fn scorers(read: &TaskFile, at: &Locator<'_>) -> Result<ScorerSet, SourceError> {
    let mut tables = read.score.clone();
    if let TaskSource::Files(files) = at.source {
        for (index, table) in tables.iter_mut().enumerate() {
            let read = std::mem::take(table).with_schemas(&files.schemas);
            let index = index.to_string();
            *table = read.map_err(|message| at.error(&["score", &index, "schema"], message))?;
        }
    }
    let has_embed = read.models.embed.is_some();
    let is_part =
        |table: &scorer::ScoreTable| table.parts().iter().any(|part| part.names("similar"));
    if let Some(place) = tables.iter().position(is_part).filter(|_| has_embed) {
        let message = "as a part of another scorer `similar` compares words and letters; it cannot ask `models.embed`";
        return Err(at
            .error(&["score", &place.to_string()], message)
            .help("make it a [[score]] of its own, or leave `models.embed` out"));
    }
    let scorers = ScorerSet::new(&tables);
    let scorers = scorers.map(|scorers| if has_embed { scorers.by_meaning() } else { scorers });
    scorers.map_err(|(index, error)| {
        let index = index.to_string();
        let mut result = at.error(&["score", &index, error.key], error.message);
        result.help = error.help;
        result
    })
}

/// About how many tokens a prompt has without a row: bytes divided by 4.
fn tokens_of(layout: &Layout, prompt: &Prompt) -> u64 {
    (layout.bytes_without_row(prompt) as u64).div_ceil(4)
}
