//! Which candidate is changed next.

use super::State;
use super::population::front;
use super::ranking::{fitness, rank};
use crate::id::CandidateIx;
use crate::operator::Parents;
use crate::recipe::{Archive, MixKind, Recipe, Schedule, Select, SoftmaxSelect};
use crate::seed::Seed;
use crate::stats::weighted;
use rand::Rng;
use rand::seq::SliceRandom;

/// Draws the parents of the generation's child number `index` out of a pool. `run` is the seed of
/// what all children of a generation share, `seed` that of this draw alone.
pub(super) fn parents(
    recipe: &Recipe,
    state: &State,
    pool: &[CandidateIx],
    count: usize,
    index: usize,
    run: Seed,
    seed: Seed,
) -> Option<Parents> {
    let mut rng = seed.rng();
    let chosen = |parents: Vec<CandidateIx>| Some(Parents { candidates: parents, place: None });
    match &recipe.select {
        Select::None(_) | Select::Seed(_) => chosen(vec![CandidateIx::BASELINE]),
        // Children of one generation have the same parent, although some are judged before others
        // are drafted.
        Select::Best(_) => chosen(vec![match recipe.schedule {
            Schedule::Generation(_) => state.memory.generations.bred_from(),
            _ => state.incumbent,
        }]),
        Select::Scan(kind) => scan(kind, recipe, state, pool, index, &mut rng),
        Select::Tournament(_) => {
            let mut order: Vec<usize> = (0..pool.len()).collect();
            let generation = u64::from(state.memory.generations.number());
            order.shuffle(&mut run.child("pairs", generation).rng());
            let (a, b) = (*order.get(2 * index)?, *order.get(2 * index + 1)?);
            let fit = |place: usize| fitness(recipe, state, pool[place]).unwrap_or(0.0);
            let (winner, loser) = if fit(b) > fit(a) { (b, a) } else { (a, b) };
            Some(Parents { candidates: vec![pool[winner]], place: u16::try_from(loser).ok() })
        }
        Select::Contrary(_) => {
            let crate::recipe::Schedule::Generation(schedule) = &recipe.schedule else {
                return None;
            };
            let pairs = contrary(recipe, state, pool);
            let pair = pairs.get(index / schedule.children.max(1))?;
            chosen(pair.iter().copied().take(count).collect())
        }
        Select::Uct(_) => chosen(vec![super::tree::node(recipe, state, index)?]),
        _ => {
            let mut parents: Vec<CandidateIx> = Vec::new();
            for _ in 0..count {
                let left: Vec<CandidateIx> =
                    pool.iter().copied().filter(|candidate| !parents.contains(candidate)).collect();
                match one(recipe, state, &left, &mut rng) {
                    Some(parent) => parents.push(parent),
                    None => break,
                }
            }
            (parents.len() == count).then_some(Parents { candidates: parents, place: None })
        }
    }
}

/// One candidate out of a pool.
fn one(
    recipe: &Recipe,
    state: &State,
    pool: &[CandidateIx],
    rng: &mut impl Rng,
) -> Option<CandidateIx> {
    let fit = |candidate: &CandidateIx| fitness(recipe, state, *candidate).unwrap_or(0.0);
    match &recipe.select {
        Select::Uniform(kind) if kind.any => any(state, rng),
        Select::Uniform(_) => pick(pool, rng),
        Select::Roulette(_) => {
            let weights: Vec<f64> = pool.iter().map(|candidate| fit(candidate).max(0.0)).collect();
            // Where nothing has a score, all are alike.
            weighted(&weights, rng).map(|place| pool[place]).or_else(|| pick(pool, rng))
        }
        Select::Softmax(kind) => {
            let (best, weights) = softmax(kind, recipe, state, pool);
            weighted(&weights, rng).map(|place| best[place])
        }
        Select::WeightedNovelty(kind) => {
            let scores: Vec<f64> = pool.iter().map(fit).collect();
            let middle = median(&scores)?;
            let spread = median(&scores.iter().map(|s| (s - middle).abs()).collect::<Vec<f64>>())?;
            let weights: Vec<f64> = pool
                .iter()
                .zip(&scores)
                .map(|(candidate, score)| {
                    let z = kind.lambda * (score - middle) / spread.max(1e-6);
                    let children = state.memory.children.of(*candidate);
                    1.0 / (1.0 + (-z).exp()) / (1.0 + f64::from(children))
                })
                .collect();
            weighted(&weights, rng).map(|place| pool[place])
        }
        Select::Cells(kind) => {
            let draw: f64 = rng.random();
            if draw < kind.explore {
                return pick(pool, rng);
            }
            if draw < kind.explore + kind.exploit {
                let mut best = rank(recipe, state, pool.iter().copied());
                best.truncate(kind.top);
                return pick(&best, rng);
            }
            let weights: Vec<f64> = pool.iter().map(|candidate| fit(candidate).max(0.0)).collect();
            weighted(&weights, rng).map(|place| pool[place]).or_else(|| pick(pool, rng))
        }
        Select::Pareto(kind) => Some(pareto(&recipe.archive, state, kind.min_unique, rng)),
        Select::Mix(mix) => {
            let weights: Vec<f64> = mix.parts.iter().map(|part| part.weight).collect();
            let part = &mix.parts[weighted(&weights, rng)?];
            match part.kind {
                MixKind::Best => Some(state.incumbent),
                MixKind::Uniform => pick(pool, rng).or(Some(CandidateIx::BASELINE)),
                MixKind::Pareto => {
                    Some(pareto(&recipe.archive, state, part.min_unique.unwrap_or(1), rng))
                }
            }
        }
        Select::None(_)
        | Select::Seed(_)
        | Select::Best(_)
        | Select::Scan(_)
        | Select::Tournament(_)
        | Select::Contrary(_)
        | Select::Uct(_) => None,
    }
}

