//! A kind of scorer: its name, its keys, and what it does with an answer.
//!
//! One kind is one file, and a line in the list of `mod.rs`. What all kinds have in common is elsewhere:
//! `reasoning`, `extract` and `normalize` in `prepare`; weights, names and `any_of` in [`super::Scorer`].

use super::prepare::Prepare;
use super::program::CommandSpec;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use crate::task::example::Example;
use crate::text;
use serde_json::Value;
use std::fmt::Debug;
use std::sync::Arc;

/// Scores answers. It never fails: an unusable answer is an invalid answer with a reason.
pub(super) trait Kind: Debug + Send + Sync {
    /// Checks that it can use an expected answer.
    ///
    /// # Errors
    /// What is wrong with the expected answer: a lower-case sentence without a full stop.
    fn check(&self, expected: &Value, prepare: &Prepare) -> Result<(), String> {
        let _ = (expected, prepare);
        Ok(())
    }

    /// Scores the part of an answer that counts, given the row and one of its right answers; `None`:
    /// a program must score it.
    fn score(
        &self,
        answer: &str,
        expected: &Value,
        row: &Example,
        prepare: &Prepare,
    ) -> Option<Verdict>;

    /// The program that must score it.
    fn command(&self) -> Option<&CommandSpec> {
        None
    }

    /// The labels that an answer may name.
    fn labels(&self) -> &[String] {
        &[]
    }
}

/// A kind that a task's file can name.
pub(super) trait Named: Kind + Sized + 'static {
    /// Its name in the file.
    const NAME: &'static str;

    /// Its own keys.
    const KEYS: &'static [&'static str] = &[];

    /// Makes it from a table that has no other keys.
    fn new(table: &ScoreTable, prepare: &Prepare) -> Result<Self, ScorerError>;
}

/// Makes a kind of its table.
type New = fn(&ScoreTable, &Prepare) -> Result<Arc<dyn Kind>, ScorerError>;

/// A kind as the list names it.
pub(super) struct Listed {
    pub(super) name: &'static str,
    keys: &'static [&'static str],
    pub(super) new: New,
}

/// The entry of a kind.
pub(super) const fn listed<K: Named>() -> Listed {
    Listed {
        name: K::NAME,
        keys: K::KEYS,
        new: |table, prepare| Ok(Arc::new(K::new(table, prepare)?)),
    }
}

/// The kind of a table, if all of the table's keys belong to it.
pub(super) fn of(
    kinds: &'static [Listed],
    table: &ScoreTable,
) -> Result<&'static Listed, ScorerError> {
    let Some(kind) = kinds.iter().find(|kind| kind.name == table.kind) else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        return Err(ScorerError::new("kind", format!("there is no scorer `{}`", table.kind))
            .help(text::suggestion(&table.kind, &names)));
    };
    let mut set = table.keys_of_some_kinds().into_iter().filter(|(_, is_set)| *is_set);
    match set.find(|(key, _)| !kind.keys.contains(key)) {
        None => Ok(kind),
        Some((key, _)) => {
            let help = match kind.keys {
                [] => "remove it".to_owned(),
                keys => format!("remove it; `{}` has: {}", kind.name, keys.join(", ")),
            };
            let message = format!("`{key}` is not a key of `{}`", kind.name);
            Err(ScorerError::new(key, message).help(help))
        }
    }
}

/// The `value` of a table; an empty one would match every answer.
pub(super) fn value_of(table: &ScoreTable) -> Result<Option<Value>, ScorerError> {
    match &table.value {
        Some(value) if value_text(value).is_empty() => {
            Err(ScorerError::new("value", "`value` is empty, so every answer would match")
                .help("set `value` to the expected text, or remove it to use the row's answer"))
        }
        value => Ok(value.clone()),
    }
}

/// Where the row's answer is what is looked for, it must not be empty.
pub(super) fn check_text(
    value: Option<&Value>,
    expected: &Value,
    prepare: &Prepare,
) -> Result<(), String> {
    if value.is_none() && prepare.text(&value_text(expected)).is_empty() {
        return Err("the answer is empty, so every answer would match".to_owned());
    }
    Ok(())
}
