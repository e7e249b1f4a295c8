//! Slots, the kinds of each, and what a recipe chose.

use super::{Keys, Lines};
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A decision of a search, with all the ways to decide it. `T` is the trait that the engine uses.
pub struct Slot<T: ?Sized + 'static> {
    /// What the slot decides, line by line.
    pub about: Lines,
    /// The kinds, in the order in which the docs list them.
    pub kinds: &'static [Kind<T>],
}

/// One way to decide a slot, as its list names it.
pub struct Kind<T: ?Sized + 'static> {
    /// Its name in a recipe.
    pub name: &'static str,
    /// What it does, in one line.
    pub gist: &'static str,
    /// What it does, line by line.
    pub about: Lines,
    /// Its keys.
    pub keys: Keys,
    /// Reads its table, without `kind`.
    pub read: fn(toml::Table) -> Result<Chosen<T>, toml::de::Error>,
}

impl<T: ?Sized> Slot<T> {
    /// The kind with this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&'static Kind<T>> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The names of all kinds.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.name).collect()
    }
}

impl<T: ?Sized> Kind<T> {
    /// The kind with every default.
    #[must_use]
    pub fn by_default(&self) -> Option<Chosen<T>> {
        (self.read)(toml::Table::new()).ok()
    }
}

/// What a recipe chose for a slot: a kind with its keys.
pub struct Chosen<T: ?Sized> {
    name: String,
    about: Lines,
    keys: Keys,
    table: toml::Table,
    value: Arc<T>,
}

impl<T: ?Sized> Chosen<T> {
    /// A kind with its keys; `table` holds all of them, also those with their defaults.
    #[must_use]
    pub fn new(
        (name, about, keys): (String, Lines, Keys),
        table: toml::Table,
        value: Arc<T>,
    ) -> Self {
        Self { name, about, keys, table, value }
    }

    /// The kind itself, to be kept.
    #[must_use]
    pub fn shared(&self) -> Arc<T> {
        Arc::clone(&self.value)
    }

    /// The kind's name in a recipe.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.name
    }

    /// What the kind does, line by line.
    #[must_use]
    pub fn about(&self) -> Lines {
        self.about
    }

    /// The documentation of the kind's keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        self.keys
    }

    /// All keys with their values, without `kind`. A key without a value is left out.
    #[must_use]
    pub fn table(&self) -> &toml::Table {
        &self.table
    }
}

impl<T: ?Sized> Deref for Chosen<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> Clone for Chosen<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            about: self.about,
            keys: self.keys,
            table: self.table.clone(),
            value: Arc::clone(&self.value),
        }
    }
}

impl<T: ?Sized> PartialEq for Chosen<T> {
    /// The same kind with the same keys decides the same.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.table == other.table
    }
}

impl<T: ?Sized> fmt::Debug for Chosen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.table)
    }
}

impl<T: ?Sized> Serialize for Chosen<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = ("kind".to_owned(), toml::Value::String(self.name.clone()));
        let keys = self.table.iter().map(|(key, value)| (key.clone(), value.clone()));
        std::iter::once(kind).chain(keys).collect::<toml::Table>().serialize(serializer)
    }
}

/// A value that a kind cannot work with. Which keys there are, and their types, is checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// The key below the kind's table; empty for the table itself.
    pub path: Vec<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What to try; empty where the message says it.
    pub help: String,
}

impl Misuse {
    /// A key with a value that does not work.
    #[must_use]
    pub fn of(path: &[&'static str], message: impl Into<String>) -> Self {
        Self { path: path.to_vec(), message: message.into(), help: String::new() }
    }

    /// With advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// Refuses a number below 1.
    ///
    /// # Errors
    /// The number is 0.
    pub fn positive(path: &[&'static str], value: usize) -> Result<(), Self> {
        let key = path.last().copied().unwrap_or_default();
        if value > 0 { Ok(()) } else { Err(Self::of(path, format!("`{key}` must be at least 1"))) }
    }

    /// Refuses a number outside of [0, 1].
    ///
    /// # Errors
    /// The number is not a share.
    pub fn share(path: &[&'static str], value: f64) -> Result<(), Self> {
        let key = path.last().copied().unwrap_or_default();
        if (0.0..=1.0).contains(&value) {
            return Ok(());
        }
        Err(Self::of(path, format!("`{key}` must lie in 0..=1")))
    }
}

/// Declares a slot's list of kinds: a static of type [`Slot`]. One line per kind, by its type.
macro_rules! kinds {
    ($(#[doc = $doc:literal])* $vis:vis $slot:ident: dyn $trait:path = [$($table:path),+ $(,)?];) => {
        $(#[doc = $doc])*
        $vis static $slot: $crate::grammar::Slot<dyn $trait> = $crate::grammar::Slot {
            about: &[$($doc),*],
            kinds: &[$($crate::grammar::Kind {
                name: <$table as $crate::grammar::Described>::NAME,
                gist: <$table as $crate::grammar::Described>::GIST,
                about: <$table as $crate::grammar::Described>::ABOUT,
                keys: <$table as $crate::grammar::Described>::KEYS,
                read: |table| {
                    use $crate::grammar::Described;
                    let value: $table = table.try_into()?;
                    let table = toml::Table::try_from(&value)
                        .map_err(|error| serde::de::Error::custom(error.to_string()))?;
                    let declared =
                        (<$table>::NAME.to_owned(), <$table>::ABOUT, <$table>::KEYS);
                    Ok($crate::grammar::Chosen::new(declared, table, std::sync::Arc::new(value)))
                },
            }),+],
        };
    };
}