/// The best few with the seed, and the chance of each up to a factor: e^(score / temperature)
/// (SIMBA's `top_k_plus_baseline` and `softmax_sample`).
pub(super) fn softmax(
    kind: &SoftmaxSelect,
    recipe: &Recipe,
    state: &State,
    pool: &[CandidateIx],
) -> (Vec<CandidateIx>, Vec<f64>) {
    let fit = |candidate: &CandidateIx| fitness(recipe, state, *candidate).unwrap_or(0.0);
    let mut best = rank(recipe, state, pool.iter().copied());
    best.truncate(kind.top);
    if !best.contains(&CandidateIx::BASELINE) {
        best.truncate(kind.top.saturating_sub(1));
        best.push(CandidateIx::BASELINE);
    }
    let top = best.iter().map(fit).fold(f64::NEG_INFINITY, f64::max);
    let weight = |candidate| ((fit(candidate) - top) / kind.temperature.max(1e-6)).exp();
    let weights = best.iter().map(weight).collect();
    (best, weights)
}

/// Members in pairs: the best with the one whose scores differ most from its own, the best of the
/// others with the most different of the others, and so on.
pub(super) fn contrary(
    recipe: &Recipe,
    state: &State,
    pool: &[CandidateIx],
) -> Vec<[CandidateIx; 2]> {
    let mut left = rank(recipe, state, pool.iter().copied());
    let mut pairs = Vec::new();
    while left.len() > 1 {
        let best = left.remove(0);
        let apart = |place: &usize| state.distance(best, left[*place]);
        let farthest = (0..left.len())
            .reduce(|a, b| if apart(&b) > apart(&a) + 1e-12 { b } else { a })
            .unwrap_or(0);
        pairs.push([best, left.remove(farthest)]);
    }
    pairs
}

/// The member whose turn it is, with donors, and the best or another one (EvoPrompt's DE;
/// arXiv:2309.08532, section 3.3).
fn scan(
    kind: &crate::recipe::ScanSelect,
    recipe: &Recipe,
    state: &State,
    pool: &[CandidateIx],
    index: usize,
    rng: &mut impl Rng,
) -> Option<Parents> {
    let Schedule::Generation(schedule) = &recipe.schedule else { return None };
    let place = (index / schedule.children.max(1)) % pool.len().max(1);
    let base = *pool.get(place)?;
    let mut parents = vec![base];
    if kind.donors > 0 {
        let mut others: Vec<CandidateIx> =
            pool.iter().copied().filter(|member| *member != base).collect();
        others.shuffle(rng);
        let best = kind.best.unwrap_or(true);
        let wanted = kind.donors + usize::from(!best);
        parents.extend(others.into_iter().take(wanted));
        if best {
            parents.push(*rank(recipe, state, pool.iter().copied()).first()?);
        }
        if parents.len() < kind.donors + 2 {
            return None;
        }
    }
    Some(Parents { candidates: parents, place: u16::try_from(place).ok() })
}

/// A mate in proportion to its score, other than the parent.
pub(super) fn mate(
    recipe: &Recipe,
    state: &State,
    pool: &[CandidateIx],
    parent: CandidateIx,
    seed: Seed,
) -> Option<CandidateIx> {
    let others: Vec<CandidateIx> =
        pool.iter().copied().filter(|candidate| *candidate != parent).collect();
    let weights: Vec<f64> = others
        .iter()
        .map(|candidate| fitness(recipe, state, *candidate).unwrap_or(0.0).max(0.0))
        .collect();
    weighted(&weights, &mut seed.rng()).map(|place| others[place])
}

/// Any earlier candidate, dropped ones included.
fn any(state: &State, rng: &mut impl Rng) -> Option<CandidateIx> {
    let count = u32::try_from(state.candidates.len()).ok()?;
    (count > 0).then(|| CandidateIx(rng.random_range(0..count)))
}

