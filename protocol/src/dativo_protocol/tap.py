"""What a tap is to the toolkit, and the loop that runs one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dativo_protocol.catalog import Catalog
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter


class Tap(Protocol):
    """One source, opened with its settings."""

    def discover(self) -> Catalog:
        """Describe every stream of the source.

        Raises:
            SourceError: the source cannot be read.
        """

    def sync(self, catalog: Catalog, state: State, out: MessageWriter) -> None:
        """Write the selected streams of `catalog`, starting at `state`.

        A bookmark of `state` is advanced only after the records before it were written to `out`: when
        the run is interrupted, `state` as it is then is written as the last STATE (S3, S5).

        Raises:
            SourceError: the source cannot be read on.
        """

    def check(self) -> None:
        """Prove that the source can be reached with these settings; moves no data.

        Raises:
            SourceError: it cannot.
        """
