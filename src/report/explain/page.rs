//! An explanation on the terminal: the candidate, why it was written, what changed, what happened.

use super::super::diff::{Tag, elided};
use super::super::terminal::{NARROWEST, Page, Paint, WIDEST};
use super::super::words::{self, money, visible_line};
use super::sentences::mean;
use super::{
    CallMade, CandidateRef, Change, Explanation, Happened, Identity, Moment, Outcome, Provenance,
    Relative,
};
use crate::score_form::ScoreForm;
use crate::task::example::Split;
use crate::task::scorer::InvalidAnswers;
use crate::text::{columns_of, wrapped};
use crate::text::{plural, shorten, thousands};
use std::collections::BTreeMap;

/// The column at which the text of a labelled line begins.
const INDENT: usize = 14;
/// Most lines of a table; the middle of a longer one is left out.
const LINES: usize = 12;
/// Most lines of a text, such as a note, a reply or a part's diff.
const TEXT_LINES: usize = 24;
/// Characters of a line that was repaired.
const REPAIRED: usize = 80;
/// Characters of unchanged text that are kept around a change.
const CONTEXT: usize = 70;

/// The page, at most `width` columns wide.
#[must_use]
pub fn page(explanation: &Explanation, colour: bool, width: usize) -> String {
    let mut page = Page {
        text: String::new(),
        paint: Paint { colour },
        width: width.clamp(NARROWEST, WIDEST),
        form: explanation.score_form,
    };
    let head = page.paint.dim(&explanation.run);
    page.line(&head);
    match (&explanation.candidate, &explanation.written) {
        (Some(identity), written) => {
            page.identity(identity, written.as_ref(), &explanation.invalid);
        }
        (None, Some(written)) => page.rejected(written),
        (None, None) => page.prose(0, "nothing is known about it", |_, text| text.to_owned()),
    }
    for flag in &explanation.flags {
        page.prose(0, &format!("Flagged: {flag}."), |_, text| text.to_owned());
    }
    if let Some(written) = &explanation.written {
        page.written(written, explanation.candidate.is_some());
    }
    if explanation.candidate.is_some() {
        page.changes(&explanation.changes);
        page.fate(&explanation.fate);
        page.children(&explanation.children);
    }
    page.text
}

/// The numbers of proposals as the user types them.
fn proposals(numbers: &[crate::id::ProposalNumber]) -> String {
    let shown: Vec<String> = numbers.iter().map(|number| format!("p{number}")).collect();
    shown.join(", ")
}

fn call_made(call: &CallMade) -> String {
    format!(
        "call {}: {} prompt tokens, {} answer tokens, {}",
        call.call,
        call.prompt_tokens,
        call.completion_tokens,
        money(call.usd)
    )
}

fn dev(form: ScoreForm, dev_mean: Option<f64>, rows: u32) -> String {
    match dev_mean {
        Some(mean) => format!("{} on {} of dev", form.score(mean), plural(rows as usize, "row")),
        None => "no rows of dev".to_owned(),
    }
}

