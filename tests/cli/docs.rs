//! The docs, run: what a page shows is what the program does.
//!
//! In a page, an HTML comment before a fenced block says what the test does with it. Readers do not see it.
//!
//! - `<!-- file: PATH -->`: the block is written to this file.
//! - `<!-- run -->`: the lines after `$ ` are commands, run by bash in one folder for the page, in their order; the
//!   lines below are what each prints, where the page shows it. `…` stands for any text within a line, and on a
//!   line of its own for any lines. `tasks` is there, too. A command must succeed, unless a comment says `# exit code N`. A block without `$ ` holds commands
//!   alone.
//!
//! The commands of all other blocks are not run, but the program must know them and their flags.

use crate::env::{Ran, TestEnv};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands for what varies.
const ANY: &str = "…";

/// A fenced block of a page.
struct Block {
    line: usize,
    language: String,
    comment: String,
    lines: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut before, mut fence) = (String::new(), None::<String>);
    for (number, line) in (1..).zip(page.lines()) {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match &fence {
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => blocks.last_mut().unwrap().lines.push(line.to_owned()),
            None if ticks >= 3 => {
                fence = Some("`".repeat(ticks));
                let before = std::mem::take(&mut before);
                let comment = before.trim();
                let comment = comment.strip_prefix("<!--").and_then(|it| it.strip_suffix("-->"));
                blocks.push(Block {
                    line: number,
                    language: line[ticks..].trim().to_owned(),
                    comment: comment.unwrap_or_default().trim().to_owned(),
                    lines: Vec::new(),
                });
            }
            None if line.trim().is_empty() => {}
            None => line.clone_into(&mut before),
        }
    }
    blocks
}

/// A command of a block, and what it prints.
struct Step {
    command: String,
    exit_code: i32,
    output: Option<String>,
}

fn steps(block: &Block) -> Vec<Step> {
    let shows_output = block.lines.iter().any(|line| line.starts_with("$ "));
    let mut steps: Vec<Step> = Vec::new();
    let mut goes_on = false;
    for line in &block.lines {
        let command = if shows_output { line.strip_prefix("$ ") } else { Some(line.as_str()) };
        match (command, steps.last_mut()) {
            (_, Some(step)) if goes_on => {
                step.command = format!("{}\n{line}", step.command);
            }
            (Some(command), _) => {
                let exit_code = command.split_once("# exit code ");
                let exit_code = exit_code.and_then(|(_, code)| code.trim().parse().ok());
                steps.push(Step {
                    command: command.to_owned(),
                    exit_code: exit_code.unwrap_or(0),
                    output: None,
                });
            }
            (None, Some(step)) => {
                let output = step.output.get_or_insert_default();
                let _ = writeln!(output, "{line}");
            }
            (None, None) => panic!("line {}: output without a command", block.line),
        }
        goes_on = line.ends_with('\\');
    }
    steps
}

