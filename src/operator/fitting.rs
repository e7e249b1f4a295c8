//! What is left out of a request so that it fits into the mutator's context window.
//!
//! Evidence goes first, then past prompts; the current text, the other parents and notes are never
//! cut. A request that does not fit even so is an error, not a shorter request.

use super::framing::Frame;
use super::{Brief, OperatorError};

/// The most bytes of one field of evidence; longer ones lose their middle.
const FIELD_BYTES: usize = 4_000;
/// The most bytes of all evidence where no window is known.
const EVIDENCE_BYTES: usize = 48_000;
/// Fields of a row among which its bytes are shared.
const FIELDS: usize = 4;
/// Below this a field says too little; then rows are left out.
const LEAST_FIELD_BYTES: usize = 160;
/// Bytes of one token, on the safe side: English has about four, code and most other languages less.
const BYTES_PER_TOKEN: u64 = 3;
/// What providers add around one message.
const MESSAGE_TOKENS: u64 = 16;

/// How much of a brief is shown.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    evidence_bytes: usize,
    rows: usize,
    /// Places in the history, from the one that is missed least.
    order: Vec<usize>,
    left_out: usize,
}

impl Cut {
    /// Everything, within the limits that always hold.
    pub(super) fn none(brief: &Brief<'_>) -> Self {
        let mut order: Vec<usize> = (0..brief.history.len()).collect();
        // The worst go first; where no scores are told the order says it: oldest or worst first.
        let score = |place: &usize| brief.history[*place].score.unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| score(a).total_cmp(&score(b)));
        Self { evidence_bytes: EVIDENCE_BYTES, rows: brief.evidence.len(), order, left_out: 0 }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The most bytes of one field.
    pub(super) fn field_bytes(&self) -> usize {
        (self.evidence_bytes / self.rows.max(1) / FIELDS).min(FIELD_BYTES)
    }

    /// Whether the past prompt at this place is left out.
    pub(super) fn leaves_out(&self, place: usize) -> bool {
        self.order[..self.left_out].contains(&place)
    }

    /// Leaves out a little more, if there is anything left.
    fn tighten(&mut self) -> bool {
        if self.rows > 0 && self.field_bytes() / 2 >= LEAST_FIELD_BYTES {
            self.evidence_bytes = self.field_bytes() / 2 * FIELDS * self.rows;
        } else if self.rows > 0 {
            let each = self.field_bytes();
            self.rows -= 1;
            self.evidence_bytes = each * FIELDS * self.rows;
        } else if self.left_out < self.order.len() {
            self.left_out += 1;
        } else {
            return false;
        }
        true
    }
}

/// The smallest cut with which the request and its reply fit.
pub(super) fn fit(frame: &Frame<'_>) -> Result<Cut, OperatorError> {
    let mut cut = Cut::none(frame.brief);
    let Some(window) = frame.brief.context_tokens else {
        return Ok(cut);
    };
    loop {
        let needed = needed_tokens(frame, &cut);
        if needed <= window {
            return Ok(cut);
        }
        if !cut.tighten() {
            return Err(OperatorError::TooLong { needed, window });
        }
    }
}

/// Tokens of the request and its reply together, never fewer than there are as far as bytes tell.
pub(super) fn needed_tokens(frame: &Frame<'_>, cut: &Cut) -> u64 {
    let bytes = frame.fill(cut, "0123456789abcdef").len() as u64;
    bytes.div_ceil(BYTES_PER_TOKEN) + MESSAGE_TOKENS + u64::from(frame.brief.max_output_tokens)
}
