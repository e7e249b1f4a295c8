//! Targets: programs and servers of the user's that answer rows in place of a model.

use crate::env::TestEnv;
use crate::server::{Server, says};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

fn has_python() -> bool {
    let found = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no python3");
    }
    found
}

/// A folder with a copy of an example, as a task of this name.
fn with_example(example: &str, task: &str) -> TestEnv {
    let env = TestEnv::new();
    fs::create_dir(env.path(task)).unwrap();
    for file in fs::read_dir(Path::new(EXAMPLES).join(example)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), env.path(task).join(file.file_name())).unwrap();
    }
    env
}

/// The example in Python, whose program's input is written down, too.
fn with_log() -> TestEnv {
    let env = with_example("agent-python", "orders");
    let logged = r#"command = ["sh", "-c", "tee -a asked.jsonl | python3 agent.py"]"#;
    env.edit("orders/task.toml", r#"command = ["python3", "agent.py"]"#, logged);
    env
}

/// What the program was asked.
fn asked(env: &TestEnv) -> Vec<Value> {
    let text = env.read("orders/asked.jsonl");
    // A process that is ended while it writes leaves half a line.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The requests of rows that are answered, durably.
fn answered(env: &TestEnv, run: &str) -> Vec<Value> {
    let events = env.events(run).into_iter().filter(|(name, _)| name == "answered");
    events.map(|(_, event)| event).filter(|event| event.get("trajectory").is_some()).collect()
}

#[test]
fn a_plan_shows_all_that_a_target_is_told() {
    let env = with_example("agent-python", "orders");
    let plan = env.run("plan orders").ok().stdout;
    let (_, told) = plan.split_once("the first request, whole: to agent/orders\n").unwrap();
    for shown in [
        "  user\n  | 22 clocks\n",
        "  part `planner`\n  | Look up what is asked for.\n",
        "  part `writer`\n  | Write the number alone.\n",
        "  column `order`\n  | 22 clocks\n",
    ] {
        assert!(told.contains(shown), "{shown}: {told}");
    }
    // Neither the right answer nor what is said of the row.
    assert!(!told.contains("total") && !told.contains("feedback"), "{told}");
}

#[test]
fn the_agent_in_python_gets_better_and_is_told_no_answer() {
    if !has_python() {
        return;
    }
    let env = with_log();
    env.run("run orders --name one --seed 1 --quiet").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(summary["recommended"], "best", "{summary:#}");
    assert_eq!(summary["confirmed"], true);
    let task = &summary["spent"]["by_role"]["task"];
    let said: f64 = answered(&env, "one").iter().map(|it| it["usd"].as_f64().unwrap()).sum();
    // Whole nano-dollars.
    assert!((task["usd"].as_f64().unwrap() - said / 1e9).abs() < 1e-12, "{task} {said}");

    for line in asked(&env) {
        let keys: Vec<&String> = line["row"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["order"], "{line}");
        let parts: BTreeSet<&String> = line["parts"].as_object().unwrap().keys().collect();
        assert_eq!(parts.len(), 3, "{line}");
        let names = [
            "version",
            "id",
            "model",
            "messages",
            "parts",
            "row",
            "temperature",
            "max_output_tokens",
            "seed",
        ];
        assert!(
            line.as_object().unwrap().keys().all(|key| names.contains(&key.as_str())),
            "{line}"
        );
    }
    let rows = env.run("rows one best --json --split dev").ok().json();
    let steps = rows["rows"][0]["trajectory"].as_array().unwrap();
    assert_eq!(steps[0]["by"], "planner");
    assert!(steps.iter().any(|step| step["by"] == "look_up"), "{steps:?}");
    let page = env.run("rows one best --split dev --limit 1").ok().stdout;
    assert!(page.contains("steps     1 planner: look_up"), "{page}");
}

#[test]
fn the_mutator_sees_the_steps_of_training_rows() {
    if !has_python() {
        return;
    }
    let env = with_example("agent-python", "orders");
    let server = Server::start(|_, _| says("I would rather not."));
    let provider = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\n[providers.agent]",
        server.base_url()
    );
    env.edit("orders/task.toml", "sim/editor", "local/editor");
    env.edit("orders/task.toml", "[providers.agent]", &provider);
    env.run("run orders --name one --max-proposals 3 --quiet").ok();
    let requests = server.requests();
    let told = |request: &crate::server::Request| {
        let text = request.content("user");
        text.contains("Steps: [1] planner: look_up\n") && text.contains("[2] look_up: {")
    };
    assert!(requests.iter().any(told), "{}", requests[0].body);
}

/// A kill in the middle: what was answered is not asked again, and the run ends as one that was not disturbed.
#[test]
fn no_row_that_was_answered_is_asked_again_after_a_kill() {
    if !has_python() {
        return;
    }
    let (undisturbed, disturbed) = (with_log(), with_log());
    let line = "run orders --name one --seed 1 --quiet";
    undisturbed.run(line).ok();
    let whole = asked(&undisturbed).len();
    let env = &disturbed;
    let mut before = (0, BTreeSet::new());
    for (kill, wanted) in [40, 120, 200].into_iter().enumerate() {
        let again = if kill == 0 { line } else { "resume one --quiet" };
        let mut command = env.command(again);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(120);
        while !env.path("orders/asked.jsonl").exists() || asked(env).len() < before.0 + wanted {
            assert!(child.try_wait().unwrap().is_none(), "it was over before its kill");
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // A program that is working at that moment reaches the end of its input.
        thread::sleep(Duration::from_millis(500));
        before = check_asked_once(env, before);
    }
    assert!(before.1.len() > 100, "{}", before.1.len());
    env.run("resume one --quiet").ok();
    check_asked_once(env, before);
    // Beyond those in flight at a kill, nothing is asked twice.
    assert!(asked(env).len() <= whole + 3 * 8, "{} and {whole}", asked(env).len());
    let [was, is] = [&undisturbed, env].map(|env| env.json("results/one/summary.json"));
    for key in ["stop_reason", "recommended", "gain", "counts", "front"] {
        assert_eq!(is[key], was[key], "{key}");
    }
    assert_eq!(is["best"]["candidate"], was["best"]["candidate"]);
}

/// Nothing that was answered `before` is asked after it; how much was asked by now, and what is answered.
fn check_asked_once(env: &TestEnv, before: (usize, BTreeSet<String>)) -> (usize, BTreeSet<String>) {
    let asked = asked(env);
    for line in &asked[before.0..] {
        let id = line["id"].as_str().unwrap();
        assert!(!before.1.contains(id), "{id} was answered, and is asked again");
    }
    let of = |event: &Value| event["request"].as_str().unwrap().to_owned();
    (asked.len(), answered(env, "one").iter().map(of).collect())
}

#[test]
fn the_agent_in_shell_follows_its_skill() {
    let env = with_example("agent-shell", "codes");
    let told = env.run("eval codes --json").ok().json();
    let baseline = told["quality"]["mean"].as_f64().unwrap();
    let skill = env.read("codes/SKILL.md").replace(
        "Write the code of the product.",
        "Write the code of the product in lower case, with hyphens between the words.",
    );
    env.write("codes/SKILL.md", &skill);
    let told = env.run("eval codes --json").ok().json();
    assert!(baseline < 0.3, "{baseline}");
    assert_eq!(told["quality"]["mean"], 1.0);
    assert_eq!(told["usd_per_1k"], 0.0);
}

/// The front matter of a skill is sent, is no mutator's business, and is written back.
#[test]
fn the_front_matter_of_a_skill_stays_as_it_is() {
    let env = with_example("agent-shell", "codes");
    let server = Server::start(|number, request| {
        let asked = request.content("user");
        assert!(!asked.contains("name: codes"), "{asked}");
        let at = asked.find("<prompt-").unwrap() + "<prompt-".len();
        let nonce = &asked[at..at + 16];
        // A mutator may write one all the same.
        let own = ["", "---\nname: other\n---\n"][number % 2];
        let text = "Write the code of the product in lower case, with hyphens between the words.";
        let text = format!("{own}{text}{}", " Be exact.".repeat(number));
        says(&format!("<prompt-{nonce} part=\"skill\">\n{text}\n</prompt-{nonce}>"))
    });
    let table = format!(
        "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\n[providers.agent]",
        server.base_url()
    );
    env.edit("codes/task.toml", "sim/editor", "local/editor");
    env.edit("codes/task.toml", "[providers.agent]", &table);
    env.run("run codes --name one --max-proposals 4 --quiet").ok();
    assert!(!server.requests().is_empty());
    let best = env.json("results/one/summary.json")["best"]["prompt"]["skill"].clone();
    let matter = "---\nname: codes\ndescription: Turns the name of a product into its code.\n---\n";
    let text = best.as_str().unwrap();
    assert!(
        text.starts_with(&format!("{matter}Write the code of the product in lower case")),
        "{text}"
    );
    assert!(!text.contains("name: other"), "{text}");
    env.program("git").args(["init", "-q", "repo"]).status().unwrap();
    let commit = [
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "start",
    ];
    env.program("git").args(["-C", "repo"]).args(commit).status().unwrap();
    let mut export = env.command("export one --to repo --path SKILL.md --candidate best");
    for role in ["AUTHOR", "COMMITTER"] {
        export.env(format!("GIT_{role}_NAME"), "Ada");
        export.env(format!("GIT_{role}_EMAIL"), "ada@example.org");
    }
    let exported = export.output().unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let show = ["-C", "repo", "show", "promptsearch/codes:SKILL.md"];
    let shown = env.program("git").args(show).output().unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), text);
    // It is read back as a prompt of the task.
    env.write("best.md", text);
    let told = env.run("eval codes --prompt best.md --json").ok().json();
    assert_eq!(told["quality"]["mean"], 1.0);
}

