"""How each reader is asked for all rows of a table, given where its metadata is."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import parquet
from pyiceberg.table import StaticTable

from tests.readers.duck import duckdb_with
from tests.readers.errors import ReaderError
from tests.readers.jar import spark_jar
from tests.readers.processes import ask

_HERE = Path(__file__).parent

Properties = Mapping[str, str]


def read_with_pyiceberg(metadata: str, properties: Properties) -> pa.Table:
    return StaticTable.from_metadata(metadata, dict(properties)).scan().to_arrow()


def read_with_duckdb(metadata: str, properties: Properties) -> pa.Table:
    with duckdb_with("avro", "httpfs", "iceberg") as connection:
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
            ask("iceberg-readers", _HERE / "foreign.py", (), request)
            with pa.OSFile(out, "rb") as source:
                return pa.ipc.open_file(source).read_all()

    return read


def read_with_spark(metadata: str, properties: Properties) -> pa.Table:
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "rows.parquet"
        request = {"metadata": metadata, "out": str(out)}
        ask("iceberg-spark", _HERE / "spark.py", (str(spark_jar()),), request)
        return parquet.read_table(out)


SOURCES: dict[str, Callable[[str, Properties], pa.Table]] = {
    "pyiceberg": read_with_pyiceberg,
    "duckdb": read_with_duckdb,
    "chdb": _foreign("chdb"),
    "datafusion": _foreign("datafusion"),
    "spark": read_with_spark,
}
