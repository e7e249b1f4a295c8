//! GEPA's parts and merges, PromptBreeder, islands and MAP-Elites.

use super::*;
use crate::event::Draft;
use crate::id::MutatorIx;

// ── prompts of several parts ──────────────────────────────────────────────────────────────────

/// A prompt of two searched parts; `system` says for the score what they hold.
fn pair(a: &str, b: &str) -> Prompt {
    let part = |name: &str, text: &str| Part { name: name.into(), text: text.into() };
    Prompt::new(vec![part("system", &format!("{a} {b}")), part("a", a), part("b", b)])
}

fn texts(prompt: &Prompt) -> (&str, &str) {
    (prompt.part("a").unwrap(), prompt.part("b").unwrap())
}

/// As `Script::new`, with a prompt of two parts.
fn of_two_parts<S: Fn(&str, Split, RowIx) -> f64>(
    name: &str,
    sets: &[&str],
    (train, dev): (u32, u32),
    score: S,
) -> Script<S> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let recipe = recipe::load(name, &sets).unwrap();
    let goal = Goal::max_quality();
    let searched = Searched { texts: 2, demos: false };
    let strategy = Composed::new(recipe.phases(), goal, train, searched, Seed(1));
    let state = State::new(dev);
    let (events, texts, rollouts) = (Vec::new(), Vec::new(), 1_000_000);
    let (refuses, nanos): (_, fn(CandidateIx, RowIx) -> u64) = (None, |_, _| 1_000);
    let mut script = Script {
        measured: |_, _| Vec::new(),
        said: |_, _, _| None,
        weight: |_| 1.0,
        recipe,
        strategy,
        state,
        events,
        score,
        rollouts,
        texts,
        refuses,
        nanos,
    };
    let baseline = Candidate::baseline(pair("a", "b"));
    script.record(Event::Started { at: jiff::Timestamp::UNIX_EPOCH, baseline });
    script
}

/// A step in which a reply changes the parts that it was asked for, and a merge takes what each
/// parent changed.
fn step_of_two_parts<S: Fn(&str, Split, RowIx) -> f64>(script: &mut Script<S>) -> bool {
    let mark = format!("+{}", script.state.candidates.len());
    let prompt = |script: &Script<S>, candidate: CandidateIx| {
        script.state.standing(candidate).candidate.prompt.clone()
    };
    let child = |draft: &Draft, prompt: Prompt, gate| {
        let candidate = Candidate {
            id: prompt.id(),
            prompt,
            parents: draft.parents.iter().copied().take(2).collect(),
            demos: Vec::new(),
            gene: None,
            repairs: Vec::new(),
            operator: "scripted".to_owned(),
            origin: Origin::Proposal(draft.proposal),
        };
        ProposalOutcome::Added { candidate, gate }
    };
    match script.plans().into_iter().next() {
        Some(Plan::Propose { proposal, shown }) => {
            let draft = script.state.drafts[&proposal].clone();
            let (call, reserve) = (script.state.next_call, Amount::ZERO);
            let rows = shown.clone();
            script.record(Event::ProposalIssued { proposal, call, rows, reserve });
            let parent = prompt(script, draft.parents[0]);
            let (a, b) = texts(&parent);
            let new = match draft.part {
                Some(0) => pair(&format!("{a}{mark}"), b),
                Some(_) => pair(a, &format!("{b}{mark}")),
                None => pair(&format!("{a}{mark}"), &format!("{b}{mark}")),
            };
            let gate = script.strategy.gate(&script.state, &draft, &shown);
            script.record(Event::ProposalFolded { call, outcome: child(&draft, new, gate) });
            true
        }
        Some(Plan::Compose(draft)) => {
            let [first, second, ancestor] = draft.parents[..] else { panic!("no merge") };
            let of = [first, second, ancestor].map(|candidate| prompt(script, candidate));
            let [(a, b), (other_a, other_b), (old_a, old_b)] = of.each_ref().map(texts);
            let taken = |mine, theirs, old| if mine == old { theirs } else { mine };
            let new = pair(taken(a, other_a, old_a), taken(b, other_b, old_b));
            let gate = script.strategy.gate(&script.state, &draft, &[]);
            let (proposal, outcome) = (draft.proposal, child(&draft, new, gate));
            script.record(Event::CandidateComposed { proposal, outcome });
            true
        }
        _ => script.step(),
    }
}

/// Operator, parents and part of each draft.
fn drafted(events: &[Event]) -> Vec<(u16, Vec<u32>, Option<u16>)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::ProposalDrafted(draft) => {
                let parents = draft.parents.iter().map(|parent| parent.0).collect();
                Some((draft.operator?, parents, draft.part))
            }
            _ => None,
        })
        .collect()
}

