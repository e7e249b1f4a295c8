//! The roles of columns: which one is the id, the answer, the feedback, the group; makes examples of
//! rows.
//!
//! Whether an answer can be scored is checked by the scorers.

use super::row::{Row, column_name};
use crate::id::ExampleId;
use crate::prompt::{Columns, value_text};
use crate::source::SourceError;
use crate::source::json;
use crate::task::example::{Example, RowOrigin};
use crate::text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

/// The roles of columns. A column called `answer`, `id` or `feedback` needs no entry, and neither does
/// `ID`, if its values are unique; the group column must be named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnMap {
    /// The id of a row; without such a column, rows are numbered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"ticket")]
    pub id: Option<String>,
    /// The expected answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"label")]
    pub answer: Option<String>,
    /// An explanation of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"why")]
    pub feedback: Option<String>,
    /// The group; rows of one group stay in one split.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"thread")]
    pub group: Option<String>,
    /// How much a row counts in the score: a number above 0, beside those of the other rows. Without it all rows count
    /// alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"amount")]
    pub weight: Option<String>,
    /// Whether a row must pass: `true` or `false`, and empty for `false`. A prompt that does not get such a row wholly right
    /// is no winner, whatever its score.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"critical")]
    pub must_pass: Option<String>,
    /// Whether a model wrote the row: true or false; `synthetic`, where there is such a column. Such rows are never held out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"generated")]
    pub synthetic: Option<String>,
    /// Whether a person accepted a row that a model wrote: true or false; `reviewed`, where there is such a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"accepted")]
    pub reviewed: Option<String>,
}

/// The columns with a role.
pub(super) struct Roles {
    names: Vec<String>,
    id: Option<String>,
    answer: String,
    feedback: Option<String>,
    group: Option<String>,
    weight: Option<String>,
    must_pass: Option<String>,
    synthetic: Option<String>,
    /// Only beside a column that says which rows are synthetic.
    reviewed: Option<String>,
    is_table: bool,
}

impl Roles {
    pub(super) fn find(
        path: &Path,
        rows: &[Row],
        map: &ColumnMap,
        is_table: bool,
    ) -> Result<Self, SourceError> {
        let names = column_names(rows);
        let there = |name: &str| names.iter().any(|it| it == name);
        let named = |role: &str, name: &str| {
            let plain = column_name(name);
            if there(&plain) {
                return Ok(plain.into_owned());
            }
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let message = format!(
                "there is no column `{name}`, which should hold the {role}; the columns are: {}",
                known.join(", ")
            );
            let help = match text::did_you_mean(name, known.iter().copied()) {
                Some(near) => {
                    format!("did you mean `{near}`? write columns = {{ {role} = \"{near}\" }}")
                }
                None => format!("name the column: columns = {{ {role} = \"…\" }}"),
            };
            Err(SourceError::new(path, message).help(help))
        };
        let answer = named("answer", map.answer.as_deref().unwrap_or("answer"))?;
        let optional = |role: &str, mapped: &Option<String>, usual: &str| match mapped {
            Some(name) => named(role, name).map(Some),
            None => Ok((there(usual) && usual != answer).then(|| usual.to_owned())),
        };
        let id = match &map.id {
            Some(name) => Some(named("id", name)?),
            None => usual_id(rows, &names).filter(|name| *name != answer).map(str::to_owned),
        };
        // A column that happens to be called so, and holds something else, is a column like others.
        let mark = |role: &str, mapped: &Option<String>, usual: &str| {
            let found = optional(role, mapped, usual)?;
            let is_mark = |name: &String| rows.iter().all(|it| flag(it.values.get(name)).is_ok());
            Ok(found.filter(|name| mapped.is_some() || is_mark(name)))
        };
        let synthetic = mark("mark of synthetic rows", &map.synthetic, SYNTHETIC)?;
        let reviewed = match &synthetic {
            Some(_) => mark("mark of reviewed rows", &map.reviewed, REVIEWED)?,
            None => None,
        };
        Ok(Self {
            id,
            synthetic,
            reviewed,
            feedback: optional("feedback", &map.feedback, "feedback")?,
            group: map.group.as_ref().map(|name| named("group", name)).transpose()?,
            weight: map.weight.as_ref().map(|name| named("weight", name)).transpose()?,
            must_pass: map.must_pass.as_ref().map(|name| named("must_pass", name)).transpose()?,
            is_table,
            answer,
            names,
        })
    }

