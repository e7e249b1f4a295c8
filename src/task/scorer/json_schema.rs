//! `json-schema`: the JSON that an answer holds follows a schema. The expected answer is not used.
//!
//! Where the JSON is found is the same as for `json-fields`; an answer without any is invalid. For an answer that must be
//! JSON and nothing else, `is-json` takes a schema, too.

use super::answer_filter::AnswerFilter;
use super::find_json;
use super::kind::{FromTable, Kind};
use super::schema::Schema;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct JsonSchema(Schema);

impl FromTable for JsonSchema {
    const NAME: &'static str = "json-schema";
    const KEYS: &'static [&'static str] = &["schema"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Schema::new(table)?.map(Self).ok_or_else(|| {
            ScorerError::new("schema", "`json-schema` needs a `schema`")
                .help("write schema = \"answer.schema.json\", or the schema as a table")
        })
    }
}

impl Kind for JsonSchema {
    fn score(&self, answer: &str, _: &Value, _: &AnswerFilter) -> Verdict {
        match find_json::find(answer, self.0.wanted()) {
            Ok(value) => match self.0.complaint(&value) {
                None => Verdict::right(),
                Some(complaint) => Verdict::wrong(complaint),
            },
            Err(reason) => reason.verdict("JSON that follows the schema"),
        }
    }

    fn wanted(&self, _: &Value) -> String {
        "is JSON of that schema".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::super::{ScoreTable, Scorer};
    use super::*;
    use serde_json::json;

    fn table(kind: &str, schema: Value) -> ScoreTable {
        ScoreTable { kind: kind.to_owned(), schema: Some(schema), ..ScoreTable::default() }
    }

    fn invoice() -> Value {
        json!({
            "type": "object",
            "required": ["total"],
            "properties": {"total": {"type": "number", "minimum": 0}, "code": {"type": "string", "pattern": "^[A-Z]{2}$"}},
            "additionalProperties": false,
        })
    }

    fn verdict(kind: &str, schema: Value, answer: &str) -> Verdict {
        Scorer::new(&table(kind, schema)).unwrap().score(answer, &row(json!("x"))).unwrap()
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let of = |answer: &str| verdict("json-schema", invoice(), answer);
        assert_eq!(of("Here:\n```json\n{\"total\": 3, \"code\": \"DE\"}\n```"), Verdict::right());
        let wrong = of("{\"total\": -1, \"code\": \"de\", \"more\": 1}").feedback.unwrap();
        for part in
            ["does not follow the schema: ", "/total: -1 is less than", "/code: \"de\"", "'more'"]
        {
            assert!(wrong.contains(part), "{wrong}");
        }
        assert!(of("{}").feedback.unwrap().contains("\"total\" is a required property"));
        assert_eq!(of("none").invalid.as_deref(), Some("the answer holds no JSON"));
        let list = json!({"type": "array", "items": {"type": "integer"}});
        assert_eq!(verdict("json-schema", list.clone(), "{} and [1, 2]"), Verdict::right());
        assert!(verdict("json-schema", list, "[1, 2.5]").feedback.unwrap().contains("/1: 2.5"));
    }

    #[test]
    fn is_json_wants_nothing_else() {
        assert_eq!(verdict("is-json", invoice(), " {\"total\": 3}\n"), Verdict::right());
        let around = verdict("is-json", invoice(), "Here: {\"total\": 3}");
        assert!(around.feedback.unwrap().starts_with("Expected JSON and nothing else"));
        assert!(verdict("is-json", invoice(), "{}").feedback.unwrap().contains("required"));
        assert_eq!(verdict("not-is-json", invoice(), "{}"), Verdict::right());
        let unwanted = verdict("not-json-schema", invoice(), "{\"total\": 3}").feedback.unwrap();
        assert!(unwanted.contains("no answer that is JSON of that schema"), "{unwanted}");
    }

    #[test]
    fn nothing_outside_of_the_schema_is_read() {
        let local = json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}});
        assert_eq!(verdict("is-json", local, "3"), Verdict::right());
        for (schema, message) in [
            (json!({"$ref": "https://example.com/a.json"}), "no JSON Schema that can be used"),
            (json!({"$ref": "file:///etc/passwd"}), "no JSON Schema that can be used"),
            (json!({"$ref": "other.json"}), "no JSON Schema that can be used"),
            (json!({"type": "numbr"}), "no JSON Schema that can be used"),
            (json!({"pattern": "(?=a)b"}), "no JSON Schema that can be used"),
            (json!("a.schema.json"), "`a.schema.json` was not read"),
            (json!(3), "must be the name of a file"),
        ] {
            let error = Scorer::new(&table("json-schema", schema.clone())).unwrap_err();
            assert!(error.message.contains(message), "{schema}: {error}");
        }
        let none = ScoreTable { kind: "json-schema".to_owned(), ..ScoreTable::default() };
        assert!(Scorer::new(&none).unwrap_err().message.contains("needs a `schema`"));
    }

    #[test]
    fn hostile_answers_are_read_in_a_moment() {
        let endless = json!({"$ref": "#/$defs/n", "$defs": {"n": {"items": {"$ref": "#/$defs/n"}, "type": "array"}}});
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(verdict("is-json", endless.clone(), &deep), Verdict::right());
        assert_eq!(verdict("is-json", endless, &"[".repeat(1 << 20)).score.value(), 0.0);
        let pattern = json!({"type": "string", "pattern": "^(a+)+$"});
        let text = format!("\"{}!\"", "a".repeat(1 << 20));
        let feedback = verdict("is-json", pattern, &text).feedback.unwrap();
        assert!(feedback.len() < 400, "{}", feedback.len());
        let many = json!({"type": "array", "items": {"type": "string"}});
        let feedback = verdict("is-json", many, &format!("[{}0]", "0,".repeat(100_000))).feedback;
        assert!(feedback.unwrap().ends_with("; …."));
    }
}
