"""How fields are told apart: the settings named after Python's csv dialects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Dialect:
    """Delimiter, quotes and escapes of a file.

    Attributes:
        quotechar: "" if nothing is quoted.
        escapechar: None if nothing is escaped.
    """

    delimiter: str = ","
    quotechar: str = '"'
    doublequote: bool = True
    escapechar: str | None = None
    skipinitialspace: bool = False
    strict: bool = False

    @property
    def needs_rewriting(self) -> bool:
        """Whether Arrow's parser cannot read it as it stands, only in a canonical form."""
        characters = (self.delimiter, self.quotechar, self.escapechar or "")
        return self.skipinitialspace or self.strict or not all(text.isascii() for text in characters)

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Read rows with Python's csv module, which defines what these settings mean."""
        import csv
        import sys

        csv.field_size_limit(sys.maxsize)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quotechar or None,
            quoting=csv.QUOTE_MINIMAL if self.quotechar else csv.QUOTE_NONE,
            doublequote=self.doublequote,
            escapechar=self.escapechar,
            skipinitialspace=self.skipinitialspace,
            strict=self.strict,
        )
