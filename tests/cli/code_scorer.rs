//! Answers that are programs, which are run with the tests of their row.

use crate::env::TestEnv;
use crate::server::{Server, says};
use std::fmt::Write as _;

const TASK: &str = r#"name = "programs"
about = "Write a function."

[data]
file = "rows.jsonl"
columns = { id = "id", answer = "tests" }
split = { train = 0.0, dev = 1.0, hold = 0.0 }

[prompt]
system = "Write a Python function."
user = "{{ input }}"
search = ["system"]

[models]
task = "local/coder"
mutator = "sim/editor"

[providers.local]
kind = "openai"
base_url = "BASE"
free = true

[[score]]
kind = "code"
command = ["python3", "-"]
timeout = "10s"

[goal]
rule = "max quality"
"#;

/// What the model writes for a row, by a word of its input, and whether it is right.
const ANSWERS: &[(&str, &str, bool)] = &[
    ("doubled", "Here it is:\n```python\ndef f(x):\n    return 2 * x\n```\nIt doubles.", true),
    ("bare", "def f(x):\n    return x + x", true),
    ("tripled", "```python\ndef f(x):\n    return 3 * x\n```", false),
    ("leaving", "```python\nimport sys\nsys.exit(0)\n```", false),
    ("silent", "```python\nprint = lambda *_: None\ndef f(x):\n    return 2 * x\n```", true),
    (
        "reading",
        "```python\nimport glob\nfound = glob.glob('PLACE/*')\ndef f(x):\n    return 2 * x if not found else found\n```",
        true,
    ),
    ("writing", "```python\nopen('PLACE/was-here', 'w')\n```", false),
    (
        "calling",
        "```python\nimport urllib.request\nurllib.request.urlopen('BASE', timeout=5)\n```",
        false,
    ),
    ("broken", "```python\ndef f(x:\n```", false),
];

/// Whether this machine can shut programs in; else it says why not.
fn has_sandbox() -> bool {
    let tried = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--mount", "--mount-proc"])
        .args(["sh", "-c", "mount -t tmpfs tmpfs /tmp && command -v prlimit setpriv python3"])
        .output();
    let has = tried.is_ok_and(|output| output.status.success());
    if !has {
        println!("skipped: this machine gives no sandbox, or has no python3");
    }
    has
}

fn env(server: &Server) -> TestEnv {
    let env = TestEnv::new();
    let mut rows = String::new();
    for (word, _, _) in ANSWERS {
        let row = serde_json::json!({ "id": word, "input": word, "tests": "assert f(4) == 8\nassert f(0) == 0" });
        writeln!(rows, "{row}").unwrap();
    }
    env.write("programs/rows.jsonl", &rows);
    env.write("programs/task.toml", &TASK.replace("BASE", &server.base_url()));
    env
}

#[test]
fn programs_are_right_if_their_tests_pass_and_reach_nothing() {
    if !has_sandbox() {
        return;
    }
    // The folder is known only when the server runs.
    let place = std::sync::Arc::new(std::sync::OnceLock::<[String; 2]>::new());
    let known = std::sync::Arc::clone(&place);
    let server = Server::start(move |_, request| {
        let asked = request.content("user");
        let (_, answer, _) = ANSWERS.iter().find(|(word, _, _)| asked.contains(word)).unwrap();
        let [folder, address] = known.get().unwrap();
        says(&answer.replace("PLACE", folder).replace("BASE", address))
    });
    let env = env(&server);
    place.set([env.path("programs").display().to_string(), server.base_url()]).unwrap();
    let told = env.run("eval programs --json").ok().json();
    let right = ANSWERS.iter().filter(|(_, _, is_right)| *is_right).count() as f64;
    let mean = told["quality"]["mean"].as_f64().unwrap();
    let scored: Vec<_> = told["rows"].as_array().into_iter().flatten().collect();
    assert!((mean - right / ANSWERS.len() as f64).abs() < 1e-9, "{mean}: {scored:?}");
    assert!(!env.path("programs/was-here").exists());
    let called = server
        .requests()
        .iter()
        .any(|request| request.headers.get("user-agent").is_some_and(|it| it.contains("urllib")));
    assert!(!called);
}

#[test]
fn a_sandbox_that_cannot_be_made_is_said_before_anything_is_paid() {
    if !has_sandbox() {
        return;
    }
    let server = Server::start(|_, _| says("no"));
    let env = env(&server);
    // An interpreter that lies in a folder which programs do not see: their own /tmp.
    env.write("programs/python3", "#!/bin/sh\nexec /usr/bin/env python3 -\n");
    let is_run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path("programs/python3"), is_run).unwrap();
    env.edit("programs/task.toml", r#"["python3", "-"]"#, r#"["./python3"]"#);
    let said = env.run("eval programs").exits(3).stderr;
    assert!(said.contains("cannot be run in a sandbox"), "{said}");
    assert!(said.contains("set `sandbox = false`"), "{said}");
    assert!(server.requests().is_empty());
    // Without the sandbox it is the command's own affair.
    env.edit("programs/task.toml", "timeout = ", "sandbox = false\ntimeout = ");
    env.run("eval programs").ok();
}

/// A shell goes on after a command that fails.
#[test]
fn the_first_test_that_fails_ends_a_shell() {
    if !has_sandbox() {
        return;
    }
    let server = Server::start(|_, request| {
        let said = if request.content("user").contains("right") { 3 } else { 4 };
        says(&format!("```sh\nf() {{ echo {said}; }}\n```"))
    });
    let env = env(&server);
    let row = |word: &str| {
        let tests = "[ \"$(f)\" = 3 ]\n[ -n \"$(f)\" ]";
        serde_json::json!({ "id": word, "input": word, "tests": tests }).to_string() + "\n"
    };
    env.write("programs/rows.jsonl", &(row("right") + &row("other")));
    env.edit("programs/task.toml", r#"["python3", "-"]"#, r#"["sh"]"#);
    let told = env.run("eval programs --json").ok().json();
    assert_eq!(told["quality"]["mean"], 0.5, "{told}");
}
