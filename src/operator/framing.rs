//! How the current prompt and the evidence are set off from each other and from the request.
//!
//! Data is data: tags carry a nonce that no row can foresee, so nothing in a row can close one. The
//! nonce is a hash of the run's seed and the request with its nonces left blank: after a resume the
//! same request gets the same nonce.

use super::Brief;
use crate::prompt::{Piece, pieces};
use crate::seed::Seed;
use crate::text::head_and_tail;
use std::fmt;
use std::fmt::Write as _;

/// The most bytes of one field of evidence; longer ones lose their middle.
const FIELD_BYTES: usize = 4_000;
/// The most bytes of all evidence; the prompt itself is never cut.
const EVIDENCE_BYTES: usize = 48_000;

/// A row and what the parent made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The row as the model saw it: the rendered user message.
    pub input: String,
    /// The parent's answer; `None` shows the row alone.
    pub answer: Option<String>,
    /// What a right answer says.
    pub expected: String,
    /// What the answer was worth.
    pub score: Option<f64>,
    /// What the data and the scorers say about it.
    pub feedback: Vec<String>,
}

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

    /// The nonce of a request, from its first tag.
    #[must_use]
    pub fn find(request: &str) -> Option<Self> {
        let digits = request.split_once("<prompt-")?.1.get(..16)?;
        let number = u64::from_str_radix(digits, 16).ok()?;
        Some(Self(number.to_be_bytes()))
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
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Fills a meta-prompt.
pub(super) fn frame(meta_prompt: &str, brief: &Brief<'_>, run: Seed) -> String {
    let blank = fill(meta_prompt, brief, "");
    let nonce = Nonce::of(run, &blank).to_string();
    fill(meta_prompt, brief, &nonce)
}

fn fill(meta_prompt: &str, brief: &Brief<'_>, nonce: &str) -> String {
    let mut filled = String::new();
    for piece in pieces(meta_prompt) {
        match piece {
            Piece::Literal(text) => filled.push_str(text),
            Piece::Column("about") => filled.push_str(brief.about.trim()),
            Piece::Column("current") => current(brief, nonce, &mut filled),
            Piece::Column("evidence") => evidence(brief, nonce, &mut filled),
            Piece::Column("form") => form(brief, nonce, &mut filled),
            Piece::Column("max_tokens") => {
                let _ = write!(filled, "{}", brief.max_tokens);
            }
            Piece::Column(_) => {}
        }
    }
    filled
}

/// The first parent's text, part by part.
fn current(brief: &Brief<'_>, nonce: &str, out: &mut String) {
    let Some(first) = brief.parents.first() else {
        return;
    };
    for (index, name) in brief.searched.iter().enumerate() {
        let newline = if index > 0 { "\n" } else { "" };
        let text = first.part(name).unwrap_or("");
        let _ = write!(out, "{newline}<prompt-{nonce} part=\"{name}\">\n{text}\n</prompt-{nonce}>");
    }
}

/// The reply's form, with the literal opening tag of each part that may be changed.
fn form(brief: &Brief<'_>, nonce: &str, out: &mut String) {
    for (index, name) in brief.searched.iter().enumerate() {
        let newline = if index > 0 { "\n" } else { "" };
        let _ = write!(
            out,
            "{newline}<prompt-{nonce} part=\"{name}\">\n(the whole new text)\n</prompt-{nonce}>"
        );
    }
}

fn evidence(brief: &Brief<'_>, nonce: &str, out: &mut String) {
    let each = (EVIDENCE_BYTES / brief.evidence.len().max(1) / 4).min(FIELD_BYTES);
    for (index, row) in brief.evidence.iter().enumerate() {
        let newline = if index > 0 { "\n" } else { "" };
        let _ = writeln!(out, "{newline}<evidence-{nonce}>");
        let _ = writeln!(out, "Input: {}", head_and_tail(&row.input, each));
        if let Some(answer) = &row.answer {
            let _ = writeln!(out, "Answer: {}", head_and_tail(answer, each));
        }
        let _ = writeln!(out, "Expected: {}", head_and_tail(&row.expected, each));
        if let Some(score) = row.score {
            let _ = writeln!(out, "Score: {score:.2}");
        }
        for feedback in &row.feedback {
            let _ = writeln!(out, "Feedback: {}", head_and_tail(feedback, each));
        }
        let _ = write!(out, "</evidence-{nonce}>");
    }
}
