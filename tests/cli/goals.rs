//! What a goal says is what held-out rows confirm, from the task to the commit.

use crate::env::{TestEnv, colour_rows};
use crate::export::{colours_repository, git};
use crate::server::{Reply, Request, Server, answer, says, tile};
use serde_json::{Value, json};

/// Writes a shorter prompt, which is another one each time.
fn shorter(request: &Request) -> Reply {
    let asked = request.content("user");
    let nonce = asked.split("<prompt-").nth(1).and_then(|rest| rest.get(..16)).unwrap();
    says(&format!(
        "<prompt-{nonce} part=\"system\">\nSay warm or cold: {nonce}.\n</prompt-{nonce}>"
    ))
}

/// A task whose prompt is long without need, against a service that bills a token for four bytes and answers all
/// prompts alike.
fn env(rule: &str) -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        if request.body["model"] == "editor" {
            return shorter(request);
        }
        let (status, headers, body) = answer(request);
        let mut body: Value = serde_json::from_str(&body).unwrap();
        let bytes = request.content("system").len() + request.content("user").len();
        body["usage"]["prompt_tokens"] = json!(bytes / 4);
        (status, headers, body.to_string())
    });
    (at(&server, rule), server)
}

/// The task against a service.
fn at(server: &Server, rule: &str) -> TestEnv {
    let env = TestEnv::with_server(server, "");
    env.write("colours/rows.jsonl", &colour_rows(400));
    let task = "colours/task.toml";
    env.edit(task, "free = true", "price = { input = 1.0, output = 2.0 }");
    env.edit(task, "sim/editor", "local/editor");
    env.edit(
        task,
        "Answer warm or cold.",
        &format!("Answer warm or cold.{}", " Be kind.".repeat(90)),
    );
    env.edit(task, "max quality", rule);
    env.edit(task, "calls = 300", "calls = 900");
    env
}

