//! Evidence as the simulated editor reads it: rows with answers, expectations and feedback.
//!
//! It is as tolerant as a reader would be: keys may stand in any order, in any case, behind bullets
//! or stars, and a value lasts until the next key.

use super::super::words;

/// One row of evidence.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// What the row is about.
    pub(super) input: String,
    /// What the model answered, or an output in a list of pairs.
    pub(super) answer: String,
    /// Another answer, that was worse.
    pub(super) contrast: String,
    /// What would have been right.
    pub(super) expected: String,
    /// Why, from the feedback.
    pub(super) feedback: Vec<String>,
    /// Between 0 and 1, where it is said.
    pub(super) score: Option<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Key {
    Input,
    Answer,
    Contrast,
    Expected,
    Feedback,
    Score,
    /// A line that starts a record or says something else.
    Other,
}

/// Words before a colon that are keys.
const KEYS: &[(&str, Key)] = &[
    ("input", Key::Input),
    ("question", Key::Input),
    ("answer", Key::Answer),
    ("output", Key::Answer),
    ("model answer", Key::Answer),
    ("got", Key::Answer),
    ("worse answer", Key::Contrast),
    ("expected", Key::Expected),
    ("expected answer", Key::Expected),
    ("right answer", Key::Expected),
    ("correct answer", Key::Expected),
    ("feedback", Key::Feedback),
    ("why", Key::Feedback),
    ("score", Key::Score),
];
/// First words of lines that separate records.
const SEPARATORS: &[&str] = &["example", "row", "case", "record", "pair"];

impl Record {
    /// Reads all records of a text.
    pub(super) fn read_all(text: &str) -> Vec<Self> {
        let mut records = Vec::new();
        let mut record = Self::default();
        let mut key = Key::Other;
        for line in text.lines() {
            match key_of(line) {
                // An input may hold lines that look like the start of a record.
                Some((Key::Other, _)) if key == Key::Input => record.add(line, key),
                Some((found, value)) => {
                    // The same key again is the next record, whatever is between them.
                    let begins = found == Key::Input || found == Key::Other;
                    if (begins && record != Self::default()) || record.has(found) {
                        records.push(std::mem::take(&mut record));
                    }
                    key = found;
                    if found == Key::Feedback {
                        record.feedback.push(String::new());
                    }
                    record.add(value, key);
                }
                None => record.add(line, key),
            }
        }
        if record != Self::default() {
            records.push(record);
        }
        for record in &mut records {
            let texts =
                [&mut record.input, &mut record.answer, &mut record.contrast, &mut record.expected];
            for text in texts.into_iter().chain(&mut record.feedback) {
                *text = text.trim().to_owned();
            }
            record.feedback.retain(|text| !text.is_empty());
        }
        records
    }

    /// Whether a key that occurs once in a record was there already.
    fn has(&self, key: Key) -> bool {
        match key {
            Key::Input => !self.input.is_empty(),
            Key::Answer => !self.answer.is_empty(),
            Key::Contrast => !self.contrast.is_empty(),
            Key::Expected => !self.expected.is_empty(),
            Key::Score => self.score.is_some(),
            Key::Feedback | Key::Other => false,
        }
    }

    fn add(&mut self, value: &str, key: Key) {
        let slot = match key {
            Key::Input => &mut self.input,
            Key::Answer => &mut self.answer,
            Key::Contrast => &mut self.contrast,
            Key::Expected => &mut self.expected,
            Key::Feedback => match self.feedback.last_mut() {
                Some(last) => last,
                None => return,
            },
            Key::Score => {
                let number: String =
                    value.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                self.score = self.score.or_else(|| number.parse().ok());
                return;
            }
            Key::Other => return,
        };
        if !slot.is_empty() {
            slot.push('\n');
        }
        slot.push_str(value.trim());
    }

    /// Whether the answer was wrong, as far as the evidence says.
    pub(super) fn failed(&self) -> bool {
        match self.score {
            Some(score) => score < 1.0,
            None if self.expected.is_empty() => !self.feedback.is_empty(),
            None => self.expected.to_lowercase() != self.answer.to_lowercase(),
        }
    }

    /// The right answer: what was expected, or in a list of pairs the output.
    pub(super) fn right(&self) -> &str {
        if self.expected.is_empty() { &self.answer } else { &self.expected }
    }

    /// The right answer, if it looks like a label.
    pub(super) fn label(&self) -> Option<&str> {
        let right = self.right();
        let is_label = !right.is_empty()
            && right.len() <= 40
            && !right.contains('\n')
            && words::raw(right).count() <= 3
            && right.chars().all(|c| c.is_alphabetic() || " -_/()'".contains(c));
        is_label.then_some(right)
    }
}

/// The key that a line begins with, and the rest of the line.
fn key_of(line: &str) -> Option<(Key, &str)> {
    let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "-*#>•".contains(c));
    let first = words::raw(bare).next().unwrap_or("").to_lowercase();
    if SEPARATORS.contains(&first.as_str()) && bare.len() <= 60 {
        let rest = bare[first.len().min(bare.len())..].trim_start();
        if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || ":#(".contains(c)) {
            return Some((Key::Other, ""));
        }
    }
    if bare.is_empty() && line.trim().len() >= 3 {
        // A rule of dashes or stars.
        return Some((Key::Other, ""));
    }
    let (head, value) = bare.split_once(':')?;
    let head = head.trim_matches(|c: char| c.is_whitespace() || c == '*' || c == '`');
    let name = head.split(['(', '[']).next().unwrap_or("").trim();
    KEYS.iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
        .map(|(_, key)| (*key, value.trim_start_matches('*')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_in_many_shapes() {
        let text = "Example 1 (score 0)\nInput: one\ntwo\n\nAnswer: billing\nExpected: claims\n\
                    Feedback: Send it\nto claims.\nFeedback: Wrong.\nScore: 0\n\n### Example 2\n**Input:** three\n\
                    - Expected: claims\n- Answer: claims\n- score: 1.0";
        let records = Record::read_all(text);
        assert_eq!(records.len(), 2, "{records:?}");
        assert_eq!(records[0].input, "one\ntwo");
        assert_eq!(records[0].feedback, ["Send it\nto claims.", "Wrong."]);
        assert_eq!(records[0].label(), Some("claims"));
        assert!(records[0].failed());
        assert!(!records[1].failed());
        assert_eq!(records[1].input, "three");
    }

    #[test]
    fn an_input_may_look_like_anything() {
        let records = Record::read_all(
            "Input: | a |\n-----\nCase 3: b\nTotal: 5\nAnswer: 1\n---\nInput: c\nAnswer: 2",
        );
        assert_eq!(records.len(), 2, "{records:?}");
        assert_eq!(records[0].input, "| a |\n-----\nCase 3: b\nTotal: 5");
        assert_eq!(records[0].answer, "1");
    }

    #[test]
    fn pairs_without_separators_are_told_apart() {
        let records = Record::read_all("Input: a\nOutput: 1\nInput: b\nOutput: 2");
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].right(), "2");
        assert_eq!(records[1].label(), None);
        assert!(Record::read_all("").is_empty());
        assert!(Record::read_all("no keys at all").is_empty());
    }
}
