//! `init`: creates a task, from a template or from a file of another program.
//!
//! What a file means is `import`'s; here is what is asked, shown and written.

use super::args::InitArgs;
use super::error::CliError;
use super::folder::NewFolder;
use super::screen::Screen;
use crate::evaluate::Evaluator;
use crate::import::{
    self, ColumnRole, ColumnView, Files, Import, SourceColumns, TaskDraft, ValuePath, Wishes,
};
use crate::task::Task;
use crate::text;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Number of rows in the task that is created from the template.
const SAMPLE_ROWS: usize = 90;
/// The shipped task that serves as the template.
const SAMPLE: &str = include_str!("../../tasks/ticket-routing/examples.jsonl");
const SAMPLE_TASK: &str = include_str!("../../tasks/ticket-routing/task.toml");
const SAMPLE_PROMPT: &str = include_str!("../../tasks/ticket-routing/system.md");

/// The most rows of a task that is loaded to check it.
const MAX_CHECKED: usize = 5_000;

/// The most columns that a question lists.
const MAX_CHOICES: usize = 12;

pub(super) fn init(args: &InitArgs, screen: &Screen) -> Result<(), CliError> {
    let mut notes = Vec::new();
    let created = create(args, screen, &mut notes);
    if created.is_err() {
        // What was left out of the file may be why it failed.
        show_notes(&notes, screen);
    }
    created
}

fn show_notes(notes: &[String], screen: &Screen) {
    notes.iter().for_each(|note| screen.note(&format!("note: {note}")));
}

/// Creates the task; `notes` gets what the user should know.
fn create(args: &InitArgs, screen: &Screen, notes: &mut Vec<String>) -> Result<(), CliError> {
    let name = task_name(&args.dir)?;
    refuse_existing(&args.dir, ["task.toml"])?;
    let (files, draft, columns) = match &args.from {
        None => (from_scratch(&name), None, Vec::new()),
        Some(from) => {
            let (draft, columns) = drafted(args, from, screen, notes)?;
            notes.clone_from(&draft.notes);
            (draft.files(&name), Some(draft), columns)
        }
    };
    let mut names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    names.extend(draft.as_ref().map(TaskDraft::data_file));
    refuse_existing(&args.dir, names.iter().map(String::as_str))?;
    let folder = NewFolder::create(&args.dir)?;
    write_files(folder.path(), &files, &args.dir)?;
    if let Some(draft) = &draft {
        draft.write_rows(&folder.path().join(draft.data_file()), None).map_err(|mut error| {
            // The user knows no folder in the making.
            if error.file.starts_with(folder.path()) {
                error.file = args.dir.join(draft.data_file());
            }
            error
        })?;
    }
    notes.extend(check(args, &folder, &files, draft.as_ref())?);
    folder.keep(&names)?;
    let rows = draft.as_ref().map_or(SAMPLE_ROWS, |draft| draft.count);
    let has_prompt = draft.as_ref().is_some_and(|draft| draft.has_prompt);
    show_notes(notes, screen);
    let value = serde_json::json!({
        "task": name,
        "folder": args.dir,
        "files": names,
        "rows": rows,
        "columns": columns,
        "notes": std::mem::take(notes),
    });
    screen.show(&value, &next_steps(args, &name, has_prompt))
}

/// Writes files into a folder in the making, which is `target` to the user.
fn write_files(folder: &Path, files: &Files, target: &Path) -> Result<(), CliError> {
    files.iter().try_for_each(|(name, text)| {
        fs::write(folder.join(name), text)
            .map_err(|error| CliError::not_written(&target.join(name), &error))
    })
}

/// The new task must load without changes; a mistake is reported where the user finds it. What is said of
/// rows that show nothing is handed back.
fn check(
    args: &InitArgs,
    folder: &NewFolder,
    files: &Files,
    draft: Option<&TaskDraft>,
) -> Result<Option<String>, CliError> {
    let (mut place, mut sample) = (folder.path().to_owned(), None);
    // The statistics have seen every row; of a large file, a task of the first rows is loaded, because
    // a whole one is held in memory.
    if let Some(draft) = draft.filter(|draft| draft.count > MAX_CHECKED) {
        place.push("check");
        fs::create_dir(&place)?;
        write_files(&place, files, &args.dir)?;
        draft.write_rows(&place.join(draft.data_file()), Some(MAX_CHECKED))?;
        sample = Some(place.clone());
    }
    let task = Task::load(&place).and_then(|task| {
        let task = Arc::new(task);
        Evaluator::new(Arc::clone(&task), &[]).check_rows()?;
        Ok(task)
    });
    let task = task.map_err(|error| {
        let message = error.to_string().replace(&place.display().to_string(), "the new task");
        let source = args.from.as_ref().map_or(&args.dir, |from| from).display();
        CliError::invalid(format!("no task can be made of {source}: {message}"))
    })?;
    sample.map_or(Ok(()), fs::remove_dir_all)?;
    Ok(task.blank_rows().map(str::to_owned))
}

fn next_steps(args: &InitArgs, name: &str, has_prompt: bool) -> String {
    let dir = args.dir.display();
    let mut text = format!("created the task `{name}` in {dir}\n");
    let prompt = match has_prompt {
        false => format!(", and write your prompt to {dir}/system.md"),
        true => ", which has your prompt".to_owned(),
    };
    let _ = writeln!(text, "  1. edit {dir}/task.toml{prompt}");
    let _ = writeln!(
        text,
        "  2. promptsearch plan {dir}      previews the run without calling a model"
    );
    let _ = writeln!(
        text,
        "  3. promptsearch run {dir}       uses simulated models until you name real ones"
    );
    text
}

