"""Foreign tables on PostgreSQL 18: what they show of another server is read as of a table of one's own."""

import json
import subprocess
from pathlib import Path

from tests.fidelity.pipeline import Source, load, source
from tests.fidelity.returning import differences
from tests.paths import BIN
from tests.services.postgres import PASSWORD, USER, Postgres

TYPES = {"n": "numeric(12,2)", "at": "timestamptz", "tags": "text[]"}
REMOTE = """
CREATE SCHEMA remote;
CREATE TABLE remote.things (id int, n numeric(12,2), at timestamptz, tags text[]);
INSERT INTO remote.things VALUES (1, 12.30, '2024-02-29 01:02:03.4Z', '{a,NULL}'), (2, NULL, NULL, NULL);
"""
FOREIGN = """
CREATE EXTENSION postgres_fdw;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '127.0.0.1', port '{port}', dbname '{name}');
CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (user '{user}', password '{password}');
IMPORT FOREIGN SCHEMA remote FROM SERVER other INTO fidelity;
"""


def test_a_foreign_table(eighteen: Postgres, tmp_path: Path) -> None:
    with source(eighteen, "fidelity_foreign") as read:
        with read.connect() as connection:
            connection.execute(REMOTE)
            connection.execute(
                FOREIGN.format(port=eighteen.port, name=read.name, user=USER, password=PASSWORD)
            )
        assert kinds(read, tmp_path) == {"fidelity-things": "foreign table"}
        returned = load(read, tmp_path, "lines").table("things")
        with read.connect() as connection:
            assert differences(connection, "remote.things", returned, TYPES) == []
        assert returned.num_rows == 2


def kinds(read: Source, directory: Path) -> dict[str, str]:
    """What kind of table each stream is."""
    config = directory / "tap.json"
    config.write_text(json.dumps(read.settings))
    command = [BIN / "tap-postgres", "--config", config, "--discover"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {
        stream["tap_stream_id"]: entry["metadata"]["kind"]
        for stream in found["streams"]
        for entry in stream["metadata"]
        if not entry["breadcrumb"]
    }
