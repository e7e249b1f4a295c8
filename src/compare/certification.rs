//! A judge beside people: answers that people graded become the rows of a task about the judge, and its grades a
//! certificate.
//!
//! The task is an ordinary one: its prompt is what the judge is told, a row is a question to it, and the right answer what
//! a person said. So it is evaluated, resumed and paid for like all others, and a search can improve the judge's prompt.

use crate::clock::Clock;
use crate::id::{ExampleId, JudgeIx};
use crate::prompt::{Message, literal, value_text};
use crate::run::{
    Bias, Certificate, CertificateFigures, JudgeCounts, JudgeModel, JudgeSettings, Labels,
    LevelCounts, PassCounts, PlaceBias, Required,
};
use crate::seed::Seed;
use crate::source::SourceError;
use crate::stats::interval::wilson;
use crate::stats::stratified::{Stratum, stratified_difference};
use crate::stats::weighted::{self, Weighted};
use crate::task::dataset::{self, Row};
use crate::task::example::{Example, RowOrigin};
use crate::task::model::ModelRole;
use crate::task::scorer::{
    BETTER, Judging, PREFERRED, Pairwise, PanelRule, Rubric, Scorer, Shown, Verdict, place_name,
};
use crate::task::{Task, TaskSource};
use crate::text;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

/// The first line of a task that is made here.
pub const HEADER: &str = "# Made by `promptsearch judge certify`, which writes it anew each time.";
/// The file of its rows.
pub const ROWS_FILE: &str = "judge-rows.jsonl";
/// The column that holds what wrote an answer.
const WRITER: &str = "model";
/// The column that holds the answer that a judge is shown beside the one that it grades.
const EXPECTED: &str = "expected";
/// The column that holds the answer that another one is compared with.
const OTHER: &str = "other";

/// The columns of a file of labels.
#[derive(Clone, Copy, Debug)]
pub struct LabelColumns<'a> {
    /// The answer that was graded.
    pub answer: &'a str,
    /// The grade that a person gave.
    pub grade: &'a str,
}

/// Answers that people graded, as the judge of a task is asked about them.
#[derive(Debug)]
pub struct LabelledAnswers {
    judging: Judging,
    /// How several judges decide.
    rule: PanelRule,
    /// What people say of an answer; of a comparison, which of the two is better.
    rubric: Rubric,
    rows: Vec<LabelledAnswer>,
    file: String,
    blake3: String,
}

/// The verdicts of each judge, by the number of the row of the task about it, from 0.
pub type JudgeVerdicts = [HashMap<usize, Verdict>];

/// What a judge says of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grade {
    /// The score, from 0 to 1.
    pub score: f64,
    /// How far it is from the score that people gave.
    pub distance: f64,
}

/// An answer that a person graded.
#[derive(Debug)]
struct LabelledAnswer {
    /// The questions to the judge.
    questions: Vec<Vec<Message>>,
    /// What a person said of each criterion, from 0 to 1.
    people: Vec<f64>,
    /// The length of the answer in letters.
    letters: usize,
    /// That of the answer that it is compared with.
    letters_of_other: Option<usize>,
    /// Whether the judge's own family wrote it, where that is known.
    is_own_family: Option<bool>,
}

