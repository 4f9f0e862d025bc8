//! Which rows of a column hold a value.

use arrow_array::builder::BooleanBufferBuilder;
use arrow_buffer::NullBuffer;

/// A validity bitmap that exists from the first null on.
#[derive(Default)]
pub(crate) struct Nulls(Option<BooleanBufferBuilder>);

impl Nulls {
    /// One more row, with a value.
    #[inline(always)]
    pub(crate) fn push_valid(&mut self) {
        if let Some(bits) = &mut self.0 {
            bits.append(true);
        }
    }

    /// `count` more rows, without one, after `rows`.
    pub(crate) fn pad(&mut self, rows: usize, count: usize) {
        let bits = self.0.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(rows + count);
            bits.append_n(rows, true);
            bits
        });
        bits.append_n(count, false);
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        if let Some(bits) = &mut self.0 {
            bits.truncate(rows);
        }
    }

    pub(crate) fn take(&mut self) -> Option<NullBuffer> {
        let nulls = NullBuffer::new(self.0.take()?.finish());
        (nulls.null_count() > 0).then_some(nulls)
    }
}

/// A column that may lag behind the rows: what is missing at its end is null.
///
/// A null or absent value therefore costs nothing; the gap is filled when the next value comes or the batch is cut.
pub(crate) trait Lagging {
    fn len(&self) -> usize;

    /// Appends nulls up to `rows`.
    fn pad(&mut self, rows: usize);

    /// Drops every row from `rows` on.
    fn truncate(&mut self, rows: usize);

    /// Makes the column end just before `row`: a gap becomes nulls, and a value that the row has already (its key came
    /// twice) gives way.
    #[inline(always)]
    fn settle(&mut self, row: usize) {
        if self.len() != row {
            adjust(self, row);
        }
    }

    /// Makes `row` null.
    #[inline]
    fn forget(&mut self, row: usize) {
        if self.len() > row {
            self.truncate(row);
        }
    }
}

#[inline(never)]
fn adjust<C: Lagging + ?Sized>(column: &mut C, row: usize) {
    if column.len() > row { column.truncate(row) } else { column.pad(row) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_without_nulls_has_no_bitmap() {
        let mut nulls = Nulls::default();
        nulls.push_valid();
        assert!(nulls.take().is_none());
    }

    #[test]
    fn nulls_are_counted_from_where_they_start() {
        let mut nulls = Nulls::default();
        nulls.pad(3, 2);
        nulls.push_valid();
        nulls.truncate(5);
        nulls.push_valid();
        let bits: Vec<bool> = nulls.take().expect("nulls").iter().collect();
        assert_eq!(bits, [true, true, true, false, false, true]);
    }

    #[test]
    fn a_bitmap_whose_nulls_were_rolled_back_is_dropped() {
        let mut nulls = Nulls::default();
        nulls.pad(2, 1);
        nulls.truncate(2);
        assert!(nulls.take().is_none());
    }
}
