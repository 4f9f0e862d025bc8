//! What all columns share while they decode.

/// How many notices a reader gives at most.
const NOTICES: usize = 1_000;

/// Memory that is used again and again, and what the reader has to say about properties it ignores.
#[derive(Default)]
pub(crate) struct Context {
    /// Keys whose escapes were resolved.
    pub(crate) key: Vec<u8>,
    /// Values whose escapes were resolved.
    pub(crate) value: Vec<u8>,
    notices: Vec<String>,
    given: usize,
}

impl Context {
    /// Remembers the path of a property without a column.
    pub(crate) fn notice(&mut self, path: impl FnOnce() -> String) {
        if self.given < NOTICES {
            self.given += 1;
            self.notices.push(path());
        }
    }

    /// The paths met since the last call.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    #[inline(always)]
    pub(crate) fn has_notices(&self) -> bool {
        !self.notices.is_empty()
    }
}
