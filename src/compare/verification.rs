//! A prompt now, beside its own record: the scores on held-out rows that were exported with it.
//!
//! The difference is now minus then, paired by row. What the model answers may have changed, or the prompt in the
//! file; which of them it was is not decided here.

use super::record::{Record, RecordedRow};
use crate::report::{CaseOutcome, PairedScores, ScorePair, TestCase, inline, junit, visible_line};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::{rows_for_margin, smallest_margin, weighted};
use crate::task::example::RowHash;
use crate::text::plural;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What the rows say of the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifyFinding {
    /// It is not worse than its record by more than the tolerance.
    Holds,
    /// It is worse than its record by more than the tolerance, or fails a row that must pass and that it had right.
    Worse,
    /// Either is possible.
    Inconclusive,
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The task's name.
    pub task: String,
    /// The candidate's id.
    pub candidate: String,
    /// What the rows say.
    pub finding: VerifyFinding,
    /// By how much it may be worse, in points of the score (1 = all).
    pub tolerance: f64,
    /// Now minus then, paired; `baseline_mean` is the record's.
    pub scores: PairedScores,
    /// Rows that must pass, were wholly right in the record, and are not now. One is enough for `worse`.
    pub must_pass_lost: usize,
    /// Whether a row that must pass has no score now: nothing holds then.
    #[serde(skip)]
    pub misses_must_pass: bool,
    /// Rows of the record that the task's data do not hold any more.
    pub rows_gone: usize,
    /// Rows that were asked and have no answer.
    pub rows_missing: usize,
    /// Rows of the record that are rows of train or dev now: a search may have seen them.
    pub rows_in_search: usize,
    /// Rows that were not asked, because a cap was reached first.
    pub rows_not_asked: usize,
    /// Parts whose text is not that of the record.
    pub changed_parts: Vec<String>,
    /// Roles whose model is not that of the record: then, and now.
    pub changed_models: BTreeMap<String, [String; 2]>,
    /// Whether simulated models answered, then or now.
    pub simulated: bool,
    /// Whether it would be worse than its record if each row that is gone had been lost, and is not shown to be without.
    #[serde(skip)]
    pub hinges_on_gone: bool,
    /// The design effect of their weights.
    #[serde(skip)]
    pub design_effect: f64,
    /// How scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
}

/// The prompt as it is verified.
#[derive(Clone, Debug)]
pub struct Now {
    /// Its scores by row.
    pub scores: BTreeMap<RowHash, f64>,
    /// Rows of the record that the data do not hold any more.
    pub gone: BTreeSet<RowHash>,
    /// Rows of today's data that must pass.
    pub must_pass: BTreeSet<RowHash>,
    /// Rows of the record that are in train or dev.
    pub rows_in_search: usize,
    /// Rows that were not asked, because a cap was reached first.
    pub not_asked: usize,
    /// The hash of each part's text.
    pub parts_blake3: BTreeMap<String, String>,
    /// The task model.
    pub task_model: String,
    /// The judge, where one grades the answers.
    pub judge: Option<String>,
    /// Whether simulated models answer.
    pub simulated: bool,
}

impl Now {
    /// How many rows that must pass were wholly right in the record, and are not now.
    #[must_use]
    pub fn must_pass_lost(&self, record: &Record) -> usize {
        let passed = |score: f64| score >= 1.0;
        let is_lost = |row: &&RecordedRow| {
            let now = self.scores.get(&row.row);
            self.must_pass.contains(&row.row)
                && passed(row.score)
                && now.is_some_and(|score| !passed(*score))
        };
        record.rows.iter().filter(is_lost).count()
    }
}

impl Now {
    /// Whether a row that must pass, and that was asked then, has no score now.
    fn misses_must_pass(&self, record: &Record) -> bool {
        let is_missing = |row: &RecordedRow| {
            self.must_pass.contains(&row.row) && !self.scores.contains_key(&row.row)
        };
        record.rows.iter().any(is_missing)
    }
}

