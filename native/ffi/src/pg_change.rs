//! Changes of PostgreSQL as C sees them.

use dativo_core::pg::{PgChange, PgChanges};

use crate::slice::DativoSlice;

/// What a change is. Numbers are never reused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DativoPgChangeKind {
    /// Nothing to hand over for now, while rows may be waiting for more.
    Idle = 0,
    /// The first description of the relation `relid`, or a different one: plan it before the next call. `text`
    /// is the description as JSON.
    Relation = 1,
    /// `rows` rows of `relid`: take them with dativo_pg_changes_batch_export.
    Batch = 2,
    /// `relid` was emptied; its rows of before have been handed over.
    Truncate = 3,
    /// All rows before `end_lsn`, which is between transactions, have been handed over.
    Commit = 4,
    /// The server wants an answer now; `end_lsn` is the end of its WAL.
    Keepalive = 5,
    /// What pg_logical_emit_message wrote: `name` is its prefix, `text` the message.
    Message = 6,
    /// The server has ended the stream; PQgetResult tells why.
    End = 7,
    /// dativo_pg_changes_cancel was called.
    Cancelled = 8,
}

/// One step of the changes. The slices are valid until the next call on the changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoPgChange {
    /// A DativoPgChangeKind.
    pub kind: i32,
    /// RELATION, BATCH, TRUNCATE: the relation's oid.
    pub relid: u32,
    /// COMMIT: where the newest transaction was committed. TRUNCATE, MESSAGE: where in the WAL.
    pub lsn: u64,
    /// See the kinds. That of a COMMIT never goes back.
    pub end_lsn: u64,
    /// COMMIT, TRUNCATE: of the transaction, in microseconds since 1970 UTC; 0 if a COMMIT is no transaction's
    /// but a position that the server told.
    pub commit_time: i64,
    /// COMMIT, TRUNCATE: the transaction; 0 if a COMMIT is no transaction's.
    pub xid: u32,
    /// 0.
    pub reserved: u32,
    /// The newest WAL position that was received.
    pub received_lsn: u64,
    /// The server's clock in its newest message, in microseconds since 1970 UTC.
    pub server_time: i64,
    /// BATCH: how many.
    pub rows: u64,
    /// See the kinds.
    pub name: DativoSlice,
    /// See the kinds.
    pub text: DativoSlice,
}

/// What the caller was told last; what it was lent borrows from it.
pub(crate) struct Told {
    pub(crate) change: PgChange,
    /// A relation's description.
    text: String,
}

impl Told {
    pub(crate) const NOTHING: Told = Told { change: PgChange::Idle, text: String::new() };

    pub(crate) fn new(change: PgChange) -> Told {
        let text = match &change {
            PgChange::Relation(relation) => relation.to_json(),
            _ => String::new(),
        };
        Told { change, text }
    }

    /// The change seen from C. It borrows from here, which must be kept unchanged as long.
    pub(crate) fn to_c(&self, changes: &PgChanges) -> DativoPgChange {
        use DativoPgChangeKind as Kind;
        let (received_lsn, server_time) = changes.received();
        let told = |kind: Kind, relid: u32| DativoPgChange {
            kind: kind as i32,
            relid,
            lsn: 0,
            end_lsn: 0,
            commit_time: 0,
            xid: 0,
            reserved: 0,
            received_lsn,
            server_time,
            rows: 0,
            name: DativoSlice::EMPTY,
            text: DativoSlice::EMPTY,
        };
        match &self.change {
            PgChange::Idle => told(Kind::Idle, 0),
            PgChange::Relation(relation) => {
                DativoPgChange { text: DativoSlice::of(self.text.as_bytes()), ..told(Kind::Relation, relation.relid) }
            }
            PgChange::Batch { relid, batch } => {
                DativoPgChange { rows: batch.num_rows() as u64, ..told(Kind::Batch, *relid) }
            }
            &PgChange::Truncate { relid, lsn, commit_time, xid } => {
                DativoPgChange { lsn, commit_time, xid, ..told(Kind::Truncate, relid) }
            }
            &PgChange::Commit { lsn, end_lsn, commit_time, xid } => {
                DativoPgChange { lsn, end_lsn, commit_time, xid, ..told(Kind::Commit, 0) }
            }
            &PgChange::Keepalive { end_lsn } => DativoPgChange { end_lsn, ..told(Kind::Keepalive, 0) },
            PgChange::Message { lsn, prefix, content } => DativoPgChange {
                lsn: *lsn,
                name: DativoSlice::of(prefix.as_bytes()),
                text: DativoSlice::of(content),
                ..told(Kind::Message, 0)
            },
            PgChange::End => told(Kind::End, 0),
            PgChange::Cancelled => told(Kind::Cancelled, 0),
        }
    }
}
