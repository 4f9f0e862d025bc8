//! Bytes: base64, or the text of a UUID when there are sixteen of them.

use arrow_array::{BinaryViewArray, FixedSizeBinaryArray, OffsetSizeTrait};

use super::column::Cell;
use super::out::Out;
use crate::fault::Fault;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Byte strings of any length in one contiguous buffer.
pub(super) struct Binaries<'a, O> {
    pub(super) offsets: &'a [O],
    pub(super) values: &'a [u8],
}

impl<O: OffsetSizeTrait> Cell for Binaries<'_, O> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let (start, end) = (self.offsets[row].as_usize(), self.offsets[row + 1].as_usize());
        write_base64(&self.values[start..end], out);
        Ok(())
    }
}

/// Byte strings behind views.
pub(super) struct ViewedBinaries<'a>(pub(super) &'a BinaryViewArray);

impl Cell for ViewedBinaries<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_base64(self.0.value(row), out);
        Ok(())
    }
}

/// Byte strings of one length.
pub(super) struct FixedBinaries<'a>(pub(super) &'a FixedSizeBinaryArray);

impl Cell for FixedBinaries<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_base64(self.0.value(row), out);
        Ok(())
    }
}

/// UUIDs, written in the lower-case form with hyphens (RFC 9562).
pub(super) struct Uuids<'a>(pub(super) &'a FixedSizeBinaryArray);

impl Cell for Uuids<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        out.byte(b'"');
        for (index, byte) in self.0.value(row).iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.byte(b'-');
            }
            out.slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        }
        out.byte(b'"');
        Ok(())
    }
}

/// Appends a quoted base64 string with padding (RFC 4648 §4).
fn write_base64(bytes: &[u8], out: &mut Out) {
    out.byte(b'"');
    let (triples, rest) = bytes.as_chunks::<3>();
    for &[a, b, c] in triples {
        out.slice(&sextets(a, b, c));
    }
    match *rest {
        [a] => out.slice(&[sextets(a, 0, 0)[0], sextets(a, 0, 0)[1], b'=', b'=']),
        [a, b] => {
            let [w, x, y, _] = sextets(a, b, 0);
            out.slice(&[w, x, y, b'=']);
        }
        _ => {}
    }
    out.byte(b'"');
}

fn sextets(a: u8, b: u8, c: u8) -> [u8; 4] {
    let word = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift & 0x3f) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(bytes: &[u8]) -> String {
        let mut out = Out::default();
        write_base64(bytes, &mut out);
        String::from_utf8_lossy(out.as_slice()).into_owned()
    }

    #[test]
    fn base64_follows_the_test_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", "\"\""),
            ("f", "\"Zg==\""),
            ("fo", "\"Zm8=\""),
            ("foo", "\"Zm9v\""),
            ("foob", "\"Zm9vYg==\""),
            ("fooba", "\"Zm9vYmE=\""),
            ("foobar", "\"Zm9vYmFy\""),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "\"+//+\"");
    }
}
