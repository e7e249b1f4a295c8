//! The report as Markdown, for example for a pull request.

use super::Report;
use super::changed_rows::RowGroup;
use super::diff::{Piece, elided, marked};
use super::findings::{Findings, Row};
use super::spending::RoleRow;
use crate::text::{plural, thousands};
use std::fmt::Write as _;

/// Characters of unchanged text that are kept around a change.
const CONTEXT: usize = 300;

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let findings = Findings::of(report);
    let mut page = Page { text: String::new() };
    page.verdict(&findings);
    page.figures(&findings);
    page.diff(&findings);
    page.candidates("Quality against cost", FRONT, &findings.front);
    if findings.has_winner {
        page.candidates("Where the best prompt comes from", LINEAGE, &findings.lineage);
    }
    let more = match findings.left_out {
        0 => String::new(),
        count => format!(" {} not shown.", plural(count, "more candidate")),
    };
    page.candidates("Candidates", &format!("{TOP}{more}"), &findings.top);
    page.rows(&findings);
    page.spend(&findings);
    page.tried(&findings);
    page.provenance(&findings);
    page.text
}

const FRONT: &str = "The Pareto front on dev: no other prompt is better in both. Cheapest first.";
const LINEAGE: &str = "The best prompt and its ancestors.";
const TOP: &str = "Candidates that were evaluated on all of dev come first.";

struct Page {
    text: String,
}

impl Page {
    fn paragraph(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push_str("\n\n");
    }

    fn heading(&mut self, text: &str) {
        self.paragraph(&format!("## {text}"));
    }

    /// A table; the columns from `right_from` on are figures.
    fn table(&mut self, header: &[&str], right_from: usize, rows: &[Vec<String>]) {
        // A bar ends a cell, also in a code span.
        let inside = |cell: &String| cell.replace('|', "\\|");
        let line = |cells: Vec<String>| {
            format!("| {} |\n", cells.iter().map(inside).collect::<Vec<_>>().join(" | "))
        };
        self.text.push_str(&line(header.iter().map(ToString::to_string).collect()));
        let rule =
            (0..header.len()).map(|column| if column >= right_from { "---:" } else { "---" });
        self.text.push_str(&line(rule.map(str::to_owned).collect()));
        for row in rows {
            self.text.push_str(&line(row.clone()));
        }
        self.text.push('\n');
    }

    fn verdict(&mut self, findings: &Findings) {
        let verdict = &findings.verdict;
        self.paragraph(&format!("# promptsearch: {}", code(&findings.run)));
        self.paragraph(&format!("**{}:** {}.", verdict.word, inline(&verdict.sentence)));
        if let Some(simulated) = verdict.simulated {
            self.paragraph(&format!("> {simulated}"));
        }
        if let Some(trouble) = &verdict.trouble {
            self.paragraph(&code(trouble));
        }
        for detail in verdict.details.iter().chain(&verdict.advice) {
            let _ = writeln!(self.text, "- {}", inline(detail));
        }
        self.text.push('\n');
    }

    fn figures(&mut self, findings: &Findings) {
        if findings.figures.is_empty() {
            return;
        }
        let header: &[&str] = match findings.has_winner {
            true => &["", "baseline", "best", "change"],
            false => &["", "baseline"],
        };
        let rows: Vec<Vec<String>> = findings
            .figures
            .iter()
            .map(|figure| {
                let mut row = vec![figure.label.clone(), figure.baseline.clone()];
                if findings.has_winner {
                    row.push(figure.best.clone());
                    row.push(
                        format!("{} {}", figure.change, figure.change_range).trim().to_owned(),
                    );
                }
                row
            })
            .collect();
        self.table(header, 1, &rows);
        self.paragraph("Scores are means with 95 % intervals.");
        if let Some(pruned) = &findings.pruned {
            self.paragraph(&format!("{pruned}."));
        }
    }

    fn diff(&mut self, findings: &Findings) {
        if !findings.has_winner {
            return;
        }
        self.heading("What changed in the prompt");
        for part in &findings.parts {
            if part.is_changed {
                self.paragraph(&format!(
                    "{}, as `[-before-]` and `{{+after+}}`:",
                    code(&part.name)
                ));
                self.block(&part.pieces);
            } else {
                self.paragraph(&format!("{} is unchanged.", code(&part.name)));
            }
        }
    }

    fn block(&mut self, pieces: &[Piece]) {
        let text = marked(&elided(pieces.to_vec(), CONTEXT));
        self.paragraph(&fenced("text", &text));
    }

