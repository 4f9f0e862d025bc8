//! Bytes in, events out.

mod decoder;
mod epoch;
mod handle;
mod input;
mod message;
mod streams;
mod tail;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_schema::SchemaRef;

use crate::{Error, Event, Fill, MakeStrings, ReaderOptions, Source, Stats, plan};
use decoder::Decoder;
use input::{Input, Lines};

/// Decodes a Singer stream.
///
/// Records become Arrow batches; every other message is an event of its own. A STATE event comes after the batches of all
/// records before it. Memory is bounded by the options, whatever the input.
pub struct Reader {
    source: Option<Box<dyn Source>>,
    input: Input,
    decoder: Decoder,
    idle: Duration,
    cancelled: Arc<AtomicBool>,
    phase: Phase,
}

/// Whether there is more to come.
enum Phase {
    Running,
    /// To be reported when the events before it are handed out.
    Failing(Error),
    Failed(String),
    Ended,
}

impl Reader {
    /// A reader that pulls its input from `source`.
    pub fn from_source(source: Box<dyn Source>, options: ReaderOptions) -> Reader {
        Reader { source: Some(source), ..Reader::fed(options) }
    }

    /// A reader whose input is given to it with [`Reader::feed`].
    pub fn fed(options: ReaderOptions) -> Reader {
        let options = options.clamped();
        Reader {
            source: None,
            input: Input::new(options.read_bytes, options.max_line_bytes),
            decoder: Decoder::new(options),
            idle: Duration::from_millis(options.idle_millis),
            cancelled: Arc::default(),
            phase: Phase::Running,
        }
    }

    /// The same reader, whose string arrays are made by `make`. All that is read is checked for UTF-8 on its way in, so
    /// `make` need not look again, as [`StringArray::try_new`](arrow_array::StringArray::try_new) does.
    pub fn with_strings(mut self, make: MakeStrings) -> Reader {
        self.decoder.pool = self.decoder.pool.with_strings(make);
        self
    }

    /// Adds input. What is not used yet stays in memory, so call [`Reader::next_event`] until it needs more.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the reader has a source of its own, or after [`Reader::finish`].
    pub fn feed(&mut self, data: &[u8]) -> Result<(), Error> {
        self.check_fed()?;
        self.input.feed(data);
        Ok(())
    }

    /// Says that no input follows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the reader has a source of its own, or is finished already.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.check_fed()?;
        self.input.finish();
        Ok(())
    }

    fn check_fed(&self) -> Result<(), Error> {
        if self.source.is_some() {
            return Err(Error::InvalidArgument("this reader reads its input itself".into()));
        }
        if self.input.is_finished() {
            return Err(Error::InvalidArgument("the input is finished already".into()));
        }
        Ok(())
    }

    /// The next event. After [`Event::End`] there is only that.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::LineTooLong`]; both are final.
    pub fn next_event(&mut self) -> Result<Event, Error> {
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                self.decoder.events.clear();
                return Ok(Event::End { cancelled: true });
            }
            if let Some(event) = self.decoder.events.pop_front() {
                return Ok(event);
            }
            match std::mem::replace(&mut self.phase, Phase::Running) {
                Phase::Running => {}
                Phase::Ended => {
                    self.phase = Phase::Ended;
                    return Ok(Event::End { cancelled: false });
                }
                Phase::Failing(error) => {
                    self.phase = Phase::Failed(error.to_string());
                    return Err(error);
                }
                Phase::Failed(message) => {
                    let error = Error::InvalidArgument(format!("the reader has failed: {message}"));
                    self.phase = Phase::Failed(message);
                    return Err(error);
                }
            }
            match self.step() {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => self.phase = Phase::Failing(error),
            }
        }
    }

    /// Decodes what is there, or gets more. The event is one that does not come from a line.
    fn step(&mut self) -> Result<Option<Event>, Error> {
        match self.input.lines(self.decoder.stats.lines + 1)? {
            Lines::Valid { end } => {
                let (bytes, start) = self.input.bytes();
                let next = self.decoder.lines(bytes, start, end)?;
                self.input.consume(next);
                Ok(None)
            }
            Lines::NotUtf8 { end } => {
                let (bytes, start) = self.input.bytes();
                self.decoder.undecodable_line(bytes, start, end)?;
                self.input.consume(end);
                Ok(None)
            }
            Lines::Incomplete if self.input.is_finished() => {
                self.phase = Phase::Ended;
                self.decoder.end()?;
                Ok(None)
            }
            Lines::Incomplete => self.fill(),
        }
    }

    fn fill(&mut self) -> Result<Option<Event>, Error> {
        let Some(source) = &mut self.source else {
            return Ok(Some(Event::NeedInput));
        };
        let fill = self.input.fill(source.as_mut(), self.decoder.epoch.patience(self.idle))?;
        // A cancel breaks off the wait as well; that is not idleness.
        if fill == Fill::TimedOut && !self.cancelled.load(Ordering::Relaxed) {
            self.decoder.idle()?;
            return Ok(self.decoder.events.is_empty().then_some(Event::Idle));
        }
        Ok(None)
    }

    /// Says how the records of `stream` become columns, and what they must satisfy.
    ///
    /// Columns have the order and types of `schema`; the metadata of its fields (`dativo.json`, `dativo.key`,
    /// `dativo.source`) direct the decoder. `validation` is the stream's JSON Schema, or empty for none. Records that are
    /// still open under an earlier plan are handed over first.
    ///
    /// # Errors
    /// [`Error::UnsupportedSchema`] for a column type or a keyword that is not implemented.
    pub fn plan(&mut self, stream: &str, schema: SchemaRef, validation: &[u8]) -> Result<(), Error> {
        let records = plan::compile(stream, schema, validation)?;
        let index = self.decoder.streams.index_or_new(stream);
        self.decoder.flush(index)?;
        self.decoder.streams.get(index).records = Some(records);
        Ok(())
    }

    /// Setting it makes `next_event` return [`Event::End`] at once; open records are dropped.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Totals so far.
    pub fn stats(&self) -> Stats {
        let stats = self.decoder.stats;
        let made_up = if matches!(self.phase, Phase::Ended) { self.input.made_up_bytes() } else { 0 };
        Stats { bytes: stats.bytes - made_up, ..stats }
    }
}
