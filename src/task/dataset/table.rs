//! The rows of CSV and TSV files, one at a time.
//!
//! Cells are texts. How a record is split is `record`'s.

use super::frame::{Cells, Frame, Headless};
use super::lines::{Lines, Quirks, check_mark};
use super::record::{Escape, Fault, Record, literal_cells, without_backslashes, without_end};
use super::row::{Row, column_name};
use crate::source::SourceError;
use crate::text;
use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

/// The lines from which the separator is guessed.
const PROBED_LINES: usize = 50;

/// The separators of tables, the most usual first.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// The most lines of a cell of a TSV file whose quote may be literal.
const MAX_CELL_LINES: usize = 500;

/// A reader of the rows of a table.
pub(super) struct Table {
    path: PathBuf,
    lines: Lines,
    /// Lines that were read ahead.
    ahead: VecDeque<(usize, String)>,
    separator: char,
    escape: Escape,
    names: Vec<String>,
    /// The line of the first total below the rows.
    end: Option<usize>,
    /// What was not as it should be, and is read all the same.
    pub(super) notes: Vec<String>,
}

impl Table {
    /// Opens a table and reads its header; `usual` is the separator that its name promises.
    pub(super) fn open(path: &Path, usual: char, quirks: Quirks) -> Result<Self, SourceError> {
        let separator = separator_of(path, usual, quirks)?;
        let escape = match quirks {
            Quirks::Refuse => Escape::Doubled,
            Quirks::Convert => escape_of(path, separator)?,
        };
        let lines = Lines::open(path, quirks)?;
        let mut notes = Vec::new();
        if lines.was_utf16 {
            notes.push("the file is UTF-16; its rows are written as UTF-8".to_owned());
        }
        if escape == Escape::Backslash {
            notes.push(
                "quotes within cells are written as \\\"; they are read as quotes".to_owned(),
            );
        }
        if let Some(line) = markdown_line(path, quirks)? {
            return Err(SourceError::new(path, "this is a table of Markdown, not of CSV")
                .at_line(line)
                .help("write a separator between two cells only, and remove the line of dashes"));
        }
        let mut table = Self::headless(path, lines, separator, escape);
        let frame = match quirks {
            Quirks::Refuse => Frame::default(),
            Quirks::Convert => {
                let mut all = Self::headless(path, Lines::open(path, quirks)?, separator, escape);
                // A mistake is reported where its row is read.
                Frame::of(std::iter::from_fn(|| all.next_record().transpose())).unwrap_or_default()
            }
        };
        if let Some(Headless { line, why }) = frame.headless {
            let message = format!("the first row looks like data, not like a header: {why}");
            return Err(SourceError::new(path, message).at_line(line).help(
                "write the names of the columns above it, such as `text,label`; if it is a header, give its columns names that are no values",
            ));
        }
        notes.extend(frame.notes);
        (table.notes, table.end) = (notes, frame.end);
        while let Some(header) = table.next_record()? {
            if frame.header.is_none_or(|line| line == header.line) {
                table.name_columns(header.line, header.cells, quirks)?;
                break;
            }
        }
        Ok(table)
    }

    /// The records of a table, before its header is read.
    fn headless(path: &Path, lines: Lines, separator: char, escape: Escape) -> Self {
        Self {
            path: path.to_owned(),
            lines,
            ahead: VecDeque::new(),
            separator,
            escape,
            names: Vec::new(),
            end: None,
            notes: Vec::new(),
        }
    }

