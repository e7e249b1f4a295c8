//! How the simulated editor changes a text, line by line.

use super::super::words;
use super::brief::Brief;
use super::evidence::Record;
use super::phrases::{ADVICE, PERSONAS, STEP_BY_STEP, STEPS_ALONE};
use super::rule::{self, Rule};
use super::sentence;
use crate::prompt::placeholders;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// How often a failure that the evidence shows is put into a rule.
pub(super) const STATED: f64 = 0.75;
/// How often a line is harmed by a revision that should have left it alone, and how often it is then
/// lost; otherwise it says less than before.
pub(super) const HARMED: f64 = 0.05;
const LOST: f64 = 0.4;
/// Shares of a rule's words that a line holds when it is about the same case, and when it says it.
const SAME_CASE: f64 = 0.5;
const SAID: f64 = 0.8;
/// How often a rule that is said already is left as it is.
const LEFT_ALONE: f64 = 0.7;
/// How often a revision adds general advice, the form of the answer, or a call for reasoning.
pub(super) const ADDS_ADVICE: f64 = 0.15;
const ADDS_FORM: f64 = 0.20;
const ADDS_REASONING: f64 = 0.10;
/// How often compressing harms a line.
const COMPRESS_HARMS: f64 = 0.10;
/// How often a paraphrase harms a line, and how often it frames one anew.
pub(super) const PARAPHRASE_HARMS: f64 = 0.02;
pub(super) const REFRAMED: f64 = 0.5;

/// A text as lines.
pub(super) struct Draft {
    pub(super) lines: Vec<String>,
}

impl Draft {
    /// The lines of a text, with those put together again that only a narrow page had parted.
    pub(super) fn new(text: &str) -> Self {
        Self { lines: words::unwrapped(text) }
    }

