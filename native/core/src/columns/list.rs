//! Arrays.

use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};

use super::cell::Cell;
use super::context::Context;
use super::nulls::{Lagging, Nulls};
use super::pool::Pool;
use crate::fault::{Fault, Parsed};
use crate::scan::{Here, skip_space};

/// Items of all rows in one cell, and where each row's begin.
pub(crate) struct List {
    pub(crate) items: Cell,
    offsets: Vec<i32>,
    nulls: Nulls,
}

impl List {
    pub(crate) fn new(items: Cell) -> List {
        List { items, offsets: vec![0], nulls: Nulls::default() }
    }

    /// Sets `row` to the array whose opening bracket is here.
    pub(crate) fn put(&mut self, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        self.settle(row);
        let first = self.count();
        let mut count = first;
        match self.read(bytes, pos + 1, &mut count, context) {
            Ok(end) => {
                self.offsets.push(count as i32);
                Ok(end)
            }
            Err(fault) => {
                self.items.builder.forget(first);
                Err(fault.within((count - first).to_string()))
            }
        }
    }

    fn read(&mut self, bytes: &[u8], pos: usize, count: &mut usize, context: &mut Context) -> Parsed {
        let mut pos = skip_space(bytes, pos);
        if bytes.get(pos) == Some(&b']') {
            return Ok(pos + 1);
        }
        loop {
            pos = skip_space(bytes, self.items.decode(*count, Here::at(bytes, pos), context)?);
            *count += 1;
            match bytes.get(pos) {
                Some(b',') => pos = skip_space(bytes, pos + 1),
                Some(b']') => return Ok(pos + 1),
                _ => return Err(Fault::syntax(pos, "',' or ']'")),
            }
        }
    }

    /// Items in all rows.
    pub(crate) fn count(&self) -> usize {
        self.offsets.last().map_or(0, |&offset| offset as usize)
    }

    /// Items in `row`.
    pub(crate) fn length(&self, row: usize) -> usize {
        match self.offsets.get(row..row + 2) {
            Some(&[start, end]) => (end - start) as usize,
            _ => 0,
        }
    }

    /// The list's own buffers; the items are still in the cell.
    pub(crate) fn take(&mut self, rows: usize, pool: &Pool) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        self.settle(rows);
        let offsets = ScalarBuffer::new(pool.exchange(&mut self.offsets), 0, rows + 1);
        self.offsets.push(0);
        (OffsetBuffer::new(offsets), self.nulls.take(rows))
    }
}

impl Lagging for List {
    #[inline(always)]
    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.gap(self.len(), rows);
        self.offsets.resize(rows + 1, self.count() as i32);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.nulls.truncate(rows);
        self.items.builder.forget(self.count());
    }
}