impl LabelledAnswers {
    /// Reads a file of labels for the judge of a task.
    ///
    /// A row names a row of the task by its id, or has the columns that the prompt shows.
    ///
    /// # Errors
    /// The task has no judge, or several rubrics; or a mistake in the file, with its line.
    pub fn read(task: &Task, file: &Path, columns: LabelColumns<'_>) -> Result<Self, SourceError> {
        let mut judged = task.scorers.judged().filter(|(_, judging)| !judging.asks_vectors());
        let (scorer, judging) = match (judged.next(), judged.next()) {
            (Some(one), None) => one,
            (None, _) => {
                return Err(task.mistake(&["score"], "no scorer of this task asks a judge").help(
                    "add a `[[score]]` table of the kind `rubric` or `pairwise`, and `judge` under [models]",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(task
                    .mistake(
                        &["score"],
                        "a certificate is of one `rubric` or `pairwise`, and this task has several",
                    )
                    .help("write what they grade as `criteria` of one"));
            }
        };
        let known: HashMap<String, &Example> =
            task.open_all_rows().map(|row| (row.id.to_string(), row)).collect();
        let judges = task.judges().map(|(_, judge)| family(judge.name.model())).collect();
        let rubric = match judging {
            Judging::Rubric(rubric) => rubric.clone(),
            Judging::Pairwise(pairwise) => pairwise.into(),
            Judging::Meaning(_) => {
                return Err(task.mistake(&["score"], "no scorer of this task asks a judge"));
            }
        };
        let reader =
            Reader { task, scorer, judging, rubric: &rubric, file, columns, known, judges };
        let read = dataset::read_rows(file)?;
        let rows = read.iter().map(|row| reader.answer(row)).collect::<Result<_, _>>()?;
        Ok(Self {
            judging: judging.clone(),
            rule: scorer.panel_rule(),
            rubric,
            rows,
            file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            blake3: dataset::blake3_of(file)?,
        })
    }

    /// How many answers were graded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows of the task about the judge, as JSON Lines.
    #[must_use]
    pub fn rows(&self) -> String {
        let mut out = String::new();
        for (number, (row, order)) in (1_usize..).zip(self.questions()) {
            let question = row.questions[order].last();
            let question = question.map_or("", |message| message.content.as_str());
            if let Judging::Pairwise(_) = self.judging {
                let better = row.people.first().copied().unwrap_or_default();
                let place = place_name(if order == 0 { better } else { 1.0 - better });
                // Both orders of a pair stay in one split.
                let pair = number.div_ceil(row.questions.len());
                let row = json!({"id": number.to_string(), "question": question, "grade": place, "pair": pair});
                let _ = writeln!(out, "{row}");
                continue;
            }
            let named = self.rubric.criteria.iter().zip(&row.people).map(|(criterion, value)| {
                let level = criterion
                    .levels
                    .iter()
                    .find(|it| criterion.value_of(it.number) == Some(*value));
                (criterion.name.clone(), json!(level.map(|level| level.number)))
            });
            let grade: Value = named.collect::<serde_json::Map<_, _>>().into();
            let _ = writeln!(
                out,
                "{}",
                json!({"id": number.to_string(), "question": question, "grade": grade})
            );
        }
        out
    }

    /// The file of the task about a judge.
    ///
    /// # Errors
    /// The judge's task was not read from a file.
    pub fn task_file(&self, task: &Task, judge: JudgeIx) -> Result<String, SourceError> {
        let TaskSource::Files(files) = &task.source else {
            return Err(task.mistake(&[], "a task that was made in memory has no file"));
        };
        let broken = |error: String| SourceError::new(&files.file, error);
        let mut own: toml::Table =
            toml::from_str(&files.text).map_err(|error| broken(error.to_string()))?;
        let mut models = toml::Table::new();
        if let (Some(toml::Value::Table(named)), Some(judge_model)) =
            (own.get("models"), task.model(ModelRole::Judge(judge)))
        {
            let written = match named.get("judge") {
                Some(toml::Value::Array(several)) => several.get(usize::from(judge.0)),
                one => one,
            };
            let mut spec = match written {
                Some(toml::Value::Table(spec)) => spec.clone(),
                _ => toml::Table::new(),
            };
            let judge = judge_model;
            spec.insert("model".to_owned(), judge.name.to_string().into());
            spec.insert("temperature".to_owned(), judge.temperature.into());
            spec.insert("max_output_tokens".to_owned(), i64::from(judge.max_output_tokens).into());
            models.insert("task".to_owned(), spec.into());
            if let Some(mutator) = named.get("mutator") {
                models.insert("mutator".to_owned(), mutator.clone());
            }
        }
        let system = self.judging.instructions();
        let criteria: Vec<Value> = self.rubric.criteria.iter().map(|criterion| {
            let levels = criterion.levels.iter().map(|it| json!({"score": it.number, "text": it.text}));
            let levels: Vec<Value> = levels.collect();
            json!({"name": criterion.name, "question": criterion.question, "weight": criterion.weight, "levels": levels})
        }).collect();
        let columns = match self.judging {
            Judging::Pairwise(_) => json!({"id": "id", "answer": "grade", "group": "pair"}),
            Judging::Rubric(_) | Judging::Meaning(_) => json!({"id": "id", "answer": "grade"}),
        };
        let table = json!({
            "name": format!("{}-judge", task.name),
            "about": format!("Grade answers as people do: the judge of {}.", task.name),
            "data": {"file": ROWS_FILE, "columns": columns},
            "prompt": {
                "system": literal(&system),
                "user": "{{ question }}",
                "search": ["system"],
                "max_tokens": 4 * system.len().max(1_000),
            },
            "score": [match self.judging {
                Judging::Pairwise(_) => json!({"kind": "preference"}),
                Judging::Rubric(_) | Judging::Meaning(_) => {
                    json!({"kind": "grade", "criteria": criteria})
                }
            }],
        });
        let mut table: toml::Table =
            toml::Table::try_from(table).map_err(|error| broken(error.to_string()))?;
        table.insert("models".to_owned(), models.into());
        for key in ["budget", "providers"] {
            if let Some(value) = own.remove(key) {
                table.insert(key.to_owned(), value);
            }
        }
        let text = toml::to_string(&table).map_err(|error| broken(error.to_string()))?;
        Ok(format!("{HEADER}\n{text}"))
    }

    /// Checks that the task about the judge asks what the judge is asked: what is certified has to be what grades.
    ///
    /// # Errors
    /// A row cannot be rendered, or asks something else.
    pub fn check(&self, about: &Task) -> Result<(), SourceError> {
        let rows: Vec<&Example> = about.open_all_rows().collect();
        for row in rows {
            let asked = about.layout.render(&about.baseline, row);
            let asked = asked.map_err(|error| about.row_mistake(row, &error.to_string()))?;
            let asked_for = number_of(row).and_then(|number| self.questions().nth(number));
            if asked_for.is_none_or(|(labelled, order)| labelled.questions[order] != asked) {
                return Err(about.row_mistake(row, "it does not ask what the judge is asked"));
            }
        }
        Ok(())
    }

    /// The certificate that these verdicts of the judge give, by the number of the row from 0.
    #[must_use]
    pub fn certificate(
        &self,
        settings: JudgeSettings,
        verdicts: &JudgeVerdicts,
        required: Required,
        clock: &Clock,
    ) -> Certificate {
        let graded = self.graded(verdicts);
        let of_judge = |(model, own): (&JudgeModel, &HashMap<usize, Verdict>)| {
            let graded = self.graded(std::slice::from_ref(own));
            let criteria = (0..self.rubric.criteria.len()).map(|place| self.counts(place, &graded));
            JudgeCounts {
                model: model.model.clone(),
                criteria: criteria.collect(),
                place_bias: self.place_bias(own),
            }
        };
        let judges = match verdicts.len() {
            0..=1 => Vec::new(),
            _ => settings.models.iter().zip(verdicts).map(of_judge).collect(),
        };
        let criteria = (0..self.rubric.criteria.len()).map(|place| self.counts(place, &graded));
        let mut passes = PassCounts::default();
        for (row, judge) in &graded {
            let is_pass = |values: &[f64]| values.iter().all(|value| *value == 1.0);
            *match (is_pass(judge), is_pass(&row.people)) {
                (true, true) => &mut passes.both,
                (true, false) => &mut passes.judge_only,
                (false, true) => &mut passes.people_only,
                (false, false) => &mut passes.neither,
            } += 1;
        }
        let mut letters: Vec<usize> = graded.iter().map(|(row, _)| row.letters).collect();
        letters.sort_unstable();
        let middle = letters.get(letters.len() / 2).copied().unwrap_or(0);
        // Where half of them are the longest, those are above all others.
        let below = letters.iter().rev().find(|it| **it < middle).copied();
        let cut = if letters.last() > Some(&middle) { middle } else { below.unwrap_or(middle) };
        let length_bias = match self.judging {
            Judging::Rubric(_) | Judging::Meaning(_) => {
                self.bias(format!("answers above {cut} letters"), &graded, |row| {
                    Some(row.letters > cut)
                })
            }
            Judging::Pairwise(_) => {
                self.bias("answers longer than the other one".to_owned(), &graded, |row| {
                    let other = row.letters_of_other?;
                    (row.letters != other).then_some(row.letters > other)
                })
            }
        };
        let family = "answers by the judge's own family".to_owned();
        let family_bias = self.bias(family, &graded, |row| row.is_own_family);
        Certificate {
            schema: Certificate::SCHEMA,
            judge: settings.blake3(),
            settings,
            on: clock.now().to_zoned(TimeZone::UTC).date(),
            labels: Labels {
                file: self.file.clone(),
                blake3: self.blake3.clone(),
                rows: self.rows.len(),
                ungraded: self.rows.len() - graded.len(),
            },
            required,
            criteria: criteria.collect(),
            passes,
            length_bias,
            family_bias,
            // Judges of the same pairs are not independent: what they prefer is told of each by itself.
            place_bias: match verdicts {
                [own] => self.place_bias(own),
                _ => None,
            },
            judges,
        }
    }

    /// The questions to the judge, in the order of the task about it: each with the answer and its number among the questions
    /// about it.
    fn questions(&self) -> impl Iterator<Item = (&LabelledAnswer, usize)> {
        self.rows.iter().flat_map(|row| (0..row.questions.len()).map(move |order| (row, order)))
    }

    /// How far the judge prefers the first place in each order of a comparison, from 0 to 1; `None` where it is none, or a reply
    /// is missing.
    fn preferred(&self, number: usize, verdicts: &HashMap<usize, Verdict>) -> Option<[f64; 2]> {
        let of = |question: usize| {
            let verdict = verdicts.get(&question).filter(|verdict| verdict.invalid.is_none())?;
            verdict.metrics.get(PREFERRED).copied()
        };
        match self.judging {
            Judging::Rubric(_) | Judging::Meaning(_) => None,
            Judging::Pairwise(_) => Some([of(2 * number)?, of(2 * number + 1)?]),
        }
    }

    /// Whether a judge prefers a place; `None` where it compares nothing.
    fn place_bias(&self, verdicts: &HashMap<usize, Verdict>) -> Option<PlaceBias> {
        let both: Vec<[f64; 2]> =
            (0..self.rows.len()).filter_map(|number| self.preferred(number, verdicts)).collect();
        let agree = both.iter().filter(|[one, other]| *one == 1.0 - *other).count();
        let first: Vec<Weighted> = both
            .iter()
            .map(|[one, other]| Weighted { value: f64::midpoint(*one, *other), weight: 1.0 })
            .collect();
        Some(PlaceBias {
            orders_agree: wilson(agree, both.len())?,
            prefers_first: weighted::of_scores(&first, Seed(1).child("place", 0))?,
        })
    }

    /// The answers that all of these judges graded, with what they say of each criterion.
    fn graded(&self, verdicts: &JudgeVerdicts) -> Vec<(&LabelledAnswer, Vec<f64>)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(number, row)| Some((row, self.values(number, verdicts)?))).collect()
    }

