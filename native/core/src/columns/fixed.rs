//! Columns whose values have one size.

use arrow_array::builder::BooleanBufferBuilder;
use arrow_buffer::{ArrowNativeType, BooleanBuffer, NullBuffer, ScalarBuffer};

use super::nulls::{Lagging, Nulls};
use super::pool::{Pool, Pooled};

/// Values of a primitive type.
pub(crate) struct Fixed<T> {
    values: Vec<T>,
    nulls: Nulls,
}

impl<T: ArrowNativeType + Pooled> Fixed<T> {
    pub(crate) fn new() -> Self {
        Fixed { values: Vec::new(), nulls: Nulls::default() }
    }

    /// Sets the value of `row`, which is the last one.
    #[inline(always)]
    pub(crate) fn put(&mut self, row: usize, value: T) {
        self.settle(row);
        self.values.push(value);
    }

    /// The value of `row`, if it has one.
    pub(crate) fn at(&self, row: usize) -> Option<T> {
        self.values.get(row).copied()
    }

    /// The column's buffers; the column is empty afterwards.
    pub(crate) fn take(&mut self, rows: usize, pool: &Pool) -> (ScalarBuffer<T>, Option<NullBuffer>) {
        self.settle(rows);
        (ScalarBuffer::new(pool.exchange(&mut self.values), 0, rows), self.nulls.take(rows))
    }
}

impl<T: ArrowNativeType + Pooled> Lagging for Fixed<T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.gap(self.values.len(), rows);
        self.values.resize(rows, T::default());
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }
}

/// Booleans, one bit each.
pub(crate) struct Bits {
    values: BooleanBufferBuilder,
    nulls: Nulls,
}

impl Bits {
    pub(crate) fn new() -> Self {
        Bits { values: BooleanBufferBuilder::new(0), nulls: Nulls::default() }
    }

    /// Sets the value of `row`, which is the last one.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, value: bool) {
        self.settle(row);
        self.values.append(value);
    }

    /// The column's buffers; the column is empty afterwards.
    pub(crate) fn take(&mut self, rows: usize) -> (BooleanBuffer, Option<NullBuffer>) {
        self.settle(rows);
        (self.values.finish(), self.nulls.take(rows))
    }
}

impl Lagging for Bits {
    #[inline(always)]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.gap(self.values.len(), rows);
        self.values.append_n(rows - self.values.len(), false);
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_become_nulls() {
        let mut column = Fixed::<i64>::new();
        column.put(0, 7);
        column.put(3, 8);
        let (values, nulls) = column.take(5, &Pool::new(0));
        assert_eq!(values.to_vec(), [7, 0, 0, 8, 0]);
        let bits: Vec<bool> = nulls.expect("nulls").iter().collect();
        assert_eq!(bits, [true, false, false, true, false]);
        assert_eq!(column.len(), 0);
    }

    #[test]
    fn the_last_value_of_a_row_wins() {
        let mut column = Fixed::<i64>::new();
        column.put(0, 1);
        column.put(0, 2);
        assert_eq!(column.at(0), Some(2));
        column.put(1, 3);
        column.forget(1);
        let (values, nulls) = column.take(2, &Pool::new(0));
        assert_eq!(values.to_vec(), [2, 0]);
        assert!(nulls.expect("nulls").is_null(1));
    }

    #[test]
    fn booleans_lag_too() {
        let mut column = Bits::new();
        column.put(1, true);
        column.put(2, false);
        column.put(2, true);
        let (values, nulls) = column.take(4);
        assert_eq!(values.iter().collect::<Vec<_>>(), [false, true, true, false]);
        assert_eq!(nulls.expect("nulls").null_count(), 2);
    }
}
