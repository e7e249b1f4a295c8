//! What stands above and below the rows of a table that a person made: titles and totals.
//!
//! Only for files that are converted. What is left out is told with its line.

use super::header::{self, is_number};
use crate::text;
use std::collections::HashMap;

/// The most titles above a header.
const MAX_TITLES: usize = 10;
/// The first records, from which titles are told.
const FIRST_RECORDS: usize = 50;
/// The last records, from which totals are told.
const LAST_RECORDS: usize = 5;

/// The names of totals, in lower case and without a colon.
const TOTALS: &[&str] = &[
    "total",
    "totals",
    "grand total",
    "subtotal",
    "sum",
    "average",
    "summe",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "total général",
    "suma",
    "totale",
];

/// The cells of one record, and the line on which it starts.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) line: usize,
    pub(super) cells: Vec<String>,
}

/// What stands around the header and the rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Frame {
    /// The line of the header, if titles stand above it.
    pub(super) header: Option<usize>,
    /// The first row, if it stands where the header belongs.
    pub(super) headless: Option<Headless>,
    /// The line of the first total below the rows.
    pub(super) end: Option<usize>,
    pub(super) notes: Vec<String>,
}

/// A row where the header belongs.
#[derive(Debug, PartialEq)]
pub(super) struct Headless {
    pub(super) line: usize,
    /// Why it is no header.
    pub(super) why: String,
}

impl Frame {
    /// The frame of a table with these records.
    pub(super) fn of<E>(records: impl Iterator<Item = Result<Cells, E>>) -> Result<Self, E> {
        let (mut first, mut last): (Vec<Cells>, Vec<Cells>) = (Vec::new(), Vec::new());
        for record in records {
            let record = record?;
            if first.len() < FIRST_RECORDS {
                first.push(record);
                continue;
            }
            if last.len() == LAST_RECORDS {
                last.remove(0);
            }
            last.push(record);
        }
        let width = usual_width(&first);
        let mut frame = Self::default();
        frame.find_titles(&first, width);
        frame.find_header(&first);
        // The header and one row at least are no totals.
        let rows = first.iter().skip(2).chain(&last).collect::<Vec<_>>();
        frame.find_totals(&rows, width);
        Ok(frame)
    }

    fn find_titles(&mut self, records: &[Cells], width: usize) {
        let is_name = |place: &usize| is_header(records, *place, width);
        let titles = (0..records.len().min(MAX_TITLES + 1))
            .take_while(|place| !is_name(place) && is_title(&records[*place], width))
            .count();
        let header = records.get(titles).filter(|_| is_name(&titles));
        if let Some(header) = header.filter(|_| titles > 0) {
            self.header = Some(header.line);
            for title in &records[..titles] {
                let text = shown(title);
                self.notes.push(format!(
                    "line {} stands above the header and is left out: {text}",
                    title.line
                ));
            }
        }
    }

    fn find_header(&mut self, records: &[Cells]) {
        let header = self.header;
        let mut records = records.iter().skip_while(|it| header.is_some_and(|line| it.line < line));
        let Some(first) = records.next() else { return };
        let below: Vec<&[String]> = records.map(|it| it.cells.as_slice()).collect();
        self.headless =
            header::doubt(&first.cells, &below).map(|why| Headless { line: first.line, why });
    }

    fn find_totals(&mut self, rows: &[&Cells], width: usize) {
        let below = rows
            .iter()
            .rev()
            .take(LAST_RECORDS)
            .take_while(|it| is_total(it) || (it.cells.len() != width && filled(it) == 1));
        let mut below: Vec<&&Cells> = below.collect();
        below.reverse();
        if below.iter().any(|it| is_total(it)) {
            self.end = below.first().map(|it| it.line);
            for total in below {
                let text = shown(total);
                self.notes.push(format!(
                    "line {} stands below the rows, as a total does, and is left out: {text}",
                    total.line
                ));
            }
        }
    }
}

fn shown(record: &Cells) -> String {
    format!("`{}`", text::shorten(&record.cells.join(","), 40))
}

fn filled(record: &Cells) -> usize {
    record.cells.iter().filter(|cell| !cell.trim().is_empty()).count()
}

