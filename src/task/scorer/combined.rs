//! `all-of`, `one-of`, `mean-of`: several scorers as one.
//!
//! Each part has its own `value`, `extract` and so on, and sees the whole answer and the row. Of scores between 0 and 1
//! `all-of` is the least, `one-of` the greatest, and `mean-of` the mean by `weight`: for right and wrong this is what
//! the words say. Programs and judges are no parts, because a scorer that is a part is asked at once.

use super::Scorer;
use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Method, RowKind};
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::task::example::Example;
use crate::units::Score;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

/// How the verdicts of parts become one.
pub(super) trait Rule: Debug + Send + Sync + 'static {
    const NAME: &'static str;

    /// Whether parts have weights.
    const IS_WEIGHTED: bool = false;

    /// The whole's score and reason why it is invalid, given the weighted mean, which is invalid if all parts are.
    fn decide(parts: &[(f64, Verdict)], mean: Verdict) -> Verdict;
}

#[derive(Debug)]
pub(super) struct All;

impl Rule for All {
    const NAME: &'static str = "all-of";

    /// One unusable part makes the whole unusable.
    fn decide(parts: &[(f64, Verdict)], mean: Verdict) -> Verdict {
        let invalid = parts.iter().find_map(|(_, part)| part.invalid.clone());
        Verdict { score: scores(parts).fold(Score::ONE, least), invalid, ..mean }
    }
}

#[derive(Debug)]
pub(super) struct One;

impl Rule for One {
    const NAME: &'static str = "one-of";

    fn decide(parts: &[(f64, Verdict)], mean: Verdict) -> Verdict {
        let greatest = |a, b| if b > a { b } else { a };
        Verdict { score: scores(parts).fold(Score::ZERO, greatest), ..mean }
    }
}

#[derive(Debug)]
pub(super) struct Mean;

impl Rule for Mean {
    const NAME: &'static str = "mean-of";
    const IS_WEIGHTED: bool = true;

    fn decide(_: &[(f64, Verdict)], mean: Verdict) -> Verdict {
        mean
    }
}

fn scores(parts: &[(f64, Verdict)]) -> impl Iterator<Item = Score> {
    parts.iter().map(|(_, part)| part.score)
}

fn least(a: Score, b: Score) -> Score {
    if b < a { b } else { a }
}

pub(super) type AllOf = Combined<All>;
pub(super) type OneOf = Combined<One>;
pub(super) type MeanOf = Combined<Mean>;

#[derive(Debug)]
pub(super) struct Combined<R> {
    parts: Vec<Scorer>,
    rule: PhantomData<R>,
}

impl<R: Rule> From<Combined<R>> for Method {
    fn from(combined: Combined<R>) -> Self {
        Self::Row(Arc::new(combined))
    }
}

impl<R: Rule> FromTable for Combined<R> {
    const NAME: &'static str = R::NAME;
    const KEYS: &'static [&'static str] = &["of"];
    const HAS_FILTER: bool = false;

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        let of = table.of.as_deref().unwrap_or_default();
        if of.is_empty() {
            return Err(ScorerError::new("of", format!("`of` of `{}` has no scorers", R::NAME))
                .help("write of = [{ kind = \"is-json\" }, { kind = \"contains\" }]"));
        }
        let parts = of.iter().map(part::<R>).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { parts, rule: PhantomData })
    }
}

fn part<R: Rule>(table: &ScoreTable) -> Result<Scorer, ScorerError> {
    let wrong = |message: &str| ScorerError::new("of", format!("`{}`: {message}", table.kind));
    let without_effect =
        [("name", table.name.is_some()), ("weight", table.weight.is_some() && !R::IS_WEIGHTED)];
    if let Some((key, _)) = without_effect.into_iter().find(|(_, is_set)| *is_set) {
        return Err(wrong(&format!("`{key}` has no effect in `{}`", R::NAME)).help("remove it"));
    }
    let scorer = Scorer::new(table)
        .map_err(|error| ScorerError { help: error.help.clone(), ..wrong(&error.message) })?;
    if scorer.program().is_some() {
        return Err(wrong(&format!("a program cannot be a part of `{}`", R::NAME))
            .help("let the program combine the scores, or give it a [[score]] of its own"));
    }
    if scorer.is_asked() {
        return Err(wrong(&format!("a judge cannot be a part of `{}`", R::NAME))
            .help("give it a [[score]] of its own"));
    }
    Ok(scorer)
}

