//! How much of a brief is shown, and what is left out next where a request does not fit.
//!
//! Evidence goes first, then what sums it up, then past prompts; the current text, the other parents and notes are never
//! cut.

use super::brief::Brief;

/// The most bytes of one field of evidence; longer ones lose their middle.
const FIELD_BYTES: usize = 4_000;
/// The most bytes of all evidence where no window is known.
const EVIDENCE_BYTES: usize = 48_000;
/// Fields of a row among which its bytes are shared, without those of a target.
const FIELDS: usize = 4;
/// Below this a field says too little; then rows are left out.
const LEAST_FIELD_BYTES: usize = 160;

/// How much of a brief is shown.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    evidence_bytes: usize,
    rows: usize,
    /// Fields of a row.
    fields: usize,
    /// Places in the history, from the one that is missed least.
    order: Vec<usize>,
    left_out: usize,
    leaves_out_summaries: bool,
    has_summaries: bool,
}

impl Cut {
    /// Everything, within the limits that always hold.
    pub(super) fn none(brief: &Brief<'_>) -> Self {
        let mut order: Vec<usize> = (0..brief.history.len()).collect();
        // The worst go first; where no scores are told the order says it: oldest or worst first.
        let score = |place: &usize| brief.history[*place].score.unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| score(a).total_cmp(&score(b)));
        Self {
            evidence_bytes: EVIDENCE_BYTES,
            rows: brief.evidence.len(),
            fields: FIELDS + usize::from(brief.evidence.iter().any(|row| row.trajectory.is_some())),
            order,
            left_out: 0,
            leaves_out_summaries: false,
            has_summaries: brief.diagnosis.is_some() || brief.tried.is_some(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The most bytes of one field.
    pub(super) fn field_bytes(&self) -> usize {
        (self.evidence_bytes / self.rows.max(1) / self.fields).min(FIELD_BYTES)
    }

    /// Whether the diagnosis and the tried edits are left out.
    pub(super) fn leaves_out_summaries(&self) -> bool {
        self.leaves_out_summaries
    }

    /// Whether the past prompt at this place is left out.
    pub(super) fn leaves_out(&self, place: usize) -> bool {
        self.order[..self.left_out].contains(&place)
    }

    /// Leaves out a little more, if there is anything left.
    pub(super) fn tighten(&mut self) -> bool {
        if self.rows > 0 && self.field_bytes() / 2 >= LEAST_FIELD_BYTES {
            self.evidence_bytes = self.field_bytes() / 2 * self.fields * self.rows;
        } else if self.rows > 0 {
            let each = self.field_bytes();
            self.rows -= 1;
            self.evidence_bytes = each * self.fields * self.rows;
        } else if self.has_summaries && !self.leaves_out_summaries {
            self.leaves_out_summaries = true;
        } else if self.left_out < self.order.len() {
            self.left_out += 1;
        } else {
            return false;
        }
        true
    }
}
