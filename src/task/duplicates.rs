//! Finds near-duplicates: rows of different splits that are almost the same.
//!
//! They only cause a warning, because the user must decide whether two such rows are the same
//! question. Rows of one file with equal inputs are kept in one split by `split`.
//!
//! Every row is the set of its word 5-grams. MinHash with 120 hashes in 24 bands of 5 proposes
//! pairs (a pair of Jaccard similarity 0.8 is missed once in 14,000), and the exact similarity of
//! the two sets decides. The work is n log n, also if all rows are similar: within a band a row is
//! compared with few neighbours, so not every pair of a large cluster is listed.

use crate::id::ExampleId;
use crate::task::example::{Example, Split, Splits};
use crate::task::inputs::{InputKey, input_columns, input_key, input_text};
use crate::task::words::words;
use std::collections::{BTreeMap, BTreeSet};

/// The least Jaccard similarity of a near-duplicate.
pub const THRESHOLD: f64 = 0.8;

/// Words in a shingle; a shorter text is one shingle.
const SHINGLE: usize = 5;
const BANDS: usize = 24;
const HASHES_PER_BAND: usize = 5;
const HASHES: usize = BANDS * HASHES_PER_BAND;

/// For a very long text, only this many shingles with the smallest hashes are used for the
/// signature; similar texts have nearly the same ones. The exact similarity always uses all
/// shingles.
const SIGNED_SHINGLES: usize = 1_024;

/// The number of neighbours in other splits with which a row is compared in one band.
const NEIGHBOURS: usize = 6;

/// Two rows of different splits that are almost the same.
#[derive(Clone, Debug, PartialEq)]
pub struct NearDuplicate {
    /// The row of the earlier split.
    pub a: ExampleId,
    /// Its split.
    pub a_split: Split,
    /// The other row.
    pub b: ExampleId,
    /// Its split.
    pub b_split: Split,
    /// The Jaccard similarity: shared shingles divided by all shingles of both rows.
    pub similarity: f64,
}

/// All near-duplicates across splits, the most similar first. Rows with the same text in one split
/// are represented by one of them. A held-out row that has the very input of another is counted by
/// [`known_held_out`] in place of that.
#[must_use]
pub fn near_duplicates(splits: &Splits) -> Vec<NearDuplicate> {
    let all: Vec<&Example> = rows_of(splits).map(|(_, row)| row).collect();
    near_duplicates_by(splits, &input_columns(&all))
}

/// Like [`near_duplicates`], with given input columns.
#[must_use]
pub fn near_duplicates_by(splits: &Splits, inputs: &BTreeSet<String>) -> Vec<NearDuplicate> {
    // Without input columns all rows would have the same empty text.
    if inputs.is_empty() {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut texts: Vec<Text> = rows_of(splits)
        .map(|(split, row)| Text::new(split, row, inputs))
        .filter(|text| seen.insert((fingerprint(&text.shingles), text.split)))
        .collect();
    // The draw of neighbours must not depend on the order of the rows.
    texts.sort_by(|a, b| (a.split, a.id).cmp(&(b.split, b.id)));
    let mut found: Vec<NearDuplicate> = candidates(&texts)
        .into_iter()
        .filter_map(|(a, b)| {
            let (a, b) = (&texts[a], &texts[b]);
            let similarity = jaccard(&a.shingles, &b.shingles);
            let is_known = b.split == Split::Hold && a.input == b.input;
            (similarity >= THRESHOLD && !is_known).then(|| NearDuplicate {
                a: a.id.clone(),
                a_split: a.split,
                b: b.id.clone(),
                b_split: b.split,
                similarity,
            })
        })
        .collect();
    found.sort_by(|x, y| {
        y.similarity.total_cmp(&x.similarity).then_with(|| (&x.a, &x.b).cmp(&(&y.a, &y.b)))
    });
    found
}

/// How many held-out rows have the input of a row that the search sees: they confirm nothing.
#[must_use]
pub fn known_held_out(splits: &Splits, inputs: &BTreeSet<String>) -> usize {
    let seen = splits.train.iter().chain(&splits.dev);
    let seen: BTreeSet<InputKey> = seen.map(|row| input_key(row, inputs)).collect();
    let held_out = rows_of(splits).filter(|(split, _)| *split == Split::Hold);
    held_out.filter(|(_, row)| seen.contains(&input_key(row, inputs))).count()
}

/// The rows that are known, for rows that are new.
pub struct KnownRows {
    inputs: BTreeSet<String>,
    rows: Vec<KnownRow>,
}

struct KnownRow {
    place: Option<(ExampleId, Split)>,
    input: InputKey,
    shingles: Vec<u64>,
}

/// A known row that a new one is nearly equal to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    /// Its id and its split; `None` where it is new, too.
    pub place: Option<(ExampleId, Split)>,
}