    pub(super) fn examples(
        &self,
        path: &Path,
        rows: Vec<Row>,
    ) -> Result<Vec<Example>, SourceError> {
        let mut lines: HashMap<ExampleId, usize> = HashMap::new();
        let mut examples = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let example = self.example(path, index + 1, row)?;
            if let Some(first) = lines.insert(example.id.clone(), example.line) {
                let message = format!("the id `{}` is already used on line {first}", example.id);
                return Err(SourceError::new(path, message).at_line(example.line).help(
                    "give every row a unique id, or name another column: columns = { id = \"…\" }",
                ));
            }
            examples.push(example);
        }
        Ok(examples)
    }

    fn example(&self, path: &Path, number: usize, row: Row) -> Result<Example, SourceError> {
        let Row { line, mut values, numbers } = row;
        let wrong = |message: String| SourceError::new(path, message).at_line(line);
        let id = match self.id.as_deref().map(|name| (name, values.get(name))) {
            None => number.to_string(),
            Some((name, Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))))) => {
                filled_text(value).map(|id| id.trim().to_owned()).ok_or_else(|| {
                    wrong(format!("row {number} has an empty id in column `{name}`"))
                })?
            }
            Some((name, None | Some(Value::Null))) => {
                return Err(wrong(format!("row {number} has no id in column `{name}`"))
                    .help("give every row an id, or remove the column; then rows are numbered"));
            }
            Some((name, Some(_))) => {
                return Err(wrong(format!(
                    "the id of row {number} in column `{name}` is neither a text nor a number"
                )));
            }
        };
        let answer = self.answer_of(&values).ok_or_else(|| {
            wrong(format!("row {number} has no answer in column `{}`", self.answer))
                .help("add the answer, or remove the row")
        })?;
        let feedback = self.feedback.as_ref().and_then(|name| filled_text(values.get(name)?));
        let group = self.group.as_ref().and_then(|name| filled_text(values.get(name)?));
        let weight = match &self.weight {
            None => 1.0,
            Some(name) => weight(values.get(name)).map_err(|why| {
                wrong(format!("row {number} {why} in column `{name}`"))
                    .help("a weight is a number above 0; leave a row out that is not to count")
            })?,
        };
        let must_pass = match &self.must_pass {
            None => false,
            Some(name) => flag(values.get(name)).map_err(|text| {
                let text = text::shorten(&text, 40);
                wrong(format!(
                    "row {number} has `{text}` in column `{name}`, which says whether it must pass"
                ))
                .help("write true or false; empty is false")
            })?,
        };
        let origin = self.origin(&values).map_err(|(name, found)| {
            wrong(format!("row {number} has `{found}` in column `{name}`"))
                .help("write true or false; an empty cell is false")
        })?;
        // They are about the row, and not of it: its hash stays the same once it is reviewed.
        for name in self.synthetic.iter().chain(&self.reviewed) {
            values.shift_remove(name);
        }
        values.shift_remove(&self.answer);
        if let Some(name) = &self.feedback {
            values.shift_remove(name);
        }
        for name in &self.names {
            if *name != self.answer
                && ![&self.feedback, &self.synthetic, &self.reviewed].contains(&&Some(name.clone()))
                && !values.contains_key(name)
            {
                values.insert(name.clone(), Value::Null);
            }
        }
        Ok(Example {
            id: ExampleId::new(id),
            columns: values,
            numbers,
            answer,
            feedback,
            group,
            weight,
            must_pass,
            origin,
            file: 0,
            line,
        })
    }

    /// Who wrote a row; else the column and the value that does not say it.
    fn origin(&self, values: &Columns) -> Result<RowOrigin, (String, String)> {
        let is = |column: &Option<String>| match column {
            None => Ok(false),
            Some(name) => {
                flag(values.get(name)).map_err(|found| (name.clone(), text::shorten(&found, 40)))
            }
        };
        Ok(match (is(&self.synthetic)?, is(&self.reviewed)?) {
            (false, _) => RowOrigin::Collected,
            (true, true) => RowOrigin::Reviewed,
            (true, false) => RowOrigin::Unreviewed,
        })
    }

    fn answer_of(&self, values: &Columns) -> Option<Value> {
        let value = values.get(&self.answer).filter(|value| !value.is_null())?;
        match value {
            Value::String(cell) if self.is_table => {
                let cell_text = cell.trim();
                if cell_text.is_empty() {
                    return None;
                }
                let json = cell_text
                    .starts_with(['{', '['])
                    .then(|| json::parse(cell_text).ok())
                    .flatten();
                Some(json.unwrap_or_else(|| value.clone()))
            }
            _ => Some(value.clone()),
        }
    }
}