    /// What judges said of each criterion of an answer, by their rule, from 0 to 1; `None` where one of them gave no grade.
    fn values(&self, number: usize, verdicts: &JudgeVerdicts) -> Option<Vec<f64>> {
        let judges: Vec<Vec<f64>> =
            verdicts.iter().map(|own| self.values_of(number, own)).collect::<Option<_>>()?;
        let criteria = 0..self.rubric.criteria.len();
        let value = |place| self.rule.of(judges.iter().map(|judge| judge[place]).collect());
        Some(criteria.map(value).collect())
    }

    /// What one of them said.
    fn values_of(&self, number: usize, verdicts: &HashMap<usize, Verdict>) -> Option<Vec<f64>> {
        if let Judging::Pairwise(_) = self.judging {
            let [first, second] = self.preferred(number, verdicts)?;
            return Some(vec![Pairwise::of_both([first, 1.0 - second])]);
        }
        let verdict = verdicts.get(&number).filter(|verdict| verdict.invalid.is_none())?;
        self.rubric.names().map(|name| verdict.metrics.get(name).copied()).collect()
    }

    /// The judge's grade of an answer, by its number from 0; `None` where it gave none.
    #[must_use]
    pub fn grade(&self, number: usize, verdicts: &JudgeVerdicts) -> Option<Grade> {
        let values = self.values(number, verdicts)?;
        let (score, people) = (self.mean(&values), self.mean(&self.rows.get(number)?.people));
        Some(Grade { score, distance: (score - people).abs() })
    }