#[test]
fn a_cheaper_prompt_that_is_as_good_is_confirmed_as_such_and_exported_with_it() {
    let (env, _server) = env("min usd_per_1k s.t. quality >= baseline - 0.05");
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("Confirmed: cheaper by"), "{said}");
    assert!(said.contains("at most 5.0 pp worse: +0.0 pp on 120 held-out rows"), "{said}");
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], true);
    assert_eq!(summary["recommended"], "best");
    assert_eq!(summary["gain"]["test"], "non_inferiority");
    let junit = env.run("report one --format junit").ok().stdout;
    assert!(junit.contains("tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"0\""), "{junit}");
    for case in ["claim: at most 5.0 pp worse", "claim: cheaper\"><system-out>cheaper by $"] {
        assert!(junit.contains(case), "{case}: {junit}");
    }
    assert_eq!(
        summary["claims"],
        json!([
            {"claim": "not_worse", "margin": 0.05, "shown": true},
            {"claim": "cheaper", "shown": true},
        ])
    );
    // No row differs, and yet the interval is not a point.
    let gain = &summary["gain"];
    assert_eq!(gain["mean"], 0.0);
    assert!(gain["low"].as_f64() < Some(-0.01) && gain["low"].as_f64() > Some(-0.05), "{gain}");
    let saving = &summary["held_out_cost"]["saving"];
    assert!(saving["low"].as_f64() > Some(0.1), "{saving}");

    for line in [
        "init -q repo",
        "-C repo config user.name a",
        "-C repo config user.email a@b",
        "-C repo commit -q --allow-empty -m x",
    ] {
        assert!(env.program("git").args(line.split(' ')).status().unwrap().success());
    }
    env.run("export one --to repo --path prompt.md").ok();
    let log =
        env.program("git").args(["-C", "repo", "log", "--all", "--format=%B"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    assert!(log.contains("Cheaper by $") && log.contains("at most 5.0 pp worse"), "{log}");
    let file = "promptsearch/colours:prompt.evidence.json";
    let evidence = env.program("git").args(["-C", "repo", "show", file]).output().unwrap();
    let evidence: Value = serde_json::from_slice(&evidence.stdout).unwrap();
    for key in ["claims", "held_out_cost", "gain"] {
        assert_eq!(evidence[key], summary[key], "{key}");
    }
    assert_eq!(evidence["goal"], "min usd_per_1k s.t. quality >= baseline - 0.05");
}

#[test]
fn fewer_tokens_are_confirmed_like_a_lower_cost() {
    let (env, _server) = env("min input_tokens s.t. quality >= baseline - 0.05");
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], true, "{said}");
    let claims = summary["claims"].as_array().unwrap();
    assert_eq!(claims[0], json!({"claim": "not_worse", "margin": 0.05, "shown": true}));
    let less = &claims[1];
    assert_eq!((&less["claim"], &less["of"]), (&json!("less"), &json!("input_tokens")));
    assert_eq!((&less["shown"], &less["measured"]["n"]), (&json!(true), &json!(120)));
    // The baseline's 90 sentences too many are 810 bytes.
    let mean = less["measured"]["mean"].as_f64().unwrap();
    assert!((195.0..206.0).contains(&mean), "{less}");
    assert!(said.contains("tokens less input_tokens on 120 rows (95 % interval"), "{said}");
    let again = env.run("report one --json").ok().json();
    assert_eq!(again["claims"], summary["claims"]);

    // Latencies: the ends of two quantiles, and the rows that they need.
    env.edit("colours/task.toml", "min input_tokens", "min latency_p95");
    env.edit(
        "colours/task.toml",
        "train = 0.4, dev = 0.3, hold = 0.3",
        "train = 0.5, dev = 0.3, hold = 0.2",
    );
    let plan = env.run("plan colours").ok();
    let planned = format!("{}{}", plan.stdout, plan.stderr);
    let planned = planned.split_whitespace().collect::<Vec<_>>().join(" ");
    // It is the second look at these rows: ln(0.00833/2)/ln(0.95), rounded up.
    assert!(planned.contains("`less latency_p95` needs 107 held-out rows"), "{planned}");
    env.edit("colours/task.toml", "min latency_p95", "min validity");
    let refused = env.run("plan colours").exits(3).stderr;
    assert!(refused.contains("is not a goal") && refused.contains("`output_tokens`"), "{refused}");
}

