//! The bytes read and not yet used, as runs of whole lines that are UTF-8.

use std::io;
use std::time::Duration;

use memchr::{memchr, memrchr};

use crate::{Error, Fill, Source};

/// Bytes after the data that may be looked at (not used): lets the scanners read whole blocks.
const PADDING: usize = 64;
/// Lines are checked for UTF-8 in runs of this size, so that they are still in the cache when they are decoded.
const RUN: usize = 64 << 10;
/// A rest of a line up to this size is moved to the front before each read, so that reads hit warm memory.
const CHEAP_MOVE: usize = 16 << 10;

/// What can be decoded next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Whole lines up to here.
    Valid { end: usize },
    /// One line, which ends here and is not UTF-8.
    NotUtf8 { end: usize },
    /// More bytes are needed.
    Incomplete,
}

/// A buffer of input.
pub(super) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whole lines up to here are UTF-8.
    valid: usize,
    /// There is no line end between `start` and here.
    searched: usize,
    read_bytes: usize,
    longest: usize,
    /// The input is over; the last line ends in a line feed, which may be made up.
    finished: bool,
    made_up: bool,
}

impl Input {
    pub(super) fn new(read_bytes: usize, longest: usize) -> Input {
        let buffer = vec![0; read_bytes + PADDING];
        Input { buffer, start: 0, end: 0, valid: 0, searched: 0, read_bytes, longest, finished: false, made_up: false }
    }

    /// The whole buffer, and where the bytes to use begin.
    pub(super) fn bytes(&self) -> (&[u8], usize) {
        (&self.buffer, self.start)
    }

