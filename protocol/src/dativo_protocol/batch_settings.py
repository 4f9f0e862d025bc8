"""`batch_config`: a tap hands records over as files, in the words of the SDK (B3).

A tap has it by one field of its settings, `batch_config: BatchSettings | None = batch_setting()`; the rest is
done where its rows are written (`dativo_protocol.writer`).
"""
# ruff: noqa: RUF009 -- setting() declares a field, it is not a default

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from dativo_protocol.config import setting

if TYPE_CHECKING:
    from dativo_protocol.parquet_writer import Codec

BatchFormat = Literal["jsonl", "parquet", "arrow"]

_COMPRESSIONS = {
    "jsonl": ("none", "gzip"),
    "parquet": ("zstd", "snappy", "gzip", "lz4", "brotli", "none"),
    "arrow": ("none",),
}
_ROWS = {"jsonl": 10_000, "arrow": 100_000, "parquet": 250_000}


@dataclass(frozen=True)
class BatchEncodingSettings:
    """How the files are written."""

    format: BatchFormat = setting(
        description="`jsonl`: a JSON object a line, which every target of the SDK reads. `parquet`. `arrow`: "
        "an Arrow IPC file, the cheapest to write and to read."
    )
    compression: Literal["none", "gzip", "zstd", "snappy", "lz4", "brotli"] | None = setting(
        description="`jsonl`: `none` or `gzip`. `parquet`: codec of its pages, by default `zstd`. `arrow`: "
        "`none`.",
        default=None,
    )

    def __post_init__(self) -> None:
        allowed = _COMPRESSIONS[self.format]
        if self.compression is not None and self.compression not in allowed:
            raise ValueError(f"compression: {self.format} files can have {' or '.join(map(repr, allowed))}")

    @property
    def codec(self) -> Codec:
        """The compression to use, "none" for none."""
        if self.compression is None:
            return "zstd" if self.format == "parquet" else "none"
        return self.compression


@dataclass(frozen=True)
class BatchStorageSettings:
    """Where the files are put."""

    root: str = setting(
        description="Directory for the files, made when missing: a path or a `file://` URI that the target "
        "can read too. Files stay there until somebody removes them.",
        min_length=1,
        examples=("file:///var/tmp/batches",),
    )
    prefix: str = setting(
        description="What the names of the files begin with.", default="", pattern=r"^([^./\\][^/\\]*)?$"
    )

    def __post_init__(self) -> None:
        scheme, separator, _ = self.root.partition("://")
        if separator and scheme.lower() != "file":
            raise ValueError(f"root: {scheme}:// is not supported, give a local path or file://")
        if separator and (
            urlsplit(self.root).netloc not in ("", "localhost") or not urlsplit(self.root).path
        ):
            raise ValueError("root: a file URI has three slashes and an absolute path, file:///data/batches")

    @property
    def directory(self) -> Path:
        """The root as an absolute path."""
        if "://" in self.root:
            return Path(unquote(urlsplit(self.root).path))
        return Path(self.root).expanduser().absolute()


@dataclass(frozen=True)
class BatchSettings:
    """Records as files, instead of RECORD messages."""

    encoding: BatchEncodingSettings = setting(description="How the files are written.")
    storage: BatchStorageSettings = setting(description="Where the files are put.")
    batch_size: int | None = setting(
        description="Most rows of a file, which is also closed when it has 64 MiB. By default 10,000 for "
        "`jsonl`, as in the SDK, 100,000 for `arrow` and 250,000 for `parquet`.",
        default=None,
        minimum=1,
    )

    @property
    def rows(self) -> int:
        """Most rows of a file."""
        return self.batch_size or _ROWS[self.encoding.format]


def batch_setting() -> Any:
    """Declare the field `batch_config` of a tap's settings."""
    return setting(
        description="Hand records over as files that BATCH messages name, instead of as RECORD messages. The "
        "target must read such files: target-parquet and targets of the SDK do.",
        default=None,
        examples=(
            {"encoding": {"format": "arrow"}, "storage": {"root": "file:///var/tmp/batches"}},
            {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": "batches"}},
        ),
    )


def batches_of(settings: object) -> BatchSettings | None:
    """Find what the user wants of batches in the settings of a tap; None for RECORD messages."""
    found = getattr(settings, "batch_config", None)
    return found if isinstance(found, BatchSettings) else None
