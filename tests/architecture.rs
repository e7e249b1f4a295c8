//! The order of the `mod` lines in `src/lib.rs` is the architecture: a module may use only the
//! modules declared above it. That one rule rules out import circles, and keeps the order in which
//! a newcomer reads the crate honest. And what only one room may name is named nowhere else.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn modules_use_only_modules_declared_above_them() {
    let order = modules_in_order(&fs::read_to_string(src().join("lib.rs")).unwrap());
    let rank: BTreeMap<String, usize> = order.into_iter().zip(0..).collect();
    assert!(rank.len() > 20, "found few modules in src/lib.rs: {rank:?}");

    let mut upward = Vec::new();
    for (module, position) in &rank {
        for file in files_of(module) {
            let code = code(&file);
            for used in modules_used(&code) {
                match rank.get(&used) {
                    Some(used_position) if used_position > position => upward.push(format!(
                        "{}: `{module}` uses `{used}`, declared below it",
                        shown(&file)
                    )),
                    _ => {}
                }
            }
            for hidden in ["use crate::*", "use crate as", "use crate::{self"] {
                assert!(!code.contains(hidden), "{}: `{hidden}` hides what is used", shown(&file));
            }
        }
    }
    assert!(
        upward.is_empty(),
        "imports must point up the list in src/lib.rs:\n{}",
        upward.join("\n")
    );
}

/// The order of the `mod` lines of a room says what its files may use, as in `src/lib.rs`, and so does
/// that of every folder in it. An item that the `mod.rs` exports counts for the file that declares it.
#[test]
fn files_use_only_files_of_their_room_declared_above_them() {
    let mut upward = Vec::new();
    let heads = rust_files(&src()).into_iter().filter(|file| file.ends_with("mod.rs"));
    let mut folders = 0;
    for head in heads {
        let folder = head.parent().unwrap();
        let text = fs::read_to_string(&head).unwrap();
        let order: Vec<String> = modules_in_order(&text)
            .into_iter()
            .filter(|file| !["tests", "contract"].contains(&file.as_str()))
            .collect();
        let exported = exports(&text, &order);
        let name = shown(folder).replace('/', "::");
        folders += 1;
        for (position, file) in order.iter().enumerate() {
            for path in files_of(&format!("{}/{file}", shown(folder))) {
                let code = code(&path);
                // From a file of the folder itself `super` is the folder; deeper down it is not.
                let depth = path.strip_prefix(folder).unwrap().components().count();
                let is_head = path.ends_with("mod.rs");
                let supers = depth - usize::from(is_head && depth > 1);
                for prefix in [format!("crate::{name}::"), "super::".repeat(supers)] {
                    for used in used_below(&code, &prefix) {
                        let declares = exported.get(&used).unwrap_or(&used);
                        let place = order.iter().position(|other| other == declares);
                        if place.is_some_and(|place| place > position) {
                            upward.push(format!("{}: `{declares}`", shown(&path)));
                        }
                    }
                }
            }
        }
    }
    upward.sort();
    upward.dedup();
    assert!(folders > 30, "found few folders: {folders}");
    assert!(upward.is_empty(), "declared below their users:\n{}", upward.join("\n"));
}

/// The names behind a prefix: one, or those of a group. Longer chains of `super` are another prefix.
fn used_below(code: &str, prefix: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c == ':' || c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => used.extend(first_segments(group)),
            None => used.push(ident(rest)),
        }
    }
    used
}

/// What a room's `mod.rs` exports, by name, with the file that declares it.
fn exports(text: &str, order: &[String]) -> BTreeMap<String, String> {
    let mut exported = BTreeMap::new();
    for file in order {
        for used in [format!("use {file}::"), format!("use self::{file}::")] {
            for (at, _) in text.match_indices(&used) {
                let rest = &text[at + used.len()..];
                let names = match rest.strip_prefix('{') {
                    Some(group) => first_segments(group),
                    None => vec![ident(rest)],
                };
                exported.extend(names.into_iter().map(|name| (name, file.clone())));
            }
        }
    }
    exported
}

