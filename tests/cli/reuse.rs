//! Answers of earlier runs: they cost nothing, decide as bought ones do, and survive kills and the loss of their
//! source; held-out rows are asked.

use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, answer, tile};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The task `colours` with a price at a server, and one finished run of it, `alpha`.
fn with_alpha(delay: Duration) -> (TestEnv, Server) {
    let server = Server::start(move |_, request: &Request| -> Reply {
        std::thread::sleep(delay);
        answer(request)
    });
    let env = TestEnv::with_server(&server, "concurrency = 4");
    env.edit("colours/task.toml", "free = true", "price = { input = 10.0, output = 20.0 }");
    env.run("run colours --name alpha --max-calls 160 --quiet").ok();
    (env, server)
}

fn of_kind(env: &TestEnv, run: &str, kind: &str) -> Vec<Value> {
    env.events(run).into_iter().filter(|(it, _)| it == kind).map(|(_, event)| event).collect()
}

/// What decides a run.
fn decisions(env: &TestEnv, run: &str) -> Vec<(String, Value)> {
    let decides = [
        "evaluation_folded",
        "proposal_drafted",
        "proposal_folded",
        "incumbent_changed",
        "candidate_dropped",
        "search_ended",
        "winner_chosen",
    ];
    let all = env.events(run).into_iter();
    all.filter(|(kind, _)| decides.contains(&kind.as_str())).collect()
}

#[test]
fn what_was_answered_is_not_bought_again_and_held_out_rows_are_asked() {
    let (env, server) = with_alpha(Duration::ZERO);
    let before = server.requests().len();
    let line = "run colours --seed 2 --max-calls 160 --quiet --name beta --reuse alpha";
    let told = env.run(&format!("{line} --json")).ok().json();
    let copies = of_kind(&env, "beta", "reused");
    let reused = &told["reused"][0];
    assert_eq!((&reused["run"], &reused["answers"]), (&"alpha".into(), &copies.len().into()));
    // The baseline's rows of dev, at least: 18 of 60.
    assert!(copies.len() >= 18, "{}", copies.len());
    let sent = server.requests().len() - before;
    assert_eq!(sent as u64, told["spent"]["by_role"]["task"]["calls"].as_u64().unwrap());
    // Nothing is spent on them, and the prompt costs what it costs today: 20 tokens at 10, 2 at 20.
    assert!(copies.iter().all(|it| it["answer"]["usd"] == 0 && it["answer"]["live"] == 240_000));
    let worth = copies.len() as f64 * 240_000e-9;
    assert!((reused["usd"].as_f64().unwrap() - worth).abs() < 1e-9, "{reused}");
    let alpha = env.json("results/alpha/summary.json");
    assert_eq!(told["baseline"]["usd_per_1k"], alpha["baseline"]["usd_per_1k"]);
    assert_eq!(told["baseline"]["dev"], alpha["baseline"]["dev"]);
    assert_eq!(told["spent"]["cached_calls"], alpha["spent"]["cached_calls"]);
    // Each held-out row is asked, by a block that no earlier answer serves.
    let issued = of_kind(&env, "beta", "evaluation_issued");
    let held_out: Vec<&Value> = issued.iter().filter(|block| block["split"] == "hold").collect();
    assert!(!held_out.is_empty() && held_out.iter().all(|block| block.get("cached").is_none()));
    let asked: BTreeSet<usize> = server.requests()[before..].iter().map(tile).collect();
    assert!(asked.len() >= told["baseline"]["hold"]["n"].as_u64().unwrap() as usize);
    // The end says it, in every form.
    let says = format!("{} answers reused from alpha, worth $", copies.len());
    for format in ["md", "html"] {
        let report = env.run(&format!("report beta --format {format} --output -")).ok().stdout;
        assert!(report.contains(&says), "{report}");
    }
    let end = env.run("resume beta").ok().stdout.replace("\n  ", " ");
    assert!(end.contains(&says), "{end}");
    // Rows and answers are shown as those of any other run.
    let rows = env.run("rows beta baseline --json").ok().json();
    assert!(rows.to_string().contains("warm"), "{rows}");
    // What was reused can be reused; off is the default.
    let told =
        env.run("run colours --seed 3 --max-calls 160 --quiet --name gamma --reuse beta --json");
    assert!(told.ok().json()["reused"][0]["answers"].as_u64().unwrap() >= 18);
    let told =
        env.run("run colours --seed 4 --max-calls 160 --quiet --name plain --json").ok().json();
    assert!(told.get("reused").is_none(), "{told}");
}

#[test]
fn answers_that_are_reused_decide_as_bought_ones_do() {
    let (env, _server) = with_alpha(Duration::ZERO);
    // No cap that counts money or calls ends these.
    let line = "run colours --seed 2 --max-proposals 4 --strategy best-of-n --quiet";
    env.run(&format!("{line} --name bought")).ok();
    env.run(&format!("{line} --name reused --reuse alpha")).ok();
    assert!(!of_kind(&env, "reused", "reused").is_empty());
    assert_eq!(decisions(&env, "reused"), decisions(&env, "bought"));
    let of = |run: &str| env.json(&format!("results/{run}/summary.json"));
    let (bought, reused) = (of("bought"), of("reused"));
    for key in ["baseline", "best", "gain", "front", "counts"] {
        assert_eq!(bought[key], reused[key], "{key}");
    }
    assert!(bought["spent"]["usd"].as_f64().unwrap() > reused["spent"]["usd"].as_f64().unwrap());
}

