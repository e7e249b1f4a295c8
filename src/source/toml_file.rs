//! Mistakes in TOML files: syntax, types and unknown keys, in plain words and with their line.
//!
//! It also explains serde's errors of JSON, which come in the same words. What a file's values mean is the business of
//! those who read them.

use super::{SourceError, line_of_offset, tables};
use crate::text;
use serde::de::DeserializeOwned;
use std::path::Path;

/// A key or a value that has no meaning in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// It is a key.
    pub is_key: bool,
    /// As typed.
    pub typed: String,
    /// What has a meaning there.
    pub known: Vec<String>,
}

impl UnknownName {
    /// What serde's error says of one, if it is about one.
    fn of(message: &str) -> Option<Self> {
        let forms = [("unknown field `", true), ("unknown variant `", false)];
        let (rest, is_key) = forms
            .iter()
            .find_map(|(opening, is_key)| Some((message.strip_prefix(opening)?, *is_key)))?;
        let (typed, rest) = rest.split_once('`')?;
        let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some(Self { is_key, typed: typed.to_owned(), known })
    }

    fn message(&self) -> String {
        let noun = if self.is_key { "key" } else { "value" };
        format!("unknown {noun} `{}`", self.typed)
    }

    fn help(&self) -> String {
        if self.known.is_empty() {
            return "remove it: this table has no keys".to_owned();
        }
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        text::suggestion(&self.typed, &known)
    }
}

/// serde's error in plain words, with a suggestion for an unknown name: `(message, help)`.
#[must_use]
pub fn explain_unknown_name(message: &str) -> (String, Option<String>) {
    match UnknownName::of(message) {
        Some(unknown) => (unknown.message(), Some(unknown.help())),
        None => {
            let plain = in_plain_words(message);
            (plain.unwrap_or_else(|| message.trim_end().replace('\n', ": ")), None)
        }
    }
}

/// The value of a TOML text.
///
/// # Errors
/// The first mistake with its line. A list where a table belongs is one.
pub fn parse_toml<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, SourceError> {
    parse_toml_with(file, text, |_| None)
}

/// Like [`parse_toml`], with better advice on some unknown names.
///
/// # Errors
/// As for [`parse_toml`].
pub fn parse_toml_with<T: DeserializeOwned>(
    file: &Path,
    text: &str,
    advice: impl Fn(&UnknownName) -> Option<String>,
) -> Result<T, SourceError> {
    let read = toml::Deserializer::parse(text).and_then(tables::read);
    read.map_err(|error| mistake(file, text, &error, advice))
}

/// The TOML parser's error as a mistake of the file.
fn mistake(
    file: &Path,
    text: &str,
    error: &toml::de::Error,
    advice: impl Fn(&UnknownName) -> Option<String>,
) -> SourceError {
    let unknown = UnknownName::of(error.message());
    let (message, help) = explain_unknown_name(error.message());
    let is_syntax = toml::de::DeTable::parse(text).is_err();
    let from = error.span().map_or(0, |span| span.start.min(text.len()));
    let (message, help) = match is_syntax {
        true => {
            let (message, help) = explain_syntax(&message, text, from);
            (format!("invalid TOML: {message}"), help)
        }
        false => {
            let advice = unknown.as_ref().and_then(advice).or(help);
            let help =
                advice.or_else(|| explain_type(&message, text.get(from..).unwrap_or_default()));
            (message, help)
        }
    };
    let at = error.span().map(|span| span.start);
    // For a table that parses its keys itself, only the position of the table is known.
    let key = unknown.filter(|it| it.is_key).zip(at);
    let key = key.and_then(|(key, from)| offset_of_line(text, from, &key.typed));
    let mut result = SourceError::new(file, message);
    if let Some(offset) = key.or(at) {
        result = result.at_offset(text, offset);
    }
    result.help = help;
    result
}

