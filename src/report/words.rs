//! Formats figures and texts of a run for all reports.

use crate::candidate::RepairKind;
use crate::event::{Abandoned, Dropped, Rejection};
use crate::run::Summary;
use crate::score_form::ScoreForm;
use crate::stats::{Interval, TestName};
use crate::task::measure::Measure;
use crate::task::model::{ModelName, Provider};
use crate::task::{Model, Task};
use crate::text::{plural, thousands};
use crate::units::Tokens;
use std::collections::BTreeSet;

/// Dollars spent, in cents; small amounts get more decimals, so that a cheap run does not look
/// free.
pub(crate) fn money(usd: f64) -> String {
    dollars(usd, 0.1)
}

/// Dollars per 1,000 calls; three significant digits below a dollar, because prompts are compared
/// by them.
pub(crate) fn cost(usd: f64) -> String {
    dollars(usd, 1.0)
}

/// A difference of such dollars, with its sign where it is negative.
pub(crate) fn signed_cost(usd: f64) -> String {
    if usd < 0.0 { format!("-{}", cost(-usd)) } else { cost(usd) }
}

/// A number of rows that have a value of a measure.
pub(super) fn rows_with(measure: &Measure, rows: usize) -> String {
    match measure {
        Measure::Precision(_) if rows == 1 => "1 answer that names it".to_owned(),
        Measure::Precision(_) => format!("{} that name it", plural(rows, "answer")),
        Measure::Recall(_) => {
            let has = if rows == 1 { "has" } else { "have" };
            format!("{} that {has} the label", plural(rows, "row"))
        }
        _ => plural(rows, "row"),
    }
}

fn dollars(usd: f64, cents_from: f64) -> String {
    if !usd.is_finite() || usd == 0.0 {
        return "$0".to_owned();
    }
    if usd >= cents_from {
        let cents = (usd * 100.0).round() as u64;
        return format!("${}.{:02}", thousands(cents / 100), cents % 100);
    }
    // Money is counted in nano-dollars, so there are at most nine decimals.
    let decimals = (2.0 - usd.abs().log10().floor()).clamp(2.0, 9.0) as usize;
    format!("${usd:.decimals$}")
}

/// A mean score with its interval: `69.8 % (62.3 to 76.2)`.
pub(super) fn quality(form: ScoreForm, it: &Interval) -> String {
    format!("{} ({})", form.score(it.mean), form.range(it.low, it.high))
}

/// A p-value with a sensible number of digits.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.0001 {
        "p < 0.0001".to_owned()
    } else if p < 0.1 {
        format!("p = {p:.4}")
    } else {
        format!("p = {p:.2}")
    }
}

