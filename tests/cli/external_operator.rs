//! A user program as an operator.

use crate::env::{TICKETS, TestEnv};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/external-operator");

fn has_python() -> bool {
    let found = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no python3");
    }
    found
}

/// The program's replies: events of answered calls whose proposal was drafted for a program.
struct Replies {
    /// Proposals of the program.
    programs: BTreeSet<u64>,
    /// Their calls.
    calls: BTreeSet<u64>,
    /// The replies to these calls.
    answers: Vec<Value>,
    /// The outcomes of the proposals.
    outcomes: Vec<Value>,
    events: Vec<(String, Value)>,
}

impl Replies {
    fn of(events: Vec<(String, Value)>) -> Self {
        let mut replies = Self {
            programs: BTreeSet::new(),
            calls: BTreeSet::new(),
            answers: Vec::new(),
            outcomes: Vec::new(),
            events: Vec::new(),
        };
        for (name, event) in &events {
            let call = event["call"].as_u64().unwrap_or(u64::MAX);
            match name.as_str() {
                "proposal_drafted" if event["program"] == true => {
                    replies.programs.insert(event["proposal"].as_u64().unwrap());
                }
                "proposal_issued"
                    if replies.programs.contains(&event["proposal"].as_u64().unwrap()) =>
                {
                    replies.calls.insert(call);
                }
                "answered" if replies.calls.contains(&call) => replies.answers.push(event.clone()),
                "proposal_folded" if replies.calls.contains(&call) => {
                    replies.outcomes.push(event["outcome"].clone());
                }
                _ => {}
            }
        }
        replies.events = events;
        replies
    }
}

/// A recipe whose only operator is a program.
fn recipe(command: &str, timeout: u32) -> String {
    format!(
        "name = \"mine\"\nabout = \"A program alone.\"\n\n[[operator]]\nkind = \"external\"\n\
         command = {command}\ntimeout = {timeout}\nfeedback = {{ size = 3, skip_perfect = false }}\n\n\
         [evaluate]\nkind = \"full\"\nsubset = 8\n"
    )
}

#[test]
fn the_example_works_beside_reflection_and_costs_nothing() {
    if !has_python() {
        return;
    }
    let env = TestEnv::new();
    let line =
        format!("run {TICKETS} --strategy {EXAMPLE}/recipe.toml --name one --max-calls 1500");
    env.run(&line).ok();
    let replies = Replies::of(env.events("one"));
    assert!(replies.programs.len() > 3, "{} uses", replies.programs.len());
    assert_eq!(replies.answers.len(), replies.calls.len(), "each is answered, and once");
    for answer in &replies.answers {
        assert_eq!(
            (&answer["in"], &answer["out"], &answer["usd"]),
            (&0.into(), &0.into(), &0.into())
        );
    }
    let reserved = replies.events.iter().filter(|(name, _)| name == "reserved");
    assert!(reserved.clone().count() > 0);
    let calls: BTreeSet<u64> = reserved.map(|(_, event)| event["call"].as_u64().unwrap()).collect();
    assert!(calls.is_disjoint(&replies.calls), "nothing is set aside for a program");
    // The children contain the feedback of failed rows.
    let added: Vec<&Value> =
        replies.outcomes.iter().map(|outcome| &outcome["added"]["candidate"]).collect();
    let added: Vec<&&Value> = added.iter().filter(|candidate| !candidate.is_null()).collect();
    assert!(!added.is_empty(), "{:?}", replies.outcomes);
    assert!(added.iter().all(|candidate| candidate["operator"] == "external"));
    // The mutator's calls do not include those of the program.
    let summary = env.json("results/one/summary.json");
    let issued = replies.events.iter().filter(|(name, _)| name == "proposal_issued").count();
    let by_model = summary["spent"]["by_role"]["mutator"]["calls"].as_u64().unwrap();
    assert_eq!(by_model as usize, issued - replies.calls.len());
    assert_eq!(summary["status"], "finished");
}

