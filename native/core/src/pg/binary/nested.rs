//! Values with parts.

use super::super::column::Put;
use super::super::nested::{Array, Composite, Hstore, other_attributes, other_dimensions};
use super::super::policy::Context;
use super::super::wire::{Wire, malformed};
use super::put;

/// PostgreSQL's limit (MAXDIM).
const MOST_DIMENSIONS: usize = 6;

/// The least that a part takes: its length, or the length of its dimension and where that begins.
const PART: usize = 4;

pub(super) fn array(array: &mut Array, row: usize, value: &[u8], context: &mut Context) -> Put {
    let mut wire = Wire(value);
    let dimensions = wire.count(2 * PART)?;
    let (_has_nulls, _type) = (wire.i32()?, wire.i32()?);
    if dimensions == 0 {
        wire.end()?;
        array.put_empty(row);
        return Ok(true);
    }
    let mut lengths = [0; MOST_DIMENSIONS];
    let lengths = lengths.get_mut(..dimensions).ok_or_else(|| malformed("an array of too many dimensions"))?;
    if dimensions != array.dimensions.len() {
        return Err(other_dimensions(dimensions, array.dimensions.len()));
    }
    let mut items = 1_usize;
    for length in &mut *lengths {
        *length = usize::try_from(wire.i32()?).map_err(|_| malformed("a negative count"))?;
        let _lower_bound = wire.i32()?;
        items = items.saturating_mul(*length);
    }
    if items == 0 || items.saturating_mul(PART) > wire.0.len() {
        return Err(malformed("an array that ends too early"));
    }
    let first = array.items();
    array.put(row, lengths);
    for item in first..first + items {
        put(&mut array.item, item, wire.value()?, context).map_err(|fault| fault.within("*"))?;
    }
    context.grown += items * array.item.column.width().saturating_sub(PART);
    wire.end()?;
    Ok(true)
}

pub(super) fn composite(composite: &mut Composite, row: usize, value: &[u8], context: &mut Context) -> Put {
    let mut wire = Wire(value);
    let count = wire.count(2 * PART)?;
    if count != composite.columns.len() {
        return Err(other_attributes(count, composite.columns.len()));
    }
    composite.put(row);
    for slot in &mut composite.columns {
        let _type = wire.i32()?;
        put(slot, row, wire.value()?, context).map_err(|fault| fault.within(&slot.name))?;
    }
    wire.end()?;
    Ok(true)
}

pub(super) fn hstore(hstore: &mut Hstore, row: usize, value: &[u8]) -> Put {
    let mut wire = Wire(value);
    let count = wire.count(2 * PART)?;
    let first = hstore.ends.total();
    hstore.ends.put(row, count);
    for entry in first..first + count {
        let key = wire.value()?.ok_or_else(|| malformed("a key that is null"))?;
        hstore.keys.put(entry, key);
        if let Some(value) = wire.value()? {
            hstore.values.put(entry, value);
        }
    }
    wire.end()?;
    Ok(true)
}
