//! What the clerk answers, against what the world says about it.

use super::{
    INVOICES, STEPS, SUMS, TASKS, TICKETS, baseline_prompt, example_of, ideal_prompt, messages,
    scorers_of, spec_of, world_of,
};
use crate::event::{Failure, Finish};
use crate::provider::{Llm, Request};
use crate::sim::world::World;
use crate::sim::{SimLlm, clerk};
use crate::task::example::Example;
use crate::task::model::ModelName;
use crate::task::scorer::ScorerSet;
use std::sync::Arc;

fn request(model: &str, system: &str, user: &str) -> Request {
    Request {
        model: ModelName::parse(model).unwrap(),
        messages: messages(system, user),
        temperature: 0.0,
        max_output_tokens: 512,
        draw: 0,
        stable_bytes: 0,
        form: Arc::default(),
        row: None,
    }
}

/// The score that the task's own scorer gives an answer.
fn scored(scorers: &ScorerSet, row: &Example, answer: &str) -> f64 {
    scorers.score(answer, row).score.value()
}

/// The oracle is exact: over worlds, rows, prompts and draws, scores average to the probability.
#[test]
fn scores_average_to_the_probability() {
    for task in TASKS {
        let scorers = scorers_of(task);
        let rows: Vec<Example> = spec_of(task, 0).rows.iter().map(example_of).collect();
        let users: Vec<String> =
            spec_of(task, 0).rows.into_iter().map(|row| row.user_text).collect();
        let seed = baseline_prompt(task);
        let ideal = ideal_prompt(task);
        for (name, prompt) in [
            ("empty", String::new()),
            ("seed", seed.clone()),
            ("reasoning", format!("{seed}\n{STEPS}")),
            ("introduced", format!("{seed}\nEnd with: The answer is X.")),
            ("ideal", ideal),
        ] {
            let (mut difference, mut count) = (0.0, 0);
            for world_seed in 0..30 {
                let world = world_of(task, world_seed);
                for (place, user) in users.iter().enumerate().step_by(2) {
                    let chat = messages(&prompt, user);
                    let expected = world.probability(&chat).unwrap();
                    for (draw, temperature) in [(0, 0.0), (1, 0.0), (2, 1.0)] {
                        let said = clerk::say(&world, &chat, temperature, draw);
                        difference += scored(&scorers, &rows[place], &said.text) - expected;
                        count += 1;
                    }
                }
            }
            let bias = difference / f64::from(count);
            assert!(bias.abs() < 0.015, "{task}, {name}: {bias}");
        }
    }
}

#[test]
fn the_same_request_gets_the_same_answer_whatever_was_asked_before() {
    let one = world_of(INVOICES, 4);
    let other = world_of(INVOICES, 4);
    let users: Vec<String> =
        spec_of(INVOICES, 4).rows.into_iter().map(|row| row.user_text).collect();
    let prompt = baseline_prompt(INVOICES);
    let ask = |world: &World, user: &str, draw| {
        clerk::say(world, &messages(&prompt, user), 0.7, draw).text
    };
    let forward: Vec<String> = users.iter().map(|user| ask(&one, user, 3)).collect();
    let _ = ask(&other, &users[5], 9);
    let backward: Vec<String> = users.iter().rev().map(|user| ask(&other, user, 3)).collect();
    assert!(forward.iter().eq(backward.iter().rev()));
    let elsewhere: Vec<String> =
        users.iter().map(|user| ask(&world_of(INVOICES, 5), user, 3)).take(40).collect();
    assert!(elsewhere != forward[..40]);
}

/// Correctness of every row for a prompt.
fn outcomes(world: &World, task: &str, prompt: &str, temperature: f64, draw: u64) -> Vec<bool> {
    let scorers = scorers_of(task);
    let rows = spec_of(task, 0).rows;
    rows.iter()
        .map(|row| {
            let said = clerk::say(world, &messages(prompt, &row.user_text), temperature, draw);
            scored(&scorers, &example_of(row), &said.text) >= 1.0
        })
        .collect()
}

fn differing(one: &[bool], other: &[bool]) -> f64 {
    let differing = one.iter().zip(other).filter(|(a, b)| a != b).count();
    differing as f64 / one.len() as f64
}

