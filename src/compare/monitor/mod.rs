//! An exported prompt over time: checks of it beside its record, and whether they are reason for an alarm.
//!
//! Each check asks the prompt its held-out rows again, and beside it the *canary*: the baseline of its run, as its record
//! has it. The canary is a fixed prompt on fixed rows, so that a change of its scores is a change of the model. Both
//! are compared with the record, paired by row. Nothing is selected, and nothing is claimed but the alarms.

mod history; // Checks, folded.
mod folder; // What is in its folder, and what that has spent.
mod page; // What people read.
mod prometheus; // What a collector reads.

pub use folder::{Allowance, CapOf, MonitorFolder};
pub use history::{Fact, History, HistoryError, Judged};
pub use page::{history_page, lines};
pub use prometheus::text as prometheus;

use super::record::{Record, RecordedRow};
use super::verification::Now;
use crate::caps::Caps;
use crate::night::{self, Spending};
use crate::report::{PairedScores, ScorePair};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::Alarm;
use crate::stats::betting::{evidence_of_change, evidence_of_loss};
use crate::task::example::RowHash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// When alarms are raised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// By how much the prompt may be worse than its record, in [0, 1).
    pub tolerance: f64,
    /// The chance, in (0, 1), of any false alarm within a year of checks.
    pub false_alarms: f64,
    /// How many checks a year has.
    pub checks_a_year: u32,
}

impl Rule {
    /// With checks at this interval.
    #[must_use]
    pub fn new(tolerance: f64, false_alarms: f64, every: Duration) -> Self {
        const YEAR: f64 = 365.0 * 24.0 * 3_600.0;
        let checks = (YEAR / every.as_secs_f64().max(1.0)).round().max(1.0);
        Self { tolerance, false_alarms, checks_a_year: checks as u32 }
    }

    /// Whether a check can have it.
    fn is_valid(&self) -> bool {
        let is_chance = self.false_alarms > 0.0 && self.false_alarms < 1.0;
        is_chance && (0.0..1.0).contains(&self.tolerance) && self.checks_a_year > 0
    }

    /// One of the two alarms, which share the chance.
    #[must_use]
    pub fn alarm(&self) -> Alarm {
        Alarm::new(self.checks_a_year, self.false_alarms / 2.0)
    }
}

/// One of the two prompts at a check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Now beside the record; `baseline_mean` is the record's.
    #[serde(flatten)]
    pub scores: PairedScores,
    /// The evidence of this check for a loss (prompt) or a change (canary).
    pub e_value: f64,
    /// Rows of the record that have no score now.
    pub rows_missing: usize,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckFinding {
    /// Nothing.
    NoAlarm,
    /// The canary's scores have changed: the model is another one. The prompt is not shown to be worse by more than the
    /// tolerance.
    Drift,
    /// The prompt is worse than its record by more than the tolerance.
    Breach,
}

/// What a breach comes from, as far as the canary shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The canary has changed as well.
    Model,
    /// The canary lost less than the prompt.
    Prompt,
    /// The rows do not show it.
    Unclear,
}

/// A check that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its number, from 1.
    pub check: u32,
    /// When it ended.
    pub at: Timestamp,
    /// When alarms are raised.
    pub rule: Rule,
    /// The prompt.
    pub prompt: Side,
    /// The canary, where there is one.
    pub canary: Option<Side>,
    /// Rows that must pass, were wholly right in the record, and are not now. They raise no alarm: answers flip.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub must_pass_lost: usize,
    /// Parts of the prompt whose text is not that of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_parts: Vec<String>,
    /// The task model, where it is not that of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_model: Option<String>,
    /// Whether simulated models answered, now or in the record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// How scores are written for people; left out where that is in percent.
    #[serde(default, skip_serializing_if = "ScoreForm::is_percent")]
    pub score_form: ScoreForm,
    /// What it has spent.
    pub spent: Spending,
}

