"""Changes of a logical replication as Arrow batches."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

from dativo_native._abi import ffi, lib
from dativo_native._arrow import export_schema, import_array
from dativo_native._call import call, copy_bytes, copy_text, invalid
from dativo_native.closing import Closing
from dativo_native.pg_calls import PgConnection, PgOptions, PqCalls, address_of, calls_to_c, options_to_c
from dativo_native.pg_change import PgChange, PgChangeKind, PgRelation, PgRelationColumn

if TYPE_CHECKING:
    import pyarrow as pa

_DEFAULTS = PgOptions()


class PgChanges(Closing):
    """Decodes the changes that the plugin `pgoutput` sends, protocol 1 or 2, values as text.

    Rows stay in a builder of their relation, over many transactions, until there are enough of them or a
    position between transactions is due; then come all rows before it, and a COMMIT. One thread at a time may
    use it, and the connection with it; `cancel` is free to any. It never writes to the connection: answer the
    server between calls of `next`. The connection has to stay open: a closed one is refused, but must not be
    closed while `next` runs.
    """

    def __init__(
        self,
        pgconn: PgConnection,
        calls: PqCalls,
        options: PgOptions = _DEFAULTS,
        *,
        commit_millis: int = 1000,
        spool_dir: str | os.PathLike[str] = "",
        spool_bytes: int = 16 << 20,
    ) -> None:
        """Changes of the replication that `pgconn` (`connection.pgconn` of psycopg) has started.

        Args:
            pgconn: the connection.
            calls: of the libpq that made it.
            options: limits of each relation's batches; all builders together hold twice `batch_bytes`.
            commit_millis: a COMMIT comes no more often than this while changes come; 0 for every transaction.
            spool_dir: where transactions that come before their commit wait, "" for the system's.
            spool_bytes: how much of them is kept in memory.

        Raises:
            InvalidArgument: the connection is closed, or an option too large for the ABI.
        """
        self._pgconn = pgconn
        self._address = address_of(pgconn)
        self._schemas: dict[int, pa.Schema] = {}
        self._closed = False
        # As for the reader: `close` waits for a running call, `cancel` for a running `close`.
        self._using = threading.Lock()
        self._freeing = threading.Lock()
        self._change = ffi.new("DativoPgChange *")
        handle = ffi.new("DativoPgChanges **")
        limits = options_to_c(options, commit_millis=commit_millis, spool_bytes=spool_bytes)
        directory = os.fsencode(spool_dir)
        address = ffi.cast("void *", self._address)
        to_call = calls_to_c(calls, options)
        call(lib.dativo_pg_changes_new, address, to_call, limits, directory, len(directory), handle)
        self._handle = ffi.gc(handle[0], lib.dativo_pg_changes_free)

    def next(self) -> PgChange:
        """The next change. The GIL is free while the core works or waits, for `idle_millis` at most.

        Raises:
            InvalidValue: a value does not fit its column, or a message is not pgoutput's.
            IoError: the connection, or the file of a transaction, failed.
            InvalidArgument: the connection is closed, or a relation was not planned.
        """
        with self._using:
            handle = self._open()
            if self._pgconn.pgconn_ptr != self._address:
                raise invalid("the connection of the changes is closed")
            call(lib.dativo_pg_changes_next, handle, self._change)
            return self._read_change()

    def plan(self, relid: int, schema: pa.Schema | None, from_lsn: int = 0) -> None:
        """Says how the changes of a relation become columns, after its RELATION or its last COMMIT.

        Args:
            relid: the relation.
            schema: its columns by name, with `dativo.pg` or `dativo.source` in the metadata; None to skip it.
            from_lsn: changes of transactions that were committed before this position are skipped.

        Raises:
            UnsupportedSchema: a field without a form, or whose type is not for it; the message names it.
            InvalidArgument: there is no such relation, or it has rows waiting.
        """
        with self._using:
            handle = self._open()
            exported = ffi.NULL if schema is None else export_schema(schema)
            call(lib.dativo_pg_changes_plan, handle, relid, exported, from_lsn)
            if schema is None:
                self._schemas.pop(relid, None)
            else:
                self._schemas[relid] = schema

    def flush(self) -> None:
        """Makes the next position between transactions due: `next` gives the rows before it, and a COMMIT."""
        with self._using:
            call(lib.dativo_pg_changes_flush, self._open())

    def tally(self, relid: int) -> dict[str, int]:
        """How many values of which columns of a relation a policy has changed since it was planned."""
        with self._using:
            handle = self._open()
            names = self._schemas[relid].names if relid in self._schemas else []
            counts = ffi.new("uint64_t[]", max(1, len(names)))
            call(lib.dativo_pg_changes_tally, handle, relid, counts, len(names))
        return {name: count for name, count in zip(names, counts, strict=False) if count}

    def cancel(self) -> None:
        """Makes `next` return CANCELLED soon, also one that is waiting now. Any thread, any time."""
        with self._freeing:
            if not self._closed:
                lib.dativo_pg_changes_cancel(self._handle)

    def close(self) -> None:
        """Cancels, waits for a running call, and frees the changes. The connection stays as it is."""
        self.cancel()
        with self._using, self._freeing:
            if not self._closed:
                self._closed = True
                ffi.release(self._handle)

    def _open(self) -> Any:
        if self._closed:
            raise invalid("the changes are closed")
        return self._handle

    def _read_change(self) -> PgChange:
        change = self._change
        kind = PgChangeKind(change.kind)
        batch, unchanged = self._take_batch() if kind is PgChangeKind.BATCH else (None, None)
        is_message = kind is PgChangeKind.MESSAGE
        return PgChange(
            kind=kind,
            relid=change.relid,
            lsn=change.lsn,
            end_lsn=change.end_lsn,
            commit_time=change.commit_time,
            xid=change.xid,
            received_lsn=change.received_lsn,
            server_time=change.server_time,
            rows=change.rows,
            batch=batch,
            unchanged=unchanged,
            relation=_relation(copy_text(change.text)) if kind is PgChangeKind.RELATION else None,
            prefix=copy_text(change.name) if is_message else "",
            content=copy_bytes(change.text) if is_message else b"",
        )

    def _take_batch(self) -> tuple[pa.RecordBatch, pa.ListArray[Any] | None]:
        import pyarrow as pa

        planned = self._schemas[self._change.relid]
        array = ffi.new("ArrowArray *")
        call(lib.dativo_pg_changes_batch_export, self._handle, ffi.NULL, array)
        whole = import_array(array, planned.append(pa.field("_dativo_unchanged", pa.list_(pa.int16()))))
        unchanged: Any = whole.column(len(planned))
        batch = pa.RecordBatch.from_arrays(whole.columns[:-1], schema=planned)
        return batch, None if unchanged.null_count == len(unchanged) else unchanged


def _relation(text: str) -> PgRelation:
    fields = json.loads(text)
    columns = tuple(PgRelationColumn(**column) for column in fields.pop("columns"))
    return PgRelation(columns=columns, **fields)
