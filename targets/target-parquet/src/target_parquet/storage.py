"""What a place for files has to offer: staging nobody sees, and publishing that any process can complete.

Names are paths relative to the destination, with `/`. A staged file that is finished has a token, a mapping
that JSON can hold and that is all a later process needs to publish it: the path of the staged file, or the
open multipart upload with its parts. The stores are `local_store.LocalStore` and whatever else keeps to this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import pyarrow as pa

INTERNAL = ".dativo"
"""Directory of the destination that readers leave alone: staging areas and the ledger."""

Token: TypeAlias = "Mapping[str, Any]"  # noqa: S105 -- a type, no secret
Whereabouts: TypeAlias = Literal["staged", "published", "gone"]


class StagedFile(Protocol):
    """A file that is being written or waits for publication; readers do not see it."""

    @property
    def name(self) -> str:
        """The name it was staged for."""

    @property
    def sink(self) -> pa.NativeFile:
        """Where its bytes go; `tell()` is its size so far. Closed by whoever writes it."""

    def begin_flush(self) -> None:
        """Let what is written so far become durable meanwhile, if that is worth beginning early."""

    def abandon(self) -> None:
        """Close it as it is, for it is not going to be finished."""

    @property
    def token(self) -> Token:
        """What any process needs to publish it; known once the sink is closed and `make_durable` is over."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A finished, durable staged file and the name it shall have, which no other file ever gets."""

    token: Token
    name: str


class Store(Protocol):
    """A destination, used by one run at a time through this object.

    Reading (`names`, `get`, `whereabouts`, `newest`, `open_input`) needs no open run, all else does.
    Stores pass the fault point `commit.file` after each file, and each replaced directory, that is published.
    """

    @property
    def case_sensitive(self) -> bool:
        """Whether names that differ in case are different places."""

    def open_run(self, run: str) -> None:
        """Claim a staging area for a run.

        Raises:
            StoreError: the destination cannot be written to.
        """

    def close_run(self, *, keep_staged: bool = False) -> None:
        """Give the staging area up; never raises.

        Args:
            keep_staged: leave what is staged in it, because the ledger names it and the next run needs it.
        """

    def clean_up(self, live: Callable[[], Collection[Token]]) -> None:
        """Remove what runs that died have staged; what cannot be removed is named in the log and left.

        Args:
            live: the tokens that entries of the ledger still need; to be asked after it is certain that a run
                is dead, since it may have written its entry just before.
        """

    def stage(self, name: str) -> StagedFile:
        """Open a new staged file that will be published, if at all, as `name`.

        Raises:
            StoreError: it cannot be made.
        """

    def make_durable(self, files: Iterable[StagedFile]) -> None:
        """Return once the bytes of these finished files would survive a power cut.

        Raises:
            StoreError: they would not.
        """

    def publish(self, files: Sequence[Publication]) -> None:
        """Let readers see durable staged files, each one whole, none over a file of other content.

        A file that stands under its name from this token is published already, so calling again completes
        what another process began, at the same time too.

        Raises:
            UnfinishedError: some may be published; calling again may complete it.
            StoreError: none of them is published.
        """

    def replace(self, directories: Mapping[str, Sequence[Publication]]) -> None:
        """Put files in the place of everything that is in these directories of the destination.

        Each directory changes at one instant where the store can do that; one that has changed already is
        left as it is, so calling again completes what another process began.

        Raises:
            UnfinishedError: some directories may have changed; calling again may complete it.
            StoreError: no directory has changed.
        """

    def whereabouts(self, file: Publication) -> Whereabouts:
        """Tell whether a file stands under its name already, can still be published, or neither.

        Raises:
            StoreError: the store does not say.
        """

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write a small object, whole, durable and at one instant; False if the name is taken.

        Raises:
            StoreError: it is not written, or it is unknown whether it is.
        """

    def get(self, name: str) -> bytes | None:
        """Read a small object; None if there is none.

        Raises:
            StoreError: it cannot be read.
        """

    def names(self, prefix: str) -> list[str]:
        """List the small objects below the directory `prefix`, at any depth, as full names in order.

        Raises:
            StoreError: they cannot be listed.
        """

    def remove(self, names: Sequence[str]) -> None:
        """Remove small objects in this order; one that is missing counts as removed.

        Raises:
            StoreError: one cannot be removed; those after it are left.
        """

    def newest(self, directory: str, limit: int) -> list[str]:
        """List the `limit` last written Parquet files below a directory, newest first; [] if it is missing.

        Raises:
            StoreError: the directory cannot be read.
        """

    def open_input(self, name: str) -> pa.NativeFile:
        """Open a published file for reading.

        Raises:
            StoreError: it cannot be read.
        """
