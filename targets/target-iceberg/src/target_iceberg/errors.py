"""What can go wrong in target-iceberg besides what target-parquet knows; see `target_parquet.errors`.

```
StoreError                      the destination failed
├── ConflictError               what a commit rests on has changed; look at the table again and retry
├── FencedError                 another target has committed under our name; stop, it goes on
└── UnfinishedError             some of it may be committed; the next run completes it
```
"""

from __future__ import annotations

from target_parquet.errors import FencedError, StoreError, UnfinishedError

__all__ = ["ConflictError", "FencedError", "StoreError", "UnfinishedError"]


class ConflictError(StoreError):
    """Another writer has changed what this commit rests on; nothing was committed."""

    default_instruction = "Run again; if it happens every time, run the writers of this table one at a time."
