"""Settings of tap-csv, declared once; a superset of the community's tap-csv.

What is said of one stream wins over what is said of all. `definitions` makes one
resolved `Definition` of the two.
"""
# ruff: noqa: RUF009 -- setting() declares a field, it is not a default

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dativo_protocol.batch_settings import BatchSettings, batch_setting
from dativo_protocol.config import setting

BadRowPolicy = Literal["fail", "skip"]
BadValuePolicy = Literal["fail", "null"]
IncrementalBy = Literal["none", "file_mtime"]
CompressionName = Literal["auto", "none", "gzip", "bz2", "xz", "zstd", "zip"]

KIBIBYTE = 1024


@dataclass(frozen=True)
class FileSettings:
    """One stream: a file, a directory or a glob, and how to read it."""

    entity: str = setting(description="Name of the stream.", min_length=1, examples=("flights",))
    path: str = setting(
        description=(
            "A file, a directory (searched with its subdirectories for `.csv` files, compressed or not) or a "
            "glob such as `data/**/*.csv.gz`. All files found make one stream, in the order of their paths."
        ),
        min_length=1,
        examples=("data/flights.csv",),
    )
    keys: list[str] = setting(
        description="Columns that identify a row. Each must be in every file and never null.",
        default_factory=list,
    )
    encoding: str = setting(
        description="Character encoding, by any name that Python knows. A byte order mark is dropped.",
        default="utf-8",
        examples=("latin-1", "cp1252", "utf-16"),
    )
    compression: CompressionName = setting(
        description=(
            "How the files are compressed; `auto` goes by `.gz`, `.bz2`, `.xz`, `.zst` and `.zip`. Every CSV "
            "file inside a zip archive is read as a file of its own."
        ),
        default="auto",
    )
    delimiter: str = setting(
        description="Character between fields.", default=",", pattern=r"^[^\r\n]$", examples=(";", "\t")
    )
    quotechar: str = setting(
        description="Character around a field that holds delimiters, quotes or line ends; empty for none.",
        default='"',
        pattern=r"^[^\r\n]?$",
    )
    doublequote: bool = setting(
        description="Two quote characters inside a quoted field stand for one.", default=True
    )
    escapechar: str | None = setting(
        description="Character that takes the special meaning from the next one; none by default.",
        default=None,
        pattern=r"^[^\r\n]$",
        examples=("\\",),
    )
    skipinitialspace: bool = setting(
        description="Drop spaces right after a delimiter. Read through Python's csv module: slower.",
        default=False,
    )
    strict: bool = setting(
        description=(
            'Text after a closing quote (`"a"b`) makes a bad row. Read through Python\'s csv module: slower.'
        ),
        default=False,
    )
    skip_header_lines: int = setting(
        description="Lines to drop at the start of every file, before the header.", default=0, minimum=0
    )
    columns: list[str] | None = setting(
        description="Column names of files without a header: the first line is data then.",
        default=None,
        min_items=1,
    )
    types: dict[str, str] = setting(
        description=(
            "Types by column name, instead of inferred ones: `string`, `integer`, `number`, `decimal(p,s)`, "
            "`boolean`, `date`, `time`, `timestamp` (without time zone) or `date-time` (with one)."
        ),
        default_factory=dict,
        examples=({"zip": "string", "price": "decimal(12,2)"},),
    )
    replication_key: str | None = setting(
        description=(
            "Column whose greatest value is remembered: the next run emits the rows whose value is not less. "
            "Rows without a value are emitted every time."
        ),
        default=None,
    )
    incremental_by: IncrementalBy | None = setting(
        description="This stream's own `incremental_by`.", default=None
    )
    infer_types: bool | None = setting(description="This stream's own `infer_types`.", default=None)
    infer_rows: int | None = setting(description="This stream's own `infer_rows`.", default=None, minimum=0)
    null_values: list[str] | None = setting(description="This stream's own `null_values`.", default=None)
    quoted_nulls: bool | None = setting(description="This stream's own `quoted_nulls`.", default=None)
    on_bad_row: BadRowPolicy | None = setting(description="This stream's own `on_bad_row`.", default=None)
    on_bad_value: BadValuePolicy | None = setting(
        description="This stream's own `on_bad_value`.", default=None
    )
    on_no_files: BadRowPolicy | None = setting(description="This stream's own `on_no_files`.", default=None)


@dataclass(frozen=True)
class TapCsvSettings:
    """Settings of the tap."""

    files: list[FileSettings] = setting(
        description="The streams, each with the files it is made of.", default_factory=list
    )
    csv_files_definition: str | None = setting(
        description="Path of a JSON file that holds the list of `files`; used instead of `files`.",
        default=None,
        examples=("files_def.json",),
    )
    add_metadata_columns: bool = setting(
        description=(
            "Add `_sdc_source_file`, `_sdc_source_file_mtime` and `_sdc_source_lineno` (number of the row in "
            "its file, the header not counted) to every record."
        ),
        default=False,
    )
    infer_types: bool = setting(
        description="Infer the type of each column from a sample; otherwise every column is a string.",
        default=True,
    )
    infer_rows: int = setting(
        description=(
            "Rows of a stream to infer types from, shared among its files; 0 reads everything once before."
        ),
        default=100_000,
        minimum=0,
    )
    null_values: list[str] = setting(
        description="Field texts that mean null.", default_factory=lambda: [""], examples=(["", "NA"],)
    )
    quoted_nulls: bool = setting(
        description='Fields in quotes, such as `""` or `"NA"`, can be null too.', default=True
    )
    on_bad_row: BadRowPolicy = setting(
        description=(
            "A row with too few or too many fields, undecodable bytes or a null in a key column: `fail` the "
            "run, or `skip` the row and count it."
        ),
        default="fail",
    )
    on_bad_value: BadValuePolicy = setting(
        description="A value that does not fit its column: `fail` the run, or emit `null` and count it.",
        default="fail",
    )
    on_no_files: BadRowPolicy = setting(
        description="A `path` where no file is found: `fail` the run, or `skip` the stream with a warning.",
        default="fail",
    )
    incremental_by: IncrementalBy = setting(
        description=(
            "`file_mtime`: remember every file that was read by path, modification time and size, and read "
            "only files that are new or changed. A stream with a `replication_key` goes by that."
        ),
        default="none",
    )
    max_remembered_files: int = setting(
        description=(
            "Files that the bookmark of one stream may remember with `incremental_by: file_mtime`. A stream "
            "with more files fails rather than forget one."
        ),
        default=10_000,
        minimum=1,
    )
    state_rows: int = setting(
        description=(
            "Rows after which a STATE tells how far a file has been read, with `incremental_by: file_mtime`; "
            "an interrupted run continues there. 0 for one only at the end of each file."
        ),
        default=1_000_000,
        minimum=0,
    )
    block_size_kb: int = setting(
        description="KiB of a file to parse at a time. Memory follows it, and a row must fit into it.",
        default=KIBIBYTE,
        minimum=64,
        maximum=1024 * KIBIBYTE,
    )
    batch_config: BatchSettings | None = batch_setting()
