//! `each`: every operator, on each parent.

use crate::operator::Used;
use crate::strategy::search::Choose;

kind! {
    /// Every operator is used on each parent, as often as its weight says.
    "each": "Every operator, `weight` times for each parent.",
    Each {}
}

impl Choose for Each {
    fn turns(&self, operators: &[Used]) -> Option<Vec<usize>> {
        let uses = |(place, operator): (usize, &Used)| {
            std::iter::repeat_n(place, operator.common.weight as usize)
        };
        Some(operators.iter().enumerate().flat_map(uses).collect())
    }
}
