//! `thompson`: by what each mutator's children gained per dollar, drawn from what is believed of it.
//!
//! What a mutator is worth is λ = Σ gain / Σ dollars: what its children gained over their parents (a
//! loss counts as 0), over what its proposals cost. With u the mean gain of all children that gained, and
//! d̄ the mean cost of a proposal of any mutator, it is believed that
//!
//! ```text
//! λ / u  ~  Gamma(shape = 0.05 + Σ gain / u,  rate = d̄ + Σ dollars)
//! ```
//!
//! the posterior of a rate whose gains come like a Poisson process in dollars, under the proper prior
//! Gamma(0.05, d̄) (the conjugate pair: Gelman et al., *Bayesian Data Analysis*, section 2.6). The prior
//! weighs one proposal and expects little: a mutator that brings nothing is not kept because it is
//! cheap. The chance is that of the highest draw (Thompson 1933; with a ratio of reward and cost: Xia et
//! al. 2015, arXiv:1505.00146), and never below the floor.
//!
//! The dollars of a proposal are those of its request, at [`LEAST_USD_PER_TOKEN`] at least, so that no
//! model is infinitely cheap; and the dollars that the rows of a child cost, shared out evenly over the
//! proposals of all mutators. Where rows cost the most, a better child is thus worth a dearer mutator,
//! and one whose proposals are all refused is no cheaper for having no children.

use crate::id::MutatorIx;
use crate::ledger::LEAST_USD_PER_TOKEN;
use crate::memory::{Earned, Mutators};
use crate::seed::Seed;
use crate::stats::bandit::thompson_gamma;
use crate::strategy::search::Writers;

kind! {
    /// Thompson sampling on gain per dollar: first each is asked a few times; then the chance of each is
    /// that of bringing the most per dollar, by what its children gained over their parents and what
    /// its proposals cost, times its weight.
    "thompson": "By what each brought per dollar, drawn from what is believed of it.",
    Thompson {
        /// The least chance of each.
        floor: f64 = 0.03 => share,
    }
}

/// Requests of each mutator before anything is made of what they brought.
const FIRST: u64 = 4;
/// The prior's gaining children.
const PRIOR: f64 = 0.05;
/// Draws, to learn how often each of them is the best.
const DRAWS: u32 = 128;

impl Writers for Thompson {
    fn chances(&self, earned: &Mutators, arms: &[MutatorIx], seed: Seed) -> Option<Vec<f64>> {
        let asked: Vec<u64> = arms.iter().map(|arm| earned.asked(*arm)).collect();
        let least = asked.iter().copied().min()?;
        if least < FIRST {
            return Some(asked.iter().map(|asked| f64::from(u8::from(*asked == least))).collect());
        }
        let own: Vec<Earned> = arms.iter().map(|arm| earned.settled(*arm)).collect();
        let best = best(&earned.settled_of_all(), earned.rows_usd(), &own, seed);
        let floor = self.floor.min(1.0 / arms.len() as f64);
        let chance = |best: &f64| floor + (1.0 - floor * arms.len() as f64) * best;
        Some(best.iter().map(chance).collect())
    }
}

