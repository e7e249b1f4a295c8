//! What a goal on cost chooses: the cheapest that is likely to be confirmed, and no dearer one than the baseline.

use super::*;
use crate::operator::When;

/// A search that is over, with the baseline and three children. Of 100 rows the baseline has 70 right, child 1 loses 1 of them for
/// half of the price, child 2 loses 7 for a third, child 3 has 90 right for twice the price.
fn searched(rule: &str, sets: &[&str]) -> Script<impl Fn(&str, Split, RowIx) -> f64> {
    let score = |text: &str, _: Split, row: RowIx| {
        let right = [70, 69, 63, 90][number(text) as usize];
        f64::from(u8::from(row.0 % 100 < right))
    };
    let sets = [&["stop.when=[\"children:3\"]"], sets].concat();
    let goal = Goal::parse(rule).unwrap();
    let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
    script.nanos = |candidate, _| [1_200, 600, 400, 2_400][candidate.index()];
    script.run(2_000);
    script
}

fn winner(rule: &str, sets: &[&str]) -> u32 {
    match searched(rule, sets).plans().as_slice() {
        [Plan::Win { candidate, .. }, ..] => candidate.0,
        other => panic!("no winner: {other:?}"),
    }
}

const CONFIRM: &str = "final.kind=confirm";

#[test]
fn the_cheapest_that_is_likely_to_be_confirmed_wins_and_not_the_one_at_the_edge() {
    let rule = "min usd_per_1k s.t. quality >= baseline - 0.08";
    assert_eq!(winner(rule, &[CONFIRM]), 1, "child 2 is allowed, and at the edge");
    assert_eq!(winner(rule, &[CONFIRM, "final.chance=0"]), 2);
    // Where none is likely to be confirmed, the likeliest.
    assert_eq!(winner(rule, &[CONFIRM, "final.chance=1"]), 1);
}

/// The same prompts, which all cost alike: what is to be least is what their answers say.
#[test]
fn what_is_to_be_least_may_be_a_measure_of_answers() {
    let winner = |least: &str, finale: &[&str]| {
        let score = |text: &str, _: Split, row: RowIx| {
            let right = [70, 69, 63, 90][number(text) as usize];
            f64::from(u8::from(row.0 % 100 < right))
        };
        let sets = [&["stop.when=[\"children:3\"]"], finale].concat();
        let rule = format!("min {least} s.t. quality >= baseline - 0.08 and metrics.tone >= 0.1");
        let goal = Goal::parse(&rule).unwrap();
        let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
        script.measured = |candidate, _| {
            vec![Some(0.9), Some([1_200.0, 600.0, 400.0, 2_400.0][candidate.index()])]
        };
        script.run(2_000);
        match script.plans().as_slice() {
            [Plan::Win { candidate, .. }, ..] => candidate.0,
            other => panic!("no winner: {other:?}"),
        }
    };
    for least in ["input_tokens", "output_tokens", "latency_p50", "latency_p95"] {
        assert_eq!(winner(least, &[CONFIRM]), 1, "{least}: child 2 is at the edge");
        assert_eq!(winner(least, &[CONFIRM, "final.chance=0"]), 2, "{least}");
        assert_eq!(winner(least, &["final.kind=argmax"]), 2, "{least}");
    }
    assert_eq!(winner("usd_per_1k", &["final.kind=argmax"]), 0, "they all cost the same");
}

/// Of 100 rows the baseline's third answers differ on 40, those of child 1 on 30, of child 2 on 1, of child 3 on 50.
fn repeated(rule: &str, finale: &str) -> Script<impl Fn(&str, Split, RowIx) -> f64> {
    let score = |text: &str, _: Split, row: RowIx| {
        let right = [70, 69, 63, 90][number(text) as usize];
        f64::from(u8::from(row.0 % 100 < right))
    };
    let sets = ["stop.when=[\"children:3\"]", finale];
    let goal = Goal::parse(rule).unwrap();
    let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
    script.measured = |_, _| vec![None];
    script.said = |candidate, row, replicate| {
        let differing = [40, 30, 1, 50][candidate.index()];
        Some(u32::from(replicate == 2 && row.0 % 100 < differing))
    };
    script.run(2_000);
    script
}

