"""chDB and DataFusion, run by the Python of an environment of their own: numpy and pandas come with them.

One request a line on standard input, `{"reader": ..., "metadata": ..., "properties": {...}, "out": ...}`; the
rows go to the Arrow file `out`, and the answer is a line with the error's text, empty if there is none.
"""

import json
import sys
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa


def read_with_chdb(metadata: str, properties: dict[str, str]) -> pa.Table:
    import chdb

    table, _, name = metadata.rpartition("/metadata/")
    settings = f"SETTINGS iceberg_metadata_file_path='metadata/{name}'"
    if metadata.startswith("s3://"):
        url = table.replace("s3://", properties["s3.endpoint"].rstrip("/") + "/", 1)
        keys = f"'{properties['s3.access-key-id']}', '{properties['s3.secret-access-key']}'"
        source = f"icebergS3('{url}/', {keys}, 'Parquet', {settings})"
    else:
        source = f"icebergLocal('{urlsplit(table).path}/', 'Parquet', {settings})"
    # Binaries are strings to ClickHouse; as Arrow strings the ones that are no UTF-8 would be invalid.
    query = f"SELECT * FROM {source} SETTINGS output_format_arrow_string_as_string=0"
    return chdb.query(query, "ArrowTable")


def read_with_datafusion(metadata: str, properties: dict[str, str]) -> pa.Table:
    from datafusion import SessionContext
    from pyiceberg.table import StaticTable

    # By themselves Rust's readers put the bucket into the host's name, which a bare address cannot have.
    known = {"s3.path-style-access": "true", **properties}
    context = SessionContext()
    context.register_table("rows", StaticTable.from_metadata(metadata, known))
    return context.sql("SELECT * FROM rows").to_arrow_table()


READERS = {"chdb": read_with_chdb, "datafusion": read_with_datafusion}


def _answer(request: dict[str, Any]) -> str:
    rows = READERS[request["reader"]](request["metadata"], request["properties"])
    with pa.OSFile(request["out"], "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    return ""


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 -- the process boundary: whoever asked raises it
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)
