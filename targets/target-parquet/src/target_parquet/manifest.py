"""What old epochs have published, for verification: which files, with how many rows and which digest.

```
.dativo/manifest/<pipeline>/0000000001-0000000016.json
```

One object stands for a block of sixteen epochs that are over; a block that published nothing has none. It is
put before the entries of its epochs go from the ledger, so what was published is always in one of the two,
and whoever reads the ledger first and the manifest then misses nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from target_parquet.errors import StoreError
from target_parquet.names import stream_directory
from target_parquet.storage import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_parquet.storage import Store

MANIFEST = f"{INTERNAL}/manifest"
FORMAT = 1
BLOCK = 16


@dataclass(frozen=True, slots=True)
class KnownFile:
    """One file: its name below the destination, its rows and their digest."""

    name: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class KnownStream:
    """The files of one stream in one epoch; with `replaces` nothing older is left in its directory."""

    stream: str
    directory: str
    replaces: bool
    files: tuple[KnownFile, ...]


@dataclass(frozen=True, slots=True)
class KnownEpoch:
    """What one epoch published, and which run did."""

    epoch: int
    run: str
    streams: tuple[KnownStream, ...]


def block_of(epoch: int) -> range:
    """The epochs that are put away together with this one."""
    first = (epoch - 1) // BLOCK * BLOCK + 1
    return range(first, first + BLOCK)


def keep(store: Store, pipeline: str, block: range, epochs: Sequence[KnownEpoch]) -> None:
    """Put a block into the manifest, unless another process has; its epochs in order.

    The epochs have to be read before this is called: an entry that another process has removed by then
    may be missing from them, but then the block is there.

    Raises:
        StoreError: it is not there.
    """
    epochs = _without_replaced(epochs)
    name = f"{MANIFEST}/{stream_directory(pipeline)}/{block[0]:010d}-{block[-1]:010d}.json"
    if epochs and store.get(name) is None:
        document = {"format": FORMAT, "pipeline": pipeline, "epochs": [asdict(epoch) for epoch in epochs]}
        store.put_if_absent(name, json.dumps(document).encode() + b"\n")


def kept(store: Store, directory: str) -> list[KnownEpoch]:
    """Read everything the manifest has about the pipeline of this directory, oldest first.

    Raises:
        StoreError: it cannot be read.
    """
    names = store.names(f"{MANIFEST}/{directory}")
    blocks = [_read(data, name) for name in names if (data := store.get(name)) is not None]
    return [epoch for block in blocks for epoch in block]


def _without_replaced(epochs: Iterable[KnownEpoch]) -> list[KnownEpoch]:
    """Leave out what a later epoch has replaced, and epochs that published nothing."""
    replaced: set[str] = set()
    left: list[KnownEpoch] = []
    for epoch in reversed(list(epochs)):
        streams = tuple(each for each in epoch.streams if each.directory not in replaced)
        replaced.update(each.directory for each in streams if each.replaces)
        if streams:
            left.append(KnownEpoch(epoch.epoch, epoch.run, streams))
    return left[::-1]


def _read(data: bytes, name: str) -> list[KnownEpoch]:
    try:
        document = json.loads(data)
        known = document["format"] == FORMAT
        epochs = [
            KnownEpoch(each["epoch"], each["run"], tuple(_stream(stream) for stream in each["streams"]))
            for each in document["epochs"]
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        known = False
    if not known:
        raise StoreError(
            f"{name} is damaged, or of another version of the manifest",
            instruction="Use the version that wrote it, or newer; a damaged one has to be restored.",
        )
    return epochs


def _stream(document: dict[str, Any]) -> KnownStream:
    files = tuple(KnownFile(**file) for file in document.pop("files"))
    return KnownStream(**document, files=files)
