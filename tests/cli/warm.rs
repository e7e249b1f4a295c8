//! A search that starts from the prompts of an earlier run.

use crate::env::{TestEnv, colour_rows};
use crate::server::{Server, says, tile};
use serde_json::Value;

/// Every change of the prompt helps. `alpha` found one.
fn with_alpha() -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        let right = tile(request) % 2;
        let is_baseline = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][if is_baseline { 1 - right } else { right }])
    });
    let env = TestEnv::with_server(&server, "");
    env.write("colours/rows.jsonl", &colour_rows(150));
    env.run("run colours --name alpha --max-calls 250 --quiet").ok();
    assert_eq!(env.json("results/alpha/summary.json")["confirmed"], true);
    (env, server)
}

/// The candidates that a run composed of what it was given.
fn given(env: &TestEnv, run: &str) -> Vec<Value> {
    let composed = env.events(run).into_iter().filter(|(kind, _)| kind == "candidate_composed");
    let added = composed.filter_map(|(_, event)| event["outcome"]["added"].as_object().cloned());
    let candidates = added.map(|added| added["candidate"].clone());
    candidates.filter(|candidate| candidate["operator"] == "prompts").collect()
}

#[test]
fn a_search_starts_from_the_winner_and_the_front_of_another() {
    let (env, _server) = with_alpha();
    let alpha = env.json("results/alpha/summary.json");
    let line = "run colours --max-calls 250 --warm alpha --name";
    let ran = env.run(&format!("{line} beta")).ok();
    let file = env.json("results/beta/run.json");
    assert_eq!(file["warm"]["run"], "alpha");
    let taken = file["warm"]["candidates"].as_array().unwrap().len();
    assert!(ran.stderr.contains("it starts from ") && ran.stderr.contains(" of alpha"));
    let found = given(&env, "beta");
    assert_eq!(found.len(), taken);
    assert_eq!(found[0]["id"], alpha["best"]["candidate"]);
    let text = serde_json::to_string(&alpha["best"]["prompt"]["system"]).unwrap();
    assert!(found[0]["prompt"].to_string().contains(&text), "{}", found[0]);
    // They come before anything that the mutator writes, and are tried and confirmed like all others.
    let beta = env.json("results/beta/summary.json");
    assert_eq!((&beta["confirmed"], &beta["baseline"]["dev"]["mean"]), (&true.into(), &0.0.into()));
    let explained = env.run("explain beta n1").ok().stdout;
    assert!(explained.contains("`prompts`"), "{explained}");
    // Every strategy can, also one that tries no more than what it is given; and with reused answers.
    let line = "run colours --max-calls 300 --quiet --warm alpha --reuse alpha";
    for strategy in ["gepa", "capo", "opro", "evoprompt-ga", "best-of-n", "ape"] {
        env.run(&format!("{line} --strategy {strategy} --name {strategy}")).ok();
        assert!(!given(&env, strategy).is_empty(), "{strategy}");
    }
    // A resume after a kill has the same prompts, without the run that they come from.
    let mut run = env.command(&format!("{line} --name killed")).spawn().unwrap();
    let events = env.path("results/killed/events.jsonl");
    while !std::fs::read_to_string(&events).unwrap_or_default().contains("candidate_composed") {
        assert!(run.try_wait().unwrap().is_none(), "it was over before its kill");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    std::fs::rename(env.path("results/alpha"), env.path("gone")).unwrap();
    env.run("resume killed --quiet").ok();
    assert_eq!(given(&env, "killed").len(), taken);
}

#[test]
fn a_row_that_is_held_out_now_and_was_seen_then_is_refused_for_descendants_too() {
    let (env, server) = with_alpha();
    env.run("run colours --max-calls 250 --quiet --warm alpha --name beta").ok();
    let before = server.requests().len();
    let complaint = |source: &str| {
        let line = format!("run colours --max-calls 250 --name gamma --warm {source}");
        let complaint = env.complaint(&line);
        assert!(!env.path("results/gamma").exists(), "something was created: {complaint}");
        complaint
    };
    // New rows under the old split are no reason: all that was held out still is, and no other row was seen.
    let rows = env.read("colours/rows.jsonl");
    let more = colour_rows(200).lines().skip(150).map(|row| format!("{row}\n")).collect::<String>();
    env.write("colours/rows.jsonl", &(rows.clone() + &more));
    let task = env.read("colours/task.toml");
    env.edit("colours/task.toml", "name = \"colours\"", "name = \"shades\"");
    let told = complaint("alpha");
    assert!(told.contains("it is of the task `colours`, and this one is `shades`"), "{told}");
    env.write("colours/task.toml", &task);
    // Another split holds out what was seen: of the run itself, and of the one that it started from.
    env.edit(
        "colours/task.toml",
        "train = 0.4, dev = 0.3, hold = 0.3",
        "train = 0.2, dev = 0.2, hold = 0.6",
    );
    for source in ["alpha", "beta"] {
        let told = complaint(source);
        assert!(
            told.starts_with("exit 3") && told.contains("rows that are held out now were"),
            "{told}"
        );
    }
    // A descendant that saw none of them itself is refused for its ancestor's sake.
    let seen = env.read("results/beta/seen_rows.json");
    let own: Value = serde_json::from_str(&seen).unwrap();
    let of_alpha = env.json("results/alpha/seen_rows.json");
    let known = |rows: &Value| rows["rows"].as_array().unwrap().clone();
    assert!(known(&of_alpha).iter().all(|row| known(&own).contains(row)));
    env.write("colours/rows.jsonl", &rows);
    // An edited file hides nothing; nor does one with a new hash in `run.json`, which the journal has a hash of.
    let file = env.read("results/beta/run.json");
    let pinned: Value = serde_json::from_str(&file).unwrap();
    let honest = env.read("results/beta/seen_rows.json");
    env.write("results/beta/seen_rows.json", "{\"schema\":1,\"rows\":[]}");
    assert!(complaint("beta").contains("its seen_rows.json has changed since"));
    for (from, to) in [
        ("\"seen\": ".to_owned(), "\"unseen\": ".to_owned()),
        (
            pinned["seen"].to_string(),
            "\"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262\"".to_owned(),
        ),
        ("\"warm\": {".to_owned(), "\"cold\": {".to_owned()),
    ] {
        env.edit("results/beta/run.json", &from, &to);
        let told = complaint("beta");
        assert!(told.contains("run.json has changed since the run `beta`"), "{told}");
        env.write("results/beta/run.json", &file);
    }
    env.write("results/beta/seen_rows.json", &honest);
    env.write("colours/task.toml", &task);
    // What cannot be known is refused; so is what is no search, and what has nothing to give.
    std::fs::remove_file(env.path("results/beta/seen_rows.json")).unwrap();
    insta::assert_snapshot!(complaint("beta"), @r"
    exit 3
    error: no search can start from the prompts of the run `beta`: its seen_rows.json is missing, so it is not known which rows it saw
      try: name another run with --warm; or none: then the search starts from the task's own prompt
    ");
    env.run("eval colours --quiet").ok();
    let told = complaint("colours-eval");
    assert!(told.contains("it is an evaluation, which tries one prompt"), "{told}");
    assert!(complaint("nothing").starts_with("exit 2\nerror: there is no run `nothing`"));
    let asked = server.requests().len() - before;
    assert!(asked <= 60, "only the evaluation asked: {asked}");
}

/// The prompts were chosen with looks at held-out rows: who starts from them elsewhere has these looks to count.
#[test]
fn looks_come_along_from_another_results_folder() {
    let (env, server) = with_alpha();
    let line = "run colours --max-calls 250 --out other --warm results/alpha --name";
    let looks = |folder: &str| {
        let text = env.read(&format!("{folder}/looks.jsonl"));
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let looks = lines.filter_map(|line| line.get("look").cloned());
        looks.map(|it| (it["run"].clone(), it["number"].clone())).collect::<Vec<_>>()
    };
    let before = server.requests().len();
    let ledger = env.read("results/looks.jsonl");
    std::fs::remove_file(env.path("results/looks.jsonl")).unwrap();
    insta::assert_snapshot!(env.complaint(&format!("{line} beta")), @r"
    exit 3
    error: no search can start from the prompts of the run `alpha`: it has looked at held-out rows, and the file looks.jsonl that counts these looks is not beside its folder; put it there
      try: name another run with --warm; or none: then the search starts from the task's own prompt
    ");
    assert!(!env.path("other").exists() && server.requests().len() == before);
    env.write("results/looks.jsonl", &ledger);
    let told = env.run(&format!("{line} beta")).ok();
    assert_eq!(looks("other"), [("alpha".into(), 1.into()), ("beta".into(), 2.into())]);
    assert!(told.stdout.contains("look 2"), "{}", told.stdout);
    // Once, and over folders in between.
    env.run(&format!("{line} gamma --quiet")).ok();
    assert_eq!(looks("other").len(), 3);
    env.run("run colours --max-calls 250 --out third --warm other/beta --name delta --quiet").ok();
    assert_eq!(looks("third").last().unwrap(), &("delta".into(), 4.into()));
    assert_eq!(looks("results").len(), 1, "what was there stays as it was");
}