fn refuse_existing<'a>(
    dir: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), CliError> {
    match names.into_iter().map(|name| dir.join(name)).find(|file| file.exists()) {
        Some(file) => Err(CliError::usage(format!("{} already exists", file.display()))
            .hint("choose another folder; nothing was changed")),
        None => Ok(()),
    }
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

fn from_scratch(name: &str) -> Files {
    let rows: String = SAMPLE.lines().take(SAMPLE_ROWS).flat_map(|line| [line, "\n"]).collect();
    let task = SAMPLE_TASK.replacen("\"ticket-routing\"", &format!("\"{name}\""), 1);
    vec![
        ("task.toml".to_owned(), task),
        ("system.md".to_owned(), SAMPLE_PROMPT.to_owned()),
        ("examples.jsonl".to_owned(), rows),
    ]
}

/// The draft of a task, and the columns with their roles.
fn drafted(
    args: &InitArgs,
    from: &Path,
    screen: &Screen,
    seen: &mut Vec<String>,
) -> Result<(TaskDraft, Vec<ColumnView>), CliError> {
    let wishes = Wishes {
        input: args.input.clone(),
        answer: args.answer.clone(),
        id: args.id.clone(),
        feedback: args.feedback.clone(),
    };
    let mut columns = match import::read(from, &wishes, seen)? {
        Import::Draft(draft) => {
            if !wishes.is_empty() {
                let message = format!("{} is a promptfoo configuration", from.display());
                return Err(CliError::usage(message)
                    .hint("leave out --input, --answer, --id and --feedback: it names its variables itself"));
            }
            return Ok((*draft, Vec::new()));
        }
        Import::Columns(columns) => columns,
    };
    screen.note(&table(&columns));
    for role in [ColumnRole::Answer, ColumnRole::Input] {
        if screen.can_ask() && !columns.is_set(role) {
            ask(&mut columns, role, screen)?;
        }
    }
    let draft = columns.draft()?;
    if !screen.can_ask() && wishes.is_empty() {
        screen.note("another column: --input, --answer, --id or --feedback COLUMN");
    }
    Ok((draft, columns.views()))
}

/// Asks which column has a role; Enter takes the guess.
fn ask(columns: &mut SourceColumns, role: ColumnRole, screen: &Screen) -> Result<(), CliError> {
    let mut choices = columns.choices(role);
    choices.truncate(MAX_CHOICES);
    let guess = columns.guess_of(role).cloned();
    if let Some(guess) = &guess {
        choices.retain(|it| it != guess);
        choices.insert(0, guess.clone());
    }
    let mut question = format!("Which column is the {}?\n", role.name());
    for (number, path) in (1..).zip(&choices) {
        let _ = writeln!(question, "  {number}  {path}");
    }
    question += match guess {
        Some(_) => "Number or name, Enter for 1: ",
        None => "Number or name: ",
    };
    loop {
        let reply = screen.ask(&question)?;
        let chosen = chosen(&reply, &choices, guess.is_some());
        if let Some(path) = chosen {
            columns.set(role, path.clone());
            return Ok(());
        }
        let known: Vec<String> = choices.iter().map(ToString::to_string).collect();
        let near = text::did_you_mean(&reply, known.iter().map(String::as_str));
        let near = near.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
        screen.note(&format!("there is no column `{reply}` in the list{near}"));
    }
}

/// The column that a reply names: by number, by name, or by Enter the first one.
fn chosen<'a>(reply: &str, choices: &'a [ValuePath], has_guess: bool) -> Option<&'a ValuePath> {
    if reply.is_empty() {
        return choices.first().filter(|_| has_guess);
    }
    // A column may be called `2`.
    let by_name = choices.iter().find(|path| path.to_string() == reply);
    let by_number = || choices.get(reply.parse::<usize>().ok()?.checked_sub(1)?);
    let mut in_any_case =
        choices.iter().filter(|it| it.to_string().to_lowercase() == reply.to_lowercase());
    let only = || in_any_case.next().filter(|_| in_any_case.next().is_none());
    by_name.or_else(by_number).or_else(only)
}

/// The columns with their roles.
fn table(columns: &SourceColumns) -> String {
    let views = columns.views();
    let width = |of: &dyn Fn(&ColumnView) -> usize, least| {
        views.iter().map(of).max().unwrap_or(0).max(least)
    };
    let name = width(&|it| it.name.chars().count(), "column".len()).min(40);
    let mut out = format!(
        "{}\n  {:name$}  {:8}  {:>7}  {:>9}  {}\n",
        text::plural(columns.row_count(), "row"),
        "column",
        "used as",
        "filled",
        "different",
        "example"
    );
    for view in views {
        let role = view.role.unwrap_or("-");
        let _ = writeln!(
            out,
            "  {:name$}  {role:8}  {:>7}  {:>9}  {}",
            text::shorten(&view.name, 40),
            view.filled,
            view.distinct,
            view.sample
        );
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_a_number_a_name_or_enter() {
        let choices =
            ["text", "row.label", "1"].map(|it| ValuePath::meant(it, |_| it == "1").unwrap());
        let reply =
            |reply: &str, has_guess| chosen(reply, &choices, has_guess).map(ToString::to_string);
        let is = |name: &str| Some(name.to_owned());
        assert_eq!(reply("", true), is("text"));
        assert_eq!(reply("", false), None);
        assert_eq!(reply("2", false), is("row.label"));
        assert_eq!(reply("row.label", true), is("row.label"));
        assert_eq!(reply("1", true), is("1"));
        assert_eq!(reply("TEXT", false), is("text"));
        for wrong in ["0", "4", "-1", "label"] {
            assert_eq!(reply(wrong, true), None, "{wrong}");
        }
    }
}
