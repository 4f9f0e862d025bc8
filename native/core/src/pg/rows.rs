//! The rows of a COPY as batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::binary::put;
use super::column::Slot;
use super::finish::finish;
use super::kind::slot;
use super::policy::{Context, PgOptions};
use super::source::{Copied, CopySource};
use super::wire::{Wire, malformed};
use crate::Error;
use crate::columns::Pool;
use crate::fault::{Fault, pointer_step};

/// How the format begins; flags and the length of an extension follow.
const SIGNATURE: &[u8] = b"PGCOPY\n\xFF\r\n\0";

/// The flags that change the format.
const CRITICAL: i32 = !0xFFFF;

/// What a row of this many columns says: the end.
const TRAILER: i16 = -1;

/// One step of the rows.
#[derive(Debug)]
pub enum PgStep {
    /// Rows.
    Batch(RecordBatch),
    /// No message arrived for a while.
    Idle,
    /// Nothing follows. Whether the COPY came to its end only the server's result tells; if it did not, the rows after
    /// the last batch are dropped.
    End,
    /// [`PgRows::cancel_flag`] was set.
    Cancelled,
}

/// Decodes the rows of one `COPY … TO STDOUT (FORMAT binary)`.
pub struct PgRows {
    source: Box<dyn CopySource>,
    cancelled: Arc<AtomicBool>,
    decoder: Decoder,
    state: State,
    wait: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The header has not come.
    Starting,
    Reading,
    /// The trailer has come.
    Complete,
    /// There are no more messages, or no use in them.
    Ended,
}

impl PgRows {
    /// Rows of `source`, one column for each field of `schema`.
    ///
    /// # Errors
    /// `UnsupportedSchema`: a field whose metadata does not name a form of PostgreSQL's, or one that its type is not for.
    pub fn new(source: Box<dyn CopySource>, schema: SchemaRef, options: PgOptions) -> Result<PgRows, Error> {
        let options = options.clamped();
        Ok(PgRows {
            source,
            cancelled: Arc::default(),
            decoder: Decoder::new(schema, &options)?,
            state: State::Starting,
            wait: Duration::from_millis(options.idle_millis),
        })
    }

    /// Setting it makes [`PgRows::next_step`] return `Cancelled` before the next message.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.cancelled.clone()
    }

    /// How many values of each column a policy has changed.
    pub fn tally(&self) -> &[u64] {
        &self.decoder.tally
    }

    /// Reads up to the next batch, or as far as there are rows.
    ///
    /// # Errors
    /// `InvalidValue`: a value that its column cannot take; `Io`: the connection failed. Nothing can be read afterwards.
    pub fn next_step(&mut self) -> Result<PgStep, Error> {
        let step = self.step();
        if step.is_err() {
            self.state = State::Ended;
        }
        step
    }

    fn step(&mut self) -> Result<PgStep, Error> {
        while self.state != State::Ended {
            if self.cancelled.load(Ordering::Relaxed) {
                return Ok(PgStep::Cancelled);
            }
            match self.source.next(self.wait)? {
                Copied::Data(message) => {
                    self.state = self.decoder.message(message, self.state)?;
                    if self.decoder.is_full() {
                        return Ok(PgStep::Batch(self.decoder.batch()?));
                    }
                }
                Copied::TimedOut | Copied::Woken if !self.cancelled.load(Ordering::Relaxed) => return Ok(PgStep::Idle),
                Copied::TimedOut | Copied::Woken => {}
                Copied::End => {
                    let complete = self.state == State::Complete;
                    self.state = State::Ended;
                    if complete && self.decoder.rows > 0 {
                        return Ok(PgStep::Batch(self.decoder.batch()?));
                    }
                }
            }
        }
        Ok(PgStep::End)
    }
}

