//! Texts of prompts are compared by the vectors of an embedding model: paid for once, within the budget, and
//! whatever its server answers.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NOVELTY: &str = "--strategy shinka-islands";
const CLUSTERS: &str = "--strategy triple-clst";

/// The task `colours`, whose embedding model is behind a server.
fn env(server: &Server, price: &str) -> TestEnv {
    let env = TestEnv::with_colours();
    let models = "mutator = \"sim/editor\"\nembed = \"vectors/m\"";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    let provider = format!(
        "[providers.vectors]\nkind = \"openai\"\nbase_url = \"{}\"\n{price}\n\n[goal]",
        server.base_url()
    );
    env.edit("colours/task.toml", "[goal]", &provider);
    env
}

const PRICE: &str = "price = { input = 0.02, output = 0.0 }";

fn texts(request: &Request) -> Vec<String> {
    assert!(request.target.starts_with("/v1/embeddings"));
    let texts = request.body["input"].as_array().unwrap();
    texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What a server says of these vectors.
fn says(request: &Request, vector: impl Fn(&str) -> Value) -> Reply {
    let texts = texts(request);
    let tokens: usize = texts.iter().map(|text| text.len().div_ceil(4)).sum();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"index": index, "embedding": vector(text)}))
        .collect();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    (200, "", json!({"data": data, "usage": usage}).to_string())
}

/// Another direction for each text.
fn apart(text: &str) -> Value {
    let hash = text.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
    (0..100_u64).map(|place| ((hash.wrapping_mul(place * place + 1) >> 20) as f64).sin()).collect()
}

/// How often each text was asked about.
fn asked(server: &Server) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for text in server.requests().iter().flat_map(texts) {
        *asked.entry(text).or_default() += 1;
    }
    asked
}

/// The decisions of a run, without the moments of its calls.
fn decisions(env: &TestEnv, run: &str) -> Vec<(String, Value)> {
    let facts =
        ["started", "pinned", "reserved", "answered", "resumed", "finished", "lost", "look_taken"];
    let events = env.events(run).into_iter();
    events.filter(|(kind, _)| !facts.contains(&kind.as_str())).collect()
}

#[test]
fn each_text_is_paid_for_once_and_the_vectors_decide() {
    let server = Server::start(|_, request| says(request, apart));
    let env_ = env(&server, PRICE);
    env_.run(&format!("run colours {NOVELTY} --name apart --max-calls 250")).ok();
    let asked_ = asked(&server);
    assert!(asked_.len() > 3 && asked_.values().all(|times| *times == 1), "{asked_:?}");
    let summary = env_.json("results/apart/summary.json");
    let spent = &summary["spent"]["by_role"]["embed"];
    assert_eq!(spent["calls"], server.requests().len());
    let tokens: usize = asked_.keys().map(|text| text.len().div_ceil(4)).sum();
    assert_eq!((&spent["prompt_tokens"], &spent["completion_tokens"]), (&json!(tokens), &json!(0)));
    assert!((spent["usd"].as_f64().unwrap() - tokens as f64 * 0.02e-6).abs() < 1e-7, "{spent}");
    assert_eq!(summary["counts"]["rejected"].get("novelty"), None, "{summary}");
    let status = env_.run("status apart --json").ok().json();
    assert_eq!(&status["spent"]["by_role"]["embed"], spent, "{status}");
    let report = env_.run("report apart --format md").ok().stdout;
    assert!(report.contains("| embed | `vectors/m` |"), "{report}");

    // Where all texts mean the same, none is new, however it is worded.
    let same = Server::start(|_, request| says(request, |_| json!([0.1, 0.2, 0.3])));
    let env_ = env(&same, PRICE);
    env_.run(&format!("run colours {NOVELTY} --name same --max-proposals 12")).ok();
    let counts = &env_.json("results/same/summary.json")["counts"];
    assert!(counts["rejected"]["novelty"].as_u64().unwrap() > 3, "{counts}");
    assert_eq!(counts["candidates"], 1, "{counts}");
}

