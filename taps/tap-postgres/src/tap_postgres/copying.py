"""COPYs of a stream, as Arrow batches."""

from __future__ import annotations

import select
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, cast

from tap_postgres.errors import PostgresError, ValueMisfit, asking, postgres_error

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator, Sequence

    import psycopg
    import pyarrow as pa
    from dativo_protocol.postgres import PgConnection, PgOptions, PgRows
    from psycopg import sql
    from psycopg.rows import TupleRow

    from tap_postgres.tables import StreamPlan


_WAIT_MILLIS = 200
"""How long to wait for the server at a time: a stop is heard so often."""


class Copying:
    """The rows that COPYs of a stream send, one COPY after the other.

    Attributes:
        options: limits, and what becomes of values that Arrow does not have.
        changed: how many values of which column the options have changed so far.
    """

    def __init__(
        self,
        connection: psycopg.Connection[TupleRow],
        plan: StreamPlan,
        options: PgOptions,
        stop: threading.Event,
    ) -> None:
        """Read by this connection, until `stop` is set."""
        self._connection = connection
        self._plan = plan
        self._stop = stop
        self.options = options
        self.changed: Counter[str] = Counter()

    def batches(self, statement: sql.Composable) -> Generator[pa.RecordBatch]:
        """Yield the rows; the connection takes no other command before the end, and none after a stop.

        Args:
            statement: a COPY of the plan's columns in binary format.

        Raises:
            PostgresError: the server refuses the statement, or breaks off.
            ValueMisfit: a value does not fit its column.
        """
        from dativo_protocol.postgres import PgStep

        with asking(self._doing):
            if not self._begin(statement):
                return
        with self._rows() as rows:
            while (step := rows.next()) is not PgStep.END:
                if self._stop.is_set():
                    return
                if not isinstance(step, PgStep):
                    yield step
            self.changed.update(rows.tally())
        self._check_end()

    def _begin(self, statement: sql.Composable) -> bool:
        """Begin the COPY; False if a stop came first."""
        from psycopg.pq import ExecStatus

        pgconn = self._connection.pgconn
        pgconn.send_query(statement.as_bytes(self._connection))
        if not _await_answer(pgconn, self._stop):
            return False
        result = pgconn.get_result()
        if result is not None and result.status != ExecStatus.COPY_OUT:
            self._fail(result)
        return True

    @contextmanager
    def _rows(self) -> Iterator[PgRows]:
        from dativo_protocol.postgres import InvalidValue, IoError, PgRows, PqCalls

        pgconn = self._connection.pgconn
        try:
            taken_from = cast("PgConnection", pgconn)  # its type has no pgconn_ptr, though it is documented
            schema = self._plan.arrow_schema
            with PgRows(taken_from, PqCalls.of_psycopg(), schema, self.options) as rows:
                yield rows
        except InvalidValue as error:
            raise ValueMisfit(str(error), stream=self._plan.id) from None
        except IoError as error:
            raise PostgresError(f"{self._doing}: {error}", sqlstate="08006") from None

    def _check_end(self) -> None:
        """A COPY that ended is not a COPY that succeeded: only its results tell."""
        from psycopg.pq import ExecStatus

        while (result := self._connection.pgconn.get_result()) is not None:
            if result.status != ExecStatus.COMMAND_OK:
                self._fail(result)

    def _fail(self, result: psycopg.pq.abc.PGresult) -> NoReturn:
        from psycopg.errors import error_from_result

        raise postgres_error(error_from_result(result), self._doing) from None

    @property
    def _doing(self) -> str:
        return f"reading stream {self._plan.id!r}"


def _await_answer(pgconn: psycopg.pq.abc.PGconn, stop: threading.Event) -> bool:
    """Wait for the answer to a statement, for as long as its table is locked; False if a stop came first."""
    waiting = select.poll()
    waiting.register(pgconn.socket, select.POLLIN | select.POLLOUT)
    while pgconn.flush():
        waiting.poll(_WAIT_MILLIS)
        pgconn.consume_input()
    waiting.modify(pgconn.socket, select.POLLIN)
    while pgconn.is_busy() and not stop.is_set():
        waiting.poll(_WAIT_MILLIS)
        pgconn.consume_input()
    return not stop.is_set()


def copy_statement(
    plan: StreamPlan,
    *,
    source: sql.Composable | None = None,
    where: Sequence[sql.Composable] = (),
    order: sql.Composable | None = None,
    limit: int | None = None,
) -> sql.Composed:
    """Return a statement that reads rows of a stream.

    It has a SELECT, as COPY of a table would pass its children over.

    Args:
        plan: of the stream; its conditions hold in any case.
        source: what to read instead of its whole table.
        where: more conditions.
        order: what to sort by.
        limit: most rows.
    """
    from psycopg import sql

    parts = [
        sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join((*plan.select_list, *plan.constants)),
            source or sql.Identifier(plan.table.schema, plan.table.name),
        )
    ]
    if conditions := (*plan.where, *where):
        parts.append(sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)))
    if order is not None:
        parts.append(sql.SQL(" ORDER BY {}").format(order))
    if limit is not None:
        parts.append(sql.SQL(" LIMIT {}").format(sql.Literal(limit)))
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(sql.Composed(parts))
