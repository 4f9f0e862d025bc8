"""How the columns of a SCHEMA find their place among those a stream's files already have.

A file always has all columns seen so far, so the newest file knows them all: new columns are added at the
end, columns that a SCHEMA no longer names stay and are null. A column whose type is in conflict goes where
the policy says, never into the old column by a cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from dativo_protocol.arrow import JSON_KEY

from target_parquet.errors import TypeConflictError
from target_parquet.type_merge import label, merge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

Policy = Literal["variant_column", "string_column", "fail"]

VARIANT_KEY = b"dativo.variant_of"
"""Metadata of a variant column: the property it holds values of, so that no other one is put there."""

_KEPT_METADATA = (JSON_KEY, VARIANT_KEY)


@dataclass(frozen=True, slots=True)
class Evolved:
    """The outcome for one SCHEMA.

    Attributes:
        decode: columns as the records are to be decoded, named by their properties.
        file: columns as they are to be written.
        sources: for each column of `file` the index in `decode` it is filled from, None for nulls.
    """

    decode: pa.Schema
    file: pa.Schema
    sources: tuple[int | None, ...]


def evolve(
    known: pa.Schema | None,
    incoming: pa.Schema,
    policy: Policy,
    *,
    stream: str,
    leave_out: Collection[str] = (),
) -> Evolved:
    """Fit the columns of a SCHEMA to those the stream has.

    Args:
        known: columns of the files so far, None if there are none.
        incoming: columns of the SCHEMA, as they would be decoded.
        policy: what to do about a type in conflict.
        stream: name for errors.
        leave_out: columns that are decoded but have no place in the files.

    Raises:
        TypeConflictError: a type is in conflict and the policy is "fail".
    """
    columns = {field.name: field for field in known or () if field.name not in leave_out}
    fitting = _Fitting(columns, incoming, policy, stream)
    for index, field in enumerate(incoming):
        if field.name not in leave_out:
            fitting.place(index, field)
    return fitting.outcome()


class _Fitting:
    """The columns while they are being placed."""

    def __init__(
        self, columns: dict[str, pa.Field[Any]], incoming: pa.Schema, policy: Policy, stream: str
    ) -> None:
        self._columns = columns
        self._decode = list(incoming)
        self._incoming_names = frozenset(incoming.names)
        self._sources: dict[str, int] = {}
        self._policy = policy
        self._stream = stream

    def place(self, index: int, field: pa.Field[Any]) -> None:
        old = self._columns.get(field.name)
        merged = field if old is None else merge(old, field) if _variant_of(old) is None else None
        if merged is not None:
            self._fill(index, merged)
            return
        assert old is not None
        if self._policy == "fail":
            raise TypeConflictError(
                f"the column is {label(field)} but the files have {label(old)}",
                stream=self._stream,
                path=f"/{field.name}",
            )
        if self._policy == "string_column" and label(field) != "string":
            field = _as_json_text(field)
            self._decode[index] = field
        self._fill(index, self._variant(field))

    def outcome(self) -> Evolved:
        import pyarrow as pa

        return Evolved(
            decode=pa.schema(self._decode),
            file=pa.schema([for_file(column) for column in self._columns.values()]),
            sources=tuple(self._sources.get(name) for name in self._columns),
        )

    def _fill(self, index: int, column: pa.Field[Any]) -> None:
        self._columns[column.name] = column
        self._sources[column.name] = index

    def _variant(self, field: pa.Field[Any]) -> pa.Field[Any]:
        """Find or make the column that takes the values of a property in conflict."""
        for name in self._variant_names(field):
            old = self._columns.get(name)
            if old is None:
                return _with_metadata(field.with_name(name), {VARIANT_KEY: field.name.encode()})
            if _variant_of(old) == field.name and (merged := self._merge_variant(old, field)) is not None:
                return merged
        raise AssertionError("names do not run out")

    def _variant_names(self, field: pa.Field[Any]) -> Iterator[str]:
        kind = "string" if self._policy == "string_column" else label(field)
        for number in count(1):
            name = f"{field.name}__{kind}" + (f"_{number}" if number > 1 else "")
            if name not in self._incoming_names:
                yield name

    def _merge_variant(self, old: pa.Field[Any], field: pa.Field[Any]) -> pa.Field[Any] | None:
        if self._policy == "string_column":
            return old if old.type == field.type else None  # strings as they are beside the text of the rest
        return merge(old, field)


def _variant_of(field: pa.Field[Any]) -> str | None:
    name = (field.metadata or {}).get(VARIANT_KEY)
    return None if name is None else name.decode()


def _as_json_text(field: pa.Field[Any]) -> pa.Field[Any]:
    import pyarrow as pa

    return _with_metadata(field.with_type(pa.string()), {JSON_KEY: b"text"})


def for_file(column: pa.Field[Any]) -> pa.Field[Any]:
    """Leave out the metadata that directs the decoder and means nothing in a file."""
    metadata = column.metadata or {}
    kept = {key: metadata[key] for key in _KEPT_METADATA if key in metadata}
    return _with_metadata(column.remove_metadata(), kept).with_nullable(nullable=True)


def _with_metadata(field: pa.Field[Any], added: dict[bytes, bytes]) -> pa.Field[Any]:
    both: list[tuple[bytes | str, bytes | str]] = [*(field.metadata or {}).items(), *added.items()]
    metadata: dict[bytes | str, bytes | str] = dict(both)
    return field.with_metadata(metadata) if metadata else field
