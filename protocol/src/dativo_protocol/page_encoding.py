"""Chooses how the pages of each column are encoded, from the first rows of a file.

A dictionary pays where values repeat. Where they hardly do, building one is most of the work of writing the
column, and Parquet gives it up in the end: integers and times then take deltas, packed in as few bits as they
need, which every reader of Parquet 2 knows; the rest is stored plainly and left to the codec. On TPC-H's
`lineitem` this writes in two thirds of the time, and a smaller file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_protocol.leaves import leaves

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE_ROWS = 16_384
_FIRST_ROWS = 2_048
_REPEATS = 0.5
_REPEATS_OFTEN = 0.05
_HARDLY_REPEATS = 0.99
_DELTA = "DELTA_BINARY_PACKED"


@dataclass(frozen=True, slots=True)
class PageEncoding:
    """What `pyarrow.parquet.ParquetWriter` is told, by the path of the leaf column.

    Attributes:
        dictionary: columns that try a dictionary; all others do not.
        plain: columns with an encoding of their own.
    """

    dictionary: tuple[str, ...]
    plain: dict[str, str]


def choose_page_encoding(rows: pa.Table) -> PageEncoding:
    """Look at the first rows of a file and choose for each of its leaf columns."""
    dictionary: list[str] = []
    plain: dict[str, str] = {}
    sample = list(leaves(rows.slice(0, _SAMPLE_ROWS)))
    named = Counter(path for path, _ in sample)
    for path, values in sample:
        # A property `a.b` and the `b` of an object `a` have one path: what fits one may not fit both.
        delta = named[path] == 1 and _takes_deltas(values.type)
        if _distinct_share(values) <= (_REPEATS_OFTEN if delta else _REPEATS):
            dictionary.append(path)
        elif delta:
            plain[path] = _DELTA
    return PageEncoding(tuple(dictionary), plain)


def _takes_deltas(type_: pa.DataType) -> bool:
    from pyarrow import types

    return (
        types.is_integer(type_) or types.is_timestamp(type_) or types.is_date(type_) or types.is_time(type_)
    )


def _distinct_share(values: pa.Array[Any]) -> float:
    """Share of values that did not occur before them; nulls are no values, and no value repeats."""
    if len(values) > _FIRST_ROWS:
        share = _distinct_share(values[:_FIRST_ROWS])
        if share >= _HARDLY_REPEATS:  # so many distinct texts take longer to count than all else together
            return share
    # `pyarrow.compute` would first make a Python function of each kernel, which takes 40 ms of every run.
    from pyarrow._compute import CountOptions, call_function

    count = len(values) - values.null_count
    if not count:
        return 0.0
    distinct: int = call_function("count_distinct", [values], CountOptions(mode="only_valid")).as_py()
    return distinct / count
