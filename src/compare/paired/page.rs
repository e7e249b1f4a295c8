//! Prompts on the same rows, for a terminal: each by itself, each beside A, what is decided, in 80 columns.

use super::super::table::{self, WIDTH, named};
use super::pair::is_whole;
use super::{AbComparison, AbPrompt, AbTest, AskedRun, Basis, ChangedRow};
use crate::report::{cost, money, test_name, visible_line};
use crate::score_form::ScoreForm;
use crate::stats::{Decision, Interval, Level};
use crate::text::{lines, percent, plural, sentence_case, shorten, thousands};
use std::fmt::Write as _;

/// The widest answer in a list of rows.
const WIDEST_ANSWER: usize = 22;
/// p-values below this are all the same to a reader.
const LEAST_P_VALUE: f64 = 0.0001;
/// The most rows that are worth naming as what would be needed.
const MOST_ROWS: usize = 10_000_000;

/// The page: the prompts, each beside A, then the verdict.
#[must_use]
pub fn page(test: &AbTest) -> String {
    let mut out = String::new();
    write_prompts(&mut out, test);
    let a = test.prompts.first().map(|it| named(&it.name)).unwrap_or_default();
    for comparison in &test.comparisons {
        let _ = writeln!(out, "\n{} less {a}", named(&comparison.name));
        table::write(&mut out, "  ", &figures(test, comparison));
        if !comparison.slices.is_empty() {
            let _ = writeln!(out, "\n  by slice");
            let slice = |it: &super::Slice| {
                let name = format!("{} = {}", named(&it.column), named(&it.value));
                vec![
                    mark(it.decision).to_owned(),
                    name,
                    thousands(it.rows as u64),
                    difference(test.score_form, it.difference),
                ]
            };
            table::write(&mut out, "  ", &comparison.slices.iter().map(slice).collect::<Vec<_>>());
        }
        let changed = &comparison.changed;
        write_changed(&mut out, "better", &changed.better, comparison.better);
        write_changed(&mut out, "worse", &changed.worse, comparison.worse);
    }
    out.push('\n');
    for sentence in verdict(test) {
        let _ = writeln!(out, "{}", lines(&sentence, WIDTH - 2).join("\n  "));
    }
    out
}

fn write_prompts(out: &mut String, test: &AbTest) {
    let prompts: &[AbPrompt] = &test.prompts;
    let letters = ["A", "B"].into_iter().chain(std::iter::repeat("B"));
    let none = || "–".to_owned();
    let mut rows = vec![["", "prompt", "score (95 %)", "rows"].map(str::to_owned).to_vec()];
    for (letter, prompt) in letters.zip(prompts) {
        let mut cells = vec![letter.to_owned(), named(&prompt.name)];
        cells.push(prompt.quality.map_or_else(none, |it| quality(test.score_form, it)));
        cells.push(prompt.quality.map_or_else(String::new, |it| thousands(it.n as u64)));
        if prompt.invalid > 0 {
            cells.push(format!("{} invalid", thousands(prompt.invalid as u64)));
        }
        rows.push(cells);
    }
    table::write(out, "  ", &rows);
    if prompts.iter().all(|it| it.usd_per_1k.is_none() && it.latency_ms.is_none()) {
        return;
    }
    let mut rows = vec![["", "prompt", "USD/1k", "latency (median)"].map(str::to_owned).to_vec()];
    let is_repeated = prompts.iter().any(|it| it.flips.is_some());
    rows[0].extend(is_repeated.then(|| "rows that flip".to_owned()));
    let letters = ["A", "B"].into_iter().chain(std::iter::repeat("B"));
    for (letter, prompt) in letters.zip(prompts) {
        let mut cells = vec![letter.to_owned(), named(&prompt.name)];
        cells.push(prompt.usd_per_1k.map_or_else(none, |it| match it.low < it.high {
            true => format!("{} ({} to {})", cost(it.mean), cost(it.low), cost(it.high)),
            false => cost(it.mean),
        }));
        cells.push(prompt.latency_ms.map_or_else(none, |it| {
            format!("{:.0} ms ({:.0} to {:.0})", it.mean, it.low, it.high)
        }));
        cells.extend(is_repeated.then(|| prompt.flips.map_or_else(none, percent)));
        rows.push(cells);
    }
    out.push('\n');
    table::write(out, "  ", &rows);
}