impl Verification {
    /// Compares; `tolerance` in [0, 1]. `None` where no row has both scores.
    #[must_use]
    pub fn of(record: &Record, now: &Now, tolerance: f64) -> Option<Self> {
        let pair = |row: &RecordedRow| {
            let (before, after) = (row.score, *now.scores.get(&row.row)?);
            Some(ScorePair { before, after, weight: row.weight })
        };
        let pairs: Vec<ScorePair> = record.rows.iter().filter_map(pair).collect();
        let scores = PairedScores::of(&pairs, Seed(1).child("verification", 0))?;
        // Who deletes the rows that a worse prompt loses must not pass.
        let gone = record.rows.iter().filter(|row| now.gone.contains(&row.row));
        let lost = gone.map(|row| ScorePair { before: row.score, after: 0.0, weight: row.weight });
        let pairs_with_lost: Vec<ScorePair> = pairs.iter().copied().chain(lost).collect();
        let with_lost = PairedScores::of(&pairs_with_lost, Seed(1).child("verification", 0))?;
        let is_worse = |scores: &PairedScores| scores.difference.high < -tolerance;
        let must_pass_lost = now.must_pass_lost(record);
        let finding = if is_worse(&scores) || must_pass_lost > 0 {
            VerifyFinding::Worse
        } else if scores.difference.low >= -tolerance && !now.misses_must_pass(record) {
            VerifyFinding::Holds
        } else {
            VerifyFinding::Inconclusive
        };
        let design_effect = weighted::design_effect(pairs.iter().map(|pair| pair.weight));
        let rows_there = record.rows.len() - (pairs_with_lost.len() - pairs.len());
        Some(Self {
            hinges_on_gone: finding != VerifyFinding::Worse && is_worse(&with_lost),
            design_effect,
            score_form: record.score_form,
            task: record.task.clone(),
            candidate: record.candidate.clone(),
            finding,
            tolerance,
            scores,
            must_pass_lost,
            misses_must_pass: now.misses_must_pass(record),
            rows_gone: record.rows.len() - rows_there,
            rows_missing: rows_there.saturating_sub(pairs.len() + now.not_asked),
            rows_in_search: now.rows_in_search,
            changed_parts: record.changed_parts(&now.parts_blake3),
            rows_not_asked: now.not_asked,
            changed_models: record.changed_models(&now.task_model, now.judge.as_deref()),
            simulated: record.simulated || now.simulated,
        })
    }

