//! The format of `task.toml`: keys, defaults, and mistakes with their lines.
//!
//! `Task` reads the rows and builds the task from it.

use super::dataset::ColumnMap;
use super::goal::Goal;
use super::model::{ModelRole, ModelSpec, Price, Provider};
use super::notify::Notify;
use super::scorer::ScoreTable;
use super::split::SplitSpec;
use crate::caps::Caps;
use crate::id::{JudgeIx, MutatorIx};
use crate::source::{SourceError, line_of_key, parse_toml_with};
use crate::text;
use crate::units::{Tokens, Usd};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "task.toml")]
pub struct TaskFile {
    /// The task's name: letters, digits, `-`, `_` and `.`. Runs and branches are named after it.
    #[schemars(example = &"ticket-routing")]
    pub name: String,
    /// A description, for people and for the mutator.
    #[serde(default)]
    #[schemars(example = &"Route a customer's ticket to one of six departments.")]
    pub about: String,
    /// Rows.
    pub data: DataTable,
    /// The baseline prompt, in parts, and which of them may change.
    pub prompt: PromptTable,
    /// Models by role.
    pub models: ModelsTable,
    /// Scorers: at least one. The score of an answer is their weighted mean.
    #[serde(default)]
    pub score: Vec<ScoreTable>,
    /// The goal.
    #[serde(default)]
    pub goal: GoalTable,
    /// Caps.
    #[serde(default)]
    pub budget: BudgetTable,
    /// Providers by name.
    #[serde(default)]
    pub providers: BTreeMap<String, Provider>,
    /// Who is told how a run is doing.
    pub notify: Option<Notify>,
}

/// The rows, and how they are split.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataTable {
    /// The data file, relative to the task's folder; may be missing if `split` names files.
    #[schemars(example = &"examples.jsonl")]
    pub file: Option<PathBuf>,
    /// A file of further rows that a model wrote (`promptsearch synth`), each with `synthetic` true. They are searched on as rows of
    /// `train` (of `dev`, where there is no `train`), and never held out.
    #[schemars(example = &"synthetic.jsonl")]
    pub synthetic: Option<PathBuf>,
    /// Whether synthetic rows count that no person has accepted (`reviewed` is not true). They are left out otherwise: the right
    /// answer of such a row is only its writer's claim.
    #[serde(default)]
    #[schemars(example = true)]
    pub unreviewed: bool,
    /// The roles of columns.
    #[serde(default)]
    pub columns: ColumnMap,
    /// Shares of the file, which sum to 1, or the name of a file for each split. Mutators see rows of `train`, the
    /// search selects on `dev`, and `hold` confirms the winner.
    #[schemars(example = serde_json::json!({ "train": 0.3, "dev": 0.3, "hold": 0.4 }))]
    pub split: Option<SplitSpec>,
}

/// `[prompt]`: the parts in order, and which of them may change.
#[derive(Debug)]
pub struct PromptTable {
    /// Parts as written.
    pub parts: Vec<(String, PartSource)>,
    /// The parts that may change.
    pub search: Vec<String>,
    /// The most tokens of the rendered prompt without the example.
    pub max_tokens: Option<u64>,
}

/// The source of a part's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSource {
    /// A text in the task file.
    Text(String),
    /// A file, relative to the task's folder.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for PartSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            file: PathBuf,
        }
        struct PartVisitor;
        impl<'de> Visitor<'de> for PartVisitor {
            type Value = PartSource;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or `{ file = \"…\" }`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PartSource, E> {
                Ok(PartSource::Text(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PartSource, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(PartSource::File(table.file))
            }
        }
        deserializer.deserialize_any(PartVisitor)
    }
}

impl JsonSchema for PartSource {
    fn schema_name() -> Cow<'static, str> {
        "PartSource".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let file = serde_json::json!({ "file": { "type": "string" } });
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "object", "properties": file, "required": ["file"], "additionalProperties": false },
        ] })
    }
}

