//! `ab`: prompts on the same rows, by answers that were recorded elsewhere, and by answers that are asked for until it is
//! decided.

use crate::answers;
use crate::env::{TestEnv, shared};
use crate::server::{Request, Server, says, tile};
use promptsearch::seed::Seed;
use promptsearch::stats::paired::mcnemar_exact;
use promptsearch::stats::{Decision, Level, SequentialTest};
use rand::Rng;
use rand::seq::SliceRandom;
use serde_json::Value;
use std::fmt::Write as _;

const TASK: &str = r#"name = "recorded"

[data]
file = "rows.csv"
columns = { answer = "expected" }

[prompt]
system = "Name the label."
user = "{{ text }}"
search = ["system"]

[models]
task = "openai/gpt-9"

[[score]]
kind = "equals"
"#;

const PROMPTS: [&str; 3] = ["baseline", "default", "confidence"];

/// A task whose rows are a file of the shared data, and whether each prompt is right, by row.
fn recorded(name: &str) -> Option<(TestEnv, Vec<[bool; 3]>)> {
    let file = shared(&format!("ab/{name}.csv"))?;
    let env = TestEnv::new();
    env.write("task/task.toml", TASK);
    std::fs::copy(&file, env.path("task/rows.csv")).unwrap();
    let mut reader = csv::Reader::from_path(file).unwrap();
    let head = reader.headers().unwrap().clone();
    let places = PROMPTS
        .map(|prompt| head.iter().position(|name| name == format!("{prompt}_correct")).unwrap());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        places.map(|place| &row[place] == "True")
    });
    let rows = rows.collect();
    Some((env, rows))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// What is said of the six pairs: the decision of all rows, that of each of them, and after how many.
#[test]
fn recorded_prompts_are_decided() {
    let mut found = String::new();
    for name in ["emotion", "ag_news"] {
        let Some((env, rows)) = recorded(name) else { return };
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let columns = |end: &str| format!("--a {}_{end} --b {}_{end}", PROMPTS[a], PROMPTS[b]);
            let line = "ab task --answers task/rows.csv --margin 0.02 --json";
            let told = env.run(&format!("{line} {}", columns("predicted"))).ok().json();
            // Of the recorded marks it says the same as of the answers.
            let marked = env.run(&format!("{line} --scored {}", columns("correct"))).ok().json();
            let [of_answers, of_marks] = [&told, &marked].map(|it| &it["comparisons"][0]);
            for field in ["decision", "rows", "better", "worse", "p_value", "sequential"] {
                assert_eq!(of_answers[field], of_marks[field], "{name} {field}");
            }
            let count = |is_it: &dyn Fn(&[bool; 3]) -> bool| {
                rows.iter().filter(|row| is_it(row)).count() as u64
            };
            for (place, prompt) in [a, b].into_iter().enumerate() {
                let share = count(&|row| row[prompt]) as f64 / rows.len() as f64;
                let mean = number(&told["prompts"][place]["quality"]["mean"]);
                assert!((mean - share).abs() < 1e-12, "{name} {}", PROMPTS[prompt]);
            }
            assert_eq!(of_answers["better"], count(&|row| row[b] && !row[a]), "{name}");
            assert_eq!(of_answers["worse"], count(&|row| row[a] && !row[b]), "{name}");
            let difference = &of_answers["difference"];
            let [mean, low, high] =
                ["mean", "low", "high"].map(|it| number(&difference[it]) * 100.0);
            let _ = writeln!(
                found,
                "{name}: {} less {} {mean:+.1} ({low:+.1} to {high:+.1}): {}; row by row {} after {}",
                PROMPTS[b],
                PROMPTS[a],
                of_answers["decision"],
                of_answers["sequential"]["decision"],
                of_answers["sequential"]["decided_after"],
            );
        }
    }
    insta::assert_snapshot!(found);
}