/// The long prompt's second answers to half of the rows are the other label; those of the shorter ones are all the same.
#[test]
fn a_more_consistent_prompt_is_confirmed_by_several_answers_to_each_row() {
    let server = Server::start(|_, request| {
        if request.body["model"] == "editor" {
            return shorter(request);
        }
        let is_long = request.content("system").contains("Be kind.");
        let differs = is_long && request.body["seed"] == 1 && tile(request).is_multiple_of(2);
        match (differs, tile(request).is_multiple_of(3)) {
            (false, _) => answer(request),
            (true, true) => says("warm"),
            (true, false) => says("cold"),
        }
    });
    let env =
        at(&server, "max consistency.2 s.t. quality >= baseline - 0.05 and consistency.2 >= 0.9");
    env.edit("colours/task.toml", "calls = 900", "calls = 2000");
    let plan = env.run("plan colours").ok().stdout;
    assert!(plan.contains("each row of dev and of the held-out rows is asked 2 times"), "{plan}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&plan).contains("`local/clerk` is asked with temperature 0"), "{plan}");
    env.edit(
        "colours/task.toml",
        "\"local/clerk\"",
        "{ model = \"local/clerk\", temperature = 0.7 }",
    );
    assert!(!words(&env.run("plan colours").ok().stdout).contains("with temperature 0:"));
    // 120 rows, two prompts, two answers.
    assert!(plan.contains("480 calls are reserved for the held-out rows"), "{plan}");
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], true, "{said}");
    assert_eq!(summary["claims"][1]["of"], "consistency.2");
    let measured = &summary["claims"][1]["measured"];
    assert_eq!(measured["n"], 120);
    // Half of the pairs of answers differ, of each of which one agrees with the most common one.
    assert!((0.2..0.3).contains(&measured["mean"].as_f64().unwrap()), "{measured}");
    assert_eq!(summary["claims"][2]["measured"]["mean"], 1.0);
    assert!(said.contains("pp more consistency.2 on 120 rows (95 % interval"), "{said}");
    let again = env.run("report one --json").ok().json();
    assert_eq!(again["claims"], summary["claims"]);
    let status = env.run("status one").ok().stdout;
    let report = env.run("report one --format md").ok().stdout;
    for (page, arrow) in [(&said, " "), (&status, " → "), (&report, " | ")] {
        let held_out = page.split("consistency.2, held-out rows (120)").nth(1).unwrap();
        let held_out = held_out.split("consistency.2, dev rows (").next().unwrap();
        assert!(held_out.contains(&format!("){arrow}100.0 % (")), "{page}");
    }
    assert!(env.run("report one --format junit").ok().stdout.contains("claim: more consistency.2"));
    assert_eq!(
        summary["spent"]["by_role"]["task"]["calls"].as_u64().map(|it| it <= 2_000),
        Some(true)
    );

    env.edit("colours/task.toml", "max consistency.2", "max consistency.1");
    let refused = env.run("plan colours").exits(3).stderr;
    assert!(refused.contains("write `consistency.3` to ask each row 3 times"), "{refused}");
}

#[test]
fn a_cost_that_no_bill_says_confirms_nothing() {
    let server = Server::start(|_, request| match request.body["model"] == "editor" {
        true => shorter(request),
        false => {
            let (status, headers, body) = answer(request);
            let mut body: Value = serde_json::from_str(&body).unwrap();
            body.as_object_mut().unwrap().remove("usage");
            (status, headers, body.to_string())
        }
    });
    let env = at(&server, "min usd_per_1k s.t. quality >= baseline - 0.05");
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    assert!(ran.stdout.contains("what its calls cost is not known"), "{}", ran.stdout);
    assert_eq!(env.json("results/one/summary.json")["confirmed"], false);
}

#[test]
fn a_margin_that_the_held_out_rows_cannot_show_is_said_before_and_after() {
    let (env, _server) = env("min usd_per_1k s.t. quality >= baseline - 0.01");
    let plan = env.run("plan colours").ok();
    let planned = format!("{}{}", plan.stdout, plan.stderr);
    assert!(planned.contains("the goal's margin of 1.0 pp needs about 15,698"), "{planned}");
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    assert!(ran.stdout.contains("Not proven: cheaper by"), "{}", ran.stdout);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("which does not show “at most 1.0 pp worse”"), "{said}");
    let summary = env.json("results/one/summary.json");
    let shown: Vec<&Value> =
        summary["claims"].as_array().unwrap().iter().map(|claim| &claim["shown"]).collect();
    assert_eq!(
        (&summary["confirmed"], shown.as_slice()),
        (&json!(false), [&json!(false), &json!(true)].as_slice())
    );
}

/// The task against a service that calls every row warm, and bills a token for four bytes.
fn always_warm(rule: &str) -> (TestEnv, Server) {
    let server = Server::start(|_, request| match request.body["model"] == "editor" {
        true => shorter(request),
        false => {
            let (status, headers, body) = says("warm");
            let mut body: Value = serde_json::from_str(&body).unwrap();
            let bytes = request.content("system").len() + request.content("user").len();
            body["usage"] = json!({"prompt_tokens": bytes / 4, "completion_tokens": 1});
            (status, headers, body.to_string())
        }
    });
    (at(&server, rule), server)
}