impl JsonSchema for PromptTable {
    fn schema_name() -> Cow<'static, str> {
        "PromptTable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The baseline prompt. Every key except `search` and `max_tokens` is a part: a text, or \
                            `{ file = \"…\" }`. `{{ input }}` stands for a column of the row.",
            "type": "object",
            "properties": {
                "user": {
                    "description": "The part `user` is needed. It shows the row.",
                    "anyOf": [generator.subschema_for::<PartSource>()],
                    "examples": ["{{ input }}"],
                },
                "system": {
                    "description": "Any further part, under any name. `system` is sent as the system message.",
                    "anyOf": [generator.subschema_for::<PartSource>()],
                    "examples": [{ "file": "system.md" }],
                },
                "search": {
                    "description": "The parts that the search may change.",
                    "type": "array",
                    "items": { "type": "string" },
                    "default": [],
                    "examples": [["system"]],
                },
                "max_tokens": {
                    "description": "The most tokens of the prompt without the row.",
                    "type": "integer",
                    "minimum": 0,
                    "examples": [2000],
                },
            },
            "required": ["user"],
            "additionalProperties": generator.subschema_for::<PartSource>(),
        })
    }
}

/// The error for a part with an invalid value, which may be a mistyped key.
fn mistaken_part<E: serde::de::Error>(name: &str, error: E) -> E {
    match crate::text::did_you_mean(name, ["search", "max_tokens"]) {
        Some(_) => E::unknown_field(name, &["search", "max_tokens"]),
        None => error,
    }
}

impl<'de> Deserialize<'de> for PromptTable {
    /// Every key except `search` and `max_tokens` names a part.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor;
        impl<'de> Visitor<'de> for TableVisitor {
            type Value = PromptTable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of parts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PromptTable, A::Error> {
                let mut table =
                    PromptTable { parts: Vec::new(), search: Vec::new(), max_tokens: None };
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "search" => table.search = map.next_value()?,
                        "max_tokens" => table.max_tokens = Some(map.next_value()?),
                        _ => match map.next_value() {
                            Ok(part) => table.parts.push((key, part)),
                            // Any name may be a part's name; only the value can show that a key was
                            // mistyped.
                            Err(error) => return Err(mistaken_part(&key, error)),
                        },
                    }
                }
                Ok(table)
            }
        }
        deserializer.deserialize_map(TableVisitor)
    }
}

/// Models by role: `provider/model`, or a table with `model` and what is set for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsTable {
    /// Answers rows.
    #[schemars(example = &"openai/gpt-4.1-mini")]
    pub task: ModelSpec,
    /// Writes prompts: one model, or a list of several. A search needs one at least.
    #[serde(default, deserialize_with = "one_or_several")]
    #[schemars(with = "OneOrSeveral", example = &"openai/gpt-4.1")]
    pub mutator: Vec<ModelSpec>,
    /// Grades answers: one model, or a list of several, of which each grades each answer.
    #[serde(default, deserialize_with = "one_or_several")]
    #[schemars(with = "OneOrSeveral", example = &"openai/gpt-4.1")]
    pub judge: Vec<ModelSpec>,
    /// Says how near texts of prompts are; without it they are compared by their words and letters.
    #[schemars(example = &"openai/text-embedding-3-small")]
    pub embed: Option<ModelSpec>,
}

impl ModelsTable {
    /// The models that it names, by role.
    pub fn each(&self) -> impl Iterator<Item = (ModelRole, &ModelSpec)> {
        let mutators = (0..).map(MutatorIx).map(ModelRole::Mutator).zip(&self.mutator);
        let judge = (0..).map(JudgeIx).map(ModelRole::Judge).zip(&self.judge);
        let embed = self.embed.iter().map(|embed| (ModelRole::Embed, embed));
        std::iter::once((ModelRole::Task, &self.task)).chain(mutators).chain(judge).chain(embed)
    }

