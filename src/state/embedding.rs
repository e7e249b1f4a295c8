//! Events of the embedding model.

use super::facts::Facts;
use super::open_call::Work;
use crate::event::Event;

impl Facts {
    pub(super) fn apply_embedding(&mut self, event: &Event) {
        match event {
            Event::EmbeddingIssued { call, model, texts, reserve } => {
                let work = Work::Embedding(model.clone(), texts.as_slice().into());
                self.issue(*call, work, *reserve, None, None);
            }
            Event::EmbeddingFolded { call, texts } => {
                let Some((open, _)) = self.fold_call(*call) else { return };
                if let Work::Embedding(model, _) = open.work {
                    let kept = self.vectors.add(&model, texts);
                    let in_a_row = &mut self.counts.vain_embeddings_in_a_row;
                    *in_a_row = if kept == 0 { *in_a_row + 1 } else { 0 };
                    self.counts.without_vector = self.vectors.missing() as u64;
                    self.counts.in_other_spaces = self.vectors.in_other_spaces() as u64;
                }
            }
            _ => {}
        }
    }
}
