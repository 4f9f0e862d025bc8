//! Positions: how far the stream has come, and when that is to be said.

use std::time::{Duration, Instant};

use super::events::PgChange;
use super::message::Transaction;

/// The position between transactions that is to be handed over next.
pub(super) struct Positions {
    interval: Duration,
    /// When the last one was handed over.
    last: Instant,
    /// It is wanted as soon as there is one.
    wanted: bool,
    /// The newest that was handed over or is pending.
    newest: u64,
    pending: Option<Pending>,
}

struct Pending {
    end_lsn: u64,
    transaction: Option<Transaction>,
}

impl Positions {
    pub(super) fn new(interval: Duration) -> Positions {
        Positions { interval, last: Instant::now(), wanted: false, newest: 0, pending: None }
    }

    /// Everything before `end_lsn` has been read.
    pub(super) fn reach(&mut self, end_lsn: u64, transaction: Option<Transaction>) {
        if end_lsn > self.newest || (transaction.is_some() && end_lsn == self.newest) {
            let transaction = transaction.or(self.pending.take().and_then(|pending| pending.transaction));
            self.newest = end_lsn;
            self.pending = Some(Pending { end_lsn, transaction });
        }
    }

    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    pub(super) fn is_due(&self) -> bool {
        self.pending.is_some() && (self.wanted || self.interval.is_zero() || self.last.elapsed() >= self.interval)
    }

    /// The pending position.
    pub(super) fn take(&mut self) -> Option<PgChange> {
        let Pending { end_lsn, transaction } = self.pending.take()?;
        self.last = Instant::now();
        self.wanted = false;
        let none = Transaction { lsn: 0, commit_time: 0, xid: 0 };
        let Transaction { lsn, commit_time, xid } = transaction.unwrap_or(none);
        Some(PgChange::Commit { lsn, end_lsn, commit_time, xid })
    }
}