    /// What was found, in a sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let tolerance = self.score_form.size(self.tolerance);
        match self.finding {
            VerifyFinding::Holds => {
                format!("holds: not worse than its record by more than {tolerance}")
            }
            VerifyFinding::Worse if self.must_pass_lost > 0 => format!(
                "worse than its record: not right any more on {}",
                match self.must_pass_lost {
                    1 => "a row that must pass".to_owned(),
                    rows => format!("{rows} rows that must pass"),
                }
            ),
            VerifyFinding::Worse => format!("worse than its record by more than {tolerance}"),
            VerifyFinding::Inconclusive if self.misses_must_pass => {
                "inconclusive: a row that must pass has no answer".to_owned()
            }
            VerifyFinding::Inconclusive => {
                format!("inconclusive: it may be worse than its record by more than {tolerance}")
            }
        }
    }

    /// The same about the prompt, for the error of a gate.
    #[must_use]
    pub fn complaint(&self) -> String {
        match self.finding {
            VerifyFinding::Inconclusive => format!("the verification is {}", self.verdict()),
            VerifyFinding::Holds | VerifyFinding::Worse => {
                format!("the prompt is {}", self.verdict())
            }
        }
    }

    /// The figures behind it, and what else has changed since, a sentence each.
    #[must_use]
    pub fn facts(&self) -> Vec<String> {
        let PairedScores { rows, mean, baseline_mean, difference, better, worse } = self.scores;
        let form = self.score_form;
        let mut facts = vec![
            format!(
                "now {}, recorded {}, over {}",
                form.score(mean),
                form.score(baseline_mean),
                plural(rows, "held-out row")
            ),
            format!(
                "difference {} ({} to {}): {better} better, {worse} worse",
                form.gain(difference.mean),
                form.gain(difference.low),
                form.gain(difference.high)
            ),
        ];
        if self.rows_gone > 0 {
            facts.push(format!(
                "{} of the record are not in the data any more",
                plural(self.rows_gone, "row")
            ));
        }
        if self.rows_missing > 0 {
            facts.push(format!("{} without an answer", plural(self.rows_missing, "row")));
        }
        if self.rows_in_search > 0 {
            facts.push(format!(
                "{} of the record are rows of train or dev now: a search may have seen them",
                plural(self.rows_in_search, "row")
            ));
        }
        if self.rows_not_asked > 0 {
            let rows = plural(self.rows_not_asked, "row");
            facts.push(format!("{rows} not asked, because of the cap"));
        }
        for part in &self.changed_parts {
            facts.push(format!("part `{part}` is not the text of the record: it was edited since"));
        }
        for (role, [then, now]) in &self.changed_models {
            facts.push(format!("{role} model {now}, recorded with {then}"));
        }
        if self.simulated {
            facts.push("simulated models answered: no statement about real ones".to_owned());
        }
        facts.iter().map(|fact| visible_line(fact)).collect()
    }

    /// What would make an inconclusive finding conclusive, a sentence each.
    #[must_use]
    pub fn remedies(&self) -> Vec<String> {
        let PairedScores { rows, difference, better, worse, .. } = self.scores;
        if self.finding != VerifyFinding::Inconclusive {
            return Vec::new();
        }
        let mut remedies = Vec::new();
        let tolerance = (-difference.low * 1_000.0).ceil() / 1_000.0;
        if difference.mean >= -tolerance && tolerance < 1.0 {
            remedies.push(format!("these answers hold with `--tolerance {tolerance}`"));
        }
        if self.tolerance > 0.0 {
            let discordance = (better + worse) as f64 / rows.max(1) as f64;
            let alike = rows_for_margin(self.tolerance, discordance);
            let needed = (alike as f64 * self.design_effect).ceil() as usize;
            if needed > rows {
                remedies.push(format!(
                    "a tolerance of {} needs about {}, if as few answers differ: export a prompt with more held-out rows",
                    self.score_form.size(self.tolerance),
                    plural(needed, "row")
                ));
            }
        }
        remedies
    }

    /// For a summary of a build: Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown(&self.task, &self.candidate, &self.verdict(), &self.facts())
    }

    /// For a build server: one test case in JUnit's XML. `fails`: whether the gate failed.
    #[must_use]
    pub fn junit(&self, fails: bool) -> String {
        let outcome = match fails {
            true => CaseOutcome::Failed(self.verdict()),
            false => CaseOutcome::Passed,
        };
        one_case(&self.task, &self.candidate, outcome, self.facts())
    }
}

/// A verification that measured nothing, or too little, for a summary of a build.
#[derive(Clone, Copy, Debug)]
pub struct NotMeasured<'a> {
    /// What was to be verified.
    pub record: &'a Record,
    /// Why it was not measured.
    pub why: &'a str,
}

impl NotMeasured<'_> {
    /// Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Record { task, candidate, .. } = self.record;
        markdown(task, candidate, "not measured", &[visible_line(self.why)])
    }

    /// One test case in JUnit's XML, with an error: neither passed nor failed.
    #[must_use]
    pub fn junit(&self) -> String {
        let Record { task, candidate, .. } = self.record;
        let outcome = CaseOutcome::NotMeasured("not measured".to_owned());
        one_case(task, candidate, outcome, vec![self.why.to_owned()])
    }
}

/// Whether a prompt's file is as it was exported, for a summary of a build.
#[derive(Clone, Copy, Debug)]
pub struct SealCheck<'a> {
    /// What was exported.
    pub record: &'a Record,
    /// Whether the file is another one.
    pub is_edited: bool,
}

impl SealCheck<'_> {
    /// What was found, as the end of a sentence.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        if self.is_edited { "was edited since it was exported" } else { "is as it was exported" }
    }

    /// Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Record { task, candidate, .. } = self.record;
        markdown(task, candidate, self.verdict(), &["No model was asked.".to_owned()])
    }

    /// One test case in JUnit's XML.
    #[must_use]
    pub fn junit(&self) -> String {
        let Record { task, candidate, .. } = self.record;
        let outcome = match self.is_edited {
            true => CaseOutcome::Failed(self.verdict().to_owned()),
            false => CaseOutcome::Passed,
        };
        one_case(task, candidate, outcome, Vec::new())
    }
}

