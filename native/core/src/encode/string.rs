//! String columns: as JSON strings, or embedded as the JSON they already are.

use arrow_array::{OffsetSizeTrait, StringViewArray};

use super::column::Cell;
use super::out::Out;
use super::text::{write_string, write_string_at};
use crate::fault::Fault;
use crate::scan::{VALUE_DEPTH, skip_marking, skip_space};

/// Strings in one contiguous buffer.
pub(super) struct Strings<'a, O> {
    pub(super) offsets: &'a [O],
    pub(super) values: &'a [u8],
}

impl<O: OffsetSizeTrait> Cell for Strings<'_, O> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let (start, end) = (self.offsets[row].as_usize(), self.offsets[row + 1].as_usize());
        write_string_at(self.values, start, end, out);
        Ok(())
    }
}

/// JSON texts in one contiguous buffer.
pub(super) struct JsonTexts<'a, O> {
    pub(super) offsets: &'a [O],
    pub(super) values: &'a [u8],
}

impl<O: OffsetSizeTrait> Cell for JsonTexts<'_, O> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let (start, end) = (self.offsets[row].as_usize(), self.offsets[row + 1].as_usize());
        write_json(&self.values[start..end], out)
    }
}

/// Strings or JSON texts behind views.
pub(super) struct ViewedStrings<'a> {
    pub(super) array: &'a StringViewArray,
    pub(super) json: bool,
}

impl Cell for ViewedStrings<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let value = self.array.value(row).as_bytes();
        if self.json {
            return write_json(value, out);
        }
        write_string(value, out);
        Ok(())
    }
}

/// Embeds a JSON text. A line break would end the Singer line; outside of JSON strings, where it
/// must be escaped, a space means the same.
fn write_json(text: &[u8], out: &mut Out) -> Result<(), Box<Fault>> {
    let start = out.len();
    let mut rest = text;
    while let Some(line_break) = memchr::memchr2(b'\n', b'\r', rest) {
        out.slice(&rest[..line_break]);
        out.byte(b' ');
        rest = &rest[line_break + 1..];
    }
    out.slice(rest);
    check_json(out.as_slice(), start)
}

/// One value that is not JSON would make its whole line unreadable for whoever comes next.
fn check_json(bytes: &[u8], start: usize) -> Result<(), Box<Fault>> {
    let mut foreign = false;
    let end = skip_marking(bytes, skip_space(bytes, start), VALUE_DEPTH, &mut foreign)
        .map_err(|fault| Fault::value(fault.reason(start)))?;
    if skip_space(bytes, end) != bytes.len() {
        return Err(Fault::value("JSON text with something behind its value"));
    }
    if foreign {
        return Err(Fault::value("JSON text with NaN or Infinity, which JSON does not have"));
    }
    Ok(())
}
