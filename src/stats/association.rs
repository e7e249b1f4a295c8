//! Whether failures gather in a group of rows.

use statrs::distribution::{DiscreteCDF, Hypergeometric};

/// The exact one-sided test of Fisher (1935) that a group has more failures than chance gives it: the chance that `group`
/// rows, drawn from `all` without regard to failure, hold at least `failed_in_group` of the `failed` ones. In (0, 1]; 1 where
/// the numbers contradict each other.
#[must_use]
pub fn fisher_exact(failed_in_group: u64, group: u64, failed: u64, all: u64) -> f64 {
    if failed_in_group > group.min(failed) || group > all || failed > all {
        return 1.0;
    }
    let Some(below) = failed_in_group.checked_sub(1) else { return 1.0 };
    let Ok(drawn) = Hypergeometric::new(all, failed, group) else { return 1.0 };
    drawn.sf(below).clamp(f64::MIN_POSITIVE, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lady_tasting_tea() {
        // Fisher (1935), The Design of Experiments, chapter 2: all four right has chance 1/70, three or more 17/70.
        assert!((fisher_exact(4, 4, 4, 8) - 1.0 / 70.0).abs() < 1e-12);
        assert!((fisher_exact(3, 4, 4, 8) - 17.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_at_the_edge() {
        assert_eq!(fisher_exact(0, 4, 4, 8), 1.0);
        assert_eq!(fisher_exact(5, 4, 9, 8), 1.0);
        assert_eq!(fisher_exact(2, 9, 2, 8), 1.0);
        assert_eq!(fisher_exact(3, 3, 3, 3), 1.0);
        assert!(fisher_exact(3, 3, 3, 30) < 0.001);
    }
}