    /// The same, to be changed.
    pub(super) fn each_mut(&mut self) -> impl Iterator<Item = (ModelRole, &mut ModelSpec)> {
        let mutators = (0..).map(MutatorIx).map(ModelRole::Mutator).zip(&mut self.mutator);
        let judge = (0..).map(JudgeIx).map(ModelRole::Judge).zip(&mut self.judge);
        let embed = self.embed.iter_mut().map(|embed| (ModelRole::Embed, embed));
        std::iter::once((ModelRole::Task, &mut self.task)).chain(mutators).chain(judge).chain(embed)
    }
}

/// How mutators and judges are written.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "it is the shape of what is read")]
enum OneOrSeveral {
    One(Box<ModelSpec>),
    Several(Vec<ModelSpec>),
}

/// The most mutators of a task, and the most judges.
const MOST_MODELS: usize = 16;

/// `mutator = …`, or `mutator = [ …, … ]`.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ModelSpec>, D::Error> {
    struct SpecsVisitor;
    impl<'de> Visitor<'de> for SpecsVisitor {
        type Value = Vec<ModelSpec>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`provider/model`, a table with `model`, or a list of them")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            ModelSpec::deserialize(StrDeserializer::new(text)).map(|spec| vec![spec])
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            ModelSpec::deserialize(MapAccessDeserializer::new(map)).map(|spec| vec![spec])
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut specs = Vec::new();
            while let Some(spec) = list.next_element()? {
                specs.push(spec);
            }
            match specs.len() {
                0 => Err(serde::de::Error::custom("the list has no model")),
                1..=MOST_MODELS => Ok(specs),
                many => Err(serde::de::Error::custom(format!(
                    "the list has {many} models; {MOST_MODELS} are the most"
                ))),
            }
        }
    }
    deserializer.deserialize_any(SpecsVisitor)
}

/// What is meant by keys that stand in a wrong table, or are called otherwise elsewhere: the key, the key that
/// the table has for it (any table, where empty), and the advice.
const MISPLACED: &[(&str, &str, &str)] = &[
    ("search", "", "it belongs under [prompt]: `search = [\"system\"]`"),
    ("columns", "", "it belongs under [data]: `columns = { answer = \"label\" }`"),
    ("split", "", "it belongs under [data]: `split = { train = 0.4, dev = 0.3, hold = 0.3 }`"),
    ("temperature", "", "it belongs to a model: `task = { model = \"…\", temperature = 0.0 }`"),
    (
        "max_output_tokens",
        "",
        "it belongs to a model: `task = { model = \"…\", max_output_tokens = 500 }`",
    ),
    ("max_usd", "usd", "did you mean `usd`, under [budget]?"),
    ("max_calls", "calls", "did you mean `calls`, under [budget]?"),
    ("test", "hold", "did you mean `hold`?"),
    ("valid", "dev", "did you mean `dev`?"),
    ("validation", "dev", "did you mean `dev`?"),
    ("in", "input", "did you mean `input`?"),
    ("out", "output", "did you mean `output`?"),
];

/// What the search is for, and what its winner is tested for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalTable {
    /// `max quality`, `max quality s.t. usd_per_1k <= 0.5`, or `min usd_per_1k s.t. quality >= baseline - 0.01` (or
    /// `>= 0.8`; or `min latency_p50`, `latency_p95`, `input_tokens`, `output_tokens`, `max consistency.3`); each with further bounds, as in `s.t. recall.refund >= 0.9 and latency_p95 <= 2s`.
    #[schemars(example = &"max quality", extend("default" = "max quality"))]
    pub rule: Option<String>,
}