/// Messages to columns to batches.
struct Decoder {
    schema: SchemaRef,
    columns: Vec<Slot>,
    context: Context,
    tally: Vec<u64>,
    pool: Pool,
    /// Bytes that a row takes at least.
    width: usize,
    batch_rows: usize,
    batch_bytes: usize,
    /// Of the batch that is being built.
    rows: usize,
    bytes: usize,
    /// Rows of the batches before.
    done: u64,
}

impl Decoder {
    fn new(schema: SchemaRef, options: &PgOptions) -> Result<Decoder, Error> {
        let columns = schema.fields().iter().map(|field| slot(field, "", 0)).collect::<Result<Vec<_>, _>>()?;
        Ok(Decoder {
            context: Context::new(options),
            tally: vec![0; columns.len()],
            pool: Pool::new(options.batch_bytes),
            width: columns.iter().map(|slot| slot.column.width()).sum(),
            batch_rows: options.batch_rows,
            batch_bytes: options.batch_bytes,
            rows: 0,
            bytes: 0,
            done: 0,
            columns,
            schema,
        })
    }

    fn is_full(&self) -> bool {
        self.rows >= self.batch_rows || self.bytes >= self.batch_bytes
    }

    /// Takes a message and says what comes next.
    #[inline(always)]
    fn message(&mut self, message: &[u8], state: State) -> Result<State, Error> {
        let mut wire = Wire(message);
        match state {
            State::Reading => {}
            State::Starting => {
                header(&mut wire).map_err(|fault| self.broken(&fault))?;
                if wire.0.is_empty() {
                    return Ok(State::Reading);
                }
            }
            State::Complete | State::Ended => return Err(self.broken(&malformed("a row after the last"))),
        }
        let count = wire.i16().map_err(|fault| self.broken(&fault))?;
        if count == TRAILER {
            wire.end().map_err(|fault| self.broken(&fault))?;
            return Ok(State::Complete);
        }
        self.row(wire, count)?;
        self.bytes += self.width.max(message.len()) + std::mem::take(&mut self.context.grown);
        self.rows += 1;
        Ok(State::Reading)
    }

    #[inline(always)]
    fn row(&mut self, mut wire: Wire, count: i16) -> Result<(), Error> {
        if usize::try_from(count).ok() != Some(self.columns.len()) {
            let reason = format!("a row of {count} columns where {} are planned", self.columns.len());
            return Err(self.broken(&Fault::value(reason)));
        }
        for index in 0..self.columns.len() {
            let put = wire.value().and_then(|value| put(&mut self.columns[index], self.rows, value, &mut self.context));
            put.map_err(|fault| self.invalid(index, &fault))?;
            if self.context.changed > 0 {
                self.tally[index] += std::mem::take(&mut self.context.changed);
            }
        }
        wire.end().map_err(|fault| self.broken(&fault))
    }

    /// The rows so far; none are left.
    fn batch(&mut self) -> Result<RecordBatch, Error> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        self.done += rows as u64;
        let columns = self.columns.iter_mut().zip(self.schema.fields());
        let columns = columns.map(|(slot, field)| finish(&mut slot.column, rows, field, &self.pool));
        let columns = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    #[cold]
    fn broken(&self, fault: &Fault) -> Error {
        self.at(String::new(), fault)
    }

    #[cold]
    fn invalid(&self, index: usize, fault: &Fault) -> Error {
        self.at(format!("{}{}", pointer_step(self.schema.field(index).name()), fault.path()), fault)
    }

    fn at(&self, column: String, fault: &Fault) -> Error {
        Error::InvalidValue { column, row: self.done + self.rows as u64 + 1, reason: fault.reason(0) }
    }
}

fn header(wire: &mut Wire) -> Result<(), Box<Fault>> {
    if wire.take(SIGNATURE.len()).ok() != Some(SIGNATURE) {
        return Err(Fault::value("not the binary format of COPY: say (FORMAT binary)"));
    }
    if wire.i32()? & CRITICAL != 0 {
        return Err(Fault::value("a variant of COPY's binary format that is unknown"));
    }
    let extension = wire.count(1)?;
    wire.take(extension)?;
    Ok(())
}
