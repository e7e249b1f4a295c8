//! `init`: creates a task, from a template or from a data file.

use super::args::InitArgs;
use super::error::CliError;
use super::screen::Screen;
use crate::task::Task;
use crate::task::dataset::{self, Answers, Sniffed};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Number of rows in the task that is created from the template.
const SAMPLE_ROWS: usize = 90;
/// The shipped task that serves as the template.
const SAMPLE: &str = include_str!("../../tasks/ticket-routing/examples.jsonl");
const SAMPLE_TASK: &str = include_str!("../../tasks/ticket-routing/task.toml");
const SAMPLE_PROMPT: &str = include_str!("../../tasks/ticket-routing/system.md");

pub(super) fn init(args: &InitArgs, screen: &Screen) -> Result<(), CliError> {
    let file = args.dir.join("task.toml");
    if file.exists() {
        return Err(CliError::usage(format!("{} already exists", file.display()))
            .hint("choose another folder; nothing was changed"));
    }
    let name = task_name(&args.dir)?;
    let files = match &args.from {
        None => from_scratch(&name),
        Some(from) => from_rows(&name, from)?,
    };
    for (file, _) in &files {
        if args.dir.join(file).exists() {
            return Err(CliError::usage(format!(
                "{} already exists",
                args.dir.join(file).display()
            ))
            .hint("choose another folder; nothing was changed"));
        }
    }
    fs::create_dir_all(&args.dir)
        .map_err(|error| CliError::usage(format!("{}: {error}", args.dir.display())))?;
    for (file, bytes) in &files {
        fs::write(args.dir.join(file), bytes)?;
    }
    // The new task must load without changes.
    let task = Task::load(&args.dir)?;
    let value = serde_json::json!({
        "task": task.name,
        "folder": args.dir,
        "files": files.iter().map(|(file, _)| file).collect::<Vec<_>>(),
        "rows": task.splits.train.len() + task.splits.dev.len() + task.splits.hold.len(),
    });
    let dir = args.dir.display();
    let mut text = format!("created the task `{}` in {dir}\n", task.name);
    let _ = writeln!(text, "  1. edit {dir}/task.toml, and write your prompt to {dir}/system.md");
    let _ = writeln!(
        text,
        "  2. promptsearch plan {dir}      previews the run without calling a model"
    );
    let _ = writeln!(
        text,
        "  3. promptsearch run {dir}       uses simulated models until you name real ones"
    );
    screen.show(&value, &text)
}

/// The folder's name, reduced to the characters allowed in a task name.
fn task_name(dir: &Path) -> Result<String, CliError> {
    let absolute = fs::canonicalize(dir).or_else(|_| std::path::absolute(dir))?;
    let name = absolute.file_name().map_or("task".into(), |name| name.to_string_lossy());
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = name.trim_matches('-').to_owned();
    Ok(if name.is_empty() { "task".to_owned() } else { name })
}

fn from_scratch(name: &str) -> Vec<(String, Vec<u8>)> {
    let rows: String = SAMPLE.lines().take(SAMPLE_ROWS).flat_map(|line| [line, "\n"]).collect();
    let task = SAMPLE_TASK.replacen("\"ticket-routing\"", &format!("\"{name}\""), 1);
    vec![
        ("task.toml".to_owned(), task.into_bytes()),
        ("system.md".to_owned(), SAMPLE_PROMPT.as_bytes().to_vec()),
        ("examples.jsonl".to_owned(), rows.into_bytes()),
    ]
}

fn from_rows(name: &str, from: &Path) -> Result<Vec<(String, Vec<u8>)>, CliError> {
    let sniffed = dataset::sniff(from)?;
    let missing = |what: &str| {
        let columns: Vec<&str> = sniffed.columns.iter().map(|c| c.name.as_str()).collect();
        CliError::invalid(format!("{}: cannot tell which column is {what}", from.display())).hint(
            format!(
                "rename a column to `input` or `answer`; the columns are: {}",
                columns.join(", ")
            ),
        )
    };
    let answer = sniffed.answer.clone().ok_or_else(|| missing("the answer"))?;
    let input = sniffed.input.clone().ok_or_else(|| missing("the input"))?;
    let extension = from.extension().map_or("jsonl".into(), |e| e.to_string_lossy());
    let data = format!("examples.{extension}");
    let bytes = crate::source::read(from)?;
    let task = task_toml(name, &data, &sniffed, &answer, &input);
    Ok(vec![
        ("task.toml".to_owned(), task.into_bytes()),
        ("system.md".to_owned(), baseline_prompt(&sniffed.answers).into_bytes()),
        (data, bytes),
    ])
}

fn task_toml(name: &str, data: &str, sniffed: &Sniffed, answer: &str, input: &str) -> String {
    let mut columns = vec![format!("answer = {answer:?}")];
    for (key, column) in
        [("id", &sniffed.id), ("feedback", &sniffed.feedback), ("group", &sniffed.group)]
    {
        if let Some(column) = column {
            columns.push(format!("{key} = {column:?}"));
        }
    }
    let score = match &sniffed.answers {
        Answers::Labels(labels) => format!("kind = \"label\"\nlabels = {labels:?}"),
        Answers::Numbers | Answers::ReasoningThenNumber => {
            "kind = \"number\"\ntolerance = 0.0".to_owned()
        }
        Answers::Objects(_) => "kind = \"json-fields\"".to_owned(),
        _ => {
            "kind = \"equals\"\nnormalize = [\"trim\", \"lower\", \"strip-punctuation\"]".to_owned()
        }
    };
    format!(
        r#"name = "{name}"
about = "Say in one sentence what the model does; the mutator reads it."

[data]
file = "{data}"
columns = {{ {} }}

[prompt]
system = {{ file = "system.md" }}
user = "{{{{ {input} }}}}"
search = ["system"]

[models]
# Simulated models: free, and only good for trying things out. For a real one:
#   task = "openai/MODEL"
#   mutator = "openai/MODEL"
# with OPENAI_API_KEY set, and its price in US dollars per million tokens:
#   [providers.openai]
#   price = {{ input = 0.00, output = 0.00 }}
task = "sim/clerk"
mutator = "sim/editor"

[[score]]
{score}

[goal]
rule = "max quality"

[budget]
usd = 2.0
calls = 3000
"#,
        columns.join(", ")
    )
}

fn baseline_prompt(answers: &Answers) -> String {
    match answers {
        Answers::Labels(labels) => {
            format!(
                "Answer with exactly one of these labels, and nothing else: {}.\n",
                labels.join(", ")
            )
        }
        Answers::Numbers | Answers::ReasoningThenNumber => {
            "Solve the problem. End with the number.\n".to_owned()
        }
        Answers::Objects(fields) => {
            format!("Answer with a JSON object with the fields {}.\n", fields.join(", "))
        }
        _ => "Answer as briefly as possible.\n".to_owned(),
    }
}