/// What requests leave out because the protocol has none of it, or because the task says so: one sentence.
#[must_use]
pub fn left_out(task: &Task) -> Option<String> {
    // A request for vectors has none of these.
    let models = || task.models().map(|(_, model)| model).filter(|it| !it.form.asks_vectors());
    let named = |is_left_out: fn(&Model) -> bool| {
        let names: BTreeSet<String> =
            models().filter(|it| is_left_out(it)).map(|it| format!("`{}`", it.name)).collect();
        (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
    };
    let seed = named(|model| !model.form.sends_seed());
    let temperature = named(|model| !model.form.sends_temperature());
    let system = named(|model| !model.form.sends_system());
    let told: Vec<String> = [
        seed.map(|names| format!("no seed is sent to {names}")),
        temperature.map(|names| format!("no temperature is sent to {names}")),
        system.map(|names| {
            format!("no system message is sent to {names}: its text begins the user's message")
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Models that are asked for answers that follow a schema, and are simulated.
#[must_use]
pub fn without_schema(task: &Task) -> Vec<String> {
    let is_simulated = |model: &&Model| {
        let provider = task.providers().get(model.name.provider());
        model.form.schema().is_some() && provider.is_some_and(Provider::is_simulated)
    };
    let models = task.models().map(|(_, model)| model).filter(is_simulated);
    let names: BTreeSet<String> = models.map(|model| model.name.to_string()).collect();
    let told = |name| format!("`{name}` is simulated and does not follow the schema");
    names.into_iter().map(told).collect()
}

/// What a server refused, and what is sent instead.
pub fn refused_field(model: &ModelName, field: &str) -> String {
    match field {
        "max_tokens" | "max_completion_tokens" => {
            format!(
                "`{model}` refuses `{field}`: the limit on its answers is sent by its other name"
            )
        }
        "system role" => format!(
            "`{model}` refuses a system message: its text begins the user's message from now on"
        ),
        _ => format!("`{model}` refuses `{field}`: its requests are sent without it"),
    }
}

/// A number of held-out rows.
pub(super) fn held_out(rows: usize) -> String {
    plural(rows, "held-out row")
}

/// A test's name.
pub(crate) fn test_name(test: TestName) -> &'static str {
    match test {
        TestName::Mcnemar => "exact McNemar test",
        TestName::SignFlip => "sign-flip test",
        TestName::WeightedMean => "test of the weighted mean",
        TestName::NonInferiority => "non-inferiority test",
        TestName::Level => "test of a level",
    }
}

/// A score with up to three decimals, without trailing zeros.
pub(super) fn score(score: f64) -> String {
    let text = format!("{score:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Why a proposal was rejected, from the reason's name in the journal.
pub(super) fn rejection_named(reason: &str) -> &'static str {
    // A summary written by a newer program may name an unknown reason.
    serde_json::from_value::<Rejection>(reason.into()).map_or("", rejection)
}

/// Why a proposal was rejected.
pub(super) fn rejection(reason: Rejection) -> &'static str {
    match reason {
        Rejection::Truncated => "the reply reached its output limit",
        Rejection::NoTags => "the reply had no new text between the tags",
        Rejection::Unchanged => "it changed nothing",
        Rejection::Dedup => "it is a duplicate of an earlier prompt",
        Rejection::Placeholder => "it removed or added a placeholder",
        Rejection::Frozen => "it changed a frozen part",
        Rejection::TooLong => "it is too long",
        Rejection::Lint => {
            "it removed a label that its parent names, or broke another rule of form"
        }
        Rejection::Leak => "it copied a row",
        Rejection::Novelty => "it is too similar to an earlier prompt",
        Rejection::Empty => "it is empty",
        Rejection::Program => "the program failed or returned no prompt",
    }
}

/// Why a planned proposal was abandoned.
pub(super) fn abandoned(why: Abandoned) -> &'static str {
    match why {
        Abandoned::Perfect => "the parent got all rows right",
        Abandoned::NoEvidence => "no row had a score",
        Abandoned::Nothing => "the operator had no input",
        Abandoned::TooLong => "the request did not fit into the mutator's context window",
        Abandoned::PhaseOver => "its phase was over",
    }
}

/// What was repaired in a reply before it was tried.
pub(super) fn repaired(kind: RepairKind) -> &'static str {
    match kind {
        RepairKind::Wrapping => "tags or a code fence removed",
        RepairKind::Messages => "pasted messages or unfinished lines removed",
        RepairKind::Repeats => "repeated lines folded",
        RepairKind::Labels => "lost labels put back from the parent",
        RepairKind::AnswerForm => "the parent's form of the answer kept",
    }
}

/// Why a candidate was dropped, with the figures behind it.
pub(super) fn dropped(why: &Dropped, form: ScoreForm) -> String {
    match why {
        Dropped::Gate { sum, needed } => {
            format!("dropped at its gate: {}, but {} was required", score(*sum), score(*needed))
        }
        Dropped::Futile { probability, rows } => format!(
            "dropped after {}: {:.0} % likely to be good enough",
            plural(*rows as usize, "row"),
            probability * 100.0
        ),
        Dropped::MustPass { failed } => {
            format!("dropped: it failed {} that must pass", plural(*failed as usize, "row"))
        }
        Dropped::Halved { round, mean } => {
            format!("dropped in halving round {}, at {}", round + 1, form.score(*mean))
        }
        Dropped::Beaten { by, rows } => format!(
            "dropped after {}: {} significantly better",
            plural(*rows as usize, "row"),
            if *by == 1 { "another one was".to_owned() } else { format!("{by} others were") }
        ),
        Dropped::Stage { stage, mean, needed } => format!(
            "dropped after stage {}: {}, but {} was required",
            stage + 1,
            form.score(*mean),
            form.score(*needed)
        ),
        Dropped::Predicted { mean } => format!("dropped: predicted to score {}", form.score(*mean)),
        Dropped::Capped => "not evaluated: its parent has too many children".to_owned(),
        Dropped::Outranked { mean } => {
            format!("dropped at the end of its contest, at {}", form.score(*mean))
        }
    }
}

/// Makes control characters, and characters that reorder a line, visible. Prompts are written by
/// models, and a terminal or browser would otherwise interpret such characters.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("    "),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\u{0}'..='\u{1f}' => {
                shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => {
                shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
            }
            other => shown.push(other),
        }
    }
    shown
}

