//! Placeholders: how a prompt's text names a column of the rows.
//!
//! A name that is a word is written `{{ name }}`, any other one `{{ row["Ticket Text"] }}`. Text
//! between `{% raw %}` and `{% endraw %}` is literal, also where it looks like a placeholder. In a
//! searched part nothing else has a meaning; a frozen part is a template that has these rules too.

use super::column_name::{is_word, quoted_name};
use super::fragment::{Fragment, fragment_at, has_mark, plain_at, tag_at};
use std::borrow::Cow;
use std::collections::BTreeSet;

const RAW: &str = "{% raw %}";
const END_RAW: &str = "{% endraw %}";

/// A piece of a searched part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Literal text.
    Literal(&'a str),
    /// Literal text between `{% raw %}` and `{% endraw %}`.
    Raw {
        /// The text.
        text: &'a str,
        /// The piece as it is written.
        source: &'a str,
    },
    /// The row's value in a column.
    Column {
        /// The column.
        name: &'a str,
        /// The piece as it is written.
        source: &'a str,
    },
}

impl<'a> Piece<'a> {
    /// The piece as it is written.
    #[must_use]
    pub fn source(self) -> &'a str {
        match self {
            Self::Literal(source) | Self::Raw { source, .. } | Self::Column { source, .. } => {
                source
            }
        }
    }

    /// The column, if it is a placeholder.
    #[must_use]
    pub fn column(self) -> Option<&'a str> {
        match self {
            Self::Column { name, .. } => Some(name),
            Self::Literal(_) | Self::Raw { .. } => None,
        }
    }
}

/// Splits a searched part into its pieces, which put together are the part.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal_from, mut search_from) = (0, 0);
    while let Some(found) = text[search_from..].find('{') {
        let open = search_from + found;
        let Some(piece) = piece_at(&text[open..]) else {
            search_from = open + 1;
            continue;
        };
        if literal_from < open {
            pieces.push(Piece::Literal(&text[literal_from..open]));
        }
        pieces.push(piece);
        literal_from = open + piece.source().len();
        search_from = literal_from;
    }
    if literal_from < text.len() {
        pieces.push(Piece::Literal(&text[literal_from..]));
    }
    pieces
}

/// The piece that a text begins with, unless that is literal: comments and other code are, in a searched
/// part, and tags that take away white space.
fn piece_at(text: &str) -> Option<Piece<'_>> {
    match plain_at(text)? {
        Fragment::Column { name, source } => Some(Piece::Column { name, source }),
        Fragment::Raw { text, open, close, source } if !has_mark(open) && !has_mark(close) => {
            Some(Piece::Raw { text, source })
        }
        _ => None,
    }
}

/// What stands between the double braces that a text begins with, up to the next ones, and both with the
/// braces.
fn braced_at(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("{{")?;
    let length = inner.find("}}")?;
    Some((inner[..length].trim(), &text[..length + 4]))
}

/// How a column is written in a prompt.
#[must_use]
pub fn placeholder(name: &str) -> String {
    match (is_word(name), name.contains('"')) {
        (true, _) => format!("{{{{ {name} }}}}"),
        (false, false) => format!("{{{{ row[\"{name}\"] }}}}"),
        (false, true) => format!("{{{{ row['{name}'] }}}}"),
    }
}

/// The columns in a searched part's placeholders.
#[must_use]
pub fn placeholders(text: &str) -> BTreeSet<&str> {
    pieces(text).into_iter().filter_map(Piece::column).collect()
}

