//! Declares the keys of a kind, and keeps their documentation for `strategies NAME` and the docs.

use std::collections::BTreeMap;

/// Sentences, line by line as they stand in the source.
pub type Lines = &'static [&'static str];

/// The documentation of a kind's keys.
pub type Keys = &'static [Key];

/// A key as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub about: Lines,
    /// The type that it is declared with.
    pub type_name: &'static str,
    /// Of a closed choice, the values with what they mean; empty for other types.
    pub values: &'static [(&'static str, Lines)],
    /// Of a number, the least and the greatest that means something; `None`: any number does.
    pub range: Option<(f64, f64)>,
    /// Of a table, its keys; empty for other types.
    pub keys: Keys,
    /// Of a table, its own defaults.
    pub defaults: fn() -> toml::Table,
}

/// A kind with the documentation and the defaults of its keys.
#[derive(Clone, Debug)]
pub struct DeclaredKind {
    /// Its name in a recipe.
    pub name: &'static str,
    /// What it does, line by line.
    pub about: Lines,
    /// Its keys.
    pub keys: Keys,
    /// Their defaults.
    pub defaults: toml::Table,
}

/// What a kind, a table within a kind or the type of a key says about itself.
pub trait Described {
    /// The name in a recipe; empty for a table within a kind.
    const NAME: &'static str = "";
    /// What it does, in one line; empty for a table within a kind.
    const GIST: &'static str = "";
    /// What it does, line by line.
    const ABOUT: Lines = &[];
    /// The keys of a table.
    const KEYS: Keys = &[];
    /// The values of a closed choice.
    const VALUES: &'static [(&'static str, Lines)] = &[];

    /// The defaults of a table.
    #[must_use]
    fn defaults() -> toml::Table {
        toml::Table::new()
    }
}

/// What is of a kind: its name in a recipe, also behind a trait object.
pub trait Kinded {
    /// The kind's name.
    fn name(&self) -> &'static str;

    /// What the kind does, line by line.
    fn about(&self) -> Lines;
}

impl<T: Described> Kinded for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn about(&self) -> Lines {
        T::ABOUT
    }
}

macro_rules! plain {
    ($($type:ty),+ $(,)?) => { $(impl Described for $type {})+ };
}
plain!(bool, u8, u16, u32, u64, usize, f64, String, BTreeMap<String, String>);

impl<T: Described> Described for Option<T> {
    const KEYS: Keys = T::KEYS;
    const VALUES: &'static [(&'static str, Lines)] = T::VALUES;

    fn defaults() -> toml::Table {
        T::defaults()
    }
}

impl<T: Described> Described for Vec<T> {
    const KEYS: Keys = T::KEYS;
    const VALUES: &'static [(&'static str, Lines)] = T::VALUES;

    fn defaults() -> toml::Table {
        T::defaults()
    }
}

/// Lines of documentation as one paragraph.
#[must_use]
pub fn paragraph(lines: Lines) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// The range of a number: `share`, `positive`, `not_negative`, or its two ends.
macro_rules! range {
    () => {
        None
    };
    (share) => {
        Some((0.0, 1.0))
    };
    (positive) => {
        Some((1.0, f64::MAX))
    };
    (not_negative) => {
        Some((0.0, f64::MAX))
    };
    ([$low:literal, $high:literal]) => {
        Some(($low, $high))
    };
}

/// Declares a kind, or a table within one: its keys with their defaults, and `=> range` where only some
/// numbers mean something. Every key may be left out. A kind begins with its name in a recipe and its
/// gist; a table within a kind has neither.
macro_rules! kind {
    ($(#[doc = $doc:literal])* $name:literal: $gist:literal, $kind:ident { $($(#[doc = $key_doc:literal])* $key:ident: $type:ty = $default:expr $(=> $range:tt)?),* $(,)? }) => {
        kind!(@table [$($doc),*] [$name] [$gist] $kind { $($(#[doc = $key_doc])* $key: $type = $default $(=> $range)?),* });
    };
    ($(#[doc = $doc:literal])* $kind:ident { $($(#[doc = $key_doc:literal])* $key:ident: $type:ty = $default:expr $(=> $range:tt)?),* $(,)? }) => {
        kind!(@table [$($doc),*] [""] [""] $kind { $($(#[doc = $key_doc])* $key: $type = $default $(=> $range)?),* });
    };
    (@table [$($doc:literal),*] [$name:literal] [$gist:literal] $kind:ident { $($(#[doc = $key_doc:literal])* $key:ident: $type:ty = $default:expr $(=> $range:tt)?),* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $kind {
            $($(#[doc = $key_doc])* pub $key: $type,)*
        }

        impl Default for $kind {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $crate::grammar::Described for $kind {
            const NAME: &'static str = $name;
            const GIST: &'static str = $gist;
            const ABOUT: $crate::grammar::Lines = &[$($doc),*];
            const KEYS: $crate::grammar::Keys = &[$($crate::grammar::Key {
                name: stringify!($key),
                about: &[$($key_doc),*],
                type_name: stringify!($type),
                values: <$type as $crate::grammar::Described>::VALUES,
                range: range!($($range)?),
                keys: <$type as $crate::grammar::Described>::KEYS,
                defaults: <$type as $crate::grammar::Described>::defaults,
            }),*];

            fn defaults() -> toml::Table {
                toml::Table::try_from(Self::default()).unwrap_or_default()
            }
        }
    };
}

/// Declares a closed choice for a key: a fieldless enum with snake_case names.
macro_rules! choice {
    ($(#[doc = $doc:literal])* $choice:ident { $($(#[doc = $value_doc:literal])* $value:ident = $name:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $choice {
            $($(#[doc = $value_doc])* #[serde(rename = $name)] $value,)+
        }

        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $(Self::$value => $name,)+
                })
            }
        }

        impl $crate::grammar::Described for $choice {
            const ABOUT: $crate::grammar::Lines = &[$($doc),*];
            const VALUES: &'static [(&'static str, $crate::grammar::Lines)] =
                &[$(($name, &[$($value_doc),*])),+];
        }
    };
}