// ── gepa, gepa-merge ──────────────────────────────────────────────────────────────────────────

/// A better `a` helps on the first half of six rows, a better `b` on the second; either alone harms
/// one row of the other half, so that no line dominates the other. Both together: `both`.
fn halves(both: f64) -> impl Fn(&str, Split, RowIx) -> f64 {
    move |text: &str, split: Split, row: RowIx| {
        let (a, b) = text.split_once(' ').unwrap();
        match (a.contains('+'), b.contains('+'), split, row.0) {
            (false, false, ..) => 0.4,
            (true, true, Split::Dev, _) => both,
            (_, _, Split::Train, _) => 1.0,
            (true, false, _, 0..3) | (false, true, _, 3..6) => 1.0,
            (true, false, _, 5) | (false, true, _, 0) => 0.2,
            _ => 0.4,
        }
    }
}

/// The definition (arXiv:2507.19457, algorithm 1, and the appendix on merge), with the baseline as the only
/// parent: all of dev for the baseline; its minibatch, and the child on the same rows; all of dev for the
/// child that beats it. After each child that was tried in full, one attempt at a merge: two of the
/// front of which neither is the other's ancestor, over an ancestor from which exactly one of them
/// changed some part; on five rows of dev the child must reach the better one's sum.
#[test]
fn gepa_merges_two_lines_after_a_child_was_tried_in_full() {
    let mut script = of_two_parts("gepa-merge", &["select.kind=baseline"], (6, 6), halves(1.0));
    while drafted(&script.events).len() < 4 {
        assert!(step_of_two_parts(&mut script));
    }
    // `a` first, then `b`: parts take turns. Child 1 has nobody to be merged with, since the baseline is
    // its ancestor; child 2 has. After a merge there is none.
    let drafts = drafted(&script.events);
    assert_eq!(drafts[0], (0, vec![0], Some(0)));
    assert_eq!(drafts[1], (0, vec![0], Some(1)));
    assert!([vec![1, 2, 0], vec![2, 1, 0]].contains(&drafts[2].1), "{drafts:?}");
    assert_eq!((drafts[2].0, drafts[2].2), (1, None));
    assert_eq!(drafts[3], (0, vec![0], Some(0)));
    let (train, dev) = (Split::Train, Split::Dev);
    let child = |number| [(0, train, 0, 3), (number, train, 0, 3), (number, dev, 0, 6)];
    let expected = [&[(0, dev, 0, 6)][..], &child(1), &child(2), &[(3, dev, 0, 5), (3, dev, 0, 1)]];
    assert_eq!(script.blocks(), expected.concat());
    // Each is better on three of the six rows, so that five rows hold three of the one and two of the
    // other, whichever they are: two of each, and one of the rest.
    let gate = script.state.standing(CandidateIx(3)).gate.clone().unwrap();
    assert!(gate.inclusive);
    let first_half = gate.rows.iter().filter(|row| row.0 < 3).count();
    assert!([2, 3].contains(&first_half), "{gate:?}");
    let merged = script.state.standing(CandidateIx(3));
    assert_eq!(texts(&merged.candidate.prompt), ("a+1", "b+2"));
    assert_eq!(script.state.incumbent, CandidateIx(3));
}

#[test]
fn a_merge_that_its_gate_refuses_does_not_count_and_is_not_made_again() {
    let sets = ["select.kind=baseline", "operator.1.max_uses=1"];
    let mut script = of_two_parts("gepa-merge", &sets, (6, 6), halves(0.1));
    while drafted(&script.events).len() < 12 {
        assert!(step_of_two_parts(&mut script));
    }
    let merges: Vec<Vec<u32>> = drafted(&script.events)
        .into_iter()
        .filter(|(operator, ..)| *operator == 1)
        .map(|(_, mut parents, _)| {
            parents[..2].sort_unstable();
            parents
        })
        .collect();
    assert!(merges.len() > 2, "refused ones do not count: {merges:?}");
    let mut distinct = merges.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), merges.len(), "{merges:?}");
    let refused = script.dropped().into_iter().filter(|(_, why)| {
        // Five rows at 0.1 against at least three of 1.
        matches!(why, Dropped::Gate { sum, needed } if (sum - 0.5).abs() < 1e-6 && *needed >= 3.0)
    });
    assert_eq!(refused.count(), merges.len());

    // Where they pass, there is one and no more.
    let mut script = of_two_parts("gepa-merge", &sets, (6, 6), halves(1.0));
    while drafted(&script.events).len() < 12 {
        assert!(step_of_two_parts(&mut script));
    }
    let merges = drafted(&script.events).into_iter().filter(|(operator, ..)| *operator == 1);
    assert_eq!(merges.count(), 1);
}

