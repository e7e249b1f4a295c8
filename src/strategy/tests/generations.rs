//! Populations that are bred and judged generation by generation, and pools that are judged once:
//! what each recipe decides, derived by hand from its definition.

use super::*;
use crate::event::{Generation, Rejection};
use crate::strategy::search::Pool;
use std::collections::BTreeSet;

/// The recipes of this family.
const FAMILY: &[&str] = &[
    "ape",
    "opro",
    "copro",
    "evoprompt-ga",
    "evoprompt-de",
    "capo",
    "grips",
    "random",
    "best-of-n",
];

type Scores = fn(&str, Split, RowIx) -> f64;

fn drafts<S>(script: &Script<S>) -> Vec<&Draft> {
    let mut found = Vec::new();
    for event in &script.events {
        if let Event::ProposalDrafted(draft) = event {
            found.push(draft);
        }
    }
    found
}

/// First requests of operators, by generation.
fn applied<S>(script: &Script<S>) -> Vec<Vec<&Draft>> {
    let mut found: Vec<Vec<&Draft>> = Vec::new();
    for event in &script.events {
        match event {
            Event::GenerationStarted(_) => found.push(Vec::new()),
            Event::ProposalDrafted(draft) if draft.operator.is_some() && draft.step == 0 => {
                found.last_mut().unwrap().push(draft);
            }
            _ => {}
        }
    }
    found
}

fn ids(candidates: &[CandidateIx]) -> Vec<u32> {
    candidates.iter().map(|candidate| candidate.0).collect()
}

/// The populations that generations began with.
fn populations<S>(script: &Script<S>) -> Vec<Vec<u32>> {
    let members = |event: &Event| match event {
        Event::GenerationStarted(Generation { members, .. }) => Some(ids(members)),
        _ => None,
    };
    script.events.iter().filter_map(members).collect()
}

fn ended<S>(script: &Script<S>) -> Option<StopReason> {
    script.events.iter().find_map(|event| match event {
        Event::SearchEnded { reason } => Some(*reason),
        _ => None,
    })
}

fn winner<S: Fn(&str, Split, RowIx) -> f64>(script: &Script<S>) -> u32 {
    match script.plans().into_iter().next() {
        Some(Plan::Win { candidate, .. }) => candidate.0,
        other => panic!("no winner, but {other:?}"),
    }
}

/// Runs with a mutator whose every reply is refused.
fn run_refused<S: Fn(&str, Split, RowIx) -> f64>(script: &mut Script<S>, most: usize) {
    let refused = || ProposalOutcome::Rejected { reason: Rejection::Dedup, detail: String::new() };
    for _ in 0..most {
        match script.plans().into_iter().next() {
            Some(Plan::Propose { proposal, shown }) => {
                let (call, reserve) = (script.state.next_call, Amount::ZERO);
                script.record(Event::ProposalIssued { proposal, call, rows: shown, reserve });
                script.record(Event::ProposalFolded { call, outcome: refused() });
            }
            Some(Plan::Compose(draft)) => {
                let proposal = draft.proposal;
                script.record(Event::CandidateComposed { proposal, outcome: refused() });
            }
            _ if !script.step() => return,
            _ => {}
        }
    }
    panic!("still at it after {most} steps");
}

#[test]
fn asking_again_changes_nothing_and_every_recipe_goes_on() {
    for name in FAMILY {
        let score = |text: &str, _: Split, row: RowIx| f64::from((number(text) + row.0) % 3) / 2.0;
        let mut script = Script::new(name, &[], (12, 24), 500, score);
        for _ in 0..400 {
            assert_eq!(script.plans(), script.plans(), "{name}");
            if !script.step() {
                break;
            }
        }
    }
}

#[test]
fn every_recipe_ends_although_nothing_new_is_ever_written() {
    for name in FAMILY {
        let half: Scores = |_, _, _| 0.5;
        let mut script = Script::new(name, &[], (12, 24), 500, half);
        run_refused(&mut script, 20_000);
        let reason = ended(&script).unwrap();
        let expected = match *name {
            // Their numbers of generations are up whatever comes.
            "opro" => StopReason::PoolDone, // 1,000 refusals come before 200 × 8
            "copro" | "evoprompt-ga" | "evoprompt-de" => StopReason::Generations,
            "grips" => StopReason::Stalled,
            _ => StopReason::PoolDone,
        };
        assert_eq!((*name, reason), (*name, expected));
        assert_eq!(winner(&script), 0, "{name}");
    }
}

