//! `rows`: what a prompt answered, row by row, and what the answers have in common.

use crate::commands::type_at;
use crate::env::TestEnv;
use crate::server::{Reply, Request, Server, says, tile};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// The baseline takes every third tile for the other; another prompt gets all right, but for every seventh, which it
/// calls by a name that is no label.
fn clerk(request: &Request) -> Reply {
    let (number, is_baseline) =
        (tile(request), request.content("system") == "Answer warm or cold.");
    let right = number % 2;
    match (is_baseline && number.is_multiple_of(3), !is_baseline && number.is_multiple_of(7)) {
        (true, _) => says(["warm", "cold"][1 - right]),
        (_, true) => says("lime"),
        _ => says(["warm", "cold"][right]),
    }
}

fn right_answer(number: usize) -> Value {
    json!(["warm", "cold"][number % 2])
}

/// Sixty rows that have a size.
fn tiles(answer: impl Fn(usize) -> Value) -> String {
    let row = |number: usize| {
        let size = if number.is_multiple_of(4) { "large" } else { "small" };
        json!({"id": format!("r{number}"), "input": format!("Tile {number} of shade {}.", number * 31 % 97),
               "size": size, "answer": answer(number)})
        .to_string()
            + "\n"
    };
    (1..=60).map(row).collect()
}

/// A finished search.
fn searched() -> (Server, TestEnv) {
    let server = Server::start(|_, request| clerk(request));
    let mut env = TestEnv::with_server(&server, "");
    env.set("COLUMNS", "80");
    env.write("colours/rows.jsonl", &tiles(right_answer));
    env.run("run colours --name one --max-calls 240 --quiet").ok();
    (server, env)
}

/// A finished evaluation with these scorers, and its name.
fn evaluated(
    scores: &str,
    flags: &str,
    answer: impl Fn(usize) -> Value,
    clerk: impl Fn(usize) -> String + Send + Sync + 'static,
) -> (Server, TestEnv, String) {
    let server = Server::start(move |_, request| says(&clerk(tile(request))));
    let mut env = TestEnv::with_server(&server, "");
    env.set("COLUMNS", "80");
    env.write("colours/rows.jsonl", &tiles(answer));
    env.edit("colours/task.toml", "kind = \"label\"\nlabels = [\"warm\", \"cold\"]\n", scores);
    env.run(&format!("eval colours --quiet {flags}")).ok();
    let run = env.run("list --json").ok().json()[0]["run"].as_str().unwrap().to_owned();
    assert!(run.starts_with("colours-eval-"), "{run}");
    (server, env, run)
}

const LABELS: &str = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]\n";

fn shown(env: &TestEnv, line: &str) -> Value {
    env.run(&format!("rows one {line} --json")).ok().json()
}

fn list(rows: &Value, name: &str) -> Vec<Value> {
    rows[name].as_array().unwrap().clone()
}

#[test]
fn the_rows_of_a_prompt_are_those_of_the_summary() {
    let (_server, env) = searched();
    let summary = env.json("results/one/summary.json");
    for (candidate, side) in [("baseline", "baseline"), ("best", "best")] {
        let rows = shown(&env, candidate);
        assert_eq!(rows["candidate"], summary[side]["candidate"], "{rows:#}");
        assert_eq!(rows["all"]["score"], summary[side]["dev"], "{candidate}");
        let all = list(&rows, "rows");
        assert_eq!(json!(all.len()), rows["all"]["rows"]);
        for row in &all {
            let number: usize = row["id"].as_str().unwrap()[1..].parse().unwrap();
            let right = ["warm", "cold"][number % 2];
            assert_eq!(row["expected"], right);
            assert_eq!(row["score"], json!(f64::from(u8::from(row["answer"] == right))), "{row}");
            assert_eq!(row["invalid"].is_string(), row["answer"] == "lime", "{row}");
            assert_eq!(row["completion_tokens"], 2);
        }
        let lines: Vec<u64> = all.iter().map(|row| row["line"].as_u64().unwrap()).collect();
        assert!(lines.is_sorted(), "not in the order of the data: {lines:?}");
    }
    assert_ne!(shown(&env, "best")["candidate"], shown(&env, "baseline")["candidate"]);
}

