//! How the simulated editor makes a text of what it is told: by a note, an order, a manner of
//! thinking, or failures alone.

use super::super::words;
use super::brief::Brief;
use super::evidence::Record;
use super::phrases::{FORM_WORDS, HASTE_WORDS};
use super::revise::{
    ADDS_ADVICE, Draft, HARMED, STATED, groups_of, head_of, labels_of, parted, tell_of,
};
use super::rule::Rule;
use super::sentence;
use crate::prompt::placeholders;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How often a point of a note is taken up.
const TAKEN_UP: f64 = 0.9;
/// How often a word of an order, a manner or a tip is heeded.
const HEEDED: f64 = 0.7;
/// How often an instruction from scratch says what the answer looks like.
const SAYS_FORM: f64 = 0.7;
/// Words before the colon of a cause's label, at most.
const LABEL_WORDS: usize = 6;

/// One point of a note.
#[derive(Clone, Debug, PartialEq)]
enum Point {
    /// A rule that is missing.
    Rule(String),
    /// A passage that should stay.
    Keep(String),
    /// The form of the answer is unclear.
    Form,
    /// The answer comes too fast.
    Haste,
    /// Something else, too vague to act on.
    Vague,
}

/// The points of a note, with the label of a cause taken off.
fn points_of(note: &str) -> Vec<Point> {
    note.lines().filter(|line| !line.trim().is_empty()).filter_map(point).collect()
}

fn point(line: &str) -> Option<Point> {
    let (bullet, body) = parted(line.trim());
    if let Some(kept) = body.strip_prefix("Keep:") {
        return Some(Point::Keep(kept.trim().trim_matches('"').to_owned()));
    }
    if body.ends_with(':') && bullet.is_empty() {
        return None;
    }
    let lower = body.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    if says(FORM_WORDS) {
        return Some(Point::Form);
    }
    if says(HASTE_WORDS) {
        return Some(Point::Haste);
    }
    let body = match body.split_once(": ") {
        Some((label, rest))
            if bullet.is_empty() && label.split_whitespace().count() <= LABEL_WORDS =>
        {
            rest
        }
        _ => body,
    };
    let is_about_all = body.to_lowercase().starts_with("the instructions");
    let is_vague = is_about_all || words::content(body).len() < 3;
    Some(if is_vague { Point::Vague } else { Point::Rule(body.to_owned()) })
}

impl Draft {
    /// Fixes what a note criticises, and keeps what it praises.
    pub(super) fn edit(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let labels = labels_of(&brief.evidence);
        let points = points_of(&brief.note);
        let safe: Vec<String> = self
            .lines
            .iter()
            .filter(|line| {
                points.iter().any(|point| matches!(point, Point::Keep(kept) if line.contains(kept)))
            })
            .cloned()
            .collect();
        self.harm_but(&safe, HARMED, rng);
        for point in &points {
            match point {
                Point::Keep(_) => {}
                _ if !rng.random_bool(TAKEN_UP) => {}
                Point::Rule(text) => {
                    // A cause may hold several sentences, each about a case of its own.
                    for sentence in sentence::sentences(text) {
                        let rule = Rule::told(sentence, &labels, rng);
                        self.state(&rule, rng);
                    }
                }
                Point::Form => self.state_form(&brief.evidence, rng),
                Point::Haste => self.ask_for_reasoning(rng),
                Point::Vague => self.advise(rng),
            }
        }
        if points.iter().all(|point| matches!(point, Point::Keep(_))) {
            self.change(&brief.evidence, rng);
        }
    }

    /// Does what the words of an order, a manner of thinking or a tip call for, and varies the rest.
    pub(super) fn heed(&mut self, words: &str, changes: usize, rng: &mut ChaCha8Rng) {
        let lower = words.to_lowercase();
        let calls = |signs: &[&str], rng: &mut ChaCha8Rng| {
            signs.iter().any(|sign| lower.contains(sign)) && rng.random_bool(HEEDED)
        };
        if calls(&["step", "thought", "before the answer", "explain"], rng) {
            self.ask_for_reasoning(rng);
        }
        if calls(&["brief", "short", "fewer", "half", "plain", "remove"], rng) {
            self.remove_advice();
        }
        if calls(&["role", "person", "colleague", "expert", "like an", "like a"], rng) {
            self.set_tone(rng);
        }
        if calls(&["form of the answer", "right answer", "exact"], rng) {
            self.state_form(&[], rng);
        }
        if calls(&["order", "first", "top", "group", "priorit"], rng) {
            self.reorder(rng);
        }
        if calls(&["care", "stake", "check", "wrong", "detail"], rng) {
            self.advise(rng);
        }
        self.reword(rng);
        for _ in 0..changes {
            self.change(&[], rng);
        }
    }

