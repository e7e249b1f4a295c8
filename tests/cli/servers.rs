//! Servers that want to be asked in their own way.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, answer, says};
use serde_json::{Value, json};

const KEY: &str = "azure-Sentinel+0123456789";

/// A 400 in the words of a service.
fn refused(error: &Value) -> Option<Reply> {
    Some((400, "", error.to_string()))
}

/// Refuses, one after the other, the limit's usual name, the temperature, and the seed.
fn takes_little(body: &Value) -> Option<Reply> {
    let has = |field: &str| body.get(field).is_some();
    if has("max_tokens") {
        return refused(&json!({"error": {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter",
        }}));
    }
    if has("temperature") {
        return refused(&json!({"error": {
            "message": "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported.",
            "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value",
        }}));
    }
    if has("seed") {
        return refused(&json!({"detail": [
            {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"},
        ]}));
    }
    None
}

fn fields_refused(env: &TestEnv) -> Vec<String> {
    let journal = env.read("results/one/events.jsonl");
    let events = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter_map(|line| Some(line["event"]["field_refused"]["field"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn a_field_that_a_server_refuses_is_left_out_from_then_on() {
    let plain = TestEnv::with_server(&Server::start(|_, request| answer(request)), "");
    plain.run("run colours --name one").ok();

    // It goes away in between, so that another session has to know what it takes.
    let server = Server::start(|number, request| match takes_little(&request.body) {
        Some(refusal) => refusal,
        None if number == 150 => (401, "", "{}".to_owned()),
        None => answer(request),
    });
    let env = TestEnv::with_server(&server, "concurrency = 8");
    let ran = env.run("run colours --name one").exits(4);
    assert!(ran.stderr.contains("`local/clerk` refuses `temperature`"), "{}", ran.stderr);
    let mut fields = fields_refused(&env);
    fields.sort();
    assert_eq!(fields, ["max_tokens", "seed", "temperature"]);
    let asked = server.requests().len();
    assert_eq!(server.requests()[asked - 1].body["max_completion_tokens"], 512);

    let ended = env.run("resume one").ok().stdout;
    assert_eq!(fields_refused(&env).len(), 3);
    let is_refused = |body: &Value| takes_little(body).is_some();
    let requests = server.requests();
    assert!(!requests[asked..].iter().any(|request| is_refused(&request.body)));
    // At most each of the calls that were out met each of the three.
    let refusals = requests.iter().filter(|request| is_refused(&request.body)).count();
    assert!((3..=3 * 8).contains(&refusals), "{refusals}");
    drop(requests);

    let (summary, clean) =
        (env.json("results/one/summary.json"), plain.json("results/one/summary.json"));
    for fact in ["baseline", "best", "gain", "counts", "stop_reason"] {
        assert_eq!(summary[fact], clean[fact], "{fact}");
    }
    assert!(ended.contains("`local/clerk` refuses `seed`"), "{ended}");
}

#[test]
fn a_system_message_that_a_server_refuses_begins_the_users_from_then_on() {
    let server = Server::start(|_, request| {
        if request.body["messages"][0]["role"] == "system" {
            let message = "System role not supported";
            return (400, "", json!({"object": "error", "message": message}).to_string());
        }
        let (before, row) = request.content("user").split_once("\n\n").unwrap();
        assert_eq!(before, "Answer warm or cold.");
        let tile: usize = row.split_whitespace().nth(1).unwrap().parse().unwrap();
        says(["warm", "cold"][usize::from(tile.is_multiple_of(3))])
    });
    let env = TestEnv::with_server(&server, "concurrency = 1");
    let ran = env.run("eval colours").ok();
    assert!(ran.stdout.contains("over 18 rows"), "{}", ran.stdout);
    assert!(ran.stderr.contains("`local/clerk` refuses a system message"), "{}", ran.stderr);
    let is_refused = |request: &Request| request.body["messages"][0]["role"] == "system";
    assert_eq!(server.requests().iter().filter(|request| is_refused(request)).count(), 1);
}

#[test]
fn a_refusal_of_a_value_is_no_refusal_of_its_field() {
    let server = Server::start(|_, _| {
        let message =
            "max_tokens is too large: 512. This model supports at most 256 completion tokens.";
        (400, "", json!({"error": {"message": message, "param": "max_tokens"}}).to_string())
    });
    let env = TestEnv::with_server(&server, "");
    let ran = env.run("eval colours").exits(4);
    assert!(ran.stderr.contains("at most 256"), "{}", ran.stderr);
    assert!(server.requests().iter().all(|request| request.body["max_tokens"] == 512));
}

#[test]
fn a_provider_is_asked_with_its_headers_query_and_body() {
    let server = Server::start(|_, request| answer(request));
    let settings = "api_key = \"env:LOCAL_KEY\"\napi_key_header = \"api-key\"\n\
        query = { \"api-version\" = \"2024-10-21\" }\nheaders = { \"X-Team\" = \"search\" }\n\
        body = { reasoning_effort = \"low\", provider = { order = [\"a\"] } }\n\
        max_tokens_field = \"max_completion_tokens\"\nseed = \"none\"\n";
    let mut env = TestEnv::with_server(&server, settings);
    env.set("LOCAL_KEY", KEY);
    env.edit(
        "colours/task.toml",
        "\"local/clerk\"",
        "{ model = \"local/clerk\", temperature = \"none\", body = { reasoning_effort = \"high\" } }",
    );
    let plan = env.run("plan colours").ok().stdout;
    for told in ["no seed is sent to `local/clerk`", "reasoning_effort \"high\"", "api-version"] {
        assert!(plan.contains(told), "{told}: {plan}");
    }
    env.run("run colours --name one --max-calls 60").ok();
    let requests = server.requests();
    let sent = &requests[0];
    assert_eq!(sent.target, "/v1/chat/completions?api-version=2024-10-21");
    assert_eq!((sent.headers["api-key"].as_str(), sent.authorization()), (KEY, None));
    assert_eq!(sent.headers["x-team"], "search");
    let mut body = sent.body.clone();
    body.as_object_mut().unwrap().remove("messages");
    let fields = json!({
        "model": "clerk", "max_completion_tokens": 512, "reasoning_effort": "high",
        "provider": {"order": ["a"]},
    });
    assert_eq!(body, fields);
    drop(requests);
    for file in env.files("results") {
        let bytes = std::fs::read(&file).unwrap();
        let holds = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!holds, "{}", file.display());
    }
}

#[test]
fn what_a_providers_table_may_not_hold_is_said() {
    for (line, told) in [
        ("headers = { Authorization = \"Bearer sk-1\" }", "api_key_header = \"Authorization\""),
        ("body = { stream = true }", "`body` cannot set `stream`"),
        ("temperature = 0.3", "a number belongs to a model"),
        ("temprature = \"none\"", "did you mean `temperature`?"),
        ("api_key_header = \"a b\"", "`a b` is not the name of a header"),
    ] {
        let server = Server::start(|_, request| answer(request));
        let env = TestEnv::with_server(&server, line);
        let said = env.complaint("plan colours");
        assert!(said.contains(told) && said.contains("task.toml:"), "{line}: {said}");
        assert!(!said.contains("sk-1"), "{said}");
    }
    let server = Server::start(|_, request| answer(request));
    let env = TestEnv::with_server(&server, "");
    env.edit("colours/task.toml", "/v1\"", "/v1?api-version=1\"");
    let said = env.complaint("run colours");
    assert!(said.contains("query = { name = \"value\" }"), "{said}");
}
