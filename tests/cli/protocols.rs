//! Whole runs against servers that speak each protocol: what is sent, billed, refused, and never shown.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server};
use serde_json::{Value, json};

const KEY: &str = "key-Sentinel+0123456789/abcdef";

/// How a protocol's server is asked and answers.
struct Protocol {
    kind: &'static str,
    target: &'static str,
    /// The header of the key, and what is before the key in it.
    key: (&'static str, &'static str),
    /// Where the user's text is in a body.
    user: &'static str,
    /// Where the system's text is in a body.
    system: &'static str,
    /// Where the limit on an answer, the temperature and the seed are.
    fields: [&'static str; 3],
    answer: fn(&str) -> Value,
    /// Input, of it cached and written, output, of it reasoning.
    counted: [u64; 5],
    filtered: fn() -> Value,
    /// A 400 that refuses the temperature.
    no_temperature: fn() -> Value,
    /// A 401 or 400 that refuses the key.
    bad_key: fn(&str) -> (u16, Value),
}

const PROTOCOLS: [Protocol; 4] = [
    Protocol {
        kind: "openai",
        target: "/v1/chat/completions",
        key: ("authorization", "Bearer "),
        user: "/messages/1/content",
        system: "/messages/0/content",
        fields: ["/max_tokens", "/temperature", "/seed"],
        answer: |text| {
            json!({"choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text}}],
                "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27,
                "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 5}}})
        },
        counted: [20, 8, 3, 7, 5],
        filtered: || {
            json!({"choices": [{"finish_reason": "content_filter", "message": {"content": ""}}],
                "usage": {"prompt_tokens": 20, "completion_tokens": 0, "total_tokens": 20}})
        },
        no_temperature: || {
            json!({"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model.",
                "type": "invalid_request_error", "param": "temperature", "code": "unsupported_parameter"}})
        },
        bad_key: |key| {
            (
                401,
                json!({"error": {"message": format!("Incorrect API key provided: {key}."),
                "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}}),
            )
        },
    },
    Protocol {
        kind: "openai-responses",
        target: "/v1/responses",
        key: ("authorization", "Bearer "),
        user: "/input/1/content",
        system: "/input/0/content",
        fields: ["/max_output_tokens", "/temperature", ""],
        answer: |text| {
            json!({"status": "completed", "error": null, "output": [
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": text}]}],
                "usage": {"input_tokens": 20, "input_tokens_details": {"cached_tokens": 8},
                "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 5},
                "total_tokens": 27}})
        },
        counted: [20, 8, 0, 7, 5],
        filtered: || {
            json!({"status": "incomplete", "incomplete_details": {"reason": "content_filter"},
                "output": [], "usage": {"input_tokens": 20, "output_tokens": 0}})
        },
        no_temperature: || {
            json!({"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model.",
                "type": "invalid_request_error", "param": "temperature", "code": null}})
        },
        bad_key: |key| {
            (
                401,
                json!({"error": {"message": format!("Incorrect API key provided: {key}."),
                "type": "invalid_request_error", "code": "invalid_api_key"}}),
            )
        },
    },
    Protocol {
        kind: "anthropic",
        target: "/v1/messages",
        key: ("x-api-key", ""),
        user: "/messages/0/content/0/text",
        system: "/system/0/text",
        fields: ["/max_tokens", "/temperature", ""],
        answer: |text| {
            json!({"type": "message", "role": "assistant", "stop_reason": "end_turn",
                "content": [{"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "text", "text": text}],
                "usage": {"input_tokens": 9, "cache_creation_input_tokens": 3,
                "cache_read_input_tokens": 8, "output_tokens": 7}})
        },
        counted: [20, 8, 3, 7, 0],
        filtered: || {
            json!({"type": "message", "content": [], "stop_reason": "refusal",
                "usage": {"input_tokens": 20, "output_tokens": 1}})
        },
        no_temperature: || {
            json!({"type": "error", "error": {"type": "invalid_request_error",
                "message": "`temperature` is deprecated for this model."}})
        },
        bad_key: |key| {
            (
                401,
                json!({"type": "error", "error": {"type": "authentication_error",
                "message": format!("invalid x-api-key {key}")}}),
            )
        },
    },
    Protocol {
        kind: "gemini",
        target: "/v1/v1beta/models/clerk:generateContent",
        key: ("x-goog-api-key", ""),
        user: "/contents/0/parts/0/text",
        system: "/systemInstruction/parts/0/text",
        fields: [
            "/generationConfig/maxOutputTokens",
            "/generationConfig/temperature",
            "/generationConfig/seed",
        ],
        answer: |text| {
            json!({"candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": [
                {"text": "Hm.", "thought": true}, {"text": text}]}}],
                "usageMetadata": {"promptTokenCount": 20, "cachedContentTokenCount": 8,
                "candidatesTokenCount": 2, "thoughtsTokenCount": 5, "totalTokenCount": 27}})
        },
        counted: [20, 8, 0, 7, 5],
        filtered: || {
            json!({"promptFeedback": {"blockReason": "SAFETY"},
                "usageMetadata": {"promptTokenCount": 20, "totalTokenCount": 20}})
        },
        no_temperature: || {
            json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
                "Invalid JSON payload received. Unknown name \"temperature\" at 'generation_config': Cannot find field."}})
        },
        bad_key: |key| {
            (
                400,
                json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
                "message": format!("API key not valid: {key}. Please pass a valid API key."),
                "details": [{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]}}),
            )
        },
    },
];