#[test]
fn bounds_beside_quality_and_cost_are_kept_and_shown() {
    let rule = "min usd_per_1k s.t. quality >= baseline - 0.05 and recall.warm >= 0.9 and \
                precision.warm >= 0.3 and validity >= baseline - 0.05 and latency_p95 <= 50s and \
                output_tokens <= 2";
    let (env, _server) = always_warm(rule);
    let plan = env.run("plan colours --strategy random").ok().stdout;
    let ran = env.run("run colours --name one --strategy random --quiet").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["confirmed"], true, "{}", ran.stdout);
    let claims = summary["claims"].as_array().unwrap();
    let told: Vec<Value> = claims
        .iter()
        .skip(2)
        .map(|it| json!([it["measure"], it["measured"]["n"], it["measured"]["mean"], it["shown"]]))
        .collect();
    let warm = told[0][1].as_u64().unwrap();
    assert!((36..100).contains(&warm), "{told:?}");
    assert_eq!(told[0], json!(["recall.warm", warm, 1.0, true]));
    assert_eq!(told[1], json!(["precision.warm", 120, warm as f64 / 120.0, true]));
    assert_eq!(told[2], json!(["validity", 120, 0.0, true]));
    assert_eq!((&told[3][0], &told[3][3]), (&json!("latency_p95"), &json!(true)));
    assert_eq!(told[4], json!(["output_tokens", 120, 1.0, true]));
    let needs = format!(
        "`recall.warm >= 0.9` needs 35 held-out rows of its label at the least, and there are {warm}"
    );
    assert!(plan.contains(&needs), "{plan}");
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("recall.warm 100.0 % on {warm} rows")), "{said}");
    assert!(said.contains("which shows “recall.warm >= 0.9”"), "{said}");
    // It is the same after everything was read from the journal again.
    let again = env.run("report one --json").ok().json();
    assert_eq!(again["claims"], summary["claims"]);
}

#[test]
fn a_bound_that_every_prompt_misses_keeps_the_baseline_and_a_wrong_one_is_named() {
    let rule = "min usd_per_1k s.t. quality >= baseline - 0.05 and recall.cold >= 0.1";
    let (env, _server) = always_warm(rule);
    env.run("run colours --name one --strategy random --quiet").ok();
    assert_eq!(env.json("results/one/summary.json")["recommended"], "baseline");
    env.edit("colours/task.toml", "recall.cold", "recall.cald");
    let wrong = env.run("run colours --name two").exits(3).stderr;
    for says in ["task.toml:", "there is no label `cald`", "did you mean `cold`?"] {
        assert!(wrong.contains(says), "{wrong}");
    }
}

#[test]
fn a_bound_that_nothing_can_keep_or_give_is_refused() {
    let task = "colours/task.toml";
    let refused = |rule: &str, scores: &str| {
        let env = TestEnv::with_colours();
        env.edit(task, "max quality", &format!("max quality s.t. {rule}"));
        env.edit(task, "[goal]", &format!("{scores}\n[goal]"));
        env.run("plan colours")
    };
    let error = refused("recall.warm >= 0.9 and recall.warm <= 0.5", "").exits(3).stderr;
    let says = "no prompt has both `recall.warm >= 0.9` and `recall.warm <= 0.5`";
    assert!(error.contains(says) && error.contains("task.toml:24"), "{error}");
    let error = refused("metrics.tone >= 0.5", "").exits(3).stderr;
    assert!(error.contains("no scorer gives the metric `tone`"), "{error}");
    // Several scorers give one each; a label set has its own; a program may call its metrics anything.
    let second = "[[score]]\nkind = \"contains\"\nname = \"polite\"\nvalue = \"please\"\n";
    let error = refused("metrics.polit >= 0.5", second).exits(3).stderr;
    assert!(error.contains("did you mean `polite`?"), "{error}");
    refused("metrics.polite >= 0.5", second).ok();
    let program = "[[score]]\nkind = \"command\"\ncommand = [\"cat\"]\n";
    refused("metrics.tone >= 0.5", program).ok();
}

