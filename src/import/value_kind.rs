//! What a text is at first sight: a date, a number, a program, reasoning that ends in a number.

use crate::task::scorer::has_boxed_number;
use regex::Regex;
use std::sync::LazyLock;

/// The number that a text is: with a currency, a percent sign, or commas between thousands.
pub(super) fn number_of(text: &str) -> Option<f64> {
    let bare = text.trim_start_matches(['$', '€', '£']).trim_end_matches('%').trim();
    if !bare.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    bare.replace(',', "").parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether a text only says that there is no value, as spreadsheets, databases and pandas write it. `NA`,
/// `N/A` and `None` may be labels.
pub(super) fn is_missing(text: &str) -> bool {
    let known =
        ["nan", "-nan", "null", "<na>", "nat", "#n/a", "#n/a n/a", "#na", "#value!", "#ref!"];
    text.len() <= 8 && known.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a text is reasoning that ends in a number: after `####`, as in GSM8K, or in a box, as in MATH.
pub(super) fn ends_in_marked_number(text: &str) -> bool {
    text.rsplit_once("####").is_some_and(|(_, after)| number_of(after.trim()).is_some())
        || has_boxed_number(text)
}

static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?is:^\s*(select\b.+\bfrom\b|insert\s+into\b|delete\s+from\b|create\s+(table|view)\b",
        r"|update\s+\S+\s+set\b|with\s+\w+\s+as\s*\())",
        r"|(?m:^\s*(def \w+\(|class \w+[:({]|import \w+;?$|from \S+ import |return \S+;?$|function\b.*\(|fn \w+",
        r"|#include|public |(const|let|var) \w+ ?=|(for|if|while) ?\(.*\) ?\{))",
        // Two lines that end as statements do: a formula may end with a brace.
        r"|(?s:[;{]\s*\n.*[;}]\s*$)"
    ))
    .ok()
});

/// Whether a text looks like a program or a query of a database.
pub(super) fn is_code(text: &str) -> bool {
    CODE.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})",
        r"|\d{1,2}:\d{2}(:\d{2})?",
        r"|(\p{L}{3,9},? )?\d{1,2}\.? \p{L}{3,9}\.?,? \d{4}|\p{L}{3,9}\.? \d{1,2},? \d{4})",
        r"([T ,].{0,20})?$"
    ))
    .ok()
});

/// Whether a text is a date or a time.
pub(super) fn is_date(text: &str) -> bool {
    if text.len() > 40 {
        return false;
    }
    DATE.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Whether a text says that a label applies.
pub(super) fn is_set(text: &str) -> bool {
    ["1", "1.0"].contains(&text) || text.eq_ignore_ascii_case("true")
}

/// Whether a text says that a label applies or does not.
pub(super) fn is_flag(text: &str) -> bool {
    is_set(text) || ["0", "0.0"].contains(&text) || text.eq_ignore_ascii_case("false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_queries_are_told_from_texts() {
        for code in [
            "SELECT count(*) FROM singer WHERE age > 3",
            "select *\nfrom singer",
            "def f(a):\n    return a",
            "    return 0",
            "int f() {\n  return 0;\n}",
            "x = f(3);\ny = x + 1;",
        ] {
            assert!(is_code(code), "{code}");
        }
        for text in [
            "Select the best of them.",
            "Return the parcel to the shop",
            "It is 3 = 2 + 1 in all",
            "With this as a start",
            "update the app",
            "Go to the class: it begins",
            r"\frac{\pi}{4}",
            r"\text{odd}",
            "x^{2}",
            "y = 2x + 1",
            "x = 3",
        ] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn reasoning_may_end_in_a_marked_number() {
        for text in ["2 + 2 = 4\n#### 4", "We add: $1+1=\\boxed{2}$.", "so \\boxed{\\frac{5}{8}}"] {
            assert!(ends_in_marked_number(text), "{text}");
        }
        for text in ["we say \\boxed{\\text{odd}}", "2 + 2 = 4", "####"] {
            assert!(!ends_in_marked_number(text), "{text}");
        }
    }

    #[test]
    fn dates_are_told_from_numbers_and_texts() {
        for date in [
            "2024-01-31",
            "2024-01-31T10:00:00Z",
            "31.01.2024",
            "1/31/24 10:05",
            "10:05",
            "31. Januar 2024",
            "Jan 31, 2024",
            "2024/01/31 10:05:33 +0100",
        ] {
            assert!(is_date(date), "{date}");
        }
        for other in ["2024", "1.5", "10 apples", "1-800-555-1234 call", "v1.2.3", "12.50"] {
            assert!(!is_date(other), "{other}");
        }
    }
}