/// If a program fails, its proposals are rejected with the reason, and the run finishes normally;
/// also if the task names no mutator, because none is needed.
#[test]
fn a_program_that_fails_is_refused_with_its_reason() {
    for (command, timeout, reason) in [
        (r#"["sh", "-c", "read -r line; sleep 60"]"#, 1, "no reply within 1.0 s"),
        (r#"["sh", "-c", "read -r line; echo Sure!"]"#, 20, "expected value at line 1"),
        (r#"["sh", "-c", "read -r line; echo '{}'"]"#, 20, "neither `parts` nor `error`"),
        (
            r#"["sh", "-c", "echo oh no >&2; exit 3"]"#,
            20,
            "exit status: 3); its standard error: oh no",
        ),
        (r#"["sh", "-c", "read -r line; echo '{\"error\": \"not today\"}'"]"#, 20, "not today"),
    ] {
        let env = TestEnv::with_colours();
        env.edit("colours/task.toml", "mutator = \"sim/editor\"\n", "");
        env.write("mine.toml", &recipe(command, timeout));
        let began = Instant::now();
        env.run("run colours --strategy mine.toml --name one --max-proposals 3").ok();
        assert!(began.elapsed() < Duration::from_secs(40), "{command}");
        let replies = Replies::of(env.events("one"));
        assert_eq!((replies.calls.len(), replies.answers.len()), (3, 3), "{command}");
        for outcome in &replies.outcomes {
            assert_eq!(outcome["rejected"]["reason"], "program", "{outcome}");
            let detail = outcome["rejected"]["detail"].as_str().unwrap();
            assert!(detail.contains(reason), "{detail}");
        }
        let summary = env.json("results/one/summary.json");
        assert_eq!(summary["counts"]["rejected"]["program"], 3, "{command}");
        assert_eq!(summary["stop_reason"], "budget_proposals");
        assert_eq!(summary["spent"]["by_role"]["mutator"]["calls"], 0);
    }
}

#[test]
fn what_a_program_may_not_change_is_refused_and_its_replies_are_screened() {
    let reply =
        |parts: &str| format!(r#"["sh", "-c", "read -r line; echo '{{\"parts\": {{{parts}}}}}'"]"#);
    for (parts, reason) in [
        (r#"\"user\": \"x\""#, "frozen"),
        (r#"\"system\": \"  \""#, "empty"),
        ("", "unchanged"),
        (r#"\"system\": \"Say {{ input }}.\""#, "placeholder"),
    ] {
        let env = TestEnv::with_colours();
        env.write("mine.toml", &recipe(&reply(parts), 20));
        env.run("run colours --strategy mine.toml --name one --max-proposals 1").ok();
        let replies = Replies::of(env.events("one"));
        assert_eq!(replies.outcomes[0]["rejected"]["reason"], reason, "{:?}", replies.outcomes);
    }
}

#[test]
fn a_program_sees_no_key_and_starts_beside_its_recipe() {
    let mut env = TestEnv::with_colours();
    env.set("OPENAI_API_KEY", "sk-secret").set("TOKEN", "t-secret");
    // The program replies with its folder and its environment variables.
    let script = r#"#!/bin/sh
read -r line
printf '{"error": "%s in %s"}\n' "$(env | cut -d= -f1 | sort | tr '\n' ' ')" "$(pwd)"
"#;
    env.write("deep/own/say.sh", script);
    env.write("deep/own/mine.toml", &recipe(r#"["sh", "say.sh"]"#, 20));
    // If another recipe extends it, the program still starts in the folder of the file that names
    // it.
    env.write("other/more.toml", "extends = \"../deep/own/mine.toml\"\nname = \"more\"\n");
    env.run("run colours --strategy other/more.toml --name one --max-proposals 1").ok();
    let replies = Replies::of(env.events("one"));
    let said = replies.outcomes[0]["rejected"]["detail"].as_str().unwrap();
    let (variables, folder) = said.split_once(" in ").unwrap();
    assert!(Path::new(folder).ends_with("deep/own"), "{said}");
    // A shell adds a few variables.
    let allowed =
        ["PROMPTSEARCH_PROGRAM", "PATH", "HOME", "LANG", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(variables.split_whitespace().all(|name| allowed.contains(&name)), "{variables}");
    assert!(!env.read("results/one/events.jsonl").contains("secret"));
}

#[test]
fn a_missing_program_is_reported_before_anything_is_created() {
    let env = TestEnv::with_colours();
    env.write("mine.toml", &recipe(r#"["./operator.py"]"#, 20));
    insta::assert_snapshot!(env.complaint("run colours --strategy mine.toml --name one"), @r"
    exit 3
    error: the operator's program `./operator.py` does not exist or is not executable
      try: name a program in PATH, or give a path relative to [DIR], such as `./operator.py`
    ");
    assert!(!env.path("results").exists());
    for (from, to, words) in [
        ("[\"./operator.py\"]", "[]", "needs a `command`"),
        ("timeout = 20", "timeout = 0", "`timeout` must be at least 1"),
    ] {
        env.write("mine.toml", &recipe(r#"["./operator.py"]"#, 20));
        env.edit("mine.toml", from, to);
        let said = env.run("run colours --strategy mine.toml --name one").exits(3).stderr;
        assert!(said.contains(words), "{said}");
    }
}

/// Reads a request, records its random seed, waits, and puts the seed into its reply.
const SLOW: &str = r#"import json, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    with open("asked", "a") as log:
        log.write("%d\n" % asked["seed"])
    time.sleep(0.05)
    text = asked["parts"]["system"].split(" Lot ")[0]
    print(json.dumps({"parts": {"system": "%s Lot %d." % (text, asked["seed"])}}), flush=True)
"#;

fn seeds(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The seeds in the replies in the journal, as far as the file can be read.
fn answered(env: &TestEnv) -> BTreeSet<String> {
    let text = env.read("results/one/events.jsonl");
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let texts = lines.filter_map(|line| {
        let text = line["event"]["answered"]["text"].as_str()?.to_owned();
        let (_, seed) = text.strip_suffix(".\"}}")?.rsplit_once(" Lot ")?;
        Some(seed.to_owned())
    });
    texts.collect()
}

#[test]
fn an_answered_proposal_is_not_requested_again_after_a_kill() {
    if !has_python() {
        return;
    }
    let line = "run colours --strategy mine.toml --name one --max-proposals 25 --quiet";
    let undisturbed = TestEnv::with_colours();
    let disturbed = TestEnv::with_colours();
    for env in [&undisturbed, &disturbed] {
        env.write("mine.toml", &recipe(r#"["python3", "slow.py"]"#, 20));
        env.write("slow.py", SLOW);
    }
    undisturbed.run(line).ok();
    let asked = seeds(&undisturbed.read("asked"));
    assert_eq!(asked.len(), 25);

    let env = &disturbed;
    let mut before = (0, BTreeSet::new());
    for (kill, wanted) in [3, 8, 14].into_iter().enumerate() {
        let again = if kill == 0 { line } else { "resume one --quiet" };
        let mut command = env.command(again);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        while !env.path("asked").exists() || seeds(&env.read("asked")).len() < before.0 + wanted {
            assert!(child.try_wait().unwrap().is_none(), "it was over before its kill");
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // A program that is working at that moment reaches the end of its input.
        thread::sleep(Duration::from_millis(300));
        let asked = seeds(&env.read("asked"));
        for seed in &asked[before.0..] {
            assert!(!before.1.contains(seed), "{seed} was answered, and is asked again");
        }
        before = (asked.len(), answered(env));
    }
    assert!(!before.1.is_empty());
    env.run("resume one --quiet").ok();
    let all = seeds(&env.read("asked"));
    assert!(all[before.0..].iter().all(|seed| !before.1.contains(seed)));
    // Lost requests were repeated with the same seed; all others were made once.
    assert_eq!(BTreeSet::from_iter(all), BTreeSet::from_iter(asked));
    let (was, is) = (&undisturbed, &disturbed);
    let [was, is] = [was, is].map(|env| env.json("results/one/summary.json"));
    for key in ["stop_reason", "recommended", "gain", "counts", "front"] {
        assert_eq!(is[key], was[key], "{key}");
    }
    assert_eq!(is["best"]["candidate"], was["best"]["candidate"]);
}

/// A program that always fails is not used for ever.
#[test]
fn a_broken_program_is_given_up() {
    let env = TestEnv::with_colours();
    env.write("mine.toml", &recipe(r#"["sh", "-c", "echo oh no >&2; exit 3"]"#, 20));
    env.run("run colours --strategy mine.toml --name one").ok();
    let summary = env.json("results/one/summary.json");
    let failed = summary["counts"]["rejected"]["program"].as_u64().unwrap();
    // Ten in a row, and those in flight with the tenth.
    assert!((10..=16).contains(&failed), "{failed}");
    assert_eq!(summary["stop_reason"], "pool_done");
}
