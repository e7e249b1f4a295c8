//! Warnings of a task that can be used, and hardly does what its author means.
//!
//! What is an error is refused when the task is built. Warnings of the splits and of the models are
//! those of `plan`.

use super::duplicates;
use super::example::Example;
use super::inputs::input_key;
use super::model::ModelRole;
use super::{Model, Task};
use crate::candidate::DEMOS;
use crate::prompt::{Part, Piece, front_matter, pieces, placeholder, value_text};
use crate::text;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most rows that a warning names.
const NAMED_ROWS: usize = 3;

/// The text of a prompt that is not written yet.
pub(crate) const UNWRITTEN: &str = "Write your prompt here.";

impl Task {
    /// What its author should look at before money is spent: sentences without a full stop.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let blank = self.blank_rows.clone();
        let blank = blank.into_iter().chain(same_answer(self));
        let prompt = single_braces(self).into_iter().chain(unwritten(self));
        let prompt = prompt.chain(sent_front_matter(self)).chain(too_long(self));
        let prompt = prompt.chain(short_replies(self)).chain(unused_judge(self));
        let rows = known_held_out(self).into_iter().chain(two_answers(self));
        prompt.chain(rows).chain(blank).chain(formats(self)).chain(lists(self)).collect()
    }
}

/// Warns of rows that all have the same answer, which every prompt that says it gets right.
fn same_answer(task: &Task) -> Option<String> {
    let rows = task.visible_rows();
    let (first, rest) = rows.split_first()?;
    let answer = value_text(&first.answer);
    let is_same = !rest.is_empty() && rest.iter().all(|row| row.answer == first.answer);
    (is_same && !answer.trim().is_empty()).then(|| {
        format!(
            "all rows that the search sees have the same answer, `{}`: a prompt that only says it is right",
            text::shorten(&text::one_line(&answer), 40)
        )
    })
}

/// What is said of the groups in a column, where a split has fewer rows than one might think.
pub(super) fn groups(rows: &[&Example], column: Option<&str>) -> Option<String> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for group in rows.iter().filter_map(|row| row.group.as_deref()) {
        *sizes.entry(group).or_default() += 1;
    }
    let largest = sizes.values().max()?;
    Some(format!(
        "rows of one `{}` stay in one split: {} of up to {}; leave `group` out of `columns` if rows may \
         be split one by one",
        column?,
        text::plural(sizes.len(), "group"),
        text::plural(*largest, "row"),
    ))
}

/// Warns of rows that show nothing: models would be asked an empty question.
pub(super) fn blank_rows(rows: &[&Example], shown: &BTreeSet<String>) -> Option<String> {
    let is_filled = |value: &Value| !value_text(value).trim().is_empty();
    let shows =
        |row: &&&Example| shown.iter().any(|name| row.columns.get(name).is_some_and(is_filled));
    let blank: Vec<&&Example> = rows.iter().filter(|row| !shows(row)).collect();
    let first = blank.first()?;
    let named: Vec<String> = blank
        .iter()
        .take(NAMED_ROWS)
        .map(|row| format!("`{}` on line {}", row.id, row.line))
        .collect();
    let more = if blank.len() > named.len() { ", …" } else { "" };
    let columns: Vec<String> = shown.iter().map(|name| format!("`{name}`")).collect();
    // The same name, but for its case and the white space around it.
    let near = |row: &&Example| {
        let mut filled = row.columns.iter().filter(|(_, value)| is_filled(value));
        filled.find_map(|(name, _)| {
            let is_near = |it: &&String| {
                *it != name && it.trim().to_lowercase() == name.trim().to_lowercase()
            };
            Some((name.clone(), shown.iter().find(is_near)?.clone()))
        })
    };
    let near = near(first).or_else(|| blank.iter().find_map(|row| near(row)));
    let near = near.map_or(String::new(), |(there, wanted)| {
        format!("; did you mean their column `{there}`? the prompt shows `{wanted}`")
    });
    let verb = if blank.len() == 1 { "shows" } else { "show" };
    Some(format!(
        "{} {verb} nothing, because {} {} empty: {}{more}{near}",
        text::plural(blank.len(), "row"),
        columns.join(" and "),
        if columns.len() == 1 { "is" } else { "are" },
        named.join(", ")
    ))
}

