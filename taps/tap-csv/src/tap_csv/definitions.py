"""From settings as given to settings as meant: one resolved definition a stream."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dativo_protocol.config import load_settings
from dativo_protocol.errors import ConfigError

from tap_csv.dialect import Dialect
from tap_csv.settings import (
    KIBIBYTE,
    BadRowPolicy,
    BadValuePolicy,
    CompressionName,
    FileSettings,
    TapCsvSettings,
)
from tap_csv.typenames import parse_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dativo_protocol.columns import ColumnType

SOURCE_FILE = "_sdc_source_file"
SOURCE_FILE_MTIME = "_sdc_source_file_mtime"
SOURCE_LINENO = "_sdc_source_lineno"
METADATA_COLUMNS = (SOURCE_FILE, SOURCE_FILE_MTIME, SOURCE_LINENO)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything a stream needs to know of the settings.

    Attributes:
        encoding: canonical name of a Python text codec.
        columns: names for files without a header, None if the files have one.
        types: types the user chose, by column.
        remembers_files: the bookmark is the set of files read.
        block_bytes: bytes of text parsed at a time; the longest row that can be read.
        state_rows: rows between two STATEs within a file, 0 for none.
    """

    entity: str
    path: str
    keys: tuple[str, ...] = ()
    encoding: str = "utf-8"
    compression: CompressionName = "auto"
    dialect: Dialect = field(default_factory=Dialect)
    skip_header_lines: int = 0
    columns: tuple[str, ...] | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    replication_key: str | None = None
    remembers_files: bool = False
    add_metadata_columns: bool = False
    infer_types: bool = True
    infer_rows: int = 100_000
    null_values: tuple[str, ...] = ("",)
    quoted_nulls: bool = True
    on_bad_row: BadRowPolicy = "fail"
    on_bad_value: BadValuePolicy = "fail"
    on_no_files: BadRowPolicy = "fail"
    max_remembered_files: int = 10_000
    state_rows: int = 1_000_000
    block_bytes: int = 1 << 20


def resolve(settings: TapCsvSettings) -> tuple[Definition, ...]:
    """Make one definition a stream, in the order given.

    Raises:
        ConfigError: with every problem found, each naming its entry.
    """
    files = _file_settings(settings)
    problems = [f"{place}: {problem}" for place, problem in _problems(files, settings)]
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        raise ConfigError(f"configuration has {len(problems)} {noun}: {'; '.join(problems)}", problems)
    return tuple(_definition(file, settings) for file in files)


def _file_settings(settings: TapCsvSettings) -> Sequence[FileSettings]:
    if settings.csv_files_definition is not None:
        files = _read_definition(Path(settings.csv_files_definition))
    else:
        files = settings.files
    if not files:
        raise ConfigError(
            "no CSV file is defined", instruction="Describe at least one stream in `files` (see --about)."
        )
    return files


def _read_definition(path: Path) -> Sequence[FileSettings]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"csv_files_definition: {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"csv_files_definition: {path}: not JSON: {error}") from error
    if not isinstance(entries, list):
        raise ConfigError(f"csv_files_definition: {path}: must hold a list of file settings")
    try:
        return load_settings(TapCsvSettings, {"files": entries}).files
    except ConfigError as error:
        raise ConfigError(f"csv_files_definition: {path}: {error.message}", error.problems) from error


def _problems(files: Sequence[FileSettings], settings: TapCsvSettings) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for at, file in enumerate(files):
        place = f"files[{at}] ({file.entity})"
        if file.entity in seen:
            yield place, "entity is defined twice; let one path, a directory or a glob, lead to all its files"
        seen.add(file.entity)
        yield from ((place, problem) for problem in _column_problems(file))
        yield from ((place, problem) for problem in _reading_problems(file, settings))


def _column_problems(file: FileSettings) -> Iterator[str]:
    for setting, names in (("keys", file.keys), ("columns", file.columns or [])):
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"{setting}: {name!r} is named twice"
            if not name:
                yield f"{setting}: a column name is empty"
    if file.columns is not None:
        named = {"keys": file.keys, "types": list(file.types)}
        named["replication_key"] = [file.replication_key] if file.replication_key else []
        known = {*file.columns, *METADATA_COLUMNS}
        for setting, names in named.items():
            yield from (f"{setting}: {name!r} is not among columns" for name in names if name not in known)
    for name, text in file.types.items():
        try:
            parse_type(text)
        except ValueError as error:
            yield f"types.{name}: {error}"
    if file.incremental_by == "file_mtime" and file.replication_key not in (None, SOURCE_FILE_MTIME):
        yield "incremental_by and replication_key exclude each other: choose one"


def _reading_problems(file: FileSettings, settings: TapCsvSettings) -> Iterator[str]:
    try:
        is_text = codecs.lookup(file.encoding)._is_text_encoding  # noqa: SLF001 -- as `open` asks
    except LookupError:
        is_text = False
    if not is_text:
        yield f"encoding: Python knows no text encoding {file.encoding!r}"
    special = [file.delimiter, file.quotechar, file.escapechar or ""]
    given = [character for character in special if character]
    if len(set(given)) < len(given):
        yield "delimiter, quotechar and escapechar must differ"
    if any(character.isalnum() for character in given):
        yield "delimiter, quotechar and escapechar must be no letters and no digits"
    if _dialect(file).needs_rewriting and not _chosen(file.quoted_nulls, settings.quoted_nulls):
        yield "quoted_nulls: false cannot be combined with skipinitialspace, strict or a non-ASCII character"


def _definition(file: FileSettings, settings: TapCsvSettings) -> Definition:
    return Definition(
        entity=file.entity,
        path=file.path,
        keys=tuple(file.keys),
        encoding=codecs.lookup(file.encoding).name,
        compression=file.compression,
        dialect=_dialect(file),
        skip_header_lines=file.skip_header_lines,
        columns=None if file.columns is None else tuple(file.columns),
        types={name: parse_type(text) for name, text in file.types.items()},
        replication_key=None if file.replication_key == SOURCE_FILE_MTIME else file.replication_key,
        remembers_files=_remembers_files(file, settings),
        add_metadata_columns=settings.add_metadata_columns,
        infer_types=_chosen(file.infer_types, settings.infer_types),
        infer_rows=_chosen(file.infer_rows, settings.infer_rows),
        null_values=tuple(_chosen(file.null_values, settings.null_values)),
        quoted_nulls=_chosen(file.quoted_nulls, settings.quoted_nulls),
        on_bad_row=_chosen(file.on_bad_row, settings.on_bad_row),
        on_bad_value=_chosen(file.on_bad_value, settings.on_bad_value),
        on_no_files=_chosen(file.on_no_files, settings.on_no_files),
        max_remembered_files=settings.max_remembered_files,
        state_rows=settings.state_rows,
        block_bytes=settings.block_size_kb * KIBIBYTE,
    )


def _remembers_files(file: FileSettings, settings: TapCsvSettings) -> bool:
    if file.replication_key is not None:
        return file.replication_key == SOURCE_FILE_MTIME
    return _chosen(file.incremental_by, settings.incremental_by) == "file_mtime"


def _dialect(file: FileSettings) -> Dialect:
    return Dialect(
        delimiter=file.delimiter,
        quotechar=file.quotechar,
        doublequote=file.doublequote,
        escapechar=file.escapechar,
        skipinitialspace=file.skipinitialspace,
        strict=file.strict,
    )


def _chosen(own: T | None, general: T) -> T:
    return general if own is None else own