#[test]
fn gepa_never_merges_and_a_child_goes_on_with_the_part_after_its_parents() {
    // Each change helps on every row.
    let score =
        |text: &str, _: Split, _: RowIx| 1.0 - 0.8_f64.powi(text.matches('+').count() as i32);
    let mut script = of_two_parts("gepa", &[], (6, 6), score);
    while script.state.candidates.len() < 5 {
        assert!(step_of_two_parts(&mut script));
    }
    let drafts = drafted(&script.events);
    assert!(drafts.iter().all(|(operator, ..)| *operator == 0), "{drafts:?}");
    // The part is the number of changes in the line of descent and of the parent itself before.
    let mut changes: Vec<u32> = vec![0];
    let mut born = script.state.candidates.iter().skip(1);
    for (_, parents, part) in drafts {
        let parent = parents[0] as usize;
        assert_eq!(u32::from(part.unwrap()), changes[parent] % 2);
        changes[parent] += 1;
        if born.next().is_some() {
            changes.push(changes[parent]);
        }
    }
}

// ── promptbreeder ─────────────────────────────────────────────────────────────────────────────

/// Populations by generation.
fn populations<S>(script: &Script<S>) -> Vec<Vec<CandidateIx>> {
    script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::GenerationStarted(generation) => Some(generation.members.clone()),
            _ => None,
        })
        .collect()
}

/// A smaller population; each text has a score of its own, which falls and rises over births.
fn breeder(sets: &[&str]) -> Script<impl Fn(&str, Split, RowIx) -> f64> {
    // The baseline is better than anyone, and in no population.
    let score = |text: &str, _: Split, _: RowIx| match text {
        "seed" => 1.0,
        _ => f64::from(number(text) * 37 % 101) / 101.0,
    };
    let small = ["init.0.take=6", "archive.capacity=6", "schedule.children=3", "evaluate.subset=4"];
    Script::new("promptbreeder", &[&small, sets].concat(), (12, 10), 1_000_000, score)
}

/// The definition (arXiv:2309.16797, section 3): the population is paired at random; of each pair the
/// fitter one is mutated, and its child overwrites the other; nothing else changes.
#[test]
fn promptbreeders_losers_are_overwritten_by_children_of_their_winners() {
    let mut script = breeder(&[]);
    script.run(100_000);
    let populations = populations(&script);
    // Twenty are bred; the twenty-first is where it ends.
    assert_eq!(populations.len(), 21);
    let ended = Event::SearchEnded { reason: StopReason::Generations };
    assert!(script.events.contains(&ended));
    // The first population is what `init` brought, best first: 37 n mod 101 for n = 1..=6.
    let first: Vec<u32> = populations[0].iter().map(|member| member.0).collect();
    assert_eq!(first, [5, 2, 4, 1, 6, 3]);

    let fitness = |candidate: CandidateIx| script.state.standing(candidate).dev().mean().unwrap();
    let mut pairings: Vec<Vec<(u32, u32)>> = Vec::new();
    for (generation, population) in populations.iter().enumerate().take(20) {
        let started = |event: &Event| match event {
            Event::GenerationStarted(started) => started.number as usize == generation,
            _ => false,
        };
        let from = script.events.iter().position(started).unwrap();
        let bred: Vec<&Draft> = script.events[from + 1..]
            .iter()
            .take_while(|event| !matches!(event, Event::GenerationStarted(_)))
            .filter_map(|event| match event {
                Event::ProposalDrafted(draft) if draft.step == 0 => Some(draft),
                _ => None,
            })
            .collect();
        assert_eq!(bred.len(), 3, "generation {generation}");
        let mut met: Vec<CandidateIx> = Vec::new();
        let mut next = population.clone();
        let mut pairs = Vec::new();
        for draft in bred {
            let (winner, place) = (draft.parents[0], usize::from(draft.place.unwrap()));
            let loser = population[place];
            assert!(fitness(winner) >= fitness(loser));
            met.extend([winner, loser]);
            pairs.push((winner.0.min(loser.0), winner.0.max(loser.0)));
            let child = script.state.numbered().find(|(candidate, _)| {
                let birth = script.state.memory.births.of(*candidate);
                birth.generation as usize == generation + 1 && birth.place == Some(place as u16)
            });
            next[place] = child.unwrap().0;
        }
        let mut all = population.clone();
        met.sort();
        all.sort();
        assert_eq!(met, all, "everybody meets one other");
        assert_eq!(populations[generation + 1], next);
        pairs.sort_unstable();
        pairings.push(pairs);
    }
    // Each is tried on its own four rows of ten.
    let rows = |candidate: u32| -> Vec<RowIx> {
        let blocks = script.events.iter().filter_map(|event| match event {
            Event::EvaluationIssued(block)
                if block.candidate.0 == candidate && block.split == Split::Dev =>
            {
                Some(block.rows.clone())
            }
            _ => None,
        });
        let mut rows: Vec<RowIx> = blocks.flatten().collect();
        rows.sort();
        rows
    };
    let drawn: Vec<Vec<RowIx>> = (1..=30).map(rows).collect();
    assert!(drawn.iter().all(|rows| rows.len() == 4), "{drawn:?}");
    let mut distinct = drawn.clone();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() > 15, "{} of 30", distinct.len());
}

