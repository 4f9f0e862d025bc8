//! Words of structs, lists and maps: columns made of columns.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait};
use arrow_schema::{DataType, Field, FieldRef};
use xxhash_rust::xxh3::xxh3_64;

use super::column::{BoxedWords, Column, Words};
use super::mix::{LIST, MAP, STRUCT, mix};
use crate::fault::Fault;

/// Chooses how to read the values of `array`, which hold others.
///
/// # Errors
/// A fault naming the place of a type that has no class.
pub(super) fn bind(array: &dyn Array) -> Result<BoxedWords<'_>, Box<Fault>> {
    Ok(match array.data_type() {
        DataType::Struct(fields) => Box::new(Members::bind(fields, array.as_struct().columns())?),
        DataType::List(_) => Box::new(Lists::<i32>::bind(array.as_list())?),
        DataType::LargeList(_) => Box::new(Lists::<i64>::bind(array.as_list())?),
        DataType::FixedSizeList(_, _) => Box::new(FixedLists::bind(array.as_fixed_size_list())?),
        DataType::Map(_, _) => Box::new(Maps::bind(array.as_map())?),
        other => return Err(Fault::value(format!("the Arrow type {other} has no digest"))),
    })
}

/// The members of a struct column, or the columns of a batch.
pub(super) struct Members<'a> {
    members: Vec<(u64, Column<'a>)>,
}

impl<'a> Members<'a> {
    pub(super) fn bind(fields: &[FieldRef], columns: &'a [ArrayRef]) -> Result<Members<'a>, Box<Fault>> {
        let member = |(field, array): (&FieldRef, &'a ArrayRef)| Ok((name(field), within(field, array)?));
        Ok(Members { members: fields.iter().zip(columns).map(member).collect::<Result<_, Box<Fault>>>()? })
    }

    /// Writes for every row of `rows` the sum of its members.
    pub(super) fn sums(&self, rows: Range<usize>, sums: &mut [u64]) {
        let mut words = vec![0; rows.len()];
        sums.fill(0);
        for (seed, column) in &self.members {
            column.add(rows.clone(), *seed, sums, &mut words);
        }
    }
}

impl Words for Members<'_> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        self.sums(rows, words);
        for word in words {
            *word = mix(word.wrapping_add(STRUCT));
        }
    }
}

fn name(field: &Field) -> u64 {
    xxh3_64(field.name().as_bytes())
}

fn within<'a>(field: &Field, array: &'a ArrayRef) -> Result<Column<'a>, Box<Fault>> {
    Column::bind(array).map_err(|fault| fault.within(field.name()))
}

/// Lists of any length.
struct Lists<'a, O> {
    offsets: &'a [O],
    items: Column<'a>,
}

impl<'a, O: OffsetSizeTrait> Lists<'a, O> {
    fn bind(array: &'a GenericListArray<O>) -> Result<Self, Box<Fault>> {
        let items = Column::bind(array.values()).map_err(|fault| fault.within("*"))?;
        Ok(Lists { offsets: array.value_offsets(), items })
    }
}

impl<O: OffsetSizeTrait> Words for Lists<'_, O> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        let ends = Ends::of(self.offsets, rows);
        let items = ends.words(&self.items);
        for (word, range) in words.iter_mut().zip(ends.ranges()) {
            *word = list(&items[range]);
        }
    }
}

/// Lists of one length.
struct FixedLists<'a> {
    length: usize,
    items: Column<'a>,
}

impl<'a> FixedLists<'a> {
    fn bind(array: &'a FixedSizeListArray) -> Result<Self, Box<Fault>> {
        let items = Column::bind(array.values()).map_err(|fault| fault.within("*"))?;
        Ok(FixedLists { length: usize::try_from(array.value_length()).unwrap_or(0), items })
    }
}

impl Words for FixedLists<'_> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        let mut items = vec![0; rows.len() * self.length];
        self.items.words(rows.start * self.length..rows.end * self.length, &mut items);
        for (row, word) in words.iter_mut().enumerate() {
            *word = list(&items[row * self.length..(row + 1) * self.length]);
        }
    }
}

fn list(items: &[u64]) -> u64 {
    items.iter().fold(LIST, |hash, item| mix(hash.wrapping_add(*item)))
}

/// Maps, in whatever order their entries are.
struct Maps<'a> {
    offsets: &'a [i32],
    keys: Column<'a>,
    values: Column<'a>,
}

impl<'a> Maps<'a> {
    fn bind(array: &'a MapArray) -> Result<Maps<'a>, Box<Fault>> {
        let column = |array| Column::bind(array).map_err(|fault| fault.within("*"));
        Ok(Maps { offsets: array.value_offsets(), keys: column(array.keys())?, values: column(array.values())? })
    }
}

impl Words for Maps<'_> {
    fn words(&self, rows: Range<usize>, words: &mut [u64]) {
        let ends = Ends::of(self.offsets, rows);
        let (keys, values) = (ends.words(&self.keys), ends.words(&self.values));
        let entry = |(key, value): (&u64, &u64)| mix(mix(key.wrapping_add(MAP)).wrapping_add(*value));
        for (word, range) in words.iter_mut().zip(ends.ranges()) {
            let entries = keys[range.clone()].iter().zip(&values[range]).map(entry);
            *word = mix(entries.fold(MAP, u64::wrapping_add));
        }
    }
}

/// Where the items of consecutive rows end in the column of all items.
struct Ends<'a, O> {
    offsets: &'a [O],
}

impl<'a, O: OffsetSizeTrait> Ends<'a, O> {
    fn of(offsets: &'a [O], rows: Range<usize>) -> Self {
        Ends { offsets: &offsets[rows.start..=rows.end] }
    }

    fn first(&self) -> usize {
        self.offsets.first().map_or(0, |offset| offset.as_usize())
    }

    /// The words of all items of the rows.
    fn words(&self, items: &Column<'_>) -> Vec<u64> {
        let range = self.first()..self.offsets.last().map_or(0, |offset| offset.as_usize());
        let mut words = vec![0; range.len()];
        items.words(range, &mut words);
        words
    }

    /// Which of these words belong to each row.
    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let first = self.first();
        self.offsets.windows(2).map(move |pair| pair[0].as_usize() - first..pair[1].as_usize() - first)
    }
}
