//! The families of rows: what one tool writes, and how its rows become plain rows.
//!
//! One contract for all: a family is recognised by the first rows of a file, and then reads every row.
//! A row may hold several rows, or be left out for a reason that is told. Shapes of single columns,
//! such as chats and choices, are not families.

use super::content::{Content, all};
use super::packed::Packed;
use super::target_scores::TargetScores;
use super::{
    argilla, doccano, hugging_face, label_studio, langfuse, openai, prodigy, squad, stem, vertex,
};
use crate::prompt::Columns;

/// The rows of one tool.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Family {
    HuggingFace,
    Squad,
    Langfuse,
    OpenAiItem,
    Vertex,
    Argilla(argilla::Names),
    Prodigy(prodigy::Labels),
    Doccano,
    Stem,
    TargetScores(TargetScores),
    LabelStudio(label_studio::Controls),
    Packed(Packed),
}

/// Tells a family from the first rows of a file.
type Recogniser = fn(&[Columns]) -> Option<Family>;

/// All families. What wraps the rows of others comes first.
const RECOGNISERS: [Recogniser; 12] = [
    |rows| all(rows, hugging_face::is_wrapped).then_some(Family::HuggingFace),
    |rows| all(rows, openai::is_item).then_some(Family::OpenAiItem),
    |rows| all(rows, squad::is_article).then_some(Family::Squad),
    |rows| all(rows, langfuse::is_item).then_some(Family::Langfuse),
    |rows| all(rows, vertex::is_chat).then_some(Family::Vertex),
    |rows| argilla::Names::of(rows).map(Family::Argilla),
    |rows| label_studio::Controls::of(rows).map(Family::LabelStudio),
    |rows| prodigy::Labels::of(rows).map(Family::Prodigy),
    |rows| doccano::are_marked(rows).then_some(Family::Doccano),
    |rows| all(rows, stem::is_question).then_some(Family::Stem),
    |rows| TargetScores::of(rows).map(Family::TargetScores),
    |rows| Packed::of(rows).map(Family::Packed),
];

impl Family {
    /// The families of a file from its first rows, each within the one before; and the rows in them.
    pub(super) fn all_of(rows: &[Columns]) -> (Vec<Self>, Vec<Columns>) {
        let (mut families, mut rows) = (Vec::new(), rows.to_vec());
        for recognise in RECOGNISERS {
            if let Some(family) = recognise(&rows) {
                rows = rows.into_iter().flat_map(|row| family.read(row).rows()).collect();
                families.push(family);
            }
        }
        (families, rows)
    }

    /// The columns of a row that people were asked for, where the tool says so.
    pub(super) fn questions(&self) -> Vec<String> {
        match self {
            Self::Argilla(names) => names.questions.iter().cloned().collect(),
            Self::Prodigy(labels) => labels.column().map(str::to_owned).into_iter().collect(),
            Self::LabelStudio(controls) => controls.all.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The columns that people were shown, where the tool says so.
    pub(super) fn fields(&self) -> Vec<String> {
        match self {
            Self::Argilla(names) => names.fields.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The content of a row that went through several families.
    pub(super) fn read_all(families: &[Self], row: Columns) -> Content {
        let mut rows = vec![row];
        for family in families {
            let mut read = Vec::with_capacity(rows.len());
            for row in rows {
                match family.read(row) {
                    Content::Rows(inner) => read.extend(inner),
                    left_out @ Content::LeftOut(_) => return left_out,
                }
            }
            rows = read;
        }
        Content::Rows(rows)
    }

    fn read(&self, row: Columns) -> Content {
        match self {
            Self::HuggingFace => Content::one(hugging_face::unwrapped(row)),
            Self::Squad => Content::Rows(squad::questions(row)),
            Self::Langfuse => langfuse::read(row),
            Self::OpenAiItem => Content::one(openai::unwrapped(row)),
            Self::Vertex => Content::one(vertex::chat(row)),
            Self::Argilla(names) => names.read(row),
            Self::Prodigy(labels) => labels.read(row),
            Self::Doccano => Content::one(doccano::named(row)),
            Self::Stem => Content::one(stem::flat(row)),
            Self::TargetScores(scores) => Content::one(scores.read(row)),
            Self::LabelStudio(controls) => controls.read(row),
            Self::Packed(packed) => Content::one(packed.opened(row)),
        }
    }
}
