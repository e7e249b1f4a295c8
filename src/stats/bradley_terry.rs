//! How strong things are that were compared in pairs: Bradley and Terry's model.
//!
//! i beats j with probability p_i / (p_i + p_j) (Bradley and Terry 1952, Biometrika 39). A tie counts as half a win of each. Not for
//! scores of the same rows, whose differences say more.

use super::linalg::{cholesky, dot, solve_lower, solve_transposed};
use super::normal;
use ndarray::Array2;

/// The most rounds of the fit, and the change of log strengths at which it ends.
const ROUNDS: usize = 10_000;
const SETTLED: f64 = 1e-10;

/// Wins in pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairWins {
    things: usize,
    /// How often the row's thing beat the column's.
    wins: Vec<f64>,
}

/// The strength of a thing, as a logarithm: 0 is that of the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ability {
    /// ln(p_i / p_reference).
    pub log_strength: f64,
    /// The standard error of that; 0 for the reference.
    pub standard_error: f64,
}

impl PairWins {
    /// None yet, of so many things.
    #[must_use]
    pub fn new(things: usize) -> Self {
        Self { things, wins: vec![0.0; things * things] }
    }

    /// Adds wins of one thing over another; half a win each is a tie. Things that are not there, a thing against itself and numbers
    /// that are not above 0 are left out.
    pub fn add(&mut self, winner: usize, loser: usize, wins: f64) {
        if winner != loser && winner.max(loser) < self.things && wins > 0.0 && wins.is_finite() {
            self.wins[winner * self.things + loser] += wins;
        }
    }

    fn of(&self, winner: usize, loser: usize) -> f64 {
        self.wins[winner * self.things + loser]
    }

    /// Whether strengths exist: there is no way to divide the things in two so that no thing of the first part ever beat one of the
    /// second (Ford 1957; assumption 1 of Hunter 2004). Otherwise a strength is infinite, or parts cannot be compared.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let reaches_all = |beats: &dyn Fn(usize, usize) -> bool| {
            let (mut seen, mut open) = (vec![false; self.things], vec![0]);
            while let Some(from) = open.pop() {
                if !std::mem::replace(&mut seen[from], true) {
                    open.extend((0..self.things).filter(|to| beats(from, *to) && !seen[*to]));
                }
            }
            seen.into_iter().all(|it| it)
        };
        self.things > 1
            && reaches_all(&|a, b| self.of(a, b) > 0.0)
            && reaches_all(&|a, b| self.of(b, a) > 0.0)
    }

    /// The abilities of all things beside a reference, by maximum likelihood; `None` where they do not exist
    /// ([`is_connected`](Self::is_connected)), or there is no such reference.
    ///
    /// The fit is the MM algorithm of Hunter 2004 (Annals of Statistics 32, equation 3): p_i becomes W_i / Σ_j n_ij / (p_i + p_j), with
    /// the wins W_i of i and the comparisons n_ij. Standard errors come from the inverse of the information, which has
    /// n_ij π_ij (1 − π_ij) for each pair, without the reference's row (Agresti, *Categorical Data Analysis*, section 10.6).
    #[must_use]
    pub fn abilities(&self, reference: usize) -> Option<Vec<Ability>> {
        if reference >= self.things || !self.is_connected() {
            return None;
        }
        let logs = self.fitted(reference)?;
        let others: Vec<usize> = (0..self.things).filter(|it| *it != reference).collect();
        let weight = |i: usize, j: usize| {
            let chance = 1.0 / (1.0 + (logs[j] - logs[i]).exp());
            (self.of(i, j) + self.of(j, i)) * chance * (1.0 - chance)
        };
        let information = Array2::from_shape_fn((others.len(), others.len()), |(a, b)| {
            let (i, j) = (others[a], others[b]);
            match i == j {
                true => (0..self.things).filter(|it| *it != i).map(|it| weight(i, it)).sum(),
                false => -weight(i, j),
            }
        });
        let lower = cholesky(&information)?;
        let mut abilities = vec![Ability { log_strength: 0.0, standard_error: 0.0 }; self.things];
        for (place, thing) in others.iter().enumerate() {
            let mut unit = vec![0.0; others.len()];
            unit[place] = 1.0;
            let column = solve_transposed(&lower, solve_lower(&lower, unit.clone()));
            abilities[*thing] =
                Ability { log_strength: logs[*thing], standard_error: dot(&unit, &column).sqrt() };
        }
        Some(abilities)
    }

    /// The logarithms of strengths; `None` where the fit does not settle.
    fn fitted(&self, reference: usize) -> Option<Vec<f64>> {
        let mut logs = vec![0.0_f64; self.things];
        for _ in 0..ROUNDS {
            let mut next: Vec<f64> = (0..self.things)
                .map(|i| {
                    let others = (0..self.things).filter(|j| *j != i);
                    let (mut wins, mut sum) = (0.0, 0.0);
                    for j in others {
                        wins += self.of(i, j);
                        // Divided by p_i, so that no strength leaves the range of numbers.
                        sum += (self.of(i, j) + self.of(j, i)) / (1.0 + (logs[j] - logs[i]).exp());
                    }
                    logs[i] + (wins / sum).ln()
                })
                .collect();
            let origin = next[reference];
            next.iter_mut().for_each(|log| *log -= origin);
            let moved = next.iter().zip(&logs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            logs = next;
            if moved < SETTLED {
                return Some(logs);
            }
        }
        None
    }
}

