//! Parity, and what is missing to it.

use super::parity::*;
use super::rows::*;
use super::target::*;
use crate::engine::HeldOutRow;
use crate::run::Status;
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::Level;
use crate::stats::weighted::Weighted;
use crate::task::example::RowHash;

#[test]
fn latencies_are_answers_that_were_measured() {
    assert_eq!(Latency::of(Vec::new()), None);
    assert_eq!(Latency::of(vec![7]), Some(Latency { p50_ms: 7, p95_ms: 7, n: 1 }));
    let twenty = (1..=20).rev().collect();
    assert_eq!(Latency::of(twenty), Some(Latency { p50_ms: 10, p95_ms: 19, n: 20 }));
}

/// The new model is right where the bar is, and refuses a sixth of the rows: that is no parity.
#[test]
fn a_row_that_is_refused_is_wrong() {
    let of = |rows: std::ops::Range<usize>| Rows {
        by_row: rows
            .map(|row| {
                let hash = RowHash::try_from(format!("{row:032x}")).unwrap();
                let value = f64::from(u8::from(row % 4 > 0));
                (hash, (Weighted { value, weight: 1.0 }, Some(0.1)))
            })
            .collect(),
        ..Rows::default()
    };
    let (bar, new) = (of(0..180), of(0..150));
    let pairs = new.paired(Some(&bar));
    assert_eq!((pairs.len(), new.missing(Some(&bar))), (180, 30));
    assert_eq!(target(&pairs, 0.05, 1).finding().unwrap(), ParityFinding::Worse);
    assert_eq!(
        target(&of(0..180).paired(Some(&bar)), 0.05, 1).finding().unwrap(),
        ParityFinding::Parity
    );
    assert!(Rows::default().paired(Some(&bar)).is_empty(), "it was not asked at all");
}

fn rows(n: usize, wins: usize, losses: usize) -> Vec<HeldOutRow> {
    let row = |row| HeldOutRow {
        winner: f64::from(u8::from(row >= losses)),
        baseline: f64::from(u8::from(!(losses..losses + wins).contains(&row))),
        weight: 1.0,
        usd_per_1k: Some((0.1, 0.5)),
        measured: Vec::new(),
    };
    (0..n).map(row).collect()
}

fn target(rows: &[HeldOutRow], margin: f64, models: usize) -> Target {
    let measured = UncomparedTarget {
        model: "a/b".to_owned(),
        run: "m-a-b".to_owned(),
        status: Some(Status::Finished),
        found: Found::Nothing,
        winner: Rows::default(),
        unchanged: Rows::default(),
        why: None,
    };
    let goal = within(margin);
    let level = Level::FIRST.shared_by(models);
    let is_parity = is_parity(&goal, rows, level);
    let decision = Decision {
        is_parity,
        level,
        saves: false,
        is_dearer: false,
        unanswered: 0,
        must_pass_lost: 0,
    };
    measured.compared(BesideBar::of(&goal, rows, decision, margin), None)
}

/// 20 rows of 400 lost and 20 won: a standard error of √(40)/400, so that a margin of four points is 2.5 of them.
#[test]
fn more_models_need_more_and_what_is_missing_is_said() {
    let rows_of_one = target(&rows(400, 20, 20), 0.04, 1);
    assert_eq!(rows_of_one.finding().unwrap(), ParityFinding::Parity);
    assert!(
        rows_of_one
            .verdict(0.04, ScoreForm::Percent)
            .starts_with("parity: not worse than the bar by more than 4.0 pp: +0.0 pp")
    );
    let open = target(&rows(400, 20, 20), 0.04, 5);
    let beside = open.beside_bar.clone().unwrap();
    assert_eq!(
        (open.finding().unwrap(), beside.better, beside.worse),
        (ParityFinding::Open, 20, 20)
    );
    // (z + 0.84)² × 0.1/0.04², z = 2.576: 730 rows, at half a percent.
    assert!((725..735).contains(&beside.rows_needed.unwrap()), "{beside:?}");
    assert!(beside.short_by > 0.0 && beside.tested.unwrap().interval.low < -0.04, "{beside:?}");
    let said = open.verdict(0.04, ScoreForm::Percent);
    assert!(
        said.contains("not shown: parity within 4.0 pp is missed by 0.")
            && said.contains("0.50 % one-sided"),
        "{said}"
    );
    assert!(said.ends_with("held-out rows would show it, if the difference stays"), "{said}");
    // Above the bar, the rows are those for a difference of 0.
    let above = target(&rows(400, 42, 40), 0.04, 5);
    assert_eq!(above.finding().unwrap(), ParityFinding::Open);
    let said = above.verdict(0.04, ScoreForm::Percent);
    assert!(said.ends_with("would show it, if it is as good as the bar"), "{said}");
    // Below the margin, and not shown to be: no number of rows helps.
    let below = target(&rows(400, 0, 20), 0.04, 1);
    assert_eq!(
        (below.finding().unwrap(), below.beside_bar.as_ref().unwrap().rows_needed),
        (ParityFinding::Open, None)
    );
    assert!(
        below
            .verdict(0.04, ScoreForm::Percent)
            .ends_with("no number of rows would show it, if the difference stays")
    );
    let worse = target(&rows(400, 0, 60), 0.04, 1);
    assert_eq!(worse.finding().unwrap(), ParityFinding::Worse);
    // A better model is at parity; too few rows show nothing, however good.
    assert_eq!(target(&rows(400, 60, 0), 0.0, 1).finding().unwrap(), ParityFinding::Parity);
    assert_eq!(target(&rows(29, 29, 0), 0.5, 1).finding().unwrap(), ParityFinding::Open);
    assert_eq!(target(&rows(29, 0, 29), 0.05, 1).finding().unwrap(), ParityFinding::Open);
}