    fn name_columns(
        &mut self,
        line: usize,
        header: Vec<String>,
        quirks: Quirks,
    ) -> Result<(), SourceError> {
        let header: Vec<String> =
            header.iter().map(|it| column_name(it.trim()).into_owned()).collect();
        let mut taken: HashSet<String> = header.iter().cloned().collect();
        let mut seen: HashSet<String> = HashSet::new();
        let mut free_name = |name: &str| {
            let name = text::free_name(name, |it| taken.contains(it));
            taken.insert(name.clone());
            name
        };
        for (place, name) in header.iter().enumerate() {
            let name = match name.as_str() {
                // A table that was saved with row numbers has no name for their column.
                "" => free_name(&format!("column_{}", place + 1)),
                name => name.to_owned(),
            };
            if seen.insert(name.clone()) {
                self.names.push(name);
            } else if quirks == Quirks::Convert {
                let other = free_name(&name);
                self.notes.push(format!("two columns are called `{name}`; one becomes `{other}`"));
                self.names.push(other);
            } else {
                let message = format!("two columns are called `{name}`");
                return Err(SourceError::new(&self.path, message)
                    .at_line(line)
                    .help("rename one of them"));
            }
        }
        Ok(())
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        let Some(Cells { line, cells }) = self.next_record()? else { return Ok(None) };
        if self.end.is_some_and(|end| line >= end) {
            return Ok(None);
        }
        if cells.len() != self.names.len() {
            let message = format!(
                "this row has {}, but the header has {}",
                text::plural(cells.len(), "cell"),
                self.names.len()
            );
            let help = match self.separator {
                _ if self.names.len() == 1 => {
                    "if a title stands above the header, remove it; `promptsearch init DIR --from FILE` leaves it out"
                }
                '\t' => {
                    "a row needs one tab between two cells; quote cells that contain a tab or a line break"
                }
                _ => "quote cells that contain the separator or a line break: \"a, b\"",
            };
            return Err(SourceError::new(&self.path, message).at_line(line).help(help));
        }
        let cells = cells.into_iter().map(serde_json::Value::String);
        Ok(Some(Row {
            line,
            values: self.names.iter().cloned().zip(cells).collect(),
            numbers: Vec::new(),
        }))
    }

    /// The next line that was not read ahead, or else the next line of the file.
    fn next_line(&mut self) -> Result<Option<(usize, String)>, SourceError> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        Ok(self.lines.next_line()?.map(|(number, line)| (number, line.to_owned())))
    }

    /// The next record.
    fn next_record(&mut self) -> Result<Option<Cells>, SourceError> {
        let (start, line) = loop {
            let Some((number, line)) = self.next_line()? else { return Ok(None) };
            let is_setting = number == 1 && separator_line(&line).is_some();
            if !is_setting && !is_blank(&line, self.separator) {
                check_mark(&self.path, number, &line)?;
                break (number, line);
            }
        };
        let cells = match self.separator {
            '\t' => self.tabbed_record(start, line)?,
            _ => self.quoted_record(start, line)?,
        };
        let cells = cells.map_err(|fault| {
            SourceError::new(&self.path, fault.message).at_line(fault.line).help(fault.help)
        })?;
        Ok(Some(Cells { line: start, cells }))
    }

    /// A record whose quotes enclose cells.
    fn quoted_record(
        &mut self,
        start: usize,
        line: String,
    ) -> Result<Result<Vec<String>, Fault>, SourceError> {
        let mut record = Record::new(self.separator, self.escape);
        // Where the last cell opens, it may well hold a table of as many columns.
        let is_last =
            without_end(&line).rsplit(self.separator).next().is_some_and(|it| it.starts_with('"'));
        let (mut next, mut lines, mut are_rows) = (Some((start, line)), 0, !is_last);
        while let Some((number, line)) = next {
            lines += 1;
            are_rows &= self.is_row(&line);
            match record.feed(&line, number) {
                Ok(false) => next = self.next_line()?,
                // A line of prose hardly has as many commas as the header, and none before a space.
                Ok(true) if are_rows && lines > 2 && lines + self.names.len() > 5 => {
                    return Ok(Err(Fault::swallowed(start, number)));
                }
                Ok(true) => return Ok(record.finish(true)),
                Err(fault) => return Ok(Err(fault)),
            }
        }
        Ok(record.finish(false))
    }

    /// Whether a line is like a row of its own, with its quotes as literal text.
    fn is_row(&self, line: &str) -> bool {
        let mut cells = without_end(line).split(self.separator);
        let width = self.names.len();
        let first = usize::from(cells.next().is_some());
        width > 1 && cells.clone().all(|it| !it.starts_with(' ')) && first + cells.count() == width
    }

    /// A record of a TSV file: one line in which quotes are literal, unless they enclose a cell over
    /// lines that are no rows of their own.
    fn tabbed_record(
        &mut self,
        start: usize,
        line: String,
    ) -> Result<Result<Vec<String>, Fault>, SourceError> {
        let mut literal = literal_cells(&line, self.separator);
        for cell in &mut literal {
            match without_backslashes(cell) {
                Some(text) if self.escape == Escape::Backslash => *cell = text,
                Some(_) => return Ok(Err(Fault::backslash(start))),
                None => {}
            }
        }
        let width = if self.names.is_empty() { literal.len() } else { self.names.len() };
        if literal.len() == width && !has_open_quote(&literal) {
            return Ok(Ok(literal));
        }
        let mut record = Record::new(self.separator, Escape::Doubled);
        let mut complete = record.feed(&line, start);
        // One of the lines in which a cell begins and ends may look like a row, those between them may
        // not: two rows with a stray quote each would become one.
        let (mut read, first_is_row) = (Vec::new(), literal.len() == width);
        let (mut last_is_row, mut encloses_rows) = (false, false);
        while complete == Ok(false) && !encloses_rows && read.len() < MAX_CELL_LINES {
            let Some((number, line)) = self.next_line()? else { break };
            complete = record.feed(&line, number);
            encloses_rows = last_is_row;
            last_is_row = literal_cells(&line, self.separator).len() == width;
            read.push((number, line));
        }
        if complete == Ok(true)
            && !(first_is_row && last_is_row)
            && !encloses_rows
            && let Ok(cells) = record.finish(true)
            && cells.len() == width
        {
            return Ok(Ok(cells));
        }
        for line in read.into_iter().rev() {
            self.ahead.push_front(line);
        }
        Ok(Ok(literal))
    }
}

