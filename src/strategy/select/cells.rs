//! `cells`: a cell's elite, explored, exploited, or by weight.

use super::draws::{any, by_fitness};
use crate::id::CandidateIx;
use crate::strategy::search::{Search, Select};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

kind! {
    /// With `explore`, any elite; with `exploit`, one of the best `top`; else in proportion to the
    /// score (AlphaEvolve as in OpenEvolve).
    "cells": "A cell's elite: explored, exploited, or by weight.",
    Cells {
        /// The chance of any elite.
        explore: f64 = 0.2 => share,
        /// The chance of one of the best.
        exploit: f64 = 0.7 => share,
        /// How many count as the best.
        top: usize = 10 => positive,
    }
}

impl Select for Cells {
    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        let draw: f64 = rng.random();
        if draw < self.explore {
            return any(pool, rng);
        }
        if draw < self.explore + self.exploit {
            return any(&search.best_of(pool.iter().copied(), self.top), rng);
        }
        by_fitness(search, pool, rng).or_else(|| any(pool, rng))
    }

    fn has_niches(&self) -> bool {
        true
    }
}
