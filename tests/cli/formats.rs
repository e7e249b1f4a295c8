//! An exported prompt in the formats of other tools, and back.
//!
//! The other tools load the files where they are there: `PROMPTSEARCH_TOOLS` names a folder with a Python environment in
//! `py` (dspy, langchain-core, langfuse) and `js/node_modules` (promptfoo, dotprompt).

use crate::env::{Ran, TestEnv};
use crate::export::{colours_repository, git};
use crate::server::{Server, says};
use crate::versions::released;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const FORMATS: &[(&str, &str)] = &[
    ("json", "p.chat.json"),
    ("promptfoo", "p.promptfooconfig.yaml"),
    ("dotprompt", "p.prompt"),
    ("dspy", "p.dspy.json"),
    ("langfuse", "p.langfuse.json"),
    ("langsmith", "p.langsmith.json"),
];

/// Exports a run to the branch `other`, and puts the file and its evidence into the work tree.
fn exported(env: &TestEnv, run: &str, format: &str, path: &str, more: &str) {
    let line = format!("export {run} --to . --path {path} --format {format} --branch other {more}");
    env.run(&line).ok();
    for file in [path.to_owned(), format!("{path}.evidence.json")] {
        env.write(&file, &git(env, ".", &format!("show other:{file}")));
    }
}

#[test]
fn every_format_is_read_back_wherever_a_prompt_file_is() {
    let (env, _server) = released();
    let summary = env.json("results/won/summary.json");
    let best = summary["best"]["prompt"]["system"].as_str().unwrap();
    let model = "local/clerk";
    let task = env.read("colours/task.toml");
    for (format, path) in FORMATS {
        exported(&env, "won", format, path, "--quiet");
        let file = env.read(path);
        assert!(
            file.contains("Simulated models answered") || file.contains("\"simulated\": true"),
            "{file}"
        );
        assert!(file.contains(model) && !file.contains("secret"), "{file}");
        let told = env.run(&format!("diff won {path} --json")).ok().json();
        let mut parts = told["parts"].as_array().unwrap().iter();
        assert!(parts.all(|part| part["is_changed"] == false), "{path}: {told}");
        let told = env.run(&format!("verify {path} --max-calls 100 --json")).ok().json();
        assert_eq!(
            (&told["scores"]["mean"], &told["changed_parts"]),
            (&1.0.into(), &json!([])),
            "{told}"
        );
        let told = env.run(&format!("log {path} --branch other --json")).ok().json();
        assert_eq!(told[0]["kind"], "exported", "{path}");
        // The task's own prompt may be one.
        let named = format!("{{ file = \"../{path}\" }}");
        env.write("colours/task.toml", &task.replace("\"Answer warm or cold.\"", &named));
        let plan = env.run("plan colours").ok().stdout;
        assert!(plan.contains(best.lines().next().unwrap()), "{path}: {plan}");
        env.write("colours/task.toml", &task);
        // An edit is seen, and what is edited is asked.
        let first = best.lines().next().unwrap();
        env.write(path, &file.replacen(first, "Warm or cold, please.", 9));
        let told = env.run(&format!("diff won {path} --json")).ok().json();
        assert_eq!(told["parts"][0]["is_changed"], true, "{path}: {told}");
        let pieces = told["parts"][0]["pieces"].to_string();
        assert!(pieces.contains("please") && pieces.contains("the last line"), "{path}: {told}");
    }
    let told = env.run("eval colours --prompt p.langsmith.json --max-calls 100 --json").ok().json();
    assert_eq!(told["quality"]["n"], 45);
}

