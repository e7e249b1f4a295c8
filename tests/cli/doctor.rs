//! `doctor` against servers that are well, ill, slow to take parameters, or not there.

use crate::env::{Ran, TestEnv};
use crate::server::{Reply, Request, Server, answer, says, writes};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

const KEY: &str = "sk-Sentinel+0123456789/abcdef=";
const PRICE: &str = "price = { input = 1.0, output = 2.0 }";

/// Both models, as they should be.
fn well(request: &Request) -> Reply {
    if request.body["model"] == "editor" {
        writes(request, "Say warm or cold, nothing else.")
    } else {
        answer(request)
    }
}

/// The task `colours` with both models behind a server, and a key.
fn env(server: &Server, extra: &str) -> TestEnv {
    let mut env = TestEnv::with_server(server, &format!("api_key = \"env:LOCAL_KEY\"\n{extra}"));
    env.edit("colours/task.toml", "sim/editor", "local/editor");
    env.edit("colours/task.toml", "free = true\n", "");
    env.set("LOCAL_KEY", KEY).set("PROMPTSEARCH_LOG", "trace");
    env
}

/// The diagnosis; no key in it, nor in what was said beside it, and nothing left in the folder.
#[track_caller]
fn checked(env: &TestEnv, line: &str, code: i32) -> (Value, Ran) {
    let ran = env.run(&format!("doctor colours --json {line}")).exits(code);
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{}{}", ran.stdout, ran.stderr);
    assert!(!env.path("results").exists(), "it leaves nothing");
    (ran.json(), ran)
}

/// The check of a name.
#[track_caller]
fn check<'a>(found: &'a Value, about: &str, name: &str) -> &'a Value {
    let mut checks = found["checks"].as_array().unwrap().iter();
    let is_it = |check: &&Value| check["about"] == about && check["check"] == name;
    checks.find(is_it).unwrap_or_else(|| panic!("no check {about} {name}: {found:#}"))
}

#[track_caller]
fn is(found: &Value, about: &str, name: &str, status: &str, words: &str) {
    let check = check(found, about, name);
    assert_eq!(check["status"], status, "{check:#}");
    assert!(check["words"].as_str().unwrap().contains(words), "{check:#}");
    assert_eq!(check.get("remedy").is_some(), status != "ok", "{check:#}");
    assert_eq!(check.get("cause").is_some(), status == "fault", "{check:#}");
}

#[test]
fn a_task_that_is_well_is_told_so_with_its_figures() {
    let server = Server::start(|_, request| well(request));
    let env = env(&server, PRICE);
    let (found, ran) = checked(&env, "--max-usd 1 --for 8h", 0);
    assert_eq!(found["status"], "ok", "{found:#}");
    assert!(ran.stderr.contains("asking 2 roles, once each: at most $"), "{}", ran.stderr);
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "one call for each role");
    let of = |model: &str| requests.iter().find(|it| it.body["model"] == model).unwrap();
    // As a run sends them: the first row, and a request of the usual operator with its rows.
    assert_eq!(of("clerk").content("system"), "Answer warm or cold.");
    assert_eq!(of("clerk").body["max_tokens"], 512);
    assert!(of("editor").content("user").contains("<evidence-"));
    for (role, usd) in [("task", 20.0 + 2.0 * 2.0), ("mutator", 24.0)] {
        let role = &found["roles"][role];
        assert_eq!((&role["answered"], &role["usage_reported"]), (&json!(true), &json!(true)));
        assert_eq!((&role["prompt_tokens"], &role["completion_tokens"]), (&json!(20), &json!(2)));
        assert!((role["usd"].as_f64().unwrap() * 1e6 - usd).abs() < 1e-6, "{role}");
        let times = ["first_byte_ms", "latency_ms", "calls_per_hour"].map(|it| role[it].as_f64());
        assert!(times.iter().all(Option::is_some), "{role}");
    }
    let asked = &found["asked"];
    assert_eq!((&asked["calls"], &asked["tokens"]), (&json!(2), &json!(44)));
    assert!((asked["usd"].as_f64().unwrap() - 48e-6).abs() < 1e-12, "{asked}");
    assert!(asked["worst_usd"].as_f64() > asked["usd"].as_f64(), "{asked}");
    // The tokens that were measured, at the prices of the task, and up to 750 more, by which prompts grow.
    let night = &found["night"];
    let (calls, usd) = (night["calls"].as_f64().unwrap(), night["usd"].as_f64().unwrap());
    assert!(
        (calls * 24e-6..calls * 774e-6).contains(&usd) && night["worst_usd"].as_f64() <= Some(1.0),
        "{night}"
    );
    assert_eq!(night["seconds_available"], 8.0 * 3_600.0, "{night}");
    assert!(night["seconds"].as_f64().unwrap() > 0.0, "{night}");
    assert!(
        found["machine"]["disk_free_bytes"].as_u64()
            > found["machine"]["disk_needed_bytes"].as_u64()
    );
}

