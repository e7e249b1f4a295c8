//! docs/json.md: every field that `--json` prints is on the page, with its type, and what the page promises is
//! printed. docs/json.schema.json says the same to programs: `UPDATE=1` writes it anew.

use crate::env::TestEnv;
use crate::export::{colours_repository, git};
use crate::server::{Server, says, tile};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

/// What a page says of a value.
#[derive(Default)]
struct Shape {
    fields: BTreeMap<String, Shape>,
    any_key: Option<Box<Shape>>,
    items: Option<Box<Shape>>,
    /// The name of a type, and whether it may be null or left out.
    kind: Option<(String, bool)>,
    about: String,
}

impl Shape {
    fn insert(&mut self, path: &str, kind: (String, bool), about: &str) {
        if path.is_empty() {
            self.kind = Some(kind);
            about.clone_into(&mut self.about);
        } else if let Some(rest) = path.strip_prefix("[]") {
            self.items.get_or_insert_default().insert(rest, kind, about);
        } else {
            let path = path.strip_prefix('.').unwrap_or(path);
            let (name, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
            if name.chars().all(char::is_uppercase) {
                self.any_key.get_or_insert_default().insert(rest, kind, about);
            } else {
                self.fields.entry(name.to_owned()).or_default().insert(rest, kind, about);
            }
        }
    }

    fn schema(&self) -> Value {
        let mut schema = match &self.kind {
            Some((kind, _)) if kind == "any" => json!({}),
            Some((kind, is_optional)) => {
                let of = match kind.as_str() {
                    "text" => json!({"type": "string"}),
                    "time" => json!({"type": "string", "format": "date-time"}),
                    "integer" | "number" | "boolean" => json!({ "type": kind }),
                    part => json!({ "$ref": format!("#/$defs/{part}") }),
                };
                if *is_optional { json!({"anyOf": [of, {"type": "null"}]}) } else { of }
            }
            None => match (&self.items, &self.any_key) {
                (Some(items), _) => json!({"type": "array", "items": items.schema()}),
                (None, Some(shape)) => {
                    json!({"type": "object", "additionalProperties": shape.schema()})
                }
                (None, None) => {
                    let fields = self.fields.iter();
                    let properties: Map<String, Value> =
                        fields.map(|(name, shape)| (name.clone(), shape.schema())).collect();
                    let required: Vec<&String> = (self.fields.iter())
                        .filter(|(_, shape)| !shape.is_optional())
                        .map(|(name, _)| name)
                        .collect();
                    json!({"type": "object", "properties": properties, "required": required})
                }
            },
        };
        if !self.about.is_empty() {
            schema["description"] = self.about.clone().into();
        }
        schema
    }

    /// Whether it may be missing: a group is left out where it would be empty.
    fn is_optional(&self) -> bool {
        self.kind.as_ref().is_none_or(|(_, is_optional)| *is_optional)
    }
}

/// The tables of the page, by heading.
struct Page(BTreeMap<String, Shape>);

impl Page {
    fn read() -> Self {
        let text =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
        let (mut shapes, mut heading) = (BTreeMap::<String, Shape>::new(), String::new());
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("##") {
                title.trim_start_matches('#').trim().clone_into(&mut heading);
            }
            let cells: Vec<&str> =
                line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
            let [names, kind, about] = cells[..] else { continue };
            if !names.starts_with('`') || heading == "Elsewhere" {
                continue;
            }
            let kind = (kind.trim_end_matches('?').to_owned(), kind.ends_with('?'));
            for name in names.split(", ") {
                let shape = shapes.entry(heading.clone()).or_default();
                shape.insert(name.trim_matches('`'), kind.clone(), about);
            }
        }
        Self(shapes)
    }

    /// What is printed by a command, or is a part of it.
    fn named(&self, name: &str) -> Option<&Shape> {
        let is_it = |heading: &str| heading.split(", ").any(|it| it == name);
        self.0.iter().find(|(heading, _)| is_it(heading)).map(|(_, shape)| shape)
    }

