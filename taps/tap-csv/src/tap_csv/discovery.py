"""What a stream looks like: the columns of all its files, with types from the settings or from a sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from dativo_protocol.ahead import read_ahead
from dativo_protocol.catalog import ReplicationMethod
from dativo_protocol.columns import Column, ColumnType, Integer, String, TimestampTz
from dativo_protocol.describe import json_schema_of_columns
from dativo_protocol.discovery import catalog_entry

from tap_csv.checks import require, say_renamed
from tap_csv.definitions import METADATA_COLUMNS, SOURCE_FILE, SOURCE_FILE_MTIME, SOURCE_LINENO
from tap_csv.errors import HeaderError, NoFilesError
from tap_csv.inference import ColumnGuess
from tap_csv.rows import open_csv
from tap_csv.sources import list_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from dativo_protocol.catalog import CatalogEntry

    from tap_csv.definitions import Definition
    from tap_csv.header import Header
    from tap_csv.notices import Notices
    from tap_csv.rows import CsvFile
    from tap_csv.sources import SourceFile

METADATA_TYPES: Mapping[str, ColumnType] = {
    SOURCE_FILE: String(),
    SOURCE_FILE_MTIME: TimestampTz(),
    SOURCE_LINENO: Integer(),
}

_LEAST_SAMPLE = 100
"""Rows looked at in every file, however many files share the sample."""


def discover_stream(definition: Definition, notices: Notices) -> CatalogEntry | None:
    """Describe a stream; None if it has no files and need not have any.

    Raises:
        CsvError: its files cannot be found or read, or lack a column that the settings name.
    """
    files = find_files(definition, notices)
    if not files:
        return None
    guesses = _look_into(files, definition, notices)
    columns = _columns(guesses, definition, notices)
    keys = [definition.replication_key] if definition.replication_key else []
    if definition.remembers_files and definition.add_metadata_columns:
        keys = [SOURCE_FILE_MTIME]
    is_incremental = definition.remembers_files or definition.replication_key is not None
    return catalog_entry(
        definition.entity,
        json_schema_of_columns(columns, keys=definition.keys),
        key_properties=definition.keys,
        replication_keys=keys,
        replication_method=(
            ReplicationMethod.INCREMENTAL if is_incremental else ReplicationMethod.FULL_TABLE
        ),
    )


def find_files(definition: Definition, notices: Notices) -> Sequence[SourceFile]:
    """List the files of a stream.

    Raises:
        CsvError: there are none and the settings insist on some, or they cannot be listed.
    """
    try:
        return list_files(definition.path, definition.compression)
    except NoFilesError as error:
        if definition.on_no_files == "fail":
            raise
        notices.warn(definition.entity, f"{error}; the stream has nothing to read")
        return ()


def _look_into(
    files: Sequence[SourceFile], definition: Definition, notices: Notices
) -> dict[str, ColumnGuess]:
    """Learn about every column of every file, in the order in which they first appear."""
    guesses: dict[str, ColumnGuess] = {}
    # Discovery looks at what can be looked at; whether bad rows are allowed is for the run to decide.
    tolerant = replace(definition, on_bad_row="skip")
    sample = max(_LEAST_SAMPLE, definition.infer_rows // len(files)) if definition.infer_rows else None
    for file in files:
        with open_csv(file, tolerant) as opened:
            _check(opened.header, definition, file.name, notices)
            for name in opened.header.columns:
                guesses.setdefault(name, ColumnGuess())
            if definition.infer_types:
                _sample(opened, guesses, definition, sample)
    return guesses


def _check(header: Header, definition: Definition, file: str, notices: Notices) -> None:
    say_renamed(header, definition.entity, file, notices)
    produced = METADATA_COLUMNS if definition.add_metadata_columns else ()
    require(header, (key for key in definition.keys if key not in produced), "key column", file)
    if definition.replication_key:
        require(header, [definition.replication_key], "replication key", file)


def _sample(
    opened: CsvFile, guesses: Mapping[str, ColumnGuess], definition: Definition, rows: int | None
) -> None:
    open_questions = [name for name in opened.header.columns if name not in definition.types]
    if not open_questions:
        return
    seen = 0
    with read_ahead([opened.batches(open_questions)], limit=1) as batches:
        for batch in batches:
            count = len(batch.numbers) if rows is None else min(len(batch.numbers), rows - seen)
            for name in open_questions:
                guesses[name].look(cast("pa.BinaryArray", batch.columns.column(name).slice(0, count)))
            seen += count
            if seen == rows:
                return


def _columns(
    guesses: Mapping[str, ColumnGuess], definition: Definition, notices: Notices
) -> tuple[Column, ...]:
    if not guesses:
        raise HeaderError("the file is empty: there is no header", file=definition.path)
    for name in definition.types:
        if name not in guesses:
            notices.warn(definition.entity, f"types names a column {name!r} that no file has")
    columns = [Column(name, _type(name, guess, definition, notices)) for name, guess in guesses.items()]
    if definition.add_metadata_columns:
        columns += [Column(name, type_) for name, type_ in METADATA_TYPES.items()]
    return tuple(columns)


def _type(name: str, guess: ColumnGuess, definition: Definition, notices: Notices) -> ColumnType:
    if name in definition.types:
        return definition.types[name]
    if not definition.infer_types:
        return String()
    if not guess.seen:
        notices.say(definition.entity, f"column {name!r} has no value in the sample: it is read as string")
    return guess.type