/// What is said of a chain of thought beside a direct answer, in nine published tasks.
#[test]
fn published_prompts_are_decided() {
    let mut found = String::new();
    for (name, rows, direct, cot) in answers::PUBLISHED {
        let Some(file) = shared(&format!("bbh/{name}.jsonl")) else { return };
        let env = TestEnv::new();
        env.write("task/task.toml", answers::TASK);
        std::fs::copy(&file, env.path("task/rows.jsonl")).unwrap();
        let line = "ab task --answers task/rows.jsonl --a direct --b cot --json";
        let told = env.run(line).ok().json();
        let compared = &told["comparisons"][0];
        assert_eq!(compared["rows"].as_u64(), Some(rows), "{name}");
        let difference = &compared["difference"];
        let [mean, low, high] = ["mean", "low", "high"].map(|it| number(&difference[it]) * 100.0);
        // The published accuracies are rounded.
        assert!((mean - (cot - direct)).abs() < 0.1 + 1e-9, "{name}: {mean}");
        let _ = writeln!(
            found,
            "{name}: {mean:+.1} ({low:+.1} to {high:+.1}): {}; row by row {} after {} of {rows}",
            compared["decision"],
            compared["sequential"]["decision"],
            compared["sequential"]["decided_after"],
        );
    }
    insta::assert_snapshot!(found);
}

/// Where no prompt is better than another one: the recorded rows with their sides drawn anew, in an order drawn anew, and
/// looked at after each. How often a p-value of at most 5 % is met on the way, and how often a verdict is.
#[test]
fn who_looks_at_p_values_is_often_wrong_and_row_by_row_it_is_rare() {
    const SHUFFLES: u64 = 1_000;
    let level = Level::FIRST.one_sided;
    for name in ["emotion", "ag_news"] {
        let Some((_, rows)) = recorded(name) else { return };
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let (mut naive, mut wrong) = (0, 0);
            for shuffle in 0..SHUFFLES {
                let mut rng = Seed(shuffle).child(name, (a * 3 + b) as u64).rng();
                let mut differences: Vec<f64> = rows
                    .iter()
                    .map(|row| f64::from(u8::from(row[b])) - f64::from(u8::from(row[a])))
                    .map(|it| if rng.random() { it } else { -it })
                    .collect();
                differences.shuffle(&mut rng);
                let (mut better, mut worse, mut is_shown) = (0, 0, false);
                let mut test = SequentialTest::new(level, None, 1.0);
                for difference in differences {
                    test.add(difference, 1.0);
                    if difference != 0.0 && !is_shown {
                        if difference > 0.0 {
                            better += 1;
                        } else {
                            worse += 1;
                        }
                        is_shown =
                            mcnemar_exact(better, worse).min(mcnemar_exact(worse, better)) <= level;
                    }
                }
                naive += u32::from(is_shown);
                wrong += u32::from(test.decision() != Decision::Open);
            }
            println!(
                "{name}, {} and {}: p-values {naive}, row by row {wrong}, of {SHUFFLES}",
                PROMPTS[a], PROMPTS[b]
            );
            // 5 % and three standard deviations.
            assert!(wrong <= 70, "{name}: {wrong} of {SHUFFLES}");
            assert!(naive >= 150, "{name}: {naive} of {SHUFFLES}");
        }
    }
}

/// Ninety rows: `b` is right where `a` is, and on thirty more.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.write("task/task.toml", TASK);
    let (mut rows, mut said) = ("id,text,kind,expected\n".to_owned(), "id,a,b,mark\n".to_owned());
    for number in 0..90 {
        let kind = if number % 3 == 0 { "short" } else { "long" };
        let _ = writeln!(rows, "r{number},Is {number} odd?,{kind},yes{number}");
        let right = format!("yes{number}");
        let a = if number % 3 == 0 { "no" } else { &right };
        let _ = writeln!(said, "r{number},{a},{right},{}", number % 3 != 0);
    }
    env.write("task/rows.csv", &rows);
    env.write("said.csv", &said);
    env
}

const AB: &str = "ab task --answers said.csv --a a --b b";

