//! Texts that an embedding model was asked about, with what it said.

use crate::event::Embedded;
use crate::id::TextHash;
use crate::task::model::ModelName;
use crate::vector::Embedding;
use std::collections::HashMap;
use std::sync::Arc;

/// The vectors of texts. All have the same number of dimensions: what a server gives in another space counts as
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct TextVectors {
    model: Option<ModelName>,
    by_text: HashMap<TextHash, Option<Arc<Embedding>>>,
    /// The dimensions of the first vector.
    dimensions: Option<u32>,
}

impl TextVectors {
    /// Whether no model was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }

    /// Texts that a model was asked about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_text.len()
    }

    /// What the model said of a text: `None` where it was not asked, `Some(None)` where it gave no vector.
    #[must_use]
    pub fn of(&self, text: &str) -> Option<Option<Arc<Embedding>>> {
        let model = self.model.as_ref()?;
        self.by_text.get(&TextHash::for_model(&model.to_string(), text)).cloned()
    }

    /// The dimensions of all vectors, once one is known.
    #[must_use]
    pub fn dimensions(&self) -> Option<u32> {
        self.dimensions
    }

    /// Takes in what a model said of texts; returns how many of them have a vector now.
    pub(super) fn add(&mut self, model: &ModelName, texts: &[Embedded]) -> usize {
        self.model = Some(model.clone());
        let mut kept = 0;
        for Embedded { text, vector } in texts {
            let first = vector.as_ref().map(Embedding::dimensions);
            self.dimensions = self.dimensions.or(first);
            let vector = vector.as_ref().filter(|it| Some(it.dimensions()) == self.dimensions);
            // A text is asked about once: the first answer stays.
            let known = self.by_text.entry(*text);
            let known = known.or_insert_with(|| vector.cloned().map(Arc::new));
            kept += usize::from(known.is_some());
        }
        kept
    }
}
