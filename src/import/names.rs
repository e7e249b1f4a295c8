//! The names of columns, and how surely each tells what the column is for.

use super::column_facts::ColumnFacts;
use super::words::words_of;

/// Names in lower-case words, with the certainty that each gives.
pub(super) type Names = &'static [(&'static str, i32)];

/// The names of columns whose lists hold several right answers.
const ALTERNATIVES: &[&str] = &[
    "answer",
    "answers",
    "alias",
    "aliases",
    "reference",
    "references",
    "ideal",
    "gold",
    "golds",
    "truth",
    "truths",
    "expected",
    "target",
    "targets",
    "solution",
    "solutions",
    "alternatives",
    "accepted",
    "output",
    "outputs",
    "response",
    "responses",
    "completions",
    "translations",
    "antwort",
    "antworten",
];

/// Words that name a column's role, with the certainty that they give. German, French and Spanish
/// names are those of support desks.
pub(super) const ANSWERS: Names = &[
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
    ("final answer", 100),
    ("final decision", 95),
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
    ("rating", 60),
    ("score", 60),
    ("stars", 60),
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
    ("priorität", 20),
    ("priorité", 20),
    ("prioridad", 20),
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
    ("chosen", 90),
    ("winner", 90),
    ("preference", 80),
    ("preferred", 60),
    // What was reviewed, where the review has a verdict of its own.
    ("product category", 20),
    ("product type", 20),
    ("item category", 20),
    // What a right answer is told from; it outweighs every other word of a name.
    ("rejected", -100),
    ("dispreferred", -100),
    ("non", -100),
    ("not", -100),
    ("wrong", -100),
    ("incorrect", -100),
    ("worse", -100),
    ("bad", -100),
    ("aliases", 95),
    ("references", 90),
    ("ground truths", 95),
    ("golds", 90),
    ("possible answers", 100),
    ("accepted answers", 100),
    ("acceptable answers", 100),
    ("correct option", 95),
    ("correct choice", 95),
    ("cop", 90),
    ("reference contexts", -60),
    ("choices", -60),
    ("options", -60),
    ("answer start", -60),
    ("answer choices", -60),
    ("lösung", 80),
    ("toxic", 60),
    ("polarity", 70),
    ("duplicate", 60),
    ("spam", 60),
    ("hate", 60),
    ("offensive", 60),
    ("sarcastic", 60),
    ("relevance", 60),
    ("relevant", 60),
    ("acceptable", 60),
    ("code", 50),
    ("reply", 50),
    ("resolution", 40),
    // What checks an answer, and what only looks like one.
    ("test", -60),
    ("tests", -60),
    ("test list", -60),
    ("distractor", -100),
    ("distractors", -100),
];
pub(super) const INPUTS: Names = &[
    ("input", 100),
    ("q", 80),
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
    ("user input", 95),
    ("ctx", 85),
    ("goal", 60),
    ("premise", 60),
    ("claim", 70),
    ("contexts", 10),
    ("reference contexts", -60),
    ("retrieved contexts", -60),
    ("choices", -60),
    ("options", -60),
    ("rejected", -60),
];
pub(super) const IDS: Names = &[
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
    // Counters, as spreadsheets and pandas name them.
    ("n", 60),
    ("nº", 70),
    ("núm", 60),
    ("numéro", 60),
    ("lfd nr", 70),
    ("unnamed", 60),
];
pub(super) const FEEDBACKS: Names = &[
    ("feedback", 100),
    ("explanation", 100),
    ("explanations", 100),
    ("rationale", 100),
    ("rationales", 100),
    ("reason", 85),
    ("reasons", 85),
    ("reasoning", 85),
    ("chain of thought", 100),
    ("cot", 90),
    ("thought", 85),
    ("thoughts", 85),
    ("why", 90),
    ("comment", 55),
    ("note", 45),
    ("notes", 45),
    ("begründung", 90),
    ("erklärung", 90),
    ("justification", 95),
    ("explication", 90),
    ("explicación", 90),
];
pub(super) const GROUPS: Names = &[
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

/// Names of what a question is about, whatever its values are.
const CONTEXTS: &[&str] = &[
    "context",
    "contexts",
    "retrieved contexts",
    "retrieval context",
    "passage",
    "passages",
    "background",
    "documents",
    "ctxs",
    "table",
    "schema",
    "history",
    "facts",
    "evidence",
    "input",
];

/// Names of what is asked about within a text, although few values may recur.
const ASPECTS: &[&str] =
    &["hypothesis", "claim", "statement", "aspect", "term", "word", "phrase", "entity", "persona"];

/// What the names of columns end with that tell where and when a row was made, and how it was counted.
const METADATA: &[&str] = &[
    "date",
    "time",
    "timestamp",
    "created",
    "updated",
    "created at",
    "updated at",
    "source",
    "split",
    "url",
    "link",
    "license",
    "author",
    "user",
    "username",
    "user name",
    "customer name",
    "profile name",
    "reviewer name",
    "agent name",
    "version",
    "model",
    "dataset",
    "location",
    "timezone",
    "confidence",
    "count",
    "length",
    "tokens",
    "page",
    "file",
    "filename",
    "path",
    "config",
    "meta",
    "metadata",
    "hash",
    "annotator",
    "worker",
    "assignee",
    "reviewer",
    "year",
    "difficulty",
    "level",
    "domain",
    "subset",
    "genre",
    "parse",
    "datum",
    "quelle",
    "erstellt",
    "fecha",
    "suggestion",
];

/// The most certainty that a name gives, also without a number at its end: `distractor3`.
fn most(name: &str, names: Names) -> i32 {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    let [whole, bare] = [name, bare].map(|it| certainty_of_name(it, names));
    if bare.abs() > whole.abs() { bare } else { whole }
}

/// Whether something is so called, or its last words are.
fn ends_with(name: &str, names: &[&str]) -> bool {
    names.iter().any(|it| {
        name.strip_suffix(it).is_some_and(|before| before.is_empty() || before.ends_with(' '))
    })
}

/// Whether a name, in words, is that of what a question is about, whatever its values are.
pub(super) fn is_context(name: &str) -> bool {
    CONTEXTS.contains(&name)
}

/// Whether a name, in words, is one that data files have.
pub(super) fn is_usual(name: &str) -> bool {
    let lists = [ANSWERS, INPUTS, IDS, FEEDBACKS, GROUPS];
    lists.iter().any(|names| most(name, names) != 0)
        || is_context(name)
        || is_metadata(name)
        || ends_with(name, ASPECTS)
}

/// Whether a name, in words, is that of the split of a row.
pub(super) fn is_split(name: &str) -> bool {
    ends_with(name, &["split", "set", "fold", "partition", "subset"])
}

/// Whether a name is hardly one: a number, a sentence, or many words.
pub(super) fn is_no_name(name: &str) -> bool {
    let name = name.trim();
    name.ends_with(['.', '?', '!'])
        || name.split_whitespace().count() > 4
        || !name.is_empty() && !name.contains(char::is_alphabetic)
}

/// Whether a name, in words, tells where a row is from.
pub(super) fn is_metadata(name: &str) -> bool {
    ends_with(name, METADATA)
}

/// Whether a name, in words, is that of a part of the question.
pub(super) fn is_input(name: &str) -> bool {
    most(name, INPUTS) > 0 || ends_with(name, ASPECTS)
}

/// Whether something so called, in words, is an answer that may be compared with another one.
pub(super) fn is_comparable(name: &str) -> bool {
    (40..80).contains(&most(name, ANSWERS)) && most(name, INPUTS) <= 0
}

/// Whether a name, in words, is that of an id, of an answer of whatever quality, or of what explains one.
pub(super) fn is_about_answer(name: &str) -> bool {
    let input = most(name, INPUTS);
    if INPUTS.iter().any(|(it, certainty)| *it == name && *certainty > 0) {
        return false;
    }
    let last = name.rsplit(' ').next().unwrap_or_default();
    let is_answer = |name: &str| ANSWERS.iter().any(|(it, _)| *it == name);
    input < 0
        || is_answer(name)
        || is_answer(last)
        || most(name, ANSWERS).abs() >= 40
        || most(name, FEEDBACKS) >= 30
        || most(name, GROUPS) >= 80
        || ["id", "key", "uuid"].contains(&last)
}

/// Names of what tells which of two answers is the better one.
const JUDGEMENTS: &[&str] = &["winner", "preference", "preferred", "better", "best", "verdict"];

/// Whether a name, in words, tells which of two answers is the better one.
pub(super) fn is_judgement(name: &str) -> bool {
    has_word(name, JUDGEMENTS)
}

/// Words of a name that say that a model wrote what is in the column, or a program.
const MODELS: &[&str] = &[
    "model",
    "llm",
    "gpt",
    "chatgpt",
    "claude",
    "gemini",
    "llama",
    "mistral",
    "ai",
    "predicted",
    "prediction",
    "generated",
    "auto",
    "automatic",
    "automated",
];

/// Words of a name that say that people wrote what is in the column, or checked it.
const PEOPLE: &[&str] = &["manual", "human", "verified", "corrected", "reviewed", "annotated"];

/// Names that are those of a model's answers beside right ones.
const MAY_BE_A_MODELS: &[&str] =
    &["answer", "answers", "output", "outputs", "response", "responses", "completion"];

/// Whether a name, in words, says that a column has right answers, whatever else the file has.
pub(super) fn is_reference(name: &str) -> bool {
    let starts = ["gold", "golden", "golds", "expected", "reference", "references", "ground"];
    let first = name.split(' ').next().unwrap_or_default();
    let is_answer = starts.contains(&first) && most(name, ANSWERS) >= 60;
    is_answer && !is_beside_answer(name) && !has_word(name, SOURCES) || name == "groundtruth"
}

/// Words of what an answer was found in.
const SOURCES: &[&str] = &[
    "context",
    "contexts",
    "passage",
    "passages",
    "doc",
    "docs",
    "document",
    "documents",
    "evidence",
];

/// Whether a name, in words, is that of an explanation: it tells the answer, and is not for the model to see.
pub(super) fn is_explanation(name: &str) -> bool {
    let certainty = most(name, FEEDBACKS);
    let is_input = INPUTS.iter().any(|(it, certainty)| *it == name && *certainty > 0);
    certainty >= 55 && !is_input && certainty >= most(name, INPUTS)
}

/// Whether a name, in words, is that of what stands beside the answer proper: how it was found, or all that
/// can be said of it, such as `gold reasoning` and `long answer`.
pub(super) fn is_beside_answer(name: &str) -> bool {
    is_explanation(name) || has_word(name, &["long", "reasoning", "rationale", "explanation"])
}

/// Whether a name, in words, may be that of a model's answers, where the file has right ones.
pub(super) fn may_be_a_models(name: &str) -> bool {
    MAY_BE_A_MODELS.contains(&name)
}

/// Whether a name, in words, is that of an answer and says that it is a model's: `model output v2`.
pub(super) fn is_of_model(name: &str) -> bool {
    has_word(name, MODELS) && !has_word(name, PEOPLE) && most(name, ANSWERS) >= 30
}

/// Whether a name, in words, says that people wrote or checked what is in the column.
pub(super) fn is_of_people(name: &str) -> bool {
    has_word(name, PEOPLE)
}

/// Whether one of these words is in a name, also with a number at its end.
fn has_word(name: &str, words: &[&str]) -> bool {
    let bare = |word: &str| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    name.split(' ').any(|word| words.contains(&bare(word).as_str()))
}

/// Names of what a question is, rather than of its answer, where the file has an answer of its own.
const KINDS: &[&str] = &["type", "category", "level", "topic", "subject"];

/// Whether two names differ in a number or a letter at their end: `question1` and `question2`, `text a`
/// and `text b`.
pub(super) fn is_sibling(one: &str, other: &str) -> bool {
    let stem = |name: &str| {
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let bare = match name.rsplit_once(' ') {
            Some((before, last)) if last.chars().count() == 1 => before,
            _ => bare,
        };
        (bare.len() < name.len()).then(|| bare.trim_end().to_owned())
    };
    stem(one).is_some_and(|it| !it.is_empty() && stem(other) == Some(it))
}

/// Names, in words, of a question and its answer, neither of which is one without the other.
const QUESTIONS_WITH_ANSWERS: &[(&str, &str)] = &[
    ("q", "a"),
    ("question", "query"),
    ("question", "sql"),
    ("src", "tgt"),
    ("front", "back"),
    ("שאלה", "תשובה"),
    ("问题", "答案"),
    ("质问", "回答"),
    ("質問", "回答"),
];

/// Languages, by their names and by the codes that files of translations use.
const LANGUAGES: &[&str] = &[
    "arabic",
    "chinese",
    "czech",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hebrew",
    "hindi",
    "hungarian",
    "italian",
    "japanese",
    "korean",
    "norwegian",
    "polish",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "turkish",
    "ukrainian",
    "vietnamese",
    "deutsch",
    "englisch",
    "französisch",
    "spanisch",
    "français",
    "anglais",
    "español",
    "inglés",
    "ar",
    "cs",
    "de",
    "en",
    "es",
    "fi",
    "fr",
    "hi",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ro",
    "ru",
    "sv",
    "tr",
    "uk",
    "zh",
];

/// Whether a name, in words, is that of a language.
pub(super) fn is_language(name: &str) -> bool {
    LANGUAGES.contains(&name)
}

/// Whether a column is the answer of a pair, by the names in words of the columns before and after it.
pub(super) fn answers_a_pair(name: &str, before: &[String], after: &[String]) -> bool {
    let mut others = before.iter().chain(after);
    let is_question = |other: &String| {
        QUESTIONS_WITH_ANSWERS.iter().any(|(question, answer)| other == question && name == *answer)
    };
    let languages = |names: &[String]| names.iter().filter(|it| is_language(it)).count();
    others.any(is_question) || is_language(name) && (languages(before), languages(after)) == (1, 0)
}

/// Whether a name, in words, is that of an id.
pub(super) fn is_id(name: &str) -> bool {
    most(name, IDS) >= 60 || ends_with(name, &["id", "uuid"])
}

/// Whether a name, in words, says that a column has no right answers.
pub(super) fn is_no_answer(name: &str) -> bool {
    most(name, ANSWERS) < 0 || is_of_model(name) || is_explanation(name)
}

/// Names of tasks that are solved in words, and of their solutions.
const TASKS: &[&str] = &["problem", "instruction", "prompt"];
const SOLUTIONS: &[&str] = &["solution", "response", "completion", "output", "answer"];

/// Whether a column, by its name in words, only sorts the tasks of a file with these names: MATH's `type`
/// stands beside a `problem` and its `solution`, Dolly's `category` beside an `instruction` and its `response`.
pub(super) fn only_sorts(name: &str, names: &[String]) -> bool {
    let has = |known: &[&str]| names.iter().any(|it| known.contains(&it.as_str()));
    KINDS.contains(&name) && has(TASKS) && has(SOLUTIONS)
}

/// Whether a list in this column holds several right answers, rather than several labels that are
/// right together.
pub(super) fn holds_alternatives(column: &ColumnFacts) -> bool {
    let path = &column.path;
    let names = [words_of(path.last_name()), words_of(path.first())];
    names.iter().any(|name| name.split(' ').any(|word| ALTERNATIVES.contains(&word)))
}

/// The certainty that a column's name gives.
pub(super) fn certainty(column: &ColumnFacts, names: Names) -> i32 {
    let last = words_of(column.path.last_name());
    // `text` in `output.text` says little; the object's name says more.
    let is_plain = ["text", "value", "content", "name"].contains(&last.as_str());
    if is_plain
        && !column.path.is_column()
        && whole(&last, names).is_none()
        && let Some(certainty) = whole(&words_of(column.path.first()), names)
    {
        return certainty;
    }
    certainty_of_name(&last, names)
}

/// The certainty of a whole name, in words.
fn whole(name: &str, names: Names) -> Option<i32> {
    names.iter().find(|(it, _)| *it == name).map(|(_, it)| *it)
}

/// The certainty of a name, in words: of all of it, or less of a part.
fn certainty_of_name(name: &str, names: Names) -> i32 {
    if let Some(certainty) = whole(name, names) {
        return certainty;
    }
    let words: Vec<&str> = name.split(' ').collect();
    let parts = [3, 2, 1].into_iter().flat_map(|count| words.windows(count));
    let certainties = parts.filter_map(|part| whole(&part.join(" "), names));
    let part = certainties.max_by_key(|it| (it.abs(), -it));
    part.unwrap_or(0) * 7 / 10
}
