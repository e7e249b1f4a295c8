//! The columns of a file: their statistics, and the roles that are guessed or wished.
//!
//! The task that is made of them is `drafting`'s.

use super::column_facts::ColumnFacts;
use super::column_stats::ColumnStats;
use super::guess::{guess, ranked};
use super::names;
use super::path::ValuePath;
use super::role::{ColumnRole, ColumnRoles};
use super::shape::Flags;
use super::source_rows::SourceRows;
use crate::prompt::{Columns, value_text};
use crate::source::SourceError;
use crate::text;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// The first rows, whose columns can be named.
const NAMED_ROWS: usize = 200;

/// The columns that the user named, as paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// What the model is shown.
    pub(crate) input: Option<String>,
    /// The right answer.
    pub(crate) answer: Option<String>,
    /// The row's id.
    pub(crate) id: Option<String>,
    /// Why the answer is right.
    pub(crate) feedback: Option<String>,
}

impl Wishes {
    /// Whether the user named no column.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.input, &self.answer, &self.id, &self.feedback].iter().all(|it| it.is_none())
    }

    /// The columns as paths. A name may be written as it is shown, with blanks for line breaks. A path may lead
    /// into the rows as they stand in the file, also where their shape makes something else of them.
    fn paths(&self, rows: &mut SourceRows) -> Result<ColumnRoles, SourceError> {
        let mut roles = ColumnRoles::default();
        if self.is_empty() {
            return Ok(roles);
        }
        let mut first = Vec::new();
        for row in rows.rows()?.take(NAMED_ROWS) {
            first.push(row?.values);
        }
        let mut names: BTreeSet<String> =
            first.iter().flat_map(|row| row.keys().cloned()).collect();
        let raw = if rows.is_plain() { Vec::new() } else { rows.raw(NAMED_ROWS)? };
        let shown = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ");
        let wishes = [
            (ColumnRole::Input, &self.input),
            (ColumnRole::Answer, &self.answer),
            (ColumnRole::Id, &self.id),
            (ColumnRole::Feedback, &self.feedback),
        ];
        for (role, wish) in wishes {
            let Some(text) = wish else { continue };
            let wrong =
                |why: String| SourceError::new(&rows.path, format!("--{}: {why}", role.name()));
            let name = names.get(text).or_else(|| names.iter().find(|it| shown(it) == shown(text)));
            let path =
                ValuePath::meant(name.unwrap_or(text), |it| names.contains(it)).map_err(wrong)?;
            if let Some(other) = roles.role_of(&path) {
                let message =
                    format!("--{} and --{} both name `{path}`", other.name(), role.name());
                return Err(
                    SourceError::new(&rows.path, message).help("give each a column of its own")
                );
            }
            let is_in = |rows: &[Columns]| rows.iter().any(|row| path.get(row).is_some());
            // A whole list of messages has the answer in it.
            let is_part = || {
                !path.is_column()
                    || raw.iter().filter_map(|row| path.get(row)).all(|it| !it.is_array())
            };
            let path = match !is_in(&first) && is_in(&raw) && is_part() {
                false => path,
                true => {
                    let column = text::free_name(path.last_name(), |it| names.contains(it));
                    names.insert(column.clone());
                    rows.lift(path, column.clone(), role == ColumnRole::Input);
                    ValuePath::column(column)
                }
            };
            roles.give(role, path);
        }
        Ok(roles)
    }
}

/// One column for people.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct ColumnView {
    /// Its name, or the path of an entry.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) role: Option<&'static str>,
    /// Rows that have a value.
    pub(crate) filled: usize,
    /// Different values.
    pub(crate) distinct: usize,
    /// One value.
    pub(crate) sample: String,
}

/// The columns of a file.
pub(crate) struct SourceColumns {
    pub(super) rows: SourceRows,
    pub(super) stats: ColumnStats,
    /// The marks of all choices.
    pub(super) marks: BTreeSet<String>,
    /// What the user said.
    set: ColumnRoles,
    pub(super) guess: ColumnRoles,
    /// What was read although it is not as it should be.
    pub(super) notes: Vec<String>,
    /// Rows that their tool does not use, by reason.
    pub(super) left_out: BTreeMap<&'static str, usize>,
}

/// The fewest columns of 0 and 1 that are labels: two may be any two facts.
const MIN_FLAGS: usize = 3;

/// What is said of columns that are labels.
fn flags_note(flags: &Flags) -> String {
    let names: Vec<String> = flags.labels.iter().map(|it| format!("`{it}`")).collect();
    format!(
        "{} are 0 or 1 in every row: the answer, `{}`, is the list of those that are 1. For one of them \
         alone: --answer {}",
        text::shorten(&names.join(", "), 200),
        flags.answer,
        flags.labels.first().map_or("COLUMN", String::as_str)
    )
}

