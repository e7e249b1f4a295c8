//! Edge cases for people: one list after the other, what failures have in common last, where a terminal ends.

use super::{EdgeCases, EdgeRow, Evidence, FailureGroup, Naming, Property, Suspect};
use crate::report::terminal::{NARROWEST, Page, Paint, WIDEST};
use crate::report::words::{p_value, visible, visible_line};
use crate::score_form::ScoreForm;
use crate::text::{cut, head_and_tail, plural};

/// The most characters of an input; `--json` has all of them.
const MOST_CHARS: usize = 240;
/// The most columns of an answer, a value or an id in a sentence.
const LONGEST_NAME: usize = 60;
/// The most ids in a sentence.
const MOST_IDS: usize = 6;

/// What the lists are not.
const CAVEAT: &str =
    "These rows chose the prompts, which are relatives: read the lists, and claim nothing by them.";

/// The page, with at most `limit` rows in each list and at most `width` columns.
#[must_use]
pub fn edge_page(edge: &EdgeCases, limit: usize, colour: bool, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut page =
        Page { text: String::new(), paint: Paint { colour }, width, form: ScoreForm::Percent };
    let facts = [edge.run.as_str(), &edge.model].map(visible_line).join(" · ");
    page.prose(0, &facts, Paint::bold);
    let told = format!(
        "{} of train and dev; {} asked at least a quarter of dev, and the abler {} of them are called good. Held-out rows are left out.",
        plural(edge.rows, "row"),
        match edge.prompts {
            1 => "1 prompt was".to_owned(),
            many => format!("{many} prompts were"),
        },
        edge.good_prompts
    );
    page.prose(0, &told, Paint::dim);
    page.suspects(&edge.suspects, limit);
    page.edge_rows("No prompt solves", &edge.unsolved, limit, |row| {
        format!("{} asked", plural(row.asked, "prompt"))
    });
    page.edge_rows("New prompts break", &edge.broken, limit, |row| {
        let best = match row.best_solves {
            Some(true) => "; the best one solves it",
            Some(false) => "; the best one fails, too",
            None => "",
        };
        format!("the baseline solves it, {}{best}", solved(row))
    });
    page.edge_rows("Good prompts disagree", &edge.disputed, limit, solved);
    page.edge_rows("Flips between repeats", &edge.flipping, limit, |row| {
        format!("{} of {} that were asked again", row.flipped, plural(row.repeated, "prompt"))
    });
    page.failure_groups(edge);
    let lists = [&edge.unsolved, &edge.broken, &edge.disputed, &edge.flipping];
    if edge.prompts == 0 {
        page.prose(
            0,
            "There is nothing to compare: no prompt was asked so many rows.",
            |_, text| text.to_owned(),
        );
    } else if edge.suspects.is_empty() && lists.iter().all(|it| it.is_empty()) {
        page.prose(0, "No row stands out.", |_, text| text.to_owned());
    }
    page.prose(0, CAVEAT, Paint::dim);
    if let Some(simulated) = edge.simulated {
        page.prose(0, simulated, |_, text| text.to_owned());
    }
    page.text
}

fn solved(row: &EdgeRow) -> String {
    format!("{} of {} solve it", row.good_solved, plural(row.good_asked, "good prompt"))
}

fn name(text: &str) -> String {
    cut(&visible_line(text), LONGEST_NAME)
}

fn ids(ids: &[String]) -> String {
    let shown: Vec<String> = ids.iter().take(MOST_IDS).map(|it| name(it)).collect();
    match ids.len().saturating_sub(MOST_IDS) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The evidence in words.
fn in_words(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Contradicted { rows, answer } => {
            let have = if rows.len() == 1 { "has" } else { "have" };
            format!("the same input {have} the answer `{}` in {}", name(answer), ids(rows))
        }
        Evidence::Agreed { answer, prompts, of, confusion } => {
            let told =
                format!("{prompts} of {} answer `{}`", plural(*of, "good prompt"), name(answer));
            match confusion {
                Some(share) => {
                    format!("{told}, on other rows of its label {:.0} % do", share * 100.0)
                }
                None => told,
            }
        }
    }
}

/// `rows with the word "refund"`.
fn called(group: &FailureGroup) -> String {
    match &group.property {
        Property::RightAnswer { value } => format!("right answer `{}`", name(value)),
        Property::Column { column, value } => format!("{} = `{}`", name(column), name(value)),
        Property::Word { value } => format!("with the word \"{}\"", name(value)),
    }
}

