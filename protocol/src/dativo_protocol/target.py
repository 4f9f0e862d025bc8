"""What a target is to the toolkit, and the loop that runs one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from dativo_protocol.messages import BatchMessage, SchemaMessage
    from dativo_protocol.reader import InvalidEvent, StreamPlan


class Loader(Protocol):
    """One destination, opened with its settings.

    All methods but `plan` are called on the main thread, in the order of the input.
    """

    def plan(self, message: SchemaMessage) -> StreamPlan:
        """Choose the columns of a stream; pure, called on the decode thread.

        Raises:
            SchemaError: the stream cannot be stored.
        """

    def open_stream(self, plan: StreamPlan) -> None:
        """Make a stream ready for batches of this plan; called again when its SCHEMA changes."""

    def write(self, stream: str, batch: pa.RecordBatch) -> None:
        """Take the next rows of a stream; they need not be durable yet."""

    def activate_version(self, stream: str, version: int) -> None:
        """Retire the rows of a stream older than `version`, with the next commit (M5)."""

    def load_batch_file(self, message: BatchMessage, line: int) -> None:
        """Take the rows of the files a BATCH message names (B1..B4)."""

    def invalid(self, event: InvalidEvent) -> None:
        """Deal with a record that does not fit; `raise event.error()` when the policy is to fail."""

    def commit(self, state: bytes | None, *, final: bool) -> None:
        """Make everything taken so far durable and visible before returning.

        Args:
            state: the STATE value this commit stands for, None if none came since the last commit.
            final: the input has ended cleanly.

        Raises:
            StoreError: nothing of this epoch counts as published.
        """

    def abort(self) -> None:
        """Drop everything unpublished; must not raise because of what is being dropped."""
