//! Declares slots and kinds, and keeps their documentation for `strategies NAME`.

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
    /// The type that it is declared with, which says which values it takes.
    pub type_name: &'static str,
}

/// A kind as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in a recipe.
    pub name: &'static str,
    /// What it does, in one line.
    pub gist: Lines,
    /// What it does.
    pub about: Lines,
    /// Its keys.
    pub keys: Keys,
}

/// What a kind says about itself.
pub trait Described {
    /// What it does, line by line.
    const ABOUT: &'static [&'static str];
    /// Its keys.
    const KEYS: Keys;
}

/// Declares a slot: an enum over kinds, each with its own table of keys.
macro_rules! slot {
    ($(#[doc = $doc:literal])* $slot:ident { $($(#[doc = $kind_doc:literal])* $kind:literal => $variant:ident($table:ident)),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum $slot {
            $($(#[doc = $kind_doc])* #[serde(rename = $kind)] $variant($table),)+
        }

        impl $slot {
            /// The kinds by their names in a recipe.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// What the slot decides.
            pub const ABOUT: $crate::recipe::Lines = &[$($doc),*];

            /// The kinds with their documentation.
            pub const ALL: &'static [$crate::recipe::Kind] = &[$($crate::recipe::Kind {
                name: $kind,
                gist: &[$($kind_doc),*],
                about: <$table as $crate::recipe::Described>::ABOUT,
                keys: <$table as $crate::recipe::Described>::KEYS,
            }),+];

            /// The kind with every default; `None` where there is no such kind.
            #[must_use]
            pub fn by_default(kind: &str) -> Option<Self> {
                <Self as $crate::recipe::read::Slot>::from_table(kind, toml::Table::new()).ok()
            }

            /// The kind's name in a recipe.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)+
                }
            }

            /// What the kind does, line by line.
            #[must_use]
            pub fn about(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant(_) => <$table as $crate::recipe::Described>::ABOUT,)+
                }
            }

            /// The kind's keys with their documentation.
            #[must_use]
            pub fn keys(&self) -> $crate::recipe::Keys {
                match self {
                    $(Self::$variant(_) => <$table as $crate::recipe::Described>::KEYS,)+
                }
            }
        }

        impl $crate::recipe::read::Slot for $slot {
            const KINDS: &'static [&'static str] = &[$($kind),+];

            fn from_table(kind: &str, table: toml::Table) -> Result<Self, toml::de::Error> {
                match kind {
                    $($kind => table.try_into().map(Self::$variant),)+
                    _ => Err(serde::de::Error::custom("unknown kind")),
                }
            }
        }
    };
}

/// Declares a kind: its keys with their defaults. Every key may be left out.
macro_rules! kind {
    ($(#[doc = $doc:literal])* $kind:ident { $($(#[doc = $key_doc:literal])* $key:ident: $type:ty = $default:expr),* $(,)? }) => {
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

        impl $crate::recipe::Described for $kind {
            const ABOUT: &'static [&'static str] = &[$($doc),*];
            const KEYS: $crate::recipe::Keys = &[$($crate::recipe::Key {
                name: stringify!($key),
                about: &[$($key_doc),*],
                type_name: stringify!($type),
            }),*];
        }
    };
}

/// Declares a closed choice for a key: a fieldless enum with snake_case names.
macro_rules! choice {
    ($(#[doc = $doc:literal])* $choice:ident { $($(#[doc = $value_doc:literal])* $value:ident),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $choice {
            $($(#[doc = $value_doc])* $value,)+
        }

        impl $choice {
            /// The values with their documentation.
            pub const VALUES: &'static [(Self, $crate::recipe::Lines)] =
                &[$((Self::$value, &[$($value_doc),*])),+];

            /// The value's name in a file.
            #[must_use]
            pub fn name(self) -> String {
                match serde_json::to_value(self) {
                    Ok(serde_json::Value::String(name)) => name,
                    _ => format!("{self:?}"),
                }
            }
        }
    };
}
