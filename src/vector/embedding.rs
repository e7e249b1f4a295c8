//! What an embedding model says of a text, in a form that a journal can keep.
//!
//! Models give up to some thousands of dimensions, which are as many numbers as a page of text has
//! letters. They are projected to 64: the cosine of two texts then errs by about (1 - cosine²) / 8, which
//! is least where texts are near each other, and that is where it decides. A vector is 256 bytes of `f32`, written
//! as 344 characters of base64, where decimal numbers would take twice that.

use super::features::{Projection, cosine};
use crate::seed::Seed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The most dimensions that are kept.
const KEPT: usize = 64;
/// The most dimensions that a model may give: several times those of any that is known.
const MOST: usize = 32_768;
/// Every run projects alike, so that vectors of two runs may be compared.
const PROJECTION: Seed = Seed(0);

/// The vector that an embedding model gave for a text, of length 1 and projected to at most 64 dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The dimensions that the model gave. Those of two models differ, as a rule.
    dimensions: u32,
    values: Vec<f32>,
}

/// Why numbers are no vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingError {
    /// There are none.
    #[error("an empty vector")]
    Empty,
    /// There are more than any model gives.
    #[error("a vector of {0} dimensions; {MOST} are the most")]
    TooLong(usize),
    /// One is infinite, or no number.
    #[error("a vector with a number that is not finite")]
    NotFinite,
    /// It has no direction.
    #[error("a vector whose numbers are all 0")]
    Zero,
    /// The text is not one that a vector was written as.
    #[error("a text that is no vector")]
    Unreadable,
}

impl Embedding {
    /// The vector that a model gave.
    ///
    /// # Errors
    /// It has no direction: it is empty, 0 or not finite. Or it is too long.
    pub fn of(given: &[f64]) -> Result<Self, EmbeddingError> {
        if given.is_empty() {
            return Err(EmbeddingError::Empty);
        }
        if given.len() > MOST {
            return Err(EmbeddingError::TooLong(given.len()));
        }
        let largest = given.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        if given.iter().any(|x| !x.is_finite()) {
            return Err(EmbeddingError::NotFinite);
        }
        if largest == 0.0 {
            return Err(EmbeddingError::Zero);
        }
        // Divided first, so that no square overflows or vanishes.
        let scaled: Vec<f64> = given.iter().map(|x| x / largest).collect();
        let kept = match scaled.len() {
            all if all <= KEPT => scaled,
            all => Projection::new(all, KEPT, PROJECTION).of(&scaled),
        };
        let length = kept.iter().map(|x| x * x).sum::<f64>().sqrt();
        let values = kept.iter().map(|x| (x / length) as f32).collect();
        let dimensions = u32::try_from(given.len()).unwrap_or(u32::MAX);
        let vector = Self { dimensions, values };
        // A projection to a length of 0 is as good as impossible.
        if vector.has_direction() { Ok(vector) } else { Err(EmbeddingError::Zero) }
    }

    fn has_direction(&self) -> bool {
        self.values.iter().all(|x| x.is_finite()) && self.values.iter().any(|x| *x != 0.0)
    }

    /// The dimensions that the model gave.
    #[must_use]
    pub fn dimensions(&self) -> u32 {
        self.dimensions
    }

    /// The numbers that are kept, with at most `size` dimensions.
    #[must_use]
    pub fn features(&self, size: usize) -> Vec<f64> {
        let values: Vec<f64> = self.values.iter().map(|x| f64::from(*x)).collect();
        match values.len() {
            all if all <= size => values,
            all => Projection::new(all, size, PROJECTION).of(&values),
        }
    }

    /// The cosine of the angle to another vector, in `[-1, 1]`; `None` where the model gave another number of
    /// dimensions.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> Option<f64> {
        let same_space = self.dimensions == other.dimensions;
        let (mine, theirs) = (self.features(KEPT), other.features(KEPT));
        same_space.then(|| cosine(&mine, &theirs)).flatten()
    }
}

/// `DIMENSIONS:BASE64`, of the numbers as little-endian `f32`.
impl fmt::Display for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self.values.iter().flat_map(|x| x.to_le_bytes()).collect();
        write!(f, "{}:{}", self.dimensions, STANDARD.encode(bytes))
    }
}