/// A task whose rows are answered by a shell script.
fn colours_of(script: &str, provider: &str) -> TestEnv {
    let env = TestEnv::with_colours();
    env.write("colours/agent.sh", script);
    let table = format!(
        "[providers.agent]\nkind = \"exec\"\ncommand = [\"sh\", \"agent.sh\"]\n{provider}\n\n[goal]"
    );
    env.edit("colours/task.toml", "sim/clerk", "agent/colours");
    env.edit("colours/task.toml", "[goal]", &table);
    env
}

const WARM: &str = "while read -r line; do echo '{\"answer\": \"warm\"}'; done\n";

#[test]
fn a_cap_in_dollars_needs_to_know_what_a_call_costs_at_most() {
    let env = colours_of(WARM, "");
    insta::assert_snapshot!(env.complaint("run colours --name one --max-usd 1"), @r#"
    exit 3
    error: colours/task.toml:15: the price of `agent/colours` is unknown, but a cap in dollars needs it
      try: under [providers.agent], write what a call costs, in US dollars:

          price = { per_call = "?" }        each costs the same
          price = { max_per_call = "?" }    at most this; it says itself what it paid, as `usd`

        or `free = true`, if none costs anything
    "#);
    assert!(!env.path("results").exists());
    // Without such a cap, nothing is asked about a price.
    env.run("eval colours").ok();
}

/// Another program is another target: its answers are not those of the one before.
#[test]
fn a_program_that_was_edited_is_asked_anew_and_no_run_goes_on_with_it() {
    let env = colours_of(WARM, "free = true");
    let quality =
        || env.run("eval colours --json").ok().json()["quality"]["mean"].as_f64().unwrap();
    let of_warm = quality();
    env.run("run colours --name one --max-calls 60 --quiet").ok();
    env.write("colours/agent.sh", &WARM.replace("warm", "cold"));
    assert!((quality() - (1.0 - of_warm)).abs() < 1e-9, "it was asked");
    let ran = env.run("resume one --max-calls 90 --quiet").exits(3);
    assert!(ran.stderr.contains("agent.sh: the program has changed"), "{}", ran.stderr);
}

#[test]
fn a_call_costs_its_price_or_what_the_target_says() {
    let each = colours_of(WARM, "price = { per_call = 0.01 }");
    let told = each.run("eval colours --split dev --json").ok().json();
    assert_eq!(told["usd_per_1k"], 10.0);
    let said = "while read -r line; do echo '{\"answer\": \"warm\", \"usd\": 0.004}'; done\n";
    let says = colours_of(said, "price = { max_per_call = 0.01 }");
    let told = says.run("eval colours --split dev --json").ok().json();
    assert_eq!(told["usd_per_1k"], 4.0);
    // A cap holds by the worst case: the last call may cost all of it.
    says.run("run colours --name two --max-usd 0.6 --quiet").ok();
    let told = says.json("results/two/summary.json");
    let usd = told["spent"]["usd"].as_f64().unwrap();
    assert!((0.2..=0.6).contains(&usd), "{usd}");
}

#[test]
fn a_bill_above_the_most_is_taken_in_full_and_ends_the_run() {
    let said = "while read -r line; do echo '{\"answer\": \"warm\", \"usd\": 0.07}'; done\n";
    let env = colours_of(said, "price = { max_per_call = 0.05 }\nconcurrency = 1");
    let ran = env.run("run colours --name one --max-usd 5 --quiet").exits(4);
    assert!(
        ran.stderr.contains("says that a call cost $0.0700, above the $0.0500"),
        "{}",
        ran.stderr
    );
    let told = env.json("results/one/summary.json");
    assert_eq!(told["stop_reason"], "over_budget");
    let task = &told["spent"]["by_role"]["task"];
    let (calls, usd) = (task["calls"].as_f64().unwrap(), task["usd"].as_f64().unwrap());
    assert!(calls >= 1.0 && (usd - calls * 0.07).abs() < 1e-9, "{task}");
    assert!(calls < 10.0, "{task}");
}

#[test]
fn a_program_sees_no_variable_that_is_not_listed() {
    let script = "env > seen.txt\n".to_owned() + WARM;
    let mut env = colours_of(&script, "free = true\nenv = [\"AGENT_KEY\"]");
    env.set("OPENAI_API_KEY", "sk-sentinel-000111222333");
    insta::assert_snapshot!(env.complaint("eval colours"), @r#"
    exit 3
    error: the variable `AGENT_KEY` in `env` of provider `agent` is not set
    "#);
    env.set("AGENT_KEY", "sk-agent-444555666777");
    env.run("eval colours").ok();
    let seen = env.read("colours/seen.txt");
    assert!(seen.contains("AGENT_KEY=sk-agent-444555666777"), "{seen}");
    assert!(!seen.contains("sentinel") && !seen.contains("OPENAI"), "{seen}");
    for file in env.files("results") {
        let text = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("sk-agent-444555666777"), "{}", file.display());
    }
}

#[test]
fn what_cannot_be_a_target_is_refused_with_what_to_write() {
    let env = colours_of(WARM, "free = true");
    env.edit("colours/task.toml", "[\"sh\", \"agent.sh\"]", "[\"./agnt.sh\"]");
    insta::assert_snapshot!(env.complaint("eval colours"), @r#"
    exit 3
    error: colours/task.toml:24: the program `./agnt.sh` of provider `agent` does not exist or is not executable
      try: name a program in PATH, or give a path relative to the task's folder, such as `./agent.py`
    "#);
    let env = colours_of(WARM, "free = true\napi_key = \"env:HOME\"");
    insta::assert_snapshot!(env.complaint("eval colours"), @r#"
    exit 3
    error: colours/task.toml:26: `api_key` is of a server, and a program is asked: leave it out, or write `kind = "http"`; a variable with a key is listed in `env`
    "#);
    let env = colours_of(WARM, "free = true");
    env.edit("colours/task.toml", "command = [\"sh\", \"agent.sh\"]", "");
    insta::assert_snapshot!(env.complaint("eval colours"), @r#"
    exit 3
    error: colours/task.toml:22: it names no program: write command = ["python3", "agent.py"]
    "#);
    let env = TestEnv::with_colours();
    let table = "[providers.sim]\nkind = \"sim\"\nprice = { max_per_call = 1.0 }\n\n[goal]";
    env.edit("colours/task.toml", "[goal]", table);
    insta::assert_snapshot!(env.complaint("eval colours"), @r#"
    exit 3
    error: colours/task.toml:15: `max_per_call` is for the kinds `exec` and `http`, which say themselves what a call costs: leave it out
    "#);
}

#[test]
fn doctor_asks_a_target_and_says_what_it_costs() {
    let env = colours_of(WARM, "price = { per_call = 0.01 }");
    let told = env.run("doctor colours").stdout;
    let of_task: Vec<&str> =
        told.lines().filter(|line| line.contains("reach") || line.contains("price")).collect();
    insta::assert_snapshot!(of_task.join("\n"), @r#"
    ok       price    $0.0100 for each call (price of the task)
    ok       reach    the program `sh` answers
    ok       price    $2.50 in and $10.00 out per million tokens (simulated price)
    ok       reach    the model is in this process
    "#);
}

#[test]
fn a_server_is_a_target_too() {
    let server = Server::start(|number, request| {
        if number == 3 {
            return (200, "", json!({"error": "a tool is busy", "retry": true}).to_string());
        }
        let shade = request.body["row"]["input"].as_str().unwrap().len() % 2;
        let (answer, steps) =
            (["warm", "cold"][shade], json!([{"tool": "measure", "content": shade}]));
        let reply = json!({"answer": answer, "trajectory": steps,
            "usage": {"input_tokens": 20, "output_tokens": 2}});
        (200, "", reply.to_string())
    });
    let mut env = TestEnv::with_colours();
    env.set("AGENT_KEY", "sk-agent-444555666777");
    let address = server.base_url().replace("/v1", "/solve");
    let table = format!(
        "[providers.agent]\nkind = \"http\"\nbase_url = \"{address}\"\napi_key = \"env:AGENT_KEY\"\n\
         price = {{ input = 1.0, output = 2.0 }}\n\n[goal]"
    );
    env.edit("colours/task.toml", "sim/clerk", "agent/colours");
    env.edit("colours/task.toml", "[goal]", &table);
    let told = env.run("eval colours --split dev --json").ok().json();
    let requests = server.requests();
    assert_eq!(requests.len(), 19, "one is asked again");
    assert!(requests.iter().all(|it| it.target == "/solve"));
    assert!(requests.iter().all(|it| it.authorization() == Some("Bearer sk-agent-444555666777")));
    let row = requests[0].body["row"].as_object().unwrap();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["input"]);
    // 20 × 1 and 2 × 2 dollars per million tokens.
    assert_eq!(told["usd_per_1k"], 0.024);
    assert_eq!(told["errors"], 0);
    // A retry has the identity of its first attempt.
    let ids: BTreeSet<&str> = requests.iter().map(|it| it.body["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 18);
}
