//! Explanations of scripted runs.

use super::super::Report;
use super::super::example::{Example, Kind, run};
use super::super::words::{abandoned, dropped, rejection};
use super::*;
use crate::caps::Caps;
use crate::event::Abandoned;
use crate::id::RunName;
use crate::recipe::Recipe;
use crate::run::{History, RunFile, RunKind, SCHEMA};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::state::Named;

/// A recipe of the tests' own, because shipped recipes may change.
fn recipe() -> Recipe {
    let text = "[[operator]]\nkind = 'reflect'\nweight = 0.8\n\
                [[operator]]\nkind = 'merge'\nweight = 0.2\n[select]\nkind = 'pareto'\n";
    crate::recipe::parse(std::path::Path::new("mine.toml"), text).unwrap()
}

/// The `run.json` of the run.
fn run_file(example: &Example) -> RunFile {
    RunFile {
        schema: SCHEMA,
        run: RunName::new(example.summary.run.clone()),
        version: "0".to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
        task: example.task.source.clone(),
        task_name: example.task.name.clone(),
        programs: Vec::new(),
        data: Vec::new(),
        kind: RunKind::Search,
        rows: None,
        comparison: None,
        strategy: "auto".to_owned(),
        recipe: crate::recipe::effective_table(&recipe()),
        seed: Seed(1),
        caps: Caps::default(),
        warm: None,
        seen: None,
        night: None,
        concurrency: None,
        reuse: Vec::new(),
    }
}

/// The explanation of `asked`, from the first `events` events.
fn explained_from(example: &Example, asked: &str, events: usize) -> Explanation {
    let file = run_file(example);
    let recipe = recipe();
    let report = Report { run_file: Some(&file), recipe: Some(&recipe), ..example.report() };
    let subject = find(&report, asked).unwrap();
    let mut explainer =
        Explainer::new(subject, example.task.splits.sizes().dev, example.task.score_form());
    for (number, event) in example.events.iter().take(events) {
        explainer.apply(*number, event);
    }
    explainer.explanation(&report)
}

fn explained(example: &Example, asked: &str) -> Explanation {
    explained_from(example, asked, usize::MAX)
}

fn shown(example: &Example, asked: &str) -> String {
    page(&explained(example, asked), false, 80)
}

#[test]
fn a_winner_from_its_parents_to_its_confirmation() {
    insta::assert_snapshot!(shown(&run(Kind::Confirmed), "best"));
}

#[test]
fn the_baseline_has_children_and_no_parents() {
    insta::assert_snapshot!(shown(&run(Kind::Confirmed), "baseline"));
}

#[test]
fn a_dropped_candidate_is_explained_with_the_figures_behind_it() {
    let example = run(Kind::Confirmed);
    let state = &example.history.state;
    let (number, _) = state
        .numbered()
        .find(|(_, standing)| matches!(standing.status, crate::state::Status::Dropped(_)))
        .unwrap();
    insta::assert_snapshot!(shown(&example, &format!("n{number}")));
}

#[test]
fn a_rejected_proposal_is_explained_by_its_number() {
    let example = run(Kind::Confirmed);
    let last = example.history.state.next_proposal.0 - 1;
    let abandoned = shown(&example, &format!("p{last}"));
    let rejected = shown(&example, &format!("p{}", last - 1));
    insta::assert_snapshot!(format!("{abandoned}\n---\n{rejected}"));
}

#[test]
fn what_was_repaired_is_told() {
    let example = run(Kind::Confirmed);
    let told = "repaired    repeated lines folded: “- Route late parcels to logistics.”";
    assert!(shown(&example, "#1").contains(told));
    assert!(!shown(&example, "#2").contains("repaired"));
}

#[test]
fn a_proposal_that_became_a_candidate_is_explained_as_the_candidate() {
    let example = run(Kind::Confirmed);
    let first = explained(&example, "p0");
    assert_eq!(first.candidate.unwrap().named.number, CandidateIx(1));
}