    /// Leaves only what a new attempt takes over: placeholders, and what says how to answer.
    fn clear(&mut self, evidence: &[Record]) {
        let labels = labels_of(evidence);
        self.lines.retain(|line| !placeholders(line).is_empty() || is_form(line, &labels));
    }

    /// What a new attempt begins with; returns the labels of its rows.
    fn start_again(&mut self, records: &[Record], rng: &mut ChaCha8Rng) -> BTreeSet<String> {
        self.clear(records);
        self.harm(HARMED, rng);
        let head = head_of(records, rng);
        // What is left may say already what is to be done.
        if self.lines.iter().all(|line| line.trim().is_empty() || !placeholders(line).is_empty()) {
            self.lines.insert(0, head.to_owned());
        }
        if rng.random_bool(SAYS_FORM) {
            self.state_form(records, rng);
        }
        labels_of(records)
    }

    /// An instruction out of failures: their rules and no old ones.
    pub(super) fn restart(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let records = &brief.evidence;
        let labels = self.start_again(records, rng);
        tell_of(records.iter(), &labels, rng, |rule, rng| self.state(&rule, rng));
        if rng.random_bool(ADDS_ADVICE) {
            self.advise(rng);
        }
    }

    /// An instruction from a data set's description, and from rows of the sorts that it leaves out.
    pub(super) fn ground(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let records = &brief.evidence;
        let labels = self.start_again(records, rng);
        let mut told = BTreeSet::new();
        for point in points_of(&brief.note) {
            if let Point::Rule(text) = point
                && rng.random_bool(TAKEN_UP)
            {
                let rule = Rule::told(&text, &labels, rng);
                told.extend(rule.label.clone());
                self.state(&rule, rng);
            }
        }
        for (key, members) in groups_of(records) {
            if !told.contains(key) && rng.random_bool(STATED) {
                self.push_rule(&Rule::guessed(&members, rng).line);
            }
        }
        self.heed(&brief.manner, 0, rng);
    }

    /// An instruction that says what a hint says.
    pub(super) fn carry_out(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        self.clear(&brief.evidence);
        self.harm(HARMED, rng);
        let hint = brief.note.lines().map(str::trim).filter(|line| !line.is_empty());
        let said: Vec<&str> = hint.collect();
        let said = sentence::reworded(&said.join(" "), None, rng);
        self.lines.insert(0, sentence::capitalised(&said));
        self.change(&[], rng);
    }
}

/// Whether a line says how to answer rather than how to judge a case: it speaks of the answer, names
/// several labels or counts something up, and is no rule in a list.
fn is_form(line: &str, labels: &BTreeSet<String>) -> bool {
    if !parted(line).0.is_empty() {
        return false;
    }
    let lower = line.to_lowercase();
    let named =
        labels.iter().filter(|label| words::holds_phrase(&lower, &label.to_lowercase())).count();
    let speaks = ["answer", "reply", "return", "respond", "output", "json", "give the", "write"]
        .iter()
        .any(|word| lower.contains(word));
    named >= 2 || (named == 0 && (speaks || line.matches(',').count() >= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_falls_into_its_points() {
        let note = "They do not say this:\n- Rule: late parcels go to logistics.\n\
                    - It is not clear how the answer should look.\n- The model answers too fast.\n\
                    The instructions are vague.\nMissing rule for claims: broken goods go to claims.\n\
                    Keep: Sort it.";
        let rule = |text: &str| Point::Rule(text.to_owned());
        assert_eq!(
            points_of(note),
            [
                rule("Rule: late parcels go to logistics."),
                Point::Form,
                Point::Haste,
                Point::Vague,
                rule("broken goods go to claims."),
                Point::Keep("Sort it.".to_owned()),
            ]
        );
        assert_eq!(points_of(""), []);
    }

    #[test]
    fn what_says_how_to_answer_is_told_from_rules() {
        let labels = ["billing", "claims"].map(str::to_owned).into();
        assert!(is_form("Answer with only the name.", &labels));
        assert!(is_form("There are billing and claims.", &labels));
        assert!(!is_form("When it is about money, answer billing.", &labels));
        assert!(!is_form("- Answer with only the name.", &labels));
        assert!(!is_form("Read the text.", &labels));
    }
}