/// Escapes a text so that nothing in it has a meaning in a searched part, nor in a frozen one.
#[must_use]
pub fn literal(text: &str) -> Cow<'_, str> {
    let is_plain = pieces(text).into_iter().all(|piece| matches!(piece, Piece::Literal(_)));
    // A tag that ends the raw text means nothing behind it.
    let is_closing =
        || ["{%", "{{", "{#"].iter().any(|mark| text.contains(mark)) || text.ends_with('{');
    if is_plain && !is_closing() {
        return Cow::Borrowed(text);
    }
    let ends = ends_of_raw(text);
    let mut written = String::from(RAW);
    let mut from = 0;
    for end in ends {
        // The tag is cut behind its brace, so that neither half is one.
        let cut = end.start + 1;
        written.push_str(&text[from..cut]);
        written.push_str(END_RAW);
        written.push_str(&text[cut..end.end]);
        written.push_str(RAW);
        from = end.end;
    }
    written.push_str(&text[from..]);
    written.push_str(END_RAW);
    Cow::Owned(written)
}

/// Where a text has tags that would end raw text.
fn ends_of_raw(text: &str) -> Vec<std::ops::Range<usize>> {
    let tags = text.match_indices("{%").map(|(start, _)| start);
    tags.filter_map(|start| Some(start..start + tag_at(&text[start..], "endraw")?.len())).collect()
}

/// Text between braces without the marks that take away white space around them.
fn bare(inner: &str) -> &str {
    inner.trim().trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim()
}

/// Braces that would be sent as they stand, although they look like a placeholder or a tag of raw text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Where in the text it begins, in bytes.
    pub(crate) at: usize,
    /// What is wrong, and what to write.
    pub(crate) message: String,
}

/// The first placeholder in a searched part that is not closed or takes away white space, or the first tag
/// of raw text that has no other half or takes away white space.
pub(crate) fn flaw(text: &str, columns: &BTreeSet<String>) -> Option<Flaw> {
    let mut at = 0;
    for piece in pieces(text) {
        if let Piece::Literal(literal) = piece
            && let Some((start, message)) = flaw_of_literal(literal, columns)
        {
            return Some(Flaw { at: at + start, message });
        }
        at += piece.source().len();
    }
    None
}

fn flaw_of_literal(literal: &str, columns: &BTreeSet<String>) -> Option<(usize, String)> {
    literal.match_indices('{').find_map(|(at, _)| {
        let rest = &literal[at..];
        let message = match (tag_at(rest, "raw"), tag_at(rest, "endraw")) {
            (Some(tag), _) if has_mark(tag) => spaced_tag("raw", tag),
            (Some(tag), _) => match plain_at(rest) {
                Some(Fragment::Raw { text, open, close, .. }) => {
                    let end = open.len() + text.len();
                    return Some((at + end, spaced_tag("endraw", close)));
                }
                _ => format!("`{tag}` has no `{END_RAW}`: write it where the literal text ends"),
            },
            (None, Some(tag)) if has_mark(tag) => spaced_tag("endraw", tag),
            (None, Some(tag)) => {
                format!("`{tag}` ends a literal text that does not begin: write `{RAW}` before it")
            }
            (None, None) => odd_placeholder(rest, columns)?,
        };
        Some((at, message))
    })
}

fn spaced_tag(name: &str, tag: &str) -> String {
    format!(
        "`{tag}` takes away white space, which a searched part does not: write `{{% {name} %}}`"
    )
}

/// What is wrong with the double braces that a literal text begins with, if they are meant to show a column.
fn odd_placeholder(literal: &str, columns: &BTreeSet<String>) -> Option<String> {
    let inner = literal.strip_prefix("{{")?;
    let (inner, source) = match braced_at(literal) {
        Some((inner, source)) if !inner.contains("{{") => (inner, source),
        // It is not closed on its line.
        _ => {
            let end = inner.find(['\n', '{', '}']).unwrap_or(inner.len());
            let source = literal[..end + 2].trim_end();
            let name = bare(&inner[..end]);
            let named = [Some(name), Some(first_word(name)), quoted_at_start(name)];
            let column = named.into_iter().flatten().find(|it| columns.contains(*it))?;
            return Some(format!("`{source}` is not closed: write `{}`", placeholder(column)));
        }
    };
    let name = bare(inner);
    let shown = if is_word(name) { Some(name) } else { quoted_name(name) };
    let shown = shown.filter(|_| name != inner)?;
    Some(format!(
        "`{source}` takes away white space, which a searched part does not: write `{}`",
        placeholder(shown)
    ))
}