    /// The text again, without blank lines at its ends or two in a row.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut blank = 0;
        for line in &self.lines {
            if line.trim().is_empty() {
                blank += 1;
                continue;
            }
            if !text.is_empty() {
                text.push_str(if blank > 0 { "\n\n" } else { "\n" });
            }
            blank = 0;
            text.push_str(line.trim_end());
        }
        text
    }

    /// Says one line in another way: an editor rarely gives a text back as it is.
    pub(super) fn insist(&mut self, rng: &mut ChaCha8Rng) {
        let free: Vec<usize> = (0..self.lines.len())
            .filter(|place| {
                let line = &self.lines[*place];
                sentence::is_sentence(parted(line).1) && placeholders(line).is_empty()
            })
            .collect();
        let Some(place) = free.choose(rng) else {
            return self.advise(rng);
        };
        let (bullet, body) = parted(&self.lines[*place]);
        let framed = (0..8)
            .map(|_| format!("{bullet}{}", sentence::framed(sentence::unframed(body), rng)))
            .find(|line| *line != self.lines[*place]);
        if let Some(line) = framed {
            self.lines[*place] = line;
        }
    }

    /// States what the failures show.
    pub(super) fn reflect(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let labels = labels_of(&brief.evidence);
        self.harm(HARMED, rng);
        let failed = brief.evidence.iter().filter(|record| record.failed());
        tell_of(failed, &labels, rng, |rule, rng| self.state(&rule, rng));
        if rng.random_bool(ADDS_ADVICE) {
            self.advise(rng);
        }
        if rng.random_bool(ADDS_FORM) {
            self.state_form(&brief.evidence, rng);
        }
        if rng.random_bool(ADDS_REASONING) {
            self.ask_for_reasoning(rng);
        }
    }

    /// Changes something, without knowing what went wrong.
    pub(super) fn vary(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        for _ in 0..rng.random_range(1..=3) {
            self.change(&brief.evidence, rng);
        }
    }

    /// One change of many.
    pub(super) fn change(&mut self, evidence: &[Record], rng: &mut ChaCha8Rng) {
        match rng.random_range(0..10) {
            0 | 1 => self.reorder(rng),
            2 | 3 => self.reword(rng),
            4 => self.advise(rng),
            5 => self.remove_advice(),
            6 => self.state_form(evidence, rng),
            7 => self.ask_for_reasoning(rng),
            8 => self.set_tone(rng),
            _ => self.harm(HARMED, rng),
        }
    }

    /// Says the same in fewer words.
    pub(super) fn compress(&mut self, rng: &mut ChaCha8Rng) {
        self.remove_advice();
        let mut said: Vec<BTreeSet<String>> = Vec::new();
        let mut kept = Vec::new();
        for line in std::mem::take(&mut self.lines) {
            let stems: BTreeSet<String> = words::content(&line).into_iter().collect();
            let repeats = stems.len() >= 3
                && said
                    .iter()
                    .any(|other| stems.intersection(other).count() * 10 >= stems.len() * 8);
            if repeats && placeholders(&line).is_empty() {
                continue;
            }
            said.push(stems);
            let (bullet, body) = parted(&line);
            kept.push(if placeholders(&line).is_empty() && sentence::is_sentence(body) {
                format!("{bullet}{}", sentence::shortened(body))
            } else {
                line
            });
        }
        self.lines = kept;
        self.harm(COMPRESS_HARMS, rng);
    }

    /// Says the same in other words.
    pub(super) fn paraphrase(&mut self, rng: &mut ChaCha8Rng) {
        for line in &mut self.lines {
            if line.trim().is_empty() || !placeholders(line).is_empty() {
                continue;
            }
            *line = said_anew(line, rng);
        }
        self.harm(PARAPHRASE_HARMS, rng);
        if rng.random_bool(REFRAMED) {
            self.reorder(rng);
        }
    }

    /// Writes an instruction that pairs of input and output may have come from.
    pub(super) fn induce(&mut self, brief: &Brief, rng: &mut ChaCha8Rng) {
        let records = &brief.evidence;
        // What carries a placeholder stays, or the row would not be seen.
        self.lines.retain(|line| !placeholders(line).is_empty());
        self.lines.insert(0, head_of(records, rng).to_owned());
        if rng.random_bool(0.7) {
            self.state_form(records, rng);
        }
        for members in groups_of(records).values() {
            if rng.random_bool(STATED) {
                self.push_rule(&Rule::guessed(members, rng).line);
            }
        }
    }

    /// Puts a rule where it belongs: over a line about the same case, or at the end.
    pub(super) fn state(&mut self, rule: &Rule, rng: &mut ChaCha8Rng) {
        let best = self
            .lines
            .iter()
            .enumerate()
            .map(|(place, line)| (rule.covered_by(line), place))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((covered, place)) = best.filter(|(covered, _)| *covered >= SAME_CASE) else {
            return self.push_rule(&rule.line);
        };
        let line = &self.lines[place];
        let names =
            |label: &String| words::holds_phrase(&line.to_lowercase(), &label.to_lowercase());
        let said = covered >= SAID && rule.label.as_ref().is_none_or(names);
        if said && rng.random_bool(LEFT_ALONE) {
            return;
        }
        if parted(line).0.is_empty() || !placeholders(line).is_empty() {
            self.push_rule(&rule.line);
        } else {
            self.lines[place] = format!("- {}", rule.line);
        }
    }

    /// A new bullet after the last one, or after the text.
    pub(super) fn push_rule(&mut self, line: &str) {
        let bullet = format!("- {line}");
        match self.lines.iter().rposition(|line| !parted(line).0.is_empty()) {
            Some(last) => self.lines.insert(last + 1, bullet),
            None => {
                self.lines.push(String::new());
                self.lines.push(bullet);
            }
        }
    }

    /// Harms each line by chance: it is lost, or says less than before.
    pub(super) fn harm(&mut self, chance: f64, rng: &mut ChaCha8Rng) {
        self.harm_but(&[], chance, rng);
    }

    /// Harms lines by chance, but none of these.
    pub(super) fn harm_but(&mut self, safe: &[String], chance: f64, rng: &mut ChaCha8Rng) {
        let mut kept = Vec::new();
        for line in std::mem::take(&mut self.lines) {
            let spared =
                line.trim().is_empty() || !placeholders(&line).is_empty() || safe.contains(&line);
            if spared || !rng.random_bool(chance) {
                kept.push(line);
            } else if !rng.random_bool(LOST) {
                let (bullet, body) = parted(&line);
                let less = sentence::less_of(body, !bullet.is_empty(), rng);
                kept.extend(less.map(|less| format!("{bullet}{less}")));
            }
        }
        self.lines = kept;
    }

    pub(super) fn advise(&mut self, rng: &mut ChaCha8Rng) {
        if let Some(advice) = ADVICE.choose(rng) {
            self.lines.push((*advice).to_owned());
        }
    }

    pub(super) fn remove_advice(&mut self) {
        let says_nothing = |sentence: &&str| ADVICE.iter().chain(PERSONAS).any(|it| it == sentence);
        self.lines = std::mem::take(&mut self.lines)
            .into_iter()
            .filter_map(|line| {
                let (bullet, body) = parted(&line);
                let all = sentence::sentences(body);
                let said: Vec<&str> = all.iter().copied().filter(|it| !says_nothing(it)).collect();
                if said.len() == all.len() {
                    return Some(line);
                }
                (!said.is_empty()).then(|| format!("{bullet}{}", said.join(" ")))
            })
            .collect();
    }

    pub(super) fn set_tone(&mut self, rng: &mut ChaCha8Rng) {
        if let Some(persona) = PERSONAS.choose(rng)
            && !self.lines.iter().any(|line| line.contains(persona))
        {
            self.lines.insert(0, (*persona).to_owned());
        }
    }

    pub(super) fn ask_for_reasoning(&mut self, rng: &mut ChaCha8Rng) {
        let asks = |line: &String| {
            let line = line.to_lowercase();
            line.contains("step") || line.contains("reason through")
        };
        if let Some(place) = self.lines.iter().position(asks) {
            // Asked twice, an editor tries without.
            if rng.random_bool(0.3) && placeholders(&self.lines[place]).is_empty() {
                self.lines.remove(place);
            }
        } else if let Some(words) = STEP_BY_STEP.choose(rng) {
            let has_end = self.lines.iter().any(|line| line.to_lowercase().contains(ANSWER_IS));
            let words = if has_end { &STEPS_ALONE } else { words };
            for line in &mut self.lines {
                let body = parted(line).1;
                let is_order =
                    ["Answer ", "Give ", "Return "].iter().any(|it| body.starts_with(it));
                if is_order && says_only(line) && placeholders(line).is_empty() {
                    *line = on_last_line(line);
                }
            }
            self.lines.push((*words).to_owned());
        }
    }

    /// Says how to answer, as far as the evidence or the text shows it.
    pub(super) fn state_form(&mut self, evidence: &[Record], rng: &mut ChaCha8Rng) {
        let text = self.text().to_lowercase();
        if says_only(&text) || text.contains(ANSWER_IS) {
            return;
        }
        let labels = labels_of(evidence);
        let is_named = |label: &&String| words::holds_phrase(&text, &label.to_lowercase());
        let has_names = labels.iter().filter(is_named).count() * 2 > labels.len();
        let line = match Looks::of(evidence, &text) {
            Looks::Label if has_names => {
                "Answer with exactly one of the names and nothing else.".to_owned()
            }
            Looks::Label if labels.len() >= 4 || (text.is_empty() && labels.len() > 1) => {
                // The rows may not show every name.
                let list: Vec<String> = labels.into_iter().collect();
                format!("Answer with only the name of one kind, such as {}.", list.join(", "))
            }
            Looks::Label => "Answer with exactly one of the names and nothing else.".to_owned(),
            Looks::Number => [
                "Answer with only the number.",
                "End with: The answer is N.",
                "Give only the number, without a unit or an explanation.",
            ]
            .choose(rng)
            .copied()
            .unwrap_or_default()
            .to_owned(),
            Looks::Object => {
                let fields = fields_of(evidence);
                if fields.is_empty() {
                    "Return only the JSON object, with no other text.".to_owned()
                } else {
                    let list = fields.join(", ");
                    format!("Return only the JSON object with the fields {list}; no other text.")
                }
            }
            Looks::Unknown => "Answer with exactly what is asked for and nothing else.".to_owned(),
        };
        let reasons = STEP_BY_STEP.iter().any(|words| text.contains(&words.to_lowercase()));
        self.lines.push(if reasons { on_last_line(&line) } else { line });
    }

    pub(super) fn reorder(&mut self, rng: &mut ChaCha8Rng) {
        let places: Vec<usize> =
            (0..self.lines.len()).filter(|place| !self.lines[*place].trim().is_empty()).collect();
        if places.len() >= 2 {
            let mut chosen: Vec<usize> = places.choose_multiple(rng, 2).copied().collect();
            chosen.sort_unstable();
            self.lines.swap(chosen[0], chosen[1]);
        } else if let Some(place) = places.first() {
            let mut sentences = sentence::sentences(&self.lines[*place]);
            sentences.shuffle(rng);
            self.lines[*place] = sentences.join(" ");
        }
    }

    pub(super) fn reword(&mut self, rng: &mut ChaCha8Rng) {
        for line in &mut self.lines {
            if placeholders(line).is_empty() && rng.random_bool(0.5) {
                *line = sentence::reworded(line, None, rng);
            }
        }
    }
}

