//! Finds JSON in an answer: the whole answer, a Markdown fence, or an object or list in prose.
//!
//! Of several fences the last one that holds JSON counts, those marked `json` before the others; of
//! several values in prose the last one. The inside of a broken value never counts. Values are read
//! and compared by `json`.

use super::json;
use super::reason::InvalidReason;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// What a value must be, if the answer holds values of several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Object,
    List,
}

impl Wanted {
    /// Whether a value that begins like a text would be one.
    fn begins(self, text: &str) -> bool {
        text.starts_with(if self == Self::Object { '{' } else { '[' })
    }

    fn is(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
        }
    }
}

/// The JSON that an answer gives.
///
/// # Errors
/// Why there is none: [`InvalidReason::NoJson`], or what is wrong with the value that comes nearest.
pub(super) fn find(answer: &str, wanted: Wanted) -> Result<Value, InvalidReason> {
    let bare = answer.trim().trim_start_matches('\u{feff}');
    let whole = match json::parse(bare) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let fences = fences(answer);
    let mut complaint = None;
    for rank in [Rank::Json, Rank::Unmarked] {
        for fence in fences.iter().rev().filter(|fence| fence.rank() == rank) {
            match fence.value(wanted) {
                Ok(value) => return Ok(value),
                Err(error) => complaint = complaint.or(error),
            }
        }
    }
    if let Some(error) = complaint {
        return Err(InvalidReason::BrokenJson(error));
    }
    match in_prose(&without_code(answer, &fences), wanted) {
        Ok(value) => return Ok(value),
        // The place of a mistake is told in the whole answer where that is one broken value.
        Err(Some(_)) if bare.starts_with(['{', '[']) => {
            return Err(InvalidReason::BrokenJson(whole));
        }
        Err(Some(error)) => return Err(InvalidReason::BrokenJson(error)),
        Err(None) => {}
    }
    // Code of another language counts only where there is nothing else.
    let code = fences.iter().rev().filter(|fence| fence.rank() == Rank::Code);
    code.filter_map(|fence| fence.value(wanted).ok()).next().ok_or(InvalidReason::NoJson)
}

/// What stands in the last fenced block of a text, whatever its language.
pub(super) fn last_fence(text: &str) -> Option<&str> {
    fences(text).last().map(|fence| fence.content)
}

/// How likely a fenced block is the answer; the first one counts before the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    Json,
    Unmarked,
    Code,
}

/// A fenced block of Markdown.
struct Fence<'a> {
    language: &'a str,
    content: &'a str,
    /// The place of its content in the text.
    start: usize,
}

impl Fence<'_> {
    fn rank(&self) -> Rank {
        match self.language.to_ascii_lowercase().as_str() {
            "json" | "jsonc" | "json5" | "jsonl" | "application/json" => Rank::Json,
            "" | "text" | "txt" | "plaintext" | "output" => Rank::Unmarked,
            _ => Rank::Code,
        }
    }

    /// The value of its content. The error is what is wrong with a value that was meant to be JSON.
    fn value(&self, wanted: Wanted) -> Result<Value, Option<String>> {
        let rank = self.rank();
        let content = self.content.trim();
        match json::parse(content) {
            Ok(value) if rank == Rank::Json || value.is_object() || value.is_array() => Ok(value),
            Err(error)
                if rank == Rank::Json
                    || rank == Rank::Unmarked && content.starts_with(['{', '[']) =>
            {
                in_prose(content, wanted).map_err(|_| Some(error))
            }
            _ => Err(None),
        }
    }
}

