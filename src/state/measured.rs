//! What the measures of a goal's bounds came to on a column's rows.
//!
//! Values are by bound, in the goal's order; a row's answer may have none of some. Nothing is kept where a goal has no bound.

use crate::id::RowIx;
use crate::task::measure::Total;
use std::collections::BTreeMap;

/// The values of the rows of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredRows {
    by_row: BTreeMap<RowIx, Vec<Option<f64>>>,
    by_bound: Vec<Sample>,
}

/// The values of one bound.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sample {
    /// In ascending order.
    values: Vec<f64>,
    sum: f64,
}

impl MeasuredRows {
    /// Without a value.
    pub(super) const EMPTY: Self = Self { by_row: BTreeMap::new(), by_bound: Vec::new() };

    /// The values of a row, by bound; empty where it has none.
    #[must_use]
    pub fn of_row(&self, row: RowIx) -> &[Option<f64>] {
        self.by_row.get(&row).map_or(&[], Vec::as_slice)
    }

    /// What a bound's measure came to over all rows; `None` where none has a value.
    #[must_use]
    pub fn total(&self, bound: usize, total: Total) -> Option<f64> {
        let Sample { values, sum } = self.by_bound.get(bound)?;
        let last = values.len().checked_sub(1)?;
        Some(match total {
            Total::Share | Total::Mean => sum / values.len() as f64,
            Total::Quantile(share) => {
                let rank = (share * values.len() as f64).ceil() as usize;
                values[rank.saturating_sub(1).min(last)]
            }
        })
    }

    pub(super) fn set(&mut self, row: RowIx, values: &[Option<f64>]) {
        self.remove(row);
        if values.is_empty() {
            return;
        }
        if self.by_bound.len() < values.len() {
            self.by_bound.resize(values.len(), Sample::default());
        }
        for (sample, value) in self.by_bound.iter_mut().zip(values) {
            if let Some(value) = *value {
                let place = sample.values.partition_point(|other| *other < value);
                sample.values.insert(place, value);
                sample.sum += value;
            }
        }
        self.by_row.insert(row, values.to_vec());
    }

    pub(super) fn remove(&mut self, row: RowIx) {
        let Some(values) = self.by_row.remove(&row) else { return };
        for (sample, value) in self.by_bound.iter_mut().zip(values) {
            if let Some(value) = value {
                let place = sample.values.partition_point(|other| *other < value);
                if sample.values.get(place) == Some(&value) {
                    sample.values.remove(place);
                    sample.sum -= value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn totals_are_those_of_the_rows_that_are_there(
            events in prop::collection::vec((0_u32..12, prop::option::of(prop::option::of(0_u32..9))), 0..60),
        ) {
            let mut rows = MeasuredRows::default();
            let mut known: BTreeMap<u32, Option<f64>> = BTreeMap::new();
            for (row, event) in events {
                match event {
                    Some(value) => {
                        let value = value.map(f64::from);
                        rows.set(RowIx(row), &[value]);
                        known.insert(row, value);
                    }
                    None => {
                        rows.remove(RowIx(row));
                        known.remove(&row);
                    }
                }
            }
            let mut values: Vec<f64> = known.values().filter_map(|value| *value).collect();
            values.sort_by(f64::total_cmp);
            let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
            prop_assert_eq!(rows.total(0, Total::Mean), mean);
            let rank = (values.len() * 19).div_ceil(20);
            let p95 = rank.checked_sub(1).map(|place| values[place]);
            prop_assert_eq!(rows.total(0, Total::Quantile(0.95)), p95);
            prop_assert_eq!(rows.total(1, Total::Mean), None);
        }
    }
}
