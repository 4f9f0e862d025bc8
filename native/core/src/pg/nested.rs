//! Columns whose values have parts.

use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};

use super::column::Slot;
use crate::columns::{Lagging, Nulls, Pool, Text};
use crate::fault::Fault;

/// Where the parts of each row end among all parts.
pub(super) struct Ends {
    ends: Vec<i32>,
    nulls: Nulls,
}

impl Ends {
    fn new() -> Ends {
        Ends { ends: vec![0], nulls: Nulls::default() }
    }

    /// Sets `row` to the `count` parts that come next.
    pub(super) fn put(&mut self, row: usize, count: usize) {
        self.settle(row);
        self.ends.push(self.total() as i32 + count as i32);
    }

    /// Parts of all rows.
    pub(super) fn total(&self) -> usize {
        self.ends.last().map_or(0, |&end| end as usize)
    }

    /// The buffers; it is empty afterwards.
    pub(super) fn take(&mut self, rows: usize, pool: &Pool) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        self.settle(rows);
        let offsets = ScalarBuffer::new(pool.exchange(&mut self.ends), 0, rows + 1);
        self.ends.push(0);
        (OffsetBuffer::new(offsets), self.nulls.take(rows))
    }
}

impl Lagging for Ends {
    fn len(&self) -> usize {
        self.ends.len() - 1
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.gap(self.len(), rows);
        self.ends.resize(rows + 1, self.total() as i32);
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows + 1);
        self.nulls.truncate(rows);
    }
}

/// Lists in lists, as deep as the array has dimensions.
pub(super) struct Array {
    /// From the outermost in; one at least.
    pub(super) dimensions: Vec<Ends>,
    pub(super) item: Slot,
    /// What is between items in the text form: the type's own character.
    pub(super) delimiter: u8,
}

impl Array {
    pub(super) fn new(dimensions: usize, item: Slot, delimiter: u8) -> Array {
        Array { dimensions: (0..dimensions).map(|_| Ends::new()).collect(), item, delimiter }
    }

    /// Items of all rows.
    pub(super) fn items(&self) -> usize {
        self.dimensions.last().map_or(0, Ends::total)
    }

    /// Sets `row` to an array of so many items in each dimension; they are to follow.
    pub(super) fn put(&mut self, row: usize, lengths: &[usize]) {
        let mut lists = 1;
        for (depth, (ends, &length)) in self.dimensions.iter_mut().zip(lengths).enumerate() {
            let first = if depth == 0 { row } else { ends.len() };
            (0..lists).for_each(|list| ends.put(first + list, length));
            lists *= length;
        }
    }

    /// Sets `row` to an array of no dimensions.
    pub(super) fn put_empty(&mut self, row: usize) {
        if let Some(outermost) = self.dimensions.first_mut() {
            outermost.put(row, 0);
        }
    }

    /// Ends a list of `count` parts at `depth`, which is that of `row` or one inside; its parts are set.
    pub(super) fn close(&mut self, depth: usize, row: usize, count: usize) {
        if let Some(ends) = self.dimensions.get_mut(depth) {
            let list = if depth == 0 { row } else { ends.len() };
            ends.put(list, count);
        }
    }
}

/// A struct.
pub(super) struct Composite {
    pub(super) columns: Vec<Slot>,
    rows: usize,
    nulls: Nulls,
}

impl Composite {
    pub(super) fn new(columns: Vec<Slot>) -> Composite {
        Composite { columns, rows: 0, nulls: Nulls::default() }
    }

    /// Bytes that a row takes whatever its value is.
    pub(super) fn width(&self) -> usize {
        self.columns.iter().map(|slot| slot.column.width()).sum()
    }

    /// Sets `row`, whose columns are set beside.
    pub(super) fn put(&mut self, row: usize) {
        self.settle(row);
        self.rows = row + 1;
    }

    /// Which rows have a value; it is empty afterwards.
    pub(super) fn take(&mut self, rows: usize) -> Option<NullBuffer> {
        self.settle(rows);
        self.rows = 0;
        self.nulls.take(rows)
    }
}

impl Lagging for Composite {
    fn len(&self) -> usize {
        self.rows
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.gap(self.rows, rows);
        self.rows = rows;
    }

    fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        self.nulls.truncate(rows);
    }
}

/// Texts by texts.
pub(super) struct Hstore {
    pub(super) ends: Ends,
    pub(super) keys: Text,
    pub(super) values: Text,
}

impl Hstore {
    pub(super) fn new() -> Hstore {
        Hstore { ends: Ends::new(), keys: Text::new(), values: Text::new() }
    }
}

#[cold]
pub(super) fn other_dimensions(found: usize, planned: usize) -> Box<Fault> {
    Fault::value(format!(
        "an array of {found} dimensions where {planned} are declared: read the column as json by column_types"
    ))
}

#[cold]
pub(super) fn other_attributes(found: usize, planned: usize) -> Box<Fault> {
    Fault::value(format!(
        "a composite of {found} attributes where {planned} are planned: its type has changed, discover it anew"
    ))
}