#[test]
fn a_killed_run_resumes_with_its_source_and_without_it() {
    let (env, server) = with_alpha(Duration::from_millis(20));
    let line =
        "run colours --seed 2 --max-proposals 6 --strategy best-of-n --quiet --reuse alpha --name";
    env.run(&format!("{line} whole")).ok();
    let all = of_kind(&env, "whole", "reused").len();
    assert!(all >= 18);
    for (name, wanted, keeps_source) in [("early", 1, true), ("late", all, false)] {
        let mut run = env.command(&format!("{line} {name}")).spawn().unwrap();
        let events = env.path(&format!("results/{name}/events.jsonl"));
        let copied = || {
            let text = std::fs::read_to_string(&events).unwrap_or_default();
            text.matches("\"reused\":{\"source\"").count()
        };
        while copied() < wanted {
            assert!(run.try_wait().unwrap().is_none(), "it was over before its kill");
            std::thread::sleep(Duration::from_millis(2));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        if !keeps_source {
            std::fs::rename(env.path("results/alpha"), env.path("gone")).unwrap();
        }
        let before = server.requests().len();
        let resumed = env.run(&format!("resume {name}")).ok();
        let is_told = resumed.stderr.contains("the answers of the run `alpha` cannot be reused");
        assert_eq!(is_told, !keeps_source, "{}", resumed.stderr);
        assert_eq!(decisions(&env, name), decisions(&env, "whole"), "{name}");
        assert_eq!(of_kind(&env, name, "reused").len(), all, "{name}");
        assert!(server.requests().len() > before);
        let of = |run: &str| env.json(&format!("results/{run}/summary.json"));
        assert_eq!(of(name)["reused"], of("whole")["reused"], "{name}");
        assert_eq!(of(name)["best"], of("whole")["best"], "{name}");
    }
}

#[test]
fn a_source_that_does_not_fit_is_refused_before_anything_is_asked() {
    let (env, server) = with_alpha(Duration::ZERO);
    let before = server.requests().len();
    let complaint = |source: &str| {
        let line = "run colours --seed 2 --max-calls 160 --name beta --reuse";
        let complaint = env.complaint(&format!("{line} {source}"));
        assert!(!env.path("results/beta").exists(), "something was created: {complaint}");
        complaint
    };
    assert!(complaint("nothing").starts_with("exit 2\nerror: there is no run `nothing` under"));
    // Other rows, another model, another server.
    env.write(
        "other/task.toml",
        &env.read("colours/task.toml").replace("\"colours\"", "\"other\""),
    );
    env.write("other/rows.jsonl", &env.read("colours/rows.jsonl").replace("Tile", "Plate"));
    env.run("run other --name plates --max-calls 60 --quiet").ok();
    insta::assert_snapshot!(complaint("plates"), @r"
    exit 3
    error: the answers of the run `plates` cannot be reused: it asked none of the rows of train and dev of this task
      try: name another run with --reuse, or none: then all rows are asked
    ");
    let task = env.read("colours/task.toml");
    env.edit("colours/task.toml", "\"local/clerk\"", "\"sim/clerk\"");
    insta::assert_snapshot!(complaint("alpha"), @r"
    exit 3
    error: the answers of the run `alpha` cannot be reused: its task model was `local/clerk`, and is `sim/clerk` here
      try: name another run with --reuse, or none: then all rows are asked
    ");
    env.write("colours/task.toml", &task);
    env.edit("colours/task.toml", &server.base_url(), "http://127.0.0.1:9");
    let told = complaint("alpha");
    assert!(told.contains("it asked its model otherwise: `providers.local.base_url`"), "{told}");
    env.write("colours/task.toml", &task);
    // Damage.
    let events = env.read("results/alpha/events.jsonl");
    let damaged = events.replacen("\"answered\"", "\"answ\"", 1);
    env.write("results/alpha/events.jsonl", &damaged);
    let told = complaint("alpha");
    assert!(told.starts_with("exit 3") && told.contains("cannot be reused"), "{told}");
    env.write("results/alpha/events.jsonl", &events);
    env.edit("results/alpha/run.json", "\"seed\": 1", "\"seed\": 7");
    insta::assert_snapshot!(complaint("alpha"), @r"
    exit 3
    error: the answers of the run `alpha` cannot be reused: its run.json has changed
      try: name another run with --reuse, or none: then all rows are asked
    ");
    env.edit("results/alpha/run.json", "\"seed\": 7", "\"seed\": 1");
    // What only held-out rows were asked has nothing to give.
    std::fs::write(
        env.path("results/alpha/events.jsonl"),
        events.lines().next().unwrap().to_owned() + "\n",
    )
    .unwrap();
    insta::assert_snapshot!(complaint("alpha"), @r"
    exit 3
    error: the answers of the run `alpha` cannot be reused: it has no answers to rows of train or dev
      try: name another run with --reuse, or none: then all rows are asked
    ");
    let asked: Vec<usize> = server.requests()[before..].iter().map(tile).collect();
    assert!(asked.len() <= 60, "only the run of the other task asked: {}", asked.len());
}