#[test]
fn random_and_best_of_n_end_after_200_refusals_in_a_row() {
    for name in ["random", "best-of-n"] {
        let half: Scores = |_, _, _| 0.5;
        let mut script = Script::new(name, &[], (4, 16), 500, half);
        run_refused(&mut script, 2_000);
        assert_eq!(drafts(&script).len(), 200, "{name}");
    }
}

#[test]
fn best_of_n_writes_from_the_baseline_alone_and_takes_the_best_mean() {
    let score = |text: &str, _: Split, _: RowIx| if number(text) == 3 { 0.9 } else { 0.1 };
    let mut script = Script::new("best-of-n", &[], (4, 16), 1_000, score);
    script.run(120);
    assert!(script.state.candidates.len() > 8);
    for (candidate, standing) in script.state.numbered().skip(1).take(7) {
        assert_eq!(ids(&standing.candidate.parents), [0]);
        assert_eq!(standing.dev().scored, 16, "candidate {candidate}");
    }
    assert!(drafts(&script).iter().all(|draft| draft.rows.is_empty()), "no evidence");
    assert_eq!(script.state.incumbent, CandidateIx(3));
}

#[test]
fn ape_asks_five_sets_of_five_pairs_ten_times_and_takes_the_best_of_fifty_rows() {
    // Whoever is best on the first 50 rows of dev wins, whatever the others would say.
    let score = |text: &str, _: Split, row: RowIx| match (number(text), row.0) {
        (17, 0..50) => 1.0,
        (17, _) => 0.0,
        _ => 0.5,
    };
    let mut script = Script::new("ape", &[], (30, 60), 10_000, score);
    script.run(10_000);
    let asked = drafts(&script);
    assert_eq!(asked.len(), 50);
    let sets: Vec<&[RowIx]> = asked.iter().map(|draft| &draft.rows[..]).collect();
    for query in sets.chunks(10) {
        assert_eq!(query[0].len(), 5);
        assert!(query.iter().all(|set| set == &query[0]), "the same request ten times");
    }
    let distinct: BTreeSet<&[RowIx]> = sets.iter().copied().collect();
    assert_eq!(distinct.len(), 5);
    for (_, standing) in script.state.numbered() {
        let rows: Vec<usize> = (0..60)
            .filter(|row| standing.dev().cell(RowIx(*row)).score().is_some())
            .map(|row| row as usize)
            .collect();
        assert_eq!(rows, (0..50).collect::<Vec<usize>>(), "the same rows for all");
    }
    assert_eq!(ended(&script), Some(StopReason::PoolDone));
    assert_eq!(winner(&script), 17);
}

#[test]
fn opro_shows_all_samples_of_a_step_the_same_record_in_ascending_order() {
    // Scores rise and fall: child 3 is the best of the first step, child 6 the next.
    let score = |text: &str, _: Split, _: RowIx| {
        [8, 16, 24, 56, 12, 4, 40, 20, 28]
            .get(number(text) as usize)
            .map_or(0.0, |s| f64::from(*s) / 64.0)
    };
    let sets = ["operator.0.history.k=3", "stop.when=['generations:2']"];
    let mut script = Script::new("opro", &sets, (40, 8), 10_000, score);
    script.run(10_000);
    let steps = applied(&script);
    assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 0]);
    let told = |draft: &Draft| -> Vec<(u32, f64)> {
        draft.context.iter().map(|told| (told.candidate.0, told.score.unwrap())).collect()
    };
    // The first step knows the baseline alone, although its own children are judged while it goes on.
    let expected =
        [vec![(0, 8.0 / 64.0)], vec![(8, 28.0 / 64.0), (6, 40.0 / 64.0), (3, 56.0 / 64.0)]];
    for (step, expected) in steps.iter().zip(&expected) {
        for draft in step {
            assert_eq!(&told(draft), expected);
            assert_eq!(draft.rows, step[0].rows, "the same exemplars");
            assert_eq!(draft.rows.len(), 3);
            assert_eq!(ids(&draft.parents), [0], "no parent of its own");
        }
    }
    assert_ne!(steps[0][0].rows, steps[1][0].rows, "other exemplars in each step");
    assert_eq!(ended(&script), Some(StopReason::Generations));
    assert_eq!(script.state.candidates.len(), 17);
    assert_eq!(winner(&script), 3);
}

