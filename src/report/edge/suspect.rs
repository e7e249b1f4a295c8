//! Right answers that may be wrong, with the evidence. The user decides.

use super::row::{EdgeRow, said};
use super::tested::Tested;
use crate::prompt::value_text;
use crate::task::inputs::{input_columns, input_key};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The fewest good prompts whose agreement is evidence.
const FEWEST_WITNESSES: usize = 3;
/// Without labels, the share of good prompts that must give the same answer.
const AGREEMENT: f64 = 0.8;
/// A row whose right answer may be wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspect {
    /// The row.
    #[serde(flatten)]
    pub row: EdgeRow,
    /// Why, at least one.
    pub evidence: Vec<Evidence>,
}

/// Why a right answer may be wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// Rows with the same input have another right answer.
    Contradicted {
        /// Their ids.
        rows: Vec<String>,
        /// The right answer of the first of them.
        answer: String,
    },
    /// Good prompts agree on another answer. With labels: in confident learning's count (Northcutt, Jiang and Chuang 2021,
    /// Journal of Artificial Intelligence Research 70, section 3.1) the row is one of the other label, where the share
    /// of good prompts that name a label stands for its probability.
    Agreed {
        /// The other answer.
        answer: String,
        /// How many good prompts give it.
        prompts: usize,
        /// How many have an answer that can be read.
        of: usize,
        /// With labels, how often good prompts give this answer on the other rows of the row's label: where it is high, the
        /// prompts confuse the two, and the row is less suspect.
        confusion: Option<f64>,
    },
}

/// The suspects: contradicted rows first, then those with more kinds of evidence, then the stronger.
pub(super) fn suspects(tested: &Tested<'_>, rows: &[EdgeRow]) -> Vec<Suspect> {
    let mut evidence: BTreeMap<usize, Vec<Evidence>> = BTreeMap::new();
    let found = contradictions(tested).into_iter().chain(agreements(tested, rows));
    for (place, reason) in found {
        evidence.entry(place).or_default().push(reason);
    }
    let row_at: BTreeMap<usize, &EdgeRow> = rows.iter().map(|row| (row.place, row)).collect();
    let mut suspects: Vec<Suspect> = evidence
        .into_iter()
        .map(|(place, evidence)| {
            let row = row_at
                .get(&place)
                .map_or_else(|| super::row::row(tested, place), |it| (*it).clone());
            Suspect { row, evidence }
        })
        .collect();
    let rank = |it: &Suspect| {
        let is_contradicted = matches!(it.evidence.first(), Some(Evidence::Contradicted { .. }));
        let strength: f64 = it.evidence.iter().map(Evidence::strength).sum();
        f64::from(u8::from(is_contradicted)) * 10.0 + strength
    };
    suspects.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    suspects
}

impl Evidence {
    /// In [0, 1], for the order of a list only.
    fn strength(&self) -> f64 {
        match self {
            Self::Contradicted { .. } => 1.0,
            Self::Agreed { prompts, of, confusion, .. } => {
                *prompts as f64 / (*of).max(1) as f64 * (1.0 - confusion.unwrap_or(0.0))
            }
        }
    }
}

/// Rows with the same input and no right answer in common.
fn contradictions(tested: &Tested<'_>) -> Vec<(usize, Evidence)> {
    let examples: Vec<_> = tested.places.iter().map(|it| it.example).collect();
    let columns = input_columns(&examples);
    if columns.is_empty() {
        return Vec::new();
    }
    let right = |place: usize| tested.task.scorers.right_forms(tested.places[place].example);
    let mut by_input: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, example) in examples.iter().enumerate() {
        by_input.entry(input_key(example, &columns)).or_default().push(place);
    }
    let mut found = Vec::new();
    for same in by_input.into_values().filter(|it| it.len() > 1) {
        for place in &same {
            let own = right(*place);
            let others: Vec<usize> = same
                .iter()
                .copied()
                .filter(|it| right(*it).is_disjoint(&own) && !right(*it).is_empty())
                .collect();
            let Some(first) = others.first() else { continue };
            if own.is_empty() {
                continue;
            }
            let answers = tested.task.scorers.right_answers(tested.places[*first].example);
            found.push((
                *place,
                Evidence::Contradicted {
                    rows: others
                        .iter()
                        .map(|it| tested.places[*it].example.id.to_string())
                        .collect(),
                    answer: answers
                        .first()
                        .map_or_else(String::new, |it| value_text(it).into_owned()),
                },
            ));
        }
    }
    found
}