#[test]
fn promptbreeder_draws_each_of_nine_operators_alike_and_crosses_a_tenth_of_the_children() {
    let sets = ["stop.when=['generations:300']"];
    let mut script = breeder(&sets);
    script.run(1_000_000);
    let mut counts = [0; 10];
    let mut crossed = 0;
    for event in &script.events {
        if let Event::ProposalDrafted(draft) = event
            && draft.step == 0
            && let Some(operator) = draft.operator
        {
            counts[usize::from(operator)] += 1;
            crossed += u32::from(draft.mate.is_some());
        }
    }
    // 900 uses: 100 for each of nine, with a standard deviation of 9.4; some of those without an
    // elite in their line go from `lineage` to the others.
    assert!(counts[..9].iter().all(|count| (65..=140).contains(count)), "{counts:?}");
    // The tenth is never used by itself; and one part cannot be crossed.
    assert_eq!((counts[9], crossed), (0, 0));

    // A search of two parts, without demonstrations: eight operators, and a tenth is crossed.
    let score = |text: &str, _: Split, _: RowIx| 0.3 + (text.len() % 7) as f64 / 10.0;
    let small = ["init.0.take=6", "archive.capacity=6", "schedule.children=3", "evaluate.subset=4"];
    let mut script = of_two_parts("promptbreeder", &[&small[..], &sets].concat(), (12, 10), score);
    while script.state.memory.generations.number() < 300 {
        assert!(step_of_two_parts(&mut script));
    }
    let (mut crossed, mut with_itself) = (0, 0);
    for event in &script.events {
        if let Event::ProposalDrafted(draft) = event
            && draft.step == 0
        {
            assert_ne!(draft.operator, Some(8), "no demonstrations to shuffle");
            crossed += u32::from(draft.mate.is_some());
            let parent = draft.parents[0];
            with_itself += u32::from(draft.mate.is_some_and(|mate| mate.candidate == parent));
        }
    }
    // 90 of 900, with a standard deviation of 9.
    assert!((60..=120).contains(&crossed) && with_itself == 0, "{crossed} {with_itself}");
}

/// The Lamarckian operator needs right answers, so the winner is run on training rows until it gave
/// one; where it gives none, the expected answers have to do.
#[test]
fn promptbreeder_looks_for_a_right_answer_of_the_winner() {
    let only_induce: Vec<String> =
        (0..9).map(|place| format!("operator.{place}.weight={}", f64::from(place == 7))).collect();
    let sets: Vec<&str> =
        only_induce.iter().map(String::as_str).chain(["operator.7.demos=2"]).collect();
    for right in [true, false] {
        let score = move |text: &str, split: Split, row: RowIx| match split {
            Split::Train => f64::from(u8::from(right && row.0.is_multiple_of(4))),
            _ => f64::from(number(text) * 37 % 101) / 101.0,
        };
        let small = ["init.0.take=6", "archive.capacity=6", "evaluate.subset=4"];
        let mut script =
            Script::new("promptbreeder", &[&small[..], &sets].concat(), (40, 10), 1_000_000, score);
        while script.state.memory.generations.number() < 2 {
            assert!(script.step());
        }
        let shown: Vec<&Vec<crate::event::Shown>> = script
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ProposalIssued { rows, .. } if !rows.is_empty() => Some(rows),
                _ => None,
            })
            .collect();
        assert_eq!(shown.len(), 6, "three children in each of two generations");
        for rows in shown {
            // Of eight rows two are right, as a rule; else there are fewer.
            assert!(rows.len() <= 2 && !rows.is_empty());
            for shown in rows {
                assert_eq!(shown.replicate, right.then_some(0), "{rows:?}");
                assert!(!right || shown.row.0 % 4 == 0);
            }
        }
        let train = script.blocks().into_iter().filter(|(_, split, ..)| *split == Split::Train);
        let per_winner = train.fold(std::collections::BTreeMap::new(), |mut asked, block| {
            *asked.entry(block.0).or_insert(0) += block.3;
            asked
        });
        assert!(per_winner.values().all(|rows| *rows <= 8), "{per_winner:?}");
    }
}

