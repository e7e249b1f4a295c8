//! One record of a table: splits it into cells and refuses quotes that could swallow other rows.
//!
//! A record may span lines. It knows nothing of headers or files.

/// How a quote within a quoted cell is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// As two quotes: the rule of CSV.
    Doubled,
    /// With a backslash, as some databases export.
    Backslash,
}

/// A record that is being read, line by line.
#[derive(Debug)]
pub(super) struct Record {
    separator: char,
    escape: Escape,
    cells: Vec<String>,
    cell: String,
    in_quotes: bool,
    /// The line of the quote that opened last.
    opened: usize,
    has_backslash_quote: bool,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line on which the quote opens.
    pub(super) line: usize,
    /// A lower-case sentence without a full stop.
    pub(super) message: String,
    pub(super) help: &'static str,
    /// Whether the record contains `\"`.
    pub(super) has_backslash_quote: bool,
}

impl Fault {
    /// A quoted cell with `\"` in it.
    pub(super) fn backslash(line: usize) -> Self {
        Self {
            line,
            message: "a quote within a cell is written as \\\", which is not CSV".to_owned(),
            help: "write it as \"\"; or let `promptsearch init DIR --from FILE` convert the file",
            has_backslash_quote: true,
        }
    }

    /// A cell that takes in lines which are like rows, from the one where its quote opens to the one where
    /// it closes.
    pub(super) fn swallowed(line: usize, end: usize) -> Self {
        Self {
            line,
            message: format!(
                "a quote opens here and closes on line {end}, and every line between is like a row of its own"
            ),
            help: "close the quote on its line, or write a literal quote twice; if it is one cell, save the file as \
                   JSON Lines",
            has_backslash_quote: false,
        }
    }
}

impl Record {
    pub(super) fn new(separator: char, escape: Escape) -> Self {
        Self {
            separator,
            escape,
            cells: Vec::new(),
            cell: String::new(),
            in_quotes: false,
            opened: 0,
            has_backslash_quote: false,
        }
    }

    /// Reads one line with its end. True: the record is complete.
    pub(super) fn feed(&mut self, line: &str, number: usize) -> Result<bool, Fault> {
        let body = without_end(line);
        let end = &line[body.len()..];
        let mut rest = body;
        loop {
            if self.in_quotes {
                match self.close(rest, number)? {
                    // The cell goes on, on the next line.
                    None => {
                        self.cell.push_str(end);
                        return Ok(false);
                    }
                    Some(after) => rest = after,
                }
            } else if let Some(quoted) = rest.strip_prefix('"') {
                (self.in_quotes, self.opened) = (true, number);
                rest = quoted;
                continue;
            } else {
                let bare = rest.split(self.separator).next().unwrap_or_default();
                if bare.trim_start_matches(' ').starts_with('"') {
                    return Err(self.fault(
                        number,
                        format!("a space stands before the quote of cell {}", self.cells.len() + 1),
                        "remove the space, so that the quotes enclose the cell",
                    ));
                }
                self.cell.push_str(bare);
                rest = &rest[bare.len()..];
            }
            self.cells.push(std::mem::take(&mut self.cell));
            match rest.strip_prefix(self.separator) {
                Some(next) => rest = next,
                None => return Ok(true),
            }
        }
    }

    /// Reads a quoted cell up to its end; what follows starts with a separator or is empty.
    fn close<'a>(&mut self, mut rest: &'a str, number: usize) -> Result<Option<&'a str>, Fault> {
        while let Some(at) = rest.find('"') {
            let before = &rest[..at];
            self.cell.push_str(before);
            rest = &rest[at + 1..];
            let backslashes = before.len() - before.trim_end_matches('\\').len();
            self.has_backslash_quote |= backslashes > 0;
            if self.escape == Escape::Backslash && backslashes > 0 {
                self.cell.pop();
                if backslashes % 2 == 1 {
                    self.cell.push('"');
                    continue;
                }
            }
            if let Some(after) = rest.strip_prefix('"') {
                self.cell.push('"');
                rest = after;
                continue;
            }
            // Spaces between the closing quote and the separator belong to no cell.
            let after = rest.trim_start_matches(' ');
            if after.is_empty() || after.starts_with(self.separator) {
                self.in_quotes = false;
                return Ok(Some(after));
            }
            return Err(self.unclosed(Some((number, after))));
        }
        self.cell.push_str(rest);
        Ok(None)
    }

    /// The error of a quote that is not closed where its cell ends; `None`: nor anywhere.
    fn unclosed(&self, text_after: Option<(usize, &str)>) -> Fault {
        if self.has_backslash_quote {
            return Fault::backslash(self.opened);
        }
        let cell = self.cells.len() + 1;
        let message = match text_after {
            None => format!("the quote that opens cell {cell} is not closed"),
            Some((line, text)) => format!(
                "the quote that opens cell {cell} is not closed where the cell ends; on line \
                 {line}, `{}` follows the closing quote",
                crate::text::shorten(text, 20)
            ),
        };
        self.fault(self.opened, message, "close the quote; inside a cell, write a quote as \"\"")
    }

    fn fault(&self, line: usize, message: String, help: &'static str) -> Fault {
        Fault { line, message, help, has_backslash_quote: self.has_backslash_quote }
    }

    /// The cells. `complete`: the last line completed the record.
    pub(super) fn finish(self, complete: bool) -> Result<Vec<String>, Fault> {
        match complete {
            true => Ok(self.cells),
            false => Err(self.unclosed(None)),
        }
    }
}