    /// Gives up the bytes before `pos`.
    pub(super) fn consume(&mut self, pos: usize) {
        self.start = pos;
        self.searched = self.searched.max(pos);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Bytes that were counted but never read: the last line's end, if it was made up.
    pub(super) fn made_up_bytes(&self) -> u64 {
        u64::from(self.made_up)
    }

    /// Adds bytes.
    pub(super) fn feed(&mut self, data: &[u8]) {
        self.make_room(data.len());
        self.buffer[self.end..self.end + data.len()].copy_from_slice(data);
        self.end += data.len();
    }

    /// Reads once from `source`.
    pub(super) fn fill(&mut self, source: &mut dyn Source, wait: Duration) -> io::Result<Fill> {
        let unused = self.end - self.start;
        self.make_room(self.read_bytes.max(unused.min(self.longest)));
        let room = self.buffer.len() - PADDING;
        let fill = source.read(&mut self.buffer[self.end..room], wait)?;
        match fill {
            Fill::Bytes(count) => self.end = (self.end + count).min(room),
            Fill::End => self.finish(),
            Fill::TimedOut => {}
        }
        Ok(fill)
    }

    /// Says that nothing follows.
    pub(super) fn finish(&mut self) {
        self.finished = true;
        if self.start < self.end && self.buffer[self.end - 1] != b'\n' {
            self.buffer[self.end] = b'\n';
            self.end += 1;
            self.made_up = true;
        }
    }

    /// Finds the next lines; `line` is the number of the first.
    pub(super) fn lines(&mut self, line: u64) -> Result<Lines, Error> {
        if self.valid > self.start {
            return Ok(Lines::Valid { end: self.valid });
        }
        let Some(end) = self.whole_lines() else {
            self.searched = self.end;
            if self.end - self.start > self.longest {
                return Err(Error::LineTooLong { line, limit: self.longest });
            }
            return Ok(Lines::Incomplete);
        };
        let run = &self.buffer[self.start..end];
        if simdutf8::basic::from_utf8(run).is_ok() {
            self.valid = end;
            return Ok(Lines::Valid { end });
        }
        Ok(self.split_at_bad_line(end))
    }

    /// The end of some whole lines: as many as fit a run, or one.
    fn whole_lines(&self) -> Option<usize> {
        let run = self.end.min(self.start + RUN);
        if self.searched < run
            && let Some(at) = memrchr(b'\n', &self.buffer[self.start..run])
        {
            return Some(self.start + at + 1);
        }
        let from = self.searched.max(run);
        memchr(b'\n', &self.buffer[from..self.end]).map(|at| from + at + 1)
    }

    #[cold]
    fn split_at_bad_line(&mut self, end: usize) -> Lines {
        let run = &self.buffer[self.start..end];
        let good = simdutf8::compat::from_utf8(run).err().map_or(run.len(), |error| error.valid_up_to());
        match memrchr(b'\n', &run[..good]) {
            Some(at) => {
                self.valid = self.start + at + 1;
                Lines::Valid { end: self.valid }
            }
            None => {
                let rest = memchr(b'\n', &run[good..]).map_or(run.len(), |at| good + at + 1);
                Lines::NotUtf8 { end: self.start + rest }
            }
        }
    }

    /// Makes sure that `count` bytes fit behind the data.
    fn make_room(&mut self, count: usize) {
        let unused = self.end - self.start;
        let fits = self.buffer.len() >= self.end + count + PADDING;
        if self.start > 0 && (unused <= CHEAP_MOVE || !fits) {
            self.move_to_front();
        }
        let needed = self.end + count + PADDING;
        let usual = self.read_bytes + CHEAP_MOVE + PADDING;
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        } else if self.buffer.len() > 8 * usual && needed <= usual {
            // The buffer grew for one long line or a large feed.
            self.buffer.truncate(usual);
            self.buffer.shrink_to_fit();
        }
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.valid = self.valid.saturating_sub(self.start);
        self.searched = self.searched.saturating_sub(self.start);
        self.end -= self.start;
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(chunks: &[&[u8]]) -> Input {
        let mut input = Input::new(1, 1 << 20);
        for chunk in chunks {
            input.feed(chunk);
        }
        input
    }

    fn next(input: &mut Input) -> (Lines, Vec<u8>) {
        let lines = input.lines(1).expect("no long line");
        let (bytes, start) = input.bytes();
        let end = match lines {
            Lines::Valid { end } | Lines::NotUtf8 { end } => end,
            Lines::Incomplete => start,
        };
        let text = bytes[start..end].to_vec();
        input.consume(end);
        (lines, text)
    }

    #[test]
    fn only_whole_lines_come_out() {
        let mut input = fed(&[b"a\nb", b"c\nd"]);
        assert_eq!(next(&mut input).1, b"a\nbc\n");
        assert_eq!(next(&mut input).0, Lines::Incomplete);
        input.finish();
        assert_eq!(next(&mut input).1, b"d\n");
        assert_eq!(input.made_up_bytes(), 1);
    }

    #[test]
    fn a_line_that_is_not_utf8_comes_alone() {
        let mut input = fed(&[b"a\nb\xFFb\nc\n\xC3\n"]);
        assert_eq!(next(&mut input).1, b"a\n");
        assert!(matches!(next(&mut input), (Lines::NotUtf8 { .. }, text) if text == b"b\xFFb\n"));
        assert_eq!(next(&mut input).1, b"c\n");
        assert!(matches!(next(&mut input), (Lines::NotUtf8 { .. }, text) if text == b"\xC3\n"));
    }

    #[test]
    fn lines_longer_than_a_run_are_found() {
        let long = [b"x".repeat(3 * RUN), b"\n".to_vec()].concat();
        let mut input = Input::new(1000, 1 << 20);
        for chunk in long.chunks(7_777) {
            assert_eq!(next(&mut input).0, Lines::Incomplete);
            input.feed(chunk);
        }
        assert_eq!(next(&mut input).1, long);
        input.feed(b"y\n");
        assert!(input.buffer.len() < 50_000, "the buffer shrinks again");
    }

    #[test]
    fn an_endless_line_is_an_error_not_memory() {
        let mut input = Input::new(16, 100);
        input.feed(&[b'x'; 101]);
        assert!(matches!(input.lines(7), Err(Error::LineTooLong { line: 7, limit: 100 })));
    }
}