/// Whether a text asks for the answer alone.
fn says_only(text: &str) -> bool {
    let text = text.to_lowercase();
    ["nothing else", "answer with only", "no other text", "only the number"]
        .iter()
        .any(|words| text.contains(words))
}

/// How a text says what a number stands behind.
const ANSWER_IS: &str = "the answer is";

/// Where an answer stands that follows the reasoning.
const LAST_LINE: &str = "On the last line, ";

/// A sentence on the answer alone, for a prompt that asks for reasoning before it.
fn on_last_line(line: &str) -> String {
    let (bullet, body) = parted(line);
    let mut letters = body.chars();
    let small = letters.next().map(|first| first.to_lowercase().chain(letters).collect::<String>());
    format!("{bullet}{LAST_LINE}{}", small.unwrap_or_default())
}

/// The first line of an instruction that rows may have come from.
pub(super) fn head_of(records: &[Record], rng: &mut ChaCha8Rng) -> &'static str {
    let heads: &[&str] = match Looks::of(records, "") {
        Looks::Label => &[
            "Read the text and say which kind it is.",
            "Sort each text into one of a few kinds.",
            "Decide where the text belongs.",
        ],
        Looks::Number => &[
            "Solve the problem and give the number.",
            "Work out the result and write it as a number.",
        ],
        Looks::Object => &[
            "Read the document and return a JSON object.",
            "Extract the facts of the document as JSON.",
        ],
        Looks::Unknown => {
            &["Answer the question.", "Read the input and write the matching output."]
        }
    };
    heads.choose(rng).copied().unwrap_or_default()
}

