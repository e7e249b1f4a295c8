//! How prompts, evidence and notes are set off from each other and from the request.
//!
//! Data is data: tags carry a nonce that no row can foresee, so nothing in a row, a past prompt or a
//! model's note can close one. The nonce is a hash of the run's seed and the request with its nonces
//! left blank: after a resume the same request gets the same nonce.

use super::brief::{Brief, Evidence};
use super::cut::Cut;
use super::slot::{Reply, Slot};
use crate::prompt::{Piece, Prompt, pieces, without_front_matter};
use crate::seed::Seed;
use crate::text::head_and_tail;
use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

/// The most notes whose tags are shown one by one.
const NOTES_SHOWN: u32 = 32;

/// 16 hex digits that no row can foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 8]);

impl Nonce {
    fn of(run: Seed, blank: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&run.0.to_le_bytes());
        hasher.update(blank.as_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(bytes)
    }

    /// The nonce of a request, from its first prompt tag. Only what a task says about itself can
    /// stand before that, and a tag without 16 digits and a part is none.
    #[must_use]
    pub fn find(request: &str) -> Option<Self> {
        request.match_indices("<prompt-").find_map(|(at, mark)| {
            let after = &request[at + mark.len()..];
            let digits = after.get(..16)?;
            let is_hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !is_hex || !after[16..].starts_with(" part=\"") {
                return None;
            }
            let number = u64::from_str_radix(digits, 16).ok()?;
            Some(Self(number.to_be_bytes()))
        })
    }

    /// The literal opening tag of a part.
    #[must_use]
    pub fn opening(self, part: &str) -> String {
        format!("<prompt-{self} part=\"{part}\">")
    }

    /// The literal closing tag.
    #[must_use]
    pub fn closing(self) -> String {
        format!("</prompt-{self}>")
    }

    /// The literal opening tag of a note.
    #[must_use]
    pub fn note_opening(self) -> String {
        format!("<note-{self}>")
    }

    /// The literal closing tag of a note.
    #[must_use]
    pub fn note_closing(self) -> String {
        format!("</note-{self}>")
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A meta-prompt about to be filled.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) meta_prompt: &'a str,
    pub(super) reply: Reply,
    pub(super) roles: &'static [&'static str],
    /// Whether it says that there are no past prompts, rather than nothing about them.
    pub(super) needs_history: bool,
    pub(super) brief: &'a Brief<'a>,
}

impl Frame<'_> {
    /// The whole request, with its nonce.
    pub(super) fn filled(&self, cut: &Cut, run: Seed) -> String {
        let nonce = Nonce::of(run, &self.fill(cut, "")).to_string();
        self.fill(cut, &nonce)
    }

    /// The request with any text in the nonce's place.
    pub(super) fn fill(&self, cut: &Cut, nonce: &str) -> String {
        let brief = self.brief;
        let mut filled = String::new();
        let out = &mut filled;
        for piece in pieces(&self.without_empty_slots(cut)) {
            let name = match piece {
                Piece::Literal(text) | Piece::Raw { text, .. } => {
                    out.push_str(text);
                    continue;
                }
                Piece::Column { name, .. } => name,
            };
            match Slot::named(name) {
                Some(Slot::About) => out.push_str(brief.about.trim()),
                Some(Slot::Current) => current(brief, nonce, out),
                Some(Slot::Evidence) => evidence(brief, cut, nonce, out),
                Some(Slot::Form) => self.form(nonce, out),
                Some(Slot::MaxTokens) => push(out, brief.max_tokens),
                Some(Slot::History) => history(brief, cut, nonce, out),
                Some(Slot::Diagnosis) => {
                    tagged("diagnosis", brief.diagnosis.as_deref(), nonce, out);
                }
                Some(Slot::Tried) => tagged("tried", brief.tried.as_deref(), nonce, out),
                Some(Slot::Others) => self.others(nonce, out),
                Some(Slot::Note) => tagged("note", brief.note, nonce, out),
                Some(Slot::Mutator) => tagged("mutator", brief.mutator, nonce, out),
                Some(Slot::Style) => out.push_str(brief.style.map_or("(none)", str::trim)),
                Some(Slot::Tip) => out.push_str(brief.tip.map_or("(none)", str::trim)),
                Some(Slot::Count) => push(out, brief.count.max(1)),
                // Overrides are checked when they are read, and the built-in ones by a test.
                None => {}
            }
        }
        filled
    }

    /// The meta-prompt without the paragraphs of which nothing is given and nothing is needed: an operator may
    /// be used with past prompts, a diagnosis and tried edits, or without.
    fn without_empty_slots(&self, cut: &Cut) -> Cow<'_, str> {
        let brief = self.brief;
        let is_empty = |slot| match slot {
            Slot::History => !self.needs_history && brief.history.is_empty(),
            Slot::Diagnosis => brief.diagnosis.is_none() || cut.leaves_out_summaries(),
            Slot::Tried => brief.tried.is_none() || cut.leaves_out_summaries(),
            _ => false,
        };
        let paragraphs = self.meta_prompt.split("\n\n");
        let kept: Vec<&str> = paragraphs
            .filter(|paragraph| {
                let names = pieces(paragraph).into_iter().filter_map(Piece::column);
                let mut slots = names.filter_map(Slot::named).peekable();
                slots.peek().is_none() || !slots.all(is_empty)
            })
            .collect();
        Cow::Owned(kept.join("\n\n"))
    }

    /// The reply's form, with the literal tags that it has to hold.
    fn form(&self, nonce: &str, out: &mut String) {
        match self.reply {
            Reply::Prompt => {
                for (index, name) in self.brief.searched.iter().enumerate() {
                    newline(index, out);
                    push(
                        out,
                        format_args!(
                            "<prompt-{nonce} part=\"{name}\">\n(the whole new text)\n</prompt-{nonce}>"
                        ),
                    );
                }
            }
            Reply::Notes => {
                let count = self.brief.count.clamp(1, NOTES_SHOWN);
                for number in 1..=count {
                    newline(number as usize - 1, out);
                    let which = if count == 1 {
                        "your text".to_owned()
                    } else {
                        format!("text {number} of {count}")
                    };
                    push(out, format_args!("<note-{nonce}>\n({which})\n</note-{nonce}>"));
                }
            }
        }
    }

    fn others(&self, nonce: &str, out: &mut String) {
        let roles = self.roles.iter().copied().chain(std::iter::repeat("other"));
        for (index, (other, role)) in self.brief.others.iter().zip(roles).enumerate() {
            newline(index, out);
            let number = index + 1;
            push(out, format_args!("<other-{nonce} n=\"{number}\" role=\"{role}\">\n"));
            searched_text(self.brief, other, out);
            push(out, format_args!("\n</other-{nonce}>"));
        }
    }
}