    fn check(&self, shape: &Shape, value: &Value, place: &str, wrong: &mut BTreeSet<String>) {
        if let Some((kind, is_optional)) = &shape.kind {
            let is_right = match kind.as_str() {
                "any" => true,
                "text" => value.is_string(),
                "integer" => value.is_u64() || value.is_i64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "time" => {
                    value.as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok())
                }
                name if !value.is_null() => {
                    match self.named(name) {
                        Some(shape) => self.check(shape, value, place, wrong),
                        None => drop(wrong.insert(format!("{place}: there is no type {name}"))),
                    }
                    true
                }
                _ => false,
            };
            if !(is_right || value.is_null() && *is_optional) {
                wrong.insert(format!("{place} is {value}, and no {kind}"));
            }
            return;
        }
        match (value, &shape.items, &shape.any_key) {
            (Value::Array(items), Some(shape), _) => {
                items.iter().for_each(|item| self.check(shape, item, &format!("{place}[]"), wrong));
            }
            (Value::Object(fields), None, Some(shape)) => {
                fields.values().for_each(|it| self.check(shape, it, &format!("{place}.*"), wrong));
            }
            (Value::Object(fields), None, None) => {
                for (name, value) in fields {
                    let place = format!("{place}.{name}");
                    match shape.fields.get(name) {
                        Some(shape) => self.check(shape, value, &place, wrong),
                        None => drop(wrong.insert(format!("{place} is not on the page: {value}"))),
                    }
                }
                let missing = shape.fields.iter().filter(|(name, shape)| {
                    !fields.contains_key(name.as_str()) && !shape.is_optional()
                });
                wrong.extend(missing.map(|(name, _)| format!("{place}.{name} is missing")));
            }
            _ => drop(wrong.insert(format!("{place} has another form: {value}"))),
        }
    }
}

impl Page {
    /// The page as JSON Schema: a definition for each command, and for each part.
    fn schema(&self) -> Value {
        let mut defs = Map::new();
        for (heading, shape) in &self.0 {
            let mut names = heading.split(", ").map(str::to_lowercase);
            let first = names.next().unwrap();
            let same = json!({ "$ref": format!("#/$defs/{first}") });
            defs.extend(names.map(|name| (name, same.clone())));
            defs.insert(first, shape.schema());
        }
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": defs})
    }
}

#[test]
fn the_schema_says_what_the_page_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.schema.json");
    let schema = Page::read().schema();
    let text = format!("{schema:#}\n");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), text, "UPDATE=1 writes it anew");
    let env = TestEnv::with_colours();
    env.run("run colours --name one").ok();
    for command in ["status", "list", "plan"] {
        let schema: Value =
            serde_json::from_str(&env.run(&format!("schema --of {command}")).ok().stdout).unwrap();
        let line =
            if command == "plan" { "plan colours --json" } else { &format!("{command} --json") };
        let printed = env.run(line).json();
        jsonschema::validate(&schema, &printed)
            .unwrap_or_else(|error| panic!("{command}: {error}"));
        assert!(!jsonschema::is_valid(&schema, &json!({"run": 1})), "{command}");
    }
    env.run("schema --of nothing").exits(2);
}