#[test]
fn the_most_consistent_of_those_that_are_good_enough_wins() {
    let winner = |rule: &str, finale: &str| match repeated(rule, finale).plans().as_slice() {
        [Plan::Win { candidate, .. }, ..] => candidate.0,
        other => panic!("no winner: {other:?}"),
    };
    let most = "max consistency s.t. quality >= baseline - 0.08";
    assert_eq!(winner(most, "final.kind=argmax"), 2);
    assert_eq!(winner(most, CONFIRM), 1, "child 2 is at the edge");
    assert_eq!(winner("max consistency s.t. quality >= baseline - 0.02", "final.kind=argmax"), 1);
    // Of its three answers, two agree on half of the rows: 0.83.
    for finale in [CONFIRM, "final.kind=argmax"] {
        assert_eq!(winner("max quality s.t. consistency >= 0.8", finale), 3, "{finale}");
        assert_eq!(winner("max quality s.t. consistency.2 >= 0.9", finale), 3, "{finale}");
    }
    assert_eq!(winner("max quality s.t. consistency >= 0.84", "final.kind=argmax"), 0);
    assert_eq!(winner("max quality s.t. consistency >= baseline", "final.kind=argmax"), 0);

    // Every row of dev is asked three times, and no row more often.
    let script = repeated(most, "final.kind=argmax");
    let mut rows = std::collections::BTreeMap::new();
    for (candidate, split, replicate, asked) in script.blocks() {
        if split == Split::Dev {
            *rows.entry((candidate, replicate)).or_insert(0) += asked;
        }
    }
    let expected = (0..4).flat_map(|candidate| (0..3).map(move |it| ((candidate, it), 400)));
    assert_eq!(rows, expected.collect());
}

/// Child 1 has the lowest 95th percentile of latencies, with many far above it; child 3's are all alike.
#[test]
fn a_latency_that_is_hardly_shown_to_be_lower_does_not_win() {
    let winner = |finale: &[&str]| {
        let score = |text: &str, _: Split, row: RowIx| {
            f64::from(u8::from(row.0 % 100 < [70, 69, 63, 90][number(text) as usize]))
        };
        let sets = [&["stop.when=[\"children:3\"]"], finale].concat();
        let goal = Goal::parse("min latency_p95 s.t. quality >= baseline - 0.08").unwrap();
        let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
        script.measured = |candidate, row| {
            let doubtful = match row.0 % 400 {
                0..376 => 100.0,
                376..382 => 500.0,
                _ => 5_000.0,
            };
            vec![Some([1_000.0, doubtful, 2_000.0, 600.0][candidate.index()])]
        };
        script.run(2_000);
        match script.plans().as_slice() {
            [Plan::Win { candidate, .. }, ..] => candidate.0,
            other => panic!("no winner: {other:?}"),
        }
    };
    assert_eq!(winner(&["final.kind=argmax"]), 1);
    assert_eq!(winner(&[CONFIRM, "final.chance=0"]), 1);
    assert_eq!(winner(&[CONFIRM]), 3);
}

#[test]
fn a_dearer_one_wins_only_where_the_baseline_misses_the_goal() {
    for finale in [CONFIRM, "final.kind=argmax"] {
        assert_eq!(winner("max quality", &[finale]), 3, "{finale}");
        assert_eq!(winner("min usd_per_1k s.t. quality >= 0.7", &[finale]), 0, "{finale}");
        assert_eq!(winner("min usd_per_1k s.t. quality >= 0.8", &[finale]), 3, "{finale}");
        assert_eq!(winner("max quality s.t. usd_per_1k <= 0.002", &[finale]), 0, "{finale}");
    }
    // Also where the baseline is not among those to choose from.
    let best = |rule: &str| {
        let script = searched(rule, &[]);
        let quality = |candidate| script.state.standing(candidate).dev().mean();
        script.search().best_by_goal([CandidateIx(3)], quality)
    };
    assert_eq!(best("min usd_per_1k s.t. quality >= 0.7"), None);
    assert_eq!(best("min usd_per_1k s.t. quality >= 0.8"), Some(CandidateIx(3)));
}

#[test]
fn a_prompt_whose_cost_is_at_the_edge_of_its_limit_does_not_win() {
    let winner = |limit: &str| {
        let score = |text: &str, _: Split, row: RowIx| {
            let right = [70, 80, 90, 75][number(text) as usize];
            f64::from(u8::from(row.0 % 100 < right))
        };
        let goal = Goal::parse(&format!("max quality s.t. usd_per_1k <= {limit}")).unwrap();
        let sets = ["stop.when=[\"children:3\"]", CONFIRM];
        let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
        // Child 2 costs $0.00200 for 1,000 calls on average, a third more or less by the row; child 1 three quarters of it.
        script.nanos = |candidate, row| {
            let mean = [1_000, 1_500, 2_000, 1_000][candidate.index()];
            if row.0.is_multiple_of(2) { mean * 4 / 3 } else { mean * 2 / 3 }
        };
        script.run(2_000);
        match script.plans().as_slice() {
            [Plan::Win { candidate, .. }, ..] => candidate.0,
            other => panic!("no winner: {other:?}"),
        }
    };
    assert_eq!(winner("0.00201"), 1, "child 2 is allowed, and at the edge");
    assert_eq!(winner("0.0025"), 2);
}

