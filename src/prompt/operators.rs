//! What the operators of a frozen part get: `~` joins texts as they are shown, and all others calculate
//! with numbers.
//!
//! The engine has no hook for operators, so that their operands get a filter: `a ~ b` becomes
//! `(a|string) ~ (b|string)`, and `row.price > 10` becomes `(row.price|NUMBER) > 10`. A filter binds closer
//! than any operator. Only code is changed, and no line break is added or lost.

use std::borrow::Cow;
use std::ops::Range;

/// The filter that makes a number of a number that prints as it was written.
pub(super) const NUMBER: &str = "_number";
/// The filter that makes a text of a value.
pub(super) const TEXT: &str = "string";

/// A token of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    /// Where in the template it begins, in bytes.
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A name or a word of the language.
    Word,
    /// A number or a text.
    Constant,
    Open,
    Close,
    Operator,
}

/// Words that are no operand.
const WORDS: &[&str] = &["if", "elif", "else", "for", "in", "not", "and", "or", "is", "set"];
/// Operators of two characters.
const LONG: &[&str] = &["**", "//", "==", "!=", "<=", ">="];

/// The template with a filter behind every operand that needs one.
pub(super) fn with_filters(text: &str) -> Cow<'_, str> {
    let mut changes: Vec<(usize, String)> = Vec::new();
    for block in blocks(text) {
        let tokens = tokens(text, block);
        for index in 0..tokens.len() {
            let Some(end) = operand_end(&tokens, index) else { continue };
            let Some(filter) = filter(&tokens, index, end) else { continue };
            let last = tokens[end - 1];
            changes.push((tokens[index].at, "(".to_owned()));
            changes.push((last.at + last.text.len(), format!("|{filter})")));
        }
    }
    if changes.is_empty() {
        return Cow::Borrowed(text);
    }
    changes.sort_by_key(|(at, _)| *at);
    let (mut written, mut from) = (String::new(), 0);
    for (at, change) in changes {
        written.push_str(&text[from..at]);
        written.push_str(&change);
        from = at;
    }
    written.push_str(&text[from..]);
    Cow::Owned(written)
}

/// The code in a template, without its braces.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find('{') {
        let open = from + found;
        let rest = &text[open..];
        let end_of = |mark: &str| rest.find(mark).map_or(text.len(), |end| open + end + mark.len());
        if rest.starts_with("{#") {
            from = end_of("#}");
        } else if let Some(("raw", tag)) = super::placeholder::raw_tag_at(rest) {
            let closes = |at: usize| {
                matches!(super::placeholder::raw_tag_at(&text[at..]), Some(("endraw", _)))
            };
            let inner = open + tag.len();
            let end =
                text[inner..].match_indices("{%").map(|(at, _)| inner + at).find(|at| closes(*at));
            from = end.map_or(text.len(), |end| end + 2);
        } else if rest.starts_with("{{") || rest.starts_with("{%") {
            let end = end_of_block(text, open + 2, &text[open..open + 2]);
            blocks.push(open + 2..end);
            from = end;
        } else {
            from = open + 1;
        }
    }
    blocks
}

