//! Columns of bytes of any length: strings, JSON text, binary.

use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::nulls::{Lagging, Nulls};
use super::pool::Pool;
use crate::fault::Parsed;
use crate::scan::{Here, STRIDE, string_stops, unescape};

/// Byte strings, end to end. The reader's limits keep a batch below 2 GiB, so an offset never overflows.
pub(crate) struct Text {
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Nulls,
}

impl Text {
    pub(crate) fn new() -> Self {
        Text { values: Vec::new(), offsets: vec![0], nulls: Nulls::default() }
    }

    /// Sets `row` to the JSON string whose opening quote is here.
    #[inline(always)]
    pub(crate) fn put_string(&mut self, row: usize, here: Here) -> Parsed {
        self.settle(row);
        let Some(chunk) = here.near[1..].first_chunk::<STRIDE>() else {
            return self.put_rest(here.bytes, here.pos + 1);
        };
        // Copying a whole stride and cutting it back is cheaper than a call that copies just the string.
        self.values.extend_from_slice(chunk);
        let stops = string_stops(chunk);
        if stops == 0 {
            return self.put_rest(here.bytes, here.pos + 1 + STRIDE);
        }
        let length = stops.trailing_zeros() as usize;
        self.values.truncate(self.values.len() - STRIDE + length);
        if here.near[1 + length] != b'"' {
            return self.put_rest(here.bytes, here.pos + 1 + length);
        }
        self.close();
        Ok(here.pos + length + 2)
    }

    /// Sets `row` to any JSON string, or what should be one.
    #[cold]
    pub(crate) fn put_any_string(&mut self, row: usize, bytes: &[u8], pos: usize) -> Parsed {
        self.settle(row);
        self.put_rest(bytes, pos + 1)
    }

    /// Goes on with a string that did not end before `pos`.
    #[inline(never)]
    fn put_rest(&mut self, bytes: &[u8], pos: usize) -> Parsed {
        let end = unescape(bytes, pos, &mut self.values);
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
    pub(crate) fn take(&mut self, rows: usize, pool: &Pool) -> (OffsetBuffer<i32>, Buffer, Option<NullBuffer>) {
        self.settle(rows);
        let offsets = ScalarBuffer::new(pool.exchange(&mut self.offsets), 0, rows + 1);
        self.offsets.push(0);
        (OffsetBuffer::new(offsets), pool.exchange(&mut self.values), self.nulls.take(rows))
    }
}

impl Lagging for Text {
    #[inline(always)]
    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn pad(&mut self, rows: usize) {
        self.nulls.gap(self.len(), rows);
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
    use crate::scan::NEAR;

    fn column(strings: &[String]) -> Text {
        let mut column = Text::new();
        for (row, text) in strings.iter().enumerate() {
            let padded = format!("{text}{}", " ".repeat(NEAR));
            assert_eq!(column.put_string(row, Here::at(padded.as_bytes(), 0)), Ok(text.len()));
            assert_eq!(column.put_any_string(row, text.as_bytes(), 0), Ok(text.len()));
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
        let strings: Vec<String> =
            (0..40).map(|length| format!(r#""{}\n{}""#, "a".repeat(length), "b".repeat(20))).collect();
        let column = column(&strings);
        for row in 0..40 {
            assert_eq!(column.at(row), format!("{}\n{}", "a".repeat(row), "b".repeat(20)).as_bytes());
        }
    }

    #[test]
    fn a_broken_string_leaves_nothing() {
        let mut column = Text::new();
        for text in [r#""abcdefghijklmnopqrstuvwxyz\q""#, "\"abcdefghijklmnopqrstuvwxyz\n"] {
            let padded = format!("{text}{}", " ".repeat(NEAR));
            assert!(column.put_string(0, Here::at(padded.as_bytes(), 0)).is_err());
            assert!(column.put_any_string(0, text.as_bytes(), 0).is_err());
        }
        assert_eq!((column.len(), column.size()), (0, 0));
    }

    #[test]
    fn gaps_and_second_values_keep_the_offsets_right() {
        let mut column = Text::new();
        column.put(0, b"a");
        column.put(2, b"bc");
        column.put(2, b"d");
        let (offsets, values, nulls) = column.take(4, &Pool::new(0));
        assert_eq!(&offsets[..], [0, 1, 1, 2, 2]);
        assert_eq!(values.as_slice(), b"ad");
        assert_eq!(nulls.expect("nulls").null_count(), 2);
    }
}