impl KnownRows {
    /// All rows of a task, with its input columns. The held-out ones are opened because a new row that is nearly one of them would
    /// show it to the search. Nothing of them leaves this module but that there is one.
    #[must_use]
    pub fn of(splits: &Splits, inputs: &BTreeSet<String>) -> Self {
        let mut known = Self { inputs: inputs.clone(), rows: Vec::new() };
        rows_of(splits).for_each(|(split, row)| known.add(row, Some(split)));
        known
    }

    /// Adds a row; `None`: it is of no split yet.
    pub fn add(&mut self, row: &Example, split: Option<Split>) {
        let Text { input, shingles, .. } =
            Text::new(split.unwrap_or(Split::Train), row, &self.inputs);
        self.rows.push(KnownRow {
            place: split.map(|split| (row.id.clone(), split)),
            input,
            shingles,
        });
    }

    /// The known row with the same input, case and space ignored, or else the first one of similarity [`THRESHOLD`].
    #[must_use]
    pub fn like(&self, row: &Example) -> Option<Like> {
        let new = Text::new(Split::Train, row, &self.inputs);
        let is_like = |known: &&KnownRow| {
            known.input == new.input || jaccard(&known.shingles, &new.shingles) >= THRESHOLD
        };
        self.rows.iter().find(is_like).map(|known| Like { place: known.place.clone() })
    }
}

/// The held-out rows are opened because the user must be warned before spending money that some of
/// them repeat rows of the search. Only ids and a number leave this module.
fn rows_of(splits: &Splits) -> impl Iterator<Item = (Split, &Example)> {
    let train = splits.train.iter().map(|row| (Split::Train, row));
    let dev = splits.dev.iter().map(|row| (Split::Dev, row));
    let hold = splits.hold.open_held_out().iter().map(|row| (Split::Hold, row));
    train.chain(dev).chain(hold)
}

/// A row as its set of shingles.
struct Text<'a> {
    split: Split,
    id: &'a ExampleId,
    input: InputKey,
    /// Hashes, sorted, each once.
    shingles: Vec<u64>,
}

impl<'a> Text<'a> {
    fn new(split: Split, row: &'a Example, inputs: &BTreeSet<String>) -> Self {
        let text = input_text(row, inputs);
        let mut hashes = Vec::new();
        words(&text, |word| hashes.push(hash_word(word)));
        if hashes.is_empty() {
            // Without this, rows that consist of punctuation would all be equal.
            hashes.push(hash_word(text.trim()));
        }
        let mut shingles: Vec<u64> = if hashes.len() < SHINGLE {
            vec![fold_hashes(&hashes)]
        } else {
            hashes.windows(SHINGLE).map(fold_hashes).collect()
        };
        shingles.sort_unstable();
        shingles.dedup();
        Self { split, id: &row.id, input: input_key(row, inputs), shingles }
    }

    fn signature(&self, family: &[(u64, u64)]) -> [u64; HASHES] {
        let mut least = [u64::MAX; HASHES];
        // The shingles are sorted hashes, so the first ones are a random sample.
        for shingle in self.shingles.iter().take(SIGNED_SHINGLES) {
            for (least, (flip, factor)) in least.iter_mut().zip(family) {
                *least = (*least).min((shingle ^ flip).wrapping_mul(*factor));
            }
        }
        least
    }
}

