//! Whether the first record of a table is its header, or a row like those below it.
//!
//! A row that is taken for a header would be lost without a word.

use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Above this many characters, a text is no name, if those below it are as long.
const LONG_CHARS: usize = 60;

static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[-+$€£(]?\d[\d.,:/%\- ]*[)%€]?$").ok());

/// Whether a cell is a number, a price, a share.
pub(super) fn is_number(cell: &str) -> bool {
    NUMBER.as_ref().is_some_and(|it| it.is_match(cell))
}

/// Why the first of these records is no header, as a part of a sentence; `None`: it may be one.
pub(super) fn doubt(first: &[String], below: &[&[String]]) -> Option<String> {
    let names: Vec<&str> = first.iter().map(|cell| cell.trim()).collect();
    // Columns that a program numbered.
    let numbers: Vec<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let is_numbering = numbers.len() > 1
        && names.iter().all(|it| it.is_empty() || it.parse::<usize>().is_ok())
        && (numbers[0]..).zip(&numbers).all(|(place, number)| place == *number)
        && numbers[0] < 2;
    if is_numbering {
        return None;
    }
    let mut found = None;
    for (place, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let column: Vec<&str> = below
            .iter()
            // A header may be repeated.
            .filter(|cells| cells.iter().map(|it| it.trim()).ne(names.iter().copied()))
            .filter_map(|cells| Some(cells.get(place)?.trim()).filter(|it| !it.is_empty()))
            .collect();
        match said_by(name, &column) {
            Said::Header => return None,
            Said::Row(why) => found = found.or(Some(why)),
            Said::Nothing => {}
        }
    }
    found
}

/// What a cell of the first record and the cells below it say.
enum Said {
    /// It is a name.
    Header,
    /// It is a value; why.
    Row(String),
    Nothing,
}

fn said_by(name: &str, column: &[&str]) -> Said {
    if column.is_empty() {
        return Said::Nothing;
    }
    let mostly = |count: usize| count * 10 >= column.len() * 9;
    let shown = crate::text::shorten(name, 30);
    let same = column.iter().filter(|it| **it == name).count();
    if same > 0 {
        let times = crate::text::plural(same, "time");
        let rows = crate::text::plural(column.len(), "row");
        return Said::Row(format!("`{shown}` is there again {times} in the first {rows} below it"));
    }
    let numbers = column.iter().filter(|it| is_number(it)).count();
    match (is_number(name), mostly(numbers)) {
        (true, true) => {
            return Said::Row(format!("`{shown}` is a number like those below it"));
        }
        (false, true) => return Said::Header,
        _ => {}
    }
    let chars = |text: &str| text.chars().count();
    let length = chars(name);
    let long = column.iter().filter(|it| chars(it) * 2 >= LONG_CHARS).count();
    if length >= LONG_CHARS && long * 2 >= column.len() {
        return Said::Row(format!("`{shown}` is a long text like those below it"));
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for value in column {
        *counts.entry(value).or_default() += 1;
    }
    // Of a few values that recur, the first record would nearly always have one.
    let is_name = column.len() >= 6 && counts.len() * 3 <= column.len() && counts.len() > 1
        || numbers == 0 && mostly(long) && length * 4 < LONG_CHARS && !name.contains(' ');
    if is_name { Said::Header } else { Said::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubted(text: &str) -> Option<String> {
        let records: Vec<Vec<String>> =
            text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect();
        let below: Vec<&[String]> = records[1..].iter().map(Vec::as_slice).collect();
        doubt(&records[0], &below)
    }

    #[test]
    fn a_row_is_no_header() {
        let long = "It is a very long text that goes on and on about the rain of yesterday";
        for (text, says) in [
            ("ham|Go now\nspam|You won\nham|See you", "`ham` is there again 1 time"),
            ("0|146781|NO_QUERY|a\n0|146782|NO_QUERY|b", "`0` is there again"),
            ("7|Go now|x\n9|You won|y\n12|See you|z", "`7` is a number"),
            ("gj04|1||Our friends\nbc01|0||She left", "`1` is a number"),
            (&*format!("{long}|a\n{long} too|b\n{long}!|c"), "is a long text"),
        ] {
            let doubt = doubted(text).unwrap_or_default();
            assert!(doubt.contains(says), "{text}: {doubt}");
        }
    }

    #[test]
    fn a_header_is_one() {
        let question = "How satisfied are you with the service that our desk gave you in May?";
        for text in [
            "text|label\nGo now|ham\nYou won|spam\nSee you|ham",
            "id|text\n1|a\n2|b",
            "|0|1\n0|a|b\n1|c|d",
            "0|1\nGo now|2\nYou won|3",
            "text|label\na|x\ntext|y",
            "text|label\ntext|label\na|x",
            "q|a\nb|c",
            "|text\n0|a\n1|b",
            "text",
            &*format!("{question}|why\ngood|x y\nbad|y z\ngood|z z"),
        ] {
            // A value that is called as its column is one row of many.
            let expected = (text == "text|label\na|x\ntext|y")
                .then_some("`text` is there again 1 time in the first 2 rows below it");
            assert_eq!(doubted(text).as_deref(), expected, "{text}");
        }
    }
}
