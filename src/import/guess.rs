//! Guesses which column is the input, the answer, the id, the feedback and the group, from the names
//! of columns and from their values.

use super::facts::{ColumnFacts, Facts};
use super::path::ValuePath;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What the model is shown.
    Input,
    /// The right answer.
    Answer,
    /// The row's id.
    Id,
    /// Why the answer is right.
    Feedback,
    /// Rows of one group stay in one split.
    Group,
}

impl Role {
    /// All, in the order in which they are guessed.
    pub(super) const ALL: [Self; 5] =
        [Self::Answer, Self::Id, Self::Input, Self::Feedback, Self::Group];

    /// Its name, which is also the flag that sets it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Answer => "answer",
            Self::Id => "id",
            Self::Feedback => "feedback",
            Self::Group => "group",
        }
    }
}

/// Words that name a column's role, with the certainty that they give. German, French and Spanish
/// names are those of support desks.
const ANSWER_NAMES: &[(&str, i32)] = &[
    ("answer", 100),
    ("expected output", 100),
    ("expected answer", 100),
    ("expected", 100),
    ("target", 100),
    ("label", 95),
    ("ideal", 100),
    ("gold", 100),
    ("ground truth", 100),
    ("outputs", 90),
    ("reference", 85),
    ("reference answer", 100),
    ("reference output", 100),
    ("correct answer", 100),
    ("answer key", 100),
    ("answers", 95),
    ("labels", 90),
    ("solution", 80),
    ("output", 80),
    ("class", 80),
    ("category", 80),
    ("intent", 80),
    ("sentiment", 75),
    ("department", 75),
    ("queue", 70),
    ("topic", 65),
    ("team", 65),
    ("route", 65),
    ("routing", 65),
    ("classification", 80),
    ("completion", 75),
    ("response", 60),
    ("result", 50),
    ("tag", 55),
    ("assigned to", 50),
    ("ticket type", 60),
    ("type", 45),
    ("verdict", 70),
    ("rating", 45),
    ("score", 40),
    ("stars", 45),
    ("summary", 50),
    ("highlights", 50),
    ("translation", 60),
    ("kategorie", 80),
    ("abteilung", 75),
    ("antwort", 95),
    ("thema", 60),
    ("catégorie", 80),
    ("réponse", 95),
    ("categoría", 80),
    ("respuesta", 95),
    ("priority", 20),
    ("status", 10),
    ("channel", 5),
    ("language", 5),
    ("lang", 5),
    ("locale", 5),
    ("country", 5),
    ("source", 5),
    ("split", -60),
    ("agent", 5),
    ("actual output", -60),
    ("prediction", -30),
    ("predicted", -30),
    ("model output", -60),
];
const INPUT_NAMES: &[(&str, i32)] = &[
    ("input", 100),
    ("inputs", 95),
    ("question", 95),
    ("ticket text", 90),
    ("text", 85),
    ("query", 85),
    ("prompt", 80),
    ("body", 80),
    ("message", 80),
    ("content", 75),
    ("instruction", 75),
    ("description", 70),
    ("sentence", 75),
    ("review", 75),
    ("utterance", 80),
    ("problem", 75),
    ("document", 65),
    ("email", 55),
    ("ticket", 55),
    ("request", 65),
    ("comment", 45),
    ("article", 60),
    ("tweet", 70),
    ("passage", 40),
    ("context", 20),
    ("subject", 40),
    ("title", 35),
    ("frage", 90),
    ("nachricht", 80),
    ("beschreibung", 70),
    ("texte", 80),
    ("texto", 80),
    ("pregunta", 90),
    ("mensaje", 80),
    ("betreff", 40),
    ("anfrage", 80),
    ("inhalt", 75),
    ("system", -60),
    ("summary", -10),
    ("actual output", -60),
];
const ID_NAMES: &[(&str, i32)] = &[
    ("id", 100),
    ("_id", 100),
    ("uid", 90),
    ("uuid", 90),
    ("guid", 90),
    ("example id", 90),
    ("row id", 90),
    ("ticket id", 95),
    ("case id", 90),
    ("ticket number", 85),
    ("case number", 85),
    ("key", 60),
    ("number", 50),
    ("nr", 70),
    ("no", 60),
    ("index", 50),
    ("idx", 50),
    ("#", 70),
    ("ticket", 45),
    ("ticketnummer", 85),
    ("nummer", 60),
    ("qid", 90),
    ("case", 40),
];
const FEEDBACK_NAMES: &[(&str, i32)] = &[
    ("feedback", 100),
    ("explanation", 100),
    ("rationale", 100),
    ("reason", 85),
    ("reasoning", 85),
    ("why", 90),
    ("comment", 55),
    ("note", 45),
    ("notes", 45),
    ("begründung", 90),
    ("justification", 95),
];
const GROUP_NAMES: &[(&str, i32)] = &[
    ("group", 90),
    ("thread", 90),
    ("thread id", 100),
    ("conversation", 80),
    ("conversation id", 100),
    ("session", 80),
    ("session id", 100),
    ("document id", 90),
    ("doc id", 90),
    ("user id", 85),
    ("customer id", 90),
    ("article id", 80),
];