impl Check {
    /// Compares; `None` where no row of the prompt has both scores.
    #[must_use]
    pub fn of(
        (check, at): (u32, Timestamp),
        record: &Record,
        now: &Now,
        canary: Option<&BTreeMap<RowHash, f64>>,
        rule: Rule,
        spent: Spending,
    ) -> Option<Self> {
        let changed_model =
            record.changed_models(&now.task_model, now.judge.as_deref()).into_values().next();
        Some(Self {
            check,
            at,
            rule,
            score_form: record.score_form,
            prompt: Side::of(
                &record.rows,
                |row| Some(row.score),
                &now.scores,
                rule.tolerance,
                |differences| evidence_of_loss(differences, rule.tolerance),
            )?,
            canary: canary.and_then(|scores| {
                Side::of(&record.rows, |row| row.baseline, scores, 0.0, evidence_of_change)
            }),
            must_pass_lost: now.must_pass_lost(record),
            changed_parts: record.changed_parts(&now.parts_blake3),
            changed_model: changed_model.map(|[_, now]| now),
            simulated: record.simulated || now.simulated,
            spent,
        })
    }

    /// What a breach comes from. The canary's 95 % interval decides: an alarm was raised already.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let Some(canary) = &self.canary else { return Cause::Unclear };
        let (own, other) = (self.prompt.scores.difference, canary.scores.difference);
        let has_moved = other.low > 0.0 || other.high < 0.0;
        // One that had nothing to lose is no witness.
        let could_lose = canary.scores.baseline_mean >= -own.mean;
        let lost_less = other.low > own.high;
        match (has_moved, self.changed_parts.is_empty()) {
            (true, true) => Cause::Model,
            (false, _) if could_lose && lost_less => Cause::Prompt,
            _ => Cause::Unclear,
        }
    }
}