#[test]
fn a_configuration_of_promptfoo_asks_dev_rows_again_and_no_held_out_one() {
    let (env, _server) = released();
    exported(&env, "won", "promptfoo", "p.yaml", "");
    let file = env.read("p.yaml");
    let rows = env.run("rows won best --json").ok().json();
    let dev: BTreeSet<String> =
        rows["rows"].as_array().unwrap().iter().map(|row| row["id"].to_string()).collect();
    let tests = file.lines().filter_map(|line| line.strip_prefix("  - {\"description\":"));
    let tests: Vec<&str> = tests.collect();
    let ids = tests.iter().map(|test| test.split(',').next().unwrap().to_owned());
    assert_eq!(ids.collect::<BTreeSet<String>>(), dev, "{file}");
    assert!(tests.iter().all(|test| test.contains("\"type\":\"javascript\"")), "{file}");
    assert!(file.contains("PROMPTFOO_PASS_RATE_THRESHOLD: \"92\""), "{file}");
    assert!(file.contains("openai:chat:clerk") && file.contains("apiBaseUrl"), "{file}");
    assert!(file.contains("held-out rows are not written into files"), "{file}");
    // It makes a task again.
    env.run("init again --from p.yaml").ok();
    // What promptfoo cannot score is not exported as if it could.
    env.edit("colours/task.toml", "kind = \"label\"", "kind = \"label-set\"");
    env.run("run colours --name set --max-calls 30 --quiet").ok();
    let told = env.complaint("export set --to . --path q.yaml --format promptfoo");
    assert!(told.contains("promptfoo has no assertion like the scorer `label-set`"), "{told}");
}

/// As most configurations of promptfoo are written: the prompt is in a file beside them.
#[test]
fn a_configuration_whose_prompt_is_in_a_file_is_read_wherever_a_prompt_file_is() {
    let (env, _server) = released();
    env.write("suite/prompts/route.txt", "Warm or cold, please.");
    env.write("suite/promptfooconfig.yaml", "prompts: [file://prompts/route.txt]\ntests: []\n");
    let line =
        "eval colours --prompt suite/promptfooconfig.yaml --split dev --max-calls 100 --json";
    let asked = env.run(line).ok().json();
    assert_eq!(asked["quality"]["n"], 45);
    let told = env.run("diff suite/promptfooconfig.yaml suite/prompts/route.txt").ok().stdout;
    assert!(!told.contains("[-") && !told.contains("{+"), "{told}");
    let task = env.read("colours/task.toml");
    let named = "{ file = \"../suite/promptfooconfig.yaml\" }";
    env.write("colours/task.toml", &task.replace("\"Answer warm or cold.\"", named));
    assert!(env.run("plan colours").ok().stdout.contains("Warm or cold, please."));
    env.write("suite/promptfooconfig.yaml", "prompts: [file://prompts/gone.txt]\ntests: []\n");
    let told = env.complaint(line.trim_end_matches(" --json"));
    assert!(told.starts_with("exit 3") && told.contains("prompts/gone.txt"), "{told}");
}

#[test]
fn what_a_format_cannot_say_is_told() {
    let (env, _server) = released();
    env.edit(
        "colours/task.toml",
        "user = \"{{ input }}\"",
        "user = \"{{ input | upper }} {# note #}\"",
    );
    env.run("run colours --name code --max-calls 30 --quiet").ok();
    for (format, path) in &FORMATS[1..] {
        let line = format!("export code --to . --path {path} --format {format} --branch b");
        let told = env.complaint(&line);
        assert!(
            told.starts_with("exit 2") && told.contains("`{{ input | upper }}` does more"),
            "{told}"
        );
        assert!(told.contains("--format md"), "{told}");
    }
    exported(&env, "code", "json", "chat.json", "--quiet");
    env.run("diff code chat.json").ok();
}

/// The candidates with demonstrations in an event.
fn with_demos(value: &Value, found: &mut Vec<String>) {
    if let (Some(id), Some(demos)) = (value["id"].as_str(), value["demos"].as_array())
        && !demos.is_empty()
    {
        found.push(id.to_owned());
    }
    let entries = value.as_object().into_iter().flat_map(|it| it.values());
    entries.chain(value.as_array().into_iter().flatten()).for_each(|it| with_demos(it, found));
}