/// The roles of a file's columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Guess {
    pub(super) input: Option<ValuePath>,
    pub(super) answer: Option<ValuePath>,
    pub(super) id: Option<ValuePath>,
    pub(super) feedback: Option<ValuePath>,
    pub(super) group: Option<ValuePath>,
}

impl Guess {
    /// The column that has a role.
    pub(super) fn of(&self, role: Role) -> Option<&ValuePath> {
        match role {
            Role::Answer => self.answer.as_ref(),
            Role::Input => self.input.as_ref(),
            Role::Id => self.id.as_ref(),
            Role::Feedback => self.feedback.as_ref(),
            Role::Group => self.group.as_ref(),
        }
    }

    /// Gives a column a role.
    pub(super) fn give(&mut self, role: Role, path: ValuePath) {
        let place = match role {
            Role::Answer => &mut self.answer,
            Role::Input => &mut self.input,
            Role::Id => &mut self.id,
            Role::Feedback => &mut self.feedback,
            Role::Group => &mut self.group,
        };
        *place = Some(path);
    }

    /// The role of a column.
    pub(super) fn role_of(&self, path: &ValuePath) -> Option<Role> {
        Role::ALL.into_iter().find(|role| self.of(*role) == Some(path))
    }
}

/// The roles of columns; those in `set` are given.
pub(super) fn guess(facts: &Facts, set: &Guess) -> Guess {
    let mut guess = set.clone();
    for role in Role::ALL {
        if guess.of(role).is_none()
            && let Some(path) = ranked(facts, &guess, role).into_iter().next()
        {
            guess.give(role, path);
        }
    }
    guess
}

/// The columns that may have a role, the most likely first.
pub(super) fn ranked(facts: &Facts, taken: &Guess, role: Role) -> Vec<ValuePath> {
    let mut found: Vec<(i32, usize, &ColumnFacts)> = facts
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, it)| it.filled > 0 && taken.role_of(&it.path).is_none())
        .filter_map(|(place, it)| Some((certainty(facts, it, role)?, place, it)))
        .collect();
    // Of equals, the answer is usually last and everything else first.
    found.sort_by_key(|(certainty, place, _)| {
        let place = *place as i64;
        (-certainty, if role == Role::Answer { -place } else { place })
    });
    found.into_iter().map(|(_, _, it)| it.path.clone()).collect()
}

