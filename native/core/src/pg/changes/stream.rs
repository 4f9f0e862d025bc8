//! Messages to changes.

use std::collections::{BTreeMap, VecDeque};

use arrow_schema::SchemaRef;

use super::super::policy::PgOptions;
use super::ChangesOptions;
use super::batches::{Batches, Change};
use super::events::PgChange;
use super::message::{Content, Control, Envelope, Row, Transaction, broken, content, control, envelope};
use super::positions::Positions;
use super::relation::PgRelation;
use super::spool::{Entry, Replay, Spool};
use crate::Error;
use crate::fault::Fault;

/// All builders together may hold so many times the bytes of a batch.
const BATCHES_HELD: usize = 2;

/// What has become of the messages so far.
pub(super) struct Stream {
    options: PgOptions,
    tables: BTreeMap<u32, Table>,
    /// To be handed over.
    ready: VecDeque<PgChange>,
    positions: Positions,
    /// The one that is open.
    transaction: Option<Transaction>,
    /// The one whose changes come before its commit, while they do.
    streamed: Option<u32>,
    spool: Spool,
    replay: Option<Replay>,
    row: Row,
    /// Bytes in all builders.
    held: usize,
    received: u64,
    clock: i64,
}

/// A relation and what becomes of its changes.
struct Table {
    relation: PgRelation,
    plan: Plan,
    from_lsn: u64,
}

enum Plan {
    Missing,
    Skipped,
    Rows(Box<Batches>),
}

impl Stream {
    pub(super) fn new(options: PgOptions, changes: ChangesOptions) -> Stream {
        Stream {
            options,
            tables: BTreeMap::new(),
            ready: VecDeque::new(),
            positions: Positions::new(changes.commit_interval),
            transaction: None,
            streamed: None,
            spool: Spool::new(changes.spool),
            replay: None,
            row: Row::default(),
            held: 0,
            received: 0,
            clock: 0,
        }
    }

    pub(super) fn take(&mut self) -> Option<PgChange> {
        self.ready.pop_front()
    }

    pub(super) fn received(&self) -> (u64, i64) {
        (self.received, self.clock)
    }

    pub(super) fn plan(&mut self, relid: u32, schema: Option<SchemaRef>, from_lsn: u64) -> Result<(), Error> {
        let waiting = |change: &PgChange| matches!(change, PgChange::Batch { relid: other, .. } if *other == relid);
        let queued = self.ready.iter().any(waiting);
        let table = self.tables.get_mut(&relid).ok_or_else(|| unknown(relid))?;
        if queued || matches!(&table.plan, Plan::Rows(batches) if batches.rows > 0) {
            return Err(Error::InvalidArgument(format!("relation {relid} has rows that were not handed over")));
        }
        table.plan = match schema {
            Some(schema) => Plan::Rows(Box::new(Batches::new(&schema, &table.relation, &self.options)?)),
            None => Plan::Skipped,
        };
        table.from_lsn = from_lsn;
        Ok(())
    }

    pub(super) fn tally(&self, relid: u32) -> Result<&[u64], Error> {
        match self.tables.get(&relid).map(|table| &table.plan) {
            Some(Plan::Rows(batches)) => Ok(&batches.tally),
            Some(_) => Ok(&[]),
            None => Err(unknown(relid)),
        }
    }

    /// Makes the next position due.
    pub(super) fn flush(&mut self) {
        self.positions.want();
    }

    /// Hands over the position that was kept back; whether there was one.
    pub(super) fn settle(&mut self) -> Result<bool, Error> {
        if self.transaction.is_some() {
            return Ok(false);
        }
        let Some(position) = self.positions.take() else {
            return Ok(false);
        };
        let relids: Vec<u32> = self.tables.keys().copied().collect();
        relids.into_iter().try_for_each(|relid| self.cut(relid))?;
        self.ready.push_back(position);
        Ok(true)
    }

    /// Hands over the position if it is due.
    pub(super) fn settle_if_due(&mut self) -> Result<(), Error> {
        if self.positions.is_due() {
            self.settle()?;
        }
        Ok(())
    }