/// Whether a line is as shown, where `…` is any text.
fn line_matches(shown: &str, said: &str) -> bool {
    let mut parts = shown.split(ANY);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    let mut is_exact = true;
    while let Some(part) = parts.next() {
        is_exact = false;
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    !is_exact || rest.is_empty()
}

fn output_matches(shown: &[&str], said: &[&str]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((line, rest)) if line.trim() == ANY => {
            (0..=said.len()).any(|skipped| output_matches(rest, &said[skipped..]))
        }
        Some((line, rest)) => said.split_first().is_some_and(|(first, said)| {
            line_matches(line.trim_end(), first.trim_end()) && output_matches(rest, said)
        }),
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().collect()
}

/// Runs a page of this repository.
fn run_page(name: &str) {
    let mut env = TestEnv::new();
    let program = Path::new(env!("CARGO_BIN_EXE_promptsearch")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap().into_string().unwrap();
    env.set("PATH", &format!("{}:{others}", program.display()))
        .set("COLUMNS", "80")
        .set("LC_ALL", "C.UTF-8");
    for role in ["AUTHOR", "COMMITTER"] {
        env.set(&format!("GIT_{role}_NAME"), "Ada")
            .set(&format!("GIT_{role}_EMAIL"), "ada@example.org");
    }
    env.set("REPOSITORY", env!("CARGO_MANIFEST_DIR"));
    std::os::unix::fs::symlink(root().join("tasks"), env.path("tasks")).unwrap();
    let mut ran = 0;
    for block in blocks(&read(name)) {
        if let Some(file) = block.comment.strip_prefix("file: ") {
            env.write(file, &format!("{}\n", block.lines.join("\n")));
        }
        if block.comment != "run" {
            continue;
        }
        for step in steps(&block) {
            ran += 1;
            let mut bash = env.program("bash");
            // What a person sees in a terminal: both streams, in their order.
            bash.args(["-c", &format!("exec 2>&1\n{}", step.command)]);
            let said = Ran::of(bash.output().unwrap());
            let place = format!("{name}, the block of line {}\n$ {}\n", block.line, step.command);
            assert_eq!(said.code, step.exit_code, "{place}{}", said.stdout);
            if let Some(shown) = &step.output {
                let is_shown = output_matches(&lines(shown), &lines(&said.stdout));
                assert!(is_shown, "{place}it prints:\n{}\nthe page has:\n{shown}", said.stdout);
            }
        }
    }
    assert!(ran > 0, "{name} has nothing to run");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// Every page for users.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md")];
    for folder in
        ["docs", "results", "tasks/ticket-routing", "tasks/unit-math", "tasks/invoice-extraction"]
    {
        let files = fs::read_dir(root().join(folder)).unwrap();
        let names = files.map(|file| Path::new(folder).join(file.unwrap().file_name()));
        pages.extend(names.filter(|name| name.extension().is_some_and(|it| it == "md")));
    }
    pages.sort();
    pages
}

#[test]
fn the_tutorial_is_as_it_says() {
    run_page("docs/tutorial.md");
}

#[test]
fn the_how_tos_are_as_they_say() {
    run_page("docs/howto.md");
}

#[test]
fn prompts_on_the_same_rows_are_as_their_page_shows() {
    run_page("docs/ab.md");
}

#[test]
fn an_agent_is_as_the_page_on_targets_shows() {
    run_page("docs/targets.md");
}

#[test]
fn an_online_test_is_as_its_page_shows() {
    run_page("docs/online.md");
}

#[test]
fn a_confirmation_is_as_the_page_on_runs_shows() {
    run_page("docs/runs.md");
}

#[test]
fn the_first_run_is_as_the_readme_shows() {
    let page = blocks(&read("README.md"));
    let at = page.iter().position(|block| block.comment == "main-job").unwrap();
    let command = page[at].lines[0].strip_prefix("cargo run --release -- ").unwrap();
    let env = TestEnv::new();
    std::os::unix::fs::symlink(root().join("tasks"), env.path("tasks")).unwrap();
    let said = env.run(command).ok().stdout;
    // What follows names the folder of the run, which has the time in it.
    let shown = page[at + 1].lines.iter().map(String::as_str).take_while(|line| *line != "Next");
    let shown: Vec<&str> = [ANY].into_iter().chain(shown).chain([ANY]).collect();
    assert!(output_matches(&shown, &lines(&said)), "{said}");
}

#[test]
fn every_page_with_commands_to_run_is_run() {
    let run = [
        "docs/ab.md",
        "docs/howto.md",
        "docs/online.md",
        "docs/runs.md",
        "docs/targets.md",
        "docs/tutorial.md",
    ];
    for page in pages() {
        let name = page.to_str().unwrap();
        let has_any = blocks(&read(name)).iter().any(|block| block.comment == "run");
        assert_eq!(has_any, run.contains(&name), "{name}");
    }
}

/// The words of a command of the program, up to what the shell does with it.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut is_begun = false;
    for letter in command.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => word.push(letter),
            None if letter == '\'' || letter == '"' => (quote, is_begun) = (Some(letter), true),
            None if letter.is_whitespace() => {
                if is_begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                is_begun = false;
            }
            None if "|&;>)`".contains(letter) || (letter == '#' && word.is_empty()) => break,
            None => word.push(letter),
        }
    }
    if is_begun || !word.is_empty() {
        words.push(word);
    }
    words.retain(|word| !["…", "\\", "[TASK]", "[RUN]"].contains(&word.as_str()));
    words
}

