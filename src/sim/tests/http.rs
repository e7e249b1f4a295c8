//! The simulated server, asked over real connections.

use super::{TICKETS, baseline_prompt, messages, spec_of, world_of};
use crate::provider::{Llm, Request};
use crate::sim::SimLlm;
use crate::sim::server::{Faults, Latency, Options, serve};
use crate::task::model::{ModelName, Usage, simulated_price};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(super) struct Running {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub(super) async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, world_of(TICKETS, 1), options, async {
            let _ = stopped.await;
        }));
        Self { address, stop, server }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn stats(&self) -> Value {
        self.connect().await.get("/stats").await.json()
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let ended = tokio::time::timeout(Duration::from_secs(10), self.server).await;
        ended.expect("the server ends").unwrap().unwrap();
    }
}

struct Client(TcpStream);

struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// Whether the body has the length that was promised.
    whole: bool,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        self.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }
}

impl Client {
    async fn get(&mut self, path: &str) -> Response {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
    }

    async fn chat(&mut self, body: &Value) -> Response {
        self.chat_with(body, "").await
    }

    async fn chat_with(&mut self, body: &Value, header: &str) -> Response {
        let body = body.to_string();
        let length = body.len();
        self.send(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn send(&mut self, request: &str) -> Response {
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 16_384];
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some(end) = text.find("\r\n\r\n") {
                let head = text[..end].to_lowercase();
                let promised: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .unwrap()
                    .parse()
                    .unwrap();
                if bytes.len() >= end + 4 + promised {
                    return Self::response(head, bytes.split_off(end + 4), true);
                }
            }
            // A connection may also be cut by a reset.
            let read = self.0.read(&mut chunk).await.unwrap_or(0);
            if read == 0 {
                let end = String::from_utf8_lossy(&bytes).find("\r\n\r\n").unwrap();
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                return Self::response(head, bytes.split_off(end + 4), false);
            }
            bytes.extend_from_slice(&chunk[..read]);
        }
    }

    fn response(head: String, body: Vec<u8>, whole: bool) -> Response {
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Response { status, head, body, whole }
    }
}

fn body(row: usize, seed: u64) -> Value {
    json!({
        "model": "clerk",
        "messages": [
            {"role": "system", "content": baseline_prompt(TICKETS)},
            {"role": "user", "content": spec_of(TICKETS, 1).rows[row].user_text},
        ],
        "temperature": 0.0,
        "max_tokens": 512,
        "seed": seed,
    })
}

fn bodies(count: usize) -> Vec<Value> {
    let rows = spec_of(TICKETS, 1).rows;
    let system = baseline_prompt(TICKETS);
    (0..count)
        .map(|place| {
            json!({
                "model": "sim/clerk",
                "messages": [
                    {"role": "system", "content": system},
                    {"role": "user", "content": rows[place % rows.len()].user_text},
                ],
                "max_completion_tokens": 64,
                "seed": place / rows.len(),
            })
        })
        .collect()
}

