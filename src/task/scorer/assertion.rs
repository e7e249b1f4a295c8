//! Assertions in promptfoo's words, as tables of `[[score]]`.
//!
//! Both ways to write one are read: a cell such as `not-icontains: sorry` or `similar(0.8): hello`, and an object with
//! `type`, `value`, `threshold` and `weight`. What depends on a program, time or cost has no table, and neither has what another model than a judge says.

use super::Scorer;
use super::table::{Compared, Normalize, ScoreTable};
use crate::prompt::value_text;
use serde_json::{Map, Value};

/// One assertion as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assertion {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) threshold: Option<f64>,
    pub(crate) weight: Option<f64>,
}

/// All names of assertions, so that in a cell `note: x` is a text and `cost: 1` an assertion.
const NAMES: &[&str] = &[
    "answer-relevance",
    "bleu",
    "classifier",
    "contains",
    "contains-all",
    "contains-any",
    "contains-html",
    "contains-json",
    "contains-sql",
    "contains-xml",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "cost",
    "equals",
    "eval",
    "factuality",
    "finish-reason",
    "fn",
    "g-eval",
    "gleu",
    "grade",
    "guardrails",
    "icontains",
    "icontains-all",
    "icontains-any",
    "is-html",
    "is-json",
    "is-refusal",
    "is-sql",
    "is-valid-function-call",
    "is-valid-openai-function-call",
    "is-valid-openai-tools-call",
    "is-xml",
    "javascript",
    "latency",
    "levenshtein",
    "llm-rubric",
    "meteor",
    "model-graded-closedqa",
    "model-graded-factuality",
    "moderation",
    "perplexity",
    "perplexity-score",
    "pi",
    "python",
    "regex",
    "rouge-n",
    "ruby",
    "search-rubric",
    "select-best",
    "similar",
    "starts-with",
    "webhook",
    "word-count",
    // Those of this program alone.
    "f1",
    "rouge-l",
    "sql",
];

/// The keys of an assertion that is written as an object.
const KEYS: &[&str] = &["type", "value", "threshold", "weight", "assert", "metric"];

impl Assertion {
    /// An assertion as a cell has it: `contains: x`, or a bare text that must be equal.
    pub(crate) fn of_cell(cell: &str) -> Self {
        let cell = cell.trim();
        let (head, rest) = cell.split_once(':').unwrap_or((cell, ""));
        let (name, threshold) = head.split_once('(').unwrap_or((head, ""));
        let name = name.trim();
        let positive = name.strip_prefix("not-").unwrap_or(name);
        let is_named = NAMES.contains(&positive)
            // A cell that is one of the names alone, such as `contains`, is a text.
            && (cell.contains(':')
                || positive.starts_with("is-")
                // `latency(1000)` has no value.
                || matches!(positive, "cost" | "latency" | "perplexity") && cell.ends_with(')'));
        let (name, value) = if is_named { (name, rest.trim()) } else { ("equals", cell) };
        let threshold = threshold.trim().trim_end_matches(')').parse().ok().filter(|_| is_named);
        // It has one threshold in cells, and another in objects.
        let of_cells = (positive == "similar").then_some(0.8);
        Self {
            name: name.to_owned(),
            value: value.into(),
            threshold: threshold.or(of_cells),
            weight: None,
        }
    }

