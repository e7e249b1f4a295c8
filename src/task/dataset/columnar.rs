//! JSON that holds a table column by column, as pandas writes it, as a list of rows.
//!
//! `{"text": {"0": "…", "1": "…"}, …}` (the default of `to_json`), `{"text": ["…", "…"], …}`, and
//! `{"columns": ["text", …], "data": [["…", …], …]}` (`orient="split"`, and other tools).

use crate::source::json;
use serde_json::value::RawValue;
use std::cmp::Ordering;

/// The keys under which a header may stand.
const HEADERS: [&str; 2] = ["columns", "column_names"];

type Entries<'a> = Vec<(String, &'a RawValue)>;

/// The rows of such a table as a JSON text; `None` where the object is none.
pub(super) fn rows(document: &RawValue) -> Option<String> {
    let entries = json::entries(document).ok()?;
    let rows = match entries.iter().any(|(name, _)| HEADERS.contains(&name.as_str())) {
        true => split(&entries)?,
        false => by_column(&entries).or_else(|| by_id(&entries))?,
    };
    Some(format!("[{}]", rows.join(",\n")))
}

fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// The header under `columns`, and lists of cells under `data`.
fn split(entries: &Entries<'_>) -> Option<Vec<String>> {
    let of = |names: &[&str]| {
        entries.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, raw)| *raw)
    };
    let columns: Vec<String> = serde_json::from_str(of(&HEADERS)?.get()).ok()?;
    let row = |row: &RawValue| {
        let cells = list(row).filter(|cells| cells.len() == columns.len())?;
        Some(object(columns.iter().map(String::as_str).zip(cells)))
    };
    let rows = list(of(&["data", "rows"])?)?;
    (!rows.is_empty()).then_some(())?;
    rows.into_iter().map(row).collect()
}

/// A list or an object of cells for each column, all with the same places.
fn by_column(entries: &Entries<'_>) -> Option<Vec<String>> {
    let cells = |raw: &RawValue| -> Option<Vec<(String, String)>> {
        let written = |(name, cell): (String, &RawValue)| (name, cell.get().to_owned());
        match raw.get().starts_with('{') {
            true => {
                let cells = json::entries(raw).ok()?;
                let is_place = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
                let all = !cells.is_empty() && cells.iter().all(|(name, _)| is_place(name));
                all.then(|| cells.into_iter().map(written).collect())
            }
            false => {
                let numbered = (0_usize..).map(|place| place.to_string());
                Some(numbered.zip(list(raw)?).map(written).collect())
            }
        }
    };
    let columns: Vec<(&str, Vec<(String, String)>)> = entries
        .iter()
        .map(|(name, raw)| Some((name.as_str(), cells(raw)?)))
        .collect::<Option<_>>()?;
    let (_, first) = columns.first()?;
    // Lists of objects may be lists of rows, such as those of two splits: beside two plain columns they are
    // none.
    let has_objects = |cells: &[(String, String)]| cells.iter().any(|it| it.1.starts_with('{'));
    let plain = columns.iter().filter(|(_, cells)| !has_objects(cells)).count();
    if plain < columns.len() && plain < 2 {
        return None;
    }
    let is_alike = |cells: &Vec<(String, String)>| {
        cells.len() == first.len() && cells.iter().zip(first).all(|(one, other)| one.0 == other.0)
    };
    if columns.len() < 2 || first.is_empty() || !columns.iter().all(|(_, cells)| is_alike(cells)) {
        return None;
    }
    let row = |place: usize| {
        let cells = columns.iter().map(|(name, cells)| (*name, cells[place].1.as_str()));
        written_object(cells)
    };
    Some((0..first.len()).map(row).collect())
}

