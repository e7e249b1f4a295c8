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

/// What a token of a mutator counts at least, in dollars: 0.10 per million, as little as a small hosted
/// model asks for. A free model counts at this.
pub const LEAST_USD_PER_TOKEN: f64 = 1e-7;
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