#[test]
fn opro_leaves_out_what_does_not_reach_the_least_score() {
    let score = |text: &str, _: Split, _: RowIx| f64::from(number(text)) / 16.0;
    let sets = ["operator.0.history.min_score=0.3125", "stop.when=['generations:2']"];
    let mut script = Script::new("opro", &sets, (40, 8), 10_000, score);
    script.run(10_000);
    let last = applied(&script)[1][0].clone();
    let told: Vec<u32> = last.context.iter().map(|told| told.candidate.0).collect();
    assert_eq!(told, [5, 6, 7, 8], "5/16 is enough");
}

/// Ten at first, the baseline and nine variants, then two generations of ten, each from the ten best
/// attempts so far: breadth 10, depth 3.
#[test]
fn copro_is_breadth_times_depth_from_the_best_so_far() {
    // The best of the first ten is 4, that of the second ten 12.
    let score = |text: &str, _: Split, _: RowIx| match number(text) {
        4 => 0.5,
        12 => 0.75,
        other => f64::from(other) / 1024.0,
    };
    let mut script = Script::new("copro", &[], (0, 8), 10_000, score);
    script.run(10_000);
    let asked = drafts(&script);
    assert_eq!(asked.iter().filter(|draft| draft.init.is_some()).count(), 9);
    let depths = applied(&script);
    assert_eq!(depths.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 0]);
    let told =
        |draft: &Draft| -> Vec<u32> { draft.context.iter().map(|told| told.candidate.0).collect() };
    for draft in &depths[0] {
        assert_eq!(ids(&draft.parents), [4]);
        assert_eq!(told(draft), [0, 1, 2, 3, 5, 6, 7, 8, 9, 4]);
        assert!(draft.rows.is_empty() && draft.part.is_none());
    }
    for draft in &depths[1] {
        assert_eq!(ids(&draft.parents), [12], "and not 4, nor a sibling");
        assert_eq!(told(draft), [11, 13, 14, 15, 16, 17, 18, 19, 4, 12]);
    }
    assert_eq!(script.state.candidates.len(), 30);
    assert_eq!(ended(&script), Some(StopReason::Generations));
    assert_eq!(winner(&script), 12);
}

#[test]
fn copro_lets_parts_take_turns_each_from_the_best_so_far() {
    // 4 is the best of the first ten; of the first part's turn 11, of the second part's 21.
    let score = |text: &str, _: Split, _: RowIx| match number(text) {
        4 => 0.25,
        11 => 0.5,
        21 => 0.75,
        _ => 0.125,
    };
    let mut script = Script::new("copro", &[], (0, 8), 10_000, score);
    let goal = Goal::max_quality();
    let searched = Searched { texts: 2, demos: false };
    script.strategy = Composed::new(script.recipe.phases(), goal, 0, searched, Seed(1));
    script.run(10_000);
    let turns: Vec<(Option<u16>, u32)> = applied(&script)
        .iter()
        .filter(|turn| !turn.is_empty())
        .map(|turn| {
            assert_eq!(turn.len(), 10);
            assert!(turn.iter().all(|draft| draft.part == turn[0].part));
            (turn[0].part, turn[0].parents[0].0)
        })
        .collect();
    // Depth 3: the first breadth, then two turns for each of the two parts.
    assert_eq!(turns, [(Some(0), 4), (Some(1), 11), (Some(0), 21), (Some(1), 21)]);
    // A part's attempts are those of its own turns, and what was there before them.
    let third = applied(&script)[2][0].clone();
    assert!(third.context.iter().all(|told| told.candidate.0 < 20), "{:?}", third.context);
    assert_eq!(third.context.last().unwrap().candidate, CandidateIx(11));
}

/// A small EvoPrompt: the baseline and 9 induced ones of which 5 are paraphrased, as in the recipe.
fn evoprompt_score(text: &str, _: Split, row: RowIx) -> f64 {
    let points = match number(text) {
        // 1 to 9 are induced; 10 to 14 say 9, 8, 7, 6 and 5 in other words.
        one @ 1..=9 => one,
        10 => 0,
        11 => 20,
        12..=14 => 1,
        // The first generation: one child is good, on the rows of the search.
        15 if row.0 < 8 => 40,
        16 => 30,
        _ => 0,
    };
    f64::from(points) / 64.0
}

