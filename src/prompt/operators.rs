//! What the operators of a frozen part get: `~` joins texts as they are shown, arithmetic calculates with
//! numbers, conditions know false from a text, and comparisons are `comparison`'s.
//!
//! The engine has no hook for operators, so that their operands get a filter: `a ~ b` becomes
//! `(a|string) ~ (b|string)`, and `a * b` becomes `(a|_number) * (b|_number)`; `a > b` becomes a filter as a
//! whole. A filter binds closer than any operator. Only code is changed, and no line break is added or lost.

use super::comparison::{COMPARE, Comparison};
use super::fragment::{Fragment, end_of_quoted, placed_fragments};
use std::borrow::Cow;
use std::ops::Range;

/// The filter that makes a number of an operand of `*` and its like.
pub(super) const NUMBER: &str = "_number";
/// The filter that makes a number or a text of an operand of `+`.
pub(super) const TERM: &str = "_term";
/// The filter that makes a text of a value.
pub(super) const TEXT: &str = "string";
/// The filter of a value that is asked whether it is true.
pub(super) const TRUTH: &str = "_truth";

/// A token of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    /// Where in the template it begins, in bytes.
    at: usize,
}

impl Token<'_> {
    /// Where in the template it ends, in bytes.
    fn end(self) -> usize {
        self.at + self.text.len()
    }
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

/// A place in a template, how many bytes go from there, and what is written in their place.
type Change = (Range<usize>, String);

/// The template with a filter behind every operand that needs one, and in place of comparisons.
pub(super) fn with_filters(text: &str) -> Cow<'_, str> {
    let mut changes: Vec<Change> = Vec::new();
    for block in blocks(text) {
        let tokens = tokens(text, block);
        for index in 0..tokens.len() {
            let Some(end) = operand_end(&tokens, index) else { continue };
            let Some(filter) = filter(&tokens, index, end) else { continue };
            let (start, end) = (tokens[index].at, tokens[end - 1].end());
            changes.push((start..start, "(".to_owned()));
            changes.push((end..end, format!("|{filter})")));
        }
        for chain in chains(&tokens) {
            chain.write(text, &tokens, &mut changes);
        }
    }
    if changes.is_empty() {
        return Cow::Borrowed(text);
    }
    changes.sort_by_key(|(place, _)| place.start);
    let (mut written, mut from) = (String::new(), 0);
    for (place, change) in changes {
        written.push_str(&text[from..place.start]);
        written.push_str(&change);
        from = place.end;
    }
    written.push_str(&text[from..]);
    Cow::Owned(written)
}

/// Values that are compared one after the other: `a < b <= c`.
struct Chain {
    /// The tokens of each operator; behind each stands a value.
    operators: Vec<Range<usize>>,
    /// All tokens.
    tokens: Range<usize>,
}

