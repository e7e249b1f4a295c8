//! Splits the rows: by shares of one file, or with a file per split.
//!
//! The splits depend only on the rows and the seed, not on answers, the clock, or the order of the
//! rows in their file.

use crate::id::ExampleId;
use crate::seed::Seed;
use crate::task::dataset::{columns_of, fill_columns};
use crate::task::example::{Example, HeldOut, Splits};
use crate::task::inputs::{InputKey, input_columns, input_key};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;

/// Train, dev and hold, in the order of the arrays here.
const SPLITS: usize = 3;

/// Strata with fewer rows than this are pooled, because they cannot be spread over three splits.
const SMALLEST_STRATUM: usize = 3;

/// The share of the rows for each split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shares {
    /// Shown to mutators.
    pub train: f64,
    /// Selects candidates.
    pub dev: f64,
    /// Confirms the winner, once.
    pub hold: f64,
}

impl Shares {
    /// The default shares. With few rows, a held-out set would be too small to detect a gain; with
    /// many rows, train can be larger.
    #[must_use]
    pub fn by_size(rows: usize) -> Self {
        let (train, dev, hold) = match rows {
            0..40 => (0.5, 0.5, 0.0),
            40..=200 => (0.4, 0.3, 0.3),
            _ => (0.5, 0.25, 0.25),
        };
        Self { train, dev, hold }
    }

    fn as_array(self) -> [f64; SPLITS] {
        [self.train, self.dev, self.hold]
    }
}

/// `data.split` of the task file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SplitSpec {
    /// Shares of one file.
    Shares(Shares),
    /// One file per split, relative to the task's folder.
    Files {
        /// Shown to mutators.
        train: PathBuf,
        /// Selects candidates.
        dev: PathBuf,
        /// Confirms the winner, once; optional.
        #[serde(skip_serializing_if = "Option::is_none")]
        hold: Option<PathBuf>,
    },
}

impl JsonSchema for SplitSpec {
    fn schema_name() -> Cow<'static, str> {
        "SplitSpec".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of = |value: serde_json::Value, required: &[&str]| {
            let splits = serde_json::json!({ "train": value, "dev": value, "hold": value });
            serde_json::json!({
                "type": "object",
                "properties": splits,
                "required": required,
                "additionalProperties": false,
            })
        };
        let share = serde_json::json!({ "type": "number", "minimum": 0, "maximum": 1 });
        let file = serde_json::json!({ "type": "string" });
        json_schema!({ "anyOf": [of(share, &["dev"]), of(file, &["train", "dev"])] })
    }
}

impl<'de> Deserialize<'de> for SplitSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SpecVisitor)
    }
}

struct SpecVisitor;

impl<'de> Visitor<'de> for SpecVisitor {
    type Value = SplitSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a table such as { train = 0.4, dev = 0.3, hold = 0.3 }, or with three file names",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SplitSpec, A::Error> {
        const NAMES: &[&str] = &["train", "dev", "hold"];
        let mut shares: [Option<f64>; SPLITS] = [None; SPLITS];
        let mut files: [Option<PathBuf>; SPLITS] = [None, None, None];
        while let Some(name) = map.next_key::<String>()? {
            let Some(place) = NAMES.iter().position(|known| *known == name) else {
                return Err(A::Error::unknown_field(&name, NAMES));
            };
            match map.next_value::<Entry>()? {
                Entry::Share(share) if (0.0..=1.0).contains(&share) => shares[place] = Some(share),
                Entry::Share(share) => {
                    return Err(A::Error::custom(format!(
                        "the share of {name} is {share}, but must be between 0 and 1"
                    )));
                }
                Entry::File(file) => files[place] = Some(file),
            }
        }
        match (shares, files) {
            ([None, None, None], [Some(train), Some(dev), hold]) => {
                Ok(SplitSpec::Files { train, dev, hold })
            }
            ([None, None, None], _) => Err(A::Error::custom(
                "a split needs `train` and `dev`, as shares or as file names; `hold` is optional",
            )),
            (shares, [None, None, None]) => {
                checked(shares.map(Option::unwrap_or_default)).map_err(A::Error::custom)
            }
            _ => Err(A::Error::custom(
                "a split has shares or files, not both: name a file for each split",
            )),
        }
    }
}