#[test]
fn evoprompt_begins_with_the_top_of_init_and_their_paraphrases_then_keeps_the_best_of_all() {
    let sets = ["evaluate.subset=8", "stop.when=['generations:2']"];
    let mut script = Script::new("evoprompt-ga", &sets, (20, 16), 10_000, evoprompt_score);
    script.run(10_000);
    let paraphrased: Vec<Vec<u32>> = drafts(&script)
        .iter()
        .filter(|draft| draft.init == Some(2))
        .map(|draft| ids(&draft.parents))
        .collect();
    assert_eq!(paraphrased, [[9], [8], [7], [6], [5]]);
    let populations = populations(&script);
    // The top 5 and their paraphrases, whose scores do not matter; 4 is better than 12, and out.
    assert_eq!(populations[0], [11, 9, 8, 7, 6, 5, 12, 13, 14, 10]);
    // Population and children together: 15 and 16 come in, 14 and 10 leave.
    assert_eq!(populations[1], [15, 16, 11, 9, 8, 7, 6, 5, 12, 13]);
    let first = &applied(&script)[0];
    assert_eq!(first.len(), 10);
    for draft in first {
        let parents = ids(&draft.parents);
        assert_eq!(parents.len(), 2);
        assert_ne!(parents[0], parents[1]);
        assert!(parents.iter().all(|parent| populations[0].contains(parent)));
        assert!(!parents.contains(&10), "a wheel gives nothing to a score of 0");
    }
    // The shortlist of 3 is tried once more on all 16 rows of dev. On these 15 has (40 · 8) / 16 / 64
    // and 16 has 30 / 64.
    assert_eq!(ids(&script.state.shortlist), [15, 16, 11]);
    let fresh: Vec<(u32, usize)> = script
        .blocks()
        .into_iter()
        .filter(|(_, _, replicate, _)| *replicate > 0)
        .map(|(candidate, _, _, rows)| (candidate, rows))
        .collect();
    assert_eq!(fresh, [(15, 8), (16, 8), (11, 8), (15, 8), (16, 8), (11, 8)]);
    assert_eq!(winner(&script), 16);
}

#[test]
fn who_left_the_population_is_judged_with_nobody_again() {
    let sets = ["evaluate.subset=8"];
    let mut script = Script::new("evoprompt-ga", &sets, (20, 16), 10_000, evoprompt_score);
    while script.state.memory.generations.number() < 1 || script.state.open.is_empty() {
        script.step();
    }
    let population = [15, 16, 11, 9, 8, 7, 6, 5, 12, 13];
    assert_eq!(ids(&script.state.memory.generations.current().unwrap().members), population);
    // The first child of the second generation is 25; 0 to 4, 10 and 14 were judged, and are out.
    let mut expected: Vec<u32> = population.into_iter().chain([25]).collect();
    expected.sort_unstable();
    assert_eq!(ids(&script.search().contenders()), expected);
}

#[test]
fn a_wheel_draws_in_proportion_to_the_score() {
    let sets = ["evaluate.subset=8"];
    let mut script = Script::new("evoprompt-ga", &sets, (20, 16), 10_000, evoprompt_score);
    while script.state.memory.generations.current().is_none() {
        script.step();
    }
    let pool = script.state.memory.generations.current().unwrap().members.clone();
    let draws = 4_000;
    let first = |number: u64| {
        let seed = Seed(2).child("draw", number);
        let pool = Pool { members: &pool, index: 0, count: 2, seed };
        let search = script.search();
        let chosen = search.slots.select.parents(&search, &pool);
        chosen.unwrap().candidates[0].0
    };
    let mut counts = std::collections::BTreeMap::new();
    for number in 0..draws {
        *counts.entry(first(number)).or_insert(0_u32) += 1;
    }
    // 20 + 9 + 8 + 7 + 6 + 5 + 1 + 1 + 1 = 58; 3 standard errors of a share are at most 0.024.
    for (candidate, points) in [(11, 20.0), (9, 9.0), (5, 5.0), (12, 1.0)] {
        let share = f64::from(counts[&candidate]) / draws as f64;
        assert!((share - points / 58.0).abs() < 0.024, "{candidate}: {share}");
    }
    assert_eq!(counts.get(&10), None);
}

