//! The JSON Schema of `task.toml`, and the reference part of `docs/task.md`: both from the types that read the file.
//!
//! A test compares the page with it, so the two cannot drift apart. What a schema cannot say (that shares sum to 1, that
//! a column exists) is checked where the file is read.

use super::file::TaskFile;
use crate::text::toml_of;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The JSON Schema of `task.toml` (draft 7, which editors of TOML use).
#[must_use]
pub fn json_schema() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<TaskFile>().to_value()
}

/// The tables of the file in the order of the page: the type that reads each, and where it stands.
const TABLES: [(&str, &str); 15] = [
    ("DataTable", "[data]"),
    ("ColumnMap", "data.columns = { … }"),
    ("PromptTable", "[prompt]"),
    ("ModelsTable", "[models]"),
    ("ModelTable", "a model as a table: { model = \"provider/model\", … }"),
    ("ScoreTable", "[[score]]"),
    ("CriterionTable", "criteria = [{ … }] of a rubric"),
    ("LevelTable", "levels = [{ … }] of a criterion"),
    ("GoalTable", "[goal]"),
    ("BudgetTable", "[budget]"),
    ("Provider", "[providers.NAME]"),
    ("TimeoutTable", "timeout = { … } of a provider"),
    ("PriceTable", "price = { … } of a provider, and prices.MODEL = { … }"),
    ("LongContext", "long_context = { … } of a price"),
    ("Notify", "[notify]"),
];

/// All tables and their keys as Markdown.
#[must_use]
pub fn reference() -> String {
    let schema = json_schema();
    let none = Map::new();
    let definitions = schema["definitions"].as_object().unwrap_or(&none);
    let mut out = String::new();
    table(&mut out, "the top of the file", &schema);
    for (name, heading) in &TABLES {
        if let Some(definition) = definitions.get(*name) {
            table(&mut out, heading, definition);
        }
    }
    out
}

fn table(out: &mut String, heading: &str, schema: &Value) {
    if !out.is_empty() {
        out.push('\n');
    }
    let (code, rest) = if heading.contains(['[', '=']) { ("`", "`") } else { ("", "") };
    let _ = writeln!(out, "### {code}{heading}{rest}\n");
    if let Some(about) = schema["description"].as_str() {
        let _ = writeln!(out, "{}\n", one_line(about));
    }
    out.push_str("| key | meaning | default | example |\n|---|---|---|---|\n");
    let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
    for (name, key) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.iter().any(|it| *it == name);
        let default = match &key["default"] {
            Value::Null if is_required => "*required*".to_owned(),
            Value::Null => String::new(),
            Value::Object(table) if table.is_empty() => String::new(),
            Value::Array(list) if list.is_empty() => String::new(),
            Value::String(text) if text.is_empty() => String::new(),
            // A table has its defaults beside its own keys.
            Value::Object(_) => String::new(),
            default => format!("`{}`", toml_of(default)),
        };
        let example = match &key["examples"][0] {
            Value::Null => String::new(),
            example => format!("`{name} = {}`", toml_of(example)),
        };
        let about = meaning(key);
        let _ = writeln!(out, "| `{name}` | {about} | {default} | {} |", cell(&example));
    }
}

/// What a key means, with the values that it takes where these are words.
fn meaning(key: &Value) -> String {
    let about = cell(&one_line(key["description"].as_str().unwrap_or_default()));
    let words = words_of(key);
    let is_told = words
        .iter()
        .all(|word| about.contains(&format!("`{word}`")) || about.contains(&format!("\"{word}\"")));
    if is_told {
        return about;
    }
    let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    format!("{about} One of {}.", words.join(", "))
}