/// Three models, each with two prompts, all of them worse by exactly the margin: how often is any called at parity?
#[test]
fn models_at_the_margin_are_rarely_called_at_parity() {
    use rand::Rng;
    let (margin, discordance) = (0.05, 0.2);
    let goal = within(margin);
    let wins = (discordance - margin) / 2.0;
    let is_wrong = |trial: &u64| {
        let mut rng = Seed(23).child("migration", *trial).rng();
        let mut row = || match rng.random::<f64>() {
            it if it < wins => (1.0, 0.0),
            it if it < discordance => (0.0, 1.0),
            _ => (1.0, 1.0),
        };
        let mut rows = || -> Vec<HeldOutRow> {
            let pairs = (0..200).map(|_| row());
            pairs
                .map(|(winner, baseline)| HeldOutRow {
                    winner,
                    baseline,
                    weight: 1.0,
                    usd_per_1k: None,
                    measured: Vec::new(),
                })
                .collect()
        };
        let pairs = [(); 6].map(|()| rows());
        let rows_of = |claim: usize| pairs[claim].as_slice();
        decided(&goal, 6, rows_of, Level::FIRST).iter().any(|(parity, _)| *parity)
    };
    // 2.5 % of 1,000 are 25, with a standard deviation of 5; without Holm's rule it would be 141.
    let wrong = (0..1_000).filter(is_wrong).count();
    assert!((8..=42).contains(&wrong), "{wrong}");
}

#[test]
fn a_row_that_must_pass_and_is_lost_is_no_parity() {
    let hash = |number: u32| RowHash::try_from(format!("{number:032x}")).unwrap();
    let rows = |lost: &[u32]| Rows {
        by_row: (0..400)
            .map(|row| {
                let value = f64::from(u8::from(!lost.contains(&row)));
                (hash(row), (Weighted { value, weight: 1.0 }, None))
            })
            .collect(),
        milliseconds: Vec::new(),
    };
    let (bar, must_pass) = (rows(&[1]), [hash(1), hash(2), hash(3)].into());
    // The bar fails one of them itself.
    assert_eq!(rows(&[1, 2, 9]).must_pass_lost(Some(&bar), &must_pass), 1);
    assert_eq!(rows(&[9]).must_pass_lost(Some(&bar), &must_pass), 0);
    let (goal, level) = (within(0.05), Level::FIRST);
    let finding = |own: &Rows| {
        let pairs = own.paired(Some(&bar));
        let decision = Decision {
            is_parity: is_parity(&goal, &pairs, level),
            level,
            saves: false,
            is_dearer: false,
            unanswered: 0,
            must_pass_lost: own.must_pass_lost(Some(&bar), &must_pass),
        };
        BesideBar::of(&goal, &pairs, decision, 0.05).unwrap().finding
    };
    assert_eq!(finding(&rows(&[1, 9])), ParityFinding::Parity);
    assert_eq!(finding(&rows(&[1, 2])), ParityFinding::FailsMustPass);
}
