//! Texts as vectors, without a model: hashed n-grams under a random projection.
//!
//! A replacement for embeddings if no embedding model is configured. It compares the words and
//! letters of two prompts, not their meanings, so a paraphrase is far away. It is good enough to
//! find near-duplicates, to cluster prompts, and to let a surrogate use the similarity of children
//! and parents.

use crate::seed::Seed;
use rand_distr::{Distribution, StandardNormal};
use std::collections::BTreeMap;

/// The feature vector of `text`: `dimensions` numbers of length 1, or all 0 for a text without
/// letters and digits.
///
/// The grams are words, pairs of neighbouring words, and triples of characters within `␣text␣`,
/// lower-cased, with every run of other characters as one space. A gram that occurs tf times adds
/// ±(1 + ln tf) to one of the dimensions, sign and place both from its hash, so that grams in the
/// same place cancel on average: Weinberger et al. (2009), *Feature hashing for large scale
/// multitask learning*, definition 1. The hash is FNV-1a, the same on every machine and release.
#[must_use]
pub fn hashed(text: &str, dimensions: usize) -> Vec<f64> {
    let mut vector = vec![0.0; dimensions];
    if dimensions == 0 {
        return vector;
    }
    // In order of the hash, so that sums are rounded alike whatever the order in the text.
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for_each_gram(text, |hash| *counts.entry(hash).or_default() += 1);
    for (hash, count) in counts {
        let sign = if hash >> 63 == 1 { 1.0 } else { -1.0 };
        vector[(hash % dimensions as u64) as usize] += sign * (1.0 + (count as f64).ln());
    }
    let length = norm(&vector);
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

fn for_each_gram(text: &str, mut each: impl FnMut(u64)) {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for word in &words {
        each(hash(&["w", word]));
    }
    for pair in words.windows(2) {
        each(hash(&["w", pair[0], pair[1]]));
    }
    if words.is_empty() {
        return;
    }
    let spaced: Vec<char> = format!(" {} ", words.join(" ")).chars().collect();
    for triple in spaced.windows(3) {
        each(hash(&["c", &triple.iter().collect::<String>()]));
    }
}

/// FNV-1a over the parts with a separator, then mixed so that all bits depend on all letters.
fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // The finaliser of splitmix64 (Steele, Lea and Flood 2014).
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Fewer dimensions that keep distances: a Gaussian random projection.
///
/// Johnson and Lindenstrauss (1984) in the form of Dasgupta and Gupta (2003): entries N(0, 1/d), so
/// that lengths and inner products are kept on average, with a relative error near √(2/d).
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// Row by row, one row per dimension of the source.
    entries: Vec<f64>,
    to: usize,
}

impl Projection {
    /// From `from` to `to` dimensions; the same for the same seed.
    #[must_use]
    pub fn new(from: usize, to: usize, seed: Seed) -> Self {
        let mut rng = seed.child("projection", to as u64).rng();
        let scale = 1.0 / (to.max(1) as f64).sqrt();
        let entry = || -> f64 { StandardNormal.sample(&mut rng) };
        let entries = std::iter::repeat_with(entry).map(|z| z * scale).take(from * to).collect();
        Self { entries, to }
    }

    /// The image of a vector. Numbers missing at its end are 0, those beyond are left out.
    #[must_use]
    pub fn of(&self, vector: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; self.to];
        if self.to == 0 {
            return image;
        }
        for (x, row) in vector.iter().zip(self.entries.chunks_exact(self.to)) {
            // A text has few of all grams.
            if *x != 0.0 {
                image.iter_mut().zip(row).for_each(|(sum, entry)| *sum += x * entry);
            }
        }
        image
    }
}

/// From a text to a short vector: [`hashed`], then a [`Projection`].
#[derive(Clone, Debug, PartialEq)]
pub struct Featuriser {
    hashed: usize,
    projection: Projection,
}

impl Featuriser {
    /// `hashed` dimensions (512 is enough for prompts) projected to `projected` (64). Vectors of
    /// two featurisers can be compared only if both had the same numbers and seed.
    #[must_use]
    pub fn new(hashed: usize, projected: usize, seed: Seed) -> Self {
        Self { hashed, projection: Projection::new(hashed, projected, seed) }
    }

    /// The vector of a text, of length about 1.
    #[must_use]
    pub fn of(&self, text: &str) -> Vec<f64> {
        self.projection.of(&hashed(text, self.hashed))
    }
}