    fn candidates(&mut self, title: &str, caption: &str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        self.heading(title);
        self.paragraph(caption);
        let header = [
            "prompt",
            "operator",
            "parents",
            "evaluated on",
            "dev",
            "rows",
            "USD per 1,000",
            "tokens",
        ];
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let mark = if row.mark.is_empty() { "" } else { " **" };
                let end = if row.mark.is_empty() { "" } else { "**" };
                let parents: Vec<String> =
                    row.parents.split(" + ").filter(|p| !p.is_empty()).map(code).collect();
                vec![
                    format!("{}{mark}{}{end}", code(&row.id), row.mark),
                    code(&row.operator),
                    parents.join(" + "),
                    row.fate.clone(),
                    format!("{} {}", row.mean, row.interval).trim().to_owned(),
                    row.rows.clone(),
                    row.cost.clone(),
                    row.tokens.clone(),
                ]
            })
            .collect();
        self.table(&header, 4, &rows);
    }

    fn rows(&mut self, findings: &Findings) {
        let rows = &findings.rows;
        if findings.has_winner {
            self.heading("Rows that changed");
            self.paragraph(&format!(
                "On dev, the best prompt is better on {}, worse on {}, and equal on {}.",
                plural(rows.won_count, "row"),
                plural(rows.lost_count, "row"),
                plural(rows.same_count, "row")
            ));
            self.groups("Better than the baseline", &rows.won);
            self.groups("Worse than the baseline", &rows.lost);
        }
        if rows.unsolved_count > 0 {
            self.heading("Rows that no prompt got right");
            self.paragraph(&format!(
                "No prompt got the full score on {} of dev, each evaluated by {}.",
                plural(rows.unsolved_count, "row"),
                rows.unsolved_tried
            ));
            self.groups("Best score", &rows.unsolved);
        }
    }

    fn groups(&mut self, title: &str, groups: &[RowGroup]) {
        if groups.is_empty() {
            return;
        }
        let rows: Vec<Vec<String>> = groups
            .iter()
            .map(|group| {
                let mut ids: Vec<String> = group.ids.iter().map(|id| code(id)).collect();
                if group.left_out > 0 {
                    ids.push(format!("and {}", plural(group.left_out, "more row")));
                }
                vec![group.scores.clone(), group.count.to_string(), ids.join(" ")]
            })
            .collect();
        self.table(&[title, "rows", "ids"], 3, &rows);
    }

    fn spend(&mut self, findings: &Findings) {
        let spend = &findings.spend;
        self.heading("Spent");
        let cells = |row: &RoleRow| {
            let model = if row.model.is_empty() { String::new() } else { code(&row.model) };
            vec![
                row.role.clone(),
                model,
                row.calls.clone(),
                row.prompt_tokens.clone(),
                row.completion_tokens.clone(),
                row.usd.clone(),
            ]
        };
        let mut rows: Vec<Vec<String>> = spend.roles.iter().map(cells).collect();
        if rows.len() > 1 {
            rows.push(cells(&spend.total));
        }
        let header = ["role", "model", "calls", "prompt tokens", "answer tokens", "USD"];
        self.table(&header, 2, &rows);
        let mut facts = vec![format!("Running time: {}", spend.time)];
        facts.extend(spend.why_ended.map(|why| format!("stop reason: {why}")));
        facts.extend(spend.lost.as_ref().map(|usd| format!("{usd} was lost to interruptions")));
        facts.extend(spend.cached.as_ref().map(|calls| format!("{calls} came from the cache")));
        facts.extend(spend.reused.clone());
        facts.extend(spend.provider_cache.clone());
        facts.extend(spend.batches.clone());
        facts.extend(spend.hedges.clone());
        self.paragraph(&format!("{}.", facts.join("; ")));
        for sentence in &spend.mutators {
            self.paragraph(&format!("{}.", code(sentence)));
        }
    }

    fn tried(&mut self, findings: &Findings) {
        let tried = &findings.tried;
        self.heading("Proposals and evaluations");
        let fates: Vec<String> =
            tried.fates.iter().map(|(fate, n)| format!("{} {fate}", thousands(*n))).collect();
        let fates =
            if fates.is_empty() { String::new() } else { format!(": {}", fates.join(", ")) };
        self.paragraph(&format!(
            "{} → {}{fates}. {}, {} of them invalid; {} without a score.",
            tried.proposals, tried.candidates, tried.evaluations, tried.invalid, tried.errors
        ));
        for sentence in tried.invalid_reasons.iter().chain(&tried.failed) {
            let sentence = code(sentence);
            self.paragraph(&sentence);
        }
        for (what, count) in &tried.repaired {
            self.paragraph(&format!("Repaired before evaluation: {} ({what}).", thousands(*count)));
        }
        let mut rows: Vec<Vec<String>> = tried
            .rejected
            .iter()
            .map(|r| vec![r.reason.clone(), r.meaning.to_owned(), thousands(r.count)])
            .collect();
        rows.extend(
            tried
                .noted
                .iter()
                .map(|(why, n)| vec!["noted".to_owned(), (*why).to_owned(), thousands(*n)]),
        );
        rows.extend(
            tried
                .abandoned
                .iter()
                .map(|(why, n)| vec!["abandoned".to_owned(), (*why).to_owned(), thousands(*n)]),
        );
        if !rows.is_empty() {
            self.table(&["rejected", "reason", "proposals"], 2, &rows);
        }
    }

    fn provenance(&mut self, findings: &Findings) {
        self.heading("Provenance");
        let facts: Vec<Vec<String>> = findings
            .provenance
            .iter()
            .map(|(name, value)| vec![name.clone(), code(value)])
            .collect();
        self.table(&["", ""], 2, &facts);
        let trimmed = self.text.trim_end().len();
        self.text.truncate(trimmed);
        self.text.push('\n');
    }
}

