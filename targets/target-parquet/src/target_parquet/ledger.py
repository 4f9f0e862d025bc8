"""What each epoch publishes, written down before it is published: the memory of exactly-once.

```
.dativo/ledger/<pipeline>/0000000007.json      prepared: every file with its token and name, and the STATE
.dativo/ledger/<pipeline>/0000000007.done      published, and its STATE handed out
.dativo/ledger/<pipeline>/0000000007.aborted   given up, nothing of it is published
```

Of every file and every stream it has the rows and their digest, which `verify` holds the files against. When
sixteen epochs are over, what verification needs of them goes into one object of the `manifest`, and their
entries go.

An entry is put only where none is, so of several targets with one pipeline name one alone gets the next
number: the others stop before they have published anything. Where an entry is both done and aborted, because
two processes dealt with it at once, it is done: its files stand.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from target_parquet import faults
from target_parquet.errors import FencedError, StoreError
from target_parquet.manifest import KnownEpoch, KnownFile, KnownStream, block_of, keep
from target_parquet.names import stream_directory
from target_parquet.storage import INTERNAL, Publication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_parquet.storage import Store, Token

LEDGER = f"{INTERNAL}/ledger"
FORMAT = 2
_KEPT = 2

Outcome = Literal["prepared", "done", "aborted"]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: its token, its name below the destination, rows and bytes in it, digest of the rows.

    `extra` is what a table format on top of the files has to know of it; nothing for plain files.
    """

    token: Token
    name: str
    rows: int
    bytes: int
    digest: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def publication(self) -> Publication:
        """What the store needs to publish it."""
        return Publication(self.token, self.name)