/// Warns of a prompt that is a place for one.
fn unwritten(task: &Task) -> Option<String> {
    let part = task.baseline.parts().iter().find(|part| part.text.trim() == UNWRITTEN)?;
    Some(format!("the part `{}` says “{UNWRITTEN}”, and models would be asked so", part.name))
}

/// Warns of front matter of another tool, which is sent.
fn sent_front_matter(task: &Task) -> Option<String> {
    let has_some = |part: &&Part| !front_matter(&part.text).is_empty();
    let part = task.baseline.parts().iter().find(has_some)?;
    let name = &part.name;
    Some(match task.layout.is_searched(name) {
        true => {
            format!(
                "the part `{name}` begins with front matter, which is sent as it stands and not searched"
            )
        }
        false => format!("the part `{name}` begins with front matter, which is sent as it stands"),
    })
}

/// Warns of a limit on tokens that the baseline itself exceeds.
fn too_long(task: &Task) -> Option<String> {
    let tokens = super::tokens_of(&task.layout, &task.baseline);
    (task.max_tokens < tokens).then(|| {
        format!(
            "the prompt has about {}, more than `max_tokens` = {}: only proposals that are as short are tried",
            text::plural(usize::try_from(tokens).unwrap_or(usize::MAX), "token"),
            task.max_tokens
        )
    })
}

/// Warns of mutators whose replies are too short for the longest part that they may write.
fn short_replies(task: &Task) -> Vec<String> {
    let searched = task.baseline.parts().iter().filter(|part| task.layout.is_searched(&part.name));
    let Some(longest) = searched.max_by_key(|part| part.text.len()) else { return Vec::new() };
    let tokens = longest.text.len().div_ceil(4);
    let is_short = |model: &Model| (model.max_output_tokens as usize) < tokens;
    let short = task.mutators().filter(|(_, model)| is_short(model));
    short
        .map(|(role, model)| {
            format!(
                "the part `{}` has about {}, and a reply of the {role} model has at most {} (`max_output_tokens`): \
                 it cannot write the part whole",
                longest.name,
                text::plural(tokens, "token"),
                model.max_output_tokens
            )
        })
        .collect()
}

/// Warns of a judge that no scorer asks.
fn unused_judge(task: &Task) -> Option<String> {
    let judge = task.model(ModelRole::JUDGE).filter(|_| task.judges().next().is_none())?;
    Some(format!("`{}` is never asked: no scorer asks a judge", judge.name))
}

/// Warns of held-out rows that the search sees under another id.
fn known_held_out(task: &Task) -> Option<String> {
    let known = duplicates::known_held_out(&task.splits, task.layout.shown_columns());
    let have = if known == 1 { "has" } else { "have" };
    (known > 0).then(|| {
        format!(
            "{known} of {} {have} the input of a row in `train` or `dev`, which the search sees: remove them, or \
             a gain may be confirmed that new rows do not have",
            text::plural(task.splits.hold.len(), "held-out row")
        )
    })
}

/// Warns of equal inputs with different answers: no prompt gets both right.
fn two_answers(task: &Task) -> Option<String> {
    let shown = task.layout.shown_columns();
    let rows = task.visible_rows();
    let mut by_input: BTreeMap<_, Vec<&Example>> = BTreeMap::new();
    for row in &rows {
        by_input.entry(input_key(row, shown)).or_default().push(row);
    }
    let differ = |rows: &&Vec<&Example>| rows.iter().any(|row| row.answer != rows[0].answer);
    let pairs: Vec<&Vec<&Example>> = by_input.values().filter(differ).collect();
    let first = pairs.iter().min_by_key(|rows| rows[0].line)?;
    let other = first.iter().find(|row| row.answer != first[0].answer)?;
    Some(format!(
        "{} in several rows with different answers, such as rows `{}` and `{}`: no prompt gets both right",
        match pairs.len() {
            1 => "1 input stands".to_owned(),
            many => format!("{many} inputs stand"),
        },
        first[0].id,
        other.id
    ))
}