fn checked([train, dev, hold]: [f64; SPLITS]) -> Result<SplitSpec, String> {
    let sum = train + dev + hold;
    if (sum - 1.0).abs() > 1e-6 {
        return Err(format!(
            "the shares of a split must sum to 1, but these sum to {}",
            (sum * 1e6).round() / 1e6
        ));
    }
    if dev == 0.0 {
        return Err(
            "the share of dev must be above 0, because the search selects on dev".to_owned()
        );
    }
    Ok(SplitSpec::Shares(Shares { train, dev, hold }))
}

enum Entry {
    Share(f64),
    File(PathBuf),
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;
        impl Visitor<'_> for EntryVisitor {
            type Value = Entry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share such as 0.3, or a file name")
            }
            fn visit_f64<E: Error>(self, share: f64) -> Result<Entry, E> {
                Ok(Entry::Share(share))
            }
            fn visit_i64<E: Error>(self, share: i64) -> Result<Entry, E> {
                Ok(Entry::Share(share as f64))
            }
            fn visit_u64<E: Error>(self, share: u64) -> Result<Entry, E> {
                Ok(Entry::Share(share as f64))
            }
            fn visit_str<E: Error>(self, file: &str) -> Result<Entry, E> {
                match file.trim() {
                    "" => Err(E::custom("the file name of a split is empty")),
                    file => Ok(Entry::File(file.into())),
                }
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// Splits the rows of one file: stratified by answer; rows of one group, and rows with equal inputs
/// (case and white space ignored), stay together. If a group is larger than a split's share, a
/// split may stay empty; the caller checks `dev`.
#[must_use]
pub fn split(rows: Vec<Example>, shares: Option<Shares>, seed: Seed) -> Splits {
    let columns = input_columns(&rows.iter().collect::<Vec<_>>());
    split_by(rows, &columns, shares, seed)
}

/// Like [`split`], with given input columns.
#[must_use]
pub fn split_by(
    rows: Vec<Example>,
    inputs: &BTreeSet<String>,
    shares: Option<Shares>,
    seed: Seed,
) -> Splits {
    // They are put aside first: a row that is added by `synth` moves no collected row to another split.
    let (synthetic, mut rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.origin.is_synthetic());
    let shares = shares.unwrap_or_else(|| Shares::by_size(rows.len()));
    // From here on, the order in the file does not matter.
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let units = units(&rows, inputs, seed.child("split", 0));
    let places = assign(&units, shares.as_array());
    let mut place_of = vec![0; rows.len()];
    for (unit, place) in units.iter().zip(places) {
        for row in &unit.rows {
            place_of[*row] = place;
        }
    }
    let mut parts: [Vec<Example>; SPLITS] = Default::default();
    for (row, place) in rows.into_iter().zip(place_of) {
        parts[place].push(row);
    }
    with_synthetic(&mut parts, synthetic);
    into_splits(parts, seed)
}

/// Gives synthetic rows to the split that mutators see, or to dev where there is none: they are never held out.
fn with_synthetic([train, dev, _]: &mut [Vec<Example>; SPLITS], synthetic: Vec<Example>) {
    let split = if train.is_empty() { dev } else { train };
    split.extend(synthetic);
}

/// Makes splits from one file per split. Every row gets the columns of all rows. If two files use
/// the same id, as files without an id column do, all ids get the split's name as a prefix.
#[must_use]
pub fn given(train: Vec<Example>, dev: Vec<Example>, hold: Vec<Example>, seed: Seed) -> Splits {
    let mut parts = [train, dev, hold];
    let columns = columns_of(parts.iter().flatten());
    fill_columns(parts.iter_mut().flatten(), &columns);
    let rows: usize = parts.iter().map(Vec::len).sum();
    let ids: BTreeSet<&ExampleId> = parts.iter().flatten().map(|row| &row.id).collect();
    if ids.len() < rows {
        for (part, name) in parts.iter_mut().zip(["train", "dev", "hold"]) {
            for row in part {
                row.id = ExampleId::new(format!("{name}:{}", row.id));
            }
        }
    }
    let (synthetic, hold) =
        std::mem::take(&mut parts[2]).into_iter().partition(|row| row.origin.is_synthetic());
    parts[2] = hold;
    with_synthetic(&mut parts, synthetic);
    into_splits(parts, seed)
}

/// Rows that must pass come first: a prompt that fails one is not asked many others, and held-out ones are asked in any
/// case.
fn into_splits([train, dev, hold]: [Vec<Example>; SPLITS], seed: Seed) -> Splits {
    let ordered = |rows, seed| {
        let mut rows = ordered(rows, seed);
        rows.sort_by_key(|row| !row.must_pass);
        rows
    };
    Splits {
        train: ordered(train, seed.child("order", 0)),
        dev: ordered(dev, seed.child("order", 1)),
        hold: HeldOut::seal(ordered(hold, seed.child("order", 2))),
    }
}

/// Rows that must stay in one split.
struct Unit {
    rows: Vec<usize>,
    stratum: usize,
    /// A random number from the seed and the row, so that a new row does not change the order of
    /// the others.
    draw: u64,
}

fn units(rows: &[Example], inputs: &BTreeSet<String>, seed: Seed) -> Vec<Unit> {
    let strata = strata(rows);
    let mut sets = DisjointSets::new(rows.len());
    let mut by_group: HashMap<&str, usize> = HashMap::new();
    let mut by_input: HashMap<InputKey, usize> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(group) = &row.group {
            sets.join(index, *by_group.entry(group).or_insert(index));
        }
        // Without input columns all rows would be equal.
        if !inputs.is_empty() {
            sets.join(index, *by_input.entry(input_key(row, inputs)).or_insert(index));
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..rows.len() {
        members.entry(sets.root(index)).or_default().push(index);
    }
    members
        .into_values()
        .map(|rows_of_unit| Unit {
            stratum: most_frequent(rows_of_unit.iter().map(|row| strata[*row])),
            draw: rows_of_unit.first().map_or(0, |row| draw(seed, rows[*row].id.as_str())),
            rows: rows_of_unit,
        })
        .collect()
}

fn draw(seed: Seed, name: &str) -> u64 {
    seed.child(name, 0).0
}

fn most_frequent(strata: impl Iterator<Item = usize>) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for stratum in strata {
        *counts.entry(stratum).or_default() += 1;
    }
    let best =
        counts.into_iter().max_by_key(|(stratum, count)| (*count, std::cmp::Reverse(*stratum)));
    best.map_or(0, |(stratum, _)| stratum)
}

/// The stratum of every row. Stratum 0 pools the answers that few rows share, so that answers that
/// rarely repeat, such as numbers and free texts, form one stratum.
fn strata(rows: &[Example]) -> Vec<usize> {
    let answers: Vec<String> = rows.iter().map(|row| canonical(&row.answer)).collect();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in &answers {
        *numbers.entry(answer).or_default() += 1;
    }
    let mut next = 0;
    for number in numbers.values_mut() {
        *number = if *number < SMALLEST_STRATUM {
            0
        } else {
            next += 1;
            next
        };
    }
    answers.iter().map(|answer| numbers[answer.as_str()]).collect()
}

/// JSON with sorted keys, so that equal answers give equal texts.
fn canonical(answer: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields: BTreeMap<&String, Value> =
                    fields.iter().map(|(name, value)| (name, sorted(value))).collect();
                fields.into_iter().map(|(name, value)| (name.clone(), value)).collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    sorted(answer).to_string()
}

/// Assigns by largest remainder within every stratum. If rounding leaves a choice, the split that
/// is furthest behind over all strata so far gets the row.
fn assign(units: &[Unit], shares: [f64; SPLITS]) -> Vec<usize> {
    let strata = units.iter().map(|unit| unit.stratum + 1).max().unwrap_or(0);
    let mut missing = vec![[0.0; SPLITS]; strata];
    for unit in units {
        for (missing, share) in missing[unit.stratum].iter_mut().zip(shares) {
            *missing += unit.rows.len() as f64 * share;
        }
    }
    let mut places = vec![0; units.len()];
    let mut order: Vec<usize> = (0..units.len()).collect();
    // Assign large units first, over all strata; single rows then even out the shares.
    order.sort_by_key(|index| {
        let unit = &units[*index];
        let size = unit.rows.len();
        let stratum = if size > 1 { 0 } else { unit.stratum };
        (std::cmp::Reverse(size), stratum, unit.draw, unit.rows.first().copied())
    });
    let mut behind = [0.0; SPLITS];
    let mut counted = None;
    for index in order {
        let unit = &units[index];
        let size = unit.rows.len() as f64;
        if unit.rows.len() > 1 {
            behind = missing.iter().fold([0.0; SPLITS], |sum, row| {
                [sum[0] + row[0], sum[1] + row[1], sum[2] + row[2]]
            });
        } else if counted != Some(unit.stratum) {
            // Strata without single rows are finished and count among those so far.
            behind = missing[..=unit.stratum].iter().fold([0.0; SPLITS], |sum, row| {
                [sum[0] + row[0], sum[1] + row[1], sum[2] + row[2]]
            });
            counted = Some(unit.stratum);
        }
        let place = choose(&missing[unit.stratum], &behind, &shares, size);
        missing[unit.stratum][place] -= size;
        behind[place] -= size;
        places[index] = place;
    }
    places
}

fn choose(
    missing: &[f64; SPLITS],
    behind: &[f64; SPLITS],
    shares: &[f64; SPLITS],
    size: f64,
) -> usize {
    const SLACK: f64 = 1e-9;
    // Dev first: if all else is equal, the rows that select matter most.
    let open = || [1, 0, 2].into_iter().filter(|place| shares[*place] > 0.0);
    let most = |places: &mut dyn Iterator<Item = usize>, of: &[f64; SPLITS]| {
        places.fold(None, |best: Option<usize>, place| match best {
            Some(best) if of[place] <= of[best] + SLACK => Some(best),
            _ => Some(place),
        })
    };
    let mut fitting = open().filter(|place| missing[*place] >= size - SLACK);
    // Single rows are in random order. Filling one split after the other is robust: an added row
    // moves at most one row per boundary.
    let fits = if size > 1.0 { most(&mut fitting, missing) } else { fitting.next() };
    fits.or_else(|| most(&mut open().filter(|place| missing[*place] > SLACK), behind))
        .or_else(|| most(&mut open(), behind))
        .unwrap_or(1)
}

/// A seeded order in which every prefix has about the same proportions of answers as the whole, so
/// that a block of rows is representative.
#[must_use]
pub fn ordered(mut rows: Vec<Example>, seed: Seed) -> Vec<Example> {
    let mut strata: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    rows.sort_by_cached_key(|row| (draw(seed, row.id.as_str()), row.id.clone()));
    for (index, row) in rows.iter().enumerate() {
        strata.entry(canonical(&row.answer)).or_default().push(index);
    }
    // Strata of the same size begin at evenly spaced points; otherwise answers that occur once
    // would cluster.
    let mut by_size: BTreeMap<usize, Vec<(u64, Vec<usize>)>> = BTreeMap::new();
    for (answer, members) in strata {
        by_size
            .entry(members.len())
            .or_default()
            .push((draw(seed.child("stratum", 0), &answer), members));
    }
    let mut position = vec![0.0; rows.len()];
    for (size, mut peers) in by_size {
        peers.sort();
        let jitter = unit_interval(seed.child("jitter", size as u64));
        let count = peers.len() as f64;
        for (rank, (_, members)) in peers.into_iter().enumerate() {
            let offset = (rank as f64 + jitter) / count;
            for (step, index) in members.into_iter().enumerate() {
                position[index] = (step as f64 + offset) / size as f64;
            }
        }
    }
    let mut placed: Vec<(f64, Example)> = position.into_iter().zip(rows).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, row)| row).collect()
}

