"""Bytes as they arrive from a pipe into whole lines, with a limit on how long one may grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class LineTooLong(ValueError):  # noqa: N818
    """A line grew past the limit without an end."""


class LineSplitter:
    """Collects bytes until a line is whole.

    Args:
        limit: bytes that one line may have.
        cut: past the limit hand out what is there as a line of its own, instead of raising LineTooLong.
        safe_cut: says where, at the limit or before it, the line is cut without cutting a secret in two.
    """

    def __init__(self, limit: int, *, cut: bool, safe_cut: Callable[[bytes, int], int] | None = None) -> None:
        self._limit = limit
        self._cut = cut
        self._safe_cut = safe_cut
        self._open = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Lines that `data` completes, without their ends."""
        self._open += data
        lines: list[bytes] = []
        if b"\n" in data:
            *lines, rest = bytes(self._open).split(b"\n")
            self._open = bytearray(rest)
        if len(self._open) > self._limit:
            if not self._cut:
                raise LineTooLong(f"a line of more than {self._limit:,} bytes")
            lines.append(self._beginning())
        return [line.removesuffix(b"\r") for line in lines]

    def _beginning(self) -> bytes:
        """As much of the open line as is cut off now."""
        if self._safe_cut is None:
            return self.rest()
        at = self._safe_cut(bytes(self._open), self._limit) or self._limit
        beginning = bytes(self._open[:at])
        del self._open[:at]
        return beginning

    def rest(self) -> bytes:
        """What came after the last line end; the splitter is empty afterwards."""
        rest, self._open = bytes(self._open), bytearray()
        return rest
