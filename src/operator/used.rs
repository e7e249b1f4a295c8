//! An operator as a recipe uses it: a kind with its own keys, and the keys that every operator has.

use super::author::Operator;
use super::common::{Common, When};
use crate::grammar::{Chosen, Described, Kind};
use serde::{Deserialize, Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;

/// An operator of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Used {
    /// The keys that every operator has.
    pub common: Common,
    chosen: Chosen<dyn Operator>,
}

impl Used {
    /// An operator from outside of this crate.
    #[must_use]
    pub fn own(operator: Arc<dyn Operator>, common: Common) -> Self {
        let name = operator.name().to_owned();
        let chosen = Chosen::new((name, operator.about(), &[]), toml::Table::new(), operator);
        Self { common, chosen }
    }

    /// Reads an operator's table, without `kind`.
    ///
    /// # Errors
    /// An unknown key, or a value of the wrong type.
    pub fn read(kind: &Kind<dyn Operator>, table: toml::Table) -> Result<Self, toml::de::Error> {
        Self::build(table, kind.keys.iter().map(|key| key.name).collect(), kind.read)
    }

    /// Reads the table of an operator from outside of this crate.
    ///
    /// # Errors
    /// As `read`: such an operator has no keys of its own.
    pub fn read_own(
        operator: &Arc<dyn Operator>,
        table: toml::Table,
    ) -> Result<Self, toml::de::Error> {
        Self::build(table, Vec::new(), |_| {
            Ok(Self::own(Arc::clone(operator), Common::default()).chosen)
        })
    }

    fn build(
        table: toml::Table,
        own: Vec<&str>,
        read: impl FnOnce(toml::Table) -> Result<Chosen<dyn Operator>, toml::de::Error>,
    ) -> Result<Self, toml::de::Error> {
        let mut names: Vec<&str> = Common::KEYS.iter().map(|key| key.name).collect();
        let (mut shared, mut rest) = (toml::Table::new(), toml::Table::new());
        names.extend(own);
        for (key, value) in table {
            if !names.contains(&key.as_str()) {
                return Err(unknown(&key, &names));
            }
            let is_shared = Common::KEYS.iter().any(|common| common.name == key);
            if is_shared { &mut shared } else { &mut rest }.insert(key, value);
        }
        let chosen = read(rest)?;
        if !chosen.asks_mutator() && shared.contains_key("temperature") {
            names.retain(|name| *name != "temperature");
            return Err(unknown("temperature", &names));
        }
        let usual = || toml::Value::String(chosen.usual_occasion().to_string());
        shared.entry("when").or_insert_with(usual);
        Ok(Self { common: Common::deserialize(shared)?, chosen })
    }

    /// The kind's name in a recipe.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.chosen.kind()
    }

    /// The kind with its own keys.
    #[must_use]
    pub fn chosen(&self) -> &Chosen<dyn Operator> {
        &self.chosen
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> &dyn Operator {
        &*self.chosen
    }

    /// Whether it waits for an occasion, rather than being chosen at any time.
    #[must_use]
    pub fn is_occasional(&self) -> bool {
        self.common.when != When::Always
    }

    /// All keys with their values, without `kind`; a key without a value is left out.
    #[must_use]
    pub fn table(&self) -> toml::Table {
        let common = toml::Table::try_from(&self.common).unwrap_or_default();
        common.into_iter().chain(self.chosen.table().clone()).collect()
    }
}

/// As serde says it, so that it is explained like any other unknown key.
fn unknown(key: &str, names: &[&str]) -> toml::de::Error {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    serde::de::Error::custom(format!("unknown field `{key}`, expected one of {names}"))
}

impl Deref for Used {
    type Target = dyn Operator;

    fn deref(&self) -> &Self::Target {
        &*self.chosen
    }
}

impl Serialize for Used {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = ("kind".to_owned(), toml::Value::String(self.kind().to_owned()));
        std::iter::once(kind).chain(self.table()).collect::<toml::Table>().serialize(serializer)
    }
}
