//! Looks at held-out rows, counted over the runs of a results folder.

use crate::env::{TestEnv, colour_rows};
use crate::export::git;
use crate::server::{Server, says, tile};

/// A task whose baseline is always wrong and any other prompt right, in a repository.
fn colours() -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        let is_baseline = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][(tile(request) + usize::from(is_baseline)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    env.write("colours/rows.jsonl", &colour_rows(150));
    git(&env, ".", "init --quiet --initial-branch main");
    git(&env, ".", "config user.name Tester");
    git(&env, ".", "config user.email tester@example.org");
    git(&env, ".", "add colours");
    git(&env, ".", "commit --quiet -m Begin");
    (env, server)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn looks(env: &TestEnv) -> Vec<(String, u64)> {
    let lines = env.read("results/looks.jsonl");
    let facts = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    facts
        .filter_map(|fact| {
            let look = fact.get("look")?;
            Some((look["run"].as_str()?.to_owned(), look["number"].as_u64()?))
        })
        .collect()
}

fn names(looks: &[(String, u64)]) -> Vec<(&str, u64)> {
    looks.iter().map(|(run, number)| (run.split("-eval-").last().unwrap(), *number)).collect()
}

#[test]
fn every_look_at_held_out_rows_is_counted_over_the_runs_of_a_folder() {
    let (env, server) = colours();
    let plan = || env.run("plan colours --json").ok().json()["held_out_looks"].clone();
    let fresh = plan();
    assert_eq!((&fresh["earlier"], &fresh["next"]["number"]), (&0.into(), &1.into()));
    env.run("run colours --name one --max-calls 250 --quiet").ok();
    let first = env.json("results/one/summary.json");
    assert_eq!((&first["confirmed"], &first["look"]), (&true.into(), &serde_json::Value::Null));
    // It was counted before a held-out row was asked.
    let events = env.events("one");
    let place = |is: &dyn Fn(&str, &serde_json::Value) -> bool| {
        events.iter().position(|(kind, event)| is(kind, event)).unwrap()
    };
    let taken = place(&|kind, _| kind == "look_taken");
    assert!(taken < place(&|kind, event| kind == "evaluation_issued" && event["split"] == "hold"));

    let ran = env.run("run colours --name two --seed 2 --max-calls 250").ok();
    let text = one_line(&ran.stdout);
    assert!(text.contains("This is look 2 at these held-out rows"), "{text}");
    assert!(text.contains("; at the 0.83 % of this look +"), "{text}");
    let second = env.json("results/two/summary.json");
    assert_eq!(second["look"]["number"], 2);
    let low = |summary: &serde_json::Value, of: &str| {
        let interval = if of == "gain" { &summary["gain"] } else { &summary["claims"][0][of] };
        interval["low"].as_f64()
    };
    assert!(low(&second, "tested") < low(&second, "gain"), "{second}");
    assert_eq!((low(&first, "tested"), low(&first, "gain")), (None, low(&second, "gain")));

    let eval = env.run("eval colours --split hold --json").ok().json();
    assert_eq!(eval["held_out_looks"], 3);
    let again = env.run("eval colours --split hold").ok().stdout;
    assert!(again.contains("included, 3 times: the next claim on them is look 4"), "{again}");
    assert_eq!(
        env.run("eval colours --split dev --json").ok().json()["held_out_looks"],
        serde_json::Value::Null
    );
    let before = looks(&env);
    assert_eq!(names(&before)[..2], [("one", 1), ("two", 2)]);

    // What selects nothing is no look, and neither is a resume.
    env.run("export two --to . --path prompts/route.md --branch prompts --quiet").ok();
    git(&env, ".", "checkout --quiet prompts");
    let evidence = env.json("prompts/route.evidence.json");
    assert_eq!(evidence["look"]["number"], 2, "{evidence}");
    env.run("verify prompts/route.md --quiet --tolerance 0.1").ok();
    env.run("resume two --quiet").ok();
    assert_eq!(looks(&env), before);
    let told = env.run("plan colours").ok().stdout;
    let told = one_line(&told);
    assert!(told.contains("3 earlier looks at the held-out rows (latest first: "), "{told}");
    assert!(
        told.contains("the next claim on them is look 4, tested at 0.25 % one-sided"),
        "{told}"
    );
    assert!(plan()["smallest_gain"].as_f64() > fresh["smallest_gain"].as_f64());
    assert!(!told.contains("fresh held-out rows"));

    // Prompts in files are looks of their own, until fresh rows are asked for.
    for number in 4..=6 {
        env.write("prompt.md", &format!("Say warm or cold, attempt {number}."));
        env.run("eval colours --prompt prompt.md --split hold --quiet").ok();
    }
    let told = one_line(&env.run("plan colours").ok().stdout);
    assert!(told.contains("claim at look 7 needs 2.0 times the rows"), "{told}");
    drop(server);
}

#[test]
fn a_look_that_a_kill_hid_from_its_run_keeps_its_number() {
    let (env, _server) = colours();
    env.run("run colours --name one --max-calls 250 --quiet").ok();
    env.run("run colours --name two --seed 2 --max-calls 250 --quiet").ok();
    // The first run's journal is lost, but for its beginning.
    let (first, file) = (env.json("results/one/summary.json"), env.read("results/one/run.json"));
    std::fs::remove_dir_all(env.path("results/one")).unwrap();
    env.write("results/one/run.json", &file);
    env.run("resume one --quiet").ok();
    let again = env.json("results/one/summary.json");
    assert_eq!(
        (&again["best"]["candidate"], &again["look"]),
        (&first["best"]["candidate"], &first["look"])
    );
    assert_eq!(names(&looks(&env)), [("one", 1), ("two", 2)]);
}

#[test]
fn a_damaged_count_stops_a_run_before_it_spends_anything() {
    let (env, server) = colours();
    env.run("run colours --name one --max-calls 250 --quiet").ok();
    let whole = env.read("results/looks.jsonl");
    env.write("results/looks.jsonl", &format!("nonsense\n{whole}"));
    let asked = server.requests().len();
    for command in
        ["plan colours", "run colours --name two --max-calls 250", "eval colours --split hold"]
    {
        let ran = env.run(command).exits(3);
        assert!(ran.stderr.contains("results/looks.jsonl: line 1: "), "{command}: {}", ran.stderr);
        assert!(ran.stderr.contains("put an intact copy of the file back"), "{}", ran.stderr);
    }
    assert_eq!(server.requests().len(), asked);
    // A finished run is shown without it.
    env.run("status one").ok();
    env.write("results/looks.jsonl", &whole);
    env.run("resume two --quiet").ok();
    assert_eq!(env.json("results/two/summary.json")["look"]["number"], 2);
}

#[test]
fn recorded_answers_to_held_out_rows_are_a_look_when_these_rows_are_named() {
    let (env, _server) = colours();
    let rows = colour_rows(150);
    let answers: String = rows
        .lines()
        .map(|row| {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            format!("{}\n", serde_json::json!({"id": row["id"], "said": "warm"}))
        })
        .collect();
    env.write("answers.jsonl", &answers);
    let eval = |split: &str| {
        let line = format!("eval colours --answers answers.jsonl --column said --json {split}");
        env.run(&line).ok().json()["held_out_looks"].clone()
    };
    assert_eq!(eval(""), serde_json::Value::Null);
    assert!(!env.path("results/looks.jsonl").exists());
    assert_eq!((eval("--split hold"), eval("--split hold")), (1.into(), 1.into()));
}