/// The baseline and three children: of 100 rows 70, 80, 75 and 90 right. In every measure child 2 alone is above one half.
fn bounded(rule: &str, recipe: &str, sets: &[&str]) -> Script<impl Fn(&str, Split, RowIx) -> f64> {
    let score = |text: &str, _: Split, row: RowIx| {
        let right = [70, 80, 75, 90][(number(text) as usize).min(3)];
        f64::from(u8::from(row.0 * 37 % 100 < right))
    };
    let sets = [&["stop.when=[\"children:3\"]"], sets].concat();
    let goal = Goal::parse(rule).unwrap();
    let mut script = Script::for_goal(goal, recipe, &sets, (8, 400), 100_000, score);
    script.measured = |candidate, row| {
        let value = if candidate.0 == 2 { 0.6 } else { 0.4 };
        // Not every answer has it.
        vec![(!row.0.is_multiple_of(3)).then_some(value)]
    };
    script.run(2_000);
    script
}

#[test]
fn a_prompt_that_misses_a_bound_does_not_win() {
    let winner =
        |rule: &str, finale: &str| match bounded(rule, "random", &[finale]).plans().as_slice() {
            [Plan::Win { candidate, .. }, ..] => candidate.0,
            other => panic!("no winner: {other:?}"),
        };
    for finale in [CONFIRM, "final.kind=argmax"] {
        for (rule, best) in [
            ("max quality s.t. metrics.tone >= 0.5", 2),
            // At the edge: all keep it on dev, and held-out rows can show it of child 2 alone.
            ("max quality s.t. metrics.tone >= 0.4", if finale == CONFIRM { 2 } else { 3 }),
            ("max quality s.t. metrics.tone <= 0.5", 3),
            ("max quality s.t. metrics.tone >= baseline + 0.1", 2),
            ("max quality s.t. latency_p95 <= 1ms", 3),
            ("max quality s.t. latency_p50 <= 0.5ms", 3),
        ] {
            assert_eq!(winner(rule, finale), best, "{rule}, {finale}");
        }
        assert_eq!(winner("max quality s.t. metrics.tone >= 0.9", finale), 0, "{finale}");
    }
}

/// One of twenty answers of child 3, the best one, is slow, one of fifty of child 1's, and none of child 2's.
#[test]
fn the_best_that_is_likely_to_keep_the_bounds_wins() {
    let winner = |rule: &str, chance: &str| {
        let score = |text: &str, _: Split, row: RowIx| {
            let right = [70, 80, 75, 90][(number(text) as usize).min(3)];
            f64::from(u8::from(row.0 * 37 % 100 < right))
        };
        let sets = ["stop.when=[\"children:3\"]", CONFIRM, chance];
        let goal = Goal::parse(rule).unwrap();
        let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
        script.measured = |candidate, row| {
            let is_slow = match candidate.0 {
                3 => row.0.is_multiple_of(20),
                1 => row.0.is_multiple_of(50),
                _ => false,
            };
            vec![Some(if is_slow { 900.0 } else { 100.0 })]
        };
        script.run(2_000);
        match script.plans().as_slice() {
            [Plan::Win { candidate, .. }, ..] => candidate.0,
            other => panic!("no winner: {other:?}"),
        }
    };
    // 5 % of child 3's answers are slow: it keeps the bound on dev by a hair.
    let rule = "max quality s.t. latency_p95 <= 200ms";
    assert_eq!(winner(rule, "final.chance=0"), 3);
    assert_eq!(winner(rule, "final.chance=0.8"), 1);
    // Where none is likely to keep it, the likeliest.
    assert_eq!(winner(rule, "final.chance=1"), 2);
    // A goal on cost asks the same.
    let cost = "min usd_per_1k s.t. quality >= 0.5 and latency_p95 <= 200ms";
    assert_eq!(winner(cost, "final.chance=0.8"), 0, "none is cheaper");
}

