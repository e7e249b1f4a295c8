//! Lists of earlier prompts that PromptBreeder's operators show.

use super::*;
use crate::operator::eda::Eda;
use crate::operator::lineage::Lineage;
use crate::operator::{Breeding, Draw, Operator, Parents, PlannedRun, Setting};

/// A search that breeds from one parent.
struct FromOne<'a> {
    search: Search<'a>,
    parent: CandidateIx,
}

impl Breeding for FromOne<'_> {
    fn parents(&self, _count: usize) -> Option<Parents> {
        Some(Parents { candidates: vec![self.parent], place: None })
    }

    fn mate(&self, _: CandidateIx, _: Option<u16>, _: Seed) -> Option<CandidateIx> {
        None
    }

    fn members(&self) -> Vec<CandidateIx> {
        self.search.members(None)
    }

    fn fitness(&self, candidate: CandidateIx) -> Option<f64> {
        self.search.fitness(candidate)
    }

    fn ranked(&self) -> Vec<CandidateIx> {
        self.search.ranked()
    }

    fn front(&self) -> Vec<CandidateIx> {
        Vec::new()
    }

    fn competes(&self, candidate: CandidateIx) -> bool {
        self.search.competes(candidate)
    }

    fn has_generations(&self) -> bool {
        true
    }

    fn has_combinations(&self) -> bool {
        false
    }

    fn runs(&self) -> Option<Vec<Vec<PlannedRun>>> {
        None
    }

    fn is_judged(&self) -> bool {
        true
    }

    fn best_of_init(&self, _before: u16, _take: usize) -> Vec<CandidateIx> {
        Vec::new()
    }
}

/// The candidates that an operator lists for a parent.
fn listed(operator: &dyn Operator, state: &State, parent: u32) -> Vec<u32> {
    let slots = recipe::load("promptbreeder", &[]).unwrap().slots;
    let setting = Setting { train_rows: 1, texts: 1, has_demos: false, seed: Seed(7) };
    let breeding = FromOne { search: searching(&slots, state), parent: CandidateIx(parent) };
    let (seed, breeding) = (Seed(7), &breeding);
    let draw = Draw { state, setting, seed, uses: 0, is_occasional: false, breeding };
    let draft = operator.draft(&draw, Draft::new(state.next_proposal, Vec::new()));
    let listed = draft.map_or_else(Vec::new, |draft| draft.context);
    assert!(listed.iter().all(|item| item.score.is_none()), "scores are not shown");
    listed.iter().map(|item| item.candidate.0).collect()
}

#[test]
fn a_list_holds_one_of_each_likeness_and_a_ranking_begins_with_the_worst() {
    let long = "Read the message and name the one department that has to deal with it, however \
                many things it speaks of; where two could, take the one that is named first.";
    let nearly = long.replace("named first", "named last");
    let children = [
        (long, 0, 0.9),
        (&*nearly, 0, 0.8),
        ("Sort by what is asked for.", 0, 0.2),
        ("Think of the person who wrote it.", 0, 0.5),
    ];
    let state = grown(&children, &[1]);
    let list = |ranked: bool, max_similarity: f64, most: usize| {
        let kind = Eda { ranked, max_similarity, most, ..Eda::default() };
        listed(&kind, &state, 1)
    };
    let sorted = |mut list: Vec<u32>| {
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(list(false, 0.9999, 9)), [1, 2, 3, 4]);
    let few = sorted(list(false, 0.95, 9));
    assert!(few == [1, 3, 4] || few == [2, 3, 4], "{few:?}");
    assert_eq!(list(false, 0.9999, 2).len(), 2);
    assert_eq!(list(true, 0.9999, 9), [3, 4, 2, 1]);
    // Filtered in the order of the list.
    assert_eq!(list(true, 0.95, 9), [3, 4, 2]);
}

#[test]
fn a_line_of_elites_is_that_of_the_parent_alone() {
    let children =
        [("a", 0, 0.1), ("b", 1, 0.2), ("c", 0, 0.3), ("d", 2, 0.4), ("e", 4, 0.0), ("f", 0, 0.0)];
    let state = grown(&children, &[1, 2, 3, 4]);
    let line = |parent: u32, most: usize| listed(&Lineage { most }, &state, parent);
    // e comes from d, b and a; c was the best of another line. The baseline is not in the population.
    assert_eq!(line(5, 9), [1, 2, 4]);
    assert_eq!(line(4, 2), [2, 4]);
    assert_eq!(line(3, 9), [3]);
    assert_eq!(line(6, 9), Vec::<u32>::new());
}