#[test]
fn another_draw_flips_some_rows_and_heat_flips_more() {
    let world = world_of(TICKETS, 1);
    let prompt = baseline_prompt(TICKETS);
    let cold = differing(
        &outcomes(&world, TICKETS, &prompt, 0.0, 0),
        &outcomes(&world, TICKETS, &prompt, 0.0, 1),
    );
    let hot = differing(
        &outcomes(&world, TICKETS, &prompt, 1.0, 0),
        &outcomes(&world, TICKETS, &prompt, 1.0, 1),
    );
    assert!((0.02..0.15).contains(&cold), "{cold}");
    assert!(hot > cold + 0.05, "{cold} {hot}");
}

/// Two prompts of equal quality differ on far fewer rows than two independent coins would.
#[test]
fn the_luck_of_a_row_is_shared_by_prompts() {
    let world = world_of(TICKETS, 1);
    let one = baseline_prompt(TICKETS);
    let other = format!("{one}\nBe kind.");
    let first = outcomes(&world, TICKETS, &one, 0.0, 0);
    let second = outcomes(&world, TICKETS, &other, 0.0, 0);
    let share = |it: &[bool]| it.iter().filter(|right| **right).count() as f64 / it.len() as f64;
    let (p, q) = (share(&first), share(&second));
    let independent = p * (1.0 - q) + q * (1.0 - p);
    let observed = differing(&first, &second);
    assert!(observed > 0.02 && observed < 0.6 * independent, "{observed} {independent}");
}

#[test]
fn reasoning_is_long_and_answers_are_short() {
    let world = world_of(SUMS, 1);
    let users: Vec<String> = spec_of(SUMS, 1).rows.into_iter().map(|row| row.user_text).collect();
    let tokens = |prompt: &str| -> Vec<usize> {
        users
            .iter()
            .map(|user| clerk::say(&world, &messages(prompt, user), 0.0, 0).text.len().div_ceil(4))
            .collect()
    };
    let plain = tokens("Answer with only the number.");
    let reasoned = tokens(&format!("Answer with only the number. {STEPS}"));
    assert!(plain.iter().filter(|it| **it <= 3).count() > users.len() * 9 / 10);
    assert!(reasoned.iter().all(|it| (40..=175).contains(it)), "{reasoned:?}");
}

#[tokio::test]
async fn usage_is_counted_and_long_answers_are_cut() {
    let world = world_of(INVOICES, 1);
    let user = spec_of(INVOICES, 1).rows.swap_remove(0).user_text;
    let llm = SimLlm::new(Arc::clone(&world));
    let mut asked = request("sim/clerk", "Return JSON.", &user);
    let whole = llm.complete(&asked).await.unwrap();
    let usage = whole.usage.unwrap();
    assert_eq!(usage.prompt().0 as usize, (12 + user.len()).div_ceil(4) + 8);
    assert_eq!(usage.output.0 as usize, whole.text.len().div_ceil(4));
    assert_eq!(whole.finish, Finish::Stop);
    asked.max_output_tokens = 5;
    let cut = llm.complete(&asked).await.unwrap();
    assert_eq!(cut.finish, Finish::Length);
    assert_eq!(cut.text, whole.text[..20]);
    assert_eq!(cut.usage.unwrap().output.0, 5);
}

#[tokio::test]
async fn unknown_rows_and_models_are_said_to_be_unknown() {
    let llm = SimLlm::new(world_of(TICKETS, 1));
    let stranger = llm.complete(&request("sim/clerk", "Route it.", "Who?")).await.unwrap();
    assert_eq!(stranger.text, "I don't know.");
    let error = llm.complete(&request("sim/clark", "Route it.", "Who?")).await.unwrap_err();
    assert_eq!(error.failure, Failure::BadRequest);
    assert!(error.message.contains("did you mean `clerk`?"), "{}", error.message);
    assert!(!error.may_be_billed);
}

#[tokio::test]
async fn the_models_of_several_tasks_know_the_rows_of_each() {
    let tasks = [TICKETS, INVOICES];
    let both = SimLlm::new(world_of(TICKETS, 1)).with(world_of(INVOICES, 1));
    for task in tasks {
        let alone = SimLlm::new(world_of(task, 1));
        for row in spec_of(task, 1).rows.into_iter().take(20) {
            let asked = request("sim/clerk", "Answer.", &row.user_text);
            let (of_both, own) = (both.complete(&asked).await, alone.complete(&asked).await);
            assert_eq!(of_both.unwrap().text, own.unwrap().text, "{}", row.id);
        }
    }
    let stranger = both.complete(&request("sim/clerk", "Answer.", "Who?")).await.unwrap();
    assert_eq!(stranger.text, "I don't know.");
}
