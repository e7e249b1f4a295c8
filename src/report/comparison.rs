//! Several runs beside each other: their winners on the rows that all of them have answered, what they
//! spent, and which settings differ.
//!
//! Rows are the same where they hold the same, whatever their ids. Dev rows have selected the winners;
//! held-out rows have not, and are told apart. A row that is held out in one run and not in another is
//! left out. Nothing is claimed here: intervals only.

use super::paired::{PairedScores, ScorePair};
use super::words::money;
use crate::id::CandidateIx;
use crate::run::{Conclusion, LoadedRun, Status};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::Interval;
use crate::stats::weighted::{self, Weighted};
use crate::task::TaskSource;
use crate::task::example::{Example, RowHash, Split};
use crate::text;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The random seed of the intervals: the same figures whenever they are asked for.
const SEED: Seed = Seed(1);

/// Several runs beside each other.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The runs, in the order in which they were named.
    pub runs: Vec<ComparedRun>,
    /// On the common rows of dev.
    pub dev: Common,
    /// On the common held-out rows.
    pub hold: Common,
    /// Rows that are held out in one run and used by the search in another.
    pub mixed_rows: usize,
    /// The settings that are not the same in all runs.
    pub settings: Vec<Setting>,
    /// How scores are written for people: in percent only if they are in all runs.
    #[serde(skip)]
    pub score_form: ScoreForm,
}

/// A run and its winner: its best prompt, or its incumbent as long as it runs.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedRun {
    /// Its name.
    pub run: String,
    /// Its task.
    pub task: String,
    /// Its strategy.
    pub strategy: String,
    /// Its status.
    pub status: Status,
    /// Its verdict, once it is finished.
    pub verdict: Option<Conclusion>,
    /// Its winner.
    pub candidate: String,
    /// Whether that is the baseline.
    pub is_baseline: bool,
    /// The winner's parts, in order.
    pub prompt: Vec<(String, String)>,
    /// Tokens of the winner without the row.
    pub prompt_tokens: Option<u64>,
    /// Dollars per 1,000 calls of the winner.
    pub usd_per_1k: Option<f64>,
    /// Dollars spent.
    pub usd: f64,
    /// Calls made.
    pub calls: u64,
    /// Running time in seconds.
    pub seconds: f64,
}

/// Winners on rows that all of them have a score for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Common {
    /// How many rows.
    pub rows: usize,
    /// The mean of each winner, in the order of the runs; none without rows.
    pub means: Vec<Interval>,
    /// Each other run's winner against that of the first.
    pub differences: Vec<Difference>,
}

/// A winner against that of the first run, on the same rows.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The run.
    pub run: String,
    /// Its mean minus the first one's, paired by row, with its 95 % interval.
    pub difference: Interval,
    /// Rows on which it is better.
    pub better: usize,
    /// Rows on which it is worse.
    pub worse: usize,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its key: a key of the task's file or of the recipe, or what the run was started with.
    pub key: String,
    /// Its value in each run; `None` where it is not set.
    pub values: Vec<Option<String>>,
}

impl Comparison {
    /// Compares runs, each the winner of its search.
    #[must_use]
    pub fn of(runs: &[LoadedRun]) -> Self {
        let scores = |split: Split| {
            runs.iter().map(|run| run.scores(run.winner(), split)).collect::<Vec<_>>()
        };
        let (dev, hold) = (scores(Split::Dev), scores(Split::Hold));
        // A search sees its rows of train too, and those of dev that its winner has no score for.
        let seen: BTreeSet<RowHash> = runs.iter().flat_map(rows_seen).collect();
        let held: BTreeSet<RowHash> = hold.iter().flat_map(|it| it.keys().copied()).collect();
        let mixed: BTreeSet<RowHash> = held.intersection(&seen).copied().collect();
        let is_unseen = |(row, _): &(RowHash, Weighted)| !mixed.contains(row);
        let hold: Vec<Scores> =
            hold.into_iter().map(|it| it.into_iter().filter(is_unseen).collect()).collect();
        let forms = runs.iter().map(|run| run.summary.score_form);
        Self {
            score_form: forms.max().unwrap_or_default(),
            mixed_rows: mixed.len(),
            dev: Common::of(runs, &dev, Split::Dev),
            hold: Common::of(runs, &hold, Split::Hold),
            settings: settings(&runs.iter().map(settings_of).collect::<Vec<_>>()),
            runs: runs.iter().map(ComparedRun::of).collect(),
        }
    }
}

impl ComparedRun {
    fn of(run: &LoadedRun) -> Self {
        let (summary, winner) = (&run.summary, run.winner());
        let standing = run.history.state.candidates.get(winner.index());
        let parts = standing.map(|standing| {
            let parts = standing.candidate.prompt.parts().iter();
            parts.map(|part| (part.name.clone(), part.text.to_string())).collect()
        });
        Self {
            run: summary.run.clone(),
            task: summary.task.clone(),
            strategy: summary.strategy.clone(),
            status: summary.status,
            verdict: summary.conclusion(),
            candidate: standing.map_or_else(String::new, |it| it.candidate.id.to_string()),
            is_baseline: winner == CandidateIx::BASELINE,
            prompt: parts.unwrap_or_default(),
            prompt_tokens: summary.best.as_ref().map(|best| best.prompt_tokens),
            usd_per_1k: summary.best.as_ref().and_then(|best| best.usd_per_1k),
            usd: summary.spent.usd,
            calls: summary.spent.calls(),
            seconds: summary.spent.seconds,
        }
    }
}

/// The rows that a run's search may see.
fn rows_seen(run: &LoadedRun) -> Vec<RowHash> {
    let splits = &run.task.splits;
    splits.train.iter().chain(&splits.dev).map(Example::content_hash).collect()
}

