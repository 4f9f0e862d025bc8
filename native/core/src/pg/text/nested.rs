//! Values with parts.

use super::super::column::Put;
use super::super::nested::{Array, Composite, Hstore, other_attributes, other_dimensions};
use super::super::policy::Context;
use super::quoted::Parts;
use super::{malformed, put};
use crate::fault::Fault;

/// PostgreSQL's limit (MAXDIM).
const MOST_DIMENSIONS: usize = 6;

pub(super) fn array(array: &mut Array, row: usize, value: &[u8], context: &mut Context) -> Put {
    let mut parts = Parts(value);
    if parts.next_is(b'[') {
        let _bounds = parts.until(|byte| byte == b'=');
        parts.expect(b"=")?;
    }
    if parts.0 == b"{}" {
        array.put_empty(row);
        return Ok(true);
    }
    let dimensions = parts.0.iter().take_while(|byte| **byte == b'{').count();
    if dimensions != array.dimensions.len() && (1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Err(other_dimensions(dimensions, array.dimensions.len()));
    }
    let first = array.items();
    let mut next = first;
    list(array, 0, row, &mut next, &mut parts, context)?;
    context.grown += (next - first) * array.item.column.width();
    parts.end()?;
    Ok(true)
}

/// Reads the list that opens here, of items or of lists.
fn list(
    array: &mut Array,
    depth: usize,
    row: usize,
    next: &mut usize,
    parts: &mut Parts,
    context: &mut Context,
) -> Result<(), Box<Fault>> {
    parts.expect(b"{")?;
    let mut count = 0;
    loop {
        if depth + 1 < array.dimensions.len() {
            list(array, depth + 1, row, next, parts, context)?;
        } else {
            item(array, *next, parts, context).map_err(|fault| fault.within("*"))?;
            *next += 1;
        }
        count += 1;
        if parts.skip(b"}") {
            array.close(depth, row, count);
            return Ok(());
        }
        parts.expect(&[array.delimiter])?;
    }
}

fn item(array: &mut Array, at: usize, parts: &mut Parts, context: &mut Context) -> Result<(), Box<Fault>> {
    if parts.next_is(b'"') {
        return put(&mut array.item, at, Some(&parts.quoted()?), context);
    }
    let delimiter = array.delimiter;
    match parts.until(|byte| byte == delimiter || matches!(byte, b'{' | b'}' | b'"')) {
        b"" => Err(malformed("an item of nothing")),
        b"NULL" => put(&mut array.item, at, None, context),
        bare => put(&mut array.item, at, Some(bare), context),
    }
}

pub(super) fn composite(composite: &mut Composite, row: usize, value: &[u8], context: &mut Context) -> Put {
    let mut parts = Parts(value);
    parts.expect(b"(")?;
    composite.put(row);
    let planned = composite.columns.len();
    for (index, slot) in composite.columns.iter_mut().enumerate() {
        if index > 0 && !parts.skip(b",") {
            return Err(other_attributes(index, planned));
        }
        let put = if parts.next_is(b'"') {
            put(slot, row, Some(&parts.quoted()?), context)
        } else {
            let bare = parts.until(|byte| matches!(byte, b',' | b')' | b'"' | b'('));
            put(slot, row, (!bare.is_empty()).then_some(bare), context)
        };
        put.map_err(|fault| fault.within(&slot.name))?;
    }
    context.grown += composite.width();
    if parts.next_is(b',') {
        return Err(other_attributes(planned + 1, planned));
    }
    parts.expect(b")")?;
    parts.end()?;
    Ok(true)
}

pub(super) fn hstore(hstore: &mut Hstore, row: usize, value: &[u8]) -> Put {
    let mut parts = Parts(value);
    let first = hstore.ends.total();
    let mut entry = first;
    while !parts.0.is_empty() {
        if entry > first {
            parts.expect(b", ")?;
        }
        hstore.keys.put(entry, &parts.quoted()?);
        parts.expect(b"=>")?;
        if !parts.skip(b"NULL") {
            hstore.values.put(entry, &parts.quoted()?);
        }
        entry += 1;
    }
    hstore.ends.put(row, entry - first);
    Ok(true)
}
