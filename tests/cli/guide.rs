//! `schema`, `completions` and `man`: what editors, shells and manual readers get, read by a real shell.

use crate::env::TestEnv;

#[test]
fn a_shell_takes_the_completions_and_every_command_has_a_page() {
    let env = TestEnv::new();
    let script = env.run("completions bash").ok().stdout;
    env.write("completions.bash", &script);
    let mut bash = env.program("bash");
    bash.args(["--norc", "-c", "source ./completions.bash && complete -p promptsearch"]);
    let said = bash.output().unwrap();
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stdout).contains("_promptsearch"), "{said:?}");
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(env.run(&format!("completions {shell}")).ok().stdout.contains("resume"), "{shell}");
    }
    env.run("man man1").ok();
    for page in ["promptsearch.1", "promptsearch-run.1", "promptsearch-ctl-set.1"] {
        let text = env.read(&format!("man1/{page}"));
        assert!(text.starts_with(".ie") || text.contains(".TH"), "{page}: {text}");
    }
}

#[test]
fn the_schema_is_the_one_that_the_task_file_is_read_by() {
    let env = TestEnv::new();
    let schema: serde_json::Value = serde_json::from_str(&env.run("schema").ok().stdout).unwrap();
    assert_eq!(schema["title"], "task.toml");
    let usd = &schema["definitions"]["BudgetTable"]["properties"]["usd"];
    assert_eq!(usd["examples"][0], 2.5);
}

#[test]
fn a_time_of_day_is_local_time() {
    let mut env = TestEnv::with_colours();
    env.set("TZ", "EST5");
    let said = env.run("plan colours --max-calls 100 --until 07:00").ok().stdout;
    assert!(said.contains("T12:00:00Z"), "{said}");
}