/// How likely each of several mutators is to bring the most per dollar, from what it and all earned.
fn best(all: &Earned, rows_usd: f64, own: &[Earned], seed: Seed) -> Vec<f64> {
    let proposals = all.proposals.max(1) as f64;
    let usd = |earned: &Earned| {
        let requests = earned.usd.max(earned.tokens as f64 * LEAST_USD_PER_TOKEN);
        requests + earned.proposals as f64 * rows_usd / proposals
    };
    let unit = if all.gain > 0.0 { all.gain / all.gained.max(1) as f64 } else { 1.0 };
    // Where nothing has cost anything yet, nothing is known either.
    let mean_usd = (usd(all) / proposals).max(LEAST_USD_PER_TOKEN);
    let believed: Vec<(f64, f64)> =
        own.iter().map(|own| (PRIOR + own.gain / unit, mean_usd + usd(own))).collect();
    let mut rng = seed.rng();
    let mut best = vec![0.0; own.len()];
    for _ in 0..DRAWS {
        let draws = believed.iter().map(|(shape, rate)| thompson_gamma(*shape, *rate, &mut rng));
        if let Some((winner, _)) = draws.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)) {
            best[winner] += 1.0 / f64::from(DRAWS);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    /// A mutator: the chance that its child gains, the mean of such a gain, and dollars per proposal.
    #[derive(Clone, Copy, Debug)]
    struct Model {
        chance: f64,
        gain: f64,
        usd: f64,
    }

    impl Model {
        fn per_dollar(self, rows_usd: f64) -> f64 {
            self.chance * self.gain / (self.usd + rows_usd)
        }
    }

    /// Proposals drawn one after the other; a child's rows cost `rows_usd` whoever wrote it. How often
    /// each was drawn, and its chance at the end.
    fn simulated(models: &[Model], rows_usd: f64, count: u32, seed: Seed) -> (Vec<u32>, Vec<f64>) {
        let kind = Thompson::default();
        let arms: Vec<MutatorIx> = (0..).map(MutatorIx).take(models.len()).collect();
        let mut earned = Mutators::default();
        let mut drawn = vec![0; models.len()];
        let mut rng = seed.child("models", 0).rng();
        for draft in 0..count {
            let chances = kind.chances(&earned, &arms, seed.child("draft", draft.into())).unwrap();
            let of = crate::stats::weighted(&chances, &mut rng).unwrap();
            drawn[of] += 1;
            let Model { chance, gain, usd } = models[of];
            let gained = rng.random_bool(chance);
            let gain = if gained { rng.random_range(0.5..1.5) * gain } else { 0.0 };
            let gained = u64::from(gained);
            let accepted = u64::from(chance > 0.0);
            let one = Earned { proposals: 1, accepted, gained, gain, usd, tokens: 100 };
            earned.settle(arms[of], one, rows_usd * accepted as f64);
        }
        let chances = kind.chances(&earned, &arms, seed.child("end", 0)).unwrap();
        (drawn, chances)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// However cheap it is, and whether rows cost anything beside requests.
        #[test]
        fn a_mutator_that_brings_nothing_falls_to_the_floor(
            chance in 0.4..0.9_f64,
            gain in 0.01..0.2_f64,
            cheapness in 0.05..20.0_f64,
            rows_usd in prop_oneof![Just(0.0), Just(0.01), Just(1.0)],
            seed in any::<u64>(),
        ) {
            let good = Model { chance, gain, usd: 0.01 };
            let none = Model { chance: 0.0, gain: 0.0, usd: 0.01 / cheapness };
            let (_, chances) = simulated(&[none, good], rows_usd, 60, Seed(seed));
            prop_assert!(chances[0] < 0.15, "{chances:?}");
            prop_assert!(chances[0] >= Thompson::default().floor);
        }

        #[test]
        fn chances_are_chances(
            own in proptest::collection::vec((0..9_u64, 0.0..1.0_f64, 0.0..1e3_f64), 2..6),
            seed in any::<u64>(),
        ) {
            let own: Vec<Earned> = own
                .into_iter()
                .map(|(gained, gain, usd)| {
                    let gain = if gained > 0 { gain } else { 0.0 };
                    Earned { proposals: gained + 4, accepted: gained, gained, gain, usd, tokens: 9 }
                })
                .collect();
            let mut all = Earned::default();
            own.iter().for_each(|one| all += *one);
            let best = best(&all, 0.0, &own, Seed(seed));
            prop_assert!((best.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{best:?}");
        }
    }

    /// Twice the gain per dollar, for a better child or for a lower price; a third brings nothing.
    #[test]
    fn the_best_per_dollar_gets_the_most() {
        let better = [(0.6, 0.05, 0.01), (0.3, 0.05, 0.01), (0.0, 0.0, 0.001)];
        let cheaper = [(0.5, 0.05, 0.01), (0.5, 0.05, 0.02), (0.0, 0.0, 0.0)];
        // Rows cost much more than requests: what is dear for its price is worth it.
        let dearer = [(0.6, 0.05, 0.04), (0.3, 0.05, 0.01), (0.0, 0.0, 0.001)];
        for (models, rows_usd) in [(better, 0.0), (cheaper, 0.0), (dearer, 1.0)] {
            let models = models.map(|(chance, gain, usd)| Model { chance, gain, usd });
            assert!(models[0].per_dollar(rows_usd) > 1.9 * models[1].per_dollar(rows_usd));
            let mut drawn = [0; 3];
            for seed in 0..20 {
                let (of_one, _) = simulated(&models, rows_usd, 120, Seed(seed));
                drawn.iter_mut().zip(of_one).for_each(|(sum, one)| *sum += one);
            }
            assert!(drawn[0] > 2 * drawn[1] && drawn[1] > drawn[2], "{drawn:?}");
            // None is shut out.
            assert!(drawn[2] > 120, "{drawn:?}");
        }
    }

    #[test]
    fn each_is_asked_a_few_times_first_and_a_free_one_counts_at_the_least_price() {
        let arms = [MutatorIx(0), MutatorIx(1), MutatorIx(2)];
        let mut earned = Mutators::default();
        let one = Earned { proposals: 1, accepted: 1, gained: 1, gain: 0.5, ..Earned::default() };
        for _ in 0..FIRST {
            earned.settle(arms[0], Earned { usd: 0.01, ..one }, 0.0);
        }
        let chances = |earned: &Mutators| Thompson::default().chances(earned, &arms, Seed(1));
        assert_eq!(chances(&earned).unwrap(), [0.0, 1.0, 1.0]);
        // Both are free, and one needs a hundred times the tokens for the same gain.
        let own = [1_000, 100_000].map(|tokens| Earned { proposals: 9, gained: 9, tokens, ..one });
        let mut all = own[0];
        all += own[1];
        assert!(best(&all, 0.0, &own, Seed(1))[0] > 0.9);
    }
}
