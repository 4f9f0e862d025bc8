"""What the plan of a stream is going to be, known before the catalog is open.

The Iceberg library takes a second to import, and records are waiting. For a table in the default catalog
that does not exist yet, or that already has just the columns its stream brings, the plan can be told from the
catalog's file and the table's metadata: rows are then decoded and encoded while the library is imported. The
plan itself is made with the catalog all the same, and nothing is committed unless both agree.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from target_parquet.schema_evolution import evolve, for_file

from target_iceberg.data_directory import data_directory
from target_iceberg.errors import UnforeseenError
from target_iceberg.foreseen import Foreseen
from target_iceberg.glance import glance
from target_iceberg.metadata_columns import alike, fresh_fields, notes_on, with_ids_of
from target_iceberg.names import TableNames
from target_iceberg.record_columns import RecordColumns

if TYPE_CHECKING:
    from typing import Any

    import pyarrow as pa
    from dativo_protocol.messages import SchemaMessage

    from target_iceberg.glance import Glimpse
    from target_iceberg.settings import Settings


class Foresight:
    """Foresees the plan of the first SCHEMA of each stream."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = TableNames(settings)
        self._asked: set[str] = set()

    @staticmethod
    def is_of_use(settings: Settings) -> bool:
        """Whether anything can be foreseen: keys, partitions and sort orders take the library.

        Other catalogs than the default one do too.
        """
        takes_library = settings.load_method == "upsert" or settings.uuid_type == "uuid"
        return not (settings.catalog or settings.partition_by or settings.sort_by or takes_library)

    def foresee(self, message: SchemaMessage) -> Foreseen | None:
        """Tell what the plan is going to be; None if that takes the catalog.

        Raises:
            SchemaError, LayoutError: as the plan itself does.
        """
        if message.stream in self._asked:
            return None
        self._asked.add(message.stream)
        try:
            return self._foresee(message)
        except UnforeseenError:
            return None

    def _foresee(self, message: SchemaMessage) -> Foreseen:
        import pyarrow as pa

        settings, identifier = self._settings, self._names.of(message.stream)
        columns = RecordColumns.of(message, settings)
        if len({name.casefold() for name in columns.all.names}) < len(columns.all):
            raise UnforeseenError
        found = glance(settings.warehouse, identifier)
        known = pa.schema([for_file(column) for column in columns.all])
        fields = _fields(known, message, found)
        evolved = evolve(known, columns.all, settings.on_type_conflict, stream=message.stream)
        return Foreseen(
            identifier,
            data_directory(settings.warehouse, found.location, identifier),
            pa.schema(list(evolved.decode)[: columns.decoded]),
            replace(evolved, file=with_ids_of(evolved.file, fields)),
        )


def _fields(columns: pa.Schema, message: SchemaMessage, found: Glimpse) -> list[dict[str, Any]]:
    """The fields that the table has for these columns.

    Raises:
        UnforeseenError: it has others.
    """
    fresh = fresh_fields(columns, message.key_properties)
    if found.fields is None:
        return fresh
    if not alike(fresh, found.fields) or notes_on(columns, found.fields) != found.notes:
        raise UnforeseenError
    return found.fields
