//! Messages about mistakes: the file, the line, the mistake, and a hint.

use crate::env::TestEnv;
use insta::assert_snapshot;

const TASK: &str = "colours/task.toml";

/// The error of `run` for `colours` with one edit of its task file. Nothing may have been created.
fn edited(from: &str, to: &str) -> String {
    edited_and(from, to, "run colours")
}

fn edited_and(from: &str, to: &str, line: &str) -> String {
    let env = TestEnv::with_colours();
    env.edit(TASK, from, to);
    refused(&env, line)
}

fn refused(env: &TestEnv, line: &str) -> String {
    let complaint = env.complaint(line);
    assert!(!env.path("results").exists(), "something was created: {complaint}");
    complaint
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    assert_snapshot!(edited("columns = {", "colums = {"), @r#"
    exit 3
    error: colours/task.toml:6: unknown key `colums`
      try: did you mean `columns`?
    "#);
}

/// Any other key names a part of the prompt; if its value cannot be a part, the key was mistyped.
#[test]
fn a_misspelled_key_among_the_prompts_parts() {
    assert_snapshot!(edited("search = [", "serach = ["), @r#"
    exit 3
    error: colours/task.toml:12: unknown key `serach`
      try: did you mean `search`?
    "#);
    let said = edited("search = [\"system\"]", "search = [\"system\"]\nrules = 3");
    assert!(said.contains("task.toml:13: expected a text"), "{said}");
}

#[test]
fn a_value_of_the_wrong_type() {
    assert_snapshot!(edited("calls = 300", "calls = \"300\""), @r#"
    exit 3
    error: colours/task.toml:26: expected a whole number, got the string "300"
    "#);
}

#[test]
fn text_that_is_no_toml() {
    assert_snapshot!(edited("calls = 300", "calls = = 300"), @r"
    exit 3
    error: colours/task.toml:26: invalid TOML: extra `=`, expected nothing
    ");
}

/// What is often written in `task.toml`, each with the message.
#[test]
fn usual_mistakes_in_a_task_say_what_to_write() {
    let edits = [
        ("system = \"Answer warm or cold.\"", "system = \"system.md\""),
        ("[prompt]\n", "[prompt]\nfile = \"system.md\"\n"),
        ("search = [\"system\"]", "search = \"system\""),
        ("[[score]]", "[score]"),
        ("\"warm\", \"cold\"]", "\"warm\", \"cold\"]\ntest = 3"),
        ("[\"warm\", \"cold\"]", "\"warm, cold\""),
        ("calls = 300", "calls = 300\nsearch = [\"system\"]"),
        ("calls = 300", "max_usd = 3"),
        ("calls = 300", "calls = 300\ncalls = 400"),
        ("calls = 300", "calls = 300\nwall = 8"),
        ("calls = 300", "calls = 300\nwall = \"0s\""),
        ("calls = 300", "calls = 99999999999999999999"),
        ("[budget]\ncalls = 300", "budget = [1.0, 300]"),
        ("hold = 0.3", "test = 0.3"),
        ("columns = { id = \"id\", answer = \"answer\" }", "columns = [\"id\", \"answer\"]"),
        ("kind = \"label\"", "kind = label"),
        ("kind = \"label\"", "kind = “label”"),
        ("name = \"colours\"\n", ""),
        ("{{ input }}", "{{ answer }}"),
        ("{{ input }}", "{{ \"input\" }}"),
        ("{{ input }}", "{{ input[:2] | upper( }}"),
        ("{{ input }}", "{% if input %}x{% endif %}"),
        ("{{ input }}", "{{ input }} {{ 1 if input > 3 }}"),
        ("Answer warm or cold.", "Answer.{% if input %} Now.{% endif %}"),
    ];
    let told =
        edits.map(|(from, to)| format!("{to}\n{}", edited(from, to).replace("exit 3\n", "")));
    assert_snapshot!("usual_mistakes_in_a_task", told.join("\n\n"));
}

/// What makes a task doubtful, and does not stop it.
#[test]
fn what_is_doubtful_in_a_task_is_told_by_plan() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "Answer warm or cold.", "---\\ntitle: x\\n---\\nAnswer {input} warm or cold.");
    env.edit(TASK, "search = [", "max_tokens = 3\nsearch = [");
    let rows = env.read("colours/rows.jsonl");
    let (mut train, mut dev) = (String::new(), String::new());
    for (place, row) in rows.lines().enumerate() {
        let file = if place < 30 { &mut train } else { &mut dev };
        *file += &format!("{row}\n");
    }
    let first = rows.lines().next().unwrap();
    let otherwise = first.replace("cold", "warm").replace("\"r1\"", "\"other\"");
    env.write("colours/train.jsonl", &format!("{train}{otherwise}\n"));
    env.write("colours/dev.jsonl", &dev);
    let known = rows.lines().nth(40).unwrap().replace("\"r41\"", "\"again\"");
    let new = first.replace("\"r1\"", "\"new\"").replace("Tile", "A wholly new one, tile");
    env.write("colours/hold.jsonl", &format!("{known}\n{new}\n"));
    env.edit(TASK, "file = \"rows.jsonl\"\n", "");
    env.edit(
        TASK,
        "train = 0.4, dev = 0.3, hold = 0.3",
        "train = \"train.jsonl\", dev = \"dev.jsonl\", hold = \"hold.jsonl\"",
    );
    let said = env.run("plan colours").ok().stdout;
    for warning in [
        "the part `system` begins with front matter",
        "the part `system` says `{input}`",
        "more than `max_tokens` = 3",
        "1 of 2 held-out rows has the input of a row in `train` or `dev`",
        "1 input stands in several rows with different answers",
    ] {
        assert!(said.contains(warning), "{warning}: {said}");
    }
    env.write("colours/hold.jsonl", &format!("{known}\n"));
    let refused = env.complaint("plan colours");
    assert!(
        refused.contains("exit 3") && refused.contains("the input of every held-out row"),
        "{refused}"
    );
}

#[test]
fn a_file_that_is_no_task_or_no_data_says_what_it_is() {
    let env = TestEnv::with_colours();
    env.write("page.csv", "<!DOCTYPE html>\n<html></html>\n");
    env.write("pointer.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n");
    env.write("rows.parquet", "x");
    env.write("rows.csv.gz", "x");
    for (line, says) in [
        ("run colours/rows.jsonl", "this is data, not a task"),
        ("init new --from page.csv", "this is a web page"),
        ("init new --from pointer.csv", "a pointer of Git LFS"),
        ("init new --from rows.parquet", "a columnar file"),
        ("init new --from rows.csv.gz", "this is compressed"),
        ("init new --from colours", "this is a folder"),
        ("init new --from https://example.org/a.csv", "this is an address"),
        ("eval colours --prompt empty.md", "the prompt file is empty"),
        ("eval colours --prompt parts.md", "the file names parts"),
        ("eval colours --prompt wide.md", "NUL characters"),
        ("eval colours --prompt wrong.md", "wrong.md:2: part `system`"),
    ] {
        env.write("empty.md", "\n");
        env.write("parts.md", "<!-- part: system -->\nBe brief.\n");
        env.write("wide.md", "Y\0o\0u\0");
        env.write("wrong.md", "Answer.\n{{ inptu }}\n");
        let complaint = env.complaint(line);
        assert!(complaint.contains("exit 3") && complaint.contains(says), "{line}: {complaint}");
        assert!(!env.path("new").exists() && !env.path("results").exists(), "{line}");
    }
    env.edit(TASK, "hold = 0.3", "hold = 0.0");
    env.edit(TASK, "dev = 0.3", "dev = 0.6");
    let complaint = env.complaint("eval colours --split hold");
    assert!(
        complaint.contains("exit 3") && complaint.contains("the split `hold` has no rows"),
        "{complaint}"
    );
    for (line, says) in [
        ("run colours --concurrency 0", "a whole number of 1 or more"),
        ("run colours --max-usd 2,50", "such as 2.50"),
        ("run colours --seed abc", "a whole number in digits"),
        ("run colours --for 0s", "must be longer than 0"),
    ] {
        let complaint = env.complaint(line);
        assert!(complaint.contains("exit 2") && complaint.contains(says), "{line}: {complaint}");
    }
}

#[test]
fn a_task_that_is_not_there() {
    assert_snapshot!(refused(&TestEnv::new(), "run nowhere"), @r"
    exit 3
    error: nowhere: there is no such file
      try: name a folder with a `task.toml`; `promptsearch init DIR` creates one
    ");
}

#[test]
fn a_data_file_that_is_not_there() {
    assert_snapshot!(edited("rows.jsonl", "row.jsonl"), @r"
    exit 3
    error: colours/task.toml:5: `colours/row.jsonl`: there is no such file
      try: did you mean `rows.jsonl`?
    ");
}

#[test]
fn a_prompt_file_that_is_not_there() {
    assert_snapshot!(edited("\"Answer warm or cold.\"", "{ file = \"sys.md\" }"), @r#"
    exit 3
    error: colours/task.toml:10: `colours/sys.md`: there is no such file
    "#);
}

#[test]
fn a_column_that_is_not_there() {
    assert_snapshot!(edited("answer = \"answer\"", "answer = \"label\""), @r#"
    exit 3
    error: colours/rows.jsonl: there is no column `label`, which should hold the answer; the columns are: id, input, answer
      try: name the column: columns = { answer = "…" }
    "#);
}

#[test]
fn a_row_without_an_answer() {
    let env = TestEnv::with_colours();
    env.edit("colours/rows.jsonl", "lot 426.\",\"answer\":\"cold\"", "lot 426.\"");
    assert_snapshot!(refused(&env, "run colours"), @r"
    exit 3
    error: colours/rows.jsonl:17: row 17 has no answer in column `answer`
      try: add the answer, or remove the row
    ");
}

#[test]
fn a_row_whose_answer_is_null() {
    let env = TestEnv::with_colours();
    env.edit("colours/rows.jsonl", "lot 426.\",\"answer\":\"cold\"", "lot 426.\",\"answer\":null");
    assert_snapshot!(refused(&env, "run colours"), @r"
    exit 3
    error: colours/rows.jsonl:17: row 17 has no answer in column `answer`
      try: add the answer, or remove the row
    ");
}

#[test]
fn a_row_that_is_no_json() {
    let env = TestEnv::with_colours();
    env.edit("colours/rows.jsonl", "{\"id\":\"r9\",", "{\"id\":\"r9\" ");
    assert_snapshot!(refused(&env, "run colours"), @r#"
    exit 3
    error: colours/rows.jsonl:9: invalid JSON: expected `,` or `}` (column 12)
    "#);
}

#[test]
fn a_file_without_rows() {
    let env = TestEnv::with_colours();
    env.write("colours/rows.jsonl", "");
    assert_snapshot!(refused(&env, "run colours"), @r#"
    exit 3
    error: colours/rows.jsonl: the file has no rows
    "#);
}

#[test]
fn two_rows_with_one_id() {
    let env = TestEnv::with_colours();
    env.edit("colours/rows.jsonl", "\"r20\"", "\"r3\"");
    assert_snapshot!(refused(&env, "run colours"), @r#"
    exit 3
    error: colours/rows.jsonl:20: the id `r3` is already used on line 3
      try: give every row a unique id, or name another column: columns = { id = "…" }
    "#);
}

#[test]
fn an_answer_that_is_not_one_of_the_labels() {
    assert_snapshot!(edited("\"warm\", \"cold\"", "\"warm\", \"hot\""), @r"
    exit 3
    error: colours/rows.jsonl:1: row `r1`: the answer `cold` is not one of the labels: known: warm, hot
      try: correct the row, or correct `[[score]]` in the task file
    ");
}

#[test]
fn an_answer_of_a_split_file_is_named_with_that_file() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "file = \"rows.jsonl\"\n", "");
    env.edit(
        TASK,
        "{ train = 0.4, dev = 0.3, hold = 0.3 }",
        "{ train = \"rows.jsonl\", dev = \"dev.jsonl\" }",
    );
    env.write(
        "colours/dev.jsonl",
        "{\"id\": \"d1\", \"input\": \"Tile 99\", \"answer\": \"hot\"}\n",
    );
    assert_snapshot!(refused(&env, "run colours"), @r"
    exit 3
    error: colours/dev.jsonl:1: row `d1`: the answer `hot` is not one of the labels: known: warm, cold
      try: correct the row, or correct `[[score]]` in the task file
    ");
}

#[test]
fn a_placeholder_that_no_column_fills() {
    assert_snapshot!(edited("{{ input }}", "{{ inptu }}"), @r"
    exit 3
    error: colours/task.toml:11: part `user`: there is no column for the placeholder `inptu`
      try: did you mean `input`? (literal braces stand between {% raw %} and {% endraw %})
    ");
}

#[test]
fn a_placeholder_that_no_column_fills_in_a_file_of_its_own() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "\"Answer warm or cold.\"", "{ file = \"system.md\" }");
    env.write("colours/system.md", "Answer.\n\nThis is {{ shade }}.\n");
    assert_snapshot!(refused(&env, "run colours"), @r"
    exit 3
    error: colours/system.md:3: part `system`: there is no column for the placeholder `shade`
      try: known: id, input (literal braces stand between {% raw %} and {% endraw %})
    ");
}

#[test]
fn a_simulated_model_that_does_not_exist() {
    assert_snapshot!(edited("sim/clerk", "sim/clrk"), @r"
    exit 3
    error: colours/task.toml:15: there is no simulated model `clrk`
      try: did you mean `clerk`?
    ");
}

#[test]
fn a_mistake_is_json_where_json_is_asked_for() {
    let env = TestEnv::with_colours();
    for (line, code, words) in [
        ("run nowhere --json", 3, "there is no such file"),
        ("status nowhere --json", 2, "no run `nowhere`"),
        ("run --json --sede 1 colours", 2, "--sede"),
    ] {
        let ran = env.run(line).exits(code);
        let told = ran.json();
        assert_eq!(told["exit_code"], code, "{told}");
        let error = told["error"].as_str().unwrap();
        assert!(error.contains(words) && !error.contains("try:"), "{told}");
        assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
    }
    assert!(env.run("help run").ok().stdout.contains("Usage: promptsearch run"));
}

#[test]
fn a_prompt_that_shows_no_column() {
    assert_snapshot!(edited("{{ input }}", "{input}"), @r"
    exit 3
    error: colours/task.toml:9: no part of the prompt shows a column: the request would be the same for all rows
      try: `{input}` is literal text: write `{{ input }}`
    ");
}

#[test]
fn a_searched_part_that_calculates() {
    assert_snapshot!(edited("Answer warm or cold.", "Answer {{ input | upper }}."), @r"
    exit 3
    error: colours/task.toml:10: part `system` is searched, where only columns can be shown, not `{{ input | upper }}`
      try: show the column alone, or leave `system` out of `search`: then it is a template (literal braces stand between {% raw %} and {% endraw %})
    ");
}

#[test]
fn a_filter_that_does_not_exist() {
    assert_snapshot!(edited("{{ input }}", "{{ input | truncate(3) }}"), @r"
    exit 3
    error: colours/task.toml:11: part `user`: there is no filter `truncate`
      try: correct it, or let it be text (literal braces stand between {% raw %} and {% endraw %})
    ");
}

#[test]
fn a_key_written_in_clear_is_refused_and_not_repeated() {
    let complaint = edited("[goal]", "[providers.openai]\napi_key = \"sk-proj-Abc123\"\n\n[goal]");
    assert!(!complaint.contains("Abc123"));
    assert_snapshot!(complaint, @r"
    exit 3
    error: colours/task.toml:23: a key must not be written here: use `env:NAME` or `command:…`, and remove the key from this file
    ");
}

#[test]
fn an_unset_key_variable_stops_the_run_before_anything_is_created() {
    let complaint = edited_and("sim/clerk", "openai/gpt-9", "run colours");
    assert_snapshot!(complaint, @r#"
    exit 3
    error: the key of provider `openai`: the environment variable OPENAI_API_KEY is not set: set it with `export OPENAI_API_KEY=…`, or name another source in `api_key`
    "#);
}

#[test]
fn an_unknown_price_with_a_cap_in_dollars_is_an_error_with_the_lines_to_add() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "sim/clerk", "openai/gpt-9");
    let complaint = refused(&env, "run colours --max-usd 1");
    assert_snapshot!(complaint, @r#"
    exit 3
    error: colours/task.toml:15: the price of `openai/gpt-9` is unknown, but a cap in dollars needs it
      try: add its price in US dollars per million tokens:

          [providers.openai.prices."gpt-9"]
          input = "?"
          output = "?"

        or `free = true` under [providers.openai] for a free model
    "#);
    // With these lines added as they are, they are to be filled in; then the next error is the missing key.
    let lines: Vec<&str> =
        complaint.lines().filter_map(|line| line.strip_prefix("      ")).collect();
    let task = env.read(TASK);
    let pasted = format!("{task}\n{}\n", lines.join("\n"));
    env.write(TASK, &pasted);
    assert_snapshot!(refused(&env, "run colours --max-usd 1"), @r"
    exit 3
    error: colours/task.toml:29: `?` is no price: fill in US dollars per million tokens, such as 2.5, or write `free = true` in the provider's table in place of its price
    ");
    env.write(TASK, &pasted.replace("\"?\"", "0.00"));
    assert_snapshot!(refused(&env, "run colours --max-usd 1"), @r"
    exit 3
    error: colours/task.toml:28: provider `openai`: with a price of 0, no cap in dollars holds
      try: give prices in US dollars per million tokens, or write `free = true` in the provider's table in their place
    ");
    env.write(TASK, &pasted.replace("\"?\"", "2"));
    assert!(refused(&env, "run colours --max-usd 1").contains("OPENAI_API_KEY"));
    env.run("plan colours --max-usd 1").ok();
}

#[test]
fn an_unknown_provider() {
    assert_snapshot!(edited("sim/clerk", "opnai/gpt-9"), @r#"
    exit 3
    error: colours/task.toml:15: there is no provider `opnai`
      try: did you mean `openai`? Or add [providers.opnai] with `kind`, `base_url` and `api_key`
    "#);
}

#[test]
fn an_unknown_simulated_model() {
    assert_snapshot!(edited("sim/clerk", "sim/clark"), @r#"
    exit 3
    error: colours/task.toml:15: there is no simulated model `clark`
      try: did you mean `clerk`?
    "#);
    assert_snapshot!(edited_and("sim/clerk", "sim/clark", "plan colours"), @r#"
    exit 3
    error: colours/task.toml:15: there is no simulated model `clark`
      try: did you mean `clerk`?
    "#);
}

#[test]
fn a_simulated_model_that_is_not_asked_may_be_unknown() {
    let env = TestEnv::with_colours();
    let models = "mutator = \"sim/editr\"\nembed = \"sim/embeder\"";
    env.edit("colours/task.toml", "mutator = \"sim/editor\"", models);
    env.run("eval colours").ok();
    let said = env.run("run colours").exits(3).stderr;
    assert!(said.contains("no simulated model `editr`"), "{said}");
    env.edit("colours/task.toml", "sim/editr", "sim/editor");
    env.run("run colours --name fine").ok();
    let said = env.run("plan colours --strategy triple-clst").exits(3).stderr;
    assert!(said.contains("no simulated model `embeder`"), "{said}");
}

#[test]
fn a_model_without_a_provider() {
    assert_snapshot!(edited("sim/clerk", "clerk"), @r#"
    exit 3
    error: colours/task.toml:15: `clerk` is not a model: write `provider/model`, such as `sim/clerk`
    "#);
}

#[test]
fn an_invalid_address() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "sim/clerk", "local/big");
    env.edit(
        TASK,
        "[goal]",
        "[providers.local]\nkind = \"openai\"\nbase_url = \"localhost/v1\"\nfree = true\n\n[goal]",
    );
    assert_snapshot!(refused(&env, "run colours"), @r#"
    exit 3
    error: colours/task.toml:24: the `base_url` of provider `local` is not an address (relative URL without a base): write https://…/v1
    "#);
}

#[test]
fn a_plan_says_what_a_run_would_stumble_over() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "sim/clerk", "local/big");
    let provider =
        "[providers.local]\nkind = \"openai\"\nbase_url = \"localhost/v1\"\nfree = true\n\n[goal]";
    env.edit(TASK, "[goal]", provider);
    assert!(env.complaint("plan colours").contains("colours/task.toml:24: the `base_url`"));
    env.edit(TASK, "\"localhost/v1\"", "\"http://localhost:1/v1\"");
    env.edit(TASK, "Answer warm or cold.", "Write your prompt here.");
    let plan = env.run("plan colours").ok().stdout;
    assert!(plan.contains("the part `system` says “Write your prompt here.”"), "{plan}");
}

#[test]
fn a_task_without_a_scorer() {
    let scorer = "[[score]]\nkind = \"label\"\nlabels = [\"warm\", \"cold\"]\n";
    assert_snapshot!(edited(scorer, ""), @r#"
    exit 3
    error: colours/task.toml: the task has no scorer
      try: add `[[score]]` with `kind = "equals"`
    "#);
}

#[test]
fn an_unknown_scorer() {
    assert_snapshot!(edited("kind = \"label\"", "kind = \"lable\""), @r#"
    exit 3
    error: colours/task.toml:19: there is no scorer `lable`
      try: did you mean `label`?
    "#);
}

#[test]
fn a_pattern_without_a_group() {
    assert_snapshot!(edited("kind = \"label\"", "kind = \"label\"\nextract = \"answer\""), @r"
    exit 3
    error: colours/task.toml:20: the pattern of `extract` has no group
      try: put parentheses around the text to score: 'the answer is (.+?)\.?$'
    ");
}

#[test]
fn shares_that_do_not_sum_to_one() {
    assert_snapshot!(edited("train = 0.4", "train = 0.6"), @r"
    exit 3
    error: colours/task.toml:7: the shares of a split must sum to 1, but these sum to 1.2
    ");
}

#[test]
fn an_invalid_goal() {
    assert_snapshot!(edited("max quality", "best quality"), @r#"
    exit 3
    error: colours/task.toml:23: `best quality` is not a goal: write `max quality`, `max quality s.t. usd_per_1k <= 0.5` or `min usd_per_1k s.t. quality >= baseline - 0.005` (or `>= 0.8`; or `min latency_p50`, `latency_p95`, `input_tokens`, `output_tokens`, `max consistency.3`), each with further bounds as in `and recall.refund >= 0.95 and latency_p95 <= 2s`
    "#);
}

#[test]
fn a_searched_part_that_is_not_there() {
    assert_snapshot!(edited("[\"system\"]", "[\"sytem\"]"), @r#"
    exit 3
    error: colours/task.toml:12: there is no part `sytem`
      try: did you mean `system`?
    "#);
}

#[test]
fn nothing_to_search() {
    assert_snapshot!(edited("search = [\"system\"]\n", ""), @r#"
    exit 3
    error: colours/task.toml:9: no part of the prompt may change
      try: add `search = ["system"]` under [prompt]
    "#);
}

#[test]
fn no_mutator() {
    assert_snapshot!(edited("mutator = \"sim/editor\"\n", ""), @r#"
    exit 3
    error: colours/task.toml:14: the task names no mutator model, which a search needs
      try: add `mutator = "provider/model"` under [models]
    "#);
}

#[test]
fn no_budget() {
    assert_snapshot!(edited("[budget]\ncalls = 300\n", ""), @r"
    exit 2
    error: this run has no cap
      try: use `--max-usd 2`, `--max-calls 1000` or `--for 8h`, or add [budget] to the task
    ");
}

#[test]
fn paid_models_under_a_cap_in_time_alone_need_a_word() {
    let env = TestEnv::with_colours();
    env.edit(TASK, "sim/clerk", "openai/gpt-9");
    env.edit(TASK, "calls = 300", "wall = \"1h\"");
    assert_snapshot!(refused(&env, "run colours"), @r"
    exit 2
    error: only time is capped, but the models cost money
      try: use `--max-usd X`, or `--yes` to accept a cap on time only
    ");
}

#[test]
fn a_model_that_the_strategy_does_not_ask_needs_neither_a_word_nor_a_price_nor_a_key() {
    for (role, idle, asking) in
        [("embed", "best-of-n", "shinka-islands"), ("judge", "best-of-n", "")]
    {
        let env = TestEnv::with_colours();
        let models = format!("\"sim/editor\"\n{role} = \"openai/gpt-9\"");
        env.edit(TASK, "\"sim/editor\"", &models);
        env.edit(TASK, "calls = 300", "wall = \"2s\"");
        env.run(&format!("run colours --strategy {idle} --name one")).ok();
        env.run("resume one").ok();
        env.run("eval colours").ok();
        env.run(&format!("run colours --strategy {idle} --max-usd 1 --max-calls 60")).ok();
        env.run(&format!("doctor colours --strategy {idle} --max-usd 1")).ok();
        if asking.is_empty() {
            continue;
        }
        let asking = format!("run colours --strategy {asking}");
        for (flag, code, said) in [
            ("", 2, "the models cost money"),
            ("--max-usd 1", 3, "the price of"),
            ("--yes", 3, "OPENAI_API_KEY"),
        ] {
            let ran = env.run(&format!("{asking} {flag}")).exits(code);
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
        }
    }
}

#[test]
fn flags_that_mean_nothing() {
    let env = TestEnv::with_colours();
    for amount in ["-3", "0", "nan", "inf", "1e300", "0.0000000001", "two"] {
        for line in [
            "run colours --max-usd",
            "resume one --max-usd",
            "ctl one set --max-usd",
            "eval colours --max-usd",
            "verify p.md --max-usd",
            "monitor p.md --max-usd",
            "monitor p.md --max-total-usd",
        ] {
            let said = refused(&env, &format!("{line} {amount}"));
            let flag = line.rsplit(' ').next().unwrap();
            assert!(said.starts_with("exit 2\n") && said.contains(flag), "{line} {amount}: {said}");
        }
    }
    let said = refused(&env, "monitor p.md --max-total-usd 1e300");
    assert!(said.contains("it is not a positive amount of dollars"), "{said}");
    assert_snapshot!(refused(&env, "run colours --for 8x"), @r#"
    exit 2
    error: `8x` is not a duration: write `90s`, `30m`, `8h` or `1h30m`
    "#);
    assert_snapshot!(refused(&env, "run colours --until 25:99"), @r#"
    exit 2
    error: `--until 25:99` is not a time
      try: write `07:00` or `2026-01-31T07:00`
    "#);
    assert_snapshot!(refused(&env, "run colours --max-calls 0"), @r"
    exit 2
    error: `--max-calls` must be at least 1
    ");
    assert_snapshot!(refused(&env, "run colours --name ../x"), @r"
    exit 2
    error: `../x` is not a valid run name
      try: use letters, digits, `-`, `_` and `.`
    ");
}

#[test]
fn an_unknown_strategy() {
    let env = TestEnv::with_colours();
    assert_snapshot!(refused(&env, "run colours --strategy rondom"), @r#"
    exit 3
    error: there is no strategy `rondom`: did you mean `random`?
      try: `promptsearch strategies` lists them, `promptsearch strategies NAME` shows one
    "#);
    assert_snapshot!(refused(&env, "run colours --strategy mine.toml"), @r#"
    exit 3
    error: mine.toml: there is no such file
      try: name a shipped strategy (`promptsearch strategies` lists them) or a TOML file
    "#);
}

#[test]
fn a_recipe_with_a_mistake() {
    let env = TestEnv::with_colours();
    env.write("mine.toml", "extends = \"auto\"\n\n[evaluate]\nblok = 4\n");
    assert_snapshot!(refused(&env, "run colours --strategy mine.toml"), @r#"
    exit 3
    error: mine.toml:4: evaluate `race`: unknown key `blok`
      try: did you mean `block`?
    "#);
}

#[test]
fn a_set_that_means_nothing_is_the_command_lines_mistake() {
    let env = TestEnv::with_colours();
    assert_snapshot!(refused(&env, "run colours --set nonsense"), @r#"
    exit 2
    error: `--set nonsense` is not `slot.key=value`, such as `evaluate.block=16`
    "#);
    assert_snapshot!(refused(&env, "run colours --set evaluate.blok=4"), @r#"
    exit 2
    error: `--set evaluate.blok=4`: evaluate `race`: unknown key `blok`
      try: did you mean `block`?
    "#);
    assert_snapshot!(refused(&env, "run colours --set schedule.lookahead=64 --set evaluate.block=many"), @r#"
    exit 2
    error: `--set evaluate.block=many`: evaluate `race`: expected a whole number, got the string "many"
      try: `promptsearch strategies auto` shows all keys and values
    "#);
}

#[test]
fn a_run_that_is_not_there() {
    let env = TestEnv::with_colours();
    for command in ["status", "resume", "report", "journal"] {
        let ran = env.run(command).exits(2);
        assert!(ran.stderr.contains("there is no run `latest` under results"), "{}", ran.stderr);
        env.run(&format!("{command} nowhere")).exits(2);
    }
    assert_snapshot!(refused(&env, "status nowhere"), @r"
    exit 2
    error: there is no run `nowhere` under results: the folder has no runs
    ");
}

#[test]
fn what_data_and_paths_are_called_is_no_order_to_a_terminal() {
    let server = crate::server::Server::start(|_, _| crate::server::says("neither"));
    let env = TestEnv::with_server(&server, "");
    let rows = env.read("colours/rows.jsonl").replace("\"id\": \"", "\"id\": \"\\u001b[31m");
    let rows = rows.replace("\"id\":\"", "\"id\":\"\\u001b[31m");
    assert!(rows.contains("u001b[31m"), "{rows}");
    env.write("colours/rows.jsonl", &rows);
    let ran = env.run("eval colours --quiet").ok();
    assert!(ran.stdout.contains("(rows ") && !ran.stdout.contains('\x1b'), "{:?}", ran.stdout);
    let out = ["--out", "re\x1b[31msults"];
    env.run_with("run colours --name one --max-calls 250 --quiet", &out);
    let ran = env.run_with("status one", &out).ok();
    assert!(ran.stdout.contains("promptsearch resume re"), "{:?}", ran.stdout);
    assert!(!ran.stdout.contains('\x1b'), "{:?}", ran.stdout);
    crate::export::git(&env, ".", "init --quiet --initial-branch main");
    crate::export::git(&env, ".", "config user.name Tester");
    crate::export::git(&env, ".", "config user.email tester@example.org");
    crate::export::git(&env, ".", "commit --quiet --allow-empty -m Begin");
    std::fs::create_dir(env.path("\x1b[31m")).unwrap();
    let to = [&out[..], &["--to", "\x1b[31m/.."]].concat();
    let ran = env.run_with("export one --accept-unconfirmed --path p.md", &to).ok();
    assert!(ran.stdout.contains("show it: git -C "), "{:?}", ran.stdout);
    assert!(!ran.stdout.contains('\x1b'), "{:?}", ran.stdout);
}
