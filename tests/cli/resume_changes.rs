//! What of a task file counts for a run that is resumed.

use crate::env::TestEnv;
use crate::server::{Server, answer};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_change_of_how_models_are_asked_is_refused_until_it_is_accepted() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let server = Server::start(move |_, request| match well.load(Ordering::SeqCst) {
        true => answer(request),
        false => (401, "", json!({"error": {"message": "no such user"}}).to_string()),
    });
    let env = TestEnv::with_server(&server, "headers = { x-team = \"red\" }");
    env.edit(
        "colours/task.toml",
        "\"local/clerk\"",
        "{ model = \"local/clerk\", body = { top_p = 0.5 } }",
    );
    env.run("run colours --name one").exits(4);
    env.edit("colours/task.toml", "x-team = \"red\"", "x-team = \"blue\"");
    env.edit("colours/task.toml", "top_p = 0.5", "top_k = 9");
    env.edit("colours/task.toml", "free = true", "free = true\nquery = { v = \"2\" }");
    let asked = server.requests().len();
    let ran = env.run("resume one --max-calls 200").exits(3);
    for change in [
        "`models.task.body.top_k` was left out and is `9`",
        "`models.task.body.top_p` was `0.5` and is left out",
        "`providers.local.headers.x-team` was `red` and is `blue`",
        "`providers.local.query.v` was left out and is `2`",
        "--accept-changed-provider",
    ] {
        assert!(ran.stderr.contains(change), "{change}: {}", ran.stderr);
    }
    let kinds =
        |env: &TestEnv| env.events("one").into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert!(
        !kinds(&env).contains(&"caps_changed".to_owned()),
        "nothing is done before it is accepted"
    );
    assert_eq!(server.requests().len(), asked, "nothing is asked before it is accepted");

    env.run("resume one --accept-changed-provider").exits(4);
    let events = env.events("one");
    let (_, changed) = events.iter().find(|(kind, _)| kind == "providers_changed").unwrap();
    assert_eq!(changed["changes"].as_array().unwrap().len(), 4, "{changed}");
    // What was accepted is the state of the run: the old value is now the changed one.
    env.run("resume one").exits(4);
    env.edit("colours/task.toml", "x-team = \"blue\"", "x-team = \"red\"");
    let ran = env.run("resume one").exits(3);
    assert!(ran.stderr.contains("x-team` was `blue` and is `red`"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("top_k"), "{}", ran.stderr);
    env.edit("colours/task.toml", "x-team = \"red\"", "x-team = \"blue\"");
    is_well.store(true, Ordering::SeqCst);
    env.run("resume one").ok();
    let last = server.requests().last().unwrap().clone();
    assert_eq!((&last.body["top_k"], last.body.get("top_p")), (&json!(9), None));
    for shown in ["status one", "report one --format md"] {
        let shown = env.run(shown).ok().stdout;
        assert!(shown.contains("x-team") && shown.contains("blue"), "{shown}");
    }
    // A run that is over asks nothing, so nothing of its provider matters.
    env.edit("colours/task.toml", "x-team = \"blue\"", "x-team = \"green\"");
    env.run("resume one").ok();
}

#[test]
fn a_mistake_in_the_task_file_is_told_on_resume_and_a_file_that_is_gone_is_not_needed() {
    let server = Server::start(|_, _| (401, "", "{}".to_owned()));
    let env = TestEnv::with_server(&server, "concurrency = 2");
    env.run("run colours --name one").exits(4);
    env.edit("colours/task.toml", "concurrency = 2", "concurency = 2");
    let ran = env.run("resume one").exits(3);
    assert!(
        ran.stderr.contains("task.toml:") && ran.stderr.contains("concurency"),
        "{}",
        ran.stderr
    );
    std::fs::remove_file(env.path("colours/task.toml")).unwrap();
    env.run("resume one").exits(4);
}

#[test]
fn the_way_that_calls_are_made_is_read_afresh_as_the_advice_says() {
    let server = Server::start(|_, request| match request.target.contains("/files") {
        true => (404, "", json!({"error": {"message": "no batches here"}}).to_string()),
        false => answer(request),
    });
    let env = TestEnv::with_server(&server, "");
    let batch = "{ model = \"local/clerk\", execution = \"batch\" }";
    env.edit("colours/task.toml", "\"local/clerk\"", batch);
    let ran = env.run("run colours --name one").exits(4);
    assert!(ran.stderr.contains("execution = \"auto\""), "{}", ran.stderr);
    // What cannot go together is refused as at the start of a run.
    env.edit("colours/task.toml", "\"batch\"", "\"auto\", hedge = \"5s\"");
    let ran = env.run("resume one").exits(3);
    assert!(ran.stderr.contains("`hedge` is for calls"), "{}", ran.stderr);
    env.edit("colours/task.toml", ", hedge = \"5s\"", "");
    env.run("resume one").ok();
}