/// How likely a column has a role, from 1; `None`: it has not.
fn certainty(facts: &Facts, column: &ColumnFacts, role: Role) -> Option<i32> {
    let named = |names: &[(&str, i32)]| named(column, names);
    let is_whole = column.filled == facts.rows;
    let is_unique = column.distinct() == column.filled;
    let certainty = match role {
        Role::Answer => answer_certainty(column, named(ANSWER_NAMES), is_unique)?,
        Role::Input => {
            let is_text = column.numbers < column.filled && !column.mostly(column.dates);
            let name = named(INPUT_NAMES);
            // A number can be an input, but only if it is called so.
            if name < 60 && (!is_text || column.mostly(column.links)) {
                return None;
            }
            let length = (column.mean_chars().max(1.0).log2() * 6.0) as i32;
            // Of an object with several entries, the model needs all; one with a single entry is a
            // wrapper.
            let whole = match column.mostly(column.objects) {
                true if name >= 90 && column.fields.len() > 1 => 20,
                true => -100,
                false => 0,
            };
            let sparse = if column.filled * 2 < facts.rows { -60 } else { 0 };
            name + length.min(60) + if is_unique { 10 } else { 0 } + whole + sparse
        }
        Role::Id => {
            let name = named(ID_NAMES);
            let fits = is_whole && is_unique && column.spaced == 0 && column.longest <= 80;
            if !fits || name < 40 || column.objects + column.text_lists > 0 {
                return None;
            }
            name + if column.path.is_column() { 10 } else { 0 }
        }
        Role::Feedback => {
            let is_text = column.spaced * 2 >= column.filled;
            let name = named(FEEDBACK_NAMES);
            if !is_text || name < 40 {
                return None;
            }
            name
        }
        Role::Group => {
            let name = named(GROUP_NAMES);
            if is_unique || name < 80 || !column.path.is_column() || column.distinct() < 2 {
                return None;
            }
            name
        }
    };
    (certainty > 0).then_some(certainty)
}

/// A date, a count and a free text are no answer, unless the column is called so.
fn answer_certainty(column: &ColumnFacts, name: i32, is_unique: bool) -> Option<i32> {
    let is_number = column.mostly(column.numbers);
    if column.mostly(column.dates) || column.mostly(column.links) {
        return None;
    }
    if column.is_counter() && name < 80 {
        return None;
    }
    let has_labels = column.labels().is_some();
    let value = match has_labels {
        true if is_number => 10,
        true => 40,
        false if column.mostly(column.text_lists) => 10,
        // An object with several fields is an answer of its own; one with a single field is a
        // wrapper, and so is SQuAD's.
        false if column.mostly(column.objects) => {
            let wraps =
                column.fields.len() < 2 || column.fields.iter().any(|it| it == "answer_start");
            if wraps { -50 } else { 45 }
        }
        false if is_number && name < 60 => return None,
        false if is_unique && name < 50 => return None,
        // A free text, or the same text in all rows.
        false if name < 50 => return None,
        false => 0,
    };
    if has_labels && is_number && name < 40 {
        return None;
    }
    Some(name + value)
}

/// The certainty that a column's name gives.
fn named(column: &ColumnFacts, names: &[(&str, i32)]) -> i32 {
    let last = words_of(column.path.last_name());
    let certainty_of = |name: &str| names.iter().find(|(it, _)| *it == name).map(|(_, it)| *it);
    if let Some(certainty) = certainty_of(&last) {
        return certainty;
    }
    // `text` in `output.text` says little; the object's name says more.
    let plain = ["text", "value", "content", "name"].contains(&last.as_str());
    if plain
        && !column.path.is_column()
        && let Some(certainty) = certainty_of(&words_of(column.path.first()))
    {
        return certainty;
    }
    let words: Vec<&str> = last.split(' ').collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    let singles = words.iter().map(|word| (*word).to_owned());
    let part =
        pairs.chain(singles).filter_map(|part| certainty_of(&part)).max_by_key(|it| it.abs());
    part.unwrap_or(0) * 7 / 10
}

