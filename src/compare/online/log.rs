//! A log of an online test, gathered by unit: which arm each unit is in, and what came of it.
//!
//! A unit is what was assigned to an arm: a user, a session, an account. Its lines are read one at a time and only their sums
//! are kept. What the numbers say is `super`'s business.

use crate::prompt::Columns;
use crate::source::SourceError;
use crate::task::dataset::{Quirks, Row, RowReader};
use crate::text;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Seconds since 1970 above this are milliseconds: no log is from the year 5138.
const LATEST_SECOND: f64 = 1e11;

/// What the columns of a log are called.
#[derive(Clone, Debug)]
pub struct LogColumns {
    /// The column of who was assigned.
    pub unit: String,
    /// The column of the arm.
    pub arm: String,
    /// The column of what came of it: a number, or whether something happened.
    pub outcome: String,
    /// The column of what a line cost, in dollars.
    pub cost: Option<String>,
    /// The column of the time: RFC 3339, or seconds or milliseconds since 1970.
    pub time: Option<String>,
    /// The columns by whose values the units are divided.
    pub segments: Vec<String>,
}

/// One unit with what its lines say.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The place of its arm in [`Log::arms`].
    pub arm: usize,
    /// Its mean outcome.
    pub outcome: f64,
    /// What its lines cost together in dollars, where one of them has a cost.
    pub cost: Option<f64>,
    /// Its first line, where lines have a time.
    pub first: Option<Timestamp>,
    /// The value of each segment column on its first line.
    pub segments: Vec<Option<String>>,
}

/// A log by unit.
#[derive(Clone, Debug)]
pub struct Log {
    /// The names of the arms, sorted.
    pub arms: Vec<String>,
    /// The units of one arm, in the order of their first lines.
    pub units: Vec<Unit>,
    /// Lines.
    pub lines: u64,
    /// Units with lines in several arms. They belong to none and are left out.
    pub mixed: u64,
}

/// A unit while its lines are read.
struct Gathered {
    arm: usize,
    is_mixed: bool,
    lines: f64,
    outcome: f64,
    cost: Option<f64>,
    first: Option<Timestamp>,
    segments: Vec<Option<String>>,
}

impl Log {
    /// Reads a log, of any format that rows come in.
    ///
    /// # Errors
    /// A file that cannot be read, a column that it lacks, a line without a unit, arm or outcome, a value that is no number or time:
    /// each with its line.
    pub fn read(file: &Path, columns: &LogColumns) -> Result<Self, SourceError> {
        let mut arms: Vec<String> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut gathered: Vec<Gathered> = Vec::new();
        let mut lines = 0;
        for row in RowReader::open(file, Quirks::Refuse)? {
            let row = row?;
            if lines == 0 {
                columns.check(file, &row.values)?;
            }
            lines += 1;
            let line = Line { file, row: &row };
            let name = line.text(&columns.arm)?;
            let arm = arms.iter().position(|it| *it == name).unwrap_or_else(|| {
                arms.push(name);
                arms.len() - 1
            });
            let outcome = line.number(&columns.outcome)?;
            let outcome = outcome.ok_or_else(|| line.missing(&columns.outcome))?;
            let cost = columns.cost.as_ref().map(|name| line.number(name)).transpose()?.flatten();
            let time = columns.time.as_ref().map(|name| line.time(name)).transpose()?;
            let place = *places.entry(line.text(&columns.unit)?).or_insert_with(|| {
                let value = |name: &String| line.value(name).map(text_of);
                gathered.push(Gathered {
                    arm,
                    is_mixed: false,
                    lines: 0.0,
                    outcome: 0.0,
                    cost: None,
                    first: None,
                    segments: columns.segments.iter().map(value).collect(),
                });
                gathered.len() - 1
            });
            let unit = &mut gathered[place];
            unit.is_mixed |= unit.arm != arm;
            unit.lines += 1.0;
            unit.outcome += outcome;
            if let Some(cost) = cost {
                *unit.cost.get_or_insert(0.0) += cost;
            }
            unit.first = [unit.first, time].into_iter().flatten().min();
        }
        if lines == 0 {
            return Err(SourceError::new(file, "the log has no lines"));
        }
        Ok(Self::of(arms, gathered, lines))
    }

