"""What a stream of PostgreSQL's changes hands out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from dativo_native._abi import lib

if TYPE_CHECKING:
    import pyarrow as pa


class PgChangeKind(IntEnum):
    """What a change is.

    Attributes:
        IDLE: nothing to hand over for now, while rows may be waiting for more.
        RELATION: a table's first description, or a different one; plan it before the next call.
        BATCH: rows of one relation.
        TRUNCATE: a relation was emptied; its rows of before have been handed over.
        COMMIT: all rows before `end_lsn`, which is between transactions, have been handed over.
        KEEPALIVE: the server wants an answer now.
        MESSAGE: what `pg_logical_emit_message` wrote.
        END: the server has ended the stream; only `get_result` tells why.
        CANCELLED: `PgChanges.cancel` was called.
    """

    IDLE = lib.DATIVO_PG_CHANGE_KIND_IDLE
    RELATION = lib.DATIVO_PG_CHANGE_KIND_RELATION
    BATCH = lib.DATIVO_PG_CHANGE_KIND_BATCH
    TRUNCATE = lib.DATIVO_PG_CHANGE_KIND_TRUNCATE
    COMMIT = lib.DATIVO_PG_CHANGE_KIND_COMMIT
    KEEPALIVE = lib.DATIVO_PG_CHANGE_KIND_KEEPALIVE
    MESSAGE = lib.DATIVO_PG_CHANGE_KIND_MESSAGE
    END = lib.DATIVO_PG_CHANGE_KIND_END
    CANCELLED = lib.DATIVO_PG_CHANGE_KIND_CANCELLED


@dataclass(frozen=True, slots=True)
class PgRelationColumn:
    """A column: whether it is part of the replica identity, the oid and the modifier of its type."""

    name: str
    key: bool
    type_oid: int
    modifier: int


@dataclass(frozen=True, slots=True)
class PgRelation:
    """A table as the stream describes it.

    Attributes:
        identity: what of an old row is sent: `d` its primary key, `i` its key in an index, `f` all,
            `n` nothing.
        columns: those that are sent; generated ones mostly are not.
    """

    relid: int
    schema: str
    table: str
    identity: str
    columns: tuple[PgRelationColumn, ...]


@dataclass(frozen=True, slots=True)
class PgChange:
    """One step of the changes. Times are microseconds since 1970 UTC; what a kind lacks is 0 or empty.

    Attributes:
        kind: what it is.
        relid: RELATION, BATCH, TRUNCATE: the relation's oid.
        lsn: COMMIT: where the newest transaction was committed. TRUNCATE, MESSAGE: where in the WAL.
        end_lsn: COMMIT: the position that everything has been handed over before; it never goes back.
            KEEPALIVE: the end of the server's WAL.
        commit_time: COMMIT, TRUNCATE: of the transaction; 0 if the position is one that the server just told.
        xid: COMMIT, TRUNCATE: the transaction; 0 likewise.
        received_lsn: the newest WAL position that was received.
        server_time: the server's clock in its newest message.
        rows: BATCH: how many.
        batch: BATCH: the rows, in the planned schema.
        unchanged: BATCH: for each row the indices of the columns that are null only because their values are
            stored out of line and did not change; None if there is no such row.
        relation: RELATION: the description.
        prefix, content: MESSAGE: whose it is, and what it says.
    """

    kind: PgChangeKind
    relid: int
    lsn: int
    end_lsn: int
    commit_time: int
    xid: int
    received_lsn: int
    server_time: int
    rows: int
    batch: pa.RecordBatch | None = None
    unchanged: pa.ListArray[Any] | None = None
    relation: PgRelation | None = None
    prefix: str = ""
    content: bytes = b""