    /// Takes a message of the walsender.
    pub(super) fn message(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match envelope(bytes).map_err(|fault| invalid(&fault))? {
            Envelope::Data { lsn, clock, message } => {
                self.received = self.received.max(lsn);
                self.clock = clock;
                match control(message).map_err(|fault| invalid(&fault))? {
                    Some(control) => self.control(control),
                    None => self.content(lsn, message),
                }
            }
            Envelope::Keepalive { end_lsn, clock, reply } => {
                self.received = self.received.max(end_lsn);
                self.clock = clock;
                self.keepalive(end_lsn, reply)
            }
        }
    }

    fn keepalive(&mut self, end_lsn: u64, reply: bool) -> Result<(), Error> {
        if self.transaction.is_none() {
            self.positions.reach(end_lsn, None);
        }
        if reply {
            self.ready.push_back(PgChange::Keepalive { end_lsn });
        }
        self.settle_if_due()
    }

    fn control(&mut self, control: Control) -> Result<(), Error> {
        match control {
            Control::Begin(transaction) => self.begin(transaction),
            Control::Commit { end_lsn } => self.commit(end_lsn),
            Control::StreamStart { xid } => {
                self.streamed = Some(xid);
                Ok(())
            }
            Control::StreamStop => {
                self.streamed = None;
                Ok(())
            }
            Control::StreamCommit { transaction, end_lsn } => {
                self.begin(transaction)?;
                self.replay = Some(self.spool.replay(transaction.xid, end_lsn)?);
                Ok(())
            }
            Control::StreamAbort { xid, subxid } => {
                self.spool.abort(xid, subxid);
                Ok(())
            }
        }
    }

    fn begin(&mut self, transaction: Transaction) -> Result<(), Error> {
        if self.transaction.is_some() {
            return Err(invalid(&broken("a transaction within another")));
        }
        self.transaction = Some(transaction);
        Ok(())
    }

    fn commit(&mut self, end_lsn: u64) -> Result<(), Error> {
        let transaction = self.transaction.take();
        let transaction = transaction.ok_or_else(|| invalid(&broken("the end of no transaction")))?;
        self.positions.reach(end_lsn, Some(transaction));
        self.settle_if_due()
    }

    /// Takes what a transaction consists of, or puts it aside until the commit.
    fn content(&mut self, lsn: u64, message: &[u8]) -> Result<(), Error> {
        match (self.streamed, message) {
            (Some(_), [b'O', ..]) => Ok(()),
            (Some(top), [kind, a, b, c, d, rest @ ..]) => {
                let xid = u32::from_be_bytes([*a, *b, *c, *d]);
                self.spool.put(top, &Entry { xid, lsn, kind: *kind, rest })
            }
            _ => self.apply(lsn, message),
        }
    }

    /// Applies one message of a transaction that has been committed now; whether there is one.
    pub(super) fn replay(&mut self) -> Result<bool, Error> {
        let Some(mut replay) = self.replay.take() else {
            return Ok(false);
        };
        match replay.next()? {
            Some((lsn, message)) => {
                self.apply(lsn, message)?;
                self.replay = Some(replay);
            }
            None => self.commit(replay.end_lsn)?,
        }
        Ok(true)
    }

    fn apply(&mut self, lsn: u64, message: &[u8]) -> Result<(), Error> {
        let mut row = std::mem::take(&mut self.row);
        let applied = self.apply_content(lsn, message, &mut row);
        self.row = row;
        applied
    }

    fn apply_content(&mut self, lsn: u64, message: &[u8], row: &mut Row) -> Result<(), Error> {
        match content(message, row).map_err(|fault| invalid(&fault))? {
            Content::Insert { relid } => {
                self.change(relid, lsn, message, |batches, change| batches.insert(change, row))
            }
            Content::Update { relid } => {
                self.change(relid, lsn, message, |batches, change| batches.update(change, row))
            }
            Content::Delete { relid } => self.change(relid, lsn, message, |batches, change| match &row.old {
                Some(old) => batches.delete(change, old),
                None => Ok(()),
            }),
            Content::Truncate { relids } => relids.into_iter().try_for_each(|relid| self.truncate(relid, lsn)),
            Content::Relation(relation) => self.describe(relation),
            Content::Message { lsn, prefix, content } => {
                let prefix = String::from_utf8_lossy(prefix).into_owned();
                self.ready.push_back(PgChange::Message { lsn, prefix, content: content.to_vec() });
                Ok(())
            }
            Content::Other => Ok(()),
        }
    }

