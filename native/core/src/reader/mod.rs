//! Bytes in, events out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_schema::SchemaRef;

use crate::{Error, Event, ReaderOptions, Source, Stats};

/// Decodes a Singer stream.
pub struct Reader {
    source: Option<Box<dyn Source>>,
    options: ReaderOptions,
    events: VecDeque<Event>,
    cancelled: Arc<AtomicBool>,
    stats: Stats,
    pending: Vec<u8>,
}

impl Reader {
    /// A reader that pulls its input from `source`.
    pub fn from_source(source: Box<dyn Source>, options: ReaderOptions) -> Reader {
        Reader { source: Some(source), ..Reader::fed(options) }
    }

    /// A reader whose input is given to it with [`Reader::feed`].
    pub fn fed(options: ReaderOptions) -> Reader {
        Reader {
            source: None,
            options: options.clamped(),
            events: VecDeque::new(),
            cancelled: Arc::new(AtomicBool::new(false)),
            stats: Stats::default(),
            pending: Vec::new(),
        }
    }

    /// Adds input.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the reader has a source of its own, or after [`Reader::finish`].
    pub fn feed(&mut self, data: &[u8]) -> Result<(), Error> {
        self.pending.extend_from_slice(data);
        Ok(())
    }

    /// Says that no input follows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the reader has a source of its own.
    pub fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The next event.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::LineTooLong`]; both are final.
    pub fn next_event(&mut self) -> Result<Event, Error> {
        if self.cancelled.load(Ordering::Relaxed) || self.source.is_some() || self.options.batch_rows == 0 {
            return Ok(Event::End { cancelled: true });
        }
        Ok(self.events.pop_front().unwrap_or(Event::NeedInput))
    }

    /// Says how the records of `stream` become columns, and what they must satisfy.
    ///
    /// `validation` is the stream's JSON Schema, or empty for none.
    ///
    /// # Errors
    /// [`Error::UnsupportedSchema`] for a column type or a keyword that is not implemented.
    pub fn plan(&mut self, stream: &str, _schema: SchemaRef, _validation: &[u8]) -> Result<(), Error> {
        let _ = stream;
        Ok(())
    }

    /// Setting it makes `next_event` return [`Event::End`] at once.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Totals so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