    /// The name that a cell begins with, where it is nearly that of an assertion.
    pub(crate) fn mistyped(cell: &str) -> Option<&'static str> {
        let head = cell.trim().split_once(':')?.0.split('(').next()?.trim();
        let positive = head.strip_prefix("not-").unwrap_or(head);
        let is_near = |name: &&&str| name.len() > 5 && strsim::osa_distance(positive, name) <= 2;
        if NAMES.contains(&positive) {
            return None;
        }
        NAMES.iter().find(is_near).copied()
    }

    /// An assertion as an object has it.
    ///
    /// # Errors
    /// What is wrong with it: a lower-case sentence without a full stop.
    pub(crate) fn of_object(object: &Map<String, Value>) -> Result<Self, String> {
        let name =
            object.get("type").and_then(Value::as_str).ok_or("an assertion has no `type`")?;
        if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("`{key}` of the assertion `{name}` is not supported"));
        }
        let number = |key: &str| match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_f64()
                .map(Some)
                .ok_or_else(|| format!("`{key}` of the assertion `{name}` is no number")),
        };
        let value = object.get("value").or(object.get("assert")).cloned().unwrap_or_default();
        let (threshold, weight) = (number("threshold")?, number("weight")?);
        Ok(Self { name: name.to_owned(), value, threshold, weight })
    }

    /// The assertion as an object has it.
    pub(crate) fn as_object(&self) -> Value {
        serde_json::json!({
            "type": self.name, "value": self.value, "threshold": self.threshold, "weight": self.weight,
        })
    }

    /// Whether its threshold means something.
    pub(crate) fn takes_threshold(&self) -> bool {
        let graded = [
            "assert-set",
            "bleu",
            "f1",
            "levenshtein",
            "llm-rubric",
            "rouge-l",
            "rouge-n",
            "similar",
        ];
        graded.contains(&self.positive())
    }

    fn positive(&self) -> &str {
        self.name.strip_prefix("not-").unwrap_or(&self.name)
    }

    /// The table that means the same.
    ///
    /// # Errors
    /// There is none, or the value cannot be used: a lower-case sentence without a full stop.
    pub(crate) fn table(&self) -> Result<ScoreTable, String> {
        let table = self.unchecked()?;
        let unusable =
            |reason: String| format!("`{}` with this value cannot be scored: {reason}", self.name);
        match Scorer::new(&table) {
            Ok(_) if value_text(&self.value).starts_with("file://") => {
                Err(unusable("it names a file".to_owned()))
            }
            Ok(_) => Ok(table),
            Err(error) => Err(unusable(error.message)),
        }
    }

    fn unchecked(&self) -> Result<ScoreTable, String> {
        let positive = self.positive();
        let text = value_text(&self.value).into_owned();
        let lower = || Some(vec![Normalize::Trim, Normalize::Lower]);
        let mut table = ScoreTable { kind: positive.to_owned(), ..ScoreTable::default() };
        match positive {
            "equals" if self.value.is_object() || self.value.is_array() => {
                table.value = Some(self.value.clone());
            }
            "equals" | "contains" | "starts-with" => table.value = Some(text.into()),
            "icontains" => {
                table.kind = "contains".to_owned();
                (table.value, table.normalize) = (Some(text.into()), lower());
            }
            "contains-any" | "contains-all" | "icontains-any" | "icontains-all" => {
                let each = positive.strip_suffix("-any").or(positive.strip_suffix("-all"));
                table = self.combined(
                    if positive.ends_with("-any") { "one-of" } else { "all-of" },
                    self.items().into_iter().map(|item| {
                        let name = each.unwrap_or_default().to_owned();
                        Self { name, value: item.into(), threshold: None, weight: None }.table()
                    }),
                )?;
            }
            "regex" => match text.is_empty() {
                true => return Err("`regex` without a pattern cannot be scored".to_owned()),
                false => table.pattern = Some(text),
            },
            "is-json" | "contains-json" => {
                table.schema = self.schema()?;
                if positive == "contains-json" {
                    table.kind = "json-schema".to_owned();
                    table.schema = table.schema.or_else(|| Some(Map::new().into()));
                }
            }
            "is-sql" => table.dialect = Some(self.dialect()?),
            "levenshtein" => {
                // A threshold of 0 is not one to promptfoo.
                let most = self.threshold.filter(|most| *most > 0.0).unwrap_or(5.0);
                (table.value, table.max_distance) = (Some(text.into()), Some(most as usize));
            }
            "bleu" | "rouge-n" | "similar" if self.value.is_array() => {
                table = self.combined(
                    "one-of",
                    self.items().into_iter().map(|item| {
                        Self {
                            name: positive.to_owned(),
                            value: item.into(),
                            weight: None,
                            ..*self
                        }
                        .table()
                    }),
                )?;
            }
            "bleu" | "rouge-n" | "similar" => {
                let usual = if positive == "bleu" { 0.5 } else { 0.75 };
                (table.value, table.threshold) =
                    (Some(text.into()), self.threshold.or(Some(usual)));
                // What promptfoo calls ROUGE-N is the share of the expected words.
                table.compared = (positive == "rouge-n").then_some(Compared::Recall);
            }
            // A judge grades all answers: there is none for one row.
            "llm-rubric" if text.trim().is_empty() => {
                return Err("`llm-rubric` without a rubric cannot be scored".to_owned());
            }
            "llm-rubric" => {
                table.kind = "rubric".to_owned();
                (table.value, table.threshold) = (Some(text.into()), self.threshold);
            }
            "f1" | "rouge-l" | "sql" => {
                (table.value, table.threshold) = (Some(text.into()), self.threshold);
            }
            "assert-set" => {
                let each = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
                let kind = if self.threshold.is_some() { "mean-of" } else { "all-of" };
                table = self.combined(
                    kind,
                    each.iter().map(|item| {
                        let object = item.as_object().ok_or("an assertion is no object")?;
                        let mut part = Self::of_object(object)?;
                        part.weight = part.weight.filter(|_| self.threshold.is_some());
                        part.table()
                    }),
                )?;
                table.threshold = self.threshold;
            }
            _ => return Err(format!("the assertion `{}` is not supported", self.name)),
        }
        if self.name != positive {
            table.kind = format!("not-{}", table.kind);
        }
        table.weight = self.weight.or(table.weight);
        Ok(table)
    }

    /// Several tables as one; one alone needs no list.
    fn combined(
        &self,
        kind: &str,
        parts: impl Iterator<Item = Result<ScoreTable, String>>,
    ) -> Result<ScoreTable, String> {
        let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
        match parts.len() {
            0 => Err(format!("`{}` without a value cannot be scored", self.name)),
            1 if kind != "mean-of" => Ok(parts.remove(0)),
            _ => Ok(ScoreTable { kind: kind.to_owned(), of: Some(parts), ..ScoreTable::default() }),
        }
    }

    /// The texts of a list; in a cell they are separated by commas.
    fn items(&self) -> Vec<String> {
        match &self.value {
            Value::Array(items) => items.iter().map(|it| value_text(it).into_owned()).collect(),
            other => {
                let text = value_text(other);
                let items = text.split(',').map(|it| it.trim().to_owned());
                items.filter(|it| !it.is_empty()).collect()
            }
        }
    }

    fn schema(&self) -> Result<Option<Value>, String> {
        match &self.value {
            Value::Null => Ok(None),
            Value::String(text) if text.trim().is_empty() => Ok(None),
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(schema) if schema.is_object() => Ok(Some(schema)),
                _ => Err(format!("the schema of `{}` is not JSON", self.name)),
            },
            schema => Ok(Some(schema.clone())),
        }
    }

    /// The dialect of `is-sql`; promptfoo's is that of MySQL unless it is told.
    fn dialect(&self) -> Result<String, String> {
        let keys = self.value.as_object();
        if let Some(key) = keys.and_then(|it| it.keys().find(|key| *key != "databaseType")) {
            return Err(format!("`{key}` of `{}` is not supported", self.name));
        }
        let named = keys.and_then(|it| it.get("databaseType")).and_then(Value::as_str);
        let name = named.unwrap_or("mysql").to_lowercase();
        Ok(match name.as_str() {
            "postgresql" => "postgres".to_owned(),
            "mariadb" => "mysql".to_owned(),
            "transactsql" => "mssql".to_owned(),
            _ => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Result<ScoreTable, String> {
        Assertion::of_object(value.as_object().unwrap())?.table()
    }

    #[test]
    fn cells_name_an_assertion_or_are_equal_texts() {
        for (text, name, value, threshold) in [
            ("contains: hello", "contains", "hello", None),
            ("icontains:Hello: you", "icontains", "Hello: you", None),
            ("Paris", "equals", "Paris", None),
            ("Note: call back", "equals", "Note: call back", None),
            ("contains", "equals", "contains", None),
            ("is-json", "is-json", "", None),
            ("not-is-json", "not-is-json", "", None),
            ("similar(0.9): a greeting", "similar", "a greeting", Some(0.9)),
            ("similar: a greeting", "similar", "a greeting", Some(0.8)),
            ("not-contains: sorry", "not-contains", "sorry", None),
            ("regex: ^a:b$", "regex", "^a:b$", None),
            ("levenshtein(3): abc", "levenshtein", "abc", Some(3.0)),
        ] {
            let read = Assertion::of_cell(text);
            let got = (read.name.as_str(), &read.value, read.threshold);
            assert_eq!(got, (name, &json!(value), threshold), "{text}");
        }
        assert_eq!(Assertion::mistyped("contians: x"), Some("contains"));
        assert_eq!(Assertion::mistyped("not-levenstein(3): x"), Some("levenshtein"));
        for text in ["contains: x", "Note: x", "cost: 1", "costs: 1", "content", "see contents: 4"]
        {
            assert_eq!(Assertion::mistyped(text), None, "{text}");
        }
    }

    #[test]
    fn tables_mean_what_promptfoo_means() {
        for (assertion, right, wrong) in [
            (json!({"type": "equals", "value": "a.b"}), " a.b\n", "a.b."),
            (json!({"type": "equals", "value": {"a": 1}}), "{\"a\": 1.0}", "{\"a\": 2}"),
            (json!({"type": "icontains", "value": "Hi"}), "oh hI", "ho"),
            (json!({"type": "contains-any", "value": ["a.b", "c"]}), "c!", "axb"),
            (json!({"type": "contains-all", "value": "a, b"}), "b a", "a"),
            (json!({"type": "icontains-all", "value": ["A"]}), "a", "b"),
            (json!({"type": "not-contains", "value": "sorry"}), "yes", "I am sorry"),
            (json!({"type": "not-icontains-any", "value": ["a", "b"]}), "c", "B"),
            (json!({"type": "regex", "value": "^a.$"}), "ab", "abc"),
            (json!({"type": "is-json", "value": {"required": ["a"]}}), "{\"a\": 1}", "{}"),
            (json!({"type": "is-json", "value": "{\"required\": [\"a\"]}"}), "{\"a\": 1}", "{}"),
            (json!({"type": "not-is-json"}), "no", "{}"),
            (json!({"type": "contains-json"}), "so: {}", "so"),
            (json!({"type": "is-sql"}), "SELECT `a` FROM t", "SELECT FROM"),
            (json!({"type": "levenshtein", "value": "kitten"}), "sitting", "a long way off"),
            (
                json!({"type": "levenshtein", "value": "kitten", "threshold": 2}),
                "mitten",
                "sitting",
            ),
            // Recall: what else the answer says does not count.
            (json!({"type": "rouge-n", "value": "a b c d"}), "x a b c y z w", "a b"),
            (
                json!({"type": "bleu", "value": ["the cat sat down", "a dog"]}),
                "the cat sat",
                "none of it",
            ),
            (json!({"type": "similar", "value": "the cat sat down"}), "The cat sat down!", "No."),
            (
                json!({"type": "assert-set", "assert": [{"type": "contains", "value": "a"}, {"type": "contains", "value": "b"}]}),
                "ab",
                "a",
            ),
            (
                json!({"type": "assert-set", "threshold": 0.7, "assert": [{"type": "contains", "value": "a", "weight": 3}, {"type": "contains", "value": "b"}]}),
                "a",
                "b",
            ),
        ] {
            let scorer = Scorer::new(&object(assertion.clone()).unwrap()).unwrap();
            let score =
                |answer: &str| scorer.score(answer, &row(json!("x"))).unwrap().score.value();
            assert_eq!((score(right), score(wrong)), (1.0, 0.0), "{assertion}");
        }
    }

    #[test]
    fn what_has_no_table_says_why() {
        for (assertion, message) in [
            (json!({"type": "llm-rubric"}), "`llm-rubric` without a rubric"),
            (json!({"type": "cost", "threshold": 1}), "`cost` is not supported"),
            (
                json!({"type": "regex", "value": "(?=a)b"}),
                "cannot be scored: `pattern` is not a pattern",
            ),
            (json!({"type": "contains", "value": ""}), "cannot be scored: `value` is empty"),
            (json!({"type": "contains", "value": "file://a.txt"}), "it names a file"),
            (json!({"type": "contains-any", "value": []}), "without a value"),
            (json!({"type": "is-json", "value": "a: 1"}), "the schema of `is-json` is not JSON"),
            (json!({"type": "is-sql", "value": {"allowedTables": ["a"]}}), "`allowedTables` of"),
            (json!({"type": "is-sql", "value": {"databaseType": "DB9"}}), "no dialect `db9`"),
            (json!({"type": "contains", "value": "a", "weight": 0}), "must be above 0"),
            (json!({"type": "contains", "value": "a", "transform": "x"}), "`transform` of the"),
            (json!({"type": "contains", "value": "a", "weight": "x"}), "is no number"),
            (json!({"value": "a"}), "has no `type`"),
        ] {
            let error = object(assertion.clone()).unwrap_err();
            assert!(error.contains(message), "{assertion}: {error}");
        }
    }
}
