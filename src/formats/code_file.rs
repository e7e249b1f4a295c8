//! A prompt as a source file of a program: a constant for each part, with the templates unrendered.
//!
//! For code that is built with its prompts in it. Nothing reads these files back: a search starts from a prompt file.

use super::escaped::{escaped, is_invisible};
use serde_json::Value;
use std::fmt::Write as _;

/// How the first line of exported code begins.
const WRITTEN: &str = "Written by `promptsearch export`; do not edit.";

/// Whether a file is exported code.
pub(super) fn is_code(text: &str) -> bool {
    ["# ", "// "]
        .iter()
        .any(|mark| text.strip_prefix(mark).is_some_and(|it| it.starts_with(WRITTEN)))
}

/// A programming language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// `pub const SYSTEM: &str`.
    Rust,
    /// `SYSTEM = (…)`.
    Python,
    /// `export const SYSTEM`.
    TypeScript,
}

/// The file with these parts, given as (name, text). The facts stand in a comment at its top.
#[must_use]
pub(super) fn to_code(
    language: Language,
    facts: &[(String, Value)],
    parts: &[(&str, &str)],
) -> Vec<u8> {
    let comment = if language == Language::Python { "#" } else { "//" };
    let mut file = format!("{comment} {WRITTEN}\n");
    for (key, value) in facts {
        // A comment ends with its line.
        let _ = writeln!(file, "{comment} {}: {}", quoted(key).trim_matches('"'), escaped(value));
    }
    let mut names: Vec<String> = Vec::new();
    for (part, text) in parts {
        let plain = constant_name(part);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let mut free = std::iter::once(plain.clone()).chain(numbered);
        let name = free.find(|name| !names.contains(name)).unwrap_or_default();
        names.push(name.clone());
        let _ = match language {
            Language::Rust => writeln!(file, "\npub const {name}: &str = {};", rust(text)),
            Language::Python => writeln!(file, "\n{name} = (\n{}\n)", lines(text, "")),
            Language::TypeScript => {
                writeln!(file, "\nexport const {name} =\n{};", lines(text, " +"))
            }
        };
    }
    file.into_bytes()
}

/// A raw string where that can hold the text, so that a change of it is shown by lines.
fn rust(text: &str) -> String {
    let is_plain = |c: char| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c));
    if !text.chars().all(is_plain) {
        return format!("{text:?}");
    }
    let longest = text.split(|c| c != '#').map(str::len).max().unwrap_or(0);
    let hashes = "#".repeat(longest + 1);
    format!("r{hashes}\"{text}\"{hashes}")
}

/// A string literal for each line of a text, as JSON writes them, which Python and JavaScript read alike.
fn lines(text: &str, joint: &str) -> String {
    let pieces: Vec<&str> = text.split_inclusive('\n').collect();
    let pieces = if pieces.is_empty() { vec![""] } else { pieces };
    let literals: Vec<String> =
        pieces.into_iter().map(|it| format!("    {}", quoted(it))).collect();
    literals.join(&format!("{joint}\n"))
}

fn quoted(text: &str) -> String {
    escaped(&Value::from(text))
}

/// A part's name as that of a constant.
fn constant_name(part: &str) -> String {
    let name: String = part
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        true => format!("PART_{name}"),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TRICKY: &str = "Say \"no\" to `x` \\ and #\"# …\n\n\tIf {{ input }}:\u{2028}end";

    fn text_of(language: Language, text: &str) -> String {
        let facts = [("run".to_owned(), json!("night\nimport os"))];
        let parts = [("system", text), ("few-shot", "x"), ("few_shot", ""), ("2nd", "y\n")];
        String::from_utf8(to_code(language, &facts, &parts)).unwrap()
    }

    #[test]
    fn each_language_has_its_constants() {
        insta::assert_snapshot!(text_of(Language::Rust, "One line.\nAnother \"one\".\n"), @r##"
        // Written by `promptsearch export`; do not edit.
        // run: "night\nimport os"

        pub const SYSTEM: &str = r#"One line.
        Another "one".
        "#;

        pub const FEW_SHOT: &str = r#"x"#;

        pub const FEW_SHOT_2: &str = r#""#;

        pub const PART_2ND: &str = r#"y
        "#;
        "##);
        insta::assert_snapshot!(text_of(Language::Python, "One line.\nAnother \"one\".\n"), @r#"
        # Written by `promptsearch export`; do not edit.
        # run: "night\nimport os"

        SYSTEM = (
            "One line.\n"
            "Another \"one\".\n"
        )

        FEW_SHOT = (
            "x"
        )

        FEW_SHOT_2 = (
            ""
        )

        PART_2ND = (
            "y\n"
        )
        "#);
        insta::assert_snapshot!(text_of(Language::TypeScript, "One line.\nAnother \"one\".\n"), @r#"
        // Written by `promptsearch export`; do not edit.
        // run: "night\nimport os"

        export const SYSTEM =
            "One line.\n" +
            "Another \"one\".\n";

        export const FEW_SHOT =
            "x";

        export const FEW_SHOT_2 =
            "";

        export const PART_2ND =
            "y\n";
        "#);
    }

    #[test]
    fn no_text_leaves_its_literal_and_no_fact_its_comment() {
        for language in [Language::Rust, Language::Python, Language::TypeScript] {
            let file = text_of(language, TRICKY);
            assert!(!file.contains('\u{2028}') && !file.contains("\nimport os"), "{file}");
        }
        // What is written for Python and TypeScript is JSON, line by line.
        let literals: String = lines(TRICKY, "")
            .lines()
            .map(|line| serde_json::from_str::<String>(line.trim()).unwrap())
            .collect();
        assert_eq!(literals, TRICKY);
        assert!(rust("a\"#b").starts_with("r##\"") && rust("a\rb") == "\"a\\rb\"");
    }
}
