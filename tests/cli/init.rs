//! `init --from`: the files of other tools become tasks that plan and run, or nothing is left behind.

use crate::env::TestEnv;
use serde_json::{Value, json};

fn lines(count: usize, row: impl Fn(usize) -> Value) -> String {
    (0..count).map(|n| format!("{}\n", row(n))).collect()
}

/// Makes a task of a file, plans it and runs it; what `init --json` says.
fn made(env: &TestEnv, file: &str, flags: &str) -> Value {
    let made = env.run(&format!("init made --from {file} {flags} --json")).ok().json();
    env.run("plan made").ok();
    env.run("run made --max-calls 60 --strategy random --name made").ok();
    made
}

fn role_of(made: &Value, role: &str) -> Option<String> {
    let columns = made["columns"].as_array().unwrap().iter();
    let mut found = columns.filter(|column| column["role"] == role);
    found.next().map(|column| column["name"].as_str().unwrap().to_owned())
}

fn notes(made: &Value) -> String {
    made["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{}\n", it.as_str().unwrap()))
        .collect()
}

#[test]
fn a_support_desks_export_becomes_a_task() {
    let env = TestEnv::new();
    let teams = ["Delivery", "Refunds", "delivery"];
    let rows: String = (0..48)
        .map(|n| {
            let body = format!("\"Guten Tag;\r\nwo bleibt mein Paket {n}? \"\"Bald\"\" hieß es.\"");
            format!(
                "K-{};{:02}.02.2024;{};{body};{};{}\r\n",
                300 + 7 * n,
                n % 28 + 1,
                n % 3,
                ["S", "M"][n % 2],
                teams[n % 3]
            )
        })
        .collect();
    env.write(
        "desk.csv",
        &format!(
            "\u{feff}Ticket #;Angelegt am;Antworten;Text (HTML);Größe;Zuständiges Team\r\n{rows}"
        ),
    );
    let made = made(&env, "desk.csv", "");
    assert_eq!(role_of(&made, "id").as_deref(), Some("Ticket #"));
    assert_eq!(role_of(&made, "input").as_deref(), Some("Text (HTML)"));
    assert_eq!(role_of(&made, "answer").as_deref(), Some("Zuständiges Team"));
    assert_eq!(made["rows"], 48);
    assert!(
        notes(&made).contains("`Delivery` (16 rows) and `delivery` (16 rows) are one label"),
        "{made}"
    );
    let planned = env.run("plan made --json").ok().json();
    let sent = planned["request"]["messages"][1]["content"].as_str().unwrap();
    assert!(sent.starts_with("Guten Tag;\r\nwo bleibt mein Paket "), "{sent}");
    assert!(sent.ends_with("? \"Bald\" hieß es."), "{sent}");
}

#[test]
fn a_column_of_any_name_can_be_the_input() {
    for name in
        ["x-y", "a.b", "größe", "in", "row", "2nd", "say \"hi\"", "it's", "both \"'", "{{ q }}"]
    {
        let env = TestEnv::new();
        let rows = lines(24, |n| json!({name: format!("text {n} of a ticket"), "label": n % 2}));
        env.write("rows.jsonl", &rows);
        let made = made(&env, "rows.jsonl", "");
        assert_eq!(role_of(&made, "input").as_deref(), Some(name));
    }
}

