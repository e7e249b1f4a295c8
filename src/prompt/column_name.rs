//! Names of columns in a prompt's text: which are words, and how any other one is read from its quotes.
//!
//! How a whole placeholder is written and found is `placeholder`'s and `fragment`'s.

/// Words that mean something else in a template, so that a column of that name is no word.
const RESERVED: &[&str] = &[
    "and", "caller", "do", "elif", "else", "endfor", "endif", "false", "False", "for", "if", "in",
    "is", "loop", "none", "None", "not", "or", "row", "self", "set", "super", "true", "True",
    "with",
];

/// Whether a column of this name may be written without quotes.
pub(super) fn is_word(name: &str) -> bool {
    let mut characters = name.chars();
    // What the template engine takes as a name (Unicode Standard Annex 31).
    let starts_well = characters.next().is_some_and(|c| unicode_ident::is_xid_start(c) || c == '_');
    starts_well && characters.all(unicode_ident::is_xid_continue) && !RESERVED.contains(&name)
}

/// The name in `row["name"]`.
pub(super) fn quoted_name(inner: &str) -> Option<&str> {
    let index = inner.strip_prefix("row")?.trim_start().strip_prefix('[')?;
    let name = index.strip_suffix(']')?.trim();
    let quote = name.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let name = name.strip_prefix(quote)?.strip_suffix(quote)?;
    (!name.contains(quote)).then_some(name)
}
