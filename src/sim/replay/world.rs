//! A recorded file: prompts, who was written from whom, and whether each was right on each row.

use super::super::{BYTES_PER_TOKEN, usage_of};
use super::rows::{self, RecordedRow};
use crate::prompt::{Message, Role};
use crate::source::{self, SourceError};
use crate::task::model::Usage;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// One recorded prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedPrompt {
    /// Its id in the file.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Whether it was right on each row, in the order of the rows.
    pub right: Vec<bool>,
}

impl RecordedPrompt {
    /// The share of all rows that it was right on.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.accuracy_on(0..self.right.len())
    }

    /// The share of some rows that it was right on; 0 without rows.
    #[must_use]
    pub fn accuracy_on(&self, rows: impl IntoIterator<Item = usize>) -> f64 {
        let (mut right, mut count) = (0_u32, 0_u32);
        for row in rows {
            right += u32::from(self.right.get(row) == Some(&true));
            count += 1;
        }
        f64::from(right) / f64::from(count.max(1))
    }
}

/// A recorded file with its rows. The first prompt is the one that all searches began with.
#[derive(Clone, Debug)]
pub struct RecordedWorld {
    /// The file's name without its ending, such as `trec.gpt-4.1-mini`.
    pub name: String,
    /// In the file's order; at least one.
    pub prompts: Vec<RecordedPrompt>,
    /// In the order of the scores; at least one.
    pub rows: Vec<RecordedRow>,
    /// Whether the texts of the rows are known.
    pub has_texts: bool,
    /// For each prompt those that were written from it, in the file's order.
    pub(super) children: Vec<Vec<usize>>,
    by_text: HashMap<String, usize>,
    by_input: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
    #[serde(default)]
    parents: Vec<String>,
    scores: String,
}

