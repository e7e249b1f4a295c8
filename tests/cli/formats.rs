//! An exported prompt in the formats of other tools, and back.
//!
//! The other tools load the files where they are there: `PROMPTSEARCH_TOOLS` names a folder with a Python environment in
//! `py` (dspy, langchain-core, langfuse) and `js/node_modules` (promptfoo, dotprompt).

use crate::env::{Ran, TestEnv};
use crate::export::git;
use crate::versions::released;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

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

/// The folder with the other tools.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMPTSEARCH_TOOLS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PROMPTSEARCH_TOOLS names no folder with the other tools");
    }
    folder
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
    let promptfoo = tools.join("js/node_modules/promptfoo/dist/src/main.js");
    let mut node = env.program("node");
    node.arg(promptfoo).args([
        "eval",
        "-c",
        "p.promptfooconfig.yaml",
        "--no-cache",
        "-o",
        "out.json",
    ]);
    node.envs([
        ("PROMPTFOO_DISABLE_TELEMETRY", "1"),
        ("PROMPTFOO_DISABLE_UPDATE", "1"),
        ("PROMPTFOO_CONFIG_DIR", "promptfoo"),
        ("OPENAI_API_KEY", "none"),
    ]);
    Ran::of(node.output().unwrap()).ok();
    let stats = env.json("out.json")["results"]["stats"].clone();
    assert_eq!((&stats["successes"], &stats["failures"]), (&45.into(), &0.into()), "{stats}");
}
