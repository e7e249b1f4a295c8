//! What the simulated clerk has to know: one skill for each rule that decides rows.
//!
//! Skills come from the data alone (feedback, answers, inputs); what the clerk can do with them is
//! drawn from the world's seed. What a prompt says about them is read in `statement`.

use super::draw;
use super::labels::{AnswerForm, Labels};
use super::parameters::WorldParameters;
use super::row::WorldRow;
use super::words;
use crate::seed::Seed;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Feedback texts that become skills of their own; rarer ones join the nearest.
const MAX_SKILLS: usize = 24;
/// Skills of rows without feedback.
const BUCKETS: usize = 12;
/// Words by which a bucket's rows are told from the others.
const BUCKET_WORDS: usize = 5;
/// The weight of a word that only says why: one between these words and the end of its sentence. A
/// clerk that knows the case and where it belongs needs no reason.
const REASON: f64 = 0.3;
const REASON_MARKS: &[&str] =
    &["because", "since", "even", "whatever", "whether", "who", "together", "such"];
/// Rows of a bucket whose words are counted.
const ROWS_PER_BUCKET: usize = 200;
/// Spread of the logits of a known skill, unasked.
const SPREAD_KNOWN: f64 = 0.5;
/// Logits of an unknown one, where the naive reading is nearly always taken.
const PRIOR_UNKNOWN: (f64, f64) = (-1.7, 0.6);
/// Logits of a skill that the prompt states in full.
const MASTERED: (f64, f64) = (2.9, 0.4);
/// The part of the form's shift that a full statement leaves.
const SHIFT_LEFT: f64 = 0.2;
/// The least that a full statement adds to a known skill.
const LEAST_GAIN: f64 = 0.6;

/// Words by their number in the vocabulary, each with what it weighs.
type Weights = Vec<(usize, f64)>;

/// One thing to know.
#[derive(Debug)]
pub(super) struct Skill {
    /// Content words by their number in the vocabulary, with weights that sum to 1.
    pub(super) weights: Weights,
    /// Where its rows belong, as a place in the list of labels.
    pub(super) label: Option<usize>,
    /// Whether its own text names that label, so that a line without it says only half.
    pub(super) names_label: bool,
    /// Labels that its own text names and that a line may therefore name as well.
    pub(super) allowed: BTreeSet<usize>,
    /// The skill whose rule is nearest by its words, of another label if one exists.
    pub(super) neighbour: Option<usize>,
    /// The label that the naive reading takes.
    pub(super) naive: Option<usize>,
    /// Logits unasked.
    pub(super) prior: f64,
    /// Logits when stated in full.
    pub(super) mastered: f64,
    /// Source of all further draws about this skill.
    pub(super) seed: Seed,
}

/// All skills of a world, and which one decides each row.
#[derive(Debug)]
pub(super) struct Skills {
    /// In order of their keys, so that the order of the rows does not matter.
    pub(super) all: Vec<Skill>,
    /// The deciding skill of each row.
    pub(super) of_row: Vec<usize>,
    /// The number of every stem that some skill holds.
    pub(super) vocabulary: HashMap<String, usize>,
}

/// A skill before its numbers are known.
struct Draft {
    key: String,
    rows: Vec<usize>,
    words: BTreeSet<String>,
    /// Those of them that stand in reasons alone.
    reasons: BTreeSet<String>,
    labels: BTreeSet<usize>,
}

impl Skills {
    /// Finds the skills of the rows.
    pub(super) fn new(
        rows: &[WorldRow],
        form: &AnswerForm,
        labels: &Labels,
        parameters: &WorldParameters,
        seed: Seed,
    ) -> Self {
        let mut drafts = from_feedback(rows, labels);
        drafts.extend(from_buckets(rows, form, labels, seed));
        drafts.sort_by(|a, b| a.key.cmp(&b.key));

        let known = known_of(&drafts, parameters.known, seed);
        let neighbours = neighbours(rows, &drafts, labels);
        let (vocabulary, weights) = weigh(&drafts);
        let mut of_row = vec![0; rows.len()];
        let mut all = Vec::with_capacity(drafts.len());
        for (place, (draft, weights)) in drafts.iter().zip(weights).enumerate() {
            for row in &draft.rows {
                of_row[*row] = place;
            }
            let seed = skill_seed(seed, draft);
            let label = common_label(rows, draft, labels);
            let of = |name, (mean, spread): (f64, f64)| {
                mean + spread * draw::normal(seed.child(name, 0))
            };
            let shift = form.prior_shift();
            let prior = if known.contains(&place) {
                of("known", (parameters.prior_known, SPREAD_KNOWN))
            } else {
                of("unknown", PRIOR_UNKNOWN)
            } + shift;
            all.push(Skill {
                weights,
                label,
                names_label: label.is_some_and(|label| draft.labels.contains(&label)),
                allowed: draft.labels.iter().copied().chain(label).collect(),
                neighbour: neighbours[place],
                naive: label.and_then(|label| labels.other_than(label, seed.child("naive", 0))),
                prior,
                mastered: (of("mastered", MASTERED) + SHIFT_LEFT * shift).max(prior + LEAST_GAIN),
                seed,
            });
        }
        Self { all, of_row, vocabulary }
    }
}

