"""What maintenance did to a table, or would do."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field


@dataclass(frozen=True, slots=True)
class Compaction:
    """Data files written anew.

    Attributes:
        files_before: data files that go.
        files_after: that come instead.
        bytes_before: of those that go; as many have to be read.
        bytes_after: of those that come; 0 if they are not written yet.
        delete_files: that go; a plan counts those that might.
    """

    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    delete_files: int = 0

    def __add__(self, other: Compaction) -> Compaction:
        return Compaction(
            *(ours + theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True))
        )


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Things that go without being replaced.

    Attributes:
        snapshots: that expire.
        files: that are deleted from the store.
        bytes: of those whose size is known.
    """

    snapshots: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """A table's current version.

    Attributes:
        data_files: of it.
        data_bytes: of them.
        rows: in them, deleted ones included.
        delete_files: of it.
        manifests: of it.
        snapshots: that can be read.
    """

    data_files: int
    data_bytes: int
    rows: int
    delete_files: int
    manifests: int
    snapshots: int


@dataclass(frozen=True, slots=True)
class Manifests:
    """Manifests written anew: their number before and after."""

    before: int = 0
    after: int = 0

    def __add__(self, other: Manifests) -> Manifests:
        return Manifests(self.before + other.before, self.after + other.after)


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table.

    Attributes:
        table: its name.
        contents: of the first of the branches, before anything was done.
        branches: whose files were looked at.
        equality_deletes: files of them that are turned into position deletes.
        problem: why something was not done; empty if all was.
    """

    table: str
    contents: Contents
    branches: tuple[str, ...] = ()
    equality_deletes: int = 0
    compaction: Compaction = field(default_factory=Compaction)
    manifests: Manifests = field(default_factory=Manifests)
    expiry: Cleaning = field(default_factory=Cleaning)
    orphans: Cleaning = field(default_factory=Cleaning)
    problem: str = ""
