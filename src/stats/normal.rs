//! The standard normal distribution.
//!
//! Not a general distribution library: the functions the other files need.

use statrs::distribution::{ContinuousCDF, Normal};

/// P(Z ≤ z).
pub(super) fn cdf(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

/// The z with P(Z ≤ z) = `p`, for `p` strictly between 0 and 1.
pub(super) fn quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        for (z, p) in
            [(-1.959_963_985, 0.025), (0.0, 0.5), (0.5, 0.691_462_461), (1.644_853_627, 0.95)]
        {
            assert!((cdf(z) - p).abs() < 1e-9, "cdf({z}) = {}", cdf(z));
            assert!((quantile(p) - z).abs() < 1e-8, "quantile({p}) = {}", quantile(p));
        }
    }
}