/// Warns of a column in single braces, which is literal text, where another place shows a column: without
/// one, the task is refused.
fn single_braces(task: &Task) -> Option<String> {
    let rows = task.visible_rows();
    let columns = &rows.first()?.columns;
    let literals = task.baseline.parts().iter().flat_map(|part| {
        let literals = pieces(&part.text).into_iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(text),
            Piece::Raw { .. } | Piece::Column { .. } => None,
        });
        literals.map(|text| (part.name.as_str(), text)).collect::<Vec<_>>()
    });
    let (part, name) = literals.into_iter().find_map(|(part, text)| {
        let is_shown = |name: &&String| {
            let written = format!("{{{name}}}");
            text.match_indices(&written).any(|(at, _)| {
                !text[..at].ends_with('{') && !text[at + written.len()..].starts_with('}')
            })
        };
        Some((part, columns.keys().find(is_shown)?))
    })?;
    Some(format!(
        "the part `{part}` says `{{{name}}}`, which is sent as it stands: write `{}` if the row's value is \
         meant",
        placeholder(name)
    ))
}

/// Warns of lists that are compared as one JSON list, although they may be several right answers.
fn lists(task: &Task) -> Option<String> {
    let rows = task.visible_rows();
    let texts = |answer: &Value| {
        answer.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
    };
    let is_list = !rows.is_empty() && rows.iter().all(|row| texts(&row.answer));
    let scorer = task.scorers.scorers().iter().find(|scorer| scorer.compares_whole_lists())?;
    is_list.then(|| {
        format!(
            "the answers of the data are lists of texts, and `{}` compares an answer with the whole list: \
             if every item is right, write `any_of = true` under [[score]]",
            scorer.name()
        )
    })
}

/// Warns of a prompt that asks for JSON beside demonstrations that show bare texts.
fn formats(task: &Task) -> Option<String> {
    let parts = task.baseline.parts();
    let asking = parts
        .iter()
        .find(|part| part.name != DEMOS && part.text.to_ascii_lowercase().contains("json"))?;
    parts.iter().find(|part| part.name == DEMOS)?;
    let rows = task.visible_rows();
    let answers = rows.iter().map(|row| task.scorers.right_answer(row));
    let bare = answers.filter_map(|answer| {
        let text = value_text(&answer).trim().to_owned();
        (!text.is_empty() && !text.starts_with(['{', '['])).then_some(text)
    });
    let shown = bare.take(1).next()?;
    Some(format!(
        "the part `{}` asks for JSON, but demonstrations show the answers of the data, which are bare \
         texts such as `{}`: write these answers as JSON, remove `{DEMOS}`, or do not ask for JSON",
        asking.name,
        text::shorten(&shown, 40)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ExampleId;
    use serde_json::json;

    fn row(line: usize, columns: &Value, group: Option<&str>) -> Example {
        Example {
            numbers: Vec::new(),
            id: ExampleId::new(format!("r{line}")),
            columns: columns.as_object().unwrap().clone(),
            answer: json!("x"),
            feedback: None,
            group: group.map(str::to_owned),
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line,
        }
    }

    #[test]
    fn rows_that_show_nothing_are_named_with_what_may_be_meant() {
        let shown = BTreeSet::from(["input".to_owned()]);
        let warned = |columns: &[Value]| {
            let rows: Vec<Example> =
                columns.iter().zip(1..).map(|(it, line)| row(line, it, None)).collect();
            blank_rows(&rows.iter().collect::<Vec<_>>(), &shown)
        };
        assert_eq!(warned(&[json!({"input": "a"}), json!({"input": 0})]), None);
        let one = warned(&[json!({"input": "a"}), json!({"input": " "})]).unwrap();
        assert!(one.contains("1 row shows nothing") && one.contains("`r2` on line 2"), "{one}");
        let near = warned(&[json!({"input": null, "Input": "a"}), json!({})]).unwrap();
        assert!(near.contains("2 rows show nothing"), "{near}");
        assert!(near.contains("did you mean their column `Input`?"), "{near}");
        let many = warned(&vec![json!({"other": "a"}); 9]).unwrap();
        assert!(many.ends_with("`r3` on line 3, …") && !many.contains("did you"), "{many}");
    }

    #[test]
    fn groups_are_named_with_their_column() {
        let rows: Vec<Example> =
            (1..8).map(|n| row(n, &json!({}), Some(["a", "b"][n % 2]))).collect();
        let rows: Vec<&Example> = rows.iter().collect();
        let said = groups(&rows, Some("Team")).unwrap();
        assert!(said.contains("`Team`") && said.contains("2 groups of up to 4 rows"), "{said}");
        let bare = row(1, &json!({}), None);
        assert_eq!(groups(&[&bare], None), None);
    }
}
