//! The rows of data files: reads JSON Lines, JSON, CSV and TSV, and reports mistakes with their
//! lines. A row is never lost, and its values stay as they are written.
//!
//! It checks ids, answers and columns only. Splits are made in `split`, and scorers check the
//! answers; `import` guesses what the columns of a foreign file mean.

mod format;
mod windows_1252;
mod lines;
mod row;
mod record;
mod header;
mod frame;
mod table;
mod columnar;
mod reader;
mod roles;

pub(crate) use format::Format;
pub(crate) use lines::Quirks;
pub(crate) use reader::RowReader;
pub use roles::ColumnMap;
pub(crate) use roles::{REVIEWED, SYNTHETIC, is_called_id};
pub(crate) use row::Row;

use crate::source::{self, SourceError};
use crate::task::example::Example;
use roles::Roles;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

/// Reads all rows of one file.
///
/// # Errors
/// A file that cannot be read, or a mistake in it with its line.
pub(crate) fn read(path: &Path, columns: &ColumnMap) -> Result<Vec<Example>, SourceError> {
    let rows = read_rows(path)?;
    let is_table = Format::of(path)?.is_table();
    Roles::find(path, &rows, columns, is_table)?.examples(path, rows)
}

/// Rows from values, each of them an object; `place` names them in errors.
///
/// # Errors
/// What is wrong with them, with the row's number from 1 as its line.
pub(crate) fn from_values(
    place: &Path,
    values: Vec<Value>,
    columns: &ColumnMap,
) -> Result<Vec<Example>, SourceError> {
    let rows = values.into_iter().zip(1..);
    let rows = rows.map(|(value, line)| {
        Ok(Row { line, values: row::object(place, line, value)?, numbers: Vec::new() })
    });
    let rows: Vec<Row> = rows.collect::<Result<_, SourceError>>()?;
    if rows.is_empty() {
        return Err(SourceError::new(place, "there are none"));
    }
    Roles::find(place, &rows, columns, false)?.examples(place, rows)
}

/// The names of all columns of these rows.
pub(crate) fn columns_of<'a>(rows: impl IntoIterator<Item = &'a Example>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in rows.into_iter().flat_map(|row| row.columns.keys()) {
        if !names.contains(name) {
            names.insert(name.clone());
        }
    }
    names
}

/// Gives every row the columns that other rows have, as null, so that templates find every column.
pub(crate) fn fill_columns<'a>(
    rows: impl IntoIterator<Item = &'a mut Example>,
    names: &BTreeSet<String>,
) {
    for row in rows {
        if row.columns.len() < names.len() {
            for name in names {
                row.columns.entry(name.clone()).or_insert(Value::Null);
            }
        }
    }
}

