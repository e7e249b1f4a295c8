//! What runs `promptsearch` for a repository: the GitHub Action and the hook of pre-commit, with a real git.

use crate::env::{Ran, TestEnv};
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};
use saphyr::{LoadableYamlNode, Yaml};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROMPT: &str = "prompts/route.md";
const EVIDENCE: &str = "prompts/route.evidence.json";

/// A repository with an exported prompt, and a switch that makes all answers wrong.
fn repository() -> (TestEnv, Server, Arc<AtomicBool>) {
    let drifted = Arc::new(AtomicBool::new(false));
    let has_drifted = Arc::clone(&drifted);
    let server = Server::start(move |_, request| {
        let is_baseline = request.content("system") == "Answer warm or cold.";
        let is_wrong = is_baseline || has_drifted.load(Ordering::SeqCst);
        says(["warm", "cold"][(tile(request) + usize::from(is_wrong)) % 2])
    });
    let mut env = TestEnv::with_server(&server, "");
    // The scripts find the program as a person's shell does.
    let bin = Path::new(env!("CARGO_BIN_EXE_promptsearch")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    env.set("PATH", &format!("{}:{}", bin.display(), path.display()));
    colours_repository(&env);
    env.run("run colours --name won --max-calls 250 --quiet").ok();
    env.run(&format!("export won --to . --path {PROMPT} --branch prompts --quiet")).ok();
    git(&env, ".", "checkout --quiet prompts");
    server.requests().clear();
    (env, server, drifted)
}

fn ran(command: &mut Command) -> Ran {
    Ran::of(command.output().unwrap())
}

/// A step of the action.
struct Step {
    condition: String,
    script: String,
    /// Its environment, with the inputs in it.
    variables: Vec<(String, String)>,
}

/// The steps of the action with these inputs.
fn steps(inputs: &[(&str, &str)]) -> Vec<Step> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("action.yml")).unwrap();
    let action = Yaml::load_from_str(&text).unwrap().remove(0);
    let of = |name: &str| -> String {
        let given = inputs.iter().find(|(input, _)| *input == name);
        let input = &action["inputs"][name];
        assert!(input.as_mapping().is_some(), "no input {name}");
        let default = || input.as_mapping_get("default").and_then(|it| it.as_str());
        given.map(|(_, text)| *text).or_else(default).unwrap_or_default().to_owned()
    };
    let steps = action["runs"]["steps"].as_sequence().unwrap().iter();
    steps
        .map(|step| {
            let run = step["run"].as_str().unwrap().to_owned();
            assert!(!run.contains("${{"), "text from outside is no part of a script: {run}");
            assert_eq!(step["shell"].as_str(), Some("bash"));
            let condition = step.as_mapping_get("if").and_then(|it| it.as_str()).unwrap_or("");
            let variables = step.as_mapping_get("env").and_then(|it| it.as_mapping());
            let variables = variables.into_iter().flatten().map(|(name, value)| {
                let value = value.as_str().unwrap();
                let input = value.strip_prefix("${{ inputs.").and_then(|it| it.strip_suffix(" }}"));
                (name.as_str().unwrap().to_owned(), of(input.unwrap()))
            });
            Step { condition: condition.to_owned(), script: run, variables: variables.collect() }
        })
        .collect()
}

/// Runs the steps of the action but for its installation.
fn action(env: &TestEnv, inputs: &[(&str, &str)]) -> Ran {
    let mut steps = steps(inputs);
    let Step { condition, script, variables } = steps.pop().unwrap();
    assert_eq!((steps.len(), condition.as_str()), (1, ""));
    assert_eq!(steps[0].condition, "inputs.install == 'true'");
    let mut command = env.program("bash");
    command.args(["-e", "-c", &script]).envs(variables);
    command.env("GITHUB_ACTION_PATH", ROOT).env("GITHUB_STEP_SUMMARY", env.path("summary.md"));
    ran(&mut command)
}

#[test]
fn the_action_verifies_prompts_and_writes_into_the_summary_of_the_job() {
    let (env, server, drifted) = repository();
    env.write("summary.md", "# Build\n\n");
    let inputs = [
        ("prompts", "prompts/route.md\n"),
        ("max-usd", "1"),
        ("tolerance", "0.2"),
        ("junit", "reports"),
    ];
    action(&env, &inputs).ok();
    assert!(!server.requests().is_empty());
    let summary = env.read("summary.md");
    assert!(summary.starts_with("# Build\n\n### Prompt "), "{summary}");
    assert!(summary.contains("**holds: not worse than its record"), "{summary}");
    assert!(env.read("reports/prompt-1.xml").contains("failures=\"0\""));

    drifted.store(true, Ordering::SeqCst);
    // One that cannot be read does not hide one that failed, whatever their order.
    for prompts in ["prompts/route.md\nprompts/none.md", "prompts/none.md\nprompts/route.md\n"] {
        let inputs = [("prompts", prompts), ("tolerance", "0.2")];
        let ran = action(&env, &inputs).exits(6);
        assert!(ran.stderr.contains("the prompt is worse than its record"), "{}", ran.stderr);
    }
    action(&env, &[("prompts", "prompts/none.md")]).exits(3);
    action(&env, &[("prompts", "\n")]).exits(2);
    assert!(env.read("summary.md").contains("**worse than its record"));
    // Offline no model is asked, so that the drift is not seen, and an edit is.
    server.requests().clear();
    let offline = [("prompts", PROMPT), ("offline", "true")];
    action(&env, &offline).ok();
    env.write(PROMPT, &(env.read(PROMPT) + "Be kind.\n"));
    action(&env, &offline).exits(6);
    assert!(server.requests().is_empty());
}

