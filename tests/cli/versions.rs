//! The versions of an exported prompt: listed, taken back, and described for a pull request.

use crate::env::{Ran, TestEnv};
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};

const PROMPT: &str = "prompts/route.md";
const EVIDENCE: &str = "prompts/route.evidence.json";
const BRANCH: &str = "promptsearch/colours";

/// A repository whose branch `main` has two versions of a prompt, the baseline and one that a run confirmed, and with
/// other work in it.
pub(crate) fn released() -> (TestEnv, Server) {
    let server = Server::start(|_, request| {
        let right = tile(request) % 2;
        let is_baseline = request.content("system") == "Answer warm or cold.";
        says(["warm", "cold"][if is_baseline { 1 - right } else { right }])
    });
    let env = TestEnv::with_server(&server, "");
    colours_repository(&env);
    env.run("run colours --name won --max-calls 250 --quiet").ok();
    let id = env.json("results/won/summary.json")["baseline"]["candidate"].clone();
    let id = id.as_str().unwrap();
    env.run(&format!("export won --to . --path {PROMPT} --candidate {id} --quiet")).ok();
    git(&env, ".", &format!("merge --quiet --no-ff -m one {BRANCH}"));
    env.run(&format!("export won --to . --path {PROMPT} --quiet")).ok();
    git(&env, ".", &format!("merge --quiet --no-ff -m two {BRANCH}"));
    env.write("colours/task.toml", &(env.read("colours/task.toml") + "# mine\n"));
    env.write("staged.txt", "staged\n");
    git(&env, ".", "add staged.txt");
    (env, server)
}

fn state(env: &TestEnv) -> [String; 3] {
    ["rev-parse HEAD", "status --porcelain --untracked-files=no", "diff --cached"]
        .map(|arguments| git(env, ".", arguments))
}

fn versions(env: &TestEnv, more: &str) -> Vec<serde_json::Value> {
    env.run(&format!("log {PROMPT} --json {more}")).ok().json().as_array().unwrap().clone()
}