/// Whether a cell begins with a quote that it does not end with.
fn has_open_quote(cells: &[String]) -> bool {
    cells.iter().any(|cell| cell.starts_with('"'))
}

fn is_blank(line: &str, separator: char) -> bool {
    let body = without_end(line);
    body.trim().is_empty() && !body.contains(separator)
}

/// The line of dashes below the header of a table of Markdown: `|---|:--|`.
fn markdown_line(path: &Path, quirks: Quirks) -> Result<Option<usize>, SourceError> {
    let mut lines = Lines::open(path, quirks)?;
    let mut has_header = false;
    while let Some((number, line)) = lines.next_line()? {
        let body = line.trim();
        let is_rule =
            body.contains("--") && body.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '));
        match (has_header, body.is_empty()) {
            (_, true) => {}
            (true, false) => return Ok(Some(number).filter(|_| is_rule && body.contains('|'))),
            (false, false) if body.contains('|') => has_header = true,
            (false, false) => break,
        }
    }
    Ok(None)
}

/// The separator that Excel's first line `sep=;` names.
fn separator_line(line: &str) -> Option<char> {
    let body = without_end(line).trim_matches('"');
    let mut rest = body.get(..4)?.eq_ignore_ascii_case("sep=").then(|| body[4..].chars())?;
    let separator = rest.next().filter(|it| !it.is_alphanumeric() && *it != '"')?;
    rest.next().is_none().then_some(separator)
}

/// The separator: what the file says, else the one with which most of the first records have as many
/// cells as the header, and at least two. In many European locales it is `;` in CSV files.
fn separator_of(path: &Path, usual: char, quirks: Quirks) -> Result<char, SourceError> {
    let mut lines = Lines::open(path, quirks)?;
    let mut head: Vec<String> = Vec::new();
    while let Some((number, line)) = lines.next_line()? {
        if number == 1
            && let Some(separator) = separator_line(line)
        {
            return Ok(separator);
        }
        if !without_end(line).trim().is_empty() {
            head.push(line.to_owned());
        }
        if head.len() == PROBED_LINES {
            break;
        }
    }
    let separators = || std::iter::once(usual).chain(SEPARATORS);
    let mut best = (0, 0, usual);
    // In a file that is called CSV, quotes that begin a line enclose cells.
    let is_quoted = usual != '\t' && head.iter().any(|line| line.starts_with('"'));
    for separator in separators() {
        let counts = cell_counts(&head, separator, !is_quoted);
        let width = counts.first().copied().unwrap_or_default();
        let fitting = counts.iter().filter(|count| **count == width).count();
        if width >= 2 && (fitting, width) > (best.0, best.1) {
            best = (fitting, width, separator);
        }
    }
    // Under a title, all other records have as many cells as the header.
    if best.0 == 0 && quirks == Quirks::Convert {
        let titled = separators().find(|separator| {
            let counts = cell_counts(&head, *separator, !is_quoted);
            let mut below = counts.iter().skip_while(|count| **count == 1);
            let width = below.next().copied().unwrap_or_default();
            let below: Vec<usize> = below.copied().collect();
            let fitting = below.iter().filter(|count| **count == width).count();
            // Below the rows, totals and notes may stand.
            width >= 3 && fitting > 0 && fitting * 4 >= below.len() * 3
        });
        return Ok(titled.unwrap_or(best.2));
    }
    Ok(best.2)
}