/// The lower-case words of a name: `expectedOutput`, `Expected Output` and `expected_output` are the
/// same.
fn words_of(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            words.push(' ');
        }
        if c.is_alphanumeric() || c == '#' {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
        before = c;
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn guessed(rows: impl Iterator<Item = Value>) -> Guess {
        let mut facts = Facts::default();
        for row in rows {
            facts.add(row.as_object().unwrap());
        }
        guess(&facts, &Guess::default())
    }

    fn path(name: &str) -> Option<ValuePath> {
        Some(ValuePath::parse(name).unwrap())
    }

    #[test]
    fn names_are_compared_by_their_words() {
        for name in ["expectedOutput", "Expected Output", "expected_output", "Expected-Output "] {
            assert_eq!(words_of(name), "expected output");
        }
        assert_eq!(words_of("Body (HTML)"), "body html");
        assert_eq!(words_of("Größe"), "größe");
    }

    #[test]
    fn a_support_desks_export_is_understood() {
        let teams = ["Billing", "Returns", "Technical"];
        let guess = guessed((0..30).map(|n| {
            json!({
                "Ticket #": format!("T-{}", 1000 + 7 * n),
                "Created at": format!("2024-03-{:02} 10:0{}", n + 1, n % 10),
                "Replies": n % 4,
                "Priority": (["low", "high"][n % 2]),
                "Body (HTML)": format!("<p>Hello, my order {n} has not arrived and I am waiting.</p>"),
                "Support Team": teams[n % 3],
                "Agent comment": format!("The customer asks about order {n}."),
            })
        }));
        assert_eq!(guess.id, Some(ValuePath::column("Ticket #")));
        assert_eq!(guess.input, Some(ValuePath::column("Body (HTML)")));
        assert_eq!(guess.answer, Some(ValuePath::column("Support Team")));
        assert_eq!(guess.group, None);
    }

    #[test]
    fn a_date_a_count_and_a_free_text_are_no_label() {
        let guess = guessed((0..20).map(|n| {
            json!({
                "when": (["2024-01-01", "2024-01-02"][n % 2]),
                "replies": n % 3,
                "story": format!("A long story about the number {n} and what it did."),
                "remark": format!("Remark {n}"),
            })
        }));
        assert_eq!(guess.answer, None);
    }

    #[test]
    fn values_decide_where_names_do_not() {
        let guess = guessed((0..20).map(|n| {
            json!({"a": format!("Some words about {n} things"), "b": (["up", "down"][n % 2]), "c": n})
        }));
        assert_eq!((guess.input, guess.answer, guess.id), (path("a"), path("b"), None));
    }

    #[test]
    fn entries_of_objects_are_found() {
        let guess = guessed((0..12).map(|n| {
            json!({
                "id": n,
                "inputs": {"question": format!("How much is {n} and 3?")},
                "outputs": {"answer": n + 3},
                "metadata": {"split": "test"},
            })
        }));
        assert_eq!((guess.input, guess.answer), (path("inputs.question"), path("outputs.answer")));
        assert_eq!(guess.id, path("id"));
    }

    #[test]
    fn an_answer_that_is_an_object_stays_whole() {
        let guess = guessed((0..12).map(|n| {
            json!({"input": format!("Invoice {n} of Acme"), "answer": {"vendor": "Acme", "total": n}})
        }));
        assert_eq!((guess.input, guess.answer), (path("input"), path("answer")));
    }

    #[test]
    fn lists_of_right_answers_are_found_within_an_object() {
        let guess = guessed((0..12).map(|n| {
            json!({
                "id": format!("{n:x}ff"),
                "title": "Rivers",
                "context": "A long passage about rivers, their sources and their mouths. ".repeat(5),
                "question": format!("Where does river {n} end?"),
                "answers": {"text": ["the sea", format!("sea {n}")], "answer_start": [n, n + 9]},
            })
        }));
        assert_eq!((guess.input, guess.answer), (path("question"), path("answers.text")));
    }
}
