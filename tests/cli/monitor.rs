//! An exported prompt under watch: alarms, the history, kills, caps, signals, and who is told.

use crate::env::{Ran, TestEnv};
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PROMPT: &str = "prompts/route.md";
const BASELINE: &str = "Answer warm or cold.";
/// The held-out rows of the record.
const ROWS: usize = 45;

/// What the model does.
#[derive(Clone, Copy)]
enum Model {
    /// The baseline is wrong on every third row, other prompts on none.
    AsRecorded,
    /// Whatever the prompt, half of the answers are wrong.
    Drifted,
    /// As recorded with the baseline; with other prompts half of the answers are wrong.
    WorseWithThePrompt,
    /// It answers other prompts as recorded, and all of the baseline's rows wrong.
    DriftedWithoutHarm,
    /// All answers are wrong.
    Broken,
    /// It refuses.
    Gone,
}

/// A repository with a prompt in it that a run found.
struct Watched {
    env: TestEnv,
    server: Server,
    model: Arc<AtomicU8>,
    delay: Arc<AtomicU64>,
}

fn watched() -> Watched {
    let (model, delay) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicU64::new(0)));
    let (is_now, waits) = (Arc::clone(&model), Arc::clone(&delay));
    let server = Server::start(move |_, request| {
        std::thread::sleep(Duration::from_millis(waits.load(Ordering::SeqCst)));
        let number = tile(request);
        let is_baseline = request.content("system") == BASELINE;
        let is_now = is_now.load(Ordering::SeqCst);
        let is = |model: Model| is_now == model as u8;
        if is(Model::Gone) {
            return (401, "", json!({"error": {"message": "no such user"}}).to_string());
        }
        let is_wrong = is_baseline && number.is_multiple_of(3)
            || number.is_multiple_of(2)
                && (is(Model::Drifted) || is(Model::WorseWithThePrompt) && !is_baseline)
            || is(Model::DriftedWithoutHarm) && is_baseline
            || is(Model::Broken);
        says(["warm", "cold"][(number + usize::from(is_wrong)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    colours_repository(&env);
    env.run("run colours --name won --max-calls 250 --quiet").ok();
    assert_eq!(env.json("results/won/summary.json")["confirmed"], true);
    env.run(&format!("export won --to . --path {PROMPT} --branch prompts --quiet")).ok();
    git(&env, ".", "checkout --quiet prompts");
    server.requests().clear();
    Watched { env, server, model, delay }
}

impl Watched {
    fn answers(&self, model: Model) {
        self.model.store(model as u8, Ordering::SeqCst);
    }

    /// A check, of which a year has 12.
    fn check(&self, more: &str) -> Ran {
        self.env.run(&format!("monitor {PROMPT} --once --every 30d --quiet {more}"))
    }

    /// Requests since the last time this was asked.
    fn asked(&self) -> usize {
        let mut requests = self.server.requests();
        let count = requests.len();
        requests.clear();
        count
    }

    /// Starts it. What is piped must be read, or it waits for ever.
    fn start(&self, more: &str, stdout: Stdio, stderr: Stdio) -> Child {
        let mut command = self.env.command(&format!("monitor {PROMPT} {more}"));
        command.stdout(stdout).stderr(stderr).spawn().unwrap()
    }

    fn until_asked(&self, requests: usize) {
        let began = Instant::now();
        while self.server.requests().len() < requests {
            assert!(began.elapsed() < Duration::from_secs(60), "it asks nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn facts(&self) -> Vec<Value> {
        let folder = std::fs::read_dir(self.env.path("results")).unwrap();
        let mut folders = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let folder = folders.find(|name| name.starts_with("monitor-")).unwrap();
        let text = self.env.read(&format!("results/{folder}/checks.jsonl"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn signal(env: &TestEnv, child: &Child, signal: &str) {
    let sent = env.program("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The value of a line in Prometheus' text.
fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| {
        line.starts_with(&format!(
            "promptsearch_monitor_{name}{{task=\"colours\",prompt=\"{PROMPT}\","
        ))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn what_changed_is_told_by_the_canary() {
    let watched = watched();
    let env = &watched.env;
    let text = env.read("colours/task.toml");
    env.write(
        "colours/task.toml",
        &format!(
            "{text}\n[notify]\ncommand = ['sh', '-c', 'cat >> told.jsonl; echo >> told.jsonl']\n"
        ),
    );
    let looks = env.read("results/looks.jsonl");
    let check = |more: &str| watched.check(&format!("--json --prometheus prompt.prom {more}"));

    let told = check("").ok().json();
    assert_eq!((&told["finding"], &told["check"]), (&json!("no_alarm"), &json!(1)));
    assert_eq!((&told["prompt"]["rows"], &told["prompt"]["mean"]), (&json!(ROWS), &json!(1.0)));
    assert_eq!(told["canary"]["difference"]["mean"], 0.0);
    let recorded = told["canary"]["baseline_mean"].as_f64().unwrap();
    assert!((0.5..0.8).contains(&recorded), "the baseline's own record: {recorded}");
    assert_eq!(watched.asked(), 2 * ROWS);
    assert_eq!(told["spent"]["calls"], 2 * ROWS);
    assert!(!env.path("colours/told.jsonl").exists(), "no alarm is told to nobody");
    let metrics = env.read("prompt.prom");
    let of = |name: &str| metric(&metrics, name);
    assert_eq!((of("measured"), of("breach"), of("drift")), (Some(1.0), Some(0.0), Some(0.0)));

    watched.answers(Model::Drifted);
    let ran = check("").exits(6);
    assert!(ran.stderr.contains("error: breach: the prompt is worse"), "{}", ran.stderr);
    assert!(ran.stderr.contains("it is the model"), "{}", ran.stderr);
    assert_eq!((&ran.json()["finding"], &ran.json()["cause"]), (&json!("breach"), &json!("model")));
    let metrics = env.read("prompt.prom");
    let of = |name: &str| metric(&metrics, name);
    assert_eq!((of("checks_total"), of("breach"), of("drift")), (Some(2.0), Some(1.0), Some(1.0)));

    watched.answers(Model::WorseWithThePrompt);
    let ran = check("").exits(6);
    assert!(ran.stderr.contains("it is this prompt with this model"), "{}", ran.stderr);
    assert_eq!(
        (&ran.json()["finding"], &ran.json()["cause"]),
        (&json!("breach"), &json!("prompt"))
    );

    watched.answers(Model::DriftedWithoutHarm);
    let ran = check("").exits(6);
    assert_eq!((&ran.json()["finding"], &ran.json()["cause"]), (&json!("drift"), &json!("model")));
    let told = env.read("colours/told.jsonl");
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = told.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["breach", "breach", "drift"]);
    assert!(
        told[0]["text"].as_str().unwrap().starts_with("prompts/route.md: breach: "),
        "{}",
        told[0]
    );
    assert_eq!(told[2]["check"]["check"], 4);
    assert_eq!(told[2]["spent"]["calls"], 8 * ROWS);

    // Nothing is selected: no look. What was found is kept.
    assert_eq!(env.read("results/looks.jsonl"), looks);
    watched.asked();
    let page = env.run(&format!("monitor {PROMPT} --history")).ok().stdout;
    assert!(page.starts_with("prompts/route.md: 4 checks, $0 spent\n"), "{page}");
    let lines = page.lines().filter(|line| line.contains(":") && line.starts_with("    "));
    let alarms: Vec<&str> = lines.map(|line| line.get(77..).unwrap_or("").trim()).collect();
    assert_eq!(alarms, ["", "breach (model)", "breach (prompt)", "drift"], "{page}");
    let history = env.run(&format!("monitor {PROMPT} --history --json")).ok().json();
    assert_eq!(history["checks"].as_array().unwrap().len(), 4);
    assert_eq!(watched.asked(), 0, "a history asks nothing");
    // A list of runs is not filled with checks.
    assert_eq!(env.run("list --json").ok().json().as_array().unwrap().len(), 1);
}

#[test]
fn an_edited_prompt_is_told_and_is_a_look() {
    let watched = watched();
    let env = &watched.env;
    watched.check("").ok();
    // The model that the test has is wrong with the baseline's text alone.
    let text = env.read(PROMPT);
    let body = text.rsplit("---\n").next().unwrap().trim();
    env.write(PROMPT, &text.replace(body, BASELINE));
    let ran = watched.check("").exits(6);
    assert!(ran.stdout.contains("part `system` is not the text of the record"), "{}", ran.stdout);
    assert!(ran.stdout.contains("the canary stands, and the prompt was edited"), "{}", ran.stdout);
    assert!(ran.stderr.contains("a look at its held-out rows: number 2"), "{}", ran.stderr);
}

#[test]
fn a_check_that_is_killed_goes_on_and_pays_nothing_twice() {
    let watched = watched();
    watched.delay.store(20, Ordering::SeqCst);
    let mut asked = 0;
    for least in [10, 60] {
        let mut child =
            watched.start("--once --quiet --concurrency 4", Stdio::null(), Stdio::null());
        watched.until_asked(least - asked);
        child.kill().unwrap();
        child.wait().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        asked += watched.asked();
    }
    watched.delay.store(0, Ordering::SeqCst);
    watched.check("--concurrency 4").ok();
    asked += watched.asked();
    // At most what was in flight at the two kills is asked again.
    assert!((2 * ROWS..=2 * ROWS + 8).contains(&asked), "{asked} requests");
    let facts = watched.facts();
    assert_eq!(facts.len(), 2, "{facts:?}");
    assert_eq!(
        (&facts[0]["begun"]["check"], &facts[1]["measured"]["check"]),
        (&json!(1), &json!(1))
    );
    let calls = facts[1]["measured"]["spent"]["calls"].as_u64().unwrap() as usize;
    assert_eq!(calls, 2 * ROWS);
    watched.check("").ok();
    assert_eq!(watched.asked(), 2 * ROWS, "the next one asks all anew");
}

#[test]
fn caps_hold_for_a_check_and_for_all_of_them() {
    let watched = watched();
    let ran = watched.check("--max-calls 20 --prometheus prompt.prom").exits(4);
    assert!(
        ran.stderr.contains("were not asked, because what was left of the cap on calls"),
        "{}",
        ran.stderr
    );
    // Rows are asked in blocks of eight.
    assert_eq!(watched.asked(), 16);
    let metrics = watched.env.read("prompt.prom");
    assert_eq!((metric(&metrics, "measured"), metric(&metrics, "breach")), (Some(0.0), None));
    let page = watched.env.run(&format!("monitor {PROMPT} --history")).ok().stdout;
    assert!(page.contains("the last check was not measured: "), "{page}");
    // The prompt has all of its answers, the canary has room for a part.
    let ran = watched.check("--max-calls 60").exits(4);
    assert!(ran.stderr.contains("raise the cap on a check"), "{}", ran.stderr);
    assert_eq!(watched.asked(), ROWS - 16 + 8);
    watched.check("--max-calls 60").exits(4);
    assert_eq!(watched.asked(), 0);
    let ran = watched.check("--max-calls 45").exits(4);
    assert!(ran.stderr.contains("the cap on a check leaves nothing"), "{}", ran.stderr);
    watched.check("--max-calls 90").ok();
    assert_eq!(watched.asked(), ROWS - 8, "what is missing, and no more");
    // Over all checks: ten calls are left.
    let all = |calls: u32| format!("--max-total-calls {calls}");
    let ran = watched.check(&all(100)).exits(4);
    assert!(ran.stderr.contains("--max-total-usd"), "{}", ran.stderr);
    assert_eq!(watched.asked(), 8);
    let ran = watched.check(&all(98)).exits(4);
    assert!(ran.stderr.contains("the cap on all checks leaves nothing"), "{}", ran.stderr);
    // One that can go on no more does not wait for its next check.
    for calls in [98, 100] {
        let more = format!("monitor {PROMPT} --quiet --every 1ms {}", all(calls));
        assert!(watched.env.run(&more).exits(4).stderr.contains("--max-total-usd"));
    }
    assert_eq!(watched.asked(), 0);
    // Its eight answers are older than the interval by now: all rows are asked anew, and what was paid for them counts.
    watched.check(&all(99)).exits(4);
    assert_eq!(watched.asked(), 0);
    watched.check(&all(188)).ok();
    assert_eq!(watched.asked(), 2 * ROWS);
}

#[test]
fn a_signal_ends_it_between_checks_and_within_one() {
    let watched = watched();
    let mut child = watched.start("--every 1h --json", Stdio::piped(), Stdio::piped());
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let due = words.find(|line| line.starts_with("the next check is due at "));
    assert!(due.is_some());
    signal(&watched.env, &child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["check"], &told["finding"]), (&json!(1), &json!("no_alarm")));
    assert_eq!(watched.asked(), 2 * ROWS);
    // It is not due again at once.
    let mut child = watched.start("--every 1h", Stdio::null(), Stdio::piped());
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(words.next().unwrap().starts_with("the next check is due at "));
    signal(&watched.env, &child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(watched.asked(), 0);

    watched.delay.store(50, Ordering::SeqCst);
    let mut child = watched.start("--once --quiet --concurrency 2", Stdio::null(), Stdio::null());
    watched.until_asked(5);
    signal(&watched.env, &child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let asked = watched.asked();
    watched.delay.store(0, Ordering::SeqCst);
    watched.check("").ok();
    assert_eq!(watched.asked() + asked, 2 * ROWS, "answers in flight are taken");
}

#[test]
fn it_goes_on_after_an_alarm_if_it_is_told_to_and_after_trouble() {
    let watched = watched();
    watched.answers(Model::Gone);
    let mut child = watched.start("--every 1s --keep-going --json", Stdio::piped(), Stdio::null());
    let mut told = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()["finding"].clone());
    assert_eq!(told.next(), Some(json!("not_measured")));
    watched.answers(Model::AsRecorded);
    assert_eq!(told.find(|finding| finding != "not_measured"), Some(json!("no_alarm")));
    watched.answers(Model::Broken);
    assert_eq!(told.find(|finding| finding != "no_alarm"), Some(json!("breach")));
    assert!(told.next().is_some(), "and another one");
    signal(&watched.env, &child, "-TERM");
    assert!([Some(0), Some(6), Some(130)].contains(&child.wait().unwrap().code()));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let watched = watched();
    let run = |more: &str| watched.env.run(&format!("monitor {PROMPT} {more}"));
    assert!(run("--every soon").exits(2).stderr.contains("is not a duration"));
    assert!(run("--every 0s").exits(2).stderr.contains("longer than 0"));
    run("--once --false-alarms 0").exits(2);
    run("--once --history").exits(2);
    watched.env.run("monitor prompts/other.md --once").exits(3);
    assert_eq!(watched.asked(), 0);
    let ran = run("--once --quiet --no-canary").ok();
    assert!(ran.stdout.contains("no canary"), "{}", ran.stdout);
    assert_eq!(watched.asked(), ROWS);
}

#[test]
fn a_cap_a_comment_or_a_pace_that_changes_in_the_task_file_pays_no_row_twice() {
    let watched = watched();
    let (env, file) = (&watched.env, "colours/task.toml");
    let text = env.read(file);
    assert!(text.contains("free = true\n"));
    let with = |calls: u32, more: &str| {
        let budget = text.replace("calls = 300", &format!("calls = {calls}"));
        env.write(file, &budget.replace("free = true\n", &format!("free = true\n{more}")));
    };
    let afresh = "# A comment.\nrpm = 60000\ntimeout = { total = \"90s\" }\npatience = \"9m\"\n\
                  api_key = \"command:echo key\"\n";
    let commands = [
        ("eval colours --split hold --quiet", 0, ROWS),
        (&format!("verify {PROMPT} --quiet"), 4, ROWS),
        (&format!("monitor {PROMPT} --once --every 30d --quiet"), 4, 2 * ROWS),
    ];
    for (command, before, rows) in commands {
        with(20, "");
        env.run(command).exits(before);
        let first = watched.asked();
        assert!((8..=20).contains(&first), "{command}: {first}");
        with(300, afresh);
        env.run(command).ok();
        assert_eq!(first + watched.asked(), rows, "{command}");
    }
    env.run(commands[0].0).ok();
    assert_eq!(watched.asked(), 0);
    // What decides answers is another question.
    with(300, "temperature = \"none\"\n");
    env.run(commands[0].0).ok();
    assert_eq!(watched.asked(), ROWS);
}

/// What was told, by occasion.
fn told(env: &TestEnv) -> Vec<String> {
    let told = std::fs::read_to_string(env.path("colours/told.jsonl")).unwrap_or_default();
    let lines = told.lines().filter(|line| !line.is_empty());
    let occasion = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].clone();
    lines.map(|line| occasion(line).as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_alarm_is_told_whatever_fails_after_it_was_measured() {
    let watched = watched();
    let env = &watched.env;
    let text = env.read("colours/task.toml");
    let notify = "\n[notify]\ncommand = ['sh', '-c', 'cat >> told.jsonl; echo >> told.jsonl']\n";
    env.write("colours/task.toml", &format!("{text}{notify}"));
    watched.check("").ok();
    watched.answers(Model::Drifted);
    // Neither its file for a collector nor its screen can be written.
    let mut command = env.command(&format!(
        "monitor {PROMPT} --once --every 30d --quiet --prometheus nowhere/prompt.prom"
    ));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = Ran::of(command.stdout(full).stderr(Stdio::piped()).output().unwrap()).exits(6);
    assert!(ran.stderr.contains("nowhere/prompt.prom"), "{}", ran.stderr);
    assert_eq!(told(env), ["breach"]);
    let facts = watched.facts();
    assert_eq!(facts.last().unwrap()["told"]["check"], 2);
    // A kill came between: the next start tells it, once.
    let folder = env.files("results").into_iter().find(|it| it.ends_with("checks.jsonl")).unwrap();
    let whole = std::fs::read_to_string(&folder).unwrap();
    let cut = whole.lines().take(whole.lines().count() - 1);
    std::fs::write(&folder, cut.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    watched.asked();
    let mut child = watched.start("--every 30d --quiet", Stdio::null(), Stdio::piped());
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let owed = words.find(|line| line.contains("check 2: breach"));
    assert!(owed.is_some());
    signal(env, &child, "-TERM");
    child.wait().unwrap();
    assert_eq!((told(env), watched.asked()), (vec!["breach".to_owned(); 2], 0));
    assert_eq!(watched.facts().last().unwrap()["told"]["check"], 2);
    // One that could not be delivered is tried again.
    env.edit("colours/task.toml", "'cat >> told.jsonl; echo >> told.jsonl'", "'exit 1'");
    watched.check("").exits(6);
    assert!(watched.facts().last().unwrap()["measured"].is_object());
    env.edit("colours/task.toml", "'exit 1'", "'cat >> told.jsonl; echo >> told.jsonl'");
    watched.check("").exits(6);
    assert_eq!(told(env).len(), 4, "the one before, and its own");
}