#[test]
fn a_run_is_the_same_at_any_concurrency() {
    for strategy in [NOVELTY, CLUSTERS] {
        let runs: Vec<_> = [1, 8]
            .into_iter()
            .map(|concurrency| {
                let server = Server::start(|number, request| {
                    std::thread::sleep(Duration::from_millis(number as u64 * 7 % 23));
                    says(request, apart)
                });
                let env = env(&server, PRICE);
                let line = format!("run colours {strategy} --name one --concurrency {concurrency}");
                env.run(&line).ok();
                let best = env.json("results/one/summary.json")["best"]["candidate"].clone();
                assert!(server.requests().len() > 3, "{strategy}");
                (best, decisions(&env, "one"))
            })
            .collect();
        assert_eq!(runs[0], runs[1], "{strategy}");
    }
}

#[test]
fn a_killed_run_buys_no_vector_twice_and_ends_as_if_it_had_not_been_killed() {
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(40));
        says(request, apart)
    });
    let env_ = env(&server, PRICE);
    let line = format!("run colours {CLUSTERS} --seed 1 --name");
    env_.run(&format!("{line} whole")).ok();
    let all = server.requests().len();
    server.requests().clear();

    let mut child = env_.command(&format!("{line} killed --quiet")).spawn().unwrap();
    let begun = Instant::now();
    while server.requests().len() < 6 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = server.requests().len();
    let answered = |run: &str| -> Vec<Value> {
        let events = env_.events(run).into_iter();
        let issued: Vec<Value> = events
            .clone()
            .filter(|(kind, _)| kind == "embedding_issued")
            .map(|(_, event)| event["call"].clone())
            .collect();
        let answered = events.filter(|(kind, _)| kind == "answered");
        let answered = answered.map(|(_, event)| event["call"].clone());
        answered.filter(|call| issued.contains(call)).collect()
    };
    let bought = answered("killed").len();
    assert!(before < all && bought >= 4, "{before} of {all} asked, {bought} answered");
    env_.run("resume killed").ok();
    // At most the one that was in flight is asked again.
    assert_eq!(answered("killed").len(), all);
    assert_eq!(server.requests().len(), before + all - bought);
    assert_eq!(decisions(&env_, "killed"), decisions(&env_, "whole"));
}

#[test]
fn a_recipe_that_compares_no_texts_asks_for_no_vector_and_plan_says_so() {
    let server = Server::start(|_, request| says(request, apart));
    let env_ = env(&server, PRICE);
    let words = "`[models] embed` is not used by this recipe";
    let plan = env_.run("plan colours --strategy random").ok();
    assert!(plan.stdout.contains(words), "{}", plan.stdout);
    env_.run("run colours --strategy random --name one --max-calls 150").ok();
    assert!(server.requests().is_empty());

    let plan = env_.run(&format!("plan colours {NOVELTY} --json")).ok().json();
    assert!(!plan.to_string().contains(words), "{plan}");
    let embed = &plan["roles"]["embed"];
    let mutator = &plan["roles"]["mutator"];
    assert_eq!(embed["calls"], mutator["calls"].as_u64().unwrap() + 1, "one for the baseline");
    assert_eq!(embed["completion_tokens"], 0);
    assert!(embed["worst_usd"].as_f64() > embed["usd"].as_f64(), "{embed}");
}

