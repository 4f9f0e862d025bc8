//! Columns of bytes of any length: strings, JSON text, binary.

use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::nulls::{Lagging, Nulls};
use crate::fault::{Fault, Parsed};
use crate::scan::{BLOCK, Block, string_stop, unescape};

/// Byte strings, end to end. The reader's limits keep a batch below 2 GiB, so an offset never overflows.
pub(crate) struct Text {
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Nulls,
}

impl Text {
    pub(crate) fn new() -> Self {
        Text {
            values: Vec::new(),
            offsets: vec![0],
            nulls: Nulls::default(),
        }
    }

    /// Sets `row` to the JSON string whose opening quote is at `pos`.
    #[inline(always)]
    pub(crate) fn put_string(&mut self, row: usize, bytes: &[u8], pos: usize) -> Parsed {
        self.settle(row);
        let start = pos + 1;
        let Some((block, chunk)) = Block::at(bytes, start) else {
            return self.put_long(bytes, start, start);
        };
        let stops = block.string_stops();
        if stops == 0 {
            return self.put_long(bytes, start, start + BLOCK);
        }
        let length = stops.trailing_zeros() as usize;
        if chunk[length] != b'"' {
            return self.put_long(bytes, start, start + length);
        }
        // Copying a whole block and cutting it back is cheaper than a call to copy just the string.
        let total = self.values.len() + length;
        self.values.extend_from_slice(chunk);
        self.values.truncate(total);
        self.close();
        Ok(start + length + 1)
    }

    /// The same for a string of which nothing up to `pos` ends it.
    #[inline(never)]
    fn put_long(&mut self, bytes: &[u8], start: usize, pos: usize) -> Parsed {
        let stop = string_stop(bytes, pos);
        self.values.extend_from_slice(&bytes[start..stop]);
        let end = match bytes.get(stop) {
            Some(b'"') => Ok(stop + 1),
            Some(b'\\') => unescape(bytes, stop, &mut self.values),
            _ => Err(Fault::syntax(stop, "the end of a string")),
        };
        match end {
            Ok(_) => self.close(),
            Err(_) => self.values.truncate(self.last_offset()),
        }
        end
    }

    /// Sets `row` to `text`.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, text: &[u8]) {
        self.put_with(row, |values| values.extend_from_slice(text));
    }

    /// Sets `row` to what `write` appends.
    #[inline]
    pub(crate) fn put_with(&mut self, row: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.settle(row);
        write(&mut self.values);
        self.close();
    }

    #[inline(always)]
    fn close(&mut self) {
        self.offsets.push(self.values.len() as i32);
        self.nulls.push_valid();
    }

    /// The value of `row`.
    pub(crate) fn at(&self, row: usize) -> &[u8] {
        match self.offsets.get(row..row + 2) {
            Some(&[start, end]) => &self.values[start as usize..end as usize],
            _ => &[],
        }
    }

    fn last_offset(&self) -> usize {
        self.offsets.last().map_or(0, |&offset| offset as usize)
    }

    /// Bytes of all values.
    pub(crate) fn size(&self) -> usize {
        self.values.len()
    }

    /// The column's buffers; the column is empty afterwards.
    pub(crate) fn take(&mut self, rows: usize) -> (OffsetBuffer<i32>, Buffer, Option<NullBuffer>) {
        self.settle(rows);
        let values = Vec::with_capacity(self.values.len());
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.push(0);
        let offsets = ScalarBuffer::from(std::mem::replace(&mut self.offsets, offsets));
        let values = Buffer::from_vec(std::mem::replace(&mut self.values, values));
        (OffsetBuffer::new(offsets), values, self.nulls.take())
    }
}

impl Lagging for Text {
    #[inline(always)]
    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.pad(self.len(), rows - self.len());
        self.offsets.resize(rows + 1, self.values.len() as i32);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.values.truncate(self.last_offset());
        self.nulls.truncate(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(strings: &[String]) -> Text {
        let mut column = Text::new();
        for (row, text) in strings.iter().enumerate() {
            assert_eq!(column.put_string(row, text.as_bytes(), 0), Ok(text.len()));
        }
        column
    }

    #[test]
    fn strings_of_every_length_are_kept() {
        let strings: Vec<String> = (0..100).map(|length| format!("\"{}\"", "é".repeat(length))).collect();
        let column = column(&strings);
        for (row, text) in strings.iter().enumerate() {
            assert_eq!(column.at(row), text.trim_matches('"').as_bytes());
        }
    }

    #[test]
    fn escapes_anywhere_are_resolved() {
        let strings: Vec<String> = (0..40)
            .map(|length| format!(r#""{}\n{}""#, "a".repeat(length), "b".repeat(20)))
            .collect();
        let column = column(&strings);
        for row in 0..40 {
            assert_eq!(
                column.at(row),
                format!("{}\n{}", "a".repeat(row), "b".repeat(20)).as_bytes()
            );
        }
    }

    #[test]
    fn a_broken_string_leaves_nothing() {
        let mut column = Text::new();
        assert!(column.put_string(0, br#""abcdefghijklmnopqrstuvwxyz\q""#, 0).is_err());
        assert!(column.put_string(0, b"\"abcdefghijklmnopqrstuvwxyz\n", 0).is_err());
        assert_eq!((column.len(), column.size()), (0, 0));
    }

    #[test]
    fn gaps_and_second_values_keep_the_offsets_right() {
        let mut column = Text::new();
        column.put(0, b"a");
        column.put(2, b"bc");
        column.put(2, b"d");
        let (offsets, values, nulls) = column.take(4);
        assert_eq!(&offsets[..], [0, 1, 1, 2, 2]);
        assert_eq!(values.as_slice(), b"ad");
        assert_eq!(nulls.expect("nulls").null_count(), 2);
    }
}