/// Text between double braces that looks like a placeholder and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray<'a> {
    /// What stands between the braces.
    pub(crate) inner: &'a str,
    /// Where in the text it begins, in bytes.
    pub(crate) at: usize,
    /// The column that it names or begins with.
    pub(crate) column: Option<&'a str>,
}

impl<'a> Stray<'a> {
    /// The column whose name is all that stands between the braces, bare, in quotes of its own, or as a field of
    /// the row.
    pub(crate) fn named(&self) -> Option<&'a str> {
        let is_whole = |column: &&str| {
            let rest = self.inner.replacen(*column, "", 1);
            matches!(rest.as_str(), "" | "\"\"" | "''" | "row.")
        };
        self.column.filter(is_whole)
    }
}

/// The braces in a text outside raw text that mean nothing, and look as if they named a column: such as
/// `{{ Ticket Text }}` or `{{ input | upper }}`.
pub(crate) fn strays<'a>(text: &'a str, columns: &BTreeSet<String>) -> Vec<Stray<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in pieces(text) {
        if let Piece::Literal(literal) = piece {
            for (open, _) in literal.match_indices("{{") {
                let Some((inner, _)) = braced_at(&literal[open..]) else { continue };
                let name = bare(inner);
                let column = [inner, name, first_word(name)]
                    .into_iter()
                    .chain(quoted_at_start(name))
                    .chain(quoted_whole(name))
                    .chain(name.strip_prefix("row."))
                    .find(|name| columns.contains(*name));
                if column.is_some() || looks_like_a_name(name) || looks_like_a_row(name) {
                    found.push(Stray { inner, at: at + open, column });
                }
            }
        }
        at += piece.source().len();
    }
    found
}

/// The first condition, loop or assignment in a searched part that uses a column: `{% if input %}`, and
/// `{{#if input}}` of other engines. It would be sent as it stands. Its place in bytes, and how it is written.
pub(crate) fn statement<'a>(text: &'a str, columns: &BTreeSet<String>) -> Option<(usize, &'a str)> {
    const WORDS: &[&str] = &["if", "elif", "for", "set", "unless", "case", "assign"];
    let mut at = 0;
    for piece in pieces(text) {
        if let Piece::Literal(literal) = piece {
            let found = literal.match_indices('{').find_map(|(open, _)| {
                let Fragment::Code { source, .. } = fragment_at(&literal[open..])? else {
                    return None;
                };
                let inner = bare(&source[2..source.len() - 2]);
                let is_statement = match source.starts_with("{%") {
                    true => WORDS.contains(&first_word(inner)),
                    false => inner.starts_with(['#', '^']),
                };
                let mut words = inner.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                (is_statement && words.any(|word| word == "row" || columns.contains(word)))
                    .then_some((at + open, source))
            });
            if found.is_some() {
                return found;
            }
        }
        at += piece.source().len();
    }
    None
}

/// The word that a text begins with.
fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    &text[..end.unwrap_or(text.len())]
}

/// The name in the `row["name"]` that a text begins with.
fn quoted_at_start(text: &str) -> Option<&str> {
    quoted_name(&text[..=text.find(']')?])
}

/// The text within the quotes of `"name"`.
fn quoted_whole(text: &str) -> Option<&str> {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\''))
}

/// Whether a text is words, as a column's name is that was written without quotes.
fn looks_like_a_name(inner: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '.' | '-');
    inner.chars().next().is_some_and(char::is_alphabetic) && inner.chars().all(is_part)
}