fn hash_word(word: &str) -> u64 {
    let fnv = word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    mix(fnv)
}

fn fold_hashes(hashes: &[u64]) -> u64 {
    hashes.iter().fold(hashes.len() as u64, |folded, hash| mix(folded.rotate_left(7) ^ hash))
}

/// The finaliser of splitmix64.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn fingerprint(shingles: &[u64]) -> [u64; 2] {
    let once = fold_hashes(shingles);
    [once, fold_hashes(&[once, shingles.iter().fold(0, |sum: u64, it| sum.wrapping_add(mix(*it)))])]
}

/// Pairs of rows of different splits that share a whole band, as positions in `texts`, the smaller
/// first.
fn candidates(texts: &[Text<'_>]) -> BTreeSet<(usize, usize)> {
    let family: Vec<(u64, u64)> =
        (1..=HASHES as u64).map(|number| (mix(number), mix(number << 32) | 1)).collect();
    let signatures: Vec<[u64; HASHES]> = texts.iter().map(|text| text.signature(&family)).collect();
    let mut pairs = BTreeSet::new();
    for band in 0..BANDS {
        let mut buckets: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (place, signature) in signatures.iter().enumerate() {
            let key = fold_hashes(&signature[band * HASHES_PER_BAND..][..HASHES_PER_BAND]);
            buckets.entry(key).or_default().push(place);
        }
        for bucket in buckets.values().filter(|bucket| bucket.len() > 1) {
            pair_up(texts, bucket, &mut pairs);
        }
    }
    pairs
}

/// Pairs every row with a few rows of every other split. A bucket is sorted by split, and each row
/// begins at a different position in the others, so that a large bucket does not always use the
/// same few rows.
fn pair_up(texts: &[Text<'_>], bucket: &[usize], pairs: &mut BTreeSet<(usize, usize)>) {
    let runs: Vec<&[usize]> = bucket.chunk_by(|a, b| texts[*a].split == texts[*b].split).collect();
    for (number, run) in runs.iter().enumerate() {
        for others in
            runs.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, it)| it)
        {
            for (rank, place) in run.iter().enumerate() {
                for step in 0..NEIGHBOURS.min(others.len()) {
                    let other = others[(rank + step) % others.len()];
                    pairs.insert(((*place).min(other), (*place).max(other)));
                }
            }
        }
    }
}

fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut shared, mut i, mut j) = (0_usize, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    shared as f64 / (a.len() + b.len() - shared).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::task::example::HeldOut;
    use rand::Rng;
    use serde_json::json;
    use std::time::{Duration, Instant};

    fn row(id: usize, text: &str) -> Example {
        Example { numbers: Vec::new(),
            id: ExampleId::new(format!("r{id}")),
            columns: json!({ "id": format!("r{id}"), "q": text, "source": "the same long note on every row of the file" })
                .as_object()
                .cloned()
                .unwrap(),
            answer: json!("a"),
            feedback: None,
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
file: 0,
            line: id,
        }
    }

    fn splits(train: &[&str], dev: &[&str], hold: &[&str]) -> Splits {
        let mut next = 0;
        let mut rows = |texts: &[&str]| -> Vec<Example> {
            texts
                .iter()
                .map(|text| {
                    next += 1;
                    row(next, text)
                })
                .collect()
        };
        Splits { train: rows(train), dev: rows(dev), hold: HeldOut::seal(rows(hold)) }
    }

    fn pairs(splits: &Splits) -> Vec<(String, String)> {
        near_duplicates(splits).into_iter().map(|it| (it.a.to_string(), it.b.to_string())).collect()
    }

    fn text_of(rng: &mut impl Rng, words: usize) -> Vec<String> {
        (0..words).map(|_| format!("w{}", rng.random_range(0..5_000))).collect()
    }

    const LONG: &str = "my parcel was left with the neighbour two weeks ago and nobody has told me where it \
                        is now although I have called the hot line three times since then";

    #[test]
    fn a_changed_word_across_splits_is_found_and_within_one_is_not() {
        let near = splits(
            &[LONG],
            &["something else entirely, at some length"],
            &[&format!("{LONG}, so")],
        );
        let found = near_duplicates(&near);
        assert_eq!((found[0].a_split, found[0].b_split), (Split::Train, Split::Hold));
        assert_eq!((found[0].a.as_str(), found[0].b.as_str()), ("r1", "r3"));
        assert!((found[0].similarity - 26.0 / 27.0).abs() < 1e-12, "{}", found[0].similarity);
        assert!(pairs(&splits(&[LONG, &format!("{LONG}, so")], &["x y z"], &[])).is_empty());
    }

    #[test]
    fn short_and_unspaced_texts_are_compared_as_well() {
        assert_eq!(
            pairs(&splits(&["Where is it?"], &["where IS it", "what is it"], &[])),
            [("r1".into(), "r2".into())]
        );
        assert!(pairs(&splits(&["+ +"], &["- -"], &[])).is_empty());
        let chinese =
            "我的包裹两周前就送到邻居那里了但是没有人告诉我现在在哪里请帮我查一下谢谢你们";
        assert_eq!(pairs(&splits(&[chinese], &[&format!("{chinese}啊")], &["别的"])).len(), 1);
    }

    #[test]
    fn a_held_out_row_with_the_input_of_another_is_counted_and_not_listed() {
        let equal = splits(&[LONG], &[&format!("{LONG}!")], &[LONG, &format!("{LONG}?")]);
        assert_eq!(known_held_out(&equal, &BTreeSet::from(["q".to_owned()])), 1);
        // The first row of `hold` is like that of dev, too, whose last character it lacks.
        assert_eq!(pairs(&equal), [("r1".into(), "r2".into()), ("r2".into(), "r3".into())]);
    }

    #[test]
    fn nearly_all_pairs_at_the_threshold_are_found_and_none_below_it() {
        let mut rng = Seed(7).rng();
        let (mut train, mut dev) = (Vec::new(), Vec::new());
        for number in 0..400 {
            let words = text_of(&mut rng, 104);
            let mut near = words.clone();
            // Changed words: each changes one shingle of a hundred, so 11 of them give 89 / 111.
            let changed = if number % 2 == 0 { 11 } else { 13 };
            let from = near.len() - changed;
            for (step, word) in near[from..].iter_mut().enumerate() {
                *word = format!("new{number}x{step}");
            }
            train.push(row(number, &words.join(" ")));
            dev.push(row(1_000 + number, &near.join(" ")));
        }
        let found = near_duplicates(&Splits { train, dev, hold: HeldOut::seal(Vec::new()) });
        assert_eq!(found.len(), 200);
        assert!(found.iter().all(|it| (0.8..0.81).contains(&it.similarity)));
    }

    #[test]
    fn equal_rows_are_named_once_per_split_and_many_alike_cost_little() {
        let same = vec![LONG; 3_000];
        assert_eq!(near_duplicates(&splits(&same, &same, &[])).len(), 1);
        let alike: Vec<String> = (0..4_000).map(|number| format!("{LONG} {number}")).collect();
        let alike: Vec<&str> = alike.iter().map(String::as_str).collect();
        let begun = Instant::now();
        let found = near_duplicates(&splits(&alike[..2_000], &alike[2_000..], &[]));
        let named: BTreeSet<&str> =
            found.iter().flat_map(|it| [it.a.as_str(), it.b.as_str()]).collect();
        assert_eq!(named.len(), 4_000);
        assert!(found.len() < 200_000, "{}", found.len());
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn twenty_thousand_rows_take_a_moment() {
        let mut rng = Seed(9).rng();
        let texts: Vec<String> = (0..20_000).map(|_| text_of(&mut rng, 60).join(" ")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let splits = splits(&texts[..10_000], &texts[10_000..15_000], &texts[15_000..]);
        let begun = Instant::now();
        assert!(near_duplicates(&splits).is_empty());
        // The limit detects a quadratic search, not a busy machine.
        let limit = if cfg!(debug_assertions) { 30 } else { 5 };
        assert!(begun.elapsed() < Duration::from_secs(limit), "{:?}", begun.elapsed());
    }
}