impl<R: Rule> RowKind for Combined<R> {
    fn check(&self, row: &Example) -> Result<(), String> {
        self.parts.iter().try_for_each(|part| part.check(row))
    }

    fn score(&self, answer: &str, row: &Example) -> Verdict {
        let parts: Vec<(f64, Verdict)> = self
            .parts
            .iter()
            .filter_map(|part| Some((part.weight(), part.score(answer, row)?)))
            .collect();
        let mut whole = R::decide(&parts, Verdict::combine(parts.clone()));
        whole.metrics.clear();
        if whole.score.is_perfect() {
            whole.feedback = None;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer, value};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const PARTS: &str =
        "of = [{ kind = 'contains', value = 'a' }, { kind = 'not-contains', value = 'b' }]";

    fn of(kind: &str, answer: &str) -> f64 {
        value(&format!("kind = '{kind}'\n{PARTS}"), answer, json!("x"))
    }

    #[test]
    fn parts_are_joined_by_and_by_or_and_by_their_mean() {
        for (answer, all, one, mean) in [
            ("a", 1.0, 1.0, 1.0),
            ("ab", 0.0, 1.0, 0.5),
            ("b", 0.0, 0.0, 0.0),
            ("c", 0.0, 1.0, 0.5),
        ] {
            assert_eq!(
                [of("all-of", answer), of("one-of", answer), of("mean-of", answer)],
                [all, one, mean],
                "{answer}"
            );
            assert_eq!(of("not-all-of", answer), 1.0 - all);
            assert_eq!(of("not-one-of", answer), 1.0 - one);
        }
        let weighed = "kind = 'mean-of'\nthreshold = 0.7\nof = [{ kind = 'contains', value = 'a', weight = 3 }, { kind = 'is-json' }]";
        assert_eq!(value(weighed, "a", json!("x")), 1.0, "3 of 4 are 0.75");
        assert_eq!(value(&weighed.replace("0.7", "0.8"), "a", json!("x")), 0.0);
    }

    #[test]
    fn parts_see_the_row_and_say_what_is_wrong() {
        let all = scorer(
            "kind = 'all-of'\nof = [{ kind = 'contains' }, { kind = 'one-of', of = [{ kind = 'is-json' }, { kind = 'regex', pattern = '^x' }] }]",
        );
        let verdict = all.score("no", &row(json!("Paris"))).unwrap();
        assert_eq!(
            verdict.feedback.as_deref(),
            Some(
                "Expected `Paris` in the answer, got `no`. Expected JSON and nothing else: expected \
                 ident at line 1 column 2. Expected an answer that matches `^x`, got `no`."
            )
        );
        assert!(all.check(&row(json!(" "))).unwrap_err().contains("the answer is empty"));
        assert_eq!(all.score("xParis", &row(json!("Paris"))).unwrap(), Verdict::right());
    }

    #[test]
    fn an_unusable_part_makes_all_of_it_unusable_and_one_of_it_not() {
        let parts = "of = [{ kind = 'number' }, { kind = 'contains', value = 'a' }]";
        let verdict = |kind: &str| {
            let scorer = scorer(&format!("kind = '{kind}'\n{parts}"));
            scorer.score("a", &row(json!(1))).unwrap()
        };
        let all = verdict("all-of");
        assert_eq!(all.invalid.as_deref(), Some("the answer holds no number"));
        assert_eq!((all.score, verdict("not-all-of").score), (Score::ZERO, Score::ZERO));
        assert_eq!(verdict("one-of"), Verdict::right());
    }

    #[test]
    fn what_has_no_effect_is_refused() {
        for (text, message) in [
            ("kind = 'all-of'", "`of` of `all-of` has no scorers"),
            ("kind = 'all-of'\nof = []", "has no scorers"),
            ("kind = 'all-of'\nof = [{ kind = 'is-json', weight = 2 }]", "`weight` has no effect"),
            ("kind = 'mean-of'\nof = [{ kind = 'is-json', name = 'a' }]", "`name` has no effect"),
            (
                "kind = 'one-of'\nof = [{ kind = 'command', command = ['x'] }]",
                "a program cannot be",
            ),
            (
                "kind = 'one-of'\nof = [{ kind = 'regex', pattern = '(' }]",
                "`regex`: `pattern` is not",
            ),
            ("kind = 'one-of'\nof = [{ kind = 'is-jsn' }]", "`is-jsn`: there is no scorer"),
            (&format!("kind = 'one-of'\nextract = '(.)'\n{PARTS}"), "`extract` is not a key of"),
            ("kind = 'not-is-jsn'", "there is no scorer `is-jsn`"),
            ("kind = 'equals'\nof = [{ kind = 'is-json' }]", "`of` is not a key of `equals`"),
            ("kind = 'equals'\nthreshold = 0.0", "above 0 and at most 1"),
            ("kind = 'equals'\nthreshold = 75", "above 0 and at most 1"),
        ] {
            let error = Scorer::new(&toml::from_str(text).unwrap()).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_named() {
        for (text, answer, feedback) in [
            (
                "kind = 'not-contains'\nvalue = 'sorry'",
                "I am sorry",
                "contains `sorry`, got `I am sorry`",
            ),
            ("kind = 'not-equals'", "x", "is `x`, got `x`"),
            ("kind = 'not-starts-with'", "xy", "begins with `x`, got `xy`"),
            ("kind = 'not-regex'\npattern = '\\d'", "4", "matches `\\d`, got `4`"),
            ("kind = 'not-is-json'", "{}", "is JSON, got `{}`"),
            ("kind = 'not-one-of'\nof = [{ kind = 'is-json' }]", "4", "passes `one-of`, got `4`"),
        ] {
            let verdict = scorer(text).score(answer, &row(json!("x"))).unwrap();
            let feedback = format!("Expected no answer that {feedback}.");
            assert_eq!((verdict.score, verdict.feedback), (Score::ZERO, Some(feedback)));
            assert_eq!(scorer(text).score("other", &row(json!("x"))).unwrap(), Verdict::right());
        }
        let labels = scorer("kind = 'not-label'\nlabels = ['a', 'x']");
        assert!(labels.labels().is_empty() && labels.label_in("x").is_none());
        assert_eq!(labels.score("a", &row(json!("x"))).unwrap(), Verdict::right());
        let unusable = labels.score("neither", &row(json!("x"))).unwrap();
        assert!(unusable.invalid.is_some() && unusable.score == Score::ZERO);
        let none = scorer("kind = 'not-equals'\nany_of = true");
        assert_eq!(none.score("b", &row(json!(["a", "b"]))).unwrap().score, Score::ZERO);
    }

    #[test]
    fn an_empty_answer_avoids_nothing() {
        for kind in ["not-contains", "not-equals", "not-is-json", "not-f1", "not-assertions"] {
            for answer in ["", "   "] {
                let row = row(json!("sorry"));
                let verdict = scorer(&format!("kind = '{kind}'")).score(answer, &row).unwrap();
                assert_eq!(verdict.score, Score::ZERO, "{kind}");
                assert!(verdict.invalid.is_some(), "{kind}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_mean_lies_between_all_and_one_and_not_is_the_rest(answer in "[abc{}0-9 ]{0,8}") {
            let [all, one, mean] = ["all-of", "one-of", "mean-of"].map(|kind| of(kind, &answer));
            prop_assert!(all <= mean && mean <= one);
            let not = of("not-mean-of", &answer);
            prop_assert!(not == 1.0 - mean || answer.trim().is_empty() || not == 0.0);
        }
    }
}