fn skill_seed(seed: Seed, draft: &Draft) -> Seed {
    draw::of_text(seed.child("skill", 0), &draft.key)
}

/// The skills with the smallest draws, so that every world knows the same share of them.
fn known_of(drafts: &[Draft], share: f64, seed: Seed) -> BTreeSet<usize> {
    let mut order: Vec<_> = (0..drafts.len()).collect();
    order.sort_by_key(|place| skill_seed(seed, &drafts[*place]).child("rank", 0).0);
    order.truncate((share * drafts.len() as f64).round() as usize);
    order.into_iter().collect()
}

/// For each skill the one that is most easily taken for it: with most words in common, of another
/// label rather than of the same.
fn neighbours(rows: &[WorldRow], drafts: &[Draft], labels: &Labels) -> Vec<Option<usize>> {
    let own: Vec<_> = drafts.iter().map(|draft| common_label(rows, draft, labels)).collect();
    drafts
        .iter()
        .enumerate()
        .map(|(place, draft)| {
            drafts
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .map(|(other, it)| {
                    let differs = own[other] != own[place];
                    (differs, likeness(&draft.words, &it.words), other)
                })
                .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.cmp(&a.2)))
                .map(|(_, _, other)| other)
        })
        .collect()
}

/// A feedback text without what differs from row to row.
fn key_of(feedback: &str) -> String {
    let text: String = feedback.chars().filter(|c| !c.is_numeric()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn from_feedback(rows: &[WorldRow], labels: &Labels) -> Vec<Draft> {
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let key = row.feedback.as_deref().map(key_of).unwrap_or_default();
        if !key.is_empty() {
            by_key.entry(key).or_default().push(place);
        }
    }
    let mut drafts: Vec<Draft> = by_key
        .into_iter()
        .map(|(key, rows)| Draft {
            words: labels.without_labels(&key),
            reasons: reasons_in(&key, labels),
            labels: labels.named_in(&key),
            key,
            rows,
        })
        .collect();
    drafts.sort_by(|a, b| b.rows.len().cmp(&a.rows.len()).then(a.key.cmp(&b.key)));
    let rare = drafts.split_off(drafts.len().min(MAX_SKILLS));
    for draft in rare {
        let nearest = drafts
            .iter_mut()
            .map(|kept| (likeness(&kept.words, &draft.words), kept))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.key.cmp(&a.1.key)));
        if let Some((_, kept)) = nearest {
            kept.rows.extend(draft.rows);
        }
    }
    drafts
}

/// The words that a feedback text uses only to say why.
fn reasons_in(feedback: &str, labels: &Labels) -> BTreeSet<String> {
    let (mut rules, mut reasons) = (String::new(), String::new());
    for sentence in words::sentences(feedback) {
        let mut says_why = false;
        for word in sentence.split(' ') {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            says_why |= REASON_MARKS.contains(&bare.as_str());
            let part = if says_why { &mut reasons } else { &mut rules };
            part.push_str(word);
            part.push(' ');
        }
    }
    let rules = labels.without_labels(&rules);
    // A text that is nothing but a reason is the rule.
    if rules.len() < 3 {
        return BTreeSet::new();
    }
    labels.without_labels(&reasons).difference(&rules).cloned().collect()
}

fn likeness(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let both = one.intersection(other).count();
    both as f64 / (one.len() + other.len() - both).max(1) as f64
}

