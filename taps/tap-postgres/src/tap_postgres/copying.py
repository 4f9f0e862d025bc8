"""One COPY of a table, as Arrow batches."""

from __future__ import annotations

import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, cast

from tap_postgres.errors import PostgresError, ValueMisfit, postgres_error

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import psycopg
    import pyarrow as pa
    from dativo_protocol.postgres import PgConnection, PgOptions, PgRows
    from psycopg.rows import TupleRow

    from tap_postgres.tables import StreamPlan


class Copying:
    """The rows that one COPY sends.

    Attributes:
        options: limits, and what becomes of values that Arrow does not have.
        changed: how many values of which column the options have changed, once all rows are read.
    """

    def __init__(
        self, connection: psycopg.Connection[TupleRow], plan: StreamPlan, options: PgOptions
    ) -> None:
        self._connection = connection
        self._plan = plan
        self.options = options
        self.changed: dict[str, int] = {}

    def batches(self) -> Generator[pa.RecordBatch]:
        """Yield the rows; the connection takes no other command before the end.

        Raises:
            PostgresError: the server refuses the statement, or breaks off.
            ValueMisfit: a value does not fit its column.
        """
        from dativo_protocol.postgres import PgStep

        with self._begun() as rows:
            while True:
                step = rows.next()
                if step is PgStep.END:
                    break
                if not isinstance(step, PgStep):
                    yield step
            self.changed = rows.tally()
        self._check_end()

    @contextmanager
    def _begun(self) -> Iterator[PgRows]:
        from dativo_protocol.postgres import InvalidValue, IoError, PgRows, PqCalls
        from psycopg.pq import ExecStatus

        pgconn = self._connection.pgconn
        pgconn.send_query(copy_statement(self._plan).as_bytes(self._connection))
        result = _awaited(pgconn)
        if result is not None and result.status != ExecStatus.COPY_OUT:
            self._fail(result)
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


def _awaited(pgconn: psycopg.pq.abc.PGconn) -> psycopg.pq.abc.PGresult | None:
    """Wait for the answer to a statement, for as long as its table is locked, in a way that signals end."""
    waiting = select.poll()
    waiting.register(pgconn.socket, select.POLLIN | select.POLLOUT)
    while pgconn.flush():
        waiting.poll()
        pgconn.consume_input()
    waiting.modify(pgconn.socket, select.POLLIN)
    while pgconn.is_busy():
        waiting.poll()
        pgconn.consume_input()
    return pgconn.get_result()


def copy_statement(plan: StreamPlan) -> psycopg.sql.Composed:
    """Return the statement that reads a stream. A SELECT, as COPY of a table would pass its children over."""
    from psycopg import sql

    where: sql.Composable = sql.SQL("")
    if plan.where:
        where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(plan.where)
    return sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(plan.select_list), sql.Identifier(plan.table.schema, plan.table.name), where
    )
