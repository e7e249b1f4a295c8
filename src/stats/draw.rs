//! Draws by weight.

use rand::Rng;

/// A place drawn by weight; `None` where nothing has any.
#[must_use]
pub fn weighted(weights: &[f64], rng: &mut impl Rng) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return None;
    }
    let mut draw = rng.random::<f64>() * total;
    for (place, weight) in weights.iter().enumerate() {
        if draw < *weight {
            return Some(place);
        }
        draw -= weight;
    }
    weights.iter().rposition(|weight| *weight > 0.0)
}