    /// How often both chose each pair of levels of a criterion.
    fn counts(&self, place: usize, graded: &[(&LabelledAnswer, Vec<f64>)]) -> LevelCounts {
        let criterion = &self.rubric.criteria[place];
        let mut levels: Vec<(f64, &str)> = (criterion.levels.iter())
            .filter_map(|it| Some((criterion.value_of(it.number)?, it.text.as_str())))
            .collect();
        levels.sort_by(|one, other| one.0.total_cmp(&other.0));
        // What several say together may lie between two levels: then it is the nearest, and of two the lower.
        let at = |value: f64| {
            let distance = |place: &usize| (levels[*place].0 - value).abs();
            (0..levels.len()).min_by(|one, other| distance(one).total_cmp(&distance(other)))
        };
        let mut counts = vec![vec![0; levels.len()]; levels.len()];
        for (row, judge) in graded {
            if let (Some(judge), Some(people)) = (at(judge[place]), at(row.people[place])) {
                counts[judge][people] += 1;
            }
        }
        LevelCounts {
            criterion: criterion.name.clone(),
            levels: levels.into_iter().map(|(_, text)| text.to_owned()).collect(),
            judge_then_people: counts,
        }
    }

    /// Whether the judge grades some answers higher than others that people grade alike; `None` where no two are.
    fn bias(
        &self,
        of: String,
        graded: &[(&LabelledAnswer, Vec<f64>)],
        is_one: impl Fn(&LabelledAnswer) -> Option<bool>,
    ) -> Option<Bias> {
        let mut strata: BTreeMap<u64, Stratum> = BTreeMap::new();
        for (row, judge) in graded {
            let Some(is_one) = is_one(row) else { continue };
            let people = self.mean(&row.people);
            let stratum = strata.entry(people.to_bits()).or_default();
            stratum[usize::from(!is_one)].push(self.mean(judge) - people);
        }
        let strata: Vec<Stratum> = strata.into_values().collect();
        let it = stratified_difference(&strata)?;
        let answers = strata.iter().map(|[these, _]| these.len()).sum();
        Some(Bias { of, answers, mean: it.mean, low: it.low, high: it.high })
    }

