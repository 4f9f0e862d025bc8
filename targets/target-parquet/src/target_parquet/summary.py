"""What a run has published, stream by stream."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol.metrics import Point

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_parquet.epoch import WrittenFile

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Published:
    directory: str
    files: int = 0
    rows: int = 0
    bytes: int = 0


class Summary:
    """Counts published files."""

    def __init__(self) -> None:
        self._streams: dict[str, _Published] = {}

    def add(self, files: Iterable[WrittenFile]) -> None:
        """Count files that readers can now see."""
        for file in files:
            published = self._streams.setdefault(file.stream, _Published(file.directory))
            published.files += 1
            published.rows += file.rows
            published.bytes += file.bytes

    def log(self, destination: str) -> None:
        """Write one line for each stream, and its counts as metrics for a runner."""
        for stream, published in self._streams.items():
            tags = {"stream": stream}
            Point("counter", "file_count", published.files, tags).log()
            Point("counter", "file_bytes", published.bytes, tags).log()
            logger.info(
                "published stream %s: %d files, %s rows, %.1f MB in %s/%s",
                stream,
                published.files,
                f"{published.rows:,}",
                published.bytes / 1e6,
                destination,
                published.directory,
            )