fn pick(pool: &[CandidateIx], rng: &mut impl Rng) -> Option<CandidateIx> {
    (!pool.is_empty()).then(|| pool[rng.random_range(0..pool.len())])
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// By the number of rows on which a candidate is among the best, dominated candidates removed
/// (GEPA, arXiv:2507.19457, algorithm 2). The incumbent while nothing is finished.
fn pareto(archive: &Archive, state: &State, min_unique: usize, rng: &mut impl Rng) -> CandidateIx {
    let weights = front(archive, state);
    let strong: Vec<(u32, usize)> =
        weights.iter().copied().filter(|(_, rows)| *rows >= min_unique).collect();
    let pool = if strong.is_empty() { weights } else { strong };
    let counts: Vec<f64> = pool.iter().map(|(_, rows)| *rows as f64).collect();
    match weighted(&counts, rng) {
        Some(place) => CandidateIx(pool[place].0),
        None => state.incumbent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{self, CellsSelect, SoftmaxSelect, WeightedNoveltySelect};
    use crate::strategy::tests::grown;

    /// Candidates 0..=5 with these scores; 1 and 3 have two children and one.
    fn state() -> State {
        grown(
            &[("a", 0, 0.2), ("b", 1, 0.4), ("c", 1, 0.6), ("d", 3, 0.8), ("e", 0, 0.5)],
            &[1, 2, 3, 4],
        )
    }

    /// How often each of the state's candidates is drawn of 4,000 times.
    fn drawn(select: Select, count: usize) -> Vec<f64> {
        let state = state();
        let recipe = Recipe { select, ..recipe::load("random", &[]).unwrap() };
        let pool: Vec<CandidateIx> = (0..6).map(CandidateIx).collect();
        let mut counts = vec![0.0; 6];
        for draw in 0..4_000 {
            let seed = Seed(5).child("draw", draw);
            let chosen = parents(&recipe, &state, &pool, count, 0, Seed(5), seed).unwrap();
            assert_eq!(chosen.candidates.len(), count);
            assert!(count < 2 || chosen.candidates[0] != chosen.candidates[1]);
            counts[chosen.candidates[0].index()] += 1.0 / 4_000.0;
        }
        counts
    }

    fn near(drawn: &[f64], expected: &[f64]) {
        let total: f64 = expected.iter().sum();
        for (drawn, expected) in drawn.iter().zip(expected) {
            assert!((drawn - expected / total).abs() < 0.03, "{drawn} {}", expected / total);
        }
    }

    /// Three: the best two, and the seed in the last one's place, by exp(score / 0.2).
    #[test]
    fn softmax_draws_among_the_best_few_and_the_seed() {
        let softmax = SoftmaxSelect { temperature: 0.2, top: 3 };
        let e = |score: f64| (score / 0.2).exp();
        let expected = [e(0.0), 0.0, 0.0, e(0.6), e(0.8), 0.0];
        near(&drawn(Select::Softmax(softmax.clone()), 1), &expected);
        let hot = SoftmaxSelect { temperature: 100.0, top: 3 };
        near(&drawn(Select::Softmax(hot), 1), &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    }

    /// Scores 0, .2, .4, .6, .8, .5: the median is .45, and the median distance from it .2 (of .45, .25,
    /// .05, .15, .35, .05). Children: the seed has 2, 1 has 2, 3 has 1.
    #[test]
    fn weighted_novelty_prefers_what_is_above_the_median_and_has_few_children() {
        let sigmoid =
            |score: f64, lambda: f64| 1.0 / (1.0 + (-lambda * (score - 0.45) / 0.2).exp());
        for lambda in [1.0, 10.0] {
            let s = |score| sigmoid(score, lambda);
            let expected = [s(0.0) / 3.0, s(0.2) / 3.0, s(0.4), s(0.6) / 2.0, s(0.8), s(0.5)];
            let select = Select::WeightedNovelty(WeightedNoveltySelect { lambda });
            near(&drawn(select.clone(), 1), &expected);
            drawn(select, 2);
        }
    }

    #[test]
    fn cells_are_explored_exploited_and_weighed() {
        let select = |explore, exploit, top| Select::Cells(CellsSelect { explore, exploit, top });
        near(&drawn(select(1.0, 0.0, 2), 1), &[1.0; 6]);
        near(&drawn(select(0.0, 1.0, 2), 1), &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        let scores = [0.0, 0.2, 0.4, 0.6, 0.8, 0.5];
        near(&drawn(select(0.0, 0.0, 2), 1), &scores);
        let mixed: Vec<f64> = scores
            .iter()
            .zip([0.0, 0.0, 0.0, 0.5, 0.5, 0.0])
            .map(|(score, best)| 0.2 / 6.0 + 0.7 * best + 0.1 * score / 2.5)
            .collect();
        near(&drawn(select(0.2, 0.7, 2), 1), &mixed);
    }

    #[test]
    fn a_mate_is_drawn_by_its_score_and_is_another() {
        let (state, recipe) = (state(), recipe::load("random", &[]).unwrap());
        let pool: Vec<CandidateIx> = (0..6).map(CandidateIx).collect();
        let mut counts = [0.0; 6];
        for draw in 0..4_000 {
            let seed = Seed(6).child("draw", draw);
            let mate = mate(&recipe, &state, &pool, CandidateIx(4), seed).unwrap();
            counts[mate.index()] += 1.0 / 4_000.0;
        }
        near(&counts, &[0.0, 0.2, 0.4, 0.6, 0.0, 0.5]);
    }
}
