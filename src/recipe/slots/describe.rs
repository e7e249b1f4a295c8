//! Declares slots whose kinds are a closed enum.

/// A slot of several kinds.
pub(crate) trait Slot: Sized {
    /// The kinds' names.
    const KINDS: &'static [&'static str];
    /// Reads the table of one kind; `kind` is one of `KINDS`.
    fn from_table(kind: &str, table: toml::Table) -> Result<Self, toml::de::Error>;
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
            pub const ABOUT: $crate::grammar::Lines = &[$($doc),*];

            /// The kinds with their documentation and defaults.
            #[must_use]
            pub fn all() -> Vec<$crate::grammar::DeclaredKind> {
                vec![$($crate::grammar::DeclaredKind {
                    name: $kind,
                    about: <$table as $crate::grammar::Described>::ABOUT,
                    keys: <$table as $crate::grammar::Described>::KEYS,
                    defaults: <$table as $crate::grammar::Described>::defaults(),
                }),+]
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
                    $(Self::$variant(_) => <$table as $crate::grammar::Described>::ABOUT,)+
                }
            }

            /// The kind's keys with their documentation.
            #[must_use]
            pub fn keys(&self) -> $crate::grammar::Keys {
                match self {
                    $(Self::$variant(_) => <$table as $crate::grammar::Described>::KEYS,)+
                }
            }
        }

        impl $crate::recipe::slots::describe::Slot for $slot {
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
