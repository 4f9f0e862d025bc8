"""Manifests on their way into a snapshot: written, filtered, merged.

pyiceberg writes manifests of data files alone, an Avro block for every entry, and the field `equality_ids` of
a wrong type, on which strict readers stop. The writer here does all three right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.manifest import (
    DEFAULT_READ_VERSION,
    ManifestContent,
    ManifestEntry,
    ManifestWriterV2,
    data_file_with_partition,
    manifest_entry_schema_with_data_file,
)
from pyiceberg.types import IntegerType, ListType, NestedField, StructType

if TYPE_CHECKING:
    from types import TracebackType

    from pyiceberg.schema import Schema
    from pyiceberg.typedef import TableVersion

_EQUALITY_IDS = NestedField(
    135, "equality_ids", ListType(136, IntegerType(), element_required=True), required=False
)
_ENTRIES_IN_A_BLOCK = 200


class ManifestWriter(ManifestWriterV2):
    """Writes a manifest of data files or of delete files."""

    def __init__(self, content: ManifestContent, *args: Any) -> None:
        super().__init__(*args)
        self._content = content

    def content(self) -> ManifestContent:
        """What kind of files it lists."""
        return self._content

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "data" if self._content == ManifestContent.DATA else "deletes"}

    def _with_partition(self, format_version: TableVersion) -> Schema:
        kind = data_file_with_partition(
            format_version=format_version, partition_type=self._spec.partition_type(self._schema)
        )
        fields = [_EQUALITY_IDS if each.field_id == _EQUALITY_IDS.field_id else each for each in kind.fields]
        return manifest_entry_schema_with_data_file(
            format_version=format_version, data_file=StructType(*fields)
        )

    def new_writer(self) -> AvroOutputFile[ManifestEntry]:
        """The Avro file below it."""
        return _Blocks(
            output_file=self._output_file,
            file_schema=self._with_partition(self.version),
            record_schema=self._with_partition(DEFAULT_READ_VERSION),
            schema_name="manifest_entry",
            metadata=self._meta,
        )


class _Blocks(AvroOutputFile[ManifestEntry]):
    """Collects entries, so that a block is worth compressing."""

    _waiting: list[ManifestEntry]

    def __enter__(self) -> _Blocks:
        self._waiting = []
        super().__enter__()
        return self

    def write_block(self, objects: list[ManifestEntry]) -> None:
        self._waiting += objects
        if len(self._waiting) >= _ENTRIES_IN_A_BLOCK:
            self._flush()

    def __exit__(
        self, exctype: type[BaseException] | None, excinst: BaseException | None, exctb: TracebackType | None
    ) -> None:
        if exctype is None:
            self._flush()
        super().__exit__(exctype, excinst, exctb)

    def _flush(self) -> None:
        if self._waiting:
            super().write_block(self._waiting)
            self._waiting = []
