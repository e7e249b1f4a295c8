//! `sql`: the answer is the same statements as the row's answer, written otherwise; `is-sql`: it is SQL at all.
//!
//! Statements are the same if their words are, after this: case counts only within quotes, space and comments and the last
//! semicolon do not count, nor do `AS`, `INNER`, `OUTER` and `ASC`, `<>` is `!=`, and quotes around a name of small letters
//! are left away. What means the same in other words (another order of conditions, another alias) is not the same: a
//! `command` that runs the statements can tell. An answer that cannot be parsed is invalid.

use super::answer_filter::AnswerFilter;
use super::find_json::last_fence;
use super::kind::{FromTable, Kind, SoughtText};
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::text;
use serde_json::Value;
use sqlparser::dialect::dialect_from_str;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer, Word};
use std::thread;

/// The most words and signs of an answer.
const MOST_TOKENS: usize = 10_000;

/// The stack that the parser gets, and what it gets for each word: a long chain of operators is a deep tree, which is
/// dropped by recursion. Memory is used only as far as the tree needs it.
const STACK: usize = 16 << 20;
const STACK_OF_TOKEN: usize = 16 << 10;

/// What is written or left away without a change of meaning.
const OPTIONAL: [&str; 4] = ["as", "inner", "outer", "asc"];

const DIALECTS: [&str; 15] = [
    "generic",
    "ansi",
    "bigquery",
    "clickhouse",
    "databricks",
    "duckdb",
    "hive",
    "mssql",
    "mysql",
    "oracle",
    "postgres",
    "redshift",
    "snowflake",
    "spark",
    "sqlite",
];

/// A name of `DIALECTS`.
#[derive(Clone, Copy, Debug)]
struct Dialect(&'static str);

impl Dialect {
    fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let name = table.dialect.as_deref().unwrap_or("generic");
        DIALECTS.iter().find(|known| **known == name).map(|known| Self(known)).ok_or_else(|| {
            ScorerError::new("dialect", format!("there is no dialect `{name}`"))
                .help(text::suggestion(name, &DIALECTS))
        })
    }

    /// The words and signs that count, if the text is SQL.
    fn read(self, sql: &str) -> Result<Vec<String>, String> {
        let no_dialect = move || format!("there is no dialect `{}`", self.0);
        let dialect = dialect_from_str(self.0).ok_or_else(no_dialect)?;
        let mut tokens =
            Tokenizer::new(&*dialect, sql).tokenize().map_err(|error| error.to_string())?;
        tokens.retain(|token| !matches!(token, Token::Whitespace(_) | Token::EOF));
        if tokens.len() > MOST_TOKENS {
            return Err(format!("it has more than {} words", text::thousands(MOST_TOKENS as u64)));
        }
        let words: Vec<String> = tokens.iter().filter_map(word).collect();
        let stack = STACK + STACK_OF_TOKEN * tokens.len();
        let parse = move || {
            let dialect = dialect_from_str(self.0).ok_or_else(no_dialect)?;
            let parsed = Parser::new(&*dialect).with_tokens(tokens).parse_statements();
            parsed.map(|statements| statements.len()).map_err(|error| {
                let error = error.to_string();
                error.strip_prefix("sql parser error: ").unwrap_or(&error).to_owned()
            })
        };
        let parser = thread::Builder::new().stack_size(stack).spawn(parse);
        let parser = parser.map_err(|error| format!("it could not be parsed: {error}"))?;
        match parser.join().map_err(|_| "the parser failed".to_owned())?? {
            0 => Err("it has no statement".to_owned()),
            _ => Ok(words),
        }
    }
}

/// How a token is compared; nothing if it does not count.
fn word(token: &Token) -> Option<String> {
    match token {
        Token::SemiColon => None,
        Token::DoubleEq => Some(Token::Eq.to_string()),
        Token::Word(Word { value, quote_style: None, .. }) => {
            let word = value.to_lowercase();
            (!OPTIONAL.contains(&word.as_str())).then_some(word)
        }
        Token::Word(Word { value, .. }) if is_plain_name(value) => Some(value.clone()),
        other => Some(other.to_string()),
    }
}

fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[derive(Clone, Debug)]
pub(super) struct Sql {
    value: SoughtText,
    dialect: Dialect,
}

impl FromTable for Sql {
    const NAME: &'static str = "sql";
    const KEYS: &'static [&'static str] = &["value", "dialect", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        let sql = Self { value: SoughtText::new(table)?, dialect: Dialect::new(table)? };
        match &table.value {
            Some(value) => {
                sql.check_text(value).map_err(|message| ScorerError::new("value", message))?;
                Ok(sql)
            }
            None => Ok(sql),
        }
    }
}

impl Sql {
    fn check_text(&self, expected: &Value) -> Result<(), String> {
        let text = self.value.of(expected);
        let read = self.dialect.read(&text).map(drop);
        read.map_err(|error| format!("the answer {} is no SQL: {error}", quoted(&text)))
    }
}

impl Kind for Sql {
    fn check(&self, expected: &Value, _: &AnswerFilter) -> Result<(), String> {
        self.check_text(expected)
    }