/// The column that marks rows that a model wrote, and the one that marks those of them that a person accepted.
pub(crate) const SYNTHETIC: &str = "synthetic";
pub(crate) const REVIEWED: &str = "reviewed";

/// A flag as data have it. The error is what is there.
fn flag(value: Option<&Value>) -> Result<bool, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(false),
        Some(value) => value_text(value).trim().to_lowercase(),
    };
    match text.as_str() {
        "true" | "yes" | "1" => Ok(true),
        "" | "false" | "no" | "0" => Ok(false),
        _ => Err(text),
    }
}

/// The largest weight: the sum of many stays a number.
const MOST_WEIGHT: f64 = 1e12;

/// How much a row counts; else what is wrong with its value, as the middle of a sentence.
fn weight(value: Option<&Value>) -> Result<f64, String> {
    let text = value.and_then(filled_text).ok_or("has no weight")?;
    let number = match value {
        Some(Value::Number(_) | Value::String(_)) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    match number.filter(|number| !number.is_nan()) {
        Some(number) if number > MOST_WEIGHT => {
            Err(format!("has the weight {number}, which is above {MOST_WEIGHT},"))
        }
        Some(number) if number > 0.0 => Ok(number),
        Some(number) => Err(format!("has the weight {number}, which is not above 0,")),
        None => Err(format!("has a weight that is not a number, `{}`,", text::shorten(&text, 40))),
    }
}

/// The column of ids where the task names none: `id`, or else `ID` or `Id`, if its values can be ids.
fn usual_id<'a>(rows: &[Row], names: &'a [String]) -> Option<&'a str> {
    let called = |name: &&String| is_called_id(name);
    let exact = names.iter().find(|name| *name == USUAL_ID);
    let fits = |name: &&String| {
        let mut seen = HashSet::new();
        rows.iter().all(|row| {
            let id = row.values.get(*name).filter(|it| !it.is_array() && !it.is_object());
            id.and_then(filled_text).is_some_and(|id| seen.insert(id.trim().to_owned()))
        })
    };
    exact.or_else(|| names.iter().filter(called).find(fits)).map(String::as_str)
}

/// The usual name of the column of ids.
const USUAL_ID: &str = "id";

/// Whether a column is called `id`, in any case.
pub(crate) fn is_called_id(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case(USUAL_ID)
}

/// The union of all rows' columns, in the order in which they first appear.
fn column_names(rows: &[Row]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for name in rows.iter().flat_map(|row| row.values.keys()) {
        if !seen.contains(name.as_str()) {
            seen.insert(name.as_str());
            names.push(name.clone());
        }
    }
    names
}

/// A value's text, unless it is blank.
pub(super) fn filled_text(value: &Value) -> Option<String> {
    let text = value_text(value);
    (!text.trim().is_empty()).then(|| text.into_owned())
}