#[test]
fn evoprompt_de_lets_each_child_replace_its_own_base_where_it_is_better() {
    // 1 to 3 are induced; 4 and 5 say 3 and 2 in other words; 6 to 9 are the first generation.
    let score = |text: &str, _: Split, _: RowIx| {
        let points = [0, 10, 20, 30, 5, 25, 30, 24, 50, 6];
        f64::from(points.get(number(text) as usize).copied().unwrap_or(0)) / 64.0
    };
    let sets = [
        "init.1.queries=1",
        "init.2.take=2",
        "archive.capacity=4",
        "evaluate.subset=8",
        "stop.when=['generations:2']",
    ];
    let mut script = Script::new("evoprompt-de", &sets, (20, 16), 10_000, score);
    script.run(10_000);
    let populations = populations(&script);
    assert_eq!(populations[0], [3, 5, 2, 4]);
    // As good as its base is not enough (6 against 3), worse is not (7 against 5); 8 beats 2, and 9
    // beats 4, although 7 is better than 9.
    assert_eq!(populations[1], [3, 5, 8, 9]);
    for (generation, best) in [(0, 3), (1, 8)] {
        let children = &applied(&script)[generation];
        assert_eq!(children.len(), 4);
        for (place, draft) in children.iter().enumerate() {
            let parents = ids(&draft.parents);
            assert_eq!(draft.place, Some(place as u16));
            let [base, a, b, top] = parents[..] else { panic!("{parents:?}") };
            assert_eq!(base, populations[generation][place], "in the order of places");
            assert!(a != b && a != base && b != base, "{parents:?}");
            assert!([a, b].iter().all(|donor| populations[generation].contains(donor)));
            // The best of the generation's start: 8 is judged before 9 is drafted.
            assert_eq!(top, best);
        }
    }
    assert_eq!(ended(&script), Some(StopReason::Generations));
}

/// GRIPS: the generation's best child replaces the base if it is better, and two generations in a row
/// without one end the search.
#[test]
fn grips_climbs_from_the_best_and_gives_up_after_two_generations_without_a_gain() {
    // Child 2 is better, child 4 the best of the first generation; nothing after it is.
    let score = |text: &str, _: Split, _: RowIx| match number(text) {
        2 => 0.5,
        4 => 0.75,
        _ => 0.25,
    };
    let mut script = Script::new("grips", &[], (0, 120), 10_000, score);
    script.run(10_000);
    let generations = applied(&script);
    let bases: Vec<Vec<u32>> = generations
        .iter()
        .map(|children| children.iter().map(|draft| draft.parents[0].0).collect())
        .collect();
    let (seed, best) = (vec![0; 5], vec![4; 5]);
    assert_eq!(bases, [seed, best.clone(), best, vec![]]);
    assert_eq!(ended(&script), Some(StopReason::Stalled));
    assert_eq!(winner(&script), 4);
    // 100 of the 120 rows of dev, the same for all.
    assert!(script.state.candidates.iter().all(|standing| standing.dev().scored == 100));
    let mut used: Vec<u16> =
        generations.concat().iter().filter_map(|draft| draft.operator).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, [0, 1], "edits and paraphrases");
}

#[test]
fn grips_ends_after_two_generations_without_any_gain_and_after_ten_of_gains() {
    let never: Scores = |_, _, _| 0.5;
    let mut script = Script::new("grips", &[], (0, 16), 10_000, never);
    script.run(10_000);
    assert_eq!((ended(&script), script.state.candidates.len()), (Some(StopReason::Stalled), 11));
    let always: Scores = |text, _, _| f64::from(number(text)) / 64.0;
    let mut script = Script::new("grips", &[], (0, 16), 10_000, always);
    script.run(10_000);
    assert_eq!(
        (ended(&script), script.state.candidates.len()),
        (Some(StopReason::Generations), 51)
    );
    assert_eq!(winner(&script), 50);
}

