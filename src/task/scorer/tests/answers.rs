//! Answers as models write them, each with the row's answer and the score that a person gives it.

use super::{row, scorer};
use serde_json::{Value, json};

/// The score that a person gives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Right,
    Wrong,
    Share(f64),
    Invalid,
}

use Wanted::{Invalid, Right, Share, Wrong};

#[track_caller]
fn all_scored(score: &str, cases: &[(&str, Value, Wanted)]) {
    let scorer = scorer(score);
    let mut wrong = Vec::new();
    for (answer, expected, wanted) in cases {
        let verdict = scorer.score(answer, &row(expected.clone())).unwrap();
        let got = match verdict.score.value() {
            _ if verdict.invalid.is_some() => Invalid,
            1.0 => Right,
            0.0 => Wrong,
            share => Share(share),
        };
        if got != *wanted {
            wrong.push(format!(
                "{answer:?} against {expected}: {got:?}, not {wanted:?} ({:?})",
                verdict.feedback
            ));
        }
    }
    assert!(wrong.is_empty(), "{score}\n{}", wrong.join("\n"));
}

#[test]
fn numbers() {
    all_scored(
        "kind = 'number'",
        &[
            ("9.500,- €", json!(9500), Right),
            ("Preis: 49,– EUR", json!(49), Right),
            ("1,200,-2", json!(-2), Right),
            // Emphasis is no product.
            ("**(1,234.50)**", json!("(1,234.50)"), Right),
            ("The answer is *5*.", json!(5), Right),
            ("*5* apples and *7* pears, so *12*", json!(12), Right),
            ("**5** and no more", json!(5), Right),
            (
                "Each box holds 12 pens, and 12 × 9 = 108.\n\n**Answer: 108 pens**",
                json!(108),
                Right,
            ),
            ("Sorry for the confusion! The correct total is 46, not 44.", json!(46), Wrong),
            ("Sorry for the confusion, it is not 44. The correct total is 46.", json!(46), Right),
            ("The train needs $\\frac{7}{4}$ hours.", json!(1.75), Right),
            (
                "\\[\n\\boxed{\\dfrac{7}{4}}\n\\]\nTo check: $4 \\cdot \\frac{7}{4} = 7$.",
                json!("7/4"),
                Right,
            ),
            ("Thus the answer is $\\boxed{-\\frac{3}{8}}$", json!("-0.375"), Right),
            ("$$x = \\boxed{1{,}250{,}000}$$", json!(1_250_000), Right),
            ("\\boxed{\\$4{,}750.00}", json!("4750"), Right),
            ("\\boxed{4.5 \\times 10^{-3}\\text{ mol}}", json!("0.0045"), Right),
            ("\\(\\boxed{72^\\circ}\\)", json!(72), Right),
            ("\\boxed{\\text{24 hours}}", json!(24), Right),
            ("\\boxed{6!}", json!(6), Invalid),
            ("\\boxed{2 + 3}", json!(3), Invalid),
            ("\\boxed{3\\sqrt{2}}", json!(3), Invalid),
            ("\\boxed{}", json!(5), Invalid),
            ("```python\nprint(7 * 6)\n```\nThe output is `42`.", json!(42), Right),
            ("#### 1,460", json!("1460"), Right),
            (
                "<think>\n3 * 15 = 45, plus 5 is 50?\n</think>\n\nShe pays 48 dollars.",
                json!(48),
                Right,
            ),
            ("<think>3 * 15 = 45, so it is 45", json!(45), Invalid),
            ("<think>So 45.</thinking>45", json!(45), Right),
            ("答えは１，２８０円です。", json!(1280), Right),
            ("约为3.5万人", json!(35_000), Right),
            ("الجواب هو ٣٤٥", json!(345), Right),
            ("Le total s’élève à 1 234,50 €.", json!(1234.5), Right),
            ("Insgesamt sind das 12.500,75 Euro", json!(12_500.75), Right),
            ("Net income: (3,415)", json!(-3415), Right),
            ("The change was −4.2 %.", json!("-4.2%"), Right),
            ("The share rose to 37.5 percent.", json!(0.375), Right),
            ("Revenue grew to $2.4 billion in 2023.", json!("2400000000"), Wrong),
            ("In 2023, revenue grew to $2.4 billion.", json!("2400000000"), Right),
            ("In 2023, revenue grew to $2.4 billion.", json!("2.4 million"), Wrong),
            ("about 15k users", json!(15_000), Right),
            ("She ran 5 km on 3 May 2024.", json!(5), Right),
            ("As of 2024-03-31, there were 812 stores.", json!(812), Right),
            ("The meeting is at 14:30.", json!(14), Invalid),
            ("1. Add 4 and 5.\n2. Subtract 2.\n\nResult: 7", json!(7), Right),
            ("- Apples: 3\n- Pears: 4\n- **Total: 7**", json!(7), Right),
            ("| item | price |\n|---|---|\n| tea | 3.20 |\n| total | 11.45 |", json!(11.45), Right),
            ("I'd rate it 4 out of 5.", json!(4), Right),
            ("It is 330 m tall [2].", json!(330), Right),
            ("I can't determine that from the text.", json!(3), Invalid),
            ("I'm sorry, but as an AI I cannot help with that.", json!(1), Invalid),
            ("seven", json!(7), Invalid),
            ("between 3 and 5", json!("3-5"), Wrong),
            ("3–5 days", json!("3-5"), Right),
            ("(-3)^2 = 9", json!(9), Right),
            ("2**10", json!(1024), Right),
            ("It is exactly 42!", json!(42), Right),
        ],
    );
}