@dataclass(frozen=True, slots=True)
class StreamAction:
    """What an epoch does to a stream beside adding files.

    Attributes:
        replaces: its files take the place of what is in the directory.
        extra: see `StreamEntry`.
        aids: see `StreamEntry`.
    """

    replaces: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    aids: tuple[FileEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """The files of one stream; with `replaces` they take the place of all that is in its directory.

    Rows and digest are those of all files together; `extra` is what a table format has to know of the stream,
    and `aids` are files that it needs for as long as the epoch is not published.
    """

    stream: str
    directory: str
    replaces: bool
    rows: int
    digest: str
    files: tuple[FileEntry, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
    aids: tuple[FileEntry, ...] = ()

    @property
    def publications(self) -> list[Publication]:
        """Its files, and what is needed to publish them."""
        return [file.publication for file in (*self.files, *self.aids)]

    @classmethod
    def of(
        cls, stream: str, directory: str, files: tuple[FileEntry, ...], action: StreamAction
    ) -> StreamEntry:
        """Sum the files up."""
        from dativo_protocol.digest import combine_digests

        rows = sum(file.rows for file in files)
        digest_of_all = combine_digests(file.digest for file in files)
        return cls(stream, directory, action.replaces, rows, digest_of_all, files, action.extra, action.aids)


@dataclass(frozen=True, slots=True)
class Entry:
    """One epoch of one pipeline.

    Attributes:
        epoch: its number in the pipeline, from 1.
        run: that wrote it.
        pipeline: whose epoch it is.
        load_method: of the run.
        before: digest of the STATE the epoch goes on from, None if there was none.
        state: JSON text of the STATE that is durable once the files stand; handed on from the epoch before if
            none came, None if none ever did.
        streams: what it publishes.
    """

    epoch: int
    run: str
    pipeline: str
    load_method: str
    before: str | None
    state: str | None
    streams: tuple[StreamEntry, ...]

    @property
    def known(self) -> KnownEpoch:
        """What verification has to know of it."""
        return KnownEpoch(self.epoch, self.run, tuple(_known(stream) for stream in self.streams))

    @property
    def publications(self) -> list[Publication]:
        """All files."""
        return [file for stream in self.streams for file in stream.publications]

    def to_json(self) -> bytes:
        """The form it has in the store; the same entry always gives the same bytes."""
        document = {"format": FORMAT, **asdict(self), "after": digest(self.state)}
        return json.dumps(document, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes, name: str) -> Entry:
        """Read it back.

        Raises:
            StoreError: these bytes are no entry that this version knows.
        """
        try:
            document = json.loads(data)
            known = (document.pop("format"), document.pop("after")) == (FORMAT, digest(document["state"]))
            streams = tuple(_stream_entry(each) for each in document.pop("streams"))
            entry = cls(**document, streams=streams)
        except (ValueError, TypeError, KeyError, AttributeError):
            known = False
        if not known:
            raise StoreError(
                f"{name} is damaged, or of another version of the ledger",
                instruction="Use the version that wrote it, or newer; a damaged entry has to be repaired.",
            )
        return entry


class Ledger:
    """The entries of one pipeline."""

    def __init__(self, store: Store, pipeline: str) -> None:
        self.pipeline = pipeline
        self._store = store
        self._directory = f"{LEDGER}/{stream_directory(pipeline)}"

    def numbers(self) -> dict[int, Outcome]:
        """All epochs there are, oldest first, and how far each has come.

        Raises:
            StoreError: they cannot be listed.
        """
        return _outcomes(self._store.names(self._directory))

    def read(self, epoch: int) -> Entry | None:
        """The entry of an epoch; None if it has been tidied away meanwhile.

        Raises:
            StoreError: it cannot be read.
        """
        name = self._name(epoch, "json")
        data = self._store.get(name)
        return None if data is None else Entry.from_json(data, name)

    def prepare(self, entry: Entry) -> None:
        """Write an entry down and so take its number.

        Raises:
            FencedError: another target has the number.
            StoreError: it cannot be written.
        """
        name, data = self._name(entry.epoch, "json"), entry.to_json()
        if not self._store.put_if_absent(name, data):
            found = self._store.get(name)
            if found != data:  # ours after all when the answer to a request was lost
                raise self._fenced(
                    entry, f"run {Entry.from_json(found, name).run}" if found else "another run"
                )
        if max(self.numbers()) > entry.epoch:  # the number was free because it has been tidied away
            self.settle(entry.epoch, "aborted")
            raise self._fenced(entry, "another run")

    def holds(self, epoch: int) -> bool:
        """Whether there is an entry of this number.

        Raises:
            StoreError: the store does not say.
        """
        return self._store.get(self._name(epoch, "json")) is not None

    def settle(self, epoch: int, outcome: Literal["done", "aborted"]) -> None:
        """Note how an epoch ended.

        Raises:
            StoreError: it cannot be written.
        """
        self._store.put_if_absent(self._name(epoch, outcome), b"{}\n")

    def tidy(self, newest: int) -> None:
        """Move entries that are two epochs behind into the manifest, a block at a time; see `manifest`.

        Raises:
            StoreError: one cannot be moved.
        """
        names = self._store.names(self._directory)
        outcomes = _outcomes(names)
        for block in sorted({block_of(number) for number in outcomes}, key=min):
            if max(block) <= newest - _KEPT and all(outcomes.get(number) != "prepared" for number in block):
                self._put_away(block, outcomes, [name for name in names if _number(name) in block])

    def _put_away(self, block: range, outcomes: Mapping[int, Outcome], names: list[str]) -> None:
        done = [number for number in block if outcomes.get(number) == "done"]
        entries = [entry for number in done if (entry := self.read(number)) is not None]
        keep(self._store, self.pipeline, block, [entry.known for entry in entries])
        faults.passing("tidy.kept")
        # First the entry and then how it ended, or one that is done would look prepared.
        self._store.remove(sorted(names, key=lambda name: not name.endswith(".json")))

    def _fenced(self, entry: Entry, other: str) -> FencedError:
        return FencedError(
            f"another target writes to this destination as pipeline {self.pipeline!r}: "
            f"epoch {entry.epoch} was taken by {other}; nothing of ours was published"
        )

    def _name(self, epoch: int, kind: str) -> str:
        return f"{self._directory}/{epoch:010d}.{kind}"


def known_epochs(store: Store, directory: str) -> list[tuple[KnownEpoch, bool]]:
    """The epochs in the ledger of the pipeline of this directory, and whether each is over.

    Raises:
        StoreError: the ledger cannot be read.
    """
    known: list[tuple[KnownEpoch, bool]] = []
    for epoch, outcome in _outcomes(store.names(f"{LEDGER}/{directory}")).items():
        name = f"{LEDGER}/{directory}/{epoch:010d}.json"
        data = store.get(name) if outcome != "aborted" else None
        if data is not None:
            known.append((Entry.from_json(data, name).known, outcome == "done"))
    return known


def live_tokens(store: Store) -> list[Token]:
    """Tokens of staged files that prepared entries of any pipeline still need.

    Raises:
        StoreError: the ledger cannot be read.
    """
    pipelines: dict[str, list[str]] = {}
    for name in store.names(LEDGER):
        pipelines.setdefault(name.rpartition("/")[0], []).append(name)
    tokens: list[Token] = []
    for directory, names in pipelines.items():
        for epoch, outcome in _outcomes(names).items():
            name = f"{directory}/{epoch:010d}.json"
            data = store.get(name) if outcome == "prepared" else None
            if data is not None:
                tokens += [file.token for file in Entry.from_json(data, name).publications]
    return tokens


def digest(state: str | None) -> str | None:
    """A short name for a STATE: SHA-256 of its text."""
    import hashlib

    return None if state is None else hashlib.sha256(state.encode()).hexdigest()


def _outcomes(names: list[str]) -> dict[int, Outcome]:
    kinds: dict[int, set[str]] = {}
    for name in names:
        if (number := _number(name)) is not None:
            kinds.setdefault(number, set()).add(name.rpartition(".")[2])
    return {number: _outcome(kinds[number]) for number in sorted(kinds)}


def _outcome(kinds: set[str]) -> Outcome:
    if "done" in kinds:
        return "done"
    return "aborted" if "aborted" in kinds else "prepared"


def _number(name: str) -> int | None:
    stem, _, kind = name.rpartition("/")[2].partition(".")
    return int(stem) if stem.isdecimal() and kind in ("json", "done", "aborted") else None


def _known(stream: StreamEntry) -> KnownStream:
    files = tuple(KnownFile(file.name, file.rows, file.digest) for file in stream.files)
    return KnownStream(stream.stream, stream.directory, stream.replaces, files)


def _stream_entry(document: dict[str, Any]) -> StreamEntry:
    files = tuple(FileEntry(**file) for file in document.pop("files"))
    aids = tuple(FileEntry(**file) for file in document.pop("aids", ()))
    return StreamEntry(**document, files=files, aids=aids)