/// A small CAPO: 3 are kept, 2 are bred, blocks of 4 rows, at most 3 of them.
fn small_capo(sets: &[&str]) -> Script<Scores> {
    // Right or wrong on the rows of dev, block by block. 1 and 2 are variants of the baseline.
    let score: Scores = |text, split, row| {
        if split == Split::Train {
            return f64::from(row.0 % 2);
        }
        let wrong: &[u32] = match number(text) {
            0 => &[9],
            2 | 6 => &[3],
            3 => &[2, 4, 5, 6, 7],
            4 => &[0, 1, 2, 3],
            _ => &[],
        };
        f64::from(u8::from(!wrong.contains(&row.0)))
    };
    let small = [
        "archive.capacity=3",
        "init.1.take=2",
        "schedule.children=2",
        "evaluate.block=4",
        "evaluate.max_blocks=3",
        "objective.length_penalty=0.0",
        "stop.when=['generations:3']",
    ];
    let sets: Vec<&str> = small.iter().chain(sets).copied().collect();
    let mut script = Script::new("capo", &sets, (6, 14), 10_000, score);
    script.run(10_000);
    script
}

#[test]
fn capo_races_population_and_children_and_asks_no_row_twice() {
    let script = small_capo(&[]);
    // No more take part at first than are kept, so that nothing is asked before the first children.
    let populations = populations(&script);
    assert_eq!(populations, [vec![0, 1, 2], vec![0, 1, 2], vec![0, 1, 5], vec![1, 5, 7]]);
    let rounds: Vec<(u32, u64, u32, Vec<u32>)> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::RoundStarted(round) => {
                Some((round.contest, round.first, round.pulls, ids(&round.candidates)))
            }
            _ => None,
        })
        .collect();
    let expected = [
        // Paired t on 4 rows: 0001 has t = 1 with 3 degrees of freedom, p = 0.1955, which is enough
        // at 0.2. Wrong answers: 2 has row 3, 3 has row 2, 4 has all. 0, 1, 2 and 3 are better than
        // 4; 0 and 1 are better than 2 and than 3, which is not enough for k = 3.
        (1, 0, 4, vec![0, 1, 2, 3, 4]),
        // On 8 rows 3 is beaten by 0, 1 and 2 (difference to 2: 0 0 1 −1 1 1 1 1, t = 1.87).
        (1, 4, 4, vec![0, 1, 2, 3]),
        // 2 and 6 are both wrong on row 3, where 0, 1 and 5 are right: both are out at once, and
        // with them a member of the population.
        (2, 0, 4, vec![0, 1, 2, 5, 6]),
        // All are alike until the last block, in which the baseline is wrong once: t = 1 with 11 degrees
        // of freedom, p = 0.17, against four others. Of these the last one is one too many.
        (3, 0, 4, vec![0, 1, 5, 7, 8]),
        (3, 4, 4, vec![0, 1, 5, 7, 8]),
        (3, 8, 4, vec![0, 1, 5, 7, 8]),
    ];
    assert_eq!(rounds, expected);
    // The baseline leads, being the eldest of equals, until the last block; 1 is known by 8 rows then.
    assert_eq!(script.state.incumbents.iter().map(|(c, _)| c.0).collect::<Vec<_>>(), [0, 1]);
    let expected = [
        (4, Dropped::Beaten { by: 4, rows: 4 }),
        (3, Dropped::Beaten { by: 3, rows: 8 }),
        (2, Dropped::Beaten { by: 3, rows: 4 }),
        (6, Dropped::Beaten { by: 3, rows: 4 }),
        (0, Dropped::Beaten { by: 4, rows: 12 }),
        (8, Dropped::Outranked { mean: 1.0 }),
    ];
    assert_eq!(script.dropped(), expected);
    // Only rows that somebody has not answered yet are asked: 5 has one block when the third race
    // begins, 0 and 1 have two.
    let asked: Vec<u32> = script
        .blocks()
        .into_iter()
        .filter(|(_, split, ..)| *split == Split::Dev)
        .inspect(|(_, _, replicate, rows)| assert_eq!((*replicate, *rows), (0, 4)))
        .map(|(candidate, ..)| candidate)
        .collect();
    assert_eq!(asked, [0, 1, 2, 3, 4, 0, 1, 2, 3, 5, 6, 7, 8, 5, 7, 8, 0, 1, 5, 7, 8]);
    assert_eq!(ended(&script), Some(StopReason::Generations));
    // All of the last survivors are right everywhere; the eldest wins.
    assert_eq!(ids(script.state.memory.contests.survivors()), [1, 5, 7]);
    assert_eq!(winner(&script), 1);
}

