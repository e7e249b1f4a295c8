//! A run's prompt in a git repository.

use crate::env::{COLOURS, Ran, TestEnv, colour_rows};
use crate::server::{Server, says, tile};
use std::process::Command;

/// A text with characters that are special in templates, Markdown and front matter.
const BASELINE: &str = "---\nSay *warm* or cold — {% never %} more, {not this} nor {{ '{{' }} …\n\n\tAnd `no` \"label\".\n";

pub(crate) fn git(env: &TestEnv, repo: &str, arguments: &str) -> String {
    let mut command: Command = env.program("git");
    command.arg("-C").arg(env.path(repo)).args(arguments.split_whitespace());
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.code, 0, "git {arguments}: {}", ran.stderr);
    ran.stdout
}

/// Makes the folder a repository whose branch `main` has the task `colours`, with 150 rows.
pub(crate) fn colours_repository(env: &TestEnv) {
    env.write("colours/rows.jsonl", &colour_rows(150));
    git(env, ".", "init --quiet --initial-branch main");
    git(env, ".", "config user.name Tester");
    git(env, ".", "config user.email tester@example.org");
    git(env, ".", "add colours");
    git(env, ".", "commit --quiet -m Begin");
}

/// A repository with one commit, and a bare one as its `origin`.
fn repository(env: &TestEnv) {
    std::fs::create_dir_all(env.path("repo")).unwrap();
    std::fs::create_dir_all(env.path("origin.git")).unwrap();
    git(env, "origin.git", "init --quiet --bare");
    git(env, "repo", "init --quiet --initial-branch main");
    git(env, "repo", "config user.name Tester");
    git(env, "repo", "config user.email tester@example.org");
    env.write("repo/README.md", "A product.\n");
    git(env, "repo", "add README.md");
    git(env, "repo", "commit --quiet -m Begin");
    git(env, "repo", "remote add origin ../origin.git");
    // Uncommitted work must not be touched.
    env.write("repo/README.md", "A product, changed.\n");
    env.write("repo/staged.txt", "staged\n");
    git(env, "repo", "add staged.txt");
}

fn state(env: &TestEnv) -> [String; 4] {
    [
        git(env, "repo", "rev-parse HEAD"),
        git(env, "repo", "symbolic-ref HEAD"),
        git(env, "repo", "status --porcelain"),
        git(env, "repo", "diff --cached"),
    ]
}

/// A run in which every change of the prompt helps: the provider answers correctly with any prompt
/// except the baseline.
fn improved(env: &TestEnv) -> Server {
    let server = Server::start(|_, request| {
        let right = tile(request) % 2;
        let changed = request.content("system") != BASELINE;
        says(["warm", "cold"][if changed { right } else { 1 - right }])
    });
    let task = COLOURS
        .replace("\"Answer warm or cold.\"", "{ file = \"system.md\" }")
        .replace("sim/clerk", "local/clerk")
        .replace(
            "[goal]",
            &format!(
                "[providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nfree = true\n\n[goal]",
                server.base_url()
            ),
        );
    env.write("colours/task.toml", &task);
    env.write("colours/system.md", BASELINE);
    env.write("colours/rows.jsonl", &colour_rows(150));
    env.run("run colours --name won --max-calls 250").ok();
    assert_eq!(env.json("results/won/summary.json")["confirmed"], true);
    server
}

#[test]
fn the_confirmed_prompt_is_committed_as_it_was_sent() {
    let env = TestEnv::new();
    let server = improved(&env);
    repository(&env);
    let before = state(&env);
    let told = env.run("export won --to repo --path prompts/route.md --json").ok().json();
    assert_eq!(state(&env), before);
    assert_eq!(
        (&told["branch"], &told["status"]),
        (&"promptsearch/colours".into(), &"confirmed".into())
    );
    let file = git(&env, "repo", "show promptsearch/colours:prompts/route.md");
    let (matter, text) = file.strip_prefix("---\n").unwrap().split_once("\n---\n\n").unwrap();
    let id = told["candidate"].as_str().unwrap();
    assert!(
        matter.contains(id) && matter.contains("confirmed") && matter.contains("won"),
        "{matter}"
    );
    // The summary, the journal and the requests have the same bytes.
    let summary = env.json("results/won/summary.json");
    assert_eq!(text, summary["best"]["prompt"]["system"].as_str().unwrap());
    let events = env.events("won");
    let journaled = events.iter().any(|(_, event)| {
        let event = event.to_string();
        event.contains(id) && event.contains(&serde_json::to_string(text).unwrap())
    });
    assert!(journaled, "no event holds the exported text");
    assert!(server.requests().iter().any(|request| request.content("system") == text));
    // The evidence file.
    let sidecar = git(
        &env,
        "repo",
        &format!("show promptsearch/colours:{}", told["sidecar"].as_str().unwrap()),
    );
    let sidecar: serde_json::Value = serde_json::from_str(&sidecar).unwrap();
    assert!(sidecar.to_string().contains(id), "{sidecar}");
    let parent = git(&env, "repo", "rev-parse promptsearch/colours~1");
    assert_eq!(parent, before[0]);

    // A second export changes nothing.
    let again = env.run("export won --to repo --path prompts/route.md --json").ok().json();
    assert_eq!((&again["unchanged"], &again["commit"]), (&true.into(), &told["commit"]));

    // The exported file can be read, and its prompt is sent byte for byte.
    env.write("route.md", &file);
    let asked = server.requests().len();
    let told = env.run("eval colours --prompt route.md --max-calls 100 --json").ok().json();
    assert_eq!(told["quality"]["mean"], 1.0);
    assert!(server.requests()[asked..].iter().all(|request| request.content("system") == text));
    assert_eq!(server.requests().len() - asked, 45);

    // Chat messages.
    env.run("export won --to repo --path prompts/route.json --format json --branch other").ok();
    let file = git(&env, "repo", "show other:prompts/route.json");
    let messages: serde_json::Value = serde_json::from_str(&file).unwrap();
    let messages = messages.get("messages").unwrap_or(&messages);
    assert_eq!(messages[0]["role"], "system");
    assert_eq!(messages[0]["content"], text);
    assert_eq!(messages[1]["content"], "{{ input }}");
    assert_eq!(state(&env), before);
}

