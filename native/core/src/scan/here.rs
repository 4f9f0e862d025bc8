//! A position with what follows it at hand.

/// How much of what follows is at hand.
pub(crate) const NEAR: usize = 64;

/// Nothing that a value or a key begins with.
static NOTHING: [u8; NEAR] = [b'\n'; NEAR];

/// A position in the input.
///
/// `near` is an array, so that looking at its bytes needs no further check of bounds: that is what the fast paths do. Near
/// the end of the buffer it holds line feeds, on which every fast path gives up, and the general path goes on with `bytes`.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) pos: usize,
    pub(crate) near: &'a [u8; NEAR],
}

impl<'a> Here<'a> {
    #[inline(always)]
    pub(crate) fn at(bytes: &'a [u8], pos: usize) -> Here<'a> {
        let near = match bytes.get(pos..).and_then(|rest| rest.first_chunk()) {
            Some(near) => near,
            None => nothing(),
        };
        Here { bytes, pos, near }
    }

    /// The byte at the position, for the general path.
    #[inline]
    pub(crate) fn byte(self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// The position after `null`, if that is here.
    #[inline(always)]
    pub(crate) fn after_null(self) -> Option<usize> {
        (self.near.first_chunk() == Some(b"null")).then_some(self.pos + 4)
    }
}

/// Called, so that the test for it is a jump that is always predicted and not a move that everything then waits for.
#[cold]
#[inline(never)]
fn nothing() -> &'static [u8; NEAR] {
    &NOTHING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_at_hand_or_nothing_is() {
        let bytes: Vec<u8> = (0..100).collect();
        assert_eq!(Here::at(&bytes, 36).near[..], bytes[36..]);
        for pos in [37, 100, 101] {
            assert_eq!(Here::at(&bytes, pos).near, &NOTHING);
        }
        assert_eq!((Here::at(&bytes, 99).byte(), Here::at(&bytes, 100).byte()), (Some(99), None));
    }

    #[test]
    fn null_is_recognised() {
        let text = format!("null{}", " ".repeat(NEAR));
        assert_eq!(Here::at(text.as_bytes(), 0).after_null(), Some(4));
        assert_eq!(Here::at(text.as_bytes(), 1).after_null(), None);
    }
}