#[test]
fn capo_crosses_two_and_mutates_what_comes_of_it() {
    let script = small_capo(&[]);
    for children in applied(&script).iter().take(3) {
        assert_eq!(children.len(), 2);
        for draft in children {
            let parents = ids(&draft.parents);
            assert_eq!(parents.len(), 2);
            assert_ne!(parents[0], parents[1]);
        }
    }
    let steps: Vec<u8> =
        drafts(&script).iter().filter(|draft| draft.operator.is_some()).map(|d| d.step).collect();
    assert_eq!(steps, [0, 1].repeat(6), "a crossover, then its mutation");
}

#[test]
fn capo_shows_the_baseline_s_own_right_answers_and_else_the_expected_ones() {
    let mut found = (0, 0);
    for max in [3, 5] {
        let (shots, most) =
            (format!("init.1.shots.max={max}"), format!("operator.0.max_shots={max}"));
        let script = small_capo(&[&shots, &most]);
        let column = script.state.baseline().column(Split::Train, 0);
        for (_, standing) in script.state.numbered().skip(1) {
            let demos = &standing.candidate.demos;
            assert!(demos.len() <= max);
            let rows: BTreeSet<RowIx> = demos.iter().map(|demo| demo.row).collect();
            assert_eq!(rows.len(), demos.len(), "no row twice");
            for demo in demos {
                // It is right on the odd rows.
                assert!(column.cell(demo.row).score().is_some(), "the seed was asked");
                assert_eq!(demo.answer.is_some(), demo.row.0 % 2 == 1);
                if demo.answer.is_some() { found.0 += 1 } else { found.1 += 1 }
            }
        }
        // Each row is asked once, and before the request that it is for.
        let asked: usize = script
            .blocks()
            .into_iter()
            .filter(|(_, split, ..)| *split == Split::Train)
            .map(|(candidate, _, _, rows)| {
                assert_eq!(candidate, 0);
                rows
            })
            .sum();
        assert_eq!(asked, column.cells().iter().filter(|cell| cell.score().is_some()).count());
    }
    assert!(found.0 > 0 && found.1 > 0, "both kinds: {found:?}");
}

#[test]
fn capo_gives_a_child_half_of_its_parents_demonstrations_and_one_more_or_less() {
    let script = small_capo(&["stop.when=['generations:12']", "init.1.shots.min=5"]);
    let demos = |candidate: CandidateIx| &script.state.standing(candidate).candidate.demos;
    let mut changes = BTreeSet::new();
    for draft in applied(&script).concat() {
        let sizes: usize = draft.parents.iter().map(|parent| demos(*parent).len()).sum();
        let union: BTreeSet<RowIx> =
            draft.parents.iter().flat_map(|p| demos(*p)).map(|demo| demo.row).collect();
        let half = union.len().min(sizes / 2);
        let now = draft.demos.as_ref().unwrap().len();
        let change = now as i64 - half as i64;
        assert!((-1..=1).contains(&change) && now <= 5, "{sizes} became {now}");
        changes.insert(change);
    }
    assert_eq!(changes, BTreeSet::from([-1, 0, 1]));
}

/// A race over a pool of four that is made once: one is left.
fn pool_race(sets: &[&str], dev: u32, score: Scores) -> Script<Scores> {
    let race = "evaluate={kind='race_all',block=4,max_blocks=3}";
    let fixed = [race, "init=[{kind='baseline'},{kind='paraphrase',take=3}]"];
    let sets: Vec<&str> = fixed.iter().chain(sets).copied().collect();
    let mut script = Script::new("triple-sh", &sets, (6, dev), 10_000, score);
    script.run(10_000);
    script
}