#[test]
fn nothing_is_pushed_unasked() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 60").ok();
    repository(&env);
    let told = env.run("export one --to repo --path p.md --json").ok().json();
    assert_eq!(told["pushed"], false);
    assert_eq!(git(&env, "origin.git", "branch --list"), "");
    let told = env.run("export one --to repo --path p.md --push --json").ok().json();
    assert_eq!(told["pushed"], true);
    assert!(git(&env, "origin.git", "branch --list").contains("promptsearch/colours"));
}

#[test]
fn a_file_with_changes_of_the_users_is_left_alone() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one --max-calls 60").ok();
    repository(&env);
    env.write("repo/mine.md", "mine\n");
    let before = state(&env);
    insta::assert_snapshot!(env.complaint("export one --to repo --path mine.md"), @r"
    exit 2
    error: `mine.md` is in the work tree but not committed
      try: commit, stash or move `mine.md`; nothing was written
    ");
    insta::assert_snapshot!(env.complaint("export one --to repo --path README.md"), @r"
    exit 2
    error: `README.md` has changes in the work tree that are not committed
      try: commit, stash or move `README.md`; nothing was written
    ");
    insta::assert_snapshot!(env.complaint("export one --to repo --path ../out.md"), @r"
    exit 2
    error: cannot export to the path `../out.md`: it leaves the repository through `..`
      try: give a path relative to the top of the repository, such as `prompts/triage.md`
    ");
    insta::assert_snapshot!(env.complaint("export one --to colours --path p.md"), @r"
    exit 2
    error: `colours` is not a usable git repository: not a git repository (or any of the parent directories): .git
      try: name an existing repository, or create one with `git init`
    ");
    insta::assert_snapshot!(env.complaint("export one --to repo --path p.md --candidate ffff"), @r"
    exit 2
    error: this run has no candidate `ffff`
      try: give `baseline`, `best`, a number such as `n7`, or an id or its beginning; the incumbents are: 5555abe2b085 (#0)
    ");
    assert_eq!(state(&env), before);
    assert_eq!(git(&env, "repo", "branch --list").trim(), "* main");
}

#[test]
fn an_unconfirmed_winner_is_exported_only_on_request() {
    let env = TestEnv::with_colours();
    env.run("run colours --name one").ok();
    let summary = env.json("results/one/summary.json");
    assert_eq!(
        (&summary["confirmed"], &summary["recommended"]),
        (&false.into(), &"baseline".into())
    );
    repository(&env);
    let told = env.run("export one --to repo --path a.md --json").ok().json();
    assert_eq!(
        (&told["candidate"], &told["status"]),
        (&summary["baseline"]["candidate"], &"baseline".into())
    );
    assert!(git(&env, "repo", "show promptsearch/colours:a.md").contains("Answer warm or cold."));
    let told = env.run("export one --to repo --path b.md --accept-unconfirmed --json").ok().json();
    assert_eq!(
        (&told["candidate"], &told["status"]),
        (&summary["best"]["candidate"], &"unconfirmed".into())
    );
    let file = git(&env, "repo", "show promptsearch/colours:b.md");
    assert!(file.lines().any(|line| line.contains("unconfirmed")), "{file}");
    assert!(git(&env, "repo", "log -1 --format=%B promptsearch/colours").contains("unconfirmed"));
    let id = summary["best"]["candidate"].as_str().unwrap();
    let told = env
        .run(&format!("export one --to repo --path c.md --candidate {} --json", &id[..6]))
        .ok()
        .json();
    assert_eq!((&told["candidate"], &told["status"]), (&id.into(), &"unconfirmed".into()));
    env.run(&format!("export one --to repo --path c.md --candidate {id} --accept-unconfirmed"))
        .exits(2);
    assert!(env.run("export one --to repo --path a.md").ok().stdout.contains("not pushed"));
}
