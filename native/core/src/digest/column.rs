//! One bound column: an Arrow array seen as "the words of these rows".

use std::ops::Range;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;

use super::mix::{NULL, mix};
use super::{nested, scalar};
use crate::fault::Fault;

/// The words of one column.
pub(super) trait Words {
    /// Writes the word of every row of `rows`; what it writes for a null means nothing.
    fn words(&self, rows: Range<usize>, words: &mut [u64]);
}

pub(super) type BoxedWords<'a> = Box<dyn Words + 'a>;

/// A column of a batch, or of a struct, list or map inside one.
pub(super) struct Column<'a> {
    nulls: Option<NullBuffer>,
    values: BoxedWords<'a>,
}

impl<'a> Column<'a> {
    /// Chooses how to read the values of `array`.
    ///
    /// # Errors
    /// A fault naming the place of a type that has no class.
    pub(super) fn bind(array: &'a dyn Array) -> Result<Column<'a>, Box<Fault>> {
        let values = match scalar::bind(array) {
            Some(values) => values,
            None if matches!(array.data_type(), DataType::Dictionary(_, _)) => dictionary(array)?,
            None => nested::bind(array)?,
        };
        Ok(Column { nulls: array.logical_nulls().filter(|nulls| nulls.null_count() > 0), values })
    }

    /// Writes the words of `rows`, one for nulls too.
    pub(super) fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        self.values.words(rows.clone(), words);
        if let Some(nulls) = &self.nulls {
            for (word, row) in words.iter_mut().zip(rows) {
                *word = if nulls.is_null(row) { NULL } else { *word };
            }
        }
    }

    /// Adds the values of `rows` to the sums they are members of; `words` is room for as many.
    pub(super) fn add(&self, rows: Range<usize>, seed: u64, sums: &mut [u64], words: &mut [u64]) {
        self.values.words(rows.clone(), words);
        let members = words.iter().map(|word| mix(word.wrapping_add(seed)));
        let Some(nulls) = &self.nulls else {
            return sums.iter_mut().zip(members).for_each(|(sum, member)| *sum = sum.wrapping_add(member));
        };
        let there = nulls.inner().slice(rows.start, rows.len());
        for ((sum, member), is_there) in sums.iter_mut().zip(members).zip(&there) {
            *sum = sum.wrapping_add(if is_there { member } else { 0 });
        }
    }
}

/// Values that are named by keys: their words are made once.
struct Dictionary<'a, K> {
    keys: &'a [K],
    words: Vec<u64>,
}

impl<K: ArrowNativeType> Words for Dictionary<'_, K> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        for (word, key) in words.iter_mut().zip(&self.keys[rows]) {
            // The key of a null may be anything.
            *word = self.words.get(key.as_usize()).copied().unwrap_or(NULL);
        }
    }
}

fn dictionary(array: &dyn Array) -> Result<BoxedWords<'_>, Box<Fault>> {
    let DataType::Dictionary(key_type, _) = array.data_type() else {
        return Err(Fault::value("not a dictionary"));
    };
    match key_type.as_ref() {
        DataType::Int8 => keyed::<Int8Type>(array),
        DataType::Int16 => keyed::<Int16Type>(array),
        DataType::Int32 => keyed::<Int32Type>(array),
        DataType::Int64 => keyed::<Int64Type>(array),
        DataType::UInt8 => keyed::<UInt8Type>(array),
        DataType::UInt16 => keyed::<UInt16Type>(array),
        DataType::UInt32 => keyed::<UInt32Type>(array),
        _ => keyed::<UInt64Type>(array),
    }
}

fn keyed<K: ArrowDictionaryKeyType>(array: &dyn Array) -> Result<BoxedWords<'_>, Box<Fault>> {
    let array = array.as_dictionary::<K>();
    let mut words = vec![0; array.values().len()];
    Column::bind(array.values())?.words(0..words.len(), &mut words);
    Ok(Box::new(Dictionary { keys: array.keys().values(), words }))
}