/// A winner's scores by row.
type Scores = BTreeMap<RowHash, Weighted>;

impl Common {
    fn of(runs: &[LoadedRun], scores: &[Scores], split: Split) -> Self {
        let Some((first, others)) = scores.split_first() else { return Self::default() };
        let common: Vec<RowHash> = first
            .keys()
            .filter(|row| others.iter().all(|scores| scores.contains_key(row)))
            .copied()
            .collect();
        let on_common: Vec<Vec<Weighted>> = scores
            .iter()
            .map(|scores| common.iter().filter_map(|row| scores.get(row).copied()).collect())
            .collect();
        let seed = |name: &str, place: usize| {
            SEED.child(name, 0)
                .child(if split == Split::Hold { "hold" } else { "dev" }, place as u64)
        };
        let means = on_common.iter().enumerate();
        let means = means.filter_map(|(place, it)| weighted::of_scores(it, seed("mean", place)));
        let others = runs.iter().zip(&on_common).enumerate().skip(1);
        let differences = others.filter_map(|(place, (run, scores))| {
            let pair = |(first, own): (&Weighted, &Weighted)| {
                let (before, after, weight) = (first.value, own.value, first.weight);
                ScorePair { before, after, weight }
            };
            let pairs: Vec<ScorePair> = on_common.first()?.iter().zip(scores).map(pair).collect();
            let PairedScores { difference, better, worse, .. } =
                PairedScores::of(&pairs, seed("difference", place))?;
            Some(Difference { run: run.summary.run.clone(), difference, better, worse })
        });
        Self { rows: common.len(), means: means.collect(), differences: differences.collect() }
    }
}

/// What a run was started with, by key.
fn settings_of(run: &LoadedRun) -> BTreeMap<String, String> {
    let file = &run.file;
    let mut settings = BTreeMap::new();
    match &file.task {
        TaskSource::Files(files) => {
            flatten("task", &files.text, &mut settings);
            for part in &files.parts {
                settings.insert(format!("task.prompt.{}", part.name), part.text.to_string());
            }
        }
        TaskSource::Memory(facts) => {
            let facts = facts.facts.iter();
            settings.extend(facts.map(|(key, value)| (format!("task.{key}"), value.clone())));
        }
    }
    // Who is told how a run is doing changes nothing of it, and an address may be a secret.
    settings.retain(|key, _| !key.starts_with("task.notify."));
    flatten("recipe", &file.recipe, &mut settings);
    // It says what the recipe is, for people.
    settings.remove("recipe.about");
    for data in file.data.iter().chain(&file.programs) {
        let name = data.path.file_name().unwrap_or_default().to_string_lossy();
        settings.insert(format!("file {name}"), data.blake3.chars().take(12).collect());
    }
    let caps = run.caps();
    let shown = [
        ("usd", caps.usd.map(|usd| money(usd.dollars()))),
        ("calls", caps.calls.map(text::thousands)),
        ("tokens", caps.tokens.map(|tokens| text::thousands(tokens.0))),
        ("proposals", caps.proposals.map(text::thousands)),
        ("wall time", caps.wall.map(text::duration)),
        ("time of day", caps.deadline.map(|deadline| deadline.to_string())),
    ];
    for (name, value) in shown {
        settings.extend(value.map(|value| (format!("cap on {name}"), value)));
    }
    settings.insert("seed".to_owned(), file.seed.0.to_string());
    settings.insert("program's version".to_owned(), file.version.clone());
    if let Some(concurrency) = file.concurrency {
        settings.insert("concurrency".to_owned(), concurrency.to_string());
    }
    settings
}

/// The entries of a TOML text by dotted keys.
fn flatten(prefix: &str, text: &str, settings: &mut BTreeMap<String, String>) {
    fn entries(prefix: &str, value: &toml::Value, settings: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    entries(&format!("{prefix}.{key}"), value, settings);
                }
            }
            toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
                for (place, value) in list.iter().enumerate() {
                    entries(&format!("{prefix}.{place}"), value, settings);
                }
            }
            toml::Value::String(text) => drop(settings.insert(prefix.to_owned(), text.clone())),
            other => drop(settings.insert(prefix.to_owned(), other.to_string())),
        }
    }
    if let Ok(table) = text.parse::<toml::Table>() {
        entries(prefix, &toml::Value::Table(table), settings);
    }
}

/// The keys whose values are not the same in all runs.
fn settings(all: &[BTreeMap<String, String>]) -> Vec<Setting> {
    let keys: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let values = |key: &String| all.iter().map(|it| it.get(key).cloned()).collect::<Vec<_>>();
    let settings = keys.into_iter().map(|key| Setting { key: key.clone(), values: values(key) });
    settings.filter(|it| it.values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_differ_by_key() {
        let read = |text: &str| {
            let mut settings = BTreeMap::new();
            flatten("task", text, &mut settings);
            settings
        };
        let one = read("name = \"a\"\n[goal]\nrule = \"x\"\n[[score]]\nkind = \"label\"\n");
        let other = read(
            "name = \"a\"\nabout = \"b\"\n[[score]]\nkind = \"equals\"\n[goal]\nrule = \"x\"\n",
        );
        let found = settings(&[one, other]);
        let found: Vec<(&str, Vec<Option<&str>>)> = found
            .iter()
            .map(|it| (it.key.as_str(), it.values.iter().map(Option::as_deref).collect()))
            .collect();
        assert_eq!(
            found,
            [
                ("task.about", vec![None, Some("b")]),
                ("task.score.0.kind", vec![Some("label"), Some("equals")])
            ]
        );
    }
}
