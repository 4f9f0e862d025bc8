"""Which files a destination should have, going by the ledgers of all pipelines that load into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_parquet.errors import StoreError
from target_parquet.ledger import LEDGER, known_epochs
from target_parquet.manifest import MANIFEST, kept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from target_parquet.manifest import KnownFile, KnownStream
    from target_parquet.storage import Store


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file that was published.

    Attributes:
        file: its name, rows and digest.
        may_be_gone: it is on its way in or out: its epoch is not over, or something replaces it.
    """

    file: KnownFile
    may_be_gone: bool = False


@dataclass(slots=True)
class ExpectedStream:
    """The files of one stream, by name."""

    stream: str
    directory: str
    files: dict[str, ExpectedFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one epoch of one pipeline did to one stream."""

    pipeline: str
    run: str
    over: bool
    stream: KnownStream


def expected_streams(store: Store) -> dict[str, ExpectedStream]:
    """Work out the files of each stream, by the directory of the stream.

    Raises:
        StoreError: the ledger cannot be read.
    """
    steps = [step for pipeline in _pipelines(store) for step in _steps(store, pipeline)]
    by_directory: dict[str, list[_Step]] = {}
    for step in steps:
        by_directory.setdefault(step.stream.directory, []).append(step)
    return {directory: _outcome(by_directory[directory]) for directory in sorted(by_directory)}


def chosen_streams(store: Store, names: Collection[str], where: str) -> list[ExpectedStream]:
    """What the ledgers know of these streams, or of all if no name is given.

    Args:
        store: the destination.
        names: of streams.
        where: the setting that says where the destination is, for what to do about it.

    Raises:
        StoreError: a stream was never loaded, or none at all, or the ledger cannot be read.
    """
    chosen = [each for each in expected_streams(store).values() if not names or each.stream in names]
    missing = set(names) - {each.stream for each in chosen}
    if missing or not chosen:
        told = ", ".join(sorted(missing)) or "anything"
        raise StoreError(
            f"the ledger of this destination does not say that {told} was ever loaded",
            instruction=f"Check {where} and the names of the streams.",
        )
    return chosen


def _pipelines(store: Store) -> list[str]:
    """Directories of all pipelines."""
    roots = (LEDGER, MANIFEST)
    return sorted(
        {name.removeprefix(f"{root}/").split("/")[0] for root in roots for name in store.names(root)}
    )


def _steps(store: Store, pipeline: str) -> Iterable[_Step]:
    """What the epochs of a pipeline did, in order.

    The ledger is read first, since it empties into the manifest.
    """
    unsettled = known_epochs(store, pipeline)
    known = {epoch.epoch: (epoch, True) for epoch in kept(store, pipeline)}
    known |= {epoch.epoch: (epoch, over) for epoch, over in unsettled}
    for _, (epoch, over) in sorted(known.items()):
        for stream in epoch.streams:
            yield _Step(pipeline, epoch.run, over, stream)


def _outcome(steps: list[_Step]) -> ExpectedStream:
    """The files that are left of what was done to one directory."""
    outcome = ExpectedStream(steps[-1].stream.stream, steps[-1].stream.directory)
    for pipeline in sorted({step.pipeline for step in steps}):
        outcome.files |= _files([step for step in steps if step.pipeline == pipeline], steps)
    return outcome


def _files(own: list[_Step], all_steps: list[_Step]) -> dict[str, ExpectedFile]:
    """The files left of one pipeline.

    Epochs of one pipeline follow each other. Those of different pipelines have no order but that of the
    runs: what another pipeline replaces in a run that began later may be gone.
    """
    replacing = [step for step in all_steps if step.stream.replaces and step.pipeline != own[0].pipeline]
    files: dict[str, ExpectedFile] = {}
    for step in own:
        if step.stream.replaces:
            files = {} if step.over else {name: _may_be_gone(each) for name, each in files.items()}
        overtaken = any(other.run > step.run for other in replacing)
        for file in step.stream.files:
            files[file.name] = ExpectedFile(file, may_be_gone=overtaken or not step.over)
    return files


def _may_be_gone(expected: ExpectedFile) -> ExpectedFile:
    return ExpectedFile(expected.file, may_be_gone=True)
