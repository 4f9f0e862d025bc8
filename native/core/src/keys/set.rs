//! Which keys there are.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::SchemaRef;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64;

use super::arena::Arena;
use super::row::KeyColumns;
use crate::Error;

/// A set of keys that tells for the rows of batches whether theirs is in it.
#[derive(Debug)]
pub struct KeySet {
    columns: KeyColumns,
    keys: Keys,
}

impl KeySet {
    /// No keys of `schema`, whose fields are the columns of a key.
    ///
    /// # Errors
    /// `InvalidArgument` without a column, `UnsupportedSchema` for one that cannot be part of a key.
    pub fn new(schema: &SchemaRef) -> Result<KeySet, Error> {
        let columns = KeyColumns::new(schema)?;
        let keys = Keys::new(columns.width());
        Ok(KeySet { columns, keys })
    }

    /// Adds the keys of a batch; rows without one add nothing.
    ///
    /// # Errors
    /// `InvalidArgument` if the batch has other columns, or there are more keys than can be counted.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut rows = self.columns.bind(batch.columns())?;
        for row in 0..batch.num_rows() {
            if let Some(key) = rows.get(row) {
                self.keys.insert(key)?;
            }
        }
        Ok(())
    }

    /// Which rows of a batch have a key that is in the set.
    ///
    /// # Errors
    /// `InvalidArgument` if the batch has other columns.
    pub fn contains(&self, batch: &RecordBatch) -> Result<BooleanArray, Error> {
        let mut rows = self.columns.bind(batch.columns())?;
        let hits = match rows.words() {
            Some(words) => BooleanBuffer::collect_bool(batch.num_rows(), |row| self.keys.has_word(words[row])),
            None => BooleanBuffer::collect_bool(batch.num_rows(), |row| {
                rows.get(row).is_some_and(|key| self.keys.find(key).is_some())
            }),
        };
        Ok(BooleanArray::new(hits, None))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.len() == 0
    }

    /// Memory in use, in bytes.
    pub fn size(&self) -> usize {
        self.keys.size()
    }
}

/// Different keys, numbered in the order they came.
#[derive(Debug)]
pub(super) struct Keys {
    table: HashTable<u32>,
    arena: Arena,
}

impl Keys {
    pub(super) fn new(width: Option<usize>) -> Keys {
        Keys { table: HashTable::new(), arena: Arena::new(width) }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get(&self, number: usize) -> &[u8] {
        self.arena.get(number)
    }

    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.table.find(hash_of(key), |number| self.arena.get(*number as usize) == key).copied()
    }

    /// Whether there is a key of these eight bytes, in a set all of whose keys have eight.
    #[inline]
    fn has_word(&self, word: [u8; WORD]) -> bool {
        self.table.find(hash_of_word(word), |number| self.arena.get(*number as usize) == word).is_some()
    }

    /// The number of a key, and whether it is new.
    pub(super) fn insert(&mut self, key: &[u8]) -> Result<(usize, bool), Error> {
        let Ok(next) = u32::try_from(self.table.len()) else {
            return Err(Error::InvalidArgument("there are more keys than 2^32".to_owned()));
        };
        let arena = &self.arena;
        let same = |number: &u32| arena.get(*number as usize) == key;
        match self.table.entry(hash_of(key), same, |number| hash_of(arena.get(*number as usize))) {
            Entry::Occupied(found) => Ok((*found.get() as usize, false)),
            Entry::Vacant(place) => {
                place.insert(next);
                self.arena.push(key);
                Ok((next as usize, true))
            }
        }
    }

    pub(super) fn size(&self) -> usize {
        self.table.capacity() * (size_of::<u32>() + 1) + self.arena.size()
    }
}

/// Bytes of the keys that almost all tables have: one integer or moment.
pub(super) const WORD: usize = 8;

/// Where a key is looked for.
fn hash_of(key: &[u8]) -> u64 {
    match <[u8; WORD]>::try_from(key) {
        Ok(word) => hash_of_word(word),
        Err(_) => xxh3_64(key),
    }
}

/// Few instructions, for they are the price of every row of a table that is searched. A multiplication by an odd
/// number spreads keys upwards; folding the product brings that down to the bits that the table takes first.
#[inline]
fn hash_of_word(word: [u8; WORD]) -> u64 {
    let product = u128::from(u64::from_le_bytes(word) ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
    (product >> 64) as u64 ^ product as u64
}
