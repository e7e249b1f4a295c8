//! The p-value that an interval has for a value: the chance beyond an end at which it begins to leave the value out.
//!
//! So the test and the interval say the same at each level, and a value other than 0 needs no symmetry around it, which
//! a test by flipped signs does.

use super::interval::Interval;

/// The one-sided p-value against "the mean is at most `value`", from `least` to 1; `interval` gives the interval by the
/// chance beyond each end, and narrows as the chance grows.
pub(super) fn above(
    (mean, value): (f64, f64),
    least: f64,
    interval: impl Fn(f64) -> Interval,
) -> f64 {
    if mean > value {
        chance_at(least, |chance| interval(chance).low > value)
    } else if mean < value {
        1.0 - chance_at(least, |chance| interval(chance).high < value)
    } else if mean.is_nan() {
        1.0
    } else {
        0.5
    }
}

/// The smallest chance in (`least`, 0.5] from which on an interval leaves something out, by bisection.
fn chance_at(least: f64, leaves_out: impl Fn(f64) -> bool) -> f64 {
    let (mut keeps, mut leaves) = (least, 0.5);
    for _ in 0..60 {
        let middle = f64::midpoint(keeps, leaves);
        if leaves_out(middle) { leaves = middle } else { keeps = middle }
    }
    leaves
}
