//! A key is sent to its provider and appears in no file and no message, for any response of a
//! server.

use crate::env::{COLOURS, Ran, TestEnv, colour_rows};
use crate::server::{Reply, Request, Server, answer};
use serde_json::json;

const KEY: &str = "sk-Sentinel+0123456789/abcdef=";
const GOOD: &str = "sk-Good+9876543210/fedcba=";

fn percent_encoded(key: &str) -> String {
    key.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

fn forms(key: &str) -> [String; 4] {
    [
        key.to_owned(),
        percent_encoded(key),
        percent_encoded(key).to_lowercase(),
        base64(key.as_bytes()),
    ]
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[track_caller]
fn nowhere(env: &TestEnv, key: &str, runs: &[&Ran]) {
    let mut files = env.files("results");
    assert!(files.len() > 4, "{files:?}");
    let shared = env.files(".local");
    assert!(!shared.is_empty(), "no limits are shared");
    files.extend(shared);
    for form in forms(key) {
        for file in &files {
            assert!(
                !holds(&std::fs::read(file).unwrap(), &form),
                "{} holds {form}",
                file.display()
            );
        }
        for ran in runs {
            assert!(
                !ran.stdout.contains(&form) && !ran.stderr.contains(&form),
                "{}{}",
                ran.stdout,
                ran.stderr
            );
        }
    }
}

fn echo(status: u16, headers: &'static str, request: &Request) -> Reply {
    let sent = request.authorization().unwrap_or_default().to_owned();
    let key = sent.trim_start_matches("Bearer ");
    let message = format!("Incorrect API key provided: {}; {sent}", forms(key).join(" or "));
    (status, headers, json!({"error": {"message": message, "code": key, "type": sent}}).to_string())
}

fn env(server: &Server) -> TestEnv {
    TestEnv::with_server(server, "api_key = \"env:LOCAL_KEY\"")
}

#[test]
fn a_refused_key_ends_the_run_and_a_valid_key_resumes_it() {
    let server = Server::start(|_, request| match request.authorization() {
        Some(sent) if sent == format!("Bearer {GOOD}") => answer(request),
        _ => echo(401, "", request),
    });
    let mut env = env(&server);
    env.run("run colours --name one").exits(3);
    assert!(!env.path("results").exists() && server.requests().is_empty());

    env.set("LOCAL_KEY", KEY);
    let ran = env.run("run colours --name one --max-calls 120").exits(4);
    assert!(ran.stderr.contains("promptsearch resume one"), "{}", ran.stderr);
    assert!(
        server
            .requests()
            .iter()
            .all(|sent| sent.authorization() == Some(format!("Bearer {KEY}").as_str()))
    );
    assert_eq!(env.json("results/one/summary.json")["status"], "interrupted");
    let status = env.run("status one").ok();
    let again = env.run("resume one --json").exits(4);
    nowhere(&env, KEY, &[&ran, &status, &again]);

    env.set("LOCAL_KEY", GOOD);
    let done = env.run("resume one").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["status"], "finished");
    assert_eq!(summary["counts"]["errors"], 0, "{summary}");
    nowhere(&env, KEY, &[&done]);
    nowhere(&env, GOOD, &[&done]);
}

/// A token of a command lives for forty requests, and the command prints the next one.
#[test]
fn a_token_that_expires_is_fetched_again_while_the_run_goes_on() {
    let seen = std::sync::Mutex::new(std::collections::BTreeMap::<String, u32>::new());
    let server = Server::start(move |_, request| {
        let token = request.authorization().unwrap_or_default().to_owned();
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(token).or_default();
        *count += 1;
        if *count <= 40 { answer(request) } else { echo(401, "", request) }
    });
    let env = TestEnv::with_server(&server, "");
    let count = env.path("count").display().to_string();
    let line = format!("echo x >> {count}; printf 'sentinel-token-%05d' $(wc -l < {count})");
    let table = format!("api_key = {{ command = \"{line}\", ttl = \"1h\" }}\nfree = true");
    env.edit("colours/task.toml", "free = true", &table);
    let ran = env.run("run colours --name one --max-calls 120").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!((&summary["status"], &summary["counts"]["errors"]), (&json!("finished"), &json!(0)));
    let tokens: std::collections::BTreeSet<_> =
        server.requests().iter().map(|sent| sent.authorization().unwrap().to_owned()).collect();
    assert!(tokens.len() > 1, "{tokens:?}");
    for token in tokens {
        nowhere(&env, token.trim_start_matches("Bearer "), &[&ran]);
    }
}

#[test]
fn a_server_that_repeats_the_key_in_its_failures_does_not_bring_it_into_a_file() {
    let server = Server::start(|number, request| match number {
        0 => echo(500, "", request),
        1 => echo(429, "retry-after: 0\r\n", request),
        2 => (200, "", echo(200, "", request).2.replace("error", "note")),
        3 => (503, "", format!("<html>{}</html>", request.authorization().unwrap_or(""))),
        _ => answer(request),
    });
    let mut env = env(&server);
    env.set("LOCAL_KEY", KEY);
    let ran = env.run("run colours --name one --max-calls 100").ok();
    let shown = [env.run("journal one").ok(), env.run("report one --format md").ok()];
    nowhere(&env, KEY, &[&ran, &shown[0], &shown[1]]);
}

#[test]
fn a_bad_request_and_a_missing_model_are_refusals() {
    // A 200 with an error instead of an answer also counts as a refusal.
    for status in [200, 400, 403, 404] {
        let server = Server::start(move |_, request| echo(status, "", request));
        let mut env = env(&server);
        env.set("LOCAL_KEY", KEY);
        let ran = env.run("run colours --name one --max-calls 60");
        assert_eq!(ran.code, 4, "{status}: {}", ran.stderr);
        nowhere(&env, KEY, &[&ran]);
    }
}

#[test]
fn the_simulated_server_asks_for_its_key() {
    let mut env = TestEnv::with_colours();
    let (mut child, told) = env.simulate(&format!("--require-key {GOOD}"));
    let provider = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = {}\napi_key = \"env:LOCAL_KEY\"\nfree = true\n\n[goal]",
        told["base_url"]
    );
    let task = COLOURS.replace("sim/", "local/").replace("[goal]", &provider);
    env.write("served/task.toml", &task);
    env.write("served/rows.jsonl", &colour_rows(60));
    env.set("LOCAL_KEY", KEY);
    let refused = env.run("run served --name one --max-calls 100");
    env.set("LOCAL_KEY", GOOD);
    let done = env.run("resume one");
    child.kill().unwrap();
    child.wait().unwrap();
    let (refused, done) = (refused.exits(4), done.ok());
    assert_eq!(env.json("results/one/summary.json")["status"], "finished");
    nowhere(&env, KEY, &[&refused, &done]);
    nowhere(&env, GOOD, &[&refused, &done]);
}