#[test]
fn every_field_is_described() {
    let mut env = TestEnv::with_colours();
    for role in ["AUTHOR", "COMMITTER"] {
        env.set(&format!("GIT_{role}_NAME"), "Ada");
        env.set(&format!("GIT_{role}_EMAIL"), "ada@example.org");
    }
    for line in ["init --quiet app", "-C app commit --quiet --allow-empty -m app"] {
        assert!(env.program("git").args(line.split(' ')).status().unwrap().success());
    }
    env.edit("colours/task.toml", "calls = 300", "calls = 500");
    let line = |number| {
        let arm = if number % 2 == 0 { "a" } else { "b" };
        format!("u{number},{arm},{},0.01,{},free\n", number % 3, 1_000 + number)
    };
    let lines: String = (0..400).map(line).collect();
    env.write("log.csv", &format!("unit,arm,outcome,cost,time,plan\n{lines}"));
    let said = (1..=60).map(|row| format!("r{row},warm,cold,{row}\n"));
    env.write("said.csv", &format!("id,a,b,c\n{}", said.collect::<String>()));
    env.write("rows.csv", "text,label\nred,warm\nblue,cold\ngreen,cold\npink,warm\n");
    let task =
        env.read("colours/task.toml").replace("mutator =", "judge = \"sim/judge\"\nmutator =");
    let rubric = "kind = \"rubric\"\nvalue = \"It is right.\"";
    let labels = "kind = \"label\"\nlabels = [\"warm\", \"cold\"]";
    env.write("graded/task.toml", &task.replace(labels, rubric));
    env.write("graded/rows.jsonl", &env.read("colours/rows.jsonl"));
    let labelled = (1..=60).map(|row| {
        let (answer, writer) = (["cold", "It is warm"][row % 2], ["judge", "clerk"][row / 2 % 2]);
        format!("r{row},{answer},{},{writer}\n", row / 3 % 2)
    });
    let labelled: String = labelled.collect();
    env.write("labels.csv", &format!("id,answer,grade,model\n{labelled}"));
    let labelled = (1..=60).map(|row| {
        let answer = ["warm", "cold"][(row + row / 2) % 2];
        format!("r{row},{answer},{}\n", u8::from(answer == ["warm", "cold"][row % 2]))
    });
    env.write("alike.csv", &format!("id,answer,grade\n{}", labelled.collect::<String>()));
    let run = "run, resume, status, summary.json";
    let page = Page::read();
    let (mut wrong, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (heading, line, exit_code) in [
        (run, "run colours --name one --seed 1", 0),
        (
            run,
            "run colours --name two --seed 2 --reuse one --require-improvement --max-calls 300",
            -1,
        ),
        (run, "status one", 0),
        (run, "resume one", 0),
        ("Errors", "resume none", 2),
        ("list", "list", 0),
        ("compare", "compare one two", 0),
        ("diff", "diff one:baseline one:n1", 0),
        ("plan", "plan colours", 0),
        ("eval", "eval colours --min-quality 0.01", 0),
        ("rows", "rows one n1 --changed", 0),
        ("edge", "edge one", 0),
        ("edge", "edge one --name-groups", 0),
        ("synth", "synth one --rows 8", 0),
        ("explain", "explain one n1", 0),
        ("confirm", "confirm one n1 --max-calls 700", -1),
        ("export", "export one --candidate n1 --to app --path warm.md --pr-body", 0),
        ("log", "log app/warm.md --branch promptsearch/colours", 0),
        ("init", "init fresh --from rows.csv", 0),
        ("stop", "stop one", 0),
        ("strategies", "strategies", 0),
        ("ab", "ab colours --answers said.csv --a a --b b --b c --margin 0.1 --slice answer", 0),
        (
            "ab",
            "ab colours --a one:baseline --b one:n1 --b one:n2 --repeats 2 --max-calls 300 --split all",
            0,
        ),
        ("judge certify", "judge certify graded --labels labels.csv", 6),
        ("judge certify", "judge certify graded --labels alike.csv --min-kappa 0.1", 0),
        ("judge check", "judge check graded --labels alike.csv", 0),
        ("ab --log", "ab --log log.csv --cost cost --time time --segment plan --margin 0.1", 0),
        ("assign", "assign u1 u2 --experiment e --arms a=1,b=1", 0),
    ] {
        let ran = env.run(&format!("{line} --json"));
        assert!(exit_code == -1 || ran.code == exit_code, "{line}: {}\n{}", ran.code, ran.stderr);
        let shape =
            page.0.get(heading).unwrap_or_else(|| panic!("there is no table under {heading}"));
        page.check(shape, &ran.json(), &format!("`{line}`: "), &mut wrong);
        seen.insert(heading);
    }
    let merged =
        env.program("git").args(["-C", "app", "merge", "--quiet", "promptsearch/colours"]).status();
    assert!(merged.unwrap().success());
    let verified = env.run("verify app/warm.md --task colours --json").json();
    page.check(&page.0["verify"], &verified, "verify", &mut wrong);
    seen.insert("verify");
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    seen.extend(BEHIND_A_SERVER);
    let unseen: Vec<_> = page
        .0
        .keys()
        .filter(|it| !seen.contains(it.as_str()) && !PARTS.contains(&it.as_str()))
        .collect();
    assert!(unseen.is_empty(), "no command was run for {unseen:?}");
}

/// Parts of what commands print.
const PARTS: [&str; 21] = [
    "naming",
    "bias",
    "asked_run",
    "changed_row",
    "interval",
    "look",
    "prompted",
    "effect",
    "gain",
    "cost",
    "claim",
    "difference",
    "common",
    "slice",
    "edge_row",
    "common_answer",
    "verified",
    "migration",
    "on_model",
    "beside_bar",
    "side",
];

/// What the test below runs.
const BEHIND_A_SERVER: [&str; 8] =
    ["night, migrate", "watch", "monitor", "history", "rollback", "doctor", "ctl", "detach"];

#[test]
fn every_field_of_what_takes_a_server_is_described() {
    // Every change of the prompt helps.
    let server = Server::start(|_, request| {
        std::thread::sleep(Duration::from_millis(2));
        let right = tile(request) % 2;
        let is_baseline = request.content("system") == "Answer warm or cold.";
        let is_wrong = is_baseline && tile(request).is_multiple_of(3);
        says(["warm", "cold"][if is_wrong { 1 - right } else { right }])
    });
    let env = TestEnv::with_server(&server, "");
    colours_repository(&env);
    for (file, name) in [("task.toml", "shades"), ("rows.jsonl", "")] {
        let text = env.read(&format!("colours/{file}"));
        env.write(
            &format!("shades/{file}"),
            &text.replacen("\"colours\"", &format!("\"{name}\""), 1),
        );
    }
    let page = Page::read();
    let (mut wrong, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut run = |heading: &'static str, line: &str, exit_code: i32| {
        let ran = env.run(&format!("{line} --json"));
        assert_eq!(ran.code, exit_code, "{line}: {}", ran.stderr);
        // One a line, or one value on several.
        let values: Vec<Value> = match serde_json::from_str(&ran.stdout) {
            Ok(value) => vec![value],
            Err(_) => ran.stdout.lines().map(|it| serde_json::from_str(it).unwrap()).collect(),
        };
        let schema: Value =
            serde_json::from_str(&env.run(&format!("schema --of {heading}")).ok().stdout).unwrap();
        for value in &values {
            jsonschema::validate(&schema, value).unwrap_or_else(|error| panic!("{line}: {error}"));
            page.check(page.named(heading).unwrap(), value, &format!("`{line}`: "), &mut wrong);
        }
        seen.insert(heading);
        values
    };
    run("doctor", "doctor colours", 0);
    run("night", "run colours shades --name n --max-calls 500 --require-improvement", 0);
    run("night", "status n", 0);
    run("migrate", "migrate colours --to local/new --name m --margin 0.2 --max-calls 700", 0);
    run("detach", "run colours shades --name d --max-calls 2000 --concurrency 1 --detach", 0);
    run("ctl", "ctl d set --max-calls 2100", 0);
    run("ctl", "ctl d pause", 0);
    run("ctl", "ctl d continue", 0);
    let waits = run("night", "status d", 0);
    assert_eq!(waits[0]["runs"][1]["status"], "waiting");
    env.run("stop d").ok();
    run("detach", "run colours --name e --max-calls 250 --concurrency 1 --detach", 0);
    let lines = run("watch", "watch e --every 50ms", 0);
    assert!(lines.len() > 1 && lines[0].get("verdict").is_none(), "{}", lines.len());
    env.run("export e --candidate baseline --to . --path warm.md --branch warm").ok();
    env.run("export e --to . --path warm.md --branch warm --accept-unconfirmed").ok();
    git(&env, ".", "checkout --quiet warm");
    run("rollback", "rollback warm.md", 0);
    run("monitor", "monitor warm.md --once --every 30d", 0);
    run("history", "monitor warm.md --history", 0);
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = BEHIND_A_SERVER.iter().flat_map(|heading| heading.split(", "));
    assert_eq!(seen, all.collect(), "each is run");
}