#[test]
fn the_program_knows_every_command_of_the_docs() {
    let env = TestEnv::new();
    let mut known = 0;
    for page in pages() {
        let name = page.to_str().unwrap();
        for block in blocks(&read(name)) {
            if !["sh", "console", "yaml", "crontab", "ini"].contains(&block.language.as_str()) {
                continue;
            }
            let commands = block
                .lines
                .iter()
                .filter(|line| block.language != "console" || line.starts_with("$ "));
            for line in commands {
                let line = line.split(" # ").next().unwrap();
                for (at, _) in line.match_indices("promptsearch ") {
                    let is_word = line[..at]
                        .chars()
                        .next_back()
                        .is_none_or(|it| !it.is_alphanumeric() && !"/-.".contains(it));
                    let words = words(&line[at + "promptsearch ".len()..]);
                    if !is_word || words.is_empty() {
                        continue;
                    }
                    known += 1;
                    let mut command = env.command("");
                    let said = Ran::of(command.args(&words).arg("--help").output().unwrap());
                    assert_eq!(
                        said.code, 0,
                        "{name}, the block of line {}: {line}\n{}",
                        block.line, said.stderr
                    );
                }
            }
        }
    }
    assert!(known > 80, "{known} commands");
}

#[test]
fn every_link_of_the_docs_leads_somewhere() {
    for page in pages() {
        let text = read(page.to_str().unwrap());
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            if target.contains("://") || target.is_empty() {
                continue;
            }
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let file =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(root().join(&file).exists(), "{}: {target}", page.display());
            if !place.is_empty() {
                let text = read(file.to_str().unwrap());
                let has_place = text.lines().any(|line| {
                    line.starts_with('#') && anchor(line.trim_start_matches('#')) == place
                });
                assert!(has_place, "{}: {target}", page.display());
            }
        }
    }
}

/// The place that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().to_lowercase();
    let letters = letters.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    letters.collect::<String>().replace(' ', "-")
}

#[test]
fn three_dots_stand_for_what_varies() {
    let said = ["a 1 b", "x", "y", "end"];
    assert!(output_matches(&["a … b", "…", "end"], &said));
    assert!(output_matches(&["a 1 b", "x", "…", "y", "end"], &said));
    assert!(!output_matches(&["a … c", "…", "end"], &said));
    assert!(!output_matches(&["a … b", "end"], &said));
    assert!(!output_matches(&["a 1", "…"], &said));
}

/// The unit of the page on nights: systemd takes it as it stands, and its command starts a night once and resumes it then.
#[test]
fn the_unit_of_systemd_is_valid_and_its_command_starts_and_then_resumes() {
    let page = read("docs/nights.md");
    let unit = blocks(&page).into_iter().find(|block| block.language == "ini").unwrap().lines;
    let env = TestEnv::with_colours();
    env.write("promptsearch@night.service", &(unit.join("\n") + "\n"));
    let mut verify = env.program("systemd-analyze");
    verify.args(["--user", "verify", "./promptsearch@night.service"]);
    match verify.env("XDG_RUNTIME_DIR", env.path("")).output() {
        // What it does not understand is told, also where it is left out without an error.
        Ok(told) => {
            let words = [told.stdout, told.stderr].concat();
            assert!(
                told.status.success() && words.is_empty(),
                "{}",
                String::from_utf8_lossy(&words)
            );
        }
        Err(_) => println!("skipped: there is no systemd-analyze"),
    }
    let text = unit.join("\n").replace("\\\n", " ");
    let command = text.lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c '"));
    let command = command.unwrap().trim_end_matches('\'').replace("%i", "night");
    assert!(command.contains("--max-usd 10"), "{command}");
    let command = command.replace("--max-usd 10", "--max-usd 0.01");
    for name in ["a", "b"] {
        let task = env.read("colours/task.toml").replacen("\"colours\"", &format!("\"{name}\""), 1);
        env.write(&format!("tasks/{name}/task.toml"), &task);
        env.write(&format!("tasks/{name}/rows.jsonl"), &env.read("colours/rows.jsonl"));
    }
    let program = Path::new(env!("CARGO_BIN_EXE_promptsearch")).parent().unwrap().to_owned();
    let command = format!("PATH='{}':$PATH; {command}", program.display());
    let start = || {
        let out = env.program("/bin/sh").args(["-c", &command]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    };
    let ran = start();
    assert!(ran.starts_with(b"night: finished\n"), "{}", String::from_utf8_lossy(&ran));
    let ledger = env.read("results/night/ledger.jsonl");
    assert_eq!(start(), ran, "it is resumed, and has nothing to do");
    assert_eq!(env.read("results/night/ledger.jsonl"), ledger);
}