fn figures(test: &AbTest, comparison: &AbComparison) -> Vec<Vec<String>> {
    let form = test.score_form;
    let pair = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![pair("difference", with_unit(form, comparison.difference))];
    if let Some(tested) = comparison.tested {
        // To a hundredth of a percent, without zeros at the end.
        let level = ((1.0 - 2.0 * tested.level.one_sided) * 1e4).round() / 1e2;
        rows.push(pair(
            "",
            format!("{} at {level} %, which decides", with_unit(form, tested.interval)),
        ));
    }
    let same = comparison.rows - comparison.better - comparison.worse;
    let [better, worse, same] =
        [comparison.better, comparison.worse, same].map(|count| thousands(count as u64));
    rows.push(pair("rows", format!("{better} better, {worse} worse, {same} the same")));
    if let (Some(p_value), Some(test)) = (comparison.p_value, comparison.test) {
        rows.push(pair("p-value", format!("{}, two-sided ({})", p(p_value), test_name(test))));
    }
    // Free models cost nothing.
    if let Some(usd) = comparison.usd_per_1k.filter(|it| it.low != 0.0 || it.high != 0.0) {
        let signed = |usd: f64| format!("{}{}", if usd < 0.0 { "-" } else { "+" }, cost(usd.abs()));
        let [mean, low, high] = [usd.mean, usd.low, usd.high].map(signed);
        rows.push(pair("USD/1k", format!("{mean} ({low} to {high})")));
    }
    rows.push(pair("row by row", row_by_row(test, comparison)));
    rows
}

fn row_by_row(test: &AbTest, comparison: &AbComparison) -> String {
    let it = &comparison.sequential;
    let what = match it.decision {
        Decision::Better => "better",
        Decision::Worse => "worse",
        Decision::Same => "the same within the margin",
        Decision::Open => {
            return format!("not decided after {} rows", thousands(it.difference.n as u64));
        }
    };
    let after = thousands(it.decided_after.unwrap_or_default() as u64);
    let order = match test.basis {
        Basis::Fixed => format!(", in an order drawn with seed {}", test.seed.0),
        Basis::Sequential => String::new(),
    };
    format!("{what} after {after} rows{order}")
}

/// What is decided, in sentences.
pub(super) fn verdict(test: &AbTest) -> Vec<String> {
    let a = test.prompts.first().map(|it| named(&it.name)).unwrap_or_default();
    let mut said: Vec<String> = Vec::new();
    for comparison in &test.comparisons {
        said.push(of_prompt(test, &a, comparison));
        let own = test.prompts.iter().find(|it| it.name == comparison.name);
        said.extend(own.and_then(vetoed));
        let differs =
            |it: &&super::Slice| ![Decision::Open, comparison.decision].contains(&it.decision);
        for slice in comparison.slices.iter().filter(differs) {
            let (column, value) = (named(&slice.column), named(&slice.value));
            let decision = in_words(slice.decision);
            said.push(format!("  Where {column} is {value} it is {decision}."));
        }
        if test.basis == Basis::Fixed {
            said.push(peeking(comparison));
        }
    }
    let shared = match test.comparisons.len() {
        1 => "",
        _ => " All Bs share the level that decides.",
    };
    let slices = match test.comparisons.iter().any(|it| !it.slices.is_empty()) {
        true => " Slices share one level, too: their intervals are wider.",
        false => "",
    };
    said.push(match test.basis {
        Basis::Fixed => format!(
            "Intervals and p-values hold for rows whose number was set before their answers were seen; what is said row by row is \
             right at each row of the order that `--seed` draws; with more rows it is another order.{shared}{slices}"
        ),
        Basis::Sequential => format!(
            "Scores, differences and decisions hold whenever you look, and wherever it stops; costs and latencies are for one \
             look.{shared}{slices}"
        ),
    });
    said.extend(test.run.as_ref().map(|run| asked(test, run)));
    said.extend(test.run.as_ref().and_then(|run| run.simulated).map(sentence_case));
    let judge = test.run.as_ref().and_then(|run| run.judge.as_deref());
    said.extend(judge.map(|caveat| format!("{}.", sentence_case(caveat))));
    if test.look.look > 1 {
        said.push(format!(
            "It is look {} at these held-out rows, at {} one-sided.",
            test.look.look,
            test.look.in_percent()
        ));
    }
    said
}

/// That a prompt fails rows that must pass, if it does.
fn vetoed(prompt: &AbPrompt) -> Option<String> {
    let result = prompt.must_pass.filter(|it| it.failed > 0)?;
    Some(format!(
        "  {} is not right on {} of {} that must pass: it replaces nothing, whatever its score.",
        named(&prompt.name),
        result.failed,
        plural(result.rows, "row")
    ))
}