/// Writing into a string cannot fail.
fn push(out: &mut String, what: impl fmt::Display) {
    let _ = write!(out, "{what}");
}

fn newline(index: usize, out: &mut String) {
    if index > 0 {
        out.push('\n');
    }
}

/// The current text, part by part.
fn current(brief: &Brief<'_>, nonce: &str, out: &mut String) {
    for (index, name) in brief.searched.iter().enumerate() {
        newline(index, out);
        // What no reply may change is not shown to be changed.
        let text = without_front_matter(brief.current.part(name).unwrap_or(""));
        push(out, format_args!("<prompt-{nonce} part=\"{name}\">\n{text}\n</prompt-{nonce}>"));
    }
}

/// The searched parts of a prompt that is no candidate for a reply: without prompt tags, and with
/// the parts' names only where there are several.
fn searched_text(brief: &Brief<'_>, prompt: &Prompt, out: &mut String) {
    for (index, name) in brief.searched.iter().enumerate() {
        newline(index, out);
        if brief.searched.len() > 1 {
            push(out, format_args!("Part {name}:\n"));
        }
        out.push_str(without_front_matter(prompt.part(name).unwrap_or("")).trim_end());
    }
}

fn tagged(tag: &str, text: Option<&str>, nonce: &str, out: &mut String) {
    let text = text.map_or("", str::trim);
    push(out, format_args!("<{tag}-{nonce}>\n{text}\n</{tag}-{nonce}>"));
}

fn history(brief: &Brief<'_>, cut: &Cut, nonce: &str, out: &mut String) {
    let mut shown = 0;
    for (index, told) in brief.history.iter().enumerate() {
        if cut.leaves_out(index) {
            continue;
        }
        newline(shown, out);
        shown += 1;
        push(out, format_args!("<past-{nonce}>\n"));
        if let Some(score) = told.score {
            push(out, format_args!("Score: {}\n", (score * 100.0).round()));
        }
        searched_text(brief, told.prompt, out);
        push(out, format_args!("\n</past-{nonce}>"));
    }
    if shown == 0 {
        out.push_str("(none yet)");
    }
}

fn evidence(brief: &Brief<'_>, cut: &Cut, nonce: &str, out: &mut String) {
    let each = cut.field_bytes();
    for (index, row) in brief.evidence.iter().take(cut.rows()).enumerate() {
        newline(index, out);
        push(out, format_args!("<evidence-{nonce}>\n"));
        record(row, each, out);
        push(out, format_args!("</evidence-{nonce}>"));
    }
}

/// The lines that show a row in a request.
pub(super) fn lines_of(row: &Evidence) -> Vec<String> {
    let mut shown = String::new();
    record(row, usize::MAX, &mut shown);
    shown.lines().map(|line| line.trim().to_owned()).collect()
}

fn record(row: &Evidence, each: usize, out: &mut String) {
    let mut line = |key: &str, text: &str| {
        push(out, format_args!("{key}: {}\n", head_and_tail(text, each)));
    };
    line("Input", &row.input);
    if let Some(trajectory) = &row.trajectory {
        line("Steps", trajectory);
    }
    if let Some(answer) = &row.answer {
        line("Answer", answer);
    }
    if let Some(contrast) = &row.contrast {
        line("Worse answer", contrast);
    }
    if let Some(expected) = &row.expected {
        line("Expected", expected);
    }
    if let Some(score) = row.score {
        line("Score", &format!("{score:.2}"));
    }
    for feedback in &row.feedback {
        line("Feedback", feedback);
    }
}