    /// The score that values of the criteria give.
    fn mean(&self, values: &[f64]) -> f64 {
        let weights = || self.rubric.criteria.iter().map(|criterion| criterion.weight);
        let sum: f64 = weights().zip(values).map(|(weight, value)| weight * value).sum();
        sum / weights().sum::<f64>()
    }
}

/// Reads rows of a file of labels.
struct Reader<'a> {
    task: &'a Task,
    scorer: &'a Scorer,
    judging: &'a Judging,
    rubric: &'a Rubric,
    file: &'a Path,
    columns: LabelColumns<'a>,
    /// The rows of the task by id.
    known: HashMap<String, &'a Example>,
    /// The judges' families.
    judges: Vec<String>,
}

impl Reader<'_> {
    fn answer(&self, row: &Row) -> Result<LabelledAnswer, SourceError> {
        let wrong = |message: String| SourceError {
            line: Some(row.line),
            ..SourceError::new(self.file, message)
        };
        let column = |name: &str| row.values.get(name).filter(|value| !value.is_null());
        let needed = |name: &str, flag: &str| {
            column(name).ok_or_else(|| {
                wrong(format!("there is no value in the column `{name}`"))
                    .help(format!("name the column with `{flag} NAME`"))
            })
        };
        let answer = value_text(needed(self.columns.answer, "--answer-column")?);
        let label = needed(self.columns.grade, "--grade-column")?;
        let people = self.rubric.labelled(label).map_err(wrong)?;
        let id = column(self.task.id_column()).map(value_text);
        let known = id.and_then(|id| self.known.get(&*id).copied());
        let mut example = Example {
            id: ExampleId::new(row.line.to_string()),
            columns: known.map(|known| known.columns.clone()).unwrap_or_default(),
            numbers: Vec::new(),
            answer: known.map_or(Value::Null, |known| known.answer.clone()),
            feedback: None,
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: RowOrigin::Collected,
            file: 0,
            line: row.line,
        };
        let own = [self.columns.answer, self.columns.grade, WRITER, EXPECTED, OTHER];
        for (name, value) in row.values.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
            example.columns.insert(name.clone(), value.clone());
        }
        if let Some(missing) = self
            .task
            .layout
            .shown_columns()
            .iter()
            .find(|name| !example.columns.contains_key(*name))
        {
            return Err(wrong(format!("there is no column `{missing}`, which the judge is shown"))
                .help("add it, or the id of a row of the task"));
        }
        if let Some(expected) = column(EXPECTED) {
            example.answer = expected.clone();
        }
        if let Judging::Pairwise(pairwise) = self.judging {
            if let Some(other) = column(OTHER) {
                match &pairwise.against {
                    Some(column) => drop(example.columns.insert(column.clone(), other.clone())),
                    None => example.answer = other.clone(),
                }
            }
            if self.scorer.references(&example).is_empty() {
                let message = "there is no answer that this one is compared with".to_owned();
                return Err(wrong(message)
                    .help(format!("add a column `{OTHER}`, or the id of a row of the task")));
            }
        } else if self.rubric.shows_reference && example.answer.is_null() {
            return Err(wrong(
                "the rubric shows the expected answer, and there is none".to_owned(),
            )
            .help(format!("add a column `{EXPECTED}`, or the id of a row of the task")));
        }
        let part = self.scorer.scored_part(&answer);
        let Some(part) = part.filter(|_| self.scorer.score(&answer, &example).is_none()) else {
            return Err(wrong("the answer has nothing that a judge is asked about".to_owned())
                .help("remove the row: such an answer has its verdict without a judge"));
        };
        let input = self.task.shown_input(&example);
        let references = self.scorer.references(&example);
        let shown = Shown { input: &input, references: &references, answer: &part };
        let questions = (0..self.judging.questions()).map(|it| self.judging.question(it, shown));
        let writer = column(WRITER).map(|writer| family(&value_text(writer)));
        Ok(LabelledAnswer {
            questions: questions.collect(),
            people,
            letters: part.chars().count(),
            letters_of_other: references.first().map(|other| other.chars().count()),
            is_own_family: writer.map(|writer| self.judges.contains(&writer)),
        })
    }
}