/// The start of the first line, from an offset on, that assigns a value to a key.
fn offset_of_line(text: &str, from: usize, key: &str) -> Option<usize> {
    let start = text.get(..from)?.rfind('\n').map_or(0, |end| end + 1);
    let mut offset = start;
    for line in text.get(start..)?.split_inclusive('\n') {
        let rest = line.trim_start().strip_prefix(key).map(str::trim_start);
        if rest.is_some_and(|rest| rest.starts_with('=')) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// What is wrong with the syntax at a place of a TOML file, and what to do.
fn explain_syntax(message: &str, text: &str, from: usize) -> (String, Option<String>) {
    let rest = text.get(from..).unwrap_or_default();
    let start = text.get(..from).and_then(|it| it.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|it| it.lines().next()).unwrap_or_default();
    let help = |help: &str| Some(help.to_owned());
    if message == "duplicate key" {
        let end = rest.find(|c: char| c.is_whitespace() || "=]".contains(c)).unwrap_or(rest.len());
        let message = format!("the key `{}` stands twice in its table", &rest[..end]);
        return (message, help("remove one of the two"));
    }
    if line.contains(['“', '”', '„', '‘', '’']) && !line.contains(['"', '\'']) {
        return (message.to_owned(), help("write straight quotes: \"…\""));
    }
    if message.contains("escape") || message.contains("unicode") {
        return (
            message.to_owned(),
            help(
                "a backslash in double quotes begins an escape: use single quotes, or write it twice",
            ),
        );
    }
    let value = line.split_once('=').map(|(_, value)| value.trim());
    let truth = ["true", "false"]
        .into_iter()
        .find(|it| value.is_some_and(|value| value.eq_ignore_ascii_case(it)));
    if let Some(truth) = truth {
        return (message.to_owned(), Some(format!("write `{truth}`")));
    }
    let is_bare = value.is_some_and(|value| value.starts_with(|c: char| c.is_alphabetic()));
    if is_bare {
        return (message.to_owned(), help("write a text in double quotes: \"…\""));
    }
    let above = text.get(..start).and_then(|it| it.lines().next_back()).unwrap_or_default();
    let is_open = |line: &str| line.matches('"').count() % 2 == 1 && !line.contains("\"\"\"");
    if is_open(line) || !line.contains('=') && is_open(above) {
        return (
            message.to_owned(),
            help("close the quotes on their line; a text of several lines stands within \"\"\""),
        );
    }
    (message.to_owned(), None)
}

/// What to write in place of a value of the wrong type, which `rest` begins with.
fn explain_type(message: &str, rest: &str) -> Option<String> {
    let (wanted, got) = message.strip_prefix("expected ")?.split_once(", got the ")?;
    match (wanted, got.split([' ', '`']).next()?) {
        ("a list", "table") if rest.starts_with('[') => {
            let name = rest.get(1..)?.split(']').next()?;
            Some(format!("write `[[{name}]]`, since there may be several"))
        }
        ("a list", "string") => {
            let items = got.strip_prefix("string ")?.trim_matches('"').split(',');
            let items: Vec<String> = items.map(|it| format!("\"{}\"", it.trim())).collect();
            Some(format!("write `[{}]`", items.join(", ")))
        }
        ("a string", "integer" | "number") => {
            Some("write a text in quotes; a time has its unit: \"90s\", \"8h\"".to_owned())
        }
        _ => None,
    }
}

/// serde's error about a type, without the names of Rust types.
fn in_plain_words(message: &str) -> Option<String> {
    if let Some(name) = message.strip_prefix("missing field ") {
        return Some(format!("{} is missing", name.trim_end()));
    }
    if message.starts_with("invalid length ") && message.contains("expected struct ") {
        return Some("expected a table, got the list".to_owned());
    }
    let kind =
        ["invalid type: ", "invalid value: "].iter().find(|kind| message.starts_with(**kind))?;
    let (found, wanted) = message.trim_end()[kind.len()..].rsplit_once(", expected ")?;
    if wanted.contains(" at line ") {
        return None;
    }
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" if *kind == "invalid value: " => {
            match found.contains('-') {
                true => "a whole number that is not negative",
                false => "a smaller whole number",
            }
        }
        "path string" => "a file name",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number, which may be negative",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    let found = found.trim_end_matches(" as i128");
    let found = match found {
        "map" => "table",
        "sequence" => "list",
        found => found,
    };
    Some(format!("expected {wanted}, got the {}", found.replacen("floating point", "number", 1)))
}

/// The line of the value at `path` (such as `["evaluate", "block"]`), if the text parses and has
/// it. A number in the path is an index into a list.
#[must_use]
pub fn line_of_key(text: &str, path: &[&str]) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut offset = None;
    let mut steps = path.iter().peekable();
    while let Some(step) = steps.next() {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *step)
        else {
            break;
        };
        offset = Some(key.span().start);
        let mut value = value;
        if let (toml::de::DeValue::Array(items), Some(index)) =
            (value.get_ref(), steps.peek().and_then(|step| step.parse::<usize>().ok()))
        {
            steps.next();
            value = items.get(index)?;
            offset = Some(value.span().start);
        }
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    offset.map(|offset| line_of_offset(text, offset))
}

