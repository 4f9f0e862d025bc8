//! Which rows of a column hold a value.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

/// The rows without a value, as gaps between those with one: rows that have a value cost nothing.
#[derive(Default)]
pub(crate) struct Nulls {
    gaps: Vec<Gap>,
}

/// Rows from `start` up to `end`.
#[derive(Clone, Copy)]
struct Gap {
    start: u32,
    end: u32,
}

impl Nulls {
    /// The rows from `start` up to `end` have no value.
    #[inline]
    pub(crate) fn gap(&mut self, start: usize, end: usize) {
        self.gaps.push(Gap { start: start as u32, end: end as u32 });
    }

    /// Forgets the rows from `rows` on.
    pub(crate) fn truncate(&mut self, rows: usize) {
        while let Some(gap) = self.gaps.last_mut() {
            gap.end = gap.end.min(rows as u32);
            if gap.start < gap.end {
                break;
            }
            self.gaps.pop();
        }
    }

    /// The bitmap of `rows` rows; none if every row has a value.
    pub(crate) fn take(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.gaps.is_empty() {
            return None;
        }
        let mut words = vec![u64::MAX; rows.div_ceil(64)];
        for gap in self.gaps.drain(..) {
            clear(&mut words, gap.start as usize, gap.end as usize);
        }
        words.iter_mut().for_each(|word| *word = word.to_le());
        Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words), 0, rows)))
    }
}

/// Sets the bits from `start` up to `end` to zero; most often they are few, and in one word.
#[inline]
fn clear(words: &mut [u64], start: usize, end: usize) {
    let (first, last) = (start / 64, end / 64);
    let (before, after) = (!(u64::MAX << (start % 64)), u64::MAX << (end % 64));
    if first == last {
        words[first] &= before | after;
        return;
    }
    words[first] &= before;
    words[first + 1..last].fill(0);
    if let Some(word) = words.get_mut(last) {
        *word &= after;
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

    fn bits(nulls: &mut Nulls, rows: usize) -> Vec<bool> {
        nulls.take(rows).map(|bits| bits.iter().collect()).unwrap_or_default()
    }

    #[test]
    fn a_column_without_nulls_has_no_bitmap() {
        assert!(Nulls::default().take(9).is_none());
    }

    #[test]
    fn gaps_become_zeros() {
        let mut nulls = Nulls::default();
        nulls.gap(0, 1);
        nulls.gap(3, 5);
        assert_eq!(bits(&mut nulls, 6), [false, true, true, false, false, true]);
        assert!(nulls.take(6).is_none(), "it is empty again");
    }

    #[test]
    fn gaps_of_every_length_and_place_become_zeros() {
        for rows in [1, 63, 64, 65, 128, 200] {
            for start in 0..rows {
                for end in start + 1..=rows {
                    let mut nulls = Nulls::default();
                    nulls.gap(start, end);
                    let expected: Vec<bool> = (0..rows).map(|row| row < start || row >= end).collect();
                    assert_eq!(bits(&mut nulls, rows), expected, "{start} to {end} of {rows}");
                }
            }
        }
    }

    #[test]
    fn gaps_are_cut_off_with_their_rows() {
        let mut nulls = Nulls::default();
        nulls.gap(1, 4);
        nulls.gap(6, 7);
        nulls.truncate(7);
        nulls.truncate(2);
        assert_eq!(bits(&mut nulls, 3), [true, false, true]);
        nulls.gap(2, 3);
        nulls.truncate(2);
        assert!(nulls.take(2).is_none());
    }
}