/// The fenced blocks of a text. A fence begins and ends at the beginning of a line; one that is not
/// closed ends with the text.
fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    // The mark, its length, the language, and where the content begins.
    let mut open: Option<(char, usize, &str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let bare = line.trim();
        let Some(mark) = bare.chars().next().filter(|c| matches!(c, '`' | '~')) else { continue };
        let length = bare.chars().take_while(|c| *c == mark).count();
        if length < 3 {
            continue;
        }
        let info = bare[length..].trim();
        match open {
            None if mark == '~' || !info.contains('`') => {
                let language = info.split_whitespace().next().unwrap_or_default();
                open = Some((mark, length, language, end));
            }
            Some((by, least, language, from))
                if by == mark && length >= least && info.is_empty() =>
            {
                fences.push(Fence { language, content: &text[from..start], start: from });
                open = None;
            }
            _ => {}
        }
    }
    if let Some((_, _, language, from)) = open {
        fences.push(Fence { language, content: &text[from..], start: from });
    }
    fences
}

/// The text without the fenced code of other languages, in which a literal is no answer.
fn without_code<'a>(text: &'a str, fences: &[Fence<'a>]) -> Cow<'a, str> {
    let code = |fence: &&Fence<'_>| fence.rank() == Rank::Code;
    if !fences.iter().any(|fence| code(&fence)) {
        return Cow::Borrowed(text);
    }
    let (mut prose, mut from) = (String::with_capacity(text.len()), 0);
    for fence in fences.iter().filter(code) {
        prose.push_str(&text[from..fence.start]);
        from = fence.start + fence.content.len();
    }
    prose.push_str(&text[from..]);
    Cow::Owned(prose)
}

/// The last wanted value in prose, else the last object or list. The error is that of the last
/// broken value; one behind the last wanted value is an error too, because the last value counts.
fn in_prose(text: &str, wanted: Wanted) -> Result<Value, Option<String>> {
    let (mut found, mut other, mut complaint) = (None, None, None);
    let mut from = 0;
    let mut brackets = Brackets::default();
    while let Some(start) = text[from..].find(['{', '[']).map(|at| from + at) {
        let rest = &text[start..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let first = values.next();
        match first {
            Some(Ok(raw)) => {
                from = start + values.byte_offset();
                match json::parse(raw.get()) {
                    Ok(value) if wanted.is(&value) => {
                        found = Some(value);
                        complaint = None;
                    }
                    Ok(value) => other = Some(value),
                    Err(error) => complaint = Some(error),
                }
            }
            _ => {
                let is_broken = looks_broken(rest);
                match brackets.closing(text, start) {
                    // Braces of prose, or a broken value, whose inside does not count.
                    Some(end) => {
                        from = end;
                        if is_broken && (found.is_none() || wanted.begins(rest)) {
                            complaint = json::complaint(rest).or(complaint);
                        }
                    }
                    None if is_broken => {
                        // A value that is cut off is the last thing that the answer says.
                        return Err(json::complaint(rest));
                    }
                    None => from = start + 1,
                }
            }
        }
    }
    match (found, complaint) {
        (_, Some(error)) => Err(Some(error)),
        (Some(value), None) => Ok(value),
        (None, None) => other.ok_or(None),
    }
}

/// Whether a text that begins with a bracket and is not JSON was meant to be.
fn looks_broken(text: &str) -> bool {
    let inner = text[1..].trim_start();
    match inner.chars().next() {
        Some('"' | '{' | '[' | '\'' | '}') => true,
        // `{name: "x"}`
        Some(c) if text.starts_with('{') && (c.is_alphabetic() || c == '_') => inner
            .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
            .trim_start()
            .starts_with(':'),
        _ => false,
    }
}

/// Where brackets are closed. What was scanned once is remembered, so that a text of many brackets that are
/// not closed does not take long.
#[derive(Default)]
struct Brackets(HashMap<usize, Option<usize>>);

impl Brackets {
    /// The end of the bracketed text that begins at a position, by its brackets outside of strings.
    fn closing(&mut self, text: &str, start: usize) -> Option<usize> {
        if let Some(known) = self.0.get(&start) {
            return *known;
        }
        let (mut open, mut in_string, mut escaped) = (Vec::new(), false, false);
        for (at, byte) in text.bytes().enumerate().skip(start) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => open.push(at),
                b'}' | b']' => {
                    if let Some(at_open) = open.pop() {
                        self.0.insert(at_open, Some(at + 1));
                    }
                    if open.is_empty() {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        self.0.extend(open.into_iter().map(|at| (at, None)));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(answer: &str) -> Result<Value, InvalidReason> {
        find(answer, Wanted::Object)
    }

    #[test]
    fn fences_of_all_shapes_are_opened() {
        for answer in [
            "```json\n{\"k\": 7}\n```",
            "Here it is:\n```\n{\"k\": 7}\n```\nBye.",
            "`````JSON\n{\"k\": 7}\n`````",
            "~~~json\n{\"k\": 7}\n~~~",
            "1. So:\n   ```json\n   {\"k\": 7}\n   ```\n",
            "```json\r\n{\"k\": 7}\r\n```\r\n",
            "```json title=\"a.json\"\n{\"k\": 7}\n```",
            "```json\n{\"k\": 7}",
            "```json\n{\"k\": 7}\n```\nThen:\n```sh\nls {a,b}\n```",
            "```python\nx = {}\n```\n```json\n{\"k\": 7}\n```\n```python\n{\"k\": 8}\n```",
            "```json\n{\"k\": 1}\n```\nNo:\n```json\n{\"k\": 7}\n```",
            "```json {\"k\": 7} ```",
        ] {
            assert_eq!(object(answer), Ok(json!({"k": 7})), "{answer}");
        }
        let inner = json!({"k": "a ```b``` c\n```"});
        assert_eq!(object(&format!("```json\n{inner}\n```")), Ok(inner));
        assert_eq!(
            object("````json\n{\"k\":\n```\n7}\n````"),
            Err(InvalidReason::BrokenJson("expected value at line 2 column 1".into()))
        );
    }

    #[test]
    fn values_in_prose_are_found() {
        for answer in [
            "The result is {\"k\": 7}. Tell me if it is wrong!",
            "Input {\"k\": 1}, output {\"k\": 7}",
            "For x in [0, 1) we get {\"k\": 7}",
            "See [1]: {\"k\": 7} [2]",
            "Use {braces} :-( {\"k\": 7}",
            "{\"k\": 7}\n\nDone.",
            "{\"k\": 7} {",
            "{\"k\": 7}\n```js\nconst o = {\"k\": 8};\n```",
        ] {
            assert_eq!(object(answer), Ok(json!({"k": 7})), "{answer}");
        }
        assert_eq!(find("so [1, 2] {}", Wanted::List), Ok(json!([1, 2])));
        assert_eq!(object("only [1, 2]"), Ok(json!([1, 2])));
    }

    #[test]
    fn what_is_broken_is_not_mended_and_its_inside_does_not_count() {
        for (answer, complaint) in [
            ("{\"k\": 7,}", "trailing comma at line 1 column 9"),
            ("{'k': 7}", "key must be a string at line 1 column 2"),
            ("So: {k: {\"k\": 7}}", "key must be a string"),
            ("{\"a\": {\"k\": 7}, \"b\": }", "expected value"),
            ("{\"a\": {\"k\": 7}, \"b\"", "EOF while parsing"),
            ("So: {\"a\": {\"k\": 7}, \"b\"", "EOF while parsing"),
            ("[{\"k\": 7}, {\"k\" 8}]", "expected `:`"),
            ("{\"k\": 7 // seven\n}", "expected `,` or `}`"),
            ("{\"k\": NaN}", "expected value"),
            ("{\"k\": 7, \"k\": 8}", "the key `k` is there twice"),
            ("```json\n{\"k\" 7}\n```", "expected `:`"),
        ] {
            let Err(InvalidReason::BrokenJson(error)) = object(answer) else { panic!("{answer}") };
            assert!(error.contains(complaint), "{answer}: {error}");
        }
        for answer in ["It is blue.", "", "For x in [0, 1) {braces}"] {
            assert_eq!(object(answer), Err(InvalidReason::NoJson), "{answer}");
        }
    }

    #[test]
    fn the_last_value_counts_behind_any_number_of_brackets() {
        for bracket in ["[1] ", "{x} ", "[ x ", "{ x ", "[a[b ", "(see [a]) ", "[x \" "] {
            let answer = bracket.repeat(20_000) + "\n{\"k\": 7}";
            if !bracket.contains('"') {
                assert_eq!(object(&answer), Ok(json!({"k": 7})), "{bracket}");
            }
            let _ = object(&answer);
        }
    }

    #[test]
    fn a_broken_value_behind_the_last_good_one_makes_the_answer_invalid() {
        for answer in [
            "{\"k\": 1} No: {\"k\": 7,}",
            "{\"k\": 1} No: {'k': 7}",
            "{\"k\": 1} No: {\"k\": 7, \"k\": 8} Yes.",
        ] {
            let broken = matches!(object(answer), Err(InvalidReason::BrokenJson(_)));
            assert!(broken, "{answer}: {:?}", object(answer));
        }
        for answer in ["{'k': 1} No: {\"k\": 7}", "{\"k\": 7} is one of ['k', 'l']"] {
            assert_eq!(object(answer), Ok(json!({"k": 7})), "{answer}");
        }
    }

    #[test]
    fn code_of_another_language_counts_only_where_there_is_nothing_else() {
        for answer in [
            "```python\n{\"k\": 8}\n```\nSo: {\"k\": 7}",
            "{\"k\": 7}\n```python\n{\"k\": 8}\n```",
            "```\n{\"k\": 7}\n```\n```js\n{\"k\": 8}\n```",
            "```javascript\n{\"k\": 7}\n```",
            "As code:\n```python\n{\"k\": 7}\n```\nDone.",
            "```text\n{\"k\": 7}\n```\nas opposed to {\"k\": 8}",
        ] {
            assert_eq!(object(answer), Ok(json!({"k": 7})), "{answer}");
        }
    }

    /// Tries each bracket from the left, and goes on after each value: the last wanted one, else the
    /// last one.
    fn naive(text: &str) -> Option<Value> {
        let (mut values, mut from) = (Vec::new(), 0);
        while let Some(start) = text[from..].find(['{', '[']).map(|at| from + at) {
            let mut read = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            from = match read.next() {
                Some(Ok(value)) => {
                    values.push(value);
                    start + read.byte_offset()
                }
                _ => start + 1,
            };
        }
        let wanted = values.iter().rfind(|value| Wanted::Object.is(value));
        wanted.or(values.last()).cloned()
    }

    proptest! {
        #[test]
        fn any_answer_can_be_searched(answer in "(```|~~~|json|\n|\\{|\\}|\\[|\\]|\"|a|:|,|1| ){0,24}") {
            let _ = object(&answer);
        }

        #[test]
        fn what_is_not_broken_is_read_as_a_naive_reader_reads_it(
            pieces in prop::collection::vec(
                "(so|the|is|\\{name\\}|\\(see\\)|\\[a, b\\]|\\{\"k\": [1-9]\\}|\\{\"k\": \\[\\{\"a\": \"\\}\"\\}\\]\\}|\\[[1-9]\\])", 0..12
            )
        ) {
            let text = format!("Well, {}", pieces.join(" "));
            prop_assert_eq!(object(&text).ok(), naive(&text), "{}", text);
        }

        #[test]
        fn an_object_is_found_in_any_prose(before in "[a-z .,()\n]{0,30}", after in "[a-z .,()\n]{0,30}", text in ".{0,12}", number in any::<i64>()) {
            let value = json!({"text": text, "number": number, "list": [{"x": null}]});
            prop_assert_eq!(object(&format!("{before}{value}{after}")), Ok(value.clone()));
            prop_assert_eq!(object(&format!("{before}\n```json\n{value:#}\n```\n{after}")), Ok(value));
        }
    }
}
