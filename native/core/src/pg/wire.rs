//! Bytes as PostgreSQL sends them: big-endian numbers, and values with their length before them.

use crate::fault::Fault;

/// What has not been read of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

impl<'a> Wire<'a> {
    /// The next `count` bytes.
    #[inline(always)]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Box<Fault>> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline(always)]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Box<Fault>> {
        let (chunk, rest) = self.0.split_first_chunk().ok_or_else(short)?;
        self.0 = rest;
        Ok(*chunk)
    }

    #[inline(always)]
    pub(super) fn i16(&mut self) -> Result<i16, Box<Fault>> {
        self.chunk().map(i16::from_be_bytes)
    }

    #[inline(always)]
    pub(super) fn i32(&mut self) -> Result<i32, Box<Fault>> {
        self.chunk().map(i32::from_be_bytes)
    }

    #[inline(always)]
    pub(super) fn u8(&mut self) -> Result<u8, Box<Fault>> {
        self.chunk().map(u8::from_be_bytes)
    }

    #[inline(always)]
    pub(super) fn u32(&mut self) -> Result<u32, Box<Fault>> {
        self.chunk().map(u32::from_be_bytes)
    }

    #[inline(always)]
    pub(super) fn u64(&mut self) -> Result<u64, Box<Fault>> {
        self.chunk().map(u64::from_be_bytes)
    }

    /// A value with its length before it; none is null.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, Box<Fault>> {
        match usize::try_from(self.i32()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// A count that `each` bytes at least are to follow for each of.
    pub(super) fn count(&mut self, each: usize) -> Result<usize, Box<Fault>> {
        let count = usize::try_from(self.i32()?).map_err(|_| malformed("a negative count"))?;
        if count.saturating_mul(each) > self.0.len() {
            return Err(short());
        }
        Ok(count)
    }

    /// Nothing may follow.
    #[inline(always)]
    pub(super) fn end(self) -> Result<(), Box<Fault>> {
        if self.0.is_empty() { Ok(()) } else { Err(malformed("bytes after its end")) }
    }
}

/// A value of a fixed length.
#[inline(always)]
pub(super) fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Box<Fault>> {
    value.try_into().map_err(|_| malformed("another length than its type has"))
}

#[cold]
fn short() -> Box<Fault> {
    malformed("it ends too early")
}

/// Not what PostgreSQL sends.
#[cold]
pub(super) fn malformed(why: &str) -> Box<Fault> {
    Fault::value(format!("malformed binary data: {why}"))
}
