//! What the world makes of prompts, without any chance.

use super::{
    INVOICES, STEPS, SUMS, TASKS, TICKETS, baseline_prompt, ideal_prompt, messages, spec_of,
    world_of,
};
use crate::sim::world::{AnswerForm, World, WorldParameters, WorldRow, WorldSpec};

#[test]
fn seeds_leave_room_and_ideal_prompts_nearly_fill_it() {
    for task in TASKS {
        for seed in 1..=5 {
            let world = world_of(task, seed);
            let start = world.true_quality_of(&baseline_prompt(task));
            let ideal = world.true_quality_of(&ideal_prompt(task));
            assert!((0.34..0.62).contains(&start), "{task} {seed}: {start}");
            assert!((0.86..0.96).contains(&ideal), "{task} {seed}: {ideal}");
        }
    }
}

#[test]
fn a_stated_skill_helps_its_rows_and_a_wrong_label_harms_them() {
    // A single world may know this rule unasked.
    let worlds: Vec<_> = (1..=8).map(|seed| world_of(TICKETS, seed)).collect();
    let seed = baseline_prompt(TICKETS);
    let rows: Vec<String> = spec_of(TICKETS, 1)
        .rows
        .into_iter()
        .filter(|row| row.feedback.as_ref().unwrap().starts_with("Complaints about a price"))
        .map(|row| row.id)
        .collect();
    let on_rows = |system: &str| {
        let scores = worlds.iter().flat_map(|world| world.true_scores_of(system));
        let own = scores.filter(|(id, _)| rows.iter().any(|row| row == id));
        own.map(|(_, score)| score).sum::<f64>() / (rows.len() * worlds.len()) as f64
    };
    let base = on_rows(&seed);
    let stated = on_rows(&format!(
        "{seed}\n\nCustomers who complain about increased prices are close to leaving: retention."
    ));
    let unlabelled = on_rows(&format!(
        "{seed}\n\nCustomers who complain about increased prices are close to leaving."
    ));
    let wrong = on_rows(&format!(
        "{seed}\n\nComplaints about a price increase by customers close to leaving: billing."
    ));
    let elsewhere = on_rows(&format!("{seed}\n\nLost codes go to technical."));
    assert!(stated > base + 0.3, "{base} {stated}");
    assert!(base < unlabelled && unlabelled < stated, "{base} {unlabelled} {stated}");
    assert!(wrong < base - 0.05, "{base} {wrong}");
    assert!((elsewhere - base).abs() < 0.1, "{base} {elsewhere}");
}

#[test]
fn length_form_and_reasoning_matter_as_documented() {
    for task in TASKS {
        let world = world_of(task, 2);
        let ideal = ideal_prompt(task);
        let base = world.true_quality_of(&ideal);
        let padded = format!("{ideal}\n{}", "The office is blue and has a door.\n".repeat(200));
        assert!(world.true_quality_of(&padded) < base - 0.02, "{task}");
        let vague = ideal.lines().skip_while(|line| !line.starts_with('-')).collect::<Vec<_>>();
        assert!(world.true_quality_of(&vague.join("\n")) < base - 0.01, "{task}");
    }
    let gain = |task| {
        let world = world_of(task, 2);
        let seed = baseline_prompt(task);
        world.true_quality_of(&format!("{seed}\n{STEPS}")) - world.true_quality_of(&seed)
    };
    assert!(gain(SUMS) > 0.1, "{}", gain(SUMS));
    assert!((-0.02..0.06).contains(&gain(INVOICES)), "{}", gain(INVOICES));
    assert!((-0.06..0.03).contains(&gain(TICKETS)), "{}", gain(TICKETS));
}

#[test]
fn an_example_states_its_skill_weakly_and_a_wrong_one_misleads() {
    let world = world_of(TICKETS, 1);
    let seed = baseline_prompt(TICKETS);
    let base = world.true_quality_of(&seed);
    let with = |answer: &dyn Fn(&WorldRow) -> String| {
        let demos: Vec<String> = spec_of(TICKETS, 1)
            .rows
            .iter()
            .take(40)
            .map(|row| format!("Input: {}\nOutput: {}", row.input, answer(row)))
            .collect();
        world.true_quality_of(&format!("{seed}\n\n{}", demos.join("\n\n")))
    };
    let right = with(&|row| row.answer.as_str().unwrap().to_owned());
    let wrong = with(&|_| "elsewhere".to_owned());
    assert!(right > base && right < world.true_quality_of(&ideal_prompt(TICKETS)));
    assert!(wrong < base, "{base} {wrong}");
}

