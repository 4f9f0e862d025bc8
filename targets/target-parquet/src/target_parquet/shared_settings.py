"""Settings that our file-writing targets have in common, and what is worked out from them once."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, Self

from dativo_protocol.config import setting

from target_parquet.destination import LocalPlace, parse_place
from target_parquet.s3_settings import S3Settings

MIB = 1 << 20
MAX_GROUP_BYTES = 128 * MIB

_LEAST_MEMORY_MB = 128
_S3_LIBRARY_MB = 40

_LEVELS = {"zstd": (1, 22), "gzip": (1, 9), "brotli": (0, 11), "lz4": (1, 12)}
_DEFAULT_LEVELS = {"zstd": 1}


@dataclass(frozen=True)
class SharedSettings(ABC):
    """What the user may choose of any of these targets; names follow the SDK's where it has one."""

    load_method: Literal["append-only", "overwrite", "upsert"] = setting(
        description="How rows get into their table.", default="append-only"
    )
    pipeline: str = setting(
        description="Name under which the destination remembers what this pipeline has published and how far "
        "it has come. One run at a time may write under a name; `dativo run` gives each job its own.",
        default="default",
        min_length=1,
        examples=("acme/orders",),
    )
    compression: Literal["zstd", "snappy", "gzip", "lz4", "brotli", "none"] = setting(
        description="Codec of the column pages.", default="zstd"
    )
    compression_level: int | None = setting(
        description="Level of the codec; by default 1 for zstd and what the codec itself prefers for the "
        "others. Higher levels of zstd hardly make smaller files, but take up to six times as long.",
        default=None,
    )
    target_file_size_mb: int = setting(
        description="Size at which a file is closed and the next one opened, in MiB of bytes on disk.",
        default=128,
        minimum=1,
    )
    add_record_metadata: bool = setting(
        description="Add the seven `_sdc_*` columns of the Singer SDK.", default=False
    )
    validate_records: bool = setting(
        description="Hold every record against the JSON Schema of its stream; `on_invalid` says what happens "
        "to one that does not fit. Types are checked even when this is off.",
        default=True,
    )
    on_invalid: Literal["fail", "quarantine", "skip"] = setting(
        description="What happens to a line that is no message and to a record that does not fit: end the "
        "run, keep it in `_quarantine/` with the place and the reason, or count it and go on.",
        default="fail",
    )
    max_invalid: int | None = setting(
        description="With `quarantine` or `skip`: the most such records a run may have; one more ends it.",
        default=None,
        minimum=0,
        examples=(1000,),
    )
    max_invalid_ratio: float | None = setting(
        description="With `quarantine` or `skip`: the greatest share of such records, 0.01 for 1 %, among "
        "all that the run has read so far. It is looked at before each publication.",
        default=None,
        minimum=0,
        maximum=1,
        examples=(0.01,),
    )
    on_type_conflict: Literal["variant_column", "string_column", "fail"] = setting(
        description="What happens when a column's type differs from the one already in the files: put the "
        "values in a new column `<name>__<type>`, as text in a new column `<name>__string`, or fail.",
        default="variant_column",
    )
    process_activate_version_messages: bool = setting(
        description="Note ACTIVATE_VERSION messages in the log; files keep the rows of every version anyway.",
        default=True,
    )
    clean_up_batch_files: bool = setting(
        description="Remove the local files that BATCH messages name, once their rows are published. "
        "Otherwise they stay for whoever wrote them.",
        default=False,
    )
    batch_size_rows: int = setting(
        description="Rows decoded at once; fewer when they are large.", default=65_536, minimum=1
    )
    max_memory_mb: int = setting(
        description="Memory that the whole process stays under, in MiB; buffers and queues follow from it.",
        default=256,
        minimum=_LEAST_MEMORY_MB,
    )
    max_parallelism: int | None = setting(
        description="Row groups encoded at once, for as many files; by default one a core, at most 4.",
        default=None,
        minimum=1,
        maximum=64,
    )
    epoch_max_bytes: int = setting(
        description="Input bytes after which the next STATE publishes what was written; 0 for no such limit. "
        "With all three limits 0 every STATE publishes.",
        default=4 << 30,
        minimum=0,
    )
    epoch_max_records: int = setting(
        description="Records after which the next STATE publishes what was written; 0 for no such limit.",
        default=0,
        minimum=0,
    )
    epoch_max_seconds: float = setting(
        description="Seconds after which the next STATE publishes what was written; 0 for no such limit.",
        default=300.0,
        minimum=0,
    )
    s3: S3Settings = setting(  # noqa: RUF009 -- declares a field
        description="How to reach `s3://`; without keys here, the AWS environment, profile or role has them.",
        default_factory=S3Settings,
    )

    def __post_init__(self) -> None:
        self._check_level()
        self._check_budget()
        self._check_destination()

    @property
    @abstractmethod
    def destination(self) -> str:
        """Path or URI of the directory that everything is below, as the user gave it."""

    @property
    @abstractmethod
    def destination_setting(self) -> str:
        """The setting that `destination` is from, for errors."""

    @property
    def aside(self) -> str | None:
        """URI of the place for all that is no table, where the destination takes nothing but tables."""
        return None

    @property
    @abstractmethod
    def file_template(self) -> str:
        """Names of files, see `layout.FileNames`."""

    @abstractmethod
    def for_side_streams(self) -> Self:
        """These settings for streams that are about a run: plain files that are added."""

    def partition_columns(self, stream: str) -> tuple[str, ...]:  # noqa: ARG002 -- for those that have any
        """Columns that make the directories of a stream, outermost first."""
        return ()

    @property
    def library_mb(self) -> int:
        """MiB that libraries take which only this destination needs."""
        return 0 if isinstance(parse_place(self.destination), LocalPlace) else _S3_LIBRARY_MB

    def _check_destination(self) -> None:
        try:
            parse_place(self.destination)
        except ValueError as error:
            raise ValueError(f"{self.destination_setting}: {error}") from error
        least = _LEAST_MEMORY_MB + self.library_mb
        if self.max_memory_mb < least:
            raise ValueError(f"max_memory_mb: must be at least {least} for such a {self.destination_setting}")

    def _check_budget(self) -> None:
        budgets = {"max_invalid": self.max_invalid, "max_invalid_ratio": self.max_invalid_ratio}
        if self.on_invalid == "fail" and (set_ := [name for name in budgets if budgets[name] is not None]):
            raise ValueError(
                f"{set_[0]}: the first invalid record ends the run, set on_invalid to quarantine or skip"
            )

    def _check_level(self) -> None:
        if self.compression_level is None:
            return
        if self.compression not in _LEVELS:
            raise ValueError(f"compression_level: {self.compression} has no levels, leave it out")
        least, most = _LEVELS[self.compression]
        if not least <= self.compression_level <= most:
            raise ValueError(f"compression_level: {self.compression} has levels {least} to {most}")

    @property
    def level(self) -> int | None:
        """Compression level to hand to the codec."""
        if self.compression_level is None:
            return _DEFAULT_LEVELS.get(self.compression)
        return self.compression_level

    @property
    def encoders(self) -> int:
        """Row groups to encode at once."""
        return self.max_parallelism or min(len(os.sched_getaffinity(0)), 4)

    @property
    def memory(self) -> MemoryPlan:
        """How the memory limit is shared out for this kind of destination."""
        return MemoryPlan.under(self.max_memory_mb - self.library_mb, self.encoders)

    @property
    def file_bytes(self) -> int:
        """Bytes on disk at which a file is full."""
        return self.target_file_size_mb * MIB


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How the memory limit is shared out, in bytes of decoded rows.

    About 100 MiB of the limit is the process itself: interpreter, pyarrow and the native core. Rows are held
    while they are built (in buffers that may be twice as large as their content), in the queue, while they
    wait for their row group, and as pages while they are encoded.
    """

    batch_bytes: int
    queue_bytes: int
    buffer_bytes: int

    @classmethod
    def under(cls, max_memory_mb: int, encoders: int) -> MemoryPlan:
        """Share out `max_memory_mb` MiB among rows that wait and `encoders` row groups that are encoded.

        A row group is never planned above 128 MiB.
        """
        spare = (max_memory_mb - 104) * MIB
        return cls(
            batch_bytes=spare // 20,
            queue_bytes=spare // 8,
            buffer_bytes=min(spare // (2 + 2 * encoders), MAX_GROUP_BYTES),
        )
