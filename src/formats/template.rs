//! A part as text and columns, without the spelling of any template language: what all languages can say of it.

use crate::prompt::{Fragment, Piece, fragments, has_mark, literal, pieces, placeholder};

/// A segment of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Text that is sent as it stands.
    Text(String),
    /// The row's value in a column.
    Column(String),
}

/// How a tool writes a part.
pub(super) trait Syntax {
    /// The part in the tool's language.
    ///
    /// # Errors
    /// What the language cannot say: a lower-case sentence without a full stop.
    fn of_part(&self, text: &str, is_searched: bool) -> Result<String, String>;

    /// A text in the tool's language as a part.
    ///
    /// # Errors
    /// What a searched part cannot say: a lower-case sentence without a full stop.
    fn to_part(&self, text: &str) -> Result<String, String>;
}

/// The language of this program.
pub(super) struct Own;

impl Syntax for Own {
    fn of_part(&self, text: &str, _: bool) -> Result<String, String> {
        Ok(text.to_owned())
    }

    fn to_part(&self, text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }
}

/// The segments of a part, of which no two texts stand beside each other.
///
/// # Errors
/// A frozen part that does more than show columns.
pub(super) fn segments(text: &str, is_searched: bool) -> Result<Vec<Segment>, String> {
    let mut found = Segments::default();
    if is_searched {
        for piece in pieces(text) {
            match piece {
                Piece::Literal(text) | Piece::Raw { text, .. } => found.text(text),
                Piece::Column { name, .. } => found.column(name),
            }
        }
        return Ok(found.0);
    }
    for fragment in fragments(text) {
        match fragment {
            Fragment::Text(text) => found.text(text),
            Fragment::Raw { text, open, close, .. } if !has_mark(open) && !has_mark(close) => {
                found.text(text);
            }
            Fragment::Comment(source) if !has_mark(source) => {}
            Fragment::Column { name, .. } => found.column(name),
            other => {
                return Err(format!("`{}` does more than show a column", other.source()));
            }
        }
    }
    Ok(found.0)
}

/// Segments as they are found.
#[derive(Debug, Default)]
pub(super) struct Segments(pub(super) Vec<Segment>);

impl Segments {
    /// Adds text.
    pub(super) fn text(&mut self, more: &str) {
        match self.0.last_mut() {
            _ if more.is_empty() => {}
            Some(Segment::Text(text)) => text.push_str(more),
            _ => self.0.push(Segment::Text(more.to_owned())),
        }
    }

    /// Adds a column.
    pub(super) fn column(&mut self, name: &str) {
        self.0.push(Segment::Column(name.to_owned()));
    }
}

/// Segments as a part of this program's prompts.
///
/// # Errors
/// A column that no placeholder can name.
pub(super) fn template(segments: &[Segment]) -> Result<String, String> {
    let mut written = String::new();
    for segment in segments {
        match segment {
            Segment::Text(text) => written.push_str(&literal(text)),
            Segment::Column(name) => {
                let shown = placeholder(name);
                let is_read = |piece: &Piece<'_>| piece.column() == Some(name);
                if !matches!(&pieces(&shown)[..], [piece] if is_read(piece)) {
                    return Err(format!("no placeholder can name the variable `{name}`"));
                }
                written.push_str(&shown);
            }
        }
    }
    Ok(written)
}

/// The columns that segments show, each once.
pub(super) fn columns(segments: &[Segment]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for segment in segments {
        if let Segment::Column(name) = segment
            && !columns.contains(&name.as_str())
        {
            columns.push(name);
        }
    }
    columns
}
