"""What can go wrong with CSV files, grouped by what the user should do about it.

```
SourceError (dativo_protocol)
└── CsvError                  .file, .line: where it is
    ├── NoFilesError          correct `path`, or allow it with `on_no_files`
    ├── UnreadableFileError   the file cannot be opened, decompressed or followed to its end
    ├── HeaderError           correct the header, or the settings that name columns
    ├── BadRowError           correct the row, or allow it with `on_bad_row: skip`
    └── BadValueError         give the column another type, or allow it with `on_bad_value: null`
```

No message holds a value of the data: it may be personal. It says of which kind the value is, and where.
"""

from __future__ import annotations

from dativo_protocol.errors import SourceError


class CsvError(SourceError):
    """A CSV file cannot be read on.

    Attributes:
        file: its path; with `/member` appended inside a zip archive.
        line: 1-based number of the line in the decompressed file, 0 if the whole file is meant.
    """

    def __init__(self, reason: str, *, file: str = "", line: int = 0, instruction: str = "") -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {reason}" if place else reason, instruction=instruction)
        self.file = file
        self.line = line


class NoFilesError(CsvError):
    """A path leads to no file."""

    default_instruction = "Correct `path`, or set `on_no_files: skip` if there may be none."


class UnreadableFileError(CsvError):
    """A file cannot be opened, decompressed or followed to its end."""

    default_instruction = "Check that the file is whole and readable, and its `compression`."


class HeaderError(CsvError):
    """The header does not say what the settings expect."""

    default_instruction = "Correct the file's header, or the settings that name its columns."


class BadRowError(CsvError):
    """A row is not a row of its table."""

    default_instruction = "Correct the file, or set `on_bad_row: skip` to leave such rows out."


class BadValueError(CsvError):
    """A value does not fit the type of its column."""

    default_instruction = "Give the column a type that fits in `types`, or set `on_bad_value: null`."
