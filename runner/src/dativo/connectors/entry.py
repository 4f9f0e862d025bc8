"""What a registry says of one connector: the format of an entry, declared once."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from dativo.jobs.describe import described
from dativo.jobs.names import NAME
from dativo.records import dataclass

Kind = Literal["tap", "target", "mapper"]
Maturity = Literal["alpha", "beta", "stable"]
Engine = Literal["native", "singer"]
Origin = Literal["pypi", "path", "wheel"]
Mode = Literal["self_hosted", "cloud"]


@dataclass(frozen=True, slots=True)
class Paths:
    """Settings that name files and directories, as `outer.inner`; a list's items go by its name."""

    read: tuple[str, ...] = field(
        default=(), metadata=described("Settings with paths that it reads.", example=["files.path"])
    )
    write: tuple[str, ...] = field(
        default=(), metadata=described("Settings with paths that it writes.", example=["destination_path"])
    )


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who may use a connector, and where. What is left out is allowed."""

    tenants: tuple[str, ...] = field(
        default=("*",),
        metadata=described(
            "Patterns of tenants. Jobs without a tenant may use every connector.", example=["acme", "eu-*"]
        ),
    )
    modes: tuple[Mode, ...] = field(
        default=("self_hosted", "cloud"),
        metadata=described("Values of the project's `policy.mode`.", example=["self_hosted"]),
    )


@dataclass(frozen=True, slots=True)
class Connector:
    """One entry of a registry."""

    name: str = field(metadata=described("Name that jobs use.", pattern=NAME, example="tap-csv"))
    kind: Kind = field(metadata=described("`tap`, `target` or `mapper`."))
    distribution: str = field(metadata=described("Package that installs it.", pattern=NAME))
    version: str = field(metadata=described("Version of that package that the entry speaks of."))
    executable: str = field(
        metadata=described(
            "Program to start: a name (looked up in its own environment, beside `dativo`, then on PATH), or "
            "a path relative to the registry file.",
            pattern=".+",
        )
    )
    description: str = field(metadata=described("One line."))
    maturity: Maturity = field(metadata=described("How far it can be relied on."))
    capabilities: tuple[str, ...] = field(
        default=(), metadata=described("Singer capabilities, as `--about` prints them.")
    )
    secret_settings: tuple[str, ...] = field(
        default=(),
        metadata=described("Settings whose values never appear in logs, as `outer.inner`."),
    )
    path: str | None = field(default=None, metadata=described("Directory of its source in the repository."))
    engine: Engine = field(
        default="singer",
        metadata=described(
            "`native`: one of dativo's own, which may be started while the target is being asked where it "
            "stands; `singer`: any other that keeps to Singer."
        ),
    )
    settings: str | None = field(
        default=None,
        metadata=described(
            "JSON Schema of its settings: a file beside the registry. Left out, the connector is asked "
            "(`--about`) and its answer kept.",
            pattern=".+",
            example="tap-x.settings.json",
        ),
    )
    objects: tuple[str, ...] = field(
        default=(), metadata=described("Kinds of things it loads or writes.", example=["tables", "views"])
    )
    incremental: tuple[str, ...] = field(
        default=(),
        metadata=described("Ways in which it loads only what is new.", example=["cursor", "log"]),
    )
    environment: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Patterns of environment variables that it may see. Never for the job of a tenant, unless the "
            "tenant's `env` names them.",
            example=["AWS_*"],
        ),
    )
    paths: Paths = field(
        default_factory=Paths,
        metadata=described("Settings that name paths; in a sandbox nothing else of the machine is there."),
    )
    network: bool = field(
        default=False,
        metadata=described("Whether it may reach the network in a sandbox, as `network` of a job says too."),
    )
    source: Origin = field(
        default="pypi",
        metadata=described("Where `dativo install` takes it from."),
    )
    requirement: str | None = field(
        default=None,
        metadata=described(
            "What to install, if not the newest version of `distribution`; paths start at the registry file.",
            pattern=".+",
            example="tap-x==1.2.*",
        ),
    )
    sha256: str | None = field(
        default=None,
        metadata=described(
            "SHA-256 of the executable, if `executable` is a path; another file is not started.",
            pattern="[0-9a-f]{64}",
        ),
    )
    signature: str | None = field(
        default=None,
        metadata=described(
            "File beside the registry with the ed25519 signature, base64, of the executable's SHA-256.",
            pattern=".+",
            example="tap-x.sig",
        ),
    )
    policy: Allowed = field(
        default_factory=Allowed, metadata=described("Who may use it, and where; enforced in every run.")
    )

    def can(self, capability: str) -> bool:
        return capability in self.capabilities


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """A whole registry file."""

    version: Literal[1] = field(metadata=described("Version of the format."))
    connectors: tuple[Connector, ...] = field(metadata=described("The connectors."))