fn unit_interval(seed: Seed) -> f64 {
    (seed.0 >> 11) as f64 / (1_u64 << 53) as f64
}

/// Union-find. The smallest member is the root, so that roots do not depend on the order of joins.
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn new(size: usize) -> Self {
        Self((0..size).collect())
    }

    fn root(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::example::RowOrigin;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(id: usize, answer: &str, group: Option<usize>, input: &str) -> Example {
        let columns = json!({ "id": format!("r{id}"), "group": group.map(|it| format!("g{it}")), "q": input });
        Example {
            numbers: Vec::new(),
            id: ExampleId::new(format!("r{id}")),
            columns: columns.as_object().cloned().unwrap(),
            answer: json!(answer),
            feedback: None,
            group: group.map(|it| format!("g{it}")),
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: id + 1,
        }
    }

    fn plain(count: usize, labels: usize) -> Vec<Example> {
        (0..count)
            .map(|id| row(id, &format!("l{}", id % labels), None, &format!("question {id}")))
            .collect()
    }

    fn parts(splits: &Splits) -> [Vec<&Example>; 3] {
        [
            splits.train.iter().collect(),
            splits.dev.iter().collect(),
            splits.hold.open_held_out().iter().collect(),
        ]
    }

    fn ids(splits: &Splits) -> [BTreeSet<String>; 3] {
        parts(splits).map(|part| part.into_iter().map(|row| row.id.to_string()).collect())
    }

    fn rows() -> impl Strategy<Value = Vec<Example>> {
        let one = (0..5_usize, proptest::option::weighted(0.3, 0..12_usize), 0..60_usize);
        proptest::collection::vec(one, 1..150).prop_map(|rows| {
            rows.into_iter()
                .enumerate()
                .map(|(id, (label, group, input))| {
                    row(id, &format!("l{label}"), group, &format!("  Input {input}"))
                })
                .collect()
        })
    }

    fn shares() -> impl Strategy<Value = Shares> {
        (0.0..1.0_f64, 0.05..1.0_f64, 0.0..1.0_f64).prop_map(|(train, dev, hold)| {
            let sum = train + dev + hold;
            Shares { train: train / sum, dev: dev / sum, hold: hold / sum }
        })
    }

    proptest! {
        #[test]
        fn no_row_is_lost_or_doubled_and_the_files_order_does_not_matter(
            (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
            seed in any::<u64>(),
        ) {
            let all: BTreeSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
            let first = split(rows, None, Seed(seed));
            let second = split(shuffled, None, Seed(seed));
            let order = |splits: &Splits| parts(splits).map(|part| part.into_iter().map(|row| row.id.clone()).collect::<Vec<_>>());
            prop_assert_eq!(order(&first), order(&second));
            let sets = ids(&first);
            prop_assert_eq!(sets.iter().map(BTreeSet::len).sum::<usize>(), all.len());
            prop_assert_eq!(sets.into_iter().flatten().collect::<BTreeSet<_>>(), all);
        }

        #[test]
        fn groups_and_equal_inputs_stay_together(rows in rows(), shares in shares(), seed in any::<u64>()) {
            let splits = split(rows, Some(shares), Seed(seed));
            let mut places: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
            for (place, part) in parts(&splits).into_iter().enumerate() {
                for row in part {
                    let input = row.columns["q"].as_str().unwrap().trim().to_lowercase();
                    for name in row.group.iter().chain([&input]) {
                        places.entry(name.clone()).or_default().insert(place);
                    }
                }
            }
            for (name, places) in places {
                prop_assert_eq!(places.len(), 1, "{} is torn apart", name);
            }
        }

        #[test]
        fn sizes_keep_to_the_shares_within_the_largest_group(rows in rows(), shares in shares(), seed in any::<u64>()) {
            let count = rows.len() as f64;
            let columns = input_columns(&rows.iter().collect::<Vec<_>>());
            let mut sorted = rows.clone();
            sorted.sort_by(|a, b| a.id.cmp(&b.id));
            let largest = units(&sorted, &columns, Seed(seed)).iter().map(|unit| unit.rows.len()).max().unwrap();
            let splits = split(rows, Some(shares), Seed(seed));
            for (part, share) in parts(&splits).iter().zip(shares.as_array()) {
                let off = (part.len() as f64 - count * share).abs();
                prop_assert!(off <= largest as f64 + 1.0, "{} rows for a share of {} of {}", part.len(), share, count);
            }
        }

        #[test]
        fn single_rows_are_split_exactly_within_every_answer(
            count in 1..200_usize, labels in 1..8_usize, shares in shares(), seed in any::<u64>(),
        ) {
            let splits = split(plain(count, labels), Some(shares), Seed(seed));
            let label_count = |part: &[&Example], label: usize| part.iter().filter(|row| row.answer == json!(format!("l{label}"))).count() as f64;
            for (part, share) in parts(&splits).iter().zip(shares.as_array()) {
                prop_assert!((part.len() as f64 - count as f64 * share).abs() < 2.0);
                for label in 0..labels.min(count) {
                    let rows = (label..count).step_by(labels).count() as f64;
                    if rows >= 3.0 {
                        prop_assert!((label_count(part, label) - rows * share).abs() < 1.0);
                    }
                }
            }
        }

        #[test]
        fn every_beginning_is_representative(count in 1..300_usize, labels in 1..7_usize, seed in any::<u64>()) {
            let rows = ordered(plain(count, labels), Seed(seed));
            let mut seen = vec![0.0; labels];
            for (place, row) in rows.iter().enumerate() {
                let label: usize = row.answer.as_str().unwrap()[1..].parse().unwrap();
                seen[label] += 1.0;
                for (label, seen) in seen.iter().enumerate() {
                    let all = (label..count).step_by(labels).count() as f64;
                    let due = all * (place + 1) as f64 / count as f64;
                    prop_assert!((seen - due).abs() <= 2.0, "{} of label {} after {}: {} are due", seen, label, place + 1, due);
                }
            }
        }

        #[test]
        fn a_split_spec_survives_being_written(shares in shares()) {
            let text = serde_json::to_string(&SplitSpec::Shares(shares)).unwrap();
            let Ok(SplitSpec::Shares(read)) = serde_json::from_str(&text) else { panic!("{text}") };
            for (read, written) in read.as_array().into_iter().zip(shares.as_array()) {
                prop_assert!((read - written).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_few_rows_of_each_answer_keep_the_shares_of_the_whole() {
        // Three rows of each answer would round to 1, 1 and 1 if every answer were rounded alone.
        let splits =
            split(plain(300, 100), Some(Shares { train: 0.5, dev: 0.25, hold: 0.25 }), Seed(3));
        assert_eq!(parts(&splits).map(|part| part.len()), [150, 75, 75]);
    }

    #[test]
    fn the_default_shares_follow_the_size() {
        let sizes = |count| parts(&split(plain(count, 2), None, Seed(1))).map(|part| part.len());
        assert_eq!(sizes(39), [19, 20, 0]);
        assert_eq!(sizes(40), [16, 12, 12]);
        assert_eq!(sizes(200), [80, 60, 60]);
        assert_eq!(sizes(240), [120, 60, 60]);
        assert_eq!(sizes(1), [0, 1, 0]);
    }

    #[test]
    fn seeds_give_different_splits_and_a_new_row_moves_few() {
        let before = ids(&split(plain(200, 4), None, Seed(1)));
        assert_ne!(before, ids(&split(plain(200, 4), None, Seed(2))));
        let shares = Some(Shares { train: 0.4, dev: 0.3, hold: 0.3 });
        let after = ids(&split(plain(201, 4), shares, Seed(1)));
        let moved: usize =
            before.iter().zip(&after).map(|(before, after)| before.difference(after).count()).sum();
        assert!(moved < 20, "{moved} rows moved");
    }

    #[test]
    fn answers_that_occur_once_are_spread_among_the_frequent_ones() {
        let mut rows = plain(300, 1);
        rows.extend(
            (300..600).map(|id| row(id, &format!("once {id}"), None, &format!("question {id}"))),
        );
        for block in ordered(rows, Seed(5)).chunks(20) {
            let frequent = block.iter().filter(|row| row.answer == json!("l0")).count();
            assert!((8..=12).contains(&frequent), "{frequent} of 20");
        }
    }

    #[test]
    fn synthetic_rows_are_never_held_out_and_move_no_other_row() {
        let marked = |count: usize| {
            let rows = plain(count, 3).into_iter().enumerate();
            rows.map(|(id, row)| Example {
                id: ExampleId::new(format!("s{id}")),
                origin: if id % 2 == 0 { RowOrigin::Reviewed } else { RowOrigin::Unreviewed },
                ..row
            })
            .collect::<Vec<_>>()
        };
        let before = ids(&split(plain(90, 3), None, Seed(1)));
        // They have the very inputs of collected ones.
        let all = plain(90, 3).into_iter().chain(marked(40)).collect();
        let after = split(all, None, Seed(1));
        let [train, dev, hold] = ids(&after);
        assert_eq!((&dev, &hold), (&before[1], &before[2]));
        assert_eq!(train.len(), before[0].len() + 40);
        let only_dev = Shares { train: 0.0, dev: 0.5, hold: 0.5 };
        let all = plain(90, 3).into_iter().chain(marked(40)).collect();
        let [train, dev, hold] = ids(&split(all, Some(only_dev), Seed(1)));
        assert_eq!((train.len(), dev.len()), (0, 85));
        assert!(hold.iter().all(|id| id.starts_with('r')));
        let [train, _, hold] = ids(&given(plain(4, 2), plain(3, 1), marked(6), Seed(1)));
        assert!(hold.is_empty() && train.len() == 10);
    }

    #[test]
    fn rows_without_any_input_are_not_all_alike() {
        let rows =
            (0..60).map(|id| Example { columns: serde_json::Map::new(), ..row(id, "a", None, "") });
        assert_eq!(
            parts(&split(rows.collect(), None, Seed(1))).map(|part| part.len()),
            [24, 18, 18]
        );
    }

    #[test]
    fn given_files_keep_their_rows_and_get_telling_ids() {
        let mut hold = plain(2, 1);
        hold[0].columns.insert("extra".into(), json!("x"));
        let splits = given(plain(4, 2), plain(3, 1), hold, Seed(1));
        let [train, dev, hold] = ids(&splits);
        assert_eq!((train.len(), dev.len(), hold.len()), (4, 3, 2));
        assert!(train.contains("train:r0") && dev.contains("dev:r0") && hold.contains("hold:r1"));
        assert_eq!(splits.dev[0].columns.get("extra"), Some(&Value::Null));
        let apart = given(plain(4, 2), vec![row(9, "a", None, "q")], Vec::new(), Seed(1));
        assert_eq!(apart.dev[0].id.as_str(), "r9");
    }

    fn spec(text: &str) -> Result<SplitSpec, String> {
        #[derive(Deserialize)]
        struct Data {
            split: SplitSpec,
        }
        toml::from_str::<Data>(text)
            .map(|data| data.split)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn shares_and_files_are_read() {
        let shares = |train, dev, hold| Ok(SplitSpec::Shares(Shares { train, dev, hold }));
        assert_eq!(spec("split = { train = 0.4, dev = 0.3, hold = 0.3 }"), shares(0.4, 0.3, 0.3));
        assert_eq!(spec("split = { dev = 1 }"), shares(0.0, 1.0, 0.0));
        let files = SplitSpec::Files { train: "a.jsonl".into(), dev: "b.csv".into(), hold: None };
        assert_eq!(spec("split = { train = 'a.jsonl', dev = 'b.csv' }"), Ok(files.clone()));
        let text = serde_json::to_string(&files).unwrap();
        assert_eq!(serde_json::from_str::<SplitSpec>(&text).unwrap(), files);
    }

    #[test]
    fn an_invalid_split_is_an_error_with_a_reason() {
        for (text, message) in [
            ("split = { train = 0.4, dev = 0.3 }", "must sum to 1, but these sum to 0.7"),
            ("split = { train = -0.1, dev = 1.1 }", "between 0 and 1"),
            ("split = { train = nan, dev = 1.0 }", "between 0 and 1"),
            ("split = { train = 40, dev = 60 }", "between 0 and 1"),
            ("split = { train = 1.0 }", "dev must be above 0"),
            ("split = { train = 0.5, dev = 'b.jsonl' }", "shares or files, not both"),
            ("split = { train = 'a.jsonl' }", "needs `train` and `dev`"),
            ("split = { trian = 0.5, dev = 0.5 }", "unknown field `trian`"),
            ("split = { train = true, dev = 0.5 }", "a share such as 0.3"),
            ("split = 0.5", "a table such as"),
            ("split = { train = '', dev = 'b' }", "is empty"),
        ] {
            let error = spec(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