#[test]
fn labels() {
    all_scored(
        "kind = 'label'\nlabels = ['positive', 'negative', 'not_applicable', 'mixed']",
        &[
            ("**Sentiment:** Positive", json!("positive"), Right),
            ("`negative`", json!("negative"), Right),
            ("The sentiment is clearly NEGATIVE. The customer is angry.", json!("negative"), Right),
            ("Not applicable", json!("not_applicable"), Right),
            ("not-applicable.", json!("not_applicable"), Right),
            ("{\"sentiment\": \"mixed\"}", json!("mixed"), Right),
            ("<think>positive? The second half is negative.</think>\nmixed", json!("mixed"), Right),
            ("It could be positive or negative.", json!("positive"), Invalid),
            ("I'm sorry, I can't classify this.", json!("mixed"), Invalid),
            ("Positively!", json!("positive"), Invalid),
            ("ｎｅｇａｔｉｖｅ", json!("negative"), Right),
            ("", json!("mixed"), Invalid),
            ("<think>\nIt is positive", json!("positive"), Invalid),
        ],
    );
    all_scored(
        "kind = 'label'\nlabels = ['A', 'B', 'C', 'D']",
        &[
            ("The correct answer is **(C)**.", json!("C"), Right),
            ("B) Paris", json!("B"), Right),
            ("B) A dog", json!("B"), Right),
            ("(B) A dog", json!("B"), Right),
            ("B: A dog", json!("B"), Right),
            ("**B) A dog**", json!("B"), Right),
            ("C - A dog", json!("C"), Right),
            ("The correct answer is B) A dog.", json!("B"), Right),
            ("C. U.S.A.", json!("C"), Right),
            ("B) Washington, D.C.", json!("B"), Right),
            ("B) A dog or C) A cat", json!("B"), Invalid),
            ("Answer: D. A mixture of gases", json!("D"), Right),
            ("A careful reading shows that it is B.", json!("B"), Right),
            ("\\boxed{A}", json!("A"), Right),
            ("Either A or C", json!("A"), Invalid),
        ],
    );
    all_scored(
        "kind = 'label'\nlabels = ['عاجل', 'عادي']",
        &[("التصنيف: عَاجِل.", json!("عاجل"), Right), ("عـــادي", json!("عادي"), Right)],
    );
}

#[test]
fn json_in_answers() {
    let invoice = json!({"vendor": "Müller & Söhne", "total": 1204.5, "paid": true, "due": null});
    let written = r#"{"vendor": "Müller & Söhne", "total": 1204.50, "paid": true, "due": null}"#;
    let cases = [
        (written.to_owned(), Right),
        (format!("Here is the extracted data:\n\n```json\n{written}\n```\n\nLet me know!"), Right),
        (format!("<think>The total is {{\"total\": 5}}</think>{written}"), Right),
        (format!("```python\ndata = {{\"total\": 1}}\n```\nThe result:\n{written}"), Right),
        (format!("```python\n{{\"total\": 1}}\n```\nThe result:\n{written}"), Right),
        (written.replace(", \"due\": null", ""), Share(0.75)),
        (written.replace("1204.50", "\"1204.50\""), Share(0.75)),
        (written.replace("true", "True"), Invalid),
        (written.replace('"', "'"), Invalid),
        (written[..40].to_owned(), Invalid),
        (written.replace("null}", "null,}"), Invalid),
        ("I could not find an invoice in this text.".to_owned(), Invalid),
        (format!("[{written}]"), Invalid),
        (written.replace("null", "null, \"note\": \"x\""), Right),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(answer, wanted)| (answer.as_str(), invoice.clone(), *wanted)).collect();
    all_scored("kind = 'json-fields'", &cases);
}

#[test]
fn values_and_texts() {
    all_scored(
        "kind = 'equals'",
        &[
            ("True", json!(true), Right),
            ("false", json!(true), Wrong),
            ("1.0", json!(1), Right),
            ("1e0", json!(1), Right),
            ("1.0", json!("1"), Wrong),
            ("It’s “done”", json!("It's \"done\""), Right),
            ("```json\n[\"a\", \"b\"]\n```", json!(["a", "b"]), Right),
            ("a, b", json!(["a", "b"]), Invalid),
            ("a\r\nb", json!("a\nb"), Right),
            ("a\nb", json!("a\r\nb"), Right),
            ("", json!("a"), Invalid),
            (" \n", json!(5), Invalid),
            ("", json!(""), Right),
        ],
    );
    all_scored(
        "kind = 'equals'\nextract = '(?i)final answer:\\s*(.+?)\\.?$'",
        &[
            ("I first thought Rome.\nFinal answer: Paris.", json!("Paris"), Right),
            ("Paris", json!("Paris"), Invalid),
            ("**Final Answer:** Paris", json!("Paris"), Wrong),
        ],
    );
    all_scored(
        "kind = 'contains'\nany_of = true",
        &[
            ("He was born in New York City.", json!(["NYC", "New York City"]), Right),
            ("He was born in Boston.", json!(["NYC", "New York City"]), Wrong),
        ],
    );
}
