use super::*;
use serde_json::json;

fn plain(rows: &[Value], features: Option<Value>) -> Vec<Value> {
    let rows: Vec<Columns> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
    let classes = features.as_ref().map(hugging_face::class_names).unwrap_or_default();
    let shape = Shape::new(&rows, classes);
    let kept = rows.into_iter().filter(|row| !shape.is_archived(row));
    kept.flat_map(|row| shape.plain(row)).map(|(row, _)| Value::Object(row)).collect()
}

#[test]
fn hugging_faces_rows_are_unwrapped_and_their_classes_named() {
    let features = json!([
        {"feature_idx": 0, "name": "review", "type": {"dtype": "string", "_type": "Value"}},
        {"feature_idx": 1, "name": "stars", "type": {"names": ["bad", "good"], "_type": "ClassLabel"}}
    ]);
    let row = json!({"row_idx": 4, "row": {"review": "fine", "stars": 1}, "truncated_cells": []});
    assert_eq!(plain(&[row], Some(features)), [json!({"review": "fine", "stars": "good"})]);
    let own = json!({"row": {"a": 1}, "b": 2});
    assert_eq!(plain(std::slice::from_ref(&own), None), [own]);
}

#[test]
fn the_last_words_of_a_chat_are_the_answer() {
    let row = json!({"messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hello!"},
    ], "tag": "x"});
    let expected = json!({"tag": "x", "answer": "Hello!", "system": "Be kind.", "input": "Hi"});
    assert_eq!(plain(&[row], None), [expected]);
    let turns = json!({"conversations": [
        {"from": "human", "value": "One?"},
        {"from": "gpt", "value": "1"},
        {"from": "human", "value": "Two?"},
        {"from": "gpt", "value": "2"},
    ]});
    let expected = json!({"answer": "2", "input": "User: One?\n\nAssistant: 1\n\nUser: Two?"});
    assert_eq!(plain(&[turns], None), [expected]);
}

#[test]
fn messages_as_the_input_leave_the_answer_alone() {
    let row = json!({"input": [
        {"role": "system", "content": "Name the capital."},
        {"role": "user", "content": "Peru"},
    ], "ideal": ["Lima"]});
    let expected = json!({"input": "Peru", "ideal": ["Lima"], "system": "Name the capital."});
    assert_eq!(plain(&[row], None), [expected]);
}

#[test]
fn choices_get_letters_and_so_does_the_right_one() {
    let row = json!({"question": "2+2?", "choices": ["3", "4"], "answer": 1});
    assert_eq!(
        plain(&[row], None),
        [json!({"question": "2+2?", "choices": "A) 3\nB) 4", "answer": "B"})]
    );
    let arc = json!({"choices": {"text": ["ice", "fog"], "label": ["1", "2"]}, "answerKey": "2"});
    assert_eq!(plain(&[arc], None), [json!({"choices": "1) ice\n2) fog", "answerKey": "2"})]);
    let letters = json!({"options": {"A": "ice", "B": "fog"}, "target": "A"});
    assert_eq!(plain(&[letters], None), [json!({"options": "A) ice\nB) fog", "target": "A"})]);
}

#[test]
fn choices_may_have_a_column_each() {
    for (names, answer, expected) in [
        (["A", "B", "C"], json!("C"), ("A) x\nB) y\nC) z", "C")),
        (["option_a", "option_b", "option_c"], json!("b"), ("A) x\nB) y\nC) z", "B")),
        (["Option A", "Option B", "Option C"], json!("y"), ("A) x\nB) y\nC) z", "B")),
        (["choice1", "choice2", "choice3"], json!("3"), ("1) x\n2) y\n3) z", "3")),
        (["choice1", "choice2", "choice3"], json!(0), ("1) x\n2) y\n3) z", "1")),
        (["ending0", "ending1", "ending2"], json!(2), ("0) x\n1) y\n2) z", "2")),
        (["opa", "opb", "opc"], json!(0), ("A) x\nB) y\nC) z", "A")),
    ] {
        let row =
            json!({"question": "q", names[0]: "x", names[1]: "y", names[2]: "z", "answer": answer});
        let (choices, mark) = expected;
        let expected = json!({"question": "q", "answer": mark, "choices": choices});
        assert_eq!(plain(&[row], None), [expected], "{names:?}");
    }
    // Two answers to compare, and no choice between them.
    let pair = json!({"question": "q", "A": "x", "B": "y", "answer": "both"});
    assert_eq!(plain(std::slice::from_ref(&pair), None), [pair]);
}

#[test]
fn the_right_choice_may_be_told_beside_it() {
    let row = json!({"question": "q", "mc1_targets": {"choices": ["no", "yes"], "labels": [0, 1]}});
    let expected = json!({"question": "q", "mc1_targets": "A) no\nB) yes", "answer": "B"});
    assert_eq!(plain(&[row], None), [expected]);
}

#[test]
fn the_place_of_a_choice_may_be_a_text() {
    let row = json!({"ctx": "He runs", "endings": ["away", "home"], "label": "1"});
    let expected = json!({"ctx": "He runs", "endings": "A) away\nB) home", "label": "B"});
    assert_eq!(plain(&[row], None), [expected]);
}

#[test]
fn an_articles_questions_are_rows() {
    let article = json!({"title": "Rhine", "paragraphs": [{"context": "It is long.", "qas": [
        {"id": "a", "question": "Is it?", "answers": [
            {"text": "long", "answer_start": 6}, {"text": "long", "answer_start": 6}]},
        {"id": "b", "question": "How?", "answers": []},
    ]}]});
    assert_eq!(
        plain(&[article], None),
        [
            json!({"title": "Rhine", "context": "It is long.", "id": "a", "question": "Is it?", "answers": ["long"]}),
            json!({"title": "Rhine", "context": "It is long.", "id": "b", "question": "How?", "answers": []}),
        ]
    );
}

#[test]
fn an_answer_and_its_aliases_are_right_answers() {
    let nested = json!({"question": "q", "answer": {"value": "UK", "aliases": ["UK", "Britain"]}});
    assert_eq!(plain(&[nested], None), [json!({"question": "q", "answer": ["UK", "Britain"]})]);
    let flat = json!({"question": "q", "answer": "UK", "aliases": "[\"Britain\"]"});
    assert_eq!(plain(&[flat], None), [json!({"question": "q", "answer": ["UK", "Britain"]})]);
}

#[test]
fn archived_items_are_left_out_and_messages_read_at_any_place() {
    let item = |status: &str| {
        json!({"status": status,
            "input": {"messages": [{"role": "user", "content": "Peru"}]},
            "expectedOutput": {"role": "assistant", "content": "Lima"}})
    };
    let expected = json!({"status": "ACTIVE", "input": "Peru", "expectedOutput": "Lima"});
    assert_eq!(plain(&[item("ARCHIVED"), item("ACTIVE")], None), [expected]);
    let pair = json!({
        "chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No"}],
    });
    let expected = json!({"chosen": "Hello", "rejected": "No", "prompt": "Hi"});
    assert_eq!(plain(&[pair], None), [expected]);
}
