//! Where the last row of each key stands.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use xxhash_rust::xxh3::xxh3_64;

use super::restore::restore;
use super::row::KeyColumns;
use super::set::Keys;
use crate::Error;

/// Columns that follow those of the key, in what is put in and in what comes out.
const PLACE: [(&str, DataType); 3] =
    [("file", DataType::UInt32), ("position", DataType::UInt32), ("order", DataType::Int64)];

/// Stands for the file of a row that is in none: its key has been deleted.
const NO_FILE: u32 = u32::MAX;

/// Which row of each key came last, and which rows are overtaken by another of their key.
#[derive(Debug)]
pub struct KeyLog {
    columns: KeyColumns,
    keys: Keys,
    places: Vec<Place>,
    overtaken: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    order: i64,
    file: u32,
    position: u32,
}

impl KeyLog {
    /// No rows; the fields of `schema` are the columns of a key.
    ///
    /// # Errors
    /// `InvalidArgument` without a column, `UnsupportedSchema` for one that cannot be part of a key.
    pub fn new(schema: &SchemaRef) -> Result<KeyLog, Error> {
        let columns = KeyColumns::new(schema)?;
        let keys = Keys::new(columns.width());
        Ok(KeyLog { columns, keys, places: Vec::new(), overtaken: Vec::new() })
    }

    /// Takes rows: the columns of the key, then `file`, `position` in it, and `order`. Of two rows with one key the one
    /// of higher order counts, of equal ones the later. The file 2^32-1 says that the key is deleted.
    ///
    /// # Errors
    /// `InvalidArgument` if the batch has other columns, or a row without a key: no row is taken then.
    pub fn put(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let (keys, places) = split(batch)?;
        let mut rows = self.columns.bind(keys)?;
        if let Some(row) = rows.first_missing(batch.num_rows()) {
            return Err(Error::InvalidArgument(format!("row {row} has no key: a column is null or NaN")));
        }
        for row in 0..batch.num_rows() {
            let Some(key) = rows.get(row) else { continue };
            let (number, is_new) = self.keys.insert(key)?;
            let place = places.get(row);
            if is_new {
                self.places.push(place);
            } else {
                self.settle(number, place);
            }
        }
        Ok(())
    }

    /// Decides between the last row of a key so far and a further one.
    fn settle(&mut self, number: usize, place: Place) {
        let last = &mut self.places[number];
        let loser = if place.order >= last.order { std::mem::replace(last, place) } else { place };
        if loser.file != NO_FILE {
            self.overtaken.push(loser);
        }
    }

    /// The rows that have been overtaken since the last call, as `file` and `position`, in order of both.
    ///
    /// # Errors
    /// `Arrow` if they do not fit a batch.
    pub fn take_overtaken(&mut self) -> Result<RecordBatch, Error> {
        let mut rows = std::mem::take(&mut self.overtaken);
        rows.sort_unstable_by_key(|place| (place.file, place.position));
        let files = UInt32Array::from_iter_values(rows.iter().map(|place| place.file));
        let positions = UInt32Array::from_iter_values(rows.iter().map(|place| place.position));
        let schema = Schema::new(place_fields().into_iter().take(2).collect::<Vec<_>>());
        Ok(RecordBatch::try_new(Arc::new(schema), vec![Arc::new(files), Arc::new(positions)])?)
    }

    /// The last row of each key of one of `buckets` parts, laid out as `put` takes them. A key is always in
    /// the same part.
    ///
    /// # Errors
    /// `InvalidArgument` if there is no such part, `Arrow` if the rows do not fit a batch.
    pub fn bucket(&self, bucket: u32, buckets: u32) -> Result<RecordBatch, Error> {
        if bucket >= buckets {
            return Err(Error::InvalidArgument(format!("there is no bucket {bucket} of {buckets}")));
        }
        let belongs = |number: &usize| xxh3_64(self.keys.get(*number)) % u64::from(buckets) == u64::from(bucket);
        let numbers: Vec<usize> = (0..self.keys.len()).filter(|number| buckets == 1 || belongs(number)).collect();
        self.rows(&numbers)
    }

    /// The last row of `count` keys from the key `first` on, laid out as `put` takes them.
    ///
    /// # Errors
    /// `Arrow` if the rows do not fit a batch.
    pub fn slice(&self, first: usize, count: usize) -> Result<RecordBatch, Error> {
        let end = self.keys.len().min(first.saturating_add(count));
        let numbers: Vec<usize> = (first..end).collect();
        self.rows(&numbers)
    }

    fn rows(&self, numbers: &[usize]) -> Result<RecordBatch, Error> {
        let keys: Vec<&[u8]> = numbers.iter().map(|number| self.keys.get(*number)).collect();
        let places = || numbers.iter().map(|number| self.places[*number]);
        let mut columns = restore(&self.columns, &keys)?;
        columns.push(Arc::new(UInt32Array::from_iter_values(places().map(|place| place.file))));
        columns.push(Arc::new(UInt32Array::from_iter_values(places().map(|place| place.position))));
        columns.push(Arc::new(Int64Array::from_iter_values(places().map(|place| place.order))));
        let fields: Vec<_> = self.columns.fields().iter().cloned().chain(place_fields()).collect();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    /// How many different keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.len() == 0
    }

    /// Memory in use, in bytes.
    pub fn size(&self) -> usize {
        self.keys.size() + (self.places.len() + self.overtaken.len()) * size_of::<Place>()
    }
}

fn place_fields() -> Vec<arrow_schema::FieldRef> {
    PLACE.map(|(name, kind)| Arc::new(Field::new(name, kind, false))).to_vec()
}

struct Places<'a> {
    files: &'a UInt32Array,
    positions: &'a UInt32Array,
    orders: &'a Int64Array,
}

impl Places<'_> {
    fn get(&self, row: usize) -> Place {
        Place { order: self.orders.value(row), file: self.files.value(row), position: self.positions.value(row) }
    }
}

/// The columns of the key, and those that follow.
fn split(batch: &RecordBatch) -> Result<(&[ArrayRef], Places<'_>), Error> {
    let wrong = || Error::InvalidArgument("after the key must come file, position: uint32 and order: int64".to_owned());
    let (keys, places) =
        batch.columns().split_at_checked(batch.num_columns().wrapping_sub(PLACE.len())).ok_or_else(wrong)?;
    let fits =
        places.iter().zip(&PLACE).all(|(column, (_, kind))| column.data_type() == kind && column.null_count() == 0);
    if !fits {
        return Err(wrong());
    }
    let [files, positions] = [&places[0], &places[1]].map(|column| column.as_primitive::<UInt32Type>());
    Ok((keys, Places { files, positions, orders: places[2].as_primitive::<Int64Type>() }))
}
