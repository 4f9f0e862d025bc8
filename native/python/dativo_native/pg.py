"""PostgreSQL: rows of a COPY, and changes of a logical replication, become Arrow batches.

psycopg connects and says `COPY … TO STDOUT (FORMAT binary)`, or `START_REPLICATION … LOGICAL`, by
`connection.pgconn.exec_`; then the core takes the messages from libpq itself, without the GIL. A field
of the schema names by `dativo.pg` in its metadata the form in which PostgreSQL sends its values;
docs/abi.md lists the forms and the Arrow types each may become.
"""

from __future__ import annotations

from dativo_native.pg_calls import PgConnection, PgOptions, PqCalls
from dativo_native.pg_change import PgChange, PgChangeKind, PgRelation, PgRelationColumn
from dativo_native.pg_changes import PgChanges
from dativo_native.pg_rows import PgRows, PgStep

__all__ = [
    "PgChange",
    "PgChangeKind",
    "PgChanges",
    "PgConnection",
    "PgOptions",
    "PgRelation",
    "PgRelationColumn",
    "PgRows",
    "PgStep",
    "PqCalls",
]
