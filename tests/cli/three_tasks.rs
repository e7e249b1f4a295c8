//! Three tasks over one night at one provider, killed twice: what the provider counts holds the caps, and each task is
//! confirmed. The models are simulated, so this is about the night and not about the prompts.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TASKS: [&str; 3] = ["invoice-extraction", "ticket-routing", "unit-math"];
/// What the night may spend, in 10⁻⁹ dollars.
const TOTAL: u64 = 450_000_000;
const CONCURRENCY: usize = 8;

/// What the provider answered.
#[derive(Default)]
struct Bills {
    /// In 10⁻⁹ dollars, by task.
    nanos: BTreeMap<String, u64>,
    /// Answers by task, model and body.
    answers: HashMap<(String, String), usize>,
}

impl Bills {
    fn add(&mut self, task: &str, request: &Request, answer: &Value) {
        let prices = match request.body["model"].as_str() {
            Some("clerk") => (150, 600),
            Some("editor") => (2_500, 10_000),
            other => panic!("no such model: {other:?}"),
        };
        let tokens = |name: &str| answer["usage"][name].as_u64().unwrap();
        *self.nanos.entry(task.to_owned()).or_default() +=
            tokens("prompt_tokens") * prices.0 + tokens("completion_tokens") * prices.1;
        *self.answers.entry((task.to_owned(), request.body.to_string())).or_default() += 1;
    }

    fn answers(&self, task: &str) -> usize {
        self.answers.iter().filter(|(key, _)| key.0 == task).map(|(_, count)| count).sum()
    }
}

/// The provider: it passes requests on to the simulated models, and counts what it bills for their answers, whether or
/// not they arrive.
fn provider(models: String, bills: Arc<Mutex<Bills>>) -> Server {
    Server::start(move |_, request| {
        let reply = pass_on(&models, request);
        let answer: Value = serde_json::from_str(&reply.2).unwrap();
        assert_eq!(reply.0, 200, "{answer}");
        bills.lock().unwrap().add(&request.headers["x-task"], request, &answer);
        reply
    })
}

fn pass_on(address: &str, request: &Request) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = request.body.to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        request.target,
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), "", body.to_owned())
}

/// The shipped tasks, all asked at one address.
fn three(env: &TestEnv, base_url: &str) {
    for name in TASKS {
        let folder = format!("{}/tasks/{name}", env!("CARGO_MANIFEST_DIR"));
        for file in ["task.toml", "system.md", "examples.jsonl"] {
            let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
            env.write(&format!("{name}/{file}"), &text);
        }
        let file = format!("{name}/task.toml");
        let text = env.read(&file).replace("\"sim/", "\"shared/");
        let (text, _) = text.split_once("[budget]").unwrap();
        env.write(
            &file,
            &format!(
                "{text}[providers.shared]\nkind = \"openai\"\nbase_url = \"{base_url}\"\n\
                 headers = {{ x-task = \"{name}\" }}\n\
                 [providers.shared.prices.clerk]\ninput = 0.15\noutput = 0.60\n\
                 [providers.shared.prices.editor]\ninput = 2.5\noutput = 10.0\n"
            ),
        );
    }
}

fn start(env: &TestEnv, line: &str) -> Child {
    env.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(240), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn three_tasks_share_a_night_that_is_killed_twice() {
    let env = TestEnv::new();
    let folders = TASKS.map(|name| format!("--task {}/tasks/{name}", env!("CARGO_MANIFEST_DIR")));
    let latency = "--latency 10 --editor-latency 100 --latency-sigma 0.5";
    let (mut models, told) = env.serve(&format!("{} {latency}", folders.join(" ")));
    let bills = Arc::new(Mutex::new(Bills::default()));
    let address = format!("127.0.0.1:{}", told["port"]);
    let server = provider(address, Arc::clone(&bills));
    three(&env, &server.base_url());

    let answers = |task: &str| bills.lock().unwrap().answers(task);
    let line = format!(
        "run {} --name n --max-usd 0.45 --seed 1 --concurrency {CONCURRENCY} --quiet",
        TASKS.join(" ")
    );
    let mut night = start(&env, &line);
    // In the middle of the first task, and of the second.
    for (task, count) in [(TASKS[0], 300), (TASKS[1], 400)] {
        until(task, || answers(task) >= count);
        night.kill().unwrap();
        night.wait().unwrap();
        night = start(&env, "resume n --quiet");
    }
    assert_eq!(night.wait().unwrap().code(), Some(0));
    models.kill().unwrap();
    models.wait().unwrap();

    let facts: Vec<Value> = env
        .read("results/n/ledger.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let bills = bills.lock().unwrap();
    let (mut spent_by_all, mut lost, mut shown) = (0, 0, String::new());
    for (number, task) in TASKS.into_iter().enumerate() {
        let of = |kind: &str, field: &str| {
            let mut fact = facts.iter().map(|fact| &fact[kind]).filter(|it| it["run"] == number);
            let fact = fact.next().unwrap_or_else(|| panic!("{kind}, {task}"));
            fact[field]["usd"].as_u64().unwrap()
        };
        let (billed, given, spent) = (bills.nanos[task], of("given", "caps"), of("ended", "spent"));
        assert!(billed <= spent && spent <= given, "{task}: {billed}, {spent}, {given}");
        spent_by_all += spent;
        let run = format!("n-{task}");
        let of_run = env.events(&run).iter().filter(|(kind, _)| kind == "lost").count();
        lost += of_run;
        let summary = env.json(&format!("results/{run}/summary.json"));
        assert_eq!(
            (&summary["status"], &summary["confirmed"]),
            (&"finished".into(), &true.into()),
            "{task}: {}",
            summary["gain"]
        );
        shown += &format!("{task}: {billed} of {given}, {of_run} lost, {}\n", summary["gain"]);
    }
    let billed: u64 = bills.nanos.values().sum();
    assert!(billed <= spent_by_all && spent_by_all <= TOTAL, "{billed}, {spent_by_all}");
    // What is asked twice is what a kill took the answer of, and each kill takes no more than was in flight or waited
    // for its commit.
    let twice: usize = bills.answers.values().map(|count| count - 1).sum();
    assert!(twice <= lost, "{twice} answers are paid twice, {lost} were lost");
    assert!(lost <= 2 * 2 * CONCURRENCY, "{lost} lost");
    assert!(billed > TOTAL / 2, "the night does its work: {billed}");
    println!("{shown}{billed} of {TOTAL} billed, {lost} lost, {twice} asked twice");
}
