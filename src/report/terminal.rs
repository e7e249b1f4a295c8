//! The result of a run on the terminal, and the line of progress.
//!
//! The result ends with the verdict in words and its figures, where a reader of a terminal looks first. The spending, the
//! candidates and the changes of the prompt stand above.

use super::Report;
use super::diff::{Piece, Tag, elided};
use super::findings::{Figure, Findings, Tried};
use super::spending::{RoleRow, Spend};
use super::verdict::Tone;
use super::words::money;
use crate::caps::Caps;
use crate::run::{Prompted, Status, Summary};
use crate::score_form::ScoreForm;
use crate::text::{columns_of, lines, plural, thousands, wrapped};
use crate::units::Tokens;

/// Most lines of diff; the report shows longer ones.
const DIFF_LINES: usize = 40;
/// Characters of unchanged text that are kept around a change.
const CONTEXT: usize = 70;
/// The largest width of prose.
pub(super) const WIDEST: usize = 100;
/// The smallest width that is used.
pub(super) const NARROWEST: usize = 40;

/// The result of a run: the verdict, the figures, and the path of the report.
#[must_use]
pub fn end_of_run(report: &Report<'_>, colour: bool, width: usize) -> String {
    let findings = Findings::of(report);
    let mut page = Page {
        text: String::new(),
        paint: Paint { colour },
        width: width.clamp(NARROWEST, WIDEST),
        form: report.score_form(),
    };
    let head = page.paint.dim(&findings.run);
    page.line(&head);
    page.spend(&findings.spend);
    page.tried(&findings.tried);
    page.diff(&findings);
    page.figures(&findings.figures, findings.has_winner);
    if let Some(pruned) = &findings.pruned {
        page.prose(2, pruned, |_, text| text.to_owned());
    }
    page.verdict(&findings);
    page.next(report);
    page.text
}

/// The line of progress.
#[must_use]
pub fn status_line(summary: &Summary, caps: &Caps) -> String {
    let calls: u64 = summary.spent.by_role.values().map(|role| role.calls).sum();
    let mut facts = vec![match caps.calls {
        Some(cap) => format!("{}/{} calls", thousands(calls), thousands(cap)),
        None => format!("{} calls", thousands(calls)),
    }];
    match caps.usd {
        Some(cap) => facts.push(format!("{}/{}", money(summary.spent.usd), money(cap.dollars()))),
        None if summary.spent.usd > 0.0 => facts.push(money(summary.spent.usd)),
        None => {}
    }
    if let Some(cap) = caps.proposals {
        let mutators = summary.spent.by_role.iter().filter(|(role, _)| role.starts_with("mutator"));
        let proposals: u64 = mutators.map(|(_, role)| role.calls).sum();
        facts.push(format!("{}/{} proposals", thousands(proposals), thousands(cap)));
    }
    if let Some(cap) = caps.tokens {
        let roles = summary.spent.by_role.values();
        let tokens: Tokens = roles.map(|it| it.prompt_tokens + it.completion_tokens).sum();
        facts.push(format!("{tokens}/{cap} tokens"));
    }
    facts.push(plural(summary.counts.candidates as usize, "candidate"));
    let form = summary.score_form;
    let dev = |side: &Option<Prompted>| Some(side.as_ref()?.dev?.mean);
    facts.push(match (dev(&summary.best), dev(&summary.baseline)) {
        (Some(best), Some(baseline)) => {
            format!("best {} (baseline {}) on dev", form.score(best), form.score(baseline))
        }
        (Some(best), None) => format!("best {} on dev", form.score(best)),
        _ => "measuring the baseline".to_owned(),
    });
    facts.join(" · ")
}

/// Adds terminal colours and weights, if colour is on.
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }

    /// Deletions are also struck through, for readers who cannot tell red from green.
    pub(super) fn tag(&self, tag: Tag, text: &str) -> String {
        match tag {
            Tag::Kept => text.to_owned(),
            Tag::Deleted => self.with("31;9", text),
            Tag::Inserted => self.with("32", text),
        }
    }
}

