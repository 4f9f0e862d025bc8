"""What a table's metadata says of a data file: from its footer, and as JSON for the ledger."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyarrow import parquet
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema

_COUNTS = ("column_sizes", "value_counts", "null_value_counts", "nan_value_counts")
_BOUNDS = ("lower_bounds", "upper_bounds")


def describe_data_file(
    footer: parquet.FileMetaData,
    schema: Schema,
    properties: Mapping[str, str],
    *,
    partition: Sequence[Any],
    spec_id: int,
    sort_order_id: int | None = None,
) -> dict[str, Any]:
    """Describe a file by its footer alone: rows, sizes, counts, bounds and where its row groups begin.

    Args:
        footer: of the finished file.
        schema: of the table, with the field ids that the file has.
        properties: of the table; `write.metadata.metrics.*` choose what is kept of each column.
        partition: transformed values in the order of the spec's fields.
        spec_id: of the partition spec.
        sort_order_id: of the order that all rows of the file are in; None for none.
    """
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )

    statistics = data_file_statistics_from_parquet_metadata(
        footer, compute_statistics_plan(schema, dict(properties)), parquet_path_to_id_mapping(schema)
    ).to_serialized_dict()
    document: dict[str, Any] = {"partition": [_to_json(value) for value in partition], "spec_id": spec_id}
    document["sort_order_id"] = sort_order_id
    for name in _COUNTS:
        document[name] = {str(key): value for key, value in (statistics[name] or {}).items()}
    for name in _BOUNDS:
        document[name] = {str(key): _text(value) for key, value in (statistics[name] or {}).items()}
    return document | {"split_offsets": statistics["split_offsets"]}


def data_file(document: Mapping[str, Any], path: str, rows: int, size: int) -> DataFile:
    """The file as a commit takes it.

    Args:
        document: from `describe_data_file`.
        path: absolute URI.
        rows: in it.
        size: of it, in bytes.
    """
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    known: dict[str, Any] = {
        name: {int(key): value for key, value in document[name].items()} for name in _COUNTS
    }
    known |= {
        name: {int(key): base64.b64decode(value) for key, value in document[name].items()} for name in _BOUNDS
    }
    made = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(*(_from_json(value) for value in document["partition"])),
        record_count=rows,
        file_size_in_bytes=size,
        sort_order_id=document.get("sort_order_id"),
        equality_ids=None,
        key_metadata=None,
        split_offsets=document["split_offsets"],
        **known,
    )
    made.spec_id = document["spec_id"]
    return made


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"binary": _text(value)}
    if isinstance(value, (Decimal, UUID)):
        return {type(value).__name__.lower(): str(value)}
    return value


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    readers: dict[str, Callable[[str], Any]] = {"binary": base64.b64decode, "decimal": Decimal, "uuid": UUID}
    return readers[kind](text)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