#[test]
fn answers_are_compared_and_the_rows_that_changed_are_named() {
    let env = env();
    insta::assert_snapshot!(env.run(&format!("{AB} --slice kind --rows 2")).ok().stdout);
    let told = env.run(&format!("{AB} --b mark --json")).ok().json();
    assert_eq!(told["comparisons"][0]["decision"], "better");
    assert_eq!(told["comparisons"][1]["decision"], "worse", "none of the marks is an answer");
    assert_eq!(told["comparisons"][0]["changed"]["better"][0]["answers"][1], "yes0");
    assert!(!env.path("results").exists());
    let ran = env.run("ab task --answers said.csv --a b --b mark").ok();
    assert!(ran.stderr.contains("column `mark` holds true and false"), "{}", ran.stderr);
    let ran = env.run("ab task --answers said.csv --a mark --b mark --scored").exits(2);
    assert!(ran.stderr.contains("`mark` is named twice"), "{}", ran.stderr);
}

/// Nine rows won and two lost of ninety: the interval is above 0, and the exact test needs more.
#[test]
fn an_interval_that_leaves_0_out_decides_nothing_alone() {
    let env = env();
    let mut said = "id,a,b\n".to_owned();
    for number in 0..90 {
        let (a, b) = (!(0..9).contains(&number), !(9..11).contains(&number));
        let _ = writeln!(said, "r{number},{a},{b}");
    }
    env.write("marks.csv", &said);
    let page = env.run("ab task --answers marks.csv --scored --a a --b b").ok().stdout;
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Not decided whether b is better than a",
        "That leaves 0 out, but the exact McNemar test does not: p is 0.0654, and may be at most 5.0 %.",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn a_comparison_on_held_out_rows_is_a_look() {
    let env = env();
    let look =
        |line: &str| env.run(&format!("{line} --split hold --json")).ok().json()["look"].clone();
    assert_eq!(look(AB)["number"], 1);
    assert_eq!(look(AB)["number"], 1, "the same look");
    let second = look("ab task --answers said.csv --a a --b mark");
    assert_eq!(second["number"], 2);
    let page = env.run("ab task --answers said.csv --a mark --b b --split hold").ok().stdout;
    assert!(page.contains("It is look 3 at these held-out rows, at 0.42 % one-sided."), "{page}");
}

#[test]
fn comparisons_that_begin_together_are_looks_of_their_own() {
    let server = Server::start(|_, request| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        says(["warm", "cold"][tile(request) % 2])
    });
    let env = with_prompts(&server);
    let look = |margin: &str| {
        let line = format!("{ASKED} --split hold --max-calls 120 --margin {margin} --json");
        env.run(&line).ok().json()["look"]["number"].as_u64().unwrap()
    };
    let mut numbers = std::thread::scope(|scope| {
        let both = ["0.1", "0.2"].map(|margin| scope.spawn(move || look(margin)));
        both.map(|it| it.join().unwrap())
    });
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(look("0.2"), numbers[1].min(look("0.2")), "it keeps its number");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let env = env();
    for (line, code, why) in [
        ("ab", 2, "<TASK>"),
        ("ab task", 2, "--b"),
        ("ab task --answers said.csv --a a", 2, "--b"),
        ("ab --log said.csv --a a", 2, "--a"),
        ("ab task --answers said.csv --a a --b b --unit id", 2, "--unit"),
        (&format!("{AB} --margin 2"), 2, "scores differ by less than 1"),
        (&format!("{AB} --slice knid"), 3, "kind"),
        (&format!("{AB} --scored"), 3, "row `r0` has `no` in column `a`"),
        ("ab task --answers said.csv --a a --b c", 3, "no column `c`"),
    ] {
        let ran = env.run(line).exits(code);
        assert!(ran.stderr.contains(why), "{line}: {}", ran.stderr);
    }
}

/// A server to which the prompt that says `better` is always right, any other one on every other row.
fn server() -> Server {
    Server::start(|_, request| {
        let right = tile(request) % 2;
        let is_wrong =
            !request.content("system").contains("better") && (tile(request) / 2).is_multiple_of(2);
        says(["warm", "cold"][if is_wrong { 1 - right } else { right }])
    })
}