#[test]
fn flags_name_columns_and_paths() {
    let env = TestEnv::new();
    env.write("rows.jsonl", &lines(24, |n| json!({
        "nr": format!("n{n}"),
        "turns": [{"content": format!("What about {n}?")}, {"content": (["left", "right"][n % 2])}],
        "meta": {"why": format!("because of {n}"), "label": "none"},
    })));
    let made = made(
        &env,
        "rows.jsonl",
        "--input turns[0].content --answer turns[-1].content --id nr --feedback meta.why",
    );
    assert_eq!(role_of(&made, "answer").as_deref(), Some("turns[-1].content"));
    let task = env.read("made/task.toml");
    assert!(task.contains("labels = [\"left\", \"right\"]"), "{task}");
    assert!(task.contains("id = \"nr\", feedback = \"why\""), "{task}");
    let first: Value =
        serde_json::from_str(env.read("made/examples.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({"nr": "n0", "content": "What about 0?", "turns_1_content": "left", "why": "because of 0", "label": "none"})
    );

    let wrong = env.run("init other --from rows.jsonl --answer meta.lable").exits(3);
    assert!(
        wrong.stderr.contains("--answer") && wrong.stderr.contains("did you mean `meta.label`?"),
        "{}",
        wrong.stderr
    );
    assert!(!env.path("other").exists());
}

#[test]
fn a_path_leads_into_a_chat_as_it_stands_in_the_file() {
    let user = |n: usize| json!({"role": "user", "content": format!("Where is parcel {n}?")});
    let system = json!({"role": "system", "content": "Sort."});
    let word = |n: usize| ["up", "down"][n % 2];
    for (row, flags) in [
        (
            &(|n| json!({"messages": [user(n)], "row": {"label": word(n)}}))
                as &dyn Fn(usize) -> Value,
            "--input messages[-1].content --answer row.label",
        ),
        (
            &|n| json!({"messages": [system, {"role": "user", "content": "Hi"}, user(n), {"role": "assistant", "content": word(n)}]}),
            "--input messages[2].content --answer messages[-1].content",
        ),
        (
            &|n| json!({"messages": [system, user(n), {"role": "assistant", "content": word(n)}]}),
            "--input messages[1].content",
        ),
    ] {
        let env = TestEnv::new();
        env.write("rows.jsonl", &lines(24, row));
        let made = made(&env, "rows.jsonl", flags);
        assert_eq!(role_of(&made, "input").as_deref(), Some("content"), "{made}");
        let planned = env.run("plan made --json").ok().json();
        let messages = planned["request"]["messages"].as_array().unwrap();
        let sent = messages.last().unwrap()["content"].as_str().unwrap();
        assert!(sent.starts_with("Where is parcel ") && sent.ends_with('?'), "{sent}");
        let task = env.read("made/task.toml");
        assert!(task.contains("labels = [\"down\", \"up\"]"), "{task}");
        assert_eq!(
            env.read("made/system.md") == "Sort.\n",
            flags.contains("[1]") || flags.contains("[2]")
        );
    }
}

#[test]
fn flags_that_name_one_column_twice_are_refused() {
    let env = TestEnv::new();
    env.write("rows.csv", "id,input,answer\n1,some words,x\n2,other words,y\n");
    for (flags, named) in [
        ("--feedback answer --answer answer", "--answer and --feedback both name `answer`"),
        ("--id input --input input", "--input and --id both name `input`"),
        ("--input input --answer input", "--input and --answer both name `input`"),
    ] {
        let ran = env.run(&format!("init made --from rows.csv {flags}")).exits(3);
        assert!(ran.stderr.contains(named), "{}", ran.stderr);
    }
}

#[test]
fn the_data_sets_of_other_tools_are_understood() {
    let word = |n: usize| ["up", "down"][n % 2];
    let hugging_face = json!({
        "features": [{"name": "label", "type": {"names": ["down", "up"], "_type": "ClassLabel"}}],
        "rows": (0..24).map(|n| json!({"row_idx": n, "row": {"sentence": format!("It goes {n} ways"), "label": n % 2}})).collect::<Vec<_>>(),
    });
    let deepeval = (0..24).map(|n| json!({"input": format!("Where to, {n}?"), "actual_output": "up, surely", "expected_output": word(n)})).collect::<Vec<_>>();
    for (file, text, input, answer, score) in [
        ("hf.json", hugging_face.to_string(), "sentence", "label", "labels = [\"down\", \"up\"]"),
        (
            "deepeval.json",
            json!(deepeval).to_string(),
            "input",
            "expected_output",
            "kind = \"label\"",
        ),
        (
            "langfuse.jsonl",
            lines(
                24,
                |n| json!({"id": n, "input": {"question": format!("Where is {n}?")}, "expectedOutput": {"answer": word(n)}, "metadata": {"a": 1}}),
            ),
            "input.question",
            "expectedOutput.answer",
            "kind = \"label\"",
        ),
        (
            "inspect.jsonl",
            lines(
                24,
                |n| json!({"input": format!("Which is {n}?"), "target": "AB".get(n % 2..=n % 2), "choices": ["one", "two"]}),
            ),
            "input",
            "target",
            "labels = [\"A\", \"B\"]",
        ),
        (
            "chat.jsonl",
            lines(24, |n| {
                json!({"messages": [
                    {"role": "system", "content": "Say where."},
                    {"role": "user", "content": format!("And {n}?")},
                    {"role": "assistant", "content": word(n)},
                ]})
            }),
            "input",
            "answer",
            "kind = \"label\"",
        ),
        (
            "evals.jsonl",
            lines(
                24,
                |n| json!({"input": [{"role": "system", "content": "Say where."}, {"role": "user", "content": format!("{n}?")}], "ideal": format!("{n} up")}),
            ),
            "input",
            "ideal",
            "kind = \"equals\"",
        ),
    ] {
        let env = TestEnv::new();
        env.write(file, &text);
        let made = made(&env, file, "");
        assert_eq!(role_of(&made, "input").as_deref(), Some(input), "{file}");
        assert_eq!(role_of(&made, "answer").as_deref(), Some(answer), "{file}");
        assert_eq!(made["rows"], 24, "{file}");
        let task = env.read("made/task.toml");
        assert!(task.contains(score), "{file}: {task}");
        if file == "chat.jsonl" || file == "evals.jsonl" {
            assert_eq!(env.read("made/system.md"), "Say where.\n");
        }
        if file == "inspect.jsonl" {
            let planned = env.run("plan made --json").ok().json();
            let sent = planned["request"]["messages"][1]["content"].as_str().unwrap();
            assert!(sent.ends_with("?\n\nA) one\nB) two"), "{sent}");
        }
    }
}

#[test]
fn the_exports_of_annotation_tools_are_understood() {
    let word = |n: usize| ["up", "down"][n % 2];
    let text = |n: usize| format!("It goes {n} ways");
    let argilla = lines(24, |n| {
        let status = if n == 3 { "discarded" } else { "submitted" };
        json!({"id": format!("r{n}"), "fields": {"text": text(n)},
            "responses": {"label": [{"value": word(n), "status": status}]},
            "suggestions": {"label": {"value": word(n + 1), "score": 0.5}}})
    });
    let prodigy = lines(24, |n| {
        let answer = if n == 3 { "ignore" } else { "accept" };
        json!({"text": text(n), "answer": answer, "_task_hash": n, "accept": [word(n)],
            "options": [{"id": "up", "text": "Up"}, {"id": "down", "text": "Down"}]})
    });
    let doccano = lines(24, |n| json!({"id": n, "text": text(n), "label": [word(n)]}));
    for (file, rows, said, labels) in [
        ("argilla.jsonl", argilla, "1 discarded row left out", "[\"down\", \"up\"]"),
        ("prodigy.jsonl", prodigy, "1 ignored row left out", "[\"Down\", \"Up\"]"),
        ("doccano.jsonl", doccano, "", "[\"down\", \"up\"]"),
    ] {
        let env = TestEnv::new();
        env.write(file, &rows);
        let made = made(&env, file, "");
        assert_eq!(role_of(&made, "input").as_deref(), Some("text"), "{file}");
        assert_eq!(role_of(&made, "answer").as_deref(), Some("label"), "{file}");
        assert!(notes(&made).contains(said), "{file}: {made}");
        assert_eq!(made["rows"], if said.is_empty() { 24 } else { 23 }, "{file}");
        let task = env.read("made/task.toml");
        assert!(task.contains(labels), "{file}: {task}");
    }
}

#[test]
fn marked_places_and_calls_of_tools_are_json_answers() {
    let spans = |n: usize| match n % 3 {
        0 => json!([]),
        _ => json!([[0, 3, "WHO"], [8, 10, "WHO"]]),
    };
    let env = TestEnv::new();
    env.write(
        "seq.jsonl",
        &lines(24, |n| json!({"text": format!("Ann met Bo {n}"), "label": spans(n)})),
    );
    made(&env, "seq.jsonl", "");
    let right = |n: usize| match n % 3 {
        0 => json!("{}"),
        _ => json!("{\"WHO\": [\"Ann\",  \"Bo\"]}"),
    };
    assert_eq!(score_of(&env, (0..24).map(right)), 1.0);

    let env = TestEnv::new();
    let call =
        |n: usize| json!({"function": {"name": "find", "arguments": format!("{{\"nr\": {n}}}")}});
    env.write(
        "calls.jsonl",
        &lines(24, |n| {
            json!({"messages": [
                {"role": "user", "content": format!("Where is order {n}?")},
                {"role": "assistant", "content": null, "tool_calls": [call(n)]},
            ]})
        }),
    );
    let made = made(&env, "calls.jsonl", "");
    assert!(notes(&made).contains("calls of tools"), "{made}");
    assert_eq!(score_of(&env, (0..24).map(|n| json!(format!("{{\"nr\": {n}}}")))), 1.0);

    // A user may name a column and an entry of it.
    let env = TestEnv::new();
    env.write("nested.jsonl", &lines(24, |n| json!({"out": {"text": format!("So {n}"), "nr": n}})));
    let made = self::made(&env, "nested.jsonl", "--input out.text --answer out");
    assert_eq!(role_of(&made, "answer").as_deref(), Some("out"));
}

#[test]
fn titles_and_totals_around_a_table_are_told() {
    let env = TestEnv::new();
    let rows: String =
        (0..24).map(|n| format!("{n};Where is {n}?;{}\n", ["up", "down"][n % 2])).collect();
    env.write("desk.csv", &format!("Tickets of May\n\nnr;text;queue\n{rows}Total;;24\n"));
    let made = made(&env, "desk.csv", "");
    assert_eq!(
        (made["rows"].as_u64(), role_of(&made, "answer").as_deref()),
        (Some(24), Some("queue"))
    );
    insta::assert_snapshot!(notes(&made), @r"
    line 1 stands above the header and is left out: `Tickets of May`
    line 28 stands below the rows, as a total does, and is left out: `Total,,24`
    ");
}

#[test]
fn lists_of_right_answers_become_any_of() {
    let env = TestEnv::new();
    env.write("squad.jsonl", &lines(24, |n| json!({
        "id": format!("q{n}"), "context": format!("The river {n} ends in the sea."), "question": format!("Where does {n} end?"),
        "answers": {"text": if n == 3 { json!([]) } else { json!(["the sea", format!("sea {n}")]) }, "answer_start": [1, 2]},
    })));
    let made = made(&env, "squad.jsonl", "");
    assert_eq!(made["rows"], 23);
    assert!(
        notes(&made).contains("1 row without a value in `answers.text` left out (line 4)"),
        "{made}"
    );
    let task = env.read("made/task.toml");
    assert!(task.contains("any_of = true") && task.contains("{{ context }}"), "{task}");
}

#[test]
fn braces_in_a_chats_instructions_stay_what_they_are() {
    let env = TestEnv::new();
    env.write(
        "chat.jsonl",
        &lines(24, |n| {
            json!({"messages": [
                {"role": "system", "content": "Fill in {{ name }}."},
                {"role": "user", "content": format!("{n}?")},
                {"role": "assistant", "content": format!("It is {n}.")},
            ]})
        }),
    );
    made(&env, "chat.jsonl", "");
    let planned = env.run("plan made --json").ok().json();
    let sent = planned["request"]["messages"].to_string();
    assert!(sent.contains("Fill in {{ name }}."), "{planned}");
}

#[test]
fn rows_without_an_answer_are_left_out_and_named() {
    let env = TestEnv::new();
    let rows: String = (0..24)
        .map(|n| format!("text {n} here,{}\n", if n == 5 { "" } else { ["a", "b"][n % 2] }))
        .collect();
    env.write("rows.csv", &format!("text,label\n{rows}"));
    let made = made(&env, "rows.csv", "");
    assert_eq!(made["rows"], 23);
    assert!(notes(&made).contains("1 row without a value in `label` left out (line 7)"), "{made}");
}

#[test]
fn ids_that_are_none_give_way_to_numbers() {
    let env = TestEnv::new();
    env.write(
        "rows.jsonl",
        &lines(24, |n| json!({"id": n / 2, "text": format!("text {n}"), "label": n % 2})),
    );
    let made = made(&env, "rows.jsonl", "");
    assert_eq!(role_of(&made, "id"), None);
    assert!(notes(&made).contains("`id` are missing or not unique"), "{made}");
}

/// What `eval` says of recorded answers, in the order of the rows: the mean score.
fn score_of(env: &TestEnv, answers: impl Iterator<Item = Value>) -> f64 {
    let rows: String = answers.map(|it| format!("{}\n", json!({"output": it}))).collect();
    env.write("answers.jsonl", &rows);
    let ran = env.run("eval made --answers answers.jsonl --column output --json").ok().json();
    ran["quality"]["mean"].as_f64().unwrap()
}

#[test]
fn choices_are_shown_and_all_of_them_are_labels() {
    for (file, text, shown) in [
        (
            "mmlu.csv",
            (0..24)
                .map(|n| format!("Capital {n}?,Rome,Oslo,Bern,Bonn,{}\n", ["A", "C"][n % 2]))
                .fold("question,A,B,C,D,answer\n".to_owned(), |all, row| all + &row),
            "A) Rome\nB) Oslo\nC) Bern\nD) Bonn",
        ),
        (
            "hellaswag.jsonl",
            lines(
                24,
                |n| json!({"ind": n, "ctx": format!("He runs {n}"), "endings": ["Rome", "Oslo", "Bern", "Bonn"], "label": (["0", "2"][n % 2])}),
            ),
            "A) Rome\nB) Oslo\nC) Bern\nD) Bonn",
        ),
        (
            "swag.csv",
            (0..24)
                .map(|n| format!("He runs {n},Rome,Oslo,Bern,Bonn,{}\n", [0, 2][n % 2]))
                .fold("ctx,ending0,ending1,ending2,ending3,label\n".to_owned(), |all, row| {
                    all + &row
                }),
            "0) Rome\n1) Oslo\n2) Bern\n3) Bonn",
        ),
    ] {
        let env = TestEnv::new();
        env.write(file, &text);
        made(&env, file, "");
        let planned = env.run("plan made --json").ok().json();
        let sent = planned["request"]["messages"][1]["content"].as_str().unwrap();
        assert!(sent.ends_with(&format!("\n\n{shown}")), "{file}: {sent}");
        let marks: Vec<&str> = shown.lines().map(|line| &line[..1]).collect();
        let task = env.read("made/task.toml");
        assert!(task.contains(&format!("labels = {marks:?}")), "{file}: {task}");
        assert_eq!(score_of(&env, (0..24).map(|n| json!(marks[[0, 2][n % 2]]))), 1.0, "{file}");
        assert_eq!(score_of(&env, (0..24).map(|_| json!(marks[3]))), 0.0, "{file}");
    }
}

#[test]
fn several_labels_of_a_row_are_no_alternatives() {
    let env = TestEnv::new();
    let rows = lines(
        24,
        |n| json!({"text": format!("about {n}"), "labels": ([json!(["news", "art"]), json!(["art"])][n % 2])}),
    );
    env.write("tags.jsonl", &rows);
    let made = made(&env, "tags.jsonl", "");
    assert!(notes(&made).contains("`labels` holds several labels of a row"), "{made}");
    assert!(env.read("made/task.toml").contains("kind = \"label-set\""));
    // Their order does not count, and a part of them counts for a part: 2 / (1 + 2) for half of the rows.
    for right in [[r#"["art", "news"]"#, r#"["art"]"#], ["news, art", "art"]] {
        assert_eq!(score_of(&env, (0..24).map(|n| json!(right[n % 2]))), 1.0, "{right:?}");
    }
    let part = score_of(&env, (0..24).map(|_| json!("news")));
    assert!((part - 1.0 / 3.0).abs() < 1e-9, "{part}");
}

#[test]
fn a_row_to_which_no_label_applies_stays() {
    let env = TestEnv::new();
    let sets = [json!(["news", "art"]), json!([]), json!(["art"])];
    let rows = lines(30, |n| json!({"text": format!("about {n}"), "labels": sets[n % 3]}));
    env.write("tags.jsonl", &rows);
    let made = made(&env, "tags.jsonl", "");
    assert_eq!(made["rows"], 30, "{made}");
    assert!(notes(&made).contains("10 rows have no label"), "{made}");
    let right = ["art and news", "none", "art"];
    assert_eq!(score_of(&env, (0..30).map(|n| json!(right[n % 3]))), 1.0);
}

#[test]
fn a_name_with_a_line_break_is_written_as_it_is_shown() {
    let env = TestEnv::new();
    let rows: String =
        (0..24).map(|n| format!("words {n},other {n},{}\n", ["a", "b"][n % 2])).collect();
    env.write("rows.csv", &format!("note,\"Text of\nthe ticket\",label\n{rows}"));
    env.run_with("init made --from rows.csv --input", &["Text of the ticket"]).ok();
    let planned = env.run("plan made --json").ok().json();
    assert!(planned["request"]["messages"].to_string().contains("other "), "{planned}");
}

#[test]
fn rows_whose_prompts_are_equal_are_named() {
    let env = TestEnv::new();
    env.write("rows.jsonl", &lines(60, |n| json!({"kind": "a", "text": n, "label": n % 2})));
    let ran = env.run("init made --from rows.jsonl --input kind --answer label").exits(3);
    assert!(ran.stderr.contains("all rows have the same value in `kind`"), "{}", ran.stderr);
    env.run("init made --from rows.jsonl --input text --answer label").ok();
    env.edit("made/task.toml", "{{ text }}", "{{ kind }}");
    let ran = env.run("plan made").exits(3);
    let says = "the prompt shows only 1 different input for 60 rows";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
}

#[test]
fn a_large_file_is_checked_by_its_first_rows_and_written_whole() {
    let env = TestEnv::new();
    for (file, text) in [
        (
            "rows.csv",
            (0..6_000)
                .map(|n| format!("\"text\n{n}\",{}\n", n % 2))
                .fold("text,label\n".to_owned(), |all, row| all + &row),
        ),
        (
            "rows.jsonl",
            lines(
                6_000,
                |n| json!({"text": format!("text {n}"), "label": n % 2, "meta": {"a": n}}),
            ),
        ),
        (
            "rows.json",
            json!(
                (0..6_000)
                    .map(|n| json!({"text": format!("text {n}"), "label": n % 2}))
                    .collect::<Vec<_>>()
            )
            .to_string(),
        ),
    ] {
        env.write(file, &text);
        let made = env.run(&format!("init {file}-made --from {file} --json")).ok().json();
        assert_eq!(made["rows"], 6_000);
        let data = file.replace("rows", "examples");
        assert_eq!(env.read(&format!("{file}-made/{data}")), text);
        assert!(!env.path(&format!("{file}-made/check")).exists());
        env.run(&format!("plan {file}-made")).ok();
    }
}

const CONFIG: &str = r#"description: greetings
prompts:
  - "Greet {{name}} in {{ language }}. {{ mood }}"
  - file://second.txt
providers: [openai:gpt-4o-mini]
defaultTest:
  assert:
    - type: cost
      threshold: 0.1
tests:
  - vars: { name: Ada, language: [French, Basque] }
    assert:
      - type: icontains
        value: ada
      - type: llm-rubric
        value: is friendly
  - vars: { name: "007", language: German }
    assert:
      - type: starts-with
        value: Hallo
  - vars: { name: Eve, language: German }
    assert:
      - type: not-contains
        value: bye
"#;

#[test]
fn a_promptfoo_configuration_becomes_a_task_and_what_it_loses_is_listed_by_line() {
    let env = TestEnv::new();
    env.write("promptfooconfig.yaml", CONFIG);
    let made = made(&env, "promptfooconfig.yaml", "");
    assert_eq!(made["rows"], 4);
    insta::assert_snapshot!(notes(&made), @r"
    promptfooconfig.yaml:3: no test has the variable `mood`, so it is empty
    promptfooconfig.yaml:4: only the first prompt is taken; this one is left out
    promptfooconfig.yaml:8: the assertion `cost` is not supported, and is left out
    promptfooconfig.yaml:9: `threshold` of an assertion is not supported, and is left out
    promptfooconfig.yaml:15: a rubric that not all tests have is left out: a judge grades all answers by the same
    ");
    let task = env.read("made/task.toml");
    assert!(
        task.contains("Greet {{name}} in {{ language }}") && task.contains("search = [\"user\"]"),
        "{task}"
    );
    assert!(task.contains("# promptfoo's configuration names openai:gpt-4o-mini"), "{task}");
    insta::assert_snapshot!(env.read("made/examples.jsonl"), @r#"
    {"name":"Ada","language":"French","mood":null,"answer":"ada","assertions":[{"kind":"contains","value":"ada","normalize":["trim","lower"]}]}
    {"name":"Ada","language":"Basque","mood":null,"answer":"ada","assertions":[{"kind":"contains","value":"ada","normalize":["trim","lower"]}]}
    {"name":"007","language":"German","mood":null,"answer":"Hallo","assertions":[{"kind":"starts-with","value":"Hallo"}]}
    {"name":"Eve","language":"German","mood":null,"answer":"","assertions":[{"kind":"not-contains","value":"bye"}]}
    "#);
}

#[test]
fn values_and_files_of_a_promptfoo_configuration_are_read_within_its_folder() {
    let env = TestEnv::new();
    let tests: String = (0..24)
        .map(|n| format!("  - vars: file://vars/{n}.yaml\n"))
        .chain(["  - vars: {city: file://../secret.txt}\n".to_owned()])
        .collect();
    for n in 0..24 {
        env.write(
            &format!("suite/vars/{n}.yaml"),
            &format!("city: C{n}\nexpected: E{n}\nhint: file://hint.txt\n"),
        );
    }
    env.write("secret.txt", "secret");
    env.write("suite/hint.txt", "Think.\n");
    env.write(
        "suite/prompt.txt",
        "{% raw %}Use {{ these }}{% endraw %}: {{city}}? {{hint}} {{tone}}",
    );
    env.write(
        "suite/promptfooconfig.yaml",
        &format!(
            "prompts: [file://../secret.txt, file://prompt.txt]\ndefaultTest:\n  vars: {{tone: kindly}}\n  \
             assert: [{{type: icontains, value: 'is {{{{expected}}}}'}}]\ntests:\n{tests}"
        ),
    );
    let made = made(&env, "suite/promptfooconfig.yaml", "");
    assert_eq!(made["rows"], 24);
    insta::assert_snapshot!(notes(&made), @r"
    suite/promptfooconfig.yaml: a file outside of the configuration's folder is not read (2 lines: 1, 30)
    suite/promptfooconfig.yaml:30: this test lacks a variable, and is left out
    ");
    let planned = env.run("plan made --json").ok().json();
    let sent = planned["request"]["messages"].to_string();
    assert!(sent.contains("Use {{ these }}: C") && sent.contains("? Think. kindly"), "{sent}");
    assert!(!sent.contains("secret"), "{sent}");
    assert_eq!(score_of(&env, (0..24).map(|n| json!(format!("It is e{n}!")))), 1.0);
    assert_eq!(score_of(&env, (0..24).map(|_| json!("{{expected}}"))), 0.0);
}

#[test]
fn what_all_tests_expect_is_the_answer_of_each() {
    for (assertions, answer) in [
        ("[{type: equals, value: billing}]", "billing"),
        ("[{type: is-json}, {type: contains, value: billing}]", "billing"),
        ("[{type: is-json}]", ""),
    ] {
        let env = TestEnv::new();
        let tests: String = (0..40).map(|n| format!("  - vars: {{t: Ticket {n}}}\n")).collect();
        env.write(
            "promptfooconfig.yaml",
            &format!("prompts: ['Route {{{{t}}}}']\ndefaultTest:\n  assert: {assertions}\ntests:\n{tests}"),
        );
        made(&env, "promptfooconfig.yaml", "");
        for row in env.read("made/examples.jsonl").lines() {
            assert_eq!(serde_json::from_str::<Value>(row).unwrap()["answer"], answer);
        }
        let planned = env.run("plan made").ok();
        assert_eq!(
            planned.stderr.contains("same answer") || planned.stdout.contains("same answer"),
            !answer.is_empty()
        );
    }
}

#[test]
fn a_prompt_without_the_variables_of_the_tests_is_named_by_its_line() {
    for (prompt, said) in [
        ("Route the ticket: {{name}}", "shows `name`, which no test has"),
        ("Route the ticket: {t}", "the prompt shows no variable"),
    ] {
        let env = TestEnv::new();
        let tests: String = (0..20)
            .map(|n| {
                format!("  - vars: {{t: T{n}}}\n    assert: [{{type: equals, value: v{n}}}]\n")
            })
            .collect();
        env.write("promptfooconfig.yaml", &format!("prompts:\n  - '{prompt}'\ntests:\n{tests}"));
        let ran = env.run("init made --from promptfooconfig.yaml").exits(3);
        assert!(
            ran.stderr.contains("promptfooconfig.yaml:2: ") && ran.stderr.contains(said),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("write `{{ t }}`"), "{}", ran.stderr);
    }
}

#[test]
fn tests_that_name_themselves_are_an_error() {
    let env = TestEnv::new();
    env.write("promptfooconfig.yaml", "prompts: ['{{a}}']\ntests: t.yaml\n");
    env.write("t.yaml", "- t.yaml\n");
    let ran = env.run("init made --from promptfooconfig.yaml").exits(3);
    assert!(ran.stderr.contains("name one another"), "{}", ran.stderr);
    assert!(!env.path("made").exists());
}

#[test]
fn a_promptfoo_table_keeps_its_assertions() {
    let env = TestEnv::new();
    let rows: String = (0..24).map(|n| format!("Word {n},icontains: w{}\n", n % 3)).collect();
    env.write("tests.csv", &format!("phrase,__expected\n{rows}"));
    made(&env, "tests.csv", "");
    let task = env.read("made/task.toml");
    assert!(task.contains("kind = \"contains\"\nnormalize = [\"trim\", \"lower\"]"), "{task}");
    assert!(
        env.read("made/examples.jsonl").starts_with("{\"phrase\":\"Word 0\",\"answer\":\"w0\"}\n")
    );
    let rows: String =
        (0..24).map(|n| format!("Word {n},gold{n},contains: {{{{gold}}}}\n")).collect();
    env.write("filled.csv", &format!("phrase,gold,__expected\n{rows}"));
    env.run("init filled --from filled.csv").ok();
    assert!(env.read("filled/examples.jsonl").contains("\"answer\":\"gold7\""));
    // What is expected is not for the model to see.
    assert!(!env.read("filled/task.toml").contains("{{ gold }}"));
    env.write("rubric.csv", "phrase,__expected\na,moderation: is nice\n");
    let ran = env.run("init other --from rubric.csv").exits(3);
    assert!(ran.stderr.contains("no test has an assertion that can be scored"), "{}", ran.stderr);
    assert!(!env.path("other").exists());
}

#[test]
fn a_rubric_of_all_tests_is_graded_by_a_judge() {
    let env = TestEnv::new();
    let tests: String = (0..40)
        .map(|n| {
            format!(
                "  - vars: {{ name: Ada{n} }}\n    assert: [{{ type: icontains, value: ada{n} }}]\n"
            )
        })
        .collect();
    let config = format!(
        "prompts: [\"Greet {{{{name}}}}.\"]\ndefaultTest:\n  assert:\n    - type: llm-rubric\n      value: It is friendly, and not too long.\ntests:\n{tests}"
    );
    env.write("promptfooconfig.yaml", &config);
    let said = made(&env, "promptfooconfig.yaml", "");
    assert_eq!(notes(&said), "", "{said}");
    let task = env.read("made/task.toml");
    assert!(task.contains("judge = \"sim/judge\""), "{task}");
    let rubric = "kind = \"rubric\"\nvalue = \"It is friendly, and not too long.\"";
    assert!(task.contains(rubric), "{task}");
    let told = env.run("eval made --split dev --max-calls 200 --json").ok().json();
    assert!(told["metrics"].as_object().unwrap().contains_key("rubric"), "{told}");
    // A judge alone is enough, and one rubric for one test is none.
    let alone = config.replace(
        "    assert: [{ type: icontains, value: ada",
        "    # [{ type: icontains, value: ada",
    );
    env.write("promptfooconfig.yaml", &alone);
    env.run("init alone --from promptfooconfig.yaml").ok();
    assert!(env.read("alone/task.toml").contains(rubric));
}

#[test]
fn a_failure_leaves_nothing_behind_and_files_of_others_stay() {
    let env = TestEnv::new();
    env.write("rows.csv", "text,label\na text,yes\n\"open,no\n");
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(env.path("")).unwrap().map(|it| it.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    env.run("init made/deep --from rows.csv").exits(3);
    env.write("good.csv", &format!("text,label\n{}", "one text,yes\nother text,no\n".repeat(12)));
    env.write("mine/system.md", "my prompt");
    let ran = env.run("init mine --from good.csv").exits(2);
    assert!(ran.stderr.contains("mine/system.md already exists"), "{}", ran.stderr);
    assert_eq!(env.read("mine/system.md"), "my prompt");
    assert!(!env.path("mine/task.toml").exists());
    env.run("init good.csv --from good.csv").exits(2);
    // The answer cannot be scored: no task, and no folder of half a task.
    env.write("dupes.csv", "key,text,label\n1,a b,yes\n1,c d,no\n");
    env.run("init mad --from dupes.csv --id key").exits(3);
    let mut expected = before;
    expected.extend(["dupes.csv", "good.csv", "mine"].map(Into::into));
    expected.sort();
    assert_eq!(names(), expected);

    env.write("full/notes.txt", "keep me");
    env.run("init full --from good.csv").ok();
    assert_eq!(env.read("full/notes.txt"), "keep me");
    let mut files: Vec<_> =
        std::fs::read_dir(env.path("full")).unwrap().map(|it| it.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["examples.csv", "notes.txt", "system.md", "task.toml"]);
}

#[test]
fn rows_are_found_below_two_levels_and_in_tables_by_columns() {
    let env = TestEnv::new();
    let label = |n: usize| ["billing", "delivery", "returns"][n % 3];
    let texts: Vec<String> = (0..24).map(|n| format!("Ticket {n} about {}", label(n))).collect();
    let rows: Vec<_> = (0..24).map(|n| json!({"text": texts[n], "label": label(n)})).collect();
    let labels: Vec<_> = (0..24).map(label).collect();
    let by_place = |cells: &[String]| -> serde_json::Map<String, serde_json::Value> {
        (0..24).map(|n| (n.to_string(), json!(cells[n]))).collect()
    };
    let label_texts: Vec<String> = labels.iter().map(|it| (*it).to_owned()).collect();
    let cells: Vec<_> = (0..24).map(|n| json!([texts[n], label(n)])).collect();
    for (name, document) in [
        ("nested", json!({"export": {"version": 2, "documents": rows}})),
        ("deeper", json!({"results": {"at": "now", "results": {"rows": rows}}})),
        ("pandas", json!({"text": by_place(&texts), "label": by_place(&label_texts)})),
        ("lists", json!({"text": texts, "label": labels})),
        ("split", json!({"columns": ["text", "label"], "data": cells})),
    ] {
        env.write(&format!("{name}.json"), &document.to_string());
        let ran = env.run(&format!("init {name} --from {name}.json")).ok();
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains("24 rows"), "{name}");
        let task = env.read(&format!("{name}/task.toml"));
        assert!(
            task.contains("labels = [\"billing\", \"delivery\", \"returns\"]"),
            "{name}: {task}"
        );
        env.run(&format!("plan {name}")).ok();
    }
}

#[test]
fn an_answer_that_is_only_left_over_is_said_and_two_are_a_question() {
    let env = TestEnv::new();
    let rows = lines(
        24,
        |n| json!({"text": format!("Of 100, {n} said yes"), "share": format!("{}%", n * 3)}),
    );
    env.write("rows.jsonl", &rows);
    let made = made(&env, "rows.jsonl", "");
    assert_eq!(role_of(&made, "answer").as_deref(), Some("share"));
    assert!(notes(&made).contains("`share` is taken as the answer only because"), "{made}");
    let rows = lines(
        24,
        |n| json!({"English": format!("House {n} is red."), "German": format!("Haus {n} ist rot.")}),
    );
    env.write("pairs.jsonl", &rows);
    let made = env.run("init pairs --from pairs.jsonl --json").ok().json();
    assert!(notes(&made).contains("--input German --answer English"), "{made}");
    let two = lines(
        24,
        |n| json!({"invoice_text": format!("Invoice {n} of a shop"), "vendor": format!("V{n}"), "total": n * 7}),
    );
    env.write("two.jsonl", &two);
    let ran = env.run("init two --from two.jsonl").exits(3);
    assert!(
        ran.stderr.contains("which column is the answer: `vendor` and `total` are equally likely"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_column_of_splits_is_named_and_short_names_are_no_rows() {
    let env = TestEnv::new();
    let rows: String = (0..40)
        .map(|n| {
            format!(
                "It is essay {n} of many,{},{}\n",
                ["A", "B"][n % 2],
                ["train", "dev", "test"][n % 3]
            )
        })
        .collect();
    env.write("rows.csv", &format!("essay,grade,fold\n{rows}"));
    let said = notes(&made(&env, "rows.csv", ""));
    assert!(
        said.contains("`fold` names a split of each row") && said.contains("split = { train"),
        "{said}"
    );
    assert!(!said.contains("header"), "{said}");
    let rows: String = (0..40).map(|n| format!("Where is it {n}?,Lima {n}\n")).collect();
    env.write("bare.csv", &format!("Where is the sea?,Rome\n{rows}"));
    let made = env.run("init bare --from bare.csv --json").ok().json();
    assert!(notes(&made).contains("it looks like a row: Where is the sea?, Rome"), "{made}");
}

#[test]
fn columns_that_cannot_be_told_are_shown_and_asked_for() {
    let env = TestEnv::new();
    env.write(
        "log.csv",
        &format!(
            "when,story\n{}",
            (0..24).map(|n| format!("2024-03-{:02},It was day {n}\n", n + 1)).collect::<String>()
        ),
    );
    insta::assert_snapshot!(env.complaint("init made --from log.csv"), @r"
    exit 3
    24 rows
      column  used as    filled  different  example
      when    -              24         24  2024-03-01
      story   input          24         24  It was day 0
    error: log.csv: cannot tell which column is the answer
      try: name it: --answer COLUMN; the columns are: when, story
    ");
    assert!(!env.path("made").exists());
}

/// Objects and lists of labels as the texts of answers, as files for fine-tuning have them.
#[test]
fn json_in_the_texts_of_answers_is_opened_and_what_a_user_says_last_is_no_answer() {
    let chat = |n: usize, answer: &str| {
        json!({"messages": [
            {"role": "user", "content": format!("invoice {n}")},
            {"role": "assistant", "content": answer},
        ]})
    };
    for (name, rows) in [
        ("chats", lines(40, |n| chat(n, &format!("{{\"total\": {n}}}")))),
        (
            "completions",
            lines(
                40,
                |n| json!({"prompt": format!("invoice {n}"), "completion": format!("{{\"total\": {n}}}")}),
            ),
        ),
    ] {
        let env = TestEnv::new();
        env.write(&format!("{name}.jsonl"), &rows);
        made(&env, &format!("{name}.jsonl"), "");
        let first: Value =
            serde_json::from_str(env.read("made/examples.jsonl").lines().next().unwrap()).unwrap();
        let answer = first.get("answer").or(first.get("completion"));
        assert_eq!(answer, Some(&json!({"total": 0})), "{name}");
        assert!(env.read("made/task.toml").contains("json-fields"), "{name}");
    }

    let env = TestEnv::new();
    let labels = ["[\"x\", \"y\"]", "[\"y\"]", "[\"y\", \"x\"]"];
    let open = "{\"messages\": [{\"role\": \"user\", \"content\": \"and now?\"}]}\n";
    let rows = lines(4, |n| chat(n, labels[n % 3])) + open;
    let rows = rows + &lines(60, |n| chat(n + 4, labels[(n + 1) % 3])) + open;
    env.write("tags.jsonl", &rows);
    let made = made(&env, "tags.jsonl", "");
    assert_eq!(made["rows"], 64, "{made}");
    let task = env.read("made/task.toml");
    assert!(task.contains("kind = \"label-set\""), "{task}");
    assert!(!env.read("made/examples.jsonl").contains("and now?"));
}

/// What a model suggested is no answer, however few rows people have answered.
#[test]
fn a_partly_annotated_export_takes_what_people_said() {
    let env = TestEnv::new();
    let record = |n: usize| {
        let said =
            json!([{"value": (["good", "bad"][n % 2]), "status": "submitted", "user_id": "u"}]);
        json!({
            "fields": {"text": format!("review {n}")},
            "suggestions": {"label": {"value": (["bad", "good"][n % 2]), "score": 0.9}},
            "responses": if n.is_multiple_of(3) { json!({"label": said}) } else { json!({}) },
        })
    };
    let records: Vec<Value> = (0..90).map(record).collect();
    env.write("export.json", &Value::from(records).to_string());
    let made = made(&env, "export.json", "");
    assert_eq!(role_of(&made, "answer").as_deref(), Some("label"));
    assert_eq!(made["rows"], 30);
}

/// Of several lists in a file none is lost in silence.
#[test]
fn a_file_with_several_lists_names_them() {
    let env = TestEnv::new();
    let rows = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|n| json!({"text": format!("t {n}"), "label": (["a", "b"][n % 2])}))
            .collect()
    };
    for (document, paths) in [
        (json!({"validation": rows(3), "train": {"rows": rows(50)}}), "validation, train.rows"),
        (json!({"data": rows(2), "examples": rows(50)}), "data, examples"),
        (
            json!({"train": {"documents": rows(3)}, "test": {"documents": rows(4), "notes": rows(2)}}),
            "train.documents, test.documents, test.notes",
        ),
    ] {
        env.write("lists.json", &document.to_string());
        let complaint = env.complaint("init made --from lists.json");
        assert!(
            complaint
                .contains(&format!("several lists, and each of them may be the rows: {paths}")),
            "{complaint}"
        );
    }
    for document in [
        json!({"data": "2026-01-01", "records": rows(40)}),
        json!({"meta": [{"k": 1}], "data": {"x": rows(40)}}),
        json!({"rows": rows(40), "features": [{"name": "text"}]}),
    ] {
        env.write("list.json", &document.to_string());
        let made = env.run("init one --from list.json --json").ok().json();
        assert_eq!(made["rows"], 40, "{made}");
        std::fs::remove_dir_all(env.path("one")).unwrap();
    }
}

/// Another program's column may be called as Argilla's are.
#[test]
fn a_column_called_responses_stays() {
    let env = TestEnv::new();
    let rows: String = (0..40).map(|n| format!("text {n},{},{n}\n", ["x", "y"][n % 2])).collect();
    env.write("survey.csv", &format!("text,label,survey.responses\n{rows}"));
    let made = made(&env, "survey.csv", "");
    let columns = made["columns"].as_array().unwrap().iter();
    assert!(columns.clone().any(|column| column["name"] == "survey.responses"), "{made}");
}
