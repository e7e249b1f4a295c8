//! Several runs beside each other, for people.

use super::comparison::{Common, ComparedRun, Comparison, Setting};
use super::terminal::{NARROWEST, Page, Paint, WIDEST, column_widths};
use super::words::{cost, money, quality, visible, visible_line};
use crate::run::Status;
use crate::text::{self, columns_of, plural, shorten, thousands};
use std::time::Duration;

/// Most keys of recipes that are shown: two strategies have little in common.
const RECIPE_KEYS: usize = 8;

/// The page.
#[must_use]
pub fn comparison_page(comparison: &Comparison, colour: bool, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut page =
        Page { text: String::new(), paint: Paint { colour }, width, form: comparison.score_form };
    for (run, letter) in comparison.runs.iter().zip(letters()) {
        let name = page.paint.bold(&visible_line(&run.run));
        page.line(&format!("{letter}  {name}"));
    }
    page.facts(comparison);
    page.scores("dev rows, which selected the winners", &comparison.dev);
    page.scores("held-out rows, which no search saw", &comparison.hold);
    if comparison.mixed_rows > 0 {
        let rows = plural(comparison.mixed_rows, "row");
        let words =
            format!("{rows} held out in one run and seen by the search of another: left out");
        page.prose(2, &words, |_, text| text.to_owned());
    }
    if comparison.runs.len() > 2 {
        let words =
            "Each interval is that of one pair: the best of several runs looks better than it is.";
        page.prose(2, words, |_, text| text.to_owned());
    }
    page.prompts(&comparison.runs);
    page.settings(&comparison.settings);
    page.text
}

/// Runs by letter.
fn letters() -> impl Iterator<Item = char> {
    ('A'..='Z').chain('a'..='z')
}

impl Page {
    fn facts(&mut self, comparison: &Comparison) {
        let runs = &comparison.runs;
        let row = |name: &str, fact: &dyn Fn(&ComparedRun) -> String| -> Vec<String> {
            std::iter::once(name.to_owned()).chain(runs.iter().map(fact)).collect()
        };
        let none = || "–".to_owned();
        let head = std::iter::once(String::new());
        let rows: Vec<Vec<String>> = vec![
            head.chain(letters().take(runs.len()).map(String::from)).collect(),
            row("task", &|run| visible_line(&run.task)),
            row("strategy", &|run| visible_line(&run.strategy)),
            row("result", &|run| match (run.verdict, run.status) {
                (Some(verdict), _) => verdict.to_string(),
                (None, Status::Running) => "running".to_owned(),
                (None, Status::Paused) => "paused".to_owned(),
                (None, _) => "unfinished".to_owned(),
            }),
            row("prompt", &|run| match run.is_baseline {
                true => "the baseline".to_owned(),
                false => run.candidate.clone(),
            }),
            row("prompt tokens", &|run| run.prompt_tokens.map_or_else(none, thousands)),
            row("USD per 1,000 calls", &|run| run.usd_per_1k.map_or_else(none, cost)),
            row("spent", &|run| money(run.usd)),
            row("calls", &|run| thousands(run.calls)),
            row("time", &|run| {
                text::duration(Duration::try_from_secs_f64(run.seconds).unwrap_or_default())
            }),
        ];
        let table: Vec<Vec<&str>> =
            rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let widths = column_widths(&table);
        self.line("");
        if widths.iter().map(|it| it + 2).sum::<usize>() <= self.width {
            self.table(&table, &widths, 0);
            return;
        }
        for row in table.iter().skip(1) {
            let (name, facts) = row.split_first().unwrap_or((&"", &[]));
            let facts = letters().zip(facts).map(|(letter, fact)| format!("{letter} {fact}"));
            let line = format!("{name}: {}", facts.collect::<Vec<_>>().join(" · "));
            self.prose(2, &line, |_, text| text.to_owned());
        }
    }

    fn scores(&mut self, what: &str, common: &Common) {
        self.title(&format!("On {} common {what}", thousands(common.rows as u64)));
        for (letter, mean) in letters().zip(&common.means) {
            self.line(&format!("  {letter}      {}", quality(self.form, mean)));
        }
        for (letter, other) in letters().skip(1).zip(&common.differences) {
            let difference = &other.difference;
            let words = format!(
                "{letter} − A  {} (95 % interval {}); {} better, {} worse",
                self.form.gain(difference.mean),
                self.form.gain_range(difference.low, difference.high),
                plural(other.better, "row"),
                other.worse,
            );
            self.prose(2, &words, |_, text| text.to_owned());
        }
    }

    fn prompts(&mut self, runs: &[ComparedRun]) {
        let Some((first, others)) = runs.split_first() else { return };
        for (name, text) in &first.prompt {
            let of = |run: &ComparedRun| {
                let part = run.prompt.iter().find(|(it, _)| it == name);
                part.map_or_else(String::new, |(_, text)| text.clone())
            };
            if others.iter().all(|run| of(run) == *text) {
                self.title(&format!("`{name}` is the same"));
                continue;
            }
            self.title(&format!("`{name}`"));
            let texts: Vec<String> = runs.iter().map(|run| visible(&of(run))).collect();
            match &texts[..] {
                [left, right] => self.side_by_side(left, right),
                _ => {
                    for (letter, text) in letters().zip(&texts) {
                        let letter = self.paint.dim(&letter.to_string());
                        self.line(&format!("  {letter}"));
                        for line in text::lines(text, self.width - 4) {
                            self.line(&format!("    {line}"));
                        }
                    }
                }
            }
        }
    }

    /// Two texts in two columns.
    fn side_by_side(&mut self, left: &str, right: &str) {
        let column = (self.width - 5) / 2;
        let (left, right) = (text::lines(left, column), text::lines(right, column));
        for place in 0..left.len().max(right.len()) {
            let line = |side: &[String]| side.get(place).cloned().unwrap_or_default();
            let (left, right) = (line(&left), line(&right));
            let space = " ".repeat(column.saturating_sub(columns_of(&left)));
            let border = self.paint.dim("│");
            self.line(&format!("  {left}{space} {border} {right}"));
        }
    }

    fn settings(&mut self, settings: &[Setting]) {
        if settings.is_empty() {
            self.title("No setting differs");
            return;
        }
        self.title("Settings that differ");
        let (of_recipe, others): (Vec<&Setting>, Vec<&Setting>) =
            settings.iter().partition(|setting| setting.key.starts_with("recipe."));
        for setting in others.iter().chain(of_recipe.iter().take(RECIPE_KEYS)) {
            let values = letters().zip(&setting.values).map(|(letter, value)| {
                let value = value.as_deref().map_or_else(|| "–".to_owned(), visible_line);
                format!("{letter} {}", shorten(&value, 40))
            });
            let values = values.collect::<Vec<_>>().join(" · ");
            self.prose(2, &format!("{}: {values}", setting.key), |_, text| text.to_owned());
        }
        let more = of_recipe.len().saturating_sub(RECIPE_KEYS);
        if more > 0 {
            let words =
                format!("… {} of the recipes (--json lists them)", plural(more, "more key"));
            let words = self.paint.dim(&words);
            self.line(&format!("  {words}"));
        }
    }
}