/// The number of an answer, from 0, whose question a row of the task about the judge is.
fn number_of(row: &Example) -> Option<usize> {
    row.id.as_str().parse::<usize>().ok()?.checked_sub(1)
}

/// The family of a model: the first word of its name, without provider, in lower case (`openai/gpt-4.1`: `gpt`).
fn family(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model);
    let word: String = name.chars().take_while(|c| c.is_alphabetic()).collect();
    word.to_lowercase()
}

/// A certificate for people, in lines of at most 80 letters as far as names are short.
#[must_use]
pub fn page(certificate: &Certificate, figures: &CertificateFigures) -> String {
    let Labels { rows, ungraded, file, .. } = &certificate.labels;
    let mut out = format!("{} beside people\n", certificate.settings.name());
    let _ = writeln!(out, "  answers       {} of {file}", text::plural(*rows, "graded answer"));
    if *ungraded > 0 {
        let _ = writeln!(out, "                {ungraded} without a grade of the judge, left out");
    }
    for criterion in &figures.criteria {
        let _ = writeln!(out, "\n  {}", criterion.criterion);
        if let Some(agreement) = criterion.agreement {
            let it = agreement.share;
            let _ = writeln!(out, "    agreement   {}", shares(it.mean, it.low, it.high));
        }
        if let Some(it) = criterion.kappa {
            let _ =
                writeln!(out, "    κ           {:.2} ({:.2} to {:.2})", it.mean, it.low, it.high);
        }
    }
    for judge in &certificate.judges {
        for it in judge.criteria.iter().map(LevelCounts::agreement) {
            let kappa = it.kappa.map_or_else(
                || "κ is not known".to_owned(),
                |it| format!("κ {:.2} ({:.2} to {:.2})", it.mean, it.low, it.high),
            );
            let _ = writeln!(out, "\n  {} alone, {}\n    {kappa}", judge.model, it.criterion);
        }
    }
    out.push('\n');
    if let Some(rates) = figures.rates {
        let is_comparison = certificate.criteria.iter().any(|it| it.criterion == BETTER);
        let names = match is_comparison {
            false => ["passes good", "fails bad"],
            true => ["finds better", "finds others"],
        };
        for (name, it) in names.into_iter().zip([rates.sensitivity, rates.specificity]) {
            let of = text::plural(it.n, "answer");
            let _ = writeln!(out, "  {name:<13} {} of {of}", shares(it.mean, it.low, it.high));
        }
    }
    for bias in [&certificate.length_bias, &certificate.family_bias].into_iter().flatten() {
        let Bias { of, answers, mean, low, high } = bias;
        let finding = match (*low > 0.0, *high < 0.0) {
            (true, _) => "graded too high beside others that people grade alike",
            (_, true) => "graded too low beside others that people grade alike",
            _ => "no bias is shown",
        };
        let _ = writeln!(out, "\n  {of} ({answers}): {finding}");
        let _ = writeln!(out, "    {mean:+.3} ({low:+.3} to {high:+.3}) of a score from 0 to 1");
    }
    let alone = certificate.judges.iter().map(|judge| (judge.model.as_str(), judge.place_bias));
    let model = certificate.settings.name();
    let all = std::iter::once((model.as_str(), certificate.place_bias)).chain(alone);
    for (model, bias) in all.filter_map(|(model, bias)| Some((model, bias?))) {
        let PlaceBias { orders_agree, prefers_first: it } = bias;
        let finding = match (it.low > 0.5, it.high < 0.5) {
            (true, _) => "it prefers the first",
            (_, true) => "it prefers the second",
            _ => "no bias is shown",
        };
        let of = text::plural(orders_agree.n, "comparison");
        let _ = writeln!(out, "\n  {model}, the place of an answer ({of}): {finding}");
        let agree = shares(orders_agree.mean, orders_agree.low, orders_agree.high);
        let _ = writeln!(out, "    both orders agree  {agree}");
        let _ = writeln!(out, "    first is preferred {}", shares(it.mean, it.low, it.high));
    }
    out.push('\n');
    match figures.lacks.is_empty() {
        true => out.push_str("certified\n"),
        false => {
            out.push_str("not certified:\n");
            for lack in &figures.lacks {
                let _ = writeln!(out, "  {lack}");
            }
        }
    }
    out
}

fn shares(mean: f64, low: f64, high: f64) -> String {
    format!("{} ({} to {})", text::percent(mean), text::percent(low), text::percent(high))
}
