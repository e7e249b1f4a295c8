use super::*;
use crate::id::ExampleId;
use proptest::prelude::*;
use serde_json::json;

mod answers;

pub(super) fn row(answer: Value) -> Example {
    Example {
        numbers: Vec::new(),
        id: ExampleId::new("r1"),
        columns: serde_json::Map::new(),
        answer,
        feedback: None,
        group: None,
        weight: 1.0,
        must_pass: false,
        origin: crate::task::example::RowOrigin::Collected,
        file: 0,
        line: 1,
    }
}

fn table(text: &str) -> ScoreTable {
    toml::from_str(text).unwrap()
}

pub(super) fn scorer(text: &str) -> Scorer {
    Scorer::new(&table(text)).unwrap()
}

pub(super) fn value(text: &str, answer: &str, expected: Value) -> f64 {
    scorer(text).score(answer, &row(expected)).unwrap().score.value()
}

#[test]
fn texts_are_compared_as_they_are_unless_evened_out() {
    let equals = "kind = 'equals'";
    assert_eq!(value(equals, " Paris\n", json!("Paris")), 1.0);
    assert_eq!(value(equals, "paris", json!("Paris")), 0.0);
    assert_eq!(
        value(
            "kind = 'equals'\nnormalize = ['lower', 'strip-punctuation']",
            "«Paris»!",
            json!("paris.")
        ),
        1.0
    );
    assert_eq!(value("kind = 'equals'\nnormalize = []", "Paris\n", json!("Paris")), 0.0);
    assert_eq!(value("kind = 'equals'\nvalue = 'ok'", "ok", json!("Paris")), 1.0);
    assert_eq!(
        value(
            "kind = 'equals'\nextract = 'is (\\w+)'",
            "it is Rome, no, is Paris.",
            json!("Paris")
        ),
        1.0
    );
}

#[test]
fn reasoning_is_taken_from_the_right_answer_too() {
    for (text, answer, expected) in [
        ("kind = 'equals'", "blue", json!("<think>Red?</think>\n\nblue")),
        ("kind = 'equals'", "<think>No.</think>blue", json!("<think>Red?</think>blue")),
        ("kind = 'number'", "5", json!("<think>\n4?\n</think>\n5")),
        ("kind = 'label'\nlabels = ['a', 'b']", "b", json!("<think>a?</think>b")),
        ("kind = 'equals'\nany_of = true", "b", json!("<think>?</think>[\"a\", \"b\"]")),
        ("kind = 'equals'\nany_of = true", "b", json!(["a", "<think>?</think>b"])),
        ("kind = 'equals'\nreasoning = 'keep'", "<think>a</think>b", json!("<think>a</think>b")),
    ] {
        let scorer = scorer(text);
        assert_eq!(scorer.check(&row(expected.clone())), Ok(()), "{text} {expected}");
        let verdict = scorer.score(answer, &row(expected.clone())).unwrap();
        assert!(verdict.score.is_perfect(), "{text} {expected}: {verdict:?}");
    }
    let broken = scorer("kind = 'equals'").check(&row(json!("<think>blue"))).unwrap_err();
    assert!(broken.contains("within its thinking block") && broken.contains("keep"), "{broken}");
}

#[test]
fn punctuation_that_has_a_meaning_makes_texts_different() {
    for kind in ["equals", "json-fields"] {
        let text = format!("kind = '{kind}'\nnormalize = ['strip-punctuation', 'trim']");
        let wrap = |value: &str| if kind == "equals" { json!(value) } else { json!({"x": value}) };
        for (one, other) in [
            ("id != 5", "id = 5"),
            ("--cached", "cached"),
            ("!x", "x"),
            ("-l", "l"),
            (".env", "env"),
            ("*.txt", ".txt"),
            ("5!", "5"),
            ("~5", "5"),
            ("-.5", ".5"),
            ("-$5", "$5"),
            ("A-", "A"),
            ("?", "!"),
        ] {
            let said = |value: &str| match kind {
                "equals" => value.to_owned(),
                _ => wrap(value).to_string(),
            };
            assert_eq!(value(&text, &said(one), wrap(other)), 0.0, "{kind} {one}");
            assert_eq!(value(&text, &said(one), wrap(one)), 1.0, "{kind} {one}");
        }
    }
}

