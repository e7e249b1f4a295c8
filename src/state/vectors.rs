//! Texts that an embedding model was asked about, with what it said.

use crate::event::Embedded;
use crate::id::TextHash;
use crate::task::model::ModelName;
use crate::vector::Embedding;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The vectors of texts. Those that count have the same number of dimensions, that of most: what a server gives
/// in another space counts as nothing, also where it came first.
#[derive(Clone, Debug, Default)]
pub struct TextVectors {
    model: Option<ModelName>,
    by_text: HashMap<TextHash, Option<Arc<Embedding>>>,
    /// How many vectors there are, by their dimensions.
    by_dimensions: BTreeMap<u32, usize>,
    /// The dimensions of most, the first of them where others are as many.
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
        let known = self.by_text.get(&TextHash::for_model(&model.to_string(), text))?;
        Some(known.as_ref().filter(|vector| self.counts(vector)).cloned())
    }

    /// Whether a vector is of the space of most.
    fn counts(&self, vector: &Embedding) -> bool {
        Some(vector.dimensions()) == self.dimensions
    }

    /// Vectors that do not count, because most have another number of dimensions.
    #[must_use]
    pub fn in_other_spaces(&self) -> usize {
        let others = self.by_dimensions.iter().filter(|(it, _)| Some(**it) != self.dimensions);
        others.map(|(_, count)| count).sum()
    }

    /// Texts without a vector that counts.
    #[must_use]
    pub fn missing(&self) -> usize {
        let with = self.dimensions.and_then(|it| self.by_dimensions.get(&it)).copied();
        self.len().saturating_sub(with.unwrap_or(0))
    }

    /// The dimensions of the vectors that count, once one is known.
    #[must_use]
    pub fn dimensions(&self) -> Option<u32> {
        self.dimensions
    }

    /// Takes in what a model said of texts; returns how many of them have a vector now.
    pub(super) fn add(&mut self, model: &ModelName, texts: &[Embedded]) -> usize {
        self.model = Some(model.clone());
        for Embedded { text, vector } in texts {
            // A text is asked about once: the first answer stays.
            let Entry::Vacant(place) = self.by_text.entry(*text) else { continue };
            place.insert(vector.clone().map(Arc::new));
            if let Some(dimensions) = vector.as_ref().map(Embedding::dimensions) {
                let alike = self.by_dimensions.entry(dimensions).or_default();
                *alike += 1;
                let (alike, most) =
                    (*alike, self.dimensions.and_then(|it| self.by_dimensions.get(&it)));
                if most.is_none_or(|most| alike > *most) {
                    self.dimensions = Some(dimensions);
                }
            }
        }
        let of = |text: &Embedded| self.by_text.get(&text.text)?.as_ref();
        texts.iter().filter_map(of).filter(|vector| self.counts(vector)).count()
    }
}
