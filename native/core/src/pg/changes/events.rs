//! What a stream of changes hands out.

use arrow_array::RecordBatch;

use super::relation::PgRelation;

/// One step of the changes.
#[derive(Debug)]
pub enum PgChange {
    /// Nothing to hand over for now.
    Idle,
    /// A relation's first description, or a different one. It must be planned before the next step.
    Relation(PgRelation),
    /// Rows of a relation, in the planned schema with one more column at its end: which of the columns are null only
    /// because their values did not change (their indices; null where there are none).
    Batch {
        /// The relation.
        relid: u32,
        /// Its rows.
        batch: RecordBatch,
    },
    /// A relation was emptied; its rows of before have been handed over.
    Truncate {
        /// The relation.
        relid: u32,
        /// Where in the WAL.
        lsn: u64,
        /// Of the transaction, in microseconds since 1970.
        commit_time: i64,
        /// The transaction.
        xid: u32,
    },
    /// A position between transactions: every row before `end_lsn` has been handed over.
    Commit {
        /// Where the newest transaction was committed.
        lsn: u64,
        /// The position. It never goes back.
        end_lsn: u64,
        /// Of that transaction, in microseconds since 1970; 0 if the position is one the server just told.
        commit_time: i64,
        /// That transaction; 0 if the position is one the server just told.
        xid: u32,
    },
    /// The server wants an answer now.
    Keepalive {
        /// The end of its WAL as it says.
        end_lsn: u64,
    },
    /// What somebody wrote by `pg_logical_emit_message`.
    Message {
        /// Where in the WAL.
        lsn: u64,
        /// Whose message it is.
        prefix: String,
        /// The message.
        content: Vec<u8>,
    },
    /// The server has ended the stream; its result tells why.
    End,
    /// [`PgChanges::cancel_flag`](super::PgChanges::cancel_flag) was set.
    Cancelled,
}