/// The line without its end.
pub(super) fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// The cells of one line of a TSV file as most programs write it: quotes are literal, unless a cell
/// begins and ends with one and all quotes inside are doubled.
pub(super) fn literal_cells(line: &str, separator: char) -> Vec<String> {
    without_end(line)
        .split(separator)
        .map(|cell| unquoted(cell).unwrap_or_else(|| cell.to_owned()))
        .collect()
}

/// The text of a cell in quotes, within which each quote has a backslash; `None` where there is none.
pub(super) fn without_backslashes(cell: &str) -> Option<String> {
    let inner = cell.strip_prefix('"')?.strip_suffix('"')?;
    let bare = inner.replace("\\\"", "");
    (bare.len() < inner.len() && !bare.contains('"') && !bare.ends_with('\\'))
        .then(|| inner.replace("\\\"", "\"").replace("\\\\", "\\"))
}

fn unquoted(cell: &str) -> Option<String> {
    let inner = cell.strip_prefix('"')?.strip_suffix('"')?;
    let bare = inner.replace("\"\"", "");
    (!bare.contains('"')).then(|| inner.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(text: &str, escape: Escape) -> Result<Vec<String>, Fault> {
        let mut record = Record::new(',', escape);
        let mut complete = false;
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            assert!(!complete, "the record ends before {line:?}");
            complete = record.feed(line, number)?;
        }
        record.finish(complete)
    }

    #[test]
    fn cells_are_taken_as_they_stand() {
        for (text, expected) in [
            ("a,b", vec!["a", "b"]),
            ("\"a, b\",\"c \"\"d\"\"\"\r\n", vec!["a, b", "c \"d\""]),
            (",,", vec!["", "", ""]),
            ("\"\",x", vec!["", "x"]),
            ("5\" pipe,a \"b\" c", vec!["5\" pipe", "a \"b\" c"]),
            ("\"two\r\nlines\" ,x\n", vec!["two\r\nlines", "x"]),
            ("\"C:\\dir\",x", vec!["C:\\dir", "x"]),
        ] {
            assert_eq!(cells(text, Escape::Doubled).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_quote_that_could_swallow_rows_is_an_error_where_it_opens() {
        for (text, line, says) in [
            ("x,\"open,yes\ny,\"shut\",no\n", 1, "on line 2, `shut\",no` follows"),
            ("x,\"a\"b,c\n", 1, "`b,c` follows"),
            ("x,\"open\nmore\n", 1, "is not closed"),
            ("x,\"fine\n\",\"open\n", 2, "cell 3 is not closed"),
            ("x, \"a, b\"\n", 1, "a space stands before the quote"),
        ] {
            let fault = cells(text, Escape::Doubled).unwrap_err();
            assert_eq!(fault.line, line, "{text}");
            assert!(fault.message.contains(says), "{text}: {fault:?}");
        }
    }

    #[test]
    fn backslashes_before_quotes_are_named_and_can_be_read() {
        let text = "\"say \\\"hi\\\", then\",C:\\n,\"end\\\\\"\n";
        let fault = cells(text, Escape::Doubled).unwrap_err();
        assert!(fault.has_backslash_quote && fault.message.contains("\\\""), "{fault:?}");
        let read = cells(text, Escape::Backslash).unwrap();
        assert_eq!(read, ["say \"hi\", then", "C:\\n", "end\\"]);
    }

    #[test]
    fn quotes_in_tab_separated_lines_are_literal_unless_they_enclose_a_cell() {
        let line = "\"Yes\" and \"no\"\t\"a \"\"b\"\"\"\t\"open\t\"\t\"\"\n";
        let read = literal_cells(line, '\t');
        assert_eq!(read, ["\"Yes\" and \"no\"", "a \"b\"", "\"open", "\"", ""]);
    }

    fn quoted(cell: &str) -> String {
        format!("\"{}\"", cell.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn quoted_cells_come_back_as_they_were(row in prop::collection::vec("[a\",\\\\ \né]{0,8}", 1..5)) {
            let text: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            prop_assert_eq!(cells(&text.join(","), Escape::Doubled).unwrap(), row);
        }

        #[test]
        fn bare_cells_come_back_as_they_were(row in prop::collection::vec("[ab\\\\ é'][ab\"\\\\ é']{0,6}", 1..5)) {
            prop_assume!(row.iter().all(|cell| !cell.trim_start().starts_with('"')));
            prop_assert_eq!(cells(&row.join(","), Escape::Doubled).unwrap(), row);
        }
    }
}
