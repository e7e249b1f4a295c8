//! Looks at held-out rows, counted over the runs of a results folder.

use crate::env::{TestEnv, colour_rows};
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};
use std::time::{Duration, Instant};

/// A task whose baseline is always wrong and any other prompt right, in a repository.
fn colours() -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        let is_baseline = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][(tile(request) + usize::from(is_baseline)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    colours_repository(&env);
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
        let interval =
            if of == "gain" { &summary["gain"] } else { &summary["claims"][0][of]["interval"] };
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
    assert!(!env.path("results/two").exists(), "nothing was created");
    env.run("run colours --name two --max-calls 250 --quiet").ok();
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

/// A task whose prompts are right on most rows, each on others, and the baseline on a third of them.
fn varied(pause: Duration) -> (TestEnv, Server) {
    let server = Server::start(move |_, request| {
        std::thread::sleep(pause);
        let (prompt, number) = (request.content("system"), tile(request));
        let sum: usize = prompt.bytes().map(usize::from).sum();
        let is_right = match prompt == "Answer warm or cold." {
            true => number.is_multiple_of(3),
            false => !(number + sum).is_multiple_of(6),
        };
        says(["warm", "cold"][(number + usize::from(!is_right)) % 2])
    });
    let env = TestEnv::with_server(&server, "");
    colours_repository(&env);
    env.run("run colours --name one --strategy random --max-calls 300 --quiet").ok();
    (env, server)
}

/// Two candidates of the run that did not win.
fn two_others(env: &TestEnv) -> String {
    let events = env.events("one");
    let winner =
        events.iter().find(|(kind, _)| kind == "winner_chosen").unwrap().1["candidate"].clone();
    let others = (1..=3).filter(|number| winner != *number).take(2);
    others.map(|number| format!("n{number}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn candidates_of_a_finished_run_are_confirmed_as_one_look_that_they_share() {
    let (env, server) = varied(Duration::ZERO);
    let (first, others) = (env.json("results/one/summary.json"), two_others(&env));
    let asked = || server.requests().len();
    let before = asked();
    // Its caps are used up.
    let refused = env.run(&format!("confirm one {others}")).exits(2).stderr;
    assert!(refused.contains("give it more: `--max-calls "), "{refused}");
    for (names, why) in [
        ("baseline", "0 candidates beside the baseline are named"),
        ("n99", "there is no candidate #99"),
    ] {
        let ran = env.run(&format!("confirm one {names} --max-calls 500")).exits(2);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
    assert_eq!((asked(), looks(&env).len()), (before, 1));

    let line = format!("confirm one {others} baseline --max-calls 420");
    let told = env.run(&format!("{line} --json")).ok().json();
    assert_eq!(asked(), before + 2 * 45, "the baseline's answers are there");
    assert_eq!((&told["look"]["number"], &told["rows"]), (&2.into(), &45.into()));
    let family = told["candidates"].as_array().unwrap();
    assert_eq!(family.len(), 3, "the winner is one of them");
    assert_eq!(family.iter().filter(|it| it["asked"] == true).count(), 2);
    for candidate in family {
        assert_eq!(
            (&candidate["hold"]["n"], &candidate["confirmed"]),
            (&45.into(), &true.into()),
            "{candidate}"
        );
        let (p, adjusted) = (&candidate["gain"]["p_value"], &candidate["p_adjusted"]);
        assert!(adjusted.as_f64() >= p.as_f64(), "{candidate}");
        let tested = &candidate["claims"][0]["tested"]["interval"];
        assert!(tested["low"].as_f64() < candidate["gain"]["low"].as_f64(), "{candidate}");
    }
    // What the run had shown stands, and the same again is no further look.
    let second = env.json("results/one/summary.json");
    for key in ["confirmed", "gain", "best", "recommended", "look"] {
        assert_eq!(second[key], first[key], "{key}");
    }
    assert_eq!(env.run(&format!("{line} --json")).ok().json(), told);
    assert_eq!((asked(), names(&looks(&env))), (before + 90, vec![("one", 1), ("one", 2)]));
    let table = env.run(&line).ok().stdout;
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    assert!(table.contains("look 2: 0.83 % one-sided, which they share by Holm's rule"), "{table}");
    let status = one_line(&env.run("status one").ok().stdout);
    assert!(status.contains("Compared on 45 held-out rows afterwards, at look 2: n"), "{status}");

    // It is exported with its own evidence, which a gate can verify.
    let chosen = family.iter().find(|it| it["asked"] == true).unwrap();
    let id = chosen["candidate"].as_str().unwrap();
    let line = format!("export one --candidate {id} --to . --path p.md --branch prompts");
    let body = one_line(&env.run(&format!("{line} --pr-body --quiet")).ok().stdout);
    // No figure of the winner stands there.
    assert!(body.contains("Better by +") && !body.contains("corrected for selection"), "{body}");
    assert!(!body.contains("left out"), "{body}");
    git(&env, ".", "checkout --quiet prompts");
    let message = git(&env, ".", "log -1 --format=%B");
    let held_out = format!(
        "this prompt {:.1} % (",
        chosen["hold"]["mean"].as_f64().unwrap_or_default() * 100.0
    );
    assert!(message.contains(&held_out), "{message}");
    let evidence = env.json("p.evidence.json");
    assert_eq!(
        (&evidence["status"], &evidence["candidate"]),
        (&"confirmed".into(), &chosen["candidate"])
    );
    for key in ["gain", "claims", "held_out_cost"] {
        assert_eq!(evidence[key], chosen[key], "{key}");
    }
    assert_eq!(
        (&evidence["best"]["candidate"], &evidence["look"]["number"]),
        (&chosen["candidate"], &2.into())
    );
    assert_eq!(evidence["rows"].as_array().unwrap().len(), 45);
    env.run("verify p.md --quiet --tolerance 0.1").ok();
    assert_eq!(looks(&env).len(), 2);
}

/// Time cuts a look short. The next one asks the rest, and changes nothing of what the first had shown.
#[test]
fn a_look_that_time_cut_short_keeps_what_it_showed() {
    let (env, _server) = varied(Duration::from_millis(50));
    let others = two_others(&env);
    let one = others.split(' ').next().unwrap();
    let shown = || env.json("results/one/summary.json")["confirmations"].clone();
    env.run(&format!("confirm one {one} --max-calls 600 --for 1s --concurrency 1 --quiet")).ok();
    let first = shown()[0].clone();
    let rows = |family: &serde_json::Value| {
        let asked = family["candidates"].as_array().unwrap().iter();
        asked.filter(|it| it["asked"] == true).map(|it| it["hold"]["n"].as_u64().unwrap_or(0)).min()
    };
    assert!(rows(&first) < Some(45), "{first}");
    env.run(&format!("confirm one {others} --max-calls 600 --for 5m --quiet")).ok();
    let both = shown();
    assert_eq!(both[0], first, "a later look changed an earlier one");
    assert_eq!(rows(&both[1]), Some(45), "{}", both[1]);
    let number = |family: &serde_json::Value| family["look"]["number"].as_u64().unwrap();
    assert!(number(&both[1]) > number(&both[0]));
    // What was cut short is asked again, and that is a look of its own.
    let before = looks(&env).len();
    env.run(&format!("confirm one {others} --max-calls 600 --for 5m --quiet")).ok();
    assert_eq!(looks(&env).len(), before, "all of it is there");
}

#[test]
fn a_confirmation_that_was_killed_goes_on_and_pays_for_nothing_twice() {
    let (env, server) = varied(Duration::from_millis(10));
    let (first, others) = (env.json("results/one/summary.json"), two_others(&env));
    let before = server.requests().len();
    let line = format!("confirm one {others} --max-calls 420 --concurrency 2");
    let mut killed = env.command(&format!("{line} --quiet")).spawn().unwrap();
    let start = Instant::now();
    while server.requests().len() < before + 30 {
        assert!(start.elapsed() < Duration::from_secs(60), "it asks nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let status = env.run("status one --json").ok().json();
    assert_eq!((&status["confirmed"], &status["gain"]), (&first["confirmed"], &first["gain"]));
    // What is not over is no evidence.
    assert!(status["confirmations"].as_array().is_none_or(Vec::is_empty), "{status}");
    let id = |number: u32| {
        let told = env.run(&format!("explain one n{number} --json")).ok().json();
        told["candidate"]["id"].as_str().unwrap().to_owned()
    };
    let number = others.split(' ').next().unwrap().trim_start_matches('n').parse().unwrap();
    let line_of_export =
        format!("export one --candidate {} --to . --path p.md --branch early --json", id(number));
    assert_eq!(env.run(&line_of_export).ok().json()["status"], "chosen by hand");
    let told = env.run(&format!("{line} --json")).ok().json();
    assert_eq!(
        (&told["look"]["number"], &told["candidates"][1]["hold"]["n"]),
        (&2.into(), &45.into())
    );
    let asked = server.requests().len() - before;
    assert!((90..=94).contains(&asked), "{asked}: what was in flight is asked again");
    assert_eq!(names(&looks(&env)), [("one", 1), ("one", 2)]);
    let kinds: Vec<String> = env.events("one").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "confirmation_asked").count(), 1);
}

#[test]
fn a_link_in_place_of_the_count_is_refused_before_anything_is_paid_for() {
    let (env, server) = colours();
    env.run("run colours --name one --max-calls 250 --quiet").ok();
    let whole = env.read("results/looks.jsonl");
    env.write("precious.txt", "what has no end of line");
    std::fs::remove_file(env.path("results/looks.jsonl")).unwrap();
    std::os::unix::fs::symlink(env.path("precious.txt"), env.path("results/looks.jsonl")).unwrap();
    let asked = server.requests().len();
    for command in
        ["run colours --name two --max-calls 250", "eval colours --split hold", "plan colours"]
    {
        let ran = env.run(command).exits(3);
        assert!(ran.stderr.contains("looks.jsonl` is a link"), "{command}: {}", ran.stderr);
    }
    assert_eq!(server.requests().len(), asked);
    assert_eq!(env.read("precious.txt"), "what has no end of line");
    // A pipe would be waited for.
    std::fs::remove_file(env.path("results/looks.jsonl")).unwrap();
    assert!(env.program("mkfifo").arg("results/looks.jsonl").status().unwrap().success());
    env.run("run colours --name three --max-calls 250").exits(3);
    std::fs::remove_file(env.path("results/looks.jsonl")).unwrap();
    // One that cannot be written is found before, too; root may write any file.
    env.write("results/looks.jsonl", &whole);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn looks_that_the_count_has_lost_are_put_back_from_the_journals() {
    let (env, _server) = colours();
    env.run("run colours --name one --max-calls 250 --quiet").ok();
    env.run("run colours --name two --seed 2 --max-calls 250 --quiet").ok();
    let whole = env.read("results/looks.jsonl");
    let cut = whole.lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    for (place, text) in [None, Some(""), Some(&cut)].into_iter().enumerate() {
        match text {
            None => std::fs::remove_file(env.path("results/looks.jsonl")).unwrap(),
            Some(text) => env.write("results/looks.jsonl", text),
        }
        env.run(&format!("run colours --name next --seed {} --max-calls 250 --quiet", 3 + place))
            .ok();
        assert_eq!(env.json("results/next/summary.json")["look"]["number"], 3, "{text:?}");
        assert_eq!(names(&looks(&env)), [("one", 1), ("two", 2), ("next", 3)]);
        std::fs::remove_dir_all(env.path("results/next")).unwrap();
    }
    // One whose run is gone, too, is known by the number of the one after it.
    std::fs::remove_file(env.path("results/looks.jsonl")).unwrap();
    std::fs::remove_dir_all(env.path("results/one")).unwrap();
    env.run("run colours --name next --seed 9 --max-calls 250 --quiet").ok();
    assert_eq!(env.json("results/next/summary.json")["look"]["number"], 3);
}
