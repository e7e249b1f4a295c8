//! The format of a `[[score]]` table, and the keys of each kind.
//!
//! The file of each kind documents what its keys do.

use super::panel_rule::PanelRule;
use super::reasoning::Reasoning;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// One scorer. Each kind takes some of the keys; `docs/scoring.md` tells what they do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreTable {
    /// The kind of scorer; `not-` before it turns right and wrong round.
    #[schemars(example = &"label")]
    pub kind: String,
    /// Kinds that compare with a text: the text expected in all rows, instead of the row's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"yes")]
    pub value: Option<serde_json::Value>,
    /// `label`, `label-set`: all labels that an answer may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["billing", "claims"])]
    pub labels: Option<Vec<String>>,
    /// `label`: what kinds of mistakes cost; one that is not listed costs 1. The score of a wrong label is 1 − its cost / the
    /// dearest cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = [MistakeTable::example()])]
    pub mistakes: Option<Vec<MistakeTable>>,
    /// `label-set`: the words with which an answer says that no label applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["none", "no label"])]
    pub none: Option<Vec<String>>,
    /// `regex`: the pattern for all rows, instead of the row's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"(?i)refund")]
    pub pattern: Option<String>,
    /// `number`, `json-fields`: the permitted difference of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 0.01)]
    pub tolerance: Option<f64>,
    /// The same, as a share of the expected number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 0.001)]
    pub relative_tolerance: Option<f64>,
    /// `json-fields`: the fields to score, instead of all fields of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["total", "currency"])]
    pub fields: Option<Vec<String>>,
    /// `json-schema`, `is-json`: the JSON Schema, or the name of a file with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"answer.schema.json")]
    pub schema: Option<serde_json::Value>,
    /// `sql`, `is-sql`: the dialect: `ansi`, `bigquery`, `clickhouse`, `databricks`, `duckdb`, `hive`, `mssql`, `mysql`, `oracle`,
    /// `postgres`, `redshift`, `snowflake`, `spark`, `sqlite`, or what most of them have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"postgres", extend("default" = "generic"))]
    pub dialect: Option<String>,
    /// `rouge-n`: how many words are compared at once, from 1 to 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 2, extend("default" = 1))]
    pub n: Option<usize>,
    /// `rouge-n`, `rouge-l`: `"precision"` is the share of the answer that is expected, `"recall"` the share of what is
    /// expected that the answer has, and `"f1"` their harmonic mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"recall", extend("default" = "f1"))]
    pub compared: Option<Compared>,
    /// `levenshtein`: how many letters may differ in a right answer; the others are wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    pub max_distance: Option<usize>,
    /// `command`: the program and its arguments. `code`: the interpreter and its arguments.
    #[serde(default, deserialize_with = "words", skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["python3", "score.py"])]
    pub command: Option<Vec<String>>,
    /// `command`, `code`: the time limit for one answer, such as `30s`; the default is `30s`, for `code` `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"30s")]
    pub timeout: Option<String>,
    /// `command`: environment variables that the program gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["DATABASE_URL"])]
    pub env: Option<Vec<String>>,
    /// `code`: the memory of one process, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 256, extend("default" = 512))]
    pub memory_mb: Option<u64>,
    /// `code`: the last statement of a program, which prints `{token}`. Known for `python`, `node`, `ruby`, `perl`, `lua` and shells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"print('{token}')")]
    pub ending: Option<String>,
    /// `code`: whether the program is shut in. Without it `command` must do so, such as with `docker run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = false, extend("default" = true))]
    pub sandbox: Option<bool>,
    /// `all-of`, `one-of`, `mean-of`: the scorers that it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = [ScoreTable::example()])]
    pub of: Option<Vec<ScoreTable>>,
    /// `rubric`, `grade`: what the judge grades, instead of `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = [CriterionTable::example()])]
    pub criteria: Option<Vec<CriterionTable>>,
    /// `rubric`: whether the judge is shown the row's answer beside the answer that it grades.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true, extend("default" = false))]
    pub reference: Option<bool>,
    /// `pairwise`: the column of the answer that others are compared with, instead of the row's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"answer_in_production")]
    pub against: Option<String>,
    /// `rubric`, `pairwise`: how the grades of several judges become one, for each criterion by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"median", extend("default" = "mean"))]
    pub rule: Option<PanelRule>,
    /// `assertions`: the column that holds them, instead of the row's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"__expected")]
    pub column: Option<String>,
    /// Kinds that compare with the row's answer: the row's answer is a list, and each of its items is
    /// right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true)]
    pub any_of: Option<bool>,
    /// Any kind: what happens to the reasoning of an answer; the default is `"strip"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"keep", extend("default" = "strip"))]
    pub reasoning: Option<Reasoning>,
    /// Any kind: a pattern; the first group of its last match is scored instead of the whole
    /// answer. An answer that it does not match is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Answer: (.*)")]
    pub extract: Option<String>,
    /// Any kind: the normalization of texts before comparing; the default is `["trim"]`. JSON and
    /// numbers are read as they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["trim", "lower"], extend("default" = ["trim"]))]
    pub normalize: Option<Vec<Normalize>>,
    /// Any kind: an answer whose score is this or more is right (1), and any other is wrong (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 0.75)]
    pub threshold: Option<f64>,
    /// Any kind: its weight among all scorers; the default is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 0.5, extend("default" = 1.0))]
    pub weight: Option<f64>,
    /// Any kind: its name in metrics; the default is the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"format")]
    pub name: Option<String>,
}