#[test]
fn demonstrations_that_a_search_chose_are_fields_of_dspy() {
    let env = TestEnv::with_colours();
    colours_repository(&env);
    env.edit("colours/task.toml", "user = ", "demos = \"\"\nuser = ");
    env.edit("colours/task.toml", "search = [\"system\"]", "search = [\"system\", \"demos\"]");
    env.run("run colours --name shots --strategy bootstrap-rs --max-calls 300 --quiet").ok();
    let mut found = Vec::new();
    env.events("shots").iter().for_each(|(_, event)| with_demos(event, &mut found));
    assert!(!found.is_empty());
    for (number, id) in found.iter().enumerate().take(3) {
        let path = format!("p{number}.json");
        exported(&env, "shots", "dspy", &path, &format!("--candidate {id} --quiet"));
        let state = env.json(&path);
        let demos = state["demos"].as_array().unwrap();
        assert!(!demos.is_empty(), "{state:#}");
        for demo in demos {
            assert!(demo["input"].as_str().unwrap().starts_with("Tile "), "{demo}");
            assert!(["warm", "cold"].contains(&demo["answer"].as_str().unwrap()), "{demo}");
        }
        assert_eq!(state["signature"]["instructions"], "Answer warm or cold.");
        let told = env.run(&format!("diff shots:{id} {path} --json")).ok().json();
        let mut parts = told["parts"].as_array().unwrap().iter();
        assert!(parts.all(|part| part["is_changed"] == false), "{told}");
    }
}

/// The folder with the other tools.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMPTSEARCH_TOOLS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PROMPTSEARCH_TOOLS names no folder with the other tools");
    }
    folder
}

/// Runs promptfoo on the exported configuration.
fn promptfoo(env: &TestEnv, tools: &Path) -> Ran {
    let mut node = env.program("node");
    node.arg(tools.join("js/node_modules/promptfoo/dist/src/main.js"));
    node.args(["eval", "-c", FORMATS[1].1, "--no-cache", "-o", "out.json"]);
    node.envs([
        ("PROMPTFOO_DISABLE_TELEMETRY", "1"),
        ("PROMPTFOO_DISABLE_UPDATE", "1"),
        ("PROMPTFOO_CONFIG_DIR", "promptfoo"),
        ("OPENAI_API_KEY", "none"),
    ]);
    Ran::of(node.output().unwrap())
}

#[test]
fn the_other_tools_load_the_files() {
    let Some(tools) = tools() else { return };
    let (env, _server) = released();
    for (format, path) in FORMATS {
        exported(&env, "won", format, path, "--quiet");
    }
    let summary = env.json("results/won/summary.json");
    env.write("best.txt", summary["best"]["prompt"]["system"].as_str().unwrap());
    env.write(
        "check.py",
        r#"
import json, dspy
from langchain_core.load import load
from langfuse.api.prompts.types import create_chat_prompt_request as request
from langfuse.model import ChatPromptClient, Prompt_Chat
best = open("best.txt").read()
expected = [("system", best), ("user", "red tile")]
prompt = load(json.load(open("p.langsmith.json")))
told = [("user" if m.type == "human" else m.type, m.content) for m in prompt.invoke({"input": "red tile"}).messages]
assert told == expected, told
body = json.load(open("p.langfuse.json"))
body["type"] = "chat"
request.CreateChatPromptRequest(**body)
client = ChatPromptClient(Prompt_Chat(version=1, **{k: body[k] for k in ("name", "prompt", "config", "labels", "tags")}))
told = [(m["role"], m["content"]) for m in client.compile(input="red tile")]
assert told == expected, told
predict = dspy.Predict("input -> answer")
predict.load("p.dspy.json")
assert predict.signature.instructions == best
print("loaded")
"#,
    );
    let mut python = env.program(tools.join("py/bin/python").to_str().unwrap());
    let ran = Ran::of(python.arg("check.py").output().unwrap()).ok();
    assert!(ran.stdout.contains("loaded"));
    let dotprompt = tools.join("js/node_modules/dotprompt");
    env.write(
        "check.js",
        &format!(
            r#"
const {{ Dotprompt }} = require("{}");
const fs = require("fs");
new Dotprompt().render(fs.readFileSync("p.prompt", "utf8"), {{ input: {{ input: "red tile" }} }}).then((it) => {{
  const told = it.messages.map((m) => [m.role, m.content.map((p) => p.text).join("")]);
  const expected = [["system", fs.readFileSync("best.txt", "utf8")], ["user", "red tile"]];
  if (JSON.stringify(told) !== JSON.stringify(expected) || it.model !== "local/clerk") throw new Error(JSON.stringify(it));
  console.log("loaded");
}});
"#,
            dotprompt.display()
        ),
    );
    let ran = Ran::of(env.program("node").arg("check.js").output().unwrap()).ok();
    assert!(ran.stdout.contains("loaded"), "{}", ran.stderr);
    // Against the server of the run, the prompt passes as it did.
    promptfoo(&env, &tools).ok();
    let stats = env.json("out.json")["results"]["stats"].clone();
    assert_eq!((&stats["successes"], &stats["failures"]), (&45.into(), &0.into()), "{stats}");
}

