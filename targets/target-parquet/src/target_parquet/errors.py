"""What can go wrong in target-parquet; every class joins the tree of `dativo_protocol.errors`.

```
ConfigError
└── LayoutError                 names or partitions that cannot be laid out; change the configuration
ProtocolError
└── ReplayError                 repaired records do not say which quarantined rows they stand for
InvalidRecordError
└── TooManyInvalidError         more records do not fit than the user allows
SchemaError
└── TypeConflictError           a column changed its type and the policy is to fail
StoreError                      the destination failed
├── BatchFileError              a file named by a BATCH message cannot be read
├── MismatchError               files are not as they were loaded; restore them or load again
├── FencedError                 another target has written under our name; stop, it goes on
├── UnreadableFileError         a published file is not whole; restore it
└── UnfinishedError             publishing broke off in the middle; the next run completes it
```
"""

from __future__ import annotations

import os

from dativo_protocol.errors import ConfigError, InvalidRecordError, ProtocolError, SchemaError, StoreError

__all__ = [
    "BatchFileError",
    "FencedError",
    "LayoutError",
    "MismatchError",
    "ReplayError",
    "StoreError",
    "TooManyInvalidError",
    "TypeConflictError",
    "UnfinishedError",
    "UnreadableFileError",
    "store_error",
]


class LayoutError(ConfigError):
    """A stream cannot be given files: its name, its partitions or a value of them stand against it."""


class ReplayError(ProtocolError):
    """The input of `replay` is not what `replay` has written, with its records repaired."""

    default_instruction = (
        "Leave the QUARANTINED lines as `target-parquet replay` writes them, and change those that follow."
    )


class TooManyInvalidError(InvalidRecordError):
    """More records of the run do not fit than `max_invalid` or `max_invalid_ratio` allows."""

    default_instruction = (
        "Correct the source's data or schema and run again from the last STATE, or allow more of them."
    )


class TypeConflictError(SchemaError):
    """A column has another type than in the files that are already there."""

    default_instruction = "Set on_type_conflict to variant_column or string_column, or correct the schema."


class BatchFileError(StoreError):
    """A file named by a BATCH message cannot be read as its SCHEMA and encoding say."""


class MismatchError(StoreError):
    """Verification found files that are not as they were loaded."""

    default_instruction = "Restore the files that are named, or load their stream again from the beginning."


class FencedError(StoreError):
    """Another target writes under the same pipeline name, and was first: this one has to stop."""

    default_instruction = "Run one at a time, or give each its own `pipeline` setting."


class UnreadableFileError(StoreError):
    """A published file is there but cannot be read to its end."""


class UnfinishedError(StoreError):
    """Publishing broke off in the middle and could not be undone; nothing of it may be thrown away."""

    default_instruction = "Remove the cause and run again: the next run completes what is prepared."


def store_error(doing: str, error: OSError) -> StoreError:
    """Say what the destination refused; `doing` is a verb and a path, as in "write /data/x"."""
    reason = os.strerror(error.errno) if error.errno else str(error)  # strerror of pyarrow's is a story
    return StoreError(
        f"cannot {doing}: {reason}", instruction="Check the path, its permissions and the free space."
    )