/// A prompt that is better, and one that is not, beside the task `colours`.
fn with_prompts(server: &Server) -> TestEnv {
    let env = TestEnv::with_server(server, "");
    env.write("better.md", "Answer warm or cold, better.");
    env.write("other.md", "Answer cold or warm.");
    env.edit("colours/task.toml", "calls = 300", "calls = 250");
    env
}

/// What was asked, one text for each request.
fn asked(server: &Server) -> Vec<String> {
    let text = |it: &Request| format!("{} {}", it.content("system"), tile(it));
    server.requests().iter().map(text).collect()
}

const ASKED: &str = "ab colours --a other.md --b better.md";

#[test]
fn prompts_are_asked_until_it_is_decided_and_never_twice() {
    let server = server();
    let env = with_prompts(&server);
    let told = env.run(&format!("{ASKED} --json")).ok().json();
    let comparison = &told["comparisons"][0];
    assert_eq!((&told["basis"], &comparison["decision"]), (&"sequential".into(), &"better".into()));
    assert_eq!(told["run"]["stop_reason"], "decided");
    let rows = comparison["rows"].as_u64().unwrap();
    assert!((8..40).contains(&rows), "{comparison}");
    assert!(number(&comparison["difference"]["low"]) > 0.0, "{comparison}");
    assert_eq!(
        comparison["p_value"],
        Value::Null,
        "it would be wrong where rows stop when it is decided"
    );
    let first = asked(&server);
    let mut once = first.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), first.len());
    assert!(first.len() <= 2 * (rows as usize + 24), "it stops early: {}", first.len());
    // The same command, and a resume, show the same and ask nothing.
    let run = told["run"]["name"].as_str().unwrap();
    for line in [format!("{ASKED} --json"), format!("resume {run} --json")] {
        assert_eq!(env.run(&line).ok().json(), told, "{line}");
    }
    assert_eq!(asked(&server).len(), first.len());
    let page = env.run(ASKED).ok().stdout;
    assert!(page.contains("✓ better.md is better than other.md"), "{page}");
    assert!(page.replace("\n ", "").contains("because it was decided"), "{page}");
    assert!(!page.contains("Simulated"), "only its mutator would be, which is not asked: {page}");
}

#[test]
fn a_cap_ends_it_and_a_higher_one_goes_on() {
    let server = server();
    let env = with_prompts(&server);
    let told = env.run(&format!("{ASKED} --max-calls 20 --json")).ok().json();
    assert_eq!(told["comparisons"][0]["decision"], "open");
    assert_eq!(told["run"]["stop_reason"], "budget_calls");
    assert_eq!(told["run"]["more"], "--max-calls N (above 20)");
    assert!(asked(&server).len() <= 20);
    let run = told["run"]["name"].as_str().unwrap();
    let told = env.run(&format!("resume {run} --max-calls 250 --json")).ok().json();
    assert_eq!(told["comparisons"][0]["decision"], "better");
    let mut all = asked(&server);
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "nothing is asked twice");
}

#[test]
fn what_a_cap_leaves_is_divided_among_the_prompts() {
    let server = server();
    let env = with_prompts(&server);
    env.write("third.md", "Answer warm or cold, thirdly.");
    for (more, calls, rows) in [("", 10, 5), (" --b third.md", 27, 9)] {
        let line = format!("{ASKED}{more} --max-calls {calls} --concurrency 4 --json");
        let told = env.run(&line).ok().json();
        for comparison in told["comparisons"].as_array().unwrap() {
            assert_eq!(comparison["rows"], rows, "{comparison}");
        }
        assert_eq!(told["run"]["calls"], calls);
    }
    let before = server.requests().len();
    let few = env.run(&format!("{ASKED} --repeats 8 --max-calls 15")).exits(2).stderr;
    assert!(few.contains("has no room for one row, which may take 16"), "{few}");
    assert_eq!(server.requests().len(), before);
}