/// The cosine of the angle between two vectors, in `[-1, 1]`; `None` if their lengths differ, one
/// is 0 or a number is not finite.
#[must_use]
pub fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let inner: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    // Lengths are multiplied, not squares, so that small vectors do not underflow.
    let cosine = inner / (norm(a) * norm(b));
    (a.len() == b.len() && cosine.is_finite()).then(|| cosine.clamp(-1.0, 1.0))
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grams_are_those_that_are_described() {
        let mut grams = Vec::new();
        for_each_gram("Ab,  ab c", |hash| grams.push(hash));
        let expected = [
            &["w", "ab"][..],
            &["w", "ab"],
            &["w", "c"],
            &["w", "ab", "ab"],
            &["w", "ab", "c"],
            &["c", " ab"],
            &["c", "ab "],
            &["c", "b a"],
            &["c", " ab"],
            &["c", "ab "],
            &["c", "b c"],
            &["c", " c "],
        ];
        assert_eq!(grams, expected.map(hash));
    }

    #[test]
    fn the_hash_stays_as_it_is() {
        // A changed hash would make saved vectors incomparable without anyone noticing.
        assert_ne!(hash(&["w", "ab"]), hash(&["w", "a", "b"]));
        assert_ne!(hash(&["w", "ab"]), hash(&["c", "ab"]));
        // From the description, in another language.
        assert_eq!(hash(&["w", "ab"]), 0x515d_0fb2_dcfb_8bbb);
        // Of four grams, two cancel.
        let (half, found) = (0.5_f64.sqrt(), hashed("yes", 8));
        let by_hand = [half, -half, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!(found.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn near_texts_are_near_and_others_are_not() {
        let featuriser = Featuriser::new(512, 64, Seed(1));
        let base = "Classify the support ticket into one of the five queues. Answer with its name.";
        let near = "Classify the support ticket into one of these five queues. Answer with a name.";
        let far = "You are a poet; write haiku about mountains, rivers and the first snow.";
        for vectors in [
            [base, near, far].map(|text| hashed(text, 512)),
            [base, near, far].map(|text| featuriser.of(text)),
        ] {
            let to_near = cosine(&vectors[0], &vectors[1]).unwrap();
            let to_far = cosine(&vectors[0], &vectors[2]).unwrap();
            assert!(to_near > 0.6 && to_far < 0.4, "{to_near}, {to_far}");
        }
    }

    #[test]
    fn sublinear_counts_by_hand() {
        // One dimension per gram, in effect: word ×3 against the pair ×2 is 1 + ln 3 : 1 + ln 2.
        let vector = hashed("zz zz zz", 1 << 20);
        let at = |parts: &[&str]| vector[(hash(parts) % (1 << 20)) as usize].abs();
        let expected = (1.0 + 3.0_f64.ln()) / (1.0 + 2.0_f64.ln());
        assert!((at(&["w", "zz"]) / at(&["w", "zz", "zz"]) - expected).abs() < 1e-12);
    }

    #[test]
    fn degenerate_texts_and_sizes() {
        assert_eq!(hashed("", 4), [0.0; 4]);
        assert_eq!(hashed(" \n…!", 4), [0.0; 4]);
        assert!(hashed("words", 0).is_empty());
        assert!(Featuriser::new(16, 0, Seed(1)).of("words").is_empty());
        assert_eq!(Featuriser::new(0, 2, Seed(1)).of("words"), [0.0; 2]);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), None);
        assert_eq!(cosine(&[1.0], &[1.0, 0.0]), None);
        assert_eq!(cosine(&[], &[]), None);
        assert_eq!(cosine(&[f64::NAN], &[1.0]), None);
    }

    #[test]
    fn projections_keep_distances_on_average() {
        let vectors: Vec<Vec<f64>> =
            (0..40).map(|i| hashed(&format!("word{i} and word{} or {i}", i * 7), 512)).collect();
        let projection = Projection::new(512, 64, Seed(2));
        let (mut error, mut pairs) = (0.0, 0.0);
        for (i, a) in vectors.iter().enumerate() {
            for b in &vectors[..i] {
                let apart = |a: &[f64], b: &[f64]| {
                    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
                };
                let ratio = apart(&projection.of(a), &projection.of(b)) / apart(a, b);
                assert!((0.5..1.5).contains(&ratio), "{ratio}");
                error += (ratio - 1.0).powi(2);
                pairs += 1.0;
            }
        }
        // The distance itself is off by about √(1 / 2d) = 0.088.
        assert!((error / pairs).sqrt() < 0.12, "{}", (error / pairs).sqrt());
    }

    proptest! {
        #[test]
        fn any_text_has_length_one_or_zero(text in ".{0,200}", dimensions in 1..600_usize) {
            let length = norm(&hashed(&text, dimensions));
            prop_assert!(length.abs() < 1e-9 || (length - 1.0).abs() < 1e-9, "{}", length);
            prop_assert_eq!(hashed(&text, dimensions), hashed(&text, dimensions));
        }

        #[test]
        fn a_cosine_is_one_with_itself_and_symmetric(
            a in prop::collection::vec(-5.0..5.0_f64, 3), b in prop::collection::vec(-5.0..5.0_f64, 3),
        ) {
            prop_assert_eq!(cosine(&a, &b), cosine(&b, &a));
            if norm(&a) > 0.0 {
                prop_assert!((cosine(&a, &a).unwrap() - 1.0).abs() < 1e-12);
            }
        }
    }
}