/// Each is no vector, and the text is compared by its words.
#[test]
fn no_answer_of_a_server_breaks_a_run() {
    let large = format!("[{}0.5]", "0.25, ".repeat(1_600_000));
    let bodies = [
        "<html>502</html>".to_owned(),
        r#"{"data": []}"#.to_owned(),
        r#"{"data": [{"embedding": []}]}"#.to_owned(),
        r#"{"data": [{"embedding": [NaN, 1.0]}]}"#.to_owned(),
        r#"{"data": [{"embedding": [0.0, 0.0]}]}"#.to_owned(),
        r#"{"data": [{"embedding": "!"}]}"#.to_owned(),
        format!(r#"{{"data": [{{"embedding": {large}}}]}}"#),
        r#"{"data": [{"embedding": [1.0, 2.0]}, {"embedding": [1.0, 2.0]}]}"#.to_owned(),
        String::new(),
    ];
    let server = Server::start(move |number, request| match number {
        // A good one, and one of another space.
        0 => says(request, |_| json!([0.3, 0.4])),
        1 => says(request, |_| json!([0.3, 0.4, 0.5])),
        _ => (200, "", bodies[number % bodies.len()].clone()),
    });
    let env = env(&server, "free = true");
    env.run(&format!("run colours {NOVELTY} --name one --max-proposals 6")).ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["status"], "finished");
    assert!(server.requests().len() >= 11, "{}", server.requests().len());
    let failed = &summary["failed_calls"]["unreadable"];
    assert!(failed["calls"]["embed"].as_u64().unwrap() >= 3, "{summary}");
    let without = summary["counts"]["without_vector"].as_u64().unwrap();
    assert!(without > 3, "that of another space, too: {summary}");
    let status = env.run("status one").ok().stdout;
    let words = format!("{without} texts got no vector from the embedding model");
    assert!(status.contains(&words), "{status}");
}

#[test]
fn a_server_that_gives_no_vector_at_all_stops_the_run_and_a_better_one_resumes_it() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let server = Server::start(move |_, request| match well.load(Ordering::SeqCst) {
        true => says(request, apart),
        false => (400, "", json!({"error": {"message": "no such model: m"}}).to_string()),
    });
    let env = env(&server, PRICE);
    let ran = env.run(&format!("run colours {CLUSTERS} --name one")).exits(4);
    let words = "20 requests to the embedding model in a row brought no vector, such as: provider `vectors`";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(ran.stderr.contains("no such model: m"), "{}", ran.stderr);
    assert_eq!(server.requests().len(), 20);
    is_well.store(true, Ordering::SeqCst);
    env.run("resume one").ok();
    assert_eq!(env.json("results/one/summary.json")["status"], "finished");
    assert!(asked(&server).values().all(|times| *times == 1));
}

#[test]
fn the_cap_holds_and_a_vector_that_does_not_fit_is_done_without() {
    let server = Server::start(|_, request| says(request, apart));
    // A vector of the baseline costs about two cents.
    let env_ = env(&server, "price = { input = 2000.0, output = 0.0 }");
    let line = format!("run colours {NOVELTY} --name one --max-usd 0.2 --max-proposals 40");
    env_.run(&line).ok();
    let summary = env_.json("results/one/summary.json");
    let spent = &summary["spent"];
    let embed = spent["by_role"]["embed"]["usd"].as_f64().unwrap();
    assert!(embed > 0.02 && spent["usd"].as_f64().unwrap() <= 0.2, "{spent}");
    let calls = &spent["by_role"]["embed"]["calls"];
    assert_eq!(*calls, server.requests().len());
    // What does not fit is not issued, so that no call fails for want of room.
    let candidates = summary["counts"]["candidates"].as_u64();
    assert!(calls.as_u64() < candidates, "{summary}");
    assert_eq!(summary["failed_calls"], json!({}), "{summary}");

    let unknown = env(&server, "");
    // No vector, no price.
    unknown.run("run colours --strategy random --name none --max-usd 0.2 --max-calls 60").ok();
    unknown.run("plan colours --strategy random --max-usd 0.2").ok();
    let found = unknown.run("doctor colours --strategy random --max-usd 0.2 --json").ok().json();
    assert!(!found.to_string().contains("is unknown"), "{found}");
    unknown.run(&format!("plan colours {NOVELTY} --max-usd 0.2")).exits(3);
    let ran = unknown.run(&format!("run colours {NOVELTY} --name one --max-usd 0.2")).exits(3);
    assert!(ran.stderr.contains("the price of `vectors/m` is unknown"), "{}", ran.stderr);
}

