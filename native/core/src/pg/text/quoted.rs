//! Parts of values that have parts: in quotes or not.

use std::borrow::Cow;

use super::malformed;
use crate::fault::Fault;

/// What has not been read of a value.
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl<'a> Parts<'a> {
    pub(super) fn next_is(&self, byte: u8) -> bool {
        self.0.first() == Some(&byte)
    }

    /// Goes on behind `text` if it is here.
    pub(super) fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Goes on behind `text`, which must be here.
    pub(super) fn expect(&mut self, text: &[u8]) -> Result<(), Box<Fault>> {
        if self.skip(text) { Ok(()) } else { Err(malformed("its parts do not follow each other as they should")) }
    }

    /// What comes before the first of `ends`, all of it if there is none.
    pub(super) fn until(&mut self, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = self.0.iter().position(|byte| ends(*byte)).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(at);
        self.0 = rest;
        part
    }

    /// The content of the quotes that open here. A backslash, or a quote before a quote, stands for what follows it.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Box<Fault>> {
        self.expect(b"\"")?;
        let plain = self.until(|byte| matches!(byte, b'"' | b'\\'));
        if self.0.first() == Some(&b'"') && self.0.get(1) != Some(&b'"') {
            self.0 = &self.0[1..];
            return Ok(Cow::Borrowed(plain));
        }
        let mut content = plain.to_vec();
        loop {
            match self.0 {
                [b'\\', byte, rest @ ..] | [b'"', byte @ b'"', rest @ ..] => {
                    content.push(*byte);
                    self.0 = rest;
                }
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return Ok(Cow::Owned(content));
                }
                _ => return Err(malformed("quotes that do not end")),
            }
            content.extend_from_slice(self.until(|byte| matches!(byte, b'"' | b'\\')));
        }
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), Box<Fault>> {
        if self.0.is_empty() { Ok(()) } else { Err(malformed("something after its end")) }
    }
}