/// The hash of a file's bytes.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn blake3_of(path: &Path) -> Result<String, SourceError> {
    let mut hasher = blake3::Hasher::new();
    let file = open(path)?;
    hasher.update_reader(file).map_err(|error| SourceError::unreadable(path, &error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn open(path: &Path) -> Result<File, SourceError> {
    source::open(path).map_err(|error| SourceError::unreadable(path, &error))
}

/// Reads the rows of a file without checking their columns.
///
/// # Errors
/// A file that cannot be read, or a mistake in it with its line.
pub(crate) fn read_rows(path: &Path) -> Result<Vec<Row>, SourceError> {
    let rows: Vec<Row> = RowReader::open(path, Quirks::Refuse)?.collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Err(SourceError::new(path, "the file has no rows"));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::example::RowOrigin;
    use serde_json::json;
    use std::path::PathBuf;

    struct TestFile {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    fn write(name: &str, bytes: impl AsRef<[u8]>) -> TestFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        TestFile { _folder: folder, path }
    }

    fn rows(name: &str, text: impl AsRef<[u8]>) -> Vec<Example> {
        read(&write(name, text).path, &ColumnMap::default()).unwrap()
    }

    fn error(name: &str, text: impl AsRef<[u8]>) -> SourceError {
        error_with(name, text, &ColumnMap::default())
    }

    fn error_with(name: &str, text: impl AsRef<[u8]>, columns: &ColumnMap) -> SourceError {
        read(&write(name, text).path, columns).unwrap_err()
    }

    fn at(error: &SourceError) -> (Option<usize>, &str) {
        (error.line, &error.message)
    }

    #[test]
    fn a_column_is_called_as_people_type_it() {
        // A letter and its accent, and a space that does not break.
        let map = ColumnMap { answer: Some("re\u{301}ponse".to_owned()), ..ColumnMap::default() };
        for (name, text) in [
            ("a.csv", "te\u{301}xte\u{a0}1,re\u{301}ponse\nhi,1.50\n"),
            ("a.jsonl", "{\"te\u{301}xte\u{a0}1\": \"hi\", \"re\u{301}ponse\": 1.50}\n"),
            ("a.json", "[{\"te\u{301}xte\u{a0}1\": \"hi\", \"re\u{301}ponse\": 1.50}]"),
        ] {
            let rows = read(&write(name, text).path, &map).unwrap();
            assert_eq!(rows[0].columns["t\u{e9}xte 1"], "hi", "{name}");
            assert_eq!(rows[0].answer, "1.50", "{name}");
        }
        for (name, text) in [
            ("a.csv", "\u{e9},e\u{301},answer\n1,2,3\n"),
            ("a.jsonl", "{\"\u{e9}\": 1, \"e\u{301}\": 2, \"answer\": 3}\n"),
        ] {
            assert!(error(name, text).message.contains("two "), "{name}");
        }
    }

    #[test]
    fn json_lines_are_read_with_their_lines_and_without_their_mark() {
        let text = "\u{feff}{\"id\": 7, \"q\": \"a\", \"answer\": \"\", \"feedback\": \"why\"}\r\n\n  \n{\"id\": \"x\", \"answer\": {\"k\": 1}}";
        let rows = rows("a.JSONL", text);
        assert_eq!(rows[0].id.as_str(), "7");
        assert_eq!((rows[0].line, rows[1].line), (1, 4));
        assert_eq!(rows[0].feedback.as_deref(), Some("why"));
        assert_eq!(rows[0].answer, json!(""));
        assert_eq!(rows[1].answer, json!({"k": 1}));
        assert_eq!(rows[1].columns.get("q"), Some(&Value::Null));
        assert_eq!(columns_of(&rows), BTreeSet::from(["id".to_owned(), "q".to_owned()]));
    }

    #[test]
    fn rows_without_an_id_column_are_numbered() {
        let rows = rows("a.ndjson", "{\"answer\": 1}\n\n{\"answer\": 2}\n");
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
    }

    #[test]
    fn an_id_is_called_so_in_any_case_if_it_can_be_one() {
        for (text, expected) in [
            ("ID,answer\na,1\nb,2\n", ["a", "b"]),
            ("Id,answer\na,1\nb,2\n", ["a", "b"]),
            ("ID,id,answer\na,x,1\nb,y,2\n", ["x", "y"]),
            ("ID,Id,answer\na,x,1\na,y,2\n", ["x", "y"]),
            ("ID,answer\na,1\na,2\n", ["1", "2"]),
            ("ID,answer\n,1\nb,2\n", ["1", "2"]),
            ("ID number,answer\na,1\nb,2\n", ["1", "2"]),
        ] {
            let rows = rows("a.csv", text);
            let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(ids, expected, "{text}");
        }
    }

    #[test]
    fn an_id_has_no_blanks_around_it() {
        let rows = rows("a.csv", "id,answer\n a1,x\na2 ,y\n");
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["a1", "a2"]);
    }

    #[test]
    fn json_is_a_list_or_an_object_with_one() {
        let list =
            "[\n {\"answer\": 1},\n\n {\"answer\": 2,\n \"q\": \"two\"},\n {\"answer\": 3}\n]";
        let lines =
            |text: &str| rows("a.json", text).iter().map(|row| row.line).collect::<Vec<_>>();
        assert_eq!(lines(list), [2, 4, 6]);
        assert_eq!(lines(&format!("{{\"about\": [],\n\"data\": {list}}}")), [3, 5, 7]);
        let described =
            "{\"features\": [{\"name\": \"q\"}], \"schema\": {\"fields\": [{}]}, \"data\": ";
        assert_eq!(lines(&format!("{described}{list}}}")).len(), 3);
        for (other, names) in [
            ("\"more\": [{\"answer\": 4}]", "data, more"),
            ("\"test\": {\"old\": [{\"answer\": 4}]}", "data, test.old"),
            ("\"rows\": []", "data, rows"),
        ] {
            let several = error("a.json", format!("{{\"data\": {list}, {other}}}"));
            assert!(several.message.ends_with(names), "{several}");
        }
        assert!(error("a.json", "{\"answer\": 1}").message.contains("its keys are: answer"));
        assert!(
            error("a.json", "{\"rows\": 3}")
                .message
                .contains("no list of rows (its keys are: rows)")
        );
        assert_eq!(at(&error("a.json", "\n 3")), (Some(2), "expected a list of rows"));
        assert_eq!(
            at(&error("a.json", "[{\"answer\": 1},\n\n 3]")),
            (Some(3), "a row must be an object, not a number")
        );
        let broken = error("a.json", "[{\"answer\": 1},\n {\"answer\" 2}]");
        assert_eq!(at(&broken), (Some(2), "invalid JSON: expected `:` (column 12)"));
    }

    #[test]
    fn table_cells_stay_texts_except_for_json_answers() {
        let text = "id,input,answer\n\n1,\"two\nlines, one comma\",007\n2,,\"{\"\"a\"\": [1]}\"\n";
        let rows = rows("a.csv", text);
        assert_eq!(rows[0].columns["input"], json!("two\nlines, one comma"));
        assert_eq!(rows[0].answer, json!("007"));
        assert_eq!(rows[1].columns["input"], json!(""));
        assert_eq!(rows[1].answer, json!({"a": [1]}));
        assert_eq!((rows[0].line, rows[1].line), (3, 5));
    }

    #[test]
    fn separators_and_line_ends_of_spreadsheets_are_understood() {
        for text in ["\u{feff}q;answer\r\nx, y;2\r\n", "q\tanswer\r\nx, y\t2\r\n"] {
            let rows = rows("a.csv", text);
            assert_eq!(rows[0].columns["q"], json!("x, y"));
            assert_eq!((rows[0].answer.clone(), rows[0].line), (json!("2"), 2));
        }
        let rows = rows("a.tsv", "q\tanswer\r\n\r\nx\t2\r\ny\t3");
        assert_eq!((rows[0].line, rows[1].line), (3, 4));
    }

    #[test]
    fn a_mistake_names_its_line_and_a_fix() {
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n[1]")),
            (Some(2), "a row must be an object, not a list")
        );
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n\n{\"answer\": }")),
            (Some(3), "invalid JSON: expected value (column 12)")
        );
        let joined = error("a.jsonl", "{\"answer\": 1} {\"answer\": 2}\n");
        assert!(joined.help.unwrap().contains("on a line of its own"));
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n\u{feff}{\"answer\": 2}\n")),
            (Some(2), "this line begins with a byte order mark")
        );
        assert!(error("a.jsonl", "[\n").help.unwrap().contains("as .json"));
        assert!(error("a.jsonl", "{\n\"answer\": 1}").help.unwrap().contains("one line"));
        assert_eq!(
            at(&error("a.csv", "q,answer\n\na,1\nb\n")),
            (Some(4), "this row has 1 cell, but the header has 2")
        );
        assert_eq!(
            at(&error("a.csv", "q,answer\na,1\nb,\"2\nc,3\nd,4\n")),
            (Some(3), "the quote that opens cell 2 is not closed")
        );
        assert_eq!(at(&error("a.csv", "q,q\na,1\n")), (Some(1), "two columns are called `q`"));
        assert_eq!(
            at(&error("a.jsonl", b"{\"answer\": 1}\n{\"answer\": \"\xff\"}")),
            (Some(2), "this is not UTF-8 text")
        );
        assert_eq!(
            at(&error("a.csv", b"q,answer\nx,1\n\xe9,2\n")),
            (Some(3), "this is not UTF-8 text")
        );
        assert!(error("a.csv", b"\xff\xfeq\0").message.contains("UTF-16"));
        assert!(error("a.jsonl", b"\xff\xfe{\0").message.contains("UTF-16"));
        for (name, text) in [
            ("a.jsonl", "\n \n"),
            ("a.json", ""),
            ("a.json", "[]"),
            ("a.csv", ""),
            ("a.csv", "q,answer\n"),
        ] {
            assert_eq!(error(name, text).message, "the file has no rows", "{name} {text:?}");
        }
        assert!(error("a.parquet", "x").help.unwrap().contains(".jsonl"));
        let gone = read(Path::new("/nowhere/a.csv"), &ColumnMap::default()).unwrap_err();
        assert_eq!(gone.message, "there is no such file");
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let wrong = error("a.csv", "q,anwser\nx,1\n");
        assert!(
            wrong.message.contains("no column `answer`") && wrong.message.contains("q, anwser"),
            "{wrong}"
        );
        assert!(wrong.help.unwrap().contains("did you mean `anwser`?"));
        let map = ColumnMap { group: Some("thread".into()), ..ColumnMap::default() };
        assert!(
            error_with("a.csv", "q,answer\nx,1\n", &map)
                .message
                .contains("`thread`, which should hold the group")
        );
    }

    #[test]
    fn a_missing_answer_names_row_and_line() {
        let message = "row 2 has no answer in column `answer`";
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n\n{\"answer\": null}")),
            (Some(3), message)
        );
        assert_eq!(at(&error("a.jsonl", "{\"answer\": 1}\n{\"q\": 1}")), (Some(2), message));
        assert_eq!(at(&error("a.csv", "q,answer\nx,1\ny, \n")), (Some(3), message));
    }

    #[test]
    fn equal_ids_and_missing_ids_are_refused() {
        let twice = error("a.csv", "id,answer\na,1\nb,1\na,2\n");
        assert_eq!(at(&twice), (Some(4), "the id `a` is already used on line 2"));
        let none = error("a.jsonl", "{\"id\": 1, \"answer\": 1}\n{\"answer\": 1}");
        assert_eq!(at(&none), (Some(2), "row 2 has no id in column `id`"));
    }

    #[test]
    fn named_columns_are_used_and_leave_the_template() {
        let map = ColumnMap {
            id: Some("nr".into()),
            answer: Some("target".into()),
            feedback: Some("why".into()),
            group: Some("thread".into()),
            ..ColumnMap::default()
        };
        let file = write("a.csv", "nr,target,why,thread,answer\n1,yes,,t1,col\n2,no,so,,col\n");
        let rows = read(&file.path, &map).unwrap();
        assert_eq!((rows[0].feedback.as_deref(), rows[1].feedback.as_deref()), (None, Some("so")));
        assert_eq!((rows[0].group.as_deref(), rows[1].group.as_deref()), (Some("t1"), None));
        let names: Vec<&String> = rows[0].columns.keys().collect();
        assert_eq!(names, ["nr", "thread", "answer"]);
    }

    #[test]
    fn rows_that_a_model_wrote_are_marked() {
        let text = "{\"a\": 1, \"answer\": 1}\n{\"a\": 2, \"answer\": 1, \"synthetic\": true}\n\
                    {\"a\": 3, \"answer\": 1, \"synthetic\": \"Yes\", \"reviewed\": 1}\n";
        let marked = rows("a.jsonl", text);
        let origins: Vec<RowOrigin> = marked.iter().map(|row| row.origin).collect();
        assert_eq!(origins, [RowOrigin::Collected, RowOrigin::Unreviewed, RowOrigin::Reviewed]);
        // A held-out row is the same row after others were added to its file.
        let plain = rows("a.jsonl", "{\"a\": 1, \"answer\": 1}\n");
        assert_eq!(plain[0].content_hash(), marked[0].content_hash());
        // What is called so and is no mark is a column.
        let cloth = rows("a.csv", "synthetic,reviewed,answer\npolyester,true,1\n");
        assert_eq!(cloth[0].origin, RowOrigin::Collected);
        assert_eq!(cloth[0].columns.len(), 2);
        let map = ColumnMap { synthetic: Some("made".into()), ..ColumnMap::default() };
        let wrong = error_with("a.csv", "made,answer\nperhaps,1\n", &map);
        assert_eq!(at(&wrong), (Some(2), "row 1 has `perhaps` in column `made`"));
    }

    #[test]
    fn a_weight_is_a_number_above_zero_on_every_row() {
        let map = ColumnMap { weight: Some("amount".into()), ..ColumnMap::default() };
        let weights = |name: &str, text: &str| -> Result<Vec<f64>, SourceError> {
            let file = write(name, text);
            let rows = read(&file.path, &map)?;
            Ok(rows.iter().map(|row| row.weight).collect())
        };
        assert_eq!(weights("a.csv", "answer,amount\na,2\nb, 0.5 \n").unwrap(), [2.0, 0.5]);
        let json = "{\"answer\": 1, \"amount\": 3}\n{\"answer\": 1, \"amount\": \"1e3\"}";
        assert_eq!(weights("a.jsonl", json).unwrap(), [3.0, 1_000.0]);
        let plain = write("b.csv", "answer,amount\na,2\n");
        assert_eq!(super::read(&plain.path, &ColumnMap::default()).unwrap()[0].weight, 1.0);
        for (second, why) in [
            ("{\"answer\": 1, \"amount\": 0}", "has the weight 0, which is not above 0, in"),
            ("{\"answer\": 1, \"amount\": -2}", "has the weight -2, which is not above 0, in"),
            (
                "{\"answer\": 1, \"amount\": \"1e999\"}",
                "has the weight inf, which is above 1000000000000, in",
            ),
            (
                "{\"answer\": 1, \"amount\": \"NaN\"}",
                "has a weight that is not a number, `NaN`, in",
            ),
            (
                "{\"answer\": 1, \"amount\": \"much\"}",
                "has a weight that is not a number, `much`, in",
            ),
            ("{\"answer\": 1, \"amount\": true}", "has a weight that is not a number, `true`, in"),
            ("{\"answer\": 1, \"amount\": [1]}", "has a weight that is not a number, `[1]`, in"),
            ("{\"answer\": 1, \"amount\": null}", "has no weight in"),
            ("{\"answer\": 1, \"amount\": \" \"}", "has no weight in"),
            ("{\"answer\": 1}", "has no weight in"),
        ] {
            let text = format!("{{\"answer\": 1, \"amount\": 1}}\n\n{second}\n");
            let error = weights("a.jsonl", &text).expect_err(second);
            let message = format!("row 2 {why} column `amount`");
            assert_eq!(at(&error), (Some(3), message.as_str()), "{second}");
        }
        let error = weights("a.jsonl", "{\"answer\": 1, \"amont\": 1}").unwrap_err();
        assert!(error.message.contains("`amount`, which should hold the weight"), "{error}");
    }

    #[test]
    fn nan_in_a_row_is_an_error_on_its_line_with_what_to_write() {
        for (row, word) in [
            (r#"{"input": "c", "answer": NaN}"#, "NaN"),
            (r#"{"input": NaN, "answer": "b"}"#, "NaN"),
            (r#"{"input": "c", "answer": "b", "scores": [1, nan]}"#, "nan"),
            (r#"{"input": "c", "answer": "b", "meta": {"a": -Infinity}}"#, "-Infinity"),
        ] {
            let good = r#"{"input": "a", "answer": "b"}"#;
            for (name, text) in [
                ("a.jsonl", format!("{good}\n{row}\n{good}\n")),
                ("a.json", format!("[{good},\n{row},\n{good}]\n")),
            ] {
                let found = error(name, text);
                assert_eq!(found.line, Some(2), "{found}");
                assert!(
                    found.message.contains(&format!("`{word}` is not a JSON value")),
                    "{found}"
                );
                assert!(found.help.as_ref().is_some_and(|it| it.contains("write null")), "{found}");
            }
        }
    }

    #[test]
    fn a_files_hash_is_that_of_its_bytes() {
        let file = write("a.csv", "q,answer\n");
        let expected = blake3::hash(b"q,answer\n").to_hex().to_string();
        assert_eq!(blake3_of(&file.path).unwrap(), expected);
    }
}
