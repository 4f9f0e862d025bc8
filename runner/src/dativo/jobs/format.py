"""The job format, declared once: reading, the JSON Schema and docs/jobs.md all come from these classes."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (field types are read at run time)
from dataclasses import dataclass, field
from typing import Any

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""Names of jobs, tenants and connectors: they become parts of file names."""


def described(description: str, *, pattern: str = "", example: Any = None) -> dict[str, Any]:
    """Metadata of a field of a format: what a reader must know about it.

    Args:
        description: one or two sentences; Markdown.
        pattern: regular expression that the whole text must match.
        example: a value as one would write it.
    """
    return {"description": description, "pattern": pattern, "example": example}


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from."""

    connector: str = field(
        metadata=described("Name of a tap in the registry.", pattern=NAME, example="tap-csv")
    )
    config: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=described(
            "Settings of the tap, as `tap-… --about` describes them. Relative paths start at the directory "
            "of the job file.",
            example={"files": [{"entity": "users", "path": "data/users.csv", "keys": ["id"]}]},
        ),
    )
    select: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Which streams and properties to load, as in Meltano: `stream.property` with `*`, `?` and `[…]`; "
            "a leading `!` excludes, and exclusion wins. Left out, the tap decides (its default streams).",
            example=["users.*", "!users.password"],
        ),
    )
    metadata: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict,
        metadata=described(
            "Singer metadata to set in the catalog, as in Meltano: stream pattern → key → value, or stream "
            "pattern → property pattern → key → value.",
            example={"users": {"replication-method": "INCREMENTAL", "replication-key": "updated_at"}},
        ),
    )


@dataclass(frozen=True, slots=True)
class Target:
    """Where records go."""

    connector: str = field(
        metadata=described("Name of a target in the registry.", pattern=NAME, example="target-parquet")
    )
    config: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=described(
            "Settings of the target, as `target-… --about` describes them. Relative paths start at the "
            "directory of the job file.",
            example={"destination_path": "output"},
        ),
    )


@dataclass(frozen=True, slots=True)
class StateLocation:
    """Where the job remembers how far it has come."""

    path: str | None = field(
        default=None,
        metadata=described(
            "File that holds the state, relative to the directory of the job file. Left out, "
            "`.dativo/state/NAME.json`, with a tenant `.dativo/state/TENANT/NAME.json`.",
            pattern=".+",
            example="state/users.json",
        ),
    )


@dataclass(frozen=True, slots=True)
class Job:
    """One pair of connectors and what to move between them."""

    name: str = field(
        metadata=described(
            "Name of the job; it stands in logs and names the state.", pattern=NAME, example="users-to-lake"
        )
    )
    source: Source = field(metadata=described("Where records come from."))
    target: Target = field(metadata=described("Where records go."))
    tenant: str | None = field(
        default=None,
        metadata=described(
            "Owner of the job; jobs of two tenants never share a state.", pattern=NAME, example="acme"
        ),
    )
    state: StateLocation = field(
        default_factory=StateLocation,
        metadata=described("Where the job remembers how far it has come."),
    )

    @property
    def full_name(self) -> str:
        """`tenant/name`, or the name alone; the `job` member of the state file."""
        return f"{self.tenant}/{self.name}" if self.tenant else self.name