fn list(named: &[CandidateRef]) -> String {
    named.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Splits a long table into its head, the number of lines left out, and its tail.
fn shown<T>(items: &[T]) -> (&[T], usize, &[T]) {
    if items.len() <= LINES {
        return (items, 0, &[]);
    }
    let head = LINES / 2;
    let tail = items.len() - (LINES - head - 1);
    (&items[..head], tail - head, &items[tail..])
}

impl Page {
    /// A label followed by prose.
    fn fact(&mut self, label: &str, text: &str) {
        let lines = super::super::terminal::set_prose(text, self.width - INDENT);
        for (number, text) in lines.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let space = " ".repeat((INDENT - 2).saturating_sub(columns_of(label)));
            let label = self.paint.dim(label);
            self.line(&format!("  {label}{space}{text}"));
        }
    }

    /// A quoted text with a bar before each line; a long text is cut.
    fn quoted(&mut self, text: &str) {
        let lines = wrapped(&[(Tag::Kept, text.trim_end())], self.width - 6);
        let bar = self.paint.dim("│");
        for line in lines.iter().take(TEXT_LINES) {
            let text: String = line.iter().map(|(_, text)| text.as_str()).collect();
            self.line(&format!("    {bar} {text}"));
        }
        if lines.len() > TEXT_LINES {
            let more = format!("    … {}", plural(lines.len() - TEXT_LINES, "more line"));
            let more = self.paint.dim(&more);
            self.line(&more);
        }
    }

    fn identity(
        &mut self,
        identity: &Identity,
        written: Option<&Provenance>,
        invalid: &BTreeMap<Split, InvalidAnswers>,
    ) {
        let by = match identity.operator.as_str() {
            "baseline" => "the baseline".to_owned(),
            operator => format!("written by {operator}"),
        };
        let head = format!("{} · {by} · {}", identity.named, identity.standing);
        self.prose(0, &head, Paint::bold);
        self.line("");
        for (place, parent) in identity.parents.iter().enumerate() {
            let label = match (place, identity.parents.len()) {
                (0, 1) => "parent",
                (0, _) => "parents",
                _ => "",
            };
            let dev = dev(self.form, parent.dev_mean, parent.dev_rows);
            self.fact(label, &format!("{} · {} · {dev}", parent.named, parent.operator));
        }
        self.fact("score", &dev(self.form, identity.dev_mean, identity.dev_rows));
        let sentences = invalid.iter().flat_map(|(split, invalid)| {
            let rows = match split {
                Split::Hold => "held-out rows".to_owned(),
                split => split.to_string(),
            };
            invalid.sentences().map(move |sentence| format!("on {rows}, {sentence}"))
        });
        for (place, sentence) in sentences.enumerate() {
            let label = if place == 0 { "answers" } else { "" };
            self.fact(label, &visible_line(&sentence));
        }
        self.fact("length", &format!("{} tokens", thousands(identity.prompt_tokens)));
        if let Some(pruned) = &identity.pruned {
            self.fact("saved", pruned);
        }
        let mut bred = Vec::new();
        if identity.generation > 0 {
            bred.push(format!("generation {}", identity.generation));
        }
        bred.extend(identity.place.map(|place| format!("for place {}", place + 1)));
        if !identity.islands.is_empty() {
            let islands: Vec<String> = identity.islands.iter().map(ToString::to_string).collect();
            bred.push(format!("on island {}", islands.join(" and ")));
        }
        if !bred.is_empty() {
            self.fact("position", &bred.join(", "));
        }
        if !identity.demos.is_empty() {
            let demos: Vec<String> = identity
                .demos
                .iter()
                .map(|demo| match demo.own_answer {
                    true => format!("{} (the model's own answer)", demo.row),
                    false => format!("{} (the expected answer)", demo.row),
                })
                .collect();
            self.fact("shows rows", &demos.join(", "));
        }
        if let Some(gene) = &identity.gene {
            self.fact("inherits", &format!("the mutation instruction “{}”", visible_line(gene)));
        }
        for repair in &identity.repairs {
            let lines: Vec<String> =
                repair.lines.iter().map(|line| format!("“{}”", shorten(line, REPAIRED))).collect();
            self.fact("repaired", &format!("{}: {}", repair.what, lines.join(", ")));
        }
        if let Some(call) = written.and_then(|written| written.call.as_ref()) {
            self.fact("request", &call_made(call));
        }
    }

    /// The head of a proposal that became no candidate.
    fn rejected(&mut self, written: &Provenance) {
        let what = match &written.outcome {
            Outcome::Rejected { reason, sentence, .. } => {
                format!("rejected as {reason}: {sentence}")
            }
            Outcome::Abandoned { sentence } => format!("abandoned: {sentence}"),
            Outcome::Noted { .. } => "a step that gave notes for the next one".to_owned(),
            Outcome::Kept { .. } => "a step that gave a prompt for the next one".to_owned(),
            Outcome::Missing => "the mutator did not answer".to_owned(),
            Outcome::Added => "became a candidate".to_owned(),
            Outcome::Open => "still open".to_owned(),
        };
        let head = format!("p{} · {} · {what}", written.proposal, written.operator);
        self.prose(0, &head, Paint::bold);
        if let Outcome::Rejected { detail, .. } = &written.outcome
            && !detail.is_empty()
        {
            self.prose(2, &visible_line(detail), |_, text| text.to_owned());
        }
        self.line("");
        if !written.parents.is_empty() {
            self.fact("parents", &list(&written.parents));
        }
        if let Some(call) = &written.call {
            self.fact("request", &call_made(call));
        }
        match &written.outcome {
            Outcome::Noted { notes, followed_by } => {
                for note in notes {
                    self.quoted(note);
                }
                if !followed_by.is_empty() {
                    self.fact("followed by", &proposals(followed_by));
                }
            }
            Outcome::Kept { followed_by } if !followed_by.is_empty() => {
                self.fact("followed by", &proposals(followed_by));
            }
            Outcome::Rejected { text: Some(reply), .. } if !reply.trim().is_empty() => {
                self.title("The mutator's reply");
                self.quoted(reply);
            }
            _ => {}
        }
    }

    fn written(&mut self, written: &Provenance, is_candidate: bool) {
        self.title(if is_candidate { "Why it was written" } else { "Why it was requested" });
        self.fact("proposal", &format!("p{} by {}", written.proposal, written.operator));
        if !written.about.is_empty() {
            self.fact("", &written.about);
        }
        for (place, why) in written.why.iter().enumerate() {
            self.fact(if place == 0 { "why" } else { "" }, why);
        }
        for step in &written.steps {
            let call = step
                .call
                .as_ref()
                .map_or_else(String::new, |call| format!(", {}", money(call.usd)));
            self.fact("builds on", &format!("p{} ({}{call})", step.proposal, step.name));
            if let Some(note) = &step.note {
                self.quoted(note);
            }
        }
        if !written.rows.is_empty() {
            let rows: Vec<String> = written
                .rows
                .iter()
                .map(|row| match row.score {
                    Some(score) => format!("{} ({})", row.row, words::score(score)),
                    None => row.row.clone(),
                })
                .collect();
            let scored = written.rows.iter().any(|row| row.score.is_some());
            let what = if scored { "with the parent's scores: " } else { "" };
            let count = plural(rows.len(), "training row");
            self.fact("shown", &format!("{count} {what}{}", rows.join(", ")));
        }
        if !written.earlier.is_empty() {
            let (head, left_out, tail) = shown(&written.earlier);
            let form = self.form;
            let each = |item: &super::ScoredPrompt| match item.score {
                Some(score) => format!("{} ({})", item.named, form.score(score)),
                None => item.named.to_string(),
            };
            let mut listed: Vec<String> = head.iter().map(each).collect();
            if left_out > 0 {
                listed.push(format!("… {left_out} more"));
            }
            listed.extend(tail.iter().map(each));
            let label = if written.rows.is_empty() { "shown" } else { "and" };
            let count = plural(written.earlier.len(), "earlier prompt");
            self.fact(label, &format!("{count}: {}", listed.join(", ")));
        }
    }

    fn changes(&mut self, changes: &[Change]) {
        for change in changes {
            if !change.is_changed {
                if changes.len() > 1 {
                    self.title(&format!("`{}` is unchanged", change.part));
                }
                continue;
            }
            self.title(&format!("What changed in `{}`", change.part));
            let pieces = elided(change.pieces.clone(), CONTEXT);
            let tagged = self.tagged(&pieces);
            let lines = wrapped(&tagged, self.width - 2);
            for line in lines.iter().take(2 * TEXT_LINES) {
                let painted: String =
                    line.iter().map(|(tag, text)| self.paint.tag(*tag, text)).collect();
                self.line(&format!("  {painted}"));
            }
            if lines.len() > 2 * TEXT_LINES {
                let more = plural(lines.len() - 2 * TEXT_LINES, "more line");
                let more = self.paint.dim(&format!("  … {more}; use `--json` for the full text"));
                self.line(&more);
            }
        }
    }

    fn fate(&mut self, fate: &[Moment]) {
        if fate.is_empty() {
            return;
        }
        self.title("What happened to it");
        let mut left = fate;
        while let Some(first) = left.first() {
            let alike = |moment: &&Moment| {
                matches!(
                    (&first.happened, &moment.happened),
                    (Happened::Rows { .. }, Happened::Rows { .. })
                        | (Happened::Round { .. }, Happened::Round { .. })
                        | (Happened::Generation { .. }, Happened::Generation { .. })
                )
            };
            let count = left.iter().take_while(alike).count().max(1);
            let (now, later) = left.split_at(count);
            left = later;
            match &first.happened {
                Happened::Generation { number, place, of } if count > 1 => {
                    let (last, to) = match now.last().map(|moment| &moment.happened) {
                        Some(Happened::Generation { number, place, .. }) => (*number, *place),
                        _ => (*number, *place),
                    };
                    let text = format!(
                        "in the population of generations {number} to {last}: place {place} of \
                         {of} at first, {to} at last"
                    );
                    self.moment(first.usd, &text);
                }
                Happened::Rows { .. } if count > 1 => self.rows(now),
                _ => {
                    let (head, left_out, tail) = shown(now);
                    for moment in head {
                        self.moment(moment.usd, &moment.text);
                    }
                    if left_out > 0 {
                        let more = self.paint.dim(&format!("{:INDENT$}… {left_out} more", ""));
                        self.line(&more);
                    }
                    for moment in tail {
                        self.moment(moment.usd, &moment.text);
                    }
                }
            }
        }
    }

    fn moment(&mut self, usd: f64, text: &str) {
        self.fact(&money(usd), text);
    }

    /// Consecutive blocks, one line each, with the incumbent's mean on the same rows.
    fn rows(&mut self, moments: &[Moment]) {
        let header = ["", "rows", "mean", "incumbent", "so far"].map(str::to_owned);
        let cells = |moment: &Moment| -> Option<[String; 5]> {
            let Happened::Rows {
                replicate,
                rows,
                mean: own,
                incumbent_mean,
                rows_so_far,
                mean_so_far,
                ..
            } = &moment.happened
            else {
                return None;
            };
            let again = if *replicate > 0 { " (repeated)" } else { "" };
            Some([
                money(moment.usd),
                format!("{rows}{again}"),
                mean(self.form, *own),
                incumbent_mean.map_or_else(|| "–".to_owned(), |it| self.form.score(it)),
                format!("{} of {rows_so_far}", mean(self.form, *mean_so_far)),
            ])
        };
        let (head, left_out, tail) = shown(moments);
        let mut table = vec![header];
        table.extend(head.iter().filter_map(cells));
        if left_out > 0 {
            let mut more: [String; 5] = Default::default();
            more[1] = format!("… {left_out} more");
            table.push(more);
        }
        table.extend(tail.iter().filter_map(cells));
        let table: Vec<Vec<&str>> =
            table.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let mut widths = super::super::terminal::column_widths(&table);
        if let Some(first) = widths.first_mut() {
            *first = (*first).max(INDENT - 4);
        }
        if widths.iter().sum::<usize>() + 2 * widths.len() > self.width {
            // Too narrow for columns: show the first and the last block.
            for moment in moments.iter().take(1).chain(moments.last()) {
                self.moment(moment.usd, &moment.text);
            }
            return;
        }
        self.table(&table, &widths, 1);
    }

    fn children(&mut self, children: &[Relative]) {
        if children.is_empty() {
            return;
        }
        self.title(&format!("Its {}", if children.len() == 1 { "child" } else { "children" }));
        let (head, left_out, tail) = shown(children);
        for child in head.iter().chain(tail) {
            if left_out > 0 && tail.first().is_some_and(|first| std::ptr::eq(first, child)) {
                let more = self.paint.dim(&format!("  … {left_out} more"));
                self.line(&more);
            }
            let text = format!(
                "{} · {} · {} · {}",
                child.named,
                child.operator,
                dev(self.form, child.dev_mean, child.dev_rows),
                shorten(&child.standing, 80)
            );
            let lines = super::super::terminal::set_prose(&text, self.width - 4);
            for (number, text) in lines.iter().enumerate() {
                let indent = if number == 0 { "  " } else { "    " };
                self.line(&format!("{indent}{text}"));
            }
        }
    }
}
