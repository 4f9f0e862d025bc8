"""What can go wrong in target-iceberg besides what target-parquet knows; see `target_parquet.errors`.

```
StoreError                      the destination failed
├── ConflictError               what a commit rests on has changed; look at the table again and retry
├── FencedError                 another target has committed under our name; stop, it goes on
└── UnfinishedError             some of it may be committed; the next run completes it
UnforeseenError                 nothing is wrong, but the plan of a stream has to wait for the catalog
```
"""

from __future__ import annotations

from target_parquet.errors import FencedError, StoreError, UnfinishedError

__all__ = ["ConflictError", "FencedError", "StoreError", "UnfinishedError", "UnforeseenError"]


class ConflictError(StoreError):
    """Another writer has changed what this commit rests on; nothing was committed."""

    default_instruction = "Run again; if it happens every time, run the writers of this table one at a time."


class UnforeseenError(Exception):
    """Only the Iceberg library and the catalog can say what becomes of a stream; never leaves the plan."""