fn of_prompt(test: &AbTest, a: &str, comparison: &AbComparison) -> String {
    let b = named(&comparison.name);
    let decides = comparison.tested.map_or(comparison.difference, |it| it.interval);
    let form = test.score_form;
    let figures = format!(
        "{} over {}",
        with_unit(form, comparison.difference),
        plural(comparison.rows, "row")
    );
    match comparison.decision {
        Decision::Better => format!("✓ {b} is better than {a}: {figures}."),
        Decision::Worse => format!("✗ {b} is worse than {a}: {figures}."),
        Decision::Same => format!(
            "= {b} and {a} differ by less than {}: {figures}.",
            form.size(test.margin.unwrap_or_default())
        ),
        Decision::Open => {
            let mut said = format!(
                "○ Not decided whether {b} is better than {a}: the difference may be anything from {} to {}.",
                form.gain(decides.low),
                form.gain(decides.high)
            );
            // The interval alone says so too often.
            if let (Some(p_value), Some(name)) = (comparison.p_value, comparison.test)
                && (decides.low > 0.0 || decides.high < 0.0)
            {
                let level = test.look.shared_by(test.comparisons.len());
                let both_sides = Level { one_sided: 2.0 * level.one_sided, ..level };
                let _ = write!(
                    said,
                    " That leaves 0 out, but the {} does not: p is {}, and may be at most {}.",
                    test_name(name),
                    p(p_value),
                    both_sides.in_percent()
                );
            }
            let needed = comparison.rows_needed;
            if let Some(needed) = needed.filter(|it| *it > comparison.rows && *it < MOST_ROWS) {
                let _ = write!(
                    said,
                    " A true difference of {} is shown in 80 % of cases by about {} rows.",
                    form.gain(comparison.difference.mean),
                    thousands(needed as u64)
                );
            }
            said
        }
    }
}

/// What was asked, why it ended, and how it goes on.
fn asked(test: &AbTest, run: &AskedRun) -> String {
    let spent = format!("{} and {}", plural(run.calls as usize, "call"), money(run.usd));
    let mut said = format!("Run {} took {spent}", visible_line(&run.name));
    if let Some(reason) = run.stop_reason {
        let _ = write!(said, ", and ended because {}", reason.sentence());
    }
    said.push('.');
    let asked = test.prompts.iter().skip(1).filter_map(|it| it.quality).map(|it| it.n);
    let extra = asked.zip(&test.comparisons).map(|(asked, it)| asked.saturating_sub(it.rows)).max();
    if let Some(extra) = extra.filter(|extra| *extra > 0) {
        let _ = write!(
            said,
            " {} more that were under way then count in the scores alone.",
            plural(extra, "row")
        );
    }
    if let Some(more) = &run.more {
        let _ = write!(said, " To continue: promptsearch resume {} {more}", run.name);
    }
    said
}

/// What looking after each row would have done.
fn peeking(comparison: &AbComparison) -> String {
    let it = &comparison.sequential;
    let (rows, after) = (comparison.rows, it.decided_after.unwrap_or_default());
    match (it.decision, comparison.decision) {
        (Decision::Open, Decision::Open) => "  Row by row nothing is decided, either.".to_owned(),
        (Decision::Open, _) => "  Row by row it is not decided: if you looked while answers came in, or added rows because \
             it was not decided yet, it is not shown."
            .to_owned(),
        (decision, other) if decision == other => format!(
            "  Row by row, in the order drawn, that was decided after {} of {}.",
            thousands(after as u64),
            plural(rows, "row")
        ),
        (decision, _) => format!(
            "  Row by row, in the order drawn, it was {} after {} of {}; in another order it may not be.",
            in_words(decision),
            thousands(after as u64),
            plural(rows, "row")
        ),
    }
}

fn write_changed(out: &mut String, what: &str, rows: &[ChangedRow], of: usize) {
    if rows.is_empty() {
        return;
    }
    let count = match rows.len() < of {
        true => format!("{} of {} rows", rows.len(), thousands(of as u64)),
        false => plural(of, "row"),
    };
    let _ = writeln!(out, "\n  {what}: {count}");
    let cut = |text: &str| visible_line(&shorten(text, WIDEST_ANSWER));
    let row = |it: &ChangedRow| {
        let mut cells = vec![cut(&it.id)];
        if let Some([a, b]) = &it.answers {
            cells.push(format!("{} → {}", cut(a), cut(b)));
        }
        if it.answers.is_none() || !it.scores.iter().all(|it| is_whole(*it)) {
            cells.push(format!("{:.2} → {:.2}", it.scores[0], it.scores[1]));
        }
        cells.push(format!("right: {}", cut(&it.expected)));
        cells
    };
    table::write(out, "  ", &rows.iter().map(row).collect::<Vec<_>>());
}

fn mark(decision: Decision) -> &'static str {
    match decision {
        Decision::Better => "✓",
        Decision::Worse => "✗",
        Decision::Same => "=",
        Decision::Open => "○",
    }
}

fn in_words(decision: Decision) -> &'static str {
    match decision {
        Decision::Better => "better",
        Decision::Worse => "worse",
        Decision::Same => "the same within the margin",
        Decision::Open => "not decided",
    }
}

fn p(p_value: f64) -> String {
    match p_value < LEAST_P_VALUE {
        true => format!("below {LEAST_P_VALUE}"),
        false => format!("{p_value:.4}"),
    }
}

fn quality(form: ScoreForm, it: Interval) -> String {
    format!("{} ({})", form.score(it.mean), form.range(it.low, it.high))
}

/// Without its unit.
fn difference(form: ScoreForm, it: Interval) -> String {
    format!("{} ({})", form.bare_gain(it.mean), form.gain_range(it.low, it.high))
}

fn with_unit(form: ScoreForm, it: Interval) -> String {
    format!("{}{}", difference(form, it), form.gain_unit())
}