#[test]
fn text_from_outside_is_never_a_command() {
    let (env, ..) = repository();
    let evil = "x\"; touch owned; echo \"$(touch owned)`touch owned`";
    let inputs = [
        ("prompts", evil),
        ("max-usd", "1; touch owned"),
        ("task", "$(touch owned)"),
        ("tolerance", "0.2 && touch owned"),
        ("junit", "`touch owned`"),
    ];
    action(&env, &inputs).exits(2);
    action(&env, &[("prompts", &format!("{evil}\n--help"))]).exits(3);
    assert!(!env.path("owned").exists());
    // Nor is what the program prints one of the runner.
    let ran = action(&env, &[("prompts", "::set-output name=x::y")]).exits(3);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    let token = first.strip_prefix("::stop-commands::").unwrap();
    assert_eq!((last, token.len()), (&*format!("::{token}::"), 32));
}

fn hook(env: &TestEnv, files: &[&str]) -> Ran {
    let mut command = env.program("bash");
    ran(command.arg(format!("{ROOT}/hooks/exported-prompts.sh")).args(files))
}

#[test]
fn the_hook_passes_what_was_exported_and_refuses_what_was_edited() {
    let (env, server, _) = repository();
    env.write("README.md", "No prompt.\n");
    hook(&env, &["README.md", PROMPT, EVIDENCE]).ok();
    let evidence = env.read(EVIDENCE);
    env.write(EVIDENCE, &evidence.replace("\"confirmed\": true", "\"confirmed\": false"));
    for files in [&[PROMPT][..], &[EVIDENCE]] {
        let ran = hook(&env, files).exits(3);
        assert!(ran.stderr.contains("does not match its seal"), "{}", ran.stderr);
    }
    env.write(EVIDENCE, &evidence);
    let prompt = env.read(PROMPT);
    // An edit of the text, and one of what the front matter claims.
    for edited in [
        prompt.clone() + "Be kind.\n",
        prompt.replace("status: \"confirmed\"", "status: \"proven\""),
    ] {
        assert_ne!(edited, prompt);
        env.write(PROMPT, &edited);
        let ran = hook(&env, &[EVIDENCE]).exits(6);
        assert!(ran.stderr.contains("was edited since it was exported"), "{}", ran.stderr);
    }
    // Other ends of lines are no edit.
    env.write(PROMPT, &prompt.replace('\n', "\r\n"));
    hook(&env, &[PROMPT]).ok();
    env.write(PROMPT, &prompt);
    // Code and chat messages have evidence, too.
    for format in ["python", "json"] {
        let path = format!("prompts/route.{format}");
        let export = format!("export won --to . --path {path} --format {format} --branch {format}");
        env.run(&format!("{export} --quiet")).ok();
        git(&env, ".", &format!("checkout --quiet {format}"));
        hook(&env, &[&path]).ok();
        env.write(&path, &(env.read(&path) + "\n"));
        hook(&env, &[&format!("{path}.evidence.json")]).exits(6);
        git(&env, ".", "checkout --quiet --force prompts");
    }
    assert!(server.requests().is_empty(), "no model is asked");
    hook(&env, &["--ask", "--tolerance=0.2", PROMPT]).ok();
    assert!(!server.requests().is_empty(), "unless it is told to");
}

#[test]
fn as_a_hook_of_git_it_looks_at_what_is_committed() {
    let (env, ..) = repository();
    env.write(
        ".git/hooks/pre-commit",
        &format!("#!/bin/sh\nexec bash {ROOT}/hooks/exported-prompts.sh\n"),
    );
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(env.path(".git/hooks/pre-commit"), executable).unwrap();
    let commit = || ran(env.program("git").args(["commit", "--quiet", "-m", "Change"]));
    let prompt = env.read(PROMPT);
    env.write(PROMPT, &(prompt.clone() + "Be kind.\n"));
    git(&env, ".", "add prompts");
    let refused = commit();
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("was edited since it was exported"), "{}", refused.stderr);
    // The work tree is put right, and what is staged is not.
    env.write(PROMPT, &prompt);
    assert_eq!(commit().code, 1);
    git(&env, ".", "add prompts");
    env.write("notes.txt", "Other work.\n");
    git(&env, ".", "add notes.txt");
    // Edited again, and not staged: that is not committed.
    env.write(PROMPT, "Something else.");
    assert_eq!(commit().code, 0);
    // A prompt without its evidence, whether that is deleted or moved away.
    git(&env, ".", "checkout --quiet --force prompts");
    for change in [format!("rm --quiet {EVIDENCE}"), format!("mv {EVIDENCE} kept.json")] {
        git(&env, ".", &change);
        let refused = commit();
        assert_eq!(refused.code, 1, "{change}: {}", refused.stderr);
        git(&env, ".", "reset --quiet --hard");
    }
    // A link in place of the prompt, to a file that is there and to none.
    env.write("copy.md", &prompt);
    for target in [env.path("copy.md"), "nowhere.md".into()] {
        std::fs::remove_file(env.path(PROMPT)).unwrap();
        std::os::unix::fs::symlink(target, env.path(PROMPT)).unwrap();
        git(&env, ".", &format!("add {PROMPT}"));
        let refused = commit();
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("is a link and no file"), "{}", refused.stderr);
        git(&env, ".", "reset --quiet --hard");
    }
    // Both together may go.
    git(&env, ".", &format!("rm --quiet {PROMPT} {EVIDENCE}"));
    assert_eq!(commit().code, 0);
}
