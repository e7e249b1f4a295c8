//! Each structure is what it says, for each of its two worlds and over model seeds.

use crate::worlds::domain::Answers;
use crate::worlds::{ALL, Half, Structure, WorldTask, named};
use promptsearch::prompt::Prompt;
use promptsearch::sim::world::World;
use promptsearch::sim::{clerk, true_quality, world_of};
use promptsearch::task::Task;
use promptsearch::task::example::Example;
use std::collections::{BTreeMap, BTreeSet};

const MODEL_SEEDS: std::ops::RangeInclusive<u64> = 1..=4;

fn loaded(world: WorldTask) -> Task {
    let folder = tempfile::tempdir().unwrap();
    world.write(folder.path()).unwrap();
    Task::load(folder.path()).unwrap_or_else(|error| panic!("{world}: {error}"))
}

fn worlds(world: WorldTask, task: &Task) -> Vec<World> {
    MODEL_SEEDS.map(|seed| world_of(task, seed, world.parameters())).collect()
}

fn of(structure: Structure) -> Vec<(WorldTask, Task)> {
    let both = ALL.iter().copied().filter(|world| world.structure() == structure);
    both.map(|world| (world, loaded(world))).collect()
}

/// The mean true quality over model seeds.
fn quality(world: WorldTask, task: &Task, prompt: &Prompt) -> f64 {
    let worlds = worlds(world, task);
    worlds.iter().map(|it| true_quality(it, task, prompt)).sum::<f64>() / worlds.len() as f64
}

fn prompt(task: &Task, system: &str, demos: &str) -> Prompt {
    task.baseline.with_part("system", system).with_part("demos", demos)
}

fn rows(task: &Task) -> Vec<&Example> {
    task.visible_rows().into_iter().chain(task.splits.hold.open_held_out()).collect()
}

#[test]
fn every_world_is_a_task_with_different_rows_that_its_rules_decide() {
    let mut names = BTreeSet::new();
    let mut seen = BTreeMap::new();
    for world in ALL.iter().copied() {
        assert!(names.insert(world.to_string()));
        assert_eq!(named(&world.to_string()).map(|it| it.to_string()), Some(world.to_string()));
        let task = loaded(world);
        let sizes = task.splits.sizes().each();
        for ((split, size), wanted) in sizes.into_iter().zip([150, 150, 200_u32]) {
            assert!(size.abs_diff(wanted) <= 6, "{world}: {split:?} has {size}");
        }
        let rows = rows(&task);
        assert_eq!(rows.len(), 500, "{world}");
        let rules: BTreeSet<&str> = rows.iter().filter_map(|row| row.feedback.as_deref()).collect();
        assert_eq!(rules.len(), world.domain.rules.len(), "{world}");
        for row in &rows {
            let input = row.columns["input"].as_str().unwrap();
            assert!(!input.contains(['{', '}']) && input.len() > 30, "{world}: {input}");
            if let Some(other) = seen.insert(input.to_owned(), world.to_string()) {
                panic!("{world} and {other} share: {input}");
            }
        }
        assert_eq!(task.layout.is_searched("demos"), world.has_demos());
        // A task is the same whenever it is written.
        assert_eq!(format!("{:?}", rows[7]), format!("{:?}", self::rows(&loaded(world))[7]));
    }
    assert_eq!(names.len(), 16);
}

#[test]
fn both_halves_have_each_structure_and_no_rule_in_common() {
    let whens = |half: Half| -> BTreeSet<&str> {
        let rules = ALL.iter().filter(|it| it.half() == half).flat_map(|it| it.domain.rules);
        rules.map(|rule| rule.when).collect()
    };
    assert!(whens(Half::Tune).is_disjoint(&whens(Half::Held)));
    for world in ALL {
        let halves = ALL.iter().filter(|it| it.structure() == world.structure());
        let halves: BTreeSet<Half> = halves.map(|it| it.half()).collect();
        assert_eq!(halves.len(), 2);
        if let Answers::Label(labels) = world.domain.answers {
            for rule in world.domain.rules {
                assert!(labels.contains(&rule.to), "{world}: {}", rule.to);
            }
        }
    }
}

/// What most structures have in common: the seed leaves room that stated rules fill.
#[test]
fn stated_rules_fill_most_of_the_room_where_rules_can_be_stated() {
    use Structure::{BadBaseline, Demos, FewSkills, ManySkills, NoHeadroom, Noisy, Tangled, Terse};
    for (structure, room) in [
        (FewSkills, 0.30),
        (ManySkills, 0.30),
        (Tangled, 0.25),
        (Terse, 0.10),
        (BadBaseline, 0.40),
        (Noisy, 0.25),
        (NoHeadroom, -0.02),
        (Demos, 0.10),
    ] {
        for (world, task) in of(structure) {
            let seed = quality(world, &task, &task.baseline);
            let ideal = quality(world, &task, &prompt(&task, &world.ideal_system(), ""));
            assert!(ideal - seed >= room, "{world}: {seed:.3} to {ideal:.3}");
        }
    }
}

#[test]
fn few_and_many_skills_are_few_and_many() {
    for (world, _) in of(Structure::FewSkills) {
        assert!((4..=5).contains(&world.domain.rules.len()), "{world}");
    }
    for (world, _) in of(Structure::ManySkills) {
        assert_eq!(world.domain.rules.len(), 24, "{world}");
    }
}

