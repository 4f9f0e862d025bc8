"""Everything that can go wrong in a connector, grouped by what its user should do about it.

```
DativoError(Exception)                 exit 1; message + instruction
├── ConfigError                        fix the configuration; .problems lists all of them
├── CatalogError                       fix the catalog
├── ProtocolError                      the other side broke the Singer protocol; .line, .stream
│   ├── MessageError                   a line is not a Singer message
│   ├── RecordsWithoutSchemaError      a RECORD before its SCHEMA (G1)
│   └── MissingKeyPropertyError        a RECORD lacks a key property (G3)
├── SchemaError                        a SCHEMA cannot be mapped; .stream, .path
├── InvalidRecordError                 a record does not fit its SCHEMA; .line, .stream, .path, .reason
├── SourceError                        the source failed; .retryable
├── StoreError                         the destination failed; .retryable
└── DownstreamClosed                   exit 3; whoever read our output has gone; quiet
```

`str(error)` is one line with the place in it; `error.instruction` says what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class DativoError(Exception):
    """A failure that its reader can act upon.

    Attributes:
        message: what went wrong and where, one line.
        instruction: what to do about it, one sentence; may be empty.
        exit_code: of the process that ends with it (see `dativo_protocol.cli`).
        retryable: whether running again unchanged may succeed.
    """

    exit_code: ClassVar[int] = 1
    default_instruction: ClassVar[str] = ""

    def __init__(self, message: str, *, instruction: str = "", retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.instruction = instruction or self.default_instruction
        self.retryable = retryable


class ConfigError(DativoError):
    """The settings cannot be used; `problems` holds every one found, not only the first."""

    default_instruction = "Correct the configuration; --about lists every setting."

    def __init__(self, message: str, problems: Iterable[str] = (), *, instruction: str = "") -> None:
        super().__init__(message, instruction=instruction)
        self.problems = tuple(problems)


class CatalogError(DativoError):
    """The catalog file cannot be used."""

    default_instruction = "Write a fresh catalog with --discover and select its streams again."


class ProtocolError(DativoError):
    """The other side of the pipe broke the Singer protocol."""

    default_instruction = "Correct the program that writes these messages."

    def __init__(
        self, message: str, *, line: int = 0, stream: str | None = None, instruction: str = ""
    ) -> None:
        super().__init__(_at(message, line=line, stream=stream), instruction=instruction)
        self.line = line
        self.stream = stream


class MessageError(ProtocolError):
    """A line is not a Singer message (M1..M6)."""


class RecordsWithoutSchemaError(ProtocolError):
    """A RECORD arrived before the SCHEMA of its stream (G1)."""


class MissingKeyPropertyError(ProtocolError):
    """A RECORD lacks a property named in key_properties (G3)."""


class SchemaError(DativoError):
    """A SCHEMA has no equivalent in columns.

    Attributes:
        stream: name of the stream.
        path: JSON pointer into the schema, "" for its root.
    """

    default_instruction = "Correct the stream's schema; Meltano's `schema:` extra can override a property."

    def __init__(self, reason: str, *, stream: str, path: str = "", instruction: str = "") -> None:
        super().__init__(_at(reason, stream=stream, path=path), instruction=instruction)
        self.stream = stream
        self.path = path


class InvalidRecordError(DativoError):
    """A record does not fit its SCHEMA.

    Attributes:
        line: 1-based number of the input line, 0 if it has none.
        stream: name of the stream, "" if the line does not tell.
        path: JSON pointer inside the record, "" for the record as a whole.
        reason: what was expected and what was found.
    """

    default_instruction = "Correct the source's data or schema, or choose what to do with invalid records."

    def __init__(
        self, reason: str, *, line: int = 0, stream: str = "", path: str = "", instruction: str = ""
    ) -> None:
        super().__init__(_at(reason, line=line, stream=stream, path=path), instruction=instruction)
        self.line = line
        self.stream = stream
        self.path = path
        self.reason = reason


class SourceError(DativoError):
    """The source of a tap failed."""


class StoreError(DativoError):
    """The destination of a target failed."""


class DownstreamClosed(DativoError):  # noqa: N818 -- an ending, not a fault: nobody is left to read on
    """The reader of our output has gone: stop at once and say nothing (S4)."""

    exit_code = 3

    def __init__(self, message: str = "the reader of the output has gone") -> None:
        super().__init__(message)


def _at(message: str, *, line: int = 0, stream: str | None = None, path: str = "") -> str:
    places = [f"line {line}"] if line else []
    if stream:
        places.append(f"stream {stream!r}")
    if path:
        places.append(path)
    return f"{', '.join(places)}: {message}" if places else message