#[tokio::test]
async fn over_http_the_answers_are_the_same() {
    let running = Running::start(Options::default()).await;
    let mut client = running.connect().await;
    let llm = SimLlm::new(world_of(TICKETS, 1));
    for row in 0..40 {
        let user = spec_of(TICKETS, 1).rows[row].user_text.clone();
        let mut request = Request {
            model: ModelName::parse("sim/clerk").unwrap(),
            messages: messages(&baseline_prompt(TICKETS), &user),
            temperature: 0.0,
            max_output_tokens: 512,
            draw: u64::MAX - row as u64,
            stable_bytes: 0,
            form: Arc::default(),
            row: None,
        };
        let inside = llm.complete(&request).await.unwrap();
        let outside = client.chat(&body(row, request.draw)).await;
        assert_eq!(outside.status, 200);
        assert_eq!(outside.text(), inside.text);
        let usage = inside.usage.unwrap();
        assert_eq!(outside.json()["usage"]["prompt_tokens"], usage.prompt().0);
        assert_eq!(outside.json()["usage"]["completion_tokens"], usage.output.0);

        // The editor, too, and messages in parts.
        request.model = ModelName::parse("sim/editor").unwrap();
        let inside = llm.complete(&request).await.unwrap();
        let mut asked = body(row, request.draw);
        asked["model"] = "editor".into();
        asked["messages"][1]["content"] = json!([{"type": "text", "text": user}]);
        assert_eq!(client.chat(&asked).await.text(), inside.text);
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_chat_request_is_refused_with_a_reason() {
    let running = Running::start(Options::default()).await;
    let mut client = running.connect().await;
    let refusals = [
        ("stream", json!(true), 400, "do not stream"),
        ("n", json!(2), 400, "`n` must be 1"),
        ("model", json!("clark"), 404, "did you mean `clerk`?"),
        ("messages", json!([]), 400, "must not be empty"),
        ("messages", json!([{"role": "tool", "content": "x"}]), 400, "unknown role `tool`"),
        ("max_tokens", json!(0), 400, "at least 1"),
        ("temperature", json!(3), 400, "between 0 and 2"),
    ];
    let count = refusals.len();
    for (key, value, status, words) in refusals {
        let mut asked = body(0, 0);
        asked[key] = value;
        let response = client.chat(&asked).await;
        assert_eq!(response.status, status, "{key}");
        let message = response.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(client.get("/health").await.body, b"ok");
    assert_eq!(client.get("/v1/models").await.json()["data"][1]["id"], "editor");
    assert_eq!(client.get("/elsewhere").await.status, 404);
    let stats = running.stats().await;
    assert_eq!(stats["refused"]["bad_request"], count);
    assert_eq!(stats["answered"], 0);
    running.stop().await;
}

#[tokio::test]
async fn a_required_key_is_required() {
    let options = Options { key: Some("secret".to_owned().into()), ..Options::default() };
    let running = Running::start(options).await;
    let mut client = running.connect().await;
    assert_eq!(client.chat(&body(0, 0)).await.status, 401);
    let wrong = client.chat_with(&body(0, 0), "Authorization: Bearer other\r\n").await;
    assert_eq!(wrong.status, 401);
    let right = client.chat_with(&body(0, 0), "Authorization: Bearer secret\r\n").await;
    assert_eq!(right.status, 200);
    assert_eq!(running.stats().await["refused"]["unauthorized"], 2);
    running.stop().await;
}

#[tokio::test]
async fn what_is_answered_is_counted_and_billed() {
    let running = Running::start(Options::default()).await;
    let mut client = running.connect().await;
    let mut tokens = (0, 0);
    let mut dollars = 0.0;
    for asked in [body(0, 0), body(1, 0), body(0, 0), body(0, 1), body(0, 0)] {
        let usage = client.chat(&asked).await.json()["usage"].clone();
        let (input, output) = (
            usage["prompt_tokens"].as_u64().unwrap(),
            usage["completion_tokens"].as_u64().unwrap(),
        );
        tokens = (tokens.0 + input, tokens.1 + output);
        let usage = Usage::plain(input, output);
        dollars += simulated_price("clerk").unwrap().of(usage).dollars();
    }
    let stats = running.stats().await;
    assert_eq!(stats["requests"], 5);
    assert_eq!(stats["answered"], 5);
    assert_eq!(
        stats["bodies"],
        json!({
            "distinct": 3, "answered_more_than_once": 1, "repeat_answers": 2
        })
    );
    for bill in [&stats["models"]["clerk"], &stats["billed"]["total"], &stats["billed"]["answered"]]
    {
        assert_eq!(bill["count"], 5);
        assert_eq!(bill["prompt_tokens"], tokens.0);
        assert_eq!(bill["completion_tokens"], tokens.1);
        assert!((bill["usd"].as_f64().unwrap() - dollars).abs() < 1e-12);
    }
    let reset = client.send("POST /stats/reset HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(reset.await.status, 200);
    assert_eq!(running.stats().await["requests"], 0);
    running.stop().await;
}

#[tokio::test]
async fn faults_happen_as_often_as_asked_in_the_same_places() {
    let faults = Faults {
        throttled: 0.10,
        failed: 0.05,
        unavailable: 0.0,
        hung: 0.0,
        truncated: 0.05,
        empty: 0.05,
        retry_after: 1,
        seed: 9,
    };
    let mut seen = Vec::new();
    for round in 0..2 {
        let running = Running::start(Options { faults, ..Options::default() }).await;
        let mut client = running.connect().await;
        let mut asked = bodies(800);
        if round == 1 {
            // Another order meets the same faults.
            asked.reverse();
        }
        let mut kinds = Vec::new();
        for body in &asked {
            let response = client.chat(body).await;
            kinds.push(match response.status {
                429 => {
                    assert!(response.head.contains("retry-after: 1"), "{}", response.head);
                    "throttled"
                }
                500 => "failed",
                200 if !response.whole => {
                    assert!(!response.body.is_empty());
                    assert!(serde_json::from_slice::<Value>(&response.body).is_err());
                    client = running.connect().await;
                    "truncated"
                }
                200 if response.text().is_empty() => {
                    assert_eq!(response.json()["choices"][0]["finish_reason"], "stop");
                    "empty"
                }
                200 => "answered",
                other => panic!("status {other}"),
            });
        }
        let stats = running.stats().await;
        for (kind, share) in
            [("throttled", 0.10), ("failed", 0.05), ("truncated", 0.05), ("empty", 0.05)]
        {
            let count = kinds.iter().filter(|it| **it == kind).count();
            assert_eq!(stats["faults"][kind], count, "{kind}");
            assert!((count as f64 / 800.0 - share).abs() < 0.03, "{kind}: {count}");
        }
        let answered = kinds.iter().filter(|it| **it == "answered").count();
        assert_eq!(stats["answered"], answered);
        assert_eq!(stats["billed"]["truncated"]["count"], stats["faults"]["truncated"]);
        assert_eq!(stats["billed"]["empty"]["completion_tokens"], 0);
        assert_eq!(
            stats["billed"]["total"]["count"].as_u64().unwrap() as usize,
            800 - stats["faults"]["throttled"].as_u64().unwrap() as usize
                - stats["faults"]["failed"].as_u64().unwrap() as usize
        );
        if round == 1 {
            kinds.reverse();
        }
        seen.push(kinds);
        running.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_retry_may_succeed() {
    let faults = Faults { throttled: 0.5, ..Faults::default() };
    let running = Running::start(Options { faults, ..Options::default() }).await;
    let mut client = running.connect().await;
    for body in bodies(30) {
        let mut tries = 0;
        while client.chat(&body).await.status == 429 {
            tries += 1;
            assert!(tries < 30);
        }
    }
    assert_eq!(running.stats().await["answered"], 30);
    running.stop().await;
}

#[tokio::test]
async fn what_hangs_is_never_answered_is_billed_and_ends_with_the_server() {
    let faults = Faults { hung: 1.0, ..Faults::default() };
    let running = Running::start(Options { faults, ..Options::default() }).await;
    let mut client = running.connect().await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), client.chat(&body(0, 0))).await;
    assert!(waiting.is_err());
    let stats = running.stats().await;
    assert_eq!(stats["faults"]["hung"], 1);
    assert_eq!(stats["billed"]["hung"]["count"], 1);
    assert!(stats["billed"]["hung"]["usd"].as_f64().unwrap() > 0.0);
    assert_eq!(stats["answered"], 0);
    // The client still waits, and the server ends all the same.
    running.stop().await;
}

#[tokio::test]
async fn latency_delays_and_a_client_that_leaves_is_billed() {
    let slow = Latency { median: Duration::from_millis(150), sigma: 0.0 };
    let running = Running::start(Options { latency: slow, ..Options::default() }).await;
    let mut client = running.connect().await;
    let started = Instant::now();
    assert_eq!(client.chat(&body(0, 0)).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(150));
    let left = tokio::time::timeout(Duration::from_millis(50), client.chat(&body(1, 0))).await;
    assert!(left.is_err());
    drop(client);
    let mut stats = running.stats().await;
    for _ in 0..100 {
        if stats["billed"]["abandoned"]["count"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        stats = running.stats().await;
    }
    assert_eq!(stats["billed"]["abandoned"]["count"], 1);
    assert_eq!(stats["answered"], 1);
    running.stop().await;
}

#[tokio::test]
async fn the_log_has_a_line_for_every_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests.jsonl");
    let faults = Faults { failed: 0.3, seed: 2, ..Faults::default() };
    let options = Options { faults, log: Some(path.clone()), ..Options::default() };
    let running = Running::start(options).await;
    let mut client = running.connect().await;
    let mut asked = bodies(40);
    asked.push(json!({"model": "editor", "messages": [{"role": "user", "content": "x"}]}));
    let mut answered = 0;
    for body in &asked {
        answered += usize::from(client.chat(body).await.status == 200);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let early = std::fs::read_to_string(&path).unwrap();
    assert_eq!(early.lines().count(), asked.len(), "lines are written while the server runs");
    running.stop().await;
    let lines: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.iter().filter(|line| line["fault"].is_null()).count(), answered);
    assert_eq!(lines.iter().filter(|line| line["fault"] == "failed").count(), 41 - answered);
    assert_eq!(lines[0]["row"], spec_of(TICKETS, 1).rows[0].id);
    assert_eq!(lines[0]["model"], "clerk");
    assert_eq!(lines[0]["body"].as_str().unwrap().len(), 32);
    assert!(lines[40]["row"].is_null());
}