    #[inline(always)]
    fn change(
        &mut self,
        relid: u32,
        lsn: u64,
        message: &[u8],
        put: impl FnOnce(&mut Batches, &Change) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let transaction = self.open()?;
        let Some(batches) = planned(&mut self.tables, relid, transaction)? else {
            return Ok(());
        };
        let before = batches.bytes;
        let change = Change { message, lsn, transaction };
        let done = put(batches, &change);
        self.held += batches.bytes - before;
        let full = batches.rows >= self.options.batch_rows || batches.bytes >= self.options.batch_bytes;
        done.map_err(|error| self.name(relid, error))?;
        if full {
            return self.cut(relid);
        }
        if self.held >= BATCHES_HELD * self.options.batch_bytes { self.cut_largest() } else { Ok(()) }
    }

    fn truncate(&mut self, relid: u32, lsn: u64) -> Result<(), Error> {
        let transaction = self.open()?;
        if planned(&mut self.tables, relid, transaction)?.is_none() {
            return Ok(());
        }
        self.cut(relid)?;
        let Transaction { commit_time, xid, .. } = transaction;
        self.ready.push_back(PgChange::Truncate { relid, lsn, commit_time, xid });
        Ok(())
    }

    fn open(&self) -> Result<Transaction, Error> {
        self.transaction.ok_or_else(|| invalid(&broken("a change outside a transaction")))
    }

    /// Takes the description of a relation, which is repeated often and seldom another.
    fn describe(&mut self, relation: PgRelation) -> Result<(), Error> {
        let relid = relation.relid;
        if self.tables.get(&relid).is_some_and(|table| table.relation == relation) {
            return Ok(());
        }
        self.cut(relid)?;
        self.ready.push_back(PgChange::Relation(relation.clone()));
        self.tables.insert(relid, Table { relation, plan: Plan::Missing, from_lsn: 0 });
        Ok(())
    }

    fn cut_largest(&mut self) -> Result<(), Error> {
        let largest = self.tables.iter().max_by_key(|(_, table)| match &table.plan {
            Plan::Rows(batches) => batches.bytes,
            _ => 0,
        });
        largest.map(|(relid, _)| *relid).map_or(Ok(()), |relid| self.cut(relid))
    }

    /// Hands over the rows of a relation, if it has any.
    fn cut(&mut self, relid: u32) -> Result<(), Error> {
        let Some(Table { plan: Plan::Rows(batches), .. }) = self.tables.get_mut(&relid) else {
            return Ok(());
        };
        if batches.rows == 0 {
            return Ok(());
        }
        self.held -= batches.bytes;
        let batch = batches.batch().map_err(|error| self.name(relid, error))?;
        self.ready.push_back(PgChange::Batch { relid, batch });
        Ok(())
    }

    /// The error with the relation it is about.
    #[cold]
    fn name(&self, relid: u32, error: Error) -> Error {
        match (error, self.tables.get(&relid)) {
            (Error::InvalidValue { column, row, reason }, Some(Table { relation, .. })) => {
                let reason = format!("{reason} (in {}.{})", relation.schema, relation.table);
                Error::InvalidValue { column, row, reason }
            }
            (error, _) => error,
        }
    }
}

/// Where the changes of a relation go; nowhere if they are skipped.
#[inline(always)]
fn planned(
    tables: &mut BTreeMap<u32, Table>,
    relid: u32,
    transaction: Transaction,
) -> Result<Option<&mut Batches>, Error> {
    match tables.get_mut(&relid) {
        Some(Table { plan: Plan::Missing, .. }) => {
            Err(Error::InvalidArgument(format!("relation {relid} has not been planned")))
        }
        Some(Table { plan: Plan::Rows(batches), from_lsn, .. }) => {
            Ok((transaction.lsn >= *from_lsn).then_some(&mut **batches))
        }
        Some(Table { plan: Plan::Skipped, .. }) => Ok(None),
        None => Err(invalid(&broken("a change of a relation that was not described"))),
    }
}

#[cold]
fn unknown(relid: u32) -> Error {
    Error::InvalidArgument(format!("no relation {relid} has been described"))
}

#[cold]
fn invalid(fault: &Fault) -> Error {
    Error::InvalidValue { column: String::new(), row: 0, reason: fault.reason(0) }
}