impl Side {
    fn of(
        rows: &[RecordedRow],
        then: impl Fn(&RecordedRow) -> Option<f64>,
        now: &BTreeMap<RowHash, f64>,
        margin: f64,
        evidence: impl Fn(&[f64]) -> f64,
    ) -> Option<Self> {
        let recorded: Vec<(&RecordedRow, f64)> =
            rows.iter().filter_map(|row| Some((row, then(row)?))).collect();
        let pair = |(row, before): &(&RecordedRow, f64)| {
            let (before, after) = (*before, *now.get(&row.row)?);
            Some(ScorePair { before, after, weight: row.weight })
        };
        let pairs: Vec<ScorePair> = recorded.iter().filter_map(pair).collect();
        // The bet on a row is as large as its weight beside the heaviest one's.
        let heaviest = pairs.iter().map(|it| it.weight).fold(0.0, f64::max);
        let difference = |it: &ScorePair| match it.weight / heaviest {
            1.0 => it.after - it.before,
            share => share * (it.after - it.before + margin) - margin,
        };
        let differences: Vec<f64> = pairs.iter().map(difference).collect();
        Some(Self {
            scores: PairedScores::of(&pairs, Seed(1).child("monitor", 0))?,
            e_value: evidence(&differences),
            rows_missing: recorded.len() - pairs.len(),
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_zero(rows: &usize) -> bool {
    *rows == 0
}

/// What is left of caps beside what was spent, of time too. A deadline stays.
#[must_use]
pub fn left(caps: Caps, spent: &Spending) -> Caps {
    let wall = caps.wall.map(|it| it.saturating_sub(spent.running));
    Caps { wall, deadline: caps.deadline, ..night::left(caps, spent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::record::SCHEMA;
    use crate::run::RunDir;
    use crate::source::sealed;
    use crate::units::Usd;
    use serde_json::json;
    use std::path::Path;

    fn hash(number: usize) -> RowHash {
        RowHash::try_from(format!("{number:032x}")).unwrap()
    }

    const ROWS: usize = 100;

    /// The prompt was right on all rows, the baseline on this many.
    fn record(baseline: usize) -> Record {
        let rows: Vec<RecordedRow> = (0..ROWS)
            .map(|row| RecordedRow {
                row: hash(row),
                score: 1.0,
                baseline: Some(f64::from(u8::from(row < baseline))),
                weight: 1.0,
            })
            .collect();
        let evidence = json!({
            "schema": SCHEMA, "run": "r", "task": "t", "candidate": "0123", "rows": rows,
            "parts_blake3": {"system": "aa"}, "models": {"task": "p/m"},
        });
        Record::read_sealed(Path::new("x"), sealed(evidence).to_string().as_bytes()).unwrap()
    }

    /// A check. The prompt has the first `right` rows right, and the canary the first `canary`.
    fn check(
        number: u32,
        record: &Record,
        right: usize,
        canary: Option<usize>,
        edited: bool,
    ) -> Check {
        let scores = |right: usize| -> BTreeMap<RowHash, f64> {
            (0..ROWS).map(|row| (hash(row), f64::from(u8::from(row < right)))).collect()
        };
        let now = Now {
            scores: scores(right),
            gone: std::collections::BTreeSet::new(),
            must_pass: std::collections::BTreeSet::new(),
            rows_in_search: 0,
            not_asked: 0,
            parts_blake3: [("system".to_owned(), if edited { "bb" } else { "aa" }.to_owned())]
                .into(),
            task_model: "p/m".to_owned(),
            judge: None,
            simulated: false,
        };
        let at = Timestamp::from_second(1_800_000_000 + i64::from(number) * 86_400).unwrap();
        let rule = Rule::new(0.02, 0.05, Duration::from_secs(86_400));
        let canary = canary.map(scores);
        let spent =
            Spending { calls: 200, usd: Usd::from_nanos(50_000_000), ..Spending::default() };
        Check::of((number, at), record, &now, canary.as_ref(), rule, spent).unwrap()
    }

    #[test]
    fn the_canary_says_what_a_loss_comes_from() {
        for (baseline, right, canary, edited, cause) in [
            (60, 70, Some(30), false, Cause::Model),
            (60, 70, Some(60), false, Cause::Prompt),
            (60, 70, Some(60), true, Cause::Prompt),
            // Both have changed: the edit, the model, or both.
            (60, 70, Some(30), true, Cause::Unclear),
            // A canary that fell as well, by too little to say so.
            (60, 70, Some(57), false, Cause::Prompt),
            (60, 92, Some(57), false, Cause::Unclear),
            // One that was never right cannot fall.
            (0, 70, Some(0), false, Cause::Unclear),
            (60, 70, None, false, Cause::Unclear),
            // It got better: the model has changed.
            (60, 70, Some(90), false, Cause::Model),
        ] {
            let check = check(1, &record(baseline), right, canary, edited);
            assert_eq!(check.cause(), cause, "{baseline} {right} {canary:?} {edited}");
        }
    }

    /// A history in a folder.
    fn history(checks: impl IntoIterator<Item = Check>) -> (tempfile::TempDir, History) {
        let place = tempfile::tempdir().unwrap();
        let mut history = History::open(&RunDir::at(place.path())).unwrap();
        for check in checks {
            let begun = Fact::Begun { check: check.check, at: check.at };
            history.append(begun).unwrap();
            history.append(Fact::Measured(Box::new(check))).unwrap();
        }
        (place, history)
    }

    fn days() -> (tempfile::TempDir, History) {
        let record = record(60);
        // A day like the record, a worse prompt for three days, another model, and an edit.
        history([
            check(1, &record, 100, Some(60), false),
            check(2, &record, 88, Some(60), false),
            check(3, &record, 88, Some(61), false),
            check(4, &record, 88, Some(60), false),
            check(5, &record, 60, Some(20), false),
            check(6, &record, 99, Some(20), false),
            check(7, &record, 50, Some(60), true),
            check(8, &record, 98, None, false),
        ])
    }

    #[test]
    fn evidence_is_added_up_until_an_alarm_and_a_history_is_read_as_it_was_written() {
        let (place, history) = days();
        let found: Vec<CheckFinding> = history.checks().iter().map(|it| it.finding).collect();
        use CheckFinding::{Breach, Drift, NoAlarm};
        assert_eq!(found, [NoAlarm, NoAlarm, NoAlarm, NoAlarm, Breach, Drift, Breach, NoAlarm]);
        let loss: Vec<f64> = history.checks().iter().map(|it| it.loss).collect();
        assert!(loss[1] < loss[2] && loss[2] < loss[3] && loss[5] < loss[3], "{loss:?}");
        let again = History::open(&RunDir::at(place.path())).unwrap();
        assert_eq!(
            serde_json::to_value(again.checks()).unwrap(),
            serde_json::to_value(history.checks()).unwrap()
        );
        let next = again.next(Duration::from_secs(86_400), Timestamp::MAX);
        assert_eq!((next, again.spent().calls), ((9, false), 1_600));
        let due = again.due(Duration::from_secs(3_600), Timestamp::MAX).unwrap();
        assert_eq!(due.as_second(), 1_800_000_000 + 8 * 86_400 + 3_600);
    }

    #[test]
    fn a_check_under_another_rule_leaves_the_series_as_it_was() {
        let record = record(60);
        let by_hand = |number: u32| {
            let rule = Rule::new(0.1, 0.05, Duration::from_secs(86_400));
            Check { rule, ..check(number, &record, 100, Some(60), false) }
        };
        let worse = |number: u32| check(number, &record, 88, Some(60), false);
        let losses = |checks: Vec<Check>| -> Vec<f64> {
            history(checks).1.checks().iter().map(|it| it.loss).collect()
        };
        let alone = losses(vec![worse(1), worse(2)]);
        assert_eq!(losses(vec![worse(1), by_hand(2), worse(3)])[2], alone[1]);
    }

    #[test]
    fn a_history_that_no_check_wrote_is_refused() {
        let record = record(60);
        let (place, _) = history([check(1, &record, 88, Some(60), false)]);
        let dir = RunDir::at(place.path());
        let file = place.path().join("checks.jsonl");
        let text = std::fs::read_to_string(&file).unwrap();
        for (from, to) in [
            ("\"check\":1", "\"check\":4294967295"),
            ("\"check\":1", "\"check\":0"),
            ("\"e_value\":", "\"e_value\":-"),
            ("\"false_alarms\":0.05", "\"false_alarms\":0.0"),
        ] {
            std::fs::write(&file, text.replace(from, to)).unwrap();
            assert!(History::open(&dir).unwrap_err().to_string().contains("line "), "{to}");
        }
        std::fs::write(&file, text).unwrap();
        assert_eq!(History::open(&dir).unwrap().checks().len(), 1);
    }

    #[test]
    fn one_that_was_not_measured_goes_on_and_one_that_was_interrupted_at_once() {
        let record = record(60);
        let (_place, mut history) = history([check(1, &record, 100, None, false)]);
        let at = Timestamp::from_second(1_900_000_000).unwrap();
        history.append(Fact::Begun { check: 2, at }).unwrap();
        assert!(history.is_interrupted() && history.due(Duration::ZERO, Timestamp::MAX).is_none());
        let day = Duration::from_secs(86_400);
        assert_eq!(history.next(day, at), (2, true));
        // A clock that was set back by an hour does not give up what was paid for, nor make another check due.
        let hour = jiff::SignedDuration::from_hours(1);
        assert_eq!(history.next(day, at - hour), (2, true));
        assert_eq!(history.next(day, at - 24 * hour), (3, false));
        history.append(Fact::NotMeasured { check: 2, at, why: "no key".to_owned() }).unwrap();
        assert_eq!(history.due(Duration::ZERO, at), Some(at));
        // The clock was ahead then.
        assert_eq!(history.due(Duration::ZERO, Timestamp::MIN), None);
        assert_eq!((history.next(day, at), history.not_measured()), ((2, true), Some("no key")));
        // A day later its answers are none of now; what it has spent is still counted.
        let later = at.checked_add(day).unwrap();
        assert_eq!((history.next(day, later), history.abandoned()), ((3, false), &[][..]));
        let (_other, mut other) = self::history([check(1, &record, 100, None, false)]);
        for check in [2, 3] {
            other.append(Fact::Begun { check, at }).unwrap();
        }
        assert_eq!(other.abandoned(), [2]);
        history.append(Fact::Measured(Box::new(check(2, &record, 100, None, false)))).unwrap();
        assert_eq!((history.next(day, at), history.not_measured()), ((3, false), None));
    }

    #[test]
    fn a_history_is_shown_to_people_and_to_a_collector() {
        let (_place, history) = days();
        insta::assert_snapshot!(history_page("prompts/route.md", &history));
        let labels = [("task", "a \"b\"\\\n"), ("prompt", "p.md")];
        insta::assert_snapshot!(prometheus(&labels, &history));
        let told: Vec<String> =
            history.checks().iter().skip(4).map(|it| lines(it).join("\n")).collect();
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn a_year_has_as_many_checks_as_fit() {
        let checks =
            |seconds: u64| Rule::new(0.02, 0.05, Duration::from_secs(seconds)).checks_a_year;
        assert_eq!((checks(86_400), checks(3_600), checks(u64::MAX)), (365, 8_760, 1));
        let rule = Rule::new(0.02, 0.05, Duration::from_secs(86_400));
        assert_eq!(rule.alarm().threshold(), 365.0 / 0.025);
    }
}