/// An address that hides its host, or holds a key, is neither compared nor shown nor accepted: no key goes
/// anywhere, and nothing of it is journaled.
#[test]
fn an_address_that_is_unclear_is_refused_before_anything_is_shown_or_sent() {
    const KEY: &str = "sk-sentinel-4711";
    let server = Server::start(|_, _| (401, "", "{}".to_owned()));
    let other = Server::start(|_, _| (401, "", "{}".to_owned()));
    let env = TestEnv::with_server(&server, "");
    env.run("run colours --name one").exits(4);
    let task = std::fs::read_to_string(env.path("colours/task.toml")).unwrap();
    let line = task.lines().find(|line| line.trim_start().starts_with("base_url")).unwrap();
    let address = line.split('"').nth(1).unwrap();
    let (_, rest) = address.split_once("://").unwrap();
    for unclear in [
        format!("{}\\\\@{rest}", other.base_url().trim_end_matches("/v1")),
        format!("{address}?key={KEY}"),
        format!("http://user:{KEY}@{rest}"),
    ] {
        let changed = task.replace(address, &unclear);
        std::fs::write(env.path("colours/task.toml"), changed).unwrap();
        for flags in ["", " --accept-changed-provider"] {
            let ran = env.run(&format!("resume one{flags}")).exits(3);
            assert!(ran.stderr.contains("base_url"), "{}", ran.stderr);
            assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);
        }
    }
    assert!(other.requests().is_empty());
    assert!(!format!("{:?}", env.events("one")).contains(KEY));
}

/// What a run keeps from its start is told on a resume where the file says otherwise, and where that is the
/// remedy, the end of the run does not send the user into it.
#[test]
fn a_frozen_key_that_was_changed_is_told_and_a_new_run_is_named_as_the_way() {
    let server = Server::start(|_, _| {
        (404, "", json!({"error": {"message": "model `clerk` not found"}}).to_string())
    });
    let env = TestEnv::with_server(&server, "");
    let ran = env.run("run colours --name one").exits(4);
    for words in ["correct the model's name under [models]", "start a new run"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let model = "{ model = \"local/clerk-2\", max_output_tokens = 4000 }";
    env.edit("colours/task.toml", "\"local/clerk\"", model);
    env.edit("colours/task.toml", "calls = 300", "calls = 200");
    env.edit("colours/task.toml", "free = true", "free = true\nconcurrency = 3");
    let asked = server.requests().len();
    let ran = env.run("resume one").exits(4);
    let task = env.read("colours/task.toml");
    let line = |key: &str| 1 + task.lines().position(|line| line.starts_with(key)).unwrap();
    for (key, line) in [
        ("models.task", line("task =")),
        ("models.task.max_output_tokens", line("task =")),
        ("budget.calls", line("calls =")),
    ] {
        let told = format!("task.toml:{line}: `{key}` has changed and has no effect in this run");
        assert_eq!(ran.stderr.matches(&told).count(), 1, "{told}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("concurrency` has changed"), "{}", ran.stderr);
    let requests = server.requests();
    assert!(requests[asked..].iter().all(|it| it.body["model"] == "clerk"), "as it was frozen");
}

#[test]
fn an_answer_that_is_cut_off_again_and_again_asks_for_a_new_run() {
    let body = json!({
        "choices": [{"index": 0, "finish_reason": "length", "message": {"content": "wa"}}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 512, "total_tokens": 532},
    });
    let server = Server::start(move |_, _| (200, "", body.to_string()));
    let env = TestEnv::with_server(&server, "");
    let ran = env.run("run colours --name one").exits(4);
    for words in ["max_output_tokens = 512", "raise `max_output_tokens`", "start a new run"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("fix this"), "{}", ran.stderr);
}

#[test]
fn the_end_of_a_run_has_the_remedy_that_doctor_has() {
    let error = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
    let per_day = json!({"error": {"code": 429, "message": "You exceeded your current quota",
        "details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]}});
    let no_key = json!({"error": {"code": 400, "message": "API key not valid", "details": [{"reason": "API_KEY_INVALID"}]}});
    let (top_up, check_key) = ("top up the account", "check `api_key`");
    let cases = [
        (402, error("x", "Insufficient credits"), top_up, false),
        (429, error("insufficient_quota", "You exceeded your current quota"), top_up, false),
        (429, per_day, top_up, false),
        (400, no_key, check_key, false),
        (400, error("x", "unknown field `foo`"), "change what it refuses", true),
    ];
    for (status, body, remedy, is_of_form) in cases {
        let said = body.to_string();
        let server = Server::start(move |_, _| (status, "", said.clone()));
        let env = TestEnv::with_server(&server, "");
        for line in ["doctor colours", "run colours --name one"] {
            let ran = env.run(line).exits(4);
            let told = (ran.stdout + &ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains(remedy), "{line}: {body}: {told}");
            if line.starts_with("run") {
                assert!(told.contains("then run: promptsearch resume one"), "{told}");
                assert_eq!(told.contains("--accept-changed-provider"), is_of_form, "{told}");
            }
        }
    }
    // A page of a wrong address, with status 200.
    let server = Server::start(|_, _| (200, "", "<!doctype html><title>Hello</title>".to_owned()));
    let env = TestEnv::with_server(&server, "");
    let told = env.run("doctor colours").exits(4).stdout;
    assert!(told.contains("check `base_url`"), "{told}");
}
