"""What maintenance does, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from dativo_protocol.config import setting

_MIB = 1 << 20
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class MaintenanceSettings:
    """What the user may choose of maintenance, by `maintain` and beside a load."""

    small_files: int = setting(
        description="Small files of a partition that are put together: at least so many of them.",
        default=5,
        minimum=2,
    )
    deleted_ratio: float = setting(
        description="Share of deleted rows at which a data file is written anew without them.",
        default=0.1,
        minimum=0.0,
        maximum=1.0,
    )
    delete_files: int = setting(
        description="Delete files at which the data file they apply to is written anew.",
        default=5,
        minimum=1,
    )
    rewrite_mb: int = setting(
        description="Most MiB of data files that one run of `maintain` writes anew in each table.",
        default=100 * 1024,
        minimum=1,
    )
    manifests: int = setting(
        description="Manifests at which all of them are written anew, sorted by partition.",
        default=20,
        minimum=2,
    )
    snapshot_days: float = setting(
        description="Days for which a table can be read as it was; older snapshots expire and their files "
        "are deleted. The table property `history.expire.max-snapshot-age-ms` goes first.",
        default=5.0,
        minimum=0.0,
    )
    snapshots_kept: int = setting(
        description="Newest snapshots of each branch that never expire. The table property "
        "`history.expire.min-snapshots-to-keep` goes first.",
        default=1,
        minimum=1,
    )
    orphan_days: float = setting(
        description="Days after which a file in a table's directories that neither the table nor the ledger "
        "names is deleted. Must be longer than any load takes.",
        default=3.0,
        minimum=0.0,
    )
    every_epochs: int = setting(
        description="Every so many epochs of a pipeline, in one run or over many, the run tends its tables "
        "itself, within narrow limits; 0 for never.",
        default=20,
        minimum=0,
    )
    inline_rewrite_mb: int = setting(
        description="Most MiB of data files that a run writes anew each time it tends a table.",
        default=64,
        minimum=0,
    )

    @property
    def rewrite_bytes(self) -> int:
        """Limit of a run of `maintain`."""
        return self.rewrite_mb * _MIB

    @property
    def inline_rewrite_bytes(self) -> int:
        """Limit of an inline upkeep."""
        return self.inline_rewrite_mb * _MIB

    @property
    def snapshot_age_ms(self) -> int:
        """Age at which a snapshot expires."""
        return int(self.snapshot_days * _DAY_MS)

    @property
    def orphan_age_seconds(self) -> float:
        """Age at which a file that nothing names goes."""
        return self.orphan_days * _DAY_MS / 1000
