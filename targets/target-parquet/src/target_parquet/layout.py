"""Where the rows of a stream go: its directory, its Hive directories, the names of its files.

```
<destination>/<stream>/[<column>=<value>/...]<file>.parquet
```

Paths here are relative to the destination, with `/`; a store turns them into places.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from target_parquet.errors import LayoutError
from target_parquet.names import MAX_ENTRY_BYTES, SIDE_STREAMS, stream_directory


def new_run_id() -> str:
    """Name a run so that no other run, of any process on any machine, has the name; they sort by time."""
    now, chance = datetime.now(UTC), int.from_bytes(os.urandom(4)) >> 4
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond:05x}{chance:07x}"


@dataclass(frozen=True, slots=True)
class FileNames:
    """Names of the files of one run, from the `file_naming` template."""

    template: str
    run: str

    def name(self, stream: str, epoch: int, part: int) -> str:
        """Name part number `part` of a stream; parts count through the whole run.

        Raises:
            LayoutError: the name would not fit into a directory entry.
        """
        name = (
            self.template.replace("{stream}", stream_directory(stream))
            .replace("{run}", self.run)
            .replace("{epoch}", f"{epoch:05d}")
            .replace("{part}", f"{part:05d}")
        )
        if len(name) > MAX_ENTRY_BYTES:
            raise LayoutError(f"file_naming: makes a name of {len(name)} bytes for stream {stream!r}")
        return name


class Directories:
    """Gives each stream its directory, and makes sure that no two share one.

    Encoded names differ whenever the streams differ, but a file system that ignores case may still put
    `Users` and `users` in one place.
    """

    def __init__(self, *, case_sensitive: bool) -> None:
        self._case_sensitive = case_sensitive
        self._streams: dict[str, str] = {}

    def of(self, stream: str) -> str:
        """Name the directory of a stream.

        Raises:
            LayoutError: another stream of this run has that place, or the name is one of ours.
        """
        if stream in SIDE_STREAMS:
            raise LayoutError(
                f"stream {stream!r} has a name that the target keeps for invalid records",
                instruction="Rename it with a stream map.",
            )
        directory = stream_directory(stream)
        place = directory if self._case_sensitive else directory.casefold()
        owner = self._streams.setdefault(place, stream)
        if owner != stream:
            raise LayoutError(
                f"streams {owner!r} and {stream!r} would share the directory {directory!r}: "
                "the file system ignores case",
                instruction="Load one of them into another destination, or rename it with a stream map.",
            )
        return directory