#[test]
fn the_versions_of_a_prompt_are_listed_with_their_evidence() {
    let (env, _server) = released();
    let summary = env.json("results/won/summary.json");
    let found = versions(&env, "");
    assert_eq!(found.len(), 2);
    let (new, old) = (&found[0], &found[1]);
    assert_eq!((&new["verdict"], &new["kind"]), (&"confirmed".into(), &"exported".into()));
    assert_eq!(new["candidate"], summary["best"]["candidate"]);
    assert_eq!(new["held_out"], summary["best"]["hold"]);
    assert_eq!(new["usd_per_1k"], summary["best"]["usd_per_1k"]);
    // The mutator is simulated.
    assert_eq!((&new["simulated"], &new["run"]), (&true.into(), &"won".into()));
    assert_eq!(old["verdict"], "chosen by hand");
    assert_eq!(old["held_out"], summary["baseline"]["hold"]);
    let text = env.run(&format!("log {PROMPT}")).ok().stdout;
    assert!(text.contains("confirmed · held out 100.0 % ("), "{text}");
    assert!(text.contains("chosen by hand · held out 0.0 % ("), "{text}");
    // From another folder, too.
    let mut within = env.command("log route.md --json");
    let ran = Ran::of(within.current_dir(env.path("prompts")).output().unwrap()).ok();
    assert_eq!(ran.json().as_array().unwrap().len(), 2);

    // What was edited by hand is told.
    env.write(PROMPT, &(env.read(PROMPT) + " Be kind."));
    git(&env, ".", &format!("commit --quiet -m edited {PROMPT}"));
    let text = env.run(&format!("log {PROMPT}")).ok().stdout;
    assert!(text.contains("edited since: the text is not that of the evidence"), "{text}");
    assert_eq!(versions(&env, "")[0]["kind"], "edited");
    insta::assert_snapshot!(env.complaint("log other.md"), @r"
    exit 2
    error: no commit of `HEAD` has `other.md`
      try: name the branch that `export` wrote to: --branch promptsearch/TASK
    ");
    insta::assert_snapshot!(env.complaint("log prompts/route.md --branch nowhere"), @r"
    exit 2
    error: `nowhere`: bad revision 'nowhere'
      try: name a branch, a tag or a commit; `promptsearch log FILE` lists the versions
    ");
}

#[test]
fn an_earlier_version_is_committed_and_no_other_work_is_touched() {
    let (env, _server) = released();
    let before = state(&env);
    let found = versions(&env, "");
    let told = env.run(&format!("rollback {PROMPT} --json")).ok().json();
    assert_eq!((&told["to"], &told["branch"]), (&found[1]["commit"], &BRANCH.into()));
    assert_eq!(state(&env), before);
    let old = found[1]["commit"].as_str().unwrap();
    for file in [PROMPT, EVIDENCE] {
        let at = |revision: &str| git(&env, ".", &format!("show {revision}:{file}"));
        assert_eq!(at(BRANCH), at(old), "{file}");
    }
    assert_eq!(git(&env, ".", &format!("rev-parse {BRANCH}~1")), before[0], "upon what is merged");
    let message = git(&env, ".", &format!("log -1 --format=%B {BRANCH}"));
    assert!(message.contains(&format!("Promptsearch-Rollback-To: {old}")), "{message}");
    assert!(message.contains("It replaces prompt") && message.contains("confirmed"), "{message}");
    assert_eq!(git(&env, ".", &format!("diff --name-only {BRANCH}~1 {BRANCH}")).lines().count(), 2);
    // Once more changes nothing.
    let again = env.run(&format!("rollback {PROMPT} --json")).ok().json();
    assert_eq!((&again["unchanged"], &again["commit"]), (&true.into(), &told["commit"]));

    // After the merge it is a version like any other; there is none before it, and it can be undone.
    git(&env, ".", &format!("merge --quiet {BRANCH}"));
    let found = versions(&env, "");
    assert_eq!((found.len(), &found[0]["same_as"]), (3, &old.into()));
    insta::assert_snapshot!(env.complaint(&format!("rollback {PROMPT}")), @r"
    exit 2
    error: `prompts/route.md` has no earlier version with evidence
      try: `promptsearch log FILE` lists the versions; name one with --to
    ");
    let newer = found[1]["commit"].as_str().unwrap();
    let told = env.run(&format!("rollback {PROMPT} --to {newer} --json")).ok().json();
    assert_eq!(told["candidate"], env.json("results/won/summary.json")["best"]["candidate"]);
}

#[test]
fn what_cannot_be_taken_back_is_told_and_changes_nothing() {
    let (env, _server) = released();
    let tip = git(&env, ".", &format!("rev-parse {BRANCH}"));
    let text = env.read(PROMPT);
    env.write(PROMPT, &(text.clone() + "mine"));
    insta::assert_snapshot!(env.complaint(&format!("rollback {PROMPT}")), @r"
    exit 2
    error: `prompts/route.md` has changes in the work tree that are not committed
      try: commit, stash or move `prompts/route.md`; nothing was written
      try: `git checkout HEAD -- prompts/route.md prompts/route.evidence.json` takes back what is not committed
    ");
    // Also where what HEAD has is asked for, which the work tree has not.
    let told = env.complaint(&format!("rollback {PROMPT} --to HEAD"));
    assert!(told.contains("changes in the work tree"), "{told}");
    let told = env.run(&format!("verify {PROMPT} --offline")).exits(6).stderr;
    assert!(told.contains("  try: `git checkout HEAD -- prompts/route.md "), "{told}");
    env.write(PROMPT, &text);
    let evidence = env.read(EVIDENCE);
    env.write(EVIDENCE, &(evidence.clone() + "\n"));
    insta::assert_snapshot!(env.complaint(&format!("rollback {PROMPT}")), @r"
    exit 2
    error: `prompts/route.evidence.json` has changes in the work tree that are not committed
      try: commit, stash or move `prompts/route.evidence.json`; nothing was written
      try: `git checkout HEAD -- prompts/route.md prompts/route.evidence.json` takes back what is not committed
    ");
    env.write(EVIDENCE, &evidence);
    let told = env.complaint(&format!("rollback {PROMPT} --to HEAD"));
    assert!(told.starts_with("exit 2\nerror: `prompts/route.md` is as it was in "), "{told}");
    insta::assert_snapshot!(env.complaint(&format!("rollback {PROMPT} --to HEAD~9")), @r"
    exit 2
    error: `HEAD~9`: bad revision 'HEAD~9'
      try: name a branch, a tag or a commit; `promptsearch log FILE` lists the versions
    ");
    insta::assert_snapshot!(env.complaint("rollback colours/task.toml"), @r"
    exit 2
    error: `colours/task.toml` has changes in the work tree that are not committed
      try: commit, stash or move `colours/task.toml`; nothing was written
      try: `git checkout HEAD -- colours/task.toml` takes back what is not committed
    ");
    insta::assert_snapshot!(env.complaint(&format!("rollback {PROMPT} --branch main")), @r"
    exit 2
    error: the branch `main` is checked out in `[DIR]`
      try: choose another branch with `--branch`, or check out another branch there
    ");
    assert_eq!(git(&env, ".", &format!("rev-parse {BRANCH}")), tip);
    assert!(env.read(PROMPT) == text && env.read(EVIDENCE) == evidence);
}

#[test]
fn evidence_that_was_edited_and_committed_is_no_version() {
    let (env, _server) = released();
    env.edit(EVIDENCE, "\"status\": \"confirmed\"", "\"status\": \"confirmed twice\"");
    git(&env, ".", "commit --quiet --all -m better");
    let forged = git(&env, ".", "rev-parse HEAD");
    assert_eq!(versions(&env, "")[0]["kind"], "edited");
    env.edit(EVIDENCE, "confirmed twice", "confirmed");
    git(&env, ".", "commit --quiet --all -m back");
    let told = env.complaint(&format!("rollback {PROMPT} --to {}", forged.trim()));
    assert!(told.contains("exit 3") && told.contains("does not match its seal"), "{told}");
}

#[test]
fn a_pull_request_says_what_changed_what_shows_it_and_what_does_not() {
    let (env, _server) = released();
    let id = env.json("results/won/summary.json")["baseline"]["candidate"].clone();
    let by_hand = format!("--path {PROMPT} --candidate {}", id.as_str().unwrap());
    let body = env.run(&format!("export won --to . --pr-body {by_hand}")).ok().stdout;
    assert!(body.contains("Compared with the file as it is now."), "{body}");
    assert!(body.contains("```diff\n") && body.contains("\n+Answer warm or cold."), "{body}");
    let caveat = "“chosen by hand”: held-out rows do not show what the goal asks";
    assert!(body.contains(caveat), "{body}");
    let told = env.run("export won --to . --pr-body --path new.md --branch b --json").ok().json();
    let body = told["pr_body"].as_str().unwrap();
    assert!(body.contains("Compared with the baseline of the task."), "{body}");
    assert!(body.contains("\n-Answer warm or cold."), "{body}");
    assert!(body.contains("| quality on held-out rows | 0.0 % ("), "{body}");
    assert!(body.contains("`promptsearch verify new.md`"), "{body}");
    assert!(body.contains("> Simulated models: some models are simulated"), "{body}");
}

/// Whichever flag names a candidate, what held-out rows say of it is the same.
#[test]
fn a_confirmed_winner_is_confirmed_also_by_its_name() {
    let (env, _server) = released();
    let id = env.json("results/won/summary.json")["best"]["candidate"].clone();
    let by_id = format!("--candidate {}", id.as_str().unwrap());
    for (number, flag) in ["", "--candidate best", &by_id].into_iter().enumerate() {
        let line = format!("export won --to . --path new.md --branch b{number} --pr-body --json");
        let told = env.run(&format!("{line} {flag}")).ok().json();
        assert_eq!((&told["candidate"], &told["status"]), (&id, &"confirmed".into()), "{flag}");
        let body = told["pr_body"].as_str().unwrap();
        assert!(body.contains("\nBetter by +"), "{body}");
        assert!(!body.contains("Not confirmed") && !body.contains("It is exported"), "{body}");
        let file = git(&env, ".", &format!("show b{number}:new.md"));
        assert!(file.contains("status: \"confirmed\"\n") && file.contains("gain:"), "{file}");
    }
}

#[test]
fn a_prompt_is_exported_as_the_constants_of_a_program() {
    let (env, _server) = released();
    let text = env.json("results/won/summary.json")["best"]["prompt"]["system"].clone();
    let text = text.as_str().unwrap();
    for (format, path) in [("rust", "p.rs"), ("python", "p.py"), ("typescript", "p.ts")] {
        let line = format!("export won --to . --path {path} --format {format} --branch code");
        env.run(&line).ok();
        let file = git(&env, ".", &format!("show code:{path}"));
        assert!(file.contains(" simulated: true\n") && file.contains("SYSTEM"), "{file}");
        env.write(path, &file);
    }
    // Python is there wherever the other tests with programs run.
    let script = "import p, sys; sys.stdout.write(p.SYSTEM)";
    let ran = Ran::of(env.program("python3").args(["-c", script]).output().unwrap()).ok();
    assert_eq!(ran.stdout, text);
    assert!(env.read("p.rs").contains(text), "{}", env.read("p.rs"));
    let told = env.complaint("eval colours --prompt p.py");
    assert!(told.starts_with("exit 3") && told.contains("is not read back"), "{told}");
    // Each file has evidence of its own.
    let files = git(&env, ".", "ls-tree --name-only code");
    assert!(
        ["p.rs", "p.py", "p.ts"].iter().all(|it| files.contains(&format!("{it}.evidence.json")))
    );
    insta::assert_snapshot!(env.complaint("export won --to . --path p.txt --format text"), @r"
    exit 2
    error: simulated models answered, which a text alone has no place to say
      try: use `--format md`, whose front matter says it
    ");
}

#[test]
fn a_chat_is_read_back_wherever_a_prompt_file_is() {
    let (env, _server) = released();
    let summary = env.json("results/won/summary.json");
    let best = summary["best"]["prompt"]["system"].as_str().unwrap();
    env.run("export won --to . --path chat.json --format json --branch b --quiet").ok();
    for file in ["chat.json", "chat.json.evidence.json"] {
        env.write(file, &git(&env, ".", &format!("show b:{file}")));
    }
    let chat: serde_json::Value = env.json("chat.json");
    assert_eq!(
        (&chat["messages"][0]["content"], &chat["promptsearch"]["run"]),
        (&best.into(), &"won".into())
    );
    let told = env.run("eval colours --prompt chat.json --max-calls 100 --json").ok().json();
    assert_eq!(told["quality"]["mean"], 1.0);
    let told = env.run("verify chat.json --max-calls 100 --json").ok().json();
    assert_eq!(told["scores"]["mean"], 1.0);
    assert_eq!(told["changed_parts"].as_array().unwrap().len(), 0, "{told}");
    let told = env.run("log chat.json --branch b --json").ok().json();
    assert_eq!(told[0]["kind"], "exported");
    let told = env.run("diff won chat.json --json").ok().json();
    assert_eq!(told["parts"][0]["is_changed"], false, "{told}");
    // The task's own prompt may be one.
    let task = env.read("colours/task.toml");
    let task = task.replace("\"Answer warm or cold.\"", "{ file = \"../chat.json\" }");
    env.write("colours/task.toml", &task);
    let plan = env.run("plan colours --json").ok().stdout;
    assert!(plan.contains(best.lines().last().unwrap()), "{plan}");
    // An edit is seen.
    env.write(
        "chat.json",
        &env.read("chat.json").replace("\"content\": \"", "\"content\": \"Please. "),
    );
    git(&env, ".", "add chat.json chat.json.evidence.json");
    git(&env, ".", "commit --quiet -m edited chat.json chat.json.evidence.json");
    assert_eq!(env.run("log chat.json --json").ok().json()[0]["kind"], "edited");
    env.write("broken.json", "{\"messages\": [\n  {\"role\": \"tool\", \"content\": \"x\"}\n]}\n");
    insta::assert_snapshot!(env.complaint("eval colours --prompt broken.json"), @r"
    exit 3
    error: broken.json: `messages[0]` has the role `tool`
      try: a prompt here is one system message and one user message
    ");
}

#[test]
fn a_simulated_result_says_so_in_every_file_and_message() {
    let env = TestEnv::with_colours();
    git(&env, ".", "init --quiet --initial-branch main");
    git(&env, ".", "config user.name Tester");
    git(&env, ".", "config user.email tester@example.org");
    env.run("run colours --name sim --max-calls 60 --quiet").ok();
    let winner = "--accept-unconfirmed --branch main2 --quiet";
    env.run(&format!("export sim --to . --path a.md {winner}")).ok();
    env.run(&format!("export sim --to . --path b.json --format json {winner}")).ok();
    let show = |file: &str| git(&env, ".", &format!("show main2:{file}"));
    assert!(show("a.md").contains("\nsimulated: true\n"), "{}", show("a.md"));
    assert!(show("a.evidence.json").contains("\"simulated\": true"));
    let chat: serde_json::Value = serde_json::from_str(&show("b.json")).unwrap();
    assert_eq!(chat["promptsearch"]["simulated"], true);
    assert_eq!(chat["messages"][0]["role"], "system");
    let messages = git(&env, ".", "log --format=%B main2");
    assert_eq!(messages.matches("Simulated models answered").count(), 2, "{messages}");
    let body = env.run(&format!("export sim --to . --path a.md --pr-body {winner}")).ok().stdout;
    assert!(body.contains("> Simulated models: no real model was called"), "{body}");
    git(&env, ".", "checkout --quiet main2");
    let log = env.run("log a.md").ok().stdout;
    assert!(log.replace("\n   ", "").contains("simulated models"), "{log}");
    // A commit that takes it back says so, too.
    let old = git(&env, ".", "log -1 --format=%H -- a.md");
    env.write("a.md", "By hand.\n");
    git(&env, ".", "commit --quiet -m hand a.md");
    env.run(&format!("rollback a.md --to {} --branch back --quiet", old.trim())).ok();
    let message = git(&env, ".", "log -1 --format=%B back");
    assert!(message.contains("Simulated models answered"), "{message}");
}
