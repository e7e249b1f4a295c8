//! `eda`: continues a list of earlier prompts.

use super::author::{Author, Operator};
use super::draw::Draw;
use super::history::unscored;
use super::meta_prompt::MetaPrompt;
use super::step::Step;
use crate::event::Draft;
use crate::id::CandidateIx;
use crate::seed::Seed;
use crate::vector::ComparedText;
use rand::seq::SliceRandom;

kind! {
    /// Lists earlier prompts and asks for the next one: an estimation of distribution (PromptBreeder;
    /// arXiv:2309.16797, section 3.2.2). Likeness of texts is the cosine of the vectors of the task's
    /// embedding model or, where it names none, of hashed n-grams.
    "eda": "The next of a list of prompts.",
    Eda {
        /// Whether the list is in order of score.
        ranked: bool = false,
        /// Of two prompts that are more alike only one is listed.
        max_similarity: f64 = 0.95 => share,
        /// What makes two prompts alike.
        likeness: Likeness = Likeness::Texts,
        /// The most prompts in the list.
        most: usize = 20,
    }
}

choice! {
    /// What makes two prompts alike.
    Likeness {
        /// The cosine of their texts' features.
        Texts = "texts",
        /// How nearly the same their scores are, row by row.
        Answers = "answers",
    }
}

meta_prompt! {
    pub(super) EDA = "eda" writes [History] [About, MaxTokens] ():
        "continues a list of prompts with one that is unlike them and as good"
}

meta_prompt! {
    pub(super) EDA_RANK = "eda_rank" writes [History] [About, MaxTokens, Mutator] ():
        "continues a list of prompts from the worst to the best, which is said to be the other way round"
}

impl Eda {
    /// A list of prompts that are unlike each other.
    fn listed(&self, draw: &Draw<'_>, seed: Seed) -> Vec<CandidateIx> {
        let state = draw.state;
        let mut members = draw.breeding.members();
        // The order of the population has no meaning here.
        members.shuffle(&mut seed.rng());
        if self.ranked {
            // In ascending order of score, although the request says otherwise: the paper's own trick.
            let score = |candidate: &CandidateIx| draw.breeding.fitness(*candidate).unwrap_or(0.0);
            members.sort_by(|a, b| score(a).total_cmp(&score(b)).then(a.cmp(b)));
        }
        let mut listed: Vec<CandidateIx> = Vec::new();
        for candidate in members {
            let like = |other: &CandidateIx| {
                let likeness = match self.likeness {
                    Likeness::Texts => state.memory.texts.likeness(state, candidate, *other),
                    Likeness::Answers => 1.0 - state.distance(candidate, *other),
                };
                likeness > self.max_similarity
            };
            if listed.len() < self.most && !listed.iter().any(like) {
                listed.push(candidate);
            }
        }
        listed
    }
}

impl Author for Eda {
    fn steps(&self) -> Vec<Step> {
        Step::once(if self.ranked { &EDA_RANK } else { &EDA })
    }

    fn meta_prompts(&self) -> Vec<&'static MetaPrompt> {
        vec![&EDA, &EDA_RANK]
    }
}

impl Operator for Eda {
    fn compares(&self) -> Option<ComparedText> {
        (self.likeness == Likeness::Texts).then_some(ComparedText::Whole)
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        draft.context = unscored(self.listed(draw, draw.seed.child("listed", 0)));
        Some(draft)
    }
}
