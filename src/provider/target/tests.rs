//! Both kinds of targets under the contract of models, and programs that reply, hang, lie and end.

use super::*;
use crate::program::Surroundings;
use crate::provider::contract::{self, Subject};
use crate::provider::exec::ExecProvider;
use crate::provider::http::HttpProvider;
use crate::provider::protocol::tests::request as request_of;
use crate::provider::{Llm, LlmError, RowParts};
use crate::task::model::{Provider, ProviderKind, Timeouts};
use crate::text;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::SecretString;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const KEY: &str = "sk-sentinel-4f9a8b7c6d5e";

/// Repeats the last message word by word, as far as it may; with a temperature, the seed decides the order.
const ECHO: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["model"] == "no-such-model":
        reply = {"error": "there is no model no-such-model", "usd": 0}
    else:
        words = asked["messages"][-1]["content"].split()
        if asked["temperature"] > 0:
            turn = asked["seed"] % len(words)
            words = words[turn:] + words[:turn]
        most = asked["max_output_tokens"]
        size = sum(len(message["content"]) for message in asked["messages"])
        used = {"input_tokens": size // 4 + 1, "output_tokens": min(len(words), most)}
        reply = {"answer": " ".join(words[:most]), "usage": used, "usd": "0.000000003"}
        if len(words) > most:
            reply["finish"] = "length"
    print(json.dumps(reply), flush=True)
"#;

/// The same as a server.
async fn echo(headers: HeaderMap, body: String) -> (StatusCode, String) {
    if headers.get("authorization").is_none_or(|key| key != format!("Bearer {KEY}").as_str()) {
        return (StatusCode::UNAUTHORIZED, json!({"error": "no such key"}).to_string());
    }
    let asked: Value = serde_json::from_str(&body).unwrap();
    if asked["model"] == "no-such-model" {
        let words = json!({"error": "there is no model no-such-model", "usd": 0});
        return (StatusCode::OK, words.to_string());
    }
    let messages = asked["messages"].as_array().unwrap();
    let content = |message: &Value| message["content"].as_str().unwrap().to_owned();
    let last = content(messages.last().unwrap());
    let mut words: Vec<&str> = last.split_whitespace().collect();
    if asked["temperature"].as_f64().unwrap() > 0.0 {
        let turn = asked["seed"].as_u64().unwrap() % words.len() as u64;
        words.rotate_left(turn as usize);
    }
    let most = asked["max_output_tokens"].as_u64().unwrap() as usize;
    let size: usize = messages.iter().map(|message| content(message).len()).sum();
    let taken = &words[..words.len().min(most)];
    let finish = if words.len() > most { "length" } else { "stop" };
    let reply = json!({"answer": taken.join(" "), "finish": finish, "usd": "0.000000003",
        "usage": {"input_tokens": size / 4 + 1, "output_tokens": taken.len()}});
    (StatusCode::OK, reply.to_string())
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/solve", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn request(kind: ProviderKind, user: &str, temperature: f64) -> Request {
    let mut request = Request { temperature, ..request_of(kind, "", "m", None) };
    request.messages[1].content = user.to_owned();
    let object = |value: Value| value.as_object().unwrap().clone();
    let parts = object(json!({"system": "Route it.", "user": user}));
    request.row = Some(Arc::new(RowParts { parts, row: object(json!({"input": user})) }));
    request
}

async fn keeps_the_contract(kind: ProviderKind, llm: &dyn Llm) {
    let texts = ["one two three", "a longer text of seven words here", "ünï cödé \u{2028} words"];
    let whole = |text: &&str| {
        let request = Request { max_output_tokens: 60, ..request(kind, text, 0.0) };
        (request, text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let drawn = Request { max_output_tokens: 60, ..request(kind, "a b c d e", 1.0) };
    let asked = texts.iter().map(whole).collect();
    contract::check(&Subject { llm, asked, drawn, key: KEY }).await;
    let said = llm.complete(&request(kind, "one two", 0.0)).await.unwrap();
    assert_eq!(said.envelope.usd.map(Usd::nanos), Some(3));
}

fn has_python() -> bool {
    let found = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no python3");
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_keeps_the_contract_of_models() {
    if has_python() {
        let program = program(&["python3", "-c", ECHO], &[], &[]);
        keeps_the_contract(ProviderKind::Exec, &program).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_keeps_the_contract_of_models() {
    let address = serve(Router::new().route("/solve", post(echo))).await;
    let server = server(address);
    keeps_the_contract(ProviderKind::Http, &server).await;
}

fn server(address: String) -> HttpProvider<Target> {
    let kind = Some(ProviderKind::Http);
    let provider = Provider { kind, base_url: Some(address), ..Provider::of_program() };
    HttpProvider::new("agent", &provider, Some(SecretString::from(KEY))).unwrap()
}

/// A program with this environment, of which the listed variables are passed.
fn program(argv: &[&str], environment: &[(&str, &str)], listed: &[&str]) -> ExecProvider {
    let timeout = Timeouts { total: Duration::from_secs(2), ..Timeouts::default() };
    program_within(timeout, argv, environment, listed)
}

fn program_within(
    timeout: Timeouts,
    argv: &[&str],
    environment: &[(&str, &str)],
    listed: &[&str],
) -> ExecProvider {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let provider = Provider {
        kind: Some(ProviderKind::Exec),
        command: owned(argv),
        env: owned(listed),
        timeout,
        ..Provider::of_program()
    };
    let path = std::env::var_os("PATH").unwrap();
    let own = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let environment: Vec<_> = own.chain([(OsString::from("PATH"), path)]).collect();
    let around = Surroundings { folder: Path::new("."), environment: &environment };
    ExecProvider::new("agent", &provider, around)
}

/// What a shell program makes of a request.
async fn said(script: &str) -> Result<Reply, LlmError> {
    program(&["sh", "-c", script], &[], &[]).complete(&request(ProviderKind::Exec, "hi", 0.0)).await
}

#[tokio::test]
async fn what_a_program_does_wrong_is_a_clear_error_and_may_be_billed() {
    let endless = "while true; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
    for (script, failure, words) in [
        ("read -r l; echo rubbish; cat", Failure::Unreadable, "no valid reply: expected value"),
        (
            "read -r l; echo oh >&2; exit 3",
            Failure::Transient,
            "(exit status: 3); its standard error: oh",
        ),
        ("exit 0", Failure::Transient, "ended without a reply"),
        ("read -r l; echo; cat", Failure::Unreadable, "EOF while parsing"),
        ("sleep 100", Failure::Timeout, "no reply within 2.0 s"),
        ("read -r l; kill -KILL $$", Failure::Transient, "signal: 9"),
        (endless, Failure::Unreadable, "longer than 1,048,576 bytes"),
    ] {
        let begun = Instant::now();
        let error = said(script).await.unwrap_err();
        assert_eq!((error.failure, error.may_be_billed), (failure, true), "{script}: {error}");
        assert!(error.message.starts_with("provider `agent` "), "{error}");
        assert!(error.message.contains(words), "{script}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{script}");
    }
    let missing = program(&["no-such-program"], &[], &[]);
    let error = missing.complete(&request(ProviderKind::Exec, "hi", 0.0)).await.unwrap_err();
    assert_eq!((error.failure, error.may_be_billed), (Failure::NotStarted, false), "{error}");
    assert!(error.message.contains("cannot be started: `no-such-program`"), "{error}");
}

#[tokio::test]
async fn a_second_line_is_never_the_answer_to_the_next_row() {
    let script = r#"while read -r l; do printf '{"answer": "a"}\n{"answer": "b"}\n'; done"#;
    let program = program(&["sh", "-c", script], &[], &[]);
    for _ in 0..5 {
        if let Ok(reply) = program.complete(&request(ProviderKind::Exec, "hi", 0.0)).await {
            assert_eq!(reply.text, "a");
        }
    }
    // One that comes late is known by the row that it is for.
    let script = r#"
        while read -r l; do
            id=${l#*\"id\":\"}; id=${id%%\"*}
            printf '{"id": "%s", "answer": "a"}\n' "$id"; sleep 0.2; printf '{"id": "%s", "answer": "b"}\n' "$id"
        done"#;
    let program = self::program(&["sh", "-c", script], &[], &[]);
    let mut late = Vec::new();
    for user in ["one", "two", "three"] {
        match program.complete(&request(ProviderKind::Exec, user, 0.0)).await {
            Ok(reply) => assert_eq!(reply.text, "a"),
            Err(error) => late.push(error.message),
        }
    }
    assert!(
        late[0].contains("is for another row") || late[0].contains("more than one line"),
        "{late:?}"
    );
}

#[tokio::test]
async fn a_program_sees_the_variables_that_are_listed_and_its_words_show_none_of_them() {
    let script = r#"read -r l; printf '{"answer": "%s / %s", "trajectory": ["key %s"]}\n' "$OTHER_KEY" "$AGENT_KEY" "$AGENT_KEY""#;
    let environment = [("OTHER_KEY", "sk-other-0123456789abcdef"), ("AGENT_KEY", KEY)];
    let program = program(&["sh", "-c", script], &environment, &["AGENT_KEY"]);
    let reply = program.complete(&request(ProviderKind::Exec, "hi", 0.0)).await.unwrap();
    assert_eq!(reply.text, " / [key]");
    let all = format!("{reply:?}");
    assert!(!all.contains(KEY) && !all.contains("sk-other"), "{all}");
    let fails = "read -r l; echo \"$AGENT_KEY\" >&2; exit 1";
    let failing = self::program(&["sh", "-c", fails], &environment, &["AGENT_KEY"]);
    let error = failing.complete(&request(ProviderKind::Exec, "hi", 0.0)).await.unwrap_err();
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
}

/// A server that repeats the key in each text of its reply.
#[tokio::test]
async fn a_server_that_repeats_its_key_shows_it_nowhere() {
    let app = Router::new().route(
        "/solve",
        post(|| async {
            json!({"answer": KEY, "trajectory": [{"role": "tool", "content": KEY}]}).to_string()
        }),
    );
    let server = server(serve(app).await);
    let reply = server.complete(&request(ProviderKind::Http, "hi", 0.0)).await.unwrap();
    assert_eq!(reply.envelope.trajectory.len(), 1);
    assert!(!format!("{reply:?}").contains(KEY), "{reply:?}");
}

#[tokio::test]
async fn what_a_server_refuses_costs_what_it_says() {
    let answer = |status: StatusCode, body: Value| async move {
        let body = body.to_string();
        let app = Router::new().route("/solve", post(move || async move { (status, body) }));
        let server = server(serve(app).await);
        server.complete(&request(ProviderKind::Http, "hi", 0.0)).await.unwrap_err()
    };
    let error = answer(StatusCode::OK, json!({"error": "no", "retry": true, "usd": 0.5})).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Transient, false), "{error}");
    assert_eq!(error.envelope.usd, Usd::from_dollars(0.5));
    let error = answer(StatusCode::BAD_GATEWAY, json!({"error": "no", "usd": 0.25})).await;
    assert_eq!((error.failure, error.envelope.usd), (Failure::Transient, Usd::from_dollars(0.25)));
    assert_eq!(error.envelope.status, Some(502));
    let error = answer(StatusCode::OK, json!({"text": "no"})).await;
    assert_eq!(error.failure, Failure::Unreadable, "{error}");
    assert!(error.message.contains("unknown key `text`"), "{error}");
}

#[test]
fn a_request_tells_the_prompt_and_the_row_and_no_more() {
    let request = request(ProviderKind::Exec, "hi", 0.0);
    let written = Value::Object(asked(&request));
    let expected = json!({
        "version": 1, "id": request.hash().to_string(), "model": "m",
        "messages": [{"role": "system", "content": "Route it."}, {"role": "user", "content": "hi"}],
        "parts": {"system": "Route it.", "user": "hi"}, "row": {"input": "hi"},
        "temperature": 0.0, "max_output_tokens": 9, "seed": 3,
    });
    assert_eq!(written, expected);
    let other = Arc::new(RowParts { row: Map::new(), ..(**request.row.as_ref().unwrap()).clone() });
    let changed = Request { row: Some(other), ..request.clone() };
    assert_ne!(changed.hash(), request.hash(), "what is told is part of what is asked");
}

fn answer(line: &Value) -> Result<Reply, String> {
    match read(line.to_string().as_bytes(), None)? {
        Said::Answer(reply) => Ok(reply),
        Said::Error { refusal, .. } => Err(refusal.words),
    }
}

#[test]
fn a_reply_is_read_strictly_and_its_answer_may_be_any_json() {
    for (written, text) in [
        (json!("two\nlines"), "two\nlines"),
        (json!({"a": [1]}), r#"{"a":[1]}"#),
        (json!(7), "7"),
        (json!(false), "false"),
    ] {
        assert_eq!(answer(&json!({"answer": written})).unwrap().text, text);
    }
    assert_eq!(answer(&json!({"answer": " "})).unwrap().finish, Finish::Empty);
    for (line, words) in [
        (json!({"answer": null}), "neither `answer` nor `error`"),
        (json!({"answer": 1, "error": "x"}), "both"),
        (json!({"answer": 1, "retry": true}), "`retry` is for"),
        (json!({"error": "x", "finish": "stop"}), "`finish` is for"),
        (json!({"answr": 1}), "did you mean `answer`"),
        (json!({"answer": 1, "usd": -1}), "`usd` is -1"),
        (json!({"answer": 1, "usd": "cheap"}), "`usd` is \"cheap\""),
        (json!({"answer": 1, "usage": {"input_tokens": 1}}), "`output_tokens`"),
        (json!({"answer": 1, "finish": "done"}), "unknown value `done`"),
        (json!(["a"]), "list"),
    ] {
        let error = answer(&line).unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
}

#[test]
fn an_amount_is_exact_to_the_nano_dollar_and_rounded_up_below() {
    for (written, nanos) in [
        (json!(0.1), 100_000_000),
        (json!("0.1"), 100_000_000),
        (json!(0.000_000_001), 1),
        (json!("12.345678901"), 12_345_678_901),
        (json!(0.0), 0),
        (json!(3), 3_000_000_000),
        (json!(1e-12), 1),
        (json!("0.0000000011"), 2),
    ] {
        assert_eq!(usd(&written).unwrap().nanos(), nanos, "{written}");
    }
}

#[test]
fn steps_are_read_in_many_forms_and_long_ones_keep_both_ends() {
    let steps = json!(["think", {"role": "user", "content": "hi"}, {"tool": "search", "content": {"q": 1}},
        {"role": "assistant", "tool_calls": []}, 5]);
    let read = answer(&json!({"answer": 1, "trajectory": steps})).unwrap().envelope.trajectory;
    let shown: Vec<_> = read.iter().map(|step| (step.by.as_str(), step.text.as_str())).collect();
    let whole = r#"{"role":"assistant","tool_calls":[]}"#;
    let expected =
        [("", "think"), ("user", "hi"), ("search", r#"{"q":1}"#), ("", whole), ("", "5")];
    assert_eq!(shown, expected);
    let many: Vec<String> =
        (0..500).map(|step| format!("step {step} {}", "x".repeat(400))).collect();
    let read = answer(&json!({"answer": 1, "trajectory": many})).unwrap().envelope.trajectory;
    let bytes: usize = read.iter().map(|step| step.text.len()).sum();
    assert!((KEPT_TRAJECTORY / 2..KEPT_TRAJECTORY + 200).contains(&bytes), "{bytes}");
    assert!(
        read[0].text.starts_with("step 0 ") && read.last().unwrap().text.starts_with("step 499 ")
    );
    let told: Vec<_> = read.iter().filter(|step| step.text.contains("left out)")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let left = 500 - (read.len() - 1);
    assert!(
        told[0].text.starts_with(&format!("({} with ", text::plural(left, "step"))),
        "{told:?}"
    );
    let one = answer(&json!({"answer": 1, "trajectory": ["y".repeat(100_000)]})).unwrap();
    assert!(one.envelope.trajectory[0].text.contains("bytes left out"));
}