/// Says before anything is asked that these rows cannot show the tolerance, if so; `design_effect`: that of their weights.
#[must_use]
pub fn too_few_rows(
    rows: usize,
    design_effect: f64,
    tolerance: f64,
    form: ScoreForm,
) -> Option<String> {
    let shown = smallest_margin((rows as f64 / design_effect + 1e-9) as usize, 0.0);
    if tolerance >= shown {
        return None;
    }
    let (rows, asked, shown_points) = (plural(rows, "row"), form.size(tolerance), form.size(shown));
    let flag = (shown * 1_000.0).ceil() / 1_000.0;
    let needed = match tolerance > 0.0 {
        true => {
            let needed = rows_for_margin(tolerance, 0.0) as f64 * design_effect;
            format!(", and {asked} needs {}", plural(needed.ceil() as usize, "row"))
        }
        false => String::new(),
    };
    Some(format!(
        "{rows} cannot show a tolerance of {asked} unless some answers got better: {rows} with equal answers show \
         {shown_points} (`--tolerance {flag}`){needed}"
    ))
}

fn markdown(task: &str, candidate: &str, verdict: &str, facts: &[String]) -> String {
    let [task, candidate] = [task, candidate].map(|text| inline(&visible_line(text)));
    let mut out = format!("### Prompt {candidate} for {task}\n\n");
    let _ = writeln!(out, "**{verdict}**\n");
    for fact in facts {
        let _ = writeln!(out, "- {}", inline(fact));
    }
    out
}

fn one_case(task: &str, candidate: &str, outcome: CaseOutcome, facts: Vec<String>) -> String {
    let case = TestCase { name: candidate.to_owned(), outcome, facts };
    junit("promptsearch verify", task, &[case])
}

#[cfg(test)]
mod tests {
    use super::super::record::SCHEMA;
    use super::*;
    use crate::source::sealed;
    use serde_json::json;
    use std::path::Path;

    fn hash(number: usize) -> RowHash {
        RowHash::try_from(format!("{number:032x}")).unwrap()
    }

    fn record(scores: &[f64]) -> Record {
        let rows: Vec<RecordedRow> = scores
            .iter()
            .enumerate()
            .map(|(number, score)| RecordedRow {
                row: hash(number),
                score: *score,
                baseline: None,
                weight: 1.0,
            })
            .collect();
        let evidence = json!({
            "schema": SCHEMA, "run": "r", "task": "a & <b>", "candidate": "0123", "rows": rows,
            "parts_blake3": {"system": "aa"}, "models": {"task": "p/old"}, "more": [0.1],
        });
        Record::read_sealed(Path::new("x"), sealed(evidence).to_string().as_bytes()).unwrap()
    }

    fn now(scores: &[f64]) -> Now {
        Now {
            scores: scores.iter().enumerate().map(|(row, score)| (hash(row), *score)).collect(),
            gone: BTreeSet::new(),
            must_pass: BTreeSet::new(),
            rows_in_search: 0,
            not_asked: 0,
            parts_blake3: [("system".to_owned(), "aa".to_owned())].into(),
            task_model: "p/old".to_owned(),
            judge: None,
            simulated: false,
        }
    }

