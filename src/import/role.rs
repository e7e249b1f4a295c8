//! What the columns of a file are for.

use super::path::ValuePath;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnRole {
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

impl ColumnRole {
    /// All, in the order in which they are guessed.
    pub(super) const ALL: [Self; 5] =
        [Self::Answer, Self::Id, Self::Input, Self::Feedback, Self::Group];

    /// Its name, which is also the flag that sets it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Answer => "answer",
            Self::Id => "id",
            Self::Feedback => "feedback",
            Self::Group => "group",
        }
    }
}

/// The columns that have a role.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ColumnRoles {
    pub(super) input: Option<ValuePath>,
    pub(super) answer: Option<ValuePath>,
    pub(super) id: Option<ValuePath>,
    pub(super) feedback: Option<ValuePath>,
    pub(super) group: Option<ValuePath>,
}

impl ColumnRoles {
    /// The column that has a role.
    pub(super) fn of(&self, role: ColumnRole) -> Option<&ValuePath> {
        match role {
            ColumnRole::Answer => self.answer.as_ref(),
            ColumnRole::Input => self.input.as_ref(),
            ColumnRole::Id => self.id.as_ref(),
            ColumnRole::Feedback => self.feedback.as_ref(),
            ColumnRole::Group => self.group.as_ref(),
        }
    }

    /// Gives a column a role.
    pub(super) fn give(&mut self, role: ColumnRole, path: ValuePath) {
        let place = match role {
            ColumnRole::Answer => &mut self.answer,
            ColumnRole::Input => &mut self.input,
            ColumnRole::Id => &mut self.id,
            ColumnRole::Feedback => &mut self.feedback,
            ColumnRole::Group => &mut self.group,
        };
        *place = Some(path);
    }

    /// The role of a column.
    pub(super) fn role_of(&self, path: &ValuePath) -> Option<ColumnRole> {
        ColumnRole::ALL.into_iter().find(|role| self.of(*role) == Some(path))
    }

    /// The columns that have a role.
    pub(super) fn paths(&self) -> impl Iterator<Item = &ValuePath> {
        [&self.input, &self.answer, &self.id, &self.feedback, &self.group].into_iter().flatten()
    }
}