#[test]
fn other_values_are_compared_by_value() {
    let equals = "kind = 'equals'";
    assert_eq!(value(equals, "18", json!(18)), 1.0);
    assert_eq!(value(equals, "18.0", json!(18)), 1.0);
    assert_eq!(value(equals, "true", json!(true)), 1.0);
    assert_eq!(value(equals, "True", json!(true)), 1.0);
    assert_eq!(value(equals, "1", json!(true)), 0.0);
    assert_eq!(
        value(equals, "{\"b\": [1, 2], \"a\": \"x \"}", json!({"a": "x", "b": [1, 2]})),
        1.0
    );
    assert_eq!(value(equals, "{\"a\": \"x\", \"c\": 1}", json!({"a": "x"})), 0.0);
    assert!(scorer(equals).score("{", &row(json!({}))).unwrap().invalid.is_some());
}

#[test]
fn pieces_beginnings_and_patterns_are_found() {
    assert_eq!(value("kind = 'contains'", "in Paris, yes", json!("Paris")), 1.0);
    assert_eq!(value("kind = 'contains'", "in paris", json!("Paris")), 0.0);
    assert_eq!(value("kind = 'contains'\nvalue = 12", "12 men", json!("Paris")), 1.0);
    assert_eq!(value("kind = 'starts-with'", " Paris, yes", json!("Paris")), 1.0);
    assert_eq!(value("kind = 'starts-with'", "in Paris", json!("Paris")), 0.0);
    assert_eq!(value("kind = 'regex'\npattern = '(?i)par.s$'", "in PARIS", json!("x")), 1.0);
    assert_eq!(value("kind = 'regex'", "abbbc", json!("^ab+c$")), 1.0);
    assert_eq!(value("kind = 'regex'", "ac", json!("^ab+c$")), 0.0);
    assert_eq!(value("kind = 'is-json'", " [1] ", json!("x")), 1.0);
    assert_eq!(value("kind = 'is-json'", "```json\n[1]\n```", json!("x")), 0.0);
}

#[test]
fn feedback_shows_the_expected_and_the_actual_answer() {
    let feedback = |text: &str, answer: &str| {
        scorer(text).score(answer, &row(json!("Paris"))).unwrap().feedback
    };
    insta::assert_snapshot!(
        [
            feedback("kind = 'equals'", "Rome\nor so"),
            feedback("kind = 'contains'", "Rome"),
            feedback("kind = 'starts-with'", "Rome"),
            feedback("kind = 'regex'", "Rome"),
            feedback("kind = 'is-json'", "{\"a\" 1}"),
        ]
        .map(Option::unwrap)
        .join("\n"),
        @r#"
    Expected `Paris`, got `Rome or so`.
    Expected `Paris` in the answer, got `Rome`.
    Expected an answer that begins with `Paris`, got `Rome`.
    Expected an answer that matches `Paris`, got `Rome`.
    Expected JSON and nothing else: expected `:` at line 1 column 6.
    "#
    );
    assert_eq!(feedback("kind = 'equals'", "Paris"), None);
    assert!(feedback("kind = 'equals'", &"long ".repeat(1 << 18)).unwrap().len() < 300);
}