    /// 100 rows, of which the prompt loses this many.
    fn losing(lost: usize) -> Verification {
        let then = vec![1.0; 100];
        let now_scores: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row >= lost))).collect();
        Verification::of(&record(&then), &now(&now_scores), 0.02).unwrap()
    }

    #[test]
    fn the_interval_of_the_difference_decides() {
        // Tango's interval for 0, 3 and 20 losses of 100 rows: up to ±3.7 pp for none.
        assert_eq!(losing(0).finding, VerifyFinding::Inconclusive, "100 rows do not show 2 points");
        assert_eq!(losing(3).finding, VerifyFinding::Inconclusive);
        assert_eq!(losing(20).finding, VerifyFinding::Worse);
        let many = vec![1.0; 400];
        let same = Verification::of(&record(&many), &now(&many), 0.02).unwrap();
        assert_eq!(same.finding, VerifyFinding::Holds);
        assert!(Verification::of(&record(&[]), &now(&[1.0]), 0.02).is_none());
    }

    #[test]
    fn rows_that_are_gone_count_as_lost_before_a_prompt_passes() {
        let of = |lost: usize, gone: usize| {
            let scores: BTreeMap<RowHash, f64> =
                (gone..100).map(|row| (hash(row), f64::from(u8::from(row >= lost)))).collect();
            let gone = (0..gone).map(hash).collect();
            let now = Now { scores, gone, ..now(&[]) };
            let it = Verification::of(&record(&[1.0; 100]), &now, 0.02).unwrap();
            (it.finding, it.hinges_on_gone, it.rows_gone, it.rows_missing)
        };
        assert_eq!(of(20, 0), (VerifyFinding::Worse, false, 0, 0));
        // The rows that it loses were taken out of the data.
        assert_eq!(of(20, 20), (VerifyFinding::Inconclusive, true, 20, 0));
        assert_eq!(of(20, 4), (VerifyFinding::Worse, false, 4, 0));
        // Few rows change nothing.
        assert_eq!(of(0, 2), (VerifyFinding::Inconclusive, false, 2, 0));
    }

    #[test]
    fn one_row_that_must_pass_and_is_lost_is_enough() {
        let then = [vec![0.0], vec![1.0; 399]].concat();
        let of = |marked: usize, lost: usize| {
            let mut scores = then.clone();
            scores[lost] = 0.0;
            let now = Now { must_pass: [hash(marked)].into(), ..now(&scores) };
            Verification::of(&record(&then), &now, 0.02).unwrap()
        };
        let lost = of(7, 7);
        assert_eq!((lost.finding, lost.must_pass_lost), (VerifyFinding::Worse, 1));
        assert!(lost.verdict().contains("a row that must pass"), "{}", lost.verdict());
        assert_eq!(of(7, 8).finding, VerifyFinding::Holds);
        // One without an answer is not lost, and nothing holds.
        let mut missing = now(&then);
        missing.must_pass = [hash(7)].into();
        missing.scores.remove(&hash(7));
        let missing = Verification::of(&record(&then), &missing, 0.02).unwrap();
        assert_eq!(missing.finding, VerifyFinding::Inconclusive);
        assert!(missing.verdict().contains("has no answer"), "{}", missing.verdict());
        // What the record had wrong is no loss.
        assert_eq!(of(0, 7).finding, VerifyFinding::Holds);
    }

    /// What is advised is enough, and a little less is not.
    #[test]
    fn what_would_be_conclusive_is_told() {
        let told = losing(3).remedies().join("; ");
        assert!(told.contains("`--tolerance 0.085`") && told.contains("needs about "), "{told}");
        let then = vec![1.0; 100];
        let scores: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row >= 3))).collect();
        let finding =
            |tolerance| Verification::of(&record(&then), &now(&scores), tolerance).unwrap().finding;
        assert_eq!(
            (finding(0.085), finding(0.084)),
            (VerifyFinding::Holds, VerifyFinding::Inconclusive)
        );
        assert!(losing(20).remedies().is_empty());
        let told = too_few_rows(100, 1.0, 0.02, ScoreForm::Percent).unwrap();
        assert!(told.contains("`--tolerance 0.037`") && told.contains("189 rows"), "{told}");
        let same = |rows: usize, tolerance| {
            let right = vec![1.0; rows];
            Verification::of(&record(&right), &now(&right), tolerance).unwrap().finding
        };
        assert_eq!(
            (same(189, 0.02), same(188, 0.02)),
            (VerifyFinding::Holds, VerifyFinding::Inconclusive)
        );
        assert_eq!(
            (same(100, 0.037), too_few_rows(100, 1.0, 0.037, ScoreForm::Percent)),
            (VerifyFinding::Holds, None)
        );
        assert!(too_few_rows(100, 1.0, 0.0, ScoreForm::Percent).is_some());
        // Rows of unequal weight show less.
        assert!(too_few_rows(100, 1.5, 0.037, ScoreForm::Percent).is_some());
    }

    #[test]
    fn what_changed_since_is_told() {
        let other = Now {
            gone: (40..50).map(hash).collect(),
            rows_in_search: 3,
            not_asked: 6,
            parts_blake3: [("system".to_owned(), "bb".to_owned())].into(),
            task_model: "p/new".to_owned(),
            judge: None,
            simulated: true,
            ..now(&[1.0; 30])
        };
        let verification = Verification::of(&record(&[1.0; 50]), &other, 0.02).unwrap();
        insta::assert_snapshot!(verification.markdown());
        insta::assert_snapshot!(verification.junit(true));
        let (record, why) = (record(&[1.0]), "the key < was refused");
        let not_measured = NotMeasured { record: &record, why };
        insta::assert_snapshot!(not_measured.markdown() + &not_measured.junit());
    }
}
