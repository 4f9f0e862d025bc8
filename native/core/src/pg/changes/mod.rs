//! Changes of PostgreSQL to Arrow.
//!
//! [`PgChanges`] reads what the plugin `pgoutput` sends (protocol 1 and 2, values as text) and keeps the rows of each
//! relation in a builder of its own, over many transactions. What is handed over, and when, is said at [`PgChange`].

mod batches;
mod events;
mod message;
mod positions;
mod relation;
mod spool;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow_schema::SchemaRef;

pub use events::PgChange;
pub use relation::{PgRelation, PgRelationColumn};
pub use spool::SpoolOptions;

use self::stream::Stream;
use super::policy::PgOptions;
use super::source::{Copied, CopySource};
use crate::Error;

/// Messages between two looks at the clock.
const STRIDE: u32 = 64;

/// Limits of a stream of changes, beside those of its batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangesOptions {
    /// How long positions are kept back before one is handed over with all rows before it; zero for not at all.
    pub commit_interval: Duration,
    /// Where transactions that come before their commit wait for it.
    pub spool: SpoolOptions,
}

/// Decodes the messages of one `START_REPLICATION … LOGICAL` with the plugin `pgoutput`.
pub struct PgChanges {
    source: Box<dyn CopySource>,
    cancelled: Arc<AtomicBool>,
    stream: Stream,
    idle: Duration,
    /// How long the source has had nothing; half of `idle` is long enough for a position that is kept back.
    silent: Duration,
    ended: bool,
}

impl PgChanges {
    /// Changes from `source`.
    pub fn new(source: Box<dyn CopySource>, options: PgOptions, changes: ChangesOptions) -> PgChanges {
        PgChanges {
            source,
            cancelled: Arc::default(),
            idle: Duration::from_millis(options.idle_millis),
            stream: Stream::new(options.clamped(), changes),
            silent: Duration::ZERO,
            ended: false,
        }
    }

    /// Setting it makes [`PgChanges::next_change`] return `Cancelled` before the next message.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.cancelled.clone()
    }

    /// The newest WAL position that was received, and the server's clock then, in microseconds since 1970.
    pub fn received(&self) -> (u64, i64) {
        self.stream.received()
    }

    /// Says how the changes of a relation become columns, after its description or when it has no rows waiting: `schema`
    /// names its columns, none to skip it; changes of transactions that were committed before `from_lsn` are skipped.
    ///
    /// # Errors
    /// `UnsupportedSchema`: a field that is no form of PostgreSQL's; `InvalidArgument`: there is no such relation, or it
    /// has rows that were not handed over.
    pub fn plan(&mut self, relid: u32, schema: Option<SchemaRef>, from_lsn: u64) -> Result<(), Error> {
        self.stream.plan(relid, schema, from_lsn)
    }

    /// Makes the next position between transactions due at once.
    pub fn flush(&mut self) {
        self.stream.flush();
    }

    /// How many values of each column of a relation a policy has changed since it was planned.
    ///
    /// # Errors
    /// `InvalidArgument`: there is no such relation.
    pub fn tally(&self, relid: u32) -> Result<&[u64], Error> {
        self.stream.tally(relid)
    }

    /// The next change, or what else there is to say; `Idle` when there was nothing to say for `idle_millis`.
    ///
    /// # Errors
    /// `InvalidValue`: a value that its column cannot take, or a message that is not pgoutput's; `Io`: the connection, or
    /// the file of a transaction, failed; `InvalidArgument`: a relation was not planned. Nothing can be read afterwards.
    pub fn next_change(&mut self) -> Result<PgChange, Error> {
        let change = self.step();
        self.ended |= change.is_err();
        change
    }

    fn step(&mut self) -> Result<PgChange, Error> {
        let deadline = Instant::now() + self.idle;
        let mut taken = 0;
        if !self.ended {
            self.stream.settle_if_due()?;
        }
        loop {
            if let Some(change) = self.stream.take() {
                return Ok(change);
            }
            if self.ended {
                return Ok(PgChange::End);
            }
            if self.cancelled.load(Ordering::Relaxed) {
                return Ok(PgChange::Cancelled);
            }
            taken += 1;
            if taken % STRIDE == 0 && Instant::now() >= deadline {
                return Ok(PgChange::Idle);
            }
            if !self.stream.replay()? && self.read(deadline)? {
                return Ok(PgChange::Idle);
            }
        }
    }

    /// Takes one message from the source; whether there was none in time, and nothing to say because of it.
    fn read(&mut self, deadline: Instant) -> Result<bool, Error> {
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.source.next(wait)? {
            Copied::Data(message) => {
                self.silent = Duration::ZERO;
                self.stream.message(message)?;
                Ok(false)
            }
            Copied::Woken => Ok(!self.cancelled.load(Ordering::Relaxed)),
            Copied::TimedOut => {
                self.silent += wait;
                Ok(2 * self.silent < self.idle || !self.stream.settle()?)
            }
            Copied::End => {
                self.ended = true;
                self.stream.settle()?;
                Ok(false)
            }
        }
    }
}
