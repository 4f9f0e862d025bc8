"""How each reader is asked for all rows of a table, given where its metadata is."""

import atexit
import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pyarrow as pa
from pyiceberg.table import StaticTable

from tests.interop.venvs import tool_bin

_SCRIPT = Path(__file__).parent / "foreign.py"

Properties = Mapping[str, str]


class ReaderError(Exception):
    """A reader refuses the table."""


def read_with_pyiceberg(metadata: str, properties: Properties) -> pa.Table:
    return StaticTable.from_metadata(metadata, dict(properties)).scan().to_arrow()


def read_with_duckdb(metadata: str, properties: Properties) -> pa.Table:
    import duckdb
    from duckdb_extensions import import_extension

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        for extension in ("avro", "httpfs", "iceberg"):
            import_extension(extension)
            connection.execute(f"LOAD {extension}")
        connection.execute("SET TimeZone = 'UTC'")
        if "s3.endpoint" in properties:
            connection.execute(_duckdb_secret(properties))
        try:
            return connection.execute("SELECT * FROM iceberg_scan(?)", [metadata]).to_arrow_table()
        except duckdb.Error as error:
            raise ReaderError(f"duckdb: {error}") from error


def _duckdb_secret(properties: Properties) -> str:
    scheme, _, host = properties["s3.endpoint"].partition("://")
    return (
        f"CREATE SECRET (TYPE s3, KEY_ID '{properties['s3.access-key-id']}', "
        f"SECRET '{properties['s3.secret-access-key']}', ENDPOINT '{host}', URL_STYLE 'path', "
        f"USE_SSL {str(scheme == 'https').lower()}, REGION '{properties.get('s3.region', 'us-east-1')}')"
    )


def _foreign(reader: str) -> Callable[[str, Properties], pa.Table]:
    def read(metadata: str, properties: Properties) -> pa.Table:
        with tempfile.TemporaryDirectory() as directory:
            out = str(Path(directory) / "rows.arrow")
            request = {"reader": reader, "metadata": metadata, "properties": dict(properties), "out": out}
            if problem := _ask(request):
                raise ReaderError(f"{reader}: {problem}")
            with pa.OSFile(out, "rb") as source:
                return pa.ipc.open_file(source).read_all()

    return read


def _ask(request: Mapping[str, object]) -> str:
    process = _foreign_process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        _foreign_process.cache_clear()
        raise ReaderError(f"{request['reader']} died with exit code {process.wait()}")
    return str(json.loads(line))


@cache
def _foreign_process() -> subprocess.Popen[str]:
    """One for the whole session: the imports of these readers cost seconds. It ends when its input does."""
    python = tool_bin("iceberg-readers") / "python"
    process = subprocess.Popen(
        (str(python), str(_SCRIPT)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",  # chDB reads nothing outside its working directory
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


SOURCES: dict[str, Callable[[str, Properties], pa.Table]] = {
    "pyiceberg": read_with_pyiceberg,
    "duckdb": read_with_duckdb,
    "chdb": _foreign("chdb"),
    "datafusion": _foreign("datafusion"),
}