/// What good prompts say on a row: how many give each answer, and how many answers can be read.
struct Votes {
    by_answer: BTreeMap<String, (String, usize)>,
    all: usize,
}

impl Votes {
    fn of(tested: &Tested<'_>, place: usize) -> Self {
        let mut votes = Self { by_answer: BTreeMap::new(), all: 0 };
        for (form, answer) in tested.good.iter().filter_map(|it| said(tested, *it, place)) {
            votes.by_answer.entry(form).or_insert((answer, 0)).1 += 1;
            votes.all += 1;
        }
        votes
    }

    fn share(&self, form: &str) -> f64 {
        let count = self.by_answer.get(form).map_or(0, |(_, count)| *count);
        count as f64 / self.all.max(1) as f64
    }
}

fn agreements(tested: &Tested<'_>, rows: &[EdgeRow]) -> Vec<(usize, Evidence)> {
    let votes: Vec<(usize, Votes)> = rows
        .iter()
        .map(|row| (row.place, Votes::of(tested, row.place)))
        .filter(|(_, votes)| votes.all >= FEWEST_WITNESSES)
        .collect();
    match tested.task.scorers.label_scorer() {
        Some(_) => confident_counts(tested, &votes),
        None => unanimous(tested, rows, &votes),
    }
}

/// Confident learning: a row of label i belongs to label j where j's share is at least the mean share of j over the rows of
/// label j, and the largest of such.
fn confident_counts(tested: &Tested<'_>, votes: &[(usize, Votes)]) -> Vec<(usize, Evidence)> {
    let Some(scorer) = tested.task.scorers.label_scorer() else { return Vec::new() };
    // A row with several right labels says nothing of which one it is.
    let own = |place: usize| match scorer.right_labels(tested.places[place].example)[..] {
        [label] => Some(label.to_owned()),
        _ => None,
    };
    let labelled: Vec<(usize, String, &Votes)> =
        votes.iter().filter_map(|(place, votes)| Some((*place, own(*place)?, votes))).collect();
    let mean_share = |label: &str, said: &str, but: usize| {
        let shares: Vec<f64> = labelled
            .iter()
            .filter(|(place, own, _)| own == label && *place != but)
            .map(|(_, _, votes)| votes.share(said))
            .collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    };
    let mut thresholds: BTreeMap<&str, f64> = BTreeMap::new();
    for (_, label, _) in &labelled {
        if !thresholds.contains_key(label.as_str())
            && let Some(mean) = mean_share(label, label, usize::MAX)
        {
            thresholds.insert(label, mean);
        }
    }
    let mut found = Vec::new();
    for (place, own, votes) in &labelled {
        let confident = thresholds.iter().filter(|(label, threshold)| {
            votes.share(label) > 0.0 && votes.share(label) >= **threshold
        });
        let most = confident.max_by(|a, b| votes.share(a.0).total_cmp(&votes.share(b.0)));
        let Some((label, _)) = most else { continue };
        let prompts = votes.by_answer.get(*label).map_or(0, |(_, count)| *count);
        let is_led = votes.share(label) <= votes.share(own);
        if *label == own || is_led || prompts < FEWEST_WITNESSES {
            continue;
        }
        found.push((
            *place,
            Evidence::Agreed {
                answer: (*label).to_owned(),
                prompts,
                of: votes.all,
                confusion: mean_share(own, label, *place),
            },
        ));
    }
    found
}

fn unanimous(
    tested: &Tested<'_>,
    rows: &[EdgeRow],
    votes: &[(usize, Votes)],
) -> Vec<(usize, Evidence)> {
    let is_failed: BTreeSet<usize> =
        rows.iter().filter(|row| 2 * row.good_solved < row.good_asked).map(|it| it.place).collect();
    let of = |(place, votes): &(usize, Votes)| {
        let (answer, prompts) = votes.by_answer.values().max_by_key(|(_, count)| *count)?;
        let is_agreed = *prompts as f64 >= AGREEMENT * votes.all as f64;
        let has_right = !tested.task.scorers.right_forms(tested.places[*place].example).is_empty();
        (is_agreed && has_right && is_failed.contains(place)).then(|| {
            let evidence = Evidence::Agreed {
                answer: answer.clone(),
                prompts: *prompts,
                of: votes.all,
                confusion: None,
            };
            (*place, evidence)
        })
    };
    votes.iter().filter_map(of).collect()
}