impl RecordedWorld {
    /// Reads a recorded file: one prompt a line, an object with `id`, `text`, `parents` (ids; one that
    /// is not in the file is passed over) and `scores` (a digit 0 or 1 for every row). The texts of
    /// the rows are read from `../rows/TASK.jsonl` beside it, where that has as many rows of dev;
    /// TASK is the file's name up to its first dot.
    ///
    /// # Errors
    /// A file that cannot be read, or a mistake with its line.
    pub fn read(file: &Path) -> Result<Self, SourceError> {
        let text =
            source::read_text(file).map_err(|error| SourceError::unreadable(file, &error))?;
        let mut lines = Vec::new();
        for (number, text) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(text).map_err(|error| {
                SourceError::new(file, format!("not a recorded prompt: {error}"))
                    .at_line(number)
                    .help("it is an object with `id`, `text`, `parents` and `scores`")
            })?;
            lines.push((number, line));
        }
        let name = file.file_stem().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let mut world = Self::of_lines(file, name, &lines)?;
        let task = world.name.split('.').next().unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new("."));
        let beside = folder.join("..").join("rows").join(format!("{task}.jsonl"));
        if let Some(rows) = rows::read(&beside, world.rows.len())? {
            (world.rows, world.has_texts) = (rows, true);
        }
        let inputs = world.rows.iter().zip(0..);
        world.by_input = inputs.map(|(row, place)| (row.input.trim().to_owned(), place)).collect();
        Ok(world)
    }

    fn of_lines(file: &Path, name: String, lines: &[(usize, Line)]) -> Result<Self, SourceError> {
        let wrong =
            |number: usize, message: String| SourceError::new(file, message).at_line(number);
        let Some((_, first)) = lines.first() else {
            return Err(SourceError::new(file, "it holds no prompt"));
        };
        let count = first.scores.len();
        let mut by_id = HashMap::new();
        let mut by_text = HashMap::new();
        let mut prompts = Vec::with_capacity(lines.len());
        for (place, (number, line)) in lines.iter().enumerate() {
            if line.text.trim().is_empty() {
                return Err(wrong(*number, "its text is empty".to_owned()));
            }
            if line.scores.len() != count || count == 0 {
                let found = line.scores.len();
                let message = format!("{found} scores, and the first prompt has {count}");
                return Err(wrong(*number, message).help("all are scored on the same rows"));
            }
            if let Some(other) = line.scores.chars().find(|digit| !matches!(digit, '0' | '1')) {
                return Err(wrong(
                    *number,
                    format!("`{other}` among the scores is neither 0 nor 1"),
                ));
            }
            if by_id.insert(line.id.as_str(), place).is_some() {
                return Err(wrong(*number, format!("a second prompt with the id `{}`", line.id)));
            }
            let text = line.text.trim().to_owned();
            if let Some(other) = by_text.insert(text, place) {
                let other = lines.get(other).map_or("", |(_, line)| line.id.as_str());
                return Err(wrong(*number, format!("it has the text of `{other}`")));
            }
            let right = line.scores.bytes().map(|digit| digit == b'1').collect();
            prompts.push(RecordedPrompt { id: line.id.clone(), text: line.text.clone(), right });
        }
        let mut children = vec![Vec::new(); prompts.len()];
        for (place, (_, line)) in lines.iter().enumerate() {
            for parent in line.parents.iter().filter_map(|id| by_id.get(id.as_str())) {
                children[*parent].push(place);
            }
        }
        let rows = rows::in_place(&name, count);
        let (has_texts, by_input) = (false, HashMap::new());
        Ok(Self { name, prompts, rows, has_texts, children, by_text, by_input })
    }

    /// The prompt that all searches began with.
    #[must_use]
    pub fn baseline(&self) -> &RecordedPrompt {
        &self.prompts[0]
    }

    /// The least limit, in tokens, under which the mutator can give every prompt whole.
    #[must_use]
    pub fn longest_reply(&self) -> u32 {
        let longest = self.prompts.iter().map(|prompt| prompt.text.len()).max().unwrap_or(0);
        // The tags around it.
        let tokens = longest.div_ceil(BYTES_PER_TOKEN) + 50;
        tokens.next_multiple_of(100) as u32
    }

    /// The tokens of a right answer to a row.
    #[must_use]
    pub fn usage(prompt: &RecordedPrompt, row: &RecordedRow) -> Usage {
        let message = |role, text: &str| Message { role, content: text.to_owned() };
        let messages = [message(Role::System, &prompt.text), message(Role::User, &row.input)];
        usage_of(&messages, &row.answer)
    }

    /// The prompt with a text, but for blanks at its ends.
    #[must_use]
    pub fn prompt(&self, text: &str) -> Option<&RecordedPrompt> {
        self.prompts.get(self.place_of(text)?)
    }

    pub(super) fn place_of(&self, text: &str) -> Option<usize> {
        let text = text.trim();
        self.by_text.get(text).copied().or_else(|| self.place_of_repaired(text))
    }

    /// A recorded text into which a repair put back lines of another recorded one: a replay has no scores for it, and
    /// takes those of the text.
    fn place_of_repaired(&self, text: &str) -> Option<usize> {
        const MOST_LINES: usize = 3;
        fn filled(text: &str) -> impl Iterator<Item = &str> {
            text.lines().map(str::trim).filter(|line| !line.is_empty())
        }
        let is_recorded = |line: &str| self.prompts.iter().any(|it| it.text.contains(line));
        self.prompts.iter().position(|prompt| {
            let (mut left, mut put_back) = (filled(&prompt.text).peekable(), 0);
            for line in filled(text) {
                if left.next_if_eq(&line).is_none() {
                    put_back += 1;
                    if put_back > MOST_LINES || !is_recorded(line) {
                        return false;
                    }
                }
            }
            left.next().is_none()
        })
    }

    /// The recorded prompt that a text shows first, the longest of those that begin there, with its
    /// place in the text.
    pub(super) fn first_in(&self, text: &str) -> Option<(usize, usize)> {
        let found = self.prompts.iter().enumerate().filter_map(|(place, prompt)| {
            let recorded = prompt.text.trim();
            Some((text.find(recorded)?, std::cmp::Reverse(recorded.len()), place))
        });
        found.min().map(|(at, _, place)| (place, at))
    }

    /// The answer to a chat that shows a recorded prompt and a row and nothing else.
    pub(super) fn answer(&self, messages: &[Message]) -> Option<(&str, &RecordedRow)> {
        let (last, before) = messages.split_last()?;
        let shown = last.content.trim();
        let (row, rest) = match self.by_input.get(shown) {
            Some(row) => (*row, ""),
            None => self.row_at_end(shown)?,
        };
        let mut texts: Vec<&str> = before.iter().map(|message| message.content.trim()).collect();
        texts.push(rest.trim());
        texts.retain(|text| !text.is_empty());
        let prompt = match texts.as_slice() {
            [text] => self.prompt(text)?,
            texts => self.prompt(&texts.join("\n\n"))?,
        };
        let (row, is_right) = (self.rows.get(row)?, prompt.right.get(row)?);
        Some((if *is_right { &row.answer } else { &row.wrong }, row))
    }

    /// The row with which a text ends, and what is before it: prompt and row in one message.
    fn row_at_end<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        let rows = self.rows.iter().enumerate();
        let before = |(place, row): (usize, &RecordedRow)| {
            Some((place, text.strip_suffix(row.input.trim())?))
        };
        rows.filter_map(before).min_by_key(|(_, rest)| rest.len())
    }
}