#[test]
fn a_table_that_cannot_be_used_is_refused_by_key() {
    for (text, key, message) in [
        ("kind = 'lable'", "kind", "there is no scorer `lable`"),
        ("kind = 'regex'\nlabels = ['a']", "labels", "`labels` is not a key of `regex`"),
        ("kind = 'is-json'\nvalue = 1", "value", "`value` is not a key of `is-json`"),
        ("kind = 'label'\nlabels = ['a']\ntolerance = 0.1", "tolerance", "is not a key of `label`"),
        ("kind = 'equals'\nweight = 0", "weight", "must be above 0"),
        ("kind = 'equals'\nweight = nan", "weight", "must be above 0"),
        ("kind = 'equals'\nname = ' '", "name", "is empty"),
        ("kind = 'contains'\nvalue = ''", "value", "every answer would match"),
        (
            "kind = 'regex'\npattern = '['",
            "pattern",
            "`pattern` is not a pattern: unclosed character class",
        ),
        ("kind = 'regex'\npattern = 'a{99999}{99999}'", "pattern", "`pattern` is not a pattern"),
        ("kind = 'number'\ntolerance = -1", "tolerance", "must be 0 or more"),
        ("kind = 'label'", "labels", "needs the labels"),
        ("kind = 'command'", "command", "names no program"),
        ("kind = 'is-json'\nany_of = true", "any_of", "`any_of` is not a key of `is-json`"),
        ("kind = 'equals'\nvalue = 'x'\nany_of = true", "any_of", "so `any_of` has no list"),
    ] {
        let error = Scorer::new(&table(text)).unwrap_err();
        assert_eq!(error.key, key, "{text}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
    let error = Scorer::new(&table("kind = 'lable'")).unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `label`?"));
    let unknown = toml::from_str::<ScoreTable>("kind = 'label'\nlabls = []").unwrap_err();
    assert!(unknown.message().contains("unknown field `labls`"));
    let step = toml::from_str::<ScoreTable>("kind = 'label'\nnormalize = ['lowr']").unwrap_err();
    assert!(step.message().contains("unknown variant `lowr`"));
}

#[test]
fn a_row_that_fits_no_scorer_is_found_before_it_is_paid_for() {
    assert!(scorer("kind = 'contains'").check(&row(json!(" "))).is_err());
    assert!(scorer("kind = 'contains'\nvalue = 'x'").check(&row(json!(""))).is_ok());
    assert!(scorer("kind = 'regex'").check(&row(json!("("))).is_err());
    assert!(scorer("kind = 'number'").check(&row(json!("none"))).is_err());
    assert!(scorer("kind = 'equals'").check(&row(json!(""))).is_ok());
    let verdict = scorer("kind = 'regex'").score("x", &row(json!("("))).unwrap();
    assert!(verdict.feedback.unwrap().contains("is not a pattern"));
}

#[test]
fn reasoning_is_not_scored_unless_it_is_kept() {
    let label = "kind = 'label'\nlabels = ['yes', 'no']";
    let answer = "<think>Is it no? I say no.</think>\nyes";
    assert_eq!(value(label, answer, json!("yes")), 1.0);
    assert_eq!(value(&format!("{label}\nreasoning = 'strip'"), answer, json!("yes")), 1.0);
    let kept = scorer(&format!("{label}\nreasoning = 'keep'"));
    assert!(kept.score(answer, &row(json!("yes"))).unwrap().invalid.unwrap().contains("several"));
    for text in [label, "kind = 'contains'", "kind = 'is-json'", "kind = 'regex'"] {
        let verdict = scorer(text).score("<think>It is yes, or", &row(json!("yes"))).unwrap();
        assert_eq!(
            (verdict.score.value(), verdict.invalid.as_deref()),
            (0.0, Some("the answer ends within its thinking block, before it says anything")),
            "{text}"
        );
    }
}

#[test]
fn an_answer_that_extract_does_not_match_is_invalid() {
    let equals = scorer("kind = 'equals'\nextract = 'is (\\w+)'");
    let verdict = equals.score("Paris", &row(json!("Paris"))).unwrap();
    assert_eq!(verdict.invalid.as_deref(), Some("`extract` matches nothing in the answer"));
    assert_eq!(
        verdict.feedback.as_deref(),
        Some("`extract` matches nothing in the answer. Expected `Paris`.")
    );
}

#[test]
fn the_labels_of_a_row_are_its_right_answers_as_the_scorer_reads_them() {
    let label = "kind = 'label'\nlabels = ['late fee', 'refund']\n";
    let of = |more: &str, answer: Value| -> Vec<String> {
        let scorer = scorer(&format!("{label}{more}"));
        scorer.right_labels(&row(answer)).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(of("extract = 'answer: (.+)$'", json!("Late  Fee")), ["late fee"]);
    assert_eq!(of("any_of = true", json!(["refund", "LATE_FEE"])), ["refund", "late fee"]);
    assert_eq!(of("", json!("<think>refund?</think>late fee")), ["late fee"]);
    let extracting = scorer(&format!("{label}extract = 'answer: (.+)$'"));
    assert_eq!(extracting.label_of(" REFUND"), Some("refund"));
    assert_eq!(extracting.label_of("a refund"), None, "not the whole text");
    assert_eq!(extracting.label_in("answer: a refund"), Some("refund"));
    assert!(scorer("kind = 'equals'").right_labels(&row(json!("refund"))).is_empty());
}

#[test]
fn texts_are_compared_in_one_form_of_unicode() {
    for text in ["kind = 'equals'", "kind = 'contains'", "kind = 'starts-with'"] {
        for (answer, expected) in [
            ("Zoe\u{308} won’t – ever", "Zoë won't - ever"),
            ("first\\_name", "first_name"),
            ("“so”", "\"so\""),
            ("12\u{a0}€", "12 €"),
            ("Oui\u{202f}!", "Oui !"),
        ] {
            assert_eq!(value(text, answer, json!(expected)), 1.0, "{text} {answer}");
        }
    }
    assert_eq!(value("kind = 'regex'", "won’t", json!("^won't$")), 1.0);
    assert_eq!(value("kind = 'regex'", "won't", json!("^won’t$")), 1.0);
    assert_eq!(value("kind = 'regex'", "a-c", json!("^[a–c]+$")), 1.0);
    assert_eq!(value("kind = 'regex'", "abc", json!("^[a–c]+$")), 0.0);
    assert_eq!(value("kind = 'regex'", "12 €", json!("12\u{a0}€")), 1.0);
    assert_eq!(value("kind = 'regex'", "a–b", json!("a–b")), 1.0);
    assert_eq!(value("kind = 'equals'\nnormalize = ['lower']", "GROSS", json!("groß")), 1.0);
}

#[test]
fn normalize_acts_on_texts_alone() {
    let steps = "normalize = ['trim', 'lower', 'strip-punctuation']";
    for kind in ["equals", "json-fields"] {
        let text = format!("kind = '{kind}'\n{steps}");
        let city = json!({"City": "New York!"});
        assert_eq!(value(&text, "{\"City\": \"New York!\"}", city.clone()), 1.0, "{kind}");
        assert_eq!(value(&text, "{\"City\": \"NEW YORK\"}", city.clone()), 1.0, "{kind}");
        assert_eq!(value(&text, "{\"city\": \"New York!\"}", city), 0.0, "{kind}");
    }
    assert_eq!(value(&format!("kind = 'number'\n{steps}"), "-1.5E3", json!(-1500)), 1.0);
    assert_eq!(value(&format!("kind = 'is-json'\n{steps}"), "{\"A\": 1}", json!("x")), 1.0);
    assert_eq!(value(&format!("kind = 'equals'\n{steps}"), "1.5", json!(1.5)), 1.0);
}

#[test]
fn a_set_weighs_its_scorers_and_names_their_scores() {
    let set = ScorerSet::new(&[
        table("kind = 'contains'\nweight = 3"),
        table("kind = 'is-json'\nname = 'json'"),
        table("kind = 'contains'\nvalue = '['"),
    ])
    .unwrap();
    assert!(set.is_pure());
    let verdict = set.score("Paris [", &row(json!("Paris")));
    assert_eq!(verdict.score.value(), 0.8);
    let names: Vec<(&str, f64)> =
        verdict.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(names, [("contains", 1.0), ("contains-2", 1.0), ("json", 0.0)]);
    let one = ScorerSet::new(&[table("kind = 'number'")]).unwrap().score("none", &row(json!(1)));
    assert!(one.metrics.is_empty() && one.invalid.is_some());
    assert_eq!(ScorerSet::new(&[]).unwrap_err().0, 0);
    let twins = [table("kind = 'equals'\nname = 'a'"), table("kind = 'is-json'\nname = 'a'")];
    let (place, error) = ScorerSet::new(&twins).unwrap_err();
    assert_eq!((place, error.key), (1, "name"));
}

#[test]
fn a_program_is_listed_and_its_verdict_weighed() {
    let set = ScorerSet::new(&[
        table("kind = 'command'\ncommand = ['score']\nextract = 'a(.)'"),
        table("kind = 'equals'"),
    ])
    .unwrap();
    assert!(!set.is_pure());
    let (scorer, program) = set.programs().next().unwrap();
    assert_eq!((program.argv().len(), scorer.scored_part("xaY").as_deref()), (1, Some("Y")));
    assert_eq!(scorer.scored_part("x"), None);
    assert_eq!(scorer.score("xaY", &row(json!("x"))), None);
    // The program is not asked about an answer without a part to score.
    let unasked = set.score_with("x", &row(json!("x")), Vec::new());
    assert_eq!((unasked.score.value(), unasked.metrics["command"]), (0.5, 0.0));
    let mut said = Verdict::wrong("Too long.");
    said.metrics.insert("equals".into(), 7.0);
    let verdict = set.score_with("xax", &row(json!("xax")), vec![said]);
    assert_eq!(verdict.score.value(), 0.5);
    assert_eq!(verdict.metrics["equals"], 1.0);
    assert_eq!(verdict.metrics["command.equals"], 7.0);
}

#[test]
fn verdicts_and_tables_survive_being_written() {
    let verdict = InvalidReason::NoNumber.verdict("`3`");
    assert_eq!(
        serde_json::from_str::<Verdict>(&serde_json::to_string(&verdict).unwrap()).unwrap(),
        verdict
    );
    let table = table("kind = 'label'\nlabels = ['a']\nnormalize = ['squeeze-space']");
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(text, r#"{"kind":"label","labels":["a"],"normalize":["squeeze-space"]}"#);
    assert_eq!(serde_json::from_str::<ScoreTable>(&text).unwrap(), table);
}

#[test]
fn one_right_answer_is_shown_of_several() {
    let set = |text| ScorerSet::new(&[table(text)]).unwrap();
    let list = row(json!(["Rome", "Roma"]));
    assert_eq!(set("kind = 'equals'\nany_of = true").right_answer(&list), json!("Rome"));
    assert_eq!(set("kind = 'equals'").right_answer(&list), json!(["Rome", "Roma"]));
}

proptest! {
    #[test]
    fn no_answer_is_too_odd_to_score(answer in any::<String>(), expected in any::<String>()) {
        for text in [
            "kind = 'equals'", "kind = 'contains'", "kind = 'starts-with'", "kind = 'regex'", "kind = 'number'",
            "kind = 'json-fields'", "kind = 'is-json'", "kind = 'label'\nlabels = ['yes', 'no']", "kind = 'equals'\nany_of = true",
            "kind = 'f1'", "kind = 'levenshtein'", "kind = 'rouge-n'", "kind = 'rouge-l'", "kind = 'bleu'\nany_of = true",
            "kind = 'similar'", "kind = 'sql'", "kind = 'is-sql'", "kind = 'is-json'\nschema = { type = 'object' }",
            "kind = 'json-schema'\nschema = { maxLength = 3 }", "kind = 'not-levenshtein'\nthreshold = 0.5",
        ] {
            let table = table(&format!("{text}\nextract = '(.)$'\nnormalize = ['lower', 'squeeze-space', 'strip-punctuation', 'trim']"));
            for expected in [json!(expected), json!({ "a": expected }), json!(null), json!(1.5)] {
                let verdict = Scorer::new(&table).unwrap().score(&answer, &row(expected)).unwrap();
                prop_assert!(verdict.invalid.is_none() || verdict.score.value() == 0.0);
                prop_assert!(verdict.score.is_perfect() || verdict.feedback.is_some());
            }
        }
    }
}