/// Where a block's code ends: at its closing mark, outside of texts and brackets.
fn end_of_block(text: &str, start: usize, open: &str) -> usize {
    let close = if open == "{{" { "}}" } else { "%}" };
    let (mut depth, mut at) = (0_usize, start);
    while let Some(next) = text[at..].chars().next() {
        if depth == 0 && text[at..].starts_with(close) {
            return at;
        }
        match next {
            '"' | '\'' => at = end_of_quoted(text, at),
            _ => {
                match next {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at += next.len_utf8();
            }
        }
    }
    text.len()
}

/// Where the text in quotes ends that begins here.
fn end_of_quoted(text: &str, start: usize) -> usize {
    let quote = text.as_bytes()[start];
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn tokens(text: &str, block: Range<usize>) -> Vec<Token<'_>> {
    let code = &text[..block.end];
    let mut tokens = Vec::new();
    let mut at = block.start;
    while let Some(first) = code[at..].chars().next() {
        let while_in = |inside: fn(char) -> bool| {
            let rest = &code[at..];
            at + rest.find(|c: char| !inside(c)).unwrap_or(rest.len())
        };
        let (kind, end) = match first {
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '"' | '\'' => (Kind::Constant, end_of_quoted(code, at)),
            '0'..='9' => {
                let mut end = while_in(|c| c.is_alphanumeric() || c == '_');
                let more = code[end..]
                    .strip_prefix('.')
                    .filter(|more| more.starts_with(|c: char| c.is_ascii_digit()));
                if more.is_some() {
                    let rest = &code[end + 1..];
                    end += 1 + rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                }
                (Kind::Constant, end)
            }
            _ if first.is_alphanumeric() || first == '_' => {
                (Kind::Word, while_in(|c| c.is_alphanumeric() || c == '_'))
            }
            '(' | '[' | '{' => (Kind::Open, at + 1),
            ')' | ']' | '}' => (Kind::Close, at + 1),
            _ => {
                let is_long = LONG.iter().any(|long| code[at..].starts_with(long));
                (Kind::Operator, at + if is_long { 2 } else { first.len_utf8() })
            }
        };
        tokens.push(Token { kind, text: &code[at..end], at });
        at = end;
    }
    // The marks that take away white space are no operators.
    if tokens.first().is_some_and(|it| it.at == block.start && ["-", "+"].contains(&it.text)) {
        tokens.remove(0);
    }
    if tokens.last().is_some_and(|it| it.at + 1 == block.end && ["-", "+"].contains(&it.text)) {
        tokens.pop();
    }
    tokens
}

/// Whether an operand ends with a token.
fn ends_operand(token: Token<'_>) -> bool {
    match token.kind {
        Kind::Word => !WORDS.contains(&token.text),
        Kind::Constant | Kind::Close => true,
        Kind::Open | Kind::Operator => false,
    }
}

/// The token behind the operand that begins with a token, if one begins there.
fn operand_end(tokens: &[Token<'_>], start: usize) -> Option<usize> {
    let before = |steps: usize| Some(tokens[start.checked_sub(steps)?]);
    let is_named = |steps: usize, names: &[&str]| {
        before(steps).is_some_and(|before| names.contains(&before.text))
    };
    // An attribute, or the name of a filter or of a test.
    let is_name = is_named(1, &[".", "|", "is"]) || is_named(1, &["not"]) && is_named(2, &["is"]);
    if is_name || before(1).is_some_and(ends_operand) {
        return None;
    }
    let mut end = match tokens[start] {
        Token { kind: Kind::Word, text, .. } if !WORDS.contains(&text) => start + 1,
        Token { kind: Kind::Open, .. } => end_of_group(tokens, start)?,
        Token { kind: Kind::Constant, .. } => start + 1,
        _ => return None,
    };
    while let Some(next) = tokens.get(end) {
        match (next.kind, next.text) {
            (Kind::Operator, "." | "|") if tokens.get(end + 1).is_some() => end += 2,
            (Kind::Open, "(" | "[") => end = end_of_group(tokens, end)?,
            _ => break,
        }
    }
    // A constant is what it is.
    let is_constant = end == start + 1 && tokens[start].kind == Kind::Constant;
    (!is_constant).then_some(end)
}

fn end_of_group(tokens: &[Token<'_>], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(index + 1);
        }
    }
    None
}

/// The filter that an operand needs: that of the neighbouring operator that binds it.
fn filter(tokens: &[Token<'_>], start: usize, end: usize) -> Option<&'static str> {
    let text = |index: usize| tokens.get(index).map_or("", |it| it.text);
    // `for x in list`: this `in` is no operator.
    let of_loop = || tokens.iter().position(|it| it.text == "in");
    let of_loop = if text(0) == "for" { of_loop() } else { None };
    if of_loop == Some(end) {
        return None;
    }
    let before = start.checked_sub(1).filter(|before| of_loop != Some(*before));
    let (left, right) = (before.map_or("", text), text(end));
    let second = before.and_then(|before| before.checked_sub(1)).map(|index| tokens[index]);
    let is_sign = left == "-" && !second.is_some_and(ends_operand);
    let beside = |operators: &[&str]| operators.contains(&left) || operators.contains(&right);
    if is_sign || beside(&["*", "/", "//", "%", "**"]) {
        return Some(NUMBER);
    }
    if beside(&["~"]) {
        return Some(TEXT);
    }
    let calculates = beside(&["+", "-", "==", "!=", "<", ">", "<=", ">=", "in"]) || right == "not";
    calculates.then_some(NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_get_the_filter_of_their_operator_and_nothing_else_changes() {
        for (text, expected) in [
            ("{{ a ~ b }}", "{{ (a|string) ~ (b|string) }}"),
            ("{{a~'x'~row['b c']|upper}}", "{{(a|string)~'x'~(row['b c']|upper|string)}}"),
            (
                "{% if row.price > 10 %}x{% endif %}",
                "{% if (row.price|_number) > 10 %}x{% endif %}",
            ),
            ("{{ a + b * c ~ d }}", "{{ (a|_number) + (b|_number) * (c|_number) ~ (d|string) }}"),
            ("{{ (a + 1)|round ~ b }}", "{{ (((a|_number) + 1)|round|string) ~ (b|string) }}"),
            ("{{- -a -}}", "{{- -(a|_number) -}}"),
            ("{{-a-}}", "{{-a-}}"),
            (
                "{% for x in a if x in b %}{% endfor %}",
                "{% for x in a if (x|_number) in (b|_number) %}{% endfor %}",
            ),
            ("{% for x in a ~ b %}", "{% for x in (a|string) ~ (b|string) %}"),
            ("{{ a not in b }}", "{{ (a|_number) not in (b|_number) }}"),
            ("{{ a is defined == true }}", "{{ a is defined == (true|_number) }}"),
            ("{{ a is not number ~ b }}", "{{ a is not number ~ (b|string) }}"),
            ("{% set x = {'a': {'b': a ~ 1}} %}", "{% set x = {'a': {'b': (a|string) ~ 1}} %}"),
            ("{{ x if -a else none ~ 1 }}", "{{ x if -(a|_number) else (none|string) ~ 1 }}"),
        ] {
            assert_eq!(with_filters(text), expected, "{text}");
        }
        for text in [
            "a ~ b {{ a }} {# {{ a ~ b }} #} {% raw %}{{ a ~ b }}{% endraw %} { a ~ b }",
            "{{ 'a ~ b' }}{{ \"}} {{ a ~ b\" }}{{ a.b(c=d)|join(', ') }}{{ a | default('~') }}",
            "{{ 1 + 2.5e3 ~ 'x' }}{{ a[1:] }}",
        ] {
            assert_eq!(with_filters(text), text);
        }
        // What does not end is for the parser to refuse.
        assert_eq!(with_filters("{{ a ~"), "{{ (a|string) ~");
    }
}