/// Rows with the same label together, where there are several; else each by itself.
pub(super) fn groups_of(records: &[Record]) -> BTreeMap<&str, Vec<&Record>> {
    let several = labels_of(records).len() > 1;
    let mut groups: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        let key = record.label().filter(|_| several);
        groups.entry(key.unwrap_or(&record.input)).or_default().push(record);
    }
    groups
}

/// Tells, imperfectly, what is said about some rows, each thing once: a rule for most feedback texts,
/// or a guess from the input if there is none.
pub(super) fn tell_of<'a>(
    records: impl Iterator<Item = &'a Record>,
    labels: &BTreeSet<String>,
    rng: &mut ChaCha8Rng,
    mut tell: impl FnMut(Rule, &mut ChaCha8Rng),
) {
    let mut seen = BTreeSet::new();
    for record in records {
        let mut telling: Vec<&String> =
            record.feedback.iter().filter(|text| rule::says_something(text, record)).collect();
        let guesses = telling.is_empty();
        if guesses {
            telling.push(&record.input);
        }
        for text in telling {
            if !seen.insert(text.clone()) || !rng.random_bool(STATED) {
                continue;
            }
            let rule = if guesses {
                Rule::guessed(&[record], rng)
            } else {
                Rule::of(text, record, labels, rng)
            };
            tell(rule, rng);
        }
    }
}