impl Ability {
    /// The interval of the logarithm at a two-sided level, such as 0.05 (Wald's).
    #[must_use]
    pub fn interval(self, level: f64) -> (f64, f64) {
        let reach = normal::quantile(1.0 - level / 2.0) * self.standard_error;
        (self.log_strength - reach, self.log_strength + reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wins of the row's team over the column's, American League East, 1987 (Agresti, table 10.10): Milwaukee, Detroit, Toronto,
    /// New York, Boston, Cleveland, Baltimore.
    const BASEBALL: [[f64; 7]; 7] = [
        [0.0, 7.0, 9.0, 7.0, 7.0, 9.0, 11.0],
        [6.0, 0.0, 7.0, 5.0, 11.0, 9.0, 9.0],
        [4.0, 6.0, 0.0, 7.0, 7.0, 8.0, 12.0],
        [6.0, 8.0, 6.0, 0.0, 6.0, 7.0, 10.0],
        [6.0, 2.0, 6.0, 7.0, 0.0, 7.0, 12.0],
        [4.0, 4.0, 5.0, 6.0, 6.0, 0.0, 6.0],
        [2.0, 4.0, 1.0, 3.0, 1.0, 7.0, 0.0],
    ];

    fn baseball() -> PairWins {
        let mut wins = PairWins::new(7);
        for (winner, row) in BASEBALL.iter().enumerate() {
            row.iter().enumerate().for_each(|(loser, count)| wins.add(winner, loser, *count));
        }
        wins
    }

    #[test]
    fn the_published_abilities_of_baseball_teams() {
        let abilities = baseball().abilities(6).unwrap();
        let published = [1.581, 1.436, 1.294, 1.248, 1.108, 0.684, 0.0];
        for (ability, published) in abilities.iter().zip(published) {
            assert!((ability.log_strength - published).abs() < 6e-4, "{ability:?} {published}");
        }
        // As the R package BradleyTerry2 prints them for these data.
        let errors = [0.343, 0.340, 0.337, 0.336, 0.334, 0.332, 0.0];
        for (ability, published) in abilities.iter().zip(errors) {
            assert!((ability.standard_error - published).abs() < 6e-4, "{ability:?} {published}");
        }
        let (low, high) = abilities[0].interval(0.05);
        assert!((high - low - 2.0 * 1.96 * abilities[0].standard_error).abs() < 1e-4);
    }

    #[test]
    fn two_things_have_the_odds_of_their_wins() {
        let mut wins = PairWins::new(2);
        wins.add(0, 1, 30.0);
        wins.add(1, 0, 10.0);
        let one = wins.abilities(1).unwrap()[0];
        assert!((one.log_strength - 3.0_f64.ln()).abs() < 1e-9);
        // Of a logit: √(1/30 + 1/10).
        assert!((one.standard_error - (1.0_f64 / 30.0 + 0.1).sqrt()).abs() < 1e-6);
        let mut tied = wins.clone();
        (0..10).for_each(|_| {
            tied.add(0, 1, 0.5);
            tied.add(1, 0, 0.5);
        });
        assert!(tied.abilities(1).unwrap()[0].log_strength < one.log_strength);
    }

    #[test]
    fn without_wins_both_ways_between_parts_there_is_no_strength() {
        let mut wins = PairWins::new(3);
        wins.add(0, 1, 3.0);
        wins.add(1, 0, 1.0);
        assert!(!wins.is_connected() && wins.abilities(0).is_none());
        wins.add(0, 2, 4.0);
        assert!(!wins.is_connected() && wins.abilities(0).is_none());
        wins.add(2, 1, 1.0);
        assert!(wins.is_connected());
        let abilities = wins.abilities(0).unwrap();
        assert!(abilities.iter().all(|it| it.log_strength.is_finite()));
        assert!(abilities[1].log_strength < abilities[0].log_strength);
        assert!(wins.abilities(3).is_none() && PairWins::new(0).abilities(0).is_none());
        assert!(PairWins::new(1).abilities(0).is_none());
        // Nothing that is not a win is counted.
        wins.add(0, 0, 5.0);
        wins.add(0, 9, 5.0);
        wins.add(0, 1, f64::NAN);
        assert_eq!(wins.abilities(0).unwrap(), abilities);
    }
}
