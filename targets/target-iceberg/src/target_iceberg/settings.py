"""Settings of target-iceberg beside those it shares with target-parquet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

from dativo_protocol.config import Connector, setting
from target_parquet.destination import LocalPlace, parse_place
from target_parquet.shared_settings import MIB, MemoryPlan, SharedSettings

from target_iceberg.maintenance.settings import MaintenanceSettings

if TYPE_CHECKING:
    from target_iceberg.commit.tag import Tag

_CATALOG_LIBRARY_MB = 72
_DAY_MS = 86_400_000
_KEY_BYTES = 64 * MIB


@dataclass(frozen=True)
class Settings(SharedSettings):
    """What the user may choose."""

    warehouse: str = setting(
        description="Where the tables are, and the ledger of what was loaded: a directory, a `file://` URI, "
        "or `s3://bucket/prefix`. All tables of the catalog that are loaded have to be below it.",
        min_length=1,
        examples=("./lake", "s3://bucket/lake"),
    )
    ledger: str | None = setting(
        description="Where the ledger and the quarantine are instead of below the warehouse, which has to be "
        "in S3: for buckets that take nothing but tables, such as those of S3 Tables. It is reached with the "
        "same keys.",
        default=None,
        min_length=1,
        examples=("s3://bucket/ledger",),
    )
    catalog: dict[str, str] = setting(  # noqa: RUF009 -- declares a field
        description="Properties of the catalog as PyIceberg takes them: `type` (`sql`, `rest`, `glue`, …), "
        "`uri`, `credential`, `token` and so on. Without any, a SQLite file `catalog.db` in a local "
        "warehouse.",
        default_factory=dict,
        secret=True,
        examples=({"type": "rest", "uri": "https://catalog.example", "credential": "id:secret"},),
    )
    namespace: str = setting(
        description="Namespace of the tables, made when missing; levels are separated by dots.",
        default="default",
        min_length=1,
    )
    table_names: dict[str, str] = setting(  # noqa: RUF009 -- declares a field
        description="Names of tables for single streams, instead of the stream's name in small letters with "
        "`_` for everything but letters, digits and `_`.",
        default_factory=dict,
        examples=({"public-orders": "orders"},),
    )
    load_method: Literal["append-only", "overwrite", "upsert"] = setting(
        description="`append-only` adds rows. `upsert` puts a row in the place of the one with the same "
        "`key_properties`. `overwrite` replaces each table of the run as a whole, at the end of the run.",
        default="append-only",
    )
    hard_delete: bool = setting(
        description="Delete rows for good: those whose `_sdc_deleted_at` is set (with `upsert`), and those "
        "of older versions at an ACTIVATE_VERSION message. Otherwise they stay, and the column says since "
        "when they are deleted. Needs `add_record_metadata`.",
        default=False,
    )
    allow_equality_deletes: bool = setting(
        description="With `upsert`: where finding the rows that are replaced would read more than "
        "`probe_budget_mb`, write their keys into an equality-delete file, and leave it to readers to find "
        "them. PyIceberg and what builds on it (Polars, Daft) cannot read such a table until "
        "`target-iceberg maintain` has run; DuckDB, Spark, Trino and ClickHouse can.",
        default=False,
    )
    probe_budget_mb: int = setting(
        description="With `allow_equality_deletes`: MiB of key columns, as they are stored, that a commit "
        "reads at most to find the rows it replaces.",
        default=1024,
        minimum=0,
    )
    branch: str | None = setting(
        description="Branch of the tables to commit to, begun at the head of `main`; by default `main`.",
        default=None,
        min_length=1,
    )
    target_file_size_mb: int = setting(
        description="Size at which a data file is closed and the next one opened, in MiB of bytes on disk.",
        default=512,
        minimum=1,
    )
    process_activate_version_messages: bool = setting(
        description="Act on ACTIVATE_VERSION messages: with `hard_delete` rows of older versions go, with "
        "`add_record_metadata` alone they get a `_sdc_deleted_at`, otherwise the log says which version is "
        "active.",
        default=True,
    )
    max_memory_mb: int = setting(
        description="Memory that the whole process stays under, in MiB; buffers and queues follow from it.",
        default=400,
        minimum=256,
    )
    publish: Literal["manually", "after_checks"] = setting(
        description="With `branch`: whether `main` moves there when a run has ended well, with no more "
        "bad records than allowed and all its files holding what was loaded, or somebody else moves it.",
        default="manually",
    )
    maintenance: MaintenanceSettings = setting(  # noqa: RUF009 -- declares a field
        description="What `target-iceberg maintain` does to tables, and what a run does for them itself.",
        default_factory=MaintenanceSettings,
    )
    partition_by: list[str] | dict[str, list[str]] = setting(  # noqa: RUF009 -- declares a field
        description="Partition fields, for every stream or for each stream that wants any: a column, or a "
        "transform of one: `bucket[16](id)`, `truncate[4](zip)`, `year(at)`, `month(at)`, `day(at)`, "
        "`hour(at)`. A table whose fields differ gets these for the rows to come.",
        default_factory=list,
        examples=(["day(created_at)"], {"orders": ["bucket[16](id)", "country"]}),
    )
    sort_by: list[str] | dict[str, list[str]] = setting(  # noqa: RUF009 -- declares a field
        description="Sort fields, for every stream or for each stream that wants any: a column, or a "
        "transform of one as in `partition_by`, with `desc` and `nulls first` or `nulls last` as needed. "
        "They become the table's sort order, and the rows of each row group are written in it; a file says "
        "that it is sorted if all of it is.",
        default_factory=list,
        examples=(["created_at desc nulls last"], {"orders": ["bucket[16](id)", "id"]}),
    )
    uuid_type: Literal["string", "uuid"] = setting(
        description="Type of new columns for strings of `format: uuid`. A column that holds their text "
        "already goes on doing so.",
        default="string",
    )
    tag_snapshots: str | None = setting(
        description="Name of a tag for the snapshots of a run: each table that the run loads has it on the "
        "last one. `{run}` stands for the id of the run, `{pipeline}` for the pipeline. By default no tag.",
        default=None,
        min_length=1,
        examples=("{run}", "{pipeline}-latest"),
    )
    tag_max_age_days: int = setting(
        description="Days after which the expiry of snapshots lets tags go, and what only they kept; 0 for "
        "never.",
        default=30,
        minimum=0,
    )

    def __post_init__(self) -> None:
        if self.hard_delete and not self.add_record_metadata:
            raise ValueError("hard_delete: needs add_record_metadata, whose columns say what is deleted")
        if self.publish == "after_checks" and self.branch is None:
            raise ValueError("publish: after_checks needs a branch that is published")
        self._check_tag()
        super().__post_init__()
        self._check_ledger()

    @property
    def destination(self) -> str:
        """Path or URI of the warehouse."""
        return self.warehouse

    @property
    def destination_setting(self) -> str:
        """The setting that `destination` is from."""
        return "warehouse"

    @property
    def aside(self) -> str | None:
        """URI of the place for all that is no table."""
        return self.ledger

    @property
    def file_template(self) -> str:
        """Names of data files."""
        return "{run}-{epoch}-{part}.parquet"

    @property
    def library_mb(self) -> int:
        """MiB that the catalog's libraries take, beside those of the store."""
        keys = self.key_bytes // MIB if self.load_method == "upsert" else 0
        return super().library_mb + _CATALOG_LIBRARY_MB + keys

    @property
    def key_bytes(self) -> int:
        """Bytes of keys that are held at once, before some of them wait in a file."""
        return _KEY_BYTES

    @property
    def probe_bytes(self) -> int | None:
        """Bytes of key columns that a commit may read; None for as many as it takes."""
        return self.probe_budget_mb * MIB if self.allow_equality_deletes else None

    def _check_ledger(self) -> None:
        if self.ledger is None:
            return
        try:
            places = [parse_place(self.warehouse), parse_place(self.ledger)]
        except ValueError as error:
            raise ValueError(f"ledger: {error}") from error
        if any(isinstance(place, LocalPlace) for place in places):
            raise ValueError("ledger: it and the warehouse have to be in S3; a local warehouse has its own")

    def _check_tag(self) -> None:
        try:
            name = self._tag_name("run")
        except (AttributeError, KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"tag_snapshots: {self.tag_snapshots!r} may have {{run}} and {{pipeline}} in it, nothing else"
            ) from error
        if name in {"main", self.branch}:
            raise ValueError(f"tag_snapshots: {name!r} is the name of a branch")

    def tag_of(self, run: str) -> Tag | None:
        """The tag for the snapshots of a run, if they get any."""
        if self.tag_snapshots is None:
            return None
        from target_iceberg.commit.tag import Tag

        return Tag(self._tag_name(run), self.tag_max_age_days * _DAY_MS or None)

    def _tag_name(self, run: str) -> str:
        return (self.tag_snapshots or "").format(run=run, pipeline=self.pipeline)

    def for_side_streams(self) -> Self:
        """Settings for streams that are about a run: plain files beside the tables."""
        return replace(self, load_method="append-only", add_record_metadata=False)

    def partition_fields(self, stream: str) -> tuple[str, ...]:
        """What the user wants a table partitioned by."""
        return _of_stream(self.partition_by, stream)

    def sort_fields(self, stream: str) -> tuple[str, ...]:
        """What the user wants the rows of a table sorted by."""
        return _of_stream(self.sort_by, stream)

    @property
    def memory(self) -> MemoryPlan:
        """As for other targets, with room for one more copy of each row group where they are sorted."""
        if not self.sort_by:
            return super().memory
        return MemoryPlan.under(self.max_memory_mb - self.library_mb, -(-self.encoders * 3 // 2))


def _of_stream(fields: list[str] | dict[str, list[str]], stream: str) -> tuple[str, ...]:
    return tuple(fields.get(stream, ()) if isinstance(fields, dict) else fields)


CONNECTOR = Connector(
    name="target-iceberg",
    kind="target",
    distribution="dativo-target-iceberg",
    description="Singer target that loads Apache Iceberg tables.",
    settings=Settings,
    capabilities=(
        "about",
        "structured-logging",
        "validate-records",
        "activate-version",
        "batch",
        "recover",
        "recover-gate",
    ),
)
