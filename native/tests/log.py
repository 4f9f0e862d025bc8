"""A table of a real PostgreSQL that is published, and the changes of it."""

import itertools
import time

import psycopg
import pyarrow as pa
from dativo_native.pg import PgChangeKind, PgChanges, PgOptions, PqCalls

INT, TEXT, UTC = pa.int64(), pa.string(), pa.timestamp("us", "UTC")
SESSION = (
    "-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c extra_float_digits=1"
    " -c bytea_output=hex -c client_encoding=UTF8"
)
# However slow the machine is.
SECONDS = 200
NAMES = (f"t{number}" for number in itertools.count())


def address_of(server):
    return server.uri().replace("+psycopg2", "")


def field(name, kind, form=None, *, source=None, key=False, nullable=True):
    metadata = {"dativo.pg": form, "dativo.source": source, "dativo.key": "true" if key else None}
    return pa.field(name, kind, nullable, {name: value for name, value in metadata.items() if value})


def listed(item, dimensions=1):
    for _ in range(dimensions):
        item = field(item.name, pa.list_(item.with_name("item")), "array")
    return item


ID = field("id", INT, "int4", key=True)
LSN, XID = field("_lsn", INT, source="lsn"), field("_xid", INT, source="xid")
COMMITTED, DELETED = field("_at", UTC, source="commit_time"), field("_deleted", UTC, source="deleted_at")


class Log:
    """A table that is published, and the changes of it from now on."""

    def __init__(self, server, connection, columns="id int PRIMARY KEY, v text", readers=1):
        self.name = next(NAMES)
        self.connection = connection
        connection.execute(f"CREATE TABLE {self.name} ({columns})")
        connection.execute(f"CREATE PUBLICATION {self.name} FOR TABLE {self.name}")
        self.replications = [
            psycopg.connect(address_of(server), replication="database", autocommit=True, options=SESSION)
            for _ in range(readers)
        ]
        self.slots = [f"{self.name}_{number}" for number in range(readers)]
        # They are temporary: they go with their connections.
        for slot, replication in zip(self.slots, self.replications, strict=True):
            replication.pgconn.exec_(f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput".encode())

    @property
    def replication(self):
        return self.replications[0]

    def execute(self, statement, *arguments):
        return self.connection.execute(statement.replace("TABLE_", self.name), arguments or None)

    def changes(self, *, more="", options=None, version=1, **limits):
        how = f"proto_version '{version}', publication_names '{self.name}'{more}"
        started = self.replication.pgconn.exec_(
            f"START_REPLICATION SLOT {self.slots[0]} LOGICAL 0/0 ({how})".encode()
        )
        assert started.status == psycopg.pq.ExecStatus.COPY_BOTH
        limits = {"commit_millis": 0} | limits
        return PgChanges(self.replication.pgconn, PqCalls.of_psycopg(), options or PgOptions(), **limits)

    def next_reader(self):
        """Goes on to the next of the slots, so that the same changes can be read once more."""
        self.replications.pop(0).close()
        self.slots.pop(0)

    def close(self):
        for replication in self.replications:
            replication.close()


def until(changes, wanted, *schema, from_lsn=0):
    """Everything but silence up to the first change that is `wanted`; relations are planned as `schema`."""
    met = []
    deadline = time.monotonic() + SECONDS
    while not met or not wanted(met[-1]):
        assert time.monotonic() < deadline, met
        change = changes.next()
        if change.kind is PgChangeKind.RELATION:
            changes.plan(change.relid, pa.schema(schema) if schema else None, from_lsn)
        assert change.kind is not PgChangeKind.END, "the server has ended the stream"
        if change.kind not in (PgChangeKind.IDLE, PgChangeKind.KEEPALIVE):
            met.append(change)
    return met


def position(log):
    return as_int(log.execute("SELECT pg_current_wal_lsn()").fetchone()[0])


def as_int(lsn):
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def up_to(end):
    return lambda change: change.kind is PgChangeKind.COMMIT and change.end_lsn >= end


def rows_of(met):
    return [row for change in met if change.batch is not None for row in change.batch.to_pylist()]