impl Protocol {
    fn says(&self, text: &str) -> Reply {
        (200, "", (self.answer)(text).to_string())
    }

    /// The right answer to two rows of colours of three.
    fn answers(&self, request: &Request) -> Reply {
        let user = request.body.pointer(self.user).and_then(Value::as_str).unwrap();
        let tile: usize = user.split_whitespace().nth(1).unwrap().parse().unwrap();
        self.says(["warm", "cold"][usize::from(tile.is_multiple_of(3))])
    }

    /// The task `colours` whose task model is behind this server.
    fn env(&self, server: &Server, extra: &str) -> TestEnv {
        let price = "price = { input = 1.0, cached_input = 0.1, cache_write = 1.25, output = 5.0 }";
        let key = "api_key = \"env:LOCAL_KEY\"";
        let mut env = TestEnv::with_server(server, &format!("{key}\n{price}\n{extra}"));
        env.edit("colours/task.toml", "kind = \"openai\"", &format!("kind = \"{}\"", self.kind));
        env.edit("colours/task.toml", "free = true\n", "");
        env.set("LOCAL_KEY", KEY).set("PROMPTSEARCH_LOG", "trace");
        env
    }
}

/// A text without its line breaks.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The events of one kind.
fn events(env: &TestEnv, kind: &str) -> Vec<Value> {
    let journal = env.read("results/one/events.jsonl");
    let events = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter_map(|line| Some(line["event"].get(kind)?.clone())).collect()
}

/// The key is in no file of the run, and in nothing that was shown.
#[track_caller]
fn nowhere(env: &TestEnv, shown: &[&str]) {
    for file in env.files("results") {
        let bytes = std::fs::read(&file).unwrap();
        let holds = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!holds, "{}", file.display());
    }
    assert!(shown.iter().all(|text| !text.contains(KEY)), "{shown:?}");
}

#[test]
fn each_protocol_is_asked_and_billed_in_its_own_way() {
    for protocol in &PROTOCOLS {
        let (kind, fields) = (protocol.kind, protocol.fields);
        let server = Server::start(move |_, request| {
            let protocol = PROTOCOLS.iter().find(|it| it.kind == kind).unwrap();
            protocol.answers(request)
        });
        let env = protocol.env(&server, "");
        let ran = env.run("run colours --name one --max-calls 60").ok();
        let requests = server.requests();
        let sent = &requests[0];
        assert_eq!(sent.target, protocol.target, "{kind}");
        let (header, before) = protocol.key;
        assert_eq!(sent.headers[header], format!("{before}{KEY}"), "{kind}");
        let version = sent.headers.get("anthropic-version").map(String::as_str);
        assert_eq!(version, (kind == "anthropic").then_some("2023-06-01"), "{kind}");
        let at = |path: &str| sent.body.pointer(path).cloned();
        assert_eq!(
            at(protocol.system),
            Some(json!("Answer warm or cold.")),
            "{kind}: {}",
            sent.body
        );
        assert_eq!(at(fields[0]), Some(json!(512)), "{kind}: {}", sent.body);
        assert_eq!(at(fields[1]), Some(json!(0.0)), "{kind}");
        let seed = if fields[2].is_empty() { None } else { at(fields[2]) };
        assert_eq!(seed.is_some(), !fields[2].is_empty(), "{kind}");
        assert_eq!(sent.body.to_string().contains("\"seed\""), seed.is_some(), "{kind}");
        if seed.is_none() {
            // What the protocol decides, `plan` says once.
            let plan = env.run("plan colours").ok().stdout;
            assert_eq!(plan.matches("no seed is sent to `local/clerk`").count(), 1, "{kind}");
            assert!(!ran.stdout.contains("no seed is sent"), "{kind}");
            assert!(!ran.stderr.contains("no seed is sent"), "{kind}");
        }
        drop(requests);

        let [input, cached, written, out, reasoning] = protocol.counted;
        let nanos =
            (input - cached - written) * 1_000 + cached * 100 + written * 1_250 + out * 5_000;
        let of_task = |answered: &Value| answered["in"] == input && answered["usd"] == nanos;
        let answered = events(&env, "answered");
        let first =
            answered.iter().find(|it| of_task(it)).unwrap_or_else(|| panic!("{answered:?}"));
        let number = |name: &str| first[name].as_u64().unwrap_or(0);
        assert_eq!((number("cached"), number("written")), (cached, written), "{kind}");
        assert_eq!((number("out"), number("reasoning")), (out, reasoning), "{kind}");
        let role = env.json("results/one/summary.json")["spent"]["by_role"]["task"].clone();
        let calls = role["calls"].as_u64().unwrap();
        assert_eq!(role["cached_tokens"], calls * cached, "{kind}: {role}");
        assert_eq!(role["reasoning_tokens"], calls * reasoning, "{kind}: {role}");
        let told = "came from the provider's cache, which saved $";
        assert!(words(&ran.stdout).contains(told), "{kind}: {}", ran.stdout);
        nowhere(&env, &[&ran.stdout, &ran.stderr]);
    }
}