/// Whether a text is meant to name a column in brackets: `row[Name]`, `- row["Name"]`, `row.get("Name")`.
fn looks_like_a_row(inner: &str) -> bool {
    let inner = inner.to_ascii_lowercase();
    inner.starts_with("row[") || inner.starts_with("row.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column<'a>(name: &'a str, source: &'a str) -> Piece<'a> {
        Piece::Column { name, source }
    }

    #[test]
    fn only_columns_and_raw_text_mean_anything_in_a_searched_part() {
        let text = r#"Reply {"a": {{ input }}} {% if x %} {{ 1 + 1 }} {{{größe}}}"#;
        assert_eq!(
            pieces(text),
            [
                Piece::Literal(r#"Reply {"a": "#),
                column("input", "{{ input }}"),
                Piece::Literal("} {% if x %} {{ 1 + 1 }} {"),
                column("größe", "{{größe}}"),
                Piece::Literal("}"),
            ]
        );
        let raw = "a{%raw%}{{ b }}{% c %}{% endraw %}{{ d }}";
        assert_eq!(
            pieces(raw),
            [
                Piece::Literal("a"),
                Piece::Raw { text: "{{ b }}{% c %}", source: "{%raw%}{{ b }}{% c %}{% endraw %}" },
                column("d", "{{ d }}"),
            ]
        );
        assert_eq!(pieces("{% raw %}{{ b }}").len(), 2, "it does not end");
    }

    #[test]
    fn every_column_can_be_written() {
        for (name, written) in [
            ("input", "{{ input }}"),
            ("Größe", "{{ Größe }}"),
            ("Ticket Text", "{{ row[\"Ticket Text\"] }}"),
            ("a.b", "{{ row[\"a.b\"] }}"),
            ("x-y", "{{ row[\"x-y\"] }}"),
            ("2nd", "{{ row[\"2nd\"] }}"),
            ("in", "{{ row[\"in\"] }}"),
            ("row", "{{ row[\"row\"] }}"),
            ("size \"L\"", "{{ row['size \"L\"'] }}"),
        ] {
            assert_eq!(placeholder(name), written);
            assert_eq!(pieces(written), [column(name, written)]);
        }
        assert_eq!(pieces("{{row[ 'a b' ]}}"), [column("a b", "{{row[ 'a b' ]}}")]);
    }

    #[test]
    fn what_looks_like_a_column_and_is_none_is_found() {
        let columns = BTreeSet::from(["Ticket Text".to_owned(), "input".to_owned()]);
        let found = |text| {
            let found = strays(text, &columns).into_iter();
            found.map(|stray| (stray.inner, stray.column)).collect::<Vec<_>>()
        };
        assert_eq!(found("{{ Ticket Text }}"), [("Ticket Text", Some("Ticket Text"))]);
        assert_eq!(found("{{ Tikcet Text }}"), [("Tikcet Text", None)]);
        assert_eq!(found("{{ input | upper }}"), [("input | upper", Some("input"))]);
        assert_eq!(found("{{- input | upper -}}"), [("- input | upper -", Some("input"))]);
        assert_eq!(found("{{- Tikcet Text }}"), [("- Tikcet Text", None)]);
        let piped = "{{ row[\"Ticket Text\"]|lower }}";
        assert_eq!(found(piped), [("row[\"Ticket Text\"]|lower", Some("Ticket Text"))]);
        assert_eq!(
            found("{% raw %}{{ Ticket Text }}{% endraw %} {{ 1 + 1 }} {{ input }} {{#if x}}"),
            []
        );
    }

    #[test]
    fn a_condition_in_a_searched_part_is_found_where_it_uses_a_column() {
        let columns = BTreeSet::from(["note".to_owned(), "input".to_owned()]);
        for (text, source) in [
            ("a {% if note %}b{% endif %} {{ input }}", "{% if note %}"),
            ("{%- for x in note.split(',') -%}", "{%- for x in note.split(',') -%}"),
            ("{% if row['Ticket Text'] %}", "{% if row['Ticket Text'] %}"),
            ("{{ input }} {{#if note}}b{{/if}}", "{{#if note}}"),
            ("{{#note}}b{{/note}}", "{{#note}}"),
        ] {
            let found = statement(text, &columns);
            assert_eq!(found, text.find(source).map(|at| (at, source)), "{text}");
        }
        for text in [
            "{% if x %} {{#if x}} {{ input }} {{ input | upper }}",
            "{% raw %}{% if note %}{% endraw %}",
            "{% note %} {# if note #} {{ 1 + 1 }} {% if note",
        ] {
            assert_eq!(statement(text, &columns), None, "{text}");
        }
    }

    #[test]
    fn what_would_be_sent_as_it_stands_is_refused_with_its_spelling() {
        let columns = BTreeSet::from(["Ticket Text".to_owned(), "input".to_owned()]);
        for (text, says) in [
            ("{{-input}}", "write `{{ input }}`"),
            ("{{- input -}}", "write `{{ input }}`"),
            ("{{ input -}}", "write `{{ input }}`"),
            ("{{+ input }}", "write `{{ input }}`"),
            ("{{- row['Ticket Text'] }}", "write `{{ row[\"Ticket Text\"] }}`"),
            ("{{ input {{ input }}", "`{{ input` is not closed: write `{{ input }}`"),
            ("{{ input }", "`{{ input` is not closed"),
            ("a {{ input", "`{{ input` is not closed"),
            ("{{ row[\"Ticket Text\"] and", "is not closed: write `{{ row["),
            ("a {% raw %} {{ input }}", "`{% raw %}` has no `{% endraw %}`"),
            ("{%raw%} a", "`{%raw%}` has no `{% endraw %}`"),
            ("a {% endraw %}", "`{% endraw %}` ends a literal text that does not begin"),
            ("{% raw %}a{% endraw %}{%endraw%}", "`{%endraw%}` ends"),
            ("{%- raw -%} a {%- endraw -%}", "write `{% raw %}`"),
            ("{% raw -%} a {% endraw %}", "write `{% raw %}`"),
            ("{% raw %} a {%- endraw %} b {% endraw %}", "write `{% endraw %}`"),
        ] {
            let found = flaw(text, &columns);
            assert!(
                found.as_ref().is_some_and(|it| it.message.contains(says)),
                "{text}: {found:?}"
            );
        }
        for text in [
            "{{ input }} {{ 1 + 1 }} {{ -5 }} {% if x %} {{{größe}}} {{#if x}} {{",
            "{{ other {\"a\": {\"input\": 1}}",
            "{% raw %}{{-input}} {{ input {% raw %}{% endraw %}",
            "{\"a\": {\"b\": 1}}",
        ] {
            assert_eq!(flaw(text, &columns), None, "{text}");
        }
        for text in ["{% endraw %}", "a {%- endraw -%} b {% raw %}", "{{-input}}{%endraw%}{{"] {
            let written = literal(text);
            assert_eq!(flaw(&written, &columns), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn pieces_put_together_are_the_text(text in r#"([a{}% \n"'\]]|raw|endraw|row\[|\{\{ a \}\}){0,24}"#) {
            let together: String = pieces(&text).into_iter().map(Piece::source).collect();
            prop_assert_eq!(together, text);
        }

        #[test]
        fn a_literal_text_is_shown_as_it_is(
            before in "[a{ ]{0,3}",
            text in r#"([a{}% \n]|\{% raw %\}|\{% endraw %\}|\{\{ a \}\}){0,12}"#,
            after in "[a} ]{0,3}",
        ) {
            // A brace before or behind it must not make it mean something either.
            prop_assume!(!before.ends_with('{') && !before.contains("{{"));
            let part = format!("{before}{}{after}", literal(&text));
            let shown: String = pieces(&part)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Literal(text) | Piece::Raw { text, .. } => text,
                    Piece::Column { .. } => "COLUMN",
                })
                .collect();
            prop_assert_eq!(shown, format!("{before}{text}{after}"));
        }

        #[test]
        fn a_column_of_any_name_is_read_as_it_is_written(name in r#"[a-zß0-9 ."}\\-]{1,8}"#) {
            prop_assume!(name.trim() == name);
            let written = placeholder(&name);
            prop_assert_eq!(pieces(&written), [column(&name, &written)]);
        }
    }
}