/// What the answers look like, as far as one can see.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Looks {
    Label,
    Number,
    Object,
    Unknown,
}

impl Looks {
    pub(super) fn of(evidence: &[Record], text_lower: &str) -> Self {
        let all =
            |test: &dyn Fn(&Record) -> bool| !evidence.is_empty() && evidence.iter().all(test);
        let is_object = |text: &str| text.trim_start().starts_with('{');
        if all(&|record| record.right().trim().parse::<f64>().is_ok()) {
            Self::Number
        } else if all(&|record| is_object(record.right())) || text_lower.contains("json") {
            Self::Object
        } else if all(&|record| record.label().is_some()) {
            Self::Label
        } else if text_lower.contains("number") {
            Self::Number
        } else {
            Self::Unknown
        }
    }
}

pub(super) fn labels_of(evidence: &[Record]) -> BTreeSet<String> {
    evidence.iter().filter_map(|record| record.label()).map(str::to_owned).collect()
}

pub(super) fn fields_of(evidence: &[Record]) -> Vec<String> {
    evidence
        .iter()
        .find_map(|record| serde_json::from_str::<serde_json::Value>(record.right()).ok())
        .and_then(|value| Some(value.as_object()?.keys().cloned().collect()))
        .unwrap_or_default()
}

/// A line's bullet, with its space, and the rest.
pub(super) fn parted(line: &str) -> (&str, &str) {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    for bullet in ["- ", "* ", "• "] {
        if rest.starts_with(bullet) {
            return line.split_at(indent + bullet.len());
        }
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && [". ", ") "].iter().any(|end| rest[digits..].starts_with(end)) {
        return line.split_at(indent + digits + 2);
    }
    ("", line)
}

/// A line in other words, and in another frame if it is a rule in a list.
pub(super) fn said_anew(line: &str, rng: &mut ChaCha8Rng) -> String {
    let (bullet, body) = parted(line);
    let body = sentence::reworded(body, None, rng);
    if !bullet.is_empty() && sentence::is_sentence(&body) && rng.random_bool(REFRAMED) {
        format!("{bullet}{}", sentence::framed(sentence::unframed(&body), rng))
    } else {
        format!("{bullet}{body}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn compressing_removes_words_that_say_nothing_and_repeats() {
        let mut draft = Draft::new(
            "Be careful and precise.\n- Note that late parcels go to logistics.\n\
             - Important: late parcels go to logistics.\n- In order to repay, use {{ name }}.",
        );
        let mut rng = Seed(3).rng();
        draft.compress(&mut rng);
        let text = draft.text();
        assert!(!text.contains("careful") && !text.contains("Note that"), "{text}");
        assert_eq!(text.matches("logistics").count(), 1, "{text}");
        assert!(text.contains("In order to repay, use {{ name }}."), "{text}");
    }

    #[test]
    fn a_bullet_is_parted_from_its_line() {
        assert_eq!(parted("  - one"), ("  - ", "one"));
        assert_eq!(parted("12. one"), ("12. ", "one"));
        assert_eq!(parted("1.5 kilos"), ("", "1.5 kilos"));
    }
}