    fn score(&self, answer: &str, expected: &Value, _: &AnswerFilter) -> Verdict {
        let expected = self.value.of(expected);
        let got = match self.dialect.read(statement(answer)) {
            Ok(got) => got,
            Err(error) => return InvalidReason::BrokenSql(error).verdict(&quoted(&expected)),
        };
        let is_right = self.dialect.read(&expected).is_ok_and(|expected| expected == got);
        Verdict::right_if(is_right, || {
            format!("Expected {}, got {}.", quoted(&expected), quoted(answer))
        })
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}

/// The expected answer is not used.
#[derive(Clone, Debug)]
pub(super) struct IsSql(Dialect);

impl FromTable for IsSql {
    const NAME: &'static str = "is-sql";
    const KEYS: &'static [&'static str] = &["dialect"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Dialect::new(table).map(Self)
    }
}

impl Kind for IsSql {
    /// The whole answer counts, as that of `is-json` does.
    fn score(&self, answer: &str, _: &Value, _: &AnswerFilter) -> Verdict {
        match self.0.read(answer) {
            Ok(_) => Verdict::right(),
            Err(error) => {
                let error = text::shorten(&text::one_line(&error), 160);
                Verdict::wrong(format!("Expected SQL and nothing else: {error}."))
            }
        }
    }

    fn wanted(&self, _: &Value) -> String {
        "is SQL".to_owned()
    }
}

/// The statement that an answer gives: what stands in its last fence, if it has one.
fn statement(answer: &str) -> &str {
    last_fence(answer).unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use super::super::Scorer;
    use super::super::tests::{row, scorer, value};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const KIND: &str = "kind = 'sql'";

    #[test]
    fn what_is_written_otherwise_is_the_same() {
        let expected = "SELECT t.name, COUNT(*) AS n FROM orders AS t JOIN users u ON t.id = u.id WHERE t.city <> 'Rome' ORDER BY n";
        for answer in [
            expected,
            "select t.name, count(*) n\nfrom Orders t inner join users as u on t.id=u.id\nwhere t.city != 'Rome' order by n asc;",
            "```sql\nSELECT t.\"name\", COUNT(*) AS n -- how many\nFROM orders t /* all */ JOIN users u ON t.id = u.id WHERE t.city <> 'Rome' ORDER BY n;\n```\nThat is it.",
        ] {
            assert_eq!(value(KIND, answer, json!(expected)), 1.0, "{answer}");
        }
        for (from, to) in [
            ("'Rome'", "'rome'"),
            ("<>", "="),
            ("COUNT", "SUM"),
            ("BY n", "BY n DESC"),
            ("JOIN", "LEFT JOIN"),
        ] {
            let answer = expected.replace(from, to);
            assert_eq!(value(KIND, &answer, json!(expected)), 0.0, "{answer}");
        }
        assert_eq!(value(KIND, "SELECT \"Total\" FROM t", json!("SELECT total FROM t")), 0.0);
        let left = "SELECT a FROM t LEFT OUTER JOIN s ON t.a = s.a";
        assert_eq!(value(KIND, &left.replace("OUTER ", ""), json!(left)), 1.0);
    }

    #[test]
    fn dialects_differ() {
        let mysql = "kind = 'sql'\ndialect = 'mysql'";
        assert_eq!(value(mysql, "SELECT `a` FROM t", json!("SELECT a FROM t")), 1.0);
        let postgres = scorer("kind = 'is-sql'\ndialect = 'postgres'");
        assert!(!postgres.score("SELECT `a` FROM t", &row(json!(""))).unwrap().score.is_perfect());
        assert_eq!(value("kind = 'is-sql'", "SELECT a, FROM WHERE", json!("")), 0.0);
        assert_eq!(value("kind = 'is-sql'", "Here: SELECT 1", json!("")), 0.0);
        assert_eq!(value("kind = 'not-is-sql'", "I cannot", json!("")), 1.0);
        for (text, message) in [
            ("kind = 'sql'\ndialect = 'postgre'", "there is no dialect `postgre`"),
            ("kind = 'sql'\nvalue = 'SELEC 1'", "is no SQL"),
        ] {
            let error = Scorer::new(&toml::from_str(text).unwrap()).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_parsed_is_invalid_and_a_wrong_row_is_refused() {
        let verdict = scorer(KIND).score("SELECT FROM WHERE", &row(json!("SELECT 1"))).unwrap();
        assert_eq!(verdict.invalid.as_deref(), Some("the answer is not SQL"));
        assert!(verdict.feedback.unwrap().contains("(Expected: "));
        let error = scorer(KIND).check(&row(json!("SELEC 1"))).unwrap_err();
        assert!(error.contains("`SELEC 1` is no SQL"), "{error}");
        assert!(
            scorer(KIND).check(&row(json!("-- nothing"))).unwrap_err().contains("no statement")
        );
    }

    #[test]
    fn hostile_answers_are_read_in_a_moment() {
        for answer in [
            format!("SELECT {}1", "1+".repeat(4_900)),
            format!("SELECT {}1", "1+".repeat(500_000)),
            format!("SELECT {}1", "(".repeat(4_000)),
            format!("SELECT {}1", "NOT ".repeat(9_000)),
            format!("SELECT 1 {}", "UNION SELECT 1 ".repeat(3_000)),
            format!("SELECT {}1", "CASE WHEN 1 THEN ".repeat(2_000)),
            "/*".repeat(1 << 19),
            "'".repeat((1 << 20) + 1),
        ] {
            let verdict = scorer(KIND).score(&answer, &row(json!("SELECT 1"))).unwrap();
            assert_eq!(verdict.score.value(), 0.0);
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(SELECT|FROM|WHERE|\\(|\\)|,|'|\"|--|;|\\*|=|a|1|\\$| |\\n){0,20}") {
            for dialect in DIALECTS {
                let _ = Dialect(dialect).read(&text);
            }
        }
    }
}