impl Chain {
    fn write(&self, text: &str, tokens: &[Token<'_>], changes: &mut Vec<Change>) {
        let (start, end) = (tokens[self.tokens.start].at, tokens[self.tokens.end - 1].end());
        changes.push((start..start, "((".to_owned()));
        let mut before = String::from(")");
        for (place, operator) in self.operators.iter().enumerate() {
            let words: Vec<&str> = tokens[operator.clone()].iter().map(|it| it.text).collect();
            let filter = if place == 0 { format!("|{COMPARE}(") } else { ", ".to_owned() };
            // No line break may get lost.
            let from = tokens[operator.start].at;
            let to = tokens[operator.end - 1].end();
            let lines = "\n".repeat(text[from..to].matches('\n').count());
            changes.push((from..to, format!("{before}{filter}\"{}\",{lines} (", words.join(" "))));
            before = ")".to_owned();
        }
        let written = crate::text::shorten(&crate::text::one_line(&text[start..end]), 80);
        let written = written.replace('\\', "\\\\").replace('"', "\\\"");
        changes.push((end..end, format!("), \"{written}\"))")));
    }
}

/// The comparisons of a block.
fn chains(tokens: &[Token<'_>]) -> Vec<Chain> {
    let mut chains = Vec::new();
    // Where the expression begins that each open bracket holds, and its operators.
    let mut open: Vec<(usize, Vec<Range<usize>>)> = vec![(0, Vec::new())];
    let of_loop = loop_word(tokens);
    let mut end = |from: usize, operators: Vec<Range<usize>>, end: usize| {
        let is_whole = operators.first().is_some_and(|it| it.start > from)
            && operators.last().is_some_and(|it| it.end < end);
        chains.extend(is_whole.then_some(Chain { operators, tokens: from..end }));
    };
    for (index, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Open {
            open.push((index + 1, Vec::new()));
            continue;
        }
        let Some((from, operators)) = open.last_mut() else { break };
        if token.kind == Kind::Close {
            end(*from, std::mem::take(operators), index);
            open.pop();
        } else if let Some(words) = comparison(tokens, index).filter(|_| of_loop != Some(index)) {
            operators.push(index..index + words);
        } else if of_loop == Some(index) || ends_comparison(tokens, index) {
            end(*from, std::mem::take(operators), index);
            *from = index + 1;
        }
    }
    for (from, operators) in open {
        end(from, operators, tokens.len());
    }
    chains
}

/// How many tokens the comparison has that begins with a token, if one begins there.
fn comparison(tokens: &[Token<'_>], index: usize) -> Option<usize> {
    let text = |index: usize| tokens.get(index).map_or("", |it| it.text);
    let before = index.checked_sub(1).map_or("", text);
    match tokens[index].kind {
        Kind::Operator => Comparison::of(text(index)).map(|_| 1),
        Kind::Word if before == "is" => None,
        Kind::Word if text(index) == "not" && text(index + 1) == "in" => Some(2),
        // The end of `not in`, or a test.
        Kind::Word if text(index) == "in" && before != "not" && !is_name(tokens, index) => Some(1),
        _ => None,
    }
}

/// Whether an expression that is compared ends before a token.
fn ends_comparison(tokens: &[Token<'_>], index: usize) -> bool {
    const WORDS: &[&str] = &["if", "elif", "else", "for", "not", "and", "or", "set", "recursive"];
    let token = tokens[index];
    let before = index.checked_sub(1).map(|before| tokens[before].text);
    match token.kind {
        Kind::Word => {
            let is_of_test = token.text == "not" && before == Some("is");
            let is_of_pair = token.text == "not" && comparison(tokens, index).is_some();
            WORDS.contains(&token.text) && !is_of_test && !is_of_pair && !is_name(tokens, index)
        }
        Kind::Operator => [",", ":", "="].contains(&token.text),
        _ => false,
    }
}

/// The `in` of `for x in list`, which is no comparison.
fn loop_word(tokens: &[Token<'_>]) -> Option<usize> {
    tokens.first().filter(|first| first.text == "for")?;
    tokens.iter().position(|it| it.text == "in")
}

/// Whether a token names an attribute, a filter or a test.
fn is_name(tokens: &[Token<'_>], index: usize) -> bool {
    let is_before = |steps: usize, names: &[&str]| {
        let before = index.checked_sub(steps).map(|before| tokens[before].text);
        before.is_some_and(|before| names.contains(&before))
    };
    is_before(1, &[".", "|", "is"]) || is_before(1, &["not"]) && is_before(2, &["is"])
}

/// The code in a template that does more than to show a column, without its braces.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let block = |(at, fragment)| match fragment {
        Fragment::Code { inner, .. } => Some(at + 2..at + 2 + str::len(inner)),
        _ => None,
    };
    placed_fragments(text).filter_map(block).collect()
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
    let before = start.checked_sub(1).map(|before| tokens[before]);
    if is_name(tokens, start) || before.is_some_and(ends_operand) {
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
    let before = start.checked_sub(1);
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
    if beside(&["-"]) {
        return Some(NUMBER);
    }
    if beside(&["+"]) {
        return Some(TERM);
    }
    let is_compared = before.is_some_and(|before| comparison(tokens, before).is_some())
        || tokens.get(end).is_some() && comparison(tokens, end).is_some()
        || right == "is";
    let is_asked =
        ["if", "elif", "not", "and", "or"].contains(&left) || ["and", "or"].contains(&right);
    (is_asked && !is_compared).then_some(TRUTH)
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
                "{% if ((row.price )|_compare(\">\", ( 10), \"row.price > 10\")) %}x{% endif %}",
            ),
            ("{{ a + b * c ~ d }}", "{{ (a|_term) + (b|_number) * (c|_number) ~ (d|string) }}"),
            ("{{ (a + 1)|round ~ b }}", "{{ (((a|_term) + 1)|round|string) ~ (b|string) }}"),
            ("{{- -a -}}", "{{- -(a|_number) -}}"),
            ("{{-a-}}", "{{-a-}}"),
            (
                "{% for x in a if x in b %}{% endfor %}",
                "{% for x in a if ((x )|_compare(\"in\", ( b), \"x in b\")) %}{% endfor %}",
            ),
            ("{% for x in a ~ b %}", "{% for x in (a|string) ~ (b|string) %}"),
            ("{{ a not in b }}", "{{ ((a )|_compare(\"not in\", ( b), \"a not in b\")) }}"),
            (
                "{{ a is defined == true }}",
                "{{ ((a is defined )|_compare(\"==\", ( true), \"a is defined == true\")) }}",
            ),
            (
                "{{ f(a=b[1] < c + 1 <= 2, d=not e != '\"') }}",
                "{{ f(a=((b[1] )|_compare(\"<\", ( (c|_term) + 1 ), \"<=\", ( 2), \"b[1] < c + 1 <= 2\")), \
                 d=not ((e )|_compare(\"!=\", ( '\"'), \"e != '\\\"'\"))) }}",
            ),
            ("{{ a is not in(b) }}{{ a is in b }}", "{{ a is not in(b) }}{{ a is in b }}"),
            ("{{ a is not number ~ b }}", "{{ a is not number ~ (b|string) }}"),
            (
                "{% if a and not b.c or d > 1 and e is odd and f in g %}{% elif h|trim %}",
                "{% if (a|_truth) and not (b.c|_truth) or ((d )|_compare(\">\", ( 1), \"d > 1\")) and e is \
                 odd and ((f )|_compare(\"in\", ( g), \"f in g\")) %}{% elif (h|trim|_truth) %}",
            ),
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