/// `with the word "refund": 7 of 9 rows fail, of the others 3 of 40 (p = 0.001): r3, r9, …`.
fn in_figures(group: &FailureGroup) -> String {
    let chance = match group.adjusted_p_value <= 0.05 {
        true => p_value(group.adjusted_p_value),
        false => "may be chance".to_owned(),
    };
    format!(
        "{}: {} of {} fail, of the others {} of {} ({chance}): {}",
        called(group),
        group.failing,
        plural(group.rows, "row"),
        group.other_failing,
        group.other_rows,
        ids(&group.failing_rows)
    )
}

/// Whose words names are, and what they cost.
fn about(naming: &Naming) -> String {
    let Naming { model, asked, named, nothing_in_common, unreadable, calls, usd, .. } = naming;
    let mut told = format!(
        "{named} of {} named by {}, which read some of its rows: words to start from, and no finding",
        plural(*asked, "group"),
        visible_line(model)
    );
    if *nothing_in_common > 0 {
        told += &format!("; of {nothing_in_common} it says that the rows have nothing in common");
    }
    if *unreadable > 0 {
        told += &format!("; {unreadable} of its replies cannot be read");
    }
    let missing = asked.saturating_sub(named + nothing_in_common + unreadable);
    if missing > 0 {
        told += &format!("; of {missing} there is no reply");
    }
    format!("{told} ({}, {usd:.4} USD in all).", plural(*calls as usize, "call"))
}

impl Page {
    fn suspects(&mut self, suspects: &[Suspect], limit: usize) {
        if suspects.is_empty() {
            return;
        }
        self.title(&format!("The right answer may be wrong: {}", plural(suspects.len(), "row")));
        for suspect in suspects.iter().take(limit) {
            let why: Vec<String> = suspect.evidence.iter().map(in_words).collect();
            self.edge_row(&suspect.row, &why.join("; "));
        }
        self.more_of(suspects.len(), limit);
    }

    fn edge_rows(
        &mut self,
        title: &str,
        rows: &[EdgeRow],
        limit: usize,
        facts: impl Fn(&EdgeRow) -> String,
    ) {
        if rows.is_empty() {
            return;
        }
        self.title(&format!("{title}: {}", plural(rows.len(), "row")));
        for row in rows.iter().take(limit) {
            let mut told = facts(row);
            if let Some(wrong) = &row.wrong_answer {
                told += &format!("; {} answer `{}`", wrong.prompts, name(&wrong.answer));
            }
            self.edge_row(row, &told);
        }
        self.more_of(rows.len(), limit);
    }

    fn edge_row(&mut self, row: &EdgeRow, told: &str) {
        let head = format!(
            "{}  {} line {}",
            cut(&visible_line(&row.id), LONGEST_NAME),
            row.split,
            row.line
        );
        self.prose(2, &head, Paint::bold);
        let input = head_and_tail(row.input.trim(), MOST_CHARS);
        for line in visible(&input).lines() {
            self.prose(4, line, |_, text| text.to_owned());
        }
        let expected = row.expected.as_ref().map(|it| format!("right: `{}`; ", name(it)));
        self.prose(4, &format!("{}{told}", expected.unwrap_or_default()), Paint::dim);
    }

    fn more_of(&mut self, all: usize, limit: usize) {
        let left = all.saturating_sub(limit);
        if left > 0 {
            self.line(&format!("  {}; `--limit N` shows them", plural(left, "more row")));
        }
    }

    fn failure_groups(&mut self, edge: &EdgeCases) {
        let failing = edge.ungrouped + edge.groups.iter().map(|it| it.failing).sum::<usize>();
        if edge.groups.is_empty() {
            let told = match failing {
                0 => return,
                _ => format!(
                    "{} of {} have nothing in common that chance would not explain.",
                    plural(failing, "failure"),
                    edge.best
                ),
            };
            self.line("");
            self.prose(0, &told, |_, text| text.to_owned());
            return;
        }
        let title = format!("What {} of {} have in common", plural(failing, "failure"), edge.best);
        self.title(&title);
        for group in &edge.groups {
            let indent = match &group.name {
                Some(said) => {
                    self.prose(2, &visible_line(said), Paint::bold);
                    4
                }
                None => 2,
            };
            self.prose(indent, &in_figures(group), |_, text| text.to_owned());
        }
        if edge.ungrouped > 0 {
            self.prose(
                2,
                &format!("in no group: {}", plural(edge.ungrouped, "failure")),
                Paint::dim,
            );
        }
        if let Some(naming) = &edge.naming {
            self.prose(2, &about(naming), Paint::dim);
        }
    }
}