// ── operators by what they brought ────────────────────────────────────────────────────────────

/// A use pays for its evidence, its request, and all rows of its child: 3 + 3 at a gate, and all of dev
/// behind it.
#[test]
fn a_use_of_an_operator_is_told_with_its_gain_and_its_cost() {
    let score = |text: &str, split: Split, _: RowIx| match (number(text), split) {
        (1, _) => 0.2,
        (2, _) => 0.9,
        (_, Split::Dev) => 0.4,
        _ => 0.5,
    };
    let mut script = Script::new("gepa", &[], (6, 8), 1_000, score);
    while script.state.memory.gains.results().len() < 2 {
        assert!(script.step());
    }
    let [first, second] = script.state.memory.gains.results() else { panic!("two are over") };
    // Dropped at its gate: (3 × 0.2 − 3 × 0.5) / 3 against its parent, which is the baseline.
    assert!((first.over_parent + 0.3).abs() < 1e-6 && (first.over_baseline + 0.3).abs() < 1e-6);
    assert_eq!((first.operator, first.chance), (0, None));
    assert!((second.over_parent - 0.5).abs() < 1e-6);
    // Each answer cost less than its 11 tokens count at least.
    let near = |usd: f64, calls: f64| {
        (usd - calls * 11.0 * crate::ledger::LEAST_USD_PER_TOKEN).abs() < 1e-12
    };
    assert!(near(first.usd, 6.0) && near(second.usd, 14.0));
}

#[test]
fn each_way_to_learn_leaves_what_brings_nothing() {
    // Children of the first operator gain, those of the second lose.
    let operators =
        "operator=[{kind='mutate_text', temperature=0.5}, {kind='paraphrase', temperature=0.5}]";
    for choose in ["thompson", "ucb"] {
        let sets = [operators, "select.kind='baseline'", &format!("choose.kind='{choose}'")];
        let mut script = Script::new("random", &sets, (4, 8), 1_000_000, |_: &str, _, _| 0.5);
        let mut uses = [0, 0];
        for _ in 0..20_000 {
            // The score follows from who wrote the text.
            let births = &script.state.memory.births;
            let kinds: Vec<Option<u16>> = script
                .state
                .numbered()
                .map(|(candidate, _)| births.of(candidate).operator)
                .collect();
            let Some(plan) = script.plans().into_iter().next() else { break };
            if let Plan::Evaluate { candidate, split, replicate, rows } = plan {
                let gain = match kinds[candidate.index()] {
                    Some(0) => 0.2,
                    Some(_) => -0.2,
                    None => 0.0,
                };
                evaluate_at(&mut script, candidate, split, replicate, rows, 0.5 + gain);
            } else {
                script.step();
            }
            if let Some(Event::ProposalDrafted(draft)) = script.events.last() {
                let chance = draft.chance.unwrap();
                assert!(chance > 0.0 && chance <= 1.0, "{choose}: {chance}");
                uses[usize::from(draft.operator.unwrap())] += 1;
            }
            if uses[0] + uses[1] == 150 {
                break;
            }
        }
        // Exponential weights are the slowest, and nobody is ever shut out.
        assert!(2 * uses[0] > 3 * uses[1] && uses[1] > 0, "{choose}: {uses:?}");
    }
}

#[test]
fn the_mutator_that_brings_most_per_dollar_is_drawn_most() {
    // Children of the first mutator gain, those of the second lose.
    for (model, least) in [("thompson", 3), ("ucb", 3), ("fixed", 0)] {
        let operators = "operator=[{kind='mutate_text', temperature=0.5}]";
        let sets = [operators, "select.kind='baseline'", &format!("model.kind='{model}'")];
        let mut script = Script::new("random", &sets, (4, 8), 1_000_000, |_: &str, _, _| 0.5);
        script.strategy = script.strategy.with_mutators(vec![1.0, 1.0]);
        // Who wrote each candidate, and how often each was asked.
        let (mut writers, mut uses) = (vec![None], [0_u32, 0]);
        while uses[0] + uses[1] < 150 {
            let Some(plan) = script.plans().into_iter().next() else { break };
            match plan {
                Plan::Evaluate { candidate, split, replicate, rows } => {
                    let score = match writers[candidate.index()] {
                        Some(MutatorIx::FIRST) => 0.7,
                        Some(_) => 0.3,
                        None => 0.5,
                    };
                    evaluate_at(&mut script, candidate, split, replicate, rows, score);
                }
                Plan::Propose { proposal, .. } => {
                    let mutator = script.state.drafts[&proposal].mutator;
                    uses[mutator.index()] += 1;
                    script.step();
                    writers.resize(script.state.candidates.len(), Some(mutator));
                }
                _ => {
                    script.step();
                }
            }
        }
        // Each keeps a chance, and without learning both are asked equally often.
        assert!(uses[0] > least * uses[1] && uses[1] > 0, "{model}: {uses:?}");
        assert!(least > 0 || uses[0].abs_diff(uses[1]) < 50, "{model}: {uses:?}");
    }
}