#[test]
fn a_row_is_found_by_its_message_or_by_its_input_inside_of_one() {
    let mut spec = spec_of(TICKETS, 1);
    for row in &mut spec.rows {
        row.user_text = format!("Ticket:\n{}\n\nDepartment:", row.input);
    }
    let rows = spec.rows.clone();
    let world = World::new(spec);
    let as_rendered = world.probability(&messages("Route it.", &rows[7].user_text)).unwrap();
    let reworded = format!("Ticket:\n\n{}\nDepartment:", rows[7].input);
    let inside = world.probability(&messages("Route it.", &reworded)).unwrap();
    assert_eq!(as_rendered, inside);
    assert_eq!(world.probability(&messages("Route it.", "Something else.")), None);
    assert_eq!(world.probability(&[]), None);
    // An instruction in the user message counts like one in the system message.
    let told = format!("Answer with only the department.\n{}", rows[7].input);
    assert!(world.probability(&messages("", &told)).is_some());
    let requests = rows.iter().map(|row| messages("Route it.", &row.user_text));
    let mean = world.true_quality(requests);
    assert!((mean - world.true_quality_of("Route it.")).abs() < 1e-12);
}

#[test]
fn without_feedback_the_words_of_a_labels_rows_state_it() {
    let mut spec = spec_of(TICKETS, 1);
    for row in &mut spec.rows {
        row.feedback = None;
    }
    let world = World::new(spec);
    let base = world.true_quality_of(&baseline_prompt(TICKETS));
    assert!((0.2..0.7).contains(&base), "{base}");
    let stated: Vec<String> = world
        .skills
        .all
        .iter()
        .map(|skill| {
            let words: Vec<&str> = world
                .skills
                .vocabulary
                .iter()
                .filter(|(_, number)| skill.weights.iter().any(|(own, _)| own == *number))
                .map(|(word, _)| word.as_str())
                .collect();
            format!("- {}: {}", words.join(", "), world.labels.name(skill.label.unwrap()))
        })
        .collect();
    assert_eq!(stated.len(), 12);
    let told = format!("{}\n{}", baseline_prompt(TICKETS), stated.join("\n"));
    assert!(world.true_quality_of(&told) > base + 0.15, "{base}");
}

#[test]
fn any_data_makes_a_world() {
    let row = |place: usize, feedback: Option<String>| WorldRow {
        id: place.to_string(),
        user_text: format!("row {place}"),
        input: String::new(),
        answer: serde_json::Value::Null,
        feedback,
    };
    for form in
        [AnswerForm::Label(Vec::new()), AnswerForm::Number, AnswerForm::Json, AnswerForm::Text]
    {
        for rows in [
            Vec::new(),
            vec![row(1, None)],
            vec![row(1, Some("!!!".into()))],
            // Rules beyond the twenty-fourth join the nearest, and digits tell no rules apart.
            (0..60).map(|n| row(n, Some(format!("Rule {n} {}", "abcdefghij".repeat(n))))).collect(),
            (0..60).map(|n| row(n, Some(format!("Wait {n} days.")))).collect(),
        ] {
            let world = World::new(WorldSpec {
                rows,
                form: form.clone(),
                seed: 3,
                parameters: WorldParameters::default(),
            });
            assert!(world.skills.all.len() <= 24);
            let quality = world.true_quality_of("Do it.\n- Wait some days.");
            assert!((0.0..=1.0).contains(&quality));
        }
    }
    let digits = (0..60).map(|n| row(n, Some(format!("Wait {n} days.")))).collect();
    let world = World::new(WorldSpec {
        rows: digits,
        form: AnswerForm::Text,
        seed: 3,
        parameters: WorldParameters::default(),
    });
    assert_eq!(world.skills.all.len(), 1);
}