/// A table whose rows have ids: an object for each row, or one for each column. There are more rows than
/// columns, and all cells are plain.
fn by_id(entries: &Entries<'_>) -> Option<Vec<String>> {
    let outer: Vec<(&str, Entries<'_>)> = entries
        .iter()
        .map(|(name, raw)| Some((name.as_str(), json::entries(raw).ok()?)))
        .collect::<Option<_>>()?;
    let (_, first) = outer.first()?;
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let is_alike =
        |inner: &Entries<'_>| inner.iter().map(|(name, _)| name.as_str()).eq(names.iter().copied());
    let is_plain = |raw: &RawValue| !raw.get().starts_with(['{', '[']);
    let all_plain = |inner: &Entries<'_>| inner.iter().all(|(_, raw)| is_plain(raw));
    if names.len() < 2 || !outer.iter().all(|(_, it)| is_alike(it) && all_plain(it)) {
        return None;
    }
    let row = |id: &str, cells: Vec<(&str, &str)>| {
        let is_place = id.bytes().all(|byte| byte.is_ascii_digit());
        let id_text = serde_json::Value::from(id).to_string();
        let has_id = is_place || cells.iter().any(|(name, _)| *name == "id");
        let id = (!has_id).then_some(("id", id_text.as_str()));
        written_object(id.into_iter().chain(cells))
    };
    match outer.len().cmp(&names.len()) {
        Ordering::Greater => Some(
            outer
                .iter()
                .map(|(id, cells)| {
                    row(id, cells.iter().map(|(name, raw)| (name.as_str(), raw.get())).collect())
                })
                .collect(),
        ),
        Ordering::Less if outer.len() > 1 => Some(
            names
                .iter()
                .enumerate()
                .map(|(place, id)| {
                    row(
                        id,
                        outer.iter().map(|(name, cells)| (*name, cells[place].1.get())).collect(),
                    )
                })
                .collect(),
        ),
        _ => None,
    }
}

fn object<'a>(cells: impl Iterator<Item = (&'a str, &'a RawValue)>) -> String {
    written_object(cells.map(|(name, cell)| (name, cell.get())))
}

fn written_object<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let written = |(name, cell)| format!("{}: {cell}", serde_json::Value::from(name));
    format!("{{{}}}", cells.map(written).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(document: &Value) -> Option<Value> {
        let text = document.to_string();
        let rows = rows(serde_json::from_str(&text).unwrap())?;
        Some(serde_json::from_str(&rows).unwrap())
    }

    #[test]
    fn a_table_by_columns_is_a_list_of_rows() {
        let expected = json!([{"text": "a", "label": 1}, {"text": "b", "label": null}]);
        for document in [
            json!({"text": {"0": "a", "1": "b"}, "label": {"0": 1, "1": null}}),
            json!({"text": ["a", "b"], "label": [1, null]}),
            json!({"columns": ["text", "label"], "index": [0, 1], "data": [["a", 1], ["b", null]]}),
        ] {
            assert_eq!(read(&document), Some(expected.clone()), "{document}");
        }
        let expected = json!([{"id": "x", "text": "a", "label": 1}, {"id": "y", "text": "b", "label": 2}, {"id": "z", "text": "c", "label": 1}]);
        for document in [
            json!({"text": {"x": "a", "y": "b", "z": "c"}, "label": {"x": 1, "y": 2, "z": 1}}),
            json!({"x": {"text": "a", "label": 1}, "y": {"text": "b", "label": 2}, "z": {"text": "c", "label": 1}}),
        ] {
            assert_eq!(read(&document), Some(expected.clone()), "{document}");
        }
        let places = json!({"0": {"text": "a", "label": 1}, "1": {"text": "b", "label": 2}, "2": {"text": "c", "label": 1}});
        assert_eq!(read(&places).unwrap()[2], json!({"text": "c", "label": 1}));
        let nested = json!({"text": ["a", "b"], "label": [1, null], "meta": [{"n": 1}, {"n": 2}]});
        assert_eq!(read(&nested).unwrap()[1]["meta"], json!({"n": 2}));
        let spelled: Option<String> =
            rows(serde_json::from_str(r#"{"a": [1e3], "b": [1.50]}"#).unwrap());
        assert_eq!(spelled.as_deref(), Some(r#"[{"a": 1e3, "b": 1.50}]"#));
    }

    #[test]
    fn what_is_no_such_table_is_left_alone() {
        for document in [
            json!({"text": ["a", "b"], "label": [1]}),
            json!({"text": {"x": "a"}, "label": {"x": 1}}),
            json!({"text": {"x": "a", "y": "b"}, "label": {"x": 1, "y": 2}}),
            json!({"a": {"x": {"n": 1}, "y": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 2}}),
            json!({"text": ["a"]}),
            json!({"train": [{"a": 1}], "test": [{"a": 2}]}),
            json!({"columns": ["text"], "data": [["a", 1]]}),
            json!({"rows": [{"a": 1}, {"a": 2}], "tags": ["x", "y"]}),
            json!({"text": "a", "label": "b"}),
            json!({}),
        ] {
            assert_eq!(read(&document), None, "{document}");
        }
    }
}