/// The number of cells of each record, up to one that cannot be read. `is_literal`: quotes between tabs
/// are literal.
fn cell_counts(head: &[String], separator: char, is_literal: bool) -> Vec<usize> {
    let mut counts = Vec::new();
    let mut record = Record::new(separator, Escape::Doubled);
    for line in head {
        if separator == '\t' && is_literal {
            counts.push(literal_cells(line, separator).len());
            continue;
        }
        match record.feed(line, 0) {
            Ok(false) => {}
            Ok(true) => {
                let whole = std::mem::replace(&mut record, Record::new(separator, Escape::Doubled));
                counts.extend(whole.finish(true).map(|cells| cells.len()));
            }
            Err(_) => break,
        }
    }
    counts
}

/// How quotes are escaped: with backslashes only if the whole file can be read that way and no other.
fn escape_of(path: &Path, separator: char) -> Result<Escape, SourceError> {
    if separator == '\t' {
        let mut lines = Lines::open(path, Quirks::Convert)?;
        while let Some((_, line)) = lines.next_line()? {
            if literal_cells(line, separator).iter().any(|cell| without_backslashes(cell).is_some())
            {
                return Ok(Escape::Backslash);
            }
        }
        return Ok(Escape::Doubled);
    }
    let first_fault = |escape| -> Result<Option<Fault>, SourceError> {
        let mut lines = Lines::open(path, Quirks::Convert)?;
        let (mut record, mut is_open) = (Record::new(separator, escape), false);
        while let Some((number, line)) = lines.next_line()? {
            match record.feed(line, number) {
                Ok(complete) => is_open = !complete,
                Err(fault) => return Ok(Some(fault)),
            }
            if !is_open {
                record = Record::new(separator, escape);
            }
        }
        Ok(if is_open { record.finish(false).err() } else { None })
    };
    let is_escaped = first_fault(Escape::Doubled)?.is_some_and(|it| it.has_backslash_quote)
        && first_fault(Escape::Backslash)?.is_none();
    Ok(if is_escaped { Escape::Backslash } else { Escape::Doubled })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(
        name: &str,
        text: &str,
        quirks: Quirks,
    ) -> Result<(Vec<Row>, Vec<String>), SourceError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let usual = if name.ends_with("tsv") { '\t' } else { ',' };
        let mut table = Table::open(&path, usual, quirks)?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            rows.push(row);
        }
        Ok((rows, table.notes))
    }

    fn cells(name: &str, text: &str) -> Vec<Vec<String>> {
        let rows = read(name, text, Quirks::Refuse).unwrap().0;
        let texts =
            |row: &Row| row.values.values().map(|it| it.as_str().unwrap().to_owned()).collect();
        rows.iter().map(texts).collect()
    }

    #[test]
    fn quotes_with_backslashes_are_named_and_converted_between_tabs_too() {
        let text = "q\ta\n\"a \\\"b\\\" c\"\tyes\nx\\\"y\tno\n";
        let error = read("a.tsv", text, Quirks::Refuse).unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(error.message.contains("a quote within a cell is written as"), "{error}");
        let (rows, notes) = read("a.tsv", text, Quirks::Convert).unwrap();
        assert_eq!(rows[0].values["q"], "a \"b\" c");
        assert_eq!(rows[1].values["q"], "x\\\"y");
        assert!(notes[0].contains("they are read as quotes"), "{notes:?}");
    }

    #[test]
    fn a_quote_that_closes_rows_later_is_an_error_where_it_opens() {
        for (text, line) in [
            ("id,q,a\n1,\"x,yes\n2,b,no\n3,c\",no\n4,d,yes\n", 2),
            ("q,a\nz,no\n\"x,yes\nb,no\nc,yes\nd\",no\n", 3),
        ] {
            let error = read("a.csv", text, Quirks::Refuse).unwrap_err();
            assert_eq!(error.line, Some(line), "{error}");
            assert!(error.message.contains("a quote opens here and closes on line"), "{error}");
            assert_eq!(read("a.csv", text, Quirks::Convert).unwrap_err().line, Some(line));
        }
        for text in [
            // Prose, and a table within a cell.
            "id,q,a\n1,\"Dear Ann, hi\nI, you, they\nbye, Bob\",no\n",
            "id,q,a\n1,\"a,b,c\n1,2,3\n4,5,6\",no\n",
            "q,a\nno,\"Dear Ann,\nThanks,\nBob\"\n",
            "q,a\nno,\"Rows:\nname,age\nAnn,3\nBob,4\"\n",
            "q,a\n\"name,age\nAnn,3\nBob,4\nEve,5\",no\n",
        ] {
            assert_eq!(cells("a.csv", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn the_separator_is_found() {
        for text in [
            "q;a\nx, y;1\n",
            "q\ta\nx, y\t1\n",
            "q|a\nx, y|1\n",
            "sep=;\nq;a\nx, y;1\n",
            "\"sep=|\"\r\nq|a\r\nx, y|1\r\n",
            "q,a\n\"x, y\",1\n",
            "Preis, netto;Frage\nx, y;1\nz;2\n",
        ] {
            let rows = cells("a.csv", text);
            assert_eq!(rows[0], ["x, y", "1"], "{text}");
        }
        assert_eq!(cells("a.csv", "text\na; b\nc\n"), [["a; b"], ["c"]]);
        // A letter separates nothing: this is a header.
        assert_eq!(cells("a.csv", "sep=I,a\nbIc,1\n"), [["bIc", "1"]]);
        assert_eq!(cells("a.csv", "sep=I\nbIc\n"), [["bIc"]]);
        // Quotes that begin a line of CSV enclose the tabs of a cell.
        assert_eq!(cells("a.csv", "\"q\tx\",a\n\"b\tc\",1\n"), [["b\tc", "1"]]);
        assert_eq!(cells("a.tsv", "q\ta\nx,y;z\t1\n"), [["x,y;z", "1"]]);
    }

    #[test]
    fn titles_and_totals_are_left_out_of_a_converted_table_and_told() {
        let text = "Tickets of May\n\nid;text;label\n1;a, b;x\n2;c;y\nTotal;;2\nAs of 1.6.\n";
        let (rows, notes) = read("a.csv", text, Quirks::Convert).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(rows[0].values["text"], json!("a, b"));
        assert_eq!(notes.len(), 3);
        assert!(notes[0].contains("line 1") && notes[0].contains("`Tickets of May`"), "{notes:?}");
        assert!(notes[1].contains("line 6") && notes[1].contains("`Total,,2`"), "{notes:?}");
        let text = text.replace(';', "\t");
        assert_eq!(read("a.tsv", &text, Quirks::Convert).unwrap().0.len(), 2);
        let refused = read("a.tsv", &text, Quirks::Refuse).unwrap_err();
        assert!(refused.help.unwrap().contains("title"));
        // A column of texts with semicolons has no title.
        let texts = "text\na; b\nc; d\n";
        assert_eq!(read("a.csv", texts, Quirks::Convert).unwrap().0.len(), 2);
    }

    #[test]
    fn rows_keep_their_lines_over_blank_lines_and_line_breaks() {
        let rows =
            read("a.csv", "q,a\r\n\r\n\"x\r\ny\",1\r\n  \r\nz,2\r\n", Quirks::Refuse).unwrap().0;
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 6]);
        assert_eq!(rows[0].values["q"], json!("x\r\ny"));
        // A row of empty cells is a row.
        assert_eq!(cells("a.tsv", "q\ta\n\t\nx\t1\n"), [["", ""], ["x", "1"]]);
    }

    #[test]
    fn tabs_separate_whatever_the_quotes_say() {
        let text = "q\ta\n\"Hi\" she said\tyes\n\"open\tno\n6\" pipe\t\"\"\"x\"\"\"\n";
        let expected = [["\"Hi\" she said", "yes"], ["\"open", "no"], ["6\" pipe", "\"x\""]];
        assert_eq!(cells("a.tsv", text), expected);
        // What a spreadsheet writes: only cells with a tab or a line break are in quotes.
        let rows = [["x\n\ny\tz", "yes"], ["b", "no"]];
        assert_eq!(cells("a.tsv", "q\ta\n\"x\n\ny\tz\"\tyes\nb\tno\n"), rows);
        let rows = [["b", "one\ntwo"], ["c", "no"]];
        assert_eq!(cells("a.tsv", "q\ta\nb\t\"one\ntwo\"\nc\tno\n"), rows);
        // Lines that are rows stay rows.
        let rows = [["\"b", "one"], ["d", "yes"], ["6\"", "no"]];
        assert_eq!(cells("a.tsv", "q\ta\n\"b\tone\nd\tyes\n\n6\"\tno\n"), rows);
        let rows = [["\"b", "one"], ["c\"", "no"]];
        assert_eq!(cells("a.tsv", "q\ta\n\"b\tone\nc\"\tno\n"), rows);
        let error = read("a.tsv", "q\ta\n\"x\nb\tno\n", Quirks::Refuse).unwrap_err();
        assert_eq!((error.line, error.message.contains("has 1 cell")), (Some(2), true));
        // What stands between two rows does not make them one.
        for between in ["", "\n", "  \n\n", "\r\n"] {
            let text = format!("q\ta\nb\t\"one\n{between}c\"\tno\nd\tyes\n");
            let rows = [["b", "\"one"], ["c\"", "no"], ["d", "yes"]];
            assert_eq!(cells("a.tsv", &text), rows, "{between:?}");
        }
        let short = "q\ta\n\"b\tone\nshort\nc\tno\"\n";
        let error = read("a.tsv", short, Quirks::Refuse).unwrap_err();
        assert_eq!((error.line, error.message.contains("has 1 cell")), (Some(3), true));
    }

    #[test]
    fn what_is_no_table_is_named() {
        for quirks in [Quirks::Refuse, Quirks::Convert] {
            for (text, line, says) in [
                ("| q | a |\n|---|:--|\n| x | 1 |\n", 2, "Markdown"),
                ("q | a\n--- | ---\nx | 1\n", 2, "Markdown"),
                ("q,a\nx,1\n\u{feff}q,a\ny,2\n", 3, "byte order mark"),
            ] {
                let error = read("a.csv", text, quirks).unwrap_err();
                assert_eq!(
                    (error.line, error.message.contains(says)),
                    (Some(line), true),
                    "{error}"
                );
            }
        }
        // Within a cell it is a character.
        assert_eq!(cells("a.csv", "q,a\n\"x\n\u{feff}y\",1\n"), [["x\n\u{feff}y", "1"]]);
    }

    #[test]
    fn a_conversion_accepts_what_reading_refuses() {
        let twice = "Note,Note,,Note_2\na,b,c,d\n";
        assert!(read("a.csv", twice, Quirks::Refuse).unwrap_err().message.contains("two columns"));
        let (rows, notes) = read("a.csv", twice, Quirks::Convert).unwrap();
        let names: Vec<&String> = rows[0].values.keys().collect();
        assert_eq!(names, ["Note", "Note_3", "column_3", "Note_2"]);
        assert!(notes[0].contains("`Note_3`"), "{notes:?}");

        let slashed = "q,a\n\"say \\\"hi\\\", then\",1\n\"b\",2\n";
        let error = read("a.csv", slashed, Quirks::Refuse).unwrap_err();
        assert_eq!((error.line, error.message.contains("\\\"")), (Some(2), true), "{error}");
        let (rows, notes) = read("a.csv", slashed, Quirks::Convert).unwrap();
        assert_eq!((rows.len(), &rows[0].values["q"]), (2, &json!("say \"hi\", then")));
        assert_eq!(notes.len(), 1);
        let path = "q,a\n\"C:\\dir\\\",1\n\"b\",2\n";
        let (rows, _) = read("a.csv", path, Quirks::Convert).unwrap();
        assert_eq!(rows[0].values["q"], json!("C:\\dir\\"));
    }
}