/// The output, built line by line.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) paint: Paint,
    pub(super) width: usize,
    /// How scores are written.
    pub(super) form: ScoreForm,
}

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    pub(super) fn title(&mut self, title: &str) {
        let title = self.paint.bold(title);
        self.line("");
        self.line(&title);
    }

    /// Wraps prose with an indent. Each line is coloured separately, so that no colour runs over.
    pub(super) fn prose(
        &mut self,
        indent: usize,
        text: &str,
        paint: impl Fn(&Paint, &str) -> String,
    ) {
        for text in set_prose(text, self.width - indent) {
            let line = format!("{:indent$}{}", "", paint(&self.paint, &text));
            self.line(&line);
        }
    }

    fn verdict(&mut self, findings: &Findings) {
        let verdict = &findings.verdict;
        let (sign, code) = match verdict.tone {
            Tone::Confirmed => ("✓", "1;32"),
            Tone::Open => ("○", "1;33"),
            Tone::Waiting => ("…", "1"),
        };
        self.line("");
        // Only the word is coloured; the sentence is wrapped after it.
        let word = format!("{sign} {}:", verdict.word);
        let whole = format!("{word} {}", verdict.sentence);
        for (number, text) in set_prose(&whole, self.width - 2).iter().enumerate() {
            let line = match text.strip_prefix(&word) {
                Some(rest) if number == 0 => {
                    format!("{}{}", self.paint.with(code, &word), self.paint.bold(rest))
                }
                _ => format!("  {}", self.paint.bold(text)),
            };
            self.line(&line);
        }
        if let Some(simulated) = verdict.simulated {
            self.prose(2, simulated, |paint, text| paint.with("33", text));
        }
        if let Some(trouble) = &verdict.trouble {
            self.prose(2, trouble, |paint, text| paint.with("33", text));
        }
        for detail in verdict.details.iter().chain(&verdict.advice) {
            self.prose(2, detail, |_, text| text.to_owned());
        }
    }

    fn figures(&mut self, figures: &[Figure], has_winner: bool) {
        if figures.is_empty() {
            return;
        }
        self.line("");
        let mut table = vec![match has_winner {
            true => vec!["", "baseline", "best", ""],
            false => vec!["", "baseline"],
        }];
        for figure in figures {
            table.push(match has_winner {
                true => vec![&figure.label, &figure.baseline, &figure.best, &figure.change],
                false => vec![&figure.label, &figure.baseline],
            });
        }
        let widths = column_widths(&table);
        if widths.iter().sum::<usize>() + 2 * widths.len() <= self.width {
            self.table(&table, &widths, 0);
            return;
        }
        // Too narrow for columns: put the figures below each other.
        for figure in figures {
            let label = self.paint.dim(&figure.label);
            self.line(&format!("  {label}"));
            let sides = match has_winner {
                true if figure.best.is_empty() => figure.change.clone(),
                true => format!("{} → {}", figure.baseline, figure.best),
                false => figure.baseline.clone(),
            };
            self.prose(4, &sides, |_, text| text.to_owned());
        }
    }

    /// A table with a header. Columns from `right_from` on are aligned to the right; 0 means none.
    pub(super) fn table(&mut self, rows: &[Vec<&str>], widths: &[usize], right_from: usize) {
        for (number, row) in rows.iter().enumerate() {
            let mut line = String::from("  ");
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let space = " ".repeat(width.saturating_sub(columns_of(cell)));
                let is_right = right_from > 0 && column >= right_from;
                let cell = if number == 0 || column == 0 {
                    self.paint.dim(cell)
                } else {
                    (*cell).to_owned()
                };
                if is_right {
                    line.push_str(&space);
                    line.push_str(&cell);
                } else {
                    line.push_str(&cell);
                    line.push_str(&space);
                }
                line.push_str("  ");
            }
            self.line(&line);
        }
    }

    fn spend(&mut self, spend: &Spend) {
        self.title("Spent");
        let mut table = vec![vec!["", "calls", "prompt tokens", "answer tokens", "USD"]];
        let cells = |row: &'_ RoleRow| -> [String; 5] {
            [&row.role, &row.calls, &row.prompt_tokens, &row.completion_tokens, &row.usd]
                .map(Clone::clone)
        };
        let mut rows: Vec<[String; 5]> = spend.roles.iter().map(cells).collect();
        if rows.len() > 1 {
            rows.push(cells(&spend.total));
        }
        table.extend(rows.iter().map(|row| row.iter().map(String::as_str).collect()));
        let mut widths = column_widths(&table);
        if widths.iter().sum::<usize>() + 2 * widths.len() > self.width {
            for row in &mut table {
                row.drain(2..4);
            }
            widths = column_widths(&table);
        }
        self.table(&table, &widths, 1);
        let mut facts = vec![spend.time.clone()];
        facts.extend(spend.why_ended.map(|why| format!("stop reason: {why}")));
        facts.extend(spend.lost.as_ref().map(|usd| format!("{usd} lost to interruptions")));
        facts.extend(spend.cached.as_ref().map(|calls| format!("{calls} answered from the cache")));
        facts.extend(spend.reused.clone());
        facts.extend(spend.provider_cache.clone());
        facts.extend(spend.batches.clone());
        facts.extend(spend.hedges.clone());
        self.prose(2, &facts.join(" · "), |_, text| text.to_owned());
        for sentence in &spend.mutators {
            self.prose(2, sentence, |_, text| text.to_owned());
        }
    }

    fn tried(&mut self, tried: &Tried) {
        self.title("Proposals and evaluations");
        let list = |facts: Vec<String>| facts.join(", ");
        let fates =
            list(tried.fates.iter().map(|(fate, n)| format!("{} {fate}", thousands(*n))).collect());
        let fates = if fates.is_empty() { fates } else { format!(": {fates}") };
        let first = format!("{} → {}{fates}", tried.proposals, tried.candidates);
        self.prose(2, &first, |_, text| text.to_owned());
        if !tried.rejected.is_empty() {
            let reasons = tried.rejected.iter();
            let reasons =
                list(reasons.map(|r| format!("{} {}", thousands(r.count), r.reason)).collect());
            self.prose(2, &format!("rejected before evaluation: {reasons}"), |_, text| {
                text.to_owned()
            });
        }
        for (why, count) in &tried.noted {
            self.prose(2, &format!("noted: {} ({why})", thousands(*count)), |_, text| {
                text.to_owned()
            });
        }
        if !tried.abandoned.is_empty() {
            let abandoned = tried.abandoned.iter();
            let abandoned =
                list(abandoned.map(|(why, n)| format!("{} ({why})", thousands(*n))).collect());
            self.prose(2, &format!("abandoned: {abandoned}"), |_, text| text.to_owned());
        }
        if !tried.repaired.is_empty() {
            let repaired = tried.repaired.iter();
            let repaired =
                list(repaired.map(|(what, n)| format!("{} ({what})", thousands(*n))).collect());
            self.prose(2, &format!("repaired before evaluation: {repaired}"), |_, text| {
                text.to_owned()
            });
        }
        let answers = format!(
            "{}, {} of them invalid; {} without a score",
            tried.evaluations, tried.invalid, tried.errors
        );
        self.prose(2, &answers, |_, text| text.to_owned());
        for sentence in tried.invalid_reasons.iter().chain(&tried.failed) {
            self.prose(2, sentence, |_, text| text.to_owned());
        }
    }

    fn diff(&mut self, findings: &Findings) {
        if !findings.has_winner {
            return;
        }
        let mut left = DIFF_LINES;
        let mut over = 0;
        for part in &findings.parts {
            let title = if part.is_changed {
                format!("What changed in `{}`", part.name)
            } else {
                format!("`{}` is unchanged", part.name)
            };
            self.title(&title);
            if !part.is_changed {
                continue;
            }
            let pieces = elided(part.pieces.clone(), CONTEXT);
            let lines = wrapped(&self.tagged(&pieces), self.width - 2);
            over += lines.len().saturating_sub(left);
            for line in lines.iter().take(left) {
                let painted: String =
                    line.iter().map(|(tag, text)| self.paint.tag(*tag, text)).collect();
                self.line(&format!("  {painted}"));
            }
            left = left.saturating_sub(lines.len());
        }
        if over > 0 {
            let more = format!("  … {} in the report", plural(over, "more line"));
            let more = self.paint.dim(&more);
            self.line(&more);
        }
    }

    /// Runs ready for output: with marks if there is no colour, and with a sign if only white space
    /// changed.
    pub(super) fn tagged<'a>(&self, pieces: &'a [Piece]) -> Vec<(Tag, std::borrow::Cow<'a, str>)> {
        pieces
            .iter()
            .map(|run| {
                let is_blank = run.text.chars().all(char::is_whitespace);
                let text = if is_blank && run.tag != Tag::Kept {
                    run.text.replace('\n', "↵\n").into()
                } else {
                    std::borrow::Cow::Borrowed(run.text.as_str())
                };
                let text = match run.tag {
                    Tag::Deleted if !self.paint.colour => format!("[-{text}-]").into(),
                    Tag::Inserted if !self.paint.colour => format!("{{+{text}+}}").into(),
                    _ => text,
                };
                (run.tag, text)
            })
            .collect()
    }

    fn next(&mut self, report: &Report<'_>) {
        let (summary, run) = (report.summary, report.handle());
        self.title("Next");
        let folder =
            super::words::visible_line(&report.folder.join("report.html").to_string_lossy());
        let mut lines = vec![("report", folder)];
        match (summary.recommended, summary.status) {
            (Some(_), _) if report.has_winner() => {
                let flag = match summary.confirmed {
                    Some(true) => "",
                    _ => " --accept-unconfirmed",
                };
                let command = format!("promptsearch export {run}{flag} --to REPO --path prompt.md");
                lines.push(("export", command));
            }
            (None, Status::Interrupted | Status::Failed) => {
                lines.push(("resume", format!("promptsearch resume {run}")));
            }
            _ => {}
        }
        for (name, text) in lines {
            // Paths and commands are not wrapped, so that they can be copied.
            let line = format!("  {}  {text}", self.paint.dim(&format!("{name:<6}")));
            self.line(&line);
        }
    }
}

