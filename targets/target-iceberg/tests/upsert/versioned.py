"""Rows of a key, a value and a version, for tests of what becomes of them."""

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "v", StringType(), required=False),
    NestedField(3, "version", LongType(), required=False),
)


def rows(ids, value="old", version=None):
    count = len(ids)
    versions = pa.array([version] * count, pa.int64())
    return pa.table({"id": pa.array(ids, pa.int64()), "v": [value] * count, "version": versions})


def values(lake):
    """The value of each key, as readers see them."""
    return {row["id"]: row["v"] for row in lake.rows()}
