"""What is written but not yet published, of all streams; it is published at once or not at all.

Prepare, commit, done: first everything that readers will see is on the disk and named in the ledger, from
then on any process can publish it; then it is published; and when its STATE has left, the ledger says so.
What is never prepared goes with the store's staging area.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from target_parquet import faults
from target_parquet.errors import FencedError, StoreError, UnfinishedError
from target_parquet.ledger import Entry, FileEntry, Ledger, StreamAction, StreamEntry, digest
from target_parquet.recovery import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_parquet.publication import Publisher
    from target_parquet.storage import StagedFile, Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A whole file that readers do not see yet.

    Attributes:
        stream: whose rows it holds.
        directory: of the stream, relative to the destination.
        staged: where it is now, and the name it shall have.
        rows: in it.
        bytes: of it.
        digest: of its rows.
        extra: what a table format has to know of it.
    """

    stream: str
    directory: str
    staged: StagedFile
    rows: int
    bytes: int
    digest: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who publishes epochs: one run of one pipeline into one store."""

    store: Store
    ledger: Ledger
    publisher: Publisher
    run: str
    load_method: str


class Epoch:
    """The files written since the last publication.

    Args:
        writer: whose epoch it is.
        before: what it goes on from.
    """

    def __init__(self, writer: Writer, before: Standing) -> None:
        self.number = before.epoch + 1
        self.files: list[WrittenFile] = []
        self._writer = writer
        self._before = before
        self._actions: dict[str, tuple[str, StreamAction]] = {}
        self._aids: dict[str, list[StagedFile]] = {}
        self._entry: Entry | None = None
        self._step: Literal["open", "preparing", "prepared", "unfinished", "published"] = "open"

    def act(self, stream: str, directory: str, action: StreamAction) -> None:
        """Do something to a stream, even if it has no files; what was to be done to it before is dropped."""
        self._actions[stream] = (directory, action)

    def aid(self, stream: str, staged: StagedFile) -> None:
        """Take a file that is needed to publish what was done to a stream, and is not one of its own."""
        self._aids.setdefault(stream, []).append(staged)

    def add(self, file: WrittenFile) -> None:
        """Take a file into the epoch."""
        self.files.append(file)

    def prepare(self, state: bytes | None) -> None:
        """Make the files durable and write them down; without files or news of STATE there is nothing to do.

        Raises:
            FencedError: another target of this pipeline was first.
            StoreError: nothing is published.
        """
        text = self._before.state if state is None else state.decode()
        if not self.files and not self._actions and text == self._before.state:
            return
        self._writer.store.make_durable([*(file.staged for file in self.files), *chain(*self._aids.values())])
        self._entry = self._describe(text)
        faults.passing("epoch.before-prepare")
        self._prepare(self._entry)
        faults.passing("epoch.after-prepare")

    def _prepare(self, entry: Entry) -> None:
        self._step = "preparing"
        try:
            self._writer.ledger.prepare(entry)
        except FencedError:
            self._step = "open"
            raise
        self._step = "prepared"

    def commit(self) -> None:
        """Let readers see the files.

        Raises:
            UnfinishedError: some of them may be published.
            StoreError: nothing is published.
        """
        if self._entry is None:
            return
        faults.passing("commit.before")
        try:
            self._writer.publisher.publish(self._entry)
        except StoreError as error:
            self._step = "unfinished" if isinstance(error, UnfinishedError) else self._step
            raise
        self._step = "published"
        faults.passing("commit.after")

    def done(self) -> Standing:
        """Write down that STATE has left; returns what the next epoch goes on from.

        Raises:
            StoreError: it cannot be written; the next run finds that everything is published.
        """
        if self._entry is None:
            return self._before
        self._writer.ledger.settle(self.number, "done")
        faults.passing("done.after")
        self._writer.ledger.tidy(self.number)
        return Standing(self.number, self._entry.state)

    def give_up(self) -> bool:
        """Leave the epoch as it is; returns whether its staged files are still needed to complete it."""
        try:
            if self._step == "preparing":
                return self._writer.ledger.holds(self.number)
            if self._step == "prepared":
                self._writer.ledger.settle(self.number, "aborted")
        except StoreError as error:
            logger.warning("epoch %d is left to the next run: %s", self.number, error)
            return True
        return self._step == "unfinished"

    def _describe(self, state: str | None) -> Entry:
        nothing = StreamAction()
        actions = {file.stream: (file.directory, nothing) for file in self.files} | self._actions
        streams = [
            StreamEntry.of(stream, directory, self._entries(stream), self._with_aids(stream, action))
            for stream, (directory, action) in actions.items()
        ]
        return Entry(
            epoch=self.number,
            run=self._writer.run,
            pipeline=self._writer.ledger.pipeline,
            load_method=self._writer.load_method,
            before=digest(self._before.state),
            state=state,
            streams=tuple(streams),
        )

    def _with_aids(self, stream: str, action: StreamAction) -> StreamAction:
        aids = [FileEntry(staged.token, staged.name, 0, 0, "") for staged in self._aids.get(stream, ())]
        return replace(action, aids=tuple(aids))

    def _entries(self, stream: str) -> tuple[FileEntry, ...]:
        return tuple(
            FileEntry(file.staged.token, file.staged.name, file.rows, file.bytes, file.digest, file.extra)
            for file in self.files
            if file.stream == stream
        )