#[test]
fn weights_count_and_a_later_step_asks_the_mutator_of_the_first() {
    let mut script = Script::new("protegi", &[], (40, 8), 1_000_000, |_: &str, _, _| 0.5);
    script.strategy = script.strategy.with_mutators(vec![9.0, 1.0]);
    let mut drafts: Vec<Draft> = Vec::new();
    for _ in 0..4_000 {
        if !script.step() {
            break;
        }
        if let Some(Event::ProposalDrafted(draft)) = script.events.last() {
            drafts.push(draft.clone());
        }
    }
    let first_steps = || drafts.iter().filter(|draft| draft.from.is_none());
    let of_second = first_steps().filter(|draft| draft.mutator == MutatorIx(1)).count();
    assert!(of_second > 0 && 3 * of_second < first_steps().count(), "{of_second}");
    let mut later = 0;
    for draft in &drafts {
        if let Some(source) = draft.from {
            let first = drafts.iter().find(|first| first.proposal == source.proposal).unwrap();
            assert_eq!(draft.mutator, first.mutator);
            later += 1;
        }
    }
    assert!(later > 10, "{later}");
}

/// `local_edit` asks no model: another mutator than the first would be drawn for one half of its drafts.
#[test]
fn no_mutator_is_drawn_for_what_asks_no_model() {
    let operators = "operator=[{kind='mutate_text'}, {kind='local_edit'}]";
    let mut script = Script::new("random", &[operators], (8, 8), 1_000_000, |_: &str, _, _| 0.5);
    script.strategy = script.strategy.with_mutators(vec![1.0, 1.0]);
    let (mut asked, mut unasked) = (Vec::new(), Vec::new());
    for _ in 0..600 {
        if !script.step() {
            break;
        }
        if let Some(Event::ProposalDrafted(draft)) = script.events.last() {
            let of_kind = if draft.operator == Some(1) { &mut unasked } else { &mut asked };
            of_kind.push(draft.mutator);
        }
    }
    let second = MutatorIx(1);
    assert!(asked.len() > 10 && asked.contains(&second), "{asked:?}");
    assert!(unasked.len() > 10 && !unasked.contains(&second), "{unasked:?}");
    let asked_in_all: u64 =
        [MutatorIx::FIRST, second].map(|one| script.state.memory.mutators.asked(one)).iter().sum();
    assert!(asked_in_all <= asked.len() as u64, "{asked_in_all}");
}

/// All rows of a block at one score.
fn evaluate_at<S: Fn(&str, Split, RowIx) -> f64>(
    script: &mut Script<S>,
    candidate: CandidateIx,
    split: Split,
    replicate: u16,
    rows: Vec<RowIx>,
    score: f64,
) {
    let first = script.state.next_call;
    let count = rows.len() as u64;
    let (reserve, cached) = (Amount::ZERO, Vec::new());
    let block = Block { first, candidate, split, replicate, rows, reserve, cached, judging: None };
    script.record(Event::EvaluationIssued(block));
    for offset in 0..count {
        let outcome = RowOutcome::scored(Score::new(score).unwrap(), false);
        let call = Call(first.0 + offset);
        script.record(Event::Answered(answer(call)));
        script.record(Event::EvaluationFolded { call, outcome });
    }
}

// ── shinka-islands ────────────────────────────────────────────────────────────────────────────

/// As `Script::step`, with a mutator whose replies are nothing new where `refused` says so.
fn step_with_refusals<S: Fn(&str, Split, RowIx) -> f64>(
    script: &mut Script<S>,
    refused: impl Fn(&Draft) -> bool,
) -> bool {
    if let Some(Plan::Propose { proposal, shown }) = script.plans().into_iter().next()
        && refused(&script.state.drafts[&proposal])
    {
        let (call, reserve) = (script.state.next_call, Amount::ZERO);
        script.record(Event::ProposalIssued { proposal, call, rows: shown, reserve });
        let reason = crate::event::Rejection::Novelty;
        let outcome = ProposalOutcome::Rejected { reason, detail: String::new() };
        script.record(Event::ProposalFolded { call, outcome });
        return true;
    }
    script.step()
}

fn drafts<S>(script: &Script<S>) -> Vec<Draft> {
    let drafts = script.events.iter().filter_map(|event| match event {
        Event::ProposalDrafted(draft) => Some(draft.clone()),
        _ => None,
    });
    drafts.collect()
}