impl FromStr for Embedding {
    type Err = EmbeddingError;

    fn from_str(text: &str) -> Result<Self, EmbeddingError> {
        let (dimensions, numbers) = text.split_once(':').ok_or(EmbeddingError::Unreadable)?;
        let dimensions: u32 = dimensions.parse().map_err(|_| EmbeddingError::Unreadable)?;
        let values = numbers_of(numbers).ok_or(EmbeddingError::Unreadable)?;
        let is_whole = values.len() == KEPT.min(dimensions as usize);
        let vector = Self { dimensions, values };
        let is_vector = is_whole && dimensions as usize <= MOST && vector.has_direction();
        is_vector.then_some(vector).ok_or(EmbeddingError::Unreadable)
    }
}

/// Numbers that are written as base64 of little-endian `f32`: also what servers send that are asked for it.
#[must_use]
pub(crate) fn numbers_of(base64: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(base64).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Vectors as the text of an answer, in their order.
#[must_use]
pub fn to_text(vectors: &[Embedding]) -> String {
    let texts: Vec<String> = vectors.iter().map(Embedding::to_string).collect();
    texts.join(" ")
}

/// The vectors of such a text.
///
/// # Errors
/// One of them is no vector.
pub fn from_text(text: &str) -> Result<Vec<Embedding>, EmbeddingError> {
    text.split_whitespace().map(str::parse).collect()
}

impl Serialize for Embedding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Embedding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_direction_is_no_vector() {
        let long = vec![1.0; MOST + 1];
        for (given, error) in [
            (&[][..], EmbeddingError::Empty),
            (&[0.0, 0.0], EmbeddingError::Zero),
            (&[1.0, f64::NAN], EmbeddingError::NotFinite),
            (&[1.0, f64::INFINITY], EmbeddingError::NotFinite),
            (&long, EmbeddingError::TooLong(MOST + 1)),
        ] {
            assert_eq!(Embedding::of(given), Err(error));
        }
        for text in
            ["", "3", "3:", "3:AAAA", "x:AACAPw==", "2:AACAPw==", "1:AAAAAA==", "1:AADAfw=="]
        {
            assert!(text.parse::<Embedding>().is_err(), "{text}");
        }
        // The largest and the smallest numbers have a direction.
        for scale in [1e307, 1e-308] {
            let vector = Embedding::of(&[3.0 * scale, 4.0 * scale]).unwrap();
            let near = Embedding::of(&[3.0, 4.0]).unwrap().cosine(&vector);
            assert!((near.unwrap() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn vectors_of_two_models_are_not_compared() {
        let of = |dimensions: usize| Embedding::of(&vec![1.0; dimensions]).unwrap();
        assert_eq!(of(100).cosine(&of(101)), None);
        assert!((of(100).cosine(&of(100)).unwrap() - 1.0).abs() < 1e-6);
    }

    /// The text is 64 numbers whatever the model gives, and near vectors stay near.
    #[test]
    fn a_long_vector_is_kept_short_and_its_cosines_are_kept() {
        let wave = |shift: f64| -> Vec<f64> {
            (0..1_536).map(|place| (f64::from(place) * 0.7 + shift).sin()).collect()
        };
        let [one, near, far] = [0.0, 0.1, 1.5].map(|shift| Embedding::of(&wave(shift)).unwrap());
        assert_eq!((one.dimensions(), one.to_string().len()), (1_536, "1536:".len() + 344));
        assert!((one.cosine(&near).unwrap() - 0.1_f64.cos()).abs() < 0.01);
        assert!((one.cosine(&far).unwrap() - 1.5_f64.cos()).abs() < 0.3);
        assert_eq!((one.features(16).len(), one.features(400).len()), (16, 64));
    }

    proptest! {
        #[test]
        fn a_vector_survives_its_text(
            many in prop::collection::vec(prop::collection::vec(-2.0..2.0_f64, 1..90), 1..4),
        ) {
            let vectors: Vec<Embedding> =
                many.iter().filter_map(|given| Embedding::of(given).ok()).collect();
            prop_assert_eq!(from_text(&to_text(&vectors)).unwrap(), vectors);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = from_text(&text);
        }
    }
}
