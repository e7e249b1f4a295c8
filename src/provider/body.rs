//! A server's body as JSON, read loosely: what differs in form and not in sense is understood.
//!
//! That is a byte order mark, `NaN`, `Infinity` and `1e400` as numbers, half a surrogate pair in a string, and
//! a stream of events although none was asked for. What the value means is the protocol's.

use serde_json::{Value, json};
use std::borrow::Cow;

/// The value of a body; `None` where it is no JSON in any of these forms.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    serde_json::from_slice(body).ok().or_else(|| {
        let text = std::str::from_utf8(body).ok()?;
        if is_stream(text) { joined(text) } else { value(text) }
    })
}

fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&mended(text)).ok())
}

/// Whether a text is a stream of server-sent events (WHATWG HTML, section 9.2).
fn is_stream(text: &str) -> bool {
    ["data:", "event:", "id:", ":"].iter().any(|field| text.starts_with(field))
}

/// The chunks of a stream as the whole answer that they are parts of. An error ends it. `None` where it is cut:
/// an incomplete answer is discarded.
fn joined(text: &str) -> Option<Value> {
    let (mut content, mut reasoning) = (String::new(), String::new());
    let (mut finish, mut usage, mut tools) = (Value::Null, Value::Null, Value::Null);
    let (mut is_any, mut is_over) = (false, false);
    for line in text.lines() {
        let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
        if data.is_empty() {
            continue;
        }
        if data == "[DONE]" {
            is_over = true;
            continue;
        }
        let chunk = value(data)?;
        let choice = &chunk["choices"][0];
        if !chunk["error"].is_null() || choice["message"].is_object() {
            return Some(chunk);
        }
        is_any |= choice.is_object();
        let delta = &choice["delta"];
        content.extend([&delta["content"], &choice["text"]].into_iter().filter_map(Value::as_str));
        let thoughts = [&delta["reasoning_content"], &delta["reasoning"]];
        reasoning.extend(thoughts.into_iter().filter_map(Value::as_str));
        for (kept, new) in [
            (&mut finish, &choice["finish_reason"]),
            (&mut usage, &chunk["usage"]),
            (&mut tools, &delta["tool_calls"]),
        ] {
            if !new.is_null() {
                kept.clone_from(new);
            }
        }
    }
    let message = json!({"content": content, "reasoning_content": reasoning, "tool_calls": tools});
    let choice = json!({"message": message, "finish_reason": finish});
    is_over |= !finish.is_null();
    (is_any && is_over).then(|| json!({"choices": [choice], "usage": usage}))
}

/// Numbers that are none become null, and half a surrogate pair the replacement character.
fn mended(text: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_string = false;
    while let Some(next) = rest.chars().next() {
        let mut taken = next.len_utf8();
        match next {
            '"' => {
                is_string = !is_string;
                out.push('"');
            }
            '\\' if is_string => {
                let (escape, length) = escape(rest);
                out.push_str(escape);
                taken = length;
            }
            '-' | '0'..='9' if !is_string && !rest.starts_with("-Infinity") => {
                let number = number(rest);
                // A machine number cannot hold 1e400.
                let is_infinite = number.parse().is_ok_and(f64::is_infinite);
                out.push_str(if is_infinite { "null" } else { number });
                taken = number.len();
            }
            _ => match NO_NUMBERS.iter().find(|word| !is_string && rest.starts_with(**word)) {
                Some(word) => {
                    out.push_str("null");
                    taken = word.len();
                }
                None => out.push(next),
            },
        }
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

/// The digits, signs and exponent that a text begins with.
fn number(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}

/// What some libraries write for numbers that JSON does not have.
const NO_NUMBERS: &[&str] = &["NaN", "-Infinity", "Infinity"];

/// The escape that a text begins with, as it is to be written, and its length.
fn escape(text: &str) -> (&str, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (&text[..12], 12),
        (Some(0xD800..=0xDFFF), _) => ("\\ufffd", 6),
        (Some(_), _) => (&text[..6], 6),
        (None, _) => {
            let length = text.chars().take(2).map(char::len_utf8).sum();
            (&text[..length], length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_mean_the_same_are_read_alike() {
        let plain = json!({"a": "x", "n": 1});
        for body in [
            r#"{"a": "x", "n": 1}"#,
            "\u{feff}{\"a\": \"x\", \"n\": 1}",
            " \n{\"a\": \"x\", \"n\": 1}\r\n",
        ] {
            assert_eq!(json(body.as_bytes()), Some(plain.clone()), "{body}");
        }
        let odd = r#"{"a": "NaN \" NaN \\", "n": NaN, "b": [-Infinity, Infinity], "d": [1e400, -1e400, 2.5e3, "1e400"], "c": "\ud83d \ude00 \ud83d\ude00 \u00e9 \ud83d"}"#;
        assert_eq!(
            json(odd.as_bytes()),
            Some(
                json!({"a": "NaN \" NaN \\", "n": null, "b": [null, null], "d": [null, null, 2500.0, "1e400"],
                "c": "\u{fffd} \u{fffd} 😀 é \u{fffd}"})
            )
        );
        for body in ["", "{", "\"\\", "\"\\u", "\"\\ud8é", "NaNNaN", "\u{0}", "data: {", "data:"] {
            assert_eq!(json(body.as_bytes()), None, "{body}");
        }
        assert_eq!(json(b"\xff\xfe{}"), None);
    }

    #[test]
    fn a_stream_is_the_answer_that_it_is_parts_of() {
        let stream = ": keep-alive\n\n\
            data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"bil\"},\"finish_reason\":null}]}\r\n\r\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"ling\"},\"finish_reason\":\"stop\"}]}\n\n\
            data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n\
            data: [DONE]\n";
        let value = json(stream.as_bytes()).unwrap();
        assert_eq!(value["choices"][0]["message"]["content"], "billing");
        assert_eq!(value["choices"][0]["finish_reason"], "stop");
        assert_eq!(value["usage"]["prompt_tokens"], 3);
        for cut in [
            "data: {\"choices\":[{\"delta\":{\"content\":\"bil\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"bil\"}}]}\n\ndata: {\"choi",
            "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\ndata: {\"ch\ndata: [DONE]\n",
        ] {
            assert_eq!(json(cut.as_bytes()), None, "{cut}");
        }
        let failed = "event: error\ndata: {\"error\":{\"message\":\"overloaded\"}}\n";
        assert_eq!(json(failed.as_bytes()).unwrap()["error"]["message"], "overloaded");
    }
}