fn climbing(text: &str, _: Split, row: RowIx) -> f64 {
    f64::from((number(text) * 7 + row.0) % 19) / 19.0
}

/// Whatever is refused, and however often: uses go round the islands, so that no island is ever ahead of
/// another by more than one.
#[test]
fn every_island_gets_its_share() {
    for (count, every) in [(2, 2_u32), (3, 3), (5, 7)] {
        let sets = [&*format!("archive.count={count}"), "select.kind=uniform"];
        let mut script = Script::new("shinka-islands", &sets, (8, 8), 1_000_000, climbing);
        let mut uses = vec![0_u32; count];
        while script.state.next_proposal.0 < 200 {
            let refused = |draft: &Draft| draft.proposal.0.is_multiple_of(every);
            assert!(step_with_refusals(&mut script, refused));
            if let Some(Event::ProposalDrafted(draft)) = script.events.last()
                && draft.attempt == 0
            {
                uses[usize::from(draft.island.unwrap())] += 1;
                let (least, most) = (uses.iter().min().unwrap(), uses.iter().max().unwrap());
                assert!(most - least <= 1, "{uses:?}");
            }
        }
        assert!(uses.iter().all(|uses| *uses > 10), "{uses:?}");
        // Children live where their parents do, or where these were copied to.
        for draft in drafts(&script) {
            for parent in &draft.parents {
                let islands = script.state.memory.islands.of(*parent);
                assert!(islands.is_empty() || islands.contains(&draft.island.unwrap()));
            }
        }
    }
}

/// Section 3.2: what is nothing new is tried again with other draws, three times in all; then the use is
/// over.
#[test]
fn what_is_nothing_new_is_tried_three_times_on_its_island() {
    let mut script = Script::new("shinka-islands", &[], (8, 8), 1_000_000, climbing);
    while script.state.next_proposal.0 < 30 {
        // All replies of the first use are refused, and the first of the second.
        assert!(step_with_refusals(&mut script, |draft| [0, 1, 2, 3].contains(&draft.proposal.0)));
    }
    let drafts = drafts(&script);
    let tries: Vec<(u8, u16)> =
        drafts.iter().map(|draft| (draft.attempt, draft.island.unwrap())).take(6).collect();
    assert_eq!(tries, [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 0)]);
    let operators: Vec<Option<u16>> = drafts.iter().map(|draft| draft.operator).collect();
    assert!(operators[0] == operators[1] && operators[1] == operators[2], "{operators:?}");
    assert_eq!(operators[3], operators[4]);
    assert!(drafts[6..].iter().all(|draft| draft.attempt == 0), "the others came through");

    // Without the screen nothing is tried again; with more attempts, more often.
    for (sets, most) in [("screen=[]", 0), ("screen.0.attempts=5", 4)] {
        let mut script = Script::new("shinka-islands", &[sets], (8, 8), 1_000_000, climbing);
        while script.state.next_proposal.0 < 20 {
            assert!(step_with_refusals(&mut script, |_| true));
        }
        let attempts = self::drafts(&script).into_iter().map(|draft| draft.attempt);
        assert_eq!(attempts.max(), Some(most), "{sets}");
    }
}

/// After every four judged children, half of each island's own, the best ones, go to the next island of
/// three as well.
#[test]
fn the_best_of_each_island_are_copied_around_the_ring() {
    let sets = ["archive.count=3", "archive.migrate_every=4", "archive.migrate_rate=0.5"];
    let mut script = Script::new("shinka-islands", &sets, (8, 8), 1_000_000, climbing);
    while script.state.memory.islands.migrations() < 5 {
        assert!(script.step());
    }
    let mut state = State::new(8);
    let mut migrations = 0;
    for (number, event) in script.events.iter().enumerate() {
        if let Event::Migrated { moves } = event {
            migrations += 1;
            let judged = state.candidates.iter().skip(1);
            let judged =
                judged.filter(|standing| standing.status == crate::state::Status::Finished);
            assert_eq!(judged.count(), 4 * migrations, "as soon as it is due");
            let mut expected = Vec::new();
            for island in 0..3 {
                let mut bred: Vec<(f64, CandidateIx)> = state
                    .numbered()
                    .filter(|(bred, _)| state.memory.islands.of(*bred).contains(&island))
                    .filter_map(|(candidate, standing)| Some((standing.dev().mean()?, candidate)))
                    .collect();
                bred.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                let next = (island + 1) % 3;
                let best = bred.iter().take(bred.len().div_ceil(2)).map(|(_, candidate)| candidate);
                let new = best.filter(|best| !state.memory.islands.of(**best).contains(&next));
                expected.extend(new.map(|best| (*best, next)));
            }
            let moved: Vec<(CandidateIx, u16)> =
                moves.iter().map(|migrant| (migrant.candidate, migrant.island)).collect();
            assert_eq!(moved, expected);
        }
        state.apply(EventNumber(number as u64), event);
    }
    assert_eq!(migrations, 5);

    let sets = ["archive.migrate_every=0"];
    let mut script = Script::new("shinka-islands", &sets, (8, 8), 1_000_000, climbing);
    while script.state.candidates.len() < 30 {
        assert!(script.step());
    }
    assert_eq!(script.state.memory.islands.migrations(), 0);
}