impl SourceColumns {
    /// Reads a file and guesses the roles of its columns. What `seen` gets explains an error.
    ///
    /// # Errors
    /// A file that cannot be read, a mistake in it with its line, or a wish for a column that it
    /// does not have.
    pub(crate) fn read(
        path: &Path,
        wishes: &Wishes,
        seen: &mut Vec<String>,
    ) -> Result<Self, SourceError> {
        let (mut rows, notes) = SourceRows::open(path)?;
        seen.clone_from(&notes);
        let wished = wishes.paths(&mut rows)?;
        let columns = Self::of_rows(rows.clone(), notes.clone(), wished.clone(), seen)?;
        let Some(flags) = columns.flags() else { return Ok(columns) };
        let (note, answer) = (flags_note(&flags), ValuePath::column(&flags.answer));
        rows.shape.flags = Some(flags);
        let mut columns = Self::of_rows(rows, notes, wished, seen)?;
        columns.notes.push(note);
        columns.set(ColumnRole::Answer, answer);
        Ok(columns)
    }

    /// The columns of 0 and 1 that are labels, where no other column is the answer.
    fn flags(&self) -> Option<Flags> {
        // `label` is the answer; `toxic` may be one of several.
        let is_named = |it: &ColumnFacts| names::certainty(it, names::ANSWERS) > 60;
        let is_label = |it: &&ColumnFacts| {
            it.path.is_column()
                && it.filled == self.stats.rows
                && it.is_flag()
                && self.set.role_of(&it.path).is_none()
        };
        let labels: Vec<&ColumnFacts> = self.stats.columns().iter().filter(is_label).collect();
        let has_answer = self.guess.answer.as_ref().is_some_and(|path| {
            let label = labels.iter().find(|it| it.path == *path);
            label.is_none_or(|it| is_named(it))
        });
        let differ = labels.iter().any(|it| it.distinct() > 1);
        if self.set.answer.is_some() || has_answer || !differ || labels.len() < MIN_FLAGS {
            return None;
        }
        let labels = labels.into_iter().map(|it| it.path.first().to_owned()).collect();
        Some(Flags::new(labels, |name| self.stats.column(name).is_some()))
    }

    fn of_rows(
        rows: SourceRows,
        mut notes: Vec<String>,
        set: ColumnRoles,
        seen: &mut Vec<String>,
    ) -> Result<Self, SourceError> {
        let path = rows.path.clone();
        let mut losses: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
        let mut stats = ColumnStats::new(set.paths().cloned().collect());
        (stats.questions, stats.fields) = (rows.shape.questions(), rows.shape.fields());
        let (mut marks, mut left_out) = (BTreeSet::new(), BTreeMap::new());
        for row in rows.rows()? {
            let row = row?;
            if let Some(reason) = row.left_out {
                *left_out.entry(reason).or_default() += 1;
                continue;
            }
            stats.add(&row.values);
            for loss in row.losses {
                let (count, _) = losses.entry(loss).or_insert((0_usize, row.line));
                *count += 1;
            }
            for mark in row.marks {
                marks.insert(mark);
            }
        }
        notes.extend(losses.into_iter().map(|(loss, (count, line))| {
            format!("{}, the first on line {line}: {loss}", text::plural(count, "row"))
        }));
        seen.clone_from(&notes);
        if stats.rows == 0 {
            let reasons: Vec<&str> = left_out.into_keys().collect();
            let message = format!("all rows of the file are {}", reasons.join(" or "));
            return Err(SourceError::new(&path, message));
        }
        let mut columns =
            Self { rows, stats, marks, set, guess: ColumnRoles::default(), notes, left_out };
        columns.check_wishes()?;
        columns.guess = guess(&columns.stats, &columns.set);
        Ok(columns)
    }

    fn check_wishes(&self) -> Result<(), SourceError> {
        for role in [ColumnRole::Input, ColumnRole::Answer, ColumnRole::Id, ColumnRole::Feedback] {
            let Some(path) = self.set.of(role) else { continue };
            let flag = role.name();
            let name = path.to_string();
            if self.facts_of(path).is_none_or(|it| it.filled == 0) {
                let known: Vec<String> =
                    self.stats.columns().iter().map(|it| it.path.to_string()).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("--{flag}: no row has a value at `{name}`");
                return Err(SourceError::new(&self.rows.path, message)
                    .help(text::suggestion(&name, &known)));
            }
        }
        match self.set.of(ColumnRole::Id).and_then(|path| self.facts_of(path)) {
            Some(id) if id.distinct() < self.stats.rows => Err(self.no_id(&id.path)?),
            _ => Ok(()),
        }
    }