/// The text with another string in place of the one at `path` (such as `["goal", "rule"]`), if there is one; all else
/// stays as it is, byte for byte.
#[must_use]
pub fn with_string_at(text: &str, path: &[&str], string: &str) -> Option<String> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let (last, tables) = path.split_last()?;
    let mut table = document.get_ref();
    for step in tables {
        let (_, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *step)?;
        let toml::de::DeValue::Table(inner) = value.get_ref() else { return None };
        table = inner;
    }
    let (_, found) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *last)?;
    let (before, after) = (text.get(..found.span().start)?, text.get(found.span().end..)?);
    let is_string = matches!(found.get_ref(), toml::de::DeValue::String(_));
    is_string.then(|| format!("{before}{}{after}", toml::Value::from(string)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_replaced_and_all_else_stays() {
        let text = "# A model.\n[models]\ntask = 'a/b' # old\nmutator = { model = \"\"\"c/d\"\"\", weight = 2.0 }\n";
        let task = with_string_at(text, &["models", "task"], "x/\"y\"").unwrap();
        assert!(task.contains("\ntask = 'x/\"y\"' # old\nmutator = { model = \"\"\"c/d"), "{task}");
        let mutator = with_string_at(text, &["models", "mutator", "model"], "e/f").unwrap();
        assert_eq!(mutator, text.replace("\"\"\"c/d\"\"\"", "\"e/f\""));
        for path in [&["models"][..], &["models", "judge"], &["models", "task", "model"], &[]] {
            assert_eq!(with_string_at(text, path, "e/f"), None, "{path:?}");
        }
    }

    #[test]
    fn a_mistyped_key_is_explained() {
        let (message, help) =
            explain_unknown_name("unknown field `colums`, expected one of `file`, `columns`");
        assert_eq!(message, "unknown key `colums`");
        assert_eq!(help.unwrap(), "did you mean `columns`?");
    }

    #[test]
    fn a_complaint_about_a_type_names_no_types() {
        let told = |text: &str| {
            #[derive(Debug, serde::Deserialize)]
            #[expect(dead_code, reason = "only read")]
            struct File {
                count: Option<u64>,
                share: Option<f64>,
                list: Option<Vec<String>>,
                #[serde(default)]
                part: Part,
            }
            #[derive(Debug, Default, serde::Deserialize)]
            #[expect(dead_code, reason = "only read")]
            struct Part {
                x: u64,
            }
            parse_toml::<File>(Path::new("a.toml"), text).unwrap_err().to_string()
        };
        for (text, expected) in [
            ("count = \"3\"", "a.toml:1: expected a whole number, got the string \"3\""),
            (
                "count = -3",
                "a.toml:1: expected a whole number that is not negative, got the integer `-3`",
            ),
            ("\nshare = true", "a.toml:2: expected a number, got the boolean `true`"),
            ("list = 1", "a.toml:1: expected a list, got the integer `1`"),
            (
                "list = \"a, b\"",
                "a.toml:1: expected a list, got the string \"a, b\"\n  try: write `[\"a\", \"b\"]`",
            ),
            (
                "[list]\na = 1",
                "a.toml:1: expected a list, got the table\n  try: write `[[list]]`, since there may be several",
            ),
            ("part = [1, 2]", "a.toml:1: expected a table, got the list"),
            ("[[part]]", "a.toml:1: expected a table, got the list"),
            ("[part]", "a.toml:1: `x` is missing"),
        ] {
            assert_eq!(told(text), expected);
        }
        for (text, help) in [
            (
                "count = 3\n\ncount = 4",
                "a.toml:3: invalid TOML: the key `count` stands twice in its table",
            ),
            ("kind = label", "write a text in double quotes"),
            ("kind = True", "write `true`"),
            ("kind = “label”", "write straight quotes"),
            ("kind = \"C:\\Users\"", "use single quotes"),
            ("kind = \"two\nlines\"", "close the quotes on their line"),
        ] {
            let told = told(text);
            assert!(told.contains(help), "{told}");
        }
        assert!(told("count = = 3").starts_with("a.toml:1: invalid TOML: "));
    }

    #[test]
    fn a_key_is_found_in_tables_and_lists_of_tables() {
        let text = "a = 1\n[evaluate]\nkind = 'race'\nblock = 8\n[[op]]\nx = 1\n[[op]]\nx = 2\n";
        assert_eq!(line_of_key(text, &["evaluate", "block"]), Some(4));
        assert_eq!(line_of_key(text, &["op", "1", "x"]), Some(8));
        assert_eq!(line_of_key(text, &["nothing"]), None);
    }
}