/// A task whose winner is far better, but names one of its labels too seldom for a bound on it.
fn rarely_warm() -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        if request.body["model"] == "editor" {
            return shorter(request);
        }
        let number = tile(request);
        let is_baseline = request.content("system").starts_with("Answer warm or cold.");
        says(match (is_baseline, number % 2) {
            (true, right) => ["cold", "warm"][right],
            (false, 0) if number.is_multiple_of(8) => "warm",
            (false, _) => "cold",
        })
    });
    (at(&server, "max quality s.t. precision.warm >= 0.5"), server)
}

#[test]
fn a_pull_request_says_which_part_of_the_goal_is_not_shown() {
    let (env, _server) = rarely_warm();
    colours_repository(&env);
    env.run("run colours --name one --strategy random --quiet").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(
        (&summary["confirmed"], &summary["claims"][0]["shown"]),
        (&json!(false), &json!(true))
    );
    // How many answers name it, what it came to on them, and how many are needed.
    let sample = &summary["claims"][1]["sample"];
    let rows = sample["rows"].as_u64().unwrap();
    assert!((1..30).contains(&rows), "{summary}");
    assert_eq!(*sample, json!({"rows": rows, "needed": 30, "value": 1.0}));
    let known =
        format!("precision.warm is 100.0 % on {rows} answers that name it, and 30 are needed");
    let plan = env.run("plan colours").ok().stdout;
    let needs = "`precision.warm >= 0.5` needs 30 answers that name it at the least, and about ";
    let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains(needs) && plan.contains("held-out rows have the label"), "{plan}");
    // A comparison of several says it, too, of each part that it does not show.
    let table = env.run("confirm one best n1 n2 --max-calls 2000").ok().stdout;
    let lines = table.lines().filter(|line| line.contains("precision.warm: not shown: "));
    assert!(lines.clone().count() >= 2 && table.contains(&known), "{table}");
    assert!(table.contains(", quality: shown at "), "{table}");
    let line = "export one --to . --path p.md --branch b --accept-unconfirmed --pr-body --quiet";
    let body = env.run(line).ok().stdout;
    let message = git(&env, ".", "log -1 --format=%B b");
    for text in [&body, &message] {
        assert!(text.contains("\nNot proven: +"), "{text}");
        assert!(text.contains(&format!("“precision.warm >= 0.5” is not shown: {known}")), "{text}");
    }
    assert!(body.contains("“unconfirmed”: held-out rows do not show what the goal asks"), "{body}");
    // What a person at a terminal can do is not a reviewer's.
    assert!(!body.contains("--accept-unconfirmed"), "{body}");
    assert!(env.read("results/one/report.html").contains("--accept-unconfirmed"));
}

/// A provider that refuses one row of 25 of the winner's: the claim stands on the others, and says so.
#[test]
fn a_claim_says_how_many_rows_it_leaves_out() {
    let server = Server::start(|_, request| {
        if request.body["model"] == "editor" {
            return shorter(request);
        }
        let is_baseline = request.content("system").starts_with("Answer warm or cold.");
        if !is_baseline && tile(request).is_multiple_of(25) {
            return (400, "", json!({"error": {"message": "refused"}}).to_string());
        }
        let number = tile(request);
        says(["warm", "cold"][(number + usize::from(is_baseline)) % 2])
    });
    let env = at(&server, "max quality");
    let ran = env.run("run colours --name one --strategy random --quiet");
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = env.json("results/one/summary.json");
    let rows = summary["best"]["hold"]["n"].as_u64().unwrap_or_default();
    assert!(rows > 100 && rows < 120, "{said} {}", ran.stderr);
    assert!(said.contains(&format!("on {rows} of 120 held-out rows")), "{said}");
    assert!(said.contains(&format!("{} held-out rows are left out", 120 - rows)), "{said}");
}
