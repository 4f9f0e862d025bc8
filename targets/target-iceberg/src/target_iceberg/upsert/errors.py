"""What can go wrong when rows replace others; every class joins the tree of `dativo_protocol.errors`.

```
InvalidRecordError
└── UnusableKeyError     rows whose key is null or NaN, which equals nothing
StoreError
└── UnreadableTableError a file of the table cannot be searched for keys
```
"""

from __future__ import annotations

from dativo_protocol.errors import InvalidRecordError, StoreError


class UnusableKeyError(InvalidRecordError):
    """The key of a row is null or NaN, so that no other row could ever replace it."""

    default_instruction = "Correct the source, or name other key_properties for the stream in its catalog."


class UnreadableTableError(StoreError):
    """A file of the table is missing, damaged, or of a kind that cannot be searched for keys."""

    default_instruction = "Restore the file, or load the table anew with load_method overwrite."
