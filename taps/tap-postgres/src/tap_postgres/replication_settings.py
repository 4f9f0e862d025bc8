"""Settings of log-based replication; names of MeltanoLabs' and PipelineWise's taps mean the same here."""
# ruff: noqa: RUF009 -- setting() declares a field, it is not a default

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dativo_protocol.config import setting

from tap_postgres.connection_settings import FLAG_TEXT, Flag

MetadataColumn = Literal["_sdc_lsn", "_sdc_commit_time", "_sdc_xid"]
OnTruncate = Literal["activate_version", "ignore", "fail"]
UnchangedToast = Literal["fetch", "null"]
OnWalLimit = Literal["warn", "stop", "drop_slot"]
OnLostSlot = Literal["fail", "resnapshot"]

_SLOT_NAME = "^[a-z0-9_]{1,63}$"
_DEFAULT_SLOT = "tappostgres"
_MAX_RUN_SECONDS = 600
_IDLE_EXIT_SECONDS = 60


@dataclass(frozen=True)
class SlotSettings:
    """What on the server the changes come from."""

    replication_slot_name: str | None = setting(
        description=(
            "LOG_BASED: the replication slot, `tappostgres` by default. If that is one of another plugin, "
            "such as wal2json, `<name>_pgoutput` is used. One slot for each pipeline."
        ),
        default=None,
        pattern=_SLOT_NAME,
    )
    tap_id: str | None = setting(
        description="PipelineWise's id, after which its slot is named `pipelinewise_<database>_<tap_id>`.",
        default=None,
    )
    manage_slot: Flag = setting(
        description="LOG_BASED: create the slot if it is not there; otherwise that is an error.",
        default=True,
        pattern=FLAG_TEXT,
    )
    replication_slot_wait_seconds: int = setting(
        description=(
            "LOG_BASED: how long to wait until nobody else reads from the slot, and for a slot to be "
            "created or a snapshot to be taken, for which the server waits for all open transactions that "
            "have written."
        ),
        default=60,
        minimum=1,
    )
    publication_name: str | None = setting(
        description="LOG_BASED: the publication; by default named as the slot.", default=None
    )
    manage_publication: Flag = setting(
        description=(
            "LOG_BASED: create the publication and add selected tables to it; the user must own them. "
            "Otherwise what is missing is an error with the SQL to run."
        ),
        default=True,
        pattern=FLAG_TEXT,
    )
    wal_warn_bytes: int = setting(
        description="LOG_BASED: warn when the slot makes the server keep more WAL than this; 0 for never.",
        default=8 << 30,
        minimum=0,
    )
    wal_limit_bytes: int = setting(
        description="LOG_BASED: act when the slot makes the server keep more WAL than this; 0 for never.",
        default=0,
        minimum=0,
    )
    on_wal_limit: OnWalLimit = setting(
        description=(
            "LOG_BASED: at that limit only `warn`; `stop` the run after the next transaction, so that the "
            "next run confirms what this one has read; or `drop_slot`, which saves the server and fails the "
            "run."
        ),
        default="warn",
    )
    on_lost_slot: OnLostSlot = setting(
        description=(
            "LOG_BASED: when changes after the STATE are not on the server any more, `fail` or `resnapshot` "
            "the streams that are affected: they are read anew, in a new version."
        ),
        default="fail",
    )


@dataclass(frozen=True)
class ReplicationSettings(SlotSettings):
    """How changes are read."""

    break_at_end_lsn: Flag = setting(
        description="LOG_BASED: end the run at the position the server had when it began.",
        default=True,
        pattern=FLAG_TEXT,
    )
    replication_max_run_seconds: int | None = setting(
        description="LOG_BASED: longest to read changes; the run ends after the transaction. 600 by default.",
        default=None,
        minimum=1,
    )
    max_run_seconds: int | None = setting(
        description="Another name of `replication_max_run_seconds`, as PipelineWise has it.",
        default=None,
        minimum=1,
    )
    replication_idle_exit_seconds: int | None = setting(
        description="LOG_BASED: end the run after so long without a change. 60 by default.",
        default=None,
        minimum=1,
    )
    logical_poll_total_seconds: int | None = setting(
        description="Another name of `replication_idle_exit_seconds`, as PipelineWise has it.",
        default=None,
        minimum=1,
    )
    state_interval_seconds: int = setting(
        description="LOG_BASED: time between two STATEs, always after a transaction.", default=30, minimum=0
    )
    stream_large_transactions: Flag = setting(
        description=(
            "LOG_BASED: take large transactions before they are committed and keep them in a temporary file "
            "here, instead of on the server. Needs PostgreSQL 14."
        ),
        default=False,
        pattern=FLAG_TEXT,
    )
    replication_metadata_columns: list[MetadataColumn] = setting(
        description=(
            "LOG_BASED: columns besides `_sdc_deleted_at`: `_sdc_lsn` (position of the change), "
            "`_sdc_commit_time`, `_sdc_xid`."
        ),
        default_factory=lambda: ["_sdc_lsn"],
    )
    on_truncate: OnTruncate = setting(
        description=(
            "LOG_BASED: when a table is truncated, begin a new version of it (`activate_version`), `ignore` "
            "it with a warning, or `fail`."
        ),
        default="activate_version",
    )
    unchanged_toast: UnchangedToast = setting(
        description=(
            "LOG_BASED: large values that an update left as they were are not in the log: `fetch` them from "
            "the table, or `null`."
        ),
        default="fetch",
    )

    @property
    def longest_run(self) -> int:
        """Seconds."""
        return self.replication_max_run_seconds or self.max_run_seconds or _MAX_RUN_SECONDS

    @property
    def longest_silence(self) -> int:
        """Seconds."""
        return self.replication_idle_exit_seconds or self.logical_poll_total_seconds or _IDLE_EXIT_SECONDS

    def slot_name(self, database: str) -> str:
        """Return the name of the slot, before it is known what is there."""
        if self.replication_slot_name is None and self.tap_id is not None:
            return re.sub("[^a-z0-9_]", "_", f"pipelinewise_{database}_{self.tap_id}".lower())[:63]
        return self.replication_slot_name or _DEFAULT_SLOT
