//! Recipes on the command line: own meta-prompts, and operators without a part in the task.

use crate::env::TestEnv;
use insta::assert_snapshot;

#[test]
fn meta_prompts_are_ejected_changed_and_frozen() {
    let env = TestEnv::with_colours();
    let made = env.run("strategies eject mine compress reflect --json").ok().json();
    assert_eq!(made["written"], serde_json::json!(["mine/reflect.md", "mine/compress.md"]));
    let again = env.run("strategies eject mine compress").exits(2);
    assert!(again.stderr.contains("mine/compress.md already exists"), "{}", again.stderr);
    env.run("strategies eject mine compress --force").ok();
    let wrong = env.run("strategies eject mine compres").exits(2);
    assert!(wrong.stderr.contains("did you mean `compress`?"), "{}", wrong.stderr);

    env.edit("mine/reflect.md", "{{ current }}", "PINEAPPLE {{ current }}");
    env.write("own.toml", "extends = \"auto\"\nname = \"own\"\nmeta_prompts = \"mine\"\n");
    let cut = env.run("run colours --strategy own.toml --name one --max-calls 40 --quiet").ok();
    assert!(cut.stderr.lines().all(|line| line.starts_with("warning: ")), "{}", cut.stderr);
    let frozen = env.json("results/one/run.json");
    assert!(frozen["recipe"].as_str().unwrap().contains("PINEAPPLE"));

    // An interrupted run can be resumed without the folder.
    let text = env.read("results/one/events.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    let cut: String = lines[..lines.len() / 2].iter().map(|line| format!("{line}\n")).collect();
    std::fs::remove_dir_all(env.path("results/one/journal")).unwrap();
    std::fs::remove_file(env.path("results/one/summary.json")).unwrap();
    env.write("results/one/events.jsonl", &cut);
    std::fs::remove_dir_all(env.path("mine")).unwrap();
    env.run("resume one --quiet").ok();
    assert_eq!(env.json("results/one/summary.json")["status"], "finished");
}

#[test]
fn a_mistake_in_a_meta_prompt_is_reported_with_its_line_before_anything_is_created() {
    let env = TestEnv::with_colours();
    env.write("mine/reflect.md", "Look:\n{{ curent }}\n{{ evidence }}\n{{ form }}\n");
    env.write("own.toml", "extends = \"auto\"\nmeta_prompts = \"mine\"\n");
    assert_snapshot!(env.complaint("run colours --strategy own.toml"), @"
    exit 3
    error: mine/reflect.md:2: meta-prompt `reflect`: `curent` is no slot
      try: did you mean `current`?
    ");
    assert_snapshot!(env.complaint("plan colours --set meta_prompts=mine"), @"
    exit 3
    error: mine/reflect.md:2: meta-prompt `reflect`: `curent` is no slot
      try: did you mean `current`?
    ");
    assert!(!env.path("results").exists());
}

#[test]
fn a_meta_prompt_that_is_no_text_is_named() {
    let env = TestEnv::with_colours();
    env.write("mine/reflect.md", "");
    std::fs::write(env.path("mine/reflect.md"), b"\xff\xfe").unwrap();
    env.write("own.toml", "extends = \"auto\"\nmeta_prompts = \"mine\"\n");
    let said = env.run("plan colours --strategy own.toml").exits(3).stderr;
    assert!(said.contains("own.toml:2: `mine/reflect.md` cannot be read"), "{said}");
}

#[test]
fn operators_without_a_part_in_the_task_are_left_out_with_a_note() {
    let env = TestEnv::with_colours();
    env.write(
        "both.toml",
        "extends = \"random\"\nname = \"both\"\n[[operator]]\nkind = \"mutate_text\"\n\
         [[operator]]\nkind = \"demo_edit\"\n",
    );
    let plan = env.run("plan colours --strategy both.toml --json").ok().json();
    let said = "operator `demo_edit` is left out: `prompt.search` does not name `demos`";
    assert!(plan["warnings"].as_array().unwrap().contains(&said.into()), "{plan}");
    env.run("run colours --strategy both.toml --name one --max-calls 80 --quiet").ok();
    assert_eq!(env.read("results/one/debug.log").matches(said).count(), 1);
    assert!(!env.json("results/one/run.json")["recipe"].as_str().unwrap().contains("demo_edit"));
}

#[test]
fn a_recipe_that_cannot_change_anything_is_an_error() {
    let env = TestEnv::with_colours();
    env.write("demos.toml", "name = \"demos\"\n[[operator]]\nkind = \"demo_edit\"\n");
    assert_snapshot!(env.complaint("run colours --strategy demos.toml"), @r#"
    exit 3
    error: the strategy `demos` cannot change anything, because [prompt] has `search = ["system"]`
      operator `demo_edit` is left out: `prompt.search` does not name `demos`
      try: add a part `demos = ""` and name it in `search` under [prompt]
      try: or choose another strategy; `promptsearch strategies` lists them
    "#);
    env.edit("colours/task.toml", "search = [\"system\"]", "demos = \"\"\nsearch = [\"demos\"]");
    env.run("run colours --strategy demos.toml --name one --max-calls 100 --quiet").ok();
    assert_snapshot!(env.complaint("run colours --strategy random"), @r#"
    exit 3
    error: the strategy `random` cannot change anything, because [prompt] has `search = ["demos"]`
      operator `mutate_text` is left out: `prompt.search` names no part but `demos`
      try: also search a text part, as in `search = ["system", "demos"]`
      try: or choose another strategy; `promptsearch strategies` lists them
    "#);
}

#[test]
fn a_context_window_that_is_too_small_is_reported_before_anything_is_created() {
    let env = TestEnv::with_colours();
    let mutator = |keys: &str| format!("mutator = {{ model = \"sim/editor\", {keys} }}");
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", &mutator("context_tokens = 2000"));
    assert_snapshot!(env.complaint("run colours"), @r"
    exit 3
    error: colours/task.toml:16: `context_tokens` is 2000, but a reply alone may have 2000 tokens (`max_output_tokens`)
      try: set it for the mutator: `mutator = { …, context_tokens = 32000 }`
    ");
    env.edit("colours/task.toml", "context_tokens = 2000", "context_tokens = 2050");
    let complaint = env.complaint("plan colours");
    assert!(
        complaint.starts_with("exit 3\nerror: colours/task.toml:16: `context_tokens` of "),
        "{complaint}"
    );
    assert!(complaint.contains("is 2050"), "{complaint}");
    assert!(complaint.contains("shortest `reflect` request"), "{complaint}");
    env.edit("colours/task.toml", "context_tokens = 2050", "context_tokens = 32000");
    env.run("plan colours").ok();
    env.edit(
        "colours/task.toml",
        "\"sim/clerk\"",
        "{ model = \"sim/clerk\", context_tokens = 9000 }",
    );
    let complaint = env.complaint("plan colours");
    assert!(complaint.contains("is not used for the task model"), "{complaint}");
    assert!(!env.path("results").exists());
}

#[test]
fn two_mutators_are_planned_asked_and_reported() {
    let env = TestEnv::with_colours();
    let task = env.read("colours/task.toml");
    let line = task.lines().find(|line| line.starts_with("mutator")).unwrap().to_owned();
    let write = |mutator: &str| env.edit("colours/task.toml", &line, mutator);
    write("mutator = [\"sim/editor\", { model = \"sim/editor\", temperature = 0.5, weight = 3 }]");
    let planned = env.run("plan colours --strategy random --max-calls 400 --json").ok().json();
    let calls = |role: &str| planned["roles"][role]["calls"].as_u64().unwrap();
    let (first, second) = (calls("mutator"), calls("mutator-2"));
    assert!(first > 0 && second.abs_diff(3 * first) <= 3, "{planned}");
    assert_eq!(first + second + calls("task"), 400, "{planned}");

    let run = "run colours --strategy random --set model.kind=fixed --name two --max-calls 400";
    let shown = env.run(&format!("{run} --quiet")).ok().stdout;
    assert!(shown.contains("mutator-2"), "{shown}");
    let spent = &env.json("results/two/summary.json")["spent"]["by_role"];
    let calls = |role: &str| spent[role]["calls"].as_u64().unwrap();
    assert!(calls("mutator") > 0 && calls("mutator-2") > calls("mutator"), "{spent}");

    let earned = &env.json("results/two/summary.json")["mutators"];
    for (place, role) in ["mutator", "mutator-2"].into_iter().enumerate() {
        let one = &earned[place];
        assert_eq!((&one["role"], &one["model"]), (&role.into(), &"sim/editor".into()), "{earned}");
        assert_eq!(one["proposals"], calls(role), "{earned}");
        assert!(one["accepted"].as_u64().unwrap() > 0, "{earned}");
        let usd = one["cost_usd"].as_f64().unwrap() - spent[role]["usd"].as_f64().unwrap();
        assert!(usd.abs() < 1e-9, "{earned} {spent}");
    }
    let report = env.run("report two --format md").ok().stdout;
    for words in ["mutator (sim/editor): ", "mutator-2 (sim/editor): ", "| mutator-2 model |"] {
        assert!(report.contains(words), "{words}: {report}");
    }

    let explained = env.run("explain two p3").ok().stdout;
    assert!(explained.contains("written by `sim/editor`, drawn by `fixed`"), "{explained}");

    let again = env.read("colours/task.toml");
    env.write("colours/task.toml", &again.replace("weight = 3", "weight = 1e308"));
    assert!(env.complaint("plan colours").contains("it must be from 0.001 to 1000"));
    env.write("colours/task.toml", &again.replace("weight = 3", "weight = 0"));
    assert_snapshot!(env.complaint("plan colours"), @"
    exit 3
    error: colours/task.toml:16: `weight` is 0; it must be from 0.001 to 1000
    ");
    env.write("colours/task.toml", &task.replace(&line, "mutator = []"));
    assert_snapshot!(env.complaint("plan colours"), @"
    exit 3
    error: colours/task.toml:16: the list has no model
    ");
    let heavy =
        task.replacen("task = \"sim/clerk\"", "task = { model = \"sim/clerk\", weight = 2 }", 1);
    assert_ne!(heavy, task);
    env.write("colours/task.toml", &heavy);
    assert_snapshot!(env.complaint("plan colours"), @"
    exit 3
    error: colours/task.toml:15: `weight` is not used for the task model: only mutators are drawn
    ");
}

/// Where no proposal fits any more, a phase that does not name `budget` ends once: its drafts are given up, no
/// new ones are made, and the next phase prunes.
#[test]
fn a_phase_that_gives_way_ends_once() {
    let env = TestEnv::with_colours();
    env.run("run colours --strategy thorough --max-calls 3000 --max-proposals 2 --name one").ok();
    let events = env.events("one");
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    let begun = kinds.iter().position(|kind| *kind == "phase_started").expect("a second phase");
    let given_up = kinds.iter().filter(|kind| **kind == "proposal_abandoned").count();
    assert!(given_up <= 8, "{given_up} drafts were given up");
    let second = &events[begun..];
    let drafted = |phase: u64| {
        let of = |event: &&(String, serde_json::Value)| {
            event.0 == "proposal_drafted" && event.1["phase"].as_u64().unwrap_or(0) == phase
        };
        second.iter().filter(of).count()
    };
    assert_eq!(drafted(0), 0, "no draft of the first phase after its end");
    assert!(drafted(1) > 0, "the second phase works on the incumbent");
}