/// The same, on one line.
#[must_use]
pub fn visible_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A word for a shell command, quoted if necessary.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Calls without a good answer: a sentence for each cause, with an example in the provider's words.
#[must_use]
pub fn failed_calls(summary: &Summary) -> Vec<String> {
    let failed = summary.failed_calls.iter().map(|(cause, failed)| {
        let count: u64 = failed.calls.values().sum();
        let of_role = |(role, calls): (&String, &u64)| counted(*calls, &format!("{role} call"));
        let calls = failed.calls.iter().map(of_role).collect::<Vec<_>>().join(", ");
        let example = visible_line(&failed.example);
        let example = match example.as_str() {
            "" => String::new(),
            example => format!(", such as: {example}"),
        };
        let were = if count == 1 { "was" } else { "were" };
        format!("{calls} {were} {}{example}", cause.in_words())
    });
    let estimated = (summary.counts.estimated > 0).then(|| {
        let answers = counted(summary.counts.estimated, "answer");
        format!(
            "the tokens of {answers} are estimated: the provider reported none, or impossible numbers"
        )
    });
    let without = (summary.counts.without_vector > 0).then(|| {
        let texts = counted(summary.counts.without_vector, "text");
        let others = match summary.counts.in_other_spaces {
            0 => String::new(),
            others => format!(" ({others} got one of another number of dimensions than most)"),
        };
        format!("{texts} got no vector from the embedding model{others}: compared by their n-grams")
    });
    let roles = || summary.spent.by_role.values();
    let surplus: u64 = roles().map(|role| role.surplus_batches).sum();
    let surplus = (surplus > 0).then(|| {
        let (batches, usd) = (counted(surplus, "batch"), roles().map(|it| it.surplus_usd).sum());
        format!(
            "{batches} ran twice at the provider, which had said that it did not take it: {} were counted \
             as paid for that",
            cost(usd)
        )
    });
    let attempts: u64 = roles().map(|role| role.failed_attempts).sum();
    let attempts = (attempts > 0).then(|| {
        let usd: f64 = roles().map(|role| role.failed_usd).sum();
        let tokens: Tokens = roles().map(|role| role.failed_tokens).sum();
        let are = if attempts == 1 { "is" } else { "are" };
        let attempts = counted(attempts, "attempt");
        format!(
            "{attempts} without an answer {are} counted at what was billed, or may have been at most: {} and {tokens} \
             tokens, beside those of the calls",
            money(usd)
        )
    });
    failed.chain(attempts).chain(estimated).chain(without).chain(surplus).collect()
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_in_cents_and_never_as_nothing() {
        for (usd, shown) in [
            (0.0, "$0"),
            (1.934, "$1.93"),
            (0.42, "$0.42"),
            (0.021_34, "$0.0213"),
            (0.000_012_3, "$0.0000123"),
            (12_345.6, "$12,345.60"),
        ] {
            assert_eq!(money(usd), shown);
        }
        assert_eq!((cost(0.153), cost(2.5)), ("$0.153".to_owned(), "$2.50".to_owned()));
    }

    #[test]
    fn nothing_in_a_prompt_acts_on_a_terminal() {
        let hostile = "a\u{1b}[2Jb\u{7}\r\n\tc\u{202e}d\u{9b}31m";
        let shown = visible(hostile);
        assert_eq!(shown, "a␛[2Jb␇\n    c⟨U+202E⟩d⟨U+009B⟩31m");
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn scores_have_no_trailing_zeros() {
        assert_eq!([score(1.0), score(0.5), score(0.0), score(0.3333)], ["1", "0.5", "0", "0.333"]);
    }

    #[test]
    fn a_path_with_a_space_is_one_word() {
        assert_eq!(shell_word("results/a-b_1.2"), "results/a-b_1.2");
        assert_eq!(shell_word("my runs/it's"), r"'my runs/it'\''s'");
    }
}