#[test]
fn what_a_provider_adds_to_chat_requests_is_not_sent_with_texts() {
    let server = Server::start(|_, request| says(request, apart));
    let extra = "free = true\nheaders = { x-team = \"red\" }\nquery = { v = \"2\" }\n\
        reasoning_effort = \"low\"\nbody = { top_p = 0.9 }";
    let env = env(&server, extra);
    let own = "{ model = \"vectors/m\", body = { dimensions = 100 } }";
    env.edit("colours/task.toml", "\"vectors/m\"", own);
    env.run(&format!("run colours {NOVELTY} --name one --max-proposals 3")).ok();
    let requests = server.requests();
    assert!(!requests.is_empty());
    for request in requests.iter() {
        let keys: Vec<&String> = request.body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["dimensions", "model", "input"]);
        assert_eq!(request.target, "/v1/embeddings?v=2");
        assert_eq!(request.headers["x-team"], "red");
    }
}

/// The simulated server speaks the protocol, and `doctor` asks it.
#[test]
fn the_simulated_server_gives_vectors() {
    let env = TestEnv::with_colours();
    let (mut server, told) = env.simulate("--port 0");
    let url = told["base_url"].as_str().unwrap();
    let models = "mutator = \"sim/editor\"\nembed = \"local/embedder\"";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    let provider =
        format!("[providers.local]\nkind = \"openai\"\nbase_url = \"{url}\"\n{PRICE}\n\n[goal]");
    env.edit("colours/task.toml", "[goal]", &provider);
    let found = env.run(&format!("doctor colours {CLUSTERS} --json")).json();
    let checks = found["checks"].as_array().unwrap();
    let of_embed: Vec<&Value> = checks.iter().filter(|it| it["about"] == "embed").collect();
    let said = |text: &str| of_embed.iter().any(|it| it.to_string().contains(text));
    assert!(said("256 dimensions"), "{found}");
    assert_eq!(found["roles"]["embed"]["answered"], true, "{found}");
    env.run(&format!("run colours {CLUSTERS} --name http")).ok();
    let http = env.json("results/http/summary.json");
    assert!(http["spent"]["by_role"]["embed"]["calls"].as_u64().unwrap() > 3, "{http}");

    // The same model in this process gives the same.
    env.edit("colours/task.toml", "local/embedder", "sim/embedder");
    env.run(&format!("run colours {CLUSTERS} --name process --seed 1")).ok();
    let process = env.json("results/process/summary.json");
    assert_eq!(process["best"]["candidate"], http["best"]["candidate"]);
    let vectors = |run: &str| -> Vec<Value> {
        let folded = env.events(run).into_iter().filter(|(kind, _)| kind == "embedding_folded");
        let texts = folded.flat_map(|(_, event)| event["texts"].as_array().unwrap().clone());
        texts.map(|text| text["vector"].clone()).collect()
    };
    assert!(vectors("http").iter().all(|vector| !vector.is_null()));
    assert_eq!(vectors("process"), vectors("http"));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_model_that_gives_no_vectors_is_refused_with_its_place() {
    let env = TestEnv::with_colours();
    let with = |embed: &str| {
        let models = format!("mutator = \"sim/editor\"\nembed = {embed}");
        env.write(
            "colours/task.toml",
            &crate::env::COLOURS.replace("mutator = \"sim/editor\"", &models),
        );
        env.run("plan colours --strategy triple-clst").exits(3).stderr
    };
    for (embed, words) in [
        ("\"anthropic/claude-sonnet-4-5\"", "cannot be asked for vectors"),
        ("\"sim/clerk\"", "there is no simulated model `clerk`"),
        ("{ model = \"openai/m\", temperature = 0.5 }", "`temperature` has no use"),
        ("{ model = \"openai/m\", execution = \"batch\" }", "`execution` has no use"),
        ("{ model = \"openai/m\", body = { input = \"x\" } }", "`body` cannot set `input`"),
    ] {
        let said = with(embed);
        assert!(said.contains(words) && said.contains("task.toml:"), "{embed}: {said}");
    }
}