pub(super) fn column_widths(rows: &[Vec<&str>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| columns_of(cell)).max()
        })
        .map(Option::unwrap_or_default)
        .collect()
}

/// Wraps prose to `width` columns and keeps figures with their units.
pub(super) fn set_prose(text: &str, width: usize) -> Vec<String> {
    let mut tied = text.to_owned();
    for glue in [" %", " pp", " = ", " < "] {
        tied = tied.replace(glue, &glue.replace(' ', "\u{a0}"));
    }
    lines(&tied, width).into_iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{Kind, run, run_of, ticket_routing};
    use super::*;
    use crate::units::Usd;

    #[test]
    fn the_end_of_a_confirmed_run() {
        insta::assert_snapshot!(end_of_run(&run(Kind::Confirmed).report(), false, 80));
    }

    #[test]
    fn the_end_of_a_run_that_proved_nothing() {
        insta::assert_snapshot!(end_of_run(&run(Kind::Unproven).report(), false, 80));
    }

    #[test]
    fn the_end_of_a_run_that_beat_nothing() {
        insta::assert_snapshot!(end_of_run(&run(Kind::BaselineWon).report(), false, 80));
    }

    #[test]
    fn the_end_of_a_run_without_held_out_rows() {
        insta::assert_snapshot!(end_of_run(&run(Kind::Unasked).report(), false, 60));
    }

    #[test]
    fn token_counts_of_an_edited_journal_do_not_overflow() {
        let mut example = run(Kind::Confirmed);
        for role in example.summary.spent.by_role.values_mut() {
            let most = Tokens(u64::MAX);
            (role.prompt_tokens, role.completion_tokens) = (most, most);
            (role.cached_tokens, role.cache_write_tokens) = (most, most);
        }
        let shown = end_of_run(&example.report(), false, 120);
        assert!(shown.contains("18,446,744,073,709,551,615"), "{shown}");
        let caps = Caps { tokens: Some(Tokens(5)), ..Caps::default() };
        assert!(status_line(&example.summary, &caps).contains("18,446,744,073,709,551,615/5"));
    }

    #[test]
    fn an_interrupted_run_shows_how_to_resume() {
        insta::assert_snapshot!(end_of_run(&run(Kind::Interrupted).report(), false, 80));
    }

    #[test]
    fn a_run_in_which_nothing_happened() {
        insta::assert_snapshot!(end_of_run(&run(Kind::New).report(), false, 80));
    }

    #[test]
    fn colour_is_only_where_it_is_wanted_and_never_bleeds() {
        let example = run(Kind::Confirmed);
        assert!(!end_of_run(&example.report(), false, 80).contains('\u{1b}'));
        let coloured = end_of_run(&example.report(), true, 80);
        for line in coloured.lines() {
            assert_eq!(line.matches("\u{1b}[").count(), 2 * line.matches("\u{1b}[0m").count());
        }
        assert!(coloured.contains("\u{1b}[32m"));
    }

    #[test]
    fn a_line_fits_the_terminal_but_for_what_is_copied() {
        for width in [40, 60, 80, 100] {
            for kind in [Kind::Confirmed, Kind::Unproven, Kind::Unasked, Kind::BaselineWon] {
                let text = end_of_run(&run(kind).report(), false, width);
                let lines = text.lines().filter(|line| !line.contains("results/"));
                for line in lines.filter(|line| !line.contains("promptsearch export")) {
                    assert!(columns_of(line) <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn a_long_diff_is_cut() {
        let long: String = (0..200).map(|line| format!("Rule {line}: say {line}.\n")).collect();
        let example = run_of(Kind::Confirmed, ticket_routing(), |text| format!("{text}{long}"));
        let text = end_of_run(&example.report(), false, 80);
        assert!(text.contains("more lines in the report"));
        assert!(text.lines().count() < 90);
    }

    #[test]
    fn progress_in_one_line() {
        let example = run(Kind::Interrupted);
        let caps = Caps { usd: Usd::from_dollars(2.0), calls: Some(4_000), ..Caps::default() };
        assert_eq!(
            status_line(&example.summary, &caps),
            "894/4,000 calls · $0.0629/$2.00 · 7 candidates · best 57.9 % (baseline 48.4 %) on dev"
        );
        assert_eq!(
            status_line(&run(Kind::New).summary, &Caps::default()),
            "0 calls · 0 candidates · measuring the baseline"
        );
    }
}