/// The baseline is far below the floor, and so are its first children: the search climbs to it, and then gets cheaper.
#[test]
fn a_floor_far_above_the_baseline_is_reached_step_by_step() {
    let incumbents = |rule: &str| {
        let score = |text: &str, _: Split, row: RowIx| {
            let right = [34, 50, 45, 64, 78, 70][(number(text) as usize).min(5)];
            f64::from(u8::from(row.0 * 37 % 100 < right))
        };
        let sets = [
            "stop.when=[\"children:5\"]",
            "evaluate.kind=race",
            "accept.kind=archive_or_incumbent",
        ];
        let goal = Goal::parse(rule).unwrap();
        let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
        script.nanos = |candidate, _| [1_000, 2_000, 1_000, 3_000, 2_500, 4_000][candidate.index()];
        script.run(3_000);
        script.state.incumbents.iter().map(|(candidate, _)| candidate.0).collect::<Vec<_>>()
    };
    let up = incumbents("min usd_per_1k s.t. quality >= 0.6");
    assert!(matches!(up[..], [0, 1, .., 4]), "{up:?}");
    assert_eq!(incumbents("max quality"), up, "the same way up");
}

/// No child is better than the baseline, so that the incumbent never changes: what makes a prompt cheaper is used all the
/// same where the goal asks for that, and again and again, but not always.
#[test]
fn a_goal_on_cost_compresses_the_baseline_too() {
    let compressed = |rule: &str| {
        let score = |_: &str, _: Split, row: RowIx| f64::from(u8::from(!row.0.is_multiple_of(4)));
        let goal = Goal::parse(rule).unwrap();
        let sets = ["stop.when=[\"children:20\"]"];
        let mut script = Script::for_goal(goal, "auto", &sets, (40, 120), 100_000, score);
        script.nanos = |_, _| 1_000;
        script.run(4_000);
        let kinds = script.recipe.slots.operator.iter().map(|operator| operator.common.when);
        let place = kinds.zip(0..).find(|(when, _)| *when == When::IncumbentChanged).unwrap().1;
        let is_use = |event: &&Event| matches!(event, Event::ProposalDrafted(draft) if draft.operator == Some(place));
        script.events.iter().filter(is_use).count()
    };
    assert_eq!(compressed("max quality"), 0);
    assert_eq!(compressed("max quality s.t. usd_per_1k <= 0.01"), 0, "it keeps the limit");
    for rule in
        ["max quality s.t. usd_per_1k <= 0.0005", "min usd_per_1k s.t. quality >= baseline - 0.02"]
    {
        let uses = compressed(rule);
        assert!((2..=10).contains(&uses), "{rule}: {uses}");
    }
}

/// All prompts but child 2 cost more than the goal allows, and child 2 is the worst.
#[test]
fn what_keeps_the_limit_on_the_cost_takes_the_place_of_what_misses_it() {
    let last = |rule: &str| {
        let score = |text: &str, _: Split, row: RowIx| {
            let right = [60, 70, 50, 80][(number(text) as usize).min(3)];
            f64::from(u8::from(row.0 * 37 % 100 < right))
        };
        let sets = [
            "stop.when=[\"children:3\"]",
            "evaluate.kind=race",
            "accept.kind=archive_or_incumbent",
        ];
        let goal = Goal::parse(rule).unwrap();
        let mut script = Script::for_goal(goal, "random", &sets, (8, 400), 100_000, score);
        script.nanos = |candidate, _| [120, 150, 70, 140][candidate.index()];
        script.run(3_000);
        let is_dropped = |candidate| {
            let status = &script.state.standing(CandidateIx(candidate)).status;
            matches!(status, crate::state::Status::Dropped(_))
        };
        (script.state.incumbent.0, is_dropped(2))
    };
    assert_eq!(last("max quality"), (3, true));
    assert_eq!(last("max quality s.t. usd_per_1k <= 0.0001"), (2, false));
}

/// Child 2 is worse than child 1, the best so far, which misses the bound: it is tried to the end, and takes its place.
#[test]
fn what_keeps_a_bound_is_not_dropped_beside_what_misses_it() {
    let sets = ["evaluate.kind=race", "accept.kind=archive_or_incumbent"];
    let last = |rule: &str| {
        let script = bounded(rule, "random", &sets);
        let second = &script.state.standing(CandidateIx(2)).status;
        (script.state.incumbent.0, matches!(second, crate::state::Status::Dropped(_)))
    };
    assert_eq!(last("max quality"), (1, true));
    assert_eq!(last("max quality s.t. metrics.tone >= 0.5"), (2, false));
}