/// Untrusted text as a block that it cannot close.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run_of_ticks(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// Untrusted text as a code span that it cannot close.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run_of_ticks(text) + 1);
    let space = if text.contains('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// A line in which code spans stay, and nothing else is markup. As CommonMark reads it, a span ends at the next run of
/// as many backticks as begin it; where there is none, they stand for themselves.
#[must_use]
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        if ticks > 0 {
            let whole = ticks + end_of_span(&rest[ticks..], ticks).unwrap_or_default();
            match whole > ticks {
                true => out.push_str(&rest[..whole]),
                false => out.push_str(&"\\`".repeat(ticks)),
            }
            rest = &rest[whole..];
            continue;
        }
        rest = &rest[next.len_utf8()..];
        let is_markup = match next {
            // A comparison, such as `p < 0.01` or `x >= 1`, is no tag.
            '<' | '>' => !rest.starts_with([' ', '=']),
            next => matches!(next, '*' | '_' | '~' | '[' | ']' | '\\' | '#' | '|'),
        };
        if is_markup {
            out.push('\\');
        }
        out.push(next);
    }
    out
}

/// Where the first run of exactly this many backticks ends.
fn end_of_span(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let begin = at + found;
        let run = text[begin..].len() - text[begin..].trim_start_matches('`').len();
        at = begin + run;
        if run == ticks {
            return Some(at);
        }
    }
    None
}

fn longest_run_of_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::example::{Kind, run};
    use super::*;

    #[test]
    fn a_confirmed_run_as_a_document() {
        insta::assert_snapshot!(markdown(&run(Kind::Confirmed).report()));
    }

    #[test]
    fn every_run_has_a_document() {
        for kind in [Kind::Unproven, Kind::Unasked, Kind::BaselineWon, Kind::Interrupted, Kind::New]
        {
            let text = markdown(&run(kind).report());
            assert!(text.contains("## Provenance"));
            assert!(!text.contains("\n\n\n"), "{text}");
        }
    }

    #[test]
    fn every_invalid_answer_has_a_reason_and_no_held_out_row_is_named() {
        let run = run(Kind::Confirmed);
        assert!(run.summary.counts.invalid > 0);
        assert_eq!(run.invalid.all.total(), run.summary.counts.invalid);
        let visible = run.task.visible_rows();
        let named = run.invalid.all.reasons().flat_map(|reason| &reason.rows);
        for row in named {
            assert!(visible.iter().any(|other| other.id == row.id), "{}", row.id);
        }
        assert!(markdown(&run.report()).contains("invalid: the answer names none of the labels"));
    }

    #[test]
    fn nothing_leaves_a_code_span() {
        assert_eq!(code("a|b"), "`a|b`");
        assert_eq!(code("a``b"), "``` a``b ```");
        assert_eq!(longest_run_of_ticks("no ticks"), 0);
    }

    #[test]
    fn only_code_spans_are_markup_in_a_line() {
        for (text, shown) in [
            ("`a_b >= 1` *is* x_y", "`a_b >= 1` \\*is\\* x\\_y"),
            // One that nothing closes is no span, whatever follows it.
            ("p < 0.01, x >= 1", "p < 0.01, x >= 1"),
            ("a ` <b> [c](d)", "a \\` \\<b> \\[c\\](d)"),
            ("``a`b`` `c", "``a`b`` \\`c"),
            ("`a`` <b>", "\\`a\\`\\` \\<b\\>"),
            ("\\`a`", "\\\\`a`"),
        ] {
            assert_eq!(inline(text), shown);
        }
    }
}
