//! Lines in, events out.

use std::collections::{HashSet, VecDeque};

use memchr::memchr;

use super::epoch::Epoch;
use super::streams::Streams;
use super::tail::Tails;
use crate::columns::{Context, Pool};
use crate::plan::About;
use crate::scan::Here;
use crate::{Error, Event, ReaderOptions, Stats};

/// However many streams are open, each may hold this much.
const SMALLEST_BATCH: usize = 256 << 10;

/// What is known of the input so far.
pub(super) struct Decoder {
    pub(super) events: VecDeque<Event>,
    pub(super) stats: Stats,
    pub(super) epoch: Epoch,
    pub(super) streams: Streams,
    pub(super) options: ReaderOptions,
    pub(super) context: Context,
    tails: Tails,
    pub(super) pool: Pool,
    pub(super) unknown_types: HashSet<String>,
    /// A SCHEMA event waits for its plan; no further line may be decoded before.
    pub(super) paused: bool,
}

impl Decoder {
    pub(super) fn new(options: ReaderOptions) -> Decoder {
        Decoder {
            events: VecDeque::new(),
            stats: Stats::default(),
            epoch: Epoch::new(&options),
            streams: Streams::default(),
            options,
            context: Context::default(),
            tails: Tails::default(),
            pool: Pool::new(options.batch_bytes),
            unknown_types: HashSet::new(),
            paused: false,
        }
    }

    /// Decodes the lines from `pos` to `end`, or fewer if a SCHEMA comes up. Returns where the next line starts.
    pub(super) fn lines(&mut self, bytes: &[u8], mut pos: usize, end: usize) -> Result<usize, Error> {
        self.paused = false;
        while pos < end && !self.paused {
            self.stats.lines += 1;
            let next = match self.record(bytes, pos) {
                Some(next) => next?,
                None => self.any_line(bytes, pos, end)?,
            };
            self.stats.bytes += (next - pos) as u64;
            if self.context.has_notices() {
                self.say_notices();
            }
            pos = next;
        }
        Ok(pos)
    }

    /// Decodes the line at `pos` if it looks like a record before it and is a good one. Otherwise nothing has happened.
    #[inline(always)]
    fn record(&mut self, bytes: &[u8], pos: usize) -> Option<Result<usize, Error>> {
        let (index, members) = self.streams.route(Here::at(bytes, pos))?;
        self.streams.met(index);
        let records = self.streams.get(index).records.as_mut()?;
        let end = records.read(bytes, members, &mut self.context).ok()?;
        let Some(tail) = self.tails.read(bytes, end).filter(|tail| tail.end - pos <= self.options.max_line_bytes)
        else {
            records.rollback();
            return None;
        };
        let about = About {
            time_extracted: tail.time_extracted,
            version: tail.version,
            line: self.stats.lines,
            raw: &bytes[members - 1..end],
        };
        Some(self.keep(index, &about).map(|()| tail.end + 1))
    }

    /// Keeps the record that the stream has just read.
    #[inline(always)]
    pub(super) fn keep(&mut self, index: usize, about: &About) -> Result<(), Error> {
        let (bytes, open) = (self.options.batch_bytes, self.streams.open.len().max(1));
        let share = || (bytes / open).max(SMALLEST_BATCH).min(bytes);
        let stream = self.streams.get(index);
        stream.last_line = about.line;
        let Some(records) = &mut stream.records else {
            return Ok(());
        };
        records.commit(about);
        self.stats.records += 1;
        self.epoch.overtake();
        let full = records.is_full(about.raw.len(), self.options.batch_rows, share);
        if records.rows() == 1 {
            self.streams.open.push(index);
        }
        if full { self.flush(index) } else { Ok(()) }
    }

    /// Hands over the open records of a stream.
    pub(super) fn flush(&mut self, index: usize) -> Result<(), Error> {
        self.streams.open.retain(|&open| open != index);
        let stream = self.streams.get(index);
        let Some(records) = stream.records.as_mut().filter(|records| records.rows() > 0) else {
            return Ok(());
        };
        let batch = records.take(&self.pool)?;
        self.events.push_back(Event::Batch { line: stream.last_line, stream: stream.name.clone(), batch });
        Ok(())
    }

    /// Hands over all open records, in the order of the streams' first ones.
    pub(super) fn flush_all(&mut self) -> Result<(), Error> {
        for index in std::mem::take(&mut self.streams.open) {
            self.flush(index)?;
        }
        Ok(())
    }

    /// The input is over.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.flush_all()?;
        if let Some((line, value)) = self.epoch.take(false) {
            self.events.push_back(Event::State { line, value });
        }
        self.events.push_back(Event::End { cancelled: false });
        Ok(())
    }

    /// Nothing arrived for a while: a held STATE goes out if its epoch is due.
    pub(super) fn idle(&mut self) -> Result<(), Error> {
        if !self.epoch.is_due(&self.stats) {
            return Ok(());
        }
        if let Some((line, value)) = self.epoch.take(true) {
            self.hand_over(line, value)?;
        }
        Ok(())
    }

    /// Ends the epoch with this STATE.
    pub(super) fn hand_over(&mut self, line: u64, value: String) -> Result<(), Error> {
        self.flush_all()?;
        self.epoch.cut(&self.stats);
        self.events.push_back(Event::State { line, value });
        Ok(())
    }

    /// Where the line at `pos` ends: the position of its line feed.
    pub(super) fn line_end(&self, bytes: &[u8], pos: usize, end: usize) -> Result<usize, Error> {
        let feed = memchr(b'\n', &bytes[pos..end]).map_or(end, |at| pos + at);
        if feed - pos > self.options.max_line_bytes {
            return Err(Error::LineTooLong { line: self.stats.lines, limit: self.options.max_line_bytes });
        }
        Ok(feed)
    }

    #[cold]
    fn say_notices(&mut self) {
        let index = self.streams.last_met();
        let stream = self.streams.get(index).name.clone();
        for subject in self.context.take_notices() {
            let (line, stream) = (self.stats.lines, stream.clone());
            self.events.push_back(Event::Notice { line, stream, code: "unknown-property", subject });
        }
    }
}
