//! The certificate of a judge: how its grades compare with those of people, counted from answers that both graded.
//!
//! It is a file beside the task. Its figures follow from its counts, and its seal from both: a file that was written or
//! edited by hand is not a certificate. Which judge a task has is in `judged`; who grades the answers, in `compare`.

use crate::seed::Seed;
use crate::source::sealed;
use crate::stats::{Agreement, Interval, Rates};
use crate::task::Model;
use crate::task::Task;
use crate::task::model::ModelRole;
use crate::task::scorer::{Judging, PanelRule};
use crate::text;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The name of the certificate's file.
pub const CERTIFICATE: &str = "judge.json";

/// The version of the file's format.
const SCHEMA: u32 = 1;

/// What decides how a judge grades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeSettings {
    /// The model, or each of several that grade each answer.
    pub models: Vec<JudgeModel>,
    /// How the grades of several become one, by scorer; empty with one model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PanelRule>,
    /// The hash of each rubric (criteria, levels, and whether the row's answer is shown) or comparison.
    pub criteria_blake3: Vec<String>,
    /// The hash of all that it is told, rubrics included.
    pub told_blake3: String,
}

/// A model that grades, as far as its settings decide what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeModel {
    /// `provider/model`.
    pub model: String,
    /// Its sampling temperature.
    pub temperature: f64,
    /// The most tokens of its reply.
    pub max_output_tokens: u32,
    /// The hash of how it is asked: what the task adds to its requests, and what is left out of them.
    pub asked_blake3: String,
}

impl JudgeSettings {
    /// Those of a task's judges; `None` where no scorer asks one.
    #[must_use]
    pub fn of(task: &Task) -> Option<Self> {
        let hash = |text: String| blake3::hash(text.as_bytes()).to_hex().to_string();
        let scorers = || task.scorers.judged().filter(|(_, judging)| !judging.asks_vectors());
        let judged = || scorers().map(|(_, judging)| judging);
        let told: Vec<String> = judged().map(Judging::instructions).collect();
        let model = |(_, judge): (ModelRole, &Model)| JudgeModel {
            model: judge.name.to_string(),
            temperature: judge.temperature,
            max_output_tokens: judge.max_output_tokens,
            asked_blake3: hash(json!(&*judge.form).to_string()),
        };
        let models: Vec<JudgeModel> = task.judges().map(model).collect();
        let rules = scorers().map(|(scorer, _)| scorer.panel_rule());
        let rules = if models.len() > 1 { rules.collect() } else { Vec::new() };
        (!models.is_empty()).then(|| Self {
            models,
            rules,
            criteria_blake3: judged().map(|judging| hash(json!(judging).to_string())).collect(),
            told_blake3: hash(json!(told).to_string()),
        })
    }

    /// The name of the model, or those of several.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.models.iter().map(|it| it.model.as_str()).collect();
        names.join(" + ")
    }

    /// Their hash, as 64 hex digits.
    #[must_use]
    pub fn blake3(&self) -> String {
        blake3::hash(json!(self).to_string().as_bytes()).to_hex().to_string()
    }

    /// What is different now, each in a few words.
    fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.name() != now.name() {
            changes.push(format!("its model was `{}`", self.name()));
        }
        for (then, now) in self.models.iter().zip(&now.models) {
            if then.temperature != now.temperature {
                changes.push(format!("its temperature was {}", then.temperature));
            }
            if then.max_output_tokens != now.max_output_tokens {
                changes.push(format!("its `max_output_tokens` was {}", then.max_output_tokens));
            }
            if then.model == now.model && then.asked_blake3 != now.asked_blake3 {
                changes.push(format!("`{}` was asked in another way", now.model));
            }
        }
        if self.rules != now.rules {
            changes.push("the rule by which several judges decide was another one".to_owned());
        }
        if self.criteria_blake3 != now.criteria_blake3 {
            changes.push("its criteria were others".to_owned());
        } else if self.told_blake3 != now.told_blake3 {
            changes.push("another version of this program told it other instructions".to_owned());
        }
        changes
    }
}

