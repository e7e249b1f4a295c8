//! `synth`: new rows for edge cases, written by the model that writes prompts.

use super::args::SynthArgs;
use super::error::CliError;
use super::inquire;
use super::screen::Screen;
use crate::inquiry::{Asked, Inquiry};
use crate::report::{Report, edge_cases};
use crate::run::{Run, RunDir, RunKind};
use crate::source::{self, SourceError};
use crate::synth::{self, Brief, Synthesis, Writer, WrittenRow};
use crate::task::file::TaskFile;
use crate::task::{Task, TaskFiles, TaskSource, dataset};
use std::path::Path;

/// The file of new rows where none is named, beside the task.
const USUAL_FILE: &str = "synthetic.jsonl";

/// What rows are written for.
struct Subject {
    task: Task,
    /// The search whose failures they are about, with its briefs.
    of: Option<String>,
    briefs: Vec<Brief>,
}

/// Writes them.
pub(super) fn synth(args: &SynthArgs, screen: &Screen) -> Result<(), CliError> {
    let Subject { task, of, briefs } = subject(args)?;
    let TaskSource::Files(files) = &task.source else {
        return Err(CliError::usage("the task was made in memory, and has no file of rows"));
    };
    let read = TaskFile::parse(&files.file, &files.text)?;
    let file =
        args.output.clone().or_else(|| Some(task.folder().join(read.data.synthetic.as_ref()?)));
    let file = file.unwrap_or_else(|| task.folder().join(USUAL_FILE));
    if dataset::Format::of(&file)? != dataset::Format::Jsonl {
        return Err(CliError::usage(format!("{}: new rows are JSON Lines", file.display())).hint(
            "name a file that ends in .jsonl; a task may read it beside files of other formats",
        ));
    }
    let in_file = match file.exists() {
        true => dataset::read(&file, &read.data.columns)?,
        false => Vec::new(),
    };
    let is_read =
        read.data.synthetic.as_ref().is_some_and(|it| is_same(&task.folder().join(it), &file));
    let asked: Vec<Asked<'_>> = briefs.iter().map(Brief::asked).collect();
    let inquiry = Inquiry::new(&task, files, synth::PURPOSE, &asked, &args.out.out)?;
    let replies = inquire::ask(inquiry, briefs.len(), &args.caps, args.concurrency, screen)?;

    let mut writer = Writer::new(&task, &read.data.columns, &in_file);
    let (mut written, mut refused, mut read_replies) = (Vec::new(), Vec::new(), 0);
    for (brief, reply) in briefs.iter().zip(&replies.texts) {
        let Some(reply) = reply else { continue };
        read_replies += 1;
        let (rows, left) = writer.read(brief, reply);
        written.extend(rows);
        refused.extend(left);
    }
    append(&file, &written)?;
    let (calls, usd) = replies.spent();
    let found = Synthesis {
        schema: synth::SCHEMA,
        task: task.name.clone(),
        of,
        run: replies.answers.summary.run.clone(),
        model: replies.model(),
        file,
        asked: args.rows,
        replies: read_replies,
        written,
        refused,
        calls,
        usd,
        is_read,
        simulated: replies.simulated()?,
    };
    screen.show(&serde_json::to_value(&found)?, &synth::page(&found, args.limit))?;
    // What came is kept, whatever did not.
    replies.answers.check(false)
}

/// The task and the briefs that an argument stands for.
fn subject(args: &SynthArgs) -> Result<Subject, CliError> {
    let named = Path::new(&args.what);
    if named.join("task.toml").is_file() || named.extension().is_some_and(|it| it == "toml") {
        let task = Task::load(named)?;
        let briefs = synth::briefs_of_task(&task, args.rows);
        return Ok(Subject { task, of: None, briefs });
    }
    let run = Run::read(&RunDir::find(&args.out.out, &args.what)?)?;
    if run.file.kind != RunKind::Search {
        let message =
            format!("`{}` is no search, whose failures could be told apart", run.file.run);
        return Err(CliError::usage(message).hint("name a search, or a task's folder"));
    }
    let TaskSource::Files(TaskFiles { file, .. }) = &run.task.source else {
        return Err(CliError::usage("the task was made in memory, and has no file of rows"));
    };
    let edge = edge_cases(&Report::from(&run), &run.dir.events())?;
    // New rows must be unlike the rows that the task has now.
    let task = Task::load(file)?;
    let briefs = synth::briefs_of_run(&task, &edge, args.rows);
    Ok(Subject { task, of: Some(run.file.run.to_string()), briefs })
}

fn is_same(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).ok();
    whole(a) == whole(b)
}

/// Adds rows to a file, which is replaced as a whole: a kill leaves the old one.
fn append(file: &Path, rows: &[WrittenRow]) -> Result<(), CliError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut text = match file.exists() {
        true => source::read_text(file).map_err(|error| SourceError::unreadable(file, &error))?,
        false => String::new(),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for row in rows {
        text += &row.line.to_string();
        text.push('\n');
    }
    source::replace_file(file, text.as_bytes()).map_err(|error| CliError::not_written(file, &error))
}