/// The number of cells that most records have.
fn usual_width(records: &[Cells]) -> usize {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for record in records {
        *counts.entry(record.cells.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// A title has one cell, or two of many, such as a date with its name. In a table of two columns, a
/// name may be missing in the header.
fn is_title(record: &Cells, width: usize) -> bool {
    let most = if width >= 4 { 2 } else { 1 };
    filled(record) <= most && (width >= 3 || width == 2 && record.cells.len() == 1)
}

/// A header has names and no numbers: in nearly all cells, or in all under which something is filled.
fn is_header(records: &[Cells], place: usize, width: usize) -> bool {
    let Some((record, below)) = records.get(place..).and_then(<[Cells]>::split_first) else {
        return false;
    };
    let names: Vec<&str> =
        record.cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    record.cells.len() == width
        && !names.iter().any(|name| is_number(name))
        && (names.len() + 1 >= width || !names.is_empty() && is_above(record, below))
}

/// Whether the filled cells of nearly all other records lie under those of one.
fn is_above(record: &Cells, below: &[Cells]) -> bool {
    let is_named = |place: usize| record.cells.get(place).is_some_and(|it| !it.trim().is_empty());
    let lies_under = |other: &&Cells| {
        let mut cells = other.cells.iter().enumerate();
        cells.all(|(place, cell)| cell.trim().is_empty() || is_named(place))
    };
    let fitting = below.iter().filter(lies_under).count();
    fitting > 0 && fitting * 10 >= below.len() * 8
}

/// A total is named in its first filled cell, has a number, and lacks other cells.
fn is_total(record: &Cells) -> bool {
    let mut cells = record.cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let name = cells.next().unwrap_or_default().trim_end_matches(':').trim().to_lowercase();
    let are_numbers = cells.all(is_number);
    TOTALS.contains(&name.as_str()) && are_numbers && filled(record) < record.cells.len().max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Frame {
        let records =
            text.lines().zip(1..).filter(|(text, _)| !text.is_empty()).map(|(text, line)| {
                Ok::<_, ()>(Cells { line, cells: text.split(',').map(str::to_owned).collect() })
            });
        Frame::of(records).unwrap()
    }

    #[test]
    fn titles_stand_above_a_header() {
        for (text, header) in [
            ("Tickets of May\n\nid,text,label\n1,a,x\n2,b,y", 3),
            ("Tickets of May,,\nid,text,label\n1,a,x\n2,b,y", 2),
            ("Tickets\ntext,label\na,x\nb,y", 2),
            ("Report,,,,\nv1,v2,,,\nham,a,,,\nspam,b,,,\nham,c,,,", 2),
            ("Report,,,\nFrom,2024-01-01,,\nid,text,label,note\n1,a,x,\n2,b,y,", 3),
        ] {
            let found = frame(text);
            assert_eq!(found.header, Some(header), "{text}");
            assert!(found.notes[0].starts_with("line 1 stands above the header"), "{found:?}");
        }
        for none in [
            "id,text,label\n1,a,x\n2,b,y",
            ",text\n0,a\n1,b",
            "text\na\nb",
            ",,text\n1,2,a\n3,4,b",
            "text,label\na,x\n,y",
            "v1,v2,,,\nham,a,,,\nspam,b,,,\nham,c,,,\nspam,d, and,so,\nham,e,,,\nham,f,,,",
            "text,,\na,,\nb,,",
            "",
        ] {
            assert_eq!(frame(none), Frame::default(), "{none}");
        }
    }

    #[test]
    fn totals_stand_below_the_rows() {
        let found = frame("id,text,n\n1,a,5\n2,b,7\n\nTotal,,12\nMade by a desk");
        assert_eq!(found.end, Some(5));
        assert_eq!(found.notes.len(), 2);
        assert!(found.notes[0].starts_with("line 5 ") && found.notes[0].ends_with("`Total,,12`"));
        let many: String = (0..200).map(|n| format!("{n},a,x\n")).collect();
        assert_eq!(frame(&format!("id,text,label\n{many}Summe:,,\n")).end, Some(202));
        for none in [
            "id,text,label\n1,a,x\n2,Total,y",
            "label,text\nother,b\ntotal,What is the sum?",
            "label,text,n\nother,b,1\ntotal,all of it,",
            "id,text,label\n1,a,x\nTotal,,3\n2,b,y",
            "id,text,label\n1,a,x\n2,b,y\nMade by a desk",
        ] {
            assert_eq!(frame(none), Frame::default(), "{none}");
        }
    }
}