#[test]
fn a_race_over_a_pool_leaves_one_as_soon_as_each_test_is_sure() {
    // Only 2 is right, always. t: all differences are 1, p = 0. Sign: 1/16 after 4 rows. E-process:
    // the mean of (1 + λ)⁴ is 3.5, that of (1 + λ)⁸ is 18.6; 5 is needed. Bernstein without variance:
    // 3·exp(−n/6) falls under 0.2 after 17 rows. Bayes: z = 4.5 after 4 rows.
    let score: Scores = |text, _, _| f64::from(u8::from(number(text) == 2));
    for (test, rows) in
        [("paired_t", 4), ("sign", 4), ("e_process", 8), ("bernstein", 20), ("bayes", 4)]
    {
        let test = format!("evaluate.test={test}");
        let script = pool_race(&[&test, "evaluate.max_blocks=10"], 40, score);
        let beaten = Dropped::Beaten { by: 1, rows };
        let expected = [0, 1, 3].map(|candidate| (candidate, beaten.clone()));
        assert_eq!(script.dropped(), expected, "{test}");
        assert_eq!(winner(&script), 2);
        assert_eq!(ended(&script), Some(StopReason::PoolDone));
    }
}

#[test]
fn a_race_penalises_length_and_keeps_as_many_as_the_archive_holds() {
    let alike: Scores = |_, _, _| 1.0;
    let means = |script: &Script<Scores>| -> Vec<(u32, Dropped)> { script.dropped() };
    // Nothing tells them apart: the race takes all of its blocks, and the eldest is left.
    let script = pool_race(&[], 40, alike);
    let outranked = |candidate| (candidate, Dropped::Outranked { mean: 1.0 });
    assert_eq!(means(&script), [outranked(1), outranked(2), outranked(3)]);
    assert_eq!(script.state.standing(CandidateIx(1)).dev().scored, 12);
    // `seed` is shorter than `child 1`: with a penalty all differences are equal and above 0.
    let script = pool_race(&["objective.length_penalty=0.05"], 40, alike);
    let beaten = |candidate| (candidate, Dropped::Beaten { by: 1, rows: 4 });
    assert_eq!(means(&script), [beaten(1), beaten(2), beaten(3)]);
    // Dev may have fewer rows than the blocks would take, and the last block be shorter.
    let script = pool_race(&["archive={kind='top_k',capacity=3}"], 6, alike);
    assert_eq!(means(&script), [outranked(3)]);
    assert_eq!(ids(script.state.memory.contests.survivors()), [0, 1, 2]);
    let rows: Vec<usize> = script.blocks().into_iter().map(|(.., rows)| rows).collect();
    assert_eq!(rows, [4, 4, 4, 4, 2, 2, 2, 2]);
}

#[test]
fn a_pool_may_leave_the_baseline_out() {
    let score: Scores = |text, _, _| f64::from(u8::from(number(text) == 2));
    let script = pool_race(&["init=[{kind='paraphrase',take=3}]"], 40, score);
    assert_eq!(script.state.baseline().dev().issued, 0);
    assert_eq!(winner(&script), 2);
}

#[test]
fn an_interrupted_race_returns_what_the_last_one_left_or_compares_on_common_rows() {
    let score: Scores = |text, _, row| match (number(text), row.0) {
        (0, 0..4) => 0.65,
        (0, 4..8) => 1.0,
        (0, _) => 0.0,
        (3, _) => 0.7,
        // 0.6 on average, and unsteady, so that no test is sure of it.
        (_, row) => [1.0, 0.2][row as usize % 2],
    };
    let sets = [
        "archive.capacity=2",
        "init.1.take=1",
        "schedule.children=2",
        "evaluate.block=4",
        "evaluate.max_blocks=5",
        "evaluate.alpha=0.001",
        "objective.length_penalty=0.0",
    ];
    let stop_in = |contest: u32, first: u64| {
        let mut script = Script::new("capo", &sets, (6, 20), 10_000, score);
        let is_there = |script: &Script<Scores>| {
            let round = script.state.memory.contests.round();
            round.is_some_and(|round| (round.contest, round.first) == (contest, first))
        };
        while !is_there(&script) {
            script.step();
        }
        // The first of them gets its rows, the others do not.
        script.step();
        script.record(Event::SearchEnded { reason: StopReason::BudgetCalls });
        winner(&script)
    };
    // Nobody has been raced yet: the first population was never asked.
    assert_eq!(stop_in(1, 0), 0);
    // After one block 3 leads with 0.70 against 0.65; the baseline's second block, which would bring it
    // to 0.83, is not common yet.
    assert_eq!(stop_in(1, 4), 3);
    // In the first block of the next race, whoever the last one left first.
    assert_eq!(stop_in(2, 0), 3);
}