/// A bucket of 300 requests that fills by five a second: more than that is asked for, by two runs at once.
#[test]
fn two_runs_at_once_keep_to_the_limits_of_a_server() {
    let env = TestEnv::with_colours();
    let (mut child, told) = env.simulate("--rpm 300 --log served.jsonl");
    let provider = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = {}\nfree = true\n\n[goal]",
        told["base_url"]
    );
    env.write("served/task.toml", &COLOURS.replace("sim/", "local/").replace("[goal]", &provider));
    env.write("served/rows.jsonl", &colour_rows(60));
    let start = std::time::Instant::now();
    let runs: Vec<_> = ["one", "two"]
        .map(|name| {
            let line =
                format!("run served --name {name} --strategy random --max-calls 170 --quiet");
            env.command(&line).stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .into_iter()
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    let took = start.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    let log = env.read("served.jsonl");
    let (all, refused) = (log.lines().count(), log.matches("\"throttled\"").count());
    assert!(all > 310, "{all} requests in {took:?}");
    assert!(refused * 20 < all, "{refused} of {all} were refused");
    let errors = ["one", "two"]
        .map(|name| env.json(&format!("results/{name}/summary.json"))["counts"]["errors"].clone());
    assert_eq!(errors, [json!(0), json!(0)]);
}

/// The server of the embedding model repeats the key in every refusal.
#[test]
fn a_key_in_a_refusal_of_embeddings_comes_into_no_file() {
    for status in [400, 401, 500] {
        let server = Server::start(move |_, request| echo(status, "", request));
        let mut env = TestEnv::with_colours();
        let models = "mutator = \"sim/editor\"\nembed = \"local/m\"";
        env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
        let provider = format!(
            "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\
             api_key = \"env:LOCAL_KEY\"\n\n[goal]",
            server.base_url()
        );
        env.edit("colours/task.toml", "[goal]", &provider);
        env.set("LOCAL_KEY", KEY);
        let line = "run colours --strategy shinka-islands --name one --max-proposals 1 --for 10s";
        let ran = env.run(line);
        assert!(server.requests().iter().all(|it| it.authorization().is_some()));
        assert!(!server.requests().is_empty());
        // The words of these refusals are those of a refused key, whatever the status.
        assert!(ran.code == 4 || status == 500, "{}", ran.stderr);
        let shown = env.run("status one");
        nowhere(&env, KEY, &[&ran, &shown]);
    }
}
