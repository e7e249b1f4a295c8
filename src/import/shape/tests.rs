use super::*;
use serde_json::json;

fn plain(rows: &[Value], features: Option<Value>) -> Vec<Value> {
    let rows: Vec<Columns> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
    let classes = features.as_ref().map(hugging_face::class_names).unwrap_or_default();
    let shape = Shape::new(&rows, classes);
    let kept = rows.into_iter().flat_map(|row| match shape.plain(row) {
        Plain::Rows(rows) => rows,
        Plain::LeftOut(_) => Vec::new(),
    });
    kept.map(|row| Value::Object(row.values)).collect()
}

#[test]
fn hugging_faces_rows_are_unwrapped_and_their_classes_named() {
    let features = json!([
        {"feature_idx": 0, "name": "review", "type": {"dtype": "string", "_type": "Value"}},
        {"feature_idx": 1, "name": "stars", "type": {"names": ["bad", "good"], "_type": "ClassLabel"}}
    ]);
    let row = json!({"row_idx": 4, "row": {"review": "fine", "stars": 1}, "truncated_cells": []});
    assert_eq!(plain(&[row], Some(features)), [json!({"review": "fine", "stars": "good"})]);
    let features = json!([{"name": "tags", "type": {"feature": {"names": ["a", "b"]}, "_type": "Sequence"}},
        {"name": "label", "type": {"names": ["x"], "_type": "ClassLabel"}}]);
    let row = json!({"row_idx": 4, "row": {"tags": [1, 0], "label": -1}, "truncated_cells": []});
    assert_eq!(plain(&[row], Some(features)), [json!({"tags": ["b", "a"], "label": null})]);
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
fn a_right_choice_among_wrong_ones_becomes_the_letter_of_a_drawn_order() {
    for (right, wrong) in
        [("Correct Answer", "Incorrect Answer "), ("correct_answer", "distractor")]
    {
        let row = |n: usize| {
            json!({"Question": format!("How many {n}?"), right: format!("right {n}"),
                format!("{wrong}1"): format!("wrong {n}"), format!("{wrong}2"): format!("worse {n}"),
                format!("{wrong}3"): format!("bad {n}")})
        };
        let rows: Vec<Value> = (0..40).map(row).collect();
        let written = plain(&rows, None);
        assert_eq!(written, plain(&rows, None), "the order is always the same");
        let mut letters = std::collections::BTreeMap::<String, usize>::new();
        for (n, row) in written.iter().enumerate() {
            let names: Vec<&String> = row.as_object().unwrap().keys().collect();
            assert_eq!(names, ["Question", "answer", "choices"]);
            let letter = row["answer"].as_str().unwrap();
            let choices = row["choices"].as_str().unwrap();
            assert!(choices.lines().any(|it| it == format!("{letter}) right {n}")), "{choices}");
            assert_eq!(choices.lines().count(), 4);
            *letters.entry(letter.to_owned()).or_default() += 1;
        }
        assert!(letters.len() == 4 && letters.values().all(|rows| *rows > 2), "{letters:?}");
    }
    let own = json!({"q": "a", "answer": "b", "correct_answer": "c", "distractor1": "d", "distractor2": "e"});
    assert_eq!(plain(std::slice::from_ref(&own), None), [own]);
}

#[test]
fn the_spans_of_drop_are_right_answers() {
    let row = json!({"question": "Who?", "answers_spans": {"spans": ["Ann", "Ann Lee"], "types": ["span", "span"]}});
    let expected = json!({"question": "Who?", "answers_spans": ["Ann", "Ann Lee"]});
    assert_eq!(plain(&[row], None), [expected]);
}

#[test]
fn langchains_messages_are_chats_however_they_are_dumped() {
    let expected = json!({"answer": "Hello!", "system": "Be kind.", "input": "Hi"});
    let bare = |kind: &str, text: &str| json!({"type": kind, "content": text});
    let data =
        |kind: &str, text: &str| json!({"type": kind, "data": {"content": text, "type": kind}});
    let whole = |class: &str, text: &str| {
        json!({"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", class],
            "kwargs": {"content": text}})
    };
    let chats = [
        json!([bare("system", "Be kind."), bare("human", "Hi"), bare("ai", "Hello!")]),
        json!([data("system", "Be kind."), data("human", "Hi"), data("ai", "Hello!")]),
        json!([[
            bare("system", "Be kind."),
            bare("human", "Hi"),
            bare("AIMessageChunk", "Hello!")
        ]]),
        json!([
            whole("SystemMessage", "Be kind."),
            whole("HumanMessage", "Hi"),
            whole("AIMessage", "Hello!")
        ]),
    ];
    for chat in chats {
        assert_eq!(
            plain(&[json!({"messages": chat})], None),
            std::slice::from_ref(&expected),
            "{chat}"
        );
    }
    let called = json!({"messages": [bare("human", "Hi"),
        {"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "x"}]}]});
    assert_eq!(plain(&[called], None)[0]["answer"], json!({"a": 1}));
    // Parts of a message are no messages.
    let parts = json!({"messages": [{"type": "text", "text": "Hi"}], "label": "a"});
    assert_eq!(plain(std::slice::from_ref(&parts), None), [parts]);
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
    for cell in [
        "{'text': array(['UK', 'Britain'], dtype=object), 'answer_start': array([1, 2])}",
        r#"{"text": ["UK", "Britain"], "answer_start": [1, 2]}"#,
    ] {
        let row = json!({"question": "q", "answers": cell});
        assert_eq!(plain(&[row], None), [json!({"question": "q", "answers": ["UK", "Britain"]})]);
    }
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

#[test]
fn an_answer_that_calls_a_tool_is_its_arguments() {
    let chat = |last: Value| json!({"messages": [{"role": "user", "content": "Rain?"}, last]});
    let call = |name: &str| json!({"type": "function", "function": {"name": name, "arguments": "{\"city\": \"Ulm\"}"}});
    let one = json!({"role": "assistant", "content": null, "tool_calls": [call("weather")]});
    let without = json!({"role": "assistant", "tool_calls": [call("weather")]});
    let old = json!({"role": "assistant", "content": null,
        "function_call": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}});
    for last in [one, without, old] {
        let expected = json!({"answer": {"city": "Ulm"}, "input": "Rain?"});
        assert_eq!(plain(&[chat(last.clone())], None), [expected], "{last}");
    }
    let two = json!({"role": "assistant", "content": "", "tool_calls": [call("a"), call("b")]});
    let arguments = json!({"city": "Ulm"});
    let expected =
        json!([{"name": "a", "arguments": arguments}, {"name": "b", "arguments": arguments}]);
    assert_eq!(plain(&[chat(two)], None)[0]["answer"], expected);
    let bare = json!({"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]});
    assert_eq!(plain(&[chat(bare)], None)[0]["answer"], json!({"name": "a", "arguments": {}}));
    let [a, b] =
        ["a", "b"].map(|name| chat(json!({"role": "assistant", "tool_calls": [call(name)]})));
    assert_eq!(plain(&[a, b], None)[1]["answer"], json!({"name": "b", "arguments": arguments}));
    let words = json!({"role": "assistant", "content": "Wait.", "tool_calls": [call("a")]});
    assert_eq!(plain(&[chat(words)], None)[0]["answer"], json!("Wait."));
}

#[test]
fn geminis_chats_are_chats() {
    let row = json!({
        "systemInstruction": {"role": "system", "parts": [{"text": "Be kind."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}, {"text": "there"}]},
            {"role": "model", "parts": [{"text": "Hello!"}]},
        ],
    });
    let expected = json!({"answer": "Hello!", "system": "Be kind.", "input": "Hi\nthere"});
    assert_eq!(plain(&[row], None), [expected]);
    let call = json!({"contents": [
        {"parts": [{"text": "Rain?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Ulm"}}}]},
    ]});
    assert_eq!(plain(&[call], None), [json!({"answer": {"city": "Ulm"}, "input": "Rain?"})]);
}

#[test]
fn argillas_labels_have_no_order_and_its_first_version_is_read() {
    let response = |value: Value| json!({"user_id": "u", "value": value, "status": "submitted"});
    let said = [json!(["c"]), json!(["a", "b"]), json!(["b", "a"])].map(response);
    let row = json!({"text": "Great", "topics": said, "topics-suggestion": ["c"]});
    let expected = json!({"text": "Great", "topics-suggestion": ["c"], "topics": ["a", "b"]});
    assert_eq!(plain(&[row], None), [expected]);
    let dropped =
        json!({"text": "Bad", "label": [{"user_id": "u", "value": "x", "status": "discarded"}]});
    assert!(plain(&[dropped], None).is_empty());
}

#[test]
fn argillas_records_give_what_people_agreed_on() {
    let answer = |value: &str, status: &str| json!({"value": value, "status": status});
    let newer = |answers: Value| {
        json!({"id": "r1", "fields": {"text": "Great"}, "vectors": {},
            "responses": {"label": answers}, "suggestions": {"label": {"value": "no", "score": 0.4}}})
    };
    let expected = json!({"id": "r1", "text": "Great", "label": "yes", "label.suggestion": "no"});
    let submitted = json!([
        answer("no", "submitted"),
        answer("yes", "submitted"),
        answer("yes", "submitted"),
        answer("no", "draft"),
        answer("no", "discarded")
    ]);
    let none = newer(json!([answer("no", "discarded")]));
    assert_eq!(plain(&[newer(submitted), none], None), [expected]);
    let older = json!({"fields": {"text": "Great"}, "suggestions": [{"question_name": "label", "value": "no"}],
        "responses": [{"status": "submitted", "values": {"label": {"value": "yes"}}}]});
    let expected = json!({"text": "Great", "label": "yes", "label.suggestion": "no"});
    assert_eq!(plain(&[older], None), [expected]);
    let flat = json!({"text": "Great", "label.responses": ["yes"], "label.responses.users": ["u"],
        "label.responses.status": ["submitted"], "label.suggestion": "no"});
    let expected = json!({"text": "Great", "label": "yes", "label.suggestion": "no"});
    let suggested = json!({"text": "Bad", "label.responses": null, "label.suggestion": "no"});
    let alone = json!({"text": "Bad", "label.suggestion": "no"});
    assert_eq!(
        plain(&[flat, suggested], None),
        [
            expected
                .as_object()
                .map(|it| {
                    let mut it = it.clone();
                    let label = it.shift_remove("label");
                    it.extend(label.map(|label| ("label".to_owned(), label)));
                    Value::Object(it)
                })
                .unwrap(),
            alone
        ]
    );
}

#[test]
fn what_prodigys_annotators_reject_or_ignore_is_no_answer() {
    let row = |label: &str, answer: &str| json!({"text": "x", "label": label, "answer": answer, "_task_hash": 1});
    let rows = [row("GOOD", "accept"), row("BAD", "reject"), row("BAD", "ignore")];
    assert_eq!(plain(&rows, None), [json!({"text": "x", "label": "GOOD"})]);
    // Of a single label, the decision is the answer.
    let rows = [row("SPAM", "accept"), row("SPAM", "reject")];
    let decided = |answer: &str| json!({"text": "x", "label": "SPAM", "answer": answer});
    assert_eq!(plain(&rows, None), [decided("accept"), decided("reject")]);
    let choice = |style: &str, accept: Value| {
        json!({"text": "x", "answer": "accept", "accept": accept,
        "options": [{"id": 1, "text": "Cat"}, {"id": 2, "text": "Dog"}], "config": {"choice_style": style}})
    };
    assert_eq!(
        plain(&[choice("single", json!([2]))], None),
        [json!({"text": "x", "label": "Dog"})]
    );
    let both = json!({"text": "x", "label": ["Cat", "Dog"]});
    assert_eq!(plain(&[choice("multiple", json!([1, 2]))], None), [both]);
}

#[test]
fn marked_places_become_the_marked_texts() {
    let expected = json!({"text": "Änn met Bo", "label": {"PER": ["Änn", "Bo"]}});
    let spans =
        json!([{"start": 0, "end": 3, "label": "PER"}, {"start": 8, "end": 10, "label": "PER"}]);
    let prodigy = json!({"text": "Änn met Bo", "spans": spans, "answer": "accept", "tokens": []});
    assert_eq!(plain(&[prodigy], None), std::slice::from_ref(&expected));
    let doccano = json!({"text": "Änn met Bo", "label": [[0, 3, "PER"], [8, 10, "PER"]]});
    let none = json!({"text": "Rain", "label": []});
    assert_eq!(plain(&[doccano, none], None), [expected, json!({"text": "Rain", "label": {}})]);
    let plain_lists = json!({"text": "Rain", "label": []});
    assert_eq!(plain(std::slice::from_ref(&plain_lists), None), [plain_lists]);
}

#[test]
fn the_items_of_evals_are_unwrapped() {
    let row =
        json!({"item": {"question": "q", "ground_truth": "a"}, "sample": {"output_text": "b"}});
    assert_eq!(plain(&[row], None), [json!({"question": "q", "ground_truth": "a"})]);
    let own = json!({"item": {"a": 1}, "price": 2});
    assert_eq!(plain(std::slice::from_ref(&own), None), [own]);
}

#[test]
fn label_studios_tasks_have_a_column_for_each_control() {
    let annotation = |ground_truth: bool, result: Value| json!({"id": 7, "ground_truth": ground_truth, "was_cancelled": false, "result": result});
    let chosen = |label: &str| json!([{"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]);
    let task = json!({"id": 3, "data": {"text": "Where is it?"}, "predictions": [],
        "annotations": [annotation(false, chosen("billing")), annotation(true, chosen("shipping"))]});
    assert_eq!(
        plain(&[task], None),
        [json!({"id": 3, "text": "Where is it?", "topic": "shipping"})]
    );
    let marked = json!([{"from_name": "names", "type": "labels",
        "value": {"start": 0, "end": 3, "text": "Änn", "labels": ["PER"]}}]);
    let task = json!({"id": 4, "data": {"text": "Änn met Bo"}, "annotations": [annotation(false, marked)]});
    assert_eq!(
        plain(&[task], None),
        [json!({"id": 4, "text": "Änn met Bo", "names": {"PER": ["Änn"]}})]
    );
    let cancelled = json!({"id": 5, "data": {"text": "?"}, "annotations": [{"was_cancelled": true, "result": []}]});
    assert_eq!(plain(&[cancelled], None), Vec::<Value>::new());
}

#[test]
fn json_in_the_text_of_an_answer_is_opened_and_in_an_input_it_is_not() {
    let row = json!({"input": "{\"a\": 1}", "outputs": "{\"label\": \"x\"}"});
    let expected = json!({"input": "{\"a\": 1}", "outputs": {"label": "x"}});
    assert_eq!(plain(&[row], None), [expected]);
    let prose = json!({"input": "a", "outputs": "{not JSON}"});
    assert_eq!(plain(std::slice::from_ref(&prose), None), [prose]);
}

/// What becomes of rows whose shape is settled with all of them, and what is said.
fn settled(rows: &[Value]) -> (Vec<Value>, Vec<String>) {
    let rows: Vec<Columns> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
    let mut shape = Shape::new(&rows[..rows.len().min(20)], Vec::new());
    let numbered = rows.iter().cloned().zip(1..).map(|(row, line)| Ok::<_, ()>((line, row)));
    let notes = shape.settle(numbered).unwrap();
    let read = rows.into_iter().flat_map(|row| match shape.plain(row) {
        Plain::Rows(rows) => rows,
        Plain::LeftOut(_) => Vec::new(),
    });
    (read.map(|row| Value::Object(row.values)).collect(), notes)
}

#[test]
fn a_blank_choice_keeps_its_place() {
    let row = |last: &str, answer: Value| json!({"q": "?", "A": "x", "B": "", "C": last, "answer": answer});
    let (rows, notes) = settled(&[row("z", json!(2)), row("y", json!(0))]);
    let expected = |last: &str, mark: &str| json!({"q": "?", "answer": mark, "choices": format!("A) x\nC) {last}")});
    assert_eq!(rows, [expected("z", "C"), expected("y", "A")]);
    assert!(notes.is_empty(), "{notes:?}");
    let listed = json!({"q": "?", "choices": ["x", "", "z"], "answer": 2});
    assert_eq!(settled(&[listed]).0, [json!({"q": "?", "choices": "A) x\nC) z", "answer": "C"})]);
}

#[test]
fn all_rows_say_from_which_number_places_are_counted() {
    let row = |answer: Value| json!({"q": "?", "choices": ["w", "x", "y", "z"], "answer": answer});
    for (first_20, later, mark_of_2, says) in [
        (1, 0, "C", ""),
        (1, 4, "B", ""),
        (2, 3, "C", "from 0 or from 1"),
        (0, 4, "C", "none of the choices in 1 row, the first on line 31"),
    ] {
        let mut rows = vec![row(json!(first_20)); 30];
        rows.push(row(json!(later)));
        rows.push(row(json!(2)));
        let (read, notes) = settled(&rows);
        assert_eq!(read[31]["answer"], mark_of_2, "{later}");
        assert_eq!(
            notes.concat().contains(says),
            !says.is_empty() || notes.is_empty(),
            "{notes:?}"
        );
        if later == 4 && first_20 == 0 {
            assert_eq!(read[30]["answer"], Value::Null);
        }
    }
    let numbered = |answer: usize| json!({"q": "?", "choice1": "x", "choice2": "y", "choice3": "z", "label": answer});
    let mut rows = vec![numbered(1); 30];
    rows.push(numbered(0));
    assert_eq!(settled(&rows).0[0]["label"], "2");
    assert!(settled(&rows[..30]).1[0].contains("by their numbers or count them from 0"));
}

#[test]
fn alternatives_are_choices_only_if_the_answer_is_one_of_them_at_any_place() {
    let aliases = |n: usize| json!({"q": n, "answer": "UK", "alternatives": ["UK", "Britain"]});
    let expected = json!({"q": 0, "answer": ["UK", "Britain"]});
    assert_eq!(settled(&[aliases(0), aliases(1)]).0[0], expected);
    let others = json!({"q": 0, "answer": "UK", "alternatives": ["Britain", "Albion"]});
    assert_eq!(settled(&[others]).0[0]["answer"], json!(["UK", "Britain", "Albion"]));
    let choices = |answer: &str| json!({"q": "?", "answer": answer, "alternatives": ["x", "y"]});
    let expected = json!({"q": "?", "answer": "B", "alternatives": "A) x\nB) y"});
    assert_eq!(settled(&[choices("x"), choices("y")]).0[1], expected);
}

#[test]
fn a_chat_overwrites_no_column() {
    let row = json!({"messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "It is 4."},
    ], "answer": "4", "input": "sum", "system": "Be kind."});
    let expected = json!({"answer": "4", "input": "sum", "system": "Be kind.\n\nBe brief.",
        "messages_answer": "It is 4.", "messages_input": "2+2?"});
    assert_eq!(plain(&[row], None), [expected]);
}

#[test]
fn argillas_flat_records_may_be_cells_of_a_table_and_have_no_responses_yet() {
    let none = json!({"text": "Bad", "label.responses": "", "label.responses.status": ""});
    let cell = json!({"text": "Great", "label.responses": "['yes']", "label.responses.status": "['submitted']"});
    assert_eq!(
        plain(&[none, cell], None),
        [json!({"text": "Bad"}), json!({"text": "Great", "label": "yes"})]
    );
    let open = json!({"text": "Bad", "label": []});
    let cell = json!({"text": "Great", "label": "[{'user_id': 'u', 'value': 'yes', 'status': 'submitted'}]"});
    assert_eq!(
        plain(&[open, cell], None),
        [json!({"text": "Bad"}), json!({"text": "Great", "label": "yes"})]
    );
    // A field may be called as a question is.
    let row = json!({"fields": {"label": "x"}, "responses": {"label": [{"value": "yes", "status": "submitted"}]}});
    let shape = Shape::new(&[row.as_object().unwrap().clone()], Vec::new());
    assert_eq!(
        (shape.questions(), shape.fields()),
        (vec!["label_response".to_owned()], vec!["label".to_owned()])
    );
    assert_eq!(plain(&[row], None), [json!({"label": "x", "label_response": "yes"})]);
}

#[test]
fn doccanos_newer_rows_have_their_text_in_data() {
    let row = json!({"data": "Ann", "label": [[0, 3, "PER"]]});
    assert_eq!(plain(&[row], None), [json!({"data": "Ann", "label": {"PER": ["Ann"]}})]);
}

#[test]
fn label_studios_short_export_and_empty_annotations_are_read() {
    let short = |more: Value| {
        let mut row =
            json!({"id": 1, "text": "Ann", "annotation_id": 3, "annotator": 1, "lead_time": 2.5});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let rows = [
        short(
            json!({"topic": "a", "names": [{"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}]}),
        ),
        short(json!({"topic": {"choices": ["a", "b"]}, "names": []})),
        short(json!({"topic": "{\"choices\": [\"a\", \"b\"]}", "names": ""})),
    ];
    let expected = |topic: Value, names: Value| json!({"id": 1, "text": "Ann", "topic": topic, "names": names});
    assert_eq!(
        plain(&rows, None),
        [
            expected(json!("a"), json!({"PER": ["Ann"]})),
            expected(json!(["a", "b"]), json!({})),
            expected(json!(["a", "b"]), json!({})),
        ]
    );
    let whole =
        |annotations: Value| json!({"id": 4, "data": {"text": "Ann"}, "annotations": annotations});
    let marked = json!([{"result": [{"from_name": "names", "type": "labels",
        "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}}]}]);
    let rows = [whole(json!([])), whole(marked), whole(json!([{"result": []}]))];
    assert_eq!(
        plain(&rows, None),
        [
            json!({"id": 4, "text": "Ann"}),
            json!({"id": 4, "text": "Ann", "names": {"PER": ["Ann"]}}),
            json!({"id": 4, "text": "Ann", "names": {}}),
        ]
    );
}

#[test]
fn what_of_a_row_is_lost_is_known() {
    let said = |content: Value| json!({"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "Yes"}]});
    let words = json!({"type": "text", "text": "Rain?"});
    let gemini = |part: Value| json!({"contents": [{"parts": [{"text": "Rain?"}, part]}, {"role": "model", "parts": [{"text": "Yes"}]}]});
    for (row, expected) in [
        (said(json!([words])), ""),
        (said(json!([words, {"type": "image_url", "image_url": {"url": "data:"}}])), "images"),
        (said(json!([words, {"type": "tool_result", "content": "4"}])), "results of tools"),
        (said(json!([words, {"type": "odd"}])), "parts without a text"),
        (gemini(json!({"inlineData": {"data": ""}})), "images"),
        (gemini(json!({"functionResponse": {"name": "f"}})), "results of tools"),
        (gemini(json!({"functionCall": {"name": "f"}})), "calls of tools"),
        (json!({"row_idx": 1, "row": {"a": "b"}, "truncated_cells": ["a"]}), "cells were cut off"),
    ] {
        let row = row.as_object().unwrap();
        let shape = Shape::new(std::slice::from_ref(row), Vec::new());
        let Plain::Rows(rows) = shape.plain(row.clone()) else { panic!("no rows") };
        let losses: String = rows[0].losses.iter().copied().collect();
        assert_eq!(
            losses.contains(expected),
            !expected.is_empty() || losses.is_empty(),
            "{row:?}: {losses}"
        );
    }
}

#[test]
fn a_question_that_holds_its_choices_becomes_columns() {
    let choices = json!([{"label": "A", "text": "rain"}, {"label": "B", "text": "sun"}]);
    let row = json!({"id": "x", "question": {"stem": "What is wet?", "choices": choices}, "answerKey": "A"});
    let flat = json!({"id": "x", "question": "What is wet?", "choices": "A) rain\nB) sun", "answerKey": "A"});
    assert_eq!(plain(&[row.clone(), row], None), [flat.clone(), flat]);
    let listed = json!({"question": "What is wet?", "choices": choices, "answerKey": "B"});
    let flat = json!({"question": "What is wet?", "choices": "A) rain\nB) sun", "answerKey": "B"});
    assert_eq!(plain(&[listed], None), [flat]);
}

#[test]
fn marks_of_choices_are_not_doubled() {
    for (options, correct) in [
        (json!(["A)5", "B)6"]), "B"),
        (json!(["(A) 5", "(B) 6"]), "B"),
        (json!(["A. 5", "B. 6"]), "B. 6"),
        (json!(["5", "6"]), "B"),
    ] {
        let row = json!({"question": "What is 3 and 3?", "options": options, "correct": correct});
        let flat = json!({"question": "What is 3 and 3?", "options": "A) 5\nB) 6", "correct": "B"});
        assert_eq!(plain(&[row.clone(), row], None), [flat.clone(), flat], "{options}");
    }
    let row = json!({"question": "Which?", "options": ["A) a", "C) c"], "correct": "A"});
    assert_eq!(plain(&[row], None)[0]["options"], "A) A) a\nB) C) c");
}

#[test]
fn the_choice_with_the_highest_score_is_the_answer() {
    let same = [
        json!({"input": "Is it wet?", "target_scores": {"yes": 1, "no": 0}}),
        json!({"input": "Is it dry?", "target_scores": {"no": 1.0, "yes": 0.2}}),
    ];
    let expected = [
        json!({"input": "Is it wet?", "target": "yes"}),
        json!({"input": "Is it dry?", "target": "no"}),
    ];
    assert_eq!(plain(&same, None), expected);
    let own = [
        json!({"input": "What is wet?", "target_scores": {"sun": 0, "rain": 1}}),
        json!({"input": "What is dry?", "target_scores": {"sand": 1, "sea": 0}}),
    ];
    let expected = [
        json!({"input": "What is wet?", "choices": "A) sun\nB) rain", "target": "B"}),
        json!({"input": "What is dry?", "choices": "A) sand\nB) sea", "target": "A"}),
    ];
    assert_eq!(plain(&own, None), expected);
    let counts = json!({"input": "x", "target_scores": {"yes": "often"}});
    assert_eq!(plain(std::slice::from_ref(&counts), None), [counts]);
}

#[test]
fn choices_beside_labels_are_label_studios_without_its_usual_columns() {
    let rows = [
        json!({"id": "1", "text": "One", "topics": "a", "annotator": "x"}),
        json!({"id": "2", "text": "Two", "topics": "{\"choices\": [\"a\", \"b\"]}", "annotator": "x"}),
    ];
    let expected = [
        json!({"id": "1", "text": "One", "topics": "a"}),
        json!({"id": "2", "text": "Two", "topics": ["a", "b"]}),
    ];
    assert_eq!(plain(&rows, None), expected);
}
