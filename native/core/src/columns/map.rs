//! Objects with any keys: maps.

use std::collections::HashMap;

use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};

use super::cell::Cell;
use super::context::Context;
use super::key;
use super::nulls::{Lagging, Nulls};
use super::pool::Pool;
use super::strings::Text;
use crate::fault::{Fault, Parsed};
use crate::scan::{Here, VALUE_DEPTH, skip, skip_space};

/// Up to this many keys are compared with each other to find one that came twice.
const FEW: usize = 16;

/// Entries of all rows, and where each row's begin.
pub(crate) struct Map {
    pub(crate) keys: Text,
    pub(crate) values: Cell,
    offsets: Vec<i32>,
    nulls: Nulls,
}

impl Map {
    pub(crate) fn new(values: Cell) -> Map {
        Map { keys: Text::new(), values, offsets: vec![0], nulls: Nulls::default() }
    }

    /// Sets `row` to the object whose opening brace is here.
    pub(crate) fn put(&mut self, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        self.settle(row);
        let first = self.count();
        let end = self.read(bytes, pos + 1, first, context).and_then(|end| {
            if self.has_twins(first) {
                self.read_last_values(bytes, pos, first, context).map(|()| end)
            } else {
                Ok(end)
            }
        });
        if end.is_err() {
            self.drop_from(first);
        } else {
            self.offsets.push(self.keys.len() as i32);
        }
        end
    }

    fn read(&mut self, bytes: &[u8], pos: usize, first: usize, context: &mut Context) -> Parsed {
        let mut pos = skip_space(bytes, pos);
        if bytes.get(pos) == Some(&b'}') {
            return Ok(pos + 1);
        }
        for entry in first.. {
            pos = self.put_entry(entry, bytes, pos, context)?;
            match key::after_comma(bytes, pos)? {
                Some(next) => pos = next,
                None => break,
            }
        }
        key::end_of_object(bytes, pos)
    }

    /// Reads the entry whose key is at `pos`.
    fn put_entry(&mut self, entry: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        let (name, value) = key::read(bytes, pos, &mut context.key)?;
        self.keys.put(entry, name);
        let end = self.values.decode(entry, Here::at(bytes, value), context);
        end.map_err(|fault| fault.within(String::from_utf8_lossy(self.keys.at(entry))))
    }

    /// Whether a key came twice in the entries from `first` on.
    fn has_twins(&self, first: usize) -> bool {
        let count = self.keys.len() - first;
        if count > FEW {
            let mut seen = std::collections::HashSet::with_capacity(count);
            return !(first..self.keys.len()).all(|entry| seen.insert(self.keys.at(entry)));
        }
        (first..self.keys.len()).any(|entry| (first..entry).any(|earlier| self.keys.at(earlier) == self.keys.at(entry)))
    }

    /// Reads the object at `pos` again, each key where it came first, with the value that came last.
    #[cold]
    fn read_last_values(
        &mut self,
        bytes: &[u8],
        pos: usize,
        first: usize,
        context: &mut Context,
    ) -> Result<(), Box<Fault>> {
        self.drop_from(first);
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut entries: Vec<usize> = Vec::new();
        let mut next = Some(skip_space(bytes, pos + 1));
        while let Some(key) = next {
            let (name, value) = key::read(bytes, key, &mut context.key)?;
            match places.get(name) {
                Some(&place) => entries[place] = key,
                None => {
                    places.insert(name.to_vec(), entries.len());
                    entries.push(key);
                }
            }
            next = key::after_comma(bytes, skip(bytes, value, VALUE_DEPTH)?)?;
        }
        for (entry, &key) in entries.iter().enumerate() {
            self.put_entry(first + entry, bytes, key, context)?;
        }
        Ok(())
    }

    fn drop_from(&mut self, entry: usize) {
        self.keys.forget(entry);
        self.values.builder.forget(entry);
    }

    /// Entries in all rows.
    pub(crate) fn count(&self) -> usize {
        self.offsets.last().map_or(0, |&offset| offset as usize)
    }

    /// The map's own buffers; the entries are still in their columns.
    pub(crate) fn take(&mut self, rows: usize, pool: &Pool) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        self.settle(rows);
        let offsets = ScalarBuffer::new(pool.exchange(&mut self.offsets), 0, rows + 1);
        self.offsets.push(0);
        (OffsetBuffer::new(offsets), self.nulls.take(rows))
    }
}

impl Lagging for Map {
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
        self.drop_from(self.count());
    }
}
