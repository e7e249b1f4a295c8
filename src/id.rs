//! Ids as types, so that a row's id cannot be used as a candidate's.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// An id from its text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number as an index into a list.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

text_id! {
    /// A candidate: the first 12 hex digits of blake3 over its parts' names and texts.
    CandidateId
}
text_id! {
    /// A row of the data: the value of the id column or, without one, the row's number.
    ExampleId
}
text_id! {
    /// A run: the name of its folder under `results/`.
    RunName
}

number_id! {
    /// A candidate's number in the run, in order of creation; the baseline is 0.
    CandidateIx(u32)
}
number_id! {
    /// A row's position in its split, in the order of evaluation.
    RowIx(u32)
}
number_id! {
    /// A logical call, numbered in order of issue; retries share the number.
    Call(u64)
}
number_id! {
    /// An event's number in the journal, from 0.
    EventNumber(u64)
}
number_id! {
    /// A proposal, numbered in order of drafting; also the draw of its request.
    ProposalNumber(u32)
}

number_id! {
    /// A mutator's place in the task's list of them.
    MutatorIx(u8)
}

number_id! {
    /// A judge's place in the task's list of them.
    JudgeIx(u8)
}

impl JudgeIx {
    /// The only judge, or the first of several.
    pub const FIRST: Self = Self(0);
}

impl MutatorIx {
    /// The only mutator, or the first of several.
    pub const FIRST: Self = Self(0);
}

impl CandidateIx {
    /// The baseline of every comparison: the prompt that the task came with.
    pub const BASELINE: Self = Self(0);
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Hashes some bytes.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                let digest = blake3::hash(bytes);
                let mut short = [0; 16];
                short.copy_from_slice(&digest.as_bytes()[..16]);
                Self(short)
            }

            /// The 16 bytes, as a key for a store.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Parses 32 hex digits.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                if text.len() != 32 || !text.is_ascii() {
                    return None;
                }
                let mut bytes = [0; 16];
                for (place, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected 32 hex digits"))
            }
        }
    };
}

hash_id! {
    /// A request's identity: 128 bits of blake3 over the canonical request without auth, plus its draw.
    RequestHash
}
hash_id! {
    /// A text as one model embeds it: 128 bits of blake3 over the model's name and the text.
    TextHash
}

impl TextHash {
    /// The identity of a text for a model.
    #[must_use]
    pub fn for_model(model: &str, text: &str) -> Self {
        // No model's name holds a zero byte.
        Self::of(format!("{model}\0{text}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_hash_survives_its_text_form() {
        let hash = RequestHash::of(b"request");
        assert_eq!(RequestHash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(RequestHash::from_hex("zz"), None);
        assert_eq!(RequestHash::from_hex(&"é".repeat(16)), None);
    }
}
