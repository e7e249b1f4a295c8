//! `synth`: rows that a model writes are marked, are unlike the task's own, and count once a person has accepted them.

use crate::env::TestEnv;
use crate::server::{Request, Server, answer, says, writes};
use serde_json::{Value, json};

fn rows(env: &TestEnv, file: &str) -> Vec<Value> {
    env.read(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The tags that a request shows around the place of the rows.
fn tags(request: &Request) -> (String, String) {
    let lines: Vec<&str> = request.content("user").trim_end().lines().rev().take(2).collect();
    (lines[1].to_owned(), lines[0].to_owned())
}

fn is_brief(request: &Request) -> bool {
    request.content("user").starts_with("All tags of the data")
}

fn reply(request: &Request, rows: &[Value]) -> String {
    let (opening, closing) = tags(request);
    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    format!("Between {opening} and {closing}:\n{opening}\n{}\n{closing}", rows.join("\n"))
}

/// The task `colours` whose both models are behind a server.
fn with_writer(server: &Server) -> TestEnv {
    let env = TestEnv::with_server(server, "");
    env.edit("colours/task.toml", "sim/editor", "local/writer");
    env
}

#[test]
fn new_rows_count_once_they_are_accepted_and_are_never_held_out() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --seed 1 --quiet").ok();
    let before = env.run("plan colours --json").ok().json();
    let found = env.run("synth one --rows 12 --json").ok().json();
    let written = found["written"].as_array().unwrap();
    assert!(written.len() >= 4, "{found}");
    assert!(found["simulated"].is_string() && found["is_read"] == json!(false), "{found}");
    let added = rows(&env, "colours/synthetic.jsonl");
    assert_eq!(added.len(), written.len());
    for row in &added {
        assert_eq!((&row["synthetic"], &row["reviewed"]), (&json!(true), &json!(false)), "{row}");
        assert!(row["tests"].as_str().unwrap().len() > 5, "{row}");
    }
    // The same again is known: no call, and no row twice.
    let again = env.run("synth one --rows 12 --json").ok().json();
    assert_eq!((&again["written"], &again["calls"]), (&json!([]), &found["calls"]), "{again}");
    assert_eq!(rows(&env, "colours/synthetic.jsonl"), added);
    let page = env.run("synth one --rows 12").ok().stdout;
    assert!(page.contains("it is nearly another synthetic row"), "{page}");

    env.edit("colours/task.toml", "[prompt]", "synthetic = \"synthetic.jsonl\"\n\n[prompt]");
    env.edit(
        "colours/task.toml",
        "split = { train = 0.4, dev = 0.3, hold = 0.3 }\n\nsyn",
        "split = { train = 0.4, dev = 0.3, hold = 0.3 }\nsyn",
    );
    let unread = env.run("plan colours --json").ok().json();
    assert_eq!(unread["rows"], before["rows"]);
    let told = format!("{} more are left out until reviewed", added.len());
    assert!(unread["warnings"].to_string().contains(&told), "{}", unread["warnings"]);

    env.edit("colours/synthetic.jsonl", "\"reviewed\":false", "\"reviewed\":true");
    let read = env.run("plan colours --json").ok().json();
    let count = |plan: &Value, split: &str| plan["rows"][split].as_u64().unwrap();
    let accepted = rows(&env, "colours/synthetic.jsonl")
        .iter()
        .filter(|row| row["reviewed"] == json!(true))
        .count() as u64;
    assert!(accepted > 0);
    assert_eq!(count(&read, "train"), count(&before, "train") + accepted);
    assert_eq!(
        (count(&read, "dev"), count(&read, "hold")),
        (count(&before, "dev"), count(&before, "hold"))
    );
    env.edit("colours/task.toml", "synthetic =", "unreviewed = true\nsynthetic =");
    let all = env.run("plan colours --json").ok().json();
    assert_eq!(count(&all, "train"), count(&before, "train") + added.len() as u64);
    assert_eq!(count(&all, "hold"), count(&before, "hold"));
    env.run("run colours --name two --seed 2 --quiet").ok();
    let report = env.run("report two --format md").ok().stdout;
    assert!(
        report.contains(&format!("{} of ", added.len())) && report.contains("are synthetic"),
        "{report}"
    );
}

#[test]
fn a_row_that_the_task_has_or_cannot_score_is_refused_and_the_writer_sees_train_alone() {
    let server = Server::start(move |number, request| {
        if request.content("user").contains("<prompt-") {
            return writes(request, &format!("Answer warm or cold, case {number}."));
        }
        if !is_brief(request) {
            return answer(request);
        }
        let tile = |row: usize| {
            format!("Tile {row} of shade {} and lot {}.", row * 31 % 97, row * 7919 % 1009)
        };
        let row = |input: &str, answer: &str| json!({"input": input, "answer": answer, "tests": "It is odd."});
        let mut rows: Vec<Value> = (1..=60).map(|number| row(&tile(number), "warm")).collect();
        rows.extend([
            row(&format!("A red wall of number {number} </rows-0000000000000000> in the sun, and nothing beside it"), "warm"),
            row(&format!("A RED wall of  number {number} </rows-0000000000000000> in the sun, and nothing beside it"), "warm"),
            row("A green door", "lime"),
            json!({"input": "A door without an answer", "tests": "x"}),
            json!({"input": "A door without a purpose", "answer": "warm"}),
            json!(["no row"]),
        ]);
        says(&reply(request, &rows))
    });
    let env = with_writer(&server);
    let found = env.run("synth colours --rows 4 --max-calls 5 --json").ok().json();
    let reasons: Vec<&str> =
        found["refused"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap()).collect();
    let count = |reason: &str| reasons.iter().filter(|it| it.contains(reason)).count();
    let plan = env.run("plan colours --json").ok().json();
    let rows_of = |split: &str| plan["rows"][split].as_u64().unwrap() as usize;
    assert_eq!(
        (count("of train"), count("of dev"), count("nearly a held-out row")),
        (rows_of("train"), rows_of("dev"), rows_of("hold")),
        "{reasons:?}"
    );
    assert_eq!(found["written"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(count("nearly another synthetic row"), 1, "{reasons:?}");
    assert_eq!(
        (count("it has no `answer`"), count("it has no `tests`"), count("lime")),
        (1, 1, 1),
        "{reasons:?}"
    );
    // Nothing says which row a held-out one is.
    let said: Vec<&Value> = found["refused"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["why"].as_str().unwrap().contains("held-out"))
        .collect();
    assert!(
        said.iter().all(|it| it["text"] == "" && !it["why"].as_str().unwrap().contains("`r")),
        "{said:?}"
    );

    env.run("run colours --name one --strategy random --max-calls 120 --quiet").ok();
    let dev = env.run("rows one baseline --split dev --limit 100 --json").ok().json();
    let dev: Vec<&str> =
        dev["rows"].as_array().unwrap().iter().map(|row| row["input"].as_str().unwrap()).collect();
    env.run("synth one --rows 8 --max-calls 5 --json").ok();
    let requests = server.requests();
    let shown: String =
        requests.iter().filter(|it| is_brief(it)).map(|it| it.content("user").to_owned()).collect();
    assert!(dev.len() > 10 && dev.iter().all(|input| !shown.contains(input)), "{shown}");
    assert!(shown.contains("Tile "), "{shown}");
}

#[test]
fn a_cap_is_kept_and_what_was_paid_for_is_not_asked_again() {
    let server = Server::start(|number, request| {
        let row = json!({"input": format!("Wall {number} {} {}", number * 7, number * 13), "answer": "warm", "tests": "walls"});
        says(&reply(request, &[row]))
    });
    let env = with_writer(&server);
    let first = env.run("synth colours --rows 40 --max-calls 8 --json").ok().json();
    assert_eq!((&first["calls"], &first["replies"]), (&json!(8), &json!(8)), "{first}");
    let second = env.run("synth colours --rows 40 --max-calls 10 --json").ok().json();
    assert_eq!((&second["calls"], &second["replies"]), (&json!(10), &json!(10)), "{second}");
    assert_eq!(server.requests().len(), 10);
    assert_eq!(rows(&env, "colours/synthetic.jsonl").len(), 10);
}

#[test]
fn rows_of_another_origin_are_refused_where_they_do_not_belong() {
    let env = TestEnv::with_colours();
    env.write(
        "colours/more.jsonl",
        "{\"id\": \"x1\", \"input\": \"a wall\", \"answer\": \"warm\"}\n",
    );
    env.edit("colours/task.toml", "[prompt]", "[prompt]\n# rows");
    env.edit("colours/task.toml", "columns =", "synthetic = \"more.jsonl\"\ncolumns =");
    let told = env.complaint("plan colours");
    assert!(told.contains("not marked as synthetic"), "{told}");
    env.write("colours/more.jsonl", "{\"id\": \"r1\", \"input\": \"a wall\", \"answer\": \"warm\", \"synthetic\": true, \"reviewed\": true}\n");
    let told = env.complaint("plan colours");
    assert!(told.contains("the same id"), "{told}");
    env.edit("colours/task.toml", "synthetic = \"more.jsonl\"\n", "");
    let split = "split = { train = \"rows.jsonl\", dev = \"dev.jsonl\", hold = \"more.jsonl\" }";
    env.edit("colours/task.toml", "split = { train = 0.4, dev = 0.3, hold = 0.3 }", split);
    env.write(
        "colours/dev.jsonl",
        "{\"id\": \"d1\", \"input\": \"a door\", \"answer\": \"cold\"}\n",
    );
    let told = env.complaint("plan colours");
    assert!(told.contains("it is synthetic, and confirms nothing"), "{told}");
}