#[test]
fn filters_throttles_and_refused_fields_of_each_protocol_are_met() {
    for protocol in &PROTOCOLS {
        let kind = protocol.kind;
        let server = Server::start(move |number, request| {
            let protocol = PROTOCOLS.iter().find(|it| it.kind == kind).unwrap();
            match number {
                _ if request.body.pointer(protocol.fields[1]).is_some() => {
                    (400, "", (protocol.no_temperature)().to_string())
                }
                6 => (
                    429,
                    "retry-after: 0\r\n",
                    json!({"error": {"message": "slow down"}}).to_string(),
                ),
                7 => (200, "", (protocol.filtered)().to_string()),
                8 => (
                    529,
                    "retry-after: 0\r\n",
                    json!({"type": "error",
                    "error": {"type": "overloaded_error", "message": "Overloaded"}})
                    .to_string(),
                ),
                _ => protocol.answers(request),
            }
        });
        let env = protocol.env(&server, "concurrency = 1");
        let ran = env.run("run colours --name one --max-calls 60").ok();
        let refused = events(&env, "field_refused");
        assert_eq!(refused.len(), 1, "{kind}: {refused:?}");
        assert_eq!(refused[0]["field"], "temperature", "{kind}");
        // It is a fact of the model, whatever role asked first.
        let why = refused[0]["why"].as_str().unwrap();
        assert!(why.starts_with("provider `local` (127.0.0.1:"), "{kind}: {why}");
        assert!(
            ran.stderr.contains("`local/clerk` refuses `temperature`"),
            "{kind}: {}",
            ran.stderr
        );
        let failures = events(&env, "attempt_failed");
        for failure in ["throttled", "unavailable"] {
            let met = failures.iter().any(|failed| failed["failure"] == failure);
            assert!(met, "{kind}: {failure} {failures:?}");
        }
        let filtered = events(&env, "answered").into_iter().filter(|it| it["finish"] == "filter");
        assert_eq!(filtered.count(), 1, "{kind}");
        nowhere(&env, &[&ran.stdout, &ran.stderr]);
    }
}

#[test]
fn a_key_that_a_protocol_refuses_ends_the_run_and_is_not_shown() {
    for protocol in &PROTOCOLS {
        let kind = protocol.kind;
        let server = Server::start(move |_, request| {
            let protocol = PROTOCOLS.iter().find(|it| it.kind == kind).unwrap();
            // It repeats what it was sent.
            let (status, body) = (protocol.bad_key)(&request.headers[protocol.key.0]);
            (status, "", body.to_string())
        });
        let env = protocol.env(&server, "");
        let ran = env.run("run colours --name one --max-calls 60").exits(4);
        assert!(ran.stderr.contains("resume one"), "{kind}: {}", ran.stderr);
        assert_eq!(env.json("results/one/summary.json")["status"], "interrupted", "{kind}");
        nowhere(&env, &[&ran.stdout, &ran.stderr]);
    }
}

#[test]
fn a_schema_is_a_part_of_each_request_and_of_the_frozen_task() {
    let places = [
        "/response_format/json_schema/schema",
        "/text/format/schema",
        "/output_config/format/schema",
        "/generationConfig/responseJsonSchema",
    ];
    let schema = json!({"type": "object", "properties": {"label": {"type": "string"}}});
    for (protocol, place) in PROTOCOLS.iter().zip(places) {
        let kind = protocol.kind;
        let server = Server::start(move |number, request| {
            let protocol = PROTOCOLS.iter().find(|it| it.kind == kind).unwrap();
            if number == 30 { (401, "", "{}".to_owned()) } else { protocol.answers(request) }
        });
        let env = protocol.env(&server, "concurrency = 1");
        env.write("colours/answer.schema.json", &schema.to_string());
        let model = "{ model = \"local/clerk\", schema = \"answer.schema.json\" }";
        env.edit("colours/task.toml", "\"local/clerk\"", model);
        assert!(env.run("plan colours").ok().stdout.contains("schema {"));
        env.run("run colours --name one --max-calls 60").exits(4);
        // What decides answers is frozen.
        std::fs::remove_file(env.path("colours/answer.schema.json")).unwrap();
        env.run("resume one").ok();
        let requests = server.requests();
        assert!(requests.len() > 31, "{kind}");
        assert!(requests.iter().all(|it| it.body.pointer(place) == Some(&schema)), "{kind}");
    }
}

