"""dlt's `sql_table` with connectorx as its backend, into Parquet files.

Usage: dlt_postgres.py URI SCHEMA DIRECTORY.
"""

import os
import sys
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
from dlt.destinations import filesystem
from dlt.sources.sql_database import sql_table


def main(uri: str, schema: str, directory: str) -> None:
    rows = sql_table(
        uri.replace("postgresql:", "postgresql+psycopg2:"), "lineitem", schema=schema, backend="connectorx"
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(Path(directory) / "pipelines"),
        destination=filesystem(Path(directory).as_uri()),
        dataset_name="lake",
    )
    pipeline.run(rows, loader_file_format="parquet").raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
