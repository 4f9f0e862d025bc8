"""Settings of tap-postgres, declared once; keys that its predecessors have mean the same here."""
# ruff: noqa: RUF009 -- setting() declares a field, it is not a default

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dativo_protocol.batch_settings import BatchSettings, batch_setting
from dativo_protocol.config import setting

from tap_postgres.connection_settings import FLAG_TEXT, ConnectionSettings, Flag, is_set
from tap_postgres.replication_settings import ReplicationSettings

OutOfRangeDates = Literal["clamp", "null", "fail"]
SpecialNumbers = Literal["null", "fail"]
ByteaForm = Literal["base64", "hex"]
GeometryForm = Literal["ewkb", "geojson"]
LateCommits = Literal["none", "oldest_transaction", "xmin"]
MethodName = Literal["FULL_TABLE", "INCREMENTAL", "LOG_BASED"]


COUNT = "^[0-9]+$"


@dataclass(frozen=True)
class StreamOptions:
    """What holds for one stream."""

    custom_where_clauses: list[str] = setting(
        description="SQL conditions; rows that meet all of them are read.",
        default_factory=list,
        examples=(["id > 100"],),
    )


@dataclass(frozen=True)
class TypeSettings:
    """What becomes of types that JSON does not have."""

    dates_as_string: Flag = setting(
        description=(
            "Read dates and timestamps as the text PostgreSQL writes: `infinity` and years before Christ "
            "survive."
        ),
        default=False,
        pattern=FLAG_TEXT,
    )
    json_as_object: Flag = setting(
        description="Announce json and jsonb columns as objects, instead of as any JSON value.",
        default=False,
        pattern=FLAG_TEXT,
    )
    column_types: dict[str, dict[str, str]] = setting(
        description=(
            "Types by stream and column, instead of those of the table: `text`, `json`, `boolean`, "
            "`integer`, `number`, `decimal(p,s)`, `date`, `time`, `timestamp` (without time zone) or "
            "`date-time` (with one). The server casts; a value that does not fit fails the run."
        ),
        default_factory=dict,
        examples=({"public-orders": {"amount": "decimal(38,9)"}},),
    )
    out_of_range_dates: OutOfRangeDates = setting(
        description=(
            "Infinite dates, years outside 1 to 9999 and the time 24:00: `clamp` to the nearest that has a "
            "JSON form, `null`, or `fail` the run."
        ),
        default="clamp",
    )
    special_numbers: SpecialNumbers = setting(
        description="NaN and infinite numbers: `null`, or `fail` the run.", default="null"
    )
    bytea_as: ByteaForm = setting(
        description="`base64`, which targets turn into bytes again, or `hex` text as MeltanoLabs' tap.",
        default="base64",
    )
    geometry_as: GeometryForm = setting(
        description="PostGIS's geometry and geography as hexadecimal `ewkb` text or as `geojson`.",
        default="ewkb",
    )


@dataclass(frozen=True)
class ReadingSettings:
    """How tables are read."""

    max_parallelism: int = setting(
        description="Connections that read at the same time, all at one snapshot.", default=2, minimum=1
    )
    chunk_pages: int = setting(
        description=(
            "Most pages (of 8 KiB) of a table to read as one. What is finished stands in the STATE: a whole "
            "table's reading that was interrupted goes on behind it."
        ),
        default=16_384,
        minimum=1,
    )
    resume_full_table: bool = setting(
        description="Let an interrupted reading of a whole table go on; otherwise it begins anew.",
        default=True,
    )
    start_date: str | None = setting(
        description=(
            "INCREMENTAL by a date or time: where the first run starts; rows without one are left out."
        ),
        default=None,
        examples=("2024-01-01T00:00:00Z",),
    )
    lookback_seconds: int = setting(
        description=(
            "INCREMENTAL by a date or time: how far before the last value a run starts, for rows that were "
            "committed late."
        ),
        default=0,
        minimum=0,
    )
    replication_key_strict: bool = setting(
        description=(
            "INCREMENTAL by a key that is unique on its own: leave the row out that the last run ended with. "
            "Other keys start with it in any case, as rows with the same value may have come since."
        ),
        default=False,
    )
    late_commits: LateCommits = setting(
        description=(
            "INCREMENTAL: what is done about rows that are committed after rows with greater keys were read. "
            "`oldest_transaction`: read keys from before the oldest open transaction only, for keys of type "
            "`timestamptz` that are the server's clock. `xmin`: read what transactions that were open write, "
            "whatever its key, at the price of a scan."
        ),
        default="none",
    )
    max_record_count: int | str | None = setting(
        description="INCREMENTAL: most rows of a stream to read in one run that no run has read before.",
        default=None,
        pattern=COUNT,
    )
    limit: int | str | None = setting(
        description="Another name of `max_record_count`, as PipelineWise has it.", default=None, pattern=COUNT
    )

    @property
    def most_records(self) -> int | None:
        """Of one stream in one run; None for no limit, which 0 means too."""
        return int(self.max_record_count or self.limit or 0) or None


@dataclass(frozen=True)
class TapPostgresSettings(TypeSettings, ReplicationSettings, ReadingSettings, ConnectionSettings):
    """Settings of the tap."""

    filter_schemas: list[str] | str | None = setting(
        description='Schemas to look for tables in: a list, or one text `"a,b"`. By default all.',
        default=None,
    )
    default_replication_method: MethodName = setting(
        description="How a stream is read that the catalog says nothing of.", default="FULL_TABLE"
    )
    stream_options: dict[str, StreamOptions] = setting(
        description="Settings of single streams, by their ids.",
        default_factory=dict,
        examples=({"public-orders": {"custom_where_clauses": ["placed_at >= '2024-01-01'"]}},),
    )
    activate_version: bool = setting(
        description=(
            "Give each reading of a whole table a version, and end it with ACTIVATE_VERSION: targets then "
            "drop the rows that it did not have."
        ),
        default=True,
    )
    batch_rows: int = setting(
        description="Most rows to hold of a table at a time; wide rows are held to 16 MiB.",
        default=65_536,
        minimum=1,
    )
    batch_config: BatchSettings | None = batch_setting()
    stream_maps: dict[str, Any] | None = setting(
        description="Not built in: a configuration that has any is refused, as rows would go out unmasked.",
        default=None,
    )
    flattening_enabled: Flag = setting(
        description="Not built in: a configuration that turns it on is refused.",
        default=False,
        pattern=FLAG_TEXT,
    )

    def __post_init__(self) -> None:
        """Refuse what would be ignored to the user's harm.

        Raises:
            ValueError: names the setting.
        """
        if self.stream_maps:
            raise ValueError("stream_maps: this tap has none; use Meltano's mapper plugins")
        if is_set(self.flattening_enabled):
            raise ValueError("flattening_enabled: this tap does not flatten; targets take objects")
        if self.start_date is not None:
            _check_moment(self.start_date)

    @property
    def schemas(self) -> tuple[str, ...]:
        """Schemas to look into, empty for all."""
        given = self.filter_schemas or []
        names = given.split(",") if isinstance(given, str) else given
        return tuple(name.strip() for name in names if name.strip())


def _check_moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"start_date: {text!r} is no date or time") from None
