//! `random_shots`: sets of demonstrations drawn at random.

use crate::operator::author::{Author, Init, WorksOn};
use crate::operator::demos::{DemoAnswers, Shots};
use crate::operator::draw::{Draw, Sets};

kind! {
    /// Sets of demonstrations drawn at random from training rows, with their expected answers.
    "random_shots": "Sets of demonstrations drawn at random.",
    RandomShots {
        /// How many sets.
        sets: u32 = 50,
        /// The fewest demonstrations in a set.
        min: usize = 0,
        /// The most.
        max: usize = 5,
    }
}

impl Author for RandomShots {
    fn works_on(&self) -> WorksOn {
        WorksOn::Demos
    }
}

impl Init for RandomShots {
    fn makes_sets(&self) -> bool {
        true
    }

    fn sets(&self, draw: &Draw<'_>) -> Sets {
        let shots = Shots { min: self.min, max: self.max, answers: DemoAnswers::Expected };
        let set = |number: u32| shots.draw(draw, draw.seed.child("set", u64::from(number)));
        Sets::Ready((0..self.sets).map(set).collect())
    }
}