#[test]
fn a_schema_that_cannot_be_used_is_named() {
    let env = TestEnv::with_colours();
    env.write("colours/bad.json", "[1]");
    for (from, to, told) in [
        ("\"sim/clerk\"", "{ model = \"sim/clerk\", schema = \"none.json\" }", "none.json"),
        ("none.json", "bad.json", "it is no JSON object"),
        ("\"bad.json\"", "3", "`schema` must be the name of a file"),
        ("schema = 3", "schema = { type = \"object\" }", ""),
        ("\"sim/editor\"", "{ model = \"sim/editor\", schema = {} }", "only the task's model"),
    ] {
        env.edit("colours/task.toml", from, to);
        if told.is_empty() {
            let plan = env.run("plan colours").ok().stdout;
            assert!(plan.contains("is simulated and does not follow the schema"), "{plan}");
            continue;
        }
        let said = env.complaint("plan colours");
        assert!(said.contains(told) && said.contains("task.toml:"), "{told}: {said}");
    }
}

#[test]
fn services_need_no_table_and_their_prices_are_known() {
    let env = TestEnv::with_colours();
    env.edit("colours/task.toml", "\"sim/clerk\"", "\"groq/openai/gpt-oss-20b\"");
    env.edit("colours/task.toml", "\"sim/editor\"", "\"anthropic/claude-haiku-4-5\"");
    let plan = env.run("plan colours --max-usd 1").ok().stdout;
    for told in [
        "groq/openai/gpt-oss-20b: price of 2026-11-28 (litellm",
        "anthropic/claude-haiku-4-5: price of 2026-11-28 (https://",
        "no seed is sent to `anthropic/claude-haiku-4-5`",
    ] {
        assert!(plan.contains(told), "{told}: {plan}");
    }
    let warm = env.run("plan colours --max-usd 1 --strategy copro").ok().stdout;
    assert!(
        words(&warm).contains("a temperature of 1.4; `anthropic/claude-haiku-4-5` takes at most 1")
    );
    env.edit(
        "colours/task.toml",
        "\"anthropic/claude-haiku-4-5\"",
        "{ model = \"anthropic/claude-haiku-4-5\", temperature = 1.5 }",
    );
    let too_warm = env.complaint("plan colours");
    assert!(too_warm.contains("its protocol takes at most 1"), "{too_warm}");
    env.edit("colours/task.toml", "temperature = 1.5", "temperature = 1.0");
    let keyless = env.run("run colours --max-usd 1").exits(3);
    assert!(keyless.stderr.contains("ANTHROPIC_API_KEY"), "{}", keyless.stderr);
    // A price that nobody stated is no price.
    env.edit("colours/task.toml", "gpt-oss-20b", "gpt-oss-20b-2030-01-01");
    let unknown = env.complaint("plan colours --max-usd 1");
    assert!(
        unknown.contains("[providers.groq.prices.\"openai/gpt-oss-20b-2030-01-01\"]"),
        "{unknown}"
    );
    // An address of one's own is another service.
    env.edit("colours/task.toml", "gpt-oss-20b-2030-01-01", "gpt-oss-20b");
    env.edit(
        "colours/task.toml",
        "[goal]",
        "[providers.groq]\nbase_url = \"http://127.0.0.1:1/v1\"\n[goal]",
    );
    let other = env.complaint("plan colours --max-usd 1");
    assert!(other.contains("the price of `groq/openai/gpt-oss-20b` is unknown"), "{other}");
}

#[test]
fn the_text_that_rows_share_is_kept_by_anthropics_cache_unless_it_is_not_wanted() {
    let anthropic = &PROTOCOLS[2];
    let server = Server::start(|_, request| PROTOCOLS[2].answers(request));
    for (line, kept) in [("", true), ("cache = \"none\"", false)] {
        let env = anthropic.env(&server, line);
        env.edit(
            "colours/task.toml",
            "Answer warm or cold.",
            &"Answer warm or cold. ".repeat(1_000),
        );
        let before = server.requests().len();
        env.run("eval colours").ok();
        let requests = server.requests();
        let marked = |request: &Request| request.body.to_string().contains("cache_control");
        assert!(requests.len() > before);
        assert!(requests[before..].iter().all(|it| marked(it) == kept), "{line}");
    }
}