#[test]
fn a_night_that_only_time_limits_is_filled_and_no_plan_calls_it_cheap() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(50));
        well(request)
    });
    let env = env(&server, &format!("concurrency = 2\n{PRICE}"));
    env.edit("colours/task.toml", "calls = 300", "wall = \"2m\"");
    let plan = env.run("plan colours --json").ok().json();
    for role in ["task", "mutator"] {
        let role = &plan["roles"][role];
        assert_eq!((&role["calls"], &role["usd"]), (&Value::Null, &Value::Null), "{plan:#}");
    }
    assert_eq!((&plan["usd"], &plan["worst_usd"]), (&Value::Null, &Value::Null), "{plan:#}");
    assert_eq!(plan["proposals_affordable"], json!([null, null]));
    let plan = env.run("plan colours").ok().stdout;
    assert!(plan.contains("no cap limits the proposals"), "{plan}");
    assert!(
        plan.contains("warning: nothing limits the calls and their dollars but the time"),
        "{plan}"
    );
    // All roles together fill the time, and do not pass it.
    let (found, _) = checked(&env, "", 0);
    is(&found, "night", "time", "ok", "of 2 min");
    let night = &found["night"];
    let seconds = night["seconds"].as_f64().unwrap();
    assert!((110.0..=120.0).contains(&seconds), "{night:#}");
    assert!(night["roles"]["mutator"]["calls"].as_u64().unwrap() > 0, "{night:#}");
    assert!(night["usd"].as_f64().unwrap() > 0.0, "{night:#}");
    // Other caps may be too much for the time.
    let (found, _) = checked(&env, "--max-calls 100000", 0);
    is(&found, "night", "time", "warning", "its time of 2 min 00 s is over after");
}

#[test]
fn a_cap_in_dollars_on_free_models_is_said_to_bind_nothing() {
    // Slow enough that a night's journal has room on a small disk.
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(50));
        well(request)
    });
    let env = env(&server, "free = true");
    env.edit("colours/task.toml", "calls = 300", "usd = 1.0");
    let words = "no cap binds: these models are free";
    let plan = env.run("plan colours --json").ok().json();
    assert!(plan["warnings"].to_string().contains(words), "{plan:#}");
    assert_eq!((&plan["roles"]["task"]["calls"], &plan["usd"]), (&Value::Null, &json!(0.0)));
    is(&checked(&env, "", 0).0, "night", "caps", "warning", words);
    // The mutator writes the same prompt again and again, which ends the search.
    for (line, is_told) in [("--max-proposals 1", false), ("", true)] {
        let ran = env.run(&format!("run colours --strategy best-of-n {line}")).ok();
        assert_eq!(ran.stderr.contains(words), is_told, "{line}: {}", ran.stderr);
    }
    std::fs::remove_dir_all(env.path("results")).unwrap();
    // Time does, and then free models need no consent and no warning.
    let plan = env.run("plan colours --for 1m --json").ok().json();
    assert!(!plan["warnings"].to_string().contains("nothing limits"), "{plan:#}");
    let (found, _) = checked(&env, "--for 1m", 0);
    assert!(found["night"]["seconds"].as_f64().unwrap() <= 60.0, "{found:#}");
}