#[test]
fn a_prompt_is_read_out_of_the_history_of_a_repository() {
    let server = server();
    let env = with_prompts(&server);
    let git = |line: &str| {
        let line = format!("-c user.name=a -c user.email=a@example.org {line}");
        let done = env.program("git").args(line.split(' ')).output().unwrap();
        assert!(done.status.success(), "{line}: {done:?}");
    };
    git("init --quiet .");
    git("add better.md");
    git("commit --quiet --message one");
    env.write("better.md", "Answer warm or cold, otherwise.");
    git("commit --quiet --all --message two");
    let told = env.run("ab colours --a other.md --b HEAD~1:better.md --json").ok().json();
    assert_eq!(told["comparisons"][0]["decision"], "better");
    assert_eq!(told["comparisons"][0]["name"], "HEAD~1:better.md");
    let missing = env.run("ab colours --a other.md --b HEAD~7:better.md").exits(2).stderr;
    assert!(missing.contains("HEAD~7"), "{missing}");
}

#[test]
fn what_cannot_be_asked_is_named() {
    let server = server();
    let other = TestEnv::with_server(&server, "");
    other.edit("colours/task.toml", "[budget]\ncalls = 300\n", "");
    other.write("better.md", "Answer warm or cold, better.");
    let ran = other.run("ab colours --a better.md --b better.md").exits(2);
    assert!(ran.stderr.contains("named twice"), "{}", ran.stderr);
    other.write("same.md", "Answer warm or cold, better.");
    let ran = other.run("ab colours --a better.md --b same.md").exits(2);
    assert!(ran.stderr.contains("are the same prompt"), "{}", ran.stderr);
    other.write("worse.md", "Answer warm or cold, worse.");
    let ran = other.run("ab colours --a better.md --b worse.md").exits(2);
    assert!(ran.stderr.contains("a comparison needs a budget"), "{}", ran.stderr);
}

#[test]
fn rows_are_repeated_where_answers_flip() {
    let flipping = Server::start(|number, request| {
        let right = tile(request) % 2;
        says(["warm", "cold"][if number % 3 == 0 { 1 - right } else { right }])
    });
    let steady = Server::start(|_, request| says(["warm", "cold"][tile(request) % 2]));
    let requests = |server: &Server| {
        let env = with_prompts(server);
        let line = format!("{ASKED} --repeats 2 --json --concurrency 1 --max-calls 240");
        let told = env.run(&line).ok().json();
        (asked(server).len(), number(&told["prompts"][0]["flips"]))
    };
    // Sixteen rows twice, and the others once.
    assert_eq!(requests(&steady), (2 * (60 + 16), 0.0));
    let (asked, flips) = requests(&flipping);
    assert!(asked == 2 * 2 * 60 && flips > 0.0, "{asked} {flips}");
}

#[test]
fn a_prompt_of_a_search_is_compared_on_held_out_rows() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --seed 1").ok();
    let ran = env.run("ab colours --a one/baseline --b one:n1 --json").ok();
    assert!(ran.stderr.contains("came out of run `one`"), "{}", ran.stderr);
    let told = ran.json();
    assert_eq!(told["rows"], 18);
    let look = told["look"]["number"].as_u64().unwrap();
    // Also where its text is in a file of its own.
    let events = env.read("results/one/events.jsonl");
    let id = env.run("explain one n1 --json").ok().json()["candidate"]["id"].clone();
    let mut written = events.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        let candidate = &event["event"]["proposal_folded"]["outcome"]["added"]["candidate"];
        let text = candidate["prompt"][0]["text"].as_str().map(str::to_owned);
        text.filter(|_| candidate["id"] == id)
    });
    env.write("own.md", &written.next().unwrap());
    let ran = env.run("ab colours --a one:baseline --b own.md --json").ok();
    assert!(ran.stderr.contains("`own.md` came out of run `one`"), "{}", ran.stderr);
    // The same prompts on the same rows are the same comparison, and no further look.
    assert_eq!(ran.json()["look"]["number"].as_u64(), Some(look));
    let ran = env.run("ab colours --a one:baseline --b one:n1 --split dev").ok();
    assert!(ran.stderr.contains("the result flatters it"), "{}", ran.stderr);
}