/// The labels that a judge was compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The name of their file.
    pub file: String,
    /// The hash of their file.
    pub blake3: String,
    /// Answers that people graded.
    pub rows: usize,
    /// Of these, answers without a grade of the judge: it did not reply, or not with a grade.
    pub ungraded: usize,
}

/// What a judge had to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Required {
    /// The least κ, which the lower end of its 95 % interval has to reach.
    pub min_kappa: f64,
    /// The least number of answers that both graded.
    pub min_rows: usize,
}

/// How often judge and people chose each pair of levels of a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelCounts {
    /// The criterion's name.
    pub criterion: String,
    /// The texts of its levels, lowest first.
    pub levels: Vec<String>,
    /// By the judge's level, then by that of people.
    pub judge_then_people: Vec<Vec<usize>>,
}

/// What one of several judges said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeCounts {
    /// `provider/model`.
    pub model: String,
    /// By criterion.
    pub criteria: Vec<LevelCounts>,
    /// By the place of the answer; `None` where the judge compares none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_bias: Option<PlaceBias>,
}

/// How often judge and people pass an answer: its score is the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassCounts {
    /// Both.
    pub both: usize,
    /// The judge alone.
    pub judge_only: usize,
    /// People alone.
    pub people_only: usize,
    /// Neither.
    pub neither: usize,
}

/// Whether a judge grades some answers higher than others that people grade alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bias {
    /// The answers, such as `answers above 214 letters`.
    pub of: String,
    /// How many they are.
    pub answers: usize,
    /// The judge's score of these answers less that of others, among answers that people graded alike.
    pub mean: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Whether a judge that compares two answers prefers a place. Each comparison is asked in both orders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceBias {
    /// The share of comparisons whose orders have the same result.
    pub orders_agree: Interval,
    /// How often the first answer is preferred, a tie as a half: 0.5 without a bias, since each answer is first once.
    pub prefers_first: Interval,
}

/// What was counted when a judge was compared with people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The version of the format.
    pub schema: u32,
    /// The hash of the settings.
    pub judge: String,
    /// The judge.
    pub settings: JudgeSettings,
    /// The day of the comparison (UTC).
    pub on: Date,
    /// What it was compared with.
    pub labels: Labels,
    /// What it had to reach.
    pub required: Required,
    /// By criterion.
    pub criteria: Vec<LevelCounts>,
    /// By verdict.
    pub passes: PassCounts,
    /// By the length of the answers; `None` where no two answers of different length are graded alike by people.
    pub length_bias: Option<Bias>,
    /// By whether the judge's own family wrote the answers; `None` where the labels do not say who did, or no two of them are graded alike by people.
    pub family_bias: Option<Bias>,
    /// By the place of the answer; `None` where the judge compares none, and of several judges, who have each their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_bias: Option<PlaceBias>,
    /// Of several judges each by itself; the counts above are of what they say together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<JudgeCounts>,
}

/// What follows from the counts of a certificate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CertificateFigures {
    /// Of each criterion, in the rubric's order.
    pub criteria: Vec<CriterionAgreement>,
    /// The share of answers that people pass and the judge passes, and the same of those that fail; `None` where people
    /// pass all, or none.
    pub rates: Option<Rates>,
    /// What it lacks, a sentence each; none: it is certified.
    pub lacks: Vec<String>,
}

/// How far judge and people agree about a criterion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CriterionAgreement {
    /// The criterion's name.
    pub criterion: String,
    /// The agreement; `None` without answers.
    pub agreement: Option<Agreement>,
    /// κ, weighted where there are more than two levels; `None` where both chose one level only.
    pub kappa: Option<Interval>,
}

impl PassCounts {
    fn pairs(self) -> Vec<(bool, bool)> {
        let Self { both, judge_only, people_only, neither } = self;
        [
            ((true, true), both),
            ((true, false), judge_only),
            ((false, true), people_only),
            ((false, false), neither),
        ]
        .into_iter()
        .flat_map(|(pair, count)| std::iter::repeat_n(pair, count))
        .collect()
    }
}