#[test]
fn a_line_fits_the_terminal_at_any_width() {
    for kind in [Kind::Confirmed, Kind::BaselineWon, Kind::Interrupted] {
        let example = run(kind);
        for number in 0..example.history.state.candidates.len() {
            let explanation = explained(&example, &format!("#{number}"));
            for width in [40, 60, 80] {
                for line in page(&explanation, false, width).lines() {
                    let columns = crate::text::columns_of(line);
                    assert!(columns <= width, "{width}: {line}");
                }
            }
            let coloured = page(&explanation, true, 80);
            for line in coloured.lines() {
                assert_eq!(line.matches("\u{1b}[").count(), 2 * line.matches("\u{1b}[0m").count());
            }
        }
    }
}

#[test]
fn a_subject_is_found_or_an_error_lists_candidates() {
    let example = run(Kind::Confirmed);
    let report = example.report();
    let state = &example.history.state;
    let id = state.standing(CandidateIx(1)).candidate.id.clone();
    for asked in [id.as_str(), &id.as_str()[..8], &id.as_str().to_uppercase(), "#1", "n1", "1"] {
        assert_eq!(find(&report, asked), Ok(Subject::Candidate(CandidateIx(1))), "{asked}");
    }
    for asked in ["baseline", "0"] {
        assert_eq!(find(&report, asked), Ok(Subject::Candidate(CandidateIx::BASELINE)), "{asked}");
    }
    assert_eq!(find(&report, "winner"), find(&report, "best"));
    let typo = format!("{}x", &id.as_str()[..11]);
    let unfound = find(&report, &typo).unwrap_err();
    assert_eq!(unfound.help, Some(format!("did you mean `{id}`?")));
    assert!(find(&report, "n999").unwrap_err().to_string().contains("numbers go from 0 to"));
    assert!(find(&report, "p999").unwrap_err().to_string().contains("from p0 to p"));
    assert!(find(&report, "").is_err());
    let empty = run(Kind::New);
    assert!(find(&empty.report(), "best").is_err());
}

#[test]
fn a_journal_that_breaks_off_anywhere_can_be_explained() {
    let example = run(Kind::Interrupted);
    let (file, recipe) = (run_file(&example), recipe());
    for events in (1..example.events.len()).step_by(7) {
        let mut history = History::new(Named::of(&example.task));
        for (number, event) in example.events.iter().take(events) {
            history.apply(*number, event);
        }
        let report = Report {
            run_file: Some(&file),
            recipe: Some(&recipe),
            history: &history,
            ..example.report()
        };
        for asked in ["baseline", "best"] {
            let subject = find(&report, asked).unwrap();
            let mut explainer =
                Explainer::new(subject, example.task.splits.sizes().dev, example.task.score_form());
            for (number, event) in example.events.iter().take(events) {
                explainer.apply(*number, event);
            }
            assert!(!page(&explainer.explanation(&report), false, 80).is_empty());
        }
    }
}

/// Every variant. A new variant does not compile until it is added here.
fn rejections() -> Vec<Rejection> {
    let next = |reason: Rejection| match reason {
        Rejection::Truncated => Some(Rejection::NoTags),
        Rejection::NoTags => Some(Rejection::Unchanged),
        Rejection::Unchanged => Some(Rejection::Dedup),
        Rejection::Dedup => Some(Rejection::Placeholder),
        Rejection::Placeholder => Some(Rejection::Frozen),
        Rejection::Frozen => Some(Rejection::TooLong),
        Rejection::TooLong => Some(Rejection::Lint),
        Rejection::Lint => Some(Rejection::Leak),
        Rejection::Leak => Some(Rejection::Novelty),
        Rejection::Novelty => Some(Rejection::Empty),
        Rejection::Empty => Some(Rejection::Program),
        Rejection::Program => None,
    };
    std::iter::successors(Some(Rejection::Truncated), |reason| next(*reason)).collect()
}