/// What stands on the left is named in the rooms on the right and nowhere else.
#[test]
fn each_outside_thing_has_one_room() {
    for (word, rooms) in [
        ("sled", &["store/"][..]),
        ("reqwest", &["provider/"]),
        ("axum", &["sim/server", "view/"]),
        // What is sent goes through the client of the providers.
        ("TcpStream", &[]),
        ("UdpSocket", &[]),
        ("UnixStream", &[]),
        ("ToSocketAddrs", &[]),
        ("lookup_host", &[]),
        ("TcpListener", &["sim/server", "cli/simulate", "view/", "cli/view"]),
        ("rayon", &["stats/"]),
        ("ndarray", &["stats/"]),
        ("argmin", &["stats/"]),
        ("clap", &["cli/"]),
        // The library never prints, reads the environment or catches signals.
        ("println!", &["cli/"]),
        ("eprintln!", &["cli/"]),
        ("print!", &["cli/"]),
        ("eprint!", &["cli/"]),
        ("dbg!", &[]),
        ("stdout()", &["cli/"]),
        ("std::env", &["cli/"]),
        ("env::var", &["cli/"]),
        ("tokio::signal", &["cli/"]),
        ("process::exit", &["cli/"]),
    ] {
        let strangers: Vec<String> = files_naming(word)
            .into_iter()
            // Laws are tests: they may build what a room reads.
            .filter(|file| !file.starts_with("fuzz/"))
            .filter(|file| !rooms.iter().any(|room| file.starts_with(room)))
            .collect();
        assert!(strangers.is_empty(), "`{word}` belongs to {rooms:?}: {strangers:?}");
    }
}

/// The files that open the held-out rows, each with the reason.
#[test]
fn held_out_rows_are_opened_where_it_is_said() {
    let openers: BTreeSet<String> = ["open_held_out", "unseal_held_out", "open_all_rows"]
        .into_iter()
        .flat_map(files_naming)
        .collect();
    let may: BTreeSet<String> = [
        "task/example.rs",          // Declares them.
        "task/mod.rs",              // `eval` asks for them by name.
        "task/duplicates.rs",       // Warns of rows that stand in two splits.
        "run/guard/copied.rs",      // Looks for their texts there.
        "compare/certification.rs", // Takes the rows that labels name, for the judge alone.
        "evaluate/mod.rs",          // Renders a row for the task model, and scores its answer.
        "sim/of_task.rs",           // The simulated models know all rows, as a real one would.
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(openers, may);
}

/// Rows are numbers to strategies, and operators get the evidence that is made for them.
#[test]
fn strategies_and_operators_never_receive_rows() {
    for word in ["HeldOut", "Splits", "splits"] {
        for file in files_naming(word) {
            assert!(
                !["strategy/", "operator/"].iter().any(|room| file.starts_with(room)),
                "{file} names `{word}`"
            );
        }
    }
}

/// A kind is known by name in its own room alone. Names of one word are words of the language, too.
#[test]
fn no_kind_is_named_outside_of_its_room() {
    let mut kinds = BTreeSet::new();
    for room in ["operator", "strategy"] {
        for file in rust_files(&src().join(room)) {
            let code = code(&file);
            for declared in code.split("kind! {").chain(code.split("family! {")).skip(1) {
                let name = declared.split('"').nth(1).unwrap_or("");
                if declared.trim_start().starts_with('"') && name.contains('_') {
                    kinds.insert(name.to_owned());
                }
            }
        }
    }
    assert!(kinds.len() > 20, "found few kinds: {kinds:?}");
    let outside = rust_files(&src()).into_iter().filter(|file| {
        let shown = shown(file);
        !["operator/", "strategy/"].iter().any(|room| shown.starts_with(room))
    });
    for file in outside {
        let code = code(&file);
        for kind in &kinds {
            assert!(!code.contains(&format!("\"{kind}\"")), "{}: `{kind}`", shown(&file));
        }
    }
}

/// The files, from `src/` on, whose code names a word.
fn files_naming(word: &str) -> Vec<String> {
    let mut files = Vec::new();
    for file in rust_files(&src()) {
        if names(&code(&file), word) {
            files.push(shown(&file));
        }
    }
    files
}

/// Whether a word stands in the code by itself; `print!` does not stand in `eprint!`.
fn names(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(place, _)| {
        let before = code[..place].chars().next_back();
        let after = code[place + word.len()..].chars().next();
        let ends_open = word.ends_with(is_part);
        !(before.is_some_and(is_part) || ends_open && after.is_some_and(is_part))
    })
}