#[test]
fn the_interval_of_graded_scores_is_that_of_the_summary() {
    let scores = format!("{LABELS}\n[[score]]\nkind = \"equals\"\nweight = 0.37\n");
    // A third of the answers is right for the label alone, and a third is wrong.
    let clerk = |number: usize| {
        let answer = ["warm", "cold"][number % 2];
        match number % 3 {
            0 => "lime".to_owned(),
            1 => format!("It is {answer}."),
            _ => answer.to_owned(),
        }
    };
    let (_server, env, run) = evaluated(&scores, "--split all", right_answer, clerk);
    let rows = env.run(&format!("rows {run} --json")).ok().json();
    let dev = &env.json(&format!("results/{run}/summary.json"))["baseline"]["dev"];
    let is_graded = |row: &Value| row["score"] != 0.0 && row["score"] != 1.0;
    assert!(list(&rows, "rows").iter().any(is_graded), "{rows:#}");
    assert_eq!(&rows["all"]["score"], dev);
}

#[test]
fn rows_are_filtered_and_counted_by_label_and_column() {
    let (_server, env) = searched();
    let all = shown(&env, "best --by size");
    let of = |line: &str| list(&shown(&env, line), "rows");
    let (count, correct) =
        (all["all"]["rows"].as_u64().unwrap(), all["all"]["correct"].as_u64().unwrap());
    let wrong = of("best --wrong");
    assert_eq!(wrong.len() as u64, count - correct);
    assert!(!wrong.is_empty() && wrong.iter().all(|row| row["answer"] == "lime"));
    let changed = of("best --changed");
    assert!(!changed.is_empty());
    assert!(changed.iter().all(|row| row["baseline"]["score"] != row["score"]));
    let confusions = list(&all, "confusions");
    let sum = |is: &dyn Fn(&Value) -> bool| -> u64 {
        confusions.iter().filter(|it| is(it)).map(|it| it["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((sum(&|_| true), sum(&|it| it["expected"] == it["predicted"])), (count, correct));
    assert_eq!(sum(&|it| it["predicted"].is_null()), count - correct);
    let slices = list(&all, "slices");
    assert_eq!(slices.iter().map(|it| it["rows"].as_u64().unwrap()).sum::<u64>(), count);
    assert_eq!(slices.iter().map(|it| &it["value"]).collect::<Vec<_>>(), ["small", "large"]);
    for label in list(&all, "labels") {
        let kept = confusions
            .iter()
            .find(|it| it["expected"] == label["label"] && it["predicted"] == label["label"]);
        let share = kept.unwrap()["count"].as_f64().unwrap() / label["support"].as_f64().unwrap();
        assert_eq!(label["recall"]["mean"], json!(share), "{label}");
        // However it is spelled, the label shows the rows that the table counts.
        let name = label["label"].as_str().unwrap();
        for spelled in [name.to_owned(), format!(" {} ", name.to_uppercase())] {
            let ran = env.run_with("rows one best --json --label", &[&spelled]).ok().json();
            let rows = list(&ran, "rows");
            assert_eq!(json!(rows.len()), label["support"], "{spelled:?}");
            assert!(rows.iter().all(|row| row["label"] == label["label"]), "{rows:?}");
        }
    }
}

#[test]
fn a_prompt_is_compared_with_the_baseline_row_by_row() {
    let (_server, env) = searched();
    let found = shown(&env, "best --by size");
    let rows = list(&found, "rows");
    let check = |paired: &Value, is_of: &dyn Fn(&Value) -> bool| {
        let scores: Vec<(f64, f64)> = rows
            .iter()
            .filter(|row| is_of(row))
            .filter_map(|row| Some((row["baseline"]["score"].as_f64()?, row["score"].as_f64()?)))
            .collect();
        let count = scores.len() as f64;
        let mean = |it: f64| it / count;
        let near = |value: &Value, expected: f64| {
            assert!(
                (value.as_f64().unwrap() - expected).abs() < 1e-9,
                "{paired} is not {expected}"
            );
        };
        let (before, after): (Vec<f64>, Vec<f64>) = scores.iter().copied().unzip();
        near(&paired["rows"], count);
        near(&paired["mean"], mean(after.iter().sum()));
        near(&paired["baseline_mean"], mean(before.iter().sum()));
        let difference = mean(after.iter().sum::<f64>() - before.iter().sum::<f64>());
        near(&paired["difference"]["mean"], difference);
        near(&paired["better"], scores.iter().filter(|it| it.1 > it.0).count() as f64);
        near(&paired["worse"], scores.iter().filter(|it| it.1 < it.0).count() as f64);
        let ends = [&paired["difference"]["low"], &paired["difference"]["high"]];
        assert!(ends[0].as_f64().unwrap() < ends[1].as_f64().unwrap(), "{paired}");
    };
    check(&found["all"]["against_baseline"], &|_| true);
    for label in list(&found, "labels") {
        check(&label["against_baseline"], &|row| row["label"] == label["label"]);
    }
    let number = |row: &Value| row["id"].as_str().unwrap()[1..].parse::<usize>().unwrap();
    for slice in list(&found, "slices") {
        let is_large = slice["value"] == "large";
        check(&slice["against_baseline"], &|row| number(row).is_multiple_of(4) == is_large);
    }
    let of_baseline = shown(&env, "baseline");
    assert_eq!(of_baseline["all"]["against_baseline"], Value::Null, "{of_baseline:#}");
}

#[test]
fn the_labels_of_rows_are_their_right_answers() {
    // `extract` is for answers of models alone.
    let scores = format!("{LABELS}extract = \"answer: (.+)$\"\n");
    let clerk = |number: usize| format!("answer: {}", ["warm", "cold"][number % 2]);
    let (_server, env, run) = evaluated(&scores, "", right_answer, clerk);
    let rows = env.run(&format!("rows {run} --json")).ok().json();
    for label in list(&rows, "labels") {
        assert_ne!(label["support"], 0, "{label}");
        assert_eq!(
            (&label["recall"]["mean"], &label["precision"]["mean"]),
            (&json!(1.0), &json!(1.0))
        );
    }

    // Of several right answers each is right.
    let several = |number: usize| match number % 2 {
        0 => json!(["warm", "cold"]),
        _ => json!(["cold"]),
    };
    let scores = format!("{LABELS}any_of = true\n");
    let (_server, env, run) = evaluated(&scores, "", several, |_| "cold".to_owned());
    let rows = env.run(&format!("rows {run} --json")).ok().json();
    assert_eq!(rows["all"]["correct"], rows["all"]["rows"]);
    let all = &rows["all"]["rows"];
    assert_eq!(
        rows["confusions"],
        json!([{"expected": "cold", "predicted": "cold", "count": all}])
    );
    let other = list(&rows, "rows").into_iter().find(|row| row["also_right"] == json!(["cold"]));
    assert_eq!(other.unwrap()["expected"], "warm");
}

#[test]
fn held_out_rows_are_not_shown_and_mistakes_are_named() {
    let (_server, env) = searched();
    let ids = |split: &str| -> Vec<String> {
        let rows = shown(&env, &format!("baseline --split {split}"));
        list(&rows, "rows").iter().map(|row| row["id"].to_string()).collect()
    };
    let (dev, train) = (ids("dev"), ids("train"));
    assert!(dev.len() <= 18 && train.iter().all(|id| !dev.contains(id)), "{dev:?} {train:?}");
    for (line, says) in [
        ("best --split hold", "possible values: train, dev"),
        ("best --by siez", "did you mean `size`"),
        ("best --label wram", "did you mean `warm`"),
        ("best --label x", "known: warm, cold"),
        ("p0", "is a proposal, which was asked no row"),
        ("n99", "no candidate #99"),
        ("baseline --changed", "the baseline cannot be compared with a baseline"),
    ] {
        let told = env.run(&format!("rows one {line}")).exits(2).stderr;
        assert!(told.contains(says), "{line}: {told}");
    }
    let told = env.run("rows one zz").exits(2).stderr;
    assert!(told.contains("`n7`") && !told.contains("p12"), "{told}");
    assert!(env.run("explain one zz").exits(2).stderr.contains("p12"));
}

#[test]
fn an_evaluation_has_rows_of_the_split_that_it_asked() {
    let clerk = |number: usize| ["warm", "cold"][number % 2].to_owned();
    let (_server, env, run) = evaluated(LABELS, "--split hold", right_answer, clerk);
    let rows = env.run(&format!("rows {run} --json")).ok().json();
    assert_eq!((&rows["all"]["rows"], &rows["split"]), (&json!(18), &json!("hold")));
    assert_eq!(rows["prompt"], "evaluated");
    let text = env.run(&format!("rows {run} --limit 1")).ok().stdout;
    assert!(text.contains("the prompt (") && text.contains("all 18 rows of hold"), "{text}");
    assert!(!text.contains("baseline") && !text.contains("dev"), "{text}");
    let told = env.run(&format!("rows {run} --split dev")).exits(2).stderr;
    assert!(told.contains("this run evaluated the rows of `hold`"), "{told}");
    let told = env.run(&format!("rows {run} --changed")).exits(2).stderr;
    assert!(told.contains("the prompt cannot be compared"), "{told}");
    let text = env.run(&format!("rows {run} --wrong")).ok().stdout;
    assert!(text.contains("no row matches: not wholly right"), "{text}");
}

#[test]
fn programs_find_the_same_names_in_all_rows() {
    let (_server, env) = searched();
    let rows = shown(&env, "best --by size --wrong");
    for (path, expected) in [
        ("schema", "count"),
        ("run", "text"),
        ("model", "text"),
        ("candidate", "text"),
        ("candidate_number", "count"),
        ("prompt", "text"),
        ("split", "text"),
        ("split_rows", "count"),
        ("all.rows", "count"),
        ("all.correct", "count"),
        ("all.invalid", "count"),
        ("all.score.mean", "number"),
        ("all.score.low", "number"),
        ("all.score.high", "number"),
        ("all.against_baseline.rows", "count"),
        ("all.against_baseline.mean", "number"),
        ("all.against_baseline.baseline_mean", "number"),
        ("all.against_baseline.difference.mean", "number"),
        ("all.against_baseline.better", "count"),
        ("all.against_baseline.worse", "count"),
        ("without_baseline", "count"),
        ("labels.0.label", "text"),
        ("labels.0.support", "count"),
        ("labels.0.predicted", "count"),
        ("labels.0.recall.mean", "number"),
        ("labels.0.precision.mean", "number"),
        ("labels.0.against_baseline.difference.mean", "number"),
        ("confusions.0.expected", "text"),
        ("confusions.0.predicted", "null"),
        ("confusions.0.count", "count"),
        ("by", "text"),
        ("slices.0.value", "text"),
        ("slices.0.rows", "count"),
        ("slices.0.correct", "count"),
        ("slices.0.score.mean", "number"),
        ("slices.0.against_baseline.rows", "count"),
        ("filter.wrong", "bool"),
        ("filter.changed", "bool"),
        ("filter.label", "null"),
        ("rows.0.id", "text"),
        ("rows.0.line", "count"),
        ("rows.0.input", "text"),
        ("rows.0.expected", "text"),
        ("rows.0.also_right", "list"),
        ("rows.0.label", "text"),
        ("rows.0.predicted", "null"),
        ("rows.0.answer", "text"),
        ("rows.0.score", "number"),
        ("rows.0.change", "text"),
        ("rows.0.invalid", "text"),
        ("rows.0.feedback", "text"),
        ("rows.0.metrics", "table"),
        ("rows.0.usd", "number"),
        ("rows.0.prompt_tokens", "count"),
        ("rows.0.completion_tokens", "count"),
        ("rows.0.milliseconds", "count"),
        ("rows.0.baseline.answer", "text"),
        ("rows.0.baseline.score", "number"),
    ] {
        assert_eq!(type_at(&rows, path), expected, "{path}");
    }
}

/// A page without times.
fn lasting(text: &str) -> String {
    let timeless = |line: &str| -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let word = |place: usize| match words.get(place + 1) {
            Some(&"ms") => "[N]",
            _ => words[place],
        };
        (0..words.len()).map(word).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(timeless).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_it_looks_like() {
    let (_server, mut env) = searched();
    let text = env.run("rows one best --by size --limit 3 --changed").ok().stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_snapshot!(lasting(&text));
    assert_snapshot!(
        "wrong",
        lasting(&env.run("rows one baseline --wrong --label warm --limit 1").ok().stdout)
    );
    env.set("COLUMNS", "60");
    let text = env.run("rows one best --by size --limit 1").ok().stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    assert_snapshot!("narrow", lasting(&text));
}
