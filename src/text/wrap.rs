//! Texts in lines of at most this many columns.

/// The approximate number of terminal columns that a text takes.
#[must_use]
pub fn columns_of(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Two for East Asian wide characters and emoji, zero for combining marks.
fn width_of(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200c..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A text in at most this many columns, with an ellipsis where its end is left out.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if columns_of(text) <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += width_of(*character);
        used <= columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Breaks tagged text into lines of at most `width` columns: at its own line ends, else after a
/// word, else inside a word.
#[must_use]
pub fn wrapped<T: Copy + PartialEq>(
    pieces: &[(T, impl AsRef<str>)],
    width: usize,
) -> Vec<Vec<(T, String)>> {
    let mut lines = Vec::new();
    let mut line: Vec<(T, char)> = Vec::new();
    let mut used = 0;
    let characters =
        pieces.iter().flat_map(|(tag, text)| text.as_ref().chars().map(move |c| (*tag, c)));
    for (tag, character) in characters {
        if character == '\n' {
            lines.push(joined(std::mem::take(&mut line)));
            used = 0;
            continue;
        }
        if used + width_of(character) > width {
            if character == ' ' {
                // Drop the space at which a full line is broken.
                lines.push(joined(std::mem::take(&mut line)));
                used = 0;
                continue;
            }
            let break_after =
                line.iter().rposition(|(_, c)| *c == ' ').map_or(line.len(), |at| at + 1);
            let rest = line.split_off(break_after);
            lines.push(joined(std::mem::replace(&mut line, rest)));
            used = line.iter().map(|(_, c)| width_of(*c)).sum();
        }
        used += width_of(character);
        line.push((tag, character));
    }
    if !line.is_empty() {
        lines.push(joined(line));
    }
    lines
}

fn joined<T: PartialEq>(characters: Vec<(T, char)>) -> Vec<(T, String)> {
    let mut line: Vec<(T, String)> = Vec::new();
    for (tag, character) in characters {
        match line.last_mut() {
            Some((last, text)) if *last == tag => text.push(character),
            _ => line.push((tag, character.to_string())),
        }
    }
    line
}

/// The same of a plain text, without blanks at the ends of lines.
#[must_use]
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let broken = wrapped(&[((), text)], width).into_iter();
    let plain = broken.map(|line| line.into_iter().map(|(_, text)| text).collect::<String>());
    plain.map(|line| line.trim_end().to_owned()).collect()
}

/// A page whose longer lines are broken at `width` columns, indented two columns more than they begin. Lines that are to be
/// copied (a command of this program stands near their beginning) or are coloured stay whole.
#[must_use]
pub fn fitted(page: &str, width: usize) -> String {
    let mut out = String::with_capacity(page.len());
    for line in page.split_inclusive('\n') {
        let text = line.trim_end_matches('\n');
        let start = text.len() - text.trim_start_matches(' ').len();
        let is_command = text.find("promptsearch ").is_some_and(|at| at <= start + LABEL);
        let is_whole = is_command || text.contains('\u{1b}');
        if is_whole || columns_of(text) <= width || start + 2 + NARROWEST > width {
            out.push_str(line);
            continue;
        }
        let mut rows = lines(text, width).into_iter();
        let first = rows.next().unwrap_or_default();
        let rest = text.strip_prefix(first.as_str()).unwrap_or_default().trim_start();
        out.push_str(&first);
        for row in lines(rest, width - start - 2) {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', start + 2));
            out.push_str(&row);
        }
        if line.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// The most bytes of the label in front of a command that is to be copied.
const LABEL: usize = 24;

/// Fewer columns than this are no room for a broken line.
const NARROWEST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_takes_no_more_columns_than_it_may() {
        assert_eq!((cut("abcd", 4), cut("abcde", 4)), ("abcd".to_owned(), "abc…".to_owned()));
        assert_eq!((cut("漢字漢", 6), cut("漢字漢", 5)), ("漢字漢".to_owned(), "漢字…".to_owned()));
        assert_eq!(cut("漢字漢", 4), "漢…");
    }

    #[test]
    fn a_page_fits_and_says_the_same_words() {
        let page =
            "  task     12   a very long sentence about the role of the task model\n\nshort\n";
        assert_eq!(
            fitted(page, 40),
            "  task     12   a very long sentence\n    about the role of the task model\n\nshort\n"
        );
        let command = "  try: promptsearch resume a-name-that-is-long --max-calls 1000\n";
        assert_eq!(fitted(command, 30), command, "a command is copied whole");
        let prose = "  takes a minute at a latency that `promptsearch doctor` measures";
        assert_eq!(fitted(prose, 60).lines().count(), 2);
        let long =
            "error: `/a/very/long/path/without/any/blank/in/it/that/fits/nowhere` is no task";
        for width in 24..100 {
            let fitted = fitted(long, width);
            assert!(fitted.lines().all(|line| columns_of(line) <= width), "{width}: {fitted}");
            let squeezed = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(squeezed(&fitted), squeezed(long));
        }
    }

    #[test]
    fn text_is_broken_after_words_and_inside_them_only_where_it_must_be() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("a bcd efgh", 7), ["a bcd", "efgh"], "no blank at the end");
        assert_eq!(lines("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(lines("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(lines("漢字漢字", 4), ["漢字", "漢字"]);
    }
}