/// Caps of a run. A run stops before one of them would be exceeded; flags of the command line replace them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetTable {
    /// Dollars.
    #[schemars(range(min = 0.0), example = 2.5)]
    pub usd: Option<f64>,
    /// Logical calls: a call that is tried again counts once.
    #[schemars(range(min = 1), example = 4_000)]
    pub calls: Option<u64>,
    /// Input and output tokens.
    #[schemars(range(min = 1), example = 2_000_000)]
    pub tokens: Option<u64>,
    /// Mutator calls.
    #[schemars(example = 100)]
    pub proposals: Option<u64>,
    /// Running time.
    #[schemars(example = &"8h")]
    pub wall: Option<String>,
}

impl TaskFile {
    /// Reads the text of a task file.
    ///
    /// # Errors
    /// The first mistake with its line.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SourceError> {
        let read: Self = parse_toml_with(file, text, |unknown| {
            let is_known =
                |name: &str| name.is_empty() || unknown.known.iter().any(|it| it == name);
            let mut meant = MISPLACED.iter();
            let meant = meant.find(|(key, name, _)| *key == unknown.typed && is_known(name))?;
            unknown.is_key.then(|| meant.2.to_owned())
        })?;
        read.check_file(file, text)?;
        read.check(file, text)?;
        Ok(read)
    }

    /// A provider, completed where it is built in; `None` where there is none of this name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<Provider> {
        match self.providers.get(name) {
            Some(provider) => Some(provider.clone().completed(name)),
            None => Provider::built_in(name),
        }
    }

    /// What only a file can lack: a program gives rows, scorers and models by value.
    fn check_file(&self, file: &Path, text: &str) -> Result<(), SourceError> {
        let names_files = matches!(self.data.split, Some(SplitSpec::Files { .. }));
        if self.data.file.is_none() && !names_files {
            return Err(located(file, text, &["data"], "there are no rows").help(
                "add `file = \"examples.jsonl\"`, or let `split` name a file for each split",
            ));
        }
        if self.score.is_empty() {
            return Err(SourceError::new(file, "the task has no scorer")
                .help("add `[[score]]` with `kind = \"equals\"`"));
        }
        for (name, provider) in &self.providers {
            if provider.clone().completed(name).kind.is_none() {
                let message = format!("provider `{name}`: `kind` is missing");
                return Err(located(file, text, &["providers", name, ""], message)
                    .help("add `kind = \"openai\"` (the wire protocol)"));
            }
        }
        Ok(())
    }

    /// Whether what is said makes sense. Lines are found in `text`, which is empty for a task that is
    /// made in memory.
    ///
    /// # Errors
    /// The first mistake.
    pub(super) fn check(&self, file: &Path, text: &str) -> Result<(), SourceError> {
        let at = |path: &[&str], message: String| located(file, text, path, message);
        let usable = !self.name.is_empty()
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !self.name.starts_with('.');
        if !usable {
            return Err(at(&["name"], format!("`{}` is not a valid task name", self.name))
                .help("use letters, digits, `-` and `_`, because runs and branches are named after the task"));
        }
        let names: Vec<&str> = self.prompt.parts.iter().map(|(name, _)| name.as_str()).collect();
        if !names.contains(&crate::prompt::USER) {
            return Err(at(&["prompt"], "the prompt has no part `user`".to_owned())
                .help("add `user = \"{{ input }}\"` with the name of your input column"));
        }
        if let Some(name) =
            names.iter().find(|name| !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        {
            return Err(at(&["prompt", name], format!("`{name}` is not a valid part name"))
                .help("use letters, digits and `_`"));
        }
        if let Some((place, name)) =
            names.iter().enumerate().find(|(place, name)| names[..*place].contains(name))
        {
            return Err(at(&["prompt", name], format!("part {} is a second `{name}`", place + 1)));
        }
        for (index, part) in self.prompt.search.iter().enumerate() {
            if !names.contains(&part.as_str()) {
                return Err(at(&["prompt", "search"], format!("there is no part `{part}`"))
                    .help(text::suggestion(part, &names)));
            }
            if self.prompt.search[..index].contains(part) {
                return Err(at(&["prompt", "search"], format!("`{part}` is listed twice")));
            }
        }
        if let Some(rule) = &self.goal.rule {
            Goal::parse(rule).map_err(|message| at(&["goal", "rule"], message))?;
        }
        self.caps().map_err(|(key, message)| at(&["budget", key], message))?;
        for (name, provider) in &self.providers {
            let provider_at = |key: &str, message: &str| {
                at(&["providers", name, key], format!("provider `{name}`: {message}"))
            };
            let zero = [
                ("concurrency", provider.concurrency == Some(0)),
                ("rpm", provider.rpm == Some(0)),
                ("tpm", provider.tpm == Some(0)),
            ];
            if let Some((key, _)) = zero.into_iter().find(|(_, is_zero)| *is_zero) {
                return Err(provider_at(key, &format!("`{key}` must be at least 1")));
            }
        }
        self.check_prices(file, text, |_, price| price.flaw())
    }

    /// Checks that no price is 0, unless the provider is free, and that a free provider has none. Only of a text that
    /// is read anew.
    ///
    /// # Errors
    /// The first price of 0, or of a free provider.
    pub(super) fn check_free_prices(&self, file: &Path, text: &str) -> Result<(), SourceError> {
        self.check_prices(file, text, |provider, price| {
            if provider.free && provider.price.as_ref() == Some(price) {
                return Some("it is `free`, and has a price");
            }
            let is_zero = *price == Price::FREE && !provider.free;
            is_zero.then_some("with a price of 0, no cap in dollars holds")
        })
    }

    fn check_prices(
        &self,
        file: &Path,
        text: &str,
        flaw: impl Fn(&Provider, &Price) -> Option<&'static str>,
    ) -> Result<(), SourceError> {
        for (name, provider) in &self.providers {
            let own = provider.price.iter().map(|price| (vec!["price"], price));
            let prices = provider.prices.iter();
            let mut prices = own.chain(prices.map(|(model, price)| (vec!["prices", model], price)));
            if let Some((key, flaw)) =
                prices.find_map(|(key, price)| Some((key, flaw(provider, price)?)))
            {
                let key = [&["providers", name], key.as_slice()].concat();
                return Err(located(file, text, &key, format!("provider `{name}`: {flaw}")).help(
                    "give prices in US dollars per million tokens, or write `free = true` in the \
                     provider's table in their place",
                ));
            }
        }
        Ok(())
    }

    /// The goal.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
            .rule
            .as_deref()
            .and_then(|rule| Goal::parse(rule).ok())
            .unwrap_or_else(Goal::max_quality)
    }

    /// The caps; the error names the invalid key and the reason.
    ///
    /// # Errors
    /// A cap that is not a positive amount.
    pub fn caps(&self) -> Result<Caps, (&'static str, String)> {
        let budget = &self.budget;
        let usd = budget
            .usd
            .map(|dollars| {
                Usd::from_dollars(dollars).filter(|usd| *usd > Usd::ZERO).ok_or_else(|| {
                    ("usd", format!("`{dollars}` is not a positive amount of dollars"))
                })
            })
            .transpose()?;
        let positive = |key, value: Option<u64>| match value {
            Some(0) => Err((key, "the cap must be at least 1".to_owned())),
            value => Ok(value),
        };
        let wall = match &budget.wall {
            Some(wall) => Some(text::parse_time_limit(wall).map_err(|message| ("wall", message))?),
            None => None,
        };
        Ok(Caps {
            usd,
            calls: positive("calls", budget.calls)?,
            tokens: positive("tokens", budget.tokens)?.map(Tokens),
            proposals: budget.proposals,
            wall,
            deadline: None,
        })
    }
}

/// A mistake at a key of a file's text, if the key can be found there.
fn located(file: &Path, text: &str, path: &[&str], message: impl Into<String>) -> SourceError {
    let error = SourceError::new(file, message);
    match line_of_key(text, path) {
        Some(line) => error.at_line(line),
        None => error,
    }
}
