//! New rows for people: what was written, what was refused, and what to do next.

use super::Synthesis;
use crate::report::{visible, visible_line};
use crate::text::{cut, head_and_tail, plural};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most characters of an input; the file has all of them.
const MOST_CHARS: usize = 240;
/// The most columns of an answer.
const LONGEST_ANSWER: usize = 60;

/// The page, with at most `limit` rows.
#[must_use]
pub fn page(found: &Synthesis, limit: usize) -> String {
    let mut out = String::new();
    let source = found.of.as_ref().map_or_else(String::new, |run| format!(" · failures of {run}"));
    let _ = writeln!(out, "{}{source} · {}", visible_line(&found.task), visible_line(&found.model));
    let _ = writeln!(
        out,
        "{} written of {} asked for, {} refused; {}, {:.4} USD",
        found.written.len(),
        found.asked,
        found.refused.len(),
        plural(found.calls as usize, "call"),
        found.usd
    );
    let mut asked = "";
    for row in found.written.iter().take(limit) {
        if row.asked != asked {
            asked = &row.asked;
            let _ = writeln!(out, "\nTo test: {}", visible_line(asked));
        }
        let _ = writeln!(out, "  {}: {}", row.id, visible_line(&row.tests));
        for line in visible(&head_and_tail(row.input.trim(), MOST_CHARS)).lines() {
            let _ = writeln!(out, "    {line}");
        }
        let _ = writeln!(
            out,
            "    right, as its writer says: `{}`",
            cut(&visible_line(&row.answer), LONGEST_ANSWER)
        );
    }
    let more = found.written.len().saturating_sub(limit);
    if more > 0 {
        let _ = writeln!(out, "  {}; `--limit N` shows them", plural(more, "more row"));
    }
    if !found.refused.is_empty() {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for refused in &found.refused {
            *reasons.entry(&refused.why).or_default() += 1;
        }
        let _ = writeln!(out, "\nRefused:");
        for (why, count) in reasons {
            let _ = writeln!(out, "  {count}  {}", visible_line(why));
        }
    }
    if !found.written.is_empty() {
        let file = found.file.display();
        let _ = writeln!(
            out,
            "\nThe right answers are the model's claims. Read {file}, correct it, and write \"reviewed\": true in each row that you \
             accept: the others are left out."
        );
        if !found.is_read {
            let name = found.file.file_name().unwrap_or_default().to_string_lossy();
            let _ = writeln!(
                out,
                "The task does not read it yet: write `synthetic = \"{name}\"` under [data]."
            );
        }
    }
    if let Some(simulated) = found.simulated {
        let _ = writeln!(out, "{simulated}");
    }
    out
}
