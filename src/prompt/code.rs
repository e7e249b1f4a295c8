//! The code of frozen parts: which names it uses, and how the engine must get it.
//!
//! What in a template is code is `fragment`'s; nothing is rendered here.

use super::fragment::{Fragment, fragments};
use minijinja::{Environment, ErrorKind};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

static STRING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?s)"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"#).ok());
static FILTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\|\s*([A-Za-z_]\w*)").ok());
static TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bis\s+(?:not\s+)?([A-Za-z_]\w*)").ok());
static OF_ROW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\brow\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*"([^"]*)"\s*\]|\[\s*'([^']*)'\s*\])?"#).ok()
});

/// The code of a template: its blocks, without raw text and comments.
pub(super) fn code(text: &str) -> String {
    let blocks = fragments(text).into_iter().filter_map(|fragment| match fragment {
        Fragment::Column { source, .. } | Fragment::Code { source, .. } => Some(source),
        Fragment::Text(_) | Fragment::Raw { .. } | Fragment::Comment(_) => None,
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// The code of a template that does more than to show a column.
fn expressions(text: &str) -> String {
    let blocks = fragments(text).into_iter().filter_map(|fragment| match fragment {
        Fragment::Code { source, .. } => Some(source),
        _ => None,
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// The text as the engine must get it: in a placeholder a backslash is a character of the column's name,
/// as in a searched part, and to the engine it would begin an escape.
pub(super) fn for_engine(text: &str) -> Cow<'_, str> {
    let fragments = fragments(text);
    let has_backslash = |fragment: &Fragment<'_>| matches!(fragment, Fragment::Column { name, .. } if name.contains('\\'));
    if !fragments.iter().any(has_backslash) {
        return Cow::Borrowed(text);
    }
    let written = |fragment: &Fragment<'_>| match has_backslash(fragment) {
        true => fragment.source().replace('\\', "\\\\"),
        false => fragment.source().to_owned(),
    };
    Cow::Owned(fragments.iter().map(written).collect())
}

/// A filter or test in a template that does not exist. The engine finds out only where it is used.
pub(super) fn unknown_name(engine: &Environment<'_>, text: &str) -> Option<(&'static str, String)> {
    let code = expressions(text);
    let code = STRING.as_ref()?.replace_all(&code, "\"\"");
    let exists = |expression: String, unknown: ErrorKind| {
        let found = engine.compile_expression_owned(expression).and_then(|found| found.eval(()));
        found.err().is_none_or(|error| error.kind() != unknown)
    };
    let names = |pattern: &'static LazyLock<Option<Regex>>| {
        let found = pattern.as_ref().into_iter().flat_map(|pattern| pattern.captures_iter(&code));
        found.filter_map(|found| Some(found.get(1)?.as_str().to_owned()))
    };
    names(&FILTER)
        .find(|name| !exists(format!("0|{name}"), ErrorKind::UnknownFilter))
        .map(|name| ("filter", name))
        .or_else(|| {
            let is_unknown =
                |name: &String| !exists(format!("0 is {name}"), ErrorKind::UnknownTest);
            names(&TEST).filter(|name| name != "not").find(is_unknown).map(|name| ("test", name))
        })
}

/// The columns that a template names as `row["name"]`; `None` where it may show any of them.
pub(super) fn columns_of_row(text: &str) -> Option<Vec<String>> {
    let shown = fragments(text).into_iter().filter_map(|fragment| match fragment {
        // A name without brackets may be that of a loop.
        Fragment::Column { name, source } if source.contains('[') => Some(name.to_owned()),
        _ => None,
    });
    let code = expressions(text);
    let used = OF_ROW.as_ref()?.captures_iter(&code);
    let used =
        used.map(|found| (1..4).find_map(|group| Some(found.get(group)?.as_str().to_owned())));
    shown.map(Some).chain(used).collect()
}

#[cfg(test)]
mod tests {
    use super::super::operators::with_filters;
    use super::super::template::environment;
    use super::*;
    use minijinja::context;
    use proptest::prelude::*;

    fn code(inner: &'static str, source: &'static str) -> Fragment<'static> {
        Fragment::Code { inner, source }
    }

    fn raw(
        open: &'static str,
        text: &'static str,
        close: &'static str,
    ) -> (Fragment<'static>, String) {
        let source: &'static str = format!("{open}{text}{close}").leak();
        (Fragment::Raw { text, open, close, source }, source.to_owned())
    }

    #[test]
    fn odd_forms_are_what_they_are_to_the_engine() {
        for (open, close) in [
            ("{% raw %}", "{% endraw %}"),
            ("{%raw%}", "{%endraw%}"),
            ("{%- raw -%}", "{%- endraw -%}"),
            ("{%+ raw %}", "{%+ endraw +%}"),
            ("{%-raw+%}", "{%\n endraw\t-%}"),
        ] {
            for text in ["{{ a }}", "{% raw %}", "{# {{ a }}", "\"}}", "{% if a %}{% endrawx %}"] {
                let (fragment, source) = raw(open, text, close);
                assert_eq!(fragments(&source), [fragment], "{source}");
                let shown = environment().render_str(&source, context! {});
                assert_eq!(shown.unwrap().trim(), text, "{source}");
            }
        }
        for (text, fragment) in [
            ("{{ \"}}\" }}", code(" \"}}\" ", "{{ \"}}\" }}")),
            ("{{ '\\'}}' }}", code(" '\\'}}' ", "{{ '\\'}}' }}")),
            ("{{- a -}}", code("- a -", "{{- a -}}")),
            ("{{+ a +}}", code("+ a +", "{{+ a +}}")),
            ("{{ {'a': {}}}}", code(" {'a': {}}", "{{ {'a': {}}}}")),
            ("{{ {'a': '}}'} }}", code(" {'a': '}}'} ", "{{ {'a': '}}'} }}")),
            ("{% if a == '%}' %}", code(" if a == '%}' ", "{% if a == '%}' %}")),
            ("{{ '{% raw %}' }}", code(" '{% raw %}' ", "{{ '{% raw %}' }}")),
            ("{% - raw %}", code(" - raw ", "{% - raw %}")),
            ("{{ a", code(" a", "{{ a")),
            ("{% raw %}{{ a }}", code(" raw %}{{ a }}", "{% raw %}{{ a }}")),
            ("{# {{ a }} '#}", Fragment::Comment("{# {{ a }} '#}")),
            ("{#-#}", Fragment::Comment("{#-#}")),
            ("{##}", Fragment::Comment("{##}")),
            ("{#} {% raw %} #}", Fragment::Comment("{#} {% raw %} #}")),
            ("{{ a }}", Fragment::Column { name: "a", source: "{{ a }}" }),
            ("{{row[ '}}' ]}}", Fragment::Column { name: "}}", source: "{{row[ '}}' ]}}" }),
            ("{{ row[\"a\\\"] }}", Fragment::Column { name: "a\\", source: "{{ row[\"a\\\"] }}" }),
            ("{ { a } }", Fragment::Text("{ { a } }")),
        ] {
            assert_eq!(fragments(text), [fragment], "{text}");
        }
        let both = "{# a #}{{ '{#' }}b{{ c }}";
        assert_eq!(fragments(both).len(), 4);
    }

    /// What is shown, without white space, which tags may take away.
    fn shown(text: &str) -> Option<String> {
        let row = context! { a => "A", b => "{{ a }}", row => context! { a => "A" } };
        let text = for_engine(text);
        let shown = environment().render_str(&text, &row).ok()?;
        let filtered = environment().render_str(&with_filters(&text), &row);
        assert_eq!(filtered.ok().as_deref(), Some(shown.as_str()), "{text}");
        Some(shown.split_whitespace().collect())
    }

    proptest! {
        #[test]
        fn each_fragment_renders_as_within_the_whole(
            text in r#"(x|\{|\}|%|#|"|'| |\{\{ a \}\}|\{\{- b -\}\}|\{\{ "\}\}" \}\}|\{\{ '\{#' ~ a \}\}|\{\{ \{'a': "%\}"\} \}\}|\{% set c = '%\}' %\}|\{# \{\{ a \}\} |#\}|\{% raw %\}|\{%- raw -%\}|\{%\+ raw %\}|\{% endraw %\}|\{%- endraw \+%\}|\{\{ row\["a"\] \}\}){0,8}"#,
        ) {
            let fragments = fragments(&text);
            let together: String = fragments.iter().map(|it| it.source()).collect();
            prop_assert_eq!(&together, &text);
            let Some(whole) = shown(&text) else { return Ok(()) };
            let apart: Option<String> = fragments.into_iter().map(|fragment| match fragment {
                Fragment::Text(text) | Fragment::Raw { text, .. } => {
                    Some(text.split_whitespace().collect())
                }
                Fragment::Comment(_) => Some(String::new()),
                Fragment::Column { source, .. } | Fragment::Code { source, .. } => shown(source),
            }).collect();
            prop_assert_eq!(apart, Some(whole));
        }
    }

    #[test]
    fn names_that_do_not_exist_are_found_before_anything_is_rendered() {
        let engine = environment();
        let unknown = |text| unknown_name(&engine, text);
        let truncate = Some(("filter", "truncate".to_owned()));
        assert_eq!(unknown("{% if false %}{{ a | truncate(3) }}{% endif %}"), truncate);
        assert_eq!(unknown("{{ a is sunny }}"), Some(("test", "sunny".to_owned())));
        for text in [
            "{{ a | upper | tojson(indent=2) }} | truncate",
            "{{ \"| truncate\" }}{# a | truncate #}{% raw %}{{ a | truncate }}{% endraw %}",
            "{% if a is not none and a is defined %}{% endif %}",
        ] {
            assert_eq!(unknown(text), None, "{text}");
        }
    }

    #[test]
    fn the_columns_of_a_row_are_told_where_they_are_named() {
        let columns = |text| columns_of_row(text);
        let names = ["a b".to_owned(), "d".to_owned(), "c".to_owned()];
        assert_eq!(columns("{{ row[\"a b\"] }}{{ row.c }}{{ row['d'] }} row"), Some(names.into()));
        assert_eq!(columns("{{ row[name] }}"), None);
        assert_eq!(columns("{{ arrow }}"), Some(Vec::new()));
    }
}
