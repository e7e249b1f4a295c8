//! `pairwise`: a judge says whether the answer is better than another one of the row. This file only parses its table; how the
//! judge is asked is in `pair`, and its calls are the engine's.

use super::answer_filter::AnswerFilter;
use super::judging::Judging;
use super::kind::{FromTable, Method};
use super::pair::Pairwise;
use super::table::{ScoreTable, ScorerError};
use serde_json::Value;
use std::sync::Arc;

/// What is asked where the table does not say it.
const USUAL: &str = "Which answer serves the person who sent the input better?";

/// The kind.
#[derive(Clone, Debug)]
pub(super) struct PairwiseKind(Pairwise);

impl From<PairwiseKind> for Method {
    fn from(pairwise: PairwiseKind) -> Self {
        Self::Judge(Arc::new(Judging::Pairwise(pairwise.0)))
    }
}

impl FromTable for PairwiseKind {
    const NAME: &'static str = "pairwise";
    const KEYS: &'static [&'static str] = &["value", "against", "rule"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        let question = match &table.value {
            None => USUAL.to_owned(),
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            Some(_) => {
                return Err(ScorerError::new("value", "`value` of a comparison is a text")
                    .help("write value = \"Which answer is friendlier?\", or remove it"));
            }
        };
        if table.against.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(ScorerError::new("against", "`against` is empty").help(
                "name the column of the other answer, or remove it: then it is the row's answer",
            ));
        }
        Ok(Self(Pairwise { question, against: table.against.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let of = |text: &str| {
            let table: ScoreTable = toml::from_str(&format!("kind = 'pairwise'\n{text}")).unwrap();
            PairwiseKind::new(&table, &AnswerFilter::nothing())
        };
        assert!(of("value = 3").unwrap_err().message.contains("is a text"));
        assert!(of("against = ' '").unwrap_err().message.contains("is empty"));
        assert_eq!(of("").unwrap().0.question, USUAL);
    }
}