/// Rows without feedback: by answer where answers are few, and by a hash of the id.
fn from_buckets(rows: &[WorldRow], form: &AnswerForm, labels: &Labels, seed: Seed) -> Vec<Draft> {
    let bare: Vec<usize> = (0..rows.len())
        .filter(|place| rows[*place].feedback.as_deref().is_none_or(|text| key_of(text).is_empty()))
        .collect();
    if bare.is_empty() {
        return Vec::new();
    }
    let per_label = match form {
        AnswerForm::Label(names) if !names.is_empty() => (BUCKETS / names.len()).max(1),
        _ => BUCKETS,
    };
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for place in bare {
        let row = &rows[place];
        let label = labels.of_answer(&row.answer).map(|label| label % BUCKETS);
        let seed = draw::of_text(seed.child("bucket", 0), &row.id);
        let bucket = draw::below(seed, per_label);
        by_key.entry(format!("{label:?} {bucket}")).or_default().push(place);
    }
    // A few hundred rows of each bucket show its words as well as all of them.
    let stems: BTreeMap<&str, Vec<BTreeSet<String>>> = by_key
        .iter()
        .map(|(key, members)| {
            let seen = members.iter().take(ROWS_PER_BUCKET);
            let stems = seen.map(|row| labels.without_labels(&rows[*row].input));
            (key.as_str(), stems.collect())
        })
        .collect();
    let seen: usize = stems.values().map(Vec::len).sum();
    let overall = counts(stems.values().flatten());
    let typical: Vec<BTreeSet<String>> =
        stems.values().map(|here| typical_words(here, &overall, seen)).collect();
    by_key
        .into_iter()
        .zip(typical)
        .map(|((key, rows), words)| Draft {
            words,
            reasons: BTreeSet::new(),
            labels: BTreeSet::new(),
            key,
            rows,
        })
        .collect()
}

fn counts<'a>(rows: impl Iterator<Item = &'a BTreeSet<String>>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for word in rows.flatten() {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    counts
}

/// The words that are most over-represented in these rows: share here × log of the lift.
fn typical_words(
    here: &[BTreeSet<String>],
    overall: &BTreeMap<&str, usize>,
    seen: usize,
) -> BTreeSet<String> {
    let mut ranked: Vec<(f64, &str)> = counts(here.iter())
        .into_iter()
        .map(|(word, count)| {
            let share = count as f64 / here.len().max(1) as f64;
            let everywhere = overall.get(word).copied().unwrap_or(count) as f64 / seen as f64;
            (share * (share / everywhere).ln(), word)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.truncate(BUCKET_WORDS);
    ranked.into_iter().map(|(_, word)| word.to_owned()).collect()
}

/// Words that many skills share count little: ln((skills + 1) / (skills with the word + ½)). Words
/// that only say why count less.
fn weigh(drafts: &[Draft]) -> (HashMap<String, usize>, Vec<Weights>) {
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for word in drafts.iter().flat_map(|draft| &draft.words) {
        *holders.entry(word).or_default() += 1;
    }
    let numbers: BTreeMap<&str, usize> = holders.keys().copied().zip(0..).collect();
    let weights = drafts
        .iter()
        .map(|draft| {
            let raw: Vec<(usize, f64)> = draft
                .words
                .iter()
                .map(|word| {
                    let with = holders.get(word.as_str()).copied().unwrap_or(1) as f64;
                    let rare = ((drafts.len() + 1) as f64 / (with + 0.5)).ln();
                    let weight = if draft.reasons.contains(word) { REASON * rare } else { rare };
                    (numbers.get(word.as_str()).copied().unwrap_or(0), weight)
                })
                .collect();
            let total: f64 = raw.iter().map(|(_, weight)| weight).sum();
            raw.into_iter().map(|(number, weight)| (number, weight / total)).collect()
        })
        .collect();
    let vocabulary = numbers.into_iter().map(|(word, number)| (word.to_owned(), number)).collect();
    (vocabulary, weights)
}

/// The label of at least nine tenths of a skill's rows.
fn common_label(rows: &[WorldRow], draft: &Draft, labels: &Labels) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &draft.rows {
        if let Some(label) = labels.of_answer(&rows[*row].answer) {
            *counts.entry(label).or_default() += 1;
        }
    }
    counts.into_iter().find(|(_, count)| count * 10 >= draft.rows.len() * 9).map(|(label, _)| label)
}