// ── map-elites ────────────────────────────────────────────────────────────────────────────────

/// Stages of a tenth, four tenths and all of 20 rows: 2, 8 and 20. A child must reach half of the
/// incumbent's mean on the first two rows, and three quarters on the first eight.
#[test]
fn map_elites_shows_the_next_stage_to_whoever_keeps_up() {
    let score = |text: &str, split: Split, _: RowIx| match (number(text), split) {
        (_, Split::Train) => 0.5,
        (0, _) => 0.6,
        (1, _) => 0.2,
        (2, _) => 0.35,
        (3, _) => 0.45,
        _ => 0.3,
    };
    let mut script = Script::new("map-elites", &[], (8, 20), 1_000_000, score);
    while script.state.candidates.len() < 6 {
        assert!(script.step());
    }
    let of = |candidate: u32| -> Vec<usize> {
        let blocks = script.blocks().into_iter();
        let blocks = blocks.filter(|(c, split, ..)| (*c, *split) == (candidate, Split::Dev));
        blocks.map(|(.., rows)| rows).collect()
    };
    // 0.2 < 0.3; 0.35 ≥ 0.3, and < 0.45; 0.45 reaches both; 0.3 reaches the first.
    assert_eq!((of(1), of(2)), (vec![2], vec![2, 6]));
    assert_eq!((of(3), of(4)), (vec![2, 6, 8, 4], vec![2, 6]));
    // The baseline sees the same stages, without a threshold.
    assert_eq!(of(0), [2, 6, 8, 4]);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    let dropped = script.dropped();
    assert!(matches!(
        dropped[..3],
        [
            (1, Dropped::Stage { stage: 0, mean: first, needed: half }),
            (2, Dropped::Stage { stage: 1, mean: second, needed: most }),
            (4, Dropped::Stage { stage: 1, .. }),
        ] if near(first, 0.2) && near(half, 0.3) && near(second, 0.35) && near(most, 0.45)
    ));
    // Rows in the order of dev, so that everything is paired.
    let rows: Vec<RowIx> = script
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EvaluationIssued(block)
                if block.candidate == CandidateIx(3) && block.split == Split::Dev =>
            {
                Some(block.rows.clone())
            }
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(rows, (0..20).map(RowIx).collect::<Vec<_>>());
}

/// Parents are elites; each request shows the five best so far, the best one last.
#[test]
fn map_elites_breeds_from_the_elites_and_shows_the_best() {
    let score = |text: &str, _: Split, _: RowIx| 0.5 + f64::from(number(text) * 37 % 41) / 100.0;
    let mut script = Script::new("map-elites", &[], (8, 20), 1_000_000, score);
    while script.state.candidates.len() < 40 {
        let before = script.events.len();
        let kept = script.search().slots.archive.kept(&script.search());
        let ranked = script.search().ranked();
        assert!(script.step());
        let Some(Event::ProposalDrafted(draft)) = script.events.get(before) else { continue };
        assert!(kept.contains(&draft.parents[0]), "{draft:?}");
        let told: Vec<CandidateIx> = draft.context.iter().map(|told| told.candidate).collect();
        let best: Vec<CandidateIx> = ranked.into_iter().take(5).rev().collect();
        assert_eq!(told, best);
    }
    let distinct: std::collections::BTreeSet<CandidateIx> =
        drafts(&script).iter().map(|draft| draft.parents[0]).collect();
    assert!(distinct.len() > 1);
}

#[test]
fn asking_again_changes_nothing() {
    for name in ["gepa-merge", "promptbreeder", "shinka-islands", "map-elites"] {
        let sets: &[&str] = match name {
            "promptbreeder" => &["init.0.take=6", "schedule.children=3", "evaluate.subset=8"],
            _ => &[],
        };
        let mut script = Script::new(name, sets, (12, 24), 5_000, climbing);
        for _ in 0..250 {
            assert_eq!(script.plans(), script.plans(), "{name}");
            if !script.step() {
                break;
            }
        }
    }
}