/// The words that a schema permits, wherever it says so.
fn words_of(schema: &Value) -> Vec<&str> {
    let own = schema["enum"].as_array().into_iter().flatten().chain([&schema["const"]]);
    let nested = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array());
    own.filter_map(Value::as_str)
        .chain(nested.flatten().flat_map(words_of))
        .chain(schema.get("items").into_iter().flat_map(words_of))
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::assert_page_holds;
    use std::path::Path;

    const LEAST: &str = "name = 't'\n[data]\nfile = 'rows.csv'\n[prompt]\nuser = '{{ input }}'\n\
                         [models]\ntask = 'sim/clerk'\n[[score]]\nkind = 'exact'\n";

    fn validator() -> jsonschema::Validator {
        jsonschema::validator_for(&json_schema()).unwrap()
    }

    fn as_json(text: &str) -> Value {
        serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
    }

    #[test]
    fn the_page_holds_the_reference_as_the_types_declare_it() {
        assert_page_holds("docs/task.md", &reference());
    }

    #[test]
    fn every_table_is_on_the_page_and_every_key_is_explained() {
        let schema = json_schema();
        let definitions = schema["definitions"].as_object().unwrap();
        for (name, definition) in definitions {
            let is_shown = TABLES.iter().any(|(known, _)| known == name);
            assert!(is_shown, "{name} has no heading");
            for (key, value) in definition["properties"].as_object().unwrap() {
                assert!(value["description"].is_string(), "{name}.{key} is not explained");
            }
        }
        assert_eq!(definitions.len(), TABLES.len(), "a heading without its table");
    }

    #[test]
    fn the_schema_takes_the_shipped_tasks_and_refuses_what_the_reader_refuses() {
        let validator = validator();
        let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks");
        let mut tasks: Vec<_> =
            std::fs::read_dir(tasks).unwrap().map(|it| it.unwrap().path()).collect();
        tasks.retain(|task| task.join("task.toml").is_file());
        assert!(tasks.len() >= 3);
        for task in tasks {
            let text = std::fs::read_to_string(task.join("task.toml")).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&as_json(&text)).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", task.display());
        }
        assert!(validator.is_valid(&as_json(LEAST)));
        for (from, to) in [
            ("name = 't'", "nam = 't'"),
            ("[models]", "[models]\nmutator = []\nmutatr = 'x/y'"),
            ("'sim/clerk'", "'clerk'"),
            ("'sim/clerk'", "{ model = 'sim/clerk', temperature = 3 }"),
            ("'sim/clerk'", "{ temperature = 0 }"),
            ("user =", "max_tokens = 'many'\nuser ="),
            ("file = 'rows.csv'", "split = { train = 'a.csv' }"),
            ("file = 'rows.csv'", "split = { dev = 2.0 }"),
            ("kind = 'exact'", "kind = 'exact'\nnormalize = ['lowr']"),
            ("name = 't'", "name = 't'\nnotify = { comand = ['x'] }"),
            ("[models]", "[providers.a]\nkind = 'opnai'\n[models]"),
            ("[models]", "[providers.a]\napi_key = 'sk-1'\n[models]"),
        ] {
            let text = LEAST.replacen(from, to, 1);
            assert_ne!(text, LEAST);
            assert!(toml::from_str::<TaskFile>(&text).is_err(), "the reader takes {to}");
            assert!(!validator.is_valid(&as_json(&text)), "the schema takes {to}");
        }
    }

    /// Puts the examples of a definition's keys into a task, one at a time.
    fn check_examples(at: &str, needs: &str, definition: &Value) {
        let validator = validator();
        for (key, value) in definition["properties"].as_object().unwrap() {
            let Some(example) = value["examples"].get(0) else { continue };
            let given = format!("{key} = {}", toml_of(example));
            let needs: Vec<&str> =
                needs.split(", ").filter(|need| need.split(' ').next() != Some(key)).collect();
            let inner = [&[&*given], &needs[..]].concat();
            let inner = inner.iter().filter(|it| !it.is_empty()).copied().collect::<Vec<_>>();
            let text = at.replace("…", &inner.join(", ")).replace('¶', &inner.join("\n"));
            let read = toml::from_str::<TaskFile>(&text);
            assert!(read.is_ok(), "{text}\n{}", read.unwrap_err());
            assert!(validator.is_valid(&as_json(&text)), "{text}");
        }
    }

    #[test]
    fn every_example_is_read_and_is_valid() {
        let schema = json_schema();
        let of = |name: &str| schema["definitions"][name].clone();
        let instead = |from: &str, to: &str| LEAST.replacen(from, to, 1);
        check_examples(&instead("name = 't'", "¶"), "name = 't'", &schema);
        check_examples(&instead("file = 'rows.csv'", "¶"), "", &of("DataTable"));
        check_examples(&instead("[prompt]", "columns = { … }\n[prompt]"), "", &of("ColumnMap"));
        check_examples(&instead("user = '{{ input }}'", "¶"), "user = 'x'", &of("PromptTable"));
        check_examples(&instead("task = 'sim/clerk'", "¶"), "task = 'a/b'", &of("ModelsTable"));
        check_examples(&instead("'sim/clerk'", "{ … }"), "model = 'a/b'", &of("ModelTable"));
        check_examples(&instead("kind = 'exact'", "¶"), "kind = 'exact'", &of("ScoreTable"));
        let with = |table: &str| format!("{LEAST}\n{table}");
        check_examples(&with("[goal]\n¶"), "", &of("GoalTable"));
        check_examples(&with("[budget]\n¶"), "", &of("BudgetTable"));
        check_examples(&with("[providers.a]\n¶"), "", &of("Provider"));
        check_examples(&with("[providers.a]\ntimeout = { … }"), "", &of("TimeoutTable"));
        check_examples(
            &with("[providers.a]\nprice = { … }"),
            "input = 1.0, output = 2.0",
            &of("PriceTable"),
        );
        check_examples(&with("[notify]\n¶"), "command = ['x']", &of("Notify"));
        let long = "[providers.a.price]\ninput = 1.0\noutput = 2.0\nlong_context = { … }";
        check_examples(&with(long), "above = 9, input = 1.0, output = 2.0", &of("LongContext"));
    }
}
