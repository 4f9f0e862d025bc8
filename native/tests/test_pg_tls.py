"""Through TLS, which holds decrypted bytes that no poll of a socket sees, rows and changes come whole."""

from contextlib import closing

import psycopg
import pyarrow as pa
import pytest
from dativo_native.pg import PgChanges, PgRows, PgStep, PqCalls

from tests.services.tls import Authority, TlsProxy

from .log import ID, SESSION, TEXT, address_of, field, position, rows_of, until, up_to

ROWS = 20_000


@pytest.fixture
def encrypted(logical, tmp_path):
    """The address of the server behind TLS that is verified in full."""
    authority = Authority.make(tmp_path, "authority")
    with TlsProxy(logical.port, authority.issue("localhost")) as proxy:
        address = address_of(logical).replace(f"127.0.0.1:{logical.port}", f"localhost:{proxy.port}")
        yield f"{address}?sslmode=verify-full&sslrootcert={authority.path}"


def test_rows_come_through_tls(encrypted):
    schema = pa.schema([ID, field("v", TEXT, "text")])
    with closing(psycopg.connect(encrypted, autocommit=True)) as connection:
        assert connection.pgconn.ssl_in_use
        query = f"SELECT i, repeat('x', i % 300) FROM generate_series(1, {ROWS}) AS i"
        connection.pgconn.exec_(f"COPY ({query}) TO STDOUT (FORMAT binary)".encode())
        with PgRows(connection.pgconn, PqCalls.of_psycopg(), schema) as rows:
            batches = [step for step in iter(rows.next, PgStep.END) if step is not PgStep.IDLE]
        assert connection.pgconn.get_result().status == psycopg.pq.ExecStatus.COMMAND_OK
        connection.pgconn.get_result()
    table = pa.Table.from_batches(batches)
    assert table.column("id").to_pylist() == list(range(1, ROWS + 1))
    assert [len(text) for text in table.column("v").to_pylist()] == [i % 300 for i in range(1, ROWS + 1)]


def test_changes_come_through_tls(encrypted, log_of):
    log = log_of()
    with closing(
        psycopg.connect(encrypted, replication="database", autocommit=True, options=SESSION)
    ) as replication:
        assert replication.pgconn.ssl_in_use
        replication.pgconn.exec_(b"CREATE_REPLICATION_SLOT encrypted TEMPORARY LOGICAL pgoutput")
        log.execute(f"INSERT INTO TABLE_ SELECT i, repeat('x', i % 300) FROM generate_series(1, {ROWS}) AS i")
        how = f"proto_version '1', publication_names '{log.name}'"
        replication.pgconn.exec_(f"START_REPLICATION SLOT encrypted LOGICAL 0/0 ({how})".encode())
        with PgChanges(replication.pgconn, PqCalls.of_psycopg(), commit_millis=0) as changes:
            met = until(changes, up_to(position(log)), ID, field("v", TEXT, "text"))
    rows = rows_of(met)
    assert [row["id"] for row in rows] == list(range(1, ROWS + 1))
    assert all(len(row["v"]) == row["id"] % 300 for row in rows)