/// What means something to some template language.
const TRICKY: &str = "Say {x} or {\"a\": {\"b\": 1}} \\ and \\{{ input }} {{{ input }}} {% raw %}{{ no }} {% if %} {# c #} {{#if z}}{% endraw %} \u{e9}\r\nEnd.  ";

#[test]
fn the_other_tools_show_a_tricky_prompt_as_it_is() {
    let Some(tools) = tools() else { return };
    let server = Server::start(|_, _| says("warm"));
    let env = TestEnv::with_server(&server, "");
    colours_repository(&env);
    env.edit("colours/task.toml", "\"Answer warm or cold.\"", "{ file = \"system.md\" }");
    env.write("colours/system.md", TRICKY);
    env.run("run colours --name tricky --max-calls 200 --quiet").ok();
    let asked = |from: usize| {
        let requests = server.requests();
        let each = requests[from..].iter();
        each.map(|it| format!("{}\n{}", it.content("system"), it.content("user")))
            .collect::<BTreeSet<_>>()
    };
    let own = asked(0);
    let asked_of_it = own.iter().filter_map(|it| it.rsplit_once('\n'));
    let mut asked_of_it = asked_of_it.filter(|(system, _)| system.ends_with("End.  "));
    let (system, user) = asked_of_it.next().unwrap();
    env.write("expected.json", &json!([["system", system], ["user", user]]).to_string());
    for (format, path) in [FORMATS[1], FORMATS[2], FORMATS[5]] {
        exported(&env, "tricky", format, path, "--candidate baseline --quiet");
    }
    env.write(
        "check.py",
        r#"
import json
from langchain_core.load import load
expected = json.load(open("expected.json"))
prompt = load(json.load(open("p.langsmith.json")))
told = [["user" if m.type == "human" else m.type, m.content] for m in prompt.invoke({"input": expected[1][1]}).messages]
assert told == expected, told
"#,
    );
    let mut python = env.program(tools.join("py/bin/python").to_str().unwrap());
    Ran::of(python.arg("check.py").output().unwrap()).ok();
    env.write(
        "check.js",
        &format!(
            r#"
const {{ Dotprompt }} = require("{}");
const fs = require("fs");
const expected = JSON.parse(fs.readFileSync("expected.json", "utf8"));
new Dotprompt().render(fs.readFileSync("p.prompt", "utf8"), {{ input: {{ input: expected[1][1] }} }}).then((it) => {{
  const told = it.messages.map((m) => [m.role, m.content.map((p) => p.text).join("")]);
  if (JSON.stringify(told) !== JSON.stringify(expected)) throw new Error(JSON.stringify(told));
}});
"#,
            tools.join("js/node_modules/dotprompt").display()
        ),
    );
    Ran::of(env.program("node").arg("check.js").output().unwrap()).ok();
    let before = server.requests().len();
    promptfoo(&env, &tools);
    let others: Vec<String> = asked(before).difference(&own).cloned().collect();
    assert!(server.requests().len() > before && others.is_empty(), "{others:#?}");
}
