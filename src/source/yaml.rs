//! YAML and JSON documents as values with their lines.
//!
//! A plain scalar keeps its text unless it is a number with the same digits: a postal code such as
//! `01234` stays what it is.

use super::{SourceError, json};
use saphyr::{MarkedYaml, ScalarStyle, YamlData, YamlLoader};
use saphyr_parser::Parser;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::path::Path;

/// A value and the line on which it starts, from 1.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) data: Data,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// A text, a number, a boolean, or nothing.
    Plain(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The document in a file.
    pub(crate) fn read(path: &Path) -> Result<Self, SourceError> {
        let text = text_of(path)?;
        let is_json = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
        if is_json { Self::of_json(path, &text) } else { Self::parse(path, &text) }
    }

    /// The document in a JSON text. A reader of YAML refuses some of JSON's escapes.
    pub(crate) fn of_json(path: &Path, text: &str) -> Result<Self, SourceError> {
        let broken = |error: json::JsonError| {
            let mut broken = SourceError::new(path, error.message).at_offset(text, error.offset);
            broken.help = error.help;
            broken
        };
        json::parse(text).map_err(broken)?;
        let raw = json::parse_raw(text).map_err(broken)?;
        Ok(json_node(text, raw, &mut (0, 1)))
    }

    /// The document as it is some lines further down.
    pub(crate) fn move_down(&mut self, lines: usize) {
        self.line += lines;
        match &mut self.data {
            Data::Plain(_) => {}
            Data::List(items) => items.iter_mut().for_each(|item| item.move_down(lines)),
            Data::Map(entries) => entries.iter_mut().for_each(|(_, item)| item.move_down(lines)),
        }
    }

    /// The document in a text.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, SourceError> {
        let broken = |error: &saphyr::ScanError| {
            SourceError::new(path, format!("invalid YAML: {}", error.info()))
                .at_line(error.marker().line())
        };
        let mut loader = YamlLoader::<MarkedYaml<'_>>::default();
        loader.early_parse(false);
        let mut parser = Parser::new_from_str(text);
        parser.load(&mut loader, false).map_err(|error| broken(&error))?;
        if let Some(error) = loader.error() {
            return Err(broken(error));
        }
        match loader.into_documents().into_iter().next() {
            Some(document) => Ok(node(&document)),
            None => Err(SourceError::new(path, "the file is empty")),
        }
    }

    /// An entry of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The entries of a map, or none.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list, or none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Plain(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The value without lines.
    pub(crate) fn value(&self) -> Value {
        match &self.data {
            Data::Plain(value) => value.clone(),
            Data::List(items) => items.iter().map(Self::value).collect(),
            Data::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.clone(), node.value()));
                Value::Object(entries.collect::<Map<String, Value>>())
            }
        }
    }
}

fn node(yaml: &MarkedYaml<'_>) -> Node {
    let data = match &yaml.data {
        YamlData::Representation(text, ScalarStyle::Plain, None) => Data::Plain(plain(text)),
        YamlData::Representation(text, ..) => Data::Plain(text.as_ref().into()),
        YamlData::Sequence(items) => Data::List(items.iter().map(node).collect()),
        YamlData::Mapping(map) => {
            let mut entries: Vec<(String, Node)> = Vec::new();
            let mut merged = Vec::new();
            for (key, value) in map {
                let (name, value) = (key_text(key), node(value));
                match (name.as_str(), value.data) {
                    // `<<: *other` adds the entries that are not there.
                    ("<<", Data::Map(others)) => merged.extend(others),
                    ("<<", Data::List(maps)) => {
                        merged.extend(maps.iter().flat_map(|map| map.entries().iter().cloned()));
                    }
                    (_, data) => entries.push((name, Node { line: value.line, data })),
                }
            }
            for (name, value) in merged {
                if !entries.iter().any(|(known, _)| *known == name) {
                    entries.push((name, value));
                }
            }
            Data::Map(entries)
        }
        YamlData::Tagged(_, inner) => node(inner).data,
        _ => Data::Plain(Value::Null),
    };
    Node { line: yaml.span.start.line(), data }
}

/// The text of a file.
pub(crate) fn text_of(path: &Path) -> Result<String, SourceError> {
    super::read_text(path).map_err(|error| SourceError::unreadable(path, &error))
}

/// A checked JSON value; `last` is the place and the line of the value before it.
fn json_node(text: &str, raw: &RawValue, last: &mut (usize, usize)) -> Node {
    let at = json::offset_in(text, raw.get()).max(last.0);
    let breaks = text.as_bytes()[last.0..at].iter().filter(|byte| **byte == b'\n').count();
    *last = (at, last.1 + breaks);
    let line = last.1;
    let data = match raw.get().as_bytes().first() {
        Some(b'{') => {
            let entries = json::entries(raw).unwrap_or_default().into_iter();
            Data::Map(entries.map(|(key, item)| (key, json_node(text, item, last))).collect())
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            Data::List(items.into_iter().map(|item| json_node(text, item, last)).collect())
        }
        _ => Data::Plain(json::value_in(text, raw).unwrap_or(Value::Null)),
    };
    Node { line, data }
}

fn key_text(key: &MarkedYaml<'_>) -> String {
    match &key.data {
        YamlData::Representation(text, ..) => text.to_string(),
        _ => node(key).value().to_string(),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            match json::parse(text) {
                Ok(value @ Value::Number(_)) => value,
                _ => text.into(),
            }
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str) -> Node {
        Node::parse(Path::new("a.yaml"), text).unwrap()
    }

    #[test]
    fn values_have_lines_and_keep_their_digits() {
        let node = parsed(
            "a: &x\n  zip: 01234\n  n: 12\n  big: 12345678901234567890123\n  q: '7'\n\
                           b:\n  <<: *x\n  n: 3\nc: [yes, true, null, ~, 1.50]\n",
        );
        assert_eq!(node.get("b").unwrap().get("n").unwrap().line, 8);
        assert_eq!(
            node.value(),
            json!({
                "a": {"zip": "01234", "n": 12, "big": "12345678901234567890123", "q": "7"},
                "b": {"n": 3, "zip": "01234", "big": "12345678901234567890123", "q": "7"},
                "c": ["yes", true, null, null, 1.5],
            })
        );
    }

    #[test]
    fn json_keeps_its_escapes_and_has_lines() {
        let text = "{\"a\": \"\\ud83d\\ude00\",\n\n\"b\": [1,\n{\"c\": null}]}";
        let node = Node::of_json(Path::new("a.json"), text).unwrap();
        assert_eq!(node.value(), json!({"a": "😀", "b": [1, {"c": null}]}));
        assert_eq!(node.get("b").unwrap().line, 3);
        assert_eq!(node.get("b").unwrap().items()[1].get("c").unwrap().line, 4);
        let error = Node::of_json(Path::new("a.json"), "{\"a\": 1,\n\"a\": 2}").unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (Some(2), "the key `a` is there twice"));
    }

    #[test]
    fn a_mistake_has_its_line() {
        for text in ["a: 1\nb: [1\n", "a: 1\n\tb: 2\n", "a: 1\na: 2\n"] {
            let error = Node::parse(Path::new("a.yaml"), text).unwrap_err();
            assert!(error.line.is_some() && error.message.starts_with("invalid YAML"), "{error}");
        }
        assert!(Node::parse(Path::new("a.yaml"), "").unwrap_err().message.contains("empty"));
    }
}