#[test]
fn what_it_looks_like() {
    let server = Server::start(|_, request| {
        match request.body["model"] == "editor" {
        true => says("Sure! Here is my advice:\n\n1. Be kind.\n2. Be short.\n\nShall I go on?"),
        false if request.body.get("temperature").is_some() => (
            400,
            "",
            json!({"error": {"message": "Unsupported parameter: 'temperature'", "param": "temperature",
                "code": "unsupported_parameter"}})
            .to_string(),
        ),
        false => says("It depends."),
    }
    });
    let env = env(&server, PRICE);
    let mut command = env.command("doctor colours --max-usd 1");
    let ran =
        Ran::of(command.env("COLUMNS", "100").env_remove("PROMPTSEARCH_LOG").output().unwrap())
            .exits(4);
    let port = server.base_url().rsplit(':').next().unwrap().trim_end_matches("/v1").to_owned();
    // Figures of this machine and this moment.
    let measured = |line: &str| {
        ["speed", "limits", "disk", "time"]
            .iter()
            .find(|name| line.contains(&format!("ok       {name}")))
            .copied()
    };
    let mut is_measured = false;
    let mut shown = Vec::new();
    for line in ran.stdout.replace(&port, "[PORT]").lines() {
        match measured(line) {
            Some(name) => shown.push(format!("  ok       {name:<8} [...]")),
            None if is_measured && line.starts_with("          ") => continue,
            None => shown.push(line.to_owned()),
        }
        is_measured = measured(line).is_some();
    }
    insta::assert_snapshot!(shown.join("\n"));
    assert!(ran.stderr.contains("error: mutator form: no prompt can be read"), "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}'), "no colour where no terminal is");
}

#[test]
fn a_server_that_refuses_is_told_by_what_it_refuses() {
    type Case = (u16, &'static str, &'static str, &'static str);
    let cases: [Case; 5] = [
        (401, "Incorrect API key provided: sk-Sentinel+0123456789/abcdef=", "key", "401"),
        (402, "your balance is used up", "quota", "402"),
        (404, "The model `clerk` does not exist", "model", "does not exist"),
        (400, "messages: too many of them", "request", "too many"),
        (503, "Loading model", "reach", "Loading model"),
    ];
    for (status, message, name, words) in cases {
        let server = Server::start(move |_, request| match request.body["model"] == "editor" {
            true => writes(request, "Say warm or cold, nothing else."),
            false if status == 503 => {
                (503, "retry-after: 60\r\n", json!({"error": {"message": message}}).to_string())
            }
            false => (status, "", json!({"error": {"message": message}}).to_string()),
        });
        let (found, ran) = checked(&env(&server, PRICE), "--max-usd 1", 4);
        is(&found, "task", name, "fault", words);
        assert_eq!(check(&found, "task", name)["cause"], "provider");
        assert_eq!(found["roles"]["task"]["status"], status);
        // The others are checked all the same.
        is(&found, "mutator", "form", "ok", "keeps the form");
        is(&found, "machine", "folder", "ok", "");
        assert!(ran.stderr.contains(&format!("error: task {name}: ")), "{}", ran.stderr);
    }
}

#[test]
fn a_server_that_is_not_there_and_a_key_that_is_missing_are_found_together() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(|_, request| well(request));
    let env = env(&server, PRICE);
    env.edit("colours/task.toml", "local/editor", "away/editor");
    let away = format!(
        "[providers.away]\nkind = \"openai\"\nbase_url = \"http://{gone}/v1\"\n{PRICE}\n\n[goal]"
    );
    env.edit("colours/task.toml", "[goal]", &away);
    let (found, _) = checked(&env, "--max-usd 1", 4);
    is(&found, "task", "score", "ok", "is worth");
    is(&found, "mutator", "reach", "fault", "could not be reached");

    env.edit("colours/task.toml", "env:LOCAL_KEY", "env:NO_SUCH_KEY");
    let before = server.requests().len();
    let (found, ran) = checked(&env, "--max-usd 1", 3);
    assert_eq!(server.requests().len(), before);
    is(&found, "task", "key", "fault", "NO_SUCH_KEY");
    is(&found, "mutator", "reach", "fault", "could not be reached");
    assert!(ran.stderr.contains("error: task key: "), "the task's faults go first: {}", ran.stderr);
}

#[test]
fn a_parameter_that_is_not_taken_is_named_with_what_to_write() {
    let server = Server::start(|_, request| {
        let refuses = |field: &str| {
            let message =
                format!("Unsupported parameter: '{field}' is not supported with this model.");
            let error =
                json!({"message": message, "param": field, "code": "unsupported_parameter"});
            (400, "", json!({"error": error}).to_string())
        };
        let asked =
            ["temperature", "max_tokens"].into_iter().find(|it| request.body.get(it).is_some());
        match asked {
            Some(field) => refuses(field),
            None => well(request),
        }
    });
    let (found, _) = checked(&env(&server, PRICE), "--max-usd 1", 0);
    assert_eq!(found["status"], "warning");
    for role in ["task", "mutator"] {
        assert_eq!(found["roles"][role]["refused_fields"], json!(["temperature", "max_tokens"]));
        let told = found["checks"].as_array().unwrap().iter();
        let told: Vec<&str> = told
            .filter(|check| check["about"] == role && check["check"] == "fields")
            .map(|check| check["remedy"].as_str().unwrap())
            .collect();
        assert!(told[0].contains("temperature = \"none\""), "{told:?}");
        assert!(told[1].contains("max_tokens_field = \"max_completion_tokens\""), "{told:?}");
    }
}

#[test]
fn limits_are_read_from_an_answer_and_from_a_429() {
    const LEFT: &str = "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\n\
        x-ratelimit-reset-requests: 1s\r\nx-ratelimit-limit-tokens: 100000\r\n\
        x-ratelimit-remaining-tokens: 99000\r\nx-ratelimit-reset-tokens: 600ms\r\n";
    const USED_UP: &str = "retry-after: 40\r\nx-ratelimit-limit-requests: 60\r\n\
        x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 60s\r\n";
    let server = Server::start(|_, request| {
        let (status, _, body) = well(request);
        match request.body["model"] == "editor" {
            true => (429, USED_UP, json!({"error": {"message": "slow down"}}).to_string()),
            false => (status, LEFT, body),
        }
    });
    let env = env(&server, PRICE);
    env.edit("colours/task.toml", "local/editor", "slow/editor");
    let slow = format!(
        "[providers.slow]\nkind = \"openai\"\nbase_url = \"{}\"\n{PRICE}\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &slow);
    let begun = Instant::now();
    let (found, _) = checked(&env, "--max-usd 1 --max-calls 300", 4);
    assert!(begun.elapsed() < Duration::from_secs(20), "a long wait is not waited for");
    let task = &found["roles"]["task"];
    assert_eq!(task["requests"], json!({"limit": 60, "left": 59, "reset_ms": 1_000}));
    assert_eq!(task["tokens"]["limit"], 100_000);
    // One request comes back in a second.
    let hourly = task["calls_per_hour"].as_f64().unwrap();
    assert!((3_500.0..=3_700.0).contains(&hourly), "{hourly}");
    is(&found, "task", "limits", "ok", "59 of 60 requests left");
    is(&found, "mutator", "limits", "fault", "slow down");
    is(&found, "mutator", "rates", "ok", "0 of 60 requests left, all again in 1 min 00 s");
}

#[test]
fn a_429_that_passes_is_waited_for_and_told() {
    let server = Server::start(|number, request| match number {
        0 => (429, "retry-after: 0\r\n", json!({"error": {"message": "slow down"}}).to_string()),
        _ => well(request),
    });
    let (found, _) = checked(&env(&server, PRICE), "--max-usd 1 --concurrency 1", 0);
    let attempts = found["checks"].as_array().unwrap().iter().find(|it| it["check"] == "attempts");
    assert_eq!(attempts.expect("it is said")["status"], "warning");
    assert_eq!(server.requests().len(), 3);
    // What was sent is counted, not what was planned.
    assert_eq!(found["asked"]["calls"], 3);
    assert_eq!(found["asked"]["roles"], 2);
}

#[test]
fn under_a_cap_in_dollars_a_model_without_a_price_is_not_asked() {
    let server = Server::start(|_, request| well(request));
    let env = env(&server, "prices = { editor = { input = 1.0, output = 2.0 } }");
    let (found, _) = checked(&env, "--max-usd 1", 3);
    let price = check(&found, "task", "price");
    assert!(
        price["remedy"].as_str().unwrap().contains("[providers.local.prices.\"clerk\"]"),
        "{price}"
    );
    let asked: Vec<Value> = server.requests().iter().map(|it| it.body["model"].clone()).collect();
    assert_eq!(asked, ["editor"]);
    // Without one it is asked, and told.
    let (found, _) = checked(&env, "", 0);
    is(&found, "task", "price", "warning", "not known");
    is(&found, "night", "cost", "warning", "not known");
    assert_eq!(found["night"]["usd"], Value::Null);
    // What one call may cost must fit.
    env.edit(
        "colours/task.toml",
        "prices = { editor",
        "price = { input = 9.0, output = 9000.0 }\nprices = { editor",
    );
    let (found, _) = checked(&env, "--max-usd 1", 3);
    is(&found, "task", "budget", "fault", "more than the caps leave");
}

#[test]
fn an_answer_that_cannot_be_used_is_told_and_so_is_one_that_is_cut_off() {
    let cut = |text: &str| {
        let choice = json!({"finish_reason": "length", "message": {"content": text}});
        (200, "", json!({"choices": [choice]}).to_string())
    };
    let server = Server::start(move |_, request| match request.body["model"] == "editor" {
        true => cut("<prompt-"),
        false => says("It depends."),
    });
    let (found, _) = checked(&env(&server, PRICE), "--max-usd 1", 4);
    is(&found, "task", "score", "warning", "“It depends.” cannot be scored");
    is(&found, "mutator", "answer", "fault", "max_output_tokens = 2000");
    is(&found, "mutator", "usage", "warning", "counts no tokens");
}

#[test]
fn a_call_that_failed_and_may_be_billed_counts_for_its_role() {
    let server = Server::start(|_, _| (200, "", "<html>no gateway</html>".to_owned()));
    let (found, _) = checked(&env(&server, PRICE), "--max-usd 1", 4);
    let usd = |role: &str| found["roles"][role]["usd"].as_f64().unwrap();
    let (task, mutator) = (usd("task"), usd("mutator"));
    assert!(task > 0.0 && mutator > 0.0, "{found:#}");
    let asked = found["asked"]["usd"].as_f64().unwrap();
    assert!((task + mutator - asked).abs() < 1e-9, "{found:#}");
}

#[test]
fn a_page_with_many_faults_fits_eighty_columns() {
    let server = Server::start(|_, _| (401, "", json!({"error": {"message": "no"}}).to_string()));
    let mut env = env(&server, "rpm = 1");
    env.set("COLUMNS", "80");
    let page = env.run("doctor colours --for 1h").exits(4).stdout;
    let verdict = page.split("not ready").nth(1).unwrap();
    assert!(verdict.contains("2 faults") && verdict.trim().lines().count() > 1, "{page}");
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let server = Server::start(|_, request| {
        let (status, _, body) = well(request);
        (status, "date: Sun, 01 Mar 2020 12:00:00 GMT\r\n", body)
    });
    let (found, _) = checked(&env(&server, PRICE), "--max-usd 1", 0);
    is(&found, "machine", "clock", "warning", "ahead of the provider's");
    assert!(found["machine"]["clock_ahead_seconds"].as_f64().unwrap() > 1e8);
}

#[test]
fn simulated_models_a_full_budget_and_a_short_night_are_checked_too() {
    let env = TestEnv::with_colours();
    let (found, _) = checked(&env, "", 0);
    assert_eq!(found["status"], "ok", "{found:#}");
    is(&found, "task", "reach", "ok", "in this process");
    // Where time alone is capped, the pace says how much there is to do.
    env.edit("colours/task.toml", "calls = 300", "wall = \"1m\"");
    let (found, _) = checked(&env, "", 0);
    assert!(found["night"]["calls"].as_u64().unwrap() > 10_000, "{found:#}");
    let (found, _) = checked(&env, "--max-calls 1", 0);
    is(&found, "mutator", "budget", "warning", "not asked");
    let (found, _) = checked(&env, "--max-proposals 0", 0);
    assert_eq!((&found["asked"]["roles"], &found["asked"]["calls"]), (&json!(1), &json!(1)));
    is(&found, "mutator", "budget", "ok", "no proposals");
    let one = "mutator = \"sim/editor\"";
    env.edit("colours/task.toml", one, "mutator = [\"sim/editor\", \"sim/editor\"]");
    let (found, _) = checked(&env, "--max-proposals 1", 0);
    assert_eq!(found["asked"]["calls"], 2, "{found:#}");
    is(&found, "mutator-2", "budget", "warning", "the cap on proposals is 1");
    env.edit("colours/task.toml", "mutator = [\"sim/editor\", \"sim/editor\"]", one);
    // And a server of the program's own, with limits that it tells.
    let (mut server, told) = env.simulate("--rpm 600 --tpm 100000");
    let provider = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = {}\nfree = true\n\n[goal]",
        told["base_url"]
    );
    env.edit("colours/task.toml", "sim/clerk", "local/clerk");
    env.edit("colours/task.toml", "[goal]", &provider);
    let ran = env.run("doctor colours --json");
    server.kill().unwrap();
    server.wait().unwrap();
    let found = ran.ok().json();
    assert_eq!(found["roles"]["task"]["requests"]["limit"], 600, "{found:#}");
    is(&found, "machine", "clock", "ok", "within 10 s");
}

#[test]
fn a_server_that_answers_nothing_but_503_or_429_is_named_with_what_it_said() {
    type Case = (u16, &'static str, &'static str, &'static str);
    let cases: [Case; 3] = [
        (503, "", "Loading model", "503"),
        (429, "retry-after: 5\r\n", "slow down", "asks to wait 5.0 s"),
        (
            429,
            "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 0\r\n\
             x-ratelimit-reset-requests: 60s\r\n",
            "none left",
            "429",
        ),
    ];
    // Side by side, because each waits for as long as a person would.
    std::thread::scope(|scope| {
        for (status, headers, message, words) in cases {
            scope.spawn(move || {
                let server = Server::start(move |_, _| {
                    (status, headers, json!({"error": {"message": message}}).to_string())
                });
                // One place at a time, so that a role may never get one.
                let env = env(&server, &format!("concurrency = 1\n{PRICE}"));
                let (found, ran) = checked(&env, "--max-usd 1", 4);
                for role in ["task", "mutator"] {
                    let checks = found["checks"].as_array().unwrap().iter();
                    let fault = checks
                        .filter(|it| it["about"] == role && it["status"] == "fault")
                        .map(|it| it["words"].as_str().unwrap())
                        .collect::<Vec<_>>();
                    assert_eq!(fault.len(), 1, "{found:#}");
                    assert!(fault[0].contains(message) && fault[0].contains(words), "{fault:?}");
                }
                assert!(!ran.stdout.contains("other run"), "{found:#}");
                assert_eq!(found["asked"]["calls"], server.requests().len());
            });
        }
    });
}

#[test]
fn a_pause_that_another_process_was_asked_for_is_not_taken_for_another_run() {
    let server = Server::start(|_, _| {
        (429, "retry-after: 120\r\n", json!({"error": {"message": "slow down"}}).to_string())
    });
    let env = env(&server, PRICE);
    checked(&env, "--max-usd 1", 4);
    let before = server.requests().len();
    let (found, _) = checked(&env, "--max-usd 1", 4);
    assert_eq!(server.requests().len(), before, "it is still to wait");
    assert_eq!(found["asked"]["calls"], 0);
    for role in ["task", "mutator"] {
        is(&found, role, "limits", "fault", "asks to wait, for 1 min");
    }
}

#[test]
fn another_run_that_has_all_places_is_named_as_one() {
    let server = Server::start(|number, request| match number {
        // The provider takes one request at a time.
        0 => (429, "retry-after: 0\r\n", json!({"error": {"message": "slow down"}}).to_string()),
        _ => {
            std::thread::sleep(Duration::from_secs(45));
            well(request)
        }
    });
    let env = env(&server, PRICE);
    let mut run = env.command("run colours --max-usd 1 --quiet").spawn().unwrap();
    let begun = Instant::now();
    while server.requests().len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run asks nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = env.run("doctor colours --json --max-usd 1").exits(0);
    run.kill().unwrap();
    run.wait().unwrap();
    is(&ran.json(), "task", "limits", "warning", "another run on this machine");
}

#[test]
fn under_a_tight_cap_the_verdict_does_not_depend_on_who_is_faster() {
    for slow in ["clerk", "editor"] {
        let server = Server::start(move |_, request| {
            if request.body["model"] == slow {
                std::thread::sleep(Duration::from_millis(400));
            }
            well(request)
        });
        let env = env(&server, "price = { input = 0.0, output = 100.0 }");
        // 512 tokens of the task model cost at most $0.0512, 2,000 of the mutator $0.20: one fits at a
        // time, and both when the first is settled.
        let (found, _) = checked(&env, "--max-usd 0.21", 0);
        is(&found, "task", "score", "ok", "is worth");
        is(&found, "mutator", "form", "ok", "keeps the form");
        let models: Vec<_> = server.requests().iter().map(|it| it.body["model"].clone()).collect();
        assert_eq!(models, ["clerk", "editor"], "in the order of the roles");
        // The mutator fits in no case.
        let (found, _) = checked(&env, "--max-usd 0.19", 3);
        is(&found, "task", "score", "ok", "is worth");
        is(&found, "mutator", "budget", "fault", "more than the caps leave");
        assert_eq!(found["asked"]["calls"], 1);
    }
}

#[test]
fn usage_that_cannot_be_true_is_shown_and_not_believed() {
    let says_used = |input: u64, out: u64| {
        let choice = json!({"finish_reason": "stop", "message": {"content": "warm"}});
        let usage = json!({"prompt_tokens": input, "completion_tokens": out});
        (200, "", json!({"choices": [choice], "usage": usage}).to_string())
    };
    let cases = [
        (0, 0, "says that the prompt had none; a run estimates them", false),
        (20, 0, "20 tokens in, 0 out, which cannot be true; a run estimates instead", false),
        (20, 9_000_000, "9,000,000 out, which cannot be true", false),
        (20, 600, "600 out, more than `max_output_tokens` = 512; a run counts", true),
    ];
    for (input, out, words, is_believed) in cases {
        let server = Server::start(move |_, request| match request.body["model"] == "editor" {
            true => writes(request, "Say warm or cold, nothing else."),
            false => says_used(input, out),
        });
        let (found, _) = checked(&env(&server, PRICE), "--max-usd 1", 0);
        is(&found, "task", "usage", "warning", words);
        let task = &found["roles"]["task"];
        assert_eq!(task["usage_reported"], is_believed);
        assert_eq!(task["completion_tokens"] == json!(out), is_believed, "{task}");
        assert!(task["completion_tokens"].as_u64() > Some(0), "{task}");
        is(&found, "mutator", "usage", "ok", "as the provider counts them");
    }
}

#[test]
fn a_redirect_is_named_with_what_to_write_into_the_task() {
    let server = Server::start(|_, request| match request.body["model"] == "editor" {
        true => writes(request, "Say warm or cold, nothing else."),
        false => (
            308,
            "location: https://other.example/llm/v1/chat/completions?key=secret\r\n",
            String::new(),
        ),
    });
    let (found, ran) = checked(&env(&server, PRICE), "--max-usd 1", 4);
    is(&found, "task", "reach", "fault", "redirects to https://other.example/llm/v1: if you mean");
    assert!(!ran.stdout.contains("secret"), "{found:#}");
}

#[test]
fn limits_that_cannot_be_true_are_no_good_sign() {
    let cases = [
        (
            "x-ratelimit-limit-requests: 0\r\nx-ratelimit-remaining-requests: 0\r\n\
             x-ratelimit-reset-requests: 1s\r\n",
            "0 of 0 requests left",
        ),
        (
            "x-ratelimit-limit-tokens: 1000000000000000000\r\nx-ratelimit-remaining-tokens: 7\r\n\
             x-ratelimit-reset-tokens: 1s\r\n",
            "cannot be true",
        ),
        (
            "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 0\r\n\
             x-ratelimit-reset-requests: 60s\r\n",
            "0 of 60 requests left",
        ),
    ];
    for (headers, words) in cases {
        let server = Server::start(move |_, request| {
            let (status, _, body) = well(request);
            (status, headers, body)
        });
        let (found, _) = checked(&env(&server, PRICE), "--max-usd 1", 0);
        is(&found, "task", "limits", "warning", words);
    }
}

#[test]
fn batches_are_checked_where_they_are_asked_for() {
    // A gateway without a batch API.
    let without = Server::start(|_, request| match request.target.contains("/chat/") {
        true => well(request),
        false => (404, "", json!({"error": {"message": "no such path"}}).to_string()),
    });
    let with = Server::start(|_, request| match request.target.contains("/chat/") {
        true => well(request),
        false => (200, "", json!({"object": "list", "data": []}).to_string()),
    });
    let env_of = |server: &Server, execution: &str| {
        let env = env(server, PRICE);
        let model = format!("{{ model = \"local/clerk\", execution = \"{execution}\" }}");
        env.edit("colours/task.toml", "\"local/clerk\"", &model);
        env
    };
    let (found, _) = checked(&env_of(&without, "batch"), "--max-usd 1 --max-calls 200", 4);
    is(&found, "task", "batches", "fault", "the run would stop");
    let (found, _) = checked(&env_of(&without, "auto"), "--max-usd 1 --max-calls 200", 0);
    is(&found, "task", "batches", "warning", "asked live");
    assert!(!found["checks"].to_string().contains("rounds"), "{found:#}");

    let enough = "--max-usd 1 --max-calls 200 --for 8h";
    let env = env_of(&with, "batch");
    let (found, _) = checked(&env, enough, 0);
    is(&found, "task", "batches", "ok", "lists its batches");
    is(&found, "night", "batches", "ok", "8 h 00 min have 8 rounds of batches, at 1 h 00 min each");
    is(&found, "task", "limits", "ok", "calls wait for batches");
    assert_eq!(found["roles"]["task"]["calls_per_hour"], Value::Null);
    let tight = "--max-usd 900 --max-calls 100000 --for 2h --set schedule.lookahead=100";
    let (found, _) = checked(&env, tight, 0);
    is(&found, "night", "batches", "warning", "have 2 rounds of batches");
    is(&found, "night", "batches", "warning", "what does not fit is asked live");
    let (found, _) = checked(&env, "--max-usd 1 --max-calls 200 --for 30m", 0);
    is(&found, "night", "batches", "warning", "no room for a batch");
    assert!(with.requests().iter().all(|it| !it.target.ends_with("/files")), "none is begun");
}

#[test]
fn folders_that_are_made_for_a_check_go_away_again() {
    let env = TestEnv::with_colours();
    fs::create_dir(env.path("mine")).unwrap();
    env.run("doctor colours --json --out mine/of/this/week").exits(0);
    assert_eq!(fs::read_dir(env.path("mine")).unwrap().count(), 0);
    env.run("doctor colours --json --out new/one").exits(0);
    assert!(!env.path("new").exists());
}