/// A kind of mistake, and what it costs. Without `expected` it is any other label's row, without `answered` any wrong label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct MistakeTable {
    /// The row's right label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The label that the answer names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// What it costs, in any unit, 0 or more.
    pub cost: f64,
}

impl MistakeTable {
    /// One for the reference.
    fn example() -> Self {
        Self { expected: Some("claims".to_owned()), answered: None, cost: 5.0 }
    }
}

/// One thing that a judge grades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CriterionTable {
    /// Its name, which is that of its metric: letters, digits, `-` and `_`.
    #[schemars(example = &"polite")]
    pub name: String,
    /// What is asked about the answer.
    #[schemars(example = &"Is the answer polite?")]
    pub question: String,
    /// The levels of which the judge chooses one; without them it is yes (1) or no (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = [LevelTable::example(0.0, "rude"), LevelTable::example(2.0, "warm")])]
    pub levels: Option<Vec<LevelTable>>,
    /// How much it counts beside the other criteria, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 2.0, extend("default" = 1.0))]
    pub weight: Option<f64>,
}

impl CriterionTable {
    /// One for the reference.
    fn example() -> Self {
        let (name, question) = ("polite".to_owned(), "Is the answer polite?".to_owned());
        Self { name, question, levels: None, weight: None }
    }
}

/// One level of a criterion. The lowest counts 0, the highest 1, and the others lie between them as their numbers do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelTable {
    /// Its number, which no other level of the criterion has.
    #[schemars(example = 2)]
    pub score: f64,
    /// Which answers are on it.
    #[schemars(example = &"It thanks the customer and apologizes.")]
    pub text: String,
}

impl LevelTable {
    /// One for the reference.
    fn example(score: f64, text: &str) -> Self {
        Self { score, text: text.to_owned() }
    }
}

/// Which share of common words is a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Compared {
    /// The harmonic mean of the other two.
    #[default]
    F1,
    /// Of the answer.
    Precision,
    /// Of the expected text.
    Recall,
}

/// One step of normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Normalize {
    /// Removes white space at both ends.
    Trim,
    /// Ignores case: converts to lower case, and `ß` to `ss`.
    Lower,
    /// Replaces runs of white space by one space.
    SqueezeSpace,
    /// Removes punctuation.
    StripPunctuation,
}

impl ScoreTable {
    /// Whether it, or a scorer that it is made of, is of a kind.
    pub(crate) fn names(&self, kind: &str) -> bool {
        self.kind.strip_prefix("not-").unwrap_or(&self.kind) == kind
            || self.of.iter().flatten().any(|part| part.names(kind))
    }

