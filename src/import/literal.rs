//! Lists and objects that stand as a text in a cell: as JSON, or as Python writes them.
//!
//! `['a', 'b']`, `{'x': 1, 'y': None}`; also NumPy's `array(['a'], dtype=object)` within them, and tuples and
//! sets as lists. Whatever is no such literal from its first to its last character stays a text.

use crate::prompt::value_text;
use crate::source::json;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// A value that stood as a text.
pub(super) struct Opened {
    pub(super) value: Value,
    /// Whether it is Python's and no JSON.
    pub(super) is_python: bool,
}

/// The list or object that a text is.
pub(super) fn opened(text: &str) -> Option<Opened> {
    let text = text.trim();
    if !text.starts_with(['[', '{']) {
        return None;
    }
    if let Ok(value) = json::parse(text) {
        return Some(Opened { value, is_python: false });
    }
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(Opened { value, is_python: true })
}

/// The list or object that a value is, or holds as a text.
pub(super) fn structure(value: &Value) -> Option<Cow<'_, Value>> {
    match value {
        Value::String(text) => opened(text).map(|it| Cow::Owned(it.value)),
        Value::Array(_) | Value::Object(_) => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip_space();
        match self.rest.chars().next()? {
            '[' => self.items('[', ']', depth).map(|(items, _)| items.into()),
            // Without a comma, brackets only enclose.
            '(' => {
                let (items, has_comma) = self.items('(', ')', depth)?;
                (has_comma || items.is_empty()).then(|| items.into())
            }
            '{' => self.braces(depth),
            '\'' | '"' => self.text().map(Value::String),
            _ => self.word(depth),
        }
    }

    /// The items between brackets, and whether there is a comma.
    fn items(&mut self, open: char, close: char, depth: usize) -> Option<(Vec<Value>, bool)> {
        self.rest = self.rest.strip_prefix(open)?;
        let close = close.to_string();
        let (mut items, mut has_comma) = (Vec::new(), false);
        while !self.takes(&close) {
            if !items.is_empty() && !has_comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            if self.takes(",") {
                has_comma = true;
            } else {
                return self.takes(&close).then_some((items, has_comma));
            }
        }
        Some((items, has_comma))
    }

    /// A dictionary, or a set as a list.
    fn braces(&mut self, depth: usize) -> Option<Value> {
        self.rest = self.rest.strip_prefix('{')?;
        let (mut object, mut set) = (Map::new(), Vec::new());
        while !self.takes("}") {
            let key = self.value(depth + 1)?;
            match self.takes(":") {
                true => {
                    let is_plain = !key.is_array() && !key.is_object();
                    let name = is_plain.then(|| value_text(&key).into_owned())?;
                    // Of a key that is there twice, one value would be lost.
                    if object.insert(name, self.value(depth + 1)?).is_some() {
                        return None;
                    }
                }
                false => set.push(key),
            }
            if !self.takes(",") {
                if !self.takes("}") {
                    return None;
                }
                break;
            }
        }
        match (set.is_empty(), object.is_empty()) {
            (true, _) => Some(object.into()),
            (false, true) => Some(set.into()),
            (false, false) => None,
        }
    }

    /// A text in quotes. Two texts side by side are none: NumPy separates the items of a list so.
    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut chars = self.rest[1..].chars();
        let mut text = String::new();
        loop {
            match chars.next()? {
                '\n' | '\r' => return None,
                '\\' => escaped(&mut chars, &mut text)?,
                c if c == quote => break,
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    /// A name, a number, or an array of NumPy.
    fn word(&mut self, depth: usize) -> Option<Value> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "True" | "true" => Some(true.into()),
            "False" | "false" => Some(false.into()),
            "None" | "null" => Some(Value::Null),
            "array" => {
                self.rest = self.rest.strip_prefix('(')?;
                let value = self.value(depth + 1).filter(Value::is_array)?;
                if self.takes(",") && self.takes("dtype=") {
                    let end = self.rest.find(')')?;
                    self.rest = &self.rest[end..];
                }
                self.takes(")").then_some(value)
            }
            number => {
                serde_json::from_str::<serde_json::Number>(number).ok()?;
                Some(json::number(number))
            }
        }
    }
}

/// What follows a backslash.
fn escaped(chars: &mut std::str::Chars<'_>, text: &mut String) -> Option<()> {
    let c = chars.next()?;
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let code =
            chars.as_str().get(..digits).filter(|it| it.chars().all(|c| c.is_ascii_hexdigit()))?;
        text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        *chars = chars.as_str()[digits..].chars();
        return Some(());
    }
    match c {
        '\\' | '\'' | '"' => text.push(c),
        'n' => text.push('\n'),
        't' => text.push('\t'),
        'r' => text.push('\r'),
        'a' => text.push('\u{7}'),
        'b' => text.push('\u{8}'),
        'f' => text.push('\u{c}'),
        'v' => text.push('\u{b}'),
        // By its name or its octal number: no program writes characters so.
        'N' | '0'..='7' | '\n' => return None,
        other => text.extend(['\\', other]),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_python_writes_is_read() {
        for (text, expected) in [
            ("['a', 'b']", json!(["a", "b"])),
            (
                "{'x': 1, 'y': None, 'z': (True, -1.5)}",
                json!({"x": 1, "y": null, "z": [true, -1.5]}),
            ),
            (r#"["it's", 'say "hi"', 'it\'s "so"']"#, json!(["it's", "say \"hi\"", "it's \"so\""])),
            (r"['a\nb\t\\', '\xe9\u20ac\U0001f600', '\d']", json!(["a\nb\t\\", "é€😀", "\\d"])),
            (
                "{'text': array(['x',\n 'y'], dtype=object), 'n': array([1, 2])}",
                json!({"text": ["x", "y"], "n": [1, 2]}),
            ),
            ("{'a', 'b'}", json!(["a", "b"])),
            ("{0: 'no', 1: 'yes'}", json!({"0": "no", "1": "yes"})),
            ("['a',]", json!(["a"])),
            ("[('a',), ()]", json!([["a"], []])),
            ("[{'role': 'user', 'content': 'Hi'}]", json!([{"role": "user", "content": "Hi"}])),
        ] {
            let found = opened(text).filter(|it| it.is_python).map(|it| it.value);
            assert_eq!(found, Some(expected), "{text}");
        }
        assert!(opened("[1, null]").is_some_and(|it| !it.is_python));
    }

    #[test]
    fn anything_else_stays_a_text() {
        for text in [
            "['a' 'b']",
            "['a\nb']",
            "['it's']",
            "[a, b]",
            "['a'",
            "['a'] or so",
            "[1.0.0]",
            "[nan]",
            "{'a': 1, 'b'}",
            "{'a': 1, 'a': 2}",
            "[lambda: 1]",
            "'a'",
            "True",
            "(see above)",
            "[('a')]",
            "['''a''']",
            "[]]",
            "{x}",
            "[,]",
            "[array(1)]",
            "['\\x4']",
        ] {
            assert!(opened(text).is_none(), "{text}");
        }
        assert!(opened(&"[".repeat(10_000)).is_none());
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "[\\[{('\"\\\\,:} ax1Noeé\n]{0,30}") {
            opened(&format!("[{text}"));
        }
    }
}