fn abandonments() -> Vec<Abandoned> {
    let next = |why: Abandoned| match why {
        Abandoned::Perfect => Some(Abandoned::NoEvidence),
        Abandoned::NoEvidence => Some(Abandoned::Nothing),
        Abandoned::Nothing => Some(Abandoned::TooLong),
        Abandoned::TooLong => Some(Abandoned::PhaseOver),
        Abandoned::PhaseOver => None,
    };
    std::iter::successors(Some(Abandoned::Perfect), |why| next(*why)).collect()
}

fn drops() -> Vec<Dropped> {
    let next = |why: &Dropped| match why {
        Dropped::Gate { .. } => Some(Dropped::Futile { probability: 0.08, rows: 24 }),
        Dropped::Futile { .. } => Some(Dropped::MustPass { failed: 2 }),
        Dropped::MustPass { .. } => Some(Dropped::Halved { round: 1, mean: 0.4 }),
        Dropped::Halved { .. } => Some(Dropped::Beaten { by: 3, rows: 60 }),
        Dropped::Beaten { .. } => Some(Dropped::Stage { stage: 0, mean: 0.3, needed: 0.5 }),
        Dropped::Stage { .. } => Some(Dropped::Predicted { mean: 0.35 }),
        Dropped::Predicted { .. } => Some(Dropped::Capped),
        Dropped::Capped => Some(Dropped::Outranked { mean: 0.45 }),
        Dropped::Outranked { .. } => None,
    };
    let first = Dropped::Gate { sum: 1.0, needed: 2.0 };
    std::iter::successors(Some(first), next).collect()
}

#[test]
fn every_way_to_fail_has_a_sentence() {
    let mut lines: Vec<String> =
        drops().iter().map(|why| dropped(why, ScoreForm::Percent)).collect();
    lines.extend(rejections().into_iter().map(|reason| format!("{reason}: {}", rejection(reason))));
    lines.extend(abandonments().into_iter().map(|why| abandoned(why).to_owned()));
    assert!(lines.iter().all(|line| line.len() > 10));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_moment_has_a_sentence() {
    let named = || CandidateRef { id: CandidateId::new("0123456789ab"), number: CandidateIx(3) };
    let all = [
        Happened::Gate { rows: 3, sum: 2.0, needed: 1.0, passed: true },
        Happened::Rows {
            replicate: 1,
            rows: 8,
            missing: 1,
            mean: Some(0.5),
            incumbent: Some(named()),
            incumbent_mean: Some(0.625),
            rows_so_far: 8,
            mean_so_far: Some(0.5),
        },
        Happened::Evidence { rows: 24, mean: None },
        Happened::Round {
            contest: 0,
            group: 1,
            round: 2,
            rows: 12,
            mean: Some(0.4),
            rank: 3,
            of: 9,
        },
        Happened::Dropped { why: Dropped::Capped },
        Happened::Judged { rows: 126, mean: Some(0.5) },
        Happened::Survived { place: 1, of: 4 },
        Happened::Generation { number: 2, place: 3, of: 10 },
        Happened::Incumbent { instead_of: named(), why: "P(better) = 0.90".to_owned() },
        Happened::Replaced { by: named(), why: "mean 0.5 on dev".to_owned() },
        Happened::Migrated { island: 1 },
        Happened::Shortlisted { place: 2, of: 5 },
        Happened::Ended { reason: StopReason::BudgetUsd },
        Happened::Chosen { shrunken_dev: Some(0.1), hold_rows: 0 },
        Happened::Confirmed {
            mean: 0.6,
            low: 0.5,
            high: 0.7,
            rows: 80,
            baseline_mean: Some(0.4),
            gain: Some(0.2),
            p_value: Some(0.01),
            is_shown: true,
        },
    ];
    let lines: Vec<String> = all.iter().map(|it| it.sentence(ScoreForm::Percent)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
