//! String columns: as JSON strings, or embedded as the JSON they already are.

use arrow_array::{OffsetSizeTrait, StringViewArray};

use super::column::{Cell, Fault};
use super::out::Out;
use super::text::{write_string, write_string_at};

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
    if text.trim_ascii().is_empty() {
        return Err(Fault::new("empty text is not JSON".to_owned()));
    }
    let mut rest = text;
    while let Some(line_break) = memchr::memchr2(b'\n', b'\r', rest) {
        out.slice(&rest[..line_break]);
        out.byte(b' ');
        rest = &rest[line_break + 1..];
    }
    out.slice(rest);
    Ok(())
}
