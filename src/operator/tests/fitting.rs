//! Requests and context windows: what does not fit is left out in its order, or it is an error.

use super::*;
use proptest::prelude::*;

/// A brief with this many rows and past prompts of this many words.
fn sized(
    operator: &MetaPrompt,
    rows: usize,
    past: usize,
    words: usize,
    window: Option<u64>,
) -> Result<String, OperatorError> {
    let long = "wörd ".repeat(words);
    let current = prompt("Route the ticket.\nKeep this line.");
    let others: Vec<Prompt> =
        (0..past.max(3)).map(|place| prompt(&format!("Past {place}. {long}"))).collect();
    let searched = ["system".to_owned()];
    let brief = Brief {
        evidence: (0..rows).map(|row| evidence(&format!("Row {row}. {long}"))).collect(),
        history: others
            .iter()
            .take(past)
            .enumerate()
            .map(|(place, prompt)| ScoredPrompt { prompt, score: Some(1.0 - place as f64 / 100.0) })
            .collect(),
        others: others.iter().take(3).collect(),
        note: Some("A note."),
        style: Some("Calm."),
        mutator: Some("Shorten it."),
        context_tokens: window,
        max_output_tokens: 500,
        ..Brief::new("Routing.", &current, &searched, 900)
    };
    let request = operator.write(&MetaPrompts::builtin(), &brief, Seed(1))?;
    Ok(request.into_iter().next().unwrap().content)
}

fn tokens(request: &str) -> u64 {
    request.len() as u64 / 3 + 500
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_request_fits_or_is_an_error_and_the_current_text_is_whole(
        which in 0..all_meta_prompts().len(),
        rows in 0_usize..20,
        past in 0_usize..12,
        words in 0_usize..400,
        window in 300_u64..12_000,
    ) {
        let whole = sized(all_meta_prompts()[which], rows, past, words, None).unwrap();
        match sized(all_meta_prompts()[which], rows, past, words, Some(window)) {
            Ok(request) => {
                prop_assert!(tokens(&request) <= window);
                let nonce = Nonce::find(&request).unwrap();
                let current = format!(
                    "{}\nRoute the ticket.\nKeep this line.\n{}",
                    nonce.opening("system"),
                    nonce.closing()
                );
                prop_assert!(request.contains(&current));
                if tokens(&whole) + 40 <= window {
                    prop_assert_eq!(request, whole, "cut without need");
                }
            }
            Err(OperatorError::TooLong { needed, window: told }) => {
                prop_assert_eq!(told, window);
                prop_assert!(needed > window);
                // What was needed is enough, and nothing less is.
                prop_assert!(sized(all_meta_prompts()[which], rows, past, words, Some(needed)).is_ok());
                prop_assert!(sized(all_meta_prompts()[which], rows, past, words, Some(needed - 1)).is_err());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }
}

#[test]
fn rows_go_before_past_prompts_and_the_worst_of_those_first() {
    let operator = named_meta_prompt("history_rewrite").unwrap();
    let shown = |window: u64| {
        let request = sized(operator, 6, 4, 100, Some(window)).unwrap();
        let has =
            |what: &str| (0..6).filter(|n| request.contains(&format!("{what} {n}."))).collect();
        (has("Row"), has("Past"))
    };
    let all: (Vec<usize>, Vec<usize>) = shown(40_000);
    assert_eq!(all, ((0..6).collect(), (0..4).collect()));
    let mut last = all;
    let mut seen = Vec::new();
    for window in (1_100..8_000).rev().step_by(50) {
        let Ok(_) = sized(operator, 6, 4, 100, Some(window)) else {
            break;
        };
        let (rows, past) = shown(window);
        assert!(rows.len() <= last.0.len() && past.len() <= last.1.len(), "{window}");
        // Rows go from the end, past prompts from the worst, which the last one is here.
        assert_eq!(rows, (0..rows.len()).collect::<Vec<_>>());
        assert_eq!(past, (0..past.len()).collect::<Vec<_>>());
        assert!(past.len() == 4 || rows.is_empty(), "{window}: {rows:?} {past:?}");
        seen.push((rows.len(), past.len()));
        last = (rows, past);
    }
    assert!(
        seen.contains(&(0, 2)) && seen.iter().any(|(rows, _)| (1..5).contains(rows)),
        "{seen:?}"
    );
    let error = sized(operator, 6, 4, 100, Some(600)).unwrap_err().to_string();
    assert!(error.starts_with("the mutator's context window has 600 tokens, and"), "{error}");
}