    /// The error of an id that a row lacks, or that two rows have.
    fn no_id(&self, id: &ValuePath) -> Result<SourceError, SourceError> {
        let mut lines: HashMap<String, usize> = HashMap::new();
        let help = "name another column with --id, or none; then rows are numbered";
        let wrong = |message: String| SourceError::new(&self.rows.path, message).help(help);
        for row in self.rows.rows()? {
            let row = row?;
            let value = id.get(&row.values).map(|it| value_text(it).trim().to_owned());
            let value = value.unwrap_or_default();
            if value.is_empty() {
                return Ok(
                    wrong(format!("--id: this row has no value at `{id}`")).at_line(row.line)
                );
            }
            if let Some(first) = lines.insert(value.clone(), row.line) {
                let message = format!("--id: the id `{value}` is already used on line {first}");
                return Ok(wrong(message).at_line(row.line));
            }
        }
        Ok(wrong(format!("--id: the values of `{id}` are not unique")))
    }

    /// The facts about a column.
    pub(super) fn facts_of(&self, path: &ValuePath) -> Option<&ColumnFacts> {
        self.stats.columns().iter().find(|it| it.path == *path)
    }

    /// Whether a role was set by the user.
    pub(crate) fn is_set(&self, role: ColumnRole) -> bool {
        self.set.of(role).is_some()
    }

    /// The column that has a role.
    pub(crate) fn guess_of(&self, role: ColumnRole) -> Option<&ValuePath> {
        self.guess.of(role)
    }

    /// The columns that a role may have, the most likely first.
    pub(crate) fn choices(&self, role: ColumnRole) -> Vec<ValuePath> {
        let mut choices = ranked(&self.stats, &self.set, role);
        let others = self.stats.columns().iter().filter(|it| it.filled > 0).map(|it| &it.path);
        for path in others {
            if self.set.role_of(path).is_none() && !choices.contains(path) {
                choices.push(path.clone());
            }
        }
        choices
    }

    /// Sets a role, and guesses the others again.
    pub(crate) fn set(&mut self, role: ColumnRole, path: ValuePath) {
        self.set.give(role, path);
        self.guess = guess(&self.stats, &self.set);
    }

    /// The columns with their roles; entries of objects only if they have one.
    pub(crate) fn views(&self) -> Vec<ColumnView> {
        let shown = self
            .stats
            .columns()
            .iter()
            .filter(|it| it.path.is_column() || self.guess.role_of(&it.path).is_some());
        let view = |it: &ColumnFacts| ColumnView {
            name: it.path.to_string(),
            role: self.guess.role_of(&it.path).map(ColumnRole::name),
            filled: it.filled,
            distinct: it.distinct(),
            sample: text::shorten(&it.sample, 40),
        };
        shown.map(view).collect()
    }

    /// The number of rows.
    pub(crate) fn row_count(&self) -> usize {
        self.stats.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENTS: &str = "id,comment_text,toxic,insult,threat\na1,you are silly and rude,1,1,0\n\
        a2,thanks for the quick help,0,0,0\na3,I will find you in the end,1,0,0\na4,what a fool you are,1,1,0\n";

    fn read(text: &str, wishes: &Wishes) -> (SourceColumns, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        let columns = SourceColumns::read(&path, wishes, &mut Vec::new()).unwrap();
        columns.draft().map(drop).unwrap_or_else(|error| panic!("{error}"));
        (columns, folder)
    }

    fn flags(text: &str, wishes: &Wishes) -> Option<Vec<String>> {
        read(text, wishes).0.rows.shape.flags.map(|flags| flags.labels)
    }

    #[test]
    fn columns_of_0_and_1_are_one_answer_unless_there_is_another() {
        let (columns, _folder) = read(COMMENTS, &Wishes::default());
        assert_eq!(columns.guess.answer, Some(ValuePath::column("labels")));
        assert!(
            columns.notes.iter().any(|it| it.contains("--answer toxic")),
            "{:?}",
            columns.notes
        );
        let rows: Vec<_> = columns.rows.rows().unwrap().map(|row| row.unwrap().values).collect();
        let expected = [&["toxic", "insult"][..], &[], &["toxic"], &["toxic", "insult"]];
        for (row, labels) in rows.iter().zip(expected) {
            assert_eq!(row["labels"], serde_json::json!(labels));
            assert!(!row.contains_key("toxic"));
        }
        let all = |text: &str| flags(text, &Wishes::default());
        let booleans = COMMENTS.replace(",1", ",True").replace(",0", ",False");
        assert_eq!(all(&booleans).map(|it| it.len()), Some(3));
        let one = Wishes { answer: Some("toxic".into()), ..Wishes::default() };
        assert_eq!(flags(COMMENTS, &one), None);
        assert_eq!(read(COMMENTS, &one).0.guess.answer, Some(ValuePath::column("toxic")));
        for text in [
            COMMENTS.replace("insult", "label"),
            COMMENTS.replace("help,0,0,0", "help,0,0,2"),
            "text,category,a,b,c\nsome words here,x,1,0,1\nother words here,y,0,1,0\nmore words here,x,1,0,0".into(),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.csv");
            std::fs::write(&path, &text).unwrap();
            let found = SourceColumns::read(&path, &Wishes::default(), &mut Vec::new());
            assert_eq!(found.ok().and_then(|it| it.rows.shape.flags), None, "{text}");
        }
    }
}
