//! Structs, lists, maps and dictionaries: columns made of columns.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, Field, Fields};

use super::column::{Cell, Column};
use super::out::{Literal, Out};
use super::text::quoted;
use crate::fault::Fault;

/// A struct column, or the record of a line itself.
pub(super) struct Object<'a> {
    fields: Vec<Member<'a>>,
}

struct Member<'a> {
    /// What precedes the value: `{` or `,`, then `"name":`.
    key: Literal,
    name: &'a str,
    column: Column<'a>,
}

impl<'a> Object<'a> {
    pub(super) fn bind(fields: &'a Fields, columns: &'a [ArrayRef]) -> Result<Object<'a>, Box<Fault>> {
        let members = fields.iter().zip(columns).enumerate();
        let fields = members.map(|(index, (field, array))| Member::bind(index, field, array));
        Ok(Object { fields: fields.collect::<Result<_, _>>()? })
    }
}

impl Object<'_> {
    /// The first member whose value at `row` is not UTF-8.
    #[cold]
    pub(super) fn broken_member(&self, row: usize) -> Option<&str> {
        let is_broken = |member: &&Member<'_>| {
            let mut out = Out::default();
            member.column.write(row, &mut out).is_ok() && std::str::from_utf8(out.as_slice()).is_err()
        };
        self.fields.iter().find(is_broken).map(|member| member.name)
    }
}

impl<'a> Member<'a> {
    fn bind(index: usize, field: &'a Field, array: &'a ArrayRef) -> Result<Member<'a>, Box<Fault>> {
        let name = field.name().as_str();
        let opening: &[u8] = if index == 0 { b"{" } else { b"," };
        Ok(Member {
            key: Literal::new([opening, &quoted(name), b":"].concat()),
            name,
            column: Column::bind(field, array).map_err(|fault| fault.within(name))?,
        })
    }
}

impl Cell for Object<'_> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        if self.fields.is_empty() {
            out.byte(b'{');
        }
        for member in &self.fields {
            member.key.write(out);
            member.column.write(row, out).map_err(|fault| fault.within(member.name))?;
        }
        out.byte(b'}');
        Ok(())
    }
}

/// Lists of any length.
pub(super) struct Lists<'a, O> {
    offsets: &'a [O],
    items: Column<'a>,
}

impl<'a, O: OffsetSizeTrait> Lists<'a, O> {
    pub(super) fn bind(item: &Field, array: &'a GenericListArray<O>) -> Result<Self, Box<Fault>> {
        Ok(Lists {
            offsets: array.value_offsets(),
            items: Column::bind(item, array.values()).map_err(|fault| fault.within("*"))?,
        })
    }
}

impl<O: OffsetSizeTrait> Cell for Lists<'_, O> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_items(&self.items, self.offsets[row].as_usize(), self.offsets[row + 1].as_usize(), out)
    }
}

/// Lists of one length.
pub(super) struct FixedLists<'a> {
    length: usize,
    items: Column<'a>,
}

impl<'a> FixedLists<'a> {
    pub(super) fn bind(item: &Field, array: &'a FixedSizeListArray) -> Result<Self, Box<Fault>> {
        Ok(FixedLists {
            length: usize::try_from(array.value_length()).unwrap_or(0),
            items: Column::bind(item, array.values()).map_err(|fault| fault.within("*"))?,
        })
    }
}

impl Cell for FixedLists<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_items(&self.items, row * self.length, (row + 1) * self.length, out)
    }
}

fn write_items(items: &Column<'_>, start: usize, end: usize, out: &mut Out) -> Result<(), Box<Fault>> {
    out.byte(b'[');
    for index in start..end {
        if index > start {
            out.byte(b',');
        }
        items.write(index, out).map_err(|fault| fault.within((index - start).to_string()))?;
    }
    out.byte(b']');
    Ok(())
}

/// Maps, written as objects: JSON has no other map, so the keys must be strings.
struct Maps<'a> {
    offsets: &'a [i32],
    keys: Column<'a>,
    values: Column<'a>,
}

pub(super) fn bind_map(array: &MapArray) -> Result<Box<dyn Cell + '_>, Box<Fault>> {
    let key_type = array.keys().data_type();
    if !matches!(key_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return Err(Fault::value(format!("a map with {key_type} keys has no JSON form")));
    }
    let value_field = match array.entries().fields().as_ref() {
        [_, value] => value,
        _ => return Err(Fault::value("a map has keys and values".to_owned())),
    };
    Ok(Box::new(Maps {
        offsets: array.value_offsets(),
        keys: Column::bind_array(array.keys(), false)?,
        values: Column::bind(value_field, array.values()).map_err(|fault| fault.within("*"))?,
    }))
}

impl Cell for Maps<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let (start, end) = (self.offsets[row].as_usize(), self.offsets[row + 1].as_usize());
        out.byte(b'{');
        for index in start..end {
            if index > start {
                out.byte(b',');
            }
            self.keys.write(index, out)?;
            out.byte(b':');
            self.values.write(index, out).map_err(|fault| fault.within("*"))?;
        }
        out.byte(b'}');
        Ok(())
    }
}

/// Dictionary-encoded values of any type.
struct Dictionaries<'a, K> {
    keys: &'a [K],
    values: Column<'a>,
}

impl<K: ArrowNativeType> Cell for Dictionaries<'_, K> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        self.values.write(self.keys[row].as_usize(), out)
    }
}

pub(super) fn dictionary(array: &dyn Array, json: bool) -> Result<Box<dyn Cell + '_>, Box<Fault>> {
    let DataType::Dictionary(key_type, _) = array.data_type() else {
        return Err(Fault::value("not a dictionary".to_owned()));
    };
    match key_type.as_ref() {
        DataType::Int8 => keyed::<Int8Type>(array, json),
        DataType::Int16 => keyed::<Int16Type>(array, json),
        DataType::Int32 => keyed::<Int32Type>(array, json),
        DataType::Int64 => keyed::<Int64Type>(array, json),
        DataType::UInt8 => keyed::<UInt8Type>(array, json),
        DataType::UInt16 => keyed::<UInt16Type>(array, json),
        DataType::UInt32 => keyed::<UInt32Type>(array, json),
        _ => keyed::<UInt64Type>(array, json),
    }
}

fn keyed<K: ArrowDictionaryKeyType>(array: &dyn Array, json: bool) -> Result<Box<dyn Cell + '_>, Box<Fault>> {
    let array = array.as_dictionary::<K>();
    Ok(Box::new(Dictionaries { keys: array.keys().values(), values: Column::bind_array(array.values(), json)? }))
}