    /// The same with the arms in the order of their names.
    fn of(arms: Vec<String>, gathered: Vec<Gathered>, lines: u64) -> Self {
        let mut sorted = arms.clone();
        sorted.sort();
        let place = |arm: usize| sorted.iter().position(|name| *name == arms[arm]).unwrap_or(arm);
        let mixed = gathered.iter().filter(|unit| unit.is_mixed).count() as u64;
        let mut units: Vec<Unit> = gathered
            .into_iter()
            .filter(|unit| !unit.is_mixed)
            .map(|unit| Unit {
                arm: place(unit.arm),
                outcome: unit.outcome / unit.lines,
                cost: unit.cost,
                first: unit.first,
                segments: unit.segments,
            })
            .collect();
        units.sort_by_key(|unit| unit.first);
        Self { arms: sorted, units, lines, mixed }
    }
}

impl LogColumns {
    /// Checks that a line has every column.
    fn check(&self, file: &Path, values: &Columns) -> Result<(), SourceError> {
        let named = [&self.unit, &self.arm, &self.outcome].into_iter();
        let named = named.chain(&self.cost).chain(&self.time).chain(&self.segments);
        for name in named {
            if !values.contains_key(name) {
                let known: Vec<&str> = values.keys().map(String::as_str).collect();
                let message = format!("there is no column `{name}`");
                return Err(SourceError::new(file, message).help(text::suggestion(name, &known)));
            }
        }
        Ok(())
    }
}

/// One line of a log, for what is wrong with it.
struct Line<'a> {
    file: &'a Path,
    row: &'a Row,
}

impl Line<'_> {
    /// A value that says something.
    fn value(&self, name: &str) -> Option<&Value> {
        self.row.values.get(name).filter(|value| !matches!(value, Value::Null) && !is_blank(value))
    }

    fn text(&self, name: &str) -> Result<String, SourceError> {
        self.value(name).map(text_of).ok_or_else(|| self.missing(name))
    }

    /// A number, or 1 and 0 for yes and no.
    fn number(&self, name: &str) -> Result<Option<f64>, SourceError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = match value {
            Value::Bool(is) => Some(f64::from(u8::from(*is))),
            Value::Number(number) => number.as_f64(),
            other => match text_of(other).to_lowercase().as_str() {
                "true" | "yes" => Some(1.0),
                "false" | "no" => Some(0.0),
                text => text.parse().ok(),
            },
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(name, value, "is not a number, true or false")),
        }
    }

    fn time(&self, name: &str) -> Result<Timestamp, SourceError> {
        let value = self.value(name).ok_or_else(|| self.missing(name))?;
        let text = text_of(value);
        let seconds = text.parse().ok().map(|number: f64| match number > LATEST_SECOND {
            true => number / 1_000.0,
            false => number,
        });
        let time = match seconds {
            Some(seconds) => Timestamp::from_millisecond((seconds * 1_000.0) as i64).ok(),
            None => text.parse().ok(),
        };
        time.ok_or_else(|| {
            self.wrong(
                name,
                value,
                "is not a time: write 2026-11-30T09:00:00Z, or seconds since 1970",
            )
        })
    }

    fn missing(&self, name: &str) -> SourceError {
        let message = format!("this line has no value in column `{name}`");
        SourceError::new(self.file, message).at_line(self.row.line)
    }

    fn wrong(&self, name: &str, value: &Value, what: &str) -> SourceError {
        let shown = text::shorten(&text::one_line(&text_of(value)), 40);
        let message = format!("`{shown}` in column `{name}` {what}");
        SourceError::new(self.file, message).at_line(self.row.line)
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}