impl LevelCounts {
    /// How far both agree.
    #[must_use]
    pub fn agreement(&self) -> CriterionAgreement {
        let mut pairs = Vec::new();
        for (judge, row) in self.judge_then_people.iter().enumerate() {
            for (people, count) in row.iter().enumerate() {
                pairs.extend(std::iter::repeat_n((judge, people), *count));
            }
        }
        let levels = self.levels.len();
        let agreement = Agreement::of(&pairs, levels, Seed(1).child("certificate", 0));
        let kappa = agreement.and_then(|it| if levels > 2 { it.weighted_kappa } else { it.kappa });
        CriterionAgreement { criterion: self.criterion.clone(), agreement, kappa }
    }
}

impl Certificate {
    /// The version of the format that is written.
    pub const SCHEMA: u32 = SCHEMA;

    /// The answers that both graded.
    #[must_use]
    pub fn graded(&self) -> usize {
        self.labels.rows.saturating_sub(self.labels.ungraded)
    }

    /// What follows from the counts.
    #[must_use]
    pub fn figures(&self) -> CertificateFigures {
        let criteria: Vec<_> = self.criteria.iter().map(LevelCounts::agreement).collect();
        let rates = Rates::of(&self.passes.pairs());
        let (graded, Required { min_kappa, min_rows }) = (self.graded(), self.required);
        let mut lacks = Vec::new();
        if graded < min_rows {
            let have = text::plural(graded, "answer");
            lacks.push(format!("{have} were graded by both, and at least {min_rows} are required"));
        }
        for CriterionAgreement { criterion, kappa, .. } in &criteria {
            match kappa {
                None => lacks.push(format!(
                    "`{criterion}`: κ is not known, because one level was given to all answers: label answers of each \
                     level"
                )),
                Some(kappa) if kappa.low < min_kappa => {
                    // The width of an interval shrinks with the root of the number of rows.
                    let factor = (kappa.mean - kappa.low) / (kappa.mean - min_kappa);
                    let way = match kappa.mean > min_kappa {
                        true => {
                            let rows = (graded as f64 * factor * factor).ceil();
                            format!("at this agreement about {rows} answers would show it")
                        }
                        false => "more answers do not help: judge and people differ".to_owned(),
                    };
                    lacks.push(format!(
                        "`{criterion}`: κ may be as low as {:.2}, and at least {min_kappa} is required; {way}",
                        kappa.low
                    ));
                }
                Some(_) => {}
            }
        }
        CertificateFigures { criteria, rates, lacks }
    }

    /// The content of its file.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut value = json!(self);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("figures".to_owned(), json!(self.figures()));
        }
        sealed(value)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// Why it is no certificate: a lower-case sentence without a full stop.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("`{CERTIFICATE}` cannot be read: {error}"))?;
        let by_hand =
            || format!("`{CERTIFICATE}` holds no evidence: `judge certify` did not write it");
        let certificate: Self = serde_json::from_value(value.clone()).map_err(|_| by_hand())?;
        if certificate.schema != SCHEMA || certificate.to_value() != value {
            return Err(format!(
                "`{CERTIFICATE}` was edited, or another version wrote it: its figures do not follow from its counts"
            ));
        }
        Ok(certificate)
    }

    /// Whether it is of a judge, and found it good.
    ///
    /// # Errors
    /// Why not: a lower-case sentence without a full stop.
    pub fn check(&self, now: &JudgeSettings) -> Result<CertificateFigures, String> {
        if self.judge != now.blake3() || self.settings != *now {
            let changes = self.settings.changes(now).join(", ");
            return Err(format!("`{CERTIFICATE}` is of another judge: {changes}"));
        }
        let figures = self.figures();
        match figures.lacks.first() {
            None => Ok(figures),
            Some(lack) => Err(format!("it was compared with people on {}: {lack}", self.on)),
        }
    }
}
