"""Settings of target-parquet, and what is worked out from them once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, Self

from dativo_protocol.config import Connector, setting

from target_parquet.shared_settings import SharedSettings

_PLACEHOLDERS = ("stream", "run", "epoch", "part")
_FILE_NAMING = re.compile(r"(?:[A-Za-z0-9,.+@~_-]|\{(?:stream|run|epoch|part)\})+\.parquet")


@dataclass(frozen=True)
class Settings(SharedSettings):
    """What the user may choose; names follow the SDK's targets where they have one."""

    destination_path: str = setting(
        description="Directory that receives one directory a stream, made when missing: a path, a "
        "`file://` URI, or `s3://bucket/prefix`.",
        min_length=1,
        examples=("output", "file:///data/lake", "s3://bucket/lake"),
    )
    load_method: Literal["append-only", "overwrite", "upsert"] = setting(
        description="`append-only` adds files. `overwrite` replaces each stream of the run as a whole, at "
        "the end of the run. `upsert` is refused: plain files cannot be updated by key.",
        default="append-only",
    )
    partition_by: list[str] | dict[str, list[str]] = setting(  # noqa: RUF009 -- declares a field
        description="Columns that make Hive directories (`column=value/`), in this order: a list for every "
        "stream, or a list for each stream that wants one. The columns move from the files to the paths.",
        default_factory=list,
        examples=(["country"], {"orders": ["year", "country"]}),
    )
    file_naming: str = setting(
        description="Name of each file, from `{stream}`, `{run}`, `{epoch}` and `{part}`. `{run}` and "
        "`{part}` must occur, they keep names unique.",
        default="{run}-{epoch}-{part}.parquet",
    )

    def __post_init__(self) -> None:
        if self.load_method == "upsert":
            raise ValueError(
                "load_method: upsert needs a table format that can update rows, such as Iceberg; "
                "target-parquet offers append-only and overwrite"
            )
        check_file_naming(self.file_naming)
        super().__post_init__()

    @property
    def destination(self) -> str:
        """Path or URI of the directory that everything is below."""
        return self.destination_path

    @property
    def destination_setting(self) -> str:
        """The setting that `destination` is from."""
        return "destination_path"

    @property
    def file_template(self) -> str:
        """Names of files."""
        return self.file_naming

    def for_side_streams(self) -> Self:
        """Settings for streams that are about a run."""
        return replace(self, load_method="append-only", add_record_metadata=False, partition_by=[])

    def partition_columns(self, stream: str) -> tuple[str, ...]:
        """Columns that make the directories of a stream, outermost first."""
        if isinstance(self.partition_by, dict):
            return tuple(self.partition_by.get(stream, ()))
        return tuple(self.partition_by)


def check_file_naming(template: str) -> None:
    """Hold a file name template to what is safe and unique.

    Raises:
        ValueError: says what is wrong with it.
    """
    if not _FILE_NAMING.fullmatch(template) or template[0] in "._":
        known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
        raise ValueError(
            "file_naming: must be one file name that ends in .parquet, begins with neither . nor _, and "
            f"holds nothing but letters, digits, ,.+@~_- and {known}"
        )
    if "{run}" not in template or "{part}" not in template:
        raise ValueError("file_naming: must hold {run} and {part}, or files of different runs would collide")


CONNECTOR = Connector(
    name="target-parquet",
    kind="target",
    distribution="dativo-target-parquet",
    description="Singer target that writes typed Parquet files.",
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