#[test]
fn where_rules_are_tangled_half_of_them_are_worth_less_than_half() {
    for (world, task) in of(Structure::Tangled) {
        let rules = world.rules();
        let with = |first: bool, second: bool| {
            let lines = rules.lines().enumerate().filter(|(place, _)| match place % 2 {
                0 => first,
                _ => second,
            });
            let lines: Vec<&str> = lines.map(|(_, line)| line).collect();
            let system = format!("{}\n\n{}", world.plain_system(), lines.join("\n"));
            quality(world, &task, &prompt(&task, &system, ""))
        };
        let (none, all) = (with(false, false), with(true, true));
        // One of each pair disturbs the other.
        let halves = (with(true, false) + with(false, true)) / 2.0;
        assert!(halves - none < 0.4 * (all - none), "{world}: {none:.3} {halves:.3} {all:.3}");
    }
}

#[test]
fn where_prompts_have_to_be_terse_a_doubled_one_loses() {
    let filler = "This matters a lot to all of us here, so please think of it whenever you can. ";
    for (world, task) in of(Structure::Terse) {
        let ideal = world.ideal_system();
        let times = ideal.len().div_ceil(filler.len());
        let doubled = format!("{ideal}\n\n{}", filler.repeat(times));
        let [short, long] =
            [&ideal, &doubled].map(|it| quality(world, &task, &prompt(&task, it, "")));
        assert!(short - long >= 0.05, "{world}: {short:.3} {long:.3}");
    }
}

#[test]
fn a_bad_baseline_is_cured_by_rewriting_and_not_by_adding() {
    for (world, task) in of(Structure::BadBaseline) {
        let seed = quality(world, &task, &task.baseline);
        assert!(seed < 0.35, "{world}: {seed:.3}");
        let added = format!("{}\n\n{}", world.baseline_system(), world.rules());
        let [added, rewritten, plain] = [added, world.ideal_system(), world.plain_system()]
            .map(|it| quality(world, &task, &prompt(&task, &it, "")));
        assert!(added + 0.25 < rewritten, "{world}: {added:.3} {rewritten:.3}");
        assert!(plain > seed + 0.05, "{world}: a fresh start helps {seed:.3} {plain:.3}");
    }
}

#[test]
fn noisy_answers_flip_between_draws() {
    for (world, task) in of(Structure::Noisy) {
        let (mut flips, mut count) = (0, 0);
        for model in worlds(world, &task) {
            for row in rows(&task) {
                let chat = task.layout.render(&task.baseline, row).unwrap();
                let right = |draw| {
                    let said = clerk::say(&model, &chat, 0.0, draw);
                    task.scorers.score(&said.text, row).score.value() >= 1.0
                };
                flips += usize::from(right(0) != right(1));
                count += 1;
            }
        }
        let share = flips as f64 / count as f64;
        assert!(share > 0.2, "{world}: {share:.3}");
    }
}

#[test]
fn without_headroom_nothing_is_to_be_gained() {
    for (world, task) in of(Structure::NoHeadroom) {
        let seed = quality(world, &task, &task.baseline);
        let ideal = quality(world, &task, &prompt(&task, &world.ideal_system(), ""));
        assert!(
            (ideal - seed).abs() <= 0.02 && seed > 0.97 * ideal,
            "{world}: {seed:.3} {ideal:.3}"
        );
    }
}

#[test]
fn where_examples_count_five_of_them_beat_the_stated_rules() {
    for (world, task) in of(Structure::Demos) {
        let stated = quality(world, &task, &prompt(&task, &world.ideal_system(), ""));
        let plain = world.plain_system();
        let [few, more] = [5, 12].map(|count| {
            quality(world, &task, &prompt(&task, &plain, &world.demonstrations(count)))
        });
        assert!(few > stated + 0.05, "{world}: {few:.3} {stated:.3}");
        assert!(more > few, "{world}: {more:.3} {few:.3}");
    }
}

/// The oracle is exact in every world: scores average to the probability.
#[test]
fn scores_average_to_the_probability_whatever_the_parameters() {
    let (mut overall, mut groups) = (0.0, 0.0);
    for world in ALL.iter().copied() {
        let task = loaded(world);
        let rows = rows(&task);
        let demos = if world.has_demos() { world.demonstrations(4) } else { String::new() };
        for prompt in [
            task.baseline.clone(),
            prompt(&task, &world.ideal_system(), &demos),
            prompt(&task, &format!("{}\n{}", world.baseline_system(), world.rules()), ""),
        ] {
            let (mut difference, mut count) = (0.0, 0);
            for model_seed in 10..16 {
                let model = world_of(&task, model_seed, world.parameters());
                for row in rows.iter().step_by(2) {
                    let chat = task.layout.render(&prompt, *row).unwrap();
                    let expected = model.probability(&chat).unwrap();
                    for (draw, temperature) in [(0, 0.0), (1, 0.0), (2, 1.0)] {
                        let said = clerk::say(&model, &chat, temperature, draw);
                        let score = task.scorers.score(&said.text, row).score.value();
                        difference += score - expected;
                        count += 1;
                    }
                }
            }
            let bias = difference / f64::from(count);
            assert!(bias.abs() < 0.04, "{world}: {bias}");
            overall += bias;
            groups += 1.0;
        }
    }
    assert!((overall / groups).abs() < 0.006, "{}", overall / groups);
}