fn shown(file: &Path) -> String {
    file.strip_prefix(src()).unwrap().display().to_string()
}

fn modules_in_order(lib: &str) -> Vec<String> {
    lib.lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ").trim_start_matches("pub(crate) ").strip_prefix("mod ")
        })
        .filter_map(|rest| Some(rest.split_once(';')?.0.to_owned()))
        .collect()
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let mut files = rust_files(&src().join(module));
    files.extend(Some(src().join(format!("{module}.rs"))).filter(|file| file.is_file()));
    assert!(!files.is_empty(), "no file for module `{module}`");
    files
}

/// All files of a folder but those that hold only tests.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn code(file: &Path) -> String {
    code_without_comments_and_tests(&fs::read_to_string(file).unwrap())
}

/// Unit tests sit at the end of a file and may reach anywhere.
fn code_without_comments_and_tests(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// `crate::a::B` and `use crate::{a::B, c}` both count.
fn modules_used(code: &str) -> Vec<String> {
    names_after(code, "crate::")
}

fn names_after(code: &str, root: &str) -> Vec<String> {
    let mut used = Vec::new();
    for rest in code.split(root).skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => used.extend(first_segments(group)),
            None => used.push(ident(rest)),
        }
    }
    used
}

fn first_segments(group: &str) -> Vec<String> {
    let (mut depth, mut at_start, mut segments) = (0_usize, true, Vec::new());
    for (offset, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if at_start && !c.is_whitespace() => {
                segments.push(ident(&group[offset..]));
                at_start = false;
            }
            _ => {}
        }
    }
    segments
}

fn ident(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn an_upward_import_is_noticed() {
    assert_eq!(
        modules_used("use crate::{id::{A, B}, ui};\nlet x = crate::cli::run();"),
        ["id", "ui", "cli"]
    );
    assert_eq!(
        modules_in_order("pub mod text; // Plurals.\n\nmod id;\n// mod no;\npub mod ui;"),
        ["text", "id", "ui"]
    );
}

#[test]
fn a_file_that_is_used_within_its_room_is_noticed() {
    let code = "use super::call::CallRunner;\nuse super::{job, inbox::Post};\n\
                fn f() -> crate::engine::error::Outcome { super::Search::new() }";
    assert_eq!(used_below(code, "super::"), ["call", "job", "inbox", "Search"]);
    assert_eq!(used_below(code, "crate::engine::"), ["error"]);
}

#[test]
fn a_word_is_noticed_where_it_stands_by_itself() {
    assert!(names("use sled::Db;", "sled") && names("x(print!(\"\"))", "print!"));
    assert!(!names("sled_store::Db", "sled") && !names("eprint!(\"\")", "print!"));
    let text = "// sled\nfn f() {}\n#[cfg(test)]\nmod tests { use sled::Db; }";
    assert!(!names(&code_without_comments_and_tests(text), "sled"));
}

/// The pages name only files that exist: from the repository's root, or from `src/`.
#[test]
fn every_file_that_the_pages_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    let mut pages =
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"].map(|page| root.join(page)).to_vec();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|page| page.extension().is_some_and(|it| it == "md")));
    assert!(pages.len() > 5, "found few pages: {pages:?}");
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let page = page.strip_prefix(root).unwrap().display();
        let quoted = text.split('`').skip(1).step_by(2);
        for name in quoted.filter(|name| is_path(name)) {
            let places = [root.join(name), root.join("src").join(name)];
            if !places.iter().any(|place| place.exists()) {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "these files do not exist:\n{}", missing.join("\n"));
}

/// A file or a folder of the source, as the pages write it. Names in capitals stand for any, as
/// do `mod.rs` and `tests.rs` alone.
fn is_path(name: &str) -> bool {
    let plain =
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_./-".contains(c));
    let is_file = name.ends_with(".rs") || name.starts_with("src/") || name.starts_with("tests/");
    plain && is_file && !["mod.rs", "tests.rs"].contains(&name)
}