    /// The scorers that it is made of.
    pub(crate) fn parts(&self) -> &[Self] {
        self.of.as_deref().unwrap_or_default()
    }

    /// The files that it names schemas by.
    pub(crate) fn schema_files(&self) -> Vec<&str> {
        let own = self.schema.as_ref().and_then(serde_json::Value::as_str);
        own.into_iter().chain(self.of.iter().flatten().flat_map(Self::schema_files)).collect()
    }

    /// The same with the schemas of files in their place, given the texts of the files.
    ///
    /// # Errors
    /// A text that is no JSON: a lower-case sentence without a full stop.
    pub(crate) fn with_schemas(
        mut self,
        texts: &BTreeMap<PathBuf, String>,
    ) -> Result<Self, String> {
        if let Some(serde_json::Value::String(file)) = &self.schema
            && let Some(text) = texts.get(Path::new(file))
        {
            let schema = serde_json::from_str::<serde_json::Value>(text);
            let schema = schema.map_err(|error| format!("`{file}` is not JSON: {error}"))?;
            // A text would be taken for the name of a file.
            self.schema = Some(if schema.is_string() { serde_json::Value::Null } else { schema });
        }
        let of = self.of.map(|of| of.into_iter().map(|it| it.with_schemas(texts)).collect());
        self.of = of.transpose()?;
        Ok(self)
    }

    /// The keys that belong to some kinds, and whether each is there.
    pub(super) fn keys_of_some_kinds(&self) -> [(&'static str, bool); 26] {
        [
            ("value", self.value.is_some()),
            ("labels", self.labels.is_some()),
            ("mistakes", self.mistakes.is_some()),
            ("none", self.none.is_some()),
            ("pattern", self.pattern.is_some()),
            ("tolerance", self.tolerance.is_some()),
            ("relative_tolerance", self.relative_tolerance.is_some()),
            ("fields", self.fields.is_some()),
            ("schema", self.schema.is_some()),
            ("dialect", self.dialect.is_some()),
            ("n", self.n.is_some()),
            ("compared", self.compared.is_some()),
            ("max_distance", self.max_distance.is_some()),
            ("command", self.command.is_some()),
            ("timeout", self.timeout.is_some()),
            ("env", self.env.is_some()),
            ("memory_mb", self.memory_mb.is_some()),
            ("ending", self.ending.is_some()),
            ("sandbox", self.sandbox.is_some()),
            ("of", self.of.is_some()),
            ("criteria", self.criteria.is_some()),
            ("reference", self.reference.is_some()),
            ("against", self.against.is_some()),
            ("rule", self.rule.is_some()),
            ("column", self.column.is_some()),
            ("any_of", self.any_of.is_some()),
        ]
    }

    /// The keys that say which part of an answer counts, and whether each is there.
    pub(super) fn keys_of_answers(&self) -> [(&'static str, bool); 3] {
        [
            ("reasoning", self.reasoning.is_some()),
            ("extract", self.extract.is_some()),
            ("normalize", self.normalize.is_some()),
        ]
    }

    /// One for the reference.
    fn example() -> Self {
        Self { kind: "is-json".to_owned(), ..Self::default() }
    }
}

/// A mistake in a `[[score]]` table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScorerError {
    /// The key that is invalid or missing.
    pub key: &'static str,
    /// What is wrong: a lower-case sentence without a full stop.
    pub message: String,
    /// A hint for the user.
    pub help: Option<String>,
}

impl ScorerError {
    pub(super) fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A command is a list of words, so that no shell is involved; a single string is an error with a
/// hint.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    struct Words;
    impl<'de> serde::de::Visitor<'de> for Words {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of words such as [\"python3\", \"score.py\"]")
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut list: A,
        ) -> Result<Vec<String>, A::Error> {
            let mut words = Vec::new();
            while let Some(word) = list.next_element()? {
                words.push(word);
            }
            Ok(words)
        }
    }
    deserializer.deserialize_seq(Words).map(Some)
}
